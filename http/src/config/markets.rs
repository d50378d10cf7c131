//! The marketplaces of a server: built in, or files.

use std::path::Path;

use surehold::domain::plan::Plan;

use super::{ConfigError, read};

/// The markets that are built in, by name.
const BUILT_IN: [(&str, &str); 1] =
    [("talentshare", include_str!("../../../markets/talentshare.toml"))];
/// The reference markets that will be built in.
const TO_COME: [&str; 4] = ["gasstation", "yogiyogi", "edu", "airbnb"];
/// First parts of addresses that belong to the server itself, or to the dialect at the root.
const RESERVED: [&str; 11] = [
    "v1",
    "admin",
    "livez",
    "readyz",
    "metrics",
    "actuator",
    "echo",
    "orders",
    "confirmations",
    "cancellations",
    "mypages",
];

/// The markets asked for, or all that are built in if none was.
///
/// # Errors
/// The first one that is none, or comes twice.
pub fn load(names: &[String]) -> Result<Vec<Plan>, ConfigError> {
    let plans = if names.is_empty() {
        BUILT_IN.iter().map(|(name, _)| one(name)).collect::<Result<Vec<_>, _>>()?
    } else {
        names.iter().map(|name| one(name.trim())).collect::<Result<Vec<_>, _>>()?
    };
    for (place, plan) in plans.iter().enumerate() {
        if plans[..place].iter().any(|other| other.name == plan.name) {
            let reason = format!("--market: there are two markets called \"{}\"", plan.name);
            return Err(ConfigError::Value(reason));
        }
    }
    Ok(plans)
}

fn one(name: &str) -> Result<Plan, ConfigError> {
    if let Some((name, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
        return Ok(Plan::parse(&format!("{name}.toml"), text)?);
    }
    let known: Vec<_> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    let known = known.join(", ");
    if TO_COME.contains(&name) {
        let reason = format!("--market: \"{name}\" is not built in yet; built in so far: {known}");
        return Err(ConfigError::Value(reason));
    }
    if !name.ends_with(".toml") && !Path::new(name).is_file() {
        let reason =
            format!("--market: \"{name}\" is neither a built-in market ({known}) nor a TOML file");
        return Err(ConfigError::Value(reason));
    }
    file(Path::new(name))
}

/// Reads a market file.
///
/// # Errors
/// What is wrong with it, naming the file and the key.
pub fn file(path: &Path) -> Result<Plan, ConfigError> {
    let shown = path.display().to_string();
    let plan = Plan::parse(&shown, &read(path)?)?;
    if RESERVED.contains(&plan.name.as_str()) {
        let reason = format!("{shown}: name: \"{}\" belongs to the server itself", plan.name);
        return Err(ConfigError::Value(reason));
    }
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong_with_a_name() {
        assert_eq!(load(&[]).unwrap()[0].name, "talentshare");
        for (names, words) in [
            (vec!["edu"], "not built in yet"),
            (vec!["nowhere"], "neither"),
            (vec!["nowhere.toml"], "cannot be read"),
            (vec!["talentshare", "talentshare"], "two markets"),
        ] {
            let names: Vec<_> = names.into_iter().map(str::to_owned).collect();
            let error = load(&names).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}

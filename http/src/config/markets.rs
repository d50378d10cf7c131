//! The marketplaces of a server: built in, or files.

use std::path::Path;

use surehold::domain::plan::Plan;

use super::{ConfigError, read};

/// The reference markets, in the order in which they are served, with their files.
const BUILT_IN: [(&str, &str); 5] = [
    ("talentshare", include_str!("../../../markets/talentshare.toml")),
    ("gasstation", include_str!("../../../markets/gasstation.toml")),
    ("yogiyogi", include_str!("../../../markets/yogiyogi.toml")),
    ("edu", include_str!("../../../markets/edu.toml")),
    ("airbnb", include_str!("../../../markets/airbnb.toml")),
];

/// First parts of addresses that belong to the server itself, or to a dialect at the root. Names of
/// markets have no capitals, so that `paymentHist` and the like need not be here.
const RESERVED: [&str; 28] = [
    "v1",
    "admin",
    "livez",
    "readyz",
    "metrics",
    "actuator",
    "echo",
    "webhooks",
    "profile",
    "orders",
    "confirmations",
    "cancellations",
    "mypages",
    "reservations",
    "payments",
    "educations",
    "rooms",
    "reviews",
    "messages",
    "roomviews",
    "mileages",
    "check",
    "product",
    "products",
    "shipments",
    "stocks",
    "accounts",
    "sales",
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
        let all: Vec<_> = load(&[]).unwrap().into_iter().map(|plan| plan.name).collect();
        assert_eq!(all, ["talentshare", "gasstation", "yogiyogi", "edu", "airbnb"]);
        for (names, words) in [
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

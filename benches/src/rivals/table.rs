//! The table of the README, made of the findings of a comparison and of nothing else.

use std::fmt::Write;

use crate::findings::Findings;

/// The table, in Markdown, with machine and date.
#[must_use]
pub fn markdown(findings: &Findings) -> String {
    let mut text = String::from(
        "| | orders/s, spread | one hot offering | p50, spread | Surehold takes, times as many | half-done |\n\
         |---|---|---|---|---|---|\n",
    );
    let rows = findings.figures.iter().filter_map(|figure| {
        let prefix = figure.key.strip_suffix(".spread")?;
        Some((prefix, figure.what.trim_end_matches(": spread"), figure.median))
    });
    let of = |prefix: &str, name: &str| {
        let key = format!("{prefix}.{name}");
        findings.figures.iter().find(|figure| figure.key == key).map_or(f64::NAN, |it| it.median)
    };
    let ours = rows.clone().next().map_or(("", f64::NAN), |(prefix, _, rate)| (prefix, rate));
    for (prefix, name, rate) in rows {
        let (hot, p50) = (of(prefix, "hot"), of(prefix, "spread.p50"));
        let half_done = of(prefix, "gone.unpaid") + of(prefix, "gone.orderless");
        let (name, times) = if prefix == ours.0 {
            (format!("**{name}**"), "-".to_owned())
        } else {
            let (spread, hot) = (ours.1 / rate, of(ours.0, "hot") / hot);
            (name.to_owned(), format!("{spread:.1}, hot {hot:.1}"))
        };
        let row = format!(
            "| {name} | {} | {} | {p50:.1} ms | {times} | {half_done:.0} |\n",
            grouped(rate),
            grouped(hot)
        );
        text.push_str(&row);
    }
    let setting = |name: &str| {
        let found = findings.settings.iter().find(|(it, _)| it == name);
        found.map_or("?", |(_, value)| value.as_str())
    };
    let machine = &findings.machine;
    // Writing into a string cannot fail.
    write!(
        text,
        "\n{}, {} cores ({}) shared by generator and all processes of the measured, Linux {}, {}, 4 KiB `fdatasync` \
         {:.2} ms; {} connections, {} offerings, medians of {} rounds; {} clients that go away.\n",
        setting("date"),
        machine.cores,
        machine.processor,
        machine.kernel,
        machine.file_system,
        machine.sync.p50_ms,
        setting("connections"),
        setting("offerings"),
        setting("rounds"),
        setting("clients that go away"),
    )
    .ok();
    text
}

/// A whole number with its thousands apart; rates beyond a million are not expected.
fn grouped(rate: f64) -> String {
    let whole = format!("{rate:.0}");
    match whole.len().checked_sub(3) {
        Some(at) if at > 0 && rate.is_finite() => format!("{},{}", &whole[..at], &whole[at..]),
        Some(_) | None => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_stand_apart() {
        let written = [7.4, 999.6, 12_345.0, f64::NAN].map(grouped);
        assert_eq!(written, ["7", "1,000", "12,345", "NaN"]);
    }
}

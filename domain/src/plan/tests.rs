//! A good plan, and every way to spoil it.

use super::Plan;
use crate::terms::{ConfirmedBy, PaymentTerms};
use crate::time::Span;

const GOOD: &str = r#"
name = "demo"
currency = "EUR"
[payment]
when = "later"
within = "2 h"
when_unavailable = "pay_later"
[confirmation]
by = "operator"
within = "1 d"
[[cancellation.tiers]]
until = "48 h"
percent = 100
[[cancellation.tiers]]
until = "24 h"
percent = 50
[[offerings]]
id = 1
name = "A seat"
price = { amount = 1250 }
inventory = { model = "seats", capacity = 3 }
attributes = { row = 4, window = true }
"#;

#[test]
fn reads_a_whole_plan() {
    let plan = Plan::parse("demo.toml", GOOD).unwrap();
    assert_eq!(plan.title, "demo");
    assert_eq!(plan.terms.payment, PaymentTerms::Later { within: Span::seconds(7200) });
    assert_eq!(plan.terms.confirmation.by, ConfirmedBy::Operator);
    assert_eq!(plan.terms.tiers.len(), 2);
    assert_eq!(plan.offerings[0].offering.price.to_string(), "1250 EUR");
}

#[test]
fn names_file_key_and_reason() {
    let cases = [
        ("name = \"demo\"", "name = \"Demo\"", "name", "small letters"),
        ("currency = \"EUR\"", "currency = \"eur\"", "currency", "three capital letters"),
        ("within = \"2 h\"", "within = \"2 hours\"", "payment.within", "length of time"),
        ("within = \"2 h\"", "within = \"0 s\"", "payment.within", "longer than nothing"),
        ("when = \"later\"", "when = \"soon\"", "payment.w", ""),
        ("when = \"later\"", "when = \"none\"", "payment.within", "only goes with"),
        ("by = \"operator\"", "by = \"boss\"", "confirmation.by", "one of \"auto\""),
        ("percent = 50", "percent = 150", "cancellation.tiers[1].percent", "0 to 100"),
        ("until = \"24 h\"", "until = \"72 h\"", "cancellation.tiers[1].until", "shorter"),
        ("amount = 1250", "amount = -1", "offerings[0].price.amount", "whole number"),
        ("capacity = 3", "capacity = 0", "offerings[0].inventory.capacity", "from 1"),
        ("model = \"seats\"", "model = \"chairs\"", "offerings[0].inventory.model", "one of"),
        ("model = \"seats\", ", "model = \"stock\", ", "offerings[0].inventory", "quantity"),
        ("id = 1", "id = 0", "offerings[0].id", "from 1"),
        ("row = 4", "row = [4]", "offerings[0].attributes.row", "a text, a number"),
        ("row = 4", "row = 4, \"\\u0007\" = 1", "offerings[0].attributes.", "control"),
        ("capacity = 3", "capacty = 3", "line 21", "unknown field"),
        ("capacity = 3", "capacity = \"3\"", "line 21", "invalid type"),
        ("[payment]", "[payment", "line 4", ""),
    ];
    for (from, to, key, reason) in cases {
        let text = GOOD.replace(from, to);
        assert_ne!(text, GOOD, "{from} is in the good plan");
        let error = Plan::parse("demo.toml", &text).unwrap_err();
        assert!(error.to_string().starts_with("demo.toml: "), "{error}");
        assert!(error.key.starts_with(key), "{to}: {error}");
        assert!(error.reason.contains(reason), "{to}: {error}");
    }
}

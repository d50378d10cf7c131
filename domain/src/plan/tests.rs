//! Good plans, and every way to spoil them that a person finds.

use super::{Plan, Words};
use crate::inventory::Model;
use crate::message::Occasion;
use crate::quantity::Quantity;
use crate::terms::{ConfirmedBy, Earn, LateMoney, MileageTerms, PaymentTerms};
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

const HOTEL: &str = r#"name = "hotel"
currency = "KRW"
zone = "Europe/Berlin"
price = { amount = 1000 }
overbook = 2

[mileage]
points = 1
sync = true

[messages]
confirmed = "Order {order} of {name} is confirmed."
earned = "{customer} has {points} more."

[supply]
confirmation = { by = "operator", within = "2 d" }

[[offerings]]
id = 1
name = "Room"
inventory = { model = "nights", units = 3, overbook = 1 }

[[offerings]]
id = 2
name = "Sauna"
price = { amount = 7, currency = "EUR" }

[offerings.inventory]
model = "slots"
capacity = 2
slots = [
    "2027-03-28T10:00",
    2027-03-28T09:00:00,
    "2026-10-25T02:30+01:00",
]
repeat = { from = "2027-03-28", to = 2027-04-05, days = ["sun"], times = ["02:30", "10:00"] }

[[offerings]]
id = 3
name = "Towel"
inventory = { model = "stock", quantity = 20.5 }

[[offerings]]
id = 4
name = "Water"
inventory = { model = "unlimited" }
"#;

#[test]
fn reads_a_whole_plan() {
    let plan = Plan::parse("demo.toml", GOOD).unwrap();
    assert_eq!(plan.title, "demo");
    assert_eq!(plan.terms.payment, PaymentTerms::Later { within: Span::seconds(7200) });
    assert_eq!(plan.terms.confirmation.by, ConfirmedBy::Operator);
    assert_eq!(plan.terms.tiers.len(), 2);
    assert_eq!(plan.offerings[0].offering.price.to_string(), "1250 EUR");
    assert_eq!((plan.zone.name(), plan.price, plan.terms.mileage), ("UTC", None, None));
    assert_eq!((plan.overbook, plan.supply), (Quantity::NONE, None));
}

#[test]
fn reads_a_plan_with_everything() {
    let plan = Plan::parse("hotel.toml", HOTEL).unwrap();
    assert_eq!(plan.zone.name(), "Europe/Berlin");
    assert_eq!(plan.price.unwrap().to_string(), "1000 KRW");
    let mileage = MileageTerms { earn: Earn::Fixed(1), sync: true };
    assert_eq!(plan.terms.mileage, Some(mileage));
    let supply = plan.supply.clone().unwrap();
    assert_eq!(supply.payment, PaymentTerms::None);
    assert_eq!(supply.confirmation.by, ConfirmedBy::Operator);
    assert_eq!((supply.confirmation.within, supply.mileage), (Span::seconds(172_800), None));
    assert_eq!(plan.terms.confirmation.by, ConfirmedBy::Auto);
    let (name, customer, market) = ("Room", "ann", "hotel");
    let words = Words { order: 5, offering: 1, name, customer, market, points: 0 };
    let said = plan.messages.text(Occasion::Confirmed, &words);
    assert_eq!(said.as_deref(), Some("Order 5 of Room is confirmed."));
    let sold: Vec<_> = plan.offerings.iter().map(|it| &it.offering).collect();
    let overbook: Vec<_> = sold.iter().map(|it| it.overbook.to_string()).collect();
    assert_eq!(overbook, ["1", "2", "2", "0"]);
    let prices: Vec<_> = sold.iter().map(|it| it.price.to_string()).collect();
    assert_eq!(prices, ["1000 KRW", "7 EUR", "1000 KRW", "1000 KRW"]);
    assert_eq!(sold[0].model, Model::Nights { units: Quantity::whole(3).unwrap() });
    let Model::Slots { zone, slots, .. } = &sold[1].model else { panic!("{:?}", sold[1]) };
    assert_eq!(zone, &plan.zone);
    // 02:30 does not exist on March 28, and is left out on that day only.
    let names: Vec<_> = slots.iter().map(|slot| slot.name()).collect();
    let right = [
        "2026-10-25T02:30+01:00",
        "2027-03-28T09:00",
        "2027-03-28T10:00",
        "2027-04-04T02:30",
        "2027-04-04T10:00",
    ];
    assert_eq!(names, right);
}

#[test]
fn an_offering_repeats_every_day_and_has_a_zone_of_its_own() {
    let long = "slots = [\"2027-03-28T10:00\"]\nzone = \"asia/seoul\"\nrepeat = [\
        { from = \"2026-10-24\", to = \"2026-10-27\", times = [02:30:00] },\
        { from = \"2026-12-24\", to = \"2026-12-25\", times = [\"08:00\"] } ]";
    let start = HOTEL.find("slots = [").unwrap();
    let end = HOTEL.find("\n\n[[offerings]]\nid = 3").unwrap();
    let text = format!("{}{long}{}", &HOTEL[..start], &HOTEL[end..]);
    let read = |text: &str| {
        let mut plan = Plan::parse("hotel.toml", text).unwrap();
        let model = plan.offerings.remove(1).offering.model;
        let Model::Slots { zone, slots, .. } = model else { panic!("{model:?}") };
        (zone, slots)
    };
    let (zone, slots) = read(&text);
    assert_eq!((zone.name(), slots.len()), ("Asia/Seoul", 5));
    // In Berlin 02:30 comes twice on October 25, and the first is meant.
    let (zone, slots) = read(&text.replace("asia/seoul", "Europe/Berlin"));
    assert_eq!((zone.name(), slots.len()), ("Europe/Berlin", 5));
    assert_eq!(slots[1].name(), "2026-10-25T02:30+02:00");
}

/// What is written instead of what, and the line, the key and the words of the error.
type Case = (&'static str, &'static str, usize, &'static str, &'static str);

fn spoil(good: &str, cases: &[Case]) {
    for (from, to, line, key, reason) in cases {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from} is in the good plan");
        let error = Plan::parse("demo.toml", &text).unwrap_err();
        let start = format!("demo.toml: line {line}: {key}: ");
        assert!(error.to_string().starts_with(&start), "{to}: {error}\nnot {start}");
        assert!(error.reason.contains(reason), "{to}: {error}\nnot {reason}");
        assert!(error.line == Some(*line) && error.key == *key && error.file == "demo.toml");
    }
}

const SPOILT: &[Case] = &[
    ("name = \"demo\"", "name = \"Demo\"", 2, "name", "small letters"),
    ("name = \"demo\"", "", 1, "name", "is missing: the market's name"),
    ("currency = \"EUR\"", "currency = \"eur\"", 3, "currency", "three capital letters"),
    ("currency = \"EUR\"", "", 1, "currency", "is missing"),
    ("currency = \"EUR\"", "currency = 978", 3, "currency", "number 978 was found"),
    ("currency = \"EUR\"", "currency = EUR", 3, "currency", "quoted"),
    ("within = \"2 h\"", "within = \"2 hours\"", 6, "payment.within", "length of time"),
    ("within = \"2 h\"", "within = 2", 6, "payment.within", "in quotes, such as \"15 min\""),
    ("within = \"2 h\"", "within = \"0 s\"", 6, "payment.within", "longer than nothing"),
    ("within = \"2 h\"", "widthin = \"2 h\"", 6, "payment.widthin", "do you mean \"within\""),
    ("within = \"2 h\"", "zone = \"UTC\"", 6, "payment.zone", "top of the file"),
    ("when = \"later\"", "when = \"soon\"", 5, "payment.when", "one of \"with_order\""),
    ("when = \"later\"", "when = \"none\"", 6, "payment.within", "only goes with"),
    ("when = \"later\"", "when = true", 5, "payment.when", "and true was found"),
    ("by = \"operator\"", "by = \"boss\"", 9, "confirmation.by", "one of \"auto\""),
    ("[confirmation]", "[[confirmation]]", 8, "confirmation", "must be one table"),
    ("percent = 50", "percent = 150", 16, "cancellation.tiers[1].percent", "0 to 100"),
    ("percent = 50", "", 14, "cancellation.tiers[1].percent", "is missing"),
    ("until = \"24 h\"", "until = \"72 h\"", 15, "cancellation.tiers[1].until", "shorter"),
    ("amount = 1250", "amount = -1", 20, "offerings[0].price.amount", "whole number"),
    ("amount = 1250", "amount = 12.50", 20, "offerings[0].price.amount", "minor units"),
    ("{ amount = 1250 }", "1250", 20, "offerings[0].price", "price = { amount = ... }"),
    ("price = { amount = 1250 }", "", 17, "offerings[0].price", "is missing: write price"),
    ("capacity = 3", "capacity = 0", 21, "offerings[0].inventory.capacity", "from 1 to 1000000000"),
    ("capacity = 3", "capacity = \"3\"", 21, "offerings[0].inventory.capacity", "without quotes"),
    (
        "capacity = 3",
        "capacty = 3",
        21,
        "offerings[0].inventory.capacty",
        "do you mean \"capacity\"",
    ),
    (", capacity = 3", "", 21, "offerings[0].inventory.capacity", "is missing: how many seats"),
    ("\"seats\"", "\"chairs\"", 21, "offerings[0].inventory.model", "one of \"unlimited\""),
    ("\"seats\"", "\"stock\"", 21, "offerings[0].inventory.capacity", "which has quantity"),
    ("\"seats\"", "\"nights\"", 21, "offerings[0].inventory.capacity", "which has units"),
    ("\"seats\"", "\"unlimited\"", 21, "offerings[0].inventory.capacity", "nothing else"),
    ("model = \"seats\", ", "", 21, "offerings[0].inventory.model", "is missing: one of"),
    ("inventory = {", "# {", 17, "offerings[0].inventory", "is missing: how it is counted"),
    ("id = 1", "id = 0", 18, "offerings[0].id", "from 1 to 1000000"),
    ("id = 1", "", 17, "offerings[0].id", "is missing"),
    ("[[offerings]]", "[offerings]", 17, "offerings", "write [[offerings]]"),
    ("[[offerings]]", "[[ofering]]", 17, "ofering", "Allowed here: name"),
    ("row = 4", "row = [4]", 22, "offerings[0].attributes.row", "a text, a number"),
    ("[payment]", "[payment", 4, "[payment", "]"),
    ("[payment]", "name = \"again\"", 4, "name", "duplicate key"),
];

const SLOT: &str = "offerings[1].inventory.slots[0]";

const SPOILT_HOTEL: &[Case] = &[
    ("zone = \"Europe/Berlin\"", "zone = \"Berlin\"", 3, "zone", "do you mean \"Europe/Berlin\""),
    ("zone = \"Europe/Berlin\"", "zone = 1", 3, "zone", "the name of a time zone in quotes"),
    ("zone = \"Europe/Berlin\"", "time_zone = \"UTC\"", 3, "time_zone", "zone"),
    ("price = { amount = 1000 }", "", 18, "offerings[0].price", "at the top of the file"),
    ("overbook = 2", "overbook = 1.5", 5, "overbook", "whole number"),
    ("overbook = 2", "overbook = -1", 5, "overbook", "from 0"),
    ("points = 1", "", 7, "mileage", "per = 1000"),
    ("points = 1", "points = 1\nper = 5", 9, "mileage.per", "one of the two"),
    ("points = 1", "per = 0", 8, "mileage.per", "from 1"),
    ("sync = true", "sync = \"yes\"", 9, "mileage.sync", "true or false, without quotes"),
    ("{order}", "{ordre}", 12, "messages.confirmed", "{ordre}"),
    ("confirmed =", "booked =", 12, "messages.booked", "Allowed here: waiting, paid"),
    ("[supply]", "[supply]\npayment = {}", 16, "supply.payment", "Allowed here"),
    ("by = \"operator\"", "by = \"me\"", 16, "supply.confirmation.by", "auto"),
    ("units = 3", "capacity = 3", 21, "offerings[0].inventory.capacity", "which has units"),
    ("units = 3, overbook = 1", "", 21, "offerings[0].inventory.units", "each night"),
    ("overbook = 1 ", "overbook = 0.5 ", 21, "offerings[0].inventory.overbook", "whole"),
    (
        "\"unlimited\"",
        "\"unlimited\", overbook = 1",
        46,
        "offerings[3].inventory.overbook",
        "nothing else",
    ),
    ("capacity = 2", "", 28, "offerings[1].inventory.capacity", "each slot"),
    ("\"2027-03-28T10:00\"", "\"2027-03-28\"", 32, SLOT, "is not a time such as"),
    ("\"2027-03-28T10:00\"", "\"2027-03-28T02:10\"", 32, SLOT, "does not exist in Europe/Berlin"),
    (
        "\"2027-03-28T10:00\"",
        "\"2027-03-28T09:00\"",
        33,
        "offerings[1].inventory.slots[1]",
        "listed twice",
    ),
    ("\"2027-03-28T10:00\"", "20270328", 32, SLOT, "a text in quotes"),
    ("+01:00", "", 34, "offerings[1].inventory.slots[2]", "exists twice in Europe/Berlin"),
    ("2027-04-05", "2027-03-28", 36, "offerings[1].inventory.repeat.to", "after from"),
];

const LATE: &str = r#"name = "late"
currency = "EUR"
[payment]
when = "with_order"
late = "retake"
[cancellation]
no_show = 25
"#;

const SPOILT_LATE: &[Case] = &[
    ("\"retake\"", "\"keep\"", 5, "payment.late", "one of \"refund\", \"retake\""),
    ("\"retake\"", "true", 5, "payment.late", "and true was found"),
    ("late = \"retake", "lat = \"retake", 5, "payment.lat", "do you mean \"late\""),
    ("\"with_order\"", "\"none\"", 5, "payment.late", "nothing is paid"),
    ("no_show = 25", "no_show = 101", 7, "cancellation.no_show", "from 0 to 100"),
    ("no_show = 25", "no_show = -1", 7, "cancellation.no_show", "from 0 to 100"),
    ("no_show = 25", "no_show = 2.5", 7, "cancellation.no_show", "whole number"),
    ("no_show = 25", "no_show = \"25\"", 7, "cancellation.no_show", "without quotes"),
    ("no_show = 25", "noshow = 25", 7, "cancellation.noshow", "do you mean \"no_show\""),
];

#[test]
fn reads_what_becomes_of_late_money_and_of_who_does_not_come() {
    let read = |text: &str| {
        let terms = Plan::parse("late.toml", text).unwrap().terms;
        (terms.late, terms.no_show)
    };
    assert_eq!(read(LATE), (LateMoney::Retake, 25));
    assert_eq!(read(&LATE.replace("retake", "refund")), (LateMoney::Refund, 25));
    assert_eq!(read(&LATE.replace("no_show = 25", "no_show = 100")), (LateMoney::Retake, 100));
    assert_eq!(read(GOOD), (LateMoney::Refund, 0), "unless the file says otherwise");
    spoil(LATE, SPOILT_LATE);
}

const SPOILT_SLOTS: &[Case] = &[
    ("to = 2027-04-05", "to = \"2027-02-30\"", 36, "offerings[1].inventory.repeat.to", "calendar"),
    ("to = 2027-04-05, ", "", 36, "offerings[1].inventory.repeat.to", "is missing"),
    ("[\"sun\"]", "[\"Sunday\"]", 36, "offerings[1].inventory.repeat.days[0]", "mon, tue"),
    ("[\"sun\"]", "\"sun\"", 36, "offerings[1].inventory.repeat.days", "must be a list"),
    ("[\"sun\"]", "[]", 36, "offerings[1].inventory.repeat", "makes no slot"),
    ("2027-04-05", "2099-04-05", 36, "offerings[1].inventory.repeat", "at most 2000"),
    ("\"10:00\"]", "\"10 am\"]", 36, "offerings[1].inventory.repeat.times[1]", "such as \"08:00\""),
    ("times = [", "time = [", 36, "offerings[1].inventory.repeat.time", "do you mean \"times\""),
    (
        "quantity = 20.5",
        "quantity = \"many\"",
        41,
        "offerings[2].inventory.quantity",
        "three decimals",
    ),
    ("quantity = 20.5", "quantity = true", 41, "offerings[2].inventory.quantity", "20 or 0.5"),
    (", quantity = 20.5", "", 41, "offerings[2].inventory.quantity", "is missing"),
];

#[test]
fn names_file_line_key_and_reason() {
    spoil(GOOD, SPOILT);
    let text = GOOD.replace("row = 4", "row = 4, \"\\u0007\" = 1");
    let error = Plan::parse("demo.toml", &text).unwrap_err();
    assert!(error.key == "offerings[0].attributes." && error.line == Some(22), "{error}");
    let twice = format!("{GOOD}{}", &GOOD[GOOD.find("[[offerings]]").unwrap()..]);
    let error = Plan::parse("demo.toml", &twice).unwrap_err().to_string();
    assert_eq!(error, "demo.toml: line 24: offerings[1].id: is used twice");
}

#[test]
fn says_what_is_wrong_with_the_newer_parts() {
    spoil(HOTEL, SPOILT_HOTEL);
    spoil(HOTEL, SPOILT_SLOTS);
    let start = HOTEL.find("slots = [").unwrap();
    let end = HOTEL.find("\n\n[[offerings]]\nid = 3").unwrap();
    let none = format!("{}{}", &HOTEL[..start], &HOTEL[end..]);
    let error = Plan::parse("hotel.toml", &none).unwrap_err();
    assert_eq!((error.line, error.key.as_str()), (Some(28), "offerings[1].inventory.slots"));
    assert!(error.reason.contains("or repeat = {"), "{error}");
}

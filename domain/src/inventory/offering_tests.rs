//! What an order may ask of each kind of offering, and which offerings there may be.

use super::*;
use crate::day::Day;

fn whole(units: u64) -> Quantity {
    Quantity::whole(units).unwrap()
}

fn slot(text: &str) -> Slot {
    Zone::utc().slot(text).unwrap()
}

fn models() -> [Model; 5] {
    let slots = vec![slot("2027-03-01T10:00"), slot("2027-03-01T11:00")];
    [
        Model::Unlimited,
        Model::Seats { capacity: whole(2) },
        Model::Stock { quantity: whole(2) },
        Model::Nights { units: whole(2) },
        Model::Slots { capacity: whole(2), zone: Zone::utc(), slots },
    ]
}

fn nights(from: &str, to: &str) -> Claim {
    let [from, to] = [from, to].map(|day| Day::parse(day).unwrap());
    Claim::Nights { from, to, units: Quantity::ONE }
}

#[test]
fn each_kind_is_asked_in_its_own_way() {
    let claims = [
        Claim::Units(whole(1)),
        nights("2027-03-01", "2027-03-02"),
        Claim::Slot { slot: slot("2027-03-01T10:00"), units: whole(1) },
        Claim::Supply(whole(1)),
    ];
    // The fields that are to blame; "" if nothing is.
    let blamed = [
        ["", "from", "slot", "offering"],
        ["", "from", "slot", "offering"],
        ["", "from", "slot", ""],
        ["from", "", "slot", "offering"],
        ["slot", "from", "", "offering"],
    ];
    for (model, fields) in models().iter().zip(blamed) {
        for (claim, field) in claims.iter().zip(fields) {
            let said = model.admits(claim).err().unwrap_or_default();
            assert_eq!(said.0, field, "{model:?} {claim:?}: {}", said.1);
            assert_eq!(model.fits(claim), field.is_empty(), "{model:?} {claim:?}");
        }
    }
    let (_, missing) = models()[3].admits(&claims[0]).unwrap_err();
    assert_eq!(missing, "is missing: this is booked by nights, from arrival to departure");
}

#[test]
fn says_what_is_wrong_with_a_claim() {
    let [unlimited, seats, stock, rooms, times] = models();
    let part = Quantity::parse("0.5").unwrap();
    let at = |text, units| Claim::Slot { slot: slot(text), units };
    let cases = [
        (&seats, Claim::Units(Quantity::NONE), "quantity", "above 0"),
        (&seats, Claim::Units(part), "quantity", "whole number"),
        (&unlimited, Claim::Units(part), "quantity", "whole number"),
        (&stock, Claim::Supply(Quantity::NONE), "quantity", "above 0"),
        (&rooms, nights("2027-03-02", "2027-03-02"), "to", "after from"),
        (&rooms, nights("2027-03-02", "2027-03-01"), "to", "after from"),
        (&rooms, nights("2027-03-01", "2028-03-02"), "to", "at most 366 nights"),
        (&times, at("2027-03-01T10:30", part), "slot", "2027-03-01T10:30 is not a time of this"),
        (&times, at("2027-03-01T10:00", part), "quantity", "whole number"),
    ];
    for (model, claim, field, why) in cases {
        let (blamed, said) = model.admits(&claim).unwrap_err();
        assert!(blamed == field && said.contains(why), "{claim:?}: {blamed} {said}");
    }
    assert_eq!(stock.admits(&Claim::Units(part)), Ok(()));
    assert_eq!(stock.admits(&Claim::Supply(part)), Ok(()));
    assert_eq!(rooms.admits(&nights("2027-03-01", "2028-03-01")), Ok(()));
}

#[test]
fn some_offerings_cannot_be() {
    let part = Quantity::parse("0.5").unwrap();
    let slots = |slots: Vec<Slot>| Model::Slots { capacity: whole(1), zone: Zone::utc(), slots };
    let [early, late] = [slot("2027-03-01T10:00"), slot("2027-03-01T11:00")];
    let many = |count: u32| {
        let at = |day| slot(&format!("{}T10:00", Day::from_number(day)));
        slots((0..count).map(at).collect())
    };
    let cases = [
        (Model::Seats { capacity: part }, "capacity", "whole"),
        (Model::Nights { units: Quantity::NONE }, "units", "from 1"),
        (Model::Nights { units: part }, "units", "from 1"),
        (
            Model::Slots { capacity: Quantity::NONE, zone: Zone::utc(), slots: vec![] },
            "capacity",
            "1",
        ),
        (slots(vec![early, early]), "slots", "2027-03-01T10:00 twice"),
        (slots(vec![late, early]), "slots", "2027-03-01T10:00 is before 2027-03-01T11:00"),
        (many(2001), "slots", "at most 2000"),
    ];
    for (model, field, why) in cases {
        let (blamed, said) = model.check().unwrap_err();
        assert!(blamed == field && said.contains(why), "{blamed} {said}");
    }
    for model in models().into_iter().chain([many(2000), Model::Seats { capacity: whole(0) }]) {
        assert_eq!(model.check(), Ok(()));
        let attributes = Attributes::new();
        let stock = matches!(model, Model::Stock { .. });
        let price = crate::testing::order().price;
        let sold = Offering { name: "it".to_owned(), price, model, overbook: part, attributes };
        assert_eq!(sold.check().is_ok(), stock, "{:?}", sold.model);
        assert_eq!(Offering { overbook: whole(1), ..sold }.check(), Ok(()));
    }
}

//! What is sold in a run: a market file, and the orders for it.

use std::fmt::Write as _;

use crate::workload::Random;

/// The name of the market in every run.
const MARKET: &str = "talentshare";
/// The price of one unit, in cents: not 1, so that an amount tells how many units it is for.
pub const PRICE: i64 = 7;
/// Orders have up to so many units, so that sums tell one payment from another.
const UNITS_MAX: u64 = 997;
/// How many customers the orders are drawn from.
const CUSTOMERS: u64 = 10_000;
/// One in so many orders is for something that can run out, where there is such a thing.
const SCARCE: u64 = 5;

/// What is sold, and to whom.
#[derive(Debug, Clone, Default)]
pub struct Goods {
    /// Tables of the market file, such as `[payment]`.
    pub tables: &'static str,
    /// How many offerings can run out, and how many units each has. They follow offering 1, which cannot.
    pub scarce: (u64, u64),
    /// One in so many orders is taken back by its customer; none without.
    pub taken_back: Option<u64>,
    /// One in so many cards is declined; none without.
    pub declined: Option<u64>,
}

impl Goods {
    /// The market file.
    #[must_use]
    pub fn file(&self) -> String {
        let mut file = format!("name = \"{MARKET}\"\ncurrency = \"EUR\"\n{}\n", self.tables);
        let (offerings, units) = self.scarce;
        for id in 1..=offerings + 1 {
            let inventory = match id {
                1 => "{ model = \"unlimited\" }".to_owned(),
                _ => format!("{{ model = \"seats\", capacity = {units} }}"),
            };
            // Writing to a string cannot fail.
            let _ = write!(
                file,
                "[[offerings]]\nid = {id}\nname = \"offering {id}\"\n\
                 price = {{ amount = {PRICE} }}\ninventory = {inventory}\n"
            );
        }
        file
    }

    /// The path of the orders.
    #[must_use]
    pub fn orders(&self) -> String {
        format!("/v1/{MARKET}/orders")
    }

    /// The body of the order with this number.
    #[must_use]
    pub fn body(&self, number: u64) -> String {
        let mut random = Random::new(number);
        let (scarce, _) = self.scarce;
        let is_scarce = scarce > 0 && random.below(SCARCE) == 0;
        let (offering, units) = if is_scarce {
            (2 + random.below(scarce), 1)
        } else {
            (1, 1 + random.below(UNITS_MAX))
        };
        let customer = random.below(CUSTOMERS);
        let declined = self.declined.is_some_and(|one_in| number % one_in == 1);
        let card = if declined { "tok-declined" } else { "tok-good" };
        format!(
            r#"{{"customer":"c{customer}","offering":{offering},"quantity":{units},"payment":{{"card":"{card}"}}}}"#
        )
    }

    /// Whether the customer of the order with this number takes it back.
    #[must_use]
    pub fn takes_back(&self, number: u64) -> bool {
        self.taken_back.is_some_and(|one_in| number.is_multiple_of(one_in))
    }

    /// What may be answered beside 201, 202 and 503.
    #[must_use]
    pub fn also_right(&self) -> &'static [u16] {
        match (self.declined, self.scarce) {
            (None, (0, _)) => &[],
            (Some(_), (0, _)) => &[402],
            (None, _) => &[409],
            (Some(_), _) => &[402, 409],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_for_what_is_sold() {
        let goods = Goods { scarce: (3, 5), declined: Some(10), ..Goods::default() };
        assert_eq!(goods.file().matches("[[offerings]]").count(), 4);
        let (mut scarce, mut declined) = (0, 0);
        for number in 0..1000 {
            let body: serde_json::Value = serde_json::from_str(&goods.body(number)).unwrap();
            let offering = body["offering"].as_u64().unwrap();
            assert!((1..=4).contains(&offering));
            scarce += u32::from(offering > 1);
            declined += u32::from(body["payment"]["card"] == "tok-declined");
        }
        assert!((150..250).contains(&scarce) && declined == 100, "{scarce}, {declined}");
        assert_eq!(goods.also_right(), [402, 409]);
    }
}

//! A card number is in memory while its payment is under way, and no longer.

use surehold_domain::attributes::Attributes;
use surehold_domain::id::{OfferingId, OrderKey};
use surehold_domain::quantity::Quantity;
use surehold_domain::saga::Phase;

use super::{FIRST, Town};
use crate::view::{Booking, NewOrder};

#[tokio::test(start_paused = true)]
async fn the_number_of_a_card_is_forgotten_once_the_order_is_paid() {
    let town = Town::fresh().await;
    let new = NewOrder {
        customer: "ann".to_owned(),
        offering: OfferingId(1),
        quantity: Quantity::ONE,
        booking: Booking::Units,
        card: Some("4242 4242 4242 4242".to_owned()),
        attributes: Attributes::new(),
    };
    let order = town.engine.place(town.first, new, None).await.unwrap().order;
    assert_eq!(order.phase, Phase::Paid, "it waits for the operator, perhaps for hours");
    let key = OrderKey { market: FIRST, order: order.id };
    assert_eq!(town.engine.core().unwrap().post.vault.get(key), None);
    town.engine.close().await;
}

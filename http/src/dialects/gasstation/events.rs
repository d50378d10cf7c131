//! The events of the reference system. A sale names its sale, its undoing does not, as there.

use serde_json::{Value, json};
use surehold::domain::attributes::Attribute;
use surehold::domain::inventory::{Event as ProductEvent, Offering};
use surehold::domain::saga::Turn;
use surehold::view::OrderView;

use super::products::RESENT;
use super::{flows, number_of, orders, sales};
use crate::dialects::kit::{Around, Tale, Told, told};

pub(super) fn tells(tale: &Tale<'_>) -> Vec<Told> {
    match tale {
        Tale::Order(turn, order, around) if order.brings() => of_supply(*turn, order, around),
        Tale::Order(turn, order, around) => of_sale(*turn, order, around),
        Tale::Offering(_, event, _) => of_product(event),
        Tale::Points(..) | Tale::Review(..) => Vec::new(),
    }
}

fn of_supply(turn: Turn<'_>, order: &OrderView, around: &Around) -> Vec<Told> {
    match turn {
        Turn::Booked => {
            let mut fields = orders::placed_row(order);
            fields["orderId"] = json!(number_of(order));
            vec![told("Ordered", fields)]
        }
        Turn::Confirmed => {
            let mut shipped = orders::shipment_row(order);
            shipped["shipId"] = json!(number_of(order));
            vec![told("Shipped", shipped), received(order, around, false)]
        }
        Turn::Fulfilled => vec![received(order, around, true)],
        Turn::Awaited | Turn::Undone(_) | Turn::Refunded(_) | Turn::Released => Vec::new(),
    }
}

fn received(order: &OrderView, around: &Around, arrived: bool) -> Told {
    let mut fields = flows::flow_row(order, arrived);
    fields["stockId"] = json!(around.flow);
    told("Received", fields)
}

fn of_sale(turn: Turn<'_>, order: &OrderView, around: &Around) -> Vec<Told> {
    match turn {
        Turn::Booked => {
            let mut fields = sales::sale_row(order);
            fields["saleId"] = json!(number_of(order));
            vec![told("Sold", fields)]
        }
        Turn::Released => {
            vec![told("CanceledSold", sales::sale_row(order)), received(order, around, true)]
        }
        Turn::Awaited | Turn::Confirmed | Turn::Fulfilled | Turn::Undone(_) | Turn::Refunded(_) => {
            Vec::new()
        }
    }
}

/// Head office changes a product, and the station passes the change on to the tills.
fn of_product(event: &ProductEvent) -> Vec<Told> {
    match event {
        ProductEvent::Opened(product) | ProductEvent::Changed(product) => {
            let Some(fields) = product_fields(product) else { return Vec::new() };
            let resend = matches!(product.attributes.get(RESENT), Some(Attribute::Whole(_)));
            let mut changed = fields.clone();
            changed["resend"] = json!(resend);
            vec![told("ProductChanged", changed), told("MasterChanged", fields)]
        }
        ProductEvent::Closed
        | ProductEvent::Held { .. }
        | ProductEvent::Released { .. }
        | ProductEvent::Received { .. }
        | ProductEvent::Adjusted { .. } => Vec::new(),
    }
}

fn product_fields(product: &Offering) -> Option<Value> {
    let code = product.attributes.get("productId").and_then(Attribute::text)?;
    Some(json!({
        "productId": code,
        "productName": product.name,
        "price": product.price.amount(),
    }))
}

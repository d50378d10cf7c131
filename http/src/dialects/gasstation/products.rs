//! Products: head office keeps them, stations and tills have copies, and stock and sums are counted
//! by them. A product is found by its code.

use serde_json::{Value, json};
use surehold::domain::attributes::{Attribute, Attributes};
use surehold::domain::inventory::Model;
use surehold::domain::money::Money;
use surehold::domain::quantity::Quantity;
use surehold::view::{NewOffering, OfferingChange, OfferingView};

use super::{amount, yes};
use crate::answer::Response;
use crate::dialects::kit::{Desk, Failure, Found, Key, Sent, text};

/// The attribute with a product's code.
const CODE: &str = "productId";
/// The attribute that counts how often a product was sent out again since it last changed.
pub(super) const RESENT: &str = "_resent";
/// Longest code.
const CODE_MAX: usize = 64;
/// Products looked through for one code.
const PRODUCTS_MAX: usize = 1000;

/// The code of a product; nothing for what is no product of this dialect.
pub(super) fn code(product: &OfferingView) -> Option<&str> {
    product.attributes.get(CODE).and_then(Attribute::text)
}

async fn products(desk: &Desk<'_>) -> Result<Vec<OfferingView>, Failure> {
    Ok(desk.engine().offerings(desk.market, 0, PRODUCTS_MAX).await?.items)
}

/// The product with this code.
pub(super) async fn find(desk: &Desk<'_>, wanted: &str) -> Result<Option<OfferingView>, Failure> {
    let found = products(desk).await?.into_iter().find(|product| code(product) == Some(wanted));
    Ok(found)
}

pub(super) fn row(product: &OfferingView) -> Value {
    json!({ "productName": product.name, "price": product.price.amount() })
}

fn keyed(products: &[OfferingView], row: impl Fn(&OfferingView) -> Value) -> Vec<(Key, Value)> {
    let rows = products.iter().filter_map(|product| {
        let key = Key::Name(code(product)?.to_owned());
        Some((key, row(product)))
    });
    rows.collect()
}

pub(super) async fn all(desk: &Desk<'_>) -> Result<Vec<(Key, Value)>, Failure> {
    Ok(keyed(&products(desk).await?, row))
}

/// How much of each product there is, once any ever came in.
pub(super) async fn stock(desk: &Desk<'_>) -> Result<Vec<(Key, Value)>, Failure> {
    let mut counted = Vec::new();
    for product in products(desk).await? {
        let figures = desk.engine().offering_figures(desk.market, product.id).await?;
        let there = match product.model {
            Model::Stock { quantity } => quantity,
            Model::Unlimited | Model::Seats { .. } | Model::Nights { .. } | Model::Slots { .. } => {
                Quantity::NONE
            }
        };
        if figures.has_sold || !there.is_none() {
            counted.push(product);
        }
    }
    Ok(keyed(&counted, |product| {
        let free = product.free.unwrap_or(Quantity::NONE);
        json!({ "productName": product.name, "qty": amount(free) })
    }))
}

/// What was sold of each product and not undone, once any was.
pub(super) async fn sales(desk: &Desk<'_>) -> Result<Vec<(Key, Value)>, Failure> {
    let mut rows = Vec::new();
    for product in products(desk).await? {
        let figures = desk.engine().offering_figures(desk.market, product.id).await?;
        if let (true, Some(code)) = (figures.has_sold, code(&product)) {
            let row = json!({
                "productName": product.name,
                "qty": amount(figures.sold),
                "amount": decimal(figures.revenue),
            });
            rows.push((Key::Name(code.to_owned()), row));
        }
    }
    Ok(rows)
}

/// Money as the reference system writes it: with decimals, of which won have none.
pub(super) fn decimal(amount: i64) -> f64 {
    format!("{amount}").parse().unwrap_or_default()
}

/// A change of a product's price, if it is one; then head office sends the product out, changed or not.
pub(super) async fn sync(desk: &Desk<'_>) -> Result<Response, Failure> {
    let mut form = desk.form()?;
    let (code, price) = (form.text(CODE)?, form.maybe_whole("price")?);
    let Some(product) = find(desk, &code).await? else { return yes(desk, false) };
    let mut attributes = product.attributes.clone();
    let times = match attributes.get(RESENT) {
        Some(Attribute::Whole(times)) => *times,
        Some(_) | None => 0,
    };
    attributes.insert(RESENT.to_owned(), Attribute::Whole(times + 1));
    let price = price.map(|amount| priced(desk, amount)).transpose()?;
    let change = OfferingChange { price, attributes: Some(attributes), ..Default::default() };
    desk.engine().change_offering(desk.market, product.id, change).await?;
    yes(desk, true)
}

fn priced(desk: &Desk<'_>, amount: i64) -> Result<Money, Failure> {
    let price = Money::new(amount, desk.plan().currency);
    price.map_err(|error| Failure::Bad(format!("price: {error}")))
}

fn sent_price(desk: &Desk<'_>, sent: &Sent) -> Result<Option<Money>, Failure> {
    match sent.kept.get("price") {
        Some(Attribute::Whole(amount)) => priced(desk, *amount).map(Some),
        Some(_) | None => Ok(None),
    }
}

pub(super) async fn add(desk: &Desk<'_>, sent: Sent) -> Result<(Key, Value), Failure> {
    let keyed = Sent::read(&[text(CODE)], &desk.call.body)?;
    let code = keyed.text(CODE).ok_or_else(|| {
        Failure::Bad("productId: is missing; send the code of the product".to_owned())
    })?;
    let row = match find(desk, code).await? {
        // As saving a row that is there: it changes.
        Some(_) => change(desk, code, sent).await?,
        None => make(desk, code, sent).await?,
    };
    Ok((Key::Name(code.to_owned()), row))
}

/// A code is part of addresses, beside the word that finders begin with.
fn check_code(code: &str) -> Result<(), Failure> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let fits = (1..=CODE_MAX).contains(&code.len()) && code.bytes().all(plain);
    if fits && !["search", ".", ".."].contains(&code) {
        return Ok(());
    }
    let why = format!("productId: must be 1 to {CODE_MAX} letters, digits or any of -._~");
    Err(Failure::Bad(why))
}

/// A product with a code that is not there yet.
pub(super) async fn make(desk: &Desk<'_>, code: &str, sent: Sent) -> Found {
    check_code(code)?;
    let name = sent.text("productName").unwrap_or(code).to_owned();
    let price = sent_price(desk, &sent)?;
    let model = Model::Stock { quantity: Quantity::NONE };
    let attributes = Attributes::from([(CODE.to_owned(), Attribute::Text(code.to_owned()))]);
    let new = NewOffering { id: None, name, price, model, overbook: None, attributes };
    let product = desk.engine().add_offering(desk.market, new).await?;
    match find(desk, code).await? {
        // Somebody else was a moment earlier with the same code: theirs is the one that stays.
        Some(first) if first.id != product.id => {
            desk.engine().close_offering(desk.market, product.id).await?;
            change(desk, code, sent).await
        }
        Some(_) | None => Ok(row(&product)),
    }
}

pub(super) async fn change(desk: &Desk<'_>, code: &str, sent: Sent) -> Found {
    let product = find(desk, code).await?.ok_or(Failure::Nothing)?;
    let name = sent.text("productName").map(str::to_owned);
    let price = sent_price(desk, &sent)?;
    let same = |name: &String| *name == product.name;
    if name.as_ref().is_none_or(same) && price.is_none_or(|price| price == product.price) {
        return Ok(row(&product));
    }
    let mut attributes = product.attributes.clone();
    attributes.remove(RESENT);
    let change = OfferingChange { name, price, attributes: Some(attributes), ..Default::default() };
    Ok(row(&desk.engine().change_offering(desk.market, product.id, change).await?))
}

pub(super) async fn remove(desk: &Desk<'_>, code: &str) -> Result<(), Failure> {
    let product = find(desk, code).await?.ok_or(Failure::Nothing)?;
    Ok(desk.engine().close_offering(desk.market, product.id).await?)
}

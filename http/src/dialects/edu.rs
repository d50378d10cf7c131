//! edu: a customer applies for a course; the engine takes the payment and registers the customer.
//!
//! Applications are written by customers, educations by the course's side: changing one says that
//! the course was taken. An education is the engine's confirmation for as long as it holds. Unlike
//! in talentshare, only one exact word cancels; other changes of an application are only kept.

use serde_json::{Value, json};
use surehold::Refusal;
use surehold::domain::attributes::{Attribute, Attributes};
use surehold::domain::id::{ConfirmationId, OfferingId, PaymentId};
use surehold::domain::saga::{Phase, Turn};
use surehold::view::{Collection as Rows, OrderCommand, OrderView};

use super::kit::{
    Collection, Desk, Dialect, Failure, Field, Find, Finder, Found, Gives, Ids, Key, Listed, Sent,
    Source, Tale, Told, confirmed, kept_in, number, paid_or, shown, text, told, value, whole,
};

/// What is booked where nothing is sold under the number of the course.
const COURSE: OfferingId = OfferingId(1);
/// What pays: the reference system asks for no card.
const ON_ACCOUNT: &str = "none";
/// The status with which a customer cancels.
const CANCEL: &str = "EduAppCancelled";
/// The attribute with what an application was last told to be, once it was registered.
const TOLD: &str = "_status";
/// The attribute with what an education was told to be when the course was taken.
const TAKEN: &str = "_completed";

/// The dialect.
pub static DIALECT: Dialect =
    Dialect { name: "edu", collections: &COLLECTIONS, actions: &[], tells_offerings: false, tells };

/// The fields of everything but an application, which has all but the first.
const FIELDS: [Field; 5] =
    [whole("appId"), text("userId"), text("eduName"), whole("eduId"), text("status")];

static COLLECTIONS: [Collection; 4] = [
    Collection {
        name: "eduApplications",
        one: "eduApplication",
        key: "appId",
        fields: FIELDS.split_at(1).1,
        rows: Source::Numbered(Ids::Rows(Rows::Orders), |desk, id| Box::pin(application(desk, id))),
        gaps: true,
        finders: &[find_by_app(Find::Key)],
        post: Some(|desk, sent| Box::pin(apply(desk, sent))),
        update: Some(|desk, id, sent| Box::pin(change(desk, id, sent))),
        delete: Some(|desk, id| Box::pin(desk.delete(id))),
        ..Collection::VIEW
    },
    Collection {
        name: "payments",
        one: "payment",
        key: "payId",
        fields: &FIELDS,
        rows: Source::Numbered(Ids::Rows(Rows::Payments), |desk, id| Box::pin(payment(desk, id))),
        finders: &[find_by_app(Find::Number(|desk, app| Box::pin(payment_of(desk, app))))],
        ..Collection::VIEW
    },
    Collection {
        name: "educations",
        one: "education",
        key: "takingId",
        fields: &FIELDS,
        rows: Source::Numbered(Ids::Rows(Rows::Confirmations), |desk, id| {
            Box::pin(education(desk, id))
        }),
        // What was cancelled is gone.
        gaps: true,
        finders: &[find_by_app(Find::Number(|desk, app| Box::pin(education_of(desk, app))))],
        update: Some(|desk, id, sent| Box::pin(complete(desk, id, sent))),
        delete: Some(|desk, id| Box::pin(leave(desk, id))),
        ..Collection::VIEW
    },
    Collection {
        name: "mypages",
        one: "mypage",
        listed: Listed::Whole,
        fields: &FIELDS,
        // A page has the number of its application.
        rows: Source::Numbered(Ids::Rows(Rows::Orders), |desk, id| Box::pin(mypage(desk, id))),
        finders: &[find_by_app(Find::Key)],
        ..Collection::VIEW
    },
];

const fn find_by_app(find: Find) -> Finder {
    Finder { name: "findByAppId", by: "appId", gives: Gives::One, find }
}

/// Whether the customer is registered for the course, and was not cancelled.
fn registered(order: &OrderView) -> bool {
    confirmed(order).is_some() && order.reason.is_none()
}

/// A kept text, or what is said where none is kept.
fn kept_or(order: &OrderView, name: &str, otherwise: &str) -> Value {
    order.attributes.get(name).map_or_else(|| json!(otherwise), value)
}

fn application_row(order: &OrderView, status: &Value) -> Value {
    json!({
        "userId": shown(order, "userId"),
        "eduName": shown(order, "eduName"),
        "eduId": shown(order, "eduId"),
        "status": status,
    })
}

/// The row of whatever came of an application.
fn row(order: &OrderView, status: Value) -> Value {
    let mut row = application_row(order, &status);
    row["appId"] = json!(order.id.0);
    row
}

fn application_status(order: &OrderView) -> Value {
    match (order.reason.is_some(), registered(order)) {
        (true, _) => json!("EduCancelled"),
        (false, true) => kept_or(order, TOLD, "EduRegistered"),
        (false, false) => shown(order, "status"),
    }
}

async fn application(desk: &Desk<'_>, id: u64) -> Found {
    let order = desk.live_order(id).await?;
    Ok(application_row(&order, &application_status(&order)))
}

async fn apply(desk: &Desk<'_>, sent: Sent) -> Result<(Key, Value), Failure> {
    let offering = offering(desk, sent.id("eduId")).await?;
    let (user, card) = (sent.text("userId"), ON_ACCOUNT.to_owned());
    let order = desk.book(offering, user, card, sent.kept.clone()).await?;
    Ok((Key::Number(order.id.0), application_row(&order, &shown(&order, "status"))))
}

/// What is booked for a course: what is sold under its number, so that it can have seats and a
/// price of its own.
async fn offering(desk: &Desk<'_>, course: Option<u64>) -> Result<OfferingId, Failure> {
    let Some(id) = course.map(OfferingId).filter(|id| *id != COURSE) else { return Ok(COURSE) };
    match desk.engine().offering(desk.market, id).await {
        Ok(_) => Ok(id),
        Err(Refusal::NotFound { .. }) => Ok(COURSE),
        Err(refusal) => Err(refusal.into()),
    }
}

async fn change(desk: &Desk<'_>, id: &str, sent: Sent) -> Found {
    let order = desk.live_order(number(id)?).await?;
    let status = sent.kept.get("status").map_or_else(|| application_status(&order), value);
    must_be_there(&status)?;
    let mut change = sent.changes(&order.attributes);
    let order = if status == CANCEL {
        desk.cancel(&order, change).await?
    } else {
        if registered(&order) && status != application_status(&order) {
            change.insert(TOLD.to_owned(), text_of(&status));
        }
        if change.is_empty() { order } else { desk.annotate(&order, change).await? }
    };
    Ok(application_row(&order, &application_status(&order)))
}

/// The reference system fails on a status that is null.
fn must_be_there(status: &Value) -> Result<(), Failure> {
    if status.is_null() {
        let why = "status: must not be null; send the status with the change";
        return Err(Failure::Bad(why.to_owned()));
    }
    Ok(())
}

fn text_of(status: &Value) -> Attribute {
    Attribute::Text(status.as_str().unwrap_or_default().to_owned())
}

async fn payment(desk: &Desk<'_>, id: u64) -> Found {
    let payment = desk.engine().payment(desk.market, PaymentId(id)).await?;
    let status = paid_or(&payment, "Paid", "PayCancelled")?;
    Ok(row(&desk.order(payment.order.0).await?, json!(status)))
}

async fn payment_of(desk: &Desk<'_>, app: u64) -> Result<Vec<Key>, Failure> {
    let order = desk.order(app).await?;
    Ok(order.payment.map(|payment| Key::Number(payment.id.0)).into_iter().collect())
}

/// The order whose customer is registered under this number.
async fn order_of(desk: &Desk<'_>, taking: u64) -> Result<OrderView, Failure> {
    let made = desk.engine().confirmation(desk.market, ConfirmationId(taking)).await?;
    let order = desk.order(made.order.0).await?;
    if registered(&order) { Ok(order) } else { Err(Failure::Nothing) }
}

fn registered_or_completed(order: &OrderView) -> &'static str {
    if order.phase == Phase::Fulfilled { "EduCompleted" } else { "EduRegistered" }
}

fn education_row(order: &OrderView) -> Value {
    row(order, kept_or(order, TAKEN, registered_or_completed(order)))
}

async fn education(desk: &Desk<'_>, id: u64) -> Found {
    Ok(education_row(&order_of(desk, id).await?))
}

async fn education_of(desk: &Desk<'_>, app: u64) -> Result<Vec<Key>, Failure> {
    let order = desk.order(app).await?;
    Ok(order.confirmation.map(|made| Key::Number(made.id.0)).into_iter().collect())
}

/// The course was taken: any change of an education says so, in the words of its status. Its other
/// fields are those of its application.
async fn complete(desk: &Desk<'_>, id: &str, sent: Sent) -> Found {
    let order = order_of(desk, number(id)?).await?;
    let row = education_row(&order);
    if sent.kept.iter().all(|(name, sent)| row[name] == value(sent)) {
        return Ok(row);
    }
    let status = sent.kept.get("status").map_or_else(|| row["status"].clone(), value);
    must_be_there(&status)?;
    match desk.engine().command(desk.market, order.id, OrderCommand::Complete).await {
        // Whoever says it again says it in other words.
        Ok(_) | Err(Refusal::WrongPhase { phase: Phase::Fulfilled, .. }) => {}
        Err(refusal) => return Err(refusal.into()),
    }
    let words = text_of(&status);
    let told = Attributes::from([(TAKEN.to_owned(), words.clone()), (TOLD.to_owned(), words)]);
    Ok(education_row(&desk.annotate(&order, told).await?))
}

async fn leave(desk: &Desk<'_>, id: &str) -> Result<(), Failure> {
    let order = order_of(desk, number(id)?).await?;
    desk.cancel(&order, Attributes::new()).await.map(|_| ())
}

async fn mypage(desk: &Desk<'_>, id: u64) -> Found {
    let order = desk.order(id).await?;
    let status = match (order.reason.is_some(), registered(&order)) {
        (true, _) => json!("EduCancelled"),
        (false, true) => kept_or(&order, TAKEN, registered_or_completed(&order)),
        (false, false) => json!("Paid"),
    };
    Ok(row(&order, status))
}

/// The events of the reference system; all carry the whole application.
fn tells(tale: &Tale<'_>) -> Vec<Told> {
    let Tale::Order(turn, order, _) = tale else { return Vec::new() };
    let with = |key: Option<(&str, Option<u64>)>, status: Value| {
        let mut fields = row(order, status);
        if let Some((name, number)) = key {
            fields[name] = json!(number);
        }
        fields
    };
    let pay = Some(("payId", order.payment.as_ref().map(|payment| payment.id.0)));
    let taking = Some(("takingId", order.confirmation.as_ref().map(|made| made.id.0)));
    match turn {
        Turn::Booked => vec![
            told("EduApplied", with(None, kept_in(order.placed(), "status"))),
            told("Paid", with(pay, json!("Paid"))),
        ],
        Turn::Confirmed => vec![told("EduRegistered", with(taking, json!("EduRegistered")))],
        Turn::Fulfilled => {
            vec![told("EduCompleted", with(taking, kept_or(order, TAKEN, "EduCompleted")))]
        }
        Turn::Undone(_) => vec![told("EduAppCancelled", with(None, json!(CANCEL)))],
        Turn::Refunded(_) => vec![told("PayCancelled", with(pay, json!("PayCancelled")))],
        Turn::Released => vec![told("EduCancelled", with(taking, json!("EduCancelled")))],
        Turn::Awaited => Vec::new(),
    }
}

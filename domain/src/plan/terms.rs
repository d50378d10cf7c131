//! The part of a plan file that says which steps an order takes, and who answers.

use super::reader::{Bad, Table};
use crate::money::AMOUNT_MAX;
use crate::terms::{
    ConfirmationTerms, ConfirmedBy, Earn, LateMoney, MileageTerms, PaymentTerms, RefundTier, Terms,
    WhenUnavailable, WhenUnconfirmed,
};
use crate::time::Span;

const QUARTER: Span = Span::seconds(900);
const DAY: Span = Span::seconds(86_400);
const WEEK: Span = Span::seconds(7 * 86_400);
const SEASON: Span = Span::seconds(90 * 86_400);

/// Most points one order earns by a fixed number.
const POINTS_MAX: u64 = 1_000_000_000;

/// The terms of the orders that buy.
pub(super) fn read(file: &Table<'_>) -> Result<Terms, Bad> {
    let keys = ["when", "within", "hold", "when_unavailable", "pay_later_within", "late"];
    let payment = file.table("payment", &keys)?;
    let payment = payment.as_ref();
    let cancellation = file.table("cancellation", &["quote_holds", "tiers", "no_show"])?;
    let cancellation = cancellation.as_ref();
    Ok(Terms {
        hold: payment.map_or(Ok(QUARTER), |it| it.span("hold", QUARTER))?,
        when_unavailable: payment.map_or(Ok(WhenUnavailable::Refuse), when_unavailable)?,
        payment: payment.map_or(Ok(PaymentTerms::WithOrder), payment_terms)?,
        confirmation: confirmation(file)?,
        completion: completion(file)?,
        tiers: cancellation.map_or(Ok(Vec::new()), tiers)?,
        quote: cancellation.map_or(Ok(QUARTER), |it| it.span("quote_holds", QUARTER))?,
        mileage: mileage(file)?,
        late: payment.map_or(Ok(LateMoney::Refund), late_money)?,
        no_show: cancellation.map_or(Ok(0), no_show)?,
    })
}

/// The terms of the orders that bring stock, if the market takes any.
pub(super) fn supply(file: &Table<'_>) -> Result<Option<Terms>, Bad> {
    let Some(supply) = file.table("supply", &["confirmation", "completion"])? else {
        return Ok(None);
    };
    Ok(Some(Terms {
        hold: QUARTER,
        payment: PaymentTerms::None,
        when_unavailable: WhenUnavailable::Refuse,
        confirmation: confirmation(&supply)?,
        completion: completion(&supply)?,
        tiers: Vec::new(),
        quote: QUARTER,
        mileage: None,
        late: LateMoney::Refund,
        no_show: 0,
    }))
}

fn payment_terms(payment: &Table<'_>) -> Result<PaymentTerms, Bad> {
    let when = payment.word("when", &["with_order", "later", "none"])?;
    if when != "later" && payment.has("within") {
        return Err(payment.bad("within", "only goes with when = \"later\""));
    }
    Ok(match when {
        "later" => PaymentTerms::Later { within: payment.span("within", DAY)? },
        "none" => PaymentTerms::None,
        _ => PaymentTerms::WithOrder,
    })
}

fn when_unavailable(payment: &Table<'_>) -> Result<WhenUnavailable, Bad> {
    let later = payment.word("when_unavailable", &["refuse", "pay_later"])? == "pay_later";
    if later {
        return Ok(WhenUnavailable::PayLater { within: payment.span("pay_later_within", DAY)? });
    }
    if payment.has("pay_later_within") {
        let reason = "only goes with when_unavailable = \"pay_later\"";
        return Err(payment.bad("pay_later_within", reason));
    }
    Ok(WhenUnavailable::Refuse)
}

fn late_money(payment: &Table<'_>) -> Result<LateMoney, Bad> {
    let retake = payment.word("late", &["refund", "retake"])? == "retake";
    if payment.has("late") && payment.word("when", &["with_order", "later", "none"])? == "none" {
        return Err(payment.bad("late", "does not go with when = \"none\": nothing is paid"));
    }
    Ok(if retake { LateMoney::Retake } else { LateMoney::Refund })
}

fn no_show(cancellation: &Table<'_>) -> Result<u8, Bad> {
    let percent = cancellation.between("no_show", 0, 100)?.unwrap_or(0);
    Ok(u8::try_from(percent).unwrap_or(100))
}

fn confirmation(parent: &Table<'_>) -> Result<ConfirmationTerms, Bad> {
    let mut terms =
        ConfirmationTerms { by: ConfirmedBy::Auto, within: WEEK, then: WhenUnconfirmed::Cancel };
    let Some(table) = parent.table("confirmation", &["by", "within", "then"])? else {
        return Ok(terms);
    };
    if table.word("by", &["auto", "operator"])? == "operator" {
        terms.by = ConfirmedBy::Operator;
    }
    if table.word("then", &["cancel", "confirm"])? == "confirm" {
        terms.then = WhenUnconfirmed::Confirm;
    }
    terms.within = table.span("within", WEEK)?;
    Ok(terms)
}

fn completion(parent: &Table<'_>) -> Result<Span, Bad> {
    let Some(table) = parent.table("completion", &["after"])? else { return Ok(SEASON) };
    if !table.has("after") {
        return Err(table.missing("after", "a length of time in quotes, such as after = \"90 d\""));
    }
    table.span("after", SEASON)
}

fn tiers(cancellation: &Table<'_>) -> Result<Vec<RefundTier>, Bad> {
    let mut read: Vec<RefundTier> = Vec::new();
    for tier in cancellation.tables("tiers", &["until", "percent"], false)? {
        let what = "a length of time in quotes, such as \"48 h\"";
        let Some(until) = tier.text("until", what)? else {
            return Err(tier.missing("until", what));
        };
        let until = Span::parse(until).map_err(|reason| tier.bad("until", reason))?;
        let Some(percent) = tier.between("percent", 0, 100)? else {
            return Err(tier.missing("percent", "a whole number from 0 to 100"));
        };
        let percent = u8::try_from(percent).unwrap_or(100);
        if let Some(last) = read.last() {
            if until >= last.until {
                return Err(tier.bad("until", "must be shorter than the tier before it"));
            }
            if percent > last.percent {
                return Err(tier.bad("percent", "must not exceed the tier before it"));
            }
        }
        read.push(RefundTier { until, percent });
    }
    Ok(read)
}

fn mileage(file: &Table<'_>) -> Result<Option<MileageTerms>, Bad> {
    let Some(table) = file.table("mileage", &["points", "per", "sync"])? else { return Ok(None) };
    let points = table.between("points", 1, POINTS_MAX)?;
    let per = table.between("per", 1, AMOUNT_MAX.unsigned_abs())?;
    let earn = match (points, per) {
        (Some(points), None) => Earn::Fixed(points),
        (None, Some(per)) => Earn::Per(per),
        (Some(_), Some(_)) => {
            return Err(table.bad("per", "does not go with points: write one of the two"));
        }
        (None, None) => {
            return Err(table.wrong(
                "needs points = 1 (so many for each order) or per = 1000 (one for so many minor units)",
            ));
        }
    };
    Ok(Some(MileageTerms { earn, sync: table.flag("sync")? }))
}

//! What each committed record means for an index. Learned again from the same records, all comes out
//! the same: whatever is read from the shelf here never changes once its record is there.

use std::collections::BTreeSet;
use std::sync::Arc;

use surehold_actors::glance;
use surehold_actors::machine::Machine;
use surehold_actors::shelf::{Shelf, ShelfError};
use surehold_actors::stream::{Kind, order_key};
use surehold_domain::confirmation::{self, Confirmation};
use surehold_domain::id::{MarketId, OfferingId};
use surehold_domain::mileage::{self, Mileage};
use surehold_domain::review::{self, Review};
use surehold_domain::saga::{Saga, Turn};
use surehold_storage::codec::CodecError;
use surehold_storage::{Record, Stream};
use tracing::warn;

use super::Whose;
use super::index::Index;
use super::keys::{balance_key, cancellation_key, reviews_key};
use super::set::Set;
use crate::view::{Collection, OfferingTurn};

/// Where records come from, and what they mean beyond themselves.
pub(super) struct Source {
    pub(super) shelf: Arc<Shelf>,
    /// The markets whose sales and stock are counted; `None` for all of them.
    pub(super) detailed: Option<BTreeSet<MarketId>>,
}

impl Source {
    pub(super) fn is_detailed(&self, market: MarketId) -> bool {
        self.detailed.as_ref().is_none_or(|markets| markets.contains(&market))
    }

    fn load<M: Machine>(&self, stream: Stream) -> Result<Option<M>, ShelfError> {
        Ok(self.shelf.load::<M>(stream)?.map(|loaded| loaded.machine))
    }
}

impl Index {
    pub(super) fn learn(&mut self, source: &Source, record: &Record) -> Result<(), ShelfError> {
        let market = MarketId(record.stream.group);
        match Kind::of(record.stream) {
            Some(Kind::Order) => self.learn_order(source, market, record),
            Some(Kind::Payment) => self.learn_payment(market, record),
            Some(Kind::Confirmation) => self.learn_confirmation(market, record),
            Some(Kind::Review) => self.learn_review(source, market, record),
            Some(Kind::Message) => self.learn_message(market, record),
            Some(Kind::Mileage) => self.learn_mileage(source, market, record),
            Some(Kind::Offering) if source.is_detailed(market) => {
                self.learn_offering(market, record)
            }
            Some(
                Kind::Offering
                | Kind::Node
                | Kind::Market
                | Kind::Key
                | Kind::Sale
                | Kind::Supply
                | Kind::Switch,
            )
            | None => Ok(()),
        }
    }

    fn learn_order(
        &mut self,
        source: &Source,
        market: MarketId,
        record: &Record,
    ) -> Result<(), ShelfError> {
        let order = order_key(record.stream).order;
        let fact = glance::order(&record.bytes).map_err(|error| unread(record, error))?;
        if let Some((customer, offering)) = fact.placed() {
            self.post(market, Whose::Customer(customer), order.0);
            self.post(market, Whose::Offering(offering), order.0);
        }
        let Some(turn) = fact.turn() else { return Ok(()) };
        match turn {
            Turn::Booked => {
                self.add(Collection::Orders, market, order.0)?;
                self.detail_order(source, market, record, turn)
            }
            Turn::Undone(_) => {
                let saga = source.load::<Saga>(record.stream)?;
                // Only what was a booking can be cancelled; the rest merely came to nothing.
                if saga.is_some_and(|saga| saga.confirmation().is_some()) {
                    let row = self.add(Collection::Cancellations, market, order.0)?;
                    self.put_number(cancellation_key(market, order), row);
                }
                Ok(())
            }
            Turn::Confirmed | Turn::Released => self.detail_order(source, market, record, turn),
            Turn::Awaited | Turn::Fulfilled | Turn::Refunded(_) => Ok(()),
        }
    }

    /// The order itself is looked at only where somebody asks for figures.
    fn detail_order(
        &mut self,
        source: &Source,
        market: MarketId,
        record: &Record,
        turn: Turn<'_>,
    ) -> Result<(), ShelfError> {
        if source.is_detailed(market)
            && let Some(saga) = source.load::<Saga>(record.stream)?
        {
            self.count_order(&saga, turn)?;
        }
        Ok(())
    }

    fn learn_payment(&mut self, market: MarketId, record: &Record) -> Result<(), ShelfError> {
        if glance::is_captured(&record.bytes).map_err(|error| unread(record, error))? {
            self.add(Collection::Payments, market, record.stream.id)?;
        }
        Ok(())
    }

    fn learn_confirmation(&mut self, market: MarketId, record: &Record) -> Result<(), ShelfError> {
        let id = record.stream.id;
        match decode::<Confirmation>(record)?.event {
            confirmation::Event::Queued { .. } => {
                self.add(Collection::Confirmations, market, id)?;
                self.join(Set::Waiting, market, id)?;
            }
            confirmation::Event::Issued { .. } => {
                self.add(Collection::Confirmations, market, id)?;
            }
            confirmation::Event::Confirmed
            | confirmation::Event::Rejected(_)
            | confirmation::Event::Withdrawn => self.leave(Set::Waiting, market, id)?,
            confirmation::Event::Abandoned { .. } => {}
        }
        Ok(())
    }

    fn learn_review(
        &mut self,
        source: &Source,
        market: MarketId,
        record: &Record,
    ) -> Result<(), ShelfError> {
        let id = record.stream.id;
        let event = decode::<Review>(record)?.event;
        let offering = match &event {
            review::Event::Written { offering, .. } => *offering,
            review::Event::Changed(_) if !source.is_detailed(market) => return Ok(()),
            review::Event::Changed(_) | review::Event::Removed => {
                let Some(review) = source.load::<Review>(record.stream)? else { return Ok(()) };
                review.offering
            }
        };
        let count = reviews_key(market, offering);
        let standing = self.number(&count)?;
        match event {
            review::Event::Written { .. } => {
                self.post(market, Whose::ReviewsOf(offering), id);
                self.put_number(count, standing + 1);
                self.join(Set::Reviews, market, id)?;
            }
            review::Event::Changed(_) => {}
            review::Event::Removed => {
                self.put_number(count, standing.saturating_sub(1));
                self.leave(Set::Reviews, market, id)?;
            }
        }
        if source.is_detailed(market) {
            self.turned(market, offering, OfferingTurn::Reviewed)?;
        }
        Ok(())
    }

    fn learn_message(&mut self, market: MarketId, record: &Record) -> Result<(), ShelfError> {
        let customer = glance::told_to(&record.bytes).map_err(|error| unread(record, error))?;
        self.add(Collection::Messages, market, record.stream.id)?;
        self.post(market, Whose::MessagesOf(&customer), record.stream.id);
        Ok(())
    }

    fn learn_mileage(
        &mut self,
        source: &Source,
        market: MarketId,
        record: &Record,
    ) -> Result<(), ShelfError> {
        let id = record.stream.id;
        match decode::<Mileage>(record)?.event {
            mileage::Event::Credited { customer, points, .. } => {
                self.add(Collection::Mileages, market, id)?;
                self.post(market, Whose::MileageOf(&customer), id);
                let key = balance_key(market, &customer);
                let balance = self.number(&key)?;
                // Sums wrap, so that what is taken back leaves exactly what was there.
                self.put_number(key, balance.wrapping_add(points));
            }
            mileage::Event::TakenBack => {
                let Some(entry) = source.load::<Mileage>(record.stream)? else { return Ok(()) };
                let key = balance_key(market, &entry.customer);
                let balance = self.number(&key)?;
                self.put_number(key, balance.wrapping_sub(entry.credited));
            }
        }
        Ok(())
    }

    fn learn_offering(&mut self, market: MarketId, record: &Record) -> Result<(), ShelfError> {
        if glance::is_changed(&record.bytes).map_err(|error| unread(record, error))? {
            self.turned(market, OfferingId(record.stream.id), OfferingTurn::Changed)?;
        }
        Ok(())
    }
}

fn decode<M: Machine>(record: &Record) -> Result<M::Fact, ShelfError> {
    M::fact_from_bytes(&record.bytes).map_err(|error| unread(record, error))
}

fn unread(record: &Record, source: CodecError) -> ShelfError {
    warn!(stream = %record.stream, sequence = record.sequence, "a fact does not decode");
    ShelfError::Codec { stream: record.stream, source }
}

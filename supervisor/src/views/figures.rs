//! What was sold of an offering, and what happened to it last; and the rows of what moves stock.
//! Kept only for the markets that ask for it: it costs a look at the order with every booking.

use surehold_actors::shelf::ShelfError;
use surehold_domain::id::{MarketId, OfferingId, OrderId};
use surehold_domain::quantity::{QUANTITY_MAX, Quantity};
use surehold_domain::saga::{Saga, Turn};
use surehold_storage::SnapshotError;

use super::index::Index;
use super::keys::{figures_key, flow_key, last_id, reviews_key};
use crate::view::{Collection, OfferingFigures, OfferingTurn};

/// What is stored of an offering: four numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Figures {
    /// The order that was booked last; 0 for none.
    last_order: u64,
    /// What happened last; 0 for nothing.
    last_turn: u64,
    /// Thousandths. Sums wrap, so that what is taken off again leaves exactly what was there.
    sold: u64,
    /// Minor units, as the bits of a signed number.
    revenue: u64,
}

impl Figures {
    fn from_bytes(bytes: &[u8]) -> Figures {
        let mut numbers = bytes.chunks_exact(8).map(last_id);
        let mut next = || numbers.next().unwrap_or(0);
        Figures { last_order: next(), last_turn: next(), sold: next(), revenue: next() }
    }

    fn to_bytes(self) -> Vec<u8> {
        let Figures { last_order, last_turn, sold, revenue } = self;
        [last_order, last_turn, sold, revenue].map(u64::to_be_bytes).concat()
    }
}

fn number_of(turn: OfferingTurn) -> u64 {
    match turn {
        OfferingTurn::Reserved => 1,
        OfferingTurn::Cancelled => 2,
        OfferingTurn::Reviewed => 3,
        OfferingTurn::Changed => 4,
    }
}

fn turn_of(number: u64) -> Option<OfferingTurn> {
    let all = [
        OfferingTurn::Reserved,
        OfferingTurn::Cancelled,
        OfferingTurn::Reviewed,
        OfferingTurn::Changed,
    ];
    all.into_iter().find(|turn| number_of(*turn) == number)
}

impl Index {
    /// What an order's turn means for its offering and for the stock. Orders that bring something
    /// are no sales.
    pub(super) fn count_order(&mut self, saga: &Saga, turn: Turn<'_>) -> Result<(), ShelfError> {
        let (market, order) = (saga.key().market, saga.order());
        let (brings, booked) = (saga.brings().is_some(), saga.confirmation().is_some());
        let (sold, revenue) = (order.claim.quantity().thousandths(), order.price.amount());
        match turn {
            Turn::Booked if !brings => self.change(market, order.offering, |figures| {
                figures.last_order = saga.key().order.0;
                figures.sold = figures.sold.wrapping_add(sold);
                figures.revenue = figures.revenue.wrapping_add_signed(revenue);
            })?,
            // A receipt is expected.
            Turn::Confirmed if brings => self.flow(market, saga.key().order)?,
            Turn::Confirmed => self.turned(market, order.offering, OfferingTurn::Reserved)?,
            Turn::Released if booked && !brings => {
                self.change(market, order.offering, |figures| {
                    figures.last_turn = number_of(OfferingTurn::Cancelled);
                    figures.sold = figures.sold.wrapping_sub(sold);
                    figures.revenue = figures.revenue.wrapping_add_signed(-revenue);
                })?;
                // The goods are back.
                self.flow(market, saga.key().order)?;
            }
            Turn::Booked
            | Turn::Released
            | Turn::Awaited
            | Turn::Fulfilled
            | Turn::Undone(_)
            | Turn::Refunded(_) => {}
        }
        Ok(())
    }

    /// Something happened to an offering.
    pub(super) fn turned(
        &mut self,
        market: MarketId,
        offering: OfferingId,
        turn: OfferingTurn,
    ) -> Result<(), SnapshotError> {
        self.change(market, offering, |figures| figures.last_turn = number_of(turn))
    }

    fn change(
        &mut self,
        market: MarketId,
        offering: OfferingId,
        change: impl FnOnce(&mut Figures),
    ) -> Result<(), SnapshotError> {
        let key = figures_key(market, offering);
        let mut figures =
            self.get(&key)?.map_or_else(Figures::default, |b| Figures::from_bytes(&b));
        change(&mut figures);
        self.put(key, figures.to_bytes());
        Ok(())
    }

    fn flow(&mut self, market: MarketId, order: OrderId) -> Result<(), SnapshotError> {
        let row = self.add(Collection::Flows, market, order.0)?;
        self.put_number(flow_key(market, order), row);
        Ok(())
    }

    /// What is known of an offering.
    pub(super) fn figures(
        &self,
        market: MarketId,
        offering: OfferingId,
    ) -> Result<OfferingFigures, SnapshotError> {
        let stored = self.get(&figures_key(market, offering))?;
        let figures = stored.map_or_else(Figures::default, |bytes| Figures::from_bytes(&bytes));
        let sold = Quantity::from_thousandths(figures.sold.min(QUANTITY_MAX)).unwrap_or_default();
        let last_order = (figures.last_order > 0).then_some(OrderId(figures.last_order));
        Ok(OfferingFigures {
            last_order,
            last_turn: turn_of(figures.last_turn),
            sold,
            revenue: figures.revenue.cast_signed(),
            has_sold: last_order.is_some(),
            reviews: self.number(&reviews_key(market, offering))?,
        })
    }
}

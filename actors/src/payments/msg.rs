//! What the payments can be told.

use surehold_domain::card::Card;
use surehold_domain::id::{EffectId, PaymentId};
use surehold_domain::money::Money;
use surehold_domain::payment::Answer;

use crate::stream::PaymentKey;

/// A message to the payments actor.
pub enum PaymentsMsg {
    /// Take the money for an order.
    Charge {
        /// Who asks.
        effect: EffectId,
        /// The payment's number.
        payment: PaymentId,
        /// How much.
        amount: Money,
        /// What with.
        card: Option<Card>,
        /// Whether this may have been asked before.
        again: bool,
    },
    /// Give money back; `None` for all that was or may have been charged.
    Refund {
        /// Who asks.
        effect: EffectId,
        /// The payment's number.
        payment: PaymentId,
        /// How much.
        amount: Option<Money>,
    },
    /// Say what became of a charge; no more is charged.
    Settle {
        /// Who asks.
        effect: EffectId,
        /// The payment's number.
        payment: PaymentId,
    },
    /// A gateway call ended.
    Answered(PaymentKey, Answer),
    /// A pause before asking again is over.
    Due(PaymentKey),
    /// There is news of a payment at the gateway: no pause before asking again.
    News(PaymentKey),
    /// A fault on demand.
    Crash,
}

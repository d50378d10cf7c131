//! News from whoever moves money.

use surehold_actors::gateway::key::Key;
use surehold_actors::payments::PaymentsMsg;
use surehold_actors::stream::PaymentKey;

use super::Engine;
use crate::refusal::Refusal;

impl Engine {
    /// Has the gateway asked now about a payment that waits to be asked about; for gateways that
    /// say when there is news. Returns whether the payment is one of this node's. One that is asked
    /// about already is left alone, as is one whose money is here or went back. One that came to
    /// nothing is asked about once more: if it came to something after all, its money goes back.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] while the engine is down.
    pub fn ask_payment(&self, key: &Key) -> Result<bool, Refusal> {
        let core = self.core()?;
        let ours = core.post.shelf.journal().identity() == key.node;
        if ours {
            let payment = PaymentKey { market: key.market, payment: key.payment };
            // Nobody there: whoever comes back asks anyway.
            core.post.payments.send(PaymentsMsg::News(payment));
        }
        Ok(ours)
    }
}

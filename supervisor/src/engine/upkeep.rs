//! Looking after the views: building them anew, and how far they are.

use surehold_actors::address::Sent;

use super::Engine;
use crate::refusal::Refusal;
use crate::view::ViewsProgress;

impl Engine {
    /// Has the views built anew from the journal, beside those there are: lists go on, and change
    /// over when the new ones know as much. A rebuild that is under way goes on; one that a crash
    /// interrupts is dropped.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] if the views are stopped or down.
    pub async fn rebuild_views(&self) -> Result<(), Refusal> {
        match self.core()?.views.rebuild() {
            Sent::Delivered => Ok(()),
            Sent::Restarting => Err(Refusal::unavailable("the views are down")),
            Sent::Stopped => Err(Refusal::unavailable("the views are stopped")),
        }
    }

    /// How far the views have come, and a rebuild of them, if one is under way.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] if the engine is down.
    pub fn views_progress(&self) -> Result<ViewsProgress, Refusal> {
        Ok(self.core()?.views.progress())
    }
}

//! The operator's side: the tree, faults on demand, and orders that were set aside.

use std::time::Duration;

use surehold_actors::follow::Reached;
use surehold_actors::order::OrderMsg;
use surehold_domain::breaker::State;
use surehold_domain::id::{OrderId, OrderKey};
use surehold_domain::saga::{Command, Party};
use tokio::sync::oneshot;

use super::orders::load;
use super::{Engine, Market, within};
use crate::brood::supervisor::BroodMsg;
use crate::brood::{Brood, Child};
use crate::core::Core;
use crate::participant::ParticipantMsg;
use crate::refusal::Refusal;
use crate::root::{Condition, RootMsg};
use crate::switches::PARTICIPANTS;
use crate::tree::TREE;
use crate::view::{BreakerView, OrderView, TreeNode};

/// How long an operator waits for a supervisor.
const ANSWER_WAIT: Duration = Duration::from_secs(5);

impl Engine {
    /// The supervision tree as it stands.
    pub async fn tree(&self) -> TreeNode {
        let ledger = self.inner.status.ledger();
        let (state, children) = match self.inner.status.condition() {
            Condition::Up(core) => ("up", self.children(&core).await),
            Condition::Down(_) => ("restarting", Vec::new()),
            Condition::Closed | Condition::Failed(_) => ("stopped", Vec::new()),
        };
        TreeNode {
            name: "root".to_owned(),
            state,
            restarts: ledger.total,
            last_cause: ledger.last_cause,
            live: None,
            queue: None,
            behind: None,
            breaker: None,
            children,
        }
    }

    async fn children(&self, core: &Core) -> Vec<TreeNode> {
        let healths = &core.healths;
        let mut nodes = Vec::with_capacity(TREE.len());
        for spec in &TREE {
            let node = match spec.name {
                "snapshots" => healths.snapshots.node(spec.name),
                "inventory" => self.brood_node(&core.offerings, spec.name).await,
                "payments" => {
                    TreeNode { breaker: Some(breaker(core)), ..healths.payments.node(spec.name) }
                }
                "confirmations" => healths.confirmations.node(spec.name),
                "mileage" => {
                    follower(core, healths.mileage.node(spec.name), &core.followed.mileage)
                }
                "messages" => {
                    follower(core, healths.messages.node(spec.name), &core.followed.messages)
                }
                "reviews" => healths.reviews.node(spec.name),
                "views" => {
                    let progress = core.views.progress();
                    let behind = Some(progress.last.saturating_sub(progress.cursor));
                    TreeNode { behind, ..healths.views.node(spec.name) }
                }
                "orders" => self.brood_node(&core.orders, spec.name).await,
                "timers" => healths.timers.node(spec.name),
                name => fixed(name),
            };
            nodes.push(TreeNode { queue: queue(core, spec.name), ..node });
        }
        nodes
    }

    async fn brood_node<C: Child>(&self, brood: &Brood<C>, name: &'static str) -> TreeNode {
        let (reply, answer) = oneshot::channel();
        let asked =
            self.inner.status.child(name).is_some_and(|child| {
                child.send_message(BroodMsg::<C::Key>::Children(reply)).is_ok()
            });
        let children = if asked { within(ANSWER_WAIT, answer).await } else { None };
        TreeNode {
            name: name.to_owned(),
            state: if brood.is_stopped() { "stopped" } else { "up" },
            restarts: brood.restarts(),
            last_cause: brood.last_cause(),
            live: Some(brood.live()),
            queue: None,
            behind: None,
            breaker: None,
            children: children.unwrap_or_default(),
        }
    }

    /// Lets a participant finish what it has, and keeps it down, also when the engine is opened
    /// again.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if there is no such participant.
    pub async fn stop(&self, participant: &str) -> Result<(), Refusal> {
        let (name, core) = (known(participant)?, self.core()?);
        let _moving = core.switches.moving().await;
        self.switch(&core, name, true).await?;
        match name {
            "inventory" => {
                core.offerings.set_stopped(true);
                Ok(())
            }
            name => self.participant(name, ParticipantMsg::Stop).await,
        }
    }

    /// Writes down what an operator wants of a participant.
    async fn switch(&self, core: &Core, name: &'static str, stop: bool) -> Result<(), Refusal> {
        match core.switches.set(&core.post.shelf, name, stop)? {
            Some(sequence) => self.durable(core, sequence).await,
            None => Ok(()),
        }
    }

    /// Starts a stopped participant; what it missed, it does.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if there is no such participant.
    pub async fn start(&self, participant: &str) -> Result<(), Refusal> {
        let (name, core) = (known(participant)?, self.core()?);
        let _moving = core.switches.moving().await;
        self.switch(&core, name, false).await?;
        match name {
            "inventory" => {
                core.offerings.set_stopped(false);
                let party = Some(surehold_domain::saga::Party::Inventory);
                crate::workers::wake_owed(&core.post, &core.orders, party);
                Ok(())
            }
            name => self.participant(name, ParticipantMsg::Start).await,
        }
    }

    /// Crashes a participant; its supervisor starts it again.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if there is no such participant.
    pub async fn crash(&self, participant: &str) -> Result<(), Refusal> {
        match known(participant)? {
            "inventory" => {
                self.core()?.offerings.crash_all();
                Ok(())
            }
            name => self.participant(name, ParticipantMsg::Crash).await,
        }
    }

    async fn participant(
        &self,
        name: &'static str,
        message: impl FnOnce(oneshot::Sender<()>) -> ParticipantMsg,
    ) -> Result<(), Refusal> {
        self.core()?;
        let (done, answer) = oneshot::channel();
        let sent = self.inner.root.send_message(RootMsg::Participant(name, message(done)));
        let silent = || Refusal::unavailable(format!("{name} did not answer; look at the tree"));
        sent.map_err(|_| silent())?;
        within(ANSWER_WAIT, answer).await.ok_or_else(silent)
    }

    /// Crashes an order's actor; with `always`, each of its lives until it is retried.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if there is no such order.
    pub async fn crash_order(
        &self,
        market: Market,
        order: OrderId,
        always: bool,
    ) -> Result<(), Refusal> {
        let core = self.core()?;
        let key = OrderKey { market: self.market_id(&core, market), order };
        load(&core, key)?;
        if always {
            core.orders.poison(key, true);
        }
        core.post.directory.order(key, OrderMsg::Crash);
        Ok(())
    }

    /// Lets a quarantined order live again, takes up a stuck compensation, and has an overdue order
    /// do what is due.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if there is no such order.
    pub async fn retry_order(&self, market: Market, order: OrderId) -> Result<OrderView, Refusal> {
        let core = self.core()?;
        let key = OrderKey { market: self.market_id(&core, market), order };
        load(&core, key)?;
        core.orders.release(key);
        core.post.directory.order(key, OrderMsg::Wake);
        let seen = self.tell(&core, key, Command::Retry).await?;
        self.show(&core, self.plan(market), seen).await
    }
}

fn breaker(core: &Core) -> BreakerView {
    let state = core.post.breaker.state(core.post.clock.now());
    let until = match state {
        State::Closed => None,
        State::Open { until } | State::HalfOpen { until, .. } => Some(until),
    };
    BreakerView { state: state.name(), until }
}

fn known(participant: &str) -> Result<&'static str, Refusal> {
    PARTICIPANTS.into_iter().find(|name| *name == participant).ok_or_else(|| {
        let reason = format!("must be one of {}", PARTICIPANTS.join(", "));
        Refusal::invalid("participant", reason)
    })
}

/// How much waits for a child of the root; `None` for those that nothing waits for.
fn queue(core: &Core, name: &str) -> Option<usize> {
    let party = match name {
        "snapshots" => return Some(core.post.shelf.tail_records()),
        "orders" => None,
        "inventory" => Some(Party::Inventory),
        "payments" => Some(Party::Payments),
        "confirmations" => Some(Party::Confirmations),
        "mileage" => Some(Party::Mileage),
        _ => return None,
    };
    Some(core.post.agenda.waiting(party))
}

/// A follower's node, with what it has still to read. One that has nothing to follow is never behind.
fn follower(core: &Core, node: TreeNode, reached: &Reached) -> TreeNode {
    let reached = reached.load(std::sync::atomic::Ordering::Acquire);
    let last = core.post.shelf.journal().durable().get();
    TreeNode { behind: (reached > 0).then(|| last.saturating_sub(reached)), ..node }
}

/// A child that is up as long as the tree is: its end is the root's affair.
fn fixed(name: &str) -> TreeNode {
    TreeNode {
        name: name.to_owned(),
        state: "up",
        restarts: 0,
        last_cause: None,
        live: None,
        queue: None,
        behind: None,
        breaker: None,
        children: Vec::new(),
    }
}

//! The rules of a booking, as values and total functions.
//!
//! No clock, no randomness, no IO, no async: time and numbers come in as arguments, facts go out as
//! values. Read in this order: [`saga::state`] (the diagram), [`saga`] (the four verbs),
//! [`inventory`], [`payment`] and [`confirmation`] (the machines an order asks), [`mileage`],
//! [`review`] and [`message`] (what goes with it), [`breaker`] (when a gateway is left alone),
//! [`plan`] (how a marketplace is described), [`invariants`] (what must always hold), [`head`] (what
//! followers read of a fact).

pub mod saga;

pub mod confirmation;
pub mod inventory;
pub mod payment;

pub mod message;
pub mod mileage;
pub mod review;

pub mod attributes;
pub mod breaker;
pub mod card;
pub mod day;
pub mod head;
pub mod id;
pub mod idempotency;
pub mod invariants;
pub mod money;
pub mod mutant;
pub mod order;
pub mod plan;
pub mod quantity;
pub mod slot;
pub mod terms;
pub mod testing;
pub mod time;
pub mod zone;

//! Actor shells around the domain machines, and the ports to the outside world.
//!
//! Every shell follows one rule: **decide, apply, append, speak**. Inside the node a message may
//! leave before its record is durable, because everything shares one total order; whatever leaves
//! the node (an HTTP answer, a gateway call, an event to a subscriber) waits for the durable sequence.
//!
//! ```text
//!            Hold, Release            Charge, Refund              Confirm, Withdraw
//!  offering <------------- order -----------------> payments     ------------------> confirmations
//!           --------------> | ^ <------------------  |    ^       <------------------
//!            Granted,       | |   Charged, Declined, |    |         Confirmed, Awaited,
//!            NotHeld,       | |   Refunded           v    |         Rejected, Withdrawn
//!            Released       | |                   gateway calls (tasks, permits, one key each)
//!                           v |
//!                         shelf: journal (truth) + tails + snapshots (cache)
//! ```
//!
//! No actor waits for another inside a handler, for the disk, or for the gateway. A message that is
//! lost with a crashed actor is asked for again: an order's outstanding effect follows from its state.

pub mod order;

pub mod confirmations;
pub mod inventory;
pub mod payments;

pub mod follow;
pub mod messages;
pub mod mileage;
pub mod reviews;

pub mod gateway;
pub mod glance;

pub mod machine;
pub mod shelf;
pub mod shell;
pub mod stream;

pub mod address;
pub mod agenda;
pub mod clock;
pub mod numbers;
pub mod post;
pub mod watch;

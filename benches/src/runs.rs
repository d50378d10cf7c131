//! Runs that prove a promise rather than measure a speed: customers, a payment service that is slow, overrun, faulty
//! or fine, a server that has to cope, and books that are held against each other at the end.
//!
//! `bank` is the payment service; `crowd` are customers who wait for their answers and `rush` is one that does not
//! wait; `came` is what they heard, `books` what is true in the end, `verdict` whether that is good. Each run has a
//! file of its own.

pub mod books;
pub mod came;
pub mod crashes;
pub mod crowd;
pub mod faults;
pub mod market;
pub mod overload;
pub mod rush;
pub mod shop;
pub mod slow_payments;
pub mod verdict;

pub use verdict::{Line, Outcome};

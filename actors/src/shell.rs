//! What an actor on demand is: a shell that is told one thing at a time and never waits.
//!
//! Orders and offerings live in their thousands and for milliseconds, so they are hosted as plain
//! tasks. Whoever hosts them (`surehold::brood`) sees to mail, panics, and what follows an end.

use crate::shelf::ShelfError;

/// An actor that is started on demand. Nothing in it is async, so between two messages, and only
/// there, it can be ended from outside.
pub trait Shell: Send + 'static {
    /// What it is told.
    type Msg: Send + 'static;

    /// The first thing it does, in each of its lives: it reads what it is.
    ///
    /// # Errors
    /// [`ShelfError`] if that cannot be read, or nothing can be written; the life is over then.
    fn begin(&mut self) -> Result<(), ShelfError>;

    /// Does what a message asks for.
    ///
    /// # Errors
    /// [`ShelfError`] if nothing can be read or written; the life is over then.
    fn handle(&mut self, message: Self::Msg) -> Result<(), ShelfError>;
}

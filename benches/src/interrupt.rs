//! A run that is told to end leaves no server behind: what it was doing is dropped, and with it all that it started.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Why a run ended before it was done.
#[derive(Debug, thiserror::Error)]
pub enum Interrupted {
    /// By somebody at the terminal, or by the system.
    #[error("{0}")]
    Told(&'static str),
    /// It could not be heard whether somebody wants it to end.
    #[error("cannot listen for signals: {0}")]
    Deaf(#[from] io::Error),
}

/// Does some work until it is done, or until this process is told to end.
///
/// # Errors
/// [`Interrupted`].
pub async fn unless_interrupted<T>(work: impl Future<Output = T>) -> Result<T, Interrupted> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        done = work => Ok(done),
        _ = interrupt.recv() => Err(Interrupted::Told("interrupted")),
        _ = terminate.recv() => Err(Interrupted::Told("terminated")),
    }
}

//! Two promises on disk: a durable append (the journal) and a disposable cache (the snapshots).
pub mod codec;
pub mod durable;
pub mod journal;
pub mod snapshot;

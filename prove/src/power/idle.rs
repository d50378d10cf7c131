//! A runtime that tells whether it is idle. The journal's syncs wait for that: so whatever the engine
//! says without waiting for the disk was said before the disk is asked, and a cut there shows it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// How long a sync waits at most. A runtime that is busy for longer has said much already.
const WAIT_MAX: Duration = Duration::from_millis(20);

/// Whether the runtime has nothing to do.
#[derive(Default)]
pub(super) struct Idle {
    idle: Mutex<bool>,
    changed: Condvar,
}

impl Idle {
    /// A runtime on the calling thread, and what tells whether it is idle.
    pub(super) fn runtime() -> Result<(Runtime, Arc<Idle>), String> {
        let idle = Arc::<Idle>::default();
        let (parking, waking) = (Arc::clone(&idle), Arc::clone(&idle));
        let runtime = Builder::new_current_thread()
            .enable_time()
            .on_thread_park(move || parking.set(true))
            .on_thread_unpark(move || waking.set(false))
            .build()
            .map_err(|error| format!("no runtime: {error}"))?;
        Ok((runtime, idle))
    }

    fn set(&self, idle: bool) {
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = idle;
        self.changed.notify_all();
    }

    /// Returns when the runtime is idle, or has been busy for long.
    pub(super) fn wait(&self) {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // Both ways to return are good.
        let _ = self.changed.wait_timeout_while(idle, WAIT_MAX, |idle| !*idle);
    }
}

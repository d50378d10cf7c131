//! How many files and sockets the system lets the process have.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::limits::FILES_KEPT;

/// Asks for as many files as so many connections need, and says how many connections there may be: a
/// server that runs out of files cannot write its data either.
#[must_use]
pub fn make_room(connections: usize) -> usize {
    let wanted = (connections as u64).saturating_add(FILES_KEPT);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(current) = current.filter(|current| *current < wanted) else { return connections };
    let most = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum });
    let have = if raised.is_ok() { most } else { current };
    if have >= wanted {
        return connections;
    }
    // Where hardly any are allowed, half of them are kept.
    let room = have.saturating_sub(FILES_KEPT).max(have / 2);
    usize::try_from(room).unwrap_or(connections).min(connections)
}

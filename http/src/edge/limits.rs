//! Every bound of the edge, on one page, each with the reason for its number. Those of the engine are
//! in `surehold::limits`.

use std::time::Duration;

/// Connections served at once unless told otherwise. Twice what the engine lets in, so that those who
/// only look, and event streams, have room beside a full gate. One that waits costs about 10 KiB.
pub const CONNECTIONS_MAX: usize = 10_000;
/// Files and sockets that are not for clients: the stores, calls to the gateway, what is refused.
pub const FILES_KEPT: u64 = 1024;
/// Refusals under way at once; who comes on top of those is closed without a word. Each takes a
/// socket for at most [`REFUSAL_WAIT`].
pub const REFUSALS_MAX: usize = 256;
/// How long a refused client may take to read why.
pub const REFUSAL_WAIT: Duration = Duration::from_secs(1);
/// Pause after the system would not hand over a connection, for want of files or memory: it will not
/// have more at once, and the loop must not spin.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Pause between two looks at all connections: how exact the times of [`Patience`] are.
pub const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Most bytes a connection keeps of what it reads: a longer head is refused with 431. Each slow head
/// may hold that much.
pub const BUFFER_MAX: usize = 32 * 1024;
/// Bytes from which on an answer is a large one: ten of the largest orders.
pub const LARGE: usize = 32 * 1024;
/// Bytes of large answers that wait for their clients to read them. When there are more, the next
/// large answer is refused: 256 MiB are hundreds of the largest pages.
pub const UNSENT_MAX: usize = 256 * 1024 * 1024;
/// A peer that leaves what was sent unacknowledged for so long is gone, says the system.
pub const PEER_GONE: Duration = Duration::from_secs(60);
/// A silent connection is probed after so long, and then this often.
pub const PROBE_AFTER: Duration = Duration::from_secs(60);
/// See [`PROBE_AFTER`].
pub const PROBE_EVERY: Duration = Duration::from_secs(15);

/// Bytes of a body that must come in each span of [`Patience::body`]: the slowest phone networks
/// bring ten times that.
pub const BODY_PACE: usize = 4096;
/// Spans of [`Patience::body`] in which a body must be there: the longest one at [`BODY_PACE`] or
/// faster is far shorter than what is read at all.
pub const BODY_SPANS: u32 = 3;

/// Clients whose requests are counted at once, over all shards. One costs about 50 bytes, and is
/// forgotten when its allowance is whole again.
pub const CLIENTS_MAX: usize = 100_000;
/// Parts of the table of clients, each with a lock of its own.
pub const CLIENT_SHARDS: usize = 64;
/// Entries of `X-Forwarded-For` that are looked at, from the right: more proxies in a row are no
/// proxies.
pub const FORWARDERS_MAX: usize = 32;

/// How long requests may still take once the server stops. An order waits at most ten seconds for its
/// payment; those that are not done by then are answered as being on their way.
pub const REQUESTS_WAIT: Duration = Duration::from_millis(7000);
/// How long work that was let in may still take after that, before the engine is closed over it.
pub const CLOSE_WAIT: Duration = Duration::from_millis(500);
/// How long answers may still take to be sent once the engine is closed.
pub const ANSWERS_WAIT: Duration = Duration::from_millis(500);
/// Pause between two looks whether the data is free, for a server that waits for it.
pub const DATA_LOOK: Duration = Duration::from_millis(50);

/// How long clients may take. A server that stops has hardly any: see `Lines::hurry`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For the whole head of a request, from its first byte or from when the connection was made.
    pub head: Duration,
    /// Without a request, on a connection that is kept.
    pub idle: Duration,
    /// For the next [`BODY_PACE`] bytes of a body.
    pub body: Duration,
    /// For reading anything of an answer that waits to be sent.
    pub send: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            // A head is a packet or two: even over a bad line one that takes longer is an attack.
            head: Duration::from_secs(10),
            // Above the minute for which load balancers keep theirs, so that they close first.
            idle: Duration::from_secs(75),
            body: Duration::from_secs(10),
            send: Duration::from_secs(30),
        }
    }
}

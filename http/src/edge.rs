//! The edge of the process: how connections are accepted, watched, limited and ended.
//!
//! ```text
//! accept -----> one task per connection: hyper (HTTP/1.1) over a Socket, answering with the routes
//!   | full?        |                                |
//!   v              v                                v
//! refusal        Line: what it does, since when <- sweep, once a second: cuts who is too slow
//! ```
//!
//! Nothing here sets a timer for a request: a connection notes what it does, and one sweep a second
//! looks at all of them. [`limits`] has every bound of the edge with its reason; [`rate`] counts
//! requests per [`client`].

mod accept;
pub mod client;
pub mod files;
pub mod limits;
mod line;
mod lines;
pub mod rate;
mod socket;
mod unsent;

pub(crate) use self::accept::Door;

use self::client::Net;
use self::limits::Patience;
use self::rate::RateLimit;

/// How the edge is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Connections served at once; the next ones are told that there are too many.
    pub max_connections: usize,
    /// How long clients may take.
    pub patience: Patience,
    /// Requests that one client may make, if that is limited.
    pub rate: Option<RateLimit>,
    /// The proxies that are believed when they say for whom they ask.
    pub trusted: Vec<Net>,
}

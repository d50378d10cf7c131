//! Seeded workloads and measurements of the booking engine.
//!
//! Read in this order: `findings` is what any suite finds, and all that a reader ever sees is made of it: `table` for a
//! terminal, `document` as a file, `page` (with `curves`) for a browser or for paper, `versus` for two runs beside each
//! other; `progress` says meanwhile what is going on. `calibrate` takes the yardsticks that figures are held against.
//!
//! The suites over HTTP: `http` is the first of them, `suites` has the others. Each runs a `plan` as a `trial`, which is
//! one server from its start to its end; `power` sees that it waits for the disk; `load` drives it, in a closed or an
//! open loop; `workload` says what is sent and `wire` how; `server` owns the process; `control` asks it the few questions
//! that are not measured; `machine` and `usage` read the facts a figure needs beside it; `report` makes findings of what
//! servers did, and judges them. `build` makes the server when nobody names one. All of these know the server only by its
//! public contract, a command line, a ready line and HTTP, so they can measure any build of it, an old one too.
//!
//! `runs` are the scripted runs that prove a promise, against a payment service of their own, which is `bank`.
//!
//! The suites under `suites` that need no server link what they measure: `actors` has the domain's machines, and three
//! ways to host them; `engine`, `memory`, `recovery` and `growth` the library; `journal` the journal.
//!
//! `rivals` puts the same load on what else a user could pick, in the same run.

pub mod bank;
pub mod build;
pub mod calibrate;
pub mod control;
pub mod curves;
pub mod document;
pub mod findings;
pub mod http;
pub mod interrupt;
pub mod load;
pub mod machine;
pub mod page;
pub mod participants;
pub mod plan;
pub mod power;
pub mod progress;
pub mod report;
pub mod rivals;
pub mod runs;
pub mod server;
pub mod suites;
pub mod table;
pub mod trial;
pub mod usage;
pub mod versus;
pub mod wire;
pub mod workload;

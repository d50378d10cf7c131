//! The real binary, from the outside: a process, a socket, a data folder.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests, only clippy cannot tell")]
#![expect(clippy::print_stderr, reason = "a failed test shows what the server wrote")]
#![expect(clippy::print_stdout, reason = "tests say what they measured")]

mod client;
mod compaction;
mod localstripe;
mod payment_service;
mod pypi;
mod server;

mod edge;
mod handover;
mod killed;
mod process;
mod proofs;
mod rate;
mod transcripts;
mod upgrade;

mod airbnb;
mod bad_input;
mod cors;
mod description;
mod dialects;
mod docs;
mod edu;
mod events;
mod fuzzing;
mod gasstation;
mod idempotency;
mod late_and_absent;
mod native;
mod nights_and_slots;
mod schemathesis;
mod talentshare;
mod yogiyogi;

mod gateway_json;
mod gateway_stripe;

mod full_disk;
mod gave_up;
mod kill;
mod races;
mod self_healing;

//! The proofs by name.

use std::str::FromStr;
use std::time::Instant;

use crate::{Ask, Verdict, fuzz, model, power, process, races, simulate, upgrades};

/// A proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// Every state two orders for one unit can reach.
    Model,
    /// Seeded worlds on a virtual clock.
    Simulate,
    /// Power cuts at and between syncs.
    Power,
    /// Garbled input for everything that reads.
    Fuzz,
    /// The public double bookings and lost payments of the field, over HTTP.
    Races,
    /// Data of every earlier release.
    Upgrades,
    /// The real process: killed, stopped, on a full disk.
    Process,
}

impl Proof {
    /// All of them, in the order in which they are run: the fast ones first.
    pub const ALL: [Proof; 7] = [
        Proof::Model,
        Proof::Simulate,
        Proof::Power,
        Proof::Fuzz,
        Proof::Races,
        Proof::Upgrades,
        Proof::Process,
    ];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Proof::Model => "model",
            Proof::Simulate => "simulate",
            Proof::Power => "power",
            Proof::Fuzz => "fuzz",
            Proof::Races => "races",
            Proof::Upgrades => "upgrades",
            Proof::Process => "process",
        }
    }

    /// Runs it to its verdict.
    #[must_use]
    pub fn run(self, ask: &Ask) -> Verdict {
        let began = Instant::now();
        let mut verdict = match self {
            Proof::Model => model::run(ask),
            Proof::Simulate => simulate::run(ask),
            Proof::Power => power::run(ask),
            Proof::Fuzz => fuzz::run(ask),
            Proof::Races => races::run(ask),
            Proof::Upgrades => upgrades::run(ask),
            Proof::Process => process::run(ask),
        };
        verdict.took = began.elapsed();
        verdict
    }
}

/// A name that no proof has.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no proof \"{0}\"; there are: model, simulate, power, fuzz, races, upgrades, process"
)]
pub struct NoSuchProof(String);

impl FromStr for Proof {
    type Err = NoSuchProof;

    fn from_str(name: &str) -> Result<Proof, NoSuchProof> {
        let found = Proof::ALL.into_iter().find(|proof| proof.name() == name);
        found.ok_or_else(|| NoSuchProof(name.to_owned()))
    }
}

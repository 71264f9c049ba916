//! A world in a box: phones, trunk, clock, faults and an auditor, for seeded runs of the pure
//! crates.
//!
//! `call`, `charging` and `registry` are the real ones; wires, media, desk, journal and vault are
//! models that follow the rules of the real ones and fail as those do. One seed is one county for
//! half an hour, and the same seed is the same half hour again. What it is not: part of the phone
//! service. It is for tests alone, nothing depends on it, and what it says of `desk`, `journal` and
//! `vault` holds for their rules, not for their threads and files. Start with [`run`] and
//! `world.rs`; what must hold stands in [`Rule`] and is checked in `audit.rs` from the tape of
//! events alone.

mod agenda;
mod audit;
mod county;
mod desk;
mod dice;
mod habit;
mod journal;
mod live;
mod plan;
mod reference;
mod sabotage;
mod seen;
mod sound;
mod tape;
mod vault;
mod world;

pub use audit::{Rule, Violation};
pub use sabotage::Sabotage;
pub use seen::{Coverage, Seen};

use charging::CapTable;

/// What all runs share: the caps, which take longer to read than a run does.
#[derive(Debug)]
pub struct Lab {
    caps: CapTable,
}

/// How one seed went.
#[derive(Clone, Debug)]
pub struct Report {
    /// Everything that should not have been.
    pub violations: Vec<Violation>,
    /// What occurred.
    pub coverage: Coverage,
    /// Hash of the tape; the same for the same seed and program.
    pub hash: u64,
    /// Events of the world.
    pub events: u64,
    /// The ladder, when it was asked for.
    pub ladder: Vec<String>,
}

impl Default for Lab {
    fn default() -> Self {
        Self { caps: CapTable::builtin() }
    }
}

/// Runs one seed to its end and audits it. `sabotage` breaks one rule of a model on purpose, so
/// that the auditor can show that it notices.
pub fn run(lab: &Lab, seed: u64, sabotage: Option<Sabotage>, ladder: bool) -> Report {
    let mut world = world::World::new(&lab.caps, seed, sabotage);
    world.play();
    let mut report = Report {
        violations: Vec::new(),
        coverage: world.coverage,
        hash: world.tape.hash(),
        events: world.events,
        ladder: Vec::new(),
    };
    report.violations = audit::audit(&world.tape, world.journal.kept(), &mut report.coverage);
    if ladder {
        report.ladder = world.tape.ladder();
    }
    report
}

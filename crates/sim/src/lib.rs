//! A world in a box: phones, trunk, clock, faults and an auditor, for seeded runs of the pure
//! crates.
//!
//! `call`, `charging` and `registry` are the real ones; wires, media, journal and vault are models
//! that follow the rules of the real ones and fail as those do. The desk is a model too, which is
//! fast, or the real one over a real database ([`Lab::with_desk`]). One seed is one county for half
//! an hour, and the same seed is the same half hour again. What it is not: part of the phone
//! service. It is for tests alone, nothing depends on it, and what it says of `journal` and `vault`
//! holds for their rules, not for their threads and files, nor for the threads of `desk`. Start
//! with [`run`] and `world.rs`; what must hold stands in [`Rule`] and is checked in `audit.rs` from
//! the tape of events alone, and for the real desk in `world/books.rs` from its entries and its
//! database.

mod agenda;
mod audit;
mod county;
mod desk;
mod dice;
mod habit;
mod journal;
mod live;
mod plan;
mod real;
mod reference;
mod sabotage;
mod seen;
mod shelf;
mod site;
mod sound;
mod tape;
mod vault;
pub mod wire;
mod world;

pub use audit::{Rule, Violation};
pub use sabotage::Sabotage;
pub use seen::{Coverage, Seen};

use charging::CapTable;
use model::Timestamp;

/// What all runs share: the caps, which take longer to read than a run does, and an empty database
/// where the real desk runs.
#[derive(Debug)]
pub struct Lab {
    caps: CapTable,
    ground: Option<site::Ground>,
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
        Self { caps: CapTable::builtin(), ground: None }
    }
}

impl Lab {
    /// A lab in which the real desk runs, on a database and a journal in memory.
    ///
    /// # Errors
    /// In words, when there is no room for a database.
    pub fn with_desk() -> Result<Self, String> {
        let ground = site::Ground::new().map_err(|fault| fault.to_string())?;
        Ok(Self { ground: Some(ground), ..Self::default() })
    }
}

/// Runs one seed to its end and audits it. `sabotage` breaks one rule of a model on purpose, so
/// that the auditor can show that it notices; where the real desk runs, only what lies around it
/// can be broken.
///
/// # Panics
/// When a database that the real desk runs on cannot be made or read: nothing is said of the desk
/// then.
pub fn run(lab: &Lab, seed: u64, sabotage: Option<Sabotage>, ladder: bool) -> Report {
    let mut world = world::World::new(&lab.caps, seed, sabotage, lab.ground.as_ref());
    world.play();
    assert!(world.fault.is_none(), "seed {seed} says nothing: {:?}", world.fault);
    let mut report = Report {
        violations: Vec::new(),
        coverage: world.coverage,
        hash: world.tape.hash(),
        events: world.events,
        ladder: Vec::new(),
    };
    let journal = world.journal.lock();
    report.violations = audit::audit(&world.tape, journal.kept(), &mut report.coverage);
    drop(journal);
    let objections = core::mem::take(&mut world.objections);
    report.violations.extend(objections.into_iter().map(|(rule, what)| Violation {
        rule,
        call: None,
        at: Timestamp::default(),
        what,
    }));
    if ladder {
        report.ladder = world.tape.ladder();
    }
    report
}

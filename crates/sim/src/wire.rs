//! SIP over a link that loses, doubles, reorders and delays: the real engine of `line` at one end,
//! at the other a second one or a telephone of our own that knows nothing of it.
//!
//! One seed is a handful of calls over one link. The clock stands still between events, and the
//! same seed is the same calls again. What must hold is checked in `audit.rs` from the tape alone,
//! and at the end from what the engine still keeps.

mod audit;
mod end;
mod label;
mod link;
mod phone;
mod plan;
mod tape;
mod world;

pub use tape::WireSeen;

use std::collections::BTreeMap;

/// How one seed went.
#[derive(Clone, Debug)]
pub struct WireReport {
    /// Everything that should not have been.
    pub violations: Vec<String>,
    /// How often each thing occurred.
    pub coverage: BTreeMap<WireSeen, u64>,
    /// Hash of the tape; the same for the same seed and program.
    pub hash: u64,
    /// Events of the world.
    pub events: u64,
    /// The ladder, when it was asked for.
    pub ladder: Vec<String>,
}

/// Runs one seed to its end and audits it.
///
/// # Errors
/// In words, when this machine has no socket for it.
pub fn run(seed: u64, ladder: bool) -> Result<WireReport, String> {
    let mut world = world::World::new(seed)?;
    world.play();
    let (mut violations, coverage) = audit::audit(&world.tape, world.plan());
    violations.extend(world.leftovers());
    Ok(WireReport {
        violations,
        coverage,
        hash: world.tape.hash(),
        events: world.tape.moments.len().try_into().unwrap_or(u64::MAX),
        ladder: if ladder { world.tape.ladder() } else { Vec::new() },
    })
}

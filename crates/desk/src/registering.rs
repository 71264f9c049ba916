//! An epoch of the registry comes into the log: what it lacks, what it is, and which recordings it
//! came too late for.
//!
//! Until its entry is durable nothing is recorded on the word of an epoch.

use journal::Draft;
use model::fact::Epoch;
use registry::Snapshot;

use crate::{
    desk::{Broken, Desk},
    limits::APPEND_FACTS_MAX,
};

/// Enters the epoch of `registry`, unless it is entered. Where the store has a newer one by now,
/// the next reload enters that.
///
/// # Errors
/// [`Broken`]: it is not entered, and everything entered for it so far may be entered again.
pub(crate) fn enter(desk: &Desk, registry: &Snapshot) -> Result<(), Broken> {
    let inner = desk.inner();
    let (epoch, clerk) = (registry.epoch(), &inner.clerk);
    if epoch == Epoch(0) || clerk.is_entered(epoch) {
        return Ok(());
    }
    // Recordings that are not in the store yet would be missed.
    desk.flush()?;
    let changes = inner.store.registry_changes()?;
    if changes.epoch != epoch {
        return Ok(());
    }
    let (map, at) = (clerk.map_of(registry), inner.clock.now());
    let removals = changes.removed.iter().map(|number| clerk.removal(epoch, *number.expose(), at));
    let head = clerk.epoch(&map, changes.removed.len(), changes.late.len(), at);
    let quarantines = changes.late.iter().map(|late| clerk.quarantine(late, epoch, at));
    let drafts: Option<Vec<Draft>> = removals.chain([head]).chain(quarantines).collect();
    let drafts = drafts.ok_or(Broken::NoEntry)?;
    for piece in drafts.chunks(APPEND_FACTS_MAX) {
        inner.journal.append_entries_wait(Vec::new(), piece.to_vec())?;
    }
    inner.store.registry_entered(registry.numbers())?;
    clerk.has_entered(epoch);
    if !changes.late.is_empty() {
        tracing::warn!(
            recordings = changes.late.len(),
            epoch = epoch.0,
            "recordings of numbers that are protected from now on are quarantined"
        );
    }
    Ok(())
}

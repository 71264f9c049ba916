//! Carries a node's entries from its journal to the log.

use super::{Log, LogError};
use crate::{Draft, Entry, EntrySeq, JournalError, SealKey, replay_entries};
use std::{
    ops::ControlFlow,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// Hands the entries of one node's journal to the log, each once and in order.
///
/// What cannot be handed over at once stays in the journal: [`Courier::is_behind`] says so, and
/// [`Courier::catch_up`] carries it later.
#[derive(Clone)]
pub struct Courier {
    log: Log,
    node: u32,
    key: SealKey,
    /// Number of the last entry that is durable in the journal.
    durable: Arc<AtomicU64>,
    behind: Arc<AtomicBool>,
}

impl Courier {
    /// For the journal of `node`, sealed under `key`, with nothing carried yet.
    #[must_use]
    pub fn new(log: Log, node: u32, key: SealKey) -> Self {
        let (durable, behind) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        Self { log, node, key, durable, behind }
    }

    /// What to give to [`crate::Journal::open_with_outbox`]. It does not wait for the log.
    pub fn outbox(&self) -> impl FnMut(Entry) + Send + 'static {
        let courier = self.clone();
        move |entry| {
            courier.durable.store(entry.seq.0, Ordering::Release);
            let behind = Arc::clone(&courier.behind);
            // Durable it is already; until it is in the log, nobody waits for it.
            courier.log.append_soon(vec![entry.draft], move |taken| {
                if let Err(error) = taken
                    && !behind.swap(true, Ordering::AcqRel)
                {
                    tracing::error!(%error, "an entry did not reach the log; it waits");
                }
            });
        }
    }

    /// Whether entries wait in the journal that the log did not take.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Acquire)
    }

    /// Carries what waits in the journal in `folder`: after a start, with `last` the number of its
    /// last entry as [`crate::Recovery`] says it, and whenever it [is behind](Courier::is_behind),
    /// with 0. Waits for the log, so never call it on the journal's thread or the log's.
    ///
    /// # Errors
    /// [`CatchUpError`]; whatever was carried before stays in the log, and it is still behind.
    pub fn catch_up(&self, folder: &Path, last: EntrySeq) -> Result<u64, CatchUpError> {
        self.behind.store(true, Ordering::Release);
        let durable = self.durable.fetch_max(last.0, Ordering::AcqRel).max(last.0);
        let taken = self.log.nodes()?.get(&self.node).copied().unwrap_or_default();
        if taken.0 > durable {
            return Err(CatchUpError::Lost { taken: taken.0, has: durable });
        }
        let mut carried = 0;
        let mut waiting: Vec<Draft> = Vec::new();
        let mut refused = Ok(());
        // What the journal has beyond this need not be durable there yet.
        replay_entries(folder, &self.key, taken, |entry| {
            if entry.seq.0 > durable {
                return ControlFlow::Break(());
            }
            carried += 1;
            waiting.push(entry.draft);
            let octets: usize = waiting.iter().map(|it| it.leaf.len() + it.detail.len()).sum();
            if octets >= CATCH_UP_OCTETS {
                refused = self.log.append_wait(std::mem::take(&mut waiting)).map(drop);
            }
            if refused.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        refused?;
        if !waiting.is_empty() {
            self.log.append_wait(waiting)?;
        }
        // What came in between found a gap, and is still to be carried.
        let missed = self.durable.load(Ordering::Acquire) > durable;
        self.behind.store(missed, Ordering::Release);
        Ok(carried)
    }
}

/// Why entries could not be carried.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CatchUpError {
    /// The journal could not be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The log did not take them.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log has entries that the journal has lost.
    #[error(
        "the log has {taken} entries of this node and its journal {has}: the journal was rolled back"
    )]
    Lost {
        /// Entries in the log.
        taken: u64,
        /// Entries in the journal.
        has: u64,
    },
}

/// Octets of leaves and details that are handed over at once.
const CATCH_UP_OCTETS: usize = 128 * 1024;

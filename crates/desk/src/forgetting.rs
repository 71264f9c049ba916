//! Taking out of the journal what is older than it may be kept.

use journal::{EntrySeq, Forgotten, Seq, TakenOver};
use model::Timestamp;

use crate::desk::{Broken, Desk};

impl Desk {
    /// Forgets what of the journal happened before `before`, as far as the store has its facts on
    /// the disk and the log its entries, of which `carried` is the last: see
    /// [`journal::Journal::forget_before`]. From then on calls and money of that time stand in the
    /// store alone.
    ///
    /// It may take seconds, and nothing of a call waits for it.
    ///
    /// # Errors
    /// [`Broken`] with what is broken. Nothing is half forgotten: the next start ends it.
    pub fn forget_journal(
        &self,
        before: Timestamp,
        carried: EntrySeq,
    ) -> Result<Forgotten, Broken> {
        let inner = self.inner();
        let facts = Seq(inner.store.projected_for_good()?);
        let taken = TakenOver { facts, entries: carried };
        Ok(inner.journal.forget_before(before, taken, inner.clock.now())?)
    }
}

//! Taking out of the journal what is older than it may be kept, and giving away the keys of what
//! the node needs no more.

use journal::{EntrySeq, Forgotten, GivenAway, Seq, ShareOut, TakenOver};
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
        let taken = self.taken(carried)?;
        let inner = self.inner();
        Ok(inner.journal.forget_before(before, taken, inner.clock.now())?)
    }

    /// Gives the keys away of what of the journal happened before `before`, as far as the store has
    /// its facts on the disk and the log its entries, of which `carried` is the last: see
    /// [`journal::Journal::give_away_before`]. From then on this node opens it no more.
    ///
    /// It may take seconds, and nothing of a call waits for it.
    ///
    /// # Errors
    /// [`Broken`] with what is broken. Every segment has its key then, or its shares.
    pub fn give_journal_away(
        &self,
        before: Timestamp,
        carried: EntrySeq,
        share_out: &ShareOut<'_>,
    ) -> Result<GivenAway, Broken> {
        let taken = self.taken(carried)?;
        let inner = self.inner();
        Ok(inner.journal.give_away_before(before, taken, inner.clock.now(), share_out)?)
    }

    fn taken(&self, carried: EntrySeq) -> Result<TakenOver, Broken> {
        let facts = Seq(self.inner().store.projected_for_good()?);
        Ok(TakenOver { facts, entries: carried })
    }
}

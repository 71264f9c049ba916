//! The journal in the hands of more than one: the world, which says when the disk answers, and the
//! real desk, which appends to it.

use crate::journal::{Done, Journal};
use desk::{Chronicle, Each};
use journal::{
    Appended, Draft, Forgotten, GivenAway, Haste, JournalError, Seq, ShareOut, TakenOver,
};
use model::{Timestamp, fact::Fact};
use std::{
    ops::ControlFlow,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The journal. A cheap handle.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf(Arc<Mutex<Journal>>);

impl Shelf {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Journal> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes one group, as the disk is now, and tells who waited.
    fn write_one(&self) {
        let mut journal = self.lock();
        journal.begin_group();
        let written = journal.outcome();
        let answered = journal.end_group(written);
        // Whoever is told may append again.
        drop(journal);
        for one in answered {
            one.tell();
        }
    }
}

impl Chronicle for Shelf {
    fn append(&self, _haste: Haste, facts: Vec<Fact>, drafts: Vec<Draft>, done: desk::Done) {
        if facts.is_empty() && drafts.is_empty() {
            return done(Err(JournalError::Empty));
        }
        self.lock().append_all(facts, drafts, Done::Desk(done));
    }

    /// Whoever waits on a node's thread waits for the groups before theirs too.
    fn append_wait(&self, facts: Vec<Fact>, drafts: Vec<Draft>) -> Result<Appended, JournalError> {
        let told = Arc::new(Mutex::new(None));
        let tell = Arc::clone(&told);
        let done = move |result| {
            *tell.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        };
        self.append(Haste::AtOnce, facts, drafts, Box::new(done));
        loop {
            if let Some(result) = told.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return result;
            }
            self.write_one();
        }
    }

    fn replay(&self, after: Seq, each: Each<'_>) -> Result<(), JournalError> {
        let facts: Vec<Fact> = {
            let journal = self.lock();
            let after = usize::try_from(after.0).unwrap_or(usize::MAX);
            journal.kept().iter().skip(after).map(|(_, fact)| fact.clone()).collect()
        };
        for (seq, fact) in (after.0 + 1..).zip(facts) {
            if each(Seq(seq), fact) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }

    /// It is in memory, and forgets all of it at once.
    fn forget_before(
        &self,
        _before: Timestamp,
        _taken: TakenOver,
        _now: Timestamp,
    ) -> Result<Forgotten, JournalError> {
        Ok(Forgotten::default())
    }

    /// Nothing of it is on a disk.
    fn give_away_before(
        &self,
        _before: Timestamp,
        _taken: TakenOver,
        _now: Timestamp,
        _share_out: &ShareOut<'_>,
    ) -> Result<GivenAway, JournalError> {
        Ok(GivenAway::default())
    }

    fn close(&self) {
        while !self.lock().is_idle() {
            self.write_one();
        }
    }
}

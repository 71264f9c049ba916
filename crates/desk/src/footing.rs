//! What a desk stands on. In a node that is a journal in files with a thread of its own, and
//! threads that project, reload and keep names; in a simulation it is a journal in memory, and
//! turns that are taken by hand, so that the same seed is the same course of things.

use std::{
    io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use journal::{
    Appended, Draft, Forgotten, GivenAway, Haste, Journal, JournalError, Recovery, SealKey, Seq,
    ShareOut, TakenOver,
};
use model::{
    AgencyId, RecordingId, Timestamp,
    fact::{Fact, RecordingEnd},
};
use vault::{Vault, VaultError};

use crate::disk::Space;

/// Where facts and entries become durable: as [`Journal`] keeps them. All of one append become
/// durable together or not at all, and what is appended later never before.
pub trait Chronicle: Send + Sync + 'static {
    /// Queues an append, and returns. `done` is called exactly once, with nothing held that the
    /// caller might need.
    fn append(&self, haste: Haste, facts: Vec<Fact>, drafts: Vec<Draft>, done: Done);

    /// The same, for somebody who waits.
    ///
    /// # Errors
    /// As [`Journal::append_entries`].
    fn append_wait(&self, facts: Vec<Fact>, drafts: Vec<Draft>) -> Result<Appended, JournalError>;

    /// Reads what is durable after this number, in order.
    ///
    /// # Errors
    /// As [`journal::replay`].
    fn replay(&self, after: Seq, each: Each<'_>) -> Result<(), JournalError>;

    /// Forgets what is older than `before` and was `taken` over.
    ///
    /// # Errors
    /// As [`Journal::forget_before`].
    fn forget_before(
        &self,
        before: Timestamp,
        taken: TakenOver,
        now: Timestamp,
    ) -> Result<Forgotten, JournalError>;

    /// Gives the keys away of what is older than `before` and was `taken` over.
    ///
    /// # Errors
    /// As [`Journal::give_away_before`].
    fn give_away_before(
        &self,
        before: Timestamp,
        taken: TakenOver,
        now: Timestamp,
        share_out: &ShareOut<'_>,
    ) -> Result<GivenAway, JournalError>;

    /// Writes what is queued. Nothing can be appended after that.
    fn close(&self);
}

/// Who wants to know how an append went.
pub type Done = Box<dyn FnOnce(Result<Appended, JournalError>) + Send>;

/// Who reads facts, until they have enough.
pub type Each<'a> = &'a mut dyn FnMut(Seq, Fact) -> ControlFlow<()>;

/// Who is told of every fact that became durable, before the append's own `done`.
pub type Sink = Box<dyn FnMut(Seq, &Fact) + Send>;

/// Says how full the disks are.
pub type Room = Box<dyn Fn() -> Space + Send + Sync>;

/// Gives a random octet; `None` when there is no randomness.
pub type Draw = Box<dyn Fn() -> Option<u8> + Send + Sync>;

/// What a desk stands on.
pub struct Footing {
    /// Its journal.
    pub chronicle: Box<dyn Chronicle>,
    /// What was found in it.
    pub found: Recovery,
    /// How full the disks are.
    pub room: Room,
    /// What decides the accepting key of a call, where a facility wants it drawn.
    pub draw: Draw,
    /// Who does what is done again and again.
    pub hands: Hands,
}

/// Who projects facts, reads the configuration again, and keeps names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hands {
    /// Threads of the desk.
    Threads,
    /// Whoever calls [`crate::Desk::turn`].
    Turns,
}

/// What is done again and again, by a thread each in a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Durable facts are carried into the store.
    Project,
    /// The disks are looked at, what the journal refused is appended again, and what was
    /// provisioned is taken over.
    Reload,
    /// Names are kept, removed and made ready, as people and staff wanted.
    Names,
}

/// The recordings that a start finds.
pub trait Recordings {
    /// Files away what an earlier process left unfinished, and says what it is.
    fn recover(&self) -> Vec<(RecordingId, RecordingEnd)>;

    /// What a closed recording is; `None` when there is none.
    ///
    /// # Errors
    /// [`VaultError`] when it cannot be read.
    fn end_of(
        &self,
        agency: AgencyId,
        recording: RecordingId,
    ) -> Result<Option<RecordingEnd>, VaultError>;
}

impl Recordings for Vault {
    fn recover(&self) -> Vec<(RecordingId, RecordingEnd)> {
        Self::recover(self)
    }

    fn end_of(
        &self,
        agency: AgencyId,
        recording: RecordingId,
    ) -> Result<Option<RecordingEnd>, VaultError> {
        Self::end_of(self, agency, recording)
    }
}

impl dyn Chronicle {
    pub(crate) fn append_entries(
        &self,
        facts: Vec<Fact>,
        drafts: Vec<Draft>,
        done: impl FnOnce(Result<Appended, JournalError>) + Send + 'static,
    ) {
        self.append(Haste::AtOnce, facts, drafts, Box::new(done));
    }

    pub(crate) fn append_entries_soon(
        &self,
        facts: Vec<Fact>,
        drafts: Vec<Draft>,
        done: impl FnOnce(Result<Appended, JournalError>) + Send + 'static,
    ) {
        self.append(Haste::InTime, facts, drafts, Box::new(done));
    }

    pub(crate) fn append_entries_wait(
        &self,
        facts: Vec<Fact>,
        drafts: Vec<Draft>,
    ) -> Result<Appended, JournalError> {
        self.append_wait(facts, drafts)
    }
}

impl Footing {
    /// A journal in the folder `dir`, sealed under `key`, with threads.
    ///
    /// # Errors
    /// As [`Journal::open_with_outbox`].
    pub(crate) fn of_files(
        (dir, key): (&Path, &SealKey),
        options: journal::Options,
        sink: Sink,
        outbox: impl FnMut(journal::Entry) + Send + 'static,
        disks: [PathBuf; 2],
    ) -> Result<Self, JournalError> {
        let (journal, found) = Journal::open_with_outbox(dir, key, options, sink, outbox)?;
        let disks = Disks { folders: disks, blind: Mutex::new(false) };
        Ok(Self {
            chronicle: Box::new(Files { journal, dir: dir.to_owned(), key: key.clone() }),
            found,
            room: Box::new(move || disks.space()),
            draw: Box::new(draw),
            hands: Hands::Threads,
        })
    }
}

/// The journal of a node.
struct Files {
    journal: Journal,
    dir: PathBuf,
    key: SealKey,
}

impl Chronicle for Files {
    fn append(&self, haste: Haste, facts: Vec<Fact>, drafts: Vec<Draft>, done: Done) {
        match haste {
            Haste::AtOnce => self.journal.append_entries(facts, drafts, done),
            Haste::InTime => self.journal.append_entries_soon(facts, drafts, done),
        }
    }

    fn append_wait(&self, facts: Vec<Fact>, drafts: Vec<Draft>) -> Result<Appended, JournalError> {
        self.journal.append_entries_wait(facts, drafts)
    }

    fn replay(&self, after: Seq, each: Each<'_>) -> Result<(), JournalError> {
        journal::replay(&self.dir, &self.key, after, each)
    }

    fn forget_before(
        &self,
        before: Timestamp,
        taken: TakenOver,
        now: Timestamp,
    ) -> Result<Forgotten, JournalError> {
        self.journal.forget_before(before, taken, now)
    }

    fn give_away_before(
        &self,
        before: Timestamp,
        taken: TakenOver,
        now: Timestamp,
        share_out: &ShareOut<'_>,
    ) -> Result<GivenAway, JournalError> {
        self.journal.give_away_before(before, taken, now, share_out)
    }

    fn close(&self) {
        self.journal.clone().close();
    }
}

/// The file systems of journal and recordings.
struct Disks {
    folders: [PathBuf; 2],
    /// Whether the last look failed, so that it is told once.
    blind: Mutex<bool>,
}

impl Disks {
    /// How much room there is on the fullest of them.
    fn space(&self) -> Space {
        let mut worst = Space::Ample;
        let mut blind = self.blind.lock().unwrap_or_else(PoisonError::into_inner);
        for folder in &self.folders {
            match rustix::fs::statvfs(folder).map_err(io::Error::from) {
                Ok(found) => {
                    let octets = |blocks: u64| blocks.saturating_mul(found.f_frsize);
                    worst = worst.max(Space::of(octets(found.f_bavail), octets(found.f_blocks)));
                    *blind = false;
                }
                // What cannot be asked may still be written: the journal will say.
                Err(error) if !*blind => {
                    *blind = true;
                    tracing::error!(%error, "nobody can say how full the disk is");
                }
                Err(_) => {}
            }
        }
        worst
    }
}

/// A random octet of the operating system.
fn draw() -> Option<u8> {
    let mut octet = [0];
    getrandom::fill(&mut octet).ok()?;
    let [octet] = octet;
    Some(octet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_there_is_looked_at_and_a_missing_one_is_no_full_one() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().to_path_buf();
        let folders = [here.clone(), here.join("missing")];
        let disks = Disks { folders, blind: Mutex::new(false) };
        let found = rustix::fs::statvfs(&here).unwrap();
        let octets = |blocks: u64| blocks * found.f_frsize;
        let space = Space::of(octets(found.f_bavail), octets(found.f_blocks));
        assert_eq!(disks.space(), space);
    }
}

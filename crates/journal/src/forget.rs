//! Forgetting closed segments whose facts are older than they may be kept.
//!
//! What is destroyed first is the segment's key, in its header: without it no key of the node opens
//! what followed, whatever a disk keeps of it. Then what followed is overwritten and cut off. What
//! remains is a header that says, vouched for with the journal's key, which numbers the segment had
//! and what its octets hashed to; so whoever reads the journal counts on without a gap, and a
//! forgotten segment is not taken for a lost one.
//!
//! Forgetting is sound because only a beginning of the journal is forgotten, never the segment at
//! its end, and only what has been taken over: the facts by the database, which from then on is
//! where their calls and money stand, the entries by the log.
//!
//! A crash in the middle leaves a note beside the segment ([`NOTE_SUFFIX`]), written durably before
//! anything else: whoever reads goes by it, and whoever opens the journal carries it out. A file
//! system that writes elsewhere, and copies of the disk, may keep old headers; they are as safe as
//! the node's key. A segment whose key was given away before (`give.rs`) is forgotten in the same
//! way, and the shares of its key are destroyed with it.

use crate::{
    EntrySeq, JournalError, SealKey, Seq,
    frame::{self, Tail},
    give,
    header::{Gone, HEADER_OCTETS, Header, HeaderFault, Opened, Past},
    limits::SEGMENT_AGE_MAX,
    seal::Seal,
    segment::{self, NOT_SEALED, check_header, header_error, open_header, sync_folder},
};
use model::Timestamp;
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{ErrorKind, Read as _, Write as _},
    ops::ControlFlow,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// What was taken over from the journal, durably, by others who have it from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenOver {
    /// Number of the last fact that the database has.
    pub facts: Seq,
    /// Number of the last entry that the log has.
    pub entries: EntrySeq,
}

/// What was forgotten, from the journal's beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// How many segments, of all times.
    pub segments: u64,
    /// How many of them just now.
    pub now: u64,
    /// Number of the last fact in them; 0 when there is none.
    pub last: Seq,
    /// Number of the last entry in them; 0 when there is none.
    pub entry: EntrySeq,
}

impl Forgotten {
    pub(crate) fn add(&mut self, gone: &Gone) {
        self.segments += 1;
        self.last = Seq(gone.next.0.saturating_sub(1));
        self.entry = EntrySeq(gone.next_entry.0.saturating_sub(1));
    }
}

/// While this lives, nothing of a journal is forgotten and no key of it given away, in whichever
/// process: somebody copies it.
#[derive(Debug)]
pub struct Kept {
    /// Held, never read: the lock ends with it.
    _lock: File,
}

/// Keeps the journal in `dir` as it is, but for what is appended; waits for a forgetting that is
/// going on. Others may keep it at the same time.
///
/// # Errors
/// A fault of the disk.
pub fn keep(dir: &Path) -> Result<Kept, JournalError> {
    let (lock, path) = lock_file(dir)?;
    lock.lock_shared().map_err(|error| JournalError::io("lock", path, error))?;
    Ok(Kept { _lock: lock })
}

/// Who forgets in an open journal, and gives its keys away.
pub(crate) struct Forgetter {
    pub(crate) dir: PathBuf,
    pub(crate) key: SealKey,
    pub(crate) node: u32,
    /// One at a time.
    pub(crate) turn: Mutex<()>,
}

impl Forgetter {
    /// Whether the segment that is written on began [`SEGMENT_AGE_MAX`] or longer before `now`.
    pub(crate) fn is_aged(&self, now: Timestamp) -> Result<bool, JournalError> {
        let segments = segment::list(&self.dir)?;
        let Some((first, _)) = segments.last() else { return Ok(false) };
        let mut begun = None;
        // What is being appended meanwhile may look torn, and is not what is asked for.
        crate::replay(&self.dir, &self.key, Seq(first.0.saturating_sub(1)), |_, fact| {
            begun = Some(fact.at());
            ControlFlow::Break(())
        })?;
        Ok(begun.is_some_and(|begun| now.since(begun) >= SEGMENT_AGE_MAX))
    }

    /// As [`crate::Journal::forget_before`].
    pub(crate) fn forget(
        &self,
        before: Timestamp,
        taken: TakenOver,
        now: Timestamp,
    ) -> Result<Forgotten, JournalError> {
        let _alone = self.alone()?;
        let mut forgotten = Forgotten::default();
        for (first, path) in &self.closed()? {
            let octets = segment::read(path)?;
            let header = header_at(path, &octets).map_err(|fault| header_error(path, fault))?;
            check_header(path, header, *first, Some(self.node))?;
            let read = match open_header(path, header, &self.key)? {
                Opened::Gone(gone) => {
                    forgotten.add(&gone);
                    continue;
                }
                Opened::Sealed(seal) => Whole::of(path, &octets, header, &seal)?,
                // Nobody here can look into it any more. What it says was read when its key went.
                Opened::Given(given) => {
                    Whole { newest: given.newest, next: given.next, next_entry: given.next_entry }
                }
            };
            let gone = Gone {
                next: read.next,
                next_entry: read.next_entry,
                at: now,
                sha256: Sha256::digest(&octets).into(),
            };
            if read.newest >= before || !read.is_taken(taken) {
                break;
            }
            note(path, header.forget(gone, &self.key)?)?;
            carry_out(path)?;
            forgotten.add(&gone);
            forgotten.now += 1;
        }
        Ok(forgotten)
    }

    /// Keeps others from changing closed segments, and those who copy the journal from beginning;
    /// ends what a crash left.
    pub(crate) fn alone(&self) -> Result<Alone<'_>, JournalError> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (lock, path) = lock_file(&self.dir)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::BeingCopied { folder: self.dir.clone() });
            }
            Err(TryLockError::Error(error)) => return Err(JournalError::io("lock", path, error)),
        }
        finish(&self.dir, &self.key)?;
        Ok(Alone { _turn: turn, _lock: lock })
    }

    /// All segments but the last one, which is written on.
    pub(crate) fn closed(&self) -> Result<Vec<(Seq, PathBuf)>, JournalError> {
        let mut segments = segment::list(&self.dir)?;
        segments.pop();
        Ok(segments)
    }
}

/// While this lives, nobody else changes closed segments, or copies them.
pub(crate) struct Alone<'a> {
    _turn: MutexGuard<'a, ()>,
    /// Held, never read.
    _lock: File,
}

/// A whole segment.
pub(crate) struct Whole {
    /// When the last of its facts happened.
    pub(crate) newest: Timestamp,
    pub(crate) next: Seq,
    pub(crate) next_entry: EntrySeq,
}

impl Whole {
    /// Whether all of it was taken over.
    pub(crate) const fn is_taken(&self, taken: TakenOver) -> bool {
        self.next.0 <= taken.facts.0.saturating_add(1)
            && self.next_entry.0 <= taken.entries.0.saturating_add(1)
    }

    /// Reads all of a segment.
    ///
    /// # Errors
    /// [`JournalError::Damaged`].
    pub(crate) fn of(
        path: &Path,
        octets: &[u8],
        header: Header,
        seal: &Seal,
    ) -> Result<Self, JournalError> {
        let damaged = |offset: usize, what| JournalError::Damaged {
            file: path.to_owned(),
            offset: offset as u64,
            what,
        };
        // Without a fact that says when, nothing is old.
        let mut newest = None;
        let mut bad = None;
        let scan = frame::scan(octets, header, |at, frame| {
            match frame.open(seal).and_then(|payload| payload.facts()) {
                Some(facts) => {
                    newest = newest.max(facts.iter().map(model::fact::Fact::at).max());
                    ControlFlow::Continue(())
                }
                None => {
                    bad = Some(at);
                    ControlFlow::Break(())
                }
            }
        });
        match (bad, scan.tail) {
            (Some(at), _) => Err(damaged(at, NOT_SEALED)),
            (None, Tail::Damaged(what)) => Err(damaged(scan.end, what)),
            (None, Tail::Torn) => Err(damaged(scan.end, "it ends in the middle of a frame")),
            (None, Tail::Whole) => Ok(Self {
                newest: newest.unwrap_or(Timestamp::from_micros(i64::MAX)),
                next: scan.next,
                next_entry: scan.next_entry,
            }),
        }
    }
}

/// The header of the segment at `path`, which begins with `octets`, or the one that is taking its
/// place.
pub(crate) fn header_at(path: &Path, octets: &[u8]) -> Result<Header, HeaderFault> {
    let noted = fs::read(path.with_extension(NOTE_SUFFIX)).ok();
    match noted.and_then(|octets| Header::decode(&octets).ok()) {
        Some(header) if header.past().is_some() => Ok(header),
        Some(_) | None => Header::decode(octets),
    }
}

/// The octets of a segment that can be its header.
pub(crate) fn front(path: &Path) -> Result<Vec<u8>, JournalError> {
    let mut octets = Vec::new();
    File::open(path)
        .and_then(|file| file.take(HEADER_OCTETS as u64).read_to_end(&mut octets))
        .map_err(|error| JournalError::io("read", path, error))?;
    Ok(octets)
}

/// Notes, durably, that `header` is to take the place of the one that the segment at `path` has.
pub(crate) fn note(path: &Path, header: Header) -> Result<(), JournalError> {
    write_durably(&path.with_extension(NOTE_SUFFIX), &header.encode())
}

/// Writes a file beside a segment, durably with its name.
pub(crate) fn write_durably(path: &Path, octets: &[u8]) -> Result<(), JournalError> {
    let fault = |action| move |error| JournalError::io(action, path, error);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(FILE_MODE)
        .open(path)
        .map_err(fault("make"))?;
    file.write_all(octets).map_err(fault("write"))?;
    file.sync_all().map_err(fault("sync"))?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Does what was noted for the segment at `path`; each step is durable before the next, and all of
/// them can be done again.
pub(crate) fn carry_out(path: &Path) -> Result<(), JournalError> {
    let note = path.with_extension(NOTE_SUFFIX);
    let noted = fs::read(&note).map_err(|error| JournalError::io("read", &note, error))?;
    let header = Header::decode(&noted).map_err(|fault| header_error(&note, fault))?;
    let fault = |action| move |error| JournalError::io(action, path, error);
    let file = OpenOptions::new().write(true).open(path).map_err(fault("open"))?;
    let octets = file.metadata().map_err(fault("read"))?.len();
    file.write_all_at(&noted, 0).map_err(fault("write"))?;
    match header.past() {
        Some(Past::Gone(_)) => {
            zeros(path, &file, HEADER_OCTETS as u64, octets)?;
            file.set_len(HEADER_OCTETS as u64).map_err(fault("cut"))?;
            file.sync_all().map_err(fault("sync"))?;
            destroy_shares(path)?;
        }
        // Nobody notes that a segment has a key.
        Some(Past::Given(_)) | None => file.sync_all().map_err(fault("sync"))?,
    }
    fs::remove_file(&note).map_err(|error| JournalError::io("remove", &note, error))?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Overwrites what stands in a file between these places, durably.
fn zeros(path: &Path, file: &File, mut at: u64, end: u64) -> Result<(), JournalError> {
    let fault = |action| move |error| JournalError::io(action, path, error);
    let zeros = vec![0; ZEROS_OCTETS];
    while at < end {
        let count = usize::try_from(end - at).unwrap_or(usize::MAX).min(ZEROS_OCTETS);
        file.write_all_at(zeros.get(..count).unwrap_or_default(), at).map_err(fault("write"))?;
        at += count as u64;
    }
    file.sync_all().map_err(fault("sync"))
}

/// Destroys the shares of a segment's key, where there are any.
fn destroy_shares(path: &Path) -> Result<(), JournalError> {
    let shares = path.with_extension(give::SHARES_SUFFIX);
    let fault = |action| {
        let shares = shares.clone();
        move |error| JournalError::io(action, shares, error)
    };
    let file = match OpenOptions::new().write(true).open(&shares) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(fault("open")(error)),
    };
    let octets = file.metadata().map_err(fault("read"))?.len();
    zeros(&shares, &file, 0, octets)?;
    fs::remove_file(&shares).map_err(fault("remove"))
}

/// Carries out what a crash left noted in `dir`. A note that is not whole was never begun to be
/// carried out, and neither is one of shares that are not there while the key still is.
pub(crate) fn finish(dir: &Path, key: &SealKey) -> Result<(), JournalError> {
    let fault = |error| JournalError::io("list", dir, error);
    for entry in fs::read_dir(dir).map_err(fault)? {
        let note = entry.map_err(fault)?.path();
        if note.extension().is_none_or(|suffix| suffix != NOTE_SUFFIX) {
            continue;
        }
        let octets = fs::read(&note).map_err(|error| JournalError::io("read", &note, error))?;
        let path = segment::of_note(&note);
        let noted = Header::decode(&octets).ok().filter(|_| path.is_file());
        let may = match noted.and_then(Header::past) {
            None => false,
            Some(Past::Gone(_)) => true,
            Some(Past::Given(given)) => give::may_go(&path, &given)?,
        };
        match noted.filter(|_| may) {
            Some(header) => {
                open_header(&note, header, key)?;
                carry_out(&path)?;
            }
            None => {
                fs::remove_file(&note).map_err(|error| JournalError::io("remove", note, error))?;
            }
        }
    }
    Ok(())
}

fn lock_file(dir: &Path) -> Result<(File, PathBuf), JournalError> {
    let path = dir.join(LOCK_NAME);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(&path)
        .map_err(|error| JournalError::io("open", &path, error))?;
    Ok((file, path))
}

/// How the note of a segment whose key is being destroyed is named, beside it.
pub(crate) const NOTE_SUFFIX: &str = "gone";
const LOCK_NAME: &str = "forgetting";
const FILE_MODE: u32 = 0o600;
/// Octets that are overwritten at a time.
const ZEROS_OCTETS: usize = 64 * 1024;

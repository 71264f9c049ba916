//! What a keyholder remembers, on disk: the last checkpoint it believed, and what it opened.
//!
//! A keyholder that is asked by running its program is a process for each request, and maybe
//! another one that serves: all of them have one memory.

use access::ReopeningReceipt;
use model::{AgencyId, RecordingId, Timestamp};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};
use tlog::{Checkpoint, Policy, Verifier};

/// The keyholder's memory.
#[derive(Debug)]
pub struct Memory {
    folder: PathBuf,
    log: Verifier,
    seen: Option<Checkpoint>,
    /// Places of the entries for which something was opened.
    opened: BTreeSet<u64>,
    /// Segments that were opened, by the entry and their first fact.
    segments: BTreeSet<(u64, u64)>,
    ledger: File,
    /// Octets of the ledger that were read or written here.
    known: u64,
    /// Places of entries whose lines may not have reached the disk.
    unsure: BTreeSet<u64>,
    /// The same of segments.
    unsure_segments: BTreeSet<(u64, u64)>,
}

/// While it lives, no other process remembers anything here.
pub(crate) struct Turn(File);

impl Drop for Turn {
    fn drop(&mut self) {
        // It ends with its file at the latest.
        let _ = self.0.unlock();
    }
}

/// One line of the keyholder's own account, which nobody else writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Place of the entry in the log.
    pub index: u64,
    /// Whose recording.
    pub agency: AgencyId,
    /// Which.
    pub recording: RecordingId,
    /// For whose key.
    pub recipient: access::Recipient,
    /// When, by the keyholder's clock.
    pub at: Timestamp,
}

impl Memory {
    /// Reads the memory in `folder`, or begins one there.
    ///
    /// # Errors
    /// When the disk reports a fault, or what is there is not of the log with key `log`: then
    /// somebody must look before anything is opened.
    pub fn open(folder: &Path, log: &Verifier) -> io::Result<Self> {
        let path = folder.join(LEDGER);
        let ledger =
            OpenOptions::new().append(true).create(true).read(true).mode(0o600).open(&path)?;
        let mut memory = Self {
            folder: folder.to_owned(),
            log: log.clone(),
            seen: None,
            opened: BTreeSet::new(),
            segments: BTreeSet::new(),
            ledger,
            known: 0,
            unsure: BTreeSet::new(),
            unsure_segments: BTreeSet::new(),
        };
        drop(memory.turn()?);
        File::open(&memory.folder)?.sync_all()?;
        Ok(memory)
    }

    /// Waits until no other process remembers anything, and takes over what they did.
    ///
    /// # Errors
    /// As [`Memory::open`].
    pub(crate) fn turn(&mut self) -> io::Result<Turn> {
        self.ledger.lock()?;
        let turn = Turn(self.ledger.try_clone()?);
        self.seen = self.newest()?;
        let length = self.ledger.metadata()?.len();
        if length != self.known {
            let text = fs::read_to_string(self.folder.join(LEDGER))?;
            let places = text.lines().filter_map(place);
            self.opened = places.filter(|place| !self.unsure.contains(place)).collect();
            let segments = text.lines().filter_map(segment);
            self.segments = segments.filter(|it| !self.unsure_segments.contains(it)).collect();
            self.known = length;
        }
        Ok(turn)
    }

    /// The last checkpoint that was believed, by whichever process.
    pub(crate) fn newest(&self) -> io::Result<Option<Checkpoint>> {
        let read = |octets: Vec<u8>| Checkpoint::read(&octets, &self.log, &Policy::LOG_ALONE);
        match fs::read(self.folder.join(SEEN)) {
            Ok(octets) => Ok(Some(read(octets).map_err(io::Error::other)?)),
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Where it is.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The last checkpoint that was believed.
    pub const fn seen(&self) -> Option<&Checkpoint> {
        self.seen.as_ref()
    }

    /// How many entries something was opened for.
    pub fn opened_count(&self) -> usize {
        self.opened.len()
    }

    /// Believes a checkpoint from now on. Durable when this returns.
    pub(crate) fn see(&mut self, checkpoint: &Checkpoint) -> io::Result<()> {
        let same = |seen: &Checkpoint| seen.size() == checkpoint.size();
        if self.seen.as_ref().is_some_and(same) {
            return Ok(());
        }
        let (new, old) = (self.folder.join(SEEN_NEW), self.folder.join(SEEN));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(checkpoint.note().to_string().as_bytes())?;
        file.sync_all()?;
        fs::rename(new, old)?;
        File::open(&self.folder)?.sync_all()?;
        self.seen = Some(checkpoint.clone());
        Ok(())
    }

    /// Writes down that something is opened; again for the same entry, nothing. Durable when this
    /// returns.
    pub(crate) fn note(&mut self, opened: &Opened) -> io::Result<()> {
        if self.opened.contains(&opened.index) {
            return Ok(());
        }
        let Opened { index, agency, recording, recipient, at } = opened;
        // The line break before it ends a line that a crash cut.
        let line =
            format!("\n{index} {} {:016x} {recipient:?} {}\n", agency.0, recording.0, at.micros());
        self.unsure.insert(*index);
        self.ledger.write_all(line.as_bytes())?;
        self.ledger.sync_data()?;
        self.known = self.known.saturating_add(line.len() as u64);
        self.unsure.remove(index);
        self.opened.insert(*index);
        Ok(())
    }

    /// As [`Memory::note`], that the shares of the segment with this file are opened.
    pub(crate) fn note_segment(
        &mut self,
        receipt: &ReopeningReceipt,
        shares: &[u8],
        at: Timestamp,
    ) -> io::Result<()> {
        let hash: [u8; 32] = Sha256::digest(shares).into();
        let reopening = receipt.reopening();
        let named = reopening.segments.iter().find(|segment| segment.shares == hash);
        let named = named.ok_or_else(|| io::Error::other("the entry names another segment"))?;
        let (index, node, first) = (receipt.index(), reopening.node, named.first);
        if self.segments.contains(&(index, first)) {
            return Ok(());
        }
        let (recipient, at) = (reopening.recipient, at.micros());
        let line = format!("\n{index} {SEGMENT} {node} {first} {recipient:?} {at}\n");
        self.unsure_segments.insert((index, first));
        self.ledger.write_all(line.as_bytes())?;
        self.ledger.sync_data()?;
        self.known = self.known.saturating_add(line.len() as u64);
        self.unsure_segments.remove(&(index, first));
        self.opened.insert(index);
        self.segments.insert((index, first));
        Ok(())
    }
}

/// The entry of a line of the ledger; none of one that a crash cut, which was never acted upon.
fn place(line: &str) -> Option<u64> {
    let index = line.split(' ').next()?.parse().ok()?;
    (line.split(' ').count() >= LEDGER_WORDS_COUNT).then_some(index)
}

/// The entry and the segment's first fact of a line about a segment.
fn segment(line: &str) -> Option<(u64, u64)> {
    let words: Vec<&str> = line.split(' ').collect();
    let [index, SEGMENT, _, first, _, _] = words[..] else { return None };
    Some((index.parse().ok()?, first.parse().ok()?))
}

const SEEN: &str = "seen";
const SEEN_NEW: &str = "seen.new";
const LEDGER: &str = "opened";
/// Entry, agency, recording, recipient and time.
const LEDGER_WORDS_COUNT: usize = 5;
/// Stands in the agency's place in a line about a segment.
const SEGMENT: &str = "segment";

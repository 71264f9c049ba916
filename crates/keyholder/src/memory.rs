//! What a keyholder remembers, on disk: the last checkpoint it believed, and what it opened.

use model::{AgencyId, RecordingId, Timestamp};
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
    seen: Option<Checkpoint>,
    /// Places of the entries for which something was opened.
    opened: BTreeSet<u64>,
    ledger: File,
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
        let seen = match fs::read(folder.join(SEEN)) {
            Ok(octets) => {
                Some(Checkpoint::read(&octets, log, &Policy::LOG_ALONE).map_err(io::Error::other)?)
            }
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => None,
            Err(fault) => return Err(fault),
        };
        let path = folder.join(LEDGER);
        let ledger =
            OpenOptions::new().append(true).create(true).read(true).mode(0o600).open(&path)?;
        let mut opened = BTreeSet::new();
        for line in fs::read_to_string(&path)?.lines() {
            // A line that a crash cut was never acted upon.
            if let Some(index) = line.split(' ').next().and_then(|index| index.parse().ok()) {
                opened.insert(index);
            }
        }
        File::open(folder)?.sync_all()?;
        Ok(Self { folder: folder.to_owned(), seen, opened, ledger })
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
        self.ledger.write_all(line.as_bytes())?;
        self.ledger.sync_data()?;
        self.opened.insert(*index);
        Ok(())
    }
}

const SEEN: &str = "seen";
const SEEN_NEW: &str = "seen.new";
const LEDGER: &str = "opened";

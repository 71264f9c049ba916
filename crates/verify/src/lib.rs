//! Checks a published transparency log as an outsider: with its key, its files, and nothing else.
//!
//! It reads **every** entry, because a sample of proofs misses one changed octet. A log is checked
//! without knowing what its entries say, with `tlog` alone and an HTTP client for logs that are
//! served: start with [`Request::check`]. A [`package`] that somebody was handed is checked as its
//! recipient does, who can read the entry of its own disclosure and no other; and so is a time
//! [`stamp`] beside it. What it is not: it shares no code with what writes a package.

mod key;
pub mod package;
mod source;
pub mod stamp;

pub use key::{KeyFault, read_key};
pub use source::{Source, SourceFault};

use std::{fs, path::PathBuf};
use tlog::{Audited, Checkpoint, Directory as _, Fault, NotAPolicy, Policy, Unverified, Verifier};

/// What is to be checked, and by which key.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where the log is: a folder, or what begins with `http://`.
    pub log: String,
    /// The log's key as text, or the file it stands in.
    pub key: String,
    /// An earlier checkpoint that somebody kept, in a file: the log must begin with it.
    pub since: Option<PathBuf>,
    /// Keys of witnesses who may have cosigned, as text or files.
    pub witnesses: Vec<String>,
    /// How many of them must have; all, where it is `None`.
    pub quorum: Option<usize>,
}

/// A log that is whole, as far as its signed checkpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Its checkpoint, to be kept for the next time.
    pub checkpoint: Checkpoint,
    /// What was read.
    pub audited: Audited,
    /// Entries of the earlier checkpoint that it begins with.
    pub since: Option<u64>,
}

impl Request {
    /// Reads the whole log and says whether it is what its key signed.
    ///
    /// `progress` is told how many entries are read, and of how many.
    ///
    /// # Errors
    /// [`Refusal`]: what is wrong with the log, and where first; or why that could not be found
    /// out.
    pub fn check(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Verdict, Refusal> {
        let source = Source::open(&self.log)?;
        let key = read_key(&self.key, &source)?;
        let witnesses: Vec<Verifier> = self
            .witnesses
            .iter()
            .map(|witness| read_key(witness, &source))
            .collect::<Result<_, _>>()?;
        let policy = match witnesses.len() {
            0 => Policy::LOG_ALONE,
            all => Policy::quorum(self.quorum.unwrap_or(all), witnesses)?,
        };
        let octets = source.read(CHECKPOINT_NAME).map_err(Fault::from)?;
        let octets = octets.ok_or_else(|| SourceFault::NoLog { log: self.log.clone() })?;
        let checkpoint = Checkpoint::read(&octets, &key, &policy)?;
        let since = self.since.as_ref().map(|file| earlier(file, &key)).transpose()?;
        let size = checkpoint.size();
        let audited = tlog::audit(&source, &checkpoint, since.as_ref(), &mut |index, _| {
            progress(index.saturating_add(1), size);
        })?;
        Ok(Verdict { checkpoint, audited, since: since.map(|since| since.size()) })
    }
}

/// Why a log is not to be relied on, or could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is nothing to check.
    #[error(transparent)]
    Source(#[from] SourceFault),
    /// A key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyFault),
    /// The witnesses are no policy.
    #[error(transparent)]
    Policy(#[from] NotAPolicy),
    /// The checkpoint is not signed as it should be.
    #[error(transparent)]
    Checkpoint(#[from] Unverified),
    /// The earlier checkpoint cannot be used.
    #[error("the earlier checkpoint `{}` cannot be used: {why}", file.display())]
    Since {
        /// The file.
        file: PathBuf,
        /// Why not.
        why: String,
    },
    /// The log is not what was signed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Refusal {
    /// Number of the first entry of the log that is not as it was signed, from 0, when it is one.
    #[must_use]
    pub const fn entry(&self) -> Option<u64> {
        match self {
            Self::Fault(
                Fault::Entry { entry, .. }
                | Fault::Bundle { entry, .. }
                | Fault::BundleLength { entry, .. },
            ) => Some(*entry),
            Self::Fault(
                Fault::Unreadable(_)
                | Fault::Tile { .. }
                | Fault::Root { .. }
                | Fault::Since { .. }
                | Fault::RolledBack { .. }
                | Fault::OtherLog,
            )
            | Self::Source(_)
            | Self::Key(_)
            | Self::Policy(_)
            | Self::Checkpoint(_)
            | Self::Since { .. } => None,
        }
    }
}

/// Reads a checkpoint that somebody kept. Witnesses may have come or gone since.
fn earlier(file: &PathBuf, key: &Verifier) -> Result<Checkpoint, Refusal> {
    let fault = |why: String| Refusal::Since { file: file.clone(), why };
    let octets = fs::read(file).map_err(|error| fault(error.to_string()))?;
    Checkpoint::read(&octets, key, &Policy::LOG_ALONE).map_err(|error| fault(error.to_string()))
}

/// Name of the checkpoint in a log's folder (c2sp.org/tlog-tiles).
const CHECKPOINT_NAME: &str = "checkpoint";

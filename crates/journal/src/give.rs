//! Giving the key of a closed segment away, so that the node's own key opens it no more.
//!
//! Once a closed segment is taken over by the database and the log, the node needs it for nothing
//! any more, and keeps no key to it: whoever is handed the key seals it in shares to people who
//! hold their keys elsewhere, and then it is destroyed here, in the segment's header. What was
//! written stays as it is, and opens again with what they make of their shares together.
//!
//! The order keeps a crash from costing a segment: the shares are durable before a note says that
//! the key is to go ([`crate::forget`]), the note before the header is overwritten. Until then the
//! segment has its key, from then on its shares. A file system that writes elsewhere, and copies of
//! the disk, may keep old headers; they are as safe as the node's key.

use crate::{
    EntrySeq, Forgotten, JournalError, SealKey, Seq, TakenOver,
    forget::{Forgetter, Whole, carry_out, front, header_at, note, write_durably},
    header::{Given, Header, HeaderFault, Opened},
    seal::SEAL_KEY_OCTETS,
    segment::{self, check_header, header_error, open_header},
};
use model::Timestamp;
use sha2::{Digest as _, Sha256};
use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// A segment whose key is about to be given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parting {
    /// Whose journal it is.
    pub node: u32,
    /// Number of its first fact, as in its name.
    pub first: Seq,
    /// Number of its first entry, or of the next one when it has none.
    pub entry: EntrySeq,
    /// Number of the first fact after it.
    pub next: Seq,
    /// Number of the first entry after it.
    pub next_entry: EntrySeq,
    /// When its key is given away.
    pub at: Timestamp,
}

/// Seals the key of a segment in shares to those who are to hold it: the octets of the file that is
/// kept beside the segment. It wipes what it makes of the key; `None` when it cannot be sealed.
pub type ShareOut<'a> = dyn Fn(&Parting, &[u8; SEAL_KEY_OCTETS]) -> Option<Vec<u8>> + 'a;

/// Which segments the journal's key opens no more because theirs were given away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GivenAway {
    /// How many, of all times, without those that were forgotten since.
    pub segments: u64,
    /// How many of them just now.
    pub now: u64,
}

/// A segment whose key was given away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenSegment {
    /// Number of its first fact.
    pub first: Seq,
    /// Number of its last fact.
    pub last: Seq,
    /// Number of its last entry; 0 when there was none up to there.
    pub entry: EntrySeq,
    /// When the last of its facts happened.
    pub newest: Timestamp,
    /// The segment.
    pub file: PathBuf,
    /// The shares of its key.
    pub shares: PathBuf,
    /// Whether the shares are there as they were written.
    pub whole: bool,
}

/// What of a journal its key opens no more, from the journal's beginning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealedAway {
    /// What is gone.
    pub forgotten: Forgotten,
    /// What others can open, in order.
    pub given: Vec<GivenSegment>,
}

impl SealedAway {
    /// Number of the last fact that the journal's key opens no more; 0 when it opens all.
    #[must_use]
    pub fn last(&self) -> Seq {
        self.given.last().map_or(self.forgotten.last, |segment| segment.last)
    }
}

/// What of the journal in `dir` its key opens no more, by the headers of its segments.
///
/// # Errors
/// [`JournalError::WrongKey`], a header that cannot be read, or a fault of the disk.
pub fn sealed_away(dir: &Path, key: &SealKey) -> Result<SealedAway, JournalError> {
    let mut away = SealedAway::default();
    for (first, path) in segment::list(dir)? {
        let header = match header_at(&path, &front(&path)?) {
            Ok(header) => header,
            // The last one, that was just being made, or damage that reading it will name.
            Err(HeaderFault::Unreadable) => break,
            Err(fault) => return Err(header_error(&path, fault)),
        };
        check_header(&path, header, first, None)?;
        match open_header(&path, header, key)? {
            Opened::Gone(gone) => away.forgotten.add(&gone),
            Opened::Given(given) => away.given.push(GivenSegment {
                whole: are_there(&path, &given)?,
                first,
                last: Seq(given.next.0.saturating_sub(1)),
                entry: EntrySeq(given.next_entry.0.saturating_sub(1)),
                newest: given.newest,
                shares: path.with_extension(SHARES_SUFFIX),
                file: path,
            }),
            Opened::Sealed(_) => break,
        }
    }
    Ok(away)
}

impl Forgetter {
    /// As [`crate::Journal::give_away_before`].
    pub(crate) fn give_away(
        &self,
        before: Timestamp,
        taken: TakenOver,
        now: Timestamp,
        share_out: &ShareOut<'_>,
    ) -> Result<GivenAway, JournalError> {
        let _alone = self.alone()?;
        let mut told = GivenAway::default();
        for (first, path) in &self.closed()? {
            let header = header_at(path, &front(path)?);
            let header = header.map_err(|fault| header_error(path, fault))?;
            check_header(path, header, *first, Some(self.node))?;
            let seal = match open_header(path, header, &self.key)? {
                Opened::Gone(_) => continue,
                Opened::Given(_) => {
                    told.segments += 1;
                    continue;
                }
                Opened::Sealed(seal) => seal,
            };
            let read = Whole::of(path, &segment::read(path)?, header, &seal)?;
            if read.newest >= before || !read.is_taken(taken) {
                break;
            }
            self.part(path, header, &read, now, share_out)?;
            told.segments += 1;
            told.now += 1;
        }
        Ok(told)
    }

    /// Gives the key of one segment away; each step is durable before the next.
    fn part(
        &self,
        path: &Path,
        header: Header,
        read: &Whole,
        now: Timestamp,
        share_out: &ShareOut<'_>,
    ) -> Result<(), JournalError> {
        let not_shared = || JournalError::NotShared { file: path.to_owned() };
        let key = header.key(&self.key).ok_or_else(not_shared)?;
        let (node, first, entry) = (header.node, header.first, header.entry);
        let (next, next_entry) = (read.next, read.next_entry);
        let parting = Parting { node, first, entry, next, next_entry, at: now };
        let octets = share_out(&parting, &key).ok_or_else(not_shared)?;
        let shares = path.with_extension(SHARES_SUFFIX);
        write_durably(&shares, &octets)?;
        let given =
            Given { next, next_entry, newest: read.newest, shares: Sha256::digest(&octets).into() };
        // As it can be read again, and not as it was to be written.
        if !are_there(path, &given)? {
            return Err(not_shared());
        }
        note(path, header.give(given, &self.key)?)?;
        carry_out(path)
    }
}

/// Whether the shares that are spoken of stand beside the segment at `path`.
fn are_there(path: &Path, given: &Given) -> Result<bool, JournalError> {
    let shares = path.with_extension(SHARES_SUFFIX);
    match fs::read(&shares) {
        Ok(octets) => Ok(<[u8; 32]>::from(Sha256::digest(octets)) == given.shares),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(JournalError::io("read", shares, error)),
    }
}

/// Whether what was noted, that the key of the segment at `path` is given away, is to be carried
/// out: not while the shares are missing and the key is there still.
pub(crate) fn may_go(path: &Path, given: &Given) -> Result<bool, JournalError> {
    if are_there(path, given)? {
        return Ok(true);
    }
    if matches!(Header::decode(&front(path)?).map(Header::past), Ok(None)) {
        return Ok(false);
    }
    // With the key gone the header is put right all the same: what follows needs none of it.
    tracing::error!(file = %path.display(), "the shares of a segment's key are missing");
    Ok(true)
}

/// How the shares of a segment's key are named, beside it.
pub(crate) const SHARES_SUFFIX: &str = "shares";

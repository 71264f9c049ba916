//! Reading a journal from its files.

use crate::{
    Entry, EntrySeq, JournalError, SEAL_KEY_OCTETS, SealKey, Seq,
    forget::{front, header_at},
    frame::{self, Frame, Payload, Tail},
    header::{Header, HeaderFault, Opened, Past},
    seal::Seal,
    segment::{self, NOT_SEALED},
};
use model::fact::Fact;
use std::{
    collections::BTreeMap,
    fmt,
    ops::ControlFlow,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Gives every fact after `after` to `each`, in order, until it breaks or there is no more.
///
/// Files are only read. An end that a crash left torn counts as the end, as
/// [`crate::Journal::open`] would cut it. While a journal is open on the same folder, its newest
/// facts may be given before they are durable; so replay before appending.
///
/// # Errors
/// [`JournalError::WrongKey`]; [`JournalError::Forgotten`] when one of these facts was forgotten;
/// [`JournalError::GivenAway`] when the key of the segment that has one was given away;
/// [`JournalError::Damaged`] or [`JournalError::Gap`] when something that once was durable is not
/// there, [`JournalError::NewerFormat`] or [`JournalError::OlderFormat`], or a fault of the disk.
/// Facts given before stay valid.
pub fn replay(
    dir: &Path,
    key: &SealKey,
    after: Seq,
    mut each: impl FnMut(Seq, Fact) -> ControlFlow<()>,
) -> Result<(), JournalError> {
    replay_with(dir, key, &GivenKeys::default(), after, &mut each)
}

fn replay_with(
    dir: &Path,
    key: &SealKey,
    given: &GivenKeys,
    after: Seq,
    each: &mut dyn FnMut(Seq, Fact) -> ControlFlow<()>,
) -> Result<(), JournalError> {
    let segments = segment::list(dir)?;
    let wanted = Seq(after.0.saturating_add(1));
    let start = segments.partition_point(|(first, _)| *first <= wanted).saturating_sub(1);
    let expected = segments.get(start).map_or(wanted, |(first, _)| (*first).min(wanted));
    let mut reading = Reading {
        key,
        given,
        wanted: Wanted::Facts(wanted),
        each: &mut |found| {
            let facts = found.payload.facts().ok_or_else(|| found.unknown(UNKNOWN_FACT))?;
            for (seq, fact) in (found.frame.first.0..).map(Seq).zip(facts) {
                if seq >= wanted && each(seq, fact).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        },
    };
    reading.frames(&segments, start, expected)
}

/// Keys of segments that were given away and made again, by the numbers of the first facts. Wiped
/// when dropped, and kept nowhere else.
#[derive(Default)]
pub struct GivenKeys(BTreeMap<Seq, Zeroizing<[u8; SEAL_KEY_OCTETS]>>);

impl GivenKeys {
    /// Adds the key of the segment that begins with fact `first`.
    pub fn add(&mut self, first: Seq, key: Zeroizing<[u8; SEAL_KEY_OCTETS]>) {
        self.0.insert(first, key);
    }
}

impl fmt::Debug for GivenKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GivenKeys({}, [private])", self.0.len())
    }
}

/// As [`replay`], and reads segments whose keys were given away with `given`. Nothing is changed:
/// they stay given away.
///
/// # Errors
/// As [`replay`]; [`JournalError::GivenAway`] when a key is missing; [`JournalError::Damaged`] when
/// a segment does not open with its key, or does not end where its header says.
pub fn replay_given(
    dir: &Path,
    key: &SealKey,
    given: &GivenKeys,
    after: Seq,
    mut each: impl FnMut(Seq, Fact) -> ControlFlow<()>,
) -> Result<(), JournalError> {
    replay_with(dir, key, given, after, &mut each)
}

/// Gives every entry after `after` to `each`, in order, until it breaks or there is no more: what
/// the log has not taken over yet, after a restart.
///
/// What [`replay`] says of files holds here. Only segments that can have such an entry are read.
///
/// # Errors
/// As [`replay`]. Entries given before stay valid.
pub fn replay_entries(
    dir: &Path,
    key: &SealKey,
    after: EntrySeq,
    mut each: impl FnMut(Entry) -> ControlFlow<()>,
) -> Result<(), JournalError> {
    let segments = segment::list(dir)?;
    let wanted = EntrySeq(after.0.saturating_add(1));
    let start = entry_segment(&segments, wanted)?;
    let expected = segments.get(start).map_or(Seq(1), |(first, _)| *first);
    let expected = if start == 0 { Seq(1) } else { expected };
    let mut reading = Reading {
        key,
        given: &GivenKeys::default(),
        wanted: Wanted::Entries(wanted),
        each: &mut |found| {
            let entries = found.payload.entries();
            let (drafts, _) = entries.ok_or_else(|| found.unknown(UNKNOWN_ENTRY))?;
            for (seq, draft) in (found.frame.entry.0..).map(EntrySeq).zip(drafts) {
                if seq >= wanted && each(Entry { seq, draft }).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        },
    };
    reading.frames(&segments, start, expected)
}

/// How far a journal goes, as far as it shows without its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Number of the last fact; 0 when there is none.
    pub last: Seq,
    /// Number of the last entry; 0 when there is none.
    pub entry: EntrySeq,
}

/// How far the journal in `dir` goes. An end that a crash left torn counts as the end.
///
/// Nobody vouches for it: whoever can write the files can make it say anything.
///
/// # Errors
/// [`JournalError::Damaged`] and the like of its last segments, or a fault of the disk.
pub fn extent(dir: &Path) -> Result<Extent, JournalError> {
    for (_, path) in segment::list(dir)?.iter().rev() {
        let octets = segment::read(path)?;
        let header = match header_at(path, &octets) {
            Ok(header) => header,
            Err(HeaderFault::Unreadable) if Header::is_begun(&octets) => continue,
            Err(fault) => return Err(segment::header_error(path, fault)),
        };
        if let Some((next, next_entry)) = header.past().map(Past::next) {
            let (last, entry) = (next.0.saturating_sub(1), next_entry.0.saturating_sub(1));
            return Ok(Extent { last: Seq(last), entry: EntrySeq(entry) });
        }
        let scan = frame::scan(&octets, header, |_, _| ControlFlow::Continue(()));
        if let Tail::Damaged(what) = scan.tail {
            let (file, offset) = (path.clone(), scan.end as u64);
            return Err(JournalError::Damaged { file, offset, what });
        }
        return Ok(Extent { last: Seq(scan.next.0 - 1), entry: EntrySeq(scan.next_entry.0 - 1) });
    }
    Ok(Extent::default())
}

/// The last of `segments` that begins at or before entry `wanted`, by their headers. One whose
/// header cannot be read is no such segment; whoever reads it says what is wrong with it.
fn entry_segment(segments: &[(Seq, PathBuf)], wanted: EntrySeq) -> Result<usize, JournalError> {
    for (index, (_, path)) in segments.iter().enumerate().rev() {
        if header_at(path, &front(path)?).is_ok_and(|header| header.entry <= wanted) {
            return Ok(index);
        }
    }
    Ok(0)
}

/// What is asked for: everything from one number on.
#[derive(Clone, Copy)]
enum Wanted {
    Facts(Seq),
    Entries(EntrySeq),
}

impl Wanted {
    /// Whether nothing that is asked for comes before these numbers.
    fn begins_at(self, next: Seq, next_entry: EntrySeq) -> bool {
        match self {
            Self::Facts(wanted) => next <= wanted,
            Self::Entries(wanted) => next_entry <= wanted,
        }
    }
}

/// An append that was found, and where.
struct Found<'a> {
    path: &'a Path,
    at: usize,
    frame: &'a Frame<'a>,
    payload: Payload,
}

impl Found<'_> {
    /// The error of an append whose seal holds and whose content this version does not know.
    fn unknown(&self, what: &'static str) -> JournalError {
        JournalError::Damaged { file: self.path.to_owned(), offset: self.at as u64, what }
    }
}

/// One reading of a journal.
struct Reading<'a> {
    key: &'a SealKey,
    /// Keys that the journal's does not open.
    given: &'a GivenKeys,
    wanted: Wanted,
    /// Looks at each append that has something that is asked for.
    each: &'a mut dyn FnMut(Found<'_>) -> Result<ControlFlow<()>, JournalError>,
}

impl Reading<'_> {
    /// Reads from segment `start` on, which must begin with `expected` when that is later.
    fn frames(
        &mut self,
        segments: &[(Seq, PathBuf)],
        start: usize,
        mut expected: Seq,
    ) -> Result<(), JournalError> {
        for (index, (first, path)) in segments.iter().enumerate().skip(start) {
            if *first != expected {
                return Err(JournalError::Gap { missing: expected.0, file: path.clone() });
            }
            let last = index + 1 == segments.len();
            match self.segment(path, *first, last)? {
                ControlFlow::Continue(next) => expected = next,
                ControlFlow::Break(()) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Reads one segment and says which fact comes next.
    fn segment(
        &mut self,
        path: &Path,
        first: Seq,
        last: bool,
    ) -> Result<ControlFlow<(), Seq>, JournalError> {
        let octets = segment::read(path)?;
        let header = match header_at(path, &octets) {
            Ok(header) => header,
            Err(HeaderFault::Unreadable) if last && Header::is_begun(&octets) => {
                return Ok(ControlFlow::Continue(first));
            }
            Err(fault) => return Err(segment::header_error(path, fault)),
        };
        segment::check_header(path, header, first, None)?;
        // Where a segment ends that was given away, by the header that this journal vouches for.
        let mut ends = None;
        let seal = match segment::open_header(path, header, self.key)? {
            Opened::Sealed(seal) => seal,
            Opened::Gone(gone) if self.wanted.begins_at(gone.next, gone.next_entry) => {
                return Ok(ControlFlow::Continue(gone.next));
            }
            Opened::Given(given) if self.wanted.begins_at(given.next, given.next_entry) => {
                return Ok(ControlFlow::Continue(given.next));
            }
            Opened::Gone(gone) => {
                return Err(JournalError::Forgotten { last: gone.next.0.saturating_sub(1) });
            }
            Opened::Given(given) => match self.given.0.get(&first) {
                Some(key) => {
                    ends = Some(given.next);
                    Seal::new(key)
                }
                None => {
                    let last = given.next.0.saturating_sub(1);
                    return Err(JournalError::GivenAway { file: path.to_owned(), last });
                }
            },
        };
        let mut outcome = Ok(ControlFlow::Continue(()));
        let scan = frame::scan(&octets, header, |at, frame| {
            if self.wanted.begins_at(frame.next(), frame.next_entry()) {
                return ControlFlow::Continue(());
            }
            outcome = match frame.open(&seal) {
                Some(payload) => (self.each)(Found { path, at, frame: &frame, payload }),
                None => Err(JournalError::Damaged {
                    file: path.to_owned(),
                    offset: at as u64,
                    what: NOT_SEALED,
                }),
            };
            outcome.as_ref().map_or(ControlFlow::Break(()), |flow| *flow)
        });
        if outcome?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let (file, offset) = (path.to_owned(), scan.end as u64);
        match scan.tail {
            Tail::Torn if last && ends.is_none() => Ok(ControlFlow::Continue(scan.next)),
            Tail::Torn => {
                let what = "it ends in the middle of a frame";
                Err(JournalError::Damaged { file, offset, what })
            }
            Tail::Damaged(what) => Err(JournalError::Damaged { file, offset, what }),
            Tail::Whole if ends.is_some_and(|next| next != scan.next) => {
                Err(JournalError::Damaged { file, offset, what: OTHER_END })
            }
            Tail::Whole => Ok(ControlFlow::Continue(scan.next)),
        }
    }
}

const OTHER_END: &str = "it does not end where its header says";
const UNKNOWN_FACT: &str = "it holds a fact that this version does not know";
const UNKNOWN_ENTRY: &str = "it holds an entry that this version does not know";

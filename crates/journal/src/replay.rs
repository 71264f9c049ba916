//! Reading a journal from its files.

use crate::{
    Entry, EntrySeq, JournalError, Seq,
    frame::{self, Frame, HEADER_OCTETS, Header, HeaderFault, Tail},
    segment,
};
use model::fact::Fact;
use std::{
    fs::File,
    io::Read as _,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

/// Gives every fact after `after` to `each`, in order, until it breaks or there is no more.
///
/// Files are only read. An end that a crash left torn counts as the end, as
/// [`crate::Journal::open`] would cut it. While a journal is open on the same folder, its newest
/// facts may be given before they are durable; so replay before appending.
///
/// # Errors
/// [`JournalError::Damaged`] or [`JournalError::Gap`] when something that once was durable is not
/// there, [`JournalError::NewerFormat`], or a fault of the disk. Facts given before stay valid.
pub fn replay(
    dir: &Path,
    after: Seq,
    mut each: impl FnMut(Seq, Fact) -> ControlFlow<()>,
) -> Result<(), JournalError> {
    let segments = segment::list(dir)?;
    let wanted = Seq(after.0.saturating_add(1));
    let start = segments.partition_point(|(first, _)| *first <= wanted).saturating_sub(1);
    let expected = segments.get(start).map_or(wanted, |(first, _)| (*first).min(wanted));
    frames(&segments, start, expected, &mut |path, at, frame| {
        if frame.next() <= wanted {
            return Ok(ControlFlow::Continue(()));
        }
        let facts = frame.facts().ok_or_else(|| unknown(path, at, UNKNOWN_FACT))?;
        for (seq, fact) in (frame.first.0..).map(Seq).zip(facts) {
            if seq >= wanted && each(seq, fact).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    })
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
    after: EntrySeq,
    mut each: impl FnMut(Entry) -> ControlFlow<()>,
) -> Result<(), JournalError> {
    let segments = segment::list(dir)?;
    let wanted = EntrySeq(after.0.saturating_add(1));
    let start = entry_segment(&segments, wanted)?;
    let expected = segments.get(start).map_or(Seq(1), |(first, _)| *first);
    let expected = if start == 0 { Seq(1) } else { expected };
    frames(&segments, start, expected, &mut |path, at, frame| {
        if frame.next_entry() <= wanted {
            return Ok(ControlFlow::Continue(()));
        }
        let (drafts, _) = frame.entries().ok_or_else(|| unknown(path, at, UNKNOWN_ENTRY))?;
        for (seq, draft) in (frame.entry.0..).map(EntrySeq).zip(drafts) {
            if seq >= wanted && each(Entry { seq, draft }).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// The last of `segments` that begins at or before entry `wanted`, by their headers. One whose
/// header cannot be read is no such segment; whoever reads it says what is wrong with it.
fn entry_segment(segments: &[(Seq, PathBuf)], wanted: EntrySeq) -> Result<usize, JournalError> {
    for (index, (_, path)) in segments.iter().enumerate().rev() {
        let mut octets = Vec::new();
        File::open(path)
            .and_then(|file| file.take(HEADER_OCTETS as u64).read_to_end(&mut octets))
            .map_err(|error| JournalError::io("read", path, error))?;
        if Header::decode(&octets).is_ok_and(|header| header.entry <= wanted) {
            return Ok(index);
        }
    }
    Ok(0)
}

/// What is asked to look at a frame: where its segment is, where in it the frame begins, and it.
type Each<'e> = &'e mut dyn FnMut(&Path, usize, Frame<'_>) -> Result<ControlFlow<()>, JournalError>;

/// Gives all frames from segment `start` on to `each`; the first of them must begin with `expected`
/// when it is later than that.
fn frames(
    segments: &[(Seq, PathBuf)],
    start: usize,
    mut expected: Seq,
    each: Each<'_>,
) -> Result<(), JournalError> {
    for (index, (first, path)) in segments.iter().enumerate().skip(start) {
        if *first != expected {
            return Err(JournalError::Gap { missing: expected.0, file: path.clone() });
        }
        let last = index + 1 == segments.len();
        match segment_frames(path, *first, last, each)? {
            ControlFlow::Continue(next) => expected = next,
            ControlFlow::Break(()) => return Ok(()),
        }
    }
    Ok(())
}

/// Gives the frames of one segment and says which fact comes next.
fn segment_frames(
    path: &Path,
    first: Seq,
    last: bool,
    each: Each<'_>,
) -> Result<ControlFlow<(), Seq>, JournalError> {
    let octets = segment::read(path)?;
    let header = match Header::decode(&octets) {
        Ok(header) => header,
        Err(HeaderFault::Unreadable) if last && octets.len() <= HEADER_OCTETS => {
            return Ok(ControlFlow::Continue(first));
        }
        Err(fault) => return Err(segment::header_error(path, fault)),
    };
    segment::check_header(path, header, first, None)?;
    let mut outcome = Ok(ControlFlow::Continue(()));
    let scan = frame::scan(&octets, header, |at, frame| {
        outcome = each(path, at, frame);
        match outcome {
            Ok(flow) => flow,
            Err(_) => ControlFlow::Break(()),
        }
    });
    if outcome?.is_break() {
        return Ok(ControlFlow::Break(()));
    }
    let (file, offset) = (path.to_owned(), scan.end as u64);
    match scan.tail {
        Tail::Torn if last => Ok(ControlFlow::Continue(scan.next)),
        Tail::Torn => {
            Err(JournalError::Damaged { file, offset, what: "it ends in the middle of a frame" })
        }
        Tail::Damaged(what) => Err(JournalError::Damaged { file, offset, what }),
        Tail::Whole => Ok(ControlFlow::Continue(scan.next)),
    }
}

/// The error of a frame whose checksum holds and whose content this version does not know.
fn unknown(path: &Path, at: usize, what: &'static str) -> JournalError {
    JournalError::Damaged { file: path.to_owned(), offset: at as u64, what }
}

const UNKNOWN_FACT: &str = "it holds a fact that this version does not know";
const UNKNOWN_ENTRY: &str = "it holds an entry that this version does not know";

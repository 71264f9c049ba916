//! Reading a journal from its files.

use crate::{
    JournalError, Seq,
    frame::{self, Frame, HEADER_OCTETS, Header, HeaderFault, Tail},
    segment,
};
use model::fact::Fact;
use std::{ops::ControlFlow, path::Path};

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
    let mut expected = None;
    for (index, (first, path)) in segments.iter().enumerate().skip(start) {
        let expected_first = *expected.get_or_insert((*first).min(wanted));
        if *first != expected_first {
            return Err(JournalError::Gap { missing: expected_first.0, file: path.clone() });
        }
        let last = index + 1 == segments.len();
        match segment_facts(path, *first, last, wanted, &mut each)? {
            ControlFlow::Continue(next) => expected = Some(next),
            ControlFlow::Break(()) => return Ok(()),
        }
    }
    Ok(())
}

/// Gives the wanted facts of one segment and says which fact comes next.
fn segment_facts(
    path: &Path,
    first: Seq,
    last: bool,
    wanted: Seq,
    each: &mut impl FnMut(Seq, Fact) -> ControlFlow<()>,
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
    let scan = frame::scan(&octets, header.first, |at, frame| {
        if frame.next() <= wanted {
            return ControlFlow::Continue(());
        }
        outcome = frame_facts(path, at, frame, wanted, each);
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

/// Gives the wanted facts of one frame.
fn frame_facts(
    path: &Path,
    at: usize,
    frame: Frame<'_>,
    wanted: Seq,
    each: &mut impl FnMut(Seq, Fact) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, JournalError> {
    let Some(facts) = frame.facts() else {
        let what = "it holds a fact that this version does not know";
        return Err(JournalError::Damaged { file: path.to_owned(), offset: at as u64, what });
    };
    for (seq, fact) in (frame.first.0..).map(Seq).zip(facts) {
        if seq >= wanted && each(seq, fact).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

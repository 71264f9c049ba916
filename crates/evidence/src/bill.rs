//! Counsel's own check: what a telephone bill says, beside what the public log says.
//!
//! It needs counsel's secret and nothing of the operator's. A call on the bill for which the log
//! has no entry "not recorded" was not treated as protected, whatever anybody says.

use crate::{
    CounselSecret, Kind, Note,
    counsel::counter,
    leaf,
    limits::{BOOTS_SEARCHED_MAX, LEAF_OCTETS, NODES_SEARCHED_MAX},
};
use alloc::{collections::BTreeMap, vec::Vec};
use core::time::Duration;
use model::Timestamp;

/// What counsel finds in a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marked {
    /// Entries that say that a call of counsel's was not recorded.
    pub unrecorded: Vec<(u64, Note)>,
    /// Entries that say that a call of counsel's was allowed.
    pub admitted: Vec<(u64, Note)>,
    /// Calls of counsel's of which an earlier number is missing although a later one is there.
    pub missing: u64,
}

/// Collects the marks of a public log, then looks for those of one secret.
#[derive(Clone, Debug, Default)]
pub struct Search {
    marks: BTreeMap<[u8; crate::counsel::TAG_OCTETS], Vec<(u64, [u8; crate::limits::MARK_OCTETS])>>,
}

impl Search {
    /// A search that has read nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next entry. What is no entry is passed over: whether the log is whole is for
    /// `verify` to say.
    pub fn read(&mut self, index: u64, entry: &[u8]) {
        let leaf = <&[u8; LEAF_OCTETS]>::try_from(entry).ok();
        let Some(mark) = leaf.and_then(leaf::mark) else { return };
        if let Some(tag) = mark.first_chunk() {
            self.marks.entry(*tag).or_default().push((index, mark));
        }
    }

    /// The entries that carry a mark of `secret`.
    pub fn find(&self, secret: &CounselSecret) -> Marked {
        let mut marked = Marked::default();
        // Nobody outside sees which nodes there are.
        for node in 1..=NODES_SEARCHED_MAX {
            for boot in 1..=BOOTS_SEARCHED_MAX {
                self.calls_of(secret, node, boot, &mut marked);
            }
        }
        marked.unrecorded.sort_unstable_by_key(|(index, _)| *index);
        marked.admitted.sort_unstable_by_key(|(index, _)| *index);
        marked
    }

    /// Counts calls of one start up, as far as there are any. A few may be missing in between: an
    /// admission that could not be made durable uses its number up as well.
    fn calls_of(&self, secret: &CounselSecret, node: u32, boot: u32, marked: &mut Marked) {
        let (mut n, mut absent) = (0, 0);
        while absent < ABSENT_MAX {
            let admitted = self.with(secret, Kind::Admission, node, counter(boot, n));
            let unrecorded = self.with(secret, Kind::NotRecorded, node, counter(boot, n));
            if admitted.is_empty() && unrecorded.is_empty() {
                absent += 1;
            } else {
                marked.missing += u64::from(absent);
                absent = 0;
            }
            // Nothing at all since this start: it had no call of counsel's, or never was.
            if n == 0 && absent > 0 {
                let next = self.with(secret, Kind::Admission, node, counter(boot, 1));
                if next.is_empty() {
                    return;
                }
            }
            marked.admitted.extend(admitted);
            marked.unrecorded.extend(unrecorded);
            n += 1;
        }
    }

    fn with(
        &self,
        secret: &CounselSecret,
        kind: Kind,
        node: u32,
        counter: u64,
    ) -> Vec<(u64, Note)> {
        let tag = secret.tag(kind, node, counter);
        let marks = self.marks.get(&tag).map_or(&[][..], Vec::as_slice);
        marks.iter().filter_map(|(index, mark)| Some((*index, secret.note(mark)?))).collect()
    }
}

/// A call on counsel's bill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Billed {
    /// Where it stands on the bill, from 1.
    pub row: u64,
    /// When it began.
    pub start: Timestamp,
    /// How long it lasted.
    pub length: Duration,
}

/// The three lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// On the bill, and the log says that the call was not recorded: with the entry.
    pub proven: Vec<(Billed, u64)>,
    /// On the bill, and the log has no such entry. A call that was not treated as protected is
    /// here, and so is a call from somewhere else.
    pub unproven: Vec<Billed>,
    /// In the log, and not on the bill.
    pub unbilled: Vec<(u64, Note)>,
}

/// Compares a bill with the entries "not recorded" in which somebody talked. One entry proves one
/// call: the nearest in time whose start and length fit within [`START_APART`] and
/// [`LENGTH_APART`].
pub fn compare(bill: &[Billed], unrecorded: &[(u64, Note)]) -> Compared {
    let mut compared = Compared::default();
    let talked = unrecorded.iter().filter(|(_, note)| !note.talked.is_zero());
    let mut left: Vec<(u64, Note)> = talked.copied().collect();
    let mut rows = bill.to_vec();
    rows.sort_unstable_by_key(|row| (row.start, row.row));
    for row in rows {
        let fits = left.iter().enumerate().filter(|(_, (_, note))| fits(&row, note));
        let nearest = fits.min_by_key(|(_, (_, note))| apart(row.start, note.start));
        match nearest.map(|(place, _)| place) {
            Some(place) => compared.proven.push((row, left.remove(place).0)),
            None => compared.unproven.push(row),
        }
    }
    compared.unbilled = left;
    compared
}

fn fits(row: &Billed, note: &Note) -> bool {
    apart(row.start, note.start) <= START_APART.as_micros()
        && row.length.abs_diff(note.talked) <= LENGTH_APART
}

fn apart(one: Timestamp, other: Timestamp) -> u128 {
    u128::from(one.micros().abs_diff(other.micros()))
}

/// How far the start on the bill and the start of the talk may be apart: a bill may count from the
/// answer, before the notice, and often names the minute only.
pub const START_APART: Duration = Duration::from_secs(150);

/// How far the lengths may be apart: a bill counts the notice, and rounds up to whole minutes.
pub const LENGTH_APART: Duration = Duration::from_secs(150);

/// Numbers in a row that may be missing before the search of one start ends.
const ABSENT_MAX: u32 = 64;

#[cfg(test)]
mod tests;

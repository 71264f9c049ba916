//! Octets of a segment: its header, its frames, and telling a torn end from damage.

use crate::{
    Draft, EntrySeq, JournalError, Seq,
    limits::{APPEND_OCTETS_MAX, DETAIL_OCTETS_MAX, TORN_OCTETS_MAX},
    outbox::{LEAF_OCTETS, stamp},
};
use model::fact::Fact;
use std::{mem, ops::ControlFlow};

/// The first octets of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// How it is written: [`FORMAT`], or [`FORMAT_FACTS_ALONE`] before there were entries.
    pub(crate) format: u32,
    /// Whose journal it is.
    pub(crate) node: u32,
    /// Number of its first fact, or of the next one when it has none.
    pub(crate) first: Seq,
    /// Number of its first entry, or of the next one when it has none.
    pub(crate) entry: EntrySeq,
}

/// Why octets are not a [`Header`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    /// They are not whole, or not of a journal.
    Unreadable,
    /// They are of this newer format.
    Newer(u32),
}

impl Header {
    /// The header of a segment that this version begins.
    pub(crate) const fn new(node: u32, first: Seq, entry: EntrySeq) -> Self {
        Self { format: FORMAT, node, first, entry }
    }

    /// Its octets.
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(HEADER_OCTETS);
        octets.extend_from_slice(&MAGIC);
        octets.extend_from_slice(&self.format.to_le_bytes());
        octets.extend_from_slice(&self.node.to_le_bytes());
        octets.extend_from_slice(&self.first.0.to_le_bytes());
        octets.extend_from_slice(&self.entry.0.to_le_bytes());
        octets.extend_from_slice(&[0; 4]);
        let check = crc32c::crc32c(&octets);
        octets.extend_from_slice(&check.to_le_bytes());
        octets
    }

    /// How many octets it takes in its format.
    pub(crate) const fn octets(self) -> usize {
        if self.format == FORMAT_FACTS_ALONE { HEADER_OCTETS_FACTS_ALONE } else { HEADER_OCTETS }
    }

    /// Reads the header at the start of `octets`.
    pub(crate) fn decode(octets: &[u8]) -> Result<Self, HeaderFault> {
        let mut reader = Reader(octets);
        let header = (|| {
            let magic = reader.take::<8>()?;
            let format = reader.u32()?;
            let node = reader.u32()?;
            let first = Seq(reader.u64()?);
            let facts_alone = format == FORMAT_FACTS_ALONE;
            let entry = EntrySeq(if facts_alone { 1 } else { reader.u64()? });
            reader.u32()?;
            let check = reader.u32()?;
            let header = Self { format, node, first, entry };
            let checked = octets.get(..header.octets() - 4)?;
            let numbered = first.0 > 0 && entry.0 > 0;
            let whole = magic == MAGIC && crc32c::crc32c(checked) == check && numbered;
            whole.then_some(header)
        })();
        match header {
            Some(header) if (FORMAT_FACTS_ALONE..=FORMAT).contains(&header.format) => Ok(header),
            Some(header) => Err(HeaderFault::Newer(header.format)),
            None => Err(HeaderFault::Unreadable),
        }
    }
}

/// The facts and entries of one append, as they stand in a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    /// Number of its first fact, or of the next one when it has none.
    pub(crate) first: Seq,
    /// How many facts it has.
    pub(crate) count: u32,
    /// Number of its first entry, or of the next one when it has none.
    pub(crate) entry: EntrySeq,
    /// How many entries it has.
    pub(crate) drafts: u32,
    /// Where in the segment its group begins: everything before was durable when it was written.
    pub(crate) group: usize,
    /// The entries, then the facts, one after the other.
    payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Number of the first fact after it.
    pub(crate) fn next(&self) -> Seq {
        Seq(self.first.0.saturating_add(u64::from(self.count)))
    }

    /// Number of the first entry after it.
    pub(crate) fn next_entry(&self) -> EntrySeq {
        EntrySeq(self.entry.0.saturating_add(u64::from(self.drafts)))
    }

    /// Its entries, and the octets of its facts.
    ///
    /// # Errors
    /// `None` when they are not as this version writes them; as the checksum holds, another version
    /// did.
    pub(crate) fn entries(&self) -> Option<(Vec<Draft>, &'a [u8])> {
        let mut reader = Reader(self.payload);
        let mut entries = Vec::new();
        for _ in 0..self.drafts {
            let leaf = reader.take::<LEAF_OCTETS>()?;
            let length = usize::try_from(reader.u32()?).ok()?;
            let (detail, rest) = reader.0.split_at_checked(length)?;
            reader.0 = rest;
            entries.push(Draft { leaf, detail: detail.to_vec() });
        }
        Some((entries, reader.0))
    }

    /// Its facts.
    ///
    /// # Errors
    /// `None` when an octet is left over or a fact is unknown; as its checksum holds, a newer
    /// version of the program wrote it.
    pub(crate) fn facts(&self) -> Option<Vec<Fact>> {
        let (_, mut rest) = self.entries()?;
        let mut facts = Vec::new();
        for _ in 0..self.count {
            let (fact, after) = postcard::take_from_bytes(rest).ok()?;
            rest = after;
            facts.push(fact);
        }
        rest.is_empty().then_some(facts)
    }
}

/// Where a frame stands: what its place gives it, and not what is in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Where in the segment its group begins.
    pub(crate) group: u32,
    /// Number of its first fact.
    pub(crate) first: Seq,
    /// Number of its first entry.
    pub(crate) entry: EntrySeq,
    /// Whose journal it is; its entries name the same node.
    pub(crate) node: u32,
}

/// Writes frames one after the other into a buffer that is one group.
#[derive(Default)]
pub(crate) struct GroupBuffer {
    octets: Vec<u8>,
    payload: Vec<u8>,
}

impl GroupBuffer {
    /// What was written since [`GroupBuffer::clear`].
    pub(crate) fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Forgets what was written.
    pub(crate) fn clear(&mut self) {
        self.octets.clear();
    }

    /// Writes `facts` and `drafts` at `place`, and their numbers into the `drafts`.
    ///
    /// # Errors
    /// [`JournalError::Empty`], [`JournalError::TooLarge`], [`JournalError::DetailTooLarge`] and
    /// [`JournalError::NotADraft`]; the buffer is as before.
    pub(crate) fn push(
        &mut self,
        place: Place,
        facts: &[Fact],
        drafts: &mut [Draft],
    ) -> Result<(), JournalError> {
        if facts.is_empty() && drafts.is_empty() {
            return Err(JournalError::Empty);
        }
        self.payload.clear();
        for (draft, seq) in drafts.iter_mut().zip(place.entry.0..) {
            stamp(&mut draft.leaf, place.node, EntrySeq(seq))?;
            let octets = draft.detail.len();
            let (Ok(length), false) = (u32::try_from(octets), octets > DETAIL_OCTETS_MAX) else {
                return Err(JournalError::DetailTooLarge { octets });
            };
            self.payload.extend_from_slice(&draft.leaf);
            self.payload.extend_from_slice(&length.to_le_bytes());
            self.payload.extend_from_slice(&draft.detail);
        }
        for fact in facts {
            self.payload = postcard::to_extend(fact, mem::take(&mut self.payload))
                .map_err(|_| JournalError::TooLarge { octets: usize::MAX })?;
        }
        let octets = self.payload.len();
        let (Ok(length), Ok(count), Ok(drafts), false) = (
            u32::try_from(octets),
            u32::try_from(facts.len()),
            u32::try_from(drafts.len()),
            octets > APPEND_OCTETS_MAX,
        ) else {
            return Err(JournalError::TooLarge { octets });
        };
        let start = self.octets.len();
        self.octets.extend_from_slice(&length.to_le_bytes());
        self.octets.extend_from_slice(&count.to_le_bytes());
        self.octets.extend_from_slice(&place.first.0.to_le_bytes());
        self.octets.extend_from_slice(&place.entry.0.to_le_bytes());
        self.octets.extend_from_slice(&drafts.to_le_bytes());
        self.octets.extend_from_slice(&place.group.to_le_bytes());
        let header = self.octets.get(start..).unwrap_or_default();
        let check = crc32c::crc32c_append(crc32c::crc32c(header), &self.payload);
        self.octets.extend_from_slice(&check.to_le_bytes());
        self.octets.extend_from_slice(&self.payload);
        Ok(())
    }
}

/// What [`scan`] found in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scan {
    /// Where the last whole frame ends.
    pub(crate) end: usize,
    /// Number of the fact that comes next.
    pub(crate) next: Seq,
    /// Number of the entry that comes next.
    pub(crate) next_entry: EntrySeq,
    /// Where the group of the last whole frame begins, or `end` when there is no frame.
    pub(crate) group: usize,
    /// What stands after `end`.
    pub(crate) tail: Tail,
}

/// What stands after the last whole frame of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Nothing.
    Whole,
    /// A group that never became durable, so nobody was told that it is.
    Torn,
    /// Octets that once were durable and are damaged.
    Damaged(&'static str),
}

/// Reads the frames of a segment's octets in order, until `each` says to stop.
pub(crate) fn scan<'a>(
    octets: &'a [u8],
    header: Header,
    mut each: impl FnMut(usize, Frame<'a>) -> ControlFlow<()>,
) -> Scan {
    let end = header.octets();
    let (next, next_entry) = (header.first, header.entry);
    let mut found = Scan { end, next, next_entry, group: end, tail: Tail::Whole };
    while found.end < octets.len() {
        let Some((frame, end)) = frame_at(octets, found.end, header) else {
            found.tail = tail_at(octets, &found, header);
            return found;
        };
        if frame.first != found.next || frame.entry != found.next_entry {
            found.tail = Tail::Damaged("its facts or entries are not the ones that come next");
            return found;
        }
        let flow = each(found.end, frame);
        let (next, next_entry) = (frame.next(), frame.next_entry());
        found = Scan { end, next, next_entry, group: frame.group, tail: Tail::Whole };
        if flow.is_break() {
            return found;
        }
    }
    found
}

/// The frame that begins at `at` and where it ends, when its checksum holds.
fn frame_at(octets: &[u8], at: usize, header: Header) -> Option<(Frame<'_>, usize)> {
    let rest = octets.get(at..)?;
    let mut reader = Reader(rest);
    let length = usize::try_from(reader.u32()?).ok()?;
    let count = reader.u32()?;
    let first = Seq(reader.u64()?);
    let facts_alone = header.format == FORMAT_FACTS_ALONE;
    let (entry, drafts) = if facts_alone { (1, 0) } else { (reader.u64()?, reader.u32()?) };
    let group = usize::try_from(reader.u32()?).ok()?;
    let checked = rest.len() - reader.0.len();
    let check = reader.u32()?;
    let payload = reader.0.get(..length)?;
    let plausible = length <= APPEND_OCTETS_MAX
        && (count > 0 || drafts > 0)
        && first.0 > 0
        && entry > 0
        && (header.octets()..=at).contains(&group);
    if !plausible {
        return None;
    }
    let whole = crc32c::crc32c_append(crc32c::crc32c(rest.get(..checked)?), payload) == check;
    let frame = Frame { first, count, entry: EntrySeq(entry), drafts, group, payload };
    whole.then_some((frame, at + checked + 4 + length))
}

/// Tells what the octets from the end of what was `found` on are, where no whole frame begins.
///
/// Each frame says where its group begins, and a group is written only when everything before it is
/// durable. So a later group proves that the octets there were whole once; without one they are
/// the group that was being written when the power went, whose pages can reach the disk in any
/// order.
fn tail_at(octets: &[u8], found: &Scan, header: Header) -> Tail {
    let bad = found.end;
    if octets.len() - bad > TORN_OCTETS_MAX {
        return Tail::Damaged("more follows it than one group can hold");
    }
    let later = (bad + 1..octets.len()).any(|at| {
        frame_at(octets, at, header).is_some_and(|(frame, _)| {
            let after = frame.first > found.next || frame.entry > found.next_entry;
            frame.group > bad && after
        })
    });
    if later {
        Tail::Damaged("its checksum does not hold, and later frames do")
    } else {
        Tail::Torn
    }
}

/// Takes little-endian integers from the front of octets.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}

/// Octets of a segment's header.
pub(crate) const HEADER_OCTETS: usize = 40;
/// Octets of a frame before its entries and facts.
pub(crate) const FRAME_HEADER_OCTETS: usize = 36;
const MAGIC: [u8; 8] = *b"PARLJRNL";
const FORMAT: u32 = 2;
/// The format of segments that have no entries. They are read, and never written again.
pub(crate) const FORMAT_FACTS_ALONE: u32 = 1;
const HEADER_OCTETS_FACTS_ALONE: usize = 32;

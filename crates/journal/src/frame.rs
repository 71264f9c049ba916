//! The frames of a segment: one append each, sealed; and telling a torn end from damage.
//!
//! A frame's checksum is over its sealed octets, so where the journal ends shows without a key, and
//! a wrong key makes nothing look torn.

use crate::{
    Draft, EntrySeq, JournalError, Seq,
    header::{HEADER_OCTETS, Header},
    limits::{APPEND_OCTETS_MAX, DETAIL_OCTETS_MAX, TORN_OCTETS_MAX},
    octets::Reader,
    outbox::{LEAF_OCTETS, stamp},
    seal::{Mark, NONCE_OCTETS, Seal, TAG_OCTETS},
};
use model::fact::Fact;
use std::{mem, ops::ControlFlow};

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
    /// Its octets before the checksum, which what is sealed is bound to.
    head: &'a [u8],
    mark: Mark,
    sealed: &'a [u8],
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

    /// What it says; `None` when its seal does not hold, so that what was written is not what
    /// stands there, although its checksum holds.
    pub(crate) fn open(&self, seal: &Seal) -> Option<Payload> {
        let mut octets = self.sealed.to_vec();
        let whole = seal.open(self.head, self.mark, &mut octets);
        whole.then_some(Payload { count: self.count, drafts: self.drafts, octets })
    }
}

/// The entries, then the facts of one append, one after the other.
pub(crate) struct Payload {
    count: u32,
    drafts: u32,
    octets: Vec<u8>,
}

impl Payload {
    /// Its entries, and the octets of its facts.
    ///
    /// # Errors
    /// `None` when they are not as this version writes them; as the seal holds, another version
    /// did.
    pub(crate) fn entries(&self) -> Option<(Vec<Draft>, &[u8])> {
        let mut reader = Reader(&self.octets);
        let mut entries = Vec::new();
        for _ in 0..self.drafts {
            let leaf = reader.take::<LEAF_OCTETS>()?;
            let length = usize::try_from(reader.u32()?).ok()?;
            entries.push(Draft { leaf, detail: reader.slice(length)?.to_vec() });
        }
        Some((entries, reader.0))
    }

    /// Its facts.
    ///
    /// # Errors
    /// `None` when an octet is left over or a fact is unknown; as its seal holds, a newer version
    /// of the program wrote it.
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

    /// Writes `facts` and `drafts` at `place`, sealed, and their numbers into the `drafts`.
    ///
    /// # Errors
    /// [`JournalError::Empty`], [`JournalError::TooLarge`], [`JournalError::DetailTooLarge`],
    /// [`JournalError::NotADraft`] and [`JournalError::NoRandomness`]; the buffer is as before.
    pub(crate) fn push(
        &mut self,
        place: Place,
        facts: &[Fact],
        drafts: &mut [Draft],
        seal: &mut Seal,
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
            u32::try_from(octets + SEAL_OCTETS),
            u32::try_from(facts.len()),
            u32::try_from(drafts.len()),
            octets > APPEND_OCTETS_MAX,
        ) else {
            return Err(JournalError::TooLarge { octets });
        };
        write(&mut self.octets, &place.head(length, count, drafts), &mut self.payload, seal)
    }
}

/// Writes a frame with this `head` behind `octets`; its `payload` is sealed in place.
///
/// # Errors
/// As [`Seal::seal`]; `octets` are as before.
pub(crate) fn write(
    octets: &mut Vec<u8>,
    head: &[u8],
    payload: &mut [u8],
    seal: &mut Seal,
) -> Result<(), JournalError> {
    let Mark { nonce, tag } = seal.seal(head, payload)?;
    let parts = [head, &nonce, payload, &tag];
    let check = parts.iter().fold(0, |check, part| crc32c::crc32c_append(check, part));
    octets.extend_from_slice(head);
    octets.extend_from_slice(&check.to_le_bytes());
    parts.iter().skip(1).for_each(|part| octets.extend_from_slice(part));
    Ok(())
}

impl Place {
    /// The octets of a frame's header before its checksum.
    pub(crate) fn head(&self, length: u32, count: u32, drafts: u32) -> Vec<u8> {
        let mut head = Vec::with_capacity(FRAME_HEADER_OCTETS);
        head.extend_from_slice(&length.to_le_bytes());
        head.extend_from_slice(&count.to_le_bytes());
        head.extend_from_slice(&self.first.0.to_le_bytes());
        head.extend_from_slice(&self.entry.0.to_le_bytes());
        head.extend_from_slice(&drafts.to_le_bytes());
        head.extend_from_slice(&self.group.to_le_bytes());
        head
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
    let end = HEADER_OCTETS;
    let (next, next_entry) = (header.first, header.entry);
    let mut found = Scan { end, next, next_entry, group: end, tail: Tail::Whole };
    while found.end < octets.len() {
        let Some((frame, end)) = frame_at(octets, found.end) else {
            found.tail = tail_at(octets, &found);
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
fn frame_at(octets: &[u8], at: usize) -> Option<(Frame<'_>, usize)> {
    let rest = octets.get(at..)?;
    let mut reader = Reader(rest);
    let length = usize::try_from(reader.u32()?).ok()?;
    let count = reader.u32()?;
    let first = Seq(reader.u64()?);
    let entry = EntrySeq(reader.u64()?);
    let drafts = reader.u32()?;
    let group = usize::try_from(reader.u32()?).ok()?;
    let check = reader.u32()?;
    let plausible = (SEAL_OCTETS..=APPEND_OCTETS_MAX + SEAL_OCTETS).contains(&length)
        && (count > 0 || drafts > 0)
        && first.0 > 0
        && entry.0 > 0
        && (HEADER_OCTETS..=at).contains(&group);
    if !plausible {
        return None;
    }
    let body = reader.slice(length)?;
    let head = rest.get(..FRAME_HEADER_OCTETS - 4)?;
    if crc32c::crc32c_append(crc32c::crc32c(head), body) != check {
        return None;
    }
    let mut reader = Reader(body);
    let nonce = reader.take::<NONCE_OCTETS>()?;
    let (sealed, tag) = reader.0.split_last_chunk::<TAG_OCTETS>()?;
    let mark = Mark { nonce, tag: *tag };
    let frame = Frame { first, count, entry, drafts, group, head, mark, sealed };
    Some((frame, at + FRAME_HEADER_OCTETS + length))
}

/// Tells what the octets from the end of what was `found` on are, where no whole frame begins.
///
/// Each frame says where its group begins, and a group is written only when everything before it is
/// durable. So a later group proves that the octets there were whole once; without one they are
/// the group that was being written when the power went, whose pages can reach the disk in any
/// order.
fn tail_at(octets: &[u8], found: &Scan) -> Tail {
    let bad = found.end;
    if octets.len() - bad > TORN_OCTETS_MAX {
        return Tail::Damaged("more follows it than one group can hold");
    }
    let later = (bad + 1..octets.len()).any(|at| {
        frame_at(octets, at).is_some_and(|(frame, _)| {
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

/// Octets of a frame before what is sealed.
pub(crate) const FRAME_HEADER_OCTETS: usize = 36;
/// Octets that sealing adds.
pub(crate) const SEAL_OCTETS: usize = NONCE_OCTETS + TAG_OCTETS;

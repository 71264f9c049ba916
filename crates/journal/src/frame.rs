//! Octets of a segment: its header, its frames, and telling a torn end from damage.

use crate::{
    JournalError, Seq,
    limits::{APPEND_OCTETS_MAX, TORN_OCTETS_MAX},
};
use model::fact::Fact;
use std::{mem, ops::ControlFlow};

/// The first octets of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Whose journal it is.
    pub(crate) node: u32,
    /// Number of its first fact.
    pub(crate) first: Seq,
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
    /// Its octets.
    pub(crate) fn encode(self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(HEADER_OCTETS);
        octets.extend_from_slice(&MAGIC);
        octets.extend_from_slice(&FORMAT.to_le_bytes());
        octets.extend_from_slice(&self.node.to_le_bytes());
        octets.extend_from_slice(&self.first.0.to_le_bytes());
        octets.extend_from_slice(&[0; 4]);
        let check = crc32c::crc32c(&octets);
        octets.extend_from_slice(&check.to_le_bytes());
        octets
    }

    /// Reads the header at the start of `octets`.
    pub(crate) fn decode(octets: &[u8]) -> Result<Self, HeaderFault> {
        let mut reader = Reader(octets);
        let header = (|| {
            let magic = reader.take::<8>()?;
            let format = reader.u32()?;
            let node = reader.u32()?;
            let first = Seq(reader.u64()?);
            reader.u32()?;
            let check = reader.u32()?;
            let checked = octets.get(..HEADER_OCTETS - 4)?;
            let whole = magic == MAGIC && crc32c::crc32c(checked) == check && first.0 > 0;
            whole.then_some((format, Self { node, first }))
        })();
        match header {
            Some((FORMAT, header)) => Ok(header),
            Some((newer, _)) => Err(HeaderFault::Newer(newer)),
            None => Err(HeaderFault::Unreadable),
        }
    }
}

/// The facts of one append, as they stand in a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    /// Number of its first fact.
    pub(crate) first: Seq,
    /// How many facts it has, at least one.
    pub(crate) count: u32,
    /// Where in the segment its group begins: everything before was durable when it was written.
    pub(crate) group: usize,
    /// The facts, one after the other.
    payload: &'a [u8],
}

impl Frame<'_> {
    /// Number of the first fact after it.
    pub(crate) fn next(&self) -> Seq {
        Seq(self.first.0.saturating_add(u64::from(self.count)))
    }

    /// Its facts.
    ///
    /// # Errors
    /// `None` when an octet is left over or a fact is unknown; as its checksum holds, a newer
    /// version of the program wrote it.
    pub(crate) fn facts(&self) -> Option<Vec<Fact>> {
        let mut rest = self.payload;
        let mut facts = Vec::new();
        for _ in 0..self.count {
            let (fact, after) = postcard::take_from_bytes(rest).ok()?;
            rest = after;
            facts.push(fact);
        }
        rest.is_empty().then_some(facts)
    }
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

    /// Writes `facts`, the first of which has the number `first`, in the group that begins at
    /// `group`.
    ///
    /// # Errors
    /// [`JournalError::Empty`] and [`JournalError::TooLarge`]; the buffer is as before.
    pub(crate) fn push(
        &mut self,
        group: u32,
        first: Seq,
        facts: &[Fact],
    ) -> Result<(), JournalError> {
        self.payload.clear();
        for fact in facts {
            self.payload = postcard::to_extend(fact, mem::take(&mut self.payload))
                .map_err(|_| JournalError::TooLarge { octets: usize::MAX })?;
        }
        let octets = self.payload.len();
        if facts.is_empty() {
            return Err(JournalError::Empty);
        }
        let (Ok(length), Ok(count), false) =
            (u32::try_from(octets), u32::try_from(facts.len()), octets > APPEND_OCTETS_MAX)
        else {
            return Err(JournalError::TooLarge { octets });
        };
        let start = self.octets.len();
        self.octets.extend_from_slice(&length.to_le_bytes());
        self.octets.extend_from_slice(&count.to_le_bytes());
        self.octets.extend_from_slice(&first.0.to_le_bytes());
        self.octets.extend_from_slice(&group.to_le_bytes());
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
    first: Seq,
    mut each: impl FnMut(usize, Frame<'a>) -> ControlFlow<()>,
) -> Scan {
    let mut found =
        Scan { end: HEADER_OCTETS, next: first, group: HEADER_OCTETS, tail: Tail::Whole };
    while found.end < octets.len() {
        let Some((frame, end)) = frame_at(octets, found.end) else {
            found.tail = tail_at(octets, found.end, found.next);
            return found;
        };
        if frame.first != found.next {
            found.tail = Tail::Damaged("its facts are not the ones that come next");
            return found;
        }
        let flow = each(found.end, frame);
        found = Scan { end, next: frame.next(), group: frame.group, tail: Tail::Whole };
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
    let group = usize::try_from(reader.u32()?).ok()?;
    let check = reader.u32()?;
    let payload = reader.0.get(..length)?;
    let plausible = length <= APPEND_OCTETS_MAX
        && count > 0
        && first.0 > 0
        && (HEADER_OCTETS..=at).contains(&group);
    if !plausible {
        return None;
    }
    let header = rest.get(..FRAME_HEADER_OCTETS - 4)?;
    let whole = crc32c::crc32c_append(crc32c::crc32c(header), payload) == check;
    let frame = Frame { first, count, group, payload };
    whole.then_some((frame, at + FRAME_HEADER_OCTETS + length))
}

/// Tells what the octets from `bad` on are, where no whole frame begins.
///
/// Each frame says where its group begins, and a group is written only when everything before it is
/// durable. So a later group proves that the octets at `bad` were whole once; without one they are
/// the group that was being written when the power went, whose pages can reach the disk in any
/// order.
fn tail_at(octets: &[u8], bad: usize, next: Seq) -> Tail {
    if octets.len() - bad > TORN_OCTETS_MAX {
        return Tail::Damaged("more follows it than one group can hold");
    }
    let later = (bad + 1..octets.len()).any(|at| {
        frame_at(octets, at).is_some_and(|(frame, _)| frame.group > bad && frame.first > next)
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
pub(crate) const HEADER_OCTETS: usize = 32;
/// Octets of a frame before its facts.
pub(crate) const FRAME_HEADER_OCTETS: usize = 24;
const MAGIC: [u8; 8] = *b"PARLJRNL";
const FORMAT: u32 = 1;

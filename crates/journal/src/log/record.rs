//! Octets of the write-ahead log: header and records, and telling a torn end from damage.

use super::{
    LogError,
    limits::{CHECKPOINT_OCTETS_MAX, NODES_COUNT_MAX, RECORD_OCTETS_MAX},
};
use crate::{Draft, EntrySeq, LEAF_OCTETS, octets::Reader};
use std::collections::BTreeMap;

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// Where the log stands, when a segment, a lease or an interval begins.
    State(State),
    /// Entries that were appended.
    Entries(Vec<Kept>),
}

/// An entry as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// What is entered.
    pub(super) leaf: [u8; LEAF_OCTETS],
    /// What it commits to.
    pub(super) detail: Detail,
}

/// What an entry commits to, and whether that is still there.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Detail {
    /// As it was sealed; empty for padding.
    Sealed(Vec<u8>),
    /// It was erased.
    Erased,
}

impl Detail {
    /// Erases it, and says whether there was any.
    pub(super) fn erase(&mut self) -> bool {
        match self {
            Self::Sealed(octets) if !octets.is_empty() => {
                *self = Self::Erased;
                true
            }
            Self::Sealed(_) | Self::Erased => false,
        }
    }
}

impl std::fmt::Debug for Detail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sealed(_) => "Sealed([private])",
            Self::Erased => "Erased",
        })
    }
}

impl From<Draft> for Kept {
    fn from(Draft { leaf, detail }: Draft) -> Self {
        Self { leaf, detail: Detail::Sealed(detail) }
    }
}

/// What kind of segment it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// As it was written first.
    Whole = 1,
    /// Written anew, with details that are erased.
    Erased = 2,
}

/// All that the log knows beside its tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// The latest time that the log was told, in microseconds since 1970.
    pub(super) time: i64,
    /// For every node the number of its last entry.
    pub(super) nodes: BTreeMap<u32, EntrySeq>,
}

/// One record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Entries of the log before it.
    pub(super) first: u64,
    /// The lease under which it was written.
    pub(super) term: u64,
    /// What it says.
    pub(super) body: Body,
    /// The checkpoint after it, signed.
    pub(super) checkpoint: Vec<u8>,
}

impl Record {
    /// Entries of the log after it.
    pub(super) fn next(&self) -> u64 {
        let entries = match &self.body {
            Body::State(_) => 0,
            Body::Entries(entries) => entries.len() as u64,
        };
        self.first.saturating_add(entries)
    }

    /// Its octets.
    ///
    /// # Errors
    /// [`LogError::TooLarge`] when it is larger than any that is read.
    pub(super) fn encode(&self) -> Result<Vec<u8>, LogError> {
        let mut payload = Vec::new();
        let (kind, count) = match &self.body {
            Body::State(state) => {
                payload.extend_from_slice(&state.time.to_le_bytes());
                for (node, seq) in &state.nodes {
                    payload.extend_from_slice(&node.to_le_bytes());
                    payload.extend_from_slice(&seq.0.to_le_bytes());
                }
                (KIND_STATE, state.nodes.len())
            }
            Body::Entries(entries) => {
                for Kept { leaf, detail } in entries {
                    payload.extend_from_slice(leaf);
                    let (length, octets) = match detail {
                        Detail::Sealed(octets) => {
                            (u32::try_from(octets.len()).unwrap_or(ERASED), octets.as_slice())
                        }
                        Detail::Erased => (ERASED, [].as_slice()),
                    };
                    payload.extend_from_slice(&length.to_le_bytes());
                    payload.extend_from_slice(octets);
                }
                (KIND_ENTRIES, entries.len())
            }
        };
        payload.extend_from_slice(&self.checkpoint);
        let octets = payload.len();
        let (Ok(length), Ok(count), false) =
            (u32::try_from(octets), u32::try_from(count), octets > RECORD_OCTETS_MAX)
        else {
            return Err(LogError::TooLarge { octets, max: RECORD_OCTETS_MAX });
        };
        let mut record = Vec::with_capacity(RECORD_HEADER_OCTETS + octets);
        record.extend_from_slice(&length.to_le_bytes());
        record.extend_from_slice(&kind.to_le_bytes());
        record.extend_from_slice(&self.first.to_le_bytes());
        record.extend_from_slice(&self.term.to_le_bytes());
        record.extend_from_slice(&count.to_le_bytes());
        let check = crc32c::crc32c_append(crc32c::crc32c(&record), &payload);
        record.extend_from_slice(&check.to_le_bytes());
        record.extend_from_slice(&payload);
        Ok(record)
    }
}

/// The header of a segment whose first record stands before entry `first`.
pub(super) fn header(first: u64, format: Format) -> Vec<u8> {
    let mut octets = MAGIC.to_vec();
    octets.extend_from_slice(&(format as u32).to_le_bytes());
    octets.extend_from_slice(&first.to_le_bytes());
    let check = crc32c::crc32c(&octets);
    octets.extend_from_slice(&check.to_le_bytes());
    octets
}

/// Why octets are not the header of the segment that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderFault {
    /// They are none of this log.
    Unreadable,
    /// They are of this newer format.
    Newer(u32),
}

/// Checks the header at the start of `octets`.
pub(super) fn check_header(octets: &[u8], first: u64) -> Result<(), HeaderFault> {
    let read = octets.get(..HEADER_OCTETS).ok_or(HeaderFault::Unreadable)?;
    if [Format::Whole, Format::Erased].iter().any(|format| read == header(first, *format)) {
        return Ok(());
    }
    let mut reader = Reader(read);
    let magic = reader.take::<8>() == Some(MAGIC);
    let format = reader.u32().unwrap_or_default();
    let whole = read.get(..HEADER_OCTETS - 4).map(crc32c::crc32c).map(u32::to_le_bytes);
    let whole = whole.is_some_and(|check| read.ends_with(&check));
    if magic && whole && format > Format::Erased as u32 {
        return Err(HeaderFault::Newer(format));
    }
    Err(HeaderFault::Unreadable)
}

/// The record that begins at `at` and where it ends, when its checksum holds.
pub(super) fn record_at(octets: &[u8], at: usize) -> Option<(Record, usize)> {
    let rest = octets.get(at..)?;
    let mut reader = Reader(rest);
    let length = usize::try_from(reader.u32()?).ok()?;
    let kind = reader.u32()?;
    let first = reader.u64()?;
    let term = reader.u64()?;
    let count = usize::try_from(reader.u32()?).ok()?;
    let check = reader.u32()?;
    if length > RECORD_OCTETS_MAX || !(KIND_STATE..=KIND_ENTRIES).contains(&kind) || term == 0 {
        return None;
    }
    let payload = reader.0.get(..length)?;
    let head = rest.get(..RECORD_HEADER_OCTETS - 4)?;
    if crc32c::crc32c_append(crc32c::crc32c(head), payload) != check {
        return None;
    }
    let mut reader = Reader(payload);
    let body = match kind {
        KIND_STATE => Body::State(state(&mut reader, count)?),
        _ => Body::Entries(entries(&mut reader, count)?),
    };
    let checkpoint = reader.0.to_vec();
    let whole = checkpoint.len() <= CHECKPOINT_OCTETS_MAX;
    whole.then_some((Record { first, term, body, checkpoint }, at + RECORD_HEADER_OCTETS + length))
}

fn state(reader: &mut Reader<'_>, count: usize) -> Option<State> {
    if count > NODES_COUNT_MAX {
        return None;
    }
    let mut state = State { time: reader.i64()?, nodes: BTreeMap::new() };
    for _ in 0..count {
        state.nodes.insert(reader.u32()?, EntrySeq(reader.u64()?));
    }
    Some(state)
}

fn entries(reader: &mut Reader<'_>, count: usize) -> Option<Vec<Kept>> {
    let mut entries = Vec::new();
    for _ in 0..count {
        let leaf = reader.take::<LEAF_OCTETS>()?;
        let detail = match reader.u32()? {
            ERASED => Detail::Erased,
            length => Detail::Sealed(reader.slice(usize::try_from(length).ok()?)?.to_vec()),
        };
        entries.push(Kept { leaf, detail });
    }
    (count > 0).then_some(entries)
}

/// Tells what the octets from `bad` on are, where no whole record begins: `None` when they are a
/// record that was being written when the power went, otherwise what is wrong with them.
///
/// A record is written only when the one before is durable. So a later record proves that the
/// octets at `bad` were whole once.
pub(super) fn damage_at(octets: &[u8], bad: usize) -> Option<&'static str> {
    if octets.len().saturating_sub(bad) > RECORD_HEADER_OCTETS + RECORD_OCTETS_MAX {
        return Some("more follows it than one record can hold");
    }
    let later = (bad + 1..octets.len()).any(|at| record_at(octets, at).is_some());
    later.then_some("its checksum does not hold, and a later record does")
}

/// Octets of a segment's header.
pub(super) const HEADER_OCTETS: usize = 24;
/// Octets of a record before its entries or state.
pub(super) const RECORD_HEADER_OCTETS: usize = 32;
const MAGIC: [u8; 8] = *b"PARLTLOG";
/// The length of a detail that was erased: nothing follows it.
const ERASED: u32 = u32::MAX;
const KIND_STATE: u32 = 1;
const KIND_ENTRIES: u32 = 2;

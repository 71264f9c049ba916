//! For fuzzing: whoever tries octets at random never meets a seal that holds, so that nothing
//! behind it would be tried.

use crate::{
    EntrySeq, JournalError, SealKey, Seq,
    frame::{self, Place, SEAL_OCTETS},
    header::Header,
    octets::Reader,
};
use std::collections::BTreeMap;

/// A segment of node 1, sealed under `key`, made of `clear`: 40 octets of which those at 16 and 24
/// are the numbers that it begins with, then frames as `docs/formats/journal.md` draws them, but
/// without nonce and tag, in clear, and with any checksum. What is left over stands as it is given.
///
/// # Errors
/// [`JournalError::NoRandomness`] and [`JournalError::TooLarge`].
pub fn seal_segment(clear: &[u8], key: &SealKey) -> Result<Vec<u8>, JournalError> {
    let number = |at: usize| clear.get(at..).and_then(|it| Reader(it).u64()).unwrap_or(1).max(1);
    let (header, mut seal) = Header::begin(1, Seq(number(16)), EntrySeq(number(24)), key)?;
    let mut octets = header.encode();
    let mut places = BTreeMap::new();
    let mut rest = clear.get(CLEAR_HEADER_OCTETS..).unwrap_or_default();
    while let Some((mut frame, after)) = clear_frame(rest) {
        let at = clear.len() - rest.len();
        let begin = u32::try_from(octets.len()).unwrap_or(u32::MAX);
        places.insert(u32::try_from(at).unwrap_or(u32::MAX), begin);
        let place = &mut frame.place;
        place.group = places.get(&place.group).copied().unwrap_or(place.group);
        let length = u32::try_from(frame.payload.len() + SEAL_OCTETS).unwrap_or(u32::MAX);
        let head = frame.place.head(length, frame.count, frame.drafts);
        frame::write(&mut octets, &head, &mut frame.payload, &mut seal)?;
        rest = after;
    }
    octets.extend_from_slice(rest);
    Ok(octets)
}

/// A frame in clear.
struct Clear {
    place: Place,
    count: u32,
    drafts: u32,
    payload: Vec<u8>,
}

/// The frame at the start of `octets` and what follows it.
fn clear_frame(octets: &[u8]) -> Option<(Clear, &[u8])> {
    let mut reader = Reader(octets);
    let length = usize::try_from(reader.u32()?).ok()?;
    let count = reader.u32()?;
    let (first, entry) = (Seq(reader.u64()?), EntrySeq(reader.u64()?));
    let (drafts, group, _) = (reader.u32()?, reader.u32()?, reader.u32()?);
    let payload = reader.slice(length)?.to_vec();
    let place = Place { group, first, entry, node: 1 };
    Some((Clear { place, count, drafts, payload }, reader.0))
}

/// Octets before the first frame in clear.
const CLEAR_HEADER_OCTETS: usize = 40;

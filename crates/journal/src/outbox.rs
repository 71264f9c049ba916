//! Entries for the transparency log that wait at the node that made them.
//!
//! They are appended with the facts they speak of, so that neither is durable without the other,
//! and numbered by the journal's thread, so that a number that is missing in the log is a lost
//! entry and nothing else.

use crate::JournalError;
use std::fmt;

/// Number of an entry at its node: from 1, one after the other, without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EntrySeq(pub u64);

/// An entry as its author made it, still without its number.
///
/// Of the leaf's 256 octets only these are looked at, all integers big-endian: octet 0 is 1, octets
/// 1 to 3 are 0, octets 4 to 7 are the node, octets 8 to 15 the number, 0 until it is appended. The
/// rest belongs to the author.
#[derive(Clone, PartialEq, Eq)]
pub struct Draft {
    /// What is entered.
    pub leaf: [u8; LEAF_OCTETS],
    /// What the leaf commits to, sealed by its author; at most [`crate::DETAIL_OCTETS_MAX`] octets.
    pub detail: Vec<u8>,
}

/// The leaf, and never the detail.
impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = self.leaf.first_chunk::<HEAD_OCTETS>();
        f.debug_struct("Draft").field("head", &head).field("detail", &"[private]").finish()
    }
}

/// An entry that is durable at its node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number, which stands in its leaf as well.
    pub seq: EntrySeq,
    /// The leaf with its number, and the sealed detail.
    pub draft: Draft,
}

/// The numbers that an append was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Number of the last fact so far: that of the append's own last one, if it had any.
    pub last: crate::Seq,
    /// Number of its first entry, or of the next one when it had none. The others follow.
    pub entry: EntrySeq,
    /// How many entries it had.
    pub entries: u32,
}

/// The node and the number that stand in a leaf, when its head is one.
#[must_use]
pub fn leaf_head(leaf: &[u8; LEAF_OCTETS]) -> Option<(u32, EntrySeq)> {
    let (format, rest) = leaf.split_first_chunk::<4>()?;
    let (node, rest) = rest.split_first_chunk::<4>()?;
    let (seq, _) = rest.split_first_chunk::<8>()?;
    let head = (u32::from_be_bytes(*node), EntrySeq(u64::from_be_bytes(*seq)));
    (*format == LEAF_FORMAT).then_some(head)
}

/// Writes its number into a leaf that has none yet, or has this one already.
pub(crate) fn stamp(
    leaf: &mut [u8; LEAF_OCTETS],
    node: u32,
    seq: EntrySeq,
) -> Result<(), JournalError> {
    match leaf_head(leaf) {
        Some((named, EntrySeq(0))) if named == node => {}
        Some(_) | None => return Err(JournalError::NotADraft),
    }
    if let Some(place) = leaf.get_mut(HEAD_OCTETS - 8..HEAD_OCTETS) {
        place.copy_from_slice(&seq.0.to_be_bytes());
    }
    Ok(())
}

/// Octets of every leaf.
pub const LEAF_OCTETS: usize = 256;
/// The octets of a leaf that are looked at here.
const HEAD_OCTETS: usize = 16;
const LEAF_FORMAT: [u8; 4] = [1, 0, 0, 0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_leaf_of_this_node_without_a_number_is_stamped() {
        let mut leaf = [7; LEAF_OCTETS];
        leaf[..HEAD_OCTETS].copy_from_slice(&[1, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0]);
        let clean = leaf;
        stamp(&mut leaf, 3, EntrySeq(0x0102_0304_0506_0708)).unwrap();
        assert_eq!(leaf[8..16], [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!((&leaf[..8], &leaf[16..]), (&clean[..8], &clean[16..]));
        assert_eq!(leaf_head(&leaf), Some((3, EntrySeq(0x0102_0304_0506_0708))));
        for (at, octet) in [(0, 2), (1, 1), (3, 1), (7, 4), (15, 1)] {
            let mut other = clean;
            other[at] = octet;
            let refused = stamp(&mut other, 3, EntrySeq(1));
            assert!(matches!(refused, Err(JournalError::NotADraft)), "octet {at}");
        }
    }

    #[test]
    fn a_detail_is_never_printed() {
        let draft = Draft { leaf: [9; LEAF_OCTETS], detail: b"555-0142".to_vec() };
        let printed = format!("{draft:?}");
        assert!(printed.contains("[private]") && !printed.contains("53, 53"), "{printed}");
    }
}

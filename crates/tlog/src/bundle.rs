//! Entry bundles: the entries of one tile of level 0, each after its length (c2sp.org/tlog-tiles).

use crate::limits::{ENTRY_OCTETS_MAX, TILE_WIDTH};
use alloc::vec::Vec;

/// Writes a bundle of `entries`.
///
/// # Errors
/// When they are too many for one bundle, or one of them is too long.
pub fn encode<E: AsRef<[u8]>>(entries: &[E]) -> Result<Vec<u8>, NotABundle> {
    if entries.len() > usize::from(TILE_WIDTH) {
        return Err(NotABundle::TooMany);
    }
    let mut octets = Vec::new();
    for (entry, index) in entries.iter().zip(0..) {
        push(&mut octets, entry.as_ref()).map_err(|TooLong| NotABundle::TooLong { index })?;
    }
    Ok(octets)
}

/// Adds one entry to the end of a bundle, as a log does that writes them one by one.
///
/// # Errors
/// When the entry is longer than [`ENTRY_OCTETS_MAX`]; then nothing was added.
pub fn push(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), TooLong> {
    let length = u16::try_from(entry.len()).map_err(|_| TooLong)?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// Reads the entries of a bundle, one by one, so that those before a damage are still read.
#[must_use]
pub const fn entries(bundle: &[u8]) -> Entries<'_> {
    Entries { rest: bundle, index: 0 }
}

/// The entries of a bundle. Ends after the first error.
#[derive(Clone, Debug)]
pub struct Entries<'b> {
    rest: &'b [u8],
    index: u16,
}

impl<'b> Iterator for Entries<'b> {
    type Item = Result<&'b [u8], NotABundle>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let index = self.index;
        let rest = core::mem::take(&mut self.rest);
        if index == TILE_WIDTH {
            return Some(Err(NotABundle::TooMany));
        }
        let Some((entry, after)) = split(rest) else { return Some(Err(NotABundle::Cut { index })) };
        self.rest = after;
        self.index += 1;
        Some(Ok(entry))
    }
}

/// Why something is no bundle of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotABundle {
    /// It ends inside an entry.
    #[error("it ends inside its entry {index}")]
    Cut {
        /// Number of the entry within the bundle, from 0.
        index: u16,
    },
    /// It has more entries than a tile has hashes.
    #[error("it has more than {TILE_WIDTH} entries")]
    TooMany,
    /// An entry has more octets than its length can say.
    #[error("its entry {index} has more than {ENTRY_OCTETS_MAX} octets")]
    TooLong {
        /// Number of the entry within the bundle, from 0.
        index: u16,
    },
}

/// The entry is longer than its length can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an entry has at most {ENTRY_OCTETS_MAX} octets")]
pub struct TooLong;

fn split(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = octets.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};
    use std::vec;

    fn decode(bundle: &[u8]) -> Result<Vec<&[u8]>, NotABundle> {
        entries(bundle).collect()
    }

    #[test]
    fn a_bundle_is_lengths_and_entries() {
        let bundle = encode(&[b"ab".as_slice(), b"", b"c"]).unwrap();
        assert_eq!(bundle, b"\x00\x02ab\x00\x00\x00\x01c");
        assert_eq!(decode(&bundle).unwrap(), [b"ab".as_slice(), b"", b"c"]);
        assert_eq!(decode(b""), Ok(vec![]));
    }

    #[test]
    fn entries_before_a_damage_are_read() {
        let mut read = entries(b"\x00\x02ab\x00\x03c");
        assert_eq!(read.next(), Some(Ok(b"ab".as_slice())));
        assert_eq!(read.next(), Some(Err(NotABundle::Cut { index: 1 })));
        assert_eq!(read.next(), None);
        assert_eq!(decode(b"\x00"), Err(NotABundle::Cut { index: 0 }));
    }

    #[test]
    fn limits_hold_on_both_sides() {
        let long = vec![0; ENTRY_OCTETS_MAX];
        assert_eq!(decode(&encode(&[&long]).unwrap()).unwrap(), [long.as_slice()]);
        let longer = vec![0; ENTRY_OCTETS_MAX + 1];
        assert_eq!(encode(&[vec![], longer]), Err(NotABundle::TooLong { index: 1 }));
        let full = [[7]; 256];
        assert_eq!(decode(&encode(&full).unwrap()).unwrap().len(), 256);
        assert_eq!(encode(&[[7]; 257]), Err(NotABundle::TooMany));
        assert_eq!(decode(&[0; 2 * 257]), Err(NotABundle::TooMany));
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_again(octets in vec(any::<u8>(), 0..2000)) {
            if let Ok(entries) = decode(&octets) {
                prop_assert_eq!(encode(&entries).unwrap(), octets);
            }
        }
    }
}

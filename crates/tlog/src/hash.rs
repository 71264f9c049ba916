//! Hashes of the tree (RFC 6962 section 2.1), and the text they are written in.

use crate::limits::HASH_OCTETS;
use alloc::{string::String, vec::Vec};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use core::fmt;
use sha2::{Digest as _, Sha256};

/// A SHA-256 hash: of an entry, of an inner node, or of a whole tree. Printed in base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; HASH_OCTETS]);

impl Hash {
    /// Root of the tree without entries: the hash of nothing.
    pub const EMPTY_TREE: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9,
        0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52,
        0xb8, 0x55,
    ]);

    /// Hash of an entry. Its prefix differs from that of [`Hash::node`], so that no entry can be
    /// passed off as a node.
    #[must_use]
    pub fn leaf(entry: &[u8]) -> Self {
        Self(Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
    }

    /// Hash of the node above two others.
    #[must_use]
    pub fn node(left: Self, right: Self) -> Self {
        let mut octets = [1; 1 + 2 * HASH_OCTETS];
        let (_, halves) = octets.split_at_mut(1);
        let (first, second) = halves.split_at_mut(HASH_OCTETS);
        first.copy_from_slice(&left.0);
        second.copy_from_slice(&right.0);
        Self(Sha256::digest(octets).into())
    }

    /// Reads a hash as [`Hash`] prints it; `None` when it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // The length is known, so nothing longer is decoded.
        if text.len() != HASH_OCTETS.div_ceil(3) * 4 {
            return None;
        }
        decode(text)?.try_into().ok().map(Self)
    }

    /// Root of the perfect tree over `hashes`; `None` when their number is no power of two.
    pub(crate) fn perfect(hashes: &[Self]) -> Option<Self> {
        if !hashes.len().is_power_of_two() {
            return None;
        }
        let mut row = hashes.to_vec();
        while row.len() > 1 {
            let (pairs, _) = row.as_chunks::<2>();
            row = pairs.iter().map(|&[left, right]| Self::node(left, right)).collect();
        }
        row.first().copied()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Base64 with padding (RFC 4648 section 4).
pub(crate) fn encode(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

/// What [`encode`] would write as `text`; `None` for any other spelling, so that whatever was read
/// is written again as it was.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString as _;

    #[test]
    fn the_hash_of_nothing_is_the_empty_tree() {
        assert_eq!(Hash(Sha256::digest([]).into()), Hash::EMPTY_TREE);
    }

    #[test]
    fn text_is_read_in_one_spelling_only() {
        let hash = Hash::leaf(b"entry");
        let text = hash.to_string();
        assert_eq!(Hash::parse(&text), Some(hash));
        let shorter = text.trim_end_matches('=');
        for wrong in ["", "AA==", shorter, &text.replace('=', "A"), &std::format!("{text}\n")] {
            assert_eq!(Hash::parse(wrong), None, "{wrong}");
        }
        // 32 octets leave four bits of the last letter unused; they must be zero.
        let last = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        assert_eq!(Hash::parse(last), Some(Hash([0; 32])));
        assert_eq!(Hash::parse(&last.replace("A=", "B=")), None);
    }

    #[test]
    fn only_powers_of_two_are_perfect() {
        let [a, b, c] = [b"a", b"b", b"c"].map(|entry| Hash::leaf(entry));
        assert_eq!(Hash::perfect(&[]), None);
        assert_eq!(Hash::perfect(&[a]), Some(a));
        assert_eq!(Hash::perfect(&[a, b]), Some(Hash::node(a, b)));
        assert_eq!(Hash::perfect(&[a, b, c]), None);
    }
}

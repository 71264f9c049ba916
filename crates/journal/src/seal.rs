//! The journal's key, and what seals one append.
//!
//! A journal has one key. Each segment has another of its own, drawn when the segment is made and
//! kept in its header, wrapped under the journal's: so the facts of a segment are gone for good
//! once a few octets are. An append is sealed under its segment's key with AES-256-GCM, and bound
//! to the numbers and the place in front of it.
//!
//! **No nonce comes twice under one key**, because each is drawn. The number of an append could
//! not be its nonce: after a crash, and on a full disk, a group that nobody was told of is cut and
//! another one is written under the same numbers in the same segment. Whoever saw the disk before
//! and after would have two texts under one nonce, and with them what tells both apart and the key
//! that vouches for them. A segment has fewer than 2^24 appends ([`SEGMENT_OCTETS_LIMIT`] over the
//! shortest one), so that the chance of two equal ones among 2^96 is below 2^-48; NIST SP 800-38D,
//! section 8.3, lets a key seal 2^32 times with drawn nonces.
//!
//! [`SEGMENT_OCTETS_LIMIT`]: crate::limits::SEGMENT_OCTETS_LIMIT

use crate::JournalError;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, aead::AeadInOut};
use hkdf::Hkdf;
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// The key of a node's journal. Without it nothing of the journal's facts can be read, and nothing
/// appended. Wiped when dropped.
#[derive(Clone)]
pub struct SealKey(Zeroizing<[u8; SEAL_KEY_OCTETS]>);

impl SealKey {
    /// The journal's key, from the one that opens all that the node keeps at rest: HKDF-SHA256 (RFC
    /// 5869) without salt, with a label of the journal's own.
    #[must_use]
    pub fn derive(master: &[u8; SEAL_KEY_OCTETS]) -> Self {
        let mut key = Zeroizing::new([0; SEAL_KEY_OCTETS]);
        let derived = Hkdf::<Sha256>::new(None, master).expand(KEY_INFO, key.as_mut_slice());
        assert!(derived.is_ok(), "HKDF-SHA256 gives up to 8,160 octets");
        Self(key)
    }

    /// Draws the key of a segment and wraps it, bound to `bound`.
    ///
    /// # Errors
    /// [`JournalError::NoRandomness`].
    pub(crate) fn draw(&self, bound: &[u8]) -> Result<(Wrapped, Seal), JournalError> {
        let (mut drawn, mut nonce) = (Zeroizing::new([0; SEAL_KEY_OCTETS]), [0; NONCE_OCTETS]);
        getrandom::fill(drawn.as_mut_slice()).map_err(|_| JournalError::NoRandomness)?;
        getrandom::fill(&mut nonce).map_err(|_| JournalError::NoRandomness)?;
        let seal = Seal::new(&drawn);
        let tag = seal_with(&self.cipher(), bound, nonce, drawn.as_mut_slice())?;
        Ok((Wrapped { nonce, key: *drawn, tag }, seal))
    }

    /// Opens the key of a segment; `None` when it is wrapped under another key, or bound to
    /// something else.
    pub(crate) fn unwrap(&self, bound: &[u8], wrapped: &Wrapped) -> Option<Seal> {
        self.unwrap_key(bound, wrapped).map(|key| Seal::new(&key))
    }

    /// As [`SealKey::unwrap`], and gives the key itself.
    pub(crate) fn unwrap_key(
        &self,
        bound: &[u8],
        wrapped: &Wrapped,
    ) -> Option<Zeroizing<[u8; SEAL_KEY_OCTETS]>> {
        let mut key = Zeroizing::new(wrapped.key);
        let whole =
            open_with(&self.cipher(), bound, wrapped.nonce, key.as_mut_slice(), wrapped.tag);
        whole.then_some(key)
    }

    /// Vouches for `said`, which stands in clear.
    ///
    /// # Errors
    /// [`JournalError::NoRandomness`].
    pub(crate) fn vouch(&self, said: &[u8]) -> Result<Mark, JournalError> {
        let mut nonce = [0; NONCE_OCTETS];
        getrandom::fill(&mut nonce).map_err(|_| JournalError::NoRandomness)?;
        Ok(Mark { nonce, tag: seal_with(&self.cipher(), said, nonce, &mut [])? })
    }

    /// Whether who has this key vouched for `said`.
    pub(crate) fn vouched(&self, said: &[u8], mark: Mark) -> bool {
        open_with(&self.cipher(), said, mark.nonce, &mut [], mark.tag)
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.0).into())
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey([private])")
    }
}

/// The key of a segment as it stands in its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wrapped {
    /// The nonce it was wrapped with.
    pub(crate) nonce: [u8; NONCE_OCTETS],
    /// The key, sealed.
    pub(crate) key: [u8; SEAL_KEY_OCTETS],
    /// What vouches for it.
    pub(crate) tag: [u8; TAG_OCTETS],
}

/// What vouches for something that stands in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The nonce it was made with.
    pub(crate) nonce: [u8; NONCE_OCTETS],
    /// The mark itself.
    pub(crate) tag: [u8; TAG_OCTETS],
}

/// Seals and opens the appends of one segment.
pub(crate) struct Seal {
    /// Wipes its key schedule when dropped.
    cipher: Box<Aes256Gcm>,
    /// Drawn and not yet used, since asking the system for each would cost more than sealing.
    nonces: Vec<[u8; NONCE_OCTETS]>,
}

impl Seal {
    /// With the key of a segment.
    pub(crate) fn new(key: &[u8; SEAL_KEY_OCTETS]) -> Self {
        Self { cipher: Box::new(Aes256Gcm::new(key.into())), nonces: Vec::new() }
    }

    /// Seals `octets` in place, bound to `bound`.
    ///
    /// # Errors
    /// [`JournalError::NoRandomness`] or [`JournalError::TooLarge`]: do not write them then.
    pub(crate) fn seal(&mut self, bound: &[u8], octets: &mut [u8]) -> Result<Mark, JournalError> {
        let nonce = self.nonce()?;
        Ok(Mark { nonce, tag: seal_with(&self.cipher, bound, nonce, octets)? })
    }

    /// Opens `octets` in place; whether they and what they are bound to are as they were sealed.
    pub(crate) fn open(&self, bound: &[u8], mark: Mark, octets: &mut [u8]) -> bool {
        open_with(&self.cipher, bound, mark.nonce, octets, mark.tag)
    }

    /// A nonce that no other append has.
    fn nonce(&mut self) -> Result<[u8; NONCE_OCTETS], JournalError> {
        if self.nonces.is_empty() {
            let mut drawn = [0; NONCE_OCTETS * NONCES_DRAWN];
            getrandom::fill(&mut drawn).map_err(|_| JournalError::NoRandomness)?;
            self.nonces.extend_from_slice(drawn.as_chunks().0);
        }
        self.nonces.pop().ok_or(JournalError::NoRandomness)
    }
}

/// # Errors
/// [`JournalError::TooLarge`] beyond the 64 GiB that AES-GCM takes.
fn seal_with(
    cipher: &Aes256Gcm,
    bound: &[u8],
    nonce: [u8; NONCE_OCTETS],
    octets: &mut [u8],
) -> Result<[u8; TAG_OCTETS], JournalError> {
    let length = octets.len();
    let sealed = cipher.encrypt_inout_detached(&Nonce::from(nonce), bound, octets.into());
    sealed.map(Into::into).map_err(|_| JournalError::TooLarge { octets: length })
}

fn open_with(
    cipher: &Aes256Gcm,
    bound: &[u8],
    nonce: [u8; NONCE_OCTETS],
    octets: &mut [u8],
    tag: [u8; TAG_OCTETS],
) -> bool {
    cipher.decrypt_inout_detached(&Nonce::from(nonce), bound, octets.into(), &tag.into()).is_ok()
}

/// Octets of the journal's key, and of the one that it is derived from.
pub const SEAL_KEY_OCTETS: usize = 32;
/// Octets of a nonce of AES-GCM.
pub(crate) const NONCE_OCTETS: usize = 12;
/// Octets of a tag of AES-GCM.
pub(crate) const TAG_OCTETS: usize = 16;
const KEY_INFO: &[u8] = b"parlatory journal v1";
/// Nonces that are drawn at a time.
const NONCES_DRAWN: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn what_was_sealed_opens_with_its_key_and_its_bond_only() {
        let key = SealKey::derive(&[1; 32]);
        let (wrapped, mut seal) = key.draw(b"header").unwrap();
        let mut octets = *b"a fact";
        let mark = seal.seal(b"place", &mut octets).unwrap();
        assert_ne!(&octets, b"a fact");
        let opened = |seal: &Seal, bound: &[u8], mark| {
            let mut octets = octets;
            seal.open(bound, mark, &mut octets) && &octets == b"a fact"
        };
        let again = key.unwrap(b"header", &wrapped).unwrap();
        assert!(opened(&again, b"place", mark));
        assert!(!opened(&again, b"Place", mark));
        let mut other = mark;
        other.nonce[0] ^= 1;
        assert!(!opened(&again, b"place", other));
        assert!(key.unwrap(b"Header", &wrapped).is_none());
        assert!(SealKey::derive(&[2; 32]).unwrap(b"header", &wrapped).is_none());
        let (_, next) = key.draw(b"header").unwrap();
        assert!(!opened(&next, b"place", mark));
    }

    #[test]
    fn nobody_vouches_without_the_key() {
        let key = SealKey::derive(&[1; 32]);
        let mark = key.vouch(b"said").unwrap();
        assert!(key.vouched(b"said", mark));
        assert!(!key.vouched(b"Said", mark));
        assert!(!SealKey::derive(&[2; 32]).vouched(b"said", mark));
    }

    #[test]
    fn nonces_differ_beyond_what_is_drawn_at_a_time() {
        let (_, mut seal) = SealKey::derive(&[1; 32]).draw(b"").unwrap();
        let nonces: BTreeSet<_> = (0..1_000).map(|_| seal.nonce().unwrap()).collect();
        assert_eq!(nonces.len(), 1_000);
    }

    #[test]
    fn keys_are_never_printed_and_the_journals_is_not_the_one_it_comes_from() {
        let key = SealKey::derive(&[0x41; 32]);
        assert_eq!(format!("{key:?}"), "SealKey([private])");
        assert_ne!(*key.0, [0x41; 32]);
    }
}

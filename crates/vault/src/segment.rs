//! The key of a closed segment of a node's journal, in shares: one for each agency's keyholder and
//! one for the independent one, and all of them are needed.
//!
//! A segment holds facts of all agencies of its node under one key. With a share for each of their
//! keyholders none of them, and no two together with the independent one, can look at what is
//! another's; the price is that one keyholder who is gone keeps the segment closed for all.
//! Agencies without a keyholder of their own have the node's, as for their recordings; so where
//! none has, there are two shares. `docs/formats/journal.md` draws the octets.

use crate::{
    KeyId, KeyholderKey, Keyholders, VaultError,
    format::SealedShare,
    limits::SEGMENT_SHARES_COUNT_MAX,
    seal::{self, CannotSeal},
};
use hkdf::Hkdf;
use model::Timestamp;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

/// Which segment a key is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentAbout {
    /// Number of the node whose journal it is in.
    pub node: u32,
    /// Number of its first fact.
    pub first: u64,
    /// Number of its first entry.
    pub entry: u64,
    /// Number of the first fact after it.
    pub next: u64,
    /// Number of the first entry after it.
    pub next_entry: u64,
    /// When its key was given away.
    pub at: Timestamp,
}

/// Splits the key of a segment and seals each share to its holder: the octets of the file that
/// stands beside the segment. What was made of the key is wiped.
///
/// # Errors
/// [`VaultError::NoRandomness`], [`VaultError::CannotSeal`].
pub fn share_out(
    about: &SegmentAbout,
    key: &[u8; 32],
    keyholders: &Keyholders,
) -> Result<Vec<u8>, VaultError> {
    let holders = keyholders.of_all();
    let count = u32::try_from(holders.len()).unwrap_or(u32::MAX);
    if count > SEGMENT_SHARES_COUNT_MAX {
        return Err(VaultError::CannotSeal("more holders than a segment has".to_owned()));
    }
    let mut file = about.encode();
    file.extend_from_slice(&commitment(key, about));
    file.extend_from_slice(&count.to_le_bytes());
    let bound = file.clone();
    // Whatever the drawn ones leave of the key is the last one.
    let mut rest = Zeroizing::new(*key);
    for (number, holder) in (0..count).zip(holders) {
        let mut share = Zeroizing::new([0; 32]);
        if number + 1 == count {
            share.copy_from_slice(rest.as_slice());
        } else {
            getrandom::fill(share.as_mut_slice()).map_err(|_| VaultError::NoRandomness)?;
            rest.iter_mut().zip(share.iter()).for_each(|(rest, share)| *rest ^= share);
        }
        let sealed = seal_share(number, &share, holder, &bound)?;
        file.extend_from_slice(&sealed.key_id);
        file.extend_from_slice(&sealed.encapsulated);
        file.extend_from_slice(&sealed.sealed);
    }
    Ok(file)
}

/// Whose keys the shares in a file beside a segment are sealed to; the last one is the independent
/// keyholder's. `None` when it is no such file.
#[must_use]
pub fn segment_holders(octets: &[u8]) -> Option<Vec<KeyId>> {
    let file = SharesFile::parse(octets)?;
    Some(file.shares.iter().map(|share| KeyId(share.key_id)).collect())
}

/// A file of shares that was read.
pub(crate) struct SharesFile<'a> {
    pub(crate) about: SegmentAbout,
    /// Says which key it is.
    commitment: [u8; 32],
    /// What every share is bound to.
    pub(crate) bound: &'a [u8],
    pub(crate) shares: Vec<SealedShare>,
}

impl<'a> SharesFile<'a> {
    pub(crate) fn parse(octets: &'a [u8]) -> Option<Self> {
        let (bound, shares) = octets.split_at_checked(BOUND_OCTETS)?;
        let (about, rest) = bound.split_at_checked(ABOUT_OCTETS)?;
        let commitment = *rest.first_chunk()?;
        let count = u32::from_le_bytes(*rest.last_chunk()?);
        let (shares, []) = shares.as_chunks::<SHARE_OCTETS>() else { return None };
        let whole = (2..=SEGMENT_SHARES_COUNT_MAX).contains(&count)
            && u32::try_from(shares.len()) == Ok(count);
        let shares = shares.iter().map(sealed_share).collect::<Option<Vec<_>>>()?;
        let about = SegmentAbout::parse(about)?;
        whole.then_some(Self { about, commitment, bound, shares })
    }

    /// Whether this is the key of which the shares are.
    pub(crate) fn commits_to(&self, key: &[u8; 32]) -> bool {
        commitment(key, &self.about) == self.commitment
    }

    /// What HPKE binds share `number` to besides the front of the file.
    pub(crate) fn info(number: u32) -> Vec<u8> {
        [INFO_SHARE, &number.to_le_bytes()].concat()
    }
}

fn sealed_share(octets: &[u8; SHARE_OCTETS]) -> Option<SealedShare> {
    let (key_id, rest) = octets.split_first_chunk()?;
    let (encapsulated, sealed) = rest.split_first_chunk()?;
    let (key_id, encapsulated) = (*key_id, *encapsulated);
    Some(SealedShare { key_id, encapsulated, sealed: sealed.try_into().ok()? })
}

impl SegmentAbout {
    fn encode(&self) -> Vec<u8> {
        let mut octets = MAGIC.to_vec();
        octets.extend_from_slice(&FORMAT.to_le_bytes());
        octets.extend_from_slice(&self.node.to_le_bytes());
        for number in [self.first, self.entry, self.next, self.next_entry] {
            octets.extend_from_slice(&number.to_le_bytes());
        }
        octets.extend_from_slice(&self.at.micros().to_le_bytes());
        octets
    }

    /// Reads the front of a file of shares.
    fn parse(octets: &[u8]) -> Option<Self> {
        let rest = octets.strip_prefix(&MAGIC)?.strip_prefix(&FORMAT.to_le_bytes())?;
        let (node, rest) = rest.split_first_chunk()?;
        let (numbers, []) = rest.as_chunks::<8>() else { return None };
        let [first, entry, next, next_entry, at] = numbers else { return None };
        Some(Self {
            node: u32::from_le_bytes(*node),
            first: u64::from_le_bytes(*first),
            entry: u64::from_le_bytes(*entry),
            next: u64::from_le_bytes(*next),
            next_entry: u64::from_le_bytes(*next_entry),
            at: Timestamp::from_micros(i64::from_le_bytes(*at)),
        })
    }
}

/// Says which key it is without being it, so that no other one passes for it.
fn commitment(key: &[u8; 32], about: &SegmentAbout) -> [u8; 32] {
    let mut commitment = [0; 32];
    let (node, first) = (about.node.to_le_bytes(), about.first.to_le_bytes());
    let (mut extracted, hkdf) = Hkdf::<Sha256>::extract(None, key);
    extracted.as_mut_slice().zeroize();
    let made = hkdf.expand_multi_info(&[INFO_COMMITMENT, &node, &first], &mut commitment);
    assert!(made.is_ok(), "HKDF-SHA256 gives up to 8,160 octets");
    commitment
}

fn seal_share(
    number: u32,
    share: &[u8; 32],
    holder: &KeyholderKey,
    bound: &[u8],
) -> Result<SealedShare, VaultError> {
    let (encapsulated, sealed) =
        seal::seal_to(&holder.public()?, &SharesFile::info(number), share, bound).map_err(
            |fault| match fault {
                CannotSeal::NoRandomness => VaultError::NoRandomness,
                CannotSeal::Key => VaultError::CannotSeal(holder.id().to_string()),
            },
        )?;
    Ok(SealedShare { key_id: holder.id().0, encapsulated, sealed })
}

const MAGIC: [u8; 8] = *b"PARLSHRS";
const FORMAT: u32 = 1;
/// Octets that say which segment it is.
const ABOUT_OCTETS: usize = 56;
/// Octets that every share is bound to: those, the commitment, and how many shares there are.
const BOUND_OCTETS: usize = ABOUT_OCTETS + 32 + 4;
/// Octets of a sealed share with the name of its key.
const SHARE_OCTETS: usize = 8 + 32 + 48;
const INFO_COMMITMENT: &[u8] = b"parlatory journal segment v1 commitment";
const INFO_SHARE: &[u8] = b"parlatory journal segment v1 share";

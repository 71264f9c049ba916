//! The 256 octets of an entry.

use crate::{
    clerk,
    counsel::Mark,
    limits::{CLERK_OCTETS, LEAF_OCTETS, MARK_OCTETS, RANDOM_OCTETS, SALT_OCTETS},
    statement::Said,
};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, aead::AeadInOut};
use alloc::{vec, vec::Vec};
use core::fmt;
use hmac::{Hmac, Mac};
use model::Timestamp;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

/// The key under which the statements of a cell's log are sealed. The node has it to write, the
/// auditor to read.
#[derive(Clone)]
pub struct AuditKey {
    seal: Aes256Gcm,
    /// Hides the heads of published entries.
    head: Zeroizing<[u8; AUDIT_KEY_OCTETS]>,
}

impl AuditKey {
    /// The key with these octets.
    pub fn new(mut octets: [u8; AUDIT_KEY_OCTETS]) -> Self {
        let seal = Aes256Gcm::new((&octets).into());
        let head = Zeroizing::new(hmac(&octets, &[HEAD_KEY_DOMAIN]));
        octets.zeroize();
        Self { seal, head }
    }
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKey([private])")
    }
}

/// Fresh randomness for one entry: its salt, the nonce of its seal, and what fills counsel's field.
/// Never used for two.
#[derive(Clone)]
pub struct Random(pub [u8; RANDOM_OCTETS]);

impl Random {
    /// The salt of the commitment, which is kept with the detail.
    pub fn salt(&self) -> [u8; SALT_OCTETS] {
        self.0.first_chunk().copied().unwrap_or_default()
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random([private])")
    }
}

/// All that makes an entry.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Number of the node; 0 is the log itself.
    pub node: u32,
    /// When it may be published: a time of day rounded down, so that the head tells no more.
    pub interval: Timestamp,
    /// What it says.
    pub said: &'a Said,
    /// The detail that it commits to, as [`crate::Detail::octets`] gives it.
    pub detail: &'a [u8],
    /// Counsel's mark, in the entries of a protected call.
    pub mark: Option<Mark<'a>>,
}

/// Makes an entry. Its number is left 0; the journal writes it when it makes the entry durable.
pub fn write(entry: &Entry<'_>, key: &AuditKey, random: &Random) -> [u8; LEAF_OCTETS] {
    let salt = random.salt();
    let (_, rest) = random.0.split_at(SALT_OCTETS);
    let nonce: [u8; 12] = rest.first_chunk().copied().unwrap_or_default();
    let mut mark: [u8; MARK_OCTETS] = rest.last_chunk().copied().unwrap_or([0; MARK_OCTETS]);
    if let Some(counsel) = &entry.mark {
        counsel.secret.mark(entry.said.what.kind(), entry.node, counsel, &mut mark);
    }
    let mut parts = Parts {
        node: entry.node,
        seq: 0,
        interval: entry.interval.micros(),
        commit: commit(&salt, entry.detail),
        nonce,
        sealed: clerk::write(entry.said),
        seal: [0; 16],
        mark,
    };
    let bound = parts.bound();
    let nonce = Nonce::from(parts.nonce);
    match key.seal.encrypt_inout_detached(&nonce, &bound, parts.sealed.as_mut_slice().into()) {
        Ok(seal) => parts.seal = seal.into(),
        // AES-GCM takes 112 octets. If it ever did not, the entry is unreadable and never in clear.
        Err(_) => parts.sealed = [0; CLERK_OCTETS],
    }
    parts.octets()
}

/// An entry that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// Number of the node; 0 is the log itself.
    pub node: u32,
    /// Its number there, from 1.
    pub seq: u64,
    /// When it might be published.
    pub interval: Timestamp,
    /// What it commits to.
    pub commit: [u8; SALT_OCTETS],
    /// What it says.
    pub said: Said,
}

/// Reads an entry with the audit key.
///
/// # Errors
/// [`NotAnEntry`].
pub fn read(leaf: &[u8; LEAF_OCTETS], key: &AuditKey) -> Result<Read, NotAnEntry> {
    let mut parts = Parts::parse(leaf).ok_or(NotAnEntry::Format)?;
    let bound = parts.bound();
    let (nonce, seal) = (Nonce::from(parts.nonce), parts.seal.into());
    key.seal
        .decrypt_inout_detached(&nonce, &bound, parts.sealed.as_mut_slice().into(), &seal)
        .map_err(|_| NotAnEntry::Key)?;
    let said = clerk::read(&parts.sealed).ok_or(NotAnEntry::Statement)?;
    let interval = Timestamp::from_micros(parts.interval);
    Ok(Read { node: parts.node, seq: parts.seq, interval, commit: parts.commit, said })
}

/// An entry as it is published, from one as it was written; and the other way round. Node, number
/// and interval are hidden from whoever has no audit key: otherwise padding could be told from the
/// rest, and what happened in an interval be counted.
pub fn masked(leaf: &[u8; LEAF_OCTETS], key: &AuditKey) -> [u8; LEAF_OCTETS] {
    let mut masked = *leaf;
    let nonce = leaf.get(NONCE_AT..NONCE_AT + NONCE_OCTETS).unwrap_or_default();
    let stream = hmac(key.head.as_slice(), &[HEAD_DOMAIN, nonce]);
    let head = masked.iter_mut().skip(FORMAT.len()).take(HEAD_OCTETS);
    head.zip(stream).for_each(|(octet, key)| *octet ^= key);
    masked
}

/// Counsel's field of an entry, which anybody can read, published or not.
pub fn mark(leaf: &[u8; LEAF_OCTETS]) -> Option<[u8; MARK_OCTETS]> {
    Some(Parts::parse(leaf)?.mark)
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// Why octets are no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEntry {
    /// Its head is not that of an entry.
    #[error("it is no entry of this format")]
    Format,
    /// It was not sealed under this audit key, or was changed since.
    #[error("it is not sealed under this audit key")]
    Key,
    /// Its statement says nothing that a node can say.
    #[error("its statement cannot be read")]
    Statement,
}

/// What an entry commits to: SHA-256 over a domain, the salt and the detail.
pub fn commit(salt: &[u8; SALT_OCTETS], detail: &[u8]) -> [u8; SALT_OCTETS] {
    let hash = Sha256::new().chain_update(COMMIT_DOMAIN).chain_update(salt).chain_update(detail);
    hash.finalize().into()
}

/// What is sealed and kept apart: salt and detail.
pub fn salted(random: &Random, detail: &[u8]) -> Vec<u8> {
    let mut octets = vec![];
    octets.reserve_exact(SALT_OCTETS + detail.len() + SEAL_OCTETS);
    octets.extend(random.salt());
    octets.extend(detail);
    octets
}

/// The detail in what [`salted`] gave, if it is the one that `read` commits to.
pub fn open<'a>(read: &Read, salted: &'a [u8]) -> Option<&'a [u8]> {
    let (salt, detail) = salted.split_first_chunk::<SALT_OCTETS>()?;
    (commit(salt, detail) == read.commit).then_some(detail)
}

/// The parts of a leaf, in their order after its format.
struct Parts {
    node: u32,
    seq: u64,
    interval: i64,
    commit: [u8; SALT_OCTETS],
    nonce: [u8; 12],
    sealed: [u8; CLERK_OCTETS],
    seal: [u8; 16],
    mark: [u8; MARK_OCTETS],
}

impl Parts {
    fn octets(&self) -> [u8; LEAF_OCTETS] {
        let mut octets = [0; LEAF_OCTETS];
        let parts: [&[u8]; 9] = [
            &FORMAT,
            &self.node.to_be_bytes(),
            &self.seq.to_be_bytes(),
            &self.interval.to_be_bytes(),
            &self.commit,
            &self.nonce,
            &self.sealed,
            &self.seal,
            &self.mark,
        ];
        let mut rest = octets.as_mut_slice();
        for part in parts {
            if let Some((place, after)) = rest.split_at_mut_checked(part.len()) {
                place.copy_from_slice(part);
                rest = after;
            } else {
                break;
            }
        }
        octets
    }

    fn parse(leaf: &[u8; LEAF_OCTETS]) -> Option<Self> {
        let rest = leaf.strip_prefix(&FORMAT)?;
        let (node, rest) = rest.split_first_chunk::<4>()?;
        let (seq, rest) = rest.split_first_chunk::<8>()?;
        let (interval, rest) = rest.split_first_chunk::<8>()?;
        let (commit, rest) = rest.split_first_chunk::<SALT_OCTETS>()?;
        let (nonce, rest) = rest.split_first_chunk::<12>()?;
        let (sealed, rest) = rest.split_first_chunk::<CLERK_OCTETS>()?;
        let (seal, rest) = rest.split_first_chunk::<16>()?;
        Some(Self {
            node: u32::from_be_bytes(*node),
            seq: u64::from_be_bytes(*seq),
            interval: i64::from_be_bytes(*interval),
            commit: *commit,
            nonce: *nonce,
            sealed: *sealed,
            seal: *seal,
            mark: rest.try_into().ok()?,
        })
    }

    /// What the seal is bound to: everything but the number, which comes later.
    fn bound(&self) -> [u8; 8 + 8 + SALT_OCTETS + MARK_OCTETS] {
        let mut bound = [0; 8 + 8 + SALT_OCTETS + MARK_OCTETS];
        let head = FORMAT.into_iter().chain(self.node.to_be_bytes());
        let head = head.chain(self.interval.to_be_bytes());
        for (place, octet) in bound.iter_mut().zip(head.chain(self.commit).chain(self.mark)) {
            *place = octet;
        }
        bound
    }
}

/// Octets of an audit key.
pub const AUDIT_KEY_OCTETS: usize = 32;
const FORMAT: [u8; 4] = [1, 0, 0, 0];
/// Where the nonce stands in an entry.
const NONCE_AT: usize = 56;
const NONCE_OCTETS: usize = 12;
/// Node, number and interval, right after the format.
const HEAD_OCTETS: usize = 20;
const HEAD_KEY_DOMAIN: &[u8] = b"parlatory entry head key v1\0";
const HEAD_DOMAIN: &[u8] = b"parlatory entry head v1\0";
const COMMIT_DOMAIN: &[u8] = b"parlatory entry detail v1\0";
/// Room for the tag of whoever seals it in place.
const SEAL_OCTETS: usize = 16;

#[cfg(test)]
mod tests;

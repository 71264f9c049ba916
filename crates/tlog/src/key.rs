//! Keys of logs and witnesses, and how they are written (c2sp.org/signed-note).

use crate::{
    hash,
    limits::{KEY_TEXT_OCTETS_MAX, NAME_OCTETS_MAX},
};
use alloc::{
    format,
    string::{String, ToString as _},
    vec::Vec,
};
use core::fmt;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

/// What a key signs, and how. Both kinds are Ed25519; the number stands in the written key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyKind {
    /// Signs the text of a note: the key of a log.
    Log = 0x01,
    /// Signs the text of a checkpoint and the time it was seen (c2sp.org/tlog-cosignature): the
    /// key of a witness.
    Witness = 0x04,
}

impl KeyKind {
    const fn of(number: u8) -> Option<Self> {
        match number {
            0x01 => Some(Self::Log),
            0x04 => Some(Self::Witness),
            _ => None,
        }
    }
}

/// A public key with the name of its holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    kind: KeyKind,
    /// First octets of a hash of the other fields: with the name it finds a signature in a note.
    id: u32,
    key: VerifyingKey,
}

impl Verifier {
    /// Reads a key as [`Verifier`] prints it: `name+hash+base64`.
    ///
    /// # Errors
    /// Says what about it is wrong.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        let (name, id, material) = parts(text)?;
        let (kind, octets) = unwrap_material(material)?;
        let key = VerifyingKey::from_bytes(&octets).map_err(|_| NotAKey::Weak)?;
        // A weak key would accept one signature for many texts.
        if key.is_weak() {
            return Err(NotAKey::Weak);
        }
        let verifier = Self { name: name.to_string(), kind, id: key_id(name, kind, &key), key };
        (verifier.id == id).then_some(verifier).ok_or(NotAKey::WrongHash)
    }

    /// Name of the holder. A log's is its origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the key signs.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The number that stands with the name in a signature.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// Whether both are the same key, under whatever names and for whatever use.
    #[must_use]
    pub fn is_same_key(&self, other: &Self) -> bool {
        self.key == other.key
    }

    /// Whether `signature` is this key's over `message`.
    pub(crate) fn accepts(&self, message: &[u8], signature: &[u8; SIGNATURE_OCTETS]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        // Strict: no signature is accepted here that another verifier may refuse.
        self.key.verify_strict(message, &signature).is_ok()
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let material = wrap_material(self.kind, self.key.as_bytes());
        write!(f, "{}+{:08x}+{}", self.name, self.id, hash::encode(&material))
    }
}

/// A secret key with the name of its holder. It is wiped when dropped and prints `[private]`.
pub struct Signer {
    verifier: Verifier,
    key: SigningKey,
}

impl Signer {
    /// The key that follows from `seed`: 32 octets of the operating system's randomness.
    ///
    /// # Errors
    /// When `name` cannot be a key's.
    pub fn from_seed(name: &str, kind: KeyKind, seed: &[u8; 32]) -> Result<Self, NotAKey> {
        if !is_name(name) {
            return Err(NotAKey::Name);
        }
        let key = SigningKey::from_bytes(seed);
        let public = key.verifying_key();
        let id = key_id(name, kind, &public);
        Ok(Self { verifier: Verifier { name: name.to_string(), kind, id, key: public }, key })
    }

    /// Reads a key as [`Signer::secret_text`] writes it.
    ///
    /// # Errors
    /// Says what about it is wrong, and nothing of the key.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        let (name, id, material) = parts(text.strip_prefix(SECRET).ok_or(NotAKey::Shape)?)?;
        let (kind, mut seed) = unwrap_material(material)?;
        let signer = Self::from_seed(name, kind, &seed);
        seed.zeroize();
        signer.and_then(|it| if it.verifier.id == id { Ok(it) } else { Err(NotAKey::WrongHash) })
    }

    /// The key as it is kept: `PRIVATE+KEY+name+hash+base64`.
    #[must_use]
    pub fn secret_text(&self) -> Zeroizing<String> {
        let Verifier { name, kind, id, .. } = &self.verifier;
        let material = wrap_material(*kind, self.key.as_bytes());
        let text = Zeroizing::new(hash::encode(&material));
        Zeroizing::new(format!("{SECRET}{name}+{id:08x}+{}", *text))
    }

    /// The public half.
    #[must_use]
    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Signs a message.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_OCTETS] {
        self.key.sign(message).to_bytes()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("name", &self.verifier.name)
            .field("key", &"[private]")
            .finish()
    }
}

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAKey {
    /// It is not made of a name, a hash and a key.
    #[error("a key is written as name+hash+base64")]
    Shape,
    /// Its name cannot be one.
    #[error("the name of a key has 1 to {NAME_OCTETS_MAX} octets, and no spaces, `+` or controls")]
    Name,
    /// Its hash is that of another key: it was mistyped or mixed up.
    #[error("the hash does not belong to this name and key; copy the whole key again")]
    WrongHash,
    /// It is of a kind that is not known here.
    #[error("keys of kind {0:#04x} are not known; kinds 0x01 and 0x04 are")]
    Kind(u8),
    /// It is no point that may be a key.
    #[error("this is no Ed25519 key")]
    Weak,
}

/// Whether a key may have this name.
pub(crate) fn is_name(name: &str) -> bool {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    !name.is_empty() && name.len() <= NAME_OCTETS_MAX && !name.contains(bad)
}

fn parts(text: &str) -> Result<(&str, u32, &str), NotAKey> {
    if text.len() > KEY_TEXT_OCTETS_MAX {
        return Err(NotAKey::Shape);
    }
    // Only the first two, for base64 has the character too.
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(id), Some(material)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(NotAKey::Shape);
    };
    if !is_name(name) {
        return Err(NotAKey::Name);
    }
    let hex = id.len() == 8 && id.bytes().all(|octet| octet.is_ascii_hexdigit());
    let id = u32::from_str_radix(id, 16).ok().filter(|_| hex).ok_or(NotAKey::Shape)?;
    Ok((name, id, material))
}

fn wrap_material(kind: KeyKind, key: &[u8; 32]) -> Zeroizing<Vec<u8>> {
    let mut material = Zeroizing::new(Vec::with_capacity(1 + key.len()));
    material.push(kind as u8);
    material.extend_from_slice(key);
    material
}

fn unwrap_material(text: &str) -> Result<(KeyKind, [u8; 32]), NotAKey> {
    let material = Zeroizing::new(hash::decode(text).ok_or(NotAKey::Shape)?);
    let (kind, key) = material.split_first().ok_or(NotAKey::Shape)?;
    let kind = KeyKind::of(*kind).ok_or(NotAKey::Kind(*kind))?;
    Ok((kind, key.try_into().map_err(|_| NotAKey::Shape)?))
}

fn key_id(name: &str, kind: KeyKind, key: &VerifyingKey) -> u32 {
    let digest: [u8; 32] = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', kind as u8])
        .chain_update(key.as_bytes())
        .finalize()
        .into();
    digest.first_chunk().copied().map_or(0, u32::from_be_bytes)
}

/// Octets of an Ed25519 signature (RFC 8032).
pub(crate) const SIGNATURE_OCTETS: usize = 64;
const SECRET: &str = "PRIVATE+KEY+";

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 8032 section 7.1, test 1.
    const SKEY: &str =
        "PRIVATE+KEY+county.example/log+65d284c6+AZ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";
    const VKEY: &str = "county.example/log+65d284c6+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

    #[test]
    fn keys_are_read_and_written_as_others_do() {
        let signer = Signer::parse(SKEY).unwrap();
        assert_eq!(signer.verifier().to_string(), VKEY);
        assert_eq!(*signer.secret_text(), SKEY);
        let verifier = Verifier::parse(VKEY).unwrap();
        assert_eq!(&verifier, signer.verifier());
        assert_eq!((verifier.name(), verifier.id()), ("county.example/log", 0x65d2_84c6));
        assert_eq!(verifier.kind(), KeyKind::Log);
    }

    #[test]
    fn a_key_of_another_use_has_another_id() {
        let [log, witness] = [KeyKind::Log, KeyKind::Witness]
            .map(|kind| Signer::from_seed("county.example/log", kind, &[7; 32]).unwrap());
        assert!(log.verifier().is_same_key(witness.verifier()));
        assert_ne!(log.verifier().id(), witness.verifier().id());
        let text = witness.verifier().to_string();
        assert_eq!(Verifier::parse(&text).unwrap().kind(), KeyKind::Witness);
    }

    #[test]
    fn a_secret_is_never_printed() {
        let signer = Signer::parse(SKEY).unwrap();
        let printed = std::format!("{signer:?}");
        assert!(
            printed.contains("[private]") && printed.contains("county.example/log"),
            "{printed}"
        );
        assert!(!printed.contains("AZ1hsZ") && !printed.contains("157, 97"), "{printed}");
    }

    #[test]
    fn what_is_wrong_with_a_key_is_said() {
        // The key itself has the character that divides the parts.
        let (head, material) = VKEY.split_at("county.example/log+65d284c6".len());
        let material = &material[1..];
        let with = |octets: &[u8]| std::format!("{head}+{}", hash::encode(octets));
        let octets = hash::decode(material).unwrap();
        let name = "county.example/log";
        let mut weak = [0; 33];
        weak[0] = 1;
        for (text, error) in [
            (String::new(), NotAKey::Shape),
            (name.into(), NotAKey::Shape),
            (head.into(), NotAKey::Shape),
            (SKEY.into(), NotAKey::Shape),
            (VKEY.replace("65d284c6", "+5d284c6"), NotAKey::Shape),
            (VKEY.replace("65d284c6", "65d284c"), NotAKey::Shape),
            (VKEY.replace("65d284c6", "65d284c4"), NotAKey::WrongHash),
            (VKEY.replace("county", "bounty"), NotAKey::WrongHash),
            (VKEY.replace("county", ""), NotAKey::WrongHash),
            (VKEY.replace(name, ""), NotAKey::Name),
            (VKEY.replace("county", "county "), NotAKey::Name),
            (VKEY.replace("county", "county\u{a0}"), NotAKey::Name),
            (VKEY.replace("county", &"c".repeat(NAME_OCTETS_MAX)), NotAKey::Name),
            (VKEY.replace("county", &"c".repeat(KEY_TEXT_OCTETS_MAX)), NotAKey::Shape),
            (std::format!("{VKEY}\n"), NotAKey::Shape),
            (with(&octets[..32]), NotAKey::Shape),
            (with(&[]), NotAKey::Shape),
            (with(&[&[6], &octets[1..]].concat()), NotAKey::Kind(6)),
            (with(&weak), NotAKey::Weak),
        ] {
            assert_eq!(Verifier::parse(&text), Err(error), "{text}");
        }
        for text in [VKEY, &SKEY.replace("AZ1h", "AZ1i"), &SKEY.replace("PRIVATE", "PRIVATE ")] {
            assert!(Signer::parse(text).is_err(), "{text}");
        }
    }
}

//! Keys of one recording, made and sealed here, and the sealing of its frames.

use crate::{
    KeyholderKey, VaultError,
    format::{self, Facts, LAST_BIT, LENGTH_OCTETS, SealedShare},
};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, aead::AeadInOut};
use hkdf::Hkdf;
use hpke::{
    OpModeS, Serializable,
    aead::AesGcm256,
    kdf::HkdfSha256,
    rand_core::{TryCryptoRng, TryRng},
};
use sha2::{Digest, Sha256};
use std::convert::Infallible;
use zeroize::{Zeroize, Zeroizing};

/// How shares are sealed: DHKEM(X25519, HKDF-SHA256) of RFC 9180.
pub(crate) type Kem = hpke::kem::X25519HkdfSha256;
/// A private key of [`Kem`].
pub(crate) type PrivateKey = <Kem as hpke::Kem>::PrivateKey;
/// A public key of [`Kem`].
pub(crate) type PublicKey = <Kem as hpke::Kem>::PublicKey;

/// Which half of a recording's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// The agency's.
    A,
    /// The independent keyholder's.
    B,
}

impl Share {
    /// What HPKE binds a share of a header to besides the header (`info` of RFC 9180).
    pub(crate) const fn info(self) -> &'static [u8] {
        match self {
            Self::A => INFO_SHARE_A,
            Self::B => INFO_SHARE_B,
        }
    }
}

/// Seals the frames of one recording, one after the other, with a key that is nowhere else in
/// clear.
pub(crate) struct Sealer {
    /// Wipes its key schedule when dropped.
    cipher: Aes256Gcm,
    prefix: [u8; 7],
    counter: u32,
    /// SHA-256 of the header, which every frame is bound to.
    header: [u8; 32],
}

impl Sealer {
    /// Makes the key of a recording and its header, with a share for each of two holders.
    ///
    /// The shares are wiped before this returns. From here on the key exists in this value only,
    /// and afterwards nowhere, until both holders open their shares.
    ///
    /// # Errors
    /// [`VaultError::NoRandomness`], [`VaultError::CannotSeal`].
    pub(crate) fn begin(
        facts: &Facts,
        agency: &KeyholderKey,
        independent: &KeyholderKey,
    ) -> Result<(Self, Vec<u8>), VaultError> {
        let mut a = Zeroizing::new([0; 32]);
        let mut b = Zeroizing::new([0; 32]);
        let mut prefix = [0; 7];
        for random in [a.as_mut_slice(), b.as_mut_slice(), prefix.as_mut_slice()] {
            getrandom::fill(random).map_err(|_| VaultError::NoRandomness)?;
        }
        let keys = derive(&a, &b, facts.recording.0);
        let bound = format::bound_part(facts, prefix, keys.commitment);
        let sealed_a = seal_share(Share::A, &a, agency, &bound);
        let sealed_b = seal_share(Share::B, &b, independent, &bound);
        drop((a, b));
        let header = format::header(&bound, &sealed_a?, &sealed_b?);
        let cipher = Aes256Gcm::new((&*keys.frames).into());
        let digest = Sha256::digest(&header).into();
        Ok((Self { cipher, prefix, counter: 0, header: digest }, header))
    }

    /// Seals what `frame` holds after its first [`LENGTH_OCTETS`], in place, and puts the length
    /// there.
    ///
    /// # Errors
    /// `None` when the recording has as many frames as nonces, or the frame is out of all bounds.
    pub(crate) fn seal(&mut self, frame: &mut Vec<u8>, last: bool) -> Option<()> {
        let (_, content) = frame.split_at_mut_checked(LENGTH_OCTETS)?;
        let nonce = Nonce::from(self.nonce(last));
        let tag = self.cipher.encrypt_inout_detached(&nonce, &self.header, content.into()).ok()?;
        self.counter = self.counter.checked_add(1)?;
        frame.extend_from_slice(&tag);
        let length = u32::try_from(frame.len() - LENGTH_OCTETS).ok()?;
        let length = if last { length | LAST_BIT } else { length };
        frame.first_chunk_mut::<LENGTH_OCTETS>()?.copy_from_slice(&length.to_le_bytes());
        Some(())
    }

    fn nonce(&self, last: bool) -> [u8; 12] {
        nonce(self.prefix, self.counter, last)
    }
}

/// The nonce of STREAM (Hoang, Reyhanitabar, Rogaway, Vizár, 2015): prefix, counter, last.
pub(crate) fn nonce(prefix: [u8; 7], counter: u32, last: bool) -> [u8; 12] {
    let mut nonce = [0; 12];
    let parts = prefix.into_iter().chain(counter.to_be_bytes()).chain([last.into()]);
    for (octet, part) in nonce.iter_mut().zip(parts) {
        *octet = part;
    }
    nonce
}

/// What follows from both shares.
pub(crate) struct Keys {
    /// The key of the frames.
    pub(crate) frames: Zeroizing<[u8; 32]>,
    /// Proof, without being it, of which key it is: AES-GCM alone lets one file have two meanings
    /// under two keys.
    pub(crate) commitment: [u8; 32],
}

pub(crate) fn derive(a: &[u8; 32], b: &[u8; 32], recording: u64) -> Keys {
    let mut both = Zeroizing::new([0; 32]);
    for (both, (a, b)) in both.iter_mut().zip(a.iter().zip(b)) {
        *both = a ^ b;
    }
    let (mut extracted, hkdf) = Hkdf::<Sha256>::extract(None, both.as_slice());
    extracted.as_mut_slice().zeroize();
    let mut keys = Keys { frames: Zeroizing::new([0; 32]), commitment: [0; 32] };
    let recording = recording.to_le_bytes();
    let frames = hkdf.expand_multi_info(&[INFO_KEY, &recording], keys.frames.as_mut_slice());
    let commitment = hkdf.expand_multi_info(&[INFO_COMMITMENT, &recording], &mut keys.commitment);
    assert!(frames.is_ok() && commitment.is_ok(), "HKDF-SHA256 gives up to 8,160 octets");
    keys
}

/// Seals a share to its holder, bound to the first part of the header.
///
/// # Errors
/// [`VaultError::NoRandomness`], [`VaultError::CannotSeal`].
pub(crate) fn seal_share(
    which: Share,
    share: &[u8; 32],
    holder: &KeyholderKey,
    bound: &[u8],
) -> Result<SealedShare, VaultError> {
    let (encapsulated, sealed) =
        seal_to(&holder.public()?, which.info(), share, bound).map_err(|fault| match fault {
            CannotSeal::NoRandomness => VaultError::NoRandomness,
            CannotSeal::Key => VaultError::CannotSeal(holder.id().to_string()),
        })?;
    Ok(SealedShare { key_id: holder.id().0, encapsulated, sealed })
}

/// Seals a share to a public key. Gives `enc` of RFC 9180, and the share with its tag.
pub(crate) fn seal_to(
    public: &PublicKey,
    info: &[u8],
    share: &[u8; 32],
    bound: &[u8],
) -> Result<([u8; 32], [u8; 48]), CannotSeal> {
    let mut random = OsRandom { failed: false };
    let (encapsulated, sealed) = hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, Kem>(
        &OpModeS::Base,
        public,
        info,
        share,
        bound,
        &mut random,
    )
    .map_err(|_| CannotSeal::Key)?;
    if random.failed {
        return Err(CannotSeal::NoRandomness);
    }
    let mut octets = [0; 32];
    encapsulated.write_exact(&mut octets);
    Ok((octets, sealed.try_into().map_err(|_| CannotSeal::Key)?))
}

/// Why nothing was sealed to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CannotSeal {
    /// The operating system gave no random octets.
    NoRandomness,
    /// The key is none.
    Key,
}

/// The operating system's randomness for a library that does not take a refusal: it is noted, and
/// what was made with it is thrown away.
struct OsRandom {
    failed: bool,
}

impl TryRng for OsRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut octets = [0; 4];
        self.try_fill_bytes(&mut octets)?;
        Ok(u32::from_le_bytes(octets))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut octets = [0; 8];
        self.try_fill_bytes(&mut octets)?;
        Ok(u64::from_le_bytes(octets))
    }

    fn try_fill_bytes(&mut self, octets: &mut [u8]) -> Result<(), Infallible> {
        self.failed |= getrandom::fill(octets).is_err();
        Ok(())
    }
}

impl TryCryptoRng for OsRandom {}

const INFO_KEY: &[u8] = b"parlatory recording v1";
const INFO_COMMITMENT: &[u8] = b"parlatory recording v1 commitment";
const INFO_SHARE_A: &[u8] = b"parlatory recording v1 share a";
const INFO_SHARE_B: &[u8] = b"parlatory recording v1 share b";

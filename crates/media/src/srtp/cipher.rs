//! The ciphers of SRTP, each with the session keys of one kind of packet.

use super::WORD_OCTETS;
use aes::{Aes128, Aes256};
use aes_gcm::{Aes128Gcm, Aes256Gcm, Nonce, aead::AeadInOut};
use ctr::{
    Ctr128BE, CtrCore,
    cipher::{InnerIvInit, KeyIvInit, StreamCipher, StreamCipherCoreWrapper},
    flavors,
};
use hmac::{Hmac, KeyInit, Mac};
use model::{SrtpKey, SrtpSuite};
use sha1::Sha1;
use zeroize::Zeroizing;

/// Which session keys are derived (RFC 3711 section 4.3.1).
#[derive(Clone, Copy)]
pub(super) struct Labels {
    key: u8,
    mac: u8,
    salt: u8,
}

impl Labels {
    pub(super) const RTP: Self = Self { key: 0, mac: 1, salt: 2 };
    pub(super) const RTCP: Self = Self { key: 3, mac: 4, salt: 5 };
}

/// Session keys in use. Key schedules are wiped when dropped.
pub(super) enum Cipher {
    Cm { aes: Box<Aes128>, mac: Box<Hmac<Sha1>>, salt: u128 },
    Gcm128 { aead: Box<Aes128Gcm>, salt: u128 },
    Gcm256 { aead: Box<Aes256Gcm>, salt: u128 },
}

impl Cipher {
    pub(super) fn derive(master: &SrtpKey, labels: Labels) -> Self {
        let key = Zeroizing::new(derived::<32>(master, labels.key));
        let (half, _) = key.split_at(16);
        let half = Zeroizing::new(half.first_chunk::<16>().copied().unwrap_or_default());
        match master.suite() {
            SrtpSuite::AesCm128HmacSha1_80 => {
                let mac = Zeroizing::new(derived::<20>(master, labels.mac));
                let mac = <Hmac<Sha1> as KeyInit>::new_from_slice(&*mac);
                let Ok(mac) = mac else { unreachable!("HMAC takes a key of any length") };
                let salt = number(&derived::<14>(master, labels.salt));
                let aes = Box::new(<Aes128 as aes::cipher::KeyInit>::new((&*half).into()));
                Self::Cm { aes, mac: Box::new(mac), salt }
            }
            SrtpSuite::AeadAes128Gcm => {
                let aead = <Aes128Gcm as aes_gcm::KeyInit>::new((&*half).into());
                let salt = number(&derived::<12>(master, labels.salt));
                Self::Gcm128 { aead: Box::new(aead), salt }
            }
            SrtpSuite::AeadAes256Gcm => {
                let aead = <Aes256Gcm as aes_gcm::KeyInit>::new((&*key).into());
                let salt = number(&derived::<12>(master, labels.salt));
                Self::Gcm256 { aead: Box::new(aead), salt }
            }
        }
    }

    pub(super) const fn tag_octets(&self) -> usize {
        match self {
            Self::Cm { .. } => CM_TAG_OCTETS,
            Self::Gcm128 { .. } | Self::Gcm256 { .. } => GCM_TAG_OCTETS,
        }
    }

    /// Encrypts `body`, whose last [`Self::tag_octets`] are room for the tag. `word` is bound too.
    pub(super) fn seal(
        &self,
        ssrc: u32,
        index: u64,
        head: &[u8],
        body: &mut [u8],
        word: &[u8],
    ) -> Option<()> {
        let at = body.len().checked_sub(self.tag_octets())?;
        let (text, place) = body.split_at_mut_checked(at)?;
        match self {
            Self::Cm { aes, mac, salt } => {
                key_stream(aes, *salt, ssrc, index, text);
                let tag = cm_tag(mac, [head, text, &bound(index, word)]);
                place.copy_from_slice(tag.get(..CM_TAG_OCTETS)?);
            }
            Self::Gcm128 { aead, salt } => {
                gcm_seal(&**aead, *salt, ssrc, index, [head, word], text, place)?;
            }
            Self::Gcm256 { aead, salt } => {
                gcm_seal(&**aead, *salt, ssrc, index, [head, word], text, place)?;
            }
        }
        Some(())
    }

    /// Authenticates `body` with the tag at its end, then decrypts it; gives the octets before the
    /// tag.
    pub(super) fn open(
        &self,
        ssrc: u32,
        index: u64,
        head: &[u8],
        body: &mut [u8],
        word: &[u8],
    ) -> Option<usize> {
        let at = body.len().checked_sub(self.tag_octets())?;
        let (text, tag) = body.split_at_mut_checked(at)?;
        match self {
            Self::Cm { aes, mac, salt } => {
                let mac = cm_mac(mac, [head, text, &bound(index, word)]);
                mac.verify_truncated_left(tag).ok()?;
                key_stream(aes, *salt, ssrc, index, text);
            }
            Self::Gcm128 { aead, salt } => {
                gcm_open(&**aead, *salt, ssrc, index, [head, word], text, tag)?;
            }
            Self::Gcm256 { aead, salt } => {
                gcm_open(&**aead, *salt, ssrc, index, [head, word], text, tag)?;
            }
        }
        Some(at)
    }

    /// Encrypts an RTCP packet of `length` octets in a slice that has room for tag and word, which
    /// AES-CM writes before the tag (RFC 3711 section 3.4) and GCM after it (RFC 7714 section 9.1).
    pub(super) fn seal_rtcp(
        &self,
        ssrc: u32,
        index: u32,
        packet: &mut [u8],
        length: usize,
        word: [u8; WORD_OCTETS],
    ) -> Option<()> {
        let end = length.checked_add(self.tag_octets())?;
        let (head, body) = packet.get_mut(..end)?.split_at_mut_checked(RTCP_HEAD_OCTETS)?;
        self.seal(ssrc, u64::from(index), head, body, &word)?;
        if self.is_cm() {
            packet.copy_within(length..end, length + WORD_OCTETS);
            packet.get_mut(length..length + WORD_OCTETS)?.copy_from_slice(&word);
        } else {
            packet.get_mut(end..end + WORD_OCTETS)?.copy_from_slice(&word);
        }
        Some(())
    }

    /// The word of an RTCP packet that came.
    pub(super) fn rtcp_word(&self, packet: &[u8]) -> Option<[u8; WORD_OCTETS]> {
        let after = if self.is_cm() { CM_TAG_OCTETS } else { 0 };
        packet.get(..packet.len().checked_sub(after)?)?.last_chunk().copied()
    }

    /// The reverse of [`Self::seal_rtcp`]; gives the length of the packet.
    pub(super) fn open_rtcp(
        &self,
        ssrc: u32,
        index: u32,
        packet: &mut [u8],
        word: [u8; WORD_OCTETS],
    ) -> Option<usize> {
        let end = packet.len().checked_sub(WORD_OCTETS)?;
        if self.is_cm() {
            // The tag moves over the word, to where the cipher looks for it.
            let tag = packet.len().checked_sub(CM_TAG_OCTETS)?;
            packet.copy_within(tag.., tag.checked_sub(WORD_OCTETS)?);
        }
        let (head, body) = packet.get_mut(..end)?.split_at_mut_checked(RTCP_HEAD_OCTETS)?;
        Some(RTCP_HEAD_OCTETS + self.open(ssrc, u64::from(index), head, body, &word)?)
    }

    const fn is_cm(&self) -> bool {
        matches!(self, Self::Cm { .. })
    }
}

/// Octets of a session key or salt (RFC 3711 section 4.3.3), for a master key that is never
/// replaced by the clock. A salt of 96 bits counts as one of 112 that ends in zeros (RFC 7714
/// section 11).
fn derived<const N: usize>(master: &SrtpKey, label: u8) -> [u8; N] {
    let mut iv = [0; 16];
    for (place, octet) in iv.iter_mut().zip(master.expose_salt()) {
        *place = *octet;
    }
    if let Some(place) = iv.get_mut(LABEL_AT) {
        *place ^= label;
    }
    let mut out = [0; N];
    let key = master.expose_key();
    if let Some(key) = key.first_chunk::<32>() {
        Ctr128BE::<Aes256>::new(key.into(), &iv.into()).apply_keystream(&mut out);
    } else if let Some(key) = key.first_chunk::<16>() {
        Ctr128BE::<Aes128>::new(key.into(), &iv.into()).apply_keystream(&mut out);
    }
    out
}

/// AES-CM (RFC 3711 section 4.1.1).
fn key_stream(aes: &Aes128, salt: u128, ssrc: u32, index: u64, text: &mut [u8]) {
    let iv = (salt ^ u128::from(ssrc) << 48 ^ u128::from(index)) << 16;
    let core = CtrCore::<&Aes128, flavors::Ctr128BE>::inner_iv_init(aes, &iv.to_be_bytes().into());
    StreamCipherCoreWrapper::from_core(core).apply_keystream(text);
}

/// What is authenticated after an AES-CM packet: the roll-over counter of RTP (RFC 3711 section
/// 4.2), the word of RTCP.
fn bound(index: u64, word: &[u8]) -> [u8; WORD_OCTETS] {
    word.first_chunk().copied().unwrap_or_else(|| {
        let [.., a, b, c, d] = (index >> 16).to_be_bytes();
        [a, b, c, d]
    })
}

fn cm_mac(mac: &Hmac<Sha1>, parts: [&[u8]; 3]) -> Hmac<Sha1> {
    parts.into_iter().fold(mac.clone(), |mac, part| mac.chain_update(part))
}

fn cm_tag(mac: &Hmac<Sha1>, parts: [&[u8]; 3]) -> [u8; 20] {
    cm_mac(mac, parts).finalize().into_bytes().into()
}

/// RFC 7714 sections 8.1 and 9.1.
fn nonce(salt: u128, ssrc: u32, index: u64) -> Nonce<aes_gcm::aead::consts::U12> {
    let [_, _, _, _, nonce @ ..] =
        (salt ^ u128::from(ssrc) << 48 ^ u128::from(index)).to_be_bytes();
    Nonce::from(nonce)
}

/// What a GCM packet binds: its header, and the word of RTCP.
fn associated(parts: [&[u8]; 2], with: impl FnOnce(&[u8]) -> Option<()>) -> Option<()> {
    let [head, word] = parts;
    if word.is_empty() {
        return with(head);
    }
    let mut both = [0; RTCP_HEAD_OCTETS + WORD_OCTETS];
    let (first, second) = both.split_at_mut_checked(RTCP_HEAD_OCTETS)?;
    (head.len() == first.len() && word.len() == second.len()).then_some(())?;
    first.copy_from_slice(head);
    second.copy_from_slice(word);
    with(&both)
}

fn gcm_seal<A>(
    aead: &A,
    salt: u128,
    ssrc: u32,
    index: u64,
    parts: [&[u8]; 2],
    text: &mut [u8],
    place: &mut [u8],
) -> Option<()>
where
    A: AeadInOut<NonceSize = aes_gcm::aead::consts::U12>,
{
    let nonce = nonce(salt, ssrc, index);
    associated(parts, |bound| {
        let tag = aead.encrypt_inout_detached(&nonce, bound, text.into()).ok()?;
        place.copy_from_slice(&tag);
        Some(())
    })
}

fn gcm_open<A>(
    aead: &A,
    salt: u128,
    ssrc: u32,
    index: u64,
    parts: [&[u8]; 2],
    text: &mut [u8],
    tag: &[u8],
) -> Option<()>
where
    A: AeadInOut<NonceSize = aes_gcm::aead::consts::U12>,
{
    let nonce = nonce(salt, ssrc, index);
    let tag = tag.try_into().ok()?;
    associated(parts, |bound| aead.decrypt_inout_detached(&nonce, bound, text.into(), tag).ok())
}

/// Octets as one number.
fn number(octets: &[u8]) -> u128 {
    octets.iter().fold(0, |number, octet| number << 8 | u128::from(*octet))
}

const CM_TAG_OCTETS: usize = 10;
const GCM_TAG_OCTETS: usize = 16;
/// Octets of an RTCP packet that stay in clear (RFC 3711 section 3.4).
const RTCP_HEAD_OCTETS: usize = 8;
/// Where a label lies in the 14 octets of a salt.
const LABEL_AT: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
        digits.chunks(2).map(|two| u8::try_from(two[0] * 16 + two[1]).unwrap()).collect()
    }

    /// RFC 3711 appendix B.3.
    #[test]
    fn session_keys_are_those_of_the_standard() {
        let master = hex("e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6");
        let master = SrtpKey::new(SrtpSuite::AesCm128HmacSha1_80, &master).unwrap();
        assert_eq!(derived::<16>(&master, 0).to_vec(), hex("c61e7a93744f39ee10734afe3ff7a087"));
        assert_eq!(derived::<14>(&master, 2).to_vec(), hex("30cbbc08863d8c85d49db34a9ae1"));
        assert_eq!(
            derived::<20>(&master, 1).to_vec(),
            hex("cebe321f6ff7716b6fd4ab49af256a156d38baa4")
        );
    }

    /// RFC 7714 section 16.1.1, whose session key and salt are given.
    #[test]
    fn a_packet_of_gcm_is_that_of_the_standard() {
        let key: Vec<u8> = (0..16).collect();
        let aead = <Aes128Gcm as aes_gcm::KeyInit>::new_from_slice(&key).unwrap();
        let salt = number(&hex("517569642070726f2071756f"));
        let cipher = Cipher::Gcm128 { aead: Box::new(aead), salt };
        let head = hex("8040f17b 8041f8d3 5501a0b2");
        let mut body = b"Gallia est omnis divisa in partes tres".to_vec();
        body.resize(body.len() + GCM_TAG_OCTETS, 0);
        cipher.seal(0x5501_a0b2, 0xf17b, &head, &mut body, &[]).unwrap();
        let expected = "f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b \
            36de3adf 8833 899d7f27 beb16a91 52cf765e e4390cce";
        assert_eq!(body, hex(expected));
        assert_eq!(cipher.open(0x5501_a0b2, 0xf17b, &head, &mut body, &[]), Some(38));
        assert_eq!(&body[..38], b"Gallia est omnis divisa in partes tres");
    }
}

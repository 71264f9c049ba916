//! A reader of recordings for tests, written from `docs/formats/recording.md` alone. It holds both
//! keyholders' private keys, which is what the program itself never does.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "each test uses a part"
)]

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use hpke::{Deserializable, OpModeR, aead::AesGcm256, kdf::HkdfSha256, kem::X25519HkdfSha256};
use model::{Codec, Second, Timestamp, Track};
use sha2::{Digest, Sha256};

/// A keyholder's private key.
pub(crate) struct Keyholder([u8; 32]);

impl Keyholder {
    /// From its text form.
    pub(crate) fn from_text(text: &str) -> Self {
        let digits = text.trim().strip_prefix("parlatory-keyholder-secret:").unwrap();
        let octet = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        Self(std::array::from_fn(|index| octet(2 * index)))
    }

    /// Its octets.
    pub(crate) fn octets(&self) -> [u8; 32] {
        self.0
    }

    /// The same key as the program has it.
    pub(crate) fn secret(&self) -> vault::KeyholderSecret {
        let digits: String = self.0.iter().map(|octet| format!("{octet:02x}")).collect();
        vault::KeyholderSecret::parse(&format!("parlatory-keyholder-secret:{digits}")).unwrap()
    }

    /// Opens the share with this letter.
    fn open(&self, letter: char, bound: &[u8], share: &[u8]) -> Option<[u8; 32]> {
        let secret = <X25519HkdfSha256 as hpke::Kem>::PrivateKey::from_bytes(&self.0).unwrap();
        let encapsulated =
            <X25519HkdfSha256 as hpke::Kem>::EncappedKey::from_bytes(&share[8..40]).unwrap();
        let opened = hpke::single_shot_open::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &secret,
            &encapsulated,
            format!("parlatory recording v1 share {letter}").as_bytes(),
            &share[40..88],
            bound,
        );
        opened.ok().map(|share| share.try_into().unwrap())
    }
}

/// Whether these 32 octets, whatever they are for, open anything of a recording: as the private key
/// of either keyholder, as either share or both, or as the key of its frames.
pub(crate) fn opens_anything(octets: &[u8], key: &[u8; 32]) -> bool {
    let bound = &octets[..BOUND];
    let (a, b) = octets[BOUND..HEADER].split_at(SHARE);
    let holder = Keyholder(*key);
    let shares = [('a', a), ('b', b), ('a', b), ('b', a)];
    shares.into_iter().any(|(letter, share)| holder.open(letter, bound, share).is_some())
        || self::key(key, &[0; 32], bound).is_ok()
        || open_with(octets, key).is_ok_and(|opened| !opened.seconds.is_empty())
}

/// Whether these 32 octets open the detail of an entry (`docs/formats/entry.md`): as the private
/// key of either holder, or as the key of the day.
pub(crate) fn detail_opens(detail: &[u8], key: &[u8; 32]) -> bool {
    let (envelope, rest) = detail.split_at(12 + 2 * SHARE);
    let (nonce, content) = rest.split_first_chunk::<12>().unwrap();
    let opens = |key: &[u8]| {
        let cipher = Aes256Gcm::new_from_slice(key).unwrap();
        let sealed = Payload { msg: content, aad: envelope };
        cipher.decrypt(&Nonce::from(*nonce), sealed).is_ok()
    };
    let secret = <X25519HkdfSha256 as hpke::Kem>::PrivateKey::from_bytes(key).unwrap();
    let days = envelope[12..].chunks(SHARE).filter_map(|share| {
        let encapsulated =
            <X25519HkdfSha256 as hpke::Kem>::EncappedKey::from_bytes(&share[8..40]).unwrap();
        let (info, bound) = (b"parlatory detail v1", &envelope[..12]);
        hpke::single_shot_open::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &secret,
            &encapsulated,
            info,
            &share[40..],
            bound,
        )
        .ok()
    });
    opens(key) || days.into_iter().any(|day| opens(&day))
}

/// What opens of the file of shares beside a journal's segment (`docs/formats/journal.md`) with
/// these 32 octets as the private key of a keyholder: the number of the share, and the share.
pub(crate) fn segment_share(octets: &[u8], key: &[u8; 32]) -> Option<(usize, [u8; 32])> {
    let (bound, shares) = octets.split_at(SEGMENT_BOUND);
    let secret = <X25519HkdfSha256 as hpke::Kem>::PrivateKey::from_bytes(key).unwrap();
    shares.chunks(SHARE).enumerate().find_map(|(number, share)| {
        let number_octets = u32::try_from(number).unwrap().to_le_bytes();
        let info = [b"parlatory journal segment v1 share".as_slice(), &number_octets].concat();
        let encapsulated =
            <X25519HkdfSha256 as hpke::Kem>::EncappedKey::from_bytes(&share[8..40]).unwrap();
        let opened = hpke::single_shot_open::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &secret,
            &encapsulated,
            &info,
            &share[40..],
            bound,
        );
        opened.ok().map(|share| (number, share.try_into().unwrap()))
    })
}

/// The key of a journal's segment, from the shares of all its keyholders; `None` when it is not the
/// one that the file commits to.
pub(crate) fn segment_key(octets: &[u8], holders: &[&Keyholder]) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    for holder in holders {
        let (_, share) = segment_share(octets, &holder.0)?;
        key.iter_mut().zip(share).for_each(|(octet, share)| *octet ^= share);
    }
    is_segment_key(octets, &key).then_some(key)
}

/// Whether the file commits to this key.
pub(crate) fn is_segment_key(octets: &[u8], key: &[u8; 32]) -> bool {
    let mut commitment = [0; 32];
    let info = [b"parlatory journal segment v1 commitment".as_slice(), &octets[12..24]].concat();
    Hkdf::<Sha256>::new(None, key).expand(&info, &mut commitment).unwrap();
    commitment == octets[56..88]
}

/// What a recording's header says in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) agency: u32,
    pub(crate) facility: u32,
    pub(crate) recording: u64,
    pub(crate) begun: Timestamp,
    pub(crate) epoch: u64,
    pub(crate) consent: [u8; 32],
    pub(crate) key_ids: [[u8; 8]; 2],
}

/// An opened recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) header: Header,
    pub(crate) seconds: Vec<Second>,
    pub(crate) end: End,
}

/// How it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// In order, with these totals.
    Ended { frames: u32, at: Timestamp, station: u64, called: u64 },
    /// It was cut; so many octets after the last whole frame are no frame.
    Cut { left_over: usize },
}

/// Why it does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CannotOpen {
    /// It is no recording, or its header is cut.
    Header,
    /// Share a does not open with this key.
    ShareA,
    /// Share b does not open with this key.
    ShareB,
    /// The shares do not give the key of this recording.
    Commitment,
    /// This frame is not the one that was sealed here.
    Frame(usize),
    /// Something follows the last frame, or its totals are wrong.
    End,
}

/// Opens a recording with both private keys.
pub(crate) fn open(octets: &[u8], a: &Keyholder, b: &Keyholder) -> Result<Opened, CannotOpen> {
    if octets.len() < HEADER || &octets[..8] != b"PARLRECD" || octets[8..13] != [1, 0, 0, 0, 1] {
        return Err(CannotOpen::Header);
    }
    let bound = &octets[..BOUND];
    let share_a = a.open('a', bound, &octets[BOUND..BOUND + SHARE]).ok_or(CannotOpen::ShareA)?;
    let share_b = b.open('b', bound, &octets[BOUND + SHARE..HEADER]).ok_or(CannotOpen::ShareB)?;
    let key = key(&share_a, &share_b, bound)?;
    open_with(octets, &key)
}

/// The key of the frames, from both shares.
fn key(a: &[u8; 32], b: &[u8; 32], bound: &[u8]) -> Result<[u8; 32], CannotOpen> {
    let both: [u8; 32] = std::array::from_fn(|index| a[index] ^ b[index]);
    let hkdf = Hkdf::<Sha256>::new(None, &both);
    let derive = |label: &str| {
        let mut key = [0; 32];
        let info = [label.as_bytes(), &bound[28..36]].concat();
        hkdf.expand(&info, &mut key).unwrap();
        key
    };
    if derive("parlatory recording v1 commitment") != bound[84..116] {
        return Err(CannotOpen::Commitment);
    }
    Ok(derive("parlatory recording v1"))
}

fn open_with(octets: &[u8], key: &[u8; 32]) -> Result<Opened, CannotOpen> {
    let cipher = Aes256Gcm::new(key.into());
    let aad = Sha256::digest(&octets[..HEADER]);
    let mut opened =
        Opened { header: header(octets), seconds: Vec::new(), end: End::Cut { left_over: 0 } };
    let mut rest = &octets[HEADER..];
    while let Some((frame, last, after)) = next_frame(rest) {
        let number = opened.seconds.len();
        let mut nonce = [0; 12];
        nonce[..7].copy_from_slice(&octets[13..20]);
        nonce[7..11].copy_from_slice(&u32::try_from(number).unwrap().to_be_bytes());
        nonce[11] = last.into();
        let content = cipher
            .decrypt(&Nonce::from(nonce), Payload { msg: frame, aad: &aad })
            .map_err(|_| CannotOpen::Frame(number))?;
        rest = after;
        if last {
            opened.end = ended(&content, number, rest)?;
            return Ok(opened);
        }
        opened.seconds.push(second(&content).ok_or(CannotOpen::Frame(number))?);
    }
    opened.end = End::Cut { left_over: rest.len() };
    Ok(opened)
}

/// The next whole frame: its octets, whether it is the last, and what follows.
fn next_frame(octets: &[u8]) -> Option<(&[u8], bool, &[u8])> {
    let field = u32::from_le_bytes(octets.get(..4)?.try_into().unwrap());
    let (length, last) = ((field & 0x7fff_ffff) as usize, field >> 31 == 1);
    let plausible = if last { length == 45 } else { (43..=16_043).contains(&length) };
    let frame = octets.get(4..4 + length).filter(|_| plausible)?;
    Some((frame, last, &octets[4 + length..]))
}

fn header(octets: &[u8]) -> Header {
    Header {
        agency: u32_at(octets, 20),
        facility: u32_at(octets, 24),
        recording: u64_at(octets, 28),
        begun: time_at(octets, 36),
        epoch: u64_at(octets, 44),
        consent: octets[52..84].try_into().unwrap(),
        key_ids: [BOUND, BOUND + SHARE].map(|at| octets[at..at + 8].try_into().unwrap()),
    }
}

fn ended(content: &[u8], frames: usize, after: &[u8]) -> Result<End, CannotOpen> {
    if content[0] != 2 || u32_at(content, 1) as usize != frames || !after.is_empty() {
        return Err(CannotOpen::End);
    }
    Ok(End::Ended {
        frames: u32_at(content, 1),
        at: time_at(content, 5),
        station: u64_at(content, 13),
        called: u64_at(content, 21),
    })
}

fn second(content: &[u8]) -> Option<Second> {
    let length = |at| usize::from(u16::from_le_bytes(content[at..at + 2].try_into().unwrap()));
    let (station, called) = (length(18), length(25));
    if content[0] != 1 || content.len() != 27 + station + called {
        return None;
    }
    let track = |header: usize, audio: std::ops::Range<usize>| Track {
        codec: if content[header] == 8 { Codec::Pcma } else { Codec::Pcmu },
        rtp_time: u32_at(content, header + 1),
        octets: content[audio].to_vec(),
    };
    Some(Second {
        index: u32_at(content, 1),
        started: time_at(content, 5),
        station: track(13, 27..27 + station),
        called: track(20, 27 + station..content.len()),
    })
}

fn u32_at(octets: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(octets[at..at + 4].try_into().unwrap())
}

fn u64_at(octets: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(octets[at..at + 8].try_into().unwrap())
}

fn time_at(octets: &[u8], at: usize) -> Timestamp {
    Timestamp::from_micros(i64::from_le_bytes(octets[at..at + 8].try_into().unwrap()))
}

/// Octets that the shares of a segment's key are bound to.
pub(crate) const SEGMENT_BOUND: usize = 92;
/// Octets of the header's part that both shares are bound to.
pub(crate) const BOUND: usize = 116;
/// Octets of a sealed share with the name of its key.
pub(crate) const SHARE: usize = 88;
/// Octets of the header.
pub(crate) const HEADER: usize = BOUND + 2 * SHARE;

//! Octets of a recording: its header and what its frames hold. `docs/formats/recording.md` draws
//! them.

use model::{
    AgencyId, Codec, FacilityId, RecordingId, Second, Timestamp, Track, audio::OCTETS_PER_SECOND,
    fact::Epoch,
};
use sha2::{Digest, Sha256};

/// What the header says in clear. It is bound to both shares and to every frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// Whose recording it is.
    pub(crate) agency: AgencyId,
    /// Where the station is.
    pub(crate) facility: FacilityId,
    /// Which recording it is.
    pub(crate) recording: RecordingId,
    /// When it was begun.
    pub(crate) begun: Timestamp,
    /// Epoch of the registry that said, at this moment, that the number is not protected.
    pub(crate) epoch: Epoch,
    /// SHA-256 over the consent.
    pub(crate) consent: [u8; 32],
}

/// A share of a recording's key, sealed to its holder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SealedShare {
    /// Which key it is sealed to.
    pub(crate) key_id: [u8; 8],
    /// The sender's public key of this sealing (RFC 9180, `enc`).
    pub(crate) encapsulated: [u8; 32],
    /// The share and its tag.
    pub(crate) sealed: [u8; 48],
}

/// The first part of a header, which the shares are bound to.
pub(crate) fn bound_part(facts: &Facts, prefix: [u8; 7], commitment: [u8; 32]) -> Vec<u8> {
    let mut octets = Vec::with_capacity(HEADER_OCTETS);
    octets.extend_from_slice(&MAGIC);
    octets.extend_from_slice(&FORMAT.to_le_bytes());
    octets.push(SUITE);
    octets.extend_from_slice(&prefix);
    octets.extend_from_slice(&facts.agency.0.to_le_bytes());
    octets.extend_from_slice(&facts.facility.0.to_le_bytes());
    octets.extend_from_slice(&facts.recording.0.to_le_bytes());
    octets.extend_from_slice(&facts.begun.micros().to_le_bytes());
    octets.extend_from_slice(&facts.epoch.0.to_le_bytes());
    octets.extend_from_slice(&facts.consent);
    octets.extend_from_slice(&commitment);
    octets
}

/// The whole header.
pub(crate) fn header(bound: &[u8], a: &SealedShare, b: &SealedShare) -> Vec<u8> {
    let mut octets = bound.to_vec();
    for share in [a, b] {
        octets.extend_from_slice(&share.key_id);
        octets.extend_from_slice(&share.encapsulated);
        octets.extend_from_slice(&share.sealed);
    }
    octets
}

/// A header as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    pub(crate) facts: Facts,
    pub(crate) prefix: [u8; 7],
    pub(crate) commitment: [u8; 32],
    pub(crate) bound: [u8; BOUND_OCTETS],
    /// Share a, then share b.
    pub(crate) shares: [SealedShare; 2],
    /// SHA-256 over all of it, which every frame is bound to.
    pub(crate) digest: [u8; 32],
}

impl Header {
    /// Reads a header; `None` when it is none of this format.
    pub(crate) fn parse(octets: &[u8]) -> Option<Self> {
        let octets: &[u8; HEADER_OCTETS] = octets.try_into().ok()?;
        let mut fields = Fields(octets);
        if fields.take()? != MAGIC
            || u32::from_le_bytes(fields.take()?) != FORMAT
            || fields.take()? != [SUITE]
        {
            return None;
        }
        let prefix = fields.take()?;
        let facts = Facts {
            agency: AgencyId(u32::from_le_bytes(fields.take()?)),
            facility: FacilityId(u32::from_le_bytes(fields.take()?)),
            recording: RecordingId(u64::from_le_bytes(fields.take()?)),
            begun: Timestamp::from_micros(i64::from_le_bytes(fields.take()?)),
            epoch: Epoch(u64::from_le_bytes(fields.take()?)),
            consent: fields.take()?,
        };
        let commitment = fields.take()?;
        let shares = [fields.share()?, fields.share()?];
        let bound = *octets.first_chunk()?;
        let digest = Sha256::digest(octets).into();
        Some(Self { facts, prefix, commitment, bound, shares, digest })
    }
}

/// Reads fields one after the other.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    fn share(&mut self) -> Option<SealedShare> {
        let (key_id, encapsulated, sealed) = (self.take()?, self.take()?, self.take()?);
        Some(SealedShare { key_id, encapsulated, sealed })
    }

    fn track_header(&mut self) -> Option<(Codec, u32, usize)> {
        let codec = match self.take()? {
            [0] => Codec::Pcmu,
            [8] => Codec::Pcma,
            _ => return None,
        };
        let rtp_time = u32::from_le_bytes(self.take()?);
        Some((codec, rtp_time, u16::from_le_bytes(self.take()?).into()))
    }
}

/// What a frame holds, opened.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Second(Second),
    Ended(Totals, Timestamp),
}

/// Reads what a frame held before it was sealed; `None` when it is none of this format.
pub(crate) fn content(octets: &[u8]) -> Option<Content> {
    let mut fields = Fields(octets);
    match fields.take()? {
        [KIND_SECOND] => {
            let index = u32::from_le_bytes(fields.take()?);
            let started = Timestamp::from_micros(i64::from_le_bytes(fields.take()?));
            let heads = [fields.track_header()?, fields.track_header()?];
            let [station, called] = heads.map(|(codec, rtp_time, length)| {
                let (octets, rest) = fields.0.split_at_checked(length)?;
                fields.0 = rest;
                // Nobody writes more, so nobody reads more.
                (length <= OCTETS_PER_SECOND).then_some(())?;
                Some(Track { codec, rtp_time, octets: octets.to_vec() })
            });
            let second = Second { index, started, station: station?, called: called? };
            fields.0.is_empty().then_some(Content::Second(second))
        }
        [KIND_ENDED] => {
            let frames = u32::from_le_bytes(fields.take()?);
            let at = Timestamp::from_micros(i64::from_le_bytes(fields.take()?));
            let station = u64::from_le_bytes(fields.take()?);
            let called = u64::from_le_bytes(fields.take()?);
            let totals = Totals { frames, station, called };
            fields.0.is_empty().then_some(Content::Ended(totals, at))
        }
        _ => None,
    }
}

/// What the length field of a frame says: octets, and whether it is the last frame; `None` when no
/// frame can be so long.
pub(crate) fn frame_length(field: [u8; LENGTH_OCTETS]) -> Option<(usize, bool)> {
    let field = u32::from_le_bytes(field);
    let last = field & LAST_BIT != 0;
    let length = usize::try_from(field & !LAST_BIT).ok()?;
    let plausible = if last {
        length == ENDED_OCTETS
    } else {
        (SEALED_OCTETS_MIN..=SEALED_OCTETS_MAX).contains(&length)
    };
    plausible.then_some((length, last))
}

/// Writes what a frame of one second holds, before it is sealed.
///
/// # Errors
/// `None` when a track is longer than a second; nothing is written.
pub(crate) fn second(second: &Second, into: &mut Vec<u8>) -> Option<()> {
    let tracks = [&second.station, &second.called];
    if tracks.iter().any(|track| track.octets.len() > OCTETS_PER_SECOND) {
        return None;
    }
    into.push(KIND_SECOND);
    into.extend_from_slice(&second.index.to_le_bytes());
    into.extend_from_slice(&second.started.micros().to_le_bytes());
    for track in tracks {
        track_header(track, into)?;
    }
    for track in tracks {
        into.extend_from_slice(&track.octets);
    }
    Some(())
}

fn track_header(track: &Track, into: &mut Vec<u8>) -> Option<()> {
    let length = u16::try_from(track.octets.len()).ok()?;
    into.push(match track.codec {
        Codec::Pcmu => 0,
        Codec::Pcma => 8,
    });
    into.extend_from_slice(&track.rtp_time.to_le_bytes());
    into.extend_from_slice(&length.to_le_bytes());
    Some(())
}

/// What a recording has had in all, as its last frame says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Frames of one second.
    pub(crate) frames: u32,
    /// Octets of the station's audio.
    pub(crate) station: u64,
    /// Octets of the called party's audio.
    pub(crate) called: u64,
}

/// Writes what the last frame holds, before it is sealed.
pub(crate) fn ended(totals: &Totals, at: Timestamp, into: &mut Vec<u8>) {
    into.push(KIND_ENDED);
    into.extend_from_slice(&totals.frames.to_le_bytes());
    into.extend_from_slice(&at.micros().to_le_bytes());
    into.extend_from_slice(&totals.station.to_le_bytes());
    into.extend_from_slice(&totals.called.to_le_bytes());
}

/// Octets of the part of the header that both shares are bound to.
pub(crate) const BOUND_OCTETS: usize = 116;
/// Octets of the header.
pub const HEADER_OCTETS: usize = 292;
/// First octets of every recording.
pub(crate) const MAGIC: [u8; 8] = *b"PARLRECD";
const FORMAT: u32 = 1;
/// AES-256-GCM frames; shares by HPKE with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
const SUITE: u8 = 1;
const KIND_SECOND: u8 = 1;
const KIND_ENDED: u8 = 2;

/// Octets of a frame's length field.
pub(crate) const LENGTH_OCTETS: usize = 4;
/// Bit of the length field that marks the last frame.
pub(crate) const LAST_BIT: u32 = 1 << 31;
/// Octets of an AES-GCM tag.
pub(crate) const TAG_OCTETS: usize = 16;
/// Octets of a second's frame before its audio: kind, index, start, and two track headers.
const SECOND_HEADER_OCTETS: usize = 1 + 4 + 8 + 2 * 7;
/// Octets of a sealed frame at least: a second without audio.
pub(crate) const SEALED_OCTETS_MIN: usize = SECOND_HEADER_OCTETS + TAG_OCTETS;
/// Octets of a sealed frame at most.
pub(crate) const SEALED_OCTETS_MAX: usize = SEALED_OCTETS_MIN + 2 * OCTETS_PER_SECOND;
/// Octets of the sealed last frame.
pub(crate) const ENDED_OCTETS: usize = 1 + 4 + 8 + 8 + 8 + TAG_OCTETS;

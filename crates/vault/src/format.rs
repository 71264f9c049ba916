//! Octets of a recording: its header and what its frames hold. `docs/formats/recording.md` draws
//! them.

use model::{
    AgencyId, Codec, FacilityId, RecordingId, Second, Timestamp, Track, audio::OCTETS_PER_SECOND,
    fact::Epoch,
};

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
#[derive(Clone, Copy, Debug, Default)]
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

/// Octets of the header.
pub(crate) const HEADER_OCTETS: usize = 292;
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

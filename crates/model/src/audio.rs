//! What two ends agree on about audio.

use crate::Timestamp;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use serde::{Deserialize, Serialize};

/// A codec of ITU-T G.711, 8,000 samples a second, one octet a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Codec {
    /// µ-law, RTP payload type 0 (RFC 3551 section 4.5.14).
    Pcmu,
    /// A-law, RTP payload type 8.
    Pcma,
}

impl Codec {
    /// The static RTP payload type (RFC 3551 table 4).
    pub const fn payload_type(self) -> u8 {
        match self {
            Self::Pcmu => 0,
            Self::Pcma => 8,
        }
    }

    /// The octet of silence.
    pub const fn silence(self) -> u8 {
        match self {
            Self::Pcmu => 0xff,
            Self::Pcma => 0xd5,
        }
    }

    /// The linear sample, 16 bit, of an octet (ITU-T G.711 tables 1 and 2).
    pub const fn linear(self, octet: u8) -> i16 {
        match self {
            Self::Pcmu => mu_to_linear(octet),
            Self::Pcma => a_to_linear(octet),
        }
    }
}

/// Which way audio flows, seen from the end that wrote the description (RFC 8866 section 6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// Both ways.
    SendRecv,
    /// The writer only sends: it put the other end on hold.
    SendOnly,
    /// The writer only receives.
    RecvOnly,
    /// No audio.
    Inactive,
}

/// One end's audio stream as its SDP describes it, reduced to what Parlatory understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaDescription {
    /// Where that end wants RTP.
    pub address: SocketAddr,
    /// Understood codecs, preferred first; at least one.
    pub codecs: Vec<Codec>,
    /// Payload type of telephone-event at 8 kHz (RFC 4733), when offered.
    pub telephone_event: Option<u8>,
    /// Milliseconds of audio in a packet, 10 to 60.
    pub packet_ms: u8,
    /// Which way audio flows.
    pub direction: Direction,
    /// Port of RTCP, on the address of RTP (RFC 3605); the one after RTP unless it says so.
    pub rtcp_port: u16,
    /// Whether RTCP may come to the port of RTP (RFC 5761).
    pub rtcp_mux: bool,
    /// Where that end signals from, when it is a station and that is another host than the one of
    /// `address`: it may be behind a NAT and not know it. Never part of a description on the wire.
    pub signals_from: Option<IpAddr>,
}

/// How a leg sends and receives, after both ends agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// Where the other end wants RTP.
    pub remote: SocketAddr,
    /// The codec we send; both G.711 laws are understood when received.
    pub codec: Codec,
    /// Payload type of telephone-event that the other end understands (RFC 4733).
    pub telephone_event: Option<u8>,
    /// Milliseconds of audio in a packet we send.
    pub packet_ms: u8,
    /// Whether the other end wants to hear us; `false` while it holds the call.
    pub send: bool,
    /// Where the other end wants RTCP; the address of RTP when both share a port (RFC 5761).
    pub rtcp: SocketAddr,
    /// The host, other than that of `remote`, from which its first audio may come as well.
    pub signals_from: Option<IpAddr>,
}

/// One second, or the last part of one, of both directions of a conversation, as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Second {
    /// Counts seconds from 0 at the start of the conversation.
    pub index: u32,
    /// When it began.
    pub started: Timestamp,
    /// What the station sent.
    pub station: Track,
    /// What the called party sent.
    pub called: Track,
}

/// One direction of a [`Second`]. Octets that never arrived are silence in `codec`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Codec of the octets.
    pub codec: Codec,
    /// RTP timestamp of the first octet, as the sender counts (RFC 3550 section 5.1).
    pub rtp_time: u32,
    /// G.711 octets, at most [`OCTETS_PER_SECOND`].
    pub octets: Vec<u8>,
}

/// Octets of G.711 in a second.
pub const OCTETS_PER_SECOND: usize = 8_000;

const fn mu_to_linear(octet: u8) -> i16 {
    let octet = !octet;
    let segment = (octet >> 4) & 0x07;
    let step = (octet & 0x0f) as i16;
    let magnitude = (((step << 3) + 0x84) << segment) - 0x84;
    if octet & 0x80 == 0 { magnitude } else { -magnitude }
}

const fn a_to_linear(octet: u8) -> i16 {
    let octet = octet ^ A_TOGGLE;
    let segment = (octet >> 4) & 0x07;
    let step = (octet & 0x0f) as i16;
    let magnitude =
        if segment == 0 { (step << 4) + 8 } else { ((step << 4) + 0x108) << (segment - 1) };
    if octet & 0x80 == 0 { -magnitude } else { magnitude }
}

/// Every second bit of A-law is turned over on the line (G.711 section 3.2).
const A_TOGGLE: u8 = 0x55;

//! What the audio path makes of datagrams, without a socket: for whoever wants to try octets on
//! it, such as the fuzz targets. It sends nothing.

use crate::{
    event::{Event, KeyEar},
    rtcp::Reports,
    rtp,
    srtp::{SEALED_EXTRA_OCTETS, Secured},
    timeline::Timeline,
};
use model::{Codec, Key, Second, Side, SrtpKeys, Timestamp};

/// What a datagram held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probed {
    /// No RTP packet that is taken.
    Bad,
    /// So many octets of audio.
    Audio(usize),
    /// A packet of a telephone-event; the key and when it was pressed, if one begins with it.
    Event(Option<(Key, Timestamp)>),
    /// A payload type that means nothing here.
    Unknown,
}

/// One direction of a leg that hears telephone-events of one payload type.
pub struct Probe {
    telephone_event: u8,
    keys: KeyEar,
    timeline: Timeline,
}

impl Probe {
    /// A leg whose conversation began at `started`.
    pub fn new(telephone_event: u8, started: Timestamp) -> Self {
        Self { telephone_event, keys: KeyEar::default(), timeline: Timeline::new(started) }
    }

    /// Hears a datagram that arrived at `arrived`, which is not before the one before.
    pub fn hear(&mut self, datagram: &[u8], arrived: Timestamp) -> Probed {
        let Ok((header, payload)) = rtp::parse(datagram) else { return Probed::Bad };
        let octets = datagram.get(payload).unwrap_or_default();
        let codec = match header.payload_type {
            0 => Codec::Pcmu,
            8 => Codec::Pcma,
            other if other == self.telephone_event => {
                let Some(event) = Event::parse(octets) else { return Probed::Bad };
                return Probed::Event(self.keys.hear(header.timestamp, event, arrived));
            }
            _ => return Probed::Unknown,
        };
        self.timeline.place(Side::Station, header, codec, octets, arrived);
        Probed::Audio(octets.len())
    }

    /// The next second that a recording would get.
    pub fn poll_second(&mut self, now: Timestamp) -> Option<Second> {
        self.timeline.poll_second(now)
    }
}

/// Whether a datagram is a compound RTCP packet, heard at `arrived` by an end that sends as `ssrc`.
pub fn is_report(datagram: &[u8], ssrc: u32, arrived: Timestamp) -> bool {
    Reports::new(Timestamp::from_micros(0), ssrc).hear(datagram, ssrc, arrived)
}

/// One end of an encrypted leg.
pub struct SecuredProbe(Secured);

impl SecuredProbe {
    /// An end with these keys.
    pub fn new(keys: SrtpKeys) -> Self {
        Self(Secured::new(keys))
    }

    /// An RTP packet (or, with `report`, an RTCP packet) as this end sends it; `None` when it sends
    /// none such.
    pub fn seal(&mut self, packet: &[u8], report: bool) -> Option<Vec<u8>> {
        let mut room = packet.to_vec();
        room.resize(packet.len() + SEALED_EXTRA_OCTETS, 0);
        let seal = self.0.seal();
        let length = if report {
            seal.rtcp(&mut room, packet.len())
        } else {
            seal.rtp(&mut room, packet.len())
        };
        room.truncate(length?);
        Some(room)
    }

    /// What a datagram holds; `None` when it is no packet of the other end, or came before.
    pub fn open(&mut self, datagram: &[u8], report: bool) -> Option<Vec<u8>> {
        let mut octets = datagram.to_vec();
        let open = self.0.open();
        let length = if report { open.rtcp(&mut octets) } else { open.rtp(&mut octets) };
        octets.truncate(length?);
        Some(octets)
    }
}

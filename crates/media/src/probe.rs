//! What the audio path makes of datagrams, without a socket: for whoever wants to try octets on
//! it, such as the fuzz targets. It sends nothing.

use crate::{
    event::{Event, KeyEar},
    rtp,
    timeline::Timeline,
};
use model::{Codec, Key, Second, Side, Timestamp};

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

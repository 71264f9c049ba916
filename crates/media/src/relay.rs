//! Numbers of relayed packets: one stream of ours made of whatever streams come in.

use crate::{
    limits::{SEQUENCE_JUMP_MAX, TIMESTAMP_JUMP_MAX_SAMPLES},
    rtp::Header,
};

/// Follows a stream that comes in. Within it, loss and reordering stay visible to the receiver, who
/// knows how to conceal them: sequence number and timestamp are moved by a fixed distance. The
/// distances are chosen anew when the stream begins, jumps, or was interrupted by packets of ours.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Relay {
    stream: Option<Stream>,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbered {
    /// It begins a stream and takes the next numbers.
    Begins,
    /// It belongs to the stream: these are its numbers.
    At {
        /// Sequence number.
        sequence: u16,
        /// RTP timestamp.
        timestamp: u32,
    },
    /// It is older than the beginning of the stream; its place is taken.
    Late,
}

impl Relay {
    /// Where a packet belongs.
    pub(crate) fn number(&mut self, header: Header) -> Numbered {
        let Some(stream) = &mut self.stream else { return Numbered::Begins };
        let ahead = header.sequence.wrapping_sub(stream.highest);
        let behind = stream.highest.wrapping_sub(header.sequence);
        let apart = header.timestamp.wrapping_sub(stream.latest);
        let apart = apart.min(apart.wrapping_neg());
        if header.ssrc != stream.ssrc
            || ahead.min(behind) > SEQUENCE_JUMP_MAX
            || apart > TIMESTAMP_JUMP_MAX_SAMPLES
        {
            return Numbered::Begins;
        }
        if ahead <= SEQUENCE_JUMP_MAX {
            stream.highest = header.sequence;
            stream.latest = header.timestamp;
        } else if behind > stream.highest.wrapping_sub(stream.first) {
            return Numbered::Late;
        }
        // Keeps `first` within reach of wrapping comparison on a call of any length.
        if stream.highest.wrapping_sub(stream.first) > 2 * SEQUENCE_JUMP_MAX {
            stream.first = stream.highest.wrapping_sub(SEQUENCE_JUMP_MAX);
        }
        Numbered::At {
            sequence: header.sequence.wrapping_add(stream.sequence_distance),
            timestamp: header.timestamp.wrapping_add(stream.timestamp_distance),
        }
    }

    /// The stream begins with this packet, which is sent with these numbers.
    pub(crate) fn begin(&mut self, header: Header, sequence: u16, timestamp: u32) {
        self.stream = Some(Stream {
            ssrc: header.ssrc,
            first: header.sequence,
            highest: header.sequence,
            latest: header.timestamp,
            sequence_distance: sequence.wrapping_sub(header.sequence),
            timestamp_distance: timestamp.wrapping_sub(header.timestamp),
        });
    }

    /// Packets of ours were sent in between.
    pub(crate) fn interrupt(&mut self) {
        self.stream = None;
    }
}

#[derive(Clone, Copy, Debug)]
struct Stream {
    ssrc: u32,
    /// The oldest sequence number that still has a place of its own.
    first: u16,
    highest: u16,
    /// Timestamp of the packet with the highest sequence number.
    latest: u32,
    sequence_distance: u16,
    timestamp_distance: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(sequence: u16, timestamp: u32) -> Header {
        Header { marker: false, payload_type: 0, sequence, timestamp, ssrc: 7 }
    }

    fn begun(sequence: u16, timestamp: u32) -> Relay {
        let mut relay = Relay::default();
        assert_eq!(relay.number(header(sequence, timestamp)), Numbered::Begins);
        relay.begin(header(sequence, timestamp), 10, 1_000);
        relay
    }

    fn check(relay: &mut Relay, sequence: u16, timestamp: u32, expected: (u16, u32)) {
        let (sequence_sent, timestamp_sent) = expected;
        assert_eq!(
            relay.number(header(sequence, timestamp)),
            Numbered::At { sequence: sequence_sent, timestamp: timestamp_sent }
        );
    }

    #[test]
    fn loss_and_order_stay_as_they_came_across_the_wrap() {
        let mut relay = begun(65_534, u32::MAX - 100);
        check(&mut relay, 65_535, 59, (11, 1_160));
        check(&mut relay, 1, 379, (13, 1_480));
        check(&mut relay, 0, 219, (12, 1_320));
        check(&mut relay, 1, 379, (13, 1_480));
        check(&mut relay, 9, 1_659, (21, 2_760));
    }

    #[test]
    fn packets_from_before_the_beginning_have_no_place() {
        let mut relay = begun(500, 80_000);
        assert_eq!(relay.number(header(499, 79_840)), Numbered::Late);
        check(&mut relay, 501, 80_160, (11, 1_160));
        assert_eq!(relay.number(header(499, 79_840)), Numbered::Late);
    }

    #[test]
    fn jumps_begin_a_stream() {
        for jump in [
            header(500 + 101, 80_160),
            header(500 - 101, 80_160),
            header(501, 80_000 + 8_001),
            header(501, 80_000 - 8_001),
            Header { ssrc: 8, ..header(501, 80_160) },
        ] {
            assert_eq!(begun(500, 80_000).number(jump), Numbered::Begins, "{jump:?}");
        }
        let mut interrupted = begun(500, 80_000);
        interrupted.interrupt();
        assert_eq!(interrupted.number(header(501, 80_160)), Numbered::Begins);
    }

    #[test]
    fn a_long_call_keeps_its_numbers() {
        let mut relay = begun(0, 0);
        for packet in 1..200_000u32 {
            let sequence = u16::try_from(packet % 65_536).unwrap();
            let sent = u16::try_from((packet + 10) % 65_536).unwrap();
            check(&mut relay, sequence, packet * 160, (sent, 1_000 + packet * 160));
        }
    }
}

//! The header of RTP packets (RFC 3550 section 5.1).

use crate::limits::PAYLOAD_MAX_OCTETS;
use std::ops::Range;

/// Octets of a header without contributing sources or extension, as all packets have that we send.
pub(crate) const HEADER_OCTETS: usize = 12;

/// What a header says, as far as anybody here asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The marker bit: first packet after silence, or of an event.
    pub(crate) marker: bool,
    /// Payload type, 0 to 127.
    pub(crate) payload_type: u8,
    /// Counts packets.
    pub(crate) sequence: u16,
    /// Counts samples.
    pub(crate) timestamp: u32,
    /// Names the stream.
    pub(crate) ssrc: u32,
}

impl Header {
    /// Writes the header.
    pub(crate) fn write(self, out: &mut [u8; HEADER_OCTETS]) {
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [c0, c1, c2, c3] = self.ssrc.to_be_bytes();
        let second = (u8::from(self.marker) << 7) | (self.payload_type & 0x7f);
        *out = [VERSION << 6, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3];
    }
}

/// A datagram that is not an acceptable RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadRtp;

/// Reads a datagram: its header and where its payload lies, without contributing sources, extension
/// and padding. The payload has 1 to [`PAYLOAD_MAX_OCTETS`] octets.
pub(crate) fn parse(datagram: &[u8]) -> Result<(Header, Range<usize>), BadRtp> {
    let (head, rest) = datagram.split_first_chunk::<HEADER_OCTETS>().ok_or(BadRtp)?;
    let [first, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3] = *head;
    if first >> 6 != VERSION {
        return Err(BadRtp);
    }
    let start = head_octets(datagram).ok_or(BadRtp)?;
    let mut end = datagram.len();
    if first & PADDING != 0 {
        let padding = rest.last().copied().map(usize::from).ok_or(BadRtp)?;
        if padding == 0 {
            return Err(BadRtp);
        }
        end = end.checked_sub(padding).ok_or(BadRtp)?;
    }
    let octets = end.checked_sub(start).ok_or(BadRtp)?;
    if octets == 0 || octets > PAYLOAD_MAX_OCTETS {
        return Err(BadRtp);
    }
    let header = Header {
        marker: second & 0x80 != 0,
        payload_type: second & 0x7f,
        sequence: u16::from_be_bytes([s0, s1]),
        timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
        ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
    };
    Ok((header, start..end))
}

/// Octets before the payload: the header with its contributing sources and extension. `None` when
/// the datagram ends within.
pub(crate) fn head_octets(datagram: &[u8]) -> Option<usize> {
    let first = datagram.first()?;
    let mut octets = HEADER_OCTETS + usize::from(first & 0x0f) * 4;
    if first & EXTENSION != 0 {
        let [_, _, l0, l1] = *datagram.get(octets..)?.first_chunk::<4>()?;
        octets += 4 + usize::from(u16::from_be_bytes([l0, l1])) * 4;
    }
    (octets <= datagram.len()).then_some(octets)
}

const VERSION: u8 = 2;
const PADDING: u8 = 0x20;
const EXTENSION: u8 = 0x10;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: Header = Header {
        marker: true,
        payload_type: 101,
        sequence: 0xfffe,
        timestamp: 0x1234_5678,
        ssrc: 0x9abc_def0,
    };

    fn packet(first: u8, rest: &[u8]) -> Vec<u8> {
        let mut head = [0; HEADER_OCTETS];
        HEADER.write(&mut head);
        head[0] = first;
        [&head[..], rest].concat()
    }

    #[test]
    fn a_written_header_is_the_one_of_the_standard() {
        let mut head = [0; HEADER_OCTETS];
        HEADER.write(&mut head);
        let expected =
            [0x80, 0x80 | 101, 0xff, 0xfe, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0];
        assert_eq!(head, expected);
    }

    #[test]
    fn payload_lies_between_sources_extension_and_padding() {
        let cases: [(u8, &[u8], Range<usize>); 5] = [
            (0x80, &[7; 160], 12..172),
            (0x82, &[7; 168], 20..180),
            (0x90, &[0, 0, 0, 1, 9, 9, 9, 9, 7, 7], 20..22),
            (0xa0, &[7, 7, 0, 2], 12..14),
            (0xb1, &[1, 1, 1, 1, 0, 0, 0, 0, 7, 0, 0, 3], 20..21),
        ];
        for (first, rest, expected) in cases {
            let (header, payload) = parse(&packet(first, rest)).unwrap();
            assert_eq!((header, payload), (HEADER, expected), "{first:#x}");
        }
    }

    #[test]
    fn malformed_datagrams_are_refused() {
        let cases: [(&str, Vec<u8>); 10] = [
            ("empty", vec![]),
            ("cut header", packet(0x80, &[])[..11].to_vec()),
            ("no payload", packet(0x80, &[])),
            ("version 1", packet(0x40, &[7; 160])),
            ("version 3", packet(0xc0, &[7; 160])),
            ("more sources than octets", packet(0x8f, &[7; 59])),
            ("cut extension", packet(0x90, &[0, 0, 0])),
            ("extension longer than the rest", packet(0x90, &[0, 0, 0, 2, 1, 1, 1, 1, 7])),
            ("padding without length", packet(0xa0, &[7, 7, 0])),
            ("nothing but padding", packet(0xa0, &[0, 0, 3])),
        ];
        for (name, datagram) in cases {
            assert_eq!(parse(&datagram), Err(BadRtp), "{name}");
        }
        assert_eq!(parse(&packet(0xa0, &[0, 0, 200])), Err(BadRtp), "padding beyond the packet");
        assert!(parse(&packet(0x80, &[7; PAYLOAD_MAX_OCTETS])).is_ok());
        assert_eq!(parse(&packet(0x80, &[7; PAYLOAD_MAX_OCTETS + 1])), Err(BadRtp));
    }

    proptest! {
        #[test]
        fn payload_lies_within_any_datagram(
            datagram in proptest::collection::vec(any::<u8>(), 0..600),
        ) {
            if let Ok((_, payload)) = parse(&datagram) {
                prop_assert!(payload.start >= HEADER_OCTETS);
                prop_assert!(datagram.get(payload).is_some_and(|octets| !octets.is_empty()));
            }
        }
    }
}

//! Audio in packets of another length: what one end sends in 30 ms, the other may want in 20.

use crate::{
    limits::{PAYLOAD_MAX_OCTETS, REPACK_GAP_MAX_SAMPLES},
    rtp::Header,
};

/// Cuts a stream anew. It numbers what it cuts as one stream of its own; what was lost is filled
/// with silence, so that the rest keeps its time.
#[derive(Debug)]
pub(crate) struct Repacker {
    octets: Vec<u8>,
    ssrc: u32,
    sequence: u16,
    /// RTP timestamp of the first octet.
    timestamp: u32,
    marker: bool,
}

impl Repacker {
    /// A stream that begins with the next packet.
    pub(crate) fn new() -> Self {
        let octets = Vec::with_capacity(2 * PAYLOAD_MAX_OCTETS);
        Self { octets, ssrc: 0, sequence: 0, timestamp: 0, marker: true }
    }

    /// Whether nothing waits for more.
    pub(crate) fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }

    /// Takes in a packet. Octets that came already are left out; a long gap begins the stream anew.
    pub(crate) fn add(&mut self, header: Header, octets: &[u8], silence: u8) {
        let held = u32::try_from(self.octets.len()).unwrap_or(u32::MAX);
        let gap = header.timestamp.wrapping_sub(self.timestamp.wrapping_add(held)).cast_signed();
        self.marker |= header.marker;
        if header.ssrc != self.ssrc || gap.unsigned_abs() > REPACK_GAP_MAX_SAMPLES {
            self.octets.clear();
            self.ssrc = header.ssrc;
            self.timestamp = header.timestamp;
            self.marker = true;
            self.octets.extend_from_slice(octets);
            return;
        }
        let gap_octets = usize::try_from(gap.unsigned_abs()).unwrap_or(usize::MAX);
        if gap >= 0 {
            self.octets.resize(self.octets.len() + gap_octets, silence);
            self.octets.extend_from_slice(octets);
        } else {
            self.octets.extend_from_slice(octets.get(gap_octets..).unwrap_or_default());
        }
    }

    /// Gives a packet that is no audio its place among those that are cut.
    pub(crate) fn number(&mut self, header: Header) -> Header {
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        Header { sequence, ..header }
    }

    /// The next packet of so many samples, if there is enough for one.
    pub(crate) fn take(&mut self, out: &mut [u8]) -> Option<Header> {
        let (packet, _) = self.octets.split_at_checked(out.len())?;
        out.copy_from_slice(packet);
        self.octets.drain(..out.len());
        let header = Header {
            marker: std::mem::take(&mut self.marker),
            payload_type: 0,
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
        };
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(u32::try_from(out.len()).unwrap_or(0));
        Some(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(timestamp: u32) -> Header {
        Header { marker: false, payload_type: 0, sequence: 9, timestamp, ssrc: 7 }
    }

    /// Takes all packets of `size` octets, as (timestamp, octets).
    fn taken(repacker: &mut Repacker, size: usize) -> Vec<(u32, Vec<u8>)> {
        let mut packets = Vec::new();
        let mut out = vec![0; size];
        while let Some(header) = repacker.take(&mut out) {
            packets.push((header.timestamp, out.clone()));
        }
        packets
    }

    #[test]
    fn lost_audio_is_silence_and_repeated_audio_is_left_out() {
        let mut repacker = Repacker::new();
        for (timestamp, octet) in [(u32::MAX - 79, 1), (160, 3), (160, 3), (80, 2), (240, 4)] {
            repacker.add(header(timestamp), &[octet; 80], 0xff);
        }
        let packets = taken(&mut repacker, 160);
        let expected = [(u32::MAX - 79, [[1; 80], [0xff; 80]].concat())];
        assert_eq!(packets[..1], expected);
        assert_eq!(packets[1], (80, [[0xff; 80], [3; 80]].concat()));
        assert_eq!(packets.len(), 2);
        repacker.add(header(1_000_000), &[5; 160], 0xff);
        assert_eq!(taken(&mut repacker, 160), [(1_000_000, vec![5; 160])]);
    }

    proptest! {
        #[test]
        fn every_length_goes_into_every_other(
            from in 1..=6_usize, to in 1..=6_usize, packets in 1..40_usize,
        ) {
            let (from, to) = (from * 80, to * 80);
            let sound: Vec<u8> = (0..packets * from).map(|n| n.to_le_bytes()[0]).collect();
            let mut repacker = Repacker::new();
            let mut heard = Vec::new();
            for (number, octets) in sound.chunks(from).enumerate() {
                repacker.add(header(u32::try_from(number * from).unwrap()), octets, 0xff);
                for (timestamp, octets) in taken(&mut repacker, to) {
                    prop_assert_eq!(usize::try_from(timestamp).unwrap(), heard.len());
                    heard.extend(octets);
                }
            }
            prop_assert_eq!(&heard[..], &sound[..sound.len() / to * to]);
        }
    }
}

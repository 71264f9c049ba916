//! RTP as far as the load needs it (RFC 3550 section 5.1), and the pattern by which it knows its
//! own audio again.

use model::Timestamp;

/// Octets of an RTP header without anything optional.
pub(crate) const HEADER_OCTETS: usize = 12;

/// Octets of µ-law audio in a packet of 20 ms.
pub(crate) const AUDIO_OCTETS: usize = 160;

/// One packet of audio.
pub(crate) type Packet = [u8; HEADER_OCTETS + AUDIO_OCTETS];

/// Names of a packet: type, sequence number, timestamp, source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// First packet of a tone.
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
    pub(crate) fn octets(self) -> [u8; HEADER_OCTETS] {
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [c0, c1, c2, c3] = self.ssrc.to_be_bytes();
        let second = (u8::from(self.marker) << 7) | self.payload_type;
        [0x80, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3]
    }
}

/// What the load sends as audio: who says it, the how-many-eth packet of theirs it is, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Leg of the load.
    pub(crate) leg: u32,
    /// Counts this leg's packets of audio.
    pub(crate) count: u32,
    /// When it was sent.
    pub(crate) sent: Timestamp,
}

impl Mark {
    /// The first octets of the audio.
    pub(crate) fn octets(self) -> [u8; MARK_OCTETS] {
        let mut octets = [0; MARK_OCTETS];
        let (leg, count) = (self.leg.to_be_bytes(), self.count.to_be_bytes());
        let written = MAGIC.into_iter().chain(leg).chain(count);
        let written = written.chain(self.sent.micros().to_be_bytes());
        octets.iter_mut().zip(written).for_each(|(octet, new)| *octet = new);
        octets
    }

    /// The mark of some audio; `None` when the load has not sent it.
    pub(crate) fn read(audio: &[u8]) -> Option<Self> {
        let (magic, rest) = audio.split_first_chunk()?;
        let (leg, rest) = rest.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let sent = i64::from_be_bytes(*rest.first_chunk()?);
        (*magic == MAGIC).then_some(Self {
            leg: u32::from_be_bytes(*leg),
            count: u32::from_be_bytes(*count),
            sent: Timestamp::from_micros(sent),
        })
    }
}

/// The audio of a datagram, or `None` when it is no packet of µ-law audio. The node sends headers
/// without anything optional; what has more counts as no audio, and is missed.
pub(crate) fn audio(datagram: &[u8]) -> Option<&[u8]> {
    let (head, audio) = datagram.split_at_checked(HEADER_OCTETS)?;
    let (first, second) = (head.first()?, head.get(1)?);
    (*first == 0x80 && second & 0x7f == 0 && !audio.is_empty()).then_some(audio)
}

/// Whether µ-law audio is near silence: no sample beyond 0.4 % of full scale (-48 dBFS).
pub(crate) fn is_quiet(audio: &[u8]) -> bool {
    audio.iter().all(|octet| (!octet & 0x7f) < LOUD_FROM)
}

/// Octets of a [`Mark`].
pub(crate) const MARK_OCTETS: usize = 20;

/// What the rest of the load's audio is made of; it is loud.
pub(crate) const FILLING: u8 = 0x23;

const MAGIC: [u8; 4] = *b"plLd";

/// µ-law counts magnitudes in segments of sixteen steps; the first holds 0 to 120 of 32,768.
const LOUD_FROM: u8 = 0x10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_as_it_was_written() {
        let sent = Timestamp::from_micros(1_700_000_000_000_001);
        let mark = Mark { leg: 7, count: 0x0102_0304, sent };
        let mut audio = [FILLING; AUDIO_OCTETS];
        audio[..MARK_OCTETS].copy_from_slice(&mark.octets());
        assert_eq!(Mark::read(&audio), Some(mark));
        assert_eq!(Mark::read(&[0xff; AUDIO_OCTETS]), None);
        assert_eq!(Mark::read(&mark.octets()[..19]), None);
    }

    #[test]
    fn audio_is_found_in_packets_of_audio_only() {
        let header =
            Header { marker: true, payload_type: 0, sequence: 1, timestamp: 2, ssrc: 3 }.octets();
        let packet = [&header[..], &[9; 4]].concat();
        assert_eq!(audio(&packet), Some(&[9; 4][..]));
        assert_eq!(audio(&header), None, "empty");
        assert_eq!(audio(&header[..5]), None, "cut");
        let mut event = packet;
        event[1] = 101;
        assert_eq!(audio(&event), None, "a key");
    }

    #[test]
    fn silence_is_quiet_and_speech_is_not() {
        assert!(is_quiet(&[0xff, 0x7f, 0xf1, 0x71]));
        assert!(!is_quiet(&[0xff, 0xef]));
        assert!(!is_quiet(&[FILLING; 4]));
    }
}

//! What one leg sends: marked audio every 20 ms, and keys (RFC 4733).

use std::collections::VecDeque;

use model::{Key, Timestamp};

use crate::packet::{AUDIO_OCTETS, FILLING, HEADER_OCTETS, Header, MARK_OCTETS, Mark, Packet};

/// The stream of one leg.
pub(crate) struct Stream {
    leg: u32,
    sequence: u16,
    timestamp: u32,
    /// Packets of audio sent.
    count: u32,
    keys: VecDeque<Key>,
    tone: Option<Tone>,
    /// Packets of audio that are still to be sent before the next key.
    pause: u16,
    packet: Packet,
}

/// A key that is down.
#[derive(Clone, Copy)]
struct Tone {
    key: Key,
    began: u32,
    packets: u16,
}

impl Stream {
    pub(crate) fn new(leg: u32) -> Self {
        Self {
            leg,
            sequence: 0,
            timestamp: 0,
            count: 0,
            keys: VecDeque::new(),
            tone: None,
            pause: 0,
            packet: [FILLING; HEADER_OCTETS + AUDIO_OCTETS],
        }
    }

    /// Presses keys, one after the other.
    pub(crate) fn press(&mut self, keys: &[Key]) {
        self.keys.extend(keys);
    }

    /// Hands what is due in the next 20 ms to `send`; `key_type` is the payload type of keys.
    pub(crate) fn send(&mut self, now: Timestamp, key_type: u8, mut send: impl FnMut(&[u8])) {
        if self.tone.is_none() && self.pause == 0 {
            let began = self.timestamp;
            self.tone = self.keys.pop_front().map(|key| Tone { key, began, packets: 0 });
        }
        match self.tone.take() {
            Some(tone) => self.tone = self.send_tone(tone, key_type, &mut send),
            None => {
                self.pause = self.pause.saturating_sub(1);
                self.send_audio(now, &mut send);
            }
        }
        self.timestamp = self.timestamp.wrapping_add(SAMPLES);
    }

    fn send_audio(&mut self, now: Timestamp, send: &mut impl FnMut(&[u8])) {
        let header = self.header(0, false, self.timestamp).octets();
        let mark = Mark { leg: self.leg, count: self.count, sent: now }.octets();
        self.count = self.count.wrapping_add(1);
        let head = header.into_iter().chain(mark);
        for (octet, new) in self.packet.iter_mut().take(HEADER_OCTETS + MARK_OCTETS).zip(head) {
            *octet = new;
        }
        send(&self.packet);
    }

    /// One packet of a tone; its last one is sent three times (RFC 4733 section 2.5.1.4).
    fn send_tone(&mut self, tone: Tone, kind: u8, send: &mut impl FnMut(&[u8])) -> Option<Tone> {
        let packets = tone.packets + 1;
        let end = packets == TONE_PACKETS;
        let [d0, d1] = packets.saturating_mul(SAMPLES_PER_PACKET).to_be_bytes();
        let event = [tone.key.event(), if end { 0x80 | VOLUME } else { VOLUME }, d0, d1];
        for _ in 0..if end { END_SENDS } else { 1 } {
            let head = self.header(kind, packets == 1, tone.began).octets();
            let [h0, h1, h2, h3, h4, h5, h6, h7, h8, h9, h10, h11] = head;
            let [e0, e1, e2, e3] = event;
            send(&[h0, h1, h2, h3, h4, h5, h6, h7, h8, h9, h10, h11, e0, e1, e2, e3]);
        }
        if end {
            self.pause = PAUSE_PACKETS;
        }
        (!end).then_some(Tone { packets, ..tone })
    }

    fn header(&mut self, payload_type: u8, marker: bool, timestamp: u32) -> Header {
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        Header { marker, payload_type, sequence, timestamp, ssrc: self.leg }
    }
}

/// Samples in a packet of 20 ms.
const SAMPLES: u32 = 160;
const SAMPLES_PER_PACKET: u16 = 160;
/// A tone lasts 100 ms, and so does the pause after it.
const TONE_PACKETS: u16 = 5;
const PAUSE_PACKETS: u16 = 5;
const END_SENDS: u8 = 3;
/// -10 dBm0.
const VOLUME: u8 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(7);

    fn sent(stream: &mut Stream, slots: usize) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        for _ in 0..slots {
            stream.send(NOW, 101, |packet| packets.push(packet.to_vec()));
        }
        packets
    }

    #[test]
    fn audio_is_numbered_and_marked() {
        let packets = sent(&mut Stream::new(9), 3);
        for (index, packet) in (0_u8..).zip(&packets) {
            assert_eq!(packet.len(), 172);
            assert_eq!((packet[2], packet[3]), (0, index), "sequence");
            let timestamp = u32::from_be_bytes(*packet[4..].first_chunk().unwrap());
            assert_eq!(timestamp, u32::from(index) * 160);
            let mark = Mark { leg: 9, count: u32::from(index), sent: NOW };
            assert_eq!(Mark::read(&packet[12..]), Some(mark));
        }
    }

    #[test]
    fn keys_are_tones_with_a_pause_between() {
        let mut stream = Stream::new(0);
        stream.press(&[Key::from_char('4').unwrap(), Key::POUND]);
        let packets = sent(&mut stream, 20);
        // Four packets and three ends, five of audio; twice.
        assert_eq!(packets.len(), 2 * (4 + 3 + 5));
        let shape: String =
            packets.iter().map(|packet| if packet.len() == 16 { 'k' } else { '.' }).collect();
        assert_eq!(shape, "kkkkkkk.....kkkkkkk.....");
        for (first, key, timestamp) in [(0, 4, 0_u32), (12, 11, 1_600)] {
            for (index, packet) in packets[first..first + 7].iter().enumerate() {
                let marker = if index == 0 { 0x80 } else { 0 };
                assert_eq!(packet[1], 101 | marker);
                assert_eq!(packet[4..8], timestamp.to_be_bytes());
                assert_eq!(packet[12], key);
                assert_eq!(packet[13] & 0x80 != 0, index >= 4, "end");
            }
        }
    }
}

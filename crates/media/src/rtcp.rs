//! Reports about RTP (RFC 3550 section 6): what we count, what we send, what the other end says.

use crate::{
    limits::{REPORT_EVERY, SAMPLES_PER_MS, SEQUENCE_JUMP_MAX},
    rtp::Header,
};
use model::Timestamp;
use std::time::Duration;

/// Counts one stream that comes in (RFC 3550 appendices A.1, A.3 and A.8).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reception {
    stream: Option<Stream>,
    /// Of streams that are over.
    lost_before: u64,
}

#[derive(Clone, Copy, Debug)]
struct Stream {
    ssrc: u32,
    first: u64,
    /// The highest sequence number, extended by the wraps before it.
    highest: u64,
    received: u64,
    /// Sixteenths of a sample.
    jitter: u32,
    /// Arrival less timestamp of the last packet, in samples; wraps.
    transit: u32,
    expected_reported: u64,
    received_reported: u64,
}

impl Reception {
    /// A packet came.
    pub(crate) fn hear(&mut self, header: Header, arrived: Timestamp) {
        let transit = samples_at(arrived).wrapping_sub(header.timestamp);
        let Some(stream) = self.stream.as_mut().filter(|stream| stream.continues(header)) else {
            self.lost_before = self.lost();
            self.stream = Some(Stream::begin(header, transit));
            return;
        };
        let ahead = header.sequence.wrapping_sub(stream.latest());
        if ahead < SEQUENCE_HALF {
            stream.highest += u64::from(ahead);
        }
        stream.received += 1;
        let moved = transit.wrapping_sub(stream.transit).cast_signed().unsigned_abs();
        stream.transit = transit;
        // A jump of the clock is no jitter.
        let moved = moved.min(JITTER_MAX_SAMPLES);
        stream.jitter += moved;
        stream.jitter -= (stream.jitter - moved + 8) >> 4;
    }

    /// Packets that never came, of all streams; a repeated one makes up for one that is lost.
    pub(crate) fn lost(&self) -> u64 {
        let lost =
            self.stream.map_or(0, |stream| stream.expected().saturating_sub(stream.received));
        self.lost_before + lost
    }

    /// How unevenly packets come, in samples (RFC 3550 section 6.4.1).
    pub(crate) fn jitter_samples(&self) -> u32 {
        self.stream.map_or(0, |stream| stream.jitter >> 4)
    }

    /// What to say about the stream; `None` when there is none.
    fn block(&mut self, heard: Option<HeardReport>, now: Timestamp) -> Option<[u8; BLOCK_OCTETS]> {
        let stream = self.stream.as_mut()?;
        let expected = stream.expected();
        let expected_since = expected.saturating_sub(stream.expected_reported);
        let received_since = stream.received.saturating_sub(stream.received_reported);
        (stream.expected_reported, stream.received_reported) = (expected, stream.received);
        let lost_since = expected_since.saturating_sub(received_since);
        let fraction = (lost_since << 8).checked_div(expected_since).unwrap_or(0).min(255);
        let lost = expected.saturating_sub(stream.received).min(LOST_MAX);
        let (middle, delay) = heard.map_or((0, 0), |heard| (heard.middle, heard.delay(now)));
        let mut block = [0; BLOCK_OCTETS];
        let words = [
            stream.ssrc,
            low(fraction << 24 | lost),
            low(stream.highest),
            stream.jitter >> 4,
            middle,
            delay,
        ];
        for (place, word) in block.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_be_bytes());
        }
        Some(block)
    }
}

impl Stream {
    fn begin(header: Header, transit: u32) -> Self {
        let first = u64::from(header.sequence);
        Self {
            ssrc: header.ssrc,
            first,
            highest: first,
            received: 1,
            jitter: 0,
            transit,
            expected_reported: 0,
            received_reported: 0,
        }
    }

    /// Whether a packet is of this stream: near the others, or not too far ahead or behind.
    fn continues(&self, header: Header) -> bool {
        let ahead = header.sequence.wrapping_sub(self.latest());
        let near = ahead <= JUMP_MAX || ahead.wrapping_neg() <= SEQUENCE_JUMP_MAX;
        header.ssrc == self.ssrc && near
    }

    fn latest(&self) -> u16 {
        let [.., a, b] = self.highest.to_be_bytes();
        u16::from_be_bytes([a, b])
    }

    const fn expected(&self) -> u64 {
        self.highest - self.first + 1
    }
}

/// When a report came, and which moment it named.
#[derive(Clone, Copy, Debug)]
struct HeardReport {
    /// The middle 32 bits of its NTP time.
    middle: u32,
    arrived: Timestamp,
}

impl HeardReport {
    /// Since it came, in 65,536ths of a second.
    fn delay(self, now: Timestamp) -> u32 {
        low(ntp_of(now.since(self.arrived)) >> 16)
    }
}

/// What the other end says of our stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// Packets of ours that it never received.
    pub(crate) lost: u32,
    /// How unevenly they came, in samples.
    pub(crate) jitter_samples: u32,
}

/// The reports of one leg.
pub(crate) struct Reports {
    due: Timestamp,
    /// Makes intervals uneven, so that nodes do not report in step (RFC 3550 section 6.3.1).
    dice: u32,
    heard: Option<HeardReport>,
    said: Said,
    packets: u64,
    octets: u64,
    packets_reported: u64,
    /// Whether anything was sent, which a farewell is owed for.
    begun: bool,
}

/// Our own stream, as a report names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own {
    pub(crate) ssrc: u32,
    /// RTP timestamp that stands for the time of the report.
    pub(crate) timestamp: u32,
}

impl Reports {
    /// Reports that begin at half an interval after `now` (RFC 3550 section 6.2).
    pub(crate) fn new(now: Timestamp, ssrc: u32) -> Self {
        Self {
            due: now.after(REPORT_EVERY / 2),
            dice: ssrc | 1,
            heard: None,
            said: Said::default(),
            packets: 0,
            octets: 0,
            packets_reported: 0,
            begun: false,
        }
    }

    /// When the next report is due.
    pub(crate) const fn due(&self) -> Timestamp {
        self.due
    }

    /// What the other end said last.
    pub(crate) const fn said(&self) -> Said {
        self.said
    }

    /// A packet with so many octets of payload was sent.
    pub(crate) fn sent(&mut self, octets: usize) {
        self.packets += 1;
        self.octets += octets as u64;
    }

    /// Writes a report into `out`; gives its length. The next one is due an interval later.
    pub(crate) fn write(
        &mut self,
        own: Own,
        reception: &mut Reception,
        now: Timestamp,
        out: &mut [u8; REPORT_MAX_OCTETS],
    ) -> usize {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 17;
        self.dice ^= self.dice << 5;
        let percent = 50 + self.dice % 101;
        self.due = now.after(REPORT_EVERY * percent / 100);
        self.begun = true;
        self.compose(own, reception, now, false, out)
    }

    /// Writes a farewell (RFC 3550 section 6.6); `None` when nothing was ever sent.
    pub(crate) fn write_bye(
        &mut self,
        own: Own,
        reception: &mut Reception,
        now: Timestamp,
        out: &mut [u8; REPORT_MAX_OCTETS],
    ) -> Option<usize> {
        (self.begun || self.packets > 0).then(|| self.compose(own, reception, now, true, out))
    }

    fn compose(
        &mut self,
        own: Own,
        reception: &mut Reception,
        now: Timestamp,
        bye: bool,
        out: &mut [u8; REPORT_MAX_OCTETS],
    ) -> usize {
        let mut page = Page { out, length: 0 };
        let block = reception.block(self.heard, now);
        let count = u8::from(block.is_some());
        let ssrc = own.ssrc.to_be_bytes();
        let blocks = block.as_ref().map_or(&[][..], |block| &block[..]);
        if self.packets > self.packets_reported {
            self.packets_reported = self.packets;
            let mut sender = [0; SENDER_OCTETS];
            let ntp = ntp_at(now);
            let words =
                [low(ntp >> 32), low(ntp), own.timestamp, low(self.packets), low(self.octets)];
            for (place, word) in sender.chunks_exact_mut(4).zip(words) {
                place.copy_from_slice(&word.to_be_bytes());
            }
            page.add(count, SENDER_REPORT, &[&ssrc, &sender, blocks]);
        } else {
            page.add(count, RECEIVER_REPORT, &[&ssrc, blocks]);
        }
        // A name that says nothing: the stream's own number (RFC 7022 section 4.2).
        let mut item = [CNAME, NAME_DIGITS, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for (place, digit) in item.iter_mut().skip(2).zip(hex(own.ssrc)) {
            *place = digit;
        }
        page.add(1, DESCRIPTION, &[&ssrc, &item]);
        if bye {
            page.add(1, BYE, &[&ssrc]);
        }
        page.length
    }

    /// Takes in a compound packet. `false` when it is none; what is right in it before the fault
    /// counts.
    pub(crate) fn hear(&mut self, datagram: &[u8], own_ssrc: u32, arrived: Timestamp) -> bool {
        let mut rest = datagram;
        while !rest.is_empty() {
            let Some(&[first, kind, l0, l1]) = rest.first_chunk() else { return false };
            let octets = 4 + usize::from(u16::from_be_bytes([l0, l1])) * 4;
            let Some((packet, after)) = rest.split_at_checked(octets) else { return false };
            if first >> 6 != VERSION {
                return false;
            }
            let body = packet.get(4..).unwrap_or_default();
            let blocks = match kind {
                SENDER_REPORT => {
                    if let (Some(high), Some(low)) = (word(body, 4), word(body, 8)) {
                        let middle = high << 16 | low >> 16;
                        self.heard = Some(HeardReport { middle, arrived });
                    }
                    body.get(4 + SENDER_OCTETS..)
                }
                RECEIVER_REPORT => body.get(4..),
                _ => None,
            };
            let blocks = blocks.unwrap_or_default().chunks_exact(BLOCK_OCTETS);
            for block in blocks.take(usize::from(first & 0x1f)) {
                self.hear_block(block, own_ssrc);
            }
            rest = after;
        }
        !datagram.is_empty()
    }

    fn hear_block(&mut self, block: &[u8], own_ssrc: u32) {
        let (Some(ssrc), Some(lost), Some(jitter)) =
            (word(block, 0), word(block, 4), word(block, 12))
        else {
            return;
        };
        if ssrc == own_ssrc {
            // 24 bits with a sign: more packets than were sent are no loss.
            let lost = ((lost << 8).cast_signed() >> 8).max(0).unsigned_abs();
            self.said = Said { lost, jitter_samples: jitter };
        }
    }
}

/// Whether a datagram that came to the port of RTP is a report (RFC 5761 section 4).
pub(crate) fn is_report(datagram: &[u8]) -> bool {
    datagram.get(1).is_some_and(|kind| (192..=223).contains(kind))
}

/// A compound packet that is being written.
struct Page<'a> {
    out: &'a mut [u8; REPORT_MAX_OCTETS],
    length: usize,
}

impl Page<'_> {
    fn add(&mut self, count: u8, kind: u8, parts: &[&[u8]]) {
        let octets: usize = parts.iter().map(|part| part.len()).sum();
        let [.., l0, l1] = (octets / 4).to_be_bytes();
        let head = [VERSION << 6 | count, kind, l0, l1];
        for part in std::iter::once(&head[..]).chain(parts.iter().copied()) {
            if let Some(place) = self.out.get_mut(self.length..self.length + part.len()) {
                place.copy_from_slice(part);
                self.length += part.len();
            }
        }
    }
}

fn word(octets: &[u8], at: usize) -> Option<u32> {
    octets.get(at..)?.first_chunk().map(|word| u32::from_be_bytes(*word))
}

fn hex(number: u32) -> impl Iterator<Item = u8> {
    (0..8u32).map(move |digit| {
        let value = (number >> (28 - 4 * digit)) & 0xf;
        let value = u8::try_from(value).unwrap_or(0);
        if value < 10 { b'0' + value } else { b'a' + value - 10 }
    })
}

/// The low 32 bits.
fn low(number: u64) -> u32 {
    let [_, _, _, _, a, b, c, d] = number.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// A time in NTP's format: seconds since 1900 and their fraction.
fn ntp_at(at: Timestamp) -> u64 {
    let since = Duration::from_micros(u64::try_from(at.micros()).unwrap_or(0));
    ntp_of(since).wrapping_add(SECONDS_1900_TO_1970 << 32)
}

fn ntp_of(time: Duration) -> u64 {
    let fraction = (u64::from(time.subsec_nanos()) << 32) / 1_000_000_000;
    time.as_secs() << 32 | fraction
}

/// A time in samples; wraps.
fn samples_at(at: Timestamp) -> u32 {
    let samples = i128::from(at.micros()) * i128::from(SAMPLES_PER_MS) / 1_000;
    u32::try_from(samples.rem_euclid(1 << 32)).unwrap_or(0)
}

/// Octets of the longest compound packet we write: a sender report with one block, a name, a
/// farewell.
pub(crate) const REPORT_MAX_OCTETS: usize = 8 + SENDER_OCTETS + BLOCK_OCTETS + 20 + 8;

const VERSION: u8 = 2;
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const DESCRIPTION: u8 = 202;
const BYE: u8 = 203;
const CNAME: u8 = 1;
const NAME_DIGITS: u8 = 8;
/// Octets of a sender's account of itself, after its SSRC.
const SENDER_OCTETS: usize = 20;
/// Octets of what is said about one stream.
const BLOCK_OCTETS: usize = 24;
/// The largest loss that fits.
const LOST_MAX: u64 = (1 << 23) - 1;
const SEQUENCE_HALF: u16 = 1 << 15;
/// A gap that is loss; a larger one is a new stream (RFC 3550 appendix A.1, MAX_DROPOUT).
const JUMP_MAX: u16 = 3_000;
const JITTER_MAX_SAMPLES: u32 = 8_000;
const SECONDS_1900_TO_1970: u64 = 2_208_988_800;

#[cfg(test)]
mod tests;

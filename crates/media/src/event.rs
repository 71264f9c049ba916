//! Keys as telephone-events in RTP (RFC 4733), heard and sent.

use crate::limits::{KEY_END_SENDS, KEY_TONE_MS, KEYS_WAITING_MAX, SAMPLES_PER_MS};
use model::{Key, Timestamp};
use std::{collections::VecDeque, fmt, time::Duration};

/// Octets of one event (RFC 4733 section 2.3).
pub(crate) const EVENT_OCTETS: usize = 4;

/// One telephone-event as a packet carries it. `Debug` leaves out which: keys spell PINs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Event {
    /// Which one; 0 to 15 are keys.
    pub(crate) code: u8,
    /// Whether the tone is over.
    pub(crate) end: bool,
    /// How long it has lasted, in samples.
    pub(crate) duration: u16,
}

impl Event {
    /// Reads the first event of a payload; `None` when it is cut.
    pub(crate) fn parse(payload: &[u8]) -> Option<Self> {
        let [code, flags, d0, d1] = *payload.first_chunk::<EVENT_OCTETS>()?;
        let duration = u16::from_be_bytes([d0, d1]);
        Some(Self { code, end: flags & END != 0, duration })
    }

    /// Writes it as a payload, at a usual volume.
    pub(crate) fn write(self, out: &mut [u8; EVENT_OCTETS]) {
        let [d0, d1] = self.duration.to_be_bytes();
        let end = if self.end { END } else { 0 };
        *out = [self.code, end | VOLUME_MINUS_DBM0, d0, d1];
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code: _, end, duration } = self;
        f.debug_struct("Event")
            .field("end", end)
            .field("duration", duration)
            .finish_non_exhaustive()
    }
}

/// Hears keys on one stream. All packets of one tone have the RTP timestamp of its beginning (RFC
/// 4733 section 2.5.1.1), so that repeated, lost and late packets neither add nor lose a key.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyEar {
    tone: Option<Tone>,
}

#[derive(Clone, Copy, Debug)]
struct Tone {
    /// RTP timestamp of the packets of the segment heard last.
    timestamp: u32,
    event: Event,
}

impl KeyEar {
    /// The key that begins with this packet, and when it was pressed: arrival less the length that
    /// the tone had already. `None` for further packets of a tone, and for events that are no key.
    pub(crate) fn hear(
        &mut self,
        timestamp: u32,
        event: Event,
        arrived: Timestamp,
    ) -> Option<(Key, Timestamp)> {
        if let Some(tone) = &mut self.tone {
            let later = timestamp.wrapping_sub(tone.timestamp);
            if later == 0 {
                tone.event = Event { end: tone.event.end || event.end, ..event };
                return None;
            }
            if later > u32::MAX / 2 {
                // A packet of an earlier tone that comes late.
                return None;
            }
            if tone.continues(event, later) {
                *tone = Tone { timestamp, event };
                return None;
            }
        }
        self.tone = Some(Tone { timestamp, event });
        let key = Key::from_event(event.code)?;
        let lasted = Duration::from_millis(u64::from(event.duration) / u64::from(SAMPLES_PER_MS));
        let onset = arrived.micros().saturating_sub(i64::try_from(lasted.as_micros()).unwrap_or(0));
        Some((key, Timestamp::from_micros(onset)))
    }
}

impl Tone {
    /// Whether `event`, so many samples after this segment began, is the next segment of the same
    /// long tone: it begins where this one reached the longest duration (RFC 4733 section 2.5.1.3).
    const fn continues(&self, event: Event, later: u32) -> bool {
        !self.event.end && event.code == self.event.code && later == u16::MAX as u32
    }
}

/// Presses keys on one stream, one after the other with a pause between.
#[derive(Debug, Default)]
pub(crate) struct Presser {
    waiting: VecDeque<Key>,
    pressed: Option<Pressed>,
    pause_samples: u32,
}

#[derive(Debug)]
struct Pressed {
    key: Key,
    timestamp: u32,
    lasted_samples: u32,
}

/// What a presser sends in the time of one packet of audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Press {
    /// The event.
    pub(crate) event: Event,
    /// Its RTP timestamp: the beginning of the tone.
    pub(crate) timestamp: u32,
    /// Whether it is the first packet of the tone.
    pub(crate) first: bool,
    /// How often it is sent, at once: the end of a tone several times.
    pub(crate) sends: u8,
}

impl Presser {
    /// Presses these keys after those that wait already. Keys beyond [`KEYS_WAITING_MAX`] are
    /// forgotten.
    pub(crate) fn press(&mut self, keys: &[Key]) {
        let room = KEYS_WAITING_MAX.saturating_sub(self.waiting.len());
        self.waiting.extend(keys.iter().take(room));
    }

    /// Forgets keys that wait, and lets go of the one that is pressed.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether there is anything to press.
    pub(crate) fn is_busy(&self) -> bool {
        self.pressed.is_some() || !self.waiting.is_empty()
    }

    /// What to send in place of the audio that begins at `now`, of `samples` length; `None` to send
    /// audio.
    pub(crate) fn poll(&mut self, now: u32, samples: u32) -> Option<Press> {
        if self.pause_samples > 0 {
            self.pause_samples = self.pause_samples.saturating_sub(samples);
            return None;
        }
        let first = self.pressed.is_none();
        if first {
            let key = self.waiting.pop_front()?;
            self.pressed = Some(Pressed { key, timestamp: now, lasted_samples: 0 });
        }
        let pressed = self.pressed.as_mut()?;
        pressed.lasted_samples += samples;
        let end = pressed.lasted_samples >= TONE_SAMPLES;
        let duration = u16::try_from(pressed.lasted_samples).unwrap_or(u16::MAX);
        let event = Event { code: pressed.key.event(), end, duration };
        let timestamp = pressed.timestamp;
        if end {
            self.pressed = None;
            self.pause_samples = TONE_SAMPLES;
        }
        Some(Press { event, timestamp, first, sends: if end { KEY_END_SENDS } else { 1 } })
    }
}

const END: u8 = 0x80;
/// The tone's level below 1 mW, as RFC 4733 section 2.3.4 counts it.
const VOLUME_MINUS_DBM0: u8 = 10;
const TONE_SAMPLES: u32 = KEY_TONE_MS * SAMPLES_PER_MS;

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets as (RTP timestamp, code, end, duration in samples); each arrives 20 ms after the one
    /// before. Gives the keys heard with their onsets in milliseconds.
    fn check(packets: &[(u32, u8, bool, u16)], expected: &[(char, i64)]) {
        let mut ear = KeyEar::default();
        let mut heard = Vec::new();
        for (index, (timestamp, code, end, duration)) in packets.iter().enumerate() {
            let arrived = Timestamp::from_micros(i64::try_from(index).unwrap() * 20_000);
            let event = Event { code: *code, end: *end, duration: *duration };
            if let Some((key, onset)) = ear.hear(*timestamp, event, arrived) {
                heard.push((key.label(), onset.micros() / 1_000));
            }
        }
        assert_eq!(heard, expected, "{packets:?}");
    }

    #[test]
    fn a_tone_is_one_key_whatever_is_lost_repeated_or_late() {
        let whole = [
            (800, 5, false, 160),
            (800, 5, false, 320),
            (800, 5, false, 480),
            (800, 5, true, 640),
            (800, 5, true, 640),
            (800, 5, true, 640),
        ];
        check(&whole, &[('5', -20)]);
        check(&whole[1..], &[('5', -40)]);
        check(&whole[3..], &[('5', -80)]);
        check(&whole[..2], &[('5', -20)]);
        let repeated: Vec<_> = whole.iter().flat_map(|packet| [*packet, *packet]).collect();
        check(&repeated, &[('5', -20)]);
        let reversed: Vec<_> = whole.iter().rev().copied().collect();
        check(&reversed, &[('5', -80)]);
    }

    #[test]
    fn each_tone_is_a_key_of_its_own() {
        check(&[(0, 1, true, 800), (1_600, 1, true, 800)], &[('1', -100), ('1', -80)]);
        check(&[(0, 1, false, 160), (1_600, 2, false, 0)], &[('1', -20), ('2', 20)]);
        // The clock of RTP wraps.
        check(&[(u32::MAX - 99, 10, true, 160), (1_500, 11, true, 160)], &[('*', -20), ('#', 0)]);
        // The end of an earlier tone comes after the next has begun.
        let late =
            [(0, 1, false, 160), (1_600, 2, false, 160), (0, 1, true, 640), (1_600, 2, true, 640)];
        check(&late, &[('1', -20), ('2', 0)]);
    }

    #[test]
    fn a_tone_of_many_seconds_is_one_key() {
        let long = [(100, 9, false, 65_535), (65_635, 9, false, 160), (65_635, 9, true, 320)];
        check(&long, &[('9', -8_191)]);
        let twice = [(100, 9, true, 65_535), (65_635, 9, false, 160)];
        check(&twice, &[('9', -8_191), ('9', 0)]);
    }

    #[test]
    fn events_that_are_no_key_are_not_heard() {
        check(&[(0, 16, true, 160), (400, 200, true, 160), (800, 15, true, 160)], &[('D', 20)]);
        assert_eq!(Event::parse(&[1, 0, 0]), None);
    }

    #[test]
    fn a_pressed_key_is_heard_as_pressed() {
        let mut presser = Presser::default();
        presser.press(&[Key::STAR, Key::from_char('7').unwrap()]);
        let sent: Vec<_> = (0..22).map(|packet| presser.poll(packet * 160, 160)).collect();
        let tones: Vec<_> = sent.iter().map(Option::is_some).collect();
        let tone = [true; 5];
        let pause = [false; 5];
        assert_eq!(tones, [&tone[..], &pause, &tone, &pause, &[false; 2]].concat());
        let first: Vec<_> = sent.iter().flatten().map(|press| press.first).collect();
        assert_eq!(first, [true, false, false, false, false].repeat(2));
        let sends: Vec<_> = sent.iter().flatten().map(|press| press.sends).collect();
        assert_eq!(sends, [1, 1, 1, 1, 3].repeat(2));
        let mut packets = Vec::new();
        for press in sent.iter().flatten() {
            let mut octets = [0; EVENT_OCTETS];
            press.event.write(&mut octets);
            let event = Event::parse(&octets).unwrap();
            packets.push((press.timestamp, event.code, event.end, event.duration));
        }
        assert_eq!(packets[4], (0, 10, true, 800));
        check(&packets, &[('*', -20), ('7', 80)]);
    }

    #[test]
    fn more_keys_than_can_wait_are_forgotten() {
        let mut presser = Presser::default();
        presser.press(&[Key::POUND; KEYS_WAITING_MAX + 9]);
        assert_eq!(presser.waiting.len(), KEYS_WAITING_MAX);
    }
}

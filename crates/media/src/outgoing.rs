//! What a leg hears: one RTP stream of ours, from its first packet to its last, whatever fills it.

use crate::{
    PlayEnded,
    event::Presser,
    limits::{RELAY_LEAD, RELAY_PATIENCE, SAMPLES_PER_MS},
    relay::{Numbered, Relay},
    rtcp::Own,
    rtp::Header,
    speak::Rendered,
    tone::{Tones, Voice},
};
use model::{Codec, PlayId, Timestamp, Tone, speech::ContentHash};
use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

/// The stream to one leg: its numbers, its schedule, and what is in it. Sources go in this order:
/// keys we press, a script, then the other leg if bridged; if not, a tone, babble, silence.
pub(crate) struct Outgoing {
    ssrc: u32,
    /// Of the next packet.
    sequence: u16,
    /// Of the next packet; it stands for the time `due`.
    timestamp: u32,
    due: Timestamp,
    marker: bool,
    /// The last packet was ours, not a relayed one.
    own: bool,
    relay: Relay,
    pub(crate) presser: Presser,
    playing: Option<Playing>,
    over: Option<Over>,
    /// A tone, and samples of it so far.
    tone: Option<(Tone, usize)>,
    /// Who babbles and where they go on, when it is on.
    babble: Option<(Voice, usize)>,
    /// Where this leg's babble begins, so that legs do not talk in unison.
    babble_from: usize,
}

impl Outgoing {
    /// A stream that begins at `now` with numbers nobody can guess (RFC 3550 section 5.1).
    pub(crate) fn new(now: Timestamp, babble_from: usize) -> Self {
        let random = || RandomState::new().build_hasher().finish().to_be_bytes();
        let [a, b, c, d, e, f, ..] = random();
        let [g, h, i, j, ..] = random();
        Self {
            ssrc: u32::from_be_bytes([a, b, c, d]),
            // Below half, so that both ends count the same wraps whatever is lost (RFC 3711 section
            // 3.3.1).
            sequence: u16::from_be_bytes([e & 0x7f, f]),
            timestamp: u32::from_be_bytes([g, h, i, j]),
            due: now,
            marker: true,
            own: true,
            relay: Relay::default(),
            presser: Presser::default(),
            playing: None,
            over: None,
            tone: None,
            babble: None,
            babble_from,
        }
    }

    /// Names the stream.
    pub(crate) const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The stream at `now`, as a report names it.
    pub(crate) fn own(&self, now: Timestamp) -> Own {
        let micros = now.micros().saturating_sub(self.due.micros());
        // Wraps as timestamps do.
        let samples = (micros / (1_000 / i64::from(SAMPLES_PER_MS))).rem_euclid(1 << 32);
        let samples = u32::try_from(samples).unwrap_or(0);
        Own { ssrc: self.ssrc, timestamp: self.timestamp.wrapping_add(samples) }
    }

    /// Plays a script from the next packet on; gives the play that it replaces.
    pub(crate) fn play(&mut self, play: PlayId, rendered: Box<Rendered>) -> Option<PlayId> {
        let replaced = self.hush();
        self.playing = Some(Playing { play, rendered, whole: true });
        replaced
    }

    /// Stops what plays; gives the play.
    pub(crate) fn hush(&mut self) -> Option<PlayId> {
        let over = self.over.take().map(|over| over.play);
        self.playing.take().map(|playing| playing.play).or(over)
    }

    /// What plays goes on to somebody else from here on: nobody hears it whole.
    pub(crate) fn divert(&mut self) {
        if let Some(playing) = &mut self.playing {
            playing.whole = false;
        }
        if let Some(over) = &mut self.over {
            over.whole = false;
        }
    }

    /// Another tone begins anew; the same one goes on.
    pub(crate) fn set_tone(&mut self, tone: Option<Tone>) {
        let before = self.tone.filter(|(before, _)| Some(*before) == tone);
        self.tone = before.or(tone.map(|tone| (tone, 0)));
    }

    /// Talks in a voice from where this leg left off, or not at all.
    pub(crate) fn talk(&mut self, voice: Option<Voice>) {
        let from = self.babble.map_or(self.babble_from, |(_, position)| position);
        self.babble = voice.map(|voice| (voice, from));
    }

    /// Whether a script has packets to send.
    pub(crate) fn is_playing(&self) -> bool {
        self.playing.is_some()
    }

    /// When the next packet of ours is due. A bridge waits longer, for the other leg's.
    pub(crate) fn due(&self, bridged: bool) -> Timestamp {
        if self.is_waiting(bridged) { self.due.after(RELAY_PATIENCE) } else { self.due }
    }

    /// When the script whose last packet was sent has been heard.
    pub(crate) fn over_at(&self) -> Option<Timestamp> {
        self.over.as_ref().map(|over| over.ends)
    }

    /// The script that has been heard by `now`, once, and how it ended if the leg is live.
    pub(crate) fn poll_over(&mut self, now: Timestamp, live: bool) -> Option<(PlayId, PlayEnded)> {
        if now < self.over_at()? {
            return None;
        }
        let Over { play, content, whole, ends } = self.over.take()?;
        let complete = PlayEnded::Complete { content, ended: ends };
        Some((play, if whole && live { complete } else { PlayEnded::Cut }))
    }

    /// Gives up packets that were due before `now`: what follows stands for `now`.
    pub(crate) fn catch_up(&mut self, now: Timestamp) {
        let late = now.since(self.due);
        if late > Duration::ZERO {
            let samples = late.as_micros() * u128::from(SAMPLES_PER_MS) / 1_000;
            // Wraps as the timestamp itself does.
            let samples = u32::try_from(samples % (1 << 32)).unwrap_or(0);
            self.timestamp = self.timestamp.wrapping_add(samples);
            self.due = now;
            self.marker = true;
        }
    }

    /// RTP timestamp of the next packet.
    pub(crate) const fn timestamp(&self) -> u32 {
        self.timestamp
    }

    /// Header of the next packet of ours.
    pub(crate) fn header(&mut self, payload_type: u8) -> Header {
        self.own = true;
        self.relay.interrupt();
        let header = Header {
            marker: self.marker,
            payload_type,
            sequence: self.sequence,
            timestamp: self.timestamp,
            ssrc: self.ssrc,
        };
        self.sequence = self.sequence.wrapping_add(1);
        self.marker = false;
        header
    }

    /// The time of the next packet of ours has passed.
    pub(crate) fn advance(&mut self, samples: u32) {
        self.timestamp = self.timestamp.wrapping_add(samples);
        self.due = self.due.after(length_of(samples));
    }

    /// Fills the next packet, µ-law; silence with noise so many decibels below overload, if any.
    /// Says whether a script is in it, which [`Self::sent`] must hear of.
    pub(crate) fn fill(
        &mut self,
        tones: &Tones,
        bridged: bool,
        noise: Option<u8>,
        out: &mut [u8],
    ) -> bool {
        if let Some(playing) = &mut self.playing {
            playing.rendered.read(out);
            return true;
        }
        if let Some((tone, position)) = self.tone.as_mut().filter(|_| !bridged) {
            tones.waiting(*tone, *position, out);
            *position += out.len();
        } else if let Some((voice, position)) = self.babble.as_mut().filter(|_| !bridged) {
            tones.babble(*voice, *position, out);
            *position += out.len();
        } else if let Some(dbov) = noise {
            tones.noise(usize::try_from(self.timestamp).unwrap_or(0), dbov, out);
        } else {
            out.fill(Codec::Pcmu.silence());
        }
        false
    }

    /// The packet that was filled went out at `now`, or did not. After the last one of a script,
    /// its end is a packet's length away.
    pub(crate) fn sent(&mut self, now: Timestamp, samples: u32, sent: bool) {
        let Some(mut playing) = self.playing.take() else { return };
        playing.whole &= sent;
        if playing.rendered.remaining() > 0 {
            self.playing = Some(playing);
            return;
        }
        self.over = Some(Over {
            play: playing.play,
            content: playing.rendered.content(),
            // A script without sound was not heard by anybody.
            whole: playing.whole && !playing.rendered.is_empty(),
            ends: now.after(length_of(samples)),
        });
    }

    /// Header for a packet of the other leg that is sent at `now`; `None` when it must not be sent:
    /// a script or a key goes first, or it is too late.
    pub(crate) fn renumber(
        &mut self,
        from: Header,
        payload_type: u8,
        samples: u32,
        now: Timestamp,
    ) -> Option<Header> {
        if self.playing.is_some() || self.presser.is_busy() {
            return None;
        }
        let (sequence, timestamp) = match self.relay.number(from) {
            Numbered::Late => return None,
            Numbered::At { sequence, timestamp } => (sequence, timestamp),
            Numbered::Begins => {
                self.catch_up(now);
                self.marker = true;
                self.relay.begin(from, self.sequence, self.timestamp);
                (self.sequence, self.timestamp)
            }
        };
        let marker = from.marker || self.marker;
        self.marker = false;
        self.own = false;
        // A packet out of order does not move the stream back.
        if sequence.wrapping_sub(self.sequence) < u16::MAX / 2 {
            self.sequence = sequence.wrapping_add(1);
            let passed = timestamp.wrapping_sub(self.timestamp).wrapping_add(samples);
            self.advance(passed);
            // The other clock is not ours: what is due stays near what arrives.
            let next = now.after(length_of(samples));
            self.due = self.due.clamp(next, next.after(RELAY_LEAD));
        }
        Some(Header { marker, payload_type, sequence, timestamp, ssrc: self.ssrc })
    }

    /// What follows has numbers of its own.
    pub(crate) fn interrupt(&mut self) {
        self.relay.interrupt();
    }

    /// The other leg said that it is silent: packets of ours follow without waiting for its next.
    pub(crate) fn stop_waiting(&mut self) {
        self.own = true;
    }

    /// The next packet is expected from the other leg.
    pub(crate) fn is_waiting(&self, bridged: bool) -> bool {
        bridged && !self.own && self.playing.is_none() && !self.presser.is_busy()
    }
}

/// A script that is being sent.
struct Playing {
    play: PlayId,
    rendered: Box<Rendered>,
    /// Every packet so far was sent, and to the same address.
    whole: bool,
}

/// A script whose last packet was sent and is still being heard.
struct Over {
    play: PlayId,
    content: ContentHash,
    whole: bool,
    ends: Timestamp,
}

/// How long so many samples last.
pub(crate) fn length_of(samples: u32) -> Duration {
    Duration::from_micros(u64::from(samples) * 1_000 / u64::from(SAMPLES_PER_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: u32 = 160;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_micros(ms * 1_000)
    }

    fn from(sequence: u16, timestamp: u32) -> Header {
        Header { marker: false, payload_type: 0, sequence, timestamp, ssrc: 7 }
    }

    /// Sequence numbers and timestamps sent, relative to the first.
    fn relative(headers: &[Header]) -> Vec<(u16, u32)> {
        headers
            .iter()
            .map(|header| {
                (
                    header.sequence.wrapping_sub(headers[0].sequence),
                    header.timestamp.wrapping_sub(headers[0].timestamp),
                )
            })
            .collect()
    }

    #[test]
    fn own_and_relayed_packets_are_one_stream() {
        let mut out = Outgoing::new(at(0), 0);
        let mut sent = Vec::new();
        for _ in 0..2 {
            sent.push(out.header(0));
            out.advance(SAMPLES);
        }
        // The other leg's stream begins 5 ms before our next packet is due.
        sent.push(out.renumber(from(900, 5_000), 0, SAMPLES, at(35)).unwrap());
        sent.push(out.renumber(from(901, 5_160), 0, SAMPLES, at(55)).unwrap());
        assert_eq!(out.due(true), at(80).after(RELAY_PATIENCE));
        // It falls silent; ours follow, in the time that has passed.
        out.catch_up(at(135));
        sent.push(out.header(0));
        out.advance(SAMPLES);
        assert_eq!(out.due(true), at(155));
        sent.push(out.renumber(from(902, 77_000), 0, SAMPLES, at(155)).unwrap());
        let expected = [(0, 0), (1, 160), (2, 320), (3, 480), (4, 1_080), (5, 1_240)];
        assert_eq!(relative(&sent), expected);
        let markers: Vec<_> = sent.iter().map(|header| header.marker).collect();
        assert_eq!(markers, [true, false, true, false, true, true]);
    }

    /// However often the legs take turns, timestamps keep to the time that passes.
    #[test]
    fn taking_turns_does_not_wear_the_clock() {
        let mut out = Outgoing::new(at(0), 0);
        let first = out.timestamp();
        let mut now = 0;
        for turn in 0..1_000u32 {
            let sequence = u16::try_from(turn * 2 % 60_000).unwrap();
            for packet in 0..3u16 {
                let timestamp = turn * 100_000 + u32::from(packet) * SAMPLES;
                let header = from(sequence + packet, timestamp);
                out.renumber(header, 0, SAMPLES, at(now)).unwrap();
                now += 20;
            }
            // Ours follow until just before the other leg speaks again, at an odd moment.
            now += 60 + i64::from(turn * 7 % 20);
            out.catch_up(at(now));
            while out.due(false) <= at(now) {
                out.header(0);
                out.advance(SAMPLES);
            }
            let passed = i64::from(out.timestamp().wrapping_sub(first)) / 8;
            assert!((passed - now).abs() <= 40, "{passed} ms at {now} ms");
        }
    }

    #[test]
    fn a_late_packet_keeps_its_place_and_moves_nothing() {
        let mut out = Outgoing::new(at(0), 0);
        let mut sent = Vec::new();
        for (sequence, timestamp) in [(1, 160), (3, 480), (2, 320), (4, 640)] {
            sent.push(out.renumber(from(sequence, timestamp), 0, SAMPLES, at(0)).unwrap());
        }
        assert_eq!(relative(&sent), [(0, 0), (2, 320), (1, 160), (3, 480)]);
        assert!(out.renumber(from(0, 0), 0, SAMPLES, at(0)).is_none(), "from before the beginning");
        let next = out.header(0);
        assert_eq!(next.sequence.wrapping_sub(sent[0].sequence), 4);
        assert_eq!(next.timestamp.wrapping_sub(sent[0].timestamp), 640);
    }
}

//! One leg: what it heard, and what it is sent.

use crate::{
    MediaEvent, PlayEnded, Statistics,
    event::{EVENT_OCTETS, Event, KeyEar},
    g711::translate,
    inband::ToneEar,
    limits::{
        CATCH_UP_MAX_PACKETS, PACKET_DEFAULT_MS, PACKET_MAX_MS, PACKET_MIN_MS, PAYLOAD_MAX_OCTETS,
        SAMPLES_PER_MS,
    },
    outgoing::Outgoing,
    path::{Path, Read, Tokens},
    poller::Poller,
    ports::PortPair,
    repack::Repacker,
    rtcp::{REPORT_MAX_OCTETS, Reception, Reports},
    rtp::{self, HEADER_OCTETS, Header},
    sound::SoundEar,
    speak::Rendered,
    tone::{Tones, Voice},
};
use model::{Agreed, Codec, Key, LegId, PlayId, Side, SrtpKeys, Timestamp, Tone, fact::KeyPath};
use std::{io, ops::Range, time::Duration};

/// What all legs of a thread share while one is handled.
pub(crate) struct Turn<'a> {
    /// The time, read once for all packets of a tick.
    pub(crate) now: Timestamp,
    pub(crate) live_within: Duration,
    pub(crate) lost_after: Duration,
    pub(crate) tones: &'a Tones,
    pub(crate) report: &'a dyn Fn(MediaEvent),
    pub(crate) poller: &'a Poller,
}

/// One leg of a call.
pub(crate) struct Leg {
    id: LegId,
    path: Path,
    agreed: Option<Agreed>,
    counted: Statistics,
    heard: Heard,
    sound: Option<SoundEar>,
    /// Where the other leg's packets are not as long as this one's.
    repacker: Option<Box<Repacker>>,
    /// What the other leg's silence sounds like.
    noise: Option<u8>,
    reception: Reception,
    reports: Reports,
    out: Outgoing,
}

/// What a datagram means for the other leg.
pub(crate) enum Arrived {
    /// Audio: its header, where its octets lie, and their codec.
    Audio(Header, Range<usize>, Codec),
    /// Comfort noise (RFC 3389): silence until the next audio, with noise so many decibels below
    /// overload.
    Noise(u8),
    /// A key (RFC 4733): its header, and where it lies.
    Key(Header, Range<usize>),
    /// Nothing to pass on.
    Nothing,
}

impl Leg {
    /// A leg that is not connected: it neither reads nor sends.
    pub(crate) fn new(id: LegId, pair: PortPair, now: Timestamp) -> Self {
        let seed = id.call.0.wrapping_mul(2).wrapping_add(u64::from(id.side == Side::Called));
        let babble_from = usize::try_from(seed % 97).unwrap_or(0) * BABBLE_APART_SAMPLES;
        let out = Outgoing::new(now, babble_from);
        Self {
            id,
            path: Path::new(pair),
            agreed: None,
            counted: Statistics::default(),
            heard: Heard::since(NEVER),
            sound: None,
            repacker: None,
            noise: None,
            reception: Reception::default(),
            reports: Reports::new(now, out.ssrc()),
            out,
        }
    }

    /// Sends to, and hears only, the agreed address; nobody at all when that fails.
    pub(crate) fn connect(
        &mut self,
        turn: &Turn<'_>,
        tokens: Tokens,
        agreed: Agreed,
        keys: Option<SrtpKeys>,
    ) -> io::Result<()> {
        let (before, sending) = (self.agreed, self.is_sending());
        self.path.secure(keys);
        if before.is_none_or(|before| before.remote != agreed.remote) {
            self.agreed = None;
            self.heard = Heard::since(turn.now);
            if before.is_some() {
                self.out.divert();
            }
            self.path.connect(agreed, turn.now)?;
        } else if agreed.send && before.is_some_and(|before| !before.send) {
            self.heard.since = turn.now;
        }
        self.path.connect_reports(agreed);
        self.path.register(turn.poller, tokens)?;
        if !sending {
            self.out.catch_up(turn.now);
        }
        let tones = self.heard.tones.take();
        self.heard.tones = agreed.telephone_event.is_none().then(|| tones.unwrap_or_default());
        self.agreed = Some(agreed);
        Ok(())
    }

    /// Reads the next datagram of the socket of RTP: audio or a key, in clear. `None` when there is
    /// none, or it is a report, or it is not of the connected address.
    pub(crate) fn receive<'a>(
        &mut self,
        turn: &Turn<'_>,
        buffer: &'a mut [u8],
    ) -> Option<&'a mut [u8]> {
        match self.path.read(buffer, turn.now, &mut self.counted)? {
            Read::Audio(datagram) => Some(datagram),
            Read::Moved(datagram) => {
                self.counted.moved += 1;
                self.out.divert();
                Some(datagram)
            }
            Read::Report(datagram) => {
                self.counted.bad +=
                    u64::from(!self.reports.hear(datagram, self.out.ssrc(), turn.now));
                None
            }
        }
    }

    /// Reads the next report of the socket of RTCP.
    pub(crate) fn receive_report(&mut self, turn: &Turn<'_>, buffer: &mut [u8]) {
        if let Some(datagram) = self.path.read_report(buffer, &mut self.counted) {
            self.counted.bad += u64::from(!self.reports.hear(datagram, self.out.ssrc(), turn.now));
        }
    }

    /// Says farewell to the other end, and to our own side what there was to count.
    pub(crate) fn close(mut self, turn: &Turn<'_>) {
        self.hush(turn);
        let mut report = [0; REPORT_MAX_OCTETS];
        let own = self.out.own(turn.now);
        let length = self.reports.write_bye(own, &mut self.reception, turn.now, &mut report);
        if let Some(length) = length.filter(|_| self.agreed.is_some()) {
            self.path.send_report(&report, length);
        }
        let (leg, statistics) = (self.id, self.statistics());
        (turn.report)(MediaEvent::Closed { leg, statistics });
    }

    /// Takes in a datagram from the connected address.
    pub(crate) fn hear(&mut self, turn: &Turn<'_>, datagram: &[u8]) -> Arrived {
        let Ok((header, payload)) = rtp::parse(datagram) else {
            self.counted.bad += 1;
            return Arrived::Nothing;
        };
        let octets = datagram.get(payload.clone()).unwrap_or_default();
        let event_type = self.agreed.and_then(|agreed| agreed.telephone_event);
        let arrived = match header.payload_type {
            0 => Arrived::Audio(header, payload, Codec::Pcmu),
            8 => Arrived::Audio(header, payload, Codec::Pcma),
            COMFORT_NOISE => {
                // The top bit is always zero (RFC 3389 section 3).
                Arrived::Noise(octets.first().copied().unwrap_or(u8::MAX) & 0x7f)
            }
            other if Some(other) == event_type => Arrived::Key(header, payload),
            _ => {
                self.counted.unknown += 1;
                return Arrived::Nothing;
            }
        };
        self.note(turn, header);
        match &arrived {
            Arrived::Audio(_, _, codec) => self.hear_audio(turn, header, *codec, octets),
            Arrived::Key(..) => {
                if !self.hear_event(turn, header, octets) {
                    return Arrived::Nothing;
                }
            }
            Arrived::Noise(_) | Arrived::Nothing => {}
        }
        arrived
    }

    /// Sends a packet that came from the other leg: `datagram`, whose octets lie at `payload`. It
    /// is rewritten in place.
    pub(crate) fn relay(
        &mut self,
        turn: &Turn<'_>,
        header: Header,
        codec: Codec,
        datagram: &mut [u8],
        payload: Range<usize>,
    ) {
        let Some(agreed) = self.agreed.filter(|agreed| agreed.send) else { return };
        self.noise = None;
        let samples = u32::try_from(payload.len()).unwrap_or(0);
        if samples != samples_of(agreed) || self.repacker.is_some() {
            let octets = datagram.get_mut(payload).unwrap_or_default();
            translate(octets, codec, agreed.codec);
            self.relay_cut(turn, header, agreed, octets);
            return;
        }
        let payload_type = agreed.codec.payload_type();
        let Some(header) = self.out.renumber(header, payload_type, samples, turn.now) else {
            return;
        };
        // A payload never begins before octet 12, so that our header has room before it.
        let Some(start) = payload.start.checked_sub(HEADER_OCTETS) else { return };
        let Some(packet) = datagram.get_mut(start..payload.end) else { return };
        let Some((head, octets)) = packet.split_first_chunk_mut::<HEADER_OCTETS>() else { return };
        header.write(head);
        translate(octets, codec, agreed.codec);
        self.send(packet);
    }

    /// Sends audio that comes in packets of another length than the other end wants.
    fn relay_cut(&mut self, turn: &Turn<'_>, header: Header, agreed: Agreed, octets: &[u8]) {
        let mut repacker = self.repacker.take().unwrap_or_else(|| {
            self.out.interrupt();
            Box::new(Repacker::new())
        });
        repacker.add(header, octets, agreed.codec.silence());
        let samples = samples_of(agreed);
        let mut packet = [0; HEADER_OCTETS + PAYLOAD_MAX_OCTETS];
        let length = usize::try_from(samples).unwrap_or(0).min(PAYLOAD_MAX_OCTETS);
        let packet = packet.get_mut(..HEADER_OCTETS + length).unwrap_or_default();
        while let Some((head, payload)) = packet.split_first_chunk_mut::<HEADER_OCTETS>() {
            let Some(from) = repacker.take(payload) else { break };
            let payload_type = agreed.codec.payload_type();
            if let Some(header) = self.out.renumber(from, payload_type, samples, turn.now) {
                header.write(head);
                self.send(packet);
            }
        }
        if repacker.is_empty() && u32::try_from(octets.len()) == Ok(samples) {
            // Both ends have the same length again.
            self.out.interrupt();
        } else {
            self.repacker = Some(repacker);
        }
    }

    /// Sends a key that was pressed on the other leg, with the payload type of this one. An end
    /// that does not understand keys hears none.
    pub(crate) fn relay_key(
        &mut self,
        turn: &Turn<'_>,
        header: Header,
        datagram: &mut [u8],
        payload: Range<usize>,
    ) {
        let Some(agreed) = self.agreed.filter(|agreed| agreed.send) else { return };
        let Some(payload_type) = agreed.telephone_event else {
            self.out.stop_waiting();
            return;
        };
        let header = match &mut self.repacker {
            Some(repacker) => repacker.number(header),
            None => header,
        };
        let samples = samples_of(agreed);
        let Some(header) = self.out.renumber(header, payload_type, samples, turn.now) else {
            return;
        };
        let Some(start) = payload.start.checked_sub(HEADER_OCTETS) else { return };
        let Some(packet) = datagram.get_mut(start..payload.end) else { return };
        let Some(head) = packet.first_chunk_mut::<HEADER_OCTETS>() else { return };
        header.write(head);
        self.send(packet);
    }

    /// The other leg is silent, and sounds like this until it is not.
    pub(crate) fn rest(&mut self, dbov: u8) {
        self.noise = Some(dbov);
        self.out.stop_waiting();
    }

    /// Does what is due.
    pub(crate) fn service(&mut self, turn: &Turn<'_>, bridged: bool) {
        self.end_play(turn);
        let mut room = CATCH_UP_MAX_PACKETS;
        while self.is_sending() && self.out.due(bridged) <= turn.now {
            if room == 0 || self.out.is_waiting(bridged) {
                self.out.catch_up(turn.now);
                self.out.stop_waiting();
            }
            if room == 0 {
                break;
            }
            self.send_own(turn, bridged);
            room -= 1;
        }
        if self.lost_at(turn) <= turn.now {
            self.heard.live = false;
            self.heard.lost = true;
            let last = self.heard.last.unwrap_or(self.heard.since);
            (turn.report)(MediaEvent::Lost { leg: self.id, last });
        }
        if let Some(since) = self.sound.as_mut().and_then(|ear| ear.poll_quiet(turn.now)) {
            self.report_sound(turn, false, since);
        }
        self.path.service(turn.now);
        if self.agreed.is_some() && self.reports.due() <= turn.now {
            let mut report = [0; REPORT_MAX_OCTETS];
            let own = self.out.own(turn.now);
            let length = self.reports.write(own, &mut self.reception, turn.now, &mut report);
            self.path.send_report(&report, length);
        }
    }

    /// When [`Self::service`] has something to do.
    pub(crate) fn wake_at(&self, turn: &Turn<'_>, bridged: bool) -> Timestamp {
        let due = if self.is_sending() { self.out.due(bridged) } else { NEVER };
        let over = self.out.over_at().unwrap_or(NEVER);
        let quiet = self.sound.as_ref().and_then(SoundEar::quiet_at).unwrap_or(NEVER);
        let opens = self.path.due_at().unwrap_or(NEVER);
        let report = if self.agreed.is_some() { self.reports.due() } else { NEVER };
        due.min(over).min(quiet).min(opens).min(report).min(self.lost_at(turn))
    }

    pub(crate) fn play(&mut self, turn: &Turn<'_>, play: PlayId, rendered: Box<Rendered>) {
        if !self.is_sending() {
            self.out.catch_up(turn.now);
        }
        let replaced = self.out.play(play, rendered);
        self.report_cut(turn, replaced);
    }

    pub(crate) fn hush(&mut self, turn: &Turn<'_>) {
        let hushed = self.out.hush();
        self.report_cut(turn, hushed);
    }

    pub(crate) fn set_tone(&mut self, tone: Option<Tone>) {
        self.out.set_tone(tone);
    }

    pub(crate) fn talk(&mut self, voice: Option<Voice>) {
        self.out.talk(voice);
    }

    pub(crate) fn listen(&mut self, on: bool) {
        self.sound = on.then(|| self.sound.unwrap_or_default());
    }

    pub(crate) fn press(&mut self, keys: &[Key]) {
        self.out.presser.press(keys);
    }

    pub(crate) fn statistics(&self) -> Statistics {
        let said = self.reports.said();
        Statistics {
            lost: self.reception.lost(),
            jitter_samples: self.reception.jitter_samples(),
            lost_there: said.lost,
            jitter_there_samples: said.jitter_samples,
            ..self.counted
        }
    }

    /// A valid packet came.
    fn note(&mut self, turn: &Turn<'_>, header: Header) {
        self.counted.received += 1;
        self.reception.hear(header, turn.now);
        let ssrc = header.ssrc;
        let heard = &mut self.heard;
        heard.last = Some(turn.now);
        if heard.ssrc != Some(ssrc) {
            // Another stream: its timestamps count anew.
            heard.ssrc = Some(ssrc);
            heard.keys = KeyEar::default();
            if let Some(ear) = &mut heard.tones {
                **ear = ToneEar::default();
            }
        }
        if !heard.live {
            heard.live = true;
            heard.lost = false;
            (turn.report)(MediaEvent::Live { leg: self.id });
        }
    }

    /// Keys sound in the audio of a telephone that has no other way to send them.
    fn hear_audio(&mut self, turn: &Turn<'_>, header: Header, codec: Codec, octets: &[u8]) {
        let began = self.sound.as_mut().is_some_and(|ear| ear.hear(codec, octets, turn.now));
        if began {
            self.report_sound(turn, true, turn.now);
        }
        if let Some(ear) = &mut self.heard.tones {
            ear.hear(codec, header.timestamp, octets, turn.now, |key, onset| {
                let path = KeyPath::Inband;
                (turn.report)(MediaEvent::Key { leg: self.id, key, onset, path });
            });
        }
    }

    /// `false` when it is no key.
    fn hear_event(&mut self, turn: &Turn<'_>, header: Header, octets: &[u8]) -> bool {
        let Some(event) =
            Event::parse(octets).filter(|event| Key::from_event(event.code).is_some())
        else {
            self.counted.unknown += 1;
            return false;
        };
        if let Some((key, onset)) = self.heard.keys.hear(header.timestamp, event, turn.now) {
            let path = KeyPath::TelephoneEvent;
            (turn.report)(MediaEvent::Key { leg: self.id, key, onset, path });
        }
        true
    }

    /// Reports a script whose last sample is over. It counts as heard only by a leg that is live: a
    /// packet came within `live_within` of this moment. Never because time has passed.
    fn end_play(&mut self, turn: &Turn<'_>) {
        let live = self.heard.last.is_some_and(|last| turn.now.since(last) <= turn.live_within);
        if let Some((play, end)) = self.out.poll_over(turn.now, live) {
            (turn.report)(MediaEvent::Played { leg: self.id, play, end });
        }
    }

    fn report_cut(&self, turn: &Turn<'_>, play: Option<PlayId>) {
        if let Some(play) = play {
            let end = PlayEnded::Cut;
            (turn.report)(MediaEvent::Played { leg: self.id, play, end });
        }
    }

    fn report_sound(&self, turn: &Turn<'_>, sounding: bool, since: Timestamp) {
        (turn.report)(MediaEvent::Sound { leg: self.id, sounding, since });
    }

    /// A connected leg is always sent something, unless it is held. So that a script takes its time
    /// and ends, the packets of one are made, and lost, on a leg that is not connected or held.
    fn is_sending(&self) -> bool {
        self.agreed.is_some_and(|agreed| agreed.send) || self.out.is_playing()
    }

    fn lost_at(&self, turn: &Turn<'_>) -> Timestamp {
        // An end that holds the call may be silent for as long as it likes.
        if self.heard.lost || self.agreed.is_some_and(|agreed| !agreed.send) {
            return NEVER;
        }
        let since = self.heard.since;
        self.heard.last.map_or(since, |last| last.max(since)).after(turn.lost_after)
    }

    /// Sends the next packet of ours: a key, or audio.
    fn send_own(&mut self, turn: &Turn<'_>, bridged: bool) {
        let packet_ms = self.agreed.map_or(PACKET_DEFAULT_MS, |agreed| agreed.packet_ms);
        let samples = samples_in(packet_ms);
        if !self.send_key(samples) {
            self.send_audio(turn, bridged, samples);
        }
        self.out.advance(samples);
    }

    /// Sends what the time of the next packet holds of a pressed key, if anything.
    fn send_key(&mut self, samples: u32) -> bool {
        let Some(agreed) = self.agreed.filter(|agreed| agreed.send) else { return false };
        let Some(payload_type) = agreed.telephone_event else {
            self.out.presser.clear();
            return false;
        };
        let timestamp = self.out.timestamp();
        let Some(press) = self.out.presser.poll(timestamp, samples) else { return false };
        let mut packet = [0; HEADER_OCTETS + EVENT_OCTETS];
        for _ in 0..press.sends {
            let header = self.out.header(payload_type);
            let header = Header { marker: press.first, timestamp: press.timestamp, ..header };
            if let Some((head, rest)) = packet.split_first_chunk_mut()
                && let Some(octets) = rest.first_chunk_mut()
            {
                header.write(head);
                press.event.write(octets);
            }
            self.send(&packet);
        }
        true
    }

    fn send_audio(&mut self, turn: &Turn<'_>, bridged: bool, samples: u32) {
        let mut packet = [0; HEADER_OCTETS + PAYLOAD_MAX_OCTETS];
        let length = usize::try_from(samples).unwrap_or(0).min(PAYLOAD_MAX_OCTETS);
        let Some(packet) = packet.get_mut(..HEADER_OCTETS + length) else { return };
        let Some((head, octets)) = packet.split_first_chunk_mut::<HEADER_OCTETS>() else { return };
        let noise = self.noise.filter(|_| bridged);
        let plays = self.out.fill(turn.tones, bridged, noise, octets);
        let sent = if let Some(agreed) = self.agreed.filter(|agreed| agreed.send) {
            self.out.header(agreed.codec.payload_type()).write(head);
            translate(octets, Codec::Pcmu, agreed.codec);
            self.send(packet)
        } else {
            false
        };
        if plays {
            self.out.sent(turn.now, samples, sent);
        }
    }

    /// `true` when the network took the packet.
    fn send(&mut self, packet: &[u8]) -> bool {
        let sent = self.path.send(packet);
        if sent {
            self.counted.sent += 1;
            self.reports.sent(packet.len().saturating_sub(HEADER_OCTETS));
        } else {
            self.counted.unsent += 1;
        }
        sent
    }
}

/// What arrived from the connected address.
struct Heard {
    /// Since when something could arrive: connected, or taken off hold; [`NEVER`] before.
    since: Timestamp,
    /// Arrival of the last packet.
    last: Option<Timestamp>,
    /// [`MediaEvent::Live`] was reported, and no [`MediaEvent::Lost`] since.
    live: bool,
    lost: bool,
    ssrc: Option<u32>,
    keys: KeyEar,
    /// Where telephone-events are not agreed.
    tones: Option<Box<ToneEar>>,
}

impl Heard {
    fn since(since: Timestamp) -> Self {
        Self {
            since,
            last: None,
            live: false,
            lost: false,
            ssrc: None,
            keys: KeyEar::default(),
            tones: None,
        }
    }
}

/// Samples in a packet that the other end wants.
fn samples_of(agreed: Agreed) -> u32 {
    samples_in(agreed.packet_ms)
}

fn samples_in(packet_ms: u8) -> u32 {
    u32::from(packet_ms.clamp(PACKET_MIN_MS, PACKET_MAX_MS)) * SAMPLES_PER_MS
}

/// The time of what is not going to happen.
pub(crate) const NEVER: Timestamp = Timestamp::from_micros(i64::MAX);

/// Payload type of comfort noise (RFC 3389 section 4).
const COMFORT_NOISE: u8 = 13;
const BABBLE_APART_SAMPLES: usize = 1_280;

//! What must hold for whatever octets: one function a target, which panics where it does not.

#[path = "handed.rs"]
mod handed;

pub use handed::{ask, delivery, package, stamp};
use line::{
    Directory,
    guard::Malformed,
    probe::{self, Probed},
    sdp,
};
use media::probe as audio;
use model::{
    Codec, Key, MediaDescription, Private, SrtpKey, SrtpKeys, SrtpSuite, StationId, Timestamp,
    audio::{Direction, OCTETS_PER_SECOND},
    fact::RecordingState,
};
use std::{io, net::SocketAddr, path::Path, time::Duration};

/// A target's name and its function.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("guard", guard),
    ("sdp", sdp),
    ("digest", digest),
    ("rtp", rtp),
    ("srtp", srtp),
    ("rtcp", rtcp),
    ("dtmf", dtmf),
    ("tones", tones),
    ("provision", provision),
    ("recording", recording),
    ("journal", journal),
    ("note", note),
    ("stream", stream),
    ("opened", opened),
    ("package", package),
    ("stamp", stamp),
    ("delivery", delivery),
    ("ask", ask),
];

/// A datagram on the SIP port: it is dropped by name, or what is answered is a response that the
/// guard itself lets pass, and is not much larger than what was asked (no amplifier).
pub fn guard(octets: &[u8]) {
    let source = SocketAddr::from(([192, 0, 2, 7], 5_062));
    let Ok(Probed::Request(answer)) = probe::datagram(octets, source) else { return };
    if answer.is_empty() {
        return;
    }
    assert!(answer.len() <= octets.len() + ANSWER_MORE_OCTETS_MAX, "an amplifier");
    match probe::datagram(&answer, source) {
        Ok(Probed::Response) => {}
        // What was folded or long in the request may make the answer as large as nothing may be.
        Err(Malformed::Size | Malformed::Headers) => {}
        // A response to a method that nobody here knows is of no call of ours.
        Err(Malformed::Mandatory) if answer.starts_with(b"SIP/2.0 501 ") => {}
        other => panic!("the answer is {other:?}"),
    }
}

/// What a TCP connection brings to the SIP port, by a first octet for how it is read: it is the
/// same messages however it is cut, each a piece of it, one behind the other; the guard reads no
/// other length of any; and each is a datagram as [`guard`] wants them.
pub fn stream(octets: &[u8]) {
    let Some((piece, octets)) = octets.split_first() else { return };
    let whole = probe::stream([octets]);
    let cut = probe::stream(octets.chunks(usize::from(*piece) + 1));
    assert_eq!(whole.messages, cut.messages, "other messages when it is cut otherwise");
    assert_eq!(whole.given_up, cut.given_up, "given up when it is cut otherwise");
    assert!(cut.pings <= whole.pings, "cut in two, a ping is two line ends");
    let mut rest = octets;
    let source = SocketAddr::from(([192, 0, 2, 7], 5_062));
    for message in &whole.messages {
        while let Some(more) = rest.strip_prefix(b"\r\n") {
            rest = more;
        }
        rest = rest.strip_prefix(message.as_slice()).expect("a message that nobody sent");
        let shorter = message.split_last().expect("an empty message").1;
        if shorter.windows(4).any(|window| window == b"\r\n\r\n")
            && probe::datagram(message, source).is_ok()
        {
            let shorter = probe::datagram(shorter, source);
            assert_eq!(shorter, Err(Malformed::Length), "the guard reads another length");
        }
        guard(message);
    }
}

/// A session description: what is read of it is within bounds, and our answer to it can be read
/// and agrees with it.
pub fn sdp(octets: &[u8]) {
    let Ok(session) = sdp::parse(octets) else { return };
    let offer = &session.audio;
    assert!(!offer.codecs.is_empty(), "audio without a codec");
    assert!(offer.telephone_event.is_none_or(|number| number < 128), "a payload type of 8 bits");
    let local = MediaDescription {
        address: SocketAddr::from(([192, 0, 2, 9], 40_000)),
        codecs: vec![Codec::Pcmu, Codec::Pcma],
        telephone_event: Some(101),
        packet_ms: 20,
        direction: Direction::SendRecv,
        rtcp_port: 40_001,
        rtcp_mux: false,
        signals_from: None,
    };
    let agreed = sdp::agree(&local, offer);
    let Ok(answer) = probe::answer(&session, &local) else {
        assert!(agreed.is_none(), "agreed on what cannot be answered");
        return;
    };
    let agreed = agreed.expect("answered what is not agreed on");
    let read = sdp::parse(&answer).expect("our answer cannot be read").audio;
    assert_eq!(read.codecs.first(), Some(&agreed.codec), "the answer names another codec first");
    assert_eq!(read.telephone_event, agreed.telephone_event, "another payload type of keys");
}

/// An Authorization header: the first octet says which method and whether the challenge's nonce is
/// put in where it stands as `NONCE`; nobody is let in but the one station that there is.
pub fn digest(octets: &[u8]) {
    let Some((how, text)) = octets.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let source = SocketAddr::from(([192, 0, 2, 7], 5_062));
    let now = Timestamp::from_micros(1_000_000);
    let method = ["INVITE", "REGISTER", "BYE", ""][usize::from(how % 4)];
    let challenge = probe::challenge(REALM, source, now);
    let nonce = challenge.split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next());
    let text = text.replace("NONCE", nonce.expect("a challenge without a nonce"));
    let enters = |source, now| probe::authorizes(REALM, &text, method, source, now, &OneStation);
    if enters(source, now) {
        assert!(text.contains(USER) && text.contains("response"), "let in without a name");
        let elsewhere = SocketAddr::from(([192, 0, 2, 8], 5_062));
        assert!(!enters(elsewhere, now), "a nonce is good from elsewhere");
        let later = now.after(Duration::from_secs(3_600));
        assert!(!enters(source, later), "a nonce is good for ever");
    }
}

/// RTP datagrams of one leg: the first octet of each packet is how many milliseconds after the
/// last it arrived, then two its length. No second of a recording is longer than a second.
pub fn rtp(octets: &[u8]) {
    let mut now = Timestamp::from_micros(0);
    let mut leg = audio::Probe::new(101, now);
    let mut rest = octets;
    while let Some(([wait, l0, l1], more)) = rest.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([*l0, *l1])).min(more.len());
        let (datagram, after) = more.split_at(length);
        rest = after;
        now = now.after(Duration::from_millis(u64::from(*wait)));
        match leg.hear(datagram, now) {
            audio::Probed::Audio(count) => assert!((1..=480).contains(&count), "{count} octets"),
            audio::Probed::Event(Some((_, onset))) => {
                assert!(onset <= now, "pressed after it came")
            }
            audio::Probed::Event(None) | audio::Probed::Bad | audio::Probed::Unknown => {}
        }
        while let Some(second) = leg.poll_second(now) {
            for track in [&second.station, &second.called] {
                assert_eq!(track.octets.len(), OCTETS_PER_SECOND, "a second that is none");
            }
        }
    }
}

/// Packets of an encrypted leg, by a first octet for the suite: each has an octet that says what is
/// done with it, one of where a bit is turned, two of its length. What was sealed opens to itself,
/// once; what was not, or was changed on the way, does not open.
pub fn srtp(octets: &[u8]) {
    let Some((suite, mut rest)) = octets.split_first() else { return };
    let suite = SrtpSuite::ALL[usize::from(*suite) % SrtpSuite::ALL.len()];
    let key = |octet| SrtpKey::new(suite, &vec![octet; suite.octets()]).expect("as many octets");
    let keys = |send, receive| SrtpKeys { send: key(send), receive: key(receive) };
    let mut sender = audio::SecuredProbe::new(keys(1, 2));
    let mut receiver = audio::SecuredProbe::new(keys(2, 1));
    while let Some(([what, at, l0, l1], more)) = rest.split_first_chunk::<4>() {
        let length = usize::from(u16::from_be_bytes([*l0, *l1]) % 512).min(more.len());
        let (packet, after) = more.split_at(length);
        rest = after;
        let report = what & 1 != 0;
        if what & 2 != 0 {
            assert!(receiver.open(packet, report).is_none(), "a forged packet opens");
            continue;
        }
        // What we send has no sources, no extension and no padding.
        if packet.len() < 12 || (!report && packet[0] != 0x80) {
            continue;
        }
        let Some(sealed) = sender.seal(packet, report) else { continue };
        if what & 4 != 0 {
            let mut turned = sealed.clone();
            let place = usize::from(*at) % turned.len();
            turned[place] ^= 1 << (what >> 5);
            assert!(receiver.open(&turned, report).is_none(), "a changed packet opens");
        }
        if let Some(opened) = receiver.open(&sealed, report) {
            assert_eq!(opened, packet, "another packet comes out");
        }
        assert!(receiver.open(&sealed, report).is_none(), "a packet opens twice");
    }
}

/// A compound RTCP packet: read to its end or refused; what comes with it unchanged.
pub fn rtcp(octets: &[u8]) {
    let now = Timestamp::from_micros(5_000_000);
    let whole = audio::is_report(octets, 0x0102_0304, now);
    assert!(!whole || octets.len().is_multiple_of(4), "a packet of parts of words");
    if whole {
        let twice = [octets, octets].concat();
        assert!(audio::is_report(&twice, 0x0102_0304, now), "two packets are none");
        let cut = octets.get(..octets.len() - 1).unwrap_or_default();
        assert!(!audio::is_report(cut, 0x0102_0304, now), "a cut packet is one");
    }
}

/// Telephone-events (RFC 4733), eight octets each: milliseconds since the last, a step of the RTP
/// timestamp in ten milliseconds, and the event. No packet that comes again is a second key, and
/// no key comes of an event that is none.
pub fn dtmf(octets: &[u8]) {
    let mut now = Timestamp::from_micros(0);
    let mut leg = audio::Probe::new(101, now);
    let mut timestamp = 0_u32;
    for (sequence, part) in (0_u16..).zip(octets.chunks_exact(8)) {
        let [w0, w1, s0, s1, event @ ..] = part else { return };
        now = now.after(Duration::from_millis(u64::from(u16::from_be_bytes([*w0, *w1]))));
        let step = i16::from_be_bytes([*s0, *s1]);
        timestamp = timestamp.wrapping_add_signed(i32::from(step) * 80);
        let mut packet = vec![0x80, 101];
        packet.extend_from_slice(&sequence.to_be_bytes());
        packet.extend_from_slice(&timestamp.to_be_bytes());
        packet.extend_from_slice(&[1, 2, 3, 4]);
        packet.extend_from_slice(event);
        if let audio::Probed::Event(Some((_, onset))) = leg.hear(&packet, now) {
            assert!(event[0] < 16, "event {} is a key", event[0]);
            assert!(onset <= now, "pressed after it came");
        }
        let again = leg.hear(&packet, now);
        assert!(matches!(again, audio::Probed::Event(None)), "one packet is two keys: {again:?}");
    }
}

/// Audio of a leg without telephone-events, by a first octet for the codec: steps of tones, of
/// octets as they are, and of packets lost. Keys are no nearer to each other than tones may be,
/// none began before the audio in which it is heard, and how the audio is cut into packets does not
/// change them.
pub fn tones(octets: &[u8]) {
    let Some((codec, mut rest)) = octets.split_first() else { return };
    let codec = if codec & 1 == 0 { Codec::Pcmu } else { Codec::Pcma };
    let (mut whole, mut cut) = (Listener::new(codec), Listener::new(codec));
    while let Some(([what, length, level], more)) = rest.split_first_chunk::<3>() {
        rest = more;
        let length = usize::from(*length) * 4;
        if whole.heard + length > TONE_OCTETS_MAX {
            break;
        }
        let audio = match what & 3 {
            0 | 1 => tone(codec, what >> 4, length, f32::from(*level) * 64.0),
            2 => {
                let (audio, after) = rest.split_at(length.min(rest.len()));
                rest = after;
                audio.to_vec()
            }
            _ => {
                whole.lose();
                cut.lose();
                continue;
            }
        };
        whole.hear(&audio);
        let packet = usize::from(what >> 2 & 3) * 53 + 7;
        audio.chunks(packet).for_each(|packet| cut.hear(packet));
    }
    assert_eq!(whole.keys, cut.keys, "packets of another length are other keys");
    assert!(whole.keys.len() * KEY_OCTETS_MIN <= whole.heard, "keys faster than tones may be");
}

/// One ear, and what it heard.
struct Listener {
    ear: media::ToneEar,
    codec: Codec,
    timestamp: u32,
    /// Octets of audio so far; the time runs with them.
    heard: usize,
    /// Where the audio without a gap began.
    since: Timestamp,
    keys: Vec<(Key, Timestamp)>,
}

impl Listener {
    fn new(codec: Codec) -> Self {
        let (ear, since) = (media::ToneEar::default(), Timestamp::from_micros(0));
        Self { ear, codec, timestamp: 0, heard: 0, since, keys: Vec::new() }
    }

    fn now(&self) -> Timestamp {
        let micros = self.heard * 1_000_000 / OCTETS_PER_SECOND;
        Timestamp::from_micros(i64::try_from(micros).expect("as long as a life"))
    }

    fn hear(&mut self, packet: &[u8]) {
        self.heard += packet.len();
        let (now, since, keys) = (self.now(), self.since, &mut self.keys);
        self.ear.hear(self.codec, self.timestamp, packet, now, |key, onset| {
            assert!(since <= onset && onset <= now, "a key of {onset:?} in {since:?} to {now:?}");
            keys.push((key, onset));
        });
        self.timestamp = self.timestamp.wrapping_add(u32::try_from(packet.len()).expect("short"));
    }

    /// A packet is lost.
    fn lose(&mut self) {
        self.timestamp = self.timestamp.wrapping_add(160);
        self.since = self.now();
    }
}

/// The tones of a key as a telephone sends them, each of this amplitude.
fn tone(codec: Codec, code: u8, length: usize, amplitude: f32) -> Vec<u8> {
    const LOW: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
    const HIGH: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
    let (low, high) = (LOW[usize::from(code & 3)], HIGH[usize::from(code >> 2 & 3)]);
    // Each is turned on by a constant angle: two products a sample in place of a sine.
    let mut turns = [low, high].map(|hz| {
        let angle = std::f32::consts::TAU * hz / 8_000.0;
        (0.0_f32, amplitude * angle.sin(), 2.0 * angle.cos())
    });
    let mut next = || {
        let mut sum = 0.0;
        for (before, now, turn) in &mut turns {
            sum += *before;
            (*before, *now) = (*now, *turn * *now - *before);
        }
        #[allow(clippy::cast_possible_truncation, reason = "what is too loud is clipped")]
        let sample = sum as i16;
        match codec {
            Codec::Pcmu => media::g711::mu_from_linear(sample),
            Codec::Pcma => media::g711::a_from_linear(sample),
        }
    };
    (0..length).map(|_| next()).collect()
}

/// Provision files, one after the other with a line `=== NAME` before each, the first without: a
/// plan, or problems that say where.
pub fn provision(octets: &[u8]) {
    let text = String::from_utf8_lossy(octets);
    let mut files = text.split("\n=== ");
    let first = files.next().unwrap_or_default();
    let others: Vec<(&str, &str)> = files.filter_map(|file| file.split_once('\n')).collect();
    let open = |path: &Path| match path.to_str() {
        Some(FIRST) => Ok(first.as_bytes().to_vec()),
        name => {
            let found = others.iter().find(|(named, _)| Some(*named) == name);
            found.map(|(_, text)| text.as_bytes().to_vec()).ok_or(io::ErrorKind::NotFound.into())
        }
    };
    let pins = |_: &str, pin: &str| {
        let mut hash = [0; 32];
        hash.iter_mut().zip(pin.bytes()).for_each(|(octet, digit)| *octet = digit);
        Private::new(hash)
    };
    let caps = charging::CapTable::builtin();
    // 2026-05-01, when FCC 25-75 is in force.
    let now = Timestamp::from_micros(1_777_593_600_000_000);
    if let Err(problems) = desk::provision::read_with(&open, Path::new(FIRST), &pins, &caps, now) {
        assert!(!problems.is_empty(), "refused without a reason");
        assert!(problems.len() <= PROBLEMS_MAX, "problems without end");
        assert!(problems.iter().all(|problem| !problem.to_string().is_empty()));
    }
}

/// A file of a recording: the frames counted are there, and what ended in order is no longer in
/// order with an octet more or less.
pub fn recording(octets: &[u8]) {
    let survey = |octets: &[u8]| vault::survey(octets).expect("reading memory fails");
    // Reading the header, too, survives whatever it is.
    let _ = vault::object(octets);
    let whole = survey(octets);
    assert_eq!(whole.bytes, octets.len() as u64);
    let frames = usize::try_from(whole.frames).expect("few frames");
    assert!(frames == 0 || octets.len() >= HEADER_OCTETS + frames * FRAME_OCTETS_MIN);
    if whole.state == RecordingState::Ended {
        let longer = [octets, &[0]].concat();
        let shorter = octets.split_last().expect("an empty recording has ended").1;
        for changed in [longer.as_slice(), shorter] {
            let changed = survey(changed);
            assert_eq!((changed.state, changed.frames), (RecordingState::Cut, whole.frames));
        }
    }
}

/// What the frames of a recording hold once they are opened, by an octet for whether it is the last
/// one and two of its length each: seconds are as they were written, and it has ended only with a
/// last frame that counts just what came before.
pub fn opened(octets: &[u8]) {
    let (mut frames, mut rest) = (Vec::new(), octets);
    while let Some(([last, l0, l1], more)) = rest.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([*l0, *l1])).min(more.len());
        let (held, after) = more.split_at(length);
        frames.push((held, last & 1 != 0));
        rest = after;
    }
    let inside = vault::probe::inside(frames.iter().copied());
    for (second, (held, last)) in inside.seconds.iter().zip(&frames) {
        assert!(!last, "a second in the last frame");
        let written = vault::probe::held(second);
        assert_eq!(written.as_deref(), Some(*held), "a second that reads as another");
    }
    match &inside.ended {
        Ok(Some(_)) => {
            let lasts: Vec<bool> = frames.iter().map(|(_, last)| *last).collect();
            let count = inside.seconds.len();
            assert_eq!(lasts.iter().position(|last| *last), Some(count), "ended before its end");
            assert_eq!(lasts.len(), count + 1, "something follows the end");
            // One second fewer, and the last frame is not true any more.
            if let Some((_, fewer)) = frames.split_first().filter(|_| count > 0) {
                let inside = vault::probe::inside(fewer.iter().copied());
                assert!(inside.ended.is_err(), "a second is missing and nobody notices");
            }
        }
        Ok(None) => assert!(inside.seconds.len() <= frames.len(), "more seconds than frames"),
        Err(_) => assert!(inside.seconds.len() < frames.len(), "a fault of no frame"),
    }
}

/// A segment of the journal, as it is and with its frames sealed: facts come in order, only from
/// the part that is whole, and that part alone is a whole segment with the same facts.
pub fn journal(octets: &[u8]) {
    let key = journal::SealKey::derive(&[7; 32]);
    segment(octets, &key);
    segment(&journal::probe::seal_segment(octets, &key).expect("not sealed"), &key);
}

fn segment(octets: &[u8], key: &journal::SealKey) {
    let mut facts = 0;
    let mut last = 0;
    let inspected = journal::inspect(octets, key, |seq, _| {
        assert!(last == 0 || seq.0 == last + 1, "facts out of order");
        (facts, last) = (facts + 1, seq.0);
    });
    if let journal::Inspected::Whole { end, next, .. } = inspected {
        assert!(last == 0 || next.0 == last + 1, "the next fact is another");
        let mut again = 0;
        let kept = octets.get(..end).expect("whole beyond its end");
        let inspected = journal::inspect(kept, key, |_, _| again += 1);
        assert_eq!(inspected, journal::Inspected::Whole { end, next, torn: false });
        assert_eq!(facts, again);
    }
}

/// What a verifier of the log reads, by the first octet: notes, checkpoints, proof files, entry
/// bundles, tile paths, keys. What is read is written the same again.
pub fn note(octets: &[u8]) {
    let Some((which, octets)) = octets.split_first() else { return };
    let text = std::str::from_utf8(octets);
    match which % 6 {
        0 => {
            if let Ok(note) = tlog::Note::parse(octets) {
                assert_eq!(note.to_string().as_bytes(), octets, "a note that reads as another");
            }
        }
        1 => {
            if let Some(head) = text.ok().and_then(|text| tlog::Head::parse(text).ok()) {
                let written = head.to_string();
                assert_eq!(written, text.unwrap_or_default(), "a head that reads as another");
            }
        }
        2 => {
            if let Ok(file) = tlog::ProofFile::parse(octets) {
                assert_eq!(file.to_string().as_bytes(), octets, "a proof that reads as another");
            }
        }
        3 => {
            let entries: Result<Vec<_>, _> = tlog::bundle::entries(octets).collect();
            if let Ok(entries) = entries {
                let written = tlog::bundle::encode(&entries).expect("read but not written");
                assert_eq!(written, octets, "a bundle that reads as another");
            }
        }
        4 => {
            if let Some(tile) = text.ok().and_then(|text| tlog::Tile::parse(text).ok()) {
                assert_eq!(tile.path(), text.unwrap_or_default(), "a tile with two paths");
            }
        }
        _ => drop(text.ok().and_then(|text| tlog::Verifier::parse(text).ok())),
    }
}

/// The one station that there is, with its HA1.
struct OneStation;

impl Directory for OneStation {
    fn station(&self, _: SocketAddr, _: &str) -> Option<StationId> {
        None
    }
    fn digest(&self, user: &str) -> Option<(StationId, Private<[u8; 16]>)> {
        (user == USER).then(|| (StationId(1), line::ha1(USER, REALM, "secret")))
    }
    fn trunk(&self) -> Option<SocketAddr> {
        None
    }
}

const REALM: &str = "jail";
const USER: &str = "cell4";
/// Headers of ours in an answer, and what is put into its first Via.
const ANSWER_MORE_OCTETS_MAX: usize = 512;
const FIRST: &str = "provision.toml";
/// As many as are listed, and one that says how many more there are.
const PROBLEMS_MAX: usize = 1_001;
/// Octets of a recording's header, and of its shortest frame with its length.
const HEADER_OCTETS: usize = 292;
const FRAME_OCTETS_MIN: usize = 47;
/// Octets of audio that one input is heard for: 160 ms, which are two keys and the pause between
/// them, and thousands of inputs a second.
const TONE_OCTETS_MAX: usize = 1_280;
/// Four blocks of tones, half over one another, of which the first may lie in the tone before.
const KEY_OCTETS_MIN: usize = 4 * 51;

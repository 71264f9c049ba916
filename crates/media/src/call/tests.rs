use crate::{
    MediaEvent, PlayEnded,
    engine::Command,
    g711,
    limits::RELAY_PATIENCE,
    rig::{CALL, CALLED, EVENTS, Phone, Rig, STATION, assert_continuous, at, joined, script},
    rtp::Header,
};
use model::{Agreed, Codec, LegId};

/// A call whose two telephones talk in turn, each packet in its own time.
struct Talk {
    rig: Rig,
    station: Phone,
    called: Phone,
    /// Packets that the telephones heard and the test has seen.
    seen: [u64; 2],
}

impl Talk {
    fn new(station: Codec, called: Codec) -> Self {
        let mut rig = Rig::new();
        let station = rig.phone(STATION, station);
        let called = rig.phone(CALLED, called);
        Self { rig, station, called, seen: [0; 2] }
    }

    fn bridge(&mut self) {
        self.rig.obey(Command::Bridge { call: CALL, tap: None });
    }

    /// Both say this octet for a packet's length; it arrives.
    fn say(&mut self, station: u8, called: u8) {
        self.station.speak(&[station; 160]);
        self.called.speak(&[called; 160]);
        self.arrive();
    }

    /// What was sent arrives, and a packet's length passes.
    fn arrive(&mut self) {
        for (leg, phone) in [(STATION, &self.station), (CALLED, &self.called)] {
            self.rig.deliver(leg, u64::from(phone.header.sequence.wrapping_sub(65_530)));
        }
        self.rig.run(20);
    }

    /// What a telephone heard since this was asked last.
    fn heard(&mut self, leg: LegId) -> Vec<(Header, Vec<u8>)> {
        let sent = self.rig.statistics(leg).sent;
        let [station, called] = &mut self.seen;
        let (phone, seen) =
            if leg == STATION { (&self.station, station) } else { (&self.called, called) };
        phone.hear_all(sent - std::mem::replace(seen, sent))
    }
}

/// The first octets of packets, without silence.
fn said(packets: &[(Header, Vec<u8>)]) -> Vec<u8> {
    packets.iter().map(|(_, octets)| octets[0]).filter(|octet| *octet != 0xff).collect()
}

#[test]
fn a_bridge_relays_both_ways_and_continues_the_stream() {
    let mut talk = Talk::new(Codec::Pcmu, Codec::Pcmu);
    talk.say(1, 2);
    let packets = talk.rig.play(STATION, 1, &script()).len().div_ceil(160);
    for _ in 0..packets + 5 {
        talk.say(3, 4);
    }
    talk.bridge();
    for octet in 10..60 {
        talk.say(octet, octet + 100);
    }
    let station = talk.heard(STATION);
    let called = talk.heard(CALLED);
    assert_continuous(&station);
    assert_continuous(&called);
    assert_eq!(said(&called), (10..60).collect::<Vec<u8>>());
    let relayed: Vec<u8> = said(&station).into_iter().rev().take(50).rev().collect();
    assert_eq!(relayed, (110..160).collect::<Vec<u8>>());
    assert!(called.iter().all(|(_, octets)| octets.iter().all(|octet| *octet == octets[0])));
    assert!(called.iter().all(|(header, _)| header.ssrc != 77), "the stream is ours");
}

#[test]
fn before_and_after_a_bridge_nothing_passes() {
    let mut talk = Talk::new(Codec::Pcmu, Codec::Pcmu);
    for _ in 0..10 {
        talk.say(1, 2);
    }
    assert_eq!(said(&talk.heard(STATION)), []);
    assert_eq!(said(&talk.heard(CALLED)), []);
    talk.bridge();
    talk.say(5, 6);
    talk.rig.obey(Command::Close { leg: CALLED });
    talk.called.speak(&[9; 160]);
    talk.station.speak(&[9; 160]);
    talk.rig.run(200);
    let heard = talk.heard(STATION);
    assert_eq!(said(&heard), [6]);
    assert_continuous(&heard);
}

#[test]
fn legs_that_are_parted_stay_open_and_their_tap_ends() {
    let mut talk = Talk::new(Codec::Pcmu, Codec::Pcmu);
    let kept = talk.rig.tap();
    for _ in 0..5 {
        talk.say(1, 2);
    }
    talk.rig.obey(Command::Unbridge { call: CALL });
    let seconds: Vec<_> =
        kept.lock().unwrap().seconds.iter().map(|second| second.called.octets.len()).collect();
    assert_eq!((kept.lock().unwrap().ended, seconds), (1, vec![800]), "what was said until then");
    for (play, leg) in [(1, STATION), (2, CALLED)] {
        talk.rig.play(leg, play, &script());
    }
    for _ in 0..60 {
        talk.say(1, 2);
    }
    let ends = talk.rig.ends();
    assert!(matches!(ends[..], [(_, PlayEnded::Complete { .. }), (_, PlayEnded::Complete { .. })]));
    for (leg, other) in [(STATION, 2), (CALLED, 1)] {
        let heard = talk.heard(leg);
        let relayed = heard.iter().filter(|(_, octets)| *octets == [other; 160]).count();
        assert_eq!(relayed, 5, "{leg:?} heard the other after they were parted");
        assert_continuous(&heard);
    }
    assert_eq!(kept.lock().unwrap().seconds.len(), 1);
    talk.rig.obey(Command::Unbridge { call: CALL });
    assert_eq!(kept.lock().unwrap().ended, 1);
}

#[test]
fn laws_are_translated_where_they_differ() {
    let mut talk = Talk::new(Codec::Pcma, Codec::Pcmu);
    talk.station.header.payload_type = 8;
    talk.bridge();
    talk.say(0x12, 0x34);
    let mut to_called = [0x12];
    g711::translate(&mut to_called, Codec::Pcma, Codec::Pcmu);
    let mut to_station = [0x34];
    g711::translate(&mut to_station, Codec::Pcmu, Codec::Pcma);
    let (station, called) = (talk.heard(STATION), talk.heard(CALLED));
    assert!(station.iter().all(|(header, _)| header.payload_type == 8));
    assert!(called.iter().all(|(header, _)| header.payload_type == 0));
    assert_eq!(said(&called), to_called);
    assert!(station.iter().any(|(_, octets)| *octets == [to_station[0]; 160]));
    assert!(station.iter().all(|(_, o)| *o == [to_station[0]; 160] || *o == [0xd5; 160]));
}

#[test]
fn keys_are_reported_once_and_passed_on_as_they_are() {
    let mut talk = Talk::new(Codec::Pcmu, Codec::Pcmu);
    talk.bridge();
    talk.say(1, 2);
    for _ in 0..5 {
        talk.called.event('5', false, 160);
        talk.station.speak(&[1; 160]);
        talk.arrive();
    }
    let heard = talk.heard(STATION);
    let passed = heard.iter().filter(|(header, _)| header.payload_type == EVENTS);
    assert!(passed.clone().all(|(_, octets)| octets[..2] == [5, 10]));
    assert_eq!(passed.count(), 5);
    for pair in heard.windows(2) {
        assert_eq!(pair[1].0.sequence, pair[0].0.sequence.wrapping_add(1));
    }
    let keys = talk.rig.events();
    let keys = keys.iter().filter(|event| matches!(event, MediaEvent::Key { leg: CALLED, .. }));
    assert_eq!(keys.count(), 1);
}

#[test]
fn a_play_replaces_the_other_leg_in_one_direction_until_it_ends() {
    let mut talk = Talk::new(Codec::Pcmu, Codec::Pcmu);
    talk.bridge();
    for _ in 0..5 {
        talk.say(1, 2);
    }
    let mut rendered = talk.rig.play(STATION, 1, &script());
    let packets = rendered.len().div_ceil(160);
    for _ in 0..packets + 10 {
        talk.say(1, 2);
    }
    assert!(matches!(talk.rig.ends()[..], [(1, PlayEnded::Complete { .. })]));
    let station = talk.heard(STATION);
    let mut spoken = vec![0; packets * 160];
    rendered.read(&mut spoken);
    let heard = joined(&station);
    assert!(heard.windows(spoken.len()).any(|part| part == spoken));
    for pair in station.windows(2) {
        assert_eq!(pair[1].0.sequence, pair[0].0.sequence.wrapping_add(1));
    }
    assert_eq!(station.last().unwrap().1, [2; 160], "the bridge is back");
    assert_eq!(said(&talk.heard(CALLED)), vec![1; 15 + packets]);
}

#[test]
fn a_leg_hears_silence_when_the_other_sends_nothing_or_says_so() {
    let mut talk = Talk::new(Codec::Pcmu, Codec::Pcmu);
    talk.bridge();
    talk.say(1, 2);
    let patience = u64::try_from(RELAY_PATIENCE.as_millis()).unwrap();
    let before = talk.rig.statistics(STATION).sent;
    talk.rig.run(patience - 5);
    assert_eq!(talk.rig.statistics(STATION).sent, before, "it may come yet");
    talk.rig.run(5 + 200);
    assert_eq!(talk.rig.statistics(STATION).sent, before + 11);
    talk.say(3, 4);
    // Comfort noise: silence follows without waiting.
    let noise = Header { payload_type: 13, ..talk.called.header };
    talk.called.send(noise, &[127]);
    talk.called.skip(160);
    let before = talk.rig.statistics(STATION).sent;
    talk.arrive();
    assert_eq!(talk.rig.statistics(STATION).sent, before + 1);
    let heard = talk.heard(STATION);
    assert_eq!(said(&heard), [2, 4]);
    for pair in heard.windows(2) {
        assert_eq!(pair[1].0.sequence, pair[0].0.sequence.wrapping_add(1));
    }
}

#[test]
fn a_held_leg_is_not_relayed_to_and_comes_back() {
    let mut talk = Talk::new(Codec::Pcmu, Codec::Pcmu);
    talk.bridge();
    talk.say(1, 2);
    talk.rig.connect(CALLED, Agreed { send: false, ..talk.called.agreed() });
    talk.say(3, 4);
    talk.rig.connect(CALLED, talk.called.agreed());
    talk.say(5, 6);
    assert_eq!(said(&talk.heard(CALLED)), [1, 5]);
    assert_eq!(said(&talk.heard(STATION)), [2, 4, 6]);
}

#[test]
fn a_tap_is_handed_what_both_said_second_by_second() {
    let mut talk = Talk::new(Codec::Pcmu, Codec::Pcmu);
    // Not a word from before the bridge.
    talk.say(0x55, 0x66);
    let kept = talk.rig.tap();
    let started = talk.rig.now;
    for packet in 0..110u8 {
        if packet == 70 {
            talk.station.skip(160);
            talk.called.speak(&[packet; 160]);
            talk.rig.deliver(CALLED, u64::from(packet) + 2);
            talk.rig.run(20);
        } else if packet > 70 {
            talk.station.speak(&[packet; 160]);
            talk.called.speak(&[packet; 160]);
            talk.rig.deliver(CALLED, u64::from(packet) + 2);
            talk.rig.deliver(STATION, u64::from(packet) + 1);
            talk.rig.run(20);
        } else {
            talk.say(packet, packet);
        }
    }
    assert_eq!(kept.lock().unwrap().seconds.len(), 2);
    talk.rig.obey(Command::Close { leg: STATION });
    talk.rig.run(2_000);
    let kept = kept.lock().unwrap();
    assert_eq!(kept.ended, 1);
    let lengths: Vec<_> = kept
        .seconds
        .iter()
        .map(|s| (s.index, s.station.octets.len(), s.called.octets.len()))
        .collect();
    assert_eq!(lengths, [(0, 8_000, 8_000), (1, 8_000, 8_000), (2, 1_600, 1_600)]);
    assert_eq!(kept.seconds[0].started, started);
    let all = |part: fn(&model::Second) -> &model::Track| -> Vec<u8> {
        kept.seconds.iter().flat_map(|second| part(second).octets.clone()).collect()
    };
    let called: Vec<u8> = (0..110u8).flat_map(|packet| [packet; 160]).collect();
    let mut station = called.clone();
    station[70 * 160..71 * 160].fill(0xff);
    assert_eq!(all(|second| &second.called), called);
    assert_eq!(all(|second| &second.station), station);
    assert_eq!(kept.seconds[1].called.rtp_time, 9 + 160 + 8_000);
}

#[test]
fn a_tap_without_two_legs_or_replaced_ends() {
    let mut rig = Rig::new();
    let nobody = rig.tap();
    assert_eq!(nobody.lock().unwrap().ended, 1);
    assert!(nobody.lock().unwrap().seconds.is_empty());
    let _station = rig.phone(STATION, Codec::Pcmu);
    let alone = rig.tap();
    assert_eq!(alone.lock().unwrap().ended, 1);
    let _called = rig.phone(CALLED, Codec::Pcmu);
    let first = rig.tap();
    rig.run(500);
    assert_eq!(first.lock().unwrap().ended, 0);
    let second = rig.tap();
    assert_eq!(first.lock().unwrap().ended, 1);
    assert_eq!(first.lock().unwrap().seconds[0].called.octets.len(), 4_000);
    rig.worker.close_all(rig.now);
    assert_eq!(second.lock().unwrap().ended, 1);
    assert_eq!(rig.now, at(500));
}

/// A station whose packets last `from` ms, and a called party that wants `to` ms.
fn cut_anew(from: u8, to: u8) {
    let mut talk = Talk::new(Codec::Pcma, Codec::Pcmu);
    talk.station.header.payload_type = 8;
    let agreed = Agreed { packet_ms: to, ..talk.called.agreed() };
    talk.rig.connect(CALLED, agreed);
    talk.bridge();
    let octets = usize::from(from) * 8;
    let sent = 1_200 / usize::from(from);
    for number in 0..sent {
        let octet = u8::try_from(number % 100 + 1).unwrap();
        talk.station.speak(&vec![octet; octets]);
        talk.rig.deliver(STATION, u64::try_from(number + 1).unwrap());
        talk.rig.run(u64::from(from));
    }
    let heard = talk.heard(CALLED);
    let from_first: Vec<_> =
        heard.iter().skip_while(|(_, octets)| octets[0] == 0xff).cloned().collect();
    assert_continuous(&from_first);
    assert!(from_first.iter().all(|(_, octets)| octets.len() == usize::from(to) * 8));
    let mut expected: Vec<u8> = (0..sent)
        .flat_map(|number| vec![u8::try_from(number % 100 + 1).unwrap(); octets])
        .collect();
    g711::translate(&mut expected, Codec::Pcma, Codec::Pcmu);
    let joined = joined(&from_first);
    let whole = expected.len() / (usize::from(to) * 8) * usize::from(to) * 8;
    assert_eq!(joined[..whole.min(joined.len())], expected[..whole.min(joined.len())]);
    assert!(joined.len() >= whole, "{from} to {to}: {} of {whole}", joined.len());
}

#[test]
fn packets_of_every_length_are_cut_to_every_other() {
    for (from, to) in
        [(10, 20), (20, 10), (30, 20), (20, 30), (60, 20), (20, 60), (40, 50), (20, 20)]
    {
        cut_anew(from, to);
    }
}

#[test]
fn a_key_passes_with_the_payload_type_of_the_other_leg() {
    let mut talk = Talk::new(Codec::Pcmu, Codec::Pcmu);
    let agreed = Agreed { telephone_event: Some(96), ..talk.called.agreed() };
    talk.rig.connect(CALLED, agreed);
    talk.bridge();
    talk.say(1, 2);
    for packet in 1..=5 {
        talk.station.event('7', packet == 5, packet * 160);
        talk.called.speak(&[2; 160]);
        talk.arrive();
    }
    talk.station.skip(800);
    talk.station.header.sequence = talk.station.header.sequence.wrapping_sub(1);
    talk.say(3, 2);
    let heard = talk.heard(CALLED);
    let keys: Vec<_> = heard.iter().filter(|(header, _)| header.payload_type == 96).collect();
    assert_eq!(keys.len(), 5);
    for (number, (header, octets)) in keys.iter().enumerate() {
        assert_eq!((octets[0], octets.len()), (7, 4));
        assert_eq!(header.timestamp, keys[0].0.timestamp, "all of one tone begin together");
        let after = header.sequence.wrapping_sub(keys[0].0.sequence);
        assert_eq!(usize::from(after), number);
    }
    let (spoken, octets) = heard.last().unwrap();
    assert_eq!((octets[0], spoken.timestamp.wrapping_sub(keys[0].0.timestamp)), (3, 800));
    // An end that does not understand keys hears none.
    talk.rig.connect(CALLED, Agreed { telephone_event: None, ..agreed });
    talk.station.event('8', true, 160);
    talk.called.speak(&[2; 160]);
    talk.arrive();
    assert!(talk.heard(CALLED).iter().all(|(header, _)| header.payload_type == 0));
}

#[test]
fn comfort_noise_is_filled_with_noise_until_somebody_speaks() {
    let mut talk = Talk::new(Codec::Pcmu, Codec::Pcmu);
    talk.bridge();
    talk.say(1, 2);
    let header = Header { payload_type: 13, ..talk.station.header };
    talk.station.send(header, &[50]);
    talk.station.header.sequence = talk.station.header.sequence.wrapping_add(1);
    talk.called.speak(&[2; 160]);
    talk.arrive();
    talk.rig.run(200);
    talk.station.skip(1_760);
    talk.station.header.sequence = talk.station.header.sequence.wrapping_sub(1);
    talk.say(3, 2);
    talk.rig.run(200);
    let heard = talk.heard(CALLED);
    for pair in heard.windows(2) {
        assert_eq!(pair[1].0.sequence, pair[0].0.sequence.wrapping_add(1));
    }
    let loud = |octets: &[u8]| {
        let square =
            octets.iter().map(|octet| f64::from(g711::linear(Codec::Pcmu, *octet)).powi(2));
        (square.sum::<f64>() / 160.0).sqrt()
    };
    let spoken = heard.iter().position(|(_, octets)| octets[0] == 3 && octets[1] == 3).unwrap();
    let noisy: Vec<_> = heard[..spoken]
        .iter()
        .filter(|(_, octets)| (70.0..150.0).contains(&loud(octets)))
        .collect();
    assert!(noisy.len() >= 9, "{} packets of noise", noisy.len());
    assert!(heard[spoken + 1..].iter().all(|(_, octets)| loud(octets) < 1.0), "silence after it");
}

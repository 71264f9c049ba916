use super::*;
use crate::{
    Statistics,
    limits::{CATCH_UP_MAX_PACKETS, PACKETS_PER_TICK_MAX},
    rig::{CALL, CALLED, EVENTS, Phone, Rig, STATION, assert_continuous, at, joined, script},
    rtp::Header,
    tone::Voice,
};
use model::{Codec, Key, Language, Script, Tone, fact::KeyPath};

/// A station's leg and its telephone, which sent a packet of silence: it is live.
fn live() -> (Rig, Phone) {
    let mut rig = Rig::new();
    let mut phone = rig.phone(STATION, Codec::Pcmu);
    phone.speak(&[0xff; 160]);
    rig.deliver(STATION, 1);
    assert_eq!(rig.events(), [MediaEvent::Live { leg: STATION }]);
    (rig, phone)
}

#[test]
fn a_prompt_is_heard_whole_and_its_end_is_the_end_of_its_last_packet() {
    for codec in [Codec::Pcmu, Codec::Pcma] {
        let mut rig = Rig::new();
        let mut phone = rig.phone(STATION, codec);
        phone.speak(&[0xff; 160]);
        rig.run(40);
        let mut rendered = rig.play(STATION, 1, &script());
        rig.run(1_000);
        let sent = rig.statistics(STATION).sent;
        let heard = phone.hear_all(sent);
        assert_continuous(&heard);
        assert!(heard[0].0.marker, "the first packet after silence");
        assert!(heard.iter().all(|(header, _)| header.payload_type == codec.payload_type()));
        let mut spoken = vec![0; rendered.len()];
        rendered.read(&mut spoken);
        assert!(spoken.iter().any(|octet| *octet != 0xff), "a pack that says something");
        let packets = spoken.len().div_ceil(160);
        spoken.resize(packets * 160, 0xff);
        crate::g711::translate(&mut spoken, Codec::Pcmu, codec);
        // Packets were due at 0, 20 and 40 ms before it.
        assert_eq!(joined(&heard[3..3 + packets]), spoken);
        let rest = joined(&heard[3 + packets..]);
        assert!(rest.iter().all(|octet| *octet == codec.silence()));
        let ended = at(60 + 20 * i64::try_from(packets).unwrap());
        let complete = PlayEnded::Complete { content: rendered.content(), ended };
        assert_eq!(rig.ends(), [(1, complete)]);
    }
}

#[test]
fn the_end_of_a_prompt_is_not_reported_before_it_was_heard() {
    let (mut rig, _phone) = live();
    let rendered = rig.play(STATION, 1, &script());
    // The next packet is due in 20 ms.
    let heard_after = 20 + 20 * rendered.len().div_ceil(160) as u64;
    rig.run(heard_after - 5);
    assert_eq!(rig.ends(), []);
    rig.run(5);
    assert_eq!(rig.ends().len(), 1);
}

/// Plays to a leg in some circumstances; the play must end cut, once.
#[track_caller]
fn check_cut(circumstances: impl FnOnce(&mut Rig, &mut Phone)) {
    let (mut rig, mut phone) = live();
    circumstances(&mut rig, &mut phone);
    rig.run(1_000);
    let ends = rig.ends();
    assert_eq!(ends.first(), Some(&(1, PlayEnded::Cut)));
    assert_eq!(ends.iter().filter(|(play, _)| *play == 1).count(), 1);
}

#[test]
fn a_prompt_that_stopped_or_was_not_heard_is_cut() {
    check_cut(|rig, _| {
        // Nothing came from the telephone for longer than it may be silent.
        rig.run(1_400);
        rig.play(STATION, 1, &script());
    });
    check_cut(|rig, _| {
        rig.play(STATION, 1, &script());
        rig.run(60);
        rig.obey(Command::Hush { leg: STATION });
    });
    check_cut(|rig, _| {
        rig.play(STATION, 1, &script());
        rig.run(60);
        rig.play(STATION, 2, &script());
    });
    check_cut(|rig, _| {
        rig.play(STATION, 1, &script());
        rig.run(60);
        rig.obey(Command::Close { leg: STATION });
    });
    check_cut(|rig, _| {
        rig.play(STATION, 1, &script());
        rig.run(60);
        rig.worker.close_all(rig.now);
    });
    check_cut(|rig, phone| {
        // On hold for a part of it.
        rig.play(STATION, 1, &script());
        rig.run(60);
        rig.connect(STATION, Agreed { send: false, ..phone.agreed() });
        rig.run(40);
        rig.connect(STATION, phone.agreed());
    });
    check_cut(|rig, phone| {
        // Transferred for a part of it, to somebody who is there.
        rig.play(STATION, 1, &script());
        rig.run(60);
        let before = rig.statistics(STATION).received;
        let mut other = Phone::new(phone.leg);
        rig.connect(STATION, other.agreed());
        other.speak(&[0xff; 160]);
        rig.deliver(STATION, before + 1);
    });
    check_cut(|rig, _| {
        rig.play(STATION, 1, &Script::of(Language::En, &[]));
    });
    check_cut(|rig, _| {
        // A leg that is not open.
        rig.play(CALLED, 1, &script());
    });
    check_cut(|rig, _| {
        // A leg that was never connected takes as long as the script would.
        rig.open(CALLED);
        rig.play(CALLED, 1, &script());
        rig.run(60);
        assert_eq!(rig.ends(), []);
    });
}

#[test]
fn a_prompt_that_is_heard_by_another_in_its_last_moment_is_cut() {
    let (mut rig, phone) = live();
    let rendered = rig.play(STATION, 1, &script());
    // Its last packet was sent and is being heard.
    rig.run(20 * rendered.len().div_ceil(160) as u64 + 10);
    assert_eq!(rig.ends(), []);
    let mut other = Phone::new(phone.leg);
    rig.connect(STATION, other.agreed());
    other.speak(&[0xff; 160]);
    rig.deliver(STATION, 2);
    rig.run(10);
    assert_eq!(rig.ends(), [(1, PlayEnded::Cut)]);
}

#[test]
fn a_new_offer_that_changes_no_address_cuts_nothing() {
    let (mut rig, phone) = live();
    rig.play(STATION, 1, &script());
    rig.run(60);
    rig.connect(STATION, Agreed { codec: Codec::Pcma, ..phone.agreed() });
    rig.run(940);
    assert!(matches!(rig.ends()[..], [(1, PlayEnded::Complete { .. })]));
}

#[test]
fn a_leg_is_live_at_the_end_if_it_was_heard_shortly_before() {
    let (mut rig, mut phone) = live();
    rig.run(5_000);
    rig.play(STATION, 1, &script());
    rig.run(60);
    phone.speak(&[0xff; 160]);
    rig.deliver(STATION, 2);
    rig.run(940);
    assert!(matches!(rig.ends()[..], [(1, PlayEnded::Complete { .. })]));
}

#[test]
fn a_leg_always_sends_one_packet_after_the_other() {
    let (mut rig, phone) = live();
    rig.run(95);
    rig.obey(Command::Tone { leg: STATION, tone: Some(Tone::Ringback) });
    rig.run(100);
    rig.obey(Command::Tone { leg: STATION, tone: None });
    rig.run(100);
    let heard = phone.hear_all(15);
    assert_continuous(&heard);
    let rings = |packets: &[(Header, Vec<u8>)]| joined(packets).iter().any(|octet| *octet != 0xff);
    assert!(!rings(&heard[..5]) && rings(&heard[5..10]) && !rings(&heard[10..]));
    let mut other = Rig::new();
    let phone = other.open(STATION);
    other.connect(STATION, Agreed { packet_ms: 30, ..phone.agreed() });
    other.run(95);
    let heard = phone.hear_all(4);
    assert_continuous(&heard);
    assert!(heard.iter().all(|(_, octets)| octets.len() == 240));
}

#[test]
fn the_comfort_tone_fills_what_a_script_leaves_and_is_never_mixed_into_it() {
    let (mut rig, phone) = live();
    rig.obey(Command::Tone { leg: STATION, tone: Some(Tone::Comfort) });
    let (mut heard, mut read) = (Vec::new(), 0);
    // A second at a time: a socket does not hold more of them.
    let mut run = |rig: &mut Rig, seconds: usize| {
        for _ in 0..seconds {
            rig.run(1_000);
            let sent = rig.statistics(STATION).sent;
            heard.extend(phone.hear_all(sent - read));
            read = sent;
        }
    };
    run(&mut rig, 2);
    let mut rendered = rig.play(STATION, 1, &script());
    let packets = rendered.len().div_ceil(160);
    run(&mut rig, packets / 50 + 5);
    assert_continuous(&heard);
    let octets = joined(&heard);
    let mut spoken = vec![0; rendered.len()];
    rendered.read(&mut spoken);
    let begins = octets.windows(spoken.len()).position(|window| *window == spoken).unwrap();
    let sounds = |octets: &[u8]| octets.iter().any(|octet| *octet != 0xff);
    assert!(sounds(&octets[..begins]), "the tone before it");
    assert!(sounds(&octets[begins + packets * 160..]), "the tone after it");
}

#[test]
fn after_a_delay_of_the_node_a_few_packets_follow_at_once_and_a_prompt_loses_none() {
    let (mut rig, mut phone) = live();
    let rendered = rig.play(STATION, 1, &script());
    rig.run(40);
    let before = rig.statistics(STATION).sent;
    rig.now = rig.now.after(Duration::from_millis(500));
    rig.tick();
    let burst = rig.statistics(STATION).sent - before;
    assert_eq!(burst, u64::from(CATCH_UP_MAX_PACKETS));
    phone.speak(&[0xff; 160]);
    rig.deliver(STATION, 2);
    rig.run(1_000);
    assert!(matches!(rig.ends()[..], [(1, PlayEnded::Complete { .. })]));
    let sent = rig.statistics(STATION).sent;
    let heard = phone.hear_all(sent);
    let mut spoken = vec![0; rendered.len()];
    rendered.clone().read(&mut spoken);
    let all = joined(&heard);
    assert!(all.windows(spoken.len()).any(|part| part == spoken), "whole and without a gap");
    let first = heard[0].0.timestamp;
    let last = heard[heard.len() - 1].0.timestamp;
    assert_eq!(last.wrapping_sub(first), 1_540 * 8, "time went on for the receiver");
}

#[test]
fn keys_are_seen_once_with_their_onset() {
    let (mut rig, mut phone) = live();
    rig.run(100);
    for (duration, end) in [(160, false), (320, false), (480, true), (480, true), (480, true)] {
        phone.event('4', end, duration);
    }
    rig.deliver(STATION, 6);
    phone.skip(1_600);
    rig.run(200);
    // Its first packets are lost.
    phone.event('#', true, 800);
    rig.deliver(STATION, 7);
    let key = |label, onset| MediaEvent::Key {
        leg: STATION,
        key: Key::from_char(label).unwrap(),
        onset,
        path: KeyPath::TelephoneEvent,
    };
    assert_eq!(rig.events(), [key('4', at(80)), key('#', at(200))]);
}

#[test]
fn what_is_no_agreed_rtp_is_counted_and_not_heard() {
    let mut rig = Rig::new();
    let mut phone = rig.open(STATION);
    rig.connect(STATION, Agreed { telephone_event: Some(EVENTS + 1), ..phone.agreed() });
    phone.event('4', false, 160);
    phone.send(Header { payload_type: 18, ..phone.header }, &[0; 20]);
    phone.send_raw(&[0x80; 5]);
    phone.send_raw(&[]);
    phone.send_raw(&[0x80; 1_600]);
    rig.deliver(STATION, 5);
    assert_eq!(rig.events(), []);
    let expected = Statistics { unknown: 2, bad: 3, ..Statistics::default() };
    assert_eq!(Statistics { sent: 0, ..rig.statistics(STATION) }, expected);
}

#[test]
fn nobody_but_the_connected_telephone_is_heard() {
    let mut rig = Rig::new();
    let mut phone = rig.open(STATION);
    let mut stranger = Phone::new(phone.leg);
    stranger.speak(&[1; 160]);
    stranger.event('1', true, 800);
    // What the telephone itself sent before it was agreed on is not heard either.
    phone.event('2', true, 800);
    rig.run(20);
    rig.connect(STATION, phone.agreed());
    stranger.event('1', true, 800);
    phone.skip(160);
    phone.speak(&[2; 160]);
    rig.deliver(STATION, 1);
    assert_eq!(rig.events(), [MediaEvent::Live { leg: STATION }]);
    // A re-INVITE moves the leg to another address: the first is a stranger from now on.
    rig.connect(STATION, stranger.agreed());
    phone.speak(&[3; 160]);
    stranger.skip(160);
    stranger.event('9', true, 800);
    rig.deliver(STATION, 2);
    rig.run(20);
    let events = rig.events();
    assert_eq!(events[0], MediaEvent::Live { leg: STATION });
    assert!(matches!(events[1..], [MediaEvent::Key { key, .. }] if key.label() == '9'));
    assert_eq!(rig.statistics(STATION).received, 2);
}

#[test]
fn a_silent_leg_is_lost_unless_it_holds_the_call() {
    let (mut rig, mut phone) = live();
    rig.run(9_995);
    assert_eq!(rig.events(), []);
    rig.run(5);
    assert_eq!(rig.events(), [MediaEvent::Lost { leg: STATION, last: at(0) }]);
    rig.run(30_000);
    assert_eq!(rig.events(), [], "once");
    phone.speak(&[0xff; 160]);
    rig.deliver(STATION, 2);
    assert_eq!(rig.events(), [MediaEvent::Live { leg: STATION }]);
    let back = rig.now;
    rig.connect(STATION, Agreed { send: false, ..phone.agreed() });
    rig.run(30_000);
    rig.connect(STATION, phone.agreed());
    rig.run(9_995);
    assert_eq!(rig.events(), []);
    rig.run(5);
    assert_eq!(rig.events(), [MediaEvent::Lost { leg: STATION, last: back }]);
    // A leg that was never heard is lost, counted from when it could be.
    let connected = rig.now;
    let _mute = rig.phone(CALLED, Codec::Pcmu);
    rig.run(10_000);
    assert_eq!(rig.events(), [MediaEvent::Lost { leg: CALLED, last: connected }]);
}

#[test]
fn a_leg_that_cannot_be_connected_is_mute_and_then_lost() {
    for remote in ["0.0.0.0:4000", "127.0.0.1:0", "[::]:4000", "[::1]:4000"] {
        let (mut rig, mut phone) = live();
        let agreed = Agreed { remote: remote.parse().unwrap(), ..phone.agreed() };
        let sent = rig.statistics(STATION).sent;
        rig.connect(STATION, agreed);
        rig.play(STATION, 1, &script());
        phone.event('1', true, 800);
        rig.run(10_000);
        let cut = PlayEnded::Cut;
        let expected = [
            MediaEvent::Played { leg: STATION, play: model::PlayId(1), end: cut },
            MediaEvent::Lost { leg: STATION, last: at(0) },
        ];
        assert_eq!(rig.events(), expected, "{remote}");
        assert_eq!(rig.statistics(STATION).sent, sent);
    }
}

#[test]
fn a_telephone_that_is_gone_does_not_disturb_its_leg() {
    let (mut rig, phone) = live();
    drop(phone);
    rig.run(10_000);
    assert_eq!(rig.events(), [MediaEvent::Lost { leg: STATION, last: at(0) }]);
    assert_eq!(rig.statistics(STATION).received, 1);
}

#[test]
fn a_held_leg_is_not_sent_anything() {
    let (mut rig, phone) = live();
    rig.run(20);
    rig.connect(STATION, Agreed { send: false, ..phone.agreed() });
    let sent = rig.statistics(STATION).sent;
    rig.run(200);
    assert_eq!(rig.statistics(STATION).sent, sent);
    rig.connect(STATION, phone.agreed());
    // The first of them goes at once.
    rig.run(100);
    assert_eq!(rig.statistics(STATION).sent, sent + 6);
}

#[test]
fn a_leg_without_audio_has_no_port_of_reports_until_it_has_audio() {
    let mut rig = Rig::new();
    let phone = rig.open(STATION);
    let reports = std::net::SocketAddr::new(phone.leg.ip(), phone.leg.port() + 1);
    let is_free = || std::net::UdpSocket::bind(reports).is_ok();
    rig.connect(STATION, Agreed { send: false, ..phone.agreed() });
    assert!(is_free());
    // It reports all the same, from the port of its audio.
    rig.run(8_000);
    assert!(!phone.report().is_empty());
    rig.connect(STATION, Agreed { rtcp: phone.agreed().remote, ..phone.agreed() });
    assert!(is_free(), "both ends share one port");
    rig.connect(STATION, phone.agreed());
    assert!(!is_free());
    rig.connect(STATION, Agreed { send: false, ..phone.agreed() });
    assert!(!is_free(), "a call that is held keeps what it has");
}

#[test]
fn all_of_a_burst_is_heard_some_in_each_tick() {
    let (mut rig, mut phone) = live();
    let packets = PACKETS_PER_TICK_MAX * 4;
    for _ in 0..packets {
        phone.speak(&[0xff; 160]);
    }
    rig.tick();
    let first = rig.statistics(STATION).received - 1;
    assert!(first <= PACKETS_PER_TICK_MAX as u64, "{first}");
    rig.deliver(STATION, 1 + packets as u64);
}

#[test]
fn a_telephone_presses_keys_talks_and_listens() {
    // Two telephones of ours, connected to each other.
    let mut rig = Rig::new();
    let caller = rig.open(STATION).leg;
    let callee = rig.open(CALLED).leg;
    let agreed = |remote| Agreed {
        remote,
        codec: Codec::Pcma,
        telephone_event: Some(EVENTS),
        packet_ms: 20,
        send: true,
        rtcp: remote,
        signals_from: None,
    };
    rig.connect(STATION, agreed(callee));
    rig.connect(CALLED, agreed(caller));
    rig.obey(Command::Listen { leg: CALLED, on: true });
    rig.run(100);
    let keys: Vec<_> = "19*".chars().filter_map(Key::from_char).collect();
    rig.obey(Command::Press { leg: STATION, keys });
    rig.run(800);
    rig.obey(Command::Babble { leg: STATION, voice: Some(Voice::Low) });
    rig.run(2_000);
    rig.obey(Command::Babble { leg: STATION, voice: None });
    rig.run(1_000);
    let mut keys = Vec::new();
    let mut sounds = Vec::new();
    for event in rig.events() {
        if let MediaEvent::Key { leg: CALLED, key, onset, .. } = event {
            keys.push((key.label(), onset.since(at(0)).as_millis()));
        } else if let MediaEvent::Sound { leg: CALLED, sounding, since } = event {
            sounds.push((sounding, since.since(at(0)).as_millis() / 100));
        } else {
            assert!(matches!(event, MediaEvent::Live { .. }), "{event:?}");
        }
    }
    let labels: String = keys.iter().map(|(label, _)| *label).collect();
    assert_eq!(labels, "19*");
    assert_eq!(keys[1].1 - keys[0].1, 200);
    assert_eq!(sounds, [(true, 9), (false, 29)]);
    assert_eq!(rig.statistics(CALLED).unknown, 0);
}

#[test]
fn keys_are_not_pressed_on_a_leg_that_does_not_understand_them() {
    let mut rig = Rig::new();
    let phone = rig.open(STATION);
    rig.connect(STATION, Agreed { telephone_event: None, ..phone.agreed() });
    rig.obey(Command::Press { leg: STATION, keys: vec![Key::STAR] });
    rig.run(100);
    let sent = rig.statistics(STATION).sent;
    assert!(phone.hear_all(sent).iter().all(|(header, _)| header.payload_type == 0));
}

/// Panics when it is handed a second.
struct Faulty(std::sync::mpsc::Sender<&'static str>);

impl Tap for Faulty {
    fn second(&mut self, _: model::Second) {
        panic!("a fault in a tap, on purpose");
    }

    fn end(self: Box<Self>) {
        self.0.send("ended").unwrap();
    }
}

#[test]
fn a_panic_costs_one_call() {
    let mut rig = Rig::new();
    let other = CallId(8).leg(Side::Station);
    let mut phone = rig.phone(other, Codec::Pcmu);
    let _phones = [rig.phone(STATION, Codec::Pcmu), rig.phone(CALLED, Codec::Pcmu)];
    let (ended, end) = std::sync::mpsc::channel();
    rig.obey(Command::Bridge { call: CALL, tap: Some(Box::new(Faulty(ended))) });
    rig.run(1_300);
    assert_eq!(rig.events(), [MediaEvent::Broken { call: CALL }]);
    assert_eq!(end.try_recv(), Ok("ended"));
    rig.play(STATION, 1, &script());
    assert_eq!(rig.ends(), [(1, PlayEnded::Cut)], "its legs are gone");
    phone.speak(&[0xff; 160]);
    rig.deliver(other, 1);
    rig.play(other, 2, &script());
    rig.run(1_000);
    assert!(matches!(rig.ends()[..], [(2, PlayEnded::Complete { .. })]));
    // Its place and its id can be used again.
    let mut again = rig.phone(STATION, Codec::Pcmu);
    again.speak(&[0xff; 160]);
    rig.deliver(STATION, 1);
    assert_eq!(rig.events(), [MediaEvent::Live { leg: STATION }]);
}

#[test]
fn a_leg_opened_again_replaces_the_first() {
    let (mut rig, _phone) = live();
    rig.play(STATION, 1, &script());
    rig.run(20);
    let mut second = rig.phone(STATION, Codec::Pcmu);
    assert_eq!(rig.ends(), [(1, PlayEnded::Cut)]);
    second.speak(&[0xff; 160]);
    rig.deliver(STATION, 1);
    assert_eq!(rig.events(), [MediaEvent::Live { leg: STATION }]);
    let play = rig.play(STATION, 2, &script());
    rig.run(1_000);
    assert!(matches!(rig.ends()[..],
        [(2, PlayEnded::Complete { content, .. })] if content == play.content()));
}

/// The tones of `5`, so many milliseconds, in packets of 20 ms.
fn five(ms: u32) -> Vec<Vec<u8>> {
    let sine = |hz: f64, n: u32| (std::f64::consts::TAU * hz * f64::from(n) / 8_000.0).sin();
    let octets: Vec<u8> = (0..ms * 8)
        .map(|n| {
            #[expect(clippy::cast_possible_truncation, reason = "far below the limit")]
            let sample = (6_000.0 * (sine(770.0, n) + sine(1_336.0, n))) as i16;
            crate::g711::mu_from_linear(sample)
        })
        .collect();
    octets.chunks(160).map(<[u8]>::to_vec).collect()
}

#[test]
fn keys_sound_in_the_audio_only_where_no_events_are_agreed() {
    for (telephone_event, expected) in [(Some(EVENTS), 0), (None, 1)] {
        let mut rig = Rig::new();
        let mut phone = rig.open(STATION);
        rig.connect(STATION, Agreed { telephone_event, ..phone.agreed() });
        for packet in five(100) {
            phone.speak(&packet);
            rig.run(20);
        }
        rig.deliver(STATION, 5);
        let keys: Vec<_> = rig
            .events()
            .into_iter()
            .filter_map(|event| match event {
                MediaEvent::Key { key, onset, path, .. } => Some((key.label(), onset, path)),
                MediaEvent::Played { .. }
                | MediaEvent::Live { .. }
                | MediaEvent::Lost { .. }
                | MediaEvent::Sound { .. }
                | MediaEvent::Closed { .. }
                | MediaEvent::Broken { .. } => None,
            })
            .collect();
        assert_eq!(keys.len(), expected, "{telephone_event:?}");
        for (key, onset, path) in keys {
            assert_eq!((key, path), ('5', KeyPath::Inband));
            assert!(onset < at(40), "the tone began with the first packet");
        }
    }
}

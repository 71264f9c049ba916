use crate::{
    Capture,
    engine::Command,
    g711::{a_from_linear, mu_from_linear},
    limits::{NAME_QUIET, NAME_SPOKEN_WITHIN, NAME_TAIL_OCTETS},
    rig::{CALL, CALLED, Phone, Rig, STATION, at},
    rtp::Header,
};
use model::{Codec, speech::OWN_VOICE_OCTETS_MAX};
use std::sync::{Arc, Mutex};

/// What became of a capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Fate {
    #[default]
    Running,
    Dropped,
    Silent,
    Said(Vec<u8>),
}

struct Keeper(Arc<Mutex<Fate>>);

impl Capture for Keeper {
    fn captured(self: Box<Self>, spoken: Option<Vec<u8>>) {
        *self.0.lock().unwrap() = spoken.map_or(Fate::Silent, Fate::Said);
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let mut fate = self.0.lock().unwrap();
        if *fate == Fate::Running {
            *fate = Fate::Dropped;
        }
    }
}

/// A person at a station who is to say their name.
struct Booth {
    rig: Rig,
    phone: Phone,
    sent: u64,
    fate: Arc<Mutex<Fate>>,
}

const LOUD: i16 = 6_000;

impl Booth {
    fn new(codec: Codec) -> Self {
        let mut rig = Rig::new();
        let phone = rig.phone(STATION, codec);
        let mut booth = Self { rig, phone, sent: 0, fate: Arc::default() };
        booth.begin();
        booth
    }

    fn begin(&mut self) {
        self.fate = Arc::default();
        let capture = Box::new(Keeper(Arc::clone(&self.fate)));
        self.rig.obey(Command::Capture { call: CALL, capture });
    }

    fn fate(&self) -> Fate {
        self.fate.lock().unwrap().clone()
    }

    fn said(&self) -> Vec<u8> {
        match self.fate() {
            Fate::Said(octets) => octets,
            other @ (Fate::Running | Fate::Dropped | Fate::Silent) => panic!("{other:?}"),
        }
    }

    /// One packet, and its time.
    fn send(&mut self, octets: &[u8]) {
        self.phone.speak(octets);
        self.arrive();
    }

    fn arrive(&mut self) {
        self.sent += 1;
        self.rig.deliver(STATION, self.sent);
        self.rig.run(20);
    }

    /// So many packets of this amplitude.
    fn packets(&mut self, count: usize, amplitude: i16) {
        for _ in 0..count {
            self.send(&[mu_from_linear(amplitude); 160]);
        }
    }
}

#[test]
fn a_name_is_taken_from_its_first_sound_to_its_last() {
    let mut booth = Booth::new(Codec::Pcmu);
    booth.packets(50, 0);
    booth.packets(30, LOUD);
    assert_eq!(booth.fate(), Fate::Running);
    booth.packets(41, 0);
    let said = booth.said();
    let loud = said.iter().filter(|octet| **octet == mu_from_linear(LOUD)).count();
    assert_eq!(loud, 30 * 160, "all of it");
    assert_eq!(said.len(), 480 + 30 * 160 + NAME_TAIL_OCTETS, "and no more than edges around it");
}

#[test]
fn two_seconds_are_two_seconds_to_the_sample() {
    for codec in [Codec::Pcmu, Codec::Pcma] {
        let mut booth = Booth::new(codec);
        let octet = match codec {
            Codec::Pcmu => mu_from_linear(LOUD),
            Codec::Pcma => a_from_linear(LOUD),
        };
        for packet in 0..100 {
            assert_eq!(booth.fate(), Fate::Running, "{packet}");
            // The static payload types of RFC 3551.
            booth.phone.header.payload_type = codec.payload_type();
            booth.send(&[octet; 161]);
        }
        let said = booth.said();
        assert_eq!(said.len(), OWN_VOICE_OCTETS_MAX);
        let expected = Codec::Pcmu.linear(mu_from_linear(codec.linear(octet)));
        assert!(said.iter().all(|octet| Codec::Pcmu.linear(*octet) == expected));
        booth.packets(10, LOUD);
        assert_eq!(booth.said().len(), OWN_VOICE_OCTETS_MAX, "nothing is taken after that");
    }
}

#[test]
fn nothing_said_is_nothing() {
    let mut booth = Booth::new(Codec::Pcmu);
    let packets = usize::try_from(NAME_SPOKEN_WITHIN.as_millis() / 20).unwrap();
    booth.packets(packets - 1, 0);
    assert_eq!(booth.fate(), Fate::Running);
    booth.packets(2, 0);
    assert_eq!(booth.fate(), Fate::Silent);
    // A click is no name.
    booth.begin();
    booth.packets(5, LOUD);
    booth.packets(41, 0);
    assert_eq!(booth.fate(), Fate::Silent);
    // Nor are a telephone that sends nothing, and one that falls silent.
    booth.begin();
    booth.rig.run(5_010);
    assert_eq!(booth.fate(), Fate::Silent);
    booth.begin();
    booth.packets(20, LOUD);
    booth.rig.run(u64::try_from(NAME_QUIET.as_millis()).unwrap());
    assert_eq!(booth.said().len(), 20 * 160);
}

#[test]
fn a_key_ends_it_and_is_not_in_it() {
    // As an event.
    let mut booth = Booth::new(Codec::Pcmu);
    booth.packets(30, LOUD);
    booth.phone.event('#', false, 160);
    booth.arrive();
    assert_eq!(booth.said().len(), 30 * 160);
    // As a tone, whatever was agreed about events: a notice must not press keys.
    booth.begin();
    booth.packets(30, LOUD);
    let tone = |sample: u32| {
        let at = |hertz: f64| (f64::from(sample) * hertz * std::f64::consts::TAU / 8_000.0).sin();
        #[expect(clippy::cast_possible_truncation, reason = "within 16 bits")]
        mu_from_linear(((at(941.0) + at(1_477.0)) * 8_000.0) as i16)
    };
    for packet in 0..10_u32 {
        if booth.fate() != Fate::Running {
            break;
        }
        let octets: Vec<u8> = (packet * 160..(packet + 1) * 160).map(tone).collect();
        booth.send(&octets);
    }
    let said = booth.said();
    assert!(said.len() <= 30 * 160 + 80, "{} octets: it hears itself pressing", said.len());
    assert!(said.len() >= 29 * 160, "{} octets", said.len());
}

#[test]
fn what_is_lost_is_a_gap_and_what_comes_twice_is_once() {
    let mut booth = Booth::new(Codec::Pcmu);
    booth.packets(10, LOUD);
    booth.phone.skip(160);
    booth.packets(10, LOUD);
    // The first packet again.
    let first = Header { sequence: 65_530, timestamp: 9, ..booth.phone.header };
    booth.phone.send(first, &[mu_from_linear(-LOUD); 160]);
    booth.arrive();
    booth.packets(41, 0);
    let said = booth.said();
    assert_eq!(said.len(), 21 * 160 + NAME_TAIL_OCTETS);
    assert!(said[1_600..1_760].iter().all(|octet| *octet == 0xff));
    assert!(said.iter().all(|octet| *octet != mu_from_linear(-LOUD)));
}

#[test]
fn nothing_is_taken_once_there_is_a_called_leg() {
    // It comes while a name is said.
    let mut booth = Booth::new(Codec::Pcmu);
    booth.packets(30, LOUD);
    let called = booth.rig.open(CALLED);
    assert_eq!(booth.fate(), Fate::Dropped);
    // It was there, connected or not, before.
    booth.begin();
    assert_eq!(booth.fate(), Fate::Dropped);
    booth.rig.connect(CALLED, called.agreed());
    booth.rig.obey(Command::Bridge { call: CALL, tap: None });
    booth.begin();
    assert_eq!(booth.fate(), Fate::Dropped);
    // Nor where the station is gone, or never was.
    booth.rig.obey(Command::Close { leg: CALLED });
    booth.begin();
    assert_eq!(booth.fate(), Fate::Running);
    booth.rig.obey(Command::Close { leg: STATION });
    assert_eq!(booth.fate(), Fate::Dropped);
    booth.begin();
    assert_eq!(booth.fate(), Fate::Dropped);
    assert!(booth.rig.now > at(0));
}

//! Calls over a link that loses, doubles, reorders and delays RTP, by seed: two telephones that
//! speak and press keys, through sockets, bridge and tap, by a clock that stands still until it is
//! moved. What must be heard follows from what arrived.

use crate::{
    MediaEvent,
    event::{EVENT_OCTETS, Event},
    limits::TICK,
    rig::{CALLED, EVENTS, Kept, Phone, Rig, STATION, at},
    rtp::Header,
};
use model::{Codec, Key, LegId, Second, fact::KeyPath};
use std::collections::BTreeMap;

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}

/// How bad a link is, in percent and microseconds.
struct Weather {
    lost: u64,
    twice: u64,
    late: u64,
    delay: u64,
    jitter: u64,
    late_most: u64,
}

/// What one telephone sends: packets with the time at which they leave, in microseconds, and the
/// number of the key they are of.
struct Stream {
    packets: Vec<(u64, Header, Vec<u8>, Option<usize>)>,
    keys: Vec<u8>,
}

/// A packet that arrives.
struct Arrival {
    side: usize,
    header: Header,
    octets: Vec<u8>,
}

impl Stream {
    fn new(dice: &mut Dice, ssrc: u32) -> Self {
        let (mut packets, mut keys) = (Vec::new(), Vec::new());
        let mut header = Header {
            marker: false,
            payload_type: 0,
            sequence: u16::try_from(dice.below(1 << 16)).unwrap(),
            timestamp: u32::try_from(dice.below(1 << 32)).unwrap(),
            ssrc,
        };
        let (mut number, mut silent) = (0, 20 + dice.below(50));
        while number < PACKETS {
            if number < silent || number + 60 > PACKETS {
                let octet = u8::try_from(number % 200 + 1).unwrap();
                packets.push((number * 20_000, header, vec![octet; 160], None));
                header.sequence = header.sequence.wrapping_add(1);
                header.timestamp = header.timestamp.wrapping_add(160);
                number += 1;
                continue;
            }
            // A tone of 60 to 200 ms, whose end is sent three times (RFC 4733 section 2.5.1.4).
            let code = u8::try_from(dice.below(12)).unwrap();
            let (length, key) = (3 + dice.below(8), keys.len());
            keys.push(code);
            for part in 0..length + 2 {
                let duration = u16::try_from((part + 1).min(length) * 160).unwrap();
                let mut octets = [0; EVENT_OCTETS];
                Event { code, end: part + 1 >= length, duration }.write(&mut octets);
                let event = Header { payload_type: EVENTS, marker: part == 0, ..header };
                packets.push(((number + part) * 20_000, event, octets.to_vec(), Some(key)));
                header.sequence = header.sequence.wrapping_add(1);
            }
            number += length + 2;
            header.timestamp =
                header.timestamp.wrapping_add(u32::try_from((length + 2) * 160).unwrap());
            // Nobody presses faster than three keys a second, and nothing is later than that.
            silent = number + 10 + dice.below(60);
        }
        Self { packets, keys }
    }
}

/// What the link makes of two streams.
struct Arrivals {
    /// By when, and then in the order in which they were sent.
    packets: BTreeMap<(u64, u64), Arrival>,
    counts: [u64; 2],
    /// The keys of which a packet arrives.
    known: [Vec<bool>; 2],
}

/// Sends what both streams send through the link. Gives what arrives.
fn through(dice: &mut Dice, weather: &Weather, streams: &[Stream; 2]) -> Arrivals {
    let mut arrivals = BTreeMap::new();
    let mut counts = [0; 2];
    let mut known = streams.each_ref().map(|stream| vec![false; stream.keys.len()]);
    for (side, stream) in streams.iter().enumerate() {
        for (leaves, header, octets, key) in &stream.packets {
            let copies = 1 + u64::from(dice.below(100) < weather.twice);
            for _ in 0..copies {
                if dice.below(100) < weather.lost {
                    continue;
                }
                let late = dice.below(100) < weather.late;
                let more = if late { dice.below(weather.late_most + 1) } else { 0 };
                let delay = weather.delay + dice.below(weather.jitter + 1) + more;
                let arrival = Arrival { side, header: *header, octets: octets.clone() };
                arrivals.insert((leaves + delay, arrivals.len() as u64), arrival);
                counts[side] += 1;
                if let Some(key) = key {
                    known[side][*key] = true;
                }
            }
        }
    }
    Arrivals { packets: arrivals, counts, known }
}

fn keys_of(events: &[MediaEvent], of: LegId) -> Vec<Key> {
    let key = |event: &MediaEvent| {
        let MediaEvent::Key { leg, key, path, .. } = event else {
            return None;
        };
        assert_eq!(*path, KeyPath::TelephoneEvent);
        (*leg == of).then_some(*key)
    };
    events.iter().filter_map(key).collect()
}

/// Every second is there once, whole, and in its place.
fn whole(seed: u64, kept: &Kept) {
    let seconds: &[Second] = &kept.seconds;
    let count = u32::try_from(seconds.len()).unwrap();
    assert!((SECONDS..=SECONDS + 1).contains(&count), "seed {seed}: {count} seconds of {SECONDS}");
    for (index, second) in (0..).zip(seconds) {
        assert_eq!(second.index, index, "seed {seed}");
        for track in [&second.station, &second.called] {
            assert_eq!(track.octets.len(), 8_000, "seed {seed}, second {index}");
        }
    }
}

/// How far apart, in samples, packets of one direction were laid from where they were spoken.
fn spread(seconds: &[Second], track: impl Fn(&Second) -> &[u8]) -> i64 {
    let octets: Vec<u8> = seconds.iter().flat_map(|second| track(second).to_vec()).collect();
    let (mut least, mut most) = (i64::MAX, i64::MIN);
    for place in 1..octets.len() {
        let octet = octets[place];
        if octet == octets[place - 1] || !(1..=200).contains(&octet) {
            continue;
        }
        let place = i64::try_from(place).unwrap();
        let about = place / 160;
        let number = about + (i64::from(octet) - 1 - about + 300).rem_euclid(200) - 100;
        least = least.min(place - number * 160);
        most = most.max(place - number * 160);
    }
    most - least
}

fn play(seed: u64) -> [usize; 2] {
    let mut dice = Dice(seed);
    let weather = Weather {
        lost: dice.below(41),
        twice: dice.below(31),
        late: dice.below(31),
        delay: 1_000 + dice.below(150_000),
        jitter: dice.below(30_000),
        late_most: 1_000 + dice.below(120_000),
    };
    let streams = [Stream::new(&mut dice, 77), Stream::new(&mut dice, 78)];
    let Arrivals { packets: mut arrivals, counts, known } = through(&mut dice, &weather, &streams);
    let mut rig = Rig::new();
    let phones = [rig.phone(STATION, Codec::Pcmu), rig.phone(CALLED, Codec::Pcmu)];
    let kept = rig.tap();
    while rig.now < at(i64::from(SECONDS) * 1_000 + 500) {
        rig.now = rig.now.after(TICK);
        let passed = u64::try_from(rig.now.since(at(0)).as_micros()).unwrap();
        while let Some(entry) = arrivals.first_entry().filter(|entry| entry.key().0 <= passed) {
            let Arrival { side, header, octets } = entry.remove();
            phones[side].send(header, &octets);
        }
        rig.tick();
        phones.iter().for_each(Phone::forget);
    }
    let events = rig.events();
    let mut heard = [0; 2];
    for (side, leg) in [STATION, CALLED].into_iter().enumerate() {
        // What comes again is not counted again.
        let received = rig.statistics(leg).received;
        assert!(received <= counts[side] && received > 0, "seed {seed}: {received} came");
        let arrived = streams[side].keys.iter().zip(&known[side]).filter(|(_, known)| **known);
        let wanted: Vec<_> = arrived.map(|(code, _)| Key::from_event(*code).unwrap()).collect();
        let found = keys_of(&events, leg);
        let labels = |keys: &[Key]| keys.iter().map(|key| key.label()).collect::<String>();
        assert_eq!(labels(&found), labels(&wanted), "seed {seed}, side {side}");
        heard[side] = found.len();
    }
    let kept = kept.lock().unwrap();
    whole(seed, &kept);
    // A packet lies where its timestamp says; the whole moves with the delay of the link alone.
    let apart = [
        spread(&kept.seconds, |second| &second.station.octets),
        spread(&kept.seconds, |second| &second.called.octets),
    ];
    assert!(apart.iter().all(|samples| *samples <= SPREAD_SAMPLES_MAX), "seed {seed}: {apart:?}");
    heard
}

/// `WEATHER_SEEDS=100..2000 cargo test -p media --lib weather` tries others, and as many as are
/// wanted.
#[test]
fn keys_and_seconds_survive_a_bad_link() {
    let wanted = std::env::var("WEATHER_SEEDS").unwrap_or_else(|_| SEEDS.to_owned());
    let (from, to) = wanted.split_once("..").unwrap();
    let (from, to): (u64, u64) = (from.parse().unwrap(), to.parse().unwrap());
    let heard: usize = (from..to).map(|seed| play(seed).iter().sum::<usize>()).sum();
    assert!(heard as u64 > (to - from) * 5, "only {heard} keys were heard: little is proved");
}

const SECONDS: u32 = 12;
/// Both speak on a little longer than the seconds that are looked at.
const PACKETS: u64 = 50 * (SECONDS as u64 + 1);
const SEEDS: &str = "0..40";
/// 60 ms, what a delay that changes can move the tap by.
const SPREAD_SAMPLES_MAX: i64 = 480;

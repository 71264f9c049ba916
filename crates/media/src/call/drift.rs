//! Half an hour of two telephones whose clocks run apart, through sockets, bridge and tap.

use crate::{
    limits::TICK,
    rig::{CALLED, Phone, Rig, STATION, at},
};
use model::{Codec, Second, Timestamp};

const PACKETS: i64 = 30 * 60 * 50;
/// More packets than can be out of place, so that an octet says which packet it is from.
const OCTETS: i64 = 200;

/// When packet `number` of a clock that is off was spoken, in microseconds.
fn spoken_us(number: i64, ppm: i64) -> i64 {
    number * 20_000 - number * 20_000 / 1_000_000 * ppm
}

/// How far, in samples, the tap laid each packet from where it was spoken, second by second.
fn displaced(seconds: &[Second], ppm: i64, track: impl Fn(&Second) -> &[u8]) -> Vec<i64> {
    let mut worst = Vec::new();
    for second in seconds {
        let octets = track(second);
        let begins = i64::from(second.index) * 8_000;
        let first =
            (1..octets.len()).find(|at| octets[*at] != octets[at - 1] && octets[*at] != 255);
        let Some(first) = first else { continue };
        let position = begins + i64::try_from(first).unwrap();
        let value = i64::from(octets[first]) - 1;
        // The packet with this octet that is nearest.
        let about = position / 160;
        let number = about + (value - about + OCTETS * 3 / 2).rem_euclid(OCTETS) - OCTETS / 2;
        worst.push(position - spoken_us(number, ppm) * 8 / 1_000);
    }
    worst
}

fn check(station_ppm: i64, called_ppm: i64) {
    let mut rig = Rig::new();
    let mut phones = [rig.phone(STATION, Codec::Pcmu), rig.phone(CALLED, Codec::Pcmu)];
    let kept = rig.tap();
    let mut next = [0_i64; 2];
    let speak = |phone: &mut Phone, number: i64| {
        let octet = u8::try_from(number % OCTETS + 1).unwrap();
        phone.speak(&[octet; 160]);
    };
    while next[0] < PACKETS && next[1] < PACKETS {
        rig.now = rig.now.after(TICK);
        let passed = rig.now.since(at(0)).as_micros();
        for (side, ppm) in [station_ppm, called_ppm].into_iter().enumerate() {
            // Each comes up to 14 ms after it was spoken, and is spoken when it is whole.
            let jitter_us = next[side] * 37 % 15 * 1_000;
            let arrives = spoken_us(next[side] + 1, ppm) + jitter_us;
            if u128::try_from(arrives).unwrap() <= passed {
                speak(&mut phones[side], next[side]);
                next[side] += 1;
            }
        }
        rig.tick();
        if passed.is_multiple_of(500_000) {
            phones.iter().for_each(Phone::forget);
        }
    }
    let received = [STATION, CALLED].map(|leg| rig.statistics(leg).received);
    assert_eq!(received, next.map(|count| u64::try_from(count).unwrap()), "the system lost some");
    let seconds = std::mem::take(&mut kept.lock().unwrap().seconds);
    assert!(seconds.len() >= 1_795);
    let station = displaced(&seconds, station_ppm, |second| &second.station.octets);
    let called = displaced(&seconds, called_ppm, |second| &second.called.octets);
    assert!(station.len() > 1_790 && called.len() == station.len());
    let apart = station.iter().zip(&called).map(|(one, other)| (one - other).abs()).max();
    // 20 ms are 160 samples.
    assert!(apart <= Some(160), "{apart:?} samples at {station_ppm} and {called_ppm} ppm");
}

#[test]
fn clocks_that_run_apart_stay_together_on_the_tap() {
    check(100, -100);
}

#[test]
fn the_measure_tells_what_is_out_of_place() {
    let octets = [[255; 100].as_slice(), &[1; 160], &[2; 7_740]].concat();
    let track = model::Track { codec: Codec::Pcmu, rtp_time: 0, octets };
    let second = Second {
        index: 0,
        started: Timestamp::from_micros(0),
        station: track.clone(),
        called: track,
    };
    assert_eq!(displaced(&[second], 0, |second| &second.station.octets), [100]);
}

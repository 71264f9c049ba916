//! Keys heard as tones: every key of a telephone under what ITU-T Q.24 wants accepted, and none in
//! hours of generated sound that holds no key.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod sound;

use media::ToneEar;
use model::{Codec, Timestamp};
use sound::{Dice, HIGH_HZ, LABELS, LOW_HZ, encode, hiss, level, scene, silence, tones};

/// The keys heard in a sound, with their onset in milliseconds. Packets hold `packet` samples; each
/// arrives when its last sample was spoken.
fn heard(codec: Codec, sound: &[f32], packet: usize) -> Vec<(char, i64)> {
    let mut ear = ToneEar::default();
    let mut keys = Vec::new();
    let mut position = 0;
    for octets in encode(codec, sound).chunks(packet) {
        let timestamp = u32::try_from(position).unwrap();
        position += octets.len();
        let arrived = Timestamp::from_micros(i64::try_from(position).unwrap() * 125);
        ear.hear(codec, timestamp, octets, arrived, |key, onset| {
            keys.push((key.label(), onset.micros() / 1_000));
        });
    }
    keys
}

/// How a key sounds.
#[derive(Clone, Copy, Debug)]
struct Press {
    tone_ms: f32,
    pause_ms: f32,
    dbm0: f32,
    /// The high tone over the low one, in decibels.
    twist_db: f32,
    /// Parts by which both tones are off.
    detuned: (f32, f32),
    /// Noise, in decibels below the tones.
    noise_db: f32,
}

const PLAIN: Press = Press {
    tone_ms: 80.0,
    pause_ms: 80.0,
    dbm0: -10.0,
    twist_db: 0.0,
    detuned: (0.0, 0.0),
    noise_db: 60.0,
};

/// All sixteen keys, one after the other; gives what is heard of them, with both laws.
fn sweep(press: Press, seed: u64) -> Vec<Vec<(char, i64)>> {
    let mut dice = Dice::new(seed);
    let mut sound = Vec::new();
    silence(100.0, &mut sound);
    for low in LOW_HZ {
        for high in HIGH_HZ {
            let sines = [
                (low * (1.0 + press.detuned.0), level(press.dbm0)),
                (high * (1.0 + press.detuned.1), level(press.dbm0 + press.twist_db)),
            ];
            let phase = dice.between(0.0, 6.0);
            tones(&sines, press.tone_ms, phase, &mut sound);
            silence(press.pause_ms, &mut sound);
        }
    }
    silence(60.0, &mut sound);
    let loudest = press.dbm0 + press.twist_db.max(0.0);
    hiss(loudest - press.noise_db, &mut dice, &mut sound);
    [Codec::Pcmu, Codec::Pcma].map(|codec| heard(codec, &sound, 160)).to_vec()
}

#[track_caller]
fn all_are_heard(press: Press) {
    for seed in 1..=4 {
        for keys in sweep(press, seed) {
            let labels: String = keys.iter().map(|(key, _)| key).collect();
            assert_eq!(labels, "123A456B789C*0#D", "{press:?}, seed {seed}");
        }
    }
}

#[track_caller]
fn none_is_heard(press: Press) {
    for seed in 1..=4 {
        for keys in sweep(press, seed) {
            assert_eq!(keys, [], "{press:?}, seed {seed}");
        }
    }
}

#[test]
fn every_key_is_heard_once_and_its_onset_is_where_it_began() {
    all_are_heard(PLAIN);
    for keys in sweep(PLAIN, 9) {
        for ((_, onset), began) in keys.iter().zip((100..).step_by(160)) {
            assert!((onset - began).abs() <= 14, "{onset} ms for {began} ms");
        }
    }
    assert_eq!(LABELS[3], ['*', '0', '#', 'D']);
}

#[test]
fn keys_are_heard_at_every_level_and_twist_that_q24_wants_accepted() {
    for weaker in [-25.0, -20.0, -12.0, -8.0] {
        for twist_db in [-8.0, -4.0, 0.0, 4.0_f32] {
            let dbm0 = weaker - twist_db.min(0.0);
            all_are_heard(Press { dbm0, twist_db, ..PLAIN });
        }
    }
}

#[test]
fn keys_are_heard_off_their_frequency_by_one_and_a_half_percent() {
    for low in [-0.015, 0.0, 0.015] {
        for high in [-0.015, 0.0, 0.015] {
            all_are_heard(Press { detuned: (low, high), ..PLAIN });
            all_are_heard(Press { detuned: (low, high), noise_db: 20.0, ..PLAIN });
        }
    }
}

#[test]
fn keys_are_heard_in_noise_and_when_they_are_short() {
    all_are_heard(Press { noise_db: 15.0, ..PLAIN });
    all_are_heard(Press { tone_ms: 40.0, pause_ms: 40.0, ..PLAIN });
    all_are_heard(Press { tone_ms: 40.0, pause_ms: 40.0, dbm0: -25.0, ..PLAIN });
    all_are_heard(Press { tone_ms: 45.0, noise_db: 20.0, ..PLAIN });
    all_are_heard(Press { tone_ms: 2_000.0, ..PLAIN });
}

#[test]
fn what_q24_wants_refused_is_no_key() {
    none_is_heard(Press { tone_ms: 22.0, ..PLAIN });
    none_is_heard(Press { dbm0: -40.0, ..PLAIN });
    none_is_heard(Press { twist_db: 14.0, ..PLAIN });
    none_is_heard(Press { twist_db: -16.0, ..PLAIN });
    for off in [-0.035, 0.035] {
        none_is_heard(Press { detuned: (off, 0.0), ..PLAIN });
        none_is_heard(Press { detuned: (0.0, off), ..PLAIN });
    }
    none_is_heard(Press { noise_db: -3.0, ..PLAIN });
}

/// Tones as (ms, sounding); what is heard of a key that is interrupted so.
#[track_caller]
fn interrupted(parts: &[(f32, bool)], expected: usize) {
    let mut sound = Vec::new();
    for (ms, sounding) in parts {
        let amplitude = if *sounding { level(-10.0) } else { 0.0 };
        tones(&[(770.0, amplitude), (1_336.0, amplitude)], *ms, 1.0, &mut sound);
    }
    silence(100.0, &mut sound);
    for codec in [Codec::Pcmu, Codec::Pcma] {
        let keys = heard(codec, &sound, 240);
        assert_eq!(keys.len(), expected, "{parts:?}: {keys:?}");
        assert!(keys.iter().all(|(key, _)| *key == '5'));
    }
}

#[test]
fn a_gap_of_ten_milliseconds_is_none_and_one_of_forty_is() {
    interrupted(&[(80.0, true)], 1);
    interrupted(&[(60.0, true), (10.0, false), (60.0, true)], 1);
    interrupted(&[(60.0, true), (40.0, false), (60.0, true)], 2);
    interrupted(&[(60.0, true), (40.0, false), (60.0, true), (45.0, false), (50.0, true)], 3);
}

#[test]
fn a_lost_packet_within_a_key_makes_no_second_one() {
    let mut sound = Vec::new();
    tones(&[(852.0, 6_000.0), (1_209.0, 6_000.0)], 300.0, 0.0, &mut sound);
    let octets = encode(Codec::Pcmu, &sound);
    for lost in 0..15 {
        let mut ear = ToneEar::default();
        let mut keys = 0;
        for (number, octets) in octets.chunks(160).enumerate().filter(|(n, _)| *n != lost) {
            let timestamp = u32::try_from(number * 160).unwrap();
            let now = Timestamp::from_micros(i64::try_from(number).unwrap() * 20_000);
            ear.hear(Codec::Pcmu, timestamp, octets, now, |_, _| keys += 1);
        }
        assert_eq!(keys, 1, "packet {lost} was lost");
    }
}

/// The short form of `cargo run --release -p media --example dtmf -- 10`.
#[test]
fn speech_music_and_tones_hold_no_key() {
    for (seed, codec) in [(1, Codec::Pcmu), (2, Codec::Pcma)] {
        let mut dice = Dice::new(seed);
        let mut ear = ToneEar::default();
        let mut position: u32 = 0;
        while position < 120 * 8_000 {
            let mut sound = Vec::new();
            let name = scene(&mut dice, &mut sound);
            for octets in encode(codec, &sound).chunks(160) {
                ear.hear(codec, position, octets, Timestamp::from_micros(0), |key, _| {
                    let at = f64::from(position) / 8_000.0;
                    panic!("{} in {name} at {at:.2} s, seed {seed}", key.label());
                });
                position += u32::try_from(octets.len()).unwrap();
            }
        }
    }
}

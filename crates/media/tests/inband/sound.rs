//! Generated sound, the same for the same seed: keys as a telephone sounds them, and everything
//! that must not be taken for one.

use media::g711::{a_from_linear, mu_from_linear};
use model::Codec;
use std::f32::consts::TAU;

pub(crate) const RATE: f32 = 8_000.0;
/// Amplitude of a sine of 0 dBm0 (G.711: full scale is 3.17 dBm0).
pub(crate) const ZERO_DBM0: f32 = 22_300.0;
pub(crate) const LOW_HZ: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
pub(crate) const HIGH_HZ: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
/// The keys, by low and high tone.
pub(crate) const LABELS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// Numbers that look random, the same for the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// From 0 to 1.
    pub(crate) fn part(&mut self) -> f32 {
        f32::from(u16::try_from(self.next() >> 48).unwrap_or(0)) / 65_536.0
    }

    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.part()
    }

    /// From 0 to `count` less one.
    pub(crate) fn of(&mut self, count: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or(0) % count
    }

    /// Normally distributed, with a deviation of 1.
    pub(crate) fn noise(&mut self) -> f32 {
        (0..6).map(|_| self.part() - 0.5).sum::<f32>() * 1.414
    }
}

/// Amplitude of a sine so many decibels over 0 dBm0.
pub(crate) fn level(dbm0: f32) -> f32 {
    ZERO_DBM0 * 10.0_f32.powf(dbm0 / 20.0)
}

pub(crate) fn samples(ms: f32) -> usize {
    let count = (ms * 8.0).round().max(0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole count")]
    let count = count as usize;
    count
}

/// Sines that sound together for a while, each as (frequency, amplitude), with soft edges of 1 ms.
pub(crate) fn tones(sines: &[(f32, f32)], ms: f32, phase: f32, out: &mut Vec<f32>) {
    let mut turning: Vec<_> = sines
        .iter()
        .map(|(hz, amplitude)| {
            let step = TAU * hz / RATE;
            let start = phase + hz;
            (start.sin() * amplitude, start.cos() * amplitude, step.sin(), step.cos())
        })
        .collect();
    let count = samples(ms);
    for index in 0..count {
        let edge = index.min(count - 1 - index);
        let soft = if edge < 8 { f32::from(u8::try_from(edge).unwrap_or(0)) / 8.0 } else { 1.0 };
        let mut sum = 0.0;
        for (y, x, sine, cosine) in &mut turning {
            sum += *y;
            (*y, *x) = (*y * *cosine + *x * *sine, *x * *cosine - *y * *sine);
        }
        out.push(sum * soft);
    }
}

pub(crate) fn silence(ms: f32, out: &mut Vec<f32>) {
    out.resize(out.len() + samples(ms), 0.0);
}

/// Adds noise of so many decibels over 0 dBm0 to everything.
pub(crate) fn hiss(dbm0: f32, dice: &mut Dice, sound: &mut [f32]) {
    let deviation = level(dbm0) / 1.414;
    for sample in sound {
        *sample += deviation * dice.noise();
    }
}

/// As a telephone sends it.
pub(crate) fn encode(codec: Codec, sound: &[f32]) -> Vec<u8> {
    sound
        .iter()
        .map(|sample| {
            #[expect(clippy::cast_possible_truncation, reason = "clamped to what fits")]
            let sample = sample.clamp(-32_768.0, 32_767.0).round() as i16;
            match codec {
                Codec::Pcmu => mu_from_linear(sample),
                Codec::Pcma => a_from_linear(sample),
            }
        })
        .collect()
}

/// One of many kinds of sound, none of which is a key, some seconds long; says which.
pub(crate) fn scene(dice: &mut Dice, out: &mut Vec<f32>) -> &'static str {
    let start = out.len();
    let (name, hiss_dbm0) = match dice.of(12) {
        0..=4 => (speech(dice, out), -70.0),
        5 | 6 => (music(dice, out), -70.0),
        7 => (near_keys(dice, out), -70.0),
        8 => (call_progress(dice, out), -70.0),
        9 => (glide(dice, out), -70.0),
        10 => (bursts(dice, out), -70.0),
        _ => {
            silence(dice.between(500.0, 2_000.0), out);
            ("noise", -20.0)
        }
    };
    let dbm0 = hiss_dbm0 + dice.between(0.0, 40.0) * if name == "noise" { 0.3 } else { 1.0 };
    if let Some(sound) = out.get_mut(start..) {
        hiss(dbm0, dice, sound);
    }
    name
}

/// A resonance that a voice excites.
#[derive(Clone, Copy, Default)]
struct Formant {
    one: f32,
    two: f32,
}

impl Formant {
    fn pass(&mut self, hz: f32, width_hz: f32, input: f32) -> f32 {
        let radius = (-std::f32::consts::PI * width_hz / RATE).exp();
        let turn = 2.0 * radius * (TAU * hz / RATE).cos();
        let gain = 1.0 - turn + radius * radius;
        let out = gain * input + turn * self.one - radius * radius * self.two;
        self.two = self.one;
        self.one = out;
        out
    }
}

/// Voices of men, women and children: pulses at a gliding pitch through four moving formants, in
/// syllables with rustling consonants and pauses between.
fn speech(dice: &mut Dice, out: &mut Vec<f32>) -> &'static str {
    const VOWELS: [[f32; 3]; 9] = [
        [730.0, 1_090.0, 2_440.0],
        [270.0, 2_290.0, 3_010.0],
        [300.0, 870.0, 2_240.0],
        [530.0, 1_840.0, 2_480.0],
        [570.0, 840.0, 2_410.0],
        [660.0, 1_720.0, 2_410.0],
        [490.0, 1_350.0, 1_690.0],
        [640.0, 1_190.0, 2_390.0],
        [850.0, 1_220.0, 2_810.0],
    ];
    let voice = [dice.between(80.0, 160.0), dice.between(160.0, 260.0), dice.between(250.0, 420.0)];
    let pitch = voice[dice.of(3)];
    let size = 1.0 + (pitch - 80.0) / 340.0 * 0.35;
    let loud = level(dice.between(-24.0, -4.0));
    let mut formants = [Formant::default(); 4];
    let mut vowel = VOWELS[dice.of(9)].map(|hz| hz * size);
    let (mut pulse, mut last) = (0.0, 0.0);
    for _ in 0..4 + dice.of(14) {
        let next = VOWELS[dice.of(9)].map(|hz| hz * size);
        let (from, to) = (pitch * dice.between(0.8, 1.3), pitch * dice.between(0.8, 1.3));
        let count = samples(dice.between(70.0, 420.0));
        let held = dice.part() < 0.5;
        for index in 0..count {
            #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
            let through = index as f32 / count as f32;
            let moved = if held { (through * 5.0).min(1.0) } else { through };
            pulse += (from + (to - from) * through) * (1.0 + 0.01 * dice.noise()) / RATE;
            let mut glottis = 0.002 * dice.noise();
            if pulse >= 1.0 {
                pulse -= 1.0;
                glottis += 1.0;
            }
            // The mouth radiates differences.
            let source = glottis - 0.9 * last;
            last = glottis;
            let swell = (std::f32::consts::PI * through).sin().max(0.0).sqrt();
            let mut sound = 0.0;
            for (at, formant) in formants.iter_mut().enumerate() {
                let (hz, width, weight) = match (vowel.get(at), next.get(at)) {
                    (Some(now), Some(then)) => {
                        let weight = [14.0, 9.0, 5.0].get(at).copied().unwrap_or(1.0);
                        (now + (then - now) * moved, 50.0 + 30.0 * moved, weight)
                    }
                    _ => (3_300.0, 200.0, 3.0),
                };
                sound += weight * formant.pass(hz.min(3_800.0), width, source);
            }
            out.push(sound * swell * loud);
        }
        vowel = next;
        if dice.part() < 0.5 {
            let rustle = loud * dice.between(0.02, 0.2);
            out.extend((0..samples(dice.between(30.0, 140.0))).map(|_| rustle * dice.noise()));
        }
        if dice.part() < 0.25 {
            silence(dice.between(50.0, 500.0), out);
        }
    }
    "speech"
}

/// Chords of three or four notes of the tempered scale, each with its overtones.
fn music(dice: &mut Dice, out: &mut Vec<f32>) -> &'static str {
    let loud = level(dice.between(-24.0, -8.0)) / 3.0;
    for _ in 0..4 + dice.of(12) {
        let root = 110.0 * 2.0_f32.powf(f32::from(u8::try_from(dice.of(40)).unwrap_or(0)) / 12.0);
        let steps: [f32; 4] = [
            [0.0, 4.0, 7.0, 12.0],
            [0.0, 3.0, 7.0, 10.0],
            [0.0, 4.0, 7.0, 11.0],
            [0.0, 5.0, 7.0, 12.0],
        ][dice.of(4)];
        let notes = 3 + dice.of(2);
        let fade = dice.between(0.3, 0.8);
        let mut sines = Vec::new();
        for step in steps.iter().take(notes) {
            let hz = root * 2.0_f32.powf(step / 12.0);
            let mut amplitude = loud;
            for overtone in 1..=6_u8 {
                let hz = hz * f32::from(overtone);
                if hz < 3_800.0 {
                    sines.push((hz, amplitude));
                }
                amplitude *= fade;
            }
        }
        let phase = dice.between(0.0, TAU);
        tones(&sines, dice.between(80.0, 900.0), phase, out);
    }
    "music"
}

/// Pairs that miss a key: one tone off by more than Q.24 allows, one far louder, or too short.
fn near_keys(dice: &mut Dice, out: &mut Vec<f32>) -> &'static str {
    for _ in 0..10 + dice.of(20) {
        let (mut low, mut high) = (LOW_HZ[dice.of(4)], HIGH_HZ[dice.of(4)]);
        let mut amplitudes = [level(dice.between(-20.0, -6.0)); 2];
        let mut ms = dice.between(40.0, 400.0);
        let off = 1.0 + dice.between(0.036, 0.045) * if dice.part() < 0.5 { 1.0 } else { -1.0 };
        match dice.of(4) {
            0 => low *= off,
            1 => high *= off,
            2 => {
                let weaker = dice.between(-30.0, -14.0);
                amplitudes[dice.of(2)] *= 10.0_f32.powf(weaker / 20.0);
            }
            _ => ms = dice.between(5.0, 20.0),
        }
        let phase = dice.between(0.0, TAU);
        tones(&[(low, amplitudes[0]), (high, amplitudes[1])], ms, phase, out);
        silence(dice.between(30.0, 200.0), out);
    }
    "near keys"
}

/// Dialling, ringing and busy tones of several countries, fax and modem tones, and the three tones
/// before an announcement.
fn call_progress(dice: &mut Dice, out: &mut Vec<f32>) -> &'static str {
    const CADENCES: [(&[f32], f32, f32); 11] = [
        (&[350.0, 440.0], 2_000.0, 0.0),
        (&[440.0, 480.0], 2_000.0, 1_000.0),
        (&[480.0, 620.0], 500.0, 500.0),
        (&[480.0, 620.0], 250.0, 250.0),
        (&[425.0], 500.0, 500.0),
        (&[400.0, 450.0], 400.0, 200.0),
        (&[1_100.0], 500.0, 3_000.0),
        (&[2_100.0], 2_600.0, 0.0),
        (&[1_400.0], 500.0, 1_000.0),
        (&[1_400.0, 2_060.0, 2_450.0, 2_600.0], 100.0, 100.0),
        (&[440.0], 300.0, 900.0),
    ];
    let loud = level(dice.between(-24.0, -8.0));
    if dice.part() < 0.2 {
        for hz in [950.0, 1_400.0, 1_800.0] {
            tones(&[(hz, loud)], 330.0, dice.between(0.0, TAU), out);
        }
        return "announcement tones";
    }
    let (frequencies, on_ms, off_ms) = CADENCES[dice.of(11)];
    let sines: Vec<_> = frequencies.iter().map(|hz| (*hz, loud)).collect();
    for _ in 0..1 + dice.of(4) {
        tones(&sines, on_ms, dice.between(0.0, TAU), out);
        silence(off_ms, out);
    }
    "call progress"
}

/// A whistle that glides through both groups, or two that glide fast. Two pure tones that take
/// longer than a key to pass through a key's frequencies are that key, as Q.24 has it.
fn glide(dice: &mut Dice, out: &mut Vec<f32>) -> &'static str {
    let alone = dice.part() < 0.5;
    let whistles: Vec<_> = (0..if alone { 1 } else { 2 })
        .map(|_| {
            let (low, high) = (dice.between(450.0, 900.0), dice.between(1_700.0, 2_100.0));
            if dice.part() < 0.5 { (low, high) } else { (high, low) }
        })
        .collect();
    let loud = level(dice.between(-24.0, -8.0));
    let longest_ms = if alone { 4_000.0 } else { 380.0 };
    let count = samples(dice.between(150.0, longest_ms));
    let mut phases = vec![0.0_f32; whistles.len()];
    for index in 0..count {
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let through = index as f32 / count as f32;
        let mut sound = 0.0;
        for ((from, to), phase) in whistles.iter().zip(&mut phases) {
            *phase = (*phase + TAU * (from + (to - from) * through) / RATE) % TAU;
            sound += loud * phase.sin();
        }
        out.push(sound);
    }
    "glide"
}

/// Knocks and clicks: bursts of noise.
fn bursts(dice: &mut Dice, out: &mut Vec<f32>) -> &'static str {
    for _ in 0..5 + dice.of(20) {
        let loud = level(dice.between(-24.0, -2.0));
        out.extend((0..samples(dice.between(2.0, 40.0))).map(|_| loud * dice.noise()));
        silence(dice.between(10.0, 300.0), out);
    }
    "bursts"
}

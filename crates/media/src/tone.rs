//! Generated sound: what people hear while they wait, and babble that has the rhythm of speech.

use crate::{
    g711::mu_from_linear,
    limits::{NOISE_LOUDEST_DBOV, PAYLOAD_MAX_OCTETS, SAMPLES_PER_MS},
};
use model::{Codec, Tone};
use std::f64::consts::TAU;

/// Who babbles: two people who talk to each other never sound alike, however their words fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// A voice of 85 to 150 Hz.
    Low,
    /// A voice of 155 to 220 Hz.
    High,
}

/// Tones as µ-law, made once and shared by all legs.
pub(crate) struct Tones {
    /// One whole period of both frequencies, so that it can be repeated.
    ringing: Vec<u8>,
    /// One cycle.
    comfort: Vec<u8>,
    /// Babble of each [`Voice`].
    low: Vec<u8>,
    high: Vec<u8>,
    /// White noise of a mean square of one, in 256ths.
    noise: Vec<i16>,
}

impl Tones {
    pub(crate) fn generate() -> Self {
        Self {
            ringing: ringing(),
            comfort: comfort(),
            low: babble(Voice::Low),
            high: babble(Voice::High),
            noise: noise(),
        }
    }

    /// A tone from `position` samples after it was turned on.
    pub(crate) fn waiting(&self, tone: Tone, position: usize, out: &mut [u8]) {
        match tone {
            Tone::Ringback => self.ringing(position, out),
            Tone::Comfort => repeat(&self.comfort, position, out),
        }
    }

    /// The ringing tone from `position` samples after it was turned on: 2 s on, 4 s off.
    fn ringing(&self, position: usize, out: &mut [u8]) {
        if position % RING_CYCLE_SAMPLES < RING_ON_SAMPLES {
            repeat(&self.ringing, position, out);
        } else {
            out.fill(Codec::Pcmu.silence());
        }
    }

    /// Noise from `position`, so many decibels below overload (RFC 3389 section 3), but not louder
    /// than [`NOISE_LOUDEST_DBOV`].
    pub(crate) fn noise(&self, position: usize, dbov: u8, out: &mut [u8]) {
        let below = f64::from(dbov.max(NOISE_LOUDEST_DBOV));
        let gain = 32_768.0 / 256.0 * 10_f64.powf(-below / 20.0);
        let start = position % NOISE_SAMPLES;
        let mut source = self.noise.iter().cycle().skip(start);
        for octet in out {
            *octet = sample_of(f64::from(source.next().copied().unwrap_or(0)) * gain);
        }
    }

    /// Babble from `position`; the same position of a voice sounds the same.
    pub(crate) fn babble(&self, voice: Voice, position: usize, out: &mut [u8]) {
        let babble = match voice {
            Voice::Low => &self.low,
            Voice::High => &self.high,
        };
        repeat(babble, position, out);
    }
}

fn noise() -> Vec<i16> {
    let mut state = 0x2545_f491_u32;
    let mut part = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        f64::from(state) / f64::from(u32::MAX) - 0.5
    };
    // The sum of twelve has a variance of one.
    (0..NOISE_SAMPLES)
        .map(|_| {
            let sum: f64 = (0..12).map(|_| part()).sum();
            clamped(sum * 256.0)
        })
        .collect()
}

fn repeat(sound: &[u8], position: usize, out: &mut [u8]) {
    let start = position.checked_rem(sound.len()).unwrap_or(0);
    let mut source = sound.iter().cycle().skip(start);
    for octet in out {
        *octet = source.next().copied().unwrap_or(Codec::Pcmu.silence());
    }
}

/// 440 and 480 Hz at -19 dBm0 each (Telcordia GR-506: audible ringing). Both fit a whole number of
/// times into 25 ms.
fn ringing() -> Vec<u8> {
    (0..RING_PERIOD_SAMPLES)
        .map(|sample| {
            let at = f64::from(sample) / SAMPLE_RATE;
            sample_of(RING_AMPLITUDE * ((TAU * 440.0 * at).sin() + (TAU * 480.0 * at).sin()))
        })
        .collect()
}

/// Two soft strokes of one frequency, each swelling and fading, after a pause: it begins quiet, so
/// that it is not heard between two scripts that follow each other closely.
fn comfort() -> Vec<u8> {
    let stroke = |sample: u32, from: u32| {
        let within = sample.checked_sub(from).filter(|within| *within < COMFORT_STROKE_SAMPLES);
        within.map_or(0.0, |within| {
            let through = f64::from(within) / f64::from(COMFORT_STROKE_SAMPLES);
            let at = f64::from(within) / SAMPLE_RATE;
            COMFORT_AMPLITUDE * (TAU * through / 2.0).sin() * (TAU * COMFORT_HZ * at).sin()
        })
    };
    (0..COMFORT_CYCLE_SAMPLES)
        .map(|sample| {
            let first = stroke(sample, COMFORT_FIRST_SAMPLES);
            sample_of(first + stroke(sample, COMFORT_SECOND_SAMPLES))
        })
        .collect()
}

/// Syllables of 160 ms, each a voiced sound of its own pitch and colour that swells and fades, with
/// a pause between phrases. No syllable holds a steady pair of tones, which a key would have.
fn babble(voice: Voice) -> Vec<u8> {
    let lowest = match voice {
        Voice::Low => 105.0,
        Voice::High => 175.0,
    };
    (0..BABBLE_SAMPLES)
        .map(|sample| {
            let (syllable, within) = (sample / SYLLABLE_SAMPLES, sample % SYLLABLE_SAMPLES);
            if syllable % SYLLABLES_PER_PHRASE >= SYLLABLES_SPOKEN {
                return Codec::Pcmu.silence();
            }
            let through = f64::from(within) / f64::from(SYLLABLE_SAMPLES);
            let swell = (TAU * through / 2.0).sin();
            let variety = f64::from((syllable * 7) % 11) / 11.0;
            let at = f64::from(within) / SAMPLE_RATE;
            let pitch = lowest + 45.0 * variety - 20.0 * through;
            let colour = 500.0 + 1_400.0 * f64::from((syllable * 5) % 7) / 7.0;
            let voice: f64 = (1..=20u32)
                .map(|harmonic| {
                    let frequency = pitch * f64::from(harmonic);
                    let distance = (frequency - colour) / 400.0;
                    (0.15 + 1.0 / (1.0 + distance * distance)) * (TAU * frequency * at).sin()
                })
                .sum();
            sample_of(BABBLE_AMPLITUDE * swell * voice)
        })
        .collect()
}

fn sample_of(value: f64) -> u8 {
    mu_from_linear(clamped(value))
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to what an i16 holds")]
fn clamped(value: f64) -> i16 {
    value.clamp(f64::from(i16::MIN), f64::from(i16::MAX)).round() as i16
}

/// Two seconds, so that it does not sound like a beat; a prime number, out of step with packets.
const NOISE_SAMPLES: usize = 16_001;
const SAMPLE_RATE: f64 = 8_000.0;
const RING_PERIOD_SAMPLES: u32 = 25 * SAMPLES_PER_MS;
/// -19 dBm0: a sine of full scale is +3.17 dBm0 in the µ-law.
const RING_AMPLITUDE: f64 = 2_540.0;
const RING_ON_SAMPLES: usize = 16_000;
const RING_CYCLE_SAMPLES: usize = 48_000;
/// One frequency alone is no key, and this one is in no tone of a telephone network that says
/// something else, such as the busy or the dial tone.
const COMFORT_HZ: f64 = 392.0;
/// -25 dBm0 at its loudest: half as loud as each part of the ringing tone.
const COMFORT_AMPLITUDE: f64 = 1_270.0;
const COMFORT_STROKE_SAMPLES: u32 = 250 * SAMPLES_PER_MS;
const COMFORT_FIRST_SAMPLES: u32 = 1_000 * SAMPLES_PER_MS;
const COMFORT_SECOND_SAMPLES: u32 = 1_400 * SAMPLES_PER_MS;
const COMFORT_CYCLE_SAMPLES: u32 = 4_000 * SAMPLES_PER_MS;
const SYLLABLE_SAMPLES: u32 = 160 * SAMPLES_PER_MS;
const SYLLABLES_PER_PHRASE: u32 = 12;
const SYLLABLES_SPOKEN: u32 = 10;
const BABBLE_SAMPLES: u32 = 48 * SYLLABLE_SAMPLES;
const BABBLE_AMPLITUDE: f64 = 1_500.0;

const _: () = assert!(PAYLOAD_MAX_OCTETS < RING_ON_SAMPLES);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::g711::linear;

    /// Power of one frequency in µ-law octets, relative to a sine of amplitude 1.
    fn amplitude(octets: &[u8], frequency: f64) -> f64 {
        let (mut real, mut imaginary) = (0.0, 0.0);
        for (index, octet) in octets.iter().enumerate() {
            let angle = TAU * frequency * f64::from(u32::try_from(index).unwrap()) / SAMPLE_RATE;
            real += f64::from(linear(Codec::Pcmu, *octet)) * angle.cos();
            imaginary += f64::from(linear(Codec::Pcmu, *octet)) * angle.sin();
        }
        2.0 * real.hypot(imaginary) / f64::from(u32::try_from(octets.len()).unwrap())
    }

    #[test]
    fn ringing_is_two_tones_for_two_of_six_seconds() {
        let tones = Tones::generate();
        let mut cycle = Vec::new();
        for position in (0..RING_CYCLE_SAMPLES + 1_600).step_by(160) {
            let mut packet = [0; 160];
            tones.waiting(Tone::Ringback, position, &mut packet);
            cycle.extend(packet);
        }
        for frequency in [440.0, 480.0] {
            let found = amplitude(&cycle[..16_000], frequency);
            assert!((found - RING_AMPLITUDE).abs() < 60.0, "{frequency} Hz: {found}");
        }
        assert!(amplitude(&cycle[..16_000], 460.0) < 20.0);
        assert!(cycle[16_000..48_000].iter().all(|octet| *octet == 0xff));
        assert_eq!(cycle[48_000..], cycle[..1_600]);
    }

    #[test]
    fn the_comfort_tone_begins_quiet_is_soft_and_never_away_for_long() {
        let tones = Tones::generate();
        let mut heard = vec![0; 2 * 32_000];
        for (packet, octets) in heard.chunks_mut(160).enumerate() {
            tones.waiting(Tone::Comfort, packet * 160, octets);
        }
        assert_eq!(heard[..32_000], heard[32_000..]);
        let sounds = |octet: &u8| linear(Codec::Pcmu, *octet) != 0;
        assert!(!heard[..8_000].iter().any(sounds));
        let loudest = heard.iter().map(|octet| linear(Codec::Pcmu, *octet).unsigned_abs()).max();
        assert!(loudest.is_some_and(|loudest| (1_150..1_350).contains(&loudest)), "{loudest:?}");
        let (stroke, rest) = (amplitude(&heard[8_000..10_000], COMFORT_HZ), &heard[13_200..32_000]);
        assert!(stroke > 600.0, "{stroke}");
        assert!(!rest.iter().any(sounds));
        // Between any two sounds of either tone there are at most four seconds.
        for tone in [Tone::Comfort, Tone::Ringback] {
            let (mut quiet, mut longest) = (0, 0);
            for position in (0..12 * 8_000).step_by(160) {
                let mut octets = [0; 160];
                tones.waiting(tone, position, &mut octets);
                quiet = if octets.iter().any(sounds) { 0 } else { quiet + octets.len() };
                longest = longest.max(quiet);
            }
            assert!(longest <= 4 * 8_000, "{tone:?}: {longest}");
        }
    }

    #[test]
    fn noise_has_the_level_that_is_asked_for_and_is_never_loud() {
        let tones = Tones::generate();
        for (dbov, expected) in [(50, 50.0), (60, 60.0), (40, 40.0), (0, 40.0)] {
            let mut heard = vec![0; 16_000];
            tones.noise(7, dbov, &mut heard);
            let square = heard.iter().map(|octet| f64::from(linear(Codec::Pcmu, *octet)).powi(2));
            let rms = (square.sum::<f64>() / 16_000.0).sqrt();
            let level = -20.0 * (rms / 32_768.0).log10();
            assert!((level - expected).abs() < 0.5, "{level} for {dbov}");
        }
        let mut silent = [0; 160];
        tones.noise(0, 127, &mut silent);
        assert!(silent.iter().all(|octet| linear(Codec::Pcmu, *octet) == 0));
    }

    #[test]
    fn babble_is_loud_in_phrases_with_pauses_and_the_same_each_time() {
        let tones = Tones::generate();
        let mut heard = vec![0; 48 * 160 * 8];
        tones.babble(Voice::Low, 0, &mut heard);
        let spoken = heard.iter().filter(|octet| linear(Codec::Pcmu, **octet) != 0).count();
        assert!(spoken * 10 > heard.len() * 7, "{spoken} of {}", heard.len());
        assert!(heard[10 * 1_280..12 * 1_280].iter().all(|octet| *octet == 0xff));
        let mut again = vec![0; heard.len()];
        tones.babble(Voice::Low, heard.len(), &mut again);
        assert_eq!(again, heard);
        assert!(heard.iter().all(|octet| linear(Codec::Pcmu, *octet).unsigned_abs() < 32_000));
    }

    #[test]
    fn no_syllable_of_one_voice_is_one_of_the_other() {
        let tones = Tones::generate();
        let syllables = |voice| {
            let mut heard = vec![0; 48 * 1_280];
            tones.babble(voice, 0, &mut heard);
            heard.chunks(1_280).map(<[u8]>::to_vec).collect::<Vec<_>>()
        };
        let pause = vec![Codec::Pcmu.silence(); 1_280];
        let (low, high) = (syllables(Voice::Low), syllables(Voice::High));
        assert!(low.iter().all(|syllable| *syllable == pause || !high.contains(syllable)));
    }
}

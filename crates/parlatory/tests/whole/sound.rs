//! What is in a piece of sound: how loud it is, and whether it is a certain tone.

use std::{f64::consts::TAU, fs, path::Path};

use model::Codec;

/// Samples in a second.
pub(crate) const RATE: usize = 8_000;

/// Samples of G.711 octets (ITU-T G.711 tables 1a to 2b).
pub(crate) fn decode(codec: Codec, octets: &[u8]) -> Vec<i16> {
    octets.iter().map(|octet| sample(codec, *octet)).collect()
}

/// Root of the mean square: of 32,768.
pub(crate) fn loudness(samples: &[i16]) -> f64 {
    (energy(samples) / samples.len().max(1) as f64).sqrt()
}

/// How much of the energy lies at `frequency`: 1 is that tone and nothing else.
pub(crate) fn share(samples: &[i16], frequency: f64) -> f64 {
    let (mut real, mut imaginary) = (0.0, 0.0);
    for (index, sample) in samples.iter().enumerate() {
        let angle = TAU * frequency * index as f64 / RATE as f64;
        real += f64::from(*sample) * angle.cos();
        imaginary += f64::from(*sample) * angle.sin();
    }
    let whole = energy(samples) * samples.len() as f64 / 2.0;
    if whole == 0.0 { 0.0 } else { (real * real + imaginary * imaginary) / whole }
}

/// Whether this is loud, and nearly nothing but that tone.
pub(crate) fn is_tone(samples: &[i16], frequency: f64) -> bool {
    loudness(samples) > AUDIBLE && share(samples, frequency) > 0.8
}

/// Whether anything can be heard.
pub(crate) fn is_audible(samples: &[i16]) -> bool {
    loudness(samples) > AUDIBLE
}

/// Samples of a WAV file of one channel of 16 bits at [`RATE`].
pub(crate) fn read_wav(path: &Path) -> Vec<i16> {
    let octets = fs::read(path).unwrap();
    let name = path.display();
    assert_eq!((&octets[..4], &octets[8..16]), (&b"RIFF"[..], &b"WAVEfmt "[..]), "{name}");
    let short = |at: usize| u16::from_le_bytes([octets[at], octets[at + 1]]);
    assert_eq!((short(22), usize::from(short(24)), short(34)), (1, RATE, 16), "{name}");
    let data = octets.windows(4).position(|word| word == b"data").unwrap() + 8;
    octets[data..].chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

fn energy(samples: &[i16]) -> f64 {
    samples.iter().map(|sample| f64::from(*sample) * f64::from(*sample)).sum()
}

fn sample(codec: Codec, octet: u8) -> i16 {
    let (octet, negative) = match codec {
        Codec::Pcmu => (!octet, !octet & 0x80 != 0),
        Codec::Pcma => (octet ^ 0x55, octet & 0x80 == 0),
    };
    let (segment, step) = (i16::from(octet >> 4 & 7), i16::from(octet & 15));
    let magnitude = match (codec, segment) {
        (Codec::Pcmu, _) => (((step << 3) + 0x84) << segment) - 0x84,
        (Codec::Pcma, 0) => (step << 4) + 8,
        (Codec::Pcma, _) => ((step << 4) + 0x108) << (segment - 1),
    };
    if negative { -magnitude } else { magnitude }
}

/// Root of the mean square from which something can be heard, about -50 dBFS.
const AUDIBLE: f64 = 100.0;

#[test]
fn tones_are_told_from_each_other_and_from_silence() {
    let tone = |frequency: f64| -> Vec<i16> {
        (0..RATE)
            .map(|at| 8_000.0 * (TAU * frequency * at as f64 / RATE as f64).sin())
            .map(|value| format!("{value:.0}").parse().unwrap())
            .collect()
    };
    assert!(is_tone(&tone(620.0), 620.0));
    assert!(!is_tone(&tone(440.0), 620.0));
    assert!(!is_tone(&[0; RATE], 620.0) && !is_audible(&[0; RATE]));
    for (codec, octets) in [
        (Codec::Pcmu, [(0xff, 0), (0x7f, 0), (0x80, 32_124), (0x00, -32_124), (0xfe, 8)]),
        (Codec::Pcma, [(0xd5, 8), (0x55, -8), (0xaa, 32_256), (0x2a, -32_256), (0xd4, 24)]),
    ] {
        for (octet, expected) in octets {
            assert_eq!(decode(codec, &[octet]), [expected], "{codec:?} {octet:#x}");
        }
    }
}

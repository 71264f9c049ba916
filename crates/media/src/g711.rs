//! The two laws of ITU-T G.711: to linear samples and back, and from one law to the other.

use model::Codec;

/// The linear sample, 16 bit, of an octet in `codec`.
pub fn linear(codec: Codec, octet: u8) -> i16 {
    let table = match codec {
        Codec::Pcmu => &MU_TO_LINEAR,
        Codec::Pcma => &A_TO_LINEAR,
    };
    table.get(usize::from(octet)).copied().unwrap_or(0)
}

/// The µ-law octet nearest to a linear sample of 16 bit (G.711 table 2).
pub const fn mu_from_linear(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = sample.unsigned_abs() as u32;
    let magnitude = if magnitude > MU_CLIP { MU_CLIP } else { magnitude } + MU_BIAS;
    // With the bias, the leading bit is 7 to 14: segment 0 to 7.
    let segment = magnitude.ilog2() - 7;
    let step = (magnitude >> (segment + 3)) & 0x0f;
    !low_octet(sign | (segment << 4) | step)
}

/// The A-law octet nearest to a linear sample of 16 bit (G.711 table 1).
pub const fn a_from_linear(sample: i16) -> u8 {
    // Negative samples count from -1, so that both signs have the same steps.
    let (sign, magnitude) = if sample < 0 { (0, !sample) } else { (0x80, sample) };
    let magnitude = (magnitude.unsigned_abs() >> 4) as u32;
    let code = if magnitude < 32 {
        magnitude
    } else {
        let segment = magnitude.ilog2() - 3;
        (segment << 4) | ((magnitude >> (segment - 1)) & 0x0f)
    };
    low_octet(code | sign) ^ A_TOGGLE
}

/// Translates octets in place; nothing to do when the codecs are the same.
pub fn translate(octets: &mut [u8], from: Codec, to: Codec) {
    let table = match (from, to) {
        (Codec::Pcmu, Codec::Pcma) => &MU_TO_A,
        (Codec::Pcma, Codec::Pcmu) => &A_TO_MU,
        (Codec::Pcmu, Codec::Pcmu) | (Codec::Pcma, Codec::Pcma) => return,
    };
    for octet in octets {
        *octet = table.get(usize::from(*octet)).copied().unwrap_or(*octet);
    }
}

static MU_TO_LINEAR: [i16; 256] = table_of_samples(Codec::Pcmu);
static A_TO_LINEAR: [i16; 256] = table_of_samples(Codec::Pcma);
static MU_TO_A: [u8; 256] = table_of_octets(Codec::Pcmu);
static A_TO_MU: [u8; 256] = table_of_octets(Codec::Pcma);

const MU_BIAS: u32 = 0x84;
const MU_CLIP: u32 = 32_635;
const A_TOGGLE: u8 = 0x55;

const fn low_octet(value: u32) -> u8 {
    let [.., low] = value.to_be_bytes();
    low
}

#[expect(clippy::indexing_slicing, reason = "an octet is an index of 256; checked when compiled")]
const fn table_of_samples(codec: Codec) -> [i16; 256] {
    let mut table = [0; 256];
    let mut octet: u8 = 0;
    loop {
        table[octet as usize] = codec.linear(octet);
        if octet == u8::MAX {
            return table;
        }
        octet += 1;
    }
}

/// Octets of the other law for each octet of `from`.
#[expect(clippy::indexing_slicing, reason = "an octet is an index of 256; checked when compiled")]
const fn table_of_octets(from: Codec) -> [u8; 256] {
    let mut table = [0; 256];
    let mut octet: u8 = 0;
    loop {
        table[octet as usize] = match from {
            Codec::Pcmu => a_from_linear(from.linear(octet)),
            Codec::Pcma => mu_from_linear(from.linear(octet)),
        };
        if octet == u8::MAX {
            return table;
        }
        octet += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// G.711 table 1a/2a by their definition, in floating point: the value of the code number's
    /// step.
    fn by_definition(codec: Codec, octet: u8) -> f64 {
        let (code, toggled_sign) = match codec {
            Codec::Pcmu => (!octet, octet & 0x80 != 0),
            Codec::Pcma => (octet ^ 0x55, octet & 0x80 != 0),
        };
        let (segment, step) = (i32::from(code >> 4 & 7), f64::from(code & 15));
        let magnitude = match codec {
            // 14 bit: 2^s (33 + 2 q) - 33
            Codec::Pcmu => (2f64.powi(segment) * (33.0 + 2.0 * step) - 33.0) * 4.0,
            // 13 bit: 2 q + 1 in the first, 2^(s-1) (2 q + 33) in the other segments
            Codec::Pcma if segment == 0 => (2.0 * step + 1.0) * 8.0,
            Codec::Pcma => 2f64.powi(segment - 1) * (2.0 * step + 33.0) * 8.0,
        };
        if toggled_sign { magnitude } else { -magnitude }
    }

    #[test]
    fn samples_are_those_of_the_standard() {
        for octet in 0..=255 {
            for codec in [Codec::Pcmu, Codec::Pcma] {
                let expected = by_definition(codec, octet);
                assert_eq!(f64::from(linear(codec, octet)), expected, "{codec:?} {octet:#x}");
            }
        }
    }

    /// Decision values lie half a step of the segment on either side of the octet's value.
    #[test]
    fn every_sample_becomes_the_octet_of_its_interval() {
        for sample in i16::MIN..=i16::MAX {
            for codec in [Codec::Pcmu, Codec::Pcma] {
                let (octet, half_step) = match codec {
                    Codec::Pcmu => {
                        let octet = mu_from_linear(sample);
                        (octet, 4 << (!octet >> 4 & 7))
                    }
                    Codec::Pcma => {
                        let octet = a_from_linear(sample);
                        (octet, 8 << ((octet ^ 0x55) >> 4 & 7).saturating_sub(1))
                    }
                };
                let clipped = i32::from(sample).clamp(-32_635, 32_635);
                let sample = if codec == Codec::Pcmu { clipped } else { i32::from(sample) };
                let off = (i32::from(linear(codec, octet)) - sample).unsigned_abs();
                assert!(off <= half_step, "{codec:?} {sample}: {octet:#x} is off by {off}");
            }
        }
    }

    #[test]
    fn octets_survive_the_way_to_samples_and_back() {
        for octet in 0..=255u8 {
            assert_eq!(a_from_linear(linear(Codec::Pcma, octet)), octet);
            // Minus zero of the µ-law has no sample of its own.
            let expected = if octet == 0x7f { 0xff } else { octet };
            assert_eq!(mu_from_linear(linear(Codec::Pcmu, octet)), expected);
        }
    }

    #[test]
    fn translating_keeps_silence_silent_and_loudness_close() {
        let mut silence = [Codec::Pcmu.silence(); 4];
        translate(&mut silence, Codec::Pcmu, Codec::Pcma);
        assert_eq!(silence, [Codec::Pcma.silence(); 4]);
        translate(&mut silence, Codec::Pcma, Codec::Pcmu);
        assert!(silence.iter().all(|octet| linear(Codec::Pcmu, *octet).unsigned_abs() <= 8));
        for octet in 0..=255u8 {
            for (from, to) in [(Codec::Pcmu, Codec::Pcma), (Codec::Pcma, Codec::Pcmu)] {
                let mut translated = [octet];
                translate(&mut translated, from, to);
                let before = i32::from(linear(from, octet));
                let after = i32::from(linear(to, translated[0]));
                let allowed = (before.unsigned_abs() / 32).max(8) + 8;
                assert!((before - after).unsigned_abs() <= allowed, "{from:?} {before} {after}");
            }
        }
        let mut same = [1, 2, 3];
        translate(&mut same, Codec::Pcma, Codec::Pcma);
        assert_eq!(same, [1, 2, 3]);
    }
}

//! A recording as a WAV file that every player takes: 16 bit, 8,000 a second, the station left and
//! the called party right.

use crate::limits::SECONDS_COUNT_MAX;
use model::{Second, Track};

/// The conversation as a WAV file. What is shorter on one side is filled with silence, so that
/// both stay in step.
///
/// # Errors
/// `None` when it is longer than a call can be.
pub(crate) fn wav(seconds: &[Second]) -> Option<Vec<u8>> {
    if seconds.len() > SECONDS_COUNT_MAX {
        return None;
    }
    let samples: Vec<u8> = seconds.iter().flat_map(wav_second).collect();
    let mut file = head(u32::try_from(samples.len()).ok()?)?;
    file.extend(samples);
    Some(file)
}

/// The head of a WAV file whose end nobody knows yet: players take the length that it tells for
/// what it is, the largest there is, and play as it comes. [`wav_second`] gives what follows.
#[must_use]
pub fn wav_head() -> Vec<u8> {
    head(u32::MAX - HEAD_AFTER_LENGTH_OCTETS).unwrap_or_default()
}

/// One second of the conversation as samples of a WAV file. What is shorter on one side is filled
/// with silence, so that both stay in step.
#[must_use]
pub fn wav_second(second: &Second) -> Vec<u8> {
    let mut samples = Vec::new();
    for at in 0..second.station.octets.len().max(second.called.octets.len()) {
        samples.extend(sample(&second.station, at).to_le_bytes());
        samples.extend(sample(&second.called, at).to_le_bytes());
    }
    samples
}

/// The head of a file with so many octets of samples.
fn head(octets: u32) -> Option<Vec<u8>> {
    let mut file = b"RIFF".to_vec();
    file.extend(octets.checked_add(HEAD_AFTER_LENGTH_OCTETS)?.to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0");
    for field in [PCM, CHANNELS] {
        file.extend(field.to_le_bytes());
    }
    for field in [RATE, RATE * u32::from(FRAME_OCTETS)] {
        file.extend(field.to_le_bytes());
    }
    for field in [FRAME_OCTETS, SAMPLE_BITS] {
        file.extend(field.to_le_bytes());
    }
    file.extend(b"data");
    file.extend(octets.to_le_bytes());
    Some(file)
}

fn sample(track: &Track, at: usize) -> i16 {
    track.octets.get(at).map_or(0, |octet| track.codec.linear(*octet))
}

/// Format tag of uncompressed samples.
const PCM: u16 = 1;
const CHANNELS: u16 = 2;
const SAMPLE_BITS: u16 = 16;
/// Octets of one sample of both channels.
const FRAME_OCTETS: u16 = CHANNELS * SAMPLE_BITS / 8;
/// Samples a second.
const RATE: u32 = 8_000;
/// What the length field of the file counts besides the samples.
const HEAD_AFTER_LENGTH_OCTETS: u32 = 36;

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Codec, Timestamp};

    fn track(codec: Codec, octets: Vec<u8>) -> Track {
        Track { codec, rtp_time: 0, octets }
    }

    #[test]
    fn the_station_is_left_and_both_stay_in_step() {
        let second = Second {
            index: 0,
            started: Timestamp::default(),
            // The largest sample of either law, by the tables of G.711.
            station: track(Codec::Pcmu, vec![0x80, 0xff]),
            called: track(Codec::Pcma, vec![0xaa]),
        };
        let file = wav(&[second.clone(), second]).unwrap();
        assert_eq!(file.len(), 44 + 2 * 8);
        assert_eq!(&file[..4], b"RIFF");
        assert_eq!(u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize, file.len() - 8);
        assert_eq!(u32::from_le_bytes(file[24..28].try_into().unwrap()), 8_000);
        assert_eq!(u32::from_le_bytes(file[40..44].try_into().unwrap()), 16);
        let samples: Vec<i16> =
            file[44..].chunks(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect();
        assert_eq!(samples, [32_124, 32_256, 0, 0, 32_124, 32_256, 0, 0]);
    }

    #[test]
    fn a_file_whose_end_is_not_known_begins_as_one_that_is_whole() {
        let second = Second {
            index: 0,
            started: Timestamp::default(),
            station: track(Codec::Pcmu, vec![0x80]),
            called: track(Codec::Pcma, vec![]),
        };
        let whole = wav(std::slice::from_ref(&second)).unwrap();
        let streamed = [wav_head(), wav_second(&second)].concat();
        assert_eq!(streamed.len(), whole.len());
        assert_eq!((&streamed[8..40], &streamed[44..]), (&whole[8..40], &whole[44..]));
        assert_eq!(streamed[4..8], u32::MAX.to_le_bytes());
    }
}

//! Tells sound from quiet by its energy, for telephones that listen.

use crate::{
    g711::linear,
    limits::{QUIET_AFTER, QUIET_BELOW_AMPLITUDE, SOUND_FROM_AMPLITUDE},
};
use model::{Codec, Timestamp};

/// Listens to one stream. It starts quiet. Sound is reported with the first loud packet, quiet
/// after [`QUIET_AFTER`] without one, so that the pauses between words do not count.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SoundEar {
    /// When the last packet with sound came, while it sounds.
    heard: Option<Timestamp>,
}

impl SoundEar {
    /// A packet of audio; `true` when sound begins with it.
    pub(crate) fn hear(&mut self, codec: Codec, octets: &[u8], arrived: Timestamp) -> bool {
        let amplitude = mean_amplitude(codec, octets);
        let from = if self.heard.is_some() { QUIET_BELOW_AMPLITUDE } else { SOUND_FROM_AMPLITUDE };
        amplitude >= from && self.heard.replace(arrived).is_none()
    }

    /// When quiet will be reported if no sound comes.
    pub(crate) fn quiet_at(&self) -> Option<Timestamp> {
        self.heard.map(|heard| heard.after(QUIET_AFTER))
    }

    /// Since when it is quiet, once, when it has been quiet for long enough.
    pub(crate) fn poll_quiet(&mut self, now: Timestamp) -> Option<Timestamp> {
        if now < self.quiet_at()? {
            return None;
        }
        self.heard.take()
    }
}

/// Mean amplitude of a packet, of 32,768.
pub(crate) fn mean_amplitude(codec: Codec, octets: &[u8]) -> u32 {
    let sum: u32 = octets.iter().map(|octet| u32::from(linear(codec, *octet).unsigned_abs())).sum();
    let count = u32::try_from(octets.len()).unwrap_or(u32::MAX);
    sum.checked_div(count).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::g711::{a_from_linear, mu_from_linear};

    /// Packets of 20 ms by their amplitude; gives what was reported as (ms, sounding, since ms).
    fn check(amplitudes: &[i16], expected: &[(i64, bool, i64)]) {
        for codec in [Codec::Pcmu, Codec::Pcma] {
            let mut ear = SoundEar::default();
            let mut reported = Vec::new();
            for (index, amplitude) in amplitudes.iter().enumerate() {
                let ms = i64::try_from(index).unwrap() * 20;
                let now = Timestamp::from_micros(ms * 1_000);
                let octet = match codec {
                    Codec::Pcmu => mu_from_linear(*amplitude),
                    Codec::Pcma => a_from_linear(*amplitude),
                };
                if ear.hear(codec, &[octet; 160], now) {
                    reported.push((ms, true, ms));
                }
                if let Some(since) = ear.poll_quiet(now) {
                    reported.push((ms, false, since.micros() / 1_000));
                }
            }
            assert_eq!(reported, expected, "{codec:?}");
        }
    }

    #[test]
    fn sound_begins_at_once_and_ends_after_a_while() {
        check(
            &[[0; 5].as_slice(), &[900; 5], &[0; 30]].concat(),
            &[(100, true, 100), (580, false, 180)],
        );
    }

    #[test]
    fn pauses_between_words_are_not_quiet() {
        let words = [[900; 5].as_slice(), &[0; 18]].concat().repeat(4);
        check(&words, &[(0, true, 0)]);
    }

    #[test]
    fn faint_sound_keeps_on_but_does_not_begin() {
        check(&[180; 60], &[]);
        check(&[[900].as_slice(), &[180; 60]].concat(), &[(0, true, 0)]);
        check(&[[900].as_slice(), &[60; 21]].concat(), &[(0, true, 0), (400, false, 0)]);
    }
}

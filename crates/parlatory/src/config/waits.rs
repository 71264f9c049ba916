//! How long a node waits for people and for their audio.

use std::{ops::RangeInclusive, time::Duration};

use anyhow::{Result, ensure};
use call::limits::Timing;
use serde::Deserialize;

/// Waits of every call, in seconds.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Waits {
    /// How long the called party's phone rings.
    ring_seconds: u64,
    /// How long no key is pressed until what was typed counts as complete.
    key_seconds: u64,
    /// How long the called party has to press a key after the notice.
    accept_seconds: u64,
    /// How long no audio comes from a leg until the call is over.
    lost_seconds: u64,
}

impl Default for Waits {
    fn default() -> Self {
        let Timing { ring_max, inter_digit, accept_wait, .. } = Timing::default();
        Self {
            ring_seconds: ring_max.as_secs(),
            key_seconds: inter_digit.as_secs(),
            accept_seconds: accept_wait.as_secs(),
            lost_seconds: LOST_SECONDS,
        }
    }
}

impl Waits {
    /// # Errors
    /// When a wait is shorter or longer than a call can go with; says which, and its bounds.
    pub(super) fn check(&self) -> Result<()> {
        for (name, seconds, bounds) in self.bounded() {
            ensure!(
                bounds.contains(&seconds),
                "`calls.{name}` = {seconds} is not from {} to {}",
                bounds.start(),
                bounds.end()
            );
        }
        Ok(())
    }

    /// The waits of the dialogue.
    pub(crate) fn timing(&self) -> Timing {
        Timing {
            ring_max: Duration::from_secs(self.ring_seconds),
            inter_digit: Duration::from_secs(self.key_seconds),
            accept_wait: Duration::from_secs(self.accept_seconds),
            ..Timing::default()
        }
    }

    /// A leg without audio for so long ends the call.
    pub(crate) const fn lost_after(&self) -> Duration {
        Duration::from_secs(self.lost_seconds)
    }

    /// What they are, where they are not what they would be without settings.
    pub(crate) fn says(&self) -> Option<String> {
        let usual = Self::default();
        let changed: Vec<String> = self
            .bounded()
            .into_iter()
            .zip(usual.bounded())
            .filter(|((_, now, _), (_, usual, _))| now != usual)
            .map(|((name, now, _), (_, usual, _))| format!("{name} is {now} (usual: {usual})"))
            .collect();
        (!changed.is_empty()).then(|| changed.join(", "))
    }

    fn bounded(&self) -> [(&'static str, u64, RangeInclusive<u64>); 4] {
        [
            ("ring_seconds", self.ring_seconds, RING),
            ("key_seconds", self.key_seconds, KEY),
            ("accept_seconds", self.accept_seconds, ACCEPT),
            ("lost_seconds", self.lost_seconds, LOST),
        ]
    }
}

const LOST_SECONDS: u64 = 20;
/// At least what is left for a second trunk after one that only says that it tries; at most less
/// than the three minutes for which a carrier lets a call ring.
const RING: RangeInclusive<u64> = 30..=120;
/// People look for keys; nobody waits for ten seconds for a call to begin.
const KEY: RangeInclusive<u64> = 2..=10;
/// People must find the key; a decision that takes long is none.
const ACCEPT: RangeInclusive<u64> = 5..=30;
/// A gap of some seconds is none of the people's doing; a minute without audio is nobody's talk.
const LOST: RangeInclusive<u64> = 10..=60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_waits_are_those_of_the_dialogue_and_need_no_word() {
        let usual = Waits::default();
        assert_eq!(usual.timing(), Timing::default());
        assert_eq!(usual.lost_after(), Duration::from_secs(20));
        assert_eq!(usual.says(), None);
        usual.check().unwrap();
    }

    #[test]
    fn every_wait_is_taken_within_its_bounds_and_refused_beyond_them() {
        for (name, bounds) in [
            ("ring_seconds", RING),
            ("key_seconds", KEY),
            ("accept_seconds", ACCEPT),
            ("lost_seconds", LOST),
        ] {
            let set =
                |seconds: u64| toml::from_str::<Waits>(&format!("{name} = {seconds}")).unwrap();
            let (least, most) = (*bounds.start(), *bounds.end());
            for seconds in [least, most] {
                let waits = set(seconds);
                waits.check().unwrap();
                let says = waits.says().unwrap();
                assert!(says.starts_with(&format!("{name} is {seconds} (usual: ")), "{says}");
                let Timing { ring_max, inter_digit, accept_wait, .. } = waits.timing();
                let lengths = [ring_max, inter_digit, accept_wait, waits.lost_after()];
                assert!(lengths.contains(&Duration::from_secs(seconds)), "{name}");
            }
            for seconds in [least - 1, most + 1] {
                let error = set(seconds).check().unwrap_err().to_string();
                assert!(error.contains(name) && error.contains(&most.to_string()), "{error}");
            }
        }
        assert!(toml::from_str::<Waits>("ring_second = 45").is_err());
    }
}

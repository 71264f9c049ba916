//! When those elsewhere whom a node asks, keyholders and witnesses, answered last.

use model::Timestamp;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// When each of some others answered last. Cheap to clone: clones share everything.
#[derive(Clone, Debug, Default)]
pub struct Reach(Arc<Mutex<BTreeMap<String, Reached>>>);

/// When one of them answered last, and when not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// When it answered last.
    pub answered: Option<Timestamp>,
    /// When it did not, last.
    pub silent: Option<Timestamp>,
}

impl Reached {
    /// Whether it did not answer when it was asked last.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.silent > self.answered
    }
}

impl Reach {
    /// Of those with these names, of whom nobody was asked yet.
    #[must_use]
    pub fn of(names: impl IntoIterator<Item = String>) -> Self {
        let reach = Self::default();
        for name in names {
            reach.change(&name, |_| {});
        }
        reach
    }

    /// One was asked at `now`, and answered or not.
    pub fn asked(&self, name: &str, answered: bool, now: Timestamp) {
        self.change(name, |known| {
            let place = if answered { &mut known.answered } else { &mut known.silent };
            *place = Some(now).max(*place);
        });
    }

    /// All of them, by name.
    #[must_use]
    pub fn each(&self) -> Vec<(String, Reached)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|(name, reached)| (name.clone(), *reached)).collect()
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Reached)) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(known.entry(name.to_owned()).or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_silent_last_is_silent_until_they_answer() {
        let at = Timestamp::from_micros;
        let reach = Reach::of(["court".to_owned(), "county".to_owned()]);
        let of = |name: &str| reach.each().into_iter().find(|(known, _)| known == name).unwrap().1;
        assert!(!of("court").is_silent());
        reach.asked("court", false, at(5));
        assert!(of("court").is_silent());
        reach.asked("court", true, at(6));
        assert_eq!(of("court"), Reached { answered: Some(at(6)), silent: Some(at(5)) });
        assert!(!of("court").is_silent());
        assert_eq!(of("county"), Reached::default());
    }
}

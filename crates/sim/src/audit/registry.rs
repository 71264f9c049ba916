//! Who was protected when: the registry by the auditor's own rules.

use crate::county::FIRST_NUMBER;
use core::time::Duration;
use model::{E164, Timestamp, fact::Epoch};

/// The registry in use at each time.
#[derive(Debug, Default)]
pub(super) struct Registries {
    states: Vec<State>,
}

/// A registry in use.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    pub(super) from: Timestamp,
    pub(super) epoch: Epoch,
    count: u64,
    count_max: u64,
    lines: u64,
    list: u64,
}

/// What the registry says of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Protected,
    Ordinary,
    Missing,
    Stale,
    Shrunken,
}

impl Registries {
    /// A new node takes whatever its source has.
    pub(super) fn forget(&mut self) {
        self.states.clear();
    }

    /// The source offers a list. Returns whether it should be used.
    pub(super) fn offered(
        &mut self,
        from: Timestamp,
        epoch: Epoch,
        (count, count_max): (u64, u64),
        (lines, list): (u64, u64),
    ) -> bool {
        let good = self
            .states
            .last()
            .is_none_or(|known| epoch > known.epoch || epoch == known.epoch && list == known.list);
        if good {
            self.states.push(State { from, epoch, count, count_max, lines, list });
        }
        good
    }

    /// What was in use at `at`.
    pub(super) fn at(&self, at: Timestamp) -> Option<&State> {
        self.states.iter().rev().find(|state| state.from <= at)
    }
}

impl State {
    pub(super) fn word(&self, number: E164, now: Timestamp) -> Word {
        // A number that is none of the county's lines is in no list.
        let index = number.digits().checked_sub(FIRST_NUMBER).filter(|index| *index < 64);
        if index.is_some_and(|index| self.lines & (1 << index) != 0) {
            Word::Protected
        } else if self.epoch == Epoch(0) {
            Word::Missing
        } else if now.since(self.from) > STALE_AFTER {
            Word::Stale
        } else if self.count == 0 && self.count_max > 0 || self.count * 10 < self.count_max * 9 {
            Word::Shrunken
        } else {
            Word::Ordinary
        }
    }
}

const STALE_AFTER: Duration = Duration::from_secs(60);

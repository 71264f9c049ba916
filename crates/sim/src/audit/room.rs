//! How full the disk was when, and how full the desk took it to be.

use super::facts;
use model::Timestamp;

/// The disk in the course of a seed.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    permille: u64,
    /// What the desk found when it looked.
    looks: Vec<(Timestamp, u8)>,
    /// From when to when nothing at all could be written; the last may be open.
    fulls: Vec<(Timestamp, Option<Timestamp>)>,
}

impl Rooms {
    pub(super) fn has(&mut self, permille: u64) {
        self.permille = permille;
    }

    pub(super) fn full(&mut self, at: Timestamp, full: bool) {
        match self.fulls.last_mut() {
            Some((_, until @ None)) if !full => *until = Some(at),
            Some((_, None)) | Some(_) | None if !full => {}
            Some((_, None)) => {}
            Some(_) | None => self.fulls.push((at, None)),
        }
    }

    /// The desk looked. Says whether it found what is.
    pub(super) fn looked(&mut self, at: Timestamp, step: u8) -> bool {
        self.looks.push((at, step));
        step == facts::step(self.permille)
    }

    /// Whether the desk knew at `at` that only the reserve is left. In the moment of a look it may
    /// have known it or not.
    pub(super) fn known_full(&self, at: Timestamp) -> (bool, bool) {
        let before = self.looks.iter().rev().find(|(look, _)| *look < at);
        let within = self.looks.iter().filter(|(look, _)| *look == at);
        let full = |(_, step): &(Timestamp, u8)| *step == FULL;
        let before = before.is_some_and(full);
        let mut all = vec![before];
        all.extend(within.map(full));
        (all.iter().any(|full| *full), all.iter().all(|full| *full))
    }

    /// Whether nothing could be written at any moment from `from` to `to`.
    pub(super) fn was_full(&self, from: Timestamp, to: Timestamp) -> bool {
        self.fulls
            .iter()
            .any(|(begun, until)| *begun <= to && until.is_none_or(|until| until >= from))
    }
}

const FULL: u8 = 4;

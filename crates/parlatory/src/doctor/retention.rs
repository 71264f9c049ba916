//! What is erased, what is kept for longer, and what is held.

use std::time::Duration;

use ::disclosure::keeping::usual;
use model::Timestamp;
use store::{Basis, RunOutcome, RunRow, RunScope, Store, StoreError};

use super::Findings;
use crate::audit::show;

/// What stands in the store about it, without anybody's name.
pub(super) struct Retained {
    /// When everything that was due was last erased.
    last: Option<Timestamp>,
    /// How the newest run ended, if it has.
    newest: Option<RunOutcome>,
    /// Recordings that are entered as erased and may still be there.
    left: usize,
    /// Of these, those of numbers that were protected afterwards.
    left_of_quarantine: usize,
    rules: usize,
    longer: usize,
    holds: usize,
}

impl Retained {
    pub(super) fn read(store: &Store) -> Result<Self, StoreError> {
        let runs = store.runs()?;
        let whole = |run: &&RunRow| {
            run.scope == RunScope::All && run.ended.is_some_and(|it| it.1 == RunOutcome::Done)
        };
        let rules = store.retention_rules()?;
        let left = store.erasing()?;
        let quarantined = left.iter().filter(|it| it.due.basis == Basis::Quarantine);
        Ok(Self {
            last: runs.iter().rev().find(whole).and_then(|run| run.ended).map(|(at, _)| at),
            newest: runs.iter().rev().find_map(|run| run.ended).map(|(_, outcome)| outcome),
            left_of_quarantine: quarantined.count(),
            left: left.len(),
            longer: rules.iter().filter(|rule| rule.keep > usual(rule.class)).count(),
            rules: rules.len(),
            holds: store.holds()?.iter().filter(|hold| hold.released.is_none()).count(),
        })
    }
}

impl Findings {
    pub(super) fn retention(&mut self, found: &Retained, now: Timestamp) {
        let &Retained { last, newest, left, left_of_quarantine, rules, longer, holds } = found;
        match last {
            None => self.know(
                "retention",
                "nothing was erased yet: a node erases what is due at its start and each night",
            ),
            Some(at) if now.since(at) > OVERDUE => self.know(
                "retention",
                format!(
                    "overdue: what is due was last erased at {}; a node does it at its start and \
                     each night, and its log says why it did not",
                    show(at)
                ),
            ),
            Some(at) => {
                self.ok("retention", format!("what was due was last erased at {}", show(at)));
            }
        }
        if newest == Some(RunOutcome::Failed) {
            let says = "the last run that erases failed: the node's log says why, and it is tried \
                        again each hour";
            self.know("retention", says);
        }
        if left > 0 {
            let says = format!(
                "{left} recordings are entered as erased and may still be there, \
                 {left_of_quarantine} of them of numbers that were protected afterwards: the next \
                 run finishes it"
            );
            self.know("retention", says);
        }
        if rules > 0 {
            let says = format!("{rules} terms are set, {longer} of them longer than usual");
            self.ok("retention", format!("{says}: anybody reads why in `published`"));
        }
        if holds > 0 {
            let says = format!("{holds} legal holds keep what fits them, whatever the terms say");
            self.know("retention", says);
        }
    }
}

/// After how long without a whole run somebody should look: two nights, and some time for the run.
const OVERDUE: Duration = Duration::from_hours(50);

#[cfg(test)]
mod tests {
    use super::*;

    fn says(found: &Retained, now: Timestamp) -> String {
        let mut findings = Findings::default();
        findings.retention(found, now);
        let lines = findings.0.iter().map(|it| format!("{}: {}\n", it.grade.label(), it.says));
        lines.collect()
    }

    #[test]
    fn what_is_overdue_failed_longer_or_held_is_said() {
        let at = Timestamp::from_micros(1_795_726_800_000_000);
        let calm = Retained {
            last: Some(at),
            newest: Some(RunOutcome::Done),
            left: 0,
            left_of_quarantine: 0,
            rules: 0,
            longer: 0,
            holds: 0,
        };
        let soon = says(&calm, at.after(OVERDUE));
        assert!(soon.starts_with("ok: what was due was last erased at 2026-11-26T21"), "{soon}");
        assert_eq!(soon.lines().count(), 1);
        assert!(says(&calm, at.after(OVERDUE + OVERDUE)).starts_with("know: overdue"));
        assert!(says(&Retained { last: None, ..calm }, at).starts_with("know: nothing was"));
        let all = Retained {
            newest: Some(RunOutcome::Failed),
            left: 2,
            left_of_quarantine: 1,
            rules: 3,
            longer: 1,
            holds: 4,
            ..calm
        };
        let all = says(&all, at);
        for part in ["failed", "2 recordings", "1 of them of numbers", "3 terms", "4 legal holds"] {
            assert!(all.contains(part), "{part}: {all}");
        }
    }
}

//! What entries about keeping say, after the head of their kind ([`crate::Note::head`]), in
//! `postcard`. New variants come last; `docs/formats/entry.md`.

use model::{AgencyId, FacilityId, StaffId};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::{Basis, RecordsCount, RuleRow};

/// Detail of a `Retention`. The entry has SHA-256 over it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionSet {
    /// Whose rules.
    pub agency: AgencyId,
    /// Who changed them.
    pub by: StaffId,
    /// All rules of the agency after the change; where there is none, what is usual holds.
    pub rules: Vec<Ruled>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruled {
    /// For which facility; `None` for all that have none of their own.
    pub facility: Option<FacilityId>,
    /// For what: `audio` or `records`.
    pub class: String,
    /// How long.
    pub keep: Duration,
    /// Why.
    pub reason: String,
}

impl Ruled {
    pub(super) fn of(row: &RuleRow) -> Self {
        Self {
            facility: row.facility,
            class: row.class.word().to_owned(),
            keep: row.keep,
            reason: row.reason.clone(),
        }
    }
}

/// Detail of a `Hold`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HoldSaid {
    /// The recording is kept.
    Kept(Kept),
    /// This hold keeps it no longer.
    Released {
        /// Which.
        hold: u32,
        /// The act that released it: its entry says who did, and why.
        act: u64,
    },
}

/// By which hold. Who placed it stands in the entry of its act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Which.
    pub hold: u32,
}

/// Detail of an `Erase`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Erased {
    /// Its time was over.
    Retention,
    /// Its number was protected afterwards.
    Quarantine,
}

impl Erased {
    pub(super) const fn of(basis: Basis) -> Self {
        match basis {
            Basis::Retention => Self::Retention,
            Basis::Quarantine => Self::Quarantine,
        }
    }
}

/// Detail of a `RecordsErased`: names and numbers of an agency that were due when it was entered.
/// Who is named nowhere any more goes with the last of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordsErased {
    /// Whose.
    pub agency: AgencyId,
    /// Records of calls that were allowed.
    pub calls: u64,
    /// Records of numbers that were refused.
    pub refusals: u64,
    /// Languages that called parties chose for their numbers.
    pub languages: u64,
    /// People who left.
    pub people: u64,
}

impl RecordsErased {
    pub(super) const fn of(agency: AgencyId, due: RecordsCount) -> Self {
        let RecordsCount { calls, refusals, languages, people } = due;
        Self { agency, calls, refusals, languages, people }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(said: &impl Serialize) -> Vec<u8> {
        postcard::to_allocvec(said).unwrap()
    }

    #[test]
    fn the_octets_of_each_detail_are_pinned() {
        let ruled = |facility, class: &str, days: u64| Ruled {
            facility,
            class: class.to_owned(),
            keep: Duration::from_hours(24 * days),
            reason: "law".to_owned(),
        };
        let set = RetentionSet {
            agency: AgencyId(3),
            by: StaffId(12),
            rules: vec![ruled(None, "audio", 1), ruled(Some(FacilityId(5)), "records", 400)],
        };
        let audio = [0, 5, 97, 117, 100, 105, 111, 128, 163, 5, 0, 3, 108, 97, 119];
        let records = [1, 5, 7, 114, 101, 99, 111, 114, 100, 115];
        let rest = [128, 176, 189, 16, 0, 3, 108, 97, 119];
        assert_eq!(octets(&set), [&[3, 12, 2][..], &audio, &records, &rest].concat());
        assert_eq!(octets(&HoldSaid::Kept(Kept { hold: 7 })), [0, 7]);
        assert_eq!(octets(&HoldSaid::Released { hold: 7, act: 300 }), [1, 7, 172, 2]);
        assert_eq!(octets(&Erased::Retention), [0]);
        assert_eq!(octets(&Erased::Quarantine), [1]);
        let due = RecordsCount { calls: 300, refusals: 4, languages: 5, people: 6 };
        assert_eq!(octets(&RecordsErased::of(AgencyId(3), due)), [3, 172, 2, 4, 5, 6]);
    }
}

//! What entries about keeping say, after the head of their kind ([`crate::Note::head`]), in
//! `postcard`. New variants come last; `docs/formats/entry.md`.

use model::{AgencyId, FacilityId, Private, StaffId};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::{Basis, RuleRow};

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HoldSaid {
    /// The recording is kept.
    Kept(Kept),
    /// This hold keeps it no longer.
    Released {
        /// Which.
        hold: u32,
        /// Who released it.
        by: StaffId,
        /// Why.
        reason: Private<String>,
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

//! How long agencies keep what.

use super::{KEEP, READ};
use crate::{
    Store, StoreError,
    code::{Coded, Columns, micros, signed},
    dialect::Row,
    error::{Broken, Doing},
};
use model::{AgencyId, FacilityId, StaffId, Timestamp};
use std::{collections::BTreeMap, time::Duration};

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Recordings.
    Audio,
    /// Who called which number: names and numbers.
    Records,
    /// What entries of the log say of acts of staff: who was shown what, and why.
    Acts,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Audio, Self::Records, Self::Acts];

    /// The word for it, which never changes.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Records => "records",
            Self::Acts => "acts",
        }
    }

    /// The one with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.word() == word)
    }
}

impl Coded for Class {
    fn code(self) -> &'static str {
        self.word()
    }

    fn from_code(code: &str) -> Option<Self> {
        Self::from_word(code)
    }
}

/// How long an agency or a facility keeps something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRow {
    /// Which agency.
    pub agency: AgencyId,
    /// Which facility; `None` for all that have no rule of their own.
    pub facility: Option<FacilityId>,
    /// What.
    pub class: Class,
    /// How long, from its end on.
    pub keep: Duration,
    /// Why, for everybody to read; may be empty where it is no longer than usual.
    pub reason: String,
    /// Who set it.
    pub by: StaffId,
    /// When.
    pub at: Timestamp,
    /// The place of its entry in the log.
    pub entry: u64,
}

impl Store {
    /// All rules that were set, by agency, facility and class.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn retention_rules(&self) -> Result<Vec<RuleRow>, StoreError> {
        self.0.list(
            READ,
            sqlx::query("SELECT * FROM retention ORDER BY agency_id, facility_id, class"),
            rule,
        )
    }

    /// The keys of an agency's facilities.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn facilities_of(
        &self,
        agency: AgencyId,
    ) -> Result<BTreeMap<FacilityId, String>, StoreError> {
        Ok(self.0.run(async {
            let rows = sqlx::query("SELECT facility_id, key FROM facility WHERE agency_id = $1")
                .bind(agency.0)
                .fetch_all(&mut *self.0.read().await?)
                .await
                .doing(READ)?;
            let named = |row: &Row| Ok((FacilityId(row.number("facility_id")?), row.text("key")?));
            rows.iter().map(named).collect::<Result<_, Broken>>()
        })?)
    }

    /// Sets a rule, in the place of an earlier one for the same; details of entries are looked at
    /// anew.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn set_retention_rule(&self, row: &RuleRow) -> Result<(), StoreError> {
        self.forget_looks()?;
        self.0.keep(
            KEEP,
            sqlx::query(
                "INSERT INTO retention \
                 (agency_id, facility_id, class, keep_us, reason, set_by, at_us, entry) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
                 ON CONFLICT (agency_id, facility_id, class) DO UPDATE SET \
                 keep_us = excluded.keep_us, reason = excluded.reason, \
                 set_by = excluded.set_by, at_us = excluded.at_us, entry = excluded.entry",
            )
            .bind(row.agency.0)
            .bind(row.facility.map_or(0, |facility| facility.0))
            .bind(row.class.code())
            .bind(micros(row.keep))
            .bind(&row.reason)
            .bind(row.by.0)
            .bind(row.at.micros())
            .bind(signed(row.entry)),
        )
    }
}

fn rule(row: &Row) -> Result<RuleRow, Broken> {
    let facility = row.number("facility_id")?;
    Ok(RuleRow {
        agency: AgencyId(row.number("agency_id")?),
        facility: (facility != 0).then_some(FacilityId(facility)),
        class: row.coded("class")?,
        keep: row.length("keep_us")?,
        reason: row.text("reason")?,
        by: StaffId(row.number("set_by")?),
        at: row.time("at_us")?,
        entry: row.count("entry")?,
    })
}

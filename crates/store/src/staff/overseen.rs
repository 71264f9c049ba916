//! What people and rules said about requests, to be listed by who checks it.

use super::worded;
use crate::{
    Store, StoreError,
    code::{Coded, Columns, signed},
    dialect::Row,
    error::{Broken, Doing},
    sealing::field::ACT_CASE,
};
use access::Verb;
use model::{AgencyId, StaffId, Timestamp};
use std::collections::BTreeSet;

/// An entry that shows nothing itself: that something was approved or refused, or that a glass was
/// broken or reviewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverseenRow {
    /// Of the agency whose data it is about.
    pub agency: AgencyId,
    /// Place in the log.
    pub entry: u64,
    /// Number of the act.
    pub act: u64,
    /// What was entered.
    pub kind: Overseen,
    /// Who said or did it; `None` where a rule refused.
    pub by: Option<StaffId>,
    /// Whose request, grant or glass it was.
    pub of: StaffId,
    /// What they had asked to do; `None` of grants, glasses, policies and holds.
    pub verb: Option<Verb>,
    /// When.
    pub at: Timestamp,
}

/// What was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overseen {
    /// A request, a grant or policies were approved.
    Approval,
    /// They were refused or taken back, or a hold was released.
    Denial,
    /// A glass was broken.
    BreakGlass,
    /// It was reviewed.
    Review,
}

impl Coded for Overseen {
    fn code(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Denial => "denial",
            Self::BreakGlass => "break_glass",
            Self::Review => "review",
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        let all = [Self::Approval, Self::Denial, Self::BreakGlass, Self::Review];
        all.into_iter().find(|kind| kind.code() == code)
    }
}

impl Overseen {
    /// The word that lists use.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.code()
    }
}

impl Store {
    /// Keeps that something was entered.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn add_overseen(&self, row: &OverseenRow) -> Result<(), StoreError> {
        self.0.keep(
            KEEP,
            sqlx::query(
                "INSERT INTO overseen (agency_id, entry, act, kind, by_staff, of_staff, verb, \
                 at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
            )
            .bind(row.agency.0)
            .bind(signed(row.entry))
            .bind(signed(row.act))
            .bind(row.kind.code())
            .bind(row.by.map(|staff| staff.0))
            .bind(row.of.0)
            .bind(row.verb.map(Verb::word))
            .bind(row.at.micros()),
        )
    }

    /// Keeps for which case an act was asked for.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn add_act_case(
        &self,
        (agency, act): (AgencyId, u64),
        case: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.write_durably().await?;
            let keys = work.keys();
            sqlx::query(
                "INSERT INTO act_case (agency_id, act, case_number, case_number_ix, at_us) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            )
            .bind(agency.0)
            .bind(signed(act))
            .bind(keys.seal_text(agency, ACT_CASE, case)?)
            .bind(keys.text_index(agency, ACT_CASE, case)?)
            .bind(at.micros())
            .execute(&mut *work)
            .await
            .doing(KEEP)?;
            work.commit().await.doing(KEEP)
        })?)
    }

    /// The acts that were asked for with this case.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn acts_of_case(&self, agency: AgencyId, case: &str) -> Result<BTreeSet<u64>, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.read().await?;
            let index = work.keys().text_index(agency, ACT_CASE, case)?;
            let sql = "SELECT act FROM act_case WHERE agency_id = $1 AND case_number_ix = $2";
            let rows = sqlx::query(sql).bind(agency.0).bind(index);
            let rows = rows.fetch_all(&mut *work).await.doing(READ)?;
            rows.iter().map(|row| row.count("act")).collect::<Result<_, Broken>>()
        })?)
    }

    /// What was entered about an agency's data from `from` until `until`, which is excluded: the
    /// newest `limit`, in the order of the log.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn overseen(
        &self,
        agency: AgencyId,
        (from, until): (Timestamp, Timestamp),
        limit: u32,
    ) -> Result<Vec<OverseenRow>, StoreError> {
        let mut rows = self.0.list(
            READ,
            sqlx::query(
                "SELECT * FROM overseen WHERE agency_id = $1 AND at_us >= $2 AND at_us < $3 \
                 ORDER BY entry DESC LIMIT $4",
            )
            .bind(agency.0)
            .bind(from.micros())
            .bind(until.micros())
            .bind(limit),
            overseen,
        )?;
        rows.reverse();
        Ok(rows)
    }
}

fn overseen(row: &Row) -> Result<OverseenRow, Broken> {
    let verb = row.maybe_text("verb")?;
    Ok(OverseenRow {
        agency: AgencyId(row.number("agency_id")?),
        entry: row.count("entry")?,
        act: row.count("act")?,
        kind: row.coded("kind")?,
        by: row.maybe_number("by_staff")?.map(StaffId),
        of: StaffId(row.number("of_staff")?),
        verb: verb.map(|_| worded(row, "verb")).transpose()?,
        at: row.time("at_us")?,
    })
}

const READ: &str = "read what was approved and refused";
const KEEP: &str = "keep what was approved and refused";

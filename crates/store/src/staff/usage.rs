//! What was shown to whom, counted.

use super::worded;
use crate::{
    Store, StoreError,
    code::{Columns, signed},
    dialect::Row,
    error::{Broken, Doing},
};
use access::{Purpose, Scope, Verb, grant::Used};
use model::{AgencyId, GrantId, StaffId, Timestamp};
use std::time::Duration;

/// One act, and how many rows it showed at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageRow {
    /// Number of the act.
    pub act: u64,
    /// Whose data.
    pub owner: AgencyId,
    /// Who.
    pub staff: StaffId,
    /// Under which grant.
    pub grant: Option<GrantId>,
    /// Under the glass that was broken by this act.
    pub glass: Option<u64>,
    /// What was done.
    pub verb: Verb,
    /// Why.
    pub purpose: Purpose,
    /// With whose data, seen from who asked.
    pub scope: Scope,
    /// How many rows.
    pub rows: u32,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// Counts what is going to be shown. The same act counts once.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails; then nothing may be shown.
    pub fn add_usage(&self, row: &UsageRow) -> Result<(), StoreError> {
        self.0.keep(
            KEEP,
            sqlx::query(
                "INSERT INTO usage (agency_id, act, staff_id, grant_id, glass, verb, purpose, \
                 scope, shown, at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(row.owner.0)
            .bind(signed(row.act))
            .bind(row.staff.0)
            .bind(row.grant.map(|grant| grant.0))
            .bind(row.glass.map(signed))
            .bind(row.verb.word())
            .bind(row.purpose.word())
            .bind(row.scope.word())
            .bind(row.rows)
            .bind(row.at.micros()),
        )
    }

    /// What one person was shown in the day and in the week before `now`. Of a grant nothing is
    /// said: see [`Store::used_under`].
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn used(&self, staff: StaffId, now: Timestamp) -> Result<Used, StoreError> {
        let ago = |length: Duration| now.micros().saturating_sub(crate::code::micros(length));
        Ok(self.0.run(async {
            let row = sqlx::query(
                "SELECT COALESCE(SUM(CASE WHEN at_us > $2 THEN shown ELSE 0 END), 0) AS of_day, \
                 COALESCE(SUM(shown), 0) AS of_week FROM usage WHERE staff_id = $1 AND at_us > $3",
            )
            .bind(staff.0)
            .bind(ago(DAY))
            .bind(ago(7 * DAY))
            .fetch_one(&mut *self.0.read().await?)
            .await
            .doing(READ)?;
            Ok::<_, Broken>(Used {
                day: sum(&row, "of_day")?,
                week: sum(&row, "of_week")?,
                grant: 0,
            })
        })?)
    }

    /// What was shown under a grant, ever.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn used_under(&self, grant: GrantId) -> Result<u32, StoreError> {
        self.sum_where(
            "SELECT COALESCE(SUM(shown), 0) AS sum FROM usage WHERE grant_id = $1",
            grant.0.into(),
        )
    }

    /// What was shown under the glass that was broken by this act.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn used_through(&self, glass: u64) -> Result<u32, StoreError> {
        self.sum_where(
            "SELECT COALESCE(SUM(shown), 0) AS sum FROM usage WHERE glass = $1",
            signed(glass),
        )
    }

    /// What was done from `from` until `until`, which is excluded, in the order of its time.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn usage(&self, from: Timestamp, until: Timestamp) -> Result<Vec<UsageRow>, StoreError> {
        self.0.list(
            READ,
            sqlx::query("SELECT * FROM usage WHERE at_us >= $1 AND at_us < $2 ORDER BY at_us, act")
                .bind(from.micros())
                .bind(until.micros()),
            usage,
        )
    }

    fn sum_where(&self, sql: &'static str, key: i64) -> Result<u32, StoreError> {
        Ok(self.0.run(async {
            let row = sqlx::query(sql)
                .bind(key)
                .fetch_one(&mut *self.0.read().await?)
                .await
                .doing(READ)?;
            sum(&row, "sum")
        })?)
    }
}

/// A sum that is too large to be told is over every cap.
fn sum(row: &Row, column: &'static str) -> Result<u32, Broken> {
    Ok(u32::try_from(row.count(column)?).unwrap_or(u32::MAX))
}

fn usage(row: &Row) -> Result<UsageRow, Broken> {
    Ok(UsageRow {
        act: row.count("act")?,
        owner: AgencyId(row.number("agency_id")?),
        staff: StaffId(row.number("staff_id")?),
        grant: row.maybe_number("grant_id")?.map(GrantId),
        glass: row.maybe_int("glass")?.map(i64::cast_unsigned),
        verb: worded(row, "verb")?,
        purpose: worded(row, "purpose")?,
        scope: worded(row, "scope")?,
        rows: row.number("shown")?,
        at: row.time("at_us")?,
    })
}

const DAY: Duration = Duration::from_secs(86_400);
const READ: &str = "read who saw how much";
const KEEP: &str = "keep who saw how much";

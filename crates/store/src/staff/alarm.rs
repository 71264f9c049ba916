//! What somebody should look at, as far as nothing else that is kept tells it.

use crate::{
    Store, StoreError,
    code::{Columns, signed},
    dialect::Row,
    error::{Broken, Doing},
};
use model::{AgencyId, StaffId, Timestamp};

/// Somebody asked for more rows than they may see without an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapTryRow {
    /// Whose data.
    pub agency: AgencyId,
    /// Number of the act.
    pub act: u64,
    /// Who.
    pub staff: StaffId,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// Keeps that somebody asked for more than a cap lets them see. The same act counts once.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn add_cap_try(&self, row: &CapTryRow) -> Result<(), StoreError> {
        self.0.keep(
            KEEP,
            sqlx::query(
                "INSERT INTO cap_try (agency_id, act, staff_id, at_us) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(row.agency.0)
            .bind(signed(row.act))
            .bind(row.staff.0)
            .bind(row.at.micros()),
        )
    }

    /// Who asked for more than a cap from `from` on, in the order of its time.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn cap_tries(&self, from: Timestamp) -> Result<Vec<CapTryRow>, StoreError> {
        self.0.list(
            READ,
            sqlx::query("SELECT * FROM cap_try WHERE at_us >= $1 ORDER BY at_us, act")
                .bind(from.micros()),
            tried,
        )
    }

    /// Keeps that those on call could not be told of an act.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn add_hook_failure(&self, act: u64, at: Timestamp) -> Result<(), StoreError> {
        self.0.keep(
            KEEP,
            sqlx::query("INSERT INTO hook_failure (act, at_us) VALUES ($1, $2)")
                .bind(signed(act))
                .bind(at.micros()),
        )
    }

    /// How often those on call could not be told, from `from` on.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn hook_failures(&self, from: Timestamp) -> Result<u64, StoreError> {
        Ok(self.0.run(async {
            let row = sqlx::query("SELECT COUNT(*) AS count FROM hook_failure WHERE at_us >= $1")
                .bind(from.micros())
                .fetch_one(&mut *self.0.read().await?)
                .await
                .doing(READ)?;
            row.count("count")
        })?)
    }
}

fn tried(row: &Row) -> Result<CapTryRow, Broken> {
    Ok(CapTryRow {
        agency: AgencyId(row.number("agency_id")?),
        act: row.count("act")?,
        staff: StaffId(row.number("staff_id")?),
        at: row.time("at_us")?,
    })
}

const READ: &str = "read the alarms";
const KEEP: &str = "keep an alarm";

//! Which details of the log's entries can go, as far as the store knows: the log's own files have
//! the details, and only their keyholders can open them.

use super::{KEEP, READ, hold::keeps};
use crate::{
    Store, StoreError,
    code::{Columns, signed},
    error::{Broken, Doing},
    records::Table,
};
use model::{AgencyId, CallId, Timestamp};
use std::collections::BTreeMap;

/// What is left of a call, for the details of its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallLeft {
    /// The store has no such call.
    Unknown,
    /// Its number and person are there, or a hold keeps what there is: so are its details.
    Kept,
    /// Its number and person are erased.
    Erased {
        /// Whose it was.
        agency: AgencyId,
    },
}

impl Store {
    /// What is left of these calls.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn calls_left(
        &self,
        calls: impl IntoIterator<Item = CallId>,
    ) -> Result<BTreeMap<CallId, CallLeft>, StoreError> {
        let sql = format!(
            "SELECT c.agency_id, c.line IS NOT NULL AND NOT EXISTS \
             (SELECT 1 FROM legal_hold h WHERE {}) AS gone FROM call c WHERE c.call_id = $1",
            keeps(Table::Call)
        );
        Ok(self.0.run(async {
            let mut work = self.0.read().await?;
            let mut found = BTreeMap::new();
            for call in calls {
                if found.contains_key(&call) {
                    continue;
                }
                let query = sqlx::query(sqlx::AssertSqlSafe(sql.as_str()));
                let rows =
                    query.bind(call.0.cast_signed()).fetch_all(&mut *work).await.doing(READ)?;
                let mut left = CallLeft::Unknown;
                for row in &rows {
                    let agency = AgencyId(row.number("agency_id")?);
                    left = match row.flag("gone")? {
                        true if left != CallLeft::Kept => CallLeft::Erased { agency },
                        true | false => CallLeft::Kept,
                    };
                }
                found.insert(call, left);
            }
            Ok::<_, Broken>(found)
        })?)
    }

    /// From when on calls are held by some hold that was not released, the earliest of all; `None`
    /// where there is none. A hold without a beginning holds from the beginning of all time.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn held_from(&self) -> Result<Option<Timestamp>, StoreError> {
        let from = self.holds()?.into_iter().filter(|row| row.released.is_none());
        let begin = Timestamp::from_micros(i64::MIN);
        Ok(from.map(|row| row.what.from.unwrap_or(begin)).min())
    }

    /// When something in the segments of the log can be due at the earliest, by their first
    /// entries; those that are not named are to be looked at.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn looks(&self) -> Result<BTreeMap<u64, Timestamp>, StoreError> {
        let rows = self.0.list(READ, sqlx::query("SELECT * FROM log_segment"), |row| {
            Ok((row.count("first")?, row.time("look_us")?))
        })?;
        Ok(rows.into_iter().collect())
    }

    /// Keeps when to look at a segment again.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn look_again(&self, first: u64, at: Timestamp) -> Result<(), StoreError> {
        self.0.keep(
            KEEP,
            sqlx::query(
                "INSERT INTO log_segment (first, look_us) VALUES ($1, $2) \
                 ON CONFLICT (first) DO UPDATE SET look_us = excluded.look_us",
            )
            .bind(signed(first))
            .bind(at.micros()),
        )
    }

    /// Has all segments looked at anew: terms have changed.
    pub(super) fn forget_looks(&self) -> Result<(), StoreError> {
        self.0.keep(KEEP, sqlx::query("DELETE FROM log_segment"))
    }
}

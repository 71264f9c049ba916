//! Grants.

use super::{private_text, worded};
use crate::{
    Store, StoreError,
    code::Columns,
    dialect::Row,
    error::{Broken, Doing},
    sealing::{ColumnKeys, field::GRANT_CASE},
};
use access::{Verb, grant::Grant};
use model::{AgencyId, GrantId, StaffId, Timestamp};

impl Store {
    /// All grants there ever were, in the order of their numbers.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn grants(&self) -> Result<Vec<Grant>, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.read().await?;
            let keys = work.keys();
            let rows = sqlx::query("SELECT * FROM staff_grant ORDER BY grant_id")
                .fetch_all(&mut *work)
                .await
                .doing(READ)?;
            rows.iter().map(|row| grant(&keys, row)).collect::<Result<Vec<_>, Broken>>()
        })?)
    }

    /// The grants of one person, in the order of their numbers.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn grants_of(&self, staff: StaffId) -> Result<Vec<Grant>, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.read().await?;
            let keys = work.keys();
            let rows =
                sqlx::query("SELECT * FROM staff_grant WHERE staff_id = $1 ORDER BY grant_id")
                    .bind(staff.0)
                    .fetch_all(&mut *work)
                    .await
                    .doing(READ)?;
            rows.iter().map(|row| grant(&keys, row)).collect::<Result<Vec<_>, Broken>>()
        })?)
    }

    /// The number for the next one.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn next_grant(&self) -> Result<GrantId, StoreError> {
        let next = self.0.run(async {
            sqlx::query("SELECT COALESCE(MAX(grant_id), 0) + 1 AS next FROM staff_grant")
                .fetch_one(&mut *self.0.read().await?)
                .await
                .doing(READ)?
                .number("next")
        })?;
        Ok(GrantId(next))
    }

    /// Keeps a new grant.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn add_grant(&self, grant: &Grant) -> Result<(), StoreError> {
        let verbs: Vec<_> = grant.verbs.iter().map(|verb| verb.word()).collect();
        let case = self.0.keys().seal_text(grant.owner, GRANT_CASE, grant.case.expose())?;
        self.0.keep(
            KEEP,
            sqlx::query(
                "INSERT INTO staff_grant (agency_id, grant_id, staff_id, case_number, purpose, \
                 verbs, rows_max, from_us, until_us, given_by) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(grant.owner.0)
            .bind(grant.id.0)
            .bind(grant.staff.0)
            .bind(case)
            .bind(grant.purpose.word())
            .bind(verbs.join(" "))
            .bind(grant.rows_max)
            .bind(grant.from.micros())
            .bind(grant.until.micros())
            .bind(grant.given_by.0),
        )
    }

    /// Takes a grant back.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn revoke_grant(&self, id: GrantId, now: Timestamp) -> Result<(), StoreError> {
        self.0.keep(
            KEEP,
            sqlx::query(
                "UPDATE staff_grant SET revoked_us = COALESCE(revoked_us, $2) WHERE grant_id = $1",
            )
            .bind(id.0)
            .bind(now.micros()),
        )
    }
}

fn grant(keys: &ColumnKeys, row: &Row) -> Result<Grant, Broken> {
    let verb = |word: &str| Verb::from_word(word).ok_or_else(|| Broken::unreadable("verbs"));
    Ok(Grant {
        id: GrantId(row.number("grant_id")?),
        staff: StaffId(row.number("staff_id")?),
        case: private_text(keys, row, GRANT_CASE)?,
        purpose: worded(row, "purpose")?,
        owner: AgencyId(row.number("agency_id")?),
        verbs: row.text("verbs")?.split_whitespace().map(verb).collect::<Result<_, _>>()?,
        rows_max: row.number("rows_max")?,
        from: row.time("from_us")?,
        until: row.time("until_us")?,
        given_by: StaffId(row.number("given_by")?),
        revoked: row.maybe_time("revoked_us")?.is_some(),
    })
}

const READ: &str = "read the grants";
const KEEP: &str = "keep a grant";

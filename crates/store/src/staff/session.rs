//! Sessions: who is logged in.

use super::people;
use crate::{
    Store, StoreError,
    code::Columns,
    dialect::Work,
    error::{Broken, Doing},
    staff::StaffRow,
};
use model::{StaffId, Timestamp};

/// A session.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// Whose.
    pub row: StaffRow,
    /// Since when.
    pub begun: Timestamp,
    /// When it was last used.
    pub seen: Timestamp,
}

impl Store {
    /// The session with the token of this SHA-256.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn session(&self, token: &[u8; 32]) -> Result<Option<SessionRow>, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.read().await?;
            let found = sqlx::query("SELECT * FROM staff_session WHERE token = $1")
                .bind(token.as_slice())
                .fetch_optional(&mut *work)
                .await
                .doing(READ)?;
            let Some(found) = found else { return Ok::<_, Broken>(None) };
            let id = StaffId(found.number("staff_id")?);
            let row = people::all(&mut work).await?.into_iter().find(|row| row.staff.id == id);
            let (begun, seen) = (found.time("begun_us")?, found.time("seen_us")?);
            Ok(row.map(|row| SessionRow { row, begun, seen }))
        })?)
    }

    /// Keeps that a session was used.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn session_used(&self, token: &[u8; 32], now: Timestamp) -> Result<(), StoreError> {
        Ok(self.0.run(async {
            // Not written through: a power cut makes it look idle for longer than it was.
            let mut work = self.0.write().await?;
            sqlx::query("UPDATE staff_session SET seen_us = $2 WHERE token = $1 AND seen_us < $2")
                .bind(token.as_slice())
                .bind(now.micros())
                .execute(&mut *work)
                .await
                .doing(KEEP)?;
            work.commit().await.doing(KEEP)
        })?)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn end_session(&self, token: &[u8; 32]) -> Result<(), StoreError> {
        self.0.keep(
            KEEP,
            sqlx::query("DELETE FROM staff_session WHERE token = $1").bind(token.as_slice()),
        )
    }

    /// Forgets sessions that began before `begun` or were not used since `seen`.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn forget_sessions(&self, begun: Timestamp, seen: Timestamp) -> Result<(), StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.write().await?;
            sqlx::query("DELETE FROM staff_session WHERE begun_us < $1 OR seen_us < $2")
                .bind(begun.micros())
                .bind(seen.micros())
                .execute(&mut *work)
                .await
                .doing(KEEP)?;
            work.commit().await.doing(KEEP)
        })?)
    }
}

pub(super) async fn begin(
    work: &mut Work,
    id: StaffId,
    token: &[u8; 32],
    now: Timestamp,
) -> Result<(), Broken> {
    sqlx::query(
        "INSERT INTO staff_session (agency_id, staff_id, token, begun_us, seen_us) \
         SELECT agency_id, staff_id, $2, $3, $3 FROM staff WHERE staff_id = $1",
    )
    .bind(id.0)
    .bind(token.as_slice())
    .bind(now.micros())
    .execute(&mut **work)
    .await
    .doing(KEEP)?;
    Ok(())
}

const READ: &str = "read the sessions";
const KEEP: &str = "keep a session";

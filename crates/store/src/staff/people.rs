//! Who has a log-in.

use super::{private_text, worded};
use crate::{
    Refused, Store, StoreError,
    code::{Columns, signed},
    dialect::{Row, Work},
    error::{Broken, Doing},
    sealing::field::{STAFF_NAME, STAFF_TOTP},
};
use access::{
    Role,
    staff::{Staff, failed},
};
use model::{AgencyId, Private, StaffId, Timestamp};
use std::collections::BTreeMap;

/// Somebody with a log-in, as they are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffRow {
    /// What decides about their access.
    pub staff: Staff,
    /// The name by which they log in.
    pub name: Private<String>,
    /// Whether they chose a password.
    pub enrolled: bool,
    /// When they were added.
    pub added: Timestamp,
    /// When their access was taken away.
    pub revoked: Option<Timestamp>,
}

/// What a log-in is compared with.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Who.
    pub row: StaffRow,
    /// Argon2id hash of the password, when one was chosen.
    pub password: Option<Private<String>>,
    /// Secret of the codes, when there is one.
    pub totp: Option<Private<Vec<u8>>>,
    /// Step of the last code that was taken.
    pub step: u64,
    /// What lets them choose a password.
    pub enrolment: Option<Enrolment>,
}

/// Leave to choose a password, for whoever has the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enrolment {
    /// SHA-256 of the token.
    pub token: [u8; 32],
    /// Until when, which is excluded.
    pub until: Timestamp,
}

/// Somebody who is going to have a log-in.
#[derive(Clone, Debug)]
pub struct NewStaff {
    /// Their number, from [`Store::next_staff`].
    pub id: StaffId,
    /// Whom they work for.
    pub agency: AgencyId,
    /// The name by which they log in.
    pub name: Private<String>,
    /// As what.
    pub role: Role,
    /// What lets them choose a password.
    pub enrolment: Enrolment,
}

impl Store {
    /// Everybody who has or had a log-in, in the order of their numbers.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn staff(&self) -> Result<Vec<StaffRow>, StoreError> {
        Ok(self.0.run(async { all(&mut self.0.read().await?).await })?)
    }

    /// What a log-in of `name` is compared with. Names are compared without regard to case.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn credentials(&self, name: &str) -> Result<Option<Credentials>, StoreError> {
        let wanted = folded(name);
        Ok(self.0.run(async {
            let mut work = self.0.read().await?;
            // There are few staff, and a name is sealed: all are looked at.
            let rows = all(&mut work).await?;
            let found = rows.into_iter().find(|row| folded(row.name.expose()) == wanted);
            match found {
                None => Ok::<_, Broken>(None),
                Some(row) => credentials(&mut work, row).await.map(Some),
            }
        })?)
    }

    /// The number for the next one.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn next_staff(&self) -> Result<StaffId, StoreError> {
        let next = self.0.run(async {
            sqlx::query("SELECT COALESCE(MAX(staff_id), 0) + 1 AS next FROM staff")
                .fetch_one(&mut *self.0.read().await?)
                .await
                .doing(READ)?
                .number("next")
        })?;
        Ok(StaffId(next))
    }

    /// Adds somebody.
    ///
    /// # Errors
    /// [`Refused::StaffNameTaken`] when the name has a log-in; [`StoreError::Broken`] when the
    /// database fails.
    pub fn add_staff(&self, new: &NewStaff, now: Timestamp) -> Result<(), StoreError> {
        self.0.run(async {
            let mut work = self.0.write_durably().await?;
            let name = folded(new.name.expose());
            if all(&mut work).await?.iter().any(|row| folded(row.name.expose()) == name) {
                return Err(Refused::StaffNameTaken.into());
            }
            let sealed = work.keys().seal_text(new.agency, STAFF_NAME, new.name.expose())?;
            sqlx::query(
                "INSERT INTO staff (agency_id, staff_id, name, role, totp_step, enrol, \
                 enrol_until_us, added_us, seen_us) VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $7)",
            )
            .bind(new.agency.0)
            .bind(new.id.0)
            .bind(sealed)
            .bind(new.role.word())
            .bind(new.enrolment.token.as_slice())
            .bind(new.enrolment.until.micros())
            .bind(now.micros())
            .execute(&mut *work)
            .await
            .doing(KEEP)?;
            Ok(work.commit().await.doing(KEEP)?)
        })
    }

    /// Keeps a new password and a new secret of codes; what let them choose is used up, and their
    /// sessions end.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn enrol_staff(
        &self,
        id: StaffId,
        password: &Private<String>,
        totp: &Private<Vec<u8>>,
    ) -> Result<(), StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.write_durably().await?;
            let agency = agency_of(&mut work, id).await?;
            let sealed = work.keys().seal(agency, STAFF_TOTP, totp.expose())?;
            sqlx::query(
                "UPDATE staff SET password = $2, totp = $3, totp_step = 0, enrol = NULL, \
                 enrol_until_us = NULL WHERE staff_id = $1",
            )
            .bind(id.0)
            .bind(password.expose())
            .bind(sealed)
            .execute(&mut *work)
            .await
            .doing(KEEP)?;
            end_sessions(&mut work, id).await?;
            work.commit().await.doing(KEEP)
        })?)
    }

    /// Keeps a new password; their sessions end.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn set_password(&self, id: StaffId, password: &Private<String>) -> Result<(), StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.write_durably().await?;
            sqlx::query("UPDATE staff SET password = $2 WHERE staff_id = $1")
                .bind(id.0)
                .bind(password.expose())
                .execute(&mut *work)
                .await
                .doing(KEEP)?;
            end_sessions(&mut work, id).await?;
            work.commit().await.doing(KEEP)
        })?)
    }

    /// Gives somebody another role; their sessions end, and whose calls the log-in shows.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn set_role(&self, id: StaffId, role: Role, now: Timestamp) -> Result<(), StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.write_durably().await?;
            sqlx::query("UPDATE staff SET role = $2 WHERE staff_id = $1")
                .bind(id.0)
                .bind(role.word())
                .execute(&mut *work)
                .await
                .doing(KEEP)?;
            super::tie::end(&mut work, id, now).await?;
            end_sessions(&mut work, id).await?;
            work.commit().await.doing(KEEP)
        })?)
    }

    /// Takes somebody's access away: sessions, grants, whose calls it shows, and what lets them
    /// choose a password with it.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn revoke_staff(&self, id: StaffId, now: Timestamp) -> Result<(), StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.write_durably().await?;
            sqlx::query(
                "UPDATE staff SET revoked_us = COALESCE(revoked_us, $2), enrol = NULL, \
                 enrol_until_us = NULL WHERE staff_id = $1",
            )
            .bind(id.0)
            .bind(now.micros())
            .execute(&mut *work)
            .await
            .doing(KEEP)?;
            sqlx::query(
                "UPDATE staff_grant SET revoked_us = $2 WHERE staff_id = $1 AND revoked_us IS NULL",
            )
            .bind(id.0)
            .bind(now.micros())
            .execute(&mut *work)
            .await
            .doing(KEEP)?;
            super::tie::end(&mut work, id, now).await?;
            end_sessions(&mut work, id).await?;
            work.commit().await.doing(KEEP)
        })?)
    }

    /// Ends a lock or a long absence. With `enrolment`, the password and the secret of codes are
    /// void from now on, and they choose new ones; whose calls the log-in shows ends with them.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn release_staff(
        &self,
        id: StaffId,
        enrolment: Option<Enrolment>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.write_durably().await?;
            forget_failures(&mut work, id).await?;
            sqlx::query("UPDATE staff SET seen_us = $2 WHERE staff_id = $1")
                .bind(id.0)
                .bind(now.micros())
                .execute(&mut *work)
                .await
                .doing(KEEP)?;
            if let Some(enrolment) = enrolment {
                sqlx::query(
                    "UPDATE staff SET password = NULL, totp = NULL, enrol = $2, \
                     enrol_until_us = $3 WHERE staff_id = $1",
                )
                .bind(id.0)
                .bind(enrolment.token.as_slice())
                .bind(enrolment.until.micros())
                .execute(&mut *work)
                .await
                .doing(KEEP)?;
                // Who chooses the next password may be somebody else.
                super::tie::end(&mut work, id, now).await?;
                end_sessions(&mut work, id).await?;
            }
            work.commit().await.doing(KEEP)
        })?)
    }

    /// Keeps that somebody failed to log in; gives whether that locks them. [`NOBODY`] stands for
    /// names that nobody has, so that a wrong name costs the same time as a wrong password.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn staff_failed(&self, id: StaffId, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.write_durably().await?;
            let before = failures(&mut work).await?.remove(&id).unwrap_or_default();
            let after = failed(&before, now);
            forget_failures(&mut work, id).await?;
            for at in &after {
                sqlx::query(
                    "INSERT INTO staff_failure (agency_id, staff_id, at_us) \
                     VALUES (COALESCE((SELECT agency_id FROM staff WHERE staff_id = $1), 0), $1, $2)",
                )
                .bind(id.0)
                .bind(at.micros())
                .execute(&mut *work)
                .await
                .doing(KEEP)?;
            }
            work.commit().await.doing(KEEP)?;
            Ok::<_, Broken>(access::staff::is_locked(&after))
        })?)
    }

    /// Keeps that somebody logged in with the code of `step`, and their session. `false` when a
    /// code of that step or a later one was taken before: then nothing is kept.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn logged_in(
        &self,
        id: StaffId,
        step: u64,
        token: &[u8; 32],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.write_durably().await?;
            let taken = sqlx::query(
                "UPDATE staff SET totp_step = $2, seen_us = $3 \
                 WHERE staff_id = $1 AND totp_step < $2 AND revoked_us IS NULL",
            )
            .bind(id.0)
            .bind(signed(step))
            .bind(now.micros())
            .execute(&mut *work)
            .await
            .doing(KEEP)?;
            if taken.rows_affected() != 1 {
                return Ok(false);
            }
            forget_failures(&mut work, id).await?;
            super::session::begin(&mut work, id, token, now).await?;
            work.commit().await.doing(KEEP)?;
            Ok::<_, Broken>(true)
        })?)
    }
}

/// All staff, in the order of their numbers.
pub(super) async fn all(work: &mut Work) -> Result<Vec<StaffRow>, Broken> {
    let rows = sqlx::query("SELECT * FROM staff ORDER BY staff_id")
        .fetch_all(&mut **work)
        .await
        .doing(READ)?;
    let mut failures = failures(work).await?;
    let mut glasses = unreviewed(work).await?;
    let keys = work.keys();
    let each = |row: &Row| {
        let id = StaffId(row.number("staff_id")?);
        let revoked = row.maybe_time("revoked_us")?;
        Ok(StaffRow {
            staff: Staff {
                id,
                role: worded(row, "role")?,
                agency: AgencyId(row.number("agency_id")?),
                revoked: revoked.is_some(),
                last_seen: row.time("seen_us")?,
                failures: failures.remove(&id).unwrap_or_default(),
                unreviewed: glasses.remove(&id).unwrap_or_default(),
            },
            name: private_text(&keys, row, STAFF_NAME)?,
            enrolled: row.maybe_text("password")?.is_some(),
            added: row.time("added_us")?,
            revoked,
        })
    };
    rows.iter().map(each).collect()
}

async fn credentials(work: &mut Work, row: StaffRow) -> Result<Credentials, Broken> {
    let kept = sqlx::query("SELECT * FROM staff WHERE staff_id = $1")
        .bind(row.staff.id.0)
        .fetch_one(&mut **work)
        .await
        .doing(READ)?;
    let enrolment = match (kept.maybe_array("enrol")?, kept.maybe_time("enrol_until_us")?) {
        (Some(token), Some(until)) => Some(Enrolment { token, until }),
        (None, _) | (_, None) => None,
    };
    Ok(Credentials {
        row,
        password: kept.maybe_text("password")?.map(Private::new),
        totp: work
            .keys()
            .maybe_octets(&kept, STAFF_TOTP)?
            .map(|secret| Private::new(secret.to_vec())),
        step: kept.count("totp_step")?,
        enrolment,
    })
}

async fn agency_of(work: &mut Work, id: StaffId) -> Result<AgencyId, Broken> {
    let row = sqlx::query("SELECT agency_id FROM staff WHERE staff_id = $1")
        .bind(id.0)
        .fetch_one(&mut **work)
        .await
        .doing(READ)?;
    Ok(AgencyId(row.number("agency_id")?))
}

async fn failures(work: &mut Work) -> Result<BTreeMap<StaffId, Vec<Timestamp>>, Broken> {
    times(work, "SELECT staff_id, at_us FROM staff_failure ORDER BY staff_id, at_us").await
}

async fn unreviewed(work: &mut Work) -> Result<BTreeMap<StaffId, Vec<Timestamp>>, Broken> {
    let sql = "SELECT staff_id, broken_us AS at_us FROM glass WHERE reviewed_us IS NULL \
               ORDER BY staff_id, broken_us";
    times(work, sql).await
}

async fn times(
    work: &mut Work,
    sql: &'static str,
) -> Result<BTreeMap<StaffId, Vec<Timestamp>>, Broken> {
    let rows = sqlx::query(sql).fetch_all(&mut **work).await.doing(READ)?;
    let mut times = BTreeMap::<_, Vec<_>>::new();
    for row in &rows {
        let whose = times.entry(StaffId(row.number("staff_id")?)).or_default();
        whose.push(row.time("at_us")?);
    }
    Ok(times)
}

async fn forget_failures(work: &mut Work, id: StaffId) -> Result<(), Broken> {
    sqlx::query("DELETE FROM staff_failure WHERE staff_id = $1")
        .bind(id.0)
        .execute(&mut **work)
        .await
        .doing(KEEP)?;
    Ok(())
}

async fn end_sessions(work: &mut Work, id: StaffId) -> Result<(), Broken> {
    sqlx::query("DELETE FROM staff_session WHERE staff_id = $1")
        .bind(id.0)
        .execute(&mut **work)
        .await
        .doing(KEEP)?;
    Ok(())
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The number of nobody: staff are numbered from 1.
pub const NOBODY: StaffId = StaffId(0);

const READ: &str = "read the staff";
const KEEP: &str = "keep the staff";

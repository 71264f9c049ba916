//! What is due to be erased, and how far that is.

use super::{KEEP, READ};
use crate::{
    Store, StoreError,
    code::{Coded, Columns, micros, signed},
    dialect::Row,
    error::{Broken, Doing},
};
use model::{AgencyId, CallId, RecordingId, Timestamp};
use std::time::Duration;

/// What is due: how long something is kept where nobody set it, and of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Recordings.
    pub audio: Duration,
    /// Recordings of numbers that were protected afterwards, since that is known.
    pub quarantine: Duration,
    /// Only those of this agency.
    pub agency: Option<AgencyId>,
    /// Only those of numbers that were protected afterwards.
    pub quarantined_alone: bool,
}

/// Why something is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// Its time is over.
    Retention,
    /// Its number was protected afterwards.
    Quarantine,
}

impl Coded for Basis {
    fn code(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::Quarantine => "quarantine",
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        [Self::Retention, Self::Quarantine].into_iter().find(|basis| basis.code() == code)
    }
}

/// A recording that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Whose it is.
    pub agency: AgencyId,
    /// Which.
    pub recording: RecordingId,
    /// SHA-256 of its file.
    pub sha256: [u8; 32],
    /// Why.
    pub basis: Basis,
}

/// A recording that is being erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erasing {
    /// Which, and why.
    pub due: Due,
    /// The place of its entry in the log, once that is durable.
    pub entry: Option<u64>,
}

/// Recordings whose time is over: the term of audio where nobody set it, that of quarantined ones,
/// the time, the agency or none, and whether only quarantined ones are meant.
macro_rules! due_rows {
    () => {
        "FROM recording r \
         JOIN call c ON c.agency_id = r.agency_id AND c.call_id = r.call_id \
         LEFT JOIN quarantine q ON q.agency_id = r.agency_id AND q.call_id = r.call_id \
         LEFT JOIN retention f ON f.agency_id = r.agency_id \
         AND f.facility_id = c.facility_id AND f.class = 'audio' \
         LEFT JOIN retention a ON a.agency_id = r.agency_id \
         AND a.facility_id = 0 AND a.class = 'audio' \
         WHERE r.state IS NOT NULL AND ($4 IS NULL OR r.agency_id = $4) \
         AND (NOT $5 AND r.closed_us + COALESCE(f.keep_us, a.keep_us, $1) <= $3 \
         OR q.since_us + $2 <= $3) \
         AND NOT EXISTS (SELECT 1 FROM held d JOIN legal_hold h ON h.hold_id = d.hold_id \
         WHERE d.agency_id = r.agency_id AND d.call_id = r.call_id \
         AND (h.released_us IS NULL OR d.freed = 0)) \
         AND NOT EXISTS (SELECT 1 FROM erasure e \
         WHERE e.agency_id = r.agency_id AND e.call_id = r.call_id) "
    };
}

impl Store {
    /// Marks recordings of numbers that are protected now as quarantined since `now`, and says how
    /// many those are.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn quarantine(&self, now: Timestamp) -> Result<u64, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.write_durably().await?;
            let done = sqlx::query(
                "INSERT INTO quarantine (agency_id, call_id, since_us) \
                 SELECT DISTINCT r.agency_id, r.call_id, $1 FROM protected_index p \
                 JOIN call c ON c.agency_id = p.agency_id AND c.number_ix = p.number_ix \
                 JOIN recording r ON r.agency_id = c.agency_id AND r.call_id = c.call_id \
                 WHERE r.state IS NOT NULL AND NOT EXISTS (SELECT 1 FROM quarantine q \
                 WHERE q.agency_id = r.agency_id AND q.call_id = r.call_id)",
            )
            .bind(now.micros())
            .execute(&mut *work)
            .await
            .doing(KEEP)?;
            work.commit().await.doing(KEEP)?;
            Ok::<_, Broken>(done.rows_affected())
        })?)
    }

    /// Up to `count` recordings whose time is over, that no hold keeps as far as it is known, and
    /// whose erasing has not begun: those that are quarantined first.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn due(&self, terms: &Terms, now: Timestamp, count: u32) -> Result<Vec<Due>, StoreError> {
        self.0.list(
            READ,
            sqlx::query(concat!(
                "SELECT r.agency_id, r.call_id, r.sha256, \
                 CASE WHEN q.since_us IS NOT NULL AND q.since_us + $2 <= $3 \
                 THEN 'quarantine' ELSE 'retention' END AS basis ",
                due_rows!(),
                "ORDER BY basis, r.closed_us LIMIT $6"
            ))
            .bind(micros(terms.audio))
            .bind(micros(terms.quarantine))
            .bind(now.micros())
            .bind(terms.agency.map(|agency| agency.0))
            .bind(terms.quarantined_alone)
            .bind(count),
            due,
        )
    }

    /// How many recordings [`Store::due`] would give if there were no limit, and how many of these
    /// because their number was protected afterwards.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn due_count(&self, terms: &Terms, now: Timestamp) -> Result<(u64, u64), StoreError> {
        Ok(self.0.run(async {
            let row = sqlx::query(concat!(
                "SELECT COUNT(*) AS due, COUNT(CASE WHEN q.since_us + $2 <= $3 THEN 1 END) \
                 AS of_quarantine ",
                due_rows!()
            ))
            .bind(micros(terms.audio))
            .bind(micros(terms.quarantine))
            .bind(now.micros())
            .bind(terms.agency.map(|agency| agency.0))
            .bind(terms.quarantined_alone)
            .fetch_one(&mut *self.0.read().await?)
            .await
            .doing(READ)?;
            Ok::<_, Broken>((row.count("due")?, row.count("of_quarantine")?))
        })?)
    }

    /// Keeps that these are to be erased. Nothing is entered and destroyed before.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn begin_erasing(&self, due: &[Due], now: Timestamp) -> Result<(), StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.write_durably().await?;
            for due in due {
                sqlx::query(
                    "INSERT INTO erasure (agency_id, call_id, sha256, basis, begun_us) \
                     VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
                )
                .bind(due.agency.0)
                .bind(due.recording.0.cast_signed())
                .bind(due.sha256.as_slice())
                .bind(due.basis.code())
                .bind(now.micros())
                .execute(&mut *work)
                .await
                .doing(KEEP)?;
            }
            work.commit().await.doing(KEEP)
        })?)
    }

    /// Forgets what was to be erased and was not entered, so that it is judged anew.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn forget_unentered(&self) -> Result<(), StoreError> {
        self.0.keep(KEEP, sqlx::query("DELETE FROM erasure WHERE entry IS NULL"))
    }

    /// What is being erased and is not done.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn erasing(&self) -> Result<Vec<Erasing>, StoreError> {
        Ok(self.0.run(async {
            let rows = sqlx::query(
                "SELECT * FROM erasure WHERE done_us IS NULL ORDER BY agency_id, call_id",
            )
            .fetch_all(&mut *self.0.read().await?)
            .await
            .doing(READ)?;
            let erasing = |row: &Row| {
                let entry = row.maybe_int("entry")?.map(|_| row.count("entry")).transpose()?;
                Ok(Erasing { due: due(row)?, entry })
            };
            rows.iter().map(erasing).collect::<Result<Vec<_>, Broken>>()
        })?)
    }

    /// Keeps the place in the log at which it is entered that these are erased, one after the other
    /// from `first` on.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn erasing_entered(&self, due: &[Due], first: u64) -> Result<(), StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.write_durably().await?;
            for (due, entry) in due.iter().zip(first..) {
                sqlx::query("UPDATE erasure SET entry = $1 WHERE agency_id = $2 AND call_id = $3")
                    .bind(signed(entry))
                    .bind(due.agency.0)
                    .bind(due.recording.0.cast_signed())
                    .execute(&mut *work)
                    .await
                    .doing(KEEP)?;
            }
            work.commit().await.doing(KEEP)
        })?)
    }

    /// Keeps that nothing is left of these.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn erased(&self, due: &[Due], now: Timestamp) -> Result<(), StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.write_durably().await?;
            for due in due {
                sqlx::query(
                    "UPDATE erasure SET done_us = $1 WHERE agency_id = $2 AND call_id = $3",
                )
                .bind(now.micros())
                .bind(due.agency.0)
                .bind(due.recording.0.cast_signed())
                .execute(&mut *work)
                .await
                .doing(KEEP)?;
            }
            work.commit().await.doing(KEEP)
        })?)
    }

    /// Whether a recording is quarantined: nobody hears it, and a hold only keeps it.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn is_quarantined(
        &self,
        agency: AgencyId,
        recording: RecordingId,
    ) -> Result<bool, StoreError> {
        Ok(self.0.run(async {
            let found = sqlx::query(
                "SELECT 1 AS found FROM quarantine WHERE agency_id = $1 AND call_id = $2",
            )
            .bind(agency.0)
            .bind(recording.0.cast_signed())
            .fetch_optional(&mut *self.0.read().await?)
            .await
            .doing(READ)?;
            Ok::<_, Broken>(found.is_some())
        })?)
    }
}

fn due(row: &Row) -> Result<Due, Broken> {
    let call = CallId(row.int("call_id")?.cast_unsigned());
    Ok(Due {
        agency: AgencyId(row.number("agency_id")?),
        recording: call.recording(),
        sha256: row.octets("sha256")?,
        basis: row.coded("basis")?,
    })
}

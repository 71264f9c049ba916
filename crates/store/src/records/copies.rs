//! Who took a copy of which call away.

use crate::{
    Store, StoreError,
    code::{Columns, signed},
    dialect::{Driver, Row},
    error::{Broken, Doing},
};
use access::{Audience, Purpose, Role};
use model::{AgencyId, CallId, Timestamp};
use sqlx::QueryBuilder;

/// A copy that was taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyRow {
    /// Place of the disclosure in the log.
    pub entry: u64,
    /// Whether it was the recording, or the record alone.
    pub recording: bool,
    /// For whom.
    pub audience: Audience,
    /// As what it was handed out.
    pub role: Role,
    /// Why.
    pub purpose: Purpose,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// Keeps, before it leaves, that a copy of these calls is taken away.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails; then it must not leave.
    pub fn add_copies(
        &self,
        agency: AgencyId,
        calls: &[CallId],
        copy: &CopyRow,
    ) -> Result<(), StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.write_durably().await?;
            for call in calls {
                sqlx::query(
                    "INSERT INTO copy (agency_id, call_id, entry, what, audience, role, \
                     purpose, at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
                )
                .bind(agency.0)
                .bind(call.0.cast_signed())
                .bind(signed(copy.entry))
                .bind(if copy.recording { RECORDING } else { RECORD })
                .bind(copy.audience.word())
                .bind(copy.role.word())
                .bind(copy.purpose.word())
                .bind(copy.at.micros())
                .execute(&mut *work)
                .await
                .doing(KEEP)?;
            }
            work.commit().await.doing(KEEP)
        })?)
    }

    /// The calls of which a copy was taken away in this entry.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn copied(&self, agency: AgencyId, entry: u64) -> Result<Vec<CallId>, StoreError> {
        self.0.list(
            READ,
            sqlx::query("SELECT call_id FROM copy WHERE agency_id = $1 AND entry = $2")
                .bind(agency.0)
                .bind(signed(entry)),
            |row| Ok(CallId(row.int("call_id")?.cast_unsigned())),
        )
    }

    /// The copies of any of these calls, each once, in the order of their entries; the newest
    /// [`COPIES_COUNT_MAX`].
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn copies(&self, agency: AgencyId, calls: &[CallId]) -> Result<Vec<CopyRow>, StoreError> {
        let copies = self.0.run(async {
            let mut work = self.0.read().await?;
            let mut copies = Vec::new();
            for some in calls.chunks(super::CALLS_AT_ONCE) {
                let mut query = QueryBuilder::<Driver>::new(SELECT);
                query
                    .push(" FROM copy WHERE agency_id = ")
                    .push_bind(agency.0)
                    .push(" AND call_id IN (");
                let mut list = query.separated(", ");
                for call in some {
                    list.push_bind(call.0.cast_signed());
                }
                query.push(")").push(GROUP);
                for row in query.build().fetch_all(&mut *work).await.doing(READ)? {
                    copies.push(copy(&row)?);
                }
            }
            Ok::<_, Broken>(copies)
        })?;
        Ok(newest(copies))
    }
}

/// Each entry's once, the newest [`COPIES_COUNT_MAX`].
pub(super) fn newest(mut copies: Vec<CopyRow>) -> Vec<CopyRow> {
    // Of one entry the recording says more than the record.
    copies.sort_unstable_by_key(|copy| (copy.entry, !copy.recording));
    copies.dedup_by_key(|copy| copy.entry);
    let older = copies.len().saturating_sub(COPIES_COUNT_MAX);
    copies.split_off(older)
}

pub(super) fn copy(row: &Row) -> Result<CopyRow, Broken> {
    let known = |column| Broken::unreadable(column);
    Ok(CopyRow {
        entry: row.count("entry")?,
        recording: row.text("what")? == RECORDING,
        audience: Audience::from_word(&row.text("audience")?).ok_or_else(|| known("audience"))?,
        role: Role::from_word(&row.text("role")?).ok_or_else(|| known("role"))?,
        purpose: Purpose::from_word(&row.text("purpose")?).ok_or_else(|| known("purpose"))?,
        at: row.time("copied_us")?,
    })
}

/// Copies that are told of at once.
pub const COPIES_COUNT_MAX: usize = 1_000;
pub(super) const SELECT: &str = "SELECT entry, MAX(what) AS what, audience, role, purpose, \
                                 copy.at_us AS copied_us";
pub(super) const GROUP: &str = " GROUP BY entry, audience, role, purpose, copy.at_us";
/// In alphabetical order, so that the larger of the two is the recording.
const RECORD: &str = "record";
const RECORDING: &str = "recording";
pub(super) const READ: &str = "read who took copies";
const KEEP: &str = "keep who takes a copy";

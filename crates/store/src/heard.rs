//! How the audio of calls was, counted over all of them.

use crate::{
    Store,
    code::Columns,
    dialect::Database,
    error::{Broken, Doing, StoreError},
};
use model::Timestamp;

/// How the audio of some calls was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeardCounts {
    /// Legs of calls of which it is known.
    pub legs: u64,
    /// Of these, those that lost more than one packet of [`LOSS_ONE_IN`], one way or the other.
    pub lossy: u64,
    /// Of these, those on which packets came more unevenly than [`JITTER_MAX_MICROS`] at the end,
    /// one way or the other.
    pub uneven: u64,
}

impl Store {
    /// How the audio was of calls that were admitted since then.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn heard(&self, since: Timestamp) -> Result<HeardCounts, StoreError> {
        Ok(self.0.run(heard(&self.0, since))?)
    }
}

async fn heard(database: &Database, since: Timestamp) -> Result<HeardCounts, Broken> {
    let mut work = database.read().await?;
    let row = sqlx::query(
        "SELECT CAST(COUNT(*) AS BIGINT) AS legs, \
         CAST(COALESCE(SUM(lost * $2 > received + lost OR lost_there * $2 > sent), 0) AS BIGINT) \
         AS lossy, \
         CAST(COALESCE(SUM(jitter_us > $3 OR jitter_there_us > $3), 0) AS BIGINT) AS uneven \
         FROM call JOIN leg_heard USING (agency_id, call_id) WHERE call.at_us >= $1",
    )
    .bind(since.micros())
    .bind(LOSS_ONE_IN)
    .bind(JITTER_MAX_MICROS)
    .fetch_one(&mut *work)
    .await
    .doing("count how calls were heard")?;
    Ok(HeardCounts {
        legs: row.count("legs")?,
        lossy: row.count("lossy")?,
        uneven: row.count("uneven")?,
    })
}

/// G.711 without concealment is hurt by more than one packet in 50 (ITU-T G.113 appendix I).
pub const LOSS_ONE_IN: i64 = 50;

/// Telephones hold back some 60 ms against packets that come unevenly.
pub const JITTER_MAX_MICROS: i64 = 60_000;

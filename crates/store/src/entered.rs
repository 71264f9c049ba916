//! Which epoch of the registry the log has, and what the next one changes.

use crate::{
    code::{Columns, digits},
    dialect::{Database, Row},
    error::{Broken, Doing},
};
use model::{AgencyId, CallId, E164, Private, fact::Epoch};

/// How the registry differs from the newest epoch that was entered in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistryChanges {
    /// Its epoch.
    pub epoch: Epoch,
    /// Numbers that the log still has as protected.
    pub removed: Vec<Private<E164>>,
    /// Recordings, running ones among them, of numbers that are protected for the first time.
    pub late: Vec<LateRecording>,
}

/// A recording of a number that was protected afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LateRecording {
    /// Its agency.
    pub agency: AgencyId,
    /// Its call.
    pub call: CallId,
    /// The number.
    pub number: Private<E164>,
}

/// See [`crate::Store::registry_changes`].
pub(crate) async fn changes(database: &Database) -> Result<RegistryChanges, Broken> {
    let mut work = database.read().await?;
    let epoch = sqlx::query("SELECT epoch FROM registry WHERE one = 1")
        .fetch_one(&mut *work)
        .await
        .doing(READ)?
        .count("epoch")?;
    let removed = sqlx::query(
        "SELECT number FROM entered_number \
         WHERE number NOT IN (SELECT number FROM protected_number) ORDER BY number",
    )
    .fetch_all(&mut *work)
    .await
    .doing(READ)?;
    let late = sqlx::query(
        "SELECT r.agency_id, r.call_id, c.number \
         FROM (SELECT DISTINCT number FROM protected_number) p \
         JOIN call c ON c.number = p.number \
         JOIN recording r ON r.agency_id = c.agency_id AND r.call_id = c.call_id \
         WHERE p.number NOT IN (SELECT number FROM entered_number) \
         AND (r.state IS NOT NULL OR c.off_reason IS NULL) ORDER BY r.agency_id, r.call_id",
    )
    .fetch_all(&mut *work)
    .await
    .doing(READ)?;
    let number = |row: &Row| Ok(Private::new(row.e164("number")?));
    let recording = |row: &Row| {
        Ok(LateRecording {
            agency: AgencyId(row.number("agency_id")?),
            call: CallId(row.int("call_id")?.cast_unsigned()),
            number: number(row)?,
        })
    };
    Ok(RegistryChanges {
        epoch: Epoch(epoch),
        removed: removed.iter().map(number).collect::<Result<_, Broken>>()?,
        late: late.iter().map(recording).collect::<Result<_, Broken>>()?,
    })
}

/// See [`crate::Store::registry_entered`].
pub(crate) async fn entered(
    database: &Database,
    numbers: impl IntoIterator<Item = E164>,
) -> Result<(), Broken> {
    let mut work = database.write().await?;
    sqlx::query("DELETE FROM entered_number").execute(&mut *work).await.doing(KEEP)?;
    for number in numbers {
        sqlx::query("INSERT INTO entered_number (number) VALUES ($1)")
            .bind(digits(number))
            .execute(&mut *work)
            .await
            .doing(KEEP)?;
    }
    work.commit().await.doing(KEEP)
}

const READ: &str = "compare the registry with the log";
const KEEP: &str = "keep which numbers the log has";

//! Which epoch of the registry the log has, and what the next one changes.

use crate::{
    code::Columns,
    dialect::{Database, Row, Work},
    error::{Broken, Doing},
    sealing::{
        self, CELL, ColumnKeys,
        field::{CALL_NUMBER, ENTERED_NUMBER, PROTECTED_NUMBER},
    },
};
use model::{AgencyId, CallId, E164, Private, fact::Epoch};
use std::collections::BTreeSet;

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
    let entered = entered_numbers(&mut work).await?;
    let protected = protected_numbers(&mut work).await?;
    let is_new = protected.iter().any(|number| !entered.contains(number));
    let mut late = if is_new { recorded_protected(&mut work).await? } else { Vec::new() };
    late.retain(|recording| !entered.contains(recording.number.expose()));
    Ok(RegistryChanges {
        epoch: Epoch(epoch),
        removed: entered.difference(&protected).copied().map(Private::new).collect(),
        late,
    })
}

async fn entered_numbers(work: &mut Work) -> Result<BTreeSet<E164>, Broken> {
    let keys = work.keys();
    let rows = sqlx::query("SELECT number FROM entered_number")
        .fetch_all(&mut **work)
        .await
        .doing(READ)?;
    let number = |row: &Row| {
        let sealed = row.maybe_octets("number")?.unwrap_or_default();
        let plain = keys.open(CELL, ENTERED_NUMBER, &sealed)?;
        sealing::as_number(&plain).ok_or_else(|| Broken::unreadable("number"))
    };
    rows.iter().map(number).collect()
}

async fn protected_numbers(work: &mut Work) -> Result<BTreeSet<E164>, Broken> {
    let keys = work.keys();
    let rows = sqlx::query("SELECT agency_id, number FROM protected_number")
        .fetch_all(&mut **work)
        .await
        .doing(READ)?;
    rows.iter().map(|row| keys.number(row, PROTECTED_NUMBER)).collect()
}

/// Recordings of numbers that are protected today.
async fn recorded_protected(work: &mut Work) -> Result<Vec<LateRecording>, Broken> {
    let keys = work.keys();
    let rows = sqlx::query(
        "SELECT r.agency_id, r.call_id, c.number FROM recording r \
         JOIN call c ON c.agency_id = r.agency_id AND c.call_id = r.call_id \
         JOIN protected_index p ON p.agency_id = c.agency_id AND p.number_ix = c.number_ix \
         WHERE r.state IS NOT NULL OR c.off_reason IS NULL ORDER BY r.agency_id, r.call_id",
    )
    .fetch_all(&mut **work)
    .await
    .doing(READ)?;
    rows.iter().map(|row| late_recording(&keys, row)).collect()
}

fn late_recording(keys: &ColumnKeys, row: &Row) -> Result<LateRecording, Broken> {
    Ok(LateRecording {
        agency: AgencyId(row.number("agency_id")?),
        call: CallId(row.int("call_id")?.cast_unsigned()),
        number: Private::new(keys.number(row, CALL_NUMBER)?),
    })
}

/// See [`crate::Store::registry_entered`].
pub(crate) async fn entered(
    database: &Database,
    numbers: impl IntoIterator<Item = E164>,
) -> Result<(), Broken> {
    let mut work = database.write().await?;
    let keys = work.keys();
    sqlx::query("DELETE FROM entered_number").execute(&mut *work).await.doing(KEEP)?;
    for number in numbers {
        sqlx::query("INSERT INTO entered_number (number_ix, number) VALUES ($1, $2)")
            .bind(keys.number_index(CELL, number)?)
            .bind(keys.seal_number(CELL, ENTERED_NUMBER, number)?)
            .execute(&mut *work)
            .await
            .doing(KEEP)?;
    }
    work.commit().await.doing(KEEP)
}

const READ: &str = "compare the registry with the log";
const KEEP: &str = "keep which numbers the log has";

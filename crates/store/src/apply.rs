//! Applying a plan: one transaction that compares what is stored with what is asked for and writes
//! the differences alone.

pub(crate) use numbers::WHOLE_AGENCY;
pub(crate) use people::same_name;
pub(crate) use places::{NOBODY, access, called_choices, dialling};

mod numbers;
mod people;
mod places;
mod relay;

use crate::{
    dialect::{Database, Work},
    error::{Broken, Doing, StoreError},
    plan::{Applied, Count, Plan},
};
use model::Timestamp;

/// See [`crate::Store::apply`].
pub(crate) async fn apply(
    database: &Database,
    plan: &Plan,
    now: Timestamp,
) -> Result<Applied, StoreError> {
    let mut work = database.write().await?;
    let mut applied = Applied::default();
    let places = places::apply(&mut work, plan, &mut applied).await?;
    people::apply(&mut work, plan, &places, now, &mut applied).await?;
    applied.numbers = numbers::apply_rules(&mut work, &plan.numbers, &places).await?;
    applied.services = relay::apply(&mut work, &plan.services, &places).await?;
    applied.lifts = numbers::apply_lifts(&mut work, &plan.lifts, &places, now).await?;
    let registry = numbers::apply_protected(&mut work, plan, &places, now, &mut applied).await?;
    if applied.agencies.added > 0 {
        numbers::index_protected(&mut work).await?;
    }
    applied.trunk = numbers::apply_trunk(&mut work, plan.trunk.as_ref()).await?;
    let changed = applied.is_change() || registry == numbers::Registry::Changed;
    applied.version = bump(&mut work, changed).await?;
    work.commit().await.doing("keep the plan")?;
    Ok(applied)
}

/// The version after the plan.
pub(crate) async fn bump(work: &mut Work, changed: bool) -> Result<u64, Broken> {
    use crate::code::Columns;
    let row = sqlx::query("UPDATE cell SET version = version + $1 WHERE one = 1 RETURNING version")
        .bind(i64::from(changed))
        .fetch_one(&mut **work)
        .await
        .doing("count the plan")?;
    row.count("version")
}

/// What became of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Added,
    Changed,
    Removed,
    Unchanged,
}

impl Change {
    /// What becomes of an item that was `before` and is wanted as `after`.
    fn of<T: PartialEq>(before: Option<&T>, after: Option<&T>) -> Self {
        match (before, after) {
            (None, None) => Self::Unchanged,
            (None, Some(_)) => Self::Added,
            (Some(_), None) => Self::Removed,
            (Some(before), Some(after)) if before == after => Self::Unchanged,
            (Some(_), Some(_)) => Self::Changed,
        }
    }
}

impl Count {
    fn note(&mut self, change: Change) {
        match change {
            Change::Added => self.added += 1,
            Change::Changed => self.changed += 1,
            Change::Removed => self.removed += 1,
            Change::Unchanged => self.unchanged += 1,
        }
    }
}

/// Gives the numbers after the largest that was ever given: rows that have one are never deleted.
struct Ids(u32);

impl Ids {
    fn after(given: impl Iterator<Item = u32>) -> Self {
        Self(given.max().unwrap_or(0))
    }

    fn give(&mut self) -> Result<u32, Broken> {
        self.0 =
            self.0.checked_add(1).ok_or_else(|| Broken::new("give a number", "none is left"))?;
        Ok(self.0)
    }
}

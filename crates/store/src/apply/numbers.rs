//! Rules about numbers, protected numbers and the trunk.

use super::{Change, places::Places};
use crate::{
    code::{Coded, Columns, signed},
    dialect::Work,
    error::{Broken, Doing, Refused, StoreError},
    plan::{Applied, Count, Lift, NumberRule, Plan, Protected},
    sealing::field::{
        LIFT_NUMBER, LIFT_REFERENCE, PROTECTED_HOLDER, PROTECTED_NUMBER, RULE_NUMBER,
    },
};
use model::{
    AgencyId, E164, Timestamp,
    plan::{Lifted, NumberUse, Trunk},
};
use std::collections::{BTreeMap, BTreeSet};

/// Applies rules about numbers.
pub(super) async fn apply_rules(
    work: &mut Work,
    wanted: &[NumberRule],
    places: &Places,
) -> Result<Count, StoreError> {
    let mut count = Count::default();
    if wanted.is_empty() {
        return Ok(count);
    }
    let keys = work.keys();
    let mut stored: BTreeMap<(AgencyId, u32, E164), NumberUse> = BTreeMap::new();
    let rows = sqlx::query("SELECT agency_id, facility_id, number, rule FROM number_rule")
        .fetch_all(&mut **work)
        .await
        .doing("read rules about numbers")?;
    for row in rows {
        let agency = AgencyId(row.number("agency_id")?);
        let key = (agency, row.number("facility_id")?, keys.number(&row, RULE_NUMBER)?);
        stored.insert(key, row.coded("rule")?);
    }
    for rule in wanted {
        let (agency, facility) = places.scope(&rule.agency, rule.facility.as_deref())?;
        let key = (agency, facility, *rule.number.expose());
        let change = Change::of(stored.get(&key), rule.rule.as_ref());
        if change != Change::Unchanged {
            write_rule(work, key, rule.rule).await?;
        }
        count.note(change);
        match rule.rule {
            Some(rule) => stored.insert(key, rule),
            None => stored.remove(&key),
        };
    }
    Ok(count)
}

async fn write_rule(
    work: &mut Work,
    (agency, facility, number): (AgencyId, u32, E164),
    rule: Option<NumberUse>,
) -> Result<(), Broken> {
    let keys = work.keys();
    let index = keys.number_index(agency, number)?;
    let query = match rule {
        Some(rule) => sqlx::query(
            "INSERT INTO number_rule (agency_id, facility_id, number_ix, number, rule) \
             VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (agency_id, facility_id, number_ix) DO UPDATE SET rule = excluded.rule",
        )
        .bind(agency.0)
        .bind(facility)
        .bind(index)
        .bind(keys.seal_number(agency, RULE_NUMBER, number)?)
        .bind(rule.code()),
        None => sqlx::query(
            "DELETE FROM number_rule WHERE agency_id = $1 AND facility_id = $2 AND number_ix = $3",
        )
        .bind(agency.0)
        .bind(facility)
        .bind(index),
    };
    query.execute(&mut **work).await.doing("keep a rule about a number")?;
    Ok(())
}

/// Books what staff take back, each reference once.
pub(super) async fn apply_lifts(
    work: &mut Work,
    wanted: &[Lift],
    places: &Places,
    now: Timestamp,
) -> Result<Count, StoreError> {
    let mut count = Count::default();
    let mut differing = Vec::new();
    let keys = work.keys();
    for lift in wanted {
        let (agency, facility) = places.scope(&lift.agency, lift.facility.as_deref())?;
        let number = *lift.number.expose();
        let index = keys.text_index(agency, LIFT_REFERENCE, lift.reference.expose())?;
        let inserted = sqlx::query(
            "INSERT INTO lift (agency_id, reference_ix, facility_id, number, what, at_us, \
             reference, number_ix) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (agency_id, reference_ix) DO NOTHING",
        )
        .bind(agency.0)
        .bind(index.clone())
        .bind(facility)
        .bind(keys.seal_number(agency, LIFT_NUMBER, number)?)
        .bind(lift.what.code())
        .bind(now.micros())
        .bind(keys.seal_text(agency, LIFT_REFERENCE, lift.reference.expose())?)
        .bind(keys.number_index(agency, number)?)
        .execute(&mut **work)
        .await
        .doing(LIFT)?;
        if inserted.rows_affected() > 0 {
            count.note(Change::Added);
            continue;
        }
        let before = sqlx::query(
            "SELECT agency_id, facility_id, number, what FROM lift \
             WHERE agency_id = $1 AND reference_ix = $2",
        )
        .bind(agency.0)
        .bind(index)
        .fetch_one(&mut **work)
        .await
        .doing(LIFT)?;
        let same = before.number("facility_id")? == facility
            && keys.number(&before, LIFT_NUMBER)? == number
            && before.coded::<Lifted>("what")? == lift.what;
        if same {
            count.note(Change::Unchanged);
        } else {
            differing.push(lift.line);
        }
    }
    if differing.is_empty() {
        Ok(count)
    } else {
        Err(Refused::LiftDiffers { lines: differing }.into())
    }
}

/// What a plan did to the registry's set of numbers or to what is trusted of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Registry {
    /// Nothing, or it was only confirmed.
    AsBefore,
    /// A new epoch, or another size is trusted.
    Changed,
}

/// Applies the protected numbers. A plan that does not speak of them neither changes nor confirms
/// the registry; one that does confirms it, and makes a new epoch when the set is another.
pub(super) async fn apply_protected(
    work: &mut Work,
    plan: &Plan,
    places: &Places,
    now: Timestamp,
    applied: &mut Applied,
) -> Result<Registry, StoreError> {
    let before = sqlx::query("SELECT epoch, confirmed_us, count_max FROM registry WHERE one = 1")
        .fetch_one(&mut **work)
        .await
        .doing("read the registry")?;
    let (epoch, count_max) = (before.count("epoch")?, before.count("count_max")?);
    applied.epoch = epoch;
    let Some(protected) = &plan.protected else { return Ok(Registry::AsBefore) };
    let found =
        apply_protected_numbers(work, (plan, protected), places, now, &mut applied.protected)
            .await?;
    if let Some(expected) = protected.count.filter(|expected| *expected != found) {
        return Err(Refused::ProtectedCount { expected, found }.into());
    }
    let is_other = applied.protected.added + applied.protected.removed > 0;
    if is_other || epoch == 0 {
        applied.epoch += 1;
    }
    let trusted = if protected.count.is_some() { found } else { count_max.max(found) };
    sqlx::query("UPDATE registry SET epoch = $1, confirmed_us = $2, count_max = $3 WHERE one = 1")
        .bind(signed(applied.epoch))
        .bind(now.max(before.time("confirmed_us")?).micros())
        .bind(signed(trusted))
        .execute(&mut **work)
        .await
        .doing("keep the registry")?;
    if is_other {
        index_protected(work).await?;
    }
    let changed = applied.epoch != epoch || trusted != count_max;
    Ok(if changed { Registry::Changed } else { Registry::AsBefore })
}

/// Gives back how many different numbers are protected afterwards.
async fn apply_protected_numbers(
    work: &mut Work,
    (plan, protected): (&Plan, &Protected),
    places: &Places,
    now: Timestamp,
    count: &mut Count,
) -> Result<u64, StoreError> {
    let keys = work.keys();
    let mut stored: BTreeMap<(AgencyId, E164), Option<String>> = BTreeMap::new();
    let rows = sqlx::query("SELECT agency_id, number, holder FROM protected_number")
        .fetch_all(&mut **work)
        .await
        .doing("read the registry")?;
    for row in rows {
        let key = (AgencyId(row.number("agency_id")?), keys.number(&row, PROTECTED_NUMBER)?);
        stored.insert(key, keys.maybe_text(&row, PROTECTED_HOLDER)?);
    }
    let mut listed: BTreeSet<(AgencyId, E164)> = BTreeSet::new();
    for wanted in &protected.numbers {
        let key = (places.agency(&wanted.agency)?, *wanted.number.expose());
        // Of a number that stands twice in the list, the first row counts.
        if !listed.insert(key) {
            continue;
        }
        let holder = wanted.holder.as_ref().map(|holder| holder.expose().clone());
        let change = match stored.get(&key) {
            None => Change::Added,
            // A row without a note leaves the note that is stored.
            Some(before) if holder.is_none() || *before == holder => Change::Unchanged,
            Some(_) => Change::Changed,
        };
        if change != Change::Unchanged {
            write_protected(work, key, holder.as_deref(), now).await?;
            stored.insert(key, holder);
        }
        count.note(change);
    }
    if protected.replace {
        let mut agencies: BTreeSet<AgencyId> = listed.iter().map(|(agency, _)| *agency).collect();
        for agency in &plan.agencies {
            agencies.insert(places.agency(&agency.key)?);
        }
        for key in forgotten(&stored, &listed, &agencies) {
            remove_protected(work, key).await?;
            stored.remove(&key);
            count.note(Change::Removed);
        }
    }
    let distinct: BTreeSet<E164> = stored.keys().map(|(_, number)| *number).collect();
    Ok(distinct.len() as u64)
}

/// Stored numbers of `agencies` that are not listed.
fn forgotten(
    stored: &BTreeMap<(AgencyId, E164), Option<String>>,
    listed: &BTreeSet<(AgencyId, E164)>,
    agencies: &BTreeSet<AgencyId>,
) -> Vec<(AgencyId, E164)> {
    let keys = stored.keys().filter(|key| agencies.contains(&key.0) && !listed.contains(key));
    keys.copied().collect()
}

/// Keeps a number with a holder who did not have it before: what was called before is not theirs.
async fn write_protected(
    work: &mut Work,
    (agency, number): (AgencyId, E164),
    holder: Option<&str>,
    now: Timestamp,
) -> Result<(), Broken> {
    let keys = work.keys();
    let holder = holder.map(|holder| keys.seal_text(agency, PROTECTED_HOLDER, holder));
    sqlx::query(
        "INSERT INTO protected_number (agency_id, number_ix, number, holder, since_us) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (agency_id, number_ix) \
         DO UPDATE SET holder = excluded.holder, since_us = excluded.since_us",
    )
    .bind(agency.0)
    .bind(keys.number_index(agency, number)?)
    .bind(keys.seal_number(agency, PROTECTED_NUMBER, number)?)
    .bind(holder.transpose()?)
    .bind(now.micros())
    .execute(&mut **work)
    .await
    .doing("keep a protected number")?;
    Ok(())
}

async fn remove_protected(
    work: &mut Work,
    (agency, number): (AgencyId, E164),
) -> Result<(), Broken> {
    let index = work.keys().number_index(agency, number)?;
    sqlx::query("DELETE FROM protected_number WHERE agency_id = $1 AND number_ix = $2")
        .bind(agency.0)
        .bind(index)
        .execute(&mut **work)
        .await
        .doing("remove a protected number")?;
    Ok(())
}

/// Makes the index of protected numbers of every agency again.
pub(super) async fn index_protected(work: &mut Work) -> Result<(), Broken> {
    let keys = work.keys();
    let mut numbers = BTreeSet::new();
    let rows = sqlx::query("SELECT agency_id, number FROM protected_number")
        .fetch_all(&mut **work)
        .await
        .doing(INDEX)?;
    for row in rows {
        numbers.insert(keys.number(&row, PROTECTED_NUMBER)?);
    }
    sqlx::query("DELETE FROM protected_index").execute(&mut **work).await.doing(INDEX)?;
    let agencies =
        sqlx::query("SELECT agency_id FROM agency").fetch_all(&mut **work).await.doing(INDEX)?;
    for agency in agencies {
        let agency = AgencyId(agency.number("agency_id")?);
        for number in &numbers {
            sqlx::query("INSERT INTO protected_index (agency_id, number_ix) VALUES ($1, $2)")
                .bind(agency.0)
                .bind(keys.number_index(agency, *number)?)
                .execute(&mut **work)
                .await
                .doing(INDEX)?;
        }
    }
    Ok(())
}

/// Applies the trunk.
pub(super) async fn apply_trunk(
    work: &mut Work,
    wanted: Option<&Trunk>,
) -> Result<Count, StoreError> {
    let mut count = Count::default();
    let Some(wanted) = wanted else { return Ok(count) };
    let before = sqlx::query("SELECT address FROM trunk WHERE one = 1")
        .fetch_optional(&mut **work)
        .await
        .doing("read the trunk")?;
    let address = wanted.address.to_string();
    let change = match before.map(|row| row.text("address")).transpose()? {
        None => Change::Added,
        Some(before) if before == address => Change::Unchanged,
        Some(_) => Change::Changed,
    };
    if change != Change::Unchanged {
        sqlx::query(
            "INSERT INTO trunk (one, address) VALUES (1, $1) \
             ON CONFLICT (one) DO UPDATE SET address = excluded.address",
        )
        .bind(&address)
        .execute(&mut **work)
        .await
        .doing("keep the trunk")?;
    }
    count.note(change);
    Ok(count)
}

/// What is being done when a statement about the index of protected numbers fails.
const INDEX: &str = "index the protected numbers";
/// What is being done when a statement about a lift fails.
const LIFT: &str = "take back what a called party chose";
/// The facility of a rule for a whole agency; facilities are numbered from 1.
pub(crate) const WHOLE_AGENCY: u32 = 0;

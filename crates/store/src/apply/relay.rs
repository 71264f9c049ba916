//! Services that can be dialled: relay, lines for help, speed dials.

use super::{Change, WHOLE_AGENCY, places::Places};
use crate::{
    code::{Coded, Columns, digits},
    dialect::Work,
    error::{Broken, Doing, StoreError},
    plan::{Count, Service},
};
use model::plan::ServiceKind;
use std::collections::BTreeMap;

/// What is stored of a service: its keys and what it is.
type Stored = (Option<String>, ServiceKind);

/// Applies services.
pub(super) async fn apply(
    work: &mut Work,
    wanted: &[Service],
    places: &Places,
) -> Result<Count, StoreError> {
    let mut count = Count::default();
    if wanted.is_empty() {
        return Ok(count);
    }
    let mut stored: BTreeMap<(u32, u32, i64), Stored> = BTreeMap::new();
    let rows = sqlx::query("SELECT agency_id, facility_id, number, keys, kind FROM service")
        .fetch_all(&mut **work)
        .await
        .doing("read services")?;
    for row in rows {
        let key = (row.number("agency_id")?, row.number("facility_id")?, row.int("number")?);
        stored.insert(key, (row.maybe_text("keys")?, row.coded("kind")?));
    }
    for service in wanted {
        let agency = places.agency(&service.agency)?.0;
        let facility = match &service.facility {
            Some(key) => places.facility(key)?.1.0,
            None => WHOLE_AGENCY,
        };
        let key = (agency, facility, digits(*service.number.expose()));
        let after = service.kind.map(|kind| (service.keys.clone(), kind));
        let change = match (stored.get(&key), &after) {
            (None, None) => Change::Unchanged,
            (None, Some(_)) => Change::Added,
            (Some(_), None) => Change::Removed,
            (Some(before), Some(after)) if before == after => Change::Unchanged,
            (Some(_), Some(_)) => Change::Changed,
        };
        if change != Change::Unchanged {
            write(work, key, after.as_ref()).await?;
        }
        count.note(change);
        match after {
            Some(after) => stored.insert(key, after),
            None => stored.remove(&key),
        };
    }
    Ok(count)
}

async fn write(
    work: &mut Work,
    (agency, facility, number): (u32, u32, i64),
    service: Option<&Stored>,
) -> Result<(), Broken> {
    let query = match service {
        Some((keys, kind)) => sqlx::query(
            "INSERT INTO service (agency_id, facility_id, number, keys, kind) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (agency_id, facility_id, number) \
             DO UPDATE SET keys = excluded.keys, kind = excluded.kind",
        )
        .bind(agency)
        .bind(facility)
        .bind(number)
        .bind(keys.clone())
        .bind(kind.code()),
        None => sqlx::query(
            "DELETE FROM service WHERE agency_id = $1 AND facility_id = $2 AND number = $3",
        )
        .bind(agency)
        .bind(facility)
        .bind(number),
    };
    query.execute(&mut **work).await.doing("keep a service")?;
    Ok(())
}

//! Services that can be dialled: relay, lines for help, speed dials.

use super::{Change, places::Places};
use crate::{
    code::{Coded, Columns},
    dialect::Work,
    error::{Broken, Doing, StoreError},
    plan::{Count, Service},
    sealing::field::SERVICE_NUMBER,
};
use model::{AgencyId, E164, plan::ServiceKind};
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
    let keys = work.keys();
    let mut stored: BTreeMap<(AgencyId, u32, E164), Stored> = BTreeMap::new();
    let rows = sqlx::query("SELECT agency_id, facility_id, number, keys, kind FROM service")
        .fetch_all(&mut **work)
        .await
        .doing("read services")?;
    for row in rows {
        let agency = AgencyId(row.number("agency_id")?);
        let key = (agency, row.number("facility_id")?, keys.number(&row, SERVICE_NUMBER)?);
        stored.insert(key, (row.maybe_text("keys")?, row.coded("kind")?));
    }
    for service in wanted {
        let (agency, facility) = places.scope(&service.agency, service.facility.as_deref())?;
        let key = (agency, facility, *service.number.expose());
        let after = service.kind.map(|kind| (service.keys.clone(), kind));
        let change = Change::of(stored.get(&key), after.as_ref());
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
    (agency, facility, number): (AgencyId, u32, E164),
    service: Option<&Stored>,
) -> Result<(), Broken> {
    let keys = work.keys();
    let index = keys.number_index(agency, number)?;
    let query = match service {
        Some((dialled, kind)) => sqlx::query(
            "INSERT INTO service (agency_id, facility_id, number_ix, number, keys, kind) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (agency_id, facility_id, number_ix) \
             DO UPDATE SET keys = excluded.keys, kind = excluded.kind",
        )
        .bind(agency.0)
        .bind(facility)
        .bind(index)
        .bind(keys.seal_number(agency, SERVICE_NUMBER, number)?)
        .bind(dialled.clone())
        .bind(kind.code()),
        None => sqlx::query(
            "DELETE FROM service WHERE agency_id = $1 AND facility_id = $2 AND number_ix = $3",
        )
        .bind(agency.0)
        .bind(facility)
        .bind(index),
    };
    query.execute(&mut **work).await.doing("keep a service")?;
    Ok(())
}

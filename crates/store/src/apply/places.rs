//! Agencies, facilities, units and stations.

use super::{Change, Ids, WHOLE_AGENCY};
use crate::{
    code::{Coded, Columns, digits, micros},
    dialect::{Row, Work},
    error::{Broken, Doing, Refused, StoreError},
    plan::{Agency, Applied, Count, Facility, Plan, Station, StationCaller, Unit},
    sealing::{
        ColumnKeys,
        field::{STATION_HA1, STATION_HOTLINE, STATION_PERSON},
    },
};
use model::{
    AgencyId, FacilityId, Private, UnitId,
    place::Site,
    plan::{CalledChoices, Dialling, Hotline, StationAccess},
};
use std::{collections::BTreeMap, net::SocketAddr};

/// Numbers of all places, by key.
pub(super) struct Places {
    agencies: BTreeMap<String, AgencyId>,
    facilities: BTreeMap<String, (AgencyId, FacilityId)>,
}

impl Places {
    pub(super) fn agency(&self, key: &str) -> Result<AgencyId, Refused> {
        self.agencies.get(key).copied().ok_or_else(|| unknown("agency", key))
    }

    pub(super) fn facility(&self, key: &str) -> Result<(AgencyId, FacilityId), Refused> {
        self.facilities.get(key).copied().ok_or_else(|| unknown("facility", key))
    }

    /// The agency, and the number that rows have of one of its facilities, or of all of them.
    pub(super) fn scope(
        &self,
        agency: &str,
        facility: Option<&str>,
    ) -> Result<(AgencyId, u32), Refused> {
        let agency = self.agency(agency)?;
        let facility = match facility {
            Some(key) => self.facility(key)?.1.0,
            None => WHOLE_AGENCY,
        };
        Ok((agency, facility))
    }
}

/// Applies all places of the plan.
pub(super) async fn apply(
    work: &mut Work,
    plan: &Plan,
    applied: &mut Applied,
) -> Result<Places, StoreError> {
    let agencies = apply_agencies(work, &plan.agencies, &mut applied.agencies).await?;
    let mut places = Places { agencies, facilities: BTreeMap::new() };
    apply_facilities(work, &plan.facilities, &mut places, &mut applied.facilities).await?;
    let units = apply_units(work, &plan.units, &places, &mut applied.units).await?;
    if !plan.stations.is_empty() {
        apply_stations(work, &plan.stations, &units, &mut applied.stations).await?;
    }
    Ok(places)
}

async fn apply_agencies(
    work: &mut Work,
    wanted: &[Agency],
    count: &mut Count,
) -> Result<BTreeMap<String, AgencyId>, StoreError> {
    let mut stored = BTreeMap::new();
    for row in all(work, "SELECT agency_id, key, name, keyholder FROM agency").await? {
        let agency = Agency {
            key: row.text("key")?,
            name: row.text("name")?,
            keyholder: row.maybe_text("keyholder")?,
        };
        stored.insert(agency.key.clone(), (row.number("agency_id")?, agency));
    }
    let mut ids = Ids::after(stored.values().map(|(id, _)| *id));
    for agency in wanted {
        let (id, before) = match stored.remove(&agency.key) {
            Some((id, before)) => (id, Some(before)),
            None => (ids.give()?, None),
        };
        let mut after = agency.clone();
        // A plan that does not name a keyholder leaves the one that is stored.
        after.keyholder = after.keyholder.or_else(|| before.as_ref()?.keyholder.clone());
        let change = difference(before.as_ref(), &after);
        if change != Change::Unchanged {
            sqlx::query(
                "INSERT INTO agency (agency_id, key, name, keyholder) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (agency_id) DO UPDATE \
                 SET name = excluded.name, keyholder = excluded.keyholder",
            )
            .bind(id)
            .bind(&after.key)
            .bind(&after.name)
            .bind(after.keyholder.as_deref())
            .execute(&mut **work)
            .await
            .doing("keep an agency")?;
        }
        count.note(change);
        stored.insert(agency.key.clone(), (id, after));
    }
    Ok(stored.into_iter().map(|(key, (id, _))| (key, AgencyId(id))).collect())
}

async fn apply_facilities(
    work: &mut Work,
    wanted: &[Facility],
    places: &mut Places,
    count: &mut Count,
) -> Result<(), StoreError> {
    let mut stored = BTreeMap::new();
    let sql = "SELECT f.*, a.key AS agency_key FROM facility f \
               JOIN agency a ON a.agency_id = f.agency_id";
    for row in all(work, sql).await? {
        let facility = facility(&row)?;
        let at = (AgencyId(row.number("agency_id")?), FacilityId(row.number("facility_id")?));
        stored.insert(facility.key.clone(), (at, facility));
    }
    let mut ids = Ids::after(stored.values().map(|((_, id), _)| id.0));
    for facility in wanted {
        let agency = places.agency(&facility.agency)?;
        let (at, before) = match stored.remove(&facility.key) {
            Some((at, before)) => (at, Some(before)),
            None => ((agency, FacilityId(ids.give()?)), None),
        };
        let change = difference(before.as_ref(), facility);
        if change != Change::Unchanged {
            write_facility(work, at, facility).await?;
        }
        count.note(change);
        stored.insert(facility.key.clone(), (at, facility.clone()));
    }
    places.facilities = stored.into_iter().map(|(key, (at, _))| (key, at)).collect();
    Ok(())
}

fn facility(row: &Row) -> Result<Facility, Broken> {
    Ok(Facility {
        agency: row.text("agency_key")?,
        key: row.text("key")?,
        name: row.text("name")?,
        site: Site {
            kind: row.coded("kind")?,
            adp: row.number("adp")?,
            state: row.state("state")?,
        },
        adp_year: row
            .maybe_number("adp_year")?
            .map(|year| u16::try_from(year).map_err(|_| Broken::unreadable("adp_year")))
            .transpose()?,
        timezone: row.text("timezone")?,
        recording: row.flag("recording")?,
        registry_down: row.coded("registry_down")?,
        talk_max: row.length("talk_max_us")?,
        relay_talk_max: row.length("relay_talk_max_us")?,
        disk_full: row.coded("disk_full")?,
        allowed_only: row.flag("allowed_only")?,
        base_per_minute: row.money("base_micros")?,
        additive_per_minute: row.money("additive_micros")?,
        caller_id: row.e164("caller_id")?,
        called: called_choices(row)?,
        recorded_names: row.flag("recorded_names")?,
    })
}

/// What called parties of a stored facility may choose.
pub(crate) fn called_choices(row: &Row) -> Result<CalledChoices, Broken> {
    Ok(CalledChoices {
        private_claims_max: u8::try_from(row.number("private_claims_max")?)
            .map_err(|_| Broken::unreadable("private_claims_max"))?,
        block: row.coded("block_scope")?,
        drawn_key: row.flag("drawn_key")?,
        reminder_every: row.maybe_length("reminder_us")?,
    })
}

async fn write_facility(
    work: &mut Work,
    (agency, id): (AgencyId, FacilityId),
    facility: &Facility,
) -> Result<(), Broken> {
    sqlx::query(
        "INSERT INTO facility (agency_id, facility_id, key, name, kind, adp, adp_year, state, \
         timezone, recording, registry_down, talk_max_us, allowed_only, base_micros, \
         additive_micros, caller_id, relay_talk_max_us, disk_full, private_claims_max, \
         block_scope, drawn_key, reminder_us, recorded_names) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
         $19, $20, $21, $22, $23) \
         ON CONFLICT (agency_id, facility_id) DO UPDATE SET name = excluded.name, \
         kind = excluded.kind, adp = excluded.adp, adp_year = excluded.adp_year, \
         state = excluded.state, timezone = excluded.timezone, recording = excluded.recording, \
         registry_down = excluded.registry_down, talk_max_us = excluded.talk_max_us, \
         allowed_only = excluded.allowed_only, base_micros = excluded.base_micros, \
         additive_micros = excluded.additive_micros, caller_id = excluded.caller_id, \
         relay_talk_max_us = excluded.relay_talk_max_us, disk_full = excluded.disk_full, \
         private_claims_max = excluded.private_claims_max, block_scope = excluded.block_scope, \
         drawn_key = excluded.drawn_key, reminder_us = excluded.reminder_us, \
         recorded_names = excluded.recorded_names",
    )
    .bind(agency.0)
    .bind(id.0)
    .bind(&facility.key)
    .bind(&facility.name)
    .bind(facility.site.kind.code())
    .bind(facility.site.adp)
    .bind(facility.adp_year)
    .bind(facility.site.state.code())
    .bind(&facility.timezone)
    .bind(i64::from(facility.recording))
    .bind(facility.registry_down.code())
    .bind(micros(facility.talk_max))
    .bind(i64::from(facility.allowed_only))
    .bind(facility.base_per_minute.micros())
    .bind(facility.additive_per_minute.micros())
    .bind(digits(facility.caller_id))
    .bind(micros(facility.relay_talk_max))
    .bind(facility.disk_full.code())
    .bind(facility.called.private_claims_max)
    .bind(facility.called.block.code())
    .bind(i64::from(facility.called.drawn_key))
    .bind(facility.called.reminder_every.map(micros))
    .bind(i64::from(facility.recorded_names))
    .execute(&mut **work)
    .await
    .doing("keep a facility")?;
    Ok(())
}

/// A unit's numbers.
#[derive(Clone, Copy)]
struct UnitAt {
    agency: AgencyId,
    facility: FacilityId,
    unit: UnitId,
}

async fn apply_units(
    work: &mut Work,
    wanted: &[Unit],
    places: &Places,
    count: &mut Count,
) -> Result<BTreeMap<String, UnitAt>, StoreError> {
    let mut stored = BTreeMap::new();
    let sql = "SELECT u.*, f.key AS facility_key FROM unit u JOIN facility f \
               ON f.agency_id = u.agency_id AND f.facility_id = u.facility_id";
    for row in all(work, sql).await? {
        let unit = Unit {
            facility: row.text("facility_key")?,
            key: row.text("key")?,
            name: row.text("name")?,
        };
        let at = UnitAt {
            agency: AgencyId(row.number("agency_id")?),
            facility: FacilityId(row.number("facility_id")?),
            unit: UnitId(row.number("unit_id")?),
        };
        stored.insert(unit.key.clone(), (at, unit));
    }
    let mut ids = Ids::after(stored.values().map(|(at, _)| at.unit.0));
    for unit in wanted {
        let (agency, facility) = places.facility(&unit.facility)?;
        let (at, before) = match stored.remove(&unit.key) {
            Some((at, before)) => (at, Some(before)),
            None => (UnitAt { agency, facility, unit: UnitId(ids.give()?) }, None),
        };
        let change = difference(before.as_ref(), unit);
        if change != Change::Unchanged {
            sqlx::query(
                "INSERT INTO unit (agency_id, unit_id, facility_id, key, name) \
                 VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (agency_id, unit_id) DO UPDATE SET name = excluded.name",
            )
            .bind(at.agency.0)
            .bind(at.unit.0)
            .bind(at.facility.0)
            .bind(&unit.key)
            .bind(&unit.name)
            .execute(&mut **work)
            .await
            .doing("keep a unit")?;
        }
        count.note(change);
        stored.insert(unit.key.clone(), (at, unit.clone()));
    }
    Ok(stored.into_iter().map(|(key, (at, _))| (key, at)).collect())
}

async fn apply_stations(
    work: &mut Work,
    wanted: &[Station],
    units: &BTreeMap<String, UnitAt>,
    count: &mut Count,
) -> Result<(), StoreError> {
    let keys = work.keys();
    let mut stored = BTreeMap::new();
    let sql = "SELECT s.*, u.key AS unit_key FROM station s \
               JOIN unit u ON u.agency_id = s.agency_id AND u.unit_id = s.unit_id";
    for row in all(work, sql).await? {
        let station = Station {
            unit: row.text("unit_key")?,
            key: row.text("key")?,
            access: access(&keys, &row)?,
            caller: caller(&keys, &row)?,
            dialling: dialling(&keys, &row)?,
            removed: row.flag("removed")?,
        };
        stored.insert(station.key.clone(), (row.number("station_id")?, station));
    }
    let mut ids = Ids::after(stored.values().map(|(id, _)| *id));
    for station in wanted {
        let at = *units.get(&station.unit).ok_or_else(|| unknown("unit", &station.unit))?;
        let (id, before) = match stored.remove(&station.key) {
            Some((id, before)) => (id, Some(before)),
            None => (ids.give()?, None),
        };
        let mut change = difference(before.as_ref(), station);
        if change == Change::Changed && station.removed && before.is_some_and(|was| !was.removed) {
            change = Change::Removed;
        }
        if change != Change::Unchanged {
            write_station(work, at, id, station).await?;
        }
        count.note(change);
        stored.insert(station.key.clone(), (id, station.clone()));
    }
    Ok(check_told_apart(wanted, stored.values().map(|(_, station)| station))?)
}

async fn write_station(
    work: &mut Work,
    at: UnitAt,
    id: u32,
    station: &Station,
) -> Result<(), Broken> {
    let keys = work.keys();
    let agency = at.agency;
    let (address, user, ha1) = match &station.access {
        StationAccess::Source { address, user } => (Some(address.to_string()), user.clone(), None),
        StationAccess::Digest { user, ha1 } => {
            let ha1 = keys.seal(agency, STATION_HA1, ha1.expose())?;
            (None, Some(user.clone()), Some(ha1))
        }
    };
    let (caller, person) = match &station.caller {
        StationCaller::Pin => (BY_PIN, None),
        StationCaller::Nobody => (NOBODY, None),
        StationCaller::Person(key) => (ASSIGNED, Some(key.expose())),
    };
    let index = person.map(|key| keys.text_index(agency, STATION_PERSON, key)).transpose()?;
    let person = person.map(|key| keys.seal_text(agency, STATION_PERSON, key)).transpose()?;
    let (dialling, hotline) = match &station.dialling {
        Dialling::Menu => (MENU, None),
        Dialling::EnBloc => (EN_BLOC, None),
        Dialling::Hotline(hotline) => (HOTLINE, Some(hotline)),
    };
    let dialled = hotline.map(|hotline| hotline.dialled.expose());
    let dialled =
        dialled.map(|keyed| keys.seal_text(agency, STATION_HOTLINE, keyed)).transpose()?;
    sqlx::query(
        "INSERT INTO station (agency_id, station_id, facility_id, unit_id, key, address, \
         digest_user, ha1, removed, caller, person_key, dialling, hotline, hotline_free, \
         hotline_recording, person_key_ix) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
         ON CONFLICT (agency_id, station_id) DO UPDATE SET address = excluded.address, \
         digest_user = excluded.digest_user, ha1 = excluded.ha1, removed = excluded.removed, \
         caller = excluded.caller, person_key = excluded.person_key, \
         dialling = excluded.dialling, hotline = excluded.hotline, \
         hotline_free = excluded.hotline_free, hotline_recording = excluded.hotline_recording, \
         person_key_ix = excluded.person_key_ix",
    )
    .bind(at.agency.0)
    .bind(id)
    .bind(at.facility.0)
    .bind(at.unit.0)
    .bind(&station.key)
    .bind(address)
    .bind(user)
    .bind(ha1)
    .bind(i64::from(station.removed))
    .bind(caller)
    .bind(person)
    .bind(dialling)
    .bind(dialled)
    .bind(hotline.map(|hotline| i64::from(hotline.free)))
    .bind(hotline.map(|hotline| i64::from(hotline.recording)))
    .bind(index)
    .execute(&mut **work)
    .await
    .doing("keep a station")?;
    Ok(())
}

/// How a stored station's calls are recognised.
pub(crate) fn access(keys: &ColumnKeys, row: &Row) -> Result<StationAccess, Broken> {
    let user = row.maybe_text("digest_user")?;
    match row.maybe_text("address")? {
        Some(address) => {
            let address: SocketAddr = address.parse().map_err(|_| Broken::unreadable("address"))?;
            Ok(StationAccess::Source { address, user })
        }
        None => Ok(StationAccess::Digest {
            user: user.ok_or_else(|| Broken::unreadable("digest_user"))?,
            ha1: Private::new(ha1(keys, row)?),
        }),
    }
}

fn ha1(keys: &ColumnKeys, row: &Row) -> Result<[u8; 16], Broken> {
    keys.maybe_octets(row, STATION_HA1)?
        .and_then(|plain| plain.as_slice().try_into().ok())
        .ok_or_else(|| Broken::unreadable("ha1"))
}

/// Who calls from a stored station.
fn caller(keys: &ColumnKeys, row: &Row) -> Result<StationCaller, Broken> {
    match row.text("caller")?.as_str() {
        BY_PIN => Ok(StationCaller::Pin),
        NOBODY => Ok(StationCaller::Nobody),
        ASSIGNED => Ok(StationCaller::Person(Private::new(keys.text(row, STATION_PERSON)?))),
        _ => Err(Broken::unreadable("caller")),
    }
}

/// What the calls of a stored station dial.
pub(crate) fn dialling(keys: &ColumnKeys, row: &Row) -> Result<Dialling, Broken> {
    match row.text("dialling")?.as_str() {
        MENU => Ok(Dialling::Menu),
        EN_BLOC => Ok(Dialling::EnBloc),
        HOTLINE => Ok(Dialling::Hotline(Hotline {
            dialled: Private::new(keys.text(row, STATION_HOTLINE)?),
            free: row.flag("hotline_free")?,
            recording: row.flag("hotline_recording")?,
        })),
        _ => Err(Broken::unreadable("dialling")),
    }
}

/// Refuses two stations in service whose calls look the same, where the plan names one of them.
fn check_told_apart<'a>(
    wanted: &[Station],
    stations: impl Iterator<Item = &'a Station>,
) -> Result<(), Refused> {
    let mut seen: BTreeMap<(Option<SocketAddr>, Option<&str>), &str> = BTreeMap::new();
    for station in stations.filter(|station| !station.removed) {
        let sign = match &station.access {
            StationAccess::Source { address, user } => (Some(*address), user.as_deref()),
            StationAccess::Digest { user, .. } => (None, Some(user.as_str())),
        };
        if let Some(other) = seen.insert(sign, &station.key) {
            let named = wanted.iter().any(|wanted| wanted.key == station.key);
            let (station, other) =
                if named { (station.key.as_str(), other) } else { (other, station.key.as_str()) };
            return Err(Refused::AccessTaken {
                station: station.to_owned(),
                other: other.to_owned(),
            });
        }
    }
    Ok(())
}

fn difference<T: PartialEq>(before: Option<&T>, after: &T) -> Change {
    match before {
        None => Change::Added,
        Some(before) if before == after => Change::Unchanged,
        Some(_) => Change::Changed,
    }
}

fn unknown(kind: &'static str, key: &str) -> Refused {
    Refused::Unknown { kind, key: key.to_owned() }
}

async fn all(work: &mut Work, sql: &'static str) -> Result<Vec<Row>, Broken> {
    sqlx::query(sql).fetch_all(&mut **work).await.doing("read what is stored")
}

/// Stored words for who calls from a station, and what is dialled there.
const BY_PIN: &str = "pin";
pub(crate) const NOBODY: &str = "nobody";
const ASSIGNED: &str = "person";
const MENU: &str = "menu";
const EN_BLOC: &str = "en_bloc";
const HOTLINE: &str = "hotline";

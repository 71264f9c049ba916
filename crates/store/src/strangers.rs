//! Whom and what facts speak of that this database does not know.
//!
//! A database that comes from a backup may be older than people who were provisioned since. The
//! journal has their calls, by their numbers alone. Whoever is provisioned next would get these
//! numbers, and with them calls of somebody else. So the numbers are taken before, by people
//! without a name: as those are whose names are erased.

use crate::{
    code::Columns as _,
    dialect::{Database, Row, Work},
    error::{Broken, Doing, Refused, StoreError},
};
use model::{
    AccountId, AgencyId, FacilityId, Language, PersonId, StationId, Timestamp, UnitId,
    fact::{Fact, NameActed},
};
use std::collections::{BTreeMap, BTreeSet};

/// Places and people that facts speak of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spoken {
    places: BTreeSet<(AgencyId, Place)>,
    people: BTreeMap<(AgencyId, PersonId), Person>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Agency,
    Facility(FacilityId),
    Unit(UnitId),
    Station(StationId),
}

/// What facts say of a person besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Person {
    facility: Option<FacilityId>,
    account: Option<AccountId>,
}

impl Spoken {
    /// Takes note of all that `fact` speaks of.
    pub fn note(&mut self, fact: &Fact) {
        match fact {
            Fact::Admitted(it) => {
                self.place(it.agency, Place::Facility(it.facility));
                self.place(it.agency, Place::Unit(it.unit));
                self.place(it.agency, Place::Station(it.station));
                let account = it.hold.as_ref().map(|hold| hold.account);
                self.person(it.agency, it.person, Some(it.facility), account);
            }
            Fact::Denied(it) => {
                self.place(it.agency, Place::Facility(it.facility));
                self.place(it.agency, Place::Station(it.station));
                self.person(it.agency, it.person, Some(it.facility), None);
            }
            Fact::NameRecorded(it) => self.person(it.agency, Some(it.person), None, None),
            Fact::NameHeard(acted)
            | Fact::NameApproved(acted)
            | Fact::NameRemoved { acted, .. } => self.named(acted),
            Fact::NameByStaff(done) => self.named(&done.acted),
            Fact::LanguageChosen { agency, .. } | Fact::PrivateClaimed { agency, .. } => {
                self.place(*agency, Place::Agency);
            }
            Fact::CallsBlocked { agency, facility, .. } => {
                self.place(*agency, facility.map_or(Place::Agency, Place::Facility));
            }
            // Of a call that was admitted, or of nobody.
            Fact::Boot { .. }
            | Fact::Answered { .. }
            | Fact::Accepted { .. }
            | Fact::Talked { .. }
            | Fact::RecordingClosed { .. }
            | Fact::Ended(_)
            | Fact::PinRefused { .. }
            | Fact::Dialled { .. }
            | Fact::NeverRecorded { .. }
            | Fact::Forwarded { .. }
            | Fact::Heard(_) => {}
        }
    }

    fn place(&mut self, agency: AgencyId, place: Place) {
        self.places.insert((agency, place));
    }

    fn named(&mut self, acted: &NameActed) {
        self.person(acted.agency, Some(acted.person), None, None);
    }

    fn person(
        &mut self,
        agency: AgencyId,
        person: Option<PersonId>,
        facility: Option<FacilityId>,
        account: Option<AccountId>,
    ) {
        self.place(agency, Place::Agency);
        if let Some(person) = person {
            let known = self.people.entry((agency, person)).or_default();
            known.facility = known.facility.or(facility);
            known.account = known.account.or(account);
        }
    }
}

/// See [`crate::Store::take_in`].
pub(crate) async fn take_in(
    database: &Database,
    spoken: &Spoken,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let mut work = database.write_durably().await?;
    let mut unknown = 0;
    for (agency, place) in &spoken.places {
        unknown += u64::from(!is_there(&mut work, *agency, *place).await?);
    }
    if unknown > 0 {
        return Err(Refused::PlacesUnknown { count: unknown }.into());
    }
    let mut taken = 0;
    for ((agency, person), about) in &spoken.people {
        if !knows(&mut work, *agency, *person).await? {
            insert(&mut work, (*agency, *person), *about, now).await?;
            taken += 1;
        }
    }
    work.commit().await.doing(KEEP)?;
    Ok(taken)
}

async fn is_there(work: &mut Work, agency: AgencyId, place: Place) -> Result<bool, Broken> {
    let (sql, id) = match place {
        Place::Agency => ("SELECT COUNT(*) AS n FROM agency WHERE agency_id = $1 AND $2 = 0", 0),
        Place::Facility(id) => {
            ("SELECT COUNT(*) AS n FROM facility WHERE agency_id = $1 AND facility_id = $2", id.0)
        }
        Place::Unit(id) => {
            ("SELECT COUNT(*) AS n FROM unit WHERE agency_id = $1 AND unit_id = $2", id.0)
        }
        Place::Station(id) => {
            ("SELECT COUNT(*) AS n FROM station WHERE agency_id = $1 AND station_id = $2", id.0)
        }
    };
    let row = sqlx::query(sql).bind(agency.0).bind(id).fetch_one(&mut **work).await;
    Ok(row.doing(READ)?.count("n")? > 0)
}

async fn knows(work: &mut Work, agency: AgencyId, person: PersonId) -> Result<bool, Broken> {
    let row: Row =
        sqlx::query("SELECT COUNT(*) AS n FROM person WHERE agency_id = $1 AND person_id = $2")
            .bind(agency.0)
            .bind(person.0)
            .fetch_one(&mut **work)
            .await
            .doing(READ)?;
    Ok(row.count("n")? > 0)
}

/// Takes the numbers of a person and of their account. People and accounts are given numbers
/// together, one for one.
async fn insert(
    work: &mut Work,
    (agency, person): (AgencyId, PersonId),
    about: Person,
    now: Timestamp,
) -> Result<(), Broken> {
    sqlx::query(
        "INSERT INTO person (agency_id, person_id, facility_id, pin, language, removed, \
         removed_us, named_us) VALUES ($1, $2, COALESCE($3, \
         (SELECT MIN(facility_id) FROM facility WHERE agency_id = $1)), X'', $4, 1, $5, $5)",
    )
    .bind(agency.0)
    .bind(person.0)
    .bind(about.facility.map(|facility| facility.0))
    .bind(Language::En.code())
    .bind(now.micros())
    .execute(&mut **work)
    .await
    .doing(KEEP)?;
    sqlx::query(
        "INSERT INTO account (agency_id, account_id, person_id, deposited_micros, settled_micros) \
         VALUES ($1, $2, $3, 0, 0)",
    )
    .bind(agency.0)
    .bind(about.account.map_or(person.0, |account| account.0))
    .bind(person.0)
    .execute(&mut **work)
    .await
    .doing(KEEP)?;
    Ok(())
}

const READ: &str = "read whom it knows";
const KEEP: &str = "take numbers of people";

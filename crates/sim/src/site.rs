//! The county in a database, for the real desk: its files in memory, and what is provisioned there.

use crate::{
    county::{County, HELP_CODE, RELAY_CODE},
    desk::Lift,
};
use desk::{EvidenceConfig, EvidenceKeys, PinKey};
use model::{
    AccountId, AgencyId, E164, Money, PersonId, Private, StaffId, StationId, Timestamp,
    plan::{Configuration, Dialling, Hotline, NumberUse, RegistryData, ServiceKind, StationAccess},
};
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};
use store::{
    ColumnKeys, NameRow, NameWant, NameWish, Plan, Store,
    plan::{
        Agency, Deposit, Facility, Lift as LiftPlan, NumberRule, Person, Protected,
        ProtectedNumber, Service, Station, StationCaller, Table, Unit,
    },
};
use tempfile::TempDir;
use vault::{DetailSealer, Keyholders, NameShelf};

/// What all runs of the real desk share.
#[derive(Debug)]
pub(crate) struct Ground {
    /// An empty database, so that not every run makes its tables.
    empty: PathBuf,
    _folder: TempDir,
    keyholders: Keyholders,
}

/// The files of one run.
#[derive(Debug)]
pub(crate) struct Site {
    folder: TempDir,
    store: Store,
    keyholders: Keyholders,
    /// References are used once.
    references: u64,
}

/// Something of ours is broken: the run says nothing.
pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;

impl Ground {
    pub(crate) fn new() -> Result<Self, Fault> {
        let folder = folder()?;
        let empty = folder.path().join(DATABASE);
        let store = Store::open(&empty, &column_keys())?;
        drop(store);
        let key = || vault::generate().map(|(_, public)| public);
        let agencies = BTreeMap::from([(AgencyId(1), None)]);
        let keyholders = Keyholders::new(key()?, agencies, key()?)?;
        Ok(Self { empty, _folder: folder, keyholders })
    }

    /// Provisions a county, which gets the numbers that the database gives its parts.
    pub(crate) fn site(
        &self,
        county: &mut County,
        source: &mut RegistryData,
        now: Timestamp,
    ) -> Result<Site, Fault> {
        let folder = folder()?;
        let database = folder.path().join(DATABASE);
        std::fs::copy(&self.empty, &database)?;
        let store = Store::open(&database, &column_keys())?;
        let (keyholders, references) = (self.keyholders.clone(), 0);
        let mut site = Site { folder, store, keyholders, references };
        let plan = site.plan(county, source)?;
        site.store.apply(&plan, now)?;
        let configuration = site.store.configuration()?;
        renumber(county, &configuration);
        *source = configuration.registry;
        Ok(site)
    }
}

impl Site {
    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join(DATABASE)
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn names(&self) -> NameShelf {
        NameShelf::new(self.names_folder(), [8; 32])
    }

    pub(crate) fn names_folder(&self) -> PathBuf {
        self.folder.path().join("names")
    }

    pub(crate) fn evidence(&self) -> EvidenceConfig {
        EvidenceConfig {
            keys: EVIDENCE_KEYS,
            details: DetailSealer::new(self.keyholders.clone()),
            build: [6; 32],
        }
    }

    /// Pays money in.
    pub(crate) fn deposit(
        &mut self,
        person: usize,
        amount: Money,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let deposit = Deposit {
            agency: AGENCY.to_owned(),
            person: person_key(person),
            amount,
            reference: self.reference(),
            line: 0,
            table: Table::Deposits,
        };
        self.store.apply(&Plan { deposits: vec![deposit], ..Plan::default() }, now)?;
        Ok(())
    }

    /// Staff take something back.
    pub(crate) fn lift(&mut self, county: &County, lift: &Lift) -> Result<(), Fault> {
        let place = |id| county.facilities.iter().position(|facility| facility.id == id);
        let facility = lift.facility.and_then(place).map(facility_key);
        let lifted = LiftPlan {
            agency: AGENCY.to_owned(),
            facility,
            number: Private::new(lift.number),
            what: lift.what,
            reference: self.reference(),
            line: 0,
        };
        self.store.apply(&Plan { lifts: vec![lifted], ..Plan::default() }, lift.at)?;
        Ok(())
    }

    /// Provisions these protected numbers; `sure` says that there are to be just so many.
    pub(crate) fn protect(
        &self,
        source: &mut RegistryData,
        sure: bool,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let plan = Plan {
            agencies: vec![agency()],
            protected: Some(protected(source, sure)?),
            ..Plan::default()
        };
        self.store.apply(&plan, now)?;
        *source = self.store.configuration()?.registry;
        Ok(())
    }

    /// Names that are kept and not removed.
    pub(crate) fn kept_names(&self) -> Result<Vec<NameRow>, Fault> {
        let names = self.store.names()?;
        Ok(names.into_iter().filter(|row| row.removed.is_none()).collect())
    }

    /// What staff want done with a name.
    pub(crate) fn wish(&self, row: &NameRow, want: NameWant) -> Result<(), Fault> {
        let NameRow { agency, person, sha256, .. } = *row;
        let (by, act) = (STAFF, 0);
        let wish = NameWish { agency, person, sha256, want, by, act };
        Ok(self.store.wish_name(&wish)?)
    }

    fn reference(&mut self) -> Private<String> {
        self.references += 1;
        Private::new(format!("reference {}", self.references))
    }

    fn plan(&mut self, county: &County, source: &RegistryData) -> Result<Plan, Fault> {
        let mut plan = Plan { agencies: vec![agency()], ..Plan::default() };
        for (place, facility) in county.facilities.iter().enumerate() {
            plan.facilities.push(Facility {
                agency: AGENCY.to_owned(),
                key: facility_key(place),
                name: "Jail".to_owned(),
                site: facility.site,
                adp_year: None,
                timezone: "America/Denver".to_owned(),
                recording: facility.recording,
                registry_down: facility.registry_down,
                talk_max: facility.talk_max,
                relay_talk_max: facility.relay_talk_max,
                disk_full: facility.disk_full,
                allowed_only: facility.allowed_only,
                base_per_minute: facility.base_per_minute,
                additive_per_minute: facility.additive_per_minute,
                caller_id: facility.caller_id,
                called: facility.called,
                recorded_names: facility.recorded_names,
            });
            let (facility, key) = (facility_key(place), unit_key(place));
            plan.units.push(Unit { facility, key, name: "A".to_owned() });
        }
        self.stations(county, &mut plan);
        self.people(county, &mut plan);
        numbers(county, &mut plan);
        if !source.numbers.is_empty() {
            plan.protected = Some(protected(source, true)?);
        }
        Ok(plan)
    }

    fn stations(&self, county: &County, plan: &mut Plan) {
        for (place, station) in county.stations.iter().enumerate() {
            let line = station.hotline.and_then(|line| county.lines.get(line));
            let hotline = line.map(|line| Hotline {
                dialled: Private::new(crate::county::hotline_keys(line)),
                free: true,
                recording: false,
            });
            let port = u16::try_from(5_060 + place).unwrap_or(0);
            plan.stations.push(Station {
                unit: unit_key(facility_place(county, station.facility)),
                key: station_key(county, place),
                access: StationAccess::Source {
                    address: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10)), port),
                    user: None,
                },
                caller: if hotline.is_some() { StationCaller::Nobody } else { StationCaller::Pin },
                dialling: hotline.map_or(Dialling::Menu, Dialling::Hotline),
                removed: false,
            });
        }
    }

    fn people(&mut self, county: &County, plan: &mut Plan) {
        for (place, person) in county.people.iter().enumerate() {
            let facility = facility_key(facility_place(county, person.facility));
            plan.people.push(Person {
                agency: AGENCY.to_owned(),
                key: person_key(place),
                name: Private::new("Sam".to_owned()),
                pin: PIN_KEY.hash(&facility, &person.pin.to_string()),
                facility,
                language: person.language,
                removed: false,
                line: 0,
            });
            if person.deposited > Money::ZERO {
                plan.deposits.push(Deposit {
                    agency: AGENCY.to_owned(),
                    person: person_key(place),
                    amount: person.deposited,
                    reference: self.reference(),
                    line: 0,
                    table: Table::People,
                });
            }
        }
    }
}

fn numbers(county: &County, plan: &mut Plan) {
    for line in &county.lines {
        let rule = if line.blocked {
            NumberUse::Blocked
        } else if line.free {
            NumberUse::Free
        } else if line.allowed {
            NumberUse::Allowed
        } else {
            continue;
        };
        let number = Private::new(line.number);
        let (agency, rule) = (AGENCY.to_owned(), Some(rule));
        plan.numbers.push(NumberRule { agency, facility: None, number, rule });
    }
    for line in &county.lines {
        let Some(kind) = line.service else { continue };
        let keys = match kind {
            ServiceKind::Relay => Some(RELAY_CODE.to_owned()),
            ServiceKind::Help => Some(HELP_CODE.to_owned()),
            ServiceKind::Speed => None,
        };
        let number = Private::new(line.number);
        let (agency, kind) = (AGENCY.to_owned(), Some(kind));
        plan.services.push(Service { agency, facility: None, number, keys, kind });
    }
}

/// Puts the database's numbers in the place of those that the county was made with.
fn renumber(county: &mut County, stored: &Configuration) {
    let keys: Vec<String> =
        (0..county.stations.len()).map(|place| station_key(county, place)).collect();
    let mut facilities = BTreeMap::new();
    for (place, facility) in county.facilities.iter_mut().enumerate() {
        let key = facility_key(place);
        if let Some(found) = stored.facilities.iter().find(|known| known.key == key) {
            facilities.insert(facility.id, found.id);
            (facility.id, facility.agency) = (found.id, found.agency);
        }
    }
    for (key, station) in keys.iter().zip(&mut county.stations) {
        station.facility = facilities.get(&station.facility).copied().unwrap_or(station.facility);
        let found = stored.stations.iter().find(|known| known.key == *key);
        (station.id, station.unit) =
            found.map_or((StationId(0), station.unit), |known| (known.id, known.unit));
    }
    for (place, person) in county.people.iter_mut().enumerate() {
        person.facility = facilities.get(&person.facility).copied().unwrap_or(person.facility);
        let found = stored.people.iter().find(|known| known.key == person_key(place));
        (person.id, person.account) =
            found.map_or((PersonId(0), AccountId(0)), |known| (known.id, known.account));
    }
}

fn protected(source: &RegistryData, sure: bool) -> Result<Protected, Fault> {
    let number = |number: &Private<E164>| ProtectedNumber {
        agency: AGENCY.to_owned(),
        number: *number,
        holder: None,
    };
    let count = u64::try_from(source.numbers.len())?;
    Ok(Protected {
        numbers: source.numbers.iter().map(number).collect(),
        replace: true,
        count: sure.then_some(count),
    })
}

fn agency() -> Agency {
    Agency { key: AGENCY.to_owned(), name: "Cedar County".to_owned(), keyholder: None }
}

fn facility_place(county: &County, id: model::FacilityId) -> usize {
    county.facilities.iter().position(|facility| facility.id == id).unwrap_or(0)
}

fn facility_key(place: usize) -> String {
    format!("{AGENCY}/f{place}")
}

fn unit_key(place: usize) -> String {
    format!("{AGENCY}/f{place}/a")
}

fn station_key(county: &County, place: usize) -> String {
    let facility =
        county.stations.get(place).map_or(0, |station| facility_place(county, station.facility));
    format!("{}/{place}", unit_key(facility))
}

fn person_key(place: usize) -> Private<String> {
    Private::new(format!("CC-{place}"))
}

/// The keys of the database's sealed columns.
pub(crate) fn column_keys() -> ColumnKeys {
    ColumnKeys::new([5; store::COLUMN_KEY_OCTETS])
}

/// In memory where the system has such a folder: a run syncs its files often.
fn folder() -> std::io::Result<TempDir> {
    let memory = Path::new(MEMORY);
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
}

const AGENCY: &str = "cedar";
/// Whoever looks after recorded names.
pub(crate) const STAFF: StaffId = StaffId(1);
const DATABASE: &str = "parlatory.db";
const MEMORY: &str = "/dev/shm";
pub(crate) const PIN_KEY: PinKey = PinKey::new([7; desk::PIN_KEY_OCTETS]);
/// The keys of entries, which the audit has too.
pub(crate) const EVIDENCE_KEYS: EvidenceKeys =
    EvidenceKeys { audit: [2; 32], labels: [3; 32], counsel: [4; 32] };

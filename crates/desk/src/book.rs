//! What the desk looks up during a call, in memory: built whole from the store's configuration and
//! swapped whole, so that one call never sees two versions.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use model::{
    AgencyId, E164, FacilityId, PersonId, Private, StationId, Timestamp,
    plan::{
        Closing, Configuration, Facility, Lift, Lifted, NumberUse, Person, Protection, ServiceKind,
        Station, StationAccess, Trunk,
    },
};
use registry::Snapshot;

/// All look-ups of one version of the configuration.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) version: u64,
    pub(crate) registry: Arc<Snapshot>,
    pub(crate) trunk: Option<Trunk>,
    stations: HashMap<StationId, Station>,
    facilities: BTreeMap<FacilityId, Facility>,
    people: HashMap<PersonId, Person>,
    pins: HashMap<(FacilityId, [u8; 32]), PersonId>,
    contacts: BTreeSet<(PersonId, E164)>,
    rules: HashMap<(AgencyId, Option<FacilityId>, E164), BTreeSet<NumberUse>>,
    service_keys: HashMap<(AgencyId, Option<FacilityId>, String), E164>,
    services: HashMap<(AgencyId, Option<FacilityId>, E164), ServiceKind>,
    /// When staff last lifted something, by whom and what it is about.
    lifts: HashMap<(Lifted, AgencyId, Option<FacilityId>, E164), Timestamp>,
    sources: HashMap<(IpAddr, Option<String>), Vec<Source>>,
    digests: HashMap<String, (StationId, Private<[u8; 16]>)>,
    counsel: HashMap<E164, Vec<Protection>>,
    /// What staff closed. There are few of them, so that nobody looks anything up.
    closings: Vec<Closing>,
}

/// A port (0 for any) and who calls from there.
type Source = (u16, StationId);

impl Book {
    /// The look-ups of `configuration` with `registry`.
    pub(crate) fn new(configuration: Configuration, registry: Arc<Snapshot>) -> Self {
        let mut book = Self {
            version: configuration.version,
            registry,
            trunk: configuration.trunk,
            stations: HashMap::new(),
            facilities: BTreeMap::new(),
            people: HashMap::new(),
            pins: HashMap::new(),
            contacts: BTreeSet::new(),
            rules: HashMap::new(),
            service_keys: HashMap::new(),
            services: HashMap::new(),
            lifts: HashMap::new(),
            sources: HashMap::new(),
            digests: HashMap::new(),
            counsel: HashMap::new(),
            closings: configuration.closings,
        };
        for protection in configuration.counsel {
            let number = *protection.number.expose();
            book.counsel.entry(number).or_default().push(protection);
        }
        for facility in configuration.facilities {
            book.facilities.insert(facility.id, facility);
        }
        for station in configuration.stations {
            book.add_station(station);
        }
        for person in configuration.people {
            book.add_person(person);
        }
        for lift in &configuration.lifts {
            book.add_lift(lift);
        }
        for rule in configuration.numbers {
            book.rules
                .entry((rule.agency, rule.facility, *rule.number.expose()))
                .or_default()
                .insert(rule.rule);
        }
        for service in configuration.services {
            let number = *service.number.expose();
            let at = (service.agency, service.facility);
            if let Some(keys) = service.keys {
                book.service_keys.insert((at.0, at.1, keys), number);
            }
            book.services.insert((at.0, at.1, number), service.kind);
        }
        book
    }

    /// A station and its facility.
    pub(crate) fn facility_of(&self, station: StationId) -> Option<(&Station, &Facility)> {
        let station = self.stations.get(&station)?;
        Some((station, self.facilities.get(&station.facility)?))
    }

    /// What staff closed at an agency and holds at `now`.
    pub(crate) fn closings(
        &self,
        agency: AgencyId,
        now: Timestamp,
    ) -> impl Iterator<Item = &Closing> {
        self.closings.iter().filter(move |it| it.agency == agency && it.holds(now))
    }

    /// Every station with its facility, in no order.
    pub(crate) fn all_stations(&self) -> impl Iterator<Item = (&Station, &Facility)> {
        self.stations.keys().filter_map(|station| self.facility_of(*station))
    }

    /// The person with this hashed PIN at this facility.
    pub(crate) fn person_by_pin(
        &self,
        facility: FacilityId,
        pin: &Private<[u8; 32]>,
    ) -> Option<&Person> {
        self.people.get(self.pins.get(&(facility, *pin.expose()))?)
    }

    /// A person.
    pub(crate) fn person(&self, person: PersonId) -> Option<&Person> {
        self.people.get(&person)
    }

    /// A facility.
    pub(crate) fn facility(&self, id: FacilityId) -> Option<&Facility> {
        self.facilities.get(&id)
    }

    /// Whether a number is on a person's list.
    pub(crate) fn is_contact(&self, person: PersonId, number: E164) -> bool {
        self.contacts.contains(&(person, number))
    }

    /// Whether a rule holds for a number at a facility, be it the facility's or the agency's.
    pub(crate) fn has_rule(&self, facility: &Facility, number: E164, rule: NumberUse) -> bool {
        [Some(facility.id), None].into_iter().any(|scope| {
            self.rules
                .get(&(facility.agency, scope, number))
                .is_some_and(|rules| rules.contains(&rule))
        })
    }

    /// The number that these keys stand for at a facility, whose own services come before those of
    /// its agency.
    pub(crate) fn service_number(&self, facility: &Facility, keys: &str) -> Option<E164> {
        [Some(facility.id), None].into_iter().find_map(|scope| {
            self.service_keys.get(&(facility.agency, scope, keys.to_owned())).copied()
        })
    }

    /// What service a number is at a facility, however it was dialled.
    pub(crate) fn service(&self, facility: &Facility, number: E164) -> Option<ServiceKind> {
        [Some(facility.id), None]
            .into_iter()
            .find_map(|scope| self.services.get(&(facility.agency, scope, number)).copied())
    }

    /// Whether somebody without a PIN has anybody to call at a facility.
    pub(crate) fn has_help(&self, facility: &Facility) -> bool {
        self.services.iter().any(|((agency, scope, _), kind)| {
            *agency == facility.agency
                && scope.is_none_or(|scope| scope == facility.id)
                && *kind != ServiceKind::Speed
        })
    }

    /// Whose a protected number is: as this agency registered it, or else as another did.
    pub(crate) fn counsel(&self, agency: AgencyId, number: E164) -> Option<&Protection> {
        let known = self.counsel.get(&number)?;
        known.iter().find(|it| it.agency == agency).or_else(|| known.first())
    }

    /// When staff last lifted what a called party chose for a scope. What is lifted for a whole
    /// agency is lifted at each of its facilities.
    pub(crate) fn lifted(
        &self,
        what: Lifted,
        (agency, facility, number): (AgencyId, Option<FacilityId>, E164),
    ) -> Option<Timestamp> {
        let at = |scope| self.lifts.get(&(what, agency, scope, number)).copied();
        at(None).max(facility.and_then(|facility| at(Some(facility))))
    }

    /// Whether this is a number of ours: the one shown to called parties.
    pub(crate) fn is_own(&self, number: E164) -> bool {
        self.facilities.values().any(|facility| facility.caller_id == number)
    }

    /// The station that calls from `source`, with `user` in its From URI. A gateway's line is known
    /// by address and user, a single phone by its address alone.
    pub(crate) fn station_by_source(&self, source: SocketAddr, user: &str) -> Option<StationId> {
        let by = |line: Option<String>| {
            let known = self.sources.get(&(source.ip(), line))?;
            let exact = known.iter().find(|(port, _)| *port == source.port());
            exact.or_else(|| known.iter().find(|(port, _)| *port == 0)).map(|(_, id)| *id)
        };
        by(Some(user.to_owned())).or_else(|| by(None))
    }

    /// The station with this digest user name.
    pub(crate) fn station_by_digest(&self, user: &str) -> Option<(StationId, Private<[u8; 16]>)> {
        self.digests.get(user).cloned()
    }

    fn add_station(&mut self, station: Station) {
        match &station.access {
            StationAccess::Source { address, user } => self
                .sources
                .entry((address.ip(), user.clone()))
                .or_default()
                .push((address.port(), station.id)),
            StationAccess::Digest { user, ha1 } => {
                self.digests.insert(user.clone(), (station.id, *ha1));
            }
        }
        self.stations.insert(station.id, station);
    }

    fn add_lift(&mut self, lift: &Lift) {
        // Claims are counted by agency.
        let facility = lift.facility.filter(|_| lift.what == Lifted::Block);
        let scope = (lift.what, lift.agency, facility, *lift.number.expose());
        let last = self.lifts.entry(scope).or_insert(lift.at);
        *last = lift.at.max(*last);
    }

    fn add_person(&mut self, person: Person) {
        self.pins.insert((person.facility, *person.pin.expose()), person.id);
        for contact in &person.contacts {
            self.contacts.insert((person.id, *contact.expose()));
        }
        self.people.insert(person.id, person);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::REGISTRY_GUARD;
    use model::{
        UnitId,
        plan::{Dialling, RegistryData, StationCaller},
    };

    fn station(id: u32, access: StationAccess) -> Station {
        let key = format!("cedar/jail/a/{id}");
        Station {
            id: StationId(id),
            unit: UnitId(1),
            facility: FacilityId(1),
            key,
            access,
            caller: StationCaller::Pin,
            dialling: Dialling::Menu,
        }
    }

    fn source(address: &str, user: Option<&str>) -> StationAccess {
        StationAccess::Source { address: address.parse().unwrap(), user: user.map(str::to_owned) }
    }

    fn book(stations: Vec<Station>) -> Book {
        let registry = Arc::new(REGISTRY_GUARD.snapshot(&RegistryData::default()));
        Book::new(Configuration { stations, ..Configuration::default() }, registry)
    }

    #[test]
    fn a_station_is_known_by_address_port_and_line() {
        let book = book(vec![
            station(1, source("192.0.2.10:5060", None)),
            station(2, source("192.0.2.10:0", None)),
            station(3, source("192.0.2.20:0", Some("line-1"))),
            station(4, source("192.0.2.20:0", Some("line-2"))),
            station(5, source("192.0.2.20:5070", Some("line-2"))),
            station(6, source("192.0.2.30:5060", None)),
        ]);
        for (from, user, expected) in [
            ("192.0.2.10:5060", "", Some(1)),
            ("192.0.2.10:5060", "anything", Some(1)),
            ("192.0.2.10:40000", "", Some(2)),
            ("192.0.2.20:5060", "line-1", Some(3)),
            ("192.0.2.20:5060", "line-2", Some(4)),
            ("192.0.2.20:5070", "line-2", Some(5)),
            // A gateway is no station; only its lines are, by their exact names.
            ("192.0.2.20:5060", "", None),
            ("192.0.2.20:5060", "LINE-1", None),
            ("192.0.2.30:5061", "", None),
            ("192.0.2.40:5060", "", None),
            // A line of one gateway means nothing at another address.
            ("192.0.2.30:5060", "line-1", Some(6)),
        ] {
            let found = book.station_by_source(from.parse().unwrap(), user);
            assert_eq!(found, expected.map(StationId), "{from} {user}");
        }
    }

    #[test]
    fn a_digest_user_is_no_source() {
        let ha1 = Private::new([5; 16]);
        let digest = StationAccess::Digest { user: "reader".to_owned(), ha1 };
        let book = book(vec![station(1, digest)]);
        assert_eq!(book.station_by_digest("reader"), Some((StationId(1), ha1)));
        assert_eq!(book.station_by_digest("Reader"), None);
        assert_eq!(book.station_by_source("192.0.2.10:5060".parse().unwrap(), "reader"), None);
    }
}

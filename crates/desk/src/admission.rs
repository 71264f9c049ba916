//! May this person call what they dialled, may it be recorded, and what does it cost? A pure
//! decision over the book; nothing here touches the journal or the ledger.
//!
//! The most restrictive rule wins, except for recording, where any "off" wins.

use call::Connect;
use charging::{CapTable, Quote, Rate, tariff::LawfulRate};
use model::{
    E164, Money, Private, Timestamp,
    fact::{Epoch, NumberClass, OffReason, Refusal},
    plan::{
        Dialling, DiskFull, Facility, Hotline, NumberUse, Person, RegistryDown, ServiceKind,
        Station, StationCaller,
    },
};
use registry::{Dialled, Home, Standing};

use std::time::Duration;

use crate::book::Book;

/// What a person wants.
#[derive(Debug)]
pub(crate) struct Wish<'a> {
    /// `None` where nobody is identified.
    pub(crate) person: Option<&'a Person>,
    pub(crate) station: &'a Station,
    pub(crate) facility: &'a Facility,
    /// The keys as pressed.
    pub(crate) dialled: &'a str,
    pub(crate) now: Timestamp,
}

/// A call that may be placed, before money is held for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Screened {
    pub(crate) number: Private<E164>,
    pub(crate) class: NumberClass,
    /// The epoch of the registry that was asked; 0 where there was none.
    pub(crate) epoch: Epoch,
    pub(crate) may_record: Result<Epoch, OffReason>,
    pub(crate) free: bool,
    pub(crate) connect: Connect,
    /// Longest conversation that the facility allows.
    pub(crate) talk_max: Duration,
}

/// A call that may not be placed, and the number if there was one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotAdmitted {
    pub(crate) reason: Refusal,
    pub(crate) number: Option<Private<E164>>,
}

/// Decides whether the call may be placed and whether it may be recorded.
pub(crate) fn screen(book: &Book, wish: &Wish<'_>) -> Result<Screened, NotAdmitted> {
    let number = number_of(book, wish)?;
    let standing = book.registry.ask(number, wish.now);
    let protected = matches!(standing, Standing::Protected { .. });
    match book.service(wish.facility, number) {
        Some(ServiceKind::Relay) => Ok(service(book, wish, number, ServiceKind::Relay, protected)),
        Some(ServiceKind::Help) => Ok(service(book, wish, number, ServiceKind::Help, protected)),
        Some(ServiceKind::Speed) | None => screen_number(book, wish, number, standing),
    }
}

/// What remains of `screened` on a full disk: nothing is recorded, and only what is free, protected
/// or as the facility chose is placed.
pub(crate) fn on_full_disk(
    screened: Screened,
    facility: &Facility,
) -> Result<Screened, NotAdmitted> {
    let always = screened.free || screened.may_record == Err(OffReason::Protected);
    match facility.disk_full {
        DiskFull::Refuse if !always => {
            Err(NotAdmitted { reason: Refusal::DiskFull, number: Some(screened.number) })
        }
        DiskFull::Refuse | DiskFull::PlaceUnrecorded => {
            let may_record = screened.may_record.and(Err(OffReason::Disk));
            Ok(Screened { may_record, ..screened })
        }
    }
}

/// A relay service or a line for help: on nobody's list, free, never recorded, and put through at
/// once, whatever the registry or the facility's rules about numbers say.
fn service(
    book: &Book,
    wish: &Wish<'_>,
    number: E164,
    kind: ServiceKind,
    protected: bool,
) -> Screened {
    let (class, off, talk_max) = match kind {
        ServiceKind::Relay => (NumberClass::Relay, OffReason::Relay, wish.facility.relay_talk_max),
        ServiceKind::Help | ServiceKind::Speed => {
            (NumberClass::Service, OffReason::Service, wish.facility.talk_max)
        }
    };
    let off = if protected { OffReason::Protected } else { off };
    Screened {
        number: Private::new(number),
        class,
        epoch: book.registry.epoch(),
        may_record: Err(off),
        free: true,
        connect: Connect::AtOnce,
        talk_max,
    }
}

fn screen_number(
    book: &Book,
    wish: &Wish<'_>,
    number: E164,
    standing: Standing,
) -> Result<Screened, NotAdmitted> {
    let refuse = |reason| NotAdmitted { reason, number: Some(Private::new(number)) };
    let rule = |rule| book.has_rule(wish.facility, number, rule);
    if rule(NumberUse::Blocked) {
        return Err(refuse(Refusal::NumberNotAllowed));
    }
    let protected = matches!(standing, Standing::Protected { .. });
    let hotline = hotline(wish);
    let free = rule(NumberUse::Free) || hotline.is_some_and(|hotline| hotline.free);
    let listed = !wish.facility.allowed_only
        || protected
        || free
        || hotline.is_some()
        || rule(NumberUse::Allowed)
        || wish.person.is_some_and(|person| book.is_contact(person.id, number));
    if !listed || (wish.person.is_none() && !may_be_nobody(wish, free)) {
        return Err(refuse(Refusal::NumberNotAllowed));
    }
    let may_record = may_record(wish.facility, hotline, &standing).map_err(refuse)?;
    let class = match (protected, free) {
        (true, _) => NumberClass::Protected,
        (false, true) => NumberClass::Free,
        (false, false) => NumberClass::Ordinary,
    };
    let epoch = book.registry.epoch();
    // A line that the facility chose, that costs nothing and keeps nothing: nobody is asked.
    let at_once = free && hotline.is_some_and(|hotline| !hotline.recording);
    let connect = if at_once { Connect::AtOnce } else { Connect::Announced };
    let (number, talk_max) = (Private::new(number), wish.facility.talk_max);
    Ok(Screened { number, class, epoch, may_record, free, connect, talk_max })
}

/// The hotline of the station, where that is what was dialled.
fn hotline<'a>(wish: &Wish<'a>) -> Option<&'a Hotline> {
    match &wish.station.dialling {
        Dialling::Hotline(hotline) if hotline.dialled.expose() == wish.dialled => Some(hotline),
        Dialling::Hotline(_) | Dialling::Menu | Dialling::EnBloc => None,
    }
}

/// Whether nobody in particular may make this call: only where the station asks nobody, and nobody
/// pays. Who pressed the key for help at a station with a PIN has services alone.
fn may_be_nobody(wish: &Wish<'_>, free: bool) -> bool {
    wish.station.caller == StationCaller::Nobody && (free || is_free(wish.facility))
}

/// Whether the facility asks nothing of anybody.
fn is_free(facility: &Facility) -> bool {
    facility.base_per_minute == Money::ZERO && facility.additive_per_minute == Money::ZERO
}

/// The price of a minute at a facility, proved lawful at `now` (47 CFR 64.6010, 64.6030).
pub(crate) fn rate(facility: &Facility, now: Timestamp, caps: &CapTable) -> Result<Quote, Refusal> {
    let rate = Rate {
        base_per_minute: facility.base_per_minute,
        additive_per_minute: facility.additive_per_minute,
    };
    match LawfulRate::prove(rate, facility.site, now, caps) {
        Ok(lawful) => Ok(Quote::new(lawful)),
        Err(unlawful) => {
            tracing::error!(facility = facility.id.0, %unlawful, "no lawful rate: calls are refused");
            Err(Refusal::NoLawfulRate)
        }
    }
}

fn number_of(book: &Book, wish: &Wish<'_>) -> Result<E164, NotAdmitted> {
    let refuse = |reason| NotAdmitted { reason, number: None };
    match Dialled::from_keys(wish.dialled, Home::NorthAmerica) {
        Dialled::Number(number) => Ok(number),
        Dialled::Emergency => Err(refuse(Refusal::EmergencyNotHere)),
        Dialled::Service(code) => {
            let unknown = if code.is_speed_dial() {
                Refusal::NumberInvalid
            } else {
                Refusal::NumberNotAllowed
            };
            book.service_number(wish.facility, &code.keys()).ok_or_else(|| refuse(unknown))
        }
        Dialled::Invalid => Err(refuse(Refusal::NumberInvalid)),
    }
}

/// Recording: every way to "off" is tried before the one way to "on".
fn may_record(
    facility: &Facility,
    hotline: Option<&Hotline>,
    standing: &Standing,
) -> Result<Result<Epoch, OffReason>, Refusal> {
    match standing {
        Standing::Protected { .. } => Ok(Err(OffReason::Protected)),
        // What is never recorded does not wait for a registry.
        Standing::Unusable(_) | Standing::Ordinary { .. }
            if hotline.is_some_and(|hotline| !hotline.recording) =>
        {
            Ok(Err(OffReason::StationOff))
        }
        Standing::Unusable(_) => match facility.registry_down {
            RegistryDown::PlaceUnrecorded => Ok(Err(OffReason::RegistryUnusable)),
            RegistryDown::Refuse => Err(Refusal::RegistryUnavailable),
        },
        Standing::Ordinary { epoch } if facility.recording => Ok(Ok(*epoch)),
        Standing::Ordinary { .. } => Ok(Err(OffReason::FacilityOff)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::REGISTRY_GUARD;
    use model::{
        AccountId, AgencyId, FacilityId, Language, PersonId, StationId, UnitId,
        place::{FacilityKind, Site, State},
        plan::{Configuration, NumberRule, RegistryData, Service, StationAccess},
    };
    use std::sync::Arc;

    const CONFIRMED: Timestamp = Timestamp::from_micros(1_795_305_600_000_000);
    const COUNSEL: u64 = 12_025_550_150;
    const ANYBODY: &str = "2025550101";

    fn facility(registry_down: RegistryDown) -> Facility {
        Facility {
            id: FacilityId(1),
            agency: AgencyId(1),
            key: "cedar/jail".to_owned(),
            name: "Cedar County Jail".to_owned(),
            site: Site { kind: FacilityKind::Jail, adp: 212, state: State::new("CO").unwrap() },
            recording: true,
            registry_down,
            talk_max: Duration::from_secs(1_200),
            relay_talk_max: Duration::from_secs(3_600),
            disk_full: DiskFull::Refuse,
            allowed_only: false,
            base_per_minute: Money::from_cents(9),
            additive_per_minute: Money::from_cents(2),
            caller_id: E164::new(12_025_550_199).unwrap(),
        }
    }

    fn person() -> Person {
        Person {
            id: PersonId(1),
            facility: FacilityId(1),
            key: Private::new("CC-1001".to_owned()),
            name: Private::new("Marcus Bell".to_owned()),
            pin: Private::new([0; 32]),
            language: Language::En,
            account: AccountId(1),
            contacts: Vec::new(),
        }
    }

    fn station(dialling: Dialling) -> Station {
        Station {
            id: StationId(1),
            unit: UnitId(1),
            facility: FacilityId(1),
            key: "cedar/jail/a/1".to_owned(),
            access: StationAccess::Source { address: ([192, 0, 2, 10], 0).into(), user: None },
            caller: StationCaller::Nobody,
            dialling,
        }
    }

    fn rule(facility: Option<u32>, rule: NumberUse) -> NumberRule {
        let number = Private::new(E164::new(12_025_550_101).unwrap());
        NumberRule { agency: AgencyId(1), facility: facility.map(FacilityId), number, rule }
    }

    fn book(numbers: Vec<NumberRule>) -> Book {
        let registry = RegistryData {
            epoch: Epoch(4),
            confirmed: CONFIRMED,
            count_max: 1,
            numbers: vec![Private::new(E164::new(COUNSEL).unwrap())],
        };
        let snapshot = Arc::new(REGISTRY_GUARD.snapshot(&registry));
        Book::new(Configuration { numbers, ..Configuration::default() }, snapshot)
    }

    fn service(keys: Option<&str>, number: u64, kind: ServiceKind) -> Service {
        let number = Private::new(E164::new(number).unwrap());
        let keys = keys.map(str::to_owned);
        Service { agency: AgencyId(1), facility: None, keys, number, kind }
    }

    fn screened(
        book: &Book,
        facility: &Facility,
        dialled: &str,
        age: Duration,
    ) -> Result<Screened, NotAdmitted> {
        let now = CONFIRMED.after(age);
        let (person, station) = (person(), station(Dialling::Menu));
        let (person, station) = (Some(&person), &station);
        screen(book, &Wish { person, station, facility, dialled, now })
    }

    #[test]
    fn a_registry_goes_stale_after_a_minute_to_the_microsecond() {
        let book = book(Vec::new());
        let unrecorded = facility(RegistryDown::PlaceUnrecorded);
        let refusing = facility(RegistryDown::Refuse);
        let minute = Duration::from_secs(60);
        for facility in [&unrecorded, &refusing] {
            let answer = screened(&book, facility, ANYBODY, minute).unwrap();
            assert_eq!((answer.may_record, answer.epoch), (Ok(Epoch(4)), Epoch(4)));
        }
        let stale = minute + Duration::from_micros(1);
        let answer = screened(&book, &unrecorded, ANYBODY, stale).unwrap();
        assert_eq!(answer.may_record, Err(OffReason::RegistryUnusable));
        let refused = screened(&book, &refusing, ANYBODY, stale).unwrap_err();
        assert_eq!(refused.reason, Refusal::RegistryUnavailable);
        assert!(refused.number.is_some());
        // Whom it knows it protects at any age, and they are never refused for it.
        for facility in [&unrecorded, &refusing] {
            let answer = screened(&book, facility, "2025550150", stale * 1_000).unwrap();
            assert_eq!(answer.class, NumberClass::Protected);
            assert_eq!(answer.may_record, Err(OffReason::Protected));
        }
    }

    #[test]
    fn the_most_restrictive_rule_wins() {
        let facility = facility(RegistryDown::Refuse);
        for (agencys, facilitys, expected) in [
            (None, None, Ok(NumberClass::Ordinary)),
            (Some(NumberUse::Allowed), None, Ok(NumberClass::Ordinary)),
            (Some(NumberUse::Free), None, Ok(NumberClass::Free)),
            (None, Some(NumberUse::Free), Ok(NumberClass::Free)),
            (Some(NumberUse::Allowed), Some(NumberUse::Free), Ok(NumberClass::Free)),
            (Some(NumberUse::Blocked), Some(NumberUse::Allowed), Err(Refusal::NumberNotAllowed)),
            (Some(NumberUse::Blocked), Some(NumberUse::Free), Err(Refusal::NumberNotAllowed)),
            (Some(NumberUse::Free), Some(NumberUse::Blocked), Err(Refusal::NumberNotAllowed)),
        ] {
            let rules =
                [(None, agencys), (Some(1), facilitys), (Some(2), Some(NumberUse::Blocked))];
            let rules = rules.into_iter().filter_map(|(at, kind)| Some(rule(at, kind?)));
            let answer = screened(&book(rules.collect()), &facility, ANYBODY, Duration::ZERO);
            let class = answer.map(|screened| screened.class).map_err(|refused| refused.reason);
            assert_eq!(class, expected, "{agencys:?} {facilitys:?}");
        }
    }

    #[test]
    fn every_off_wins_over_on() {
        let book = book(Vec::new());
        let mut facility = facility(RegistryDown::PlaceUnrecorded);
        let stale = Duration::from_secs(61);
        for (recording, dialled, age, expected) in [
            (true, ANYBODY, Duration::ZERO, Ok(Epoch(4))),
            (true, ANYBODY, stale, Err(OffReason::RegistryUnusable)),
            (true, "2025550150", Duration::ZERO, Err(OffReason::Protected)),
            (false, ANYBODY, Duration::ZERO, Err(OffReason::FacilityOff)),
            (false, ANYBODY, stale, Err(OffReason::RegistryUnusable)),
            (false, "2025550150", stale, Err(OffReason::Protected)),
        ] {
            facility.recording = recording;
            let answer = screened(&book, &facility, dialled, age).unwrap();
            assert_eq!(answer.may_record, expected, "{recording} {age:?}");
        }
    }

    #[test]
    fn a_hotline_is_screened_and_nobody_pays_for_it() {
        let hot = |free, recording| {
            Dialling::Hotline(Hotline {
                dialled: Private::new(ANYBODY.to_owned()),
                free,
                recording,
            })
        };
        let stale = Duration::from_secs(61);
        let off = Err(OffReason::StationOff);
        for (dialling, blocked, dialled, age, expected) in [
            (hot(true, false), false, ANYBODY, Duration::ZERO, Ok((off, Connect::AtOnce))),
            // Nothing would be recorded with a good registry either.
            (hot(true, false), false, ANYBODY, stale, Ok((off, Connect::AtOnce))),
            (
                hot(true, true),
                false,
                ANYBODY,
                Duration::ZERO,
                Ok((Ok(Epoch(4)), Connect::Announced)),
            ),
            (hot(true, true), false, ANYBODY, stale, Err(Refusal::RegistryUnavailable)),
            (hot(false, false), false, ANYBODY, Duration::ZERO, Err(Refusal::NumberNotAllowed)),
            (hot(true, false), true, ANYBODY, Duration::ZERO, Err(Refusal::NumberNotAllowed)),
            (hot(true, false), false, "911", Duration::ZERO, Err(Refusal::EmergencyNotHere)),
            (hot(true, false), false, "2025550102", Duration::ZERO, Err(Refusal::NumberNotAllowed)),
            (Dialling::Menu, false, ANYBODY, Duration::ZERO, Err(Refusal::NumberNotAllowed)),
            (Dialling::Menu, false, "2025550150", Duration::ZERO, Err(Refusal::NumberNotAllowed)),
        ] {
            let mut facility = facility(RegistryDown::Refuse);
            facility.allowed_only = true;
            let rules = if blocked { vec![rule(Some(1), NumberUse::Blocked)] } else { Vec::new() };
            let station = station(dialling);
            let now = CONFIRMED.after(age);
            let wish = Wish { person: None, station: &station, facility: &facility, dialled, now };
            let answer = screen(&book(rules), &wish);
            let answer = answer.map(|screened| (screened.may_record, screened.connect));
            assert_eq!(answer.map_err(|refused| refused.reason), expected, "{wish:?}");
        }
    }

    #[test]
    fn services_are_free_unrecorded_and_on_nobodys_list() {
        let registry = RegistryData::default();
        let services = vec![
            service(Some("711"), 12_025_550_111, ServiceKind::Relay),
            service(Some("988"), 12_025_550_112, ServiceKind::Help),
            service(Some("7"), 12_025_550_113, ServiceKind::Speed),
            // Blocked, and with nobody on a list; a registry was never loaded.
            service(None, 12_025_550_101, ServiceKind::Help),
        ];
        let numbers = vec![rule(None, NumberUse::Blocked)];
        let configuration = Configuration { services, numbers, ..Configuration::default() };
        let book = Book::new(configuration, Arc::new(REGISTRY_GUARD.snapshot(&registry)));
        let mut facility = facility(RegistryDown::Refuse);
        facility.allowed_only = true;
        let person = person();
        let relay = Ok((NumberClass::Relay, OffReason::Relay, 3_600));
        let help = Ok((NumberClass::Service, OffReason::Service, 1_200));
        let not_allowed = Err(Refusal::NumberNotAllowed);
        let invalid = Err(Refusal::NumberInvalid);
        for (dialled, expected) in [
            ("711", relay),
            ("2025550111", relay),
            ("988", help),
            ("2025550101", help),
            ("7", not_allowed),
            ("07", invalid),
            ("411", not_allowed),
            ("911", Err(Refusal::EmergencyNotHere)),
        ] {
            for caller in [StationCaller::Pin, StationCaller::Nobody] {
                let mut station = station(Dialling::Menu);
                station.caller = caller;
                for person in [Some(&person), None] {
                    let (station, facility) = (&station, &facility);
                    let wish = Wish { person, station, facility, dialled, now: CONFIRMED };
                    let answer = screen(&book, &wish).map(|screened| {
                        assert!(screened.free && screened.connect == Connect::AtOnce);
                        let secs = screened.talk_max.as_secs();
                        (screened.class, screened.may_record.unwrap_err(), secs)
                    });
                    assert_eq!(answer.map_err(|refused| refused.reason), expected, "{wish:?}");
                }
            }
        }
    }

    #[test]
    fn a_full_disk_records_nothing_and_stops_no_free_or_protected_line() {
        let book = book(vec![rule(None, NumberUse::Free)]);
        let mut facility = facility(RegistryDown::Refuse);
        for (disk_full, dialled, expected) in [
            (DiskFull::Refuse, "2025550102", Err(Refusal::DiskFull)),
            (DiskFull::PlaceUnrecorded, "2025550102", Ok(OffReason::Disk)),
            (DiskFull::Refuse, ANYBODY, Ok(OffReason::Disk)),
            (DiskFull::Refuse, "2025550150", Ok(OffReason::Protected)),
            (DiskFull::PlaceUnrecorded, "2025550150", Ok(OffReason::Protected)),
        ] {
            facility.disk_full = disk_full;
            let answer = screened(&book, &facility, dialled, Duration::ZERO).unwrap();
            let answer = on_full_disk(answer, &facility);
            let answer = answer.map(|screened| screened.may_record.unwrap_err());
            assert_eq!(answer.map_err(|refused| refused.reason), expected, "{disk_full:?}");
        }
    }

    #[test]
    fn a_rate_is_proved_for_the_moment_of_the_call() {
        let mut facility = facility(RegistryDown::Refuse);
        let caps = CapTable::builtin();
        let quote = rate(&facility, CONFIRMED, &caps).unwrap();
        assert_eq!(quote.per_minute(), Money::from_cents(11));
        assert_eq!(quote.fact().at, CONFIRMED);
        // Before the first order that this table knows.
        let unknown = Timestamp::from_micros(0);
        assert_eq!(rate(&facility, unknown, &caps), Err(Refusal::NoLawfulRate));
        facility.base_per_minute = Money::from_micros(-1);
        assert_eq!(rate(&facility, CONFIRMED, &caps), Err(Refusal::NoLawfulRate));
    }
}

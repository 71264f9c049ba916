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
        Closed, Dialling, DiskFull, Facility, Hotline, NumberUse, Person, RegistryDown,
        ServiceKind, Station, StationCaller,
    },
};
use registry::{Dialled, Home, Standing};

use std::time::Duration;

use crate::book::Book;

/// What a person wants.
pub(crate) struct Wish<'a> {
    /// `None` where nobody is identified.
    pub(crate) person: Option<&'a Person>,
    pub(crate) station: &'a Station,
    pub(crate) facility: &'a Facility,
    /// The keys as pressed.
    pub(crate) dialled: &'a str,
    /// Whether the party at a number wants no calls from the facility.
    pub(crate) blocked: &'a dyn Fn(E164) -> bool,
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
    if closes(book, wish, number, protected) {
        return Err(NotAdmitted { reason: Refusal::Closed, number: Some(Private::new(number)) });
    }
    match book.service(wish.facility, number) {
        Some(ServiceKind::Relay) => Ok(service(book, wish, number, ServiceKind::Relay, protected)),
        Some(ServiceKind::Help) => Ok(service(book, wish, number, ServiceKind::Help, protected)),
        Some(ServiceKind::Speed) | None => screen_number(book, wish, number, standing),
    }
}

/// Whether staff have closed this call. Counsel, other protected parties, relay services and lines
/// for help stay open, but where a whole facility is closed with all of them.
fn closes(book: &Book, wish: &Wish<'_>, number: E164, protected: bool) -> bool {
    let always = protected
        || match book.service(wish.facility, number) {
            Some(ServiceKind::Relay | ServiceKind::Help) => true,
            Some(ServiceKind::Speed) | None => false,
        };
    let meant = |what: &Closed| match what {
        Closed::Agency => true,
        Closed::Facility(id) => *id == wish.facility.id,
        Closed::Unit(id) => *id == wish.station.unit,
        Closed::Station(id) => *id == wish.station.id,
        Closed::Person(id) => wish.person.is_some_and(|person| person.id == *id),
        Closed::Number(closed) => *closed.expose() == number,
    };
    book.closings(wish.facility.agency, wish.now)
        .any(|closing| meant(&closing.what) && (!always || closing.closes_everything()))
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
    // A call to it would come back here.
    if book.is_own(number) {
        return Err(refuse(Refusal::OwnNumber));
    }
    // Their wish holds whoever they are and whatever a rule says.
    if (wish.blocked)(number) {
        return Err(refuse(Refusal::NumberBlocked));
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
mod tests;

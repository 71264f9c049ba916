//! May this person call what they dialled, may it be recorded, and what does it cost? A pure
//! decision over the book; nothing here touches the journal or the ledger.
//!
//! The most restrictive rule wins, except for recording, where any "off" wins.

use charging::{CapTable, Quote, Rate, tariff::LawfulRate};
use model::{
    E164, Private, Timestamp,
    fact::{Epoch, NumberClass, OffReason, Refusal},
    plan::{Facility, NumberUse, Person, RegistryDown},
};
use registry::{Dialled, Home, Standing};

use crate::book::Book;

/// What a person wants.
pub(crate) struct Wish<'a> {
    pub(crate) person: &'a Person,
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
}

/// A call that may not be placed, and the number if there was one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotAdmitted {
    pub(crate) reason: Refusal,
    pub(crate) number: Option<Private<E164>>,
}

/// Decides whether the call may be placed and whether it may be recorded.
pub(crate) fn screen(book: &Book, wish: &Wish<'_>) -> Result<Screened, NotAdmitted> {
    let number = number_of(wish.dialled)?;
    let refuse = |reason| NotAdmitted { reason, number: Some(Private::new(number)) };
    let rule = |rule| book.has_rule(wish.facility, number, rule);
    if rule(NumberUse::Blocked) {
        return Err(refuse(Refusal::NumberNotAllowed));
    }
    let standing = book.registry.ask(number, wish.now);
    let protected = matches!(standing, Standing::Protected { .. });
    let free = rule(NumberUse::Free);
    let listed = !wish.facility.allowed_only
        || protected
        || free
        || rule(NumberUse::Allowed)
        || book.is_contact(wish.person.id, number);
    if !listed {
        return Err(refuse(Refusal::NumberNotAllowed));
    }
    let may_record = may_record(wish.facility, &standing).map_err(refuse)?;
    let class = match (protected, free) {
        (true, _) => NumberClass::Protected,
        (false, true) => NumberClass::Free,
        (false, false) => NumberClass::Ordinary,
    };
    let epoch = book.registry.epoch();
    Ok(Screened { number: Private::new(number), class, epoch, may_record, free })
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

fn number_of(dialled: &str) -> Result<E164, NotAdmitted> {
    let refuse = |reason| Err(NotAdmitted { reason, number: None });
    match Dialled::from_keys(dialled, Home::NorthAmerica) {
        Dialled::Number(number) => Ok(number),
        Dialled::Emergency => refuse(Refusal::EmergencyNotHere),
        Dialled::Service(_) => refuse(Refusal::NumberNotAllowed),
        Dialled::Invalid => refuse(Refusal::NumberInvalid),
    }
}

/// Recording: every way to "off" is tried before the one way to "on".
fn may_record(
    facility: &Facility,
    standing: &Standing,
) -> Result<Result<Epoch, OffReason>, Refusal> {
    match standing {
        Standing::Protected { .. } => Ok(Err(OffReason::Protected)),
        Standing::Unusable(_) => match facility.registry_down {
            RegistryDown::PlaceUnrecorded => Ok(Err(OffReason::RegistryUnusable)),
            RegistryDown::Refuse => Err(Refusal::RegistryUnavailable),
        },
        Standing::Ordinary { epoch } if facility.recording => Ok(Ok(*epoch)),
        Standing::Ordinary { .. } => Ok(Err(OffReason::FacilityOff)),
    }
}

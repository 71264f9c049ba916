//! Closing calls: nobody makes any for a person, a number, a station, a housing unit, a facility or
//! an agency, until staff open them again or until a time. Calls that run go on;
//! [`crate::Stopping`] ends those.
//!
//! That they may is decided and entered as for everything that staff do; then what is closed is an
//! entry of its own, and only after that the node takes it over. Calls on protected numbers, of
//! relay services and with lines for help stay open: somebody who is kept from their family must
//! still reach counsel, and must be able to report abuse (28 CFR 115.51). A facility alone can be
//! closed as a whole, for a day at most.

use crate::{NotEntered, Register, Roster, keeping::Judged, roster::NotDone, roster::Way};
use access::{
    Audience, Demand, Line, Object, Purpose, Recipient, Role, Verb,
    decide::Ask,
    staff::{Staff, Unusable},
};
use evidence::Statement;
use model::{
    AgencyId, Clock, E164, FacilityId, PersonId, Private, StaffId, StationId, Timestamp, UnitId,
    plan::{Closed, Closing as Row},
};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use store::{ClosingRow, Store, StoreError};

/// Closes calls and opens them. Cheap to clone; blocks the calling thread.
#[derive(Clone)]
pub struct Closing(Arc<Inner>);

struct Inner {
    store: Store,
    register: Arc<Register>,
    roster: Roster,
    clock: Clock,
    /// One change at a time, so that what was approved is done once.
    turn: Mutex<()>,
}

/// What is to be closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseAsk {
    /// For what, by the key or number that the agency has of it.
    pub what: Named,
    /// Whether calls with counsel and lines for help are closed too.
    pub everything: bool,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// Why, by the words of policies.
    pub purpose: Purpose,
    /// Why, in words.
    pub reason: Private<String>,
}

/// Something for which calls can be closed, as staff name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// Their own agency.
    Agency,
    /// The facility with this key.
    Facility(String),
    /// The housing unit with this key.
    Unit(String),
    /// The station with this key.
    Station(String),
    /// The person with this number of the agency's.
    Person(Private<String>),
    /// This number.
    Number(Private<E164>),
}

/// Detail of a `Closing`, after the head of its kind ([`crate::Note::head`]), in `postcard`
/// (`docs/formats/entry.md`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosingSaid {
    /// Whose calls.
    pub agency: AgencyId,
    /// Who closed or opened them.
    pub by: StaffId,
    /// For what they are closed.
    pub what: ClosedSaid,
    /// Whether calls with counsel and lines for help are closed too.
    pub everything: bool,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Private<String>,
}

/// For what calls are closed, as an entry has it. Its order is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClosedSaid {
    /// The whole agency.
    Agency,
    /// A facility.
    Facility(FacilityId),
    /// A housing unit.
    Unit(UnitId),
    /// A station.
    Station(StationId),
    /// A person.
    Person(PersonId),
    /// A number.
    Number(Private<E164>),
}

impl ClosedSaid {
    fn of(what: &Closed) -> Self {
        match what {
            Closed::Agency => Self::Agency,
            Closed::Facility(id) => Self::Facility(*id),
            Closed::Unit(id) => Self::Unit(*id),
            Closed::Station(id) => Self::Station(*id),
            Closed::Person(id) => Self::Person(*id),
            Closed::Number(number) => Self::Number(*number),
        }
    }
}

/// Something that is closed, for who may see what is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedNow {
    /// Number of the act that closed it, by which it is opened.
    pub act: u64,
    /// What kind of thing, by [`Closed::word`].
    pub what: &'static str,
    /// Its key, where it is a place.
    pub place: Option<String>,
    /// Whether calls with counsel and lines for help are closed too.
    pub everything: bool,
    /// Since when.
    pub at: Timestamp,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// Why; for whoever closed it, and for supervisors and auditors.
    pub reason: Option<Private<String>>,
}

impl Closing {
    /// Closes calls in `store`, and enters it into `register`.
    #[must_use]
    pub fn new(store: Store, register: Arc<Register>, roster: Roster, clock: Clock) -> Self {
        Self(Arc::new(Inner { store, register, roster, clock, turn: Mutex::new(()) }))
    }

    /// Closes calls of one's own agency, as far as policies allow it; gives the number by which
    /// they are opened again. A node takes it over within a second. The answer is the same for a
    /// number that is protected and so is not closed.
    ///
    /// # Errors
    /// [`NotClosed::NotThere`], [`NotClosed::Reason`], [`NotClosed::Until`],
    /// [`NotClosed::Everything`]; and when it cannot be entered or kept.
    pub fn close(
        &self,
        by: &Staff,
        ask: &CloseAsk,
        approved: Option<u64>,
    ) -> Result<Judged<u64>, NotClosed> {
        let _turn = self.turn();
        let Inner { store, register, roster, clock, .. } = &*self.0;
        let now = clock.now();
        by.usable(now)?;
        let reason = checked(&ask.reason)?;
        if ask.until.is_some_and(|until| until <= now) {
            return Err(NotClosed::Until);
        }
        let short = ask.until.is_some_and(|until| until.since(now) <= EVERYTHING_MAX);
        if ask.everything && !(short && matches!(ask.what, Named::Facility(_))) {
            return Err(NotClosed::Everything);
        }
        let what = self.find(by.agency, &ask.what)?;
        let kind = if ask.everything { "everything of the " } else { "" };
        let case = format!("close calls: {kind}{}", what.word());
        let (act, entry) = match self.allowed(by, (ask.purpose, case), approved)? {
            Judged::Done { act, entry, .. } => (act, entry),
            Judged::Waits { act, why } => return Ok(Judged::Waits { act, why }),
            Judged::Refused { act, why } => return Ok(Judged::Refused { act, why }),
        };
        let (everything, until) = (ask.everything, ask.until);
        let said = ClosingSaid {
            agency: by.agency,
            by: by.id,
            what: ClosedSaid::of(&what),
            everything,
            until,
            reason: reason.clone(),
        };
        self.note(register, (act, true), &said, now)?;
        let closing = Row { agency: by.agency, what, everything, until };
        let row = ClosingRow { act, closing, reason, by: by.id, at: now, opened: None };
        store.add_closing(&row)?;
        roster.done(act)?;
        Ok(Judged::Done { act, entry, what: act })
    }

    /// Opens what an act closed, as far as policies allow it.
    ///
    /// # Errors
    /// [`NotClosed::NotThere`] when nothing of one's own agency is closed by it;
    /// [`NotClosed::Reason`]; and when it cannot be entered or kept.
    pub fn open(
        &self,
        by: &Staff,
        closed: u64,
        (purpose, reason): (Purpose, &Private<String>),
        approved: Option<u64>,
    ) -> Result<Judged<()>, NotClosed> {
        let _turn = self.turn();
        let Inner { store, register, roster, clock, .. } = &*self.0;
        let now = clock.now();
        by.usable(now)?;
        let reason = checked(reason)?;
        let rows = store.closings()?.into_iter();
        let found =
            rows.filter(|row| row.closing.agency == by.agency).find(|row| row.act == closed);
        let row = found.ok_or(NotClosed::NotThere)?;
        let case = format!("open calls: {closed}");
        let (act, entry) = match self.allowed(by, (purpose, case), approved)? {
            Judged::Done { act, entry, .. } => (act, entry),
            Judged::Waits { act, why } => return Ok(Judged::Waits { act, why }),
            Judged::Refused { act, why } => return Ok(Judged::Refused { act, why }),
        };
        let said = ClosingSaid {
            agency: by.agency,
            by: by.id,
            what: ClosedSaid::of(&row.closing.what),
            everything: row.closing.everything,
            until: row.closing.until,
            reason,
        };
        self.note(register, (closed, false), &said, now)?;
        store.open_closing(closed, by.id, now)?;
        roster.done(act)?;
        Ok(Judged::Done { act, entry, what: () })
    }

    /// What is closed now at one's own agency. Of a person and of a number it says that, and not
    /// whose.
    ///
    /// # Errors
    /// [`NotClosed::Role`] for whoever neither closes calls nor checks those who do.
    pub fn closed(&self, by: &Staff) -> Result<Vec<ClosedNow>, NotClosed> {
        let Inner { store, clock, .. } = &*self.0;
        let now = clock.now();
        by.usable(now)?;
        if !matches!(by.role, Role::Supervisor | Role::Investigator | Role::Auditor) {
            return Err(NotClosed::Role);
        }
        let all = matches!(by.role, Role::Supervisor | Role::Auditor);
        let mut rows = store.closings()?;
        rows.retain(|row| row.closing.agency == by.agency && row.closing.holds(now));
        let configuration = store.configuration()?;
        let shown = rows.into_iter().map(|row| {
            let place = match &row.closing.what {
                Closed::Agency | Closed::Person(_) | Closed::Number(_) => None,
                Closed::Facility(id) => {
                    let mut all = configuration.facilities.iter();
                    all.find(|it| it.id == *id).map(|it| it.key.clone())
                }
                Closed::Unit(id) => {
                    // Its key is what the keys of its stations begin with.
                    let station = configuration.stations.iter().find(|it| it.unit == *id);
                    station.and_then(|it| Some(it.key.rsplit_once('/')?.0.to_owned()))
                }
                Closed::Station(id) => {
                    let mut all = configuration.stations.iter();
                    all.find(|it| it.id == *id).map(|it| it.key.clone())
                }
            };
            ClosedNow {
                act: row.act,
                what: row.closing.what.word(),
                place,
                everything: row.closing.everything,
                at: row.at,
                until: row.closing.until,
                reason: (all || row.by == by.id).then_some(row.reason),
            }
        });
        Ok(shown.collect())
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.0.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, agency: AgencyId, named: &Named) -> Result<Closed, NotClosed> {
        let store = &self.0.store;
        let found = match named {
            Named::Agency => Some(Closed::Agency),
            Named::Facility(key) => store.facility_of(agency, key)?.map(Closed::Facility),
            Named::Unit(key) => store.unit_of(agency, key)?.map(Closed::Unit),
            Named::Station(key) => store.station_of(agency, key)?.map(Closed::Station),
            Named::Person(key) => store.person_of(agency, key)?.map(Closed::Person),
            Named::Number(number) => Some(Closed::Number(*number)),
        };
        found.ok_or(NotClosed::NotThere)
    }

    /// Whether they may; entered either way. Whoever approves it reads `case`, and it is approved
    /// for nothing else.
    fn allowed(
        &self,
        by: &Staff,
        (purpose, case): (Purpose, String),
        approved: Option<u64>,
    ) -> Result<Judged<()>, NotClosed> {
        let Inner { register, roster, clock, .. } = &*self.0;
        let request = Ask {
            verb: Verb::Switch,
            purpose,
            case: Private::new(case),
            line: Line::Ordinary,
            object: Object::Ledger { agency: by.agency },
            // Nobody gets anything.
            recipient: Recipient([0; 32]),
            expires: clock.now().after(CARRY_OUT_MAX),
            demand: Demand::of(Audience::Nobody, Line::Ordinary),
        };
        Ok(match roster.allow(by, request, approved)? {
            Way::Open { allowed, act, once: _once } => {
                let entered = register.enter(*allowed, act, clock.now())?;
                Judged::Done { act, entry: entered.proof().inclusion.index(), what: () }
            }
            Way::Waits { act, why } => Judged::Waits { act, why: why.to_string() },
            Way::Refused { act, why } => Judged::Refused { act, why },
        })
    }

    fn note(
        &self,
        register: &Register,
        (act, closed): (u64, bool),
        said: &ClosingSaid,
        now: Timestamp,
    ) -> Result<(), NotClosed> {
        let detail = postcard::to_allocvec(said).map_err(|_| NotClosed::Detail)?;
        register.note(Statement::Closing { act, closed }, &detail, said.agency, now)?;
        Ok(())
    }
}

impl fmt::Debug for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Closing")
    }
}

/// Why nothing was closed or opened.
#[derive(Debug, thiserror::Error)]
pub enum NotClosed {
    /// The roster refuses.
    #[error(transparent)]
    NotDone(#[from] NotDone),
    /// They cannot use their log-in.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// Not theirs to see.
    #[error("what is closed is listed for supervisors, investigators and auditors of the agency")]
    Role,
    /// The agency has nothing with this key, or nothing is closed by this act.
    #[error("the agency has no such place or person, and nothing closed by this number")]
    NotThere,
    /// No reason, or none that can be shown.
    #[error("say why, in 1 to {REASON_CHARS_MAX} characters")]
    Reason,
    /// It would have ended already.
    #[error("calls are closed until a time that is yet to come")]
    Until,
    /// Counsel and help are closed for a whole facility alone, and not for long.
    #[error(
        "calls with counsel and lines for help are closed for a whole facility alone, until a time within \
         {} hours",
        EVERYTHING_MAX.as_secs() / 3_600
    )]
    Everything,
    /// It cannot be entered in the log, so it does not happen.
    #[error(transparent)]
    NotEntered(#[from] NotEntered),
    /// What the entry says could not be written.
    #[error("what the entry says cannot be written")]
    Detail,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn checked(reason: &Private<String>) -> Result<Private<String>, NotClosed> {
    let reason = reason.expose().trim();
    let fits = (1..=REASON_CHARS_MAX).contains(&reason.chars().count());
    if !fits || reason.chars().any(char::is_control) {
        return Err(NotClosed::Reason);
    }
    Ok(Private::new(reason.to_owned()))
}

/// How long calls with counsel and lines for help can be closed.
pub const EVERYTHING_MAX: Duration = Duration::from_hours(24);
/// How long a reason may be.
const REASON_CHARS_MAX: usize = 500;
/// How long it may take to do what was allowed.
const CARRY_OUT_MAX: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_octets_of_what_an_entry_says_are_pinned() {
        let said = |what| ClosingSaid {
            agency: AgencyId(3),
            by: StaffId(11),
            what,
            everything: false,
            until: Some(Timestamp::from_micros(2)),
            reason: Private::new("x".to_owned()),
        };
        let number = Private::new(E164::new(12_025_550_142).unwrap());
        for (what, expected) in [
            (ClosedSaid::Agency, &[0][..]),
            (ClosedSaid::Facility(FacilityId(5)), &[1, 5]),
            (ClosedSaid::Unit(UnitId(5)), &[2, 5]),
            (ClosedSaid::Station(StationId(5)), &[3, 5]),
            (ClosedSaid::Person(PersonId(5)), &[4, 5]),
            (ClosedSaid::Number(number), &[5, 0xbe, 0xaa, 0x9d, 0xe6, 0x2c]),
        ] {
            let octets = postcard::to_allocvec(&said(what)).unwrap();
            assert_eq!(octets, [&[3, 11][..], expected, &[0, 1, 4, 1, 120]].concat());
        }
    }
}

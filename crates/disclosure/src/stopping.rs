//! Ending calls that run, because staff say so.
//!
//! Here the order is another than everywhere else: the calls end first, and that they did is
//! entered then, before who asked is told how many there were. A log that takes nothing keeps
//! nobody's call going; the node's own entries say of each call that staff cut it.
//!
//! Calls on protected numbers, of relay services and with lines for help go on, whoever asks.

use crate::{NotEntered, Register};
use access::{
    Role,
    staff::{Staff, Unusable},
};
use evidence::Statement;
use model::{
    AgencyId, CallId, Clock, FacilityId, PersonId, Private, StaffId, StationId, UnitId,
    fact::{Admitted, NumberClass},
};
use serde::{Deserialize, Serialize};
use std::{cell::Cell, fmt, sync::Arc};
use store::{Store, StoreError};

/// The calls that run.
pub trait Floor: Send + Sync {
    /// Ends every running call of which `ends` says so, as cut by staff; gives those that it ended.
    /// Returns when they are ended.
    fn end(&self, ends: &dyn Fn(&Admitted) -> bool) -> Vec<CallId>;
}

/// Stops calls. Cheap to clone; blocks the calling thread.
#[derive(Clone)]
pub struct Stopping(Arc<Inner>);

struct Inner {
    store: Store,
    register: Arc<Register>,
    floor: Box<dyn Floor>,
    clock: Clock,
}

/// Which calls are to end: those that fit everything that is named, and something must be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StopAsk {
    /// Key of the facility that they come from.
    pub facility: Option<String>,
    /// Key of the housing unit.
    pub unit: Option<String>,
    /// Key of the station.
    pub station: Option<String>,
    /// The agency's number of the person who calls.
    pub person: Option<Private<String>>,
    /// Why, in words.
    pub reason: Private<String>,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// How many calls ended.
    pub ended: u64,
    /// How many go on because nobody may cut them.
    pub spared: u64,
}

/// Detail of a `Kill`, after the head of its kind ([`crate::Note::head`]), in `postcard`
/// (`docs/formats/entry.md`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopSaid {
    /// Whose calls.
    pub agency: AgencyId,
    /// Who ended them.
    pub by: StaffId,
    /// From which facility, where that was said.
    pub facility: Option<FacilityId>,
    /// From which housing unit, where that was said.
    pub unit: Option<UnitId>,
    /// From which station, where that was said.
    pub station: Option<StationId>,
    /// Whose, where that was said.
    pub person: Option<PersonId>,
    /// Why.
    pub reason: Private<String>,
    /// The calls that ended.
    pub calls: Vec<CallId>,
    /// How many went on because nobody may cut them.
    pub spared: u64,
}

/// Why nothing was stopped; or, in one case, why nobody is told what was.
#[derive(Debug, thiserror::Error)]
pub enum NotStopped {
    /// They cannot use their log-in.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// Not theirs to do.
    #[error("calls are stopped by a supervisor or an investigator of the agency")]
    Stopper,
    /// Nothing is named.
    #[error("name a facility, a housing unit, a station or a person")]
    Everything,
    /// No reason, or none that can be shown.
    #[error("say why, in 1 to {REASON_CHARS_MAX} characters")]
    Reason,
    /// The agency has nothing with this key.
    #[error("the agency has no such facility, unit, station or person")]
    NotThere,
    /// The calls have ended, and the log does not take it.
    #[error("the calls have ended, but the log does not take who asked for it: {0}")]
    NotEntered(#[from] NotEntered),
    /// The calls have ended, and what the entry says could not be written.
    #[error("the calls have ended, but what the entry says cannot be written")]
    Detail,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Stopping {
    /// Stops calls of `floor`, and enters it into `register`.
    #[must_use]
    pub fn new(store: Store, register: Arc<Register>, floor: Box<dyn Floor>, clock: Clock) -> Self {
        Self(Arc::new(Inner { store, register, floor, clock }))
    }

    /// Ends running calls of one's own agency. Whoever is still dialling is not touched, and nobody
    /// is kept from calling again.
    ///
    /// # Errors
    /// [`NotStopped`]. After [`NotStopped::NotEntered`] and [`NotStopped::Detail`] the calls have
    /// ended all the same.
    pub fn stop(&self, by: &Staff, ask: &StopAsk) -> Result<Stopped, NotStopped> {
        by.usable(self.0.clock.now())?;
        if !matches!(by.role, Role::Supervisor | Role::Investigator) {
            return Err(NotStopped::Stopper);
        }
        let mut said = self.read(by, ask)?;
        let spared = Cell::new(0);
        said.calls = self.0.floor.end(&|call| {
            let spares = said.fits(call) && !may_be_cut(call.class);
            spared.set(spared.get() + u64::from(spares));
            said.fits(call) && !spares
        });
        said.spared = spared.get();
        let ended = u64::try_from(said.calls.len()).unwrap_or(u64::MAX);
        let detail = postcard::to_allocvec(&said).map_err(|_| NotStopped::Detail)?;
        let what = Statement::Kill { calls: ended };
        self.0.register.note(what, &detail, by.agency, self.0.clock.now())?;
        Ok(Stopped { ended, spared: said.spared })
    }

    /// What is meant, with the numbers of what is named.
    fn read(&self, by: &Staff, ask: &StopAsk) -> Result<StopSaid, NotStopped> {
        let StopAsk { facility, unit, station, person, reason } = ask;
        if facility.is_none() && unit.is_none() && station.is_none() && person.is_none() {
            return Err(NotStopped::Everything);
        }
        let reason = reason.expose().trim();
        let fits = (1..=REASON_CHARS_MAX).contains(&reason.chars().count());
        if !fits || reason.chars().any(char::is_control) {
            return Err(NotStopped::Reason);
        }
        let (agency, store) = (by.agency, &self.0.store);
        Ok(StopSaid {
            agency,
            by: by.id,
            facility: found(facility.as_ref(), |key| store.facility_of(agency, key))?,
            unit: found(unit.as_ref(), |key| store.unit_of(agency, key))?,
            station: found(station.as_ref(), |key| store.station_of(agency, key))?,
            person: found(person.as_ref(), |key| store.person_of(agency, key))?,
            reason: Private::new(reason.to_owned()),
            calls: Vec::new(),
            spared: 0,
        })
    }
}

impl StopSaid {
    /// Whether a call is one of those that are meant.
    fn fits(&self, call: &Admitted) -> bool {
        call.agency == self.agency
            && self.facility.is_none_or(|facility| facility == call.facility)
            && self.unit.is_none_or(|unit| unit == call.unit)
            && self.station.is_none_or(|station| station == call.station)
            && self.person.is_none_or(|person| Some(person) == call.person)
    }
}

impl fmt::Debug for Stopping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stopping")
    }
}

/// Whether staff may cut a call to such a number.
const fn may_be_cut(class: NumberClass) -> bool {
    match class {
        NumberClass::Ordinary | NumberClass::Free => true,
        NumberClass::Protected | NumberClass::Relay | NumberClass::Service => false,
    }
}

/// The number of what was named, where it was.
fn found<K, N>(
    key: Option<&K>,
    find: impl FnOnce(&K) -> Result<Option<N>, StoreError>,
) -> Result<Option<N>, NotStopped> {
    let Some(key) = key else { return Ok(None) };
    find(key)?.map(Some).ok_or(NotStopped::NotThere)
}

/// How long a reason may be.
const REASON_CHARS_MAX: usize = 500;

//! What staff see of calls: search, count, listen, follow, export, list. Each of them is allowed by
//! the [`Roster`], entered by the [`Register`], proved, and only then shown.

mod copies;
mod export;
mod hear;
mod look;
mod months;
mod receive;
mod unrecorded;

pub use copies::HandedOut;
pub use export::{ExportAsk, Exported, Key, What};
pub use hear::Heard;
pub use look::{Look, NOBODY};
pub use receive::{BadReceipt, Ledger, Listed, Received, Taken};

use crate::{
    Entered, Holders, NotEntered, NotHeard, Register, Roster,
    roster::{NotDone, Once, Refusal, Way},
};
use ::export::{Custody, NotPacked, NotSealed, Software};
use access::{
    Audience, Demand, Month, NoReceipt, NotReleased, Object, Purpose, Receipt, Recipient,
    Undisclosed, Verb,
    decide::{Ask, Line},
    staff::Staff,
};
use model::{AgencyId, CallId, Clock, FacilityId, PersonId, Private, StaffId, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};
use store::{
    Store, StoreError,
    records::{Cursor, Own, Record},
};
use vault::{NotOpened, RecipientSecret, Shelf, VaultError};

/// What staff see of calls. Cheap to clone; blocks the calling thread, so it must not be called
/// inside an asynchronous task.
#[derive(Clone)]
pub struct Records(Arc<RecordsConfig>, Arc<Mutex<()>>);

/// What it needs.
pub struct RecordsConfig {
    /// The records.
    pub store: Store,
    /// Enters disclosures, for which its log must be open.
    pub register: Arc<Register>,
    /// Says who may.
    pub roster: Roster,
    /// The recordings.
    pub shelf: Shelf,
    /// Who holds their keys.
    pub holders: Holders,
    /// The time.
    pub clock: Clock,
    /// How custody is graded: see [`crate::custody`].
    pub custody: Custody,
    /// Which program this is.
    pub software: Software,
    /// How right the clock is now, for a package with local times of this zone.
    pub clock_now: Box<ClockNow>,
    /// The log's verifier key, as it is published.
    pub verifier_key: String,
    /// Who is asked to stamp packages with a time, if anybody is.
    pub authority: Option<Authority>,
    /// The log's private folder, in which the ends of recordings are looked up.
    pub log_private: PathBuf,
}

/// An outside authority that stamps packages with a time (RFC 3161).
pub struct Authority {
    /// What the manifest calls it.
    pub name: String,
    /// Asks it to stamp this SHA-256: its token, checked, or in words why there is none. It must
    /// give up by itself after some seconds.
    pub stamp: Box<Stamping>,
}

/// Measures the clock; it must give up by itself after some seconds.
pub type ClockNow = dyn Fn(String) -> ::export::Clock + Send + Sync;

/// Asks an authority for its token.
pub type Stamping = dyn Fn(&[u8; 32]) -> Result<Vec<u8>, String> + Send + Sync;

/// Why something is asked for.
#[derive(Clone, Debug)]
pub struct Reason {
    /// Why.
    pub purpose: Purpose,
    /// For which case.
    pub case: Private<String>,
    /// Number of the act under which it was approved, when it is asked again.
    pub act: Option<u64>,
}

/// What follows from a request that was not refused.
#[derive(Debug)]
pub enum Answer<T> {
    /// It is shown.
    Shown(Shown<T>),
    /// Another one must approve it under this number; then it is asked again with it.
    Waits {
        /// Number of the act.
        act: u64,
        /// What is missing.
        why: String,
    },
}

/// Something that is shown, and stands in the log.
#[derive(Debug)]
pub struct Shown<T> {
    /// Number of the act.
    pub act: u64,
    /// Place of its entry in the log.
    pub entry: u64,
    /// What is shown.
    pub what: T,
}

/// Which acts are listed.
#[derive(Clone, Debug)]
pub struct Which {
    /// From when, and until when, which is excluded.
    pub times: (Timestamp, Timestamp),
    /// Of this case alone.
    pub case: Option<Private<String>>,
    /// Of whoever logs in with this name alone: what they did, and what was said of it.
    pub who: Option<Private<String>>,
}

impl Which {
    /// All of these times.
    #[must_use]
    pub const fn of(times: (Timestamp, Timestamp)) -> Self {
        Self { times, case: None, who: None }
    }

    /// What it is narrowed by, as the entry has it.
    fn note(&self) -> Option<Private<String>> {
        let said = |what: &str, word: &Option<Private<String>>| {
            word.as_ref().map(|word| format!("{what} {}", word.expose()))
        };
        let parts = [said("acts of case", &self.case), said("acts of", &self.who)];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| Private::new(parts.join("; ")))
    }
}

/// [`Which`], looked up.
struct Narrowed {
    /// The acts of the case.
    acts: Option<BTreeSet<u64>>,
    /// Whose acts.
    who: Option<StaffId>,
}

impl Narrowed {
    fn fits(&self, act: u64, people: [Option<StaffId>; 2]) -> bool {
        self.acts.as_ref().is_none_or(|acts| acts.contains(&act))
            && self.who.is_none_or(|staff| people.contains(&Some(staff)))
    }
}

/// A page of records.
#[derive(Clone, Debug)]
pub struct Found {
    /// The records.
    pub rows: Vec<Record>,
    /// The zones of the facilities that they are of, by the facility's key.
    pub zones: BTreeMap<String, String>,
    /// Where the next page begins, which is asked for anew; `None` when this is the last.
    pub next: Option<Cursor>,
    /// For counsel: at which place of the log it stands that there is no recording of a call. Of a
    /// call that goes on it does not yet.
    pub unrecorded: BTreeMap<CallId, u64>,
}

/// Counts of calls, month by month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Of which kind: protected ones, or one's own.
    pub line: Line,
    /// Each month, in ascending order.
    pub months: Vec<(Month, u64)>,
}

impl Records {
    /// What staff see of these calls.
    #[must_use]
    pub fn new(config: RecordsConfig) -> Self {
        Self(Arc::new(config), Arc::default())
    }

    /// A page of call records. With the number of an act that was approved, exactly the records
    /// that were found then, without those that became protected since.
    ///
    /// A person in custody and counsel find what is their own, whatever they look for: another's
    /// is not there.
    ///
    /// # Errors
    /// [`NotDisclosed`]; then nothing is shown, and a refusal stands in the log.
    pub fn search(
        &self,
        staff: &Staff,
        reason: &Reason,
        look: &Look,
    ) -> Result<Answer<Found>, NotDisclosed> {
        let own = self.0.roster.own(staff, look.agency)?;
        let (line, demand, rows, next) = match reason.act {
            None => {
                let look = look.of(own.as_ref());
                let page = self.0.store.search(&self.resolved(&look, own.clone())?)?;
                (look.line(own.as_ref()), look.demand(staff), page.rows, page.next)
            }
            Some(act) => {
                let (line, demand, rows) = self.approved(staff, act, Verb::Search, own.as_ref())?;
                (line, demand, rows, None)
            }
        };
        let object = rows.object().clone();
        let mut zones = self.0.store.zones_of(object.agency())?;
        let query = demand.query.clone();
        let ask = self.ask(Verb::Search, reason, (line, object), demand)?;
        let found = |mut rows: Vec<Record>| {
            // Of the calls that the entry names, what was looked for.
            rows.retain(|row| look::found(&query, row));
            zones.retain(|key, _| rows.iter().any(|row| row.facility == *key));
            Found { rows, zones, next, unrecorded: BTreeMap::new() }
        };
        let answer = self.show(staff, ask, reason.act, rows, found)?;
        self.with_entries(answer, own.as_ref())
    }

    /// How many calls with counsel and on other protected lines an agency had, month by month: all
    /// that a search shows of them. Both months count, and the calendar is the agency's. For a
    /// person in custody and counsel: how many calls of their own.
    ///
    /// # Errors
    /// As [`Records::search`]; [`NotDisclosed::Months`].
    pub fn counts(
        &self,
        staff: &Staff,
        reason: &Reason,
        agency: AgencyId,
        (from, to): (Month, Month),
    ) -> Result<Answer<Counted>, NotDisclosed> {
        let zone = self.0.store.zone_of(agency)?.ok_or(NotDisclosed::NotThere)?;
        let months = months::between(from, to, &zone).ok_or(NotDisclosed::Months)?;
        let (line, counts) = match self.0.roster.own(staff, agency)? {
            Some(own) => (Line::Own, self.0.store.own_counts(agency, &own, &months)?),
            None => (Line::Protected, self.0.store.protected_counts(agency, &months)?),
        };
        let object = counts.object().clone();
        let demand = Demand::of(Audience::of(staff.role), line);
        let ask = self.ask(Verb::Search, reason, (line, object), demand)?;
        self.show(staff, ask, reason.act, counts, |months| Counted { line, months })
    }

    /// What was asked for and shown of an agency's data, without the data themselves, and what was
    /// approved, refused, broken and reviewed; at most [`LIST_ROWS_MAX`] of either, the newest.
    /// What it is narrowed by stands in the entry. For a person in custody and counsel: who took
    /// copies of their own calls away, and nothing of what else was done.
    ///
    /// # Errors
    /// As [`Records::search`].
    pub fn list(
        &self,
        staff: &Staff,
        reason: &Reason,
        agency: AgencyId,
        which: &Which,
    ) -> Result<Answer<Ledger>, NotDisclosed> {
        let (from, until) = &which.times;
        let mut demand = look::of_times(staff, (*from, *until));
        demand.note = which.note();
        if let Some(act) = reason.act {
            let approved = self.0.roster.request(staff, act)?.demand;
            if approved.note != demand.note {
                return Err(NotDone::from(Refusal::OtherRequest).into());
            }
            demand = approved;
        }
        let times = (demand.query.from.unwrap_or(*from), demand.query.until.unwrap_or(*until));
        if let Some(own) = self.0.roster.own(staff, agency)? {
            return self.copies_of_own(staff, reason, (agency, &own), (demand, times));
        }
        let store = &self.0.store;
        let narrowed = self.narrowed(agency, which)?;
        let mut rows = store.usage(times.0, times.1)?;
        rows.retain(|row| row.owner == agency && narrowed.fits(row.act, [Some(row.staff), None]));
        let acts = self.listed(rows.split_off(rows.len().saturating_sub(LIST_ROWS_MAX)))?;
        let mut overseen = store.overseen(agency, times, u32::MAX)?;
        overseen.retain(|row| narrowed.fits(row.act, [row.by, Some(row.of)]));
        let overseen = overseen.split_off(overseen.len().saturating_sub(LIST_ROWS_MAX));
        let named = |id| {
            acts.iter().any(|act| act.usage.staff == id)
                || overseen.iter().any(|row| row.of == id || row.by == Some(id))
        };
        let staff_rows = self.0.store.staff()?.into_iter();
        let names = staff_rows.map(|row| (row.staff.id, row.name)).filter(|(id, _)| named(*id));
        let names = names.collect();
        let zone = store.zone_of(agency)?.unwrap_or_else(|| "UTC".to_owned());
        let ledger = Ledger { acts, overseen, names, copies: None, zone };
        let rows = Undisclosed::new(Object::Ledger { agency }, ledger);
        let object = rows.object().clone();
        let ask = self.ask(Verb::List, reason, (Line::Ordinary, object), demand)?;
        self.show(staff, ask, reason.act, rows, |rows| rows)
    }

    /// What a list is narrowed by, looked up. Nobody has a name that is not known, and nothing is
    /// theirs.
    fn narrowed(&self, agency: AgencyId, which: &Which) -> Result<Narrowed, StoreError> {
        let store = &self.0.store;
        let acts = which.case.as_ref().map(|case| store.acts_of_case(agency, case.expose()));
        let who = which.who.as_ref().map(|name| store.credentials(name.expose())).transpose()?;
        let who = who.map(|found| found.map_or(StaffId(NOBODY), |found| found.row.staff.id));
        Ok(Narrowed { acts: acts.transpose()?, who })
    }

    /// The person whom an agency knows by `key`; nobody is told whether there is.
    ///
    /// # Errors
    /// When the store fails.
    pub fn person_of(
        &self,
        agency: AgencyId,
        key: &Private<String>,
    ) -> Result<Option<PersonId>, NotDisclosed> {
        Ok(self.0.store.person_of(agency, key)?)
    }

    /// The facility with this key.
    ///
    /// # Errors
    /// When the store fails.
    pub fn facility_of(
        &self,
        agency: AgencyId,
        key: &str,
    ) -> Result<Option<FacilityId>, NotDisclosed> {
        Ok(self.0.store.facility_of(agency, key)?)
    }

    /// What was asked for under a number of theirs, to be carried out now.
    fn approved(
        &self,
        staff: &Staff,
        act: u64,
        verb: Verb,
        own: Option<&Own>,
    ) -> Result<(Line, Demand, Undisclosed<Vec<Record>>), NotDisclosed> {
        let ask = self.0.roster.request(staff, act)?;
        still_own(ask.line, own)?;
        match ask.object {
            Object::Records { agency, records } if ask.verb == verb => {
                let rows = self.0.store.records(agency, &records, ask.line, own)?;
                Ok((ask.line, ask.demand, rows))
            }
            Object::Records { .. }
            | Object::Recording { .. }
            | Object::Counts { .. }
            | Object::Ledger { .. }
            | Object::Held { .. } => Err(NotDisclosed::NotThere),
        }
    }

    /// A request whose answer goes back the way it came: to a key that nobody has afterwards.
    fn ask(
        &self,
        verb: Verb,
        reason: &Reason,
        what: (Line, Object),
        demand: Demand,
    ) -> Result<Ask, NotDisclosed> {
        let recipient = RecipientSecret::generate()?.public();
        Ok(self.ask_for((recipient, SHOW_WITHIN), verb, reason, what, demand))
    }

    fn ask_for(
        &self,
        (recipient, within): (Recipient, Duration),
        verb: Verb,
        reason: &Reason,
        (line, object): (Line, Object),
        demand: Demand,
    ) -> Ask {
        Ask {
            verb,
            purpose: reason.purpose,
            case: reason.case.clone(),
            line,
            object,
            recipient,
            expires: self.now().after(within),
            demand,
        }
    }

    /// Enters it, and gives the data out.
    fn show<T, U>(
        &self,
        staff: &Staff,
        ask: Ask,
        act: Option<u64>,
        data: Undisclosed<T>,
        then: impl FnOnce(T) -> U,
    ) -> Result<Answer<U>, NotDisclosed> {
        match self.begin(staff, ask, act)? {
            Begun::Waits { act, why } => Ok(Answer::Waits { act, why }),
            Begun::Entered { act, entered, once: _once } => {
                let receipt = self.receipt(&entered)?;
                let entry = receipt.index();
                let what = then(data.release(receipt)?);
                self.0.roster.done(act)?;
                Ok(Answer::Shown(Shown { act, entry, what }))
            }
        }
    }

    /// The one way in: allowed, then entered.
    fn begin(&self, staff: &Staff, ask: Ask, act: Option<u64>) -> Result<Begun, NotDisclosed> {
        // Whoever works elsewhere, or would hear what nobody hears, does not learn what there is.
        let hears = matches!(ask.object, Object::Recording { .. });
        let hidden = staff.agency != ask.object.agency()
            || ask.line == Line::Shielded
            || (hears && ask.line == Line::Protected);
        match self.0.roster.allow(staff, ask, act)? {
            Way::Open { allowed, act, once } => {
                let entered = self.0.register.enter(*allowed, act, self.now())?;
                Ok(Begun::Entered { act, entered: Box::new(entered), once })
            }
            Way::Waits { act, why } => Ok(Begun::Waits { act, why: why.to_string() }),
            Way::Refused { .. } if hidden => Err(NotDisclosed::NotThere),
            Way::Refused { act, why } => Err(NotDisclosed::Refused { act, why: why.to_string() }),
        }
    }

    fn receipt(&self, entered: &Entered) -> Result<Receipt, NotDisclosed> {
        Ok(self.0.register.receipt(entered, self.now())?)
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Records")
    }
}

/// Whether what was asked for as one's own still is: a tie may have ended since.
fn still_own(line: Line, own: Option<&Own>) -> Result<(), NotDisclosed> {
    let lost = line == Line::Own && own.is_none();
    if lost { Err(NotDisclosed::NotThere) } else { Ok(()) }
}

/// How a disclosure began.
enum Begun {
    Entered { act: u64, entered: Box<Entered>, once: Once },
    Waits { act: u64, why: String },
}

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
pub enum NotDisclosed {
    /// It is not there, or who asks may not know whether it is.
    #[error("there is nothing of this kind here")]
    NotThere,
    /// It was refused, and the refusal stands in the log.
    #[error("this is refused, and the refusal is entered as act {act}: {why}")]
    Refused {
        /// Number of the act.
        act: u64,
        /// Why.
        why: String,
    },
    /// It is being recorded still.
    #[error("this call is being recorded: follow it, or wait until it has ended")]
    StillRunning,
    /// The months are none, or too many.
    #[error(
        "give a first and a last month, and at most {} months",
        access::limits::MONTHS_COUNT_MAX
    )]
    Months,
    /// Nobody knows such an outcome.
    #[error("an outcome is a word such as `called_hung_up`, `number_blocked` or `open`")]
    Outcome,
    /// A copy is for somebody.
    #[error("say for whom the copy is")]
    ForNobody,
    /// More than one package can hold.
    #[error("these are more records than one package holds: narrow the search")]
    TooMany,
    /// It is no receipt of this package.
    #[error(transparent)]
    Receipt(#[from] BadReceipt),
    /// Another receipt was entered.
    #[error("somebody has signed for this package already, with another key or at another time")]
    Signed,
    /// The public gets no voices, and nothing that was looked for by a person or number.
    #[error(
        "the public is given call records without names and numbers, not looked for by a person or \
         number, and no recordings"
    )]
    NotForThePublic,
    /// The roster refuses, or cannot do it.
    #[error(transparent)]
    NotDone(#[from] NotDone),
    /// It cannot be entered.
    #[error(transparent)]
    NotEntered(#[from] NotEntered),
    /// The proof is not good enough.
    #[error(transparent)]
    NoReceipt(#[from] NoReceipt),
    /// What was entered is something else than what was looked up.
    #[error(transparent)]
    NotReleased(#[from] NotReleased),
    /// A recording is not opened.
    #[error(transparent)]
    NotHeard(#[from] NotHeard),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A package cannot be packed.
    #[error(transparent)]
    NotPacked(#[from] NotPacked),
    /// A package cannot be sealed.
    #[error(transparent)]
    NotSealed(#[from] NotSealed),
    /// A key cannot be made or used.
    #[error(transparent)]
    Key(#[from] VaultError),
}

impl From<NotOpened> for NotDisclosed {
    fn from(why: NotOpened) -> Self {
        Self::NotHeard(why.into())
    }
}

/// Acts that one list shows.
pub const LIST_ROWS_MAX: usize = 500;
/// How long after its entry a page is shown, or a package made.
const SHOW_WITHIN: Duration = Duration::from_mins(10);

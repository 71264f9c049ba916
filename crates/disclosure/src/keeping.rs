//! How long things are kept, what must be kept, and erasing the rest.
//!
//! The order is always the same: what is going to be so stands in the log first; then it is so. A
//! hold wins over every rule. What dies in the middle is finished by the next [`Keeping::run`].

mod details;
mod fault;
mod published;
mod run;
mod said;

pub use fault::NotKept;
pub use published::{AgencyTerms, Published, Term};
pub use run::{Of, Ran, Tell};
pub use said::{Erased, HoldSaid, Kept, RecordsErased, RetentionSet, Ruled};

use crate::{
    NotEntered, Note, Register, Roster,
    records::NOBODY,
    roster::{Denied, NotDone, Way},
};
use access::{
    Audience, Demand, Line, Object, Purpose, Query, Recipient, Role, Verb,
    decide::{Ask, NotAllowed},
    staff::Staff,
};
use evidence::Statement;
use model::{AgencyId, Clock, E164, FacilityId, PersonId, Private, Timestamp};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use store::{Class, HoldRow, NewHold, Overseen, RuleRow, Store, records::Own};

/// What keeping needs.
pub struct KeepingConfig {
    /// The store.
    pub store: Store,
    /// Where everything is entered first.
    pub register: Arc<Register>,
    /// Who decides who may place a hold and set a rule.
    pub roster: Roster,
    /// The vault's folder.
    pub recordings: PathBuf,
    /// The file in which anybody may read how long things are kept, and why for longer than usual.
    pub published: PathBuf,
    /// The time.
    pub clock: Clock,
    /// How long a recording of a number that was protected afterwards is left, see
    /// [`QUARANTINE_MAX`].
    pub quarantine: Duration,
}

/// Keeps, holds and erases. Cheap to clone; blocks the calling thread.
#[derive(Clone)]
pub struct Keeping(Arc<Inner>);

struct Inner {
    config: KeepingConfig,
    /// One change, or one step of a run, at a time: a hold that is placed is in force for every
    /// later step.
    turn: Mutex<()>,
    /// How many holds were placed since the start.
    placed: AtomicU64,
}

/// A rule that is to be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRule {
    /// For which facility; `None` for all of the agency that have none of their own.
    pub facility: Option<FacilityId>,
    /// For what.
    pub class: Class,
    /// How many days.
    pub days: u32,
    /// Why, for everybody to read; needed where it is longer than usual.
    pub reason: String,
}

/// What is to be kept. A call must fit everything that is named, and something must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldAsk {
    /// Whose data.
    pub agency: AgencyId,
    /// Why.
    pub purpose: Purpose,
    /// For which case.
    pub case: Private<String>,
    /// Whose calls.
    pub person: Option<PersonId>,
    /// By which key they were named; it stands in the entry, whether or not somebody has it.
    pub person_key: Option<Private<String>>,
    /// Calls to which number.
    pub number: Option<Private<E164>>,
    /// Calls from which facility.
    pub facility: Option<FacilityId>,
    /// By which key it was named.
    pub facility_key: Option<String>,
    /// Calls that had not ended then.
    pub from: Option<Timestamp>,
    /// Calls that had begun before then.
    pub until: Option<Timestamp>,
    /// All calls of the agency: said, so that nobody keeps everything who forgot to name something.
    pub everything: bool,
}

impl HoldAsk {
    /// Whether it names nothing that a call must fit.
    const fn names_nothing(&self) -> bool {
        let Self { person, number, facility, from, until, .. } = self;
        let what = person.is_none() && number.is_none() && facility.is_none();
        what && from.is_none() && until.is_none()
    }

    /// The same of somebody's own calls alone. What is not theirs is held of nobody, and the answer
    /// is the same.
    fn of(&self, own: &Own) -> Self {
        let since = |since: Timestamp| Some(self.from.map_or(since, |from| from.max(since)));
        match own {
            Own::Person { person, since: named } => {
                let other = self.person.is_some_and(|other| other != *person);
                let person = if other { PersonId(NOBODY) } else { *person };
                let from = since(*named);
                Self { person: Some(person), from, everything: false, ..self.clone() }
            }
            Own::Counsel(numbers) => {
                let theirs = numbers.iter().find(|own| Some(own.number) == self.number);
                match theirs {
                    Some(own) => Self { from: since(own.since), ..self.clone() },
                    None => Self { person: Some(PersonId(NOBODY)), ..self.clone() },
                }
            }
        }
    }

    /// What stands in the entry, and what a second person approves.
    fn demand(&self) -> Demand {
        let query = Query {
            person: self.person_key.clone(),
            number: self.number,
            facility: self.facility_key.clone(),
            from: self.from,
            until: self.until,
            ..Query::of(Line::Ordinary)
        };
        Demand { query, ..Demand::of(Audience::Nobody, Line::Ordinary) }
    }
}

/// What came of asking for something.
#[derive(Debug)]
pub enum Judged<T> {
    /// It is so.
    Done {
        /// The act.
        act: u64,
        /// The place of its entry in the log.
        entry: u64,
        /// What else there is to say.
        what: T,
    },
    /// It waits for a second person.
    Waits {
        /// The act.
        act: u64,
        /// What is missing.
        why: String,
    },
    /// It is refused, and that is entered.
    Refused {
        /// The act.
        act: u64,
        /// Why.
        why: NotAllowed,
    },
}

impl Keeping {
    /// Keeps over these.
    #[must_use]
    pub fn new(config: KeepingConfig) -> Self {
        Self(Arc::new(Inner { config, turn: Mutex::new(()), placed: AtomicU64::new(0) }))
    }

    /// Sets how long one's own agency keeps something, as far as its policies allow it. Entered and
    /// published before it is in force; gives the place of the entry with the agency's rules.
    ///
    /// # Errors
    /// [`NotKept::Term`], [`NotKept::Reason`] and [`NotKept::Acts`]; [`NotDone::NotThere`] for a
    /// facility of others; and when it cannot be entered, published or kept.
    pub fn set_rule(
        &self,
        by: &Staff,
        new: &NewRule,
        approved: Option<u64>,
    ) -> Result<Judged<u64>, NotKept> {
        let _turn = self.turn();
        let KeepingConfig { store, register, roster, clock, .. } = &self.0.config;
        let reason = checked_reason(new)?;
        if new.class == Class::Acts
            && (new.facility.is_some() || DAY.saturating_mul(new.days) < usual(Class::Acts))
        {
            return Err(NotKept::Acts);
        }
        let now = clock.now();
        let facilities = store.facilities_of(by.agency)?;
        if new.facility.is_some_and(|facility| !facilities.contains_key(&facility)) {
            return Err(NotDone::NotThere.into());
        }
        // Whoever approves it reads this, and it is approved for nothing else.
        let place =
            new.facility.map_or_else(|| "all".to_owned(), |it| format!("facility {}", it.0));
        let what = format!("retention: {} of {place}, {} days", new.class.word(), new.days);
        let note = (!reason.is_empty()).then(|| Private::new(reason.clone()));
        let (act, entry) = match self.allowed(by, (&what, note), approved)? {
            Judged::Done { act, entry, .. } => (act, entry),
            Judged::Waits { act, why } => return Ok(Judged::Waits { act, why }),
            Judged::Refused { act, why } => return Ok(Judged::Refused { act, why }),
        };
        let mut rules = store.retention_rules()?;
        let mut row = RuleRow {
            agency: by.agency,
            facility: new.facility,
            class: new.class,
            keep: DAY.saturating_mul(new.days),
            reason,
            by: by.id,
            at: now,
            entry: 0,
        };
        let key = |row: &RuleRow| (row.agency, row.facility.map(|it| it.0), row.class);
        rules.retain(|rule| key(rule) != key(&row));
        rules.push(row.clone());
        rules.sort_by_key(key);
        let own = rules.iter().filter(|rule| rule.agency == by.agency);
        let said =
            RetentionSet { agency: by.agency, by: by.id, rules: own.map(Ruled::of).collect() };
        let detail = postcard::to_allocvec(&said).map_err(|_| NotKept::Detail)?;
        let what = Statement::Retention { rules: Sha256::digest(&detail).into() };
        row.entry = register.note(what, &detail, by.agency, now)?;
        for rule in rules.iter_mut().filter(|rule| key(rule) == key(&row)) {
            rule.entry = row.entry;
        }
        self.publish(&rules)?;
        store.set_retention_rule(&row)?;
        roster.done(act)?;
        Ok(Judged::Done { act, entry, what: row.entry })
    }

    /// The rules that an agency has set. Where there is none, [`usual`] holds.
    ///
    /// # Errors
    /// When the store fails.
    pub fn rules(&self, agency: AgencyId) -> Result<Vec<RuleRow>, NotKept> {
        let rules = self.0.config.store.retention_rules()?;
        Ok(rules.into_iter().filter(|rule| rule.agency == agency).collect())
    }

    /// Whether somebody may have erased now what is due for their agency, or be told how much that
    /// is. That they may is entered, too.
    ///
    /// # Errors
    /// As the roster has them; and when a refusal cannot be entered.
    pub fn may_run(&self, by: &Staff, approved: Option<u64>) -> Result<Judged<()>, NotKept> {
        let judged = self.allowed(by, ("retention: run", None), approved)?;
        if let Judged::Done { act, .. } = judged {
            self.0.config.roster.done(act)?;
        }
        Ok(judged)
    }

    /// Whether somebody may do this to what their own agency keeps; entered either way. The note
    /// is what becomes public of it: whoever approves reads that too.
    fn allowed(
        &self,
        by: &Staff,
        (what, note): (&str, Option<Private<String>>),
        approved: Option<u64>,
    ) -> Result<Judged<()>, NotKept> {
        let request = Ask {
            verb: Verb::Retain,
            purpose: Purpose::Administration,
            case: Private::new(what.to_owned()),
            line: Line::Ordinary,
            object: Object::Ledger { agency: by.agency },
            // Nobody gets anything.
            recipient: Recipient([0; 32]),
            expires: self.0.config.clock.now().after(CARRY_OUT_MAX),
            demand: Demand { note, ..Demand::of(Audience::Nobody, Line::Ordinary) },
        };
        self.judged(by, request, approved)
    }

    /// Asks the roster, and enters what is allowed.
    fn judged(
        &self,
        by: &Staff,
        request: Ask,
        approved: Option<u64>,
    ) -> Result<Judged<()>, NotKept> {
        let KeepingConfig { register, roster, clock, .. } = &self.0.config;
        Ok(match roster.allow(by, request, approved)? {
            // One at a time all the same: whoever changes what is kept has the turn.
            Way::Open { allowed, act, once: _once } => {
                let entered = register.enter(*allowed, act, clock.now())?;
                Judged::Done { act, entry: entered.proof().inclusion.index(), what: () }
            }
            Way::Waits { act, why } => Judged::Waits { act, why: why.to_string() },
            Way::Refused { act, why } => Judged::Refused { act, why },
        })
    }

    /// Places a hold, as far as policies allow it, and gives its number. One without bounds waits
    /// for a supervisor of the agency whose data it is, and keeps nothing until then. It is in
    /// force when this returns, for recordings that there are and for those that will be; each has
    /// its entry from the next run on. Neither the answer nor what is done for it depends on
    /// whether there is any.
    /// A person in custody and counsel hold calls of their own, and no others.
    ///
    /// # Errors
    /// [`NotKept::Everything`] when nothing is named and it is not said that everything is meant,
    /// or that is said and something is named; [`NotDone::NotThere`] when there is no such
    /// agency; what the roster has for a bad request; and when it cannot be entered or kept.
    pub fn hold(
        &self,
        by: &Staff,
        ask: &HoldAsk,
        approved: Option<u64>,
    ) -> Result<Judged<u32>, NotKept> {
        if ask.names_nothing() != ask.everything {
            return Err(NotKept::Everything);
        }
        let _turn = self.turn();
        let KeepingConfig { store, roster, clock, .. } = &self.0.config;
        if !store.agencies()?.iter().any(|row| row.id == ask.agency) {
            return Err(NotDone::NotThere.into());
        }
        let now = clock.now();
        let (line, ask) = match roster.own(by, ask.agency)? {
            None => (Line::Ordinary, ask.clone()),
            Some(own) => (Line::Own, ask.of(&own)),
        };
        let request = Ask {
            verb: Verb::Hold,
            purpose: ask.purpose,
            case: ask.case.clone(),
            line,
            object: self.held(by, &ask, approved)?,
            // Nobody gets anything.
            recipient: Recipient([0; 32]),
            expires: now.after(CARRY_OUT_MAX),
            demand: ask.demand(),
        };
        let (act, entry) = match self.judged(by, request, approved)? {
            Judged::Done { act, entry, .. } => (act, entry),
            Judged::Waits { act, why } => return Ok(Judged::Waits { act, why }),
            Judged::Refused { act, why } => return Ok(Judged::Refused { act, why }),
        };
        let new = NewHold {
            agency: ask.agency,
            act,
            staff: by.id,
            case: ask.case.clone(),
            person: ask.person,
            number: ask.number,
            facility: ask.facility,
            from: ask.from,
            until: ask.until,
        };
        let hold = store.add_hold(&new, now)?;
        self.0.placed.fetch_add(1, Ordering::SeqCst);
        roster.done(act)?;
        Ok(Judged::Done { act, entry, what: hold })
    }

    /// Keys of an agency's facilities.
    ///
    /// # Errors
    /// When the store fails.
    pub fn facilities(&self, agency: AgencyId) -> Result<BTreeMap<FacilityId, String>, NotKept> {
        Ok(self.0.config.store.facilities_of(agency)?)
    }

    /// The holds that one placed; for supervisors and auditors those on the data of their agency.
    ///
    /// # Errors
    /// When their access has ended, or the store fails.
    pub fn holds(&self, by: &Staff) -> Result<Vec<HoldRow>, NotKept> {
        by.usable(self.0.config.clock.now())?;
        let all = matches!(by.role, Role::Supervisor | Role::Auditor);
        let mut rows = self.0.config.store.holds()?;
        rows.retain(|row| row.what.staff == by.id || (all && row.what.agency == by.agency));
        Ok(rows)
    }

    /// Releases a hold: for whoever placed it, or for a supervisor of the agency whose data it is.
    /// It is entered before; gives the number of the act. Of each recording that it kept, the next
    /// run enters that it keeps it no longer, and only then it can be erased.
    ///
    /// # Errors
    /// [`NotKept::NoHold`] when there is none, it is released, or it is not theirs to release;
    /// [`NotKept::Reason`]; and when it cannot be entered or kept.
    pub fn release(&self, by: &Staff, hold: u32, reason: &str) -> Result<u64, NotKept> {
        let _turn = self.turn();
        let KeepingConfig { store, roster, clock, .. } = &self.0.config;
        let now = clock.now();
        by.usable(now)?;
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > REASON_CHARS_MAX {
            return Err(NotKept::Reason);
        }
        let row = store.holds()?.into_iter().find(|row| row.hold == hold);
        let row = row.filter(|row| row.released.is_none()).ok_or(NotKept::NoHold)?;
        let owner = row.what.agency == by.agency && by.role == Role::Supervisor;
        if row.what.staff != by.id && !owner {
            return Err(NotKept::NoHold);
        }
        let act = roster.next_act()?;
        let said = Denied::Hold { by: by.id, hold, why: Private::new(reason.to_owned()) };
        let of = (row.what.staff, None);
        roster.oversee((Overseen::Denial, act), &said, row.what.agency, Some(by.id), of)?;
        store.release_hold(hold, by.id, act, now)?;
        Ok(act)
    }

    /// Exactly what is to be held, as it is entered and approved: an approval is for nothing else.
    /// Asked again, it is told with the salt of the request, so that the two can be compared.
    fn held(&self, by: &Staff, ask: &HoldAsk, approved: Option<u64>) -> Result<Object, NotKept> {
        let KeepingConfig { store, roster, .. } = &self.0.config;
        let asked = approved.map(|act| roster.request(by, act)).transpose()?;
        let salt = match asked.map(|asked| asked.object) {
            Some(Object::Held { salt, .. }) => salt,
            // Of something else, which the roster refuses to take for this.
            Some(
                Object::Recording { .. }
                | Object::Records { .. }
                | Object::Counts { .. }
                | Object::Ledger { .. },
            )
            | None => {
                let mut salt = [0; 32];
                getrandom::fill(&mut salt).map_err(|_| NotEntered::NoRandomness)?;
                salt
            }
        };
        let HoldAsk { agency, person, from, until, .. } = *ask;
        let number = ask.number.as_ref().map(|number| store.number_index(agency, *number.expose()));
        let number = number.transpose()?;
        let times = [from, until].map(|at| at.map(Timestamp::micros));
        let what = postcard::to_allocvec(&(person, &number, times)).map_err(|_| NotKept::Detail)?;
        let mut hash = Sha256::new_with_prefix(HELD_HEAD);
        hash.update(salt);
        hash.update(what);
        if let Some(FacilityId(facility)) = ask.facility {
            hash.update(facility.to_be_bytes());
        }
        let (person, number) = (person.is_some(), number.is_some());
        let what = hash.finalize().into();
        Ok(Object::Held { agency, person, number, from, until, salt, what })
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.0.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Keeping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keeping")
    }
}

/// How long something is kept where nobody has set anything.
#[must_use]
pub const fn usual(class: Class) -> Duration {
    match class {
        Class::Audio => Duration::from_hours(90 * 24),
        Class::Records => Duration::from_hours(365 * 24),
        // A year longer than anybody who was wronged by a leak can usually wait to sue: most states
        // give 2 to 6 years for what 42 U.S.C. 1983 gives redress for, 18 U.S.C. 2520(e) two, 18
        // U.S.C. 3282 five to prosecute; 45 CFR 164.316(b)(2)(i) keeps who saw health data for six.
        Class::Acts => Duration::from_hours(7 * 365 * 24),
    }
}

/// The reason as it is published: on one line, short, there where it must be, and without what
/// looks like a telephone number.
fn checked_reason(new: &NewRule) -> Result<String, NotKept> {
    if !(1..=DAYS_MAX).contains(&new.days) {
        return Err(NotKept::Term);
    }
    let reason = new.reason.trim();
    let plain = !reason.chars().any(char::is_control) && !has_number(reason);
    let needed = DAY.saturating_mul(new.days) > usual(new.class);
    if !plain || reason.chars().count() > REASON_CHARS_MAX || (needed && reason.is_empty()) {
        return Err(NotKept::Reason);
    }
    Ok(reason.to_owned())
}

/// Whether ten digits follow each other, whatever people write between the digits of a number.
fn has_number(text: &str) -> bool {
    let mut run = 0;
    text.chars().any(|sign| {
        if sign.is_ascii_digit() {
            run += 1;
        } else if !" ()-./+".contains(sign) {
            run = 0;
        }
        run >= NUMBER_DIGITS
    })
}

fn note(what: Statement, said: &impl Serialize) -> Result<Note, NotKept> {
    let detail = postcard::to_allocvec(said).map_err(|_| NotKept::Detail)?;
    Ok(Note { what, detail })
}

/// What a commitment to what is held begins with.
const HELD_HEAD: &[u8] = b"parlatory hold v1\0";

/// How long recordings of numbers that were protected afterwards are left, where nobody set it.
pub const QUARANTINE_MAX: Duration = Duration::from_hours(72);

const DAY: Duration = Duration::from_hours(24);

/// The longest time that can be set, in days: thirty years. The shortest is one day.
pub const DAYS_MAX: u32 = 30 * 366;

/// Characters of a reason.
pub const REASON_CHARS_MAX: usize = 500;

/// Digits of a telephone number with its area.
const NUMBER_DIGITS: u32 = 10;

/// How long it may take to place a hold that was allowed.
const CARRY_OUT_MAX: Duration = Duration::from_mins(10);

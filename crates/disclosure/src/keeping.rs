//! How long things are kept, what must be kept, and erasing the rest.
//!
//! The order is always the same: what is going to be so stands in the log first; then it is so. A
//! hold wins over every rule. What dies in the middle is finished by the next [`Keeping::run`].

mod fault;
mod said;

pub use fault::NotKept;
pub use said::{Erased, HoldSaid, Kept, RetentionSet, Ruled};

use crate::{Note, Register, Roster, roster::Way};
use access::{Line, Object, Purpose, Recipient, Role, Verb, decide::Ask, staff::Staff};
use evidence::Statement;
use model::{AgencyId, Clock, E164, FacilityId, PersonId, Private, Timestamp};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use store::{Basis, Class, Due, Held, NewHold, RuleRow, Store, Terms};
use vault::Eraser;

/// What keeping needs.
pub struct KeepingConfig {
    /// The store.
    pub store: Store,
    /// Where everything is entered first.
    pub register: Arc<Register>,
    /// Who decides who may place a hold.
    pub roster: Roster,
    /// The vault's folder.
    pub recordings: PathBuf,
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
    /// One change or run at a time: a hold that is placed is in force for every later run.
    turn: Mutex<()>,
}

/// A rule that is to be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRule {
    /// For which facility; `None` for all of the agency that have none of their own.
    pub facility: Option<FacilityId>,
    /// For what.
    pub class: Class,
    /// How long.
    pub keep: Duration,
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
    /// Calls to which number.
    pub number: Option<Private<E164>>,
    /// Calls that had not ended then.
    pub from: Option<Timestamp>,
    /// Calls that had begun before then.
    pub until: Option<Timestamp>,
}

/// What came of asking for a hold. It never says whether there is anything to be kept.
#[derive(Debug)]
pub enum HoldWay {
    /// It is in force.
    Placed {
        /// Its number.
        hold: u32,
        /// The act.
        act: u64,
    },
    /// It waits for a second person.
    Waits {
        /// The act.
        act: u64,
    },
    /// It is refused, and that is entered.
    Refused {
        /// The act.
        act: u64,
        /// Why.
        why: access::decide::NotAllowed,
    },
}

/// What a run did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Recordings of which it was entered that a hold keeps them.
    pub held: u64,
    /// Recordings that were found to be of numbers that are protected now.
    pub quarantined: u64,
    /// Recordings that were erased, or are due where nothing was to be done.
    pub erased: u64,
    /// Of these, those that are quarantined.
    pub of_quarantine: u64,
    /// Somebody copies the recordings: nothing was erased, and the next run does.
    pub postponed: bool,
}

impl Keeping {
    /// Keeps over these.
    #[must_use]
    pub fn new(config: KeepingConfig) -> Self {
        Self(Arc::new(Inner { config, turn: Mutex::new(()) }))
    }

    /// Sets how long one's own agency keeps something. Entered before it is in force.
    ///
    /// # Errors
    /// [`NotKept::Setter`], [`NotKept::Term`] and [`NotKept::Reason`]; and when it cannot be
    /// entered or kept.
    pub fn set_rule(&self, by: &Staff, new: &NewRule) -> Result<(), NotKept> {
        let _turn = self.0.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.0.config.clock.now();
        by.usable(now)?;
        if by.role != Role::Supervisor {
            return Err(NotKept::Setter);
        }
        if !(KEEP_MIN..=KEEP_MAX).contains(&new.keep) {
            return Err(NotKept::Term);
        }
        let reason = new.reason.trim();
        let plain = !reason.chars().any(char::is_control);
        let needed = new.keep > usual(new.class);
        if !plain || reason.chars().count() > REASON_CHARS_MAX || (needed && reason.is_empty()) {
            return Err(NotKept::Reason);
        }
        let row = RuleRow {
            agency: by.agency,
            facility: new.facility,
            class: new.class,
            keep: new.keep,
            reason: reason.to_owned(),
            by: by.id,
            at: now,
        };
        let mut rules = self.rules(by.agency)?;
        rules.retain(|rule| (rule.facility, rule.class) != (row.facility, row.class));
        rules.push(row.clone());
        rules.sort_by_key(|rule| (rule.facility.map(|it| it.0), rule.class));
        let said = RetentionSet {
            agency: by.agency,
            by: by.id,
            rules: rules.iter().map(Ruled::of).collect(),
        };
        let detail = postcard::to_allocvec(&said).map_err(|_| NotKept::Detail)?;
        let what = Statement::Retention { rules: Sha256::digest(&detail).into() };
        self.0.config.register.note(what, &detail, by.agency, now)?;
        Ok(self.0.config.store.set_retention_rule(&row)?)
    }

    /// The rules that an agency has set. Where there is none, [`usual`] holds.
    ///
    /// # Errors
    /// When the store fails.
    pub fn rules(&self, agency: AgencyId) -> Result<Vec<RuleRow>, NotKept> {
        let rules = self.0.config.store.retention_rules()?;
        Ok(rules.into_iter().filter(|rule| rule.agency == agency).collect())
    }

    /// Places a hold, as far as policies allow it. It is in force when this returns, for recordings
    /// that there are and for those that will be; each has its entry from the next run on.
    ///
    /// # Errors
    /// [`NotKept::Everything`] when nothing is named; what the roster has for a bad request; and
    /// when it cannot be entered or kept.
    pub fn hold(
        &self,
        by: &Staff,
        ask: &HoldAsk,
        approved: Option<u64>,
    ) -> Result<HoldWay, NotKept> {
        if ask.person.is_none() && ask.number.is_none() && ask.from.is_none() && ask.until.is_none()
        {
            return Err(NotKept::Everything);
        }
        let _turn = self.0.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let KeepingConfig { store, register, roster, clock, .. } = &self.0.config;
        let now = clock.now();
        let request = Ask {
            verb: Verb::Hold,
            purpose: ask.purpose,
            case: ask.case.clone(),
            line: Line::Ordinary,
            object: Object::Ledger { agency: ask.agency },
            // Nobody gets anything.
            recipient: Recipient([0; 32]),
            expires: now.after(CARRY_OUT_MAX),
        };
        let (allowed, act) = match roster.allow(by, request, approved)? {
            Way::Open { allowed, act } => (allowed, act),
            Way::Waits { act, .. } => return Ok(HoldWay::Waits { act }),
            Way::Refused { act, why } => return Ok(HoldWay::Refused { act, why }),
        };
        register.enter(*allowed, act, now)?;
        let new = NewHold {
            agency: ask.agency,
            act,
            staff: by.id,
            case: ask.case.clone(),
            person: ask.person,
            number: ask.number,
            from: ask.from,
            until: ask.until,
        };
        let hold = store.add_hold(&new, now)?;
        roster.done(act)?;
        Ok(HoldWay::Placed { hold, act })
    }

    /// Releases a hold: for whoever placed it, or for a supervisor of the agency whose data it is.
    /// The entries of what it kept are durable before.
    ///
    /// # Errors
    /// [`NotKept::NoHold`] when there is none, it is released, or it is not theirs to release;
    /// [`NotKept::Reason`]; and when it cannot be entered or kept.
    pub fn release(&self, by: &Staff, hold: u32, reason: &str) -> Result<(), NotKept> {
        let _turn = self.0.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let KeepingConfig { store, register, clock, .. } = &self.0.config;
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
        let said = HoldSaid::Released { hold, by: by.id, reason: Private::new(reason.to_owned()) };
        for piece in store.held_by(hold)?.chunks(BATCH_COUNT) {
            let notes: Result<Vec<Note>, NotKept> = piece
                .iter()
                .map(|held| note(Statement::Hold { recording: held.call.recording() }, &said))
                .collect();
            register.notes(&notes?, row.what.agency, now)?;
        }
        Ok(store.release_hold(hold, by.id, now)?)
    }

    /// Finishes what was left, enters what is newly held, finds what is to be quarantined, and
    /// erases what is due. With `dry` it only says what is due.
    ///
    /// # Errors
    /// When something cannot be entered, kept or erased; the next run goes on there.
    pub fn run(&self, dry: bool) -> Result<Ran, NotKept> {
        let _turn = self.0.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let KeepingConfig { store, recordings, clock, quarantine, .. } = &self.0.config;
        let now = clock.now();
        let terms = Terms { audio: usual(Class::Audio), quarantine: *quarantine };
        let mut ran = Ran::default();
        if dry {
            let due = store.due(&terms, now, DRY_COUNT_MAX)?;
            ran.erased = due.len() as u64;
            ran.of_quarantine =
                due.iter().filter(|it| it.basis == Basis::Quarantine).count() as u64;
            return Ok(ran);
        }
        ran.held = self.enter_held(now)?;
        ran.quarantined = store.quarantine(now)?;
        let Some(eraser) = Eraser::lock(recordings)? else {
            ran.postponed = true;
            return Ok(ran);
        };
        // What was decided and perhaps not entered is decided anew: somebody may hold it by now.
        store.forget_unentered()?;
        let left: Vec<Due> = store.erasing()?.into_iter().map(|it| it.due).collect();
        self.destroy(&eraser, &left, now, &mut ran)?;
        loop {
            let due = store.due(&terms, now, BATCH)?;
            if due.is_empty() {
                return Ok(ran);
            }
            store.begin_erasing(&due, now)?;
            self.enter_erased(&due, now)?;
            self.destroy(&eraser, &due, now, &mut ran)?;
        }
    }

    /// Enters of every recording that a hold keeps and that has no entry yet that it does.
    fn enter_held(&self, now: Timestamp) -> Result<u64, NotKept> {
        let KeepingConfig { store, register, .. } = &self.0.config;
        let mut count = 0;
        loop {
            let held = store.newly_held(BATCH)?;
            if held.is_empty() {
                return Ok(count);
            }
            for one in held.chunk_by(|one, other| one.agency == other.agency) {
                let notes: Result<Vec<Note>, NotKept> = one
                    .iter()
                    .map(|Held { call, hold, .. }| {
                        let said = HoldSaid::Kept(Kept { hold: *hold });
                        note(Statement::Hold { recording: call.recording() }, &said)
                    })
                    .collect();
                let Some(first) = one.first() else { continue };
                register.notes(&notes?, first.agency, now)?;
                store.keep_held(one)?;
                count += one.len() as u64;
            }
        }
    }

    /// Enters that these are erased.
    fn enter_erased(&self, due: &[Due], now: Timestamp) -> Result<(), NotKept> {
        let KeepingConfig { store, register, .. } = &self.0.config;
        let mut due = due.to_vec();
        due.sort_by_key(|it| (it.agency, it.recording));
        for one in due.chunk_by(|one, other| one.agency == other.agency) {
            let notes: Result<Vec<Note>, NotKept> = one
                .iter()
                .map(|Due { recording, sha256, basis, .. }| {
                    let what = Statement::Erase { recording: *recording, sha256: *sha256 };
                    note(what, &Erased::of(*basis))
                })
                .collect();
            let Some(first) = one.first() else { continue };
            let places = register.notes(&notes?, first.agency, now)?;
            store.erasing_entered(one, places.start)?;
        }
        Ok(())
    }

    /// Destroys what is entered, and keeps that it is gone.
    fn destroy(
        &self,
        eraser: &Eraser,
        due: &[Due],
        now: Timestamp,
        ran: &mut Ran,
    ) -> Result<(), NotKept> {
        for one in due {
            eraser.erase(one.agency, one.recording)?;
            ran.erased += 1;
            ran.of_quarantine += u64::from(one.basis == Basis::Quarantine);
        }
        Ok(self.0.config.store.erased(due, now)?)
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
    }
}

fn note(what: Statement, said: &impl Serialize) -> Result<Note, NotKept> {
    let detail = postcard::to_allocvec(said).map_err(|_| NotKept::Detail)?;
    Ok(Note { what, detail })
}

/// How long recordings of numbers that were protected afterwards are left, where nobody set it.
pub const QUARANTINE_MAX: Duration = Duration::from_hours(72);

/// The shortest time that can be set: nothing is erased before a day has passed.
pub const KEEP_MIN: Duration = Duration::from_hours(24);

/// The longest time that can be set.
pub const KEEP_MAX: Duration = Duration::from_hours(30 * 366 * 24);

/// Characters of a reason.
pub const REASON_CHARS_MAX: usize = 500;

/// Recordings of one append to the log.
const BATCH: u32 = 256;
const BATCH_COUNT: usize = 256;

/// Recordings that a dry run counts.
const DRY_COUNT_MAX: u32 = 1_000_000;

/// How long it may take to place a hold that was allowed.
const CARRY_OUT_MAX: Duration = Duration::from_mins(10);

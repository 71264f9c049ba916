//! A run: what is held is entered, what is due is entered and erased.

use super::{Erased, HoldSaid, Keeping, KeepingConfig, Kept, NotKept, RecordsErased, note, usual};
use crate::Note;
use evidence::Statement;
use model::{AgencyId, Timestamp};
use std::{ops::ControlFlow, sync::atomic::Ordering, time::Duration};
use store::{Basis, Class, Due, Held, RecordsCount, RunOutcome, RunScope, Terms};
use vault::Eraser;

/// What a run looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Of {
    /// Only what is due for this agency; what was begun is finished for all.
    pub agency: Option<AgencyId>,
    /// Only recordings of numbers that were protected afterwards.
    pub quarantined_alone: bool,
}

/// What a run did, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Recordings of which it was entered that a hold keeps them. For the node's own log: who
    /// places a hold is not told.
    pub held: u64,
    /// Recordings that were found to be of numbers that are protected now.
    pub quarantined: u64,
    /// Recordings that are due.
    pub due: u64,
    /// Recordings that were erased.
    pub erased: u64,
    /// Of these, or of those that are due where nothing was to be done, those that are quarantined.
    pub of_quarantine: u64,
    /// Names and numbers that are due: records of calls and of refused numbers, languages of called
    /// parties, people who left.
    pub records_due: u64,
    /// Names and numbers that were erased.
    pub records: u64,
    /// Details of entries of the log that are due.
    pub details_due: u64,
    /// Details of entries that were erased, with their salts.
    pub details: u64,
    /// Somebody copies the recordings, or another run erases: nothing was erased, and the next run
    /// does.
    pub postponed: bool,
    /// It was told to stop before its end; the next run goes on there.
    pub stopped: bool,
}

/// Is told after each step how far it is, and says whether it goes on.
pub type Tell<'a> = dyn FnMut(&Ran) -> ControlFlow<()> + 'a;

impl Keeping {
    /// What a run would erase now.
    ///
    /// # Errors
    /// When the store fails.
    pub fn due(&self, of: Of) -> Result<Ran, NotKept> {
        let KeepingConfig { store, clock, .. } = &self.0.config;
        let now = clock.now();
        let (due, of_quarantine) = store.due_count(&self.terms(of), now)?;
        let records_due = self.records_due(of, now)?.iter().map(|(_, due)| due.total()).sum();
        let details_due = if of.quarantined_alone { 0 } else { self.details_due(of, now)? };
        Ok(Ran { due, of_quarantine, records_due, details_due, ..Ran::default() })
    }

    /// How long names and numbers are kept at most, whoever's they are: what is older stands
    /// nowhere but where a hold keeps it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn records_longest(&self) -> Result<Duration, NotKept> {
        Ok(self.set_for(Class::Records)?.1)
    }

    /// Finishes what was left, enters what is newly held and what is held no longer, finds what is
    /// to be quarantined, and erases what is due. `tell` hears of every step.
    ///
    /// # Errors
    /// When something cannot be entered, kept, published or erased; the next run goes on there.
    pub fn run(&self, of: Of, tell: &mut Tell<'_>) -> Result<Ran, NotKept> {
        let KeepingConfig { store, clock, .. } = &self.0.config;
        // What somebody asks for between the node's own runs is no run of the node.
        let scope = if of.quarantined_alone { RunScope::Quarantine } else { RunScope::All };
        let run = match of.agency {
            None => Some(store.begin_run(scope, clock.now())?),
            Some(_) => None,
        };
        let mut ran = Ran::default();
        let done = self.carry_out(of, tell, &mut ran);
        let outcome = match (&done, ran) {
            (Err(_), _) => RunOutcome::Failed,
            (Ok(()), Ran { postponed: true, .. }) => RunOutcome::Postponed,
            (Ok(()), Ran { stopped: true, .. }) => RunOutcome::Stopped,
            (Ok(()), _) => RunOutcome::Done,
        };
        let kept = run.map(|run| store.end_run(run, outcome, ran.erased, clock.now()));
        done?;
        kept.transpose()?;
        Ok(ran)
    }

    fn carry_out(&self, of: Of, tell: &mut Tell<'_>, ran: &mut Ran) -> Result<(), NotKept> {
        let KeepingConfig { store, recordings, clock, .. } = &self.0.config;
        let now = clock.now();
        let (terms, mut placed);
        let due = self.records_due(of, now)?;
        ran.records_due = due.iter().map(|(_, due)| due.total()).sum();
        let eraser = {
            let _turn = self.turn();
            self.publish(&store.retention_rules()?)?;
            placed = self.0.placed.load(Ordering::SeqCst);
            self.enter_freed(now)?;
            ran.held = self.enter_held(now)?;
            ran.quarantined = store.quarantine(now)?;
            let Some(eraser) = Eraser::lock(recordings)? else {
                ran.postponed = true;
                return Ok(());
            };
            // What was decided and perhaps not entered is decided anew: somebody may hold it now.
            store.forget_unentered()?;
            let left: Vec<Due> = store.erasing()?.into_iter().map(|it| it.due).collect();
            self.destroy(&eraser, &left, of, now, ran)?;
            terms = self.terms(of);
            (ran.due, _) = store.due_count(&terms, now)?;
            ran.due += ran.erased;
            eraser
        };
        loop {
            if tell(ran).is_break() {
                ran.stopped = true;
                return Ok(());
            }
            let _turn = self.turn();
            let newly = self.0.placed.load(Ordering::SeqCst);
            if newly != placed {
                placed = newly;
                ran.held += self.enter_held(now)?;
            }
            let due = store.due(&terms, now, BATCH)?;
            if due.is_empty() {
                break;
            }
            store.begin_erasing(&due, now)?;
            self.enter_erased(&due, now)?;
            self.destroy(&eraser, &due, of, now, ran)?;
        }
        self.erase_records(of, now, tell, ran)?;
        if !of.quarantined_alone && !ran.stopped {
            self.erase_details(of, now, tell, ran)?;
            // Last, because it may want room that is not there. Where somebody reads all the time,
            // the next run does it.
            let _swept = store.sweep()?;
        }
        // Whoever copies has waited until here, and copies the log as it is now.
        drop(eraser);
        Ok(())
    }

    /// How many names and numbers of which agency are due. A number that became protected takes
    /// none of them along.
    fn records_due(
        &self,
        of: Of,
        now: Timestamp,
    ) -> Result<Vec<(AgencyId, RecordsCount)>, NotKept> {
        let store = &self.0.config.store;
        if of.quarantined_alone {
            return Ok(Vec::new());
        }
        let agencies = store.agencies()?.into_iter().map(|row| row.id);
        let meant = agencies.filter(|agency| of.agency.is_none_or(|only| only == *agency));
        let due = meant.map(|agency| {
            Ok::<_, NotKept>((agency, store.records_due(agency, usual(Class::Records), now)?))
        });
        due.filter(|due| due.as_ref().map_or(true, |(_, due)| due.total() > 0)).collect()
    }

    /// Erases names and numbers whose time is over, agency by agency: entered, and then done. Where
    /// it is broken off, the next run enters and erases the rest.
    fn erase_records(
        &self,
        of: Of,
        now: Timestamp,
        tell: &mut Tell<'_>,
        ran: &mut Ran,
    ) -> Result<(), NotKept> {
        let KeepingConfig { store, register, .. } = &self.0.config;
        for (agency, due) in self.records_due(of, now)? {
            let said = note(
                Statement::RecordsErased { records: due.total() },
                &RecordsErased::of(agency, due),
            );
            register.notes(&[said?], agency, now)?;
            loop {
                if tell(ran).is_break() {
                    ran.stopped = true;
                    return Ok(());
                }
                let _turn = self.turn();
                let done = store.erase_records(agency, usual(Class::Records), now, BATCH)?;
                if done.total() == 0 {
                    break;
                }
                ran.records += done.total();
            }
        }
        Ok(())
    }

    fn terms(&self, of: Of) -> Terms {
        Terms {
            audio: usual(Class::Audio),
            quarantine: self.0.config.quarantine,
            agency: of.agency,
            quarantined_alone: of.quarantined_alone,
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

    /// Enters of every recording whose hold was released that it is. Until then it stays.
    fn enter_freed(&self, now: Timestamp) -> Result<(), NotKept> {
        let KeepingConfig { store, register, .. } = &self.0.config;
        loop {
            let freed = store.newly_freed(BATCH)?;
            if freed.is_empty() {
                return Ok(());
            }
            for one in freed.chunk_by(|(one, _), (other, _)| one.agency == other.agency) {
                let notes: Result<Vec<Note>, NotKept> = one
                    .iter()
                    .map(|(Held { call, hold, .. }, act)| {
                        let said = HoldSaid::Released { hold: *hold, act: *act };
                        note(Statement::Hold { recording: call.recording() }, &said)
                    })
                    .collect();
                let Some((first, _)) = one.first() else { continue };
                register.notes(&notes?, first.agency, now)?;
                store.keep_freed(one)?;
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

    /// Destroys what is entered, and keeps that it is gone. Counts what the run looks at.
    fn destroy(
        &self,
        eraser: &Eraser,
        due: &[Due],
        of: Of,
        now: Timestamp,
        ran: &mut Ran,
    ) -> Result<(), NotKept> {
        for one in due {
            eraser.erase(one.agency, one.recording)?;
            let counts = of.agency.is_none_or(|agency| agency == one.agency);
            ran.erased += u64::from(counts);
            ran.of_quarantine += u64::from(counts && one.basis == Basis::Quarantine);
        }
        Ok(self.0.config.store.erased(due, now)?)
    }
}

/// Recordings of one append to the log, and recordings or records of one step.
const BATCH: u32 = 256;

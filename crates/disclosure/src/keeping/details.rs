//! Details of the log's entries whose time is over.
//!
//! An entry stays for ever, and says nothing of anybody. What it commits to, who it was and which
//! number, goes with its salt: that of a call with the number and the person of its record, that of
//! an act of staff after a term of its own, which is longer, because after a leak it is asked who
//! was shown what. Nobody here can open a detail. So what an act was about is not known, and while
//! a hold could keep anything that an act was about, what the entry says of the act stays.

use super::{Keeping, KeepingConfig, NotKept, Of, Ran, Tell, usual};
use crate::Note;
use evidence::{Detailed, Statement, leaf};
use journal::log::{replay_log, segments};
use model::{AgencyId, CallId, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::{ControlFlow, Range},
    time::Duration,
};
use store::{CallLeft, Class};

/// By what the time of a detail is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    /// A call, or a recording, whose call has the same number.
    Call(CallId),
    /// A name that somebody recorded.
    Name,
    /// An act of staff, or a number that is protected no longer.
    Act,
}

impl Subject {
    /// What an entry's detail is about; `None` where it names nobody and stays.
    const fn of(what: &Statement) -> Option<Self> {
        match *what {
            Statement::Admission { call, .. }
            | Statement::Consent { call }
            | Statement::RecordingStarted { call, .. }
            | Statement::RecordingEnded { call, .. }
            | Statement::NotRecorded { call, .. }
            | Statement::Dialled { call, .. } => Some(Self::Call(call)),
            Statement::Quarantine { recording, .. } => Some(Self::Call(CallId(recording.0))),
            Statement::NameRecorded { .. } => Some(Self::Name),
            // Staff did it, or may have.
            Statement::NameHeard { .. }
            | Statement::NameApproved { .. }
            | Statement::NameRemoved { .. }
            | Statement::Removal { .. }
            | Statement::Retention { .. }
            | Statement::Kill { .. }
            | Statement::PolicyChange { .. }
            | Statement::StaffChange { .. }
            | Statement::Disclosure { .. }
            | Statement::Approval { .. }
            | Statement::Denial { .. }
            | Statement::BreakGlass { .. }
            | Statement::Review { .. }
            | Statement::Inquiry { .. }
            | Statement::Delivered { .. }
            | Statement::SegmentsOpened { .. }
            | Statement::Closing { .. } => Some(Self::Act),
            Statement::Padding
            | Statement::Boot { .. }
            | Statement::RegistryEpoch { .. }
            | Statement::Tariff { .. }
            | Statement::Erase { .. }
            | Statement::Hold { .. }
            | Statement::RecordsErased { .. }
            | Statement::DetailsErased { .. } => None,
        }
    }

    const fn detailed(self) -> Detailed {
        match self {
            Self::Call(_) | Self::Name => Detailed::Calls,
            Self::Act => Detailed::Acts,
        }
    }
}

/// What holds for details now.
struct Now {
    at: Timestamp,
    /// The shortest and the longest time for which anybody's records are kept.
    records: (Duration, Duration),
    /// The longest time for which anybody keeps acts.
    acts: Duration,
    /// From when on something is held.
    held_from: Option<Timestamp>,
    /// Only details of calls of this agency.
    agency: Option<AgencyId>,
    /// Calls whose records are due and are erased before their details.
    due: BTreeSet<CallId>,
}

impl Now {
    /// When the detail of an entry made at `at` goes, at the earliest; `None` where it can go now.
    fn later(&self, subject: Subject, at: Timestamp, left: CallLeft) -> Option<Timestamp> {
        let (shortest, longest) = self.records;
        let over = |term: Duration, held: bool| {
            let over = at.after(term);
            (over > self.at || held).then(|| over.max(self.at))
        };
        let held = self.held_from.is_some_and(|from| from <= at);
        match (subject, left, self.agency) {
            (Subject::Call(call), CallLeft::Kept, _) if self.due.contains(&call) => None,
            (Subject::Call(_), CallLeft::Erased { .. }, None) => None,
            (Subject::Call(_), CallLeft::Erased { agency }, Some(only)) if agency == only => None,
            // What one agency asks for is done for its own calls alone.
            (_, _, Some(_)) => Some(self.at),
            (Subject::Call(_), CallLeft::Kept, None) => Some(at.after(shortest).max(self.at)),
            (Subject::Call(_), CallLeft::Unknown, None) => over(longest, held),
            (Subject::Name, _, None) => over(longest, false),
            (Subject::Act, _, None) => over(self.acts, held),
        }
    }
}

/// What can go of a segment.
struct Found {
    calls: BTreeSet<u64>,
    acts: BTreeSet<u64>,
    /// When something else can go, at the earliest.
    look: Timestamp,
}

impl Found {
    fn all(&self) -> BTreeSet<u64> {
        self.calls.union(&self.acts).copied().collect()
    }

    /// What is entered before it goes.
    fn notes(&self) -> Vec<Note> {
        let said = |of, places: &BTreeSet<u64>| {
            let (first, last) = (*places.first()?, *places.last()?);
            let what = Statement::DetailsErased { of, first, last, count: places.len() as u64 };
            Some(Note { what, detail: Vec::new() })
        };
        let both = [(Detailed::Calls, &self.calls), (Detailed::Acts, &self.acts)];
        both.into_iter().filter_map(|(of, places)| said(of, places)).collect()
    }
}

impl Keeping {
    /// Erases details whose time is over, segment by segment of the log's own files: entered, and
    /// then done. Where it is broken off, the next run enters and erases the rest, and what was
    /// entered and not erased once more.
    pub(super) fn erase_details(
        &self,
        of: Of,
        at: Timestamp,
        tell: &mut Tell<'_>,
        ran: &mut Ran,
    ) -> Result<(), NotKept> {
        let KeepingConfig { store, register, .. } = &self.0.config;
        for segment in self.worth_a_look(at)? {
            if tell(ran).is_break() {
                ran.stopped = true;
                return Ok(());
            }
            // A hold that is placed from here on waits, and keeps what is left.
            let _turn = self.turn();
            let found = self.found(&self.now(of, at)?, &segment)?;
            let all = found.all();
            if !all.is_empty() {
                ran.details_due += all.len() as u64;
                register.notes(&found.notes(), THE_CELL, at)?;
                ran.details += register.log().erase_details(&all, &mut |_| {})?;
            }
            // The one that is written on will have more.
            if of.agency.is_none() && segment.end != u64::MAX {
                store.look_again(segment.start, found.look)?;
            }
        }
        Ok(())
    }

    /// How many details are due, those of calls whose records are due among them.
    pub(super) fn details_due(&self, of: Of, at: Timestamp) -> Result<u64, NotKept> {
        let store = &self.0.config.store;
        let mut now = self.now(of, at)?;
        for row in store.agencies()? {
            if of.agency.is_none_or(|only| only == row.id) {
                now.due.extend(store.calls_due(row.id, usual(Class::Records), at)?);
            }
        }
        let mut due = 0;
        // Of a call that is due the time has come, whatever was noted of its segment.
        let segments = if now.due.is_empty() {
            self.worth_a_look(at)?
        } else {
            segments(self.0.config.register.log().private())?
        };
        for segment in segments {
            due += self.found(&now, &segment)?.all().len() as u64;
        }
        Ok(due)
    }

    /// Segments in which something may be due.
    fn worth_a_look(&self, at: Timestamp) -> Result<Vec<Range<u64>>, NotKept> {
        let KeepingConfig { store, register, .. } = &self.0.config;
        let looks = store.looks()?;
        let mut found = segments(register.log().private())?;
        found.retain(|segment| looks.get(&segment.start).is_none_or(|look| *look <= at));
        Ok(found)
    }

    fn now(&self, of: Of, at: Timestamp) -> Result<Now, NotKept> {
        Ok(Now {
            at,
            records: self.set_for(Class::Records)?,
            acts: self.set_for(Class::Acts)?.1,
            held_from: self.0.config.store.held_from()?,
            agency: of.agency,
            due: BTreeSet::new(),
        })
    }

    /// What can go of a segment.
    fn found(&self, now: &Now, segment: &Range<u64>) -> Result<Found, NotKept> {
        let KeepingConfig { store, register, .. } = &self.0.config;
        let mut entries = Vec::new();
        replay_log(register.log().private(), segment.start, |entry| {
            if entry.index >= segment.end {
                return ControlFlow::Break(());
            }
            if !entry.detail.is_empty() {
                // What cannot be read is nobody's to erase.
                let read = leaf::read(&entry.leaf, register.audit_key()).ok();
                let said = read.map(|read| read.said);
                entries.extend(
                    said.and_then(|said| Some((entry.index, said.at, Subject::of(&said.what)?))),
                );
            }
            ControlFlow::Continue(())
        })?;
        let calls = entries.iter().filter_map(|(_, _, subject)| match subject {
            Subject::Call(call) => Some(*call),
            Subject::Name | Subject::Act => None,
        });
        let left = store.calls_left(calls)?;
        let of_call = |subject| match subject {
            Subject::Call(call) => left.get(&call).copied().unwrap_or(CallLeft::Unknown),
            Subject::Name | Subject::Act => CallLeft::Unknown,
        };
        let end = Timestamp::from_micros(i64::MAX);
        let mut found = Found { calls: BTreeSet::new(), acts: BTreeSet::new(), look: end };
        for (index, at, subject) in entries {
            match (now.later(subject, at, of_call(subject)), subject.detailed()) {
                (Some(later), _) => found.look = found.look.min(later),
                (None, Detailed::Calls) => drop(found.calls.insert(index)),
                (None, Detailed::Acts) => drop(found.acts.insert(index)),
            }
        }
        Ok(found)
    }

    /// The shortest and the longest time that holds for anybody.
    pub(super) fn set_for(&self, class: Class) -> Result<(Duration, Duration), NotKept> {
        let store = &self.0.config.store;
        let rules = store.retention_rules()?;
        let set: BTreeMap<_, _> = rules
            .iter()
            .filter(|rule| rule.class == class)
            .map(|rule| ((rule.agency, rule.facility.map(|it| it.0)), rule.keep))
            .collect();
        let mut terms = Vec::new();
        for agency in store.agencies()? {
            let all = set.get(&(agency.id, None)).copied().unwrap_or(usual(class));
            let facilities = store.facilities_of(agency.id)?;
            let own = |facility| set.get(&(agency.id, Some(facility))).copied();
            terms.push(all);
            terms.extend(facilities.keys().filter_map(|facility| own(facility.0)));
        }
        let least = terms.iter().min().copied().unwrap_or(usual(class));
        Ok((least, terms.into_iter().max().unwrap_or(usual(class))))
    }
}

/// Whose entries speak of several agencies: sealed for like the cell, and they have no detail.
/// Agencies are numbered from 1.
const THE_CELL: AgencyId = AgencyId(0);

//! The names that people record: kept for staff, spoken once they approved them, removed.
//!
//! Everything that touches their files happens on one thread, so that no call waits for the disk
//! and no two things happen to one name at once. What changes anything is entered in the log
//! first: a name is nobody's before its entry is durable, no look at one comes before its entry,
//! and one whose removal is entered is destroyed, at the latest when the node starts again.

use std::{
    collections::BTreeMap,
    sync::{
        Weak,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
};

use call::{Answer, NameClip, OwnName};
use evidence::Statement;
use model::{
    AgencyId, CallId, PersonId, StationId, Timestamp,
    fact::{Fact, NameActed, NameByStaff, NameDid, NameRecorded},
    plan::{Facility, Person},
    speech::OwnVoice,
};
use store::{NameWant, NameWish};
use switch::Reply;
use vault::{NameOf, NameShelf};

use crate::{
    book::Book,
    desk::{Broken, Desk, Inner},
    limits::{NAME_WISHES_EVERY, VOICES_COUNT_MAX},
};

/// What is known of recorded names.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// The one that each person has.
    kept: BTreeMap<PersonId, Kept>,
    /// Approved ones of people who are about to call.
    voices: BTreeMap<PersonId, ([u8; 32], OwnVoice)>,
}

/// A name that is stored.
#[derive(Clone, Copy, Debug)]
struct Kept {
    agency: AgencyId,
    sha256: [u8; 32],
    heard: bool,
    approved: bool,
}

/// Something to be done on the thread of names.
enum Job {
    /// A person keeps what they said.
    Keep { agency: AgencyId, clip: NameClip, reply: Reply },
    /// A person wants theirs removed.
    Remove { of: NameOf, call: CallId, reply: Reply },
    /// A person is about to call whose name is approved.
    Load { of: NameOf, sha256: [u8; 32] },
}

/// The thread of names, which ends when dropped; or what waits for a turn.
pub(crate) struct Namer {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    by_hand: Option<(Receiver<Job>, NameShelf)>,
}

impl Namer {
    /// Starts taking jobs, and asking every [`NAME_WISHES_EVERY`] what staff want.
    pub(crate) fn start(desk: Weak<Inner>, shelf: NameShelf) -> std::io::Result<Self> {
        let (sender, jobs) = channel();
        let thread = std::thread::Builder::new()
            .name("names".into())
            .spawn(move || run(&desk, &shelf, &jobs))?;
        Ok(Self { jobs: Some(sender), thread: Some(thread), by_hand: None })
    }

    /// Takes jobs, and does them in [`Desk::names_turn`].
    pub(crate) fn by_hand(shelf: NameShelf) -> Self {
        let (sender, jobs) = channel();
        Self { jobs: Some(sender), thread: None, by_hand: Some((jobs, shelf)) }
    }

    /// Queues a job. After the end, what it holds is dropped, and nobody is answered.
    fn send(&self, job: Job) {
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(job);
        }
    }
}

impl Drop for Namer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        // The thread itself may hold the last handle of the desk and so run this: it cannot join
        // itself.
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

fn run(desk: &Weak<Inner>, shelf: &NameShelf, jobs: &Receiver<Job>) {
    loop {
        let job = jobs.recv_timeout(NAME_WISHES_EVERY);
        if job.as_ref().is_err_and(|error| *error == RecvTimeoutError::Disconnected) {
            return;
        }
        let Some(inner) = desk.upgrade() else { return };
        let desk = Desk::from_inner(inner);
        match job {
            Ok(job) => desk.do_job(shelf, job),
            Err(_) => desk.try_wishes(shelf),
        }
    }
}

impl Desk {
    /// Does what people and staff wanted, where there is no thread that does.
    pub(crate) fn names_turn(&self) {
        let waiting = self.namer().as_ref().and_then(|namer| {
            let (jobs, shelf) = namer.by_hand.as_ref()?;
            Some((jobs.try_iter().collect::<Vec<_>>(), shelf.clone()))
        });
        let Some((jobs, shelf)) = waiting else { return };
        for job in jobs {
            self.do_job(&shelf, job);
        }
        self.try_wishes(&shelf);
    }

    fn do_job(&self, shelf: &NameShelf, job: Job) {
        match job {
            Job::Keep { agency, clip, reply } => {
                let kept = self.keep_name(shelf, agency, clip);
                let kept = kept.inspect_err(|error| {
                    tracing::error!(%error, "a recorded name was not kept");
                });
                reply.send(Answer::NameKept { kept: kept.unwrap_or(false) });
            }
            Job::Remove { of, call, reply } => {
                let removed = self
                    .remove_name(shelf, of, |acted| Fact::NameRemoved { acted, call: Some(call) });
                let removed = removed.inspect_err(|error| {
                    tracing::error!(%error, "a recorded name was not removed");
                });
                reply.send(Answer::NameRemoved { removed: removed.unwrap_or(false) });
            }
            Job::Load { of, sha256 } => self.load_name(shelf, of, sha256),
        }
    }

    fn try_wishes(&self, shelf: &NameShelf) {
        if let Err(error) = self.do_wishes(shelf) {
            tracing::error!(%error, "what staff want done with recorded names waits");
        }
    }

    /// Fills what is known from the store, and finishes what a node that died left half done.
    pub(crate) fn open_names(&self, shelf: Option<&NameShelf>) -> Result<(), Broken> {
        let Some(shelf) = shelf else { return Ok(()) };
        let rows = self.inner().store.names()?;
        let (removed, there): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row.removed.is_some());
        let entered: BTreeMap<NameOf, [u8; 32]> =
            there.iter().map(|row| ((row.agency, row.person), row.sha256)).collect();
        let removed: Vec<[u8; 32]> = removed.iter().map(|row| row.sha256).collect();
        shelf.recover(&entered, &removed)?;
        let mut state = self.state();
        for row in there {
            let (heard, approved) = (row.heard.is_some(), row.approved.is_some());
            let kept = Kept { agency: row.agency, sha256: row.sha256, heard, approved };
            state.names.kept.insert(row.person, kept);
        }
        Ok(())
    }

    /// How it stands with the name of a person who gave their PIN. One that is stored can be
    /// removed wherever they are; one may be recorded only where it would be entered.
    pub(crate) fn own_name(&self, facility: &Facility, person: &Person) -> OwnName {
        if self.namer().is_none() {
            return OwnName::Off;
        }
        let stored = self.state().names.kept.contains_key(&person.id);
        match (stored, facility.recorded_names && !self.inner().clerk.is_behind()) {
            (true, _) => OwnName::Stored,
            (false, true) => OwnName::Absent,
            (false, false) => OwnName::Off,
        }
    }

    /// A person is about to call: their approved name is made ready, while they dial.
    pub(crate) fn expect_name(&self, facility: &Facility, person: PersonId) {
        let kept = self.state().names.kept.get(&person).copied();
        if let Some(kept) = kept.filter(|kept| kept.approved && facility.recorded_names) {
            self.name_job(Job::Load { of: (kept.agency, person), sha256: kept.sha256 });
        }
    }

    /// The approved name of a person, once; where it is not ready, their name is spoken.
    pub(crate) fn take_voice(&self, facility: &Facility, person: PersonId) -> Option<OwnVoice> {
        let mut state = self.state();
        let (sha256, voice) = state.names.voices.remove(&person)?;
        let kept = state.names.kept.get(&person)?;
        let approved = kept.approved && kept.sha256 == sha256;
        (approved && facility.recorded_names).then_some(voice)
    }

    /// A person keeps the name that they said.
    pub(crate) fn ask_keep(&self, station: StationId, clip: NameClip, reply: Reply) {
        let book = self.book();
        match self.facility_of(&book, station, clip.person()) {
            Some(facility) if facility.recorded_names => {
                self.name_job(Job::Keep { agency: facility.agency, clip, reply });
            }
            Some(_) | None => reply.send(Answer::NameKept { kept: false }),
        }
    }

    /// A person wants their recorded name removed.
    pub(crate) fn ask_remove(
        &self,
        (call, station): (CallId, StationId),
        person: PersonId,
        reply: Reply,
    ) {
        let book = self.book();
        match self.facility_of(&book, station, person) {
            Some(facility) => {
                self.name_job(Job::Remove { of: (facility.agency, person), call, reply });
            }
            None => reply.send(Answer::NameRemoved { removed: false }),
        }
    }

    /// The facility of a station, if the person is there.
    fn facility_of<'b>(
        &self,
        book: &'b Book,
        station: StationId,
        person: PersonId,
    ) -> Option<&'b Facility> {
        let (_, facility) = book.facility_of(station)?;
        (book.person(person)?.facility == facility.id).then_some(facility)
    }

    fn name_job(&self, job: Job) {
        if let Some(namer) = self.namer().as_ref() {
            namer.send(job);
        }
    }

    /// Stores a name: written, entered, then put into its place. Once a person has one, no other.
    fn keep_name(
        &self,
        shelf: &NameShelf,
        agency: AgencyId,
        clip: NameClip,
    ) -> Result<bool, Broken> {
        let (of, call) = ((agency, clip.person()), clip.call());
        let taken = self.state().names.kept.contains_key(&of.1);
        if taken || self.inner().clerk.is_behind() {
            return Ok(false);
        }
        let sealed = shelf.put(agency, clip)?;
        let at = self.inner().clock.now();
        let fact = Fact::NameRecorded(Box::new(NameRecorded {
            call,
            agency,
            person: of.1,
            sha256: sealed.sha256,
            voice: sealed.voice,
            octets: sealed.octets,
            at,
        }));
        let what = Statement::NameRecorded { call, sha256: sealed.sha256 };
        if let Err(error) = self.enter_name(what, fact, agency, at) {
            shelf.destroy(of)?;
            return Err(error);
        }
        let kept = Kept { agency, sha256: sealed.sha256, heard: false, approved: false };
        self.state().names.kept.insert(of.1, kept);
        if let Err(error) = shelf.place(of) {
            // It is entered: the next start puts it there.
            tracing::error!(%error, "a recorded name is not in its place yet");
        }
        Ok(true)
    }

    /// Removes the name of a person, as the fact says, and destroys its file; `false` when there is
    /// none.
    fn remove_name(
        &self,
        shelf: &NameShelf,
        of: NameOf,
        fact: impl FnOnce(NameActed) -> Fact,
    ) -> Result<bool, Broken> {
        let Some(kept) = self.kept(of, None) else { return Ok(false) };
        let acted = self.acted(of, kept.sha256);
        let what = Statement::NameRemoved { sha256: kept.sha256 };
        self.enter_name(what, fact(acted), of.0, acted.at)?;
        let mut state = self.state();
        state.names.kept.remove(&of.1);
        state.names.voices.remove(&of.1);
        drop(state);
        if let Err(error) = shelf.destroy(of) {
            tracing::error!(%error, "a removed name is there until the next start");
        }
        Ok(true)
    }

    /// Makes an approved name ready. One that is missing or was changed is not spoken.
    fn load_name(&self, shelf: &NameShelf, of: NameOf, sha256: [u8; 32]) {
        let Some(voice) = shelf.read(of, sha256) else {
            tracing::error!("an approved name is missing or damaged: it is spoken by the program");
            return;
        };
        let voices = &mut self.state().names.voices;
        if voices.len() >= VOICES_COUNT_MAX {
            voices.pop_first();
        }
        voices.insert(of.1, (sha256, voice));
    }

    /// Does what staff want, each after its entry. What they want of a name that is not there any
    /// more is forgotten.
    fn do_wishes(&self, shelf: &NameShelf) -> Result<(), Broken> {
        for wish in self.inner().store.name_wishes()? {
            self.do_wish(shelf, &wish)?;
            self.inner().store.name_wish_done(&wish)?;
        }
        Ok(())
    }

    fn do_wish(&self, shelf: &NameShelf, wish: &NameWish) -> Result<(), Broken> {
        let (of, sha256) = ((wish.agency, wish.person), wish.sha256);
        let Some(kept) = self.kept(of, Some(sha256)) else { return Ok(()) };
        let (by, act) = (wish.by, wish.act);
        let fact = |acted, did| Fact::NameByStaff(NameByStaff { acted, did, by, act });
        let acted = self.acted(of, sha256);
        let kept = match wish.want {
            NameWant::Listen => {
                let fact = fact(acted, NameDid::Heard);
                self.enter_name(Statement::NameHeard { sha256 }, fact, of.0, acted.at)?;
                // Whoever waits for it looks at what the store says.
                self.flush()?;
                Kept { heard: true, ..kept }
            }
            NameWant::Approve if kept.heard && !kept.approved => {
                let fact = fact(acted, NameDid::Approved);
                self.enter_name(Statement::NameApproved { sha256 }, fact, of.0, acted.at)?;
                self.flush()?;
                Kept { approved: true, ..kept }
            }
            NameWant::Approve => return Ok(()),
            NameWant::Remove => {
                self.remove_name(shelf, of, |acted| fact(acted, NameDid::Removed))?;
                return self.flush();
            }
        };
        self.state().names.kept.insert(of.1, kept);
        Ok(())
    }

    /// The name of a person, if it is `sha256` where that is said.
    fn kept(&self, of: NameOf, sha256: Option<[u8; 32]>) -> Option<Kept> {
        let kept = self.state().names.kept.get(&of.1).copied()?;
        let same = kept.agency == of.0 && sha256.is_none_or(|sha256| sha256 == kept.sha256);
        same.then_some(kept)
    }

    fn acted(&self, (agency, person): NameOf, sha256: [u8; 32]) -> NameActed {
        NameActed { agency, person, sha256, at: self.inner().clock.now() }
    }

    /// Makes a fact durable with its entry; without an entry, nothing is done.
    fn enter_name(
        &self,
        what: Statement,
        fact: Fact,
        agency: AgencyId,
        at: Timestamp,
    ) -> Result<(), Broken> {
        let draft = self.inner().clerk.of_fact(what, at, agency, &fact).ok_or(Broken::NoEntry)?;
        self.inner().journal.append_entries_wait(vec![fact], vec![draft])?;
        Ok(())
    }
}

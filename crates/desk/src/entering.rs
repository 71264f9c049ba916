//! The entries of one call, as the desk has them made.

use std::time::Duration;

use evidence::{CounselSecret, Statement};
use journal::Draft;
use model::{
    AgencyId, CallId, Timestamp,
    fact::{Admitted, ConsentEvidence, Epoch, Fact, OffReason, RecordingEnd},
};

use registry::Standing;

use crate::{
    admission::Screened,
    book::Book,
    clerk::{self, Over},
    desk::{Desk, FileState, OpenCall},
};

impl Desk {
    /// Nothing is recorded on the word of an epoch that is not in the log.
    pub(crate) fn only_entered(&self, screened: Screened) -> Screened {
        let entered = |epoch: Epoch| {
            let entered = self.inner().clerk.may_record(epoch);
            if entered { Ok(epoch) } else { Err(OffReason::LogUnavailable) }
        };
        Screened { may_record: screened.may_record.and_then(entered), ..screened }
    }

    /// The secret of whoever a protected number belongs to.
    pub(crate) fn counsel(&self, book: &Book, admitted: &Admitted) -> Option<CounselSecret> {
        if !clerk::is_counsels(admitted.class) {
            return None;
        }
        let number = *admitted.number.expose();
        let keys = self.inner().clerk.keys();
        let protection = book.counsel(admitted.agency, number);
        let agency = protection.map_or(admitted.agency, |it| it.agency);
        let holder = protection.and_then(|it| it.holder.as_ref()).map(|name| name.expose());
        let holder = holder.map(String::as_str).ok_or(number);
        Some(crate::counsel_secret(keys, agency, holder))
    }

    /// That a call was allowed.
    pub(crate) fn admission_entry(
        &self,
        book: &Book,
        admitted: &Admitted,
        talk_max: Duration,
    ) -> Option<Draft> {
        let counsel = self.counsel(book, admitted);
        self.inner().clerk.admission(admitted, talk_max, counsel.as_ref())
    }

    /// The agency of a call that the log knows of.
    pub(crate) fn entered_agency(&self, call: CallId) -> Option<AgencyId> {
        let state = self.state();
        // An admission may be among what the journal refused; nothing is entered before it.
        let written = state.unsaid.is_empty() && !state.appending_again;
        let open = state.calls.get(&call).filter(|open| open.entered && written)?;
        Some(open.admitted.agency)
    }

    /// The acceptance as a fact and, if it can be, as entries: consent, and the start of the
    /// recording. A recording whose start cannot be entered is none.
    pub(crate) fn consent_entries(
        &self,
        call: CallId,
        evidence: ConsentEvidence,
        recording: Result<Epoch, OffReason>,
    ) -> (Fact, Vec<Draft>, Result<Epoch, OffReason>) {
        let (at, clerk) = (self.inner().clock.now(), &self.inner().clerk);
        // The machine wants the epoch that its notice was built on; the log the one of this moment.
        let anew = recording.and_then(|asked| self.asked_anew(call, asked, at));
        let recording = anew.and(recording);
        let evidence = Box::new(evidence);
        let fact = Fact::Accepted { call, evidence: evidence.clone(), recording };
        let draft = |what| {
            self.entered_agency(call).and_then(|agency| clerk.of_fact(what, at, agency, &fact))
        };
        let consent = draft(Statement::Consent { call });
        let started =
            anew.ok().and_then(|epoch| draft(Statement::RecordingStarted { call, epoch }));
        match (recording, consent, started) {
            (Ok(_), Some(consent), Some(started)) => (fact, vec![consent, started], recording),
            (Err(_), consent, _) => (fact, consent.into_iter().collect(), recording),
            (Ok(_), consent, _) => {
                let recording = Err(OffReason::LogUnavailable);
                let fact = Fact::Accepted { call, evidence, recording };
                (fact, consent.into_iter().collect(), recording)
            }
        }
    }

    /// What the registry says by now of a call that was announced as recorded: the answer that the
    /// notice was built on may be minutes old, and the start of a recording is entered with the
    /// epoch that it rests on.
    fn asked_anew(&self, call: CallId, asked: Epoch, now: Timestamp) -> Result<Epoch, OffReason> {
        let number = self.state().calls.get(&call).map(|open| open.admitted.number);
        let number = number.ok_or(OffReason::LogUnavailable)?;
        match self.book().registry.ask(*number.expose(), now) {
            Standing::Protected { .. } => Err(OffReason::Protected),
            Standing::Ordinary { epoch } if epoch < asked => Err(OffReason::RegistryUnusable),
            Standing::Ordinary { epoch } if self.inner().clerk.may_record(epoch) => Ok(epoch),
            Standing::Ordinary { .. } => Err(OffReason::LogUnavailable),
            Standing::Unusable(_) => Err(OffReason::RegistryUnusable),
        }
    }

    /// That a recording was closed; `None` also where the log does not know of its call.
    pub(crate) fn closed_entry(
        &self,
        call: CallId,
        end: &RecordingEnd,
        at: Timestamp,
    ) -> Option<Draft> {
        let mut state = self.state();
        let over = state.closing.remove(&call);
        let agency = match state.calls.get_mut(&call) {
            Some(open) => {
                open.file = FileState::Closed;
                open.admitted.agency
            }
            None => over?.admitted.agency,
        };
        drop(state);
        self.inner().clerk.closed(Some(agency), call, end, at)
    }

    /// That a call is over, at this time and after so much talk, without a recording.
    pub(crate) fn not_recorded_entry(
        &self,
        open: &OpenCall,
        fact: &Fact,
        (talked, at): (Duration, Timestamp),
        off: Option<OffReason>,
    ) -> Option<Draft> {
        if !open.entered {
            return None;
        }
        let admitted = &open.admitted;
        let over = Over {
            fact,
            agency: admitted.agency,
            call: admitted.call,
            why: clerk::unrecorded(admitted, off, open.accepted || !talked.is_zero()),
            talked,
            start: open.answered.unwrap_or(admitted.at),
            at,
        };
        let counsel = self.counsel(&self.book(), admitted);
        self.inner().clerk.not_recorded(&over, counsel.as_ref())
    }
}

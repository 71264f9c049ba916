//! One call, seen from the desk: who is it, may they, what was pressed, what did it cost.
//!
//! Durable before effect: the answer to a question that changes anything is sent from the journal's
//! thread, after the fact is on disk.

use std::time::Duration;

use call::{
    AcceptKey, Admission, Answer, CallEvent, Caller, Choices, Finished, Identified, OwnName, Price,
    Question,
};
use charging::{Quote, Settlement};
use evidence::Statement;
use journal::JournalError;
use model::{
    CallId, Language, Money, PersonId, Private, StationId, Timestamp, TrunkId,
    fact::{
        Admitted, ConsentEvidence, Denied, EndReason, Ended, Epoch, Fact, HoldFact, NumberClass,
        OffReason, RecordingEnd, Refusal, Rest,
    },
    plan::{DiskFull, Facility, Person, StationCaller},
};
use switch::{Office, Reply, StationPlan};

use crate::{
    admission::{self, NotAdmitted, Screened, Wish},
    book::Book,
    chosen,
    desk::{
        Desk,
        FileState::{Absent, Closed, Expected},
        OpenCall, State,
    },
    disk::Space,
    limits::UNSAID_COUNT_MAX,
    unsaid::Item,
};

impl Office for Desk {
    fn station(&self, station: StationId) -> Option<StationPlan> {
        let book = self.book();
        let (station, facility) = book.facility_of(station)?;
        Some(StationPlan {
            station_key: station.key.clone(),
            agency: facility.agency,
            facility: facility.id,
            facility_name: Private::new(facility.name.clone()),
            caller_id: facility.caller_id,
            pack: self.inner().pack,
            timing: self.inner().timing,
            caller: self.caller(&book, station.caller),
            dialling: station.dialling.clone(),
            help: book.has_help(facility),
        })
    }

    fn ask(&self, call: CallId, station: StationId, question: Question, reply: Reply) {
        match question {
            Question::Identify { pin } => reply.send(self.identify(station, &pin)),
            Question::Balance { person } => reply.send(Answer::Balance(self.balance(person))),
            Question::Admit { person, dialled } => {
                self.admit(call, station, person, dialled.expose(), reply);
            }
            Question::Commit { evidence, recording } => {
                self.commit(call, evidence, recording, reply);
            }
            Question::Block => self.block(call, reply),
            Question::KeepName { clip } => self.ask_keep(station, clip, reply),
            Question::RemoveName { person } => {
                self.ask_remove((call, station), person, reply);
            }
        }
    }

    fn tell(&self, call: CallId, event: CallEvent) {
        match event {
            CallEvent::Answered { at } => {
                if let Some(open) = self.state().calls.get_mut(&call) {
                    open.answered = Some(at);
                }
                self.note_of(call, Fact::Answered { call, at }, None);
            }
            CallEvent::LanguageChosen { language, at } => self.remember(call, language, at),
            CallEvent::PrivateClaimed { at } => self.claim(call, at),
            CallEvent::Talked { talked, at } => {
                if let Some(open) = self.state().calls.get_mut(&call) {
                    open.talked = talked;
                }
                self.note_of(call, Fact::Talked { call, talked, at }, None);
            }
            CallEvent::TalkStarted { off, .. } => self.joined(call, off),
            CallEvent::NoticeStarted { .. } => {}
        }
    }

    fn dialled(&self, call: CallId, trunk: TrunkId, at: Timestamp) {
        let fact = Fact::Dialled { call, trunk, at };
        let draft = self.entered_agency(call).and_then(|agency| {
            self.inner().clerk.of_fact(Statement::Dialled { call, trunk }, at, agency, &fact)
        });
        self.note_of(call, fact, draft);
    }

    fn forwarded(&self, call: CallId, at: Timestamp) {
        self.note_of(call, Fact::Forwarded { call, at }, None);
    }

    fn not_recorded(&self, call: CallId, reason: OffReason) {
        tracing::warn!(call = call.0, ?reason, "no recording although there was consent");
        let mut state = self.state();
        if let Some(open) = state.calls.get_mut(&call) {
            open.off = Some(reason);
            return;
        }
        let closing = state.closing.remove(&call);
        drop(state);
        // The call was over before the vault said so.
        if let Some(open) = closing {
            let at = self.inner().clock.now();
            let fact = Fact::NeverRecorded { call, reason, at };
            let draft = self.not_recorded_entry(&open, &fact, (open.talked, at), Some(reason));
            self.insist(Item { fact, draft });
        }
    }

    fn recording_closed(&self, call: CallId, recording: Option<RecordingEnd>) {
        let at = self.inner().clock.now();
        match recording {
            Some(recording) => {
                let draft = self.closed_entry(call, &recording, at);
                self.insist(Item { fact: Fact::RecordingClosed { call, recording, at }, draft });
            }
            // The file is there without its final frame: the next start finds and books it.
            None => tracing::error!(call = call.0, "a recording was not closed"),
        }
    }

    fn finished(&self, call: CallId, finished: Finished) {
        if let Some(reason) = finished.reason {
            self.settle(call, reason, &finished);
        }
    }

    fn heard(&self, heard: model::fact::Heard) {
        self.note(Fact::Heard(Box::new(heard)));
    }

    fn broken(&self, call: CallId, at: Timestamp) {
        let talked = self.state().calls.get(&call).map(|open| open.talked);
        let Some(talked) = talked else { return };
        let finished =
            Finished { at, reason: Some(EndReason::Fault), talked, decision_key: None, off: None };
        self.settle(call, EndReason::Fault, &finished);
    }
}

impl Desk {
    /// Who calls from a station before anybody is asked. A person whom the book does not know is
    /// asked who they are.
    fn caller(&self, book: &Book, caller: StationCaller) -> Caller {
        match caller {
            StationCaller::Pin => Caller::AskPin,
            StationCaller::Nobody => Caller::Nobody,
            StationCaller::Person(person) => book
                .person(person)
                .map_or(Caller::AskPin, |person| Caller::Known(identified(person))),
        }
    }

    fn identify(&self, station: StationId, pin: &Private<String>) -> Answer {
        let now = self.inner().clock.now();
        let book = self.book();
        let Some((_, facility)) = book.facility_of(station) else { return Answer::PinUnknown };
        if self.state().wrong_pins.is_locked(station, facility.id, now) {
            return Answer::PinLocked;
        }
        let hash = self.inner().pin_key.hash(&facility.key, pin.expose());
        match book.person_by_pin(facility.id, &hash) {
            // A right PIN does not wipe out the wrong ones before it: whoever guesses would enter
            // their own from time to time.
            Some(person) => {
                self.expect_name(facility, person.id);
                let own_name = self.own_name(facility, person);
                Answer::Person(Identified { own_name, ..identified(person) })
            }
            None => {
                self.note(Fact::PinRefused { station, at: now });
                self.state().wrong_pins.wrong(station, facility.id, now);
                if self.state().wrong_pins.is_locked(station, facility.id, now) {
                    return Answer::PinLocked;
                }
                Answer::PinUnknown
            }
        }
    }

    fn balance(&self, person: PersonId) -> Money {
        let book = self.book();
        let account = book.person(person).map(|person| person.account);
        account.and_then(|id| self.state().ledger.available(id)).unwrap_or(Money::ZERO)
    }

    fn admit(
        &self,
        call: CallId,
        station: StationId,
        person: Option<PersonId>,
        dialled: &str,
        reply: Reply,
    ) {
        let now = self.inner().clock.now();
        let book = self.book();
        let known = person.map(|person| book.person(person));
        // `Some(None)` is a person who was taken out of the configuration in the meantime.
        let (Some((station, facility)), None | Some(Some(_))) = (book.facility_of(station), known)
        else {
            reply.send(Answer::Denied(Refusal::Unavailable));
            return;
        };
        let blocked = |number| self.state().chosen.is_blocked(&book, facility, number);
        let person = known.flatten();
        let wish = Wish { person, station, facility, dialled, blocked: &blocked, now };
        let decided = admission::screen(&book, &wish)
            .map(|screened| self.only_entered(screened))
            .and_then(|screened| match self.inner().disk.space() {
                Space::Full => admission::on_full_disk(screened, facility),
                Space::Ample | Space::Below20 | Space::Below10 | Space::Below5 => Ok(screened),
            })
            .and_then(|screened| self.hold(call, &wish, screened))
            .map(|(admission, admitted)| {
                let choices = self.choices(&book, facility, &admission);
                let voice = admitted.person.and_then(|person| self.take_voice(facility, person));
                (Admission { choices, voice, ..admission }, admitted)
            });
        match decided {
            Ok((admission, admitted)) => {
                let unwritten = goes_unwritten(&admission, facility.disk_full);
                // What is said to the log is no word about somebody's money.
                let talk_max = match admission.class {
                    NumberClass::Relay => facility.relay_talk_max,
                    NumberClass::Ordinary
                    | NumberClass::Protected
                    | NumberClass::Free
                    | NumberClass::Service => facility.talk_max,
                };
                self.admitted(admission, admitted, (unwritten, talk_max), reply);
            }
            Err(refused) => self.denied(call, &wish, &refused, reply),
        }
    }

    /// Proves the rate lawful, holds the money and books the call as open.
    fn hold(
        &self,
        call: CallId,
        wish: &Wish<'_>,
        screened: Screened,
    ) -> Result<(Admission, Admitted), NotAdmitted> {
        let (facility, station) = (wish.facility, wish.station);
        let refuse = |reason| NotAdmitted { reason, number: Some(screened.number) };
        let mut talk_max = screened.talk_max;
        let mut state = self.state();
        if let Some(person) = wish.person
            && state.calling.contains(&person.id)
        {
            return Err(refuse(Refusal::AlreadyCalling));
        }
        let quote = self.quote(wish, &screened).map_err(refuse)?;
        let (hold, price) = match &quote {
            None => (None, Price::Free),
            Some(quote) => {
                // Screening lets nobody through who cannot pay.
                let person = wish.person.ok_or_else(|| refuse(Refusal::NumberNotAllowed))?;
                let held = state
                    .ledger
                    .hold(call.hold(), person.account, quote, facility.talk_max, wish.now)
                    .map_err(|_| refuse(Refusal::InsufficientFunds))?;
                talk_max = held.talk_max;
                let fact = HoldFact {
                    account: person.account,
                    amount: held.amount,
                    rate: quote.fact(),
                    expires: held.expires,
                };
                (Some(fact), Price::PerMinute(quote.per_minute()))
            }
        };
        let admitted = Admitted {
            call,
            at: wish.now,
            agency: facility.agency,
            facility: facility.id,
            unit: station.unit,
            station: station.id,
            person: wish.person.map(|person| person.id),
            number: screened.number,
            class: screened.class,
            epoch: screened.epoch,
            may_record: screened.may_record.map(|_| ()),
            hold,
        };
        let key = (facility.agency, *screened.number.expose());
        let called_language = state.languages.get(&key).copied().unwrap_or_default();
        state.open(quote, admitted.clone());
        let admission = Admission {
            number: screened.number,
            class: screened.class,
            may_record: screened.may_record,
            price,
            talk_max,
            called_language,
            connect: screened.connect,
            choices: Choices::default(),
            voice: None,
        };
        Ok((admission, admitted))
    }

    /// What the called party may choose.
    fn choices(&self, book: &Book, facility: &Facility, admission: &Admission) -> Choices {
        let number = *admission.number.expose();
        let reminded = match admission.class {
            NumberClass::Ordinary | NumberClass::Protected | NumberClass::Free => true,
            // What is relayed, and who helps, is not talked over.
            NumberClass::Relay | NumberClass::Service => false,
        };
        let accept = match (facility.called.drawn_key, (self.inner().draw)()) {
            (true, Some(octet)) => AcceptKey::drawn(octet),
            // Without randomness, the key everybody expects: the notice names it either way.
            (true, None) | (false, _) => AcceptKey::One,
        };
        Choices {
            accept,
            private_claim: self.state().chosen.may_claim(book, facility, number),
            reminder_every: facility.called.reminder_every.filter(|_| reminded),
        }
    }

    /// The price of the call, or `None` where it is free: by a rule for the number, or because the
    /// facility asks nothing.
    fn quote(&self, wish: &Wish<'_>, screened: &Screened) -> Result<Option<Quote>, Refusal> {
        if screened.free {
            return Ok(None);
        }
        let quote = admission::rate(wish.facility, wish.now, &self.inner().caps)?;
        Ok(if quote.per_minute() == Money::ZERO { None } else { Some(quote) })
    }

    /// Makes an admission durable with its entry, and then tells. On a full disk a call that goes
    /// `unwritten` is placed all the same, unrecorded and free of charge, and its record waits for
    /// room.
    fn admitted(
        &self,
        mut admission: Admission,
        mut admitted: Admitted,
        (unwritten, talk_max): (bool, Duration),
        reply: Reply,
    ) {
        let draft = self.admission_entry(&self.book(), &admitted, talk_max);
        if draft.is_none() {
            // What the log does not know of is not recorded.
            admission.may_record = admission.may_record.and(Err(OffReason::LogUnavailable));
            admitted.may_record = admitted.may_record.and(Err(OffReason::LogUnavailable));
        }
        if let Some(open) = self.state().calls.get_mut(&admitted.call) {
            open.entered = draft.is_some();
            open.admitted.may_record = admitted.may_record;
        }
        let (desk, kept) = (self.clone(), admitted.clone());
        let facts = vec![Fact::Admitted(Box::new(admitted))];
        let drafts = draft.into_iter().collect();
        self.state().admitting.insert(kept.call, None);
        self.inner().journal.append_entries(facts, drafts, move |durable| {
            let call = kept.call;
            let over = desk.state().admitting.remove(&call).flatten();
            let Err(error) = durable else {
                if let Some(ended) = over {
                    desk.insist(ended);
                }
                return reply.send(Answer::Admitted(admission));
            };
            tracing::error!(%error, call = call.0, "an admission could not be made durable");
            desk.note_failure(&error);
            let now = desk.inner().clock.now();
            let full = matches!(error, JournalError::DiskFull { .. });
            let may_record = admission.may_record.and(Err(OffReason::Disk));
            let kept = Admitted { hold: None, may_record: may_record.map(|_| ()), ..kept };
            let draft = desk.admission_entry(&desk.book(), &kept, talk_max);
            let mut state = desk.state();
            let waits = state.take_back(call, now);
            if over.is_some() {
                // There was no call: what was held for it is nobody's.
                state.ledger.forget(call.hold());
            }
            let reason = if full { Refusal::DiskFull } else { Refusal::Unavailable };
            // Of a call that is over by then nobody opens another one.
            if !(full && unwritten && waits && state.unsaid.len() < UNSAID_COUNT_MAX) {
                drop(state);
                return reply.send(Answer::Denied(reason));
            }
            state.open(None, kept.clone());
            if let Some(open) = state.calls.get_mut(&call) {
                (open.entered, open.unwritten) = (draft.is_some(), true);
            }
            state.unsaid.push(Item { fact: Fact::Admitted(Box::new(kept)), draft });
            drop(state);
            reply.send(Answer::Admitted(Admission { may_record, price: Price::Free, ..admission }));
        });
    }

    fn denied(&self, call: CallId, wish: &Wish<'_>, refused: &NotAdmitted, reply: Reply) {
        let denied = Denied {
            call,
            at: wish.now,
            agency: wish.facility.agency,
            facility: wish.facility.id,
            station: wish.station.id,
            person: wish.person.map(|person| person.id),
            number: refused.number,
            reason: refused.reason,
        };
        self.note(Fact::Denied(Box::new(denied)));
        *self.state().refused.entry(refused.reason).or_default() += 1;
        reply.send(Answer::Denied(refused.reason));
    }

    fn commit(
        &self,
        call: CallId,
        evidence: ConsentEvidence,
        recording: Result<Epoch, OffReason>,
        reply: Reply,
    ) {
        let desk = self.clone();
        let (fact, drafts, recording) = self.consent_entries(call, evidence, recording);
        let Some(fact) = self.behind_admission(call, fact) else {
            if let Some(open) = self.state().calls.get_mut(&call) {
                open.accepted = true;
            }
            let recording = recording.and(Err(OffReason::Disk));
            return reply.send(Answer::Committed { recording });
        };
        if let Some(open) = self.state().calls.get_mut(&call) {
            // From here on the journal may say that it starts.
            open.file = if recording.is_ok() { Expected } else { Absent };
        }
        self.inner().journal.append_entries(vec![fact], drafts, move |durable| {
            let recording = match durable {
                Ok(_) => {
                    if let Some(open) = desk.state().calls.get_mut(&call) {
                        open.accepted = true;
                    }
                    recording
                }
                Err(error) => {
                    tracing::error!(%error, call = call.0, "consent could not be made durable");
                    if let Some(open) = desk.state().calls.get_mut(&call) {
                        open.file = Absent;
                    }
                    Err(OffReason::LogUnavailable)
                }
            };
            reply.send(Answer::Committed { recording });
        });
    }

    /// The two are joined; `off` says why that is not recorded.
    fn joined(&self, call: CallId, off: Option<OffReason>) {
        if let Some(open) = self.state().calls.get_mut(&call) {
            open.joined = true;
            if open.file == Expected {
                open.off = open.off.or(off);
            }
        }
    }

    fn remember(&self, call: CallId, language: Language, at: Timestamp) {
        let mut state = self.state();
        let Some(open) = state.calls.get(&call) else { return };
        let (agency, number) = (open.admitted.agency, open.admitted.number);
        state.languages.insert((agency, *number.expose()), language);
        drop(state);
        self.note(Fact::LanguageChosen { agency, number, language, at });
    }

    /// The called party says that the call is private. It is unrecorded from this moment on
    /// whatever becomes of the fact; what is not on disk is appended again, because claims are
    /// counted.
    fn claim(&self, call: CallId, at: Timestamp) {
        let mut state = self.state();
        let Some(open) = state.calls.get(&call) else { return };
        let (agency, number) = (open.admitted.agency, open.admitted.number);
        state.chosen.claim(agency, *number.expose(), at);
        drop(state);
        let fact = Fact::PrivateClaimed { call, agency, number, at };
        self.insist(Item { fact, draft: None });
    }

    /// The called party wants no more calls. That holds at once; they are told that it is kept when
    /// it is on disk.
    fn block(&self, call: CallId, reply: Reply) {
        let at = self.inner().clock.now();
        let book = self.book();
        let mut state = self.state();
        let open = state.calls.get(&call).map(|open| &open.admitted);
        let found = open.and_then(|admitted| {
            let facility = book.facility(admitted.facility)?;
            Some((admitted.agency, chosen::reach(facility), admitted.number))
        });
        let Some((agency, facility, number)) = found else {
            drop(state);
            reply.send(Answer::Blocked { kept: false });
            return;
        };
        state.chosen.block((agency, facility, *number.expose()), at);
        drop(state);
        let fact = Fact::CallsBlocked { call, agency, facility, number, at };
        let item = Item { fact, draft: None };
        self.insist_and(item, move |kept| reply.send(Answer::Blocked { kept }));
    }

    /// Settles a call exactly once: it is taken out of the open calls first.
    fn settle(&self, call: CallId, reason: EndReason, finished: &Finished) {
        let mut state = self.state();
        let Some(open) = state.close(call) else { return };
        let settlement = state.settle(&open, finished.talked, finished.at);
        drop(state);
        // Who accepted and was gone before the two were joined has no recording to wait for.
        let never = open.file == Expected && !open.joined;
        let off = open.off.or(finished.off).or(never.then_some(OffReason::NeverBegun));
        let recorded = match open.file {
            Closed => true,
            // Nor does the machine begin one: a leg was moved, or the answer came too late.
            Expected => off.is_none(),
            Absent => false,
        };
        // Where a recording was to begin, a start must not look for it, however short the talk was.
        let silent = finished.talked.is_zero() && open.file != Expected;
        let off = if silent { None } else { off };
        let over = (finished.talked, finished.at);
        let ended = Ended {
            call,
            at: finished.at,
            reason,
            talked: finished.talked,
            charged: settlement.charged,
            rest: settlement.kind,
            decision_key: finished.decision_key,
            off,
        };
        let fact = Fact::Ended(Box::new(ended));
        let off = open.off.or(off);
        let draft = if recorded { None } else { self.not_recorded_entry(&open, &fact, over, off) };
        if recorded && open.file == Expected {
            self.state().closing.insert(call, OpenCall { talked: finished.talked, ..open });
        }
        let item = Item { fact, draft };
        if let Some(ended) = self.state().admitting.get_mut(&call) {
            // An end is never written before its beginning, nor without it.
            *ended = Some(item);
            return;
        }
        self.insist(item);
    }
}

/// Whether a call is placed although its record cannot be written: what is free or protected always
/// is, anything else as the facility chose.
fn goes_unwritten(admission: &Admission, disk_full: DiskFull) -> bool {
    let always =
        admission.price == Price::Free || admission.may_record == Err(OffReason::Protected);
    always || disk_full == DiskFull::PlaceUnrecorded
}

fn identified(person: &Person) -> Identified {
    Identified {
        person: person.id,
        name: person.name.clone(),
        language: person.language,
        own_name: OwnName::Off,
    }
}

impl State {
    fn open(&mut self, quote: Option<Quote>, admitted: Admitted) {
        let call = admitted.call;
        self.calling.extend(admitted.person);
        let open = OpenCall {
            admitted,
            quote,
            talked: Duration::ZERO,
            off: None,
            answered: None,
            accepted: false,
            joined: false,
            entered: false,
            unwritten: false,
            file: Absent,
        };
        self.calls.insert(call, open);
    }

    /// The call is over: the person may make another one.
    fn close(&mut self, call: CallId) -> Option<OpenCall> {
        let open = self.calls.remove(&call)?;
        if let Some(person) = open.admitted.person {
            self.calling.remove(&person);
        }
        Some(open)
    }

    /// Takes back a hold whose admission never became durable; `false` when the call is over.
    fn take_back(&mut self, call: CallId, now: Timestamp) -> bool {
        let open = self.close(call).is_some();
        if open {
            self.ledger.release(call.hold(), now);
            self.ledger.forget(call.hold());
        }
        open
    }

    fn settle(&mut self, open: &OpenCall, talked: Duration, now: Timestamp) -> Settlement {
        match &open.quote {
            Some(quote) => self.ledger.settle(open.admitted.call.hold(), quote, talked, now),
            None => Settlement { charged: Money::ZERO, rest: Money::ZERO, kind: Rest::NoHold },
        }
    }
}

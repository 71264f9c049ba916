//! What the node does with a machine: it hands inputs in and carries out what comes out, as
//! `crates/switch/src/live.rs` does.

use super::{Office, World};
use crate::{
    agenda::Event,
    county::County,
    desk::{Desk, Said, Wish},
    journal::Done,
    live::{Playing, Stage, Talk, handled},
    sabotage::Sabotage,
    seen::Seen,
    sound::{self, Sounding},
    tape,
    tape::What,
    vault,
};
use call::{
    Answer, CallEvent, Caller, Finished, Input, Machine, Output, PlayEnd, Question, Recording,
    Setup, Start, Timing, TrunkFailure,
};
use charging::CapTable;
use core::time::Duration;
use model::{
    AgencyId, Key, PlayId, Private, Script, Side, Timestamp, Tone,
    fact::{Fact, KeyPath, OffReason, RecordingState, Refusal},
    speech::ContentHash,
};
use std::{collections::VecDeque, sync::Arc};

/// What the station says by itself.
fn start(county: &County, station: usize) -> Start {
    let line = county.stations.get(station).and_then(|station| station.hotline);
    let Some(line) = line.and_then(|line| county.lines.get(line)) else {
        return Start { help: true, ..Start::default() };
    };
    let dialled = Some(Private::new(crate::county::hotline_keys(line)));
    Start { caller: Caller::Nobody, dialled, help: false }
}

/// A fault of ours: the handler of this call is gone.
struct Panic;

impl World<'_> {
    pub(super) fn begin_machine(&mut self, slot: usize) {
        let panics = self.dice.percent(self.plan.panic_percent);
        let panic_in = panics.then(|| u32::try_from(self.dice.below(30)).unwrap_or(0));
        let begins = self.begins(slot);
        let Some(live) = self.calls.get_mut(slot) else { return };
        live.panic_in = panic_in;
        let setup = Setup {
            call: live.call,
            facility: Private::new(String::new()),
            pack: ContentHash([7; 32]),
            timing: Timing::default(),
            start: begins,
        };
        let machine = Machine::new(setup, self.now);
        self.drain(slot, machine);
    }

    fn begins(&self, slot: usize) -> Start {
        let station = self.calls.get(slot).map_or(0, |live| live.station);
        let told = match self.node.as_ref().map(|node| &node.office) {
            Some(Office::Real(real)) => {
                self.county.stations.get(station).and_then(|station| real.begins(station.id))
            }
            Some(Office::Model(_)) | None => None,
        };
        told.unwrap_or_else(|| start(&self.county, station))
    }

    /// An input whose time has come.
    pub(super) fn input(&mut self, slot: usize, input: Input) {
        let now = self.now;
        let Some(live) = self.calls.get_mut(slot) else { return };
        match &input {
            // The dialog is over, and media closes the leg before the machine hears of it.
            Input::HungUp(side) => {
                live.leg(*side).node_up = false;
                self.close_leg(slot, *side);
            }
            Input::CalledFailed(_) => live.called_leg.node_up = false,
            Input::CalledAnswered if live.called_leg.node_up => live.called_leg.connected = true,
            Input::Answer(answer) => self.note_late(slot, answer),
            Input::CalledAnswered
            | Input::Key { .. }
            | Input::Played { .. }
            | Input::Ringing
            | Input::MediaLost { .. }
            | Input::LegMoved(_)
            | Input::Sound { .. }
            | Input::NameCaptured(_)
            | Input::Timeout
            | Input::Stop(_) => {}
        }
        self.give(slot, now, input);
    }

    fn note_late(&mut self, slot: usize, answer: &Answer) {
        let Some(live) = self.calls.get_mut(slot) else { return };
        match answer {
            Answer::Admitted(_) if live.machine.is_none() => {
                self.coverage.note(Seen::AdmissionLate);
            }
            Answer::Admitted(_) => live.stage = live.stage.max(Stage::Admitted),
            Answer::Denied(Refusal::Unavailable) => self.coverage.note(Seen::DeniedUnavailable),
            Answer::PinLocked => self.coverage.note(Seen::PinLocked),
            Answer::Committed { .. } if live.stage > Stage::Committing => {
                self.coverage.note(Seen::CommitLate);
            }
            Answer::Person(_)
            | Answer::PinUnknown
            | Answer::Balance(_)
            | Answer::Denied(_)
            | Answer::Blocked { .. }
            | Answer::NameKept { .. }
            | Answer::NameRemoved { .. }
            | Answer::Committed { .. } => {}
        }
    }

    pub(super) fn key(
        &mut self,
        slot: usize,
        side: Side,
        key: Key,
        onset: Option<Timestamp>,
        path: KeyPath,
    ) {
        let now = self.now;
        let onset = onset.unwrap_or(now);
        let Some(live) = self.calls.get(slot).filter(|live| live.machine.is_some()) else { return };
        let call = live.call;
        self.tape.add(now, What::KeyHandled { call, side, key, onset, path });
        let dropped = self.sabotage == Some(Sabotage::ClaimsUnheard) && key.label() == '3';
        if !dropped {
            self.give(slot, now, Input::Key { side, key, onset, path });
        }
    }

    /// A wish to be woken has come due; the loop of a busy node looks late.
    pub(super) fn wake(&mut self, slot: usize) {
        let now = self.now;
        let Some(live) = self.calls.get_mut(slot) else { return };
        if live.machine.is_none() {
            return;
        }
        if live.wake != Some(now) {
            // The wish has changed since. A loop that wakes the machine all the same is no fault.
            if !self.dice.percent(EARLY_WAKE_PERCENT) {
                return;
            }
            self.coverage.note(Seen::EarlyWake);
        }
        self.give(slot, now, Input::Timeout);
    }

    pub(super) fn give(&mut self, slot: usize, now: Timestamp, input: Input) {
        let Some(live) = self.calls.get_mut(slot) else { return };
        let Some(mut machine) = live.machine.take() else { return };
        let (call, told) = (live.call, handled(&input));
        self.tape.add(now, What::Handled { call, input: told });
        machine.handle(now, input);
        self.drain(slot, machine);
    }

    /// Does everything the machine wants done, and puts it back.
    fn drain(&mut self, slot: usize, mut machine: Machine) {
        loop {
            let mut mishap = None;
            while let Some(output) = machine.poll_output() {
                match self.perform(slot, output) {
                    Ok(happened) => mishap = mishap.or(happened),
                    Err(Panic) => return self.panicked(slot),
                }
            }
            match mishap {
                Some(input) => {
                    if let Some(live) = self.calls.get(slot) {
                        let (call, told) = (live.call, handled(&input));
                        self.tape.add(self.now, What::Handled { call, input: told });
                    }
                    machine.handle(self.now, input);
                }
                None => break,
            }
        }
        let Some(until) = machine.poll_timeout() else { return };
        let now = self.now;
        let Some(live) = self.calls.get_mut(slot) else { return };
        live.machine = Some(machine);
        if live.until == Some(until) && live.wake.is_some_and(|wake| wake > now) {
            return;
        }
        live.until = Some(until);
        let late = if self.is_sloppy() { 2_500 } else { 2 };
        let at = until.max(now).after(self.dice.ms(0, late)).after(LEAST);
        self.agenda.add(at, Event::Wake { slot });
        if let Some(live) = self.calls.get_mut(slot) {
            live.wake = Some(at);
        }
    }

    fn perform(&mut self, slot: usize, output: Output) -> Result<Option<Input>, Panic> {
        let Some(live) = self.calls.get_mut(slot) else { return Ok(None) };
        let call = live.call;
        if let Some(left) = &mut live.panic_in {
            if *left == 0 {
                return Err(Panic);
            }
            *left -= 1;
        }
        if live.stage == Stage::Over {
            self.tape.add(self.now, What::AfterEnd { call });
        }
        match output {
            Output::Play { side, play, script } => self.plays(slot, side, play, &script),
            Output::Hush(side) => self.hush(slot, side),
            Output::Tone(tone) => {
                let deaf = self.sabotage == Some(Sabotage::DeadAir);
                let on = tone.is_some_and(|tone| !deaf || tone == Tone::Ringback);
                self.tape.add(self.now, What::Tone { call, on });
            }
            Output::Ask(question) => self.ask(slot, question),
            Output::RecordName(enrolment) => self.record_name(slot, enrolment),
            Output::Dial { number } => {
                live.stage = Stage::Ringing;
                live.called_leg.node_up = true;
                let no_port = matches!(live.party.trunk, crate::habit::TrunkHabit::NoPort);
                self.tape.add(self.now, What::Dialled { call, number: *number.expose() });
                if let Some(Office::Real(real)) = self.node.as_ref().map(|node| &node.office) {
                    real.dialled(call, self.now);
                }
                self.trunk_begins(slot);
                return Ok(no_port.then_some(Input::CalledFailed(TrunkFailure::Failed)));
            }
            Output::Bridge(recording) => self.bridge(slot, recording),
            Output::Unbridge => {
                self.tape.add(self.now, What::Parted { call });
                self.talk_over(slot);
            }
            Output::HangUp { side, .. } => self.hang_up(slot, side),
            Output::Event(event) => self.tell(slot, &event),
            Output::Finished(finished) => self.finished(slot, &finished),
        }
        Ok(None)
    }

    fn plays(&mut self, slot: usize, side: Side, play: PlayId, script: &Script) {
        self.hush(slot, side);
        let Some(live) = self.calls.get_mut(slot) else { return };
        let mut sounding = sound::of(script);
        sounding.length = sounding.length * live.leg(side).pace_percent / 100;
        let ends = self.now.after(sounding.length);
        let (content, notice) = (sounding.content, sounding.notice.is_some());
        live.leg(side).playing = Some(Playing { play, content, ends, notice });
        let call = live.call;
        let content = tape::Content(content);
        let Sounding { notice: told, farewell, accept, private, confirm, .. } = sounding;
        let Sounding { keys, naming, voice, length, .. } = sounding;
        live.accept = accept.or(live.accept);
        let what = What::Plays {
            call,
            side,
            play,
            content,
            notice: told,
            accept,
            keys,
            private,
            confirm,
            farewell,
            naming,
            voice,
            length,
        };
        self.tape.add(self.now, what);
        self.agenda.add(ends, Event::PlayOver { slot, side, play });
        self.hears(slot, side, sounding);
        if self.sabotage == Some(Sabotage::BridgeUnasked) && notice {
            let key = Key::from_char('1').unwrap_or(Key::POUND);
            let (path, onset) = (KeyPath::TelephoneEvent, Some(ends.after(SABOTAGE_DELAY)));
            let side = Side::Called;
            let at = ends.after(SABOTAGE_DELAY);
            self.agenda.add(at, Event::Key { slot, side, key, onset, path });
        }
    }

    /// Ends what plays on a leg; media says that it was cut.
    fn hush(&mut self, slot: usize, side: Side) {
        let Some(live) = self.calls.get_mut(slot) else { return };
        if let Some(Playing { play, .. }) = live.leg(side).playing.take() {
            self.media_reports(slot, side, Input::Played { side, play, end: PlayEnd::Cut });
        }
    }

    fn close_leg(&mut self, slot: usize, side: Side) {
        self.hush(slot, side);
        self.talk_over(slot);
        if let Some(live) = self.calls.get_mut(slot) {
            live.leg(side).connected = false;
        }
    }

    fn hang_up(&mut self, slot: usize, side: Side) {
        let Some(live) = self.calls.get_mut(slot) else { return };
        let call = live.call;
        let leg = live.leg(side);
        leg.node_up = false;
        // The phone hears of it a little later; what it does meanwhile crosses.
        let crossed = leg.phone_up && self.dice.percent(10);
        if crossed {
            let at = self.now.after(self.dice.ms(0, 30));
            self.agenda.add(at, Event::HangUp { slot, side });
        } else {
            leg.phone_up = false;
        }
        self.tape.add(self.now, What::LegEnded { call, side });
        self.close_leg(slot, side);
    }

    fn ask(&mut self, slot: usize, question: Question) {
        let (Some(live), Some(node)) = (self.calls.get_mut(slot), self.node.as_mut()) else {
            return;
        };
        let Some(station) = self.county.stations.get(live.station) else { return };
        let (call, now) = (live.call, self.now);
        if self.dice.percent(self.plan.kill_asked_percent) && !self.finale {
            self.agenda.add(now.after(self.dice.ms(0, 20)), Event::Kill);
        }
        if matches!(question, Question::Commit { .. }) {
            live.stage = Stage::Committing;
        }
        let desk = match &mut node.office {
            Office::Real(real) => {
                let (boot, named) = (node.boot, of_names(&question));
                real.ask(slot, call, station.id, question);
                if named {
                    let at = now.after(self.dice.ms(0, 60));
                    self.agenda.add(at, Event::Names { boot });
                }
                return self.follow_desk();
            }
            Office::Model(desk) => desk,
        };
        let wish = Wish { slot, call, station, dialled: "", now };
        let said = ask(desk, &self.county, self.caps, wish, question);
        self.says(slot, said);
    }

    fn says(&mut self, slot: usize, said: Said) {
        match said {
            Said::Now(answer) => self.answer(slot, answer),
            Said::Both(answer, fact) => {
                self.answer(slot, answer);
                self.journal.lock().append(fact, Done::Nobody);
            }
            Said::After(fact, Done::Admitted { admission, .. })
                if self.sabotage == Some(Sabotage::AdmitBeforeDurable) =>
            {
                self.answer(slot, Answer::Admitted(*admission));
                self.journal.lock().append(fact, Done::Nobody);
            }
            Said::After(fact, done) => self.journal.lock().append(fact, done),
        }
    }

    /// Hands on what the real desk answered, and tells the tape what is on disk.
    pub(super) fn follow_desk(&mut self) {
        let answers = match self.node.as_ref().map(|node| &node.office) {
            Some(Office::Real(real)) => real.answers(),
            Some(Office::Model(_)) | None => VecDeque::new(),
        };
        for (slot, answer) in answers {
            self.answer(slot, answer);
        }
        self.follow_journal();
    }

    pub(super) fn answer(&mut self, slot: usize, answer: Answer) {
        let delay = self.dice.ms(0, 2);
        self.agenda.add(self.now.after(delay), Event::Input { slot, input: Input::Answer(answer) });
    }

    fn tell(&mut self, slot: usize, event: &CallEvent) {
        let (Some(live), Some(node)) = (self.calls.get_mut(slot), self.node.as_mut()) else {
            return;
        };
        if matches!(event, CallEvent::NoticeStarted { .. }) {
            live.stage = Stage::Notice;
        }
        let told = match &mut node.office {
            Office::Real(real) => return real.tell(live.call, event.clone()),
            Office::Model(desk) => desk.tell(live.call, event),
        };
        match told {
            Some(fact @ Fact::PrivateClaimed { .. }) => self.insist(fact),
            Some(fact) => self.journal.lock().append(fact, Done::Nobody),
            None => {}
        }
    }

    /// Joins the legs. Without a consent there is nobody who could record.
    fn bridge(&mut self, slot: usize, recording: Recording) {
        let fails = self.dice.percent(self.plan.vault_percent);
        let (Some(live), Some(node)) = (self.calls.get_mut(slot), self.node.as_mut()) else {
            return;
        };
        let (call, now) = (live.call, self.now);
        live.stage = Stage::Talking;
        let consent = matches!(recording, Recording::Consented(_));
        self.tape.add(now, What::Bridged { call, consent });
        let begun = match recording {
            Recording::Consented(consent) => {
                let ignored = self.sabotage == Some(Sabotage::IgnoreRegistryAtBridge);
                let asked = if ignored {
                    Ok(consent.epoch())
                } else {
                    let registry = match &node.office {
                        Office::Real(real) => real.registry(),
                        Office::Model(desk) => Arc::clone(&desk.registry),
                    };
                    vault::begin(&consent, &registry, now)
                };
                match asked {
                    Ok(epoch) if epoch > consent.epoch() => {
                        self.coverage.note(Seen::VaultNewerEpoch);
                    }
                    Ok(_) => {}
                    Err(OffReason::Protected) => self.coverage.note(Seen::VaultProtected),
                    Err(_) => self.coverage.note(Seen::VaultUnusable),
                }
                asked.map(|_| ()).and(if fails && self.dice.percent(50) {
                    Err(OffReason::Disk)
                } else {
                    Ok(())
                })
            }
            Recording::Off(_) if self.sabotage == Some(Sabotage::RecordWithoutConsent) => Ok(()),
            Recording::Off(reason) => Err(reason),
        };
        let limit = if fails { self.dice.below(90) } else { u64::MAX };
        let sealing = begun.is_ok().then_some(limit);
        live.talk = Some(Talk { since: now, sealing });
        match begun {
            Ok(()) => {
                self.files.begin(call);
                self.tape.add(now, What::RecordingBegun { call });
            }
            Err(reason) if consent => {
                self.tape.add(now, What::VaultRefused { call, reason });
                match &mut node.office {
                    Office::Real(real) => real.not_recorded(call, reason),
                    Office::Model(desk) => {
                        if let Some(open) = desk.calls.get_mut(&call) {
                            open.off = Some(reason);
                        }
                    }
                }
            }
            Err(_) => {}
        }
        self.talk_begins(slot);
    }

    /// The legs are not joined any more.
    fn talk_over(&mut self, slot: usize) {
        let Some(live) = self.calls.get_mut(slot) else { return };
        let call = live.call;
        let Some(talk) = live.talk.take() else { return };
        let Some(limit) = talk.sealing else { return };
        let lasted = self.now.since(talk.since).as_secs();
        let seconds = lasted.min(limit);
        self.tape.add(self.now, What::RecordingOver { call, seconds });
        if limit < lasted {
            self.coverage.note(Seen::RecordingCut);
        }
        self.files.written(call, seconds);
        let state = if limit < lasted { RecordingState::Cut } else { RecordingState::Ended };
        let Some(recording) = self.node.is_some().then(|| self.files.close(call, state)).flatten()
        else {
            return;
        };
        if let Some(Office::Real(real)) = self.node.as_ref().map(|node| &node.office) {
            return real.recording_closed(call, recording);
        }
        self.insist(Fact::RecordingClosed { call, recording, at: self.now });
    }

    fn finished(&mut self, slot: usize, finished: &Finished) {
        let Some(live) = self.calls.get_mut(slot) else { return };
        let call = live.call;
        live.stage = Stage::Over;
        if self.sabotage != Some(Sabotage::ForgetFinished) {
            let Finished { reason, talked, off, .. } = *finished;
            self.tape.add(self.now, What::Finished { call, reason, talked, off });
            if self.sabotage == Some(Sabotage::FinishTwice) {
                self.tape.add(self.now, What::Finished { call, reason, talked, off });
            }
        }
        for side in [Side::Station, Side::Called] {
            self.close_leg(slot, side);
        }
        let Some(node) = self.node.as_mut() else { return };
        node.live_count = node.live_count.saturating_sub(1);
        let ended = match &mut node.office {
            Office::Real(real) => return real.finished(call, finished.clone()),
            Office::Model(desk) => {
                finished.reason.and_then(|reason| desk.settle(call, reason, finished))
            }
        };
        self.book_end(ended);
    }

    fn book_end(&mut self, ended: Option<Fact>) {
        let Some(fact) = ended else { return };
        if self.sabotage == Some(Sabotage::SettleTwice) {
            self.journal.lock().append(fact.clone(), Done::Nobody);
        }
        if self.sabotage != Some(Sabotage::ForgetEnded) {
            self.insist(fact);
        }
    }

    /// Appends a fact that must not be missing: it comes back when the journal refuses it.
    pub(super) fn insist(&mut self, fact: Fact) {
        let waits = match self.node.as_mut().map(|node| &mut node.office) {
            Some(Office::Model(desk)) => desk.behind(fact),
            Some(Office::Real(_)) | None => Some(fact),
        };
        if let Some(fact) = waits {
            let done = Done::Insisted(Box::new(fact.clone()));
            self.journal.lock().append(fact, done);
        }
    }

    /// A fault of ours in one call: its legs are ended and the desk settles what was talked.
    fn panicked(&mut self, slot: usize) {
        let Some(live) = self.calls.get_mut(slot) else { return };
        let call = live.call;
        self.coverage.note(match live.stage {
            Stage::Menu | Stage::Admitted => Seen::PanicInMenu,
            Stage::Ringing | Stage::Notice | Stage::Committing => Seen::PanicRinging,
            Stage::Talking | Stage::Over => Seen::PanicTalking,
        });
        live.stage = Stage::Over;
        live.panic_in = None;
        self.tape.add(self.now, What::Panicked { call });
        for side in [Side::Station, Side::Called] {
            let Some(live) = self.calls.get_mut(slot) else { return };
            live.leg(side).node_up = false;
            live.leg(side).phone_up = false;
            self.close_leg(slot, side);
        }
        let now = self.now;
        let Some(node) = self.node.as_mut() else { return };
        node.live_count = node.live_count.saturating_sub(1);
        let ended = match &mut node.office {
            Office::Real(real) => return real.broken(call, now),
            Office::Model(desk) => desk.broken(call, now),
        };
        self.book_end(ended);
    }
}

/// Whether a question is for whoever keeps names, who does it in their own time.
fn of_names(question: &Question) -> bool {
    match question {
        Question::Identify { .. } | Question::KeepName { .. } | Question::RemoveName { .. } => true,
        Question::Balance { .. }
        | Question::Admit { .. }
        | Question::Commit { .. }
        | Question::Block => false,
    }
}

/// What the model of the desk says.
fn ask(
    desk: &mut Desk,
    county: &County,
    caps: &CapTable,
    wish: Wish<'_>,
    question: Question,
) -> Said {
    let Wish { slot, call, station, now, .. } = wish;
    let facility = county.facility(station.facility);
    match question {
        Question::Identify { pin } => desk.identify(county, station, pin.expose(), now),
        Question::Balance { person } => desk.balance(county, person),
        Question::Admit { person, dialled } => {
            desk.admit(county, caps, person, Wish { dialled: dialled.expose(), ..wish })
        }
        Question::Commit { evidence, recording } => desk.commit(slot, call, evidence, recording),
        Question::KeepName { clip } => desk.keep_name(slot, facility, &clip, now),
        Question::RemoveName { person } => {
            let agency = facility.map_or(AgencyId(0), |facility| facility.agency);
            desk.remove_name(slot, agency, (person, call), now)
        }
        Question::Block => desk.block(county, slot, call, now),
    }
}

/// Share of idle wake-ups that reach the machine.
const EARLY_WAKE_PERCENT: u64 = 2;
/// The shortest way from one event to the next.
const LEAST: Duration = Duration::from_micros(1);
const SABOTAGE_DELAY: Duration = Duration::from_millis(900);

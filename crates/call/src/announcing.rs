//! The notice is played to both, and the called party decides.
//!
//! Both hear the notice at the same time, each in their language. `2` of the called party refuses
//! and `9` changes their language at once, also while the notice is played; the notice then starts
//! anew for both. Any other key before the notice has ended for both is cleared, so that nobody
//! accepts what they have not heard. After it, `1` accepts; another key, or silence, starts the
//! notice again, up to a limit.

use model::{
    PlayId, PromptId, Script, Side,
    fact::{EndReason, Epoch, OffReason},
};

use crate::{
    call::Call,
    consent::{self, Accepted, Consent, Heard, Press, Whole},
    dialling::Placed,
    ending::{Ending, Outcome},
    io::{CallEvent, PlayEnd, Question},
    machine::State,
    notice::{Notice, Subject},
    recording::Recording,
    spoken::Spoken,
    talking::Talking,
};

/// How far the dialogue with the called party has come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// Notices started, those after a switch of language apart.
    notices: u8,
    /// Switches of language.
    switches: u8,
    /// Whether a notice has once ended for both.
    heard: bool,
}

/// The notice is being played to both.
#[derive(Debug)]
pub(crate) struct Announcing {
    placed: Placed,
    notice: Notice,
    called: Hearing,
    station: Hearing,
    tally: Tally,
}

/// How far one leg has heard the notice.
#[derive(Clone, Copy, Debug)]
enum Hearing {
    Playing(PlayId),
    Whole(Whole),
}

impl Announcing {
    /// Starts the notice for both; the called party hears `first` before it.
    pub(crate) fn begin(
        call: &mut Call,
        placed: Placed,
        tally: Tally,
        first: Option<PromptId>,
    ) -> State {
        let tally = Tally { notices: tally.notices.saturating_add(1), ..tally };
        Self::play(call, placed, tally, first)
    }

    fn play(call: &mut Call, placed: Placed, tally: Tally, first: Option<PromptId>) -> State {
        let subject = Subject {
            facility: &call.setup.facility,
            name: placed.who.as_ref().map(|who| &who.name),
            admission: &placed.admission,
            called: call.called_language,
            station: call.station_language,
        };
        let notice = Notice::new(subject, first);
        call.event(CallEvent::NoticeStarted { language: call.called_language });
        let called = Hearing::Playing(call.play(Side::Called, notice.called().clone()));
        let station = Hearing::Playing(call.play(Side::Station, notice.station().clone()));
        call.wait(call.setup.timing.play_max);
        State::Announcing(Self { placed, notice, called, station, tally })
    }

    pub(crate) fn on_played(
        mut self,
        call: &mut Call,
        side: Side,
        play: PlayId,
        end: PlayEnd,
    ) -> State {
        let leg = match side {
            Side::Called => &mut self.called,
            Side::Station => &mut self.station,
        };
        match (*leg, Whole::of(end)) {
            (Hearing::Playing(playing), Some(whole)) if playing == play => {
                *leg = Hearing::Whole(whole);
                self.ended(call)
            }
            (Hearing::Playing(playing), None) if playing == play => self.on_cut(call),
            (Hearing::Playing(_) | Hearing::Whole(_), _) => State::Announcing(self),
        }
    }

    /// Goes on to the decision once both have heard everything.
    fn ended(self, call: &mut Call) -> State {
        let (Hearing::Whole(called), Hearing::Whole(station)) = (self.called, self.station) else {
            return State::Announcing(self);
        };
        let heard = Heard::new(self.notice, called, station);
        call.wait_until(heard.ended().after(call.setup.timing.accept_wait));
        let tally = Tally { heard: true, ..self.tally };
        State::Deciding(Deciding { placed: self.placed, heard, tally })
    }

    /// One of them did not hear it to its end: both hear it again, so that it ends for both
    /// together.
    pub(crate) fn on_cut(self, call: &mut Call) -> State {
        if self.tally.notices >= call.setup.timing.notices_count_max {
            return gone(call, self.tally);
        }
        Self::begin(call, self.placed, self.tally, None)
    }

    pub(crate) fn on_key(self, call: &mut Call, press: Press) -> State {
        match press.key.label() {
            REFUSE => refuse(call),
            LANGUAGE if may_switch(call, self.tally) => switch(call, self.placed, self.tally),
            _ => State::Announcing(self),
        }
    }

    pub(crate) fn on_gone(self, call: &mut Call) -> State {
        gone(call, self.tally)
    }
}

/// Both have heard the notice; the called party decides.
#[derive(Debug)]
pub(crate) struct Deciding {
    placed: Placed,
    heard: Heard,
    tally: Tally,
}

impl Deciding {
    pub(crate) fn on_key(self, call: &mut Call, press: Press) -> State {
        match press.key.label() {
            REFUSE => refuse(call),
            LANGUAGE if may_switch(call, self.tally) => switch(call, self.placed, self.tally),
            _ => match consent::accept(&call.setup, &self.placed.admission, &self.heard, press) {
                Some(accepted) => Committing::begin(call, accepted, self.placed),
                // Type-ahead: it began before the notice had ended.
                None if press.onset < self.heard.ended() => State::Deciding(self),
                None => {
                    let last = [PromptId::WrongKey, PromptId::Goodbye];
                    self.again(call, Some(PromptId::WrongKey), last)
                }
            },
        }
    }

    pub(crate) fn on_timeout(self, call: &mut Call) -> State {
        self.again(call, None, [PromptId::NoKeyPressed])
    }

    /// Starts the notice again after `first`. After the last one the called party hears `last`.
    fn again<const N: usize>(
        self,
        call: &mut Call,
        first: Option<PromptId>,
        last: [PromptId; N],
    ) -> State {
        if self.tally.notices < call.setup.timing.notices_count_max {
            return Announcing::begin(call, self.placed, self.tally, first);
        }
        let farewell = Spoken::new(call.called_language).prompts(last).script();
        let outcome = not_accepted(call, EndReason::NotAccepted).tell(Side::Called, farewell);
        Ending::begin(call, outcome)
    }

    pub(crate) fn on_gone(self, call: &mut Call) -> State {
        gone(call, self.tally)
    }
}

/// The called party accepted; the office makes it durable.
#[derive(Debug)]
pub(crate) struct Committing {
    placed: Placed,
    consent: Result<Consent, OffReason>,
}

impl Committing {
    fn begin(call: &mut Call, accepted: Accepted, placed: Placed) -> State {
        let Accepted { evidence, consent } = accepted;
        call.decision_key = Some(evidence.key);
        let recording = consent.as_ref().map(Consent::epoch).map_err(|reason| *reason);
        call.ask(Question::Commit { evidence, recording });
        call.wait(call.setup.timing.commit_wait);
        State::Committing(Self { placed, consent })
    }

    pub(crate) fn on_committed(self, call: &mut Call, durable: Result<Epoch, OffReason>) -> State {
        let recording = Recording::decide(self.consent, durable);
        Talking::begin(call, &self.placed.admission, recording)
    }

    /// They want to talk and nobody knows whether the start of a recording is durable: unrecorded.
    pub(crate) fn on_timeout(self, call: &mut Call) -> State {
        self.on_committed(call, Err(OffReason::LogUnavailable))
    }
}

fn may_switch(call: &Call, tally: Tally) -> bool {
    tally.switches < call.setup.timing.switches_count_max
}

/// The called party wants the other language, now and in calls to come.
fn switch(call: &mut Call, placed: Placed, tally: Tally) -> State {
    let language = call.called_language.other();
    call.called_language = language;
    call.event(CallEvent::LanguageChosen { language, at: call.now });
    let tally = Tally { switches: tally.switches.saturating_add(1), ..tally };
    Announcing::play(call, placed, tally, None)
}

fn refuse(call: &mut Call) -> State {
    call.decision_key = Some(REFUSE);
    let farewell = Script::of(call.called_language, &[PromptId::Refused]);
    let outcome = not_accepted(call, EndReason::RefusedByKey).tell(Side::Called, farewell);
    Ending::begin(call, outcome)
}

/// The called party is gone without a decision.
fn gone(call: &mut Call, tally: Tally) -> State {
    let reason = if tally.heard { EndReason::NotAccepted } else { EndReason::NoticeCutShort };
    let outcome = not_accepted(call, reason);
    Ending::begin(call, outcome)
}

fn not_accepted(call: &Call, reason: EndReason) -> Outcome {
    let script = Script::of(call.station_language, &[PromptId::NotAccepted]);
    Outcome::of(reason).tell(Side::Station, script)
}

/// Refuses the call, at any time.
const REFUSE: char = '2';
/// Changes the language of the called party, at any time before they decide.
const LANGUAGE: char = '9';

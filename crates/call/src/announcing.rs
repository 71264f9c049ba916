//! The notice is played to both, and the called party decides.
//!
//! Both hear the notice at the same time, each in their language. `2` of the called party refuses,
//! `3` says that the call is private, `4` asks for the price, `7` asks for no more calls and `9`
//! changes their language, all at once, also while the notice is played; where the call goes on,
//! the notice starts anew for both. Any other key before the notice has ended for both is cleared,
//! so that nobody accepts what they have not heard. After it, the accepting key accepts. After
//! another key the called party hears which keys there are, and a key counts again once they have
//! heard that to its end; silence starts the notice again. Both up to a limit. A leg that is moved
//! to another address starts the notice again too: somebody else may be there.
//!
//! An answering machine cannot know when the notice has ended, nor which key was drawn. Keys that
//! begin before the end, and sound that goes on like a greeting, are signs of one.

use core::time::Duration;
use model::{
    PlayId, PromptId, Script, Side, Timestamp,
    fact::{EndReason, Epoch, OffReason},
};

use crate::{
    blocking::Confirming,
    call::Call,
    consent::{self, Accepted, Consent, Heard, Press, Whole},
    dialling::Placed,
    ending::{Ending, Outcome},
    io::{CallEvent, PlayEnd, Question},
    machine::State,
    notice::{self, Notice, Opening, Subject, may_claim},
    recording::Recording,
    spoken::Spoken,
    talking::Talking,
};

/// How far the dialogue with the called party has come.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    /// Notices started, those after a switch of language apart, and how often the keys were told.
    notices: u8,
    /// Switches of language and questions for the price.
    switches: u8,
    /// Whether a notice has once ended for both.
    heard: bool,
    /// Whether a key that decides nothing began before the notice had ended.
    early_key: bool,
    /// Whether any key was pressed after a notice: somebody listens.
    late_key: bool,
    /// How long the called party's side has sounded in all, up to what sounds now.
    sounded: Duration,
    /// Since when it sounds now.
    sounding: Option<Timestamp>,
}

impl Tally {
    /// Sound of the called party begins or ended.
    pub(crate) fn hears(self, now: Timestamp, sounding: bool, since: Timestamp) -> Self {
        let sounded = self.sounded_until(if sounding { now } else { since });
        Self { sounded, sounding: sounding.then_some(since), ..self }
    }

    fn sounded_until(&self, until: Timestamp) -> Duration {
        self.sounded + self.sounding.map_or(Duration::ZERO, |since| until.since(since))
    }

    /// Whether a greeting goes on over the notice, and nobody answers it with a key.
    fn like_greeting(&self, call: &Call) -> bool {
        !self.late_key && self.sounded_until(call.now) >= call.setup.timing.greeting_min
    }

    /// Whether what is known is like an answering machine: a greeting, or tones that begin before
    /// the end of the notice and never after it.
    fn like_machine(&self, call: &Call) -> bool {
        self.like_greeting(call) || self.early_key && !self.late_key
    }

    /// Whether the notice has been started as often as it may.
    fn used_up(&self, call: &Call) -> bool {
        let timing = &call.setup.timing;
        // Who types ahead may be a person who learns to wait.
        let most = if self.like_greeting(call) {
            timing.machine_notices_count_max
        } else {
            timing.notices_count_max
        };
        self.notices >= most
    }
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
    /// Starts the notice for both, after `opening`.
    pub(crate) fn begin(call: &mut Call, placed: Placed, tally: Tally, opening: Opening) -> State {
        let tally = Tally { notices: tally.notices.saturating_add(1), ..tally };
        Self::play(call, placed, tally, opening)
    }

    /// Starts the notice again, for whatever reason but a choice, unless it was started as often as
    /// it may.
    pub(crate) fn again(call: &mut Call, placed: Placed, tally: Tally) -> State {
        if tally.notices >= call.setup.timing.notices_count_max {
            return gone(call, tally);
        }
        Self::begin(call, placed, tally, Opening::Plain)
    }

    fn play(call: &mut Call, placed: Placed, tally: Tally, opening: Opening) -> State {
        let subject = Subject {
            facility: &call.setup.facility,
            name: placed.who.as_ref().map(|who| &who.name),
            admission: &placed.admission,
            called: call.called_language,
            station: call.station_language,
        };
        let notice = Notice::new(subject, opening);
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
        State::Deciding(Deciding { placed: self.placed, heard, tally, telling: None })
    }

    /// One of them did not hear it to its end, or is somebody else by now: both hear it again, so
    /// that it ends for both together.
    pub(crate) fn on_cut(self, call: &mut Call) -> State {
        Self::again(call, self.placed, self.tally)
    }

    pub(crate) fn on_key(mut self, call: &mut Call, press: Press) -> State {
        match Choice::of(press.key.label()) {
            Some(choice) if choice.is_open(call, &self.placed, self.tally) => {
                choice.take(call, self.placed, self.tally)
            }
            Some(_) | None => {
                self.tally.early_key = true;
                State::Announcing(self)
            }
        }
    }

    pub(crate) fn on_sound(mut self, call: &Call, sounding: bool, since: Timestamp) -> State {
        self.tally = self.tally.hears(call.now, sounding, since);
        State::Announcing(self)
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
    /// The called party is told again which keys there are.
    telling: Option<PlayId>,
}

impl Deciding {
    pub(crate) fn on_key(mut self, call: &mut Call, press: Press) -> State {
        let choice = Choice::of(press.key.label());
        if let Some(choice) = choice
            && choice.is_open(call, &self.placed, self.tally)
        {
            return choice.take(call, self.placed, self.tally);
        }
        if self.telling.is_some() {
            // As during the notice: who presses has not heard yet what it means.
            return State::Deciding(self);
        }
        match consent::accept(&call.setup, &self.placed.admission, &self.heard, press) {
            Some(accepted) => Committing::begin(call, accepted, self.placed),
            // Type-ahead: it began before the notice had ended, or with it.
            None if press.onset < self.heard.decides_from(&call.setup) => {
                self.tally.early_key |= press.onset < self.heard.ended();
                State::Deciding(self)
            }
            None => {
                self.tally.late_key = true;
                self.tell_keys(call)
            }
        }
    }

    /// Tells the called party which keys there are. The notice was heard whole, and is not played
    /// again.
    fn tell_keys(self, call: &mut Call) -> State {
        if self.tally.used_up(call) {
            return self.give_up(call, [PromptId::WrongKey, PromptId::Goodbye]);
        }
        let tally = Tally { notices: self.tally.notices.saturating_add(1), ..self.tally };
        let script = notice::keys(call.called_language, &self.placed.admission);
        let telling = Some(call.play(Side::Called, script));
        call.wait(call.setup.timing.play_max);
        State::Deciding(Self { tally, telling, ..self })
    }

    /// The keys were told. Where nobody was there to hear it, both hear the notice again.
    pub(crate) fn on_played(mut self, call: &mut Call, play: PlayId, end: PlayEnd) -> State {
        if self.telling != Some(play) {
            return State::Deciding(self);
        }
        let Some(told) = Whole::of(end) else {
            return Announcing::again(call, self.placed, self.tally);
        };
        call.wait_until(told.ended().after(call.setup.timing.accept_wait));
        self.heard = self.heard.told_keys(told);
        self.telling = None;
        State::Deciding(self)
    }

    pub(crate) fn on_timeout(self, call: &mut Call) -> State {
        if self.tally.used_up(call) {
            return self.give_up(call, [PromptId::NoKeyPressed]);
        }
        Announcing::begin(call, self.placed, self.tally, Opening::Plain)
    }

    /// Somebody else may be there now, who has heard nothing.
    pub(crate) fn on_moved(self, call: &mut Call) -> State {
        Announcing::again(call, self.placed, self.tally)
    }

    pub(crate) fn on_sound(mut self, call: &Call, sounding: bool, since: Timestamp) -> State {
        self.tally = self.tally.hears(call.now, sounding, since);
        State::Deciding(self)
    }

    /// Nobody decided as often as it may be asked: the called party hears `last`.
    fn give_up<const N: usize>(self, call: &mut Call, last: [PromptId; N]) -> State {
        let farewell = Spoken::new(call.called_language).prompts(last).script();
        let outcome = if self.tally.like_machine(call) {
            let told = Script::of(call.station_language, &[PromptId::LooksLikeMachine]);
            Outcome::of(EndReason::LooksLikeMachine).tell(Side::Station, told)
        } else {
            not_accepted(call, EndReason::NotAccepted)
        };
        Ending::begin(call, outcome.tell(Side::Called, farewell))
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

    /// Whoever is there now may not be who accepted: nothing is recorded. They talk, because the
    /// acceptance is already on its way to the disk.
    pub(crate) fn on_moved(self) -> State {
        let consent = self.consent.and(Err(OffReason::LegMoved));
        State::Committing(Self { consent, ..self })
    }

    /// They want to talk and nobody knows whether the start of a recording is durable: unrecorded.
    pub(crate) fn on_timeout(self, call: &mut Call) -> State {
        self.on_committed(call, Err(OffReason::LogUnavailable))
    }
}

/// What the called party can choose at any time before they decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    /// Refuses the call.
    Refuse,
    /// Says that it is private.
    Private,
    /// Asks for the price.
    Price,
    /// Wants no more calls.
    Block,
    /// Changes the language of the called party.
    Language,
}

impl Choice {
    fn of(label: char) -> Option<Self> {
        match label {
            REFUSE => Some(Self::Refuse),
            '3' => Some(Self::Private),
            '4' => Some(Self::Price),
            BLOCK => Some(Self::Block),
            '9' => Some(Self::Language),
            _ => None,
        }
    }

    /// Whether it is offered in this call and not used up.
    fn is_open(self, call: &Call, placed: &Placed, tally: Tally) -> bool {
        match self {
            Self::Refuse => true,
            Self::Private => may_claim(&placed.admission),
            Self::Price | Self::Block | Self::Language => {
                tally.switches < call.setup.timing.switches_count_max
            }
        }
    }

    fn take(self, call: &mut Call, mut placed: Placed, tally: Tally) -> State {
        let switched = Tally { switches: tally.switches.saturating_add(1), ..tally };
        match self {
            Self::Refuse => refuse(call),
            Self::Private => {
                placed.admission.may_record = Err(OffReason::PrivateClaim);
                call.event(CallEvent::PrivateClaimed { at: call.now });
                Announcing::play(call, placed, tally, Opening::Private)
            }
            Self::Price => Announcing::play(call, placed, switched, Opening::Price),
            Self::Block => Confirming::begin(call, placed, switched),
            Self::Language => {
                // Now and in calls to come.
                let language = call.called_language.other();
                call.called_language = language;
                call.event(CallEvent::LanguageChosen { language, at: call.now });
                Announcing::play(call, placed, switched, Opening::Plain)
            }
        }
    }
}

pub(crate) fn refuse(call: &mut Call) -> State {
    call.decision_key = Some(REFUSE);
    let farewell = Script::of(call.called_language, &[PromptId::Refused]);
    let outcome = not_accepted(call, EndReason::RefusedByKey).tell(Side::Called, farewell);
    Ending::begin(call, outcome)
}

/// The called party is gone without a decision.
pub(crate) fn gone(call: &mut Call, tally: Tally) -> State {
    let reason = if tally.heard { EndReason::NotAccepted } else { EndReason::NoticeCutShort };
    let outcome = not_accepted(call, reason);
    Ending::begin(call, outcome)
}

fn not_accepted(call: &Call, reason: EndReason) -> Outcome {
    let script = Script::of(call.station_language, &[PromptId::NotAccepted]);
    Outcome::of(reason).tell(Side::Station, script)
}

/// Refuses the call, at any time.
pub(crate) const REFUSE: char = '2';
/// Asks for no more calls, at any time.
pub(crate) const BLOCK: char = '7';

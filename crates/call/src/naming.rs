//! A person records their name, or has the recorded one removed.
//!
//! What becomes of it is said first, to its end; then `1` chooses to record and `*` goes back, at
//! any time. The name is played back: `1` keeps it, `2` says it again (a few times), `*` keeps
//! nothing; silence does that too. It is kept for staff, who listen to it before anybody else hears
//! it. Where there is one already, it can only be removed. Each visit uses up an attempt of the
//! menu.

use alloc::{collections::VecDeque, vec, vec::Vec};
use model::{Phrase, PlayId, PromptId, Side};

use crate::{
    call::Call,
    consent::{Press, Whole},
    enrolment::{self, Enrolment, NameClip},
    io::{Answer, Input, Output, OwnName, PlayEnd, Question},
    machine::State,
    menu::{Asker, EnteringNumber, unanswered},
    spoken::Spoken,
};

/// A person and their recorded name.
#[derive(Debug)]
pub(crate) struct Naming {
    asker: Asker,
    step: Step,
}

/// How far it has come.
#[derive(Debug)]
enum Step {
    /// They hear what becomes of a recorded name.
    Explaining(PlayId),
    /// They have heard it.
    Choosing(Whole),
    /// They chose, and hear that they are to speak.
    Prompting(Enrolment, PlayId),
    /// They speak.
    Recording,
    /// They hear what they said, and decide.
    Checking(NameClip, PlayId),
    /// The office stores it.
    Keeping,
    /// They have one, and are asked whether it is to be removed.
    Offering(PlayId),
    /// The office removes it.
    Removing,
}

impl Naming {
    /// Says what there is to choose from.
    pub(crate) fn begin(call: &mut Call, asker: Asker) -> State {
        let step = match asker.own_name() {
            OwnName::Stored => Step::Offering(say(call, [PromptId::NameRemove])),
            OwnName::Absent | OwnName::Off => {
                Step::Explaining(say(call, [PromptId::NameExplain, PromptId::NameChooseTo]))
            }
        };
        State::Naming(Self { asker, step })
    }

    /// What each input means here; what ends any call, and whoever moves, the machine sees to.
    pub(crate) fn on_input(self, call: &mut Call, input: Input) -> State {
        match input {
            Input::Key { side: Side::Station, key, onset, path } => {
                self.on_key(call, Press { key, onset, path })
            }
            Input::Played { side: Side::Station, play, end } => self.on_played(call, play, end),
            Input::NameCaptured(clip) => self.on_captured(call, clip),
            Input::Answer(Answer::NameKept { kept }) => self.on_kept(call, kept),
            Input::Answer(Answer::NameRemoved { removed }) => self.on_removed(call, removed),
            Input::Timeout => self.on_timeout(call),
            Input::Key { side: Side::Called, .. }
            | Input::Played { side: Side::Called, .. }
            | Input::Answer(
                Answer::Person(_)
                | Answer::PinUnknown
                | Answer::PinLocked
                | Answer::Balance(_)
                | Answer::Admitted(_)
                | Answer::Denied(_)
                | Answer::Committed { .. }
                | Answer::Blocked { .. },
            )
            | Input::Ringing
            | Input::CalledAnswered
            | Input::CalledFailed(_)
            | Input::HungUp(_)
            | Input::LegMoved(_)
            | Input::Sound { .. }
            | Input::MediaLost { .. }
            | Input::Stop(_) => State::Naming(self),
        }
    }

    fn on_key(self, call: &mut Call, press: Press) -> State {
        let Self { asker, step } = self;
        let step = match (step, press.key.label()) {
            (Step::Explaining(_) | Step::Choosing(_) | Step::Offering(_), BACK) => {
                return back(call, asker, Vec::new());
            }
            (Step::Choosing(told), _) => return Self::choose(call, asker, told, press),
            (Step::Checking(..), BACK) => {
                return back(call, asker, said(PromptId::NameDropped));
            }
            (Step::Checking(clip, _), KEEP) => {
                call.hush(Side::Station);
                call.ask(Question::KeepName { clip });
                call.wait(call.setup.timing.answer_wait);
                Step::Keeping
            }
            (Step::Checking(clip, _), AGAIN) if clip.may_again() => match clip.again() {
                Some(enrolment) => prompt(call, enrolment),
                None => return back(call, asker, said(PromptId::NameDropped)),
            },
            (Step::Offering(_), REMOVE) => {
                let Some(who) = &asker.who else { return back(call, asker, Vec::new()) };
                call.hush(Side::Station);
                call.ask(Question::RemoveName { person: who.person });
                call.wait(call.setup.timing.answer_wait);
                Step::Removing
            }
            // Also the key that ends the name, which the audio side hears for itself.
            (step, _) => step,
        };
        State::Naming(Self { asker, step })
    }

    fn choose(call: &mut Call, asker: Asker, told: Whole, press: Press) -> State {
        let chosen = match (&asker.by_pin, &asker.who) {
            (Some(by_pin), Some(who)) => enrolment::choose(call, by_pin, who, told, press),
            (None, _) | (_, None) => None,
        };
        let step = match chosen {
            Some(enrolment) => prompt(call, enrolment),
            None => Step::Choosing(told),
        };
        State::Naming(Self { asker, step })
    }

    fn on_played(self, call: &mut Call, play: PlayId, end: PlayEnd) -> State {
        let Self { asker, step } = self;
        let step = match (step, Whole::of(end)) {
            (Step::Explaining(playing), Some(told)) if playing == play => {
                call.wait_until(told.ended().after(call.setup.timing.menu_idle));
                Step::Choosing(told)
            }
            (Step::Prompting(enrolment, playing), Some(_)) if playing == play => {
                call.output(Output::RecordName(enrolment));
                call.wait(call.setup.timing.name_wait);
                Step::Recording
            }
            // Who did not hear what is done must not be recorded.
            (Step::Explaining(playing) | Step::Prompting(_, playing), None) if playing == play => {
                return back(call, asker, Vec::new());
            }
            (step @ (Step::Checking(_, playing) | Step::Offering(playing)), _)
                if playing == play =>
            {
                call.wait(call.setup.timing.menu_idle);
                step
            }
            (step, _) => step,
        };
        State::Naming(Self { asker, step })
    }

    /// What was said is played back. What was said by somebody else, or for nothing, is dropped.
    fn on_captured(self, call: &mut Call, clip: Option<NameClip>) -> State {
        let Self { asker, step } = self;
        if !matches!(step, Step::Recording) {
            return State::Naming(Self { asker, step });
        }
        let person = asker.who.as_ref().map(|who| who.person);
        let own = |clip: &NameClip| clip.call() == call.setup.call && Some(clip.person()) == person;
        let Some(clip) = clip.filter(own) else {
            return back(call, asker, said(PromptId::NameUnheard));
        };
        let choose = if clip.may_again() { PromptId::NameChoose } else { PromptId::NameLast };
        let script = Spoken::new(call.station_language)
            .prompts([PromptId::NameIs])
            .phrases([Phrase::Recorded(clip.voice().clone())])
            .prompts([choose])
            .script();
        let play = call.play(Side::Station, script);
        call.wait(call.setup.timing.play_max);
        State::Naming(Self { asker, step: Step::Checking(clip, play) })
    }

    /// The office has stored it, or not.
    fn on_kept(mut self, call: &mut Call, kept: bool) -> State {
        if !matches!(self.step, Step::Keeping) {
            return State::Naming(self);
        }
        if kept {
            self.stands(OwnName::Stored);
        }
        let what = if kept { PromptId::NameKept } else { PromptId::NameUnkept };
        back(call, self.asker, said(what))
    }

    /// The office has removed it, or not.
    fn on_removed(mut self, call: &mut Call, removed: bool) -> State {
        if !matches!(self.step, Step::Removing) {
            return State::Naming(self);
        }
        if removed {
            self.stands(OwnName::Absent);
        }
        let what = if removed { PromptId::NameRemoved } else { PromptId::NameUnremoved };
        back(call, self.asker, said(what))
    }

    fn on_timeout(self, call: &mut Call) -> State {
        match self.step {
            Step::Keeping | Step::Removing => unanswered(call),
            Step::Checking(..) => back(call, self.asker, said(PromptId::NameDropped)),
            Step::Recording => back(call, self.asker, said(PromptId::NameUnheard)),
            Step::Explaining(_) | Step::Choosing(_) | Step::Prompting(..) | Step::Offering(_) => {
                back(call, self.asker, Vec::new())
            }
        }
    }

    /// Somebody else may be there now: nothing of theirs is taken, and nothing is kept. What the
    /// office was asked already is done.
    pub(crate) fn on_moved(self, call: &mut Call) -> State {
        match self.step {
            Step::Keeping | Step::Removing => State::Naming(self),
            Step::Explaining(_)
            | Step::Choosing(_)
            | Step::Prompting(..)
            | Step::Recording
            | Step::Checking(..)
            | Step::Offering(_) => back(call, self.asker, Vec::new()),
        }
    }

    fn stands(&mut self, own_name: OwnName) {
        if let Some(who) = &mut self.asker.who {
            who.own_name = own_name;
        }
    }
}

/// Asks for a number again, after `said`.
fn back(call: &mut Call, asker: Asker, said: Vec<Phrase>) -> State {
    EnteringNumber::again(call, asker, said, VecDeque::new())
}

fn said(prompt: PromptId) -> Vec<Phrase> {
    vec![Phrase::Prompt(prompt)]
}

fn say<const N: usize>(call: &mut Call, prompts: [PromptId; N]) -> PlayId {
    let script = Spoken::new(call.station_language).prompts(prompts).script();
    call.wait(call.setup.timing.play_max);
    call.play(Side::Station, script)
}

/// Lets them speak. What was said before is gone by now.
fn prompt(call: &mut Call, enrolment: Enrolment) -> Step {
    let play = say(call, [PromptId::NameSpeak]);
    Step::Prompting(enrolment, play)
}

const BACK: char = '*';
const KEEP: char = '1';
const AGAIN: char = '2';
const REMOVE: char = '1';

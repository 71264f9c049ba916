//! The called party wants no more calls, and confirms it by a second key.
//!
//! One key alone would be too easy a mistake, and a tone in a greeting. Nothing of it changes what
//! was announced: who does not confirm hears the notice again from its beginning.

use model::{PlayId, PromptId, Script, Side, Timestamp, fact::EndReason};

use crate::{
    announcing::{Announcing, BLOCK, REFUSE, Tally, gone, refuse},
    call::Call,
    consent::Press,
    dialling::Placed,
    ending::{Ending, Outcome},
    io::Question,
    machine::State,
};

/// The called party is asked whether they mean it.
#[derive(Debug)]
pub(crate) struct Confirming {
    placed: Placed,
    tally: Tally,
    play: PlayId,
    since: Timestamp,
}

impl Confirming {
    /// Asks. The person hears that the other one has not decided yet.
    pub(crate) fn begin(call: &mut Call, placed: Placed, tally: Tally) -> State {
        let question = Script::of(call.called_language, &[PromptId::BlockConfirm]);
        let waiting = Script::of(call.station_language, &[PromptId::WaitingForAcceptance]);
        let play = call.play(Side::Called, question);
        call.play(Side::Station, waiting);
        call.wait(call.setup.timing.play_max);
        State::Confirming(Self { placed, tally, play, since: call.now })
    }

    pub(crate) fn on_played(self, call: &mut Call, side: Side, play: PlayId) -> State {
        if side == Side::Called && play == self.play {
            call.wait(call.setup.timing.accept_wait);
        }
        State::Confirming(self)
    }

    /// The confirming key confirms, the refusing one refuses, and every other one goes back.
    pub(crate) fn on_key(self, call: &mut Call, press: Press) -> State {
        match press.key.label() {
            // The same tone on another path, or a key that came before the question.
            _ if press.onset < self.since => State::Confirming(self),
            CONFIRM => Blocking::begin(call),
            REFUSE => refuse(call),
            _ => self.back(call),
        }
    }

    /// Nothing was pressed, or somebody else may be there: the notice starts again.
    pub(crate) fn back(self, call: &mut Call) -> State {
        Announcing::again(call, self.placed, self.tally)
    }

    pub(crate) fn on_sound(mut self, call: &Call, sounding: bool, since: Timestamp) -> State {
        self.tally = self.tally.hears(call.now, sounding, since);
        State::Confirming(self)
    }

    pub(crate) fn on_gone(self, call: &mut Call) -> State {
        gone(call, self.tally)
    }
}

/// The office makes it durable that this number is called no more.
#[derive(Debug)]
pub(crate) struct Blocking;

impl Blocking {
    fn begin(call: &mut Call) -> State {
        call.decision_key = Some(BLOCK);
        call.ask(Question::Block);
        call.wait(call.setup.timing.commit_wait);
        State::Blocking(Self)
    }

    /// Says what holds. A wish that is not on disk yet is not called kept.
    pub(crate) fn on_answer(self, call: &mut Call, kept: bool) -> State {
        let told = if kept { PromptId::BlockKept } else { PromptId::BlockUnkept };
        let called = Script::of(call.called_language, &[told]);
        let station = Script::of(call.station_language, &[PromptId::NumberBlocked]);
        let outcome = Outcome::of(EndReason::BlockedByKey);
        Ending::begin(call, outcome.tell(Side::Station, station).tell(Side::Called, called))
    }
}

/// Confirms that no more calls are wanted.
const CONFIRM: char = '0';

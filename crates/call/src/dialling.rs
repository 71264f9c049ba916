//! The price is told and the called party's phone is rung.
//!
//! The price comes first and the trunk is dialled when it was spoken, so that a person who hangs up
//! on hearing it disturbs nobody.

use model::{PlayId, PromptId, Script, Side, fact::EndReason};

use crate::{
    announcing::{Announcing, Tally},
    call::Call,
    ending::{Ending, Outcome},
    io::{Admission, CallEvent, Identified, TrunkFailure},
    machine::State,
    notice::quote,
};

/// Who calls, and what the office said about it.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) who: Identified,
    pub(crate) admission: Admission,
}

/// The person is told the price.
#[derive(Debug)]
pub(crate) struct Quoting {
    placed: Placed,
    play: PlayId,
}

impl Quoting {
    pub(crate) fn begin(call: &mut Call, placed: Placed) -> State {
        let script = quote(call.station_language, placed.admission.price);
        let play = call.play(Side::Station, script);
        call.wait(call.setup.timing.play_max);
        State::Quoting(Self { placed, play })
    }

    pub(crate) fn on_played(self, call: &mut Call, play: PlayId) -> State {
        if play == self.play { self.dial(call) } else { State::Quoting(self) }
    }

    /// Dials. A price that was cut is no reason to stop: a station without audio cannot hear the
    /// notice to its end either, so nobody can accept and nothing is charged.
    pub(crate) fn dial(self, call: &mut Call) -> State {
        call.dial(self.placed.admission.number);
        call.set_ringback(true);
        call.wait(call.setup.timing.ring_max);
        State::Ringing(Ringing { placed: self.placed })
    }
}

/// The called party's phone is dialled and rings; the person hears ringback of ours from the start.
#[derive(Debug)]
pub(crate) struct Ringing {
    placed: Placed,
}

impl Ringing {
    /// Answering is not accepting: the notice begins.
    pub(crate) fn on_answered(self, call: &mut Call) -> State {
        call.event(CallEvent::Answered { at: call.now });
        call.set_ringback(false);
        Announcing::begin(call, self.placed, Tally::default(), None)
    }

    pub(crate) fn on_timeout(self, call: &mut Call) -> State {
        fail(call, TrunkFailure::NoAnswer)
    }

    /// The trunk has no called leg any more.
    pub(crate) fn on_failed(self, call: &mut Call, failure: TrunkFailure) -> State {
        call.gone(Side::Called);
        fail(call, failure)
    }
}

fn fail(call: &mut Call, failure: TrunkFailure) -> State {
    let (reason, sentence) = match failure {
        TrunkFailure::Busy => (EndReason::Busy, PromptId::Busy),
        TrunkFailure::NoAnswer => (EndReason::NoAnswer, PromptId::NoAnswer),
        TrunkFailure::Unallocated => (EndReason::Unallocated, PromptId::Unallocated),
        TrunkFailure::Declined | TrunkFailure::Failed => {
            (EndReason::TrunkFailed, PromptId::NotConnected)
        }
    };
    let script = Script::of(call.station_language, &[sentence]);
    Ending::begin(call, Outcome::of(reason).tell(Side::Station, script))
}

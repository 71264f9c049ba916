//! The price is told and the called party's phone is rung.
//!
//! The price comes first and the trunk is dialled when it was spoken, so that a person who hangs up
//! on hearing it disturbs nobody.

use model::{
    PlayId, PromptId, Script, Side, Tone,
    fact::{EndReason, OffReason},
};

use crate::{
    announcing::{Announcing, Tally},
    call::Call,
    ending::{Ending, Outcome},
    io::{Admission, CallEvent, Connect, Identified, Price, TrunkFailure},
    machine::State,
    notice::{Opening, quote},
    recording::Recording,
    talking::Talking,
};

/// Who calls, and what the office said about it.
#[derive(Debug)]
pub(crate) struct Placed {
    /// `None` where nobody is identified.
    pub(crate) who: Option<Identified>,
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
        let at_once = nothing_to_accept(&placed.admission);
        let script = quote(call.station_language, placed.admission.price, at_once);
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
        Ringing::begin(call, self.placed)
    }
}

/// The called party's phone is dialled and rings; the person hears ringback of ours from the start.
#[derive(Debug)]
pub(crate) struct Ringing {
    placed: Placed,
}

impl Ringing {
    /// Dials.
    pub(crate) fn begin(call: &mut Call, placed: Placed) -> State {
        call.dial(placed.admission.number);
        call.set_tone(Some(Tone::Ringback));
        call.wait(call.setup.timing.ring_max);
        State::Ringing(Self { placed })
    }

    /// Answering is not accepting: the notice begins, and until the decision the person hears the
    /// comfort tone wherever nothing is said to them. Where there is nothing to accept, the two
    /// talk.
    pub(crate) fn on_answered(self, call: &mut Call) -> State {
        call.event(CallEvent::Answered { at: call.now });
        match nothing_to_accept(&self.placed.admission) {
            Some(reason) => Talking::begin(call, &self.placed.admission, Recording::Off(reason)),
            None => {
                call.set_tone(Some(Tone::Comfort));
                Announcing::begin(call, self.placed, Tally::default(), Opening::Plain)
            }
        }
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

/// Why a call that is put through at once is not recorded, or `None` when it is to be announced: at
/// once goes only what costs nothing and is not recorded.
fn nothing_to_accept(admission: &Admission) -> Option<OffReason> {
    match (admission.connect, admission.price, admission.may_record) {
        (Connect::AtOnce, Price::Free, Err(reason)) => Some(reason),
        (Connect::Announced | Connect::AtOnce, Price::Free | Price::PerMinute(_), _) => None,
    }
}

fn fail(call: &mut Call, failure: TrunkFailure) -> State {
    let (reason, sentence) = match failure {
        TrunkFailure::Busy => (EndReason::Busy, PromptId::Busy),
        TrunkFailure::NoAnswer => (EndReason::NoAnswer, PromptId::NoAnswer),
        TrunkFailure::Unallocated => (EndReason::Unallocated, PromptId::Unallocated),
        TrunkFailure::Declined => (EndReason::Declined, PromptId::Declined),
        TrunkFailure::Forwarded => (EndReason::Forwarded, PromptId::Forwarded),
        TrunkFailure::Failed => (EndReason::TrunkFailed, PromptId::NotConnected),
    };
    let script = Script::of(call.station_language, &[sentence]);
    Ending::begin(call, Outcome::of(reason).tell(Side::Station, script))
}

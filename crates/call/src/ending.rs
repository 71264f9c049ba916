//! Farewells, hang-ups and the one `Finished`.

use core::time::Duration;
use model::{PlayId, PromptId, Script, Side, fact::EndReason};

use crate::{
    call::{AdmissionState, Call},
    io::{Finished, HangUpCause, Output},
    machine::State,
};

/// How a call ends and what is still said.
#[derive(Debug)]
pub(crate) struct Outcome {
    reason: EndReason,
    talked: Duration,
    /// Whether the two talk until now.
    bridged: bool,
    station: Option<Script>,
    called: Option<Script>,
    cause: HangUpCause,
}

impl Outcome {
    /// Ends without a word and without a conversation. The reason is told only if the call was
    /// admitted.
    pub(crate) fn of(reason: EndReason) -> Self {
        Self {
            reason,
            talked: Duration::ZERO,
            bridged: false,
            station: None,
            called: None,
            cause: HangUpCause::Normal,
        }
    }

    /// Says `farewell` to a leg, if it is still there, before it is hung up.
    pub(crate) fn tell(self, side: Side, farewell: Script) -> Self {
        match side {
            Side::Station => Self { station: Some(farewell), ..self },
            Side::Called => Self { called: Some(farewell), ..self },
        }
    }

    /// Ends a conversation that lasted so long: from here on neither hears the other, and nothing
    /// is recorded.
    pub(crate) fn after(self, talked: Duration) -> Self {
        Self { talked, bridged: true, ..self }
    }

    /// Ends because somebody stopped the call. That staff did is told to both.
    pub(crate) fn stopped(self, call: &Call) -> Self {
        let cause = stop_cause(self.reason);
        if self.reason != EndReason::CutByStaff {
            return Self { cause, ..self };
        }
        let farewell = |side| Script::of(call.language(side), &[PromptId::CutByStaff]);
        let [station, called] = [Side::Station, Side::Called].map(farewell);
        Self { cause, ..self }.tell(Side::Station, station).tell(Side::Called, called)
    }
}

/// Farewells are played, each leg is hung up when its own has ended.
#[derive(Debug)]
pub(crate) struct Ending {
    reason: EndReason,
    talked: Duration,
    station: Option<PlayId>,
    called: Option<PlayId>,
}

impl Ending {
    pub(crate) fn begin(call: &mut Call, outcome: Outcome) -> State {
        let Outcome { reason, talked, bridged, station, called, cause } = outcome;
        if bridged {
            call.output(Output::Unbridge);
        }
        call.set_tone(None);
        call.wait(call.setup.timing.farewell_max);
        let mut farewell = |side: Side, script: Option<Script>| {
            let script = script.filter(|_| call.is_up(side));
            let play = script.map(|script| call.play(side, script));
            if play.is_none() {
                call.hang_up(side, cause);
            }
            play
        };
        let station = farewell(Side::Station, station);
        let called = farewell(Side::Called, called);
        Self { reason, talked, station, called }.settle(call)
    }

    pub(crate) fn on_played(self, call: &mut Call, side: Side, play: PlayId) -> State {
        let farewell = match side {
            Side::Station => self.station,
            Side::Called => self.called,
        };
        if farewell == Some(play) {
            call.hang_up(side, HangUpCause::Normal);
        }
        self.settle(call)
    }

    /// A leg is gone or silent: nothing is left to say there.
    pub(crate) fn on_gone(self, call: &mut Call, side: Side) -> State {
        call.hang_up(side, HangUpCause::Normal);
        self.settle(call)
    }

    /// The farewell took too long, or the office did.
    pub(crate) fn on_timeout(self, call: &mut Call) -> State {
        hang_up_both(call, HangUpCause::Normal);
        self.settle(call)
    }

    pub(crate) fn on_stop(self, call: &mut Call, reason: EndReason) -> State {
        hang_up_both(call, stop_cause(reason));
        self.settle(call)
    }

    /// The office's late answer: only now it is known whether there is something to settle.
    pub(crate) fn on_answer(self, call: &mut Call, admitted: bool) -> State {
        if matches!(call.admission, AdmissionState::Asked { .. }) {
            call.admission = if admitted { AdmissionState::Admitted } else { AdmissionState::None };
        }
        self.settle(call)
    }

    /// Finishes once both legs are gone and the office has answered. An admission that stays
    /// unanswered may have been made, so its reason is told: the office settles what it finds.
    fn settle(self, call: &mut Call) -> State {
        if call.any_up() {
            return State::Ending(self);
        }
        if let AdmissionState::Asked { until } = call.admission
            && call.now < until
        {
            call.wait_until(until);
            return State::Ending(self);
        }
        let admitted = call.admission != AdmissionState::None;
        call.output(Output::Finished(Finished {
            at: call.now,
            reason: admitted.then_some(self.reason),
            talked: self.talked,
            decision_key: call.decision_key,
            off: call.off,
        }));
        State::Finished
    }
}

/// Who hung up.
pub(crate) fn hung_up(side: Side) -> EndReason {
    match side {
        Side::Station => EndReason::StationHungUp,
        Side::Called => EndReason::CalledHungUp,
    }
}

fn hang_up_both(call: &mut Call, cause: HangUpCause) {
    for side in [Side::Station, Side::Called] {
        call.hang_up(side, cause);
    }
}

/// Which stops are a fault on the wire.
fn stop_cause(reason: EndReason) -> HangUpCause {
    match reason {
        EndReason::NodeStopping | EndReason::NodeDied | EndReason::Fault => HangUpCause::Fault,
        EndReason::StationHungUp
        | EndReason::CalledHungUp
        | EndReason::RefusedByKey
        | EndReason::NoticeCutShort
        | EndReason::NotAccepted
        | EndReason::Busy
        | EndReason::NoAnswer
        | EndReason::Unallocated
        | EndReason::TrunkFailed
        | EndReason::LimitReached
        | EndReason::MediaLost
        | EndReason::Declined
        | EndReason::Forwarded
        | EndReason::BlockedByKey
        | EndReason::LooksLikeMachine
        | EndReason::CutByStaff => HangUpCause::Normal,
    }
}

//! The two talk.

use core::time::Duration;
use model::{
    PromptId, Script, Side, Timestamp,
    fact::{EndReason, NumberClass},
};

use crate::{
    call::Call,
    ending::{Ending, Outcome, hung_up},
    io::{Admission, CallEvent, Output},
    machine::State,
    recording::Recording,
};

/// The two talk. Keys mean nothing here.
#[derive(Debug)]
pub(crate) struct Talking {
    since: Timestamp,
    talk_max: Duration,
    /// When the next mark is due.
    mark: Timestamp,
    /// When both are warned, unless they were or the conversation is too short for it.
    warning: Option<Timestamp>,
}

impl Talking {
    pub(crate) fn begin(call: &mut Call, admission: &Admission, recording: Recording) -> State {
        let talk_max = admission.talk_max;
        let timing = call.setup.timing;
        call.off = recording.off();
        call.output(Output::Bridge(recording));
        call.event(CallEvent::TalkStarted { at: call.now });
        // In a relay call somebody passes on what the two say: our voice would break into that.
        let relayed = admission.class == NumberClass::Relay;
        let warning = (talk_max >= timing.warned_talk_min && !relayed)
            .then(|| call.now.after(talk_max.saturating_sub(timing.warn_before)));
        let mark = call.now.after(timing.mark_every);
        let talking = Self { since: call.now, talk_max, mark, warning };
        talking.wait(call)
    }

    /// Everything that is due is done, the end first.
    pub(crate) fn on_timeout(mut self, call: &mut Call) -> State {
        let now = call.now;
        if now >= self.limit() {
            let outcome = self.outcome(EndReason::LimitReached, now);
            let time_is_up =
                |side: Side| (side, Script::of(call.language(side), &[PromptId::TimeIsUp]));
            let [station, called] = [Side::Station, Side::Called].map(time_is_up);
            let outcome = outcome.tell(station.0, station.1).tell(called.0, called.1);
            return Ending::begin(call, outcome);
        }
        if now >= self.mark {
            call.event(CallEvent::Talked { talked: self.talked(now), at: now });
            self.mark = now.after(call.setup.timing.mark_every);
        }
        if self.warning.is_some_and(|due| now >= due) {
            self.warning = None;
            for side in [Side::Station, Side::Called] {
                call.play(side, Script::of(call.language(side), &[PromptId::OneMinuteLeft]));
            }
        }
        self.wait(call)
    }

    pub(crate) fn on_hung_up(self, call: &mut Call, side: Side) -> State {
        let outcome = self.outcome(hung_up(side), call.now);
        Ending::begin(call, outcome)
    }

    /// A leg has been silent since `last`, and nothing after it is charged.
    pub(crate) fn on_lost(self, call: &mut Call, last: Timestamp) -> State {
        let outcome = self.outcome(EndReason::MediaLost, last.min(call.now));
        Ending::begin(call, outcome)
    }

    pub(crate) fn on_stop(self, call: &mut Call, reason: EndReason) -> State {
        let outcome = self.outcome(reason, call.now).stopped();
        Ending::begin(call, outcome)
    }

    fn outcome(&self, reason: EndReason, ended: Timestamp) -> Outcome {
        Outcome::of(reason).after(self.talked(ended))
    }

    fn wait(self, call: &mut Call) -> State {
        let due = self.mark.min(self.limit());
        call.wait_until(self.warning.map_or(due, |warning| warning.min(due)));
        State::Talking(self)
    }

    /// Never more than was admitted, however late we are.
    fn talked(&self, until: Timestamp) -> Duration {
        until.since(self.since).min(self.talk_max)
    }

    fn limit(&self) -> Timestamp {
        self.since.after(self.talk_max)
    }
}

//! The two talk.

use core::time::Duration;
use model::{
    Phrase, PromptId, Script, Side, Timestamp,
    fact::{EndReason, NumberClass},
};

use crate::{
    call::Call,
    ending::{Ending, Outcome, hung_up},
    io::{Admission, CallEvent, Output},
    machine::State,
    recording::Recording,
    spoken::Spoken,
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
    /// How often both are reminded where the call comes from, and when that is due.
    reminder: Option<(Duration, Timestamp)>,
}

impl Talking {
    pub(crate) fn begin(call: &mut Call, admission: &Admission, recording: Recording) -> State {
        let talk_max = admission.talk_max;
        let timing = call.setup.timing;
        call.off = recording.off();
        call.set_tone(None);
        call.output(Output::Bridge(recording));
        call.event(CallEvent::TalkStarted { at: call.now, off: call.off });
        // In a relay call somebody passes on what the two say: our voice would break into that.
        let relayed = admission.class == NumberClass::Relay;
        let warning = (talk_max >= timing.warned_talk_min && !relayed)
            .then(|| call.now.after(talk_max.saturating_sub(timing.warn_before)));
        let mark = call.now.after(timing.mark_every);
        // Time must pass between two of them, or nobody could talk.
        let every = admission.choices.reminder_every.filter(|_| !relayed);
        let every = every.map(|every| every.max(timing.mark_every));
        let reminder = every.map(|every| (every, call.now.after(every)));
        let talking = Self { since: call.now, talk_max, mark, warning, reminder };
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
            // In the last minute there is nothing more to say than this.
            self.reminder = None;
            for side in [Side::Station, Side::Called] {
                call.play(side, Script::of(call.language(side), &[PromptId::OneMinuteLeft]));
            }
        } else if let Some((every, _)) = self.reminder.filter(|(_, due)| now >= *due) {
            self.reminder = Some((every, now.after(every)));
            remind(call);
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
        let outcome = self.outcome(reason, call.now).stopped(call);
        Ending::begin(call, outcome)
    }

    fn outcome(&self, reason: EndReason, ended: Timestamp) -> Outcome {
        Outcome::of(reason).after(self.talked(ended))
    }

    fn wait(self, call: &mut Call) -> State {
        let reminder = self.reminder.map(|(_, due)| due);
        let due = [Some(self.mark), Some(self.limit()), self.warning, reminder];
        call.wait_until(due.into_iter().flatten().min().unwrap_or(self.mark));
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

/// Tells both, each in their language, where the call comes from.
fn remind(call: &mut Call) {
    for side in [Side::Station, Side::Called] {
        let place = Phrase::Name(call.setup.facility.clone());
        let script =
            Spoken::new(call.language(side)).prompts([PromptId::Reminder]).phrases([place]);
        call.play(side, script.script());
    }
}

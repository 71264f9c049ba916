//! What the person hears while they wait for the other end.

use super::{Auditor, Rule};
use core::time::Duration;
use model::{CallId, Side, Timestamp};

/// Sound on the station's leg, from the dialling until the legs are joined or the leg is gone.
#[derive(Debug, Default)]
pub(super) struct Air {
    /// The number was dialled, and the wait is not over.
    waits: bool,
    /// A tone fills what scripts leave.
    tone: bool,
    /// When the last sound that is known of ends, or ended.
    until: Timestamp,
}

impl Air {
    /// The number is dialled.
    pub(super) fn begins(&mut self, now: Timestamp) {
        self.waits = true;
        self.until = self.until.max(now);
    }

    /// A tone begins or ends. Gives a silence that was too long.
    pub(super) fn tone(&mut self, now: Timestamp, on: bool) -> Option<Duration> {
        let quiet = self.quiet(now);
        if self.tone {
            self.until = self.until.max(now);
        }
        self.tone = on;
        quiet
    }

    /// A script begins, which replaces another one. Gives a silence that was too long.
    pub(super) fn plays(&mut self, now: Timestamp, length: Duration) -> Option<Duration> {
        let quiet = self.quiet(now);
        self.until = now.after(length);
        quiet
    }

    /// The wait is over. Gives a silence that was too long.
    pub(super) fn ends(&mut self, now: Timestamp) -> Option<Duration> {
        let quiet = self.quiet(now);
        self.waits = false;
        quiet
    }

    fn quiet(&self, now: Timestamp) -> Option<Duration> {
        let quiet = now.since(self.until);
        (self.waits && !self.tone && quiet > SOUNDLESS_MAX).then_some(quiet)
    }
}

impl Auditor<'_> {
    /// A tone for the person begins or ends.
    pub(super) fn tone(&mut self, call: CallId, on: bool) {
        let quiet = self.cases.entry(call).or_default().air.tone(self.now, on);
        self.heard_nothing(call, quiet);
    }

    /// The person was without sound for too long.
    pub(super) fn heard_nothing(&mut self, call: CallId, quiet: Option<Duration>) {
        self.object_if(quiet.is_some(), Rule::NeverDeadAir, Some(call), || {
            format!("the person heard nothing for {:?}", quiet.unwrap_or_default())
        });
    }

    /// Nobody waits at the station any more, or they hear the other end.
    pub(super) fn air_ends(&mut self, call: CallId, side: Side) {
        if side == Side::Station {
            let quiet = self.cases.entry(call).or_default().air.ends(self.now);
            self.heard_nothing(call, quiet);
        }
    }
}

/// So long a person may hear nothing. The tones have pauses of up to four seconds of their own;
/// here they count as sound.
pub(crate) const SOUNDLESS_MAX: Duration = Duration::from_secs(5);

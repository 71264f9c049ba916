//! What the two hear when a fault of ours ends their call.
//!
//! The machine of such a call is not asked again, because nobody knows in which state the fault
//! left it: the legs are parted, whoever can hear it is told that we are sorry, and each leg ends
//! when it has heard that, or at the limit for farewells.

use call::{HangUpCause, Input, Output};
use model::{Language, PlayId, PromptId, Script, Side, Timestamp};

use super::{Live, Surroundings};
use crate::step::StepKind;

/// What is needed to apologise, and how far that is.
#[derive(Debug)]
pub(crate) struct Apology {
    station: Ear,
    called: Ear,
    /// When it ends at the latest, once it is given.
    until: Option<Timestamp>,
}

impl Default for Apology {
    /// A call begins with a station that we have answered, and nobody else.
    fn default() -> Self {
        let station = Ear { answered: true, ..Ear::default() };
        Self { station, called: Ear::default(), until: None }
    }
}

/// One end of a call.
#[derive(Debug, Default)]
struct Ear {
    /// In which it was last spoken to.
    language: Language,
    /// It can hear us.
    answered: bool,
    /// It has not heard the apology yet.
    owed: bool,
}

impl Apology {
    /// When the apology ends at the latest; `None` before a fault.
    pub(crate) const fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// The called party can hear us from now on.
    pub(crate) const fn called_answered(&mut self) {
        self.called.answered = true;
    }

    /// A leg is spoken to in this language.
    pub(crate) const fn spoken(&mut self, side: Side, language: Language) {
        self.ear(side).language = language;
    }

    const fn ear(&mut self, side: Side) -> &mut Ear {
        match side {
            Side::Station => &mut self.station,
            Side::Called => &mut self.called,
        }
    }
}

impl Live {
    /// Whether a fault of ours has ended the call, and only the apology is left.
    pub(crate) const fn is_apologising(&self) -> bool {
        self.apology.until.is_some()
    }

    /// Parts the legs and tells whoever can hear it that we are sorry. A called party who has not
    /// answered is not called any more.
    pub(crate) fn apologise(&mut self, now: Timestamp, around: &Surroundings) {
        self.apology.until = Some(now.after(self.plan.timing.farewell_max));
        around.media.unbridge(self.call);
        around.media.tone(self.call.leg(Side::Station), None);
        for side in [Side::Station, Side::Called] {
            let ear = self.apology.ear(side);
            ear.owed = ear.answered;
            if !ear.answered {
                self.end_apology(side, around);
                continue;
            }
            let script = Script::of(ear.language, &[PromptId::Apology]);
            let sorry = Output::Play { side, play: APOLOGY, script };
            self.watched(now, StepKind::of_output(&sorry), around);
            self.perform(sorry, around);
        }
    }

    /// What happens while the apology is heard.
    pub(super) fn hear_apology(&mut self, now: Timestamp, input: &Input, around: &Surroundings) {
        let late = self.apology.until.is_some_and(|until| now >= until);
        if late || matches!(input, Input::Stop(_)) {
            self.end_apology(Side::Station, around);
            self.end_apology(Side::Called, around);
        } else if let Input::Played { side, play: APOLOGY, .. }
        | Input::HungUp(side)
        | Input::MediaLost { side, .. } = input
        {
            self.end_apology(*side, around);
        }
    }

    /// Ends a leg; with the last one the call is over.
    fn end_apology(&mut self, side: Side, around: &Surroundings) {
        self.apology.ear(side).owed = false;
        self.hang_up(side, HangUpCause::Fault, around);
        self.over = !self.apology.station.owed && !self.apology.called.owed;
    }
}

/// Machines number their plays from the other end.
const APOLOGY: PlayId = PlayId(u32::MAX);

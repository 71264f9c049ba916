//! What outlives the states of a call: its legs, languages, output queue and the answer of
//! admission.

use alloc::collections::VecDeque;
use core::time::Duration;
use model::{Language, PlayId, Private, Script, Side, Timestamp, Tone, fact::OffReason};

use crate::io::{CallEvent, HangUpCause, Output, Question, Setup};

/// What outlives the states of a call.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) setup: Setup,
    /// The time, as the last input told it.
    pub(crate) now: Timestamp,
    /// Language of the person at the station: the pressed one, then their own.
    pub(crate) station_language: Language,
    /// Whether the person chose that language by a key: then the stored one does not replace it.
    pub(crate) language_pressed: bool,
    /// Language of the called party: the remembered one, then the pressed one.
    pub(crate) called_language: Language,
    pub(crate) admission: AdmissionState,
    /// Key by which the called party decided.
    pub(crate) decision_key: Option<char>,
    /// Why the conversation is not recorded.
    pub(crate) off: Option<OffReason>,
    /// When the present state has waited long enough. Every state sets it when it begins.
    until: Timestamp,
    outputs: VecDeque<Output>,
    plays_count: u32,
    station_up: bool,
    called_up: bool,
    tone: Option<Tone>,
}

/// Whether the office admitted the call, which decides whether there is something to settle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AdmissionState {
    /// Not asked, or denied.
    None,
    /// Asked; an answer is expected before `until`.
    Asked {
        /// When we give up.
        until: Timestamp,
    },
    /// Admitted.
    Admitted,
}

impl Call {
    pub(crate) fn new(setup: Setup, now: Timestamp) -> Self {
        Self {
            setup,
            now,
            station_language: Language::default(),
            language_pressed: false,
            called_language: Language::default(),
            admission: AdmissionState::None,
            decision_key: None,
            off: None,
            until: now,
            outputs: VecDeque::new(),
            plays_count: 0,
            station_up: true,
            called_up: false,
            tone: None,
        }
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub(crate) fn is_drained(&self) -> bool {
        self.outputs.is_empty()
    }

    pub(crate) fn until(&self) -> Timestamp {
        self.until
    }

    /// The state lasts so long from now at most.
    pub(crate) fn wait(&mut self, longest: Duration) {
        self.until = self.now.after(longest);
    }

    /// The state lasts until `until` at most.
    pub(crate) fn wait_until(&mut self, until: Timestamp) {
        self.until = until;
    }

    pub(crate) fn language(&self, side: Side) -> Language {
        match side {
            Side::Station => self.station_language,
            Side::Called => self.called_language,
        }
    }

    pub(crate) fn play(&mut self, side: Side, script: Script) -> PlayId {
        self.plays_count = self.plays_count.saturating_add(1);
        let play = PlayId(self.plays_count);
        self.outputs.push_back(Output::Play { side, play, script });
        play
    }

    pub(crate) fn hush(&mut self, side: Side) {
        self.outputs.push_back(Output::Hush(side));
    }

    pub(crate) fn ask(&mut self, question: Question) {
        self.outputs.push_back(Output::Ask(question));
    }

    pub(crate) fn event(&mut self, event: CallEvent) {
        self.outputs.push_back(Output::Event(event));
    }

    /// What the person hears wherever nothing is played to them.
    pub(crate) fn set_tone(&mut self, tone: Option<Tone>) {
        if self.tone != tone {
            self.tone = tone;
            self.outputs.push_back(Output::Tone(tone));
        }
    }

    /// From here on there is a called leg, which has to be hung up.
    pub(crate) fn dial(&mut self, number: Private<model::E164>) {
        self.called_up = true;
        self.outputs.push_back(Output::Dial { number });
    }

    pub(crate) fn output(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    /// Whether nobody but the person at the station is, or was to be, in this call.
    pub(crate) fn is_alone(&self) -> bool {
        self.station_up && !self.called_up && self.admission == AdmissionState::None
    }

    pub(crate) fn is_up(&self, side: Side) -> bool {
        match side {
            Side::Station => self.station_up,
            Side::Called => self.called_up,
        }
    }

    pub(crate) fn any_up(&self) -> bool {
        self.station_up || self.called_up
    }

    /// The leg ended by itself.
    pub(crate) fn gone(&mut self, side: Side) {
        match side {
            Side::Station => self.station_up = false,
            Side::Called => self.called_up = false,
        }
    }

    /// Ends the leg, if it is there.
    pub(crate) fn hang_up(&mut self, side: Side, cause: HangUpCause) {
        if self.is_up(side) {
            self.gone(side);
            self.outputs.push_back(Output::HangUp { side, cause });
        }
    }
}

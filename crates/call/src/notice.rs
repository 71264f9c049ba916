//! The notice: what both parties are told before one of them accepts. It is true of this call.

use alloc::{string::String, vec::Vec};
use model::{
    Language, Phrase, Private, PromptId, Script,
    fact::{Epoch, OffReason},
};

use crate::{
    io::{Admission, Price},
    spoken::Spoken,
};

/// One notice: the two scripts, and whether they say that the call is recorded.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    called: Script,
    station: Script,
    recording: Result<Epoch, OffReason>,
}

/// What a notice is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    /// Spoken name of the facility.
    pub(crate) facility: &'a Private<String>,
    /// Spoken name of the person, where somebody is identified.
    pub(crate) name: Option<&'a Private<String>>,
    /// Price and recording.
    pub(crate) admission: &'a Admission,
    /// Language of the called party.
    pub(crate) called: Language,
    /// Language of the person.
    pub(crate) station: Language,
}

impl Notice {
    /// The notice about `subject`; the called party hears `first` before it.
    pub(crate) fn new(subject: Subject<'_>, first: Option<PromptId>) -> Self {
        let Subject { facility, name, admission, called, station } = subject;
        let recording = admission.may_record;
        // Without a name it is "a call from a person in custody at …".
        let caller: Vec<Phrase> = [Phrase::Prompt(PromptId::CallFrom)]
            .into_iter()
            .chain(name.map(|name| Phrase::Name(name.clone())))
            .chain([Phrase::Prompt(PromptId::InCustodyAt), Phrase::Name(facility.clone())])
            .collect();
        let sentence = recording_sentence(recording);
        let called = Spoken::new(called)
            .prompts(first)
            .phrases(caller.clone())
            .prompts([PromptId::NoChargeToYou])
            .price(PromptId::CallerPays, admission.price)
            .prompts([sentence, PromptId::ChooseAcceptRefuse])
            .in_other(PromptId::ChooseLanguage)
            .script();
        // "You will not be charged" is true of the called party only, so the person does not hear
        // it.
        let station = Spoken::new(station)
            .prompts([PromptId::WaitingForAcceptance])
            .phrases(caller)
            .price(PromptId::CallerPays, admission.price)
            .prompts([sentence])
            .script();
        Self { called, station, recording }
    }

    /// What the called party hears.
    pub(crate) fn called(&self) -> &Script {
        &self.called
    }

    /// What the person hears.
    pub(crate) fn station(&self) -> &Script {
        &self.station
    }

    /// What both are told about recording.
    pub(crate) fn recording(&self) -> Result<Epoch, OffReason> {
        self.recording
    }

    /// The sentences the called party hears, in order.
    pub(crate) fn prompts(&self) -> Vec<PromptId> {
        let prompt = |phrase: &Phrase| match phrase {
            Phrase::Prompt(id) | Phrase::PromptInOther(id) => Some(*id),
            Phrase::Digits(_)
            | Phrase::Amount(_)
            | Phrase::Length(_)
            | Phrase::Name(_)
            | Phrase::Pause(_) => None,
        };
        self.called.phrases.iter().filter_map(prompt).collect()
    }
}

/// The price, as the person is told before their call is dialled. A free call costs nothing whoever
/// accepts, so the promise to charge only after acceptance is left out there. Of a call that is put
/// through at once the person is told here why it is not recorded, since there will be no notice.
pub(crate) fn quote(language: Language, price: Price, at_once: Option<OffReason>) -> Script {
    let unrecorded = at_once.map(|reason| recording_sentence(Err(reason)));
    let spoken = Spoken::new(language).price(PromptId::CallCosts, price).prompts(unrecorded);
    match price {
        Price::Free => spoken,
        Price::PerMinute(_) => spoken.prompts([PromptId::PleaseHold]),
    }
    .script()
}

fn recording_sentence(recording: Result<Epoch, OffReason>) -> PromptId {
    match recording {
        Ok(_) => PromptId::NoticeRecorded,
        Err(OffReason::Protected | OffReason::Relay | OffReason::Service) => {
            PromptId::NoticeProtected
        }
        Err(
            OffReason::FacilityOff
            | OffReason::StationOff
            | OffReason::RegistryUnusable
            | OffReason::LogUnavailable
            | OffReason::Disk,
        ) => PromptId::NoticeNotRecorded,
    }
}

//! The notice: what both parties are told before one of them accepts. It is true of this call.

use alloc::{string::String, vec::Vec};
use model::{
    Language, Phrase, Private, PromptId, Script,
    fact::{Epoch, OffReason},
};

use crate::{
    io::{AcceptKey, Admission, Price},
    spoken::Spoken,
};

/// One notice: the two scripts, and whether they say that the call is recorded.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    called: Script,
    station: Script,
    recording: Result<Epoch, OffReason>,
    accept: AcceptKey,
}

/// What is said before a notice, and why it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// Nothing: it starts for the first time, or again.
    Plain,
    /// The called party said that the call is private: both are told.
    Private,
    /// The called party asked for the price.
    Price,
}

/// What a notice is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    /// Spoken name of the facility.
    pub(crate) facility: &'a Private<String>,
    /// Spoken name of the person, where somebody is identified. Their own voice, where the
    /// admission has it, says it instead.
    pub(crate) name: Option<&'a Private<String>>,
    /// Price and recording.
    pub(crate) admission: &'a Admission,
    /// Language of the called party.
    pub(crate) called: Language,
    /// Language of the person.
    pub(crate) station: Language,
}

impl Notice {
    /// The notice about `subject`, after `opening`.
    pub(crate) fn new(subject: Subject<'_>, opening: Opening) -> Self {
        let Subject { facility, name, admission, called, station } = subject;
        let recording = admission.may_record;
        // Without a name it is "a call from a person in custody at …".
        let name = name.map(|name| match &admission.voice {
            Some(voice) => Phrase::Recorded(voice.clone()),
            None => Phrase::Name(name.clone()),
        });
        let caller: Vec<Phrase> = [Phrase::Prompt(PromptId::CallFrom)]
            .into_iter()
            .chain(name)
            .chain([Phrase::Prompt(PromptId::InCustodyAt), Phrase::Name(facility.clone())])
            .collect();
        let sentence = recording_sentence(recording);
        let called = Spoken::new(called)
            .phrases(to_called(opening, admission))
            .phrases(caller.clone())
            .prompts([PromptId::NoChargeToYou])
            .price(PromptId::CallerPays, admission.price)
            .prompts([sentence])
            .phrases(choices(admission))
            .in_other(PromptId::ChooseLanguage)
            .script();
        // "You will not be charged" is true of the called party only, so the person does not hear
        // it.
        let station = Spoken::new(station)
            .prompts([PromptId::WaitingForAcceptance])
            .prompts((opening == Opening::Private).then_some(PromptId::PrivateByOther))
            .phrases(caller)
            .price(PromptId::CallerPays, admission.price)
            .prompts([sentence])
            .script();
        Self { called, station, recording, accept: admission.choices.accept }
    }

    /// The key that accepts, as the called party is told.
    pub(crate) fn accept(&self) -> AcceptKey {
        self.accept
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
            | Phrase::Pause(_)
            | Phrase::Recorded(_) => None,
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

/// What the called party hears after a key without a meaning: which keys there are.
pub(crate) fn keys(language: Language, admission: &Admission) -> Script {
    Spoken::new(language)
        .prompts([PromptId::WrongKey])
        .phrases(choices(admission))
        .in_other(PromptId::ChooseLanguage)
        .script()
}

/// What the called party hears first.
fn to_called(opening: Opening, admission: &Admission) -> Vec<Phrase> {
    match opening {
        Opening::Plain => Vec::new(),
        Opening::Private => Vec::from([Phrase::Prompt(PromptId::PrivateByYou)]),
        Opening::Price => {
            let longest =
                [Phrase::Prompt(PromptId::LongestTalk), Phrase::Length(admission.talk_max)];
            let spoken =
                Spoken::new(Language::default()).price(PromptId::CallCosts, admission.price);
            spoken.phrases(longest).script().phrases
        }
    }
}

/// The keys of the called party.
fn choices(admission: &Admission) -> Vec<Phrase> {
    let accept = match admission.choices.accept {
        AcceptKey::One => Vec::from([Phrase::Prompt(PromptId::ChooseAcceptRefuse)]),
        drawn @ (AcceptKey::Five | AcceptKey::Six | AcceptKey::Eight) => Vec::from([
            Phrase::Prompt(PromptId::ChooseAccept),
            Phrase::Digits(Private::new(String::from(drawn.label()))),
            Phrase::Prompt(PromptId::ChooseRefuse),
        ]),
    };
    let private = may_claim(admission).then_some(Phrase::Prompt(PromptId::ChoosePrivate));
    let more = Phrase::Prompt(PromptId::ChoosePriceBlock);
    accept.into_iter().chain(private).chain([more]).collect()
}

/// Whether the called party may say that the call is private: where it would be recorded, and not
/// too often before staff have looked at it.
pub(crate) fn may_claim(admission: &Admission) -> bool {
    admission.may_record.is_ok() && admission.choices.private_claim
}

fn recording_sentence(recording: Result<Epoch, OffReason>) -> PromptId {
    match recording {
        Ok(_) => PromptId::NoticeRecorded,
        Err(
            OffReason::Protected | OffReason::Relay | OffReason::Service | OffReason::PrivateClaim,
        ) => PromptId::NoticeProtected,
        Err(
            OffReason::FacilityOff
            | OffReason::StationOff
            | OffReason::RegistryUnusable
            | OffReason::LogUnavailable
            | OffReason::Disk
            | OffReason::LegMoved
            | OffReason::NeverBegun,
        ) => PromptId::NoticeNotRecorded,
    }
}

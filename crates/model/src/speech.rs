//! What is spoken to people, as data: which sentences, numbers, amounts and names, in which
//! language.

use crate::{Money, Private};
use alloc::{string::String, sync::Arc, vec::Vec};
use core::time::Duration;
use serde::{Deserialize, Serialize};

/// A language that Parlatory speaks.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English, as spoken in the United States.
    #[default]
    En,
    /// Spanish, as spoken in the United States.
    Es,
}

impl Language {
    /// The other language.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::En => Self::Es,
            Self::Es => Self::En,
        }
    }

    /// ISO 639 code: `en` or `es`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
        }
    }
}

/// A tone that a person hears while they wait and nothing is said to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tone {
    /// The called party's phone rings.
    Ringback,
    /// Their phone was answered, and they have not decided yet.
    Comfort,
}

macro_rules! prompts {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// A fixed sentence of the prompt pack. Its words stand in `prompts/en.toml` and
        /// `prompts/es.toml` under [`PromptId::name`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum PromptId { $($(#[$doc])* $name,)* }

        impl PromptId {
            /// Every prompt.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable name, as in the prompt texts and in consent evidence.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

prompts! {
    /// To the person, always in both languages, one after the other: "Welcome. For English, press
    /// 1."
    Welcome = "welcome",
    /// "Please enter your PIN, then press pound."
    EnterPin = "enter_pin",
    /// "That PIN is not known."
    PinUnknown = "pin_unknown",
    /// "Too many wrong PINs. Ask staff for help."
    PinLocked = "pin_locked",
    /// "To make a call, enter the number, then press pound. For your balance, press star."
    EnterNumber = "enter_number",
    /// "Your balance is", then an amount.
    BalanceIs = "balance_is",
    /// "That number is not complete or cannot be called."
    NumberInvalid = "number_invalid",
    /// "You may not call this number."
    NumberNotAllowed = "number_not_allowed",
    /// "This number has asked not to be called from this facility."
    NumberBlocked = "number_blocked",
    /// "There is not enough money for this call."
    InsufficientFunds = "insufficient_funds",
    /// "Emergency numbers cannot be called from this phone. Tell an officer at once."
    EmergencyNotHere = "emergency_not_here",
    /// "Calls cannot be made at the moment. Please try again later."
    Unavailable = "unavailable",
    /// "This call costs", then an amount; `PerMinute` follows.
    CallCosts = "call_costs",
    /// "per minute."
    PerMinute = "per_minute",
    /// "This call is free."
    CallIsFree = "call_is_free",
    /// To the person: "You will not be charged until the other party accepts."
    PleaseHold = "please_hold",
    /// "The call was answered. Waiting for the other party to accept."
    WaitingForAcceptance = "waiting_for_acceptance",
    /// "The other party did not accept the call."
    NotAccepted = "not_accepted",
    /// "The line is busy."
    Busy = "busy",
    /// "There was no answer."
    NoAnswer = "no_answer",
    /// "The number you dialled does not exist."
    Unallocated = "unallocated",
    /// "The call could not be connected."
    NotConnected = "not_connected",
    /// To the called party: "Hello. This is a call from", then a name.
    CallFrom = "call_from",
    /// "a person in custody at", then a facility's name.
    InCustodyAt = "in_custody_at",
    /// "You will not be charged for this call." (the person pays)
    NoChargeToYou = "no_charge_to_you",
    /// "The caller pays", then an amount; `PerMinute` follows.
    CallerPays = "caller_pays",
    /// "This call will be recorded and may be listened to."
    NoticeRecorded = "notice_recorded",
    /// "This call will not be recorded or listened to." (number of counsel and other protected
    /// lines)
    NoticeProtected = "notice_protected",
    /// "This call will not be recorded." (every other reason)
    NoticeNotRecorded = "notice_not_recorded",
    /// "To accept, press 1. To refuse, press 2."
    ChooseAcceptRefuse = "choose_accept_refuse",
    /// Spoken in the *other* language: "Para español, oprima 9." inside the English notice.
    ChooseLanguage = "choose_language",
    /// "That key has no meaning here."
    WrongKey = "wrong_key",
    /// "You are connected."
    Connected = "connected",
    /// "Thank you. You have refused the call. Goodbye."
    Refused = "refused",
    /// "No key was pressed. Goodbye."
    NoKeyPressed = "no_key_pressed",
    /// "One minute left."
    OneMinuteLeft = "one_minute_left",
    /// "Time is up. Goodbye."
    TimeIsUp = "time_is_up",
    /// "Goodbye."
    Goodbye = "goodbye",
    /// "Sorry. A fault of ours ended this call. You are charged for the time you talked only."
    Apology = "apology",
    /// To the person: "The other party's telephone refused the call."
    Declined = "declined",
    /// To the person: "That number is forwarded to another one. Forwarded calls are not connected."
    Forwarded = "forwarded",
    /// To the person: "That number belongs to this telephone service and cannot be called."
    OwnNumber = "own_number",
    /// To the person: "It seems that an answering machine took the call. You are not charged for
    /// it."
    LooksLikeMachine = "looks_like_machine",
    /// To both: "Staff have ended this call. Goodbye."
    CutByStaff = "cut_by_staff",
    /// To the called party: "To accept, press", then a digit.
    ChooseAccept = "choose_accept",
    /// "To refuse, press 2."
    ChooseRefuse = "choose_refuse",
    /// "If you are an attorney, a doctor or a member of the clergy, and this call must be private,
    /// press 3."
    ChoosePrivate = "choose_private",
    /// "For the price, press 4. To block calls from this facility, press 7."
    ChoosePriceBlock = "choose_price_block",
    /// To the called party: "You have said that this call is private."
    PrivateByYou = "private_by_you",
    /// To the person: "The other party has said that this call is private."
    PrivateByOther = "private_by_other",
    /// "This call can last at most", then a length of time.
    LongestTalk = "longest_talk",
    /// To the called party: "You want no more calls from this facility. To confirm, press 0. To go
    /// back, press any other key."
    BlockConfirm = "block_confirm",
    /// To the called party: "Your number is blocked. This facility cannot call it any more.
    /// Goodbye."
    BlockKept = "block_kept",
    /// To the called party: "Sorry. Your request could not be stored yet. If calls go on, please
    /// make it again. Goodbye."
    BlockUnkept = "block_unkept",
    /// To both while they talk: "This is a call from a person in custody at", then a facility's
    /// name.
    Reminder = "reminder",
    /// To the person: "For a relay service or a help line, without a PIN, press star."
    HelpWithoutPin = "help_without_pin",
    /// To somebody who gave no PIN: "Enter the number of the service, then press pound."
    EnterService = "enter_service",
    /// "You are on another call already."
    AlreadyCalling = "already_calling",
    /// "Calls cannot be made at the moment, because the list of private numbers is not up to date."
    RegistryDown = "registry_down",
    /// "Calls cannot be made at the moment, because they cannot be written down."
    DiskFull = "disk_full",
    /// "Calls cannot be made at the moment, because their price is not set."
    NoPrice = "no_price",
    /// To the person: "To record your name yourself, press pound."
    NameOffer = "name_offer",
    /// To the person: "For your recorded name, press pound."
    NameStored = "name_stored",
    /// To the person: "You can record your name, in two seconds at most. Staff listen to it. When
    /// they have approved it, the people you call hear it in place of the spoken name."
    NameExplain = "name_explain",
    /// To the person: "You and staff can remove it at any time. To record your name, press 1 after
    /// this message. To go back, press star."
    NameChooseTo = "name_choose_to",
    /// To the person: "Say your name now, then press pound."
    NameSpeak = "name_speak",
    /// To the person: "Nothing was heard."
    NameUnheard = "name_unheard",
    /// To the person: "This was recorded:", then the recording.
    NameIs = "name_is",
    /// To the person: "To keep it, press 1. To record it again, press 2. To keep nothing, press
    /// star."
    NameChoose = "name_choose",
    /// To the person: "To keep it, press 1. To keep nothing, press star."
    NameLast = "name_last",
    /// To the person: "Your name is stored. It will be heard when staff have approved it."
    NameKept = "name_kept",
    /// To the person: "Your name could not be stored. Nothing was kept."
    NameUnkept = "name_unkept",
    /// To the person: "Nothing was kept."
    NameDropped = "name_dropped",
    /// To the person: "Your name is recorded. To remove the recording, press 1. To go back, press
    /// star."
    NameRemove = "name_remove",
    /// To the person: "Your recorded name is removed."
    NameRemoved = "name_removed",
    /// To the person: "Your recorded name could not be removed yet. Please try again later."
    NameUnremoved = "name_unremoved",
    /// To the person: "Calls are closed for now. Staff can tell you more."
    CallsClosed = "calls_closed",
}

/// One piece of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phrase {
    /// A sentence of the pack, in the script's language.
    Prompt(PromptId),
    /// A sentence of the pack, in the other language.
    PromptInOther(PromptId),
    /// Digits, one by one (telephone numbers).
    Digits(Private<String>),
    /// An amount: dollars and cents, tenths of a cent where needed.
    Amount(Money),
    /// A length of time: minutes and seconds.
    Length(Duration),
    /// A name of a person or place: known words as words, others spelt out by letters.
    Name(Private<String>),
    /// Silence.
    Pause(Duration),
    /// A name in somebody's own voice.
    Recorded(OwnVoice),
}

/// A name as somebody said it: G.711 µ-law octets at 8 kHz, at most [`OWN_VOICE_OCTETS_MAX`].
pub type OwnVoice = Private<Arc<[u8]>>;

/// Octets of a name in somebody's own voice, at most: two seconds.
pub const OWN_VOICE_OCTETS_MAX: usize = 16_000;

/// What is spoken in one go, in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The language.
    pub language: Language,
    /// The pieces, in order.
    pub phrases: Vec<Phrase>,
}

impl Script {
    /// A script of fixed sentences.
    pub fn of(language: Language, prompts: &[PromptId]) -> Self {
        Self { language, phrases: prompts.iter().map(|id| Phrase::Prompt(*id)).collect() }
    }
}

/// What was really played: SHA-256 over the pieces of a rendered script in order, each clip by the
/// SHA-256 of its G.711 µ-law octets and each silence by its length. Two scripts that differ
/// anywhere in what is heard differ here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ContentHash(pub [u8; 32]);

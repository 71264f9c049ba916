//! What goes into the machine and what comes out of it.

use alloc::string::String;
use core::time::Duration;
use model::{
    CallId, E164, Key, Language, Money, PersonId, PlayId, Private, Script, Side, Timestamp, Tone,
    fact::{ConsentEvidence, EndReason, Epoch, KeyPath, NumberClass, OffReason, Refusal},
    speech::{ContentHash, OwnVoice},
};

use crate::{
    enrolment::{Enrolment, NameClip},
    limits::Timing,
    recording::Recording,
};

/// What a machine must know from the start.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The call.
    pub call: CallId,
    /// Facility's spoken name.
    pub facility: Private<String>,
    /// Version of the prompt pack, for the evidence.
    pub pack: ContentHash,
    /// Waits and limits.
    pub timing: Timing,
    /// What is known before anybody is asked.
    pub start: Start,
}

/// How a call begins: who calls and what they dial, as far as the station says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// Who calls.
    pub caller: Caller,
    /// What is dialled: by a hotline, or en bloc in the request of the station. `None` where the
    /// person is asked for a number.
    pub dialled: Option<Private<String>>,
    /// Whether `*` instead of a PIN leads to services that need none.
    pub help: bool,
}

/// Who calls, before anybody is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Caller {
    /// The person is asked for their PIN.
    #[default]
    AskPin,
    /// The person whom the station is assigned to.
    Known(Identified),
    /// Nobody is asked: nobody is identified, and nobody can pay.
    Nobody,
}

/// Something that happened.
#[derive(Debug)]
pub enum Input {
    /// A key was pressed. `onset` is when its tone began, not when the packet was handled.
    Key {
        /// On which leg.
        side: Side,
        /// Which key.
        key: Key,
        /// When it began.
        onset: Timestamp,
        /// How it came in.
        path: KeyPath,
    },
    /// A play ended, complete or not. Only packets sent to a live leg count as played.
    Played {
        /// On which leg.
        side: Side,
        /// Which play.
        play: PlayId,
        /// How it ended.
        end: PlayEnd,
    },
    /// The office answered the open question.
    Answer(Answer),
    /// The called party's phone rings.
    Ringing,
    /// The called party's phone was answered.
    CalledAnswered,
    /// The trunk could not connect.
    CalledFailed(TrunkFailure),
    /// A leg hung up.
    HungUp(Side),
    /// A leg goes to another address from now on: perhaps another phone, and somebody who has not
    /// heard the notice.
    LegMoved(Side),
    /// Sound begins, or ended, on a leg: speech, music, tones.
    Sound {
        /// On which leg.
        side: Side,
        /// Whether it begins.
        sounding: bool,
        /// Since when.
        since: Timestamp,
    },
    /// No audio arrived on a leg for too long; the last packet came at `last`.
    MediaLost {
        /// The silent leg.
        side: Side,
        /// When its last packet came.
        last: Timestamp,
    },
    /// The person has said their name, after [`Output::RecordName`]; `None` when nothing was heard.
    NameCaptured(Option<NameClip>),
    /// The time that `poll_timeout` named has come.
    Timeout,
    /// The call must end: the node stops, or staff cut the call.
    Stop(EndReason),
}

/// How a play ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlayEnd {
    /// Every packet was sent to a live leg; the last one has been heard by `ended`.
    Complete {
        /// What was played.
        content: ContentHash,
        /// When the last sample was over.
        ended: Timestamp,
    },
    /// It was stopped, or the leg was not live.
    Cut,
}

/// Why the trunk could not connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrunkFailure {
    /// 486, 600.
    Busy,
    /// 408, 480, 487 after our own time-out.
    NoAnswer,
    /// 404, 410, 484, 604.
    Unallocated,
    /// The called party's side refused: 603 and the like.
    Declined,
    /// The number is forwarded to another one: a 3xx, which is never followed unscreened.
    Forwarded,
    /// Everything else.
    Failed,
}

/// A question to the office. At most one is open per call.
#[derive(Debug)]
pub enum Question {
    /// Whose PIN is this? Answered by [`Answer::Person`], [`Answer::PinUnknown`] or
    /// [`Answer::PinLocked`].
    Identify {
        /// The keys as pressed.
        pin: Private<String>,
    },
    /// How much money does the person have? Answered by [`Answer::Balance`].
    Balance {
        /// The person.
        person: PersonId,
    },
    /// May this person call what they dialled? Screening, rating and holding in one, durable before
    /// the answer. Answered by [`Answer::Admitted`] or [`Answer::Denied`].
    Admit {
        /// The person, or `None` where nobody is identified.
        person: Option<PersonId>,
        /// The keys as pressed.
        dialled: Private<String>,
    },
    /// Make this acceptance durable, with the start of the recording if there is to be one.
    /// Answered by [`Answer::Committed`].
    Commit {
        /// What was played and pressed.
        evidence: ConsentEvidence,
        /// Whether a recording is to start, or why not.
        recording: Result<Epoch, OffReason>,
    },
    /// The called party wants no more calls: make that durable. Answered by [`Answer::Blocked`].
    Block,
    /// The person keeps the name that they recorded: store it, for staff to listen to. Answered by
    /// [`Answer::NameKept`].
    KeepName {
        /// The name.
        clip: NameClip,
    },
    /// The person wants their recorded name to be removed. Answered by [`Answer::NameRemoved`].
    RemoveName {
        /// The person.
        person: PersonId,
    },
}

/// The office's answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The person whose PIN it is.
    Person(Identified),
    /// Nobody at this facility has this PIN.
    PinUnknown,
    /// This station is locked after too many wrong PINs.
    PinLocked,
    /// What the person can spend.
    Balance(Money),
    /// The call may be placed.
    Admitted(Admission),
    /// The call may not be placed.
    Denied(Refusal),
    /// The acceptance is durable. `recording` says whether the recording may start: a start that
    /// could not be made durable comes back as a reason.
    Committed {
        /// What holds now.
        recording: Result<Epoch, OffReason>,
    },
    /// The called party's number is not called any more; `kept` says whether that is durable.
    Blocked {
        /// Whether it is on disk.
        kept: bool,
    },
    /// What became of a recorded name.
    NameKept {
        /// Whether it is stored; otherwise nothing of it is kept.
        kept: bool,
    },
    /// What became of a removal.
    NameRemoved {
        /// Whether it is durable.
        removed: bool,
    },
}

/// A person who gave their PIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// Who.
    pub person: PersonId,
    /// Their name, as it is announced.
    pub name: Private<String>,
    /// Their language.
    pub language: Language,
    /// How it stands with a name in their own voice.
    pub own_name: OwnName,
}

/// How it stands with a name that a person recorded. Only who gave their PIN is offered anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OwnName {
    /// The facility does not have such names.
    #[default]
    Off,
    /// There is none, and one may be recorded.
    Absent,
    /// One is stored, approved or not: it can be removed, and no other recorded.
    Stored,
}

/// A call that may be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The number to dial.
    pub number: Private<E164>,
    /// How the number stands.
    pub class: NumberClass,
    /// The registry epoch it was asked in, when the call may be recorded, or why it may not.
    pub may_record: Result<Epoch, OffReason>,
    /// What it costs.
    pub price: Price,
    /// Longest conversation that limit and money allow.
    pub talk_max: Duration,
    /// Language in which the called party is spoken to.
    pub called_language: Language,
    /// What answering means.
    pub connect: Connect,
    /// What they may choose.
    pub choices: Choices,
    /// The person's name in their own voice, where staff have approved it. Without it the name is
    /// spoken.
    pub voice: Option<OwnVoice>,
}

/// What answering means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Connect {
    /// Both hear the notice, and the called party accepts or does not.
    Announced,
    /// The two talk at once, as on a line for help: nothing is asked of who answers. It holds only
    /// for a call that is free and not recorded; any other is announced all the same.
    AtOnce,
}

/// What the called party may choose, and how. The default offers as little as can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// The key that accepts.
    pub accept: AcceptKey,
    /// Whether they may say by key that the call is private. It is offered only where the call
    /// would be recorded.
    pub private_claim: bool,
    /// How often both are reminded where the call comes from.
    pub reminder_every: Option<Duration>,
}

/// A key that can accept a call: `1`, or one that was drawn for this call so that no tone recorded
/// in a greeting accepts it. No other key of the dialogue is ever one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AcceptKey {
    /// `1`, as everybody expects.
    #[default]
    One,
    /// `5`.
    Five,
    /// `6`.
    Six,
    /// `8`.
    Eight,
}

impl AcceptKey {
    /// One of the keys that are drawn, by an octet of randomness.
    pub const fn drawn(randomness: u8) -> Self {
        match randomness % DRAWN_COUNT {
            0 => Self::Five,
            1 => Self::Six,
            _ => Self::Eight,
        }
    }

    /// Its label.
    pub const fn label(self) -> char {
        match self {
            Self::One => '1',
            Self::Five => '5',
            Self::Six => '6',
            Self::Eight => '8',
        }
    }
}

/// How many keys are drawn from.
const DRAWN_COUNT: u8 = 3;

/// What a call costs, as announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Price {
    /// Nothing.
    Free,
    /// So much per minute, everything included, paid by the person.
    PerMinute(Money),
}

/// Something to be done.
#[derive(Debug)]
pub enum Output {
    /// Play to a leg; what plays there is replaced. Answered by [`Input::Played`].
    Play {
        /// To which leg.
        side: Side,
        /// Number of this play.
        play: PlayId,
        /// What.
        script: Script,
    },
    /// Stop what plays on a leg.
    Hush(Side),
    /// What the person hears wherever nothing is played to them, from here on; `None` for nothing.
    /// It is no part of a script, and is never mixed into one.
    Tone(Option<Tone>),
    /// Ask the office.
    Ask(Question),
    /// Record the name that the person says next. Answered by [`Input::NameCaptured`].
    RecordName(Enrolment),
    /// Dial the trunk.
    Dial {
        /// The number.
        number: Private<E164>,
    },
    /// Join the two legs. The only way to a recording is inside.
    Bridge(Recording),
    /// Part the two legs and end what records them; what was asked for after it is still played.
    Unbridge,
    /// End a leg.
    HangUp {
        /// Which.
        side: Side,
        /// Why, for the wire.
        cause: HangUpCause,
    },
    /// Tell the office something it keeps.
    Event(CallEvent),
    /// The call is over; nothing comes after this.
    Finished(Finished),
}

/// Why a leg is ended, for the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HangUpCause {
    /// In the normal course.
    Normal,
    /// The node stops or has a fault.
    Fault,
}

/// Something the office keeps or shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallEvent {
    /// The called party answered.
    Answered {
        /// When.
        at: Timestamp,
    },
    /// The notice starts for the called party.
    NoticeStarted {
        /// Its language.
        language: Language,
    },
    /// The called party chose a language.
    LanguageChosen {
        /// Which.
        language: Language,
        /// When.
        at: Timestamp,
    },
    /// The called party said by key that the call is private.
    PrivateClaimed {
        /// When.
        at: Timestamp,
    },
    /// The conversation starts.
    TalkStarted {
        /// When.
        at: Timestamp,
        /// Why it is not recorded, if it is not.
        off: Option<OffReason>,
    },
    /// The conversation has lasted so long.
    Talked {
        /// How long.
        talked: Duration,
        /// When.
        at: Timestamp,
    },
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// When.
    pub at: Timestamp,
    /// Why; `None` when no call was admitted, so that there is nothing to settle. An admission that
    /// was asked for and never answered may have been made: then the reason is told too.
    pub reason: Option<EndReason>,
    /// Length of the conversation.
    pub talked: Duration,
    /// Key by which the called party decided.
    pub decision_key: Option<char>,
    /// Why it was not recorded although people talked.
    pub off: Option<OffReason>,
}

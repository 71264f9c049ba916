//! What a call does, step by step, for people who watch: the ladder of the demo, an operator who
//! looks for the reason why a phone fails. Steps hold no name, no number and no key's label.

use std::{fmt, sync::Arc};

use call::{CallEvent, Input, Output, PlayEnd, Question, Recording};
use model::{CallId, Language, Phrase, PromptId, Script, Side, Timestamp};

/// Who watches the steps of calls. Called on the switch's thread: it must not block.
pub type Watch = Arc<dyn Fn(&Step) + Send + Sync>;

/// One step of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// The call.
    pub call: CallId,
    /// The operator's key of the station, `agency/facility/unit/station`.
    pub station: String,
    /// What happened.
    pub kind: StepKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// The station called and was answered.
    StationCalled,
    /// A script starts on a leg.
    Plays {
        /// On which leg.
        side: Side,
        /// In which language.
        language: Language,
        /// Its fixed sentences, by name.
        prompts: Vec<&'static str>,
    },
    /// A script ended on a leg; `complete` when the leg was live to its end.
    Played {
        /// On which leg.
        side: Side,
        /// Whether every packet went to a live leg.
        complete: bool,
    },
    /// A key was pressed. Which one is personal.
    Key(Side),
    /// The office is asked.
    Asks(&'static str),
    /// The office answered.
    Answered,
    /// The person says their name, which is recorded.
    RecordsName,
    /// They have said it, or nothing.
    NameSaid {
        /// Whether anything was heard.
        heard: bool,
    },
    /// The called party is dialled.
    Dials,
    /// Their phone rings.
    Rings,
    /// The carrier said that the call was sent on to another number.
    Forwarded,
    /// Their phone was answered, which is not acceptance.
    CalledAnswers,
    /// The trunk could not connect.
    Fails,
    /// The legs are joined; `recorded` when the bridge carries a consent to the vault.
    Bridged {
        /// Whether with a consent.
        recorded: bool,
    },
    /// A leg hung up.
    HungUp(Side),
    /// A leg goes to another address.
    Moved(Side),
    /// The called party said that the call is private.
    Private,
    /// We end a leg.
    HangsUp(Side),
    /// The call is over.
    Over,
}

impl StepKind {
    /// The step behind an input of the machine, if people care for it.
    pub(crate) fn of_input(input: &Input) -> Option<Self> {
        Some(match input {
            Input::Key { side, .. } => Self::Key(*side),
            Input::Played { side, end, .. } => {
                Self::Played { side: *side, complete: matches!(end, PlayEnd::Complete { .. }) }
            }
            Input::Answer(_) => Self::Answered,
            Input::NameCaptured(clip) => Self::NameSaid { heard: clip.is_some() },
            Input::Ringing => Self::Rings,
            Input::CalledAnswered => Self::CalledAnswers,
            Input::CalledFailed(_) => Self::Fails,
            Input::HungUp(side) => Self::HungUp(*side),
            Input::LegMoved(side) => Self::Moved(*side),
            Input::Sound { .. } | Input::MediaLost { .. } | Input::Timeout | Input::Stop(_) => {
                return None;
            }
        })
    }

    /// The step behind an output of the machine, if people care for it.
    pub(crate) fn of_output(output: &Output) -> Option<Self> {
        Some(match output {
            Output::Play { side, script, .. } => Self::of_script(*side, script),
            Output::Ask(question) => Self::Asks(match question {
                Question::Identify { .. } => "whose PIN is this",
                Question::Balance { .. } => "what is the balance",
                Question::Admit { .. } => "may this call be placed",
                Question::Commit { .. } => "make the acceptance durable",
                Question::Block => "call this number no more",
                Question::KeepName { .. } => "keep this name for staff",
                Question::RemoveName { .. } => "remove the recorded name",
            }),
            Output::RecordName(_) => Self::RecordsName,
            Output::Dial { .. } => Self::Dials,
            Output::Bridge(recording) => {
                Self::Bridged { recorded: matches!(recording, Recording::Consented(_)) }
            }
            Output::HangUp { side, .. } => Self::HangsUp(*side),
            Output::Event(CallEvent::PrivateClaimed { .. }) => Self::Private,
            Output::Finished(_) => Self::Over,
            Output::Unbridge | Output::Hush(_) | Output::Tone(_) | Output::Event(_) => {
                return None;
            }
        })
    }

    fn of_script(side: Side, script: &Script) -> Self {
        let prompt = |phrase: &Phrase| match phrase {
            Phrase::Prompt(id) | Phrase::PromptInOther(id) => Some(PromptId::name(*id)),
            Phrase::Digits(_)
            | Phrase::Amount(_)
            | Phrase::Length(_)
            | Phrase::Name(_)
            | Phrase::Pause(_)
            | Phrase::Recorded(_) => None,
        };
        let prompts = script.phrases.iter().filter_map(prompt).collect();
        Self::Plays { side, language: script.language, prompts }
    }
}

impl fmt::Display for StepKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StationCalled => f.write_str("station -> node    calls, and is answered"),
            Self::Plays { side: Side::Station, language, prompts } => {
                write!(f, "station <- node    ({}) {}", language.code(), prompts.join(" "))
            }
            Self::Plays { side: Side::Called, language, prompts } => {
                write!(f, "           node -> called   ({}) {}", language.code(), prompts.join(" "))
            }
            Self::Played { side, complete } => {
                let end = if *complete { "heard to its end" } else { "cut" };
                write!(f, "           node              {} leg: {end}", side_name(*side))
            }
            Self::Key(Side::Station) => f.write_str("station -> node    presses keys"),
            Self::Key(Side::Called) => f.write_str("           node <- called   presses keys"),
            Self::Asks(question) => {
                write!(f, "           node              asks the desk: {question}")
            }
            Self::Answered => f.write_str("           node              the desk has answered"),
            Self::RecordsName => {
                f.write_str("station -> node    says their name, with nobody else in the call")
            }
            Self::NameSaid { heard } => {
                let what = if *heard { "the name was heard" } else { "nothing was heard" };
                write!(f, "           node              {what}")
            }
            Self::Dials => f.write_str("           node -> called   dials"),
            Self::Rings => f.write_str("           node <- called   rings"),
            Self::Forwarded => {
                f.write_str("           node <- called   was sent on to another number")
            }
            Self::CalledAnswers => {
                f.write_str("           node <- called   answers (which is not acceptance)")
            }
            Self::Fails => f.write_str("           node <- called   cannot be reached"),
            Self::Bridged { recorded: true } => {
                f.write_str("station == node == called   talk, sealed as it is spoken")
            }
            Self::Bridged { recorded: false } => {
                f.write_str("station == node == called   talk, with no recorder attached")
            }
            Self::HungUp(Side::Station) => f.write_str("station -> node    hangs up"),
            Self::HungUp(Side::Called) => f.write_str("           node <- called   hangs up"),
            Self::Moved(Side::Station) => {
                f.write_str("station -> node    moves to another address")
            }
            Self::Moved(Side::Called) => {
                f.write_str("           node <- called   moves to another address")
            }
            Self::Private => {
                f.write_str("           node              the call is private: unrecorded")
            }
            Self::HangsUp(Side::Station) => f.write_str("station <- node    ends the leg"),
            Self::HangsUp(Side::Called) => f.write_str("           node -> called   ends the leg"),
            Self::Over => f.write_str("           node              the call is over and settled"),
        }
    }
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Station => "station",
        Side::Called => "called",
    }
}

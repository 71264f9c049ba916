//! What happened, in order: all that the auditor reads.

use super::label::Label;
use line::WireId;
use model::Timestamp;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};

/// One of the two ends: the node, or the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Who {
    Node,
    Other,
}

impl Who {
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Node => Self::Other,
            Self::Other => Self::Node,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Tape {
    pub(super) moments: Vec<Moment>,
}

#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub(super) at: Timestamp,
    pub(super) what: What,
}

#[derive(Clone, Debug, Hash)]
pub(super) enum What {
    /// An end sent a datagram, of which so many copies will arrive.
    Sent { by: Who, label: Label, copies: usize },
    /// A datagram arrived.
    Arrived { to: Who, label: Label },
    /// An engine told its owner of a wire.
    Told { who: Who, wire: WireId, news: News },
    /// The owner of an engine wanted something of a wire.
    Wanted { who: Who, wire: WireId, wish: Wish },
    /// A wire belongs to the call with this Call-ID.
    Bound { who: Who, wire: WireId, call: String },
    /// An end is gone.
    Crashed { who: Who },
    /// The telephone is through with a call of its own making, or with one that it took.
    PhoneOver { call: String },
}

/// What a line told, without what it said of audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum News {
    Incoming,
    Ringing,
    Answered,
    Failed(u16),
    Reoffered,
    Key,
    HungUp,
    /// Of a trunk, or that a call was sent on.
    Aside,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Wish {
    Dial,
    Ring,
    Answer,
    Reject,
    Reanswer,
    HangUp,
}

impl Tape {
    pub(super) fn add(&mut self, at: Timestamp, what: What) {
        self.moments.push(Moment { at, what });
    }

    pub(super) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for moment in &self.moments {
            (moment.at, &moment.what).hash(&mut hasher);
        }
        hasher.finish()
    }

    pub(super) fn ladder(&self) -> Vec<String> {
        let start = self.moments.first().map_or(Timestamp::default(), |moment| moment.at);
        let line = |moment: &Moment| {
            let mut text = format!("{:>12.6}  ", moment.at.since(start).as_secs_f64());
            // Writing to a string does not fail.
            let _ = match &moment.what {
                What::Sent { by, label, copies: 0 } => write!(text, "{by:?} sends {label}: LOST"),
                What::Sent { by, label, copies: 1 } => write!(text, "{by:?} sends {label}"),
                What::Sent { by, label, copies } => {
                    write!(text, "{by:?} sends {label}, which comes {copies} times")
                }
                What::Arrived { to, label } => write!(text, "    {to:?} gets {label}"),
                What::Bound { who, wire, call } => {
                    write!(text, "    {who:?}: {wire:?} is {}", call.get(..6).unwrap_or(call))
                }
                other @ (What::Told { .. }
                | What::Wanted { .. }
                | What::Crashed { .. }
                | What::PhoneOver { .. }) => write!(text, "    {other:?}"),
            };
            text
        };
        self.moments.iter().map(line).collect()
    }
}

/// What can occur on a bad link, and must in enough seeds, or nothing is proved of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WireSeen {
    /// A datagram was lost.
    Lost,
    /// One came twice.
    Twice,
    /// One was overtaken by a later one of the same end.
    Overtaken,
    /// A call was answered at both ends.
    Talked,
    /// A call failed because it was refused.
    Refused,
    /// A call failed because nobody answered in time.
    Unanswered,
    /// The caller gave up before the answer.
    Cancelled,
    /// A 200 and a CANCEL crossed.
    Crossed,
    /// Both ends hung up at once: their BYEs crossed.
    ByesCrossed,
    /// An engine's answer was never acknowledged.
    Unacknowledged,
    /// The other end was gone without a word.
    Crashed,
    /// A call ended because nobody refreshed its session, or nobody knew it any more.
    SessionLost,
    /// A session was refreshed.
    Refreshed,
    /// A telephone described its audio anew.
    Reoffered,
    /// A key came by INFO.
    Key,
    /// A provisional response was acknowledged (PRACK).
    Prack,
}

//! What happened, in order: all that the auditor reads.

use super::label::Label;
use line::WireId;
use model::Timestamp;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};

/// One of the ends: the node, the other one, or the telephone behind the node's second trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Who {
    Node,
    Other,
    Spare,
}

/// A wire of an engine. One that was started again counts its wires anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Leg {
    /// How often its end was started again before.
    pub(super) life: u32,
    pub(super) wire: WireId,
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
    Sent { by: Who, to: Who, label: Label, copies: usize },
    /// A datagram arrived.
    Arrived { by: Who, to: Who, label: Label },
    /// An engine told its owner of a wire.
    Told { who: Who, leg: Leg, news: News },
    /// The owner of an engine wanted something of a wire.
    Wanted { who: Who, leg: Leg, wish: Wish },
    /// A wire belongs to the call with this Call-ID, which is with that end. One that is tried on
    /// another trunk belongs to another call from then on.
    Bound { who: Who, leg: Leg, call: String, with: Who },
    /// An end is gone.
    Crashed { who: Who },
    /// It is there again, and knows of nothing.
    Restarted { who: Who },
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
                What::Sent { by, to, label, copies: 0 } => {
                    write!(text, "{by:?} sends {to:?} {label}: LOST")
                }
                What::Sent { by, to, label, copies: 1 } => {
                    write!(text, "{by:?} sends {to:?} {label}")
                }
                What::Sent { by, to, label, copies } => {
                    write!(text, "{by:?} sends {to:?} {label}, which comes {copies} times")
                }
                What::Arrived { by, to, label } => {
                    write!(text, "    {to:?} gets {label} of {by:?}")
                }
                What::Bound { who, leg, call, with } => {
                    let call = call.get(..6).unwrap_or(call);
                    write!(text, "    {who:?}: {leg:?} is {call} with {with:?}")
                }
                other @ (What::Told { .. }
                | What::Wanted { .. }
                | What::Crashed { .. }
                | What::Restarted { .. }
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
    /// The node was, and was started again.
    Restarted,
    /// A request of a call that it did not know any more was refused (481).
    Stray,
    /// An INVITE from before came again, and was a new call to it.
    Anew,
    /// A trunk could not take a call, and another one got it.
    WentOn,
    /// A trunk said nothing, or only that it tries, and another one got the call.
    Hung,
    /// A call that went on had no trunk left.
    NoneLeft,
    /// What a trunk was asked for was taken back by CANCEL, because another one got the call.
    TakenBack,
    /// It had answered meanwhile, and was hung up on.
    TakenBackLate,
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

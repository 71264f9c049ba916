//! One call in progress: its machine, its two legs and the two phones at their ends.

use crate::{
    habit::{NameHabit, PartyHabit, PersonHabit},
    tape::Handled,
};
use call::{Answer, Input, Machine, PlayEnd, TrunkFailure};
use model::{CallId, Key, PlayId, Side, Timestamp, fact::EndReason};

#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) call: CallId,
    /// Place of the station in the county.
    pub(crate) station: usize,
    /// `None` once it is over, for whatever reason.
    pub(crate) machine: Option<Machine>,
    /// When the machine wants to be woken.
    pub(crate) until: Option<Timestamp>,
    /// When it will be.
    pub(crate) wake: Option<Timestamp>,
    pub(crate) stage: Stage,
    pub(crate) station_leg: Leg,
    pub(crate) called_leg: Leg,
    pub(crate) person: PersonHabit,
    pub(crate) party: PartyHabit,
    pub(crate) pins_typed: u32,
    pub(crate) numbers_typed: u32,
    pub(crate) notices_heard: u32,
    pub(crate) switches_left: u8,
    /// The accepting key that the last notice named.
    pub(crate) accept: Option<Key>,
    /// When the called leg was moved last.
    pub(crate) moved: Option<Timestamp>,
    pub(crate) talk: Option<Talk>,
    /// Outputs until a fault of ours.
    pub(crate) panic_in: Option<u32>,
    /// What they do about their name, once they are at it.
    pub(crate) naming: Option<NameHabit>,
}

/// How far the call has come, for the counts alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Menu,
    Admitted,
    Ringing,
    Notice,
    Committing,
    Talking,
    Over,
}

/// One leg. What the phone does and what the node knows are two things.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Leg {
    /// The phone is off the hook, or rings.
    pub(crate) phone_up: bool,
    /// The node has not closed its end.
    pub(crate) node_up: bool,
    /// Audio flows.
    pub(crate) connected: bool,
    /// Since when the phone has sent nothing.
    pub(crate) silent_since: Option<Timestamp>,
    /// How fast scripts are spoken to it, in percent of the usual time, so that either notice may
    /// be the longer one.
    pub(crate) pace_percent: u32,
    /// Media has reported that silence.
    pub(crate) lost: bool,
    pub(crate) playing: Option<Playing>,
    /// Events of media about one leg stay in order: when the last one arrives.
    pub(crate) arrives: Timestamp,
}

/// A script that plays on a leg.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Playing {
    pub(crate) play: PlayId,
    pub(crate) content: model::speech::ContentHash,
    pub(crate) ends: Timestamp,
    pub(crate) notice: bool,
}

/// Two legs that are joined.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Talk {
    pub(crate) since: Timestamp,
    /// Whether the vault seals, and for at most how many seconds until its disk fails.
    pub(crate) sealing: Option<u64>,
}

impl Live {
    pub(crate) fn leg(&mut self, side: Side) -> &mut Leg {
        match side {
            Side::Station => &mut self.station_leg,
            Side::Called => &mut self.called_leg,
        }
    }
}

impl Leg {
    /// Whether media would say that this leg was there at `at`.
    pub(crate) fn is_live(&self, at: Timestamp) -> bool {
        let silent = |since: Timestamp| at.since(since) > LIVE_WITHIN;
        self.connected && !self.silent_since.is_some_and(silent)
    }
}

/// What the tape says of an input.
pub(crate) fn handled(input: &Input) -> Handled {
    match input {
        Input::Key { .. } => Handled::Key,
        Input::Played { side, play, end: PlayEnd::Complete { ended, .. } } => {
            Handled::PlayedWhole { side: *side, play: *play, ended: *ended }
        }
        Input::Played { side, play, end: PlayEnd::Cut } => {
            Handled::PlayedCut { side: *side, play: *play }
        }
        Input::Answer(answer) => match answer {
            Answer::Person(who) => Handled::Person { person: who.person, name: who.own_name },
            Answer::PinUnknown => Handled::PinRefused,
            Answer::PinLocked => Handled::PinLocked,
            Answer::Balance(_) => Handled::Balance,
            Answer::Admitted(_) => Handled::Admitted,
            Answer::Denied(_) => Handled::Denied,
            Answer::Blocked { kept } => Handled::Blocked { kept: *kept },
            Answer::NameKept { kept } => Handled::NameKept { kept: *kept },
            Answer::NameRemoved { removed } => Handled::NameRemoved { removed: *removed },
            Answer::Committed { recording } => Handled::Committed { recording: recording.is_ok() },
        },
        Input::Ringing => Handled::Ringing,
        Input::CalledAnswered => Handled::Answered,
        Input::CalledFailed(TrunkFailure::Busy) => Handled::Busy,
        Input::CalledFailed(TrunkFailure::NoAnswer) => Handled::NoAnswer,
        Input::CalledFailed(TrunkFailure::Unallocated) => Handled::Unallocated,
        Input::CalledFailed(TrunkFailure::Declined) => Handled::Declined,
        Input::CalledFailed(TrunkFailure::Forwarded) => Handled::Forwarded,
        Input::CalledFailed(TrunkFailure::Failed) => Handled::TrunkFailed,
        Input::HungUp(side) => Handled::HungUp(*side),
        Input::MediaLost { side, .. } => Handled::MediaLost(*side),
        Input::LegMoved(side) => Handled::Moved(*side),
        Input::Sound { side, sounding, since } => {
            Handled::Sound { side: *side, sounding: *sounding, since: *since }
        }
        Input::NameCaptured(clip) => Handled::NameCaptured { said: clip.is_some() },
        Input::Timeout => Handled::Timeout,
        Input::Stop(EndReason::CutByStaff) => Handled::Cut,
        Input::Stop(_) => Handled::Stopped,
    }
}

/// A leg is live when it sent something within so long.
const LIVE_WITHIN: core::time::Duration = core::time::Duration::from_millis(1_500);
/// Silence that ends a call.
pub(crate) const LOST_AFTER: core::time::Duration = core::time::Duration::from_secs(10);

//! What ought to happen to one call: a second, much simpler account of the dialogue than the
//! machine's.
//!
//! It knows no prompts, attempts and waits. From what the phones did and what the node handled it
//! says two things: whether the called party accepted, and why the call must end, where somebody
//! ends it. Ends that come with time alone are only checked for a cause.

use crate::{
    sound::Told,
    tape::{Content, Handled},
};
use core::time::Duration;
use model::{
    Key, PlayId, Side,
    Side::{Called, Station},
    Timestamp,
    fact::{EndReason, KeyPath},
};

/// The course of one call.
#[derive(Debug, Default)]
pub(crate) struct Reference {
    pub(crate) station: Notice,
    pub(crate) called: Notice,
    /// When `1` was pressed at the called party's phone.
    presses: Vec<Timestamp>,
    dialled: Option<Timestamp>,
    answered: bool,
    /// Both were once reported to have heard a whole notice.
    heard: bool,
    pub(crate) accepted: Option<Accepted>,
    pub(crate) bridged: Option<Timestamp>,
    /// `1` was handled after the end and had begun before it.
    pub(crate) onset_before: bool,
    /// Nothing can end the call any more, because it is ending.
    closing: bool,
    /// Why the call must end.
    pub(crate) predicted: Option<EndReason>,
}

/// The latest notice on one leg.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Notice {
    play: Option<PlayId>,
    pub(crate) content: Option<Content>,
    pub(crate) told: Option<Told>,
    /// When the phone had heard all of it.
    heard: Option<Timestamp>,
    /// When the node was told that it ended whole.
    reported: Option<Timestamp>,
}

/// An acceptance, as the node saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accepted {
    pub(crate) onset: Timestamp,
    /// Both phones had heard the notice, and the key was pressed after it.
    pub(crate) true_to_life: bool,
    /// It came as SIP INFO and was pressed before the end.
    pub(crate) early_info: bool,
}

impl Reference {
    pub(crate) fn plays(
        &mut self,
        side: Side,
        play: PlayId,
        content: Content,
        told: Option<Told>,
        farewell: bool,
    ) {
        self.closing |= farewell;
        if told.is_some() {
            let notice = Notice {
                play: Some(play),
                content: Some(content),
                told,
                heard: None,
                reported: None,
            };
            *self.notice(side) = notice;
        }
    }

    pub(crate) fn heard(&mut self, at: Timestamp, side: Side, play: PlayId) {
        let notice = self.notice(side);
        if notice.play == Some(play) {
            notice.heard = Some(at);
        }
    }

    pub(crate) fn pressed(&mut self, at: Timestamp, side: Side, key: Key) {
        if side == Called && key.label() == '1' {
            self.presses.push(at);
        }
    }

    pub(crate) fn key(
        &mut self,
        now: Timestamp,
        side: Side,
        key: Key,
        onset: Timestamp,
        path: KeyPath,
    ) {
        let decided = self.accepted.is_some() || self.bridged.is_some();
        if side != Called || !self.answered || self.closing || decided {
            return;
        }
        if key.label() == '2' {
            self.ends(EndReason::RefusedByKey);
        }
        let (Some(station), Some(called)) = (self.station.reported, self.called.reported) else {
            return;
        };
        if key.label() != '1' || onset < station || onset < called {
            self.onset_before |= key.label() == '1';
            return;
        }
        let pressed = match path {
            KeyPath::Info | KeyPath::Inband => {
                let near = |press: &&Timestamp| now.since(**press) <= INFO_LATE_MAX;
                self.presses.iter().rev().find(near).copied()
            }
            KeyPath::TelephoneEvent => self.presses.iter().find(|press| **press == onset).copied(),
        };
        let heard = self.station.heard.zip(self.called.heard);
        let ended = heard.map(|(station, called)| station.max(called));
        let after = ended.zip(pressed).is_some_and(|(ended, pressed)| pressed >= ended);
        let early_info = !after && path == KeyPath::Info && pressed.is_some() && ended.is_some();
        let true_to_life = after || early_info;
        self.accepted = Some(Accepted { onset, true_to_life, early_info });
    }

    pub(crate) fn handled(&mut self, input: Handled) {
        match input {
            Handled::PlayedWhole { side, play, ended } => self.reported(side, play, ended),
            Handled::Answered => self.answered |= self.dialled.is_some() && !self.closing,
            Handled::Busy => self.trunk_fails(EndReason::Busy),
            Handled::NoAnswer => self.trunk_fails(EndReason::NoAnswer),
            Handled::Unallocated => self.trunk_fails(EndReason::Unallocated),
            Handled::TrunkFailed => self.trunk_fails(EndReason::TrunkFailed),
            Handled::HungUp(Station) => self.ends(EndReason::StationHungUp),
            Handled::HungUp(Called) if self.dialled.is_some() => {
                self.called_gone(EndReason::TrunkFailed, EndReason::CalledHungUp);
            }
            Handled::MediaLost(Called) if self.answered => {
                self.called_gone(EndReason::MediaLost, EndReason::MediaLost);
            }
            Handled::MediaLost(Station) => self.ends(EndReason::MediaLost),
            Handled::Stopped => self.ends(EndReason::NodeStopping),
            Handled::HungUp(Called)
            | Handled::MediaLost(Called)
            | Handled::Timeout
            | Handled::Key
            | Handled::PlayedCut { .. }
            | Handled::Person
            | Handled::PinRefused
            | Handled::PinLocked
            | Handled::Balance
            | Handled::Admitted
            | Handled::Denied
            | Handled::Committed { .. }
            | Handled::Ringing => {}
        }
    }

    pub(crate) fn dialled(&mut self, at: Timestamp) {
        self.dialled = Some(at);
    }

    pub(crate) fn leg_ended(&mut self) {
        self.closing = true;
    }

    /// Whether a call that nobody ended may have ended for this reason at this time.
    pub(crate) fn has_cause(&self, reason: EndReason, at: Timestamp) -> bool {
        match reason {
            EndReason::NoAnswer => {
                !self.answered && self.dialled.is_some_and(|dialled| at.since(dialled) >= RING_MAX)
            }
            EndReason::NotAccepted => self.heard && self.accepted.is_none(),
            EndReason::NoticeCutShort => self.answered && !self.heard,
            EndReason::LimitReached => self.bridged.is_some(),
            // The office did not answer in time.
            EndReason::Fault => self.dialled.is_none(),
            EndReason::StationHungUp
            | EndReason::CalledHungUp
            | EndReason::RefusedByKey
            | EndReason::Busy
            | EndReason::Unallocated
            | EndReason::TrunkFailed
            | EndReason::MediaLost
            | EndReason::NodeStopping
            | EndReason::NodeDied => false,
        }
    }

    fn notice(&mut self, side: Side) -> &mut Notice {
        match side {
            Station => &mut self.station,
            Called => &mut self.called,
        }
    }

    fn reported(&mut self, side: Side, play: PlayId, ended: Timestamp) {
        let notice = self.notice(side);
        if notice.play == Some(play) {
            notice.reported = Some(ended);
        }
        self.heard |= self.station.reported.is_some() && self.called.reported.is_some();
    }

    fn trunk_fails(&mut self, reason: EndReason) {
        if self.dialled.is_some() && !self.answered {
            self.ends(reason);
        }
    }

    /// The called party is gone: before the answer, before their decision, or after it.
    fn called_gone(&mut self, unanswered: EndReason, decided: EndReason) {
        let undecided = if self.heard { EndReason::NotAccepted } else { EndReason::NoticeCutShort };
        self.ends(if !self.answered {
            unanswered
        } else if self.accepted.is_none() && self.bridged.is_none() {
            undecided
        } else {
            decided
        });
    }

    fn ends(&mut self, reason: EndReason) {
        if !self.closing && self.predicted.is_none() {
            self.predicted = Some(reason);
            self.closing = true;
        }
    }
}

/// A key that came as SIP INFO was pressed at most so long before.
const INFO_LATE_MAX: Duration = Duration::from_secs(3);
/// Ringing is given up after that.
const RING_MAX: Duration = Duration::from_secs(45);

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
    /// What tells the called party again which keys there are, and its end once it is reported.
    keys: Option<(PlayId, Option<Timestamp>)>,
    /// When which keys were pressed at the called party's phone.
    presses: Vec<(Timestamp, Key)>,
    /// When the carrier moved the called leg.
    moves: Vec<Timestamp>,
    /// Since when the called party is asked whether they want no more calls.
    confirming: Option<Timestamp>,
    /// They confirmed it.
    pub(crate) blocking: bool,
    /// They said that the call is private.
    pub(crate) claimed: bool,
    /// A leg was moved before the decision.
    pub(crate) moved: bool,
    /// A leg was moved between the accepting key and the conversation.
    pub(crate) moved_after_key: bool,
    /// A key decided nothing because it came too early.
    early: bool,
    /// How long the called party's side has sounded, and since when it sounds.
    sounded: Duration,
    sounding: Option<Timestamp>,
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
    began: Option<Timestamp>,
    pub(crate) accept: Option<Key>,
    private: bool,
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

/// What plays on a leg.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Play {
    pub(crate) play: PlayId,
    pub(crate) content: Content,
    /// The accepting key that it names.
    pub(crate) accept: Option<Key>,
    /// It tells again which keys there are.
    pub(crate) keys: bool,
    /// It offers to say that the call is private.
    pub(crate) private: bool,
    /// It asks whether no more calls are wanted.
    pub(crate) confirm: bool,
}

impl Reference {
    pub(crate) fn plays(
        &mut self,
        at: Timestamp,
        side: Side,
        what: Play,
        told: Option<Told>,
        farewell: bool,
    ) {
        let Play { play, content, accept, keys, private, confirm } = what;
        self.closing |= farewell;
        if keys {
            self.keys = Some((play, None));
        }
        if told.is_some() {
            let notice = Notice {
                play: Some(play),
                began: Some(at),
                accept,
                private,
                content: Some(content),
                told,
                heard: None,
                reported: None,
            };
            *self.notice(side) = notice;
            (self.confirming, self.keys) = (None, None);
        }
        if confirm {
            // What was heard before is worth nothing any more.
            self.confirming = Some(at);
            (self.station, self.called) = Default::default();
        }
    }

    /// The carrier moved a leg.
    pub(crate) fn phone_moved(&mut self, at: Timestamp, side: Side) {
        if side == Called {
            self.moves.push(at);
        }
    }

    pub(crate) fn heard(&mut self, at: Timestamp, side: Side, play: PlayId) {
        let notice = self.notice(side);
        if notice.play == Some(play) {
            notice.heard = Some(at);
        }
    }

    pub(crate) fn pressed(&mut self, at: Timestamp, side: Side, key: Key) {
        if side == Called {
            self.presses.push((at, key));
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
        let decided = self.accepted.is_some() || self.blocking || self.bridged.is_some();
        if side != Called || !self.answered || self.closing || decided {
            return;
        }
        if let Some(since) = self.confirming {
            match key.label() {
                _ if onset < since => {}
                '0' => self.blocking = true,
                '2' => self.ends(EndReason::RefusedByKey),
                _ => {}
            }
            return;
        }
        if key.label() == '2' {
            self.ends(EndReason::RefusedByKey);
        }
        if key.label() == '3' && self.called.private {
            self.claimed = true;
        }
        self.early |= self.called.reported.is_none_or(|ended| onset < ended)
            || self.station.reported.is_none_or(|ended| onset < ended);
        let (Some(station), Some(called)) = (self.station.reported, self.called.reported) else {
            return;
        };
        let told = match self.keys {
            None => Some(station.max(called)),
            Some((_, ended)) => ended.map(|ended| station.max(called).max(ended)),
        };
        let yes = Some(key) == self.called.accept;
        if !yes || told.is_none_or(|told| onset < told.after(ACCEPT_GAP)) {
            self.onset_before |= yes;
            return;
        }
        let pressed = match path {
            KeyPath::Info | KeyPath::Inband => {
                let near = |press: &&(Timestamp, Key)| {
                    press.1 == key && now.since(press.0) <= INFO_LATE_MAX
                };
                self.presses.iter().rev().find(near).map(|(at, _)| *at)
            }
            KeyPath::TelephoneEvent => {
                let this = |press: &&(Timestamp, Key)| **press == (onset, key);
                self.presses.iter().find(this).map(|(at, _)| *at)
            }
        };
        // Whoever was put on the leg after the notice began has not heard all of it.
        let began = self.called.began;
        let other = |press: Timestamp| {
            let within = |moved: &Timestamp| began.is_some_and(|began| *moved > began);
            self.moves.iter().any(|moved| within(moved) && *moved < press)
        };
        let heard = self.station.heard.zip(self.called.heard);
        let ended = heard.map(|(station, called)| station.max(called));
        let after = ended.zip(pressed).is_some_and(|(ended, pressed)| pressed >= ended);
        let early_info = !after && path == KeyPath::Info && pressed.is_some() && ended.is_some();
        let same = !pressed.is_some_and(other);
        let true_to_life = (after || early_info) && same;
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
            Handled::Declined => self.trunk_fails(EndReason::Declined),
            Handled::Forwarded => self.trunk_fails(EndReason::Forwarded),
            Handled::Moved(_) => self.leg_moved(),
            Handled::Sound { side: Called, sounding, since } => self.sound(sounding, since),
            Handled::Cut => self.ends(EndReason::CutByStaff),
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
            | Handled::Person { .. }
            | Handled::PinRefused
            | Handled::PinLocked
            | Handled::Balance
            | Handled::Admitted
            | Handled::Denied
            | Handled::Committed { .. }
            | Handled::Blocked { .. }
            | Handled::Sound { .. }
            | Handled::NameCaptured { .. }
            | Handled::NameKept { .. }
            | Handled::NameRemoved { .. }
            | Handled::Ringing => {}
        }
    }

    /// Whether somebody else is in the call, or was to be.
    pub(crate) fn is_dialled(&self) -> bool {
        self.dialled.is_some()
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
            EndReason::NotAccepted => self.heard && self.accepted.is_none() && !self.blocking,
            EndReason::NoticeCutShort => self.answered && !self.heard && !self.blocking,
            EndReason::BlockedByKey => self.blocking,
            EndReason::LooksLikeMachine => {
                let sounding = self.sounding.map_or(Duration::ZERO, |since| at.since(since));
                let greeted = self.sounded + sounding >= GREETING;
                self.heard && self.accepted.is_none() && !self.blocking && (self.early || greeted)
            }
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
            | EndReason::NodeDied
            | EndReason::Declined
            | EndReason::Forwarded
            | EndReason::CutByStaff => false,
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
        if let Some((_, told)) = self.keys.as_mut().filter(|(keys, _)| *keys == play) {
            *told = Some(ended);
        }
        self.heard |= self.station.reported.is_some() && self.called.reported.is_some();
    }

    /// Both must hear a notice again, or nothing is recorded any more.
    fn leg_moved(&mut self) {
        if !self.answered || self.closing || self.blocking || self.bridged.is_some() {
            return;
        }
        if self.accepted.is_some() {
            self.moved_after_key = true;
        } else {
            self.moved = true;
            (self.station.reported, self.called.reported) = (None, None);
        }
    }

    fn sound(&mut self, sounding: bool, since: Timestamp) {
        let before = self.sounding.take().filter(|_| !sounding);
        self.sounded += before.map_or(Duration::ZERO, |began| since.since(began));
        self.sounding = sounding.then_some(since);
    }

    fn trunk_fails(&mut self, reason: EndReason) {
        if self.dialled.is_some() && !self.answered {
            self.ends(reason);
        }
    }

    /// The called party is gone: before the answer, before their decision, or after it.
    fn called_gone(&mut self, unanswered: EndReason, decided: EndReason) {
        if self.blocking && self.accepted.is_none() {
            return self.ends(EndReason::BlockedByKey);
        }
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
/// A key decides only so long after the notice.
const ACCEPT_GAP: Duration = Duration::from_millis(100);
/// Sound that lasts so long is like a greeting.
const GREETING: Duration = Duration::from_secs(6);
/// Ringing is given up after that.
const RING_MAX: Duration = Duration::from_secs(45);

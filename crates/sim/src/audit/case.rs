//! One call before the auditor.

use super::{Rule, air::Air, facts, names::Naming};
use crate::{reference::Reference, seen::Seen, tape::Content};
use core::time::Duration;
use model::{
    E164, Key, PlayId, Side, Timestamp,
    fact::{Admitted, ConsentEvidence, EndReason, Ended, Epoch, OffReason, Rest},
};

/// All that is known of a call.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub(super) taken: bool,
    pub(super) reference: Reference,
    pub(super) number: Option<E164>,
    /// Its admission, and when it was on disk.
    pub(super) admitted: Option<(&'a Admitted, Timestamp)>,
    pub(super) admissions: u32,
    pub(super) accepted: Option<(&'a ConsentEvidence, Result<Epoch, OffReason>, Timestamp)>,
    /// The last mark on disk.
    pub(super) mark: Duration,
    pub(super) ended: Option<&'a Ended>,
    pub(super) ends: u32,
    /// The legs were joined with a consent.
    pub(super) consent: bool,
    /// When they were not joined any more.
    pub(super) parted: Option<Timestamp>,
    pub(super) recorded: bool,
    /// Why the vault would not begin.
    pub(super) off: Option<OffReason>,
    pub(super) finished: Option<LastWord>,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) finishes: u32,
    /// Its node died, or an append failed, before its end was on disk.
    pub(super) excused: bool,
    /// Since when the phone sends no audio.
    pub(super) station_silent: Option<Timestamp>,
    pub(super) called_silent: Option<Timestamp>,
    /// Since when the phone that media first reported had sent none.
    pub(super) lost: Option<Timestamp>,
    pub(super) panicked: bool,
    pub(super) killed: bool,
    /// When it was taken.
    pub(super) begun: Timestamp,
    /// It was dialled while its admission could not be written.
    pub(super) unwritten: bool,
    pub(super) naming: Naming,
    pub(super) air: Air,
}

/// Why it ended, how long was talked, and why it was not recorded.
type LastWord = (Option<EndReason>, Duration, Option<OffReason>);

type Objection = (Rule, String);

impl Case<'_> {
    pub(super) fn is_running(&self) -> bool {
        self.taken && self.finishes == 0 && !self.panicked && !self.killed
    }

    pub(super) fn silent(&mut self, side: Side) -> &mut Option<Timestamp> {
        match side {
            Side::Station => &mut self.station_silent,
            Side::Called => &mut self.called_silent,
        }
    }

    pub(super) fn pressed(&mut self, at: Timestamp, side: Side, key: Key) {
        self.reference.pressed(at, side, key);
        if side == Side::Station {
            self.naming.pressed(at, key);
        }
    }

    pub(super) fn heard(&mut self, at: Timestamp, side: Side, play: PlayId) {
        self.reference.heard(at, side, play);
        if side == Side::Station {
            self.naming.heard(at, play);
        }
    }

    /// The machine said its last word.
    pub(super) fn finishes(&mut self, at: Timestamp, said: LastWord) {
        self.finishes += 1;
        (self.finished, self.finished_at) = (Some(said), Some(at));
        self.parted(at);
    }

    /// The conversation is over, or the first leg is gone.
    pub(super) fn parted(&mut self, at: Timestamp) {
        if self.reference.bridged.is_some() {
            self.parted = self.parted.or(Some(at));
        }
    }

    /// Whether the phones heard and pressed what the evidence says.
    pub(super) fn backs(&self, evidence: &ConsentEvidence) -> bool {
        let called = Some(Content(evidence.played_called)) == self.reference.called.content;
        let station = Some(Content(evidence.played_station)) == self.reference.station.content;
        let pressed = self.reference.accepted.is_some_and(|accepted| {
            accepted.true_to_life
                && accepted.onset == evidence.key_onset
                && evidence.key_onset >= evidence.notice_ended
        });
        let key = self.reference.called.accept.map(model::Key::label);
        called && station && pressed && key == Some(evidence.key)
    }

    /// Everything that is wrong once the tape is over.
    pub(super) fn objections(&self) -> Vec<Objection> {
        let mut wrong = Vec::new();
        self.of_machine(&mut wrong);
        self.of_end(&mut wrong);
        if let (Some((admitted, _)), Some(ended)) = (self.admitted, self.ended) {
            self.of_charge(admitted, ended, &mut wrong);
            self.of_talk(ended, &mut wrong);
            self.of_record(ended, &mut wrong);
        }
        wrong
    }

    fn of_machine(&self, wrong: &mut Vec<Objection>) {
        let mut object = |rule, what: String| wrong.push((rule, what));
        if self.is_running() {
            object(Rule::Ends, "its machine never finished".to_owned());
        }
        if self.finishes > 1 {
            object(Rule::FinishedOnce, format!("its machine finished {} times", self.finishes));
        }
        let reference = &self.reference;
        let hindered = reference.predicted.is_some() || self.panicked || self.killed;
        if reference.accepted.is_some() && reference.bridged.is_none() && !hindered {
            object(Rule::JoinedWhenAccepted, "accepted, and never joined".to_owned());
        }
        let (Some((Some(reason), ..)), Some(at)) = (self.finished, self.finished_at) else {
            return;
        };
        if self.admitted.is_none() && !self.excused && !self.unwritten {
            object(Rule::ReasonTrue, "it gave a reason, and there was no admission".to_owned());
        }
        let good = match reference.predicted {
            Some(predicted) => reason == predicted,
            None => reference.has_cause(reason, at),
        };
        if !good {
            let predicted = reference.predicted;
            object(Rule::ReasonTrue, format!("it ended as {reason:?}, expected {predicted:?}"));
        }
    }

    fn of_end(&self, wrong: &mut Vec<Objection>) {
        let mut object = |what: String| wrong.push((Rule::EndedOnce, what));
        if self.admissions > 1 {
            object(format!("admitted {} times", self.admissions));
        }
        if self.ends > 1 {
            object(format!("ended {} times", self.ends));
        }
        match (self.admitted, self.ended) {
            (Some(_), None) => object("admitted and never ended".to_owned()),
            // Its admission was answered too late and then not kept: an end of nothing.
            (None, Some(ended)) if ended.charged.micros() != 0 || !ended.talked.is_zero() => {
                object("ended with a charge and never admitted".to_owned());
            }
            (Some(_), Some(_)) | (None, Some(_) | None) => {}
        }
        if self.ended.is_some_and(|ended| ended.reason == EndReason::NodeDied) && !self.excused {
            object("its end was found by the next start, and nothing had happened".to_owned());
        }
        let finished = self.finished.and_then(|(reason, ..)| reason);
        if let (Some(ended), Some(reason)) = (self.ended, finished)
            && ended.reason != reason
            && ended.reason != EndReason::NodeDied
        {
            object(format!("the machine said {reason:?} and the end {:?}", ended.reason));
        }
    }

    /// The charge against the price of what the record says was talked.
    fn of_charge(&self, admitted: &Admitted, ended: &Ended, wrong: &mut Vec<Objection>) {
        let mut object = |rule, what: String| wrong.push((rule, what));
        let charged = i128::from(ended.charged.micros());
        let Some(hold) = &admitted.hold else {
            if charged != 0 || ended.rest != Rest::NoHold {
                object(Rule::ChargedExactly, "a free call was charged".to_owned());
            }
            return;
        };
        let held = i128::from(hold.amount.micros());
        let price = facts::price(&hold.rate, ended.talked.as_secs());
        if charged != price.min(held) {
            let what = format!("charged {charged} micro-dollars where {price} were talked");
            object(Rule::ChargedExactly, what);
        }
        if charged > held || price > held {
            object(Rule::WithinHold, format!("{price} micro-dollars talked, {held} held"));
        }
        let expired = ended.at >= hold.expires;
        let right = if expired { Rest::Expired } else { Rest::Released };
        if ended.rest != right {
            object(Rule::MoneyConserved, format!("the rest went as {:?}", ended.rest));
        }
    }

    /// What the record says was talked against how long the legs were joined.
    fn of_talk(&self, ended: &Ended, wrong: &mut Vec<Objection>) {
        let mut object = |what: String| wrong.push((Rule::ChargedForTalkOnly, what));
        let talked = ended.talked;
        let (Some(joined), Some(parted)) = (self.reference.bridged, self.parted) else {
            if !talked.is_zero() || ended.charged.micros() != 0 {
                object(format!("{talked:?} talked, and the legs were never joined"));
            }
            return;
        };
        let lasted = parted.since(joined);
        if talked > lasted {
            object(format!("{talked:?} talked, and the legs were joined for {lasted:?}"));
        }
        let missing = lasted.saturating_sub(talked);
        let whole = talked.subsec_nanos() == 0;
        let good = match ended.reason {
            // Marks of a call whose admission waited for room can be on disk before it.
            EndReason::NodeDied => talked == self.mark || self.unwritten && talked <= self.mark,
            // A busy node looks at the clock late; beyond the limit nothing is charged.
            EndReason::StationHungUp
            | EndReason::CalledHungUp
            | EndReason::NodeStopping
            | EndReason::CutByStaff => missing.is_zero() || whole && missing <= LATE_MAX,
            EndReason::LimitReached => whole,
            EndReason::MediaLost => {
                let heard = self.lost.map(|last| last.since(joined).min(lasted));
                heard == Some(talked) || whole && heard > Some(talked)
            }
            EndReason::Fault => missing <= MARK_EVERY + LATE_MAX,
            EndReason::RefusedByKey
            | EndReason::NoticeCutShort
            | EndReason::NotAccepted
            | EndReason::Busy
            | EndReason::NoAnswer
            | EndReason::Unallocated
            | EndReason::TrunkFailed
            | EndReason::Declined
            | EndReason::Forwarded
            | EndReason::BlockedByKey
            | EndReason::LooksLikeMachine => false,
        };
        if !good {
            object(format!("{talked:?} of {lasted:?} talked, ended by {:?}", ended.reason));
        }
    }

    /// Whether the record says that it was not recorded.
    fn of_record(&self, ended: &Ended, wrong: &mut Vec<Objection>) {
        if ended.talked.is_zero() || self.says_nothing_of_recording(ended) {
            return;
        }
        let private = ended.off == Some(OffReason::PrivateClaim);
        if self.reference.claimed && !private || private && !self.reference.claimed {
            let what = format!("said to be private, and the end says {:?}", ended.off);
            wrong.push((Rule::RecordTrue, what));
        }
        if self.recorded != ended.off.is_none() {
            let what = format!("recorded: {}, and the end says {:?}", self.recorded, ended.off);
            wrong.push((Rule::RecordTrue, what));
        }
    }

    /// Why a talk is unrecorded is known to the machine alone when the journal did not keep the
    /// acceptance, or kept it too late. A death or a fault of ours takes that knowledge away.
    fn says_nothing_of_recording(&self, ended: &Ended) -> bool {
        let unkept =
            ended.reason == EndReason::NodeDied && (self.accepted.is_none() || self.unwritten);
        unkept || ended.reason == EndReason::Fault
    }

    /// What occurred in it.
    pub(super) fn seen(&self) -> impl Iterator<Item = Seen> {
        let mut seen = Vec::new();
        if let Some(ended) = self.ended {
            seen.push(match self.admitted {
                Some(_) => facts::seen_end(ended.reason),
                None => Seen::EndOfNobody,
            });
            let caps_change = Timestamp::from_micros(facts::CAPS_CHANGE_MICROS);
            let crosses = |admitted: &Admitted| admitted.at < caps_change && ended.at > caps_change;
            if self.admitted.is_some_and(|(admitted, _)| crosses(admitted)) {
                seen.push(Seen::CapChanged);
            }
            if ended.talked > Duration::ZERO && ended.off.is_none() && !self.recorded {
                seen.push(Seen::EndUnsure);
            }
        }
        seen.extend(self.reference.claimed.then_some(Seen::ClaimedPrivate));
        seen.extend(self.reference.moved.then_some(Seen::MovedInNotice));
        seen.extend(self.reference.onset_before.then_some(Seen::OnsetBeforeEnd));
        if self.reference.bridged.is_some() {
            seen.extend(self.recorded.then_some(Seen::TalkRecorded));
            let off = self.finished.and_then(|(_, _, off)| off).or(self.off);
            seen.extend(off.map(facts::seen_off));
            let free = self.admitted.is_some_and(|(admitted, _)| admitted.hold.is_none());
            seen.extend(free.then_some(Seen::TalkFree));
            let long = self.mark > WARNED_TALK;
            seen.extend(long.then_some(Seen::TalkWarned));
            seen.extend((self.off == Some(OffReason::Protected)).then_some(Seen::ProtectedMidCall));
        }
        seen.into_iter()
    }
}

/// How late the world's nodes look at the clock at most.
const LATE_MAX: Duration = Duration::from_millis(2_600);

const MARK_EVERY: Duration = Duration::from_secs(5);
const WARNED_TALK: Duration = Duration::from_secs(60);

//! What is sent, and what arrives for a call at an end.

use super::{Auditor, Label, Leg, Side, Start, Who, WireSeen};
use model::Timestamp;
use std::collections::BTreeSet;

/// What arrived for a call at an end, in one of its lives.
#[derive(Default)]
pub(super) struct Post {
    /// The first INVITE that begins the call, and the branch by which it is answered.
    pub(super) invite: Option<Timestamp>,
    branch: String,
    /// The tags of the dialog: this end's, and the other's.
    ours: Option<String>,
    theirs: Option<String>,
    pub(super) acked: bool,
    /// The highest number of a request, and those that came in order while the call was up.
    highest: u32,
    pub(super) infos: BTreeSet<u32>,
    pub(super) infos_in_order: BTreeSet<u32>,
    pub(super) offers: BTreeSet<(u32, bool)>,
    /// The call must be over, or answered, by then.
    pub(super) over_by: Option<Timestamp>,
    pub(super) answered_by: Option<Timestamp>,
}

impl Post {
    /// Whether a message is of the very dialog.
    fn is_of(&self, label: &Label) -> bool {
        self.ours.as_deref() == Some(label.theirs()) && self.theirs.as_deref() == Some(label.ours())
    }

    /// Whether it is of another one: there can be two of one call where an end was started again.
    fn is_of_another(&self, label: &Label) -> bool {
        let other = |ours: &Option<String>, tag: &str| ours.as_deref().is_some_and(|it| it != tag);
        label.within && (other(&self.ours, label.theirs()) || other(&self.theirs, label.ours()))
    }
}

impl Auditor<'_> {
    pub(super) fn bound(&mut self, at: Timestamp, key: (Who, Leg), call: &str, with: Who) {
        let (who, leg) = key;
        let side = (who, leg.life, call.to_owned());
        self.bound.insert(side.clone(), leg);
        let Some(wire) = self.wires.get_mut(&key) else { return };
        if !wire.dialled {
            wire.call = Some(call.to_owned());
            if leg.life > 0 && (0..leg.life).any(|life| self.knew((who, life, side.2.clone()))) {
                self.see(WireSeen::Anew);
            }
            *self.incoming.entry(side).or_default() += 1;
            return;
        }
        if let Some(before) = wire.call.replace(call.to_owned()) {
            self.gone.insert((who, leg.life, before), at);
        }
        self.tried(at, key, call, with);
    }

    fn knew(&self, side: Side) -> bool {
        self.bound.contains_key(&side)
    }

    pub(super) fn sent(
        &mut self,
        at: Timestamp,
        (by, to): (Who, Who),
        label: &Label,
        copies: usize,
    ) {
        match copies {
            0 => self.see(WireSeen::Lost),
            1 => {}
            _ => self.see(WireSeen::Twice),
        }
        self.sent.push((by, to, label.clone()));
        if label.is("BYE") {
            let both = self.byes.entry(label.call.clone()).or_default();
            if both.insert(by) && both.len() == 2 {
                self.see(WireSeen::ByesCrossed);
            }
        }
        let life = self.life(by);
        let post = self.post.entry((by, life, label.call.clone())).or_default();
        let begins = label.is("INVITE") && !label.within;
        let answers = post.branch == label.branch && label.start != Start::Request;
        if (begins || answers) && !label.ours().is_empty() {
            post.ours.get_or_insert_with(|| label.ours().to_owned());
        }
        if by != Who::Node {
            return;
        }
        self.tags.entry(label.ours().to_owned()).or_insert(life);
        let key = (label.branch.clone(), label.method.clone(), label.number);
        if let (Some(answer), Start::Status(status)) = (self.strays.get_mut(&key), label.start) {
            *answer = Some(status);
        }
        self.took_back(at, label);
    }

    pub(super) fn arrived(&mut self, at: Timestamp, (by, to): (Who, Who), label: &Label) {
        let same =
            |(who, whom, sent): &(Who, Who, Label)| (*who, *whom) == (by, to) && sent == label;
        if let Some(place) = self.sent.iter().rposition(same) {
            let latest = self.latest.entry((by, to)).or_default();
            if place < *latest {
                self.see(WireSeen::Overtaken);
            } else {
                *latest = place;
            }
        }
        if label.is("PRACK") {
            self.see(WireSeen::Prack);
        }
        if to == Who::Spare || to == Who::Other && self.plan.phone.is_some() {
            return;
        }
        let life = self.life(to);
        if to == Who::Node {
            self.stray(label, life);
        }
        self.try_answered(at, to, label);
        let side = (to, life, label.call.clone());
        let wire = self.bound.get(&side).and_then(|leg| self.wires.get(&(to, *leg)));
        // A call that was given up there is none of the wire any more.
        let wire = wire.filter(|wire| wire.call.as_ref() == Some(&label.call));
        let live = wire.is_some_and(|wire| wire.over.is_none());
        let up = live && wire.is_some_and(|wire| wire.answered.is_some());
        let dialling = live && wire.is_some_and(|wire| wire.dialled && wire.answered.is_none());
        let goes_on = wire.is_some_and(|wire| self.goes_on(to, wire, label));
        let post = self.post.entry(side).or_default();
        let first = |by: &mut Option<Timestamp>| *by = by.or(Some(at));
        if label.is("INVITE") && !label.within {
            first(&mut post.invite);
            post.theirs.get_or_insert_with(|| label.ours().to_owned());
            post.branch.clone_from(&label.branch);
        }
        if label.answers("INVITE", 200..300) && dialling {
            first(&mut post.answered_by);
            post.theirs.get_or_insert_with(|| label.ours().to_owned());
        }
        let ours = post.is_of(label);
        post.acked |= label.is("ACK") && ours;
        if label.is("BYE") && up && ours {
            first(&mut post.over_by);
        }
        if label.is("INFO") && !post.is_of_another(label) {
            post.infos.insert(label.number);
            if live && ours && label.number > post.highest {
                post.infos_in_order.insert(label.number);
            }
        }
        if label.is("INVITE") && label.within || label.is("UPDATE") {
            post.offers.insert((label.number, false));
        }
        if label.answers("INVITE", 200..300) {
            post.offers.insert((label.number, true));
        }
        if label.answers("INVITE", 300..700) && dialling && !goes_on {
            first(&mut post.over_by);
        }
        // Who does not know the dialog any more has ended it (RFC 3261 section 12.2.1.2).
        let refused = label.answers("UPDATE", 481..482) || label.answers("INVITE", 481..482);
        if refused && up && ours {
            first(&mut post.over_by);
        }
        if label.start == Start::Request && !label.is("ACK") && !label.is("CANCEL") && ours {
            post.highest = post.highest.max(label.number);
        }
        if label.answers("UPDATE", 200..300) || label.is("UPDATE") {
            self.see(WireSeen::Refreshed);
        }
    }

    /// A request that reached the node within a call that it does not know any more is to be
    /// refused by 481 (RFC 3261 sections 9.2 and 12.2.2), which its copies are, too.
    fn stray(&mut self, label: &Label, life: u32) {
        let before = self.tags.get(label.theirs()).is_some_and(|then| *then < life);
        let within = label.start == Start::Request && label.within && before && !label.is("ACK");
        // CANCEL has no tag of the node's; its INVITE came before or not at all.
        let post = self.post.get(&(Who::Node, life, label.call.clone()));
        let known = post.is_some_and(|post| post.branch == label.branch);
        if within || label.is("CANCEL") && life > 0 && !known {
            let key = (label.branch.clone(), label.method.clone(), label.number);
            self.strays.entry(key).or_insert(None);
        }
    }
}

//! What must hold of calls over a bad link, from the tape alone.

use super::label::{Label, Start};
use super::plan::Plan;
use super::tape::{News, Tape, What, Who, WireSeen, Wish};
use core::time::Duration;
use line::WireId;
use model::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// One wire of an engine, as the tape tells of it.
struct Wire {
    call: Option<String>,
    dialled: bool,
    began: Timestamp,
    /// When both ends could talk, as far as this end knows.
    answered: Option<Timestamp>,
    over: Option<Timestamp>,
    keys: u64,
    reoffers: u64,
}

/// What arrived for a call at an end.
#[derive(Default)]
struct Post {
    /// The first INVITE that begins the call.
    invite: Option<Timestamp>,
    acked: bool,
    /// The highest number of a request, and those that came in order while the call was up.
    highest: u32,
    infos: BTreeSet<u32>,
    infos_in_order: BTreeSet<u32>,
    offers: BTreeSet<(u32, bool)>,
    /// The call must be over, or answered, by then.
    over_by: Option<Timestamp>,
    answered_by: Option<Timestamp>,
}

struct Auditor<'a> {
    plan: &'a Plan,
    wires: BTreeMap<(Who, WireId), Wire>,
    bound: BTreeMap<(Who, String), WireId>,
    post: BTreeMap<(Who, String), Post>,
    incoming: BTreeMap<(Who, String), u64>,
    phone_over: BTreeMap<String, Timestamp>,
    crashed: Option<Timestamp>,
    found: Vec<String>,
    seen: BTreeMap<WireSeen, u64>,
    sent: Vec<(Who, Label)>,
    latest: BTreeMap<Who, usize>,
    byes: BTreeMap<String, BTreeSet<Who>>,
}

/// Everything that should not have been, and what occurred.
pub(super) fn audit(tape: &Tape, plan: &Plan) -> (Vec<String>, BTreeMap<WireSeen, u64>) {
    let mut auditor = Auditor {
        plan,
        wires: BTreeMap::new(),
        bound: BTreeMap::new(),
        post: BTreeMap::new(),
        incoming: BTreeMap::new(),
        phone_over: BTreeMap::new(),
        crashed: None,
        found: Vec::new(),
        seen: BTreeMap::new(),
        sent: Vec::new(),
        latest: BTreeMap::new(),
        byes: BTreeMap::new(),
    };
    for moment in &tape.moments {
        auditor.hear(moment.at, &moment.what);
    }
    auditor.close();
    (auditor.found, auditor.seen)
}

impl Auditor<'_> {
    fn hear(&mut self, at: Timestamp, what: &What) {
        match what {
            What::Sent { by, label, copies } => self.sent(*by, label, *copies),
            What::Arrived { to, label } => self.arrived(at, *to, label),
            What::Told { who, wire, news } => self.told(at, (*who, *wire), *news),
            What::Wanted { who, wire, wish } => self.wanted(at, (*who, *wire), *wish),
            What::Bound { who, wire, call } => {
                self.bound.insert((*who, call.clone()), *wire);
                if let Some(wire) = self.wires.get_mut(&(*who, *wire)) {
                    wire.call = Some(call.clone());
                    if !wire.dialled {
                        *self.incoming.entry((*who, call.clone())).or_default() += 1;
                    }
                }
            }
            What::Crashed { .. } => {
                self.crashed = Some(at);
                self.see(WireSeen::Crashed);
            }
            What::PhoneOver { call } => {
                if self.phone_over.insert(call.clone(), at).is_some() {
                    self.found.push("the telephone ended a call twice".to_owned());
                }
            }
        }
    }

    fn see(&mut self, seen: WireSeen) {
        *self.seen.entry(seen).or_default() += 1;
    }

    fn sent(&mut self, by: Who, label: &Label, copies: usize) {
        match copies {
            0 => self.see(WireSeen::Lost),
            1 => {}
            _ => self.see(WireSeen::Twice),
        }
        self.sent.push((by, label.clone()));
        if label.is("BYE") {
            let both = self.byes.entry(label.call.clone()).or_default();
            if both.insert(by) && both.len() == 2 {
                self.see(WireSeen::ByesCrossed);
            }
        }
    }

    fn arrived(&mut self, at: Timestamp, to: Who, label: &Label) {
        let same = |(by, sent): &(Who, Label)| *by == to.other() && sent == label;
        if let Some(place) = self.sent.iter().rposition(same) {
            let latest = self.latest.entry(to).or_default();
            if place < *latest {
                self.see(WireSeen::Overtaken);
            } else {
                *latest = place;
            }
        }
        if label.is("PRACK") {
            self.see(WireSeen::Prack);
        }
        if self.plan.phone.is_some() && to == Who::Other {
            return;
        }
        let wire =
            self.bound.get(&(to, label.call.clone())).and_then(|id| self.wires.get(&(to, *id)));
        let live = wire.is_some_and(|wire| wire.over.is_none());
        let up = live && wire.is_some_and(|wire| wire.answered.is_some());
        let dialling = live && wire.is_some_and(|wire| wire.dialled && wire.answered.is_none());
        let post = self.post.entry((to, label.call.clone())).or_default();
        let first = |by: &mut Option<Timestamp>| *by = by.or(Some(at));
        if label.is("INVITE") && !label.within {
            first(&mut post.invite);
        }
        post.acked |= label.is("ACK");
        if label.is("BYE") && up {
            first(&mut post.over_by);
        }
        if label.is("INFO") {
            post.infos.insert(label.number);
            if live && label.number > post.highest {
                post.infos_in_order.insert(label.number);
            }
        }
        if label.is("INVITE") && label.within || label.is("UPDATE") {
            post.offers.insert((label.number, false));
        }
        if label.answers("INVITE", 200..300) {
            post.offers.insert((label.number, true));
            if dialling {
                first(&mut post.answered_by);
            }
        }
        if label.answers("INVITE", 300..700) && dialling {
            first(&mut post.over_by);
        }
        if label.start == Start::Request && !label.is("ACK") && !label.is("CANCEL") {
            post.highest = post.highest.max(label.number);
        }
        if label.answers("UPDATE", 200..300) || label.is("UPDATE") {
            self.see(WireSeen::Refreshed);
        }
    }

    fn told(&mut self, at: Timestamp, key: (Who, WireId), news: News) {
        if news == News::Incoming {
            let wire = Wire::new(false, at);
            if self.wires.insert(key, wire).is_some() {
                self.found.push(format!("{key:?} came in twice"));
            }
            return;
        }
        let Some(wire) = self.wires.get_mut(&key) else {
            return self.found.push(format!("{news:?} of {key:?}, which there never was"));
        };
        if wire.over.is_some() {
            return self.found.push(format!("{news:?} of {key:?} after its end"));
        }
        let answered = wire.answered.is_some();
        match news {
            News::Answered => {
                if wire.dialled && answered {
                    self.found.push(format!("{key:?} was answered twice"));
                } else {
                    wire.answered = wire.answered.or(Some(at));
                    self.see(WireSeen::Talked);
                }
            }
            News::Failed(status) => {
                wire.over = Some(at);
                if !wire.dialled || answered {
                    self.found.push(format!("{key:?} failed after it was answered"));
                }
                self.see(if matches!(status, 408) {
                    WireSeen::Unanswered
                } else {
                    WireSeen::Refused
                });
            }
            News::HungUp => {
                wire.over = Some(at);
                if wire.dialled && !answered {
                    self.found.push(format!("{key:?} hung up before it was answered"));
                }
            }
            News::Key => {
                wire.keys += 1;
                self.see(WireSeen::Key);
            }
            News::Reoffered => {
                wire.reoffers += 1;
                self.see(WireSeen::Reoffered);
            }
            News::Ringing if answered => {
                self.found.push(format!("{key:?} rang after it was answered"));
            }
            News::Ringing | News::Aside | News::Incoming => {}
        }
    }

    fn wanted(&mut self, at: Timestamp, key: (Who, WireId), wish: Wish) {
        if wish == Wish::Dial {
            self.wires.insert(key, Wire::new(true, at));
            return;
        }
        let Some(wire) = self.wires.get_mut(&key).filter(|wire| wire.over.is_none()) else {
            return;
        };
        match wish {
            Wish::Answer => wire.answered = wire.answered.or(Some(at)),
            Wish::HangUp => {
                wire.over = Some(at);
                if wire.dialled && wire.answered.is_none() {
                    let call = wire.call.clone().unwrap_or_default();
                    self.see(WireSeen::Cancelled);
                    let answers = |(_, sent): &(Who, Label)| {
                        sent.call == call && sent.answers("INVITE", 200..300)
                    };
                    if self.sent.iter().any(answers) {
                        self.see(WireSeen::Crossed);
                    }
                }
            }
            Wish::Reject if wire.answered.is_none() => wire.over = Some(at),
            Wish::Reject | Wish::Ring | Wish::Reanswer | Wish::Dial => {}
        }
    }

    /// Everything that can only be said at the end.
    fn close(&mut self) {
        let wires = std::mem::take(&mut self.wires);
        for (key, wire) in &wires {
            self.close_wire(*key, wire, &wires);
        }
        for ((who, call), post) in &self.post {
            let came = self.incoming.get(&(*who, call.clone())).copied().unwrap_or(0);
            let wanted = u64::from(post.invite.is_some());
            if came != wanted {
                self.found.push(format!("an INVITE reached {who:?} and {came} calls came in"));
            }
        }
    }

    fn close_wire(
        &mut self,
        key: (Who, WireId),
        wire: &Wire,
        wires: &BTreeMap<(Who, WireId), Wire>,
    ) {
        let (who, _) = key;
        let gone = self.crashed.filter(|_| who == Who::Other);
        let call = wire.call.clone().unwrap_or_default();
        let Some(over) = wire.over.or(gone) else {
            return self.found.push(format!("{key:?} never ended"));
        };
        let nothing = Post::default();
        let post = self.post.get(&(who, call.clone())).unwrap_or(&nothing);
        let mut late = |what: &str, from: Timestamp, most: Duration| {
            if over.since(from) > most {
                self.found.push(format!("{key:?} ended {:?} after {what}", over.since(from)));
            }
        };
        match (wire.answered, wire.dialled) {
            (None, true) => late("it was dialled", wire.began, DIALLED_MAX),
            (None, false) => late("it came in", wire.began, UNANSWERED_MAX),
            (Some(answered), false) if !post.acked => {
                late("an answer without ACK", answered, TIMER_64);
            }
            (Some(_), _) => {}
        }
        if let Some(by) = post.over_by {
            late("it heard of the end", by, Duration::ZERO);
        }
        // The other end of the same call.
        let peer = self.bound.get(&(who.other(), call.clone()));
        let peer = peer.and_then(|id| wires.get(&(who.other(), *id)));
        let there = peer.and_then(|peer| peer.over).or(self.phone_over.get(&call).copied());
        let crash = self.crashed.filter(|_| who == Who::Node);
        if let Some(since) = there.into_iter().chain(crash).min() {
            late("the other end was gone", since.max(wire.began), SESSION_MAX);
        }
        if let Some(by) = post.answered_by
            && wire.answered.is_none_or(|at| at > by)
            && over > by
        {
            self.found.push(format!("{key:?} did not hear its answer"));
        }
        let (most, least) = (post.infos.len() as u64, post.infos_in_order.len() as u64);
        if wire.keys > most || wire.keys < least {
            let keys = wire.keys;
            self.found.push(format!("{key:?}: {keys} keys were heard of {least} to {most}"));
        }
        if wire.reoffers > post.offers.len() as u64 {
            self.found.push(format!("{key:?}: audio was described anew by nobody"));
        }
        let session_lost = wire.answered.is_some() && wire.over.is_some() && crash.is_some();
        if wire.answered.is_some() && !wire.dialled && !post.acked && gone.is_none() {
            self.see(WireSeen::Unacknowledged);
        }
        if session_lost && self.crashed.is_some_and(|crash| over.since(crash) > TIMER_64) {
            self.see(WireSeen::SessionLost);
        }
    }
}

impl Wire {
    const fn new(dialled: bool, began: Timestamp) -> Self {
        Self { call: None, dialled, began, answered: None, over: None, keys: 0, reoffers: 0 }
    }
}

/// 64 times T1, after which nobody waits for an answer to a request any more (RFC 3261 section
/// 17.1.1.2).
const TIMER_64: Duration = Duration::from_secs(32);
/// Nothing is heard for 64 times T1; or it rings for three minutes, and then nobody answers the
/// CANCEL.
const DIALLED_MAX: Duration = Duration::from_secs(32 + 180);
/// An incoming call is answered within three minutes, or refused: of its beginning, or of its
/// ringing, which begins within three seconds here.
const UNANSWERED_MAX: Duration = Duration::from_millis(183_200);
/// The longest session, after which one end looks for the other; then 64 times T1 until it gives up
/// (RFC 4028 section 10).
const SESSION_MAX: Duration = Duration::from_secs(1_800 + 2 * 32);

#[cfg(test)]
mod tests {
    use super::super::tape::Moment;
    use super::super::world::World;
    use super::*;

    /// What the auditor says of real calls whose tape was changed afterwards. `at` finds the place
    /// of the change on the tape of the first seed that has one.
    fn changed(
        at: impl Fn(&Moment) -> bool,
        change: impl Fn(&mut Vec<Moment>, usize),
    ) -> Vec<String> {
        for seed in 0..200 {
            let mut world = World::new(seed).unwrap();
            world.play();
            if let Some(place) = world.tape.moments.iter().position(&at) {
                assert_eq!(audit(&world.tape, world.plan()).0, [""; 0]);
                change(&mut world.tape.moments, place);
                return audit(&world.tape, world.plan()).0;
            }
        }
        panic!("no seed has it");
    }

    fn told(wanted: News) -> impl Fn(&Moment) -> bool {
        move |moment| matches!(moment.what, What::Told { news, .. } if news == wanted)
    }

    #[test]
    fn an_end_that_is_missing_double_or_late_is_noticed() {
        let missing = changed(told(News::Failed(486)), |moments, place| {
            moments.remove(place);
        });
        assert!(missing.iter().any(|found| found.ends_with("never ended")), "{missing:?}");
        let double = changed(told(News::HungUp), |moments, place| {
            moments.insert(place, moments[place].clone());
        });
        assert!(double.iter().any(|found| found.ends_with("after its end")), "{double:?}");
        let late = changed(told(News::HungUp), |moments, place| {
            let mut moment = moments.remove(place);
            moment.at = moment.at.after(SESSION_MAX + TIMER_64 * 20);
            moments.push(moment);
        });
        assert!(late.iter().any(|found| found.contains(" ended ")), "{late:?}");
    }

    #[test]
    fn a_call_that_comes_in_twice_or_never_and_a_key_too_many_are_noticed() {
        let never = changed(told(News::Incoming), |moments, place| {
            let What::Told { wire, .. } = moments[place].what else { return };
            moments.retain(|moment| {
                !matches!(moment.what, What::Told { wire: of, .. } | What::Bound { wire: of, .. }
                    if of == wire)
            });
        });
        assert!(never.iter().any(|found| found.contains("0 calls came in")), "{never:?}");
        let twice = changed(told(News::Key), |moments, place| {
            let again = moments[place].clone();
            for _ in 0..9 {
                moments.insert(place, again.clone());
            }
        });
        assert!(twice.iter().any(|found| found.contains("keys were heard of")), "{twice:?}");
        let deaf = changed(told(News::Answered), |moments, place| {
            moments.remove(place);
        });
        assert!(!deaf.is_empty());
    }
}

//! What must hold of calls over a bad link, from the tape alone.

use super::label::{Label, Start};
use super::plan::Plan;
use super::tape::{Leg, News, Tape, What, Who, WireSeen, Wish};
use core::time::Duration;
use model::Timestamp;
use post::Post;
use std::collections::{BTreeMap, BTreeSet};
use trunk::Try;

mod post;
#[cfg(test)]
mod tests;
mod trunk;

/// One wire of an engine, as the tape tells of it.
struct Wire {
    call: Option<String>,
    dialled: bool,
    began: Timestamp,
    /// When both ends could talk, as far as this end knows.
    answered: Option<Timestamp>,
    over: Option<Timestamp>,
    /// It was over because its end was gone.
    lost: bool,
    keys: u64,
    reoffers: u64,
    /// The trunks of the node on which it was tried.
    tries: Vec<Try>,
}

/// A call as one end knows it, in one of its lives.
type Side = (Who, u32, String);

struct Auditor<'a> {
    plan: &'a Plan,
    wires: BTreeMap<(Who, Leg), Wire>,
    bound: BTreeMap<Side, Leg>,
    post: BTreeMap<Side, Post>,
    incoming: BTreeMap<Side, u64>,
    /// When a call was over for an end that knew of it.
    gone: BTreeMap<Side, Timestamp>,
    phone_over: BTreeMap<String, Timestamp>,
    /// How often each end was started again, and when it was gone last.
    lives: BTreeMap<Who, u32>,
    crashed: BTreeMap<Who, Timestamp>,
    /// The life in which the node first used a tag.
    tags: BTreeMap<String, u32>,
    /// Requests of calls that the node does not know any more, and what they were answered.
    strays: BTreeMap<(String, String, u32), Option<u16>>,
    found: Vec<String>,
    seen: BTreeMap<WireSeen, u64>,
    sent: Vec<(Who, Who, Label)>,
    latest: BTreeMap<(Who, Who), usize>,
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
        gone: BTreeMap::new(),
        phone_over: BTreeMap::new(),
        lives: BTreeMap::new(),
        crashed: BTreeMap::new(),
        tags: BTreeMap::new(),
        strays: BTreeMap::new(),
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
            What::Sent { by, to, label, copies } => self.sent(at, (*by, *to), label, *copies),
            What::Arrived { by, to, label } => self.arrived(at, (*by, *to), label),
            What::Told { who, leg, news } => self.told(at, (*who, *leg), *news),
            What::Wanted { who, leg, wish } => self.wanted(at, (*who, *leg), *wish),
            What::Bound { who, leg, call, with } => self.bound(at, (*who, *leg), call, *with),
            What::Crashed { who } => self.crash(at, *who),
            What::Restarted { who } => {
                *self.lives.entry(*who).or_default() += 1;
                self.see(WireSeen::Restarted);
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

    fn life(&self, who: Who) -> u32 {
        self.lives.get(&who).copied().unwrap_or(0)
    }

    /// An end is gone, and all its calls with it.
    fn crash(&mut self, at: Timestamp, who: Who) {
        self.crashed.insert(who, at);
        if who != Who::Node {
            self.see(WireSeen::Crashed);
        }
        let open = |(key, wire): &(&(Who, Leg), &Wire)| key.0 == who && wire.over.is_none();
        let open: Vec<_> = self.wires.iter().filter(open).map(|(key, _)| *key).collect();
        for key in open {
            if let Some(wire) = self.wires.get_mut(&key) {
                wire.lost = true;
            }
            self.over(at, key);
        }
    }

    /// A wire is over.
    fn over(&mut self, at: Timestamp, key: (Who, Leg)) {
        let (who, leg) = key;
        let Some(wire) = self.wires.get_mut(&key) else { return };
        wire.over = Some(at);
        if let Some(call) = wire.call.clone() {
            self.gone.insert((who, leg.life, call), at);
        }
    }

    fn told(&mut self, at: Timestamp, key: (Who, Leg), news: News) {
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
        let (answered, dialled) = (wire.answered.is_some(), wire.dialled);
        match news {
            News::Answered => {
                if dialled && answered {
                    return self.found.push(format!("{key:?} was answered twice"));
                }
                wire.answered = wire.answered.or(Some(at));
                if dialled && !wire.tries.last().is_none_or(|tried| tried.answered(at)) {
                    self.found.push(format!("{key:?}: nobody answered where it was tried last"));
                }
                self.see(WireSeen::Talked);
            }
            News::Failed(status) => {
                if !dialled || answered {
                    self.found.push(format!("{key:?} failed after it was answered"));
                }
                self.over(at, key);
                let unanswered = status == 408;
                self.see(if unanswered { WireSeen::Unanswered } else { WireSeen::Refused });
            }
            News::HungUp => {
                if dialled && !answered {
                    self.found.push(format!("{key:?} hung up before it was answered"));
                }
                self.over(at, key);
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

    fn wanted(&mut self, at: Timestamp, key: (Who, Leg), wish: Wish) {
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
                let early = wire.dialled && wire.answered.is_none();
                let call = wire.call.clone().unwrap_or_default();
                self.over(at, key);
                if early {
                    self.see(WireSeen::Cancelled);
                    let answers = |(_, _, sent): &(Who, Who, Label)| {
                        sent.call == call && sent.answers("INVITE", 200..300)
                    };
                    if self.sent.iter().any(answers) {
                        self.see(WireSeen::Crossed);
                    }
                }
            }
            Wish::Reject if wire.answered.is_none() => self.over(at, key),
            Wish::Reject | Wish::Ring | Wish::Reanswer | Wish::Dial => {}
        }
    }

    /// Everything that can only be said at the end.
    fn close(&mut self) {
        let wires = std::mem::take(&mut self.wires);
        for (key, wire) in &wires {
            self.close_wire(*key, wire);
            self.close_tries(*key, wire);
        }
        for (side, post) in &self.post {
            let came = self.incoming.get(side).copied().unwrap_or(0);
            let wanted = u64::from(post.invite.is_some());
            if came != wanted {
                let who = side.0;
                self.found.push(format!("an INVITE reached {who:?} and {came} calls came in"));
            }
        }
        for ((_, method, _), answered) in std::mem::take(&mut self.strays) {
            match answered {
                Some(481) => self.see(WireSeen::Stray),
                other => self.found.push(format!(
                    "a {method} of a call from before the restart was answered {other:?}"
                )),
            }
        }
    }

    fn close_wire(&mut self, key: (Who, Leg), wire: &Wire) {
        let (who, leg) = key;
        let call = wire.call.clone().unwrap_or_default();
        let Some(over) = wire.over else {
            return self.found.push(format!("{key:?} never ended"));
        };
        let spare = wire.tries.last().is_some_and(|tried| tried.with == Who::Spare);
        let with_other = who == Who::Node && !spare;
        let crash = self.crashed.get(&Who::Other).copied().filter(|_| with_other);
        let there = self.other_end_gone(who, &call, &wire.tries);
        let nothing = Post::default();
        let post = self.post.get(&(who, leg.life, call.clone())).unwrap_or(&nothing);
        let mut late = |what: &str, from: Timestamp, most: Duration| {
            if over.since(from) > most {
                self.found.push(format!("{key:?} ended {:?} after {what}", over.since(from)));
            }
        };
        match (wire.answered, wire.dialled) {
            (None, true) => {
                let others = u32::try_from(wire.tries.len().saturating_sub(1)).unwrap_or(0);
                late("it was dialled", wire.began, DIALLED_MAX + trunk::TRY_MAX * others);
            }
            (None, false) => late("it came in", wire.began, UNANSWERED_MAX),
            (Some(answered), false) if !post.acked => {
                late("an answer without ACK", answered, TIMER_64);
            }
            (Some(_), _) => {}
        }
        if let Some(by) = post.over_by {
            late("it heard of the end", by, Duration::ZERO);
        }
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
        let unacknowledged = !post.acked;
        if wire.answered.is_some() && !wire.dialled && unacknowledged && !wire.lost {
            self.see(WireSeen::Unacknowledged);
        }
        let after = |crash: Timestamp| over.since(crash) > TIMER_64;
        if wire.answered.is_some() && crash.is_some_and(after) {
            self.see(WireSeen::SessionLost);
        }
    }

    /// When the other end of a call was through with it: with all dialogs that it had of it.
    fn other_end_gone(&self, who: Who, call: &str, tries: &[Try]) -> Option<Timestamp> {
        let there = match who {
            Who::Node => tries.last().map_or(Who::Other, |tried| tried.with),
            Who::Other | Who::Spare => Who::Node,
        };
        if there != Who::Node
            && let Some(over) = self.phone_over.get(call)
        {
            return Some(*over);
        }
        let lives = 0..=self.life(there);
        let side = |life: u32| (there, life, call.to_owned());
        let known: Vec<_> = lives.map(side).filter(|side| self.bound.contains_key(side)).collect();
        let gone: Vec<_> = known.iter().filter_map(|side| self.gone.get(side)).collect();
        (gone.len() == known.len()).then(|| gone.into_iter().max().copied()).flatten()
    }
}

impl Wire {
    const fn new(dialled: bool, began: Timestamp) -> Self {
        Self {
            call: None,
            dialled,
            began,
            answered: None,
            over: None,
            lost: false,
            keys: 0,
            reoffers: 0,
            tries: Vec::new(),
        }
    }
}

/// 64 times T1, after which nobody waits for an answer to a request any more (RFC 3261 section
/// 17.1.1.2).
const TIMER_64: Duration = Duration::from_secs(32);
/// Something is heard within 64 times T1; it rings within 12 seconds after that, or hangs; and for
/// three minutes.
const DIALLED_MAX: Duration = Duration::from_secs(32 + 12 + 180);
/// An incoming call is answered within three minutes, or refused: of its beginning, or of its
/// ringing, which begins within three seconds here.
const UNANSWERED_MAX: Duration = Duration::from_millis(183_200);
/// The longest session, after which one end looks for the other; then 64 times T1 until it gives up
/// (RFC 4028 section 10).
const SESSION_MAX: Duration = Duration::from_secs(1_800 + 2 * 32);

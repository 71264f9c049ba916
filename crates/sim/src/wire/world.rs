//! Two ends, a link and a clock.

use super::end::{End, read};
use super::label::Label;
use super::phone::Phone;
use super::plan::{CallPlan, Manner, Plan};
use super::tape::{News, Tape, What, Who, Wish};
use crate::dice::Dice;
use core::time::Duration;
use line::{Kept, LineEvent, WireId};
use model::{Clock, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

pub(super) struct World {
    plan: Plan,
    pub(super) tape: Tape,
    clock: Arc<AtomicI64>,
    /// Rolls what the link does.
    luck: Dice,
    /// Rolls what owners do.
    whim: Dice,
    agenda: BTreeMap<(Timestamp, u64), Deed>,
    planned: u64,
    node: End,
    other: Option<End>,
    phone: Option<Phone>,
    crashed: bool,
    /// The plans of calls, by Call-ID.
    calls: BTreeMap<String, CallPlan>,
    /// What went wrong with the world itself.
    broken: Vec<String>,
}

/// Something that is going to happen.
enum Deed {
    Arrive { to: Who, octets: Vec<u8> },
    Begin(CallPlan),
    Wish { who: Who, wire: WireId, wish: Wish, status: u16 },
    Crash,
}

impl World {
    pub(super) fn new(seed: u64) -> Result<Self, String> {
        let mut dice = Dice::new(seed);
        let plan = Plan::new(&mut dice);
        let clock = Arc::new(AtomicI64::new(plan.start.micros()));
        let hands = || {
            let read = Arc::clone(&clock);
            Clock::new(move || Timestamp::from_micros(read.load(Ordering::Relaxed)))
        };
        let node = End::new(NODE, hands(), 1)?;
        let (other, phone) = match plan.phone {
            Some(temper) => {
                let face = node.face().ok_or("the socket has no address")?;
                (None, Some(Phone::new(temper, face, node.line.local_address(), dice.fork())))
            }
            None => (Some(End::new(OTHER, hands(), 2)?), None),
        };
        let mut world = Self {
            tape: Tape::default(),
            clock,
            luck: dice.fork(),
            whim: dice.fork(),
            agenda: BTreeMap::new(),
            planned: 0,
            node,
            other,
            phone,
            crashed: false,
            calls: BTreeMap::new(),
            broken: Vec::new(),
            plan,
        };
        for call in world.plan.calls.clone() {
            world.at(call.at, Deed::Begin(call));
        }
        if let Some(crash) = world.plan.crash {
            world.at(crash, Deed::Crash);
        }
        Ok(world)
    }

    pub(super) const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Lets everything happen.
    pub(super) fn play(&mut self) {
        let end = self.plan.end();
        let mut standing = 0_u32;
        while let Some(next) = self.next().filter(|next| *next <= end) {
            standing = if next > self.now() { 0 } else { standing + 1 };
            if standing > STANDING_MAX {
                return self.broken.push("time does not go on".to_owned());
            }
            self.clock.store(next.max(self.now()).micros(), Ordering::Relaxed);
            let due = self.agenda.first_entry().filter(|entry| entry.key().0 <= next);
            if let Some(entry) = due {
                let deed = entry.remove();
                self.perform(deed);
            }
            self.settle();
        }
    }

    /// What is left when everything should be over.
    pub(super) fn leftovers(&mut self) -> Vec<String> {
        let mut left = std::mem::take(&mut self.broken);
        self.clock.store(self.plan.end().micros(), Ordering::Relaxed);
        let ends = [Some(&mut self.node), self.other.as_mut().filter(|_| !self.crashed)];
        for (who, end) in [Who::Node, Who::Other].into_iter().zip(ends) {
            let Some(end) = end else { continue };
            let (kept, counts) = (end.kept(), end.counts());
            if kept != Kept::default() {
                left.push(format!("{who:?} still keeps {kept:?}"));
            }
            if counts.faults != 0 {
                left.push(format!("{who:?} had {} faults", counts.faults));
            }
        }
        if let Some(open) = self.phone.as_ref().filter(|_| !self.crashed).map(Phone::open)
            && open > 0
        {
            left.push(format!("the telephone still has {open} calls"));
        }
        left
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.clock.load(Ordering::Relaxed))
    }

    fn next(&self) -> Option<Timestamp> {
        let agenda = self.agenda.first_key_value().map(|((at, _), _)| *at);
        let other = self.other.as_ref().and_then(End::next);
        let phone = self.phone.as_ref().and_then(Phone::next);
        let gone = self.crashed;
        let others = other.into_iter().chain(phone).filter(|_| !gone);
        agenda.into_iter().chain(self.node.next()).chain(others).min()
    }

    fn at(&mut self, at: Timestamp, deed: Deed) {
        self.planned += 1;
        self.agenda.insert((at, self.planned), deed);
    }

    fn perform(&mut self, deed: Deed) {
        let now = self.now();
        match deed {
            Deed::Arrive { to: Who::Other, .. } if self.crashed => {}
            Deed::Arrive { to, octets } => self.arrive(to, &octets),
            Deed::Begin(call) => self.begin(call),
            Deed::Wish { who: Who::Other, .. } if self.crashed => {}
            Deed::Wish { who, wire, wish, status } => {
                let Some(end) = self.end(who) else { return };
                let media = end.media();
                match wish {
                    Wish::Ring => end.line.ring(wire),
                    Wish::Answer => end.line.answer(wire, media),
                    Wish::Reject => end.line.reject(wire, status),
                    Wish::Reanswer => end.line.reanswer(wire, media),
                    Wish::HangUp => end.line.hang_up(wire),
                    Wish::Dial => {}
                }
                self.tape.add(now, What::Wanted { who, wire, wish });
            }
            Deed::Crash => {
                self.crashed = true;
                self.other = None;
                self.tape.add(now, What::Crashed { who: Who::Other });
            }
        }
    }

    fn end(&mut self, who: Who) -> Option<&mut End> {
        match who {
            Who::Node => Some(&mut self.node),
            Who::Other => self.other.as_mut(),
        }
    }

    fn begin(&mut self, call: CallPlan) {
        let now = self.now();
        if !call.by_node
            && let Some(phone) = &mut self.phone
        {
            if !self.crashed {
                let id = phone.dial(now, call);
                self.calls.insert(id, call);
            }
            return;
        }
        let who = if call.by_node { Who::Node } else { Who::Other };
        let Some(end) = self.end(who) else { return };
        let Some(wire) = end.dial() else { return };
        self.tape.add(now, What::Wanted { who, wire, wish: Wish::Dial });
        // Only this turn can have brought a new call.
        let sent = self.turn(who);
        let call_id = sent.iter().find_map(|octets| {
            let label = Label::read(octets)?;
            (label.is("INVITE") && !self.calls.contains_key(&label.call)).then_some(label.call)
        });
        match call_id {
            Some(id) => {
                self.calls.insert(id.clone(), call);
                self.tape.add(now, What::Bound { who, wire, call: id });
            }
            None => self.broken.push("a call went out without an INVITE".to_owned()),
        }
        if let Some(after) = call.gives_up_after {
            self.wish(after, who, wire, Wish::HangUp);
        }
        self.send(who, sent);
    }

    fn wish(&mut self, after: Duration, who: Who, wire: WireId, wish: Wish) {
        let at = self.now().after(after);
        self.at(at, Deed::Wish { who, wire, wish, status: 0 });
    }

    /// A datagram arrives; what it brings about at this time is written down before anything else
    /// happens.
    fn arrive(&mut self, to: Who, octets: &[u8]) {
        let now = self.now();
        let Some(label) = Label::read(octets) else {
            return self.broken.push("a message cannot be read".to_owned());
        };
        let call = label.call.clone();
        self.tape.add(now, What::Arrived { to, label });
        if to == Who::Other
            && let Some(phone) = &mut self.phone
        {
            return phone.arrive(now, octets, &self.calls);
        }
        if let Some(Err(fault)) = self.end(to).map(|end| end.deliver(octets)) {
            return self.broken.push(fault);
        }
        let before = self.tape.moments.len();
        let sent = self.turn(to);
        let incoming = self.tape.moments.iter().skip(before).find_map(|moment| {
            let What::Told { wire, news: News::Incoming, .. } = moment.what else { return None };
            Some(wire)
        });
        if let Some(wire) = incoming {
            self.tape.add(now, What::Bound { who: to, wire, call: call.clone() });
            self.came(to, wire, &call);
        }
        self.send(to, sent);
    }

    /// A call came in: its owner decides what to do with it.
    fn came(&mut self, who: Who, wire: WireId, call: &str) {
        let Some(plan) = self.calls.get(call).copied() else {
            return self.broken.push("a call came in that nobody began".to_owned());
        };
        if let Some(after) = plan.rings_after {
            self.wish(after, who, wire, Wish::Ring);
        }
        match plan.manner {
            Manner::Answers => {
                self.wish(plan.decides_after, who, wire, Wish::Answer);
                self.wish(plan.decides_after + plan.called_talks, who, wire, Wish::HangUp);
            }
            Manner::Rejects(status) => {
                let at = self.now().after(plan.decides_after);
                self.at(at, Deed::Wish { who, wire, wish: Wish::Reject, status });
            }
            Manner::Waits => {}
        }
    }

    /// Lets an engine do what is to be done, and writes down what it tells.
    fn turn(&mut self, who: Who) -> Vec<Vec<u8>> {
        let now = self.now();
        let Some(end) = self.end(who) else { return Vec::new() };
        let (told, sent) = end.take();
        for event in told {
            self.heard(now, who, &event);
        }
        sent
    }

    fn heard(&mut self, now: Timestamp, who: Who, event: &LineEvent) {
        let Some((wire, news)) = read(event) else { return };
        self.tape.add(now, What::Told { who, wire, news });
        let bound = self.tape.moments.iter().rev().find_map(|moment| {
            let What::Bound { who: whose, wire: bound, call } = &moment.what else { return None };
            ((*whose, *bound) == (who, wire)).then(|| self.calls.get(call).copied()).flatten()
        });
        match (news, bound) {
            (News::Answered, Some(plan)) => {
                let after = if plan.by_node == (who == Who::Node) {
                    plan.caller_talks
                } else {
                    plan.called_talks
                };
                self.wish(after, who, wire, Wish::HangUp);
            }
            (News::Reoffered, _) => {
                // Now and then later than the other end waits.
                let after = self.whim.ms(0, 2_500);
                self.wish(after, who, wire, Wish::Reanswer);
            }
            _ => {}
        }
    }

    /// Lets everybody work until nobody has anything to do at this time.
    fn settle(&mut self) {
        for _ in 0..TURNS_MAX {
            let sent = self.turn(Who::Node);
            let mut quiet = sent.is_empty();
            self.send(Who::Node, sent);
            let sent = self.turn(Who::Other);
            quiet &= sent.is_empty();
            self.send(Who::Other, sent);
            let now = self.now();
            if let Some(phone) = self.phone.as_mut().filter(|_| !self.crashed) {
                let (sent, over) = phone.take(now);
                quiet &= sent.is_empty();
                for call in over {
                    self.tape.add(now, What::PhoneOver { call });
                }
                self.send(Who::Other, sent);
            }
            if quiet {
                return;
            }
        }
        self.broken.push("the ends do not come to rest".to_owned());
    }

    fn send(&mut self, by: Who, sent: Vec<Vec<u8>>) {
        let now = self.now();
        for octets in sent {
            let Some(label) = Label::read(&octets) else {
                self.broken.push("something was sent that is no message".to_owned());
                continue;
            };
            let fates = self.plan.weather.fates(&mut self.luck, now);
            self.tape.add(now, What::Sent { by, label, copies: fates.len() });
            for delay in fates {
                let deed = Deed::Arrive { to: by.other(), octets: octets.clone() };
                self.at(now.after(delay), deed);
            }
        }
    }
}

/// Last octets of the ends' addresses.
const NODE: u8 = 11;
const OTHER: u8 = 21;
const TURNS_MAX: u32 = 50;
const STANDING_MAX: u32 = 500;

//! The ends, the links between them and a clock.

use super::end::{End, read};
use super::label::Label;
use super::phone::Phone;
use super::plan::{CallPlan, Manner, Plan};
use super::tape::{Leg, News, Tape, What, Who, Wish};
use crate::dice::Dice;
use core::time::Duration;
use line::{Kept, LineEvent};
use model::{Clock, Timestamp, TrunkId};
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
    spare: Option<Phone>,
    crashed: bool,
    /// The plans of calls, by Call-ID, and of the wires of engines.
    calls: BTreeMap<String, CallPlan>,
    wires: BTreeMap<(Who, Leg), CallPlan>,
    /// What went wrong with the world itself.
    broken: Vec<String>,
}

/// Something that is going to happen.
enum Deed {
    Arrive { by: Who, to: Who, octets: Vec<u8> },
    Begin(CallPlan),
    Wish { who: Who, leg: Leg, wish: Wish, status: u16 },
    Crash(Who),
    Restart,
}

/// Messages, each with the end that it goes to.
type Sent = Vec<(Who, Vec<u8>)>;

impl World {
    pub(super) fn new(seed: u64) -> Result<Self, String> {
        let mut dice = Dice::new(seed);
        let plan = Plan::new(&mut dice);
        let clock = Arc::new(AtomicI64::new(plan.start.micros()));
        let node = End::new(NODE, hands(&clock), 1, plan.trunks())?;
        let phone = |temper, trunk, dice| {
            let face = node.face(trunk).ok_or("the socket has no address")?;
            Ok::<_, String>(Phone::new(temper, face, node.line.local_address(), dice))
        };
        let (other, phone_there) = match plan.phone {
            Some(temper) => (None, Some(phone(temper, 0, dice.fork())?)),
            None => (Some(End::new(OTHER, hands(&clock), 2, 1)?), None),
        };
        let spare = plan.spare.map(|(temper, _)| phone(temper, 1, dice.fork())).transpose()?;
        let mut world = Self {
            tape: Tape::default(),
            clock,
            luck: dice.fork(),
            whim: dice.fork(),
            agenda: BTreeMap::new(),
            planned: 0,
            node,
            other,
            phone: phone_there,
            spare,
            crashed: false,
            calls: BTreeMap::new(),
            wires: BTreeMap::new(),
            broken: Vec::new(),
            plan,
        };
        for call in world.plan.calls.clone() {
            world.at(call.at, Deed::Begin(call));
        }
        if let Some(crash) = world.plan.crash {
            world.at(crash, Deed::Crash(Who::Other));
        }
        if let Some((crash, down)) = world.plan.restart {
            world.at(crash, Deed::Crash(Who::Node));
            world.at(crash.after(down), Deed::Restart);
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
        let phone = self.phone.as_ref().filter(|_| !self.crashed);
        let open: usize = phone.into_iter().chain(&self.spare).map(Phone::open).sum();
        if open > 0 {
            left.push(format!("telephones still have {open} calls"));
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
        let spare = self.spare.as_ref().and_then(Phone::next);
        agenda.into_iter().chain(self.node.next()).chain(others).chain(spare).min()
    }

    fn at(&mut self, at: Timestamp, deed: Deed) {
        self.planned += 1;
        self.agenda.insert((at, self.planned), deed);
    }

    fn perform(&mut self, deed: Deed) {
        let now = self.now();
        match deed {
            Deed::Arrive { to: Who::Other, .. } if self.crashed => {}
            Deed::Arrive { to: Who::Node, .. } if !self.node.is_there() => {}
            Deed::Arrive { by, to, octets } => self.arrive(by, to, &octets),
            Deed::Begin(call) => self.begin(call),
            Deed::Wish { who: Who::Other, .. } if self.crashed => {}
            Deed::Wish { who, leg, wish, status } => {
                let here = |end: &&mut End| end.is_there() && end.life == leg.life;
                let Some(end) = self.end(who).filter(here) else { return };
                let (media, wire) = (end.media(), leg.wire);
                match wish {
                    Wish::Ring => end.line.ring(wire),
                    Wish::Answer => end.line.answer(wire, media),
                    Wish::Reject => end.line.reject(wire, status),
                    Wish::Reanswer => end.line.reanswer(wire, media),
                    Wish::HangUp => end.line.hang_up(wire),
                    Wish::Dial => {}
                }
                self.tape.add(now, What::Wanted { who, leg, wish });
            }
            Deed::Crash(who) => {
                match who {
                    Who::Node => self.node.crash(),
                    Who::Other | Who::Spare => (self.crashed, self.other) = (true, None),
                }
                self.tape.add(now, What::Crashed { who });
            }
            Deed::Restart => {
                if let Err(fault) = self.node.restart(hands(&self.clock), 3) {
                    return self.broken.push(fault);
                }
                self.tape.add(now, What::Restarted { who: Who::Node });
            }
        }
    }

    fn end(&mut self, who: Who) -> Option<&mut End> {
        match who {
            Who::Node => Some(&mut self.node),
            Who::Other => self.other.as_mut(),
            Who::Spare => None,
        }
    }

    fn phone(&mut self, who: Who) -> Option<&mut Phone> {
        match who {
            Who::Node => None,
            Who::Other => self.phone.as_mut().filter(|_| !self.crashed),
            Who::Spare => self.spare.as_mut(),
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
        let Some(end) = self.end(who).filter(|end| end.is_there()) else { return };
        let Some(wire) = end.dial() else { return };
        let leg = Leg { life: end.life, wire };
        self.wires.insert((who, leg), call);
        self.tape.add(now, What::Wanted { who, leg, wish: Wish::Dial });
        if let Some(after) = call.gives_up_after {
            self.wish(after, who, leg, Wish::HangUp);
        }
        let sent = self.turn(who);
        self.send(who, sent);
    }

    fn wish(&mut self, after: Duration, who: Who, leg: Leg, wish: Wish) {
        let at = self.now().after(after);
        self.at(at, Deed::Wish { who, leg, wish, status: 0 });
    }

    /// A datagram arrives; what it brings about at this time is written down before anything else
    /// happens.
    fn arrive(&mut self, by: Who, to: Who, octets: &[u8]) {
        let now = self.now();
        let Some(label) = Label::read(octets) else {
            return self.broken.push("a message cannot be read".to_owned());
        };
        let call = label.call.clone();
        self.tape.add(now, What::Arrived { by, to, label });
        if let Some(mut phone) = match to {
            Who::Node => None,
            Who::Other => self.phone.take(),
            Who::Spare => self.spare.take(),
        } {
            phone.arrive(now, octets, &self.calls);
            return match to {
                Who::Node | Who::Other => self.phone = Some(phone),
                Who::Spare => self.spare = Some(phone),
            };
        }
        let trunk = usize::from(by == Who::Spare);
        if let Some(Err(fault)) = self.end(to).map(|end| end.deliver(trunk, octets)) {
            return self.broken.push(fault);
        }
        let before = self.tape.moments.len();
        let sent = self.turn(to);
        let incoming = self.tape.moments.iter().skip(before).find_map(|moment| {
            let What::Told { leg, news: News::Incoming, .. } = moment.what else { return None };
            Some(leg)
        });
        if let Some(leg) = incoming {
            self.tape.add(now, What::Bound { who: to, leg, call: call.clone(), with: by });
            self.came(to, leg, &call);
        }
        self.send(to, sent);
    }

    /// A call came in: its owner decides what to do with it.
    fn came(&mut self, who: Who, leg: Leg, call: &str) {
        let Some(plan) = self.calls.get(call).copied() else {
            return self.broken.push("a call came in that nobody began".to_owned());
        };
        self.wires.insert((who, leg), plan);
        if let Some(after) = plan.rings_after {
            self.wish(after, who, leg, Wish::Ring);
        }
        match plan.manner {
            Manner::Answers => {
                self.wish(plan.decides_after, who, leg, Wish::Answer);
                self.wish(plan.decides_after + plan.called_talks, who, leg, Wish::HangUp);
            }
            Manner::Rejects(status) => {
                let at = self.now().after(plan.decides_after);
                self.at(at, Deed::Wish { who, leg, wish: Wish::Reject, status });
            }
            Manner::Waits | Manner::Silent => {}
        }
    }

    /// Lets an engine do what is to be done, and writes down what it tells.
    fn turn(&mut self, who: Who) -> Sent {
        let now = self.now();
        let Some(end) = self.end(who) else { return Vec::new() };
        let life = end.life;
        let (told, sent) = end.take();
        let with = |trunk: usize| match (who, trunk) {
            (Who::Node, 0) => Who::Other,
            (Who::Node, _) => Who::Spare,
            (Who::Other | Who::Spare, _) => Who::Node,
        };
        let sent: Sent = sent.into_iter().map(|(trunk, octets)| (with(trunk), octets)).collect();
        // Calls that went out, each once.
        let mut begun: Vec<(Who, String)> = Vec::new();
        for (to, octets) in &sent {
            if let Some(label) = Label::read(octets)
                && label.is("INVITE")
                && !self.calls.contains_key(&label.call)
                && !begun.iter().any(|(_, call)| *call == label.call)
            {
                begun.push((*to, label.call));
            }
        }
        for event in told {
            self.heard(now, who, life, &event);
            let LineEvent::Dialled { wire, trunk } = event else { continue };
            let with = with(if trunk == TrunkId(1) { 0 } else { 1 });
            match begun.iter().position(|(to, _)| *to == with) {
                Some(place) => {
                    let (_, call) = begun.remove(place);
                    self.bind(who, Leg { life, wire }, call, with);
                }
                None => self.broken.push("a call went out without an INVITE".to_owned()),
            }
        }
        if !begun.is_empty() {
            self.broken.push("an INVITE went out of which nobody was told".to_owned());
        }
        sent
    }

    /// A call of a wire goes out.
    fn bind(&mut self, who: Who, leg: Leg, call: String, with: Who) {
        let now = self.now();
        if let Some(plan) = self.wires.get(&(who, leg)).copied() {
            let manner = if with == Who::Spare { plan.spare } else { plan.manner };
            self.calls.insert(call.clone(), CallPlan { manner, ..plan });
        }
        self.tape.add(now, What::Bound { who, leg, call, with });
    }

    fn heard(&mut self, now: Timestamp, who: Who, life: u32, event: &LineEvent) {
        let Some((wire, news)) = read(event) else { return };
        let leg = Leg { life, wire };
        self.tape.add(now, What::Told { who, leg, news });
        match (news, self.wires.get(&(who, leg))) {
            (News::Answered, Some(plan)) => {
                let after = if plan.by_node == (who == Who::Node) {
                    plan.caller_talks
                } else {
                    plan.called_talks
                };
                self.wish(after, who, leg, Wish::HangUp);
            }
            (News::Reoffered, _) => {
                // Now and then later than the other end waits.
                let after = self.whim.ms(0, 2_500);
                self.wish(after, who, leg, Wish::Reanswer);
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
            for who in [Who::Other, Who::Spare] {
                let Some(phone) = self.phone(who) else { continue };
                let (sent, over) = phone.take(now);
                quiet &= sent.is_empty();
                for call in over {
                    self.tape.add(now, What::PhoneOver { call });
                }
                self.send(who, sent.into_iter().map(|octets| (Who::Node, octets)).collect());
            }
            if quiet {
                return;
            }
        }
        self.broken.push("the ends do not come to rest".to_owned());
    }

    fn send(&mut self, by: Who, sent: Sent) {
        let now = self.now();
        for (to, octets) in sent {
            let Some(label) = Label::read(&octets) else {
                self.broken.push("something was sent that is no message".to_owned());
                continue;
            };
            let end = if by == Who::Node { to } else { by };
            let fates = self.plan.weather(end).fates(&mut self.luck, now);
            self.tape.add(now, What::Sent { by, to, label, copies: fates.len() });
            for delay in fates {
                let deed = Deed::Arrive { by, to, octets: octets.clone() };
                self.at(now.after(delay), deed);
            }
        }
    }
}

/// The hands of a clock.
fn hands(clock: &Arc<AtomicI64>) -> Clock {
    let read = Arc::clone(clock);
    Clock::new(move || Timestamp::from_micros(read.load(Ordering::Relaxed)))
}

/// Last octets of the ends' addresses, those of their links behind them.
const NODE: u8 = 11;
const OTHER: u8 = 21;
const TURNS_MAX: u32 = 50;
const STANDING_MAX: u32 = 500;

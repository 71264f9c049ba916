//! All calls: when to start them, who answers, when to hang up.

use std::{
    collections::{HashMap, VecDeque},
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use line::{LineEvent, Target, WireId};
use model::{Clock, Codec, MediaDescription, Private, Side, Timestamp, audio::Direction};

use crate::{
    ends::{Ends, QUIT, STATUS_BUSY, STATUS_NOT_FOUND, Wakes, say},
    say::Said,
    step::Step,
};

/// A hotline.
#[derive(Clone, Debug)]
pub(crate) struct Hotline {
    /// User part of the From address: the gateway's line.
    station: String,
    /// The number that the node dials for it, as the trunk is given it, without `+`.
    number: Private<String>,
}

/// Reads `station,number` lines; numbers are ten digits of the North American plan.
///
/// # Errors
/// When the file cannot be read, a line has another shape, or there is none.
pub(crate) fn read(path: &Path) -> Result<Vec<Hotline>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let parse = |line: &str| {
        let (station, number) = line.split_once(',').context("a line is not `station,number`")?;
        let number = Private::new(format!("1{number}"));
        Ok(Hotline { station: station.to_owned(), number })
    };
    let lines = text.lines().map(parse).collect::<Result<Vec<_>>>()?;
    ensure!(!lines.is_empty(), "`{}` names no hotline", path.display());
    Ok(lines)
}

/// All calls.
pub(crate) struct Calls {
    lines: Vec<Hotline>,
    clock: Clock,
    ends: Ends,
    node: Option<SocketAddr>,
    /// One call at most for each hotline.
    calls: Vec<Call>,
    /// Hotlines without a call, the longest idle first.
    idle: VecDeque<usize>,
    wires: HashMap<(Side, WireId), usize>,
    by_number: HashMap<String, usize>,
    /// When each call has something to do.
    wakes: Wakes,
    order: Order,
    step: Step,
}

/// What happens.
pub(crate) enum Letter {
    /// On the SIP port of this side.
    Line(Side, LineEvent),
    /// A line of standard input.
    Order(String),
}

/// What is being done.
#[derive(Clone, Copy, Debug)]
enum Order {
    /// Nothing until the next order.
    Nothing,
    /// Calls are started one by one.
    Starting { due: Timestamp, every: Duration, left: usize, hold: Option<Duration> },
    /// All are started; the step is over when they are.
    Waiting,
    /// Held calls are up until `end`.
    Holding,
    /// Held calls are ended one by one.
    Ending,
}

/// How far a call is. `name` is what a failure is counted under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Idle,
    SettingUp,
    Up,
    Ending,
}

impl Stage {
    const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::SettingUp => "set-up",
            Self::Up => "held",
            Self::Ending => "end",
        }
    }
}

#[derive(Clone, Debug)]
struct Call {
    stage: Stage,
    began: Timestamp,
    hold: Option<Duration>,
    inside: Option<WireId>,
    outside: Option<WireId>,
    /// Which of its legs are answered.
    answered: [bool; 2],
}

impl Calls {
    /// Opens both SIP ports.
    pub(crate) fn start(
        lines: Vec<Hotline>,
        clock: Clock,
        letters: &Sender<Letter>,
    ) -> Result<Self> {
        let sender = letters.clone();
        let ends = Ends::start(lines.len(), &clock, move |side, event| {
            let _ = sender.send(Letter::Line(side, event));
        })?;
        let numbers = lines.iter().map(|line| line.number.expose().clone());
        let wakes = Wakes::none(lines.len());
        Ok(Self {
            by_number: numbers.zip(0..).collect(),
            calls: vec![Call::idle(); lines.len()],
            idle: (0..lines.len()).collect(),
            step: Step::begin(clock.now()),
            lines,
            clock,
            ends,
            node: None,
            wires: HashMap::new(),
            wakes,
            order: Order::Nothing,
        })
    }

    /// Where the gateway and the trunk are.
    pub(crate) fn addresses(&self) -> (SocketAddr, SocketAddr) {
        self.ends.addresses()
    }

    /// Obeys and plays until told to quit.
    pub(crate) fn run(mut self, letters: &Receiver<Letter>) -> Result<()> {
        let mut say_at = self.clock.now();
        loop {
            let now = self.clock.now();
            self.start_due(now);
            self.wake_due(now);
            if now >= say_at {
                say_at = now.after(SAY_EVERY);
                let (talking, over) = (self.count(Stage::Up), self.step.over());
                say(&Said::Progress { talking, over });
            }
            let due = if let Order::Starting { due, .. } = self.order { Some(due) } else { None };
            let next = due.into_iter().chain(self.wakes.next()).fold(say_at, Timestamp::min);
            match letters.recv_timeout(next.since(now)) {
                Ok(Letter::Order(order)) if order == QUIT => break,
                Ok(Letter::Order(order)) => self.obey(&order)?,
                Ok(Letter::Line(side, event)) => self.line_event(side, event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.go_on();
        }
        self.ends.stop();
        Ok(())
    }

    fn obey(&mut self, order: &str) -> Result<()> {
        let mut words = order.split(' ');
        let name = words.next().unwrap_or("");
        let numbers: Vec<&str> = words.collect();
        match (name, numbers.as_slice()) {
            ("call", [node]) => {
                self.node = Some(node.parse().context("`call` needs the node's address")?);
            }
            ("step", [rate, seconds, hold_ms]) => {
                let (rate, seconds): (u32, u32) = (rate.parse()?, seconds.parse()?);
                let hold = Duration::from_millis(hold_ms.parse()?);
                self.start_calls(rate, usize::try_from(rate * seconds)?, Some(hold));
            }
            ("hold", [count, rate]) => self.start_calls(rate.parse()?, count.parse()?, None),
            ("end", []) => {
                self.order = Order::Ending;
                let now = self.clock.now();
                let up: Vec<_> = self.in_stage(Stage::Up).collect();
                for (turn, index) in (0_u32..).zip(up) {
                    self.wakes.set(index, Some(now.after(END_EVERY * turn)));
                }
            }
            _ => bail!("`{order}` is no order"),
        }
        Ok(())
    }

    fn start_calls(&mut self, rate: u32, left: usize, hold: Option<Duration>) {
        let due = self.clock.now();
        self.step = Step::begin(due);
        let every = Duration::from_secs(1) / rate.max(1);
        self.order = Order::Starting { due, every, left, hold };
    }

    /// Starts the calls that are due, however late it is: a load that waits for the system it
    /// measures measures nothing.
    fn start_due(&mut self, now: Timestamp) {
        let Order::Starting { mut due, every, mut left, hold } = self.order else { return };
        while left > 0 && due <= now {
            self.step.started(due, now);
            match self.idle.pop_front() {
                Some(index) => self.dial(index, now, hold),
                None => self.step.failed("no line free"),
            }
            due = due.after(every);
            left -= 1;
        }
        self.order =
            if left > 0 { Order::Starting { due, every, left, hold } } else { Order::Waiting };
    }

    /// Says what has come to its end.
    fn go_on(&mut self) {
        let coming = self.count(Stage::SettingUp);
        match self.order {
            Order::Waiting if coming == 0 && self.idle.len() == self.lines.len() => {
                let now = self.clock.now();
                let step = std::mem::replace(&mut self.step, Step::begin(now));
                self.order = Order::Nothing;
                say(&Said::Step(step.report(now)));
            }
            Order::Waiting if coming == 0 && self.calls.iter().all(Call::is_held) => {
                self.order = Order::Holding;
                let (talking, failed) = (self.count(Stage::Up), self.step.failures().clone());
                say(&Said::Held { talking, failed });
            }
            Order::Ending if self.idle.len() == self.lines.len() => {
                self.order = Order::Nothing;
                let (clean, failed) = (self.step.cleans(), self.step.failures().clone());
                say(&Said::Ended { clean, failed });
            }
            Order::Nothing
            | Order::Starting { .. }
            | Order::Waiting
            | Order::Holding
            | Order::Ending => {}
        }
    }

    fn in_stage(&self, stage: Stage) -> impl Iterator<Item = usize> {
        let calls = self.calls.iter().enumerate();
        calls.filter(move |(_, call)| call.stage == stage).map(|(index, _)| index)
    }

    fn count(&self, stage: Stage) -> usize {
        self.in_stage(stage).count()
    }

    fn wake_due(&mut self, now: Timestamp) {
        while let Some(index) = self.wakes.take_due(now) {
            match self.calls.get(index).map(|call| call.stage) {
                Some(Stage::Up) => self.hang_up(index, now),
                Some(Stage::SettingUp | Stage::Ending) => self.fail(index),
                Some(Stage::Idle) | None => {}
            }
        }
    }

    fn dial(&mut self, index: usize, now: Timestamp, hold: Option<Duration>) {
        let (Some(node), Some(hotline)) = (self.node, self.lines.get(index)) else { return };
        let target = Target::Address { address: node, user: Private::new("help".to_owned()) };
        let wire = self.ends.gateway.dial(target, hotline.station.clone(), silent());
        self.wires.insert((Side::Station, wire), index);
        if let Some(call) = self.calls.get_mut(index) {
            let (stage, inside) = (Stage::SettingUp, Some(wire));
            *call = Call { stage, began: now, hold, inside, ..Call::idle() };
        }
        self.wakes.set(index, Some(now.after(SET_UP_MAX)));
    }

    /// The node calls one of the called parties, who answers at once.
    fn arrived(&mut self, wire: WireId, dialled: &str) {
        let index = self.by_number.get(dialled.trim_start_matches('+')).copied();
        let call = index.and_then(|index| self.calls.get_mut(index));
        let (Some(index), Some(call)) = (index, call) else {
            return self.ends.trunk.reject(wire, STATUS_NOT_FOUND);
        };
        if call.stage != Stage::SettingUp || call.outside.is_some() {
            return self.ends.trunk.reject(wire, STATUS_BUSY);
        }
        call.outside = Some(wire);
        self.wires.insert((Side::Called, wire), index);
        self.ends.trunk.answer(wire, silent());
        self.up(index, Side::Called);
    }

    /// A leg is answered; with both, the call is up.
    fn up(&mut self, index: usize, side: Side) {
        let now = self.clock.now();
        let Some(call) = self.calls.get_mut(index) else { return };
        match side {
            Side::Station => call.answered[0] = true,
            Side::Called => call.answered[1] = true,
        }
        if call.answered != [true; 2] || call.stage != Stage::SettingUp {
            return;
        }
        call.stage = Stage::Up;
        let (began, hold) = (call.began, call.hold);
        self.step.up(now.since(began));
        self.wakes.set(index, hold.map(|hold| now.after(hold)));
    }

    /// The person hangs up; the node hangs up on the called party.
    fn hang_up(&mut self, index: usize, now: Timestamp) {
        let Some(call) = self.calls.get_mut(index) else { return };
        call.stage = Stage::Ending;
        if let Some(wire) = call.inside.take() {
            self.wires.remove(&(Side::Station, wire));
            self.ends.gateway.hang_up(wire);
        }
        self.wakes.set(index, Some(now.after(END_MAX)));
    }

    fn line_event(&mut self, side: Side, event: LineEvent) {
        let (wire, answered) = match event {
            LineEvent::Incoming { wire, dialled, .. } => {
                return self.arrived(wire, dialled.expose());
            }
            LineEvent::Answered { wire, .. } => (wire, true),
            LineEvent::Failed { wire, .. } | LineEvent::HungUp { wire } => (wire, false),
            LineEvent::Dialled { .. }
            | LineEvent::Trunk { .. }
            | LineEvent::Signing { .. }
            | LineEvent::Ringing { .. }
            | LineEvent::Forwarded { .. }
            | LineEvent::Reoffered { .. }
            | LineEvent::Key { .. } => return,
        };
        let Some(index) = self.wires.get(&(side, wire)).copied() else { return };
        let stage = self.calls.get(index).map(|call| call.stage);
        match (stage, side, answered) {
            (Some(Stage::SettingUp), Side::Station, true) => self.up(index, side),
            (Some(Stage::Ending), Side::Called, false) => {
                self.step.clean();
                self.over(index);
            }
            (_, _, true) => {}
            (_, _, false) => self.fail(index),
        }
    }

    fn fail(&mut self, index: usize) {
        let Some(call) = self.calls.get(index).filter(|call| call.stage != Stage::Idle) else {
            return;
        };
        self.step.failed(call.stage.name());
        let (inside, outside) = (call.inside, call.outside);
        if let Some(wire) = inside {
            self.ends.gateway.hang_up(wire);
        }
        if let Some(wire) = outside {
            self.ends.trunk.hang_up(wire);
        }
        self.over(index);
    }

    fn over(&mut self, index: usize) {
        self.wakes.set(index, None);
        let Some(call) = self.calls.get_mut(index) else { return };
        let call = std::mem::replace(call, Call::idle());
        let (inside, outside) = (call.inside, call.outside);
        let inside = inside.map(|wire| (Side::Station, wire));
        for key in inside.into_iter().chain(outside.map(|wire| (Side::Called, wire))) {
            self.wires.remove(&key);
        }
        self.idle.push_back(index);
    }
}

impl Call {
    fn idle() -> Self {
        Self {
            stage: Stage::Idle,
            began: Timestamp::default(),
            hold: None,
            inside: None,
            outside: None,
            answered: [false; 2],
        }
    }

    /// Whether it is up until somebody orders its end, or is none.
    fn is_held(&self) -> bool {
        match self.stage {
            Stage::Up => self.hold.is_none(),
            Stage::Idle => true,
            Stage::SettingUp | Stage::Ending => false,
        }
    }
}

/// An end without audio: nobody sends and nobody waits.
fn silent() -> MediaDescription {
    MediaDescription {
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, DISCARD)),
        codecs: vec![Codec::Pcmu],
        telephone_event: None,
        packet_ms: 20,
        direction: Direction::Inactive,
        rtcp_mux: false,
        signals_from: None,
        rtcp_port: DISCARD,
    }
}

/// Longest set-up of a clean call. Below the first retransmission but one, so that a call that
/// needed more than one is none (RFC 3261 section 17.1.1.2).
const SET_UP_MAX: Duration = Duration::from_millis(1_400);
/// Longest time until the node has hung up on the called party.
const END_MAX: Duration = Duration::from_millis(1_400);
/// Between the ends of two held calls.
const END_EVERY: Duration = Duration::from_millis(5);
const SAY_EVERY: Duration = Duration::from_millis(250);
/// The discard service (RFC 863).
const DISCARD: u16 = 9;

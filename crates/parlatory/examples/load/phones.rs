//! All calls: whom to ring, what to press, when to hang up.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use line::{LineEvent, Target, WireId};
use model::{Clock, Codec, Key, MediaDescription, Private, Side, Timestamp, audio::Direction};

use crate::{
    audio::{Audio, LegIndex},
    caller::Caller,
    ear::Noticed,
    ends::{Ends, QUIT, STATUS_BUSY, STATUS_NOT_FOUND, Wakes, say},
    say::Said,
};

/// All phones.
pub(crate) struct Phones {
    callers: Vec<Caller>,
    rate: u32,
    clock: Clock,
    ends: Ends,
    audio: Audio,
    node: Option<SocketAddr>,
    calls: Vec<Call>,
    wires: HashMap<(Side, WireId), usize>,
    by_number: HashMap<String, usize>,
    /// When each call has something to do.
    wakes: Wakes,
    failed: BTreeMap<&'static str, usize>,
    /// Whether `held` was said, and whether `end` was ordered.
    held: bool,
    ending: bool,
}

/// What happens.
pub(crate) enum Letter {
    /// On the SIP port of this side.
    Line(Side, LineEvent),
    /// On a leg.
    Noticed(LegIndex, Noticed),
    /// A line of standard input.
    Order(String),
}

/// How far a call is. `name` is what a failure is counted under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Idle,
    Dialled,
    Menu,
    Placing,
    Ringing,
    Notice,
    Talking,
    Ending,
    Over,
}

impl Stage {
    const fn name(self) -> &'static str {
        match self {
            Self::Idle => "before",
            Self::Dialled => "dialled",
            Self::Menu => "menu",
            Self::Placing => "placing",
            Self::Ringing => "ringing",
            Self::Notice => "notice",
            Self::Talking => "talking",
            Self::Ending => "ending",
            Self::Over => "after",
        }
    }
}

struct Call {
    stage: Stage,
    inside: Option<WireId>,
    outside: Option<(WireId, MediaDescription)>,
    /// Which legs hear each other.
    met: [bool; 2],
    talking_since: Timestamp,
    talked: Duration,
}

impl Phones {
    /// Opens two SIP ports and two sockets for the audio of each call.
    pub(crate) fn start(
        callers: Vec<Caller>,
        rate: u32,
        clock: Clock,
        letters: &Sender<Letter>,
    ) -> Result<Self> {
        raise_file_limit();
        let sender = letters.clone();
        let audio = Audio::start(callers.len(), clock.clone(), move |leg, noticed| {
            let _ = sender.send(Letter::Noticed(leg, noticed));
        })?;
        let sender = letters.clone();
        let ends = Ends::start(callers.len(), &clock, move |side, event| {
            let _ = sender.send(Letter::Line(side, event));
        })?;
        let by_number = callers
            .iter()
            .enumerate()
            .map(|(index, caller)| (caller.number.expose().clone(), index))
            .collect();
        let calls = callers.iter().map(|_| Call::new()).collect();
        let wakes = Wakes::none(callers.len());
        Ok(Self {
            callers,
            rate,
            clock,
            ends,
            audio,
            node: None,
            calls,
            wires: HashMap::new(),
            by_number,
            wakes,
            failed: BTreeMap::new(),
            held: false,
            ending: false,
        })
    }

    /// Where the gateway and the trunk are.
    pub(crate) fn addresses(&self) -> (SocketAddr, SocketAddr) {
        self.ends.addresses()
    }

    /// Obeys and plays until every call is over.
    pub(crate) fn run(mut self, letters: &Receiver<Letter>) -> Result<()> {
        let mut say_at = self.clock.now();
        loop {
            let now = self.clock.now();
            self.wake_due(now);
            if now >= say_at {
                say_at = now.after(SAY_EVERY);
                self.say_progress();
            }
            if self.ending && self.count(Stage::Over) == self.calls.len() {
                break;
            }
            let next = self.wakes.next().map_or(say_at, |at| say_at.min(at));
            match letters.recv_timeout(next.since(now)) {
                Ok(Letter::Order(order)) if order == QUIT => bail!("told to quit"),
                Ok(Letter::Order(order)) => self.obey(&order)?,
                Ok(Letter::Line(side, event)) => self.line_event(side, event),
                Ok(Letter::Noticed(leg, noticed)) => self.noticed(leg, noticed),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.say_held();
        }
        let talked: Duration = self.calls.iter().map(|call| call.talked).sum();
        say(&Said::Over { talked_seconds: talked.as_secs_f64(), failed: self.failed });
        // Whoever measures us is not done yet.
        while let Ok(letter) = letters.recv() {
            if matches!(letter, Letter::Order(order) if order == QUIT) {
                break;
            }
        }
        self.ends.stop();
        self.audio.stop();
        Ok(())
    }

    fn obey(&mut self, order: &str) -> Result<()> {
        match order.split_once(' ').unwrap_or((order, "")) {
            ("call", node) => {
                self.node = Some(node.parse().context("`call` needs the node's address")?);
                self.spread(Stage::Idle);
            }
            ("window", "") => self.audio.begin_window(),
            ("report", "") => say(&Said::Window(self.audio.report()?)),
            ("end", "") => {
                self.ending = true;
                self.spread(Stage::Talking);
            }
            _ => bail!("`{order}` is no order"),
        }
        Ok(())
    }

    /// Wakes the calls of a stage one by one, at the rate.
    fn spread(&mut self, stage: Stage) {
        let now = self.clock.now();
        let calls: Vec<_> = self.in_stage(stage).collect();
        for (turn, index) in (0_u32..).zip(calls) {
            self.wakes.set(index, Some(now.after(Duration::from_secs(1) * turn / self.rate)));
        }
    }

    fn in_stage(&self, stage: Stage) -> impl Iterator<Item = usize> {
        let calls = self.calls.iter().enumerate();
        calls.filter(move |(_, call)| call.stage == stage).map(|(index, _)| index)
    }

    fn count(&self, stage: Stage) -> usize {
        self.in_stage(stage).count()
    }

    fn say_progress(&self) {
        let (talking, over) = (self.count(Stage::Talking), self.count(Stage::Over));
        say(&Said::Progress { talking, over });
    }

    fn say_held(&mut self) {
        let (talking, over) = (self.count(Stage::Talking), self.count(Stage::Over));
        if !self.held && talking + over == self.calls.len() {
            self.held = true;
            say(&Said::Held { talking, failed: self.failed.clone() });
        }
    }

    fn wake_due(&mut self, now: Timestamp) {
        while let Some(index) = self.wakes.take_due(now) {
            match self.calls.get(index).map(|call| call.stage) {
                Some(Stage::Idle) => self.dial(index),
                Some(Stage::Menu) => self.press_menu(index),
                Some(Stage::Ringing) => self.pick_up(index),
                Some(Stage::Talking) => self.hang_up(index),
                Some(Stage::Dialled | Stage::Placing | Stage::Notice | Stage::Ending) => {
                    self.fail(index);
                }
                Some(Stage::Over) | None => {}
            }
        }
    }

    /// Goes on to a stage in which something must happen within a time.
    fn enter(&mut self, index: usize, stage: Stage, within: Option<Duration>) {
        let now = self.clock.now();
        if let Some(call) = self.calls.get_mut(index) {
            if call.stage == Stage::Talking {
                call.talked = now.since(call.talking_since);
            }
            if stage == Stage::Talking {
                call.talking_since = now;
            }
            call.stage = stage;
        }
        self.wakes.set(index, within.map(|within| now.after(within)));
    }

    fn dial(&mut self, index: usize) {
        let (Some(node), Some(caller)) = (self.node, self.callers.get(index)) else { return };
        let Some(local) = self.local(index * 2) else { return };
        let target = Target::Address { address: node, user: Private::new("menu".to_owned()) };
        let wire = self.ends.gateway.dial(target, caller.station.clone(), local);
        self.wires.insert((Side::Station, wire), index);
        if let Some(call) = self.calls.get_mut(index) {
            call.inside = Some(wire);
        }
        self.enter(index, Stage::Dialled, Some(ANSWER_MAX));
    }

    /// The node has answered; the welcome plays.
    fn answered(&mut self, index: usize, answer: &MediaDescription) {
        self.connect(index * 2, answer);
        self.enter(index, Stage::Menu, Some(LISTENING));
    }

    fn press_menu(&mut self, index: usize) {
        if let Some(caller) = self.callers.get(index) {
            self.audio.press(index * 2, caller.keys.expose().clone());
        }
        self.enter(index, Stage::Placing, Some(PLACING_MAX));
    }

    /// The node calls one of the called parties.
    fn arrived(&mut self, wire: WireId, dialled: &str, offer: Option<MediaDescription>) {
        let index = self.by_number.get(dialled.trim_start_matches('+')).copied();
        let call = index.and_then(|index| self.calls.get_mut(index));
        let (Some(index), Some(call), Some(offer)) = (index, call, offer) else {
            return self.ends.trunk.reject(wire, STATUS_NOT_FOUND);
        };
        if call.stage != Stage::Placing {
            return self.ends.trunk.reject(wire, STATUS_BUSY);
        }
        call.outside = Some((wire, offer));
        self.wires.insert((Side::Called, wire), index);
        self.ends.trunk.ring(wire);
        self.enter(index, Stage::Ringing, Some(RINGING));
    }

    fn pick_up(&mut self, index: usize) {
        let outside = self.calls.get(index).and_then(|call| call.outside.clone());
        let (Some((wire, offer)), Some(local)) = (outside, self.local(index * 2 + 1)) else {
            return self.fail(index);
        };
        self.ends.trunk.answer(wire, local);
        self.connect(index * 2 + 1, &offer);
        self.enter(index, Stage::Notice, Some(NOTICE_MAX));
    }

    fn noticed(&mut self, leg: LegIndex, noticed: Noticed) {
        let index = leg / 2;
        let Some(call) = self.calls.get_mut(index).filter(|call| call.stage == Stage::Notice)
        else {
            return;
        };
        match noticed {
            Noticed::Spoken if leg % 2 == 1 => {
                self.audio.press(leg, Key::from_char(ACCEPT).into_iter().collect());
            }
            Noticed::Spoken => {}
            Noticed::Partner => {
                if let Some(met) = call.met.get_mut(leg % 2) {
                    *met = true;
                }
                if call.met == [true; 2] {
                    self.enter(index, Stage::Talking, None);
                }
            }
        }
    }

    fn line_event(&mut self, side: Side, event: LineEvent) {
        let (wire, answer) = match event {
            LineEvent::Incoming { wire, dialled, offer, .. } => {
                return self.arrived(wire, dialled.expose(), offer);
            }
            LineEvent::Answered { wire, answer, .. } => (wire, Some(answer)),
            LineEvent::Failed { wire, .. } | LineEvent::HungUp { wire } => (wire, None),
            LineEvent::Dialled { .. }
            | LineEvent::Trunk { .. }
            | LineEvent::Signing { .. }
            | LineEvent::Ringing { .. }
            | LineEvent::Forwarded { .. }
            | LineEvent::Reoffered { .. }
            | LineEvent::Key { .. } => {
                return;
            }
        };
        let Some(index) = self.wires.get(&(side, wire)).copied() else { return };
        let stage = self.calls.get(index).map(|call| call.stage);
        match (stage, answer) {
            (Some(Stage::Dialled), Some(answer)) => self.answered(index, &answer),
            (Some(Stage::Ending), None) => self.over(index),
            (_, None) => self.fail(index),
            (_, Some(_)) => {}
        }
    }

    /// The person hangs up; the node hangs up on the called party.
    fn hang_up(&mut self, index: usize) {
        if let Some(wire) = self.calls.get(index).and_then(|call| call.inside) {
            self.ends.gateway.hang_up(wire);
        }
        self.enter(index, Stage::Ending, Some(ENDING_MAX));
    }

    fn fail(&mut self, index: usize) {
        let Some(call) = self.calls.get(index) else { return };
        if call.stage == Stage::Over {
            return;
        }
        *self.failed.entry(call.stage.name()).or_default() += 1;
        if let Some(wire) = call.inside {
            self.ends.gateway.hang_up(wire);
        }
        if let Some((wire, _)) = &call.outside {
            self.ends.trunk.hang_up(*wire);
        }
        self.over(index);
    }

    fn over(&mut self, index: usize) {
        self.audio.close(index * 2);
        self.audio.close(index * 2 + 1);
        self.enter(index, Stage::Over, None);
    }

    fn local(&self, leg: LegIndex) -> Option<MediaDescription> {
        let address = *self.audio.addresses.get(leg)?;
        Some(MediaDescription {
            address,
            codecs: vec![Codec::Pcmu],
            telephone_event: Some(KEY_TYPE),
            packet_ms: 20,
            direction: Direction::SendRecv,
            rtcp_port: address.port().saturating_add(1),
            rtcp_mux: false,
            signals_from: None,
        })
    }

    fn connect(&self, leg: LegIndex, remote: &MediaDescription) {
        let key_type = remote.telephone_event.unwrap_or(KEY_TYPE);
        self.audio.connect(leg, remote.address, key_type);
    }
}

impl Call {
    fn new() -> Self {
        Self {
            stage: Stage::Idle,
            inside: None,
            outside: None,
            met: [false; 2],
            talking_since: Timestamp::default(),
            talked: Duration::ZERO,
        }
    }
}

/// Two sockets a call are more than many systems allow a program unless it asks.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // Where it cannot be raised, opening sockets will fail and say so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Payload type of keys; the node offers another, on purpose.
const KEY_TYPE: u8 = 96;
const ACCEPT: char = '1';

/// How long the person listens to the welcome before they type.
const LISTENING: Duration = Duration::from_secs(2);
/// How long the called party lets it ring.
const RINGING: Duration = Duration::from_millis(200);
const ANSWER_MAX: Duration = Duration::from_secs(35);
const PLACING_MAX: Duration = Duration::from_secs(45);
const NOTICE_MAX: Duration = Duration::from_secs(150);
const ENDING_MAX: Duration = Duration::from_secs(20);
const SAY_EVERY: Duration = Duration::from_millis(250);

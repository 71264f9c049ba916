//! A media thread: commands in, packets in and out, at a steady tick.
//!
//! The thread sleeps until the next tick, not until the next packet or command: packets that arrive
//! in between wait in their sockets and commands in their queue, so that one wake-up and one look
//! at the poller serve all of them; nothing would be sent before the tick anyway. Without calls it
//! sleeps until there is one. The time is read once a tick.

use crate::{
    MediaConfig, MediaError, MediaEvent, PlayEnded, Tap,
    call::Call,
    engine::{Command, Events},
    leg::{Leg, NEVER, Turn},
    limits::{COMMANDS_AT_ONCE_MAX, DATAGRAM_MAX_OCTETS, PACKETS_PER_TICK_MAX, TICK},
    path::Tokens,
    poller::{Poller, Ready},
    ports::PortPair,
    tone::Tones,
};
use model::{Agreed, CallId, Clock, LegId, Side, SrtpKeys, Timestamp};
use std::{
    collections::HashMap,
    io::ErrorKind,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, TryRecvError},
    },
    time::Duration,
};

/// All calls of one thread.
pub(crate) struct Worker {
    poller: Poller,
    /// A call keeps its place while it has legs; the tokens of its sockets follow from the place.
    calls: Vec<Option<Box<Call>>>,
    ids: Vec<CallId>,
    /// When each place has something to do; kept together, since each tick looks at all of them.
    wakes: Vec<Timestamp>,
    free: Vec<usize>,
    places: HashMap<CallId, usize>,
    buffer: Vec<u8>,
    live_within: Duration,
    lost_after: Duration,
    tones: Arc<Tones>,
    events: Events,
}

/// What the thread does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    GoOn,
    Stop,
}

impl Worker {
    pub(crate) fn new(
        config: &MediaConfig,
        tones: Arc<Tones>,
        events: Events,
    ) -> Result<Self, MediaError> {
        Ok(Self {
            poller: Poller::new().map_err(MediaError::Broken)?,
            calls: Vec::new(),
            ids: Vec::new(),
            wakes: Vec::new(),
            free: Vec::new(),
            places: HashMap::new(),
            buffer: vec![0; DATAGRAM_MAX_OCTETS],
            live_within: config.live_within,
            lost_after: config.lost_after,
            tones,
            events,
        })
    }

    /// Runs until it is told to stop or nobody is left to tell it anything.
    pub(crate) fn run(mut self, commands: &Receiver<Command>, clock: &Clock) {
        let mut ready = Ready::new();
        let mut next_tick = clock.now();
        loop {
            let command = if self.places.is_empty() {
                commands.recv().map_err(|_| TryRecvError::Disconnected)
            } else {
                commands.try_recv()
            };
            let next = match command {
                Ok(command) => self.obey_waiting(clock.now(), command, commands),
                Err(TryRecvError::Empty) => {
                    // Nobody waits in the queue, so that who sends a command wakes nobody.
                    std::thread::park_timeout(next_tick.since(clock.now()));
                    Next::GoOn
                }
                Err(TryRecvError::Disconnected) => Next::Stop,
            };
            let now = clock.now();
            if next == Next::Stop {
                return self.close_all(now);
            }
            if now >= next_tick {
                self.tick(now, &mut ready);
                let planned = next_tick.after(TICK);
                next_tick = if planned > now { planned } else { now.after(TICK) };
            }
        }
    }

    /// Obeys a command and those that wait behind it, as far as there is time before the next tick.
    fn obey_waiting(&mut self, now: Timestamp, first: Command, more: &Receiver<Command>) -> Next {
        let mut next = self.obey(now, first);
        for _ in 0..COMMANDS_AT_ONCE_MAX {
            let Ok(command) = more.try_recv() else { break };
            if next == Next::Stop {
                break;
            }
            next = self.obey(now, command);
        }
        next
    }

    /// Obeys one command.
    pub(crate) fn obey(&mut self, now: Timestamp, command: Command) -> Next {
        match command {
            Command::Stop => return Next::Stop,
            Command::Open { leg, pair } => self.open(now, leg, *pair),
            Command::Connect { leg, agreed, keys } => {
                self.connect(now, leg, agreed, keys.map(|keys| *keys));
            }
            Command::Play { leg, play, rendered } => {
                if self.with_leg(now, leg, |leg, turn| leg.play(turn, play, rendered)).is_none() {
                    (self.events)(MediaEvent::Played { leg, play, end: PlayEnded::Cut });
                }
            }
            Command::Hush { leg } => {
                self.with_leg(now, leg, Leg::hush);
            }
            Command::Tone { leg, tone } => {
                self.with_leg(now, leg, |leg, _| leg.set_tone(tone));
            }
            Command::Bridge { call, tap } => self.bridge(now, call, tap),
            Command::Unbridge { call } => {
                if let Some(place) = self.places.get(&call) {
                    self.with_call(now, *place, |call, turn| call.unbridge(turn.now));
                }
            }
            Command::Capture { call, capture } => {
                if let Some(place) = self.places.get(&call) {
                    self.with_call(now, *place, |call, turn| call.capture(turn.now, capture));
                }
            }
            Command::Close { leg } => self.close(now, leg),
            Command::Press { leg, keys } => {
                self.with_leg(now, leg, |leg, _| leg.press(&keys));
            }
            Command::Listen { leg, on } => {
                self.with_leg(now, leg, |leg, _| leg.listen(on));
            }
            Command::Babble { leg, voice } => {
                self.with_leg(now, leg, |leg, _| leg.talk(voice));
            }
            Command::Statistics { leg, answer } => {
                let statistics = self.with_leg(now, leg, |leg, _| leg.statistics());
                // Whoever asked may have stopped waiting.
                let _ = answer.try_send(statistics);
            }
        }
        Next::GoOn
    }

    /// Reads what has arrived, then does what is due.
    pub(crate) fn tick(&mut self, now: Timestamp, ready: &mut Ready) {
        let mut buffer = std::mem::take(&mut self.buffer);
        // A look names each socket once, so that a flood on one does not keep others waiting.
        for _ in 0..PACKETS_PER_TICK_MAX {
            if !self.look(ready) {
                break;
            }
            for token in ready.tokens() {
                let (place, side, port) = read_token(token);
                self.with_call(now, place, |call, turn| match port {
                    Port::Rtp => call.read(turn, side, &mut buffer),
                    Port::Rtcp => call.read_report(turn, side, &mut buffer),
                });
            }
        }
        self.buffer = buffer;
        for place in 0..self.wakes.len() {
            if self.wakes.get(place).is_some_and(|wake| *wake <= now) {
                self.with_call(now, place, Call::service);
            }
        }
    }

    /// Whether there is something to read.
    fn look(&self, ready: &mut Ready) -> bool {
        match self.poller.look(ready) {
            Ok(sockets) => sockets > 0,
            Err(error) if error.kind() == ErrorKind::Interrupted => false,
            Err(error) => {
                tracing::error!(%error, "the poller of a media thread fails; nothing is heard");
                false
            }
        }
    }

    /// Closes all legs: plays end, taps end.
    pub(crate) fn close_all(&mut self, now: Timestamp) {
        for place in 0..self.calls.len() {
            self.with_call(now, place, |call, turn| {
                call.close(turn, Side::Station);
                call.close(turn, Side::Called);
            });
        }
    }

    fn open(&mut self, now: Timestamp, leg: LegId, pair: PortPair) {
        let place = match self.places.get(&leg.call) {
            Some(place) => *place,
            None => self.make_place(leg.call),
        };
        self.with_call(now, place, |call, turn| {
            call.close(turn, leg.side);
            call.open(leg.side, Leg::new(leg, pair, now));
        });
    }

    fn connect(&mut self, now: Timestamp, leg: LegId, agreed: Agreed, keys: Option<SrtpKeys>) {
        let Some(place) = self.places.get(&leg.call) else { return };
        let tokens = write_tokens(*place, leg.side);
        let connected =
            self.with_leg(now, leg, |leg, turn| leg.connect(turn, tokens, agreed, keys));
        if let Some(Err(error)) = connected {
            // It is heard from no more; `Lost` follows.
            tracing::warn!(call = leg.call.0, side = ?leg.side, %error, "a leg cannot be connected");
        }
    }

    fn bridge(&mut self, now: Timestamp, call: CallId, tap: Option<Box<dyn Tap>>) {
        match self.places.get(&call) {
            Some(place) => {
                self.with_call(now, *place, |call, turn| call.bridge(turn.now, tap));
            }
            None => Call::default().bridge(now, tap),
        }
    }

    fn close(&mut self, now: Timestamp, leg: LegId) {
        if let Some(place) = self.places.get(&leg.call) {
            self.with_call(now, *place, |call, turn| call.close(turn, leg.side));
        }
    }

    /// `None` when there is no such leg.
    fn with_leg<R>(
        &mut self,
        now: Timestamp,
        leg: LegId,
        handle: impl FnOnce(&mut Leg, &Turn<'_>) -> R,
    ) -> Option<R> {
        let place = *self.places.get(&leg.call)?;
        self.with_call(now, place, |call, turn| Some(handle(call.leg(leg.side)?, turn)))?
    }

    /// Handles one call. A panic in it, which is a fault of ours, costs this call and no other.
    fn with_call<R>(
        &mut self,
        now: Timestamp,
        place: usize,
        handle: impl FnOnce(&mut Call, &Turn<'_>) -> R,
    ) -> Option<R> {
        let call = self.calls.get_mut(place)?.as_mut()?;
        let turn = Turn {
            now,
            live_within: self.live_within,
            lost_after: self.lost_after,
            tones: &self.tones,
            report: &*self.events,
            poller: &self.poller,
        };
        let handled = catch_unwind(AssertUnwindSafe(|| {
            let result = handle(call, &turn);
            (result, (!call.is_empty()).then(|| call.wake_at(&turn)))
        }));
        match handled {
            Ok((result, Some(wake))) => {
                if let Some(place) = self.wakes.get_mut(place) {
                    *place = wake;
                }
                Some(result)
            }
            Ok((result, None)) => {
                self.leave_place(place);
                Some(result)
            }
            Err(_) => {
                self.break_call(place);
                None
            }
        }
    }

    fn make_place(&mut self, call: CallId) -> usize {
        let place = self.free.pop().unwrap_or_else(|| {
            self.calls.push(None);
            self.ids.push(call);
            self.wakes.push(NEVER);
            self.calls.len() - 1
        });
        if let Some(empty) = self.calls.get_mut(place) {
            *empty = Some(Box::default());
        }
        if let Some(id) = self.ids.get_mut(place) {
            *id = call;
        }
        self.places.insert(call, place);
        place
    }

    fn leave_place(&mut self, place: usize) -> Option<(CallId, Box<Call>)> {
        let call = self.calls.get_mut(place)?.take()?;
        let id = *self.ids.get(place)?;
        *self.wakes.get_mut(place)? = NEVER;
        self.places.remove(&id);
        self.free.push(place);
        Some((id, call))
    }

    /// Gives up a call whose handling panicked. Its tap ends with what it has.
    fn break_call(&mut self, place: usize) {
        let Some((id, mut call)) = self.leave_place(place) else { return };
        tracing::error!(call = id.0, "a fault of ours ended the audio of a call");
        // The tap, or whoever is told, may be at fault: each is tried by itself.
        let ended = catch_unwind(AssertUnwindSafe(|| {
            if let Some(tap) = call.take_tap() {
                tap.end();
            }
            drop(call);
        }));
        let told =
            catch_unwind(AssertUnwindSafe(|| (self.events)(MediaEvent::Broken { call: id })));
        if ended.is_err() || told.is_err() {
            tracing::error!(call = id.0, "and so did the end of its tap or of the report");
        }
    }
}

/// Which socket of a leg.
enum Port {
    Rtp,
    Rtcp,
}

/// Four sockets for each place.
fn write_tokens(place: usize, side: Side) -> Tokens {
    let side = match side {
        Side::Station => 0,
        Side::Called => 2,
    };
    let rtp = u64::try_from(place).map_or(u64::MAX - 1, |place| place * 4 + side);
    Tokens { rtp, rtcp: rtp + 1 }
}

fn read_token(token: u64) -> (usize, Side, Port) {
    let side = if token & 2 == 0 { Side::Station } else { Side::Called };
    let port = if token & 1 == 0 { Port::Rtp } else { Port::Rtcp };
    (usize::try_from(token / 4).unwrap_or(usize::MAX), side, port)
}

#[cfg(test)]
mod tests;

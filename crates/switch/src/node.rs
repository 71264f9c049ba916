//! The loop of a node: one inbox, one thread, all calls.

use std::{
    collections::{BTreeSet, HashMap},
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError},
    },
    thread::JoinHandle,
    time::Duration,
};

use call::Input;
use line::{Line, LineEvent, Origin, WireId};
use media::{Media, MediaEvent};
use model::{
    CallId, Clock, MediaDescription, Private, Side, SrtpKeys, StationId, Timestamp, fact::EndReason,
};
use vault::Vault;

use crate::{
    counts::{Counts, Stages},
    ended::{Ended, Running},
    failure::failure_of,
    hearing::Hearing,
    limits::{
        IDLE_WAIT_MAX, LOOK_MAX, REST_MAX, STATUS_BUSY, STATUS_FAULT, STATUS_FORBIDDEN,
        STATUS_NOT_ACCEPTABLE_HERE, STATUS_UNAVAILABLE,
    },
    live::{Live, Surroundings, input_of, our_audio},
    mailbox::{Content, Letter, Mailbox, post},
    office::Office,
    step::{StepKind, Watch},
};

/// All calls of one node. Dropping it does not stop the node; [`Switch::begin_stop`] does.
pub struct Switch {
    inbox: Sender<Letter>,
    clock: Clock,
    counts: Arc<Counts>,
    ended: Ended,
    thread: Option<JoinHandle<()>>,
}

/// What the node runs on. `line` and `media` report through [`Mailbox`].
pub struct Parts {
    /// The SIP side, already started.
    pub line: Line,
    /// The audio side, already started.
    pub media: Media,
    /// Where recordings go.
    pub vault: Vault,
    /// Who is asked.
    pub office: Arc<dyn Office>,
    /// Who watches the steps of calls, if anybody.
    pub watch: Option<Watch>,
}

/// Limits of this node.
#[derive(Clone, Debug)]
pub struct SwitchConfig {
    /// Number of this start of the node; call numbers begin with it.
    pub boot: u32,
    /// Most calls at once; more are refused with 503.
    pub calls_max: usize,
    /// Most calls of one station at once; more are refused with 486. A telephone makes one, and
    /// begins the next while the last is being closed.
    pub calls_per_station_max: u32,
}

impl Switch {
    /// Starts the loop on a thread of its own.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(
        config: SwitchConfig,
        mailbox: Mailbox,
        parts: Parts,
        clock: Clock,
    ) -> std::io::Result<Self> {
        let counts = Arc::new(Counts::default());
        let inbox = mailbox.sender.clone();
        let (answers, answered_by) = (mailbox.sender, clock.clone());
        let (names, named_by) = (answers.clone(), clock.clone());
        let answer = move |call, given| post(&answers, &answered_by, Content::Answer(call, given));
        let name = move |call, clip| post(&names, &named_by, Content::Name(call, clip));
        let around = Surroundings {
            line: parts.line,
            media: parts.media,
            vault: parts.vault,
            office: parts.office,
            answer: Arc::new(answer),
            name: Arc::new(name),
            watch: parts.watch,
        };
        let mut node = Node {
            config,
            around,
            clock: clock.clone(),
            counts: Arc::clone(&counts),
            counter: 0,
            calls: HashMap::new(),
            by_station: HashMap::new(),
            wires: HashMap::new(),
            wakes: BTreeSet::new(),
            stopping: None,
            hearing: Hearing::default(),
            began: None,
        };
        let ended = Ended::default();
        let running = Running(ended.clone());
        let thread = std::thread::Builder::new().name("switch".into()).spawn(move || {
            let _running = running;
            node.run(&mailbox.receiver);
        })?;
        Ok(Self { inbox, clock, counts, ended, thread: Some(thread) })
    }

    /// What the node has counted.
    pub fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    /// Says from another thread how far the calls of now have come; `None` where the node's thread
    /// does not say so within a second, or has ended.
    pub fn looker(&self) -> impl Fn() -> Option<Stages> + Send + Sync + 'static {
        let (inbox, clock) = (self.inbox.clone(), self.clock.clone());
        move || {
            let (answer, looked) = std::sync::mpsc::channel();
            post(&inbox, &clock, Content::Look(answer));
            looked.recv_timeout(LOOK_MAX).ok()
        }
    }

    /// Takes no new calls from now on, lets the running ones finish for at most `limit`, then ends
    /// them. Said again with a shorter limit, it holds sooner.
    pub fn begin_stop(&self, limit: Duration) {
        post(&self.inbox, &self.clock, Content::Stop(limit));
    }

    /// [`Switch::begin_stop`] for a thread that does not hold the switch.
    pub fn stopper(&self) -> impl Fn(Duration) + Send + 'static {
        let (inbox, clock) = (self.inbox.clone(), self.clock.clone());
        move |limit| post(&inbox, &clock, Content::Stop(limit))
    }

    /// Ends calls from another thread: gives those of them that there were, once they have been
    /// told that it is over. What they hear as a farewell is still played then.
    pub fn ender(&self) -> impl Fn(Vec<CallId>, EndReason) -> Vec<CallId> + Send + Sync + 'static {
        let (inbox, clock) = (self.inbox.clone(), self.clock.clone());
        move |calls, reason| {
            let (done, ended) = std::sync::mpsc::channel();
            post(&inbox, &clock, Content::End(calls, reason, done));
            // A node that has ended has no calls any more.
            ended.recv().unwrap_or_default()
        }
    }

    /// Calls `tell` once, when the node's thread has ended: asked to, or by a fault of ours that
    /// left nobody to take calls. Called on that thread, or here when it has ended already.
    pub fn when_ended(&self, tell: impl FnOnce() + Send + 'static) {
        self.ended.tell(tell);
    }

    /// Returns when the node has stopped and all its calls are settled.
    pub fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// When the node was asked to stop, and what it has done about it.
struct Stopping {
    deadline: Timestamp,
    ended: bool,
}

/// A call that comes in.
struct Incoming {
    wire: WireId,
    origin: Origin,
    dialled: Private<String>,
    offer: Option<MediaDescription>,
    keys: Option<SrtpKeys>,
}

struct Node {
    config: SwitchConfig,
    around: Surroundings,
    clock: Clock,
    counts: Arc<Counts>,
    /// Calls numbered since this boot.
    counter: u32,
    calls: HashMap<CallId, Live>,
    /// How many calls each station has.
    by_station: HashMap<StationId, u32>,
    wires: HashMap<WireId, CallId>,
    /// Every call's wish to be woken, earliest first.
    wakes: BTreeSet<(Timestamp, CallId)>,
    stopping: Option<Stopping>,
    /// How the audio of calls was whose legs are being closed.
    hearing: Hearing,
    /// When the first letter was opened since the loop rested last.
    began: Option<Timestamp>,
}

impl Node {
    fn run(&mut self, inbox: &Receiver<Letter>) {
        while self.turn(inbox).is_continue() {}
    }

    /// Opens the next letter, or does what is due when there is none. What was due when a letter
    /// came is done before it, and nothing that was not: a loop that is late goes through what
    /// happened in the order in which it happened.
    fn turn(&mut self, inbox: &Receiver<Letter>) -> ControlFlow<()> {
        let now = self.clock.now();
        match inbox.try_recv() {
            Ok(letter) => self.take_letter(now, letter),
            Err(TryRecvError::Disconnected) => ControlFlow::Break(()),
            Err(TryRecvError::Empty) => {
                self.pass(now)?;
                if let Some(began) = self.began.take() {
                    self.rest(now, began);
                    return ControlFlow::Continue(());
                }
                match inbox.recv_timeout(self.wait(now)) {
                    Ok(letter) => self.take_letter(self.clock.now(), letter),
                    Err(RecvTimeoutError::Timeout) => ControlFlow::Continue(()),
                    Err(RecvTimeoutError::Disconnected) => ControlFlow::Break(()),
                }
            }
        }
    }

    /// Lets letters gather for what is left of [`REST_MAX`] since `began`, if nothing is due.
    fn rest(&self, now: Timestamp, began: Timestamp) {
        let rest = began.after(REST_MAX).since(now).min(self.wait(now));
        if !rest.is_zero() {
            // Nobody waits in the inbox, so that who posts a letter wakes nobody.
            std::thread::park_timeout(rest);
        }
    }

    fn take_letter(&mut self, now: Timestamp, letter: Letter) -> ControlFlow<()> {
        self.began = self.began.or(Some(now));
        self.pass(letter.at)?;
        // A panic about one call is caught closer to it; this one was about none.
        if catch_unwind(AssertUnwindSafe(|| self.open(letter))).is_err() {
            tracing::error!("a fault of ours lost an event");
            self.counts.faults.fetch_add(1, Ordering::Relaxed);
        }
        ControlFlow::Continue(())
    }

    /// Does what is due at `now`; breaks when the node has stopped.
    fn pass(&mut self, now: Timestamp) -> ControlFlow<()> {
        self.wake_due(now);
        self.tell_heard(now);
        if self.stopped(now) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// How long nothing needs to be done unless a letter comes.
    fn wait(&self, now: Timestamp) -> Duration {
        let wake = self.wakes.first().map(|(at, _)| *at);
        let deadline = self.stopping.as_ref().filter(|stop| !stop.ended).map(|stop| stop.deadline);
        match wake.into_iter().chain(deadline).chain(self.hearing.until()).min() {
            Some(next) => next.since(now).min(IDLE_WAIT_MAX),
            None => IDLE_WAIT_MAX,
        }
    }

    fn open(&mut self, Letter { at: now, content }: Letter) {
        match content {
            Content::Line(event) => self.line_event(now, event),
            Content::Media(MediaEvent::Closed { leg, statistics }) => {
                let live = self.calls.contains_key(&leg.call);
                self.counts.heard(&statistics);
                self.hearing.closed(leg, &statistics, live);
                self.tell_heard(now);
            }
            Content::Media(event) => {
                if let Some((call, input)) = input_of(event) {
                    self.with_call(call, now, |live, around| live.handle(now, input, around));
                }
            }
            Content::Answer(call, answer) => {
                let input = Input::Answer(answer);
                self.with_call(call, now, |live, around| live.handle(now, input, around));
            }
            Content::Name(call, clip) => {
                let input = Input::NameCaptured(clip);
                self.with_call(call, now, |live, around| live.handle(now, input, around));
            }
            Content::End(calls, reason, done) => {
                let mut there = calls;
                there.retain(|call| self.calls.contains_key(call));
                for call in &there {
                    let stop = Input::Stop(reason);
                    self.with_call(*call, now, |live, around| live.handle(now, stop, around));
                }
                // Whoever asked may have gone.
                let _ = done.send(there);
            }
            Content::Look(answer) => {
                let mut stages = Stages::default();
                for live in self.calls.values() {
                    stages.add(live.stage(), live.is_recorded());
                }
                // Whoever asked may have gone.
                let _ = answer.send(stages);
            }
            Content::Stop(limit) => {
                self.around.line.refuse_new();
                self.stopping = Some(Stopping { deadline: now.after(limit), ended: false });
            }
        }
    }

    fn line_event(&mut self, now: Timestamp, event: LineEvent) {
        match event {
            LineEvent::Incoming { wire, origin, dialled, offer, keys } => {
                let caller = Incoming { wire, origin, dialled, offer, keys };
                self.incoming(now, &caller);
            }
            LineEvent::Dialled { wire, trunk } => self.with_wire(wire, now, |live, around| {
                live.dialled(now, trunk, around);
            }),
            LineEvent::Trunk { trunk, up: true } => {
                tracing::info!(trunk = trunk.0, "a trunk is up again");
            }
            LineEvent::Trunk { trunk, up: false } => {
                tracing::warn!(trunk = trunk.0, "a trunk is down");
            }
            LineEvent::Signing { signs: true } => tracing::info!("calls go out signed again"),
            LineEvent::Signing { signs: false } => {
                tracing::error!(
                    "calls go out unsigned: the certificate that signs is not in force"
                );
            }
            LineEvent::Ringing { wire } => self.with_wire(wire, now, |live, around| {
                if live.side_of(wire) == Side::Called {
                    live.handle(now, Input::Ringing, around);
                }
            }),
            LineEvent::Forwarded { wire } => self.with_wire(wire, now, |live, around| {
                live.forwarded(now, around);
            }),
            LineEvent::Answered { wire, answer, keys } => {
                self.with_wire(wire, now, |live, around| {
                    live.answered(now, wire, (&answer, keys), around);
                });
            }
            LineEvent::Failed { wire, status, cause } => {
                self.with_wire(wire, now, |live, around| {
                    live.handle(now, Input::CalledFailed(failure_of(status, cause)), around);
                })
            }
            LineEvent::Reoffered { wire, offer, keys } => {
                self.with_wire(wire, now, |live, around| {
                    live.reoffered(now, wire, (&offer, keys), around);
                });
            }
            LineEvent::Key { wire, key, lasted } => self.with_wire(wire, now, |live, around| {
                live.info_key(now, wire, (key, lasted), around);
            }),
            LineEvent::HungUp { wire } => {
                self.with_wire(wire, now, |live, around| live.hung_up(now, wire, around));
                self.wires.remove(&wire);
            }
        }
    }

    /// A station wants to make a call.
    fn incoming(&mut self, now: Timestamp, incoming: &Incoming) {
        let wire = incoming.wire;
        match self.take_or_fault(now, incoming) {
            Ok(call) => {
                self.counts.taken.fetch_add(1, Ordering::Relaxed);
                self.wires.insert(wire, call);
                self.with_call(call, now, |live, around| {
                    live.watched(now, Some(StepKind::StationCalled), around);
                    live.drain(now, around);
                });
            }
            Err(status) => {
                self.counts.turned_away.fetch_add(1, Ordering::Relaxed);
                self.around.line.reject(wire, status);
            }
        }
    }

    /// [`Node::take`], in which a panic costs this call and no other.
    fn take_or_fault(&mut self, now: Timestamp, incoming: &Incoming) -> Result<CallId, u16> {
        let before = self.counter;
        let taken = catch_unwind(AssertUnwindSafe(|| self.take(now, incoming)));
        taken.unwrap_or_else(|_| {
            tracing::error!("a fault of ours refused a station's call");
            self.counts.faults.fetch_add(1, Ordering::Relaxed);
            if self.counter != before {
                // Its leg may be open already.
                let call = CallId::from_parts(self.config.boot, self.counter);
                self.around.media.close(call.leg(Side::Station));
            }
            Err(STATUS_FAULT)
        })
    }

    /// Answers a station's call and starts its machine, or says with which SIP status to refuse it.
    fn take(&mut self, now: Timestamp, incoming: &Incoming) -> Result<CallId, u16> {
        let wire = incoming.wire;
        let station = match incoming.origin {
            Origin::Station(station) => station,
            Origin::Unknown => return Err(STATUS_FORBIDDEN),
        };
        if self.calls.len() >= self.config.calls_max || self.stopping.is_some() {
            return Err(STATUS_UNAVAILABLE);
        }
        let plan = self.around.office.station(station).ok_or(STATUS_FORBIDDEN)?;
        let calling = self.by_station.get(&station).copied().unwrap_or(0);
        if calling >= self.config.calls_per_station_max {
            return Err(STATUS_BUSY);
        }
        self.counter = self.counter.checked_add(1).ok_or(STATUS_UNAVAILABLE)?;
        let call = CallId::from_parts(self.config.boot, self.counter);
        let leg = call.leg(Side::Station);
        let address = self.around.media.open(leg).map_err(|error| {
            tracing::error!(%error, "no audio port for a station");
            STATUS_UNAVAILABLE
        })?;
        let local = our_audio(address);
        let agreed = incoming.offer.as_ref().map(|offer| line::agree(&local, offer));
        if agreed == Some(None) {
            self.around.media.close(leg);
            return Err(STATUS_NOT_ACCEPTABLE_HERE);
        }
        let dialled = (wire, &incoming.dialled);
        let mut live = Live::new(call, station, plan, dialled, local.clone(), now);
        if let Some(agreed) = agreed.flatten() {
            live.connect(Side::Station, agreed, incoming.keys.clone(), &self.around);
        }
        self.around.line.answer(wire, local);
        self.start_live(call, station, live);
        Ok(call)
    }

    fn start_live(&mut self, call: CallId, station: StationId, live: Live) {
        tracing::debug!(call = call.0, station = station.0, "a station calls");
        self.calls.insert(call, live);
        *self.by_station.entry(station).or_default() += 1;
        self.counts.live.fetch_add(1, Ordering::Relaxed);
    }

    fn with_wire(
        &mut self,
        wire: WireId,
        now: Timestamp,
        act: impl FnOnce(&mut Live, &Surroundings),
    ) {
        if let Some(call) = self.wires.get(&wire).copied() {
            self.with_call(call, now, act);
        }
    }

    /// Lets `act` work on a call and books what follows from it. A panic in it costs this call and
    /// no other: nothing of a call is shared with another one.
    fn with_call(
        &mut self,
        call: CallId,
        now: Timestamp,
        act: impl FnOnce(&mut Live, &Surroundings),
    ) {
        let Some(live) = self.calls.get_mut(&call) else { return };
        if let Some(at) = live.wake_at() {
            self.wakes.remove(&(at, call));
        }
        let around = &self.around;
        if catch_unwind(AssertUnwindSafe(|| act(live, around))).is_err() {
            self.fault(call, now);
            return;
        }
        self.book(call);
    }

    /// Takes note of a call's dialogs and of when it is to be woken, or forgets it when it is over.
    fn book(&mut self, call: CallId) {
        let Some(live) = self.calls.get(&call) else { return };
        if live.is_over() {
            self.forget(call);
            return;
        }
        for wire in live.wires() {
            self.wires.insert(wire, call);
        }
        if let Some(at) = live.wake_at() {
            self.wakes.insert((at, call));
        }
    }

    /// A fault of ours in one call: the office settles what was talked, and the two are told that
    /// we are sorry. A second one, in the apology, ends the legs at once.
    fn fault(&mut self, call: CallId, now: Timestamp) {
        tracing::error!(call = call.0, "a fault of ours ended this call");
        self.counts.faults.fetch_add(1, Ordering::Relaxed);
        self.wakes.retain(|(_, waiting)| *waiting != call);
        let Some(live) = self.calls.get_mut(&call) else { return };
        let (around, at, settled) = (&self.around, live.reach(now), live.is_apologising());
        let sorry =
            !settled && catch_unwind(AssertUnwindSafe(|| live.apologise(at, around))).is_ok();
        if !sorry {
            // What cannot be ended has ended for us all the same.
            let _ = catch_unwind(AssertUnwindSafe(|| live.abandon(around)));
        }
        if !settled {
            // The office may be what is broken; then the next start settles the call.
            let _ = catch_unwind(AssertUnwindSafe(|| around.office.broken(call, at)));
        }
        self.book(call);
    }

    /// Tells the office of calls whose audio is over.
    fn tell_heard(&mut self, now: Timestamp) {
        while let Some(heard) = self.hearing.poll(now) {
            let office = &self.around.office;
            if catch_unwind(AssertUnwindSafe(|| office.heard(heard))).is_err() {
                tracing::error!("a fault of ours lost how a call was heard");
                self.counts.faults.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn forget(&mut self, call: CallId) {
        if let Some(live) = self.calls.remove(&call) {
            self.hearing.over(call, live.has_called(), self.clock.now());
            if let Some(calling) = self.by_station.get_mut(&live.station()) {
                *calling = calling.saturating_sub(1);
                if *calling == 0 {
                    self.by_station.remove(&live.station());
                }
            }
            for wire in live.wires() {
                self.wires.remove(&wire);
            }
            self.counts.live.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn wake_due(&mut self, now: Timestamp) {
        while let Some((at, call)) = self.wakes.first().copied() {
            if at > now {
                return;
            }
            self.wakes.remove(&(at, call));
            self.with_call(call, now, |live, around| live.handle(now, Input::Timeout, around));
        }
    }

    /// Whether the node has stopped: asked to, and no call is left.
    fn stopped(&mut self, now: Timestamp) -> bool {
        let Some(stopping) = self.stopping.as_mut() else { return false };
        if self.calls.is_empty() {
            return self.hearing.is_done();
        }
        if !stopping.ended && now >= stopping.deadline {
            stopping.ended = true;
            let calls: Vec<CallId> = self.calls.keys().copied().collect();
            for call in calls {
                let stop = Input::Stop(EndReason::NodeStopping);
                self.with_call(call, now, |live, around| live.handle(now, stop, around));
            }
        }
        false
    }
}

//! The line's thread: reads the socket, keeps the dialogs, and is the only one that changes them.
//!
//! Three things wake it: a command of the owner, a word of a transaction, a datagram. `door`
//! decides who may come in, `inbound` serves requests, `outbound` places calls and reads responses.

use crate::counts::Tally;
use crate::dialog::{Dialog, Reply};
use crate::digest::Challenger;
use crate::gate::Gate;
use crate::guard::{self, Passed};
use crate::identity::Signer;
use crate::limits::{
    CALLS_PER_SECOND_MAX, DATAGRAM_MAX_OCTETS, DATAGRAMS_PER_TURN_MAX, REQUESTS_PER_SECOND_MAX,
    RETRY_AFTER_SECONDS, STOP_MAX, UNANSWERED_MAX,
};
use crate::line::Local;
use crate::registrar::Registrar;
use crate::sdp::{self, Session};
use crate::stack::{Happening, Serving, Stack, Timers};
use crate::stream::{Arrival, Stream, Streams};
use crate::tags::Tags;
use crate::tls::Server;
use crate::transport::{Hop, Transport};
use crate::trunk::Trunks;
use crate::{Directory, Encryption, LineConfig, LineEvent, Target, WireId};
use core::time::Duration;
use model::{Clock, MediaDescription, Timestamp};
use rsipstack::sip::{Header, Response, SipMessage};
use rsipstack::transport::SipConnection;
use std::collections::{BTreeSet, HashMap};
use std::future::{Future, poll_fn, ready};
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::task::Poll;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::sleep;

mod arrival;
mod carrier;
mod door;
mod errand;
mod inbound;
mod kept;
mod outbound;
mod rest;
mod session;
#[cfg(test)]
mod tests;

use carrier::{Orphan, Route};
pub(crate) use door::unknown_method_answer;
pub(crate) use errand::Errand;
use errand::Registration;
use session::{SessionTimer, Wish};

/// What the owner of a line wants.
pub(crate) enum Command {
    Ring(WireId),
    Answer(WireId, MediaDescription),
    Reject(WireId, u16),
    Dial(WireId, Box<Dial>),
    Reanswer(WireId, MediaDescription),
    HangUp(WireId),
    /// What is kept.
    Kept(std::sync::mpsc::Sender<crate::Kept>),
    /// How stations and trunks are.
    HowIsIt(std::sync::mpsc::Sender<crate::LineLook>),
    /// Time may have passed.
    Look,
    Stop,
}

/// A call to place.
#[derive(Clone)]
pub(crate) struct Dial {
    pub(crate) target: Target,
    pub(crate) from: String,
    pub(crate) offer: MediaDescription,
}

/// What the engine shares with the handles of its line.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) tally: Tally,
    pub(crate) refusing: AtomicBool,
    /// The last call that was to be signed was not.
    pub(crate) unsigned: AtomicBool,
    pub(crate) wires: AtomicU64,
    /// When the engine wants to look next, in microseconds; `i64::MAX` where it waits for others.
    pub(crate) due: AtomicI64,
}

impl Shared {
    /// A number that no wire had before.
    pub(crate) fn next_wire(&self) -> WireId {
        WireId(self.wires.fetch_add(1, Ordering::Relaxed))
    }
}

/// Everything an engine is made from.
pub(crate) struct Setup {
    pub(crate) config: LineConfig,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) clock: Clock,
    pub(crate) events: Box<dyn Fn(LineEvent) + Send + Sync>,
    pub(crate) socket: std::net::UdpSocket,
    pub(crate) tcp: Option<std::net::TcpListener>,
    pub(crate) tls: Option<(std::net::TcpListener, Server)>,
    pub(crate) trunks: Trunks,
    pub(crate) signer: Option<Signer>,
    pub(crate) local: Local,
    pub(crate) shared: Arc<Shared>,
    pub(crate) key: [u8; 32],
    pub(crate) t1: Duration,
}

pub(crate) struct Engine {
    config: LineConfig,
    directory: Arc<dyn Directory>,
    clock: Clock,
    events: Box<dyn Fn(LineEvent) + Send + Sync>,
    socket: Arc<UdpSocket>,
    /// Makes streams.
    maker: Streams,
    streams: HashMap<Hop, Stream>,
    arrivals: Receiver<Arrival>,
    trunks: Trunks,
    /// How registrations stand, by the place of their trunk.
    registrations: HashMap<usize, Registration>,
    errands: BTreeSet<(Timestamp, Errand)>,
    /// INVITEs that were given up, by their branch.
    orphans: HashMap<String, Orphan>,
    signer: Option<Signer>,
    local: Local,
    shared: Arc<Shared>,
    stack: Stack,
    happenings: UnboundedReceiver<Happening>,
    /// For what happens elsewhere than in a transaction.
    happens: UnboundedSender<Happening>,
    tags: Tags,
    challenger: Challenger,
    registrar: Registrar,
    wires: HashMap<WireId, Wire>,
    /// Wires by our tag, which is how the other end names a dialog.
    by_tag: HashMap<String, WireId>,
    due: BTreeSet<(Timestamp, WireId)>,
    /// INVITEs of the other end that have a final response and no ACK yet, by source.
    pending: HashMap<IpAddr, usize>,
    pending_all: usize,
    /// New calls.
    calls: Gate,
    /// Requests of no dialog that are no call.
    requests: Gate,
    /// BYEs and CANCELs that still run.
    requests_open: usize,
    /// The datagram belonged to a transaction that runs.
    handed_over: bool,
    /// The wire that is being worked on, for the case that the work panics.
    busy: Option<WireId>,
    /// Wires that a panic ended; the other end is told in a turn of its own.
    lost: Vec<WireId>,
    /// Whether the thread is its own, which it may let sleep.
    rests: bool,
}

/// One dialog and where it stands.
struct Wire {
    dialog: Dialog,
    phase: Phase,
    reoffer: Option<Reoffer>,
    due: Option<Timestamp>,
    session: Option<SessionTimer>,
    /// What the other end described last.
    theirs: Option<MediaDescription>,
    /// The place of the trunk whose channel it takes.
    trunk: Option<usize>,
    /// The owner hung up or was told the end: nothing more is told.
    silent: bool,
}

enum Phase {
    /// An incoming call without a final response.
    Offered(Offered),
    /// We answered; the ACK is not here yet.
    Answered { serving: Serving, offerless: bool, hang_up: bool },
    /// We called; there is no final response yet.
    Dialling(Dialling),
    /// Both ends talk. `ack` goes out again for each 200 that comes again (RFC 3261 section
    /// 13.2.2.4).
    Up { ack: Option<(Vec<u8>, Hop)> },
}

struct Offered {
    serving: Serving,
    source: IpAddr,
    reply: Reply,
    offer: Option<Session>,
    /// What it says of session timers.
    wish: Wish,
    /// Every provisional response must be acknowledged (RFC 3262): then none is sent.
    quiet: bool,
    said: bool,
}

struct Dialling {
    serving: Serving,
    branch: String,
    /// Number of the INVITE.
    cseq: u32,
    /// The last provisional response that was acknowledged: its tag and number.
    reliable: Option<(String, u32)>,
    /// Where the last response came from.
    source: Hop,
    provisional: bool,
    rang: bool,
    /// Whether it was sent on, and its owner was told.
    forwarded: bool,
    /// We do not want the call any more.
    cancelled: bool,
    /// There was no other trunk when this one let us wait, so that it stays here.
    stays: bool,
    /// The trunk it goes through.
    route: Option<Box<Route>>,
}

impl Dialling {
    /// Whether another trunk may be tried: nothing rang yet on this one.
    fn may_go_elsewhere(&self) -> bool {
        self.route.is_some() && !self.rang && !self.cancelled && !self.stays
    }
}

/// A new offer of the other end that waits for our answer.
struct Reoffer {
    serving: Serving,
    reply: Reply,
    offer: Session,
    wish: Wish,
}

impl Engine {
    /// Sets up the library and the socket. Called within the runtime.
    pub(crate) async fn new(setup: Setup) -> std::io::Result<Self> {
        let Setup { config, directory, clock, events, socket, tcp, tls, .. } = setup;
        let Setup { trunks, signer, local, shared, key, t1, .. } = setup;
        let socket = Arc::new(UdpSocket::from_std(socket)?);
        let (sender, happenings) = unbounded_channel();
        let stack = Stack::new(Arc::clone(&socket), t1, sender.clone())
            .await
            .map_err(std::io::Error::other)?;
        let (maker, arrivals) = Streams::new();
        if let Some(listener) = tcp {
            maker.listen(TcpListener::from_std(listener)?, None);
        }
        if let Some((listener, server)) = tls {
            maker.listen(TcpListener::from_std(listener)?, Some(server));
        }
        let tags = Tags::new(key);
        let challenger = Challenger::new(config.realm.clone(), tags.key("digest"));
        Ok(Self {
            config,
            directory,
            clock,
            events,
            socket,
            maker,
            streams: HashMap::new(),
            arrivals,
            trunks,
            registrations: HashMap::new(),
            errands: BTreeSet::new(),
            orphans: HashMap::new(),
            signer,
            local,
            shared,
            stack,
            happenings,
            happens: sender,
            tags,
            challenger,
            registrar: Registrar::default(),
            wires: HashMap::new(),
            by_tag: HashMap::new(),
            due: BTreeSet::new(),
            pending: HashMap::new(),
            pending_all: 0,
            calls: Gate::new(CALLS_PER_SECOND_MAX),
            requests: Gate::new(REQUESTS_PER_SECOND_MAX),
            requests_open: 0,
            handed_over: false,
            busy: None,
            lost: Vec::new(),
            rests: false,
        })
    }

    /// Lets the library run its timers by the system's clock, after which the engine may rest.
    pub(crate) fn run_timers(&mut self) {
        self.stack.run_timers();
        self.rests = true;
    }

    /// The library's timers, for who runs them by the clock of this engine.
    pub(crate) fn timers(&self) -> Timers {
        self.stack.timers(self.clock.clone())
    }

    /// Runs until the owner says stop or drops every handle.
    pub(crate) async fn run(mut self, mut commands: UnboundedReceiver<Command>) {
        self.begin_errands();
        self.run_errands().await;
        let mut alarm = pin!(sleep(Duration::ZERO));
        // When the alarm goes off, and since when there is work without a rest.
        let (mut set, mut began) = (None, None);
        loop {
            let due = self.due.first().map(|(due, _)| *due);
            let errand = self.errands.first().map(|(due, _)| *due);
            let next = due.into_iter().chain(errand).min();
            self.shared.due.store(next.map_or(i64::MAX, Timestamp::micros), Ordering::Relaxed);
            if let Some(next) = next.filter(|next| set.is_none_or(|at| *next < at)) {
                // An alarm that turns out to be too early costs less than setting each anew.
                alarm.set(sleep(next.since(self.clock.now())));
                set = Some(next);
            }
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    None | Some(Command::Stop) => break,
                    Some(command) => self.attempt(Work::Command(command)).await,
                },
                Some(happening) = self.happenings.recv() => {
                    self.attempt(Work::Happening(happening)).await;
                }
                Some(arrival) = self.arrivals.recv() => self.read_stream(arrival).await,
                () = alarm.as_mut(), if set.is_some() => set = None,
                ready = self.socket.readable() => {
                    if ready.is_ok() {
                        self.read_socket().await;
                    }
                }
                () = ready(()), if began.is_some() => {
                    self.rest(began.take()).await;
                    continue;
                }
            }
            let now = self.clock.now();
            began = began.or(Some(now));
            if next.is_some_and(|due| due <= now) || !self.lost.is_empty() {
                self.attempt(Work::Time).await;
            }
        }
        self.wind_up().await;
    }

    async fn read_socket(&mut self) {
        let mut buffer = [0; DATAGRAM_MAX_OCTETS + 1];
        for _ in 0..DATAGRAMS_PER_TURN_MAX {
            let Ok((length, source)) = self.socket.try_recv_from(&mut buffer) else { break };
            let datagram = buffer.get(..length).unwrap_or_default();
            self.attempt(Work::Datagram(datagram, source)).await;
            if std::mem::take(&mut self.handed_over) {
                self.let_transactions_run().await;
            }
        }
        self.let_transactions_run().await;
    }

    async fn read_stream(&mut self, arrival: Arrival) {
        self.attempt(Work::Arrival(arrival)).await;
        self.let_transactions_run().await;
    }

    /// Does one piece of work. A panic in it is a bug of ours and costs the one call it was about.
    async fn attempt(&mut self, work: Work<'_>) {
        self.busy = None;
        let done = {
            let mut step = pin!(self.step(work));
            poll_fn(move |context| {
                match catch_unwind(AssertUnwindSafe(|| step.as_mut().poll(context))) {
                    Ok(Poll::Pending) => Poll::Pending,
                    Ok(Poll::Ready(())) => Poll::Ready(true),
                    Err(_) => Poll::Ready(false),
                }
            })
            .await
        };
        if done {
            return;
        }
        self.count(|tally| &tally.faults);
        if let Some(wire) = self.busy.take() {
            self.forget(wire);
        }
    }

    async fn step(&mut self, work: Work<'_>) {
        match work {
            Work::Command(command) => self.command(command).await,
            Work::Happening(happening) => self.happening(happening).await,
            Work::Datagram(datagram, source) => self.message(datagram, Hop::udp(source)).await,
            Work::Arrival(arrival) => self.arrival(arrival).await,
            Work::Time => {
                while let Some(lost) = self.lost.pop() {
                    self.hang_up(lost).await;
                }
                self.fire_due().await;
                self.run_errands().await;
            }
        }
    }

    async fn command(&mut self, command: Command) {
        match command {
            Command::Ring(wire) => self.ring(wire),
            Command::Answer(wire, local) => self.answer(wire, local),
            Command::Reject(wire, status) => self.reject(wire, status),
            Command::Dial(wire, dial) => self.dial(wire, *dial).await,
            Command::Reanswer(wire, local) => self.reanswer(wire, local),
            Command::HangUp(wire) => self.hang_up(wire).await,
            // Who asked and did not wait does not want to know.
            Command::Kept(answer) => drop(answer.send(self.kept())),
            Command::HowIsIt(answer) => drop(answer.send(self.how_is_it())),
            Command::Look | Command::Stop => {}
        }
    }

    async fn happening(&mut self, happening: Happening) {
        match happening {
            Happening::Acked { wire, body } => self.acked(wire, &body).await,
            Happening::Cancelled { wire } => self.cancelled(wire),
            Happening::InviteServed { wire, source, lost } => {
                self.release_pending(source);
                if lost {
                    self.ack_lost(wire).await;
                }
            }
            Happening::Response { wire, branch, response } => {
                self.invite_response(wire, &branch, &response).await;
            }
            Happening::InviteEnded { wire, branch } => self.invite_ended(wire, &branch).await,
            Happening::RequestEnded { errand, response } => {
                self.requests_open = self.requests_open.saturating_sub(1);
                if let Some(errand) = errand {
                    self.errand_done(errand, response.as_deref()).await;
                }
            }
            Happening::Resolved { trunk, places } => self.resolved(trunk, places),
        }
    }

    /// A datagram, or a message of a stream.
    async fn message(&mut self, datagram: &[u8], source: Hop) {
        self.count(|tally| &tally.datagrams);
        let uri = match guard::inspect(datagram) {
            Ok(Passed::KeepAlive) => return,
            Ok(Passed::Request { method, uri, within }) => {
                if !within && !BEGIN_CALLS.contains(&method) && !self.may_ask(source.address.ip()) {
                    return;
                }
                uri
            }
            Ok(Passed::Response) => "",
            Ok(Passed::UnknownMethod { headers }) => {
                if !self.may_ask(source.address.ip()) {
                    return;
                }
                return self.refuse_unknown_method(headers, source).await;
            }
            Err(malformed) => return self.count(|tally| malformed.tally(tally)),
        };
        let parsed = SipMessage::try_from(datagram).ok();
        // Via gets the real source, so that answers go nowhere else (RFC 3261 section 18.2.1).
        let parsed = parsed.and_then(|message| {
            let Hop { transport, address } = source;
            SipConnection::update_msg_received(message, address, transport.spoken()).ok()
        });
        match parsed {
            Some(SipMessage::Response(response)) => self.response(response, source).await,
            Some(message @ SipMessage::Request(_)) => {
                let Some(connection) = self.connection(source).await else { return };
                match self.stack.receive(message, source, connection).await {
                    Ok(Some(transaction)) => self.request(transaction, source, uri).await,
                    Ok(None) => self.handed_over = true,
                    Err(_) => self.count(|tally| &tally.malformed_mandatory),
                }
            }
            None => self.count(|tally| &tally.malformed_mandatory),
        }
    }

    /// Acts on every wire whose time has come.
    async fn fire_due(&mut self) {
        let now = self.clock.now();
        while let Some(&(at, wire)) = self.due.first() {
            if at > now {
                break;
            }
            self.due.pop_first();
            let Some(entry) = self.wires.get_mut(&wire) else { continue };
            entry.due = None;
            match &mut entry.phase {
                Phase::Offered(offered) if !offered.said => {
                    offered.said = true;
                    offered.serving.respond(offered.reply.with(100, None));
                    self.set_due(wire, Some(UNANSWERED_MAX));
                }
                Phase::Offered(_) => {
                    self.reject(wire, 480);
                    self.tell(LineEvent::HungUp { wire });
                }
                Phase::Dialling(dialling) => {
                    if dialling.may_go_elsewhere() {
                        self.trunk_hangs(wire).await;
                    } else {
                        self.dialled_too_long(wire).await;
                    }
                }
                Phase::Answered { .. } | Phase::Up { .. } => self.refuse_reoffer(wire),
            }
        }
    }

    /// Hangs up on everybody and waits a moment for it to be heard.
    async fn wind_up(&mut self) {
        self.shared.refusing.store(true, Ordering::Relaxed);
        let wires: Vec<WireId> = self.wires.keys().copied().collect();
        for wire in wires {
            self.hang_up(wire).await;
        }
        self.leave_trunks().await;
        let end = sleep(STOP_MAX);
        let mut end = pin!(end);
        while self.requests_open > 0 || self.pending_all > 0 || self.is_dialling() {
            tokio::select! {
                () = &mut end => break,
                Some(happening) = self.happenings.recv() => {
                    self.attempt(Work::Happening(happening)).await;
                }
                Some(arrival) = self.arrivals.recv() => self.read_stream(arrival).await,
                ready = self.socket.readable() => {
                    if ready.is_ok() {
                        self.read_socket().await;
                    }
                }
            }
        }
    }

    /// Whether a call of ours waits for a response: one that is taken back cannot be cancelled
    /// before the first, and would ring on.
    fn is_dialling(&self) -> bool {
        self.wires.values().any(|wire| matches!(wire.phase, Phase::Dialling(_)))
    }

    fn tell(&self, event: LineEvent) {
        (self.events)(event);
    }

    fn count(&self, which: impl FnOnce(&Tally) -> &AtomicU64) {
        which(&self.shared.tally).fetch_add(1, Ordering::Relaxed);
    }

    fn add(&mut self, id: WireId, dialog: Dialog, phase: Phase) {
        self.by_tag.insert(dialog.local_tag.clone(), id);
        let trunk = match &phase {
            Phase::Dialling(dialling) => dialling.route.as_ref().map(|route| route.trunk()),
            Phase::Offered(_) | Phase::Answered { .. } | Phase::Up { .. } => None,
        };
        let wire = Wire {
            dialog,
            phase,
            reoffer: None,
            due: None,
            session: None,
            theirs: None,
            trunk,
            silent: false,
        };
        self.wires.insert(id, wire);
    }

    fn remove(&mut self, id: WireId) -> Option<Wire> {
        self.end_session(id);
        let wire = self.wires.remove(&id)?;
        self.by_tag.remove(&wire.dialog.local_tag);
        if let Some(trunk) = wire.trunk.and_then(|index| self.trunks.get_mut(index)) {
            trunk.release();
        }
        if let Some(due) = wire.due {
            self.due.remove(&(due, id));
        }
        if let Some(reoffer) = &wire.reoffer {
            reoffer.serving.respond(reoffer.reply.with(487, None));
        }
        if let Phase::Offered(offered) = &wire.phase {
            self.hold_pending(offered.source);
        }
        Some(wire)
    }

    /// Ends a wire from which nothing good can come any more, and tells its owner and, in a turn of
    /// its own, the other end.
    fn forget(&mut self, id: WireId) {
        let Some(wire) = self.wires.get_mut(&id) else { return };
        self.lost.push(id);
        if !std::mem::replace(&mut wire.silent, true) {
            self.tell(LineEvent::HungUp { wire: id });
        }
    }

    /// Sets when [`Engine::fire_due`] looks at a wire next.
    fn set_due(&mut self, id: WireId, after: Option<Duration>) {
        let now = self.clock.now();
        let Some(wire) = self.wires.get_mut(&id) else { return };
        if let Some(before) = wire.due.take() {
            self.due.remove(&(before, id));
        }
        if let Some(after) = after {
            let due = now.after(after);
            wire.due = Some(due);
            self.due.insert((due, id));
        }
    }

    /// An INVITE of the other end is about to get its final response.
    fn hold_pending(&mut self, source: IpAddr) {
        *self.pending.entry(source).or_default() += 1;
        self.pending_all += 1;
    }

    /// Its transaction is over.
    fn release_pending(&mut self, source: IpAddr) {
        self.pending_all = self.pending_all.saturating_sub(1);
        if let Some(count) = self.pending.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.pending.remove(&source);
            }
        }
    }

    /// Our address as `peer` sees it. A line that is bound to all addresses asks the routing table.
    fn here(&self, peer: Hop, public: Option<IpAddr>) -> SocketAddr {
        let local = match peer.transport {
            Transport::Udp => Some(self.local.udp),
            Transport::Tcp => self.local.tcp,
            Transport::Tls => self.local.tls,
        };
        // Without a port of its own the stream itself is the way back.
        let local = local.unwrap_or(self.local.udp);
        if let Some(public) = public {
            return SocketAddr::new(public, local.port());
        }
        if !local.ip().is_unspecified() {
            return local;
        }
        let any = SocketAddr::new(local.ip(), 0);
        let route = std::net::UdpSocket::bind(any).and_then(|probe| {
            probe.connect(peer.address)?;
            probe.local_addr()
        });
        route.map_or(local, |found| SocketAddr::new(found.ip(), local.port()))
    }

    fn server(&self) -> Header {
        Header::Server(self.config.user_agent.as_str().into())
    }

    /// Sends a response outside of any transaction (RFC 3261 section 8.2.7): for requests that are
    /// refused at the door and must not cost memory.
    async fn send_stateless(&self, response: &Response, peer: Hop) {
        self.send_octets(&response.to_bytes(), peer).await;
    }
}

/// One piece of work.
enum Work<'a> {
    Command(Command),
    Happening(Happening),
    Datagram(&'a [u8], SocketAddr),
    Arrival(Arrival),
    /// Time has passed.
    Time,
}

/// What begins a call, ends its beginning, or confirms it; calls have a gate of their own.
const BEGIN_CALLS: [&str; 3] = ["INVITE", "ACK", "CANCEL"];

fn retry_after() -> Header {
    Header::RetryAfter(RETRY_AFTER_SECONDS.to_string().into())
}

/// The session description of a message, and the audio in it that is encrypted as `policy` wants.
fn session(headers: &[Header], body: &[u8], policy: Encryption) -> Result<Option<Session>, u16> {
    if body.is_empty() {
        return Ok(None);
    }
    for header in headers {
        #[expect(clippy::wildcard_enum_match_arm, reason = "the library has 60 headers")]
        match header {
            Header::ContentType(kind) => {
                let kind = kind.value().split(';').next().unwrap_or("").trim();
                if !kind.eq_ignore_ascii_case(crate::dialog::SDP_TYPE) {
                    return Err(415);
                }
            }
            Header::ContentEncoding(kind) if !kind.value().eq_ignore_ascii_case("identity") => {
                return Err(415);
            }
            _ => {}
        }
    }
    sdp::parse_for(body, policy).map(Some).map_err(sdp::SdpError::status)
}

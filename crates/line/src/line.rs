//! The handle: commands go in over a channel, events come out through a callback.

use crate::engine::{Command, Dial, Engine, Setup, Shared};
use crate::identity::Signer;
use crate::limits::{LOOK_MAX, RECEIVE_BUFFER_OCTETS, T1};
use crate::tls::Server;
use crate::trunk::Trunks;
use crate::{
    Directory, IdentityError, LineConfig, LineCounts, LineEvent, LineLook, Target, TlsError,
    Transport, WireId,
};
use core::time::Duration;
use model::{Clock, MediaDescription};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::panic::resume_unwind;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tracing::dispatcher::{self, Dispatch, get_default};
use tracing::subscriber::{NoSubscriber, with_default};

/// A SIP line: one UDP port, TCP and TLS where they are wanted, one thread. Cheap to clone; every
/// method but `stop` and `look` returns at once, and a command about a wire that is already over
/// does nothing. When the last clone is dropped the line stops by itself.
#[derive(Clone)]
pub struct Line {
    inner: Arc<Inner>,
}

struct Inner {
    local: Local,
    shared: Arc<Shared>,
    commands: UnboundedSender<Command>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Line {
    /// Binds the port and starts the line's thread. `events` is called on that thread, in the order
    /// in which things happen, and must not block. What it logs goes to the subscriber that is in
    /// force now; everything else on that thread is silent.
    ///
    /// # Errors
    /// When the address cannot be bound, or the system gives no randomness or no thread.
    pub fn start(
        config: LineConfig,
        directory: Arc<dyn Directory>,
        clock: Clock,
        events: impl Fn(LineEvent) + Send + Sync + 'static,
    ) -> Result<Self, LineError> {
        Self::start_with(T1, config, directory, clock, events)
    }

    /// The same with other timers, for tests of what takes 64 of them.
    pub(crate) fn start_with(
        t1: Duration,
        config: LineConfig,
        directory: Arc<dyn Directory>,
        clock: Clock,
        events: impl Fn(LineEvent) + Send + Sync + 'static,
    ) -> Result<Self, LineError> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|_| LineError::Randomness)?;
        let setup = Setup::new((t1, key), config, directory, clock, events)?;
        let (local, shared) = (setup.local, Arc::clone(&setup.shared));
        let (commands, received) = unbounded_channel();
        let (ready, started) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("sip".to_owned())
            .spawn(move || run(setup, received, &ready))
            .map_err(LineError::Thread)?;
        let gone = || Err(io::Error::other("the thread ended at once"));
        started.recv().unwrap_or_else(|_| gone()).map_err(LineError::Socket)?;
        Ok(Self::new(local, shared, commands, Some(thread)))
    }

    pub(crate) fn new(
        local: Local,
        shared: Arc<Shared>,
        commands: UnboundedSender<Command>,
        thread: Option<JoinHandle<()>>,
    ) -> Self {
        Self { inner: Arc::new(Inner { local, shared, commands, thread: Mutex::new(thread) }) }
    }

    /// The UDP address the line is bound to.
    pub fn local_address(&self) -> SocketAddr {
        self.inner.local.udp
    }

    /// Where it takes TCP.
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        self.inner.local.tcp
    }

    /// Where it takes TLS.
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.inner.local.tls
    }

    /// Tells the caller that its call rings (180).
    pub fn ring(&self, wire: WireId) {
        self.command(Command::Ring(wire));
    }

    /// Answers a call with 200. `local` is everything we can do: the line writes the answer to the
    /// caller's offer from it, in the caller's order of codecs and with its payload type of
    /// telephone-event. Where there was no offer it is our offer, and [`LineEvent::Answered`]
    /// brings the caller's answer. Without a codec in common the call ends with 488 and `HungUp`.
    pub fn answer(&self, wire: WireId, local: MediaDescription) {
        self.command(Command::Answer(wire, local));
    }

    /// Refuses a call that was not answered yet. `status` outside 300 to 699 counts as 500.
    pub fn reject(&self, wire: WireId, status: u16) {
        self.command(Command::Reject(wire, status));
    }

    /// Calls `target`, showing `from` as the caller's user part. What becomes of it comes as
    /// events: `Ringing`, then `Answered` or `Failed`, which may come before this returns.
    pub fn dial(&self, target: Target, from: String, offer: MediaDescription) -> WireId {
        let wire = self.inner.shared.next_wire();
        self.command(Command::Dial(wire, Box::new(Dial { target, from, offer })));
        wire
    }

    /// Answers a [`LineEvent::Reoffered`].
    pub fn reanswer(&self, wire: WireId, local: MediaDescription) {
        self.command(Command::Reanswer(wire, local));
    }

    /// Ends a wire whatever its state: CANCEL before an outgoing call is answered, 487 before an
    /// incoming one is, BYE after. Nothing more is told about it.
    pub fn hang_up(&self, wire: WireId) {
        self.command(Command::HangUp(wire));
    }

    /// From now on new INVITEs get 503 with Retry-After; calls in progress go on.
    pub fn refuse_new(&self) {
        self.inner.shared.refusing.store(true, Ordering::Relaxed);
    }

    /// What was refused so far.
    pub fn counts(&self) -> LineCounts {
        self.inner.shared.tally.read()
    }

    /// How stations and trunks are now; `None` where the line's thread does not say so within a
    /// second, or has ended. Unlike everything else here it waits.
    pub fn look(&self) -> Option<LineLook> {
        let (answer, looked) = mpsc::channel();
        self.command(Command::HowIsIt(answer));
        looked.recv_timeout(LOOK_MAX).ok()
    }

    /// Stops the line: hangs up on what is still up, gives the last requests half a second to be
    /// heard, and ends its thread. Returns when the thread has ended, except when called on it.
    pub fn stop(&self) {
        self.command(Command::Stop);
        let running = {
            let mut thread = self.inner.thread.lock().unwrap_or_else(PoisonError::into_inner);
            let id = thread::current().id();
            thread.take_if(|running| running.thread().id() != id)
        };
        // The lock is free again: an event that stops the line too must not wait for us.
        if let Some(running) = running {
            // An error means that the thread panicked, and then it has ended too.
            let _ = running.join();
        }
    }

    /// Of how many requests of other ends something is kept.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        let (answer, kept) = mpsc::channel();
        self.command(Command::Kept(answer));
        kept.recv().unwrap().transactions
    }

    pub(crate) fn command(&self, command: Command) {
        // It fails only when the line has stopped, and then there is nothing left to command.
        let _ = self.inner.commands.send(command);
    }
}

impl Setup {
    /// Binds what is to be bound, and reads what is to be read. `t1` and `key`: the round trip that
    /// timers follow from, and what names are made with.
    pub(crate) fn new(
        (t1, key): (Duration, [u8; 32]),
        config: LineConfig,
        directory: Arc<dyn Directory>,
        clock: Clock,
        events: impl Fn(LineEvent) + Send + Sync + 'static,
    ) -> Result<Self, LineError> {
        let socket =
            bind(config.bind, Type::DGRAM).map_err(refused(Transport::Udp, config.bind))?;
        let socket = UdpSocket::from(socket);
        let udp = socket.local_addr().map_err(LineError::Socket)?;
        let tcp = config.network.tcp.map(|address| listen(Transport::Tcp, address)).transpose()?;
        let tls = match &config.network.tls {
            Some(tls) => {
                let server = Server::new(tls.files.clone())?;
                Some((listen(Transport::Tls, tls.address)?, server))
            }
            None => None,
        };
        let trunks = Trunks::new(&config.network.trunks)?;
        let signer = config.network.identity.as_ref().map(Signer::new).transpose()?;
        let standing = signer.as_ref().map(|signer| signer.term.standing(clock.now()));
        if let Some(standing) = standing.filter(|standing| !standing.is_good()) {
            tracing::warn!("{}", standing.says());
        }
        let local = Local {
            udp,
            tcp: tcp.as_ref().and_then(|listener| listener.local_addr().ok()),
            tls: tls.as_ref().and_then(|(listener, _)| listener.local_addr().ok()),
        };
        let shared = Arc::<Shared>::default();
        let listener = get_default(Dispatch::clone);
        let events = Box::new(move |event| dispatcher::with_default(&listener, || events(event)));
        Ok(Self {
            config,
            directory,
            clock,
            events,
            socket,
            tcp,
            tls,
            trunks,
            signer,
            local,
            shared,
            key,
            t1,
        })
    }
}

/// Why a line could not start.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The address is in use, not ours, or not permitted.
    #[error(
        "cannot listen on {} `{address}`: choose another address or stop the program that uses it",
        .transport.via().to_ascii_lowercase()
    )]
    Bind {
        /// Over which transport.
        transport: Transport,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Calls cannot be signed.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The socket was made but cannot be used.
    #[error("the system refused to set up the sip socket")]
    Socket(#[source] io::Error),
    /// No randomness for tags and nonces.
    #[error("the system gave no randomness")]
    Randomness,
    /// No thread.
    #[error("the system gave no thread for sip")]
    Thread(#[source] io::Error),
}

/// Where a line is bound.
#[derive(Clone, Copy)]
pub(crate) struct Local {
    pub(crate) udp: SocketAddr,
    pub(crate) tcp: Option<SocketAddr>,
    pub(crate) tls: Option<SocketAddr>,
}

fn bind(address: SocketAddr, kind: Type) -> io::Result<Socket> {
    let protocol = if kind == Type::DGRAM { Protocol::UDP } else { Protocol::TCP };
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    if kind == Type::DGRAM {
        // The system may grant less; a smaller buffer only loses datagrams earlier.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER_OCTETS);
    } else {
        // A node that is started again may find its last connections still closing.
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

fn listen(transport: Transport, address: SocketAddr) -> Result<TcpListener, LineError> {
    let bound = bind(address, Type::STREAM).and_then(|socket| {
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    });
    bound.map_err(refused(transport, address))
}

fn refused(transport: Transport, address: SocketAddr) -> impl FnOnce(io::Error) -> LineError {
    move |source| LineError::Bind { transport, address, source }
}

/// Connections that wait to be accepted.
const BACKLOG: i32 = 128;

/// The line's thread. The SIP library writes whole messages to its log, with numbers and all: on
/// this thread there is nobody to hear them, whatever filter the program has.
fn run(setup: Setup, commands: UnboundedReceiver<Command>, ready: &mpsc::Sender<io::Result<()>>) {
    with_default(NoSubscriber::new(), || {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(ready.send(Err(error))),
        };
        runtime.block_on(async {
            match Engine::new(setup).await {
                Ok(mut engine) => {
                    engine.run_timers();
                    let _ = ready.send(Ok(()));
                    // As a task among the transactions it is woken by them without a system call,
                    // which what the runtime blocks on is not.
                    let ended = tokio::spawn(engine.run(commands)).await;
                    if let Err(error) = ended
                        && let Ok(panic) = error.try_into_panic()
                    {
                        resume_unwind(panic);
                    }
                }
                Err(error) => drop(ready.send(Err(error))),
            }
        });
    });
}

//! The SIP library, reduced to what the engine needs: transactions over one UDP socket and streams.
//!
//! The library's own receive loop, resolver and dialogs are not used: the engine reads the sockets,
//! so that nothing passes unguarded; no name of the other end is ever looked up; and dialogs are
//! ours (`dialog`).

use crate::dialog::Outgoing;
use crate::engine::Errand;
use crate::event::WireId;
use crate::limits::{TIMER_LOOKS_PER_T1, TRANSACTION_MAX};
use crate::transport::Hop;
use core::time::Duration;
use model::{Clock, Timestamp};
use rsipstack::platform::CancellationToken;
use rsipstack::sip::{Method, Response, SipMessage};
use rsipstack::transaction::endpoint::{EndpointInnerRef, EndpointOption};
use rsipstack::transaction::key::{TransactionKey, TransactionRole};
use rsipstack::transaction::transaction::{Transaction, TransactionEvent, TransactionEventSender};
use rsipstack::transaction::{EndpointBuilder, TransactionReceiver, TransactionTimer};
use rsipstack::transport::transport_layer::DomainResolver;
use rsipstack::transport::udp::UdpConnection;
use rsipstack::transport::{SipAddr, SipConnection, TransportLayer};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use tokio::net::UdpSocket;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::sleep;

/// What a transaction tells the engine.
pub(crate) enum Happening {
    /// An ACK came for an INVITE of the other end. Holds its body.
    Acked { wire: WireId, body: Vec<u8> },
    /// The other end cancelled its INVITE before it was answered.
    Cancelled { wire: WireId },
    /// An INVITE transaction of the other end is over; `lost` when a 200 was never acknowledged.
    InviteServed { wire: WireId, source: IpAddr, lost: bool },
    /// A response to our INVITE, which its branch names.
    Response { wire: WireId, branch: String, response: Box<Response> },
    /// Our INVITE's transaction is over.
    InviteEnded { wire: WireId, branch: String },
    /// Another request of ours is done with. Holds its final response, if there was one.
    RequestEnded { errand: Option<Errand>, response: Option<Box<Response>> },
    /// The name of the trunk at this place was looked up.
    Resolved { trunk: usize, places: Vec<SocketAddr> },
}

/// The library's transaction layer over one socket.
pub(crate) struct Stack {
    endpoint: EndpointInnerRef,
    connection: SipConnection,
    arrived: TransactionReceiver,
    happenings: UnboundedSender<Happening>,
}

impl Stack {
    /// Sets up the library over `socket`; `t1` is the round trip that all of its timers follow
    /// from. Called within the runtime. The timers stand still until somebody runs them.
    pub(crate) async fn new(
        socket: Arc<UdpSocket>,
        t1: Duration,
        happenings: UnboundedSender<Happening>,
    ) -> Result<Self, rsipstack::Error> {
        // The ratios are those of RFC 3261 table 4.
        let option = EndpointOption {
            t1,
            t2: t1 * 8,
            t4: t1 * 10,
            t1x64: t1 * 64,
            // A proxy's; how long a call of ours rings is the engine's to say, which takes it back.
            timerc: TRANSACTION_MAX,
            auto_ack_2xx: false,
            ..EndpointOption::default()
        };
        let stop = CancellationToken::new();
        let transport = TransportLayer::new_with_domain_resolver(stop, Box::new(NoResolver));
        let connection = UdpConnection::from_socket(socket, None, None).await?;
        let endpoint =
            EndpointBuilder::new().with_option(option).with_transport_layer(transport).build();
        let arrived = endpoint.incoming_transactions()?;
        let connection = SipConnection::Udp(connection);
        Ok(Self { endpoint: endpoint.inner, connection, arrived, happenings })
    }

    /// Lets the library run its timers by the system's clock.
    pub(crate) fn run_timers(&self) {
        let rest = self.endpoint.option.t1 / TIMER_LOOKS_PER_T1;
        tokio::spawn(run_timers(Arc::clone(&self.endpoint), rest));
    }

    /// The library's timers, for who runs them by a clock of their own.
    pub(crate) fn timers(&self, clock: Clock) -> Timers {
        Timers { endpoint: Arc::clone(&self.endpoint), clock, waiting: BTreeMap::new(), set: 0 }
    }

    /// The library's way to everybody over UDP.
    pub(crate) fn datagrams(&self) -> SipConnection {
        self.connection.clone()
    }

    /// Hands over a message that passed the guard. A request that belongs to no transaction yet
    /// comes back as a new one.
    ///
    /// # Errors
    /// When the library cannot tell which transaction it belongs to.
    pub(crate) async fn receive(
        &mut self,
        message: SipMessage,
        source: Hop,
        connection: SipConnection,
    ) -> Result<Option<Transaction>, rsipstack::Error> {
        let from = sip_address(source);
        self.endpoint.on_received_message(message, connection, &from).await?;
        let mut arrived = self.arrived.try_recv().ok();
        if let Some(transaction) = &mut arrived {
            transaction.destination = Some(from);
        }
        Ok(arrived)
    }

    /// Requests that the library keeps something of, and those among them whose ACK it waits for.
    pub(crate) fn kept(&self) -> (usize, usize) {
        let stats = self.endpoint.get_stats();
        (stats.running_transactions + stats.finished_transactions, stats.waiting_ack)
    }

    /// Lets a request's transaction run by itself; `respond` on what comes back answers it.
    pub(crate) fn serve(&self, transaction: Transaction, wire: WireId, source: IpAddr) -> Serving {
        let serving = Serving::of(&transaction);
        let invite = transaction.original.method == Method::Invite;
        run(serve(transaction, wire, source, invite, self.happenings.clone()));
        serving
    }

    /// Sends our INVITE; responses come as [`Happening::Response`].
    pub(crate) fn invite(
        &self,
        wire: WireId,
        branch: String,
        request: Outgoing,
        connection: SipConnection,
    ) -> Option<Serving> {
        let transaction = self.client(request, connection)?;
        let serving = Serving::of(&transaction);
        run(call(transaction, wire, branch, self.happenings.clone()));
        Some(serving)
    }

    /// Sends a request other than INVITE, again and again until it is answered or given up.
    pub(crate) fn request(
        &self,
        request: Outgoing,
        connection: SipConnection,
        errand: Option<Errand>,
    ) -> Option<()> {
        let transaction = self.client(request, connection)?;
        run(send(transaction, errand, self.happenings.clone()));
        Some(())
    }

    /// `None` when the library cannot name the transaction, which it can for every complete
    /// request.
    fn client(&self, outgoing: Outgoing, connection: SipConnection) -> Option<Transaction> {
        let Outgoing { request, peer } = outgoing;
        let key = TransactionKey::from_request(&request, TransactionRole::Client).ok()?;
        let endpoint = Arc::clone(&self.endpoint);
        let mut transaction = Transaction::new_client(key, request, endpoint, Some(connection));
        transaction.destination = Some(sip_address(peer));
        Some(transaction)
    }
}

/// A transaction that runs by itself.
pub(crate) struct Serving {
    key: TransactionKey,
    sender: TransactionEventSender,
}

impl Serving {
    fn of(transaction: &Transaction) -> Self {
        Self { key: transaction.key.clone(), sender: transaction.tu_sender.clone() }
    }

    /// Answers a request of the other end.
    pub(crate) fn respond(&self, response: Response) {
        // The send fails only when the transaction is over, and then nobody waits for an answer.
        let _ = self.sender.send(TransactionEvent::Respond(response));
    }

    /// Ends the transaction without another word.
    pub(crate) fn terminate(&self) {
        let _ = self.sender.send(TransactionEvent::Terminate(self.key.clone()));
    }
}

/// Lets a transaction run as a task. It is put into its place on the heap first: it has some
/// kilobytes, and the runtime would move them several times.
fn run(transaction: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(Box::pin(transaction));
}

/// Runs the library's timers, at most one look for each `rest`: the library asks for one whenever a
/// timer is set or taken back, which is several times for each message.
async fn run_timers(endpoint: EndpointInnerRef, rest: Duration) {
    let mut timers = pin!(endpoint.process_timer());
    loop {
        let mut looked = false;
        poll_fn(|context| {
            if std::mem::replace(&mut looked, true) {
                return Poll::Ready(());
            }
            timers.as_mut().poll(context)
        })
        .await;
        sleep(rest).await;
    }
}

async fn serve(
    mut transaction: Transaction,
    wire: WireId,
    source: IpAddr,
    invite: bool,
    out: UnboundedSender<Happening>,
) {
    let mut acked = false;
    while let Some(SipMessage::Request(request)) = transaction.receive().await {
        if request.method == Method::Ack {
            acked = true;
            let _ = out.send(Happening::Acked { wire, body: request.body });
        } else if request.method == Method::Cancel {
            let _ = out.send(Happening::Cancelled { wire });
        }
    }
    if invite {
        let answered = transaction
            .last_response
            .as_ref()
            .is_some_and(|response| (200..300).contains(&response.status_code.code()));
        let _ = out.send(Happening::InviteServed { wire, source, lost: answered && !acked });
    }
}

async fn call(
    mut transaction: Transaction,
    wire: WireId,
    branch: String,
    out: UnboundedSender<Happening>,
) {
    if transaction.send().await.is_ok() {
        while let Some(SipMessage::Response(response)) = transaction.receive().await {
            let (branch, response) = (branch.clone(), Box::new(response));
            let _ = out.send(Happening::Response { wire, branch, response });
        }
    }
    let _ = out.send(Happening::InviteEnded { wire, branch });
}

async fn send(
    mut transaction: Transaction,
    errand: Option<Errand>,
    out: UnboundedSender<Happening>,
) {
    let mut last = None;
    if transaction.send().await.is_ok() {
        while let Some(message) = transaction.receive().await {
            if let SipMessage::Response(response) = message
                && response.status_code.code() >= 200
            {
                last = Some(Box::new(response));
            }
        }
    }
    let _ = out.send(Happening::RequestEnded { errand, response: last });
}

fn sip_address(hop: Hop) -> SipAddr {
    SipAddr { r#type: Some(hop.transport.spoken()), addr: hop.address.into() }
}

/// The library's timers, run by a clock of ours: the library knows only the system's. While its
/// clock stands still, what it sets is taken away from it; when the time has come it is given back
/// as due. What it takes back meanwhile it cannot find any more, so that is done here.
pub(crate) struct Timers {
    endpoint: EndpointInnerRef,
    clock: Clock,
    /// By when they are due, and then in the order in which they were set.
    waiting: BTreeMap<(Timestamp, u64), TransactionTimer>,
    set: u64,
}

impl Timers {
    /// When the next one is due.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.waiting.first_key_value().map(|((due, _), _)| *due)
    }

    /// Takes over what was set in this turn.
    pub(crate) fn gather(&mut self) {
        let now = self.clock.now();
        while let Some(deadline) = self.endpoint.timers.next_deadline() {
            for timer in self.endpoint.timers.poll(deadline) {
                self.set += 1;
                self.waiting.retain(|_, before| !takes_back(&timer, before));
                self.waiting.insert((now.after(self.wait(&timer)), self.set), timer);
            }
        }
    }

    /// Fires what is due.
    pub(crate) async fn fire(&mut self) {
        let now = self.clock.now();
        let mut any = false;
        while let Some(entry) = self.waiting.first_entry() {
            if entry.key().0 > now {
                break;
            }
            self.endpoint.timers.timeout(Duration::ZERO, entry.remove());
            any = true;
        }
        if any {
            // It hands over what is due and then waits for what is not.
            let mut firing = pin!(self.endpoint.process_timer());
            poll_fn(|context| {
                let _ = firing.as_mut().poll(context);
                Poll::Ready(())
            })
            .await;
        }
    }

    /// How long the library wants it to wait (RFC 3261 table 4).
    fn wait(&self, timer: &TransactionTimer) -> Duration {
        let option = &self.endpoint.option;
        match timer {
            TransactionTimer::TimerA(_, wait) | TransactionTimer::TimerG(_, wait) => *wait,
            TransactionTimer::TimerC(_) => option.timerc,
            TransactionTimer::TimerK(_) => option.t4,
            // The library may have more one day.
            TransactionTimer::TimerB(_)
            | TransactionTimer::TimerD(_)
            | TransactionTimer::TimerL(_)
            | TransactionTimer::TimerM(_)
            | TransactionTimer::TimerCleanup(_)
            | _ => option.t1x64,
        }
    }
}

/// Whether the state of a transaction that begins with one timer has no use for another one: the
/// library then takes that back.
fn takes_back(begins: &TransactionTimer, before: &TransactionTimer) -> bool {
    let calling = matches!(before, TransactionTimer::TimerA(..) | TransactionTimer::TimerB(_));
    let called = calling || matches!(before, TransactionTimer::TimerC(_));
    let taken = match begins {
        // The first provisional response to an INVITE (RFC 3261 section 17.1.1.2).
        TransactionTimer::TimerC(_) => calling,
        // Its final response.
        TransactionTimer::TimerD(_) | TransactionTimer::TimerM(_) => called,
        // The ACK of a refusal, and the end of any transaction.
        TransactionTimer::TimerK(_) => !matches!(before, TransactionTimer::TimerK(_)),
        TransactionTimer::TimerCleanup(_) => !matches!(before, TransactionTimer::TimerCleanup(_)),
        TransactionTimer::TimerA(..)
        | TransactionTimer::TimerB(_)
        | TransactionTimer::TimerG(..)
        | TransactionTimer::TimerL(_)
        | _ => false,
    };
    taken && begins.key() == before.key()
}

/// Nothing that a message says makes us ask the DNS.
struct NoResolver;

impl DomainResolver for NoResolver {
    fn resolve<'a, 'b, 'c>(
        &'a self,
        _target: &'b SipAddr,
    ) -> Pin<Box<dyn Future<Output = Result<SipAddr, rsipstack::Error>> + Send + 'c>>
    where
        'a: 'c,
        'b: 'c,
        Self: 'c,
    {
        let refused = rsipstack::Error::DnsResolutionError("names are not looked up".to_owned());
        Box::pin(async { Err(refused) })
    }
}

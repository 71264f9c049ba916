//! SIP over TCP and TLS: connections, each a task of its own, and what they read cut into messages.
//!
//! The library writes into a channel that ends here, and what is read goes to the engine and
//! through the guard like any datagram: the library never sees a socket.

use crate::limits::{
    ARRIVALS_MAX, DATAGRAM_MAX_OCTETS, HANDSHAKE_MAX, STREAM_FIRST_MAX, STREAM_IDLE_MAX,
    STREAM_WRITE_MAX, STREAMS_MAX, STREAMS_PER_SOURCE_MAX,
};
use crate::probe::Cut;
use crate::tls::{Client, Server};
use crate::transport::{Hop, Transport};
use core::time::Duration;
use rsipstack::transport::connection::TransportReceiver;
use rsipstack::transport::{SipAddr, SipConnection, TransportEvent, channel::ChannelConnection};
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{
    Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, unbounded_channel,
};
use tokio::time::timeout;

mod frame;

use frame::{Frame, Framer, Unframed};

/// What a stream tells the engine.
pub(crate) enum Arrival {
    /// Somebody connected.
    Opened(Stream),
    /// A message, not looked at yet.
    Message { hop: Hop, octets: Vec<u8> },
    /// The stream is gone, or never came about. It can have been replaced by another to the same
    /// hop.
    Closed { hop: Hop, id: u64 },
}

/// One connection. It ends when this is dropped.
pub(crate) struct Stream {
    pub(crate) hop: Hop,
    pub(crate) id: u64,
    /// The library's way into it.
    pub(crate) connection: SipConnection,
    octets: UnboundedSender<Vec<u8>>,
}

impl Stream {
    /// Sends octets that belong to no transaction.
    pub(crate) fn send(&self, octets: &[u8]) {
        // It fails only when the stream is gone, which it tells by itself.
        let _ = self.octets.send(octets.to_vec());
    }
}

/// Makes streams and listens for them.
pub(crate) struct Streams {
    arrivals: Sender<Arrival>,
    doors: Arc<Doors>,
}

impl Streams {
    /// The maker of streams, and where they report.
    pub(crate) fn new() -> (Self, Receiver<Arrival>) {
        let (arrivals, received) = channel(ARRIVALS_MAX);
        (Self { arrivals, doors: Arc::default() }, received)
    }

    /// Takes connections at `listener` from now on; within TLS where there is a server for it.
    pub(crate) fn listen(&self, listener: TcpListener, tls: Option<Server>) {
        tokio::spawn(listen(listener, tls, Arc::clone(&self.doors), self.arrivals.clone()));
    }

    /// Connects to `hop`. What is sent before the connection stands waits for it.
    pub(crate) async fn open(
        &self,
        hop: Hop,
        tls: Option<Client>,
    ) -> Result<Stream, rsipstack::Error> {
        let (stream, ends) = make(hop, self.doors.number()).await?;
        let (id, arrivals) = (stream.id, self.arrivals.clone());
        tokio::spawn(async move {
            let connected = timeout(HANDSHAKE_MAX, connect(hop, tls)).await;
            if let Ok(Ok(io)) = connected {
                run(io, hop, ends, &arrivals, STREAM_IDLE_MAX).await;
            }
            let _ = arrivals.send(Arrival::Closed { hop, id }).await;
        });
        Ok(stream)
    }
}

/// Who is inside, to keep one source from taking all the room.
#[derive(Default)]
struct Doors {
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    by_source: HashMap<IpAddr, usize>,
    all: usize,
    made: u64,
}

impl Doors {
    fn number(&self) -> u64 {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.made += 1;
        inside.made
    }

    fn enter(self: &Arc<Self>, source: IpAddr) -> Option<Pass> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let Inside { by_source, all, .. } = &mut *inside;
        let count = by_source.get(&source).copied().unwrap_or(0);
        if *all >= STREAMS_MAX || count >= STREAMS_PER_SOURCE_MAX {
            return None;
        }
        *all += 1;
        by_source.insert(source, count + 1);
        Some(Pass { doors: Arc::clone(self), source })
    }
}

/// Room for one connection of a source, given back when dropped.
struct Pass {
    doors: Arc<Doors>,
    source: IpAddr,
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut inside = self.doors.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.all = inside.all.saturating_sub(1);
        if let Some(count) = inside.by_source.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                inside.by_source.remove(&self.source);
            }
        }
    }
}

/// The two ways by which something to send comes.
struct Ends {
    library: TransportReceiver,
    octets: UnboundedReceiver<Vec<u8>>,
}

async fn make(hop: Hop, id: u64) -> Result<(Stream, Ends), rsipstack::Error> {
    let (sent, library) = unbounded_channel();
    // Nothing comes to the library this way: the engine hands it what passed the guard.
    let (_, never) = unbounded_channel();
    let address = SipAddr { r#type: Some(hop.transport.spoken()), addr: hop.address.into() };
    let connection = ChannelConnection::create_connection(never, sent, address, None).await?;
    let (octets, received) = unbounded_channel();
    let stream = Stream { hop, id, connection: SipConnection::Channel(connection), octets };
    Ok((stream, Ends { library, octets: received }))
}

async fn listen(
    listener: TcpListener,
    tls: Option<Server>,
    doors: Arc<Doors>,
    arrivals: Sender<Arrival>,
) {
    while !arrivals.is_closed() {
        let Ok((socket, source)) = listener.accept().await else {
            // Out of descriptors: those in use become free again.
            tokio::time::sleep(ACCEPT_AGAIN).await;
            continue;
        };
        let Some(pass) = doors.enter(source.ip()) else { continue };
        let transport = if tls.is_some() { Transport::Tls } else { Transport::Tcp };
        let hop = Hop { transport, address: source };
        let (tls, arrivals, id) = (tls.clone(), arrivals.clone(), doors.number());
        tokio::spawn(async move {
            let _pass = pass;
            let Ok(Ok(io)) = timeout(HANDSHAKE_MAX, accept(socket, tls)).await else { return };
            let Ok((stream, ends)) = make(hop, id).await else { return };
            if arrivals.send(Arrival::Opened(stream)).await.is_ok() {
                run(io, hop, ends, &arrivals, STREAM_FIRST_MAX).await;
                let _ = arrivals.send(Arrival::Closed { hop, id }).await;
            }
        });
    }
}

/// What both a TCP and a TLS connection are.
trait Pipe: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Pipe for T {}

async fn accept(socket: TcpStream, tls: Option<Server>) -> io::Result<Box<dyn Pipe>> {
    socket.set_nodelay(true)?;
    Ok(match tls {
        Some(server) => Box::new(server.accept(socket).await?),
        None => Box::new(socket),
    })
}

async fn connect(hop: Hop, tls: Option<Client>) -> io::Result<Box<dyn Pipe>> {
    let socket = TcpStream::connect(hop.address).await?;
    socket.set_nodelay(true)?;
    Ok(match tls {
        Some(client) => Box::new(client.connect(socket).await?),
        // Never in clear what was to be encrypted.
        None if hop.transport == Transport::Tls => {
            return Err(io::Error::other("no certificate authority to check the other end by"));
        }
        None => Box::new(socket),
    })
}

/// Reads and writes until the other end or the engine has enough. `first` is how long the first
/// message may take.
async fn run(
    io: Box<dyn Pipe>,
    hop: Hop,
    mut ends: Ends,
    arrivals: &Sender<Arrival>,
    first: Duration,
) {
    let (mut reader, mut writer) = split(io);
    let mut framer = Framer::default();
    let mut buffer = vec![0; READ_OCTETS];
    let mut patience = first;
    loop {
        let to_send = tokio::select! {
            read = timeout(patience, reader.read(&mut buffer)) => {
                let Ok(Ok(length @ 1..)) = read else { break };
                framer.push(buffer.get(..length).unwrap_or_default());
                let Ok((pongs, spoke)) = hand_over(&mut framer, hop, arrivals).await else { break };
                if spoke {
                    patience = STREAM_IDLE_MAX;
                }
                b"\r\n".repeat(pongs)
            }
            event = ends.library.recv() => match event {
                Some(TransportEvent::Incoming(message, ..)) => message.to_bytes(),
                Some(TransportEvent::New(_) | TransportEvent::Closed(_)) => continue,
                None => break,
            },
            octets = ends.octets.recv() => match octets {
                Some(octets) => octets,
                None => break,
            },
        };
        let written = timeout(STREAM_WRITE_MAX, async {
            writer.write_all(&to_send).await?;
            writer.flush().await
        });
        if !matches!(written.await, Ok(Ok(()))) {
            break;
        }
    }
    let _ = timeout(STREAM_WRITE_MAX, writer.shutdown()).await;
}

/// Passes on what is whole. Gives how many pings want a pong (RFC 5626 section 4.4.1) and whether
/// there was a message.
async fn hand_over(
    framer: &mut Framer,
    hop: Hop,
    arrivals: &Sender<Arrival>,
) -> Result<(usize, bool), ()> {
    let (mut pongs, mut spoke) = (0, false);
    while let Some(frame) = framer.next().map_err(drop)? {
        match frame {
            Frame::Ping => pongs += 1,
            Frame::Message(octets) => {
                spoke = true;
                arrivals.send(Arrival::Message { hop, octets }).await.map_err(drop)?;
            }
        }
    }
    Ok((pongs, spoke))
}

/// Cuts a stream that is read in these pieces, for [`crate::probe::stream`].
pub(crate) fn cut<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Cut {
    let (mut framer, mut cut) = (Framer::default(), Cut::default());
    for piece in pieces {
        framer.push(piece);
        loop {
            match framer.next() {
                Ok(Some(Frame::Ping)) => cut.pings += 1,
                Ok(Some(Frame::Message(octets))) => cut.messages.push(octets),
                Ok(None) => break,
                Err(Unframed) => {
                    cut.given_up = true;
                    return cut;
                }
            }
        }
    }
    cut
}

const READ_OCTETS: usize = DATAGRAM_MAX_OCTETS;
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

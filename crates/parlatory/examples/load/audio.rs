//! The audio of all phones: one thread that looks at every socket each millisecond, and sends each
//! leg's packet every 20 ms, the legs spread evenly over that time.

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, Result};
use model::{Clock, Key, Timestamp};
use rustix::{
    buffer::spare_capacity,
    event::{Timespec, epoll},
    fd::OwnedFd,
};

use crate::{
    ear::{Ear, Look, Noticed},
    packet,
    say::WindowReport,
    stream::Stream,
};

/// A leg of the load: an index, even for a station, odd for its called party.
pub(crate) type LegIndex = usize;

/// The thread that moves audio.
pub(crate) struct Audio {
    orders: Sender<Order>,
    thread: JoinHandle<()>,
    /// Where each leg takes audio.
    pub(crate) addresses: Vec<SocketAddr>,
}

/// What the thread is told.
enum Order {
    /// The other end of a leg is known: send from now on.
    Connect {
        leg: LegIndex,
        remote: SocketAddr,
        key_type: u8,
    },
    Press(LegIndex, Vec<Key>),
    Close(LegIndex),
    Window,
    Report(Sender<WindowReport>),
    Stop,
}

impl Audio {
    /// Opens two legs for each of so many calls. `noticed` is called on the thread.
    pub(crate) fn start(
        calls: usize,
        clock: Clock,
        noticed: impl Fn(LegIndex, Noticed) + Send + 'static,
    ) -> Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).context("no poller")?;
        let mut addresses = Vec::new();
        let mut legs = Vec::new();
        for index in 0..calls * 2 {
            let leg = Leg::open(index, &epoll)
                .context("no socket for a leg; is the limit of open files too low?")?;
            addresses.push(leg.socket.local_addr()?);
            legs.push(leg);
        }
        let (orders, received) = channel();
        let slots = vec![Vec::new(); SLOTS];
        let mut mover = Mover {
            legs,
            slots,
            epoll,
            clock,
            noticed: Box::new(noticed),
            look_max: Duration::ZERO,
            sent: 0,
        };
        let thread = std::thread::Builder::new()
            .name("audio".to_owned())
            .spawn(move || mover.run(&received))
            .context("no thread for the audio")?;
        Ok(Self { orders, thread, addresses })
    }

    /// Sends from now on to `remote`, keys as payload type `key_type`.
    pub(crate) fn connect(&self, leg: LegIndex, remote: SocketAddr, key_type: u8) {
        self.order(Order::Connect { leg, remote, key_type });
    }

    /// Presses keys, one after the other.
    pub(crate) fn press(&self, leg: LegIndex, keys: Vec<Key>) {
        self.order(Order::Press(leg, keys));
    }

    /// Falls silent.
    pub(crate) fn close(&self, leg: LegIndex) {
        self.order(Order::Close(leg));
    }

    /// Counts anew from here on.
    pub(crate) fn begin_window(&self) {
        self.order(Order::Window);
    }

    /// What was heard since.
    pub(crate) fn report(&self) -> Result<WindowReport> {
        let (sender, report) = channel();
        self.order(Order::Report(sender));
        report.recv().context("the audio thread is gone")
    }

    /// Ends the thread.
    pub(crate) fn stop(self) {
        self.order(Order::Stop);
        let _ = self.thread.join();
    }

    fn order(&self, order: Order) {
        let _ = self.orders.send(order);
    }
}

struct Leg {
    socket: UdpSocket,
    key_type: u8,
    stream: Stream,
    ear: Ear,
}

impl Leg {
    fn open(index: LegIndex, epoll: &OwnedFd) -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_nonblocking(true)?;
        let token = epoll::EventData::new_u64(u64::try_from(index)?);
        epoll::add(epoll, &socket, token, epoll::EventFlags::IN)?;
        let partner = u32::try_from(index ^ 1)?;
        let (stream, ear) = (Stream::new(u32::try_from(index)?), Ear::new(partner));
        Ok(Self { socket, key_type: 0, stream, ear })
    }

    /// Reads one packet.
    fn read(&mut self, before: Timestamp, clock: &Clock) -> Option<Noticed> {
        let mut datagram = [0; DATAGRAM_MAX_OCTETS];
        // A port that closed says so once, as an error; the look names the socket again.
        let octets = self.socket.recv(&mut datagram).ok()?;
        let audio = datagram.get(..octets).and_then(packet::audio)?;
        self.ear.hear(audio, Look { before, now: clock.now() })
    }

    /// Sends what is due; returns the number of packets.
    fn send(&mut self, now: Timestamp) -> u64 {
        let mut sent = 0;
        let socket = &self.socket;
        self.stream.send(now, self.key_type, |packet| {
            // A packet that the system does not take is lost, and the other leg will miss it.
            let _ = socket.send(packet);
            sent += 1;
        });
        sent
    }
}

struct Mover {
    legs: Vec<Leg>,
    /// Legs that send, by the millisecond of 20 in which they do.
    slots: Vec<Vec<LegIndex>>,
    epoll: OwnedFd,
    clock: Clock,
    noticed: Box<dyn Fn(LegIndex, Noticed) + Send>,
    look_max: Duration,
    sent: u64,
}

impl Mover {
    fn run(&mut self, orders: &Receiver<Order>) {
        let mut ready = Vec::with_capacity(EVENTS_MAX);
        let mut before = self.clock.now();
        let mut next = before.after(LOOK_EVERY);
        let mut slot = 0;
        loop {
            match orders.recv_timeout(next.since(self.clock.now())) {
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(order) => {
                    self.obey(order);
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = self.clock.now();
            self.look_max = self.look_max.max(now.since(before));
            self.look(&mut ready, before);
            before = now;
            // Whoever is late sends what was due meanwhile, but no more than all legs once.
            let mut turns = 0;
            while next <= now && turns < SLOTS {
                self.send(slot, now);
                slot = (slot + 1) % SLOTS;
                next = next.after(LOOK_EVERY);
                turns += 1;
            }
            if next <= now {
                next = now.after(LOOK_EVERY);
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Connect { leg: index, remote, key_type } => {
                let Some(leg) = self.legs.get_mut(index) else { return };
                // Without a connection every packet is lost, which will be seen.
                let _ = leg.socket.connect(remote);
                leg.key_type = key_type;
                if let Some(slot) = self.slots.get_mut(slot_of(index)) {
                    slot.push(index);
                }
            }
            Order::Press(leg, keys) => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.stream.press(&keys);
                }
            }
            Order::Close(leg) => {
                if let Some(slot) = self.slots.get_mut(slot_of(leg)) {
                    slot.retain(|other| *other != leg);
                }
            }
            Order::Window => {
                self.legs.iter_mut().for_each(|leg| leg.ear.begin_window());
                self.look_max = Duration::ZERO;
                self.sent = 0;
            }
            Order::Report(to) => {
                let _ = to.send(self.report());
            }
            Order::Stop => {}
        }
    }

    /// Reads everything that has come.
    fn look(&mut self, ready: &mut Vec<epoll::Event>, before: Timestamp) {
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        for _ in 0..ROUNDS_MAX {
            ready.clear();
            let named = epoll::wait(&self.epoll, spare_capacity(ready), Some(&now));
            if named.unwrap_or(0) == 0 {
                return;
            }
            for event in ready.iter() {
                let index = usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
                let Some(leg) = self.legs.get_mut(index) else { continue };
                if let Some(noticed) = leg.read(before, &self.clock) {
                    (self.noticed)(index, noticed);
                }
            }
        }
    }

    fn send(&mut self, slot: usize, now: Timestamp) {
        for index in self.slots.get(slot).into_iter().flatten() {
            let Some(leg) = self.legs.get_mut(*index) else { continue };
            self.sent += leg.send(self.clock.now());
            if let Some(noticed) = leg.ear.listen(now) {
                (self.noticed)(*index, noticed);
            }
        }
    }

    fn report(&mut self) -> WindowReport {
        let look_ms_max = self.look_max.as_secs_f64() * 1_000.0;
        let mut report = WindowReport { sent: self.sent, look_ms_max, ..WindowReport::default() };
        let now = self.clock.now();
        for index in self.slots.iter().flatten() {
            if let Some(leg) = self.legs.get_mut(*index) {
                leg.ear.report(now, &mut report);
            }
        }
        report
    }
}

/// The two legs of a call send half a period apart, and so do its neighbours.
fn slot_of(leg: LegIndex) -> usize {
    (leg / 2 + (leg % 2) * SLOTS / 2) % SLOTS
}

const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Looks in the time of one packet.
const SLOTS: usize = 20;

const EVENTS_MAX: usize = 4_096;
const DATAGRAM_MAX_OCTETS: usize = 1_500;
/// Packets read from one socket in one look; more wait for the next.
const ROUNDS_MAX: usize = 256;

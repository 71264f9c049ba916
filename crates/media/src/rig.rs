//! For tests: a media thread on a clock that stands still until it is moved, and telephones that
//! are plain sockets on loopback.

use crate::{
    MediaConfig, MediaEvent, Pack, PlayEnded, Statistics, Tap,
    engine::{Command, Events},
    event::{EVENT_OCTETS, Event},
    limits::TICK,
    pack::made_up,
    poller::Ready,
    ports::Ports,
    rtp::{self, HEADER_OCTETS, Header},
    speak::Rendered,
    thread::{Next, Worker},
    tone::Tones,
};
use model::{
    Agreed, CallId, Codec, Key, Language, LegId, PlayId, PromptId, Script, Second, Side, SrtpKeys,
    Timestamp,
};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    sync::{Arc, Mutex, mpsc::sync_channel},
    time::Duration,
};

pub(crate) const CALL: CallId = CallId(7);
pub(crate) const STATION: LegId = CALL.leg(Side::Station);
pub(crate) const CALLED: LegId = CALL.leg(Side::Called);
pub(crate) const EVENTS: u8 = 101;

/// The thread, without its thread.
pub(crate) struct Rig {
    pub(crate) worker: Worker,
    pub(crate) pack: Pack,
    pub(crate) now: Timestamp,
    ready: Ready,
    ports: Ports,
    events: Arc<Mutex<Vec<MediaEvent>>>,
}

/// A telephone.
pub(crate) struct Phone {
    socket: UdpSocket,
    /// Its own port of RTCP.
    rtcp: UdpSocket,
    /// Where it sends.
    pub(crate) leg: SocketAddr,
    pub(crate) header: Header,
}

/// Milliseconds of the rig's clock.
pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_micros(START_MICROS + ms * 1_000)
}

pub(crate) fn config(ports: std::ops::RangeInclusive<u16>) -> MediaConfig {
    MediaConfig {
        ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        ports,
        report_sockets_max: 100,
        threads: 1,
        live_within: Duration::from_millis(1_500),
        lost_after: Duration::from_secs(10),
    }
}

/// Two sentences, which the rig's pack speaks in less than a second.
pub(crate) fn script() -> Script {
    Script::of(Language::En, &[PromptId::Welcome, PromptId::Goodbye])
}

impl Rig {
    pub(crate) fn new() -> Self {
        let config = config(FIRST_PORT..=FIRST_PORT + 999);
        let events = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&events);
        let report: Events = Arc::new(move |event| seen.lock().unwrap().push(event));
        Self {
            worker: Worker::new(&config, Arc::new(Tones::generate()), report).unwrap(),
            pack: made_up(520),
            now: at(0),
            ready: Ready::new(),
            ports: Ports::new(config.ip, config.ports, config.report_sockets_max).unwrap(),
            events,
        }
    }

    pub(crate) fn obey(&mut self, command: Command) {
        assert_eq!(self.worker.obey(self.now, command), Next::GoOn);
    }

    /// Opens a leg that is not connected, and a telephone that sends to it.
    pub(crate) fn open(&mut self, leg: LegId) -> Phone {
        let pair = self.ports.take().unwrap();
        let address = pair.address();
        self.obey(Command::Open { leg, pair: Box::new(pair) });
        Phone::new(address)
    }

    /// Opens a leg and connects it to a telephone.
    pub(crate) fn phone(&mut self, leg: LegId, codec: Codec) -> Phone {
        let phone = self.open(leg);
        self.connect(leg, Agreed { codec, ..phone.agreed() });
        phone
    }

    pub(crate) fn connect(&mut self, leg: LegId, agreed: Agreed) {
        self.obey(Command::Connect { leg, agreed, keys: None });
    }

    /// Connects a leg whose audio is encrypted.
    pub(crate) fn secure(&mut self, leg: LegId, agreed: Agreed, keys: SrtpKeys) {
        self.obey(Command::Connect { leg, agreed, keys: Some(Box::new(keys)) });
    }

    pub(crate) fn play(&mut self, leg: LegId, play: u32, script: &Script) -> Rendered {
        let rendered = self.pack.render(script);
        let boxed = Box::new(rendered.clone());
        self.obey(Command::Play { leg, play: PlayId(play), rendered: boxed });
        rendered
    }

    /// Joins both legs with a tap that keeps what it is handed.
    pub(crate) fn tap(&mut self) -> Arc<Mutex<Kept>> {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let tap: Box<dyn Tap> = Box::new(Keeper(Arc::clone(&kept)));
        self.obey(Command::Bridge { call: CALL, tap: Some(tap) });
        kept
    }

    pub(crate) fn tick(&mut self) {
        self.worker.tick(self.now, &mut self.ready);
    }

    /// Lets time pass, tick by tick.
    pub(crate) fn run(&mut self, ms: u64) {
        let until = self.now.after(Duration::from_millis(ms));
        while self.now < until {
            self.now = self.now.after(TICK);
            self.tick();
        }
    }

    /// Lets the thread read until a leg has counted so many packets, while the clock stands still.
    pub(crate) fn deliver(&mut self, leg: LegId, counted: u64) {
        for _ in 0..1_000_000 {
            self.tick();
            let statistics = self.statistics(leg);
            let Statistics { received, bad, unknown, foreign, forged, .. } = statistics;
            if received + bad + foreign + unknown + forged >= counted {
                return;
            }
            std::thread::yield_now();
        }
        panic!("{counted} packets never came: {:?}", self.statistics(leg));
    }

    pub(crate) fn statistics(&mut self, leg: LegId) -> Statistics {
        let (answer, statistics) = sync_channel(1);
        self.obey(Command::Statistics { leg, answer });
        statistics.recv().unwrap().unwrap()
    }

    /// What was reported since this was asked last.
    pub(crate) fn events(&self) -> Vec<MediaEvent> {
        std::mem::take(&mut self.events.lock().unwrap())
    }

    /// How plays ended since events were asked for last.
    pub(crate) fn ends(&self) -> Vec<(u32, PlayEnded)> {
        let played = |event: &MediaEvent| {
            if let MediaEvent::Played { play, end, .. } = event {
                Some((play.0, *end))
            } else {
                None
            }
        };
        self.events().iter().filter_map(played).collect()
    }
}

impl Phone {
    pub(crate) fn new(leg: SocketAddr) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let rtcp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        rtcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let header =
            Header { marker: false, payload_type: 0, sequence: 65_530, timestamp: 9, ssrc: 77 };
        Self { socket, rtcp, leg, header }
    }

    pub(crate) fn agreed(&self) -> Agreed {
        Agreed {
            remote: self.socket.local_addr().unwrap(),
            codec: Codec::Pcmu,
            telephone_event: Some(EVENTS),
            packet_ms: 20,
            send: true,
            rtcp: self.rtcp.local_addr().unwrap(),
            signals_from: None,
        }
    }

    /// The same telephone behind a NAT that gave it other ports.
    pub(crate) fn rebound(self) -> Self {
        Self { header: self.header, ..Self::new(self.leg) }
    }

    /// The next report it hears on its own port of RTCP; waits for it.
    pub(crate) fn report(&self) -> Vec<u8> {
        let mut buffer = [0; 2_000];
        let (octets, _) = self.rtcp.recv_from(&mut buffer).unwrap();
        buffer[..octets].to_vec()
    }

    /// Sends a report from its own port of RTCP.
    pub(crate) fn send_report(&self, datagram: &[u8]) {
        let to = SocketAddr::new(self.leg.ip(), self.leg.port() + 1);
        self.rtcp.send_to(datagram, to).unwrap();
    }

    /// The next datagram it hears, as it came; waits for it.
    pub(crate) fn hear_raw(&self) -> Vec<u8> {
        let mut buffer = [0; 2_000];
        let (octets, _) = self.socket.recv_from(&mut buffer).unwrap();
        buffer[..octets].to_vec()
    }

    /// Forgets what it has heard.
    pub(crate) fn forget(&self) {
        self.socket.set_nonblocking(true).unwrap();
        while self.socket.recv_from(&mut [0]).is_ok() {}
        self.socket.set_nonblocking(false).unwrap();
    }

    pub(crate) fn send_raw(&self, datagram: &[u8]) {
        self.socket.send_to(datagram, self.leg).unwrap();
    }

    /// Sends one packet with this header.
    pub(crate) fn send(&self, header: Header, octets: &[u8]) {
        let mut head = [0; HEADER_OCTETS];
        header.write(&mut head);
        self.send_raw(&[&head[..], octets].concat());
    }

    /// Sends the next packet of its stream.
    pub(crate) fn speak(&mut self, octets: &[u8]) {
        self.send(self.header, octets);
        self.skip(octets.len());
    }

    /// Loses the next packet of its stream.
    pub(crate) fn skip(&mut self, samples: usize) {
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.timestamp = self.header.timestamp.wrapping_add(u32::try_from(samples).unwrap());
    }

    /// Sends one packet of a key that began with the timestamp of its stream.
    pub(crate) fn event(&mut self, key: char, end: bool, duration: u16) {
        let code = Key::from_char(key).unwrap().event();
        let mut octets = [0; EVENT_OCTETS];
        Event { code, end, duration }.write(&mut octets);
        self.send(Header { payload_type: EVENTS, ..self.header }, &octets);
        self.header.sequence = self.header.sequence.wrapping_add(1);
    }

    /// The next packet it hears; waits for it.
    pub(crate) fn hear(&self) -> (Header, Vec<u8>) {
        let mut buffer = [0; 2_000];
        let (octets, from) = self.socket.recv_from(&mut buffer).unwrap();
        assert_eq!(from, self.leg);
        let (header, payload) = rtp::parse(&buffer[..octets]).unwrap();
        (header, buffer[payload].to_vec())
    }

    /// So many packets it hears; waits for them. They must be all there are.
    pub(crate) fn hear_all(&self, packets: u64) -> Vec<(Header, Vec<u8>)> {
        let heard = (0..packets).map(|_| self.hear()).collect();
        self.socket.set_nonblocking(true).unwrap();
        assert!(self.socket.recv_from(&mut [0]).is_err(), "more packets than {packets}");
        self.socket.set_nonblocking(false).unwrap();
        heard
    }
}

/// Octets of packets, one after the other.
pub(crate) fn joined(packets: &[(Header, Vec<u8>)]) -> Vec<u8> {
    packets.iter().flat_map(|(_, octets)| octets.clone()).collect()
}

/// Sequence numbers and timestamps follow each other without a gap.
#[track_caller]
pub(crate) fn assert_continuous(packets: &[(Header, Vec<u8>)]) {
    for pair in packets.windows(2) {
        let [(before, octets), (after, _)] = pair else { unreachable!() };
        assert_eq!(after.ssrc, before.ssrc);
        assert_eq!(after.sequence, before.sequence.wrapping_add(1));
        let length = u32::try_from(octets.len()).unwrap();
        assert_eq!(after.timestamp, before.timestamp.wrapping_add(length));
    }
}

/// What a tap was handed.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) seconds: Vec<Second>,
    pub(crate) ended: u32,
}

struct Keeper(Arc<Mutex<Kept>>);

impl Tap for Keeper {
    fn second(&mut self, second: Second) {
        self.0.lock().unwrap().seconds.push(second);
    }

    fn end(self: Box<Self>) {
        self.0.lock().unwrap().ended += 1;
    }
}

const START_MICROS: i64 = 1_700_000_000_000_000;
const FIRST_PORT: u16 = 23_000;

//! A telephone: one line and one leg of audio, made of the same parts as the node.

use line::{Directory, Inbound, Line, LineConfig, LineEvent, Target, WireId, agree};
use media::{Media, MediaConfig, Pack, Voice};
use model::{
    CallId, Clock, Codec, Key, LegId, MediaDescription, Private, Side, StationId, Timestamp,
    audio::Direction,
};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    sync::{
        Arc, OnceLock,
        mpsc::{Receiver, channel},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

pub(crate) struct Phone {
    line: Line,
    media: Media,
    events: Receiver<LineEvent>,
    local: MediaDescription,
}

/// Knows nobody: a telephone takes any call.
pub(crate) struct Nobody;

impl Directory for Nobody {
    fn station(&self, _: SocketAddr, _: &str) -> Option<StationId> {
        None
    }
    fn digest(&self, _: &str) -> Option<(StationId, Private<[u8; 16]>)> {
        None
    }
    fn trunk(&self) -> Option<SocketAddr> {
        None
    }
}

impl Phone {
    pub(crate) fn new() -> Self {
        let media = media(PORTS, |_| {});
        let (sender, events) = channel();
        let line = line(Inbound::Anyone, Arc::new(Nobody), move |event| drop(sender.send(event)));
        let address = media.open(LEG).unwrap();
        let local = MediaDescription {
            address,
            codecs: vec![Codec::Pcmu],
            telephone_event: Some(96),
            packet_ms: 20,
            direction: Direction::SendRecv,
            rtcp_port: address.port() + 1,
            rtcp_mux: true,
            signals_from: None,
        };
        Self { line, media, events, local }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.line.local_address()
    }

    /// Calls the node as the station with this number.
    pub(crate) fn dial(&self, node: SocketAddr, station: u32) -> WireId {
        let target = Target::Address { address: node, user: Private::new("menu".to_owned()) };
        self.line.dial(target, station.to_string(), self.local.clone())
    }

    /// Calls the node and is answered.
    pub(crate) fn call(&self, node: SocketAddr, station: u32) -> WireId {
        self.try_call(node, station).unwrap()
    }

    /// Calls the node and is refused with this status.
    pub(crate) fn refused(&self, node: SocketAddr, station: u32) -> u16 {
        self.try_call(node, station).unwrap_err()
    }

    /// Calls the node, and is answered or refused with a status.
    pub(crate) fn try_call(&self, node: SocketAddr, station: u32) -> Result<WireId, u16> {
        let wire = self.dial(node, station);
        match self.next() {
            LineEvent::Answered { wire: answered, answer, .. } if answered == wire => {
                self.media.connect(LEG, agree(&self.local, &answer).unwrap());
                Ok(wire)
            }
            LineEvent::Failed { wire: failed, status, .. } if failed == wire => Err(status),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn press(&self, keys: &str) {
        let keys: Vec<Key> = keys.chars().map(|label| Key::from_char(label).unwrap()).collect();
        self.media.press(LEG, &keys);
    }

    /// Talks, or is silent again.
    pub(crate) fn talk(&self, voice: Option<Voice>) {
        self.media.babble(LEG, voice);
    }

    pub(crate) fn hang_up(&self, wire: WireId) {
        self.line.hang_up(wire);
    }

    /// Waits until the node hangs up.
    pub(crate) fn wait_hung_up(&self, expected: WireId) {
        match self.next() {
            LineEvent::HungUp { wire } if wire == expected => {}
            other => panic!("{other:?}"),
        }
    }

    /// Waits until it is called, and rings.
    pub(crate) fn ring(&self) -> WireId {
        match self.next() {
            LineEvent::Incoming { wire, .. } => {
                self.line.ring(wire);
                wire
            }
            other => panic!("{other:?}"),
        }
    }

    /// Waits until it is called, rings, is answered, and sends and takes audio.
    pub(crate) fn pick_up(&self) -> WireId {
        match self.next() {
            LineEvent::Incoming { wire, offer: Some(offer), .. } => {
                self.line.ring(wire);
                self.media.connect(LEG, agree(&self.local, &offer).unwrap());
                self.answer(wire);
                wire
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn answer(&self, wire: WireId) {
        self.line.answer(wire, self.local.clone());
    }

    fn next(&self) -> LineEvent {
        self.events.recv_timeout(PATIENCE).unwrap()
    }
}

pub(crate) fn line(
    inbound: Inbound,
    directory: Arc<dyn Directory>,
    events: impl Fn(LineEvent) + Send + Sync + 'static,
) -> Line {
    let config = LineConfig {
        bind: SocketAddr::new(LOOPBACK, 0),
        realm: "parlatory".to_owned(),
        user_agent: "switch-test".to_owned(),
        inbound,
        calls_max: 64,
        network: line::Network::default(),
    };
    Line::start(config, directory, clock(), events).unwrap()
}

pub(crate) fn media(
    ports: RangeInclusive<u16>,
    events: impl Fn(media::MediaEvent) + Send + Sync + 'static,
) -> Media {
    static PACK: OnceLock<Arc<Pack>> = OnceLock::new();
    let pack = PACK.get_or_init(|| Arc::new(Pack::builtin().unwrap()));
    let config = MediaConfig {
        ip: LOOPBACK,
        ports,
        report_sockets_max: usize::MAX,
        threads: 1,
        // A machine that is busy may keep a telephone from sending for longer than a person waits.
        live_within: Duration::from_secs(5),
        lost_after: Duration::from_secs(60),
    };
    Media::start(config, Arc::clone(pack), clock(), events).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "calls on real sockets take real time")]
pub(crate) fn clock() -> Clock {
    Clock::new(|| {
        let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp::from_micros(i64::try_from(passed.as_micros()).unwrap())
    })
}

pub(crate) const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Pairs in use by others are passed over.
pub(crate) const PORTS: RangeInclusive<u16> = 26_000..=27_999;
/// For what happens on another thread. Never what a test waits for when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
const LEG: LegId = CallId::from_parts(0, 1).leg(Side::Station);

//! An engine at one end of the links, with the loopback sockets that stand for their near ends.

use super::tape::News;
use line::{
    Directory, Inbound, Kept, Line, LineConfig, LineCounts, LineEvent, Network, Target,
    TrunkConfig, Turns, WireId,
};
use model::audio::Direction;
use model::{Clock, Codec, E164, MediaDescription, Private, StationId, Timestamp, TrunkId};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};

/// A line in turns, and the sockets in front of it at which the other ends seem to sit.
pub(super) struct End {
    pub(super) line: Line,
    /// None while it is gone.
    turns: Option<Turns>,
    /// One for each of its trunks.
    faces: Vec<UdpSocket>,
    told: Arc<Mutex<Vec<LineEvent>>>,
    host: u8,
    /// How often it was started again.
    pub(super) life: u32,
}

/// Messages that an end sent, each with the place of the trunk that it went to.
pub(super) type Sent = Vec<(usize, Vec<u8>)>;

struct Known {
    face: SocketAddr,
}

impl Directory for Known {
    fn station(&self, source: SocketAddr, _user: &str) -> Option<StationId> {
        (source == self.face).then_some(StationId(1))
    }
    fn digest(&self, _user: &str) -> Option<(StationId, Private<[u8; 16]>)> {
        None
    }
    fn trunk(&self) -> Option<SocketAddr> {
        None
    }
}

impl End {
    /// `host` is the last octet of its address; those of the links to its `trunks` are the ones
    /// after it. No other end has them, so that what an end says of itself leads nowhere but to a
    /// link. Its stations call from where its first trunk is.
    pub(super) fn new(host: u8, clock: Clock, key: u8, trunks: u8) -> Result<Self, String> {
        let words = |fault: std::io::Error| fault.to_string();
        let mut faces = Vec::new();
        for trunk in 1..=trunks {
            let face = UdpSocket::bind(at(host + trunk)).map_err(words)?;
            face.set_nonblocking(true).map_err(words)?;
            faces.push(face);
        }
        let told = Arc::default();
        let (line, turns) = begin(at(host), &faces, clock, key, &told)?;
        Ok(Self { line, turns: Some(turns), faces, told, host, life: 0 })
    }

    /// It is gone without a word.
    pub(super) fn crash(&mut self) {
        self.turns = None;
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// It is there again where it was, and knows of nothing. Its tags are others.
    pub(super) fn restart(&mut self, clock: Clock, key: u8) -> Result<(), String> {
        let here = self.line.local_address();
        let (line, turns) = begin(here, &self.faces, clock, key, &self.told)?;
        (self.line, self.turns) = (line, Some(turns));
        self.life += 1;
        Ok(())
    }

    pub(super) const fn is_there(&self) -> bool {
        self.turns.is_some()
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.turns.as_ref().and_then(Turns::next)
    }

    /// Does what is to be done now. Gives what was told and what was sent.
    pub(super) fn take(&mut self) -> (Vec<LineEvent>, Sent) {
        if let Some(turns) = &mut self.turns {
            turns.take();
        }
        let told = std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner));
        let mut sent = Vec::new();
        let mut buffer = [0; 65_536];
        for (trunk, face) in self.faces.iter().enumerate() {
            while let Ok(length) = face.recv(&mut buffer) {
                sent.push((trunk, buffer.get(..length).unwrap_or_default().to_vec()));
            }
        }
        (told, sent)
    }

    /// A datagram arrives from where this trunk is.
    pub(super) fn deliver(&self, trunk: usize, octets: &[u8]) -> Result<(), String> {
        let face = self.faces.get(trunk).ok_or("there is no such trunk")?;
        let sent = face.send_to(octets, self.line.local_address());
        sent.map(drop).map_err(|fault| fault.to_string())
    }

    pub(super) fn dial(&self) -> Option<WireId> {
        let number = E164::new(12_025_550_142)?;
        let from = "+12025550100".to_owned();
        Some(self.line.dial(Target::Trunk { number }, from, self.media()))
    }

    /// Where the node seems to be, for who speaks to it by hand as this trunk.
    pub(super) fn face(&self, trunk: usize) -> Option<SocketAddr> {
        self.faces.get(trunk)?.local_addr().ok()
    }

    pub(super) fn kept(&mut self) -> Kept {
        self.turns.as_mut().map(Turns::kept).unwrap_or_default()
    }

    pub(super) fn counts(&self) -> LineCounts {
        self.line.counts()
    }

    pub(super) fn media(&self) -> MediaDescription {
        MediaDescription {
            address: SocketAddr::from(([127, 0, 0, self.host], 5_000)),
            codecs: vec![Codec::Pcmu, Codec::Pcma],
            telephone_event: Some(101),
            packet_ms: 20,
            direction: Direction::SendRecv,
            rtcp_port: 5_001,
            rtcp_mux: false,
            signals_from: None,
        }
    }
}

/// Any port of a host of this machine.
fn at(host: u8) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, host)), 0)
}

fn begin(
    bind: SocketAddr,
    faces: &[UdpSocket],
    clock: Clock,
    key: u8,
    told: &Arc<Mutex<Vec<LineEvent>>>,
) -> Result<(Line, Turns), String> {
    let places: Result<Vec<SocketAddr>, _> = faces.iter().map(UdpSocket::local_addr).collect();
    let places = places.map_err(|fault| fault.to_string())?;
    let face = places.first().copied().ok_or("an end without a link")?;
    // The first is tried first.
    let trunks = (1_u16..).zip(places).map(|(number, address)| TrunkConfig {
        order: number,
        ..TrunkConfig::plain(TrunkId(number), address)
    });
    let config = LineConfig {
        bind,
        realm: "sim".to_owned(),
        user_agent: "sim".to_owned(),
        inbound: Inbound::Stations,
        calls_max: 100,
        network: Network { trunks: trunks.collect(), ..Network::default() },
    };
    let tell = Arc::clone(told);
    Line::in_turns(config, Arc::new(Known { face }), clock, [key; 32], move |event| {
        tell.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    })
    .map_err(|fault| fault.to_string())
}

/// The wire that an event is about, and what it says. `None` for what is about none.
pub(super) fn read(event: &LineEvent) -> Option<(WireId, News)> {
    Some(match event {
        LineEvent::Incoming { wire, .. } => (*wire, News::Incoming),
        LineEvent::Ringing { wire } => (*wire, News::Ringing),
        LineEvent::Answered { wire, .. } => (*wire, News::Answered),
        LineEvent::Failed { wire, status, .. } => (*wire, News::Failed(*status)),
        LineEvent::Reoffered { wire, .. } => (*wire, News::Reoffered),
        LineEvent::Key { wire, .. } => (*wire, News::Key),
        LineEvent::HungUp { wire } => (*wire, News::HungUp),
        LineEvent::Dialled { wire, .. } | LineEvent::Forwarded { wire } => (*wire, News::Aside),
        LineEvent::Trunk { .. } | LineEvent::Signing { .. } => return None,
    })
}

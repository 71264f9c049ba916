//! An engine at one end of the link, with the loopback sockets that stand for the link's near end.

use super::tape::News;
use line::{
    Directory, Inbound, Kept, Line, LineConfig, LineCounts, LineEvent, Network, Target,
    TrunkConfig, Turns, WireId,
};
use model::audio::Direction;
use model::{Clock, Codec, E164, MediaDescription, Private, StationId, Timestamp, TrunkId};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};

/// A line in turns, and the socket in front of it that the other end seems to sit at.
pub(super) struct End {
    pub(super) line: Line,
    turns: Turns,
    face: UdpSocket,
    told: Arc<Mutex<Vec<LineEvent>>>,
    host: u8,
}

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
    /// `host` is the last octet of its address; the link's is the one after it. No other end has
    /// it, so that what an end says of itself leads nowhere but to the link.
    pub(super) fn new(host: u8, clock: Clock, key: u8) -> Result<Self, String> {
        let at = |host| SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, host)), 0);
        let face = UdpSocket::bind(at(host + 1)).map_err(|fault| fault.to_string())?;
        face.set_nonblocking(true).map_err(|fault| fault.to_string())?;
        let address = face.local_addr().map_err(|fault| fault.to_string())?;
        let told = Arc::<Mutex<Vec<LineEvent>>>::default();
        let tell = Arc::clone(&told);
        let config = LineConfig {
            bind: at(host),
            realm: "sim".to_owned(),
            user_agent: "sim".to_owned(),
            inbound: Inbound::Stations,
            calls_max: 100,
            network: Network {
                trunks: vec![TrunkConfig::plain(TrunkId(1), address)],
                ..Network::default()
            },
        };
        let directory = Arc::new(Known { face: address });
        let (line, turns) = Line::in_turns(config, directory, clock, [key; 32], move |event| {
            tell.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        })
        .map_err(|fault| fault.to_string())?;
        Ok(Self { line, turns, face, told, host })
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.turns.next()
    }

    /// Does what is to be done now. Gives what was told and what was sent.
    pub(super) fn take(&mut self) -> (Vec<LineEvent>, Vec<Vec<u8>>) {
        self.turns.take();
        let told = std::mem::take(&mut *self.told.lock().unwrap_or_else(PoisonError::into_inner));
        let mut sent = Vec::new();
        let mut buffer = [0; 65_536];
        while let Ok(length) = self.face.recv(&mut buffer) {
            sent.push(buffer.get(..length).unwrap_or_default().to_vec());
        }
        (told, sent)
    }

    /// A datagram arrives.
    pub(super) fn deliver(&self, octets: &[u8]) -> Result<(), String> {
        let sent = self.face.send_to(octets, self.line.local_address());
        sent.map(drop).map_err(|fault| fault.to_string())
    }

    pub(super) fn dial(&self) -> Option<WireId> {
        let number = E164::new(12_025_550_142)?;
        let from = "+12025550100".to_owned();
        Some(self.line.dial(Target::Trunk { number }, from, self.media()))
    }

    /// Where the node seems to be, for who speaks to it by hand.
    pub(super) fn face(&self) -> Option<SocketAddr> {
        self.face.local_addr().ok()
    }

    pub(super) fn kept(&mut self) -> Kept {
        self.turns.kept()
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
        LineEvent::Trunk { .. } => return None,
    })
}

//! Calls between two lines over loopback: a node on one end, a telephone or the carrier on the
//! other.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]

use line::{
    Directory, Inbound, Line, LineConfig, LineCounts, LineEvent, Origin, Target, WireId, agree,
};
use model::audio::Direction;
use model::{Clock, Codec, E164, MediaDescription, Private, StationId, Timestamp, TrunkId};
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Who the node knows: filled once the others are bound.
#[derive(Default)]
struct Known {
    station: Mutex<Option<SocketAddr>>,
    trunk: Mutex<Option<SocketAddr>>,
}

impl Directory for Known {
    fn station(&self, source: SocketAddr, _user: &str) -> Option<StationId> {
        (*self.station.lock().unwrap() == Some(source)).then_some(StationId(7))
    }
    fn digest(&self, _user: &str) -> Option<(StationId, Private<[u8; 16]>)> {
        None
    }
    fn trunk(&self) -> Option<SocketAddr> {
        *self.trunk.lock().unwrap()
    }
}

struct End {
    line: Line,
    events: Receiver<LineEvent>,
}

impl End {
    fn new(inbound: Inbound, known: &Arc<Known>, calls_max: usize) -> Self {
        let (sender, events) = channel();
        let config = LineConfig {
            bind: "127.0.0.1:0".parse().unwrap(),
            realm: "jail".into(),
            user_agent: "line-test".into(),
            inbound,
            calls_max,
            network: line::Network::default(),
        };
        let clock = Clock::new(|| Timestamp::from_micros(0));
        let known: Arc<dyn Directory> = Arc::<Known>::clone(known);
        let line =
            Line::start(config, known, clock, move |event| drop(sender.send(event))).unwrap();
        Self { line, events }
    }

    fn next(&self) -> LineEvent {
        self.events.recv_timeout(Duration::from_secs(20)).expect("an event")
    }

    fn address(&self) -> SocketAddr {
        self.line.local_address()
    }

    fn dial(&self, to: &Self, user: &str) -> WireId {
        let user = Private::new(user.to_owned());
        let target = Target::Address { address: to.address(), user };
        self.line.dial(target, "+12025550100".into(), media(40_000))
    }

    fn failed(&self) -> u16 {
        match self.next() {
            LineEvent::Failed { status, .. } => status,
            other => panic!("{other:?}"),
        }
    }

    fn incoming(&self) -> (WireId, Origin, String, Option<MediaDescription>) {
        match self.next() {
            LineEvent::Incoming { wire, origin, dialled, offer, .. } => {
                (wire, origin, dialled.expose().clone(), offer)
            }
            other => panic!("{other:?}"),
        }
    }

    fn hung_up(&self, expected: WireId) {
        match self.next() {
            LineEvent::HungUp { wire } if wire == expected => {}
            other => panic!("{other:?}"),
        }
    }
}

/// A node, a station and a carrier.
struct World {
    node: End,
    phone: End,
    carrier: End,
}

impl World {
    fn new() -> Self {
        Self::with_calls_max(8)
    }

    fn with_calls_max(calls_max: usize) -> Self {
        let known = Arc::<Known>::default();
        let node = End::new(Inbound::Stations, &known, calls_max);
        let nobody = Arc::<Known>::default();
        let phone = End::new(Inbound::Anyone, &nobody, 64);
        let carrier = End::new(Inbound::Anyone, &nobody, 64);
        *known.station.lock().unwrap() = Some(phone.address());
        *known.trunk.lock().unwrap() = Some(carrier.address());
        Self { node, phone, carrier }
    }

    /// A call from the phone that the node answered.
    fn call(&self) -> (WireId, WireId) {
        let ours = self.phone.dial(&self.node, "2025550142");
        let (theirs, ..) = self.node.incoming();
        self.node.line.answer(theirs, media(50_000));
        assert!(matches!(self.phone.next(), LineEvent::Answered { .. }));
        (ours, theirs)
    }
}

fn media(port: u16) -> MediaDescription {
    MediaDescription {
        address: SocketAddr::from(([127, 0, 0, 1], port)),
        codecs: vec![Codec::Pcmu, Codec::Pcma],
        telephone_event: Some(101),
        packet_ms: 20,
        direction: Direction::SendRecv,
        rtcp_port: port + 1,
        rtcp_mux: false,
        signals_from: None,
    }
}

#[test]
fn a_station_calls_rings_talks_and_hangs_up() {
    let world = World::new();
    let ours = world.phone.dial(&world.node, "*72#2025550142");
    let (theirs, origin, dialled, offer) = world.node.incoming();
    assert_eq!(origin, Origin::Station(StationId(7)));
    assert_eq!(dialled, "*72#2025550142");
    assert_eq!(offer, Some(media(40_000)));
    world.node.line.ring(theirs);
    assert!(matches!(world.phone.next(), LineEvent::Ringing { wire } if wire == ours));
    world.node.line.answer(theirs, media(50_000));
    let answer = match world.phone.next() {
        LineEvent::Answered { wire, answer, .. } if wire == ours => answer,
        other => panic!("{other:?}"),
    };
    let agreed = agree(&media(40_000), &answer).unwrap();
    assert_eq!(agreed.remote, media(50_000).address);
    assert_eq!((agreed.codec, agreed.telephone_event, agreed.send), (Codec::Pcmu, Some(101), true));
    world.phone.line.hang_up(ours);
    world.node.hung_up(theirs);
}

#[test]
fn the_answering_end_hangs_up() {
    let world = World::new();
    let (ours, theirs) = world.call();
    world.node.line.hang_up(theirs);
    world.phone.hung_up(ours);
}

#[test]
fn the_answerer_keeps_the_callers_order_of_codecs() {
    let world = World::new();
    let user = Private::new("1".to_owned());
    let target = Target::Address { address: world.node.address(), user };
    let mut offer = media(40_000);
    offer.codecs = vec![Codec::Pcma, Codec::Pcmu];
    offer.telephone_event = Some(96);
    world.phone.line.dial(target, String::new(), offer);
    let (theirs, _, _, offer) = world.node.incoming();
    let agreed = agree(&media(50_000), &offer.unwrap()).unwrap();
    assert_eq!((agreed.codec, agreed.telephone_event), (Codec::Pcma, Some(96)));
    world.node.line.answer(theirs, media(50_000));
    let LineEvent::Answered { answer, .. } = world.phone.next() else { panic!() };
    assert_eq!(answer.codecs, [Codec::Pcma, Codec::Pcmu]);
    assert_eq!(answer.telephone_event, Some(96));
}

#[test]
fn a_call_is_cancelled_while_it_rings() {
    let world = World::new();
    let ours = world.phone.dial(&world.node, "1");
    let (theirs, ..) = world.node.incoming();
    world.node.line.ring(theirs);
    assert!(matches!(world.phone.next(), LineEvent::Ringing { .. }));
    world.phone.line.hang_up(ours);
    world.node.hung_up(theirs);
    // The next call's events come first in line: the cancelled one told nothing more.
    world.phone.dial(&world.node, "2");
    let (again, ..) = world.node.incoming();
    world.node.line.reject(again, 486);
    assert_eq!(world.phone.failed(), 486);
}

#[test]
fn refusals_carry_their_status() {
    let world = World::new();
    for (status, seen) in [(404, 404), (486, 486), (603, 603), (200, 500), (0, 500)] {
        world.phone.dial(&world.node, "1");
        let (theirs, ..) = world.node.incoming();
        world.node.line.reject(theirs, status);
        assert_eq!(world.phone.failed(), seen);
    }
}

#[test]
fn the_node_dials_out_through_the_trunk_only() {
    let world = World::new();
    let number = E164::new(12_025_550_142).unwrap();
    let ours = world.node.line.dial(Target::Trunk { number }, "+12025550100".into(), media(1_000));
    let (theirs, origin, dialled, _) = world.carrier.incoming();
    assert_eq!((origin, dialled.as_str()), (Origin::Unknown, "+12025550142"));
    world.carrier.line.answer(theirs, media(2_000));
    let dialled = world.node.next();
    let right = matches!(dialled, LineEvent::Dialled { wire, trunk: TrunkId(0) } if wire == ours);
    assert!(right, "{dialled:?}");
    assert!(matches!(world.node.next(), LineEvent::Answered { wire, .. } if wire == ours));
    world.carrier.line.hang_up(theirs);
    world.node.hung_up(ours);

    let station = StationId(9);
    let target = Target::Registered { station, user: Private::new(String::new()) };
    world.node.line.dial(target, String::new(), media(1_000));
    assert_eq!(world.node.failed(), 503);
}

#[test]
fn calls_from_the_trunk_and_from_strangers_are_refused_and_counted() {
    let world = World::new();
    world.carrier.dial(&world.node, "2025550142");
    assert_eq!(world.carrier.failed(), 403);
    let nobody = Arc::<Known>::default();
    let stranger = End::new(Inbound::Anyone, &nobody, 8);
    stranger.dial(&world.node, "2025550142");
    assert_eq!(stranger.failed(), 401);
    let counts = world.node.line.counts();
    assert_eq!((counts.refused_from_trunk, counts.refused_foreign), (1, 1));
}

#[test]
fn a_call_that_was_sent_on_to_us_is_refused_like_all_others_and_counted_apart() {
    let known = Arc::<Known>::default();
    let node = End::new(Inbound::Stations, &known, 8);
    let carrier = UdpSocket::bind("127.0.0.1:0").unwrap();
    carrier.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    *known.trunk.lock().unwrap() = Some(carrier.local_addr().unwrap());
    let said = [
        "",
        "Diversion: <sip:+12025550142@carrier.example>;reason=no-answer\r\n",
        "History-Info: <sip:a@b>;index=1, <sip:c@d>;index=1.1;mp=1\r\n",
        // An entry by itself says nothing of the kind.
        "History-Info: <sip:a@b>;index=1\r\n",
    ];
    for (number, header) in said.into_iter().enumerate() {
        let invite = format!(
            "INVITE sip:1@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKd{number}\r\n\
             From: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: d{number}\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:a@b>\r\n{header}Content-Length: 0\r\n\r\n"
        );
        carrier.send_to(invite.as_bytes(), node.address()).unwrap();
        let mut answer = [0; 4_096];
        let length = carrier.recv(&mut answer).unwrap();
        assert!(answer[..length].starts_with(b"SIP/2.0 403 "), "{header}");
    }
    let counts = node.line.counts();
    assert_eq!((counts.refused_from_trunk, counts.refused_forwarded), (4, 2));
}

#[test]
fn past_the_limit_and_while_stopping_new_calls_get_503() {
    let world = World::with_calls_max(1);
    let (ours, theirs) = world.call();
    world.phone.dial(&world.node, "1");
    assert_eq!(world.phone.failed(), 503);
    world.node.line.refuse_new();
    world.phone.line.hang_up(ours);
    world.node.hung_up(theirs);
    world.phone.dial(&world.node, "1");
    assert_eq!(world.phone.failed(), 503);
    let counts = world.node.line.counts();
    assert_eq!((counts.overload_calls, counts.refused_stopping), (1, 1));
}

#[test]
fn stopping_hangs_up() {
    let world = World::new();
    let (ours, _) = world.call();
    let waiting = world.phone.dial(&world.node, "1");
    let (offered, ..) = world.node.incoming();
    world.node.line.ring(offered);
    assert!(matches!(world.phone.next(), LineEvent::Ringing { .. }));
    world.node.line.stop();
    world.node.line.stop();
    let mut ends = [world.phone.next(), world.phone.next()].map(|event| match event {
        LineEvent::HungUp { wire } => (wire, 0),
        LineEvent::Failed { wire, status, .. } => (wire, status),
        other => panic!("{other:?}"),
    });
    ends.sort_unstable();
    assert_eq!(ends, [(ours, 0), (waiting, 487)]);
}

#[test]
fn nothing_a_stranger_sends_disturbs_a_call() {
    let world = World::new();
    let (ours, theirs) = world.call();
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let invite = "INVITE sip:1@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKx\r\n\
        From: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\
        Contact: <sip:a@b>\r\nContent-Length: 0\r\n\r\n";
    let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        noise
    };
    for round in 0..4_000 {
        let mut datagram = invite.as_bytes().to_vec();
        for _ in 0..=random() % 6 {
            let at = usize::try_from(random()).unwrap_or(7) % datagram.len();
            let octet = random().to_le_bytes()[0];
            datagram[at] = if round % 8 == 0 { octet } else { b' ' + octet % 95 };
        }
        if round % 5 == 0 {
            datagram.truncate(usize::try_from(random()).unwrap_or(7) % datagram.len());
        }
        if round % 7 == 0 {
            datagram.iter_mut().for_each(|octet| *octet = random().to_le_bytes()[0]);
        }
        stranger.send_to(&datagram, world.node.address()).unwrap();
        if round % 64 == 0 {
            // Wait until the node has caught up, so that its socket drops nothing: a call comes
            // through.
            world.phone.dial(&world.node, "1");
            let (wire, ..) = world.node.incoming();
            world.node.line.reject(wire, 486);
            assert_eq!(world.phone.failed(), 486);
        }
    }
    world.phone.line.hang_up(ours);
    world.node.hung_up(theirs);
    let counts = world.node.line.counts();
    assert_eq!(counts.faults, 0);
    let LineCounts { malformed_start, malformed_text, malformed_mandatory, .. } = counts;
    assert!(
        malformed_start > 100 && malformed_text > 100 && malformed_mandatory > 10,
        "{counts:?}"
    );
}

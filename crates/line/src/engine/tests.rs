//! A line against a plain UDP socket that says exactly what each test wants.

use crate::digest;
use crate::limits::{PENDING_PER_SOURCE_MAX, T1};
use crate::{
    Directory, Inbound, Line, LineConfig, LineEvent, Network, Origin, Target, WireId, ha1,
};
use model::audio::Direction;
use model::{Clock, Codec, Key, MediaDescription, Private, StationId, Timestamp};
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

mod calling;
mod carrying;
mod guarding;
mod lasting;
mod naming;
mod serving;

struct Known {
    station: Mutex<Option<SocketAddr>>,
}

impl Directory for Known {
    fn station(&self, source: SocketAddr, _user: &str) -> Option<StationId> {
        (*self.station.lock().unwrap() == Some(source)).then_some(StationId(1))
    }
    fn digest(&self, user: &str) -> Option<(StationId, Private<[u8; 16]>)> {
        (user == "cell4").then(|| (StationId(4), ha1("cell4", "jail", "secret")))
    }
    fn trunk(&self) -> Option<SocketAddr> {
        None
    }
}

/// A node, its events, its clock, and a telephone made of a bare socket.
struct Bench {
    line: Line,
    events: Receiver<LineEvent>,
    clock: Arc<AtomicI64>,
    phone: UdpSocket,
}

impl Bench {
    /// The telephone is station 1 by its address.
    fn new() -> Self {
        let bench = Self::with(true, |_| {});
        assert_ne!(bench.here().port(), 0);
        bench
    }

    fn with(known: bool, hook: impl Fn(&LineEvent) + Send + Sync + 'static) -> Self {
        Self::with_t1(T1, known, hook)
    }

    fn with_t1(
        t1: Duration,
        known: bool,
        hook: impl Fn(&LineEvent) + Send + Sync + 'static,
    ) -> Self {
        Self::made(t1, known, hook, |_| Network::default())
    }

    /// The telephone is what `network` makes of its address.
    fn with_network(network: impl FnOnce(SocketAddr) -> Network) -> Self {
        Self::made(T1, false, |_| {}, network)
    }

    fn made(
        t1: Duration,
        known: bool,
        hook: impl Fn(&LineEvent) + Send + Sync + 'static,
        network: impl FnOnce(SocketAddr) -> Network,
    ) -> Self {
        let phone = UdpSocket::bind("127.0.0.1:0").unwrap();
        phone.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let station = Mutex::new(Some(phone.local_addr().unwrap()).filter(|_| known));
        let clock = Arc::new(AtomicI64::new(0));
        let read = Arc::clone(&clock);
        let (sender, events) = channel();
        let config = LineConfig {
            bind: "127.0.0.1:0".parse().unwrap(),
            realm: "jail".into(),
            user_agent: "line-test".into(),
            inbound: Inbound::Stations,
            calls_max: 2_000,
            network: network(phone.local_addr().unwrap()),
        };
        let clock_of_line = Clock::new(move || Timestamp::from_micros(read.load(Ordering::SeqCst)));
        let directory = Arc::new(Known { station });
        let line = Line::start_with(t1, config, directory, clock_of_line, move |event| {
            hook(&event);
            drop(sender.send(event));
        });
        Self { line: line.unwrap(), events, clock, phone }
    }

    fn here(&self) -> SocketAddr {
        self.phone.local_addr().unwrap()
    }

    fn event(&self) -> LineEvent {
        self.events.recv_timeout(Duration::from_secs(20)).expect("an event")
    }

    #[track_caller]
    fn no_event(&self) {
        // An OPTIONS that was answered went through the line after everything before it.
        self.send(&self.request("OPTIONS", "probe", 1, ""));
        while !self.receive().contains("CSeq: 1 OPTIONS") {}
        if let Ok(event) = self.events.try_recv() {
            panic!("{event:?}");
        }
    }

    /// Lets time pass, and wakes the line so that it sees.
    fn pass(&self, time: Duration) {
        let micros = i64::try_from(time.as_micros()).unwrap();
        self.clock.fetch_add(micros, Ordering::SeqCst);
        self.line.ring(WireId(u64::MAX));
    }

    fn send(&self, text: &str) {
        self.phone.send_to(text.as_bytes(), self.line.local_address()).unwrap();
    }

    fn receive(&self) -> String {
        let mut buffer = [0; 4_096];
        let (length, _) = self.phone.recv_from(&mut buffer).expect("a datagram");
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    }

    /// The next datagram that begins with `start`.
    #[track_caller]
    fn expect(&self, start: &str) -> String {
        for _ in 0..2_000 {
            let text = self.receive();
            if text.starts_with(start) {
                return text;
            }
        }
        panic!("no `{start}`");
    }

    /// A request that belongs to no dialog yet.
    fn request(&self, method: &str, call: &str, cseq: u32, more: &str) -> String {
        let to = self.line.local_address();
        self.raw(method, &format!("sip:12%23@{to}"), call, cseq, "<sip:12@node>", more)
    }

    fn raw(&self, method: &str, uri: &str, call: &str, cseq: u32, to: &str, more: &str) -> String {
        let here = self.here();
        let (more, body) = more.split_once("\r\n\r\n").unwrap_or((more, ""));
        let more = if more.is_empty() { String::new() } else { format!("{more}\r\n") };
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{call}{cseq}{method}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:cell4@jail>;tag=phone-{call}\r\nTo: {to}\r\n\
             Call-ID: {call}\r\nCSeq: {cseq} {method}\r\nContact: <sip:p@{here}>\r\n{more}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// A call that the line answered and we acknowledged. Gives its wire and its To value.
    fn talk(&self, call: &str) -> (WireId, String) {
        self.send(&self.request("INVITE", call, 1, &sdp(4_000, "")));
        let LineEvent::Incoming { wire, .. } = self.event() else { panic!() };
        self.line.answer(wire, media(5_000));
        let to = header(&self.expect("SIP/2.0 200"), "To");
        self.send(&self.raw("ACK", "sip:x@node", call, 1, &to, ""));
        (wire, to)
    }

    fn within(&self, method: &str, call: &str, cseq: u32, to: &str, more: &str) {
        self.send(&self.raw(method, "sip:x@node", call, cseq, to, more));
    }

    /// The response to `request`, where it has a status, `more` headers and an optional body.
    fn respond(&self, request: &str, status: &str, tag: &str, more: &str) {
        let (more, body) = more.split_once("\r\n\r\n").unwrap_or((more, ""));
        let more = if more.is_empty() { String::new() } else { format!("{more}\r\n") };
        let of = |name| header(request, name);
        let (via, from, to) = (of("Via"), of("From"), of("To"));
        let (call, cseq, here) = (of("Call-ID"), of("CSeq"), self.here());
        self.send(&format!(
            "SIP/2.0 {status}\r\nVia: {via}\r\nFrom: {from}\r\nTo: {to};tag={tag}\r\n\
             Call-ID: {call}\r\nCSeq: {cseq}\r\nContact: <sip:c%20x@{here}>\r\n{more}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ));
    }
}

/// A body with a description, as the end of a message's headers.
fn sdp(port: u16, attributes: &str) -> String {
    format!(
        "Content-Type: application/sdp\r\n\r\nv=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\n\
         c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 8\r\n{attributes}"
    )
}

fn header(message: &str, name: &str) -> String {
    let prefix = format!("{name}: ");
    let line = message.lines().find_map(|line| line.strip_prefix(&prefix));
    line.unwrap_or_else(|| panic!("no {name} in {message}")).to_owned()
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

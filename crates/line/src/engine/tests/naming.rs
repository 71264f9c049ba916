//! Trunks that are known by a name, against a name server of the test.

use super::*;
use crate::limits::{RESOLVE_AGAIN, RESOLVE_EVERY};
use crate::{TrunkConfig, TrunkName};
use domain::base::iana::Rcode;
use domain::base::message_builder::AdditionalBuilder;
use domain::base::{Message, MessageBuilder, Name, Rtype};
use domain::rdata::{A, Srv};
use model::{E164, TrunkId};
use std::collections::BTreeMap;

/// The ports of a domain's servers, by their order; a domain that is not there is not known.
type Records = Arc<Mutex<BTreeMap<String, Vec<u16>>>>;

/// Answers about `_sip._udp` of the domains in its records. Their hosts are all 127.0.0.1.
fn name_server(records: &Records) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let records = Arc::clone(records);
    // It ends with the test's process.
    std::thread::spawn(move || {
        let mut buffer = [0; 2_000];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let asked = Message::from_octets(buffer[..length].to_vec()).unwrap();
            let _ = socket.send_to(&answer(&asked, &records).finish(), from);
        }
    });
    address
}

fn answer(asked: &Message<Vec<u8>>, records: &Records) -> AdditionalBuilder<Vec<u8>> {
    let question = asked.sole_question().unwrap();
    let name = question.qname().to_string();
    let builder = MessageBuilder::new_vec();
    let mut answer = builder.start_answer(asked, Rcode::NOERROR).unwrap();
    if question.qtype() == Rtype::SRV {
        let records = records.lock().unwrap();
        let domain = name.strip_prefix("_sip._udp.").unwrap();
        for (order, port) in (1..).zip(records.get(domain).into_iter().flatten()) {
            let host: Name<Vec<u8>> = format!("host{order}.{domain}").parse().unwrap();
            answer.push((question.qname(), 60, Srv::new(order, 1, *port, host))).unwrap();
        }
    } else if question.qtype() == Rtype::A && name.starts_with("host") {
        answer.push((question.qname(), 60, A::from_octets(127, 0, 0, 1))).unwrap();
    }
    answer.additional()
}

/// A line with one trunk of this name.
fn named(name: TrunkName, server: Option<SocketAddr>) -> Bench {
    Bench::with_network(|address| Network {
        trunks: vec![TrunkConfig {
            name: Some(name),
            // Nothing may go there.
            ..TrunkConfig::plain(TrunkId(1), address)
        }],
        name_server: server,
        ..Network::default()
    })
}

fn services(records: &Records) -> Bench {
    let domain = "carrier.example".to_owned();
    named(TrunkName::Services { domain }, Some(name_server(records)))
}

fn socket() -> (UdpSocket, u16) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

fn receive(socket: &UdpSocket) -> String {
    let mut buffer = [0; 4_096];
    let (length, _) = socket.recv_from(&mut buffer).expect("a datagram");
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

impl Bench {
    fn up(&self) {
        let event = self.event();
        assert!(matches!(event, LineEvent::Trunk { up: true, .. }), "{event:?}");
    }

    fn call_out(&self) -> WireId {
        let number = E164::new(12_025_550_142).unwrap();
        self.line.dial(Target::Trunk { number }, "+12025550100".to_owned(), media(5_000))
    }

    /// Waits until so many look-ups found nothing.
    fn unknown(&self, count: u64) {
        for _ in 0..2_000 {
            if self.line.counts().unknown_names >= count {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
        panic!("{:?}", self.line.counts());
    }
}

#[test]
fn a_host_is_looked_up_by_the_system_and_named_in_uris() {
    let (carrier, port) = socket();
    let bench = named(TrunkName::Host { host: "localhost".to_owned(), port }, None);
    bench.up();
    bench.call_out();
    let invite = receive(&carrier);
    let uri = format!("INVITE sip:+12025550142@localhost:{port};user=phone SIP/2.0\r\n");
    assert!(invite.starts_with(&uri), "{invite}");
    assert!(matches!(bench.event(), LineEvent::Dialled { .. }));
}

#[test]
fn servers_are_tried_in_the_order_of_their_records() {
    let ((first, one), (second, two)) = (socket(), socket());
    let records = Records::default();
    records.lock().unwrap().insert("carrier.example".to_owned(), vec![one, two]);
    let bench = services(&records);
    bench.up();
    bench.call_out();
    let invite = receive(&first);
    assert!(invite.starts_with("INVITE sip:+12025550142@carrier.example;user=phone SIP/2.0"));
    assert!(matches!(bench.event(), LineEvent::Dialled { .. }));
    let (via, call, cseq) = (header(&invite, "Via"), header(&invite, "Call-ID"), "1 INVITE");
    let (from, to) = (header(&invite, "From"), header(&invite, "To"));
    let refusal = format!(
        "SIP/2.0 503 No\r\nVia: {via}\r\nFrom: {from}\r\nTo: {to};tag=t\r\nCall-ID: {call}\r\n\
         CSeq: {cseq}\r\nContent-Length: 0\r\n\r\n"
    );
    first.send_to(refusal.as_bytes(), bench.line.local_address()).unwrap();
    assert!(receive(&second).starts_with("INVITE sip:+12025550142@carrier.example"));
    assert!(matches!(bench.event(), LineEvent::Dialled { .. }));
    assert_eq!(bench.line.counts().failed_over, 1);
    // It does not rest, and the next call goes where the last one got to.
    bench.call_out();
    assert!(matches!(bench.event(), LineEvent::Dialled { .. }));
    while !receive(&second).starts_with("INVITE ") {}
}

#[test]
fn a_name_that_moves_is_followed_and_one_that_is_gone_is_used_on() {
    let ((old, one), (new, two)) = (socket(), socket());
    let records = Records::default();
    let domain = || "carrier.example".to_owned();
    records.lock().unwrap().insert(domain(), vec![one]);
    let bench = services(&records);
    bench.up();
    // Nobody knows it any more.
    records.lock().unwrap().clear();
    bench.pass(RESOLVE_EVERY);
    bench.unknown(1);
    bench.call_out();
    assert!(receive(&old).starts_with("INVITE "));
    assert!(matches!(bench.event(), LineEvent::Dialled { .. }));
    // It is elsewhere; who looks again finds it.
    records.lock().unwrap().insert(domain(), vec![two]);
    bench.pass(RESOLVE_AGAIN);
    new.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let mut buffer = [0; 4_096];
    for _ in 0..400 {
        bench.call_out();
        if new.recv_from(&mut buffer).is_ok() {
            assert!(buffer.starts_with(b"INVITE "));
            return;
        }
    }
    panic!("it is still looked for where it was");
}

#[test]
fn while_a_name_is_not_known_its_trunk_takes_no_call() {
    let records = Records::default();
    let bench = services(&records);
    bench.unknown(1);
    let wire = bench.call_out();
    let event = bench.event();
    assert!(
        matches!(event, LineEvent::Failed { wire: of, status: 503, .. } if of == wire),
        "{event:?}"
    );
    let (carrier, port) = socket();
    records.lock().unwrap().insert("carrier.example".to_owned(), vec![port]);
    bench.pass(RESOLVE_AGAIN);
    bench.up();
    bench.call_out();
    assert!(receive(&carrier).starts_with("INVITE "));
}

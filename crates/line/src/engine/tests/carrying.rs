//! Calls through trunks, against a socket that plays the carrier.

use super::*;
use crate::{Cause, NumberForm, NumberFormat, TrunkAccount, TrunkConfig};
use model::{E164, TrunkId};

fn trunk(id: u16, address: SocketAddr) -> TrunkConfig {
    TrunkConfig { order: id, ..TrunkConfig::plain(TrunkId(id), address) }
}

fn account(register: bool) -> TrunkAccount {
    TrunkAccount {
        user: "county".to_owned(),
        password: Private::new("secret".to_owned()),
        register,
        expires: Duration::from_secs(600),
    }
}

impl Bench {
    fn one(config: impl FnOnce(TrunkConfig) -> TrunkConfig) -> Self {
        Self::with_network(|address| Network {
            trunks: vec![config(trunk(1, address))],
            ..Network::default()
        })
    }

    /// Two trunks: the telephone first, then the socket that comes along.
    fn two() -> (Self, UdpSocket) {
        let second = UdpSocket::bind("127.0.0.1:0").unwrap();
        second.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let address = second.local_addr().unwrap();
        let bench = Self::with_network(|first| Network {
            trunks: vec![trunk(1, first), trunk(2, address)],
            ..Network::default()
        });
        (bench, second)
    }

    fn call(&self) -> WireId {
        let number = E164::new(12_025_550_142).unwrap();
        self.line.dial(Target::Trunk { number }, "+12025550100".to_owned(), media(5_000))
    }

    #[track_caller]
    fn dialled(&self, expected: u16) {
        let event = self.event();
        let LineEvent::Dialled { trunk, .. } = event else { panic!("{event:?}") };
        assert_eq!(trunk, TrunkId(expected));
    }

    /// The carrier says that it tries, and the line has taken note: what came later was answered.
    #[track_caller]
    fn tries(&self, invite: &str) {
        self.respond(invite, "100 Trying", "t", "");
        self.no_event();
        self.no_event();
    }

    /// Lets the node act on the time that has passed.
    fn wake(&self, time: Duration) {
        self.pass(time);
    }
}

fn receive(socket: &UdpSocket) -> String {
    let mut buffer = [0; 4_096];
    let (length, _) = socket.recv_from(&mut buffer).expect("a datagram");
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

#[test]
fn numbers_identity_and_addresses_are_as_the_trunk_wants_them() {
    let national = NumberForm::National { country: "1".to_owned(), abroad: "011".to_owned() };
    let bench = Bench::one(|plain| TrunkConfig {
        domain: Some("carrier.example".to_owned()),
        public: Some("203.0.113.7".parse().unwrap()),
        numbers: NumberFormat { form: national, strip: 0, prefix: "8".to_owned() },
        asserted: true,
        ..plain
    });
    bench.call();
    let invite = bench.expect("INVITE sip:82025550142@carrier.example;user=phone ");
    bench.dialled(1);
    let port = bench.line.local_address().port();
    assert!(header(&invite, "Via").starts_with(&format!("SIP/2.0/UDP 203.0.113.7:{port};")));
    assert_eq!(header(&invite, "Contact"), format!("<sip:203.0.113.7:{port}>"));
    assert!(header(&invite, "From").starts_with("<sip:82025550100@carrier.example>;tag="));
    let asserted = header(&invite, "P-Asserted-Identity");
    assert_eq!(asserted, "<sip:82025550100@carrier.example;user=phone>");
    assert!(invite.contains("c=IN IP4 203.0.113.7\r\n") && invite.contains("m=audio 5000 "));
    // What we agree to locally is our own address.
    bench.respond(&invite, "200 OK", "t", &sdp(4_000, ""));
    let event = bench.event();
    assert!(matches!(event, LineEvent::Answered { .. }), "{event:?}");
}

#[test]
fn a_trunk_at_fault_is_passed_over_before_anything_rang() {
    for status in ["500 Server Error", "503 Service Unavailable", "408 Request Timeout"] {
        let (bench, second) = Bench::two();
        let wire = bench.call();
        let invite = bench.expect("INVITE ");
        bench.dialled(1);
        bench.respond(&invite, "100 Trying", "t", "");
        bench.respond(&invite, status, "t", "");
        assert!(receive(&second).starts_with("INVITE "));
        bench.dialled(2);
        assert_eq!(bench.line.counts().failed_over, 1);
        // The next call goes to the second at once, while the first one rests.
        bench.line.hang_up(wire);
        bench.call();
        bench.dialled(2);
        bench.pass(crate::limits::REST);
        bench.call();
        bench.dialled(1);
    }
}

#[test]
fn what_the_called_party_said_is_no_reason_to_try_another_trunk() {
    for status in [486, 600, 603, 404, 403, 302] {
        let (bench, _second) = Bench::two();
        bench.call();
        let invite = bench.expect("INVITE ");
        bench.dialled(1);
        bench.respond(&invite, &format!("{status} No"), "t", "");
        let event = bench.event();
        assert!(matches!(event, LineEvent::Failed { status: s, .. } if s == status), "{event:?}");
    }
}

#[test]
fn what_the_network_said_of_the_called_party_is_told_and_no_other_trunk_is_tried() {
    let (bench, _second) = Bench::two();
    for (status, reason, expected) in [
        ("503 Service Unavailable", "Q.850;cause=17;text=\"User busy\"", Cause::Busy),
        ("500 Server Error", "SIP;cause=500, Q.850;cause=19", Cause::NoAnswer),
        ("480 Temporarily Unavailable", "Q.850;cause=1", Cause::Unallocated),
        ("404 Not Found", "Q.850 ;cause=34", Cause::Network),
    ] {
        bench.call();
        let invite = bench.expect("INVITE ");
        bench.dialled(1);
        bench.respond(&invite, status, "t", &format!("Reason: {reason}"));
        let event = bench.event();
        let LineEvent::Failed { status: told, cause, .. } = event else { panic!("{event:?}") };
        assert_eq!((told, cause), (status[..3].parse().unwrap(), Some(expected)));
    }
    assert_eq!(bench.line.counts().failed_over, 0);
}

#[test]
fn a_fault_of_the_network_is_tried_elsewhere_and_told_when_there_is_nowhere_else() {
    let (bench, second) = Bench::two();
    bench.call();
    let invite = bench.expect("INVITE ");
    bench.dialled(1);
    bench.respond(&invite, "503 Service Unavailable", "t", "Reason: Q.850;cause=34");
    let other = receive(&second);
    bench.dialled(2);
    let here = second.local_addr().unwrap();
    let answer = answer_to(&other, "500 Server Error", here, "Reason: Q.850;cause=38\r\n\r\n");
    second.send_to(answer.as_bytes(), bench.line.local_address()).unwrap();
    let event = bench.event();
    let LineEvent::Failed { status: 500, cause, .. } = event else { panic!("{event:?}") };
    assert_eq!(cause, Some(Cause::Network));
}

#[test]
fn a_trunk_that_only_tries_is_given_up_and_cancelled() {
    let (bench, second) = Bench::two();
    bench.call();
    let invite = bench.expect("INVITE ");
    bench.dialled(1);
    bench.tries(&invite);
    bench.pass(crate::limits::TRUNK_SILENT_MAX);
    bench.no_event();
    bench.pass(crate::limits::TRYING_MAX);
    let other = receive(&second);
    assert!(other.starts_with("INVITE "));
    bench.dialled(2);
    let cancel = bench.expect("CANCEL ");
    for name in ["Via", "From", "To", "Call-ID"] {
        assert_eq!(header(&cancel, name), header(&invite, name));
    }
    assert_eq!(header(&cancel, "CSeq"), "1 CANCEL");
    bench.respond(&cancel, "200 OK", "t", "");
    bench.respond(&invite, "487 Request Terminated", "t", "");
    assert!(header(&bench.expect("ACK "), "To").ends_with(";tag=t"));
    // The call is where it was, and the next one goes there too while the first trunk rests.
    let here = second.local_addr().unwrap();
    let answer = answer_to(&other, "200 OK", here, &sdp(4_000, ""));
    second.send_to(answer.as_bytes(), bench.line.local_address()).unwrap();
    let event = bench.event();
    assert!(matches!(event, LineEvent::Answered { .. }), "{event:?}");
    bench.call();
    bench.dialled(2);
    assert_eq!(bench.line.counts().failed_over, 1);
}

/// Nothing is kept for ever of an INVITE whose carrier answers its CANCEL neither.
#[test]
fn a_trunk_that_answers_no_cancel_is_forgotten_and_one_that_answers_too_late_is_hung_up_on() {
    for late in [false, true] {
        let (bench, second) = Bench::two();
        bench.call();
        let invite = bench.expect("INVITE ");
        bench.dialled(1);
        bench.tries(&invite);
        bench.pass(crate::limits::TRYING_MAX);
        assert!(receive(&second).starts_with("INVITE "));
        bench.dialled(2);
        bench.expect("CANCEL ");
        if !late {
            // Its 200 crosses the CANCEL.
            bench.respond(&invite, "200 OK", "t", &sdp(4_000, ""));
            assert!(header(&bench.expect("ACK "), "To").ends_with(";tag=t"));
            assert!(header(&bench.expect("BYE "), "To").ends_with(";tag=t"));
            continue;
        }
        bench.pass(crate::limits::CANCEL_MAX);
        bench.no_event();
        bench.respond(&invite, "200 OK", "t", &sdp(4_000, ""));
        bench.no_event();
    }
}

#[test]
fn a_call_that_rings_or_has_nowhere_else_to_go_is_waited_for() {
    let (bench, _second) = Bench::two();
    bench.call();
    let invite = bench.expect("INVITE ");
    bench.dialled(1);
    bench.respond(&invite, "100 Trying", "t", "");
    bench.respond(&invite, "180 Ringing", "t", "");
    assert!(matches!(bench.event(), LineEvent::Ringing { .. }));
    bench.pass(crate::limits::TRYING_MAX * 2);
    bench.no_event();
    let bench = Bench::one(|plain| plain);
    bench.call();
    let invite = bench.expect("INVITE ");
    bench.dialled(1);
    bench.tries(&invite);
    bench.pass(crate::limits::TRYING_MAX);
    bench.no_event();
    bench.respond(&invite, "180 Ringing", "t", "");
    assert!(matches!(bench.event(), LineEvent::Ringing { .. }));
    bench.pass(crate::limits::DIALLING_MAX);
    assert!(matches!(bench.event(), LineEvent::Failed { status: 408, .. }));
    bench.expect("CANCEL ");
}

#[test]
fn a_call_that_rang_stays_where_it_is() {
    let (bench, _second) = Bench::two();
    bench.call();
    let invite = bench.expect("INVITE ");
    bench.dialled(1);
    bench.respond(&invite, "183 Session Progress", "t", "");
    assert!(matches!(bench.event(), LineEvent::Ringing { .. }));
    bench.respond(&invite, "503 Service Unavailable", "t", "");
    assert!(matches!(bench.event(), LineEvent::Failed { status: 503, .. }));
}

#[test]
fn a_silent_trunk_is_given_up_and_what_it_says_later_is_taken_back() {
    let (bench, second) = Bench::two();
    bench.call();
    let invite = bench.expect("INVITE ");
    bench.dialled(1);
    bench.wake(crate::limits::TRUNK_SILENT_MAX);
    let other = receive(&second);
    assert!(other.starts_with("INVITE "));
    bench.dialled(2);
    // Now the first one wakes up, and even answers although it was cancelled.
    bench.respond(&invite, "180 Ringing", "late", "");
    let cancel = bench.expect("CANCEL ");
    assert_eq!(header(&cancel, "Via"), header(&invite, "Via"));
    bench.respond(&invite, "200 OK", "late", &sdp(4_000, ""));
    assert!(header(&bench.expect("ACK "), "To").ends_with(";tag=late"));
    assert!(header(&bench.expect("BYE "), "To").ends_with(";tag=late"));
    // The call itself is where it was.
    let answer = answer_to(&other, "200 OK", second.local_addr().unwrap(), &sdp(4_000, ""));
    second.send_to(answer.as_bytes(), bench.line.local_address()).unwrap();
    let event = bench.event();
    assert!(matches!(event, LineEvent::Answered { .. }), "{event:?}");
}

/// As [`Bench::respond`], from another socket.
fn answer_to(request: &str, status: &str, here: SocketAddr, more: &str) -> String {
    let (more, body) = more.split_once("\r\n\r\n").unwrap_or((more, ""));
    let of = |name| header(request, name);
    let (via, from, to, call, cseq) = (of("Via"), of("From"), of("To"), of("Call-ID"), of("CSeq"));
    format!(
        "SIP/2.0 {status}\r\nVia: {via}\r\nFrom: {from}\r\nTo: {to};tag=other\r\nCall-ID: {call}\r\n\
         CSeq: {cseq}\r\nContact: <sip:{here}>\r\n{more}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn a_challenge_is_answered_once() {
    let bench = Bench::one(|plain| TrunkConfig { account: Some(account(false)), ..plain });
    let challenge = "Proxy-Authenticate: Digest realm=\"carrier\", nonce=\"abc\", qop=\"auth\"";
    bench.call();
    let first = bench.expect("INVITE ");
    bench.dialled(1);
    bench.respond(&first, "407 Proxy Authentication Required", "t", challenge);
    bench.expect("ACK ");
    let second = bench.expect("INVITE ");
    assert_eq!(header(&second, "CSeq"), "2 INVITE");
    assert_eq!(header(&second, "Call-ID"), header(&first, "Call-ID"));
    let answer = header(&second, "Proxy-Authorization");
    assert!(answer.starts_with("Digest username=\"county\", realm=\"carrier\", nonce=\"abc\""));
    assert!(!second.contains("secret"));
    // A challenge again means that the password is wrong.
    bench.respond(&second, "407 Proxy Authentication Required", "t", challenge);
    let event = bench.event();
    assert!(matches!(event, LineEvent::Failed { status: 407, .. }), "{event:?}");
}

#[test]
fn an_account_registers_renews_and_leaves() {
    let bench = Bench::one(|plain| TrunkConfig {
        domain: Some("carrier.example".to_owned()),
        account: Some(account(true)),
        ..plain
    });
    let here = bench.line.local_address();
    let first = bench.expect("REGISTER sip:carrier.example SIP/2.0");
    assert_eq!(header(&first, "Expires"), "600");
    assert_eq!(header(&first, "Contact"), format!("<sip:county@{here}>"));
    let challenge =
        "WWW-Authenticate: Digest realm=\"c\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"";
    bench.respond(&first, "401 Unauthorized", "t", challenge);
    let second = bench.expect("REGISTER ");
    assert_eq!(header(&second, "CSeq"), "2 REGISTER");
    assert!(header(&second, "Authorization").contains("algorithm=SHA-256"));
    // Our own contact comes last and counts; the node is reachable from now on.
    bench.respond(&second, "200 OK", "t", "Expires: 100");
    let event = bench.event();
    assert!(matches!(event, LineEvent::Trunk { up: true, .. }), "{event:?}");
    bench.wake(Duration::from_secs(80));
    let third = bench.expect("REGISTER ");
    // The carrier is out of order for a while: asked again later and later.
    bench.respond(&third, "500 Out of order", "t", "");
    assert!(matches!(bench.event(), LineEvent::Trunk { up: false, .. }));
    bench.wake(Duration::from_secs(30));
    let fourth = bench.expect("REGISTER ");
    bench.respond(&fourth, "200 OK", "t", "");
    assert!(matches!(bench.event(), LineEvent::Trunk { up: true, .. }));
    bench.line.stop();
    assert_eq!(header(&bench.expect("REGISTER "), "Expires"), "0");
}

#[test]
fn a_trunk_that_does_not_answer_options_is_down_until_it_does() {
    let every = Some(Duration::from_secs(30));
    let bench = Bench::one(|plain| TrunkConfig { probe_every: every, ..plain });
    let first = bench.expect("OPTIONS ");
    bench.wake(crate::limits::PROBE_MAX);
    assert!(matches!(bench.event(), LineEvent::Trunk { up: false, .. }));
    // Late is better than never, and 404 is an answer too.
    bench.respond(&first, "404 Not Found", "t", "");
    assert!(matches!(bench.event(), LineEvent::Trunk { up: true, .. }));
    bench.wake(Duration::from_secs(30));
    let mut second = bench.expect("OPTIONS ");
    while header(&second, "Call-ID") == header(&first, "Call-ID") {
        second = bench.expect("OPTIONS ");
    }
    bench.respond(&second, "503 Service Unavailable", "t", "");
    assert!(matches!(bench.event(), LineEvent::Trunk { up: false, .. }));
}

/// The carrier said nothing for as long as the INVITE was sent, and wakes up after that.
#[test]
fn what_a_trunk_says_after_its_time_is_taken_back() {
    let late = || {
        let bench = Bench::made(
            Duration::from_millis(4),
            false,
            |_| {},
            |address| Network { trunks: vec![trunk(1, address)], ..Network::default() },
        );
        bench.call();
        let invite = bench.expect("INVITE ");
        bench.dialled(1);
        let event = bench.event();
        assert!(matches!(event, LineEvent::Failed { status: 408, .. }), "{event:?}");
        (bench, invite)
    };
    let (bench, invite) = late();
    bench.respond(&invite, "180 Ringing", "t", "");
    let cancel = bench.expect("CANCEL ");
    assert_eq!(header(&cancel, "Via"), header(&invite, "Via"));
    // It had been answered meanwhile.
    bench.respond(&invite, "200 OK", "t", &sdp(4_000, ""));
    let ack = bench.expect("ACK ");
    assert!(header(&ack, "To").ends_with(";tag=t"), "{ack}");
    bench.expect("BYE ");

    let (bench, invite) = late();
    bench.respond(&invite, "200 OK", "t", &sdp(4_000, ""));
    bench.expect("ACK ");
    bench.expect("BYE ");
    // Nobody waits for ever.
    let (bench, invite) = late();
    bench.pass(crate::limits::CANCEL_MAX);
    bench.no_event();
    bench.respond(&invite, "180 Ringing", "t", "");
    bench.send(&bench.request("OPTIONS", "last", 1, ""));
    loop {
        let text = bench.receive();
        assert!(!text.starts_with("CANCEL "), "{text}");
        if text.contains("Call-ID: last") {
            break;
        }
    }
}

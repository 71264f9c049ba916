//! What the line does as a caller.

use super::*;

impl Bench {
    /// Dials the telephone. Gives the wire and the INVITE that arrives.
    fn dial(&self) -> (WireId, String) {
        let target =
            Target::Address { address: self.here(), user: Private::new("+12025550142".to_owned()) };
        let wire = self.line.dial(target, "+12025550100".into(), media(5_000));
        (wire, self.expect("INVITE"))
    }
}

#[test]
fn an_invite_says_who_calls_whom() {
    let bench = Bench::new();
    let (_, invite) = bench.dial();
    let (here, node) = (bench.here(), bench.line.local_address());
    assert!(invite.starts_with(&format!("INVITE sip:+12025550142@{here} SIP/2.0\r\n")), "{invite}");
    assert_eq!(header(&invite, "To"), format!("<sip:+12025550142@{here}>"));
    assert!(header(&invite, "From").starts_with(&format!("<sip:+12025550100@{node}>;tag=")));
    assert_eq!(header(&invite, "Contact"), format!("<sip:{node}>"));
    assert!(invite.contains("m=audio 5000 RTP/AVP 0 8 101\r\n"));
}

#[test]
fn early_media_is_never_told_and_an_answer_is_acknowledged_each_time() {
    let bench = Bench::new();
    let (wire, invite) = bench.dial();
    bench.respond(&invite, "100 Trying", "t", "");
    bench.respond(&invite, "183 Session Progress", "t", &sdp(6_000, ""));
    bench.respond(&invite, "180 Ringing", "t", "");
    assert!(matches!(bench.event(), LineEvent::Ringing { .. }));
    bench.respond(&invite, "200 OK", "t", &sdp(6_002, ""));
    let LineEvent::Answered { wire: answered, answer, .. } = bench.event() else { panic!() };
    assert_eq!((answered, answer.address.port()), (wire, 6_002));
    let ack = bench.expect("ACK");
    // The Contact is the request URI exactly as it was written.
    assert!(ack.starts_with(&format!("ACK sip:c%20x@{} SIP/2.0", bench.here())), "{ack}");
    assert_eq!(header(&ack, "CSeq"), "1 ACK");
    bench.respond(&invite, "200 OK", "t", &sdp(6_002, ""));
    assert_eq!(bench.expect("ACK"), ack);
    bench.no_event();
}

#[test]
fn a_second_branch_of_a_forked_call_is_hung_up_on() {
    let bench = Bench::new();
    let (wire, invite) = bench.dial();
    bench.respond(&invite, "200 OK", "first", &sdp(6_000, ""));
    assert!(matches!(bench.event(), LineEvent::Answered { .. }));
    bench.expect("ACK");
    bench.respond(&invite, "200 OK", "second", &sdp(6_002, ""));
    assert!(header(&bench.expect("ACK"), "To").ends_with(";tag=second"));
    let bye = bench.expect("BYE");
    assert!(header(&bye, "To").ends_with(";tag=second"));
    bench.respond(&bye, "200 OK", "second", "");
    bench.no_event();
    bench.line.hang_up(wire);
    assert!(header(&bench.expect("BYE"), "To").ends_with(";tag=first"));
}

#[test]
fn a_call_that_was_sent_on_is_told_once_and_goes_on() {
    let bench = Bench::new();
    let (wire, invite) = bench.dial();
    bench.respond(&invite, "180 Ringing", "t", "");
    assert!(matches!(bench.event(), LineEvent::Ringing { .. }));
    let diversion = "Diversion: <sip:+12025550142@carrier.example>;reason=no-answer";
    bench.respond(&invite, "183 Session Progress", "t", diversion);
    assert!(matches!(bench.event(), LineEvent::Forwarded { wire: told } if told == wire));
    bench.respond(&invite, "181 Call Is Being Forwarded", "t", "");
    let answer = format!("{diversion}\r\n{}", sdp(6_000, ""));
    bench.respond(&invite, "200 OK", "t", &answer);
    assert!(matches!(bench.event(), LineEvent::Answered { .. }));
    bench.expect("ACK");
    bench.no_event();
}

#[test]
fn an_answer_that_was_sent_on_is_told_of_first() {
    let bench = Bench::new();
    let (_, invite) = bench.dial();
    let history = "History-Info: <sip:c@192.0.2.9>;index=1, <sip:d@192.0.2.9>;index=1.1;mp=1";
    bench.respond(&invite, "200 OK", "t", &format!("{history}\r\n{}", sdp(6_000, "")));
    assert!(matches!(bench.event(), LineEvent::Forwarded { .. }));
    assert!(matches!(bench.event(), LineEvent::Answered { .. }));
    bench.expect("ACK");
    bench.no_event();
}

#[test]
fn a_redirection_is_never_followed() {
    let bench = Bench::new();
    let (_, invite) = bench.dial();
    bench.respond(&invite, "302 Moved Temporarily", "t", "");
    assert!(matches!(bench.event(), LineEvent::Failed { status: 302, .. }));
    bench.expect("ACK");
    assert_eq!(bench.line.counts().refused_redirect, 1);
    bench.no_event();
}

#[test]
fn an_answer_that_makes_no_sense_is_hung_up_on() {
    let bench = Bench::new();
    let g729 = sdp(6_000, "").replace("0 8", "18");
    for body in ["", "Content-Type: text/plain\r\n\r\nv=0", g729.as_str()] {
        let (_, invite) = bench.dial();
        bench.respond(&invite, "200 OK", "t", body);
        bench.expect("ACK");
        let bye = bench.expect("BYE");
        bench.respond(&bye, "200 OK", "t", "");
        assert!(matches!(bench.event(), LineEvent::Failed { status: 488, .. }));
    }
}

#[test]
fn a_cancel_waits_for_a_provisional_response() {
    let bench = Bench::new();
    let (wire, invite) = bench.dial();
    bench.line.hang_up(wire);
    bench.respond(&invite, "100 Trying", "t", "");
    let cancel = bench.expect("CANCEL");
    assert_eq!(header(&cancel, "Via"), header(&invite, "Via"));
    assert_eq!(header(&cancel, "CSeq"), "1 CANCEL");
    bench.respond(&cancel, "200 OK", "t", "");
    bench.respond(&invite, "487 Request Terminated", "t", "");
    bench.expect("ACK");
    bench.no_event();
}

#[test]
fn a_200_that_crosses_our_cancel_is_hung_up_on() {
    let bench = Bench::new();
    let (wire, invite) = bench.dial();
    bench.respond(&invite, "180 Ringing", "t", "");
    assert!(matches!(bench.event(), LineEvent::Ringing { .. }));
    bench.line.hang_up(wire);
    let cancel = bench.expect("CANCEL");
    bench.respond(&invite, "200 OK", "t", &sdp(6_000, ""));
    bench.respond(&cancel, "200 OK", "t", "");
    bench.expect("ACK");
    let bye = bench.expect("BYE");
    assert_eq!(header(&bye, "CSeq"), "2 BYE");
    bench.no_event();
}

#[test]
fn a_call_does_not_ring_for_ever() {
    let bench = Bench::new();
    let (_, invite) = bench.dial();
    bench.respond(&invite, "180 Ringing", "t", "");
    assert!(matches!(bench.event(), LineEvent::Ringing { .. }));
    bench.pass(Duration::from_secs(180));
    assert!(matches!(bench.event(), LineEvent::Failed { status: 408, .. }));
    let cancel = bench.expect("CANCEL");
    bench.respond(&cancel, "200 OK", "t", "");
    // The other end never ends its INVITE: after a while it is forgotten.
    bench.pass(Duration::from_secs(32));
    bench.no_event();
}

#[test]
fn requests_follow_the_recorded_route() {
    let bench = Bench::new();
    let (wire, invite) = bench.dial();
    let here = bench.here();
    let routes = format!("Record-Route: <sip:192.0.2.9;lr>, <sip:{here};lr>\r\n{}", sdp(6_000, ""));
    bench.respond(&invite, "200 OK", "t", &routes);
    assert!(matches!(bench.event(), LineEvent::Answered { .. }));
    bench.line.hang_up(wire);
    let bye = bench.expect("BYE");
    let routes: Vec<_> = bye.lines().filter(|line| line.starts_with("Route: ")).collect();
    assert_eq!(routes, [format!("Route: <sip:{here};lr>").as_str(), "Route: <sip:192.0.2.9;lr>"]);
}

#[test]
fn the_other_end_of_a_dialled_call_hangs_up() {
    let bench = Bench::new();
    let (wire, invite) = bench.dial();
    bench.respond(&invite, "200 OK", "t", &sdp(6_000, ""));
    assert!(matches!(bench.event(), LineEvent::Answered { .. }));
    let call = header(&invite, "Call-ID");
    let (from, to) = (header(&invite, "From"), header(&invite, "To"));
    let bye = bench.raw("BYE", "sip:x@node", &call, 1, &from, "");
    bench.send(&bye.replace(&format!("<sip:cell4@jail>;tag=phone-{call}"), &format!("{to};tag=t")));
    assert!(matches!(bench.event(), LineEvent::HungUp { wire: ended } if ended == wire));
}

#[test]
fn a_called_end_that_says_nothing_fails_with_408() {
    let bench = Bench::with_t1(Duration::from_millis(5), true, |_| {});
    let (wire, invite) = bench.dial();
    assert_eq!(bench.expect("INVITE"), invite);
    let LineEvent::Failed { wire: failed, status, .. } = bench.event() else { panic!() };
    assert_eq!((failed, status), (wire, 408));
}

#[test]
fn a_line_that_stops_takes_back_a_call_that_begins_to_ring_just_then() {
    let bench = Bench::new();
    let (_, invite) = bench.dial();
    let stopping = std::thread::spawn({
        let line = bench.line.clone();
        move || line.stop()
    });
    // New calls are refused once it stops.
    for index in 0.. {
        bench.send(&bench.request("INVITE", &format!("late{index}"), 1, &sdp(4_000, "")));
        if bench.expect("SIP/2.0").starts_with("SIP/2.0 503") {
            break;
        }
    }
    bench.respond(&invite, "180 Ringing", "there", "");
    bench.expect("CANCEL");
    stopping.join().unwrap();
}

//! Session timers, reliable provisional responses, and offers that collide.

use super::*;
use crate::TrunkConfig;
use model::{E164, TrunkId};

const TIMER: &str = "Supported: timer\r\nAllow: INVITE, ACK, BYE, UPDATE";

impl Bench {
    /// A call of ours through a trunk that the telephone answers with these headers.
    fn lasting(more: &str) -> (Self, WireId, String) {
        let bench = Self::with_network(|address| Network {
            trunks: vec![TrunkConfig::plain(TrunkId(1), address)],
            ..Network::default()
        });
        let number = E164::new(12_025_550_142).unwrap();
        let target = Target::Trunk { number };
        let wire = bench.line.dial(target, "+12025550100".to_owned(), media(5_000));
        let invite = bench.expect("INVITE ");
        assert!(matches!(bench.event(), LineEvent::Dialled { .. }));
        assert_eq!(header(&invite, "Session-Expires"), "1800");
        assert!(header(&invite, "Supported").contains("timer, 100rel"));
        bench.respond(&invite, "200 OK", "t", &format!("{more}\r\n{}", sdp(4_000, "")));
        assert!(matches!(bench.event(), LineEvent::Answered { .. }));
        bench.expect("ACK ");
        (bench, wire, invite)
    }

    /// A request of the telephone within a call that the node began with `invite`.
    fn inside(&self, invite: &str, method: &str, cseq: u32, more: &str) {
        let (from, to) = (header(invite, "To"), header(invite, "From"));
        let (call, here) = (header(invite, "Call-ID"), self.here());
        let (more, body) = more.split_once("\r\n\r\n").unwrap_or((more, ""));
        let more = if more.is_empty() { String::new() } else { format!("{more}\r\n") };
        self.send(&format!(
            "{method} sip:x@node SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKi{cseq}{method}\r\n\
             From: {from};tag=t\r\nTo: {to}\r\nCall-ID: {call}\r\nCSeq: {cseq} {method}\r\n\
             Contact: <sip:p@{here}>\r\n{more}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ));
    }
}

#[test]
fn we_refresh_by_update_and_hang_up_when_nobody_knows_the_call() {
    let timed = format!("{TIMER}\r\nSession-Expires: 200;refresher=uac");
    let (bench, _, _) = Bench::lasting(&timed);
    bench.pass(Duration::from_secs(100));
    let update = bench.expect("UPDATE ");
    assert_eq!(header(&update, "Session-Expires"), "200;refresher=uac");
    bench.respond(&update, "200 OK", "", "Session-Expires: 200;refresher=uac");
    bench.no_event();
    bench.pass(Duration::from_secs(99));
    bench.no_event();
    bench.pass(Duration::from_secs(1));
    let second = bench.expect("UPDATE ");
    assert_ne!(header(&second, "CSeq"), header(&update, "CSeq"));
    bench.respond(&second, "481 Call Does Not Exist", "", "");
    assert!(matches!(bench.event(), LineEvent::HungUp { .. }));
    assert_eq!(bench.line.counts().lost_session, 1);
}

#[test]
fn we_refresh_by_invite_where_update_is_not_known_and_give_way_when_offers_collide() {
    let timed = "Supported: timer\r\nSession-Expires: 200;refresher=uac";
    let (bench, wire, invite) = Bench::lasting(timed);
    bench.pass(Duration::from_secs(100));
    let again = bench.expect("INVITE ");
    assert_eq!(header(&again, "Call-ID"), header(&invite, "Call-ID"));
    assert_eq!(header(&again, "CSeq"), "2 INVITE");
    let version = |text: &str| text.lines().find(|l| l.starts_with("o=")).unwrap().to_owned();
    assert_eq!(version(&again), version(&invite), "nothing changed");
    // The other end's own offer crosses ours: both are told 491.
    bench.inside(&invite, "INVITE", 7, &sdp(4_002, ""));
    bench.expect("SIP/2.0 491");
    bench.inside(&invite, "ACK", 7, "");
    bench.respond(&again, "491 Request Pending", "", "");
    bench.expect("ACK ");
    bench.no_event();
    // We began the call, so we wait for 2.1 to 4 s.
    bench.pass(Duration::from_secs(2));
    bench.no_event();
    bench.pass(Duration::from_secs(2));
    let third = bench.expect("INVITE ");
    assert_eq!(header(&third, "CSeq"), "3 INVITE");
    // Its answer moves the audio, which is told; the same answer again is no news.
    bench.respond(&third, "200 OK", "", &format!("{timed}\r\n{}", sdp(4_004, "")));
    assert_eq!(header(&bench.expect("ACK "), "CSeq"), "3 ACK");
    let LineEvent::Reoffered { wire: moved, offer, .. } = bench.event() else { panic!() };
    assert_eq!((moved, offer.address.port()), (wire, 4_004));
    bench.pass(Duration::from_secs(100));
    let fourth = bench.expect("INVITE ");
    bench.respond(&fourth, "200 OK", "", &format!("{timed}\r\n{}", sdp(4_004, "")));
    bench.expect("ACK ");
    bench.no_event();
}

#[test]
fn a_call_that_the_other_end_should_refresh_ends_a_little_before_its_time() {
    let timed = format!("{TIMER}\r\nSession-Expires: 120;refresher=uas");
    let (bench, _, invite) = Bench::lasting(&timed);
    bench.pass(Duration::from_secs(87));
    bench.no_event();
    bench.inside(&invite, "UPDATE", 5, "Supported: timer\r\nSession-Expires: 120;refresher=uac");
    let answer = bench.expect("SIP/2.0 200");
    assert_eq!(header(&answer, "Session-Expires"), "120;refresher=uac");
    assert_eq!(header(&answer, "Require"), "timer");
    bench.pass(Duration::from_secs(87));
    bench.no_event();
    bench.pass(Duration::from_secs(1));
    assert!(matches!(bench.event(), LineEvent::HungUp { .. }));
    bench.expect("BYE ");
}

#[test]
fn a_caller_gets_the_timer_it_can_have_and_422_for_one_too_brief() {
    let bench = Bench::new();
    let brief = format!("Supported: timer\r\nSession-Expires: 60\r\n{}", sdp(4_000, ""));
    bench.send(&bench.request("INVITE", "brief", 1, &brief));
    assert_eq!(header(&bench.expect("SIP/2.0 422"), "Min-SE"), "90");
    for (call, asked, answered) in [
        ("one", "Supported: timer\r\nSession-Expires: 3600", Some("1800;refresher=uac")),
        ("two", "Require: timer\r\nSession-Expires: 300;refresher=uas", Some("300;refresher=uas")),
        ("three", "Session-Expires: 3600\r\nMin-SE: 2000", Some("2000;refresher=uas")),
        ("four", "Supported: replaces", None),
    ] {
        let offer = format!("{asked}\r\n{}", sdp(4_000, ""));
        bench.send(&bench.request("INVITE", call, 1, &offer));
        let LineEvent::Incoming { wire, .. } = bench.event() else { panic!() };
        bench.line.answer(wire, media(5_000));
        let answer = bench.expect("SIP/2.0 200");
        let found = answer.lines().find_map(|line| line.strip_prefix("Session-Expires: "));
        assert_eq!(found, answered, "{call}");
        bench.send(&bench.raw("ACK", "sip:x@node", call, 1, &header(&answer, "To"), ""));
    }
}

#[test]
fn a_carrier_that_wants_longer_sessions_gets_them_once() {
    let bench = Bench::with_network(|address| Network {
        trunks: vec![TrunkConfig::plain(TrunkId(1), address)],
        ..Network::default()
    });
    let number = E164::new(12_025_550_142).unwrap();
    bench.line.dial(Target::Trunk { number }, "+12025550100".to_owned(), media(5_000));
    let first = bench.expect("INVITE ");
    assert!(matches!(bench.event(), LineEvent::Dialled { .. }));
    bench.respond(&first, "422 Session Interval Too Small", "t", "Min-SE: 3600");
    bench.expect("ACK ");
    let second = bench.expect("INVITE ");
    assert_eq!(header(&second, "Session-Expires"), "3600");
    assert_eq!(
        (header(&second, "Min-SE"), header(&second, "CSeq")),
        ("3600".into(), "2 INVITE".into())
    );
    bench.respond(&second, "422 Session Interval Too Small", "t", "Min-SE: 7200");
    assert!(matches!(bench.event(), LineEvent::Failed { status: 422, .. }));
}

#[test]
fn reliable_provisional_responses_are_acknowledged_once_and_in_order() {
    let bench = Bench::with_network(|address| Network {
        trunks: vec![TrunkConfig::plain(TrunkId(1), address)],
        ..Network::default()
    });
    let number = E164::new(12_025_550_142).unwrap();
    let wire = bench.line.dial(Target::Trunk { number }, "+12025550100".to_owned(), media(5_000));
    let invite = bench.expect("INVITE ");
    assert!(matches!(bench.event(), LineEvent::Dialled { .. }));
    bench.respond(&invite, "180 Ringing", "t", "Require: 100rel\r\nRSeq: 17");
    assert!(matches!(bench.event(), LineEvent::Ringing { .. }));
    let prack = bench.expect("PRACK ");
    assert!(header(&prack, "To").ends_with(";tag=t"));
    assert_eq!(
        (header(&prack, "RAck"), header(&prack, "CSeq")),
        ("17 1 INVITE".into(), "2 PRACK".into())
    );
    bench.respond(&prack, "200 OK", "", "");
    // The same again, then one too far ahead: neither is acknowledged. The next one is.
    bench.respond(&invite, "180 Ringing", "t", "Require: 100rel\r\nRSeq: 17");
    bench.respond(&invite, "183 Session Progress", "t", "Require: 100rel\r\nRSeq: 19");
    bench.respond(&invite, "183 Session Progress", "t", "Require: 100rel\r\nRSeq: 18");
    let prack = bench.expect("PRACK ");
    assert_eq!(
        (header(&prack, "RAck"), header(&prack, "CSeq")),
        ("18 1 INVITE".into(), "3 PRACK".into())
    );
    bench.respond(&prack, "200 OK", "", "");
    // The ACK has the number of the INVITE, and what follows counts on after the PRACKs.
    bench.respond(&invite, "200 OK", "t", &sdp(4_000, ""));
    assert!(matches!(bench.event(), LineEvent::Answered { .. }));
    assert_eq!(header(&bench.expect("ACK "), "CSeq"), "1 ACK");
    bench.line.hang_up(wire);
    assert_eq!(header(&bench.expect("BYE "), "CSeq"), "4 BYE");
}

#[test]
fn who_wants_only_reliable_responses_hears_the_final_one() {
    let bench = Bench::new();
    let offer = format!("Require: 100rel\r\n{}", sdp(4_000, ""));
    bench.send(&bench.request("INVITE", "quiet", 1, &offer));
    let LineEvent::Incoming { wire, .. } = bench.event() else { panic!() };
    bench.line.ring(wire);
    bench.line.answer(wire, media(5_000));
    let answer = bench.receive();
    assert!(answer.starts_with("SIP/2.0 200") || answer.starts_with("SIP/2.0 100"), "{answer}");
    // An extension that nobody here knows is refused by its name alone.
    bench.send(&bench.request(
        "INVITE",
        "odd",
        1,
        &format!("Require: timer, dance\r\n{}", sdp(4_000, "")),
    ));
    assert_eq!(header(&bench.expect("SIP/2.0 420"), "Unsupported"), "dance");
}

#[test]
fn a_gap_in_the_other_ends_numbers_is_none_of_our_business() {
    let (bench, _, invite) = Bench::lasting("X-Nothing: 1");
    bench.inside(&invite, "BYE", 4_000, "");
    bench.expect("SIP/2.0 200");
    assert!(matches!(bench.event(), LineEvent::HungUp { .. }));
}

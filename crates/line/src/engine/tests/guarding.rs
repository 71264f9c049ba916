//! What the line refuses, and how it holds under more than it can take.

use super::*;
use crate::limits::{CALLS_PER_SECOND_MAX, REQUESTS_PER_SECOND_MAX};
use std::collections::HashMap;

/// Statuses of the answers to what `send` sends, which are read on the way so that nothing is lost
/// in a socket. Each answer is to the request before it.
fn answers(bench: &Bench, count: u32, request: impl Fn(u32) -> String) -> HashMap<String, u32> {
    let mut statuses = HashMap::new();
    for index in 0..count {
        bench.send(&request(index));
        // Behind it goes a request that is always answered, of a dialog that there is.
        let answer = bench.receive();
        let status = answer["SIP/2.0 ".len()..].split(' ').next().unwrap();
        *statuses.entry(status.to_owned()).or_default() += 1;
    }
    statuses
}

#[test]
fn past_the_calls_of_a_second_new_ones_get_503_and_leave_nothing_behind() {
    let bench = Bench::with(true, |_| {});
    let (wire, to) = bench.talk("before");
    let kept = bench.line.kept();
    // A codec that nobody here has: refused at once, so that no call is made.
    let body = sdp(4_000, "").replace("0 8", "18");
    let request = |index: u32| bench.request("INVITE", &format!("many{index}"), 1, &body);
    let statuses = answers(&bench, CALLS_PER_SECOND_MAX, request);
    // One was the call in progress.
    let half = CALLS_PER_SECOND_MAX / 2;
    assert_eq!(statuses, HashMap::from([("488".into(), half - 1), ("503".into(), half + 1)]));
    assert_eq!(bench.line.kept(), kept);
    assert_eq!(bench.line.counts().overload_rate, u64::from(half + 1));
    bench.send(&request(u32::MAX));
    assert_eq!(header(&bench.expect("SIP/2.0 503"), "Retry-After"), "10");

    // The call in progress goes on, and the next second takes new ones.
    bench.within("INFO", "before", 2, &to, "");
    bench.expect("SIP/2.0 200");
    bench.pass(Duration::from_secs(1));
    bench.send(&request(0));
    bench.expect("SIP/2.0 488");
    bench.within("BYE", "before", 3, &to, "");
    assert!(matches!(bench.event(), LineEvent::HungUp { wire: ended } if ended == wire));
}

#[test]
fn past_the_requests_of_a_second_further_ones_are_dropped_and_calls_go_on() {
    let bench = Bench::with(true, |_| {});
    let (_, to) = bench.talk("going");
    let half = REQUESTS_PER_SECOND_MAX / 2;
    for index in 0..half {
        let method = ["OPTIONS", "REGISTER", "SUBSCRIBE", "NEWMETHOD"][index as usize % 4];
        bench.send(&bench.request(method, &format!("ask{index}"), 1, ""));
        bench.receive();
    }
    for (index, method) in ["OPTIONS", "REGISTER", "NEWMETHOD", "REFER"].into_iter().enumerate() {
        bench.send(&bench.request(method, &format!("past{index}"), 1, ""));
    }
    // A BYE of a dialog that there is not is one of them.
    bench.within("BYE", "nothing", 1, "<sip:12@node>;tag=nobody", "");
    // The next that is heard is of the call.
    bench.within("INFO", "going", 2, &to, "");
    assert_eq!(header(&bench.receive(), "CSeq"), "2 INFO");
    assert_eq!(bench.line.counts().overload_requests, 5);
    // Another call still begins.
    bench.talk("another");
}

#[test]
fn a_stranger_is_asked_for_a_password_only_so_often() {
    let bench = Bench::with(false, |_| {});
    let half = REQUESTS_PER_SECOND_MAX / 2;
    let request = |index| bench.request("INVITE", &format!("who{index}"), 1, "");
    assert_eq!(answers(&bench, half, request), HashMap::from([("401".into(), half)]));
    bench.send(&request(half));
    let dropped = || bench.line.counts().overload_requests == 1;
    while !dropped() {
        std::thread::yield_now();
    }
    bench.pass(Duration::from_secs(1));
    bench.send(&request(half + 1));
    assert_eq!(header(&bench.receive(), "Call-ID"), format!("who{}", half + 1));
    assert!(dropped());
    assert_eq!(bench.line.kept(), 0);
}

#[test]
fn only_the_host_that_a_call_is_with_changes_its_audio_or_presses_its_keys() {
    let bench = Bench::new();
    let (wire, to) = bench.talk("mine");
    let kept = bench.line.kept();
    // Another host of the loopback network, which has read all tags on the way.
    let thief = UdpSocket::bind("127.0.0.2:0").unwrap();
    thief.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let key = "Content-Type: application/dtmf\r\n\r\n1";
    for (cseq, method, more) in
        [(2, "INVITE", sdp(6_000, "")), (3, "UPDATE", sdp(6_000, "")), (4, "INFO", key.to_owned())]
    {
        let request = bench.raw(method, "sip:x@node", "mine", cseq, &to, &more);
        thief.send_to(request.as_bytes(), bench.line.local_address()).unwrap();
        let mut buffer = [0; 2_048];
        let (length, _) = thief.recv_from(&mut buffer).unwrap();
        let answer = std::str::from_utf8(&buffer[..length]).unwrap();
        assert!(answer.starts_with("SIP/2.0 403"), "{answer}");
    }
    assert_eq!((bench.line.counts().refused_source, bench.line.kept()), (3, kept));
    bench.no_event();
    // Nobody else can put themselves into it either, and its own telephone cannot be replaced.
    let replaces = format!("Replaces: mine;to-tag=x;from-tag=y\r\n{}", sdp(6_000, ""));
    bench.within("INVITE", "mine", 5, &to, &replaces);
    bench.expect("SIP/2.0 403");
    assert_eq!(bench.line.counts().refused_transfer, 1);
    // Its own host, from another port as behind a NAT that forgot, still may.
    let moved = UdpSocket::bind("127.0.0.1:0").unwrap();
    let request = bench.raw("INVITE", "sip:x@node", "mine", 6, &to, &sdp(4_002, ""));
    moved.send_to(request.as_bytes(), bench.line.local_address()).unwrap();
    let LineEvent::Reoffered { wire: on, offer, .. } = bench.event() else { panic!() };
    assert_eq!((on, offer.address.port()), (wire, 4_002));
}

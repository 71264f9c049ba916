//! What the line answers to requests.

use super::*;

/// The status of the answer to a request outside of any dialog.
#[track_caller]
fn status(bench: &Bench, method: &str, call: &str, more: &str) -> String {
    bench.send(&bench.request(method, call, 1, more));
    let answer = bench.expect("SIP/2.0");
    assert_eq!(header(&answer, "Call-ID"), call);
    assert!(header(&answer, "To").contains(";tag="), "{answer}");
    answer["SIP/2.0 ".len()..].split(' ').next().unwrap().to_owned()
}

#[test]
fn requests_that_are_refused_or_answered_at_once() {
    let bench = Bench::new();
    let bad = "Content-Type: application/sdp\r\n\r\nv=1\r\n";
    let multipart = "Content-Type: multipart/mixed;boundary=x\r\n\r\n--x";
    for (index, (method, more, expected)) in [
        ("OPTIONS", "", "200"),
        ("REFER", "Refer-To: <sip:12025550142@elsewhere>", "603"),
        ("MESSAGE", "", "405"),
        ("SUBSCRIBE", "Event: presence", "405"),
        ("NEWMETHOD", "", "501"),
        ("BYE", "", "481"),
        ("INFO", "", "481"),
        ("UPDATE", "", "481"),
        ("INVITE", "Replaces: a;to-tag=b;from-tag=c", "403"),
        ("INVITE", "Join: a;to-tag=b;from-tag=c", "403"),
        ("INVITE", "Require: replaces", "420"),
        ("INVITE", bad, "400"),
        ("INVITE", multipart, "415"),
    ]
    .into_iter()
    .enumerate()
    {
        if method == "NEWMETHOD" {
            bench.send(&bench.request(method, "new", 1, more));
            bench.expect("SIP/2.0 501 Not Implemented");
            continue;
        }
        assert_eq!(
            status(&bench, method, &format!("refused{index}"), more),
            expected,
            "{method} {more}"
        );
    }
    let sdp = sdp(4_000, "").replace("0 8", "18");
    assert_eq!(status(&bench, "INVITE", "codec", &sdp), "488");
    let to = "<sip:12@node>;tag=nobody";
    bench.send(&bench.raw("INVITE", "sip:x@node", "stray", 1, to, ""));
    bench.expect("SIP/2.0 481");
    let tel = bench.raw("INVITE", "tel:+12025550142", "tel", 1, "<sip:12@node>", "");
    bench.send(&tel);
    // The library reads a number as a host; it is the scheme that is refused.
    bench.expect("SIP/2.0 416");
    bench.no_event();
    let counts = bench.line.counts();
    assert_eq!((counts.refused_transfer, counts.refused_method), (3, 3));
    assert_eq!((counts.malformed_sdp, counts.refused_codec), (2, 1));
}

#[test]
fn a_station_registers_and_calls_with_its_password_only() {
    let bench = Bench::with(false, |_| {});
    let mut cseq = 0;
    let mut ask = |method: &str, call: &str, user: &str, password: &str| {
        cseq += 1;
        bench.send(&bench.request(method, call, cseq, "Expires: 7200"));
        let challenge = bench.expect("SIP/2.0 401");
        if method == "INVITE" {
            bench.within("ACK", call, cseq, &header(&challenge, "To"), "");
        }
        let challenge = header(&challenge, "WWW-Authenticate");
        let answer = digest::tests::answer(&challenge, user, password, method, 1);
        cseq += 1;
        let again =
            bench.request(method, call, cseq, &format!("Authorization: {answer}\r\nExpires: 7200"));
        bench.send(&again);
        again
    };
    ask("REGISTER", "wrong", "cell4", "guess");
    bench.expect("SIP/2.0 403");
    ask("REGISTER", "unknown", "cell5", "secret");
    bench.expect("SIP/2.0 403");
    let registration = ask("REGISTER", "right", "cell4", "secret");
    let granted = bench.expect("SIP/2.0 200");
    assert_eq!(header(&granted, "Contact"), format!("<sip:p@{}>;expires=3600", bench.here()));
    // The same request again is the same answer, not a second use of the nonce.
    bench.send(&registration);
    bench.expect("SIP/2.0 200");

    ask("INVITE", "wrong-call", "cell4", "guess");
    bench.expect("SIP/2.0 403");
    ask("INVITE", "right-call", "cell4", "secret");
    let LineEvent::Incoming { origin, wire, .. } = bench.event() else { panic!() };
    assert_eq!(origin, Origin::Station(StationId(4)));
    bench.line.reject(wire, 480);
    bench.expect("SIP/2.0 480");
    let counts = bench.line.counts();
    assert_eq!((counts.refused_password, counts.registered, counts.refused_foreign), (3, 2, 5));

    let target = |station| Target::Registered { station, user: Private::new("cell4".to_owned()) };
    bench.line.dial(target(StationId(4)), "desk".into(), media(1));
    let invite = bench.expect("INVITE");
    assert!(invite.starts_with(&format!("INVITE sip:p@{} SIP/2.0", bench.here())), "{invite}");
    assert!(header(&invite, "To").starts_with("<sip:cell4@"), "{invite}");
}

#[test]
fn registration_limits() {
    let bench = Bench::new();
    for (index, (more, expected)) in
        [("Expires: 5", "423"), ("Expires: 60", "200"), ("Expires: 0", "200")]
            .into_iter()
            .enumerate()
    {
        assert_eq!(status(&bench, "REGISTER", &format!("reg{index}"), more), expected);
    }
    let target = Target::Registered { station: StationId(1), user: Private::new(String::new()) };
    bench.line.dial(target, String::new(), media(1));
    assert!(matches!(bench.event(), LineEvent::Failed { status: 503, .. }));
}

#[test]
fn a_caller_hears_100_when_nothing_else_is_said() {
    let bench = Bench::new();
    bench.send(&bench.request("INVITE", "slow", 1, &sdp(4_000, "")));
    let LineEvent::Incoming { dialled, .. } = bench.event() else { panic!() };
    assert_eq!(dialled.expose(), "12#");
    bench.pass(Duration::from_millis(150));
    bench.expect("SIP/2.0 100");
    bench.pass(Duration::from_secs(180));
    bench.expect("SIP/2.0 480");
    assert!(matches!(bench.event(), LineEvent::HungUp { .. }));
}

#[test]
fn a_call_without_an_offer_gets_ours() {
    let bench = Bench::new();
    bench.send(&bench.request("INVITE", "delayed", 1, ""));
    let LineEvent::Incoming { wire, offer: None, .. } = bench.event() else { panic!() };
    bench.line.answer(wire, media(5_000));
    let answer = bench.expect("SIP/2.0 200");
    assert!(answer.contains("m=audio 5000 RTP/AVP 0 8 101\r\n"), "{answer}");
    // Until the ACK comes, the answer comes again.
    assert_eq!(bench.expect("SIP/2.0 200"), answer);
    bench.within("ACK", "delayed", 1, &header(&answer, "To"), &sdp(4_444, ""));
    let LineEvent::Answered { answer, .. } = bench.event() else { panic!() };
    assert_eq!(answer.address.port(), 4_444);

    bench.send(&bench.request("INVITE", "nothing", 1, ""));
    let LineEvent::Incoming { wire, .. } = bench.event() else { panic!() };
    bench.line.answer(wire, media(5_000));
    let answer = bench.expect("SIP/2.0 200");
    bench.within("ACK", "nothing", 1, &header(&answer, "To"), "");
    let bye = bench.expect("BYE");
    bench.respond(&bye, "200 OK", "", "");
    assert!(matches!(bench.event(), LineEvent::HungUp { wire: ended } if ended == wire));
}

#[test]
fn hanging_up_before_the_ack_waits_for_it() {
    let bench = Bench::new();
    bench.send(&bench.request("INVITE", "early", 1, &sdp(4_000, "")));
    let LineEvent::Incoming { wire, .. } = bench.event() else { panic!() };
    bench.line.answer(wire, media(5_000));
    let answer = bench.expect("SIP/2.0 200");
    bench.line.hang_up(wire);
    bench.send(&bench.request("OPTIONS", "between", 1, ""));
    let next = bench.receive();
    assert!(next.contains("OPTIONS"), "{next}");
    bench.within("ACK", "early", 1, &header(&answer, "To"), "");
    bench.expect("BYE");
    bench.no_event();
}

#[test]
fn keys_come_by_info() {
    let bench = Bench::new();
    let (wire, to) = bench.talk("info");
    let relay = "Content-Type: application/dtmf-relay\r\n\r\n";
    let mut cseq = 1;
    for (body, key) in [
        (format!("{relay}Signal=5\r\nDuration=160\r\n"), Some(('5', 160))),
        (format!("{relay}Signal= * \r\nDuration= 1500\r\n"), Some(('*', 1_500))),
        (format!("{relay}Signal=11\r\n"), Some(('#', 0))),
        // A key that began nobody knows when began long ago.
        (format!("{relay}Signal=1\r\nDuration=long\r\n"), Some(('1', 8_191))),
        (format!("{relay}Signal=1\r\nDuration=4000000000\r\n"), Some(('1', 8_191))),
        ("Content-Type: application/dtmf\r\n\r\nd".to_owned(), Some(('D', 0))),
        (format!("{relay}Signal=99\r\n"), None),
        ("Content-Type: text/plain\r\n\r\n5".to_owned(), None),
    ] {
        cseq += 1;
        bench.within("INFO", "info", cseq, &to, &body);
        match key {
            Some((label, ms)) => {
                bench.expect("SIP/2.0 200");
                let LineEvent::Key { wire: heard, key, lasted } = bench.event() else { panic!() };
                assert_eq!((heard, key), (wire, Key::from_char(label).unwrap()));
                assert_eq!(lasted, Duration::from_millis(ms), "{body}");
            }
            None => drop(bench.expect("SIP/2.0 415")),
        }
    }
    // The same INFO again is the same key, and an older number is none.
    bench.within("INFO", "info", 2, &to, &format!("{relay}Signal=5\r\nDuration=160\r\n"));
    bench.expect("SIP/2.0 200");
    bench.send(&bench.raw("INFO", "sip:x@node", "info", 2, &to, "").replace("bKinfo", "bKother"));
    bench.expect("SIP/2.0 500");
    bench.no_event();
}

#[test]
fn the_other_end_holds_and_comes_back() {
    let bench = Bench::new();
    let (wire, to) = bench.talk("hold");
    bench.within("INVITE", "hold", 2, &to, &sdp(4_002, "a=sendonly\r\n"));
    let LineEvent::Reoffered { offer, .. } = bench.event() else { panic!() };
    assert_eq!((offer.address.port(), offer.direction), (4_002, Direction::SendOnly));
    // While it waits, another one is told to try later.
    bench.within("UPDATE", "hold", 3, &to, &sdp(4_004, ""));
    bench.expect("SIP/2.0 500");
    bench.line.reanswer(wire, media(5_000));
    let answer = bench.expect("SIP/2.0 200");
    assert!(answer.contains("a=recvonly\r\n") && answer.contains(" 2 IN IP4"), "{answer}");
    bench.within("ACK", "hold", 2, &to, "");

    bench.within("UPDATE", "hold", 4, &to, &sdp(4_006, ""));
    let LineEvent::Reoffered { offer, .. } = bench.event() else { panic!() };
    assert_eq!(offer.address.port(), 4_006);
    bench.line.reanswer(wire, media(5_000));
    assert!(bench.expect("SIP/2.0 200").contains("a=sendrecv\r\n"));
    bench.within("UPDATE", "hold", 5, &to, "");
    bench.expect("SIP/2.0 200");

    // Without an answer of ours the call goes on as it was.
    bench.within("INVITE", "hold", 6, &to, &sdp(4_008, ""));
    assert!(matches!(bench.event(), LineEvent::Reoffered { .. }));
    bench.pass(Duration::from_secs(2));
    bench.expect("SIP/2.0 488");
    bench.within("ACK", "hold", 6, &to, "");
    bench.line.reanswer(wire, media(5_000));

    // Asked to offer, we offer what we have; the ACK answers.
    bench.within("INVITE", "hold", 7, &to, "");
    assert!(bench.expect("SIP/2.0 200").contains("m=audio 5000 RTP/AVP 0 8 101\r\n"));
    bench.within("ACK", "hold", 7, &to, &sdp(4_010, ""));
    let LineEvent::Reoffered { offer, .. } = bench.event() else { panic!() };
    assert_eq!(offer.address.port(), 4_010);

    bench.within("INVITE", "hold", 8, &to, &sdp(4_000, "").replace("0 8", "18"));
    bench.expect("SIP/2.0 488");
    bench.within("REFER", "hold", 9, &to, "Refer-To: <sip:12025550142@elsewhere>");
    bench.expect("SIP/2.0 603");
    bench.within("BYE", "hold", 10, &to, "");
    bench.expect("SIP/2.0 200");
    assert!(matches!(bench.event(), LineEvent::HungUp { .. }));
}

#[test]
fn a_cancelled_reinvite_leaves_the_call_up() {
    let bench = Bench::new();
    let (_, to) = bench.talk("renew");
    bench.within("INVITE", "renew", 2, &to, &sdp(4_002, ""));
    assert!(matches!(bench.event(), LineEvent::Reoffered { .. }));
    let cancel = bench.raw("CANCEL", "sip:x@node", "renew", 2, &to, "");
    bench.send(&cancel.replace("bKrenew2CANCEL", "bKrenew2INVITE"));
    bench.expect("SIP/2.0 487");
    bench.within("BYE", "renew", 3, &to, "");
    assert!(matches!(bench.event(), LineEvent::HungUp { .. }));
}

#[test]
fn only_the_right_tags_name_a_dialog() {
    let bench = Bench::new();
    let (_, to) = bench.talk("mine");
    for (call, to) in [("other", to.as_str()), ("mine", "<sip:12@node>;tag=guess")] {
        bench.within("BYE", call, 2, to, "");
        bench.expect("SIP/2.0 481");
    }
    bench.no_event();
    bench.within("BYE", "mine", 3, &to, "");
    bench.expect("SIP/2.0 200");
    assert!(matches!(bench.event(), LineEvent::HungUp { .. }));
}

#[test]
fn a_source_that_never_acknowledges_is_stopped() {
    let bench = Bench::new();
    for index in 0..PENDING_PER_SOURCE_MAX {
        bench.send(&bench.request("INVITE", &format!("flood{index}"), 1, &sdp(4_000, "")));
        let LineEvent::Incoming { wire, .. } = bench.event() else { panic!() };
        bench.line.reject(wire, 486);
        // Read on the way, so that nothing is lost in the socket; never acknowledged.
        while header(&bench.receive(), "Call-ID") != format!("flood{index}") {}
    }
    bench.send(&bench.request("INVITE", "more", 1, &sdp(4_000, "")));
    let refused = bench.expect("SIP/2.0 503");
    assert_eq!(header(&refused, "Call-ID"), "more");
    assert_eq!(header(&refused, "Retry-After"), "10");
    assert_eq!(bench.line.counts().overload_pending, 1);
}

#[test]
fn requests_outside_of_a_dialog_leave_nothing_behind_whoever_sends_them() {
    let stray = "<sip:12@node>;tag=nobody";
    for known in [true, false] {
        let bench = Bench::with(known, |_| {});
        let methods = [
            "OPTIONS",
            "REGISTER",
            "REFER",
            "MESSAGE",
            "NOTIFY",
            "PRACK",
            "PUBLISH",
            "SUBSCRIBE",
            "BYE",
            "INFO",
            "UPDATE",
            "NEWMETHOD",
        ];
        for index in 0..100 {
            // A second for each round: nobody is to be kept out for asking too often.
            bench.pass(Duration::from_secs(1));
            for method in methods {
                let call = format!("flood-{method}-{index}");
                bench.send(&bench.raw(method, "sip:x@node", &call, 1, stray, ""));
                // Read on the way, so that nothing is lost in the socket.
                assert_eq!(header(&bench.receive(), "Call-ID"), call);
            }
        }
        assert_eq!(bench.line.kept(), 0, "known: {known}");
    }
}

#[test]
fn a_request_of_a_dialog_that_comes_again_gets_the_same_answer_and_means_nothing_more() {
    let bench = Bench::new();
    let (wire, to) = bench.talk("again");
    let before = bench.line.kept();
    let body = "Content-Type: application/dtmf-relay\r\n\r\nSignal=5\r\nDuration=160\r\n";
    for _ in 0..3 {
        bench.within("INFO", "again", 2, &to, body);
        bench.expect("SIP/2.0 200");
    }
    assert!(matches!(bench.event(), LineEvent::Key { wire: on, .. } if on == wire));
    assert_eq!(bench.line.kept(), before + 1);
    // An older number is refused, and nothing is kept of it.
    for index in 0..3 {
        let info = bench.raw("INFO", "sip:x@node", "again", 1, &to, body);
        bench.send(&info.replace("bKagain1INFO", &format!("bKold{index}")));
        bench.expect("SIP/2.0 500");
    }
    assert_eq!(bench.line.kept(), before + 1);
    bench.no_event();
}

#[test]
fn a_panic_costs_one_call() {
    let bench = Bench::with(true, |event| {
        let LineEvent::Incoming { dialled, .. } = event else { return };
        assert_ne!(dialled.expose(), "13", "a bug in the owner's code");
    });
    let (_, to) = bench.talk("good");
    let node = bench.line.local_address();
    bench.send(&bench.raw("INVITE", &format!("sip:13@{node}"), "bad", 1, "<sip:13@node>", ""));
    assert!(matches!(bench.event(), LineEvent::HungUp { .. }));
    bench.expect("SIP/2.0 487");
    assert_eq!(bench.line.counts().faults, 1);
    bench.within("BYE", "good", 2, &to, "");
    assert!(matches!(bench.event(), LineEvent::HungUp { .. }));
}

#[test]
fn answers_and_requests_stay_with_who_sent() {
    let bench = Bench::new();
    // A Via and a Contact that point at somebody else.
    let invite = bench.request("INVITE", "nat", 1, &sdp(4_000, ""));
    let here = bench.here().to_string();
    bench.send(&invite.replace(&here, "192.0.2.99:5060"));
    let LineEvent::Incoming { wire, .. } = bench.event() else { panic!() };
    bench.line.answer(wire, media(5_000));
    let answer = bench.expect("SIP/2.0 200");
    bench.within("ACK", "nat", 1, &header(&answer, "To"), "");
    bench.line.hang_up(wire);
    let bye = bench.expect("BYE");
    assert!(bye.starts_with("BYE sip:p@192.0.2.99:5060 SIP/2.0"), "{bye}");
}

#[test]
fn an_answer_that_is_never_acknowledged_ends_the_call() {
    let bench = Bench::with_t1(Duration::from_millis(5), true, |_| {});
    bench.send(&bench.request("INVITE", "lost", 1, &sdp(4_000, "")));
    let LineEvent::Incoming { wire, .. } = bench.event() else { panic!() };
    bench.line.answer(wire, media(5_000));
    assert!(matches!(bench.event(), LineEvent::HungUp { wire: ended } if ended == wire));
    bench.expect("BYE");
    assert_eq!(bench.line.counts().lost_ack, 1);
}

#[test]
fn a_station_that_describes_another_host_says_where_it_signals_from() {
    let bench = Bench::new();
    let here = Some(bench.here().ip());
    for (host, expected) in [("127.0.0.1", None), ("192.168.1.20", here)] {
        let described = sdp(4_000, "").replace("c=IN IP4 127.0.0.1", &format!("c=IN IP4 {host}"));
        bench.send(&bench.request("INVITE", host, 1, &described));
        let LineEvent::Incoming { wire, offer, .. } = bench.event() else { panic!() };
        let offer = offer.unwrap();
        assert_eq!((offer.address.ip().to_string(), offer.signals_from), (host.into(), expected));
        assert_eq!(crate::agree(&media(5_000), &offer).unwrap().signals_from, expected);
        bench.line.reject(wire, 486);
        bench.expect("SIP/2.0 486");
    }
}

#[test]
fn a_carrier_is_heard_where_it_says_and_nowhere_else() {
    let bench = Bench::with_network(|address| Network {
        trunks: vec![crate::TrunkConfig::plain(model::TrunkId(1), address)],
        ..Network::default()
    });
    let number = model::E164::new(12_025_550_142).unwrap();
    bench.line.dial(Target::Trunk { number }, "+12025550100".to_owned(), media(5_000));
    let invite = bench.expect("INVITE ");
    assert!(matches!(bench.event(), LineEvent::Dialled { .. }));
    let described = sdp(4_000, "").replace("c=IN IP4 127.0.0.1", "c=IN IP4 192.168.1.20");
    bench.respond(&invite, "200 OK", "t", &described);
    let LineEvent::Answered { answer, .. } = bench.event() else { panic!() };
    assert_eq!(answer.signals_from, None);
}

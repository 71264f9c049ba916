use super::*;
use proptest::prelude::*;

const HEAD: &str = "Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n\
    To: <sip:b@h>\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\n";

fn invite(more: &str, body: &str) -> String {
    format!("INVITE sip:1@127.0.0.1 SIP/2.0\r\n{HEAD}{more}\r\n{body}")
}

const INVITE: Passed<'_> =
    Passed::Request { method: "INVITE", uri: "sip:1@127.0.0.1", within: false };

#[track_caller]
fn check(datagram: impl AsRef<[u8]>, expected: Result<Passed<'_>, Malformed>) {
    let datagram = datagram.as_ref();
    assert_eq!(inspect(datagram), expected, "{}", String::from_utf8_lossy(datagram));
}

#[test]
fn what_may_go_on() {
    let passed = Ok(INVITE);
    check(invite("", ""), passed);
    check(invite("Content-Length: 4\r\n", "v=0\n"), passed);
    check(invite("l : 4\r\n", "v=0\nand more that is ignored"), passed);
    check(invite("Subject: one\r\n two\r\nContent-Length: 0\r\n", ""), passed);
    check(invite("Subject: ünïcode\r\n", ""), passed);
    check(invite("", "").replace("Via: ", "Via:\r\n "), passed);
    check(invite("", "").replace("bK1", "bK1,\r\n\tSIP/2.0/UDP h"), passed);
    check(invite("", "").replace("Via:", "v:").replace("From:", "f :"), passed);
    let within = Passed::Request { method: "INVITE", uri: "sip:1@127.0.0.1", within: true };
    check(invite("", "").replace("<sip:b@h>", "<sip:b@h>;Tag = 7"), Ok(within));
    check(invite("", "").replace("<sip:b@h>", "<sip:b@h;tag=7>"), passed);
    check(format!("SIP/2.0 200 OK\r\n{HEAD}\r\n"), Ok(Passed::Response));
    check(format!("SIP/2.0 200\r\n{HEAD}\r\n"), Ok(Passed::Response));
    check("\r\n\r\n", Ok(Passed::KeepAlive));
    check([0, 0, 0, 0], Ok(Passed::KeepAlive));
    check("", Ok(Passed::KeepAlive));
}

#[test]
fn unknown_methods_are_told_apart() {
    for method in ["NEWMETHOD", "invite", "PING"] {
        let headers = HEAD.replace("INVITE", method);
        let datagram = format!("{method} sip:1@127.0.0.1 SIP/2.0\r\n{headers}\r\n");
        let headers = headers.trim_end();
        assert_eq!(inspect(datagram.as_bytes()), Ok(Passed::UnknownMethod { headers }));
    }
}

#[test]
fn sizes() {
    check(invite("", &"x".repeat(DATAGRAM_MAX_OCTETS)), Err(Malformed::Size));
    let line = format!("X: {}\r\n", "x".repeat(HEAD_LINE_MAX_OCTETS));
    check(invite(&line, ""), Err(Malformed::Headers));
    check(invite(&"X: y\r\n".repeat(HEAD_LINES_MAX), ""), Err(Malformed::Headers));
    let uri = "x".repeat(HEAD_LINE_MAX_OCTETS);
    check(invite("", "").replace("sip:1@", &uri), Err(Malformed::Headers));
}

#[test]
fn start_lines() {
    for start in [
        "INVITE sip:1@h SIP/3.0",
        "INVITE sip:1@h",
        "INVITE  sip:1@h SIP/2.0",
        "INVITE sip:1@h SIP/2.0 ",
        "INVITE nothing SIP/2.0",
        "INVITE <sip:1@h> SIP/2.0",
        "INV\u{fc}TE sip:1@h SIP/2.0",
        "SIP/2.0 99 Low",
        "SIP/2.0 700 High",
        "SIP/2.0 +20 Odd",
        "SIP/2.0 2000 Long",
        "GET / HTTP/1.1",
    ] {
        check(format!("{start}\r\n{HEAD}\r\n"), Err(Malformed::Start));
    }
}

#[test]
fn text() {
    check(invite("Subject: a\0b\r\n", ""), Err(Malformed::Text));
    check(invite("Subject: a\rb\r\n", ""), Err(Malformed::Text));
    check(invite("Subject: a\nContent-Length: 0\r\n", ""), Err(Malformed::Text));
    let mut octets = invite("Subject: ?\r\n", "").into_bytes();
    let at = octets.iter().position(|octet| *octet == b'?').unwrap();
    octets[at] = 0xff;
    check(octets, Err(Malformed::Text));
    check(
        invite("", "\u{0}\u{1}").replace("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\n"),
        Ok(INVITE),
    );
}

#[test]
fn lines_that_are_no_headers() {
    for more in ["no colon\r\n", ": no name\r\n", "a b: c\r\n", "Content-Length: 0\r\n 5\r\n"] {
        check(invite(more, ""), Err(Malformed::Headers));
    }
    check("INVITE sip:1@h SIP/2.0\r\nVia: x\r\n", Err(Malformed::Headers));
    check(format!("INVITE sip:1@h SIP/2.0\r\n folded\r\n{HEAD}\r\n"), Err(Malformed::Headers));
}

#[test]
fn lengths() {
    for (more, body) in [
        ("", "body"),
        ("Content-Length: 5\r\n", "body"),
        ("Content-Length: 4\r\nContent-Length: 4\r\n", "body"),
        ("Content-Length: 4\r\nl: 0\r\n", "body"),
        ("Content-Length: -1\r\n", "body"),
        ("Content-Length: +4\r\n", "body"),
        ("Content-Length: 4 \t x\r\n", "body"),
        ("Content-Length:\r\n", "body"),
        ("Content-Length: 99999999999999999999999\r\n", "body"),
    ] {
        check(invite(more, body), Err(Malformed::Length));
    }
}

#[test]
fn mandatory_headers() {
    for (from, to) in [
        ("Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1\r\n", ""),
        ("Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK1\r\n", "Via: \r\n"),
        ("branch=z9hG4bK1", "branch=z9hG4bK1,"),
        ("branch=z9hG4bK1", "branch=z9hG4bK1, ,SIP/2.0/UDP h"),
        ("branch=z9hG4bK1", "branch=z9hG4bK1,\r\n "),
        ("branch=z9hG4bK1", "branch=z9hG4bK1,\r\n ,SIP/2.0/UDP h"),
        ("branch=z9hG4bK1", "branch=z9hG4bK1\r\n twk,"),
        ("From: <sip:a@h>;tag=1\r\n", ""),
        ("To: <sip:b@h>\r\n", "To:\r\n"),
        ("To: <sip:b@h>\r\n", "To: <sip:b@h>\r\nt: <sip:c@h>\r\n"),
        ("Call-ID: c1\r\n", "Call-ID: c1\r\ni: c2\r\n"),
        ("CSeq: 1 INVITE", "CSeq: 1 BYE"),
        ("CSeq: 1 INVITE", "CSeq: INVITE"),
        ("CSeq: 1 INVITE", "CSeq: 4294967296 INVITE"),
        ("CSeq: 1 INVITE", "CSeq: +1 INVITE"),
        ("CSeq: 1 INVITE", "CSeq: 1 INVITE\r\nCSeq: 2 INVITE"),
        ("CSeq: 1 INVITE\r\n", ""),
    ] {
        check(invite("", "").replace(from, to), Err(Malformed::Mandatory));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_octets_are_survived(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = inspect(&octets);
    }

    /// Of what passes the library loses no header and no octet of the body.
    #[test]
    fn what_passes_is_read_alike(at in 0..400_usize, new in "[ -~\r\n]{0,6}", drop in 0..3_usize) {
        let mut datagram = invite("Subject: x\r\nContent-Length: 4\r\n", "v=0\n").into_bytes();
        let at = at.min(datagram.len());
        let tail = datagram.split_off(at);
        datagram.extend(new.bytes().chain(tail.into_iter().skip(drop)));
        let Ok(Passed::Request { .. }) = inspect(&datagram) else { return Ok(()) };
        // A host or a version that the library does not like is dropped and counted.
        let Ok(message) = rsipstack::sip::SipMessage::try_from(datagram.as_slice()) else {
            return Ok(());
        };
        let rsipstack::sip::SipMessage::Request(request) = message else { panic!("became a response") };
        let (head, body) = split_head(&datagram).unwrap();
        let head = std::str::from_utf8(head).unwrap();
        let headers = head.split("\r\n").skip(1).filter(|line| !line.starts_with([' ', '\t']));
        prop_assert_eq!(request.headers.len(), headers.count());
        prop_assert!(body.starts_with(&request.body));
    }
}

use super::*;
use proptest::prelude::*;

const PLAIN: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
    m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n";

fn plain() -> MediaDescription {
    MediaDescription {
        address: "192.0.2.1:4000".parse().unwrap(),
        codecs: vec![Codec::Pcmu, Codec::Pcma],
        telephone_event: Some(101),
        packet_ms: 20,
        direction: Direction::SendRecv,
        rtcp_port: 4001,
        rtcp_mux: false,
        signals_from: None,
    }
}

#[track_caller]
fn reads(text: &str, change: impl FnOnce(&mut MediaDescription)) {
    let mut expected = plain();
    change(&mut expected);
    assert_eq!(parse(text.as_bytes()).unwrap().audio, expected, "{text}");
}

#[track_caller]
fn fails(text: &str, error: SdpError) {
    assert_eq!(parse(text.as_bytes()).unwrap_err(), error, "{text}");
}

#[test]
fn what_is_understood() {
    reads(PLAIN, |_| {});
    reads(&PLAIN.replace("\r\n", "\n"), |_| {});
    reads(&PLAIN.replace("0 8 101", "8 18 0 101"), |m| m.codecs = vec![Codec::Pcma, Codec::Pcmu]);
    reads(&PLAIN.replace("0 8 101", "8 8"), |m| {
        m.codecs = vec![Codec::Pcma];
        m.telephone_event = None;
    });
    reads(&format!("{PLAIN}a=rtpmap:0 G729/8000\r\n"), |m| m.codecs = vec![Codec::Pcma]);
    reads(&format!("{PLAIN}a=rtpmap:0 pcmu/8000/1\r\n"), |_| {});
    reads(&format!("{PLAIN}c=IN IP4 192.0.2.9/127\r\n"), |m| {
        m.address = "192.0.2.9:4000".parse().unwrap();
    });
    let v6 = PLAIN.replace("c=IN IP4 192.0.2.1", "c=IN IP6 2001:db8::1");
    reads(&v6, |m| m.address = "[2001:db8::1]:4000".parse().unwrap());
    reads(&PLAIN.replace("4000 RTP", "4000/2 RTP"), |_| {});
}

#[test]
fn telephone_event_needs_all_keys() {
    for (fmtp, offered) in [
        ("0-15", true),
        ("0-16", true),
        ("0-11,66,70", true),
        ("0,1,2,3,4,5,6,7,8,9,10,11", true),
        ("0-9", false),
        ("66", false),
        ("x", false),
    ] {
        let text = format!("{PLAIN}a=fmtp:101 {fmtp}\r\n");
        reads(&text, |m| m.telephone_event = offered.then_some(101));
    }
    let wide = PLAIN.replace("event/8000", "event/16000");
    reads(&wide, |m| m.telephone_event = None);
    let second =
        PLAIN.replace("8 101", "8 97 101").replace("a=", "a=rtpmap:97 telephone-event/48000\r\na=");
    reads(&second, |_| {});
}

#[test]
fn packets_and_direction() {
    for (attributes, ms) in [
        ("a=ptime:30\r\n", 30),
        ("a=ptime:35\r\n", 30),
        ("a=ptime:20.0\r\n", 20),
        ("a=ptime:5\r\n", 20),
        ("a=ptime:200\r\n", 20),
        ("a=ptime:x\r\n", 20),
        ("a=ptime:60\r\na=maxptime:40\r\n", 40),
        ("a=maxptime:1\r\n", 10),
    ] {
        reads(&format!("{PLAIN}{attributes}"), |m| m.packet_ms = ms);
    }
    for (name, direction) in [
        ("sendonly", Direction::SendOnly),
        ("recvonly", Direction::RecvOnly),
        ("inactive", Direction::Inactive),
    ] {
        reads(&format!("{PLAIN}a={name}\r\n"), |m| m.direction = direction);
        let session = PLAIN.replace("t=0 0\r\n", &format!("t=0 0\r\na={name}\r\n"));
        reads(&session, |m| m.direction = direction);
        reads(&format!("{session}a=sendrecv\r\n"), |_| {});
    }
    let held = PLAIN.replace("c=IN IP4 192.0.2.1", "c=IN IP4 0.0.0.0");
    reads(&held, |m| {
        m.address = "0.0.0.0:4000".parse().unwrap();
        m.direction = Direction::SendOnly;
    });
}

#[test]
fn what_is_refused() {
    fails("", SdpError::Grammar("it is empty"));
    fails("v=1\r\n", SdpError::Grammar("it does not begin with `v=0`"));
    fails(&PLAIN.replace("s=-", "s"), SdpError::Grammar("a line is not of the form `x=value`"));
    fails(&PLAIN.replace("0 8 101", "18 101"), SdpError::NoCodec);
    fails(&PLAIN.replace("4000", "0"), SdpError::NoCodec);
    fails(&PLAIN.replace("RTP/AVP", "RTP/SAVP"), SdpError::NoCodec);
    fails(&PLAIN.replace("m=audio", "m=video"), SdpError::NoCodec);
    fails(&PLAIN.replace("4000", "70000"), SdpError::Grammar("a port is no number"));
    fails(&PLAIN.replace(" 0 8 101", ""), SdpError::Grammar("an `m=` line is not complete"));
    fails(&PLAIN.replace("c=IN IP4 192.0.2.1\r\n", ""), SdpError::Address);
    fails(&PLAIN.replace("c=IN IP4 192.0.2.1", "c=IN IP4 phone.example"), SdpError::Address);
    fails(&PLAIN.replace("c=IN IP4 192.0.2.1", "c=IN IP6 192.0.2.1"), SdpError::Address);
    fails(&PLAIN.replace("c=IN IP4 192.0.2.1", "c=IN IP4 224.2.1.1"), SdpError::Address);
    fails(&PLAIN.replace("c=IN IP4 192.0.2.1", "c=IN IP4 255.255.255.255"), SdpError::Address);
    fails(
        &format!("{PLAIN}a=rtpmap:300 PCMU/8000\r\n"),
        SdpError::Grammar("an `a=rtpmap` is not complete"),
    );
    fails(&format!("{PLAIN}{}", "m=audio 1 RTP/AVP 0\r\n".repeat(8)), SdpError::TooLarge);
    fails(&format!("{PLAIN}i={}\r\n", "x".repeat(600)), SdpError::TooLarge);
    fails(&format!("{PLAIN}{}", "b=AS:64\r\n".repeat(500)), SdpError::TooLarge);
    fails(&PLAIN.replace("0 8 101", &"0 ".repeat(33)), SdpError::TooLarge);
}

#[test]
fn an_answer_has_every_stream_in_order_and_refuses_the_others() {
    let offer = PLAIN
        .replace("m=audio", "m=video 5000 RTP/AVP 31 32\r\nm=audio 6000 RTP/SAVP 0\r\nm=audio");
    let offer = format!("{offer}m=image 7000 udptl t38\r\n");
    let offer = parse(offer.as_bytes()).unwrap();
    let mut local = plain();
    local.address = "198.51.100.2:9000".parse().unwrap();
    local.rtcp_port = 9_001;
    local.codecs = vec![Codec::Pcma];
    let text = answer(Author { id: 7, version: 2 }, &offer, &local, None).unwrap();
    let expected = "v=0\r\no=- 7 2 IN IP4 198.51.100.2\r\ns=-\r\nc=IN IP4 198.51.100.2\r\nt=0 0\r\n\
        m=video 0 RTP/AVP 31 32\r\nm=audio 0 RTP/SAVP 0\r\nm=audio 9000 RTP/AVP 8 101\r\n\
        a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n\
        a=ptime:20\r\na=sendrecv\r\nm=image 0 udptl t38\r\n";
    assert_eq!(String::from_utf8(text).unwrap(), expected);
}

/// Whoever agreed on comfort noise may send nothing at all while they listen to the notice.
#[test]
fn comfort_noise_is_neither_offered_nor_taken() {
    let author = Author { id: 7, version: 1 };
    let expected = "v=0\r\no=- 7 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n\
        m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
        a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n";
    assert_eq!(String::from_utf8(offer(author, &plain(), &[])).unwrap(), expected);
    for offered in ["0 13 8 101", "13 0 8 101"] {
        let text = PLAIN.replace("0 8 101", offered) + "a=rtpmap:13 CN/8000\r\n";
        reads(&text, |_| {});
        let theirs = parse(text.as_bytes()).unwrap();
        let ours = answer(author, &theirs, &plain(), None).unwrap();
        assert_eq!(String::from_utf8(ours).unwrap(), expected, "{offered}");
    }
}

#[test]
fn an_answer_follows_the_direction_of_the_offer() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    for (offered, local, expected) in [
        (SendRecv, SendRecv, SendRecv),
        (SendOnly, SendRecv, RecvOnly),
        (RecvOnly, SendRecv, SendOnly),
        (Inactive, SendRecv, Inactive),
        (SendOnly, SendOnly, Inactive),
        (SendRecv, RecvOnly, RecvOnly),
    ] {
        assert_eq!(answer_direction(offered, local), expected, "{offered:?} {local:?}");
    }
}

#[test]
fn ends_without_anything_in_common_do_not_agree() {
    let (mut one, mut other) = (plain(), plain());
    one.codecs = vec![Codec::Pcmu];
    other.codecs = vec![Codec::Pcma];
    assert_eq!(agree(&one, &other), None);
    other = plain();
    other.address = "[::1]:1".parse().unwrap();
    assert_eq!(agree(&one, &other), None);
    let author = Author { id: 1, version: 1 };
    let offer = parse(PLAIN.as_bytes()).unwrap();
    assert_eq!(answer(author, &offer, &other, None).unwrap_err(), SdpError::Family);
}

fn described() -> impl Strategy<Value = MediaDescription> {
    let codecs = prop_oneof![
        Just(vec![Codec::Pcmu]),
        Just(vec![Codec::Pcma]),
        Just(vec![Codec::Pcmu, Codec::Pcma]),
        Just(vec![Codec::Pcma, Codec::Pcmu]),
    ];
    let direction =
        (any::<bool>(), any::<bool>()).prop_map(|(speaks, hears)| super::direction(speaks, hears));
    let event = proptest::option::of(96..=127_u8);
    (1..=u16::MAX, codecs, event, 1..=6_u8, direction).prop_map(
        |(port, codecs, telephone_event, tens, direction)| MediaDescription {
            rtcp_port: port.wrapping_add(u16::from(tens)).max(1),
            rtcp_mux: tens % 2 == 0,
            signals_from: None,
            address: SocketAddr::from(([192, 0, 2, 7], port)),
            codecs,
            telephone_event,
            packet_ms: tens * 10,
            direction,
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read(local in described()) {
        let text = offer(Author { id: 1, version: 1 }, &local, &[]);
        prop_assert_eq!(parse(&text).unwrap().audio, local);
    }

    #[test]
    fn both_ends_choose_the_same_codec(offerer in described(), answerer in described()) {
        let author = Author { id: 1, version: 1 };
        let offered = parse(&offer(author, &offerer, &[])).unwrap();
        let Ok(text) = answer(author, &offered, &answerer, None) else {
            prop_assert_eq!(agree(&answerer, &offered.audio), None);
            return Ok(());
        };
        let answered = parse(&text).unwrap().audio;
        let there = agree(&offerer, &answered).unwrap();
        let here = agree(&answerer, &offered.audio).unwrap();
        prop_assert_eq!(there.codec, here.codec);
        prop_assert_eq!(there.telephone_event, here.telephone_event);
    }

    #[test]
    fn any_octets_are_survived(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&octets);
    }

    #[test]
    fn any_mutation_is_survived(at in 0..250_usize, new in "\\PC{0,6}", lines in "([vomact]=[\\PC]{0,20}\r\n){0,8}") {
        let mut text = format!("{PLAIN}{lines}");
        if text.is_char_boundary(at) {
            text.insert_str(at, &new);
        }
        let _ = parse(text.as_bytes());
    }
}

#[test]
fn rtcp_goes_where_both_ends_can_read_it() {
    reads(&format!("{PLAIN}a=rtcp:4007 IN IP4 198.51.100.1\r\n"), |m| m.rtcp_port = 4_007);
    reads(&format!("{PLAIN}a=rtcp:0\r\na=rtcp-mux\r\n"), |m| m.rtcp_mux = true);
    let shared = MediaDescription { rtcp_mux: true, ..plain() };
    let to = |local: &MediaDescription, remote: &MediaDescription| {
        agree(local, remote).unwrap().rtcp.port()
    };
    assert_eq!(to(&shared, &shared), 4_000);
    assert_eq!(to(&plain(), &shared), 4_001);
    assert_eq!(to(&shared, &MediaDescription { rtcp_port: 4_009, ..plain() }), 4_009);
    let author = Author { id: 1, version: 1 };
    let offered = parse(&offer(author, &plain(), &[])).unwrap();
    let answered = parse(&answer(author, &offered, &shared, None).unwrap()).unwrap();
    assert!(!answered.audio.rtcp_mux, "not offered");
}

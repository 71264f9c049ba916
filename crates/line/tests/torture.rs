//! The messages of RFC 4475, written down by hand in `torture/`, and what becomes of each over UDP.
//! Telephone numbers in three of them are sample numbers; `mpart01`, a MESSAGE, is left out.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use line::guard::Malformed::{self, Headers, Length, Mandatory, Start, Text};
use line::probe::{self, Probed};
use line::{Directory, Inbound, Line, LineConfig};
use model::{Clock, Private, StationId, Timestamp};
use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// A request that is read, and answered with a response of which this is the first digit.
    Answered(char),
    /// A response that is read.
    Response,
    /// Dropped and counted.
    Dropped(Malformed),
}
use Fate::{Answered, Dropped, Response};

/// Section 3.1.1, valid messages, and 3.2 to 3.4, of which the meaning is odd.
const VALID: &[(&str, Fate)] = &[
    // Dropped although they are valid, since the library would read them otherwise: a CSeq in two
    // lines, control characters in quotes, a body without Content-Length.
    ("wsinv", Dropped(Mandatory)),
    ("intmeth", Dropped(Text)),
    ("inv2543", Dropped(Length)),
    ("esc01", Answered('4')),
    ("escnull", Answered('4')),
    ("esc02", Answered('5')),
    ("lwsdisp", Answered('4')),
    ("longreq", Answered('4')),
    // What follows the body of a datagram is ignored (RFC 3261 section 18.3).
    ("dblreq", Answered('4')),
    ("semiuri", Answered('4')),
    ("transports", Answered('4')),
    ("unreason", Response),
    ("noreason", Response),
    ("badbranch", Answered('4')),
    ("unkscm", Answered('4')),
    ("novelsc", Answered('4')),
    ("unksm2", Answered('4')),
    ("bext01", Answered('4')),
    ("invut", Answered('4')),
    ("regaut01", Answered('4')),
    ("bcast", Response),
    ("zeromf", Answered('4')),
    ("cparam01", Answered('4')),
    ("cparam02", Answered('4')),
    ("regescrt", Answered('4')),
    ("sdp01", Answered('4')),
];

/// Section 3.1.2 and what else is wrong: dropped, or read where nothing depends on what is wrong,
/// which the section allows.
const INVALID: &[(&str, Fate)] = &[
    ("badinv01", Dropped(Mandatory)),
    ("clerr", Dropped(Length)),
    ("ncl", Dropped(Length)),
    ("scalar02", Dropped(Mandatory)),
    ("scalarlg", Dropped(Mandatory)),
    ("quotbal", Answered('4')),
    ("ltgtruri", Dropped(Start)),
    ("lwsruri", Dropped(Start)),
    ("lwsstart", Dropped(Start)),
    ("trws", Dropped(Start)),
    ("escruri", Answered('4')),
    ("baddate", Answered('4')),
    ("regbadct", Answered('4')),
    ("badaspec", Answered('4')),
    ("baddn", Answered('4')),
    ("badvers", Dropped(Start)),
    ("mismatch01", Dropped(Mandatory)),
    ("mismatch02", Dropped(Mandatory)),
    ("bigcode", Dropped(Start)),
    ("insuf", Dropped(Mandatory)),
    ("multi01", Dropped(Mandatory)),
    ("mcl01", Dropped(Length)),
];

#[test]
fn each_message_has_its_fate() {
    let source = "192.0.2.7:5060".parse().unwrap();
    for (name, expected) in VALID.iter().chain(INVALID) {
        let fate = match probe::datagram(&message(name), source) {
            Ok(Probed::Response) => Response,
            Ok(Probed::Request(answer)) => Answered(char::from(answer[8])),
            Ok(Probed::KeepAlive) => Answered('-'),
            Err(malformed) => Dropped(malformed),
        };
        assert_eq!(fate, *expected, "{name}");
    }
    let files = std::fs::read_dir(folder()).unwrap().count();
    assert_eq!(VALID.len() + INVALID.len(), files, "a message without a fate");
    assert!(!VALID.iter().chain(INVALID).any(|(_, fate)| *fate == Dropped(Headers)));
}

/// A line that takes nobody's calls is sent all of them, says something to what is right, and
/// counts the rest by name.
#[test]
fn a_line_survives_all_of_them_and_counts_what_it_drops() {
    let config = LineConfig {
        bind: "127.0.0.1:0".parse().unwrap(),
        realm: "jail".into(),
        user_agent: "line-test".into(),
        inbound: Inbound::Stations,
        calls_max: 8,
        network: line::Network::default(),
    };
    let clock = Clock::new(|| Timestamp::from_micros(0));
    let line = Line::start(config, Arc::new(Nobody), clock, |_| {}).unwrap();
    let phone = UdpSocket::bind("127.0.0.1:0").unwrap();
    phone.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut dropped: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, fate) in VALID.iter().chain(INVALID) {
        phone.send_to(&message(name), line.local_address()).unwrap();
        if let Dropped(malformed) = fate {
            *dropped.entry(count_of(*malformed)).or_default() += 1;
        }
        // It is alive, and was through with that before it answers this.
        let probe = format!(
            "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{name}\r\n\
             From: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: probe-{name}\r\n\
             CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        phone.send_to(probe.as_bytes(), line.local_address()).unwrap();
        let mut buffer = [0; 8_192];
        loop {
            let length = phone.recv(&mut buffer).unwrap();
            let answer = String::from_utf8_lossy(&buffer[..length]);
            assert!(answer.starts_with("SIP/2.0 "), "{answer}");
            if answer.contains(&format!("probe-{name}\r\n")) {
                break;
            }
        }
    }
    let counted: BTreeMap<&str, u64> = line.counts().named().collect();
    for (name, count) in dropped {
        assert_eq!(counted.get(name), Some(&count), "{name}: {counted:?}");
    }
    assert_eq!(counted.get("faults"), Some(&0));
}

struct Nobody;

impl Directory for Nobody {
    fn station(&self, _: SocketAddr, _: &str) -> Option<StationId> {
        None
    }
    fn digest(&self, _: &str) -> Option<(StationId, Private<[u8; 16]>)> {
        None
    }
    fn trunk(&self) -> Option<SocketAddr> {
        None
    }
}

fn count_of(malformed: Malformed) -> &'static str {
    match malformed {
        Malformed::Size => "malformed_size",
        Start => "malformed_start",
        Text => "malformed_text",
        Headers => "malformed_headers",
        Length => "malformed_length",
        Mandatory => "malformed_mandatory",
    }
}

fn message(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(format!("{name}.dat"))).unwrap()
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture")
}

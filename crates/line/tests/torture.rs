//! The 49 messages of RFC 4475 section 3, octet by octet in `torture/`, and what becomes of each
//! over UDP. Their telephone numbers are those of the RFC.
//!
//! The thirteen of section 3.1.1 have the hashes on which two independent decodings of the archive
//! in appendix A agree. The others are as transcriptions of that archive have them which agree with
//! each other and, down to the last line end, with those thirteen; their hashes are ours and keep
//! them so. The archive's fiftieth file, `test`, is left out: no section says what it is.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use line::guard::Malformed::{self, Headers, Length, Mandatory, Start, Text};
use line::probe::{self, Probed};
use line::{Directory, Inbound, Line, LineConfig};
use model::{Clock, Private, StationId, Timestamp};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};
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

/// A message: its name, how many octets it has, their SHA-256, and what becomes of it.
type Message = (&'static str, usize, &'static str, Fate);

/// Section 3.1.1, valid messages, and 3.2 to 3.4, of which the meaning is odd.
const VALID: &[Message] = &[
    // Dropped without an answer although they are valid, since the library would read them
    // otherwise: a CSeq in two lines, control characters in quotes, a body without Content-Length.
    // An answer is made of headers of the request (RFC 3261 section 8.2.6.2), and of these there is
    // no reading that both ends are sure to share; no telephone or carrier sends such a request.
    (
        "wsinv",
        1001,
        "d6f6cdee99cd0a1f8e3d9a0fdd67c877700e19ab86d8186dada06f61260e3e61",
        Dropped(Mandatory),
    ),
    (
        "intmeth",
        641,
        "b957a8292c1c0a9851fe94705b90f94320738f43aacde64998e401f742ef688d",
        Dropped(Text),
    ),
    (
        "inv2543",
        445,
        "76fac8afe22dee49ea696b511621946694897ac7030fc5d07f57c8b487ce0521",
        Dropped(Length),
    ),
    (
        "esc01",
        543,
        "be3a316d4ce5f69cad474646191e390dd4b50fc8371e44b5197fe1237781973e",
        Answered('4'),
    ),
    (
        "escnull",
        359,
        "263fe2ecd12a5ccbb6c67b3174e9211d11da9b600e7d69666a86d2ee42873e90",
        Answered('4'),
    ),
    (
        "esc02",
        439,
        "9a9c59449f00327b02071feafc8e5c2a261c98c818044167894cc17809a12199",
        Answered('5'),
    ),
    (
        "lwsdisp",
        255,
        "d1b36b6316c12824f6f04bf6b1fd1f021cade9b74871693b9c3474cd9fa7f4e6",
        Answered('4'),
    ),
    (
        "longreq",
        3515,
        "185739292bc676760e5b1cca77c87705aa570240171c506ad76f8c35af0ecdaa",
        Answered('4'),
    ),
    // What follows the body of a datagram is ignored (RFC 3261 section 18.3).
    (
        "dblreq",
        750,
        "a6be48426565c2a705389c4ce2ea17e57b891cb13f80490a2cb9392c797b46ef",
        Answered('4'),
    ),
    (
        "semiuri",
        380,
        "87bbaed6b4b354dbd3c5c7a20e66686303c63e43a0aa19b89de1ac75231611a2",
        Answered('4'),
    ),
    (
        "transports",
        503,
        "33b4553a3b9418121b099ff07882535151edd6a1e81898c63a916aad2cbf90bc",
        Answered('4'),
    ),
    // A MESSAGE, which a phone service has no use for; its body has octets that are no text.
    (
        "mpart01",
        1290,
        "92147c8e24997bac59629e1b163767697d0d6d499af87f89e325d69968bec3ba",
        Answered('4'),
    ),
    ("unreason", 526, "4f939d6ebf4817eea70f011d3209e83732872ffc20ffd304b244084dc392f4d7", Response),
    ("noreason", 274, "07e11e470a69fffa3674de805e5165d1351a9439a91045ee70c9570ea24ab4fe", Response),
    (
        "badbranch",
        262,
        "cb049c727f16b5ec49e822f9e8b7d0ee20ca2d20ffb50baecd0b411a5e64fa7d",
        Answered('4'),
    ),
    (
        "unkscm",
        291,
        "81be1a6a566c7ab52fe1c58c4a75440dfd697ad04c5e09fa71340de7da7b8bbb",
        Answered('4'),
    ),
    (
        "novelsc",
        277,
        "9a50a7343fcf685e77c4d0f477138a28f32a41c75aa566d200f3df210b01e648",
        Answered('4'),
    ),
    (
        "unksm2",
        282,
        "f6914409ced613ef5eb56e264d2f096dac26ab9e397d6a638934d2027f1f6acb",
        Answered('4'),
    ),
    (
        "bext01",
        381,
        "57181987c02c4f5752b7aa8c2847311f6184216ce7621e40303015949e70761c",
        Answered('4'),
    ),
    (
        "invut",
        391,
        "9b39e824947df46f90f824cd308fb3c118f548d94637f581101e355b381a0d92",
        Answered('4'),
    ),
    (
        "regaut01",
        304,
        "885ba0488872cfc04a3c7622854b8381955a5ee890745d6010834e3731a73faa",
        Answered('4'),
    ),
    ("bcast", 516, "073637c63597199179cf5fc91b980b2d530c066a0048ea3b908772def57b4c36", Response),
    (
        "zeromf",
        272,
        "50954ef47acca4f9f5263ded06246d06dee4e2ee508a8d284191795d7fddf365",
        Answered('4'),
    ),
    (
        "cparam01",
        321,
        "dfa6b5cdb289adc694b9b7e103ebfa7a2167335c46e5dc9de67055021910ae1c",
        Answered('4'),
    ),
    (
        "cparam02",
        311,
        "e93574215bd1d804bb46cc15ca6176b567def7ea1b15f72ab2c2dcf598af465a",
        Answered('4'),
    ),
    (
        "regescrt",
        302,
        "dab4087c133348b06fd7b3c4c7ef15094f8754e265e4e8c2137bb3ecda2ef477",
        Answered('4'),
    ),
    (
        "sdp01",
        494,
        "497c5f1ced6c7b579b48075e2dca919ce9b819a735964128a6e744a3a0b9e57f",
        Answered('4'),
    ),
];

/// Section 3.1.2 and what else is wrong: dropped, or read where nothing depends on what is wrong,
/// which the section allows.
const INVALID: &[Message] = &[
    (
        "badinv01",
        472,
        "9ee2b88f2e0b5a9eeb9bf729b6177f0a0c7d0b5e6c84be593e0480d7962f3ab8",
        Dropped(Mandatory),
    ),
    (
        "clerr",
        498,
        "d9da629086a38df433438fb0fb19a8730f34516f049a5520dd0cac3285485290",
        Dropped(Length),
    ),
    (
        "ncl",
        486,
        "7ea6538edc1f054fdb6cd1c821040460cffca3cb682fa2e8e2a502d92170b4c2",
        Dropped(Length),
    ),
    (
        "scalar02",
        476,
        "53158177326568e9964bce5dcfac27a2bf8a90953bbc03f6c5e2775864a97e4b",
        Dropped(Mandatory),
    ),
    (
        "scalarlg",
        385,
        "0957eca31737e3592eb1418bb41e9f5219278a78ff420111620d7fb60175b551",
        Dropped(Mandatory),
    ),
    (
        "quotbal",
        485,
        "e61978a2ea359fc666f0336fe4dbc623447532280e3273ea98119b3d3f788c84",
        Answered('4'),
    ),
    (
        "ltgtruri",
        452,
        "bcacb2dc17610e8cc8f9b8b0e3d6ee65ab473f93787a03bbd33579e1cea473df",
        Dropped(Start),
    ),
    (
        "lwsruri",
        541,
        "3e22ceeca585ad23cc180208e2dad94e0a5aa4bb877a61cac443aa927f758b9e",
        Dropped(Start),
    ),
    (
        "lwsstart",
        506,
        "f884e5626c6c5b1210cfc4a3540b8a28bd52939cff092f3f0c5c971e032adb0e",
        Dropped(Start),
    ),
    (
        "trws",
        327,
        "64ae20694026e28c10746b57386b7fd1276de02b6f8d42d418070e87d6f4499f",
        Dropped(Start),
    ),
    (
        "escruri",
        550,
        "c3cf30af13a9d107829cc105effd79355f1139c6ecc683a048b4c27951f8f416",
        Answered('4'),
    ),
    (
        "baddate",
        532,
        "1208a6e3e0c8a8c33a06a1f3733d158413cb72e58c379d094c4ecea11e9d4c28",
        Answered('4'),
    ),
    (
        "regbadct",
        307,
        "575d27530275814c1c98be164808fac89a0e2b4fc899dadcd97e6ba499437bda",
        Answered('4'),
    ),
    (
        "badaspec",
        346,
        "f8f6e2f4247287b0be6adb5ac222a6db4759395e44d27d2ddb9b39393e94867e",
        Answered('4'),
    ),
    // It ends without the empty line: what is no whole head is read in no part.
    (
        "baddn",
        331,
        "9d9428e8017092f194ec11077ba6865c251308cdfd7fd9db6a993b28e5748951",
        Dropped(Headers),
    ),
    (
        "badvers",
        291,
        "037d702d19e934bfeebbd2609050d7d54928d590cf90c78f3914522771dd8e03",
        Dropped(Start),
    ),
    (
        "mismatch01",
        236,
        "a2c285636e451e75420da0cc62ee55ca3e398827008418befbfb078726bf0793",
        Dropped(Mandatory),
    ),
    (
        "mismatch02",
        449,
        "01b287f9a9c492f7f57405c36c8a2af0e2393896ed2d25fb92b502f2a6722bc4",
        Dropped(Mandatory),
    ),
    (
        "bigcode",
        332,
        "f79450070975da54c3525c9a5cbe75bae3c9d8cb92eba609772c26f66f225c2e",
        Dropped(Start),
    ),
    (
        "insuf",
        304,
        "1e3efd9f3b238c6351ba12bc7eb46d843f2761b5d4a6b82b63bffdf07f2c5aee",
        Dropped(Mandatory),
    ),
    (
        "multi01",
        643,
        "d156ab12105b4bfd8a6498de6f7195087058162b8cda1606169855b722411791",
        Dropped(Mandatory),
    ),
    (
        "mcl01",
        382,
        "887191619bf003b7e87399200b5cf4c3b5397344dbf70288ad5e23bd157b7fe4",
        Dropped(Length),
    ),
];

/// An editor that changes one end of a line changes what is tried.
#[test]
fn each_message_has_the_octets_of_the_rfc() {
    use sha2::{Digest, Sha256};
    use std::fmt::Write;
    for (name, octets, hash, _) in VALID.iter().chain(INVALID) {
        let message = message(name);
        let hex = Sha256::digest(&message).iter().fold(String::new(), |mut hex, octet| {
            write!(hex, "{octet:02x}").unwrap();
            hex
        });
        assert_eq!((message.len(), hex.as_str()), (*octets, *hash), "{name}");
    }
}

#[test]
fn each_message_has_its_fate() {
    let source = "192.0.2.7:5060".parse().unwrap();
    for (name, _, _, expected) in VALID.iter().chain(INVALID) {
        let fate = match probe::datagram(&message(name), source) {
            Ok(Probed::Response) => Response,
            Ok(Probed::Request(answer)) => Answered(char::from(answer[8])),
            Ok(Probed::KeepAlive) => Answered('-'),
            Err(malformed) => Dropped(malformed),
        };
        assert_eq!(fate, *expected, "{name}");
    }
    let files = std::fs::read_dir(folder()).unwrap();
    let files = files.filter(|file| is_message(&file.as_ref().unwrap().path())).count();
    assert_eq!(VALID.len() + INVALID.len(), files, "a message without a fate");
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
    for (name, _, _, fate) in VALID.iter().chain(INVALID) {
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

/// The same by TCP, each on a stream of its own, since one that cannot be cut into messages ends
/// its stream: the line is there for whoever comes next.
#[test]
fn a_line_survives_all_of_them_by_streams() {
    let config = LineConfig {
        bind: "127.0.0.1:0".parse().unwrap(),
        realm: "jail".into(),
        user_agent: "line-test".into(),
        inbound: Inbound::Stations,
        calls_max: 8,
        network: line::Network { tcp: Some("127.0.0.1:0".parse().unwrap()), ..Default::default() },
    };
    let clock = Clock::new(|| Timestamp::from_micros(0));
    let line = Line::start(config, Arc::new(Nobody), clock, |_| {}).unwrap();
    let at = line.tcp_address().unwrap();
    for (name, ..) in VALID.iter().chain(INVALID) {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // A stream that the line has ended already takes no more.
        let _ = stream.write_all(&message(name));
        let _ = stream.shutdown(Shutdown::Write);
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said);
        assert!(said.is_empty() || said.starts_with(b"SIP/2.0 "), "{name}");
        let mut next = TcpStream::connect(at).unwrap();
        next.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let probe = format!(
            "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKt{name}\r\n\
             From: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: stream-{name}\r\n\
             CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        next.write_all(probe.as_bytes()).unwrap();
        let mut answer = [0; 12];
        next.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"SIP/2.0 200 ", "{name}");
    }
    assert_eq!(line.counts().faults, 0);
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

fn is_message(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "dat")
}

//! baresip as a telephone that speaks TLS and encrypts what is said (SRTP with keys by SDES).

use std::{fs, path::Path};

use crate::{
    baresip::{Phone, Secure, Settings},
    county::{self, PASSWORD, USER},
    node::Node,
    place,
    process::{CALL, SOON, openssl},
    sound::{RATE, is_tone},
    with_baresip::{SCENES, Scene},
};
use model::Codec;

#[test]
fn what_is_said_over_tls_is_encrypted_and_understood_with_baresip() {
    let Scene { node, station, called } = SCENES.take("encrypted");
    // baresip says so when it turns packets away.
    assert!(!station.finished.out.contains("failed to decrypt"), "{}", station.finished.out);
    for (who, heard, tone) in [
        ("station", &station.samples, CALLED_TONE),
        ("called party", &called.samples, STATION_TONE),
    ] {
        let parts = heard.chunks_exact(PART).filter(|part| is_tone(part, tone.into())).count();
        assert!(parts >= 20, "the {who} heard the other one in {parts} parts");
    }
    let [_] = node.calls();
}

/// One person calls over TLS from a telephone that encrypts what is said, at a node that wants no
/// other; both talk.
pub(crate) fn encrypted() -> Scene {
    let papers = tempfile::tempdir().unwrap();
    certificates(papers.path());
    let (trunk, port) = (place::ports(2), place::ports(2));
    let (certificate, key) = (papers.path().join("node.pem"), papers.path().join("node.key"));
    let secure = format!(
        "encryption = \"required\"\ntls = {{ listen = \"127.0.0.1:{port}\", certificate = \"{}\", \
         key = \"{}\" }}\nlisten = ",
        certificate.display(),
        key.display()
    );
    let node = Node::start_with(trunk, "listen = ", &secure);
    let number = county::number(4);
    let authority = papers.path().join("ca.pem");
    let mut called = Phone::start(
        Settings {
            account: "accounts-called",
            port: trunk,
            user: &format!("+1{number}"),
            password: "",
            codec: Codec::Pcmu,
            tone: CALLED_TONE,
            secure: None,
        },
        &node,
    );
    let mut station = Phone::start(
        Settings {
            account: "accounts-station-tls",
            port: place::ports(2),
            user: USER,
            password: PASSWORD,
            codec: Codec::Pcmu,
            tone: STATION_TONE,
            secure: Some(Secure { node: place::address(port), authority: &authority }),
        },
        &node,
    );
    station.call(&format!("sip:menu@127.0.0.1:{port};transport=tls"));
    node.wait_step("enter_pin", SOON);
    station.press(&format!("{}#", county::pin(4)));
    node.wait_step("enter_number", SOON);
    station.press(&format!("{number}#"));
    node.wait_step("called leg: heard to its end", CALL);
    called.press("1");
    node.wait_step("== node ==", SOON);
    node.hears_talk_for(TALK);
    called.hang_up();
    node.wait_step("over and settled", SOON);
    let (station, called) = (station.quit(), called.quit());
    Scene { node: node.stop(), station, called }
}

/// An authority and the node's certificate.
fn certificates(folder: &Path) {
    let openssl = |arguments| openssl(folder, arguments);
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca \
         -addext basicConstraints=critical,CA:TRUE -keyout ca.key -out ca.pem",
    );
    openssl(
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=127.0.0.1 \
         -keyout node.key -out node.csr",
    );
    fs::write(folder.join("ext"), "subjectAltName=IP:127.0.0.1,DNS:127.0.0.1\n").unwrap();
    openssl(
        "x509 -req -in node.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext \
         -out node.pem",
    );
}

/// How long people talk.
const TALK: std::time::Duration = std::time::Duration::from_secs(4);
/// Pitches, in Hz.
const STATION_TONE: u32 = 620;
const CALLED_TONE: u32 = 1_100;
/// Samples of a part that is looked at: 100 ms.
const PART: usize = RATE / 10;

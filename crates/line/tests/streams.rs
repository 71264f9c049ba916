//! Calls over TCP and TLS, between lines over loopback, with certificates of a test's own
//! authority.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking"
)]

use line::{
    Directory, Encryption, Inbound, Line, LineConfig, LineError, LineEvent, Network, Target,
    TlsFiles, TlsListen, TlsPeer, Transport, TrunkConfig, WireId,
};
use model::audio::Direction;
use model::{Clock, Codec, E164, MediaDescription, Private, StationId, Timestamp, TrunkId};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

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

struct End {
    line: Line,
    events: Receiver<LineEvent>,
}

impl End {
    fn new(network: Network) -> Self {
        Self::try_new(network).unwrap()
    }

    fn try_new(network: Network) -> Result<Self, LineError> {
        let (sender, events) = channel();
        let config = LineConfig {
            bind: "127.0.0.1:0".parse().unwrap(),
            realm: "jail".into(),
            user_agent: "line-test".into(),
            inbound: Inbound::Anyone,
            calls_max: 64,
            network,
        };
        let clock = Clock::new(|| Timestamp::from_micros(0));
        let line = Line::start(config, Arc::new(Nobody), clock, move |event| {
            drop(sender.send(event));
        })?;
        Ok(Self { line, events })
    }

    /// An end with one trunk.
    fn towards(trunk: TrunkConfig) -> Self {
        Self::new(Network { trunks: vec![trunk], ..Network::default() })
    }

    fn next(&self) -> LineEvent {
        self.events.recv_timeout(Duration::from_secs(20)).expect("an event")
    }

    fn call(&self) -> WireId {
        let number = E164::new(12_025_550_142).unwrap();
        self.line.dial(Target::Trunk { number }, "+12025550100".to_owned(), media(4_000))
    }

    fn failed(&self) -> u16 {
        loop {
            match self.next() {
                LineEvent::Failed { status, .. } => return status,
                LineEvent::Dialled { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

fn media(port: u16) -> MediaDescription {
    MediaDescription {
        address: SocketAddr::from(([127, 0, 0, 1], port)),
        codecs: vec![Codec::Pcmu, Codec::Pcma],
        telephone_event: Some(101),
        packet_ms: 20,
        direction: Direction::SendRecv,
        rtcp_port: port + 1,
        rtcp_mux: false,
        signals_from: None,
    }
}

/// A whole call, hung up by the one who was called and then by the one who calls.
fn talk(caller: &End, called: &End) {
    for called_hangs_up in [true, false] {
        let ours = caller.call();
        let LineEvent::Incoming { wire, dialled, .. } = called.next() else { panic!() };
        assert_eq!(dialled.expose(), "+12025550142");
        assert!(matches!(caller.next(), LineEvent::Dialled { .. }));
        called.line.ring(wire);
        assert!(matches!(caller.next(), LineEvent::Ringing { .. }));
        called.line.answer(wire, media(5_000));
        assert!(matches!(caller.next(), LineEvent::Answered { .. }));
        let (first, second) = if called_hangs_up {
            called.line.hang_up(wire);
            (caller.next(), ours)
        } else {
            caller.line.hang_up(ours);
            (called.next(), wire)
        };
        assert!(matches!(first, LineEvent::HungUp { wire } if wire == second), "{first:?}");
    }
}

#[test]
fn a_call_goes_over_tcp_and_ends_from_either_side() {
    let any = Some("127.0.0.1:0".parse().unwrap());
    let called = End::new(Network { tcp: any, ..Network::default() });
    let address = called.line.tcp_address().unwrap();
    let plain = TrunkConfig::plain(TrunkId(1), address);
    let caller = End::towards(TrunkConfig { transport: Transport::Tcp, ..plain });
    talk(&caller, &called);
    assert_eq!(called.line.counts().streams, 1, "one connection serves both calls");
}

#[test]
fn nobody_at_the_other_end_of_a_stream_is_known_at_once() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let plain = TrunkConfig::plain(TrunkId(1), gone);
    let caller = End::towards(TrunkConfig { transport: Transport::Tcp, ..plain });
    caller.call();
    assert_eq!(caller.failed(), 503);
}

#[test]
fn what_no_message_can_be_cut_from_ends_its_connection_and_no_other() {
    let any = Some("127.0.0.1:0".parse().unwrap());
    let called = End::new(Network { tcp: any, ..Network::default() });
    let address = called.line.tcp_address().unwrap();
    let plain = TrunkConfig::plain(TrunkId(1), address);
    let caller = End::towards(TrunkConfig { transport: Transport::Tcp, ..plain });
    let mut stranger = TcpStream::connect(address).unwrap();
    stranger.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // Somebody asks whether we are there, in two halves.
    stranger.write_all(b"\r\n\r").unwrap();
    stranger.write_all(b"\n").unwrap();
    let mut pong = [0; 2];
    stranger.read_exact(&mut pong).unwrap();
    assert_eq!(&pong, b"\r\n");
    stranger.write_all(b"OPTIONS sip:a@b SIP/2.0\r\nVia: x\r\n\r\n").unwrap();
    assert_eq!(stranger.read(&mut pong).unwrap(), 0, "closed");
    talk(&caller, &called);
}

/// Certificates of an authority that exists for one test.
struct Papers {
    folder: tempfile::TempDir,
}

impl Papers {
    fn new() -> Self {
        let papers = Self { folder: tempfile::tempdir().unwrap() };
        papers.authority("ca");
        papers
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn openssl(&self, arguments: &str) {
        let done = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(self.folder.path())
            .output()
            .expect("openssl");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    fn authority(&self, name: &str) {
        self.openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={name} \
             -addext basicConstraints=critical,CA:TRUE -keyout {name}.key -out {name}.pem"
        ));
    }

    /// A certificate for `subject` from `authority`.
    fn server(&self, name: &str, authority: &str, subject: &str) -> TlsFiles {
        self.openssl(&format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name} \
             -keyout {name}.key -out {name}.csr"
        ));
        fs::write(self.path("ext"), format!("subjectAltName={subject}\n")).unwrap();
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA {authority}.pem -CAkey {authority}.key -CAcreateserial \
             -days 2 -extfile ext -out {name}.pem"
        ));
        TlsFiles {
            certificate: self.path(&format!("{name}.pem")),
            key: self.path(&format!("{name}.key")),
        }
    }

    fn peer(&self, authority: &str, name: &str) -> TlsPeer {
        TlsPeer { authority: self.path(&format!("{authority}.pem")), name: name.to_owned() }
    }
}

fn tls_end(files: TlsFiles) -> (End, SocketAddr) {
    let tls = TlsListen { address: "127.0.0.1:0".parse().unwrap(), files };
    let end = End::new(Network { tls: Some(tls), ..Network::default() });
    let address = end.line.tls_address().unwrap();
    (end, address)
}

fn secured(address: SocketAddr, peer: TlsPeer) -> TrunkConfig {
    TrunkConfig {
        transport: Transport::Tls,
        tls: Some(peer),
        ..TrunkConfig::plain(TrunkId(1), address)
    }
}

#[test]
fn a_call_goes_over_tls_to_whom_the_authority_vouches_for_with_openssl() {
    let papers = Papers::new();
    papers.authority("stranger");
    let (called, address) =
        tls_end(papers.server("node", "ca", "IP:127.0.0.1,DNS:sip.carrier.example"));
    for name in ["127.0.0.1", "sip.carrier.example"] {
        talk(&End::towards(secured(address, papers.peer("ca", name))), &called);
    }
    for peer in [papers.peer("stranger", "127.0.0.1"), papers.peer("ca", "other.example")] {
        let caller = End::towards(secured(address, peer));
        caller.call();
        assert_eq!(caller.failed(), 503);
    }
    // Without an authority to check by, nothing is sent either.
    let unchecked = TrunkConfig { tls: None, ..secured(address, papers.peer("ca", "127.0.0.1")) };
    let caller = End::towards(unchecked);
    caller.call();
    assert_eq!(caller.failed(), 503);
    assert_eq!(called.line.counts().streams, 2);
}

#[test]
fn a_renewed_certificate_is_shown_to_the_next_caller_with_openssl() {
    let papers = Papers::new();
    papers.authority("next");
    let files = papers.server("node", "ca", "IP:127.0.0.1");
    let (called, address) = tls_end(files.clone());
    let by = |authority| End::towards(secured(address, papers.peer(authority, "127.0.0.1")));
    talk(&by("ca"), &called);
    // Half of a renewal is on disk: what was there before stays in force.
    fs::write(&files.key, "half").unwrap();
    touch(&files.key, 1);
    talk(&by("ca"), &called);
    papers.server("node", "next", "IP:127.0.0.1");
    touch(&files.key, 2);
    talk(&by("next"), &called);
    let old = by("ca");
    old.call();
    assert_eq!(old.failed(), 503);
}

/// Makes a file differ in its time, however coarse the file system counts.
fn touch(path: &Path, hours: u64) {
    let file = fs::File::options().append(true).open(path).unwrap();
    let time = std::time::UNIX_EPOCH + Duration::from_secs(2_000_000_000 + hours * 3_600);
    file.set_modified(time).unwrap();
}

#[test]
fn tls_before_1_2_is_refused_with_openssl() {
    let papers = Papers::new();
    let (called, address) = tls_end(papers.server("node", "ca", "IP:127.0.0.1"));
    let try_with = |version: &str| {
        let done = Command::new("openssl")
            .args(["s_client", "-connect", &address.to_string(), version, "-CAfile"])
            .arg(papers.path("ca.pem"))
            .args(["-cipher", "DEFAULT@SECLEVEL=0", "-verify_return_error"])
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        done.status.success()
    };
    assert!(try_with("-tls1_2") && try_with("-tls1_3"));
    assert!(!try_with("-tls1_1"));
    drop(called);
}

#[test]
fn files_that_do_not_fit_are_named_with_openssl() {
    let papers = Papers::new();
    let good = papers.server("node", "ca", "IP:127.0.0.1");
    let start = |files: TlsFiles| {
        let tls = TlsListen { address: "127.0.0.1:0".parse().unwrap(), files };
        let network = Network { tls: Some(tls), stations: Encryption::Off, ..Network::default() };
        End::try_new(network).err().unwrap().to_string()
    };
    let missing = TlsFiles { key: papers.path("none.key"), ..good.clone() };
    assert!(start(missing).contains("none.key"));
    let swapped = TlsFiles { certificate: good.key.clone(), key: good.certificate.clone() };
    assert!(start(swapped).contains("node.key` does not read as a certificate"));
    let foreign = TlsFiles { key: papers.path("ca.key"), ..good };
    assert!(start(foreign).contains("cannot be used with its key"));
}

/// What a telephone and a carrier do with keys.
struct Secured {
    papers: Papers,
    called: End,
    address: SocketAddr,
}

impl Secured {
    fn new(stations: Encryption) -> Self {
        let papers = Papers::new();
        let files = papers.server("node", "ca", "IP:127.0.0.1");
        let tls = TlsListen { address: "127.0.0.1:0".parse().unwrap(), files };
        let called = End::new(Network { tls: Some(tls), stations, ..Network::default() });
        let address = called.line.tls_address().unwrap();
        Self { papers, called, address }
    }

    fn caller(&self, encryption: Encryption) -> End {
        let trunk = secured(self.address, self.papers.peer("ca", "127.0.0.1"));
        End::towards(TrunkConfig { encryption, ..trunk })
    }
}

#[test]
fn both_ends_of_a_call_over_tls_come_to_the_same_keys_with_openssl() {
    let world = Secured::new(Encryption::Optional);
    let caller = world.caller(Encryption::Required);
    caller.call();
    let LineEvent::Incoming { wire, keys: theirs, .. } = world.called.next() else { panic!() };
    world.called.line.answer(wire, media(5_000));
    assert!(matches!(caller.next(), LineEvent::Dialled { .. }));
    let LineEvent::Answered { keys: ours, .. } = caller.next() else { panic!() };
    let (ours, theirs) = (ours.unwrap(), theirs.unwrap());
    assert_eq!((&ours.send, &ours.receive), (&theirs.receive, &theirs.send));
    assert_ne!(ours.send, ours.receive);
}

#[test]
fn encryption_is_had_where_both_can_and_refused_where_one_must_with_openssl() {
    use Encryption::{Off, Optional, Required};
    // A caller that may, called by one that cannot, comes back in clear.
    for (called, caller, secret) in [
        (Off, Off, false),
        (Optional, Off, false),
        (Off, Optional, false),
        (Required, Optional, true),
    ] {
        let world = Secured::new(called);
        let caller = world.caller(caller);
        caller.call();
        let LineEvent::Incoming { wire, keys, .. } = world.called.next() else { panic!() };
        world.called.line.answer(wire, media(5_000));
        assert!(matches!(caller.next(), LineEvent::Dialled { .. }));
        let LineEvent::Answered { keys: agreed, .. } = caller.next() else { panic!() };
        assert_eq!((keys.is_some(), agreed.is_some()), (secret, secret), "{called:?}");
    }
    for (called, caller) in [(Off, Required), (Required, Off)] {
        let world = Secured::new(called);
        let caller = world.caller(caller);
        caller.call();
        assert_eq!(caller.failed(), 488);
    }
}

#[test]
fn keys_are_never_shown_in_clear() {
    let any = Some("127.0.0.1:0".parse().unwrap());
    let by = |stations, encryption| {
        let called = End::new(Network { tcp: any, stations, ..Network::default() });
        let address = called.line.tcp_address().unwrap();
        let trunk = TrunkConfig::plain(TrunkId(1), address);
        let caller = End::towards(TrunkConfig { transport: Transport::Tcp, encryption, ..trunk });
        caller.call();
        (called, caller)
    };
    let (_called, caller) = by(Encryption::Optional, Encryption::Required);
    assert_eq!(caller.failed(), 503);
    let (called, caller) = by(Encryption::Required, Encryption::Optional);
    assert_eq!(caller.failed(), 488);
    assert_eq!(called.line.counts().refused_clear, 1);
    let (called, _caller) = by(Encryption::Optional, Encryption::Optional);
    let LineEvent::Incoming { keys: None, .. } = called.next() else { panic!() };
}

/// SIPp with a scenario of its own, behind this port.
struct Sipp {
    process: std::process::Child,
    port: u16,
}

impl Sipp {
    /// Answers one call over this transport.
    fn answers(folder: &Path, transport: &[&str]) -> Self {
        let port = free_port();
        let mut command = Command::new("sipp");
        command.args(["-sn", "uas", "-i", "127.0.0.1", "-p", &port.to_string(), "-m", "1"]);
        Self::start(folder, command, transport, port)
    }

    /// Places one call to `address`.
    fn calls(folder: &Path, transport: &[&str], address: SocketAddr) -> Self {
        let port = free_port();
        let mut command = Command::new("sipp");
        command.args(["-sn", "uac", "-i", "127.0.0.1", "-p", &port.to_string(), "-m", "1"]);
        command.args(["-d", "200", &address.to_string()]);
        Self::start(folder, command, transport, port)
    }

    fn start(folder: &Path, mut command: Command, transport: &[&str], port: u16) -> Self {
        let process = command
            .args(transport)
            .args(["-nostdin", "-timeout", "20"])
            .current_dir(folder)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("sipp");
        Self { process, port }
    }

    fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Whether its call went as it should.
    fn went_well(mut self) -> bool {
        self.process.wait().unwrap().success()
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Calls until the other end listens, then talks and hangs up.
fn call_until_heard(caller: &End) {
    let deadline = 2_000;
    for _ in 0..deadline {
        let wire = caller.call();
        loop {
            match caller.next() {
                LineEvent::Dialled { .. } | LineEvent::Ringing { .. } => {}
                LineEvent::Answered { .. } => return caller.line.hang_up(wire),
                LineEvent::Failed { status: 503, .. } => break,
                other => panic!("{other:?}"),
            }
        }
        // Nobody listens there yet.
        let _ = caller.events.recv_timeout(Duration::from_millis(10));
    }
    panic!("nobody ever listened");
}

#[test]
fn sipp_calls_and_is_called_over_tcp_with_sipp() {
    let folder = tempfile::tempdir().unwrap();
    let called = Sipp::answers(folder.path(), &["-t", "t1"]);
    let plain = TrunkConfig::plain(TrunkId(1), called.address());
    let caller = End::towards(TrunkConfig { transport: Transport::Tcp, ..plain });
    call_until_heard(&caller);
    assert!(called.went_well());

    let any = Some("127.0.0.1:0".parse().unwrap());
    let node = End::new(Network { tcp: any, ..Network::default() });
    let address = node.line.tcp_address().unwrap();
    let station = Sipp::calls(folder.path(), &["-t", "t1"], address);
    let LineEvent::Incoming { wire, .. } = node.next() else { panic!() };
    node.line.ring(wire);
    node.line.answer(wire, media(5_000));
    assert!(matches!(node.next(), LineEvent::HungUp { .. }));
    assert!(station.went_well());
}

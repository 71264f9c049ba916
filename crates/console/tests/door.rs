//! The door, over real connections on this machine: who is let in, what a stranger can do.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

mod world;

use console::{Console, ConsoleConfig, Entry, Method, NotStarted, ROUTES, TlsFiles};
use model::Clock;
use serde_json::json;
use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};
use ureq::{
    Agent,
    tls::{Certificate, RootCerts, TlsConfig},
};
use world::{NOW, PASSWORD, World, agent, get, post, read, refused};

#[test]
fn a_console_that_ends_last_closes_the_database_in_order() {
    let world = World::start();
    assert_eq!(get(&world.console, "/api/v1/health", "").status(), 200);
    assert!(world.stop_console_last());
}

#[test]
fn who_logs_in_is_known_until_they_log_out() {
    let world = World::start();
    let avery = world.first();
    let body = &avery.logged_in;
    assert_eq!(body["until"], "2026-11-27T09:00:00Z");
    assert_eq!(body["staff"]["role"], "it-admin");
    assert_eq!(body["staff"]["agency"], world.cedar.0);
    assert_eq!(read(avery.get("/api/v1/me")), (200, body["staff"].clone()));
    assert_eq!(read(avery.post("/api/v1/logout", &json!({}))).0, 200);
    refused(avery.get("/api/v1/me"), 401, "log-in");
    // The code was used, and the next one is not shown yet.
    refused(world.try_log_in("avery", PASSWORD, &world.code(&avery.secret)), 401, "wrong");
    world.time.pass(Duration::from_secs(30));
    let again = world.log_in("avery", &avery.secret);
    world.time.pass(Duration::from_secs(30 * 60));
    refused(again.get("/api/v1/me"), 401, "log-in");
}

#[test]
fn nobody_is_let_in_by_mistake_and_nobody_learns_why() {
    let world = World::start();
    let avery = world.first();
    world.time.pass(Duration::from_secs(60));
    let code = || world.code(&avery.secret);
    refused(world.try_log_in("nobody", PASSWORD, &code()), 401, "wrong");
    refused(world.try_log_in("avery", PASSWORD, "12345"), 401, "wrong");
    for _ in 0..4 {
        refused(world.try_log_in("avery", "not their password", &code()), 401, "wrong");
    }
    // Five failures lock, and only who knows password and code learns of it.
    refused(world.try_log_in("avery", PASSWORD, &code()), 403, "locked");
    refused(world.try_log_in("avery", "not their password", &code()), 401, "wrong");
    refused(avery.get("/api/v1/me"), 403, "locked");
    refused(get(&world.console, "/api/v1/me", "another"), 401, "log-in");
    let half = json!({"name": "avery", "password": 5});
    refused(post(&world.console, "/api/v1/login", "", &half), 400, "unreadable");
}

#[test]
fn no_route_of_staff_answers_without_a_session() {
    let World { console, .. } = &World::start();
    let mut staff = 0;
    for route in ROUTES.iter().copied().flatten().filter(|route| route.entry == Entry::Staff) {
        let response = match route.method {
            Method::Get => get(console, route.path, "another"),
            Method::Post => post(console, route.path, "another", &json!({})),
        };
        refused(response, 401, "log-in");
        staff += 1;
    }
    assert!(staff >= 2);
}

#[test]
fn every_answer_has_a_number_and_is_kept_by_nobody() {
    let World { console, .. } = &World::start();
    let answers = [get(console, "/api/v1/health", ""), get(console, "/nothing", "")];
    let numbers = answers.map(|answer| {
        let headers = answer.headers();
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert!(headers["content-security-policy"].to_str().unwrap().contains("'none'"));
        headers["x-request-id"].clone()
    });
    assert_ne!(numbers[0], numbers[1]);
    refused(get(console, "/nothing", ""), 404, "not-there");
    refused(get(console, "/api/v1/login", ""), 405, "other-method");
    let (status, document) = read(get(console, "/api/v1/openapi.json", ""));
    assert_eq!((status, &document["openapi"]), (200, &json!("3.1.0")));
}

#[test]
fn too_much_is_not_read() {
    let World { console, .. } = &World::start();
    let ask = agent().post(format!("{}/api/v1/login", console.url()));
    refused(ask.content_type("text/plain").send("{}").unwrap(), 415, "no-json");
    let long = json!({"name": "a".repeat(3 * 1_024 * 1_024), "password": "", "code": ""});
    let long = long.to_string();
    let ask = || agent().post(format!("{}/api/v1/login", console.url()));
    let answer = until_heard(|| match ask().content_type("application/json").send(&long) {
        Err(ureq::Error::Io(fault)) => Err(fault),
        other => Ok(other.unwrap()),
    });
    refused(answer, 413, "too-long");
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "a".repeat(9_000));
    assert!(raw(console, &head).starts_with("HTTP/1.1 431"));
    let lines = "X: a\r\n".repeat(60);
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    assert!(raw(console, &head).starts_with("HTTP/1.1 431"));
    assert!(raw(console, "nonsense\r\n\r\n").starts_with("HTTP/1.1 400"));
}

/// What comes back to octets that no client would send, up to the end of the connection.
fn raw(console: &Console, octets: &str) -> String {
    until_heard(|| {
        let mut stream = TcpStream::connect(console.address())?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.write_all(octets.as_bytes())?;
        let mut answer = [0; 64];
        let read = stream.read(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer[..read]).into_owned())
    })
}

/// The answer to what is not read to its end. A connection that is closed over octets that nobody
/// read is reset (RFC 9293 section 3.6), and with it may be lost what was answered, when whoever
/// sends is slower than the reset. Then it is asked again; what is answered is one and the same.
fn until_heard<T>(ask: impl Fn() -> io::Result<T>) -> T {
    for _ in 0..TRIES {
        match ask() {
            Ok(answer) => return answer,
            Err(fault) => {
                let reset = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
                assert!(reset.contains(&fault.kind()), "{fault}");
            }
        }
    }
    panic!("never answered in {TRIES} tries")
}

/// One that is reset loses a race of microseconds.
const TRIES: usize = 50;

#[test]
fn who_tries_too_often_waits() {
    let World { console, .. } = &World::start();
    // What cannot be read is no try; what can is one, whatever comes of it.
    let nobody = json!({"name": "nobody", "password": "", "code": ""});
    for _ in 0..30 {
        refused(post(console, "/api/v1/login", "", &json!({})), 400, "unreadable");
        refused(post(console, "/api/v1/login", "", &nobody), 401, "wrong");
    }
    refused(post(console, "/api/v1/login", "", &nobody), 429, "too-often");
}

#[test]
fn without_services_everybody_is_told_why() {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let why = "the log cannot be opened, so nothing is disclosed".to_owned();
    let config = ConsoleConfig { listen, tls: None, metrics: false };
    let console = Console::start(config, Err(why.clone()), Clock::new(|| NOW)).unwrap();
    let (status, health) = read(get(&console, "/api/v1/health", ""));
    assert_eq!((status, health), (200, json!({"open": false, "why": why})));
    let nobody = json!({"name": "nobody", "password": "", "code": ""});
    refused(post(&console, "/api/v1/login", "", &nobody), 503, "closed");
}

#[test]
fn programs_on_this_machine_read_how_it_does_where_the_settings_let_them() {
    let World { console, .. } = World::start();
    let mut response = get(&console, "/metrics", "");
    assert_eq!(response.status(), 200);
    let kind = response.headers()["content-type"].to_str().unwrap();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    let text = response.body_mut().read_to_string().unwrap();
    for row in [
        "parlatory_info{version=\"0.1.0\",build=\"abab",
        "parlatory_calls{stage=\"talking\"} 6",
        "parlatory_events_total{what=\"refused_transfer\"} 2",
        "parlatory_refused_total{reason=\"own_number\"} 1",
        "parlatory_trunk_up{trunk=\"1\"} 0",
        "parlatory_silent{kind=\"witness\",name=\"court.example/witness\"} 1",
        "parlatory_alarms 1",
    ] {
        assert!(text.lines().any(|line| line.starts_with(row)), "{row} is not in {text}");
    }
    assert!(!text.contains("unrecorded") && !text.contains("calls_recorded"), "{text}");
    assert!(!text.contains("cedar"), "no station is named: {text}");
    assert!(text.lines().all(|line| line.starts_with('#') || line.starts_with("parlatory_")));

    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let config = ConsoleConfig { listen, tls: None, metrics: false };
    let off = Console::start(config, Err(String::new()), Clock::new(|| NOW)).unwrap();
    refused(get(&off, "/metrics", ""), 404, "not-there");
}

#[test]
fn a_console_that_stopped_takes_nothing_more() {
    let World { console, .. } = World::start();
    let address = console.address();
    let idle = TcpStream::connect(address).unwrap();
    assert_eq!(read(get(&console, "/api/v1/health", "")).0, 200);
    console.stop();
    assert!(TcpStream::connect(address).is_err());
    drop(idle);
}

#[test]
fn in_clear_it_listens_on_this_machine_only() {
    let listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let config = ConsoleConfig { listen, tls: None, metrics: false };
    let not = Console::start(config, Err(String::new()), Clock::new(|| NOW)).unwrap_err();
    assert!(matches!(not, NotStarted::Clear(_)), "{not}");
}

#[test]
fn over_tls_it_shows_its_certificate_and_the_new_one_when_that_is_renewed() {
    let folder = tempfile::tempdir().unwrap();
    let files = TlsFiles {
        certificate: folder.path().join("console.pem"),
        key: folder.path().join("console.key"),
    };
    let renew = || {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        fs::write(&files.certificate, made.cert.pem()).unwrap();
        fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        Certificate::from_der(made.cert.der()).to_owned()
    };
    let health = |console: &Console, believed: &Certificate<'static>| {
        let roots = RootCerts::new_with_certs(std::slice::from_ref(believed));
        let tls = TlsConfig::builder().root_certs(roots).build();
        let agent: Agent = Agent::config_builder().tls_config(tls).build().into();
        agent.get(format!("{}/api/v1/health", console.url())).call()
    };
    let first = renew();
    let world = World::start_with(Some(files.clone()));
    let console = &world.console;
    assert!(console.url().starts_with("https://"));
    assert_eq!(health(console, &first).unwrap().status(), 200);
    let second = renew();
    assert_eq!(health(console, &second).unwrap().status(), 200);
    assert!(health(console, &first).is_err());
    fs::write(&files.key, "nonsense").unwrap();
    assert_eq!(health(console, &second).unwrap().status(), 200, "the pair before stays");
    assert!(files.check().is_err());
}

//! The door, over real connections on this machine: who is let in, what a stranger can do.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::panic_in_result_fn,
    reason = "a test fails by it"
)]

use access::{
    Role,
    staff::{Staff, Unusable},
};
use console::{
    Console, ConsoleConfig, Door, Entry, LoggedIn, Method, NotIn, NotStarted, ROUTES, Services,
    TlsFiles,
};
use model::{AgencyId, Clock, Private, StaffId, Timestamp};
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    sync::{Arc, Mutex},
    time::Duration,
};
use ureq::{
    Agent, Body,
    http::Response,
    tls::{Certificate, RootCerts, TlsConfig},
};

const NOW: Timestamp = Timestamp::from_micros(1_795_726_800_000_000);
const HOUR: Duration = Duration::from_secs(3_600);

/// One person with one session at most.
#[derive(Default)]
struct House {
    open: Mutex<Option<String>>,
}

impl Door for House {
    fn log_in(
        &self,
        name: &Private<String>,
        password: &Private<String>,
        code: &Private<String>,
        now: Timestamp,
    ) -> Result<LoggedIn, NotIn> {
        match (name.expose().as_str(), password.expose().as_str(), code.expose().as_str()) {
            ("dana", "correct horse", "123456") => {
                let token = "token-of-dana".to_owned();
                *self.open.lock().unwrap() = Some(token.clone());
                Ok(LoggedIn { token: Private::new(token), until: now.after(HOUR), staff: dana() })
            }
            ("lee", _, _) => Err(Unusable::Locked.into()),
            ("panic", _, _) => panic!("a fault of ours"),
            _ => Err(NotIn::Wrong),
        }
    }

    fn who(&self, token: &Private<String>, _: Timestamp) -> Result<Staff, NotIn> {
        let open = self.open.lock().unwrap();
        (open.as_ref() == Some(token.expose())).then(dana).ok_or(NotIn::Ended)
    }

    fn log_out(&self, _: &Private<String>, _: Timestamp) -> Result<(), NotIn> {
        *self.open.lock().unwrap() = None;
        Ok(())
    }
}

fn dana() -> Staff {
    Staff {
        id: StaffId(11),
        role: Role::Investigator,
        agency: AgencyId(3),
        revoked: false,
        last_seen: NOW,
        failures: vec![],
        unreviewed: vec![],
    }
}

fn start(tls: Option<TlsFiles>) -> Console {
    let services = Services { door: Arc::new(House::default()) };
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let clock = Clock::new(|| NOW);
    Console::start(ConsoleConfig { listen, tls }, Ok(services), clock).unwrap()
}

fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).build().into()
}

fn get(console: &Console, path: &str, token: &str) -> Response<Body> {
    let ask = agent().get(format!("{}{path}", console.url()));
    ask.header("Authorization", format!("Bearer {token}")).call().unwrap()
}

fn post(console: &Console, path: &str, token: &str, body: &Value) -> Response<Body> {
    let ask = agent().post(format!("{}{path}", console.url()));
    let ask = ask.header("Authorization", format!("Bearer {token}"));
    ask.content_type("application/json").send(body.to_string()).unwrap()
}

fn log_in(console: &Console, name: &str, password: &str) -> Response<Body> {
    let body = json!({"name": name, "password": password, "code": "123456"});
    post(console, "/api/v1/login", "", &body)
}

/// Status and body.
fn read(mut response: Response<Body>) -> (u16, Value) {
    let text = response.body_mut().read_to_string().unwrap();
    (response.status().as_u16(), serde_json::from_str(&text).unwrap())
}

fn refused(response: Response<Body>, status: u16, code: &str) {
    let (found, body) = read(response);
    assert_eq!((found, body["error"]["code"].as_str()), (status, Some(code)), "{body}");
    assert!(body["error"]["message"].as_str().unwrap().len() > 10);
}

#[test]
fn who_logs_in_is_known_until_they_log_out() {
    let console = start(None);
    let (status, body) = read(log_in(&console, "dana", "correct horse"));
    assert_eq!(status, 200);
    assert_eq!(body["until"], "2026-11-26T22:00:00Z");
    assert_eq!(body["staff"], json!({"id": 11, "role": "investigator", "agency": 3}));
    let token = body["token"].as_str().unwrap();
    assert_eq!(read(get(&console, "/api/v1/me", token)), (200, body["staff"].clone()));
    assert_eq!(read(post(&console, "/api/v1/logout", token, &json!({}))).0, 200);
    refused(get(&console, "/api/v1/me", token), 401, "log-in");
}

#[test]
fn nobody_is_let_in_by_mistake_and_nobody_learns_why() {
    let console = start(None);
    refused(log_in(&console, "dana", "wrong"), 401, "wrong");
    refused(log_in(&console, "nobody", "correct horse"), 401, "wrong");
    refused(log_in(&console, "lee", "correct horse"), 403, "locked");
    refused(log_in(&console, "panic", ""), 500, "broken");
    refused(get(&console, "/api/v1/me", "another"), 401, "log-in");
    let open = post(&console, "/api/v1/login", "", &json!({"name": "dana", "password": 5}));
    refused(open, 400, "unreadable");
}

#[test]
fn no_route_of_staff_answers_without_a_session() {
    let console = start(None);
    let mut staff = 0;
    for route in ROUTES.iter().copied().flatten().filter(|route| route.entry == Entry::Staff) {
        let response = match route.method {
            Method::Get => get(&console, route.path, "another"),
            Method::Post => post(&console, route.path, "another", &json!({})),
        };
        refused(response, 401, "log-in");
        staff += 1;
    }
    assert!(staff >= 2);
}

#[test]
fn every_answer_has_a_number_and_is_kept_by_nobody() {
    let console = start(None);
    let answers = [get(&console, "/api/v1/health", ""), get(&console, "/nothing", "")];
    let numbers = answers.map(|answer| {
        let headers = answer.headers();
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert!(headers["content-security-policy"].to_str().unwrap().contains("'none'"));
        headers["x-request-id"].clone()
    });
    assert_ne!(numbers[0], numbers[1]);
    refused(get(&console, "/nothing", ""), 404, "not-there");
    refused(get(&console, "/api/v1/login", ""), 405, "other-method");
    let (status, document) = read(get(&console, "/api/v1/openapi.json", ""));
    assert_eq!((status, &document["openapi"]), (200, &json!("3.1.0")));
}

#[test]
fn too_much_is_not_read() {
    let console = start(None);
    let ask = agent().post(format!("{}/api/v1/login", console.url()));
    refused(ask.content_type("text/plain").send("{}").unwrap(), 415, "no-json");
    let long = json!({"name": "a".repeat(3 * 1_024 * 1_024), "password": "", "code": ""});
    refused(post(&console, "/api/v1/login", "", &long), 413, "too-long");
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "a".repeat(9_000));
    assert!(raw(&console, &head).starts_with("HTTP/1.1 431"));
    let lines = "X: a\r\n".repeat(60);
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
    assert!(raw(&console, &head).starts_with("HTTP/1.1 431"));
    assert!(raw(&console, "nonsense\r\n\r\n").starts_with("HTTP/1.1 400"));
}

/// What comes back to octets that no client would send, up to the end of the connection.
fn raw(console: &Console, octets: &str) -> String {
    let mut stream = TcpStream::connect(console.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(octets.as_bytes()).unwrap();
    let mut answer = [0; 64];
    let read = stream.read(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

#[test]
fn who_tries_too_often_waits() {
    let console = start(None);
    for _ in 0..30 {
        refused(log_in(&console, "dana", "wrong"), 401, "wrong");
    }
    refused(log_in(&console, "dana", "correct horse"), 429, "too-often");
}

#[test]
fn without_services_everybody_is_told_why() {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let why = "the log cannot be opened, so nothing is disclosed".to_owned();
    let config = ConsoleConfig { listen, tls: None };
    let console = Console::start(config, Err(why.clone()), Clock::new(|| NOW)).unwrap();
    let (status, health) = read(get(&console, "/api/v1/health", ""));
    assert_eq!((status, health), (200, json!({"open": false, "why": why})));
    refused(log_in(&console, "dana", "correct horse"), 503, "closed");
}

#[test]
fn a_console_that_stopped_takes_nothing_more() {
    let console = start(None);
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
    let config = ConsoleConfig { listen, tls: None };
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
    let console = start(Some(files.clone()));
    assert!(console.url().starts_with("https://"));
    assert_eq!(health(&console, &first).unwrap().status(), 200);
    let second = renew();
    assert_eq!(health(&console, &second).unwrap().status(), 200);
    assert!(health(&console, &first).is_err());
    fs::write(&files.key, "nonsense").unwrap();
    assert_eq!(health(&console, &second).unwrap().status(), 200, "the pair before stays");
    assert!(files.check().is_err());
}

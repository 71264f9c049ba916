//! The witness's server: one path, and HTTP/1.1 as far as that needs it (RFC 9112).

use crate::{
    Answer, Witness,
    limits::{
        BODY_OCTETS_MAX, CONNECTIONS_COUNT_MAX, FIELDS_COUNT_MAX, HEAD_OCTETS_MAX, REQUEST_S_MAX,
        REQUESTS_COUNT_MAX, SILENCE_MAX,
    },
};
use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
};

/// A running server. It ends when it is dropped; connections that are open end on their own.
pub struct Server {
    address: SocketAddr,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Answers submissions that come to `listener`. `now_s` gives the seconds since 1970.
///
/// # Errors
/// When the listener has no address, or no thread can be started.
pub fn serve(
    witness: Witness,
    listener: TcpListener,
    now_s: impl Fn() -> u64 + Send + Sync + 'static,
) -> io::Result<Server> {
    let address = listener.local_addr()?;
    let ends = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&ends);
    let (witness, now_s) = (Arc::new(witness), Arc::new(now_s));
    let open = Arc::new(AtomicUsize::new(0));
    let accept = move || {
        for stream in listener.incoming() {
            if ended.load(Ordering::Acquire) {
                return;
            }
            let Ok(stream) = stream else { continue };
            let (witness, now_s, open) =
                (Arc::clone(&witness), Arc::clone(&now_s), Arc::clone(&open));
            if open.fetch_add(1, Ordering::AcqRel) >= CONNECTIONS_COUNT_MAX {
                open.fetch_sub(1, Ordering::AcqRel);
                continue;
            }
            let held = Held(open);
            let talk = move || {
                let _held = held;
                // A connection that fails is its peer's to make again.
                drop(talk(&stream, &witness, &*now_s));
            };
            if thread::Builder::new().name("witness".to_owned()).spawn(talk).is_err() {
                tracing::warn!("no thread for a connection; it is closed");
            }
        }
    };
    let thread = thread::Builder::new().name("witness-accept".to_owned()).spawn(accept)?;
    Ok(Server { address, ends, thread: Some(thread) })
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it ends, which it does not by itself.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.ends.store(true, Ordering::Release);
            // The thread waits for a connection; this is the last one.
            if TcpStream::connect(self.address).is_ok() {
                drop(thread.join());
            }
        }
    }
}

/// One of the connections that may be open.
struct Held(Arc<AtomicUsize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Answers the requests of one connection, one after the other.
fn talk(stream: &TcpStream, witness: &Witness, now_s: &dyn Fn() -> u64) -> io::Result<()> {
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    stream.set_write_timeout(Some(SILENCE_MAX))?;
    stream.set_nodelay(true)?;
    let mut held = Vec::new();
    for _ in 0..REQUESTS_COUNT_MAX {
        let Some(request) = read_request(stream, &mut held, now_s)? else { return Ok(()) };
        let (status, kind, body, stay) = match request {
            Request::Submission { body, stay } => {
                let (status, kind, body) = written(witness.decide(&body, now_s()));
                (status, kind, body, stay)
            }
            Request::Refused(status) => (status, TEXT, format!("{status}\n"), false),
        };
        let connection = if stay { "keep-alive" } else { "close" };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
             Connection: {connection}\r\n\r\n",
            body.len()
        );
        let mut stream = stream;
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat())?;
        if !stay {
            return Ok(());
        }
    }
    Ok(())
}

/// An answer as HTTP has it (c2sp.org/tlog-witness).
fn written(answer: Answer) -> (&'static str, &'static str, String) {
    match answer {
        Answer::Cosigned(lines) => ("200 OK", TEXT, lines),
        Answer::BadRequest(why) => ("400 Bad Request", TEXT, format!("{why}\n")),
        Answer::Forbidden(why) => ("403 Forbidden", TEXT, format!("{why}\n")),
        Answer::UnknownLog => ("404 Not Found", TEXT, "this log is not known here\n".to_owned()),
        Answer::Conflict(size) => ("409 Conflict", "text/x.tlog.size", format!("{size}\n")),
        Answer::Unproven(why) => ("422 Unprocessable Entity", TEXT, format!("{why}\n")),
        Answer::Broken(why) => ("500 Internal Server Error", TEXT, format!("{why}\n")),
    }
}

/// One request of a connection.
enum Request {
    /// A submission.
    Submission {
        /// What was sent.
        body: Vec<u8>,
        /// Whether more may come on this connection.
        stay: bool,
    },
    /// Something else, which gets this status.
    Refused(&'static str),
}

/// Reads the next request; `None` at the end of the connection. What was read beyond it is `held`.
fn read_request(
    mut stream: &TcpStream,
    held: &mut Vec<u8>,
    now_s: &dyn Fn() -> u64,
) -> io::Result<Option<Request>> {
    let mut octets = [0; 8192];
    let mut begun = None;
    let (head, length) = loop {
        match head_of(held) {
            Ok(Some(head)) => break head,
            Ok(None) if held.len() > HEAD_OCTETS_MAX => {
                return Ok(Some(Request::Refused("431 Request Header Fields Too Large")));
            }
            Ok(None) => {}
            Err(status) => return Ok(Some(Request::Refused(status))),
        }
        let count = stream.read(&mut octets)?;
        if count == 0 {
            return Ok(None);
        }
        held.extend_from_slice(octets.get(..count).unwrap_or_default());
        if is_late(&mut begun, now_s) {
            return Ok(Some(Request::Refused("408 Request Timeout")));
        }
    };
    if head.expects_continue && held.len() < length.saturating_add(head.body) {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let end = length.saturating_add(head.body);
    while held.len() < end {
        let count = stream.read(&mut octets)?;
        if count == 0 {
            return Ok(None);
        }
        held.extend_from_slice(octets.get(..count).unwrap_or_default());
        if is_late(&mut begun, now_s) {
            return Ok(Some(Request::Refused("408 Request Timeout")));
        }
    }
    let rest = held.split_off(end);
    let body = held.split_off(length);
    *held = rest;
    Ok(Some(Request::Submission { body, stay: head.stay }))
}

/// Whether a request takes too long, counted from its first octets: silence alone is not enough, as
/// somebody can send an octet now and then.
fn is_late(begun: &mut Option<u64>, now_s: &dyn Fn() -> u64) -> bool {
    let now = now_s();
    now.saturating_sub(*begun.get_or_insert(now)) > REQUEST_S_MAX
}

/// What is to be known of a request before its body.
struct HeadFacts {
    /// Octets of the body.
    body: usize,
    stay: bool,
    expects_continue: bool,
}

/// Reads the head at the start of `octets` and how long it is; `None` while it is not whole.
fn head_of(octets: &[u8]) -> Result<Option<(HeadFacts, usize)>, &'static str> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_COUNT_MAX];
    let mut request = httparse::Request::new(&mut fields);
    let length = match request.parse(octets) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err("431 Request Header Fields Too Large"),
        Err(_) => return Err("400 Bad Request"),
    };
    match (request.method, request.path) {
        (Some("POST"), Some(path)) if path.ends_with(PATH) => {}
        (_, Some(path)) if path.ends_with(PATH) => return Err("405 Method Not Allowed"),
        (_, _) => return Err("404 Not Found"),
    }
    let mut facts =
        HeadFacts { body: 0, stay: request.version == Some(1), expects_continue: false };
    let mut said = None;
    for field in request.headers.iter() {
        let value = str::from_utf8(field.value).map_err(|_| "400 Bad Request")?.trim();
        if field.name.eq_ignore_ascii_case("content-length") {
            let body = crate::submission::size(value).and_then(|size| usize::try_from(size).ok());
            // Two lengths would be two ways to read what comes after (RFC 9112 section 6.3).
            if said.replace(body.ok_or("400 Bad Request")?).is_some() {
                return Err("400 Bad Request");
            }
        } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
            return Err("411 Length Required");
        } else if field.name.eq_ignore_ascii_case("connection") {
            facts.stay = facts.stay && !value.to_ascii_lowercase().contains("close");
        } else if field.name.eq_ignore_ascii_case("expect") {
            facts.expects_continue = value.eq_ignore_ascii_case("100-continue");
        }
    }
    facts.body = said.ok_or("411 Length Required")?;
    if facts.body > BODY_OCTETS_MAX {
        return Err("413 Content Too Large");
    }
    Ok(Some((facts, length)))
}

const PATH: &str = "/add-checkpoint";
const TEXT: &str = "text/plain; charset=utf-8";

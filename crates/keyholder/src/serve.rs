//! A keyholder over HTTPS. Both ends show a certificate (TLS 1.3); one request a connection.
//!
//! `GET /v1/state` answers with [`crate::State`], `POST /v1/open` takes an [`crate::Ask`] and
//! answers with an [`crate::Answer`], `POST /v1/open-segment` takes a [`SegmentAsk`] and answers
//! with a [`crate::SegmentAnswer`]; or with status 403 and why.

use crate::{
    Ask, BadAsk, Holder, Refused, SegmentAsk,
    limits::{
        BODY_OCTETS_MAX, CONNECTIONS_COUNT_MAX, EXCHANGE_MAX, HEAD_OCTETS_MAX, HEADERS_COUNT_MAX,
        REST, SILENCE_MAX,
    },
    patience::Patience,
};
use model::Clock;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
    version::TLS13,
};
use serde::Serialize;
use std::{
    fmt::Display,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// What a server shows and whom it lets ask: its certificates, their key, and the authorities of
/// clients, all in PEM.
///
/// # Errors
/// When a file cannot be read, or is not what it must be.
pub fn server_tls(
    certificate: &Path,
    key: &Path,
    clients: &Path,
) -> Result<Arc<ServerConfig>, ServeError> {
    let provider = Arc::new(ring::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(roots(clients)?.into(), Arc::clone(&provider))
            .build()
            .map_err(|fault| ServeError::Tls(fault.to_string()))?;
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(|fault| ServeError::Tls(fault.to_string()))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain(certificate)?, private(key)?)
        .map_err(|fault| ServeError::Tls(fault.to_string()))?;
    Ok(Arc::new(config))
}

/// What a client shows and which servers it believes, all in PEM.
///
/// # Errors
/// When a file cannot be read, or is not what it must be.
pub fn client_tls(
    certificate: &Path,
    key: &Path,
    servers: &Path,
) -> Result<Arc<ClientConfig>, ServeError> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .map_err(|fault| ServeError::Tls(fault.to_string()))?
        .with_root_certificates(roots(servers)?)
        .with_client_auth_cert(chain(certificate)?, private(key)?)
        .map_err(|fault| ServeError::Tls(fault.to_string()))?;
    Ok(Arc::new(config))
}

/// A keyholder that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    tls: Arc<ServerConfig>,
    holder: Arc<Mutex<Holder>>,
    clock: Clock,
}

impl Server {
    /// Listens on `address`.
    ///
    /// # Errors
    /// When it is taken.
    pub fn listen(
        address: SocketAddr,
        tls: Arc<ServerConfig>,
        holder: Holder,
        clock: Clock,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        Ok(Self { listener, tls, holder: Arc::new(Mutex::new(holder)), clock })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// As the system has it.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers for as long as the process runs. More connections than fit are closed at once, and
    /// one that cannot be had is its peer's to make again.
    pub fn run(self) {
        let busy = Arc::new(AtomicUsize::new(0));
        loop {
            let Ok((stream, _)) = self.listener.accept() else {
                rest();
                continue;
            };
            if busy.fetch_add(1, Ordering::AcqRel) >= CONNECTIONS_COUNT_MAX {
                busy.fetch_sub(1, Ordering::AcqRel);
                continue;
            }
            let (tls, holder) = (Arc::clone(&self.tls), Arc::clone(&self.holder));
            let (clock, place) = (self.clock.clone(), Place(Arc::clone(&busy)));
            let answer = move || {
                let _place = place;
                // Whoever breaks off harms nobody but themselves.
                drop(serve(stream, tls, &holder, &clock));
            };
            // Where there is no thread the connection is closed, and its place is free again.
            drop(thread::Builder::new().name("keyholder".to_owned()).spawn(answer));
        }
    }
}

/// Waits a little: without files nobody can be let in until others are done; nothing tells when.
#[expect(clippy::disallowed_methods, reason = "nothing tells when accept(2) works again")]
fn rest() {
    thread::sleep(REST);
}

/// One of the connections that may be open; free again however its thread ends.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Why there is no connection with TLS.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A file is not what it must be.
    #[error("`{0}` cannot be used: {1}")]
    File(String, String),
    /// The library refuses.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

fn serve(
    stream: TcpStream,
    tls: Arc<ServerConfig>,
    holder: &Mutex<Holder>,
    clock: &Clock,
) -> io::Result<()> {
    stream.set_read_timeout(Some(SILENCE_MAX))?;
    stream.set_write_timeout(Some(SILENCE_MAX))?;
    let _patience = Patience::with(&stream, EXCHANGE_MAX)?;
    let connection = ServerConnection::new(tls).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(connection, stream);
    let (status, body) = match read(&mut stream)? {
        Ok(request) => answer(&request, holder, clock),
        Err(status) => (status, error("this is no request to a keyholder")),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)?;
    stream.conn.send_close_notify();
    stream.flush()
}

struct Request {
    method: String,
    path: String,
    body: Vec<u8>,
}

fn answer(request: &Request, holder: &Mutex<Holder>, clock: &Clock) -> (&'static str, Vec<u8>) {
    let mut holder = holder.lock().unwrap_or_else(PoisonError::into_inner);
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", STATE) => (OK, json(&holder.state())),
        ("POST", OPEN) => {
            let ask = serde_json::from_slice::<Ask>(&request.body).map_err(|_| BadAsk::Shape);
            opened(ask.map_err(Refused::from).and_then(|ask| holder.open(&ask, clock.now())))
        }
        ("POST", OPEN_SEGMENT) => {
            let ask = serde_json::from_slice(&request.body).map_err(|_| BadAsk::Shape);
            let open = |ask: SegmentAsk| holder.open_segment(&ask, clock.now());
            opened(ask.map_err(Refused::from).and_then(open))
        }
        _ => (
            NOT_FOUND,
            error("a keyholder answers to `/v1/state`, `/v1/open` and `/v1/open-segment`"),
        ),
    }
}

fn opened(answer: Result<impl Serialize, Refused>) -> (&'static str, Vec<u8>) {
    match answer {
        Ok(answer) => (OK, json(&answer)),
        Err(why @ Refused::BadAsk(_)) => (BAD_REQUEST, error(why)),
        Err(why @ Refused::Broken(_)) => (BROKEN, error(why)),
        Err(why) => (FORBIDDEN, error(why)),
    }
}

/// Reads one request, or finds with which status to refuse it.
fn read(stream: &mut impl Read) -> io::Result<Result<Request, &'static str>> {
    let mut octets = Vec::new();
    let (method, path, start, length) = loop {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_COUNT_MAX];
        let mut head = httparse::Request::new(&mut headers);
        match head.parse(&octets) {
            Ok(httparse::Status::Complete(start)) => {
                let (method, path) = (head.method.unwrap_or_default(), head.path);
                let Some(length) = body_length(head.headers) else { return Ok(Err(BAD_REQUEST)) };
                break (method.to_owned(), path.unwrap_or_default().to_owned(), start, length);
            }
            Ok(httparse::Status::Partial) if octets.len() < HEAD_OCTETS_MAX => {
                more(stream, &mut octets)?;
            }
            Ok(httparse::Status::Partial) | Err(_) => return Ok(Err(BAD_REQUEST)),
        }
    };
    if length > BODY_OCTETS_MAX {
        return Ok(Err(TOO_LARGE));
    }
    while octets.len() < start + length {
        more(stream, &mut octets)?;
    }
    let body = octets.get(start..start + length).unwrap_or_default().to_vec();
    Ok(Ok(Request { method, path, body }))
}

/// The method, path and body of the one request that `stream` brings, for [`crate::probe`].
pub(crate) fn request(stream: &mut impl Read) -> Option<(String, String, Vec<u8>)> {
    let request = read(stream).ok()?.ok()?;
    Some((request.method, request.path, request.body))
}

/// The length of the body; `None` when it is told in a way that two readers could read differently.
pub(crate) fn body_length(headers: &[httparse::Header<'_>]) -> Option<usize> {
    let named = |name: &'static str| {
        headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name))
    };
    if named("transfer-encoding").next().is_some() || named("content-length").count() > 1 {
        return None;
    }
    let Some(length) = named("content-length").next() else { return Some(0) };
    let digits = str::from_utf8(length.value).ok()?;
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?
}

pub(crate) fn more(stream: &mut impl Read, octets: &mut Vec<u8>) -> io::Result<()> {
    let mut chunk = [0; 4_096];
    let count = stream.read(&mut chunk)?;
    if count == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    octets.extend_from_slice(chunk.get(..count).unwrap_or_default());
    Ok(())
}

/// What stands in an answer that refuses.
#[derive(Debug, Serialize, serde::Deserialize)]
pub(crate) struct Why {
    pub(crate) refused: String,
}

fn error(why: impl Display) -> Vec<u8> {
    json(&Why { refused: why.to_string() })
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

fn roots(path: &Path) -> Result<RootCertStore, ServeError> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(path)? {
        roots.add(certificate).map_err(|fault| at(path, fault))?;
    }
    Ok(roots)
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, ServeError> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(|fault| at(path, fault))?;
    let certificates = certificates.collect::<Result<Vec<_>, _>>();
    certificates.map_err(|fault| at(path, fault))
}

fn private(path: &Path) -> Result<PrivateKeyDer<'static>, ServeError> {
    PrivateKeyDer::from_pem_file(path).map_err(|fault| at(path, fault))
}

fn at(path: &Path, fault: impl Display) -> ServeError {
    ServeError::File(path.display().to_string(), fault.to_string())
}

pub(crate) const STATE: &str = "/v1/state";
pub(crate) const OPEN: &str = "/v1/open";
pub(crate) const OPEN_SEGMENT: &str = "/v1/open-segment";
const OK: &str = "200 OK";
const BAD_REQUEST: &str = "400 Bad Request";
const FORBIDDEN: &str = "403 Forbidden";
const NOT_FOUND: &str = "404 Not Found";
const TOO_LARGE: &str = "413 Content Too Large";
const BROKEN: &str = "500 Internal Server Error";

//! The server: HTTP/1.1 on a thread of its own, in clear on this machine alone, over TLS anywhere.

use crate::{
    limits::{
        CONNECTION_MAX, CONNECTIONS_COUNT_MAX, HANDSHAKE_MAX, HEAD_MAX, HEAD_OCTETS_MAX,
        HEADERS_COUNT_MAX, STOP_MAX, THREADS_COUNT_MAX,
    },
    route::router,
    shared::{Services, Shared},
    tls::{BadTls, Certificate, TlsFiles},
};
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use model::Clock;
use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    runtime,
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

/// Where the console is, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleConfig {
    /// Where it listens; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// What it shows. Without it speaks HTTP in clear, which it does on this machine only.
    pub tls: Option<TlsFiles>,
    /// Whether programs on this machine may ask how the node does, without a session: `/metrics`.
    pub metrics: bool,
}

/// A console that listens. It stops when it is dropped.
pub struct Console {
    address: SocketAddr,
    has_tls: bool,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Console {
    /// Listens. Where there are no services it says to everybody why.
    ///
    /// # Errors
    /// When the address cannot be had, is not for HTTP in clear, or the certificate does not fit.
    pub fn start(
        config: ConsoleConfig,
        services: Result<Services, String>,
        clock: Clock,
    ) -> Result<Self, NotStarted> {
        let ConsoleConfig { listen, tls, metrics } = config;
        if tls.is_none() && !listen.ip().is_loopback() {
            return Err(NotStarted::Clear(listen));
        }
        let certificate = tls.map(Certificate::new).transpose()?;
        let had = |fault| NotStarted::Address(listen, fault);
        let listener = std::net::TcpListener::bind(listen).map_err(had)?;
        listener.set_nonblocking(true).map_err(had)?;
        let address = listener.local_addr().map_err(had)?;
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(THREADS_COUNT_MAX)
            .thread_name("console-act")
            .build()
            .map_err(NotStarted::Thread)?;
        let (stop, stopped) = watch::channel(false);
        let has_tls = certificate.is_some();
        let router = router(Shared::new(services, clock, metrics));
        // What is shared ends behind the runtime: who has the last handle of the database closes
        // it, which waits, and in a runtime nobody may.
        let last = router.clone();
        let run = move || {
            runtime.block_on(async {
                match TcpListener::from_std(listener) {
                    Ok(listener) => serve(listener, certificate, router, stopped).await,
                    Err(error) => tracing::error!(%error, "the console cannot listen"),
                }
            });
            // What still waits for something is not waited for.
            runtime.shutdown_timeout(Duration::ZERO);
            drop(last);
        };
        let thread = std::thread::Builder::new().name("console".to_owned()).spawn(run);
        let thread = Some(thread.map_err(NotStarted::Thread)?);
        Ok(Self { address, has_tls, stop, thread })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where programs find it, such as `http://127.0.0.1:8480`.
    pub fn url(&self) -> String {
        let scheme = if self.has_tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Takes no new requests, gives the running ones a few seconds, and returns when it is over.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Console({})", self.url())
    }
}

/// Why the console does not listen.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// HTTP in clear is for this machine alone.
    #[error(
        "`{0}` can be reached from elsewhere: give the console a certificate and its key, or let it \
         listen on 127.0.0.1"
    )]
    Clear(SocketAddr),
    /// The address cannot be had.
    #[error("the console cannot listen on `{0}`: {1}")]
    Address(SocketAddr, io::Error),
    /// The certificate does not fit.
    #[error(transparent)]
    Tls(#[from] BadTls),
    /// No thread.
    #[error("there is no thread for the console: {0}")]
    Thread(io::Error),
}

/// Where a request came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source(pub(crate) IpAddr);

/// Takes connections until it is stopped, then lets them end.
async fn serve(
    listener: TcpListener,
    certificate: Option<Certificate>,
    router: Router,
    stop: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_COUNT_MAX));
    let mut open = JoinSet::new();
    let mut stopped = stop.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stop| *stop) => break,
            Some(_) = open.join_next() => continue,
        };
        match accepted {
            Ok((stream, from)) => {
                // More than fit are closed at once.
                let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
                let router = router.clone().layer(Extension(Source(from.ip())));
                let (certificate, stop) = (certificate.clone(), stop.clone());
                open.spawn(async move {
                    let _place = place;
                    talk(stream, certificate, router, stop).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the console could not take a connection");
                sleep(AFTER_FAULT).await;
            }
        }
    }
    drop(listener);
    let over = async { while open.join_next().await.is_some() {} };
    if timeout(STOP_MAX, over).await.is_err() {
        tracing::warn!("requests to the console were broken off, because it stops");
    }
}

async fn talk(
    stream: TcpStream,
    certificate: Option<Certificate>,
    router: Router,
    stop: watch::Receiver<bool>,
) {
    // Without it answers only come later.
    let _ = stream.set_nodelay(true);
    match certificate {
        None => exchange(stream, router, stop).await,
        Some(certificate) => {
            // Whoever cannot speak TLS is not spoken to.
            let accepted = timeout(HANDSHAKE_MAX, certificate.acceptor().accept(stream)).await;
            if let Ok(Ok(stream)) = accepted {
                exchange(stream, router, stop).await;
            }
        }
    }
}

/// Answers the requests of one connection. One that breaks off is its peer's to make again.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .max_header_size(HEAD_OCTETS_MAX)
        .max_headers(HEADERS_COUNT_MAX);
    let service = TowerToHyperService::new(router);
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => {}
        () = sleep(CONNECTION_MAX) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(STOP_MAX, connection).await;
}

/// How long is waited after a connection could not be taken: there may be no file left for it.
const AFTER_FAULT: Duration = Duration::from_millis(200);

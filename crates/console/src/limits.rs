//! How much of a stranger's input is read, how long is waited for it, and how often they may try.

use std::time::Duration;

/// Connections at once; more are closed.
pub(crate) const CONNECTIONS_COUNT_MAX: usize = 64;

/// How long a connection lives: as long as a long call is followed.
pub(crate) const CONNECTION_MAX: Duration = Duration::from_secs(4 * 3_600);

/// How long TLS may take to come about.
pub(crate) const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// How long the head of a request may take, and a connection be idle.
pub(crate) const HEAD_MAX: Duration = Duration::from_secs(15);

/// Octets of a request's head.
pub(crate) const HEAD_OCTETS_MAX: usize = 8 * 1_024;

/// Lines of a request's head.
pub(crate) const HEADERS_COUNT_MAX: usize = 48;

/// Octets of a request's body: the longest policy text, in JSON.
pub(crate) const BODY_OCTETS_MAX: usize = 2 * 1_024 * 1_024;

/// How long a request may take until its answer begins.
pub(crate) const REQUEST_MAX: Duration = Duration::from_secs(60);

/// Requests that are carried out at once, one thread each; more wait.
pub(crate) const THREADS_COUNT_MAX: usize = 32;

/// How long running requests get when the console stops.
pub(crate) const STOP_MAX: Duration = Duration::from_secs(5);

/// Tries to log in that one source has in store.
pub(crate) const LOGINS_PER_SOURCE_MAX: u32 = 30;

/// After how long one source has another try.
pub(crate) const LOGIN_EVERY: Duration = Duration::from_secs(2);

/// Sources whose tries are remembered.
pub(crate) const SOURCES_COUNT_MAX: usize = 4_096;

/// Log-ins that are checked at once: each takes tens of milliseconds of a core and much memory,
/// on a machine that carries calls.
pub(crate) const LOGINS_AT_ONCE_MAX: usize = 2;

/// Octets of a session's token as it travels.
pub(crate) const TOKEN_OCTETS_MAX: usize = 256;

/// Octets of a piece of an answer that is sent while it comes about.
pub(crate) const PIECE_OCTETS_MAX: usize = 64 * 1_024;

/// Pieces of such an answer that wait for a slow reader.
pub(crate) const PIECES_COUNT_MAX: usize = 8;

/// How long such an answer waits for its reader to take the next piece.
pub(crate) const READER_MAX: Duration = Duration::from_secs(30);

//! How much of a stranger's input is read, and how long is waited for it.

use std::time::Duration;

/// Octets of one request's body.
pub(crate) const BODY_OCTETS_MAX: usize = 512 * 1024;

/// Octets of a request's or an answer's head.
pub(crate) const HEAD_OCTETS_MAX: usize = 8 * 1024;

/// Header lines of a request or an answer.
pub(crate) const HEADERS_COUNT_MAX: usize = 32;

/// Connections at once.
pub(crate) const CONNECTIONS_COUNT_MAX: usize = 16;

/// How long is waited when nobody can be let in.
pub(crate) const REST: Duration = Duration::from_millis(100);
/// How long the other end may be silent.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(10);

/// How long one request and its answer may take together, handshake and all.
pub(crate) const EXCHANGE_MAX: Duration = Duration::from_secs(20);

/// Octets of why a keyholder's program says no.
pub(crate) const REFUSAL_OCTETS_MAX: usize = 1_024;

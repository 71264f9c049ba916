//! How much of a stranger's input is read.

use std::time::Duration;
use tlog::limits::NOTE_OCTETS_MAX;

/// Hashes of a submitted proof (c2sp.org/tlog-witness).
pub(crate) const PROOF_LINES_MAX: usize = 63;

/// Octets of a request's body: a proof and a checkpoint.
pub(crate) const BODY_OCTETS_MAX: usize = NOTE_OCTETS_MAX + 64 * (PROOF_LINES_MAX + 1);

/// Octets of a request before its body.
pub(crate) const HEAD_OCTETS_MAX: usize = 16 * 1024;

/// Header fields of a request.
pub(crate) const FIELDS_COUNT_MAX: usize = 64;

/// Connections at once; a further one is closed.
pub(crate) const CONNECTIONS_COUNT_MAX: usize = 64;

/// Requests of one connection.
pub(crate) const REQUESTS_COUNT_MAX: usize = 1_000;

/// How long the next octet of a request, or a reader of its answer, is waited for.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Seconds from the first octet of a request to its last.
pub(crate) const REQUEST_S_MAX: u64 = 30;

/// How long a witness is waited for by whoever asks it.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Octets of a witness's answer.
pub(crate) const ANSWER_OCTETS_MAX: u64 = 64 * 1024;

/// Logs of one witness.
pub(crate) const LOGS_COUNT_MAX: usize = 1_024;

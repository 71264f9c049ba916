//! What the console says: answers, and the one place where faults become words.

use crate::limits::{PIECE_OCTETS_MAX, PIECES_COUNT_MAX, READER_MAX};
use access::{decide::NotAllowed, grant::NotGranted, policy::Denied, staff::Unusable};
use axum::{
    Json,
    body::{Body, Bytes, HttpBody},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use disclosure::{
    NotEntered,
    roster::{NotDone, Refusal},
};
use hyper::body::Frame;
use model::Timestamp;
use serde::Serialize;
use std::{
    io::{self, Write},
    pin::Pin,
    task::{Context, Poll, ready},
};
use store::StoreError;
use tokio::{runtime::Handle, sync::mpsc};
use utoipa::ToSchema;

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    reasons: Vec<String>,
}

/// What is answered when something was not done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProblemBody {
    /// What is wrong.
    error: Wrong,
}

/// What is wrong.
#[derive(Debug, Serialize, ToSchema)]
struct Wrong {
    /// One word for programs; it stays the same.
    #[schema(example = "not-allowed")]
    code: &'static str,
    /// A sentence for people.
    message: String,
    /// Each reason by itself, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
}

impl Problem {
    /// A problem with a word for programs and a sentence for people.
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), reasons: Vec::new() }
    }

    /// What was asked for cannot be read.
    pub(crate) fn unreadable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "unreadable", message)
    }

    /// There is no such thing, or who asks may not know whether there is.
    pub(crate) fn not_there() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-there", NOT_THERE)
    }

    /// Something of ours does not work. The log says what; whoever asked cannot mend it.
    pub(crate) fn broken(what: &dyn std::fmt::Display) -> Self {
        tracing::error!(%what, "a request could not be carried out");
        let says = "something of this node does not work: see its log";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "broken", says)
    }

    /// It cannot be done now.
    pub(crate) fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
    }

    /// Too much of it at once.
    pub(crate) fn too_often() -> Self {
        let says = "too many tries to log in from here: wait a little";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-often", says)
    }

    /// Nobody is logged in with this token.
    pub(crate) fn log_in() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "log-in", "log in first: there is no such session")
    }
}

impl From<NotDone> for Problem {
    fn from(why: NotDone) -> Self {
        let says = why.to_string();
        match why {
            NotDone::LogIn => Self::new(StatusCode::UNAUTHORIZED, "wrong", says),
            NotDone::NoSession => Self::log_in(),
            NotDone::Unusable(why) => unusable(why),
            NotDone::Refused(why) => {
                let (status, code) = refused(why);
                Self::new(status, code, says)
            }
            NotDone::NotThere => Self::not_there(),
            NotDone::Password(_) => Self::new(StatusCode::BAD_REQUEST, "bad-password", says),
            NotDone::NotAllowed(why) => not_allowed(&why),
            NotDone::NotGranted(NotGranted::Self_ | NotGranted::Giver) => {
                Self::new(StatusCode::FORBIDDEN, "not-allowed", says)
            }
            NotDone::NotGranted(NotGranted::Time) | NotDone::NotBroken(_) | NotDone::Bounds(_) => {
                Self::new(StatusCode::BAD_REQUEST, "out-of-bounds", says)
            }
            NotDone::Policies(_) => Self::new(StatusCode::BAD_REQUEST, "bad-policies", says),
            NotDone::NotEntered(why) => not_entered(&why),
            NotDone::Unproven => {
                tracing::error!("an entry is not proved as it must be, so nothing is shown");
                Self::unavailable("unproven", says)
            }
            NotDone::Store(StoreError::Refused(_)) => {
                Self::new(StatusCode::CONFLICT, "conflict", says)
            }
            NotDone::Store(StoreError::Broken { .. })
            | NotDone::NoRandomness
            | NotDone::Hash
            | NotDone::Detail => Self::broken(&says),
        }
    }
}

pub(crate) fn unusable(why: Unusable) -> Problem {
    let code = match why {
        Unusable::Revoked => "revoked",
        Unusable::Locked => "locked",
        Unusable::Inactive => "inactive",
        Unusable::Suspended => "suspended",
    };
    Problem::new(StatusCode::FORBIDDEN, code, why.to_string())
}

/// Status and word of a rule of ours.
fn refused(why: Refusal) -> (StatusCode, &'static str) {
    match why {
        Refusal::Token
        | Refusal::Own
        | Refusal::ItAdmin
        | Refusal::Supervisor
        | Refusal::Revoker
        | Refusal::Reviewer
        | Refusal::PolicySetter
        | Refusal::PolicyApprover
        | Refusal::TieApprover
        | Refusal::Untier => (StatusCode::FORBIDDEN, "not-allowed"),
        Refusal::NobodyCalled => (StatusCode::NOT_FOUND, "not-there"),
        Refusal::NotFirst
        | Refusal::LastAdmin
        | Refusal::NotWaiting
        | Refusal::Underway
        | Refusal::OtherRequest
        | Refusal::TooMany
        | Refusal::Reviewed
        | Refusal::Tied
        | Refusal::OtherLogIn
        | Refusal::NotEnrolled => (StatusCode::CONFLICT, "conflict"),
        Refusal::Name | Refusal::Words | Refusal::EmptyGrant | Refusal::TieRole => {
            (StatusCode::BAD_REQUEST, "out-of-bounds")
        }
    }
}

/// What policies refuse, with each reason by itself.
pub(crate) fn not_allowed(why: &NotAllowed) -> Problem {
    let reasons = match why {
        NotAllowed::Unusable(why) => return unusable(*why),
        NotAllowed::Denied(Denied::Broken(what)) => return Problem::broken(what),
        NotAllowed::Denied(Denied::Forbidden(reasons)) => reasons.clone(),
        NotAllowed::NotOwner
        | NotAllowed::Denied(Denied::NoPolicy | Denied::NoGrant)
        | NotAllowed::Bounds(_) => vec![why.to_string()],
    };
    let says = "this is not allowed";
    Problem { reasons, ..Problem::new(StatusCode::FORBIDDEN, "not-allowed", says) }
}

/// What the log does not take does not happen, and may be asked for again.
pub(crate) fn not_entered(why: &NotEntered) -> Problem {
    tracing::error!(%why, "something could not be entered in the log, so it did not happen");
    let says = "the log does not take it now, so it did not happen: ask again later";
    Problem::unavailable("not-entered", says)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { status, code, message, reasons } = self;
        let body = ProblemBody { error: Wrong { code, message, reasons } };
        let mut response = (status, Json(body)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

/// A time as everybody writes it (RFC 3339), in UTC.
pub(crate) fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.micros())
        .map_or_else(|_| String::new(), |at| at.to_string())
}

/// An answer that is sent while it comes about. `write` runs on a thread of its own, and its
/// writing fails when the reader is gone or takes nothing for too long, or the console stops.
/// Where `write` itself fails, the connection breaks off, so that half an answer never looks whole.
pub(crate) fn stream(
    kind: &'static str,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> Response {
    let (pieces, taken) = mpsc::channel(PIECES_COUNT_MAX);
    let runtime = Handle::current();
    let mut pipe = Pipe { pieces, runtime: runtime.clone() };
    runtime.spawn_blocking(move || {
        if let Err(fault) = write(&mut pipe) {
            // Nobody listens to it where the reader is gone.
            let _ = pipe.send(Err(fault));
        }
    });
    let mut response = Response::new(Body::new(Pieces(taken)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// The end that is written to.
struct Pipe {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    runtime: Handle,
}

impl Pipe {
    fn send(&self, piece: io::Result<Bytes>) -> io::Result<()> {
        let taken = self.runtime.block_on(self.pieces.send_timeout(piece, READER_MAX));
        taken.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

impl Write for Pipe {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let piece = octets.get(..PIECE_OCTETS_MAX).unwrap_or(octets);
        self.send(Ok(Bytes::copy_from_slice(piece)))?;
        Ok(piece.len())
    }

    /// Whether anybody still reads: for whoever has nothing to write for a while.
    fn flush(&mut self) -> io::Result<()> {
        if self.pieces.is_closed() { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    }
}

/// The end that is sent.
struct Pieces(mpsc::Receiver<io::Result<Bytes>>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = ready!(self.0.poll_recv(context));
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }
}

const NOT_THERE: &str = "there is no such thing here, or it is not yours to know of";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_everybody_reads_them() {
        assert_eq!(time(Timestamp::from_micros(1_795_726_800_000_000)), "2026-11-26T21:00:00Z");
        assert_eq!(time(Timestamp::from_micros(1_500)), "1970-01-01T00:00:00.0015Z");
    }

    #[test]
    fn who_is_not_logged_in_is_told_how_to_be() {
        let response = Problem::log_in().into_response();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(response.headers().get(header::WWW_AUTHENTICATE).unwrap(), "Bearer");
    }
}

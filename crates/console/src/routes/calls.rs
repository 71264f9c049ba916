//! Calls that run, and staff who end some; and calls that staff close and open.

use crate::{
    answer::{Problem, ProblemBody, not_entered, time, unusable},
    ask::{Asked, read_time},
    route::{Entry, Method, Route},
    routes::{
        keeping::{answered, judged},
        leave::read_purpose,
        records::body::{Awaited, number},
    },
    session::Who,
    shared::Shared,
};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::Response,
    routing::{get, post},
};
use disclosure::{
    closing::{CloseAsk, ClosedNow, Named, NotClosed},
    stopping::{NotStopped, StopAsk, Stopped},
};
use model::Private;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

/// The routes of this part.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        method: Method::Post,
        path: "/api/v1/calls/stop",
        entry: Entry::Staff,
        handler: || post(stop),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/calls/close",
        entry: Entry::Staff,
        handler: || post(close),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/calls/open",
        entry: Entry::Staff,
        handler: || post(open),
    },
    Route {
        method: Method::Get,
        path: "/api/v1/calls/closed",
        entry: Entry::Staff,
        handler: || get(closed),
    },
];

/// This part of the OpenAPI document.
#[derive(OpenApi)]
#[openapi(paths(stop, close, open, closed))]
pub(crate) struct Document;

/// Which calls are to end: those that fit everything that is named, and something must be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Stop {
    /// Key of the facility that they come from.
    #[schema(example = "cedar/jail")]
    facility: Option<String>,
    /// Key of the housing unit.
    #[schema(example = "cedar/jail/a")]
    unit: Option<String>,
    /// Key of the station.
    #[schema(example = "cedar/jail/a/1")]
    station: Option<String>,
    /// The agency's number of the person who calls.
    #[schema(value_type = Option<String>)]
    person: Option<Private<String>>,
    /// Why, in words.
    #[schema(value_type = String, example = "a threat in unit A")]
    reason: Private<String>,
}

/// What was done. It stands in the log.
#[derive(Serialize, ToSchema)]
struct Done {
    /// How many calls ended.
    ended: u64,
    /// How many go on: calls with counsel, of relay services and with lines for help.
    spared: u64,
}

/// End calls of one's own agency now. They can call again.
#[utoipa::path(
    post,
    path = "/api/v1/calls/stop",
    tag = "calls",
    request_body = Stop,
    responses(
        (status = 200, body = Done, description = "They have ended, and it stands in the log."),
        (status = 403, body = ProblemBody, description = "It is not for them to do."),
        (status = 404, body = ProblemBody, description = "The agency has nothing with such a key."),
        (status = 503, body = ProblemBody, description = "They have ended, and the log does not take who asked for it.")
    )
)]
async fn stop(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Stop>,
) -> Result<Json<Done>, Problem> {
    let Stop { facility, unit, station, person, reason } = ask;
    let ask = StopAsk { facility, unit, station, person, reason };
    let stopped = shared.run(move |services| Ok(services.stopping.stop(&who.staff, &ask)?));
    let Stopped { ended, spared } = stopped.await?;
    Ok(Json(Done { ended, spared }))
}

impl From<NotStopped> for Problem {
    fn from(why: NotStopped) -> Self {
        let says = why.to_string();
        match why {
            NotStopped::Unusable(why) => unusable(why),
            NotStopped::Stopper => Self::new(StatusCode::FORBIDDEN, "not-allowed", says),
            NotStopped::Everything | NotStopped::Reason => {
                Self::new(StatusCode::BAD_REQUEST, "out-of-bounds", says)
            }
            NotStopped::NotThere => Self::not_there(),
            NotStopped::NotEntered(why) => {
                let _ = not_entered(&why);
                Self::unavailable("stopped-not-entered", STOPPED_NOT_ENTERED)
            }
            NotStopped::Detail => Self::unavailable("stopped-not-entered", STOPPED_NOT_ENTERED),
            NotStopped::Store(why) => Self::broken(&why),
        }
    }
}

/// Which calls are to be closed: exactly one thing is named.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Close {
    /// All of one's own agency.
    #[serde(default)]
    agency: bool,
    /// Key of a facility.
    #[schema(example = "cedar/jail")]
    facility: Option<String>,
    /// Key of a housing unit.
    #[schema(example = "cedar/jail/a")]
    unit: Option<String>,
    /// Key of a station.
    #[schema(example = "cedar/jail/a/1")]
    station: Option<String>,
    /// The agency's number of a person.
    #[schema(value_type = Option<String>)]
    person: Option<Private<String>>,
    /// A number that is called, such as `+12025550142`.
    #[schema(value_type = Option<String>)]
    number: Option<Private<String>>,
    /// Of a facility, for a day at most: calls with counsel, of relay services and with lines for
    /// help too.
    #[serde(default)]
    everything: bool,
    /// When it ends by itself (RFC 3339).
    #[schema(format = DateTime)]
    until: Option<String>,
    /// Why, by the words of policies; `safety` where it is left out.
    #[schema(example = "safety")]
    purpose: Option<String>,
    /// Why, in words.
    #[schema(value_type = String, example = "a threat in unit A")]
    reason: Private<String>,
    /// Number of the act under which it was approved, when it is asked again.
    act: Option<u64>,
}

impl Close {
    fn ask(self) -> Result<CloseAsk, Problem> {
        let Self { agency, facility, unit, station, person, number: called, .. } = self;
        let called = called.map(|text| number(text.expose())).transpose()?;
        let named = [
            agency.then_some(Named::Agency),
            facility.map(Named::Facility),
            unit.map(Named::Unit),
            station.map(Named::Station),
            person.map(Named::Person),
            called.map(Named::Number),
        ];
        let mut named = named.into_iter().flatten();
        let (Some(what), None) = (named.next(), named.next()) else {
            let says = "name one thing: the agency, a facility, a unit, a station, a person or a \
                        number";
            return Err(Problem::unreadable(says));
        };
        Ok(CloseAsk {
            what,
            everything: self.everything,
            until: self.until.as_deref().map(read_time).transpose()?,
            purpose: read_purpose(self.purpose.as_deref().unwrap_or(SAFETY))?,
            reason: self.reason,
        })
    }
}

/// Calls are closed.
#[derive(Serialize, ToSchema)]
struct ClosedBy {
    /// Number of the act, by which they are opened again.
    act: u64,
    /// Place of its entry in the log.
    entry: u64,
}

/// Close calls of one's own agency until they are opened again, or until a time. Those that run go
/// on; those with counsel, of relay services and with lines for help stay open.
#[utoipa::path(
    post,
    path = "/api/v1/calls/close",
    tag = "calls",
    request_body = Close,
    responses(
        (status = 200, body = ClosedBy, description = "They are closed within a second."),
        (status = 202, body = Awaited, description = "A second person must approve it."),
        (status = 403, body = ProblemBody, description = "It is refused, and that is entered."),
        (status = 404, body = ProblemBody, description = "The agency has nothing with such a key.")
    )
)]
async fn close(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Close>,
) -> Result<Response, Problem> {
    let (owner, approved) = (who.staff.agency, ask.act);
    let ask = ask.ask()?;
    let settled = shared.run(move |services| {
        let done = services.closing.close(&who.staff, &ask, approved)?;
        judged(done, &who.staff, owner)
    });
    Ok(answered(settled.await?, |act, entry, _| ClosedBy { act, entry }))
}

/// What is to be opened.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Open {
    /// Number of the act that closed it.
    closed: u64,
    /// Why, by the words of policies; `safety` where it is left out.
    #[schema(example = "safety")]
    purpose: Option<String>,
    /// Why, in words.
    #[schema(value_type = String, example = "the threat is over")]
    reason: Private<String>,
    /// Number of the act under which it was approved, when it is asked again.
    act: Option<u64>,
}

/// Open calls again that somebody of one's own agency closed.
#[utoipa::path(
    post,
    path = "/api/v1/calls/open",
    tag = "calls",
    request_body = Open,
    responses(
        (status = 200, body = ClosedBy, description = "They are open within a second."),
        (status = 202, body = Awaited, description = "A second person must approve it."),
        (status = 403, body = ProblemBody, description = "It is refused, and that is entered."),
        (status = 404, body = ProblemBody, description = "Nothing is closed by this number.")
    )
)]
async fn open(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Open>,
) -> Result<Response, Problem> {
    let owner = who.staff.agency;
    let purpose = read_purpose(ask.purpose.as_deref().unwrap_or(SAFETY))?;
    let settled = shared.run(move |services| {
        let why = (purpose, &ask.reason);
        let done = services.closing.open(&who.staff, ask.closed, why, ask.act)?;
        judged(done, &who.staff, owner)
    });
    Ok(answered(settled.await?, |act, entry, ()| ClosedBy { act, entry }))
}

/// Something that is closed.
#[derive(Serialize, ToSchema)]
struct Shut {
    /// Number by which it is opened.
    act: u64,
    /// What kind of thing: `agency`, `facility`, `unit`, `station`, `person` or `number`.
    what: &'static str,
    /// Its key, where it is a place.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    /// Whether calls with counsel and lines for help are closed too.
    everything: bool,
    /// Since when.
    #[schema(format = DateTime)]
    at: String,
    /// When it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    until: Option<String>,
    /// Why; to whoever closed it, and to supervisors and auditors.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    reason: Option<Private<String>>,
}

impl Shut {
    fn of(now: ClosedNow) -> Self {
        let ClosedNow { act, what, place, everything, at, until, reason } = now;
        Self { act, what, place, everything, at: time(at), until: until.map(time), reason }
    }
}

/// What is closed now at one's own agency. Of a person and a number it says that, and not whose.
#[utoipa::path(
    get,
    path = "/api/v1/calls/closed",
    tag = "calls",
    responses(
        (status = 200, body = Vec<Shut>, description = "What is closed, the earliest first."),
        (status = 403, body = ProblemBody, description = "It is not theirs to see.")
    )
)]
async fn closed(State(shared): State<Shared>, who: Who) -> Result<Json<Vec<Shut>>, Problem> {
    let closed = shared.run(move |services| Ok(services.closing.closed(&who.staff)?)).await?;
    Ok(Json(closed.into_iter().map(Shut::of).collect()))
}

impl From<NotClosed> for Problem {
    fn from(why: NotClosed) -> Self {
        let says = why.to_string();
        match why {
            NotClosed::NotDone(why) => why.into(),
            NotClosed::Unusable(why) => unusable(why),
            NotClosed::Role => Self::new(StatusCode::FORBIDDEN, "not-allowed", says),
            NotClosed::NotThere => Self::not_there(),
            NotClosed::Reason | NotClosed::Until | NotClosed::Everything => {
                Self::new(StatusCode::BAD_REQUEST, "out-of-bounds", says)
            }
            NotClosed::NotEntered(why) => not_entered(&why),
            NotClosed::Detail | NotClosed::Store(_) => Self::broken(&says),
        }
    }
}

/// The purpose where none is said.
const SAFETY: &str = "safety";

const STOPPED_NOT_ENTERED: &str = "the calls have ended, but the log does not take who asked for \
                                   it: tell the operator";

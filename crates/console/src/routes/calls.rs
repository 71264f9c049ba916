//! Calls that run, and staff who end some.

use crate::{
    answer::{Problem, ProblemBody, not_entered, unusable},
    ask::Asked,
    route::{Entry, Method, Route},
    session::Who,
    shared::Shared,
};
use axum::{Json, extract::State, http::StatusCode, routing::post};
use disclosure::stopping::{NotStopped, StopAsk, Stopped};
use model::Private;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

/// The routes of this part.
pub(crate) const ROUTES: &[Route] = &[Route {
    method: Method::Post,
    path: "/api/v1/calls/stop",
    entry: Entry::Staff,
    handler: || post(stop),
}];

/// This part of the OpenAPI document.
#[derive(OpenApi)]
#[openapi(paths(stop))]
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

const STOPPED_NOT_ENTERED: &str = "the calls have ended, but the log does not take who asked for \
                                   it: tell the operator";

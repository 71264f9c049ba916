//! Names that people recorded, and staff who look after them.

use crate::{
    answer::{Problem, ProblemBody, not_allowed, not_entered, time},
    ask::Asked,
    route::{Entry, Method, Route},
    routes::{
        keeping::{Settled, answered, judged},
        records::body::Awaited,
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
use base64::{Engine as _, engine::general_purpose::STANDARD};
use disclosure::naming::{HeardName, NotNamed};
use model::{PersonId, Private, audio::OCTETS_PER_SECOND};
use serde::{Deserialize, Serialize};
use store::NameRow;
use utoipa::{OpenApi, ToSchema};

/// The routes of this part.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        method: Method::Get,
        path: "/api/v1/names",
        entry: Entry::Staff,
        handler: || get(names),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/names/listen",
        entry: Entry::Staff,
        handler: || post(listen),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/names/approve",
        entry: Entry::Staff,
        handler: || post(approve),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/names/remove",
        entry: Entry::Staff,
        handler: || post(remove),
    },
];

/// This part of the OpenAPI document.
#[derive(OpenApi)]
#[openapi(paths(names, listen, approve, remove))]
pub(crate) struct Document;

/// A name that somebody recorded.
#[derive(Serialize, ToSchema)]
struct Name {
    /// Its number.
    name: u32,
    /// How far it has come: `waits`, `heard` or `approved`.
    #[schema(example = "waits")]
    state: &'static str,
    /// When it was recorded.
    #[schema(format = DateTime)]
    recorded: String,
    /// When staff first listened to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    heard: Option<String>,
    /// When staff approved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    approved: Option<String>,
    /// How long it is, in milliseconds.
    millis: u64,
}

impl Name {
    fn of(row: &NameRow) -> Self {
        let state = match (row.approved, row.heard) {
            (Some(_), _) => "approved",
            (None, Some(_)) => "heard",
            (None, None) => "waits",
        };
        Self {
            name: row.person.0,
            state,
            recorded: time(row.recorded),
            heard: row.heard.map(time),
            approved: row.approved.map(time),
            millis: u64::from(row.octets).saturating_mul(1_000) / OCTETS_PER_SECOND as u64,
        }
    }
}

/// The names that people of one's own agency recorded, without whose they are.
#[utoipa::path(
    get,
    path = "/api/v1/names",
    tag = "names",
    responses(
        (status = 200, body = Vec<Name>, description = "The names, the earliest first."),
        (status = 403, body = ProblemBody, description = "They are not theirs to see.")
    )
)]
async fn names(State(shared): State<Shared>, who: Who) -> Result<Json<Vec<Name>>, Problem> {
    let rows = shared.run(move |services| Ok(services.naming.names(&who.staff)?)).await?;
    Ok(Json(rows.iter().map(Name::of).collect()))
}

/// Which name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// Its number.
    name: u32,
    /// Number of the act under which it was approved, when it is asked again.
    act: Option<u64>,
}

/// A name that was listened to.
#[derive(Serialize, ToSchema)]
struct Heard {
    /// Number of the act.
    act: u64,
    /// Place of its entry in the log.
    entry: u64,
    /// Whose name it should be; missing when they are not here any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    person: Option<Private<String>>,
    /// The agency's number of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    key: Option<Private<String>>,
    /// What was said: G.711 µ-law, 8,000 octets a second, in Base64.
    #[schema(value_type = String)]
    voice: Private<String>,
}

/// Listen to a recorded name of one's own agency.
#[utoipa::path(
    post,
    path = "/api/v1/names/listen",
    tag = "names",
    request_body = Which,
    responses(
        (status = 200, body = Heard, description = "What was said. The look is entered."),
        (status = 202, body = Awaited, description = "A second person must approve it."),
        (status = 403, body = ProblemBody, description = "It is refused, and that is entered."),
        (status = 404, body = ProblemBody, description = "The agency has no such name."),
        (status = 409, body = ProblemBody, description = "Its file is missing or damaged.")
    )
)]
async fn listen(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Which>,
) -> Result<Response, Problem> {
    let owner = who.staff.agency;
    let settled = shared.run(move |services| {
        let heard = services.naming.listen(&who.staff, PersonId(ask.name), ask.act)?;
        judged(heard, &who.staff, owner)
    });
    Ok(answered(settled.await?, |act, entry, heard| {
        let HeardName { voice, person } = heard;
        let (person, key) = person.unzip();
        let voice = Private::new(STANDARD.encode(voice.expose()));
        Heard { act, entry, person, key, voice }
    }))
}

/// Something was done with a name.
#[derive(Serialize, ToSchema)]
struct NameDone {
    /// Number of the act.
    act: u64,
    /// Place of its entry in the log.
    entry: u64,
}

/// Let a recorded name be heard in notices from now on. Somebody listened to it before.
#[utoipa::path(
    post,
    path = "/api/v1/names/approve",
    tag = "names",
    request_body = Which,
    responses(
        (status = 200, body = NameDone, description = "Notices are spoken with it."),
        (status = 202, body = Awaited, description = "A second person must approve it."),
        (status = 403, body = ProblemBody, description = "It is refused, and that is entered."),
        (status = 404, body = ProblemBody, description = "The agency has no such name."),
        (status = 409, body = ProblemBody, description = "Nobody has listened to it.")
    )
)]
async fn approve(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Which>,
) -> Result<Response, Problem> {
    let owner = who.staff.agency;
    let settled = shared.run(move |services| {
        let done = services.naming.approve(&who.staff, PersonId(ask.name), ask.act)?;
        judged(done, &who.staff, owner)
    });
    Ok(changed(settled.await?))
}

/// Remove a recorded name, approved or not, and destroy its file. The person may record another.
#[utoipa::path(
    post,
    path = "/api/v1/names/remove",
    tag = "names",
    request_body = Which,
    responses(
        (status = 200, body = NameDone, description = "It is destroyed."),
        (status = 202, body = Awaited, description = "A second person must approve it."),
        (status = 403, body = ProblemBody, description = "It is refused, and that is entered."),
        (status = 404, body = ProblemBody, description = "The agency has no such name.")
    )
)]
async fn remove(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Which>,
) -> Result<Response, Problem> {
    let owner = who.staff.agency;
    let settled = shared.run(move |services| {
        let done = services.naming.remove(&who.staff, PersonId(ask.name), ask.act)?;
        judged(done, &who.staff, owner)
    });
    Ok(changed(settled.await?))
}

fn changed(settled: Settled<()>) -> Response {
    answered(settled, |act, entry, ()| NameDone { act, entry })
}

impl From<NotNamed> for Problem {
    fn from(why: NotNamed) -> Self {
        let says = why.to_string();
        match why {
            NotNamed::NotDone(why) => why.into(),
            NotNamed::Unusable(why) => not_allowed(&why.into()),
            NotNamed::Role => Self::new(StatusCode::FORBIDDEN, "not-allowed", says),
            NotNamed::NotThere => Self::not_there(),
            NotNamed::Unheard | NotNamed::Damaged => {
                Self::new(StatusCode::CONFLICT, "conflict", says)
            }
            NotNamed::Node => Self::unavailable("node", says),
            NotNamed::NotEntered(why) => not_entered(&why),
            NotNamed::NoReceipt(_) | NotNamed::NotReleased(_) | NotNamed::Store(_) => {
                Self::broken(&says)
            }
        }
    }
}

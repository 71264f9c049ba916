//! The door itself: in, out, who am I, is anybody there, and what the console understands.

use crate::{
    answer::{Problem, ProblemBody, time},
    ask::Asked,
    document,
    route::{Entry, Method, Route},
    server::Source,
    session::Who,
    shared::Shared,
};
use axum::{
    Extension, Json,
    extract::State,
    routing::{get, post},
};
use model::Private;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

/// The routes of this part.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        method: Method::Get,
        path: "/api/v1/health",
        entry: Entry::Anybody,
        handler: || get(health),
    },
    Route {
        method: Method::Get,
        path: "/api/v1/openapi.json",
        entry: Entry::Anybody,
        handler: || get(openapi),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/login",
        entry: Entry::Anybody,
        handler: || post(log_in),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/logout",
        entry: Entry::Staff,
        handler: || post(log_out),
    },
    Route { method: Method::Get, path: "/api/v1/me", entry: Entry::Staff, handler: || get(me) },
];

/// This part of the OpenAPI document.
#[derive(OpenApi)]
#[openapi(paths(health, openapi, log_in, log_out, me))]
pub(crate) struct Document;

/// Whether anything can be asked here.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// Whether disclosures are possible.
    open: bool,
    /// Why not, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// Is anybody there?
#[utoipa::path(
    get,
    path = "/api/v1/health",
    tag = "door",
    security(()),
    responses((status = 200, body = Health, description = "The console answers."))
)]
async fn health(State(shared): State<Shared>) -> Json<Health> {
    let why = shared.closed().map(str::to_owned);
    Json(Health { open: why.is_none(), why })
}

/// This document.
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    tag = "door",
    security(()),
    responses((status = 200, description = "What the console understands, as OpenAPI 3.1."))
)]
async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(document::document())
}

/// Who wants to be let in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LogIn {
    /// The name of the log-in.
    #[schema(value_type = String, example = "dana")]
    name: Private<String>,
    /// The password.
    #[schema(value_type = String, format = Password)]
    password: Private<String>,
    /// The six digits that the authenticator shows now (RFC 6238).
    #[schema(value_type = String, example = "123456")]
    code: Private<String>,
}

/// A session.
#[derive(Serialize, ToSchema)]
struct Session {
    /// Send it as `Authorization: Bearer` with every request.
    #[schema(value_type = String)]
    token: Private<String>,
    /// When the session ends at the latest, in RFC 3339.
    #[schema(format = DateTime)]
    until: String,
    /// Whose it is.
    staff: Me,
}

/// Who is logged in.
#[derive(Serialize, ToSchema)]
struct Me {
    /// The number that entries name them by.
    id: u32,
    /// Their role.
    #[schema(example = "investigator")]
    role: &'static str,
    /// The number of the agency that they work for.
    agency: u32,
}

impl From<&access::staff::Staff> for Me {
    fn from(staff: &access::staff::Staff) -> Self {
        Self { id: staff.id.0, role: staff.role.word(), agency: staff.agency.0 }
    }
}

/// Log in.
#[utoipa::path(
    post,
    path = "/api/v1/login",
    tag = "door",
    security(()),
    request_body = LogIn,
    responses(
        (status = 200, body = Session, description = "They are let in."),
        (status = 401, body = ProblemBody, description = "Name, password or code is wrong."),
        (status = 403, body = ProblemBody, description = "This access is revoked, locked or disabled."),
        (status = 429, body = ProblemBody, description = "Too many tries from there.")
    )
)]
async fn log_in(
    State(shared): State<Shared>,
    Extension(Source(source)): Extension<Source>,
    Asked(ask): Asked<LogIn>,
) -> Result<Json<Session>, Problem> {
    if !shared.throttle().admit(source, shared.now()) {
        return Err(Problem::too_often());
    }
    let turn = shared.log_ins().acquire().await;
    let _turn = turn.map_err(|_| Problem::unavailable("closed", "the console stops"))?;
    let LogIn { name, password, code } = ask;
    let done = shared
        .run(move |services| {
            Ok(services.roster.login(name.expose(), password.expose(), code.expose())?)
        })
        .await?;
    let staff = Me::from(&done.staff);
    Ok(Json(Session { token: done.token, until: time(done.until), staff }))
}

/// End this session.
#[utoipa::path(
    post,
    path = "/api/v1/logout",
    tag = "door",
    responses(
        (status = 200, description = "The session is over.")
    )
)]
async fn log_out(State(shared): State<Shared>, who: Who) -> Result<Json<()>, Problem> {
    let done = shared.run(move |services| Ok(services.roster.logout(who.token.expose())?));
    Ok(Json(done.await?))
}

/// Who am I?
#[utoipa::path(
    get,
    path = "/api/v1/me",
    tag = "door",
    responses(
        (status = 200, body = Me, description = "Who is logged in.")
    )
)]
async fn me(who: Who) -> Json<Me> {
    Json(Me::from(&who.staff))
}

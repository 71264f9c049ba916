//! How the node does, for those who keep it running and their programs.

use crate::{
    answer::{Problem, ProblemBody},
    metrics,
    route::{Entry, Method, Route},
    server::Source,
    session::Who,
    shared::Shared,
    status::Status,
};
use axum::{
    Extension, Json,
    extract::State,
    http::header,
    response::{IntoResponse as _, Response},
    routing::get,
};
use utoipa::OpenApi;

/// The routes of this part.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        method: Method::Get,
        path: "/api/v1/status",
        entry: Entry::Staff,
        handler: || get(status),
    },
    Route {
        method: Method::Get,
        path: "/metrics",
        entry: Entry::Machine,
        handler: || get(measured),
    },
];

/// This part of the OpenAPI document.
#[derive(OpenApi)]
#[openapi(paths(status, measured))]
pub(crate) struct Document;

/// How does the node do? Counts and states, with the stations of one's own agency, and nothing
/// about anybody.
#[utoipa::path(
    get,
    path = "/api/v1/status",
    tag = "status",
    responses(
        (status = 200, body = Status, description = "How it does now."),
        (status = 403, body = ProblemBody, description = "The policies do not let them see it.")
    )
)]
async fn status(State(shared): State<Shared>, who: Who) -> Result<Json<Status>, Problem> {
    let status = shared.run(move |services| {
        services.roster.may_watch(&who.staff)?;
        Ok(services.pulse.status(Some(who.staff.agency)))
    });
    Ok(Json(status.await?))
}

/// The same for Prometheus, without stations and without how many calls are recorded; to programs
/// on this machine, where the settings say so.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "status",
    security(()),
    responses(
        (status = 200, body = String, content_type = "text/plain", description = "Prometheus text."),
        (status = 404, body = ProblemBody, description = "It is off, or asked from elsewhere.")
    )
)]
async fn measured(
    State(shared): State<Shared>,
    Extension(Source(from)): Extension<Source>,
) -> Result<Response, Problem> {
    if !shared.has_metrics() || !from.is_loopback() {
        return Err(Problem::not_there());
    }
    let status = shared.run(|services| Ok(services.pulse.status(None))).await?;
    let kind = [(header::CONTENT_TYPE, metrics::CONTENT_TYPE)];
    Ok((kind, metrics::text(&status)).into_response())
}

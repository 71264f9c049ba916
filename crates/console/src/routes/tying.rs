//! Whose calls the log-in of a person or of counsel shows: proposed, agreed to, ended.

use crate::{
    answer::{Problem, ProblemBody, time},
    ask::Asked,
    route::{Entry, Method, Route},
    routes::staff::named,
    session::Who,
    shared::Shared,
};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use disclosure::roster::TieAsk;
use model::Private;
use serde::{Deserialize, Serialize};
use store::TieTo;
use utoipa::{OpenApi, ToSchema};

/// The routes of this part.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        method: Method::Get,
        path: "/api/v1/staff/ties",
        entry: Entry::Staff,
        handler: || get(ties),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/staff/tie",
        entry: Entry::Staff,
        handler: || post(tie),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/staff/untie",
        entry: Entry::Staff,
        handler: || post(untie),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/staff/tie/approve",
        entry: Entry::Staff,
        handler: || post(approve),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/staff/tie/deny",
        entry: Entry::Staff,
        handler: || post(deny),
    },
];

/// This part of the OpenAPI document.
#[derive(OpenApi)]
#[openapi(paths(ties, tie, untie, approve, deny))]
pub(crate) struct Document;

/// Whose calls a log-in shall show: a person's, by number and name, or those to the numbers of a
/// holder.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Whose {
    /// The agency's number of the person.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "CC-1001")]
    person: Option<Private<String>>,
    /// The person's name, so that a slip in the number is found.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "Jordan Example")]
    called: Option<Private<String>>,
    /// The holder of protected numbers, letter for letter as the registry names them.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "Lakeside Legal Aid")]
    holder: Option<Private<String>>,
}

impl Whose {
    pub(crate) fn ask(self) -> Result<TieAsk, Problem> {
        match (self.person, self.called, self.holder) {
            (Some(key), Some(name), None) => Ok(TieAsk::Person { key, name }),
            (None, None, Some(holder)) => Ok(TieAsk::Holder(holder)),
            (..) => Err(Problem::unreadable(
                "a log-in is tied to a `person` who is `called` so, or to a `holder`",
            )),
        }
    }
}

/// To whom a log-in is tied.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tied {
    /// Number of the act.
    act: u64,
    /// Number of the log-in.
    staff: u32,
    /// Its name.
    #[schema(value_type = String)]
    name: Private<String>,
    /// `waiting` until a supervisor agrees, then `tied`.
    #[schema(example = "waiting")]
    state: &'static str,
    /// The agency's number of the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    person: Option<Private<String>>,
    /// The person's name, as it is provisioned.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    called: Option<Private<String>>,
    /// The holder of protected numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    holder: Option<Private<String>>,
    /// How many numbers they hold here now.
    #[serde(skip_serializing_if = "Option::is_none")]
    numbers: Option<usize>,
    /// Number of whoever proposed it.
    proposed_by: u32,
    /// When.
    #[schema(format = DateTime)]
    proposed: String,
    /// From then on it is proposed anew, where nobody agreed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    until: Option<String>,
    /// Number of whoever agreed.
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_by: Option<u32>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    approved: Option<String>,
}

impl Tied {
    pub(crate) fn of(tie: disclosure::roster::Tie) -> Self {
        let disclosure::roster::Tie { row, name, numbers } = tie;
        let (person, called, holder) = match row.to {
            TieTo::Person { key, name, .. } => (Some(key), Some(name), None),
            TieTo::Holder(holder) => (None, None, Some(holder)),
        };
        Self {
            act: row.act,
            staff: row.staff.0,
            name,
            state: if row.approved.is_some() { "tied" } else { "waiting" },
            person,
            called,
            holder,
            numbers,
            proposed_by: row.by.0,
            proposed: time(row.asked),
            until: row.approved.is_none().then(|| time(row.until)),
            approved_by: row.approved.map(|(by, _)| by.0),
            approved: row.approved.map(|(_, at)| time(at)),
        }
    }
}

/// Whose calls the log-ins of one's agency show, in force or waiting, for it-admins, supervisors
/// and auditors; everybody else sees their own.
#[utoipa::path(
    get,
    path = "/api/v1/staff/ties",
    tag = "staff",
    responses((status = 200, body = Vec<Tied>, description = "The ties."))
)]
async fn ties(State(shared): State<Shared>, who: Who) -> Result<Json<Vec<Tied>>, Problem> {
    let ties = shared.run(move |services| Ok(services.roster.ties(&who.staff)?)).await?;
    Ok(Json(ties.into_iter().map(Tied::of).collect()))
}

/// A tie that is proposed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Tying {
    /// The name of the log-in.
    #[schema(value_type = String, example = "jordan")]
    name: Private<String>,
    /// Whose calls it shall show.
    tie: Whose,
}

/// A tie that waits for a second person.
#[derive(Serialize, ToSchema)]
struct TieWaits {
    /// Number of the act under which it is approved.
    act: u64,
    /// What is missing.
    missing: &'static str,
    /// What is proposed.
    tie: Tied,
}

/// Propose whose calls a log-in shows. Nothing is shown before a supervisor agrees.
#[utoipa::path(
    post,
    path = "/api/v1/staff/tie",
    tag = "staff",
    request_body = Tying,
    responses(
        (status = 200, description = "Never: a supervisor must agree to each."),
        (status = 202, body = TieWaits, description = "A supervisor of the agency must approve it."),
        (status = 400, body = ProblemBody, description = "The log-in has another role."),
        (status = 403, body = ProblemBody, description = "It is not for them to propose."),
        (status = 404, body = ProblemBody, description = "Nobody has this log-in, or this number \
            and this name, or holds protected numbers under this name."),
        (status = 409, body = ProblemBody, description = "It is tied, or the person has a log-in.")
    )
)]
async fn tie(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Tying>,
) -> Result<Response, Problem> {
    let Tying { name, tie } = ask;
    let to = tie.ask()?;
    let tie = shared
        .run(move |services| {
            let id = named(services, &who, &name)?;
            Ok(services.roster.tie(&who.staff, id, &to)?)
        })
        .await?;
    let tie = Tied::of(tie);
    let waits = TieWaits { act: tie.act, missing: MISSING, tie };
    Ok((StatusCode::ACCEPTED, Json(waits)).into_response())
}

/// A log-in that shows nobody's calls from now on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Untying {
    /// The name of the log-in.
    #[schema(value_type = String, example = "jordan")]
    name: Private<String>,
}

/// End whose calls a log-in shows, at once.
#[utoipa::path(
    post,
    path = "/api/v1/staff/untie",
    tag = "staff",
    request_body = Untying,
    responses(
        (status = 200, description = "It shows nothing from now on."),
        (status = 403, body = ProblemBody, description = "It is not for them to end."),
        (status = 404, body = ProblemBody, description = "Nobody has this log-in, or it is not tied.")
    )
)]
async fn untie(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Untying>,
) -> Result<Json<()>, Problem> {
    let done = shared.run(move |services| {
        let id = named(services, &who, &ask.name)?;
        Ok(services.roster.untie(&who.staff, id)?)
    });
    Ok(Json(done.await?))
}

/// A tie that waits.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TieAgreeing {
    /// Number of the act.
    act: u64,
}

/// Agree to whose calls a log-in shows: a supervisor, and never who proposed it.
#[utoipa::path(
    post,
    path = "/api/v1/staff/tie/approve",
    tag = "staff",
    request_body = TieAgreeing,
    responses(
        (status = 200, body = Tied, description = "It is in force."),
        (status = 403, body = ProblemBody, description = "It is not for them to approve."),
        (status = 404, body = ProblemBody, description = "None waits under this number."),
        (status = 409, body = ProblemBody, description = "The log-in has no password yet.")
    )
)]
async fn approve(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<TieAgreeing>,
) -> Result<Json<Tied>, Problem> {
    let tie = shared.run(move |services| Ok(services.roster.approve_tie(&who.staff, ask.act)?));
    Ok(Json(Tied::of(tie.await?)))
}

/// A tie that is refused.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TieDenying {
    /// Number of the act.
    act: u64,
    /// Why.
    #[schema(value_type = String)]
    why: Private<String>,
}

/// Say no to whose calls a log-in was to show, or take one's own proposal back.
#[utoipa::path(
    post,
    path = "/api/v1/staff/tie/deny",
    tag = "staff",
    request_body = TieDenying,
    responses(
        (status = 200, description = "It is refused."),
        (status = 403, body = ProblemBody, description = "It is not for them to refuse."),
        (status = 404, body = ProblemBody, description = "None waits under this number.")
    )
)]
async fn deny(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<TieDenying>,
) -> Result<Json<()>, Problem> {
    let done = shared.run(move |services| {
        Ok(services.roster.deny_tie(&who.staff, ask.act, ask.why.expose())?)
    });
    Ok(Json(done.await?))
}

/// What a proposal lacks.
const MISSING: &str = "a supervisor of the agency must approve it, once the log-in has a password";

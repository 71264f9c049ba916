//! Who is on the staff: added, given another role, released, taken away; and one's own password.

use crate::{
    answer::{Problem, ProblemBody, time},
    ask::Asked,
    route::{Entry, Method, Route},
    routes::tying::{Tied, Whose},
    server::Source,
    session::Who,
    shared::{Services, Shared},
};
use access::Role;
use axum::{
    Extension, Json,
    extract::State,
    routing::{get, post},
};
use disclosure::roster::{Invited, limits::ENROLMENT_MAX};
use model::{AgencyId, Private, StaffId};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

/// The routes of this part.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        method: Method::Post,
        path: "/api/v1/staff/first",
        entry: Entry::Anybody,
        handler: || post(first),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/staff/enrol",
        entry: Entry::Anybody,
        handler: || post(enrol),
    },
    Route {
        method: Method::Get,
        path: "/api/v1/staff",
        entry: Entry::Staff,
        handler: || get(list),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/staff/add",
        entry: Entry::Staff,
        handler: || post(add),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/staff/role",
        entry: Entry::Staff,
        handler: || post(role),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/staff/revoke",
        entry: Entry::Staff,
        handler: || post(revoke),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/staff/release",
        entry: Entry::Staff,
        handler: || post(release),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/staff/password",
        entry: Entry::Staff,
        handler: || post(password),
    },
];

/// This part of the OpenAPI document.
#[derive(OpenApi)]
#[openapi(paths(first, enrol, list, add, role, revoke, release, password))]
pub(crate) struct Document;

/// The first it-admin of a cell.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct First {
    /// The token that the set-up wrote into the data folder.
    #[schema(value_type = String)]
    token: Private<String>,
    /// Key of the agency that they work for.
    #[schema(example = "cedar")]
    agency: String,
    /// The name by which they log in.
    #[schema(value_type = String, example = "dana")]
    name: Private<String>,
}

/// Somebody who can choose a password now.
#[derive(Serialize, ToSchema)]
struct Invitation {
    /// Their number.
    staff: u32,
    /// What lets them choose a password, once. It is shown here alone.
    #[schema(value_type = String)]
    token: Private<String>,
    /// Until when, in RFC 3339.
    #[schema(format = DateTime)]
    until: String,
    /// Whose calls their log-in is going to show, once a supervisor agrees.
    #[serde(skip_serializing_if = "Option::is_none")]
    tie: Option<Tied>,
}

impl Invitation {
    fn of(invited: Invited, shared: &Shared) -> Self {
        let until = time(shared.now().after(ENROLMENT_MAX));
        Self { staff: invited.staff.0, token: invited.token, until, tie: None }
    }
}

/// Add the first it-admin, with the token of the set-up.
#[utoipa::path(
    post,
    path = "/api/v1/staff/first",
    tag = "staff",
    security(()),
    request_body = First,
    responses(
        (status = 200, body = Invitation, description = "They can choose a password."),
        (status = 403, body = ProblemBody, description = "The token is wrong, or there is an it-admin."),
        (status = 429, body = ProblemBody, description = "Too many tries from there.")
    )
)]
async fn first(
    State(shared): State<Shared>,
    Extension(Source(source)): Extension<Source>,
    Asked(ask): Asked<First>,
) -> Result<Json<Invitation>, Problem> {
    if !shared.throttle().admit(source, shared.now()) {
        return Err(Problem::too_often());
    }
    let First { token, agency, name } = ask;
    let invited = shared
        .run(move |services| {
            // The token comes first: whoever has none learns of no agency.
            let agency = services.roster.agency(&agency).unwrap_or(NO_AGENCY);
            Ok(services.roster.first(token.expose(), agency, name.expose())?)
        })
        .await?;
    Ok(Json(Invitation::of(invited, &shared)))
}

/// Somebody who chooses a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Enrolling {
    /// The name of the log-in.
    #[schema(value_type = String, example = "dana")]
    name: Private<String>,
    /// The token that an it-admin handed over.
    #[schema(value_type = String)]
    token: Private<String>,
    /// The password: several words, at least twelve characters.
    #[schema(value_type = String, format = Password)]
    password: Private<String>,
}

/// What an authenticator app needs. It is shown once.
#[derive(Serialize, ToSchema)]
struct Enrolled {
    /// The secret in Base32.
    #[schema(value_type = String)]
    secret: Private<String>,
    /// The same as an address.
    #[schema(value_type = String, example = "otpauth://totp/Parlatory:dana?secret=...")]
    address: Private<String>,
}

/// Choose a password with a token, and get the secret of the codes.
#[utoipa::path(
    post,
    path = "/api/v1/staff/enrol",
    tag = "staff",
    security(()),
    request_body = Enrolling,
    responses(
        (status = 200, body = Enrolled, description = "They can log in."),
        (status = 403, body = ProblemBody, description = "The token is wrong, was used or is too old."),
        (status = 400, body = ProblemBody, description = "The password cannot be chosen."),
        (status = 429, body = ProblemBody, description = "Too many tries from there.")
    )
)]
async fn enrol(
    State(shared): State<Shared>,
    Extension(Source(source)): Extension<Source>,
    Asked(ask): Asked<Enrolling>,
) -> Result<Json<Enrolled>, Problem> {
    if !shared.throttle().admit(source, shared.now()) {
        return Err(Problem::too_often());
    }
    let turn = shared.log_ins().acquire().await;
    let _turn = turn.map_err(|_| Problem::unavailable("closed", "the console stops"))?;
    let Enrolling { name, token, password } = ask;
    let done = shared.run(move |services| {
        Ok(services.roster.enrol(name.expose(), token.expose(), password.expose())?)
    });
    let done = done.await?;
    Ok(Json(Enrolled { secret: done.secret, address: done.address }))
}

/// A member of staff.
#[derive(Serialize, ToSchema)]
struct Member {
    /// The number that entries name them by.
    id: u32,
    /// The name of their log-in.
    #[schema(value_type = String)]
    name: Private<String>,
    /// Their role.
    #[schema(example = "investigator")]
    role: &'static str,
    /// Whether they can log in; or else why not.
    usable: bool,
    /// What ended their access.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// Whether they chose a password.
    enrolled: bool,
    /// When they were added, in RFC 3339.
    #[schema(format = DateTime)]
    added: String,
    /// Their last log-in, or when they were added or released.
    #[schema(format = DateTime)]
    last_seen: String,
}

/// The staff of one's own agency; whoever has no part in that sees themselves.
#[utoipa::path(
    get,
    path = "/api/v1/staff",
    tag = "staff",
    responses((status = 200, body = Vec<Member>, description = "Who is there."))
)]
async fn list(State(shared): State<Shared>, who: Who) -> Result<Json<Vec<Member>>, Problem> {
    let rows = shared.run(move |services| Ok(services.roster.colleagues(&who.staff)?)).await?;
    let now = shared.now();
    let members = rows.into_iter().map(|row| {
        let why = row.staff.usable(now).err().map(|why| why.to_string());
        Member {
            id: row.staff.id.0,
            name: row.name,
            role: row.staff.role.word(),
            usable: why.is_none(),
            why,
            enrolled: row.enrolled,
            added: time(row.added),
            last_seen: time(row.staff.last_seen),
        }
    });
    Ok(Json(members.collect()))
}

/// Somebody new.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Adding {
    /// The name by which they are going to log in.
    #[schema(value_type = String, example = "dana")]
    name: Private<String>,
    /// As what.
    #[schema(example = "investigator")]
    role: String,
    /// Key of their agency, where it is another one that has no it-admin yet.
    #[serde(default)]
    agency: Option<String>,
    /// Whose calls the log-in of a person or of counsel shall show. Without it, it shows nothing
    /// until `staff/tie`.
    #[serde(default)]
    tie: Option<Whose>,
}

/// Add somebody.
#[utoipa::path(
    post,
    path = "/api/v1/staff/add",
    tag = "staff",
    request_body = Adding,
    responses(
        (status = 200, body = Invitation, description = "They can choose a password."),
        (status = 403, body = ProblemBody, description = "It is not for them to add."),
        (status = 404, body = ProblemBody, description = "Nobody is whose calls it shall show.")
    )
)]
async fn add(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Adding>,
) -> Result<Json<Invitation>, Problem> {
    let Adding { name, role, agency: key, tie } = ask;
    let (role, to) = (read_role(&role)?, tie.map(Whose::ask).transpose()?);
    let (invited, tie) = shared
        .run(move |services| {
            let agency = agency(services, &who, key.as_deref())?;
            let (roster, name) = (&services.roster, name.expose());
            Ok(match &to {
                None => (roster.add(&who.staff, agency, name, role)?, None),
                Some(to) => {
                    let (invited, tie) = roster.add_tied(&who.staff, (agency, role), name, to)?;
                    (invited, Some(Tied::of(tie)))
                }
            })
        })
        .await?;
    Ok(Json(Invitation { tie, ..Invitation::of(invited, &shared) }))
}

/// Another role for somebody.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Changing {
    /// The name of their log-in.
    #[schema(value_type = String, example = "dana")]
    name: Private<String>,
    /// As what from now on.
    #[schema(example = "supervisor")]
    role: String,
}

/// Give somebody another role.
#[utoipa::path(
    post,
    path = "/api/v1/staff/role",
    tag = "staff",
    request_body = Changing,
    responses(
        (status = 200, description = "They have it, and log in anew."),
        (status = 403, body = ProblemBody, description = "It is not for them to give."),
        (status = 404, body = ProblemBody, description = "Nobody of the agency has this name.")
    )
)]
async fn role(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Changing>,
) -> Result<Json<()>, Problem> {
    let role = read_role(&ask.role)?;
    let done = shared.run(move |services| {
        let id = named(services, &who, &ask.name)?;
        Ok(services.roster.set_role(&who.staff, id, role)?)
    });
    Ok(Json(done.await?))
}

/// Somebody.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Named {
    /// The name of their log-in.
    #[schema(value_type = String, example = "dana")]
    name: Private<String>,
}

/// Take somebody's access away, with their sessions and grants, at once.
#[utoipa::path(
    post,
    path = "/api/v1/staff/revoke",
    tag = "staff",
    request_body = Named,
    responses(
        (status = 200, description = "It is taken away."),
        (status = 403, body = ProblemBody, description = "It is not for them to take away."),
        (status = 404, body = ProblemBody, description = "Nobody of the agency has this name.")
    )
)]
async fn revoke(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Named>,
) -> Result<Json<()>, Problem> {
    let done = shared.run(move |services| {
        let id = named(services, &who, &ask.name)?;
        Ok(services.roster.revoke(&who.staff, id)?)
    });
    Ok(Json(done.await?))
}

/// Somebody whose lock or long absence ends.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Releasing {
    /// The name of their log-in.
    #[schema(value_type = String, example = "dana")]
    name: Private<String>,
    /// Whether they choose a new password and get a new secret of codes.
    #[serde(default)]
    anew: bool,
}

/// Somebody whose lock or long absence ended.
#[derive(Serialize, ToSchema)]
struct Released {
    /// What lets them choose a password, where they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    invitation: Option<Invitation>,
}

/// End somebody's lock or long absence.
#[utoipa::path(
    post,
    path = "/api/v1/staff/release",
    tag = "staff",
    request_body = Releasing,
    responses(
        (status = 200, body = Released, description = "They can log in again."),
        (status = 403, body = ProblemBody, description = "It is not for them to end."),
        (status = 404, body = ProblemBody, description = "Nobody of the agency has this name.")
    )
)]
async fn release(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Releasing>,
) -> Result<Json<Released>, Problem> {
    let invited = shared
        .run(move |services| {
            let id = named(services, &who, &ask.name)?;
            Ok(services.roster.release(&who.staff, id, ask.anew)?)
        })
        .await?;
    let invitation = invited.map(|invited| Invitation::of(invited, &shared));
    Ok(Json(Released { invitation }))
}

/// One's own password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Password {
    /// The one so far.
    #[schema(value_type = String, format = Password)]
    old: Private<String>,
    /// The one from now on.
    #[schema(value_type = String, format = Password)]
    new: Private<String>,
}

/// Change one's own password; all one's sessions end.
#[utoipa::path(
    post,
    path = "/api/v1/staff/password",
    tag = "staff",
    request_body = Password,
    responses(
        (status = 200, description = "It is changed: log in anew."),
        (status = 401, body = ProblemBody, description = "The old one is wrong."),
        (status = 400, body = ProblemBody, description = "The new one cannot be chosen.")
    )
)]
async fn password(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Password>,
) -> Result<Json<()>, Problem> {
    let turn = shared.log_ins().acquire().await;
    let _turn = turn.map_err(|_| Problem::unavailable("closed", "the console stops"))?;
    let done = shared.run(move |services| {
        let Password { old, new } = ask;
        Ok(services.roster.change_password(&who.staff, old.expose(), new.expose())?)
    });
    Ok(Json(done.await?))
}

/// The agency with this key, or one's own.
pub(crate) fn agency(
    services: &Services,
    who: &Who,
    key: Option<&str>,
) -> Result<AgencyId, Problem> {
    match key {
        None => Ok(who.staff.agency),
        Some(key) => Ok(services.roster.agency(key)?),
    }
}

pub(crate) fn named(
    services: &Services,
    who: &Who,
    name: &Private<String>,
) -> Result<StaffId, Problem> {
    Ok(services.roster.named(who.staff.agency, name.expose())?)
}

fn read_role(word: &str) -> Result<Role, Problem> {
    Role::from_word(word).ok_or_else(|| {
        let words: Vec<_> = Role::ALL.iter().map(|role| role.word()).collect();
        Problem::unreadable(format!("a role is one of {}", words.join(", ")))
    })
}

/// No agency has this number: they are counted from 1.
pub(crate) const NO_AGENCY: AgencyId = AgencyId(0);

//! What an agency decides for itself and looks at afterwards: its policies, and the review of who
//! could reach what against what they used.

use crate::{
    answer::{Problem, ProblemBody, time},
    ask::{Asked, read_time},
    route::{Entry, Method, Route},
    routes::leave::read_purpose,
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
use disclosure::roster::{self, AccessReview, PolicyText, Proposed};
use model::Private;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

/// The routes of this part.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        method: Method::Post,
        path: "/api/v1/policy/show",
        entry: Entry::Staff,
        handler: || post(show),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/policy/set",
        entry: Entry::Staff,
        handler: || post(set),
    },
    Route {
        method: Method::Get,
        path: "/api/v1/policy/waiting",
        entry: Entry::Staff,
        handler: || get(waiting),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/policy/approve",
        entry: Entry::Staff,
        handler: || post(approve),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/policy/deny",
        entry: Entry::Staff,
        handler: || post(deny),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/access/review",
        entry: Entry::Staff,
        handler: || post(review),
    },
];

/// This part of the OpenAPI document.
#[derive(OpenApi)]
#[openapi(paths(show, set, waiting, approve, deny, review))]
pub(crate) struct Document;

/// Which policies.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Showing {
    /// The hash in an old entry, in 64 hexadecimal digits; those of now, where it is not given.
    #[serde(default)]
    hash: Option<String>,
}

/// An agency's policies.
#[derive(Serialize, ToSchema)]
struct Policy {
    /// Number of the agency.
    agency: u32,
    /// Which version, from 1; 0 is the text that comes with the program.
    version: u32,
    /// SHA-256 over schema, law and text, as entries of disclosures have it.
    hash: String,
    /// The text, in Cedar.
    text: String,
}

impl From<PolicyText> for Policy {
    fn from(policy: PolicyText) -> Self {
        let hash = policy.hash.iter().map(|octet| format!("{octet:02x}")).collect();
        let PolicyText { agency, version, text, .. } = policy;
        Self { agency: agency.0, version, hash, text }
    }
}

/// The policies of one's own agency, those of now or those with a hash.
#[utoipa::path(
    post,
    path = "/api/v1/policy/show",
    tag = "oversight",
    request_body = Showing,
    responses(
        (status = 200, body = Policy, description = "The text."),
        (status = 404, body = ProblemBody, description = "The agency never had policies with this hash.")
    )
)]
async fn show(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Showing>,
) -> Result<Json<Policy>, Problem> {
    let hash = ask.hash.as_deref().map(read_hash).transpose()?;
    let policy = shared.run(move |services| Ok(services.roster.policy(&who.staff, hash)?));
    Ok(Json(policy.await?.into()))
}

/// A new text.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Setting {
    /// The text, in Cedar. It stands beside the law, which is part of the program.
    text: String,
}

/// Propose policies for one's own agency. They hold when another supervisor or an auditor there
/// approves them; at once only where they are the first and nobody else could.
#[utoipa::path(
    post,
    path = "/api/v1/policy/set",
    tag = "oversight",
    request_body = Setting,
    responses(
        (status = 200, body = Policy, description = "They hold from now on."),
        (status = 202, body = Proposal, description = "A second person must approve them."),
        (status = 403, body = ProblemBody, description = "It is not for them to set."),
        (status = 400, body = ProblemBody, description = "The text is no policies.")
    )
)]
async fn set(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Setting>,
) -> Result<Response, Problem> {
    let proposed =
        shared.run(move |services| Ok(services.roster.propose_policy(&who.staff, &ask.text)?));
    Ok(match proposed.await? {
        Proposed::Set(policy) => Json(Policy::from(policy)).into_response(),
        Proposed::Waits { act } => {
            let missing = "another supervisor or an auditor of the agency must approve them";
            (StatusCode::ACCEPTED, Json(Proposal { act, missing })).into_response()
        }
    })
}

/// Policies that wait for a second person.
#[derive(Serialize, ToSchema)]
struct Proposal {
    /// Number of the act under which they are approved.
    act: u64,
    /// What is missing.
    missing: &'static str,
}

/// Policies that somebody proposed.
#[derive(Serialize, ToSchema)]
struct ProposedPolicy {
    /// Number of the act.
    act: u64,
    /// Number of whoever proposed them.
    staff: u32,
    /// When they did.
    #[schema(format = DateTime)]
    asked: String,
    /// From then on they are proposed anew.
    #[schema(format = DateTime)]
    until: String,
    /// What entries will have, in hexadecimal digits.
    hash: String,
    /// The text.
    text: String,
}

/// The policies that wait for a second person, for supervisors and auditors of the agency.
#[utoipa::path(
    get,
    path = "/api/v1/policy/waiting",
    tag = "oversight",
    responses((status = 200, body = Vec<ProposedPolicy>, description = "What waits."))
)]
async fn waiting(
    State(shared): State<Shared>,
    who: Who,
) -> Result<Json<Vec<ProposedPolicy>>, Problem> {
    let rows = shared.run(move |services| Ok(services.roster.proposed_policies(&who.staff)?));
    let waiting = rows.await?.into_iter().map(|row| ProposedPolicy {
        act: row.act,
        staff: row.by.0,
        asked: time(row.asked),
        until: time(row.until),
        hash: row.hash.iter().map(|octet| format!("{octet:02x}")).collect(),
        text: row.text,
    });
    Ok(Json(waiting.collect()))
}

/// Policies that are judged.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Judging {
    /// Number of the act.
    act: u64,
}

/// Say yes to policies that another one proposed for the same agency.
#[utoipa::path(
    post,
    path = "/api/v1/policy/approve",
    tag = "oversight",
    request_body = Judging,
    responses(
        (status = 200, body = Policy, description = "They hold from now on."),
        (status = 403, body = ProblemBody, description = "It is not for them to approve."),
        (status = 404, body = ProblemBody, description = "Nothing of this number waits for them.")
    )
)]
async fn approve(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Judging>,
) -> Result<Json<Policy>, Problem> {
    let policy =
        shared.run(move |services| Ok(services.roster.approve_policy(&who.staff, ask.act)?));
    Ok(Json(policy.await?.into()))
}

/// Policies that are refused, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PolicyDenying {
    /// Number of the act.
    act: u64,
    /// Why, for whoever proposed them.
    #[schema(value_type = String)]
    why: Private<String>,
}

/// Say no to policies that were proposed, or take one's own proposal back.
#[utoipa::path(
    post,
    path = "/api/v1/policy/deny",
    tag = "oversight",
    request_body = PolicyDenying,
    responses(
        (status = 200, description = "They do not come to hold."),
        (status = 403, body = ProblemBody, description = "It is not for them to refuse."),
        (status = 404, body = ProblemBody, description = "Nothing of this number waits for them.")
    )
)]
async fn deny(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<PolicyDenying>,
) -> Result<Json<()>, Problem> {
    let done = shared.run(move |services| {
        Ok(services.roster.deny_policy(&who.staff, ask.act, ask.why.expose())?)
    });
    Ok(Json(done.await?))
}

/// What the review looks at.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReviewAsked {
    /// Why: `audit` or `inspection`.
    #[schema(example = "audit")]
    purpose: String,
    /// Number of the audit, or of the case.
    #[schema(value_type = String, example = "audit 2026-4")]
    case: Private<String>,
    /// From when use is looked at, in RFC 3339.
    #[schema(format = DateTime)]
    since: String,
}

/// What the staff of an agency could reach against what they used.
#[derive(Serialize, ToSchema)]
struct Review {
    /// Number of the act: looking at this is entered too.
    act: u64,
    /// Number of the agency.
    agency: u32,
    /// From when.
    #[schema(format = DateTime)]
    from: String,
    /// Until when.
    #[schema(format = DateTime)]
    until: String,
    /// Everybody who has or had a log-in.
    people: Vec<Person>,
    /// What somebody should look at.
    alarms: Vec<Alarm>,
}

/// A member of staff.
#[derive(Serialize, ToSchema)]
struct Person {
    /// Their number.
    staff: u32,
    /// The name of their log-in.
    #[schema(value_type = String)]
    name: Private<String>,
    /// Their role.
    role: &'static str,
    /// Whether they can log in.
    usable: bool,
    /// What ended their access.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// Whether they chose a password.
    enrolled: bool,
    /// Their last log-in, or when they were added or released.
    #[schema(format = DateTime)]
    last_seen: String,
    /// What the policies let their role do.
    could: Vec<Could>,
    /// Their grants.
    grants: Vec<GrantUse>,
    /// What they did.
    used: Vec<Use>,
}

/// Something that the policies let a role do.
#[derive(Serialize, ToSchema)]
struct Could {
    /// What.
    verb: &'static str,
    /// With whose data.
    scope: &'static str,
    /// Whether only as counts by month.
    counts_only: bool,
    /// For which purposes.
    purposes: Vec<&'static str>,
    /// What it needs besides: `role` is nothing.
    needs: &'static str,
    /// Whether they did it.
    used: bool,
}

/// A grant, and what was seen under it.
#[derive(Serialize, ToSchema)]
struct GrantUse {
    /// Its number.
    grant: u32,
    /// For which case.
    #[schema(value_type = String)]
    case: Private<String>,
    /// Why.
    purpose: &'static str,
    /// To do what.
    verbs: Vec<&'static str>,
    /// How many rows in all.
    rows_max: u32,
    /// How many were seen.
    rows: u32,
    /// Until when.
    #[schema(format = DateTime)]
    until: String,
    /// Whether it was taken back.
    revoked: bool,
    /// Whether it was used in this time.
    used: bool,
}

/// What somebody did, counted.
#[derive(Serialize, ToSchema)]
struct Use {
    /// What.
    verb: &'static str,
    /// With whose data.
    scope: &'static str,
    /// Why.
    purpose: &'static str,
    /// How often.
    acts: u32,
    /// How many rows.
    rows: u64,
}

/// Something that somebody should look at.
#[derive(Serialize, ToSchema)]
struct Alarm {
    /// Number of whom it is about.
    staff: u32,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// What: `drip`, `over-cap`, `glass-open`, `glass-overdue` or `locked`.
    kind: &'static str,
}

/// What the staff of one's agency could reach against what they used.
#[utoipa::path(
    post,
    path = "/api/v1/access/review",
    tag = "oversight",
    request_body = ReviewAsked,
    responses(
        (status = 200, body = Review, description = "The review; it stands in the log."),
        (status = 403, body = ProblemBody, description = "It is not for their role.")
    )
)]
async fn review(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<ReviewAsked>,
) -> Result<Json<Review>, Problem> {
    let purpose = read_purpose(&ask.purpose)?;
    let since = read_time(&ask.since)?;
    let review = shared.run(move |services| {
        Ok(services.roster.review_access(&who.staff, purpose, ask.case.expose(), since)?)
    });
    Ok(Json(reviewed(review.await?)))
}

fn reviewed(review: AccessReview) -> Review {
    let alarms = review.alarms.iter().map(|alarm| Alarm {
        staff: alarm.staff.0,
        at: time(alarm.at),
        kind: alarm.kind.word(),
    });
    Review {
        act: review.act,
        agency: review.agency.0,
        from: time(review.from),
        until: time(review.until),
        alarms: alarms.collect(),
        people: review.people.into_iter().map(person).collect(),
    }
}

fn person(person: roster::Person) -> Person {
    let could = person.could.iter().map(|could| Could {
        verb: could.verb.word(),
        scope: could.scope.word(),
        counts_only: could.counts_only,
        purposes: could.purposes.iter().map(|purpose| purpose.word()).collect(),
        needs: could.needs.word(),
        used: could.used,
    });
    let grants = person.grants.into_iter().map(|of| GrantUse {
        grant: of.grant.id.0,
        purpose: of.grant.purpose.word(),
        verbs: of.grant.verbs.iter().map(|verb| verb.word()).collect(),
        rows_max: of.grant.rows_max,
        rows: of.rows,
        until: time(of.grant.until),
        revoked: of.grant.revoked,
        case: of.grant.case,
        used: of.used,
    });
    let used = person.used.iter().map(|used| Use {
        verb: used.verb.word(),
        scope: used.scope.word(),
        purpose: used.purpose.word(),
        acts: used.acts,
        rows: used.rows,
    });
    Person {
        staff: person.staff.0,
        name: person.name,
        role: person.role.word(),
        usable: person.usable.is_ok(),
        why: person.usable.err().map(|why| why.to_string()),
        enrolled: person.enrolled,
        last_seen: time(person.last_seen),
        could: could.collect(),
        grants: grants.collect(),
        used: used.collect(),
    }
}

fn read_hash(text: &str) -> Result<[u8; 32], Problem> {
    let unreadable = || Problem::unreadable("a hash has 64 hexadecimal digits");
    let digits: Vec<u8> =
        text.chars().map_while(|digit| digit.to_digit(16)?.try_into().ok()).collect();
    let octets: Vec<u8> = digits
        .chunks_exact(2)
        .filter_map(|pair| <[u8; 2]>::try_from(pair).ok().map(|[high, low]| high << 4 | low))
        .collect();
    let whole = text.len() == 64;
    octets.try_into().ok().filter(|_| whole).ok_or_else(unreadable)
}

//! By whose leave: grants, what waits for a second person, and the broken glass.

use crate::{
    answer::{Problem, ProblemBody, time},
    ask::{Asked, read_time},
    route::{Entry, Method, Route},
    routes::staff::{NO_AGENCY, agency},
    session::Who,
    shared::Shared,
};
use access::{Object, Purpose, Query, Verb};
use axum::{
    Json,
    extract::State,
    routing::{get, post},
};
use disclosure::roster::NewGrant;
use model::{GrantId, Private};
use serde::{Deserialize, Serialize};
use std::{ops::Not, time::Duration};
use utoipa::{OpenApi, ToSchema};

/// The routes of this part.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        method: Method::Get,
        path: "/api/v1/grants",
        entry: Entry::Staff,
        handler: || get(grants),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/grants/give",
        entry: Entry::Staff,
        handler: || post(give),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/grants/revoke",
        entry: Entry::Staff,
        handler: || post(take_back),
    },
    Route {
        method: Method::Get,
        path: "/api/v1/acts/waiting",
        entry: Entry::Staff,
        handler: || get(waiting),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/acts/approve",
        entry: Entry::Staff,
        handler: || post(approve),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/acts/deny",
        entry: Entry::Staff,
        handler: || post(deny),
    },
    Route {
        method: Method::Get,
        path: "/api/v1/glass",
        entry: Entry::Staff,
        handler: || get(glasses),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/glass/break",
        entry: Entry::Staff,
        handler: || post(break_glass),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/glass/review",
        entry: Entry::Staff,
        handler: || post(review),
    },
];

/// This part of the OpenAPI document.
#[derive(OpenApi)]
#[openapi(paths(grants, give, take_back, waiting, approve, deny, glasses, break_glass, review))]
pub(crate) struct Document;

/// A grant.
#[derive(Serialize, ToSchema)]
struct Grant {
    /// Its number.
    grant: u32,
    /// Number of whoever has it.
    staff: u32,
    /// For which case.
    #[schema(value_type = String)]
    case: Private<String>,
    /// Why.
    #[schema(example = "investigation")]
    purpose: &'static str,
    /// Number of the agency whose data it is for.
    agency: u32,
    /// To do what.
    verbs: Vec<&'static str>,
    /// How many rows in all.
    rows_max: u32,
    /// How many were seen under it.
    rows: u32,
    /// From when.
    #[schema(format = DateTime)]
    from: String,
    /// Until when.
    #[schema(format = DateTime)]
    until: String,
    /// Number of whoever gave it.
    given_by: u32,
    /// Whether it was taken back.
    revoked: bool,
}

/// The grants one has; for supervisors and auditors, those for the data of their agency.
#[utoipa::path(
    get,
    path = "/api/v1/grants",
    tag = "leave",
    responses((status = 200, body = Vec<Grant>, description = "What was given."))
)]
async fn grants(State(shared): State<Shared>, who: Who) -> Result<Json<Vec<Grant>>, Problem> {
    let rows = shared.run(move |services| Ok(services.roster.grants(&who.staff)?)).await?;
    let grants = rows.into_iter().map(|(grant, rows)| Grant {
        grant: grant.id.0,
        staff: grant.staff.0,
        case: grant.case,
        purpose: grant.purpose.word(),
        agency: grant.owner.0,
        verbs: grant.verbs.iter().map(|verb| verb.word()).collect(),
        rows_max: grant.rows_max,
        rows,
        from: time(grant.from),
        until: time(grant.until),
        given_by: grant.given_by.0,
        revoked: grant.revoked,
    });
    Ok(Json(grants.collect()))
}

/// A grant to be given.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Giving {
    /// The name of the log-in of whoever gets it.
    #[schema(value_type = String, example = "dana")]
    name: Private<String>,
    /// Key of the agency that they work for, where it is another one.
    #[serde(default)]
    agency: Option<String>,
    /// For which case.
    #[schema(value_type = String, example = "24-CR-0117")]
    case: Private<String>,
    /// Why.
    #[schema(example = "investigation")]
    purpose: String,
    /// To do what.
    #[schema(example = json!(["search", "listen"]))]
    verbs: Vec<String>,
    /// How many rows in all.
    rows_max: u32,
    /// From when, in RFC 3339; from now, where it is not given.
    #[serde(default)]
    #[schema(format = DateTime)]
    from: Option<String>,
    /// Until when, in RFC 3339: at most 30 days.
    #[schema(format = DateTime)]
    until: String,
}

/// A grant that was given.
#[derive(Serialize, ToSchema)]
struct Given {
    /// Its number.
    grant: u32,
}

/// Give a grant for the data of one's agency.
#[utoipa::path(
    post,
    path = "/api/v1/grants/give",
    tag = "leave",
    request_body = Giving,
    responses(
        (status = 200, body = Given, description = "It is given."),
        (status = 403, body = ProblemBody, description = "It is not for them to give."),
        (status = 404, body = ProblemBody, description = "Nobody has this name there.")
    )
)]
async fn give(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Giving>,
) -> Result<Json<Given>, Problem> {
    let purpose = read_purpose(&ask.purpose)?;
    let verbs = ask.verbs.iter().map(|word| read_verb(word)).collect::<Result<_, _>>()?;
    let from = match &ask.from {
        Some(text) => read_time(text)?,
        None => shared.now(),
    };
    let until = read_time(&ask.until)?;
    let given = shared.run(move |services| {
        // Whoever gives no grants learns of no agency and of no name.
        let agency = agency(services, &who, ask.agency.as_deref()).unwrap_or(NO_AGENCY);
        let staff = services.roster.grantee(&who.staff, agency, ask.name.expose())?;
        let Giving { case, rows_max, .. } = ask;
        let new = NewGrant { staff, case, purpose, verbs, rows_max, from, until };
        Ok(services.roster.give(&who.staff, new)?)
    });
    Ok(Json(Given { grant: given.await?.0 }))
}

/// A grant to be taken back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TakingBack {
    /// Its number.
    grant: u32,
}

/// Take a grant back.
#[utoipa::path(
    post,
    path = "/api/v1/grants/revoke",
    tag = "leave",
    request_body = TakingBack,
    responses(
        (status = 200, description = "It is taken back."),
        (status = 404, body = ProblemBody, description = "There is none for them to take back.")
    )
)]
async fn take_back(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<TakingBack>,
) -> Result<Json<()>, Problem> {
    let grant = GrantId(ask.grant);
    let done = shared.run(move |services| Ok(services.roster.take_back(&who.staff, grant)?));
    Ok(Json(done.await?))
}

/// A request that waits for a second person.
#[derive(Serialize, ToSchema)]
struct Waiting {
    /// Number of the act.
    act: u64,
    /// Number of whoever asks.
    staff: u32,
    /// The name of their log-in.
    #[schema(value_type = String)]
    name: Private<String>,
    /// What they want to do.
    #[schema(example = "follow")]
    verb: &'static str,
    /// Why.
    #[schema(example = "investigation")]
    purpose: &'static str,
    /// For which case.
    #[schema(value_type = String)]
    case: Private<String>,
    /// With what kind of calls.
    #[schema(example = "ordinary")]
    line: &'static str,
    /// Number of the agency whose data it is.
    agency: u32,
    /// How many rows.
    rows: u32,
    /// Number of the recording, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0000000100000002")]
    recording: Option<String>,
    /// For whom it is.
    #[schema(example = "defence")]
    audience: &'static str,
    /// The recipient's own key, where one was given: 64 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// What was looked for. An approval is for exactly this.
    query: Sought,
    /// The same in the words of who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    note: Option<Private<String>>,
    /// Which calls are to be kept, in words, where that is asked for: an approval is for these
    /// alone. Of whom and to which number, `query` says.
    keeps: Option<String>,
    /// When they asked.
    #[schema(format = DateTime)]
    asked: String,
    /// From then on it must be asked anew.
    #[schema(format = DateTime)]
    until: String,
    /// Numbers of those who approved it.
    approved_by: Vec<u32>,
    /// Who is on call to approve, by the names of their log-ins.
    #[schema(value_type = Vec<String>)]
    on_call: Vec<Private<String>>,
}

/// What waits: one's own requests, and for supervisors those for the data of their agency.
#[utoipa::path(
    get,
    path = "/api/v1/acts/waiting",
    tag = "leave",
    responses((status = 200, body = Vec<Waiting>, description = "What waits."))
)]
async fn waiting(State(shared): State<Shared>, who: Who) -> Result<Json<Vec<Waiting>>, Problem> {
    let rows = shared.run(move |services| Ok(services.roster.waiting(&who.staff)?)).await?;
    let waiting = rows.into_iter().map(|row| {
        let facility = row.ask.demand.query.facility.clone();
        Waiting {
            recording: recording(&row.ask.object),
            audience: row.ask.demand.audience.word(),
            key: row.ask.demand.key.map(|key| hex(&key.0)),
            query: Sought::of(row.ask.demand.query),
            note: row.ask.demand.note,
            act: row.act,
            staff: row.staff.0,
            name: row.name,
            verb: row.ask.verb.word(),
            purpose: row.ask.purpose.word(),
            line: row.ask.line.word(),
            agency: row.ask.object.agency().0,
            rows: row.ask.object.rows(),
            keeps: keeps(&row.ask.object, facility.as_deref()),
            case: row.ask.case,
            asked: time(row.asked),
            until: time(row.until),
            approved_by: row.approved_by.iter().map(|staff| staff.0).collect(),
            on_call: row.on_call,
        }
    });
    Ok(Json(waiting.collect()))
}

/// What was looked for. What is left out narrowed nothing.
#[derive(Serialize, ToSchema)]
struct Sought {
    /// Which kind of calls.
    #[schema(example = "ordinary")]
    line: &'static str,
    /// The agency's number of the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    person: Option<Private<String>>,
    /// The number that was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    number: Option<Private<String>>,
    /// Key of the facility.
    #[serde(skip_serializing_if = "Option::is_none")]
    facility: Option<String>,
    /// Key of the station.
    #[serde(skip_serializing_if = "Option::is_none")]
    station: Option<String>,
    /// At this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    from: Option<String>,
    /// Before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    until: Option<String>,
    /// What became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    /// With a recording, or without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded: Option<bool>,
    /// Whether it is a later page.
    #[serde(skip_serializing_if = "Not::not")]
    later_page: bool,
}

impl Sought {
    fn of(query: Query) -> Self {
        let number = query.number;
        Self {
            line: query.line.word(),
            person: query.person,
            number: number.map(|number| Private::new(number.expose().display().to_string())),
            facility: query.facility,
            station: query.station,
            from: query.from.map(time),
            until: query.until.map(time),
            outcome: query.outcome,
            recorded: query.recorded,
            later_page: query.after.is_some(),
        }
    }
}

fn recording(object: &Object) -> Option<String> {
    match object {
        Object::Recording { recording, .. } => Some(format!("{:016x}", recording.0)),
        Object::Records { .. }
        | Object::Counts { .. }
        | Object::Ledger { .. }
        | Object::Held { .. } => None,
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Which calls are to be kept, where that is what is asked for.
fn keeps(object: &Object, facility: Option<&str>) -> Option<String> {
    match object {
        Object::Held { person, number, from, until, .. } => {
            let named = *person || *number || facility.is_some();
            let mut words = if named { "calls" } else { "ALL CALLS OF THE AGENCY" }.to_owned();
            for (is, what) in [(person, " of one person"), (number, " to one number")] {
                words += if *is { what } else { "" };
            }
            words += &facility.map_or_else(String::new, |key| format!(" of all people at {key}"));
            for (at, what) in [(from, " from "), (until, " until ")] {
                words += &at.map_or_else(String::new, |at| format!("{what}{}", time(at)));
            }
            Some(words)
        }
        Object::Recording { .. }
        | Object::Records { .. }
        | Object::Counts { .. }
        | Object::Ledger { .. } => None,
    }
}

/// An act.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Approving {
    /// Its number.
    act: u64,
}

/// Say yes to what another asked for.
#[utoipa::path(
    post,
    path = "/api/v1/acts/approve",
    tag = "leave",
    request_body = Approving,
    responses(
        (status = 200, description = "It is approved."),
        (status = 403, body = ProblemBody, description = "It is not for them to approve."),
        (status = 404, body = ProblemBody, description = "There is nothing of this number for them."),
        (status = 409, body = ProblemBody, description = "It waits for nobody any more.")
    )
)]
async fn approve(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Approving>,
) -> Result<Json<()>, Problem> {
    let done = shared.run(move |services| Ok(services.roster.approve(&who.staff, ask.act)?));
    Ok(Json(done.await?))
}

/// An act that is refused.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Denying {
    /// Its number.
    act: u64,
    /// Why.
    #[schema(value_type = String)]
    why: Private<String>,
}

/// Say no to what another asked for, or take one's own request back.
#[utoipa::path(
    post,
    path = "/api/v1/acts/deny",
    tag = "leave",
    request_body = Denying,
    responses(
        (status = 200, description = "It is refused."),
        (status = 403, body = ProblemBody, description = "It is not for them to refuse."),
        (status = 404, body = ProblemBody, description = "There is nothing of this number for them."),
        (status = 409, body = ProblemBody, description = "It waits for nobody any more.")
    )
)]
async fn deny(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Denying>,
) -> Result<Json<()>, Problem> {
    let done = shared
        .run(move |services| Ok(services.roster.deny(&who.staff, ask.act, ask.why.expose())?));
    Ok(Json(done.await?))
}

/// A glass that was broken.
#[derive(Serialize, ToSchema)]
struct Glass {
    /// Number of the act.
    act: u64,
    /// Number of whoever broke it.
    staff: u32,
    /// What for, in their words.
    #[schema(value_type = String)]
    reason: Private<String>,
    /// When.
    #[schema(format = DateTime)]
    broken: String,
    /// Until when.
    #[schema(format = DateTime)]
    until: String,
    /// When it was reviewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    reviewed: Option<String>,
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    reviewed_by: Option<u32>,
}

/// The glasses that were broken: one's own, and those that one may review.
#[utoipa::path(
    get,
    path = "/api/v1/glass",
    tag = "leave",
    responses((status = 200, body = Vec<Glass>, description = "What was broken."))
)]
async fn glasses(State(shared): State<Shared>, who: Who) -> Result<Json<Vec<Glass>>, Problem> {
    let rows = shared.run(move |services| Ok(services.roster.glasses(&who.staff)?)).await?;
    let glasses = rows.into_iter().map(|row| Glass {
        act: row.act,
        staff: row.staff.0,
        reason: row.reason,
        broken: time(row.broken),
        until: time(row.until),
        reviewed: row.reviewed.map(|(at, _)| time(at)),
        reviewed_by: row.reviewed.map(|(_, by)| by.0),
    });
    Ok(Json(glasses.collect()))
}

/// A glass to be broken.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Breaking {
    /// For how many minutes: 60 to 240.
    minutes: u32,
    /// What for.
    #[schema(value_type = String, example = "a threat to somebody's life")]
    reason: Private<String>,
}

/// A glass that is broken.
#[derive(Serialize, ToSchema)]
struct Broken {
    /// Number of the act, for its review.
    act: u64,
    /// Until when.
    #[schema(format = DateTime)]
    until: String,
}

/// Break the glass: somebody is in danger, and nobody can approve in time.
#[utoipa::path(
    post,
    path = "/api/v1/glass/break",
    tag = "leave",
    request_body = Breaking,
    responses(
        (status = 200, body = Broken, description = "It is broken; it must be reviewed within 72 hours."),
        (status = 403, body = ProblemBody, description = "It is not for their role.")
    )
)]
async fn break_glass(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Breaking>,
) -> Result<Json<Broken>, Problem> {
    let length = Duration::from_secs(60 * u64::from(ask.minutes));
    let done = shared.run(move |services| {
        Ok(services.roster.break_glass(&who.staff, length, ask.reason.expose())?)
    });
    let (act, glass) = done.await?;
    Ok(Json(Broken { act, until: time(glass.until) }))
}

/// What was found about a broken glass.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GlassReview {
    /// Number of the act.
    act: u64,
    /// Whether it was right.
    justified: bool,
    /// What was found.
    #[schema(value_type = String)]
    found: Private<String>,
}

/// Say what was found about a broken glass of somebody else.
#[utoipa::path(
    post,
    path = "/api/v1/glass/review",
    tag = "leave",
    request_body = GlassReview,
    responses(
        (status = 200, description = "It is entered."),
        (status = 403, body = ProblemBody, description = "It is not for them to review."),
        (status = 404, body = ProblemBody, description = "There is none with this number.")
    )
)]
async fn review(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<GlassReview>,
) -> Result<Json<()>, Problem> {
    let done = shared.run(move |services| {
        let GlassReview { act, justified, found } = ask;
        Ok(services.roster.review(&who.staff, act, justified, found.expose())?)
    });
    Ok(Json(done.await?))
}

/// The purpose with this word.
pub(crate) fn read_purpose(word: &str) -> Result<Purpose, Problem> {
    Purpose::from_word(word).ok_or_else(|| {
        let words: Vec<_> = Purpose::ALL.iter().map(|purpose| purpose.word()).collect();
        Problem::unreadable(format!("a purpose is one of {}", words.join(", ")))
    })
}

fn read_verb(word: &str) -> Result<Verb, Problem> {
    Verb::from_word(word).ok_or_else(|| {
        let words: Vec<_> = Verb::ALL.iter().map(|verb| verb.word()).collect();
        Problem::unreadable(format!("an act is one of {}", words.join(", ")))
    })
}

//! How long things are kept, what must be kept whatever that says, and erasing what is due. Nothing
//! here shows a call.

use crate::{
    answer::{Problem, ProblemBody, not_allowed, not_entered, stream, time},
    ask::Asked,
    route::{Entry, Method, Route},
    routes::records::body::{Awaited, Why, number, when},
    session::Who,
    shared::Shared,
};
use access::staff::Staff;
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use disclosure::{
    Keeping,
    keeping::{self, HoldAsk, Judged, NewRule, NotKept, Of, Ran},
    records::NOBODY,
};
use model::{AgencyId, FacilityId, PersonId, Private};
use serde::{Deserialize, Serialize};
use std::{
    io::{self, Write},
    ops::ControlFlow,
};
use store::{Class, HoldRow, StoreError};
use utoipa::{OpenApi, ToSchema};

/// The routes of this part.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        method: Method::Get,
        path: "/api/v1/retention/published",
        entry: Entry::Anybody,
        handler: || get(published),
    },
    Route {
        method: Method::Get,
        path: "/api/v1/retention",
        entry: Entry::Staff,
        handler: || get(rules),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/retention/set",
        entry: Entry::Staff,
        handler: || post(set),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/retention/run",
        entry: Entry::Staff,
        handler: || post(run),
    },
    Route {
        method: Method::Get,
        path: "/api/v1/holds",
        entry: Entry::Staff,
        handler: || get(holds),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/holds/place",
        entry: Entry::Staff,
        handler: || post(place),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/holds/release",
        entry: Entry::Staff,
        handler: || post(release),
    },
];

/// This part of the OpenAPI document.
#[derive(OpenApi)]
#[openapi(paths(published, rules, set, run, holds, place, release))]
pub(crate) struct Document;

/// How long things are kept.
#[derive(Serialize, ToSchema)]
struct Published {
    /// Where an agency has set nothing.
    usual: Vec<Term>,
    /// What agencies have set.
    agencies: Vec<AgencyTerms>,
}

/// What an agency has set.
#[derive(Serialize, ToSchema)]
struct AgencyTerms {
    /// Its key.
    #[schema(example = "cedar")]
    agency: String,
    /// Its name.
    name: String,
    /// For what it has set something.
    terms: Vec<Term>,
}

/// How long something is kept.
#[derive(Serialize, ToSchema)]
struct Term {
    /// What: `audio` are recordings, `records` are names and numbers, `acts` is what the log says
    /// of who was shown what, and why: 2555 days or longer, and for the whole agency.
    #[schema(example = "audio")]
    class: &'static str,
    /// For which facility; for all that have nothing of their own, where it is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "cedar/jail")]
    facility: Option<String>,
    /// How many days, from the end of the call or the act on.
    days: u64,
    /// Whether that is longer than usual.
    longer: bool,
    /// Why.
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    /// The place of its entry in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<u64>,
}

impl Term {
    fn of(term: keeping::Term) -> Self {
        let keeping::Term { class, facility, days, longer, reason, entry } = term;
        Self { class, facility, days, longer, reason, entry }
    }
}

/// How long things are kept, and why for longer than usual: for anybody.
#[utoipa::path(
    get,
    path = "/api/v1/retention/published",
    tag = "keeping",
    security(()),
    responses((status = 200, body = Published, description = "What stands in the published file."))
)]
async fn published(State(shared): State<Shared>) -> Result<Json<Published>, Problem> {
    let found = shared.run(|services| Ok(services.keeping.published()?)).await?;
    let agencies = found.agencies.into_iter().map(|of| AgencyTerms {
        agency: of.agency,
        name: of.name,
        terms: of.terms.into_iter().map(Term::of).collect(),
    });
    let usual = found.usual.into_iter().map(Term::of).collect();
    Ok(Json(Published { usual, agencies: agencies.collect() }))
}

/// What one's own agency has set, and what is usual.
#[derive(Serialize, ToSchema)]
struct OwnTerms {
    /// Where the agency has set nothing.
    usual: Vec<Term>,
    /// What it has set.
    set: Vec<SetTerm>,
}

/// Something that was set.
#[derive(Serialize, ToSchema)]
struct SetTerm {
    #[serde(flatten)]
    term: Term,
    /// Number of whoever set it.
    by: u32,
    /// When, in RFC 3339.
    #[schema(format = DateTime)]
    at: String,
}

/// How long one's own agency keeps what.
#[utoipa::path(
    get,
    path = "/api/v1/retention",
    tag = "keeping",
    responses((status = 200, body = OwnTerms, description = "What is usual, and what was set."))
)]
async fn rules(State(shared): State<Shared>, who: Who) -> Result<Json<OwnTerms>, Problem> {
    let agency = who.staff.agency;
    let (usual, own, rows) = shared
        .run(move |services| {
            let (usual, own) = services.keeping.terms_of(agency)?;
            Ok((usual, own, services.keeping.rules(agency)?))
        })
        .await?;
    // Both come in the order in which they are kept.
    let set = own.into_iter().zip(rows).map(|(term, row)| SetTerm {
        term: Term::of(term),
        by: row.by.0,
        at: time(row.at),
    });
    let usual = usual.into_iter().map(Term::of).collect();
    Ok(Json(OwnTerms { usual, set: set.collect() }))
}

/// How long something is to be kept.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SettingTerm {
    /// What: `audio` are recordings, `records` are names and numbers.
    #[schema(example = "audio")]
    class: String,
    /// Key of the facility; all of the agency that have nothing of their own, where it is left out.
    #[serde(default)]
    #[schema(example = "cedar/jail")]
    facility: Option<String>,
    /// How many days.
    days: u32,
    /// Why, for everybody to read; needed where it is longer than usual.
    #[serde(default)]
    reason: String,
    /// Number of the act under which it was approved, when it is asked again.
    act: Option<u64>,
}

/// It is set.
#[derive(Serialize, ToSchema)]
struct TermSet {
    /// Number of the act.
    act: u64,
    /// Place of its entry in the log.
    entry: u64,
    /// Place of the entry with all that the agency has set now.
    rules: u64,
}

/// Say how long one's own agency keeps something. It is published.
#[utoipa::path(
    post,
    path = "/api/v1/retention/set",
    tag = "keeping",
    request_body = SettingTerm,
    responses(
        (status = 200, body = TermSet, description = "It holds from now on."),
        (status = 202, body = Awaited, description = "A second person must approve it."),
        (status = 400, body = ProblemBody, description = "The time or the reason does not fit."),
        (status = 403, body = ProblemBody, description = "It is refused, and that is entered."),
        (status = 404, body = ProblemBody, description = "The agency has no such facility.")
    )
)]
async fn set(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<SettingTerm>,
) -> Result<Response, Problem> {
    let class = Class::from_word(&ask.class)
        .ok_or_else(|| Problem::unreadable("a class is `audio` or `records`"))?;
    let owner = who.staff.agency;
    let judged = shared
        .run(move |services| {
            let facility = match &ask.facility {
                None => None,
                Some(key) => {
                    let found = services.records.facility_of(owner, key)?;
                    Some(found.ok_or_else(Problem::not_there)?)
                }
            };
            let new = NewRule { facility, class, days: ask.days, reason: ask.reason };
            judged(services.keeping.set_rule(&who.staff, &new, ask.act)?, &who.staff, owner)
        })
        .await?;
    Ok(answered(judged, |act, entry, rules| TermSet { act, entry, rules }))
}

/// What to erase.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Running {
    /// Only say what is due, and erase nothing.
    #[serde(default)]
    dry: bool,
    /// Number of the act under which it was approved, when it is asked again.
    act: Option<u64>,
}

/// How far a run is. The last one is `over`.
#[derive(Serialize, ToSchema)]
struct Progress {
    /// Number of the act.
    act: u64,
    /// Place of its entry in the log.
    entry: u64,
    /// Recordings that are due.
    due: u64,
    /// Recordings that were erased.
    erased: u64,
    /// Of these, or of those that are due where nothing is erased, those whose number was protected
    /// afterwards.
    of_quarantine: u64,
    /// Names and numbers that are due: records of calls and of refused numbers, languages of called
    /// parties, people who left.
    records_due: u64,
    /// Names and numbers that were erased.
    records: u64,
    /// Details of entries of the log that are due: what they say of calls whose records are erased,
    /// and of acts whose time is over.
    details_due: u64,
    /// Details of entries that were erased.
    details: u64,
    /// Somebody copies the recordings: nothing was erased now, and the next run does.
    postponed: bool,
    /// Whether this is the end.
    over: bool,
}

impl Progress {
    fn of((act, entry): (u64, u64), ran: &Ran, over: bool) -> Self {
        Self {
            act,
            entry,
            due: ran.due,
            erased: ran.erased,
            of_quarantine: ran.of_quarantine,
            records_due: ran.records_due,
            details_due: ran.details_due,
            details: ran.details,
            records: ran.records,
            postponed: ran.postponed,
            over,
        }
    }
}

/// Erase now what is due for one's own agency, or only say how much that is.
#[utoipa::path(
    post,
    path = "/api/v1/retention/run",
    tag = "keeping",
    request_body = Running,
    responses(
        (status = 200, content_type = "application/x-ndjson", body = Progress, description = "How \
            far it is, one JSON document on each line, sent while it erases."),
        (status = 202, body = Awaited, description = "A second person must approve it."),
        (status = 403, body = ProblemBody, description = "It is refused, and that is entered.")
    )
)]
async fn run(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Running>,
) -> Result<Response, Problem> {
    let owner = who.staff.agency;
    let (judged, keeping) = shared
        .run(move |services| {
            let judged = services.keeping.may_run(&who.staff, ask.act)?;
            Ok((self::judged(judged, &who.staff, owner)?, services.keeping.clone()))
        })
        .await?;
    let entered = match judged {
        Settled::Done(act, entry, ()) => (act, entry),
        Settled::Waits(waits) => return Ok((StatusCode::ACCEPTED, Json(waits)).into_response()),
    };
    let of = Of { agency: Some(owner), quarantined_alone: false };
    Ok(stream("application/x-ndjson", move |write| erase(&keeping, of, (entered, ask.dry), write)))
}

/// Whoever asked and went away stops the run; what is begun is finished by the next.
fn erase(
    keeping: &Keeping,
    of: Of,
    (entered, dry): ((u64, u64), bool),
    write: &mut dyn Write,
) -> io::Result<()> {
    let broken = |why: NotKept| {
        tracing::error!(%why, "a run that erases was broken off");
        io::Error::other(why)
    };
    let mut tell = |ran: &Ran, over: bool| -> io::Result<()> {
        serde_json::to_writer(&mut *write, &Progress::of(entered, ran, over))?;
        write.write_all(b"\n")
    };
    if dry {
        return tell(&keeping.due(of).map_err(broken)?, true);
    }
    let mut step = |ran: &Ran| match tell(ran, false) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    };
    let ran = keeping.run(of, &mut step).map_err(broken)?;
    tell(&ran, true)
}

/// A hold.
#[derive(Serialize, ToSchema)]
struct Hold {
    /// Its number.
    hold: u32,
    /// Number of the agency whose data it keeps.
    agency: u32,
    /// Number of whoever placed it.
    staff: u32,
    /// Number of the act.
    act: u64,
    /// For which case.
    #[schema(value_type = String)]
    case: Private<String>,
    /// Whether it names a person. Whom, only who placed it knows.
    person: bool,
    /// Whether it names a number.
    number: bool,
    /// Key of the facility, where it names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "cedar/jail")]
    facility: Option<String>,
    /// Calls that had not ended then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    from: Option<String>,
    /// Calls that had begun before then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    until: Option<String>,
    /// When it was placed.
    #[schema(format = DateTime)]
    at: String,
    /// When it was released.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    released: Option<String>,
    /// Number of whoever released it.
    #[serde(skip_serializing_if = "Option::is_none")]
    released_by: Option<u32>,
}

/// The holds one placed; for supervisors and auditors, those on the data of their agency.
#[utoipa::path(
    get,
    path = "/api/v1/holds",
    tag = "keeping",
    responses((status = 200, body = Vec<Hold>, description = "The holds, the newest last."))
)]
async fn holds(State(shared): State<Shared>, who: Who) -> Result<Json<Vec<Hold>>, Problem> {
    let rows = shared.run(move |services| {
        let rows = services.keeping.holds(&who.staff)?.into_iter();
        let named = |row: HoldRow| {
            let key = match row.what.facility {
                None => None,
                // One that nobody has keeps nothing, and nobody was told.
                Some(facility) => {
                    let keys = services.keeping.facilities(row.what.agency)?;
                    Some(keys.get(&facility).cloned().unwrap_or_default())
                }
            };
            Ok((row, key))
        };
        rows.map(named).collect::<Result<Vec<_>, Problem>>()
    });
    let holds = rows.await?.into_iter().map(|(row, facility)| Hold {
        facility,
        hold: row.hold,
        agency: row.what.agency.0,
        staff: row.what.staff.0,
        act: row.what.act,
        case: row.what.case,
        person: row.what.person.is_some(),
        number: row.what.number.is_some(),
        from: row.what.from.map(time),
        until: row.what.until.map(time),
        at: time(row.at),
        released: row.released.map(|(at, _)| time(at)),
        released_by: row.released.map(|(_, by)| by.0),
    });
    Ok(Json(holds.collect()))
}

/// What is to be kept: calls that fit everything that is named. A person, a number, or a facility
/// with a first and a last time at most 31 days apart, needs nobody; what is less narrow waits for
/// a supervisor of the agency whose data it is, and keeps nothing until then.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Placing {
    /// Why, and whose it is.
    why: Why,
    /// The agency's number of the person.
    #[schema(value_type = Option<String>)]
    person: Option<Private<String>>,
    /// The number that was called, such as `+12025550142`.
    #[schema(value_type = Option<String>)]
    number: Option<Private<String>>,
    /// Key of the facility that was called from.
    #[schema(example = "cedar/jail")]
    facility: Option<String>,
    /// All calls of the agency; then nothing else is named.
    #[serde(default)]
    everything: bool,
    /// Calls that had not ended then (RFC 3339, to the second or finer).
    #[schema(format = DateTime)]
    from: Option<String>,
    /// Calls that had begun before then (RFC 3339, to the second or finer).
    #[schema(format = DateTime)]
    until: Option<String>,
}

/// A hold that was placed.
#[derive(Serialize, ToSchema)]
struct Placed {
    /// Number of the act.
    act: u64,
    /// Place of its entry in the log.
    entry: u64,
    /// The hold's number.
    hold: u32,
}

/// Keep calls from being erased. Whether there are any is not told.
#[utoipa::path(
    post,
    path = "/api/v1/holds/place",
    tag = "keeping",
    request_body = Placing,
    responses(
        (status = 200, body = Placed, description = "It is in force."),
        (status = 202, body = Awaited, description = "A second person must approve it."),
        (status = 400, body = ProblemBody, description = "What is asked for cannot be read."),
        (status = 403, body = ProblemBody, description = "It is refused, and that is entered."),
        (status = 404, body = ProblemBody, description = "It is not there, or not theirs to know.")
    )
)]
async fn place(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Placing>,
) -> Result<Response, Problem> {
    let reason = ask.why.reason()?;
    let number = ask.number.as_ref().map(|text| number(text.expose())).transpose()?;
    let from = ask.from.as_deref().map(when).transpose()?;
    let until = ask.until.as_deref().map(when).transpose()?;
    let judged = shared
        .run(move |services| {
            let owner = ask.why.agency(services, &who.staff)?;
            // A key that nobody has holds nothing, and nobody is told.
            let person = match &ask.person {
                None => None,
                Some(key) => {
                    let found = services.records.person_of(owner, key)?;
                    Some(found.unwrap_or(PersonId(NOBODY)))
                }
            };
            let facility = match &ask.facility {
                None => None,
                Some(key) => {
                    let found = services.records.facility_of(owner, key)?;
                    Some(found.unwrap_or(FacilityId(NOBODY)))
                }
            };
            let held = HoldAsk {
                facility,
                facility_key: ask.facility,
                everything: ask.everything,
                agency: owner,
                purpose: reason.purpose,
                case: reason.case,
                person,
                person_key: ask.person,
                number,
                from,
                until,
            };
            judged(services.keeping.hold(&who.staff, &held, reason.act)?, &who.staff, owner)
        })
        .await?;
    Ok(answered(judged, |act, entry, hold| Placed { act, entry, hold }))
}

/// A hold that is to end.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReleasingHold {
    /// Its number.
    hold: u32,
    /// Why.
    #[schema(value_type = String)]
    reason: Private<String>,
}

/// A hold that has ended.
#[derive(Serialize, ToSchema)]
struct ReleasedHold {
    /// Number of the act.
    act: u64,
}

/// Release a hold: one's own, or one on the data of one's agency, for its supervisors.
#[utoipa::path(
    post,
    path = "/api/v1/holds/release",
    tag = "keeping",
    request_body = ReleasingHold,
    responses(
        (status = 200, body = ReleasedHold, description = "It keeps nothing any more."),
        (status = 400, body = ProblemBody, description = "A reason is missing, or too long."),
        (status = 404, body = ProblemBody, description = "There is none for them to release.")
    )
)]
async fn release(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<ReleasingHold>,
) -> Result<Json<ReleasedHold>, Problem> {
    let done = shared.run(move |services| {
        Ok(services.keeping.release(&who.staff, ask.hold, ask.reason.expose())?)
    });
    Ok(Json(ReleasedHold { act: done.await? }))
}

/// What was not refused.
pub(super) enum Settled<T> {
    /// It is so, by this act and with this entry.
    Done(u64, u64, T),
    /// It waits.
    Waits(Awaited),
}

/// What is refused, and what those who work elsewhere are told of it.
pub(super) fn judged<T>(
    judged: Judged<T>,
    staff: &Staff,
    owner: AgencyId,
) -> Result<Settled<T>, Problem> {
    match judged {
        Judged::Done { act, entry, what } => Ok(Settled::Done(act, entry, what)),
        Judged::Waits { act, why } => Ok(Settled::Waits(Awaited { act, missing: why })),
        Judged::Refused { .. } if staff.agency != owner => Err(Problem::not_there()),
        Judged::Refused { why, .. } => Err(not_allowed(&why)),
    }
}

pub(super) fn answered<T, B: Serialize>(
    settled: Settled<T>,
    body: impl FnOnce(u64, u64, T) -> B,
) -> Response {
    match settled {
        Settled::Done(act, entry, what) => Json(body(act, entry, what)).into_response(),
        Settled::Waits(waits) => (StatusCode::ACCEPTED, Json(waits)).into_response(),
    }
}

impl From<NotKept> for Problem {
    fn from(why: NotKept) -> Self {
        let says = why.to_string();
        match why {
            NotKept::NotDone(why) => why.into(),
            NotKept::Unusable(why) => not_allowed(&why.into()),
            NotKept::Term | NotKept::Reason | NotKept::Acts | NotKept::Everything => {
                Self::new(StatusCode::BAD_REQUEST, "out-of-bounds", says)
            }
            NotKept::NoHold => Self::not_there(),
            NotKept::NotEntered(why) => not_entered(&why),
            NotKept::Store(StoreError::Refused(_)) => {
                Self::new(StatusCode::CONFLICT, "conflict", says)
            }
            NotKept::Store(StoreError::Broken { .. })
            | NotKept::Vault(_)
            | NotKept::Log(_)
            | NotKept::Unpublished(..)
            | NotKept::Detail => Self::broken(&says),
        }
    }
}

//! What staff see of calls. Everything here is entered in the log before it is shown.

pub(crate) mod body;

use crate::{
    answer::{Problem, ProblemBody, not_entered, stream},
    ask::Asked,
    route::{Entry, Method, Route},
    session::Who,
    shared::Shared,
};
use access::staff::Staff;
use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse as _, Response},
    routing::post,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use body::{
    Acts, Awaited, Copying, Counting, Counts, Exporting, HandedOut, Hearing, Listing, Package,
    Page, Receiving, Searching, Signed,
};
use disclosure::{
    NotHeard,
    records::{Answer, Exported, Heard, Key, NotDisclosed, Reason, Records, Shown},
};
use export::TimeStamp;
use model::{AgencyId, RecordingId};
use serde::Serialize;
use std::io;
use store::StoreError;
use utoipa::OpenApi;

/// The routes of this part.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        method: Method::Post,
        path: "/api/v1/records/search",
        entry: Entry::Staff,
        handler: || post(search),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/records/counts",
        entry: Entry::Staff,
        handler: || post(counts),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/records/listen",
        entry: Entry::Staff,
        handler: || post(listen),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/records/follow",
        entry: Entry::Staff,
        handler: || post(follow),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/records/export",
        entry: Entry::Staff,
        handler: || post(export),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/records/list",
        entry: Entry::Staff,
        handler: || post(list),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/records/copies",
        entry: Entry::Staff,
        handler: || post(copies),
    },
    Route {
        method: Method::Post,
        path: "/api/v1/records/receipt",
        entry: Entry::Staff,
        handler: || post(receipt),
    },
];

/// This part of the OpenAPI document.
#[derive(OpenApi)]
#[openapi(paths(search, counts, listen, follow, export, list, copies, receipt))]
pub(crate) struct Document;

/// Call records.
#[utoipa::path(
    post,
    path = "/api/v1/records/search",
    tag = "records",
    request_body = Searching,
    responses(
        (status = 200, body = Page, description = "A page of records, as the entry names them."),
        (status = 202, body = Awaited, description = "A second person must approve it."),
        (status = 403, body = ProblemBody, description = "It is refused, and that is entered."),
        (status = 404, body = ProblemBody, description = "It is not there, or not theirs to know.")
    )
)]
async fn search(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Searching>,
) -> Result<Response, Problem> {
    let reason = ask.why.reason()?;
    let answer = shared
        .run(move |services| {
            let look = ask.look(services, &who.staff)?;
            Ok(services.records.search(&who.staff, &reason, &look)?)
        })
        .await?;
    Ok(answered(answer, Page::of))
}

/// How many calls with counsel and on other protected lines there were, by month.
#[utoipa::path(
    post,
    path = "/api/v1/records/counts",
    tag = "records",
    request_body = Counting,
    responses(
        (status = 200, body = Counts, description = "The counts, by the agency's calendar."),
        (status = 202, body = Awaited, description = "A second person must approve it."),
        (status = 403, body = ProblemBody, description = "It is refused, and that is entered."),
        (status = 404, body = ProblemBody, description = "It is not there, or not theirs to know.")
    )
)]
async fn counts(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Counting>,
) -> Result<Response, Problem> {
    let (reason, months) = (ask.why.reason()?, ask.months()?);
    let answer = shared
        .run(move |services| {
            let agency = ask.why.agency(services, &who.staff)?;
            Ok(services.records.counts(&who.staff, &reason, agency, months)?)
        })
        .await?;
    Ok(answered(answer, Counts::of))
}

/// A recording, as a WAV file that is sent while it is opened.
#[utoipa::path(
    post,
    path = "/api/v1/records/listen",
    tag = "records",
    request_body = Hearing,
    responses(
        (status = 200, content_type = "audio/wav", description = "The recording: the station left, \
            the called party right. `x-parlatory-act` and `x-parlatory-entry` name its entry."),
        (status = 202, body = Awaited, description = "A second person must approve it."),
        (status = 403, body = ProblemBody, description = "It is refused, and that is entered."),
        (status = 404, body = ProblemBody, description = "It is not there, or not theirs to know."),
        (status = 409, body = ProblemBody, description = "The call goes on: follow it."),
        (status = 503, body = ProblemBody, description = "A keyholder or the log is missing.")
    )
)]
async fn listen(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Hearing>,
) -> Result<Response, Problem> {
    hear(shared, who, ask, Records::listen).await
}

/// A recording while the call goes on, a second or two after it was spoken.
#[utoipa::path(
    post,
    path = "/api/v1/records/follow",
    tag = "records",
    request_body = Hearing,
    responses(
        (status = 200, content_type = "audio/wav", description = "As `listen`, until the call ends."),
        (status = 202, body = Awaited, description = "A second person must approve it."),
        (status = 403, body = ProblemBody, description = "It is refused, and that is entered."),
        (status = 404, body = ProblemBody, description = "It is not there, or not theirs to know."),
        (status = 503, body = ProblemBody, description = "A keyholder or the log is missing.")
    )
)]
async fn follow(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Hearing>,
) -> Result<Response, Problem> {
    hear(shared, who, ask, Records::follow).await
}

/// Both ways to a voice: what they ask for and what they answer is the same.
async fn hear(shared: Shared, who: Who, ask: Hearing, open: Open) -> Result<Response, Problem> {
    let (reason, recording) = (ask.why.reason()?, ask.recording()?);
    let answer = shared
        .run(move |services| {
            let which = (ask.why.agency(services, &who.staff)?, recording);
            Ok(open(&services.records, &who.staff, &reason, which)?)
        })
        .await?;
    Ok(heard(answer))
}

/// `Records::listen` or `Records::follow`.
type Open =
    fn(&Records, &Staff, &Reason, (AgencyId, RecordingId)) -> Result<Answer<Heard>, NotDisclosed>;

/// A copy to take away: call records, or one recording with the record of its call.
#[utoipa::path(
    post,
    path = "/api/v1/records/export",
    tag = "records",
    request_body = Exporting,
    responses(
        (status = 200, body = Package, description = "A package that only its recipient opens."),
        (status = 202, body = Awaited, description = "A second person must approve it."),
        (status = 400, body = ProblemBody, description = "What is asked for cannot be read, or is \
            more than one package holds."),
        (status = 403, body = ProblemBody, description = "It is refused, and that is entered."),
        (status = 404, body = ProblemBody, description = "It is not there, or not theirs to know."),
        (status = 503, body = ProblemBody, description = "A keyholder or the log is missing.")
    )
)]
async fn export(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Exporting>,
) -> Result<Response, Problem> {
    let reason = ask.why().reason()?;
    let answer = shared
        .run(move |services| {
            let asked = ask.asked(services, &who.staff)?;
            Ok(services.records.export(&who.staff, &reason, &asked)?)
        })
        .await?;
    Ok(answered(answer, package))
}

/// What was asked for and shown of an agency's data, without the data themselves.
#[utoipa::path(
    post,
    path = "/api/v1/records/list",
    tag = "records",
    request_body = Listing,
    responses(
        (status = 200, body = Acts, description = "The acts, the newest last, and what \
            was approved, refused, broken and reviewed."),
        (status = 202, body = Awaited, description = "A second person must approve it."),
        (status = 403, body = ProblemBody, description = "It is refused, and that is entered."),
        (status = 404, body = ProblemBody, description = "It is not there, or not theirs to know.")
    )
)]
async fn list(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Listing>,
) -> Result<Response, Problem> {
    let (reason, which) = (ask.why.reason()?, ask.which(shared.now())?);
    let answer = shared
        .run(move |services| {
            let agency = ask.why.agency(services, &who.staff)?;
            Ok(services.records.list(&who.staff, &reason, agency, &which)?)
        })
        .await?;
    Ok(answered(answer, Acts::of))
}

/// Who else got a copy of what is in a package, before it and after. It tells of no call.
#[utoipa::path(
    post,
    path = "/api/v1/records/copies",
    tag = "records",
    request_body = Copying,
    responses(
        (status = 200, body = Vec<HandedOut>, description = "The package, or those they may know \
            of, with the copies of others."),
        (status = 404, body = ProblemBody, description = "There is no such package, or it is not \
            theirs to know.")
    )
)]
async fn copies(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Copying>,
) -> Result<Json<Vec<HandedOut>>, Problem> {
    let package = ask.package()?;
    let found = shared
        .run(move |services| Ok(services.records.copies(&who.staff, package.as_ref())?))
        .await?;
    Ok(Json(found.into_iter().map(HandedOut::of).collect()))
}

/// Enter what the recipient of a package signed: that they have it.
#[utoipa::path(
    post,
    path = "/api/v1/records/receipt",
    tag = "records",
    request_body = Receiving,
    responses(
        (status = 200, body = Signed, description = "It stands in the log."),
        (status = 400, body = ProblemBody, description = "It is no receipt, or of another package."),
        (status = 404, body = ProblemBody, description = "There is no such package, or it is not \
            theirs to know."),
        (status = 409, body = ProblemBody, description = "Another receipt was entered before.")
    )
)]
async fn receipt(
    State(shared): State<Shared>,
    who: Who,
    Asked(ask): Asked<Receiving>,
) -> Result<Json<Signed>, Problem> {
    let received = shared
        .run(move |services| Ok(services.records.receive(&who.staff, ask.receipt())?))
        .await?;
    Ok(Json(Signed::of(received)))
}

fn answered<T, B: Serialize>(answer: Answer<T>, body: impl FnOnce(Shown<T>) -> B) -> Response {
    match answer {
        Answer::Shown(shown) => Json(body(shown)).into_response(),
        Answer::Waits { act, why } => waits(act, why),
    }
}

fn waits(act: u64, missing: String) -> Response {
    (StatusCode::ACCEPTED, Json(Awaited { act, missing })).into_response()
}

fn heard(answer: Answer<Heard>) -> Response {
    let Shown { act, entry, what: mut heard } = match answer {
        Answer::Shown(shown) => shown,
        Answer::Waits { act, why } => return waits(act, why),
    };
    let mut response = stream("audio/wav", move |write| {
        while let Some(piece) = heard.next_piece().map_err(io::Error::other)? {
            write.write_all(&piece)?;
            // Whoever went away while nothing was said is found out.
            if piece.is_empty() {
                write.flush()?;
            }
        }
        Ok(())
    });
    for (name, number) in [(ACT, act), (ENTRY, entry)] {
        response.headers_mut().insert(name, HeaderValue::from(number));
    }
    response
}

fn package(shown: Shown<Exported>) -> Package {
    let Shown { act, entry, what } = shown;
    let Exported { sealed, sha256, records, key, time_stamp } = what;
    let (passphrase, letter) = match key {
        Key::Passphrase(passphrase) => (Some(passphrase), None),
        Key::Letter(letter) => (None, Some(STANDARD.encode(letter.0))),
    };
    let sha256 = sha256.iter().map(|octet| format!("{octet:02x}")).collect();
    let package = STANDARD.encode(sealed);
    let unstamped = match time_stamp {
        TimeStamp::Beside(_) => None,
        TimeStamp::None(why) => Some(why),
    };
    Package { act, entry, records, sha256, package, passphrase, letter, unstamped }
}

impl From<NotDisclosed> for Problem {
    fn from(why: NotDisclosed) -> Self {
        let says = why.to_string();
        match why {
            NotDisclosed::NotThere => Self::not_there(),
            NotDisclosed::Refused { .. } => Self::new(StatusCode::FORBIDDEN, "not-allowed", says),
            NotDisclosed::StillRunning => Self::new(StatusCode::CONFLICT, "still-running", says),
            NotDisclosed::Months
            | NotDisclosed::TooMany
            | NotDisclosed::Outcome
            | NotDisclosed::ForNobody
            | NotDisclosed::NotForThePublic => {
                Self::new(StatusCode::BAD_REQUEST, "out-of-bounds", says)
            }
            NotDisclosed::Receipt(_) => Self::new(StatusCode::BAD_REQUEST, "receipt", says),
            NotDisclosed::Signed => Self::new(StatusCode::CONFLICT, "signed", says),
            NotDisclosed::NotDone(why) => why.into(),
            NotDisclosed::NotEntered(why) => not_entered(&why),
            NotDisclosed::NotHeard(why) => not_heard(&why),
            NotDisclosed::NoReceipt(_) | NotDisclosed::NotReleased(_) => {
                tracing::error!(%says, "an entry is not proved as it must be, so nothing is shown");
                Self::unavailable("unproven", says)
            }
            NotDisclosed::Store(StoreError::Refused(_)) => {
                Self::new(StatusCode::CONFLICT, "conflict", says)
            }
            NotDisclosed::Store(StoreError::Broken { .. })
            | NotDisclosed::NotPacked(_)
            | NotDisclosed::NotSealed(_)
            | NotDisclosed::Key(_) => Self::broken(&says),
        }
    }
}

/// Keyholders that say no or do not answer are others' to mend; a recording that is damaged, ours.
fn not_heard(why: &NotHeard) -> Problem {
    match why {
        NotHeard::NotOpened(_) => Problem::broken(why),
        NotHeard::Refused(_)
        | NotHeard::NotAnswered(_)
        | NotHeard::Answer(_)
        | NotHeard::Log(_)
        | NotHeard::Unproven(_)
        | NotHeard::NoReceipt(_)
        | NotHeard::NoHolder => {
            tracing::error!(%why, "a recording cannot be opened");
            Problem::unavailable("not-opened", why.to_string())
        }
    }
}

const ACT: HeaderName = HeaderName::from_static("x-parlatory-act");
const ENTRY: HeaderName = HeaderName::from_static("x-parlatory-entry");

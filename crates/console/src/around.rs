//! What happens around every request: its number, its time, its head, its line in the log.

use crate::{answer::Problem, limits::REQUEST_MAX, shared::Shared};
use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

/// Carries out a request within its time. The log gets its number, its route, what came of it and
/// how long it took: no body, no query and no path as it was sent.
pub(crate) async fn around(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let number = number();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let start = shared.now();
    let answered = tokio::time::timeout(REQUEST_MAX, next.run(request)).await;
    let mut response = answered.unwrap_or_else(|_| too_slow().into_response());
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(value) = HeaderValue::from_str(&number) {
        headers.insert(REQUEST_ID, value);
    }
    tracing::debug!(
        request = number,
        %method,
        route = route.as_ref().map_or("none", MatchedPath::as_str),
        status = response.status().as_u16(),
        ms = u64::try_from(shared.now().since(start).as_millis()).unwrap_or(u64::MAX),
        "answered"
    );
    response
}

/// A number that finds a request in the log. Without randomness it has none; nothing rests on it.
fn number() -> String {
    let mut octets = [0_u8; 8];
    if getrandom::fill(&mut octets).is_err() {
        return String::new();
    }
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn too_slow() -> Problem {
    let says = format!(
        "this took more than {} s. It may have been carried out: `list` says whether it was entered",
        REQUEST_MAX.as_secs()
    );
    Problem::unavailable("too-slow", says)
}

/// Where an answer says which request it answers.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is said of every answer: nobody keeps it, frames it or takes it for something else.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
];

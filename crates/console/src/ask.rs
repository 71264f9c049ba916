//! Reading what is asked for.

use crate::{answer::Problem, limits::BODY_OCTETS_MAX};
use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
    http::{HeaderMap, StatusCode, header},
};
use model::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

/// The body of a request, in JSON. What cannot be read is said without what stands in it.
pub(crate) struct Asked<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let says = "send JSON, and say so: `Content-Type: application/json`";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "no-json", says));
        }
        let body = to_bytes(request.into_body(), BODY_OCTETS_MAX).await.map_err(|_| {
            let says = format!("the request broke off, or has more than {BODY_OCTETS_MAX} octets");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-long", says)
        })?;
        serde_json::from_slice(&body).map(Self).map_err(|fault| Problem::unreadable(says(&fault)))
    }
}

/// A time in RFC 3339.
pub(crate) fn read_time(text: &str) -> Result<Timestamp, Problem> {
    let read = text.parse::<jiff::Timestamp>();
    let read = read.map(|at| Timestamp::from_micros(at.as_microsecond()));
    read.map_err(|_| Problem::unreadable("a time is written as `2026-11-26T21:00:00Z` (RFC 3339)"))
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.map(|kind| kind.split(';').next().unwrap_or_default().trim());
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"))
}

/// Where and what, and never the value: the library cites it.
fn says(fault: &serde_json::Error) -> String {
    let text = fault.to_string();
    let named = NAMED.iter().any(|start| text.starts_with(start));
    if named {
        return format!("the request cannot be read: {text}");
    }
    let what = match fault.classify() {
        Category::Syntax => "this is no JSON",
        Category::Eof => "it ends too early",
        Category::Data => "a value is not of the kind that it must be",
        Category::Io => "it broke off",
    };
    let (line, column) = (fault.line(), fault.column());
    format!("the request cannot be read: {what}, at line {line}, column {column}")
}

/// Messages of the library that name keys alone.
const NAMED: [&str; 3] = ["missing field", "unknown field", "duplicate field"];

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Search {
        #[serde(rename = "case")]
        _case: u32,
    }

    #[test]
    fn a_time_is_read_as_it_is_written() {
        let at = read_time("2026-11-26T21:00:00Z").unwrap();
        assert_eq!(at, Timestamp::from_micros(1_795_726_800_000_000));
        assert_eq!(read_time("2026-11-26T14:00:00-07:00").unwrap(), at);
        for wrong in ["", "2026-11-26", "2026-11-26T21:00:00", "yesterday"] {
            assert!(read_time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_without_the_value() {
        let says = |text: &str| says(&serde_json::from_str::<Search>(text).unwrap_err());
        assert!(says("{}").contains("missing field `case`"));
        assert!(says(r#"{"cause": 1}"#).contains("unknown field `cause`"));
        let number = says(r#"{"case": "+12025550142"}"#);
        assert!(number.contains("line 1") && !number.contains("555"), "{number}");
        assert!(says("{\"case\": 1").contains("ends too early"));
        assert!(says("nonsense").contains("no JSON"));
    }
}

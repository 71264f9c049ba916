//! What a response says of where the call went before it came to whoever answers.

use crate::address;
use rsipstack::sip::{Header, Response};

/// Whether the call was sent on from the number that was dialled to another one: the response is a
/// 181 (RFC 3261 section 21.1.3), names who diverted the call (RFC 5806 section 4.1), or has a
/// history with an entry that was mapped to another user (`mp`, RFC 7044 section 5.3) or that has
/// the cause of a diversion (RFC 4458 section 2, RFC 3326). Where the call went is not read: it is
/// of a third person.
pub(crate) fn is_forwarded(response: &Response) -> bool {
    response.status_code.code() == BEING_FORWARDED || is_diverted(&response.headers.0)
}

/// Whether these headers say that a call left the user whom it was for.
pub(crate) fn is_diverted(headers: &[Header]) -> bool {
    headers.iter().any(|header| {
        let (name, value) = (header.name(), header.value());
        if name.eq_ignore_ascii_case("Diversion") {
            address::list(value).next().is_some()
        } else if name.eq_ignore_ascii_case("History-Info") {
            address::list(value).any(was_moved)
        } else {
            false
        }
    })
}

/// Whether a history's entry says that the call left the user whom it was for. An entry by itself,
/// or one that a proxy only routed (`rc`, `np`), says nothing of the kind.
fn was_moved(entry: &str) -> bool {
    address::parameter(entry, "mp").is_some()
        || address::uri(entry)
            .split([';', '?', '&'])
            .any(|part| CAUSES.iter().any(|cause| names(part, cause)))
}

/// Whether a part of a URI has this cause: as a parameter of it, or in a Reason that stands in it
/// with its punctuation escaped.
fn names(part: &str, cause: &str) -> bool {
    let part = part.to_ascii_lowercase().replace("%3b", ";").replace("%3d", "=").replace("%20", "");
    part.split(';').any(|found| found.trim().strip_prefix("cause=") == Some(cause))
}

const BEING_FORWARDED: u16 = 181;
/// Unknown, unconditional, busy, no reply, unreachable, deflected at once and while ringing
/// (RFC 4458 section 2).
const CAUSES: [&str; 7] = ["404", "302", "486", "408", "503", "480", "487"];

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: &str, header: &str) -> Response {
        let text = format!(
            "SIP/2.0 {status}\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
             From: <sip:a@192.0.2.1>;tag=1\r\nTo: <sip:b@192.0.2.1>;tag=2\r\n\
             Call-ID: c\r\nCSeq: 1 INVITE\r\n{header}Content-Length: 0\r\n\r\n"
        );
        Response::try_from(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_sends_a_call_on_is_told_from_what_routes_it() {
        let dialled = "<sip:+12025550142@carrier.example;user=phone>;index=1";
        for (status, header, expected) in [
            ("180 Ringing", String::new(), false),
            ("181 Call Is Being Forwarded", String::new(), true),
            ("182 Queued", String::new(), false),
            ("200 OK", "Diversion: <sip:+12025550142@carrier.example>\r\n".to_owned(), true),
            (
                "180 Ringing",
                "DIVERSION: \"A, B\" <tel:+12025550142>;reason=no-answer\r\n".to_owned(),
                true,
            ),
            ("180 Ringing", "Diversion: \r\n".to_owned(), false),
            ("200 OK", format!("History-Info: {dialled}\r\n"), false),
            (
                "200 OK",
                format!("History-Info: {dialled}, <sip:b@192.0.2.9>;index=1.1;rc=1\r\n"),
                false,
            ),
            (
                "200 OK",
                format!("History-Info: {dialled}, <sip:x@192.0.2.9>;index=1.1;mp=1\r\n"),
                true,
            ),
            (
                "200 OK",
                format!(
                    "History-Info: {dialled}\r\n\
                     History-Info: <sip:x@192.0.2.9;cause=486>;index=1.1;rc=1\r\n"
                ),
                true,
            ),
            (
                "200 OK",
                "History-Info: <sip:b@192.0.2.9?Reason=SIP%3Bcause%3D302>;index=1\r\n".to_owned(),
                true,
            ),
            // A cause of something else, and words that only look like one.
            (
                "200 OK",
                "History-Info: <sip:b@192.0.2.9?Reason=SIP%3Bcause%3D200>;index=1\r\n".to_owned(),
                false,
            ),
            (
                "200 OK",
                "History-Info: <sip:because=302@192.0.2.9>;index=1;note=mp\r\n".to_owned(),
                false,
            ),
        ] {
            let found = is_forwarded(&response(status, &header));
            assert_eq!(found, expected, "{status} {header}");
        }
    }
}

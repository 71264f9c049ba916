//! What is looked at before the SIP library sees a datagram.
//!
//! The library silently drops every header after an octet that is no UTF-8, takes the last of
//! several Content-Lengths, drops a body without one and accepts methods in any case. None of that
//! may decide what a message means, so such datagrams end here, counted by name. Message text is
//! never kept or logged.

use crate::address;
use crate::counts::Tally;
use crate::limits::{
    CSEQ_MAX, DATAGRAM_MAX_OCTETS, HEAD_LINE_MAX_OCTETS, HEAD_LINES_MAX, METHOD_MAX_OCTETS,
};
use std::sync::atomic::AtomicU64;

#[cfg(test)]
mod tests;

/// A datagram that may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed<'a> {
    /// Nothing but line ends: keeps a NAT binding open (RFC 5626 section 4.4.1).
    KeepAlive,
    /// A request with a method that the library knows.
    Request {
        /// The method.
        method: &'a str,
        /// The request URI as it was written.
        uri: &'a str,
        /// Whether it names a dialog: To has a tag (RFC 3261 section 12.2.1.1).
        within: bool,
    },
    /// A well-formed request with any other method, which is answered 501. Holds its head.
    UnknownMethod {
        /// Everything up to the empty line, without the start line.
        headers: &'a str,
    },
    /// A response.
    Response,
}

/// Why a datagram is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Larger than the limit.
    #[error("the datagram is larger than the limit")]
    Size,
    /// No SIP/2.0 start line.
    #[error("the start line is neither a sip/2.0 request nor a status line")]
    Start,
    /// Octets that are no UTF-8, or control characters.
    #[error("the head has octets that are no text")]
    Text,
    /// Too many lines, one too long, or one that is no header.
    #[error("the head has a line that is no header, or more of them than the limit")]
    Headers,
    /// Content-Length missing, double, no number, or more than there is.
    #[error("the content-length does not fit the body")]
    Length,
    /// Via, From, To, Call-ID or CSeq missing, empty, double or contradicting the start line.
    #[error("a header that every message needs is missing, double or wrong")]
    Mandatory,
}

impl Malformed {
    pub(crate) fn tally(self, tally: &Tally) -> &AtomicU64 {
        match self {
            Self::Size => &tally.malformed_size,
            Self::Start => &tally.malformed_start,
            Self::Text => &tally.malformed_text,
            Self::Headers => &tally.malformed_headers,
            Self::Length => &tally.malformed_length,
            Self::Mandatory => &tally.malformed_mandatory,
        }
    }
}

/// Looks at a datagram.
///
/// # Errors
/// [`Malformed`] when it must not go on. It never panics, whatever the octets.
pub fn inspect(datagram: &[u8]) -> Result<Passed<'_>, Malformed> {
    if datagram.len() > DATAGRAM_MAX_OCTETS {
        return Err(Malformed::Size);
    }
    if datagram.iter().all(|octet| matches!(octet, b'\r' | b'\n' | b' ' | b'\t' | 0)) {
        return Ok(Passed::KeepAlive);
    }
    let (head, body) = split_head(datagram).ok_or(Malformed::Headers)?;
    let head = core::str::from_utf8(head).map_err(|_| Malformed::Text)?;
    if head.chars().any(|c| c.is_control() && !matches!(c, '\r' | '\n' | '\t')) {
        return Err(Malformed::Text);
    }
    let (start, headers) = head.split_once("\r\n").ok_or(Malformed::Headers)?;
    if start.len() > HEAD_LINE_MAX_OCTETS {
        return Err(Malformed::Headers);
    }
    let start = start_line(start)?;
    let found = Found::read(headers)?;
    found.check_length(body.len())?;
    found.check_mandatory(&start)?;
    Ok(match start {
        Start::Response => Passed::Response,
        Start::Request { method, uri } if METHODS.contains(&method) => {
            let within = found.to.is_some_and(|to| address::parameter(to, "tag").is_some());
            Passed::Request { method, uri, within }
        }
        Start::Request { .. } => Passed::UnknownMethod { headers },
    })
}

fn split_head(datagram: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = datagram.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, rest) = datagram.split_at_checked(end)?;
    Some((head, rest.get(4..)?))
}

enum Start<'a> {
    Request { method: &'a str, uri: &'a str },
    Response,
}

/// `INVITE sip:... SIP/2.0` or `SIP/2.0 200 OK`, single spaces (RFC 3261 section 7.1 and 7.2).
fn start_line(line: &str) -> Result<Start<'_>, Malformed> {
    let (first, rest) = line.split_once(' ').ok_or(Malformed::Start)?;
    if first == VERSION {
        let code = rest.split(' ').next().unwrap_or("");
        let known = code.len() == 3 && matches!(code.parse(), Ok(100..=699u16));
        return if known { Ok(Start::Response) } else { Err(Malformed::Start) };
    }
    let (uri, version) = rest.split_once(' ').ok_or(Malformed::Start)?;
    let method = !first.is_empty() && first.len() <= METHOD_MAX_OCTETS && is_token(first);
    let scheme = uri.split_once(':').is_some_and(|(scheme, rest)| {
        !rest.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    });
    if !method || !scheme || version != VERSION || uri.contains(['\t', '<', '>', '"']) {
        return Err(Malformed::Start);
    }
    Ok(Start::Request { method: first, uri })
}

/// The headers that decide how a message is read, and how often each came.
#[derive(Default)]
struct Found<'a> {
    content_length: Option<&'a str>,
    cseq: Option<&'a str>,
    to: Option<&'a str>,
    /// In a Via, whether its hop after the last comma is empty so far.
    hop_is_empty: Option<bool>,
    via: bool,
    from: bool,
    call_id: bool,
}

impl<'a> Found<'a> {
    fn read(headers: &'a str) -> Result<Self, Malformed> {
        let mut found = Self::default();
        let mut may_fold = false;
        for (index, line) in headers.split("\r\n").enumerate() {
            if index >= HEAD_LINES_MAX || line.len() > HEAD_LINE_MAX_OCTETS {
                return Err(Malformed::Headers);
            }
            if line.contains(['\r', '\n']) {
                return Err(Malformed::Text);
            }
            if line.starts_with([' ', '\t']) {
                // A header that decides how the message is read is not taken in two pieces.
                if !may_fold {
                    return Err(Malformed::Headers);
                }
                if found.hop_is_empty.is_some() {
                    found.hops(line)?;
                }
                continue;
            }
            let (name, value) = line.split_once(':').ok_or(Malformed::Headers)?;
            let name = name.trim_end_matches([' ', '\t']);
            if name.is_empty() || !is_token(name) {
                return Err(Malformed::Headers);
            }
            found.end_hops()?;
            may_fold = found.header(name, value.trim())?;
        }
        found.end_hops()?;
        Ok(found)
    }

    /// Notes a header; says whether it may go on in the next line.
    fn header(&mut self, name: &str, value: &'a str) -> Result<bool, Malformed> {
        let is = |long: &str, short: &str| {
            name.eq_ignore_ascii_case(long) || name.eq_ignore_ascii_case(short)
        };
        if is("Content-Length", "l") {
            if self.content_length.replace(value).is_some() {
                return Err(Malformed::Length);
            }
            return Ok(false);
        }
        if is("CSeq", "CSeq") {
            if self.cseq.replace(value).is_some() {
                return Err(Malformed::Mandatory);
            }
            return Ok(false);
        }
        if is("Via", "v") {
            self.hop_is_empty = Some(true);
            self.hops(value)?;
            self.via = true;
            return Ok(true);
        }
        if is("To", "t") {
            if value.is_empty() || self.to.replace(value).is_some() {
                return Err(Malformed::Mandatory);
            }
            return Ok(true);
        }
        let once = if is("From", "f") {
            &mut self.from
        } else if is("Call-ID", "i") {
            &mut self.call_id
        } else {
            return Ok(true);
        };
        if *once || value.is_empty() {
            return Err(Malformed::Mandatory);
        }
        *once = true;
        Ok(true)
    }

    /// A piece of a Via. An empty one, also one of several in a list and over several lines, has no
    /// hop to answer to.
    fn hops(&mut self, piece: &str) -> Result<(), Malformed> {
        for (index, hop) in piece.split(',').enumerate() {
            if index > 0 && self.hop_is_empty.replace(true) == Some(true) {
                return Err(Malformed::Mandatory);
            }
            if !hop.trim().is_empty() {
                self.hop_is_empty = Some(false);
            }
        }
        Ok(())
    }

    /// The Via is over, if it was one.
    fn end_hops(&mut self) -> Result<(), Malformed> {
        if self.hop_is_empty.take() == Some(true) { Err(Malformed::Mandatory) } else { Ok(()) }
    }

    /// RFC 3261 section 18.3: with UDP the length may be left out, but the library then drops the
    /// body, so here it may not. Octets after the body are ignored, as the section says.
    fn check_length(&self, body: usize) -> Result<(), Malformed> {
        match self.content_length {
            None if body == 0 => Ok(()),
            None => Err(Malformed::Length),
            Some(value) => {
                let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
                let length = value.parse::<usize>().ok().filter(|_| digits);
                if length.is_some_and(|length| length <= body) {
                    Ok(())
                } else {
                    Err(Malformed::Length)
                }
            }
        }
    }

    fn check_mandatory(&self, start: &Start<'_>) -> Result<(), Malformed> {
        let (number, method) =
            self.cseq.and_then(|cseq| cseq.split_once([' ', '\t'])).ok_or(Malformed::Mandatory)?;
        let digits = number.bytes().all(|b| b.is_ascii_digit());
        let number = number.parse::<u32>().ok().filter(|n| digits && *n <= CSEQ_MAX);
        let same = match start {
            Start::Request { method: asked, .. } => method.trim() == *asked,
            Start::Response => METHODS.contains(&method.trim()),
        };
        let all = self.via && self.from && self.to.is_some() && self.call_id;
        if number.is_some() && same && all { Ok(()) } else { Err(Malformed::Mandatory) }
    }
}

/// RFC 3261 section 25.1, `token`.
fn is_token(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&b))
}

const VERSION: &str = "SIP/2.0";
/// Methods that the library parses, in the one spelling that is right: methods are case-sensitive.
const METHODS: [&str; 14] = [
    "ACK",
    "BYE",
    "CANCEL",
    "INFO",
    "INVITE",
    "MESSAGE",
    "NOTIFY",
    "OPTIONS",
    "PRACK",
    "PUBLISH",
    "REFER",
    "REGISTER",
    "SUBSCRIBE",
    "UPDATE",
];

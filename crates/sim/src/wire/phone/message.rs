//! Messages as the telephone reads and writes them.

use super::{super::label::Label, of};
use crate::wire::label::Start;
use std::net::SocketAddr;

/// A message of the node.
pub(super) struct Message {
    pub(super) text: String,
    pub(super) status: Option<u16>,
    pub(super) method: String,
    pub(super) number: u32,
    pub(super) call: String,
    pub(super) branch: String,
    pub(super) within: bool,
}

impl Message {
    pub(super) fn read(octets: &[u8]) -> Option<Self> {
        let label = Label::read(octets)?;
        let status = match label.start {
            Start::Request => None,
            Start::Status(status) => Some(status),
        };
        let Label { method, number, call, branch, within, .. } = label;
        let text = String::from_utf8(octets.to_vec()).ok()?;
        Some(Self { text, status, method, number, call, branch, within })
    }

    pub(super) fn value(&self, name: &str) -> String {
        of(&self.text, name)
    }

    /// The response to it (RFC 3261 section 8.2.6).
    pub(super) fn response(
        &self,
        status: &str,
        tag: &str,
        more: &str,
        body: Option<String>,
        here: SocketAddr,
    ) -> String {
        let of = |name| self.value(name);
        let mut to = of("To");
        if !tag.is_empty() && !to.contains(";tag=") {
            to += &format!(";tag={tag}");
        }
        format!(
            "SIP/2.0 {status}\r\nVia: {}\r\nFrom: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
             Contact: <sip:p@{here}>\r\n{more}{}",
            of("Via"),
            of("From"),
            self.call,
            of("CSeq"),
            ending(body)
        )
    }
}

/// The end of a message's head, and its body.
pub(super) fn ending(body: Option<String>) -> String {
    match body {
        Some(body) if body.starts_with("v=") => {
            format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        }
        Some(body) => format!(
            "Content-Type: application/dtmf-relay\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ),
        None => "Content-Length: 0\r\n\r\n".to_owned(),
    }
}

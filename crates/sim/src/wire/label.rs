//! What a datagram is, read from its head by a reader of our own.

use std::fmt;

/// A message in a few words. Numbers and names are not among them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Label {
    /// The method of a request, or the status of a response.
    pub(super) start: Start,
    /// The method of its CSeq.
    pub(super) method: String,
    /// The number of its CSeq.
    pub(super) number: u32,
    /// Its Call-ID.
    pub(super) call: String,
    /// Whether To has a tag.
    pub(super) within: bool,
    /// The tags of From and To; nothing where there is none.
    pub(super) from_tag: String,
    pub(super) to_tag: String,
    /// The branch of its first Via.
    pub(super) branch: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Start {
    Request,
    Status(u16),
}

impl Label {
    /// `None` for what is no message.
    pub(super) fn read(octets: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(octets).ok()?;
        let first = text.lines().next()?;
        let start = match first.strip_prefix("SIP/2.0 ") {
            Some(rest) => Start::Status(rest.get(..3)?.parse().ok()?),
            None => Start::Request,
        };
        let (number, method) = value(text, "CSeq")?.split_once(' ')?;
        let branch = value(text, "Via")?.split(';').find_map(|one| one.strip_prefix("branch="))?;
        Some(Self {
            start,
            method: method.trim().to_owned(),
            number: number.parse().ok()?,
            call: value(text, "Call-ID")?.to_owned(),
            within: value(text, "To")?.contains(";tag="),
            from_tag: tag(value(text, "From")?).to_owned(),
            to_tag: tag(value(text, "To")?).to_owned(),
            branch: branch.to_owned(),
        })
    }

    /// The tag of whoever sends it; nothing where they have none yet.
    pub(super) fn ours(&self) -> &str {
        match self.start {
            Start::Request => &self.from_tag,
            Start::Status(_) => &self.to_tag,
        }
    }

    /// The tag of whom it is for; nothing where they are not known to have one.
    pub(super) fn theirs(&self) -> &str {
        match self.start {
            Start::Request => &self.to_tag,
            Start::Status(_) => &self.from_tag,
        }
    }

    /// Whether it is a request with this method.
    pub(super) fn is(&self, method: &str) -> bool {
        self.start == Start::Request && self.method == method
    }

    /// Whether it is a response to this method, with a status in this range.
    pub(super) fn answers(&self, method: &str, statuses: std::ops::Range<u16>) -> bool {
        matches!(self.start, Start::Status(status) if statuses.contains(&status))
            && self.method == method
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { start, method, number, call, .. } = self;
        let call = call.get(..6).unwrap_or(call);
        match start {
            Start::Request => write!(f, "{method} {number} of {call}"),
            Start::Status(status) => write!(f, "{status} ({method} {number} of {call})"),
        }
    }
}

/// The tag in a value of From or To; nothing where there is none.
pub(super) fn tag(value: &str) -> &str {
    value.split(';').find_map(|one| one.strip_prefix("tag=")).unwrap_or_default()
}

/// The first value of a header, in its long form, which is the only one that is written here.
pub(super) fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let head = text.split("\r\n\r\n").next().unwrap_or(text);
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

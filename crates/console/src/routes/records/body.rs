//! What is sent and answered, in JSON.

mod ledger;
mod page;

pub(super) use ledger::Acts;
pub(super) use page::Page;

use crate::{
    answer::{Problem, time},
    shared::Services,
};
use access::{Audience, Month, Purpose, Query, Recipient, decide::Line, staff::Staff};
use axum::http::StatusCode;
use disclosure::records::{ExportAsk, Look, Reason, Received, Shown, What, Which};
use model::{AgencyId, E164, Private, RecordingId, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::records::PAGE_ROWS_MAX;
use utoipa::ToSchema;

/// Why something is asked for, and whose it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Why {
    /// Key of the agency whose data it is; one's own where it is left out.
    #[schema(example = "cedar")]
    agency: Option<String>,
    /// Why.
    #[schema(example = "investigation")]
    purpose: String,
    /// Number of the case.
    #[schema(value_type = String, example = "24-CR-0117")]
    case: Private<String>,
    /// Number of the act under which it was approved, when it is asked again.
    act: Option<u64>,
}

impl Why {
    pub(crate) fn reason(&self) -> Result<Reason, Problem> {
        let purpose = Purpose::from_word(&self.purpose).ok_or_else(|| {
            let words: Vec<_> = Purpose::ALL.iter().map(|purpose| purpose.word()).collect();
            Problem::unreadable(format!("a purpose is one of {}", words.join(", ")))
        })?;
        Ok(Reason { purpose, case: self.case.clone(), act: self.act })
    }

    /// The agency whose data it is. One that there is not is not there, as all that is elsewhere.
    pub(crate) fn agency(&self, services: &Services, staff: &Staff) -> Result<AgencyId, Problem> {
        match &self.agency {
            None => Ok(staff.agency),
            Some(key) => Ok(services.roster.agency(key)?),
        }
    }
}

/// Which records.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Searching {
    /// Why, and whose it is.
    pub(super) why: Why,
    /// What it narrows by.
    #[serde(default)]
    filter: Filter,
    /// Where the page begins: the `next` of the page before.
    #[schema(value_type = Option<String>)]
    after: Option<Private<String>>,
    /// Records on the page, at most 50.
    limit: Option<u32>,
}

/// What a search narrows by. What is left out narrows nothing.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Filter {
    /// Calls with counsel and on other protected lines, and no others: by a court's order or with
    /// counsel's consent.
    #[serde(default)]
    protected: bool,
    /// The agency's number of the person.
    #[schema(value_type = Option<String>)]
    person: Option<Private<String>>,
    /// The number that was called, such as `+12025550142`.
    #[schema(value_type = Option<String>)]
    number: Option<Private<String>>,
    /// Key of the facility.
    #[schema(example = "cedar/jail")]
    facility: Option<String>,
    /// Key of the station.
    #[schema(example = "cedar/jail/a/1")]
    station: Option<String>,
    /// Admitted or refused at this time or later (RFC 3339).
    #[schema(format = DateTime)]
    from: Option<String>,
    /// Before this time (RFC 3339).
    #[schema(format = DateTime)]
    until: Option<String>,
    /// What became of it.
    #[schema(example = "called_hung_up")]
    outcome: Option<String>,
    /// With a recording, or without one.
    recorded: Option<bool>,
}

impl Searching {
    pub(super) fn look(&self, services: &Services, staff: &Staff) -> Result<Look, Problem> {
        let mut query = self.filter.query()?;
        query.after = self.after.as_ref().map(|text| cursor(text.expose())).transpose()?;
        let limit = self.limit.unwrap_or(PAGE_ROWS_MAX);
        Ok(Look { agency: self.why.agency(services, staff)?, query, limit })
    }
}

impl Filter {
    fn query(&self) -> Result<Query, Problem> {
        let line = if self.protected { Line::Protected } else { Line::Ordinary };
        Ok(Query {
            person: self.person.clone(),
            number: self.number.as_ref().map(|text| number(text.expose())).transpose()?,
            facility: self.facility.clone(),
            station: self.station.clone(),
            from: self.from.as_deref().map(when).transpose()?,
            until: self.until.as_deref().map(when).transpose()?,
            outcome: self.outcome.clone(),
            recorded: self.recorded,
            ..Query::of(line)
        })
    }
}

/// Which months.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Counting {
    /// Why, and whose it is.
    pub(super) why: Why,
    /// The first month.
    #[schema(example = "2026-01")]
    from: String,
    /// The last month, which counts.
    #[schema(example = "2026-12")]
    to: String,
}

impl Counting {
    pub(super) fn months(&self) -> Result<(Month, Month), Problem> {
        Ok((month(&self.from)?, month(&self.to)?))
    }
}

/// Which recording.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Hearing {
    /// Why, and whose it is.
    pub(super) why: Why,
    /// Number of the recording, which is the number of its call: 16 hexadecimal digits.
    #[schema(example = "0000000100000002")]
    recording: String,
}

impl Hearing {
    pub(super) fn recording(&self) -> Result<RecordingId, Problem> {
        recording(&self.recording)
    }
}

/// What is to be taken away, and for whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Exporting {
    /// Why, and whose it is.
    why: Why,
    /// What it narrows by.
    #[serde(default)]
    filter: Filter,
    /// One recording, in place of records.
    #[schema(example = "0000000100000002")]
    recording: Option<String>,
    /// For whom: `prosecution`, `defence`, `person`, `counsel`, `court`, `inspector`,
    /// `public_records` or `staff`. It stands in the entry.
    #[schema(example = "defence")]
    audience: String,
    /// The recipient's public key (X25519), 64 hexadecimal digits; without one, a passphrase is
    /// given, which is told to the recipient another way than the package goes.
    key: Option<String>,
    /// What is asked for, in the words that entry and manifest shall have beside what is looked
    /// for: at most 500 signs on one line.
    #[schema(value_type = Option<String>)]
    note: Option<Private<String>>,
}

impl Exporting {
    pub(super) const fn why(&self) -> &Why {
        &self.why
    }

    pub(super) fn asked(&self, services: &Services, staff: &Staff) -> Result<ExportAsk, Problem> {
        let agency = self.why.agency(services, staff)?;
        let what = match &self.recording {
            Some(text) => What::Recording { agency, recording: recording(text)? },
            None => {
                let query = self.filter.query()?;
                What::Records(Box::new(Look { agency, query, limit: PAGE_ROWS_MAX }))
            }
        };
        let audience = Audience::from_word(&self.audience).ok_or_else(|| {
            let words = Audience::ALL.iter().filter(|it| **it != Audience::Nobody);
            let words: Vec<_> = words.map(|audience| audience.word()).collect();
            Problem::unreadable(format!("an audience is one of {}", words.join(", ")))
        })?;
        let key = self.key.as_deref().map(key).transpose()?;
        Ok(ExportAsk { what, audience, key, note: self.note.clone() })
    }
}

/// Which acts.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Listing {
    /// Why, and whose it is.
    pub(super) why: Why,
    /// From when (RFC 3339); 30 days ago where it is left out.
    #[schema(format = DateTime)]
    from: Option<String>,
    /// Until when (RFC 3339); now where it is left out.
    #[schema(format = DateTime)]
    until: Option<String>,
    /// Acts of this case alone.
    #[schema(value_type = Option<String>, example = "24-CR-0117")]
    of_case: Option<Private<String>>,
    /// Acts of whoever logs in with this name alone, and what was said of them.
    #[schema(value_type = Option<String>)]
    who: Option<Private<String>>,
}

impl Listing {
    pub(super) fn which(&self, now: Timestamp) -> Result<Which, Problem> {
        let (times, case, who) = (self.times(now)?, self.of_case.clone(), self.who.clone());
        Ok(Which { times, case, who })
    }

    fn times(&self, now: Timestamp) -> Result<(Timestamp, Timestamp), Problem> {
        let month = i64::try_from(LIST_SPAN.as_micros()).unwrap_or(i64::MAX);
        let ago = Timestamp::from_micros(now.micros().saturating_sub(month));
        let from = self.from.as_deref().map(when).transpose()?.unwrap_or(ago);
        // What happened at this very moment is among them.
        let until = self.until.as_deref().map(when).transpose()?;
        Ok((from, until.unwrap_or_else(|| now.after(Duration::from_micros(1)))))
    }
}

/// Another one must approve it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Awaited {
    /// Under this number; then it is asked again with it.
    pub(crate) act: u64,
    /// What is missing.
    pub(crate) missing: String,
}

/// Counts by month.
#[derive(Serialize, ToSchema)]
pub(super) struct Counts {
    /// Number of the act.
    act: u64,
    /// Place of its entry in the log.
    entry: u64,
    /// Each month.
    months: Vec<Counted>,
}

/// A month.
#[derive(Serialize, ToSchema)]
struct Counted {
    /// Which.
    #[schema(example = "2026-11")]
    month: String,
    /// Calls with counsel and on other protected lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    protected_calls: Option<u64>,
    /// For a person and counsel: calls of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    own_calls: Option<u64>,
}

impl Counts {
    pub(super) fn of(shown: Shown<disclosure::records::Counted>) -> Self {
        let own = shown.what.line == Line::Own;
        let months = shown.what.months.into_iter().map(|(month, calls)| Counted {
            month: format!("{:04}-{:02}", month.year, month.month),
            protected_calls: (!own).then_some(calls),
            own_calls: own.then_some(calls),
        });
        Self { act: shown.act, entry: shown.entry, months: months.collect() }
    }
}

/// A package that only its recipient opens.
#[derive(Serialize, ToSchema)]
pub(super) struct Package {
    /// Number of the act.
    pub(super) act: u64,
    /// Place of its entry in the log.
    pub(super) entry: u64,
    /// Call records in it.
    pub(super) records: usize,
    /// SHA-256 of `package.zip`, for which the recipient signs.
    pub(super) sha256: String,
    /// The sealed package: a ZIP archive with AES-256 that holds `package.zip`; Base64.
    pub(super) package: String,
    /// What opens it, for a recipient without a key: to be told another way than the package goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(super) passphrase: Option<Private<String>>,
    /// The same, sealed to the recipient's key; Base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) letter: Option<String>,
    /// Why no outside authority stamped it with a time, where none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unstamped: Option<String>,
}

/// Which package.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Copying {
    /// SHA-256 of `package.zip`, 64 hexadecimal digits; all that one may know of, where it is left
    /// out.
    package: Option<String>,
}

impl Copying {
    pub(super) fn package(&self) -> Result<Option<[u8; 32]>, Problem> {
        let says = "a package is named by its SHA-256: 64 hexadecimal digits";
        let read = |text: &String| key(text).map_err(|_| Problem::unreadable(says));
        Ok(self.package.as_ref().map(read).transpose()?.map(|Recipient(octets)| octets))
    }
}

/// A package that was handed out.
#[derive(Serialize, ToSchema)]
pub(super) struct HandedOut {
    /// Number of the act.
    act: u64,
    /// Place of its entry in the log.
    entry: u64,
    /// SHA-256 of `package.zip`.
    package: String,
    /// For whom.
    #[schema(example = "defence")]
    audience: &'static str,
    /// When it was handed out.
    #[schema(format = DateTime)]
    at: String,
    /// When its recipient had it, where they signed for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    received: Option<String>,
    /// Copies of others of something in it.
    copies: Vec<Other>,
}

/// A copy of somebody else.
#[derive(Serialize, ToSchema)]
struct Other {
    /// Place of its entry in the log.
    entry: u64,
    /// `recording` or `records`.
    what: &'static str,
    /// For whom.
    #[schema(example = "prosecution")]
    audience: &'static str,
    /// As what it was handed out.
    role: &'static str,
    /// Why.
    purpose: &'static str,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Whether it went out after this package, which therefore does not name it.
    later: bool,
}

impl HandedOut {
    pub(super) fn of(found: disclosure::records::HandedOut) -> Self {
        let disclosure::records::HandedOut { package, copies } = found;
        let copies = copies.iter().map(|copy| Other {
            entry: copy.entry,
            what: if copy.recording { "recording" } else { "records" },
            audience: copy.audience.word(),
            role: copy.role.word(),
            purpose: copy.purpose.word(),
            at: time(copy.at),
            later: copy.entry > package.entry,
        });
        Self {
            copies: copies.collect(),
            act: package.act,
            entry: package.entry,
            package: package.sha256.iter().map(|octet| format!("{octet:02x}")).collect(),
            audience: package.audience.word(),
            at: time(package.at),
            received: package.received.map(|(at, _)| time(at)),
        }
    }
}

/// What the recipient of a package signed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Receiving {
    /// The receipt, as `parlatory package receive` writes it.
    receipt: String,
}

impl Receiving {
    pub(super) fn receipt(&self) -> &str {
        &self.receipt
    }
}

/// A receipt that stands in the log.
#[derive(Serialize, ToSchema)]
pub(super) struct Signed {
    /// Number of the act in which the package was taken away.
    act: u64,
    /// When the recipient had it, by their clock.
    #[schema(format = DateTime)]
    received: String,
    /// The key that signed. Whether it is the recipient's, they are asked in another way.
    key: String,
}

impl Signed {
    pub(super) fn of(received: Received) -> Self {
        Self { act: received.act, received: time(received.at), key: received.key }
    }
}

pub(crate) fn when(text: &str) -> Result<Timestamp, Problem> {
    let at: Result<jiff::Timestamp, _> = text.parse();
    let at = at.map_err(|_| Problem::unreadable("a time is written as `2026-11-27T08:00:00Z`"))?;
    Ok(Timestamp::from_micros(at.as_microsecond()))
}

fn month(text: &str) -> Result<Month, Problem> {
    let parts = text.split_once('-').and_then(|(year, month)| {
        let month = Month { year: year.parse().ok()?, month: month.parse().ok()? };
        (1..=12).contains(&month.month).then_some(month)
    });
    parts.ok_or_else(|| Problem::unreadable("a month is written as `2026-11`"))
}

pub(crate) fn number(text: &str) -> Result<Private<E164>, Problem> {
    let digits = text.strip_prefix('+').filter(|digits| digits.bytes().all(|d| d.is_ascii_digit()));
    let number = digits.and_then(|digits| digits.parse().ok()).and_then(E164::new);
    let says = "a number is written as `+` and its digits, with the country code";
    number.map(Private::new).ok_or_else(|| Problem::unreadable(says))
}

fn recording(text: &str) -> Result<RecordingId, Problem> {
    let digits = text.len() == 16 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = digits.then(|| u64::from_str_radix(text, 16).ok()).flatten();
    let says = "the number of a recording is 16 hexadecimal digits";
    number.map(RecordingId).ok_or_else(|| Problem::unreadable(says))
}

fn cursor(text: &str) -> Result<(Timestamp, u64), Problem> {
    let parts = text.split_once('.').and_then(|(at, record)| {
        Some((Timestamp::from_micros(at.parse().ok()?), record.parse().ok()?))
    });
    parts.ok_or_else(|| Problem::unreadable("`after` is the `next` of the page before"))
}

fn key(text: &str) -> Result<Recipient, Problem> {
    let fault = || {
        let says = "a recipient's key is 64 hexadecimal digits";
        Problem::new(StatusCode::BAD_REQUEST, "unreadable", says)
    };
    let mut octets = [0; 32];
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return Err(fault()) };
    if pairs.len() != octets.len() {
        return Err(fault());
    }
    for (octet, pair) in octets.iter_mut().zip(pairs) {
        let digits = str::from_utf8(pair).map_err(|_| fault())?;
        *octet = u8::from_str_radix(digits, 16).map_err(|_| fault())?;
    }
    Ok(Recipient(octets))
}

/// How far back a list goes where nobody says.
const LIST_SPAN: Duration = Duration::from_secs(30 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_read_as_it_is_shown() {
        assert_eq!(month("2026-11").ok(), Some(Month { year: 2026, month: 11 }));
        assert_eq!(recording("0000000100000002").ok(), Some(RecordingId(0x1_0000_0002)));
        assert_eq!(
            number("+12025550142").ok().map(|it| it.expose().digits()),
            Some(12_025_550_142)
        );
        let at = Timestamp::from_micros(7);
        assert_eq!(cursor("7.9").ok(), Some((at, 9)));
        assert_eq!(key(&"0a".repeat(32)).ok(), Some(Recipient([10; 32])));
        assert_eq!(when("1970-01-01T00:00:01Z").ok(), Some(Timestamp::from_micros(1_000_000)));
        for bad in ["", "2026", "2026-13", "x-1", "+", "7", "+1 202", "7.", "zz"] {
            assert!(month(bad).is_err() && recording(bad).is_err() && number(bad).is_err());
            assert!(cursor(bad).is_err() && key(bad).is_err() && when(bad).is_err(), "{bad}");
        }
    }
}

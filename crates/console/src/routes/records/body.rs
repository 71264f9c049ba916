//! What is sent and answered, in JSON.

use crate::{
    answer::{Problem, time},
    shared::Services,
};
use access::{Audience, Month, Purpose, Query, Recipient, Verb, decide::Line, staff::Staff};
use axum::http::StatusCode;
use disclosure::records::{
    ExportAsk, Found, Ledger, Listed, Look, Reason, Received, Shown, Taken, What, Which,
};
use model::{AgencyId, E164, Private, RecordingId, Timestamp, fact::LegHeard};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};
use store::{
    Outcome,
    records::{CopyRow, PAGE_ROWS_MAX, Record},
};
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

/// A page of records.
#[derive(Serialize, ToSchema)]
pub(super) struct Page {
    /// Number of the act.
    act: u64,
    /// Place of its entry in the log.
    entry: u64,
    /// The records.
    records: Vec<Call>,
    /// The zones of the facilities that they are of, by the facility's key; times are in UTC.
    #[schema(value_type = Object, example = json!({"cedar/jail": "America/Denver"}))]
    zones: BTreeMap<String, String>,
    /// The next page, to be asked for as `after`; none on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next: Option<String>,
}

/// A call record. What nobody knows is left out.
#[derive(Serialize, ToSchema)]
struct Call {
    /// Its number.
    record: u64,
    /// Number of the call, and of its recording.
    call: String,
    /// Key of the facility.
    facility: String,
    /// Key of the station.
    station: String,
    /// The agency's number of the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    person: Option<Private<String>>,
    /// The person's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    name: Option<Private<String>>,
    /// The number that was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    number: Option<Private<String>>,
    /// When it was admitted or refused.
    #[schema(format = DateTime)]
    at: String,
    /// When the called party accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    accepted: Option<String>,
    /// Length of the conversation.
    talked_seconds: u64,
    /// What became of it.
    outcome: &'static str,
    /// `recorded`, `cut`, `recording`, `no_talk`, or why not.
    recording: &'static str,
    /// What it cost, in micro-dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    charged_micros: Option<i64>,
    /// The same in dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    charged: Option<String>,
    /// For counsel: at which place of the log it stands that there is no recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    unrecorded_entry: Option<u64>,
    /// How the audio of its two legs was; missing where nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    heard: Option<HeardCall>,
}

impl Page {
    pub(super) fn of(shown: Shown<Found>) -> Self {
        let Shown { act, entry, what: Found { rows, zones, next, unrecorded } } = shown;
        let next = next.map(|next| format!("{}.{}", next.at.micros(), next.record));
        let call = |record: Record| {
            let unrecorded_entry = unrecorded.get(&record.row.call).copied();
            Call { unrecorded_entry, ..Call::of(record) }
        };
        Self { act, entry, records: rows.into_iter().map(call).collect(), zones, next }
    }
}

impl Call {
    fn of(record: Record) -> Self {
        let (talked, charged) = match record.row.outcome {
            Outcome::Denied(_) => (Duration::ZERO, None),
            Outcome::Open { talked } => (talked, None),
            Outcome::Ended { talked, charged, .. } => (talked, Some(charged)),
        };
        let number = record.row.number;
        Self {
            record: record.row.record,
            call: format!("{:016x}", record.row.call.0),
            outcome: record.outcome(),
            recording: record.recording(),
            facility: record.facility,
            station: record.station,
            person: record.person_key,
            name: record.person_name,
            number: number.map(|number| Private::new(number.expose().display().to_string())),
            at: time(record.row.at),
            accepted: record.row.accepted.map(time),
            talked_seconds: talked.as_secs(),
            charged_micros: charged.map(model::Money::micros),
            charged: charged.map(|money| money.to_string()),
            unrecorded_entry: None,
            heard: record.heard.map(|legs| {
                let [station, called] = legs.map(HeardLeg::of);
                HeardCall { station, called }
            }),
        }
    }
}

/// How the audio of a call was.
#[derive(Serialize, ToSchema)]
struct HeardCall {
    /// The leg to the station.
    station: HeardLeg,
    /// The leg to the called party.
    called: HeardLeg,
}

/// How the audio of a leg was. What its other end counted is 0 where it said nothing (RTCP).
#[derive(Serialize, ToSchema)]
struct HeardLeg {
    /// Packets that came from there.
    received: u64,
    /// Packets from there that never came.
    lost: u64,
    /// How unevenly they came, in milliseconds (RFC 3550 section 6.4.1).
    jitter_ms: u64,
    /// Packets that were sent there.
    sent: u64,
    /// Packets that never came there, as it said.
    lost_there: u64,
    /// How unevenly they came there, in milliseconds, as it said.
    jitter_there_ms: u64,
}

impl HeardLeg {
    fn of(leg: LegHeard) -> Self {
        let ms = |length: Duration| u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        Self {
            received: leg.received,
            lost: leg.lost,
            jitter_ms: ms(leg.jitter),
            sent: leg.sent,
            lost_there: leg.lost_there,
            jitter_there_ms: ms(leg.jitter_there),
        }
    }
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

/// What was asked for and shown.
#[derive(Serialize, ToSchema)]
pub(super) struct Acts {
    /// Number of the act.
    act: u64,
    /// Place of its entry in the log.
    entry: u64,
    /// The acts, the newest last.
    acts: Vec<Act>,
    /// What was approved and refused, and glasses that were broken and reviewed, in the order of
    /// the log.
    overseen: Vec<Event>,
    /// For a person and counsel, in the place of these: copies of their own calls that were taken
    /// away.
    #[serde(skip_serializing_if = "Option::is_none")]
    copies: Option<Vec<OwnCopy>>,
    /// The agency's zone; times are in UTC.
    #[schema(example = "America/Denver")]
    zone: String,
}

/// A copy of calls of one's own.
#[derive(Serialize, ToSchema)]
struct OwnCopy {
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
}

/// An entry that shows nothing itself.
#[derive(Serialize, ToSchema)]
struct Event {
    /// Number of the act that it is about.
    act: u64,
    /// Place in the log.
    entry: u64,
    /// `approval`, `denial`, `break_glass` or `review`.
    kind: &'static str,
    /// Number of whoever did it; left out where a rule refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<u32>,
    /// The name of their log-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    by_name: Option<Private<String>>,
    /// Number of whoever had asked, has the grant, or broke the glass.
    of: u32,
    /// The name of their log-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    of_name: Option<Private<String>>,
    /// What they had asked to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    verb: Option<&'static str>,
    /// When.
    #[schema(format = DateTime)]
    at: String,
}

/// An act.
#[derive(Serialize, ToSchema)]
struct Act {
    /// Its number.
    act: u64,
    /// Number of the staff member.
    staff: u32,
    /// The name of their log-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    name: Option<Private<String>>,
    /// What was done.
    verb: &'static str,
    /// Why.
    purpose: &'static str,
    /// With whose data, seen from who asked.
    scope: &'static str,
    /// How many rows.
    rows: u32,
    /// By whose leave: `grant`, `broken_glass` or `office`.
    leave: &'static str,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// `unsigned` or `received`, where a package was taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    package: Option<&'static str>,
    /// When its recipient had it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    received: Option<String>,
}

impl Acts {
    pub(super) fn of(shown: Shown<Ledger>) -> Self {
        let Ledger { acts, overseen, names, copies, zone } = shown.what;
        let name = |id| names.get(&id).cloned();
        let events = overseen.iter().map(|row| Event {
            act: row.act,
            entry: row.entry,
            kind: row.kind.word(),
            by: row.by.map(|staff| staff.0),
            by_name: row.by.and_then(name),
            of: row.of.0,
            of_name: name(row.of),
            verb: row.verb.map(Verb::word),
            at: time(row.at),
        });
        let acts = acts.iter().map(|Listed { usage: row, package }| Act {
            name: name(row.staff),
            act: row.act,
            staff: row.staff.0,
            verb: row.verb.word(),
            purpose: row.purpose.word(),
            scope: row.scope.word(),
            rows: row.rows,
            leave: match (row.grant, row.glass) {
                (Some(_), _) => "grant",
                (None, Some(_)) => "broken_glass",
                (None, None) => "office",
            },
            at: time(row.at),
            package: package.map(|package| match package {
                Taken::Unsigned => "unsigned",
                Taken::Received(_) => "received",
            }),
            received: package.and_then(|package| match package {
                Taken::Unsigned => None,
                Taken::Received(at) => Some(time(at)),
            }),
        });
        let own = |copy: &CopyRow| OwnCopy {
            entry: copy.entry,
            what: if copy.recording { "recording" } else { "records" },
            audience: copy.audience.word(),
            role: copy.role.word(),
            purpose: copy.purpose.word(),
            at: time(copy.at),
        };
        let copies = copies.map(|copies| copies.iter().map(own).collect());
        let (acts, overseen) = (acts.collect(), events.collect());
        Self { act: shown.act, entry: shown.entry, acts, overseen, copies, zone }
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

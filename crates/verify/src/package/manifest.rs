//! What a package says of itself, as far as it is compared with the log.

use access::{Intent, Object};
use jiff::Timestamp as Instant;
use model::{Private, Timestamp, fact::Refusal};
use serde::{
    Deserialize,
    de::{
        IntoDeserializer as _,
        value::{Error as NotAWord, StrDeserializer},
    },
};
use std::collections::BTreeMap;

/// `manifest.json`.
#[derive(Deserialize)]
pub(super) struct Manifest {
    format: String,
    pub(super) disclosure: Disclosure,
    query: Query,
    note: Option<String>,
    audience: String,
    log: Log,
    pub(super) entries: Vec<Entry>,
    pub(super) files: BTreeMap<String, Sums>,
    pub(super) time_stamp: TimeStamp,
}

/// The disclosure in whose course it was made.
#[derive(Deserialize)]
pub(super) struct Disclosure {
    pub(super) entry: u64,
    staff: u32,
    role: String,
    employer: u32,
    verb: String,
    purpose: String,
    case: String,
    scope: String,
    object: String,
    agency: u32,
    policies_sha256: String,
    recipient_key: String,
    package_key: Option<String>,
    asked_utc: String,
}

/// What was looked for.
#[derive(Deserialize)]
struct Query {
    line: String,
    person: Option<String>,
    number: Option<String>,
    facility: Option<String>,
    station: Option<String>,
    from_utc: Option<String>,
    until_utc: Option<String>,
    outcome: Option<String>,
    recorded: Option<bool>,
}

#[derive(Deserialize)]
struct Log {
    origin: String,
    size: u64,
}

/// An entry that lies in the package, and where.
#[derive(Deserialize)]
pub(super) struct Entry {
    pub(super) index: u64,
    pub(super) leaf: String,
    pub(super) opening: String,
    pub(super) proof: String,
}

/// Length and hashes of a file.
#[derive(Deserialize)]
pub(super) struct Sums {
    pub(super) octets: u64,
    pub(super) sha256: String,
    pub(super) sha512: String,
}

/// Whether there is a time stamp of the manifest.
#[derive(Deserialize)]
pub(super) struct TimeStamp {
    state: String,
    pub(super) why: String,
}

impl Manifest {
    pub(super) fn read(octets: &[u8]) -> Option<Self> {
        // Also what is not looked at below is JSON, so that no other reader reads another text.
        let _whole: serde_json::Value = serde_json::from_slice(octets).ok()?;
        let read: Self = serde_json::from_slice(octets).ok()?;
        (read.format == FORMAT).then_some(read)
    }

    /// Whether it tells what the entry says: who, why and what, for whom, and what was looked for.
    ///
    /// # Errors
    /// What it tells otherwise.
    pub(super) fn tells(&self, intent: &Intent) -> Result<(), &'static str> {
        self.disclosure.tells(intent)?;
        let demand = intent.demand.as_ref().ok_or("it does not say for whom it was")?;
        let key = demand.key.map(|key| super::hex(&key.0));
        for (same, otherwise) in [
            (self.audience == demand.audience.word(), "it was for another recipient"),
            (self.disclosure.package_key == key, "it was for another recipient's key"),
            (
                self.note.as_ref() == exposed(demand.note.as_ref()),
                "it was asked for in other words",
            ),
            (self.query.tells(&demand.query), "something else was looked for"),
        ] {
            if !same {
                return Err(otherwise);
            }
        }
        Ok(())
    }

    pub(super) fn checkpoint(&self) -> (&str, u64) {
        (&self.log.origin, self.log.size)
    }
}

impl TimeStamp {
    pub(super) fn is_beside(&self) -> bool {
        self.state == "beside"
    }
}

impl Query {
    fn tells(&self, entered: &access::Query) -> bool {
        let number = entered.number.map(|number| number.expose().display().to_string());
        self.line == entered.line.word()
            && self.person.as_ref() == exposed(entered.person.as_ref())
            && self.number == number
            && self.facility == entered.facility
            && self.station == entered.station
            && is_time(self.from_utc.as_deref(), entered.from)
            && is_time(self.until_utc.as_deref(), entered.until)
            && self.outcome == entered.outcome
            && self.recorded == entered.recorded
    }
}

fn exposed(text: Option<&Private<String>>) -> Option<&String> {
    text.map(Private::expose)
}

fn is_time(told: Option<&str>, entered: Option<Timestamp>) -> bool {
    let read = |text: &str| text.parse::<Instant>().ok().map(Instant::as_microsecond);
    match (told, entered) {
        (None, None) => true,
        (Some(told), Some(entered)) => read(told) == Some(entered.micros()),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

impl Disclosure {
    fn tells(&self, intent: &Intent) -> Result<(), &'static str> {
        let object = match intent.object {
            Object::Recording { .. } => "recording",
            Object::Records { .. } => "records",
            Object::Counts { .. } => "counts",
            Object::Ledger { .. } => "ledger",
            Object::Held { .. } => "held",
        };
        let asked = self.asked_utc.parse::<Instant>().ok().map(Instant::as_microsecond);
        for (same, otherwise) in [
            (self.staff == intent.staff.0, "it was asked for by somebody else"),
            (self.role == intent.role.word(), "it was asked for in another role"),
            (self.employer == intent.employer.0, "who asked worked elsewhere"),
            (self.verb == intent.verb.word(), "it was to do something else"),
            (self.purpose == intent.purpose.word(), "it was for another purpose"),
            (self.case == *intent.case.expose(), "it was for another case"),
            (self.scope == intent.scope.word(), "it was of other data"),
            (self.object == object, "it was of other data"),
            (self.agency == intent.object.agency().0, "it was another agency's data"),
            (self.policies_sha256 == super::hex(&intent.policies), "other policies allowed it"),
            (self.recipient_key == super::hex(&intent.recipient.0), "it was for another recipient"),
            (asked == Some(intent.asked.micros()), "it was asked for at another time"),
        ] {
            if !same {
                return Err(otherwise);
            }
        }
        Ok(())
    }
}

/// How many records a list has.
pub(super) struct Rows {
    /// Of calls that were let out.
    pub(super) calls: usize,
    /// Of numbers that were refused.
    pub(super) refused: usize,
}

/// Counts the records of a list, every text of which is one, looked at here or not.
pub(super) fn rows(octets: &[u8]) -> Option<Rows> {
    let _: Vec<serde_json::Value> = serde_json::from_slice(octets).ok()?;
    let rows: Vec<Row> = serde_json::from_slice(octets).ok()?;
    let refused = rows.iter().filter(|row| is_refusal(&row.outcome)).count();
    Some(Rows { calls: rows.len() - refused, refused })
}

fn is_refusal(outcome: &str) -> bool {
    let word: StrDeserializer<'_, NotAWord> = outcome.into_deserializer();
    Refusal::deserialize(word).is_ok()
}

/// What is looked at of a record.
#[derive(Deserialize)]
struct Row {
    outcome: String,
}

const FORMAT: &str = "parlatory export 2";

//! Call records as a recipient reads them.

use jiff::{Timestamp as Instant, tz::TimeZone};
use model::{CallId, E164, Money, Private, Timestamp, fact::LegHeard};
use serde::Serialize;
use std::time::Duration;

/// One call record. What nobody knows is `None`, and an empty cell or `null` in the package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Number of this row in this package and no other, 32 hexadecimal digits: the same call has
    /// another one in every package, so that a row found elsewhere names the package it came from.
    pub row: String,
    /// The call, which the entry names; it is not in the package.
    pub call: CallId,
    /// The facility.
    pub facility: String,
    /// The person's number at the facility.
    pub person: Option<Private<String>>,
    /// The person's name.
    pub name: Option<Private<String>>,
    /// The number that was called.
    pub number: Option<Private<E164>>,
    /// When the call was admitted or refused.
    pub at: Timestamp,
    /// When the called party accepted.
    pub accepted: Option<Timestamp>,
    /// Length of the conversation.
    pub talked: Duration,
    /// How it ended.
    pub outcome: String,
    /// What it cost.
    pub charged: Option<Money>,
    /// `recorded`, `cut`, or why it was not.
    pub recording: String,
    /// How the audio of its two legs was, first that to the station.
    pub heard: Option<[LegHeard; 2]>,
}

/// A row, as both files have it.
#[derive(Serialize)]
struct Row<'r> {
    row: &'r str,
    facility: &'r str,
    person: Option<&'r str>,
    name: Option<&'r str>,
    number: Option<String>,
    /// RFC 3339, UTC.
    at_utc: String,
    /// The same in the zone of the manifest.
    at_local: String,
    accepted_utc: Option<String>,
    talked_seconds: u64,
    outcome: &'r str,
    /// US dollars.
    charged: Option<String>,
    recording: &'r str,
    station_received: Option<u64>,
    station_lost: Option<u64>,
    station_jitter_ms: Option<u64>,
    station_sent: Option<u64>,
    station_lost_there: Option<u64>,
    station_jitter_there_ms: Option<u64>,
    called_received: Option<u64>,
    called_lost: Option<u64>,
    called_jitter_ms: Option<u64>,
    called_sent: Option<u64>,
    called_lost_there: Option<u64>,
    called_jitter_there_ms: Option<u64>,
}

impl Record {
    /// The same for the public: who called and which number is left out. That of two rows one
    /// person or one number is in both does not show either.
    #[must_use]
    pub fn masked(self) -> Self {
        Self { person: None, name: None, number: None, heard: None, ..self }
    }

    /// Whether it says nothing about who called and which number.
    pub(crate) const fn is_masked(&self) -> bool {
        self.person.is_none() && self.name.is_none() && self.number.is_none()
    }

    fn row(&self, zone: &TimeZone) -> Row<'_> {
        let [station, called] = self.heard.map_or([None, None], |legs| legs.map(Some));
        let ms = |length: Duration| u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        Row {
            row: &self.row,
            facility: &self.facility,
            person: self.person.as_ref().map(|key| key.expose().as_str()),
            name: self.name.as_ref().map(|name| name.expose().as_str()),
            number: self.number.map(|number| number.expose().display().to_string()),
            at_utc: utc(self.at),
            at_local: local(self.at, zone),
            accepted_utc: self.accepted.map(utc),
            talked_seconds: self.talked.as_secs(),
            outcome: &self.outcome,
            charged: self.charged.map(|money| money.to_string()),
            recording: &self.recording,
            station_received: station.map(|leg| leg.received),
            station_lost: station.map(|leg| leg.lost),
            station_jitter_ms: station.map(|leg| ms(leg.jitter)),
            station_sent: station.map(|leg| leg.sent),
            station_lost_there: station.map(|leg| leg.lost_there),
            station_jitter_there_ms: station.map(|leg| ms(leg.jitter_there)),
            called_received: called.map(|leg| leg.received),
            called_lost: called.map(|leg| leg.lost),
            called_jitter_ms: called.map(|leg| ms(leg.jitter)),
            called_sent: called.map(|leg| leg.sent),
            called_lost_there: called.map(|leg| leg.lost_there),
            called_jitter_there_ms: called.map(|leg| ms(leg.jitter_there)),
        }
    }
}

/// All of them as CSV (RFC 4180), with a head. A cell that a spreadsheet would calculate begins
/// with an apostrophe.
pub(crate) fn csv(records: &[Record], zone: &TimeZone) -> Option<Vec<u8>> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(vec![]);
    if records.is_empty() {
        writer.write_record(HEAD).ok()?;
    }
    for record in records {
        let mut row = record.row(zone);
        let [name, person] = [row.name.map(harmless), row.person.map(harmless)];
        row.name = name.as_deref();
        row.person = person.as_deref();
        writer.serialize(row).ok()?;
    }
    writer.into_inner().ok()
}

/// All of them as one JSON list.
pub(crate) fn json(records: &[Record], zone: &TimeZone) -> Option<Vec<u8>> {
    let rows: Vec<Row<'_>> = records.iter().map(|record| record.row(zone)).collect();
    let mut octets = serde_json::to_vec_pretty(&rows).ok()?;
    octets.push(b'\n');
    Some(octets)
}

/// A time in UTC, to the microsecond (RFC 3339).
pub(crate) fn utc(at: Timestamp) -> String {
    instant(at).map_or_else(String::new, |instant| instant.to_string())
}

fn local(at: Timestamp, zone: &TimeZone) -> String {
    let zoned = instant(at).map(|instant| instant.to_zoned(zone.clone()));
    zoned.map_or_else(String::new, |zoned| zoned.strftime("%Y-%m-%d %H:%M:%S %Z").to_string())
}

fn instant(at: Timestamp) -> Option<Instant> {
    Instant::from_microsecond(at.micros()).ok()
}

/// What people typed can begin as a formula does.
fn harmless(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if formula { format!("'{cell}") } else { cell.to_owned() }
}

const HEAD: [&str; 24] = [
    "row",
    "facility",
    "person",
    "name",
    "number",
    "at_utc",
    "at_local",
    "accepted_utc",
    "talked_seconds",
    "outcome",
    "charged",
    "recording",
    "station_received",
    "station_lost",
    "station_jitter_ms",
    "station_sent",
    "station_lost_there",
    "station_jitter_there_ms",
    "called_received",
    "called_lost",
    "called_jitter_ms",
    "called_sent",
    "called_lost_there",
    "called_jitter_there_ms",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str) -> Record {
        Record {
            row: "00".repeat(16),
            call: CallId(1),
            facility: "cedar/jail".to_owned(),
            person: Some(Private::new("CC-1001".to_owned())),
            name: Some(Private::new(name.to_owned())),
            number: Some(Private::new(E164::new(12_025_550_101).unwrap())),
            at: Timestamp::from_micros(1_795_305_600_250_000),
            accepted: None,
            talked: Duration::from_millis(8_900),
            outcome: "called_hung_up".to_owned(),
            charged: Some(Money::from_cents(11)),
            recording: "recorded".to_owned(),
            heard: Some([leg(4), leg(5)]),
        }
    }

    fn leg(lost: u64) -> LegHeard {
        let (jitter, jitter_there) = (Duration::from_micros(2_900), Duration::from_millis(3));
        LegHeard { received: 400, lost, jitter, sent: 401, lost_there: 1, jitter_there }
    }

    #[test]
    fn a_row_reads_the_same_in_both_files() {
        let zone = TimeZone::get("America/Denver").unwrap();
        let table = String::from_utf8(csv(&[record("Bell, Marcus")], &zone).unwrap()).unwrap();
        let mut lines = table.split("\r\n");
        assert_eq!(lines.next().unwrap(), HEAD.join(","));
        let row = lines.next().unwrap();
        assert!(row.contains("\"Bell, Marcus\",+12025550101,2026-11-22T00:00:00.25Z,"), "{row}");
        assert!(row.contains(",2026-11-21 17:00:00 MST,"), "{row}");
        let list = json(&[record("Bell, Marcus")], &zone).unwrap();
        let list: serde_json::Value = serde_json::from_slice(&list).unwrap();
        assert_eq!(list[0]["name"], "Bell, Marcus");
        assert_eq!(list[0]["talked_seconds"], 8);
        assert!(list[0]["accepted_utc"].is_null());
        assert!(row.ends_with(",recorded,400,4,2,401,1,3,400,5,2,401,1,3"), "{row}");
        assert_eq!((&list[0]["station_lost"], &list[0]["called_lost"]), (&4.into(), &5.into()));
        let masked = String::from_utf8(csv(&[record("x").masked()], &zone).unwrap()).unwrap();
        assert!(masked.contains(",recorded,,,,,,,,,,,,\r\n"), "{masked}");
    }

    #[test]
    fn nothing_found_is_a_table_with_a_head() {
        let table = csv(&[], &TimeZone::UTC).unwrap();
        assert_eq!(String::from_utf8(table).unwrap(), format!("{}\r\n", HEAD.join(",")));
    }

    #[test]
    fn a_name_is_never_a_formula() {
        let table = csv(&[record("=1+1")], &TimeZone::UTC).unwrap();
        assert!(String::from_utf8(table).unwrap().contains(",'=1+1,"));
    }
}

//! A page of call records, in JSON.

use crate::answer::time;
use disclosure::records::{Found, Shown};
use model::{Private, fact::LegHeard};
use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};
use store::{Outcome, records::Record};
use utoipa::ToSchema;

/// A page of records.
#[derive(Serialize, ToSchema)]
pub(in crate::routes::records) struct Page {
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
    pub(in crate::routes::records) fn of(shown: Shown<Found>) -> Self {
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

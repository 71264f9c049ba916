//! Reading records out of the two tables.

use super::{Cursor, FIND, Own, Table, Which, lines};
use crate::{
    calls::{self, CallRow, Outcome, RecordingRow},
    code::{Coded as _, Columns},
    dialect::{Driver, Row, Work},
    error::{Broken, Doing},
    sealing::{
        ColumnKeys,
        field::{PERSON_KEY, PERSON_NAME},
    },
};
use access::Line;
use model::{
    AgencyId, Private,
    fact::{LegHeard, RecordingState},
};
use sqlx::QueryBuilder;

/// A call record with the names that go with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The record.
    pub row: CallRow,
    /// The agency's number of the person; `None` where nobody was identified, or it was erased.
    pub person_key: Option<Private<String>>,
    /// The person's name; as `person_key`.
    pub person_name: Option<Private<String>>,
    /// Key of the facility, `agency/facility`.
    pub facility: String,
    /// Key of the station, `agency/facility/unit/station`.
    pub station: String,
    /// How the audio of its two legs was, first that to the station; `None` where nobody knows.
    pub heard: Option<[LegHeard; 2]>,
}

impl Record {
    /// Its place in the order of pages.
    pub const fn cursor(&self) -> Cursor {
        Cursor { at: self.row.at, record: self.row.record }
    }

    /// What became of it, in a word that never changes: `called_hung_up`, `number_blocked`, `open`.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        match self.row.outcome {
            Outcome::Denied(reason) => reason.code(),
            Outcome::Open { .. } => "open",
            Outcome::Ended { reason, .. } => reason.code(),
        }
    }

    /// As counsel sees it. Who called is theirs to know once they talked, and not of somebody who
    /// never reached them; and where in the facility a client is kept is not theirs.
    fn for_counsel(mut self) -> Self {
        if self.row.accepted.is_none() {
            (self.row.person, self.person_key, self.person_name) = (None, None, None);
        }
        self.row.unit = None;
        self.station = String::new();
        self
    }

    /// Whether it was recorded, in a word that never changes: `recorded`, `cut`, `recording`,
    /// `no_talk`, or why not.
    #[must_use]
    pub fn recording(&self) -> &'static str {
        match self.row.recording {
            RecordingRow::NoTalk => "no_talk",
            RecordingRow::Off(reason) => reason.code(),
            RecordingRow::Open => "recording",
            RecordingRow::Recorded { state: RecordingState::Ended, .. } => "recorded",
            RecordingRow::Recorded { state: RecordingState::Cut, .. } => "cut",
        }
    }
}

/// Records of both tables on such a line, in no order.
pub(super) async fn read(
    work: &mut Work,
    agency: AgencyId,
    which: &Which<'_>,
    line: (Line, Option<&Own>),
) -> Result<Vec<Record>, Broken> {
    let keys = work.keys();
    let mut records = Vec::new();
    for (table, begin) in [(Table::Call, CALLS), (Table::Refusal, REFUSALS)] {
        let mut query = QueryBuilder::<Driver>::new(begin);
        query.push_bind(agency.0);
        lines::on(&mut query, &keys, (agency, table), line)?;
        which.narrow(&mut query, table);
        let rows = query.build().fetch_all(&mut **work).await.doing(FIND)?;
        for row in &rows {
            let record = record(&keys, row, table)?;
            records.push(match line.1 {
                Some(Own::Counsel(_)) => record.for_counsel(),
                Some(Own::Person { .. }) | None => record,
            });
        }
    }
    Ok(records)
}

fn record(keys: &ColumnKeys, row: &Row, table: Table) -> Result<Record, Broken> {
    Ok(Record {
        row: match table {
            Table::Call => calls::admission(keys, row)?,
            Table::Refusal => calls::refusal(keys, row)?,
        },
        person_key: keys.maybe_text(row, PERSON_KEY)?.map(Private::new),
        person_name: keys.maybe_text(row, PERSON_NAME)?.map(Private::new),
        facility: row.maybe_text("facility_key")?.unwrap_or_default(),
        station: row.maybe_text("station_key")?.unwrap_or_default(),
        heard: match table {
            Table::Call => heard(row)?,
            Table::Refusal => None,
        },
    })
}

/// How both legs were; where there is one, there is the other.
fn heard(row: &Row) -> Result<Option<[LegHeard; 2]>, Broken> {
    if row.maybe_int("s_received")?.is_none() || row.maybe_int("c_received")?.is_none() {
        return Ok(None);
    }
    let station = LegHeard {
        received: row.count("s_received")?,
        lost: row.count("s_lost")?,
        jitter: row.length("s_jitter_us")?,
        sent: row.count("s_sent")?,
        lost_there: row.count("s_lost_there")?,
        jitter_there: row.length("s_jitter_there_us")?,
    };
    let called = LegHeard {
        received: row.count("c_received")?,
        lost: row.count("c_lost")?,
        jitter: row.length("c_jitter_us")?,
        sent: row.count("c_sent")?,
        lost_there: row.count("c_lost_there")?,
        jitter_there: row.length("c_jitter_there_us")?,
    };
    Ok(Some([station, called]))
}

/// Left joins all of them: what refers to nothing is shown all the same.
const CALLS: &str = "SELECT c.*, h.amount_micros, h.rest, r.epoch AS recording_epoch, \
     r.state AS recording_state, r.bytes, r.frames, r.sha256, p.key AS key, p.name AS name, \
     f.key AS facility_key, s.key AS station_key, \
     hs.received AS s_received, hs.lost AS s_lost, hs.jitter_us AS s_jitter_us, \
     hs.sent AS s_sent, hs.lost_there AS s_lost_there, hs.jitter_there_us AS s_jitter_there_us, \
     hc.received AS c_received, hc.lost AS c_lost, hc.jitter_us AS c_jitter_us, \
     hc.sent AS c_sent, hc.lost_there AS c_lost_there, hc.jitter_there_us AS c_jitter_there_us \
     FROM call c \
     LEFT JOIN leg_heard hs ON hs.agency_id = c.agency_id AND hs.call_id = c.call_id \
     AND hs.side = 'station' \
     LEFT JOIN leg_heard hc ON hc.agency_id = c.agency_id AND hc.call_id = c.call_id \
     AND hc.side = 'called' \
     LEFT JOIN hold h ON h.agency_id = c.agency_id AND h.call_id = c.call_id \
     LEFT JOIN recording r ON r.agency_id = c.agency_id AND r.call_id = c.call_id \
     LEFT JOIN person p ON p.agency_id = c.agency_id AND p.person_id = c.person_id \
     LEFT JOIN facility f ON f.agency_id = c.agency_id AND f.facility_id = c.facility_id \
     LEFT JOIN station s ON s.agency_id = c.agency_id AND s.station_id = c.station_id \
     WHERE c.agency_id = ";

const REFUSALS: &str = "SELECT c.*, p.key AS key, p.name AS name, \
     f.key AS facility_key, s.key AS station_key FROM refusal c \
     LEFT JOIN person p ON p.agency_id = c.agency_id AND p.person_id = c.person_id \
     LEFT JOIN facility f ON f.agency_id = c.agency_id AND f.facility_id = c.facility_id \
     LEFT JOIN station s ON s.agency_id = c.agency_id AND s.station_id = c.station_id \
     WHERE c.agency_id = ";

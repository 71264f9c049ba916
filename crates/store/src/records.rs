//! Call records on their way to staff: what a search finds, classified by line, and wrapped so that
//! nobody looks at them before the log has the disclosure.
//!
//! A record is shielded, protected or ordinary by what was known when the call was made, and by
//! what is known today: whichever hides more wins.

mod copies;
pub(crate) mod lines;
mod own;
mod packages;
mod rows;

pub use copies::{COPIES_COUNT_MAX, CopyRow};
pub use own::{Own, OwnNumber};
pub use packages::PackageRow;
pub use rows::Record;

use crate::{
    Store, StoreError,
    code::{Coded as _, Columns, signed},
    dialect::{Database, Driver, Row},
    error::{Broken, Doing},
    sealing::field::PERSON_KEY,
};
use access::{Line, Month, Object, Undisclosed};
use model::{
    AgencyId, CallId, E164, FacilityId, PersonId, Private, RecordingId, StationId, Timestamp,
    UnitId,
    fact::{EndReason, Refusal},
};
use sqlx::QueryBuilder;
use std::{collections::BTreeMap, ops::Range};

/// Which records. Every condition narrows.
#[derive(Clone, Debug)]
pub struct Search {
    /// Of this agency.
    pub agency: AgencyId,
    /// On lines of this kind. [`Line::Own`] are all lines but shielded ones, and without `own` it
    /// finds nothing; [`Line::Shielded`] finds nothing ever.
    pub line: Line,
    /// Only what is somebody's own, on lines of whatever kind.
    pub own: Option<Own>,
    /// Of this person.
    pub person: Option<PersonId>,
    /// Of exactly this number.
    pub number: Option<Private<E164>>,
    /// From this facility.
    pub facility: Option<FacilityId>,
    /// From this station.
    pub station: Option<StationId>,
    /// Admitted or refused at this time or later.
    pub from: Option<Timestamp>,
    /// Admitted or refused before this time.
    pub until: Option<Timestamp>,
    /// That came to this.
    pub outcome: Option<Came>,
    /// With a recording, or without one.
    pub recorded: Option<bool>,
    /// After this one: the next page.
    pub after: Option<Cursor>,
    /// At most so many, and never more than [`PAGE_ROWS_MAX`].
    pub limit: u32,
}

/// What became of a call, as somebody looks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// It was refused before it was dialled, for this reason.
    Refused(Refusal),
    /// It ended, for this reason.
    Ended(EndReason),
    /// It has not ended.
    Open,
}

impl Came {
    /// The one with this word, which [`Record::outcome`] gives.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        if word == "open" {
            return Some(Self::Open);
        }
        let refused = Refusal::from_code(word).map(Self::Refused);
        refused.or_else(|| EndReason::from_code(word).map(Self::Ended))
    }
}

/// A record's place in the order of pages: by time, and by number at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// When it was admitted or refused.
    pub at: Timestamp,
    /// Its number.
    pub record: u64,
}

/// A page of records.
#[derive(Debug)]
pub struct Page {
    /// The records, exactly those of the calls that [`Undisclosed::object`] names.
    pub rows: Undisclosed<Vec<Record>>,
    /// Where the next page begins; `None` when this is the last. It is a part of what was found:
    /// it goes out with the rows or not at all.
    pub next: Option<Cursor>,
}

/// What a recording is, to whoever decides about it. It is for no person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordingAt {
    /// Its line, by what is known today.
    pub line: Line,
    /// Who made the call.
    pub person: Option<PersonId>,
    /// Whether it is closed.
    pub closed: bool,
    /// When the call was admitted.
    pub at: Timestamp,
}

impl Store {
    /// A page of the records that match, in the order of their times. The entry of this disclosure
    /// names the calls they are of; an empty page is a disclosure too.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn search(&self, search: &Search) -> Result<Page, StoreError> {
        Ok(self.0.run(page(&self.0, search))?)
    }

    /// The records of these calls that are on such a line today, and somebody's own where that is
    /// said, in the order of their times. Calls are in ascending order; the entry names all of
    /// them.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn records(
        &self,
        agency: AgencyId,
        calls: &[CallId],
        line: Line,
        own: Option<&Own>,
    ) -> Result<Undisclosed<Vec<Record>>, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.read().await?;
            let mut records = Vec::new();
            for some in calls.chunks(CALLS_AT_ONCE) {
                let which = Which::Calls(some);
                records.append(&mut rows::read(&mut work, agency, &which, (line, own)).await?);
            }
            records.sort_unstable_by_key(Record::cursor);
            let object = Object::Records { agency, records: calls.to_vec() };
            Ok::<_, Broken>(Undisclosed::new(object, records))
        })?)
    }

    /// The record of the call whose recording `object` names, as a part of it; none where the call
    /// is on another line today. Of any other object there is none.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn record_of(
        &self,
        object: &Object,
        line: Line,
        own: Option<&Own>,
    ) -> Result<Undisclosed<Vec<Record>>, StoreError> {
        let Object::Recording { agency, recording, .. } = *object else {
            return Ok(Undisclosed::new(object.clone(), Vec::new()));
        };
        Ok(self.0.run(async {
            let mut work = self.0.read().await?;
            let calls = [CallId(recording.0)];
            let which = Which::Calls(&calls);
            let mut records = rows::read(&mut work, agency, &which, (line, own)).await?;
            // Numbers that were refused before in the same call are no part of the recording.
            records.retain(|record| !matches!(record.row.outcome, crate::Outcome::Denied(_)));
            Ok::<_, Broken>(Undisclosed::new(object.clone(), records))
        })?)
    }

    /// How many calls on protected lines there were in each of these months; shielded ones count
    /// nowhere. Months come with the times at which they begin and end, in ascending order.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn protected_counts(
        &self,
        agency: AgencyId,
        months: &[(Month, Range<Timestamp>)],
    ) -> Result<Undisclosed<Vec<(Month, u64)>>, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.read().await?;
            let mut counts = Vec::new();
            for (month, times) in months {
                let line = (Line::Protected, None);
                counts.push((*month, lines::count(&mut work, agency, times, line).await?));
            }
            let months = months.iter().map(|(month, _)| *month).collect();
            Ok::<_, Broken>(Undisclosed::new(Object::Counts { agency, months }, counts))
        })?)
    }

    /// What is known today of a recording; `None` where there is none.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn recording_at(
        &self,
        agency: AgencyId,
        recording: RecordingId,
    ) -> Result<Option<RecordingAt>, StoreError> {
        Ok(self.0.run(lines::recording(&self.0, agency, CallId(recording.0)))?)
    }

    /// The person whom an agency knows by `key`; `None` where there is none.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn person_of(
        &self,
        agency: AgencyId,
        key: &Private<String>,
    ) -> Result<Option<PersonId>, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.read().await?;
            let index = work.keys().text_index(agency, PERSON_KEY, key.expose())?;
            let sql = "SELECT person_id FROM person WHERE agency_id = $1 AND key_ix = $2";
            let row = sqlx::query(sql)
                .bind(agency.0)
                .bind(index)
                .fetch_optional(&mut *work)
                .await
                .doing(FIND)?;
            row.map(|row| Ok::<_, Broken>(PersonId(row.number("person_id")?))).transpose()
        })?)
    }

    /// The facility that has this key; `None` where there is none.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn facility_of(
        &self,
        agency: AgencyId,
        key: &str,
    ) -> Result<Option<FacilityId>, StoreError> {
        let sql = "SELECT facility_id AS id FROM facility WHERE agency_id = $1 AND key = $2";
        Ok(self.0.run(place(&self.0, sql, agency, key))?.map(FacilityId))
    }

    /// The housing unit that has this key; `None` where there is none.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn unit_of(&self, agency: AgencyId, key: &str) -> Result<Option<UnitId>, StoreError> {
        let sql = "SELECT unit_id AS id FROM unit WHERE agency_id = $1 AND key = $2";
        Ok(self.0.run(place(&self.0, sql, agency, key))?.map(UnitId))
    }

    /// The station that has this key; `None` where there is none.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn station_of(&self, agency: AgencyId, key: &str) -> Result<Option<StationId>, StoreError> {
        let sql = "SELECT station_id AS id FROM station WHERE agency_id = $1 AND key = $2";
        Ok(self.0.run(place(&self.0, sql, agency, key))?.map(StationId))
    }

    /// The zones of an agency's facilities, by their keys.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn zones_of(&self, agency: AgencyId) -> Result<BTreeMap<String, String>, StoreError> {
        Ok(self.0.run(async {
            let rows = sqlx::query("SELECT key, timezone FROM facility WHERE agency_id = $1")
                .bind(agency.0)
                .fetch_all(&mut *self.0.read().await?)
                .await
                .doing(FIND)?;
            let zone = |row: &Row| Ok((row.text("key")?, row.text("timezone")?));
            rows.iter().map(zone).collect::<Result<_, Broken>>()
        })?)
    }

    /// The zone by whose calendar an agency's months are counted: that of its first facility.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn zone_of(&self, agency: AgencyId) -> Result<Option<String>, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.read().await?;
            let row = sqlx::query(
                "SELECT timezone FROM facility WHERE agency_id = $1 ORDER BY facility_id LIMIT 1",
            )
            .bind(agency.0)
            .fetch_optional(&mut *work)
            .await
            .doing(FIND)?;
            row.map(|row| row.text("timezone")).transpose()
        })?)
    }
}

async fn place(
    database: &Database,
    sql: &'static str,
    agency: AgencyId,
    key: &str,
) -> Result<Option<u32>, Broken> {
    let mut work = database.read().await?;
    let query = sqlx::query(sql).bind(agency.0).bind(key);
    let row = query.fetch_optional(&mut *work).await.doing(FIND)?;
    row.map(|row| row.number("id")).transpose()
}

async fn page(database: &Database, search: &Search) -> Result<Page, Broken> {
    let mut work = database.read().await?;
    let limit = search.limit.clamp(1, PAGE_ROWS_MAX);
    // One more than fits tells whether there is another page.
    let search = Search { limit: limit + 1, ..search.clone() };
    let line = (search.line, search.own.as_ref());
    let number = search.number.as_ref().map(|number| *number.expose());
    let number =
        number.map(|number| work.keys().number_index(search.agency, number)).transpose()?;
    let which = Which::Search(&search, number);
    let mut records = rows::read(&mut work, search.agency, &which, line).await?;
    records.sort_unstable_by_key(Record::cursor);
    let fits = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = records.len() > fits;
    records.truncate(fits);
    let next = if more { records.last().map(Record::cursor) } else { None };
    let mut calls: Vec<CallId> = records.iter().map(|record| record.row.call).collect();
    calls.sort_unstable();
    calls.dedup();
    let object = Object::Records { agency: search.agency, records: calls };
    Ok(Page { rows: Undisclosed::new(object, records), next })
}

/// Own rows as they are shown, for tests, which have no receipt.
#[cfg(test)]
pub(crate) async fn read_for_tests(
    work: &mut crate::dialect::Work,
    agency: AgencyId,
    calls: &[CallId],
    own: &Own,
) -> Vec<Record> {
    let line = (Line::Own, Some(own));
    let mut records =
        rows::read(work, agency, &Which::Calls(calls), line).await.unwrap_or_default();
    records.sort_unstable_by_key(Record::cursor);
    records
}

/// Which rows of one of the two tables.
enum Which<'w> {
    /// With the blind index of its number.
    Search(&'w Search, Option<Vec<u8>>),
    Calls(&'w [CallId]),
}

/// One of the two tables with records.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    Call,
    Refusal,
}

impl Which<'_> {
    /// Adds the conditions, the order and the limit.
    fn narrow(&self, query: &mut QueryBuilder<Driver>, table: Table) {
        match self {
            Self::Calls(calls) => {
                query.push(" AND c.call_id IN (");
                let mut list = query.separated(", ");
                for call in *calls {
                    list.push_bind(call.0.cast_signed());
                }
                query.push(")");
            }
            Self::Search(search, number) => search.narrow(query, table, number.as_deref()),
        }
    }
}

impl Search {
    /// Adds the conditions; `number` is the blind index of the number.
    fn narrow(&self, query: &mut QueryBuilder<Driver>, table: Table, number: Option<&[u8]>) {
        if let Some(person) = self.person {
            query.push(" AND c.person_id = ").push_bind(person.0);
        }
        if let Some(number) = number {
            query.push(" AND c.number_ix = ").push_bind(number.to_vec());
        }
        // A plus keeps the planner from an index that finds much less.
        if let Some(facility) = self.facility {
            query.push(" AND +c.facility_id = ").push_bind(facility.0);
        }
        if let Some(station) = self.station {
            query.push(" AND c.station_id = ").push_bind(station.0);
        }
        if let Some(from) = self.from {
            query.push(" AND c.at_us >= ").push_bind(from.micros());
        }
        if let Some(until) = self.until {
            query.push(" AND c.at_us < ").push_bind(until.micros());
        }
        if let Some(after) = self.after {
            query.push(" AND c.at_us >= ").push_bind(after.at.micros());
            query.push(" AND (c.at_us > ").push_bind(after.at.micros());
            query.push(" OR c.record > ").push_bind(signed(after.record)).push(")");
        }
        own::only_what_is_shown(query, table, self);
        self.came(query, table);
        let recorded = "EXISTS (SELECT 1 FROM recording r WHERE r.agency_id = c.agency_id \
                        AND r.call_id = c.call_id AND r.state IS NOT NULL)";
        match (self.recorded, table) {
            (Some(true), Table::Call) => drop(query.push(" AND ").push(recorded)),
            (Some(false), Table::Call) => drop(query.push(" AND NOT ").push(recorded)),
            (Some(true), Table::Refusal) => drop(query.push(" AND 0")),
            (Some(false), Table::Refusal) | (None, _) => {}
        }
        query.push(" ORDER BY c.at_us, c.record LIMIT ").push_bind(self.limit);
    }

    fn came(&self, query: &mut QueryBuilder<Driver>, table: Table) {
        match (self.outcome, table) {
            (Some(Came::Refused(reason)), Table::Refusal) => {
                query.push(" AND c.reason = ").push_bind(reason.code());
            }
            (Some(Came::Ended(reason)), Table::Call) => {
                query.push(" AND c.end_reason = ").push_bind(reason.code());
            }
            (Some(Came::Open), Table::Call) => {
                query.push(" AND c.ended_us IS NULL");
            }
            (Some(Came::Refused(_)), Table::Call)
            | (Some(Came::Ended(_) | Came::Open), Table::Refusal) => {
                query.push(" AND 0");
            }
            (None, _) => {}
        }
    }
}

/// Rows of one page.
pub const PAGE_ROWS_MAX: u32 = 50;
/// Calls of one question to the database; SQLite takes 32,766 values at most.
const CALLS_AT_ONCE: usize = 500;
const FIND: &str = "find records";

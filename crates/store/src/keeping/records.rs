//! Names and numbers whose time is over.
//!
//! Of a call stays when it was, from where, how long, what it cost, what became of it, and on which
//! line it was, so that a call with counsel stays one. What it was called and who called goes, and
//! a name goes with the person: once they have left and nothing that is kept leads to them.

use super::{KEEP, READ, hold::keeps};
use crate::{
    Store, StoreError,
    code::{Coded as _, Columns, micros},
    dialect::{self, Driver, Free, Row, Work},
    error::{Broken, Doing},
    keeping::Class,
    records::{Table, lines},
};
use model::{AgencyId, CallId, Timestamp};
use sqlx::QueryBuilder;
use std::time::Duration;

/// How much of names and numbers is due to be erased, or was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordsCount {
    /// Records of calls that were allowed.
    pub calls: u64,
    /// Records of numbers that were refused.
    pub refusals: u64,
    /// Languages that called parties chose for their numbers.
    pub languages: u64,
    /// People who left.
    pub people: u64,
}

impl RecordsCount {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.calls + self.refusals + self.languages + self.people
    }
}

/// What is left of erased values in the database's files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swept {
    /// Nothing.
    Clean,
    /// Copies of pages, because somebody read the database all the time: do it again later.
    Busy,
}

impl Store {
    /// How many names and numbers of an agency are due: where neither the facility nor the agency
    /// set how long records are kept, `term` after the end of the call. What has not ended, what a
    /// hold keeps, and a call whose recording is still there, is not due. A language and a person
    /// become due with the last record that leads to them.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn records_due(
        &self,
        agency: AgencyId,
        term: Duration,
        now: Timestamp,
    ) -> Result<RecordsCount, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.read().await?;
            let over = Over::read(&mut work, agency, term, now).await?;
            Ok::<_, Broken>(RecordsCount {
                calls: over.count(&mut work, Kind::Call).await?,
                refusals: over.count(&mut work, Kind::Refusal).await?,
                languages: over.count(&mut work, Kind::Language).await?,
                people: over.count(&mut work, Kind::Person).await?,
            })
        })?)
    }

    /// The calls among these.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn calls_due(
        &self,
        agency: AgencyId,
        term: Duration,
        now: Timestamp,
    ) -> Result<Vec<CallId>, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.read().await?;
            let over = Over::read(&mut work, agency, term, now).await?;
            let mut query = QueryBuilder::<Driver>::new("SELECT c.call_id");
            over.due(&mut query, Kind::Call);
            let rows = query.build().fetch_all(&mut *work).await.doing(READ)?;
            let call = |row: &Row| Ok(CallId(row.int("call_id")?.cast_unsigned()));
            rows.iter().map(call).collect::<Result<Vec<_>, Broken>>()
        })?)
    }

    /// Erases up to `count` of each that [`Store::records_due`] counts for the same time, the
    /// earliest first, and says how many. That they are erased was entered before. Copies may be
    /// left in the files until [`Store::sweep`].
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails; nothing of these is erased then.
    pub fn erase_records(
        &self,
        agency: AgencyId,
        term: Duration,
        now: Timestamp,
        count: u32,
    ) -> Result<RecordsCount, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.write_durably().await?;
            let over = Over::read(&mut work, agency, term, now).await?;
            let erased = RecordsCount {
                calls: over.erase_calls(&mut work, Kind::Call, count).await?,
                refusals: over.erase_calls(&mut work, Kind::Refusal, count).await?,
                languages: over.erase_languages(&mut work, count).await?,
                people: over.erase_people(&mut work, count).await?,
            };
            if erased.total() > 0 {
                run(&mut work, "UPDATE cell SET unswept = 1 WHERE one = 1").await?;
            }
            work.commit().await.doing(KEEP)?;
            Ok::<_, Broken>(erased)
        })?)
    }

    /// Removes from the database's files what erased and deleted values left there. After an
    /// erasing it writes the whole file anew, which needs twice as much room for a while, and keeps
    /// writers waiting.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when there is not the room, or the database fails; it is done again
    /// then.
    pub fn sweep(&self) -> Result<Swept, StoreError> {
        self.sweep_within(&dialect::free)
    }

    /// As [`Store::sweep`], with the room that `free` says there is.
    pub(crate) fn sweep_within(&self, free: &Free) -> Result<Swept, StoreError> {
        Ok(self.0.run(async {
            let row = sqlx::query("SELECT unswept FROM cell WHERE one = 1")
                .fetch_one(&mut *self.0.read().await?)
                .await
                .doing(READ)?;
            let unswept = row.flag("unswept")?;
            if unswept {
                self.0.rewrite(free).await?;
            }
            if !self.0.empty_log().await? {
                return Ok(Swept::Busy);
            }
            if unswept {
                let mut work = self.0.write_durably().await?;
                run(&mut work, "UPDATE cell SET unswept = 0 WHERE one = 1").await?;
                work.commit().await.doing(KEEP)?;
            }
            Ok::<_, Broken>(Swept::Clean)
        })?)
    }
}

/// What can be due. Rows of each are `c` in its conditions.
#[derive(Clone, Copy)]
enum Kind {
    Call,
    Refusal,
    Language,
    Person,
}

impl Kind {
    const fn table(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Refusal => "refusal",
            Self::Language => "called_language",
            Self::Person => "person",
        }
    }

    /// When the time of a row begins to run. All of them are null where it does not.
    const fn begins(self) -> &'static str {
        match self {
            Self::Call => "c.ended_us",
            Self::Refusal | Self::Language => "c.at_us",
            Self::Person => "c.removed_us",
        }
    }

    /// The facility whose rule counts; of the whole agency where there is none.
    const fn facility(self) -> &'static str {
        match self {
            Self::Call | Self::Refusal | Self::Person => "c.facility_id",
            Self::Language => "0",
        }
    }

    /// What else must be so.
    fn condition(self) -> String {
        match self {
            Self::Call => {
                format!("c.line IS NULL AND NOT {RECORDED} AND NOT {}", held(Table::Call))
            }
            Self::Refusal => format!("c.line IS NULL AND NOT {}", held(Table::Refusal)),
            Self::Language => format!(
                "NOT EXISTS (SELECT 1 FROM call r WHERE r.number_ix = c.number_ix \
                 AND r.agency_id = c.agency_id) AND NOT EXISTS (SELECT 1 FROM refusal r \
                 WHERE r.number_ix = c.number_ix AND r.agency_id = c.agency_id) \
                 AND NOT EXISTS ({ACTIVE} AND h.number_ix = c.number_ix)"
            ),
            Self::Person => format!(
                "c.key_ix IS NOT NULL AND NOT EXISTS (SELECT 1 FROM call r \
                 WHERE r.agency_id = c.agency_id AND r.person_id = c.person_id) \
                 AND NOT EXISTS (SELECT 1 FROM refusal r \
                 WHERE r.agency_id = c.agency_id AND r.person_id = c.person_id) \
                 AND NOT EXISTS ({ACTIVE} AND h.person_id = c.person_id)"
            ),
        }
    }
}

/// Whose time is over, and when.
struct Over {
    agency: AgencyId,
    /// Where no rule is set, in microseconds.
    term: i64,
    now: i64,
    /// Nothing that began after this can be due.
    newest: i64,
}

impl Over {
    async fn read(
        work: &mut Work,
        agency: AgencyId,
        term: Duration,
        now: Timestamp,
    ) -> Result<Self, Broken> {
        let row = sqlx::query(
            "SELECT MIN(keep_us) AS keep_us FROM retention WHERE agency_id = $1 AND class = $2",
        )
        .bind(agency.0)
        .bind(Class::Records.code())
        .fetch_one(&mut **work)
        .await
        .doing(READ)?;
        let (term, now) = (micros(term), now.micros());
        let least = row.maybe_int("keep_us")?.map_or(term, |keep| keep.min(term));
        Ok(Self { agency, term, now, newest: now.saturating_sub(least) })
    }

    /// `FROM` and `WHERE` of the rows that are due.
    fn due(&self, query: &mut QueryBuilder<Driver>, kind: Kind) {
        let (table, facility, begins) = (kind.table(), kind.facility(), kind.begins());
        query.push(format!(
            " FROM {table} c LEFT JOIN retention f ON f.agency_id = c.agency_id \
             AND f.facility_id = {facility} AND f.class = 'records' \
             LEFT JOIN retention a ON a.agency_id = c.agency_id AND a.facility_id = 0 \
             AND a.class = 'records' WHERE c.agency_id = "
        ));
        query.push_bind(self.agency.0);
        query.push(format!(" AND {begins} + COALESCE(f.keep_us, a.keep_us, "));
        query.push_bind(self.term).push(") <= ").push_bind(self.now);
        if matches!(kind, Kind::Call | Kind::Refusal) {
            // Also by the index over those that are kept.
            query.push(" AND c.at_us <= ").push_bind(self.newest);
        }
        query.push(" AND ").push(kind.condition());
    }

    async fn count(&self, work: &mut Work, kind: Kind) -> Result<u64, Broken> {
        let mut query = QueryBuilder::<Driver>::new("SELECT COUNT(*) AS due");
        self.due(&mut query, kind);
        query.build().fetch_one(&mut **work).await.doing(READ)?.count("due")
    }

    /// Says of these records on which line they were, and forgets number and person.
    async fn erase_calls(&self, work: &mut Work, kind: Kind, count: u32) -> Result<u64, Broken> {
        let table = match kind {
            Kind::Call => Table::Call,
            Kind::Refusal => Table::Refusal,
            Kind::Language | Kind::Person => return Ok(0),
        };
        // The line is of the row as it was before.
        let mut query = QueryBuilder::<Driver>::new(format!(
            "UPDATE {} AS c SET line = {}, number = NULL, number_ix = NULL, person_id = NULL \
             WHERE c.record IN (SELECT c.record",
            kind.table(),
            lines::word(table)
        ));
        self.due(&mut query, kind);
        query.push(" ORDER BY c.at_us LIMIT ").push_bind(count).push(")");
        let erased = query.build().execute(&mut **work).await.doing(KEEP)?.rows_affected();
        if matches!(kind, Kind::Call) && erased > 0 {
            // That a called party said that it was private is in the line.
            let claims = "DELETE FROM private_claim AS k WHERE EXISTS (SELECT 1 FROM call c \
                          WHERE c.agency_id = k.agency_id AND c.call_id = k.call_id \
                          AND c.line IS NOT NULL)";
            run(work, claims).await?;
        }
        Ok(erased)
    }

    async fn erase_languages(&self, work: &mut Work, count: u32) -> Result<u64, Broken> {
        let mut query =
            QueryBuilder::<Driver>::new("DELETE FROM called_language WHERE agency_id = ");
        query.push_bind(self.agency.0).push(" AND number_ix IN (SELECT c.number_ix");
        self.due(&mut query, Kind::Language);
        query.push(" ORDER BY c.at_us LIMIT ").push_bind(count).push(")");
        Ok(query.build().execute(&mut **work).await.doing(KEEP)?.rows_affected())
    }

    /// Forgets names and numbers of people who left, whom they might call, and that a station was
    /// theirs. Their accounts stay.
    async fn erase_people(&self, work: &mut Work, count: u32) -> Result<u64, Broken> {
        let mut query = QueryBuilder::<Driver>::new("SELECT c.person_id");
        self.due(&mut query, Kind::Person);
        query.push(" ORDER BY c.removed_us LIMIT ").push_bind(count);
        let rows = query.build().fetch_all(&mut **work).await.doing(READ)?;
        for row in &rows {
            self.erase_person(work, row.number("person_id")?).await?;
        }
        Ok(rows.len() as u64)
    }

    async fn erase_person(&self, work: &mut Work, person: u32) -> Result<(), Broken> {
        for sql in [
            "UPDATE station SET caller = 'pin', person_key = NULL, person_key_ix = NULL \
             WHERE agency_id = $1 AND person_key_ix = \
             (SELECT key_ix FROM person WHERE agency_id = $1 AND person_id = $2)",
            "DELETE FROM contact WHERE agency_id = $1 AND person_id = $2",
            "UPDATE staff_tie SET person_key = NULL, name = NULL, state = 'ended' \
             WHERE agency_id = $1 AND person_id = $2",
            "UPDATE person SET key = NULL, key_ix = NULL, name = NULL, pin = X'' \
             WHERE agency_id = $1 AND person_id = $2",
        ] {
            let query = sqlx::query(sql).bind(self.agency.0).bind(person);
            query.execute(&mut **work).await.doing(KEEP)?;
        }
        Ok(())
    }
}

async fn run(work: &mut Work, sql: &'static str) -> Result<(), Broken> {
    sqlx::query(sql).execute(&mut **work).await.doing(KEEP)?;
    Ok(())
}

/// A hold of the same agency that was not released.
const ACTIVE: &str =
    "SELECT 1 FROM legal_hold h WHERE h.agency_id = c.agency_id AND h.released_us IS NULL";

/// A hold keeps the record, recorded or not.
fn held(table: Table) -> String {
    format!("EXISTS (SELECT 1 FROM legal_hold h WHERE {})", keeps(table))
}

/// A recording of the call is there, or may be: its number must tell whether it is protected.
const RECORDED: &str = "EXISTS (SELECT 1 FROM recording r WHERE r.agency_id = c.agency_id \
     AND r.call_id = c.call_id AND (r.state IS NOT NULL OR c.off_reason IS NULL) \
     AND NOT EXISTS (SELECT 1 FROM erasure e WHERE e.agency_id = r.agency_id \
     AND e.call_id = r.call_id AND e.done_us IS NOT NULL))";

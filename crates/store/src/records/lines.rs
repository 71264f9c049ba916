//! On which line a call was, by what was known then and by what is known now.

use super::{
    Table,
    own::{self, Own},
};
use crate::{
    code::Columns,
    dialect::{Database, Driver, Work},
    error::{Broken, Doing},
    records::RecordingAt,
    sealing::ColumnKeys,
};
use access::Line;
use model::{AgencyId, CallId, PersonId, Timestamp};
use sqlx::QueryBuilder;
use std::ops::Range;

/// To a line for help or complaints: it was one then, or is one today.
const SHIELDED: &str = "EXISTS (SELECT 1 FROM service s WHERE s.agency_id = c.agency_id \
                        AND s.number_ix = c.number_ix AND s.kind = 'help')";

/// To a number that is protected today, whoever registered it.
const REGISTERED: &str = "EXISTS (SELECT 1 FROM protected_index p \
                          WHERE p.agency_id = c.agency_id AND p.number_ix = c.number_ix)";

/// The called party said that the call was private, and nobody looked at it since.
const CLAIMED: &str = "EXISTS (SELECT 1 FROM private_claim k \
     WHERE k.agency_id = c.agency_id AND k.call_id = c.call_id \
     AND NOT EXISTS (SELECT 1 FROM lift l WHERE l.agency_id = k.agency_id \
     AND l.number_ix = k.number_ix AND l.what = 'claims' AND l.at_us >= k.at_us))";

/// Whether a row `c` of this table is shielded.
pub(super) fn shielded(table: Table) -> String {
    match table {
        Table::Call => {
            format!("(c.class = 'service' OR COALESCE(c.line, '') = 'shielded' OR {SHIELDED})")
        }
        // Nothing more was kept of what the number was then.
        Table::Refusal => format!("(COALESCE(c.line, '') = 'shielded' OR {SHIELDED})"),
    }
}

/// Whether a row `c` of this table is protected, or shielded as well.
pub(super) fn protected(table: Table) -> String {
    match table {
        Table::Call => format!(
            "(c.class = 'protected' OR COALESCE(c.may_not_record, '') = 'protected' \
             OR COALESCE(c.line, '') = 'protected' OR {REGISTERED} OR {CLAIMED})"
        ),
        Table::Refusal => format!("(COALESCE(c.line, '') = 'protected' OR {REGISTERED})"),
    }
}

/// The line of a row `c` of this table, in the word that stays when its number is erased.
pub(crate) fn word(table: Table) -> String {
    let (shielded, protected) = (shielded(table), protected(table));
    format!(
        "CASE WHEN {shielded} THEN 'shielded' WHEN {protected} THEN 'protected' ELSE 'ordinary' END"
    )
}

/// Adds that a row of this table must be on such a line, and somebody's own where that is said.
/// Shielded ones are on no line that anybody is shown.
pub(super) fn on(
    query: &mut QueryBuilder<Driver>,
    keys: &ColumnKeys,
    (agency, table): (AgencyId, Table),
    (line, own): (Line, Option<&Own>),
) -> Result<(), Broken> {
    query.push(" AND NOT ").push(shielded(table));
    match line {
        Line::Ordinary => drop(query.push(" AND NOT ").push(protected(table))),
        Line::Protected => drop(query.push(" AND ").push(protected(table))),
        Line::Own => {}
        Line::Shielded => drop(query.push(" AND 0")),
    }
    if line == Line::Own || own.is_some() {
        own::mine(query, keys, agency, own)?;
    }
    Ok(())
}

/// Calls of an agency on such lines in a time.
pub(crate) async fn count(
    work: &mut Work,
    agency: AgencyId,
    times: &Range<Timestamp>,
    line: (Line, Option<&Own>),
) -> Result<u64, Broken> {
    let keys = work.keys();
    let mut query = QueryBuilder::<Driver>::new("SELECT COUNT(*) AS calls FROM call c WHERE ");
    query.push("c.agency_id = ").push_bind(agency.0);
    query.push(" AND c.at_us >= ").push_bind(times.start.micros());
    query.push(" AND c.at_us < ").push_bind(times.end.micros());
    on(&mut query, &keys, (agency, Table::Call), line)?;
    let row = query.build().fetch_one(&mut **work).await.doing("count calls")?;
    row.count("calls")
}

/// See [`crate::Store::recording_at`].
pub(super) async fn recording(
    database: &Database,
    agency: AgencyId,
    call: CallId,
) -> Result<Option<RecordingAt>, Broken> {
    let mut work = database.read().await?;
    let mut query = QueryBuilder::<Driver>::new("SELECT c.person_id, c.at_us, r.state, ");
    query.push(shielded(Table::Call)).push(" AS shielded, ");
    query.push(protected(Table::Call)).push(" AS protected ");
    query.push(
        "FROM call c JOIN recording r ON r.agency_id = c.agency_id AND r.call_id = c.call_id \
         WHERE c.agency_id = ",
    );
    query.push_bind(agency.0).push(" AND c.call_id = ").push_bind(call.0.cast_signed());
    let row = query.build().fetch_optional(&mut *work).await.doing("find a recording")?;
    let Some(row) = row else { return Ok(None) };
    let line = match (row.flag("shielded")?, row.flag("protected")?) {
        (true, _) => Line::Shielded,
        (false, true) => Line::Protected,
        (false, false) => Line::Ordinary,
    };
    Ok(Some(RecordingAt {
        line,
        person: row.maybe_number("person_id")?.map(PersonId),
        closed: row.maybe_text("state")?.is_some(),
        at: row.time("at_us")?,
    }))
}

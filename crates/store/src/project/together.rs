//! What comes for every call, many calls in one statement: a statement costs a change of thread and
//! back, whatever it holds.
//!
//! Admissions, answers, ends and marks of different calls do not depend on each other, so those of
//! a batch may wait for each other. Every other fact about a call is written after what waits, and
//! so is a second one of the same kind about the same call. Where a fact finds no row, or finds one
//! where there must be none, nobody can tell any more which it was: then the whole batch is written
//! fact by fact instead, by the same statements with one row.

use super::{Batch, Found, KEEP, Mark, Sealed, insert_hold, settle};
use crate::{
    code::{Coded, Columns, micros, signed},
    dialect::{Row, Work},
    error::{Broken, Doing},
    sealing::field::CALL_NUMBER,
};
use model::{
    AgencyId, CallId, Money, Timestamp,
    fact::{Admitted, Ended, Fact, Rest},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// Facts that wait for others of their kind.
#[derive(Default)]
pub(super) struct Waiting<'a> {
    /// Each with the record number that it takes.
    admitted: Vec<(&'a Admitted, u64)>,
    answered: Vec<(CallId, Timestamp)>,
    ended: Vec<&'a Ended>,
    /// Which kinds wait for a call.
    calls: BTreeSet<(CallId, Kind)>,
}

/// In the order in which they are written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Admitted,
    Answered,
    Ended,
}

/// What becomes of a fact.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It waits.
    Waits,
    /// What waits is written first; then it is asked again.
    Behind,
    /// It depends on nothing that can wait.
    Alone,
}

impl<'a> Waiting<'a> {
    /// Lets a fact wait if it can.
    pub(super) fn take(&mut self, fact: &'a Fact, batch: &mut Batch) -> Place {
        match fact {
            Fact::Admitted(admitted) => {
                let call = admitted.call;
                if self.calls.range((call, Kind::Admitted)..=(call, Kind::Ended)).next().is_some() {
                    return Place::Behind;
                }
                batch.records += 1;
                self.admitted.push((admitted, batch.records));
                self.calls.insert((call, Kind::Admitted));
                Place::Waits
            }
            Fact::Answered { call, at } => {
                if !self.calls.insert((*call, Kind::Answered)) {
                    return Place::Behind;
                }
                self.answered.push((*call, *at));
                Place::Waits
            }
            Fact::Ended(ended) => {
                if !self.calls.insert((ended.call, Kind::Ended)) {
                    return Place::Behind;
                }
                self.ended.push(ended);
                Place::Waits
            }
            Fact::Accepted { .. }
            | Fact::RecordingClosed { .. }
            | Fact::NeverRecorded { .. }
            | Fact::Forwarded { .. }
            | Fact::Heard(_)
                if !self.calls.is_empty() =>
            {
                Place::Behind
            }
            Fact::Accepted { .. }
            | Fact::RecordingClosed { .. }
            | Fact::NeverRecorded { .. }
            | Fact::Forwarded { .. }
            | Fact::Heard(_)
            | Fact::Boot { .. }
            | Fact::Denied(_)
            | Fact::Talked { .. }
            | Fact::LanguageChosen { .. }
            | Fact::PinRefused { .. }
            | Fact::Dialled { .. }
            | Fact::PrivateClaimed { .. }
            | Fact::CallsBlocked { .. }
            | Fact::NameRecorded(_)
            | Fact::NameHeard(_)
            | Fact::NameApproved(_)
            | Fact::NameRemoved { .. }
            | Fact::NameByStaff(_) => Place::Alone,
        }
    }

    /// Writes what waits. `false` when not every fact found what it should.
    pub(super) async fn write(&mut self, work: &mut Work) -> Result<bool, Broken> {
        self.calls.clear();
        let (admitted, answered, ended) = (
            std::mem::take(&mut self.admitted),
            std::mem::take(&mut self.answered),
            std::mem::take(&mut self.ended),
        );
        for some in cut(&admitted) {
            if admit(work, some).await? == Found::Nothing {
                return Ok(false);
            }
        }
        for some in cut(&answered) {
            if answer(work, some).await? == Found::Nothing {
                return Ok(false);
            }
        }
        for some in cut(&ended) {
            if end(work, some).await? == Found::Nothing {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Writes the last mark of each call. One of a call that is over is none.
pub(super) async fn write_marks(
    work: &mut Work,
    marks: BTreeMap<CallId, Mark>,
) -> Result<(), Broken> {
    let marks: Vec<(CallId, Mark)> = marks.into_iter().collect();
    for some in cut(&marks) {
        let sql = format!(
            "UPDATE call SET talk_mark_us = v.column2, talk_mark_at_us = v.column3 \
             FROM (VALUES {}) AS v WHERE call.call_id = v.column1 AND call.ended_us IS NULL",
            values(some.len(), 3)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for (call, (talked, at)) in some {
            query = query.bind(call.0.cast_signed()).bind(micros(*talked)).bind(at.micros());
        }
        query.execute(&mut **work).await.doing(KEEP)?;
    }
    Ok(())
}

pub(super) async fn admit(work: &mut Work, some: &[(&Admitted, u64)]) -> Result<Found, Broken> {
    let sql = format!(
        "INSERT INTO call (agency_id, call_id, facility_id, unit_id, station_id, person_id, \
         number, at_us, class, epoch, may_not_record, record, number_ix) VALUES {} \
         ON CONFLICT (agency_id, call_id) DO NOTHING",
        values(some.len(), 13)
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
    for (admitted, record) in some {
        let number = Sealed::of(work, admitted.agency, CALL_NUMBER, *admitted.number.expose())?;
        query = query
            .bind(admitted.agency.0)
            .bind(admitted.call.0.cast_signed())
            .bind(admitted.facility.0)
            .bind(admitted.unit.0)
            .bind(admitted.station.0)
            .bind(admitted.person.map(|person| person.0))
            .bind(number.sealed)
            .bind(admitted.at.micros())
            .bind(admitted.class.code())
            .bind(signed(admitted.epoch.0))
            .bind(admitted.may_record.err().map(Coded::code))
            .bind(signed(*record))
            .bind(number.index);
    }
    let inserted = query.execute(&mut **work).await.doing(KEEP)?;
    if Found::all(inserted.rows_affected(), some.len()) == Found::Nothing {
        return Ok(Found::Nothing);
    }
    for (admitted, _) in some {
        if let Some(hold) = &admitted.hold {
            insert_hold(work, admitted, hold).await?;
        }
    }
    Ok(Found::Row)
}

pub(super) async fn answer(work: &mut Work, some: &[(CallId, Timestamp)]) -> Result<Found, Broken> {
    let sql = format!(
        "UPDATE call SET answered_us = v.column2 FROM (VALUES {}) AS v \
         WHERE call.call_id = v.column1",
        values(some.len(), 2)
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
    for (call, at) in some {
        query = query.bind(call.0.cast_signed()).bind(at.micros());
    }
    let updated = query.execute(&mut **work).await.doing(KEEP)?;
    Ok(Found::all(updated.rows_affected(), some.len()))
}

/// Ends calls and settles the holds of those that had any. A second end of the same call finds no
/// open one, so money is settled once whatever the journal says.
pub(super) async fn end(work: &mut Work, some: &[&Ended]) -> Result<Found, Broken> {
    let sql = format!(
        "UPDATE call SET ended_us = v.column2, end_reason = v.column3, talked_us = v.column4, \
         charged_micros = v.column5, decision_key = v.column6, \
         off_reason = COALESCE(off_reason, v.column7) FROM (VALUES {}) AS v \
         WHERE call.call_id = v.column1 AND call.ended_us IS NULL RETURNING call_id, agency_id",
        values(some.len(), 7)
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
    for ended in some {
        query = query
            .bind(ended.call.0.cast_signed())
            .bind(ended.at.micros())
            .bind(ended.reason.code())
            .bind(micros(ended.talked))
            .bind(ended.charged.micros())
            .bind(ended.decision_key.map(String::from))
            .bind(ended.off.map(Coded::code));
    }
    let rows: Vec<Row> = query.fetch_all(&mut **work).await.doing(KEEP)?;
    if rows.len() != some.len() {
        return Ok(Found::Nothing);
    }
    let mut agencies = BTreeMap::new();
    for row in rows {
        let call = CallId(row.int("call_id")?.cast_unsigned());
        agencies.insert(call, AgencyId(row.number("agency_id")?));
    }
    for ended in some {
        let Some(agency) = agencies.get(&ended.call) else { return Ok(Found::Nothing) };
        if ended.rest != Rest::NoHold || ended.charged != Money::ZERO {
            settle(work, *agency, ended).await?;
        }
    }
    Ok(Found::Row)
}

/// Cuts a list into pieces of few lengths, so that there are few statements to be prepared.
fn cut<T>(list: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let length = LENGTHS.into_iter().find(|length| *length <= rest.len())?;
        let (piece, behind) = rest.split_at_checked(length)?;
        rest = behind;
        Some(piece)
    })
}

/// `($1, $2), ($3, $4)`: the places of so many rows of so many columns.
fn values(rows: usize, columns: usize) -> String {
    let mut text = String::with_capacity(rows * (columns * 5 + 3));
    for place in 0..rows * columns {
        let before = match place % columns {
            0 if place == 0 => "(",
            0 => "), (",
            _ => ", ",
        };
        let _ = write!(text, "{before}${}", place + 1);
    }
    text.push(')');
    text
}

/// How many rows a statement may have.
const LENGTHS: [usize; 4] = [32, 8, 3, 1];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_cut_without_loss() {
        for length in 0..200 {
            let list: Vec<usize> = (0..length).collect();
            let joined: Vec<usize> = cut(&list).flatten().copied().collect();
            assert_eq!(joined, list);
            assert!(cut(&list).all(|piece| LENGTHS.contains(&piece.len())));
        }
    }

    #[test]
    fn places_are_counted_through() {
        assert_eq!(values(1, 1), "($1)");
        assert_eq!(values(2, 3), "($1, $2, $3), ($4, $5, $6)");
    }
}

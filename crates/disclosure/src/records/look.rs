//! What staff look for, turned into what the store looks for.

use super::{NotDisclosed, Records};
use access::{Audience, Demand, Line, Query, staff::Staff};
use model::{AgencyId, FacilityId, PersonId, StationId, Timestamp};
use store::{
    RecordingRow,
    records::{Came, Cursor, Own, Record, Search},
};

/// Which records are looked for, and how many at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Whose.
    pub agency: AgencyId,
    /// Which: it stands in the entry as it is.
    pub query: Query,
    /// At most so many, and never more than [`store::records::PAGE_ROWS_MAX`].
    pub limit: u32,
}

impl Look {
    /// The same, of calls of whatever kind that are somebody's own.
    pub(super) fn of(&self, own: Option<&Own>) -> Self {
        let mut look = self.clone();
        match (own, look.query.line) {
            (None, _) | (Some(_), Line::Protected | Line::Own) => {}
            (Some(_), Line::Ordinary | Line::Shielded) => look.query.line = Line::Own,
        }
        look
    }

    /// As what it is decided about: who may see their own needs no other leave.
    pub(super) fn line(&self, own: Option<&Own>) -> Line {
        if own.is_some() { Line::Own } else { self.query.line }
    }

    /// What stands in the entry of somebody who is shown what they look for.
    pub(super) fn demand(&self, staff: &Staff) -> Demand {
        Demand {
            query: self.query.clone(),
            ..Demand::of(Audience::of(staff.role), self.query.line)
        }
    }
}

/// What stands in the entry of acts that were asked for by their times.
pub(super) fn of_times(staff: &Staff, (from, until): (Timestamp, Timestamp)) -> Demand {
    let mut demand = Demand::of(Audience::of(staff.role), Line::Ordinary);
    demand.query.from = Some(from);
    demand.query.until = Some(until);
    demand
}

/// Whether a record is what was looked for, and not only of a call of which another record is: a
/// call has one for each number that was refused in it before it was let out.
pub(super) fn found(query: &Query, record: &Record) -> bool {
    let Query { person, number, facility, station, from, until, outcome, recorded, after, .. } =
        query;
    let is_recorded = matches!(record.row.recording, RecordingRow::Recorded { .. });
    person.as_ref().is_none_or(|key| record.person_key.as_ref() == Some(key))
        && number.is_none_or(|number| record.row.number == Some(number))
        && facility.as_ref().is_none_or(|key| record.facility == *key)
        && station.as_ref().is_none_or(|key| record.station == *key)
        && from.is_none_or(|from| from <= record.row.at)
        && until.is_none_or(|until| record.row.at < until)
        && outcome.as_ref().is_none_or(|word| record.outcome() == word)
        && recorded.is_none_or(|recorded| recorded == is_recorded)
        && after.is_none_or(|(at, number)| Cursor { at, record: number } < record.cursor())
}

impl Records {
    /// A key that nobody has finds nothing, so that whether somebody is known there is told to
    /// nobody who may not search. What is `own` narrows whatever else is looked for.
    ///
    /// # Errors
    /// [`NotDisclosed::Outcome`]; when the store fails.
    pub(super) fn resolved(&self, look: &Look, own: Option<Own>) -> Result<Search, NotDisclosed> {
        let Look { agency, query, limit } = look;
        let store = &self.0.store;
        let person = match &query.person {
            None => None,
            Some(key) => Some(store.person_of(*agency, key)?.unwrap_or(PersonId(NOBODY))),
        };
        let facility = match &query.facility {
            None => None,
            Some(key) => Some(store.facility_of(*agency, key)?.unwrap_or(FacilityId(NOBODY))),
        };
        let station = match &query.station {
            None => None,
            Some(key) => Some(store.station_of(*agency, key)?.unwrap_or(StationId(NOBODY))),
        };
        let outcome = query.outcome.as_deref();
        let outcome =
            outcome.map(|word| Came::from_word(word).ok_or(NotDisclosed::Outcome)).transpose()?;
        Ok(Search {
            agency: *agency,
            line: query.line,
            own,
            person,
            number: query.number,
            facility,
            station,
            from: query.from,
            until: query.until,
            outcome,
            recorded: query.recorded,
            after: query.after.map(|(at, record)| Cursor { at, record }),
            limit: *limit,
        })
    }
}

/// The number of no person, facility and station: what is of it is not there.
pub const NOBODY: u32 = 0;

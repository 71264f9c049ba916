//! What is somebody's own of an agency's records. It is the filter of everything that a person in
//! custody or counsel asks for, beside what they look for, and narrows it whatever that is.

use super::{RecordingAt, Table, lines};
use crate::{
    Store, StoreError,
    dialect::{Driver, Work},
    error::{Broken, Doing},
    records::copies::{self, CopyRow},
    sealing::ColumnKeys,
};
use access::{Line, Month, Object, Undisclosed};
use model::{AgencyId, E164, PersonId, Private, Timestamp};
use sqlx::QueryBuilder;
use std::ops::Range;

/// What is somebody's own at one agency. Calls to lines for help and complaints are nobody's own:
/// who looks over a shoulder, or has somebody log in, learns nothing of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Own {
    /// Calls of this person.
    Person {
        /// Who.
        person: PersonId,
        /// Since when the agency's number of the person has their name: it may have been somebody
        /// else's before.
        since: Timestamp,
    },
    /// Calls to these numbers.
    Counsel(Vec<OwnNumber>),
}

/// A number of counsel's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnNumber {
    /// Which.
    pub number: Private<E164>,
    /// Since when it is theirs.
    pub since: Timestamp,
}

impl Own {
    /// Whether a recording can be somebody's own: the person's, of a call that is ordinary to this
    /// day. What is with counsel is heard by nobody, so counsel has none.
    #[must_use]
    pub fn has_recording(&self, at: &RecordingAt) -> bool {
        match self {
            Self::Person { person, since } => {
                at.line == Line::Ordinary && at.person == Some(*person) && at.at >= *since
            }
            Self::Counsel(_) => false,
        }
    }
}

impl Store {
    /// How many calls of somebody's own there were in each of these months. Months come with the
    /// times at which they begin and end, in ascending order.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn own_counts(
        &self,
        agency: AgencyId,
        own: &Own,
        months: &[(Month, Range<Timestamp>)],
    ) -> Result<Undisclosed<Vec<(Month, u64)>>, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.read().await?;
            let mut counts = Vec::new();
            for (month, times) in months {
                let line = (Line::Own, Some(own));
                counts.push((*month, lines::count(&mut work, agency, times, line).await?));
            }
            let months = months.iter().map(|(month, _)| *month).collect();
            Ok::<_, Broken>(Undisclosed::new(Object::Counts { agency, months }, counts))
        })?)
    }

    /// The copies of somebody's own calls that were taken away from `from` until `until`, each
    /// once, in the order of their entries; the newest [`copies::COPIES_COUNT_MAX`].
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn own_copies(
        &self,
        agency: AgencyId,
        own: &Own,
        (from, until): (Timestamp, Timestamp),
    ) -> Result<Vec<CopyRow>, StoreError> {
        let found = self.0.run(async {
            let mut work = self.0.read().await?;
            let mut found = Vec::new();
            for (table, name) in [(Table::Call, "call"), (Table::Refusal, "refusal")] {
                found.append(&mut copied(&mut work, (table, name), agency, own).await?);
            }
            Ok::<_, Broken>(found)
        })?;
        let within = |copy: &CopyRow| (from..until).contains(&copy.at);
        Ok(copies::newest(found.into_iter().filter(within).collect()))
    }
}

async fn copied(
    work: &mut Work,
    (table, name): (Table, &str),
    agency: AgencyId,
    own: &Own,
) -> Result<Vec<CopyRow>, Broken> {
    let keys = work.keys();
    let mut query = QueryBuilder::<Driver>::new(copies::SELECT);
    query.push(" FROM copy JOIN ").push(name);
    query.push(" c ON c.agency_id = copy.agency_id AND c.call_id = copy.call_id ");
    query.push("WHERE copy.agency_id = ").push_bind(agency.0);
    lines::on(&mut query, &keys, (agency, table), (Line::Own, Some(own)))?;
    query.push(copies::GROUP);
    let rows = query.build().fetch_all(&mut **work).await.doing(copies::READ)?;
    rows.iter().map(copies::copy).collect()
}

/// Adds that a row `c` must be somebody's own; `None` is nobody's.
pub(super) fn mine(
    query: &mut QueryBuilder<Driver>,
    keys: &ColumnKeys,
    agency: AgencyId,
    own: Option<&Own>,
) -> Result<(), Broken> {
    match own {
        None => drop(query.push(" AND 0")),
        Some(Own::Person { person, since }) => {
            query.push(" AND c.person_id = ").push_bind(person.0);
            query.push(" AND c.at_us >= ").push_bind(since.micros());
        }
        Some(Own::Counsel(numbers)) => {
            query.push(" AND (0");
            for OwnNumber { number, since } in numbers {
                let index = keys.number_index(agency, *number.expose())?;
                query.push(" OR (c.number_ix = ").push_bind(index);
                query.push(" AND c.at_us >= ").push_bind(since.micros()).push(")");
            }
            query.push(")");
        }
    }
    Ok(())
}

/// Keeps counsel from finding by a filter what they are not shown: who called and did not reach
/// them, and from which station.
pub(super) fn only_what_is_shown(
    query: &mut QueryBuilder<Driver>,
    table: Table,
    search: &super::Search,
) {
    if !matches!(search.own, Some(Own::Counsel(_))) {
        return;
    }
    match (search.person, table) {
        (Some(_), Table::Call) => drop(query.push(" AND c.consent_key IS NOT NULL")),
        (Some(_), Table::Refusal) => drop(query.push(" AND 0")),
        (None, _) => {}
    }
    if search.station.is_some() {
        query.push(" AND 0");
    }
}

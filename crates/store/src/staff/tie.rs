//! Whose calls the log-in of a person or of counsel shows.

use crate::{
    Store, StoreError,
    apply::same_name,
    code::{Coded, Columns, signed},
    dialect::{Row, Work},
    error::{Broken, Doing},
    records::{Own, OwnNumber},
    sealing::{
        ColumnKeys,
        field::{PERSON_KEY, PERSON_NAME, PROTECTED_HOLDER, PROTECTED_NUMBER, TIE_KEY, TIE_NAME},
    },
};
use model::{AgencyId, E164, PersonId, Private, StaffId, Timestamp};
use std::collections::BTreeMap;

/// To whom a log-in is tied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TieTo {
    /// To a person of the agency.
    Person {
        /// Who.
        person: PersonId,
        /// The agency's number of the person.
        key: Private<String>,
        /// Their name.
        name: Private<String>,
    },
    /// To the holder of protected numbers, as the agency's registry names them.
    Holder(Private<String>),
}

/// A tie, proposed or in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TieRow {
    /// Number of the act.
    pub act: u64,
    /// Of the log-in, and of whom it is tied to.
    pub agency: AgencyId,
    /// Whose log-in.
    pub staff: StaffId,
    /// To whom.
    pub to: TieTo,
    /// Who proposed it.
    pub by: StaffId,
    /// When.
    pub asked: Timestamp,
    /// From then on it is proposed anew.
    pub until: Timestamp,
    /// Whether it is in force, and since when, and who approved it.
    pub approved: Option<(StaffId, Timestamp)>,
}

/// What becomes of a tie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TieState {
    /// A second person has not said anything yet.
    Waiting,
    /// They said no.
    Denied,
    /// It is in force.
    Tied,
    /// It was in force, or waited, and is over.
    Ended,
}

impl Coded for TieState {
    fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Denied => "denied",
            Self::Tied => "tied",
            Self::Ended => "ended",
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        let all = [Self::Waiting, Self::Denied, Self::Tied, Self::Ended];
        all.into_iter().find(|state| state.code() == code)
    }
}

impl Store {
    /// The person whom an agency knows by `key`, if that is their name too; with key and name as
    /// they are provisioned. Names are compared without regard to case.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn person_called(
        &self,
        agency: AgencyId,
        (key, name): (&Private<String>, &Private<String>),
    ) -> Result<Option<TieTo>, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.read().await?;
            let keys = work.keys();
            let index = keys.text_index(agency, PERSON_KEY, key.expose())?;
            let row = sqlx::query("SELECT * FROM person WHERE agency_id = $1 AND key_ix = $2")
                .bind(agency.0)
                .bind(index)
                .fetch_optional(&mut *work)
                .await
                .doing(READ)?;
            let Some(row) = row else { return Ok::<_, Broken>(None) };
            let found = keys.text(&row, PERSON_NAME)?;
            Ok(same_name(&found, name.expose()).then_some(TieTo::Person {
                person: PersonId(row.number("person_id")?),
                key: key.clone(),
                name: Private::new(found),
            }))
        })?)
    }

    /// How many protected numbers of an agency's registry name this holder, letter for letter.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn held_by(&self, agency: AgencyId, holder: &Private<String>) -> Result<usize, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.read().await?;
            Ok::<_, Broken>(held(&mut work, agency, holder).await?.len())
        })?)
    }

    /// Keeps that somebody proposes a tie.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn add_tie(&self, row: &TieRow) -> Result<(), StoreError> {
        let keys = self.0.keys();
        let (person, key, name) = match &row.to {
            TieTo::Person { person, key, name } => (Some(person.0), Some(key), name),
            TieTo::Holder(holder) => (None, None, holder),
        };
        let key = key.map(|key| keys.seal_text(row.agency, TIE_KEY, key.expose())).transpose()?;
        let name = keys.seal_text(row.agency, TIE_NAME, name.expose())?;
        self.0.keep(
            KEEP,
            sqlx::query(
                "INSERT INTO staff_tie (agency_id, act, staff_id, person_id, person_key, name, \
                 asked_by, asked_us, until_us, state) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(row.agency.0)
            .bind(signed(row.act))
            .bind(row.staff.0)
            .bind(person)
            .bind(key)
            .bind(name)
            .bind(row.by.0)
            .bind(row.asked.micros())
            .bind(row.until.micros())
            .bind(TieState::Waiting.code()),
        )
    }

    /// The ties of an agency that are in force, or wait and are not too old at `now`; in the order
    /// of their acts.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn ties(&self, agency: AgencyId, now: Timestamp) -> Result<Vec<TieRow>, StoreError> {
        let keys = self.0.keys();
        self.0.list(
            READ,
            sqlx::query(
                "SELECT * FROM staff_tie WHERE agency_id = $1 \
                 AND (state = 'tied' OR (state = 'waiting' AND until_us > $2)) ORDER BY act",
            )
            .bind(agency.0)
            .bind(now.micros()),
            |row| tie(keys, row),
        )
    }

    /// Keeps what becomes of a tie that waits or is in force. Once it is over, whose it was stands
    /// here no longer.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn set_tie(
        &self,
        act: u64,
        state: TieState,
        (by, now): (StaffId, Timestamp),
    ) -> Result<(), StoreError> {
        self.0.keep(
            KEEP,
            sqlx::query(
                "UPDATE staff_tie SET state = $2, changed_by = $3, changed_us = $4, \
                 person_key = CASE WHEN $2 = 'tied' THEN person_key END, \
                 name = CASE WHEN $2 = 'tied' THEN name END \
                 WHERE act = $1 AND state IN ('waiting', 'tied')",
            )
            .bind(signed(act))
            .bind(state.code())
            .bind(by.0)
            .bind(now.micros()),
        )
    }

    /// What is own to a log-in at this agency, by what is known now: the tie in force, the person's
    /// number and name, the registry. `None` where it is tied to nobody, or its person is not known
    /// by that number and name any more; or where it is another agency, at which nothing is theirs.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn own_of(&self, staff: StaffId, agency: AgencyId) -> Result<Option<Own>, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.read().await?;
            let keys = work.keys();
            let row = sqlx::query("SELECT * FROM staff_tie WHERE staff_id = $1 AND state = 'tied'")
                .bind(staff.0)
                .fetch_optional(&mut *work)
                .await
                .doing(READ)?;
            let Some(row) = row else { return Ok::<_, Broken>(None) };
            let tie = tie(&keys, &row)?;
            match &tie.to {
                TieTo::Person { .. } if tie.agency != agency => Ok(None),
                TieTo::Person { person, key, name } => {
                    person_now(&mut work, agency, *person, (key, name)).await
                }
                TieTo::Holder(holder) => {
                    let held = held(&mut work, tie.agency, holder).await?;
                    if tie.agency == agency {
                        return Ok(Some(counsel(held)));
                    }
                    let there = held_too(&mut work, (agency, holder), &held).await?;
                    Ok((!there.is_empty()).then(|| counsel(there)))
                }
            }
        })?)
    }
}

/// Ends the ties of a log-in that becomes somebody else's, or nobody's.
pub(super) async fn end(work: &mut Work, staff: StaffId, now: Timestamp) -> Result<(), Broken> {
    sqlx::query(
        "UPDATE staff_tie SET state = 'ended', changed_us = $2, person_key = NULL, name = NULL \
         WHERE staff_id = $1 AND state IN ('waiting', 'tied')",
    )
    .bind(staff.0)
    .bind(now.micros())
    .execute(&mut **work)
    .await
    .doing(KEEP)?;
    Ok(())
}

async fn person_now(
    work: &mut Work,
    agency: AgencyId,
    person: PersonId,
    (key, name): (&Private<String>, &Private<String>),
) -> Result<Option<Own>, Broken> {
    let keys = work.keys();
    let row = sqlx::query("SELECT * FROM person WHERE agency_id = $1 AND person_id = $2")
        .bind(agency.0)
        .bind(person.0)
        .fetch_optional(&mut **work)
        .await
        .doing(READ)?;
    let Some(row) = row else { return Ok(None) };
    let key_now = keys.maybe_text(&row, PERSON_KEY)?;
    let name_now = keys.maybe_text(&row, PERSON_NAME)?;
    let same = key_now.as_ref() == Some(key.expose())
        && name_now.is_some_and(|now| same_name(&now, name.expose()));
    let since = row.time("named_us")?;
    Ok(same.then_some(Own::Person { person, since }))
}

/// The numbers of a holder, and since when they are theirs.
async fn held(
    work: &mut Work,
    agency: AgencyId,
    holder: &Private<String>,
) -> Result<BTreeMap<E164, Timestamp>, Broken> {
    let keys = work.keys();
    let rows = sqlx::query("SELECT * FROM protected_number WHERE agency_id = $1")
        .bind(agency.0)
        .fetch_all(&mut **work)
        .await
        .doing(READ)?;
    let mut held = BTreeMap::new();
    for row in rows {
        if keys.maybe_text(&row, PROTECTED_HOLDER)?.as_ref() == Some(holder.expose()) {
            held.insert(keys.number(&row, PROTECTED_NUMBER)?, row.time("since_us")?);
        }
    }
    Ok(held)
}

/// Those that the registry of another agency has as theirs, too: neither agency alone says whose
/// calls of the other somebody sees.
async fn held_too(
    work: &mut Work,
    (agency, holder): (AgencyId, &Private<String>),
    here: &BTreeMap<E164, Timestamp>,
) -> Result<BTreeMap<E164, Timestamp>, Broken> {
    let there = held(work, agency, holder).await?.into_iter();
    let both = there.filter_map(|(number, since)| {
        let here = here.get(&number)?;
        Some((number, since.max(*here)))
    });
    Ok(both.collect())
}

fn counsel(held: BTreeMap<E164, Timestamp>) -> Own {
    let number = |(number, since)| OwnNumber { number: Private::new(number), since };
    Own::Counsel(held.into_iter().map(number).collect())
}

fn tie(keys: &ColumnKeys, row: &Row) -> Result<TieRow, Broken> {
    let name = Private::new(keys.text(row, TIE_NAME)?);
    let to = match row.maybe_number("person_id")? {
        Some(person) => TieTo::Person {
            person: PersonId(person),
            key: Private::new(keys.text(row, TIE_KEY)?),
            name,
        },
        None => TieTo::Holder(name),
    };
    let approved = match (row.coded("state")?, row.maybe_number("changed_by")?) {
        (TieState::Tied, Some(by)) => Some((StaffId(by), row.time("changed_us")?)),
        (TieState::Tied | TieState::Waiting | TieState::Denied | TieState::Ended, _) => None,
    };
    Ok(TieRow {
        act: row.count("act")?,
        agency: AgencyId(row.number("agency_id")?),
        staff: StaffId(row.number("staff_id")?),
        to,
        by: StaffId(row.number("asked_by")?),
        asked: row.time("asked_us")?,
        until: row.time("until_us")?,
        approved,
    })
}

const READ: &str = "read whose calls a log-in shows";
const KEEP: &str = "keep whose calls a log-in shows";

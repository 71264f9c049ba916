//! Legal holds, and the recordings that they keep.

use super::{KEEP, READ};
use crate::{
    Store, StoreError,
    code::{Columns, signed},
    dialect::Row,
    error::{Broken, Doing},
    records::Table,
    sealing::{
        ColumnKeys,
        field::{HOLD_CASE, HOLD_NUMBER},
    },
};
use model::{AgencyId, CallId, E164, FacilityId, PersonId, Private, StaffId, Timestamp};

/// A hold that is to be placed. A call must fit everything that is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHold {
    /// Whose data.
    pub agency: AgencyId,
    /// The act by which it was allowed.
    pub act: u64,
    /// Who places it.
    pub staff: StaffId,
    /// For which case.
    pub case: Private<String>,
    /// Whose calls.
    pub person: Option<PersonId>,
    /// Calls to which number.
    pub number: Option<Private<E164>>,
    /// Calls from which facility.
    pub facility: Option<FacilityId>,
    /// Calls that had not ended then.
    pub from: Option<Timestamp>,
    /// Calls that had begun before then.
    pub until: Option<Timestamp>,
}

/// A hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldRow {
    /// Its number.
    pub hold: u32,
    /// What it says.
    pub what: NewHold,
    /// When it was placed.
    pub at: Timestamp,
    /// When it was released, and by whom.
    pub released: Option<(Timestamp, StaffId)>,
}

/// A recording that a hold keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// Whose it is.
    pub agency: AgencyId,
    /// Of which call.
    pub call: CallId,
    /// By which hold.
    pub hold: u32,
}

impl Store {
    /// The blind index of a number at an agency: always the same, and nobody without the node's key
    /// can tell of which number it is.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the keys fail.
    pub fn number_index(&self, agency: AgencyId, number: E164) -> Result<Vec<u8>, StoreError> {
        Ok(self.0.keys().number_index(agency, number)?)
    }

    /// Places a hold, and gives its number. It keeps from then on, whatever is entered when.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn add_hold(&self, new: &NewHold, now: Timestamp) -> Result<u32, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.write_durably().await?;
            let keys = work.keys();
            let number = new.number.as_ref().map(|number| *number.expose());
            let index = number.map(|number| keys.number_index(new.agency, number)).transpose()?;
            let number = number
                .map(|number| keys.seal_number(new.agency, HOLD_NUMBER, number))
                .transpose()?;
            let hold = sqlx::query(
                "INSERT INTO legal_hold (agency_id, hold_id, act, staff_id, case_number, \
                 person_id, number, from_us, until_us, at_us, number_ix, facility_id) \
                 SELECT $1, COALESCE(MAX(hold_id), 0) + 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \
                 $11 \
                 FROM legal_hold RETURNING hold_id",
            )
            .bind(new.agency.0)
            .bind(signed(new.act))
            .bind(new.staff.0)
            .bind(keys.seal_text(new.agency, HOLD_CASE, new.case.expose())?)
            .bind(new.person.map(|person| person.0))
            .bind(number)
            .bind(new.from.map(Timestamp::micros))
            .bind(new.until.map(Timestamp::micros))
            .bind(now.micros())
            .bind(index)
            .bind(new.facility.map(|facility| facility.0))
            .fetch_one(&mut *work)
            .await
            .doing(KEEP)?
            .number("hold_id")?;
            work.commit().await.doing(KEEP)?;
            Ok::<_, Broken>(hold)
        })?)
    }

    /// All holds there ever were, in the order of their numbers.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn holds(&self) -> Result<Vec<HoldRow>, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.read().await?;
            let keys = work.keys();
            let rows = sqlx::query("SELECT * FROM legal_hold ORDER BY hold_id")
                .fetch_all(&mut *work)
                .await
                .doing(READ)?;
            rows.iter().map(|row| hold(&keys, row)).collect::<Result<Vec<_>, Broken>>()
        })?)
    }

    /// Releases a hold by an act; what no other one keeps is erased when its time comes, and when
    /// it was entered of each recording that this one keeps it no longer.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn release_hold(
        &self,
        hold: u32,
        by: StaffId,
        act: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.0.keep(
            KEEP,
            sqlx::query(
                "UPDATE legal_hold SET released_us = $1, released_by = $2, released_act = $3 \
                 WHERE hold_id = $4 AND released_us IS NULL",
            )
            .bind(now.micros())
            .bind(by.0)
            .bind(signed(act))
            .bind(hold),
        )
    }

    /// Up to `count` recordings that a hold keeps and of which that was not entered yet.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn newly_held(&self, count: u32) -> Result<Vec<Held>, StoreError> {
        self.0.list(
            READ,
            sqlx::query(sqlx::AssertSqlSafe(format!(
                "SELECT r.agency_id, r.call_id, h.hold_id FROM legal_hold h \
                 JOIN call c ON {} \
                 JOIN recording r ON r.agency_id = c.agency_id AND r.call_id = c.call_id \
                 WHERE r.state IS NOT NULL \
                 AND NOT EXISTS (SELECT 1 FROM held d WHERE d.agency_id = r.agency_id \
                 AND d.call_id = r.call_id AND d.hold_id = h.hold_id) \
                 AND NOT EXISTS (SELECT 1 FROM erasure e WHERE e.agency_id = r.agency_id \
                 AND e.call_id = r.call_id AND e.entry IS NOT NULL) \
                 ORDER BY r.agency_id, r.call_id, h.hold_id LIMIT $1",
                keeps(Table::Call)
            )))
            .bind(count),
            held,
        )
    }

    /// Keeps that it was entered of these recordings that they are held.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn keep_held(&self, held: &[Held]) -> Result<(), StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.write_durably().await?;
            for Held { agency, call, hold } in held {
                sqlx::query(
                    "INSERT INTO held (agency_id, call_id, hold_id) VALUES ($1, $2, $3) \
                     ON CONFLICT DO NOTHING",
                )
                .bind(agency.0)
                .bind(call.0.cast_signed())
                .bind(hold)
                .execute(&mut *work)
                .await
                .doing(KEEP)?;
            }
            work.commit().await.doing(KEEP)
        })?)
    }

    /// Up to `count` recordings of which it was entered that a hold keeps them, and not yet that it
    /// was released; each with the act that released it.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn newly_freed(&self, count: u32) -> Result<Vec<(Held, u64)>, StoreError> {
        Ok(self.0.run(async {
            let rows = sqlx::query(
                "SELECT d.agency_id, d.call_id, d.hold_id, h.released_act FROM held d \
                 JOIN legal_hold h ON h.hold_id = d.hold_id \
                 WHERE d.freed = 0 AND h.released_us IS NOT NULL \
                 ORDER BY d.agency_id, d.call_id, d.hold_id LIMIT $1",
            )
            .bind(count)
            .fetch_all(&mut *self.0.read().await?)
            .await
            .doing(READ)?;
            let freed = |row: &Row| Ok((held(row)?, row.count("released_act")?));
            rows.iter().map(freed).collect::<Result<Vec<_>, Broken>>()
        })?)
    }

    /// Keeps that it was entered of these recordings that their hold was released.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn keep_freed(&self, freed: &[(Held, u64)]) -> Result<(), StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.write_durably().await?;
            for (Held { agency, call, hold }, _) in freed {
                sqlx::query(
                    "UPDATE held SET freed = 1 \
                     WHERE agency_id = $1 AND call_id = $2 AND hold_id = $3",
                )
                .bind(agency.0)
                .bind(call.0.cast_signed())
                .bind(hold)
                .execute(&mut *work)
                .await
                .doing(KEEP)?;
            }
            work.commit().await.doing(KEEP)
        })?)
    }
}

/// The condition that a hold `h` keeps a record `c`: it is of the same agency, was not released,
/// and the record fits everything that the hold names. A call that runs has not ended before any
/// time.
pub(super) fn keeps(table: Table) -> String {
    let end = match table {
        Table::Call => "COALESCE(c.ended_us, h.from_us)",
        Table::Refusal => "c.at_us",
    };
    format!(
        "h.agency_id = c.agency_id AND h.released_us IS NULL \
         AND (h.person_id IS NULL OR c.person_id = h.person_id) \
         AND (h.number_ix IS NULL OR c.number_ix = h.number_ix) \
         AND (h.facility_id IS NULL OR c.facility_id = h.facility_id) \
         AND (h.from_us IS NULL OR {end} >= h.from_us) \
         AND (h.until_us IS NULL OR c.at_us < h.until_us)"
    )
}

fn hold(keys: &ColumnKeys, row: &Row) -> Result<HoldRow, Broken> {
    let released = row.maybe_time("released_us")?;
    let released = released.map(|at| Ok::<_, Broken>((at, row.number("released_by")?)));
    Ok(HoldRow {
        hold: row.number("hold_id")?,
        what: NewHold {
            agency: AgencyId(row.number("agency_id")?),
            act: row.count("act")?,
            staff: StaffId(row.number("staff_id")?),
            case: Private::new(keys.text(row, HOLD_CASE)?),
            person: row.maybe_number("person_id")?.map(PersonId),
            number: keys.maybe_number(row, HOLD_NUMBER)?.map(Private::new),
            facility: row.maybe_number("facility_id")?.map(FacilityId),
            from: row.maybe_time("from_us")?,
            until: row.maybe_time("until_us")?,
        },
        at: row.time("at_us")?,
        released: released.transpose()?.map(|(at, by)| (at, StaffId(by))),
    })
}

fn held(row: &Row) -> Result<Held, Broken> {
    Ok(Held {
        agency: AgencyId(row.number("agency_id")?),
        call: CallId(row.int("call_id")?.cast_unsigned()),
        hold: row.number("hold_id")?,
    })
}

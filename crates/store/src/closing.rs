//! Calls that staff closed, until they are opened again or until a time. It stands here alone, so
//! every change is on the disk before a function returns.

use crate::{
    Store, StoreError,
    apply::bump,
    code::{Columns, signed},
    dialect::{Row, Work},
    error::{Broken, Doing},
    sealing::{
        ColumnKeys,
        field::{CLOSING_NUMBER, CLOSING_REASON},
    },
};
use model::{
    AgencyId, FacilityId, PersonId, Private, StaffId, StationId, Timestamp, UnitId,
    plan::{Closed, Closing},
};

/// Calls that staff closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosingRow {
    /// Number of the act by which they are closed.
    pub act: u64,
    /// Which calls.
    pub closing: Closing,
    /// Why.
    pub reason: Private<String>,
    /// Who closed them.
    pub by: StaffId,
    /// When.
    pub at: Timestamp,
    /// When they were opened again, and by whom.
    pub opened: Option<(Timestamp, StaffId)>,
}

impl Store {
    /// Keeps that calls are closed. A node takes it over as it does what is provisioned.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn add_closing(&self, row: &ClosingRow) -> Result<(), StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.write_durably().await?;
            let keys = work.keys();
            let Closing { agency, what, everything, until } = &row.closing;
            let of = Columned::of(what);
            let number = of.number.map(|number| keys.seal_number(*agency, CLOSING_NUMBER, number));
            sqlx::query(
                "INSERT INTO closing (agency_id, act, what, place, number, everything, until_us, \
                 reason, staff_id, at_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(agency.0)
            .bind(signed(row.act))
            .bind(of.word)
            .bind(of.place)
            .bind(number.transpose()?)
            .bind(*everything)
            .bind(until.map(Timestamp::micros))
            .bind(keys.seal_text(*agency, CLOSING_REASON, row.reason.expose())?)
            .bind(row.by.0)
            .bind(row.at.micros())
            .execute(&mut *work)
            .await
            .doing(KEEP)?;
            bump(&mut work, true).await?;
            work.commit().await.doing(KEEP)
        })?)
    }

    /// Opens calls again that an act closed, where they are closed.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn open_closing(&self, act: u64, by: StaffId, now: Timestamp) -> Result<(), StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.write_durably().await?;
            sqlx::query(
                "UPDATE closing SET opened_us = $1, opened_by = $2 \
                 WHERE act = $3 AND opened_us IS NULL",
            )
            .bind(now.micros())
            .bind(by.0)
            .bind(signed(act))
            .execute(&mut *work)
            .await
            .doing(KEEP)?;
            bump(&mut work, true).await?;
            work.commit().await.doing(KEEP)
        })?)
    }

    /// What is closed and was not opened again, in the order in which it was closed; also what
    /// ended at its time.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn closings(&self) -> Result<Vec<ClosingRow>, StoreError> {
        Ok(self.0.run(async { rows(&mut self.0.read().await?).await })?)
    }
}

/// What a node must know of it.
pub(crate) async fn closings(work: &mut Work) -> Result<Vec<Closing>, Broken> {
    Ok(rows(work).await?.into_iter().map(|row| row.closing).collect())
}

async fn rows(work: &mut Work) -> Result<Vec<ClosingRow>, Broken> {
    let keys = work.keys();
    let sql = "SELECT * FROM closing WHERE opened_us IS NULL ORDER BY act";
    let rows = sqlx::query(sql).fetch_all(&mut **work).await.doing(READ)?;
    rows.iter().map(|row| closing(&keys, row)).collect()
}

fn closing(keys: &ColumnKeys, row: &Row) -> Result<ClosingRow, Broken> {
    let place = || row.number("place");
    let what = match row.text("what")?.as_str() {
        "agency" => Closed::Agency,
        "facility" => Closed::Facility(FacilityId(place()?)),
        "unit" => Closed::Unit(UnitId(place()?)),
        "station" => Closed::Station(StationId(place()?)),
        "person" => Closed::Person(PersonId(place()?)),
        "number" => Closed::Number(Private::new(keys.number(row, CLOSING_NUMBER)?)),
        _ => return Err(Broken::unreadable("what")),
    };
    let opened = row.maybe_time("opened_us")?;
    let opened = opened.map(|at| Ok::<_, Broken>((at, StaffId(row.number("opened_by")?))));
    Ok(ClosingRow {
        act: row.count("act")?,
        closing: Closing {
            agency: AgencyId(row.number("agency_id")?),
            what,
            everything: row.flag("everything")?,
            until: row.maybe_time("until_us")?,
        },
        reason: Private::new(keys.text(row, CLOSING_REASON)?),
        by: StaffId(row.number("staff_id")?),
        at: row.time("at_us")?,
        opened: opened.transpose()?,
    })
}

/// What is closed, as the columns have it.
struct Columned {
    word: &'static str,
    place: Option<u32>,
    number: Option<model::E164>,
}

impl Columned {
    fn of(what: &Closed) -> Self {
        let (place, number) = match what {
            Closed::Agency => (None, None),
            Closed::Facility(id) => (Some(id.0), None),
            Closed::Unit(id) => (Some(id.0), None),
            Closed::Station(id) => (Some(id.0), None),
            Closed::Person(id) => (Some(id.0), None),
            Closed::Number(number) => (None, Some(*number.expose())),
        };
        Self { word: what.word(), place, number }
    }
}

const READ: &str = "look up what is closed";
const KEEP: &str = "keep what is closed";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ColumnKeys, Plan, plan::Agency};
    use model::E164;

    #[test]
    fn what_is_closed_stays_closed_until_it_is_opened_and_every_change_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let open =
            || Store::open(&folder.path().join("cell.db"), &ColumnKeys::new([7; 32])).unwrap();
        let store = open();
        let (key, name) = ("cedar".to_owned(), "Cedar County".to_owned());
        let agencies = vec![Agency { key, name, keyholder: None }];
        let at = Timestamp::from_micros;
        store.apply(&Plan { agencies, ..Plan::default() }, at(1)).unwrap();
        let number = Private::new(E164::new(12_025_550_142).unwrap());
        let kinds = [
            Closed::Agency,
            Closed::Facility(FacilityId(2)),
            Closed::Unit(UnitId(3)),
            Closed::Station(StationId(4)),
            Closed::Person(PersonId(5)),
            Closed::Number(number),
        ];
        let rows = (1..).zip(kinds).map(|(act, what)| ClosingRow {
            act,
            closing: Closing {
                agency: AgencyId(1),
                what,
                everything: act == 2,
                until: (act == 3).then(|| at(900)),
            },
            reason: Private::new("a threat".to_owned()),
            by: StaffId(9),
            at: at(5),
            opened: None,
        });
        let mut rows: Vec<_> = rows.collect();
        for row in &rows {
            let before = store.version().unwrap();
            store.add_closing(row).unwrap();
            assert_eq!(store.version().unwrap(), before + 1);
        }
        drop(store);
        let store = open();
        assert_eq!(store.closings().unwrap(), rows);
        let before = store.version().unwrap();
        store.open_closing(4, StaffId(8), at(6)).unwrap();
        assert_eq!(store.version().unwrap(), before + 1);
        rows.remove(3);
        assert_eq!(store.closings().unwrap(), rows);
        let closings = store.configuration().unwrap().closings;
        assert_eq!(closings, rows.into_iter().map(|row| row.closing).collect::<Vec<_>>());
    }
}

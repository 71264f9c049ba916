//! Acts that need or needed a second person: requests, approvals, and broken glasses.

use super::{private_text, worded};
use crate::{
    Store, StoreError,
    code::{Coded, Columns, signed},
    dialect::{Row, Work},
    error::{Broken, Doing},
    sealing::{
        ColumnKeys,
        field::{GLASS_REASON, REQUEST_CASE, REQUEST_DEMAND},
    },
};
use access::{Line, Purpose, Verb};
use model::{AgencyId, Private, StaffId, Timestamp};
use std::collections::BTreeMap;

/// A request that needs a second person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRow {
    /// Number of the act.
    pub act: u64,
    /// Whose data.
    pub owner: AgencyId,
    /// Who asks.
    pub staff: StaffId,
    /// To do what.
    pub verb: Verb,
    /// Why.
    pub purpose: Purpose,
    /// For which case.
    pub case: Private<String>,
    /// What kind of calls.
    pub line: Line,
    /// Exactly what: `access::Object`, in octets of the roster's.
    pub object: Vec<u8>,
    /// With whose key.
    pub recipient: [u8; 32],
    /// For whom, and what was looked for: `access::Demand`, in octets of the roster's. `None` once
    /// nobody can approve it any more; the entries in the log have it.
    pub demand: Option<Private<Vec<u8>>>,
    /// When it was asked.
    pub asked: Timestamp,
    /// From then on it must be asked anew.
    pub until: Timestamp,
    /// What became of it.
    pub state: RequestState,
    /// Who approved it, in the order of their numbers.
    pub approved_by: Vec<StaffId>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestState {
    /// It can be approved, and carried out once it is.
    Waiting,
    /// Somebody said no.
    Denied,
    /// It was carried out.
    Done,
}

impl Coded for RequestState {
    fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Denied => "denied",
            Self::Done => "done",
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        [Self::Waiting, Self::Denied, Self::Done].into_iter().find(|state| state.code() == code)
    }
}

/// A glass that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlassRow {
    /// Number of the act.
    pub act: u64,
    /// Of the agency whose data are seen through it.
    pub agency: AgencyId,
    /// Who.
    pub staff: StaffId,
    /// What for, in their words.
    pub reason: Private<String>,
    /// When.
    pub broken: Timestamp,
    /// Until when, which is excluded.
    pub until: Timestamp,
    /// When it was reviewed, and by whom.
    pub reviewed: Option<(Timestamp, StaffId)>,
}

impl Store {
    /// A number for an act, never given before.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn next_act(&self) -> Result<u64, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.write_durably().await?;
            let next = sqlx::query(
                "UPDATE act_number SET last = last + 1 WHERE one = 1 RETURNING last AS next",
            )
            .fetch_one(&mut *work)
            .await
            .doing(KEEP)?
            .count("next")?;
            work.commit().await.doing(KEEP)?;
            Ok::<_, Broken>(next)
        })?)
    }

    /// Keeps a request.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn add_request(&self, row: &RequestRow) -> Result<(), StoreError> {
        let keys = self.0.keys();
        let case = keys.seal_text(row.owner, REQUEST_CASE, row.case.expose())?;
        let demand = row.demand.as_ref().map(Private::expose);
        let demand =
            demand.map(|octets| keys.seal(row.owner, REQUEST_DEMAND, octets)).transpose()?;
        self.0.keep(
            KEEP,
            sqlx::query(
                "INSERT INTO request (agency_id, act, staff_id, verb, purpose, case_number, line, \
                 object, recipient, asked_us, until_us, state, demand) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            )
            .bind(row.owner.0)
            .bind(signed(row.act))
            .bind(row.staff.0)
            .bind(row.verb.word())
            .bind(row.purpose.word())
            .bind(case)
            .bind(row.line.word())
            .bind(&row.object)
            .bind(row.recipient.as_slice())
            .bind(row.asked.micros())
            .bind(row.until.micros())
            .bind(row.state.code())
            .bind(demand),
        )
    }

    /// The request of an act.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn request(&self, act: u64) -> Result<Option<RequestRow>, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.read().await?;
            let mut approvals = approvals(&mut work).await?;
            let row = sqlx::query("SELECT * FROM request WHERE act = $1")
                .bind(signed(act))
                .fetch_optional(&mut *work)
                .await
                .doing(READ)?;
            row.map(|row| request(&work.keys(), &row, &mut approvals)).transpose()
        })?)
    }

    /// Requests that are still waiting at `now`, in the order of their numbers.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn waiting(&self, now: Timestamp) -> Result<Vec<RequestRow>, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.read().await?;
            let mut approvals = approvals(&mut work).await?;
            let sql = "SELECT * FROM request WHERE state = $1 AND until_us > $2 ORDER BY act";
            let rows = sqlx::query(sql)
                .bind(RequestState::Waiting.code())
                .bind(now.micros())
                .fetch_all(&mut *work)
                .await
                .doing(READ)?;
            let keys = work.keys();
            let each = |row: &Row| request(&keys, row, &mut approvals);
            rows.iter().map(each).collect::<Result<Vec<_>, Broken>>()
        })?)
    }

    /// Keeps that somebody approved a request; once for each person.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn add_approval(&self, act: u64, by: StaffId, now: Timestamp) -> Result<(), StoreError> {
        self.0.keep(
            KEEP,
            sqlx::query(
                "INSERT INTO approval (agency_id, act, staff_id, at_us) \
                 SELECT agency_id, act, $2, $3 FROM request WHERE act = $1 ON CONFLICT DO NOTHING",
            )
            .bind(signed(act))
            .bind(by.0)
            .bind(now.micros()),
        )
    }

    /// Keeps what became of a request that waited.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn set_request(&self, act: u64, state: RequestState) -> Result<(), StoreError> {
        self.0.keep(
            KEEP,
            sqlx::query(
                "UPDATE request SET state = $2, demand = NULL WHERE act = $1 AND state = $3",
            )
            .bind(signed(act))
            .bind(state.code())
            .bind(RequestState::Waiting.code()),
        )
    }

    /// Keeps that a glass was broken.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn add_glass(&self, row: &GlassRow) -> Result<(), StoreError> {
        let reason = self.0.keys().seal_text(row.agency, GLASS_REASON, row.reason.expose())?;
        self.0.keep(
            KEEP,
            sqlx::query(
                "INSERT INTO glass (agency_id, act, staff_id, reason, broken_us, until_us) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(row.agency.0)
            .bind(signed(row.act))
            .bind(row.staff.0)
            .bind(reason)
            .bind(row.broken.micros())
            .bind(row.until.micros()),
        )
    }

    /// All glasses that were ever broken, in the order of their acts.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn glasses(&self) -> Result<Vec<GlassRow>, StoreError> {
        Ok(self.0.run(async {
            let mut work = self.0.read().await?;
            let keys = work.keys();
            let rows = sqlx::query("SELECT * FROM glass ORDER BY act")
                .fetch_all(&mut *work)
                .await
                .doing(READ)?;
            rows.iter().map(|row| glass(&keys, row)).collect::<Result<Vec<_>, Broken>>()
        })?)
    }

    /// Keeps that a broken glass was reviewed; the first review counts.
    ///
    /// # Errors
    /// [`StoreError::Broken`] when the database fails.
    pub fn glass_reviewed(&self, act: u64, by: StaffId, now: Timestamp) -> Result<(), StoreError> {
        self.0.keep(
            KEEP,
            sqlx::query(
                "UPDATE glass SET reviewed_us = $3, reviewed_by = $2 \
                 WHERE act = $1 AND reviewed_us IS NULL",
            )
            .bind(signed(act))
            .bind(by.0)
            .bind(now.micros()),
        )
    }
}

async fn approvals(work: &mut Work) -> Result<BTreeMap<u64, Vec<StaffId>>, Broken> {
    let rows = sqlx::query("SELECT act, staff_id FROM approval ORDER BY act, staff_id")
        .fetch_all(&mut **work)
        .await
        .doing(READ)?;
    let mut approvals = BTreeMap::<_, Vec<_>>::new();
    for row in &rows {
        approvals.entry(row.count("act")?).or_default().push(StaffId(row.number("staff_id")?));
    }
    Ok(approvals)
}

fn request(
    keys: &ColumnKeys,
    row: &Row,
    approvals: &mut BTreeMap<u64, Vec<StaffId>>,
) -> Result<RequestRow, Broken> {
    let act = row.count("act")?;
    Ok(RequestRow {
        act,
        owner: AgencyId(row.number("agency_id")?),
        staff: StaffId(row.number("staff_id")?),
        verb: worded(row, "verb")?,
        purpose: worded(row, "purpose")?,
        case: private_text(keys, row, REQUEST_CASE)?,
        line: worded(row, "line")?,
        object: row.maybe_octets("object")?.unwrap_or_default(),
        recipient: row.octets("recipient")?,
        demand: keys.maybe_octets(row, REQUEST_DEMAND)?.map(|octets| Private::new(octets.to_vec())),
        asked: row.time("asked_us")?,
        until: row.time("until_us")?,
        state: row.coded("state")?,
        approved_by: approvals.remove(&act).unwrap_or_default(),
    })
}

fn glass(keys: &ColumnKeys, row: &Row) -> Result<GlassRow, Broken> {
    let reviewed = match (row.maybe_time("reviewed_us")?, row.maybe_number("reviewed_by")?) {
        (Some(at), Some(by)) => Some((at, StaffId(by))),
        (None, _) | (_, None) => None,
    };
    Ok(GlassRow {
        act: row.count("act")?,
        agency: AgencyId(row.number("agency_id")?),
        staff: StaffId(row.number("staff_id")?),
        reason: private_text(keys, row, GLASS_REASON)?,
        broken: row.time("broken_us")?,
        until: row.time("until_us")?,
        reviewed,
    })
}

const READ: &str = "read what waits for a second person";
const KEEP: &str = "keep what waits for a second person";

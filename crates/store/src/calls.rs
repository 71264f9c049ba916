//! Calls and money, read back.

use crate::{
    code::Columns,
    dialect::{Database, Row, Work},
    error::{Broken, Doing},
    limits::CALLS_MAX,
    sealing::{
        ColumnKeys,
        field::{CALL_NUMBER, REFUSAL_NUMBER},
    },
};
use model::{
    AccountId, AgencyId, CallId, E164, FacilityId, Language, Money, PersonId, Private, RecordingId,
    StationId, Timestamp, UnitId,
    fact::{
        Admitted, EndReason, Epoch, HoldFact, NumberClass, OffReason, RateFact, RecordingState,
        Refusal, Rest,
    },
    place::Site,
};
use std::time::Duration;

/// A call that was admitted and has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenCall {
    /// Its admission, as the journal has it.
    pub admitted: Admitted,
    /// When the called party answered.
    pub answered: Option<Timestamp>,
    /// When the called party accepted: onset of the accepting key.
    pub accepted: Option<Timestamp>,
    /// The accepting key.
    pub accepted_key: Option<char>,
    /// Whether a recording started with the conversation, or why not; `None` before acceptance.
    pub recording: Option<Result<Epoch, OffReason>>,
    /// Whether that recording was closed.
    pub recording_closed: bool,
    /// Length of the conversation at its last mark; the call may be charged up to here.
    pub talked: Duration,
    /// When that mark was made.
    pub talked_at: Option<Timestamp>,
}

/// Which calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// Of this agency alone.
    pub agency: Option<AgencyId>,
    /// After this record number: the next page.
    pub after: u64,
    /// Admitted or denied at this time or later.
    pub from: Option<Timestamp>,
    /// Admitted or denied before this time.
    pub until: Option<Timestamp>,
    /// At most so many; never more than 10,000, also when it is not given.
    pub limit: Option<u32>,
}

/// A call record: of a call that was allowed, or of a number that was refused. A call may have
/// several refusals before it is allowed, each with a record of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRow {
    /// Its dense number, from 1.
    pub record: u64,
    /// The call.
    pub call: CallId,
    /// The agency.
    pub agency: AgencyId,
    /// The facility.
    pub facility: FacilityId,
    /// The housing unit; not known of refused calls.
    pub unit: Option<UnitId>,
    /// The station.
    pub station: StationId,
    /// The person who dialled, or `None` where nobody was identified.
    pub person: Option<PersonId>,
    /// The number, when what was dialled is one and until it is erased.
    pub number: Option<Private<E164>>,
    /// How the number stands; not known of refused calls.
    pub class: Option<NumberClass>,
    /// When it was admitted or denied.
    pub at: Timestamp,
    /// When the carrier said that the call was sent on from the number to another one.
    pub forwarded: Option<Timestamp>,
    /// When the called party answered.
    pub answered: Option<Timestamp>,
    /// Onset of the accepting key.
    pub accepted: Option<Timestamp>,
    /// The accepting key.
    pub consent_key: Option<char>,
    /// The language of the notice, when it was accepted.
    pub consent_language: Option<Language>,
    /// What became of it.
    pub outcome: Outcome,
    /// Its recording.
    pub recording: RecordingRow,
    /// What was held for it.
    pub held: Option<Money>,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was refused before it was dialled.
    Denied(Refusal),
    /// It has not ended; its conversation had this length at the last mark.
    Open {
        /// Length of the conversation.
        talked: Duration,
    },
    /// It is over.
    Ended {
        /// When.
        at: Timestamp,
        /// Why.
        reason: EndReason,
        /// Length of the conversation.
        talked: Duration,
        /// What it cost.
        charged: Money,
        /// What became of the rest of the hold.
        rest: Rest,
        /// Key by which the called party decided.
        decision_key: Option<char>,
    },
}

/// What a call record says of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordingRow {
    /// Nobody accepted, or it was over before a word was said: there was nothing to record.
    NoTalk,
    /// There was talk, or could have been, and it was not recorded.
    Off(OffReason),
    /// It is being recorded, or was and has not been closed.
    Open,
    /// It was recorded.
    Recorded {
        /// Closed in order, or cut.
        state: RecordingState,
        /// Octets in the file.
        bytes: u64,
        /// Whole frames of one second.
        frames: u32,
        /// SHA-256 of the file.
        sha256: [u8; 32],
    },
}

/// Where the money of all calls stands: `held = settled + released + expired + open`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MoneyTotals {
    /// Ever held.
    pub held: Money,
    /// Of that, charged.
    pub settled: Money,
    /// Of that, given back when the call ended.
    pub released: Money,
    /// Of that, given back because the hold ran out.
    pub expired: Money,
    /// Of that, still held.
    pub open: Money,
}

/// See [`crate::Store::open_calls`].
pub(crate) async fn open_calls(database: &Database) -> Result<Vec<OpenCall>, Broken> {
    let mut work = database.read().await?;
    let rows = sqlx::query(
        "SELECT c.*, h.account_id, h.amount_micros, h.base_micros, h.additive_micros, h.site_kind, \
         h.site_adp, h.site_state, h.rate_at_us, h.expires_us, \
         r.epoch AS recording_epoch, r.state AS recording_state \
         FROM call c \
         LEFT JOIN hold h ON h.agency_id = c.agency_id AND h.call_id = c.call_id \
         LEFT JOIN recording r ON r.agency_id = c.agency_id AND r.call_id = c.call_id \
         WHERE c.ended_us IS NULL ORDER BY c.record",
    )
    .fetch_all(&mut *work)
    .await
    .doing("read open calls")?;
    let keys = work.keys();
    rows.iter().map(|row| open_call(&keys, row)).collect()
}

fn open_call(keys: &ColumnKeys, row: &Row) -> Result<OpenCall, Broken> {
    let accepted = row.maybe_time("key_onset_us")?;
    let epoch = row.maybe_int("recording_epoch")?.map(|_| row.count("recording_epoch"));
    let recording = match (epoch.transpose()?, row.maybe_coded("off_reason")?) {
        (Some(epoch), _) => Some(Ok(Epoch(epoch))),
        (None, Some(off)) => Some(Err(off)),
        (None, None) => None,
    };
    Ok(OpenCall {
        admitted: admitted(keys, row)?,
        answered: row.maybe_time("answered_us")?,
        accepted,
        accepted_key: row.maybe_key("consent_key")?,
        recording: accepted.and(recording),
        recording_closed: row.maybe_text("recording_state")?.is_some(),
        talked: row.maybe_length("talk_mark_us")?.unwrap_or_default(),
        talked_at: row.maybe_time("talk_mark_at_us")?,
    })
}

fn admitted(keys: &ColumnKeys, row: &Row) -> Result<Admitted, Broken> {
    let hold = match row.maybe_number("account_id")? {
        None => None,
        Some(account) => Some(HoldFact {
            account: AccountId(account),
            amount: row.money("amount_micros")?,
            rate: RateFact {
                base_per_minute: row.money("base_micros")?,
                additive_per_minute: row.money("additive_micros")?,
                site: Site {
                    kind: row.coded("site_kind")?,
                    adp: row.number("site_adp")?,
                    state: row.state("site_state")?,
                },
                at: row.time("rate_at_us")?,
            },
            expires: row.time("expires_us")?,
        }),
    };
    Ok(Admitted {
        call: CallId(row.int("call_id")?.cast_unsigned()),
        at: row.time("at_us")?,
        agency: AgencyId(row.number("agency_id")?),
        facility: FacilityId(row.number("facility_id")?),
        unit: UnitId(row.number("unit_id")?),
        station: StationId(row.number("station_id")?),
        person: row.maybe_number("person_id")?.map(PersonId),
        number: Private::new(keys.number(row, CALL_NUMBER)?),
        class: row.coded("class")?,
        epoch: Epoch(row.count("epoch")?),
        may_record: row.maybe_coded("may_not_record")?.map_or(Ok(()), Err),
        hold,
    })
}

/// See [`crate::Store::unbooked_recordings`].
pub(crate) async fn unbooked_recordings(
    database: &Database,
) -> Result<Vec<(AgencyId, RecordingId)>, Broken> {
    let mut work = database.read().await?;
    let rows = sqlx::query(
        "SELECT r.agency_id, r.call_id FROM recording r \
         JOIN call c ON c.agency_id = r.agency_id AND c.call_id = r.call_id \
         WHERE r.state IS NULL AND c.off_reason IS NULL ORDER BY r.agency_id, r.call_id",
    )
    .fetch_all(&mut *work)
    .await
    .doing("read unbooked recordings")?;
    let recording = |row: &Row| {
        let call = CallId(row.int("call_id")?.cast_unsigned());
        Ok((AgencyId(row.number("agency_id")?), call.recording()))
    };
    rows.iter().map(recording).collect()
}

/// See [`crate::Store::pin_refusals`].
pub(crate) async fn pin_refusals(
    database: &Database,
    since: Timestamp,
) -> Result<Vec<(StationId, Timestamp)>, Broken> {
    let mut work = database.read().await?;
    let rows =
        sqlx::query("SELECT station_id, at_us FROM pin_refusal WHERE at_us > $1 ORDER BY at_us")
            .bind(since.micros())
            .fetch_all(&mut *work)
            .await
            .doing("read wrong PINs")?;
    let refusal = |row: &Row| Ok((StationId(row.number("station_id")?), row.time("at_us")?));
    rows.iter().map(refusal).collect()
}

/// See [`crate::Store::calls`].
pub(crate) async fn calls(
    database: &Database,
    filter: &CallFilter,
) -> Result<Vec<CallRow>, Broken> {
    let mut work = database.read().await?;
    let mut calls = admissions(&mut work, filter).await?;
    calls.append(&mut refusals(&mut work, filter).await?);
    calls.sort_unstable_by_key(|row| row.record);
    calls.truncate(usize::try_from(limit(filter)).unwrap_or(usize::MAX));
    Ok(calls)
}

fn limit(filter: &CallFilter) -> u32 {
    filter.limit.unwrap_or(CALLS_MAX).min(CALLS_MAX)
}

async fn admissions(work: &mut Work, filter: &CallFilter) -> Result<Vec<CallRow>, Broken> {
    let rows = sqlx::query(
        "SELECT c.*, h.amount_micros, h.rest, r.epoch AS recording_epoch, \
         r.state AS recording_state, r.bytes, r.frames, r.sha256 \
         FROM call c \
         LEFT JOIN hold h ON h.agency_id = c.agency_id AND h.call_id = c.call_id \
         LEFT JOIN recording r ON r.agency_id = c.agency_id AND r.call_id = c.call_id \
         WHERE c.record > $1 AND ($2 = 0 OR c.agency_id = $2) AND c.at_us >= $3 AND c.at_us < $4 \
         ORDER BY c.record LIMIT $5",
    )
    .bind(crate::code::signed(filter.after))
    .bind(filter.agency.map_or(0, |agency| i64::from(agency.0)))
    .bind(filter.from.map_or(i64::MIN, Timestamp::micros))
    .bind(filter.until.map_or(i64::MAX, Timestamp::micros))
    .bind(limit(filter))
    .fetch_all(&mut **work)
    .await
    .doing("read calls")?;
    let keys = work.keys();
    rows.iter().map(|row| admission(&keys, row)).collect()
}

async fn refusals(work: &mut Work, filter: &CallFilter) -> Result<Vec<CallRow>, Broken> {
    let rows = sqlx::query(
        "SELECT * FROM refusal \
         WHERE record > $1 AND ($2 = 0 OR agency_id = $2) AND at_us >= $3 AND at_us < $4 \
         ORDER BY record LIMIT $5",
    )
    .bind(crate::code::signed(filter.after))
    .bind(filter.agency.map_or(0, |agency| i64::from(agency.0)))
    .bind(filter.from.map_or(i64::MIN, Timestamp::micros))
    .bind(filter.until.map_or(i64::MAX, Timestamp::micros))
    .bind(limit(filter))
    .fetch_all(&mut **work)
    .await
    .doing("read refused calls")?;
    let keys = work.keys();
    rows.iter().map(|row| refusal(&keys, row)).collect()
}

pub(crate) fn refusal(keys: &ColumnKeys, row: &Row) -> Result<CallRow, Broken> {
    Ok(CallRow {
        record: row.count("record")?,
        call: CallId(row.int("call_id")?.cast_unsigned()),
        agency: AgencyId(row.number("agency_id")?),
        facility: FacilityId(row.number("facility_id")?),
        unit: None,
        station: StationId(row.number("station_id")?),
        person: row.maybe_number("person_id")?.map(PersonId),
        number: keys.maybe_number(row, REFUSAL_NUMBER)?.map(Private::new),
        class: None,
        at: row.time("at_us")?,
        forwarded: None,
        answered: None,
        accepted: None,
        consent_key: None,
        consent_language: None,
        outcome: Outcome::Denied(row.coded("reason")?),
        recording: RecordingRow::NoTalk,
        held: None,
    })
}

pub(crate) fn admission(keys: &ColumnKeys, row: &Row) -> Result<CallRow, Broken> {
    Ok(CallRow {
        record: row.count("record")?,
        call: CallId(row.int("call_id")?.cast_unsigned()),
        agency: AgencyId(row.number("agency_id")?),
        facility: FacilityId(row.number("facility_id")?),
        unit: Some(UnitId(row.number("unit_id")?)),
        station: StationId(row.number("station_id")?),
        person: row.maybe_number("person_id")?.map(PersonId),
        number: keys.maybe_number(row, CALL_NUMBER)?.map(Private::new),
        class: Some(row.coded("class")?),
        at: row.time("at_us")?,
        forwarded: row.maybe_time("forwarded_us")?,
        answered: row.maybe_time("answered_us")?,
        accepted: row.maybe_time("key_onset_us")?,
        consent_key: row.maybe_key("consent_key")?,
        consent_language: row.maybe_coded("consent_language")?,
        outcome: outcome(row)?,
        recording: recording(row)?,
        held: row.maybe_money("amount_micros")?,
    })
}

fn outcome(row: &Row) -> Result<Outcome, Broken> {
    let Some(at) = row.maybe_time("ended_us")? else {
        let talked = row.maybe_length("talk_mark_us")?.unwrap_or_default();
        return Ok(Outcome::Open { talked });
    };
    Ok(Outcome::Ended {
        at,
        reason: row.coded("end_reason")?,
        talked: row.length("talked_us")?,
        charged: row.money("charged_micros")?,
        rest: row.maybe_coded("rest")?.unwrap_or(Rest::NoHold),
        decision_key: row.maybe_key("decision_key")?,
    })
}

fn recording(row: &Row) -> Result<RecordingRow, Broken> {
    if let Some(state) = row.maybe_coded("recording_state")? {
        return Ok(RecordingRow::Recorded {
            state,
            bytes: row.count("bytes")?,
            frames: row.number("frames")?,
            sha256: row.octets("sha256")?,
        });
    }
    let talked = row.maybe_length("talked_us")?.is_some_and(|talked| !talked.is_zero());
    match row.maybe_coded("off_reason")? {
        // Accepted, or put through where there was nothing to accept.
        Some(off) if row.maybe_time("key_onset_us")?.is_some() || talked => {
            Ok(RecordingRow::Off(off))
        }
        Some(_) | None if row.maybe_length("talked_us")?.is_some_and(|talked| talked.is_zero()) => {
            Ok(RecordingRow::NoTalk)
        }
        Some(_) | None if row.maybe_int("recording_epoch")?.is_some() => Ok(RecordingRow::Open),
        Some(_) | None => Ok(RecordingRow::NoTalk),
    }
}

/// See [`crate::Store::money`].
pub(crate) async fn money(database: &Database) -> Result<MoneyTotals, Broken> {
    let mut work = database.read().await?;
    let row = sqlx::query(
        "SELECT CAST(COALESCE(SUM(amount_micros), 0) AS BIGINT) AS held, \
         CAST(COALESCE(SUM(charged_micros), 0) AS BIGINT) AS settled, \
         CAST(COALESCE(SUM(CASE WHEN rest = 'expired' \
         THEN amount_micros - charged_micros END), 0) AS BIGINT) AS expired, \
         CAST(COALESCE(SUM(CASE WHEN rest <> 'expired' \
         THEN amount_micros - charged_micros END), 0) AS BIGINT) AS released, \
         CAST(COALESCE(SUM(CASE WHEN charged_micros IS NULL THEN amount_micros END), 0) \
         AS BIGINT) AS open FROM hold",
    )
    .fetch_one(&mut *work)
    .await
    .doing("add up the money")?;
    Ok(MoneyTotals {
        held: row.money("held")?,
        settled: row.money("settled")?,
        released: row.money("released")?,
        expired: row.money("expired")?,
        open: row.money("open")?,
    })
}

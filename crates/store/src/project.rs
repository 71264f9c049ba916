//! Facts of the journal become rows.
//!
//! Facts come exactly once because the sequence number of the last one is kept in the same
//! transaction. A fact about a call that is not there (a journal that was cut at its beginning) is
//! left out with a warning: stopping at it would keep every later call out of the tables, and the
//! journal still has it. Facts about calls for a database that was never provisioned are refused:
//! the ids in them were given by another database, and would be other people here.

use crate::{
    apply::WHOLE_AGENCY,
    code::{Coded, Columns, hash, micros, prompts, signed},
    dialect::{Database, Row, Work},
    error::{Broken, Doing, Refused, StoreError},
    names,
    sealing::field::{BLOCK_NUMBER, CLAIM_NUMBER, Field, LANGUAGE_NUMBER, REFUSAL_NUMBER},
};
use model::{
    AgencyId, CallId, E164, FacilityId, Language, StationId, Timestamp,
    fact::{
        Admitted, ConsentEvidence, Denied, Ended, Epoch, Fact, Heard, HoldFact, NameDid, OffReason,
        RecordingEnd,
    },
};
use std::{collections::BTreeMap, time::Duration};
use together::{Place, Waiting, write_marks};

mod together;

/// See [`crate::Store::project`].
pub(crate) async fn project(database: &Database, facts: &[(u64, Fact)]) -> Result<(), StoreError> {
    // Nearly always every fact finds its row. Where one does not, it is looked for one by one.
    if write(database, facts, Pace::Together).await? == Written::NotAll {
        write(database, facts, Pace::OneByOne).await?;
    }
    Ok(())
}

/// Whether facts of a kind share statements.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    Together,
    OneByOne,
}

/// What became of a batch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    All,
    /// Some fact did not find its row, and nothing was written.
    NotAll,
}

async fn write(
    database: &Database,
    facts: &[(u64, Fact)],
    pace: Pace,
) -> Result<Written, StoreError> {
    let Some((last, _)) = facts.last() else { return Ok(Written::All) };
    let mut work = database.write().await?;
    let Cell { version, projected, records } = cell(&mut work).await?;
    if *last <= projected {
        return Ok(Written::All);
    }
    let mut batch = Batch { records, marks: BTreeMap::new() };
    let mut waiting = Waiting::default();
    for (seq, fact) in facts.iter().filter(|(seq, _)| *seq > projected) {
        if version == 0 && !matches!(fact, Fact::Boot { .. }) {
            return Err(Refused::DatabaseMadeAnew.into());
        }
        if pace == Pace::Together {
            let mut place = waiting.take(fact, &mut batch);
            if place == Place::Behind {
                if !waiting.write(&mut work).await? {
                    return Ok(Written::NotAll);
                }
                place = waiting.take(fact, &mut batch);
            }
            if place == Place::Waits {
                continue;
            }
        }
        if project_one(&mut work, fact, &mut batch).await? == Found::Nothing {
            if pace == Pace::Together {
                return Ok(Written::NotAll);
            }
            tracing::warn!(seq, "a fact about an unknown call was left out of the tables");
        }
    }
    if !waiting.write(&mut work).await? {
        return Ok(Written::NotAll);
    }
    write_marks(&mut work, batch.marks).await?;
    sqlx::query("UPDATE cell SET projected_seq = $1, records = $2 WHERE one = 1")
        .bind(signed(*last))
        .bind(signed(batch.records))
        .execute(&mut *work)
        .await
        .doing(KEEP)?;
    work.commit().await.doing(KEEP)?;
    Ok(Written::All)
}

/// See [`crate::Store::projected`].
pub(crate) async fn projected(database: &Database) -> Result<u64, Broken> {
    Ok(cell(&mut database.read().await?).await?.projected)
}

/// See [`crate::Store::projected_for_good`].
pub(crate) async fn projected_for_good(database: &Database) -> Result<u64, Broken> {
    let mut work = database.write_durably().await?;
    let projected = cell(&mut work).await?.projected;
    // Something to commit: with it whatever was written before reaches the disk.
    sqlx::query("UPDATE cell SET projected_seq = projected_seq WHERE one = 1")
        .execute(&mut *work)
        .await
        .doing("make what it has durable")?;
    work.commit().await.doing("make what it has durable")?;
    Ok(projected)
}

/// See [`crate::Store::boots`].
pub(crate) async fn boots(database: &Database) -> Result<u32, Broken> {
    let mut work = database.read().await?;
    sqlx::query("SELECT CAST(COALESCE(MAX(boot), 0) AS BIGINT) AS boot FROM boot")
        .fetch_one(&mut *work)
        .await
        .doing("read how often the node started")?
        .number("boot")
}

/// Where the tables stand.
struct Cell {
    /// Of the configuration; 0 when nothing was ever provisioned.
    version: u64,
    /// Sequence number of the last fact in the tables.
    projected: u64,
    /// The last record number that was given.
    records: u64,
}

async fn cell(work: &mut Work) -> Result<Cell, Broken> {
    let row = sqlx::query("SELECT version, projected_seq, records FROM cell WHERE one = 1")
        .fetch_one(&mut **work)
        .await
        .doing("read how far the journal was followed")?;
    Ok(Cell {
        version: row.count("version")?,
        projected: row.count("projected_seq")?,
        records: row.count("records")?,
    })
}

/// What facts of one batch share.
struct Batch {
    /// The last record number that was given.
    records: u64,
    /// Only the last mark of a call matters, so it costs one statement for each call.
    marks: BTreeMap<CallId, Mark>,
}

/// Whether a fact found the row it speaks of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Row,
    Nothing,
}

impl Found {
    fn rows(rows: u64) -> Self {
        if rows == 0 { Self::Nothing } else { Self::Row }
    }

    /// Of facts of one kind: whether each of them found its row.
    fn all(rows: u64, wanted: usize) -> Self {
        if usize::try_from(rows) == Ok(wanted) { Self::Row } else { Self::Nothing }
    }
}

/// How long a conversation had lasted at which moment.
type Mark = (Duration, Timestamp);

async fn project_one(work: &mut Work, fact: &Fact, batch: &mut Batch) -> Result<Found, Broken> {
    match fact {
        Fact::Boot { boot, at, version } => start(work, *boot, *at, version).await,
        Fact::Admitted(admitted) => admit(work, admitted, &mut batch.records).await,
        Fact::Denied(denied) => deny(work, denied, &mut batch.records).await,
        Fact::Answered { call, at } => together::answer(work, &[(*call, *at)]).await,
        Fact::Accepted { call, evidence, recording } => {
            accept(work, *call, evidence, *recording).await
        }
        Fact::Talked { call, talked, at } => {
            batch.marks.insert(*call, (*talked, *at));
            Ok(Found::Row)
        }
        Fact::RecordingClosed { call, recording, at } => {
            close_recording(work, *call, recording, *at).await
        }
        Fact::Ended(ended) => together::end(work, &[ended]).await,
        Fact::LanguageChosen { agency, number, language, at } => {
            choose(work, *agency, *number.expose(), *language, *at).await
        }
        Fact::PrivateClaimed { call, agency, number, at } => {
            claim(work, *agency, *call, *number.expose(), *at).await
        }
        Fact::CallsBlocked { call, agency, facility, number, at } => {
            block(work, *call, (*agency, *facility, *number.expose()), *at).await
        }
        Fact::PinRefused { station, at } => refuse_pin(work, *station, *at).await,
        // The journal alone says which trunk a call went out on: whoever compares a carrier's
        // records with ours reads that, and a row more would cost every call.
        Fact::Dialled { .. } => Ok(Found::Row),
        Fact::NeverRecorded { call, reason, .. } => never_recorded(work, *call, *reason).await,
        Fact::Forwarded { call, at } => forward(work, *call, *at).await,
        Fact::Heard(heard) => hear(work, heard).await,
        Fact::NameRecorded(name) => Ok(Found::rows(names::record(work, name).await?)),
        Fact::NameHeard(acted) => Ok(Found::rows(names::act(work, NameDid::Heard, acted).await?)),
        Fact::NameApproved(acted) => {
            Ok(Found::rows(names::act(work, NameDid::Approved, acted).await?))
        }
        Fact::NameRemoved { acted, .. } => {
            Ok(Found::rows(names::act(work, NameDid::Removed, acted).await?))
        }
        Fact::NameByStaff(done) => Ok(Found::rows(names::act(work, done.did, &done.acted).await?)),
    }
}

async fn start(work: &mut Work, boot: u32, at: Timestamp, version: &str) -> Result<Found, Broken> {
    sqlx::query(
        "INSERT INTO boot (boot, at_us, version) VALUES ($1, $2, $3) \
         ON CONFLICT (boot) DO UPDATE SET at_us = excluded.at_us, version = excluded.version",
    )
    .bind(boot)
    .bind(at.micros())
    .bind(version)
    .execute(&mut **work)
    .await
    .doing(KEEP)?;
    Ok(Found::Row)
}

/// A second admission of the same call is left out with its hold: nothing would ever settle it.
async fn admit(work: &mut Work, admitted: &Admitted, records: &mut u64) -> Result<Found, Broken> {
    let record = *records + 1;
    let found = together::admit(work, &[(admitted, record)]).await?;
    if found == Found::Row {
        *records = record;
    }
    Ok(found)
}

async fn insert_hold(work: &mut Work, admitted: &Admitted, hold: &HoldFact) -> Result<(), Broken> {
    sqlx::query(
        "INSERT INTO hold (agency_id, call_id, account_id, amount_micros, base_micros, \
         additive_micros, site_kind, site_adp, site_state, rate_at_us, expires_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(admitted.agency.0)
    .bind(admitted.call.0.cast_signed())
    .bind(hold.account.0)
    .bind(hold.amount.micros())
    .bind(hold.rate.base_per_minute.micros())
    .bind(hold.rate.additive_per_minute.micros())
    .bind(hold.rate.site.kind.code())
    .bind(hold.rate.site.adp)
    .bind(hold.rate.site.state.code())
    .bind(hold.rate.at.micros())
    .bind(hold.expires.micros())
    .execute(&mut **work)
    .await
    .doing(KEEP)?;
    Ok(())
}

async fn deny(work: &mut Work, denied: &Denied, records: &mut u64) -> Result<Found, Broken> {
    *records += 1;
    let number = denied.number.as_ref().map(|number| *number.expose());
    let number = number.map(|number| Sealed::of(work, denied.agency, REFUSAL_NUMBER, number));
    let (number, index) = number.transpose()?.map(|it| (it.sealed, it.index)).unzip();
    sqlx::query(
        "INSERT INTO refusal (agency_id, call_id, facility_id, station_id, person_id, number, \
         at_us, reason, record, number_ix, attempt) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, (SELECT \
         COALESCE(MAX(attempt), 0) + 1 FROM refusal WHERE agency_id = $1 AND call_id = $2))",
    )
    .bind(denied.agency.0)
    .bind(denied.call.0.cast_signed())
    .bind(denied.facility.0)
    .bind(denied.station.0)
    .bind(denied.person.map(|person| person.0))
    .bind(number)
    .bind(denied.at.micros())
    .bind(denied.reason.code())
    .bind(signed(*records))
    .bind(index)
    .execute(&mut **work)
    .await
    .doing(KEEP)?;
    Ok(Found::Row)
}

async fn accept(
    work: &mut Work,
    call: CallId,
    evidence: &ConsentEvidence,
    recording: Result<Epoch, OffReason>,
) -> Result<Found, Broken> {
    let updated = sqlx::query(
        "UPDATE call SET consent_key = $2, consent_path = $3, consent_language = $4, \
         consent_prompts = $5, consent_pack = $6, played_called = $7, played_station = $8, \
         notice_ended_us = $9, key_onset_us = $10, off_reason = $11 WHERE call_id = $1",
    )
    .bind(call.0.cast_signed())
    .bind(evidence.key.to_string())
    .bind(evidence.path.code())
    .bind(evidence.language.code())
    .bind(prompts(&evidence.prompts))
    .bind(hash(&evidence.pack))
    .bind(hash(&evidence.played_called))
    .bind(hash(&evidence.played_station))
    .bind(evidence.notice_ended.micros())
    .bind(evidence.key_onset.micros())
    .bind(recording.err().map(Coded::code))
    .execute(&mut **work)
    .await
    .doing(KEEP)?;
    if let Ok(epoch) = recording {
        sqlx::query(
            "INSERT INTO recording (agency_id, call_id, epoch) \
             SELECT agency_id, call_id, $2 FROM call WHERE call_id = $1 \
             ON CONFLICT (agency_id, call_id) DO NOTHING",
        )
        .bind(call.0.cast_signed())
        .bind(signed(epoch.0))
        .execute(&mut **work)
        .await
        .doing(KEEP)?;
    }
    Ok(Found::rows(updated.rows_affected()))
}

async fn close_recording(
    work: &mut Work,
    call: CallId,
    end: &RecordingEnd,
    at: Timestamp,
) -> Result<Found, Broken> {
    let updated = sqlx::query(
        "UPDATE recording SET state = $2, bytes = $3, frames = $4, sha256 = $5, closed_us = $6 \
         WHERE call_id = $1 AND agency_id = (SELECT agency_id FROM call WHERE call_id = $1)",
    )
    .bind(call.0.cast_signed())
    .bind(end.state.code())
    .bind(signed(end.bytes))
    .bind(end.frames)
    .bind(end.sha256.to_vec())
    .bind(at.micros())
    .execute(&mut **work)
    .await
    .doing(KEEP)?;
    Ok(Found::rows(updated.rows_affected()))
}

/// Says that the call was sent on; the first word of it stays.
async fn forward(work: &mut Work, call: CallId, at: Timestamp) -> Result<Found, Broken> {
    let updated =
        sqlx::query("UPDATE call SET forwarded_us = COALESCE(forwarded_us, $2) WHERE call_id = $1")
            .bind(call.0.cast_signed())
            .bind(at.micros())
            .execute(&mut **work)
            .await
            .doing(KEEP)?;
    Ok(Found::rows(updated.rows_affected()))
}

/// Says how the audio of both legs was, once.
async fn hear(work: &mut Work, heard: &Heard) -> Result<Found, Broken> {
    let mut inserted = 0;
    for (side, leg) in [("station", heard.station), ("called", heard.called)] {
        let done = sqlx::query(
            "INSERT INTO leg_heard (agency_id, call_id, side, received, lost, jitter_us, sent, \
             lost_there, jitter_there_us) \
             SELECT agency_id, call_id, $2, $3, $4, $5, $6, $7, $8 FROM call WHERE call_id = $1 \
             ON CONFLICT (agency_id, call_id, side) DO NOTHING",
        )
        .bind(heard.call.0.cast_signed())
        .bind(side)
        .bind(signed(leg.received))
        .bind(signed(leg.lost))
        .bind(micros(leg.jitter))
        .bind(signed(leg.sent))
        .bind(signed(leg.lost_there))
        .bind(micros(leg.jitter_there))
        .execute(&mut **work)
        .await
        .doing(KEEP)?;
        inserted += done.rows_affected();
    }
    Ok(Found::rows(inserted))
}

/// Says why an ended call has no recording after all.
async fn never_recorded(work: &mut Work, call: CallId, reason: OffReason) -> Result<Found, Broken> {
    let updated =
        sqlx::query("UPDATE call SET off_reason = COALESCE(off_reason, $2) WHERE call_id = $1")
            .bind(call.0.cast_signed())
            .bind(reason.code())
            .execute(&mut **work)
            .await
            .doing(KEEP)?;
    Ok(Found::rows(updated.rows_affected()))
}

async fn settle(work: &mut Work, agency: AgencyId, ended: &Ended) -> Result<(), Broken> {
    let settled: Vec<Row> = sqlx::query(
        "UPDATE hold SET charged_micros = $3, rest = $4 \
         WHERE agency_id = $1 AND call_id = $2 AND charged_micros IS NULL RETURNING account_id",
    )
    .bind(agency.0)
    .bind(ended.call.0.cast_signed())
    .bind(ended.charged.micros())
    .bind(ended.rest.code())
    .fetch_all(&mut **work)
    .await
    .doing(KEEP)?;
    for row in settled {
        sqlx::query(
            "UPDATE account SET settled_micros = settled_micros + $3 \
             WHERE agency_id = $1 AND account_id = $2",
        )
        .bind(agency.0)
        .bind(row.number("account_id")?)
        .bind(ended.charged.micros())
        .execute(&mut **work)
        .await
        .doing(KEEP)?;
    }
    Ok(())
}

async fn choose(
    work: &mut Work,
    agency: AgencyId,
    number: E164,
    language: Language,
    at: Timestamp,
) -> Result<Found, Broken> {
    let number = Sealed::of(work, agency, LANGUAGE_NUMBER, number)?;
    sqlx::query(
        "INSERT INTO called_language (agency_id, number, language, at_us, number_ix) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (agency_id, number_ix) \
         DO UPDATE SET language = excluded.language, at_us = excluded.at_us",
    )
    .bind(agency.0)
    .bind(number.sealed)
    .bind(language.code())
    .bind(at.micros())
    .bind(number.index)
    .execute(&mut **work)
    .await
    .doing(KEEP)?;
    Ok(Found::Row)
}

/// Each call claims once.
async fn claim(
    work: &mut Work,
    agency: AgencyId,
    call: CallId,
    number: E164,
    at: Timestamp,
) -> Result<Found, Broken> {
    let number = Sealed::of(work, agency, CLAIM_NUMBER, number)?;
    sqlx::query(
        "INSERT INTO private_claim (agency_id, call_id, number, at_us, number_ix) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (agency_id, call_id) DO NOTHING",
    )
    .bind(agency.0)
    .bind(call.0.cast_signed())
    .bind(number.sealed)
    .bind(at.micros())
    .bind(number.index)
    .execute(&mut **work)
    .await
    .doing(KEEP)?;
    Ok(Found::Row)
}

/// The last time counts: what staff lifted before it does not hold any more.
async fn block(
    work: &mut Work,
    call: CallId,
    (agency, facility, number): (AgencyId, Option<FacilityId>, E164),
    at: Timestamp,
) -> Result<Found, Broken> {
    let number = Sealed::of(work, agency, BLOCK_NUMBER, number)?;
    sqlx::query(
        "INSERT INTO called_block (agency_id, facility_id, number, at_us, call_id, number_ix) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (agency_id, facility_id, number_ix) \
         DO UPDATE SET at_us = MAX(at_us, excluded.at_us), call_id = excluded.call_id",
    )
    .bind(agency.0)
    .bind(facility.map_or(WHOLE_AGENCY, |facility| facility.0))
    .bind(number.sealed)
    .bind(at.micros())
    .bind(call.0.cast_signed())
    .bind(number.index)
    .execute(&mut **work)
    .await
    .doing(KEEP)?;
    Ok(Found::Row)
}

async fn refuse_pin(work: &mut Work, station: StationId, at: Timestamp) -> Result<Found, Broken> {
    sqlx::query(
        "INSERT INTO pin_refusal (agency_id, station_id, at_us) VALUES \
         (COALESCE((SELECT agency_id FROM station WHERE station_id = $1), 0), $1, $2)",
    )
    .bind(station.0)
    .bind(at.micros())
    .execute(&mut **work)
    .await
    .doing(KEEP)?;
    Ok(Found::Row)
}

/// A number as it is stored.
struct Sealed {
    sealed: Vec<u8>,
    index: Vec<u8>,
}

impl Sealed {
    fn of(work: &Work, agency: AgencyId, field: Field, number: E164) -> Result<Self, Broken> {
        let keys = work.keys();
        let index = keys.number_index(agency, number)?;
        Ok(Self { sealed: keys.seal_number(agency, field, number)?, index })
    }
}

/// What is being done whenever a statement here fails.
const KEEP: &str = "follow the journal";

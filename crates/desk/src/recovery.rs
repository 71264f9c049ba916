//! What a node that died left behind: facts the store lacks, calls that never ended, recordings
//! that were cut. Everything is settled before the first new call.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    time::Duration,
};

use charging::{CapTable, Quote, tariff::LawfulRate};
use evidence::Unrecorded;
use journal::{Draft, Seq};
use model::{
    AgencyId, CallId, Money, RecordingId, Timestamp,
    fact::{EndReason, Ended, Fact, HoldFact, OffReason, RecordingEnd, RecordingState, Rest},
};
use registry::Standing;
use store::{OpenCall, Store};

use crate::{
    clerk::{self, Over},
    desk::{Broken, Desk},
    footing::{Chronicle, Recordings},
    limits::{APPEND_FACTS_MAX, PROJECT_BATCH_MAX},
    unsaid::Item,
};

/// What was found and settled at the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Octets of an append that was never finished, cut from the journal's end.
    pub journal_octets_cut: u64,
    /// Facts that the store did not have yet.
    pub facts_caught_up: u64,
    /// Calls that the node's death ended.
    pub calls: u64,
    /// Recordings that the node's death cut; everything written before is kept.
    pub recordings: u64,
    /// Charged for those calls, up to the last mark in the journal.
    pub charged: Money,
    /// Number of the last entry for the log that earlier runs left.
    pub entries: u64,
}

/// Writes the facts that the store lacks into it.
pub(crate) fn catch_up(store: &Store, journal: &dyn Chronicle, last: Seq) -> Result<u64, Broken> {
    let after = store.projected()?;
    if last.0 < after {
        return Err(Broken::JournalLost { journal: last.0, store: after });
    }
    let mut batch = Vec::new();
    let (mut count, mut projected) = (0_u64, Ok(()));
    journal.replay(Seq(after), &mut |seq, fact| {
        batch.push((seq.0, fact));
        count += 1;
        if batch.len() >= PROJECT_BATCH_MAX {
            projected = store.project(&batch);
            batch.clear();
        }
        if projected.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    projected?;
    store.project(&batch)?;
    Ok(count)
}

/// Ends every call that was admitted and never ended, and books every recording that was cut.
pub(crate) fn settle_open_calls(desk: &Desk, vault: &impl Recordings) -> Result<Recovered, Broken> {
    let now = desk.inner().clock.now();
    let mut recovered = Recovered::default();
    let mut items = Vec::new();
    let recordings: BTreeMap<RecordingId, RecordingEnd> = vault.recover().into_iter().collect();
    let mut done: BTreeSet<CallId> = recordings.keys().map(|id| CallId(id.0)).collect();
    for (recording, end) in &recordings {
        recovered.recordings += u64::from(end.state == RecordingState::Cut);
        items.push(closed(desk, None, CallId(recording.0), end.clone(), now));
    }
    for open in desk.inner().store.open_calls()? {
        let call = open.admitted.call;
        done.insert(call);
        let mut missing = None;
        let mut recorded = open.recording_closed || recordings.contains_key(&call.recording());
        match file_of(&open, &recordings, vault)? {
            File::Unbooked(end) => {
                recorded = true;
                items.push(closed(desk, Some(open.admitted.agency), call, end, now));
            }
            File::Missing => missing = Some(why_missing(desk, &open, now)),
            File::NotMine => {}
        }
        let off = open.recording.and_then(Result::err).or(missing);
        let ended = end_of(&open, off, now, &desk.inner().caps);
        recovered.calls += 1;
        recovered.charged =
            recovered.charged.checked_add(ended.charged).unwrap_or(recovered.charged);
        let fact = Fact::Ended(Box::new(ended));
        let draft = if recorded { None } else { not_recorded(desk, &open, &fact, off, now) };
        items.push(Item { fact, draft });
    }
    items.extend(unbooked_of_the_ended(desk, vault, &done)?);
    // In pieces, since one append has a limit: each end stands alone, and a node that dies in
    // between finds the others open again.
    for piece in items.chunks(APPEND_FACTS_MAX) {
        let facts = piece.iter().map(|item| item.fact.clone()).collect();
        let drafts = piece.iter().filter_map(|item| item.draft.clone()).collect();
        desk.inner().journal.append_entries_wait(facts, drafts)?;
    }
    desk.flush()?;
    Ok(recovered)
}

/// Recordings of calls whose end was written down before the node died, and theirs was not.
fn unbooked_of_the_ended(
    desk: &Desk,
    vault: &impl Recordings,
    done: &BTreeSet<CallId>,
) -> Result<Vec<Item>, Broken> {
    let at = desk.inner().clock.now();
    let mut items = Vec::new();
    for (agency, id) in desk.inner().store.unbooked_recordings()? {
        let call = CallId(id.0);
        if done.contains(&call) {
            continue;
        }
        items.push(match vault.end_of(agency, id)? {
            Some(recording) => closed(desk, Some(agency), call, recording, at),
            None => never_recorded(desk, agency, call, at),
        });
    }
    Ok(items)
}

/// A recording that is closed, with its entry.
fn closed(
    desk: &Desk,
    agency: Option<AgencyId>,
    call: CallId,
    recording: RecordingEnd,
    at: Timestamp,
) -> Item {
    let draft = desk.inner().clerk.closed(agency, call, &recording, at);
    Item { fact: Fact::RecordingClosed { call, recording, at }, draft }
}

/// A call that ended in order, and whose recording was never begun: the node died before it knew.
fn never_recorded(desk: &Desk, agency: AgencyId, call: CallId, at: Timestamp) -> Item {
    let fact = Fact::NeverRecorded { call, reason: OffReason::Disk, at };
    let why = Unrecorded::NeverBegun;
    let over = Over { fact: &fact, agency, call, why, talked: Duration::ZERO, start: at, at };
    let draft = desk.inner().clerk.not_recorded(&over, None);
    Item { fact, draft }
}

/// The entry of a call that is over without a recording.
fn not_recorded(
    desk: &Desk,
    open: &OpenCall,
    fact: &Fact,
    off: Option<OffReason>,
    at: Timestamp,
) -> Option<Draft> {
    let admitted = &open.admitted;
    let over = Over {
        fact,
        agency: admitted.agency,
        call: admitted.call,
        why: clerk::unrecorded(admitted, off, open.accepted.is_some() || !open.talked.is_zero()),
        talked: open.talked,
        start: open.answered.unwrap_or(admitted.at),
        at,
    };
    let counsel = desk.counsel(&desk.book(), admitted);
    desk.inner().clerk.not_recorded(&over, counsel.as_ref())
}

/// What became of the recording of a call that nobody saw end.
enum File {
    /// It was closed and its call was not told: the node died in between.
    Unbooked(RecordingEnd),
    /// It was to begin, and there is no file.
    Missing,
    /// There was none to be, or it is booked.
    NotMine,
}

fn file_of(
    open: &OpenCall,
    recovered: &BTreeMap<RecordingId, RecordingEnd>,
    vault: &impl Recordings,
) -> Result<File, Broken> {
    let recording = open.admitted.call.recording();
    let started = matches!(open.recording, Some(Ok(_)));
    if !started || open.recording_closed || recovered.contains_key(&recording) {
        return Ok(File::NotMine);
    }
    let end = vault.end_of(open.admitted.agency, recording)?;
    Ok(end.map_or(File::Missing, File::Unbooked))
}

/// The vault refused to begin, which only the dead node knew, or never got to it, or the disk lost
/// the file. A record must not look as if somewhere there were a recording of counsel.
fn why_missing(desk: &Desk, open: &OpenCall, now: Timestamp) -> OffReason {
    match desk.book().registry.ask(*open.admitted.number.expose(), now) {
        Standing::Protected { .. } => OffReason::Protected,
        Standing::Ordinary { .. } | Standing::Unusable(_) => OffReason::Disk,
    }
}

/// How a call ended that nobody saw end: charged up to its last mark, never beyond.
fn end_of(open: &OpenCall, off: Option<OffReason>, now: Timestamp, caps: &CapTable) -> Ended {
    let (charged, rest) = match &open.admitted.hold {
        None => (Money::ZERO, Rest::NoHold),
        Some(hold) => {
            let expired = now >= hold.expires;
            let rest = if expired { Rest::Expired } else { Rest::Released };
            (charge_of(hold, open, caps), rest)
        }
    };
    Ended {
        call: open.admitted.call,
        at: now,
        reason: EndReason::NodeDied,
        talked: open.talked,
        charged,
        rest,
        decision_key: open.accepted_key,
        off,
    }
}

/// The rate is proved again: a proof is never read back from disk. What cannot be proved is not
/// charged.
fn charge_of(hold: &HoldFact, open: &OpenCall, caps: &CapTable) -> Money {
    match LawfulRate::prove_again(&hold.rate, caps) {
        Ok(rate) => Quote::new(rate).price(open.talked).min(hold.amount),
        Err(unlawful) => {
            tracing::error!(call = open.admitted.call.0, %unlawful, "a call found after a crash is not charged");
            Money::ZERO
        }
    }
}

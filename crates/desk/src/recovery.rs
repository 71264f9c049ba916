//! What a node that died left behind: facts the store lacks, calls that never ended, recordings
//! that were cut. Everything is settled before the first new call.

use std::{collections::BTreeMap, ops::ControlFlow, path::Path};

use charging::{CapTable, Quote, tariff::LawfulRate};
use journal::Seq;
use model::{
    CallId, Money, RecordingId, Timestamp,
    fact::{EndReason, Ended, Fact, HoldFact, RecordingEnd, RecordingState, Rest},
};
use store::{OpenCall, Store};
use vault::Vault;

use crate::{
    desk::{Broken, Desk},
    limits::PROJECT_BATCH_MAX,
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
}

/// Writes the facts that the store lacks into it.
pub(crate) fn catch_up(store: &Store, journal: &Path, last: Seq) -> Result<u64, Broken> {
    let after = store.projected()?;
    if last.0 < after {
        return Err(Broken::JournalLost { journal: last.0, store: after });
    }
    let mut batch = Vec::new();
    let (mut count, mut projected) = (0_u64, Ok(()));
    journal::replay(journal, Seq(after), |seq, fact| {
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
pub(crate) fn settle_open_calls(desk: &Desk, vault: &Vault) -> Result<Recovered, Broken> {
    let now = desk.inner().clock.now();
    let mut recovered = Recovered::default();
    let mut facts = Vec::new();
    let recordings: BTreeMap<RecordingId, RecordingEnd> = vault.recover().into_iter().collect();
    for (recording, end) in &recordings {
        recovered.recordings += u64::from(end.state == RecordingState::Cut);
        let call = CallId(recording.0);
        facts.push(Fact::RecordingClosed { call, recording: end.clone(), at: now });
    }
    for open in desk.inner().store.open_calls()? {
        if let Some(end) = unbooked(&open, &recordings, vault)? {
            let call = open.admitted.call;
            facts.push(Fact::RecordingClosed { call, recording: end, at: now });
        }
        let ended = end_of(&open, now, &desk.inner().caps);
        recovered.calls += 1;
        recovered.charged =
            recovered.charged.checked_add(ended.charged).unwrap_or(recovered.charged);
        facts.push(Fact::Ended(Box::new(ended)));
    }
    if !facts.is_empty() {
        desk.inner().journal.append_wait(facts)?;
        desk.flush();
    }
    Ok(recovered)
}

/// A recording that was closed without its call being told: the node died in between.
fn unbooked(
    open: &OpenCall,
    recovered: &BTreeMap<RecordingId, RecordingEnd>,
    vault: &Vault,
) -> Result<Option<RecordingEnd>, Broken> {
    let recording = open.admitted.call.recording();
    let started = matches!(open.recording, Some(Ok(_)));
    if !started || open.recording_closed || recovered.contains_key(&recording) {
        return Ok(None);
    }
    Ok(vault.end_of(open.admitted.agency, recording)?)
}

/// How a call ended that nobody saw end: charged up to its last mark, never beyond.
fn end_of(open: &OpenCall, now: Timestamp, caps: &CapTable) -> Ended {
    let (charged, rest) = match &open.admitted.hold {
        None => (Money::ZERO, Rest::NoHold),
        Some(hold) => {
            let expired = now > hold.expires;
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
        off: open.recording.and_then(Result::err),
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

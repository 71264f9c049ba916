//! Filling the database from the journal, with the keys of what was given away.

use std::{io::IsTerminal as _, ops::ControlFlow};

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use journal::{GivenKeys, Seq, replay_given};
use model::Clock;
use store::{Spoken, Store, StoreError};

use crate::data::Data;

/// What was filled in.
pub(super) struct Filled {
    /// Facts that the database has now and had not.
    pub(super) facts: u64,
    /// People of whom some of them speak and whom it did not know.
    pub(super) strangers: u64,
}

/// Reads all that the database lacks, and only when all of it is whole writes it there; durable
/// when it returns.
pub(super) fn fill(data: &Data, store: &Store, keys: &GivenKeys, clock: &Clock) -> Result<Filled> {
    let (journal, key, after) = (data.journal(), data.journal_key()?, Seq(store.projected()?));
    let wanted = journal::extent(&journal)?.last.0.saturating_sub(after.0);
    let (mut spoken, mut facts, mut last) = (Spoken::default(), 0_u64, after);
    let reading = bar("facts read", wanted);
    replay_given(&journal, &key, keys, after, |seq, fact| {
        spoken.note(&fact);
        (facts, last) = (facts + 1, seq);
        reading.inc(1);
        ControlFlow::Continue(())
    })
    .context("the journal does not open with these keys, and nothing was changed")?;
    reading.finish_and_clear();
    let strangers = store.take_in(&spoken, clock.now())?;
    let writing = bar("facts written", facts);
    let (mut batch, mut outcome) = (Vec::new(), Ok(()));
    replay_given(&journal, &key, keys, after, |seq, fact| {
        batch.push((seq.0, fact));
        if batch.len() >= BATCH_FACTS_MAX {
            outcome = write(store, &mut batch, &writing);
        }
        if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    outcome.and_then(|()| write(store, &mut batch, &writing))?;
    writing.finish_and_clear();
    let there = store.projected_for_good()?;
    ensure!(there == last.0, "the database ends with fact {there}, and not with fact {}", last.0);
    Ok(Filled { facts, strangers })
}

fn write(
    store: &Store,
    batch: &mut Vec<(u64, model::fact::Fact)>,
    bar: &ProgressBar,
) -> Result<(), StoreError> {
    store.project(batch)?;
    bar.inc(batch.len() as u64);
    batch.clear();
    Ok(())
}

/// A bar that counts `what`, where somebody looks.
pub(super) fn bar(what: &'static str, count: u64) -> ProgressBar {
    let bar = if std::io::stderr().is_terminal() {
        ProgressBar::new(count)
    } else {
        ProgressBar::hidden()
    };
    match ProgressStyle::with_template("{wide_bar} {pos} of {len} {msg}, {eta} left") {
        Ok(style) => bar.with_style(style).with_message(what),
        Err(_) => bar,
    }
}

/// Facts that are written in one transaction.
const BATCH_FACTS_MAX: usize = 1_000;

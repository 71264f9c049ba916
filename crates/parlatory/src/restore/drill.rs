//! `parlatory restore --drill`: whether a backup can be relied on, found out before it is needed.
//!
//! The log signs nothing in a drill, also not for a moment: what a drill writes would be another
//! history of it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use evidence::AuditKey;
use serde_json::json;

use super::{Backup, Growth, restore};
use crate::{
    audit::{Verdict, audit},
    cli::RestoreArgs,
    clock::clock,
    config::Config,
    data::{Data, create_folder},
    node::{read_key, try_start},
    print::line,
};

/// Restores into a folder that vanishes, and fails when anything is not as it must be.
pub(super) fn run(backup: &Backup, args: &RestoreArgs) -> Result<()> {
    let clock = clock();
    let began = clock.now();
    let parent = args.scratch.clone().unwrap_or_else(std::env::temp_dir);
    let scratch = Scratch::make(&parent, began.micros())?;
    let data = Data::at(scratch.0.join("data"));
    let restored = restore(backup, &data, args)?;
    let copied = clock.now();
    Config::read(&data.config()).context("the settings cannot be read")?;
    let found = try_start(&data, &clock).context("a node would not start on this backup")?;
    let key = AuditKey::new(read_key(&data.evidence_key("audit"))?);
    let verdict = Verdict { found: audit(&data, key)?, reconciled: None, strangers: Vec::new() };
    let ended = clock.now();
    let growth = restored.log.as_ref().map(|(_, growth)| *growth);
    let seconds = |time: std::time::Duration| time.as_secs_f64();
    let (copy_s, all_s) = (seconds(copied.since(began)), seconds(ended.since(began)));
    if args.json {
        line(&serde_json::to_string_pretty(&json!({
            "made": backup.manifest.made,
            "octets": restored.octets,
            "recordings": restored.recordings,
            "erased_left_out": restored.erased,
            "removed_names_left_out": restored.names_removed,
            "log_entries": restored.log.as_ref().map(|(log, _)| log.entries),
            "calls_settled": found.calls,
            "recordings_booked": found.recordings,
            "copy_s": copy_s,
            "all_s": all_s,
            "found": verdict.sentences(),
        }))?);
    } else {
        line(&format!(
            "Restored the backup of {} into a folder that is gone again.",
            backup.manifest.made
        ));
        line(&format!(
            "  recordings  {} with their hashes; {} erased ones left out",
            restored.recordings, restored.erased
        ));
        match &restored.log {
            Some((log, _)) => line(&format!(
                "  log         {} entries, all of them what its key has signed",
                log.entries
            )),
            None => line("  log         none yet"),
        }
        line(&format!(
            "  start       a node starts on it; it would settle {} calls and book {} recordings that were \
             running",
            found.calls, found.recordings
        ));
        for sentence in verdict.sentences() {
            line(&format!("  AUDIT       {sentence}"));
        }
        line(&format!("  time        {all_s:.1} s, {copy_s:.1} s of them for copying"));
        line(growth_said(growth));
    }
    refuse(&verdict, growth)
}

fn growth_said(growth: Option<Growth>) -> &'static str {
    match growth {
        None => "  fork        nothing to fork",
        Some(Growth::GoesOn { .. }) => {
            "  fork        the log would go on: nobody who was asked saw more of it"
        }
        Some(Growth::NotShown) => {
            "  fork        not asked: give checkpoints of others with --since"
        }
        Some(Growth::Lost { .. }) => {
            "  fork        others have seen more: the log would sign nothing"
        }
        Some(Growth::Forked { .. }) => "  FORK        others have seen another history",
    }
}

/// A drill that lost entries since the backup is no failure of the backup; a fork is.
fn refuse(verdict: &Verdict, growth: Option<Growth>) -> Result<()> {
    if let Some(Growth::Forked { size }) = growth {
        bail!("the first {size} entries were seen elsewhere, and they are others");
    }
    match verdict.count() {
        0 => Ok(()),
        count => bail!("the audit of the restored data found {count} things that must not be"),
    }
}

/// A folder that is removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn make(parent: &Path, number: i64) -> Result<Self> {
        let path = parent.join(format!("parlatory-drill-{}-{number}", std::process::id()));
        create_folder(&path).with_context(|| format!("cannot make `{}`", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "remove this folder yourself");
        }
    }
}

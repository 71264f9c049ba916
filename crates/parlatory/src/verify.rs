//! `parlatory verify`: check a published log with nothing but its key.

use std::io::IsTerminal;

use ::verify::{Refusal, Request, Verdict};
use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::{cli::VerifyArgs, print::line};

/// Reads the whole log and says what it found.
pub(crate) fn run(args: &VerifyArgs) -> Result<()> {
    let request = Request {
        log: args.log.clone(),
        key: args.key.clone(),
        since: args.since.clone(),
        witnesses: args.witness.clone(),
        quorum: args.quorum,
    };
    let bar =
        if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    let style = "{wide_bar} {human_pos} of {human_len} entries, {eta} left";
    bar.set_style(ProgressStyle::with_template(style)?);
    let checked = request.check(&mut |done, of| {
        if done.is_multiple_of(PROGRESS_ENTRIES) {
            bar.set_length(of);
            bar.set_position(done);
        }
    });
    bar.finish_and_clear();
    if args.json {
        line(&serde_json::to_string_pretty(&as_json(&checked))?);
    }
    match checked {
        Ok(verdict) if !args.json => {
            for sentence in sentences(&verdict, args.since.is_some()) {
                line(&sentence);
            }
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(refusal) => bail!("{}", refused(&refusal)),
    }
}

fn sentences(verdict: &Verdict, since_given: bool) -> Vec<String> {
    let Verdict { checkpoint, audited, since } = verdict;
    let mut said = vec![
        format!("The log `{}` is whole: it is what its key has signed.", checkpoint.origin()),
        format!(
            "  read        every one of {} entries, {} bundles and {} tiles",
            audited.entries, audited.bundles, audited.tiles
        ),
        format!("  root        {}", checkpoint.root()),
    ];
    match since {
        Some(size) => said.push(format!("  since       it begins with the {size} entries it had then")),
        None if since_given => {}
        None => said.push(
            "  since       not asked: keep this log's `checkpoint` and give it to --since next time, so \
             that nothing can be taken back"
                .to_owned(),
        ),
    }
    for witness in checkpoint.witnessed() {
        let seen = i64::try_from(witness.time_s).ok();
        let seen = seen.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        let seen = seen.map_or_else(|| witness.time_s.to_string(), |time| time.to_string());
        said.push(format!("  witness     {} saw it at {seen}", witness.name));
    }
    if checkpoint.witnessed().is_empty() {
        said.push(
            "  witness     none asked: a log alone can show different histories to different people"
                .to_owned(),
        );
    }
    said
}

fn refused(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Source(_) | Refusal::Key(_) | Refusal::Policy(_) | Refusal::Since { .. } => {
            format!("the log was not checked: {refusal}")
        }
        Refusal::Checkpoint(_) | Refusal::Fault(_) => match refusal.entry() {
            Some(entry) => format!(
                "the log is NOT what its key has signed; the first bad entry is {entry}: {refusal}"
            ),
            None => format!("the log is NOT what its key has signed: {refusal}"),
        },
    }
}

fn as_json(checked: &Result<Verdict, Refusal>) -> serde_json::Value {
    match checked {
        Ok(Verdict { checkpoint, audited, since }) => {
            let witnesses = checkpoint.witnessed().iter();
            let witnesses: Vec<_> = witnesses
                .map(|witness| json!({ "name": witness.name, "time_s": witness.time_s }))
                .collect();
            json!({
                "whole": true,
                "origin": checkpoint.origin(),
                "entries": audited.entries,
                "bundles": audited.bundles,
                "tiles": audited.tiles,
                "root": checkpoint.root().to_string(),
                "since": since,
                "witnesses": witnesses,
            })
        }
        Err(refusal) => json!({
            "whole": false,
            "fault": refusal.to_string(),
            "first_bad_entry": refusal.entry(),
        }),
    }
}

/// How often the progress is shown.
const PROGRESS_ENTRIES: u64 = 4_096;

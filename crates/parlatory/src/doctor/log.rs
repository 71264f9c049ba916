//! What `doctor` sees of the log, without opening it: a node may be writing it.

use std::{
    fs,
    time::{Duration, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use journal::{EntrySeq, log::Standing};
use model::Timestamp;
use tlog::{Checkpoint, Policy, Verifier};

use super::Findings;
use crate::{audit::read_verifier, config::Config, data::Data, logbook::NODE};

impl Findings {
    /// What is published, what waits, and where the key for others is.
    pub(super) fn log(&mut self, data: &Data, config: Option<&Config>, now: Timestamp) {
        match read_verifier(&data.log_verifier()) {
            Err(error) => self.problem("log", format!("{error:#}")),
            Ok(verifier) => {
                let path = data.log_verifier();
                self.ok("log", format!("others verify it with the key `{}`", path.display()));
                if let Err(error) = self.entries(data, &verifier, config, now) {
                    self.problem("log", format!("{error:#}"));
                }
            }
        }
        if journal::log::is_withheld(&data.log_private()) {
            self.problem(
                "log",
                "it was put back from a backup and signs nothing, so that nothing is recorded: show it the newest \
                 checkpoint with `parlatory restore --data DIR --since CHECKPOINT`",
            );
        }
        let inside = data.log_public().join("log.vkey");
        if inside.exists() {
            self.problem(
                "log",
                format!(
                    "the key `{}` lies in the log that it is to check: whoever changes the one changes the \
                     other; hand it out another way, and remove it there",
                    inside.display()
                ),
            );
        }
    }

    fn entries(
        &mut self,
        data: &Data,
        verifier: &Verifier,
        config: Option<&Config>,
        now: Timestamp,
    ) -> Result<()> {
        let published = read_published(data, verifier)?;
        let private = data.log_private();
        let look = || -> Result<Standing> {
            if !private.is_dir() {
                return Ok(Standing::default());
            }
            let standing = journal::log::look(&private);
            Ok(standing.context("the log's own files cannot be read")?.unwrap_or_default())
        };
        let waiting = waiting(data, &look)?;
        let standing = look()?;
        let (size, age) = published.map_or((0, None), |(size, at)| (size, Some(at)));
        let unpublished = standing.size.saturating_sub(size);
        match age.map(|at| now.since(at)) {
            None => self.ok("log", "nothing is published yet"),
            Some(age) => {
                let age_s = age.as_secs();
                self.ok("log", format!("published: {size} entries, {age_s} s ago"));
                let every = config.map_or(Duration::MAX, |config| config.log.every());
                if unpublished > 0 && age > every.saturating_mul(INTERVALS_MAX) {
                    self.know(
                        "log",
                        format!(
                            "nothing was published for {age_s} s, although something waits: start the node, or \
                             see what it says"
                        ),
                    );
                }
            }
        }
        if unpublished > 0 {
            self.ok("log", format!("{unpublished} entries wait for the next publication"));
        }
        if waiting == 0 {
            self.ok("log", "its writer has taken over all entries of the node");
        } else {
            self.know(
                "log",
                format!(
                    "its writer is behind: {waiting} entries wait in the journal, and nothing is recorded until \
                     it has them"
                ),
            );
        }
        Ok(())
    }
}

/// Entries of the published log, and when its checkpoint was put there.
fn read_published(data: &Data, verifier: &Verifier) -> Result<Option<(u64, Timestamp)>> {
    let path = data.log_public().join("checkpoint");
    if !path.exists() {
        return Ok(None);
    }
    let unreadable = || format!("cannot read `{}`", path.display());
    let octets = fs::read(&path).with_context(unreadable)?;
    let checkpoint = Checkpoint::read(&octets, verifier, &Policy::LOG_ALONE)
        .context("the checkpoint of the log is not signed by its key")?;
    let changed =
        fs::metadata(&path).and_then(|found| found.modified()).with_context(unreadable)?;
    let since = changed.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Some((checkpoint.size(), Timestamp::default().after(since))))
}

/// How many entries the journal has that the log has not.
fn waiting(data: &Data, look: &dyn Fn() -> Result<Standing>) -> Result<u64> {
    let carried = |standing: &Standing| standing.nodes.get(&NODE).copied().unwrap_or_default();
    let EntrySeq(before) = carried(&look()?);
    if !data.journal().is_dir() {
        return Ok(0);
    }
    let EntrySeq(last) =
        journal::extent(&data.journal()).context("the end of the journal cannot be read")?.entry;
    if last <= before {
        return Ok(0);
    }
    // A node that runs may have carried them meanwhile.
    let EntrySeq(carried) = carried(&look()?);
    Ok(last.saturating_sub(carried))
}

/// How many intervals may go by before it is said that nothing was published.
const INTERVALS_MAX: u32 = 2;

//! Which entries of the log say that there is no recording of a call: what counsel is shown beside
//! their calls, and takes away with the proofs.

use super::{Answer, Found, NotDisclosed, Records};
use crate::Proved;
use ::export::Entry;
use evidence::{Statement, leaf};
use journal::{
    LEAF_OCTETS,
    log::{LogEntry, LogError, replay_log, segments},
};
use model::{CallId, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    path::Path,
    time::Duration,
};
use store::{
    Outcome, RecordingRow,
    records::{Own, Record},
};
use tlog::ProofFile;

/// Where entries stand in the log, and as they were written.
type Written = BTreeMap<CallId, (u64, [u8; LEAF_OCTETS])>;

impl Records {
    /// Says beside each call that is shown to counsel which entry has it that there is no
    /// recording. It is looked up once the page is entered and released.
    pub(super) fn with_entries(
        &self,
        answer: Answer<Found>,
        own: Option<&Own>,
    ) -> Result<Answer<Found>, NotDisclosed> {
        match (answer, own) {
            (Answer::Shown(mut shown), Some(Own::Counsel(_))) => {
                let written = self.unrecorded(&shown.what.rows)?.into_iter();
                shown.what.unrecorded = written.map(|(call, (index, _))| (call, index)).collect();
                Ok(Answer::Shown(shown))
            }
            (answer, _) => Ok(answer),
        }
    }

    /// The entries that say of these calls that there is no recording, with their proofs, for a
    /// package of counsel's.
    pub(super) fn entries_of(
        &self,
        rows: &[Record],
        own: Option<&Own>,
    ) -> Result<Vec<Entry>, NotDisclosed> {
        let Some(Own::Counsel(_)) = own else { return Ok(Vec::new()) };
        let mut entries = Vec::new();
        for (call, (index, leaf)) in self.unrecorded(rows)? {
            let proved = self.0.register.proved((index, &leaf), self.now())?;
            let Proved { leaf, inclusion, checkpoint } = proved;
            entries.push(Entry {
                what: format!("no recording of call {:016x}", call.0),
                index,
                leaf: leaf.to_vec(),
                // As with recordings: the auditor reads the entry itself, and so does counsel, with
                // their secret.
                opening: Vec::new(),
                proof: ProofFile::of(inclusion, checkpoint),
            });
        }
        Ok(entries)
    }

    fn unrecorded(&self, rows: &[Record]) -> Result<Written, NotDisclosed> {
        let over = rows.iter().filter(|record| is_over(record));
        let calls: BTreeSet<CallId> = over.clone().map(|record| record.row.call).collect();
        let Some(earliest) = over.map(|record| record.row.at).min() else {
            return Ok(Written::new());
        };
        let private = &self.0.log_private;
        let from = self.first_since(private, earliest).map_err(crate::NotHeard::from)?;
        let mut written = Written::new();
        let each = |entry: LogEntry| {
            let read = leaf::read(&entry.leaf, self.0.register.audit_key());
            if let Ok(Statement::NotRecorded { call, .. }) = read.map(|read| read.said.what)
                && calls.contains(&call)
            {
                written.insert(call, (entry.index, entry.leaf));
            }
            if written.len() == calls.len() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        replay_log(private, from, each).map_err(crate::NotHeard::from)?;
        Ok(written)
    }

    /// A place in the log before which nothing is said of a call that was admitted at `at`: the
    /// begin of the last of its files that began before then.
    fn first_since(&self, private: &Path, at: Timestamp) -> Result<u64, LogError> {
        let files = segments(private)?;
        let (mut low, mut high) = (0, files.len());
        while low < high {
            let middle = low.midpoint(high);
            let Some(file) = files.get(middle) else { break };
            if self.began_before(private, file.start, at)? {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(files.get(low.saturating_sub(1)).map_or(0, |file| file.start))
    }

    fn began_before(&self, private: &Path, first: u64, at: Timestamp) -> Result<bool, LogError> {
        let mut before = false;
        replay_log(private, first, |entry| {
            let read = leaf::read(&entry.leaf, self.0.register.audit_key());
            before = read.is_ok_and(|read| read.said.at.after(SLACK) < at);
            ControlFlow::Break(())
        })?;
        Ok(before)
    }
}

/// Whether an entry can say that there is no recording: the call is over, and has none.
fn is_over(record: &Record) -> bool {
    let ended = matches!(record.row.outcome, Outcome::Ended { .. });
    match record.row.recording {
        RecordingRow::NoTalk | RecordingRow::Off(_) => ended,
        RecordingRow::Open | RecordingRow::Recorded { .. } => false,
    }
}

/// How far the times of entries that stand beside each other may be apart.
const SLACK: Duration = Duration::from_hours(1);

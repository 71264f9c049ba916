//! `parlatory audit`: every entry of a data folder's log, and every recording, against each other.

use std::{
    collections::BTreeMap,
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use evidence::{
    AuditKey, Auditor, Object, Report, StoredName,
    carrier::{self, Carried, Reconciled},
    leaf,
};
use journal::EntrySeq;
use model::{Timestamp, TrunkId};
use serde_json::json;
use tlog::{Checkpoint, Directory, Policy, Unreadable, Verifier};

use crate::{cli::AuditArgs, data::Data, logbook::NODE, node::read_key, print::line};

/// Audits, and fails when anything is found.
pub(crate) fn run(args: &AuditArgs) -> Result<()> {
    let data = Data::existing(&args.data.data)?;
    let key = match &args.audit_key {
        Some(path) => read_key(path)?,
        None => read_key(&data.evidence_key("audit"))?,
    };
    let found = audit(&data, AuditKey::new(key))?;
    let reconciled = match &args.carrier {
        Some(path) => Some(carrier::reconcile(&found.report.dialled, &read_carrier(path)?)),
        None => None,
    };
    let strangers = match &args.build_hash {
        Some(path) => strange_programs(&found.report, &read_hash(path)?),
        None => Vec::new(),
    };
    let verdict = Verdict { found, reconciled, strangers };
    if args.json {
        line(&serde_json::to_string_pretty(&verdict.json())?);
    } else {
        verdict.print();
    }
    match verdict.count() {
        0 => Ok(()),
        count => bail!("the audit found {count} things that must not be"),
    }
}

/// What an audit of a data folder found.
pub(crate) struct Findings {
    pub(crate) report: Report,
    /// Entries that are published.
    pub(crate) published: u64,
    /// Files among the recordings whose names are no recordings'.
    pub(crate) unknown: Vec<PathBuf>,
    /// Entries whose details are erased; none where only the published log is there.
    pub(crate) erased: u64,
    /// Some of these of which no entry says so, by their places.
    pub(crate) taken_away: Vec<u64>,
}

/// Reads the published log up to its signed root, then what waits for publication in the log, then
/// what waits in the journal, and all recordings.
pub(crate) fn audit(data: &Data, key: AuditKey) -> Result<Findings> {
    // First, so that what a running node closes meanwhile is not taken for too much.
    let stored = vault::stored(&data.recordings())?;
    // What is erased while this reads on has its entry in what is read.
    let erased = Erased::read(data)?;
    let mut auditor = Auditor::new(key.clone());
    let mut last: BTreeMap<u32, u64> = BTreeMap::new();
    let mut take = |index: u64, leaf: &[u8]| {
        auditor.read(index, leaf);
        let head = leaf.first_chunk().and_then(journal::leaf_head);
        if let Some((node, seq)) = head {
            last.insert(node, seq.0);
        }
    };
    let published = read_published(data, &mut |index, leaf| {
        // What is no leaf, the auditor says.
        let unmasked = leaf.try_into().map(|leaf| leaf::masked(leaf, &key));
        take(index, unmasked.as_ref().map_or(leaf, <[u8; journal::LEAF_OCTETS]>::as_slice));
    })?;
    let mut next = published;
    if data.log_private().is_dir() {
        journal::log::replay_log(&data.log_private(), published, |entry| {
            take(entry.index, &entry.leaf);
            next = entry.index.saturating_add(1);
            ControlFlow::Continue(())
        })
        .context("the part of the log that is not published yet cannot be read")?;
    }
    let carried = EntrySeq(last.get(&NODE).copied().unwrap_or_default());
    waiting(data, carried, &mut |leaf| {
        auditor.read(next, leaf);
        next = next.saturating_add(1);
    })?;
    let names = vault::name_files(&data.names())?;
    auditor
        .stored_names(names.iter().map(|it| StoredName { sha256: it.sha256, placed: it.placed }));
    let (known, unknown): (Vec<_>, Vec<_>) =
        stored.into_iter().partition(|it| it.recording.is_some());
    let objects =
        known.iter().filter_map(|it| Some(Object { recording: it.recording?, sha256: it.sha256 }));
    let report = auditor.finish(objects);
    let unknown = unknown.into_iter().map(|it| it.path).collect();
    let (erased, taken_away) = erased.judge(&report);
    Ok(Findings { report, published, unknown, erased, taken_away })
}

/// Entries of which the details are erased, a bit for each. Nobody but the node has details, so
/// that a copy of the published log alone says nothing about them.
struct Erased(Vec<u8>);

impl Erased {
    fn read(data: &Data) -> Result<Self> {
        let mut bits = Vec::new();
        if data.log_private().is_dir() {
            journal::log::replay_log(&data.log_private(), 0, |entry| {
                let at = usize::try_from(entry.index / 8).unwrap_or(usize::MAX);
                if bits.len() <= at {
                    bits.push(0);
                }
                if let Some(octet) = bits.get_mut(at) {
                    *octet |= u8::from(entry.erased) << (entry.index % 8);
                }
                ControlFlow::Continue(())
            })
            .context("the details of entries cannot be read")?;
        }
        Ok(Self(bits))
    }

    fn places(&self) -> impl Iterator<Item = u64> {
        let octets = (0_u64..).step_by(8).zip(&self.0);
        octets.flat_map(|(first, octet)| {
            (first..first + 8).filter(move |at| octet >> (at % 8) & 1 == 1)
        })
    }

    /// How many there are, and the places of some of which no entry says so.
    fn judge(&self, report: &Report) -> (u64, Vec<u64>) {
        let mut said = report.erased.clone();
        said.sort_unstable();
        let (mut said, mut until) = (said.into_iter().peekable(), None);
        let unsaid = self.places().filter(|at| {
            while let Some((_, last)) = said.next_if(|(first, _)| first <= at) {
                until = until.max(Some(last));
            }
            until.is_none_or(|until| until < *at)
        });
        let unsaid = unsaid.take(TAKEN_AWAY_MAX).collect();
        (self.places().count() as u64, unsaid)
    }
}

/// Gives the leaves that wait in the journal behind entry `carried` to `take`. An auditor has no
/// key of the journal and needs none where nothing waits, as after a node has stopped.
fn waiting(data: &Data, carried: EntrySeq, take: &mut dyn FnMut(&[u8])) -> Result<()> {
    let unreadable = "the entries that wait in the journal cannot be read";
    let journal = data.journal();
    if !data.store_key().exists() {
        let waiting = journal::extent(&journal).context(unreadable)?.entry.0;
        return match waiting.saturating_sub(carried.0) {
            0 => Ok(()),
            count => bail!(
                "{count} entries wait in the journal, and `{}`, which opens it, is not there: start the node \
                 once, so that the log takes them over, and audit a copy of that",
                data.store_key().display()
            ),
        };
    }
    journal::replay_entries(&journal, &data.journal_key()?, carried, |entry| {
        take(&entry.draft.leaf);
        ControlFlow::Continue(())
    })
    .context(unreadable)
}

/// Reads the published log, whole and up to its root; 0 when nothing was published yet.
fn read_published(data: &Data, take: &mut dyn FnMut(u64, &[u8])) -> Result<u64> {
    let folder = Folder(data.log_public());
    let verifier = read_verifier(&data.log_verifier())?;
    read_log(&folder, &verifier, take)
}

/// Reads the log in a folder, whole and up to its signed root.
pub(crate) fn read_log(
    folder: &Folder,
    verifier: &Verifier,
    take: &mut dyn FnMut(u64, &[u8]),
) -> Result<u64> {
    let Some(octets) = folder.read("checkpoint")? else { return Ok(0) };
    let checkpoint = Checkpoint::read(&octets, verifier, &Policy::LOG_ALONE)
        .context("the checkpoint of the log is not signed by its key")?;
    let audited = tlog::audit(folder, &checkpoint, None, take)
        .context("the published log is not the one that was signed")?;
    Ok(audited.entries)
}

/// Reads a verifier key.
pub(crate) fn read_verifier(path: &Path) -> Result<Verifier> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read the verifier key `{}`", path.display()))?;
    Verifier::parse(text.trim()).with_context(|| format!("`{}` is no verifier key", path.display()))
}

/// A published log as a folder.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Directory for Folder {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        match fs::read(self.0.join(path)) {
            Ok(octets) => Ok(Some(octets)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Unreadable::failed(path, &error)),
        }
    }
}

/// The programs of the log that are not the published one: node and start.
fn strange_programs(report: &Report, build: &[u8; 32]) -> Vec<(u32, u32)> {
    let strange = report.programs.iter().filter(|(_, _, hash)| hash != build);
    strange.map(|(node, boot, _)| (*node, *boot)).collect()
}

/// The first 64 hexadecimal digits of a file, as `sha256sum` prints them.
fn read_hash(path: &Path) -> Result<[u8; 32]> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read the published hash `{}`", path.display()))?;
    let digits = text.split_whitespace().next().unwrap_or_default();
    let mut hash = [0; 32];
    let pairs = digits.as_bytes().chunks_exact(2);
    let readable = digits.len() == 64
        && hash.iter_mut().zip(pairs).all(|(octet, pair)| {
            let pair = std::str::from_utf8(pair).ok();
            let value = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
            value.is_some_and(|value| {
                *octet = value;
                true
            })
        });
    if readable {
        Ok(hash)
    } else {
        Err(anyhow!("`{}` does not begin with a SHA-256 in hexadecimal", path.display()))
    }
}

/// Reads the carrier's account: a table with the columns `trunk`, `start` and `seconds`. Numbers in
/// other columns are not read.
fn read_carrier(path: &Path) -> Result<Vec<Carried>> {
    let mut calls = Vec::new();
    for (row, fields) in read_table(path, ["trunk", "start", "seconds"])? {
        let [trunk, start, seconds] = fields;
        let wrong = |what: &str| anyhow!("`{}`, row {row}: `{what}` does not read", path.display());
        calls.push(Carried {
            row,
            trunk: TrunkId(trunk.parse().map_err(|_| wrong("trunk"))?),
            start: read_time(&start).ok_or_else(|| wrong("start"))?,
            length: read_length(&seconds).ok_or_else(|| wrong("seconds"))?,
        });
    }
    Ok(calls)
}

/// Three columns of a table, by name, with the number of each row from 1.
pub(crate) fn read_table<const N: usize>(
    path: &Path,
    columns: [&str; N],
) -> Result<Vec<(u64, [String; N])>> {
    let mut table = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path)
        .with_context(|| format!("cannot read `{}`", path.display()))?;
    let headers = table.headers().context("the table has no first line")?.clone();
    let mut places = [0; N];
    for (place, column) in places.iter_mut().zip(columns) {
        let at = headers.iter().position(|it| it.eq_ignore_ascii_case(column));
        *place = at.with_context(|| format!("`{}` has no column `{column}`", path.display()))?;
    }
    let mut rows = Vec::new();
    for (row, record) in (1..).zip(table.records()) {
        // The library's own message would repeat the line, which may hold numbers.
        let record =
            record.map_err(|_| anyhow!("`{}`: row {row} does not read", path.display()))?;
        rows.push((row, places.map(|at| record.get(at).unwrap_or_default().to_owned())));
    }
    Ok(rows)
}

/// A time with its zone, such as `2026-04-06T14:03:05Z`, or seconds since 1970.
pub(crate) fn read_time(text: &str) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse::<i64>() {
        return seconds.checked_mul(1_000_000).map(Timestamp::from_micros);
    }
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_micros(time.as_microsecond()))
}

pub(crate) fn read_length(text: &str) -> Option<std::time::Duration> {
    text.parse().ok().map(std::time::Duration::from_secs)
}

/// All that was found.
pub(crate) struct Verdict {
    pub(crate) found: Findings,
    pub(crate) reconciled: Option<Reconciled>,
    pub(crate) strangers: Vec<(u32, u32)>,
}

impl Verdict {
    pub(crate) fn count(&self) -> u64 {
        let unmatched = self.reconciled.as_ref().map_or(0, |it| it.unmatched.len());
        let found = &self.found;
        let others =
            unmatched + found.unknown.len() + found.taken_away.len() + self.strangers.len();
        self.found.report.violations_count + u64::try_from(others).unwrap_or(u64::MAX)
    }

    pub(crate) fn sentences(&self) -> Vec<String> {
        let report = &self.found.report;
        let mut sentences: Vec<String> =
            report.violations.iter().map(|it| format!("{}: {it}", it.invariant())).collect();
        for path in &self.found.unknown {
            sentences.push(format!("I5: `{}` is no recording of this node", path.display()));
        }
        for index in &self.found.taken_away {
            sentences.push(format!(
                "entry {index}: its detail is erased, and no entry of the log says so"
            ));
        }
        for (node, boot) in &self.strangers {
            sentences.push(format!(
                "start {boot} of node {node} ran a program that is not the published one"
            ));
        }
        for call in self.reconciled.iter().flat_map(|it| &it.unmatched) {
            sentences.push(format!(
                "the carrier's row {} (trunk {}, {}, {} s) was never entered in the log",
                call.row,
                call.trunk.0,
                show(call.start),
                call.length.as_secs()
            ));
        }
        sentences
    }

    fn print(&self) {
        let report = &self.found.report;
        line(&format!(
            "Read {} entries, {} of them published and {} padding.",
            report.entries, self.found.published, report.padding
        ));
        line(&format!(
            "  {} calls: {} recorded, {} not, {} may be running; {} starts.",
            report.admissions,
            report.recordings,
            report.not_recorded,
            report.open,
            report.programs.len()
        ));
        if self.found.erased > 0 {
            line(&format!(
                "  {} details of entries are erased, because their time is over: nobody can open \
                 them.",
                self.found.erased
            ));
        }
        if report.reopened > 0 {
            line(&format!(
                "  {} requests to open segments of the journal whose keys were given away.",
                report.reopened
            ));
        }
        for ((trunk, hour), counts) in self.reconciled.iter().flat_map(|it| &it.hours) {
            line(&format!(
                "  trunk {}, hour from {}: {} by the carrier, {} in the log, {} not in the log",
                trunk.0,
                show(Timestamp::from_micros(hour.saturating_mul(HOUR_MICROS))),
                counts.carried,
                counts.dialled,
                counts.unmatched
            ));
        }
        for sentence in self.sentences() {
            line(&sentence);
        }
        if self.count() == 0 {
            line("Nothing breaks an invariant.");
        }
    }

    fn json(&self) -> serde_json::Value {
        let report = &self.found.report;
        let hours = self.reconciled.iter().flat_map(|it| &it.hours).map(|((trunk, hour), it)| {
            json!({
                "trunk": trunk.0,
                "hour": show(Timestamp::from_micros(hour.saturating_mul(HOUR_MICROS))),
                "carrier": it.carried, "log": it.dialled, "unmatched": it.unmatched,
            })
        });
        json!({
            "entries": report.entries,
            "published": self.found.published,
            "padding": report.padding,
            "calls": report.admissions,
            "recorded": report.recordings,
            "not_recorded": report.not_recorded,
            "names": report.names,
            "open": report.open,
            "details_erased": self.found.erased,
            "segments_opened": report.reopened,
            "starts": report.programs.len(),
            "hours": hours.collect::<Vec<_>>(),
            "found": self.sentences(),
            "count": self.count(),
        })
    }
}

/// A time as a person reads it.
pub(crate) fn show(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.micros())
        .map_or_else(|_| "an impossible time".to_owned(), |it| it.to_string())
}

/// Entries without their details, and without a reason, that are listed.
const TAKEN_AWAY_MAX: usize = 100;

const HOUR_MICROS: i64 = 3_600 * 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use journal::{
        Draft,
        log::{Log, Options},
    };

    #[test]
    fn a_detail_that_is_gone_without_an_entry_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let data = Data::at(folder.path());
        let options = Options::new(data.log_public(), data.log_private());
        let signer = crate::logbook::make_signer().unwrap();
        let (log, _) = Log::open(&options, signer, Timestamp::from_micros(0)).unwrap();
        let draft = |seq: u64| {
            let mut leaf = [0; journal::LEAF_OCTETS];
            leaf[..8].copy_from_slice(&[1, 0, 0, 0, 0, 0, 0, 1]);
            leaf[8..16].copy_from_slice(&seq.to_be_bytes());
            Draft { leaf, detail: vec![7] }
        };
        log.append_wait((1..=20).map(draft).collect()).unwrap();
        log.erase_details(&[0, 3, 8, 15, 19].into(), &mut |_| {}).unwrap();
        log.close();
        let erased = Erased::read(&data).unwrap();
        for (said, unsaid) in [
            (vec![], vec![0, 3, 8, 15, 19]),
            (vec![(3, 8), (19, 40), (0, 1)], vec![15]),
            (vec![(4, 19), (0, 3)], vec![]),
            (vec![(2, 3), (0, 30)], vec![]),
            (vec![(0, 15), (1, 2)], vec![19]),
        ] {
            let report = Report { erased: said, ..Report::default() };
            assert_eq!(erased.judge(&report), (5, unsaid));
        }
        let found = Findings {
            report: Report::default(),
            published: 0,
            unknown: Vec::new(),
            erased: 5,
            taken_away: vec![15],
        };
        let verdict = Verdict { found, reconciled: None, strangers: Vec::new() };
        assert_eq!(verdict.count(), 1);
        assert!(verdict.sentences()[0].contains("entry 15: its detail is erased"));
    }
}

//! `parlatory restore`: a backup becomes a data folder again.
//!
//! The log is withheld from the first moment on: it signs nothing until it was compared with what
//! others have seen of it (`restore/history.rs`). The settings come last, so that a folder that was
//! not finished is no data folder.

mod drill;
mod history;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use evidence::AuditKey;
use history::{Gone, Growth, History, Seen, read_seen};
use indicatif::ProgressBar;
use model::RecordingId;
use serde_json::json;

use crate::{
    audit::read_verifier,
    backup::{
        bar,
        copy::{copy, files_below, hexadecimal, sync_all},
        manifest::{Manifest, Piece, RECORDINGS, states},
    },
    cli::RestoreArgs,
    data::Data,
    node::read_key,
    print::line,
};

/// Restores, tries to, or shows a restored log what others have seen.
pub(crate) fn run(args: &RestoreArgs) -> Result<()> {
    let Some(from) = &args.from else { return show(&Data::existing(&args.data.data)?, args) };
    let backup = Backup::open(from)?;
    if args.drill {
        return drill::run(&backup, args);
    }
    let data = Data::at(&args.data.data);
    empty(data.root())?;
    let restored = restore(&backup, &data, args)?;
    let growth = settle(&data, &restored)?;
    say(args, &data, &restored, growth)
}

/// Shows a folder that was restored before the checkpoints of others.
fn show(data: &Data, args: &RestoreArgs) -> Result<()> {
    if !journal::log::is_withheld(&data.log_private()) {
        bail!(
            "the log of `{}` is not withheld: there is nothing to show it",
            data.root().display()
        );
    }
    let restored = Restored { log: judge(data, &args.since)?, ..Restored::default() };
    let growth = settle(data, &restored)?;
    say(args, data, &restored, growth)
}

/// A backup with the newest whole state in it.
struct Backup {
    root: PathBuf,
    state: PathBuf,
    manifest: Manifest,
}

impl Backup {
    fn open(root: &Path) -> Result<Self> {
        let state = newest(root)?;
        let manifest = Manifest::read(&state)?;
        Ok(Self { root: root.to_owned(), state, manifest })
    }
}

/// The newest whole state of a backup.
pub(crate) fn newest(backup: &Path) -> Result<PathBuf> {
    let state = states(backup)?.into_iter().rev().find(|(_, whole)| *whole);
    let (state, _) =
        state.ok_or_else(|| anyhow!("`{}` holds no finished backup", backup.display()))?;
    Ok(state)
}

/// What became of a backup.
#[derive(Default)]
struct Restored {
    /// Recordings that were put back.
    recordings: usize,
    /// Recordings that were left out, because they are erased.
    erased: usize,
    /// Recorded names that were left out, because they are removed.
    names_removed: usize,
    octets: u64,
    log: Judged,
}

/// The log, and how it stands to what others have seen. `None` where it has not begun.
type Judged = Option<(History, Growth)>;

/// Puts a backup into an empty folder, every octet checked. The log is left withheld.
fn restore(backup: &Backup, data: &Data, args: &RestoreArgs) -> Result<Restored> {
    let Manifest { files, recordings, .. } = &backup.manifest;
    let keys = keys(backup, args.keys.as_deref())?;
    data.create_folders()?;
    journal::log::withhold(&data.log_private())?;
    let bar = bar();
    bar.set_length(files.iter().chain(recordings).map(|piece| piece.octets).sum());
    let mut octets = 0;
    let (settings, others): (Vec<_>, Vec<_>) =
        files.iter().partition(|piece| piece.path == SETTINGS);
    let (running, others): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|piece| piece.path.starts_with(RECORDINGS));
    let (names, others): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|piece| piece.path.starts_with(NAMES));
    for piece in others {
        octets += put(piece, &backup.state, data.root(), &bar)?;
    }
    for (from, name) in keys {
        let to = data.keys().join(&name);
        if !to.exists() {
            copy(&from, &to, &name, &ProgressBar::hidden())?;
        }
    }
    let log = judge(data, &args.since)?;
    let gone = gone(&log, args)?;
    let (mut left_out, mut put_back, mut names_removed) = (0, 0, 0);
    for piece in names {
        if is_removed(piece, &gone) {
            names_removed += 1;
            bar.inc(piece.octets);
        } else {
            octets += put(piece, &backup.state, data.root(), &bar)?;
        }
    }
    for (piece, from) in running
        .into_iter()
        .map(|piece| (piece, backup.state.clone()))
        .chain(recordings.iter().map(|piece| (piece, backup.root.join(RECORDINGS))))
    {
        let into = if from == backup.state { data.root().to_owned() } else { data.recordings() };
        let name = piece.path.rsplit('/').next().unwrap_or_default();
        if recording_of(name).is_some_and(|id| gone.recordings.contains(&id)) {
            left_out += 1;
            bar.inc(piece.octets);
            continue;
        }
        octets += put(piece, &from, &into, &bar)?;
        put_back += 1;
    }
    sync_all(data.root())?;
    for piece in settings {
        octets += put(piece, &backup.state, data.root(), &bar)?;
    }
    sync_all(data.root())?;
    bar.finish_and_clear();
    Ok(Restored { recordings: put_back, erased: left_out, names_removed, octets, log })
}

/// Copies one piece and compares it with the manifest.
fn put(piece: &Piece, from: &Path, into: &Path, bar: &ProgressBar) -> Result<u64> {
    let (source, target) = (piece.below(from)?, piece.below(into)?);
    let found = copy(&source, &target, &piece.path, bar)?;
    match found {
        None => bail!("`{}` is missing in the backup", source.display()),
        Some(found) if found != *piece => {
            bail!("`{}` is not what was backed up: the backup is damaged", source.display())
        }
        Some(found) => Ok(found.octets),
    }
}

/// Where the node's own keys are kept, unless the backup has them, with their names.
fn keys(backup: &Backup, kept: Option<&Path>) -> Result<Vec<(PathBuf, String)>> {
    let Some(kept) = kept else {
        if backup.manifest.with_keys {
            return Ok(Vec::new());
        }
        bail!("the backup was taken without the node's keys: give the copy you kept with --keys");
    };
    let names = files_below(kept)?;
    for (name, without) in NEEDED_KEYS {
        if !names.iter().any(|found| found == name) {
            bail!("`{}` has no `{name}`, without which {without}", kept.display());
        }
    }
    Ok(names.into_iter().map(|name| (kept.join(&name), name)).collect())
}

/// Reads the log of a folder and compares it with what others have seen.
fn judge(data: &Data, since: &[PathBuf]) -> Result<Judged> {
    let verifier = read_verifier(&data.log_verifier())?;
    let key = AuditKey::new(read_key(&data.evidence_key("audit"))?);
    let read = since.iter().map(|path| read_seen(path, &verifier, &key));
    let seen: Vec<Seen> = read.collect::<Result<_>>()?;
    let Some(mut history) = History::read(data, &verifier, &key, &seen)? else {
        // Of a log that had not begun nothing may have been seen.
        let newest = seen.iter().map(|it| it.checkpoint.size()).max();
        return match newest {
            None | Some(0) => Ok(None),
            Some(seen) => bail!("the backup has no log, and {seen} entries of it were seen"),
        };
    };
    let growth = history.judge(&seen);
    seen.into_iter().for_each(|it| history.gone.add(it.gone));
    Ok(Some((history, growth)))
}

/// All that must not come back.
fn gone(log: &Judged, args: &RestoreArgs) -> Result<Gone> {
    let mut gone = log.as_ref().map(|(log, _)| log.gone.clone()).unwrap_or_default();
    for path in &args.erased {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the list `{}`", path.display()))?;
        for (number, row) in (1..).zip(text.lines()) {
            let id = row.split_whitespace().last().and_then(recording_of);
            let id = id.ok_or_else(|| anyhow!("`{}`, line {number}: no recording", path.display()));
            gone.recordings.insert(id?);
        }
    }
    Ok(gone)
}

/// Whether a file is a recorded name that was removed.
fn is_removed(piece: &Piece, gone: &Gone) -> bool {
    let removed = |hash: &[u8; 32]| piece.sha256 == hexadecimal(hash);
    gone.names.iter().any(removed)
}

/// The recording of a file's name, or of a line of the list of erased ones.
fn recording_of(name: &str) -> Option<RecordingId> {
    let digits = name.get(..16)?;
    u64::from_str_radix(digits, 16).ok().map(RecordingId)
}

/// Lets the log be signed where nobody has seen more of it, or where it has not begun.
fn settle(data: &Data, restored: &Restored) -> Result<Growth> {
    let growth = restored.log.as_ref().map_or(Growth::GoesOn { seen: 0 }, |(_, growth)| *growth);
    match growth {
        Growth::GoesOn { .. } => journal::log::release(&data.log_private())?,
        Growth::NotShown | Growth::Lost { .. } | Growth::Forked { .. } => {}
    }
    Ok(growth)
}

fn say(args: &RestoreArgs, data: &Data, restored: &Restored, growth: Growth) -> Result<()> {
    let Restored { recordings, erased, names_removed, octets, log } = restored;
    let entries = log.as_ref().map_or(0, |(log, _)| log.entries);
    let signs = matches!(growth, Growth::GoesOn { .. });
    if args.json {
        line(&serde_json::to_string_pretty(&json!({
            "data": data.root(),
            "octets": octets,
            "recordings": recordings,
            "erased_left_out": erased,
            "removed_names_left_out": names_removed,
            "log_entries": entries,
            "log_signs": signs,
        }))?);
    } else if args.from.is_some() {
        line(&format!("Restored `{}`.", data.root().display()));
        line(&format!("  recordings  {recordings} put back; {erased} erased ones left out"));
        if *names_removed > 0 {
            line(&format!("  names       {names_removed} that were removed are left out"));
        }
        line(&format!("  log         {entries} entries, all of them what its key has signed"));
    }
    if !signs {
        bail!("{}", refusal(growth, data));
    }
    if !args.json {
        line("  log         it goes on: nobody who was asked has seen more of it");
        line(
            "Private keys of keyholders, carriers' passwords outside of `keys` and certificates are",
        );
        line("not part of a backup: put them back yourself. Then `parlatory doctor`.");
    }
    Ok(())
}

/// Why the log stays withheld, and what can be done.
fn refusal(growth: Growth, data: &Data) -> String {
    let folder = data.root().display();
    let stays = "until then calls go on, nothing is recorded and nothing is disclosed";
    match growth {
        Growth::GoesOn { .. } => String::new(),
        Growth::NotShown => format!(
            "the data is back, and the log signs nothing yet: show it the newest checkpoint of everybody who \
             has one with `parlatory restore --data {folder} --since CHECKPOINT`; {stays}"
        ),
        Growth::Lost { seen, kept } => format!(
            "the data is back, and the log signs nothing: {seen} entries were seen elsewhere and the backup has \
             {kept}; whoever wrote others in their place would fork it. Restore a newer backup; {stays}"
        ),
        Growth::Forked { size } => format!(
            "the data is back, and the log signs nothing: the first {size} entries were seen elsewhere, and they \
             are others. One of the two is not this log; {stays}"
        ),
    }
}

/// Refuses a folder that has anything in it.
fn empty(root: &Path) -> Result<()> {
    let mut inside = match fs::read_dir(root) {
        Ok(inside) => inside,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).context("cannot look into the folder"),
    };
    if inside.next().is_some() {
        bail!("`{}` is not empty: a backup is restored into a folder of its own", root.display());
    }
    Ok(())
}

const SETTINGS: &str = "parlatory.toml";

/// The folder of recorded names.
const NAMES: &str = "names/";

/// Keys without which nothing can be restored, and what each of them is for.
const NEEDED_KEYS: [(&str, &str); 2] = [
    ("log.key", "the log cannot go on: give the whole copy of the folder `keys`"),
    (
        "store.key",
        "the backup's database cannot be opened: give the whole copy of the folder `keys`",
    ),
];

//! `parlatory backup`: a whole copy of a data folder, taken while calls run.
//!
//! What makes it whole is the order. First nobody may erase a recording, or forget a part of the
//! journal or give a key of it away any more. Then the log is
//! copied, what is published before what is kept; then the database as of one moment; then the
//! journal, so that it has every fact that the database has and every entry that the log took
//! from it; and last the recordings of which the journal's copy speaks. What comes later is as if
//! the node had died at that moment: the first start after a restore settles it.

pub(crate) mod copy;
pub(crate) mod manifest;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, TryLockError},
    io::IsTerminal as _,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use copy::{copy, copy_growing, described, files_below};
use indicatif::{ProgressBar, ProgressStyle};
use manifest::{FORMAT, LogMark, Manifest, Piece, RECORDINGS, STATES, states};
use model::{RecordingId, fact::Fact};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use vault::Listed;

use crate::{
    audit::{Folder, read_log, read_verifier, show},
    cli::BackupArgs,
    clock::clock,
    data::{Data, create_folder, open_log},
    print::line,
};

/// Takes a backup, and says what is in it.
pub(crate) fn run(args: &BackupArgs) -> Result<()> {
    let data = Data::existing(&args.data.data)?;
    let taken = take(&data, &args.to, args.with_keys)?;
    if args.json {
        line(&serde_json::to_string_pretty(&taken.json())?);
    } else {
        taken.print(&data);
    }
    Ok(())
}

/// A backup that was taken.
pub(crate) struct Taken {
    manifest: Manifest,
    state: PathBuf,
    /// SHA-256 of the manifest's file.
    sha256: String,
    /// Recordings that were copied now; the others were there.
    copied: usize,
    /// Recordings that were taken out, since they are erased.
    removed: usize,
}

/// Takes a backup of `data` into the folder `to`, which may hold earlier ones of the same data.
///
/// # Errors
/// Nothing of an earlier backup is lost then.
pub(crate) fn take(data: &Data, to: &Path, with_keys: bool) -> Result<Taken> {
    let _alone = place(data, to)?;
    // Before the log is read: an erasure that is in the log has happened, and none comes after.
    let recordings = data.recordings();
    let _kept = vault::keep(&recordings).context("cannot keep the recordings from being erased")?;
    let journal = data.journal();
    let kept = journal.is_dir().then(|| journal::keep(&journal)).transpose();
    let _journal_kept = kept.context("cannot keep the journal from being forgotten")?;
    let now = clock().now();
    let state = to.join(STATES).join(format!("{:020}", now.micros()));
    create_folder(&state).with_context(|| format!("cannot make `{}`", state.display()))?;
    let mut work = Work { data, state: &state, bar: bar(), files: Vec::new() };
    let log = work.log()?;
    // Before the journal, for those that are removed meanwhile, and after it, for those that came.
    work.names(None)?;
    let projected = work.store_and_journal()?;
    work.settings(with_keys)?;
    let (facts, recorded, named) = work.recorded()?;
    work.names(Some(&named))?;
    let earlier = earlier(to)?;
    let (recordings, copied) = work.recordings(&to.join(RECORDINGS), &recorded, &earlier)?;
    let mut files = work.files;
    files.sort();
    let manifest = Manifest {
        format: FORMAT,
        made: show(now),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        log,
        facts,
        projected,
        with_keys,
        files,
        recordings,
    };
    work.bar.finish_and_clear();
    copy::sync_all(to)?;
    manifest.write(&state)?;
    let removed = tidy_up(to, &state, &manifest)?;
    let text = fs::read(state.join("manifest.json")).context("cannot read the manifest again")?;
    let sha256 = copy::hexadecimal(&Sha256::digest(text));
    Ok(Taken { manifest, state, sha256, copied, removed })
}

/// Makes the folder of backups and keeps others out of it while the returned file lives.
fn place(data: &Data, to: &Path) -> Result<fs::File> {
    create_folder(to).with_context(|| format!("cannot make the folder `{}`", to.display()))?;
    let full = |path: &Path| {
        path.canonicalize().with_context(|| format!("cannot read `{}`", path.display()))
    };
    let (root, into) = (full(data.root())?, full(to)?);
    if into.starts_with(&root) || root.starts_with(&into) {
        bail!("a backup inside of what it is a backup of is lost with it: give another folder");
    }
    let path = to.join("lock");
    let lock = open_log(&path).with_context(|| format!("cannot open `{}`", path.display()))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            bail!("another backup into `{}` is running: let it end first", to.display())
        }
        Err(TryLockError::Error(error)) => return Err(error).context("cannot lock the folder"),
    }
    create_folder(&to.join(STATES)).context("cannot make the folder of states")?;
    // What was never finished is no backup.
    for (state, whole) in states(to)? {
        if !whole {
            remove(&state)?;
        }
    }
    Ok(lock)
}

/// Recordings that earlier backups have, by their paths.
fn earlier(to: &Path) -> Result<BTreeMap<String, Piece>> {
    let mut found = BTreeMap::new();
    for (state, whole) in states(to)? {
        if whole {
            let pieces = Manifest::read(&state)?.recordings.into_iter();
            found.extend(pieces.map(|piece| (piece.path.clone(), piece)));
        }
    }
    Ok(found)
}

/// One backup while it is taken.
struct Work<'a> {
    data: &'a Data,
    state: &'a Path,
    bar: ProgressBar,
    files: Vec<Piece>,
}

impl Work<'_> {
    /// The log: what is published, and then what is kept, which is never less.
    fn log(&mut self) -> Result<Option<LogMark>> {
        let private = self.data.log_private();
        if !private.is_dir() {
            return Ok(None);
        }
        let published = self.published()?;
        for name in files_below(&private)? {
            if name.ends_with(".wal") {
                self.growing("log-private", &name)?;
            }
        }
        let copied = self.state.join("log-private");
        let standing = if copied.is_dir() {
            journal::log::look(&copied).context("the copy of the log cannot be read")?
        } else {
            None
        };
        let Some(standing) = standing else { return Ok(None) };
        let checkpoint = String::from_utf8(standing.checkpoint)
            .map_err(|_| anyhow!("the last checkpoint of the log is no text"))?;
        Ok(Some(LogMark { entries: standing.size, published, checkpoint }))
    }

    /// The public folder. A publication may come in between; then it is copied again, until what
    /// was copied is whole by its own checkpoint.
    fn published(&mut self) -> Result<u64> {
        let verifier = read_verifier(&self.data.log_verifier())?;
        let (from, into) = (self.data.log_public(), self.state.join("log"));
        for tries_left in (0..TRIES_MAX).rev() {
            let before = self.files.len();
            for name in files_below(&from)? {
                if !name.ends_with(".new") {
                    let path = format!("log/{name}");
                    let piece = copy(&from.join(&name), &into.join(&name), &path, &self.bar)?;
                    self.files.extend(piece);
                }
            }
            match read_log(&Folder(into.clone()), &verifier, &mut |_, _| {}) {
                Ok(size) => return Ok(size),
                Err(error) if tries_left == 0 => return Err(error),
                Err(_) => {
                    self.files.truncate(before);
                    remove(&into)?;
                }
            }
        }
        bail!("the log was published again and again while it was copied: try once more")
    }

    /// The database and then the journal, again if somebody provisioned in between: a fact may
    /// speak only of people whom the database knows.
    fn store_and_journal(&mut self) -> Result<u64> {
        let mut source = store::Source::open(&self.data.store())?;
        let (store, journal) = (self.state.join("store"), self.state.join("journal"));
        for _ in 0..TRIES_MAX {
            let before = self.files.len();
            create_folder(&store).context("cannot make the folder of the database")?;
            let copied = source.copy(&store.join("parlatory.db"))?;
            for name in files_below(&self.data.journal())? {
                // And what a crash left noted of one whose key was being destroyed.
                let kept = [".journal", ".shares", ".gone"];
                if kept.iter().any(|suffix| name.ends_with(suffix)) {
                    self.growing("journal", &name)?;
                }
            }
            if source.version()? == copied.version {
                self.files.push(described(self.state, "store/parlatory.db")?);
                return Ok(copied.projected);
            }
            self.files.truncate(before);
            remove(&store)?;
            remove(&journal)?;
        }
        bail!("the configuration was changed again and again while it was copied: try once more")
    }

    fn growing(&mut self, folder: &str, name: &str) -> Result<()> {
        let from = self.data.root().join(folder).join(name);
        let path = format!("{folder}/{name}");
        self.files.push(copy_growing(&from, &self.state.join(&path), &path, &self.bar)?);
        Ok(())
    }

    /// Settings and public keys; the node's own keys where they are wanted, and keyholders' private
    /// keys never.
    fn settings(&mut self, with_keys: bool) -> Result<()> {
        let mut wanted = ["parlatory.toml", "caps.csv", "log.vkey"].map(str::to_owned).to_vec();
        let keyholders = files_below(&self.data.root().join("keyholders"))?;
        let public = keyholders.into_iter();
        let public = public.filter(|name| name.ends_with(".pub") && !name.contains('/'));
        wanted.extend(public.map(|name| format!("keyholders/{name}")));
        if with_keys {
            let keys = files_below(&self.data.keys())?;
            wanted.extend(keys.into_iter().map(|name| format!("keys/{name}")));
        }
        for path in wanted {
            let from = self.data.root().join(&path);
            self.files.extend(copy(&from, &self.state.join(&path), &path, &self.bar)?);
        }
        Ok(())
    }

    /// Copies the recorded names that are not there yet; only those of `named`, where that is said.
    /// One that was removed is destroyed by the first start after a restore.
    fn names(&mut self, named: Option<&BTreeSet<[u8; 32]>>) -> Result<()> {
        for file in vault::name_files(&self.data.names())? {
            let path = file.path.strip_prefix(self.data.root()).ok().and_then(Path::to_str);
            let Some(path) = path.filter(|_| file.placed) else { continue };
            let to = self.state.join(path);
            if named.is_none_or(|named| named.contains(&file.sha256)) && !to.exists() {
                self.files.extend(copy(&file.path, &to, path, &self.bar)?);
            }
        }
        Ok(())
    }

    /// Number of the last fact of the journal's copy, the recordings it says were begun, and the
    /// names it says were recorded.
    fn recorded(&self) -> Result<(u64, BTreeSet<RecordingId>, BTreeSet<[u8; 32]>)> {
        let (mut last, mut begun, mut named) = (0, BTreeSet::new(), BTreeSet::new());
        let journal = self.state.join("journal");
        if !journal.is_dir() {
            return Ok((last, begun, named));
        }
        let unreadable = "the copy of the journal cannot be read";
        let key = self.data.journal_key()?;
        let away = journal::sealed_away(&journal, &key).context(unreadable)?.last();
        if away.0 > 0 {
            // What the journal has forgotten or its key opens no more, the database knows.
            let known = store::recorded(&self.state.join("store").join("parlatory.db"))?;
            (last, begun, named) = (away.0, known.recordings, known.names);
        }
        journal::replay(&journal, &key, away, |seq, fact| {
            last = seq.0;
            if let Fact::Accepted { call, recording: Ok(_), .. } = fact {
                begun.insert(call.recording());
            }
            if let Fact::NameRecorded(name) = &fact {
                named.insert(name.sha256);
            }
            ControlFlow::Continue(())
        })
        .context(unreadable)?;
        Ok((last, begun, named))
    }

    /// Copies what is not there yet of `recorded`. Those that are running go into the state, as
    /// far as they are.
    fn recordings(
        &mut self,
        into: &Path,
        recorded: &BTreeSet<RecordingId>,
        earlier: &BTreeMap<String, Piece>,
    ) -> Result<(Vec<Piece>, usize)> {
        let root = self.data.recordings();
        let listed = vault::listed(&root)?;
        let known = |it: &&Listed| it.recording.is_some_and(|id| recorded.contains(&id));
        let octets = listed.iter().filter(known).filter_map(|it| it.path.metadata().ok());
        self.bar.set_length(self.bar.position() + octets.map(|it| it.len()).sum::<u64>());
        let mut growing = BTreeMap::new();
        let (mut pieces, mut copied) = (BTreeMap::new(), 0);
        for Listed { path, recording, growing: open } in listed.iter().filter(known) {
            let Some(name) = path.strip_prefix(&root).ok().and_then(Path::to_str) else { continue };
            if *open {
                let place = format!("{RECORDINGS}/{name}");
                if let Some(piece) = copy(path, &self.state.join(&place), &place, &self.bar)? {
                    growing.insert(*recording, piece);
                }
                continue;
            }
            // It was closed before it was looked for; its beginning is not needed.
            if let Some(piece) = growing.remove(recording) {
                remove_file(&self.state.join(piece.path))?;
            }
            if let Some(piece) = self.closed(path, name, into, earlier, &mut copied)? {
                pieces.insert(name.to_owned(), piece);
            }
        }
        self.closed_meanwhile(&mut growing, into, &mut pieces, &mut copied)?;
        self.files.extend(growing.into_values());
        Ok((pieces.into_values().collect(), copied))
    }

    /// One closed recording, copied unless it is there.
    fn closed(
        &self,
        from: &Path,
        name: &str,
        into: &Path,
        earlier: &BTreeMap<String, Piece>,
        copied: &mut usize,
    ) -> Result<Option<Piece>> {
        let to = into.join(name);
        let length = |path: &Path| path.metadata().ok().map(|found| found.len());
        if let Some(piece) = earlier.get(name)
            && length(&to) == Some(piece.octets)
            && length(from) == Some(piece.octets)
        {
            self.bar.inc(piece.octets);
            return Ok(Some(piece.clone()));
        }
        // What is there without a manifest that names it was not finished.
        remove_file(&to)?;
        let piece = copy(from, &to, name, &self.bar)?;
        *copied += usize::from(piece.is_some());
        Ok(piece)
    }

    /// Recordings that were growing when they were listed and were moved before they were copied.
    fn closed_meanwhile(
        &self,
        growing: &mut BTreeMap<Option<RecordingId>, Piece>,
        into: &Path,
        pieces: &mut BTreeMap<String, Piece>,
        copied: &mut usize,
    ) -> Result<()> {
        let root = self.data.recordings();
        for Listed { path, recording, growing: open } in vault::listed(&root)? {
            let Some(name) = path.strip_prefix(&root).ok().and_then(Path::to_str) else { continue };
            let Some(part) = growing.get(&recording).filter(|_| !open) else { continue };
            remove_file(&self.state.join(&part.path))?;
            growing.remove(&recording);
            if let Some(piece) = self.closed(&path, name, into, &BTreeMap::new(), copied)? {
                pieces.insert(name.to_owned(), piece);
            }
        }
        Ok(())
    }
}

/// Removes earlier states, and recordings that are not in this one: they are erased. Says how many
/// recordings those were.
fn tidy_up(to: &Path, state: &Path, manifest: &Manifest) -> Result<usize> {
    for (other, _) in states(to)? {
        if other != state {
            remove(&other)?;
        }
    }
    let kept: BTreeSet<&str> = manifest.recordings.iter().map(|it| it.path.as_str()).collect();
    let folder = to.join(RECORDINGS);
    let mut removed = 0;
    for name in files_below(&folder)? {
        if !kept.contains(name.as_str()) {
            remove_file(&folder.join(&name))?;
            removed += 1;
        }
    }
    copy::sync_all(to)?;
    Ok(removed)
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove `{}`", folder.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove `{}`", path.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Octets copied, where somebody watches.
pub(crate) fn bar() -> ProgressBar {
    let bar =
        if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    match ProgressStyle::with_template("{wide_bar} {bytes} of {total_bytes}, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

impl Taken {
    fn print(&self, data: &Data) {
        let Self { manifest, state, sha256, copied, removed } = self;
        line(&format!("Took a backup as of {}.", manifest.made));
        line(&format!("  state       {}", state.display()));
        line(&format!(
            "  journal     {} facts, {} of them in the database",
            manifest.facts, manifest.projected
        ));
        match &manifest.log {
            Some(log) => line(&format!(
                "  log         {} entries, {} of them published",
                log.entries, log.published
            )),
            None => line("  log         none yet"),
        }
        line(&format!(
            "  recordings  {}, {copied} of them new; {removed} erased ones taken out",
            manifest.recordings.len()
        ));
        line(&format!("  manifest    SHA-256 {sha256}"));
        if manifest.with_keys {
            line(
                "  keys        the node's own keys are in it: whoever has it can sign for this log and",
            );
            line("              read the names and numbers in the database. Guard it accordingly.");
        } else {
            line(&format!(
                "  keys        NOT in it: keep a copy of `{}` in another place; without it nothing",
                data.keys().display()
            ));
            line(
                "              can be restored. Names and numbers in the backup's database open only",
            );
            line("              with its `store.key`.");
        }
        line(
            "  keyholders  their private keys are never in it: each keeps their own, in two places.",
        );
        line("Try it: parlatory restore --drill --from DIR --keys COPY-OF-KEYS");
    }

    fn json(&self) -> serde_json::Value {
        let Self { manifest, state, sha256, copied, removed } = self;
        let log = manifest.log.as_ref();
        json!({
            "made": manifest.made,
            "state": state,
            "manifest_sha256": sha256,
            "facts": manifest.facts,
            "projected": manifest.projected,
            "log_entries": log.map(|log| log.entries),
            "log_published": log.map(|log| log.published),
            "recordings": manifest.recordings.len(),
            "recordings_new": copied,
            "recordings_removed": removed,
            "with_keys": manifest.with_keys,
        })
    }
}

/// How often something that changes while it is copied is copied again.
const TRIES_MAX: usize = 8;

//! Destroying details of entries, for good, where they stand.
//!
//! A segment is written anew without them, beside the old one, and takes its name in one step; then
//! the old octets are overwritten and their file removed. Leaves, checkpoints and the place of
//! every entry stay as they were. What a crash leaves is carried out, or taken back, by the next
//! [`open`](super::Log::open) or the next erasing: no detail comes back that was gone, and none is
//! left under another name. A file system that writes elsewhere, and copies of the disk, may keep
//! old octets; they are as safe as the keys of the two who can open them.

use super::{
    LogError,
    record::{self, Body, Format, HEADER_OCTETS},
    wal::{self, NEW_SUFFIX, SUFFIX, sync_folder},
};
use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// A step of erasing details, durable when it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErasingStep {
    /// The segment stands anew beside the old one.
    Written,
    /// The old one has another name as well.
    Linked,
    /// The new one is in its place.
    Placed,
    /// The old octets are overwritten.
    Overwritten,
    /// The old one is gone.
    Gone,
}

impl ErasingStep {
    /// All of them, in their order.
    pub const ALL: [Self; 5] =
        [Self::Written, Self::Linked, Self::Placed, Self::Overwritten, Self::Gone];
}

/// Destroys the details of `entries` in the closed segments of the folder `private`, and says how
/// many there were.
pub(super) fn erase(
    private: &Path,
    entries: &BTreeSet<u64>,
    tell: &mut dyn FnMut(ErasingStep),
) -> Result<u64, LogError> {
    finish(private)?;
    let segments = wal::list(private)?;
    let mut erased = 0;
    for pair in segments.windows(2) {
        let [(first, path), (next, _)] = pair else { continue };
        if entries.range(*first..*next).next().is_none() {
            continue;
        }
        let (octets, count) = without(path, *first, entries)?;
        if count > 0 {
            replace(path, &octets, tell)?;
            erased += count;
        }
    }
    Ok(erased)
}

/// Finishes what a crash left of an erasing, or takes it back where nothing was erased yet.
pub(super) fn finish(private: &Path) -> Result<(), LogError> {
    let fault = |error| LogError::io("list", private, error);
    for entry in fs::read_dir(private).map_err(fault)? {
        let gone = entry.map_err(fault)?.path();
        if gone.extension().is_none_or(|suffix| suffix != GONE_SUFFIX) {
            continue;
        }
        let place = gone.with_extension(SUFFIX);
        let placed = identity(&place)?;
        if placed.is_none() {
            // Nothing of ours leaves it so: somebody took the segment away.
            let what = "what was erased of a segment is there, and the segment is not";
            return Err(LogError::Damaged { file: place, offset: 0, what });
        }
        // Unless the new one has taken its place, this is still the segment itself.
        if identity(&gone)? != placed {
            overwrite(&gone)?;
        }
        fs::remove_file(&gone).map_err(|error| LogError::io("remove", &gone, error))?;
        sync_folder(private)?;
    }
    Ok(())
}

/// Overwrites what a crash left of a segment that was being written, and removes it.
pub(super) fn discard(unfinished: &Path) -> Result<(), LogError> {
    overwrite(unfinished)?;
    fs::remove_file(unfinished).map_err(|error| LogError::io("remove", unfinished, error))
}

/// The octets of a segment without the details of `entries`, and how many it had.
fn without(path: &Path, first: u64, entries: &BTreeSet<u64>) -> Result<(Vec<u8>, u64), LogError> {
    let octets = wal::read(path, first)?;
    let (mut anew, mut at, mut count) = (record::header(first, Format::Erased), HEADER_OCTETS, 0);
    while let Some((mut record, end)) = record::record_at(&octets, at) {
        let before = count;
        if let Body::Entries(kept) = &mut record.body {
            for (entry, index) in kept.iter_mut().zip(record.first..) {
                if entries.contains(&index) && entry.detail.erase() {
                    count += 1;
                }
            }
        }
        if count > before {
            anew.extend(record.encode()?);
        } else {
            anew.extend_from_slice(octets.get(at..end).unwrap_or_default());
        }
        at = end;
    }
    if at < octets.len() {
        let what = record::damage_at(&octets, at).unwrap_or("it ends in the middle of a record");
        return Err(LogError::Damaged { file: path.to_owned(), offset: at as u64, what });
    }
    Ok((anew, count))
}

/// Puts `octets` in the place of the segment at `path`, and destroys what stood there.
fn replace(path: &Path, octets: &[u8], tell: &mut dyn FnMut(ErasingStep)) -> Result<(), LogError> {
    let (new, gone) = (path.with_extension(NEW_SUFFIX), path.with_extension(GONE_SUFFIX));
    let folder = path.parent().unwrap_or(Path::new("."));
    if new.exists() {
        discard(&new)?;
    }
    if let Err(error) = write(&new, octets) {
        // Most often there is no room: what was written of it is not left there.
        drop(discard(&new));
        return Err(error);
    }
    tell(ErasingStep::Written);
    fs::hard_link(path, &gone).map_err(|error| LogError::io("name", &gone, error))?;
    sync_folder(folder)?;
    tell(ErasingStep::Linked);
    fs::rename(&new, path).map_err(|error| LogError::io("name", path, error))?;
    sync_folder(folder)?;
    tell(ErasingStep::Placed);
    overwrite(&gone)?;
    tell(ErasingStep::Overwritten);
    fs::remove_file(&gone).map_err(|error| LogError::io("remove", &gone, error))?;
    sync_folder(folder)?;
    tell(ErasingStep::Gone);
    Ok(())
}

fn write(path: &PathBuf, octets: &[u8]) -> Result<(), LogError> {
    let fault = |action| move |error| LogError::io(action, path, error);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(wal::FILE_MODE)
        .open(path)
        .map_err(fault("make"))?;
    file.write_all(octets).map_err(fault("write"))?;
    file.sync_all().map_err(fault("sync"))
}

/// Writes zeros over all of a file, durably.
fn overwrite(path: &Path) -> Result<(), LogError> {
    let fault = |action| move |error| LogError::io(action, path, error);
    let mut file = OpenOptions::new().write(true).open(path).map_err(fault("open"))?;
    let mut left = file.metadata().map_err(fault("look at"))?.len();
    let zeros = vec![0; ZEROS_OCTETS];
    while left > 0 {
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(zeros.len());
        file.write_all(zeros.get(..count).unwrap_or_default()).map_err(fault("write"))?;
        left -= count as u64;
    }
    file.sync_all().map_err(fault("sync"))
}

/// Which file it is, whatever its name; `None` where there is none.
fn identity(path: &Path) -> Result<Option<(u64, u64)>, LogError> {
    match fs::metadata(path) {
        Ok(it) => Ok(Some((it.dev(), it.ino()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LogError::io("look at", path, error)),
    }
}

/// All octets of the file that has this name, also when another one takes the name meanwhile: that
/// one is read then.
pub(super) fn read_whole(path: &Path) -> Result<Vec<u8>, LogError> {
    let fault = |error| LogError::io("read", path, error);
    loop {
        let mut file = File::open(path).map_err(fault)?;
        let mut octets = Vec::new();
        io::Read::read_to_end(&mut file, &mut octets).map_err(fault)?;
        let read = file.metadata().map_err(fault)?;
        // Only after another one has its name is a segment overwritten.
        if identity(path)? == Some((read.dev(), read.ino())) {
            return Ok(octets);
        }
    }
}

/// What the old file is called while it is overwritten.
pub(super) const GONE_SUFFIX: &str = "gone";

/// Zeros that are written at once.
const ZEROS_OCTETS: usize = 64 * 1024;

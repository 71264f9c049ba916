//! The public folder: bundles, tiles and the checkpoint, all derived from what is durable already.

use super::{
    LogError,
    book::{Book, Published},
    wal::sync_folder,
};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};
use tlog::{Note, Tile, TileHashes, bundle, limits::TILE_WIDTH};

impl Book {
    /// Writes all that is not published, then the checkpoint, each durable before the next; then
    /// removes what is superseded.
    pub(super) fn write_public(&mut self) -> Result<(), LogError> {
        let note = self.checkpoint.note().clone();
        let mut desk = Desk { root: &self.public, folders: BTreeSet::new() };
        desk.begin()?;
        let width = usize::from(TILE_WIDTH);
        let from = self.published_size() / u64::from(TILE_WIDTH);
        for (leaves, index) in self.leaves.chunks(width).zip(from..) {
            let Some(tile) = Tile::within(0, index, self.size()) else { continue };
            let octets = bundle::encode(leaves).map_err(|error| {
                let source = io::Error::new(io::ErrorKind::InvalidData, error);
                LogError::io("encode", self.public.join(tile.bundle_path()), source)
            })?;
            desk.put(&tile.bundle_path(), &octets)?;
        }
        let full = self.tiles.iter();
        let full = full.map(|(tile, hashes)| TileHashes { tile: *tile, hashes: hashes.clone() });
        for tile in full.chain(self.author.tree().edge()) {
            desk.put(&tile.tile.path(), &tile.octets())?;
        }
        desk.sync()?;
        desk.put(CHECKPOINT_NAME, note.to_string().as_bytes())?;
        desk.sync()?;
        self.prune();
        self.published = Some(Published { size: self.size(), note });
        self.tiles.clear();
        let open = usize::try_from(self.size() % u64::from(TILE_WIDTH)).unwrap_or(0);
        self.leaves.drain(..self.leaves.len().saturating_sub(open));
        Ok(())
    }

    /// Adds the signatures of witnesses to the published checkpoint.
    pub(super) fn write_cosigned(&mut self, cosigned: &Note) -> Result<(), LogError> {
        let published = self.published.as_mut().ok_or(LogError::OtherCheckpoint)?;
        if published.note.text() != cosigned.text() {
            return Err(LogError::OtherCheckpoint);
        }
        let mut note = published.note.clone();
        for signature in cosigned.signatures() {
            note.add(signature.clone()).map_err(|_| LogError::OtherCheckpoint)?;
        }
        let mut desk = Desk { root: &self.public, folders: BTreeSet::new() };
        desk.put(CHECKPOINT_NAME, note.to_string().as_bytes())?;
        desk.sync()?;
        published.note = note;
        Ok(())
    }

    /// Removes partial tiles and bundles whose full ones are published (c2sp.org/tlog-tiles). What
    /// cannot be removed stays: it is superseded, and not wrong.
    fn prune(&self) {
        for tile in self.tiles.keys() {
            let bundle = (tile.level() == 0).then(|| tile.bundle_path());
            for path in bundle.into_iter().chain([tile.path()]) {
                let partial = self.public.join(format!("{path}.p"));
                match fs::remove_dir_all(&partial) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => {
                        tracing::warn!(folder = %partial.display(), %error, "cannot remove");
                    }
                }
            }
        }
    }
}

/// Puts files into the public folder.
struct Desk<'r> {
    root: &'r Path,
    /// Folders whose names are not durable yet.
    folders: BTreeSet<PathBuf>,
}

impl Desk<'_> {
    fn begin(&mut self) -> Result<(), LogError> {
        if !self.root.is_dir() {
            fs::create_dir_all(self.root).map_err(|e| LogError::io("make", self.root, e))?;
            if let Some(parent) = self.root.parent().filter(|it| !it.as_os_str().is_empty()) {
                sync_folder(parent)?;
            }
        }
        Ok(())
    }

    /// Puts a file in its place in one step, so that nobody reads half of it.
    fn put(&mut self, name: &str, octets: &[u8]) -> Result<(), LogError> {
        let path = self.root.join(name);
        let fault = |action| {
            let path = path.clone();
            move |error| LogError::io(action, path, error)
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(fault("make the folder of"))?;
            let inside = folder.ancestors().take_while(|it| it.starts_with(self.root));
            self.folders.extend(inside.map(Path::to_owned));
        }
        let new = self.root.join(format!("{name}{NEW_SUFFIX}"));
        let mut file = File::create(&new).map_err(fault("make"))?;
        file.write_all(octets).map_err(fault("write"))?;
        file.sync_all().map_err(fault("sync"))?;
        fs::rename(&new, &path).map_err(fault("name"))
    }

    /// Makes the names of all files put so far durable.
    fn sync(&mut self) -> Result<(), LogError> {
        // The deepest first: a name is durable when the folders above it are.
        for folder in self.folders.iter().rev() {
            sync_folder(folder)?;
        }
        self.folders.clear();
        Ok(())
    }
}

/// Name of the checkpoint in the public folder (c2sp.org/tlog-tiles).
pub(super) const CHECKPOINT_NAME: &str = "checkpoint";
const NEW_SUFFIX: &str = ".new";

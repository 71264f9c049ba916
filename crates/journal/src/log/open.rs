//! What is found when the log is opened: the published tiles, and the records after them.

use super::{
    LogError, Mask, Options, Recovered,
    book::{self, Book, Nodes, PublicFolder, Published, Tiles},
    publish::CHECKPOINT_NAME,
    record::{self, Body, HEADER_OCTETS, Record, State},
    wal::{self, Folder, Shelf as _, Wal},
};
use crate::{LEAF_OCTETS, Torn};
use std::{path::Path, sync::Arc};
use tlog::{
    Author, CannotResume, Checkpoint, Directory as _, Hash, Head, Note, Policy, Signer, Tile, Tree,
    Unverified, Verifier, audit, bundle, limits::TILE_WIDTH,
};

/// What the writer goes on with.
pub(super) struct Opened {
    pub(super) book: Book,
    pub(super) wal: Box<dyn Wal>,
    /// How many octets of it are durable.
    pub(super) end: u64,
    pub(super) recovered: Recovered,
}

/// Reads the log in the folders of `options`, or begins one there. The lease is not yet ours.
pub(super) fn open(
    options: &Options,
    folder: &mut Folder,
    signer: Signer,
) -> Result<Opened, LogError> {
    folder.remove_unfinished()?;
    let published = published(&options.public, signer.verifier())?;
    let segments = wal::list(&options.private)?;
    if segments.is_empty() {
        return match published {
            Some(published) => Err(LogError::RolledBack { published: published.size(), kept: 0 }),
            None => begin(options, folder, signer),
        };
    }
    let size = published.as_ref().map_or(0, Checkpoint::size);
    let start = segments.partition_point(|(first, _)| *first <= size).checked_sub(1);
    let Some(start) = start else {
        let file = segments.first().map(|(_, path)| path.clone()).unwrap_or_default();
        return Err(LogError::SegmentMissing { missing: 0, file });
    };
    let mut walk = Walk::new(options, published)?;
    let mut recovered = Recovered::default();
    let mut end = None;
    for (index, (first, path)) in segments.iter().enumerate().skip(start) {
        let is_last = index + 1 == segments.len();
        let is_first = index == start;
        let (octets, last) = walk.segment(path, *first, is_first)?;
        let whole = last.end;
        if whole < octets.len() {
            let what = match record::damage_at(&octets, whole) {
                Some(what) => Some(what),
                None => (!is_last).then_some("it ends in the middle of a record"),
            };
            if let Some(what) = what {
                let (file, offset) = (path.clone(), whole as u64);
                return Err(LogError::Damaged { file, offset, what });
            }
            let octets = (octets.len() - whole) as u64;
            recovered.torn = Some(Torn { file: path.clone(), offset: whole as u64, octets });
        }
        if is_last {
            let record = octets.get(last).unwrap_or_default();
            end = Some((folder.resume(path, *first, record, whole as u64)?, whole as u64));
        }
    }
    let (path, Some((wal, end))) = (&options.public, end) else { return Err(LogError::Closed) };
    let book = walk.finish(path, wal.path(), end, signer)?;
    recovered.size = book.size();
    recovered.published = book.published_size();
    Ok(Opened { book, wal, end, recovered })
}

/// Begins a log without entries.
fn begin(options: &Options, folder: &mut Folder, signer: Signer) -> Result<Opened, LogError> {
    let verifier = signer.verifier().clone();
    let author = Author::begin(signer).map_err(|error| wrong_key(&options.private, &error))?;
    let note = author.sign().map_err(|error| wrong_key(&options.private, &error))?;
    let checkpoint = Checkpoint::verified(note.clone(), &verifier, &Policy::LOG_ALONE)
        .map_err(|error| wrong_key(&options.private, &error))?;
    let record = Record {
        first: 0,
        term: FIRST_TERM,
        body: Body::State(State::default()),
        checkpoint: note.to_string().into_bytes(),
    };
    let octets = record.encode()?;
    let wal = folder.create(0, &octets)?;
    let book = Book {
        author,
        checkpoint: Arc::new(checkpoint),
        nodes: Nodes::new(),
        term: FIRST_TERM,
        time: 0,
        published: None,
        public: options.public.clone(),
        mask: options.mask.clone(),
        leaves: Vec::new(),
        tiles: Tiles::new(),
    };
    let end = (HEADER_OCTETS + octets.len()) as u64;
    Ok(Opened { book, wal, end, recovered: Recovered::default() })
}

/// The checkpoint in the public folder, when there is one.
fn published(public: &Path, verifier: &Verifier) -> Result<Option<Checkpoint>, LogError> {
    let octets = PublicFolder(public).read(CHECKPOINT_NAME);
    let octets = octets.map_err(|error| damaged(public, &error))?;
    let Some(octets) = octets else { return Ok(None) };
    let note = Note::parse(&octets).map_err(|error| damaged(public, &error))?;
    match Checkpoint::verified(note, verifier, &Policy::LOG_ALONE) {
        Ok(checkpoint) => Ok(Some(checkpoint)),
        Err(error @ Unverified::Text(_)) => Err(damaged(public, &error)),
        Err(error) => Err(wrong_key(&public.join(CHECKPOINT_NAME), &error)),
    }
}

/// What the records read so far amount to.
struct Walk {
    tree: Tree,
    /// Entries before the next record.
    next: u64,
    nodes: Nodes,
    term: u64,
    time: i64,
    /// The checkpoint of the last record, as it was signed.
    checkpoint: Vec<u8>,
    published: Option<Checkpoint>,
    /// Whether the record that ends where the published log ends was found.
    joined: bool,
    mask: Mask,
    leaves: Vec<[u8; LEAF_OCTETS]>,
    tiles: Tiles,
}

impl Walk {
    /// Begins with the published tree.
    fn new(options: &Options, published: Option<Checkpoint>) -> Result<Self, LogError> {
        let public = &options.public;
        let folder = PublicFolder(public);
        let (mut tree, mut leaves) = (Tree::new(), Vec::new());
        if let Some(checkpoint) = &published {
            let loaded = Tree::load(checkpoint.size(), &folder);
            tree = loaded.map_err(|error| damaged(public, &error))?;
            leaves = open_bundle(public, &tree)?;
            if tree.root() != checkpoint.root() {
                // Which tile it is, a whole audit tells.
                let why = match audit(&folder, checkpoint, None, &mut |_, _| {}) {
                    Err(fault) => fault.to_string(),
                    Ok(_) => "its tiles changed while they were read".to_owned(),
                };
                return Err(damaged(public, &why));
            }
        }
        Ok(Self {
            tree,
            next: 0,
            nodes: Nodes::new(),
            term: 0,
            time: 0,
            checkpoint: Vec::new(),
            joined: published.is_none(),
            published,
            mask: options.mask.clone(),
            leaves,
            tiles: Tiles::new(),
        })
    }

    /// Reads one segment. Gives its octets and where in them the last whole record is.
    fn segment(
        &mut self,
        path: &Path,
        first: u64,
        is_first: bool,
    ) -> Result<(Vec<u8>, std::ops::Range<usize>), LogError> {
        let octets = wal::read(path, first)?;
        if is_first {
            self.next = first;
        } else if self.next != first {
            let file = path.to_owned();
            return Err(LogError::SegmentMissing { missing: self.next, file });
        }
        let mut last = HEADER_OCTETS..HEADER_OCTETS;
        while let Some((record, end)) = record::record_at(&octets, last.end) {
            let at = last.end;
            let fault = |what| LogError::Damaged { file: path.to_owned(), offset: at as u64, what };
            if at == HEADER_OCTETS && is_first {
                self.begin_with(&record).map_err(fault)?;
            }
            self.record(record)?.map_err(fault)?;
            last = at..end;
        }
        if last.is_empty() {
            let (file, offset) = (path.to_owned(), HEADER_OCTETS as u64);
            let what = "its first record does not hold";
            return Err(LogError::Damaged { file, offset, what });
        }
        Ok((octets, last))
    }

    /// Takes over what stands at the beginning of the first segment that is read.
    fn begin_with(&mut self, record: &Record) -> Result<(), &'static str> {
        let Body::State(state) = &record.body else { return Err("it does not begin with a state") };
        self.nodes.clone_from(&state.nodes);
        Ok(())
    }

    /// Takes over a record. What is wrong with it is the inner error.
    fn record(&mut self, record: Record) -> Result<Result<(), &'static str>, LogError> {
        if record.first != self.next {
            return Ok(Err("its entries are not the ones that come next"));
        }
        if record.term < self.term {
            return Ok(Err("it was written under a lease that had ended"));
        }
        self.term = record.term;
        let published = self.published.as_ref().map_or(0, Checkpoint::size);
        let (first, next) = (record.first, record.next());
        if first < published && published < next {
            return Err(LogError::Forked { size: published });
        }
        match record.body {
            Body::State(state) => {
                if state.nodes != self.nodes {
                    return Ok(Err("it counts the entries of nodes otherwise"));
                }
                self.time = self.time.max(state.time);
            }
            Body::Entries(entries) => {
                for entry in entries {
                    if !book::count(&mut self.nodes, &entry.leaf).unwrap_or(false) {
                        return Ok(Err("an entry of it does not follow the last of its node"));
                    }
                    if next > published {
                        let leaf = self.mask.of(&entry.leaf);
                        self.leaves.push(leaf);
                        let filled = self.tree.append(Hash::leaf(&leaf));
                        self.tiles.extend(filled.into_iter().map(|it| (it.tile, it.hashes)));
                    }
                }
            }
        }
        self.next = next;
        self.checkpoint = record.checkpoint;
        let Some(head) = head(&self.checkpoint) else { return Ok(Err("it has no checkpoint")) };
        let kept = (head.size, head.root);
        if next == published && published > 0 {
            if self.published.as_ref().is_some_and(|it| kept != (it.size(), it.root())) {
                return Err(LogError::Forked { size: published });
            }
            self.joined = true;
        }
        if next >= published && kept != (self.tree.size(), self.tree.root()) {
            return Ok(Err("its checkpoint is not that of its entries"));
        }
        Ok(Ok(()))
    }

    /// Makes the book of what was read, if it may be written on.
    fn finish(self, public: &Path, wal: &Path, end: u64, signer: Signer) -> Result<Book, LogError> {
        let published = self.published.as_ref().map_or(0, Checkpoint::size);
        if !self.joined {
            return Err(LogError::RolledBack { published, kept: self.next });
        }
        let verifier = signer.verifier().clone();
        let checkpoint = Checkpoint::read(&self.checkpoint, &verifier, &Policy::LOG_ALONE)
            .map_err(|error| wrong_key(wal, &error))?;
        let author =
            Author::resume(self.tree, &checkpoint, signer).map_err(|error| match error {
                CannotResume::NoLogKey | CannotResume::Origin { .. } => wrong_key(wal, &error),
                CannotResume::Tree { .. } => {
                    let what = "its last checkpoint is not that of its entries";
                    LogError::Damaged { file: wal.to_owned(), offset: end, what }
                }
            })?;
        Ok(Book {
            author,
            checkpoint: Arc::new(checkpoint),
            nodes: self.nodes,
            term: self.term,
            time: self.time,
            published: self
                .published
                .map(|it| Published { size: it.size(), note: it.note().clone() }),
            public: public.to_owned(),
            mask: self.mask,
            leaves: self.leaves,
            tiles: self.tiles,
        })
    }
}

/// The entries of the published bundle that is not full.
fn open_bundle(public: &Path, tree: &Tree) -> Result<Vec<[u8; LEAF_OCTETS]>, LogError> {
    let Some(tile) = Tile::partial(0, tree.size()) else { return Ok(Vec::new()) };
    let path = tile.bundle_path();
    let folder = PublicFolder(public);
    let mut held = folder.read(&path).map_err(|error| damaged(public, &error))?;
    if held.is_none() {
        held = folder.read(&tile.filled().bundle_path()).map_err(|e| damaged(public, &e))?;
    }
    let octets = held.ok_or_else(|| damaged(public, &format!("`{path}` is missing")))?;
    let edge = tree.edge();
    let hashes = edge.iter().find(|it| it.tile == tile).map(|it| it.hashes.as_slice());
    let first = tile.index() * u64::from(TILE_WIDTH);
    let mut entries = bundle::entries(&octets);
    let mut leaves = Vec::new();
    for (hash, index) in hashes.unwrap_or_default().iter().zip(first..) {
        let leaf: Option<[u8; LEAF_OCTETS]> =
            entries.next().and_then(Result::ok).and_then(|it| it.try_into().ok());
        match leaf {
            Some(leaf) if Hash::leaf(&leaf) == *hash => leaves.push(leaf),
            Some(_) | None => {
                let why = format!("entry {index} in `{path}` does not match `{}`", tile.path());
                return Err(damaged(public, &why));
            }
        }
    }
    Ok(leaves)
}

fn head(checkpoint: &[u8]) -> Option<Head> {
    Head::parse(Note::parse(checkpoint).ok()?.text()).ok()
}

fn damaged(public: &Path, why: &dyn std::fmt::Display) -> LogError {
    LogError::PublicDamaged { folder: public.to_owned(), why: why.to_string() }
}

fn wrong_key(path: &Path, why: &dyn std::fmt::Display) -> LogError {
    LogError::WrongKey { path: path.to_owned(), why: why.to_string() }
}

const FIRST_TERM: u64 = 1;

//! What a restored log is, beside what others have seen of it.

use std::{collections::BTreeSet, fs, ops::ControlFlow, path::Path};

use anyhow::{Context, Result, anyhow, bail};
use evidence::{AuditKey, Statement, leaf};
use journal::LEAF_OCTETS;
use model::RecordingId;
use tlog::{Checkpoint, Hash, Policy, Tree, Verifier};

use crate::{
    audit::{Folder, read_log},
    data::Data,
};

/// What entries say must not come back.
#[derive(Clone, Default)]
pub(super) struct Gone {
    /// Recordings that are erased.
    pub(super) recordings: BTreeSet<RecordingId>,
    /// Recorded names that are removed: SHA-256 of their sealed files.
    pub(super) names: BTreeSet<[u8; 32]>,
}

/// Somebody's word of the log: a signed checkpoint, and what it was read with.
pub(super) struct Seen {
    pub(super) checkpoint: Checkpoint,
    /// What is gone by entries that were there to read.
    pub(super) gone: Gone,
}

impl Gone {
    /// Takes note of the same, read elsewhere.
    pub(super) fn add(&mut self, other: Self) {
        self.recordings.extend(other.recordings);
        self.names.extend(other.names);
    }

    /// Takes note of what an entry says.
    fn note(&mut self, leaf: &[u8; LEAF_OCTETS], key: &AuditKey) {
        let Ok(read) = leaf::read(leaf, key) else { return };
        match read.said.what {
            Statement::Erase { recording, .. } => {
                self.recordings.insert(recording);
            }
            Statement::NameRemoved { sha256 } => {
                self.names.insert(sha256);
            }
            Statement::Padding
            | Statement::Boot { .. }
            | Statement::RegistryEpoch { .. }
            | Statement::Removal { .. }
            | Statement::Tariff { .. }
            | Statement::Admission { .. }
            | Statement::Consent { .. }
            | Statement::RecordingStarted { .. }
            | Statement::RecordingEnded { .. }
            | Statement::NotRecorded { .. }
            | Statement::Quarantine { .. }
            | Statement::Hold { .. }
            | Statement::Retention { .. }
            | Statement::Kill { .. }
            | Statement::PolicyChange { .. }
            | Statement::StaffChange { .. }
            | Statement::Disclosure { .. }
            | Statement::Approval { .. }
            | Statement::Denial { .. }
            | Statement::BreakGlass { .. }
            | Statement::Review { .. }
            | Statement::Inquiry { .. }
            | Statement::Dialled { .. }
            | Statement::NameRecorded { .. }
            | Statement::NameHeard { .. }
            | Statement::NameApproved { .. }
            | Statement::Delivered { .. }
            | Statement::RecordsErased { .. }
            | Statement::SegmentsOpened { .. }
            | Statement::DetailsErased { .. }
            | Statement::Closing { .. } => {}
        }
    }
}

/// Reads what is given with `--since`: a checkpoint, a published log, or a log's own folder.
pub(super) fn read_seen(path: &Path, verifier: &Verifier, key: &AuditKey) -> Result<Seen> {
    let unfit = || format!("`{}` cannot be used", path.display());
    let signed = |octets: &[u8]| Checkpoint::read(octets, verifier, &Policy::LOG_ALONE);
    let mut gone = Gone::default();
    if !path.is_dir() {
        let octets = fs::read(path).with_context(unfit)?;
        return Ok(Seen { checkpoint: signed(&octets).with_context(unfit)?, gone });
    }
    if path.join("checkpoint").is_file() {
        let octets = fs::read(path.join("checkpoint")).with_context(unfit)?;
        let checkpoint = signed(&octets).with_context(unfit)?;
        read_log(&Folder(path.to_owned()), verifier, &mut |_, octets| {
            if let Ok(masked) = octets.try_into() {
                gone.note(&leaf::masked(masked, key), key);
            }
        })
        .with_context(unfit)?;
        return Ok(Seen { checkpoint, gone });
    }
    let standing = journal::log::look(path).with_context(unfit)?;
    let standing = standing.ok_or_else(|| anyhow!("there is no log")).with_context(unfit)?;
    journal::log::replay_log(path, 0, |entry| {
        gone.note(&entry.leaf, key);
        ControlFlow::Continue(())
    })
    .with_context(unfit)?;
    Ok(Seen { checkpoint: signed(&standing.checkpoint).with_context(unfit)?, gone })
}

/// A log as it was restored, read whole.
pub(super) struct History {
    /// How many entries it has; every one follows from the last signed checkpoint.
    pub(super) entries: u64,
    /// What it says is gone.
    pub(super) gone: Gone,
    /// The root it had at each size that was asked for.
    roots: Vec<(u64, Hash)>,
}

impl History {
    /// Reads the log of `data` and checks it against its own last checkpoint, which its key signed;
    /// `None` when it has not begun.
    ///
    /// # Errors
    /// When it is not what was signed.
    pub(super) fn read(
        data: &Data,
        verifier: &Verifier,
        key: &AuditKey,
        seen: &[Seen],
    ) -> Result<Option<Self>> {
        let private = data.log_private();
        let Some(standing) = journal::log::look(&private).context("the log cannot be read")? else {
            return Ok(None);
        };
        let last = Checkpoint::read(&standing.checkpoint, verifier, &Policy::LOG_ALONE)
            .context("the log's last checkpoint is not signed by its key")?;
        let mut walk =
            Walk { tree: Tree::new(), seen, key, roots: Vec::new(), gone: Gone::default() };
        let folder = Folder(data.log_public());
        let published = read_log(&folder, verifier, &mut |_, octets| {
            if let Ok(masked) = octets.try_into() {
                walk.take(masked);
            }
        })?;
        journal::log::replay_log(&private, published, |entry| {
            walk.take(&leaf::masked(&entry.leaf, key));
            ControlFlow::Continue(())
        })
        .context("the log's own files cannot be read")?;
        let Walk { tree, roots, gone, .. } = walk;
        if (tree.size(), tree.root()) != (last.size(), last.root()) {
            bail!("the log's entries are not those that its last checkpoint signed");
        }
        Ok(Some(Self { entries: tree.size(), gone, roots }))
    }

    /// Says whether the log may be written on, as far as these have seen it.
    pub(super) fn judge(&self, seen: &[Seen]) -> Growth {
        let newest = seen.iter().max_by_key(|it| it.checkpoint.size());
        let Some(newest) = newest else { return Growth::NotShown };
        for Seen { checkpoint, .. } in seen {
            let size = checkpoint.size();
            let root = self.roots.iter().find(|(at, _)| *at == size).map(|(_, root)| *root);
            if size <= self.entries && size > 0 && root != Some(checkpoint.root()) {
                return Growth::Forked { size };
            }
        }
        match newest.checkpoint.size() {
            seen if seen > self.entries => Growth::Lost { seen, kept: self.entries },
            seen => Growth::GoesOn { seen },
        }
    }
}

/// Whether a restored log may be written on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Growth {
    /// It begins with everything that was shown.
    GoesOn {
        /// Entries of the newest checkpoint that was shown.
        seen: u64,
    },
    /// Nobody's checkpoint was shown.
    NotShown,
    /// Others have seen entries that are lost.
    Lost {
        /// Entries that were seen.
        seen: u64,
        /// Entries that there are.
        kept: u64,
    },
    /// Others have seen other entries.
    Forked {
        /// Up to where it was seen otherwise.
        size: u64,
    },
}

struct Walk<'a> {
    tree: Tree,
    seen: &'a [Seen],
    key: &'a AuditKey,
    roots: Vec<(u64, Hash)>,
    gone: Gone,
}

impl Walk<'_> {
    /// Takes the next leaf, as it is published.
    fn take(&mut self, masked: &[u8; LEAF_OCTETS]) {
        self.tree.append(Hash::leaf(masked));
        let size = self.tree.size();
        if self.seen.iter().any(|it| it.checkpoint.size() == size) {
            self.roots.push((size, self.tree.root()));
        }
        self.gone.note(&leaf::masked(masked, self.key), self.key);
    }
}

//! Who writes a log: the tree, the key, and the last word given.

use crate::{
    Checkpoint, Hash, Head, KeyKind, Note, Signer, TileHashes, Tree, Unsigned, Verifier,
    bundle::TooLong, limits::ENTRY_OCTETS_MAX,
};
use alloc::{
    string::{String, ToString as _},
    vec::Vec,
};

/// The writer's half of a log. It signs only what follows from what it signed before.
///
/// It keeps nothing itself: entries, tiles and checkpoints are stored by whoever holds it, and
/// a checkpoint goes to nobody before what it covers is durable.
#[derive(Debug)]
pub struct Author {
    signer: Signer,
    tree: Tree,
}

impl Author {
    /// Begins a log that has no entry. Its origin is the name of the key.
    ///
    /// # Errors
    /// When the key is a witness's.
    pub fn begin(signer: Signer) -> Result<Self, CannotResume> {
        match signer.verifier().kind() {
            KeyKind::Log => Ok(Self { signer, tree: Tree::new() }),
            KeyKind::Witness => Err(CannotResume::NoLogKey),
        }
    }

    /// Goes on with a log: `tree` as it is stored, `last` as it was signed last.
    ///
    /// # Errors
    /// When they do not belong together. Then nothing may be signed: a second history under one
    /// key is what a log must never have.
    pub fn resume(tree: Tree, last: &Checkpoint, signer: Signer) -> Result<Self, CannotResume> {
        let author = Self::begin(signer)?;
        let key = author.signer.verifier().name();
        if last.origin() != key {
            let (origin, key) = (last.origin().to_string(), key.to_string());
            return Err(CannotResume::Origin { origin, key });
        }
        if (tree.size(), tree.root()) != (last.size(), last.root()) {
            let (stored, signed) = (tree.size(), last.size());
            return Err(CannotResume::Tree { stored, signed });
        }
        Ok(Self { tree, ..author })
    }

    /// The tree with all that was appended.
    #[must_use]
    pub const fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Appends an entry. Returns the tiles it filled, as [`Tree::append`] does; the entry's own
    /// place is [`Tree::size`] before.
    ///
    /// # Errors
    /// When it does not fit a bundle; then nothing was appended.
    pub fn append(&mut self, entry: &[u8]) -> Result<Vec<TileHashes>, TooLong> {
        if entry.len() > ENTRY_OCTETS_MAX {
            return Err(TooLong);
        }
        Ok(self.tree.append(Hash::leaf(entry)))
    }

    /// Signs the tree as it is: the note of a checkpoint. As the tree only ever grew from the one
    /// signed last, it is consistent with that.
    ///
    /// It is a note like anybody's: what rests on a checkpoint asks [`Checkpoint::verified`], with
    /// the witnesses it wants.
    ///
    /// # Errors
    /// None that [`Author::begin`] let pass.
    pub fn sign(&self) -> Result<Note, Unsigned> {
        self.sign_tree(&self.tree)
    }

    /// Says and signs what the log would be with `entries` added. The author stays as it is until
    /// [`Author::accept`], so that what could not be stored was never there.
    ///
    /// Two proposals from the same tree are two histories: whoever makes a second one has made sure
    /// that the first is stored nowhere.
    ///
    /// # Errors
    /// When an entry does not fit a bundle.
    pub fn propose<'e>(
        &self,
        entries: impl IntoIterator<Item = &'e [u8]>,
    ) -> Result<Proposal, CannotPropose> {
        let mut tree = self.tree.clone();
        let mut filled = Vec::new();
        for entry in entries {
            if entry.len() > ENTRY_OCTETS_MAX {
                return Err(CannotPropose::TooLong(TooLong));
            }
            filled.append(&mut tree.append(Hash::leaf(entry)));
        }
        let note = self.sign_tree(&tree)?;
        Ok(Proposal { base: (self.tree.size(), self.tree.root()), tree, filled, note })
    }

    /// Takes over a proposal, which is stored by now. Returns the tiles it filled.
    ///
    /// # Errors
    /// When something else was appended since it was made; then nothing is taken over.
    pub fn accept(&mut self, proposal: Proposal) -> Result<Vec<TileHashes>, CannotResume> {
        if proposal.base != (self.tree.size(), self.tree.root()) {
            let (stored, signed) = (self.tree.size(), proposal.base.0);
            return Err(CannotResume::Tree { stored, signed });
        }
        self.tree = proposal.tree;
        Ok(proposal.filled)
    }

    /// The public half of the key.
    #[must_use]
    pub const fn verifier(&self) -> &Verifier {
        self.signer.verifier()
    }

    fn sign_tree(&self, tree: &Tree) -> Result<Note, Unsigned> {
        let head = Head {
            origin: self.signer.verifier().name().to_string(),
            size: tree.size(),
            root: tree.root(),
            extensions: Vec::new(),
        };
        Note::sign(&head.to_string(), &self.signer)
    }
}

/// A log with entries added and signed that is not its author's yet.
#[derive(Debug)]
pub struct Proposal {
    /// Size and root that it grew from.
    base: (u64, Hash),
    tree: Tree,
    filled: Vec<TileHashes>,
    note: Note,
}

impl Proposal {
    /// Its checkpoint, signed.
    #[must_use]
    pub const fn note(&self) -> &Note {
        &self.note
    }
}

/// Why entries cannot be proposed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotPropose {
    /// One does not fit a bundle.
    #[error(transparent)]
    TooLong(#[from] TooLong),
    /// The key does not sign.
    #[error(transparent)]
    Unsigned(#[from] Unsigned),
}

/// Why a log cannot be written on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotResume {
    /// The key is a witness's.
    #[error("the key is that of a witness; a log signs with one of its own")]
    NoLogKey,
    /// The key is another log's.
    #[error("the last checkpoint is of log `{origin}`, the key is of `{key}`")]
    Origin {
        /// Whose checkpoint it is.
        origin: String,
        /// Whose key it is.
        key: String,
    },
    /// The tiles do not give what was signed.
    #[error("the stored log of {stored} entries is not the one signed last, of {signed}")]
    Tree {
        /// Entries stored.
        stored: u64,
        /// Entries signed.
        signed: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Policy,
        testing::{Folder, entry, log_key, witness_key},
    };
    use std::vec;

    #[test]
    fn an_author_goes_on_only_from_what_was_signed_last() {
        let mut folder = Folder::of(300);
        let last = folder.checkpoint();
        let mut author =
            Author::resume(Tree::load(300, &folder).unwrap(), &last, log_key()).unwrap();
        author.append(&entry(300)).unwrap();
        let again = author.sign().unwrap();
        let again = Checkpoint::verified(again, log_key().verifier(), &Policy::LOG_ALONE).unwrap();
        let crossing = crate::Consistency::prove(300, 301, &Folder::of(301)).unwrap();
        assert_eq!(crossing.verify(&last, &again), Ok(()));
        assert_eq!(again, Folder::of(301).checkpoint());

        let other = Signer::from_seed("other.example/log", KeyKind::Log, &[2; 32]).unwrap();
        let tree = || Tree::load(300, &folder).unwrap();
        assert!(matches!(Author::resume(tree(), &last, other), Err(CannotResume::Origin { .. })));
        assert!(matches!(
            Author::resume(tree(), &last, witness_key(1)),
            Err(CannotResume::NoLogKey)
        ));
        let ahead = Author::resume(tree(), &again, log_key()).unwrap_err();
        assert_eq!(ahead, CannotResume::Tree { stored: 300, signed: 301 });
        folder.change("tile/0/001.p/44", |octets| octets[0] ^= 1);
        let damaged = Author::resume(Tree::load(300, &folder).unwrap(), &last, log_key());
        assert_eq!(damaged.unwrap_err(), CannotResume::Tree { stored: 300, signed: 300 });
    }

    #[test]
    fn an_entry_too_long_for_a_bundle_is_not_appended() {
        let mut author = Author::begin(log_key()).unwrap();
        assert!(author.append(&vec![0; 65_536]).is_err());
        assert_eq!(author.tree().size(), 0);
        assert_eq!(author.tree().root(), Hash::EMPTY_TREE);
        assert!(author.append(&vec![0; 65_535]).is_ok());
        assert_eq!(author.tree().size(), 1);
    }

    #[test]
    fn a_proposal_is_nothing_until_it_is_accepted() {
        let mut author = Author::begin(log_key()).unwrap();
        let entries: Vec<_> = (0..300).map(entry).collect();
        let proposal = author.propose(entries.iter().map(Vec::as_slice)).unwrap();
        assert_eq!(author.tree().size(), 0);
        let stale = author.propose([entry(7).as_slice()]).unwrap();
        let read = |note: &Note| {
            let key = log_key();
            Checkpoint::verified(note.clone(), key.verifier(), &Policy::LOG_ALONE).unwrap()
        };
        assert_eq!(read(proposal.note()), Folder::of(300).checkpoint());
        assert_eq!(author.accept(proposal).unwrap().len(), 1);
        assert_eq!(read(&author.sign().unwrap()), Folder::of(300).checkpoint());
        assert!(matches!(author.accept(stale), Err(CannotResume::Tree { stored: 300, .. })));
        assert_eq!(author.tree().size(), 300);
        let long = vec![0; 65_536];
        assert!(matches!(author.propose([long.as_slice()]), Err(CannotPropose::TooLong(_))));
    }
}

use super::*;
use crate::testing::{Folder, leaf, log_key, witness_key};
use std::{
    format,
    string::{String, ToString as _},
    vec,
};

fn file(size: u64, index: u64) -> ProofFile {
    let folder = Folder::of(size);
    ProofFile::new(Inclusion::prove(index, size, &folder).unwrap(), &folder.checkpoint())
}

fn check(text: &str, leaf: Hash) -> Result<(), Refuted> {
    let file = ProofFile::parse(text.as_bytes()).unwrap();
    file.verify(leaf, log_key().verifier(), &Policy::LOG_ALONE).map(|_| ())
}

#[test]
fn a_proof_file_proves_by_itself() {
    for (size, index) in [(1, 0), (2, 1), (300, 0), (300, 299)] {
        let text = file(size, index).to_string();
        assert!(text.starts_with(&format!("c2sp.org/tlog-proof@v1\nindex {index}\n")), "{text}");
        assert_eq!(ProofFile::parse(text.as_bytes()).unwrap(), file(size, index));
        assert_eq!(check(&text, leaf(index)), Ok(()));
        assert_eq!(check(&text, leaf(index + 1)), Err(Refuted::Unproven(Unproven::Root)));
    }
}

#[test]
fn what_stands_beside_the_proof_is_carried_along() {
    for extra in [vec![], b"a salt".to_vec()] {
        let file = file(5, 3).with_extra(extra.clone()).unwrap();
        let read = ProofFile::parse(file.to_string().as_bytes()).unwrap();
        assert_eq!(read.extra(), Some(extra.as_slice()));
        assert_eq!(read, file);
    }
    assert_eq!(file(5, 3).extra(), None);
    let long = vec![0; EXTRA_OCTETS_MAX + 1];
    assert_eq!(file(5, 3).with_extra(long), Err(NotAProofFile::Extra));
}

#[test]
fn the_policy_is_the_readers() {
    let folder = Folder::of(5);
    let checkpoint = folder.checkpoint();
    let policy = Policy::quorum(1, vec![witness_key(1).verifier().clone()]).unwrap();
    let inclusion = Inclusion::prove(3, 5, &folder).unwrap();
    let bare = ProofFile::new(inclusion.clone(), &checkpoint);
    let verify = |file: &ProofFile| file.verify(leaf(3), log_key().verifier(), &policy);
    assert!(matches!(verify(&bare), Err(Refuted::Unverified(Unverified::Quorum { .. }))));
    let mut note = checkpoint.note().clone();
    note.add(checkpoint.cosign(&witness_key(1), 7).unwrap()).unwrap();
    let seen = Checkpoint::verified(note, log_key().verifier(), &policy).unwrap();
    let (included, checkpoint) = verify(&ProofFile::new(inclusion, &seen)).unwrap();
    assert_eq!((included.index(), included.size()), (3, 5));
    assert_eq!(checkpoint, seen);
}

#[test]
fn hostile_files_are_refused_with_what_is_wrong() {
    let good = file(5, 3).to_string();
    let hash = leaf(0).to_string();
    let with = |old: &str, new: &str| good.replacen(old, new, 1);
    for (text, error) in [
        (String::new(), NotAProofFile::Shape),
        (with("@v1", "@v2"), NotAProofFile::Header),
        (with("\n\n", "\n"), NotAProofFile::Path),
        (with("index 3\n", ""), NotAProofFile::Index),
        (with("index 3", "index 03"), NotAProofFile::Index),
        (with("index 3", "index  3"), NotAProofFile::Index),
        (with("index 3", "extra AA\nindex 3"), NotAProofFile::Extra),
        (with("index 3", "extra AA==\nextra AA==\nindex 3"), NotAProofFile::Index),
        (with("index 3\n", "index 3\nAA==\n"), NotAProofFile::Path),
        (
            with("index 3\n", &format!("index 3\n{}", format!("{hash}\n").repeat(64))),
            NotAProofFile::Path,
        ),
        (with("— county", "— coun+y"), NotAProofFile::Note(NotANote::SignatureLine)),
        ("a".repeat(PROOF_FILE_OCTETS_MAX + 1), NotAProofFile::TooLong),
    ] {
        assert_eq!(ProofFile::parse(text.as_bytes()), Err(error), "{:.200}", text);
    }
    assert_eq!(ProofFile::parse(&[0xff]), Err(NotAProofFile::Header));
    // Read, and refuted.
    assert_eq!(check(&with("index 3", "index 2"), leaf(3)), Err(Refuted::Unproven(Unproven::Root)));
    assert_eq!(
        check(&with("index 3", "index 5"), leaf(3)),
        Err(Refuted::Unproven(Unproven::OutOfRange { index: 5, size: 5 }))
    );
    let longer = with("index 3\n", &format!("index 3\n{hash}\n"));
    assert_eq!(check(&longer, leaf(3)), Err(Refuted::Unproven(Unproven::Length)));
    let resized = with("\n5\n", "\n6\n");
    assert!(matches!(check(&resized, leaf(3)), Err(Refuted::Unverified(Unverified::Unsigned(_)))));
}

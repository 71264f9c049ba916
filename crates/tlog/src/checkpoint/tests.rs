use super::*;
use crate::testing::{Folder, ORIGIN, log_key, witness_key};
use std::{format, vec};

const TIME_S: u64 = 1_800_000_000;

fn log() -> Verifier {
    log_key().verifier().clone()
}

fn witnesses(numbers: &[u8]) -> Vec<Verifier> {
    numbers.iter().map(|&number| witness_key(number).verifier().clone()).collect()
}

/// The note of a checkpoint of five entries, seen by these witnesses.
fn seen_by(numbers: &[u8]) -> Note {
    let checkpoint = Folder::of(5).checkpoint();
    let mut note = checkpoint.note().clone();
    for &number in numbers {
        note.add(checkpoint.cosign(&witness_key(number), TIME_S).unwrap()).unwrap();
    }
    note
}

#[test]
fn a_checkpoint_says_what_was_signed() {
    let folder = Folder::of(5);
    let written = folder.checkpoint().note().to_string();
    let read = Checkpoint::read(written.as_bytes(), &log(), &Policy::LOG_ALONE).unwrap();
    assert_eq!(read, folder.checkpoint());
    assert_eq!((read.origin(), read.size()), (ORIGIN, 5));
    assert_eq!(read.root(), folder.author.tree().root());
    assert_eq!(read.note().text(), format!("{ORIGIN}\n5\n{}\n", read.root()));
}

#[test]
fn heads_are_read_as_they_are_written() {
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    let head = Head {
        origin: "example.com/behind-the-sofa".into(),
        size: 20_852_163,
        root: Hash::parse(root).unwrap(),
        extensions: vec!["a line".into()],
    };
    let text = format!("example.com/behind-the-sofa\n20852163\n{root}\na line\n");
    assert_eq!(head.to_string(), text);
    assert_eq!(Head::parse(&text), Ok(head));
    let empty = format!("a\n0\n{}\n", Hash::EMPTY_TREE);
    assert_eq!(Head::parse(&empty).unwrap().size, 0);
    assert!(Head::parse(&format!("a\n{TREE_SIZE_MAX}\n{root}\n")).is_ok());
}

#[test]
fn hostile_heads_are_refused_with_what_is_wrong() {
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    let lines = "line\n".repeat(EXTENSION_LINES_COUNT_MAX + 1);
    for (text, error) in [
        (String::new(), NotACheckpoint::Lines),
        ("a\n5\n".into(), NotACheckpoint::Lines),
        (format!("a\n5\n{root}"), NotACheckpoint::Lines),
        (format!("\n5\n{root}\n"), NotACheckpoint::Origin),
        (format!("{}\n5\n{root}\n", "a".repeat(256)), NotACheckpoint::Origin),
        (format!("a\n\n{root}\n"), NotACheckpoint::Size),
        (format!("a\n05\n{root}\n"), NotACheckpoint::Size),
        (format!("a\n-5\n{root}\n"), NotACheckpoint::Size),
        (format!("a\n{}\n{root}\n", TREE_SIZE_MAX + 1), NotACheckpoint::Size),
        ("a\n5\nAAAA\n".into(), NotACheckpoint::Root),
        (format!("a\n5\n{root} \n"), NotACheckpoint::Root),
        (format!("a\n0\n{root}\n"), NotACheckpoint::Root),
        (format!("a\n5\n{root}\n\n"), NotACheckpoint::Extensions),
        (format!("a\n5\n{root}\nx\n\ny\n"), NotACheckpoint::Extensions),
        (format!("a\n5\n{root}\n{lines}"), NotACheckpoint::Extensions),
    ] {
        assert_eq!(Head::parse(&text), Err(error), "{text:?}");
    }
}

#[test]
fn a_quorum_counts_the_witnesses_it_names() {
    let check = |needed, named: &[u8], seen: &[u8]| {
        let policy = Policy::quorum(needed, witnesses(named)).unwrap();
        let names =
            |it: Checkpoint| it.witnessed().iter().map(|it| it.name.clone()).collect::<Vec<_>>();
        Checkpoint::verified(seen_by(seen), &log(), &policy).map(names)
    };
    let quorum = |seen, needed| Err(Unverified::Quorum { seen, needed });
    assert_eq!(check(2, &[1, 2, 3], &[]), quorum(0, 2));
    assert_eq!(check(2, &[1, 2, 3], &[2]), quorum(1, 2));
    // Strangers and repetitions do not count.
    assert_eq!(check(2, &[1, 2, 3], &[2, 2, 4, 5]), quorum(1, 2));
    let two = Ok(vec!["witness1.example".to_string(), "witness3.example".to_string()]);
    assert_eq!(check(2, &[1, 2, 3], &[3, 1]), two);
    assert_eq!(check(1, &[1, 2, 3], &[3, 4, 1]), two);
    let policy = Policy::quorum(1, witnesses(&[1])).unwrap();
    let checkpoint = Checkpoint::verified(seen_by(&[1]), &log(), &policy).unwrap();
    assert_eq!(checkpoint.witnessed()[0].time_s, TIME_S);
}

#[test]
fn a_false_word_of_one_witness_condemns_the_checkpoint() {
    let mut note = seen_by(&[1, 2]);
    let other = Folder::of(6).checkpoint().cosign(&witness_key(3), TIME_S).unwrap();
    note.add(other).unwrap();
    let policy = Policy::quorum(2, witnesses(&[1, 2, 3])).unwrap();
    let error = Checkpoint::verified(note.clone(), &log(), &policy).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the checkpoint is not to be relied on: the signature of `witness3.example` is false"
    );
    // Whoever does not know that witness cannot tell.
    let policy = Policy::quorum(2, witnesses(&[1, 2])).unwrap();
    assert!(Checkpoint::verified(note, &log(), &policy).is_ok());
}

#[test]
fn policies_that_mean_nothing_are_refused() {
    let needed = |needed, of| Err(NotAPolicy::Needed { needed, of });
    assert_eq!(Policy::quorum(0, witnesses(&[1])), needed(0, 1));
    assert_eq!(Policy::quorum(2, witnesses(&[1])), needed(2, 1));
    assert_eq!(Policy::quorum(1, vec![]), needed(1, 0));
    let twice = Err(NotAPolicy::Twice("witness1.example".into()));
    assert_eq!(Policy::quorum(1, witnesses(&[1, 2, 1])), twice);
    let renamed = Signer::from_seed("other.example", KeyKind::Witness, &[101; 32]).unwrap();
    let mut keys = witnesses(&[1]);
    keys.push(renamed.verifier().clone());
    assert_eq!(Policy::quorum(2, keys), Err(NotAPolicy::Twice("other.example".into())));
    assert_eq!(Policy::quorum(1, vec![log()]), Err(NotAPolicy::NoWitness(ORIGIN.into())));
    let many: Vec<_> = (0..33).collect();
    assert_eq!(Policy::quorum(1, witnesses(&many)), Err(NotAPolicy::TooMany));
}

#[test]
fn a_log_is_no_witness_of_itself() {
    let itself = Signer::from_seed("friend.example", KeyKind::Witness, &[1; 32]).unwrap();
    let policy = Policy::quorum(1, vec![itself.verifier().clone()]).unwrap();
    let mut note = seen_by(&[]);
    note.add(Folder::of(5).checkpoint().cosign(&itself, TIME_S).unwrap()).unwrap();
    assert_eq!(Checkpoint::verified(note, &log(), &policy), Err(Unverified::WitnessIsLog));
}

#[test]
fn the_key_of_one_log_vouches_for_no_other() {
    let text = Folder::of(5).checkpoint().note().text().to_string();
    let other = Signer::from_seed("other.example/log", KeyKind::Log, &[2; 32]).unwrap();
    let note = Note::sign(&text, &other).unwrap();
    assert_eq!(
        Checkpoint::verified(note, other.verifier(), &Policy::LOG_ALONE).unwrap_err().to_string(),
        "the checkpoint is of log `county.example/log`, the key is of `other.example/log`"
    );
    let witness = witness_key(1).verifier().clone();
    let error = Checkpoint::verified(seen_by(&[1]), &witness, &Policy::LOG_ALONE);
    assert_eq!(error, Err(Unverified::NoLogKey));
    let signed = Note::sign("no checkpoint\n", &log_key()).unwrap();
    let error = Checkpoint::verified(signed, &log(), &Policy::LOG_ALONE);
    assert_eq!(error, Err(Unverified::Text(NotACheckpoint::Lines)));
    let error = Checkpoint::read(b"nothing", &log(), &Policy::LOG_ALONE);
    assert_eq!(error, Err(Unverified::Note(NotANote::Shape)));
}

#[test]
fn only_a_witness_cosigns_and_only_at_a_time() {
    let checkpoint = Folder::of(5).checkpoint();
    assert_eq!(checkpoint.cosign(&log_key(), TIME_S), Err(Unsigned::Kind));
    assert_eq!(checkpoint.cosign(&witness_key(1), 1 << 63), Err(Unsigned::Kind));
}

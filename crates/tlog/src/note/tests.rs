use super::*;
use crate::testing::{log_key, witness_key};
use proptest::prelude::*;
use std::{format, vec};

const TEXT: &str = "Ogni giorno\n\nuna riga\n";

fn note() -> Note {
    Note::sign(TEXT, &log_key()).unwrap()
}

#[test]
fn a_note_is_read_as_it_was_written() {
    let text = note().to_string();
    assert!(text.starts_with(&format!("{TEXT}\n— county.example/log ")), "{text}");
    assert!(text.ends_with("=\n") && !text.ends_with("\n\n"));
    let read = Note::parse(text.as_bytes()).unwrap();
    assert_eq!(read, note());
    assert_eq!(read.text(), TEXT);
    assert_eq!(read.check(log_key().verifier()), Ok(()));
}

/// The notes in the specifications of notes, checkpoints and cosignatures.
#[test]
fn the_notes_of_the_specifications_are_read() {
    for (text, names) in [
        (
            "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\n\
             ed è subito sera.\n\n\
             — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfL\
             W9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n",
            vec!["quasimodo.example/salvatore"],
        ),
        (
            "example.com/behind-the-sofa\n20852163\n\
             CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
             — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4UR\
             YN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
             — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZC\
             B9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n",
            vec!["example.com/behind-the-sofa", "witness.example.com/w1"],
        ),
    ] {
        let note = Note::parse(text.as_bytes()).unwrap();
        assert_eq!(note.to_string(), text);
        let read: Vec<_> = note.signatures().iter().map(Signature::name).collect();
        assert_eq!(read, names);
    }
}

#[test]
fn signatures_of_strangers_are_kept_and_count_for_nothing() {
    let stranger = Signer::from_seed("stranger.example", KeyKind::Log, &[9; 32]).unwrap();
    // Of the same name, but another key, and so another number.
    let namesake = Signer::from_seed("county.example/log", KeyKind::Log, &[8; 32]).unwrap();
    let mut note = note();
    for signer in [&stranger, &namesake] {
        let signature = Note::sign(TEXT, signer).unwrap().signatures()[0].clone();
        note.add(signature.clone()).unwrap();
        note.add(signature).unwrap();
    }
    let note = Note::parse(note.to_string().as_bytes()).unwrap();
    assert_eq!(note.signatures().len(), 3);
    for signer in [&log_key(), &stranger, &namesake] {
        assert_eq!(note.check(signer.verifier()), Ok(()));
    }
    let alone = Note::sign(TEXT, &stranger).unwrap();
    assert_eq!(
        alone.check(log_key().verifier()).unwrap_err().to_string(),
        "it has no signature of `county.example/log`"
    );
    assert!(matches!(alone.check(namesake.verifier()), Err(Unsigned::Missing(_))));
}

#[test]
fn one_false_signature_of_a_known_key_condemns_the_note() {
    let mut forged = note();
    let other = Note::sign("another text\n", &log_key()).unwrap();
    forged.add(other.signatures()[0].clone()).unwrap();
    let name = "county.example/log".to_string();
    assert_eq!(forged.check(log_key().verifier()), Err(Unsigned::False(name.clone())));
    let altered = note().to_string().replace("riga", "roga");
    let altered = Note::parse(altered.as_bytes()).unwrap();
    assert_eq!(altered.check(log_key().verifier()), Err(Unsigned::False(name)));
}

#[test]
fn a_witness_vouches_for_a_time() {
    let witness = witness_key(1);
    let mut note = note();
    for time_s in [1_700_000_000, 1_800_000_000, 1_750_000_000] {
        note.add(Signature::by_witness(TEXT, &witness, time_s)).unwrap();
    }
    let read = Note::parse(note.to_string().as_bytes()).unwrap();
    assert_eq!(read.witnessed_s(witness.verifier()), Ok(1_800_000_000));
    assert_eq!(read.witnessed_s(log_key().verifier()), Err(Unsigned::Kind));
    // Another time under the same signature.
    let mut octets = read.signatures[1].octets.clone();
    octets[7] ^= 1;
    note.add(Signature { octets, ..read.signatures[1].clone() }).unwrap();
    assert!(matches!(note.witnessed_s(witness.verifier()), Err(Unsigned::False(_))));
    // A time that no specification allows, though truly signed.
    let mut note = self::note();
    note.add(Signature::by_witness(TEXT, &witness, WITNESS_TIME_S_MAX + 1)).unwrap();
    assert!(matches!(note.witnessed_s(witness.verifier()), Err(Unsigned::False(_))));
    // A witness's signature is none of a log, and the other way round.
    let plain = Signature::new(&witness, &witness.sign(TEXT.as_bytes()));
    note.signatures = vec![plain];
    assert!(matches!(note.witnessed_s(witness.verifier()), Err(Unsigned::False(_))));
}

#[test]
fn only_what_can_be_read_again_is_signed() {
    for text in ["", "no line break", "a\ttab\n", "carriage\r\n", "zero\0\n"] {
        assert_eq!(Note::sign(text, &log_key()), Err(Unsigned::Text), "{text:?}");
    }
    let long = format!("{}\n", "a".repeat(NOTE_OCTETS_MAX / 2));
    assert_eq!(Note::sign(&long, &log_key()), Err(Unsigned::Text));
    assert_eq!(Note::sign(TEXT, &witness_key(1)), Err(Unsigned::Kind));
    for text in ["\n", "\n\n", "a\n\n\n", "— a AAAAAAA=\n", "a\n\n— a AAAAAAA=\n"] {
        let signed = Note::sign(text, &log_key()).unwrap();
        let read = Note::parse(signed.to_string().as_bytes()).unwrap();
        assert_eq!(read.text(), text, "{text:?}");
        assert_eq!(read.check(log_key().verifier()), Ok(()));
    }
}

#[test]
fn hostile_notes_are_refused_with_what_is_wrong() {
    let good = note().to_string();
    let line = good.lines().last().unwrap();
    let with = |old: &str, new: &str| good.replace(old, new).into_bytes();
    let bare = line.rsplit_once(' ').unwrap().0;
    for (octets, error) in [
        (vec![], NotANote::Shape),
        (b"text\n".to_vec(), NotANote::Shape),
        (b"text\n\n".to_vec(), NotANote::Shape),
        (TEXT.as_bytes().to_vec(), NotANote::SignatureLine),
        (good.trim_end().as_bytes().to_vec(), NotANote::Shape),
        (format!("{good}\n").into_bytes(), NotANote::Shape),
        (format!("{good}\n\n").into_bytes(), NotANote::Shape),
        (with("Ogni", "Ogni\t"), NotANote::Characters),
        (with("\n", "\r\n"), NotANote::Characters),
        (good.replace("Ogni", "\u{85}").as_bytes()[1..].to_vec(), NotANote::Characters),
        (with("— ", "- "), NotANote::SignatureLine),
        (with("— ", "—"), NotANote::SignatureLine),
        (with("county.example/log ", ""), NotANote::SignatureLine),
        (with("county.example/log ", " "), NotANote::SignatureLine),
        (with("county.example", "county+example"), NotANote::SignatureLine),
        (with("county.example", "county\u{2003}example"), NotANote::SignatureLine),
        (with("=\n", "\n"), NotANote::SignatureLine),
        (with("=\n", "= \n"), NotANote::SignatureLine),
        (with(line, &format!("{bare} AAAAAA==")), NotANote::SignatureLine),
        (with(line, &format!("{bare} AAA=")), NotANote::SignatureLine),
        (
            format!("{good}{}", format!("{line}\n").repeat(64)).into_bytes(),
            NotANote::TooManySignatures,
        ),
        (vec![b'a'; NOTE_OCTETS_MAX + 1], NotANote::TooLong),
    ] {
        let shown = String::from_utf8_lossy(&octets[..octets.len().min(200)]).into_owned();
        assert_eq!(Note::parse(&octets), Err(error), "{shown:?}");
    }
    let full = format!("{good}{}", format!("{line}\n").repeat(63));
    assert_eq!(Note::parse(full.as_bytes()).unwrap().signatures().len(), 64);
    let mut full = Note::parse(full.as_bytes()).unwrap();
    let more = Signature::by_witness(TEXT, &witness_key(1), 0);
    assert_eq!(full.add(more), Err(NotANote::TooManySignatures));
    let long = format!("— stranger.example {}", "AAAA".repeat(NOTE_OCTETS_MAX / 4));
    assert_eq!(note().add(Signature::parse(&long).unwrap()), Err(NotANote::TooLong));
}

proptest! {
    #[test]
    fn whatever_is_read_is_written_again(text in "[a\n— =+A]{0,40}") {
        if let Ok(note) = Note::parse(text.as_bytes()) {
            prop_assert_eq!(note.to_string(), text);
        }
    }

    #[test]
    fn one_changed_octet_never_passes(at in any::<prop::sample::Index>(), bit in 0_u32..8) {
        let mut octets = note().to_string().into_bytes();
        let at = at.index(octets.len());
        octets[at] ^= 1 << bit;
        if let Ok(note) = Note::parse(&octets) {
            prop_assert!(note.check(log_key().verifier()).is_err());
        }
    }
}

//! What a keyholder opens and what it refuses, at hand and over the network.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by it")]

#[path = "../../vault/tests/consent/mod.rs"]
mod consent;
#[path = "../../access/tests/log/mod.rs"]
mod log;
#[path = "../../vault/tests/open/mod.rs"]
mod open;
mod scene;
#[path = "../../vault/tests/world/mod.rs"]
mod world;

use access::{Gate, Intent, NoReceipt, Proof, Verb};
use keyholder::{Ask, BadAsk, Holder, KeyRing, Memory, NotAnswered, Refused, Remote, RingError};
use log::{Log, MINUTE, NOW, cosigned, key, quorum};
use model::RecordingId;
use scene::{Scene, certificates, header, remote, serve};
use std::fs;
use tlog::{Consistency, Policy, Unproven, Unverified};
use vault::{NotOpened, RecipientSecret, Share};

#[test]
fn a_proved_disclosure_is_answered_and_again_the_same_also_after_a_restart() {
    let mut scene = Scene::new();
    let mut holder = scene.holder();
    let proof = scene.log.proof(scene.intent());
    let ask = scene.ask(&proof, 0);
    let resealed = holder.open(&ask, NOW).unwrap().resealed().unwrap();
    assert_eq!(resealed.share, Share::B);
    assert_eq!(holder.state().seen, 11);
    assert!(holder.open(&ask, NOW.after(MINUTE)).is_ok());
    drop(holder);
    let mut again = scene.holder();
    assert_eq!((again.state().seen, again.memory().opened_count()), (11, 1));
    assert!(again.open(&ask, NOW).is_ok());
    let ledger = fs::read_to_string(scene.path().join("opened")).unwrap();
    assert_eq!(ledger.lines().filter(|line| !line.is_empty()).count(), 1);
    assert!(ledger.contains("\n10 3 0000000000000007 "), "{ledger}");
    // The log grew; the next one leads from what was seen.
    let proof = scene.log.proof(scene.intent());
    assert!(again.open(&scene.ask(&proof, 11), NOW).is_ok());
    assert_eq!((again.state().seen, again.memory().opened_count()), (12, 2));
}

#[test]
fn forged_foreign_and_overdue_proofs_are_refused_and_nothing_is_remembered() {
    let mut scene = Scene::new();
    let mut holder = scene.holder();
    let proof = scene.log.proof(scene.intent());
    let ask = scene.ask(&proof, 0);
    let refused = |holder: &mut Holder, ask: &Ask| holder.open(ask, NOW).unwrap_err();
    // A log of another key with the same name.
    let ring = KeyRing::load(&scene.path().join("keys")).unwrap();
    let other = key(2).verifier().clone();
    let memory = Memory::open(scene.path(), &other).unwrap();
    let mut foreign = Holder::new(ring, Gate::new(other, Policy::LOG_ALONE), memory);
    assert!(matches!(
        refused(&mut foreign, &ask),
        Refused::NoReceipt(NoReceipt::Unverified(Unverified::Unsigned(_)))
    ));
    // Not in the log.
    let mut forged = proof.clone();
    forged.leaf[200] ^= 1;
    let forged = scene.ask(&forged, 0);
    let unproven = Refused::NoReceipt(NoReceipt::Unproven(Unproven::Root));
    assert_eq!(refused(&mut holder, &forged), unproven);
    // Another disclosure's entry.
    let (_, opening) = scene.log.enter(Intent { verb: Verb::Export, ..scene.intent() });
    let lied = scene.ask(&Proof { opening, ..proof.clone() }, 0);
    let other_entry = Refused::NoReceipt(NoReceipt::OtherEntry);
    assert_eq!(refused(&mut holder, &lied), other_entry);
    // Too late.
    let late = holder.open(&ask, NOW.after(10 * MINUTE)).unwrap_err();
    assert_eq!(late, Refused::NoReceipt(NoReceipt::Expired));
    assert_eq!((holder.state().seen, holder.memory().opened_count()), (0, 0));
}

#[test]
fn another_recipient_and_another_recording_are_refused() {
    let mut scene = Scene::new();
    let mut holder = scene.holder();
    let proof = scene.log.proof(scene.intent());
    let way = Consistency::new(vec![]);
    let thief = RecipientSecret::generate().unwrap();
    let replayed = Ask::new(&proof, &way, &scene.header, thief.public());
    assert_eq!(holder.open(&replayed, NOW).unwrap_err(), Refused::OtherRecipient);
    let (_, agency) = vault::generate().unwrap();
    let mine = holder.state().keys[0].parse().unwrap();
    let other = header(agency, mine, RecordingId(8));
    let swapped = Ask::new(&proof, &way, &other, scene.recipient.public());
    let other_recording = Refused::NotOpened(NotOpened::OtherRecording);
    assert_eq!(holder.open(&swapped, NOW).unwrap_err(), other_recording);
    let not_mine = header(agency, vault::generate().unwrap().1, RecordingId(7));
    let object = vault::object(&not_mine).unwrap();
    let proof = scene.log.proof(Intent { object, ..scene.intent() });
    let ask = Ask::new(&proof, &way, &not_mine, scene.recipient.public());
    let other_holder = Refused::NotOpened(NotOpened::OtherKeyholder);
    assert_eq!(holder.open(&ask, NOW).unwrap_err(), other_holder);
    assert_eq!(holder.memory().opened_count(), 0);
}

#[test]
fn a_stale_checkpoint_and_a_forked_log_are_refused() {
    let mut scene = Scene::new();
    let mut holder = scene.holder();
    let (index, opening) = scene.log.enter(scene.intent());
    let older = scene.log.prove(index, opening);
    let newer = scene.log.proof(scene.intent());
    assert!(holder.open(&scene.ask(&newer, 0), NOW).is_ok());
    let stale = holder.open(&scene.ask(&older, 0), NOW).unwrap_err();
    assert_eq!(stale, Refused::Stale { seen: 12, shown: 11 });
    assert!(stale.to_string().contains("stale"), "{stale}");
    // The same key signs a second history, of the same length and of a greater one.
    let mut fork = Log::of(11);
    let forked = fork.proof(scene.intent());
    let ask = scene.ask(&forked, 0);
    assert_eq!(holder.open(&ask, NOW).unwrap_err(), Refused::Forked(Unproven::Root));
    let forked = fork.proof(scene.intent());
    let way = fork.consistency(12);
    let ask = Ask::new(&forked, &way, &scene.header, scene.recipient.public());
    assert_eq!(holder.open(&ask, NOW).unwrap_err(), Refused::Forked(Unproven::Root));
    // The true log, without the way from what was seen.
    let proof = scene.log.proof(scene.intent());
    let ask = scene.ask(&proof, 0);
    assert_eq!(holder.open(&ask, NOW).unwrap_err(), Refused::Forked(Unproven::Length));
}

/// A keyholder that is asked by running its program is many processes, and maybe at once.
#[test]
fn what_another_process_saw_and_opened_meanwhile_counts() {
    let mut scene = Scene::new();
    let (mut one, mut other) = (scene.holder(), scene.holder());
    let proof = scene.log.proof(scene.intent());
    let honest = scene.ask(&proof, 0);
    let mut fork = Log::of(11);
    let forked = fork.proof(scene.intent());
    let way = Consistency::new(vec![]);
    let forked = Ask::new(&forked, &way, &scene.header, scene.recipient.public());
    let opened = std::thread::scope(|scope| {
        let tries = [
            scope.spawn(|| one.open(&honest, NOW).is_ok()),
            scope.spawn(|| other.open(&forked, NOW).is_ok()),
        ];
        tries.map(|it| it.join().unwrap())
    });
    assert_ne!(opened[0], opened[1], "two histories were believed, or none");
    let seen = if opened[0] { 11 } else { 12 };
    assert_eq!((one.state().seen, other.state().seen), (seen, seen));
}

#[test]
fn an_opening_is_noted_once_by_all_processes_and_what_a_crash_cut_is_no_note() {
    let mut scene = Scene::new();
    let ledger = scene.path().join("opened");
    // Of entry 105, of which nothing was opened.
    fs::write(&ledger, "\n10").unwrap();
    let (mut one, mut other) = (scene.holder(), scene.holder());
    assert_eq!(one.memory().opened_count(), 0);
    let proof = scene.log.proof(scene.intent());
    let ask = scene.ask(&proof, 0);
    assert!(one.open(&ask, NOW).is_ok() && other.open(&ask, NOW).is_ok());
    let ledger = fs::read_to_string(ledger).unwrap();
    assert_eq!(ledger.matches("\n10 3 0000000000000007 ").count(), 1, "{ledger}");
    assert_eq!((one.memory().opened_count(), other.memory().opened_count()), (1, 1));
}

#[test]
fn without_the_quorum_of_witnesses_nothing_opens() {
    let mut scene = Scene::new();
    let mut holder = scene.holder_with(quorum());
    let proof = scene.log.proof(scene.intent());
    for (witnesses, seen) in [(&[][..], 0), (&[3], 1)] {
        let checkpoint = cosigned(&proof.checkpoint, witnesses);
        let ask = scene.ask(&Proof { checkpoint, ..proof.clone() }, 0);
        let quorum = Unverified::Quorum { seen, needed: 2 };
        let wrong = Refused::NoReceipt(NoReceipt::Unverified(quorum));
        assert_eq!(holder.open(&ask, NOW).unwrap_err(), wrong);
    }
    let checkpoint = cosigned(&proof.checkpoint, &[2, 3]);
    let ask = scene.ask(&Proof { checkpoint, ..proof }, 0);
    assert!(holder.open(&ask, NOW).is_ok());
}

#[test]
fn after_a_rotation_older_recordings_still_open_until_their_key_is_destroyed() {
    let mut scene = Scene::new();
    let keys = scene.path().join("keys");
    let mut ring = KeyRing::load(&keys).unwrap();
    let old = ring.current().unwrap().public();
    let new = ring.rotate().unwrap();
    assert_ne!(old, new);
    assert_eq!(scene.holder().state().keys, [new.to_string(), old.to_string()]);
    let proof = scene.log.proof(scene.intent());
    let ask = scene.ask(&proof, 0);
    assert!(scene.holder().open(&ask, NOW).is_ok());
    assert!(matches!(ring.destroy(&new.id().to_string()), Err(RingError::Current)));
    assert!(matches!(ring.destroy("0000000000000000"), Err(RingError::Unknown)));
    ring.destroy(&old.id().to_string()).unwrap();
    let destroyed = scene.holder().open(&ask, NOW).unwrap_err();
    assert_eq!(destroyed, Refused::NotOpened(NotOpened::OtherKeyholder));
    assert!(matches!(KeyRing::create(&keys), Err(RingError::Exists(_))));
}

#[test]
fn over_the_network_the_same_is_answered_and_refused() {
    let mut scene = Scene::new();
    let ours = scene.path().join("ours");
    certificates(&ours);
    let address = serve(&scene, &ours);
    let remote = remote(address, "keyholder.example", &ours, &ours);
    assert_eq!(remote.state().unwrap(), scene.holder().state());
    let proof = scene.log.proof(scene.intent());
    let answer = remote.open(&scene.ask(&proof, 0)).unwrap();
    assert_eq!(answer.resealed().unwrap().share, Share::B);
    assert_eq!(remote.state().unwrap().seen, 11);
    assert_eq!(remote.open(&scene.ask(&proof, 0)).unwrap().resealed().unwrap().share, Share::B);
    let thief = RecipientSecret::generate().unwrap();
    let way = Consistency::new(vec![]);
    let replayed = Ask::new(&proof, &way, &scene.header, thief.public());
    let refused = NotAnswered::Refused(Refused::OtherRecipient.to_string());
    assert_eq!(remote.open(&replayed), Err(refused));
}

#[test]
fn who_shows_no_certificate_of_the_authority_is_not_answered() {
    let scene = Scene::new();
    let (ours, theirs) = (scene.path().join("ours"), scene.path().join("theirs"));
    certificates(&ours);
    certificates(&theirs);
    let address = serve(&scene, &ours);
    let unreached = |remote: Remote| {
        let answered = remote.state();
        assert!(matches!(answered, Err(NotAnswered::Unreached(_))), "{answered:?}");
    };
    // A client of another authority.
    unreached(remote(address, "keyholder.example", &theirs, &ours));
    // A server of another authority, and one with another name.
    unreached(remote(address, "keyholder.example", &ours, &theirs));
    unreached(remote(address, "other.example", &ours, &ours));
    assert!(remote(address, "keyholder.example", &ours, &ours).state().is_ok());
}

#[test]
fn what_is_no_request_is_refused() {
    let scene = Scene::new();
    let mut log = Log::of(3);
    let proof = log.proof(scene.intent());
    let ask = serde_json::to_value(scene.ask(&proof, 0)).unwrap();
    for (field, value, why) in [
        ("leaf", "AAAA", BadAsk::Field("leaf")),
        ("salt", "!", BadAsk::Field("salt")),
        ("detail", "!", BadAsk::Field("detail")),
        ("header", "=", BadAsk::Field("header")),
        ("recipient", "", BadAsk::Field("recipient")),
    ] {
        let mut changed = ask.clone();
        changed[field] = value.into();
        let changed: Ask = serde_json::from_value(changed).unwrap();
        let refused = scene.holder().open(&changed, NOW).unwrap_err();
        assert_eq!(refused, Refused::BadAsk(why));
    }
    let mut more = ask;
    more["also"] = "this".into();
    assert!(serde_json::from_value::<Ask>(more).is_err());
}

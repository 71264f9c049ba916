//! What becomes of a package that was taken away: an outside authority's stamp, and the receipt
//! that its recipient signs.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

#[path = "../../vault/tests/consent/mod.rs"]
mod consent;
mod office;
#[path = "../../vault/tests/open/mod.rs"]
mod open;
#[path = "../../vault/tests/world/mod.rs"]
mod world;

use access::{Audience, Delivery, Purpose, Verb};
use disclosure::records::{
    Authority, BadReceipt, ExportAsk, Exported, Key, NotDisclosed, Shown, Taken, What, Which,
};
use evidence::{Statement, leaf};
use export::TimeStamp;
use model::Timestamp;
use office::{CEDAR, HOUR, NOW, Office, RECORDING, Running, reason, shown, signer};
use sha2::{Digest as _, Sha256};
use std::{
    io::Read as _,
    sync::{Arc, Mutex},
    time::Duration,
};
use tlog::{KeyKind, Signer};

const MINUTE: Duration = Duration::from_secs(60);

fn key(seed: u8) -> Signer {
    Signer::from_seed("recipient", KeyKind::Log, &[seed; 32]).unwrap()
}

/// Takes the recording away, for a court.
fn exported(running: &Running) -> Shown<Exported> {
    let asked = ExportAsk {
        what: What::Recording { agency: CEDAR, recording: RECORDING },
        audience: Audience::Court,
        key: None,
        note: None,
    };
    let why = reason(Purpose::Investigation);
    shown(running.records.export(&running.staff("inve"), &why, &asked).unwrap())
}

fn opened() -> (Office, Running) {
    let office = Office::new();
    let running = office.open();
    running.grant("inve", Purpose::Investigation, &[Verb::Export]);
    (office, running)
}

/// What its recipient signs, a minute later.
fn delivery(exported: &Shown<Exported>) -> Delivery {
    Delivery {
        log: signer().verifier().name().to_owned(),
        entry: exported.entry,
        package: exported.what.sha256,
        at: NOW.after(MINUTE),
    }
}

fn signed(delivery: &Delivery, key: &Signer) -> String {
    delivery.sign(key).unwrap().to_string()
}

#[test]
fn a_receipt_is_entered_once_and_shown() {
    let (office, running) = opened();
    let exported = exported(&running);
    let taken = |running: &Running| {
        let (auditor, why) = (running.staff("audit"), reason(Purpose::Audit));
        let times = (NOW, NOW.after(HOUR));
        let listed =
            shown(running.records.list(&auditor, &why, CEDAR, &Which::of(times)).unwrap()).what;
        listed.acts.iter().find(|row| row.usage.act == exported.act).unwrap().package
    };
    assert_eq!(taken(&running), Some(Taken::Unsigned));
    let text = signed(&delivery(&exported), &key(5));
    let received = running.records.receive(&running.staff("inve"), &text).unwrap();
    assert_eq!((received.act, received.at), (exported.act, NOW.after(MINUTE)));
    assert_eq!(received.key, key(5).verifier().to_string());
    assert_eq!(taken(&running), Some(Taken::Received(NOW.after(MINUTE))));
    // The same again, by a clerk, is no second entry; another one is refused.
    let clerk = running.staff("clerk");
    assert_eq!(running.records.receive(&clerk, &text).unwrap(), received);
    for other in [
        signed(&delivery(&exported), &key(6)),
        signed(&Delivery { at: NOW, ..delivery(&exported) }, &key(5)),
    ] {
        let refused = running.records.receive(&clerk, &other).unwrap_err();
        assert!(matches!(refused, NotDisclosed::Signed), "{refused}");
    }
    running.close();
    let entries = Office::entries(&office.disk);
    let found: Vec<_> = entries
        .iter()
        .filter(|(read, _)| matches!(read.said.what, Statement::Delivered { .. }))
        .collect();
    let [(read, detail)] = found.as_slice() else { panic!("{} receipts", found.len()) };
    let (act, package) = (exported.act, exported.what.sha256);
    assert_eq!(read.said.what, Statement::Delivered { act, package });
    let opened = leaf::open(read, detail).unwrap();
    assert!(opened.starts_with(b"delivered v1\0"));
    assert!(opened.windows(text.len()).any(|part| part == text.as_bytes()));
}

#[test]
fn what_is_no_receipt_of_this_package_is_refused_and_not_entered() {
    let (office, running) = opened();
    let exported = exported(&running);
    let honest = delivery(&exported);
    let inve = running.staff("inve");
    let good = signed(&honest, &key(5));
    let pine = Delivery { log: "pine.example/log".to_owned(), ..honest.clone() };
    let next = Delivery { entry: exported.entry + 1, ..honest.clone() };
    let later = Delivery { at: NOW.after(HOUR), ..honest.clone() };
    let before = Timestamp::from_micros(NOW.micros() - 3_600_000_000);
    let before = Delivery { at: before, ..honest.clone() };
    let ours = Signer::from_seed("recipient", KeyKind::Log, &[1; 32]).unwrap();
    for (text, why) in [
        (signed(&pine, &key(5)), BadReceipt::OtherLog),
        (signed(&next, &key(5)), BadReceipt::OtherLog),
        (signed(&later, &key(5)), BadReceipt::Time),
        (signed(&before, &key(5)), BadReceipt::Time),
        (signed(&honest, &ours), BadReceipt::OurKey),
    ] {
        let refused = running.records.receive(&inve, &text).unwrap_err();
        assert!(matches!(&refused, NotDisclosed::Receipt(found) if *found == why), "{refused}");
    }
    for text in ["", "no receipt", &good.replace("time 1", "time 2")] {
        let refused = running.records.receive(&inve, text).unwrap_err();
        let shape = matches!(refused, NotDisclosed::Receipt(BadReceipt::Shape(_)));
        assert!(shape, "{refused}");
    }
    // A package that there is not, and those who are not to know of this one.
    let absent = signed(&Delivery { package: [7; 32], ..honest }, &key(5));
    for (name, text) in [("inve", &absent), ("audit", &good), ("other", &good)] {
        let refused = running.records.receive(&running.staff(name), text).unwrap_err();
        assert!(matches!(refused, NotDisclosed::NotThere), "{name}: {refused}");
    }
    running.close();
    let entries = Office::entries(&office.disk);
    let delivered = |what| matches!(what, Statement::Delivered { .. });
    assert!(!entries.iter().any(|(read, _)| delivered(read.said.what)));
}

/// Opens the seal: the package and what lies beside it.
fn unsealed(exported: &Exported) -> (Vec<u8>, Option<Vec<u8>>) {
    let Key::Passphrase(passphrase) = &exported.key else { panic!("it is sealed to a key") };
    let mut outer = zip::ZipArchive::new(std::io::Cursor::new(&exported.sealed)).unwrap();
    let count = outer.len();
    let mut file = |place| {
        let mut octets = Vec::new();
        let mut file = outer.by_index_decrypt(place, passphrase.expose().as_bytes()).unwrap();
        file.read_to_end(&mut octets).unwrap();
        octets
    };
    (file(0), (count > 1).then(|| file(1)))
}

fn manifest(package: &[u8]) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(package)).unwrap();
    let mut octets = Vec::new();
    archive.by_name("manifest.json").unwrap().read_to_end(&mut octets).unwrap();
    octets
}

#[test]
fn an_authority_stamps_the_manifest_and_one_that_does_not_answer_stops_nothing() {
    for answers in [true, false] {
        let office = Office::new();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        office.authority.set(Some(Authority {
            name: "http://stamps.example".to_owned(),
            stamp: Box::new(move |sha256| {
                heard.lock().unwrap().push(*sha256);
                if answers { Ok(b"a stamp".to_vec()) } else { Err("it is away".to_owned()) }
            }),
        }));
        let running = office.open();
        running.grant("inve", Purpose::Investigation, &[Verb::Export]);
        let exported = exported(&running).what;
        let (package, beside) = unsealed(&exported);
        assert_eq!(exported.sha256[..], Sha256::digest(&package)[..]);
        let text = manifest(&package);
        let told: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(asked.lock().unwrap().len(), 1, "it is asked once");
        if answers {
            let hash: [u8; 32] = Sha256::digest(&text).into();
            assert_eq!(asked.lock().unwrap()[0], hash);
            assert_eq!(beside.as_deref(), Some(&b"a stamp"[..]));
            assert_eq!(told["time_stamp"]["state"], "beside");
            assert!(matches!(exported.time_stamp, TimeStamp::Beside(_)));
        } else {
            assert_eq!((beside, &told["time_stamp"]["state"]), (None, &"none".into()));
            let why = told["time_stamp"]["why"].as_str().unwrap();
            assert!(why.contains("stamps.example") && why.contains("it is away"), "{why}");
            let notices = told["notices"].to_string();
            assert!(notices.contains("it is away"), "{notices}");
            assert!(matches!(exported.time_stamp, TimeStamp::None(_)));
        }
        running.close();
    }
}

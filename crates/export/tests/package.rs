//! A package says what was disclosed, comes out the same each time, and is found out when somebody
//! changes it, by code that shares nothing with the code that made it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by it")]

#[path = "../../access/tests/log/mod.rs"]
mod log;

use access::{Audience, Demand, Gate, Intent, Line, Object, Receipt, Recipient, Verb};
use export::{
    Clock, Contents, Copy, Custody, Entry, NotPacked, Package, Passphrase, Record, Recording,
    Software, TimeStamp, seal,
};
use log::{Log, NOW, intent, log_key};
use model::{
    AgencyId, CallId, Codec, E164, Money, Private, RecordingId, Second, Track, fact::RecordingState,
};
use sha2::Digest as _;
use std::{collections::BTreeMap, fs, io::Read as _, process::Command, time::Duration};
use tlog::{Policy, ProofFile};

const RECORDING: u64 = 0x1_0000_0002;

/// What everything else follows from, so that a test changes one thing.
struct World {
    receipt: Receipt,
    records: Vec<Record>,
    recordings: Vec<Recording>,
    entries: Vec<Entry>,
    copies: Vec<Copy>,
    time_stamp: TimeStamp,
    clock: Clock,
    software: Software,
    verifier_key: String,
}

/// What was looked for, in words that look like fields of a text.
fn demand(audience: Audience) -> Demand {
    let mut demand = Demand::of(audience, Line::Ordinary);
    demand.key = Some(Recipient([6; 32]));
    demand.query.facility = Some("cedar/jail".to_owned());
    demand.query.until = Some(NOW);
    demand.note = Some(Private::new("all of {key} please".to_owned()));
    demand
}

impl World {
    fn new(object: Object) -> Self {
        Self::of(object, Audience::Defence)
    }

    fn of(object: Object, audience: Audience) -> Self {
        let mut log = Log::of(20);
        let demand = Some(demand(audience));
        let proof = log.proof(Intent { verb: Verb::Export, object, demand, ..intent() });
        let opening = [proof.opening.salt.as_slice(), &proof.opening.detail].concat();
        let receipt = Gate::new(log_key(), Policy::LOG_ALONE).receipt(proof.clone(), NOW).unwrap();
        let entry = Entry {
            what: "this disclosure".to_owned(),
            index: receipt.index(),
            leaf: proof.leaf.to_vec(),
            opening,
            proof: ProofFile::new(proof.inclusion, receipt.checkpoint()),
        };
        Self {
            receipt,
            records: Vec::new(),
            recordings: Vec::new(),
            entries: vec![entry],
            copies: Vec::new(),
            time_stamp: TimeStamp::None("none is configured".to_owned()),
            clock: Clock {
                source: "system clock".to_owned(),
                synchronised: Some(true),
                offset_us: Some(1_200),
                error_max_us: Some(9_000),
                zone: "America/Denver".to_owned(),
            },
            software: Software { version: "0.1.0".to_owned(), sha256: "ab".repeat(32) },
            verifier_key: log_key().to_string(),
        }
    }

    fn with_recording() -> Self {
        let object = Object::Recording {
            agency: AgencyId(3),
            recording: RecordingId(RECORDING),
            header: [9; 32],
        };
        let mut world = Self::new(object);
        world.recordings.push(recording(RECORDING));
        world.records.push(record());
        let what = ("recording".to_owned(), Audience::Prosecution);
        world.copies.push(Copy::new(7, what, ("clerk".to_owned(), "discovery".to_owned()), NOW));
        world
    }

    fn contents(&self) -> Contents<'_> {
        Contents {
            records: &self.records,
            recordings: &self.recordings,
            entries: &self.entries,
            copies: &self.copies,
            time_stamp: &self.time_stamp,
            custody: Custody::Solo,
            clock: &self.clock,
            software: &self.software,
            verifier_key: &self.verifier_key,
        }
    }

    fn pack(&self) -> Result<Package, NotPacked> {
        Package::pack(&self.receipt, &self.contents())
    }
}

fn recording(number: u64) -> Recording {
    let track = |codec, octet| Track { codec, rtp_time: 160, octets: vec![octet; 8_000] };
    let second = Second {
        index: 0,
        started: NOW,
        station: track(Codec::Pcmu, 0x80),
        called: track(Codec::Pcma, 0xd5),
    };
    Recording {
        recording: RecordingId(number),
        begun: NOW,
        state: RecordingState::Ended,
        sealed_sha256: [5; 32],
        seconds: vec![second.clone(), Second { index: 1, ..second }],
    }
}

fn record() -> Record {
    Record {
        row: "0f".repeat(16),
        call: CallId(RECORDING),
        facility: "cedar/jail".to_owned(),
        person: Some(Private::new("CC-1001".to_owned())),
        name: Some(Private::new("Marcus Bell".to_owned())),
        number: Some(Private::new(E164::new(12_025_550_101).unwrap())),
        at: NOW,
        accepted: Some(NOW),
        talked: Duration::from_secs(2),
        outcome: "called_hung_up".to_owned(),
        charged: Some(Money::from_cents(1)),
        recording: "recorded".to_owned(),
        heard: None,
    }
}

fn unzip(octets: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(octets)).unwrap();
    let mut files = BTreeMap::new();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).unwrap();
        let mut octets = Vec::new();
        file.read_to_end(&mut octets).unwrap();
        files.insert(file.name().unwrap().into_owned(), octets);
    }
    files
}

#[test]
fn the_same_contents_give_the_same_octets() {
    let (one, other) = (World::with_recording().pack().unwrap(), World::with_recording().pack());
    assert_eq!(one.octets(), other.unwrap().octets());
    let mut changed = World::with_recording();
    changed.clock.offset_us = None;
    assert_ne!(changed.pack().unwrap().sha256(), one.sha256());
}

#[test]
fn everything_a_recipient_needs_is_inside() {
    let files = unzip(World::with_recording().pack().unwrap().octets());
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "LEAME.txt",
            "README.txt",
            "audio/0000000100000002.called.g711",
            "audio/0000000100000002.json",
            "audio/0000000100000002.station.g711",
            "audio/0000000100000002.wav",
            "certificate-902-draft.txt",
            "manifest.json",
            "proofs/000000000020.leaf",
            "proofs/000000000020.opening",
            "proofs/000000000020.tlog-proof",
            "proofs/checkpoint",
            "receipt-form.txt",
            "records/records.csv",
            "records/records.json",
            "vcon.json",
            "verify.html",
        ]
    );
    assert_eq!(files["audio/0000000100000002.station.g711"], vec![0x80; 16_000]);
    let text = |path: &str| String::from_utf8(files[path].clone()).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&text("manifest.json")).unwrap();
    assert_eq!(manifest["custody"], "solo");
    assert_eq!(manifest["disclosure"]["entry"], 20);
    assert_eq!(manifest["copies"][0]["role"], "clerk");
    assert_eq!(manifest["copies"][0]["audience"], "prosecution");
    assert_eq!(manifest["audience"], "defence");
    assert_eq!(manifest["query"]["facility"], "cedar/jail");
    assert_eq!(manifest["query"]["until_utc"], "2026-11-26T21:00:00Z");
    assert_eq!(manifest["note"], "all of {key} please");
    assert_eq!(manifest["disclosure"]["package_key"], "06".repeat(32));
    assert_eq!(manifest["disclosure"]["recipient_key"], "08".repeat(32));
    assert_eq!(manifest["clock"]["synchronised"], true);
    assert!(manifest["files"].get("manifest.json").is_none());
    assert_eq!(manifest["time_stamp"]["state"], "none");
    assert!(text("receipt-form.txt").contains("entry                20"));
    let readme = text("README.txt");
    assert!(readme.contains("Custody is SOLO") && readme.contains(&log_key().to_string()));
    let other = "the prosecution, on 2026-11-26T21:00:00Z, entry 7: recording, handed out by staff as clerk";
    assert!(readme.contains(other), "{readme}");
    assert!(readme.contains("for           defence counsel"), "{readme}");
    let looked = "line ordinary, facility cedar/jail, until 2026-11-26T21:00:00Z";
    assert!(readme.contains(looked), "{readme}");
    // Words of whoever asked are told as they are, and are no field.
    for path in ["README.txt", "LEAME.txt"] {
        assert_eq!(text(path).matches("all of {key} please").count(), 1, "{path}");
    }
    let certificate = text("certificate-902-draft.txt");
    let clock =
        "in step with clocks outside; off by an estimated 1200 microseconds, at most by 9000";
    assert!(certificate.contains(clock), "{certificate}");
    for path in ["README.txt", "LEAME.txt", "certificate-902-draft.txt", "receipt-form.txt"] {
        let text = text(path).replace("{key}", "");
        assert!(!text.contains(['{', '}']), "{path} has a gap");
    }
    assert!(text("certificate-902-draft.txt").starts_with("DRAFT. NOT A CERTIFICATE"));
}

#[test]
fn what_the_entry_does_not_name_is_not_packed() {
    let mut world = World::with_recording();
    world.recordings.push(recording(RECORDING + 1));
    assert!(matches!(world.pack(), Err(NotPacked::OtherObject)));
    let calls = vec![CallId(1), CallId(2)];
    let mut world = World::new(Object::Records { agency: AgencyId(3), records: calls });
    world.records = vec![record()];
    assert!(matches!(world.pack(), Err(NotPacked::OtherObject)));
    let named = |call| Record { call: CallId(call), ..record() };
    world.records = vec![named(1), named(2), named(2)];
    assert!(world.pack().is_ok());
    world.recordings.push(recording(RECORDING));
    assert!(matches!(world.pack(), Err(NotPacked::OtherObject)));
    let world = World::new(Object::Ledger { agency: AgencyId(3) });
    assert!(matches!(world.pack(), Err(NotPacked::OtherObject)));
    let mut world = World::with_recording();
    world.clock.zone = "Cedar County".to_owned();
    assert!(matches!(world.pack(), Err(NotPacked::Zone(_))));
}

#[test]
fn the_public_gets_neither_names_nor_numbers_nor_voices() {
    let mut world = World::with_recording();
    let object = world.receipt.intent().object.clone();
    world.receipt = World::of(object, Audience::PublicRecords).receipt;
    let public = World::pack;
    assert!(matches!(public(&world), Err(NotPacked::NotMasked)));
    world.recordings.clear();
    assert!(matches!(public(&world), Err(NotPacked::NotMasked)));
    world.records = vec![record().masked()];
    let package = public(&world).unwrap();
    let files = unzip(package.octets());
    for (name, octets) in &files {
        let text = String::from_utf8_lossy(octets);
        assert!(!text.contains("Marcus") && !text.contains("5550101"), "{name}");
    }
    let manifest = String::from_utf8_lossy(&files["manifest.json"]);
    assert!(manifest.contains("\"audience\": \"public_records\""), "{manifest}");
}

#[test]
fn a_sealed_package_opens_with_its_passphrase_alone() {
    let package = World::with_recording().pack().unwrap();
    let passphrase = Passphrase::draw().unwrap();
    let sealed = seal(&package, Some(b"a stamp"), &passphrase).unwrap();
    assert!(!sealed.windows(11).any(|part| part == b"Marcus Bell"));
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&sealed)).unwrap();
    assert!(archive.by_index(0).is_err(), "it opened without a passphrase");
    assert!(archive.by_index_decrypt(0, b"0000-0000-0000-0000-0000-0000").is_err());
    let mut opened = Vec::new();
    let mut file = archive.by_index_decrypt(0, passphrase.expose().as_bytes()).unwrap();
    file.read_to_end(&mut opened).unwrap();
    assert_eq!(opened, package.octets());
    drop(file);
    let mut stamp = archive.by_index_decrypt(1, passphrase.expose().as_bytes()).unwrap();
    assert_eq!(stamp.name().unwrap(), "manifest.tsr");
    let mut beside = Vec::new();
    stamp.read_to_end(&mut beside).unwrap();
    drop(stamp);
    assert_eq!((beside.as_slice(), archive.len()), (&b"a stamp"[..], 2));
    // Without one nothing lies beside.
    let sealed = seal(&package, None, &passphrase).unwrap();
    assert_eq!(zip::ZipArchive::new(std::io::Cursor::new(&sealed)).unwrap().len(), 1);
}

/// Runs the checks of the page in a package, and returns what they said.
fn checked(folder: &std::path::Path, octets: &[u8]) -> String {
    let page = include_str!("../assets/verify.html");
    let (_, script) = page.split_once("// BEGIN CHECKS").unwrap();
    let (script, _) = script.split_once("// END CHECKS").unwrap();
    let run = "
        check(new Uint8Array(require('fs').readFileSync(process.argv[2])),
            (good, sentence) => { if (!good) console.log(sentence); })
            .then(({ good }) => console.log(good ? 'GOOD' : 'BAD'))
            .catch((error) => console.log('REFUSED ' + error.message));";
    let program = folder.join("check.cjs");
    let setup = "globalThis.crypto ??= require('crypto').webcrypto; // ";
    fs::write(&program, format!("{setup}{script}{run}")).unwrap();
    let package = folder.join("package.zip");
    fs::write(&package, octets).unwrap();
    let output = Command::new("node").arg(&program).arg(&package).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Packs `files` again, as somebody would who changed one.
fn repack(files: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    use std::io::Write as _;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, octets) in files {
        let stored = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored);
        writer.start_file(path.as_str(), stored).unwrap();
        writer.write_all(octets).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn the_page_inside_accepts_a_package_and_finds_each_change_with_node() {
    let folder = tempfile::tempdir().unwrap();
    let package = World::with_recording().pack().unwrap();
    assert_eq!(checked(folder.path(), package.octets()), "GOOD\n");
    let files = unzip(package.octets());
    assert_eq!(checked(folder.path(), &repack(&files)), "GOOD\n");
    let changed = |path: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut files = files.clone();
        change(files.get_mut(path).unwrap());
        checked(folder.path(), &repack(&files))
    };
    let flip = |octets: &mut Vec<u8>| {
        let at = octets.len() / 2;
        octets[at] ^= 1;
    };
    for path in files.keys().filter(|path| *path != "manifest.json") {
        let said = changed(path, &flip);
        assert!(!said.contains("GOOD"), "a change of {path} was not found");
    }
    // Whoever changes a file can mend the manifest, but not the log.
    let text = String::from_utf8(files["manifest.json"].clone()).unwrap();
    for (from, to) in [("\"entry\": 20", "\"entry\": 19"), ("\"index\": 20", "\"index\": 19")] {
        assert!(text.contains(from));
        let said = changed("manifest.json", &|octets| *octets = text.replace(from, to).into());
        assert!(said.contains("BAD"), "{said}");
    }
    // Another checkpoint that the log signed, as of another history.
    let mut other = files.clone();
    let note = log::Log::of(30).checkpoint().to_string().into_bytes();
    let mut manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    manifest["log"]["size"] = 30.into();
    let hex = |octets: &[u8]| octets.iter().map(|it| format!("{it:02x}")).collect::<String>();
    let sums = &mut manifest["files"]["proofs/checkpoint"];
    sums["sha256"] = hex(&sha2::Sha256::digest(&note)).into();
    sums["sha512"] = hex(&sha2::Sha512::digest(&note)).into();
    other.insert("proofs/checkpoint".to_owned(), note);
    other.insert("manifest.json".to_owned(), serde_json::to_vec(&manifest).unwrap());
    let said = checked(folder.path(), &repack(&other));
    assert!(said.contains("proved under another checkpoint") && said.contains("BAD"), "{said}");
    let mut more = files.clone();
    more.insert("records/more.csv".to_owned(), b"row".to_vec());
    assert!(checked(folder.path(), &repack(&more)).contains("records/more.csv was not in"));
    let mut less = files;
    less.remove("audio/0000000100000002.wav");
    assert!(checked(folder.path(), &repack(&less)).contains("BAD"));
    assert!(checked(folder.path(), b"no archive").contains("REFUSED this is no ZIP archive"));
}

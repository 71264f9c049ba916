//! What strangers hand in to whoever keeps or checks a disclosure: packages, time stamps, what a
//! recipient signed, and what is asked of a keyholder.

// A log in memory, which the tests of all that rests on a receipt have.
#[path = "../../crates/access/tests/log/mod.rs"]
mod log;

use access::{
    Audience, Delivery, Demand, Gate, Intent, LEAF_OCTETS, Line, Object, Proof, Recipient, Verb,
};
use export::{Clock, Contents, Custody, Entry, Record, Recording, Software, TimeStamp};
use keyholder::probe::{self, Probe};
use log::{Log, NOW, cosigned, log_key, witness};
use model::{AgencyId, CallId, Money, RecordingId, Timestamp, fact::RecordingState};
use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha512};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Cursor, Read as _, Write as _},
    sync::LazyLock,
    time::Duration,
};
use tlog::{Checkpoint, Consistency, KeyKind, Note, Policy, ProofFile, Signer};
use vault::KeyholderSecret;
use verify::{
    package::{Found, Package, Trust},
    stamp,
};

type Files = BTreeMap<String, Vec<u8>>;

/// A package, by a first octet: an archive as it stands, or steps by which somebody changes one
/// that was handed out, with or without making its manifest true again. Whoever checks it accepts
/// what the log has: this very disclosure, its own recording and no more rows than it named.
pub fn package(octets: &[u8]) {
    let Some((how, octets)) = octets.split_first() else { return };
    let world = &*PACKAGES;
    let stamped = how & 4 != 0;
    if how & 1 == 0 {
        if let Some(found) = accepted(octets, stamped, &world.trust) {
            assert!(world.disclosures.contains_key(&found.entry), "an entry of something else");
        }
        return;
    }
    let mut files = changed(octets, world);
    let mended = how & 2 != 0;
    if mended {
        mend(&mut files);
    }
    let Some(found) = accepted(&archive(&files), stamped, &world.trust) else { return };
    assert!(!stamped, "a stamp that nobody was asked for");
    let disclosed = world.disclosures.get(&found.entry).expect("an entry of something else");
    assert_eq!(found.asked, disclosed.asked, "asked for at another time");
    assert_eq!(found.log, log::ORIGIN, "another log");
    assert!(found.size > found.entry, "a checkpoint from before");
    assert!(!found.witnessed.is_empty(), "nobody saw it");
    // Of the manifest itself, only what the log says is certain.
    let same = |handed: &Files| {
        let beside = |files: &Files| files.clone().into_iter().filter(|(path, _)| path != MANIFEST);
        beside(&files).eq(beside(handed))
    };
    assert!(mended || same(&world.files) || same(&world.others_files), "changed, and accepted");
    for path in files.keys().filter_map(|path| path.strip_prefix("audio/")) {
        assert!(path.starts_with(&disclosed.audio), "the recording `{path}`");
    }
    let manifest: Value = serde_json::from_slice(&files[MANIFEST]).expect("a manifest");
    let rows: Vec<Value> = serde_json::from_slice(&files[RECORDS]).expect("a list of records");
    assert!(rows.len() <= 1, "{} rows", rows.len());
    let said = &manifest["disclosure"];
    assert_eq!(said["recipient_key"], disclosed.recipient.as_str(), "for another recipient");
    let entries = manifest["entries"].as_array().expect("a list of entries");
    let entry = entries.iter().filter(|entry| entry["index"] == found.entry);
    let leaves: BTreeSet<_> = entry.filter_map(|entry| entry["leaf"].as_str()).collect();
    assert!(!leaves.is_empty(), "the handing out is not among the entries");
    for leaf in leaves {
        assert_eq!(files[leaf], disclosed.leaf, "another entry at its place");
    }
}

fn accepted(octets: &[u8], stamped: bool, trust: &Trust) -> Option<Found> {
    let package = Package::open(octets, None).ok()?;
    let package = if stamped { package.with_stamp(b"a stamp".to_vec()) } else { package };
    assert_eq!(package.sha256(), &<[u8; 32]>::from(Sha256::digest(octets)), "another hash");
    package.check(trust).ok()
}

/// The files of the package that was handed out, after these steps: octets of one are replaced, one
/// is removed, put in another's place, added or renamed.
fn changed(steps: &[u8], world: &Packages) -> Files {
    let (mut files, mut rest) = (world.files.clone(), Steps(steps));
    while let Some(step) = rest.octet() {
        let which = usize::from(rest.octet().unwrap_or_default());
        let Some(path) = files.keys().nth(which % files.len().max(1)).cloned() else { break };
        match step % 6 {
            0 => {
                let file = files.get_mut(&path).expect("it is there");
                let at = usize::from(rest.pair()).min(file.len());
                let end = (at + usize::from(rest.octet().unwrap_or_default())).min(file.len());
                drop(file.splice(at..end, rest.run().iter().copied()));
            }
            1 => drop(files.remove(&path)),
            2 => {
                let from = usize::from(rest.octet().unwrap_or_default());
                let other = &world.others[from % world.others.len()];
                drop(files.insert(path, other.clone()));
            }
            3 => {
                let path = String::from_utf8_lossy(rest.run()).into_owned();
                drop(files.insert(path, rest.run().to_vec()));
            }
            4 => {
                let file = files.remove(&path).expect("it is there");
                drop(files.insert(String::from_utf8_lossy(rest.run()).into_owned(), file));
            }
            _ => files.clone_from(&world.others_files),
        }
    }
    files
}

/// Octets that say what is done.
struct Steps<'s>(&'s [u8]);

impl<'s> Steps<'s> {
    fn octet(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn pair(&mut self) -> u16 {
        let mut octet = || self.octet().unwrap_or_default();
        u16::from_be_bytes([octet(), octet()])
    }

    /// As many octets as the next one says.
    fn run(&mut self) -> &'s [u8] {
        let length = usize::from(self.octet().unwrap_or_default()).min(self.0.len());
        let (run, rest) = self.0.split_at(length);
        self.0 = rest;
        run
    }
}

/// Makes the manifest name the files as they are now, as anybody can.
fn mend(files: &mut Files) {
    let Some(Ok(mut manifest)) = files.get(MANIFEST).map(|text| serde_json::from_slice(text))
    else {
        return;
    };
    let hex = |octets: &[u8]| octets.iter().map(|it| format!("{it:02x}")).collect::<String>();
    let sums = files.iter().filter(|(path, _)| *path != MANIFEST).map(|(path, octets)| {
        let sums = serde_json::json!({
            "octets": octets.len(),
            "sha256": hex(&Sha256::digest(octets)),
            "sha512": hex(&Sha512::digest(octets)),
        });
        (path.clone(), sums)
    });
    if let Value::Object(fields) = &mut manifest {
        fields.insert("files".to_owned(), Value::Object(sums.collect()));
    }
    files.insert(MANIFEST.to_owned(), serde_json::to_vec(&manifest).expect("it was read"));
}

fn archive(files: &Files) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (path, octets) in files {
        // A name that no archive can have stays out of it.
        if writer.start_file(path.as_str(), stored).is_ok() {
            writer.write_all(octets).expect("memory is there");
        }
    }
    writer.finish().expect("memory is there").into_inner()
}

/// What was handed out of one log, and what else stands in it.
struct Packages {
    trust: Trust,
    /// By the place of its entry.
    disclosures: BTreeMap<u64, Disclosed>,
    /// The files of the first package, but for those that only people read.
    files: Files,
    /// The files of the second, for somebody else.
    others_files: Files,
    /// Files of the second, and the proof of a recording that was heard and not taken away.
    others: Vec<Vec<u8>>,
}

/// A disclosure in the log.
struct Disclosed {
    leaf: Vec<u8>,
    asked: Timestamp,
    /// How the files of its recording are named.
    audio: String,
    recipient: String,
}

static PACKAGES: LazyLock<Packages> = LazyLock::new(|| {
    let witnesses = Policy::quorum(1, vec![witness(1).verifier().clone()]).expect("a quorum");
    let trust = Trust { log: log_key(), witnesses: witnesses.clone(), authorities: vec![] };
    let mut log = Log::of(20);
    let mut disclosures = BTreeMap::new();
    let mut packed = |number: u64, recipient: u8| {
        let asked = NOW.after(Duration::from_secs(number));
        let (recording, recipient) = (RecordingId(number), Recipient([recipient; 32]));
        let object = Object::Recording { agency: AgencyId(3), recording, header: [9; 32] };
        let demand = Some(Demand::of(Audience::Defence, Line::Ordinary));
        let intent =
            Intent { verb: Verb::Export, object, recipient, asked, demand, ..log::intent() };
        let bare = log.proof(intent);
        let proof = Proof { checkpoint: cosigned(&bare.checkpoint, &[1]), ..bare };
        let index = proof.inclusion.index();
        let disclosed = Disclosed {
            leaf: proof.leaf.to_vec(),
            asked,
            audio: format!("{number:016x}."),
            recipient: recipient.0.iter().map(|octet| format!("{octet:02x}")).collect(),
        };
        disclosures.insert(index, disclosed);
        pack(&proof, recording, &witnesses)
    };
    let (files, others_files) = (packed(7, 8), packed(9, 10));
    for files in [&files, &others_files] {
        assert!(accepted(&archive(files), false, &trust).is_some(), "refused as it was handed out");
    }
    let heard = log.proof(log::intent());
    let heard = Proof { checkpoint: cosigned(&heard.checkpoint, &[1]), ..heard };
    let entry = entry(&heard);
    let mut others: Vec<_> = others_files.values().cloned().collect();
    others.extend([entry.leaf, entry.opening, entry.proof.to_string().into_bytes()]);
    others.push(heard.checkpoint.to_string().into_bytes());
    Packages { trust, disclosures, files, others_files, others }
});

fn pack(proof: &Proof, recording: RecordingId, witnesses: &Policy) -> Files {
    let gate = Gate::new(log_key(), witnesses.clone());
    let receipt = gate.receipt(proof.clone(), NOW).expect("it is in the log");
    let contents = Contents {
        records: &[record(recording)],
        recordings: &[Recording {
            recording,
            begun: NOW,
            state: RecordingState::Ended,
            sealed_sha256: [5; 32],
            seconds: vec![],
        }],
        entries: &[entry(proof)],
        copies: &[],
        time_stamp: &TimeStamp::None("none is configured".to_owned()),
        custody: Custody::Split,
        clock: &Clock {
            source: "system clock".to_owned(),
            synchronised: None,
            offset_us: None,
            error_max_us: None,
            zone: "UTC".to_owned(),
        },
        software: &Software { version: "0.1.0".to_owned(), sha256: "ab".repeat(32) },
        verifier_key: &log_key().to_string(),
    };
    let package = export::Package::pack(&receipt, &contents).expect("it fits");
    let mut archive = zip::ZipArchive::new(Cursor::new(package.octets())).expect("an archive");
    let mut files = Files::new();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).expect("a file");
        let mut octets = Vec::new();
        file.read_to_end(&mut octets).expect("memory is there");
        files.insert(file.name().expect("text").into_owned(), octets);
    }
    let read = |path: &String| {
        ["proofs/", "audio/", RECORDS, MANIFEST].iter().any(|start| path.starts_with(start))
    };
    files.retain(|path, _| read(path));
    mend(&mut files);
    files
}

fn entry(proof: &Proof) -> Entry {
    Entry {
        what: "this disclosure".to_owned(),
        index: proof.inclusion.index(),
        leaf: proof.leaf.to_vec(),
        opening: [proof.opening.salt.as_slice(), &proof.opening.detail].concat(),
        proof: ProofFile::of(proof.inclusion.clone(), proof.checkpoint.clone()),
    }
}

fn record(recording: RecordingId) -> Record {
    Record {
        row: "0f".repeat(16),
        call: CallId(recording.0),
        facility: "cedar/jail".to_owned(),
        person: None,
        name: None,
        number: None,
        at: NOW,
        accepted: Some(NOW),
        talked: Duration::from_secs(1),
        outcome: "called_hung_up".to_owned(),
        charged: Some(Money::from_cents(1)),
        recording: "recorded".to_owned(),
        heard: None,
    }
}

/// A time stamp, by a first octet: as it lies beside a package, or as an authority answers. It says
/// when the authority that is believed stamped this hash, or it is none: whatever was changed in
/// it, under no other authority, and for no other hash.
pub fn stamp(octets: &[u8]) {
    let Some((how, octets)) = octets.split_first() else { return };
    let believed = [AUTHORITY.to_vec()];
    let hash = Sha256::digest(STAMPED).into();
    let token = match how & 1 {
        0 => octets.to_vec(),
        _ => match stamp::answered(octets, (&hash, NONCE), &believed) {
            Ok((token, stamped)) => {
                assert_eq!(stamped.at, STAMPED_AT, "stamped at another time");
                let other = stamp::answered(octets, (&hash, NONCE + 1), &believed);
                assert_eq!(other, Err(stamp::NotAStamp::Nonce), "an answer to any question");
                token
            }
            Err(_) => return,
        },
    };
    let Ok(found) = stamp::check(&token, &hash, &believed) else {
        assert_eq!(how & 1, 0, "an answer with a stamp that is none");
        return;
    };
    assert_eq!(found.at, STAMPED_AT, "stamped at another time");
    let other = Sha256::digest(b"another").into();
    let other = stamp::check(&token, &other, &believed);
    assert_eq!(other, Err(stamp::NotAStamp::OtherContent), "a stamp of anything");
    assert!(stamp::check(&token, &hash, &[]).is_err(), "a stamp of anybody");
    let longer = [token.as_slice(), &[0]].concat();
    assert!(stamp::check(&longer, &hash, &believed).is_err(), "something follows the stamp");
}

/// What the recipient of a package signed, by a first octet: a note as it stands, or a text that is
/// signed here, in which `KEY` is the key that signs. It is read as it was written, to the octet,
/// and by the key that signed it.
pub fn delivery(octets: &[u8]) {
    let Some((how, octets)) = octets.split_first() else { return };
    let signer = &*RECIPIENT;
    let octets = match how & 1 {
        0 => octets.to_vec(),
        _ => {
            let text = String::from_utf8_lossy(octets);
            let text = text.replace("KEY", &signer.verifier().to_string());
            let Ok(note) = Note::sign(&text, signer) else { return };
            note.to_string().into_bytes()
        }
    };
    let Ok((read, key)) = Delivery::read(&octets) else { return };
    let note = Note::parse(&octets).expect("what was read is a note");
    assert!(note.check(&key).is_ok(), "it is not signed by its key");
    assert_eq!(read.at.micros() % 1_000_000, 0, "a part of a second");
    if how & 1 == 1 {
        assert_eq!(&key, signer.verifier(), "signed by another key");
    }
    if &key == signer.verifier() {
        let again = read.sign(signer).expect("it was signed once");
        assert_eq!(again.text(), note.text(), "a receipt that reads as another");
    }
}

/// What a stranger asks a keyholder, by a first octet: a request over HTTP, its body alone, or the
/// one that is right with octets of it replaced. What is read is written the same again; and a
/// share opens for the recipient, the recording and the entry that the log has, and for no other.
pub fn ask(octets: &[u8]) {
    let Some((how, octets)) = octets.split_first() else { return };
    let body = match how % 3 {
        0 => probe::body(octets),
        1 => Some(octets.to_vec()),
        _ => {
            let (mut body, mut steps) = (ASKED.body.clone(), Steps(octets));
            while !steps.0.is_empty() {
                let at = usize::from(steps.pair()).min(body.len());
                let end = (at + usize::from(steps.octet().unwrap_or_default())).min(body.len());
                drop(body.splice(at..end, steps.run().iter().copied()));
            }
            Some(body)
        }
    };
    let Some(body) = body else { return };
    let answer = ASKED.holder.answer(&body, NOW);
    let Ok(asked) = probe::asked(&body) else {
        assert!(answer.is_err(), "an answer to nothing");
        return;
    };
    let again = probe::asked(asked.again.as_bytes()).expect("what was written cannot be read");
    assert_eq!(asked, again, "an ask that reads as another");
    let Ok(answer) = answer else { return };
    assert!(answer.resealed().is_ok(), "an answer that cannot be read");
    assert_eq!(asked.leaf, ASKED.leaf, "opened for an entry of something else");
    assert_eq!(asked.header, HEADER, "opened the share of another recording");
    assert_eq!(asked.recipient, WHO, "opened for somebody else");
}

/// A keyholder that saw the log when it had ten entries, and the one ask that is right.
struct Asked {
    holder: Probe,
    leaf: [u8; LEAF_OCTETS],
    body: Vec<u8>,
}

static ASKED: LazyLock<Asked> = LazyLock::new(|| {
    let secret = format!("parlatory-keyholder-secret:{}", "42".repeat(32));
    let secret = KeyholderSecret::parse(&secret).expect("a key");
    let mut log = Log::of(10);
    let seen = Checkpoint::verified(log.checkpoint(), &log_key(), &Policy::LOG_ALONE);
    let object = vault::object(HEADER).expect("a header");
    let proof = log.proof(Intent { object, recipient: WHO, ..log::intent() });
    let way: Consistency = log.consistency(10);
    let ask = keyholder::Ask::new(&proof, &way, HEADER, WHO);
    let gate = Gate::new(log_key(), Policy::LOG_ALONE);
    let holder = Probe::new(secret, gate, Some(seen.expect("it is signed")));
    let body = serde_json::to_vec(&ask).expect("an ask is text");
    assert!(holder.answer(&body, NOW).is_ok(), "refused what is right");
    Asked { holder, leaf: proof.leaf, body }
});

static RECIPIENT: LazyLock<Signer> = LazyLock::new(|| {
    Signer::from_seed("recipient", KeyKind::Log, &[5; 32]).expect("a key of 32 octets")
});

const MANIFEST: &str = "manifest.json";
const RECORDS: &str = "records/records.json";
/// The certificate of an authority of our own, which OpenSSL played.
const AUTHORITY: &[u8] = include_bytes!("../fixed/authority.der");
/// What it stamped, when, and with which nonce.
const STAMPED: &[u8] = b"a manifest";
/// 2026-11-27T08:32:57Z.
const STAMPED_AT: Timestamp = Timestamp::from_micros(1_795_768_377_000_000);
const NONCE: u64 = 7;
/// The header of recording 7, whose share b is sealed to a keyholder of which everybody knows the
/// private key.
const HEADER: &[u8] = include_bytes!("../fixed/recording-header");
/// Who may have it: the public key of nobody in particular.
const WHO: Recipient = Recipient([8; 32]);

//! A package as its recipient checks it: what was handed out is accepted, and whatever somebody
//! made of it is found out, also when they mended everything that can be mended without the log.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

#[path = "../../access/tests/log/mod.rs"]
mod log;

use access::{Audience, Demand, Gate, Intent, LEAF_OCTETS, Line, Object, Proof, Recipient, Verb};
use export::{
    Clock, Contents, Custody, Entry, Passphrase, Record, Recording, Software, TimeStamp, seal,
};
use log::{Log, NOW, cosigned, intent, key, log_key, quorum, witness};
use model::{
    AgencyId, CallId, Codec, E164, GrantId, Money, Private, RecordingId, Second, StaffId, Track,
    fact::RecordingState,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha512};
use std::{collections::BTreeMap, io::Write as _, time::Duration};
use tlog::{Policy, ProofFile};
use verify::package::{Fault, Package, Stamp, Trust};

const RECORDING: u64 = 0x1_0000_0002;
const AUDIO: &str = "audio/0000000100000002";

type Files = BTreeMap<String, Vec<u8>>;

/// What is handed out of a log with twenty entries before it, which two witnesses saw.
struct Handed {
    package: export::Package,
    proof: Proof,
    log: Log,
}

fn export_of(object: Object) -> Intent {
    let mut demand = Demand::of(Audience::Defence, Line::Ordinary);
    demand.key = Some(Recipient([6; 32]));
    demand.query.person = Some(Private::new("CC-1001".to_owned()));
    demand.query.from = Some(NOW);
    demand.note = Some(Private::new("as asked".to_owned()));
    Intent { verb: Verb::Export, object, demand: Some(demand), ..intent() }
}

fn recorded() -> Object {
    Object::Recording { agency: AgencyId(3), recording: RecordingId(RECORDING), header: [9; 32] }
}

fn handed(time_stamp: &TimeStamp) -> Handed {
    handed_of(recorded(), (&[record()], &[recording()]), time_stamp)
}

fn handed_of(
    object: Object,
    (records, recordings): (&[Record], &[Recording]),
    time_stamp: &TimeStamp,
) -> Handed {
    let mut log = Log::of(20);
    let bare = log.proof(export_of(object));
    let proof = Proof { checkpoint: cosigned(&bare.checkpoint, &[1, 3]), ..bare };
    let receipt = Gate::new(log_key(), quorum()).receipt(proof.clone(), NOW).unwrap();
    let (clock, software) = (
        Clock {
            source: "system clock".to_owned(),
            synchronised: None,
            offset_us: None,
            error_max_us: None,
            zone: "UTC".to_owned(),
        },
        Software { version: "0.1.0".to_owned(), sha256: "ab".repeat(32) },
    );
    let contents = Contents {
        records,
        recordings,
        entries: &[entry(&proof)],
        copies: &[],
        time_stamp,
        custody: Custody::Split,
        clock: &clock,
        software: &software,
        verifier_key: &log_key().to_string(),
    };
    let package = export::Package::pack(&receipt, &contents).unwrap();
    Handed { package, proof, log }
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

fn recording() -> Recording {
    let track = |codec, octet| Track { codec, rtp_time: 160, octets: vec![octet; 8_000] };
    Recording {
        recording: RecordingId(RECORDING),
        begun: NOW,
        state: RecordingState::Ended,
        sealed_sha256: [5; 32],
        seconds: vec![Second {
            index: 0,
            started: NOW,
            station: track(Codec::Pcmu, 0x80),
            called: track(Codec::Pcma, 0xd5),
        }],
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
        talked: Duration::from_secs(1),
        outcome: "called_hung_up".to_owned(),
        charged: Some(Money::from_cents(1)),
        recording: "recorded".to_owned(),
        heard: None,
    }
}

/// A reader who knows the log and wants two of its three witnesses.
fn trust() -> Trust {
    Trust { log: log_key(), witnesses: quorum(), authorities: vec![] }
}

fn none() -> TimeStamp {
    TimeStamp::None("none is configured".to_owned())
}

fn check(octets: &[u8], trust: &Trust) -> Result<verify::package::Found, Fault> {
    Package::open(octets, None)?.check(trust)
}

fn unzip(octets: &[u8]) -> Files {
    use std::io::Read as _;
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(octets)).unwrap();
    let mut files = Files::new();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).unwrap();
        let mut octets = Vec::new();
        file.read_to_end(&mut octets).unwrap();
        files.insert(file.name().unwrap().into_owned(), octets);
    }
    files
}

/// Packs `files` again, as somebody would who changed one.
fn repack(files: &Files) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, octets) in files {
        let stored = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored);
        writer.start_file(path.as_str(), stored).unwrap();
        writer.write_all(octets).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Mends the manifest, so that it names the files as they are now.
fn mended(mut files: Files, edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    edit(&mut manifest);
    let hex = |octets: &[u8]| octets.iter().map(|it| format!("{it:02x}")).collect::<String>();
    let sums = files.iter().filter(|(path, _)| *path != "manifest.json").map(|(path, octets)| {
        let sums = serde_json::json!({
            "octets": octets.len(),
            "sha256": hex(&Sha256::digest(octets)),
            "sha512": hex(&Sha512::digest(octets)),
        });
        (path.clone(), sums)
    });
    manifest["files"] = Value::Object(sums.collect());
    files.insert("manifest.json".to_owned(), serde_json::to_vec(&manifest).unwrap());
    repack(&files)
}

#[test]
fn what_was_handed_out_is_accepted_sealed_or_not() {
    let Handed { package, .. } = handed(&none());
    let found = check(package.octets(), &trust()).unwrap();
    assert_eq!((found.entry, found.size, &found.sha256), (20, 21, package.sha256()));
    assert_eq!((found.log.as_str(), found.asked), ("county.example/log", NOW));
    let names: Vec<_> = found.witnessed.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["witness1.example", "witness3.example"]);
    assert_eq!(found.stamp, Stamp::None { why: "none is configured".to_owned() });
    let passphrase = Passphrase::draw().unwrap();
    let sealed = seal(&package, None, &passphrase).unwrap();
    let opened = Package::open(&sealed, Some(passphrase.expose())).unwrap();
    assert_eq!(opened.check(&trust()).unwrap(), found);
    for wrong in [None, Some("0000-0000-0000-0000-0000-0000")] {
        let refused = Package::open(&sealed, wrong).map(drop).unwrap_err();
        assert!(matches!(refused, Fault::Sealed), "{refused}");
    }
    let refused = Package::open(b"no archive", None).map(drop).unwrap_err();
    assert!(matches!(refused, Fault::Archive(_)), "{refused}");
}

#[test]
fn what_is_taken_out_stays_in_its_folder() {
    let Handed { package, .. } = handed(&none());
    let opened = Package::open(package.octets(), None).unwrap();
    let contents: BTreeMap<_, _> = opened.contents().unwrap().into_iter().collect();
    assert_eq!(contents["package.zip"], package.octets());
    assert!(contents.contains_key("manifest.json") && contents.contains_key("README.txt"));
    for path in ["../out", "/etc/out", "a/../../out", "a//b", "c:\\out", ".profile", "a/.b"] {
        let mut files = unzip(package.octets());
        files.insert(path.to_owned(), b"x".to_vec());
        let octets = mended(files, |_| {});
        let refused = Package::open(&octets, None).unwrap().contents().unwrap_err();
        assert!(matches!(&refused, Fault::Path(odd) if odd == path), "{refused}");
    }
}

#[test]
fn who_believes_other_keys_or_wants_more_witnesses_does_not_accept_it() {
    let Handed { package, .. } = handed(&none());
    let witnesses = |needed, numbers: &[u8]| {
        let keys = numbers.iter().map(|number| witness(*number).verifier().clone());
        Policy::quorum(needed, keys.collect()).unwrap()
    };
    for (trust, says) in [
        // Another agency's log, with a key of the same name and one of another name.
        (Trust { log: key(2).verifier().clone(), ..trust() }, "has no signature of"),
        (Trust { witnesses: witnesses(3, &[1, 2, 3]), ..trust() }, "2 of the witnesses have seen"),
        (Trust { witnesses: witnesses(1, &[2]), ..trust() }, "0 of the witnesses have seen"),
    ] {
        let refused = check(package.octets(), &trust).unwrap_err();
        assert!(matches!(refused, Fault::Checkpoint(_)), "{refused}");
        assert!(refused.to_string().contains(says), "{refused}");
    }
}

#[test]
fn a_change_of_any_file_is_found() {
    let Handed { package, .. } = handed(&none());
    let files = unzip(package.octets());
    assert!(check(&repack(&files), &trust()).is_ok());
    for path in files.keys() {
        let mut changed = files.clone();
        let octets = changed.get_mut(path).unwrap();
        let at = octets.len() / 2;
        octets[at] ^= 1;
        assert!(check(&repack(&changed), &trust()).is_err(), "a change of {path} was not found");
        let mut less = files.clone();
        less.remove(path);
        assert!(check(&repack(&less), &trust()).is_err(), "nobody missed {path}");
    }
    let mut more = files;
    more.insert("records/more.csv".to_owned(), b"row".to_vec());
    let refused = check(&repack(&more), &trust()).unwrap_err();
    assert!(matches!(refused, Fault::Added(path) if path == "records/more.csv"));
}

/// Of two files with one name this reader would take one, and another program the other.
#[test]
fn an_archive_with_a_file_twice_is_refused() {
    let Handed { package, .. } = handed(&none());
    let mut files = unzip(package.octets());
    let rows = "records/records.json";
    files.insert("records/recordr.json".to_owned(), b"[]".to_vec());
    let mut octets = repack(&files);
    for at in 0..octets.len() - rows.len() {
        if octets[at..].starts_with(b"records/recordr.json") {
            octets[at..at + rows.len()].copy_from_slice(rows.as_bytes());
        }
    }
    let refused = check(&octets, &trust()).unwrap_err();
    assert!(refused.to_string().contains("twice"), "{refused}");
}

/// The manifest and every hash can be made anew by anybody; what the log has cannot.
#[test]
fn what_is_mended_around_another_disclosure_is_found() {
    let Handed { package, .. } = handed(&none());
    let files = unzip(package.octets());
    assert!(check(&mended(files.clone(), |_| {}), &trust()).is_ok());
    let said = |name: &'static str, value: Value| {
        let files = files.clone();
        move || mended(files, |manifest| manifest["disclosure"][name] = value)
    };
    let top = |name: &'static str, value: Value| {
        let files = files.clone();
        move || mended(files, |manifest| manifest[name] = value)
    };
    let looked = |name: &'static str, value: Value| {
        let files = files.clone();
        move || mended(files, |manifest| manifest["query"][name] = value)
    };
    let with_audio = |name: &str| {
        let mut files = files.clone();
        for end in ["wav", "json", "station.g711", "called.g711"] {
            let octets = files.remove(&format!("{AUDIO}.{end}")).unwrap();
            files.insert(format!("audio/{name}.{end}"), octets);
        }
        mended(files, |_| {})
    };
    let more_rows = {
        let mut files = files.clone();
        let mut rows: Vec<Value> = serde_json::from_slice(&files["records/records.json"]).unwrap();
        rows.push(rows[0].clone());
        files.insert("records/records.json".to_owned(), serde_json::to_vec(&rows).unwrap());
        mended(files, |_| {})
    };
    for (octets, says) in [
        (said("recipient_key", "ab".repeat(32).into())(), "for another recipient"),
        (said("staff", 12.into())(), "somebody else"),
        (said("case", "24-CR-0118".into())(), "another case"),
        (said("purpose", "discovery".into())(), "another purpose"),
        (said("agency", 4.into())(), "another agency"),
        (said("asked_utc", "2026-11-26T22:00:00Z".into())(), "another time"),
        (said("package_key", Value::Null)(), "another recipient's key"),
        (top("audience", "prosecution".into())(), "another recipient"),
        (top("note", "as told".into())(), "in other words"),
        (looked("person", "CC-1002".into())(), "something else was looked for"),
        (looked("person", Value::Null)(), "something else was looked for"),
        (looked("number", "+12025550101".into())(), "something else was looked for"),
        (looked("from_utc", "2026-11-26T22:00:00Z".into())(), "something else was looked for"),
        (looked("line", "protected".into())(), "something else was looked for"),
        (with_audio("0000000100000003"), "another recording"),
        (more_rows, "fewer records"),
    ] {
        let refused = check(&octets, &trust()).unwrap_err();
        assert!(matches!(refused, Fault::OtherDisclosure(_)), "{says}: {refused}");
        assert!(refused.to_string().contains(says), "{refused}");
    }
    let none = mended(files, |manifest| manifest["entries"] = Value::Array(vec![]));
    let refused = check(&none, &trust()).unwrap_err();
    assert!(matches!(refused, Fault::NoDisclosure), "{refused}");
}

/// A call is one in the entry, and has a record for each number that was refused in it.
#[test]
fn numbers_that_were_refused_in_a_call_are_records_of_it() {
    let refused = |number: usize| Record {
        row: format!("{number:032x}"),
        accepted: None,
        talked: Duration::ZERO,
        outcome: "number_blocked".to_owned(),
        charged: None,
        recording: "no_talk".to_owned(),
        ..record()
    };
    let packed = |calls: usize, refusals: usize| {
        let object = Object::Records { agency: AgencyId(3), records: vec![CallId(RECORDING)] };
        let records: Vec<_> = (0..refusals).map(refused).chain(vec![record(); calls]).collect();
        handed_of(object, (&records, &[]), &none()).package
    };
    for (calls, refusals, good) in
        [(1, 0, true), (1, 5, true), (0, 6, true), (2, 0, false), (1, 7, false)]
    {
        let found = check(packed(calls, refusals).octets(), &trust());
        assert_eq!(found.is_ok(), good, "{calls} and {refusals}: {found:?}");
    }
}

/// Of what the manifest says beside the log, too, there is one reading or none.
#[test]
fn a_manifest_with_a_text_that_is_none_is_refused() {
    let Handed { package, .. } = handed(&none());
    let mut files = unzip(package.octets());
    let text = String::from_utf8(files["manifest.json"].clone()).unwrap();
    for (from, to) in [("system clock", r"\ud800"), ("system clock", r"\x")] {
        assert!(text.contains(from), "{text}");
        files.insert("manifest.json".to_owned(), text.replacen(from, to, 1).into_bytes());
        let refused = check(&repack(&files), &trust()).unwrap_err();
        assert!(matches!(refused, Fault::Manifest), "{refused}");
    }
    let octets = text.replacen("system clock", "?", 1).into_bytes();
    let octets = octets.into_iter().map(|octet| if octet == b'?' { 0xff } else { octet });
    files.insert("manifest.json".to_owned(), octets.collect());
    let refused = check(&repack(&files), &trust()).unwrap_err();
    assert!(matches!(refused, Fault::Manifest), "{refused}");
}

/// The same files around the proof of something else.
#[test]
fn a_receipt_of_something_else_a_forged_one_and_a_stale_checkpoint_are_found() {
    let Handed { package, proof, mut log } = handed(&none());
    let files = unzip(package.octets());
    let around = |proof: &Proof| {
        let mut files = files.clone();
        let entry = entry(proof);
        let named: Vec<_> = ["leaf", "opening", "tlog-proof"]
            .map(|end| format!("proofs/000000000020.{end}"))
            .into();
        files.insert(named[0].clone(), entry.leaf.clone());
        files.insert(named[1].clone(), entry.opening.clone());
        files.insert(named[2].clone(), entry.proof.to_string().into_bytes());
        files.insert("proofs/checkpoint".to_owned(), proof.checkpoint.to_string().into_bytes());
        mended(files, |manifest| {
            let index = proof.inclusion.index();
            manifest["disclosure"]["entry"] = index.into();
            manifest["entries"][0]["index"] = index.into();
            let size = proof.checkpoint.text().lines().nth(1).unwrap().parse::<u64>().unwrap();
            manifest["log"]["size"] = size.into();
        })
    };
    assert!(check(&around(&proof), &trust()).is_ok());
    let mut entered = |intent: Intent| {
        let bare = log.proof(intent);
        Proof { checkpoint: cosigned(&bare.checkpoint, &[1, 2]), ..bare }
    };
    let eighth = Object::Recording {
        agency: AgencyId(3),
        recording: RecordingId(RECORDING + 1),
        header: [9; 32],
    };
    let heard = entered(Intent { verb: Verb::Listen, ..export_of(recorded()) });
    let another = entered(export_of(eighth));
    let counsel = entered(Intent { staff: StaffId(12), ..export_of(recorded()) });
    let recipient = access::Recipient([7; 32]);
    let replayed = entered(Intent { recipient, ..export_of(recorded()) });
    let broken = access::Leave::Grant { grant: GrantId(6), approvers: vec![] };
    let same = entered(Intent { leave: broken, ..export_of(recorded()) });
    for (proof, says) in [
        (&heard, "something else"),
        (&another, "another recording"),
        (&counsel, "somebody else"),
        (&replayed, "another recipient"),
    ] {
        let refused = check(&around(proof), &trust()).unwrap_err();
        assert!(refused.to_string().contains(says), "{says}: {refused}");
    }
    // By another leave, of which the manifest tells in words only, it is the same disclosure.
    assert!(check(&around(&same), &trust()).is_ok());
    let mut absent = proof.clone();
    absent.leaf[200] ^= 1;
    let refused = check(&around(&absent), &trust()).unwrap_err();
    assert!(matches!(refused, Fault::NoReceipt(_)), "{refused}");
    let moved = Proof { opening: heard.opening.clone(), ..proof.clone() };
    let refused = check(&around(&moved), &trust()).unwrap_err();
    assert!(matches!(refused, Fault::Entry(20)), "{refused}");
    // Another history under the same key, which no witness saw.
    let mut fork = Log::new();
    for number in 100..120 {
        fork.append([number; LEAF_OCTETS]);
    }
    let forked = fork.proof(export_of(recorded()));
    let refused = check(&around(&forked), &trust()).unwrap_err();
    assert!(refused.to_string().contains("0 of the witnesses"), "{refused}");
    // A checkpoint from before the handing out.
    let stale = cosigned(&Log::of(20).checkpoint(), &[1, 2]);
    let mut old = files.clone();
    old.insert("proofs/checkpoint".to_owned(), stale.to_string().into_bytes());
    let old = mended(old, |manifest| manifest["log"]["size"] = 20.into());
    let refused = check(&old, &trust()).unwrap_err();
    assert!(matches!(refused, Fault::Stale), "{refused}");
}

/// The checkpoint of the history that everybody sees lies in it, around an entry of another one.
#[test]
fn a_handing_out_in_another_history_than_the_one_shown_is_refused() {
    let Handed { package, .. } = handed(&none());
    let mut files = unzip(package.octets());
    let mut fork = Log::new();
    for number in 100..120 {
        fork.append([number; LEAF_OCTETS]);
    }
    let Entry { leaf, opening, proof, .. } = entry(&fork.proof(export_of(recorded())));
    for (end, octets) in
        [("leaf", leaf), ("opening", opening), ("tlog-proof", proof.to_string().into_bytes())]
    {
        files.insert(format!("proofs/000000000020.{end}"), octets);
    }
    let alone = Trust { witnesses: Policy::LOG_ALONE, ..trust() };
    assert!(check(package.octets(), &alone).is_ok());
    let refused = check(&mended(files, |_| {}), &alone).unwrap_err();
    assert!(matches!(refused, Fault::OtherCheckpoint), "{refused}");
}

#[test]
fn a_time_stamp_is_where_the_manifest_says_and_nowhere_else() {
    let beside = TimeStamp::Beside("http://stamps.example".to_owned());
    let package = handed(&beside).package;
    let open = || Package::open(package.octets(), None).unwrap();
    let refused = open().check(&trust()).unwrap_err();
    assert!(matches!(refused, Fault::NoStamp), "{refused}");
    let there = || open().with_stamp(b"something".to_vec());
    assert_eq!(there().check(&trust()).unwrap().stamp, Stamp::Unchecked);
    let believes = Trust { authorities: vec![b"a certificate".to_vec()], ..trust() };
    let refused = there().check(&believes).unwrap_err();
    assert!(matches!(refused, Fault::Stamp(_)), "{refused}");
    let package = handed(&none()).package;
    let added = Package::open(package.octets(), None).unwrap().with_stamp(b"something".to_vec());
    let refused = added.check(&trust()).unwrap_err();
    assert!(matches!(refused, Fault::Added(_)), "{refused}");
}

//! `parlatory demo`, played once for programs and once for people, both at the same time.

use std::{
    collections::BTreeSet,
    fs,
    ops::{ControlFlow, RangeInclusive},
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use evidence::{AuditKey, Statement, leaf};
use journal::log::{LogEntry, replay_log};
use model::fact::{OffReason, RecordingState};
use rustix::process::Signal;
use serde_json::{Value, json};
use store::{CallFilter, RecordingRow};

use crate::{
    at_rest, backup,
    county::{HELD_MICROS, MICROS_PER_MINUTE, price_micros},
    keeping, node,
    open::End,
    private::{assert_free_of, assert_no_number, assert_no_pin},
    process::{Finished, Process, SOON, parlatory, program},
    recording::{Recording, assert_no_audio_in_clear, files, recordings},
    sound::is_audible,
};

/// The demo is watched whole, which takes three minutes, so all that is to be seen in it stands
/// here.
#[test]
fn every_call_ends_as_it_must() {
    let kept = tempfile::tempdir().unwrap();
    let (data, temporary) = (kept.path().join("data"), tempfile::tempdir().unwrap());
    let plain = start(temporary.path(), &["--once"]);
    let elsewhere = tempfile::tempdir().unwrap();
    let json = start(elsewhere.path(), &["--json", "--data", data.to_str().unwrap()]);
    let over = AtomicBool::new(false);
    let (json, watched) = thread::scope(|scope| {
        let watched = scope.spawn(|| backup::while_calls_run(&data, &over));
        let ended = panic::catch_unwind(AssertUnwindSafe(|| json.wait_end(DEMO).well()));
        over.store(true, Ordering::Relaxed);
        (ended.unwrap_or_else(|why| panic::resume_unwind(why)), watched.join().unwrap())
    });
    let plain = plain.wait_end(DEMO).well();

    let document: Value = serde_json::from_str(&json.out).expect("one JSON document and no more");
    assert_document(&document);
    assert_disclosed(&document, &data);
    assert_kept(&data, &document);
    at_rest::assert_gives_away_what_is_listed(&data);
    assert_shown(&plain, &data);
    backup::assert_restorable(&data, &watched);
    keeping::assert_erased(&data);
    assert_audited(&data);
    let left = |folder: &Path| files(folder).into_iter().chain(folders(folder)).count();
    assert_eq!(left(temporary.path()), 0, "a demo that keeps nothing leaves nothing");
    assert_eq!(left(elsewhere.path()), 0, "a demo that keeps a folder keeps it there alone");
}

#[test]
fn a_folder_that_holds_something_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("letter.txt"), "mine").unwrap();
    let refused = parlatory(&["demo", "--once", "--data", folder.path().to_str().unwrap()]).badly();
    assert!(refused.err.contains("is not empty"), "{}", refused.err);
    assert_eq!(files(folder.path()), [folder.path().join("letter.txt")]);
    assert_eq!(refused.out, "");
}

#[test]
fn ctrl_c_in_mid_call_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let demo = start(temporary.path(), &[]);
    // The node says its process id: `... (process 4711). 20 calls, in real time:`
    let announced = demo.wait_line("A node takes calls", SOON);
    let (_, rest) = announced.split_once("(process ").unwrap();
    let id = rest.split_once(')').unwrap().0;
    demo.wait_line("enter_pin", SOON);
    demo.signal(Signal::INT);
    let ended = demo.wait_end(SOON);
    assert_eq!(ended.status.code(), Some(130), "as shells have it: {}", ended.err);
    assert_eq!(folders(temporary.path()), [] as [&Path; 0]);
    // Nobody waits for the orphan here; it may be a zombie, but its memory is gone.
    let node = fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
    assert!(!node.contains("serve"), "the node lives on: {node}");
}

/// The log that the demo wrote is whole, says what was recorded, and shows what is changed.
fn assert_audited(data: &Path) {
    let folder = data.to_str().unwrap();
    let audit = |more: &[&str]| {
        let arguments = [&["audit", "--json", "--data", folder], more].concat();
        parlatory(&arguments)
    };
    let report = |finished: &Finished| serde_json::from_str::<Value>(&finished.out).unwrap();
    let clean = report(&audit(&[]).well());
    let counts = ["calls", "recorded", "not_recorded", "open", "starts", "count"];
    assert_eq!(counts.map(|name| clean[name].as_u64().unwrap()), [16, 6, 10, 0, 2, 0], "{clean}");
    assert_eq!(clean["published"], clean["entries"]);
    assert_eq!(clean["entries"].as_u64().unwrap() % 64, 0);
    let verify = || {
        let [log, key] = ["log", "log.vkey"].map(|name| data.join(name));
        let [log, key] = [&log, &key].map(|path| path.to_str().unwrap());
        parlatory(&["verify", "--json", log, "--key", key])
    };
    let whole = report(&verify().well());
    assert_eq!((&whole["whole"], &whole["entries"]), (&json!(true), &clean["entries"]), "{whole}");

    // Sixteen calls went out at most; a carrier who has an hour with more knows of one too many.
    let carrier = data.join("carrier.csv");
    fs::write(&carrier, "trunk,start,seconds,number\n0,2026-01-01T00:00:00Z,60,withheld\n")
        .unwrap();
    let more = report(&audit(&["--carrier", carrier.to_str().unwrap()]).badly());
    assert_eq!(more["count"], json!(1), "{more}");
    let build = data.join("SHA256SUMS");
    fs::write(&build, format!("{}  parlatory\n", "0".repeat(64))).unwrap();
    let other = report(&audit(&["--build-hash", build.to_str().unwrap()]).badly());
    assert_eq!(other["count"], json!(2), "both starts ran another program");

    let secret = data.join("counsel.secret");
    let secret = secret.to_str().unwrap();
    let holder = "Cedar County Public Defender";
    let issue =
        ["counsel", "secret", "--data", folder, "--agency", "cedar", "--holder", holder, secret];
    parlatory(&issue).well();
    parlatory(&issue).badly();
    let log = data.join("log");
    let check = ["counsel", "check", "--json", "--secret", secret, log.to_str().unwrap()];
    let found = report(&parlatory(&check).well());
    assert_eq!((&found["unrecorded"], &found["missing"]), (&json!(1), &json!(0)), "{found}");

    let closed = files(&data.join("recordings").join("closed"));
    fs::copy(&closed[0], closed[0].with_file_name("00000000000000ff.rec")).unwrap();
    let extra = report(&audit(&[]).badly());
    assert!(extra["found"][0].as_str().unwrap().starts_with("I5: "), "{extra}");
    let bundle = files(&log.join("tile").join("entries"));
    let mut octets = fs::read(&bundle[0]).unwrap();
    // Nobody outside can tell padding, which is of node 0, from what is of node 1.
    for entry in octets.chunks(2 + 256) {
        let node = u32::from_be_bytes(entry[6..10].try_into().unwrap());
        assert!(node > 1, "node {node} shows");
    }
    octets[100] ^= 1;
    fs::write(&bundle[0], octets).unwrap();
    assert!(audit(&[]).badly().err.contains("not the one that was signed"));
    let changed = report(&verify().badly());
    // The octet is in the first entry of its bundle, after the entry's length.
    assert_eq!((&changed["whole"], &changed["first_bad_entry"]), (&json!(false), &json!(0)));
}

/// What a scene must come to.
struct Expected {
    scenario: &'static str,
    outcome: &'static str,
    recording: &'static str,
    reason: Option<&'static str>,
    consent_key: Option<&'static str>,
    talk_ms: RangeInclusive<u64>,
    /// What was held for it.
    held: i64,
}

#[track_caller]
fn assert_document(document: &Value) {
    let calls = document["calls"].as_array().unwrap();
    assert_eq!(calls.len(), EXPECTED.len());
    let mut charged = 0;
    for (call, expected) in calls.iter().zip(&EXPECTED) {
        let Expected { scenario, outcome, recording, reason, consent_key, .. } = expected;
        assert_eq!(call["scenario"], json!(scenario));
        assert_eq!(call["outcome"], json!(outcome), "{scenario}");
        assert_eq!(call["recording"], json!(recording), "{scenario}");
        assert_eq!(call["reason"], json!(reason), "{scenario}");
        assert_eq!(call["consent_key"], json!(consent_key), "{scenario}");
        let talk_ms = call["talk_ms"].as_u64().unwrap();
        assert!(expected.talk_ms.contains(&talk_ms), "{scenario}: {talk_ms} ms");
        // What nothing was held for is free.
        let price = if expected.held > 0 { price_micros(talk_ms) } else { 0 };
        assert_eq!(call["charged_micros"], json!(price), "{scenario}");
        charged += price;
    }
    let held: i64 = EXPECTED.iter().map(|expected| expected.held).sum();
    let money = json!({
        "held_micros": held,
        "settled_micros": charged,
        "released_micros": held - charged,
        "expired_micros": 0,
    });
    assert_eq!(document["money"], money);
}

/// One disclosure of each kind was made, and each stands in the log where it is said to.
#[track_caller]
fn assert_disclosed(document: &Value, data: &Path) {
    let key: [u8; 32] = fs::read(data.join("keys/audit.key")).unwrap().try_into().unwrap();
    let key = AuditKey::new(key);
    let mut acts = Vec::new();
    let each = |entry: LogEntry| {
        let said = leaf::read(&entry.leaf, &key).map(|read| read.said.what);
        acts.push(match said {
            Ok(Statement::Disclosure { act, .. }) => Some(act),
            _ => None,
        });
        ControlFlow::Continue(())
    };
    replay_log(&data.join("log-private"), 0, each).unwrap();
    let disclosures = document["disclosures"].as_array().unwrap();
    let kinds: Vec<_> = disclosures.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["follow", "search", "listen", "export", "hold", "retention", "list"]);
    for one in disclosures {
        let entry = usize::try_from(one["entry"].as_u64().unwrap()).unwrap();
        assert_eq!(acts[entry], one["act"].as_u64(), "{one}");
    }
    let says = |kind: usize| disclosures[kind]["says"].as_str().unwrap();
    let seconds = |kind| says(kind).split(' ').next().unwrap().parse::<u64>().unwrap();
    assert!((5..15).contains(&seconds(0)) && (5..15).contains(&seconds(2)), "{disclosures:?}");
    // The last of them lists those before it, and the searches that found the call to follow.
    let listed = says(6).split(' ').next().unwrap().parse::<usize>().unwrap();
    assert!(listed >= 5, "{disclosures:?}");
}

/// The folder holds six recordings, which open, and no audio beside them.
#[track_caller]
fn assert_kept(data: &Path, document: &Value) {
    let found = recordings(data);
    let kinds: BTreeSet<_> = found.iter().map(Recording::extension).collect();
    assert_eq!((found.len(), kinds), (RECORDINGS, BTreeSet::from(["cut", "rec"])));
    for recording in &found {
        let (scenarios, state) = match recording.extension() {
            "rec" => (ENDED.as_slice(), RecordingState::Ended),
            _ => (["node_killed"].as_slice(), RecordingState::Cut),
        };
        let seconds = u64::try_from(recording.opened.seconds.len()).unwrap();
        let talks = scenarios.iter().map(|scenario| talk_ms(document, scenario));
        // No file says whose talk it is: it is the one that lasted as long.
        let talk_ms = talks.min_by_key(|ms| (ms / 1_000).abs_diff(seconds)).unwrap();
        assert_both_voices(recording, state, talk_ms);
    }
    assert_no_audio_in_clear(data, &found);

    let store = node::open_store(data);
    let rows = store.calls(&CallFilter::default()).unwrap();
    let off = rows.iter().filter(|row| row.recording == RecordingRow::Off(OffReason::Protected));
    assert_eq!(off.count(), 1);
    for row in &rows {
        if let RecordingRow::Recorded { sha256, .. } = row.recording {
            use sha2::{Digest, Sha256};
            let sums = found.iter().map(|recording| fs::read(&recording.path).unwrap());
            assert!(sums.map(Sha256::digest).any(|sum| sum[..] == sha256), "booked as it is");
        }
    }

    let log = fs::read_to_string(data.join("node.log")).unwrap();
    assert!(log.contains("the last run did not end in order"), "{log}");
    assert_nothing_personal(&log, data);
}

#[track_caller]
fn assert_both_voices(recording: &Recording, state: RecordingState, talk_ms: u64) {
    let seconds = recording.opened.seconds.len();
    let whole = usize::try_from(talk_ms / 1_000).unwrap();
    match (state, &recording.opened.end) {
        (RecordingState::Ended, End::Ended { .. }) => assert!(seconds.abs_diff(whole) <= 1),
        // Charged up to the last mark; recorded up to the death, which came later.
        (RecordingState::Cut, End::Cut { .. }) => assert!((whole..whole + 6).contains(&seconds)),
        (state, end) => panic!("{state:?} is {end:?}"),
    }
    let (station, called) = (recording.station(), recording.called());
    for second in 1..whole - 1 {
        assert!(is_audible(&station[second]), "the person is silent in second {second}");
        assert!(is_audible(&called[second]), "the called party is silent in second {second}");
        assert_ne!(station[second], called[second], "two people, two voices");
    }
}

/// People see a ladder of every call and what became of it, and nothing personal.
#[track_caller]
fn assert_shown(plain: &Finished, data: &Path) {
    for Expected { scenario, outcome, .. } in EXPECTED {
        let ladder = plain.out.lines().filter(|line| line.contains(scenario)).count();
        assert!(ladder > 10, "{scenario}: a ladder of {ladder} lines");
        let sum = plain.out.lines().find(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some(scenario) && words.next() == Some(outcome)
        });
        let sum = sum.unwrap_or_else(|| panic!("no sum of `{scenario}`: {}", plain.out));
        assert!(sum.contains('$'), "{sum}");
    }
    for line in [
        "talk, sealed as it is spoken",
        "talk, with no recorder attached",
        "is killed with SIGKILL in mid-call",
        "Money: $30.91 was held",
        "What staff saw of them, and where that stands in the log",
        "of both voices while they talked; lee approved it",
        "opened by both keyholders",
        "for the defence, with the proofs, sealed",
        "keeps a person's calls, and nobody is told which",
        "recordings are due to be erased",
        "Custody: solo",
        "parlatory verify FOLDER/log --key FOLDER/log.vkey",
        "parlatory audit --data FOLDER",
    ] {
        assert!(plain.out.contains(line), "`{line}` is missing: {}", plain.out);
    }
    assert_nothing_personal(&plain.out, data);
    assert_nothing_personal(&plain.err, data);
}

/// Looks for everybody of the demo's county, as its own file names them.
#[track_caller]
fn assert_nothing_personal(text: &str, data: &Path) {
    let people = fs::read_to_string(data.join("county").join("people.csv")).unwrap();
    for row in people.lines().skip(1) {
        let cells: Vec<_> = row.split(',').collect();
        assert_free_of(text, cells[2].split(' '));
        assert_no_pin(text, cells[3]);
    }
    for number in 1..=EXPECTED.len() {
        assert_no_number(text, &format!("20255501{number:02}"));
    }
}

fn talk_ms(document: &Value, scenario: &str) -> u64 {
    let calls = document["calls"].as_array().unwrap();
    calls.iter().find(|call| call["scenario"] == scenario).unwrap()["talk_ms"].as_u64().unwrap()
}

fn start(temporary: &Path, arguments: &[&str]) -> Process {
    let mut command = program();
    command.arg("demo").args(arguments).env("TMPDIR", temporary);
    Process::start("the demo", &mut command)
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Recordings that the demo leaves.
pub(crate) const RECORDINGS: usize = ENDED.len() + 1;
/// Calls whose recording ended; that of another one was cut.
const ENDED: [&str; 5] =
    ["accepted_recorded", "spanish", "wrong_then_right", "limit_reached", "cut_by_staff"];

const EXPECTED: [Expected; 20] = [
    Expected {
        scenario: "accepted_recorded",
        outcome: "called_hung_up",
        recording: "recorded",
        reason: None,
        consent_key: Some("1"),
        talk_ms: TALK_MS,
        held: HELD_MICROS,
    },
    Expected {
        scenario: "refused_by_key",
        outcome: "refused_by_key",
        recording: "no_talk",
        reason: None,
        consent_key: None,
        talk_ms: 0..=0,
        held: HELD_MICROS,
    },
    Expected {
        scenario: "protected",
        outcome: "called_hung_up",
        recording: "off",
        reason: Some("protected"),
        consent_key: Some("1"),
        talk_ms: TALK_MS,
        held: HELD_MICROS,
    },
    Expected {
        scenario: "notice_cut_short",
        outcome: "notice_cut_short",
        recording: "no_talk",
        reason: None,
        consent_key: None,
        talk_ms: 0..=0,
        held: HELD_MICROS,
    },
    Expected {
        scenario: "insufficient_funds",
        outcome: "insufficient_funds",
        recording: "no_talk",
        reason: None,
        consent_key: None,
        talk_ms: 0..=0,
        held: 0,
    },
    Expected {
        scenario: "private_claim",
        outcome: "called_hung_up",
        recording: "off",
        reason: Some("private claim"),
        consent_key: Some("1"),
        talk_ms: TALK_MS,
        held: HELD_MICROS,
    },
    Expected {
        scenario: "spanish",
        outcome: "called_hung_up",
        recording: "recorded",
        reason: None,
        consent_key: Some("1"),
        talk_ms: TALK_MS,
        held: HELD_MICROS,
    },
    Expected {
        scenario: "machine",
        outcome: "looks_like_machine",
        recording: "no_talk",
        reason: None,
        consent_key: None,
        talk_ms: 0..=0,
        held: HELD_MICROS,
    },
    Expected {
        scenario: "blocked",
        outcome: "blocked_by_key",
        recording: "no_talk",
        reason: None,
        consent_key: None,
        talk_ms: 0..=0,
        held: HELD_MICROS,
    },
    Expected {
        scenario: "blocked_refused",
        outcome: "number_blocked",
        recording: "no_talk",
        reason: None,
        consent_key: None,
        talk_ms: 0..=0,
        held: 0,
    },
    Expected {
        scenario: "wrong_then_right",
        outcome: "called_hung_up",
        recording: "recorded",
        reason: None,
        consent_key: Some("1"),
        talk_ms: TALK_MS,
        held: HELD_MICROS,
    },
    Expected {
        scenario: "limit_reached",
        outcome: "limit_reached",
        recording: "recorded",
        reason: None,
        consent_key: Some("1"),
        talk_ms: 60_000..=60_000,
        held: MICROS_PER_MINUTE,
    },
    Expected {
        scenario: "cut_by_staff",
        outcome: "cut_by_staff",
        recording: "recorded",
        reason: None,
        consent_key: Some("1"),
        talk_ms: 2_500..=20_000,
        held: HELD_MICROS,
    },
    Expected {
        scenario: "relay",
        outcome: "called_hung_up",
        recording: "off",
        reason: Some("relay"),
        consent_key: None,
        talk_ms: TALK_MS,
        held: 0,
    },
    Expected {
        scenario: "busy",
        outcome: "busy",
        recording: "no_talk",
        reason: None,
        consent_key: None,
        talk_ms: 0..=0,
        held: HELD_MICROS,
    },
    Expected {
        scenario: "no_answer",
        outcome: "no_answer",
        recording: "no_talk",
        reason: None,
        consent_key: None,
        talk_ms: 0..=0,
        held: HELD_MICROS,
    },
    Expected {
        scenario: "unallocated",
        outcome: "unallocated",
        recording: "no_talk",
        reason: None,
        consent_key: None,
        talk_ms: 0..=0,
        held: HELD_MICROS,
    },
    Expected {
        scenario: "number_not_allowed",
        outcome: "number_not_allowed",
        recording: "no_talk",
        reason: None,
        consent_key: None,
        talk_ms: 0..=0,
        held: 0,
    },
    Expected {
        scenario: "emergency",
        outcome: "emergency_not_here",
        recording: "no_talk",
        reason: None,
        consent_key: None,
        talk_ms: 0..=0,
        held: 0,
    },
    Expected {
        scenario: "node_killed",
        outcome: "node_died",
        recording: "recorded",
        reason: None,
        consent_key: Some("1"),
        // Up to the last mark before it died: it marks every five seconds.
        talk_ms: 5_000..=14_999,
        held: HELD_MICROS,
    },
];

/// People of the demo talk for eight seconds, and somewhat more on a busy machine.
const TALK_MS: RangeInclusive<u64> = 7_500..=14_000;
/// The demo takes three minutes; much longer, and something hangs.
const DEMO: std::time::Duration = std::time::Duration::from_secs(300);

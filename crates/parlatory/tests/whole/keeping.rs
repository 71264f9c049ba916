//! How long things are kept, what must be, and what is erased: by the commands of staff, and by a
//! node that is killed in the middle.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use evidence::{AuditKey, Statement, leaf};
use journal::log::replay_log;
use rustix::process::Signal;
use serde_json::{Value, json};
use store::{CallFilter, RecordingRow};

use crate::{
    node::{self, Node, edit},
    place,
    private::{assert_free_of, assert_nothing_personal},
    process::{Finished, SOON, parlatory},
    recording::files,
    staff::Member,
};

const CASE: &str = "24-CR-0117";
const HELD: &str = "+12025550170";

#[test]
fn supervisors_say_how_long_is_kept_and_whoever_places_a_hold_learns_nothing() {
    let node = Node::start(place::ports(2));
    let member = |name| Member::new(&node, name);
    let (ada, sol, ivy) = (member("ada-quill"), member("sol-marsh"), member("ivy-fenn"));
    ada.log_in(&ada.first(&node, "cedar").well());
    ada.adds(&sol, "supervisor");
    ada.adds(&ivy, "investigator");

    let set = |by: &Member, days: &str, reason: &str| {
        by.run(&["retention", "set", "audio", "--days", days, "--reason", reason])
    };
    assert!(set(&ivy, "30", "").badly().err.contains("this is not allowed"));
    assert!(set(&sol, "91", "").badly().err.contains("it is published"));
    assert!(set(&sol, "180", "state records act").well().out.contains("Anybody can read it"));
    let shown = ivy.run(&["retention", "show"]).well().out;
    for part in ["all others", "180", "state records act", "where nothing is set", "365"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let file = node.data().join("published/retention.json");
    let published: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let term = &published["agencies"][0]["terms"][0];
    assert_eq!((&term["days"], &term["longer"]), (&json!(180), &json!(true)), "{published}");
    assert_eq!(anybodys(&node, "/api/v1/retention/published"), published);

    let place = |by: &Member, what: &[&str]| {
        let hold = ["disclose", "hold", "--purpose", "discovery", "--case", CASE, "--json"];
        by.run(&[&hold[..], what].concat())
    };
    let one = report(&place(&ivy, &["--number", HELD]).well());
    let other = report(&place(&ivy, &["--person", "T-0", "--from", "2026-11-27T08:00:05Z"]).well());
    let none = report(&place(&ivy, &["--person", "nobody-has-this"]).well());
    let keys = |it: &Value| it.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&one), ["act", "entry", "hold"]);
    assert!(keys(&one) == keys(&other) && keys(&one) == keys(&none));
    let nothing = place(&ivy, &[]).badly().err;
    assert!(nothing.contains("or say that everything is to be kept"), "{nothing}");
    assert!(place(&ada, &["--number", HELD]).badly().err.contains("this is not allowed"));
    let listed = ivy.run(&["disclose", "hold", "--list"]).well().out;
    assert!(listed.contains("to a number") && listed.contains("from 2026-11-27T08:00:05Z"));
    assert!(!listed.contains(&HELD[1..]), "{listed}");
    let doctor = ada.run(&["doctor", "--data", node.data().to_str().unwrap()]).out;
    assert!(doctor.contains("3 legal holds") && doctor.contains("1 of them longer"), "{doctor}");
    let release = |by: &Member, hold: &str| {
        by.run(&["disclose", "hold", "--release", hold, "--reason", "the case is closed"])
    };
    assert!(release(&ada, "1").badly().err.contains("there is no such thing here"));
    assert!(release(&ivy, "1").well().out.contains("is released"));
    assert!(release(&sol, "2").well().out.contains("is released"));

    assert!(ivy.run(&["retention", "run"]).badly().err.contains("this is not allowed"));
    let dry = report(&sol.run(&["retention", "run", "--dry-run", "--json"]).well());
    assert_eq!((&dry["due"], &dry["over"]), (&json!(0), &json!(true)), "{dry}");
    let ran = sol.run(&["retention", "run"]).well().out;
    assert!(ran.contains("0 recordings were erased"), "{ran}");

    let remains = node.stop();
    let log = &remains.finished.err;
    assert!(log.contains("erased what was due"), "at the start");
    assert_nothing_personal(log);
    assert_free_of(log, [CASE, &HELD[1..], "nobody-has-this", "T-0 "]);
    let entered = entries(&remains.data());
    let count = |what: fn(&Statement) -> bool| entered.iter().filter(|it| what(it)).count();
    assert_eq!(count(|it| matches!(it, Statement::Retention { .. })), 1);
    // Set, three holds, a dry run and a run.
    assert_eq!(count(|it| matches!(it, Statement::Disclosure { .. })), 6);
    // Three were refused, and two holds released.
    assert_eq!(count(|it| matches!(it, Statement::Denial { .. })), 5);
}

/// What a node says to somebody who shows nothing.
fn anybodys(node: &Node, path: &str) -> Value {
    let address = node.console.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let ask = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

/// What a node left is erased by another one, for a number that was recorded and became protected:
/// entered first, to its end though it is killed in the middle, and for good.
pub(crate) fn assert_erased(left: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let [data, backup, back] = ["data", "backup", "back"].map(|it| folder.path().join(it));
    copy(left, &data);
    let settings = data.join("parlatory.toml");
    edit(&settings, "quarantine_hours = 72", "quarantine_hours = 0");
    parlatory(&["backup", "--data", text(&data), "--to", text(&backup)]).well();
    let closed = || files(&data.join("recordings/closed"));
    let before = closed();
    let due = protect_two(&data);
    assert!((1..before.len()).contains(&due), "{due} of {}", before.len());

    // The list of what is erased cannot be written: it is entered, and nothing is destroyed.
    let list = data.join("recordings/erased");
    fs::create_dir(&list).unwrap();
    let process = node::serve(&data);
    process.wait_log("what is due was not all erased", SOON);
    process.signal(Signal::KILL);
    assert_nothing_personal(&process.wait_end(SOON).err);
    let erased = |it: &Statement| matches!(it, Statement::Erase { .. });
    assert_eq!(entries(&data).iter().filter(|it| erased(it)).count(), due);
    assert_eq!(closed(), before);
    let found = audit(&data).badly().out;
    assert!(found.contains("says was erased is still there"), "{found}");
    let doctor = parlatory(&["doctor", "--data", text(&data)]).out;
    assert!(doctor.contains("the last run that erases failed"), "{doctor}");
    assert!(doctor.contains("are entered as erased and may still be there"), "{doctor}");

    // The next start finishes it.
    fs::remove_dir(&list).unwrap();
    let process = node::serve(&data);
    process.wait_log("erased what was due", SOON);
    process.signal(Signal::TERM);
    process.wait_end(SOON).well();
    assert_eq!(entries(&data).iter().filter(|it| erased(it)).count(), due, "entered once");
    assert_eq!(closed().len(), before.len() - due, "what is held stays");
    assert_eq!(report(&audit(&data).well())["found"], json!([]));

    // An older backup does not bring it back.
    let [keys, log] = ["keys", "log"].map(|it| data.join(it));
    let restore = ["restore", "--json", "--from", text(&backup), "--data", text(&back)];
    let more = ["--keys", text(&keys), "--since", text(&log)];
    let restored = parlatory(&[&restore[..], &more].concat());
    // Others have seen entries that the backup has not, so that its log signs nothing.
    assert!(restored.badly().err.contains("entries were seen elsewhere"));
    let names = |found: Vec<PathBuf>| -> Vec<_> {
        found.iter().map(|it| it.file_name().unwrap().to_owned()).collect()
    };
    assert_eq!(names(files(&back.join("recordings/closed"))), names(closed()));

    // One that goes without an entry is missed.
    let gone = closed().remove(0);
    fs::remove_file(&gone).unwrap();
    let found = audit(&data).badly().out;
    assert!(
        found.contains("I5: ") && found.contains("no entry says that it was erased"),
        "{found}"
    );
}

/// Protects the numbers of the first recorded person, whose calls the demo's investigator holds,
/// and of the last one; says how many recordings there are of the last one's.
fn protect_two(data: &Path) -> usize {
    let store = node::open_store(data);
    let rows = store.calls(&CallFilter::default()).unwrap();
    let recorded = rows.iter().filter(|it| matches!(it.recording, RecordingRow::Recorded { .. }));
    let mut numbers: Vec<_> =
        recorded.filter_map(|it| it.number).map(|it| it.into_inner().digits()).collect();
    numbers.sort_unstable();
    let (held, number) = (numbers[0], numbers[numbers.len() - 1]);
    assert_ne!(held, number);
    let county = data.join("county");
    let file = county.join("protected.csv");
    let listed = fs::read_to_string(&file).unwrap();
    assert!(listed.starts_with("number,holder\n"), "{listed}");
    fs::write(&file, format!("{listed}+{held},Law Office\n+{number},Law Office\n")).unwrap();
    node::provision(data, &county.join("provision.toml")).well();
    numbers.iter().filter(|it| **it == number).count()
}

/// What all entries of a log that is closed say.
pub(crate) fn entries(data: &Path) -> Vec<Statement> {
    let key: [u8; 32] = fs::read(data.join("keys/audit.key")).unwrap().try_into().unwrap();
    let key = AuditKey::new(key);
    let mut entries = Vec::new();
    replay_log(&data.join("log-private"), 0, |entry| {
        entries.push(leaf::read(&entry.leaf, &key).unwrap().said.what);
        ControlFlow::Continue(())
    })
    .unwrap();
    entries
}

fn audit(data: &Path) -> Finished {
    parlatory(&["audit", "--json", "--data", text(data)])
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
}

fn report(finished: &Finished) -> Value {
    serde_json::from_str(&finished.out).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

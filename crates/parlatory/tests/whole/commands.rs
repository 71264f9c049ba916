//! The commands beside the demo, as an operator types them.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use rustix::process::Signal;
use serde_json::Value;
use store::Store;
use tempfile::TempDir;

use crate::{
    county,
    node::{self, edit},
    place,
    private::assert_nothing_personal,
    process::{Finished, SOON, parlatory},
    recording::files,
};

#[test]
fn init_makes_a_folder_for_its_owner_alone_and_only_once() {
    let desk = Desk::new();
    let made = desk.run(&["init"]).well();
    assert!(made.out.contains("custody             solo"), "{}", made.out);
    for step in ["provision", "doctor", "serve"] {
        assert!(made.out.contains(&format!("parlatory {step}")), "{}", made.out);
    }
    for path in files(&desk.data()).iter().chain([&desk.data()]) {
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "others may read {}", path.display());
    }
    let before = snapshot(&desk.data());
    let again = desk.run(&["init"]).badly();
    assert!(again.err.contains("is a data folder already; nothing was changed"), "{}", again.err);
    assert_eq!(snapshot(&desk.data()), before);
    // Two folders have no key in common.
    let other = Desk::new();
    other.run(&["init"]).well();
    for key in [
        "keys/pin.key",
        "keys/store.key",
        "keyholders/agency/keys/current",
        "keyholders/independent.pub",
    ] {
        let read = |desk: &Desk| fs::read(desk.data().join(key)).unwrap();
        assert_ne!(read(&desk), read(&other), "{key}");
    }
}

#[test]
fn a_bad_file_is_reported_whole_and_nothing_of_it_is_applied() {
    let desk = Desk::new();
    desk.run(&["init"]).well();
    let file = desk.county();
    edit(&file, "kind = \"jail\"", "kind = \"gaol\"");
    edit(&file, "state = \"CO\"", "state = \"Colorado\"");
    let people = file.with_file_name("people.csv");
    edit(&people, &county::pin(4), "12");
    let protected = file.with_file_name("protected.csv");
    edit(&protected, "number,holder\n", "number,holder\n555-01,Nobody\n");
    let refused = desk.provision(&file).badly();
    let lines: Vec<_> = refused.err.lines().collect();
    for (path, text) in [
        (&file, "kind = \"gaol\""),
        (&file, "state = \"Colorado\""),
        (&people, ",12,"),
        (&protected, "555-01"),
    ] {
        let content = fs::read_to_string(path).unwrap();
        let line = content.lines().position(|line| line.contains(text)).unwrap() + 1;
        let place = format!("{}:{line}:", path.display());
        assert!(lines.iter().any(|said| said.starts_with(&place)), "{place} {lines:#?}");
    }
    assert_eq!(lines.len(), 5, "four problems and a last line: {lines:#?}");
    assert!(lines[4].contains("4 to mend; nothing was applied"), "{}", lines[4]);
    assert_nothing_personal(&refused.err);
    assert_eq!(desk.store().version().unwrap(), 0);
    assert!(desk.store().configuration().unwrap().facilities.is_empty());
}

#[test]
fn a_rate_above_a_cap_is_refused_with_the_name_of_the_cap() {
    let desk = Desk::new();
    desk.run(&["init"]).well();
    let file = desk.county();
    desk.provision(&file).well();
    let version = desk.store().version().unwrap();
    edit(&file, "base = \"0.09\"", "base = \"0.12\"");
    edit(&file, "talk_minutes_max = 20", "talk_minutes_max = 10");
    let refused = desk.provision(&file).badly();
    assert!(refused.err.contains("fcc-25-75/jail-100/base"), "{}", refused.err);
    let configuration = desk.store().configuration().unwrap();
    assert_eq!(configuration.version, version);
    assert_eq!(configuration.facilities[0].talk_max.as_secs(), 20 * 60, "nothing of it");
}

#[test]
fn applying_a_file_again_changes_nothing() {
    let desk = Desk::new();
    desk.run(&["init"]).well();
    let file = desk.county();
    let path = file.to_str().unwrap();
    let checked = desk.run(&["provision", "--check", path]).well();
    assert!(checked.out.contains("Nothing was applied"), "{}", checked.out);
    assert_eq!(desk.store().version().unwrap(), 0);
    let [first, second] = [(); 2].map(|()| -> Value {
        let applied = desk.run(&["provision", "--json", path]).well();
        serde_json::from_str(&applied.out).unwrap()
    });
    assert_eq!(first["applied"]["people"]["added"], county::PEOPLE);
    assert_eq!(first["applied"]["protected_numbers"]["added"], 1);
    for (kind, count) in second["applied"].as_object().unwrap() {
        assert_eq!((&count["added"], &count["changed"]), (&0.into(), &0.into()), "{kind}");
        assert_eq!(count["unchanged"], first["applied"][kind]["added"], "{kind}");
    }
    assert_eq!(second["version"], first["version"]);
    assert_eq!(second["registry_epoch"], first["registry_epoch"]);
    // Money that was paid in once is there once.
    let accounts = desk.store().configuration().unwrap().accounts;
    let paid: i64 = accounts.iter().map(|account| account.deposited.micros()).sum();
    assert_eq!(paid, i64::try_from(county::PEOPLE).unwrap() * 10_000_000);
}

#[test]
fn the_example_files_apply() {
    let desk = Desk::new();
    desk.run(&["init"]).well();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/example/provision.toml");
    desk.provision(&example).well();
    assert!(desk.store().configuration().unwrap().facilities.len() >= 2);
    desk.run(&["doctor"]).well();
}

#[test]
fn doctor_says_what_is_missing_until_nothing_is() {
    let desk = Desk::new();
    let nowhere = desk.run(&["doctor"]).badly();
    assert!(nowhere.err.contains("make one with `parlatory init"), "{}", nowhere.err);
    node::init(&desk.data());
    let empty = desk.run(&["doctor"]).badly();
    assert!(empty.out.contains("PROBLEM") && empty.out.contains("provision"), "{}", empty.out);
    assert!(empty.err.contains("1 of"), "{}", empty.err);
    desk.provision(&desk.county()).well();
    let ready = desk.run(&["doctor"]).well();
    for about in ["settings", "keys", "custody", "prompts", "disk", "store", "registry", "rates"] {
        assert!(ready.out.contains(about), "{about}: {}", ready.out);
    }
    assert_nothing_personal(&ready.out);
    for (holder, private) in [("agency", true), ("independent", true), ("none", false)] {
        assert_eq!(desk.grades("custody"), ["know"], "solo until no key was made here: {holder}");
        if private {
            fs::remove_dir_all(desk.keyholder(holder)).unwrap();
        }
    }
    for holder in ["agency.pub", "independent.pub"] {
        let (_, public) = vault::generate().unwrap();
        fs::write(desk.keyholder(holder), format!("{public}\n")).unwrap();
    }
    assert_eq!(desk.grades("custody"), ["ok"], "split");
    fs::set_permissions(desk.data(), fs::Permissions::from_mode(0o755)).unwrap();
    desk.run(&["doctor"]).badly();
    assert_eq!(desk.grades("folder"), ["problem"]);
}

#[test]
fn doctor_speaks_of_the_log() {
    let desk = Desk::new();
    node::init(&desk.data());
    desk.provision(&desk.county()).well();
    let serve = || {
        let node = node::serve(&desk.data());
        node.wait_line(node::READY, SOON);
        node.signal(Signal::TERM);
        node.wait_end(SOON).well();
    };
    let (before, grades) = (desk.run(&["doctor"]).well().out, ["ok", "ok", "ok"]);
    assert_eq!(desk.grades("log"), grades, "{before}");
    assert!(before.contains("log.vkey") && before.contains("nothing is published yet"), "{before}");
    serve();
    let after = desk.run(&["doctor"]).well().out;
    assert_eq!(desk.grades("log"), grades, "{after}");
    assert!(after.contains("published: 64 entries, ") && after.contains(" s ago"), "{after}");
    assert!(!after.contains("wait for the next publication"), "{after}");

    // A key in the log itself is none.
    let inside = desk.data().join("log").join("log.vkey");
    fs::copy(desk.data().join("log.vkey"), &inside).unwrap();
    assert!(desk.run(&["doctor"]).badly().out.contains("lies in the log"));
    fs::remove_file(&inside).unwrap();

    // The log as it was before the node's second start lacks what the journal has since.
    let kept = snapshot(&desk.data());
    serve();
    let log = ["log", "log-private"].map(|name| desk.data().join(name));
    log.iter().for_each(|folder| fs::remove_dir_all(folder).unwrap());
    for (path, octets) in kept {
        if log.iter().any(|folder| path.starts_with(folder)) {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, octets).unwrap();
        }
    }
    let behind = desk.run(&["doctor"]).well().out;
    assert_eq!(desk.grades("log"), ["ok", "ok", "know"], "{behind}");
    assert!(behind.contains("its writer is behind: "), "{behind}");
    assert!(behind.contains(" entries wait in the journal"), "{behind}");
    // The next start carries them.
    serve();
    assert_eq!(desk.grades("log"), grades);

    let checkpoint = desk.data().join("log").join("checkpoint");
    edit(&checkpoint, "parlatory.invalid/", "other.invalid/");
    assert!(desk.run(&["doctor"]).badly().out.contains("not signed by its key"));
}

#[test]
fn a_node_ends_by_either_signal_and_with_its_starter() {
    let desk = Desk::new();
    node::init(&desk.data());
    desk.provision(&desk.county()).well();
    for (signal, boot) in [(Signal::TERM, 1), (Signal::INT, 2)] {
        let node = node::serve(&desk.data());
        node.wait_line(node::READY, SOON);
        node.signal(signal);
        node.wait_end(SOON).well();
        assert_eq!(desk.store().boots().unwrap(), boot);
    }
    let mut node = node::serve(&desk.data());
    node.wait_line(node::READY, SOON);
    node.close_input();
    let ended = node.wait_end(SOON).well();
    assert!(!ended.err.contains("did not end in order"), "{}", ended.err);
}

#[test]
fn a_folder_is_served_by_one_node_only() {
    let desk = Desk::new();
    desk.run(&["serve"]).badly();
    node::init(&desk.data());
    desk.provision(&desk.county()).well();
    let first = node::serve(&desk.data());
    first.wait_line(node::READY, SOON);
    let second = desk.run(&["serve"]).badly();
    assert!(second.err.contains(desk.data().to_str().unwrap()), "{}", second.err);
    assert!(!second.out.contains(node::READY), "{}", second.out);
    // The first one never noticed.
    first.signal(Signal::TERM);
    first.wait_end(SOON).well();
}

#[test]
fn help_says_what_must_be_known() {
    for (command, words) in [
        (vec!["--help"], vec!["demo", "init", "provision", "serve", "doctor", "only with consent"]),
        (vec!["demo", "--help"], vec!["--once", "--json", "--data", "--my-phone", "no network"]),
        (vec!["init", "--help"], vec!["--data", "keys", "parlatory.toml"]),
        (
            vec!["provision", "--help"],
            vec!["--check", "--json", "nothing is applied", "file and line"],
        ),
        (vec!["serve", "--help"], vec!["SIGTERM", "--steps", "no name", "--until-stdin-closes"]),
        (vec!["doctor", "--help"], vec!["--json", "missing", "what to do"]),
    ] {
        let help = parlatory(&command).well().out;
        // Lines are broken where the terminal ends.
        let help: Vec<_> = help.split_whitespace().collect();
        let help = help.join(" ");
        for word in words {
            assert!(help.contains(word), "{command:?} does not say `{word}`: {help}");
        }
    }
}

/// An operator's desk: where a data folder and the files of a county are, or will be.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// Runs a command on the data folder.
    fn run(&self, command: &[&str]) -> Finished {
        let data = self.data();
        parlatory(&[command, &["--data", data.to_str().unwrap()]].concat())
    }

    fn provision(&self, file: &Path) -> Finished {
        node::provision(&self.data(), file)
    }

    /// Writes the county's files; gives the first of them.
    fn county(&self) -> PathBuf {
        county::write(&self.0.path().join("county"), place::address(place::ports(2)))
    }

    fn keyholder(&self, name: &str) -> PathBuf {
        self.data().join("keyholders").join(name)
    }

    fn store(&self) -> Store {
        node::open_store(&self.data())
    }

    /// What `doctor --json` thinks of something.
    fn grades(&self, about: &str) -> Vec<String> {
        let findings: Value = serde_json::from_str(&self.run(&["doctor", "--json"]).out).unwrap();
        let about = findings.as_array().unwrap().iter().filter(|found| found["about"] == about);
        about.map(|found| found["grade"].as_str().unwrap().to_owned()).collect()
    }
}

fn snapshot(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    files(folder).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

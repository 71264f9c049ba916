//! Names that people recorded: staff who look after them, and a backup that is older than what they
//! did.

use std::{fs, ops::ControlFlow, path::Path};

use evidence::Statement;
use journal::{Journal, Options, SealKey, Seq};
use model::{
    AgencyId, CallId, StaffId, Timestamp,
    fact::{Fact, NameDid, NameRecorded},
};
use serde_json::{Value, json};
use vault::{NameShelf, name_files};

use crate::{
    county,
    enrolment::{PERSON, enrolment},
    keeping::entries,
    node::{self, Node},
    place,
    private::assert_free_of,
    process::parlatory,
    staff::Member,
};

#[test]
fn staff_look_after_recorded_names_under_their_own_name_and_a_backup_brings_none_back() {
    let data = |remains: &node::Remains| remains.data();
    let remains = Node::start(place::ports(2)).stop();
    record(&data(&remains));
    let node = remains.start_again();
    let member = |name| Member::new(&node, name);
    let (ada, sol, ivy) = (member("ada-quill"), member("sol-marsh"), member("ivy-fenn"));
    let (cam, out) = (member("cam-reed"), crate::console::Person::new());
    ada.log_in(&ada.first(&node, "cedar").well());
    ada.adds(&sol, "supervisor");
    ada.adds(&ivy, "investigator");
    ada.adds(&cam, "clerk");

    let number = PERSON.0.to_string();
    let wav = sol.at.file("here.wav", "");
    fs::remove_file(&wav).unwrap();
    let act = |by: &Member, what: &str| by.run(&["name", what, &number]);
    let listen = |by: &Member| by.run(&["name", "listen", &number, "--to", &wav]);
    assert!(out.run(&["name", "list"]).badly().err.contains("parlatory login"));
    assert!(ivy.run(&["name", "list"]).badly().err.contains("supervisors, clerks and auditors"));
    assert!(listen(&ivy).badly().err.contains("this is not allowed"));
    assert!(act(&ivy, "remove").badly().err.contains("this is not allowed"));
    let listed: Value =
        serde_json::from_str(&sol.run(&["name", "list", "--json"]).well().out).unwrap();
    assert_eq!((&listed[0]["state"], &listed[0]["millis"]), (&json!("waits"), &json!(1_125)));
    assert_eq!(listed[0]["name"], json!(PERSON.0));

    assert!(act(&sol, "approve").badly().err.contains("nobody has listened"));
    let heard = listen(&cam).well().out;
    let whose = county::name(usize::try_from(PERSON.0).unwrap() - 1);
    assert!(heard.contains(whose), "{heard}");
    let sound = fs::read(&wav).unwrap();
    assert!(sound.starts_with(b"RIFF") && sound[46..] == vec![0x31; 9_000]);
    assert!(listen(&sol).badly().err.contains("exists"));
    assert!(act(&sol, "approve").well().out.contains("notices are spoken with it"));
    assert!(sol.run(&["name", "list"]).well().out.contains("approved, 1.1 s"));

    // What is taken away now has the name; then it is removed.
    let (backup, back) = (sol.at.file("b", ""), sol.at.file("back", ""));
    for path in [&backup, &back] {
        fs::remove_file(path).unwrap();
    }
    let folder = node.data();
    parlatory(&["backup", "--data", text(&folder), "--to", &backup]).well();
    assert!(act(&sol, "remove").well().out.contains("its file destroyed"));
    assert!(act(&sol, "remove").badly().err.contains("there is no such"));
    assert_eq!(sol.run(&["name", "list"]).well().out.trim(), "Nobody has recorded a name.");

    let remains = node.stop();
    let folder = data(&remains);
    assert_free_of(&remains.finished.err, [whose, "sol-marsh", "cam-reed"]);
    assert_said_by_whom(&folder, [(NameDid::Heard, 4), (NameDid::Approved, 2)]);
    assert_eq!(name_files(&folder.join("names")).unwrap().len(), 0);

    // A backup from before brings it back to nobody who knows that it was removed.
    let [keys, log] = ["keys", "log-private"].map(|it| folder.join(it));
    let restore = ["restore", "--from", &backup, "--data", &back, "--keys", text(&keys)];
    let since = ["--since", text(&log)];
    let restored = parlatory(&[&restore[..], &since].concat()).badly();
    assert!(restored.out.contains("1 that were removed are left out"), "{}", restored.out);
    assert!(restored.err.contains("entries were seen elsewhere"), "{}", restored.err);
    assert_eq!(name_files(&Path::new(&back).join("names")).unwrap().len(), 0);
    // Who shows nothing of what came after cannot know it, and has the name as it was.
    let early = sol.at.file("early", "");
    fs::remove_file(&early).unwrap();
    let restore = ["restore", "--from", &backup, "--data", &early, "--keys", text(&keys)];
    assert!(parlatory(&restore).badly().err.contains("the log signs nothing yet"));
    assert_eq!(name_files(&Path::new(&early).join("names")).unwrap().len(), 1);
}

/// Somebody recorded their name, in a call of a node that has stopped.
fn record(data: &Path) {
    let key = |name: &str| fs::read(data.join("keys").join(name)).unwrap().try_into().unwrap();
    let agency = AgencyId(1);
    let shelf = NameShelf::new(data.join("names"), key("names.key"));
    let sealed = shelf.put(agency, enrolment().captured(vec![0x31; 9_000]).unwrap()).unwrap();
    shelf.place((agency, PERSON)).unwrap();
    let seal = SealKey::derive(&key("store.key"));
    let (journal, _) =
        Journal::open(&data.join("journal"), &seal, Options::default(), |_, _| {}).unwrap();
    let name = NameRecorded {
        call: CallId::from_parts(1, 1),
        agency,
        person: PERSON,
        sha256: sealed.sha256,
        voice: sealed.voice,
        octets: sealed.octets,
        at: Timestamp::from_micros(1_796_000_000_000_000),
    };
    journal.append_wait(vec![Fact::NameRecorded(Box::new(name))]).unwrap();
    journal.close();
}

/// Each look and each change has its entry in the log, and the journal says whose it was.
fn assert_said_by_whom(data: &Path, first: [(NameDid, u32); 2]) {
    let key = fs::read(data.join("keys/store.key")).unwrap().try_into().unwrap();
    let mut said = Vec::new();
    journal::replay(&data.join("journal"), &SealKey::derive(&key), Seq(0), |_, fact| {
        if let Fact::NameByStaff(done) = fact {
            said.push((done.did, done.by, done.act));
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    let by: Vec<_> = said.iter().map(|(did, by, _)| (*did, *by)).collect();
    let first = first.map(|(did, by)| (did, StaffId(by)));
    assert_eq!(by, [first[0], first[1], (NameDid::Removed, first[1].1)]);
    let entered = entries(data);
    let count = |what: fn(&Statement) -> bool| entered.iter().filter(|it| what(it)).count();
    assert_eq!(count(|it| matches!(it, Statement::NameHeard { .. })), 1);
    assert_eq!(count(|it| matches!(it, Statement::NameApproved { .. })), 1);
    assert_eq!(count(|it| matches!(it, Statement::NameRemoved { .. })), 1);
    // The acts under which they were allowed, and two that were refused.
    let acts: Vec<_> = said.iter().map(|(_, _, act)| *act).collect();
    let act = |it: &Statement| {
        let Statement::Disclosure { act, .. } = it else { return None };
        Some(*act)
    };
    let allowed = entered.iter().filter_map(act);
    assert_eq!(allowed.collect::<Vec<_>>(), acts);
    assert_eq!(count(|it| matches!(it, Statement::Denial { .. })), 2);
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

//! The names that people record, from the telephone to the notice and to the end of them.

use call::{Answer, OwnName, Question};
use evidence::Violation;
use model::{PersonId, Private, StaffId, speech::OwnVoice};
use std::fs;
use store::{NameRow, NameWant, NameWish, Store};
use vault::name_files;

use crate::{
    conversation::{Conversation, NAME},
    county::{Caller, County, MARCUS, Node, ROSA},
};

/// Where the jail lets people record their names.
fn county() -> County {
    let county = County::new();
    county.apply_with("", |plan| plan.facilities[0].recorded_names = true);
    county
}

/// What is chosen after the PIN to record a name and keep it.
const KEEP: [&str; 3] = ["#", "1", "1"];
/// To have it removed.
const REMOVE: [&str; 2] = ["#", "1"];

/// How it stands with somebody's name when they give their PIN.
fn standing(node: &Node, counter: u32, caller: Caller) -> (PersonId, OwnName) {
    let pin = Private::new(caller.pin.to_owned());
    match node.ask(node.call(counter), caller, Question::Identify { pin }) {
        Answer::Person(who) => (who.person, who.own_name),
        other => panic!("{other:?}"),
    }
}

/// The name that their next notice is spoken with, if it is their own voice. They take their time
/// to dial.
fn voice(node: &Node, counter: u32, caller: Caller) -> Option<OwnVoice> {
    let (person, _) = standing(node, counter, caller);
    // What was asked before is done when this is: Marcus never has one.
    let question = Question::RemoveName { person: standing(node, 900, MARCUS).0 };
    let none = node.ask(node.call(counter), caller, question);
    assert!(matches!(none, Answer::NameRemoved { removed: false }), "{none:?}");
    let dialled = Private::new("2025550142".to_owned());
    let admit = Question::Admit { person: Some(person), dialled };
    match node.ask(node.call(counter), caller, admit) {
        Answer::Admitted(admission) => admission.voice,
        other => panic!("{other:?}"),
    }
}

fn only(store: &Store) -> NameRow {
    let names = store.names().unwrap();
    assert_eq!(names.len(), 1, "{names:?}");
    names[0].clone()
}

/// Staff want something, and a running node does it.
fn want(node: &Node, name: &NameRow, want: NameWant) {
    let (agency, person, sha256) = (name.agency, name.person, name.sha256);
    let (by, act) = (StaffId(1), 1);
    let wish = NameWish { agency, person, sha256, want, by, act };
    node.desk.store().wish_name(&wish).unwrap();
    node.wait_for("the wish is done", |store| store.name_wishes().unwrap().is_empty());
}

fn files(county: &County) -> usize {
    name_files(&county.data("names")).unwrap().len()
}

fn finish(county: &County, node: Node) {
    node.desk.close();
    drop(node);
    assert_eq!(county.audit().violations, []);
}

#[test]
fn a_name_is_heard_only_after_staff_listened_and_approved() {
    let county = county();
    let node = county.open();
    assert_eq!(standing(&node, 1, ROSA).1, OwnName::Absent);
    Conversation::name(&node, 2, ROSA, &KEEP);
    node.wait_for("it is kept", |store| store.names().unwrap().len() == 1);
    let name = only(node.desk.store());
    assert_eq!((name.octets, name.heard, name.approved), (4_000, None, None));
    assert_eq!(name.call, node.call(2));
    assert_eq!(standing(&node, 3, ROSA), (name.person, OwnName::Stored));
    assert_eq!(files(&county), 1);
    // Nobody approves what nobody listened to, and what is not approved is not heard.
    want(&node, &name, NameWant::Approve);
    assert_eq!(only(node.desk.store()).approved, None);
    want(&node, &name, NameWant::Listen);
    assert_eq!(voice(&node, 4, ROSA), None);
    want(&node, &name, NameWant::Approve);
    let approved = only(node.desk.store());
    assert!(approved.heard.is_some() && approved.approved.is_some());
    finish(&county, node);
    // Also after a restart; and it is hers alone.
    let node = county.open();
    assert_eq!(voice(&node, 1, ROSA).unwrap().expose().as_ref(), NAME);
    assert_eq!(voice(&node, 2, MARCUS), None);
    finish(&county, node);
    // Where the facility stops it, names are spoken again; she can still have hers removed.
    county.apply();
    let node = county.open();
    assert_eq!(voice(&node, 1, ROSA), None);
    assert_eq!(standing(&node, 2, ROSA).1, OwnName::Stored);
    finish(&county, node);
}

#[test]
fn a_damaged_or_missing_name_is_spoken_by_the_program() {
    let county = county();
    let node = county.open();
    Conversation::name(&node, 1, ROSA, &KEEP);
    node.wait_for("it is kept", |store| store.names().unwrap().len() == 1);
    let name = only(node.desk.store());
    want(&node, &name, NameWant::Listen);
    want(&node, &name, NameWant::Approve);
    node.desk.close();
    drop(node);
    let path = name_files(&county.data("names")).unwrap().remove(0).path;
    let good = fs::read(&path).unwrap();
    let mut bad = good.clone();
    bad[1_000] ^= 1;
    fs::write(&path, bad).unwrap();
    let node = county.open();
    assert_eq!(voice(&node, 1, ROSA), None);
    node.desk.close();
    drop(node);
    let violations = county.audit().violations;
    assert!(matches!(violations[..], [Violation::ExtraName, Violation::MissingName { .. }]));
    fs::remove_file(&path).unwrap();
    let node = county.open();
    assert_eq!(voice(&node, 1, ROSA), None);
    node.desk.close();
    drop(node);
    assert!(matches!(county.audit().violations[..], [Violation::MissingName { .. }]));
}

#[test]
fn a_name_is_removed_by_the_person_and_by_staff() {
    let county = county();
    let node = county.open();
    Conversation::name(&node, 1, ROSA, &KEEP);
    node.wait_for("it is kept", |store| store.names().unwrap().len() == 1);
    Conversation::name(&node, 2, ROSA, &REMOVE);
    node.wait_for("it is removed", |store| only(store).removed.is_some());
    assert_eq!(files(&county), 0);
    assert_eq!(standing(&node, 3, ROSA).1, OwnName::Absent);
    Conversation::name(&node, 4, ROSA, &KEEP);
    node.wait_for("another is kept", |store| store.names().unwrap().len() == 2);
    let names = node.desk.store().names().unwrap();
    let name = names.iter().find(|name| name.removed.is_none()).unwrap();
    // What is wanted of the first one is not done to the second.
    let first = names.iter().find(|name| name.removed.is_some()).unwrap();
    want(&node, first, NameWant::Remove);
    assert_eq!(files(&county), 1);
    want(&node, name, NameWant::Remove);
    assert_eq!(files(&county), 0);
    finish(&county, node);
}

#[test]
fn nothing_is_kept_that_the_log_would_not_know_of() {
    let county = county();
    let node = county.open();
    node.desk.log_is_behind(true);
    assert_eq!(standing(&node, 1, ROSA).1, OwnName::Off);
    node.desk.log_is_behind(false);
    // It falls behind while they speak: they hear that nothing is kept, and nothing is.
    let mut counter = 1;
    let mut keep = |node: &Node| {
        counter += 1;
        Conversation::name(node, counter, ROSA, &KEEP);
    };
    node.desk.log_is_behind(true);
    keep(&node);
    assert_eq!((files(&county), node.desk.store().names().unwrap().len()), (0, 0));
    node.desk.log_is_behind(false);
    keep(&node);
    node.wait_for("it is kept", |store| store.names().unwrap().len() == 1);
    finish(&county, node);
    // Where the facility does not have such names, nobody is offered to record one.
    let other = County::new();
    let node = other.open();
    assert_eq!(standing(&node, 1, ROSA).1, OwnName::Off);
    Conversation::name(&node, 2, ROSA, &KEEP);
    assert_eq!(files(&other), 0);
    finish(&other, node);
}

#[test]
fn a_node_that_dies_between_two_steps_leaves_no_name_half_kept() {
    let county = county();
    let node = county.open();
    Conversation::name(&node, 1, ROSA, &KEEP);
    node.wait_for("it is kept", |store| store.names().unwrap().len() == 1);
    let kept = county.image();
    Conversation::name(&node, 2, ROSA, &REMOVE);
    node.wait_for("it is removed", |store| only(store).removed.is_some());
    let removed = county.image();
    finish(&county, node);
    let back = |county: &County| {
        let node = county.open();
        let standing = standing(&node, 1, ROSA).1;
        let found = files(county);
        finish(county, node);
        (standing, found)
    };
    // Entered, and not in its place yet.
    let image = kept.image();
    let path = name_files(&image.data("names")).unwrap().remove(0).path;
    fs::rename(&path, path.with_extension("part")).unwrap();
    assert_eq!(back(&image), (OwnName::Stored, 1));
    // Written, and never entered.
    let fresh = self::county();
    fs::create_dir_all(fresh.data("names/00000001")).unwrap();
    fs::write(fresh.data("names/00000001/00000002.part"), b"half").unwrap();
    assert_eq!(back(&fresh), (OwnName::Absent, 0));
    // Its removal is entered, and the file is still there.
    let image = removed.with("names", &kept);
    assert_eq!(back(&image), (OwnName::Absent, 0));
    // A file that no entry tells of is never heard, and the audit finds it.
    let image = kept.image();
    let path = name_files(&image.data("names")).unwrap().remove(0).path;
    fs::copy(&path, image.data("names/00000001/0000ffff.name")).unwrap();
    let node = image.open();
    node.desk.close();
    drop(node);
    assert_eq!(image.audit().violations, [Violation::ExtraName]);
}

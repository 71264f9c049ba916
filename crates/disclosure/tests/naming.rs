//! What staff do with recorded names, where an agency wants a second person for it.
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

use disclosure::{
    Naming,
    keeping::Judged,
    naming::{Names, NotNamed},
    roster::{NotDone, Proposed, Refusal},
};
use model::{
    AgencyId, CallId, Clock, PersonId,
    fact::{Fact, NameActed, NameRecorded},
    speech::OwnVoice,
};
use office::{CEDAR, NOW, Office, Running};
use std::sync::{Arc, Mutex};
use store::NameWish;

const PERSON: PersonId = PersonId(1);

/// A node that notes what is wanted of it.
#[derive(Clone, Default)]
struct Noted(Arc<Mutex<Vec<NameWish>>>);

impl Names for Noted {
    fn carry_out(&self, wish: &NameWish) -> Result<(), NotNamed> {
        self.0.lock().unwrap().push(*wish);
        Ok(())
    }

    fn read(&self, _: (AgencyId, PersonId), _: [u8; 32]) -> Option<OwnVoice> {
        None
    }
}

/// Has supervisors say yes to what clerks do with names.
fn four_eyes_on_names(running: &Running) {
    let (boss, audit) = (running.staff("super"), running.staff("audit"));
    let builtin = running.roster.policy(&boss, None).unwrap().text;
    let alone = r#"    ["supervisor", "clerk"].contains(principal.role) &&
    resource.scope == "own-agency" && context.purpose == "administration""#;
    assert!(builtin.contains(alone), "the rule is written otherwise by now");
    let text = builtin.replace(alone, &format!("{alone} && context.approvals >= 1"));
    let proposed = running.roster.propose_policy(&boss, &text).unwrap();
    let Proposed::Waits { act } = proposed else { panic!("{proposed:?}") };
    running.roster.approve_policy(&audit, act).unwrap();
}

/// The person records a name, and somebody listens to it.
fn recorded(running: &Running, record: u64, sha256: [u8; 32]) {
    let acted = NameActed { agency: CEDAR, person: PERSON, sha256, at: NOW };
    let recorded = NameRecorded {
        call: CallId(record),
        agency: CEDAR,
        person: PERSON,
        sha256,
        voice: sha256,
        octets: 8_000,
        at: NOW,
    };
    let facts = [Fact::NameRecorded(Box::new(recorded)), Fact::NameHeard(acted)];
    let facts: Vec<_> = (record..).zip(facts).collect();
    running.store.project(&facts).unwrap();
}

/// Somebody reads which recording it is, and the person records another name before it is done.
#[test]
fn an_approval_is_for_the_recording_that_there_was_and_for_no_later_one() {
    let office = Office::new();
    let running = office.open();
    four_eyes_on_names(&running);
    let noted = Noted::default();
    let naming = Naming::new(
        running.store.clone(),
        Arc::clone(&running.register),
        running.roster.clone(),
        Box::new(noted.clone()),
        Clock::new(|| NOW),
    );
    let (clerk, boss) = (running.staff("clerk"), running.staff("super"));
    recorded(&running, 100, [1; 32]);
    let waits = naming.approve(&clerk, PERSON, None).unwrap();
    let Judged::Waits { act, .. } = waits else { panic!("{waits:?}") };
    let read = running.roster.waiting(&boss).unwrap().remove(0).ask.case;
    assert_eq!(read.expose(), "recorded name 1 (0101010101010101): approve");
    running.roster.approve(&boss, act).unwrap();
    let acted = NameActed { agency: CEDAR, person: PERSON, sha256: [1; 32], at: NOW };
    let removed = Fact::NameRemoved { acted, call: Some(CallId(150)) };
    running.store.project(&[(150, removed)]).unwrap();
    recorded(&running, 200, [2; 32]);
    for done in [
        naming.approve(&clerk, PERSON, Some(act)).map(drop),
        naming.remove(&clerk, PERSON, Some(act)).map(drop),
    ] {
        let refused = done.unwrap_err();
        let NotNamed::NotDone(NotDone::Refused(refused)) = refused else { panic!("{refused}") };
        assert_eq!(refused, Refusal::OtherRequest);
    }
    assert!(noted.0.lock().unwrap().is_empty(), "another name was approved");
}

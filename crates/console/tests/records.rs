//! The routes of call records, over real connections: who sees what, and how a refusal looks.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

mod world;

use access::{Purpose, Role, Verb};
use disclosure::roster::NewGrant;
use model::{
    CallId, E164, FacilityId, PersonId, Private, StationId, UnitId,
    fact::{Admitted, Epoch, Fact, NumberClass},
};
use serde_json::{Value, json};
use std::time::Duration;
use world::{NOW, Session, World, read, refused};

const CASE: &str = "24-CR-0117";

/// Three calls of Cedar County, of which the last is to counsel.
fn calls(world: &World) {
    let fact = |call: u64, end: u64, class| {
        let number = Private::new(E164::new(12_025_550_100 + end).unwrap());
        Fact::Admitted(Box::new(Admitted {
            call: CallId(call),
            at: NOW,
            agency: world.cedar,
            facility: FacilityId(1),
            unit: UnitId(1),
            station: StationId(1),
            person: Some(PersonId(1)),
            number,
            class,
            epoch: Epoch(1),
            may_record: Ok(()),
            hold: None,
        }))
    };
    let facts = [
        (1, fact(7, 42, NumberClass::Ordinary)),
        (2, fact(8, 43, NumberClass::Ordinary)),
        (3, fact(9, 60, NumberClass::Protected)),
    ];
    world.store.project(&facts).unwrap();
}

fn grant(world: &World, by: &Session<'_>, to: &Session<'_>, purpose: Purpose) {
    let staff = |session: &Session<'_>| world.services.roster.who(session.token.expose()).unwrap();
    let new = NewGrant {
        staff: staff(to).id,
        case: Private::new(CASE.to_owned()),
        purpose,
        verbs: vec![Verb::Search, Verb::Listen, Verb::Export],
        rows_max: 100,
        from: NOW,
        until: NOW.after(Duration::from_secs(3_600)),
    };
    world.services.roster.give(&staff(by), new).unwrap();
}

fn why(purpose: &str) -> Value {
    json!({"purpose": purpose, "case": CASE})
}

#[test]
fn staff_see_what_their_grant_covers_and_nothing_else() {
    let world = World::start();
    calls(&world);
    let avery = world.first();
    let dana = world.add(&avery, world.cedar, "dana", Role::Investigator);
    let sam = world.add(&avery, world.cedar, "sam", Role::Supervisor);
    let search = json!({"why": why("investigation")});
    let path = "/api/v1/records/search";
    refused(dana.post(path, &search), 403, "not-allowed");
    refused(avery.post(path, &search), 403, "not-allowed");
    grant(&world, &sam, &dana, Purpose::Investigation);
    let (status, page) = read(dana.post(path, &search));
    assert_eq!(status, 200, "{page}");
    let records = page["records"].as_array().unwrap();
    let numbers: Vec<_> = records.iter().map(|it| it["number"].as_str().unwrap()).collect();
    assert_eq!(numbers, ["+12025550142", "+12025550143"]);
    assert_eq!(records[0]["call"], "0000000000000007");
    assert!(page["entry"].as_u64().is_some() && page["next"].is_null(), "{page}");
    // Page by page.
    let first = json!({"why": why("investigation"), "limit": 1});
    let (_, page) = read(dana.post(path, &first));
    let rest = json!({"why": why("investigation"), "limit": 1, "after": page["next"]});
    let (_, page) = read(dana.post(path, &rest));
    assert_eq!(page["records"][0]["number"], "+12025550143");
    // What nobody has finds nothing, and a word that is misspelt is no wider search.
    for filter in [json!({"person": "CC-9"}), json!({"number": "+12025550160"})] {
        let (status, page) =
            read(dana.post(path, &json!({"why": why("investigation"), "filter": filter})));
        assert_eq!((status, page["records"].as_array().unwrap().len()), (200, 0), "{page}");
    }
    for bad in [
        json!({"why": why("curiosity")}),
        json!({"why": why("investigation"), "filter": {"nubmer": "+12025550142"}}),
        json!({"why": why("investigation"), "filter": {"number": "5550142"}}),
        json!({"why": {"purpose": "investigation"}}),
    ] {
        refused(dana.post(path, &bad), 400, "unreadable");
    }
}

#[test]
fn another_agency_gets_the_same_answer_for_what_is_not_there() {
    let world = World::start();
    calls(&world);
    let avery = world.first();
    let sam = world.add(&avery, world.cedar, "sam", Role::Supervisor);
    let robin = world.add(&avery, world.cedar, "robin", Role::Auditor);
    grant(&world, &sam, &robin, Purpose::Audit);
    for agency in ["birch", "nowhere"] {
        let why = json!({"purpose": "investigation", "case": CASE, "agency": agency});
        let hear = json!({"why": why, "recording": "0000000000000007"});
        refused(sam.post("/api/v1/records/search", &json!({"why": why})), 404, "not-there");
        refused(sam.post("/api/v1/records/listen", &hear), 404, "not-there");
        refused(sam.post("/api/v1/records/follow", &hear), 404, "not-there");
        let export = json!({"why": why, "audience": "court"});
        refused(sam.post("/api/v1/records/export", &export), 404, "not-there");
    }
    // There is no recording of any of them.
    let hear = json!({"why": why("investigation"), "recording": "0000000000000007"});
    refused(sam.post("/api/v1/records/listen", &hear), 404, "not-there");
    let list = json!({"why": why("audit")});
    let (status, acts) = read(robin.post("/api/v1/records/list", &list));
    assert_eq!(status, 200, "{acts}");
}

#[test]
fn protected_records_wait_for_a_second_person() {
    let world = World::start();
    calls(&world);
    let avery = world.first();
    let kim = world.add(&avery, world.cedar, "kim", Role::Clerk);
    let sam = world.add(&avery, world.cedar, "sam", Role::Supervisor);
    grant(&world, &sam, &kim, Purpose::CourtOrder);
    let path = "/api/v1/records/search";
    let search = json!({"why": why("court-order"), "filter": {"protected": true}});
    let (status, waiting) = read(kim.post(path, &search));
    assert_eq!(status, 202, "{waiting}");
    let act = waiting["act"].as_u64().unwrap();
    let approver = world.services.roster.who(sam.token.expose()).unwrap();
    world.services.roster.approve(&approver, act).unwrap();
    let again = json!({"why": {"purpose": "court-order", "case": CASE, "act": act}});
    let (status, page) = read(kim.post(path, &again));
    assert_eq!(status, 200, "{page}");
    assert_eq!(page["records"][0]["number"], "+12025550160");
    assert_eq!(page["act"], act);
    // What is taken away is sealed.
    grant(&world, &sam, &kim, Purpose::Discovery);
    let export = json!({"why": why("discovery"), "audience": "defence"});
    let (status, package) = read(kim.post("/api/v1/records/export", &export));
    assert_eq!((status, package["records"].as_u64()), (200, Some(2)), "{status}");
    assert_eq!(package["passphrase"].as_str().unwrap().len(), 29);
    assert!(package["package"].as_str().unwrap().len() > 1_000);
}

//! Staff, grants, acts, the broken glass, policies and the review, asked over HTTP.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by it")]

mod world;

use access::Role;
use serde_json::{Value, json};
use std::time::Duration;
use world::{PASSWORD, Session, World, post, read};

const HOUR: Duration = Duration::from_secs(3_600);

fn asked(session: &Session<'_>, path: &str, body: &Value) -> (u16, Value) {
    read(session.post(path, body))
}

fn got(session: &Session<'_>, path: &str) -> Value {
    let (status, body) = read(session.get(path));
    assert_eq!(status, 200, "{path}: {body}");
    body
}

#[test]
fn the_first_person_comes_by_the_token_and_lets_the_others_in() {
    let world = World::start();
    let first = |token: &str, agency: &str| {
        let body = json!({"token": token, "agency": agency, "name": "avery"});
        read(post(&world.console, "/api/v1/staff/first", "", &body))
    };
    for agency in ["cedar", "no-such-agency"] {
        let (status, body) = first("guessed", agency);
        assert_eq!((status, &body["error"]["code"]), (403, &json!("not-allowed")), "{agency}");
    }
    assert_eq!(first("setup-token-of-the-tests", "no-such-agency").0, 404);
    let (status, invited) = first("setup-token-of-the-tests", "cedar");
    assert_eq!((status, &invited["staff"]), (200, &json!(1)));
    let enrol = |token: &Value, password: &str| {
        let body = json!({"name": "avery", "token": token, "password": password});
        read(post(&world.console, "/api/v1/staff/enrol", "", &body))
    };
    let (status, body) = enrol(&invited["token"], "short");
    assert_eq!((status, &body["error"]["code"]), (400, &json!("bad-password")));
    let (status, enrolled) = enrol(&invited["token"], PASSWORD);
    assert_eq!(status, 200, "{enrolled}");
    assert!(enrolled["address"].as_str().unwrap().starts_with("otpauth://totp/Parlatory:avery?"));
    assert_eq!(enrol(&invited["token"], PASSWORD).0, 403);
    let avery = world.log_in("avery", enrolled["secret"].as_str().unwrap());
    let add =
        |role: &str| asked(&avery, "/api/v1/staff/add", &json!({"name": "blake", "role": role}));
    assert_eq!(add("king").0, 400);
    assert_eq!(add("clerk").0, 200);
    assert_eq!(add("clerk").0, 409);
    let staff = got(&avery, "/api/v1/staff");
    assert_eq!(
        (staff[0]["name"].as_str(), staff[1]["name"].as_str()),
        (Some("avery"), Some("blake"))
    );
    assert_eq!((&staff[1]["role"], &staff[1]["enrolled"]), (&json!("clerk"), &json!(false)));
    assert_eq!(first("setup-token-of-the-tests", "cedar").0, 409);
}

#[test]
fn roles_change_access_ends_and_another_agency_is_not_there() {
    let world = World::start();
    let avery = world.first();
    let blake = world.add(&avery, world.cedar, "blake", Role::Clerk);
    let birch = world.add(&avery, world.birch, "robin", Role::ItAdmin);
    let named = json!({"name": "blake"});
    for path in ["role", "revoke", "release"] {
        let mut body = named.clone();
        if path == "role" {
            body["role"] = json!("auditor");
        }
        let path = format!("/api/v1/staff/{path}");
        let (status, there) = asked(&birch, &path, &body);
        body["name"] = json!("nobody at all");
        let (_, nowhere) = asked(&birch, &path, &body);
        assert_eq!((status, &there), (404, &nowhere), "{path}");
        assert_eq!(asked(&blake, &path, &json!({"name": "avery", "role": "clerk"})).0 / 100, 4);
    }
    let to_auditor = json!({"name": "blake", "role": "auditor"});
    assert_eq!(asked(&avery, "/api/v1/staff/role", &to_auditor).0, 200);
    assert_eq!(read(blake.get("/api/v1/me")).0, 401);
    world.time.pass(Duration::from_secs(60));
    let blake = world.log_in("blake", &blake.secret);
    let (status, released) =
        asked(&avery, "/api/v1/staff/release", &json!({"name": "blake", "anew": true}));
    assert_eq!(status, 200);
    assert_eq!(released["invitation"]["staff"], json!(2));
    assert_eq!(read(blake.get("/api/v1/me")).0, 401);
    assert_eq!(asked(&avery, "/api/v1/staff/revoke", &named).0, 200);
    let staff = got(&avery, "/api/v1/staff");
    assert_eq!(
        (&staff[1]["usable"], &staff[1]["why"]),
        (&json!(false), &json!("this access was revoked"))
    );
    let own = json!({"old": PASSWORD, "new": "another quiet lantern"});
    assert_eq!(asked(&avery, "/api/v1/staff/password", &own).0, 200);
    assert_eq!(read(avery.get("/api/v1/me")).0, 401);
}

#[test]
fn a_grant_is_given_listed_and_taken_back() {
    let world = World::start();
    let avery = world.first();
    let sol = world.add(&avery, world.cedar, "sol", Role::Supervisor);
    let ivy = world.add(&avery, world.cedar, "ivy", Role::Investigator);
    let until = "2026-12-20T00:00:00Z";
    let grant = json!({
        "name": "ivy", "case": "24-CR-0117", "purpose": "investigation",
        "verbs": ["search", "listen"], "rows_max": 200, "until": until,
    });
    let (status, body) = asked(&ivy, "/api/v1/grants/give", &grant);
    assert_eq!((status, &body["error"]["code"]), (403, &json!("not-allowed")));
    for (name, agency) in [("sol", "cedar"), ("nobody", "cedar"), ("nobody", "no-such-agency")] {
        let mut other = grant.clone();
        (other["name"], other["agency"]) = (json!(name), json!(agency));
        let (status, body) = asked(&ivy, "/api/v1/grants/give", &other);
        assert_eq!((status, &body["error"]["code"]), (403, &json!("not-allowed")), "{name}");
    }
    for (key, value) in [
        ("until", json!("2027-12-20T00:00:00Z")),
        ("until", json!("soon")),
        ("verbs", json!(["look"])),
        ("purpose", json!("curiosity")),
        ("case", json!("")),
        ("rows_max", json!(0)),
    ] {
        let mut wrong = grant.clone();
        wrong[key] = value;
        let (status, body) = asked(&sol, "/api/v1/grants/give", &wrong);
        assert_eq!(status, 400, "{key}: {body}");
        assert!(!body.to_string().contains("24-CR-0117"));
    }
    let (status, given) = asked(&sol, "/api/v1/grants/give", &grant);
    assert_eq!((status, &given["grant"]), (200, &json!(1)));
    for session in [&sol, &ivy] {
        let grants = got(session, "/api/v1/grants");
        assert_eq!(grants[0]["case"], json!("24-CR-0117"));
        assert_eq!((&grants[0]["until"], &grants[0]["rows"]), (&json!(until), &json!(0)));
    }
    assert_eq!(got(&avery, "/api/v1/grants"), json!([]));
    assert_eq!(asked(&avery, "/api/v1/grants/revoke", &json!({"grant": 1})).0, 404);
    assert_eq!(asked(&sol, "/api/v1/grants/revoke", &json!({"grant": 1})).0, 200);
    assert_eq!(got(&ivy, "/api/v1/grants")[0]["revoked"], json!(true));
}

#[test]
fn the_glass_is_broken_and_reviewed_and_access_is_reviewed_by_who_may() {
    let world = World::start();
    let avery = world.first();
    let ivy = world.add(&avery, world.cedar, "ivy", Role::Investigator);
    let aud = world.add(&avery, world.cedar, "aud", Role::Auditor);
    let broken = json!({"minutes": 90, "reason": "a threat to somebody's life"});
    assert_eq!(asked(&aud, "/api/v1/glass/break", &broken).0, 403);
    assert_eq!(asked(&ivy, "/api/v1/glass/break", &json!({"minutes": 5, "reason": "x"})).0, 400);
    let (status, glass) = asked(&ivy, "/api/v1/glass/break", &broken);
    assert_eq!(status, 200, "{glass}");
    let act = &glass["act"];
    assert_eq!(got(&aud, "/api/v1/glass")[0]["reason"], broken["reason"]);
    let since = json!({"purpose": "audit", "case": "audit 4", "since": "2026-11-01T00:00:00Z"});
    let (status, review) = asked(&aud, "/api/v1/access/review", &since);
    assert_eq!(status, 200, "{review}");
    assert_eq!(review["alarms"][0]["kind"], json!("glass-open"));
    assert_eq!(review["people"].as_array().unwrap().len(), 3);
    let found = json!({"act": act, "justified": true, "found": "the threat was real"});
    assert_eq!(asked(&ivy, "/api/v1/glass/review", &found).0, 403);
    assert_eq!(asked(&aud, "/api/v1/glass/review", &found).0, 200);
    assert_eq!(asked(&aud, "/api/v1/glass/review", &found).0, 409);
    assert_eq!(got(&aud, "/api/v1/glass")[0]["reviewed_by"], json!(3));
    let (status, refused) = asked(&ivy, "/api/v1/access/review", &since);
    assert_eq!((status, &refused["error"]["code"]), (403, &json!("not-allowed")));
}

#[test]
fn policies_are_shown_set_and_found_by_their_hash() {
    let world = World::start();
    let avery = world.first();
    let sol = world.add(&avery, world.cedar, "sol", Role::Supervisor);
    let (_, builtin) = asked(&avery, "/api/v1/policy/show", &json!({}));
    assert_eq!(builtin["version"], json!(0));
    let text = json!({"text": "// nobody sees anything\n"});
    assert_eq!(asked(&avery, "/api/v1/policy/set", &text).0, 403);
    let (status, body) = asked(&sol, "/api/v1/policy/set", &json!({"text": "permit all"}));
    assert_eq!((status, &body["error"]["code"]), (400, &json!("bad-policies")));
    let (status, set) = asked(&sol, "/api/v1/policy/set", &text);
    assert_eq!((status, &set["version"]), (200, &json!(1)));
    let (_, shown) = asked(&avery, "/api/v1/policy/show", &json!({"hash": set["hash"]}));
    assert_eq!(shown, set);
    let (_, first) = asked(&avery, "/api/v1/policy/show", &json!({"hash": builtin["hash"]}));
    assert_eq!(first, builtin);
    let of = |hash: &str| asked(&avery, "/api/v1/policy/show", &json!({"hash": hash})).0;
    assert_eq!((of(&"0".repeat(64)), of("abc"), of(&"g".repeat(64))), (404, 400, 400));
}

#[test]
fn what_waits_is_told_to_who_can_approve_and_acts_of_others_are_not_there() {
    let world = World::start();
    let avery = world.first();
    let sol = world.add(&avery, world.cedar, "sol", Role::Supervisor);
    let ivy = world.add(&avery, world.cedar, "ivy", Role::Investigator);
    let roster = &world.services.roster;
    let staff = |session: &Session<'_>| roster.who(session.token.expose()).unwrap();
    let grant = json!({
        "name": "ivy", "case": "24-CR-0117", "purpose": "investigation",
        "verbs": ["follow"], "rows_max": 9, "until": "2026-12-20T00:00:00Z",
    });
    assert_eq!(asked(&sol, "/api/v1/grants/give", &grant).0, 200);
    let wait = || {
        let mut demand = access::Demand::of(access::Audience::Prosecution, access::Line::Ordinary);
        demand.query.person = Some(model::Private::new("CC-1001".to_owned()));
        demand.key = Some(access::Recipient([0xab; 32]));
        demand.note = Some(model::Private::new("all of it".to_owned()));
        let ask = access::decide::Ask {
            verb: access::Verb::Follow,
            purpose: access::Purpose::Investigation,
            case: model::Private::new("24-CR-0117".to_owned()),
            line: access::Line::Ordinary,
            object: access::Object::Records { agency: world.cedar, records: vec![] },
            recipient: access::Recipient([1; 32]),
            expires: world.time.now().after(HOUR),
            demand,
        };
        match roster.allow(&staff(&ivy), ask, None).unwrap() {
            disclosure::roster::Way::Waits { act, .. } => act,
            way @ (disclosure::roster::Way::Open { .. }
            | disclosure::roster::Way::Refused { .. }) => unreachable!("{way:?}"),
        }
    };
    let (first, second) = (wait(), wait());
    let waiting = got(&sol, "/api/v1/acts/waiting");
    assert_eq!((&waiting[0]["act"], &waiting[0]["name"]), (&json!(first), &json!("ivy")));
    assert_eq!(
        (&waiting[1]["verb"], &waiting[1]["case"]),
        (&json!("follow"), &json!("24-CR-0117"))
    );
    // Who approves sees for whom it is and what was looked for.
    assert_eq!(waiting[0]["audience"], "prosecution");
    assert_eq!(waiting[0]["query"], json!({ "line": "ordinary", "person": "CC-1001" }));
    assert_eq!(waiting[0]["key"], "ab".repeat(32));
    assert_eq!(waiting[0]["note"], "all of it");
    assert_eq!(got(&avery, "/api/v1/acts/waiting"), json!([]));
    let approve = |session, act: u64| asked(session, "/api/v1/acts/approve", &json!({"act": act}));
    let (status, own) = approve(&ivy, first);
    assert_eq!(status, 403);
    assert_eq!(own["error"]["reasons"][0], json!("who asks does not approve"));
    assert_eq!(approve(&sol, 99).0, 404);
    assert_eq!(approve(&sol, first).0, 200);
    assert_eq!(got(&sol, "/api/v1/acts/waiting")[0]["approved_by"], json!([2]));
    let deny = json!({"act": second, "why": "not about this case"});
    assert_eq!(asked(&sol, "/api/v1/acts/deny", &deny).0, 200);
    assert_eq!(approve(&sol, second).0, 409);
}

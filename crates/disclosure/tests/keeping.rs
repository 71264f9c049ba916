//! What is kept and what is erased: never without its entry, never against a hold, and to the end
//! wherever the program dies.
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

use access::{Demand, Intent, Object, Purpose};
use disclosure::{
    Keeping, Note,
    keeping::{
        Erased, HoldAsk, HoldSaid, Judged, NewRule, NotKept, Of, QUARANTINE_MAX, Ran, RecordsErased,
    },
    roster::{Denied, NotDone, Proposed, Refusal},
};
use evidence::Statement;
use model::{FacilityId, PersonId, Private, Timestamp};
use office::{CASE, CEDAR, HOUR, NOW, Office, PINE, RECORDING, Running, number, plan};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{fs, ops::ControlFlow, path::PathBuf, time::Duration};
use store::{Basis, CallFilter, Class, Due, RunOutcome, RunScope, Terms};
use vault::Eraser;

const DAY: Duration = Duration::from_hours(24);

fn keeping(office: &Office, running: &Running, at: Timestamp) -> Keeping {
    office.keeping(running, &office.disk, at, QUARANTINE_MAX)
}

/// A run over everything, to its end.
fn run(keeping: &Keeping) -> Ran {
    keeping.run(Of::default(), &mut |_| ControlFlow::Continue(())).unwrap()
}

fn file(office: &Office) -> PathBuf {
    office.world.closed(RECORDING.0, "rec")
}

fn ask() -> HoldAsk {
    HoldAsk {
        agency: CEDAR,
        purpose: Purpose::Investigation,
        case: Private::new(CASE.to_owned()),
        person: None,
        person_key: None,
        number: None,
        facility: None,
        facility_key: None,
        from: None,
        until: None,
        everything: false,
    }
}

/// All calls of a facility.
fn at(facility: u32) -> HoldAsk {
    let facility_key = Some(format!("cedar/{facility}"));
    HoldAsk { facility: Some(FacilityId(facility)), facility_key, ..ask() }
}

fn placed(judged: Judged<u32>) -> u32 {
    let Judged::Done { what, .. } = judged else { panic!("{judged:?}") };
    what
}

/// What the log says of the recording after all that was there at first, once it is closed.
fn said(office: &Office) -> Vec<Statement> {
    let entries = Office::entries(&office.disk);
    let said = entries.iter().map(|(read, _)| read.said.what);
    said.filter(|it| matches!(it, Statement::Erase { .. } | Statement::Hold { .. })).collect()
}

fn is_erasure(said: &Statement) -> bool {
    matches!(said, Statement::Erase { recording, .. } if *recording == RECORDING)
}

#[test]
fn a_recording_is_erased_when_its_time_is_over_and_not_before() {
    let office = Office::new();
    let running = office.open();
    let at = |after: Duration| keeping(&office, &running, NOW.after(after));
    assert_eq!(run(&at(89 * DAY)), Ran::default());
    let due = Ran { due: 1, ..Ran::default() };
    assert_eq!(at(90 * DAY).due(Of::default()).unwrap(), due);
    for other in [
        Of { agency: Some(PINE), ..Of::default() },
        Of { quarantined_alone: true, ..Of::default() },
    ] {
        assert_eq!(at(90 * DAY).due(other).unwrap(), Ran::default());
        let ran = at(90 * DAY).run(other, &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(ran, Ran::default());
    }
    assert!(file(&office).exists(), "it was only asked");
    // Somebody takes a backup.
    let kept = vault::keep(&office.world.vault_dir()).unwrap();
    assert_eq!(run(&at(90 * DAY)), Ran { postponed: true, ..Ran::default() });
    drop(kept);
    let stopped = at(90 * DAY).run(Of::default(), &mut |_| ControlFlow::Break(())).unwrap();
    assert_eq!(stopped, Ran { stopped: true, ..due });
    assert!(file(&office).exists());
    assert_eq!(run(&at(90 * DAY)), Ran { erased: 1, ..due });
    assert_eq!(run(&at(91 * DAY)), Ran::default());
    assert!(!file(&office).exists());
    let runs = running.store.runs().unwrap();
    let ended: Vec<_> = runs.iter().map(|run| (run.ended.unwrap().1, run.erased)).collect();
    use RunOutcome::{Done, Postponed, Stopped};
    let expected = [(Done, 0), (Done, 0), (Postponed, 0), (Stopped, 0), (Done, 1), (Done, 0)];
    assert_eq!(ended, expected);
    let scopes = [RunScope::All, RunScope::Quarantine, RunScope::All];
    assert_eq!(runs.iter().map(|run| run.scope).take(3).collect::<Vec<_>>(), scopes);
    running.close();
    let said = said(&office);
    assert!(said.len() == 1 && is_erasure(&said[0]), "{said:?}");
}

#[test]
fn a_hold_wins_over_every_rule_until_it_is_released_and_reveals_nothing() {
    for (what, fits) in [
        (HoldAsk { person: Some(PersonId(1)), ..ask() }, true),
        (HoldAsk { person: Some(PersonId(2)), ..ask() }, false),
        (HoldAsk { number: Some(number(42)), ..ask() }, true),
        (HoldAsk { number: Some(number(43)), ..ask() }, false),
        (HoldAsk { person: Some(PersonId(1)), number: Some(number(43)), ..ask() }, false),
        (HoldAsk { from: Some(NOW), until: Some(NOW.after(HOUR)), ..at(1) }, true),
        (HoldAsk { from: Some(NOW), until: Some(NOW.after(HOUR)), ..at(2) }, false),
        (HoldAsk { from: Some(NOW.after(HOUR)), until: Some(NOW.after(2 * HOUR)), ..at(1) }, false),
        (HoldAsk { from: Some(NOW), until: Some(NOW), ..at(1) }, false),
    ] {
        let office = Office::new();
        let running = office.open();
        let now = keeping(&office, &running, NOW);
        let staff = running.staff("inve");
        let hold = placed(now.hold(&staff, &what, None).unwrap());
        assert_eq!(hold, 1, "the answer is the same");
        let later = keeping(&office, &running, NOW.after(2_000 * DAY));
        let ran = run(&later);
        assert_eq!((ran.held, ran.erased), (u64::from(fits), u64::from(!fits)), "{what:?}");
        assert_eq!(file(&office).exists(), fits);
        assert_eq!(run(&later), Ran::default(), "it is entered once");
        let act = now.release(&staff, hold, "the case is closed").unwrap();
        assert!(matches!(now.release(&staff, hold, "again"), Err(NotKept::NoHold)));
        assert_eq!(later.due(Of::default()).unwrap().due, 0, "it is not entered that it may go");
        assert_eq!(run(&later).erased, u64::from(fits));
        assert!(!file(&office).exists());
        running.close();
        assert_eq!(details(&office, act), if fits { ["kept", "released"].as_slice() } else { &[] });
    }
}

/// What the entries of holds on recordings say, once it is closed. That the hold was released by
/// `act` has an entry of its own, whatever it kept.
fn details(office: &Office, act: u64) -> Vec<&'static str> {
    let mut released = 0;
    let mut found = Vec::new();
    for (read, detail) in Office::entries(&office.disk) {
        // The salt comes first, then the head of the kind.
        let said = |head: &str| detail[32..].strip_prefix(head.as_bytes()).unwrap().to_vec();
        if let Statement::Hold { recording } = read.said.what {
            assert_eq!(recording, RECORDING);
            found.push(match postcard::from_bytes(&said("hold v1\0")).unwrap() {
                HoldSaid::Kept(kept) => {
                    assert_eq!(kept.hold, 1);
                    "kept"
                }
                HoldSaid::Released { hold, act: by } => {
                    assert_eq!((hold, by), (1, act));
                    "released"
                }
            });
        }
        if matches!(read.said.what, Statement::Denial { act: denied } if denied == act) {
            let said: Denied = postcard::from_bytes(&said("denial v1\0")).unwrap();
            let Denied::Hold { hold: 1, why, .. } = said else { panic!("{said:?}") };
            assert_eq!(why.expose(), "the case is closed");
            released += 1;
        }
    }
    assert_eq!(released, 1);
    found
}

#[test]
fn a_hold_names_something_and_is_released_by_its_own_people() {
    let office = Office::new();
    let running = office.open();
    let now = keeping(&office, &running, NOW);
    let staff = running.staff("inve");
    assert!(matches!(now.hold(&staff, &ask(), None), Err(NotKept::Everything)));
    let what = HoldAsk { person: Some(PersonId(1)), ..ask() };
    let hold = placed(now.hold(&staff, &what, None).unwrap());
    let other = running.staff("other");
    assert!(matches!(now.release(&other, hold, "no reason of mine"), Err(NotKept::NoHold)));
    assert!(matches!(now.release(&staff, hold + 1, "there is none"), Err(NotKept::NoHold)));
    assert!(matches!(now.release(&staff, hold, " "), Err(NotKept::Reason)));
    now.release(&running.staff("super"), hold, "a court said so").unwrap();
    running.close();
}

#[test]
fn a_hold_without_bounds_waits_for_the_owner_and_one_with_bounds_for_nobody() {
    let month = 31 * DAY;
    for by in ["inve", "other", "defence"] {
        let office = Office::new();
        let running = office.open();
        let now = keeping(&office, &running, NOW);
        let (staff, boss) = (running.staff(by), running.staff("super"));
        for bounded in [
            HoldAsk { person: Some(PersonId(1)), ..ask() },
            HoldAsk { number: Some(number(42)), ..ask() },
            HoldAsk { from: Some(NOW), until: Some(NOW.after(month)), ..at(1) },
        ] {
            placed(now.hold(&staff, &bounded, None).unwrap());
        }
        let held = running.store.holds().unwrap().len();
        let late = NOW.after(month + Duration::from_secs(1));
        for boundless in [
            HoldAsk { everything: true, ..ask() },
            at(1),
            HoldAsk { from: Some(NOW), ..at(1) },
            HoldAsk { until: Some(NOW), ..at(1) },
            HoldAsk { from: Some(NOW), until: Some(late), ..at(1) },
            HoldAsk { from: Some(NOW), until: Some(NOW.after(HOUR)), ..ask() },
        ] {
            let judged = now.hold(&staff, &boundless, None).unwrap();
            let Judged::Waits { act, .. } = judged else { panic!("{boundless:?}: {judged:?}") };
            assert_eq!(running.store.holds().unwrap().len(), held, "it keeps nothing yet");
            running.roster.deny(&boss, act, "too broad").unwrap();
        }
        let all = HoldAsk { everything: true, ..ask() };
        let Judged::Waits { act, .. } = now.hold(&staff, &all, None).unwrap() else { panic!() };
        assert!(running.roster.approve(&staff, act).is_err(), "nobody approves their own");
        running.roster.approve(&boss, act).unwrap();
        let hold = placed(now.hold(&staff, &all, Some(act)).unwrap());
        assert_eq!(running.store.holds().unwrap().last().unwrap().hold, hold);
        running.close();
    }
    let office = Office::new();
    let running = office.open();
    let now = keeping(&office, &running, NOW);
    let both = HoldAsk { everything: true, person: Some(PersonId(1)), ..ask() };
    let refused = now.hold(&running.staff("inve"), &both, None).unwrap_err();
    assert!(matches!(refused, NotKept::Everything), "{refused}");
    running.close();
}

/// Has supervisors of cedar say yes to what is held there.
fn four_eyes_on_holds(running: &Running) {
    let (boss, audit) = (running.staff("super"), running.staff("audit"));
    let builtin = running.roster.policy(&boss, None).unwrap().text;
    let alone = r#"permit (principal, action == Action::"hold", resource)
when {
    ["#;
    assert!(builtin.contains(alone), "the rule is written otherwise by now");
    let two = alone.replace("when {", "when { context.approvals >= 1 &&");
    let text = builtin.replace(alone, &two);
    match running.roster.propose_policy(&boss, &text).unwrap() {
        Proposed::Set(_) => {}
        Proposed::Waits { act } => drop(running.roster.approve_policy(&audit, act).unwrap()),
    }
}

#[test]
fn an_approved_hold_keeps_what_was_approved_and_nothing_else() {
    let office = Office::new();
    let running = office.open();
    four_eyes_on_holds(&running);
    let now = keeping(&office, &running, NOW);
    let (staff, boss) = (running.staff("inve"), running.staff("super"));
    let (from, until) = (Some(NOW), Some(NOW.after(HOUR)));
    let (person, number_42) = (Some(PersonId(1)), Some(number(42)));
    let what = HoldAsk { person, number: number_42, from, until, ..ask() };
    let waits = |what: &HoldAsk, approved| match now.hold(&staff, what, approved).unwrap() {
        Judged::Waits { act, .. } => act,
        other @ (Judged::Done { .. } | Judged::Refused { .. }) => panic!("{other:?}"),
    };
    let act = waits(&what, None);
    let waiting = running.roster.waiting(&boss).unwrap();
    let Object::Held { agency: CEDAR, person: true, number: true, from: f, until: u, .. } =
        waiting[0].ask.object
    else {
        panic!("{waiting:?}")
    };
    assert_eq!((f, u), (from, until));
    assert_eq!(waits(&what, Some(act)), act, "nobody said yes");
    let again = waits(&what, None);
    let objects: Vec<_> = running.roster.waiting(&boss).unwrap();
    assert_ne!(objects[0].ask.object, objects[1].ask.object, "nobody sees that it is the same");
    running.roster.approve(&boss, act).unwrap();
    for other in [
        HoldAsk { person: Some(PersonId(2)), ..what.clone() },
        HoldAsk { person: None, ..what.clone() },
        HoldAsk { number: Some(number(43)), ..what.clone() },
        HoldAsk { number: None, ..what.clone() },
        HoldAsk { from: Some(NOW.after(Duration::from_secs(1))), ..what.clone() },
        HoldAsk { from: None, ..what.clone() },
        HoldAsk { until: Some(NOW.after(HOUR + Duration::from_secs(1))), ..what.clone() },
        HoldAsk { until: None, ..what.clone() },
        HoldAsk { case: Private::new("24-CR-0118".to_owned()), ..what.clone() },
        HoldAsk { purpose: Purpose::Discovery, ..what.clone() },
    ] {
        let refused = now.hold(&staff, &other, Some(act)).unwrap_err();
        let NotKept::NotDone(NotDone::Refused(refused)) = refused else { panic!("{refused}") };
        assert_eq!(refused, Refusal::OtherRequest, "{other:?}");
    }
    assert_eq!(waits(&what, Some(again)), again, "the other request was approved");
    assert!(running.store.holds().unwrap().is_empty());
    assert_eq!(placed(now.hold(&staff, &what, Some(act)).unwrap()), 1);
    let spent = now.hold(&staff, &what, Some(act)).unwrap_err();
    assert!(matches!(spent, NotKept::NotDone(NotDone::Refused(Refusal::NotWaiting))), "{spent}");
    running.close();
    // The entry is of exactly that.
    let named = Office::entries(&office.disk).into_iter().find_map(|(read, detail)| {
        let is = matches!(read.said.what, Statement::Disclosure { act: said, .. } if said == act);
        is.then(|| detail[32..].strip_prefix(b"disclosure v2\0").unwrap().to_vec())
    });
    let named = named.unwrap();
    let (intent, demand): (Intent, _) = postcard::take_from_bytes(&named).unwrap();
    assert_eq!(intent.object, waiting[0].ask.object);
    assert_eq!(postcard::from_bytes::<Demand>(demand).unwrap(), waiting[0].ask.demand);
    assert_eq!(waiting[0].ask.demand.query.number, what.number);
}

/// The reason is for everybody to read, so that a second person says yes to it too.
#[test]
fn an_approved_term_is_set_with_the_reason_that_was_approved() {
    let office = Office::new();
    let running = office.open();
    let (clerk, boss) = (running.staff("clerk"), running.staff("super"));
    let builtin = running.roster.policy(&boss, None).unwrap().text;
    let alone = r#"when { principal.role == "supervisor" && resource.scope == "own-agency" };"#;
    assert!(builtin.contains(alone), "the rule is written otherwise by now");
    let two = r#"when { principal.role == "clerk" && context.approvals >= 1 };"#;
    let text = builtin.replace(alone, two);
    let proposed = running.roster.propose_policy(&boss, &text).unwrap();
    let Proposed::Waits { act } = proposed else { panic!("{proposed:?}") };
    running.roster.approve_policy(&running.staff("audit"), act).unwrap();
    let now = keeping(&office, &running, NOW);
    let rule = |reason: &str| NewRule {
        facility: None,
        class: Class::Audio,
        days: 800,
        reason: reason.to_owned(),
    };
    let waits = now.set_rule(&clerk, &rule("state records act"), None).unwrap();
    let Judged::Waits { act, .. } = waits else { panic!("{waits:?}") };
    let read = running.roster.waiting(&boss).unwrap().remove(0).ask.demand.note;
    assert_eq!(read.unwrap().expose(), "state records act");
    running.roster.approve(&boss, act).unwrap();
    let refused = now.set_rule(&clerk, &rule("we like to listen"), Some(act)).unwrap_err();
    let NotKept::NotDone(NotDone::Refused(refused)) = refused else { panic!("{refused}") };
    assert_eq!(refused, Refusal::OtherRequest);
    let set = now.set_rule(&clerk, &rule("state records act"), Some(act)).unwrap();
    assert!(matches!(set, Judged::Done { .. }), "{set:?}");
}

#[test]
fn who_keeps_longer_says_why_and_only_supervisors_say_it() {
    let office = Office::new();
    let running = office.open();
    let now = keeping(&office, &running, NOW);
    let rule = |days: u32, reason: &str| NewRule {
        facility: None,
        class: Class::Audio,
        days,
        reason: reason.to_owned(),
    };
    let (staff, boss) = (running.staff("inve"), running.staff("super"));
    let refused = now.set_rule(&staff, &rule(30, ""), None).unwrap();
    let Judged::Refused { act: refusal, .. } = refused else { panic!("{refused:?}") };
    assert!(matches!(now.may_run(&staff, None).unwrap(), Judged::Refused { .. }));
    assert!(matches!(now.may_run(&boss, None).unwrap(), Judged::Done { .. }));
    let bad = |days, reason: &str| now.set_rule(&boss, &rule(days, reason), None).unwrap_err();
    assert!(matches!(bad(91, " "), NotKept::Reason));
    assert!(matches!(bad(91, "for +1 (202) 555-0142"), NotKept::Reason));
    assert!(matches!(bad(91, "two\nlines"), NotKept::Reason));
    assert!(matches!(bad(0, ""), NotKept::Term));
    let elsewhere = NewRule { facility: Some(FacilityId(9)), ..rule(30, "") };
    assert!(matches!(now.set_rule(&boss, &elsewhere, None), Err(NotKept::NotDone(_))));
    let set = |rule: &NewRule| match now.set_rule(&boss, rule, None).unwrap() {
        Judged::Done { what: entry, .. } => entry,
        other @ (Judged::Waits { .. } | Judged::Refused { .. }) => panic!("{other:?}"),
    };
    let entries = [set(&rule(400, "state law 12.3, 2026")), set(&rule(30, ""))];
    assert_eq!(now.rules(CEDAR).unwrap().len(), 1);
    let entry = set(&NewRule { facility: Some(FacilityId(1)), ..rule(400, "a court's order") });
    let later = keeping(&office, &running, NOW.after(300 * DAY));
    assert_eq!(run(&later), Ran::default(), "the facility's own rule holds");
    let last = set(&NewRule { facility: Some(FacilityId(1)), ..rule(31, "") });
    let soon = keeping(&office, &running, NOW.after(31 * DAY));
    assert_eq!(run(&soon).erased, 1);
    running.close();
    let all = Office::entries(&office.disk);
    for entry in entries.into_iter().chain([entry, last]) {
        let (read, detail) = &all[usize::try_from(entry).unwrap()];
        let said = detail[32..].strip_prefix(b"retention v1\0").unwrap();
        let Statement::Retention { rules } = read.said.what else { panic!("{entry}") };
        assert_eq!(rules, Sha256::digest(said)[..]);
    }
    let denials = all
        .iter()
        .filter(|(read, _)| matches!(read.said.what, Statement::Denial { act } if act == refusal));
    assert_eq!(denials.count(), 1, "a refusal is entered");
}

#[test]
fn what_is_kept_for_longer_is_published_before_it_is_kept() {
    let office = Office::new();
    let running = office.open();
    let now = keeping(&office, &running, NOW);
    let (boss, file) = (running.staff("super"), office.disk.join("published/retention.json"));
    let rule = |days: u32, reason: &str| NewRule {
        facility: Some(FacilityId(1)),
        class: Class::Records,
        days,
        reason: reason.to_owned(),
    };
    assert_eq!(now.records_longest().unwrap(), 365 * DAY);
    let set = now.set_rule(&boss, &rule(800, "state records act"), None).unwrap();
    assert_eq!(now.records_longest().unwrap(), 800 * DAY);
    let Judged::Done { what: entry, .. } = set else { panic!("{set:?}") };
    let read = || serde_json::from_slice::<Value>(&fs::read(&file).unwrap()).unwrap();
    let terms = json!([{
        "class": "records", "facility": "cedar/jail", "days": 800, "longer": true,
        "reason": "state records act", "entry": entry,
    }]);
    assert_eq!(read()["agencies"], json!([{"agency": "cedar", "name": "cedar", "terms": terms}]));
    assert_eq!(read()["usual"][0], json!({"class": "audio", "days": 90, "longer": false}));
    assert_eq!(read(), serde_json::to_value(now.published().unwrap()).unwrap());
    // Where it cannot be published, it is not kept.
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let unpublished = now.set_rule(&boss, &rule(900, "state records act"), None).unwrap_err();
    assert!(matches!(unpublished, NotKept::Unpublished(..)), "{unpublished}");
    assert_eq!(now.rules(CEDAR).unwrap()[0].keep, 800 * DAY);
    fs::remove_dir(&file).unwrap();
    run(&now);
    assert_eq!(read()["agencies"][0]["terms"], terms, "a run publishes what holds");
    running.close();
}

#[test]
fn names_and_numbers_go_after_a_year_entered_first_and_not_where_they_are_held() {
    for held in [false, true] {
        let office = Office::new();
        let running = office.open();
        if held {
            let now = keeping(&office, &running, NOW);
            let what = HoldAsk { person: Some(PersonId(1)), ..ask() };
            placed(now.hold(&running.staff("inve"), &what, None).unwrap());
        }
        let at = |days: u32| keeping(&office, &running, NOW.after(days * DAY));
        assert_eq!(run(&at(364)).records, 0);
        let due = at(366).due(Of::default()).unwrap().records_due;
        assert_eq!(due, u64::from(!held), "the other two calls have not ended");
        let elsewhere = Of { agency: Some(PINE), ..Of::default() };
        assert_eq!(at(366).due(elsewhere).unwrap(), Ran::default());
        let mut die = |ran: &Ran| {
            assert_eq!(ran.records, 0);
            ControlFlow::Break(())
        };
        assert!(at(366).run(Of::default(), &mut die).unwrap().stopped);
        let ran = run(&at(366));
        assert_eq!((ran.records, run(&at(366)).records), (due, 0));
        let numbers = running.store.calls(&CallFilter::default()).unwrap();
        let named = numbers.iter().filter(|row| row.number.is_some() && row.person.is_some());
        assert_eq!(named.count(), if held { 3 } else { 2 });
        running.close();
        let mut entered = Vec::new();
        for (read, detail) in Office::entries(&office.disk) {
            if let Statement::RecordsErased { records } = read.said.what {
                let said = detail[32..].strip_prefix(b"records erased v1\0").unwrap();
                let said: RecordsErased = postcard::from_bytes(said).unwrap();
                assert_eq!((said.agency, said.calls), (CEDAR, 1));
                entered.push(records);
            }
        }
        assert_eq!(entered, if held { vec![] } else { vec![1] });
    }
}

#[test]
fn a_hold_that_is_placed_between_two_steps_of_a_run_wins() {
    let office = Office::new();
    let running = office.open();
    let staff = running.staff("inve");
    running.store.apply(&plan(&[42]), NOW).unwrap();
    let at_once = office.keeping(&running, &office.disk, NOW, Duration::ZERO);
    let what = HoldAsk { number: Some(number(42)), ..ask() };
    let mut place = |ran: &Ran| {
        assert_eq!((ran.due, ran.erased), (1, 0));
        placed(at_once.hold(&staff, &what, None).unwrap());
        ControlFlow::Continue(())
    };
    let ran = at_once.run(Of::default(), &mut place).unwrap();
    assert_eq!((ran.held, ran.erased), (1, 0));
    assert!(file(&office).exists());
    running.close();
}

#[test]
fn a_recording_of_a_number_that_became_protected_goes_unless_it_is_held() {
    for held in [false, true] {
        let office = Office::new();
        let running = office.open();
        let now = keeping(&office, &running, NOW);
        if held {
            let what = HoldAsk { number: Some(number(42)), ..ask() };
            placed(now.hold(&running.staff("inve"), &what, None).unwrap());
        }
        assert_eq!(run(&now).quarantined, 0);
        running.store.apply(&plan(&[42]), NOW).unwrap();
        assert_eq!(run(&now).quarantined, 1);
        assert!(running.store.is_quarantined(CEDAR, RECORDING).unwrap());
        let alone = Of { quarantined_alone: true, ..Of::default() };
        let at = |time: Duration| {
            let then = keeping(&office, &running, NOW.after(time));
            then.run(alone, &mut |_| ControlFlow::Continue(())).unwrap()
        };
        assert_eq!(at(QUARANTINE_MAX - HOUR).erased, 0);
        let gone = u64::from(!held);
        let ran = at(QUARANTINE_MAX);
        assert_eq!((ran.erased, ran.of_quarantine), (gone, gone));
        assert_eq!(file(&office).exists(), held);
        running.close();
    }
}

/// The steps of erasing one recording, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Decided,
    Entered,
    Known,
    Destroyed,
}

#[test]
fn erasing_is_finished_wherever_the_program_dies() {
    let steps = [Step::Decided, Step::Entered, Step::Known, Step::Destroyed];
    for (last, held) in steps.into_iter().flat_map(|step| [(step, false), (step, true)]) {
        let office = Office::new();
        let running = office.open();
        let later = NOW.after(90 * DAY);
        let terms = Terms {
            audio: 90 * DAY,
            quarantine: QUARANTINE_MAX,
            agency: None,
            quarantined_alone: false,
        };
        let due = running.store.due(&terms, later, 9).unwrap();
        let [Due { recording, sha256, basis: Basis::Retention, .. }] = due[..] else { panic!() };
        running.store.begin_erasing(&due, later).unwrap();
        if last >= Step::Entered {
            let what = Statement::Erase { recording, sha256 };
            let detail = postcard::to_allocvec(&Erased::Retention).unwrap();
            let places = running.register.notes(&[Note { what, detail }], CEDAR, later).unwrap();
            if last >= Step::Known {
                running.store.erasing_entered(&due, places.start).unwrap();
            }
        }
        if last >= Step::Destroyed {
            let eraser = Eraser::lock(&office.world.vault_dir()).unwrap().unwrap();
            assert!(eraser.erase(CEDAR, RECORDING).unwrap());
        }
        running.close();

        let running = office.open();
        if held {
            let what = HoldAsk { person: Some(PersonId(1)), ..ask() };
            let now = keeping(&office, &running, NOW);
            placed(now.hold(&running.staff("inve"), &what, None).unwrap());
        }
        let again = keeping(&office, &running, later);
        let ran = run(&again);
        // What the log is known to call erased goes; before that a hold still wins.
        let kept = held && last < Step::Known;
        assert_eq!((ran.erased, file(&office).exists()), (u64::from(!kept), kept), "{last:?}");
        assert_eq!(run(&again), Ran::default(), "{last:?}");
        assert_eq!(running.store.erasing().unwrap(), []);
        running.close();
        let entered = said(&office).iter().any(is_erasure);
        assert!(entered || kept, "{last:?}: nothing goes without its entry");
    }
}

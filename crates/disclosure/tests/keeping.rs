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

use access::Purpose;
use disclosure::{
    Keeping, KeepingConfig, Note,
    keeping::{Erased, HoldAsk, HoldWay, NewRule, NotKept, QUARANTINE_MAX, Ran},
};
use evidence::Statement;
use model::{Clock, PersonId, Private, Timestamp};
use office::{CASE, CEDAR, HOUR, NOW, Office, RECORDING, Running, number, plan};
use std::{path::PathBuf, sync::Arc, time::Duration};
use store::{Basis, Class, Due, Terms};
use vault::Eraser;

const DAY: Duration = Duration::from_hours(24);

fn keeping(office: &Office, running: &Running, at: Timestamp) -> Keeping {
    Keeping::new(KeepingConfig {
        store: running.store.clone(),
        register: Arc::clone(&running.register),
        roster: running.roster.clone(),
        recordings: office.world.vault_dir(),
        clock: Clock::new(move || at),
        quarantine: QUARANTINE_MAX,
    })
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
        number: None,
        from: None,
        until: None,
    }
}

fn placed(way: HoldWay) -> u32 {
    let HoldWay::Placed { hold, .. } = way else { panic!("{way:?}") };
    hold
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
    let run = |after: Duration, dry| keeping(&office, &running, NOW.after(after)).run(dry);
    assert_eq!(run(89 * DAY, false).unwrap(), Ran::default());
    let due = Ran { erased: 1, ..Ran::default() };
    assert_eq!(run(90 * DAY, true).unwrap(), due);
    assert!(file(&office).exists(), "it was only asked");
    // Somebody takes a backup.
    let kept = vault::keep(&office.world.vault_dir()).unwrap();
    assert_eq!(run(90 * DAY, false).unwrap(), Ran { postponed: true, ..Ran::default() });
    drop(kept);
    assert!(file(&office).exists());
    assert_eq!(run(90 * DAY, false).unwrap(), due);
    assert_eq!(run(91 * DAY, false).unwrap(), Ran::default());
    assert!(!file(&office).exists());
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
        (HoldAsk { from: Some(NOW), until: Some(NOW.after(HOUR)), ..ask() }, true),
        (HoldAsk { from: Some(NOW.after(HOUR)), ..ask() }, false),
        (HoldAsk { until: Some(NOW), ..ask() }, false),
    ] {
        let office = Office::new();
        let running = office.open();
        let now = keeping(&office, &running, NOW);
        let staff = running.staff("inve");
        let hold = placed(now.hold(&staff, &what, None).unwrap());
        assert_eq!(hold, 1, "the answer is the same");
        let later = keeping(&office, &running, NOW.after(4_000 * DAY));
        let ran = later.run(false).unwrap();
        assert_eq!((ran.held, ran.erased), (u64::from(fits), u64::from(!fits)), "{what:?}");
        assert_eq!(file(&office).exists(), fits);
        assert_eq!(later.run(false).unwrap(), Ran::default(), "it is entered once");
        now.release(&staff, hold, "the case is closed").unwrap();
        assert!(matches!(now.release(&staff, hold, "again"), Err(NotKept::NoHold)));
        assert_eq!(later.run(false).unwrap().erased, u64::from(fits));
        assert!(!file(&office).exists());
        running.close();
        let holds = said(&office).iter().filter(|it| !is_erasure(it)).count();
        assert_eq!(holds, if fits { 2 } else { 0 }, "kept, and released");
    }
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
fn who_keeps_longer_says_why_and_only_supervisors_say_it() {
    let office = Office::new();
    let running = office.open();
    let now = keeping(&office, &running, NOW);
    let rule = |days: u32, reason: &str| NewRule {
        facility: None,
        class: Class::Audio,
        keep: days * DAY,
        reason: reason.to_owned(),
    };
    let (staff, boss) = (running.staff("inve"), running.staff("super"));
    assert!(matches!(now.set_rule(&staff, &rule(30, "")), Err(NotKept::Setter)));
    assert!(matches!(now.set_rule(&boss, &rule(91, " ")), Err(NotKept::Reason)));
    assert!(matches!(now.set_rule(&boss, &rule(0, "")), Err(NotKept::Term)));
    now.set_rule(&boss, &rule(400, "state law")).unwrap();
    let later = keeping(&office, &running, NOW.after(300 * DAY));
    assert_eq!(later.run(false).unwrap(), Ran::default());
    now.set_rule(&boss, &rule(30, "")).unwrap();
    assert_eq!(now.rules(CEDAR).unwrap().len(), 1);
    let soon = keeping(&office, &running, NOW.after(30 * DAY));
    assert_eq!(soon.run(false).unwrap().erased, 1);
    running.close();
    let entries = Office::entries(&office.disk);
    let set =
        entries.iter().filter(|(read, _)| matches!(read.said.what, Statement::Retention { .. }));
    assert_eq!(set.count(), 2);
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
        assert_eq!(now.run(false).unwrap().quarantined, 0);
        running.store.apply(&plan(&[42]), NOW).unwrap();
        assert_eq!(now.run(false).unwrap().quarantined, 1);
        assert!(running.store.is_quarantined(CEDAR, RECORDING).unwrap());
        let at = |time: Duration| keeping(&office, &running, NOW.after(time)).run(false).unwrap();
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
        let terms = Terms { audio: 90 * DAY, quarantine: QUARANTINE_MAX };
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
        let ran = again.run(false).unwrap();
        // What the log is known to call erased goes; before that a hold still wins.
        let kept = held && last < Step::Known;
        assert_eq!((ran.erased, file(&office).exists()), (u64::from(!kept), kept), "{last:?}");
        assert_eq!(again.run(false).unwrap(), Ran::default(), "{last:?}");
        assert_eq!(running.store.erasing().unwrap(), []);
        running.close();
        let entered = said(&office).iter().any(is_erasure);
        assert!(entered || kept, "{last:?}: nothing goes without its entry");
    }
}

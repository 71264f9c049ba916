//! Broken glasses, policies of agencies, the review of access, and the alarms.

use crate::office::{CEDAR, DAY, ELM, HOUR, MINUTE, Office};
use access::{
    Audience, Demand, Leave, Object, Purpose, Recipient, Role, Scope, Verb,
    decide::{Ask, Line, NotAllowed},
    limits::GLASS_ROWS_MAX,
    policy::Policies,
    staff::{Staff, Unusable},
};
use disclosure::roster::{
    AlarmCounts, AlarmKind, Broke, Denied, Needs, NewGrant, NotDone, PolicyChanged, Proposed,
    Refusal, Reviewed, Way,
};
use evidence::Statement;
use model::{CallId, Private};
use store::UsageRow;

fn danger(office: &Office, rows: u64) -> Ask {
    Ask {
        verb: Verb::Search,
        purpose: Purpose::Safety,
        case: Private::new("26-0031".to_owned()),
        line: Line::Ordinary,
        object: Object::Records { agency: CEDAR, records: (0..rows).map(CallId).collect() },
        recipient: Recipient([7; 32]),
        expires: office.now().after(HOUR),
        demand: Demand::of(Audience::Staff, Line::Ordinary),
    }
}

fn refusal<T: std::fmt::Debug>(done: Result<T, NotDone>) -> Refusal {
    let NotDone::Refused(refusal) = done.unwrap_err() else { panic!("another fault") };
    refusal
}

#[test]
fn the_glass_is_broken_entered_told_and_opens_a_few_rows_for_a_while() {
    let mut office = Office::new();
    let admin = office.admin();
    let ivy = office.hired(&admin, CEDAR, "Ivy Investigator", Role::Investigator);
    let roster = office.roster.clone();
    let few = danger(&office, GLASS_ROWS_MAX.into());
    assert!(matches!(roster.allow(&ivy, few.clone(), None).unwrap(), Way::Refused { .. }));
    assert!(matches!(roster.break_glass(&ivy, 30 * MINUTE, "x"), Err(NotDone::NotBroken(_))));
    assert_eq!(refusal(roster.break_glass(&ivy, HOUR, " ")), Refusal::Words);
    let (act, glass) = roster.break_glass(&ivy, HOUR, "a threat to somebody's life").unwrap();
    let (what, agency, detail) = office.last_entry();
    assert_eq!((what, agency), (Statement::BreakGlass { act }, CEDAR));
    let broke: Broke = postcard::from_bytes(&detail).unwrap();
    assert_eq!((broke.staff, broke.until), (ivy.id, glass.until));
    assert_eq!(*office.told.lock().unwrap(), [(CEDAR, act)]);
    let Way::Open { allowed, .. } = roster.allow(&ivy, few.clone(), None).unwrap() else {
        panic!()
    };
    assert_eq!(allowed.intent().leave, Leave::BrokenGlass);
    // Its few rows are seen now.
    let one = danger(&office, 1);
    assert!(matches!(roster.allow(&ivy, one, None).unwrap(), Way::Refused { .. }));
    // Another one, broken while this one is open, gives time and no more rows.
    roster.break_glass(&ivy, HOUR, "more of it").unwrap();
    assert!(matches!(roster.allow(&ivy, danger(&office, 1), None).unwrap(), Way::Refused { .. }));
    office.pass(HOUR);
    roster.break_glass(&ivy, HOUR, "it goes on").unwrap();
    assert!(matches!(roster.allow(&ivy, danger(&office, 1), None).unwrap(), Way::Open { .. }));
    office.pass(HOUR);
    assert!(matches!(roster.allow(&ivy, danger(&office, 1), None).unwrap(), Way::Refused { .. }));
}

#[test]
fn a_role_for_which_the_glass_is_not_cannot_break_it_and_that_is_entered() {
    let mut office = Office::new();
    let admin = office.admin();
    let clerk = office.hired(&admin, CEDAR, "Cleo Clerk", Role::Clerk);
    for staff in [&admin, &clerk] {
        let refused = office.roster.break_glass(staff, HOUR, "I am curious").unwrap_err();
        assert!(matches!(refused, NotDone::NotAllowed(NotAllowed::Denied(_))), "{refused}");
        let (what, _, detail) = office.last_entry();
        assert!(matches!(what, Statement::Denial { .. }));
        let Denied::Glass { staff: who, .. } = postcard::from_bytes(&detail).unwrap() else {
            panic!()
        };
        assert_eq!(who, staff.id);
    }
    assert!(office.store.glasses().unwrap().is_empty());
}

#[test]
fn a_broken_glass_is_reviewed_by_somebody_else_within_72_hours_or_suspends() {
    let mut office = Office::new();
    let admin = office.admin();
    let sol = office.hired(&admin, CEDAR, "Sol Supervisor", Role::Supervisor);
    let aud = office.hired(&admin, CEDAR, "Aud Auditor", Role::Auditor);
    let eli = office.hired(&admin, ELM, "Eli Admin", Role::ItAdmin);
    let far = office.hired(&eli, ELM, "Far Auditor", Role::Auditor);
    let roster = office.roster.clone();
    let (act, _) = roster.break_glass(&sol, HOUR, "a threat to somebody's life").unwrap();
    let counts = || AlarmCounts::read(&office.store, office.now()).unwrap();
    assert_eq!((counts().glasses_open, counts().glasses_overdue), (1, 0));
    let review = |by: &Staff, words| roster.review(by, act, true, words);
    assert_eq!(refusal(review(&sol, "fine")), Refusal::Reviewer);
    assert_eq!(refusal(review(&admin, "fine")), Refusal::Reviewer);
    assert_eq!(refusal(review(&aud, "")), Refusal::Words);
    assert!(matches!(review(&far, "fine"), Err(NotDone::NotThere)));
    assert_eq!((roster.glasses(&aud).unwrap().len(), roster.glasses(&far).unwrap().len()), (1, 0));
    office.pass(72 * HOUR - 2 * MINUTE);
    assert!(roster.grants(&sol).is_ok());
    office.pass(2 * MINUTE);
    let suspended = roster.grants(&sol).unwrap_err();
    assert!(matches!(suspended, NotDone::Unusable(Unusable::Suspended)), "{suspended}");
    assert_eq!((counts().glasses_open, counts().glasses_overdue), (1, 1));
    review(&aud, "the threat was real").unwrap();
    let (what, _, detail) = office.last_entry();
    assert_eq!(what, Statement::Review { act });
    let reviewed: Reviewed = postcard::from_bytes(&detail).unwrap();
    assert_eq!((reviewed.by, reviewed.staff, reviewed.justified), (aud.id, sol.id, true));
    assert!(roster.grants(&sol).is_ok());
    assert_eq!(refusal(review(&aud, "again")), Refusal::Reviewed);
    assert_eq!(counts().glasses_open, 0);
}

#[test]
fn an_agency_sets_its_own_policies_and_every_version_is_found_by_its_hash() {
    let mut office = Office::new();
    let admin = office.admin();
    let sol = office.hired(&admin, CEDAR, "Sol Supervisor", Role::Supervisor);
    let ivy = office.hired(&admin, CEDAR, "Ivy Investigator", Role::Investigator);
    let roster = office.roster.clone();
    let builtin = roster.policy(&sol, None).unwrap();
    assert_eq!((builtin.version, builtin.text.as_str()), (0, Policies::BUILTIN));
    let wrong = roster.propose_policy(&sol, "permit everything");
    assert!(matches!(wrong, Err(NotDone::Policies(_))));
    let nothing = "// Nobody sees anything.\n";
    assert_eq!(refusal(roster.propose_policy(&ivy, nothing)), Refusal::PolicySetter);
    // The first, while there is nobody who could approve it.
    let Proposed::Set(set) = roster.propose_policy(&sol, nothing).unwrap() else { panic!() };
    let (what, agency, detail) = office.last_entry();
    assert_eq!((what, agency), (Statement::PolicyChange { policy: set.hash }, CEDAR));
    let changed: PolicyChanged = postcard::from_bytes(&detail).unwrap();
    assert_eq!((changed.by, changed.version), (sol.id, 1));
    // It holds at once, for this agency's data and no other's, and over a new start.
    let again = office.reopened();
    for roster in [&roster, &again] {
        assert_eq!(roster.policies(CEDAR).hash(), set.hash);
        assert_eq!(roster.policies(ELM).hash(), builtin.hash);
    }
    let refused = roster.break_glass(&ivy, HOUR, "a threat").unwrap_err();
    assert!(matches!(refused, NotDone::NotAllowed(_)), "{refused}");
    // From then on it takes two, also where there is only one: it waits for the second.
    let Proposed::Waits { act } = roster.propose_policy(&sol, &builtin.text).unwrap() else {
        panic!("it holds without a second person")
    };
    assert_eq!(roster.policies(CEDAR).hash(), set.hash);
    let aud = office.hired(&admin, CEDAR, "Aud Auditor", Role::Auditor);
    let back = roster.approve_policy(&aud, act).unwrap();
    assert_eq!((back.version, back.hash), (2, builtin.hash));
    assert_eq!(roster.policy(&sol, Some(set.hash)).unwrap().text, nothing);
    assert!(matches!(roster.policy(&sol, Some([0; 32])), Err(NotDone::NotThere)));
    let Proposed::Waits { act } = roster.propose_policy(&sol, nothing).unwrap() else { panic!() };
    office.log.clone().close();
    assert!(matches!(roster.approve_policy(&aud, act), Err(NotDone::NotEntered(_))));
    assert_eq!(roster.policies(CEDAR).hash(), builtin.hash);
}

#[test]
fn policies_take_two_people_of_whom_one_never_approves_their_own() {
    let mut office = Office::new();
    let admin = office.admin();
    let sol = office.hired(&admin, CEDAR, "Sol Supervisor", Role::Supervisor);
    let aud = office.hired(&admin, CEDAR, "Aud Auditor", Role::Auditor);
    let ivy = office.hired(&admin, CEDAR, "Ivy Investigator", Role::Investigator);
    let roster = office.roster.clone();
    let builtin = roster.policies(CEDAR).hash();
    let nothing = "// Nobody sees anything.\n";
    let propose = || match roster.propose_policy(&sol, nothing).unwrap() {
        Proposed::Waits { act } => act,
        Proposed::Set(_) => panic!("somebody else could approve"),
    };
    let act = propose();
    let waits = roster.proposed_policies(&aud).unwrap();
    assert_eq!(waits.iter().map(|row| (row.act, row.by)).collect::<Vec<_>>(), [(act, sol.id)]);
    assert_eq!(roster.proposed_policies(&ivy).unwrap(), []);
    for by in [&sol, &ivy, &admin] {
        assert_eq!(refusal(roster.approve_policy(by, act)), Refusal::PolicyApprover);
    }
    for by in [&ivy, &admin] {
        assert_eq!(refusal(roster.deny_policy(by, act, "no")), Refusal::PolicyApprover);
    }
    assert_eq!(roster.policies(CEDAR).hash(), builtin);
    // Refused, with a reason, and over.
    roster.deny_policy(&aud, act, "too strict").unwrap();
    let (what, _, detail) = office.last_entry();
    assert_eq!(what, Statement::Denial { act });
    let denied: Denied = postcard::from_bytes(&detail).unwrap();
    assert!(matches!(denied, Denied::Policy { by, asked, .. } if (by, asked) == (aud.id, sol.id)));
    assert!(matches!(roster.approve_policy(&aud, act), Err(NotDone::NotThere)));
    // Approved: the approval and the change stand in the log together.
    let act = propose();
    let set = roster.approve_policy(&aud, act).unwrap();
    assert_eq!(roster.policies(CEDAR).hash(), set.hash);
    assert!(matches!(roster.approve_policy(&aud, act), Err(NotDone::NotThere)));
    // Whoever proposed it and is no supervisor any more proposed nothing.
    let act = propose();
    roster.set_role(&admin, sol.id, Role::Clerk).unwrap();
    assert!(matches!(roster.approve_policy(&aud, act), Err(NotDone::NotThere)));
    let statements: Vec<_> = office.entries().into_iter().map(|(what, _, _)| what).collect();
    let [.., approval, change, _role] = statements.as_slice() else { panic!("{statements:?}") };
    assert!(matches!(approval, Statement::Approval { .. }), "{approval:?}");
    assert_eq!(*change, Statement::PolicyChange { policy: set.hash });
}

#[test]
fn whoever_asks_for_more_than_a_cap_raises_an_alarm() {
    let mut office = Office::new();
    let admin = office.admin();
    let sol = office.hired(&admin, CEDAR, "Sol Supervisor", Role::Supervisor);
    let ivy = office.hired(&admin, CEDAR, "Ivy Investigator", Role::Investigator);
    let roster = office.roster.clone();
    let now = office.now();
    let new = NewGrant {
        staff: ivy.id,
        case: Private::new("24-CR-0117".to_owned()),
        purpose: Purpose::Investigation,
        verbs: vec![Verb::Search],
        rows_max: 10,
        from: now,
        until: now.after(HOUR),
    };
    roster.give(&sol, new).unwrap();
    let ask = |count: u64| Ask {
        verb: Verb::Search,
        purpose: Purpose::Investigation,
        case: Private::new("24-CR-0117".to_owned()),
        line: Line::Ordinary,
        object: Object::Records { agency: CEDAR, records: (1..=count).map(CallId).collect() },
        recipient: Recipient([7; 32]),
        expires: now.after(HOUR),
        demand: Demand::of(Audience::Staff, Line::Ordinary),
    };
    let counts = || AlarmCounts::read(&office.store, office.now()).unwrap().cap_tries;
    assert!(matches!(roster.allow(&ivy, ask(10), None).unwrap(), Way::Open { .. }));
    assert_eq!(counts(), 0);
    // More than the grant has left.
    assert!(matches!(roster.allow(&ivy, ask(1), None).unwrap(), Way::Refused { .. }));
    assert_eq!(counts(), 1);
    // More than anybody sees in a day, whatever they were given; asked again it is the same try.
    assert!(matches!(roster.allow(&ivy, ask(2_001), None).unwrap(), Way::Refused { .. }));
    assert_eq!(counts(), 2);
    // Without a grant for the case it is a refusal like any other.
    let other = Ask { case: Private::new("24-CR-0999".to_owned()), ..ask(1) };
    assert!(matches!(roster.allow(&ivy, other, None).unwrap(), Way::Refused { .. }));
    assert_eq!(counts(), 2);
    let review = roster.review_access(&sol, Purpose::Audit, "review 1", now).unwrap();
    let tried = review.alarms.iter().filter(|alarm| alarm.kind == AlarmKind::CapTried);
    assert_eq!(tried.map(|alarm| alarm.staff).collect::<Vec<_>>(), [ivy.id, ivy.id]);
}

#[test]
fn a_review_of_access_sets_what_was_used_against_what_could_be_reached() {
    let mut office = Office::new();
    let admin = office.admin();
    let sol = office.hired(&admin, CEDAR, "Sol Supervisor", Role::Supervisor);
    let ivy = office.hired(&admin, CEDAR, "Ivy Investigator", Role::Investigator);
    let aud = office.hired(&admin, CEDAR, "Aud Auditor", Role::Auditor);
    office.roster.add(&admin, CEDAR, "Cleo Clerk", Role::Clerk).unwrap();
    let roster = office.roster.clone();
    let grant = |case: &str| NewGrant {
        staff: ivy.id,
        case: Private::new(case.to_owned()),
        purpose: Purpose::Safety,
        verbs: vec![Verb::Search],
        rows_max: 100,
        from: office.now(),
        until: office.now().after(DAY),
    };
    let used = roster.give(&sol, grant("26-0031")).unwrap();
    let idle = roster.give(&sol, grant("26-0032")).unwrap();
    for _ in 0..2 {
        let way = roster.allow(&ivy, danger(&office, 20), None).unwrap();
        assert!(matches!(way, Way::Open { .. }));
    }
    let from = office.now();
    office.pass(MINUTE);
    for refused in [&ivy, &admin] {
        let refused = roster.review_access(refused, Purpose::Audit, "audit", from).unwrap_err();
        assert!(matches!(refused, NotDone::NotAllowed(_)), "{refused}");
        assert!(matches!(office.last_entry().0, Statement::Denial { .. }));
    }
    let review = roster.review_access(&aud, Purpose::Audit, "audit", from).unwrap();
    let act = review.act;
    assert!(matches!(office.last_entry().0, Statement::Disclosure { act: of, .. } if of == act));
    assert_eq!((review.agency, review.people.len()), (CEDAR, 5));
    let ivy = review.people.iter().find(|person| person.staff == ivy.id).unwrap();
    assert_eq!(ivy.used.len(), 1);
    assert_eq!((ivy.used[0].verb, ivy.used[0].acts, ivy.used[0].rows), (Verb::Search, 2, 40));
    let grants: Vec<_> = ivy.grants.iter().map(|it| (it.grant.id, it.rows, it.used)).collect();
    assert_eq!(grants, [(used, 40, true), (idle, 0, false)]);
    let could =
        |verb, scope| ivy.could.iter().filter(move |it| (it.verb, it.scope) == (verb, scope));
    let search: Vec<_> = could(Verb::Search, Scope::OwnAgency).collect();
    let purposes = [Purpose::Investigation, Purpose::Safety];
    assert_eq!((search.len(), &search[0].purposes[..]), (1, &purposes[..]));
    assert_eq!((search[0].needs, search[0].used), (Needs::Grant, true));
    let listen = could(Verb::Listen, Scope::OwnAgency).next().unwrap();
    assert_eq!((listen.needs, listen.used), (Needs::Grant, false));
    let elsewhere = could(Verb::Search, Scope::OtherAgency).next().unwrap();
    assert_eq!(elsewhere.needs, Needs::GrantAndApproval);
    assert!(could(Verb::Search, Scope::Protected).all(|it| it.counts_only));
    assert!(ivy.could.iter().all(|it| it.scope != Scope::Shielded));
    let cleo = review.people.last().unwrap();
    assert_eq!((cleo.enrolled, cleo.usable, cleo.used.len()), (false, Ok(()), 0));
    assert!(review.alarms.is_empty(), "{:?}", review.alarms);
    assert!(!format!("{review:?}").contains("Ivy") && !format!("{review:?}").contains("26-003"));
    office.log.clone().close();
    assert!(roster.review_access(&aud, Purpose::Audit, "audit", from).is_err());
}

/// A year of working days of one person, kept as acts.
fn drips(office: &Office, staff: &Staff, faster_from: u64) {
    let mut state = 7_u32;
    for day in 0..110_u64 {
        office.pass(DAY);
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let rows = 20 + (state >> 24) / 4;
        let row = UsageRow {
            act: office.store.next_act().unwrap(),
            owner: CEDAR,
            staff: staff.id,
            grant: None,
            glass: None,
            verb: Verb::Search,
            purpose: Purpose::Investigation,
            scope: Scope::OwnAgency,
            rows: if day >= faster_from { rows * 6 } else { rows },
            at: office.now(),
        };
        office.store.add_usage(&row).unwrap();
    }
}

#[test]
fn a_slow_drip_a_day_over_the_cap_and_a_lock_raise_an_alarm_without_a_name() {
    let mut office = Office::new();
    let admin = office.admin();
    let ivy = office.hired(&admin, CEDAR, "Ivy Investigator", Role::Investigator);
    let bo = office.hired(&admin, CEDAR, "Bo Investigator", Role::Investigator);
    drips(&office, &ivy, 200);
    let counts = AlarmCounts::read(&office.store, office.now()).unwrap();
    assert_eq!(counts, AlarmCounts::default());
    drips(&office, &ivy, 104);
    let grab = UsageRow {
        act: office.store.next_act().unwrap(),
        staff: bo.id,
        rows: access::limits::ROWS_PER_DAY_MAX + 1,
        ..office.store.usage(office.now(), office.now().after(DAY)).unwrap()[0]
    };
    office.store.add_usage(&grab).unwrap();
    for _ in 0..5 {
        assert!(office.roster.login("Bo Investigator", "a wrong password", "000000").is_err());
    }
    let counts = AlarmCounts::read(&office.store, office.now()).unwrap();
    assert!(counts.drips >= 1, "{counts:?}");
    assert_eq!((counts.over_cap, counts.locked), (1, 1));
}

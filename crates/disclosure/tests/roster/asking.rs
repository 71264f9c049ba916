//! Grants, requests, the second person, and what the log has of each.

use crate::office::{CEDAR, DAY, ELM, HOUR, Office};
use access::{
    Audience, Demand, Leave, NotAnIntent, Object, Purpose, Recipient, Role, Verb,
    decide::{Ask, Line, NotAllowed},
    grant::NotGranted,
    limits::ROWS_PER_DAY_MAX,
    staff::Staff,
};
use disclosure::roster::{Approved, Denied, NewGrant, NotDone, Refusal, Way};
use evidence::Statement;
use model::{AgencyId, CallId, GrantId, Private, StaffId};

const CASE: &str = "24-CR-0117";

/// Cedar's admin, supervisor and investigator, and elm's supervisor and investigator.
struct Staffed {
    office: Office,
    sol: Staff,
    ivy: Staff,
    elm_sol: Staff,
    elm_ivy: Staff,
}

impl Staffed {
    fn new() -> Self {
        let mut office = Office::new();
        let admin = office.admin();
        let sol = office.hired(&admin, CEDAR, "Sol Supervisor", Role::Supervisor);
        let ivy = office.hired(&admin, CEDAR, "Ivy Investigator", Role::Investigator);
        let eli = office.hired(&admin, ELM, "Eli Admin", Role::ItAdmin);
        let elm_sol = office.hired(&eli, ELM, "Sue Supervisor", Role::Supervisor);
        let elm_ivy = office.hired(&eli, ELM, "Ira Investigator", Role::Investigator);
        Self { office, sol, ivy, elm_sol, elm_ivy }
    }

    fn ask(&self, verb: Verb, owner: AgencyId, rows: u64) -> Ask {
        Ask {
            verb,
            purpose: Purpose::Investigation,
            case: Private::new(CASE.to_owned()),
            line: Line::Ordinary,
            object: Object::Records { agency: owner, records: (0..rows).map(CallId).collect() },
            recipient: Recipient([7; 32]),
            expires: self.office.now().after(HOUR),
            demand: Demand::of(Audience::Staff, Line::Ordinary),
        }
    }

    fn grant(&self, staff: StaffId, rows_max: u32) -> NewGrant {
        NewGrant {
            staff,
            case: Private::new(CASE.to_owned()),
            purpose: Purpose::Investigation,
            verbs: vec![Verb::Search, Verb::Follow, Verb::Search],
            rows_max,
            from: self.office.now(),
            until: self.office.now().after(DAY),
        }
    }

    fn allow(&self, staff: &Staff, ask: &Ask, approved: Option<u64>) -> Way {
        self.office.roster.allow(staff, ask.clone(), approved).unwrap()
    }
}

fn refused(way: Way) -> u64 {
    let Way::Refused { act, .. } = way else { panic!("{way:?}") };
    act
}

fn waits(way: Way) -> u64 {
    let Way::Waits { act, .. } = way else { panic!("{way:?}") };
    act
}

fn leave(way: Way) -> Leave {
    let Way::Open { allowed, .. } = way else { panic!("{way:?}") };
    allowed.intent().leave.clone()
}

#[test]
fn a_grant_opens_what_it_is_for_until_its_rows_are_seen_or_it_is_taken_back() {
    let county = Staffed::new();
    let (roster, ivy, sol) = (&county.office.roster, &county.ivy, &county.sol);
    let ask = county.ask(Verb::Search, CEDAR, 40);
    let act = refused(county.allow(ivy, &ask, None));
    let (what, agency, detail) = county.office.last_entry();
    assert_eq!((what, agency), (Statement::Denial { act }, CEDAR));
    let Denied::RuleFor { asked, why, .. } = postcard::from_bytes(&detail).unwrap() else {
        panic!()
    };
    assert_eq!(
        (asked.staff, asked.object, asked.case),
        (ivy.id, ask.object.clone(), ask.case.clone())
    );
    assert!(why.contains("needs a grant"), "{why}");

    let given = roster.give(sol, county.grant(ivy.id, 100)).unwrap();
    let (what, _, detail) = county.office.last_entry();
    assert!(matches!(what, Statement::Approval { .. }));
    let Approved::Grant { by, granted } = postcard::from_bytes(&detail).unwrap() else { panic!() };
    assert_eq!((by, granted.grant, granted.staff), (sol.id, given, ivy.id));
    assert_eq!(granted.verbs, [Verb::Search, Verb::Follow]);

    let approvers = vec![];
    let expected = Leave::Grant { grant: given, approvers };
    assert_eq!(leave(county.allow(ivy, &ask, None)), expected);
    assert_eq!(leave(county.allow(ivy, &ask, None)), expected);
    assert_eq!(roster.grants(ivy).unwrap()[0].1, 80);
    refused(county.allow(ivy, &ask, None));
    // A second grant for the same case goes on where the first ends.
    let second = roster.give(sol, county.grant(ivy.id, 100)).unwrap();
    let expected = Leave::Grant { grant: second, approvers: vec![] };
    assert_eq!(leave(county.allow(ivy, &ask, None)), expected);
    roster.take_back(sol, second).unwrap();
    let (what, _, detail) = county.office.last_entry();
    assert!(matches!(what, Statement::Denial { .. }));
    assert_eq!(
        postcard::from_bytes::<Denied>(&detail).unwrap(),
        Denied::Grant { by: sol.id, grant: second }
    );
    refused(county.allow(ivy, &ask, None));
    assert!(roster.grants(&county.elm_sol).unwrap().is_empty());
}

#[test]
fn grants_are_given_by_supervisors_of_the_owner_to_others_and_for_something() {
    let county = Staffed::new();
    let roster = &county.office.roster;
    let give = |by, grant| roster.give(by, grant).unwrap_err();
    let grant = |staff| county.grant(staff, 10);
    for (by, of, why) in [
        (&county.sol, county.sol.id, NotGranted::Self_),
        (&county.ivy, county.elm_ivy.id, NotGranted::Giver),
    ] {
        let refused = give(by, grant(of));
        assert!(matches!(&refused, NotDone::NotGranted(given) if *given == why), "{refused}");
    }
    let long = NewGrant { until: county.office.now().after(31 * DAY), ..grant(county.ivy.id) };
    assert!(matches!(give(&county.sol, long), NotDone::NotGranted(NotGranted::Time)));
    for empty in [
        NewGrant { verbs: vec![], ..grant(county.ivy.id) },
        NewGrant { rows_max: 0, ..grant(county.ivy.id) },
    ] {
        let refused = give(&county.sol, empty);
        assert!(matches!(refused, NotDone::Refused(Refusal::EmptyGrant)), "{refused}");
    }
    let blank = NewGrant { case: Private::new("  ".into()), ..grant(county.ivy.id) };
    assert!(matches!(give(&county.sol, blank), NotDone::Bounds(NotAnIntent::Case)));
    assert!(matches!(give(&county.sol, grant(StaffId(99))), NotDone::NotThere));
    let other = roster.take_back(&county.elm_sol, GrantId(1)).unwrap_err();
    assert!(matches!(other, NotDone::NotThere), "{other}");
}

#[test]
fn what_needs_a_second_person_waits_and_is_carried_out_once() {
    let county = Staffed::new();
    let (roster, ivy, sol) = (&county.office.roster, &county.ivy, &county.sol);
    let given = roster.give(sol, county.grant(ivy.id, 100)).unwrap();
    let ask = county.ask(Verb::Follow, CEDAR, 1);
    let act = waits(county.allow(ivy, &ask, None));
    assert_eq!(*county.office.told.lock().unwrap(), [(CEDAR, act)]);
    assert_eq!(waits(county.allow(ivy, &ask, Some(act))), act);

    let waiting = roster.waiting(sol).unwrap();
    assert_eq!((waiting.len(), waiting[0].act, waiting[0].staff), (1, act, ivy.id));
    assert_eq!(waiting[0].on_call[0].expose(), "Sol Supervisor");
    assert_eq!(waiting[0].ask.object, ask.object);
    assert_eq!(roster.waiting(ivy).unwrap().len(), 1);
    assert!(roster.waiting(&county.elm_sol).unwrap().is_empty());

    // Who asks does not approve, nor does somebody who only could: that is entered.
    let own = roster.approve(ivy, act).unwrap_err();
    assert!(matches!(own, NotDone::NotAllowed(NotAllowed::Denied(_))), "{own}");
    assert!(matches!(county.office.last_entry().0, Statement::Denial { act: of } if of == act));
    assert!(matches!(roster.approve(&county.elm_sol, act), Err(NotDone::NotThere)));
    assert_eq!(waits(county.allow(ivy, &ask, Some(act))), act);

    roster.approve(sol, act).unwrap();
    let (what, agency, detail) = county.office.last_entry();
    assert_eq!((what, agency), (Statement::Approval { act }, CEDAR));
    let Approved::RequestFor { by, asked, demand } = postcard::from_bytes(&detail).unwrap() else {
        panic!()
    };
    assert_eq!(*demand, ask.demand);
    assert_eq!((by, asked.staff, asked.verb), (sol.id, ivy.id, Verb::Follow));

    // The very same, with another key since each try makes one; and nothing else.
    let again = Ask { recipient: Recipient([8; 32]), ..ask.clone() };
    let expected = Leave::Grant { grant: given, approvers: vec![sol.id] };
    assert_eq!(leave(county.allow(ivy, &again, Some(act))), expected);
    assert_eq!(roster.request(ivy, act).unwrap().object, ask.object);
    let mut other_person = ask.demand.query.clone();
    other_person.person = Some(Private::new("P-2".into()));
    for other in [
        county.ask(Verb::Follow, CEDAR, 2),
        county.ask(Verb::Search, CEDAR, 1),
        Ask { case: Private::new("24-CR-0118".into()), ..ask.clone() },
        Ask { purpose: Purpose::Safety, ..ask.clone() },
        Ask { line: Line::Protected, ..ask.clone() },
        Ask { demand: Demand::of(Audience::Prosecution, Line::Ordinary), ..ask.clone() },
        Ask {
            demand: Demand { key: Some(Recipient([9; 32])), ..ask.demand.clone() },
            ..ask.clone()
        },
        Ask {
            demand: Demand { note: Some(Private::new("x".into())), ..ask.demand.clone() },
            ..ask.clone()
        },
        Ask { demand: Demand { query: other_person, ..ask.demand.clone() }, ..ask.clone() },
    ] {
        let other = roster.allow(ivy, other, Some(act)).unwrap_err();
        assert!(matches!(other, NotDone::Refused(Refusal::OtherRequest)), "{other}");
    }
    for stranger in [sol, &county.elm_ivy] {
        let theirs = roster.allow(stranger, ask.clone(), Some(act)).unwrap_err();
        assert!(matches!(theirs, NotDone::NotThere), "{theirs}");
        assert!(matches!(roster.request(stranger, act), Err(NotDone::NotThere)));
    }
    roster.done(act).unwrap();
    let done = roster.allow(ivy, ask, Some(act)).unwrap_err();
    assert!(matches!(done, NotDone::Refused(Refusal::NotWaiting)), "{done}");
    assert!(roster.waiting(sol).unwrap().is_empty());
}

/// One approval, asked for many times at once.
#[test]
fn an_approval_is_for_one_who_carries_it_out_and_for_one_time() {
    let county = Staffed::new();
    let (roster, ivy, sol) = (&county.office.roster, &county.ivy, &county.sol);
    roster.give(sol, county.grant(ivy.id, 100)).unwrap();
    let ask = county.ask(Verb::Follow, CEDAR, 1);
    let act = waits(county.allow(ivy, &ask, None));
    roster.approve(sol, act).unwrap();
    let ways = std::thread::scope(|scope| {
        let tries: Vec<_> =
            (0..8).map(|_| scope.spawn(|| roster.allow(ivy, ask.clone(), Some(act)))).collect();
        tries.into_iter().map(|it| it.join().unwrap()).collect::<Vec<_>>()
    });
    let (open, refused): (Vec<_>, Vec<_>) = ways.into_iter().partition(Result::is_ok);
    assert_eq!(open.len(), 1);
    for way in refused {
        assert!(matches!(way, Err(NotDone::Refused(Refusal::Underway))), "{way:?}");
    }
    // What was not carried out after all is tried again, and what was is not.
    drop(open);
    let again = county.allow(ivy, &ask, Some(act));
    assert!(matches!(again, Way::Open { .. }), "{again:?}");
    roster.done(act).unwrap();
    drop(again);
    let done = roster.allow(ivy, ask, Some(act)).unwrap_err();
    assert!(matches!(done, NotDone::Refused(Refusal::NotWaiting)), "{done}");
}

#[test]
fn a_request_is_denied_taken_back_or_grows_too_old() {
    let county = Staffed::new();
    let (roster, ivy, sol) = (&county.office.roster, &county.ivy, &county.sol);
    roster.give(sol, county.grant(ivy.id, 100)).unwrap();
    let ask = county.ask(Verb::Follow, CEDAR, 1);
    for by in [sol, ivy] {
        let act = waits(county.allow(ivy, &ask, None));
        assert!(matches!(roster.deny(by, act, " "), Err(NotDone::Refused(Refusal::Words))));
        roster.deny(by, act, "not about this case").unwrap();
        let (what, _, detail) = county.office.last_entry();
        assert_eq!(what, Statement::Denial { act });
        let Denied::RequestFor { by: who, why, .. } = postcard::from_bytes(&detail).unwrap() else {
            panic!()
        };
        assert_eq!((who, why.expose().as_str()), (by.id, "not about this case"));
        for over in [
            roster.allow(ivy, ask.clone(), Some(act)).map(drop),
            roster.approve(sol, act),
            roster.deny(sol, act, "again"),
        ] {
            assert!(matches!(over, Err(NotDone::Refused(Refusal::NotWaiting))), "{over:?}");
        }
    }
    let act = waits(county.allow(ivy, &ask, None));
    county.office.pass(72 * HOUR);
    let old = roster.approve(sol, act).unwrap_err();
    assert!(matches!(old, NotDone::Refused(Refusal::NotWaiting)), "{old}");
}

#[test]
fn data_of_another_agency_need_somebody_who_works_there() {
    let county = Staffed::new();
    let (roster, ira) = (&county.office.roster, &county.elm_ivy);
    let ask = county.ask(Verb::Search, CEDAR, 5);
    refused(county.allow(ira, &ask, None));
    let given = roster.give(&county.sol, county.grant(ira.id, 100)).unwrap();
    let act = waits(county.allow(ira, &ask, None));
    assert!(matches!(roster.approve(&county.elm_sol, act), Err(NotDone::NotThere)));
    roster.approve(&county.sol, act).unwrap();
    let expected = Leave::Grant { grant: given, approvers: vec![county.sol.id] };
    assert_eq!(leave(county.allow(ira, &ask, Some(act))), expected);
    // An approver whose access is gone does not count any more.
    let act = waits(county.allow(ira, &ask, None));
    roster.approve(&county.sol, act).unwrap();
    let admin = roster.named(CEDAR, "Ada Admin").unwrap();
    let admin = county.office.store.staff().unwrap().into_iter().find(|row| row.staff.id == admin);
    roster.revoke(&admin.unwrap().staff, county.sol.id).unwrap();
    assert_eq!(waits(county.allow(ira, &ask, Some(act))), act);
}

#[test]
fn more_than_a_day_may_show_needs_a_second_person() {
    let county = Staffed::new();
    let (roster, ivy, sol) = (&county.office.roster, &county.ivy, &county.sol);
    roster.give(sol, county.grant(ivy.id, u32::MAX)).unwrap();
    let all = county.ask(Verb::Search, CEDAR, ROWS_PER_DAY_MAX.into());
    assert!(matches!(county.allow(ivy, &all, None), Way::Open { .. }));
    let one = county.ask(Verb::Search, CEDAR, 1);
    let act = waits(county.allow(ivy, &one, None));
    roster.approve(sol, act).unwrap();
    assert!(matches!(county.allow(ivy, &one, Some(act)), Way::Open { .. }));
    county.office.pass(DAY);
    roster.give(sol, county.grant(ivy.id, 10)).unwrap();
    let next_day = county.ask(Verb::Search, CEDAR, 1);
    assert!(matches!(county.allow(ivy, &next_day, None), Way::Open { .. }));
}

#[test]
fn two_who_ask_at_once_do_not_share_what_is_left() {
    let county = Staffed::new();
    let (roster, ivy) = (&county.office.roster, &county.ivy);
    roster.give(&county.sol, county.grant(ivy.id, 100)).unwrap();
    let ask = county.ask(Verb::Search, CEDAR, 30);
    let opened = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| matches!(county.allow(ivy, &ask, None), Way::Open { .. })))
            .collect();
        tries.into_iter().map(|it| it.join().unwrap()).filter(|open| *open).count()
    });
    assert_eq!(opened, 3);
}

#[test]
fn one_person_does_not_fill_the_list_of_those_on_call() {
    let county = Staffed::new();
    let (roster, ivy) = (&county.office.roster, &county.ivy);
    roster.give(&county.sol, county.grant(ivy.id, 100)).unwrap();
    let ask = county.ask(Verb::Follow, CEDAR, 1);
    for _ in 0..disclosure::roster::limits::WAITING_COUNT_MAX {
        waits(county.allow(ivy, &ask, None));
    }
    let full = roster.allow(ivy, ask, None).unwrap_err();
    assert!(matches!(full, NotDone::Refused(Refusal::TooMany)), "{full}");
}

//! Who ties a log-in to whose calls, who agrees, and what ends it.

use crate::office::{CEDAR, ELM, Office};
use access::{Role, staff::Staff};
use disclosure::roster::{NotDone, Refusal, Roster, TieAsk};
use evidence::Statement;
use model::{Private, StaffId};
use store::{
    Plan, TieTo,
    plan::{Person, Protected, ProtectedNumber},
};

fn private(text: &str) -> Private<String> {
    Private::new(text.to_owned())
}

fn refusal<T: std::fmt::Debug>(done: Result<T, NotDone>) -> Refusal {
    let NotDone::Refused(refusal) = done.unwrap_err() else { panic!("another fault") };
    refusal
}

fn jordan() -> TieAsk {
    TieAsk::Person { key: private("2041"), name: private("jordan example ") }
}

fn lake() -> TieAsk {
    TieAsk::Holder(private("Lake Law"))
}

/// Two people, and a counsel with two numbers, at Cedar.
fn provisioned(office: &Office) {
    let person = |key: &str, name: &str, pin: u8| Person {
        agency: "cedar".into(),
        facility: "cedar/jail".into(),
        key: private(key),
        name: private(name),
        pin: Private::new([pin; 32]),
        language: model::Language::En,
        removed: false,
        line: 2,
    };
    let number = |end: u64| ProtectedNumber {
        agency: "cedar".into(),
        number: Private::new(model::E164::new(12_025_550_100 + end).unwrap()),
        holder: Some(private("Lake Law")),
    };
    let plan = Plan {
        facilities: vec![crate::jail::facility()],
        people: vec![person("2041", "Jordan Example", 1), person("2042", "Robin Example", 2)],
        protected: Some(Protected {
            numbers: vec![number(60), number(61)],
            replace: false,
            count: None,
        }),
        ..Plan::default()
    };
    office.store.apply(&plan, office.now()).unwrap();
}

/// The office with an it-admin, a supervisor, and a log-in for a person, who chose a password.
fn start() -> (Office, Staff, Staff, Staff) {
    let mut office = Office::new();
    provisioned(&office);
    let admin = office.admin();
    let sol = office.hired(&admin, CEDAR, "Sol Supervisor", Role::Supervisor);
    let jo = office.hired(&admin, CEDAR, "jordan.e", Role::Person);
    (office, admin, sol, jo)
}

fn waiting(roster: &Roster, by: &Staff) -> Vec<(u64, bool)> {
    let ties = roster.ties(by).unwrap().into_iter();
    ties.map(|tie| (tie.row.act, tie.row.approved.is_some())).collect()
}

#[test]
fn two_people_tie_and_one_unties() {
    let (office, admin, sol, jo) = start();
    let roster = &office.roster;
    let tie = roster.tie(&admin, jo.id, &jordan()).unwrap();
    let TieTo::Person { key, name, .. } = &tie.row.to else { panic!("a person") };
    assert_eq!((key.expose().as_str(), name.expose().as_str()), ("2041", "Jordan Example"));
    assert_eq!((tie.name.expose().as_str(), tie.numbers), ("jordan.e", None));
    let act = tie.row.act;
    assert_eq!(office.told.lock().unwrap().as_slice(), [(CEDAR, act)]);
    assert_eq!(waiting(roster, &sol), [(act, false)]);
    assert_eq!(waiting(roster, &jo), [(act, false)], "they see their own");
    assert_eq!(office.store.own_of(jo.id, CEDAR).unwrap(), None);
    // Not who proposed it, not whose it is, and nobody of another agency.
    assert_eq!(refusal(roster.approve_tie(&admin, act)), Refusal::TieApprover);
    assert_eq!(refusal(roster.approve_tie(&jo, act)), Refusal::TieApprover);
    assert!(matches!(roster.approve_tie(&sol, act + 1), Err(NotDone::NotThere)));
    roster.approve_tie(&sol, act).unwrap();
    assert!(office.store.own_of(jo.id, CEDAR).unwrap().is_some());
    assert_eq!(waiting(&office.reopened(), &admin), [(act, true)]);
    assert!(matches!(roster.approve_tie(&sol, act), Err(NotDone::NotThere)), "once");
    assert_eq!(refusal(roster.tie(&admin, jo.id, &jordan())), Refusal::Tied);
    // One is enough to end it.
    assert_eq!(refusal(roster.untie(&jo, sol.id)), Refusal::Untier);
    roster.untie(&sol, jo.id).unwrap();
    assert_eq!(office.store.own_of(jo.id, CEDAR).unwrap(), None);
    assert!(matches!(roster.untie(&sol, jo.id), Err(NotDone::NotThere)));
    let said: Vec<_> = office.entries().into_iter().map(|(what, ..)| what).collect();
    let approval = said.iter().position(|what| *what == Statement::Approval { act }).unwrap();
    assert!(matches!(said[approval + 1], Statement::StaffChange { .. }), "together");
    assert!(matches!(said.last(), Some(Statement::StaffChange { .. })));
}

#[test]
fn what_does_not_fit_is_not_tied() {
    let (mut office, admin, sol, jo) = start();
    let clerk = office.hired(&admin, CEDAR, "Cleo Clerk", Role::Clerk);
    let lane = office.hired(&admin, CEDAR, "lane", Role::Counsel);
    let elm = office.hired(&admin, ELM, "Eli Admin", Role::ItAdmin);
    let roster = &office.roster;
    for (staff, ask) in [(&clerk, jordan()), (&lane, jordan()), (&jo, lake()), (&sol, lake())] {
        assert_eq!(refusal(roster.tie(&admin, staff.id, &ask)), Refusal::TieRole);
    }
    assert_eq!(refusal(roster.tie(&sol, jo.id, &jordan())), Refusal::ItAdmin);
    assert!(matches!(roster.tie(&elm, jo.id, &jordan()), Err(NotDone::NotThere)));
    assert!(matches!(roster.tie(&admin, StaffId(99), &jordan()), Err(NotDone::NotThere)));
    // A slip in the number, a name that is another's, and nobody at all: the same words.
    for (key, name) in
        [("2042", "Jordan Example"), ("2041", "Robin Example"), ("9", "Jordan Example")]
    {
        let ask = TieAsk::Person { key: private(key), name: private(name) };
        assert_eq!(refusal(roster.tie(&admin, jo.id, &ask)), Refusal::NobodyCalled);
    }
    let other = TieAsk::Holder(private("lake law"));
    assert_eq!(refusal(roster.tie(&admin, lane.id, &other)), Refusal::NobodyCalled);
    // Whoever is added with a tie that does not fit is not added.
    let add = |role, ask: &TieAsk| roster.add_tied(&admin, (CEDAR, role), "robin", ask);
    assert_eq!(refusal(add(Role::Clerk, &jordan())), Refusal::TieRole);
    assert_eq!(refusal(add(Role::Counsel, &other)), Refusal::NobodyCalled);
    assert!(roster.named(CEDAR, "robin").is_err());
    let tie = roster.tie(&admin, jo.id, &jordan()).unwrap();
    assert_eq!(refusal(add(Role::Person, &jordan())), Refusal::OtherLogIn);
    assert!(roster.named(CEDAR, "robin").is_err());
    roster.deny_tie(&sol, tie.row.act, "they are not Jordan").unwrap();
    let (robin, tie) = add(Role::Person, &jordan()).unwrap();
    assert_eq!(tie.row.staff, robin.staff);
    // Nobody chose a password, so nobody could be asked.
    assert_eq!(refusal(roster.approve_tie(&sol, tie.row.act)), Refusal::NotEnrolled);
    roster.deny_tie(&admin, tie.row.act, "taken back").unwrap();
    // A firm may have several.
    let (two, tie) = roster.add_tied(&admin, (CEDAR, Role::Counsel), "two", &lake()).unwrap();
    assert_eq!((tie.numbers, tie.row.staff), (Some(2), two.staff));
    let tie = roster.tie(&admin, lane.id, &lake()).unwrap();
    roster.approve_tie(&sol, tie.row.act).unwrap();
    assert!(office.store.own_of(lane.id, CEDAR).unwrap().is_some());
}

#[test]
fn it_is_not_agreed_to_once_the_number_is_somebody_else_s_or_too_late() {
    let (office, admin, sol, jo) = start();
    let roster = &office.roster;
    let tie = roster.tie(&admin, jo.id, &jordan()).unwrap();
    let renamed = Person {
        agency: "cedar".into(),
        facility: "cedar/jail".into(),
        key: private("2041"),
        name: private("Sasha Example"),
        pin: Private::new([1; 32]),
        language: model::Language::En,
        removed: false,
        line: 2,
    };
    let plan = Plan { people: vec![renamed], ..Plan::default() };
    office.store.apply(&plan, office.now()).unwrap();
    assert_eq!(refusal(roster.approve_tie(&sol, tie.row.act)), Refusal::NobodyCalled);
    provisioned(&office);
    office.pass(disclosure::roster::limits::REQUEST_MAX);
    assert!(matches!(roster.approve_tie(&sol, tie.row.act), Err(NotDone::NotThere)));
    // Too old, it is in nobody's way.
    roster.tie(&admin, jo.id, &jordan()).unwrap();
}

#[test]
fn a_new_password_ends_a_tie_because_somebody_else_may_choose_it() {
    let (office, admin, sol, jo) = start();
    let roster = &office.roster;
    let tied = || {
        let tie = roster.tie(&admin, jo.id, &jordan()).unwrap();
        roster.approve_tie(&sol, tie.row.act).unwrap();
    };
    tied();
    roster.release(&admin, jo.id, false).unwrap();
    assert!(office.store.own_of(jo.id, CEDAR).unwrap().is_some());
    roster.release(&admin, jo.id, true).unwrap();
    assert_eq!(office.store.own_of(jo.id, CEDAR).unwrap(), None);
    let tie = roster.tie(&admin, jo.id, &jordan()).unwrap();
    assert_eq!(refusal(roster.approve_tie(&sol, tie.row.act)), Refusal::NotEnrolled);
    roster.set_role(&admin, jo.id, Role::Clerk).unwrap();
    assert_eq!(waiting(roster, &admin), []);
}

//! One request, with all that speaks for or against it.
#![allow(clippy::unwrap_used, clippy::panic_in_result_fn, reason = "a test fails by it")]

use access::{
    Audience, Demand, Draft, Leave, Month, NotAnIntent, Object, Purpose, Recipient, Role, Scope,
    Verb,
    decide::{Ask, Line, NotAllowed, Support, approve, decide},
    grant::{Glass, Grant, Used},
    limits::ROWS_PER_DAY_MAX,
    policy::{Denied, Policies},
    staff::{Staff, Unusable},
};
use model::{AgencyId, CallId, GrantId, Private, RecordingId, StaffId, Timestamp};
use std::time::Duration;

const NOW: Timestamp = Timestamp::from_micros(1_795_726_800_000_000);
const HOUR: Duration = Duration::from_secs(3_600);

fn staff(id: u32, role: Role, agency: u32) -> Staff {
    Staff {
        id: StaffId(id),
        role,
        agency: AgencyId(agency),
        revoked: false,
        last_seen: NOW,
        failures: vec![],
        unreviewed: vec![],
    }
}

fn investigator() -> Staff {
    staff(11, Role::Investigator, 3)
}

fn supervisor() -> Staff {
    staff(12, Role::Supervisor, 3)
}

/// To listen to a recording of agency 3.
fn ask() -> Ask {
    Ask {
        verb: Verb::Listen,
        purpose: Purpose::Investigation,
        case: Private::new("24-CR-0117".to_owned()),
        line: Line::Ordinary,
        object: Object::Recording {
            agency: AgencyId(3),
            recording: RecordingId(7),
            header: [9; 32],
        },
        recipient: Recipient([8; 32]),
        expires: NOW.after(HOUR),
        demand: Demand::of(Audience::Staff, Line::Ordinary),
    }
}

fn grant() -> Grant {
    Grant {
        id: GrantId(5),
        staff: StaffId(11),
        case: Private::new("24-CR-0117".to_owned()),
        purpose: Purpose::Investigation,
        owner: AgencyId(3),
        verbs: vec![Verb::Search, Verb::Listen, Verb::Follow, Verb::Export],
        rows_max: 10_000,
        from: NOW,
        until: NOW.after(24 * HOUR),
        given_by: StaffId(12),
        revoked: false,
    }
}

fn try_it(staff: &Staff, ask: Ask, support: &Support<'_>) -> Result<(Scope, Leave), NotAllowed> {
    let policies = Policies::builtin().unwrap();
    let allowed = decide(&policies, staff, ask, support, NOW)?;
    assert_eq!(allowed.intent().policies, policies.hash());
    let (scope, leave) = (allowed.intent().scope, allowed.intent().leave.clone());
    assert!(Draft::new(allowed, [1; 32]).is_ok());
    Ok((scope, leave))
}

const NO_POLICY: Result<(Scope, Leave), NotAllowed> = Err(NotAllowed::Denied(Denied::NoPolicy));

const NO_GRANT: Result<(Scope, Leave), NotAllowed> = Err(NotAllowed::Denied(Denied::NoGrant));

fn is_forbidden(tried: &Result<(Scope, Leave), NotAllowed>) -> bool {
    matches!(tried, Err(NotAllowed::Denied(Denied::Forbidden(_))))
}

#[test]
fn a_grant_for_the_case_lets_listen_and_another_case_needs_another() {
    let grant = grant();
    let support = Support { grant: Some(&grant), ..Support::default() };
    let leave = Leave::Grant { grant: GrantId(5), approvers: vec![] };
    assert_eq!(try_it(&investigator(), ask(), &support), Ok((Scope::OwnAgency, leave)));
    assert_eq!(try_it(&investigator(), ask(), &Support::default()), NO_GRANT);
    let other = Ask { case: Private::new("24-CR-0118".to_owned()), ..ask() };
    assert_eq!(try_it(&investigator(), other, &support), NO_GRANT);
    let it = staff(11, Role::ItAdmin, 3);
    assert_eq!(try_it(&it, ask(), &support), NO_POLICY);
}

#[test]
fn to_follow_needs_a_second_person_who_is_neither_oneself_nor_just_anybody() {
    let grant = grant();
    let follow = || Ask { verb: Verb::Follow, ..ask() };
    let with = |approvers: &[Staff]| {
        let support = Support { grant: Some(&grant), approvers, ..Support::default() };
        try_it(&investigator(), follow(), &support)
    };
    let locked = Staff { failures: vec![NOW; 5], ..supervisor() };
    for approvers in [
        vec![],
        vec![investigator()],
        vec![staff(11, Role::Supervisor, 3)],
        vec![staff(13, Role::Auditor, 3)],
        vec![staff(13, Role::Supervisor, 4)],
        vec![locked],
    ] {
        assert_eq!(with(&approvers), NO_POLICY, "{approvers:?}");
    }
    let leave = Leave::Grant { grant: GrantId(5), approvers: vec![StaffId(12)] };
    assert_eq!(with(&[supervisor(), supervisor()]), Ok((Scope::OwnAgency, leave)));
}

#[test]
fn the_agency_whose_data_it_is_approves_and_nobody_else() {
    let policies = Policies::builtin().unwrap();
    let asker = investigator();
    let by = |approver: &Staff| approve(&policies, approver, (&asker, &ask()), NOW);
    assert_eq!(by(&supervisor()), Ok(()));
    assert_eq!(by(&staff(13, Role::Supervisor, 4)), Err(NotAllowed::NotOwner));
    assert_eq!(by(&staff(13, Role::Clerk, 3)), Err(NotAllowed::Denied(Denied::NoPolicy)));
    let own = approve(&policies, &supervisor(), (&supervisor(), &ask()), NOW);
    assert!(matches!(own, Err(NotAllowed::Denied(Denied::Forbidden(_)))));
    let revoked = Staff { revoked: true, ..supervisor() };
    assert_eq!(by(&revoked), Err(NotAllowed::Unusable(Unusable::Revoked)));
    // Across agencies: one of the owner's people.
    let abroad = staff(11, Role::Investigator, 4);
    let grant = grant();
    let support = Support { grant: Some(&grant), ..Support::default() };
    assert!(is_forbidden(&try_it(&abroad, ask(), &support)));
    let approvers = [staff(13, Role::Supervisor, 4)];
    let support = Support { approvers: &approvers, ..support };
    assert!(is_forbidden(&try_it(&abroad, ask(), &support)));
    let approvers = [supervisor()];
    let support = Support { approvers: &approvers, ..support };
    assert_eq!(try_it(&abroad, ask(), &support).unwrap().0, Scope::OtherAgency);
}

#[test]
fn over_the_cap_needs_a_second_person() {
    let grant = grant();
    let rows = |count: u32| Ask {
        verb: Verb::Search,
        object: Object::Records {
            agency: AgencyId(3),
            records: (0..u64::from(count)).map(CallId).collect(),
        },
        ..ask()
    };
    let support = Support { grant: Some(&grant), ..Support::default() };
    assert!(try_it(&investigator(), rows(ROWS_PER_DAY_MAX), &support).is_ok());
    assert!(is_forbidden(&try_it(&investigator(), rows(ROWS_PER_DAY_MAX + 1), &support)));
    let used = Used { day: ROWS_PER_DAY_MAX, week: ROWS_PER_DAY_MAX, grant: 0 };
    let spent = Support { used, ..support };
    assert!(is_forbidden(&try_it(&investigator(), rows(1), &spent)));
    assert!(try_it(&investigator(), rows(0), &spent).is_ok());
    let approvers = [supervisor()];
    let approved = Support { approvers: &approvers, ..spent };
    assert!(try_it(&investigator(), rows(1), &approved).is_ok());
    // The grant's own rows are no cap that somebody else could lift.
    let used = Used { grant: 10_000, ..Used::default() };
    let exhausted = Support { used, ..approved };
    assert_eq!(try_it(&investigator(), rows(1), &exhausted), NO_GRANT);
}

#[test]
fn a_broken_glass_lets_hear_in_danger_and_nothing_else() {
    let glass = Glass::broken(StaffId(11), NOW, NOW.after(HOUR)).unwrap();
    let support = Support { glass: Some(&glass), ..Support::default() };
    let danger = |verb| Ask { verb, purpose: Purpose::Safety, ..ask() };
    for verb in [Verb::Listen, Verb::Follow] {
        let allowed = try_it(&investigator(), danger(verb), &support);
        assert_eq!(allowed, Ok((Scope::OwnAgency, Leave::BrokenGlass)));
    }
    assert_eq!(try_it(&investigator(), danger(Verb::Export), &support), NO_GRANT);
    assert_eq!(try_it(&investigator(), ask(), &support), NO_GRANT);
    assert_eq!(try_it(&staff(12, Role::Investigator, 3), danger(Verb::Listen), &support), NO_GRANT);
    let protected = Ask { line: Line::Protected, ..danger(Verb::Listen) };
    assert!(is_forbidden(&try_it(&investigator(), protected, &support)));
    let late = Staff { unreviewed: vec![Timestamp::from_micros(0)], ..investigator() };
    let suspended = try_it(&late, danger(Verb::Listen), &support);
    assert_eq!(suspended, Err(NotAllowed::Unusable(Unusable::Suspended)));
}

#[test]
fn ones_own_calls_need_no_leave_and_report_lines_have_none() {
    let person = staff(20, Role::Person, 3);
    let own = Ask { line: Line::Own, purpose: Purpose::OwnRecords, ..ask() };
    let allowed = try_it(&person, own, &Support::default());
    assert_eq!(allowed, Ok((Scope::OwnData, Leave::Office)));
    let grant = grant();
    let approvers = [supervisor()];
    let support = Support { grant: Some(&grant), approvers: &approvers, ..Support::default() };
    let shielded = Ask { line: Line::Shielded, verb: Verb::Search, ..ask() };
    assert!(is_forbidden(&try_it(&investigator(), shielded, &support)));
}

#[test]
fn protected_calls_are_counted_at_their_own_agency_only() {
    let counts = |agency| Ask {
        verb: Verb::Search,
        line: Line::Protected,
        object: Object::Counts {
            agency: AgencyId(agency),
            months: vec![Month { year: 2026, month: 10 }],
        },
        ..ask()
    };
    let allowed = try_it(&investigator(), counts(3), &Support::default());
    assert_eq!(allowed, Ok((Scope::Protected, Leave::Office)));
    assert!(is_forbidden(&try_it(&investigator(), counts(4), &Support::default())));
    let rows = Object::Records { agency: AgencyId(3), records: vec![CallId(1)] };
    let rows = Ask { object: rows, ..counts(3) };
    assert!(is_forbidden(&try_it(&investigator(), rows, &Support::default())));
}

#[test]
fn what_is_out_of_bounds_is_not_allowed() {
    let grant = grant();
    let support = Support { grant: Some(&grant), ..Support::default() };
    let long = Ask { expires: NOW.after(25 * HOUR), ..ask() };
    let refused = try_it(&investigator(), long, &support);
    assert_eq!(refused, Err(NotAllowed::Bounds(NotAnIntent::Expiry)));
}

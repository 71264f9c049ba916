//! Logging in: what proves somebody, what locks, what ends a session.

use crate::office::{CEDAR, DAY, ELM, HOUR, MINUTE, Office, PASSWORD, SETUP};
use access::{
    Role,
    staff::{Staff, Unusable},
};
use disclosure::roster::{BadPassword, NotDone, Refusal};
use std::time::Duration;

#[test]
fn the_first_person_comes_by_the_token_of_the_set_up_and_only_while_there_is_no_admin() {
    let mut office = Office::new();
    let first = |office: &Office, token, agency| office.roster.first(token, agency, "Ada Admin");
    let refused = first(&office, "another token", CEDAR).unwrap_err();
    assert!(matches!(refused, NotDone::Refused(Refusal::Token)), "{refused}");
    assert!(office.entries().is_empty());
    let admin = office.admin();
    assert_eq!((admin.role, admin.agency), (Role::ItAdmin, CEDAR));
    for agency in [CEDAR, ELM] {
        let refused = first(&office, SETUP, agency).unwrap_err();
        assert!(matches!(refused, NotDone::Refused(Refusal::NotFirst)), "{refused}");
    }
}

#[test]
fn name_password_and_code_log_in_and_a_code_counts_once() {
    let mut office = Office::new();
    office.admin();
    office.pass(MINUTE);
    let code = office.code("Ada Admin");
    let wrong = format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000);
    for (name, password, code) in [
        ("Ada Admin", "three quiet heron", &code),
        ("Ada Admin", PASSWORD, &wrong),
        ("Ada Admin", PASSWORD, &String::new()),
        ("Ida Admin", PASSWORD, &code),
        ("", "", &String::new()),
    ] {
        let refused = office.roster.login(name, password, code).unwrap_err();
        assert!(matches!(refused, NotDone::LogIn), "{refused}");
        assert_eq!(refused.to_string(), "name, password or code is wrong");
    }
    // Names are as people write them.
    let session = office.roster.login(" ada ADMIN", PASSWORD, &code).unwrap();
    assert_eq!(office.roster.who(session.token.expose()).unwrap(), session.staff);
    let again = office.roster.login("Ada Admin", PASSWORD, &code).unwrap_err();
    assert!(matches!(again, NotDone::LogIn), "{again}");
    assert!(!format!("{session:?}").contains(session.token.expose()));
}

#[test]
fn five_failures_in_fifteen_minutes_lock_until_an_admin_releases() {
    let mut office = Office::new();
    let admin = office.admin();
    let clerk = office.hired(&admin, CEDAR, "Cleo Clerk", Role::Clerk);
    for _ in 0..5 {
        office.pass(MINUTE);
        let code = office.code("Cleo Clerk");
        assert!(office.roster.login("Cleo Clerk", "a wrong password", &code).is_err());
    }
    // Whoever knows everything learns that it is locked; nobody else does.
    let locked = office.login("Cleo Clerk").unwrap_err();
    assert!(matches!(locked, NotDone::Unusable(Unusable::Locked)), "{locked}");
    office.pass(DAY);
    assert!(matches!(office.login("Cleo Clerk"), Err(NotDone::Unusable(Unusable::Locked))));
    assert!(office.roster.release(&admin, clerk.id, false).unwrap().is_none());
    assert!(office.login("Cleo Clerk").is_ok());
    // A good log-in takes failures away: four more lock nothing.
    for _ in 0..4 {
        assert!(office.roster.login("Cleo Clerk", "a wrong password", "000000").is_err());
    }
    assert!(office.login("Cleo Clerk").is_ok());
}

#[test]
fn ninety_days_without_a_log_in_disable_until_an_admin_releases() {
    let mut office = Office::new();
    let admin = office.admin();
    let clerk = office.hired(&admin, CEDAR, "Cleo Clerk", Role::Clerk);
    office.pass(45 * DAY);
    let admin = office.login("Ada Admin").unwrap().staff;
    office.pass(45 * DAY);
    let disabled = office.login("Cleo Clerk").unwrap_err();
    assert!(matches!(disabled, NotDone::Unusable(Unusable::Inactive)), "{disabled}");
    office.roster.release(&admin, clerk.id, false).unwrap();
    assert!(office.login("Cleo Clerk").is_ok());
}

#[test]
fn a_session_ends_when_it_is_idle_too_long_or_its_shift_is_over() {
    let mut office = Office::new();
    office.admin();
    let idle = office.login("Ada Admin").unwrap().token;
    office.pass(29 * MINUTE);
    assert!(office.roster.who(idle.expose()).is_ok());
    office.pass(29 * MINUTE);
    assert!(office.roster.who(idle.expose()).is_ok());
    office.pass(30 * MINUTE);
    assert!(matches!(office.roster.who(idle.expose()), Err(NotDone::NoSession)));
    let busy = office.login("Ada Admin").unwrap();
    assert_eq!(busy.until, office.now().after(12 * HOUR));
    for _ in 0..47 {
        office.pass(15 * MINUTE);
        assert!(office.roster.who(busy.token.expose()).is_ok());
    }
    office.pass(15 * MINUTE);
    assert!(matches!(office.roster.who(busy.token.expose()), Err(NotDone::NoSession)));
    let left = office.login("Ada Admin").unwrap().token;
    office.roster.logout(left.expose()).unwrap();
    assert!(matches!(office.roster.who(left.expose()), Err(NotDone::NoSession)));
    assert!(matches!(office.roster.who("no token"), Err(NotDone::NoSession)));
}

#[test]
fn a_token_lets_somebody_choose_a_password_once_and_not_for_long() {
    let mut office = Office::new();
    let admin = office.admin();
    let invite = |office: &Office, name: &str| {
        office.roster.add(&admin, CEDAR, name, Role::Clerk).unwrap().token
    };
    let token = invite(&office, "Cleo Clerk");
    for (name, token, password) in [
        ("Cleo Clerk", "another", PASSWORD),
        ("Ada Admin", token.expose().as_str(), PASSWORD),
        ("Nobody", token.expose().as_str(), PASSWORD),
    ] {
        let refused = office.roster.enrol(name, token, password).unwrap_err();
        assert!(matches!(refused, NotDone::Refused(Refusal::Token)), "{refused}");
    }
    let weak = office.roster.enrol("Cleo Clerk", token.expose(), "cleo clerk 77").unwrap_err();
    assert!(matches!(weak, NotDone::Password(BadPassword::Name)), "{weak}");
    office.enrol("Cleo Clerk", &token);
    assert!(office.roster.enrol("Cleo Clerk", token.expose(), PASSWORD).is_err());
    assert!(office.login("Cleo Clerk").is_ok());
    // Anew: the old password is void at once, and the old session with it.
    let session = office.login("Cleo Clerk").unwrap();
    let anew = office.roster.release(&admin, session.staff.id, true).unwrap().unwrap();
    assert!(matches!(office.roster.who(session.token.expose()), Err(NotDone::NoSession)));
    assert!(matches!(office.login("Cleo Clerk"), Err(NotDone::LogIn)));
    office.pass(7 * DAY);
    let late = office.roster.enrol("Cleo Clerk", anew.token.expose(), PASSWORD).unwrap_err();
    assert!(matches!(late, NotDone::Refused(Refusal::Token)), "{late}");
}

#[test]
fn ones_own_password_is_changed_with_the_old_one() {
    let mut office = Office::new();
    let admin = office.admin();
    let session = office.login("Ada Admin").unwrap();
    let change = |old: &str, new: &str| office.roster.change_password(&admin, old, new);
    assert!(matches!(change("not this one, no", "four loud herons"), Err(NotDone::LogIn)));
    assert!(matches!(change(PASSWORD, "short"), Err(NotDone::Password(BadPassword::Short))));
    change(PASSWORD, "four loud herons").unwrap();
    assert!(matches!(office.roster.who(session.token.expose()), Err(NotDone::NoSession)));
    assert!(matches!(office.login("Ada Admin"), Err(NotDone::LogIn)));
    office.pass(MINUTE);
    let code = office.code("Ada Admin");
    assert!(office.roster.login("Ada Admin", "four loud herons", &code).is_ok());
}

#[test]
fn a_role_that_changes_and_an_access_that_is_revoked_end_sessions_at_once() {
    let mut office = Office::new();
    let admin = office.admin();
    let clerk = office.hired(&admin, CEDAR, "Cleo Clerk", Role::Clerk);
    let session = office.login("Cleo Clerk").unwrap();
    office.roster.set_role(&admin, clerk.id, Role::Auditor).unwrap();
    assert!(matches!(office.roster.who(session.token.expose()), Err(NotDone::NoSession)));
    let session = office.login("Cleo Clerk").unwrap();
    assert_eq!(session.staff.role, Role::Auditor);
    office.roster.revoke(&admin, clerk.id).unwrap();
    assert!(matches!(office.roster.who(session.token.expose()), Err(NotDone::NoSession)));
    let revoked = office.login("Cleo Clerk").unwrap_err();
    assert!(matches!(revoked, NotDone::Unusable(Unusable::Revoked)), "{revoked}");
    // Whoever still holds what a session said can do nothing with it.
    let refused = office.roster.colleagues(&Staff { revoked: false, ..session.staff });
    assert!(matches!(refused, Err(NotDone::Unusable(Unusable::Revoked))));
}

#[test]
fn everything_is_remembered_over_a_new_start() {
    let mut office = Office::new();
    office.admin();
    let session = office.login("Ada Admin").unwrap();
    let code = office.code("Ada Admin");
    let again = office.reopened();
    assert!(again.who(session.token.expose()).is_ok());
    assert!(matches!(again.login("Ada Admin", PASSWORD, &code), Err(NotDone::LogIn)));
    office.pass(Duration::from_secs(60));
    assert!(again.login("Ada Admin", PASSWORD, &office.code("Ada Admin")).is_ok());
}

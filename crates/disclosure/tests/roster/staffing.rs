//! Who may change what about whom, and what the log has of it.

use crate::office::{CEDAR, ELM, Office};
use access::{Role, staff::Unusable};
use disclosure::roster::{NotDone, Refusal, StaffChange, StaffChanged};
use evidence::Statement;
use model::StaffId;
use store::{Refused, StoreError};

fn refusal<T: std::fmt::Debug>(done: Result<T, NotDone>) -> Refusal {
    let NotDone::Refused(refusal) = done.unwrap_err() else { panic!("another fault") };
    refusal
}

#[test]
fn an_admin_adds_staff_of_their_agency_and_a_supervisor_makes_supervisors() {
    let mut office = Office::new();
    let admin = office.admin();
    let sol = office.hired(&admin, CEDAR, "Sol Supervisor", Role::Supervisor);
    let add = |name, role| office.roster.add(&admin, CEDAR, name, role);
    assert_eq!(refusal(add("Two Supervisor", Role::Supervisor)), Refusal::Supervisor);
    let ivy = add("Ivy Investigator", Role::Investigator).unwrap().staff;
    let set = |by, id, role| office.roster.set_role(by, id, role);
    assert_eq!(refusal(set(&admin, ivy, Role::Supervisor)), Refusal::Supervisor);
    assert_eq!(refusal(set(&sol, ivy, Role::Clerk)), Refusal::ItAdmin);
    set(&sol, ivy, Role::Supervisor).unwrap();
    assert_eq!(refusal(set(&sol, sol.id, Role::Auditor)), Refusal::Own);
    assert_eq!(refusal(set(&admin, admin.id, Role::Supervisor)), Refusal::Own);
    assert_eq!(refusal(office.roster.add(&sol, CEDAR, "X", Role::Clerk)), Refusal::ItAdmin);
    assert_eq!(refusal(office.roster.release(&sol, ivy, true)), Refusal::ItAdmin);
    assert_eq!(refusal(add("  ", Role::Clerk)), Refusal::Name);
    assert_eq!(refusal(add("two\nlines", Role::Clerk)), Refusal::Name);
    let taken = add("sol supervisor", Role::Clerk).unwrap_err();
    let wanted = StoreError::Refused(Refused::StaffNameTaken);
    assert!(matches!(&taken, NotDone::Store(error) if *error == wanted), "{taken}");
}

#[test]
fn the_last_admin_stays_and_nobody_takes_their_own_access_away() {
    let mut office = Office::new();
    let admin = office.admin();
    let sol = office.hired(&admin, CEDAR, "Sol Supervisor", Role::Supervisor);
    assert_eq!(refusal(office.roster.revoke(&sol, admin.id)), Refusal::LastAdmin);
    assert_eq!(refusal(office.roster.revoke(&admin, admin.id)), Refusal::Own);
    let bo = office.hired(&admin, CEDAR, "Bo Admin", Role::ItAdmin);
    office.roster.revoke(&sol, admin.id).unwrap();
    assert_eq!(refusal(office.roster.revoke(&sol, bo.id)), Refusal::LastAdmin);
    assert_eq!(refusal(office.roster.set_role(&sol, bo.id, Role::Clerk)), Refusal::ItAdmin);
    let refused = office.roster.release(&bo, admin.id, false);
    assert!(matches!(refused, Err(NotDone::Unusable(Unusable::Revoked))));
    let clerk = office.hired(&bo, CEDAR, "Cleo Clerk", Role::Clerk);
    assert_eq!(refusal(office.roster.revoke(&clerk, sol.id)), Refusal::Revoker);
}

#[test]
fn another_agency_is_not_there() {
    let mut office = Office::new();
    let admin = office.admin();
    let clerk = office.hired(&admin, CEDAR, "Cleo Clerk", Role::Clerk);
    // The first admin of an agency that has none comes from somewhere; the next ones do not.
    let elm = office.hired(&admin, ELM, "Eli Admin", Role::ItAdmin);
    for role in [Role::ItAdmin, Role::Clerk] {
        assert_eq!(refusal(office.roster.add(&admin, ELM, "Eve Else", role)), Refusal::ItAdmin);
    }
    for id in [clerk.id, StaffId(99)] {
        let answers = [
            office.roster.revoke(&elm, id).unwrap_err(),
            office.roster.set_role(&elm, id, Role::Clerk).unwrap_err(),
            office.roster.release(&elm, id, true).unwrap_err(),
        ];
        assert!(answers.iter().all(|answer| matches!(answer, NotDone::NotThere)), "{answers:?}");
    }
    assert!(matches!(office.roster.named(ELM, "Cleo Clerk"), Err(NotDone::NotThere)));
    assert_eq!(office.roster.named(CEDAR, "cleo clerk").unwrap(), clerk.id);
    let names = |by| {
        let rows = office.roster.colleagues(by).unwrap().into_iter();
        rows.map(|row| row.name.into_inner()).collect::<Vec<_>>()
    };
    assert_eq!(names(&admin), ["Ada Admin", "Cleo Clerk"]);
    assert_eq!(names(&elm), ["Eli Admin"]);
    assert_eq!(names(&clerk), ["Cleo Clerk"]);
}

#[test]
fn every_change_of_staff_stands_in_the_log_with_the_hash_of_the_roles() {
    let mut office = Office::new();
    let admin = office.admin();
    let clerk = office.hired(&admin, CEDAR, "Cleo Clerk", Role::Clerk);
    office.roster.set_role(&admin, clerk.id, Role::Auditor).unwrap();
    office.roster.release(&admin, clerk.id, false).unwrap();
    office.roster.revoke(&admin, clerk.id).unwrap();
    let mut changes = Vec::new();
    for (what, agency, detail) in office.entries() {
        let detail: StaffChanged = postcard::from_bytes(&detail).unwrap();
        assert_eq!((what, agency), (Statement::StaffChange { roles: detail.hash() }, CEDAR));
        changes.push((detail.by, detail.staff, detail.change, detail.roles));
    }
    let ada = (admin.id, Role::ItAdmin);
    let both = |role| vec![ada, (clerk.id, role)];
    let by = Some(admin.id);
    let to = StaffChange::Role { from: Role::Clerk, to: Role::Auditor };
    assert_eq!(
        changes,
        [
            (None, admin.id, StaffChange::Added { role: Role::ItAdmin }, vec![ada]),
            (by, clerk.id, StaffChange::Added { role: Role::Clerk }, both(Role::Clerk)),
            (by, clerk.id, to, both(Role::Auditor)),
            (by, clerk.id, StaffChange::Released { anew: false }, both(Role::Auditor)),
            (by, clerk.id, StaffChange::Revoked, vec![ada]),
        ]
    );
}

#[test]
fn what_cannot_be_entered_does_not_happen() {
    let mut office = Office::new();
    let admin = office.admin();
    let clerk = office.hired(&admin, CEDAR, "Cleo Clerk", Role::Clerk);
    office.log.clone().close();
    let roster = &office.roster;
    for failed in [
        roster.add(&admin, CEDAR, "Ivy", Role::Investigator).map(drop),
        roster.set_role(&admin, clerk.id, Role::Auditor),
        roster.release(&admin, clerk.id, true).map(drop),
        roster.revoke(&admin, clerk.id),
    ] {
        assert!(matches!(failed, Err(NotDone::NotEntered(_))), "{failed:?}");
    }
    assert_eq!(office.store.staff().unwrap().len(), 2);
    // Logging in needs no log.
    let session = office.login("Cleo Clerk").unwrap();
    assert_eq!(session.staff.role, Role::Clerk);
}

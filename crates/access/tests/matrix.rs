//! Who may do what with whose data, and what it needs: every case, asked of the policies, as a
//! table that an attorney can read. `UPDATE_EXPECT=1` writes `policies/matrix.md` anew.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use access::{
    Audience, Purpose, Role, Scope, Verb,
    policy::{BadPolicies, Denied, Given, Policies, Question},
};
use std::fmt::Write as _;

/// What a request can have for it, from little to much; and the glass.
const SUPPORTS: [(&str, bool, u8, bool); 4] = [
    ("yes", false, 0, false),
    ("grant", true, 0, false),
    ("grant + approval", true, 1, false),
    ("broken glass", false, 0, true),
];

fn given(
    role: Role,
    purpose: Purpose,
    (_, granted, approvals, broken_glass): (&str, bool, u8, bool),
) -> Given {
    Given {
        purpose,
        granted,
        approvals,
        owner_approved: approvals > 0,
        broken_glass,
        over_cap: false,
        counts_only: false,
        voice: false,
        boundless: false,
        audience: Audience::of(role),
        own_request: false,
        foreign: false,
    }
}

/// What such a request needs: for each purpose the least, and the broken glass where it helps.
fn needs(policies: &Policies, role: Role, verb: Verb, scope: Scope, counts_only: bool) -> String {
    let mut cells: Vec<(&str, Vec<&str>)> = Vec::new();
    for purpose in Purpose::ALL {
        let allows = |support| {
            let given = Given { counts_only, ..given(role, *purpose, support) };
            policies.decide(&Question { role, verb, scope, given }).is_ok()
        };
        let [office, grant, approval, glass] = SUPPORTS;
        let least = [office, grant, approval].into_iter().find(|support| allows(*support));
        let glass = Some(glass).filter(|glass| !allows(office) && allows(*glass));
        for (need, ..) in least.into_iter().chain(glass) {
            match cells.iter_mut().find(|(known, _)| *known == need) {
                Some((_, purposes)) => purposes.push(purpose.word()),
                None => cells.push((need, vec![purpose.word()])),
            }
        }
    }
    let cell = |(need, purposes): (&str, Vec<&str>)| match purposes.len() {
        all if all == Purpose::ALL.len() => need.to_owned(),
        _ => format!("{need}: {}", purposes.join(", ")),
    };
    let cells: Vec<_> = cells.into_iter().map(cell).collect();
    if cells.is_empty() { "no".to_owned() } else { cells.join("; ") }
}

fn table(policies: &Policies, title: &str, scope: Scope, counts_only: bool) -> String {
    let mut text = format!("\n## {title}\n\n| |");
    for verb in Verb::ALL {
        write!(text, " {verb} |").unwrap();
    }
    text.push_str("\n|---|");
    text.push_str(&"---|".repeat(Verb::ALL.len()));
    for role in Role::ALL {
        write!(text, "\n| **{role}** |").unwrap();
        for verb in Verb::ALL {
            write!(text, " {} |", needs(policies, *role, *verb, scope, counts_only)).unwrap();
        }
    }
    text.push('\n');
    text
}

#[test]
fn every_case_is_as_the_table_says() {
    let policies = Policies::builtin().unwrap();
    let mut text = String::from(HEAD);
    for (title, scope, counts_only) in [
        ("Ordinary calls of their own agency", Scope::OwnAgency, false),
        ("Ordinary calls of another agency", Scope::OtherAgency, false),
        (
            "Calls with counsel and other protected lines: numbers and times",
            Scope::Protected,
            false,
        ),
        ("Calls with counsel and other protected lines: counts by month", Scope::Protected, true),
        ("Their own calls", Scope::OwnData, false),
        ("Lines where abuse and crimes are reported, and the ombudsman", Scope::Shielded, false),
        ("The same lines: counts by month", Scope::Shielded, true),
    ] {
        text.push_str(&table(&policies, title, scope, counts_only));
    }
    expect_test::expect_file!["../../../policies/matrix.md"].assert_eq(&text);
}

/// Every question about `role`, once.
fn questions(role: Role) -> impl Iterator<Item = Question> {
    let acts = Verb::ALL.iter().flat_map(|verb| Scope::ALL.iter().map(move |scope| (verb, scope)));
    let whys = acts.flat_map(|act| Purpose::ALL.iter().map(move |purpose| (act, purpose)));
    whys.flat_map(|why| (0..=u8::MAX).map(move |flags| (why, flags))).map(
        move |(((verb, scope), purpose), flags)| {
            let flag = |bit: u8| flags >> bit & 1 == 1;
            let given = Given {
                purpose: *purpose,
                granted: flag(0),
                approvals: u8::from(flag(1)),
                owner_approved: flag(1),
                broken_glass: flag(2),
                over_cap: flag(3),
                counts_only: flag(4),
                own_request: flag(5),
                foreign: flag(6),
                voice: flag(7),
                boundless: false,
                audience: Audience::of(role),
            };
            Question { role, verb: *verb, scope: *scope, given }
        },
    )
}

#[test]
fn an_agency_that_permits_everything_still_cannot_break_the_law() {
    let policies =
        Policies::with_agency("@id(\"all\") permit (principal, action, resource);").unwrap();
    let mut allowed = 0;
    for question in questions(Role::Supervisor) {
        if policies.decide(&question).is_err() {
            continue;
        }
        allowed += 1;
        let Question { verb, scope, given, .. } = question;
        let shows = matches!(verb, Verb::Search | Verb::Listen | Verb::Follow | Verb::Export);
        assert_ne!(scope, Scope::Shielded, "{question:?}");
        if scope == Scope::Protected {
            assert!(!matches!(verb, Verb::Listen | Verb::Follow), "{question:?}");
            let ordered = matches!(given.purpose, Purpose::CourtOrder | Purpose::CounselConsent);
            let agreed = ordered && given.granted && given.approvals > 0;
            assert!(!shows || given.counts_only || agreed, "{question:?}");
            assert!(verb != Verb::Export || !given.voice, "{question:?}");
        }
        let others = scope == Scope::OtherAgency || given.foreign && scope != Scope::OwnData;
        assert!(!shows || !others || given.owner_approved, "{question:?}");
        let capped = given.over_cap && (given.approvals == 0 || given.broken_glass);
        assert!(!(shows && capped), "{question:?}");
        assert!(!(verb == Verb::Approve && given.own_request), "{question:?}");
        let own = scope == Scope::OwnAgency && !given.foreign;
        assert!(!matches!(verb, Verb::Retain | Verb::Watch | Verb::Switch) || own, "{question:?}");
    }
    assert!(allowed > 0);
}

#[test]
fn to_keep_everything_needs_the_owner_whatever_an_agency_permits() {
    let all = Policies::with_agency("@id(\"all\") permit (principal, action, resource);").unwrap();
    for policies in [Policies::builtin().unwrap(), all] {
        for scope in [Scope::OwnAgency, Scope::OtherAgency, Scope::Protected] {
            for (boundless, support, allowed) in [
                (false, SUPPORTS[0], true),
                (true, SUPPORTS[0], false),
                (true, SUPPORTS[1], false),
                (true, SUPPORTS[2], true),
                (true, SUPPORTS[3], false),
            ] {
                let role = Role::Supervisor;
                let given = Given { boundless, ..given(role, Purpose::Safety, support) };
                let question = Question { role, verb: Verb::Hold, scope, given };
                assert_eq!(policies.decide(&question).is_ok(), allowed, "{question:?}");
            }
        }
    }
}

#[test]
fn a_person_and_counsel_see_their_own_and_nobody_else_does_whatever_is_permitted() {
    let policies =
        Policies::with_agency("@id(\"all\") permit (principal, action, resource);").unwrap();
    let allowed = |role, of: &dyn Fn(&Question) -> bool| {
        let mut asked = questions(role).filter(|question| policies.decide(question).is_ok());
        asked.find(of)
    };
    for role in [Role::Person, Role::Counsel] {
        assert_eq!(allowed(role, &|question| question.scope != Scope::OwnData), None);
        let hears = |question: &Question| matches!(question.verb, Verb::Listen | Verb::Follow);
        assert_eq!(allowed(role, &hears).is_some(), role == Role::Person);
        assert!(allowed(role, &|question| question.verb == Verb::Search).is_some());
    }
    for role in Role::ALL.iter().filter(|role| !matches!(role, Role::Person | Role::Counsel)) {
        let shown = |question: &Question| {
            let sees = [Verb::Search, Verb::Listen, Verb::Follow, Verb::Export, Verb::List];
            question.scope == Scope::OwnData && sees.contains(&question.verb)
        };
        assert_eq!(allowed(*role, &shown), None);
    }
}

#[test]
fn it_staff_see_how_the_machine_does_and_nothing_about_anybody_whatever_speaks_for_it() {
    let policies = Policies::builtin().unwrap();
    let allowed: Vec<_> = questions(Role::ItAdmin)
        .filter(|question| policies.decide(question).is_ok())
        .map(|Question { verb, scope, given, .. }| (verb, scope, given.purpose))
        .collect();
    assert!(!allowed.is_empty());
    let watches = (Verb::Watch, Scope::OwnAgency, Purpose::Administration);
    assert!(allowed.iter().all(|allowed| *allowed == watches), "{allowed:?}");
}

#[test]
fn a_refusal_says_why() {
    let policies = Policies::builtin().unwrap();
    let ask = |scope, support: (&str, bool, u8, bool)| {
        let given = given(Role::Investigator, Purpose::Investigation, support);
        let question = Question { role: Role::Investigator, verb: Verb::Listen, scope, given };
        policies.decide(&question)
    };
    assert_eq!(ask(Scope::OwnAgency, SUPPORTS[1]), Ok(()));
    assert_eq!(ask(Scope::OwnAgency, SUPPORTS[0]), Err(Denied::NoPolicy));
    let why = "a call with counsel or on another protected line is never heard";
    assert_eq!(ask(Scope::Protected, SUPPORTS[2]), Err(Denied::Forbidden(vec![why.to_owned()])));
}

#[test]
fn policies_that_make_no_sense_are_not_loaded() {
    let named = |text: &str| Policies::with_agency(&format!("@id(\"x\")\n{text}")).err();
    assert!(matches!(named("permit (everybody);"), Some(BadPolicies::Text(_))));
    let misspelled = "permit (principal, action, resource) when { principal.roll == \"clerk\" };";
    assert!(matches!(named(misspelled), Some(BadPolicies::Meaning(_))));
    let unknown = "permit (principal, action == Action::\"sell\", resource);";
    assert!(matches!(named(unknown), Some(BadPolicies::Meaning(_))));
    let nameless = Policies::with_agency("permit (principal, action, resource);");
    assert_eq!(nameless.err(), Some(BadPolicies::Unnamed));
    let long = " ".repeat((1 << 20) + 1);
    assert_eq!(Policies::with_agency(&long).err(), Some(BadPolicies::TooLong));
}

#[test]
fn a_change_of_policy_changes_the_hash() {
    let builtin = Policies::builtin().unwrap();
    assert_eq!(builtin.hash(), Policies::builtin().unwrap().hash());
    let other = Policies::with_agency("").unwrap();
    assert_ne!(builtin.hash(), other.hash());
    assert!(other.count() < builtin.count());
}

const HEAD: &str = "\
# Who may do what with whose data

Written by a test (`crates/access/tests/matrix.rs`), which asks the policies about every case. A
cell says what a request needs, and for which purposes it may be made; *no* means that nothing
makes it possible.

- **yes**: it goes with the role.
- **grant**: a supervisor of the agency whose data it is gave leave to work with the data of this
  case, for a while.
- **grant + approval**: besides, a supervisor of that agency, never who asks, approved this very
  request.
- **broken glass**: somebody is in danger; nobody approved. It is allowed for one to four hours and
  a few rows, and is reviewed within 72 hours, or who did it is suspended.

Whatever the cell says: nothing is seen before it stands in the log, nobody sees more in a day or a
week than the cap without an approval, and an access that is revoked, locked, suspended or was not
used for 90 days sees nothing. Protected calls of another agency need that agency's approval, even
to be counted; a court's order for them goes to that agency's own clerks and supervisors, and the
defence can ask under it. The defence takes copies away for itself, for the person and for the
court. A hold is of one person, of one number, or of one facility for at most 31 days; any other
needs an approval. Recordings of protected calls are not taken away by anybody, whoever ordered it:
the tables below are of records.
";

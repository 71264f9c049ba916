//! What entries about staff, approvals and policies say, after the head of their kind
//! ([`crate::Note::head`]), in `postcard`. New variants come last; `docs/formats/entry.md`.

use access::{Demand, Line, Object, Purpose, Role, Verb, decide::Ask};
use model::{AgencyId, GrantId, PersonId, Private, StaffId, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Detail of a `StaffChange`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffChanged {
    /// Salt under which the entry has the hash of `roles`.
    pub salt: [u8; 32],
    /// Who changed it; nobody, where the token of the set-up did.
    pub by: Option<StaffId>,
    /// Whose access it is.
    pub staff: StaffId,
    /// What changed.
    pub change: StaffChange,
    /// Everybody of the agency whose access is not taken away, after the change.
    pub roles: Vec<(StaffId, Role)>,
}

/// What changed about somebody's access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StaffChange {
    /// They were added.
    Added {
        /// As what.
        role: Role,
    },
    /// They got another role.
    Role {
        /// Which they had.
        from: Role,
        /// Which they have.
        to: Role,
    },
    /// Their access was taken away.
    Revoked,
    /// A lock or a long absence was ended.
    Released {
        /// Whether they choose a new password and a new secret of codes.
        anew: bool,
    },
    /// The log-in shows somebody's own calls from now on. Whoever changed it proposed it; the
    /// approval is the entry before.
    Tied {
        /// Whose.
        to: TiedTo,
    },
    /// It shows nobody's from now on.
    Untied,
}

/// Whose calls a log-in shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TiedTo {
    /// A person's.
    Person {
        /// Who.
        person: PersonId,
        /// The agency's number of the person.
        key: Private<String>,
    },
    /// Those to the numbers of a holder in the agency's registry.
    Holder {
        /// Their name there.
        holder: Private<String>,
    },
}

impl StaffChanged {
    /// The hash of the entry: SHA-256 over the salt and the list of roles in `postcard`.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let roles = postcard::to_allocvec(&self.roles).unwrap_or_default();
        Sha256::new().chain_update(self.salt).chain_update(roles).finalize().into()
    }
}

/// Detail of a `PolicyChange`. The entry has the hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyChanged {
    /// Whose policies.
    pub agency: AgencyId,
    /// Who changed them.
    pub by: StaffId,
    /// Which version of the agency's it is, from 1; the text stands in the store.
    pub version: u32,
}

/// What somebody asked for, as an approval or a denial names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Who.
    pub staff: StaffId,
    /// To do what.
    pub verb: Verb,
    /// Why.
    pub purpose: Purpose,
    /// For which case.
    pub case: Private<String>,
    /// What kind of calls, by its word in `access::Line`.
    pub line: String,
    /// Exactly what.
    pub object: Object,
}

impl Asked {
    pub(super) fn of(staff: StaffId, ask: &Ask) -> Self {
        Self {
            staff,
            verb: ask.verb,
            purpose: ask.purpose,
            case: ask.case.clone(),
            line: Line::word(ask.line).to_owned(),
            object: ask.object.clone(),
        }
    }
}

/// A grant, as an approval or a denial names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// Which.
    pub grant: GrantId,
    /// To whom.
    pub staff: StaffId,
    /// For which case.
    pub case: Private<String>,
    /// Why.
    pub purpose: Purpose,
    /// To do what.
    pub verbs: Vec<Verb>,
    /// How many rows in all.
    pub rows_max: u32,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// Detail of an `Approval`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Approved {
    /// Somebody agreed to what another asked for.
    Request {
        /// Who agreed.
        by: StaffId,
        /// To what.
        asked: Box<Asked>,
    },
    /// Somebody gave a grant.
    Grant {
        /// Who gave it.
        by: StaffId,
        /// What was given.
        granted: Box<Granted>,
    },
    /// Somebody agreed to policies that another proposed. The change itself is the next entry.
    Policy {
        /// Who agreed.
        by: StaffId,
        /// Who proposed them.
        asked: StaffId,
        /// SHA-256 as the change has it.
        hash: [u8; 32],
    },
    /// Somebody agreed to what another asked for, for exactly this recipient and search. It is
    /// written in the place of `Request`.
    RequestFor {
        /// Who agreed.
        by: StaffId,
        /// To what.
        asked: Box<Asked>,
        /// For whom, and what was looked for.
        demand: Box<Demand>,
    },
    /// Somebody agreed to whose calls a log-in shows. The change itself is the next entry.
    Tie {
        /// Who agreed.
        by: StaffId,
        /// Who proposed it.
        asked: StaffId,
        /// Whose log-in.
        staff: StaffId,
        /// Whose calls.
        to: TiedTo,
    },
}

/// Detail of a `Denial`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Denied {
    /// A rule refused what somebody asked for.
    Rule {
        /// What was asked for.
        asked: Box<Asked>,
        /// What the rule says.
        why: String,
    },
    /// Somebody refused it, or took their own request back.
    Request {
        /// Who.
        by: StaffId,
        /// What was asked for.
        asked: Box<Asked>,
        /// Why, in their words.
        why: Private<String>,
    },
    /// Somebody took a grant back.
    Grant {
        /// Who.
        by: StaffId,
        /// Which.
        grant: GrantId,
    },
    /// A rule refused that somebody breaks the glass.
    Glass {
        /// Who.
        staff: StaffId,
        /// What the rule says.
        why: String,
    },
    /// Somebody refused policies that were proposed, or took them back.
    Policy {
        /// Who.
        by: StaffId,
        /// Who had proposed them.
        asked: StaffId,
        /// SHA-256 of the policies.
        hash: [u8; 32],
        /// Why, in their words.
        why: Private<String>,
    },
    /// Somebody released a hold.
    Hold {
        /// Who.
        by: StaffId,
        /// Which.
        hold: u32,
        /// Why, in their words.
        why: Private<String>,
    },
    /// A rule refused what somebody asked for; it is written in the place of `Rule`.
    RuleFor {
        /// What was asked for.
        asked: Box<Asked>,
        /// For whom, and what was looked for.
        demand: Box<Demand>,
        /// What the rule says.
        why: String,
    },
    /// Somebody refused it, or took their own request back; it is written in the place of
    /// `Request`.
    RequestFor {
        /// Who.
        by: StaffId,
        /// What was asked for.
        asked: Box<Asked>,
        /// For whom, and what was looked for.
        demand: Box<Demand>,
        /// Why, in their words.
        why: Private<String>,
    },
    /// Somebody refused whose calls a log-in was to show, or took the proposal back.
    Tie {
        /// Who.
        by: StaffId,
        /// Who had proposed it.
        asked: StaffId,
        /// Whose log-in.
        staff: StaffId,
        /// Why, in their words.
        why: Private<String>,
    },
}

/// Detail of a `BreakGlass` that a person entered; those beside a disclosure have none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broke {
    /// Who.
    pub staff: StaffId,
    /// What for, in their words.
    pub reason: Private<String>,
    /// Until when.
    pub until: Timestamp,
}

/// Detail of a `Review`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reviewed {
    /// Who looked at it.
    pub by: StaffId,
    /// Who had broken the glass.
    pub staff: StaffId,
    /// Whether it was right.
    pub justified: bool,
    /// What they say about it.
    pub words: Private<String>,
}

/// Detail of a `Delivered`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// Who brought the receipt.
    pub by: StaffId,
    /// What the recipient signed, octet for octet ([`access::Delivery`]).
    pub receipt: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use access::Audience;

    fn asked() -> Box<Asked> {
        Box::new(Asked {
            staff: StaffId(11),
            verb: Verb::Export,
            purpose: Purpose::Discovery,
            case: Private::new("7".into()),
            line: "ordinary".into(),
            object: Object::Ledger { agency: AgencyId(3) },
        })
    }

    #[test]
    fn the_octets_of_each_detail_are_pinned() {
        let octets = |detail: &dyn erased::Detail| detail.octets();
        let granted = Granted {
            grant: GrantId(5),
            staff: StaffId(11),
            case: Private::new("7".into()),
            purpose: Purpose::Investigation,
            verbs: vec![Verb::Search, Verb::Hold],
            rows_max: 100,
            from: Timestamp::from_micros(1),
            until: Timestamp::from_micros(2),
        };
        let request = [11, 3, 2, 1, 55, 8, 111, 114, 100, 105, 110, 97, 114, 121, 3, 3];
        for (detail, expected) in [
            (
                &Approved::Request { by: StaffId(12), asked: asked() } as &dyn erased::Detail,
                [&[0, 12][..], &request].concat(),
            ),
            (
                &Approved::Grant { by: StaffId(12), granted: Box::new(granted) },
                vec![1, 12, 5, 11, 1, 55, 0, 2, 0, 4, 100, 2, 4],
            ),
            (
                &Denied::Rule { asked: asked(), why: "x".into() },
                [&[0][..], &request, &[1, 120]].concat(),
            ),
            (
                &Denied::Request { by: StaffId(12), asked: asked(), why: Private::new("x".into()) },
                [&[1, 12][..], &request, &[1, 120]].concat(),
            ),
            (&Denied::Grant { by: StaffId(12), grant: GrantId(5) }, vec![2, 12, 5]),
            (&Denied::Glass { staff: StaffId(11), why: "x".into() }, vec![3, 11, 1, 120]),
            (&PolicyChanged { agency: AgencyId(3), by: StaffId(12), version: 2 }, vec![3, 12, 2]),
            (
                &Broke {
                    staff: StaffId(11),
                    reason: Private::new("x".into()),
                    until: Timestamp::from_micros(2),
                },
                vec![11, 1, 120, 4],
            ),
            (
                &Reviewed {
                    by: StaffId(12),
                    staff: StaffId(11),
                    justified: true,
                    words: Private::new("x".into()),
                },
                vec![12, 11, 1, 1, 120],
            ),
        ] {
            assert_eq!(octets(detail), expected);
        }
        let change = |change| StaffChanged {
            salt: [9; 32],
            by: Some(StaffId(1)),
            staff: StaffId(2),
            change,
            roles: vec![(StaffId(1), Role::ItAdmin)],
        };
        for (what, expected) in [
            (StaffChange::Added { role: Role::Clerk }, vec![0, 1]),
            (StaffChange::Role { from: Role::Clerk, to: Role::Supervisor }, vec![1, 1, 2]),
            (StaffChange::Revoked, vec![2]),
            (StaffChange::Released { anew: true }, vec![3, 1]),
        ] {
            let expected = [&[9; 32][..], &[1, 1, 2], &expected, &[1, 1, 4]].concat();
            assert_eq!(octets(&change(what)), expected);
        }
    }

    #[test]
    fn the_octets_of_details_about_policies_and_packages_are_pinned() {
        let octets = |detail: &dyn erased::Detail| detail.octets();
        let (by, asked, hash) = (StaffId(12), StaffId(11), [9; 32]);
        let approved = octets(&Approved::Policy { by, asked, hash });
        assert_eq!(approved, [&[2, 12, 11][..], &hash].concat());
        let why = Private::new("x".into());
        let denied = octets(&Denied::Policy { by, asked, hash, why });
        assert_eq!(denied, [&[4, 12, 11][..], &hash, &[1, 120]].concat());
        assert_eq!(octets(&Delivered { by, receipt: "x".into() }), [12, 1, 120]);
    }

    #[test]
    fn the_octets_of_what_was_asked_for_whom_are_pinned() {
        let octets = |detail: &dyn erased::Detail| detail.octets();
        let demand = || Box::new(Demand::of(Audience::Defence, Line::Ordinary));
        let (by, why) = (StaffId(12), Private::new("x".to_owned()));
        let request = [11, 3, 2, 1, 55, 8, 111, 114, 100, 105, 110, 97, 114, 121, 3, 3];
        let whom = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let approved = Approved::RequestFor { by, asked: asked(), demand: demand() };
        assert_eq!(octets(&approved), [&[3, 12][..], &request, &whom].concat());
        let refused = Denied::RuleFor { asked: asked(), demand: demand(), why: "x".into() };
        assert_eq!(octets(&refused), [&[6][..], &request, &whom, &[1, 120]].concat());
        let denied = Denied::RequestFor { by, asked: asked(), demand: demand(), why };
        assert_eq!(octets(&denied), [&[7, 12][..], &request, &whom, &[1, 120]].concat());
    }

    #[test]
    fn the_octets_of_a_hold_s_release_are_pinned() {
        let why = Private::new("x".to_owned());
        let released = Denied::Hold { by: StaffId(12), hold: 7, why };
        assert_eq!(postcard::to_allocvec(&released).unwrap(), [5, 12, 7, 1, 120]);
    }

    #[test]
    fn the_octets_of_ties_are_pinned() {
        let octets = |detail: &dyn erased::Detail| detail.octets();
        let (by, asked, staff) = (StaffId(12), StaffId(11), StaffId(30));
        let key = Private::new("7".to_owned());
        let person = TiedTo::Person { person: PersonId(2), key };
        let holder = TiedTo::Holder { holder: Private::new("L".to_owned()) };
        let tied = StaffChange::Tied { to: person.clone() };
        assert_eq!(octets(&tied), [4, 0, 2, 1, 55]);
        assert_eq!(octets(&StaffChange::Untied), [5]);
        let approved = Approved::Tie { by, asked, staff, to: holder };
        assert_eq!(octets(&approved), [4, 12, 11, 30, 1, 1, 76]);
        let why = Private::new("x".to_owned());
        assert_eq!(octets(&Denied::Tie { by, asked, staff, why }), [8, 12, 11, 30, 1, 120]);
    }

    #[test]
    fn the_hash_of_roles_depends_on_the_salt() {
        let changed = |salt| StaffChanged {
            salt: [salt; 32],
            by: None,
            staff: StaffId(1),
            change: StaffChange::Revoked,
            roles: vec![(StaffId(1), Role::ItAdmin)],
        };
        assert_ne!(changed(1).hash(), changed(2).hash());
        assert_eq!(changed(1).hash(), Sha256::digest([&[1; 32][..], &[1, 1, 4]].concat())[..]);
    }

    mod erased {
        pub(super) trait Detail {
            fn octets(&self) -> Vec<u8>;
        }
        impl<T: serde::Serialize> Detail for T {
            fn octets(&self) -> Vec<u8> {
                postcard::to_allocvec(self).unwrap()
            }
        }
    }
}

//! Who, what, why and about whom: the words in which a disclosure is asked for.
//!
//! Their order is part of what is kept: new ones come last.

use core::fmt;
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$of])* $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word that policies, commands and entries use.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The one with this word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.word() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// What somebody is to the agency whose log-in they use.
    Role {
        /// Looks into cases.
        Investigator = "investigator",
        /// Answers requests for records.
        Clerk = "clerk",
        /// Answers for others, and approves.
        Supervisor = "supervisor",
        /// Checks what others did.
        Auditor = "auditor",
        /// Keeps the machine running.
        ItAdmin = "it-admin",
        /// Defends the person: a public defender or other counsel.
        Defence = "defence",
        /// Looks at the facility from outside: an inspector or ombudsman.
        Inspector = "inspector",
        /// Is the incarcerated person whose calls they are.
        Person = "person",
        /// Is a protected party whose own calls they are.
        Counsel = "counsel",
    }
}

words! {
    /// What is done.
    Verb {
        /// Looks for call records.
        Search = "search",
        /// Hears a recording.
        Listen = "listen",
        /// Hears a recording while it grows.
        Follow = "follow",
        /// Takes a copy away.
        Export = "export",
        /// Keeps something from being deleted, and sees nothing.
        Hold = "hold",
        /// Says yes to what another one asked for.
        Approve = "approve",
        /// Sees what was asked for and disclosed, without the data themselves.
        List = "list",
        /// Says how long things are kept, and has erased now what is due; sees nothing.
        Retain = "retain",
        /// Listens to a name that a person recorded, approves or removes it.
        Name = "name",
        /// Sees how the machine does: counts and states, and nothing about anybody.
        Watch = "watch",
        /// Closes calls for somebody or something, and opens them again; sees nothing.
        Switch = "switch",
    }
}

words! {
    /// Why it is done.
    Purpose {
        /// A crime or an offence inside is looked into.
        Investigation = "investigation",
        /// Somebody's life or body is in danger now.
        Safety = "safety",
        /// The defence prepares, or is given what it must have.
        Discovery = "discovery",
        /// A court ordered it.
        CourtOrder = "court-order",
        /// Counsel whose call it is agreed.
        CounselConsent = "counsel-consent",
        /// Somebody asks for what is their own.
        OwnRecords = "own-records",
        /// What staff did is checked.
        Audit = "audit",
        /// The facility is checked.
        Inspection = "inspection",
        /// The public asks, after a public records act.
        PublicRecords = "public-records",
        /// The machine is kept running.
        Administration = "administration",
    }
}

words! {
    /// Whose data it is, seen from who asks.
    Scope {
        /// Ordinary calls of the agency that employs who asks.
        OwnAgency = "own-agency",
        /// Ordinary calls of another agency.
        OtherAgency = "other-agency",
        /// Calls with counsel or another protected line, of whatever agency.
        Protected = "protected",
        /// One's own calls.
        OwnData = "own-data",
        /// Calls to the lines where abuse and crimes are reported, and to the ombudsman.
        Shielded = "shielded",
    }
}

words! {
    /// What kind of calls something is about.
    Line {
        /// Ordinary ones.
        Ordinary = "ordinary",
        /// With counsel, or on another protected line.
        Protected = "protected",
        /// To a line where abuse or crimes are reported, or to the ombudsman.
        Shielded = "shielded",
        /// One's own.
        Own = "own",
    }
}

words! {
    /// For whom something is.
    Audience {
        /// The prosecution.
        Prosecution = "prosecution",
        /// Counsel for the defence.
        Defence = "defence",
        /// The person whose calls they are.
        Person = "person",
        /// A court.
        Court = "court",
        /// An inspector.
        Inspector = "inspector",
        /// Whoever asks after a public records act: without names, numbers and voices.
        PublicRecords = "public_records",
        /// Whoever asks, for their own work at the agency that employs them.
        Staff = "staff",
        /// A protected party whose own calls they are.
        Counsel = "counsel",
        /// Nobody: nothing is shown.
        Nobody = "nobody",
    }
}

impl Audience {
    /// Whom somebody with this role shows something that they do not take away.
    #[must_use]
    pub const fn of(role: Role) -> Self {
        match role {
            Role::Defence => Self::Defence,
            Role::Inspector => Self::Inspector,
            Role::Person => Self::Person,
            Role::Counsel => Self::Counsel,
            Role::Investigator | Role::Clerk | Role::Supervisor | Role::Auditor | Role::ItAdmin => {
                Self::Staff
            }
        }
    }

    /// The same for a person to read: `defence counsel`.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Prosecution => "the prosecution",
            Self::Defence => "defence counsel",
            Self::Person => "the person themself",
            Self::Court => "a court",
            Self::Inspector => "an inspector",
            Self::PublicRecords => "the public",
            Self::Staff => "the agency's own staff",
            Self::Counsel => "a protected party",
            Self::Nobody => "nobody",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for verb in Verb::ALL {
            assert_eq!(Verb::from_word(verb.word()), Some(*verb));
        }
        for role in Role::ALL {
            assert_eq!(Role::from_word(role.word()), Some(*role));
        }
        assert_eq!(Purpose::from_word("curiosity"), None);
        assert_eq!(Scope::from_word("Protected"), None);
    }
}

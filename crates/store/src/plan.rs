//! What a provision file asks for, after it was read and checked: the input of
//! [`Store::apply`](crate::Store::apply).
//!
//! A plan adds and changes. Nothing disappears because a plan does not name it, so that a file that
//! forgets half the people does no harm; what is to go says so with `removed`. Keys are paths of
//! the operator's own short names, `agency`, `agency/facility`, `agency/facility/unit` and
//! `agency/facility/unit/station`, and never change. Lines are those of the file the item came from
//! (0 where there is none): an error names the line and never the person.

use model::{
    E164, Language, Money, Private,
    place::Site,
    plan::{
        CalledChoices, Dialling, DiskFull, Lifted, NumberUse, RegistryDown, ServiceKind,
        StationAccess, Trunk,
    },
};
use std::{fmt, time::Duration};

/// Everything a provision file says. The default says nothing and changes nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Agencies, by key.
    pub agencies: Vec<Agency>,
    /// Facilities; their agencies are in the plan or already stored.
    pub facilities: Vec<Facility>,
    /// Housing units; their facilities are in the plan or already stored.
    pub units: Vec<Unit>,
    /// Telephones and lines of gateways.
    pub stations: Vec<Station>,
    /// People in custody.
    pub people: Vec<Person>,
    /// Whom they may call where only contacts may be called.
    pub contacts: Vec<Contact>,
    /// Allowed, blocked and free numbers.
    pub numbers: Vec<NumberRule>,
    /// Services that can be dialled.
    pub services: Vec<Service>,
    /// What staff take back of called parties' choices.
    pub lifts: Vec<Lift>,
    /// Money paid in.
    pub deposits: Vec<Deposit>,
    /// Protected numbers, or `None` when the file does not speak of them: the registry is then
    /// neither changed nor confirmed.
    pub protected: Option<Protected>,
    /// The trunk, or `None` when the file does not speak of it.
    pub trunk: Option<Trunk>,
}

/// A sheriff's office or department of corrections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agency {
    /// Its key, such as `cedar`.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Public key of its keyholder as text, as the vault reads it; without one its calls cannot be
    /// recorded under its own key.
    pub keyholder: Option<String>,
}

/// A jail or prison.
#[derive(Clone, Debug, PartialEq)]
pub struct Facility {
    /// Key of its agency.
    pub agency: String,
    /// Its key, `agency/facility`.
    pub key: String,
    /// Spoken and printed name.
    pub name: String,
    /// What rate caps depend on (47 CFR 64.6000).
    pub site: Site,
    /// Calendar year of the average daily population, when the operator named it.
    pub adp_year: Option<u16>,
    /// Time zone by its IANA name, such as `America/Denver`.
    pub timezone: String,
    /// Whether calls are recorded as standard.
    pub recording: bool,
    /// What happens when the registry is unusable.
    pub registry_down: RegistryDown,
    /// Longest conversation.
    pub talk_max: Duration,
    /// Longest conversation through a relay service.
    pub relay_talk_max: Duration,
    /// What happens when records cannot be written.
    pub disk_full: DiskFull,
    /// Whether only contacts and allowed or free numbers may be called.
    pub allowed_only: bool,
    /// Price per minute, without the facility's part.
    pub base_per_minute: Money,
    /// The facility's part per minute.
    pub additive_per_minute: Money,
    /// Number shown to the called party.
    pub caller_id: E164,
    /// What called parties may choose.
    pub called: CalledChoices,
    /// Whether people may record their names, for staff to approve.
    pub recorded_names: bool,
}

/// A housing unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Key of its facility, `agency/facility`.
    pub facility: String,
    /// Its key, `agency/facility/unit`.
    pub key: String,
    /// Its name.
    pub name: String,
}

/// A telephone, or one line of a gateway.
#[derive(Clone, Debug, PartialEq)]
pub struct Station {
    /// Key of its unit, `agency/facility/unit`.
    pub unit: String,
    /// Its key, `agency/facility/unit/station`.
    pub key: String,
    /// How its calls are recognised.
    pub access: StationAccess,
    /// Who calls from it.
    pub caller: StationCaller,
    /// What its calls dial.
    pub dialling: Dialling,
    /// Takes it out of service; its number is kept for the calls it made.
    pub removed: bool,
}

/// Who calls from a station.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StationCaller {
    /// Whoever gives their PIN.
    #[default]
    Pin,
    /// Nobody is asked, and nobody is identified.
    Nobody,
    /// The person of its agency with this key. While they are not at the station's facility, the
    /// station asks for a PIN.
    Person(Private<String>),
}

/// A person, named within their agency: who is moved to another facility keeps account and list.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// Key of the agency.
    pub agency: String,
    /// Key of their facility, `agency/facility`.
    pub facility: String,
    /// The operator's key, such as a booking number; unique within the agency.
    pub key: Private<String>,
    /// Name, as it is announced.
    pub name: Private<String>,
    /// Keyed hash of their PIN; unique within the facility among those who are not removed.
    pub pin: Private<[u8; 32]>,
    /// Language of their prompts.
    pub language: Language,
    /// The person left: their PIN opens nothing any more, their account is kept.
    pub removed: bool,
    /// Line in the file of people.
    pub line: u64,
}

/// A number on a person's list.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    /// Key of the agency.
    pub agency: String,
    /// Key of the person.
    pub person: Private<String>,
    /// The number.
    pub number: Private<E164>,
    /// Takes it off the list.
    pub removed: bool,
    /// Line in the file of contacts.
    pub line: u64,
}

/// A rule about a number.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberRule {
    /// Key of the agency.
    pub agency: String,
    /// Key of the facility, `agency/facility`, or `None` for the whole agency.
    pub facility: Option<String>,
    /// The number.
    pub number: Private<E164>,
    /// What holds for it, or `None` when the rule is removed.
    pub rule: Option<NumberUse>,
}

/// A service that can be dialled.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Key of the agency.
    pub agency: String,
    /// Key of the facility, `agency/facility`, or `None` for the whole agency.
    pub facility: Option<String>,
    /// The number that is called, by which the service is known.
    pub number: Private<E164>,
    /// The keys that are pressed for it, or `None` where it is dialled by its number alone.
    pub keys: Option<String>,
    /// What it is, or `None` when it is removed.
    pub kind: Option<ServiceKind>,
}

/// Staff take back what a called party chose before. The same reference is booked once, however
/// often it is applied, so that a wish said after it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Lift {
    /// Key of the agency.
    pub agency: String,
    /// Key of the facility, `agency/facility`, or `None` for the whole agency.
    pub facility: Option<String>,
    /// The number.
    pub number: Private<E164>,
    /// What is lifted.
    pub what: Lifted,
    /// Why: a letter, a form, a case; unique within the agency.
    pub reference: Private<String>,
    /// Line in the file.
    pub line: u64,
}

/// Money paid into a person's account. The same reference is booked once, however often it is
/// applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Deposit {
    /// Key of the agency.
    pub agency: String,
    /// Key of the person.
    pub person: Private<String>,
    /// How much; more than nothing.
    pub amount: Money,
    /// The payer's reference, unique within the agency.
    pub reference: Private<String>,
    /// Line in the file of deposits.
    pub line: u64,
    /// The table of the file set that it came from: an opening balance stands beside the person.
    pub table: Table,
}

/// A table of a provision file, for error messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// The file of people.
    People,
    /// The file of contacts.
    Contacts,
    /// The file of deposits.
    Deposits,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::People => "people",
            Self::Contacts => "contacts",
            Self::Deposits => "deposits",
        })
    }
}

/// The protected numbers of a plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Protected {
    /// The numbers.
    pub numbers: Vec<ProtectedNumber>,
    /// Numbers of these agencies that the plan does not list are removed. Without it the plan only
    /// adds: a migration that forgets numbers must not unprotect them.
    pub replace: bool,
    /// How many protected numbers there must be afterwards. When it is right, a smaller registry is
    /// accepted as intended, and its largest size starts anew from here; when it is wrong the plan
    /// is refused.
    pub count: Option<u64>,
}

/// A number of counsel or another protected party.
#[derive(Clone, Debug, PartialEq)]
pub struct ProtectedNumber {
    /// Key of the agency that lists it; it is protected for all agencies.
    pub agency: String,
    /// The number.
    pub number: Private<E164>,
    /// Whose number it is, as the operator noted it.
    pub holder: Option<Private<String>>,
}

/// What an applied plan did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Agencies.
    pub agencies: Count,
    /// Facilities.
    pub facilities: Count,
    /// Housing units.
    pub units: Count,
    /// Stations.
    pub stations: Count,
    /// People.
    pub people: Count,
    /// Contacts.
    pub contacts: Count,
    /// Rules about numbers.
    pub numbers: Count,
    /// Services.
    pub services: Count,
    /// What staff took back of called parties' choices.
    pub lifts: Count,
    /// Protected numbers.
    pub protected: Count,
    /// Deposits.
    pub deposits: Count,
    /// The trunk.
    pub trunk: Count,
    /// The version after it; the same as before when nothing changed.
    pub version: u64,
    /// The registry's epoch after it.
    pub epoch: u64,
}

impl Applied {
    /// The counts with their names, in the order in which they were applied.
    pub fn counts(&self) -> [(&'static str, Count); 12] {
        [
            ("agencies", self.agencies),
            ("facilities", self.facilities),
            ("units", self.units),
            ("stations", self.stations),
            ("people", self.people),
            ("contacts", self.contacts),
            ("numbers", self.numbers),
            ("services", self.services),
            ("lifts", self.lifts),
            ("protected numbers", self.protected),
            ("deposits", self.deposits),
            ("trunks", self.trunk),
        ]
    }

    /// Whether anything is different from before.
    pub fn is_change(&self) -> bool {
        self.counts().iter().any(|(_, count)| count.is_change())
    }
}

/// How many items of a kind a plan touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// New.
    pub added: u64,
    /// Different from before.
    pub changed: u64,
    /// Taken away.
    pub removed: u64,
    /// As before.
    pub unchanged: u64,
}

impl Count {
    /// Whether anything of this kind is different from before.
    pub fn is_change(&self) -> bool {
        self.added + self.changed + self.removed > 0
    }
}

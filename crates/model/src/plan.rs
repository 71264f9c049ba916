//! What a provision file says, after it was read and checked, and what the store gives back.
//!
//! Keys are the operator's own short names; they are unique within what contains them and never
//! change. The store gives each a number once and keeps it.

use crate::{
    AccountId, AgencyId, E164, FacilityId, Language, Money, PersonId, Private, StationId,
    Timestamp, UnitId,
    fact::{Epoch, NumberClass},
    place::Site,
};
use alloc::{string::String, vec::Vec};
use core::{net::SocketAddr, time::Duration};

/// Everything a node must know to take calls, with the store's numbers. Plain data; `desk` builds
/// its look-ups from it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configuration {
    /// Grows with every applied provision file.
    pub version: u64,
    /// All facilities.
    pub facilities: Vec<Facility>,
    /// All stations.
    pub stations: Vec<Station>,
    /// All people.
    pub people: Vec<Person>,
    /// All rules about numbers, except protection.
    pub numbers: Vec<NumberRule>,
    /// The registry of protected numbers.
    pub registry: RegistryData,
    /// Accounts with what was ever paid in.
    pub accounts: Vec<Account>,
    /// Services that can be dialled.
    pub services: Vec<Service>,
    /// Remembered languages of called parties.
    pub languages: Vec<(AgencyId, Private<E164>, Language)>,
    /// Called parties who want no calls.
    pub blocks: Vec<Block>,
    /// Calls that called parties said were private.
    pub claims: Vec<PrivateClaim>,
    /// What staff lifted of the two.
    pub lifts: Vec<Lift>,
    /// Where calls go out.
    pub trunk: Option<Trunk>,
    /// Whose the protected numbers are; the registry above is what decides.
    pub counsel: Vec<Protection>,
    /// Calls that staff closed and did not open again.
    pub closings: Vec<Closing>,
}

/// Calls that staff closed, until they are opened again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The agency.
    pub agency: AgencyId,
    /// Which of its calls.
    pub what: Closed,
    /// Whether calls on protected numbers, of relay services and with lines for help are closed
    /// too. Only of a whole facility they are, and never without an end.
    pub everything: bool,
    /// When it ends by itself; `None` for never.
    pub until: Option<Timestamp>,
}

/// What staff close calls for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The whole agency.
    Agency,
    /// A facility.
    Facility(FacilityId),
    /// A housing unit.
    Unit(UnitId),
    /// A station.
    Station(StationId),
    /// A person.
    Person(PersonId),
    /// A number that is called.
    Number(Private<E164>),
}

impl Closed {
    /// What kind of thing it is, in a word that never changes.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Agency => "agency",
            Self::Facility(_) => "facility",
            Self::Unit(_) => "unit",
            Self::Station(_) => "station",
            Self::Person(_) => "person",
            Self::Number(_) => "number",
        }
    }
}

impl Closing {
    /// Whether it holds at `now`.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Whether it also closes what else is never closed. Anything but a whole facility with an end
    /// does not, whatever was written.
    #[must_use]
    pub const fn closes_everything(&self) -> bool {
        self.everything && self.until.is_some() && matches!(self.what, Closed::Facility(_))
    }
}

/// A protected number as one agency registered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protection {
    /// The agency.
    pub agency: AgencyId,
    /// The number.
    pub number: Private<E164>,
    /// Whose it is, if that was said.
    pub holder: Option<Private<String>>,
}

/// A facility.
#[derive(Clone, Debug, PartialEq)]
pub struct Facility {
    /// Its number.
    pub id: FacilityId,
    /// Its agency.
    pub agency: AgencyId,
    /// The operator's key, `agency/facility`.
    pub key: String,
    /// Spoken and printed name.
    pub name: String,
    /// What caps depend on.
    pub site: Site,
    /// Whether calls are recorded as standard.
    pub recording: bool,
    /// What happens when the registry is unusable.
    pub registry_down: RegistryDown,
    /// Longest conversation.
    pub talk_max: Duration,
    /// Longest conversation through a relay service, which takes several times as long as speech.
    pub relay_talk_max: Duration,
    /// What happens when records cannot be written.
    pub disk_full: DiskFull,
    /// Whether only numbers on a person's list may be called.
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

/// What a facility lets called parties choose by key, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalledChoices {
    /// How often the party at one number may say that a call is private before staff have looked at
    /// it; then the key is not offered any more. 0 where it never is.
    pub private_claims_max: u8,
    /// How far a called party's wish for no more calls reaches.
    pub block: BlockScope,
    /// Whether the accepting key is drawn anew for each call, so that no recorded tone accepts.
    pub drawn_key: bool,
    /// How often both are reminded where the call comes from.
    pub reminder_every: Option<Duration>,
}

impl Default for CalledChoices {
    fn default() -> Self {
        Self {
            private_claims_max: PRIVATE_CLAIMS_COUNT_MAX,
            block: BlockScope::Facility,
            drawn_key: false,
            reminder_every: None,
        }
    }
}

/// Private claims of one number until staff have looked at them, unless a facility says otherwise.
pub const PRIVATE_CLAIMS_COUNT_MAX: u8 = 3;

/// How far a called party's wish for no more calls reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockScope {
    /// The facility that called.
    Facility,
    /// Every facility of its agency.
    Agency,
}

/// A called party who wants no calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The agency.
    pub agency: AgencyId,
    /// The facility, or `None` for the whole agency.
    pub facility: Option<FacilityId>,
    /// Their number.
    pub number: Private<E164>,
    /// When they last said so.
    pub at: Timestamp,
}

/// A call that a called party said was private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrivateClaim {
    /// The agency.
    pub agency: AgencyId,
    /// Their number.
    pub number: Private<E164>,
    /// When.
    pub at: Timestamp,
}

/// Staff took back what a called party chose before: asked by that party, or after checking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lift {
    /// The agency.
    pub agency: AgencyId,
    /// The facility, or `None` for the whole agency and every facility of it.
    pub facility: Option<FacilityId>,
    /// The number.
    pub number: Private<E164>,
    /// What is lifted.
    pub what: Lifted,
    /// When; what was chosen after it stands.
    pub at: Timestamp,
}

/// What staff can lift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lifted {
    /// The wish for no more calls.
    Block,
    /// The count of private claims.
    Claims,
}

/// What a facility wants when the registry cannot be used. Recording is never a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RegistryDown {
    /// Place the call, unrecorded, and say so.
    PlaceUnrecorded,
    /// Refuse the call.
    Refuse,
}

/// What a facility wants when the disk is full, so that a call's record cannot be written at once.
/// Free and protected lines go in any case, and nothing is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DiskFull {
    /// Place the call, unrecorded and free of charge, and say so.
    PlaceUnrecorded,
    /// Refuse the call.
    Refuse,
}

/// Something that can be dialled by a short code, or a number of a special kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The agency.
    pub agency: AgencyId,
    /// The facility, or `None` for the whole agency.
    pub facility: Option<FacilityId>,
    /// The keys that are pressed for it, or `None` where it is dialled by its number alone.
    pub keys: Option<String>,
    /// The number that is called.
    pub number: Private<E164>,
    /// What it is.
    pub kind: ServiceKind,
}

/// What a service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServiceKind {
    /// A telecommunications relay service (47 CFR 64.603): free, never recorded, longer.
    Relay,
    /// A line for help or complaints (28 CFR 115.51, a crisis line, an ombudsman): free, never
    /// recorded, on nobody's list.
    Help,
    /// A number by another name; it is screened and charged like the number.
    Speed,
}

/// A telephone, or one line of a gateway.
#[derive(Clone, Debug, PartialEq)]
pub struct Station {
    /// Its number.
    pub id: StationId,
    /// Its housing unit.
    pub unit: UnitId,
    /// Its facility.
    pub facility: FacilityId,
    /// The operator's key, `agency/facility/unit/station`.
    pub key: String,
    /// How its calls are recognised.
    pub access: StationAccess,
    /// Who calls from it.
    pub caller: StationCaller,
    /// What its calls dial.
    pub dialling: Dialling,
}

/// Who calls from a station.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StationCaller {
    /// Whoever gives their PIN.
    #[default]
    Pin,
    /// Nobody is asked and nobody is identified. Nobody pays either: only what is free can be
    /// called.
    Nobody,
    /// The person whom the station is assigned to.
    Person(PersonId),
}

/// What the calls of a station dial.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Dialling {
    /// What the person types when they are asked.
    #[default]
    Menu,
    /// What the request URI of the INVITE says, en bloc.
    EnBloc,
    /// Always the same, at once: a hotline.
    Hotline(Hotline),
}

/// What a station dials as soon as its receiver is lifted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hotline {
    /// The keys that are dialled; they are screened like those that a person presses.
    pub dialled: Private<String>,
    /// Whether these calls cost nothing.
    pub free: bool,
    /// Whether these calls may be recorded. It can only take recording away.
    pub recording: bool,
}

/// How a station's calls are recognised.
#[derive(Clone, Debug, PartialEq)]
pub enum StationAccess {
    /// By source address. Port 0 stands for any port. With `user`, one line of a gateway: the user
    /// part of its From URI.
    Source {
        /// The phone's or gateway's address.
        address: SocketAddr,
        /// The gateway's line.
        user: Option<String>,
    },
    /// By digest (RFC 3261 section 22): user name and the MD5 of `user:realm:password`.
    Digest {
        /// User name.
        user: String,
        /// MD5 of `user:realm:password`, RFC 7616 section 3.4.2.
        ha1: Private<[u8; 16]>,
    },
}

/// An incarcerated person.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// Their number.
    pub id: PersonId,
    /// Their facility; stations of other facilities do not know their PIN.
    pub facility: FacilityId,
    /// The operator's key, such as a booking number.
    pub key: Private<String>,
    /// Name, as it is announced.
    pub name: Private<String>,
    /// Keyed hash of their PIN, as the desk computes it.
    pub pin: Private<[u8; 32]>,
    /// Language of their prompts.
    pub language: Language,
    /// Their account.
    pub account: AccountId,
    /// Their list of contacts.
    pub contacts: Vec<Private<E164>>,
}

/// A rule about a number, for a facility or for all of an agency.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberRule {
    /// The agency.
    pub agency: AgencyId,
    /// The facility, or `None` for the whole agency.
    pub facility: Option<FacilityId>,
    /// The number.
    pub number: Private<E164>,
    /// What holds for it.
    pub rule: NumberUse,
}

/// What a number rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NumberUse {
    /// May be called by everybody, also where only contacts may be called.
    Allowed,
    /// May not be called.
    Blocked,
    /// Costs nothing, and everybody may call it.
    Free,
}

/// The registry's stored state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistryData {
    /// Its epoch; 0 where no registry was ever loaded.
    pub epoch: Epoch,
    /// When this epoch was confirmed last by its source.
    pub confirmed: Timestamp,
    /// How many numbers it had at its largest; a sudden drop is not trusted.
    pub count_max: u64,
    /// The protected numbers, for all agencies.
    pub numbers: Vec<Private<E164>>,
}

/// A prepaid account and what the store knows of its money.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// Its agency.
    pub agency: AgencyId,
    /// Everything ever paid in.
    pub deposited: Money,
    /// Everything ever charged by ended calls the store knows of.
    pub settled: Money,
}

/// Where calls go out and called parties are reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trunk {
    /// Address of the carrier's SIP server.
    pub address: SocketAddr,
}

/// Class of a number before the registry is asked.
impl From<NumberUse> for NumberClass {
    fn from(rule: NumberUse) -> Self {
        match rule {
            NumberUse::Free => Self::Free,
            NumberUse::Allowed | NumberUse::Blocked => Self::Ordinary,
        }
    }
}

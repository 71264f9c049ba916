//! The county of a seed: facilities, stations, people and numbers.

use crate::dice::Dice;
use core::time::Duration;
use model::{
    AccountId, AgencyId, E164, FacilityId, Language, Money, PersonId, StationId, UnitId,
    place::{FacilityKind, Site, State},
    plan::{BlockScope, CalledChoices, DiskFull, RegistryDown, ServiceKind},
};

/// Everything that is provisioned, except the registry.
#[derive(Debug)]
pub(crate) struct County {
    pub(crate) facilities: Vec<Facility>,
    pub(crate) stations: Vec<Station>,
    pub(crate) people: Vec<Person>,
    pub(crate) lines: Vec<Line>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Facility {
    pub(crate) id: FacilityId,
    pub(crate) agency: AgencyId,
    pub(crate) site: Site,
    pub(crate) recording: bool,
    pub(crate) registry_down: RegistryDown,
    pub(crate) talk_max: Duration,
    pub(crate) relay_talk_max: Duration,
    pub(crate) allowed_only: bool,
    pub(crate) base_per_minute: Money,
    pub(crate) additive_per_minute: Money,
    pub(crate) called: CalledChoices,
    /// Shown to called parties.
    pub(crate) caller_id: E164,
    pub(crate) disk_full: DiskFull,
    pub(crate) recorded_names: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Station {
    pub(crate) id: StationId,
    pub(crate) unit: UnitId,
    pub(crate) facility: FacilityId,
    /// Dials this line, by place in the county, as soon as it is lifted, for nobody in particular,
    /// free and unrecorded.
    pub(crate) hotline: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    pub(crate) id: PersonId,
    pub(crate) facility: FacilityId,
    pub(crate) pin: u64,
    pub(crate) account: AccountId,
    pub(crate) language: Language,
    pub(crate) deposited: Money,
}

/// A number that can be called, and what is provisioned about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) number: E164,
    pub(crate) blocked: bool,
    pub(crate) free: bool,
    pub(crate) allowed: bool,
    /// It is a service at every facility.
    pub(crate) service: Option<ServiceKind>,
}

impl County {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let facilities: Vec<_> =
            (1..=FACILITIES_COUNT).filter_map(|id| facility(dice, id)).collect();
        let stations = (0..STATIONS_COUNT)
            .map(|index| Station {
                id: StationId(11 + index),
                unit: UnitId(1 + index % 2),
                facility: FacilityId(1 + index % 3),
                // The last one of some counties; sometimes its number is blocked.
                hotline: (index + 1 == STATIONS_COUNT && dice.percent(60))
                    .then(|| dice.pick([(4, 0), (2, 1), (1, 8)])),
            })
            .collect();
        let people = (0..PEOPLE_COUNT)
            .map(|index| Person {
                id: PersonId(101 + index),
                facility: FacilityId(1 + index % 3),
                pin: 4_000 + u64::from(index) * 111,
                // Two people of one facility live on one account, so that their holds compete.
                account: AccountId(if index == 3 { 201 } else { 201 + index }),
                language: if dice.percent(30) { Language::Es } else { Language::En },
                deposited: Money::from_micros(dice.pick([
                    (1, 0),
                    (1, 50_000),
                    (2, 90_000),
                    (2, 131_071),
                    (2, 250_000),
                    (6, 25_000_000),
                ])),
            })
            .collect();
        let lines = (0..LINES_COUNT).filter_map(|index| line(dice, index)).collect();
        Self { facilities, stations, people, lines }
    }

    pub(crate) fn facility(&self, id: FacilityId) -> Option<&Facility> {
        self.facilities.iter().find(|facility| facility.id == id)
    }

    /// The line behind a short code.
    pub(crate) fn service(&self, code: &str) -> Option<E164> {
        let kind = match code {
            RELAY_CODE => ServiceKind::Relay,
            HELP_CODE => ServiceKind::Help,
            _ => return None,
        };
        self.lines.iter().find(|line| line.service == Some(kind)).map(|line| line.number)
    }

    /// Whether a number is one of the county's own.
    pub(crate) fn is_own(&self, number: E164) -> bool {
        self.facilities.iter().any(|facility| facility.caller_id == number)
    }

    pub(crate) fn line(&self, number: E164) -> Option<&Line> {
        self.lines.iter().find(|line| line.number == number)
    }
}

fn facility(dice: &mut Dice, id: u32) -> Option<Facility> {
    let (kind, adp) = dice.pick([(3, (FacilityKind::Jail, 200)), (1, (FacilityKind::Prison, 900))]);
    let state = State::new("WY")?;
    let (base, additive) = dice.pick([
        (14, (70_000, 20_000)),
        (5, (61_337, 0)),
        (3, (90_000, 0)),
        // Free for everybody, and above every cap that is in force.
        (2, (0, 0)),
        (1, (140_000, 0)),
    ]);
    let talk_max = Duration::from_secs(dice.pick([(1, 60), (1, 90), (2, 100), (4, 300), (1, 900)]));
    Some(Facility {
        id: FacilityId(id),
        agency: AgencyId(1),
        site: Site { kind, adp, state },
        recording: dice.percent(80),
        registry_down: dice.pick([(2, RegistryDown::PlaceUnrecorded), (1, RegistryDown::Refuse)]),
        talk_max,
        relay_talk_max: talk_max * 3,
        allowed_only: dice.percent(30),
        base_per_minute: Money::from_micros(base),
        additive_per_minute: Money::from_micros(additive),
        called: CalledChoices {
            private_claims_max: dice.pick([(3, 3), (2, 1), (1, 0)]),
            block: dice.pick([(3, BlockScope::Facility), (1, BlockScope::Agency)]),
            drawn_key: dice.percent(30),
            reminder_every: dice.percent(30).then(|| Duration::from_secs(dice.between(20, 120))),
        },
        caller_id: E164::new(FIRST_OWN_NUMBER + u64::from(id))?,
        disk_full: dice.pick([(1, DiskFull::PlaceUnrecorded), (1, DiskFull::Refuse)]),
        recorded_names: dice.percent(60),
    })
}

/// What a hotline dials.
pub(crate) fn hotline_keys(line: &Line) -> String {
    format!("011{}", line.number.digits())
}

fn line(dice: &mut Dice, index: u64) -> Option<Line> {
    let number = E164::new(FIRST_NUMBER + index)?;
    // The last two are for people who dial a wrong number.
    let blocked = index + 2 == LINES_COUNT;
    let unlisted = index + 1 == LINES_COUNT;
    let free = !blocked && !unlisted && dice.percent(15);
    let service = match index {
        RELAY_LINE => Some(ServiceKind::Relay),
        HELP_LINE => Some(ServiceKind::Help),
        _ => None,
    };
    Some(Line { number, blocked, free, allowed: !unlisted && dice.percent(85), service })
}

pub(crate) const FACILITIES_COUNT: u32 = 3;
const STATIONS_COUNT: u32 = 5;
const PEOPLE_COUNT: u32 = 5;
const LINES_COUNT: u64 = 10;
/// The line of the relay service, counted from the first.
pub(crate) const RELAY_LINE: u64 = 6;
/// The line for help.
pub(crate) const HELP_LINE: u64 = 7;
/// What is dialled for the relay service (47 CFR 64.603).
pub(crate) const RELAY_CODE: &str = "711";
/// What is dialled for help (47 CFR 52.200).
pub(crate) const HELP_CODE: &str = "988";
/// The facilities' own numbers follow it, far away from every line.
pub(crate) const FIRST_OWN_NUMBER: u64 = 12_145_550_190;
/// Number of the first line; the others follow.
pub(crate) const FIRST_NUMBER: u64 = 12_025_550_100;

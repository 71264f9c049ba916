//! How a node does, as counts and states: nothing in it is about anybody.

use crate::answer::time;
use model::{AgencyId, Timestamp};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What tells how a node does.
pub trait Pulse: Send + Sync {
    /// How it does now, with the stations of `agency` and nobody else's. It can take seconds where
    /// something does not answer.
    fn status(&self, agency: Option<AgencyId>) -> Status;
}

/// How a node does.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Status {
    /// Version of the program.
    #[schema(example = "0.1.0")]
    pub version: String,
    /// SHA-256 of the program, as the log has it.
    pub build: String,
    /// Number of this start of the node, from 1.
    pub start: u32,
    /// When it started. All counts are since then.
    #[serde(serialize_with = "written")]
    #[schema(value_type = String, format = DateTime)]
    pub started: Timestamp,
    /// When this was said.
    #[serde(serialize_with = "written")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What somebody should look at, in words; nothing where all is well.
    pub alarms: Vec<String>,
    /// Calls of now; missing where the part that has them does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls: Option<CallsNow>,
    /// What SIP and calls counted since the start, by name.
    pub counts: BTreeMap<String, u64>,
    /// How often people's calls were refused since the start, by the reason that they heard.
    pub refused: BTreeMap<String, u64>,
    /// Stations of one's own agency.
    pub stations: Stations,
    /// Ways out to carriers.
    pub trunks: Vec<TrunkNow>,
    /// The disks of records and recordings.
    pub disks: Vec<DiskNow>,
    /// What is written, and how far behind it anything is.
    pub written: Written,
    /// The registry of protected numbers.
    pub registry: RegistryNow,
    /// Who could open recordings: `solo`, `split` or `split_with_witnesses`.
    #[schema(example = "split")]
    pub custody: String,
    /// The keyholders, and whether they answered when they were asked last.
    pub keyholders: Vec<OtherNow>,
    /// The witnesses of the log, and the same of them.
    pub witnesses: Vec<OtherNow>,
    /// How long calls can still be signed; missing where they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing: Option<String>,
}

/// Calls of now.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CallsNow {
    /// How many are at each stage: `menu`, `ringing`, `deciding`, `talking`, `ending`.
    pub stages: BTreeMap<String, u64>,
    /// How many of those that talk are recorded; missing where fewer than five talk, because then
    /// it would say that somebody calls a protected line now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded: Option<u64>,
    /// How many of them are not; missing with the other one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unrecorded: Option<u64>,
    /// Most calls at once.
    pub max: u64,
}

impl CallsNow {
    /// Of calls that are at these stages, with how many of those that talk are recorded.
    #[must_use]
    pub fn new(stages: BTreeMap<String, u64>, talking: u64, recorded: u64, max: u64) -> Self {
        let said = talking >= RECORDED_SAID_FROM;
        let recorded = recorded.min(talking);
        let unrecorded = said.then_some(talking - recorded);
        Self { stages, recorded: said.then_some(recorded), unrecorded, max }
    }
}

/// From how many calls on that talk it is said how many of them are recorded. Of fewer, it would
/// tell whoever sees who is at the telephones that one of them calls counsel, or a line for help.
pub const RECORDED_SAID_FROM: u64 = 5;

/// Stations.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Stations {
    /// How many there are.
    pub count: u64,
    /// How many of them can be called, because they are registered now.
    pub registered: u64,
    /// How many of them are known by a password, and so must register.
    pub registering: u64,
    /// Each of them, by its key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub each: Vec<StationNow>,
}

/// A station.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StationNow {
    /// Its key.
    #[schema(example = "cedar/jail/a/1")]
    pub station: String,
    /// `registered`; `missing` where it must register and is not; or `by address`, where nothing is
    /// known of it until it calls.
    #[schema(example = "registered")]
    pub state: &'static str,
    /// Until when it is registered.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_written")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

/// A way out to a carrier.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TrunkNow {
    /// Its number in the settings.
    pub trunk: u16,
    /// `up`; `resting` after it could not take a call; `unregistered`; `silent` where it does not
    /// answer; or `nowhere` where its name has no address.
    #[schema(example = "up")]
    pub state: &'static str,
    /// Calls on it.
    pub calls: u32,
    /// Most calls on it at once, where there is a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
}

/// A disk.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DiskNow {
    /// What lies on it: `records`, `recordings`, or `records and recordings`.
    pub of: &'static str,
    /// Octets that are free.
    pub free: u64,
    /// Octets in all.
    pub size: u64,
    /// How many of a hundred are free.
    pub free_percent: u64,
    /// Hours of recorded calls that fit.
    pub hours: u64,
    /// `ample`, `below 20 %`, `below 10 %`, `below 5 %` or `full`.
    pub step: &'static str,
}

/// What is written, and how far behind it anything is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Written {
    /// Facts that are in the journal, which is what the node goes by.
    pub facts: u64,
    /// How many of them are not in the database yet.
    pub facts_to_project: u64,
    /// Facts that the journal did not take, and that are tried again.
    pub facts_unsaid: u64,
    /// Whether the journal has stopped, so that no call can be taken.
    pub journal_stopped: bool,
    /// Entries that calls have made for the log.
    pub entries: u64,
    /// How many of them are not in the log yet.
    pub entries_to_carry: u64,
    /// Whether the log is open and takes entries; if not, nothing is recorded.
    pub log_open: bool,
}

/// The registry of protected numbers.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RegistryNow {
    /// Its epoch.
    pub epoch: u64,
    /// How many numbers it protects.
    pub numbers: u64,
    /// When it was confirmed last.
    #[serde(serialize_with = "written")]
    #[schema(value_type = String, format = DateTime)]
    pub confirmed: Timestamp,
    /// Whether it can be trusted; if not, nothing is recorded.
    pub usable: bool,
}

/// Somebody elsewhere whom the node asks.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OtherNow {
    /// What it is called.
    pub name: String,
    /// `answers` or `silent` when it was asked last, or `not asked` since the start.
    pub state: &'static str,
    /// When it answered last.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_written")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub answered: Option<Timestamp>,
    /// When it did not, last.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_written")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub silent: Option<Timestamp>,
}

impl OtherNow {
    /// One of which is known when it answered last, and when not.
    #[must_use]
    pub fn of(name: String, reached: disclosure::Reached) -> Self {
        let disclosure::Reached { answered, silent } = reached;
        let state = match (answered, silent) {
            (None, None) => "not asked",
            _ if reached.is_silent() => "silent",
            _ => "answers",
        };
        Self { name, state, answered, silent }
    }
}

fn written<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time(*at))
}

fn maybe_written<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(time).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_few_calls_nobody_is_told_whether_they_are_recorded() {
        let now = |talking, recorded| {
            let now = CallsNow::new(BTreeMap::new(), talking, recorded, 9);
            now.recorded.zip(now.unrecorded)
        };
        assert_eq!(now(0, 0), None);
        assert_eq!(now(RECORDED_SAID_FROM - 1, 3), None);
        assert_eq!(now(RECORDED_SAID_FROM, 3), Some((3, 2)));
        // The two are not counted in the same moment.
        assert_eq!(now(RECORDED_SAID_FROM, 6), Some((5, 0)));
    }
}

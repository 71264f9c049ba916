//! How a running node does: gathered from all its parts when somebody asks.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use call::Stage;
use console::status::{
    CallsNow, DiskNow, OtherNow, Pulse, RegistryNow, StationNow, Stations, Status, TrunkNow,
    Written,
};
use desk::{Condition, Desk, OCTETS_PER_RECORDED_HOUR, Space};
use disclosure::Reach;
use export::Custody;
use journal::log::Log;
use line::{IdentityConfig, Line, LineLook, Standing, TrunkHealth, TrunkLook};
use model::{AgencyId, Clock, Timestamp};
use rustix::fs::statvfs;
use serde_json::Value;
use switch::{Counts, Stages};

use crate::logbook::NODE;

/// The parts of a running node that are asked.
pub(crate) struct Beat {
    pub(crate) desk: Desk,
    pub(crate) line: Line,
    pub(crate) counts: Arc<Counts>,
    pub(crate) stages: Box<dyn Fn() -> Option<Stages> + Send + Sync>,
    /// Most calls at once.
    pub(crate) calls_max: u64,
    /// `None` where it cannot be opened.
    pub(crate) log: Option<Log>,
    /// Number of the last entry that calls made for the log.
    pub(crate) entries: Arc<AtomicU64>,
    /// The folders of journal and recordings.
    pub(crate) folders: [PathBuf; 2],
    pub(crate) custody: Custody,
    pub(crate) keyholders: Reach,
    pub(crate) witnesses: Reach,
    pub(crate) signs: Option<IdentityConfig>,
    /// SHA-256 of the program.
    pub(crate) build: String,
    pub(crate) clock: Clock,
    pub(crate) started: Timestamp,
}

impl Beat {
    fn counts(&self) -> BTreeMap<String, u64> {
        let line = self.line.counts();
        // Calls in progress are no count; by their stages they are told better.
        let calls = self.counts.named().filter(|(name, _)| *name != "live");
        let calls = calls.map(|(name, count)| (format!("calls_{name}"), count));
        let line = line.named().map(|(name, count)| (format!("sip_{name}"), count));
        calls.chain(line).collect()
    }

    fn calls(&self) -> Option<CallsNow> {
        let stages = (self.stages)()?;
        let each = stages.each().map(|(stage, count)| (stage.word().to_owned(), count));
        let talking = stages.at(Stage::Talking);
        Some(CallsNow::new(each.collect(), talking, stages.recorded, self.calls_max))
    }

    fn stations(&self, agency: Option<AgencyId>, look: Option<&LineLook>) -> Stations {
        let until: BTreeMap<_, _> = look.into_iter().flat_map(|it| it.stations.clone()).collect();
        let mut stations = Stations::default();
        let mut places = self.desk.stations();
        places.retain(|place| agency.is_none_or(|agency| place.agency == agency));
        for place in places {
            let until = until.get(&place.id).copied();
            stations.count += 1;
            stations.registered += u64::from(until.is_some());
            stations.registering += u64::from(place.registers);
            if agency.is_some() {
                let state = match (until, place.registers) {
                    (Some(_), _) => "registered",
                    (None, true) => "missing",
                    (None, false) => "by address",
                };
                stations.each.push(StationNow { station: place.key, state, until });
            }
        }
        stations
    }

    /// The disks, each once.
    fn disks(&self) -> Vec<DiskNow> {
        let found = self.folders.each_ref().map(|folder| statvfs(folder).ok());
        let disk = |of, found: &rustix::fs::StatVfs| {
            let octets = |blocks: u64| blocks.saturating_mul(found.f_frsize);
            disk(of, octets(found.f_bavail), octets(found.f_blocks))
        };
        match &found {
            [Some(one), Some(other)] if one.f_fsid == other.f_fsid => {
                vec![disk("records and recordings", one)]
            }
            [records, recordings] => [("records", records), ("recordings", recordings)]
                .into_iter()
                .filter_map(|(of, found)| Some(disk(of, found.as_ref()?)))
                .collect(),
        }
    }

    fn written(&self, condition: &Condition) -> Written {
        // What is carried first: meanwhile there may be more entries, and never fewer.
        let nodes = self.log.as_ref().and_then(|log| log.nodes().ok());
        let carried = nodes.as_ref().map_or(0, |nodes| nodes.get(&NODE).map_or(0, |seq| seq.0));
        let entries = self.entries.load(Ordering::Relaxed);
        Written {
            facts: condition.durable,
            facts_to_project: condition.durable.saturating_sub(condition.projected),
            facts_unsaid: condition.unsaid as u64,
            journal_stopped: condition.failed,
            entries,
            entries_to_carry: entries.saturating_sub(carried),
            log_open: nodes.is_some() && !condition.log_behind,
        }
    }

    fn signing(&self, now: Timestamp) -> Option<(bool, String)> {
        Some(match self.signs.as_ref()?.check() {
            Ok(term) => {
                let standing = term.standing(now);
                (matches!(standing, Standing::Good { .. }), standing.says())
            }
            Err(error) => (false, error.to_string()),
        })
    }
}

impl Pulse for Beat {
    fn status(&self, agency: Option<AgencyId>) -> Status {
        let condition = self.desk.condition();
        let mut alarms = Vec::new();
        if let Err(error) = &condition {
            alarms.push(format!("the database does not answer: {error}"));
        }
        let condition = condition.unwrap_or_else(|_| self.desk.condition_without_store());
        let look = self.line.look();
        let now = self.clock.now();
        let signing = self.signing(now);
        let others = |reach: &Reach| {
            reach.each().into_iter().map(|(name, reached)| OtherNow::of(name, reached)).collect()
        };
        let registry = &condition.registry;
        let mut status = Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            build: self.build.clone(),
            start: self.desk.boot(),
            started: self.started,
            at: now,
            alarms,
            calls: self.calls(),
            counts: self.counts(),
            refused: condition.refused.iter().map(|(why, count)| (word(why), *count)).collect(),
            stations: self.stations(agency, look.as_ref()),
            trunks: look.iter().flat_map(|look| look.trunks.iter().map(trunk)).collect(),
            disks: self.disks(),
            written: self.written(&condition),
            registry: RegistryNow {
                epoch: registry.epoch.0,
                numbers: registry.count as u64,
                confirmed: registry.confirmed,
                usable: registry.usable.is_ok(),
            },
            custody: word(&self.custody),
            keyholders: others(&self.keyholders),
            witnesses: others(&self.witnesses),
            signing: signing.as_ref().map(|(_, says)| says.clone()),
        };
        if look.is_none() {
            status.alarms.push("the part that speaks SIP does not answer".to_owned());
        }
        if let Err(unusable) = registry.usable {
            status.alarms.push(format!("nothing is recorded: {unusable}"));
        }
        status.alarms.extend(signing.filter(|(good, _)| !good).map(|(_, says)| says));
        let more = alarms_of(&status);
        status.alarms.extend(more);
        status
    }
}

/// What somebody should look at, as far as it follows from the rest.
fn alarms_of(status: &Status) -> Vec<String> {
    let mut alarms = Vec::new();
    if status.calls.is_none() {
        alarms.push("the part that has the calls does not answer".to_owned());
    }
    alarms.extend(status.disks.iter().filter_map(disk_alarm));
    let Written { facts_to_project, facts_unsaid, entries_to_carry, .. } = status.written;
    if status.written.journal_stopped {
        alarms.push("the journal has stopped, and no call can be taken: start again".to_owned());
    }
    if facts_unsaid > 0 {
        alarms.push(format!("the journal did not take {facts_unsaid} facts, and tries again"));
    }
    if facts_to_project > FACTS_BEHIND_MAX {
        alarms.push(format!("the database is {facts_to_project} facts behind the journal"));
    }
    if !status.written.log_open {
        alarms.push("the log takes no entries, so nothing is recorded or disclosed".to_owned());
    } else if entries_to_carry > FACTS_BEHIND_MAX {
        alarms.push(format!("the log is {entries_to_carry} entries behind the journal"));
    }
    let trunks = status.trunks.iter().filter(|trunk| !["up", "resting"].contains(&trunk.state));
    alarms.extend(trunks.map(|trunk| format!("trunk {} is {}", trunk.trunk, trunk.state)));
    let missing = status.stations.each.iter().filter(|station| station.state == "missing").count();
    if missing > 0 {
        alarms.push(format!("{missing} stations that must register are not registered"));
    }
    for (what, others) in [("keyholder", &status.keyholders), ("witness", &status.witnesses)] {
        let silent = others.iter().filter(|other| other.state == "silent");
        alarms.extend(silent.map(|other| format!("{what} `{}` does not answer", other.name)));
    }
    let faults: u64 =
        ["calls_faults", "sip_faults"].iter().filter_map(|name| status.counts.get(*name)).sum();
    if faults > 0 {
        alarms.push(format!("{faults} calls were lost to faults of this program: report them"));
    }
    alarms
}

/// The steps at which the node's own log says it too.
fn disk_alarm(disk: &DiskNow) -> Option<String> {
    let DiskNow { of, free_percent, hours, .. } = disk;
    let has = format!("the disk of {of} has {free_percent} % free, room for {hours} hours");
    match Space::of(disk.free, disk.size) {
        Space::Ample => None,
        Space::Below20 => Some(has),
        Space::Below10 => Some(format!("{has}: make room")),
        Space::Below5 => Some(format!("{has}: make room now")),
        Space::Full => Some(format!(
            "{has}: nothing is recorded, and calls go as each facility chose; make room"
        )),
    }
}

fn disk(of: &'static str, free: u64, size: u64) -> DiskNow {
    let step = match Space::of(free, size) {
        Space::Ample => "ample",
        Space::Below20 => "below 20 %",
        Space::Below10 => "below 10 %",
        Space::Below5 => "below 5 %",
        Space::Full => "full",
    };
    let free_percent = free.saturating_mul(100) / size.max(1);
    DiskNow { of, free, size, free_percent, hours: free / OCTETS_PER_RECORDED_HOUR, step }
}

fn trunk(look: &TrunkLook) -> TrunkNow {
    let state = match look.health {
        TrunkHealth::Up => "up",
        TrunkHealth::Resting => "resting",
        TrunkHealth::Unregistered => "unregistered",
        TrunkHealth::Silent => "silent",
        TrunkHealth::Nowhere => "nowhere",
    };
    let max = Some(look.calls_max).filter(|max| *max != u32::MAX);
    TrunkNow { trunk: look.id.0, state, calls: look.calls, max }
}

/// The word under which something is written everywhere.
fn word(what: &impl serde::Serialize) -> String {
    match serde_json::to_value(what) {
        Ok(Value::String(word)) => word,
        Ok(_) | Err(_) => String::new(),
    }
}

/// So many facts or entries may be on their way: what a busy node makes in some seconds.
const FACTS_BEHIND_MAX: u64 = 5_000;

#[cfg(test)]
mod tests {
    use super::*;
    use model::fact::Refusal;

    #[test]
    fn a_disk_alarms_at_20_10_and_5_percent_and_at_the_reserve() {
        let gib = 1_u64 << 30;
        for (free, size, step, ends) in [
            (20 * gib, 100 * gib, "ample", None),
            (19 * gib, 100 * gib, "below 20 %", Some("hours")),
            (9 * gib, 100 * gib, "below 10 %", Some(": make room")),
            (4 * gib, 100 * gib, "below 5 %", Some(": make room now")),
            (1 << 20, gib, "full", Some("as each facility chose; make room")),
        ] {
            let disk = disk("records", free, size);
            assert_eq!(disk.step, step);
            let alarm = disk_alarm(&disk);
            assert_eq!(alarm.is_some(), ends.is_some());
            assert!(alarm.unwrap_or_default().ends_with(ends.unwrap_or_default()), "{step}");
        }
        assert_eq!(disk("records", 100 * gib, 200 * gib).hours, 1_857);
    }

    #[test]
    fn words_are_those_of_records_and_packages() {
        assert_eq!(word(&Refusal::OwnNumber), "own_number");
        assert_eq!(word(&Custody::SplitWithWitnesses), "split_with_witnesses");
    }
}

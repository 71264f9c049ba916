//! How a desk is, for whoever keeps the machine running. None of it says who calls whom.

use std::sync::atomic::Ordering;

use model::{
    AgencyId, StationId, Timestamp,
    fact::{Epoch, Refusal},
    plan::StationAccess,
};
use registry::Unusable;

use crate::{
    desk::{Broken, Desk},
    disk::Space,
};

/// How a desk is at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// How much room there is for records and recordings, as last looked at.
    pub space: Space,
    /// Number of the last fact that is durable.
    pub durable: u64,
    /// Number of the last fact that is in the store.
    pub projected: u64,
    /// Facts that the journal refused and that are appended again.
    pub unsaid: usize,
    /// How often people's calls were refused since the start, and why.
    pub refused: Vec<(Refusal, u64)>,
    /// Whether the journal has stopped for good.
    pub failed: bool,
    /// Whether entries wait that the log does not take: then nothing is recorded.
    pub log_behind: bool,
    /// The registry of protected numbers.
    pub registry: RegistryCondition,
}

/// How the registry in use is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryCondition {
    /// Its epoch; 0 where none was ever loaded.
    pub epoch: Epoch,
    /// How many numbers it protects.
    pub count: usize,
    /// When its source confirmed it last.
    pub confirmed: Timestamp,
    /// Whether it can be trusted; if not, nothing is recorded.
    pub usable: Result<(), Unusable>,
}

/// A station that is provisioned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StationPlace {
    /// Its number.
    pub id: StationId,
    /// Its agency.
    pub agency: AgencyId,
    /// The operator's key of it, `agency/facility/unit/station`.
    pub key: String,
    /// Whether it is known by a password and so registers; else it is known by its address.
    pub registers: bool,
}

impl Desk {
    /// How it is now.
    ///
    /// # Errors
    /// When the store does not say what it has.
    pub fn condition(&self) -> Result<Condition, Broken> {
        // The store first: what it has was durable before.
        let projected = self.inner().store.projected()?;
        Ok(Condition { projected, ..self.condition_without_store() })
    }

    /// The same where the store does not answer: as if nothing were in it.
    pub fn condition_without_store(&self) -> Condition {
        let (inner, now) = (self.inner(), self.inner().clock.now());
        let (unsaid, refused) = {
            let state = self.state();
            let refused = state.refused.iter().map(|(why, count)| (*why, *count));
            (state.unsaid.len(), refused.collect())
        };
        let registry = self.book().registry.clone();
        Condition {
            space: inner.disk.space(),
            durable: inner.durable.load(Ordering::Relaxed),
            projected: 0,
            unsaid,
            refused,
            failed: inner.failed.load(Ordering::Relaxed),
            log_behind: inner.clerk.is_behind(),
            registry: RegistryCondition {
                epoch: registry.epoch(),
                count: registry.count(),
                confirmed: registry.confirmed(),
                usable: registry.usable(now).map(|_| ()),
            },
        }
    }

    /// Every station that is provisioned, by its key.
    pub fn stations(&self) -> Vec<StationPlace> {
        let book = self.book();
        let place = |(station, facility): (&model::plan::Station, &model::plan::Facility)| {
            let registers = match station.access {
                StationAccess::Digest { .. } => true,
                StationAccess::Source { .. } => false,
            };
            let (id, key) = (station.id, station.key.clone());
            StationPlace { id, agency: facility.agency, key, registers }
        };
        let mut stations: Vec<_> = book.all_stations().map(place).collect();
        stations.sort_by(|one, other| one.key.cmp(&other.key));
        stations
    }
}

//! How a line is, for whoever keeps the machine running.

use crate::trunk::Trunk;
use model::{StationId, Timestamp, TrunkId};

/// How stations and trunks are at one moment. None of it says who calls whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineLook {
    /// Dialogs that are up or being set up; a call has two.
    pub dialogs: usize,
    /// TCP and TLS connections.
    pub streams: usize,
    /// Stations that have registered, in no order, each with when that ends. One that is known by
    /// its address need not register.
    pub stations: Vec<(StationId, Timestamp)>,
    /// The trunks, in the order of the settings.
    pub trunks: Vec<TrunkLook>,
}

/// How a trunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrunkLook {
    /// Its number.
    pub id: TrunkId,
    /// Whether it is expected to take a call.
    pub health: TrunkHealth,
    /// Calls on it.
    pub calls: u32,
    /// Most calls on it at once.
    pub calls_max: u32,
}

/// Whether a trunk is expected to take a call. What is worst comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrunkHealth {
    /// It is.
    Up,
    /// It could not take a call, and is left alone for some seconds.
    Resting,
    /// It wants to know where we are, and does not yet, or any more.
    Unregistered,
    /// It does not answer when it is asked whether it is there (OPTIONS).
    Silent,
    /// No address is known of its name.
    Nowhere,
}

impl Trunk {
    /// How it is.
    pub(crate) fn look(&self, now: Timestamp) -> TrunkLook {
        let (id, calls_max) = (self.config.id, self.config.channels_max);
        TrunkLook { id, health: self.health(now), calls: self.calls(), calls_max }
    }
}

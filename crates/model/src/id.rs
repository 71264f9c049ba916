//! Ids. Each kind has its own type, so that they cannot be swapped.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);
    };
}

id!(
    /// A sheriff's office or department of corrections; the first part of every stored key.
    AgencyId(u32)
);
id!(
    /// A jail or prison of an agency.
    FacilityId(u32)
);
id!(
    /// A housing unit of a facility.
    UnitId(u32)
);
id!(
    /// A telephone in a facility, or one line of a gateway.
    StationId(u32)
);
id!(
    /// An incarcerated person.
    PersonId(u32)
);
id!(
    /// A prepaid account of a person.
    AccountId(u32)
);
id!(
    /// One call of one node: the node's boot number in the upper 32 bits, a counter below it.
    CallId(u64)
);
id!(
    /// A way out to a carrier. 0 is the one that was provisioned without a number.
    TrunkId(u16)
);
id!(
    /// Money held for one call. A call has at most one hold, which carries its number.
    HoldId(u64)
);
id!(
    /// One recording. A call has at most one, which carries its number.
    RecordingId(u64)
);
id!(
    /// Somebody who works for an agency, or another reader with a log-in: counsel, an inspector.
    StaffId(u32)
);
id!(
    /// A permission to look at the data of one case, for a while.
    GrantId(u32)
);
id!(
    /// One play of a script to one leg, numbered within its call.
    PlayId(u32)
);

impl CallId {
    /// The call numbered `counter` since boot `boot`.
    pub const fn from_parts(boot: u32, counter: u32) -> Self {
        Self(((boot as u64) << 32) | counter as u64)
    }

    /// The hold of this call, if it has one.
    pub const fn hold(self) -> HoldId {
        HoldId(self.0)
    }

    /// The recording of this call, if it has one.
    pub const fn recording(self) -> RecordingId {
        RecordingId(self.0)
    }

    /// One of its two legs.
    pub const fn leg(self, side: Side) -> LegId {
        LegId { call: self, side }
    }
}

/// Which of the two legs of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Side {
    /// The telephone in the facility.
    Station,
    /// The party that is called.
    Called,
}

impl Side {
    /// The other leg.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Station => Self::Called,
            Self::Called => Self::Station,
        }
    }
}

/// One leg of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LegId {
    /// The call.
    pub call: CallId,
    /// Which of its legs.
    pub side: Side,
}

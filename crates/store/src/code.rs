//! Between columns and the words of the domain: enums as stable text, and typed reading of rows.

use crate::{
    dialect::Row,
    error::{Broken, Doing},
};
use model::{
    E164, Language, Money, PromptId, Timestamp,
    fact::{EndReason, KeyPath, NumberClass, OffReason, RecordingState, Refusal, Rest},
    place::{FacilityKind, State},
    plan::{BlockScope, DiskFull, Lifted, NumberUse, RegistryDown, ServiceKind},
    speech::ContentHash,
};
use sqlx::Row as _;
use std::time::Duration;

/// An enum that is stored as text. The text never changes.
pub(crate) trait Coded: Copy + 'static {
    fn code(self) -> &'static str;
    fn from_code(code: &str) -> Option<Self>;
}

macro_rules! codes {
    ($($kind:ident { $($variant:ident = $text:literal,)* })*) => {$(
        impl Coded for $kind {
            fn code(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
            fn from_code(code: &str) -> Option<Self> {
                match code { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    )*};
}

codes! {
    FacilityKind { Prison = "prison", Jail = "jail", }
    Language { En = "en", Es = "es", }
    NumberUse { Allowed = "allowed", Blocked = "blocked", Free = "free", }
    DiskFull { PlaceUnrecorded = "place_unrecorded", Refuse = "refuse", }
    ServiceKind { Relay = "relay", Help = "help", Speed = "speed", }
    RegistryDown { PlaceUnrecorded = "place_unrecorded", Refuse = "refuse", }
    NumberClass { Ordinary = "ordinary", Protected = "protected", Free = "free", Relay = "relay", Service = "service", }
    BlockScope { Facility = "facility", Agency = "agency", }
    Lifted { Block = "block", Claims = "claims", }
    Refusal {
        NumberInvalid = "number_invalid",
        NumberNotAllowed = "number_not_allowed",
        NumberBlocked = "number_blocked",
        InsufficientFunds = "insufficient_funds",
        EmergencyNotHere = "emergency_not_here",
        NoLawfulRate = "no_lawful_rate",
        RegistryUnavailable = "registry_unavailable",
        Unavailable = "unavailable",
        AlreadyCalling = "already_calling",
        DiskFull = "disk_full",
        OwnNumber = "own_number",
        Closed = "closed",
    }
    OffReason {
        Protected = "protected",
        FacilityOff = "facility_off",
        RegistryUnusable = "registry_unusable",
        LogUnavailable = "log_unavailable",
        Disk = "disk",
        StationOff = "station_off",
        Relay = "relay",
        Service = "service",
        PrivateClaim = "private_claim",
        LegMoved = "leg_moved",
        NeverBegun = "never_begun",
    }
    KeyPath { TelephoneEvent = "telephone_event", Info = "info", Inband = "inband", }
    RecordingState { Ended = "ended", Cut = "cut", }
    Rest { NoHold = "no_hold", Released = "released", Expired = "expired", }
    EndReason {
        StationHungUp = "station_hung_up",
        CalledHungUp = "called_hung_up",
        RefusedByKey = "refused_by_key",
        NoticeCutShort = "notice_cut_short",
        NotAccepted = "not_accepted",
        Busy = "busy",
        NoAnswer = "no_answer",
        Unallocated = "unallocated",
        TrunkFailed = "trunk_failed",
        LimitReached = "limit_reached",
        MediaLost = "media_lost",
        NodeStopping = "node_stopping",
        NodeDied = "node_died",
        Fault = "fault",
        Declined = "declined",
        Forwarded = "forwarded",
        BlockedByKey = "blocked_by_key",
        LooksLikeMachine = "looks_like_machine",
        CutByStaff = "cut_by_staff",
    }
}

/// Prompt ids as one text, names with spaces between.
pub(crate) fn prompts(ids: &[PromptId]) -> String {
    let names: Vec<&str> = ids.iter().map(|id| id.name()).collect();
    names.join(" ")
}

/// An unsigned number as the database counts. Sequence numbers, epochs and sizes never come near
/// the end of the range; call ids use all bits and go through `cast_signed`.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A length of time in microseconds.
pub(crate) fn micros(length: Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX)
}

/// A number's digits as the database counts.
pub(crate) fn digits(number: E164) -> i64 {
    signed(number.digits())
}

/// Typed reading of a row's columns.
pub(crate) trait Columns {
    fn maybe_int(&self, column: &'static str) -> Result<Option<i64>, Broken>;
    fn maybe_text(&self, column: &'static str) -> Result<Option<String>, Broken>;
    fn maybe_octets(&self, column: &'static str) -> Result<Option<Vec<u8>>, Broken>;

    fn int(&self, column: &'static str) -> Result<i64, Broken> {
        self.maybe_int(column)?.ok_or_else(|| Broken::unreadable(column))
    }

    fn text(&self, column: &'static str) -> Result<String, Broken> {
        self.maybe_text(column)?.ok_or_else(|| Broken::unreadable(column))
    }

    fn flag(&self, column: &'static str) -> Result<bool, Broken> {
        Ok(self.int(column)? != 0)
    }

    fn count(&self, column: &'static str) -> Result<u64, Broken> {
        u64::try_from(self.int(column)?).map_err(|_| Broken::unreadable(column))
    }

    fn number(&self, column: &'static str) -> Result<u32, Broken> {
        u32::try_from(self.int(column)?).map_err(|_| Broken::unreadable(column))
    }

    fn maybe_number(&self, column: &'static str) -> Result<Option<u32>, Broken> {
        self.maybe_int(column)?
            .map(|value| u32::try_from(value).map_err(|_| Broken::unreadable(column)))
            .transpose()
    }

    fn money(&self, column: &'static str) -> Result<Money, Broken> {
        Ok(Money::from_micros(self.int(column)?))
    }

    fn maybe_money(&self, column: &'static str) -> Result<Option<Money>, Broken> {
        Ok(self.maybe_int(column)?.map(Money::from_micros))
    }

    fn time(&self, column: &'static str) -> Result<Timestamp, Broken> {
        Ok(Timestamp::from_micros(self.int(column)?))
    }

    fn maybe_time(&self, column: &'static str) -> Result<Option<Timestamp>, Broken> {
        Ok(self.maybe_int(column)?.map(Timestamp::from_micros))
    }

    fn length(&self, column: &'static str) -> Result<Duration, Broken> {
        Ok(Duration::from_micros(self.count(column)?))
    }

    fn maybe_length(&self, column: &'static str) -> Result<Option<Duration>, Broken> {
        self.maybe_int(column)?.map(|_| self.length(column)).transpose()
    }

    fn e164(&self, column: &'static str) -> Result<E164, Broken> {
        E164::new(self.count(column)?).ok_or_else(|| Broken::unreadable(column))
    }

    fn coded<T: Coded>(&self, column: &'static str) -> Result<T, Broken> {
        T::from_code(&self.text(column)?).ok_or_else(|| Broken::unreadable(column))
    }

    fn maybe_coded<T: Coded>(&self, column: &'static str) -> Result<Option<T>, Broken> {
        self.maybe_text(column)?
            .map(|code| T::from_code(&code).ok_or_else(|| Broken::unreadable(column)))
            .transpose()
    }

    fn maybe_key(&self, column: &'static str) -> Result<Option<char>, Broken> {
        Ok(self.maybe_text(column)?.and_then(|text| text.chars().next()))
    }

    fn state(&self, column: &'static str) -> Result<State, Broken> {
        State::new(&self.text(column)?).ok_or_else(|| Broken::unreadable(column))
    }

    fn octets<const N: usize>(&self, column: &'static str) -> Result<[u8; N], Broken> {
        self.maybe_array(column)?.ok_or_else(|| Broken::unreadable(column))
    }

    fn maybe_array<const N: usize>(&self, column: &'static str) -> Result<Option<[u8; N]>, Broken> {
        self.maybe_octets(column)?
            .map(|octets| octets.try_into().map_err(|_| Broken::unreadable(column)))
            .transpose()
    }
}

impl Columns for Row {
    fn maybe_int(&self, column: &'static str) -> Result<Option<i64>, Broken> {
        self.try_get(column).doing("be read")
    }

    fn maybe_text(&self, column: &'static str) -> Result<Option<String>, Broken> {
        self.try_get(column).doing("be read")
    }

    fn maybe_octets(&self, column: &'static str) -> Result<Option<Vec<u8>>, Broken> {
        self.try_get(column).doing("be read")
    }
}

/// A hash of what was played, as its octets.
pub(crate) fn hash(hash: &ContentHash) -> Vec<u8> {
    hash.0.to_vec()
}

//! What facts say, in short.

use model::{
    CallId, E164, Money, Timestamp,
    fact::{EndReason, Fact, NumberClass, OffReason, RateFact, Refusal},
    place::FacilityKind,
};

use crate::{
    county::{FACILITIES_COUNT, FIRST_NUMBER, FIRST_OWN_NUMBER, HELP_LINE, RELAY_LINE},
    seen::Seen,
};

/// Place of a fact's kind in the list of kinds, and its call.
pub(crate) fn kind(fact: &Fact) -> (u8, CallId) {
    match fact {
        Fact::Boot { .. } => (0, CallId(0)),
        Fact::Admitted(admitted) => (1, admitted.call),
        Fact::Denied(denied) => (2, denied.call),
        Fact::Answered { call, .. } => (3, *call),
        Fact::Accepted { call, .. } => (4, *call),
        Fact::Talked { call, .. } => (5, *call),
        Fact::RecordingClosed { call, .. } => (6, *call),
        Fact::Ended(ended) => (7, ended.call),
        Fact::LanguageChosen { .. } => (8, CallId(0)),
        Fact::PinRefused { .. } => (9, CallId(0)),
        Fact::PrivateClaimed { call, .. } => (12, *call),
        Fact::CallsBlocked { call, .. } => (13, *call),
        Fact::Dialled { call, .. } => (10, *call),
        Fact::NeverRecorded { call, .. } => (11, *call),
        Fact::Forwarded { call, .. } => (14, *call),
        Fact::NameRecorded(name) => (15, name.call),
        Fact::NameHeard(_) => (16, CallId(0)),
        Fact::NameApproved(_) => (17, CallId(0)),
        Fact::NameRemoved { call, .. } => (18, call.unwrap_or(CallId(0))),
        Fact::Heard(heard) => (19, heard.call),
        Fact::NameByStaff(_) => (20, CallId(0)),
    }
}

/// Whole seconds at this rate, parts of a micro-dollar dropped.
pub(super) fn price(rate: &RateFact, seconds: u64) -> i128 {
    let per_minute = i128::from(rate.base_per_minute.micros() + rate.additive_per_minute.micros());
    i128::from(seconds) * per_minute / 60
}

/// Whether the law allowed this rate at this time, which is the time it was proved for.
pub(super) fn is_lawful(rate: &RateFact, at: Timestamp) -> bool {
    let (base, additive) = (rate.base_per_minute, rate.additive_per_minute);
    rate.at == at && is_rate_lawful(rate.site.kind, base, additive, at)
}

/// The caps of FCC 21-60 until, and of FCC 25-75 from 6 April 2026, for the two kinds of sites of
/// the county: a jail of 200 and a prison.
pub(super) fn is_rate_lawful(
    kind: FacilityKind,
    base: Money,
    additive: Money,
    at: Timestamp,
) -> bool {
    let new = at >= Timestamp::from_micros(CAPS_CHANGE_MICROS);
    let (base_max, additive_max, total_max) = match (kind, new) {
        (FacilityKind::Jail, false) => (210_000, 0, 210_000),
        (FacilityKind::Jail, true) => (110_000, 20_000, 130_000),
        (FacilityKind::Prison, false) => (120_000, 20_000, 140_000),
        (FacilityKind::Prison, true) => (90_000, 20_000, 110_000),
    };
    let (base, additive) = (base.micros(), additive.micros());
    (0..=base_max).contains(&base)
        && (0..=additive_max).contains(&additive)
        && base + additive <= total_max
}

/// What a number is, if it is a service, and why its calls are never recorded.
pub(super) fn service(number: E164) -> Option<(NumberClass, OffReason)> {
    match number.digits().checked_sub(FIRST_NUMBER)? {
        RELAY_LINE => Some((NumberClass::Relay, OffReason::Relay)),
        HELP_LINE => Some((NumberClass::Service, OffReason::Service)),
        _ => None,
    }
}

/// Whether a number is one of the county's own.
pub(super) fn is_own(number: E164) -> bool {
    let place = number.digits().checked_sub(FIRST_OWN_NUMBER);
    place.is_some_and(|place| (1..=u64::from(FACILITIES_COUNT)).contains(&place))
}

/// Which of five steps of room so many thousandths of the disk are.
pub(super) fn step(permille: u64) -> u8 {
    match permille {
        0 => 4,
        1..50 => 3,
        50..100 => 2,
        100..200 => 1,
        _ => 0,
    }
}

pub(super) fn seen_end(reason: EndReason) -> Seen {
    match reason {
        EndReason::StationHungUp => Seen::EndStationHungUp,
        EndReason::CalledHungUp => Seen::EndCalledHungUp,
        EndReason::RefusedByKey => Seen::EndRefusedByKey,
        EndReason::NoticeCutShort => Seen::EndNoticeCutShort,
        EndReason::NotAccepted => Seen::EndNotAccepted,
        EndReason::Busy => Seen::EndBusy,
        EndReason::NoAnswer => Seen::EndNoAnswer,
        EndReason::Unallocated => Seen::EndUnallocated,
        EndReason::TrunkFailed => Seen::EndTrunkFailed,
        EndReason::LimitReached => Seen::EndLimitReached,
        EndReason::MediaLost => Seen::EndMediaLost,
        EndReason::NodeStopping => Seen::EndNodeStopping,
        EndReason::NodeDied => Seen::EndNodeDied,
        EndReason::Fault => Seen::EndFault,
        EndReason::Declined => Seen::EndDeclined,
        EndReason::Forwarded => Seen::EndForwarded,
        EndReason::BlockedByKey => Seen::EndBlockedByKey,
        EndReason::LooksLikeMachine => Seen::EndLooksLikeMachine,
        EndReason::CutByStaff => Seen::EndCutByStaff,
    }
}

/// `None` where this world has nothing of the kind: nobody closes calls in it.
pub(super) fn seen_denial(reason: Refusal) -> Option<Seen> {
    Some(match reason {
        Refusal::Closed => return None,
        Refusal::NumberInvalid => Seen::DeniedInvalid,
        Refusal::NumberNotAllowed => Seen::DeniedNotAllowed,
        Refusal::OwnNumber => Seen::DeniedOwnNumber,
        Refusal::DiskFull => Seen::DeniedDiskFull,
        Refusal::NumberBlocked => Seen::DeniedBlocked,
        Refusal::InsufficientFunds => Seen::DeniedFunds,
        Refusal::EmergencyNotHere => Seen::DeniedEmergency,
        Refusal::NoLawfulRate => Seen::DeniedNoLawfulRate,
        Refusal::RegistryUnavailable => Seen::DeniedRegistry,
        Refusal::AlreadyCalling => Seen::DeniedAlreadyCalling,
        Refusal::Unavailable => Seen::DeniedUnavailable,
    })
}

pub(super) fn seen_off(reason: OffReason) -> Seen {
    match reason {
        OffReason::Protected => Seen::TalkOffProtected,
        OffReason::Relay => Seen::TalkOffRelay,
        OffReason::Service => Seen::TalkOffService,
        OffReason::FacilityOff | OffReason::StationOff => Seen::TalkOffFacility,
        OffReason::RegistryUnusable => Seen::TalkOffRegistry,
        // Nobody talks then, so that nothing more is seen of it than this.
        OffReason::LogUnavailable | OffReason::NeverBegun => Seen::TalkOffLog,
        OffReason::Disk => Seen::TalkOffDisk,
        OffReason::PrivateClaim => Seen::TalkOffPrivate,
        OffReason::LegMoved => Seen::TalkOffMoved,
    }
}

/// 2026-04-06, 00:00 in Washington.
pub(super) const CAPS_CHANGE_MICROS: i64 = 1_775_448_000_000_000;

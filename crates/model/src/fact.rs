//! What happened, as the journal keeps it. Everything stored about calls and money is a projection
//! of a list of facts; replaying the list gives the same state again.
//!
//! Facts are written with `postcard`, which numbers enum variants by position: append new variants
//! at the end and never reorder fields (`docs/formats/journal.md`).

use crate::{
    AccountId, AgencyId, CallId, E164, FacilityId, Language, Money, PersonId, Private, PromptId,
    StaffId, StationId, Timestamp, TrunkId, UnitId, speech::ContentHash,
};
use alloc::{boxed::Box, string::String, vec::Vec};
use core::time::Duration;
use serde::{Deserialize, Serialize};

/// Number of a registry's state; grows by one with each change of protected numbers.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Epoch(pub u64);

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Fact {
    /// The node started.
    Boot {
        /// Number of this start, from 1.
        boot: u32,
        /// When.
        at: Timestamp,
        /// Version of the program.
        version: String,
    },
    /// A call was screened, priced and allowed; its hold, if it costs anything, is in the same
    /// fact.
    Admitted(Box<Admitted>),
    /// A person asked for a call and was refused.
    Denied(Box<Denied>),
    /// The called party answered. Answering is not accepting.
    Answered {
        /// The call.
        call: CallId,
        /// When.
        at: Timestamp,
    },
    /// The called party accepted after the whole notice.
    Accepted {
        /// The call.
        call: CallId,
        /// What was played to whom and what was pressed.
        evidence: Box<ConsentEvidence>,
        /// Whether a recording starts with the conversation, or why not.
        recording: Result<Epoch, OffReason>,
    },
    /// The conversation has lasted so long. Written every few seconds, so that a node that dies
    /// charges up to here and not more.
    Talked {
        /// The call.
        call: CallId,
        /// Length of the conversation so far.
        talked: Duration,
        /// When.
        at: Timestamp,
    },
    /// A recording was closed.
    RecordingClosed {
        /// The call.
        call: CallId,
        /// How it ended and what is on disk.
        recording: RecordingEnd,
        /// When.
        at: Timestamp,
    },
    /// The call is over and its hold, if any, is settled. Written exactly once per admission.
    Ended(Box<Ended>),
    /// A called party chose a language; it is remembered for their number within the agency.
    LanguageChosen {
        /// The agency.
        agency: AgencyId,
        /// Their number.
        number: Private<E164>,
        /// The language.
        language: Language,
        /// When.
        at: Timestamp,
    },
    /// A wrong PIN was entered at a station. Never holds the digits.
    PinRefused {
        /// The station.
        station: StationId,
        /// When.
        at: Timestamp,
    },
    /// A call went out to a trunk. One that failed over has one of these for each trunk that was
    /// tried; the last is the trunk that carried it.
    Dialled {
        /// The call.
        call: CallId,
        /// The trunk.
        trunk: TrunkId,
        /// When.
        at: Timestamp,
    },
    /// A recording that was to be made was never begun, and its call had ended before anybody knew.
    NeverRecorded {
        /// The call.
        call: CallId,
        /// Why.
        reason: OffReason,
        /// When.
        at: Timestamp,
    },
    /// A called party said by key that a call is private: it is not recorded, and the claims of a
    /// number are counted until staff have looked at them.
    PrivateClaimed {
        /// The call.
        call: CallId,
        /// The agency.
        agency: AgencyId,
        /// Their number.
        number: Private<E164>,
        /// When.
        at: Timestamp,
    },
    /// A called party wants no more calls.
    CallsBlocked {
        /// The call in which they said so.
        call: CallId,
        /// The agency.
        agency: AgencyId,
        /// The facility they want no calls from, or `None` for the whole agency.
        facility: Option<FacilityId>,
        /// Their number.
        number: Private<E164>,
        /// When.
        at: Timestamp,
    },
    /// The carrier said that the call was sent on from the number that was dialled to another one.
    /// Whoever accepts it may not be whom the person called.
    Forwarded {
        /// The call.
        call: CallId,
        /// When it said so first.
        at: Timestamp,
    },
    /// A person recorded their name and kept it for staff.
    NameRecorded(Box<NameRecorded>),
    /// Somebody at the node listened to a recorded name. Now [`Fact::NameByStaff`] says who.
    NameHeard(NameActed),
    /// Somebody at the node approved a recorded name. Now [`Fact::NameByStaff`] says who.
    NameApproved(NameActed),
    /// A recorded name was removed, and its file destroyed.
    NameRemoved {
        /// Which, and when.
        acted: NameActed,
        /// The call in which the person removed it. Without one it was somebody at the node; now
        /// [`Fact::NameByStaff`] says who.
        call: Option<CallId>,
    },
    /// How the audio of an admitted call was. Written after its end, when both legs are closed.
    Heard(Box<Heard>),
    /// Staff did something with a recorded name, in an act that the log allows.
    NameByStaff(NameByStaff),
}

/// How the audio of a call was, as it was counted at both ends of both legs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// The call.
    pub call: CallId,
    /// When its last leg was closed.
    pub at: Timestamp,
    /// The leg to the station.
    pub station: LegHeard,
    /// The leg to the called party.
    pub called: LegHeard,
}

/// How the audio of one leg was. What the other end counted is what it said last by RTCP, and zero
/// when it said nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegHeard {
    /// Packets that came.
    pub received: u64,
    /// Packets that never came (RFC 3550 section 6.4.1).
    pub lost: u64,
    /// How unevenly they came, at the end (RFC 3550 appendix A.8).
    pub jitter: Duration,
    /// Packets that were sent.
    pub sent: u64,
    /// Packets that never came there.
    pub lost_there: u64,
    /// How unevenly they came there.
    pub jitter_there: Duration,
}

impl Fact {
    /// When it happened.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Boot { at, .. }
            | Self::Answered { at, .. }
            | Self::Talked { at, .. }
            | Self::RecordingClosed { at, .. }
            | Self::LanguageChosen { at, .. }
            | Self::PinRefused { at, .. }
            | Self::Dialled { at, .. }
            | Self::NeverRecorded { at, .. }
            | Self::PrivateClaimed { at, .. }
            | Self::CallsBlocked { at, .. }
            | Self::Forwarded { at, .. } => *at,
            Self::Admitted(admitted) => admitted.at,
            Self::Denied(denied) => denied.at,
            // Whoever accepted pressed the key before the fact was written, and not long before.
            Self::Accepted { evidence, .. } => evidence.key_onset,
            Self::Ended(ended) => ended.at,
            Self::NameRecorded(recorded) => recorded.at,
            Self::NameHeard(acted) | Self::NameApproved(acted) => acted.at,
            Self::NameRemoved { acted, .. } => acted.at,
            Self::Heard(heard) => heard.at,
            Self::NameByStaff(done) => done.acted.at,
        }
    }
}

/// A name in somebody's own voice, recorded alone in a call before anybody was called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameRecorded {
    /// The call it was said in.
    pub call: CallId,
    /// The agency.
    pub agency: AgencyId,
    /// Whose name it is.
    pub person: PersonId,
    /// SHA-256 of its sealed file.
    pub sha256: [u8; 32],
    /// SHA-256 of what was said, as the hash of a notice names it.
    pub voice: [u8; 32],
    /// Octets of G.711 that were said.
    pub octets: u32,
    /// When it was kept.
    pub at: Timestamp,
}

/// Something that was done with a recorded name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameActed {
    /// The agency.
    pub agency: AgencyId,
    /// Whose name it is.
    pub person: PersonId,
    /// SHA-256 of its sealed file.
    pub sha256: [u8; 32],
    /// When.
    pub at: Timestamp,
}

/// What staff did with a recorded name, who did, and by which leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameByStaff {
    /// Which name, and when.
    pub acted: NameActed,
    /// What.
    pub did: NameDid,
    /// Who.
    pub by: StaffId,
    /// Number of the act in which it was allowed.
    pub act: u64,
}

/// What staff can do with a recorded name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NameDid {
    /// They listened to it.
    Heard,
    /// They approved it: from then on notices are spoken with it.
    Approved,
    /// They removed it, and its file was destroyed.
    Removed,
}

/// A call that was allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// The call.
    pub call: CallId,
    /// When; caps and rates are those in force at this time.
    pub at: Timestamp,
    /// The agency.
    pub agency: AgencyId,
    /// The facility.
    pub facility: FacilityId,
    /// The housing unit.
    pub unit: UnitId,
    /// The station.
    pub station: StationId,
    /// The person who dialled, or `None` where the station asks for no PIN: then nobody is
    /// identified and nobody pays.
    #[serde(with = "nobody")]
    pub person: Option<PersonId>,
    /// The number that is called.
    pub number: Private<E164>,
    /// How the number stands.
    pub class: NumberClass,
    /// Epoch of the registry snapshot that was asked.
    pub epoch: Epoch,
    /// Whether the call may be recorded, or why not.
    pub may_record: Result<(), OffReason>,
    /// The hold, or `None` for a free call.
    pub hold: Option<HoldFact>,
}

/// Money held for a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldFact {
    /// Whose money.
    pub account: AccountId,
    /// How much.
    pub amount: Money,
    /// The rate, which is proved lawful again when it is read back.
    pub rate: RateFact,
    /// When the hold ends by itself.
    pub expires: Timestamp,
}

/// A rate as data. To charge with it, `charging` must prove it lawful again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateFact {
    /// Per minute, without the facility's part.
    pub base_per_minute: Money,
    /// The facility's own part per minute (47 CFR 64.6010, the additive), shown apart.
    pub additive_per_minute: Money,
    /// The site it was proved for.
    pub site: crate::place::Site,
    /// The moment it was proved for.
    pub at: Timestamp,
}

/// How a called number stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NumberClass {
    /// Any number.
    Ordinary,
    /// Registered by counsel or another protected party.
    Protected,
    /// Free to call; recorded like any other unless it is also protected.
    Free,
    /// Telecommunications relay service (47 CFR 64.603): free, never recorded, reminded of nothing.
    Relay,
    /// A line for help or complaints that the facility provides, such as those of 28 CFR 115.51:
    /// free and never recorded.
    Service,
}

/// Why a call was refused before it was dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Not a number that can be called.
    NumberInvalid,
    /// Not on the person's list, or blocked by the facility.
    NumberNotAllowed,
    /// The called party does not want calls.
    NumberBlocked,
    /// Not enough money for one minute.
    InsufficientFunds,
    /// An emergency number (911): staff are the way to help.
    EmergencyNotHere,
    /// No lawful rate is configured for this facility.
    NoLawfulRate,
    /// The registry is not usable and the facility refuses calls then.
    RegistryUnavailable,
    /// The journal, the disk or the node cannot take the call.
    Unavailable,
    /// This person is on another call: a PIN makes one call at a time.
    AlreadyCalling,
    /// The disk is full and the facility refuses calls then.
    DiskFull,
    /// A number of this telephone service itself: the call would come back to it.
    OwnNumber,
    /// Staff have closed such calls.
    Closed,
}

/// A call that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denied {
    /// The call.
    pub call: CallId,
    /// When.
    pub at: Timestamp,
    /// The agency.
    pub agency: AgencyId,
    /// The facility.
    pub facility: FacilityId,
    /// The station.
    pub station: StationId,
    /// The person who dialled, or `None` where nobody is identified.
    #[serde(with = "nobody")]
    pub person: Option<PersonId>,
    /// The number, when what was dialled is one.
    pub number: Option<Private<E164>>,
    /// Why.
    pub reason: Refusal,
}

/// Why a call is not recorded. There is no setting that turns one of these into a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OffReason {
    /// The number is in the registry of counsel and other protected parties.
    Protected,
    /// The facility does not record.
    FacilityOff,
    /// The registry is missing, older than its limit, or has shrunk.
    RegistryUnusable,
    /// The journal cannot make the start of a recording durable.
    LogUnavailable,
    /// The recording cannot be written.
    Disk,
    /// Calls of this station are not recorded.
    StationOff,
    /// A relay call: what is relayed is confidential.
    Relay,
    /// A line for help or complaints, which is never recorded.
    Service,
    /// The called party said by key that the call is private.
    PrivateClaim,
    /// A leg was moved to another address after the acceptance: whoever is there now has heard no
    /// notice.
    LegMoved,
    /// The called party accepted, and the call was over before the two were joined.
    NeverBegun,
}

/// What the consent of a call rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentEvidence {
    /// Version of the prompt pack.
    pub pack: ContentHash,
    /// Sentences of the notice, in order.
    pub prompts: Vec<PromptId>,
    /// Language in which the called party heard it.
    pub language: Language,
    /// What was played to the called party, to its end.
    pub played_called: ContentHash,
    /// What was played to the person, to its end.
    pub played_station: ContentHash,
    /// When the notice had ended for both.
    pub notice_ended: Timestamp,
    /// Onset of the accepting key.
    pub key_onset: Timestamp,
    /// The accepting key.
    pub key: char,
    /// How the key came in.
    pub path: KeyPath,
}

/// How a key came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPath {
    /// Telephone-event packets (RFC 4733).
    TelephoneEvent,
    /// A SIP INFO request.
    Info,
    /// Tones in the audio.
    Inband,
}

/// How a recording ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingEnd {
    /// Whether it was closed in order, or cut and recovered later.
    pub state: RecordingState,
    /// Octets in the file.
    pub bytes: u64,
    /// Whole frames of one second.
    pub frames: u32,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
}

/// State of a recording's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    /// Closed in order.
    Ended,
    /// Cut by a fault; what was written before is whole.
    Cut,
}

/// How a call ended, and what it cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The call.
    pub call: CallId,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: EndReason,
    /// Length of the conversation; zero when nobody accepted.
    pub talked: Duration,
    /// Taken from the hold.
    pub charged: Money,
    /// What became of the rest of the hold.
    pub rest: Rest,
    /// Key by which the called party decided, if any.
    pub decision_key: Option<char>,
    /// Why it was not recorded, or `None` when it was or when nobody talked.
    pub off: Option<OffReason>,
}

/// What becomes of the part of a hold that is not charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rest {
    /// There was no hold.
    NoHold,
    /// Given back at once.
    Released,
    /// Given back because the hold had run out before anybody settled it.
    Expired,
}

/// Why an admitted call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The person hung up.
    StationHungUp,
    /// The called party hung up.
    CalledHungUp,
    /// The called party pressed the key that refuses.
    RefusedByKey,
    /// The called party hung up, or was gone, before the notice ended.
    NoticeCutShort,
    /// The notice ended and nobody accepted.
    NotAccepted,
    /// The line was busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// The number does not exist.
    Unallocated,
    /// The trunk could not connect the call.
    TrunkFailed,
    /// The length allowed for this call, or the money, was used up.
    LimitReached,
    /// No audio arrived for too long.
    MediaLost,
    /// The node was asked to stop.
    NodeStopping,
    /// The node died; found at the next start.
    NodeDied,
    /// A fault of ours in this call.
    Fault,
    /// The called party's side refused the call before anybody answered.
    Declined,
    /// The number is forwarded to another one, which was not screened.
    Forwarded,
    /// The called party wants no more calls, and said so by key.
    BlockedByKey,
    /// The notice ended, nobody accepted, and what was heard is like an answering machine.
    LooksLikeMachine,
    /// Staff ended the call.
    CutByStaff,
}

/// How a person who may be nobody is written: as their number, 0 for nobody. Numbers of people
/// begin with 1, so a fact of a person is written as it was before there was a nobody.
mod nobody {
    use super::PersonId;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        person: &Option<PersonId>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        person.map_or(NOBODY, |person| person.0).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<PersonId>, D::Error> {
        let number = u32::deserialize(deserializer)?;
        Ok((number != NOBODY).then_some(PersonId(number)))
    }

    const NOBODY: u32 = 0;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn facts_print_no_personal_data() {
        let number = E164::new(12_025_550_142).unwrap();
        let fact = Fact::LanguageChosen {
            agency: AgencyId(1),
            number: Private::new(number),
            language: Language::Es,
            at: Timestamp::default(),
        };
        assert!(!format!("{fact:?}").contains("5550142"));
    }
}

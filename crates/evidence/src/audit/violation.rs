//! What an audit can find, each in one plain sentence.

use super::Index;
use crate::leaf::NotAnEntry;
use core::fmt;

/// What may never be otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// Every call that was allowed ends in time, in exactly one of: recorded, not recorded.
    I1,
    /// A recording starts after consent, in a call whose number was not protected.
    I2,
    /// The registry that was asked is the newest, but for a minute.
    I3,
    /// The entries of a node are numbered without a gap.
    I4,
    /// Files and entries about their ends belong together one to one, but for what was erased.
    I5,
    /// The registry only grows, except by removals with a reason.
    I6,
    /// Recordings of numbers protected later are quarantined.
    I7,
    /// A name is recorded before anybody is called, heard before it is approved, and its file is
    /// there until it is removed and no longer.
    I8,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Something that breaks an invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are entries' numbers, and the sentence says the rest")]
pub enum Violation {
    /// I4.
    #[error("entry {index} cannot be read: {why}")]
    Unreadable { index: Index, why: NotAnEntry },
    /// I4.
    #[error(
        "entry {index} of node {node} has number {found}, and {expected} was next: entries are missing or were put in"
    )]
    Gap { index: Index, node: u32, expected: u64, found: u64 },
    /// I4.
    #[error("entry {index} is of an earlier start of node {node} than the entry before it")]
    OldStart { index: Index, node: u32 },
    /// I4.
    #[error(
        "entry {index} of node {node} says what only the log itself says (node 0), or only nodes"
    )]
    NotTheirs { index: Index, node: u32 },
    /// I4.
    #[error("entry {index} was to be published before what it says had happened")]
    Early { index: Index },

    /// I1.
    #[error("entry {index} dials in a call that was not allowed, or is over")]
    DialledNothing { index: Index },
    /// I1.
    #[error("entry {index} ends a call that was never allowed")]
    EndOfNothing { index: Index },
    /// I1.
    #[error("entry {index} allows a call that entry {first} had allowed already")]
    AdmittedTwice { index: Index, first: Index },
    /// I1.
    #[error("entry {index} ends a call that entry {first} had ended already")]
    EndedTwice { index: Index, first: Index },
    /// I1.
    #[error(
        "the call of entry {index} has no end: neither that it was recorded nor that it was not"
    )]
    NoEnd { index: Index },
    /// I1.
    #[error("entry {index} ends the call of entry {first} later than any call may last")]
    LateEnd { index: Index, first: Index },
    /// I1.
    #[error(
        "entry {index} goes on although the call of entry {first} was left open when its node started again"
    )]
    LeftOpen { index: Index, first: Index },

    /// I2.
    #[error("entry {index} starts a recording in a call that was never allowed")]
    RecordingOfNothing { index: Index },
    /// I2.
    #[error("entry {index} starts a recording on a protected number")]
    RecordingOfProtected { index: Index },
    /// I2.
    #[error(
        "entry {index} starts a recording although entry {first} says that the call must not be recorded"
    )]
    RecordingForbidden { index: Index, first: Index },
    /// I2.
    #[error("entry {index} starts a recording without a consent before it")]
    NoConsent { index: Index },
    /// I2.
    #[error("entry {index} is the consent to a recording that entry {first} had started before")]
    ConsentAfterRecording { index: Index, first: Index },
    /// I2.
    #[error("entry {index} is a second consent in the call of entry {first}, or one in no call")]
    StrayConsent { index: Index, first: Index },
    /// I2.
    #[error("entry {index} starts the recording of a call a second time, after entry {first}")]
    StartedTwice { index: Index, first: Index },
    /// I2.
    #[error("entry {index} starts a recording in a call that entry {first} had ended")]
    StartedAfterEnd { index: Index, first: Index },
    /// I2.
    #[error("entry {index} closes a recording that no entry started")]
    EndWithoutStart { index: Index },

    /// I3.
    #[error("entry {index} asked epoch {asked} of the registry, which is older than {newest}")]
    StaleEpoch { index: Index, asked: u64, newest: u64 },
    /// I3.
    #[error("entry {index} asked epoch {asked} of the registry, which no entry before it has")]
    UnknownEpoch { index: Index, asked: u64 },

    /// I5.
    #[error("a file of {recording:016x} is stored that no entry tells of: an extra recording")]
    ExtraFile { recording: u64 },
    /// I5.
    #[error(
        "the file of {recording:016x} is not the one that entry {index} tells of: it was changed"
    )]
    OtherFile { index: Index, recording: u64 },
    /// I5.
    #[error("the file that entry {index} tells of is gone, and no entry says that it was erased")]
    MissingFile { index: Index },
    /// I5.
    #[error("the file that entry {index} says was erased is still there")]
    ErasedFile { index: Index },
    /// I5.
    #[error("entry {index} erases what no entry had recorded")]
    EraseOfNothing { index: Index },
    /// I5.
    #[error("entry {index} tells of the same file as entry {first}")]
    SameFile { index: Index, first: Index },

    /// I6.
    #[error("entry {index} sets the registry back to epoch {epoch}, after {newest}")]
    EpochSetBack { index: Index, epoch: u64, newest: u64 },
    /// I6.
    #[error("entry {index} gives epoch {epoch} of the registry another content than entry {first}")]
    EpochChanged { index: Index, first: Index, epoch: u64 },
    /// I6.
    #[error(
        "in epoch {epoch}, entry {index}, numbers are missing: {missing} of them without an entry that says why"
    )]
    RemovedSilently { index: Index, epoch: u64, missing: u64 },
    /// I6.
    #[error("entry {index} removes a number from the registry, and no epoch follows without it")]
    StrayRemoval { index: Index },

    /// I7.
    #[error(
        "entry {index} protects recorded numbers: {missing} of {late} recordings were not quarantined in time"
    )]
    NotQuarantined { index: Index, late: u64, missing: u64 },
    /// I7.
    #[error("entry {index} quarantines a recording that no entry had started")]
    QuarantineOfNothing { index: Index },

    /// I8.
    #[error("entry {index} records a name in a call that entry {first} had allowed already")]
    NameInCall { index: Index, first: Index },
    /// I8.
    #[error("entry {index} records the same name as entry {first}")]
    NameTwice { index: Index, first: Index },
    /// I8.
    #[error("entry {index} approves a recorded name that nobody has listened to")]
    NameUnheard { index: Index },
    /// I8.
    #[error("entry {index} is about a recorded name that was never recorded, or was removed")]
    NameOfNothing { index: Index },
    /// I8.
    #[error("a recorded name is stored that no entry tells of")]
    ExtraName,
    /// I8.
    #[error(
        "the recorded name of entry {index} is gone or was changed, and no entry says that it was removed"
    )]
    MissingName { index: Index },
    /// I8.
    #[error("the recorded name that entry {index} says was removed is still there")]
    RemovedName { index: Index },
}

impl Violation {
    /// Which invariant it breaks.
    pub const fn invariant(&self) -> Invariant {
        match self {
            Self::Unreadable { .. }
            | Self::Gap { .. }
            | Self::OldStart { .. }
            | Self::NotTheirs { .. }
            | Self::Early { .. } => Invariant::I4,
            Self::DialledNothing { .. }
            | Self::EndOfNothing { .. }
            | Self::AdmittedTwice { .. }
            | Self::EndedTwice { .. }
            | Self::NoEnd { .. }
            | Self::LateEnd { .. }
            | Self::LeftOpen { .. } => Invariant::I1,
            Self::RecordingOfNothing { .. }
            | Self::RecordingOfProtected { .. }
            | Self::RecordingForbidden { .. }
            | Self::NoConsent { .. }
            | Self::ConsentAfterRecording { .. }
            | Self::StrayConsent { .. }
            | Self::StartedTwice { .. }
            | Self::StartedAfterEnd { .. }
            | Self::EndWithoutStart { .. } => Invariant::I2,
            Self::StaleEpoch { .. } | Self::UnknownEpoch { .. } => Invariant::I3,
            Self::ExtraFile { .. }
            | Self::OtherFile { .. }
            | Self::MissingFile { .. }
            | Self::ErasedFile { .. }
            | Self::EraseOfNothing { .. }
            | Self::SameFile { .. } => Invariant::I5,
            Self::EpochSetBack { .. }
            | Self::EpochChanged { .. }
            | Self::RemovedSilently { .. }
            | Self::StrayRemoval { .. } => Invariant::I6,
            Self::NotQuarantined { .. } | Self::QuarantineOfNothing { .. } => Invariant::I7,
            Self::NameInCall { .. }
            | Self::NameTwice { .. }
            | Self::NameUnheard { .. }
            | Self::NameOfNothing { .. }
            | Self::ExtraName
            | Self::MissingName { .. }
            | Self::RemovedName { .. } => Invariant::I8,
        }
    }
}

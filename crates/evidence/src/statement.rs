//! What one entry says.

use core::time::Duration;
use model::{
    CallId, RecordingId, Timestamp, TrunkId,
    fact::{Epoch, NumberClass, OffReason, RecordingState},
};

/// A statement with when, and by which start of its node, it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// When it happened, to the microsecond.
    pub at: Timestamp,
    /// Which start of the node says it, from 1.
    pub boot: u32,
    /// What happened.
    pub what: Statement,
}

/// What happened. Nothing here is about a person: who it was stands in the detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statement {
    /// Nothing: it fills a batch up, so that its size does not tell how much happened.
    Padding,
    /// The node started.
    Boot {
        /// SHA-256 of the running program.
        build: [u8; 32],
    },
    /// An epoch of the registry is in use from now on.
    RegistryEpoch {
        /// Which.
        epoch: Epoch,
        /// How many numbers it protects.
        count: u64,
        /// How many numbers of the epoch before are not in it; each has its
        /// [`Statement::Removal`].
        removed: u32,
        /// How many recordings were made of numbers that it protects for the first time; each gets
        /// its [`Statement::Quarantine`].
        late: u64,
        /// Root of its map.
        root: [u8; 32],
    },
    /// A number is protected no longer, from `epoch` on. The detail says which and why.
    Removal {
        /// The first epoch without it.
        epoch: Epoch,
    },
    /// Rates and caps in use.
    Tariff {
        /// SHA-256 of the table of caps.
        caps: [u8; 32],
    },
    /// A call was allowed.
    Admission {
        /// The call.
        call: CallId,
        /// Epoch of the registry that was asked.
        epoch: Epoch,
        /// How the number stands, and whether the call may be recorded.
        standing: Standing,
        /// How long after the admission everything about the call is over, at the latest.
        over_within: Duration,
    },
    /// The called party accepted the call after the whole notice.
    Consent {
        /// The call.
        call: CallId,
    },
    /// The call is recorded from now on.
    RecordingStarted {
        /// The call.
        call: CallId,
        /// Epoch of the registry that was asked.
        epoch: Epoch,
    },
    /// The recording is closed.
    RecordingEnded {
        /// The call.
        call: CallId,
        /// What is on disk.
        closed: Closed,
    },
    /// The call is over, and there is no recording of it.
    NotRecorded {
        /// The call.
        call: CallId,
        /// Why.
        why: Unrecorded,
        /// Length of the conversation.
        talked: Duration,
    },
    /// The number of this recording was protected after it was made.
    Quarantine {
        /// The recording.
        recording: RecordingId,
        /// Epoch since which it is.
        epoch: Epoch,
    },
    /// A recording was erased. The detail names the basis.
    Erase {
        /// The recording.
        recording: RecordingId,
        /// SHA-256 of the file that is gone.
        sha256: [u8; 32],
    },
    /// A recording is kept beyond its time. The detail says for whom.
    Hold {
        /// The recording.
        recording: RecordingId,
    },
    /// The rules by which recordings are kept.
    Retention {
        /// SHA-256 of the rules.
        rules: [u8; 32],
    },
    /// Calls were stopped by hand. The detail says which, and by whom.
    Kill {
        /// How many running calls it ended.
        calls: u64,
    },
    /// The rules by which staff may see anything.
    PolicyChange {
        /// SHA-256 of the rules.
        policy: [u8; 32],
    },
    /// Staff came, went or got other roles.
    StaffChange {
        /// SHA-256 of the list of roles, under the salt of the detail.
        roles: [u8; 32],
    },
    /// Somebody is shown, played or handed something about somebody else.
    Disclosure {
        /// Number of the act.
        act: u64,
        /// How many records, in the detail exactly.
        records: u64,
        /// SHA-256 of the key that gets it.
        recipient: [u8; 32],
    },
    /// A second person agreed to an act.
    Approval {
        /// Number of the act.
        act: u64,
    },
    /// An act was refused, by a person or by a rule.
    Denial {
        /// Number of the act.
        act: u64,
    },
    /// An act went ahead without an approval.
    BreakGlass {
        /// Number of the act.
        act: u64,
    },
    /// An act without approval was looked at afterwards.
    Review {
        /// Number of the act.
        act: u64,
    },
    /// A leaked file was traced.
    Inquiry {
        /// Number of the act.
        act: u64,
    },
    /// A call went out to a trunk; one that failed over has one of these for each.
    Dialled {
        /// The call.
        call: CallId,
        /// The trunk.
        trunk: TrunkId,
    },
    /// A person recorded their name, alone in a call in which nobody was called yet.
    NameRecorded {
        /// The call.
        call: CallId,
        /// SHA-256 of the sealed file.
        sha256: [u8; 32],
    },
    /// Staff are about to listen to a recorded name.
    NameHeard {
        /// SHA-256 of the sealed file.
        sha256: [u8; 32],
    },
    /// Staff approved a recorded name.
    NameApproved {
        /// SHA-256 of the sealed file.
        sha256: [u8; 32],
    },
    /// A recorded name was removed. The detail says whether by the person.
    NameRemoved {
        /// SHA-256 of the sealed file.
        sha256: [u8; 32],
    },
    /// The recipient of a package signed that they have it. The detail holds what they signed.
    Delivered {
        /// Number of the act that handed it out.
        act: u64,
        /// SHA-256 of `package.zip`, which is in nobody's hands but theirs.
        package: [u8; 32],
    },
    /// Names and numbers of an agency are erased, because their time is over. The detail says whose
    /// and of what.
    RecordsErased {
        /// How many were due when it was entered.
        records: u64,
    },
    /// Segments of a node's journal, whose keys were given away, are to be opened by their
    /// keyholders, so that the node can fill its database again. The detail says which, who asks,
    /// and why.
    SegmentsOpened {
        /// How many segments.
        segments: u64,
        /// Number of the first fact in them.
        first: u64,
        /// Number of the last.
        last: u64,
        /// SHA-256 of the key that gets the shares.
        recipient: [u8; 32],
    },
    /// Details of entries are erased, with their salts, because their time is over. The entries
    /// stay.
    DetailsErased {
        /// Details of what.
        of: Detailed,
        /// The first of the entries, by its place in the log.
        first: u64,
        /// The last of them.
        last: u64,
        /// How many between the two.
        count: u64,
    },
    /// Staff closed calls for somebody or something, or opened them again. The detail says for
    /// whom, by whom and why.
    Closing {
        /// Number of the act that closed them.
        act: u64,
        /// Whether they are closed now, or open again.
        closed: bool,
    },
}

/// What details are about, and so how long they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detailed {
    /// Calls, and names that people recorded.
    Calls,
    /// Disclosures and other acts of staff, and numbers that are protected no longer.
    Acts,
}

/// How a number stands and what follows for recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How the number stands.
    pub class: NumberClass,
    /// Whether the call may be recorded, or why not.
    pub may_record: Result<(), OffReason>,
}

/// Why there is no recording of a call that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unrecorded {
    /// Nobody accepted it.
    NobodyTalked,
    /// It was off.
    Off(OffReason),
    /// It was to be recorded, and its node ended before the file was begun.
    NeverBegun,
}

/// A recording's file when it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// In order, or cut by a fault.
    pub state: RecordingState,
    /// Its octets.
    pub bytes: u64,
    /// Its whole seconds.
    pub seconds: u32,
    /// SHA-256 of it.
    pub sha256: [u8; 32],
}

/// The kinds of statements, numbered as entries number them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the statement of the same name")]
#[repr(u8)]
pub enum Kind {
    Padding = 0,
    Boot = 1,
    RegistryEpoch = 2,
    Removal = 3,
    Tariff = 4,
    Admission = 5,
    Consent = 6,
    RecordingStarted = 7,
    RecordingEnded = 8,
    NotRecorded = 9,
    Quarantine = 10,
    Erase = 11,
    Hold = 12,
    Retention = 13,
    Kill = 14,
    PolicyChange = 15,
    StaffChange = 16,
    Disclosure = 17,
    Approval = 18,
    Denial = 19,
    BreakGlass = 20,
    Review = 21,
    Inquiry = 22,
    Dialled = 23,
    NameRecorded = 24,
    NameHeard = 25,
    NameApproved = 26,
    NameRemoved = 27,
    Delivered = 28,
    RecordsErased = 29,
    SegmentsOpened = 30,
    DetailsErased = 31,
    Closing = 32,
}

impl Kind {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 33] = [
        Self::Padding,
        Self::Boot,
        Self::RegistryEpoch,
        Self::Removal,
        Self::Tariff,
        Self::Admission,
        Self::Consent,
        Self::RecordingStarted,
        Self::RecordingEnded,
        Self::NotRecorded,
        Self::Quarantine,
        Self::Erase,
        Self::Hold,
        Self::Retention,
        Self::Kill,
        Self::PolicyChange,
        Self::StaffChange,
        Self::Disclosure,
        Self::Approval,
        Self::Denial,
        Self::BreakGlass,
        Self::Review,
        Self::Inquiry,
        Self::Dialled,
        Self::NameRecorded,
        Self::NameHeard,
        Self::NameApproved,
        Self::NameRemoved,
        Self::Delivered,
        Self::RecordsErased,
        Self::SegmentsOpened,
        Self::DetailsErased,
        Self::Closing,
    ];

    /// Its number in an entry.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Whether the log itself says it, and nodes never: its padding, and what has to do with
    /// disclosures, staff and keeping. All others are said by nodes alone.
    pub const fn is_of_the_log(self) -> bool {
        match self {
            Self::Padding
            | Self::Erase
            | Self::Hold
            | Self::Retention
            | Self::Kill
            | Self::PolicyChange
            | Self::StaffChange
            | Self::Disclosure
            | Self::Approval
            | Self::Denial
            | Self::BreakGlass
            | Self::Review
            | Self::Inquiry
            | Self::Delivered
            | Self::RecordsErased
            | Self::SegmentsOpened
            | Self::DetailsErased
            | Self::Closing => true,
            Self::Boot
            | Self::RegistryEpoch
            | Self::Removal
            | Self::Tariff
            | Self::Admission
            | Self::Consent
            | Self::RecordingStarted
            | Self::RecordingEnded
            | Self::NotRecorded
            | Self::Quarantine
            | Self::Dialled
            | Self::NameRecorded
            | Self::NameHeard
            | Self::NameApproved
            | Self::NameRemoved => false,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

impl Statement {
    /// What kind it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Padding => Kind::Padding,
            Self::Boot { .. } => Kind::Boot,
            Self::RegistryEpoch { .. } => Kind::RegistryEpoch,
            Self::Removal { .. } => Kind::Removal,
            Self::Tariff { .. } => Kind::Tariff,
            Self::Admission { .. } => Kind::Admission,
            Self::Consent { .. } => Kind::Consent,
            Self::RecordingStarted { .. } => Kind::RecordingStarted,
            Self::RecordingEnded { .. } => Kind::RecordingEnded,
            Self::NotRecorded { .. } => Kind::NotRecorded,
            Self::Quarantine { .. } => Kind::Quarantine,
            Self::Erase { .. } => Kind::Erase,
            Self::Hold { .. } => Kind::Hold,
            Self::Retention { .. } => Kind::Retention,
            Self::Kill { .. } => Kind::Kill,
            Self::PolicyChange { .. } => Kind::PolicyChange,
            Self::StaffChange { .. } => Kind::StaffChange,
            Self::Disclosure { .. } => Kind::Disclosure,
            Self::Approval { .. } => Kind::Approval,
            Self::Denial { .. } => Kind::Denial,
            Self::BreakGlass { .. } => Kind::BreakGlass,
            Self::Review { .. } => Kind::Review,
            Self::Inquiry { .. } => Kind::Inquiry,
            Self::Dialled { .. } => Kind::Dialled,
            Self::NameRecorded { .. } => Kind::NameRecorded,
            Self::NameHeard { .. } => Kind::NameHeard,
            Self::NameApproved { .. } => Kind::NameApproved,
            Self::NameRemoved { .. } => Kind::NameRemoved,
            Self::Delivered { .. } => Kind::Delivered,
            Self::RecordsErased { .. } => Kind::RecordsErased,
            Self::SegmentsOpened { .. } => Kind::SegmentsOpened,
            Self::DetailsErased { .. } => Kind::DetailsErased,
            Self::Closing { .. } => Kind::Closing,
        }
    }
}

//! What happened, in order: the only thing the auditor reads, besides the facts on disk.

use crate::sound::{Mixer, NamePart, Told};
use call::OwnName;
use core::{
    fmt,
    hash::{Hash, Hasher},
    time::Duration,
};
use model::{
    AccountId, CallId, E164, FacilityId, Key, Money, PersonId, PlayId, Side, Timestamp,
    fact::{EndReason, Epoch, KeyPath, OffReason},
    place::FacilityKind,
    plan::Lifted,
    speech::ContentHash,
};

/// The tape of a seed.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    pub(crate) moments: Vec<Moment>,
}

/// One thing that happened.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct Moment {
    pub(crate) at: Timestamp,
    pub(crate) what: What,
}

#[derive(Clone, Copy, Debug, Hash)]
pub(crate) enum What {
    /// A node started.
    Started { boot: u32 },
    /// It died.
    Killed,
    /// It stopped in order.
    Stopped,
    /// What the ledger of the node says of all money, when it stopped in order.
    Totals { held: Money, settled: Money, released: Money, expired: Money, open: Money },
    /// An append was not answered well.
    AppendFailed,
    /// What a facility charges.
    Facility {
        facility: FacilityId,
        kind: FacilityKind,
        base: Money,
        additive: Money,
        /// Private claims of a number until staff look at them.
        claims_max: u8,
        /// People may record their names.
        names: bool,
        /// Calls that cost something are refused on a full disk.
        refuses: bool,
    },
    /// A line costs nothing at every facility.
    FreeLine { number: E164 },
    /// So many thousandths of the disk are free.
    Room { permille: u64 },
    /// No space at all is left on the disk, or some again.
    DiskFull { full: bool },
    /// The desk looked how much room there is, and found this of five steps, the most room first.
    Looked { step: u8 },
    /// Staff took back what a called party chose.
    Lifted { what: Lifted, facility: Option<FacilityId>, number: E164 },
    /// The desk of this start knows everything that staff took back.
    KnowsLifts,
    /// The switch takes the name that a person says next.
    NameTaken { call: CallId, person: PersonId },
    /// They said it, with this hash, or nothing.
    NameSaid { call: CallId, voice: Option<[u8; 32]> },
    /// Money was there from the start, or paid in.
    Deposited { account: AccountId, amount: Money },
    /// The source offers this registry, and the desk uses it from now on, or not. `lines` has a bit
    /// for each protected line of the county, `list` is a hash of all numbers.
    Registry { epoch: Epoch, count: u64, count_max: u64, lines: u64, list: u64, accepted: bool },
    /// A fact is on disk: its place in the list of kept facts.
    Kept { index: usize, kind: u8, call: CallId },
    /// A machine was started.
    Taken { call: CallId },
    /// A phone pressed a key.
    Pressed { call: CallId, side: Side, key: Key },
    /// The node handled a key.
    KeyHandled { call: CallId, side: Side, key: Key, onset: Timestamp, path: KeyPath },
    /// A script begins on a leg.
    Plays {
        call: CallId,
        side: Side,
        play: PlayId,
        content: Content,
        notice: Option<Told>,
        /// The accepting key that it names.
        accept: Option<Key>,
        /// It tells the called party again which keys there are.
        keys: bool,
        /// It offers to say that the call is private.
        private: bool,
        /// It asks whether no more calls are wanted.
        confirm: bool,
        farewell: bool,
        /// What it says of the person's name.
        naming: Option<NamePart>,
        /// The name in somebody's own voice that it speaks with.
        voice: Option<[u8; 32]>,
        /// How long it takes.
        length: Duration,
    },
    /// What the person hears while nothing is said to them: a tone, or nothing.
    Tone { call: CallId, on: bool },
    /// A phone that was there all the time heard a script to its end.
    Heard { call: CallId, side: Side, play: PlayId },
    /// A phone hung up.
    PhoneHungUp { call: CallId, side: Side },
    /// The carrier moved a leg to another phone.
    PhoneMoved { call: CallId, side: Side },
    /// A phone sends no audio from now on.
    FellSilent { call: CallId, side: Side },
    /// It sends audio again.
    SoundsAgain { call: CallId, side: Side },
    /// The node handled an input of this kind.
    Handled { call: CallId, input: Handled },
    /// The trunk was dialled.
    Dialled { call: CallId, number: E164 },
    /// The legs were joined, with a consent or not.
    Bridged { call: CallId, consent: bool },
    /// The legs were parted.
    Parted { call: CallId },
    /// The vault would not begin.
    VaultRefused { call: CallId, reason: OffReason },
    /// The vault sealed its first second.
    RecordingBegun { call: CallId },
    /// The vault sealed its last second.
    RecordingOver { call: CallId, seconds: u64 },
    /// A leg was hung up by the node.
    LegEnded { call: CallId, side: Side },
    /// The machine said its last word.
    Finished { call: CallId, reason: Option<EndReason>, talked: Duration, off: Option<OffReason> },
    /// A machine said something after its last word.
    AfterEnd { call: CallId },
    /// A fault of ours ended this call's machine.
    Panicked { call: CallId },
}

/// A content hash that prints short.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Content(pub(crate) ContentHash);

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, ..] = self.0.0;
        write!(f, "{a:02x}{b:02x}{c:02x}")
    }
}

/// What the machine was told, in the fewest words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Handled {
    Timeout,
    Key,
    PlayedWhole { side: Side, play: PlayId, ended: Timestamp },
    PlayedCut { side: Side, play: PlayId },
    Person { person: PersonId, name: OwnName },
    PinRefused,
    PinLocked,
    Balance,
    Admitted,
    Denied,
    Committed { recording: bool },
    Ringing,
    Answered,
    Busy,
    NoAnswer,
    Unallocated,
    TrunkFailed,
    Declined,
    Forwarded,
    HungUp(Side),
    MediaLost(Side),
    Moved(Side),
    Sound { side: Side, sounding: bool, since: Timestamp },
    Blocked { kept: bool },
    NameCaptured { said: bool },
    NameKept { kept: bool },
    NameRemoved { removed: bool },
    Stopped,
    Cut,
}

impl Tape {
    pub(crate) fn add(&mut self, at: Timestamp, what: What) {
        self.moments.push(Moment { at, what });
    }

    pub(crate) fn hash(&self) -> u64 {
        let mut mixer = Mixer::default();
        self.moments.hash(&mut mixer);
        mixer.finish()
    }

    /// One line for each moment. Inputs and phones stand left, what the node did is indented. Keys
    /// and numbers print as `[private]` here too, so that a ladder can be pasted anywhere.
    pub(crate) fn ladder(&self) -> Vec<String> {
        let start = self.moments.first().map_or(0, |moment| moment.at.micros());
        let line = |moment: &Moment| {
            let micros = moment.at.micros() - start;
            let indent = if moment.what.is_of_node() { "        " } else { "" };
            let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
            format!("{seconds:>6}.{rest:06} {indent}{:?}", moment.what)
        };
        self.moments.iter().map(line).collect()
    }
}

impl What {
    const fn is_of_node(&self) -> bool {
        matches!(
            self,
            Self::Kept { .. }
                | Self::Plays { .. }
                | Self::Tone { .. }
                | Self::Dialled { .. }
                | Self::Bridged { .. }
                | Self::Parted { .. }
                | Self::VaultRefused { .. }
                | Self::RecordingBegun { .. }
                | Self::RecordingOver { .. }
                | Self::LegEnded { .. }
                | Self::Finished { .. }
                | Self::AfterEnd { .. }
        )
    }
}

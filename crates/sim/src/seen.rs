//! What occurred in a run. A simulation that never gets somewhere proves nothing about it.

macro_rules! seen {
    ($($name:ident = $text:literal,)*) => {
        /// Something a run should reach.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each is said in its name")]
        pub enum Seen { $($name,)* }

        impl Seen {
            /// Everything.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// In words.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

seen! {
    // Ends of admitted calls.
    EndStationHungUp = "end: station hung up",
    EndCalledHungUp = "end: called party hung up",
    EndRefusedByKey = "end: refused by key",
    EndNoticeCutShort = "end: notice cut short",
    EndNotAccepted = "end: not accepted",
    EndBusy = "end: busy",
    EndNoAnswer = "end: no answer",
    EndUnallocated = "end: unallocated",
    EndTrunkFailed = "end: trunk failed",
    EndLimitReached = "end: limit reached",
    EndMediaLost = "end: media lost",
    EndNodeStopping = "end: node stopping",
    EndNodeDied = "end: node died",
    EndFault = "end: fault",
    EndDeclined = "end: declined",
    EndForwarded = "end: forwarded",
    EndBlockedByKey = "end: blocked by key",
    EndLooksLikeMachine = "end: looks like a machine",
    EndCutByStaff = "end: cut by staff",
    // Refusals.
    DeniedInvalid = "denied: number invalid",
    DeniedNotAllowed = "denied: number not allowed",
    DeniedBlocked = "denied: the called party wants no calls",
    DeniedOwnNumber = "denied: a number of our own",
    DeniedDiskFull = "denied: disk full",
    DeniedFunds = "denied: insufficient funds",
    DeniedEmergency = "denied: emergency",
    DeniedNoLawfulRate = "denied: no lawful rate",
    DeniedRegistry = "denied: registry unavailable",
    DeniedUnavailable = "denied: unavailable",
    ServiceAllTheSame = "a service called without a usable registry",
    DeniedAlreadyCalling = "denied: on another call",
    // Conversations.
    TalkRecorded = "talk recorded",
    TalkOffProtected = "talk unrecorded: protected",
    TalkOffRelay = "talk unrecorded: relay",
    TalkOffService = "talk unrecorded: line for help",
    TalkOffFacility = "talk unrecorded: facility",
    TalkOffRegistry = "talk unrecorded: registry unusable",
    TalkOffLog = "talk unrecorded: log unavailable",
    TalkOffDisk = "talk unrecorded: disk",
    TalkOffPrivate = "talk unrecorded: private claim",
    TalkOffMoved = "talk unrecorded: leg moved",
    TalkFree = "talk that costs nothing",
    TalkAtOnce = "put through at once, for nobody in particular",
    TalkWarned = "talk warned before its end",
    VaultProtected = "vault refused: protected meanwhile",
    VaultUnusable = "vault refused: registry unusable meanwhile",
    VaultNewerEpoch = "vault recorded in a newer epoch",
    RecordingCut = "recording cut",
    ProtectedMidTalk = "number protected while it is recorded",
    // Faults.
    JournalFull = "journal: disk full",
    AdmittedUnwritten = "a call placed whose record waits for room",
    AdmittedFull = "a call placed while only the reserve is left",
    JournalLost = "journal: failed and not persisted",
    JournalKept = "journal: failed but persisted",
    JournalTorn = "journal: torn tail",
    JournalSlow = "journal: slow",
    KilledIdle = "killed without calls",
    KilledInMenu = "killed in the menu",
    KilledBeforeDial = "killed after admission, before the dial",
    KilledRinging = "killed while ringing",
    KilledInNotice = "killed in the notice",
    KilledCommitting = "killed while committing",
    KilledTalking = "killed while talking",
    KilledGroup = "killed while the journal writes",
    KilledRecovery = "killed in recovery",
    Restarted = "restarted",
    Stopped = "stopped in order",
    PanicInMenu = "panic in the menu",
    PanicRinging = "panic while ringing or in the notice",
    PanicTalking = "panic while talking",
    RegistryMissing = "registry missing",
    RegistryStale = "registry stale",
    RegistryShrunken = "registry shrunken",
    RegistrySetBack = "registry set back",
    RegistryDiffers = "registry changed within its epoch",
    ProtectedMidCall = "number protected between admission and bridge",
    CapChanged = "cap changed during a call",
    // Answers that come too late.
    AdmissionLate = "admission answered after the machine gave up",
    AdmissionKeptUntold = "admission told as failed, found after a restart",
    CommitLate = "commit answered after the talk began",
    CommitFailed = "commit failed",
    EndOfNobody = "end of an admission that was not persisted",
    EndUnsure = "end that does not say that the talk was unrecorded",
    // Staff, and names.
    BlockLifted = "staff took a wish for no more calls back",
    ClaimsLifted = "staff looked at private claims",
    CalledAgain = "called again after a wish was taken back",
    NameTaken = "a name was taken",
    NameUnsaid = "no name was said",
    NameChosenEarly = "chose to record before what becomes of it was heard",
    NameKept = "a name was kept",
    NameNotKept = "a name was not kept",
    NameRemovedByPerson = "a person had their name removed",
    NameRemovedByStaff = "staff had a name removed",
    NameListened = "staff listened to a name",
    NameApproved = "staff approved a name",
    NameSpoken = "a notice spoke with the person's own voice",
    // Habits.
    Quick = "typed PIN and number at once",
    NoPound = "typed without the pound key",
    Fumbled = "typed a wrong digit and wiped it",
    WrongPin = "typed a wrong PIN",
    PinLocked = "station locked",
    Balance = "asked for the balance",
    HelpKey = "pressed the key for help, without a PIN",
    ChoseLanguage = "chose a language at the welcome",
    WrongNumber = "typed a wrong number, then a right one",
    SilentPerson = "typed nothing",
    NoSound = "sent no audio",
    AcceptEarly = "accepted before the notice ended",
    AcceptExact = "accepted at the very end of the notice",
    OnsetBeforeEnd = "onset before the end, handled after it",
    AcceptBetweenEnds = "accepted between the ends of the two notices",
    InfoAfterEnd = "pressed before the end, came as INFO after it",
    Switched = "switched the language",
    WrongThenRight = "wrong key, then the right one",
    SilentParty = "pressed nothing",
    TypedWhileTalking = "typed while talking",
    ClaimedPrivate = "said that the call is private",
    ClaimNotOffered = "private call not offered any more",
    KeyDrawn = "heard a drawn accepting key",
    AskedPrice = "asked for the price",
    WentBack = "wanted no more calls, and thought again",
    Greeted = "a greeting with a tone in it",
    MovedInNotice = "moved before the decision",
    LateAnswer = "answered after the ringing was given up",
    Crossed = "hang-ups crossed",
    Doubled = "an event came twice",
    EarlyWake = "woken too early",
    PlayCut = "script cut on a leg that sends no audio",
    SpokeAgain = "silent for a while, then spoke again",
}

/// How often what occurred.
#[derive(Clone, Copy, Debug)]
pub struct Coverage([u64; Seen::ALL.len()]);

impl Default for Coverage {
    fn default() -> Self {
        Self([0; Seen::ALL.len()])
    }
}

impl Coverage {
    pub(crate) fn note(&mut self, seen: Seen) {
        if let Some(count) = self.0.get_mut(seen as usize) {
            *count += 1;
        }
    }

    /// Adds what occurred elsewhere.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }

    /// Everything with its count.
    pub fn counts(&self) -> impl Iterator<Item = (Seen, u64)> {
        Seen::ALL.iter().copied().zip(self.0)
    }
}

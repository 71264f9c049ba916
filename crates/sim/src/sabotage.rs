//! Faults put into the models on purpose. An auditor that never finds anything proves nothing.

/// One rule of a model that is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// The vault records also without a consent.
    RecordWithoutConsent,
    /// The vault believes the registry that the notice was built on.
    IgnoreRegistryAtBridge,
    /// The desk answers a commit before it is durable.
    CommitBeforeDurable,
    /// The desk answers an admission before it is durable.
    AdmitBeforeDurable,
    /// The desk does not ask the registry.
    ScreenWithoutRegistry,
    /// The desk charges a second too many.
    ChargeSecondTooMany,
    /// The desk charges a second too little.
    ChargeSecondTooLittle,
    /// The desk charges a minute for a call that nobody accepted.
    ChargeUnaccepted,
    /// The desk writes the end of a call twice.
    SettleTwice,
    /// The desk forgets to write the end of a call.
    ForgetEnded,
    /// The desk lets people talk longer than what is held pays for.
    TalkTooLong,
    /// The desk charges a rate above the cap.
    RateAboveCap,
    /// Recovery charges up to the restart and not up to the last mark.
    RecoverBeyondMark,
    /// Recovery forgets the calls it finds.
    RecoverNothing,
    /// Media counts a script as heard that was cut.
    CutCountsAsPlayed,
    /// Media gives the arrival of a key as its onset.
    OnsetIsArrival,
    /// Media hands the keys of the station on as the called party's.
    KeysOfTheWrongLeg,
    /// The switch bridges at the end of the notice, without waiting for a key.
    BridgeUnasked,
    /// The desk refuses for want of a lawful rate where there is one.
    RefuseForNothing,
    /// The desk takes any registry that its source offers.
    TakeAnyRegistry,
    /// The desk tells the machine of an admission that may be recorded, whatever it wrote down.
    AnnounceRecording,
    /// The desk leaves out why a conversation is unrecorded.
    ForgetOff,
    /// The desk says of every hold that it ran out.
    EverythingExpired,
    /// The switch loses the last word of a machine.
    ForgetFinished,
    /// The last word of a machine is heard twice.
    FinishTwice,
    /// The desk lets a person make two calls at once.
    CallTwice,
    /// The desk forgets who wants no calls.
    ForgetBlocks,
    /// The desk offers private calls however often they were claimed.
    ClaimsForEver,
    /// The switch does not hand on the key that says that a call is private.
    ClaimsUnheard,
    /// The switch does not tell that a leg was moved.
    MovesUntold,
    /// The desk takes a relay service or a line for help for any number.
    RelayAsAnyNumber,
    /// The desk forgets that staff took a wish for no more calls back.
    ForgetLifts,
    /// The desk takes what staff took back once for taken back for ever.
    LiftForEver,
    /// The desk lets calls be recorded on a full disk.
    RecordOnFullDisk,
    /// The desk refuses calls that cost nothing, and protected ones, on a full disk.
    RefuseFreeOnFullDisk,
    /// The desk does not look how much room there is.
    DeafToRoom,
    /// The desk asks money for a call whose admission it could not write down.
    ChargeUnwritten,
    /// The desk takes a number of its own for any number.
    CallOurselves,
    /// The desk speaks with names that staff have not approved.
    SpeakUnapproved,
    /// The desk lets staff approve a name that nobody has listened to.
    ApproveUnheard,
    /// The desk says that a name is kept before it is durable.
    NameBeforeDurable,
    /// The desk says that a name is removed, and keeps it.
    KeepRemovedName,
    /// The switch has a name kept that the person did not want to keep.
    KeepNameUnasked,
    /// The switch lets the person hear nothing once the called party has answered and the notice is
    /// over.
    DeadAir,
}

impl Sabotage {
    /// Every one.
    pub const ALL: &[Self] = &[
        Self::RecordWithoutConsent,
        Self::IgnoreRegistryAtBridge,
        Self::CommitBeforeDurable,
        Self::AdmitBeforeDurable,
        Self::ScreenWithoutRegistry,
        Self::ChargeSecondTooMany,
        Self::ChargeSecondTooLittle,
        Self::ChargeUnaccepted,
        Self::SettleTwice,
        Self::ForgetEnded,
        Self::TalkTooLong,
        Self::RateAboveCap,
        Self::RecoverBeyondMark,
        Self::RecoverNothing,
        Self::CutCountsAsPlayed,
        Self::OnsetIsArrival,
        Self::KeysOfTheWrongLeg,
        Self::BridgeUnasked,
        Self::RefuseForNothing,
        Self::TakeAnyRegistry,
        Self::AnnounceRecording,
        Self::ForgetOff,
        Self::EverythingExpired,
        Self::ForgetFinished,
        Self::FinishTwice,
        Self::CallTwice,
        Self::ForgetBlocks,
        Self::ClaimsForEver,
        Self::ClaimsUnheard,
        Self::MovesUntold,
        Self::RelayAsAnyNumber,
        Self::ForgetLifts,
        Self::LiftForEver,
        Self::RecordOnFullDisk,
        Self::RefuseFreeOnFullDisk,
        Self::DeafToRoom,
        Self::ChargeUnwritten,
        Self::CallOurselves,
        Self::SpeakUnapproved,
        Self::ApproveUnheard,
        Self::NameBeforeDurable,
        Self::KeepRemovedName,
        Self::KeepNameUnasked,
        Self::DeadAir,
    ];
}

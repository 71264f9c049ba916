//! The auditor notices: each model is broken on purpose, and the rule that it breaks is the one
//! that is named.

use sim::{Lab, Rule, Sabotage, run};
use std::collections::BTreeSet;

/// What each sabotage breaks, among other rules.
fn broken_by(sabotage: Sabotage) -> Rule {
    match sabotage {
        Sabotage::RecordWithoutConsent => Rule::RecordedWithConsent,
        Sabotage::IgnoreRegistryAtBridge => Rule::ProtectedUnrecorded,
        Sabotage::CommitBeforeDurable => Rule::RecordedAfterDurable,
        Sabotage::AdmitBeforeDurable => Rule::DialledAfterDurable,
        Sabotage::ScreenWithoutRegistry => Rule::ScreenedByRegistry,
        Sabotage::ChargeSecondTooMany | Sabotage::ChargeSecondTooLittle => Rule::ChargedExactly,
        Sabotage::RateAboveCap => Rule::RateLawful,
        Sabotage::ChargeUnaccepted => Rule::ChargedForTalkOnly,
        Sabotage::SettleTwice | Sabotage::ForgetEnded | Sabotage::RecoverNothing => Rule::EndedOnce,
        Sabotage::TalkTooLong => Rule::WithinHold,
        Sabotage::RecoverBeyondMark => Rule::ChargedForTalkOnly,
        Sabotage::CutCountsAsPlayed
        | Sabotage::OnsetIsArrival
        | Sabotage::KeysOfTheWrongLeg
        | Sabotage::BridgeUnasked => Rule::JoinedWhenAccepted,
        Sabotage::RefuseForNothing => Rule::RefusedRightly,
        Sabotage::TakeAnyRegistry => Rule::RegistrySucceeds,
        Sabotage::AnnounceRecording => Rule::NoticeTrue,
        Sabotage::ForgetOff => Rule::RecordTrue,
        Sabotage::EverythingExpired => Rule::MoneyConserved,
        Sabotage::ForgetFinished => Rule::Ends,
        Sabotage::FinishTwice => Rule::FinishedOnce,
        Sabotage::CallTwice => Rule::OneCallAPerson,
        Sabotage::ForgetBlocks => Rule::WishRespected,
        Sabotage::ClaimsForEver => Rule::ClaimsCounted,
        Sabotage::ClaimsUnheard => Rule::NoticeTrue,
        Sabotage::MovesUntold => Rule::JoinedWhenAccepted,
        Sabotage::RelayAsAnyNumber => Rule::ServicesApart,
        Sabotage::ForgetLifts | Sabotage::LiftForEver => Rule::WishRespected,
        Sabotage::RecordOnFullDisk | Sabotage::ChargeUnwritten => Rule::FullDisk,
        Sabotage::RefuseFreeOnFullDisk => Rule::RefusedRightly,
        Sabotage::DeafToRoom => Rule::RoomKnown,
        Sabotage::CallOurselves => Rule::NotOurselves,
        Sabotage::SpeakUnapproved | Sabotage::ApproveUnheard => Rule::NamesApproved,
        Sabotage::NameBeforeDurable | Sabotage::KeepRemovedName => Rule::NamesKept,
        Sabotage::KeepNameUnasked => Rule::NamesChosen,
        Sabotage::DeadAir => Rule::NeverDeadAir,
    }
}

/// So many seeds must be enough to notice.
const SEEDS_COUNT: u64 = 2_000;

#[test]
fn every_sabotage_is_found_by_its_rule() {
    let lab = Lab::default();
    let mut unfound = Vec::new();
    for sabotage in Sabotage::ALL {
        let mut found = BTreeSet::new();
        let noticed = (0..SEEDS_COUNT).any(|seed| {
            let report = run(&lab, seed, Some(*sabotage), false);
            found.extend(report.violations.iter().map(|violation| violation.rule));
            found.contains(&broken_by(*sabotage))
        });
        if !noticed {
            unfound.push((*sabotage, found));
        }
    }
    assert!(unfound.is_empty(), "not found: {unfound:#?}");
}

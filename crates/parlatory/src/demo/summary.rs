//! What became of the calls: who was recorded, who was not and why, what each cost, where the money
//! stands. Read from the node's store, after it settled everything.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use model::{
    Money,
    fact::{EndReason, OffReason, RecordingState, Refusal},
};
use serde::Serialize;
use store::{CallFilter, CallRow, MoneyTotals, Outcome, RecordingRow, Store};

use super::{disclosing::Disclosed, scene::Scene};
use crate::{data::Data, print::line};

/// The one document of `demo --json`.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    calls: Vec<CallLine>,
    money: MoneyLine,
    disclosures: Vec<Disclosed>,
}

/// One call.
#[derive(Debug, Serialize)]
struct CallLine {
    scenario: &'static str,
    #[serde(skip)]
    title: &'static str,
    outcome: String,
    recording: &'static str,
    reason: Option<String>,
    consent_key: Option<char>,
    talk_ms: u64,
    charged_micros: i64,
    #[serde(skip)]
    cut: bool,
}

/// Where the money stands: `held = settled + released + expired` when no call is open.
#[derive(Debug, Serialize)]
struct MoneyLine {
    held_micros: i64,
    settled_micros: i64,
    released_micros: i64,
    expired_micros: i64,
}

impl Summary {
    /// Reads the store of the demo's node.
    pub(crate) fn read(data: &Data, scenes: &[Scene], disclosed: &[Disclosed]) -> Result<Self> {
        let store = data.open_store()?;
        let rows = settled_rows(&store)?;
        let stations = store.configuration()?.stations;
        let mut calls = Vec::new();
        for scene in scenes {
            let suffix = format!("/{}", scene.station);
            let station = stations.iter().find(|station| station.key.ends_with(&suffix));
            let row = rows
                .iter()
                .find(|row| station.is_some_and(|station| station.id == row.station))
                .with_context(|| format!("the node kept no record of `{}`", scene.name))?;
            calls.push(CallLine::new(scene, row));
        }
        let disclosures = disclosed.to_vec();
        Ok(Self { calls, money: MoneyLine::new(store.money()?), disclosures })
    }

    /// Prints it for people.
    pub(crate) fn print(&self) {
        line("");
        line("What became of the calls");
        line("");
        line(
            "  call                 outcome                recorded?                      talk    charged",
        );
        for call in &self.calls {
            line(&call.to_row());
        }
        let amount = |micros| Money::from_micros(micros).to_string();
        let money = &self.money;
        line("");
        line(&format!(
            "  Money: {} was held; {} of it was charged, {} given back at once, {} after a hold ran out.",
            amount(money.held_micros),
            amount(money.settled_micros),
            amount(money.released_micros),
            amount(money.expired_micros),
        ));
        line("");
        for call in &self.calls {
            line(&format!("  {:<20} {}", call.scenario, call.title));
        }
        Disclosed::print(&self.disclosures);
    }
}

impl CallLine {
    fn new(scene: &Scene, row: &CallRow) -> Self {
        let (outcome, talk, charged) = match &row.outcome {
            Outcome::Denied(refusal) => (refusal_name(*refusal), 0, Money::ZERO),
            Outcome::Open { .. } => ("open", 0, Money::ZERO),
            Outcome::Ended { reason, talked, charged, .. } => {
                let talk = u64::try_from(talked.as_millis()).unwrap_or(u64::MAX);
                (end_name(*reason), talk, *charged)
            }
        };
        let (recording, reason) = match &row.recording {
            RecordingRow::NoTalk => ("no_talk", None),
            RecordingRow::Off(reason) => ("off", Some(off_name(*reason).to_owned())),
            RecordingRow::Open | RecordingRow::Recorded { .. } => ("recorded", None),
        };
        let cut =
            matches!(row.recording, RecordingRow::Recorded { state: RecordingState::Cut, .. });
        Self {
            scenario: scene.name,
            title: scene.title,
            outcome: outcome.to_owned(),
            recording,
            reason,
            consent_key: row.consent_key,
            talk_ms: talk,
            charged_micros: charged.micros(),
            cut,
        }
    }

    fn to_row(&self) -> String {
        let recorded = match (self.recording, &self.reason, self.cut) {
            ("recorded", _, false) => "yes, sealed".to_owned(),
            ("recorded", _, true) => "yes, sealed, cut by the fault".to_owned(),
            ("off", Some(reason), _) => format!("no: {reason}"),
            (_, _, _) => "no: nobody talked".to_owned(),
        };
        let seconds = self.talk_ms / 1_000;
        let charged = Money::from_micros(self.charged_micros).to_string();
        format!(
            "  {:<20} {:<22} {recorded:<30} {seconds:>3} s  {charged:>9}",
            self.scenario, self.outcome
        )
    }
}

impl MoneyLine {
    fn new(totals: MoneyTotals) -> Self {
        Self {
            held_micros: totals.held.micros(),
            settled_micros: totals.settled.micros(),
            released_micros: totals.released.micros(),
            expired_micros: totals.expired.micros(),
        }
    }
}

/// The calls, once the node's store has caught up with what happened.
fn settled_rows(store: &Store) -> Result<Vec<CallRow>> {
    let unsettled = |row: &CallRow| {
        matches!(row.outcome, Outcome::Open { .. }) || row.recording == RecordingRow::Open
    };
    for _ in 0..SETTLED_LOOKS_MAX {
        let rows = store.calls(&CallFilter::default())?;
        if !rows.iter().any(unsettled) {
            return Ok(rows);
        }
        std::thread::park_timeout(SETTLED_LOOK_EVERY);
    }
    bail!("the node has not settled all calls within 5 s");
}

const SETTLED_LOOKS_MAX: u32 = 50;
const SETTLED_LOOK_EVERY: Duration = Duration::from_millis(100);

fn end_name(reason: EndReason) -> &'static str {
    match reason {
        EndReason::StationHungUp => "station_hung_up",
        EndReason::CalledHungUp => "called_hung_up",
        EndReason::RefusedByKey => "refused_by_key",
        EndReason::NoticeCutShort => "notice_cut_short",
        EndReason::NotAccepted => "not_accepted",
        EndReason::Busy => "busy",
        EndReason::NoAnswer => "no_answer",
        EndReason::Unallocated => "unallocated",
        EndReason::TrunkFailed => "trunk_failed",
        EndReason::LimitReached => "limit_reached",
        EndReason::MediaLost => "media_lost",
        EndReason::NodeStopping => "node_stopping",
        EndReason::NodeDied => "node_died",
        EndReason::Fault => "fault",
        EndReason::Declined => "declined",
        EndReason::Forwarded => "forwarded",
        EndReason::BlockedByKey => "blocked_by_key",
        EndReason::LooksLikeMachine => "looks_like_machine",
        EndReason::CutByStaff => "cut_by_staff",
    }
}

fn refusal_name(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NumberInvalid => "number_invalid",
        Refusal::NumberNotAllowed => "number_not_allowed",
        Refusal::NumberBlocked => "number_blocked",
        Refusal::InsufficientFunds => "insufficient_funds",
        Refusal::EmergencyNotHere => "emergency_not_here",
        Refusal::NoLawfulRate => "no_lawful_rate",
        Refusal::RegistryUnavailable => "registry_unavailable",
        Refusal::Unavailable => "unavailable",
        Refusal::AlreadyCalling => "already_calling",
        Refusal::DiskFull => "disk_full",
        Refusal::OwnNumber => "own_number",
        Refusal::Closed => "closed",
    }
}

fn off_name(reason: OffReason) -> &'static str {
    match reason {
        OffReason::Protected => "protected",
        OffReason::FacilityOff => "facility_off",
        OffReason::RegistryUnusable => "registry_unusable",
        OffReason::LogUnavailable => "log_unavailable",
        OffReason::Disk => "disk",
        OffReason::StationOff => "station_off",
        OffReason::Relay => "relay",
        OffReason::Service => "service",
        OffReason::PrivateClaim => "private claim",
        OffReason::LegMoved => "leg moved",
        OffReason::NeverBegun => "never begun",
    }
}

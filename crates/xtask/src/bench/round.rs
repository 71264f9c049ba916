//! One round: calls come up one by one, all are held, all end one by one.

use super::{
    Programs,
    county::Files,
    load::{Heard, Load, Said},
    node::{self, Node},
    process::{Sample, anonymous_kib},
};
use anyhow::{bail, ensure};
use indicatif::ProgressBar;
use serde::Serialize;
use std::{collections::BTreeMap, fs, path::Path, time::Duration};

/// What a round is to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    pub(super) variant: Variant,
    pub(super) calls: u32,
    /// Seconds in which all calls are held.
    pub(super) hold: u32,
    /// Calls started and ended in a second.
    pub(super) rate: u32,
}

/// Whom the people call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Variant {
    /// Ordinary numbers: recorded with consent, sealed as they are spoken.
    Recorded,
    /// Protected numbers: never recorded.
    Unrecorded,
}

impl Variant {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Unrecorded => "unrecorded",
        }
    }
}

/// What was seen in a round.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// Before the first call, for a while in which nothing happened, and the node's memory then.
    pub(super) idle: [Sample; 2],
    pub(super) idle_kib: u64,
    /// While all calls were held, and the node's memory at the end.
    pub(super) held: [Sample; 2],
    pub(super) held_kib: u64,
    /// After the last call.
    pub(super) end: Sample,
    /// Calls that were held.
    pub(super) talking: u64,
    /// Failed calls by stage.
    pub(super) failed: BTreeMap<String, u64>,
    /// Seconds for which two talked, summed over all calls.
    pub(super) talked_seconds: f64,
    pub(super) heard: Heard,
}

impl Round {
    /// Runs it in `folder`, which it makes.
    pub(super) fn run(
        &self,
        folder: &Path,
        programs: &Programs,
        bar: &ProgressBar,
    ) -> anyhow::Result<Measured> {
        fs::create_dir_all(folder)?;
        let files = Files::in_folder(folder);
        files.write_callers(self)?;
        let mut load =
            Load::start(&programs.load, &files.callers, &["--rate", &self.rate.to_string()])?;
        let Said::Bound { gateway, trunk } = load.wait(START_WITHIN, |_, _| {})? else {
            bail!("the load did not say where its ports are");
        };
        files.write_county(self, &gateway, &trunk)?;
        bar.set_message("filling the store");
        node::prepare(programs, folder, &files.provision)?;
        let node = Node::start(programs, folder)?;
        let measured = self.measure(&mut load, &node, bar)?;
        drop(load);
        bar.set_message("stopping");
        node.stop()?;
        let recordings = node::recordings(folder)?;
        let expected = match self.variant {
            Variant::Recorded => measured.talking,
            Variant::Unrecorded => 0,
        };
        let crossed = measured.heard.crossed;
        ensure!(crossed == 0, "{crossed} packets reached somebody who was not meant to hear them");
        ensure!(recordings == expected, "{expected} recordings expected, {recordings} found");
        Ok(measured)
    }

    fn measure(&self, load: &mut Load, node: &Node, bar: &ProgressBar) -> anyhow::Result<Measured> {
        let sample = |load: &Load| Sample::take(node.id(), load.id());
        bar.set_message("idle");
        load.pass(SETTLE, |_, _| {})?;
        let idle = sample(load)?;
        load.pass(IDLE, |_, _| {})?;
        let (idle, idle_kib) = ([idle, sample(load)?], anonymous_kib(node.id())?);

        bar.set_message("calling");
        load.order(&format!("call {}", node.sip))?;
        let up = load.wait(self.ramp() + CALL_MAX, |talking, _| bar.set_position(talking))?;
        let Said::Held { talking, failed } = up else { bail!("the load did not hold its calls") };
        ensure!(talking > 0, "no call came about; they failed so: {failed:?}");
        bar.set_message(format!("{talking} held"));
        load.pass(SETTLE, |talking, _| bar.set_position(talking))?;

        let held = sample(load)?;
        load.order("window")?;
        load.pass(Duration::from_secs(self.hold.into()), |talking, _| bar.set_position(talking))?;
        let (held, held_kib) = ([held, sample(load)?], anonymous_kib(node.id())?);
        load.order("report")?;
        let Said::Window(heard) = load.wait(START_WITHIN, |_, _| {})? else {
            bail!("the load did not say what it heard");
        };

        bar.set_message("ending");
        load.order("end")?;
        let over = load.wait(self.ramp() + CALL_MAX, |talking, _| bar.set_position(talking))?;
        let Said::Over { talked_seconds, failed } = over else {
            bail!("the load did not end its calls");
        };
        load.pass(SETTLE, |_, _| {})?;
        let end = sample(load)?;
        Ok(Measured { idle, idle_kib, held, held_kib, end, talking, failed, talked_seconds, heard })
    }

    /// How long it takes to start all calls.
    fn ramp(&self) -> Duration {
        Duration::from_secs((self.calls / self.rate.max(1)).into())
    }
}

const START_WITHIN: Duration = Duration::from_secs(30);
/// Longest time that one call may take to come about or to end; the load gives up sooner.
const CALL_MAX: Duration = Duration::from_secs(300);
/// Until what has just happened is written down.
const SETTLE: Duration = Duration::from_secs(2);
const IDLE: Duration = Duration::from_secs(5);

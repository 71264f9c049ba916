//! `cargo xtask bench setup`: two legs up and down without audio, faster and faster, and thousands
//! of them held at once.
//!
//! A call is a hotline that rings a free unrecorded number: no menu, no prompt, no notice, and all
//! the same screened, journalled and settled. The load says `a=inactive` at both ends.

use super::{
    Programs,
    county::{write_hotline_list, write_hotlines},
    empty_folder,
    load::{Load, Said, StepReport},
    node::{self, Node},
    output::{Measured, Output},
    process::{Machine, Sample, anonymous_kib},
};
use anyhow::{Context, bail, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path, time::Duration};

/// Options of `bench setup`.
#[derive(Args)]
pub(crate) struct Setup {
    /// Calls started in a second, one step after the other on the same node
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "100,200,400,800,1000",
        value_name = "CALLS"
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=2_000))]
    rates: Vec<u32>,
    /// Seconds in which calls are started, of each step
    #[arg(long, default_value_t = 10, value_name = "SECONDS")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Milliseconds for which each of them is held
    #[arg(long, default_value_t = 1_000, value_name = "MS")]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=60_000))]
    hold_ms: u32,
    /// Calls held at once after the steps, on a node of their own; 0 leaves this out
    #[arg(long, value_delimiter = ',', default_value = "5000", value_name = "COUNT")]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=5_000))]
    held: Vec<u32>,
    /// Seconds for which they are held
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    #[arg(value_parser = clap::value_parser!(u32).range(2..=3_600))]
    held_seconds: u32,
    /// Measure what is built already, without asking cargo whether it is up to date
    #[arg(long)]
    as_built: bool,
    #[command(flatten)]
    output: Output,
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
struct Figures {
    steps: Vec<StepFigures>,
    held: Vec<HeldFigures>,
}

/// One rate. Cores are CPU seconds a second.
#[derive(Clone, Debug, Serialize)]
struct StepFigures {
    rate_per_second: u32,
    started: u64,
    clean: u64,
    failed: BTreeMap<String, u64>,
    /// CPU of the node for a set-up and its end, without what it needs when idle.
    ms_per_set_up: f64,
    node_cores: f64,
    load_cores: f64,
    other_cores: f64,
    /// From the station's INVITE until both legs were answered: median, 99th of a hundred, longest.
    set_up_ms: [f64; 3],
    /// The longest time by which the load started a call late.
    load_late_ms_max: f64,
    /// Anonymous memory of the node at the end of the step.
    anonymous_mib: f64,
}

/// Calls held at once.
#[derive(Clone, Debug, Serialize)]
struct HeldFigures {
    calls: u32,
    talking: u64,
    failed: BTreeMap<String, u64>,
    node_cores: f64,
    idle_cores: f64,
    kib_per_call: f64,
    ended_clean: u64,
}

/// Measures, prints, and fills the document when a date is given.
///
/// # Errors
/// When something cannot be built or started, or no call comes about.
pub(super) fn run(root: &Path, options: &Setup) -> anyhow::Result<()> {
    let programs = Programs::find(root, options.output.debug, options.as_built)?;
    let machine = Machine::read()?;
    let mut figures = Figures { steps: Vec::new(), held: Vec::new() };
    let fastest = options.rates.iter().copied().max().unwrap_or(0);
    // More lines than calls should be up at once: a line is tied up until its end is certain.
    let lines = (fastest * (options.hold_ms / 500 + 3)).clamp(1, LINES_MAX);
    on_a_node(root, &programs, lines, "steps", |bench| {
        for rate in &options.rates {
            figures.steps.push(bench.step(*rate, options)?);
        }
        Ok(())
    })?;
    for calls in options.held.iter().copied().filter(|calls| *calls > 0) {
        on_a_node(root, &programs, calls, "held", |bench| {
            figures.held.push(bench.hold(calls, options.held_seconds)?);
            Ok(())
        })?;
    }
    let command = options.command();
    options.output.give(
        root,
        &Measured {
            bench: "setup",
            command: &command,
            machine: &machine,
            figures: &figures,
            tables: &tables(&figures, &machine),
        },
    )
}

impl Setup {
    /// The command that measures the same again.
    fn command(&self) -> String {
        let list = |numbers: &[u32]| {
            let words: Vec<_> = numbers.iter().map(ToString::to_string).collect();
            words.join(",")
        };
        let Self { seconds, hold_ms, held_seconds, .. } = self;
        let (rates, held) = (list(&self.rates), list(&self.held));
        format!(
            "cargo xtask bench setup --rates {rates} --seconds {seconds} --hold-ms {hold_ms} \
             --held {held} --held-seconds {held_seconds}"
        )
    }
}

/// A node with hotlines, and the load before it.
struct Bench<'a> {
    node: &'a Node,
    load: &'a mut Load,
    bar: &'a ProgressBar,
    /// The node's cores while nothing happens.
    idle_cores: f64,
    idle_kib: u64,
}

/// Starts node and load on a fresh folder, and stops them when `measure` is done.
fn on_a_node(
    root: &Path,
    programs: &Programs,
    lines: u32,
    what: &'static str,
    measure: impl FnOnce(&mut Bench<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let folder = empty_folder(root)?;
    fs::create_dir_all(&folder)?;
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{prefix:<6} {msg:<40} {pos} {elapsed}")?);
    bar.set_prefix(what);
    let (provision, list) = (folder.join("provision.toml"), folder.join("lines.csv"));
    write_hotline_list(&list, lines)?;
    let mut load = Load::start(&programs.setup, &list, &[])?;
    let Said::Bound { gateway, trunk } = load.wait(START_WITHIN, |_, _| {})? else {
        bail!("the load did not say where its ports are");
    };
    write_hotlines(&provision, lines, &gateway, &trunk)?;
    bar.set_message("filling the store");
    node::prepare(programs, &folder, &provision)?;
    let node = Node::start(programs, &folder)?;
    load.order(&format!("call {}", node.sip))?;
    let measured = idle(&node, &load).and_then(|(idle_cores, idle_kib)| {
        measure(&mut Bench { node: &node, load: &mut load, bar: &bar, idle_cores, idle_kib })
    });
    measured.with_context(|| format!("the node's log is {}", node::log_in(&folder).display()))?;
    drop(load);
    bar.set_message("stopping");
    node.stop()?;
    let recordings = node::recordings(&folder)?;
    ensure!(recordings == 0, "{recordings} recordings of calls that are not to be recorded");
    bar.finish_and_clear();
    fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Cores and anonymous memory of a node that nobody calls.
fn idle(node: &Node, load: &Load) -> anyhow::Result<(f64, u64)> {
    load.pass(SETTLE, |_, _| {})?;
    let from = Sample::take(node.id(), load.id())?;
    load.pass(IDLE, |_, _| {})?;
    let to = Sample::take(node.id(), load.id())?;
    Ok((Spent::between(&from, &to).node, anonymous_kib(node.id())?))
}

impl Bench<'_> {
    fn step(&mut self, rate: u32, options: &Setup) -> anyhow::Result<StepFigures> {
        let bar = self.bar;
        bar.set_message(format!("{rate} a second"));
        let Setup { seconds, hold_ms, .. } = options;
        let from = Sample::take(self.node.id(), self.load.id())?;
        self.load.order(&format!("step {rate} {seconds} {hold_ms}"))?;
        let within = Duration::from_secs((seconds * 2).into()) + CALL_MAX;
        let said = self.load.wait(within, |_, over| bar.set_position(over))?;
        let to = Sample::take(self.node.id(), self.load.id())?;
        let Said::Step(report) = said else { bail!("the load did not say what the step came to") };
        ensure!(report.clean > 0, "no call came about; they failed so: {:?}", report.failed);
        let anonymous_kib = anonymous_kib(self.node.id())?;
        // What is still to be written is not the next step's.
        self.load.pass(SETTLE, |_, _| {})?;
        Ok(StepFigures::of(
            rate,
            report,
            &Spent::between(&from, &to),
            self.idle_cores,
            anonymous_kib,
        ))
    }

    fn hold(&mut self, calls: u32, seconds: u32) -> anyhow::Result<HeldFigures> {
        let bar = self.bar;
        bar.set_message(format!("{calls} held"));
        self.load.order(&format!("hold {calls} {HOLD_RATE}"))?;
        let within = Duration::from_secs((calls / HOLD_RATE).into()) + CALL_MAX;
        let said = self.load.wait(within, |talking, _| bar.set_position(talking))?;
        let Said::Held { talking, failed } = said else { bail!("the load did not hold its calls") };
        ensure!(talking > 0, "no call came about; they failed so: {failed:?}");
        self.load.pass(SETTLE, |_, _| {})?;
        let from = Sample::take(self.node.id(), self.load.id())?;
        self.load.pass(Duration::from_secs(seconds.into()), |_, _| {})?;
        let to = Sample::take(self.node.id(), self.load.id())?;
        let kib = anonymous_kib(self.node.id())?;
        self.load.order("end")?;
        let said = self.load.wait(within, |talking, _| bar.set_position(talking))?;
        let Said::Ended { clean, failed } = said else {
            bail!("the load did not end its calls");
        };
        Ok(HeldFigures {
            calls,
            talking,
            failed,
            node_cores: Spent::between(&from, &to).node,
            idle_cores: self.idle_cores,
            kib_per_call: count(kib.saturating_sub(self.idle_kib)) / count(talking),
            ended_clean: clean,
        })
    }
}

/// Cores in a stretch of time.
struct Spent {
    seconds: f64,
    node: f64,
    load: f64,
    other: f64,
}

impl Spent {
    fn between(from: &Sample, to: &Sample) -> Self {
        let seconds = to.at.duration_since(from.at).as_secs_f64();
        let cores =
            |of: fn(&Sample) -> Duration| of(to).saturating_sub(of(from)).as_secs_f64() / seconds;
        let (node, load) = (cores(|sample| sample.node), cores(|sample| sample.load));
        let other = (cores(|sample| sample.machine) - node - load).max(0.0);
        Self { seconds, node, load, other }
    }
}

impl StepFigures {
    fn of(rate: u32, report: StepReport, spent: &Spent, idle: f64, anonymous_kib: u64) -> Self {
        let busy = (spent.node - idle).max(0.0) * spent.seconds;
        Self {
            rate_per_second: rate,
            started: report.started,
            clean: report.clean,
            failed: report.failed,
            ms_per_set_up: busy * 1_000.0 / count(report.started),
            node_cores: spent.node,
            load_cores: spent.load,
            other_cores: spent.other,
            set_up_ms: report.set_up_ms,
            load_late_ms_max: report.late_ms_max,
            anonymous_mib: count(anonymous_kib) / 1_024.0,
        }
    }
}

fn tables(figures: &Figures, machine: &Machine) -> String {
    let mut text = String::from(
        "| set-ups a second | started | clean | failed | CPU of a set-up | node, load, others in cores | \
         both legs up: median, 99 %, longest | load late | anonymous memory |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for step in &figures.steps {
        let [median, most, longest] = step.set_up_ms;
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {:.3} ms | {:.2}, {:.2}, {:.2} of {} | {median:.1}, {most:.1}, \
             {longest:.1} ms | {:.1} ms | {:.0} MiB |",
            step.rate_per_second,
            step.started,
            step.clean,
            reasons(&step.failed),
            step.ms_per_set_up,
            step.node_cores,
            step.load_cores,
            step.other_cores,
            machine.cores,
            step.load_late_ms_max,
            step.anonymous_mib,
        );
    }
    text.push_str(
        "\n| calls held without audio | up | failed | ended clean | node in cores (idle) | KiB per call |\n\
         |---|---|---|---|---|---|\n",
    );
    for held in &figures.held {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {:.3} ({:.3}) | {:.1} |",
            held.calls,
            held.talking,
            reasons(&held.failed),
            held.ended_clean,
            held.node_cores,
            held.idle_cores,
            held.kib_per_call,
        );
    }
    text
}

fn reasons(failed: &BTreeMap<String, u64>) -> String {
    if failed.is_empty() {
        return "0".to_owned();
    }
    let words: Vec<_> = failed.iter().map(|(stage, count)| format!("{count} {stage}")).collect();
    words.join(", ")
}

/// Counts here are far below the 2^53 to which this is exact.
#[expect(clippy::cast_precision_loss, reason = "counts of calls and KiB are small")]
fn count(value: u64) -> f64 {
    value as f64
}

const START_WITHIN: Duration = Duration::from_secs(30);
/// Longest time that one call may take to come about or to end; the load gives up sooner.
const CALL_MAX: Duration = Duration::from_secs(60);
/// Until what has just happened is written down.
const SETTLE: Duration = Duration::from_secs(2);
const IDLE: Duration = Duration::from_secs(5);
/// Calls started in a second until all that are to be held are up.
const HOLD_RATE: u32 = 100;
/// As many as the node may take at once.
const LINES_MAX: u32 = 5_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn step() -> StepFigures {
        let report = StepReport {
            started: 8_000,
            clean: 7_999,
            failed: BTreeMap::from([("end".to_owned(), 1)]),
            set_up_ms: [3.0, 9.5, 20.0],
            seconds: 11.0,
            late_ms_max: 1.5,
        };
        let spent = Spent { seconds: 11.0, node: 0.41, load: 0.5, other: 0.1 };
        StepFigures::of(800, report, &spent, 0.01, 51_200)
    }

    #[test]
    fn what_an_idle_node_needs_is_not_a_set_ups() {
        // 0.4 cores of 11 s for 8,000 set-ups.
        assert!((step().ms_per_set_up - 0.55).abs() < 1e-9, "{:?}", step());
        assert!((step().anonymous_mib - 50.0).abs() < 1e-9);
    }

    #[test]
    fn every_row_of_a_table_has_the_columns_of_its_head() {
        let held = HeldFigures {
            calls: 5_000,
            talking: 5_000,
            failed: BTreeMap::new(),
            node_cores: 0.1,
            idle_cores: 0.01,
            kib_per_call: 40.0,
            ended_clean: 5_000,
        };
        let machine =
            Machine { cores: 2, processor: "sample".into(), kernel: "6.1".into(), niceness: 0 };
        let text = tables(&Figures { steps: vec![step()], held: vec![held] }, &machine);
        for table in text.split("\n\n") {
            let widths: Vec<_> = table.lines().map(|line| line.matches('|').count()).collect();
            assert!(widths.len() == 3 && widths.windows(2).all(|two| two[0] == two[1]), "{table}");
        }
        assert!(text.contains("| 1 end |") && text.contains("| 5000 | 5000 | 0 |"), "{text}");
    }
}

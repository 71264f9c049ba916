//! `parlatory serve`.

use std::{
    io::Read,
    sync::{Arc, mpsc},
    time::Duration,
};

use anyhow::{Context, Result};
use model::Timestamp;
use rustix::process::{Resource, Rlimit, setrlimit};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};
use switch::{Step, Watch};

use crate::{cli::ServeArgs, clock::clock, config::Config, data::Data, node::Node, print::line};

/// Takes calls until asked to stop.
pub(crate) fn run(args: &ServeArgs) -> Result<()> {
    let data = Data::existing(&args.data.data)?;
    let config = Config::read(&data.config())?;
    forbid_core_dumps();
    let watch = args.steps.then(|| -> Watch { Arc::new(print_step) });
    let node = Node::open(&data, &config, &clock(), watch)?;
    say_recovered(&node);
    line(&format!("{READY}{}", node.sip_address()));
    let stops = wait_for_stop(args.until_stdin_closes)?;
    let _ = stops.recv();
    tracing::info!("no new calls from now on; running calls may finish (again to end them now)");
    node.begin_stop(config.limits.drain());
    std::thread::scope(|scope| {
        let (stopped, all_over) = mpsc::channel();
        let stop_within = node.stopper();
        scope.spawn(move || {
            node.join();
            let _ = stopped.send(());
        });
        while all_over.recv_timeout(SECOND_SIGNAL_EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
            if stops.try_recv().is_ok() {
                stop_within(Duration::ZERO);
            }
        }
    });
    tracing::info!("all calls are over and everything is on disk");
    Ok(())
}

/// What `serve` prints, followed by its SIP address, when it takes calls.
pub(crate) const READY: &str = "ready: SIP on udp ";

/// What a step's line begins with.
pub(crate) const STEP: &str = "step ";

/// How often a second signal is looked for while calls finish.
const SECOND_SIGNAL_EVERY: Duration = Duration::from_millis(100);

/// A core dump would hold voices and keys.
fn forbid_core_dumps() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "core dumps could not be forbidden");
    }
}

fn say_recovered(node: &Node) {
    let found = &node.recovered;
    if found.calls > 0 || found.recordings > 0 || found.journal_octets_cut > 0 {
        tracing::warn!(
            calls = found.calls,
            recordings = found.recordings,
            charged = %found.charged,
            octets_cut = found.journal_octets_cut,
            "the last run did not end in order; its calls are settled"
        );
    }
}

/// Sends something whenever the node is asked to stop.
fn wait_for_stop(until_stdin_closes: bool) -> Result<mpsc::Receiver<()>> {
    let (stop, stops) = mpsc::channel();
    let mut signals = Signals::new([SIGTERM, SIGINT]).context("cannot listen for signals")?;
    let by_signal = stop.clone();
    std::thread::spawn(move || {
        for _ in signals.forever() {
            let _ = by_signal.send(());
        }
    });
    if until_stdin_closes {
        std::thread::spawn(move || {
            let mut end = Vec::new();
            let _ = std::io::stdin().read_to_end(&mut end);
            let _ = stop.send(());
        });
    }
    Ok(stops)
}

fn print_step(step: &Step) {
    let Step { at, call, station, kind } = step;
    line(&format!("{STEP}{} {} {station} {kind}", Timestamp::micros(*at), call.0));
}

//! `parlatory serve`.

use std::{
    io::Read,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

use anyhow::{Context, Result, bail};
use model::Timestamp;
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};
use switch::{Step, Watch};

use crate::{
    cli::ServeArgs, clock::clock, config::Config, data::Data, files, memory, node::Node,
    print::line,
};

/// Takes calls until asked to stop.
pub(crate) fn run(args: &ServeArgs) -> Result<()> {
    let data = Data::existing(&args.data.data)?;
    let mut config = Config::read(&data.config())?;
    memory::protect();
    config.limits.calls_max = files::calls_at_once(config.limits.calls_max);
    let watch = args.steps.then(watch_steps).transpose()?;
    // Before the node takes anything in: who sees that it is ready may ask it to stop.
    let stops = wait_for_stop(args.until_stdin_closes)?;
    let node = Node::open(&data, &config, &clock(), watch)?;
    say_recovered(&node);
    if let Some(url) = node.console_url() {
        line(&format!("{CONSOLE}{url}"));
    }
    line(&format!("{READY}{}", node.sip_address()));
    let failure = wait(&node, &data, &stops);
    match failure {
        None => {
            tracing::info!("no new calls from now on; running calls may finish (again: at once)");
            node.begin_stop(config.limits.drain());
        }
        Some(why) => {
            tracing::error!("{why}; every call is ended, and the next start settles what is open");
            node.begin_stop(Duration::ZERO);
        }
    }
    join(node, &stops);
    match failure {
        None => Ok(()),
        Some(why) => bail!("{why}: see the log, then start again"),
    }
}

/// Waits until the node is asked to stop, or cannot go on; then says why.
fn wait(node: &Node, data: &Data, stops: &mpsc::Receiver<()>) -> Option<&'static str> {
    let mut version = 0;
    loop {
        version = node.refresh_keyholders(data, version);
        match stops.recv_timeout(HEALTH_EVERY) {
            Ok(()) | Err(mpsc::RecvTimeoutError::Disconnected) => return None,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                if let Some(why) = node.failure() {
                    return Some(why);
                }
            }
        }
    }
}

/// Waits until all calls are over. Being asked to stop once more ends them at once.
fn join(node: Node, stops: &mpsc::Receiver<()>) {
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
}

/// What `serve` prints, followed by its SIP address, when it takes calls.
pub(crate) const READY: &str = "ready: SIP on udp ";

/// What it prints before that, followed by the address of the console, where there is one.
pub(crate) const CONSOLE: &str = "console: ";

/// What a step's line begins with.
pub(crate) const STEP: &str = "step ";

/// How often the node is asked whether it can go on.
const HEALTH_EVERY: Duration = Duration::from_millis(500);

/// How often a second signal is looked for while calls finish.
const SECOND_SIGNAL_EVERY: Duration = Duration::from_millis(100);

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

/// Prints steps on a thread of its own: a reader that stops reading must not stop calls. What it
/// does not take in time is left out, and said so.
fn watch_steps() -> Result<Watch> {
    let (steps, printed) = mpsc::sync_channel::<Step>(STEPS_WAITING_MAX);
    let missed = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&missed);
    std::thread::Builder::new()
        .name("steps".into())
        .spawn(move || {
            for step in printed {
                let left_out = counted.swap(0, Ordering::Relaxed);
                if left_out > 0 {
                    line(&format!("{STEPS_MISSED}{left_out}"));
                }
                print_step(&step);
            }
        })
        .context("no thread to print steps")?;
    Ok(Arc::new(move |step| {
        if steps.try_send(step.clone()).is_err() {
            missed.fetch_add(1, Ordering::Relaxed);
        }
    }))
}

fn print_step(step: &Step) {
    let Step { at, call, station, kind } = step;
    line(&format!("{STEP}{} {} {station} {kind}", Timestamp::micros(*at), call.0));
}

/// What a line begins with that says how many steps could not be printed.
const STEPS_MISSED: &str = "steps left out: ";

/// Steps that wait to be printed at most.
const STEPS_WAITING_MAX: usize = 8_192;

//! `parlatory-keyholder`: keeps the keys of one keyholder and opens shares against proofs.
//!
//! What it is not: it decides nothing. What it opens and refuses is [`keyholder::Holder`]'s, its
//! commands are [`keyholder::Command`]'s; here is its clock. `parlatory keyholder` is the same.

use clap::Parser;
use keyholder::Command;
use model::{Clock, Timestamp};
use std::{
    io::{self, Write as _},
    process::ExitCode,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Holds the private keys of one keyholder. It opens its share of a recording's key only against
/// the proof that the disclosure stands in the log, and only for the recipient whom it names.
#[derive(Parser)]
#[command(name = "parlatory-keyholder", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    match Cli::parse().command.run(&clock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            drop(writeln!(io::stderr(), "error: {fault:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The time of day, carried on by the monotonic clock.
#[expect(clippy::disallowed_methods, reason = "this program owns its clock")]
fn clock() -> Clock {
    let day = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let start = Instant::now();
    let base = Timestamp::default().after(day);
    Clock::new(move || base.after(start.elapsed()))
}

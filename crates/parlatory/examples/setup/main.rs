//! The load of `cargo xtask bench setup` and `bench held`: hotlines that ring a called party, with
//! no audio at all.
//!
//! A gateway's lines on one SIP port call the node; each is a hotline, so that the node dials by
//! itself. The called parties answer at once on another port, behind what the node takes for its
//! trunk. Both ends say `a=inactive` (RFC 4566 section 6), so that nobody sends audio and nobody
//! misses it. What is measured is the set-up and the end of two legs.
//!
//! Orders come by lines of standard input (`call ADDRESS`, `step RATE SECONDS HOLD_MS`,
//! `hold COUNT RATE`, `end`), and what it says goes to standard output as one JSON object a line;
//! see `say.rs`. Start with `calls.rs`.

mod calls;
#[path = "../../src/clock.rs"]
mod clock;
#[path = "../ends/mod.rs"]
mod ends;
mod say;
mod step;

use std::{path::PathBuf, process::ExitCode, sync::mpsc::channel};

use anyhow::Result;
use clap::Parser;

use calls::{Calls, Letter};
use say::Said;

/// Plays hotlines and called parties against a node.
#[derive(Debug, Parser)]
struct Cli {
    /// The hotlines: a line for each, `station,number`.
    lines: PathBuf,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ends::say(&Said::Broken { why: format!("{error:#}") });
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    let lines = calls::read(&cli.lines)?;
    let (sender, letters) = channel();
    let calls = Calls::start(lines, clock::clock(), &sender)?;
    let (gateway, trunk) = calls.addresses();
    ends::say(&Said::Bound { gateway, trunk });
    ends::hear_orders(move |order| sender.send(Letter::Order(order)).is_ok())?;
    calls.run(&letters)
}

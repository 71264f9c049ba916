//! The load of `cargo xtask bench calls`: many telephones and called parties against one node.
//!
//! A gateway's lines on one SIP port call the node; the called parties answer on another, behind
//! what the node takes for its trunk. SIP comes from `line`; audio is of its own making, so that
//! what is measured is not measured with itself. It is what a third party could write from the
//! dialogue in the README: it presses `1` when the other end has spoken and fallen silent, and
//! believes that two phones are joined when it hears, on one, the pattern it sends on the other.
//!
//! Orders come by lines of standard input (`call ADDRESS`, `window`, `report`, `end`), and what it
//! says goes to standard output as one JSON object a line; see `say.rs`. Start with `phones.rs`.

mod audio;
mod caller;
#[path = "../../src/clock.rs"]
mod clock;
mod ear;
#[path = "../ends/mod.rs"]
mod ends;
mod packet;
mod phones;
mod say;
mod stream;

use std::{path::PathBuf, process::ExitCode, sync::mpsc::channel};

use anyhow::Result;
use clap::Parser;

use phones::{Letter, Phones};
use say::Said;

/// Plays telephones and called parties against a node.
#[derive(Debug, Parser)]
struct Cli {
    /// Who calls whom: a line for each call, `station,pin,number`.
    callers: PathBuf,
    /// Calls started, and later ended, in a second.
    #[arg(long, value_name = "CALLS", default_value_t = 10)]
    rate: u32,
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
    let callers = caller::read(&cli.callers)?;
    let (sender, letters) = channel();
    let phones = Phones::start(callers, cli.rate.max(1), clock::clock(), &sender)?;
    let (gateway, trunk) = phones.addresses();
    ends::say(&Said::Bound { gateway, trunk });
    ends::hear_orders(move |order| sender.send(Letter::Order(order)).is_ok())?;
    phones.run(&letters)
}

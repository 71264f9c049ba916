//! The `parlatory` program: configuration, wiring, commands and the demo.
//!
//! It holds no rule of its own. `node.rs` is where desk, vault, media, line and switch meet;
//! `serve.rs` runs a node; `demo/` plays stations and called parties against one.

mod audit;
mod authority;
mod backup;
mod calls;
mod cli;
mod client;
mod clock;
mod config;
mod counsel;
mod custody;
mod data;
mod demo;
mod disclose;
mod doctor;
mod files;
mod ground;
mod init;
mod ledger;
mod letter;
mod logbook;
mod login;
mod memory;
mod name;
mod nightly;
mod node;
mod package;
mod pager;
mod print;
mod provision;
mod pulse;
mod reopen;
mod restore;
mod retention;
mod segments;
mod serve;
mod staff;
mod status;
mod table;
mod tie;
mod timekeeping;
mod verify;
mod vouching;
mod waiting;
mod witness;

use std::{io::IsTerminal, process::ExitCode};

use clap::Parser;
use cli::{Cli, Command};
use tracing_subscriber::EnvFilter;

/// Dialog churn keeps glibc's heap high; this one gives memory back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let small = memory::use_small_pages();
    let cli = Cli::parse();
    start_log();
    if let Err(error) = small {
        tracing::warn!(%error, "memory comes in huge pages, and a node takes more of it");
    }
    let done = match &cli.command {
        Command::Demo(args) => demo::run(args),
        Command::Init(args) => init::run(args),
        Command::Provision(args) => provision::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Status(args) => status::run(args),
        Command::Doctor(args) => doctor::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Witness(args) => witness::run(args),
        Command::Keyholder { command } => command.run(&clock::clock()),
        Command::Audit(args) => audit::run(args),
        Command::Login(args) => login::log_in(args),
        Command::Logout(plain) => login::log_out(*plain),
        Command::Disclose { command } => disclose::run(command),
        Command::Package { command } => package::run(command),
        Command::Backup(args) => backup::run(args),
        Command::Restore(args) => restore::run(args),
        Command::Journal { command } => reopen::run(command),
        Command::Staff { command } => staff::staff(command),
        Command::Grant { command } => staff::grant(command),
        Command::Policy { command } => staff::policy(command),
        Command::Retention { command } => retention::run(command),
        Command::Access { command } => staff::access(command),
        Command::Glass { command } => staff::glass(command),
        Command::Calls { command } => calls::run(command),
        Command::Name { command } => name::run(command),
        Command::Counsel { command } => counsel::run(command),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print::error(&format!("parlatory: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Log lines go to standard error. The SIP library logs whole messages, which hold names and
/// numbers, and the database driver whole statements: whatever `RUST_LOG` says of them is left out.
fn start_log() {
    let wanted = std::env::var("RUST_LOG").unwrap_or_else(|_| "info".to_owned());
    let allowed = wanted.split(',').filter(|directive| {
        !["rsipstack", "sqlx"].iter().any(|library| directive.contains(library))
    });
    let quiet = ["rsipstack=off", "sqlx=warn"];
    let filter = EnvFilter::new(allowed.chain(quiet).collect::<Vec<_>>().join(","));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
}

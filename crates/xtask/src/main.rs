//! Our rules as programs: `check` runs everything a change must pass, `tidy` reads the tree.
//!
//! What it is not: part of the phone service. Nothing here is linked into the node, and no other
//! crate depends on it.
//! Start with [`check`], whose list of steps is what `.ci/run` and a developer both run, then
//! [`tidy`], whose list of checks is what the tree is held to.
#![expect(clippy::print_stdout, reason = "a command line tool talks to a person")]

use clap::{Parser, Subcommand};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

mod bench;
mod check;
mod dist;
mod fuzz;
mod mutants;
mod prompts;
mod tidy;
mod tools;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own rules and chores, as commands")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run everything a change must pass: tools, formatting, tidy, lints, tests
    Check,
    /// Hold the tree to the rules that no compiler knows (layers, words, sizes, docs/rules.md)
    Tidy,
    /// Change the code of the gate in every small way and see that a test notices each change
    Mutants {
        /// One part of the changes of each file, such as `0/4`
        #[arg(long)]
        shard: Option<String>,
        /// Files of the gate; all of them without
        files: Vec<String>,
    },
    /// Run the fuzz targets for a number of executions each; see docs/fuzzing.md
    Fuzz {
        /// Executions of each target
        #[arg(long, default_value_t = 1_000_000)]
        runs: u64,
        /// One target; all of them without
        target: Option<String>,
    },
    /// Measure what the node costs; see docs/benchmarks.md
    Bench {
        /// What to measure
        #[command(subcommand)]
        bench: bench::Bench,
    },
    /// Build a release that anybody can make again, twice, and show that both are the same
    Dist(dist::DistArgs),
    /// Build the prompt pack from its texts with the speech programs of Debian
    Prompts {
        /// Passed on to the builder
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().chore) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> anyhow::Result<()> {
    match chore {
        Chore::Check => check::run(&root()),
        Chore::Tidy => tidy::run(&root()),
        Chore::Mutants { shard, files } => mutants::run(&root(), &mutants::Run { files, shard }),
        Chore::Fuzz { runs, target } => fuzz::run(&root(), &fuzz::Run { target, runs }),
        Chore::Bench { bench } => bench::run(&root(), &bench),
        Chore::Dist(args) => dist::run(&root(), &args),
        Chore::Prompts { args } => prompts::run(&root(), &args),
    }
}

/// The folder of the workspace, found from where this crate was built.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

//! `cargo xtask bench drill`: how long it takes to back a node up, and to try that backup out.

use super::{
    Programs, empty_folder,
    node::{data_in, run},
    output::{Measured, Output},
    process::Machine,
    progress,
    round::{Round, Variant},
};
use anyhow::{Context, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};
use std::{fs, path::Path, time::Instant};

/// Options of `bench drill`.
#[derive(Args)]
pub(crate) struct Drill {
    /// Recorded calls that the node takes first, all at once
    #[arg(long, default_value_t = 200, value_name = "COUNT")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000))]
    calls: u32,
    /// Seconds in which all of them are held
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    #[arg(value_parser = clap::value_parser!(u32).range(2..=3_600))]
    hold: u32,
    #[command(flatten)]
    output: Output,
}

/// What was measured.
#[derive(Debug, Serialize)]
struct Tried {
    backup_s: f64,
    drill: Report,
}

/// What `parlatory restore --drill --json` says, as far as it is used.
#[derive(Debug, Serialize, Deserialize)]
struct Report {
    octets: u64,
    recordings: u64,
    log_entries: Option<u64>,
    copy_s: f64,
    all_s: f64,
    found: Vec<String>,
}

/// Measures, prints, and fills the document when a date is given.
pub(super) fn run_drill(root: &Path, options: &Drill) -> anyhow::Result<()> {
    let Drill { calls, hold, ref output } = *options;
    let programs = Programs::find(root, output.debug, false)?;
    let machine = Machine::read()?;
    let round = Round { variant: Variant::Recorded, calls, hold, rate: RATE };
    let folder = empty_folder(root)?;
    let bar = progress(&round)?;
    round.run(&folder, &programs, &bar)?;
    bar.set_message("backing up and trying");
    let tried = try_out(&programs, &folder)?;
    bar.finish_and_clear();
    fs::remove_dir_all(&folder)?;
    let command = format!("cargo xtask bench drill --calls {calls} --hold {hold}");
    output.give(
        root,
        &Measured {
            bench: "drill",
            command: &command,
            machine: &machine,
            figures: &tried,
            tables: &table(&tried),
        },
    )
}

/// Takes a backup of the data folder in `folder`, and tries it.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn try_out(programs: &Programs, folder: &Path) -> anyhow::Result<Tried> {
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let (backup, scratch) = (path("backup"), path("scratch"));
    fs::create_dir_all(&scratch)?;
    let begun = Instant::now();
    run(programs, &["backup", "--with-keys", "--to", &backup], &data_in(folder))?;
    let backup_s = begun.elapsed().as_secs_f64();
    let words = ["restore", "--drill", "--json", "--from", &backup, "--scratch", &scratch];
    let said = run(programs, &words, &folder.join("nowhere"))?;
    let drill: Report = serde_json::from_slice(&said).context("the drill said something else")?;
    ensure!(drill.found.is_empty(), "the drill found: {}", drill.found.join("; "));
    Ok(Tried { backup_s, drill })
}

fn table(tried: &Tried) -> String {
    let Tried { backup_s, drill } = tried;
    let gib = drill.octets as f64 / GIB;
    let verdict = if drill.all_s <= DRILL_S_MAX { "kept" } else { "**missed**" };
    format!(
        "| a node with {} recordings, {} entries in its log, {gib:.2} GiB | seconds | target |\n|---|---|---|\n\
         | `parlatory backup`, all of it for the first time | {backup_s:.1} | |\n\
         | `parlatory restore --drill`: copied | {:.1} | |\n\
         | the same: copied, checked whole, started | {:.1} | {DRILL_S_MAX:.0}: {verdict} |\n\
         | what fits into {:.0} minutes at this pace | {:.0} GiB | |",
        drill.recordings,
        drill.log_entries.unwrap_or_default(),
        drill.copy_s,
        drill.all_s,
        DRILL_S_MAX / 60.0,
        gib / drill.all_s.max(f64::EPSILON) * DRILL_S_MAX,
    )
}

/// Calls started, and later ended, in a second.
const RATE: u32 = 20;
const GIB: f64 = 1_073_741_824.0;
/// How long a drill may take: 15 minutes.
const DRILL_S_MAX: f64 = 900.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_is_kept_or_missed_by_the_whole_drill() {
        let of = |all_s| {
            let found = Vec::new();
            let (octets, recordings, log_entries) = (2 << 30, 7, Some(70));
            let drill = Report { octets, recordings, log_entries, copy_s: 1.0, all_s, found };
            table(&Tried { backup_s: 2.0, drill })
        };
        assert!(of(9.0).contains("| 9.0 | 900: kept |"), "{}", of(9.0));
        assert!(of(9.0).contains("| 200 GiB |"), "{}", of(9.0));
        assert!(of(900.5).contains("**missed**"));
    }
}

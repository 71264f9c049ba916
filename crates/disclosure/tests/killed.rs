//! A process that is killed while it discloses: searches, plays and packs, from asking to the last
//! octet. Alone in its file: between its fork and its exec a child holds the locks of all logs that
//! are open in this process.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

#[path = "../../vault/tests/consent/mod.rs"]
mod consent;
mod office;
#[path = "../../vault/tests/open/mod.rs"]
mod open;
#[path = "../../vault/tests/world/mod.rs"]
mod world;

use access::{Audience, Purpose, Query, Verb, decide::Line};
use disclosure::records::{ExportAsk, Look, What};
use evidence::Statement;
use office::{CEDAR, Office, RECORDING, Running, copy, reason, shown};
use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::channel,
    time::Duration,
};

/// How many processes are killed; more of them with `PARLATORY_KILLS`.
fn rounds() -> u64 {
    env::var("PARLATORY_KILLS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(16)
}

#[test]
fn whatever_a_killed_process_had_disclosed_stands_in_the_log_and_a_retry_succeeds() {
    let office = Office::new();
    let running = office.open();
    running.grant("inve", Purpose::Investigation, &[Verb::Search, Verb::Listen, Verb::Export]);
    running.close();
    let pristine = office.world.root().join("pristine");
    copy(&office.disk, &pristine);
    let (mut seed, mut disclosed, mut within) = (7_u64, 0, 0);
    for round in 0..rounds() {
        if round % FRESH_EVERY == 0 {
            // What staff may see in a day is limited, and here it is always the same day.
            fs::remove_dir_all(&office.disk).unwrap();
            copy(&pristine, &office.disk);
        }
        // Knuth's generator of MMIX: the same spread each time.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (lines, wait) = (seed >> 33 & 15, Duration::from_micros(seed >> 40 & 0x3fff));
        let told = killed(start(office.world.root()), lines, wait);
        within += u64::from(told.last().is_some_and(|last| last.starts_with("doing")));

        let entries = Office::entries(&office.disk);
        for entry in told.iter().filter_map(|line| line.strip_prefix("shown ")) {
            let at = &entries[entry.parse::<usize>().unwrap()].0.said.what;
            assert!(matches!(at, Statement::Disclosure { .. }), "round {round}: {at:?}");
            disclosed += 1;
        }
        let again = office.open();
        for step in 0..STEPS {
            disclose(&again, step, &mut |_| ());
        }
        again.close();
    }
    println!("{} kills, {within} within a disclosure; {disclosed} pieces disclosed", rounds());
    assert!(disclosed > rounds(), "most were killed after something was disclosed");
    assert!(within > rounds() / 4, "many were killed within a disclosure: {within}");
}

/// Starts the child below over the office in `root`.
fn start(root: &Path) -> Child {
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "child_discloses_until_it_is_killed", "--nocapture"]);
    child.env(CHILD_FOLDER, root).stdout(Stdio::piped()).spawn().unwrap()
}

/// Kills it some time after it has told so many lines; gives all that it told.
fn killed(mut child: Child, lines: u64, wait: Duration) -> Vec<String> {
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let ours = |line: &String| ["shown ", "doing "].iter().any(|word| line.starts_with(word));
    let mut told = Vec::new();
    while told.len() <= usize::try_from(lines).unwrap() {
        told.extend(out.next().unwrap().ok().filter(ours));
    }
    let (_open, nothing) = channel::<()>();
    let _ = nothing.recv_timeout(wait);
    child.kill().unwrap();
    child.wait().unwrap();
    // What it had told before it died is in the pipe; a line that was cut was told to nobody.
    told.extend(out.map_while(Result::ok).filter(ours));
    told
}

/// One disclosure; `shown` is told of its entry for each piece that is disclosed.
fn disclose(running: &Running, step: u64, told: &mut dyn FnMut(u64)) {
    let (staff, why) = (running.staff("inve"), reason(Purpose::Investigation));
    let look = || Look { agency: CEDAR, query: Query::of(Line::Ordinary), limit: 50 };
    match step % STEPS {
        0 => told(shown(running.records.search(&staff, &why, &look()).unwrap()).entry),
        1 => {
            let heard = running.records.listen(&staff, &why, (CEDAR, RECORDING));
            let mut heard = shown(heard.unwrap());
            while heard.what.next_piece().unwrap().is_some() {
                told(heard.entry);
            }
        }
        _ => {
            let what = What::Records(Box::new(look()));
            let asked = ExportAsk { what, audience: Audience::Court, key: None, note: None };
            told(shown(running.records.export(&staff, &why, &asked).unwrap()).entry);
        }
    }
}

/// Runs in the child process of the test above, and does nothing otherwise.
#[test]
fn child_discloses_until_it_is_killed() {
    let Some(root) = env::var_os(CHILD_FOLDER) else { return };
    let running = Office::again(Path::new(&root)).open();
    let tell = |line: &str| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}").and_then(|()| out.flush()).unwrap();
    };
    // Whatever the test runner has said on this line already.
    tell("");
    for step in 0.. {
        tell(&format!("doing {step}"));
        disclose(&running, step, &mut |entry| tell(&format!("shown {entry}")));
    }
}

/// A search, a recording and a package.
const STEPS: u64 = 3;
/// Processes that are killed over one disk, one after the other.
const FRESH_EVERY: u64 = 4;
const CHILD_FOLDER: &str = "PARLATORY_TEST_OFFICE";

//! SIPp as telephones: the scenarios in `tests/foreign`.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{county, node::Node, place, process::Process};

/// One call of a station.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    /// Who calls; they call from the line of the same place.
    pub(crate) person: usize,
    /// How often they talk for two seconds; the first time when the price is being told.
    pub(crate) turns: usize,
}

/// Stations in the facility, each making a call.
pub(crate) fn stations(folder: &Path, node: &Node, callers: &[Caller]) -> Process {
    let calls: Vec<_> =
        callers.iter().map(|caller| (*caller, county::number(caller.person))).collect();
    stations_calling(folder, node, &calls)
}

/// The same to numbers of the caller's choice.
pub(crate) fn stations_calling(folder: &Path, node: &Node, calls: &[(Caller, String)]) -> Process {
    let mut text = String::from("SEQUENTIAL\n");
    for (Caller { person, turns }, number) in calls {
        writeln!(text, "line-{};{};{number};{turns}", person + 1, county::pin(*person)).unwrap();
    }
    let name = format!("calls-{}.csv", place::ports(2));
    fs::write(folder.join(&name), text).unwrap();
    let mut command = sipp(folder, "station.xml", calls.len(), place::ports(2));
    command.arg(node.sip.to_string()).args(["-s", "menu", "-inf", &name]);
    Process::start("SIPp as station", &mut command)
}

/// Called parties behind the trunk at `port`, for so many calls, each pressing `press` again and
/// again.
pub(crate) fn called(folder: &Path, port: u16, count: usize, press: &str) -> Process {
    let mut command = sipp(folder, "called.xml", count, port);
    command.args(["127.0.0.1", "-key", "press", press]);
    Process::start("SIPp as called party", &mut command)
}

/// A called party behind the trunk at `port` that plays another scenario.
pub(crate) fn called_playing(folder: &Path, port: u16, scenario: &str) -> Process {
    Process::start("SIPp as called party", sipp(folder, scenario, 1, port).arg("127.0.0.1"))
}

/// A carrier behind the trunk at `port` that connects none of [`REFUSALS`] calls.
pub(crate) fn refusing(folder: &Path, port: u16) -> Process {
    let mut command = sipp(folder, "refuses.xml", REFUSALS, port);
    Process::start("SIPp as carrier", command.arg("127.0.0.1"))
}

/// How many calls are refused, each in another way.
pub(crate) const REFUSALS: usize = 4;

/// A folder with the scenarios, for what SIPp writes beside them.
pub(crate) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in SCENARIOS {
        fs::copy(foreign().join(name), folder.path().join(name)).unwrap();
    }
    folder
}

/// Where the scenarios and settings of foreign programs are.
pub(crate) fn foreign() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign")
}

/// Pitch of the tone that SIPp speaks, in Hz.
pub(crate) const TONE: f64 = 440.0;

fn sipp(folder: &Path, scenario: &str, count: usize, port: u16) -> Command {
    let count = count.to_string();
    let mut command = Command::new("sipp");
    command.current_dir(folder);
    command.args(["-sf", scenario, "-m", &count, "-l", &count, "-r", &count]);
    command.args(["-i", "127.0.0.1", "-mi", "127.0.0.1", "-p", &port.to_string()]);
    // It opens this port and the second one above it.
    command.args(["-mp", &place::ports(4).to_string()]);
    command.args(["-nostdin", "-timeout", TIMEOUT_SECONDS]);
    command
}

const SCENARIOS: [&str; 10] = [
    "station.xml",
    "called.xml",
    "busy.xml",
    "rings.xml",
    "refuses.xml",
    "holds.xml",
    "inband.xml",
    "tone.pcap",
    "tone-alaw.pcap",
    "key-1.pcap",
];
/// When SIPp gives up.
const TIMEOUT_SECONDS: &str = "140";

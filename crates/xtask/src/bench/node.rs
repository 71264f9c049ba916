//! The node's data folder and process.

use super::Programs;
use anyhow::{Context, bail, ensure};
use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::Duration,
};

/// A running node. Dropping it ends the process.
pub(super) struct Node {
    child: Child,
    /// Lines of its standard output, which closes when it ends.
    lines: Receiver<String>,
    /// Where it takes SIP.
    pub(super) sip: String,
}

/// Makes the data folder inside `folder`, and fills it.
pub(super) fn prepare(programs: &Programs, folder: &Path, county: &Path) -> anyhow::Result<()> {
    let data = data_in(folder);
    run(programs, &["init"], &data)?;
    let path = data.join("parlatory.toml");
    let settings = fs::read_to_string(&path)?;
    let ours = settings
        .replace(":5060\"", ":0\"")
        .replace(":8480\"", ":0\"")
        .replace(PORTS_OF_INIT, PORTS)
        .replace(CALLS_OF_INIT, CALLS);
    ensure!(
        ours.contains(":0\"") && ours.contains(PORTS) && ours.contains(CALLS),
        "the settings that `init` writes have changed: change them here too"
    );
    fs::write(&path, ours)?;
    let county = county.to_str().context("the folder has a strange name")?;
    run(programs, &["provision", county], &data)?;
    Ok(())
}

impl Node {
    /// Starts a node as in production; its log goes into `folder`.
    pub(super) fn start(programs: &Programs, folder: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(&programs.node)
            .args(["serve", "--until-stdin-closes", "--data"])
            .arg(data_in(folder))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(log_in(folder))?)
            .spawn()
            .with_context(|| format!("cannot start {}", programs.node.display()))?;
        let out = child.stdout.take();
        let (sender, lines) = channel();
        let mut node = Self { child, lines, sip: String::new() };
        let out = out.context("the node has no output")?;
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        // Before that it says where its console is.
        while node.sip.is_empty() {
            let line = node.lines.recv_timeout(START_WITHIN).context("the node did not start")?;
            node.sip = line.strip_prefix(READY).unwrap_or_default().to_owned();
        }
        Ok(node)
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to stop, and waits until everything is on disk.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        if self.lines.recv_timeout(STOP_WITHIN) != Err(RecvTimeoutError::Disconnected) {
            bail!("the node did not stop within {STOP_WITHIN:?}, although no call is left");
        }
        let status = self.child.wait().context("cannot wait for the node")?;
        ensure!(status.success(), "the node ended with {status}");
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // A node that was stopped has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The node's log.
pub(super) fn log_in(folder: &Path) -> PathBuf {
    folder.join("node.log")
}

/// Sealed recordings in the data folder.
pub(super) fn recordings(folder: &Path) -> anyhow::Result<u64> {
    count_files(&data_in(folder).join("recordings"))
}

/// Files whose name begins with the sixteen digits of a recording.
fn count_files(folder: &Path) -> anyhow::Result<u64> {
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            count += count_files(&entry.path())?;
        } else if is_recording(&entry.file_name().to_string_lossy()) {
            count += 1;
        }
    }
    Ok(count)
}

fn is_recording(name: &str) -> bool {
    name.split(['.', '-']).next().is_some_and(|id| {
        id.len() == RECORDING_DIGITS && id.bytes().all(|octet| octet.is_ascii_hexdigit())
    })
}

/// The data folder in `folder`.
pub(super) fn data_in(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// Runs a command of the node on `data`, and gives what it printed.
///
/// # Errors
/// When it cannot be run, or fails.
pub(super) fn run(programs: &Programs, words: &[&str], data: &Path) -> anyhow::Result<Vec<u8>> {
    let output = Command::new(&programs.node)
        .args(words)
        .arg("--data")
        .arg(data)
        .output()
        .with_context(|| format!("cannot run {}", programs.node.display()))?;
    if !output.status.success() {
        bail!("`{}` failed: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.stdout)
}

/// What `serve` says when it takes calls.
const READY: &str = "ready: SIP on udp ";
const START_WITHIN: Duration = Duration::from_secs(30);
const STOP_WITHIN: Duration = Duration::from_secs(60);
const PORTS_OF_INIT: &str = "ports = [40000, 49999]";
/// Below the ports that systems give to sockets that ask for none, such as the load's.
const PORTS: &str = "ports = [10000, 31999]";
const CALLS_OF_INIT: &str = "calls_max = 1000";
const CALLS: &str = "calls_max = 5000";
const RECORDING_DIGITS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_are_told_from_other_files() {
        for (name, expected) in [
            ("00000001000000ff.rec", true),
            ("00000001000000ff-1.part", true),
            ("lock", false),
            ("00000001000000f.rec", false),
            ("0000000100000zff.rec", false),
        ] {
            assert_eq!(is_recording(name), expected, "{name}");
        }
    }
}

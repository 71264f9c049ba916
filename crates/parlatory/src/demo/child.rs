//! The node of the demo: the same program, `serve`, as a process of its own.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};

use crate::{
    data::{Data, open_log},
    serve::{CONSOLE, READY, STEP},
};

/// A running node.
pub(crate) struct NodeProcess {
    child: Child,
    /// Where it takes SIP.
    pub(crate) sip: SocketAddr,
    /// Where its console is.
    pub(crate) console: String,
    reader: Option<JoinHandle<()>>,
}

/// One line of `serve --steps`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StepLine {
    /// Microseconds since 1970.
    pub(crate) at: i64,
    /// The operator's key of the station.
    pub(crate) station: String,
    /// What happened, in words.
    pub(crate) text: String,
}

impl NodeProcess {
    /// Starts a node on `data` and waits until it takes calls. Its log goes to `node.log` there.
    pub(crate) fn start(data: &Data, watch: impl Fn(StepLine) + Send + 'static) -> Result<Self> {
        let log_path = data.root().join("node.log");
        let log = open_log(&log_path).context("cannot write the node's log")?;
        let mut child = Command::new(THIS_PROGRAM)
            .arg0("parlatory")
            .args(["serve", "--steps", "--until-stdin-closes", "--data"])
            .arg(data.root())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("cannot start the node")?;
        let out = child.stdout.take().context("the node has no output")?;
        let (ready, is_ready) = channel();
        let reader = std::thread::spawn(move || {
            let mut console = String::new();
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if let Some(url) = line.strip_prefix(CONSOLE) {
                    url.clone_into(&mut console);
                } else if let Some(address) = line.strip_prefix(READY) {
                    let _ = ready.send((address.to_owned(), console.clone()));
                } else if let Some(step) = line.strip_prefix(STEP).and_then(parse_step) {
                    watch(step);
                }
            }
        });
        match wait_ready(&is_ready) {
            Ok((sip, console)) => Ok(Self { child, sip, console, reader: Some(reader) }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                let log = std::fs::read_to_string(&log_path).unwrap_or_default();
                Err(error.context(format!("the node said:\n{log}")))
            }
        }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as a power cut would: SIGKILL, no last word.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill().context("cannot kill the node")?;
        self.wait_end();
        Ok(())
    }

    /// Asks it to stop, by closing its standard input, and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let status = self.child.wait().context("cannot wait for the node")?;
        self.wait_end();
        if !status.success() {
            bail!("the node ended with {status}");
        }
        Ok(())
    }

    fn wait_end(&mut self) {
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        // A demo that fails leaves no node behind.
        if self.reader.is_some() {
            let _ = self.child.kill();
            self.wait_end();
        }
    }
}

fn wait_ready(ready: &Receiver<(String, String)>) -> Result<(SocketAddr, String)> {
    let (address, console) = ready
        .recv_timeout(START_WITHIN)
        .map_err(|_| anyhow!("the node did not start within {} s", START_WITHIN.as_secs()))?;
    let sip = address.parse().with_context(|| format!("the node takes SIP at `{address}`"))?;
    Ok((sip, console))
}

/// `<at> <call> <station> <text>`.
fn parse_step(line: &str) -> Option<StepLine> {
    let mut parts = line.splitn(4, ' ');
    let at = parts.next()?.parse().ok()?;
    let _call = parts.next()?;
    let station = parts.next()?.to_owned();
    Some(StepLine { at, station, text: parts.next()?.to_owned() })
}

/// The file that runs here, even when another version has been put in its place meanwhile
/// (proc_pid_exe(5)).
const THIS_PROGRAM: &str = "/proc/self/exe";

const START_WITHIN: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_reads() {
        let step = parse_step("17 4294967297 cedar/jail/a/line-1 station -> node    presses keys")
            .unwrap();
        let expected = StepLine {
            at: 17,
            station: "cedar/jail/a/line-1".into(),
            text: "station -> node    presses keys".into(),
        };
        assert_eq!(step, expected);
        assert_eq!(parse_step("x 1 a b"), None);
        assert_eq!(parse_step("17 1 a"), None);
    }
}

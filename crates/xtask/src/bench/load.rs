//! The load's process: what it is ordered, and what it says.

use anyhow::{Context, bail};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};

/// A running load. Dropping it ends the process.
pub(super) struct Load {
    child: Child,
    orders: ChildStdin,
    said: Receiver<String>,
}

/// One line of what the load says; the example's `say.rs` tells what each means.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(tag = "said", rename_all = "snake_case")]
pub(super) enum Said {
    /// The load's ports are open.
    Bound { gateway: String, trunk: String },
    /// How far it is.
    Progress { talking: u64, over: u64 },
    /// Every call is talking or has failed.
    Held { talking: u64, failed: BTreeMap<String, u64> },
    /// What was heard.
    Window(Heard),
    /// Every call is over.
    Over { talked_seconds: f64, failed: BTreeMap<String, u64> },
    /// A step of set-ups is over.
    Step(StepReport),
    /// All calls that were held without audio are over.
    Ended { clean: u64, failed: BTreeMap<String, u64> },
    /// The load cannot go on.
    Broken { why: String },
}

/// What all legs heard while the calls were held.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub(super) struct Heard {
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) lost: u64,
    pub(super) made_up: u64,
    pub(super) crossed: u64,
    pub(super) gap_ms_max: f64,
    pub(super) gaps_over_40_ms: u64,
    pub(super) look_ms_max: f64,
}

/// What a step of set-ups came to; the example's `say.rs` tells what each means.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub(super) struct StepReport {
    pub(super) started: u64,
    pub(super) clean: u64,
    pub(super) failed: BTreeMap<String, u64>,
    pub(super) set_up_ms: [f64; 3],
    pub(super) seconds: f64,
    pub(super) late_ms_max: f64,
}

impl Load {
    /// Starts a program that plays the calls of a file.
    pub(super) fn start(program: &Path, calls: &Path, options: &[&str]) -> anyhow::Result<Self> {
        let mut child = Command::new(program)
            .arg(calls)
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let (Some(orders), Some(out)) = (child.stdin.take(), child.stdout.take()) else {
            bail!("the load has no input or output");
        };
        let (sender, said) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { child, orders, said })
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Orders something.
    pub(super) fn order(&mut self, order: &str) -> anyhow::Result<()> {
        writeln!(self.orders, "{order}").context("the load has ended")
    }

    /// Waits for something else than progress, which goes to `progress`.
    ///
    /// # Errors
    /// When the load has failed or ended, or says nothing else within the time.
    pub(super) fn wait(
        &self,
        within: Duration,
        mut progress: impl FnMut(u64, u64),
    ) -> anyhow::Result<Said> {
        let deadline = after(within);
        loop {
            match self.said.recv_timeout(left(deadline)) {
                Ok(line) => match parse(&line)? {
                    Said::Progress { talking, over } => progress(talking, over),
                    Said::Broken { why } => bail!("the load failed: {why}"),
                    news @ (Said::Bound { .. }
                    | Said::Held { .. }
                    | Said::Window(_)
                    | Said::Over { .. }
                    | Said::Step(_)
                    | Said::Ended { .. }) => return Ok(news),
                },
                Err(RecvTimeoutError::Timeout) => bail!("the load was not done in {within:?}"),
                Err(RecvTimeoutError::Disconnected) => bail!("the load has ended"),
            }
        }
    }

    /// Lets time pass in which the load says nothing but progress.
    ///
    /// # Errors
    /// When it says something else or ends.
    pub(super) fn pass(
        &self,
        time: Duration,
        mut progress: impl FnMut(u64, u64),
    ) -> anyhow::Result<()> {
        let deadline = after(time);
        loop {
            match self.said.recv_timeout(left(deadline)) {
                Ok(line) => match parse(&line)? {
                    Said::Progress { talking, over } => progress(talking, over),
                    Said::Broken { why } => bail!("the load failed: {why}"),
                    Said::Bound { .. }
                    | Said::Held { .. }
                    | Said::Window(_)
                    | Said::Over { .. }
                    | Said::Step(_)
                    | Said::Ended { .. } => {
                        bail!("the load said what nobody asked for: `{line}`");
                    }
                },
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => bail!("the load has ended"),
            }
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // A load that is done has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn parse(line: &str) -> anyhow::Result<Said> {
    serde_json::from_str(line).with_context(|| format!("the load said `{line}`"))
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn after(time: Duration) -> Instant {
    Instant::now() + time
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_load_read() {
        let line = r#"{"said":"held","talking":9,"failed":{"menu":1}}"#;
        let failed = BTreeMap::from([("menu".to_owned(), 1)]);
        assert_eq!(parse(line).unwrap(), Said::Held { talking: 9, failed });
        let line = r#"{"said":"window","sent":4,"received":3,"lost":1,"made_up":0,"crossed":0,
            "gap_ms_max":21.5,"gaps_over_40_ms":0,"look_ms_max":1.25}"#;
        let Said::Window(heard) = parse(line).unwrap() else { panic!("{line}") };
        assert_eq!((heard.sent, heard.received, heard.lost), (4, 3, 1));
        assert!(parse("no json").is_err());
    }
}

//! What `/proc` says about processes and the machine (proc(5)).

use anyhow::Context;
use std::{
    fs,
    time::{Duration, Instant},
};

/// CPU time so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// When.
    pub(super) at: Instant,
    /// User and system time of the node.
    pub(super) node: Duration,
    /// The same of the load.
    pub(super) load: Duration,
    /// Time in which any core did anything, summed over the cores.
    pub(super) machine: Duration,
}

impl Sample {
    /// Reads the counters of two processes and of the machine.
    ///
    /// # Errors
    /// When one of the processes has ended.
    pub(super) fn take(node: u32, load: u32) -> anyhow::Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
        let at = Instant::now();
        let machine = busy(&read("/proc/stat")?).context("/proc/stat has another shape")?;
        Ok(Self { at, node: cpu(node)?, load: cpu(load)?, machine })
    }
}

/// Anonymous resident memory of a process, in KiB.
///
/// # Errors
/// When the process has ended.
pub(super) fn anonymous_kib(process: u32) -> anyhow::Result<u64> {
    let path = format!("/proc/{process}/status");
    anonymous(&read(&path)?).with_context(|| format!("{path} has another shape"))
}

/// What the figures were measured on.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    /// Cores that programs may use.
    pub(super) cores: usize,
    /// Name of the processor.
    pub(super) processor: String,
    /// Release of the kernel.
    pub(super) kernel: String,
    /// Niceness of this program, which the measured ones inherit: below 0 on a machine that does
    /// other work.
    pub(super) niceness: i32,
}

impl Machine {
    /// This machine.
    ///
    /// # Errors
    /// When `/proc` cannot be read.
    pub(super) fn read() -> anyhow::Result<Self> {
        let processor = read("/proc/cpuinfo")?
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
            .map_or("unnamed processor", |(_, name)| name)
            .to_owned();
        Ok(Self {
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            processor,
            kernel: read("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            niceness: niceness(&read("/proc/self/stat")?).unwrap_or(0),
        })
    }
}

fn cpu(process: u32) -> anyhow::Result<Duration> {
    let path = format!("/proc/{process}/stat");
    user_and_system(&read(&path)?).with_context(|| format!("{path} has another shape"))
}

fn read(path: &str) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {path}"))
}

/// Fields 14 and 15; the second field is a name in brackets that may hold anything.
fn user_and_system(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let (user, system) = (fields.next()?.parse::<u64>().ok()?, fields.next()?.parse::<u64>().ok()?);
    Some(ticks(user + system))
}

/// Field 19.
fn niceness(stat: &str) -> Option<i32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(16)?.parse().ok()
}

/// Everything in the line `cpu` but idle time, waiting for a disk, and what the line counts twice.
fn busy(stat: &str) -> Option<Duration> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<u64> = line.split_whitespace().map_while(|field| field.parse().ok()).collect();
    let [user, nice, system, _idle, _waiting, interrupts, soft, stolen, ..] = *fields.as_slice()
    else {
        return None;
    };
    Some(ticks(user + nice + system + interrupts + soft + stolen))
}

fn anonymous(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// The kernel counts in hundredths of a second for programs, whatever its own clock is.
fn ticks(count: u64) -> Duration {
    Duration::from_millis(count.saturating_mul(10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_found_behind_any_name() {
        let stat = "17 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1";
        assert_eq!(user_and_system(stat), Some(Duration::from_secs(3)));
        assert_eq!(user_and_system("17 (a) S 1"), None);
        let nice = "17 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 30 -10 1";
        assert_eq!(niceness(nice), Some(-10));
    }

    #[test]
    fn busy_time_is_without_idling() {
        let stat = "cpu  100 20 30 9999 888 7 8 5 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n";
        assert_eq!(busy(stat), Some(Duration::from_millis(1_700)));
        assert_eq!(busy("intr 1 2"), None);
    }

    #[test]
    fn anonymous_memory_is_in_kib() {
        let status = "Name:\tx\nVmRSS:\t  99 kB\nRssAnon:\t    4711 kB\nRssFile:\t 1 kB\n";
        assert_eq!(anonymous(status), Some(4_711));
        assert_eq!(anonymous("Name:\tx\n"), None);
    }

    #[test]
    fn our_own_process_reads() {
        let own = std::process::id();
        assert!(anonymous_kib(own).unwrap() > 0);
        let sample = Sample::take(own, own).unwrap();
        assert!(sample.machine >= sample.node);
        assert!(Machine::read().unwrap().cores > 0);
    }
}

//! The ladders: what each call does, as it happens, one line a step, marked with its scene.

use std::{
    collections::BTreeMap,
    io::IsTerminal,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{child::StepLine, scene::Scene};
use crate::print::line;

/// Prints steps as they come and remembers them.
pub(crate) struct Ladder {
    scenes: &'static [Scene],
    quiet: bool,
    color: bool,
    seen: Mutex<Seen>,
    changed: Condvar,
}

#[derive(Default)]
struct Seen {
    /// When the first step of all came.
    start: Option<i64>,
    /// Steps by line of the gateway.
    steps: BTreeMap<String, Vec<String>>,
}

impl Ladder {
    /// A ladder for these scenes; a quiet one only remembers.
    pub(crate) fn new(scenes: &'static [Scene], quiet: bool) -> Self {
        let color = std::io::stdout().is_terminal();
        Self { scenes, quiet, color, seen: Mutex::default(), changed: Condvar::new() }
    }

    /// A step of a call.
    pub(crate) fn step(&self, step: &StepLine) {
        let station = step.station.rsplit('/').next().unwrap_or_default().to_owned();
        let mut seen = self.lock();
        let since = step.at - *seen.start.get_or_insert(step.at);
        let steps = seen.steps.entry(station.clone()).or_default();
        // Typing is one thing to a reader, whatever the number of keys.
        let typing = step.text.ends_with(KEY) && steps.last() == Some(&step.text);
        steps.push(step.text.clone());
        drop(seen);
        self.changed.notify_all();
        if !self.quiet && !typing {
            self.print(since, &station, &step.text);
        }
    }

    /// Something that happens to all calls.
    pub(crate) fn announce(&self, text: &str) {
        if !self.quiet {
            line(text);
        }
    }

    /// Waits until a call from this line of the gateway has made a step that contains `text`.
    pub(crate) fn wait_for(&self, station: &str, text: &str, within: Duration) -> bool {
        let missing = |seen: &mut Seen| {
            let steps = seen.steps.get(station);
            !steps.is_some_and(|steps| steps.iter().any(|step| step.contains(text)))
        };
        let waited = self.changed.wait_timeout_while(self.lock(), within, missing);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn print(&self, since: i64, station: &str, text: &str) {
        let index = self.scenes.iter().position(|scene| scene.station == station);
        let name =
            index.and_then(|index| self.scenes.get(index)).map_or(station, |scene| scene.name);
        let seconds = since / 1_000_000;
        let hundredths = since % 1_000_000 / 10_000;
        let mark = format!("{seconds:>4}.{hundredths:02}  {name:<18}");
        if self.color {
            let color = COLORS.get(index.unwrap_or_default() % COLORS.len()).unwrap_or(&"0");
            line(&format!("\u{1b}[{color}m{mark}\u{1b}[0m  {text}"));
        } else {
            line(&format!("{mark}  {text}"));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the step of a pressed key ends.
const KEY: &str = " presses keys";

/// Colors of the scenes' marks, readable on dark and light ground.
const COLORS: [&str; 6] = ["36", "35", "32", "33", "34", "31"];

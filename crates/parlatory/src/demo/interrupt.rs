//! Ctrl-C during the demo: nothing is left behind, neither a process nor a folder.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Sender, channel},
    },
};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

/// Who hears of Ctrl-C.
pub(crate) struct Interrupt(Arc<Mutex<State>>);

struct State {
    /// The node's process, while there is one.
    node: Option<Pid>,
    /// The folder that vanishes with the demo.
    folder: Option<PathBuf>,
    /// Who waits for Ctrl-C. While nobody does, it ends everything at once.
    waiting: Option<Sender<()>>,
}

impl Interrupt {
    /// Listens from now on. `folder` is removed when the demo is interrupted.
    ///
    /// # Errors
    /// When the operating system lets nobody listen.
    pub(crate) fn listen(folder: Option<PathBuf>) -> Result<Self> {
        let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot listen for signals")?;
        let state = Arc::new(Mutex::new(State { node: None, folder, waiting: None }));
        let heard = Arc::clone(&state);
        std::thread::spawn(move || {
            for _ in signals.forever() {
                let mut state = lock(&heard);
                match state.waiting.take() {
                    Some(waiting) => drop(waiting.send(())),
                    None => state.end_everything(),
                }
            }
        });
        Ok(Self(state))
    }

    /// This process is the demo's node.
    pub(crate) fn runs(&self, node: u32) {
        lock(&self.0).node = i32::try_from(node).ok().and_then(Pid::from_raw);
    }

    /// Returns at the next Ctrl-C.
    pub(crate) fn wait(&self) {
        let (sender, pressed) = channel();
        lock(&self.0).waiting = Some(sender);
        let _ = pressed.recv();
    }
}

impl State {
    fn end_everything(&self) {
        if let Some(node) = self.node {
            let _ = kill_process(node, Signal::KILL);
        }
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir_all(folder);
        }
        std::process::exit(INTERRUPTED);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Exit code of a program that SIGINT ended, as shells have it.
const INTERRUPTED: i32 = 130;

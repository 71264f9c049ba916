//! What the people of one scene know of each other: who has accepted, who is done. Real people hear
//! it; the demo's are told.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The cues of one scene.
#[derive(Default)]
pub(crate) struct Stage {
    cues: Mutex<Cues>,
    changed: Condvar,
}

#[derive(Clone, Copy, Default)]
struct Cues {
    talking: bool,
    over: bool,
}

impl Stage {
    /// The called party has accepted: people talk.
    pub(crate) fn talk(&self) {
        self.lock().talking = true;
        self.changed.notify_all();
    }

    /// The scene is over for the one who says so.
    pub(crate) fn over(&self) {
        self.lock().over = true;
        self.changed.notify_all();
    }

    /// Waits until people talk; `false` when the scene was over first, or it took too long.
    pub(crate) fn wait_talk(&self, within: Duration) -> bool {
        let waiting = |cues: &mut Cues| !cues.talking && !cues.over;
        let waited = self.changed.wait_timeout_while(self.lock(), within, waiting);
        waited.unwrap_or_else(PoisonError::into_inner).0.talking
    }

    fn lock(&self) -> MutexGuard<'_, Cues> {
        self.cues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

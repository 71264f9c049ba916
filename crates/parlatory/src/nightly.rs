//! A node erases what is due: everything at its start and once a day, and each hour what was
//! recorded of numbers that were protected afterwards. Each hour it also gives the keys of its
//! journal away that it needs no more.

use std::{
    ops::ControlFlow,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel},
    thread::JoinHandle,
    time::Duration,
};

use anyhow::{Context, Result};
use disclosure::{
    Keeping,
    keeping::{Of, Ran},
};
use model::{Clock, Timestamp};

use crate::config::Retention;

/// What is done with old segments of the journal.
pub(crate) struct Old {
    /// Has the journal forget what is older than a time.
    pub(crate) forget: Box<dyn Fn(Timestamp) + Send>,
    /// Gives the keys away of what the node needs no more.
    pub(crate) give_away: Box<dyn Fn() + Send>,
}

/// The thread that erases.
pub(crate) struct Nightly {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Nightly {
    /// Erases what is due now, and from then on when it is time.
    pub(crate) fn begin(
        keeping: Keeping,
        settings: &Retention,
        clock: &Clock,
        old: Old,
    ) -> Result<Self> {
        let (stop, stopped) = channel::<()>();
        let (settings, clock) = (settings.clone(), clock.clone());
        let night = Night { keeping, settings, old, clock, stopped };
        // Settings that name no time are refused before.
        night.settings.next(night.clock.now())?;
        let thread = std::thread::Builder::new().name("erase".to_owned());
        let thread = thread.spawn(move || night.pass()).context("no thread that erases")?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }

    /// Stops it; what it has begun is finished at the next start. The log must still be open.
    pub(crate) fn end(mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Night {
    keeping: Keeping,
    settings: Retention,
    old: Old,
    clock: Clock,
    stopped: Receiver<()>,
}

impl Night {
    fn pass(&self) {
        let mut all_at = self.clock.now();
        loop {
            let now = self.clock.now();
            let of = Of { agency: None, quarantined_alone: now < all_at };
            let again = self.erase(of);
            (self.old.give_away)();
            if !of.quarantined_alone {
                all_at = again.map_or_else(|| self.next(), |after| self.clock.now().after(after));
            }
            let wait = again.unwrap_or(HOUR).min(all_at.since(self.clock.now()));
            if self.stopped.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
                return;
            }
        }
    }

    fn next(&self) -> Timestamp {
        let now = self.clock.now();
        self.settings.next(now).unwrap_or_else(|_| now.after(HOUR))
    }

    /// Erases, and says after what time it is to be tried again, where it did not come to its end.
    fn erase(&self, of: Of) -> Option<Duration> {
        let mut go_on = |_: &Ran| match self.stopped.try_recv() {
            Err(TryRecvError::Empty) => ControlFlow::Continue(()),
            Ok(()) | Err(TryRecvError::Disconnected) => ControlFlow::Break(()),
        };
        match self.keeping.run(of, &mut go_on) {
            Err(error) => {
                tracing::error!(%error, "what is due was not all erased: it is tried again");
                Some(AFTER_FAULT)
            }
            Ok(Ran { postponed: true, .. }) => {
                tracing::info!("nothing is erased now, because somebody copies the recordings");
                Some(AFTER_COPY)
            }
            Ok(ran) => {
                let Ran { erased, of_quarantine, quarantined, held, records, details, .. } = ran;
                if !of.quarantined_alone || ran != (Ran::default()) {
                    tracing::info!(
                        erased,
                        of_quarantine,
                        quarantined,
                        held,
                        records,
                        details,
                        "erased what was due"
                    );
                }
                if !of.quarantined_alone && !ran.stopped {
                    self.forget_journal();
                }
                None
            }
        }
    }
}

impl Night {
    /// What no agency keeps any more need not stand in the journal either.
    fn forget_journal(&self) {
        match self.keeping.records_longest() {
            Ok(longest) => {
                let longest = i64::try_from(longest.as_micros()).unwrap_or(i64::MAX);
                let before = self.clock.now().micros().saturating_sub(longest);
                (self.old.forget)(Timestamp::from_micros(before));
            }
            Err(error) => tracing::error!(%error, "the journal forgets nothing now"),
        }
    }
}

/// How often is looked for recordings of numbers that were protected since.
pub(crate) const HOUR: Duration = Duration::from_hours(1);

/// After how long a run is tried again that failed.
const AFTER_FAULT: Duration = HOUR;

/// After how long a run is tried again in which somebody copied the recordings.
const AFTER_COPY: Duration = Duration::from_mins(10);

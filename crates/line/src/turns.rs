//! A line that runs in turns of its owner, by a clock that stands still within a turn: for
//! simulations. It is the same engine over the same library; only the thread is the owner's, and so
//! are the library's timers.

use crate::engine::{Command, Engine, Setup, Shared};
use crate::limits::T1;
use crate::stack::Timers;
use crate::{Directory, Line, LineConfig, LineError, LineEvent};
use model::{Clock, Timestamp};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::yield_now;
use tracing::subscriber::{NoSubscriber, with_default};

/// The turns of a line. Dropped, the line is gone without a word, as in a crash.
pub struct Turns {
    runtime: Runtime,
    timers: Timers,
    shared: Arc<Shared>,
    line: Line,
}

/// What a line keeps of calls and requests. All of it is 0 once every call is over and the longest
/// timer of its transactions has fired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Dialogs.
    pub dialogs: usize,
    /// INVITEs of ours that were given up, for which an answer may still come.
    pub given_up: usize,
    /// INVITEs of other ends with a final response and no ACK.
    pub pending: usize,
    /// Requests of ours other than INVITE without a final response.
    pub requests: usize,
    /// Things to be done at a time.
    pub waiting: usize,
    /// Requests, of either end, that the SIP library keeps something of.
    pub transactions: usize,
    /// Those among them whose ACK it waits for.
    pub unacknowledged: usize,
}

impl Line {
    /// A line as [`Line::start`] makes it, which does nothing but in turns of its owner. `key` is
    /// what its tags are made with: with the same key it says the same again.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn in_turns(
        config: LineConfig,
        directory: Arc<dyn Directory>,
        clock: Clock,
        key: [u8; 32],
        events: impl Fn(LineEvent) + Send + Sync + 'static,
    ) -> Result<(Self, Turns), LineError> {
        let setup = Setup::new((T1, key), config, directory, clock, events)?;
        let (local, shared) = (setup.local, Arc::clone(&setup.shared));
        let (commands, received) = unbounded_channel();
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(LineError::Socket)?;
        let timers = runtime.block_on(async {
            let engine = Engine::new(setup).await?;
            let timers = engine.timers();
            tokio::spawn(engine.run(received));
            Ok(timers)
        });
        let timers = timers.map_err(LineError::Socket)?;
        let line = Self::new(local, Arc::clone(&shared), commands, None);
        let mut turns = Turns { runtime, timers, shared, line: line.clone() };
        turns.take();
        Ok((line, turns))
    }
}

impl Turns {
    /// Does everything that is to be done at this time of the clock: commands, datagrams, timers.
    /// What it sends is on its way when it returns.
    pub fn take(&mut self) {
        self.line.command(Command::Look);
        let Self { runtime, timers, .. } = self;
        with_default(NoSubscriber::new(), || {
            runtime.block_on(async {
                timers.fire().await;
                for _ in 0..ROUNDS_COUNT {
                    // All that can run runs, and then the system is asked for datagrams.
                    yield_now().await;
                    timers.gather();
                }
            });
        });
    }

    /// When something is to be done next without anybody asking for it.
    pub fn next(&self) -> Option<Timestamp> {
        let due = self.shared.due.load(Ordering::Relaxed);
        let due = (due != i64::MAX).then(|| Timestamp::from_micros(due));
        due.into_iter().chain(self.timers.next()).min()
    }

    /// What is kept.
    pub fn kept(&mut self) -> Kept {
        let (answer, kept) = mpsc::channel();
        self.line.command(Command::Kept(answer));
        self.take();
        // An engine that is gone keeps nothing.
        kept.try_recv().unwrap_or_default()
    }
}

/// A datagram wakes the engine, which wakes a transaction, which wakes the engine: each in a round.
const ROUNDS_COUNT: usize = 6;

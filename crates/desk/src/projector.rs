//! Carries durable facts from the journal into the store, in batches. The journal is the truth: a
//! store that lags or was lost is filled again from it.

use std::{
    sync::{
        Mutex, PoisonError,
        mpsc::{Sender as Answer, channel},
    },
    thread::JoinHandle,
};

use journal::{Haste, Receiver, Sender, inbox};
use model::fact::Fact;
use store::Store;

use crate::limits::{PROJECT_BATCH_MAX, PROJECT_RETRY, PROJECT_WAIT};

/// What the journal's facts go through. They gather for [`PROJECT_WAIT`].
pub(crate) fn way() -> (Sender<Item>, Receiver<Item>) {
    inbox(PROJECT_WAIT, PROJECT_BATCH_MAX)
}

/// A durable fact on its way, or the end.
pub(crate) enum Item {
    Fact(u64, Fact),
    Flush(Answer<bool>),
    End,
}

/// Writes to the store, on a thread or when it is told to.
pub(crate) struct Projector {
    hands: Hands,
    items: Sender<Item>,
}

enum Hands {
    /// `None` once it has ended.
    Thread(Option<JoinHandle<()>>),
    Turns(Mutex<Turns>),
}

/// What waits for the next turn.
struct Turns {
    store: Store,
    received: Receiver<Item>,
    batch: Vec<(u64, Fact)>,
}

impl Projector {
    /// Starts writing what comes out of `received` to `store`. `items` is its other end.
    pub(crate) fn start(
        store: Store,
        items: Sender<Item>,
        received: Receiver<Item>,
    ) -> std::io::Result<Self> {
        let thread = std::thread::Builder::new()
            .name("projector".into())
            .spawn(move || run(&store, received))?;
        Ok(Self { hands: Hands::Thread(Some(thread)), items })
    }

    /// The same without a thread: everything is written in [`Projector::flush`].
    pub(crate) fn by_hand(store: Store, items: Sender<Item>, received: Receiver<Item>) -> Self {
        let turns = Turns { store, received, batch: Vec::new() };
        Self { hands: Hands::Turns(Mutex::new(turns)), items }
    }

    /// Returns when everything sent before is in the store, or `false` when the store refused it.
    pub(crate) fn flush(&self) -> bool {
        if let Hands::Turns(turns) = &self.hands {
            return turns.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
        let (done, flushed) = channel();
        let asked = self.items.send(Item::Flush(done), Haste::AtOnce).is_ok();
        asked && flushed.recv().unwrap_or(false)
    }
}

impl Drop for Projector {
    fn drop(&mut self) {
        let Hands::Thread(thread) = &mut self.hands else { return };
        let _ = self.items.send(Item::End, Haste::AtOnce);
        if let Some(thread) = thread.take() {
            let _ = thread.join();
        }
    }
}

impl Turns {
    fn take(&mut self) -> bool {
        loop {
            let more = match self.received.try_recv() {
                Some(Item::Fact(seq, fact)) => {
                    self.batch.push((seq, fact));
                    true
                }
                Some(Item::Flush(_) | Item::End) => true,
                None => false,
            };
            if more && self.batch.len() < PROJECT_BATCH_MAX {
                continue;
            }
            if !write(&self.store, &mut self.batch, None, &mut Vec::new()) {
                return false;
            }
            if !more {
                return true;
            }
        }
    }
}

fn run(store: &Store, mut received: Receiver<Item>) {
    let mut batch: Vec<(u64, Fact)> = Vec::new();
    let mut waiting: Vec<Answer<bool>> = Vec::new();
    let mut ended = false;
    while !ended {
        match received.recv() {
            Some(first) => ended = gather(first, &mut received, &mut batch, &mut waiting),
            None => ended = true,
        }
        let again = if ended { None } else { Some(&mut received) };
        let written = write(store, &mut batch, again, &mut waiting);
        for done in waiting.drain(..) {
            let _ = done.send(written);
        }
        ended |= !written;
    }
}

/// Collects what is there; `true` when the end was among it.
fn gather(
    first: Item,
    received: &mut Receiver<Item>,
    batch: &mut Vec<(u64, Fact)>,
    waiting: &mut Vec<Answer<bool>>,
) -> bool {
    let mut next = Some(first);
    while let Some(item) = next {
        match item {
            Item::Fact(seq, fact) => batch.push((seq, fact)),
            Item::Flush(done) => {
                waiting.push(done);
                return false;
            }
            Item::End => return true,
        }
        next = if batch.len() < PROJECT_BATCH_MAX { received.try_recv() } else { None };
    }
    false
}

/// Writes the batch. A store that does not take it is tried again every [`PROJECT_RETRY`]: the
/// facts are safe in the journal, and at the next start the store asks for what it lacks. `false`
/// when the end came before the store took it; without `received`, which is the end, it is tried
/// once.
fn write(
    store: &Store,
    batch: &mut Vec<(u64, Fact)>,
    mut received: Option<&mut Receiver<Item>>,
    waiting: &mut Vec<Answer<bool>>,
) -> bool {
    if batch.is_empty() {
        return true;
    }
    while let Err(error) = store.project(batch) {
        tracing::error!(%error, facts = batch.len(), "the store does not take records");
        // Who waits is told at once; only new facts wait.
        for done in waiting.drain(..) {
            let _ = done.send(false);
        }
        if received.as_mut().is_none_or(|received| pause(batch, received)) {
            return false;
        }
    }
    batch.clear();
    true
}

/// Waits for [`PROJECT_RETRY`], or until somebody asks, and collects what came; `true` when the end
/// was among it.
fn pause(batch: &mut Vec<(u64, Fact)>, received: &mut Receiver<Item>) -> bool {
    let mut ended = !received.wait(PROJECT_RETRY);
    while let Some(item) = received.try_recv() {
        match item {
            Item::Fact(seq, fact) => batch.push((seq, fact)),
            Item::Flush(done) => drop(done.send(false)),
            Item::End => ended = true,
        }
    }
    ended
}

//! Carries durable facts from the journal into the store, in batches. The journal is the truth: a
//! store that lags or was lost is filled again from it.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender},
    thread::JoinHandle,
};

use model::fact::Fact;
use store::Store;

use crate::limits::{PROJECT_BATCH_MAX, PROJECT_RETRY, PROJECT_WAIT};

/// A durable fact on its way, or the end.
pub(crate) enum Item {
    Fact(u64, Fact),
    Flush(Sender<bool>),
    End,
}

/// The thread that writes to the store.
pub(crate) struct Projector {
    thread: Option<JoinHandle<()>>,
    items: Sender<Item>,
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
            .spawn(move || run(&store, &received))?;
        Ok(Self { thread: Some(thread), items })
    }

    /// Returns when everything sent before is in the store, or `false` when the store refused it.
    pub(crate) fn flush(&self) -> bool {
        let (done, flushed) = std::sync::mpsc::channel();
        self.items.send(Item::Flush(done)).is_ok() && flushed.recv().unwrap_or(false)
    }
}

impl Drop for Projector {
    fn drop(&mut self) {
        let _ = self.items.send(Item::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(store: &Store, received: &Receiver<Item>) {
    let mut batch: Vec<(u64, Fact)> = Vec::new();
    let mut waiting: Vec<Sender<bool>> = Vec::new();
    let mut ended = false;
    while !ended {
        match received.recv() {
            Ok(first) => ended = gather(first, received, &mut batch, &mut waiting),
            Err(_) => ended = true,
        }
        let again = if ended { None } else { Some(received) };
        let written = write(store, &mut batch, again, &mut waiting);
        for done in waiting.drain(..) {
            let _ = done.send(written);
        }
        ended |= !written;
    }
}

/// Collects what comes within [`PROJECT_WAIT`]; `true` when the end was among it.
fn gather(
    first: Item,
    received: &Receiver<Item>,
    batch: &mut Vec<(u64, Fact)>,
    waiting: &mut Vec<Sender<bool>>,
) -> bool {
    let mut next = first;
    loop {
        match next {
            Item::Fact(seq, fact) => batch.push((seq, fact)),
            Item::Flush(done) => {
                waiting.push(done);
                return false;
            }
            Item::End => return true,
        }
        if batch.len() >= PROJECT_BATCH_MAX {
            return false;
        }
        match received.recv_timeout(PROJECT_WAIT) {
            Ok(item) => next = item,
            Err(RecvTimeoutError::Timeout) => return false,
            Err(RecvTimeoutError::Disconnected) => return true,
        }
    }
}

/// Writes the batch. A store that does not take it is tried again every [`PROJECT_RETRY`]: the
/// facts are safe in the journal, and at the next start the store asks for what it lacks. `false`
/// when the end came before the store took it; without `received`, which is the end, it is tried
/// once.
fn write(
    store: &Store,
    batch: &mut Vec<(u64, Fact)>,
    received: Option<&Receiver<Item>>,
    waiting: &mut Vec<Sender<bool>>,
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
        if received.is_none_or(|received| pause(batch, received)) {
            return false;
        }
    }
    batch.clear();
    true
}

/// Collects what comes during [`PROJECT_RETRY`]; `true` when the end was among it.
fn pause(batch: &mut Vec<(u64, Fact)>, received: &Receiver<Item>) -> bool {
    // A slice of the pause for each fact that comes, so that a busy node does not shorten it much.
    for _ in 0..PROJECT_BATCH_MAX {
        match received.recv_timeout(PROJECT_RETRY) {
            Ok(Item::Fact(seq, fact)) => batch.push((seq, fact)),
            Ok(Item::Flush(done)) => drop(done.send(false)),
            Ok(Item::End) | Err(RecvTimeoutError::Disconnected) => return true,
            Err(RecvTimeoutError::Timeout) => return false,
        }
    }
    false
}

//! Takes over what was provisioned while the node runs, and keeps the registry fresh.

use std::{
    sync::{
        Arc, Weak,
        mpsc::{RecvTimeoutError, Sender},
    },
    thread::JoinHandle,
};

use model::{Money, Timestamp};
use registry::Snapshot;
use store::Store;

use crate::{
    book::Book,
    desk::{Broken, Desk, Inner},
    limits::{REGISTRY_CONFIRM_EVERY, REGISTRY_GUARD, RELOAD_EVERY},
};

/// The thread that asks the store for changes. It ends when dropped.
pub(crate) struct Reloader {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Reloader {
    /// Starts asking every [`RELOAD_EVERY`].
    pub(crate) fn start(desk: Weak<Inner>) -> std::io::Result<Self> {
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::Builder::new().name("reload".into()).spawn(move || {
            while stopped.recv_timeout(RELOAD_EVERY) == Err(RecvTimeoutError::Timeout) {
                let Some(inner) = desk.upgrade() else { return };
                if let Err(error) = reload(&Desk::from_inner(inner)) {
                    // The old book stays. Its registry grows stale, and then nothing is recorded.
                    tracing::error!(%error, "the configuration could not be read again");
                }
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Reloader {
    fn drop(&mut self) {
        drop(self.stop.take());
        // The thread itself may hold the last handle of the desk and so run this: it cannot join
        // itself.
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

/// Reads the book from the store. `old` is the registry in use, which only a successor may replace.
pub(crate) fn read_book(
    store: &Store,
    old: Option<&Snapshot>,
    now: Timestamp,
) -> Result<Book, Broken> {
    let mut configuration = store.configuration()?;
    // The database is the registry's source: having read it just now is its confirmation.
    configuration.registry.confirmed = now;
    let snapshot = REGISTRY_GUARD.snapshot(&configuration.registry);
    let snapshot = match old {
        Some(old) => Snapshot::succeed(old, snapshot)?,
        None => snapshot,
    };
    Ok(Book::new(configuration, Arc::new(snapshot)))
}

/// Takes over a newer version of the configuration, or confirms the registry in use from time to
/// time by reading it again.
fn reload(desk: &Desk) -> Result<(), Broken> {
    let inner = desk.inner();
    let version = inner.store.version()?;
    let now = inner.clock.now();
    let old = desk.book();
    let changed = version != old.version;
    if !changed && now.since(old.registry.confirmed()) < REGISTRY_CONFIRM_EVERY {
        return Ok(());
    }
    let book = read_book(&inner.store, Some(&old.registry), now)?;
    if changed {
        take_deposits(desk)?;
        tracing::info!(version, "the configuration was read again");
    }
    desk.swap_book(Arc::new(book));
    Ok(())
}

/// Books what was paid in since. Charges are not taken from the store: the ledger made them.
fn take_deposits(desk: &Desk) -> Result<(), Broken> {
    let accounts = desk.inner().store.configuration()?.accounts;
    let mut state = desk.state();
    for account in accounts {
        match state.deposited.insert(account.id, account.deposited) {
            None => state.ledger.open(account.id, account.deposited, Money::ZERO),
            Some(before) => {
                let new = account.deposited.checked_sub(before);
                if let Some(new) = new.filter(|new| *new > Money::ZERO)
                    && let Err(error) = state.ledger.deposit(account.id, new)
                {
                    tracing::error!(account = account.id.0, %error, "a deposit is not available yet");
                }
            }
        }
    }
    Ok(())
}

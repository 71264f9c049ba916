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
    registering,
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
                turn(&Desk::from_inner(inner));
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

/// Looks at the disks, appends again what the journal refused, and takes over what was provisioned.
pub(crate) fn turn(desk: &Desk) {
    desk.inner().disk.look();
    desk.append_again();
    if let Err(error) = reload(desk) {
        // The old book stays. Its registry grows stale, and then nothing is recorded.
        tracing::error!(%error, "the configuration could not be read again");
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
    if let Err(error) = registering::enter(desk, &old.registry) {
        tracing::error!(%error, "an epoch of the registry is not in the log: nothing is recorded");
    }
    if !changed && now.since(old.registry.confirmed()) < REGISTRY_CONFIRM_EVERY {
        return Ok(());
    }
    let book = match read_book(&inner.store, Some(&old.registry), now) {
        Err(Broken::Registry(refused)) => {
            // Whoever was blocked or has left must not wait until the registry is mended. The old
            // registry stays, grows stale, and then nothing is recorded.
            if changed {
                tracing::error!(%refused, "the registry was not taken over");
            }
            Book::new(inner.store.configuration()?, Arc::clone(&old.registry))
        }
        read => read?,
    };
    if changed {
        take_deposits(desk)?;
        tracing::info!(version, "the configuration was read again");
    }
    let registry = Arc::clone(&book.registry);
    desk.swap_book(Arc::new(book));
    registering::enter(desk, &registry)
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

#[cfg(test)]
mod tests {
    use super::*;
    use model::{E164, Private, fact::Epoch, plan::RegistryData};
    use registry::NotASuccessor;
    use store::{
        Plan,
        plan::{Agency, Protected, ProtectedNumber},
    };

    const BEFORE: Timestamp = Timestamp::from_micros(1_795_305_600_000_000);
    const COUNSEL: u64 = 12_025_550_150;

    /// A store whose registry has one number and epoch 1.
    fn store(folder: &tempfile::TempDir) -> Store {
        let store =
            Store::open(&folder.path().join("parlatory.db"), &store::ColumnKeys::new([7; 32]))
                .unwrap();
        let agency = "cedar".to_owned();
        let number = Private::new(E164::new(COUNSEL).unwrap());
        let numbers = vec![ProtectedNumber { agency: agency.clone(), number, holder: None }];
        let plan = Plan {
            agencies: vec![Agency { key: agency, name: "Cedar".to_owned(), keyholder: None }],
            protected: Some(Protected { numbers, replace: false, count: None }),
            ..Plan::default()
        };
        store.apply(&plan, BEFORE).unwrap();
        store
    }

    fn in_use(epoch: u64, number: u64) -> Snapshot {
        let numbers = vec![Private::new(E164::new(number).unwrap())];
        let epoch = Epoch(epoch);
        REGISTRY_GUARD.snapshot(&RegistryData { epoch, confirmed: BEFORE, count_max: 1, numbers })
    }

    #[test]
    fn reading_the_registry_confirms_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        let later = BEFORE.after(std::time::Duration::from_secs(3_600));
        let book = read_book(&store, Some(&in_use(1, COUNSEL)), later).unwrap();
        assert_eq!(book.registry.confirmed(), later);
        assert_eq!(book.registry.usable(later), Ok(Epoch(1)));
    }

    #[test]
    fn a_registry_that_was_never_loaded_is_not_made_usable_by_reading_it() {
        let folder = tempfile::tempdir().unwrap();
        let store =
            Store::open(&folder.path().join("parlatory.db"), &store::ColumnKeys::new([7; 32]))
                .unwrap();
        let book = read_book(&store, None, BEFORE).unwrap();
        assert_eq!(book.registry.usable(BEFORE), Err(registry::Unusable::Missing));
    }

    #[test]
    fn only_a_successor_takes_the_place_of_the_registry_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(&folder);
        for (in_use, expected) in [
            (in_use(2, COUNSEL), NotASuccessor::Older { known: 2, offered: 1 }),
            (in_use(1, COUNSEL + 1), NotASuccessor::Differs { epoch: 1 }),
        ] {
            let Err(Broken::Registry(refused)) = read_book(&store, Some(&in_use), BEFORE) else {
                panic!("it is taken");
            };
            assert_eq!(refused, expected);
        }
    }
}

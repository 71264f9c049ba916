//! The store on a file of its own, through its public interface.

mod applying;
mod erasing;
mod projecting;
mod recording;
mod samples;
mod sealed;
mod strangers;
mod tying;

use crate::{CallFilter, Copied, Source, Store, StoreError};
use model::fact::Fact;
use samples::{at, jail, keys};
use std::{fs, os::unix::fs::PermissionsExt};

#[test]
fn a_new_file_is_private_migrated_and_empty() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cell.db");
    let store = Store::open(&path, &keys()).unwrap();
    assert_eq!(store.version().unwrap(), 0);
    assert_eq!(store.projected().unwrap(), 0);
    assert_eq!(store.configuration().unwrap(), model::plan::Configuration::default());
    assert!(store.open_calls().unwrap().is_empty());
    assert_eq!(store.money().unwrap(), crate::MoneyTotals::default());
    store.apply(&jail(), at(1)).unwrap();
    for file in fs::read_dir(folder.path()).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "only the owner may read");
    }
}

#[test]
fn a_copy_is_of_one_moment_and_private_and_keeps_no_writer_waiting() {
    let (folder, store) = samples::filled();
    store.project(&[(1, Fact::Admitted(Box::new(samples::admitted(1, None))))]).unwrap();
    let mut source = Source::open(&folder.path().join("cell.db")).unwrap();
    let copy = folder.path().join("copy.db");
    // Somebody is in the middle of writing.
    let writing = store.0.run(store.0.write()).unwrap();
    let copied = source.copy(&copy).unwrap();
    store.0.run(async { drop(writing) });
    assert_eq!(copied, Copied { version: store.version().unwrap(), projected: 1 });
    let mode = fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "only the owner may read");
    assert!(!folder.path().join("copy.db-wal").exists(), "it is one file");
    assert!(source.copy(&copy).is_err(), "nothing is written over");
    // What comes after is not in it, and its version tells.
    let mut later = jail();
    later.agencies[0].name = "Cedar".into();
    store.apply(&later, at(9)).unwrap();
    store.project(&[(2, samples::denied(2))]).unwrap();
    assert_eq!(source.version().unwrap(), copied.version + 1);
    let opened = Store::open(&copy, &keys()).unwrap();
    assert_eq!(opened.version().unwrap(), copied.version);
    assert_eq!(opened.projected().unwrap(), 1);
    assert_eq!(opened.calls(&CallFilter::default()).unwrap().len(), 1);
    assert!(Source::open(&folder.path().join("none.db")).is_err());
}

#[test]
fn a_file_that_others_could_read_is_made_private() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cell.db");
    fs::write(&path, b"").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    drop(Store::open(&path, &keys()).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_is_no_database_is_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cell.db");
    let text = "a letter about +12025550142, which is longer than the header of a database file is";
    fs::write(&path, text.repeat(20)).unwrap();
    let error = Store::open(&path, &keys()).unwrap_err();
    assert!(matches!(error, StoreError::Broken { .. }));
    assert!(error.to_string().contains("is not a database"), "{error}");
    assert!(!error.to_string().contains("5550142"));
    assert_eq!(fs::read_to_string(&path).unwrap(), text.repeat(20));
    assert!(Store::open(&folder.path().join("no/such/folder.db"), &keys()).is_err());
}

#[test]
fn a_database_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cell.db");
    let store = Store::open(&path, &keys()).unwrap();
    store.0.run(async {
        let mut work = store.0.write().await.unwrap();
        sqlx::query(
            "INSERT INTO _sqlx_migrations \
             (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, X'00', 0)",
        )
        .execute(&mut *work)
        .await
        .unwrap();
        work.commit().await.unwrap();
    });
    drop(store);
    let error = Store::open(&path, &keys()).unwrap_err();
    assert!(error.to_string().contains("a newer version of Parlatory"), "{error}");
}

#[test]
fn clones_share_one_database_and_threads() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("cell.db"), &keys()).unwrap();
    let other = store.clone();
    std::thread::spawn(move || other.apply(&jail(), at(1)).unwrap()).join().unwrap();
    assert_eq!(store.version().unwrap(), 1);
    assert_eq!(format!("{store:?}"), "Store");
}

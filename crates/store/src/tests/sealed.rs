//! What a stolen file says, and what opens it.

use super::samples::{at, denied, filled, jail, keys};
use crate::{COLUMN_KEY_OCTETS, ColumnKeys, Refused, Store, StoreError};
use std::{fs, path::Path};

#[test]
fn another_key_is_refused_and_the_right_one_goes_on() {
    let (folder, store) = filled();
    let before = store.configuration().unwrap();
    drop(store);
    let path = folder.path().join("cell.db");
    let other = ColumnKeys::new([8; COLUMN_KEY_OCTETS]);
    let error = Store::open(&path, &other).unwrap_err();
    assert_eq!(error, StoreError::Refused(Refused::OtherColumnKey));
    assert!(error.to_string().contains("bring back the file `keys/store.key`"), "{error}");
    assert_eq!(Store::open(&path, &keys()).unwrap().configuration().unwrap(), before);
}

#[test]
fn the_file_has_no_name_and_no_number_in_clear() {
    let (folder, store) = filled();
    store.project(&[(1, denied(1))]).unwrap();
    let configuration = store.configuration().unwrap();
    let mut private: Vec<String> = Vec::new();
    for person in jail().people {
        private.extend([person.key.expose().clone(), person.name.expose().clone()]);
    }
    private.extend(jail().deposits.iter().map(|deposit| deposit.reference.expose().clone()));
    let mut numbers: Vec<u64> = Vec::new();
    numbers.extend(jail().contacts.iter().map(|contact| contact.number.expose().digits()));
    let protected = &configuration.registry.numbers;
    numbers.extend(protected.iter().map(|number| number.expose().digits()));
    assert!(!private.is_empty() && !numbers.is_empty());
    // As it lies there while a node runs, with its write-ahead log, and afterwards.
    assert_free_of(folder.path(), &private, &numbers);
    drop(store);
    assert_free_of(folder.path(), &private, &numbers);
    // The search finds what is there.
    assert!(contains(folder.path(), b"Cedar County"), "names of agencies are in clear");
}

/// As text, and as the eight or six octets of an integer of SQLite.
fn assert_free_of(folder: &Path, texts: &[String], numbers: &[u64]) {
    for text in texts {
        assert!(!contains(folder, text.as_bytes()), "{text}");
    }
    for number in numbers {
        assert!(!contains(folder, number.to_string().as_bytes()), "{number}");
        assert!(!contains(folder, &number.to_be_bytes()[2..]), "{number} as an integer");
    }
}

fn contains(folder: &Path, wanted: &[u8]) -> bool {
    fs::read_dir(folder).unwrap().any(|file| {
        let octets = fs::read(file.unwrap().path()).unwrap();
        octets.windows(wanted.len()).any(|window| window == wanted)
    })
}

#[test]
fn a_registry_is_compared_at_every_agency() {
    let (_folder, store) = filled();
    let mut plan = jail();
    plan.agencies.push(crate::plan::Agency {
        key: "pine".into(),
        name: "Pine County".into(),
        keyholder: None,
    });
    let indexed = |store: &Store| {
        store.0.run(async {
            let mut work = store.0.read().await.unwrap();
            let sql = "SELECT COUNT(*) FROM protected_index";
            sqlx::query_scalar::<_, i64>(sql).fetch_one(&mut *work).await.unwrap()
        })
    };
    let before = indexed(&store);
    assert!(before > 0);
    store.apply(&plan, at(3)).unwrap();
    assert_eq!(indexed(&store), before * 2, "also at an agency that came later");
}

//! Backups of the demo's node while its calls run, and what becomes of them.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    at_rest,
    demo::RECORDINGS,
    process::{Finished, parlatory},
    recording::files,
};

/// What was found while calls ran.
pub(crate) struct Watched {
    /// A backup that was taken in the middle.
    pub(crate) early: tempfile::TempDir,
}

/// Takes a backup and tries it, again and again, until `over`. All of them go into one folder, so
/// that each finds what the one before left.
pub(crate) fn while_calls_run(data: &Path, over: &AtomicBool) -> Watched {
    let (backup, early) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (mut tries, mut open, mut cut, mut kept) = (0, 0, 0, false);
    while !over.load(Ordering::Relaxed) {
        thread::sleep(BETWEEN);
        if !data.join("log-private").is_dir() {
            continue;
        }
        at_rest::assert_no_more_in_clear(data);
        let taken = take(data, backup.path());
        let tried = drill(data, backup.path(), &[]).well();
        let tried = report(&tried);
        assert_eq!(tried["found"], json!([]), "{taken} {tried}");
        assert_eq!(tried["log_entries"], taken["log_entries"]);
        tries += 1;
        open += number(&tried["calls_settled"]);
        cut += number(&tried["recordings_booked"]);
        if !kept && number(&taken["log_published"]) > 0 {
            take(data, early.path());
            kept = true;
        }
    }
    assert!(tries > 5 && open > 0 && cut > 0, "{tries} tries, {open} calls and {cut} recordings");
    Watched { early }
}

/// A backup of what a node left is whole, gives away no key, and comes back only as it must.
pub(crate) fn assert_restorable(data: &Path, watched: &Watched) {
    let folder = tempfile::tempdir().unwrap();
    let backup = folder.path().join("backup");
    let first = take(data, &backup);
    assert_eq!(
        (&first["recordings"], &first["recordings_new"]),
        (&json!(RECORDINGS), &json!(RECORDINGS)),
        "{first}"
    );
    let second = take(data, &backup);
    assert_eq!((&second["recordings"], &second["recordings_new"]), (&json!(RECORDINGS), &json!(0)));
    assert_no_private_key(data, &backup);
    refused(
        &["backup", "--data", text(data), "--to", text(&data.join("inside"))],
        "is lost with it",
    );

    assert_goes_on(data, &backup, folder.path());
    assert_lost_entries_are_missed(data, watched, folder.path());
    assert_erased_stay_away(data, &backup, folder.path());

    // One octet of a recording, and one of the log.
    for place in ["recordings", "states"] {
        let found = files(&backup.join(place));
        let file = found.iter().find(|it| it.ends_with("rec") || is_bundle(it)).or(found.last());
        let file = file.unwrap();
        let octets = fs::read(file).unwrap();
        let mut other = octets.clone();
        other[octets.len() / 2] ^= 1;
        fs::write(file, other).unwrap();
        let tried = drill(data, &backup, &[]).badly();
        assert!(tried.err.contains("the backup is damaged"), "{}: {}", file.display(), tried.err);
        fs::write(file, octets).unwrap();
    }
    drill(data, &backup, &["--since", text(&data.join("log"))]).well();
}

/// Nothing is signed until the newest checkpoint was shown; then everything is as it was.
fn assert_goes_on(data: &Path, backup: &Path, folder: &Path) {
    let back = folder.join("back");
    let without = ["restore", "--from", text(backup), "--data", text(&back)];
    refused(&without, "give the copy you kept with --keys");
    assert_asks_for_the_store_key(data, backup, folder);
    assert!(!back.exists());
    let keys = data.join("keys");
    let restore = [&without[..], &["--keys", text(&keys)]].concat();
    refused(&restore, "the log signs nothing yet");
    refused(&restore, "is not empty");
    let doctor = parlatory(&["doctor", "--data", text(&back)]);
    assert!(doctor.out.contains("put back from a backup"), "{}", doctor.out);
    let checkpoint = data.join("log/checkpoint");
    let show = ["restore", "--data", text(&back), "--since", text(&checkpoint)];
    parlatory(&show).well();
    refused(&show, "is not withheld");
    let doctor = parlatory(&["doctor", "--data", text(&back)]);
    assert!(!doctor.out.contains("put back from a backup"), "{}", doctor.out);
    let audited = parlatory(&["audit", "--json", "--data", text(&back)]).well();
    assert_eq!(report(&audited)["recorded"], json!(RECORDINGS));
    for name in ["recordings/closed", "journal", "log"] {
        let [names, copied] = [data, &back].map(|root| {
            let found = files(&root.join(name)).into_iter();
            let locks = ["lock", "forgetting"];
            found.filter(|it| !locks.iter().any(|lock| it.ends_with(lock))).collect::<Vec<_>>()
        });
        assert_eq!(names.len(), copied.len(), "{name}");
        for (one, other) in names.iter().zip(copied) {
            assert_eq!(fs::read(one).unwrap(), fs::read(other).unwrap(), "{}", one.display());
        }
    }
}

/// Without the key of the database, or with that of another one, it says what to bring.
fn assert_asks_for_the_store_key(data: &Path, backup: &Path, folder: &Path) {
    let keys = folder.join("keys");
    fs::create_dir(&keys).unwrap();
    for path in files(&data.join("keys")) {
        fs::copy(&path, keys.join(path.file_name().unwrap())).unwrap();
    }
    let drill = ["restore", "--drill", "--from", text(backup), "--keys", text(&keys)];
    fs::remove_file(keys.join("store.key")).unwrap();
    refused(&drill, "has no `store.key`, without which the backup's database cannot be opened");
    fs::write(keys.join("store.key"), [3; 32]).unwrap();
    refused(&drill, "bring back the file `keys/store.key` that was made with it");
}

/// A backup that is older than what others have seen does not sign, whatever it is shown.
fn assert_lost_entries_are_missed(data: &Path, watched: &Watched, folder: &Path) {
    let (late, keys) = (folder.join("late"), data.join("keys"));
    let early = watched.early.path();
    let restore = ["restore", "--from", text(early), "--data", text(&late), "--keys", text(&keys)];
    let log = data.join("log");
    let newest = log.join("checkpoint");
    let own = data.join("log-private");
    refused(&[&restore[..], &["--since", text(&newest)]].concat(), "entries were seen elsewhere");
    for since in [&log, &own] {
        let show = ["restore", "--data", text(&late), "--since", text(since)];
        refused(&show, "entries were seen elsewhere");
    }
    // What everybody had seen when it was taken does not suffice beside what somebody saw later.
    let [state] = &folders(&early.join("states"))[..] else { panic!("one state is kept") };
    let then = state.join("log/checkpoint");
    let both = ["restore", "--data", text(&late), "--since", text(&then), "--since", text(&newest)];
    refused(&both, "entries were seen elsewhere");
    parlatory(&["restore", "--data", text(&late), "--since", text(&then)]).well();
}

/// Recordings on the list of erased ones are left out.
fn assert_erased_stay_away(data: &Path, backup: &Path, folder: &Path) {
    let closed = files(&data.join("recordings/closed"));
    let name = closed[0].file_name().unwrap().to_str().unwrap();
    let (list, back, keys) = (folder.join("erased"), folder.join("without"), data.join("keys"));
    fs::write(&list, format!("1 {}\n", &name[..16])).unwrap();
    let restore = ["restore", "--json", "--from", text(backup), "--data", text(&back)];
    let since = data.join("log");
    let more = ["--keys", text(&keys), "--since", text(&since), "--erased", text(&list)];
    let restored = report(&parlatory(&[&restore[..], &more].concat()).well());
    assert_eq!(
        (&restored["recordings"], &restored["erased_left_out"]),
        (&json!(RECORDINGS - 1), &json!(1))
    );
    assert!(!files(&back).iter().any(|it| it.ends_with(name)));
    assert_eq!(files(&back.join("recordings/closed")).len(), RECORDINGS - 1);
}

/// No key of the data folder that opens or signs anything is anywhere in the backup.
fn assert_no_private_key(data: &Path, backup: &Path) {
    let keys: Vec<Vec<u8>> = files(&data.join("keys"))
        .into_iter()
        .chain(files(&data.join("keyholders")))
        .filter(|path| path.extension().is_some_and(|it| it == "key"))
        .map(|path| fs::read(path).unwrap())
        .collect();
    assert!(keys.len() >= 7, "{} keys", keys.len());
    assert!(keys.iter().all(|octets| octets.len() >= 32), "a key is too short to be looked for");
    for file in files(backup) {
        let octets = fs::read(&file).unwrap();
        for key in &keys {
            let key = &key[..32];
            assert!(!octets.windows(32).any(|it| it == key), "a key is in {}", file.display());
        }
    }
}

fn take(data: &Path, into: &Path) -> Value {
    report(&parlatory(&["backup", "--json", "--data", text(data), "--to", text(into)]).well())
}

fn drill(data: &Path, backup: &Path, more: &[&str]) -> Finished {
    let keys = data.join("keys");
    let drill = ["restore", "--drill", "--json", "--from", text(backup), "--keys", text(&keys)];
    parlatory(&[&drill[..], more].concat())
}

#[track_caller]
fn refused(arguments: &[&str], why: &str) {
    let refused = parlatory(arguments).badly();
    assert!(refused.err.contains(why), "{}", refused.err);
}

fn report(finished: &Finished) -> Value {
    serde_json::from_str(&finished.out).unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn is_bundle(path: &Path) -> bool {
    path.to_str().unwrap().contains("/tile/entries/")
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let inside = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    inside.filter(|it| it.is_dir()).collect()
}

/// Calls of the demo last for half a minute and more.
const BETWEEN: Duration = Duration::from_secs(4);

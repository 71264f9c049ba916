//! Details that are erased: in no file any more, and missed by no proof, wherever the program dies.
//! Alone in its file: between its fork and its exec a child holds the locks of all logs that are
//! open in this process.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

mod sample;

use journal::{
    Draft,
    log::{ErasingStep, Log, LogEntry, LogError, replay_log, segments},
};
use sample::log::{audited, leaf, open_log, publish};
use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::{BufRead as _, BufReader},
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

/// What entry `seq` commits to: found again wherever it is in a file.
fn secret(seq: u64) -> Vec<u8> {
    format!("the number that entry {seq:05} is about").into_bytes()
}

/// A log of 40 entries in several segments, of which every fifth has no detail.
fn log_of(dir: &Path) -> Log {
    let (log, _) = open_log(dir).unwrap();
    for seq in 1..=40 {
        let detail = if seq % 5 == 0 { vec![] } else { secret(seq) };
        log.append_wait(vec![Draft { leaf: leaf(1, seq), detail }]).unwrap();
    }
    publish(&log).unwrap();
    log
}

fn found(dir: &Path) -> Vec<LogEntry> {
    let mut found = Vec::new();
    replay_log(&dir.join("log-private"), 0, |entry| {
        found.push(entry);
        ControlFlow::Continue(())
    })
    .unwrap();
    found
}

/// Every file below a folder, with what is in it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let octets = fs::read(&path).unwrap();
            found.insert(path, octets);
        }
    }
    found
}

fn holds(octets: &[u8], secret: &[u8]) -> bool {
    octets.windows(secret.len()).any(|window| window == secret)
}

/// Entries `places` of the log are erased, in the files of `folder`, and no others are.
fn assert_erased(folder: &Path, places: &BTreeSet<u64>) {
    let files = files(folder);
    for place in 0..40 {
        let seq = place + 1;
        let is = files.values().any(|octets| holds(octets, &secret(seq)));
        assert_eq!(is, seq % 5 != 0 && !places.contains(&place), "entry {place}");
    }
}

/// Other names of all segments: what happens to the octets of old ones is seen by them.
fn link_all(dir: &Path) -> PathBuf {
    let linked = dir.join("linked");
    fs::create_dir(&linked).unwrap();
    for path in files(&dir.join("log-private")).into_keys() {
        fs::hard_link(&path, linked.join(path.file_name().unwrap())).unwrap();
    }
    linked
}

fn quiet(_: ErasingStep) {}

#[test]
fn what_is_erased_is_in_no_file_and_no_proof_misses_it() {
    let dir = tempfile::tempdir().unwrap();
    let (dir, private) = (dir.path(), dir.path().join("log-private"));
    let log = log_of(dir);
    let there = segments(&private).unwrap();
    assert!(there.len() > 4 && there[0].start == 0, "{there:?}");
    assert_eq!(there.last().map(|last| last.end), Some(u64::MAX));
    let (public, before) = (files(&dir.join("log")), found(dir));
    assert_erased(&private, &BTreeSet::new());
    let linked = link_all(dir);

    // In closed segments and in the one that is written on; 4 has none, and 9000 is none.
    let places: BTreeSet<u64> = [0, 1, 4, 20, 30, 38, 9_000].into();
    assert_eq!(log.erase_details(&places, &mut quiet).unwrap(), 5);
    assert_erased(&private, &places);
    // Where old octets stood are zeros, not only no name.
    let mut anew = segments(&private).unwrap();
    assert!(anew.pop().is_some_and(|last| last.start == 64));
    let anew = anew.into_iter();
    let anew = anew.filter(|it| it.clone().any(|at| at != 4 && places.contains(&at)));
    let anew: BTreeSet<u64> = anew.flatten().collect();
    assert!(anew.contains(&38) && !(0..40).all(|at| anew.contains(&at)), "{anew:?}");
    assert_erased(&linked, &anew);
    let mut again = Vec::new();
    assert_eq!(log.erase_details(&places, &mut |step| again.push(step)).unwrap(), 0);
    assert_eq!(again, [], "nothing is written anew for nothing");

    for (was, is) in before.iter().zip(found(dir)) {
        let erased = places.contains(&was.index) && !was.detail.is_empty();
        let detail = if erased { vec![] } else { was.detail.clone() };
        assert_eq!(is, LogEntry { detail, erased, ..was.clone() });
    }
    assert_eq!(files(&dir.join("log")), public, "nobody outside sees it");
    log.append_wait(vec![Draft { leaf: leaf(1, 41), detail: secret(41) }]).unwrap();
    for place in [0, 38, 64] {
        log.prove(place).unwrap();
    }
    log.close();
    let (log, recovered) = open_log(dir).unwrap();
    assert_eq!((recovered.size, recovered.torn), (65, None));
    // Once more in a segment that was written anew already.
    assert_eq!(log.erase_details(&[2].into(), &mut quiet).unwrap(), 1);
    publish(&log).unwrap();
    log.close();
    audited(dir, None).1.unwrap();
    assert_erased(&private, &places.into_iter().chain([2]).collect());
}

#[test]
fn the_octets_of_a_segment_with_an_erased_detail_are_pinned() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open_log(dir.path()).unwrap();
    log.append_wait(vec![Draft { leaf: leaf(1, 1), detail: secret(1) }]).unwrap();
    let path = dir.path().join("log-private/00000000000000000000.wal");
    let before = fs::read(&path).unwrap();
    assert_eq!(log.erase_details(&[0].into(), &mut quiet).unwrap(), 1);
    let after = fs::read(&path).unwrap();
    assert_eq!(
        (&before[..12], &after[..12]),
        (&b"PARLTLOG\x01\0\0\0"[..], &b"PARLTLOG\x02\0\0\0"[..])
    );
    assert_eq!(after[12..20], [0; 8]);
    assert_eq!(after.len() + secret(1).len(), before.len());
    let at = after.windows(256).position(|it| it == leaf(1, 1)).unwrap();
    let length = |octets: &[u8]| octets[at + 256..at + 260].to_vec();
    assert_eq!((length(&before), length(&after)), (vec![36, 0, 0, 0], vec![0xff; 4]));
    // The same checkpoint follows.
    assert!(before.ends_with(&after[at + 260..]));
    log.close();
    open_log(dir.path()).unwrap().0.close();
}

#[test]
fn what_a_process_that_is_killed_leaves_is_erased_whole_or_not_at_all() {
    for step in ErasingStep::ALL {
        let dir = tempfile::tempdir().unwrap();
        let (dir, private) = (dir.path(), dir.path().join("log-private"));
        log_of(dir).close();
        let (public, linked) = (files(&dir.join("log")), link_all(dir));
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", "child_erases_until_it_is_killed", "--nocapture"]);
        child.env(CHILD_FOLDER, dir).env(CHILD_STEP, format!("{step:?}")).stdout(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line.ends_with("stands")), "{step:?}");
        child.kill().unwrap();
        child.wait().unwrap();

        let done = step >= ErasingStep::Placed;
        let places: BTreeSet<u64> = [0].into();
        let erased = |done: bool| if done { places.clone() } else { BTreeSet::new() };
        // Whoever reads before anything is put in order reads the one or the other, whole.
        assert_eq!(found(dir)[0].erased, done, "{step:?}");
        let (log, recovered) = open_log(dir).unwrap();
        assert_eq!((recovered.size, recovered.torn), (64, None), "{step:?}");
        let names = files(&private).into_keys().filter(|it| it.extension() != Some("wal".as_ref()));
        assert_eq!(names.count(), 1, "{step:?}: the lock alone");
        assert_erased(&private, &erased(done));
        assert_eq!(found(dir)[0].erased, done, "{step:?}");
        assert_eq!(log.erase_details(&places, &mut quiet).unwrap(), u64::from(!done));
        assert_erased(&private, &erased(true));
        let first = segments(&private).unwrap()[0].clone();
        assert_erased(&linked, &first.collect());
        assert_eq!(files(&dir.join("log")), public);
        log.close();
        audited(dir, None).1.unwrap();
    }
}

/// Runs in the child process of the test above, and does nothing otherwise.
#[test]
fn child_erases_until_it_is_killed() {
    let Some(dir) = env::var_os(CHILD_FOLDER) else { return };
    let last = env::var(CHILD_STEP).unwrap();
    let (log, _) = open_log(Path::new(&dir)).unwrap();
    let mut stand = |step: ErasingStep| {
        if format!("{step:?}") == last {
            println!("\n{step:?} stands");
            loop {
                thread::park();
            }
        }
    };
    log.erase_details(&[0].into(), &mut stand).unwrap();
}

#[test]
fn whoever_reads_meanwhile_finds_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let log = log_of(dir.path());
    let (over, read) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !over.load(Ordering::Acquire) {
                assert_eq!(found(dir.path()).len(), 64);
                read.store(true, Ordering::Release);
            }
        });
        while !read.load(Ordering::Acquire) && !reader.is_finished() {
            thread::yield_now();
        }
        for place in 0..40 {
            log.erase_details(&[place].into(), &mut quiet).unwrap();
        }
        over.store(true, Ordering::Release);
    });
    assert_erased(&dir.path().join("log-private"), &(0..40).collect());
    log.close();
}

#[test]
fn what_is_left_of_a_segment_that_was_taken_away_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    log_of(dir.path()).close();
    let path = dir.path().join("log-private/00000000000000000000.wal");
    fs::rename(&path, path.with_extension("gone")).unwrap();
    let Err(refused) = open_log(dir.path()) else { panic!("it opened") };
    assert!(matches!(refused, LogError::Damaged { .. }), "{refused}");
    assert!(holds(&fs::read(path.with_extension("gone")).unwrap(), &secret(1)));
}

const CHILD_FOLDER: &str = "PARLATORY_TEST_ERASING";
const CHILD_STEP: &str = "PARLATORY_TEST_ERASING_STEP";

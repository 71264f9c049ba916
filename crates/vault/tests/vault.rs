//! When a recording begins and when it does not, and what is left of it after a fault.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

mod consent;
mod open;
mod world;

use model::{
    AgencyId, RecordingId, Timestamp,
    fact::{Epoch, OffReason, RecordingState},
};
use open::{End, HEADER, open};
use std::{
    env, fs,
    io::Write,
    path::Path,
    process::Command,
    sync::{Arc, Condvar, Mutex, mpsc},
    time::Duration,
};
use vault::{Eraser, NotRecorded, QUEUED_SECONDS_MAX, Vault, VaultError};
use world::{ABOUT, Closing, EPOCH, NUMBER, PROTECTED, World, second};

#[test]
fn a_number_that_became_protected_after_the_notice_is_not_recorded() {
    let world = World::new();
    let vault = world.vault();
    let begun = world.try_begin(&vault, 1, PROTECTED);
    assert_eq!(begun.err(), Some(NotRecorded(OffReason::Protected)));
    assert_eq!(world.files(), [] as [&Path; 0]);
}

#[test]
fn a_registry_that_is_stale_missing_or_went_back_records_nothing() {
    let world = World::new();
    let vault = world.vault();
    let unusable = Some(NotRecorded(OffReason::RegistryUnusable));
    world.pass(Duration::from_secs(3_601));
    assert_eq!(world.try_begin(&vault, 1, NUMBER).err(), unusable);
    world.load(Epoch(0));
    assert_eq!(world.try_begin(&vault, 1, NUMBER).err(), unusable);
    world.load(Epoch(EPOCH.0 - 1));
    assert_eq!(world.try_begin(&vault, 1, NUMBER).err(), unusable);
    assert_eq!(world.files(), [] as [&Path; 0]);
    // A newer one was asked about the number just now, so it may.
    world.load(Epoch(EPOCH.0 + 1));
    let (writer, closing) = world.begin(&vault, 1);
    writer.end();
    closing.recv().unwrap().unwrap();
    let octets = fs::read(world.closed(1, "rec")).unwrap();
    assert_eq!(open(&octets, &world.a, &world.b).unwrap().header.epoch, EPOCH.0 + 1);
}

#[test]
fn what_lies_in_the_folder_is_listed_while_recordings_grow_and_end() {
    let world = World::new();
    let vault = world.vault();
    let (running, closing) = world.begin(&vault, 7);
    let (ended, told) = world.begin(&vault, 8);
    ended.end();
    told.recv().unwrap().unwrap();
    let done = world.closed(8, "rec");
    let stray = world.vault_dir().join("closed").join("letter.txt");
    fs::write(&stray, "mine").unwrap();
    let seen = |root: &Path| {
        let listed = vault::listed(root).unwrap();
        listed.into_iter().map(|it| (it.path, it.recording, it.growing)).collect::<Vec<_>>()
    };
    let second = RecordingId(8);
    let rest = [(done, Some(second), false), (stray, None, false)];
    let first = (world.part(7), Some(RecordingId(7)), true);
    let listed = seen(&world.vault_dir());
    assert_eq!(listed[0], first);
    assert_eq!(listed[1..], rest);
    running.end();
    closing.recv().unwrap().unwrap();
    assert_eq!(seen(&world.vault_dir()).iter().filter(|it| it.2).count(), 0);
    assert_eq!(seen(&world.vault_dir()).len(), 3);
}

#[test]
fn what_is_erased_has_no_shares_before_it_has_no_name() {
    let world = World::new();
    let (path, _) = world.recorded(3, 2);
    let root = world.vault_dir();
    let before = fs::read(&path).unwrap();
    let (agency, recording) = (ABOUT.agency, RecordingId(3));
    // Somebody copies: nobody erases.
    let kept = [vault::keep(&root).unwrap(), vault::keep(&root).unwrap()];
    assert!(Eraser::lock(&root).unwrap().is_none());
    drop(kept);
    let eraser = Eraser::lock(&root).unwrap().unwrap();
    assert!(Eraser::lock(&root).unwrap().is_none(), "one at a time");
    // Another name of the same file shows what is left of it.
    let other = root.join("other");
    fs::hard_link(&path, &other).unwrap();
    assert!(eraser.erase(agency, recording).unwrap());
    assert!(!path.exists());
    let left = fs::read(&other).unwrap();
    assert!(open(&before, &world.a, &world.b).is_ok());
    assert!(open(&left, &world.a, &world.b).is_err());
    assert_eq!(left.len(), before.len());
    assert_eq!(left[116..HEADER], [0; HEADER - 116]);
    assert_eq!(
        fs::read_to_string(root.join("erased")).unwrap(),
        format!("{} {:016x}\n", agency.0, 3)
    );
    // Died before the name was gone, and after.
    fs::rename(&other, &path).unwrap();
    assert!(eraser.erase(agency, recording).unwrap());
    assert!(!eraser.erase(agency, recording).unwrap());
    assert!(!path.exists());
    drop(eraser);
    // One that is being written is not erased.
    let vault = world.vault();
    let (running, closing) = world.begin(&vault, 4);
    let eraser = Eraser::lock(&root).unwrap().unwrap();
    assert!(!eraser.erase(agency, RecordingId(4)).unwrap());
    running.end();
    assert!(closing.recv().unwrap().is_ok());
}

#[test]
fn a_disk_that_takes_no_file_means_unrecorded() {
    let world = World::new();
    let vault = world.vault();
    // A file where the folder should be refuses even those whom no permission stops.
    fs::remove_dir(world.vault_dir().join("open")).unwrap();
    fs::write(world.vault_dir().join("open"), []).unwrap();
    let (mut writer, closing) = world.begin(&vault, 1);
    assert!(not_begun(&closing), "and whoever asked is told");
    // Its writer is dead, and harms no other.
    for index in 0..3 {
        writer.second(second(index, 5));
    }
    fs::remove_file(world.vault_dir().join("open")).unwrap();
    fs::create_dir(world.vault_dir().join("open")).unwrap();
    let (mut good, good_closing) = world.begin(&vault, 1);
    good.second(second(0, 5));
    writer.end();
    good.end();
    let end = good_closing.recv().unwrap().unwrap();
    assert_eq!((end.state, end.frames), (RecordingState::Ended, 1));
    // Nothing is ever written over: neither what is closed, nor what is being written.
    let kept = fs::read(world.closed(1, "rec")).unwrap();
    let (_again, closing) = world.begin(&vault, 1);
    assert!(not_begun(&closing));
    assert_eq!(fs::read(world.closed(1, "rec")).unwrap(), kept);
    let (running, running_closing) = world.begin(&vault, 2);
    let (again, closing) = world.begin(&vault, 2);
    drop(again);
    assert!(not_begun(&closing));
    running.end();
    let end = running_closing.recv().unwrap().unwrap();
    assert_eq!(end.state, RecordingState::Ended);
    assert!(running_closing.recv().is_err(), "told twice");
}

#[test]
fn a_slow_disk_keeps_nobody_waiting_who_begins() {
    let world = World::new();
    let vault = world.vault();
    let (gate, holder) = hold(&vault, 1);
    // The vault's thread makes no file now; this returns all the same, and says nothing yet.
    let (mut writer, closing) = world.begin(&vault, 2);
    writer.second(second(0, 5));
    writer.end();
    assert!(!fs::exists(world.part(2)).unwrap());
    assert!(closing.try_recv().is_err());
    release(&gate);
    assert_eq!(closing.recv().unwrap().unwrap().frames, 1);
    drop(holder);
}

#[test]
fn a_vault_that_closes_says_of_a_recording_that_waits_that_it_did_not_begin() {
    let world = World::new();
    let vault = world.vault();
    let (gate, _holder) = hold(&vault, 1);
    let closer = std::thread::spawn({
        let vault = vault.clone();
        move || vault.close()
    });
    // Until the vault is closed to it, each try is queued behind the close or before it.
    let mut waiting = Vec::new();
    for call in 2.. {
        match world.try_begin(&vault, call, NUMBER) {
            Ok(begun) => waiting.push(begun),
            Err(refused) => {
                assert_eq!(refused, NotRecorded(OffReason::Disk));
                break;
            }
        }
    }
    release(&gate);
    closer.join().unwrap();
    for (writer, closing) in waiting {
        drop(writer);
        match closing.recv().unwrap() {
            // It was made, and its vault closed it.
            Ok(end) => assert_eq!(end.state, RecordingState::Cut),
            Err(error) => assert!(matches!(error, VaultError::NotBegun(_)), "{error}"),
        }
        assert!(closing.recv().is_err(), "told twice");
    }
}

#[test]
fn a_closed_vault_records_nothing_and_says_how_running_recordings_ended() {
    let world = World::new();
    let vault = world.vault();
    let other = vault.clone();
    let (mut writer, closing) = world.begin(&vault, 1);
    writer.second(second(0, 5));
    vault.close();
    let end = closing.recv().unwrap().unwrap();
    assert_eq!((end.state, end.frames), (RecordingState::Cut, 1));
    writer.second(second(1, 5));
    writer.end();
    assert_eq!(world.try_begin(&other, 2, NUMBER).err(), Some(NotRecorded(OffReason::Disk)));
    assert_eq!(world.files(), [world.closed(1, "cut")]);
}

#[test]
fn a_writer_that_is_dropped_leaves_a_cut_recording() {
    let world = World::new();
    let vault = world.vault();
    let (mut writer, closing) = world.begin(&vault, 1);
    writer.second(second(0, 5));
    writer.second(second(1, 5));
    drop(writer);
    let end = closing.recv().unwrap().unwrap();
    assert_eq!((end.state, end.frames), (RecordingState::Cut, 2));
    let octets = fs::read(world.closed(1, "cut")).unwrap();
    let opened = open(&octets, &world.a, &world.b).unwrap();
    assert_eq!(opened.seconds, [second(0, 5), second(1, 5)]);
    assert_eq!(opened.end, End::Cut { left_over: 0 });
    assert_eq!(vault.end_of(ABOUT.agency, RecordingId(1)).unwrap(), Some(end));
    assert_eq!(vault.end_of(AgencyId(9), RecordingId(1)).unwrap(), None);
}

#[test]
fn a_second_that_is_too_long_cuts_the_recording_and_no_other() {
    let world = World::new();
    let vault = world.vault();
    let (mut long, closing) = world.begin(&vault, 1);
    let (mut other, other_closing) = world.begin(&vault, 2);
    long.second(second(0, 5));
    long.second(second(1, 8_000));
    long.second(second(2, 5));
    other.second(second(0, 5));
    other.end();
    let end = closing.recv().unwrap().unwrap();
    assert_eq!((end.state, end.frames), (RecordingState::Cut, 1));
    assert_eq!(other_closing.recv().unwrap().unwrap().state, RecordingState::Ended);
}

#[test]
fn a_disk_that_cannot_keep_up_cuts_the_recording_and_keeps_what_was_queued() {
    let world = World::new();
    let vault = world.vault();
    let (mut writer, closing) = world.begin(&vault, 1);
    let (gate, _holder) = hold(&vault, 2);
    let more = u32::try_from(QUEUED_SECONDS_MAX).unwrap() + 5;
    for index in 0..more {
        writer.second(second(index, 5));
    }
    release(&gate);
    let end = closing.recv().unwrap().unwrap();
    assert_eq!((end.state, end.frames as usize), (RecordingState::Cut, QUEUED_SECONDS_MAX));
    writer.second(second(0, 5));
    writer.end();
    assert!(closing.recv().is_err(), "told twice");
}

#[test]
fn a_caller_that_fails_in_its_own_code_ends_no_other_recording() {
    let world = World::new();
    let vault = world.vault();
    let consent = consent::consent(model::CallId(1), model::E164::new(NUMBER).unwrap(), EPOCH);
    vault.begin(consent, ABOUT, |_| panic!("a fault in a caller's code")).unwrap().end();
    let (mut writer, closing) = world.begin(&vault, 2);
    writer.second(second(0, 5));
    writer.end();
    assert_eq!(closing.recv().unwrap().unwrap().state, RecordingState::Ended);
}

#[test]
fn a_file_that_cannot_be_filed_away_is_reported_and_found_at_the_next_start() {
    let world = World::new();
    let vault = world.vault();
    let (mut writer, closing) = world.begin(&vault, 1);
    writer.second(second(0, 5));
    let agency = world.vault_dir().join("closed/3");
    fs::write(&agency, []).unwrap();
    writer.end();
    assert!(matches!(closing.recv().unwrap(), Err(VaultError::Io { .. })));
    vault.close();
    fs::remove_file(&agency).unwrap();
    let vault = world.vault();
    let [(recording, end)] = vault.recover().try_into().unwrap();
    // Its last frame was written: it is not cut.
    assert_eq!((recording, end.state, end.frames), (RecordingId(1), RecordingState::Ended, 1));
    assert_eq!(world.files(), [world.closed(1, "rec")]);
}

#[test]
fn a_process_that_dies_loses_no_written_second() {
    let world = World::new();
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "child_records_and_dies", "--quiet"])
        .env(CHILD_FOLDER, world.root())
        .status()
        .unwrap();
    assert!(!child.success());
    let vault = world.vault();
    let recovered = vault.recover();
    assert_eq!(vault.recover(), []);
    let ids: Vec<_> = recovered.iter().map(|(id, end)| (id.0, end.state, end.frames)).collect();
    assert_eq!(ids, [(1, RecordingState::Cut, 3), (2, RecordingState::Cut, 0)]);
    assert_eq!(world.files(), [world.closed(1, "cut"), world.closed(2, "cut")]);
    for (id, end) in recovered {
        assert_eq!(vault.end_of(ABOUT.agency, id).unwrap(), Some(end));
    }
    // Its keys were the child's and are not here; that it is whole shows in its length.
    assert_eq!(fs::read(world.closed(2, "cut")).unwrap().len(), HEADER);
    let (writer, closing) = world.begin(&vault, 3);
    writer.end();
    closing.recv().unwrap().unwrap();
}

/// Runs in the child process of the test above, and does nothing otherwise.
#[test]
fn child_records_and_dies() {
    if let Some(dir) = env::var_os(CHILD_FOLDER) {
        let world = World::at(Path::new(&dir));
        let vault = world.vault();
        let (mut writer, _closing) = world.begin(&vault, 1);
        let (_silent, _other) = world.begin(&vault, 2);
        for index in 0..3 {
            writer.second(second(index, 5));
        }
        // The thread takes messages in order: once a later recording is closed, all this is
        // written.
        let (third, third_closed) = world.begin(&vault, 4);
        third.end();
        third_closed.recv().unwrap().unwrap();
        fs::remove_file(world.closed(4, "rec")).unwrap();
        std::process::abort();
    }
}

#[test]
fn leftovers_of_every_length_are_filed_away_unchanged() {
    let world = World::new();
    let (file, _) = world.recorded(1, 3);
    let whole = fs::read(&file).unwrap();
    let frame = (whole.len() - HEADER - 49) / 3;
    fs::remove_file(&file).unwrap();
    // Recordings numbered by how much of the file is left.
    for cut in 0..=whole.len() {
        fs::write(world.part(cut as u64), &whole[..cut]).unwrap();
    }
    let mut longer = whole.clone();
    longer.push(0);
    fs::write(world.part(longer.len() as u64), &longer).unwrap();
    let recovered = world.vault().recover();
    assert_eq!(recovered.len(), longer.len() + 1);
    for (cut, (recording, end)) in recovered.into_iter().enumerate() {
        let (state, suffix) = if cut == whole.len() {
            (RecordingState::Ended, "rec")
        } else {
            (RecordingState::Cut, "cut")
        };
        assert_eq!((recording.0, end.state), (cut as u64, state), "cut at {cut}");
        let seconds = (cut.saturating_sub(HEADER) / frame).min(3);
        assert_eq!((end.frames as usize, end.bytes), (seconds, cut as u64), "cut at {cut}");
        let octets = fs::read(world.closed(cut as u64, suffix)).unwrap();
        assert_eq!(octets, longer[..cut]);
        assert_eq!(<[u8; 32]>::from(<sha2::Sha256 as sha2::Digest>::digest(octets)), end.sha256);
    }
}

#[test]
fn pages_that_never_reached_the_disk_read_as_a_cut() {
    let world = World::new();
    let (file, _) = world.recorded(1, 3);
    let mut octets = fs::read(&file).unwrap();
    let frame = (octets.len() - HEADER - 49) / 3;
    octets.truncate(HEADER + 2 * frame);
    octets.resize(HEADER + 2 * frame + 4_096, 0);
    fs::remove_file(&file).unwrap();
    fs::File::create(world.part(1)).unwrap().write_all(&octets).unwrap();
    let [(_, end)] = world.vault().recover().try_into().unwrap();
    assert_eq!((end.state, end.frames, end.bytes), (RecordingState::Cut, 2, octets.len() as u64));
    let opened = open(&octets, &world.a, &world.b).unwrap();
    assert_eq!((opened.seconds.len(), opened.end), (2, End::Cut { left_over: 4_096 }));
}

#[test]
fn a_running_recording_is_not_recovered() {
    let world = World::new();
    let vault = world.vault();
    let (writer, closing) = world.begin(&vault, 1);
    assert_eq!(vault.recover(), []);
    writer.end();
    assert_eq!(closing.recv().unwrap().unwrap().state, RecordingState::Ended);
}

#[test]
fn two_vaults_on_one_folder_are_refused() {
    let world = World::new();
    let vault = world.vault();
    assert!(matches!(world.try_vault(), Err(VaultError::InUse { .. })));
    vault.close();
    let vault = world.vault();
    let (writer, closing) = world.begin(&vault, 1);
    drop(vault);
    assert_eq!(closing.recv().unwrap().unwrap().state, RecordingState::Cut);
    drop(writer);
    world.vault();
}

#[test]
fn what_is_printed_names_no_person() {
    let world = World::new();
    let vault = world.vault();
    let (writer, _closing) = world.begin(&vault, 1);
    let printed = format!("{vault:?} {writer:?} {}", NotRecorded(OffReason::Protected));
    assert!(!printed.contains("5550"));
    assert_ne!(world.now(), Timestamp::default());
}

/// Keeps the vault's thread waiting, as a slow disk would, in the `closed` of another recording.
fn hold(vault: &Vault, call: u64) -> (Arc<Gate>, mpsc::Receiver<()>) {
    let gate = Arc::new(Gate::default());
    let held = Arc::clone(&gate);
    let (entered, wait) = mpsc::channel();
    let consent = consent::consent(model::CallId(call), model::E164::new(NUMBER).unwrap(), EPOCH);
    let holder = vault.begin(consent, ABOUT, move |_| {
        entered.send(()).unwrap();
        drop(held.1.wait_while(held.0.lock().unwrap(), |open| !*open).unwrap());
    });
    holder.unwrap().end();
    wait.recv().unwrap();
    (gate, wait)
}

fn release(gate: &Gate) {
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
}

fn not_begun(closing: &Closing) -> bool {
    matches!(closing.recv().unwrap(), Err(VaultError::NotBegun(_)))
}

type Gate = (Mutex<bool>, Condvar);

const CHILD_FOLDER: &str = "PARLATORY_TEST_VAULT";

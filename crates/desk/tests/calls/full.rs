//! A disk that is really full: a small file system of its own, in memory.

use call::{Admission, Answer, Finished, Price};
use desk::Space;
use model::{
    Money,
    fact::{EndReason, OffReason, Refusal},
};
use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use store::{CallFilter, Outcome};
use switch::Office;
use tempfile::TempDir;

use crate::county::{ANNA, Caller, County, MARCUS, Node};

/// A file system of 64 MiB, taken down when dropped. Its folder is below `TempDir`.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// Fails where this process may not mount: `cargo xtask check` leaves these tests out there,
    /// and counts them.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"]).arg(folder.path());
        let done = mount.output().unwrap();
        assert!(done.status.success(), "a small disk needs root: {done:?}");
        Self(folder)
    }

    /// Leaves `octets` free.
    fn fill(&self, octets: u64) {
        let found = rustix::fs::statvfs(self.0.path()).unwrap();
        let free = found.f_bavail * found.f_frsize;
        let mut file = OpenOptions::new().create(true).append(true).open(self.filling()).unwrap();
        let block = vec![7; 1 << 16];
        let mut left = free.saturating_sub(octets);
        while left > 0 {
            let some = left.min(1 << 16);
            if file.write_all(&block[..usize::try_from(some).unwrap()]).is_err() {
                return;
            }
            left -= some;
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.filling()).unwrap();
    }

    fn filling(&self) -> PathBuf {
        self.0.path().join("filling")
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn admit(node: &Node, counter: u32, caller: Caller, dialled: &str) -> Result<Admission, Refusal> {
    match node.admit(node.call(counter), caller, dialled) {
        Answer::Admitted(admission) => Ok(admission),
        Answer::Denied(reason) => Err(reason),
        other => panic!("{other:?}"),
    }
}

/// Nobody accepted, so that no money is used up.
fn over(node: &Node, counter: u32) {
    let (reason, talked) = (Some(EndReason::NotAccepted), Duration::ZERO);
    let finished = Finished { at: node.now(), reason, talked, decision_key: None, off: None };
    node.desk.finished(node.call(counter), finished);
}

#[test]
fn when_little_is_left_nothing_is_recorded_and_calls_go_as_the_facility_chose_with_mount() {
    let disk = SmallDisk::new();
    let county = County::provisioned(tempfile::tempdir_in(disk.path()).unwrap());
    let node = county.open();
    assert!(node.desk.space() < Space::Full);
    disk.fill(31 << 20);
    node.wait_until("the full disk was seen", |node| node.desk.space() == Space::Full);
    // The jail refuses, but neither who is free nor who is protected.
    assert_eq!(admit(&node, 1, MARCUS, "2025550101").unwrap_err(), Refusal::DiskFull);
    let free = admit(&node, 2, MARCUS, "2025550140").unwrap();
    assert_eq!((free.price, free.may_record), (Price::Free, Err(OffReason::Disk)));
    over(&node, 2);
    let counsel = admit(&node, 3, MARCUS, "2025550150").unwrap();
    assert_eq!(counsel.may_record, Err(OffReason::Protected));
    over(&node, 3);
    assert_eq!(admit(&node, 4, MARCUS, "711").unwrap().may_record, Err(OffReason::Relay));
    over(&node, 4);
    // The farm places the call, and it is told and charged as what it is.
    let placed = admit(&node, 5, ANNA, "7").unwrap();
    assert_eq!(placed.may_record, Err(OffReason::Disk));
    assert_eq!(placed.price, Price::PerMinute(Money::from_cents(6)));
    over(&node, 5);
    disk.make_room();
    node.wait_until("the room was seen", |node| node.desk.space() < Space::Full);
    assert!(admit(&node, 6, MARCUS, "2025550101").unwrap().may_record.is_ok());
    over(&node, 6);
    let kept = node.end();
    assert_eq!(kept.calls.len(), 6);
    drop(county);
}

#[test]
fn when_nothing_is_left_the_records_wait_and_nobody_is_charged_with_mount() {
    let disk = SmallDisk::new();
    let mut county = County::provisioned(tempfile::tempdir_in(disk.path()).unwrap());
    county.segment_octets = 32 << 10;
    let node = county.open();
    disk.fill(0);
    node.wait_until("the full disk was seen", |node| node.desk.space() == Space::Full);
    // The journal still has the rest of a segment: facts go until one does not.
    let counter = (1..20_000)
        .find(|counter| {
            disk.fill(0);
            let admission = admit(&node, *counter, ANNA, "2025550121").unwrap();
            assert_eq!(admission.may_record, Err(OffReason::Disk));
            over(&node, *counter);
            admission.price == Price::Free
        })
        .unwrap();
    assert_eq!(admit(&node, counter + 1, MARCUS, "2025550101").unwrap_err(), Refusal::DiskFull);
    let help = admit(&node, counter + 2, MARCUS, "988").unwrap();
    assert_eq!(help.price, Price::Free);
    over(&node, counter + 2);
    disk.make_room();
    node.wait_for("what waited was written", |store| {
        let rows = store.calls(&CallFilter::default()).unwrap();
        [counter, counter + 2].iter().all(|counter| {
            let call = model::CallId::from_parts(node.desk.boot(), *counter);
            rows.iter().any(|row| {
                let ended = matches!(row.outcome, Outcome::Ended { charged, .. }
                    if charged == Money::ZERO);
                row.call == call && ended && row.held.is_none()
            })
        })
    });
    node.end();
    drop(county);
}

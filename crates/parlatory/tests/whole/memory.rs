//! What of a running node's memory can reach the disk.

use std::{fs, path::Path};

use crate::{node::Node, place};

#[test]
fn a_node_locks_its_memory_or_says_that_it_does_not() {
    let node = Node::start(place::ports(2));
    let locked = kibibytes(node.id(), "VmLck:");
    let dumps = fs::read_to_string(format!("/proc/{}/limits", node.id())).unwrap();
    let dumps = dumps.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(dumps.split_whitespace().nth(4), Some("0"), "{dumps}");
    let log = node.stop().finished.err;
    let (is, is_not) = (log.contains("is never swapped out"), log.contains("could be swapped out"));
    assert_eq!((is, is_not), (locked > 0, locked == 0), "{locked} KiB are locked:\n{log}");
}

#[test]
fn a_node_that_may_lock_little_locks_nothing_and_takes_calls() {
    let mut limits = vec!["prlimit", "--memlock=65536:65536"];
    if rustix::process::geteuid().is_root() {
        // The limit does not bind who has this capability.
        limits.extend(["setpriv", "--bounding-set=-ipc_lock"]);
    }
    let node = Node::start_under(&limits, place::ports(2), "", "");
    assert_eq!(kibibytes(node.id(), "VmLck:"), 0);
    let log = node.stop().finished.err;
    assert!(log.contains("may lock 64 KiB") && log.contains("LimitMEMLOCK=infinity"), "{log}");
}

/// A line of a process' status, in KiB.
pub(crate) fn kibibytes(process: u32, name: &str) -> u64 {
    let status = Path::new("/proc").join(process.to_string()).join("status");
    let status = fs::read_to_string(status).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

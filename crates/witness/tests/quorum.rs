//! A log and its witnesses, each in a process of its own, of which one goes away.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Mutex,
};
use tempfile::TempDir;
use tlog::{
    Author, Checkpoint, Consistency, Directory, KeyKind, Policy, Signer, TileHashes, Unreadable,
};
use witness::{Peer, Witness, collect, serve};

const LOG: &str = "county.example/log";
const NOW_S: u64 = 1_800_000_000;
const CHILD: &str = "PARLATORY_TEST_WITNESS";

fn log_key() -> Signer {
    Signer::from_seed(LOG, KeyKind::Log, &[1; 32]).unwrap()
}

fn witness_key(number: u8) -> Signer {
    let name = format!("w{number}.example/witness");
    Signer::from_seed(&name, KeyKind::Witness, &[number + 10; 32]).unwrap()
}

/// A witness that runs until it is dropped.
struct Running(Child, Peer);

impl Running {
    fn start(number: u8, dir: &Path) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "child_is_a_witness", "--nocapture"])
            .env(CHILD, format!("{number} {}", dir.display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut addresses = lines.filter_map(|line| Some(line.strip_prefix("at ")?.to_owned()));
        let url = format!("http://{}", addresses.next().unwrap());
        Self(child, Peer { url, key: witness_key(number).verifier().clone() })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Runs in the child processes of the test below, and does nothing otherwise.
#[test]
fn child_is_a_witness() {
    let Ok(given) = env::var(CHILD) else { return };
    let (number, dir) = given.split_once(' ').unwrap();
    let key = witness_key(number.parse().unwrap());
    let witness = Witness::open(key, vec![log_key().verifier().clone()], Path::new(dir)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = serve(witness, listener, || NOW_S).unwrap();
    println!("\nat {}", server.address());
    server.wait();
}

/// The log, in memory.
struct Log(Author, BTreeMap<String, Vec<u8>>);

impl Log {
    fn grow(&mut self, to: u64) -> Checkpoint {
        while self.0.tree().size() < to {
            let size = self.0.tree().size();
            let filled = self.0.append(&size.to_be_bytes()).unwrap();
            for TileHashes { tile, hashes } in filled.into_iter().chain(self.0.tree().edge()) {
                self.1.insert(tile.path(), hashes.iter().flat_map(|hash| hash.0).collect());
            }
        }
        let note = self.0.sign().unwrap();
        Checkpoint::verified(note, log_key().verifier(), &Policy::LOG_ALONE).unwrap()
    }
}

impl Directory for Log {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        Ok(self.1.get(path).cloned())
    }
}

#[test]
fn a_quorum_is_reached_with_one_witness_down_and_that_one_catches_up() {
    let dir = TempDir::new().unwrap();
    let folder = |number: u8| dir.path().join(format!("w{number}"));
    let mut running: BTreeMap<u8, Running> =
        (1..=2).map(|number| (number, Running::start(number, &folder(number)))).collect();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let absent = Peer { url: format!("http://{nobody}"), key: witness_key(3).verifier().clone() };
    let keys = || (1..=3).map(|number| witness_key(number).verifier().clone()).collect();
    let policy = Policy::quorum(2, keys()).unwrap();
    let log = Mutex::new(Log(Author::begin(log_key()).unwrap(), BTreeMap::new()));
    let mut seen = BTreeMap::new();
    let mut ask = |running: &BTreeMap<u8, Running>, checkpoint: &Checkpoint| {
        let peers: Vec<_> =
            running.values().map(|it| it.1.clone()).chain([absent.clone()]).collect();
        let prove = |old| {
            let log = log.lock().unwrap();
            Consistency::prove(old, checkpoint.size(), &*log).map_err(|error| error.to_string())
        };
        collect(&peers, checkpoint, &prove, &mut seen)
    };
    let grow = |to| log.lock().unwrap().grow(to);
    let verified = |note| Checkpoint::verified(note, log_key().verifier(), &policy);

    let first = grow(100);
    let collected = ask(&running, &first);
    assert_eq!(collected.vouched, ["w1.example/witness", "w2.example/witness"]);
    assert_eq!(collected.failed.len(), 1);
    assert_eq!(verified(collected.note).unwrap().witnessed().len(), 2);
    // Asked for the same again, as after an answer that was lost.
    assert_eq!(ask(&running, &first).vouched.len(), 2);

    // One of them dies and misses some; without it there is no quorum, and that is said.
    let second = grow(300);
    let lost = running.remove(&2).unwrap();
    drop(lost);
    let collected = ask(&running, &second);
    assert_eq!(collected.vouched, ["w1.example/witness"]);
    assert!(verified(collected.note).is_err());

    // It comes back elsewhere with what it remembers, and is told how the log grew meanwhile. What
    // is thought of it is wrong in between, and it says so itself.
    running.insert(2, Running::start(2, &folder(2)));
    let third = grow(301);
    let collected = ask(&running, &third);
    assert_eq!(collected.vouched.len(), 2, "{:?}", collected.failed);
    assert_eq!(verified(collected.note).unwrap().witnessed().len(), 2);
    let mut forgotten = BTreeMap::new();
    let peers = [running[&2].1.clone()];
    let prove = |old| {
        let log = log.lock().unwrap();
        Consistency::prove(old, 301, &*log).map_err(|error| error.to_string())
    };
    assert_eq!(collect(&peers, &third, &prove, &mut forgotten).vouched.len(), 1);

    // Another history of the same log finds no witness.
    let mut fork = Author::begin(log_key()).unwrap();
    for n in 0..400_u64 {
        fork.append(&(n + 1).to_be_bytes()).unwrap();
    }
    let fork = Checkpoint::verified(fork.sign().unwrap(), log_key().verifier(), &Policy::LOG_ALONE);
    let grown = grow(400);
    let prove = |old| {
        let log = log.lock().unwrap();
        Consistency::prove(old, grown.size(), &*log).map_err(|error| error.to_string())
    };
    let peers: Vec<_> = running.values().map(|it| it.1.clone()).collect();
    let refused = collect(&peers, &fork.unwrap(), &prove, &mut forgotten);
    assert!(refused.vouched.is_empty());
    assert!(refused.failed.iter().all(|(_, why)| why == "it answered 422"), "{:?}", refused.failed);
    // And one that is smaller than what they saw is not asked about at all.
    let refused = collect(&peers, &first, &|_| Ok(Consistency::new(vec![])), &mut forgotten);
    assert!(refused.failed.iter().all(|(_, why)| why.contains("more than these 100")));
}

//! The load of `cargo xtask bench log`: what an entry costs from its append to its proof, beside
//! one plain write and `fdatasync` of as many octets, and what it costs to make the entries of a
//! large log, to verify it, and to audit it.
//!
//! Prints one JSON document. Both halves of a round are done in turn, so that they see the same
//! disk.
#![expect(clippy::print_stdout, reason = "its output is read by xtask")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::unwrap_used, reason = "a benchmark that fails has no figures")]

mod calls;

use calls::Calls;
use journal::{
    Draft, EntrySeq, LEAF_OCTETS,
    log::{Log, Mask, Options},
};
use model::Timestamp;
use serde_json::{Value, json};
use std::{
    env, fs,
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tlog::{Checkpoint, Directory, KeyKind, Policy, Signer, Unreadable, audit};

/// A sealed detail of an ordinary entry.
const DETAIL_OCTETS: usize = 200;
/// Entries between two publications of the large log.
const PUBLISH_ENTRIES: u64 = 100_000;

fn main() {
    let mut args = env::args().skip(1);
    let folder = PathBuf::from(args.next().unwrap());
    let rounds: u32 = args.next().unwrap().parse().unwrap();
    let entries: u64 = args.next().unwrap().parse().unwrap();
    let gates: Vec<Value> =
        [1, 8, 100, 1_000].map(|batch| gate(&folder, batch, rounds)).into_iter().collect();
    let verified = verified(&folder, entries);
    println!("{}", json!({ "gates": gates, "verified": verified }));
}

fn key() -> Signer {
    Signer::from_seed("county.example/log", KeyKind::Log, &[1; 32]).unwrap()
}

fn open(folder: &Path) -> Log {
    let mut options = Options::new(folder.join("log"), folder.join("log-private"));
    options.mask = Mask::new(Calls::masked);
    Log::open(&options, key(), Timestamp::default()).unwrap().0
}

fn leaf(node: u8, seq: u64) -> [u8; LEAF_OCTETS] {
    // Octets that do not repeat, as sealed ones do not.
    let mut state = seq.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut leaf = [0; LEAF_OCTETS];
    for octet in &mut leaf {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *octet = state.to_le_bytes()[3];
    }
    leaf[..8].copy_from_slice(&[1, 0, 0, 0, 0, 0, 0, node]);
    leaf[8..16].copy_from_slice(&seq.to_be_bytes());
    leaf
}

fn batch(first: u64, count: u64) -> Vec<Draft> {
    let detail = vec![7; DETAIL_OCTETS];
    (first..first + count).map(|n| Draft { leaf: leaf(1, n), detail: detail.clone() }).collect()
}

/// Appends of `count` entries, one after the other: from the append to the proof of the last entry
/// in hand, and a plain write with `fdatasync` of the same octets.
fn gate(folder: &Path, count: u64, rounds: u32) -> Value {
    let folder = folder.join(format!("gate-{count}"));
    fs::create_dir_all(&folder).unwrap();
    let log = open(&folder);
    let mut plain = File::create(folder.join("plain")).unwrap();
    let record = vec![7; usize::try_from(count).unwrap() * (LEAF_OCTETS + 4 + DETAIL_OCTETS) + 250];
    let (mut gates, mut plains) = (Vec::new(), Vec::new());
    let (mut next, mut published) = (1, 0);
    for _ in 0..rounds {
        let entries = batch(next, count);
        next += count;
        let start = Instant::now();
        let taken = log.append_wait(entries).unwrap();
        let proven = log.prove(taken.entries.end - 1).unwrap();
        gates.push(start.elapsed());
        assert_eq!(proven.checkpoint.size(), taken.entries.end);
        let start = Instant::now();
        plain.write_all(&record).unwrap();
        plain.sync_data().unwrap();
        plains.push(start.elapsed());
        if taken.entries.end > published + PUBLISH_ENTRIES {
            log.publish(Timestamp::default(), padding).unwrap();
            published = taken.entries.end;
        }
    }
    let spent: Duration = gates.iter().sum();
    let per_second = next.saturating_sub(1) as f64 / spent.as_secs_f64();
    log.close();
    fs::remove_dir_all(folder).unwrap();
    json!({
        "batch": count,
        "rounds": rounds,
        "entries_per_second": per_second,
        "gate_p50_us": percentile(&mut gates, 50),
        "gate_p99_us": percentile(&mut gates, 99),
        "plain_p50_us": percentile(&mut plains, 50),
        "plain_p99_us": percentile(&mut plains, 99),
    })
}

fn padding(count: u64, EntrySeq(next): EntrySeq) -> Vec<[u8; LEAF_OCTETS]> {
    (next..next + count).map(|n| leaf(0, n)).collect()
}

fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let index = (times.len() * percent / 100).min(times.len() - 1);
    times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e6)
}

/// Writes a large log of calls, reads all of it as an outsider does, and then as the auditor does.
fn verified(folder: &Path, entries: u64) -> Value {
    let folder = folder.join("large");
    let (mut calls, detail) = (Calls::new(), vec![7; DETAIL_OCTETS]);
    let (written_s, made_s) = write_large(&folder, entries, &mut calls, &detail);
    let public = folder.join("log");
    let octets = fs::read(public.join("checkpoint")).unwrap();
    let checkpoint = Checkpoint::read(&octets, key().verifier(), &Policy::LOG_ALONE).unwrap();
    let (start, cpu) = (Instant::now(), cpu_s());
    let verified = audit(&Folder(&public), &checkpoint, None, &mut |_, _| {}).unwrap();
    let (verified_s, verified_cpu_s) = (start.elapsed().as_secs_f64(), cpu_s() - cpu);
    assert_eq!(verified.entries, checkpoint.size());
    let (start, cpu) = (Instant::now(), cpu_s());
    let report = calls.audit(|read| {
        audit(&Folder(&public), &checkpoint, None, read).unwrap();
    });
    let (audited_s, audited_cpu_s) = (start.elapsed().as_secs_f64(), cpu_s() - cpu);
    assert_eq!(report.entries, checkpoint.size());
    assert_eq!(report.violations_count, 0, "{:?}", report.violations.first());
    let start = Instant::now();
    open(&folder).close();
    let open_ms = start.elapsed().as_secs_f64() * 1e3;
    fs::remove_dir_all(folder).unwrap();
    json!({
        "entries": verified.entries,
        "calls": report.admissions,
        "made_ns": made_s * 1e9 / entries as f64,
        "written_s": written_s,
        "verified_s": verified_s,
        "verified_cpu_s": verified_cpu_s,
        "audited_s": audited_s,
        "audited_cpu_s": audited_cpu_s,
        "open_ms": open_ms,
    })
}

/// Writes and publishes a log; gives the seconds that it took, and those that making its entries
/// took.
fn write_large(folder: &Path, entries: u64, calls: &mut Calls, detail: &[u8]) -> (f64, f64) {
    let log = open(folder);
    let (start, mut made) = (Instant::now(), Duration::ZERO);
    let mut next = 1;
    while next <= entries {
        let count = (entries + 1 - next).min(1_000);
        let making = Instant::now();
        let batch = calls.batch(count, detail);
        made += making.elapsed();
        log.append_wait(batch).unwrap();
        next += count;
        if (next - 1).is_multiple_of(PUBLISH_ENTRIES) || next > entries {
            let mut state = next;
            let padding = move |count, _| Calls::padding(&mut state, count);
            log.publish(Timestamp::default(), padding).unwrap();
        }
    }
    log.close();
    ((start.elapsed() - made).as_secs_f64(), made.as_secs_f64())
}

/// User and system time of this process, as `/proc` counts it, in hundredths of a second.
fn cpu_s() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks: u32 =
        fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u32>().unwrap()).sum();
    f64::from(ticks) / 100.0
}

struct Folder<'p>(&'p Path);

impl Directory for Folder<'_> {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        match fs::read(self.0.join(path)) {
            Ok(octets) => Ok(Some(octets)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Unreadable::failed(path, &error)),
        }
    }
}

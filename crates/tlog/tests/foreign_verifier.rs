//! A log written here is checked by a program that shares nothing with this crate: Go's
//! `x/mod/sumdb`, which stands behind the checksum database of the Go modules.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic_in_result_fn,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;
use tlog::{
    Author, Checkpoint, Consistency, Directory, Fault, Inclusion, KeyKind, Policy, ProofFile,
    Signer, TileHashes, Unreadable, audit, bundle,
};

const ENTRIES: u64 = 70_003;
const EARLIER: u64 = 35_000;
const TIME_S: u64 = 1_800_000_000;

/// Of lengths from 0 to 300 octets.
fn entry(index: u64) -> Vec<u8> {
    let text = format!("entry {index} ").repeat(40).into_bytes();
    text[..usize::try_from(index * 7 % 301).unwrap()].to_vec()
}

fn log_key() -> Signer {
    Signer::from_seed("county.example/log", KeyKind::Log, &[1; 32]).unwrap()
}

fn witness_key() -> Signer {
    Signer::from_seed("defender.example/witness", KeyKind::Witness, &[2; 32]).unwrap()
}

/// A log on the disk, and the earlier checkpoint somebody kept.
struct Log {
    folder: TempDir,
    earlier: Checkpoint,
    checkpoint: Checkpoint,
}

impl Log {
    fn write() -> Self {
        let folder = TempDir::new().unwrap();
        let mut author = Author::begin(log_key()).unwrap();
        let mut open = Vec::new();
        let mut earlier = None;
        for index in 0..ENTRIES {
            if index == EARLIER {
                earlier = Some(author.sign().unwrap());
                for tile in author.tree().edge() {
                    keep(folder.path(), &tile, &mut open.clone());
                }
            }
            bundle::push(&mut open, &entry(index)).unwrap();
            for tile in author.append(&entry(index)).unwrap() {
                keep(folder.path(), &tile, &mut open);
            }
        }
        for tile in author.tree().edge() {
            keep(folder.path(), &tile, &mut open);
        }
        let alone = |note| Checkpoint::verified(note, log_key().verifier(), &Policy::LOG_ALONE);
        let earlier = alone(earlier.unwrap()).unwrap();
        let signed = alone(author.sign().unwrap()).unwrap();
        let mut note = signed.note().clone();
        note.add(signed.cosign(&witness_key(), TIME_S).unwrap()).unwrap();
        let policy = Policy::quorum(1, vec![witness_key().verifier().clone()]).unwrap();
        let checkpoint = Checkpoint::verified(note, log_key().verifier(), &policy).unwrap();
        let log = Self { folder, earlier, checkpoint };
        log.put("log/checkpoint", log.checkpoint.note().to_string());
        log.put("earlier", log.earlier.note().to_string());
        log
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, text: impl AsRef<[u8]>) {
        put(&self.path(name), text.as_ref());
    }

    /// Proofs made here, for the other program to check.
    fn write_proofs(&self) {
        for index in [0, 255, 256, 34_999, 65_535, 65_536, 69_888, 70_002] {
            let proof = Inclusion::prove(index, ENTRIES, self).unwrap();
            let file = ProofFile::new(proof, &self.checkpoint);
            self.put(&format!("proofs/{index}.tlog-proof"), file.to_string());
            self.put(&format!("proofs/{index}.entry"), entry(index));
        }
        let proof = Consistency::prove(EARLIER, ENTRIES, self).unwrap();
        proof.verify(&self.earlier, &self.checkpoint).unwrap();
        let lines: Vec<_> = proof.path().iter().map(ToString::to_string).collect();
        self.put("consistency", lines.join("\n"));
    }

    /// What our own audit says.
    fn audit(&self) -> Result<u64, Fault> {
        audit(self, &self.checkpoint, Some(&self.earlier), &mut |_, _| {}).map(|it| it.entries)
    }

    /// Runs `judge` while a file is changed.
    fn changed<T>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Vec<u8>),
        judge: impl FnOnce() -> T,
    ) -> T {
        let before = fs::read(self.path(name)).unwrap();
        let mut octets = before.clone();
        change(&mut octets);
        assert_ne!(octets, before);
        self.put(name, octets);
        let verdict = judge();
        self.put(name, before);
        verdict
    }
}

impl Directory for Log {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        let file = self.path("log").join(path);
        if !file.exists() {
            return Ok(None);
        }
        fs::read(file).map(Some).map_err(|error| Unreadable::failed(path, &error))
    }
}

fn keep(folder: &Path, tile: &TileHashes, open: &mut Vec<u8>) {
    put(&folder.join("log").join(tile.tile.path()), &tile.octets());
    if tile.tile.level() == 0 {
        put(&folder.join("log").join(tile.tile.bundle_path()), &std::mem::take(open));
    }
}

fn put(file: &Path, octets: &[u8]) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, octets).unwrap();
}

/// The other program, built from its source with the system's packages alone.
struct Go<'l> {
    log: &'l Log,
    program: PathBuf,
}

impl<'l> Go<'l> {
    fn build(log: &'l Log) -> Self {
        let program = log.path("go/check");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go/check.go");
        let go_path = format!("{}:/usr/share/gocode", log.path("go/path").display());
        let built = Command::new("go")
            .args(["build", "-o"])
            .args([&program, &source])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", log.path("go"))
            .env("GOCACHE", log.path("go/cache"))
            .env("GOPATH", go_path)
            .env("GO111MODULE", "off")
            .env("CGO_ENABLED", "0")
            .output()
            .expect("Go runs: apt-get install golang-go golang-golang-x-mod-dev");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Self { log, program }
    }

    fn check(&self, more: &[(&str, &str)]) -> Result<String, String> {
        let run = Command::new(&self.program)
            .args(more.iter().flat_map(|(name, value)| [format!("-{name}"), (*value).to_owned()]))
            .arg(self.log.path("log"))
            .arg(log_key().verifier().to_string())
            .output()
            .unwrap();
        let said = String::from_utf8(run.stdout).unwrap().trim().to_owned();
        match run.status.code() {
            Some(0) => Ok(said),
            Some(1) => Err(said),
            other => panic!("{other:?}: {}", String::from_utf8_lossy(&run.stderr)),
        }
    }
}

/// Where entry `index` stands in its bundle, with its length.
fn place(index: u64) -> std::ops::Range<usize> {
    let octets = |index| 2 + entry(index).len();
    let start = (index / 256 * 256..index).map(octets).sum();
    start..start + octets(index)
}

#[test]
fn a_log_is_accepted_whole_and_refused_damaged_with_go() {
    let log = Log::write();
    log.write_proofs();
    let go = Go::build(&log);
    let path = |name: &str| log.path(name).to_str().unwrap().to_owned();
    let (earlier, proofs, consistency) = (path("earlier"), path("proofs"), path("consistency"));
    let witness = witness_key().verifier().to_string();
    let secret = log_key().secret_text();
    let everything = [
        ("since", earlier.as_str()),
        ("witness", &witness),
        ("proofs", &proofs),
        ("consistency", &consistency),
        ("sign", &secret),
    ];
    assert_eq!(log.audit(), Ok(ENTRIES));
    let accepted = "entries 70003, sampled 497, proof files 8";
    assert_eq!(go.check(&everything), Ok(accepted.to_owned()));

    let flip = |octets: &mut Vec<u8>| octets[place(1281).start + 2] ^= 1;
    let drop_one = |octets: &mut Vec<u8>| drop(octets.drain(place(1281)));
    let swap_pair = |octets: &mut Vec<u8>| {
        octets[place(1281).start..place(1282).end].rotate_left(place(1281).len());
    };
    let both = || (go.check(&[]), log.audit());
    for (go, ours) in [
        log.changed("log/tile/entries/005", flip, both),
        log.changed("log/tile/entries/005", drop_one, both),
        log.changed("log/tile/entries/005", swap_pair, both),
    ] {
        assert_eq!(go, Err("entry 1281 is not the one in the tree".to_owned()));
        assert!(matches!(ours, Err(Fault::Entry { entry: 1281, .. })), "{ours:?}");
    }
    for tile in ["log/tile/0/005", "log/tile/1/000", "log/tile/2/000.p/1"] {
        let (go, ours) = log.changed(tile, |octets| octets[31] ^= 0x80, both);
        assert!(go.is_err() && ours.is_err(), "{tile}: {go:?} {ours:?}");
    }
}

#[test]
fn a_rolled_back_or_forged_checkpoint_is_refused_with_go() {
    let log = Log::write();
    let go = Go::build(&log);
    let current = log.path("current");
    fs::copy(log.path("log/checkpoint"), &current).unwrap();
    let since = [("since", current.to_str().unwrap())];
    assert!(go.check(&since).is_ok());

    // The earlier checkpoint is true, and all the files it needs are there; only memory tells.
    let rolled_back = log.changed(
        "log/checkpoint",
        |octets| *octets = log.earlier.note().to_string().into_bytes(),
        || (go.check(&[]), go.check(&since)),
    );
    assert_eq!(rolled_back.0, Ok("entries 35000, sampled 493, proof files 0".to_owned()));
    assert_eq!(rolled_back.1, Err("since: rolled back from 70003 to 35000".to_owned()));
    let ours = audit(&log, &log.earlier, Some(&log.checkpoint), &mut |_, _| {});
    assert_eq!(ours, Err(Fault::RolledBack { had: ENTRIES, has: EARLIER }));

    let other = Signer::from_seed("county.example/log", KeyKind::Log, &[9; 32]).unwrap();
    let forged = tlog::Note::sign(log.checkpoint.note().text(), &other).unwrap().to_string();
    let said =
        log.changed("log/checkpoint", |octets| *octets = forged.into_bytes(), || go.check(&[]));
    assert!(said.unwrap_err().starts_with("checkpoint: "));
    for at in [0, 20, 30, 80, 150] {
        let said = log.changed("log/checkpoint", |octets| octets[at] ^= 1, || go.check(&[]));
        assert!(said.unwrap_err().starts_with("checkpoint: "), "octet {at}");
    }
}

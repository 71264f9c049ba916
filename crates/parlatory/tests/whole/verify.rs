//! `verify` and `witness` as an outsider types them.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;
use tlog::{Author, Checkpoint, Consistency, KeyKind, Policy, Signer, bundle};

use crate::{
    county, node, place,
    process::{Finished, Process, SOON, program},
};

fn log_key() -> Signer {
    Signer::from_seed("county.example/log", KeyKind::Log, &[1; 32]).unwrap()
}

/// A log of 100 entries with its key beside it.
fn written(dir: &Path) -> Checkpoint {
    let mut author = Author::begin(log_key()).unwrap();
    let mut entries = Vec::new();
    for n in 0..100_u8 {
        bundle::push(&mut entries, &[n; 256]).unwrap();
        author.append(&[n; 256]).unwrap();
    }
    for tile in author.tree().edge() {
        let path = dir.join("log").join(tile.tile.path());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, tile.octets()).unwrap();
    }
    fs::create_dir_all(dir.join("log/tile/entries/000.p")).unwrap();
    fs::write(dir.join("log/tile/entries/000.p/100"), entries).unwrap();
    let note = author.sign().unwrap();
    fs::write(dir.join("log/checkpoint"), note.to_string()).unwrap();
    fs::write(dir.join("log.vkey"), log_key().verifier().to_string()).unwrap();
    Checkpoint::verified(note, log_key().verifier(), &Policy::LOG_ALONE).unwrap()
}

fn run(dir: &Path, args: &[&str]) -> Finished {
    Process::start("parlatory", program().args(args).current_dir(dir)).wait_end(SOON)
}

#[test]
fn verify_says_in_plain_words_what_it_found() {
    let dir = TempDir::new().unwrap();
    written(dir.path());
    let whole = run(dir.path(), &["verify", "log", "--key", "log.vkey"]).well();
    assert!(whole.out.contains("is whole") && whole.out.contains("every one of 100 entries"));
    let entries = dir.path().join("log/tile/entries/000.p/100");
    let mut octets = fs::read(&entries).unwrap();
    octets[258 * 41 + 9] ^= 1;
    fs::write(&entries, octets).unwrap();
    let bad = run(dir.path(), &["verify", "log", "--key", "log.vkey"]).badly();
    assert!(
        bad.err.contains("NOT what its key has signed; the first bad entry is 41"),
        "{}",
        bad.err
    );
    let bad = run(dir.path(), &["verify", "log", "--key", "log.vkey", "--json"]).badly();
    let said: Value = serde_json::from_str(&bad.out).unwrap();
    assert_eq!((&said["whole"], &said["first_bad_entry"]), (&Value::Bool(false), &Value::from(41)));
    fs::copy(dir.path().join("log.vkey"), dir.path().join("log/log.vkey")).unwrap();
    let inside = run(dir.path(), &["verify", "log", "--key", "log/log.vkey"]).badly();
    assert!(inside.err.contains("lies inside the log"), "{}", inside.err);
}

#[test]
fn a_witness_vouches_and_verify_sees_it() {
    let dir = TempDir::new().unwrap();
    let checkpoint = written(dir.path());
    let args = ["witness", "--dir", "seat", "--log", "log.vkey", "--listen", "127.0.0.1:0"];
    let nameless = run(dir.path(), &args).badly();
    assert!(nameless.err.contains("needs a --name"), "{}", nameless.err);
    let named = [&args[..], &["--name", "defender.example/witness"]].concat();
    let running = Process::start("witness", program().args(named).current_dir(dir.path()));
    let said = running.wait_line("listens on", SOON);
    let url = said.split("listens on").nth(1).unwrap().trim();
    let url = url.trim_end_matches("/add-checkpoint").to_owned();
    let key = fs::read_to_string(dir.path().join("seat/witness.vkey")).unwrap();
    let peer = witness::Peer { url, key: tlog::Verifier::parse(key.trim()).unwrap() };
    let prove = |_| Ok(Consistency::new(Vec::new()));
    let collected = witness::collect(&[peer], &checkpoint, &prove, &mut Default::default());
    assert_eq!(collected.vouched, ["defender.example/witness"], "{:?}", collected.failed);
    let with = ["verify", "log", "--key", "log.vkey", "--witness", "seat/witness.vkey"];
    let without = run(dir.path(), &with).badly();
    assert!(without.err.contains("0 of the witnesses have seen"), "{}", without.err);
    fs::write(dir.path().join("log/checkpoint"), collected.note.to_string()).unwrap();
    let seen = run(dir.path(), &with).well();
    assert!(seen.out.contains("defender.example/witness saw it at 20"), "{}", seen.out);
}

/// The signatures of two of three witnesses lie in the node's folder, for whoever reads it.
#[test]
fn what_a_node_publishes_has_the_signatures_of_its_witnesses() {
    let root = TempDir::new().unwrap();
    let data = root.path().join("data");
    node::init(&data);
    let log = data.join("log.vkey");
    let mut settings = "\nquorum = 2\n".to_owned();
    let (mut running, mut keys) = (Vec::new(), Vec::new());
    for name in ["defender", "bar", "press"] {
        let seat = root.path().join(name);
        let signer = format!("{name}.example/witness");
        let (seat, log) = (seat.to_str().unwrap(), log.to_str().unwrap());
        let args = ["--dir", seat, "--log", log, "--listen", "127.0.0.1:0", "--name", &signer];
        let witness = Process::start("witness", program().arg("witness").args(args));
        let said = witness.wait_line("listens on", SOON);
        let url = said.split("listens on").nth(1).unwrap().trim();
        let url = url.trim_end_matches("/add-checkpoint");
        let key = format!("{seat}/witness.vkey");
        let vkey = fs::read_to_string(&key).unwrap();
        settings +=
            &format!("[[disclosure.witnesses]]\nkey = \"{}\"\nurl = \"{url}\"\n", vkey.trim());
        running.push(witness);
        keys.push(key);
    }
    // The third is away.
    drop(running.pop());
    let file = data.join("parlatory.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text + &settings).unwrap();
    let county = county::write(&root.path().join("county"), place::address(place::ports(2)));
    node::provision(&data, &county).well();
    let mut process = node::serve(&data);
    process.wait_line("ready: SIP on udp", SOON);
    process.close_input();
    process.signal(rustix::process::Signal::TERM);
    process.wait_end(SOON).well();
    let witnesses: Vec<&str> = keys.iter().flat_map(|key| ["--witness", key.as_str()]).collect();
    let verify = ["verify", "data/log", "--key", "data/log.vkey"];
    let two = [&verify[..], &witnesses, &["--quorum", "2"]].concat();
    let seen = run(root.path(), &two).well().out;
    for name in ["defender", "bar"] {
        assert!(seen.contains(&format!("{name}.example/witness saw it at 20")), "{seen}");
    }
    let all = run(root.path(), &[&verify[..], &witnesses].concat()).badly();
    assert!(all.err.contains("2 of the witnesses have seen the checkpoint, 3 are"), "{}", all.err);
}

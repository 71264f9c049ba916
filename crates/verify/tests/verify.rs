//! A log is accepted whole, and refused with the first thing that is wrong with it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    thread,
};
use tempfile::TempDir;
use tlog::{Author, Checkpoint, KeyKind, Policy, Signer, bundle};
use verify::{KeyFault, Refusal, Request, SourceFault};

fn log_key() -> Signer {
    Signer::from_seed("county.example/log", KeyKind::Log, &[1; 32]).unwrap()
}

fn witness_key() -> Signer {
    Signer::from_seed("defender.example/witness", KeyKind::Witness, &[2; 32]).unwrap()
}

fn put(file: &Path, octets: impl AsRef<[u8]>) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, octets).unwrap();
}

/// A log of 600 entries of 256 octets in `log`, its checkpoint at 300 in `earlier`, and its key.
fn written() -> TempDir {
    let dir = TempDir::new().unwrap();
    let mut author = Author::begin(log_key()).unwrap();
    let mut open = Vec::new();
    for n in 0..600_u32 {
        let entry = [n.to_be_bytes().as_slice(), &[7; 252]].concat();
        bundle::push(&mut open, &entry).unwrap();
        let filled = author.append(&entry).unwrap();
        let edge = if n == 599 { author.tree().edge() } else { Vec::new() };
        for tile in filled.into_iter().chain(edge) {
            put(&dir.path().join("log").join(tile.tile.path()), tile.octets());
            if tile.tile.level() == 0 {
                put(&dir.path().join("log").join(tile.tile.bundle_path()), &open);
                open.clear();
            }
        }
        if n == 299 {
            put(&dir.path().join("earlier"), author.sign().unwrap().to_string());
        }
    }
    let alone = |note| Checkpoint::verified(note, log_key().verifier(), &Policy::LOG_ALONE);
    let checkpoint = alone(author.sign().unwrap()).unwrap();
    let mut note = checkpoint.note().clone();
    note.add(checkpoint.cosign(&witness_key(), 1_800_000_000).unwrap()).unwrap();
    put(&dir.path().join("log/checkpoint"), note.to_string());
    put(&dir.path().join("log.vkey"), format!("{}\n", log_key().verifier()));
    dir
}

fn request(dir: &Path) -> Request {
    let text = |path: PathBuf| path.to_str().unwrap().to_owned();
    Request {
        log: text(dir.join("log")),
        key: text(dir.join("log.vkey")),
        since: Some(dir.join("earlier")),
        witnesses: vec![witness_key().verifier().to_string()],
        quorum: None,
    }
}

fn checked(request: &Request) -> Result<verify::Verdict, Refusal> {
    request.check(&mut |_, _| {})
}

#[test]
fn a_whole_log_is_accepted_and_every_entry_is_read() {
    let dir = written();
    let mut told = Vec::new();
    let verdict = request(dir.path()).check(&mut |done, of| told.push((done, of))).unwrap();
    assert_eq!((verdict.audited.entries, verdict.since), (600, Some(300)));
    assert_eq!(verdict.checkpoint.witnessed().len(), 1);
    assert_eq!(told, (1..=600).map(|n| (n, 600)).collect::<Vec<_>>());
    let text = Request { key: log_key().verifier().to_string(), ..request(dir.path()) };
    assert_eq!(checked(&text).unwrap(), verdict);
}

#[test]
fn the_first_bad_entry_is_named() {
    let dir = written();
    let path = dir.path().join("log/tile/entries/001");
    let kept = fs::read(&path).unwrap();
    for change in [0_usize, 1, 2, 3] {
        let mut octets = kept.clone();
        match change {
            0 => octets[258 * 100 + 30] ^= 1,
            1 => drop(octets.drain(258 * 100..258 * 101)),
            2 => octets[258 * 100..258 * 102].rotate_left(258),
            _ => octets.truncate(258 * 100 + 5),
        }
        fs::write(&path, octets).unwrap();
        let refusal = checked(&request(dir.path())).unwrap_err();
        assert_eq!(refusal.entry(), Some(356), "{refusal}");
        assert!(refusal.to_string().contains("356"), "{refusal}");
    }
    fs::write(&path, kept).unwrap();
    assert!(checked(&request(dir.path())).is_ok());
    fs::remove_file(dir.path().join("log/tile/1/000.p/2")).unwrap();
    let refusal = checked(&request(dir.path())).unwrap_err();
    assert_eq!(refusal.to_string(), "`tile/1/000.p/2` is missing");
    assert_eq!(refusal.entry(), None);
}

#[test]
fn a_log_that_shrank_or_changed_its_past_is_refused() {
    let dir = written();
    let current = fs::read(dir.path().join("log/checkpoint")).unwrap();
    put(&dir.path().join("current"), &current);
    fs::copy(dir.path().join("earlier"), dir.path().join("log/checkpoint")).unwrap();
    let since = Some(dir.path().join("current"));
    let shrunk = Request { since, witnesses: Vec::new(), ..request(dir.path()) };
    let refusal = checked(&shrunk).unwrap_err();
    assert_eq!(refusal.to_string(), "the log had 600 entries and has 300: it was rolled back");
    put(&dir.path().join("log/checkpoint"), &current);
    let other = Author::begin(log_key()).unwrap();
    let mut other = other;
    other.append(b"another past").unwrap();
    put(&dir.path().join("earlier"), other.sign().unwrap().to_string());
    let refusal = checked(&request(dir.path())).unwrap_err();
    assert!(refusal.to_string().contains("the log was rewritten"), "{refusal}");
    put(&dir.path().join("earlier"), b"no checkpoint");
    assert!(matches!(checked(&request(dir.path())), Err(Refusal::Since { .. })));
}

#[test]
fn a_key_that_lies_with_the_log_or_is_another_is_refused() {
    let dir = written();
    put(&dir.path().join("log/log.vkey"), log_key().verifier().to_string());
    for inside in ["log/log.vkey", "log/tile/../log.vkey"] {
        let inside = dir.path().join(inside).to_str().unwrap().to_owned();
        let refused = checked(&Request { key: inside, ..request(dir.path()) });
        assert!(matches!(refused, Err(Refusal::Key(KeyFault::Inside { .. }))), "{refused:?}");
    }
    let link = dir.path().join("link.vkey");
    std::os::unix::fs::symlink(dir.path().join("log/log.vkey"), &link).unwrap();
    let link = link.to_str().unwrap().to_owned();
    let refused = checked(&Request { key: link, ..request(dir.path()) });
    assert!(matches!(refused, Err(Refusal::Key(KeyFault::Inside { .. }))), "{refused:?}");
    let other = Signer::from_seed("county.example/log", KeyKind::Log, &[9; 32]).unwrap();
    let other = other.verifier().to_string();
    let refused = checked(&Request { key: other, ..request(dir.path()) });
    assert!(matches!(refused, Err(Refusal::Checkpoint(_))), "{refused:?}");
    let refused = checked(&Request { key: "nothing".to_owned(), ..request(dir.path()) });
    assert!(matches!(refused, Err(Refusal::Key(KeyFault::Text { .. }))), "{refused:?}");
    let absent = Signer::from_seed("bar.example/witness", KeyKind::Witness, &[5; 32]).unwrap();
    let witnesses = vec![witness_key().verifier().to_string(), absent.verifier().to_string()];
    let refused = checked(&Request { witnesses, ..request(dir.path()) }).unwrap_err();
    assert_eq!(refused.to_string(), "1 of the witnesses have seen the checkpoint, 2 are needed");
}

#[test]
fn where_there_is_no_log_that_is_said() {
    let dir = written();
    let at = |log: &str| checked(&Request { log: log.to_owned(), ..request(dir.path()) });
    let nowhere = dir.path().join("nowhere").to_str().unwrap().to_owned();
    assert!(matches!(at(&nowhere), Err(Refusal::Source(SourceFault::NoFolder { .. }))));
    fs::create_dir(dir.path().join("empty")).unwrap();
    let empty = dir.path().join("empty").to_str().unwrap().to_owned();
    assert!(matches!(at(&empty), Err(Refusal::Source(SourceFault::NoLog { .. }))));
    let encrypted = at("https://county.example/log");
    assert!(matches!(encrypted, Err(Refusal::Source(SourceFault::Encrypted { .. }))));
}

/// Serves a folder on the loopback until it is asked for `/end`.
fn served(folder: PathBuf) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut first = String::new();
            stream.read_line(&mut first).unwrap();
            let mut line = String::from("x");
            while !line.trim().is_empty() {
                line.clear();
                stream.read_line(&mut line).unwrap();
            }
            let path = first.split(' ').nth(1).unwrap().trim_start_matches('/');
            let (status, body) = match (path, fs::read(folder.join(path))) {
                ("end", _) => return,
                ("tile/0/001", _) if folder.join("broken").exists() => ("500 Broken", Vec::new()),
                (_, Ok(octets)) => ("200 OK", octets),
                (_, Err(_)) => ("404 Not Found", Vec::new()),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            stream.get_mut().write_all(&[head.into_bytes(), body].concat()).unwrap();
        }
    });
    address
}

#[test]
fn a_served_log_is_checked_as_one_in_a_folder() {
    let dir = written();
    let log = format!("http://{}/", served(dir.path().join("log")));
    let there = Request { log, ..request(dir.path()) };
    assert_eq!(checked(&there).unwrap(), checked(&request(dir.path())).unwrap());
    put(&dir.path().join("log/broken"), b"");
    let refusal = checked(&there).unwrap_err();
    assert_eq!(refusal.to_string(), "`tile/0/001` cannot be read: the server answered 500");
    fs::remove_file(dir.path().join("log/broken")).unwrap();
    let mut octets = fs::read(dir.path().join("log/tile/entries/002.p/88")).unwrap();
    octets[5] ^= 1;
    put(&dir.path().join("log/tile/entries/002.p/88"), octets);
    assert_eq!(checked(&there).unwrap_err().entry(), Some(512));
    let gone = there.log.replace("http://", "http://127.0.0.1:1/");
    let gone = checked(&Request { log: gone, ..there.clone() }).unwrap_err();
    assert!(gone.to_string().contains("cannot be read"), "{gone}");
}

//! What a witness says to everything it can be sent, and that it never forgets.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
};
use tempfile::TempDir;
use tlog::{
    Author, Checkpoint, Consistency, Directory, Hash, KeyKind, Note, Policy, Signer, TileHashes,
    Unreadable, Verifier,
};
use witness::{Answer, Submission, Unusable, Witness, serve};

const NOW_S: u64 = 1_800_000_000;

fn log_key(name: &str) -> Signer {
    Signer::from_seed(name, KeyKind::Log, &[1; 32]).unwrap()
}

fn witness_key() -> Signer {
    Signer::from_seed("defender.example/witness", KeyKind::Witness, &[2; 32]).unwrap()
}

/// A log in memory with its checkpoints at all sizes; `salt` makes another history of it.
struct Log {
    checkpoints: Vec<Checkpoint>,
    files: BTreeMap<String, Vec<u8>>,
}

impl Log {
    fn of(size: u64, name: &str, salt: u8) -> Self {
        let mut author = Author::begin(log_key(name)).unwrap();
        let mut files = BTreeMap::new();
        let signed = |author: &Author| {
            let note = author.sign().unwrap();
            Checkpoint::verified(note, log_key(name).verifier(), &Policy::LOG_ALONE).unwrap()
        };
        let mut checkpoints = vec![signed(&author)];
        for n in 0..size {
            let filled = author.append(&[&n.to_be_bytes()[..], &[salt]].concat()).unwrap();
            for TileHashes { tile, hashes } in filled.into_iter().chain(author.tree().edge()) {
                files.insert(tile.path(), hashes.iter().flat_map(|hash| hash.0).collect());
            }
            checkpoints.push(signed(&author));
        }
        Self { checkpoints, files }
    }

    fn proof(&self, old: u64, new: usize) -> Consistency {
        Consistency::prove(old, new as u64, self).unwrap()
    }

    fn submission(&self, old: u64, new: usize) -> Vec<u8> {
        let proof = if old <= new as u64 { self.proof(old, new) } else { Consistency::new(vec![]) };
        let checkpoint = self.checkpoints[new].note().clone();
        Submission { old, proof, checkpoint }.to_string().into_bytes()
    }
}

impl Directory for Log {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        Ok(self.files.get(path).cloned())
    }
}

const LOG: &str = "county.example/log";

fn open(dir: &Path) -> Witness {
    Witness::open(witness_key(), vec![log_key(LOG).verifier().clone()], dir).unwrap()
}

/// Whether the answer is a true signature under `checkpoint`.
fn vouched(answer: &Answer, checkpoint: &Checkpoint, time_s: u64) -> bool {
    let Answer::Cosigned(line) = answer else { return false };
    let mut note = checkpoint.note().clone();
    note.add(tlog::Signature::parse(line.trim_end()).unwrap()).unwrap();
    note.witnessed_s(witness_key().verifier()) == Ok(time_s)
}

#[test]
fn it_vouches_for_what_grew_and_says_what_is_wrong_with_everything_else() {
    let dir = TempDir::new().unwrap();
    let log = Log::of(300, LOG, 0);
    let fork = Log::of(300, LOG, 1);
    let witness = open(dir.path());
    let decide = |body: &[u8]| witness.decide(body, NOW_S);
    assert_eq!(decide(&log.submission(7, 9)), Answer::Conflict(0));
    for (old, new) in [(0, 5), (5, 5), (5, 256), (256, 299)] {
        let answer = decide(&log.submission(old, new));
        assert!(vouched(&answer, &log.checkpoints[new], NOW_S), "{old} {new}: {answer:?}");
    }
    // Stale, repeated with another past, shrinking, and of another history.
    assert_eq!(decide(&log.submission(0, 300)), Answer::Conflict(299));
    assert_eq!(decide(&log.submission(256, 256)), Answer::Conflict(299));
    assert_eq!(decide(&fork.submission(299, 299)), Answer::Conflict(299));
    assert!(matches!(decide(&fork.submission(299, 300)), Answer::Unproven(_)));
    assert!(matches!(decide(&log.submission(299, 298)), Answer::BadRequest(_)));
    let bare = |old, new: usize| {
        let checkpoint = log.checkpoints[new].note().clone();
        Submission { old, proof: Consistency::new(vec![Hash([7; 32])]), checkpoint }.to_string()
    };
    assert!(matches!(decide(bare(299, 300).as_bytes()), Answer::Unproven(_)));
    assert!(matches!(decide(bare(299, 299).as_bytes()), Answer::Unproven(_)));
    // Other logs, other keys, and what is no request at all.
    let stranger = Log::of(1, "stranger.example/log", 0);
    assert_eq!(decide(&stranger.submission(0, 1)), Answer::UnknownLog);
    let forger = Signer::from_seed(LOG, KeyKind::Log, &[9; 32]).unwrap();
    let checkpoint = Note::sign(log.checkpoints[300].note().text(), &forger).unwrap();
    let forged = Submission { old: 299, proof: log.proof(299, 300), checkpoint }.to_string();
    assert!(matches!(decide(forged.as_bytes()), Answer::Forbidden(_)));
    let text = Note::sign("county.example/log\nx\n", &log_key(LOG)).unwrap();
    let no_head = Submission { old: 0, proof: Consistency::new(vec![]), checkpoint: text };
    assert!(matches!(decide(no_head.to_string().as_bytes()), Answer::BadRequest(_)));
    assert!(matches!(decide(b"old 0\n\n"), Answer::BadRequest(_)));
    // After all of that it still goes on from what it saw.
    assert!(vouched(&decide(&log.submission(299, 300)), &log.checkpoints[300], NOW_S));
}

#[test]
fn what_it_saw_outlives_it_and_a_witness_that_forgot_is_refused() {
    let dir = TempDir::new().unwrap();
    let log = Log::of(40, LOG, 0);
    let witness = open(dir.path());
    assert!(matches!(witness.decide(&log.submission(0, 20), NOW_S), Answer::Cosigned(_)));
    let again = Witness::open(witness_key(), vec![log_key(LOG).verifier().clone()], dir.path());
    assert!(matches!(again, Err(Unusable::InUse { .. })));
    drop(witness);
    let witness = open(dir.path());
    assert_eq!(witness.decide(&log.submission(0, 40), NOW_S), Answer::Conflict(20));
    assert!(matches!(witness.decide(&log.submission(20, 40), NOW_S), Answer::Cosigned(_)));
    drop(witness);
    let file = dir.path().join("log-county.example%2flog");
    let kept = fs::read(&file).unwrap();
    let refused =
        || Witness::open(witness_key(), vec![log_key(LOG).verifier().clone()], dir.path());
    fs::write(&file, &kept[..30]).unwrap();
    assert!(matches!(refused(), Err(Unusable::Damaged { .. })));
    fs::remove_file(&file).unwrap();
    let Err(forgotten) = refused() else { panic!("it goes on without its memory") };
    assert!(forgotten.to_string().contains("another key"), "{forgotten}");
    fs::write(&file, kept).unwrap();
    assert_eq!(open(dir.path()).decide(&log.submission(20, 40), NOW_S), Answer::Conflict(40));
}

#[test]
fn it_does_not_vouch_for_what_it_cannot_remember() {
    let dir = TempDir::new().unwrap();
    let log = Log::of(40, LOG, 0);
    let witness = open(dir.path());
    // Something stands where the new file would be made.
    let in_the_way = dir.path().join("log-county.example%2flog.new");
    fs::create_dir(&in_the_way).unwrap();
    assert!(matches!(witness.decide(&log.submission(0, 20), NOW_S), Answer::Broken(_)));
    fs::remove_dir(&in_the_way).unwrap();
    assert_eq!(witness.decide(&log.submission(20, 40), NOW_S), Answer::Conflict(0));
    assert!(matches!(witness.decide(&log.submission(0, 20), NOW_S), Answer::Cosigned(_)));
}

#[test]
fn a_seat_that_makes_no_sense_is_refused() {
    let dir = TempDir::new().unwrap();
    let key = || log_key(LOG).verifier().clone();
    let open = |signer, logs: Vec<Verifier>| Witness::open(signer, logs, dir.path()).err().unwrap();
    assert_eq!(open(log_key(LOG), vec![key()]), Unusable::NoWitnessKey);
    assert_eq!(open(witness_key(), vec![]), Unusable::LogsCount { count: 0 });
    assert!(matches!(open(witness_key(), vec![key(), key()]), Unusable::Twice { .. }));
    let witness = witness_key().verifier().clone();
    assert!(matches!(open(witness_key(), vec![witness]), Unusable::NoLogKey { .. }));
    let long = log_key(&"/".repeat(250)).verifier().clone();
    assert!(matches!(open(witness_key(), vec![long]), Unusable::LongName { .. }));
}

#[test]
fn requests_are_answered_as_the_specification_says_and_others_are_refused() {
    let dir = TempDir::new().unwrap();
    let log = Log::of(40, LOG, 0);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = serve(open(dir.path()), listener, || NOW_S).unwrap();
    let send = |request: &[u8]| {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(request).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let post = |body: &[u8]| {
        let head = format!(
            "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    };
    let answer = send(&post(&log.submission(0, 20)));
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with('\n') && answer.contains("\r\n\r\n— defender.example/witness "));
    let answer = send(&post(&log.submission(0, 40)));
    assert!(answer.starts_with("HTTP/1.1 409 "), "{answer}");
    assert!(
        answer.contains("Content-Type: text/x.tlog.size\r\n") && answer.ends_with("\r\n\r\n20\n")
    );
    // Two requests on one connection.
    let both = [post(&log.submission(20, 21)), post(&log.submission(21, 22))].concat();
    assert_eq!(send(&both).matches("HTTP/1.1 200 OK").count(), 2);
    for (request, status) in [
        ("GET /add-checkpoint HTTP/1.1\r\n\r\n", "405"),
        ("POST /other HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "404"),
        ("POST /add-checkpoint HTTP/1.1\r\n\r\n", "411"),
        ("POST /add-checkpoint HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "411"),
        ("POST /add-checkpoint HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "400"),
        ("POST /add-checkpoint HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "400"),
        ("POST /add-checkpoint HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n", "413"),
        ("POST /add-checkpoint HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", "400"),
        ("nonsense\r\n\r\n", "400"),
    ] {
        let answer = send(request.as_bytes());
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
    }
    let many = format!("POST /add-checkpoint HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(70));
    assert!(send(many.as_bytes()).starts_with("HTTP/1.1 431 "));
    let long = format!("POST /add-checkpoint HTTP/1.1\r\na: {}", "b".repeat(20_000));
    assert!(send(long.as_bytes()).starts_with("HTTP/1.1 431 "));
    assert!(send(&post(&log.submission(22, 40))).starts_with("HTTP/1.1 200 OK\r\n"));
}

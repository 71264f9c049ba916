//! What is no leave to open a share, tried at everything that takes one: a keyholder at hand, the
//! same over HTTPS with mutual TLS, and the program as an agency runs it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic_in_result_fn,
    clippy::disallowed_methods,
    reason = "a test fails by it, and the program has a clock of its own"
)]

#[path = "../../vault/tests/consent/mod.rs"]
mod consent;
#[path = "../../access/tests/log/mod.rs"]
mod log;
#[path = "../../vault/tests/open/mod.rs"]
mod open;
mod scene;
#[path = "../../vault/tests/world/mod.rs"]
mod world;

use access::{Intent, Object, Opening, Proof, Verb};
use keyholder::{Ask, NotAnswered};
use log::{Log, MINUTE, NOW, cosigned, cosigned_of, key, log_key, quorum, witness};
use model::{AgencyId, CallId, RecordingId, Timestamp};
use scene::{Scene, certificates, header, remote, serve_with};
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tlog::{Consistency, Inclusion, KeyKind, Note, Signer};
use vault::RecipientSecret;

/// A request that is refused, and what the refusal says.
struct Refusal {
    what: &'static str,
    ask: Ask,
    says: &'static str,
}

/// The requests of one try, each of which differs in one thing from what is answered.
struct Trial {
    scene: Scene,
    now: Timestamp,
    /// An entry's proof from before the keyholder looked first.
    older: Proof,
    honest: Ask,
    refusals: Vec<Refusal>,
}

impl Trial {
    fn new(now: Timestamp) -> Self {
        let mut scene = Scene::new();
        let intent = intent(&scene, now);
        let older = witnessed(scene.log.proof(intent.clone()));
        let honest = scene.log.proof(intent);
        let honest = scene.ask(&witnessed(honest), 0);
        let mut trial = Self { scene, now, older, honest, refusals: Vec::new() };
        trial.forged_and_foreign();
        trial.of_other_entries();
        trial.for_others();
        trial.not_vouched_for();
        trial
    }

    fn intent(&self) -> Intent {
        intent(&self.scene, self.now)
    }

    /// A disclosure that stands in the log and was seen by enough witnesses.
    fn entered(&mut self, intent: Intent) -> Proof {
        witnessed(self.scene.log.proof(intent))
    }

    fn refused(&mut self, what: &'static str, proof: &Proof, says: &'static str) {
        let ask = self.scene.ask(proof, SEEN);
        self.refusals.push(Refusal { what, ask, says });
    }

    fn forged_and_foreign(&mut self) {
        let proof = self.entered(self.intent());
        let size = self.scene.log.size();
        let text = proof.checkpoint.to_string();
        let more = text.replace(&format!("\n{size}\n"), &format!("\n{}\n", size + 1));
        let checkpoint = Note::parse(more.as_bytes()).unwrap();
        let forged = Proof { checkpoint, ..proof };
        self.refused("a changed checkpoint", &forged, "signature of `county.example/log` is false");
        let pine = Signer::from_seed("pine.example/log", KeyKind::Log, &[7; 32]).unwrap();
        for (what, signer) in [("an impostor's log", key(2)), ("another agency's log", pine)] {
            let proof = foreign(signer, self.intent());
            self.refused(what, &proof, "it has no signature of `county.example/log`");
        }
        // Our own key under the checkpoint of another log.
        let pine = Signer::from_seed("pine.example/log", KeyKind::Log, &[7; 32]).unwrap();
        let proof = foreign(pine, self.intent());
        let checkpoint = Note::sign(proof.checkpoint.text(), &key(1)).unwrap();
        let lent = Proof { checkpoint, ..proof };
        self.refused("a key that was lent", &lent, "is of log `pine.example/log`");
    }

    fn of_other_entries(&mut self) {
        let proof = self.entered(self.intent());
        let mut absent = proof.clone();
        absent.leaf[200] ^= 1;
        self.refused("an entry that is not there", &absent, "the log does not have this entry");
        let index = proof.inclusion.index() - 1;
        let moved = Inclusion::new(index, proof.inclusion.path().to_vec());
        let moved = Proof { inclusion: moved, ..proof.clone() };
        self.refused("another place", &moved, "the log does not have this entry");
        let opening: Opening = self.older.opening.clone();
        let other = Proof { opening, ..proof };
        self.refused("another entry's words", &other, "not that of this disclosure");
        let hour = Duration::from_hours(1);
        let long_ago = Timestamp::from_micros(self.now.micros() - MICROS_PER_HOUR);
        let over = Intent { asked: long_ago, expires: self.now, ..self.intent() };
        let over = self.entered(over);
        self.refused("one that is over", &over, "not valid any more");
        let (asked, expires) = (self.now.after(hour), self.now.after(2 * hour));
        let early = self.entered(Intent { asked, expires, ..self.intent() });
        self.refused("one of later", &early, "set the clocks right");
    }

    fn for_others(&mut self) {
        let proof = self.entered(self.intent());
        let way = self.scene.log.consistency(SEEN);
        let thief = RecipientSecret::generate().unwrap().public();
        let mine = self.scene.holder().state().keys[0].parse().unwrap();
        let (_, agency) = vault::generate().unwrap();
        let eighth = header(agency, mine, RecordingId(8));
        for (what, header, recipient, says) in [
            ("a replay by somebody else", &self.scene.header, thief, "another recipient's key"),
            (
                "another recording",
                &eighth,
                self.scene.recipient.public(),
                "names another recording",
            ),
        ] {
            let ask = Ask::new(&proof, &way, header, recipient);
            self.refusals.push(Refusal { what, ask, says });
        }
        let not_mine = header(agency, vault::generate().unwrap().1, RecordingId(7));
        let object = vault::object(&not_mine).unwrap();
        let proof = self.entered(Intent { object, ..self.intent() });
        let way = self.scene.log.consistency(SEEN);
        let ask = Ask::new(&proof, &way, &not_mine, self.scene.recipient.public());
        let what = "a recording of other keyholders";
        self.refusals.push(Refusal { what, ask, says: "neither share" });
        let Object::Recording { recording, header, .. } = self.intent().object else {
            unreachable!("the scene's entry is of a recording")
        };
        let pines = Object::Recording { agency: AgencyId(4), recording, header };
        let records = Object::Records { agency: AgencyId(3), records: vec![CallId(7)] };
        for (what, object) in [("another agency's recording", pines), ("call records", records)] {
            let proof = self.entered(Intent { object, ..self.intent() });
            self.refused(what, &proof, "names another recording");
        }
        let held = self.entered(Intent { verb: Verb::Hold, ..self.intent() });
        self.refused("an act that hears nothing", &held, "no recording is heard");
    }

    fn not_vouched_for(&mut self) {
        let older = self.older.clone();
        let ask = Ask::new(
            &older,
            &Consistency::new(vec![]),
            &self.scene.header,
            self.scene.recipient.public(),
        );
        self.refusals.push(Refusal { what: "a stale checkpoint", ask, says: "is stale" });
        let proof = self.entered(self.intent());
        let ask = self.scene.ask(&proof, 0);
        let what = "no proof that the log only grew";
        self.refusals.push(Refusal { what, ask, says: "did not just grow" });
        // The log's own key and its witnesses, and another history.
        let mut fork = Log::of(19);
        let forked = witnessed(fork.proof(self.intent()));
        let way = fork.consistency(SEEN);
        let recipient = self.scene.recipient.public();
        let ask = Ask::new(&forked, &way, &self.scene.header, recipient);
        self.refusals.push(Refusal { what: "a forked log", ask, says: "did not just grow" });
        let bare = self.scene.log.proof(self.intent());
        for (what, witnesses, says) in [
            ("no witness", &[][..], "0 of the witnesses have seen the checkpoint, 2 are needed"),
            ("one witness", &[3], "1 of the witnesses have seen the checkpoint, 2 are needed"),
            ("unknown witnesses", &[4, 5], "0 of the witnesses have seen the checkpoint"),
        ] {
            let checkpoint = cosigned(&bare.checkpoint, witnesses);
            self.refused(what, &Proof { checkpoint, ..bare.clone() }, says);
        }
        // What witnesses said of a shorter log.
        let mut checkpoint = cosigned(&bare.checkpoint, &[2]);
        let moved = self.older.checkpoint.signatures().iter();
        let moved = moved.filter(|it| it.name() == witness(1).verifier().name());
        moved.for_each(|signature| checkpoint.add(signature.clone()).unwrap());
        let borrowed = Proof { checkpoint, ..bare };
        self.refused("a borrowed witness", &borrowed, "signature of `witness1.example` is false");
    }

    /// Fails unless `open` answers what is honest, again and again, and refuses everything else.
    fn run(&self, open: &mut dyn FnMut(&Ask) -> Result<(), String>) {
        assert_eq!(self.refusals.len(), 22, "each is tried");
        assert_eq!(open(&self.honest), Ok(()));
        for Refusal { what, ask, says } in &self.refusals {
            let refused = open(ask).expect_err(what);
            assert!(refused.contains(says), "{what}: {refused}");
        }
        assert_eq!(open(&self.honest), Ok(()));
    }
}

fn intent(scene: &Scene, now: Timestamp) -> Intent {
    Intent { asked: now, expires: now.after(10 * MINUTE), ..scene.intent() }
}

fn witnessed(proof: Proof) -> Proof {
    Proof { checkpoint: cosigned(&proof.checkpoint, &[1, 2]), ..proof }
}

/// A disclosure in the log of somebody else, which the same witnesses saw.
fn foreign(signer: Signer, intent: Intent) -> Proof {
    let verifier = signer.verifier().clone();
    let mut log = Log::signed_by(signer);
    for number in 0..20 {
        log.append([number; access::LEAF_OCTETS]);
    }
    let proof = log.proof(intent);
    Proof { checkpoint: cosigned_of(&verifier, &proof.checkpoint, &[1, 2]), ..proof }
}

#[test]
fn at_hand_all_of_them_are_refused_and_nothing_is_remembered() {
    let trial = Trial::new(NOW);
    let mut holder = trial.scene.holder_with(quorum());
    trial.run(&mut |ask| holder.open(ask, NOW).map(drop).map_err(|why| why.to_string()));
    assert_eq!((holder.state().seen, holder.memory().opened_count()), (SEEN, 1));
}

#[test]
fn over_the_network_all_of_them_are_refused_with_the_same_words() {
    let trial = Trial::new(NOW);
    let tls = trial.scene.path().join("tls");
    certificates(&tls);
    let address = serve_with(trial.scene.holder_with(quorum()), &tls);
    let remote = remote(address, "keyholder.example", &tls, &tls);
    trial.run(&mut |ask| refused(remote.open(ask).map(drop)));
    assert_eq!(remote.state().unwrap().seen, SEEN);
}

#[test]
fn the_program_refuses_all_of_them_over_the_network_and_by_hand() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let trial = Trial::new(Timestamp::default().after(now));
    let tls = trial.scene.path().join("tls");
    certificates(&tls);
    fs::write(trial.scene.path().join("keyholder.toml"), settings()).unwrap();
    let (program, address) = served(trial.scene.path());
    let remote = remote(address.parse().unwrap(), "keyholder.example", &tls, &tls);
    trial.run(&mut |ask| refused(remote.open(ask).map(drop)));
    drop(program);
    // The same folder, by one that asks without a network.
    trial.run(&mut |ask| by_hand(trial.scene.path(), ask));
    let status = keyholder("status", trial.scene.path()).output().unwrap();
    let status = String::from_utf8(status.stdout).unwrap();
    for line in ["witnesses    2 must have seen", "seen         12 entries", "opened       for 1 "]
    {
        assert!(status.contains(line), "{line}: {status}");
    }
}

fn refused(answered: Result<(), NotAnswered>) -> Result<(), String> {
    match answered {
        Ok(()) => Ok(()),
        Err(NotAnswered::Refused(why)) => Err(why),
        Err(other) => Err(format!("no answer: {other}")),
    }
}

fn settings() -> String {
    let witnesses = [1, 2, 3].map(|number| format!("\"{}\"", witness(number).verifier()));
    format!(
        "log = \"{}\"\nwitnesses = [{}]\nquorum = 2\n[serve]\nlisten = \"127.0.0.1:0\"\n\
         certificate = \"tls/keyholder.example.pem\"\nkey = \"tls/keyholder.example.key\"\n\
         clients = \"tls/ca.pem\"\n",
        log_key(),
        witnesses.join(", ")
    )
}

fn keyholder(command: &str, folder: &Path) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_parlatory-keyholder"));
    program.args([command, "--folder"]).arg(folder);
    program
}

/// The program while it listens, and where.
fn served(folder: &Path) -> (Killed, String) {
    let mut program = keyholder("serve", folder).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut said).unwrap();
    let address = said.trim().strip_prefix("listening on ").unwrap().to_owned();
    (Killed(program), address)
}

/// Is killed when it is dropped.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn by_hand(folder: &Path, ask: &Ask) -> Result<(), String> {
    let mut program = keyholder("open", folder);
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = program.spawn().unwrap();
    let text = serde_json::to_vec(ask).unwrap();
    program.stdin.take().unwrap().write_all(&text).unwrap();
    let Output { status, stdout, stderr } = program.wait_with_output().unwrap();
    if status.success() {
        assert!(String::from_utf8(stdout).unwrap().contains("\"share\":\"b\""));
        return Ok(());
    }
    assert!(stdout.is_empty());
    Err(String::from_utf8(stderr).unwrap())
}

/// Entries of the log when the keyholder looked first.
const SEEN: u64 = 12;
const MICROS_PER_HOUR: i64 = 3_600_000_000;

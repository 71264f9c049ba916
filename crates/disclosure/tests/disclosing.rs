//! A disclosure from the decision to the last second, over a real log and two keyholders, and what
//! is left of it when the program dies in between.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

#[path = "../../vault/tests/consent/mod.rs"]
mod consent;
#[path = "../../vault/tests/open/mod.rs"]
mod open;
#[path = "../../vault/tests/world/mod.rs"]
mod world;

use access::{
    Audience, Demand, Gate, Object, Purpose, Role, Verb,
    decide::{Allowed, Ask, Line, Support, decide},
    grant::{Glass, Grant},
    policy::Policies,
    staff::Staff,
};
use disclosure::{Entered, Keyholder, NotEntered, NotHeard, Note, Reach, Register, RegisterConfig};
use evidence::{AuditKey, Statement, leaf};
use journal::log::{Log, LogEntry, LogError, Options, replay_log};
use keyholder::{Holder, KeyRing, Memory, Refused};
use model::{GrantId, Private, RecordingId, Second, StaffId, Timestamp};
use sha2::{Digest as _, Sha256};
use std::{
    fs,
    net::TcpListener,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Duration,
};
use tlog::{KeyKind, Policy, Signer};
use vault::{Followed, HEADER_OCTETS, Next, NotOpened, RecipientSecret, Shelf};
use witness::Peer;
use world::{ABOUT, World, second};

const NOW: Timestamp = Timestamp::from_micros(1_795_726_800_000_000);
const HOUR: Duration = Duration::from_secs(3_600);
const SECONDS: u32 = 4;
const RECORDING: RecordingId = RecordingId(7);

/// A recording and its two keyholders; the log and what the keyholders remember lie in `disk`.
struct County {
    world: World,
    disk: PathBuf,
    secret: RecipientSecret,
    policies: Policies,
}

impl County {
    fn new() -> Self {
        let mut world = World::new();
        let disk = world.root().join("disk");
        world.keys = [0, 1].map(|number| {
            let ring = KeyRing::create(&disk.join(format!("holder{number}/keys"))).unwrap();
            ring.current().unwrap().public()
        });
        world.recorded(RECORDING.0, SECONDS);
        let secret = RecipientSecret::generate().unwrap();
        Self { world, disk, secret, policies: Policies::builtin().unwrap() }
    }

    fn shelf(&self) -> Shelf {
        Shelf::at(self.world.vault_dir())
    }

    fn header(&self) -> Vec<u8> {
        let header = self.shelf().header(ABOUT.agency, RECORDING).unwrap();
        assert_eq!(header.len(), HEADER_OCTETS);
        header
    }

    fn staff(&self) -> Staff {
        Staff {
            id: StaffId(11),
            role: Role::Investigator,
            agency: ABOUT.agency,
            revoked: false,
            last_seen: NOW,
            failures: vec![],
            unreviewed: vec![],
        }
    }

    fn allowed(&self, verb: Verb, purpose: Purpose, support: &Support<'_>) -> Allowed {
        let ask = Ask {
            verb,
            purpose,
            case: Private::new("24-CR-0117".to_owned()),
            line: Line::Ordinary,
            object: vault::object(&self.header()).unwrap(),
            recipient: self.secret.public(),
            expires: NOW.after(HOUR),
            demand: Demand::of(Audience::Staff, Line::Ordinary),
        };
        decide(&self.policies, &self.staff(), ask, support, NOW).unwrap()
    }

    fn granted(&self) -> Allowed {
        let grant = Grant {
            id: GrantId(5),
            staff: StaffId(11),
            case: Private::new("24-CR-0117".to_owned()),
            purpose: Purpose::Investigation,
            owner: ABOUT.agency,
            verbs: vec![Verb::Listen],
            rows_max: 10,
            from: NOW,
            until: NOW.after(HOUR),
            given_by: StaffId(12),
            revoked: false,
        };
        let support = Support { grant: Some(&grant), ..Support::default() };
        self.allowed(Verb::Listen, Purpose::Investigation, &support)
    }
}

fn signer() -> Signer {
    Signer::from_seed("county.example/log", KeyKind::Log, &[1; 32]).unwrap()
}

fn gate() -> Gate {
    Gate::new(signer().verifier().clone(), Policy::LOG_ALONE)
}

fn audit() -> AuditKey {
    AuditKey::new([3; 32])
}

/// What runs over a disk: the log, its register, and both keyholders.
struct Running {
    log: Log,
    size: u64,
    register: Register,
    holders: [Holder; 2],
}

fn options(disk: &Path) -> Options {
    Options::new(disk.join("log"), disk.join("log-private"))
}

fn start(disk: &Path) -> Running {
    start_with(disk, gate(), vec![])
}

/// Started with what must have seen the log.
fn start_with(disk: &Path, gate: Gate, witnesses: Vec<Peer>) -> Running {
    let (log, recovered) = Log::open(&options(disk), signer(), NOW).unwrap();
    let config = config(gate.clone(), witnesses);
    let holders = [0, 1].map(|number| {
        let folder = disk.join(format!("holder{number}"));
        let ring = KeyRing::load(&folder.join("keys")).unwrap();
        let memory = Memory::open(&folder, signer().verifier()).unwrap();
        Holder::new(ring, gate.clone(), memory)
    });
    let register = Register::new(log.clone(), config);
    Running { log, size: recovered.size, register, holders }
}

fn config(gate: Gate, witnesses: Vec<Peer>) -> RegisterConfig {
    RegisterConfig {
        audit: audit(),
        gate,
        witnesses,
        // A test that reads what was sealed: the seal turns every octet over.
        seal: Box::new(|agency, detail| {
            assert_eq!(agency, ABOUT.agency);
            Some(detail.iter().map(|octet| !octet).collect())
        }),
        reach: Reach::default(),
        boot: 1,
        interval: Duration::from_secs(600),
    }
}

impl Running {
    fn listen(&mut self, county: &County, entered: &Entered) -> Result<Vec<Second>, NotHeard> {
        let [a, b] = &mut self.holders;
        let shelf = county.shelf();
        let holders: [&mut dyn Keyholder; 2] = [a, b];
        let mut reading = self.register.listen(entered, &shelf, holders, &county.secret, NOW)?;
        let mut seconds = Vec::new();
        while let Next::Second(second) = reading.read()? {
            seconds.push(*second);
        }
        Ok(seconds)
    }
}

fn whole() -> Vec<Second> {
    (0..SECONDS).map(|index| second(index, 5)).collect()
}

/// What the entries of a log that is closed say, with their sealed details.
fn entries(disk: &Path) -> Vec<(leaf::Read, Vec<u8>)> {
    let mut entries = Vec::new();
    let each = |entry: LogEntry| {
        let read = leaf::read(&entry.leaf, &audit()).unwrap();
        entries.push((read, entry.detail.iter().map(|octet| !octet).collect()));
        ControlFlow::Continue(())
    };
    replay_log(&disk.join("log-private"), 0, each).unwrap();
    entries
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn what_is_heard_stands_in_the_log_for_the_auditor() {
    let county = County::new();
    let mut running = start(&county.disk);
    let allowed = county.granted();
    let intent = allowed.intent().clone();
    let entered = running.register.enter(allowed, 42, NOW).unwrap();
    assert_eq!((entered.intent(), entered.proof().inclusion.index()), (&intent, 0));
    assert_eq!(running.listen(&county, &entered).unwrap(), whole());
    assert_eq!(running.holders[1].memory().opened_count(), 1);
    drop(running);
    let entries = entries(&county.disk);
    let [(read, detail)] = entries.as_slice() else { panic!("{} entries", entries.len()) };
    let recipient = Sha256::digest(county.secret.public().0).into();
    assert_eq!(read.said.what, Statement::Disclosure { act: 42, records: 1, recipient });
    assert_eq!((read.said.at, read.seq), (NOW, 1));
    assert_eq!(leaf::open(read, detail), Some(entered.proof().opening.detail.as_slice()));
}

#[test]
fn a_broken_glass_is_an_entry_of_its_own() {
    let county = County::new();
    let mut running = start(&county.disk);
    let glass = Glass::broken(StaffId(11), NOW, NOW.after(HOUR)).unwrap();
    let support = Support { glass: Some(&glass), ..Support::default() };
    let allowed = county.allowed(Verb::Follow, Purpose::Safety, &support);
    let entered = running.register.enter(allowed, 43, NOW).unwrap();
    let [a, b] = &mut running.holders;
    let shelf = county.shelf();
    let holders: [&mut dyn Keyholder; 2] = [b, a];
    let followed = running.register.follow(&entered, &shelf, holders, &county.secret, NOW);
    let mut followed = followed.unwrap();
    for index in 0..SECONDS {
        let expected = Followed::Second(Box::new(second(index, 5)));
        assert_eq!(followed.poll(NOW).unwrap(), expected);
    }
    assert!(matches!(followed.poll(NOW), Ok(Followed::Ended { .. })));
    // An entry for following opens nothing else.
    let refused = running.listen(&county, &entered).unwrap_err();
    assert!(matches!(refused, NotHeard::NotOpened(NotOpened::HearsNothing)), "{refused}");
    drop(running);
    let said: Vec<_> = entries(&county.disk).iter().map(|(read, _)| read.said.what).collect();
    assert_eq!(said[0], Statement::BreakGlass { act: 43 });
    assert!(matches!(said[1], Statement::Disclosure { act: 43, .. }));
}

/// A witness that answers, with its server.
fn witness(number: u8, folder: &Path) -> (witness::Server, Peer) {
    let name = format!("w{number}.example/witness");
    let key = Signer::from_seed(&name, KeyKind::Witness, &[number + 10; 32]).unwrap();
    let verifier = key.verifier().clone();
    let logs = vec![signer().verifier().clone()];
    let folder = folder.join(format!("w{number}"));
    let witness = witness::Witness::open(key, logs, &folder).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let time_s = u64::try_from(NOW.micros() / 1_000_000).unwrap();
    let server = witness::serve(witness, listener, move || time_s).unwrap();
    let peer = Peer { url: format!("http://{}", server.address()), key: verifier };
    (server, peer)
}

/// One that takes connections and never says a word.
fn silent(number: u8) -> (TcpListener, Peer) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let name = format!("w{number}.example/witness");
    let key = Signer::from_seed(&name, KeyKind::Witness, &[number + 10; 32]).unwrap();
    (listener, Peer { url, key: key.verifier().clone() })
}

#[test]
fn two_of_three_witnesses_are_enough_and_the_silent_one_is_not_waited_for() {
    let county = County::new();
    let ((_a, first), (_b, second)) = (witness(1, &county.disk), witness(2, &county.disk));
    let (_c, third) = silent(3);
    let peers = vec![third.clone(), first.clone(), second];
    let quorum = |needed| {
        let keys = peers.iter().map(|peer| peer.key.clone()).collect();
        Gate::new(signer().verifier().clone(), Policy::quorum(needed, keys).unwrap())
    };
    let mut running = start_with(&county.disk, quorum(2), peers.clone());
    for act in 1..=20 {
        let entered = running.register.enter(county.granted(), act, NOW).unwrap();
        assert!(quorum(2).receipt(entered.proof().clone(), NOW).is_ok());
        assert!(quorum(3).receipt(entered.proof().clone(), NOW).is_err());
        assert_eq!(running.listen(&county, &entered).unwrap(), whole());
    }
    drop(running);
    // With one alone, it stands in the log and does not happen.
    let running = start_with(&county.disk, quorum(2), vec![first]);
    let refused = running.register.enter(county.granted(), 21, NOW).unwrap_err();
    assert!(matches!(refused, NotEntered::Witnesses { .. }), "{refused}");
}

#[test]
fn what_belongs_to_disclosures_is_entered_too_and_passes_for_none() {
    let county = County::new();
    let running = start(&county.disk);
    let notes = [
        Note { what: Statement::Approval { act: 7 }, detail: b"yes".to_vec() },
        Note { what: Statement::Denial { act: 8 }, detail: vec![] },
    ];
    assert_eq!(running.register.notes(&notes, ABOUT.agency, NOW).unwrap(), 0..2);
    let review = Statement::Review { act: 9 };
    assert_eq!(running.register.note(review, b"seen", ABOUT.agency, NOW).unwrap(), 2);
    let disclosure = Statement::Disclosure { act: 1, records: 1, recipient: [0; 32] };
    for what in [disclosure, Statement::Padding, Statement::Boot { build: [0; 32] }] {
        let refused = running.register.note(what, b"", ABOUT.agency, NOW).unwrap_err();
        assert!(matches!(refused, NotEntered::Kind), "{refused}");
    }
    drop(running);
    let entries = entries(&county.disk);
    let said: Vec<_> = entries.iter().map(|(read, _)| read.said.what).collect();
    assert_eq!(said, [notes[0].what, notes[1].what, review]);
    let [(read, detail), _, (last, seen)] = entries.as_slice() else { panic!() };
    assert_eq!(leaf::open(read, detail), Some(b"approval v1\0yes".as_slice()));
    assert_eq!(leaf::open(last, seen), Some(b"review v1\0seen".as_slice()));
}

#[test]
fn without_the_log_or_a_keyholder_nothing_is_heard() {
    let county = County::new();
    let mut running = start(&county.disk);
    let entered = running.register.enter(county.granted(), 1, NOW).unwrap();
    // One keyholder believes another log.
    let folder = county.disk.join("holder1");
    let other = Signer::from_seed("county.example/log", KeyKind::Log, &[2; 32]).unwrap();
    let other = other.verifier().clone();
    let ring = KeyRing::load(&folder.join("keys")).unwrap();
    let memory = Memory::open(&folder, &other).unwrap();
    let stranger = Holder::new(ring, Gate::new(other, Policy::LOG_ALONE), memory);
    let ours = std::mem::replace(&mut running.holders[1], stranger);
    let refused = running.listen(&county, &entered).unwrap_err();
    assert!(matches!(refused, NotHeard::Refused(Refused::NoReceipt(_))), "{refused}");
    running.holders[1] = ours;
    assert_eq!(running.listen(&county, &entered).unwrap(), whole());
    running.log.clone().close();
    let refused = running.listen(&county, &entered).unwrap_err();
    assert!(matches!(refused, NotHeard::Log(LogError::Closed)), "{refused}");
    let refused = running.register.enter(county.granted(), 2, NOW).unwrap_err();
    assert!(matches!(refused, NotEntered::Log(LogError::Closed)), "{refused}");
}

/// What would have to pass for a receipt here: entries of other logs, recordings and recipients, of
/// other times, and of a log that was put back to where it was.
#[test]
fn what_is_entered_elsewhere_or_for_something_else_is_refused() {
    let county = County::new();
    let mut running = start(&county.disk);
    // Another agency's log, of whose entry ours knows nothing.
    let pine = county.world.root().join("pine");
    let key = Signer::from_seed("pine.example/log", KeyKind::Log, &[7; 32]).unwrap();
    let gate = Gate::new(key.verifier().clone(), Policy::LOG_ALONE);
    let (log, _) = Log::open(&options(&pine), key, NOW).unwrap();
    let theirs = Register::new(log, config(gate, vec![]));
    let foreign = theirs.enter(county.granted(), 1, NOW).unwrap();
    let refused = running.register.receipt(&foreign, NOW).unwrap_err();
    assert!(refused.to_string().contains("no signature of `county.example/log`"), "{refused}");
    let entered = running.register.enter(county.granted(), 1, NOW).unwrap();
    let older = county.world.root().join("older");
    copy(&county.disk, &older);
    let refused = running.listen(&county, &foreign).unwrap_err();
    assert!(refused.to_string().contains("the log does not have this entry"), "{refused}");
    // Whoever took the answer on its way opens nothing with it.
    let thief = RecipientSecret::generate().unwrap();
    let [a, b] = &mut running.holders;
    let shelf = county.shelf();
    let heard = running.register.listen(&entered, &shelf, [a, b], &thief, NOW);
    let refused = heard.map(drop).unwrap_err();
    assert!(refused.to_string().contains("another recipient's key"), "{refused}");
    // Too late, at the register and at each keyholder.
    let late = NOW.after(HOUR);
    let refused = running.register.receipt(&entered, late).unwrap_err();
    assert!(refused.to_string().contains("not valid any more"), "{refused}");
    let [a, b] = &mut running.holders;
    let heard = running.register.listen(&entered, &shelf, [a, b], &county.secret, late);
    let refused = heard.map(drop).unwrap_err();
    assert!(refused.to_string().contains("not valid any more"), "{refused}");
    // Another recording in the place of the one that the entry names.
    let ours = county.world.closed(RECORDING.0, "rec");
    let (kept, other) = (fs::read(&ours).unwrap(), county.world.recorded(8, SECONDS).0);
    fs::copy(other, &ours).unwrap();
    let refused = running.listen(&county, &entered).unwrap_err();
    assert!(refused.to_string().contains("names another recording"), "{refused}");
    fs::write(&ours, kept).unwrap();
    assert_eq!(running.listen(&county, &entered).unwrap(), whole());
    let later = running.register.enter(county.granted(), 2, NOW).unwrap();
    assert_eq!(running.listen(&county, &later).unwrap(), whole());
    // The log as it was before, and keyholders that remember more.
    let Running { log, register, holders, .. } = running;
    drop((log, register));
    let mut back = start(&older);
    back.holders = holders;
    let refused = back.listen(&county, &entered).unwrap_err();
    assert!(matches!(refused, NotHeard::Log(_)), "{refused}");
}

#[test]
fn a_keyholder_that_has_seen_more_is_shown_a_newer_checkpoint() {
    let county = County::new();
    let mut running = start(&county.disk);
    let first = running.register.enter(county.granted(), 1, NOW).unwrap();
    let second = running.register.enter(county.granted(), 2, NOW).unwrap();
    assert_eq!(running.listen(&county, &second).unwrap(), whole());
    assert_eq!(running.listen(&county, &first).unwrap(), whole());
    assert_eq!(running.holders[0].state().seen, 2);
}

/// Torn anywhere in the append: the entry is there or it is not, and nobody was told that it is.
#[test]
fn an_append_that_is_torn_anywhere_leaves_a_log_that_goes_on() {
    let county = County::new();
    drop(start(&county.disk));
    let before = segment(&county.disk);
    let running = start(&county.disk);
    running.register.enter(county.granted(), 1, NOW).unwrap();
    drop(running);
    let (path, whole_length) = segment(&county.disk);
    assert_eq!(before.0, path);
    assert!(whole_length > before.1 + 500);
    for length in (before.1..=whole_length).step_by(67).chain([whole_length]) {
        let torn = county.world.root().join(format!("torn{length}"));
        copy(&county.disk, &torn);
        let name = path.strip_prefix(&county.disk).unwrap();
        let file = fs::OpenOptions::new().write(true).open(torn.join(name)).unwrap();
        file.set_len(length).unwrap();
        let mut again = start(&torn);
        assert!(again.size <= 1 && (length < whole_length || again.size == 1));
        let entered = again.register.enter(county.granted(), 2, NOW).unwrap();
        assert_eq!(entered.proof().inclusion.index(), again.size);
        assert_eq!(again.listen(&county, &entered).unwrap(), whole());
    }
}

/// The write-ahead log's last file and its length.
fn segment(disk: &Path) -> (PathBuf, u64) {
    let files = fs::read_dir(disk.join("log-private")).unwrap().map(|file| file.unwrap());
    let logs = files.filter(|file| file.file_name().to_string_lossy().ends_with(".wal"));
    let last = logs.max_by_key(|file| file.file_name()).unwrap();
    (last.path(), last.metadata().unwrap().len())
}

/// Wherever the program dies, whoever heard anything has an entry in the log that is found again,
/// and asking again succeeds.
#[test]
fn at_every_step_the_disk_knows_of_whatever_was_heard() {
    let county = County::new();
    let mut running = start(&county.disk);
    let snapshots = county.world.root().join("snapshots");
    let mut taken: Vec<(PathBuf, bool)> = Vec::new();
    let mut snapshot = |heard: bool| {
        let folder = snapshots.join(taken.len().to_string());
        copy(&county.disk, &folder);
        taken.push((folder, heard));
    };
    snapshot(false);
    let entered = running.register.enter(county.granted(), 1, NOW).unwrap();
    snapshot(false);
    let header = county.header();
    let shelf = county.shelf();
    let [a, b] = &mut running.holders;
    let mut watched = Watched(a, &mut snapshot);
    let holders: [&mut dyn Keyholder; 2] = [&mut watched, b];
    let reading = running.register.listen(&entered, &shelf, holders, &county.secret, NOW);
    let mut reading = reading.unwrap();
    snapshot(false);
    while let Next::Second(_) = reading.read().unwrap() {
        snapshot(true);
    }
    drop(running);
    assert_eq!(taken.len(), 4 + SECONDS as usize);
    for (folder, heard) in taken {
        let mut again = start(&folder);
        assert!(!heard || again.size > 0, "heard, and not in the log");
        let entered = again.register.enter(county.granted(), 2, NOW).unwrap();
        assert!(matches!(entered.intent().object, Object::Recording { .. }));
        assert_eq!(vault::object(&header).unwrap(), entered.intent().object);
        assert_eq!(again.listen(&county, &entered).unwrap(), whole());
    }
}

/// A keyholder of which the disk is looked at after it answered.
struct Watched<'a, F: FnMut(bool)>(&'a mut Holder, &'a mut F);

impl<F: FnMut(bool)> Keyholder for Watched<'_, F> {
    fn state(&mut self) -> Result<keyholder::State, NotHeard> {
        Keyholder::state(self.0)
    }

    fn open(
        &mut self,
        ask: &keyholder::Ask,
        now: Timestamp,
    ) -> Result<keyholder::Answer, NotHeard> {
        let answer = Keyholder::open(self.0, ask, now);
        self.1(false);
        answer
    }

    fn open_segment(
        &mut self,
        ask: &keyholder::SegmentAsk,
        now: Timestamp,
    ) -> Result<keyholder::SegmentAnswer, NotHeard> {
        Keyholder::open_segment(self.0, ask, now)
    }
}

//! A county in a folder: provision files, keys, the data of a node, and a clock that the test
//! moves.

use call::{Answer, Question};
use charging::CapTable;
use desk::{Broken, Desk, DeskConfig, EvidenceConfig, EvidenceKeys, PinKey, Recovered};
use evidence::{AuditKey, Auditor, Object, Report, StoredName};
use line::Directory;
use model::{
    AgencyId, CallId, Clock, Language, Money, PersonId, Private, StationId, Timestamp,
    speech::ContentHash,
};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
        mpsc,
    },
    time::Duration,
};
use store::{Applied, CallFilter, CallRow, ColumnKeys, MoneyTotals, Plan, Store};
use switch::{Office, Reply};
use tempfile::TempDir;
use vault::{DetailSealer, Keyholders, NameShelf, Vault, VaultConfig, generate};

/// A county's files and the data folder of its node.
pub(crate) struct County {
    dir: TempDir,
    keyholders: Keyholders,
    now: Arc<AtomicI64>,
    /// What the journal takes from the disk at a time.
    pub(crate) segment_octets: u32,
    /// The operator's own caps.
    pub(crate) caps: CapTable,
}

/// A running node, as far as the desk goes.
pub(crate) struct Node {
    pub(crate) desk: Desk,
    pub(crate) vault: Vault,
    pub(crate) recovered: Recovered,
    recordings: PathBuf,
    now: Arc<AtomicI64>,
}

/// Who calls from where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) address: &'static str,
    pub(crate) pin: &'static str,
}

/// At the jail: recorded, everybody may be called, and calls go on when the registry is down.
pub(crate) const MARCUS: Caller = Caller { address: "192.0.2.10:5060", pin: "482913" };
/// At the jail too, on another telephone.
pub(crate) const ROSA: Caller = Caller { address: "192.0.2.11:5060", pin: "730251" };
/// At the annex: never recorded, only contacts, no calls when the registry is down.
pub(crate) const TYRONE: Caller = Caller { address: "192.0.2.20:5060", pin: "915604" };
/// At the farm: recorded, only contacts, no calls when the registry is down.
pub(crate) const ANNA: Caller = Caller { address: "192.0.2.30:5060", pin: "264870" };

/// A telephone at the farm that calls for help as soon as it is lifted; it has no PIN.
pub(crate) const HELP: Caller = Caller { address: "192.0.2.31:5060", pin: "" };
/// Anna's own telephone.
pub(crate) const CELL: Caller = Caller { address: "192.0.2.32:5060", pin: "" };

/// The keys of the node's entries.
pub(crate) const EVIDENCE_KEYS: EvidenceKeys =
    EvidenceKeys { audit: [2; 32], labels: [3; 32], counsel: [4; 32] };

impl County {
    /// The county of this file, provisioned.
    pub(crate) fn new() -> Self {
        Self::provisioned(tempfile::tempdir().unwrap())
    }

    /// The same, with its files in `dir`.
    pub(crate) fn provisioned(dir: TempDir) -> Self {
        let county = Self::in_folder(dir);
        county.put("protected.csv", PROTECTED);
        county.apply();
        county
    }

    /// The same, where nobody ever named a protected number.
    pub(crate) fn new_without_registry() -> Self {
        let county = Self::in_folder(tempfile::tempdir().unwrap());
        county.apply();
        county
    }

    fn in_folder(dir: TempDir) -> Self {
        let key = || generate().unwrap().1;
        let agencies = BTreeMap::from([(AgencyId(1), None)]);
        let keyholders = Keyholders::new(key(), agencies, key()).unwrap();
        let now = Arc::new(AtomicI64::new(START_MICROS));
        let county = Self {
            dir,
            keyholders,
            now,
            segment_octets: SEGMENT_OCTETS,
            caps: CapTable::builtin(),
        };
        fs::create_dir(county.dir.path().join("files")).unwrap();
        fs::create_dir(county.dir.path().join("data")).unwrap();
        county.put("people.csv", PEOPLE);
        county.put("contacts.csv", CONTACTS);
        county.put("numbers.csv", NUMBERS);
        county.put("services.csv", SERVICES);
        county
    }

    /// Writes a provision table.
    pub(crate) fn put(&self, name: &str, rows: &str) {
        fs::write(self.dir.path().join("files").join(name), rows).unwrap();
    }

    /// Applies the files as they are, as `parlatory provision` does.
    pub(crate) fn apply(&self) -> Applied {
        self.apply_with("", |_| {})
    }

    /// The same with `top` above the tables of the file and a plan that was changed behind its
    /// checks.
    pub(crate) fn apply_with(&self, top: &str, change: impl FnOnce(&mut Plan)) -> Applied {
        let files = self.dir.path().join("files");
        let mut text = format!("{top}\n{PLACES}\n[files]\n");
        for table in
            ["people", "contacts", "numbers", "services", "protected", "deposits", "lifted"]
        {
            if files.join(format!("{table}.csv")).is_file() {
                writeln!(text, "{table} = \"{table}.csv\"").unwrap();
            }
        }
        let path = files.join("provision.toml");
        fs::write(&path, text).unwrap();
        let pins = |facility: &str, pin: &str| PIN_KEY.hash(facility, pin);
        let mut plan = desk::provision::read(&path, &pins, &self.caps, self.now()).unwrap();
        change(&mut plan);
        Store::open(&self.data("parlatory.db"), &column_keys())
            .unwrap()
            .apply(&plan, self.now())
            .unwrap()
    }

    /// Applies the files with one more protected number, 2025550160, and waits until the node has
    /// taken over all that they say.
    pub(crate) fn protect_one_more(&self, node: &Node) {
        self.put("protected.csv", &format!("{PROTECTED}2025550160,A public defender\n"));
        self.apply();
        let registry = node.desk.registry_view();
        node.wait_until("the files were taken over", |_| registry().count() == 3);
    }

    pub(crate) fn open(&self) -> Node {
        self.try_open().unwrap()
    }

    pub(crate) fn config(&self) -> DeskConfig {
        DeskConfig {
            store: self.data("parlatory.db"),
            journal: self.data("journal"),
            journal_segment_octets: self.segment_octets,
            recordings: self.data("recordings"),
            pin_key: PIN_KEY,
            column_keys: column_keys(),
            journal_key: journal_key(),
            pack: ContentHash([1; 32]),
            version: "0.0.0".to_owned(),
            timing: call::limits::Timing::default(),
            caps: self.caps.clone(),
            evidence: EvidenceConfig {
                keys: EVIDENCE_KEYS,
                details: DetailSealer::new(self.keyholders.clone()),
                build: [6; 32],
            },
            names: Some(NameShelf::new(self.data("names"), [8; 32])),
        }
    }

    pub(crate) fn try_open(&self) -> Result<Node, Broken> {
        let clock = self.clock();
        let (desk, vault, recovered) = Desk::open(
            self.config(),
            clock.clone(),
            |_| {},
            |registry| {
                let keyholders = self.keyholders.clone();
                let config = VaultConfig {
                    dir: self.data("recordings"),
                    keyholders,
                    sync_every: SYNC_EVERY,
                };
                Vault::open(config, registry, clock)
            },
        )?;
        let recordings = self.data("recordings");
        Ok(Node { desk, vault, recovered, recordings, now: Arc::clone(&self.now) })
    }

    /// What an auditor finds in all entries that this node ever made and the files it has.
    pub(crate) fn audit(&self) -> Report {
        let mut auditor = Auditor::new(AuditKey::new(EVIDENCE_KEYS.audit));
        let mut index = 0;
        journal::replay_entries(
            &self.data("journal"),
            &journal_key(),
            journal::EntrySeq(0),
            |entry| {
                auditor.read(index, &entry.draft.leaf);
                index += 1;
                ControlFlow::Continue(())
            },
        )
        .unwrap();
        let stored = vault::stored(&self.data("recordings")).unwrap();
        let objects =
            stored.iter().map(|it| Object { recording: it.recording.unwrap(), sha256: it.sha256 });
        let names = vault::name_files(&self.data("names")).unwrap();
        auditor.stored_names(
            names.iter().map(|it| StoredName { sha256: it.sha256, placed: it.placed }),
        );
        auditor.finish(objects)
    }

    /// What a dead node would leave behind now: a copy of its data, with the same keys and its own
    /// clock.
    pub(crate) fn image(&self) -> Self {
        let now = Arc::new(AtomicI64::new(self.now().micros()));
        let image = Self {
            dir: tempfile::tempdir().unwrap(),
            keyholders: self.keyholders.clone(),
            now,
            segment_octets: self.segment_octets,
            caps: self.caps.clone(),
        };
        copy(self.dir.path(), image.dir.path());
        image
    }

    /// Puts one part of another image's data in the place of this one's: `parlatory.db`, `journal`
    /// or `recordings`, as they were at another moment.
    pub(crate) fn with(self, part: &str, other: &Self) -> Self {
        self.without(part);
        for name in other.names_of(part) {
            let from = other.data(&name);
            if from.is_dir() {
                fs::create_dir(self.data(&name)).unwrap();
                copy(&from, &self.data(&name));
            } else {
                fs::copy(from, self.data(&name)).unwrap();
            }
        }
        self
    }

    /// Loses one part of the data.
    pub(crate) fn without(&self, part: &str) {
        for name in self.names_of(part) {
            let path = self.data(&name);
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
        }
    }

    /// Names of recordings' files, sorted.
    pub(crate) fn recordings(&self) -> Vec<String> {
        let mut names = Vec::new();
        for folder in ["open", "closed"] {
            collect(&self.data("recordings").join(folder), &mut names);
        }
        names.sort();
        names
    }

    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.dir.path().join("data").join(name)
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.now.load(Ordering::SeqCst))
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.now.fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> Clock {
        let now = Arc::clone(&self.now);
        Clock::new(move || Timestamp::from_micros(now.load(Ordering::SeqCst)))
    }

    /// The database has files beside it.
    fn names_of(&self, part: &str) -> Vec<String> {
        let entries = fs::read_dir(self.data("")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(part)).collect()
    }
}

impl Node {
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.now.load(Ordering::SeqCst))
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.now.fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// The call with this number since the node's start.
    pub(crate) fn call(&self, counter: u32) -> CallId {
        CallId::from_parts(self.desk.boot(), counter)
    }

    pub(crate) fn station(&self, caller: Caller) -> StationId {
        Directory::station(&self.desk, caller.address.parse().unwrap(), "").unwrap()
    }

    /// Asks and waits for the answer, of which there is exactly one.
    pub(crate) fn ask(&self, call: CallId, caller: Caller, question: Question) -> Answer {
        let (sender, answers) = mpsc::channel();
        let reply = Reply::new(move |answer| sender.send(answer).unwrap());
        self.desk.ask(call, self.station(caller), question, reply);
        let answer = answers.recv_timeout(PATIENCE).unwrap();
        assert!(answers.recv_timeout(PATIENCE).is_err(), "a second answer");
        answer
    }

    pub(crate) fn person(&self, caller: Caller) -> PersonId {
        match self.identify(caller, caller.pin) {
            Answer::Person(identified) => identified.person,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn identify(&self, caller: Caller, pin: &str) -> Answer {
        let pin = Private::new(pin.to_owned());
        self.ask(self.call(0), caller, Question::Identify { pin })
    }

    pub(crate) fn balance(&self, caller: Caller) -> Money {
        let person = self.person(caller);
        match self.ask(self.call(0), caller, Question::Balance { person }) {
            Answer::Balance(money) => money,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn admit(&self, call: CallId, caller: Caller, dialled: &str) -> Answer {
        let person = Some(self.person(caller));
        let dialled = Private::new(dialled.to_owned());
        self.ask(call, caller, Question::Admit { person, dialled })
    }

    /// The language in which the called party of a new call would be spoken to.
    pub(crate) fn language(&self, call: CallId, caller: Caller, dialled: &str) -> Language {
        match self.admit(call, caller, dialled) {
            Answer::Admitted(admission) => {
                // The next call of the same person is another one.
                self.desk.broken(call, self.now());
                admission.called_language
            }
            other => panic!("{other:?}"),
        }
    }

    /// Returns when the node says so.
    pub(crate) fn wait_until(&self, what: &str, mut so: impl FnMut(&Self) -> bool) {
        for _ in 0..PATIENCE_PAUSES {
            if so(self) {
                return;
            }
            let (_open, never) = mpsc::channel::<()>();
            let _ = never.recv_timeout(PAUSE);
        }
        panic!("never: {what}");
    }

    /// Returns when the store says so; everything the desk was told is on its way there.
    pub(crate) fn wait_for(&self, what: &str, mut there: impl FnMut(&Store) -> bool) {
        self.wait_until(what, |node| {
            node.desk.flush().unwrap();
            there(node.desk.store())
        });
    }

    /// Returns when the vault has written so many seconds of the unfinished recording of a call.
    /// The test's time is faster than a disk, and a vault drops what piles up.
    pub(crate) fn wait_written(&self, call: CallId, seconds: u32) {
        let open = self.recordings.join("open");
        let name = format!("{:016x}-", call.0);
        self.wait_until("the seconds were written", |_| {
            let entries = fs::read_dir(&open).unwrap().map(|entry| entry.unwrap());
            let mut files =
                entries.filter(|file| file.file_name().to_string_lossy().starts_with(&name));
            // The vault makes the file in its own time.
            files.next().is_some_and(|file| {
                file.metadata().unwrap().len() > u64::from(seconds) * SECOND_OCTETS
            })
        });
    }

    /// Ends the node in order and says what it leaves.
    pub(crate) fn end(self) -> Kept {
        self.vault.close();
        self.desk.close();
        Kept::of(self.desk.store())
    }

    pub(crate) fn kept(&self) -> Kept {
        self.desk.flush().unwrap();
        Kept::of(self.desk.store())
    }
}

/// What the store says of calls and money.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    pub(crate) calls: Vec<CallRow>,
    pub(crate) money: MoneyTotals,
    /// What each account was ever charged.
    pub(crate) settled: Vec<Money>,
}

impl Kept {
    fn of(store: &Store) -> Self {
        let accounts = store.configuration().unwrap().accounts;
        let kept = Self {
            calls: store.calls(&CallFilter::default()).unwrap(),
            money: store.money().unwrap(),
            settled: accounts.iter().map(|account| account.settled).collect(),
        };
        kept.assert_conserved();
        kept
    }

    /// Every micro-dollar that was held went somewhere, and accounts paid what calls cost.
    fn assert_conserved(&self) {
        let MoneyTotals { held, settled, released, expired, open } = self.money;
        let parts = [settled, released, expired, open].into_iter().map(|part| part.micros());
        assert_eq!(held.micros(), parts.sum::<i64>(), "{:?}", self.money);
        let paid: i64 = self.settled.iter().map(|settled| settled.micros()).sum();
        assert_eq!(paid, settled.micros(), "{:?}", self.settled);
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn collect(dir: &Path, names: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_dir() {
            collect(&entry.path(), names);
        } else {
            names.push(entry.file_name().into_string().unwrap());
        }
    }
}

/// 2026-11-22T00:00:00Z.
const START_MICROS: i64 = 1_795_305_600_000_000;
/// The keys of every store's columns.
pub(crate) fn column_keys() -> ColumnKeys {
    ColumnKeys::new([8; 32])
}

/// The key of every journal.
pub(crate) fn journal_key() -> journal::SealKey {
    journal::SealKey::derive(&[8; 32])
}

const PIN_KEY: PinKey = PinKey::new([7; desk::PIN_KEY_OCTETS]);
/// For what happens on another thread. Never what a test waits for when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// Octets of G.711 in a second of both directions.
const SECOND_OCTETS: u64 = 16_000;
const SEGMENT_OCTETS: u32 = 16 << 20;
const SYNC_EVERY: Duration = Duration::from_secs(2);
const PATIENCE_PAUSES: u32 = 10_000;
/// Until a condition is looked at again.
const PAUSE: Duration = Duration::from_millis(2);

const PLACES: &str = r#"
[[agency]]
key = "cedar"
name = "Cedar County"

[[facility]]
agency = "cedar"
key = "jail"
name = "Cedar County Jail"
kind = "jail"
adp = 212
state = "CO"
timezone = "America/Denver"
recording = "on"
caller_id = "+1 202 555 0199"
rate = { base = "0.09", additive = "0.02" }

[[facility]]
agency = "cedar"
key = "annex"
name = "Cedar County Annex"
kind = "jail"
adp = 20
state = "CO"
timezone = "America/Denver"
recording = "off"
registry_down = "refuse"
allowed_only = true
caller_id = "+1 202 555 0198"
rate = { base = "0.06" }

[[facility]]
agency = "cedar"
key = "farm"
name = "Cedar County Farm"
kind = "jail"
adp = 20
state = "CO"
timezone = "America/Denver"
recording = "on"
registry_down = "refuse"
talk_minutes_max = 5
disk_full = "place_unrecorded"
allowed_only = true
caller_id = "+1 202 555 0197"
rate = { base = "0.06" }

[[unit]]
facility = "cedar/jail"
key = "a"

[[unit]]
facility = "cedar/annex"
key = "a"

[[unit]]
facility = "cedar/farm"
key = "a"

[[station]]
unit = "cedar/jail/a"
key = "1"
address = "192.0.2.10:5060"

[[station]]
unit = "cedar/jail/a"
key = "2"
address = "192.0.2.11:5060"

[[station]]
unit = "cedar/annex/a"
key = "1"
address = "192.0.2.20:5060"

[[station]]
unit = "cedar/farm/a"
key = "1"
address = "192.0.2.30:5060"

[[station]]
unit = "cedar/farm/a"
key = "help"
address = "192.0.2.31:5060"
pin = "none"
hotline = { number = "(202) 555-0170", free = true, recording = "off" }

[[station]]
unit = "cedar/farm/a"
key = "cell-7"
address = "192.0.2.32:5060"
person = "CC-3001"
dialling = "en_bloc"
"#;

const PEOPLE: &str = "\
facility,id,name,pin,language,opening_balance
cedar/jail,CC-1001,Marcus Bell,482913,en,10.00
cedar/jail,CC-1002,Rosa Delgado,730251,es,0.15
cedar/annex,CC-2001,Tyrone Fields,915604,en,10.00
cedar/farm,CC-3001,Anna Kowalski,264870,en,10.00
";

const CONTACTS: &str = "\
person,number
CC-2001,(202) 555-0120
CC-3001,202.555.0121
";

const NUMBERS: &str = "\
scope,number,rule
cedar,2025550130,blocked
cedar/farm,2025550131,blocked
cedar,2025550140,free
cedar,2025550141,allowed
cedar/annex,2025550142,free
";

const SERVICES: &str = "\
scope,number,kind,keys
cedar,2025550181,relay,711
cedar,2025550182,help,988
cedar/farm,2025550121,speed,7
";

/// The second is free at the annex, too.
const PROTECTED: &str = "\
number,holder
1 (202) 555-0150 ext. 4,Cedar County Public Defender
+1 202 555 0142,A clinic
";

//! A database that is lost, with a backup older than what the journal gave away: the keyholders
//! open the segments, once each of their owners said yes, and the records are there again.

use std::{fs, ops::ControlFlow, path::Path, time::UNIX_EPOCH};

use journal::{Journal, JournalError, Options, SealKey, Seq, replay, sealed_away};
use model::{
    AccountId, AgencyId, CallId, E164, FacilityId, Money, PersonId, Private, StationId, Timestamp,
    UnitId,
    fact::{
        Admitted, EndReason, Ended, Epoch, Fact, HoldFact, NumberClass, OffReason, RateFact, Rest,
    },
    place::{FacilityKind, Site, State},
};
use rustix::process::Signal;
use serde_json::Value;
use store::CallFilter;

use crate::{
    county, node, place,
    process::{Finished, SOON, parlatory, program},
};

/// Somebody who was provisioned after the backup.
const NEWCOMER: PersonId = PersonId(11);

struct Lost {
    _folder: tempfile::TempDir,
    data: std::path::PathBuf,
    backup: std::path::PathBuf,
    file: std::path::PathBuf,
}

impl Lost {
    /// A node that ran for days after its last backup, and gave away what it wrote.
    fn some_days_after_a_backup() -> Self {
        let lost = Self::after_a_backup();
        let running = node::serve(&lost.data);
        running.wait_log("the journal gave keys to the keyholders", SOON);
        running.signal(Signal::TERM);
        running.wait_end(SOON).well();
        lost
    }

    /// One that wrote after its last backup, and died.
    fn after_a_backup() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (data, backup) = (folder.path().join("data"), folder.path().join("backup"));
        node::init(&data);
        ask_one_here_and_run_the_program_of_the_other(&data);
        let file = county::write(&folder.path().join("county"), place::address(place::ports(2)));
        node::provision(&data, &file).well();
        parlatory(&["backup", "--data", path(&data), "--to", path(&backup)]).well();
        let people = file.with_file_name("people.csv");
        let more = format!("{}cedar/jail,T-10,Kirsi Lundqvist,773010,en,10.00\n", read(&people));
        fs::write(&people, more).unwrap();
        node::provision(&data, &file).well();
        write_calls_of_days_ago(&data);
        Self { _folder: folder, data, backup, file }
    }

    fn open(&self, more: &[&str]) -> Finished {
        let words = ["journal", "open", "--json", "--data", path(&self.data)];
        parlatory(&[&words, more].concat())
    }

    /// Fails, and says what is missing.
    #[track_caller]
    fn refused(&self, more: &[&str], says: &str) {
        let before = self.journal();
        let refused = self.open(more).badly();
        assert!(refused.err.contains(says), "{}", refused.err);
        assert!(self.journal() == before, "the journal was changed");
    }

    /// Asks, and says which keyholders gave nothing, and the entry.
    #[track_caller]
    fn waits(&self, more: &[&str]) -> (u64, Vec<String>) {
        let before = self.journal();
        let refused = self.open(more).badly();
        assert!(self.journal() == before, "the journal was changed");
        assert!(
            refused.err.contains("nothing was opened and nothing was changed"),
            "{}",
            refused.err
        );
        let said: Value = serde_json::from_str(&refused.out).unwrap();
        assert_eq!(said["opened"], false);
        let missing = said["missing"].as_array().unwrap();
        let entry = said["entries"][0].as_u64().unwrap();
        for it in missing {
            let says = it["says"].as_str().unwrap();
            assert!(
                says.contains(&format!("`parlatory-keyholder allow --folder F {entry}`")),
                "{says}"
            );
        }
        let names = missing.iter().map(|it| it["keyholder"].as_str().unwrap().to_owned());
        (entry, names.collect())
    }

    /// Every file of the journal, octet for octet.
    fn journal(&self) -> Vec<(String, Vec<u8>)> {
        let files = fs::read_dir(self.data.join("journal")).unwrap().map(|it| it.unwrap().path());
        let mut files: Vec<_> = files
            .map(|it| (path(&it).to_owned(), fs::read(&it).unwrap()))
            .filter(|(name, _)| name.ends_with(".journal") || name.ends_with(".shares"))
            .collect();
        files.sort();
        files
    }

    fn keyholder(&self, holder: &str, word: &str, more: &[&str]) -> Value {
        let folder = self.data.join("keyholders").join(holder);
        let words = ["keyholder", word, "--json", "--folder", path(&folder)];
        let said = parlatory(&[&words, more].concat()).well();
        serde_json::from_str(&said.out).unwrap()
    }

    fn projected(&self) -> u64 {
        node::open_store(&self.data).projected().unwrap()
    }
}

#[test]
fn all_keyholders_together_fill_a_lost_database_from_what_the_journal_gave_away() {
    let lost = Lost::some_days_after_a_backup();
    let (before, facts) = {
        let store = node::open_store(&lost.data);
        (store.calls(&CallFilter::default()).unwrap(), store.projected().unwrap())
    };
    assert_eq!(before.len(), 3);
    let journal_key = key(&lost.data);
    let away = sealed_away(&lost.data.join("journal"), &journal_key).unwrap();
    assert_eq!((away.given.len(), away.last()), (4, Seq(7)));
    fs::remove_dir_all(lost.data.join("store")).unwrap();

    says_what_is_missing(&lost);
    // It is asked for, given up, and asked for anew: another entry, which each owner sees.
    let request = lost.data.join("segments.json");
    let (given_up, missing) = lost.waits(&["--reason", "a mistake"]);
    assert_eq!(missing.len(), 2);
    lost.keyholder("agency", "allow", &[&given_up.to_string()]);
    assert!(request.is_file());
    lost.open(&["--withdraw"]).well();
    assert!(!request.exists());
    let reason = "the disk with the database died on Monday";
    let (entry, missing) = lost.waits(&["--reason", reason]);
    assert_eq!((entry > given_up, missing.len()), (true, 2), "a yes to another entry is none");
    for holder in ["agency", "independent"] {
        let asked = lost.keyholder(holder, "asked", &[]);
        let shown = asked.as_array().unwrap().iter().find(|it| it["entry"] == entry).unwrap();
        assert_eq!((&shown["reason"], &shown["allowed"]), (&reason.into(), &false.into()));
        assert_eq!((&shown["segments"], &shown["last"]), (&4.into(), &7.into()));
    }

    let told = parlatory(&["journal", "open", "--data", path(&lost.data)]).badly();
    let says = format!("4 segments are to be opened, as entry {entry} of the log says");
    assert!(told.out.contains(&says) && !told.out.contains(reason), "{}", told.out);

    // With one yes of two nothing opens.
    lost.keyholder("independent", "allow", &[&entry.to_string()]);
    let (again, missing) = lost.waits(&[]);
    assert_eq!((again, missing.len()), (entry, 1), "the same entry");
    assert!(missing[0].contains("`agency`"), "{missing:?}");
    assert_eq!(lost.projected(), 0);

    // Nor when one is gone.
    nothing_is_filled_in_before_all_is_there_and_whole(&lost, entry);
    let octets = lost.journal();
    let opened: Value = serde_json::from_str(&lost.open(&[]).well().out).unwrap();
    assert_eq!((&opened["opened"], &opened["segments"]), (&true.into(), &4.into()), "{opened}");
    assert_eq!((&opened["facts"], &opened["people_unknown"]), (&facts.into(), &1.into()));

    // The records are there again, and no key is left: the segments stay given away.
    let store = node::open_store(&lost.data);
    assert_eq!((store.calls(&CallFilter::default()).unwrap(), lost.projected()), (before, facts));
    drop(store);
    assert!(lost.journal() == octets && !request.exists());
    let read =
        replay(&lost.data.join("journal"), &journal_key, Seq(0), |_, _| ControlFlow::Continue(()));
    assert!(matches!(read, Err(JournalError::GivenAway { .. })), "{read:?}");
    for holder in ["agency", "independent"] {
        let ledger = read_opened(&lost.data, holder);
        assert_eq!(ledger.len(), 4, "{ledger:?}");
        assert!(ledger.iter().all(|line| line.starts_with(&format!("{entry} segment 1 "))));
    }
    goes_on(&lost);
}

/// What the journal's own key opens needs no keyholder, and people are protected in the same way.
#[test]
fn a_lost_database_whose_journal_is_not_given_away_is_filled_at_once() {
    let lost = Lost::after_a_backup();
    fs::remove_dir_all(lost.data.join("store")).unwrap();
    let filled = lost.open(&["--from", path(&lost.backup)]).well();
    let filled: Value = serde_json::from_str(&filled.out).unwrap();
    assert_eq!((&filled["facts"], &filled["people_unknown"]), (&8.into(), &1.into()), "{filled}");
    assert_eq!(node::open_store(&lost.data).calls(&CallFilter::default()).unwrap().len(), 3);
    assert!(!lost.data.join("segments.json").exists());
    node::provision(&lost.data, &lost.file).well();
    let people = node::open_store(&lost.data).configuration().unwrap().people;
    assert!(people.iter().any(|it| it.key.expose() == "T-10" && it.id > NEWCOMER));
}

/// Whether a file of the journal is a segment of which the key was given away.
fn is_given_away((name, octets): &(String, Vec<u8>)) -> bool {
    name.ends_with(".journal") && octets[40..44] == 3_u32.to_le_bytes()
}

/// The agency's keyholder lies in a folder, the independent one is a program.
fn ask_one_here_and_run_the_program_of_the_other(data: &Path) {
    let (program, holders) = (program(), data.join("keyholders"));
    let settings = format!(
        "\n[[disclosure.keyholders]]\nfolder = {:?}\n\n[[disclosure.keyholders]]\n\
         command = [{:?}, \"keyholder\", \"{{do}}\", \"--folder\", {:?}]\n",
        holders.join("agency"),
        program.get_program(),
        holders.join("independent"),
    );
    let file = data.join("parlatory.toml");
    fs::write(&file, read(&file) + &settings).unwrap();
}

/// Nobody is asked without a database, a reason, and a node that has stopped.
fn says_what_is_missing(lost: &Lost) {
    // Without the database of some backup there are no people; and without a reason nobody asks.
    lost.refused(&["--reason", "lost"], "give a backup with --from");
    let backup = ["--from", path(&lost.backup)];
    lost.refused(&backup, "say with --reason why");
    lost.refused(&[&backup[..], &["--reason", "again"]].concat(), "leave out --from");
    let started = parlatory(&["serve", "--data", path(&lost.data)]).badly();
    assert!(started.err.contains("ask them with `parlatory journal open`"), "{}", started.err);
    // Whoever was provisioned now could get the number of somebody else.
    let provisioned = node::provision(&lost.data, &lost.file).badly();
    assert!(provisioned.err.contains("`parlatory journal open`"), "{}", provisioned.err);
    lost.refused(&["--withdraw"], "no request waits");
}

/// All have allowed it, and one has gone; then a segment is not what was written.
fn nothing_is_filled_in_before_all_is_there_and_whole(lost: &Lost, entry: u64) {
    lost.keyholder("agency", "allow", &[&entry.to_string()]);
    let (keys, away) = (lost.data.join("keyholders/independent/keys"), lost.data.join("away"));
    fs::rename(&keys, &away).unwrap();
    let gone = lost.open(&[]).badly();
    let said: Value = serde_json::from_str(&gone.out).unwrap();
    assert_eq!(said["missing"].as_array().unwrap().len(), 1, "{said}");
    assert!(gone.err.contains("nothing was opened and nothing was changed"), "{}", gone.err);
    fs::rename(&away, &keys).unwrap();
    assert_eq!(lost.projected(), 0);

    // And what is not as it was written is found before anything is filled in.
    let (name, whole) = lost.journal().into_iter().rfind(is_given_away).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(&name, changed).unwrap();
    let doctor = parlatory(&["doctor", "--json", "--data", path(&lost.data)]);
    assert!(doctor.out.contains("a request to open segments waits"), "{}", doctor.out);
    lost.refused(&[], "nothing was changed");
    assert_eq!(lost.projected(), 0);
    fs::write(&name, whole).unwrap();
}

/// People are provisioned, the node runs, and the log has it all.
fn goes_on(lost: &Lost) {
    node::provision(&lost.data, &lost.file).well();
    let people = node::open_store(&lost.data).configuration().unwrap().people;
    let newcomer = people.iter().find(|it| it.key.expose() == "T-10").unwrap();
    assert!(newcomer.id > NEWCOMER, "they have none of the calls of somebody else");
    let running = node::serve(&lost.data);
    running.wait_line(node::READY, SOON);
    running.signal(Signal::TERM);
    running.wait_end(SOON).well();
    let nothing: Value = serde_json::from_str(&lost.open(&[]).well().out).unwrap();
    assert_eq!((&nothing["opened"], &nothing["segments"]), (&false.into(), &0.into()));
    let audit = parlatory(&["audit", "--json", "--data", path(&lost.data)]).well();
    let audit: Value = serde_json::from_str(&audit.out).unwrap();
    assert_eq!((&audit["segments_opened"], &audit["count"]), (&2.into(), &0.into()), "{audit}");
}

/// Three calls of some days ago, one of them of somebody who was provisioned after the backup; in
/// segments that are closed.
fn write_calls_of_days_ago(data: &Path) {
    let now = Timestamp::default().after(UNIX_EPOCH.elapsed().unwrap());
    let ago = |days: i64| Timestamp::from_micros(now.micros() - days * 24 * 3_600 * 1_000_000);
    let options = Options { segment_octets_max: 1, ..Options::default() };
    let (journal, _) =
        Journal::open(&data.join("journal"), &key(data), options, |_, _| {}).unwrap();
    let boot = Fact::Boot { boot: 1, at: ago(9), version: "1".to_owned() };
    journal.append_wait(vec![boot]).unwrap();
    for (count, person, days) in [(1, PersonId(1), 8), (2, PersonId(2), 5), (3, NEWCOMER, 4)] {
        journal.append_wait(call(CallId::from_parts(1, count), person, ago(days)).into()).unwrap();
    }
    let boot = Fact::Boot { boot: 2, at: ago(1), version: "1".to_owned() };
    journal.append_wait(vec![boot]).unwrap();
    journal.close();
}

fn call(call: CallId, person: PersonId, at: Timestamp) -> [Fact; 2] {
    let rate = RateFact {
        base_per_minute: Money::from_cents(9),
        additive_per_minute: Money::from_cents(2),
        site: Site { kind: FacilityKind::Jail, adp: 212, state: State::new("CO").unwrap() },
        at,
    };
    let hold = HoldFact {
        account: AccountId(person.0),
        amount: Money::from_cents(220),
        rate,
        expires: at.after(std::time::Duration::from_secs(3_600)),
    };
    let admitted = Admitted {
        call,
        at,
        agency: AgencyId(1),
        facility: FacilityId(1),
        unit: UnitId(1),
        station: StationId(1),
        person: Some(person),
        number: Private::new(E164::new(12_025_550_171).unwrap()),
        class: NumberClass::Ordinary,
        epoch: Epoch(1),
        may_record: Err(OffReason::FacilityOff),
        hold: Some(hold),
    };
    let ended = Ended {
        call,
        at: at.after(std::time::Duration::from_secs(60)),
        reason: EndReason::NoAnswer,
        talked: std::time::Duration::ZERO,
        charged: Money::ZERO,
        rest: Rest::Released,
        decision_key: None,
        off: None,
    };
    [Fact::Admitted(Box::new(admitted)), Fact::Ended(Box::new(ended))]
}

fn read_opened(data: &Path, holder: &str) -> Vec<String> {
    let text = read(&data.join(format!("keyholders/{holder}/opened")));
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap()
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn key(data: &Path) -> SealKey {
    let key = fs::read(data.join("keys/store.key")).unwrap();
    SealKey::derive(&key.try_into().unwrap())
}

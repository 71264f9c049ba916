//! A journal whose closed segments were given to the keyholders, and what every command makes of
//! it.

use std::{collections::BTreeSet, fs, ops::ControlFlow, path::Path, time::UNIX_EPOCH};

use journal::{
    Draft, EntrySeq, Inspected, Journal, Options, Parting, SealKey, Seq, TakenOver, inspect_given,
    replay, replay_entries, sealed_away,
};
use model::{Timestamp, fact::Fact};
use rustix::process::Signal;
use serde_json::{Value, json};
use vault::{KeyholderKey, Keyholders, SegmentAbout, segment_holders, share_out};

use crate::{
    county,
    demo::RECORDINGS,
    node,
    open::{Keyholder, segment_key, segment_share},
    place,
    process::{SOON, parlatory},
    recording,
};

/// Gives away what the journal of the data folder `here` holds, as a node does after some days. The
/// database lacks nothing of it. Says how many facts that were.
pub(crate) fn give_away(here: &Path, now: Timestamp) -> u64 {
    let public = |holder: &str| -> KeyholderKey {
        let text = fs::read_to_string(here.join(format!("keyholders/{holder}.pub"))).unwrap();
        text.lines().find_map(|line| line.parse().ok()).unwrap()
    };
    let agencies = [].into_iter().collect();
    let holders = Keyholders::new(public("agency"), agencies, public("independent")).unwrap();
    let share_out = |parting: &Parting, key: &[u8; 32]| {
        let about = SegmentAbout {
            node: parting.node,
            first: parting.first.0,
            entry: parting.entry.0,
            next: parting.next.0,
            next_entry: parting.next_entry.0,
            at: parting.at,
        };
        share_out(&about, key, &holders).ok()
    };
    let (folder, key) = (here.join("journal"), key(here));
    let options = Options::default();
    let (journal, found) = Journal::open(&folder, &key, options, |_, _| {}).unwrap();
    let taken = TakenOver { facts: found.last, entries: found.entry };
    let given = journal.give_away_before(now, taken, now, &share_out).unwrap();
    assert_eq!((given.segments, given.now), (1, 1));
    journal.close();
    found.last.0
}

/// Every command goes on with what the node keeps elsewhere, and says what is sealed away.
pub(crate) fn assert_said(here: &Path) {
    let folder = here.to_str().unwrap();
    let doctor = parlatory(&["doctor", "--json", "--data", folder]);
    let findings: Value = serde_json::from_str(&doctor.out).unwrap();
    let mut findings = findings.as_array().unwrap().iter();
    let journal = findings.find(|it| it["about"] == "journal").unwrap();
    let says = journal["says"].as_str().unwrap();
    assert!(says.starts_with("1 segments, up to "), "{says}");
    assert!(says.contains("open with the shares of all keyholders alone"), "{says}");
    parlatory(&["audit", "--data", folder]).well();

    let backup = tempfile::tempdir().unwrap();
    let to = backup.path().to_str().unwrap();
    let taken = parlatory(&["backup", "--json", "--data", folder, "--to", to]).well();
    let taken: Value = serde_json::from_str(&taken.out).unwrap();
    assert_eq!(taken["recordings"], json!(RECORDINGS), "{taken}");
    let keys = here.join("keys");
    let keys = keys.to_str().unwrap();
    let drill = ["restore", "--drill", "--json", "--from", to, "--keys", keys];
    let tried: Value = serde_json::from_str(&parlatory(&drill).well().out).unwrap();
    assert_eq!(tried["found"], json!([]), "{tried}");

    // A database that is lost: nothing starts, nothing is made up, and whom to ask is said.
    let (store, kept) = (here.join("store"), here.join("store-kept"));
    fs::rename(&store, &kept).unwrap();
    fs::create_dir(&store).unwrap();
    let started = parlatory(&["serve", "--data", folder]).badly();
    let segment = sealed_away(&here.join("journal"), &key(here)).unwrap().given.remove(0);
    let name = segment.file.file_name().unwrap().to_str().unwrap();
    let facts = format!("`{name}` (facts 1 to {}; keyholder ", segment.last.0);
    for said in [&facts, "`agency`", "`independent`", "restore that from a newer backup"] {
        assert!(started.err.contains(said), "`{said}`: {}", started.err);
    }
    let county = here.join("county/provision.toml");
    let county = county.to_str().unwrap();
    let again = parlatory(&["provision", "--data", folder, county]).badly();
    assert!(again.err.contains("the journal knows calls"), "{}", again.err);
    fs::remove_dir_all(&store).unwrap();
    fs::rename(kept, store).unwrap();
}

/// Writes on: facts that the node's key opens, and an entry with a detail.
pub(crate) fn write_on(here: &Path, earlier: (Vec<Fact>, Draft)) {
    let (facts, mut entry) = earlier;
    let options = Options::default();
    let (journal, _) =
        Journal::open(&here.join("journal"), &key(here), options, |_, _| {}).unwrap();
    entry.leaf[8..16].fill(0);
    journal.append_entries_wait(facts, vec![entry]).unwrap();
    journal.close();
}

/// Some facts, and an entry with a detail, of a journal that has its keys.
pub(crate) fn some_of(here: &Path) -> (Vec<Fact>, Draft) {
    let (folder, key) = (here.join("journal"), key(here));
    let (mut facts, mut entry) = (Vec::new(), None);
    replay(&folder, &key, Seq(0), |_, fact| {
        facts.push(fact);
        ControlFlow::Continue(())
    })
    .unwrap();
    replay_entries(&folder, &key, EntrySeq(0), |found| {
        entry = Some(found.draft).filter(|draft| !draft.detail.is_empty());
        if entry.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .unwrap();
    (facts, entry.unwrap())
}

/// With the keys of all keyholders a segment is there as it was.
pub(crate) fn assert_opens((octets, shares): (&[u8], &[u8]), holders: &[&Keyholder], facts: u64) {
    let key = segment_key(shares, holders).unwrap();
    let mut count = 0;
    let found = inspect_given(octets, &key, |seq, _| {
        count += 1;
        assert_eq!(seq.0, count);
    });
    assert!(matches!(found, Inspected::Whole { torn: false, .. }), "{found:?}");
    assert_eq!(count, facts);
    for holder in holders {
        assert!(segment_key(shares, &[holder]).is_none(), "one keyholder alone");
    }
}

/// Facts of some days ago, in segments that are closed, and then a node as its operator starts it.
#[test]
fn a_running_node_gives_its_old_keys_to_the_keyholders_of_all_agencies() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    node::init(&data);
    let file = county::write(&folder.path().join("county"), place::address(place::ports(2)));
    let (_, own) = vault::generate().unwrap();
    let other = format!(
        "[[agency]]\nkey = \"maple\"\nname = \"Maple County\"\nkeyholder = \"{own}\"\n\n[[agency]]"
    );
    node::edit(&file, "[[agency]]", &other);
    let protected = file.with_file_name("protected.csv");
    node::edit(&protected, "number,holder\n", "agency,number,holder\ncedar,");
    node::provision(&data, &file).well();
    start_days_ago(&data);
    let serve = || {
        let node = node::serve(&data);
        node.wait_line(node::READY, SOON);
        node
    };
    let running = serve();
    running.wait_log("the journal gave keys to the keyholders", SOON);
    running.signal(Signal::TERM);
    running.wait_end(SOON).well();
    let away = sealed_away(&data.join("journal"), &key(&data)).unwrap();
    // The third was written on by the node that ran, and closed then, as it began a day ago.
    assert_eq!(away.given.iter().map(|it| it.last.0).collect::<Vec<_>>(), [1, 2]);
    let public = |holder: &str| -> KeyholderKey {
        let text = fs::read_to_string(data.join(format!("keyholders/{holder}.pub"))).unwrap();
        text.lines().find_map(|line| line.parse().ok()).unwrap()
    };
    let [common, independent] = ["agency", "independent"].map(public);
    for segment in &away.given {
        let shares = fs::read(&segment.shares).unwrap();
        let holders = segment_holders(&shares).unwrap();
        let (last, agencies) = holders.split_last().unwrap();
        assert_eq!(*last, independent.id());
        let agencies: BTreeSet<_> = agencies.iter().copied().collect();
        assert_eq!(agencies, BTreeSet::from([common.id(), own.id()]));
        let [one, two] = ["agency", "independent"].map(|holder| {
            let keys = recording::files(&data.join(format!("keyholders/{holder}/keys")));
            let key = keys.iter().find(|path| path.extension().is_some_and(|it| it == "key"));
            Keyholder::from_text(&fs::read_to_string(key.unwrap()).unwrap())
        });
        // Two of three have a share each, and the key needs the third.
        assert!(segment_share(&shares, &one.octets()).is_some());
        assert!(segment_share(&shares, &two.octets()).is_some());
        assert!(segment_key(&shares, &[&one, &two]).is_none());
    }
    // The next run misses nothing, and what happened since is read as ever.
    let running = serve();
    running.signal(Signal::TERM);
    running.wait_end(SOON).well();
    let mut boots = Vec::new();
    replay(&data.join("journal"), &key(&data), away.last(), |_, fact| {
        if let Fact::Boot { boot, .. } = fact {
            boots.push(boot);
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(boots, [3, 4, 5]);
    parlatory(&["audit", "--data", data.to_str().unwrap()]).well();
}

/// A folder that was made some days ago and in which nothing was provisioned yet: the node knows no
/// call, whatever of its starts it can read.
#[test]
fn an_old_folder_without_calls_is_provisioned_although_its_starts_are_sealed_away() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    node::init(&data);
    start_days_ago(&data);
    let running = node::serve(&data);
    running.wait_log("the journal gave keys to the keyholders", SOON);
    running.signal(Signal::TERM);
    running.wait_end(SOON).well();
    assert_eq!(sealed_away(&data.join("journal"), &key(&data)).unwrap().last(), Seq(2));
    let file = county::write(&folder.path().join("county"), place::address(place::ports(2)));
    node::provision(&data, &file).well();
}

/// What the journal of a node has that started some days ago, again and again.
fn start_days_ago(data: &Path) {
    let now = Timestamp::default().after(UNIX_EPOCH.elapsed().unwrap());
    let options = Options { segment_octets_max: 1, ..Options::default() };
    let (journal, _) =
        Journal::open(&data.join("journal"), &key(data), options, |_, _| {}).unwrap();
    for (boot, days) in (1..).zip([9, 3, 1]) {
        let at = Timestamp::from_micros(now.micros() - days * 24 * 3_600 * 1_000_000);
        journal.append_wait(vec![Fact::Boot { boot, at, version: "1".to_owned() }]).unwrap();
    }
    journal.close();
}

fn key(here: &Path) -> SealKey {
    let key = fs::read(here.join("keys/store.key")).unwrap();
    SealKey::derive(&key.try_into().unwrap())
}

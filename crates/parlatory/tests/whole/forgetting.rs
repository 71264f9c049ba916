//! What is older than anybody keeps it, and what a node's own run does with it: without any
//! command.

use std::{
    fs,
    ops::ControlFlow,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use evidence::{AuditKey, Entry, Random, Said, Standing, Statement, Unrecorded, leaf};
use journal::{
    Draft, Journal, Options, SealKey, Seq,
    log::{LogEntry, replay_log},
    replay, sealed_away,
};
use model::{
    AgencyId, CallId, E164, FacilityId, Money, PersonId, Private, StationId, Timestamp, UnitId,
    fact::{Admitted, EndReason, Ended, Epoch, Fact, NumberClass, OffReason, Rest},
};
use serde_json::Value;
use store::CallFilter;

use crate::{
    county,
    node::{self, Node},
    place,
    process::parlatory,
};

/// What the entry of the old call says in its detail.
const DETAIL: &[u8] = b"who called whom, long ago, and a salt of thirty-two octets";

const CALL: CallId = CallId::from_parts(1, 1);

#[test]
fn a_nodes_own_run_erases_a_call_of_long_ago_from_database_log_and_journal() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    node::init(&data);
    let county = county::write(&folder.path().join("county"), place::address(place::ports(2)));
    node::provision(&data, &county).well();
    write_old_call(&data);
    let entries = journal::extent(&data.join("journal")).unwrap().entry.0;
    assert_eq!(entries, 2);

    let node = Node::start_on(&[], folder);
    node.wait_log("the journal forgot what is too old");
    let remains = node.stop();
    let log = &remains.finished.err;
    assert!(log.contains("records=1 details=2"), "{log}");
    let data = remains.data();
    let key = journal_key(&data);
    let gone = sealed_away(&data.join("journal"), &key).unwrap().forgotten;
    assert!(gone.segments >= 3 && gone.entry.0 == 2, "{gone:?}");
    let mut kept = 0;
    replay(&data.join("journal"), &key, gone.last, |_, fact| {
        kept += 1;
        assert!(matches!(fact, Fact::Boot { boot: 2.., .. }), "no call is left: {fact:?}");
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(kept > 0, "the node's own start is young");
    let lost = replay(&data.join("journal"), &key, Seq(0), |_, _| ControlFlow::Continue(()));
    assert!(lost.is_err(), "what is forgotten is not read");
    let rows = remains.store().calls(&CallFilter::default()).unwrap();
    let [row] = &rows[..] else { panic!("{} calls", rows.len()) };
    assert_eq!((row.call, row.number.is_some(), row.person), (CALL, false, None));

    let entries = log_entries(&data);
    let told = |entry: &&LogEntry| entry.erased;
    assert_eq!(entries.iter().filter(told).count(), 2);
    for file in fs::read_dir(data.join("log-private")).unwrap() {
        let octets = fs::read(file.unwrap().path()).unwrap();
        assert!(!octets.windows(DETAIL.len()).any(|part| part == DETAIL));
    }
    let audit = parlatory(&["audit", "--json", "--data", data.to_str().unwrap()]);
    let found: Value = serde_json::from_str(&audit.out).unwrap();
    assert_eq!(found["details_erased"], 2, "{found}");
    assert!(!audit.out.contains("no entry of the log says so"), "{found}");
    let (key, log) = (data.join("log.vkey"), data.join("log"));
    parlatory(&["verify", log.to_str().unwrap(), "--key", key.to_str().unwrap()]).well();

    // It starts without them, and has nothing more to forget.
    let remains = remains.start_again().stop();
    assert!(remains.finished.err.contains("records=0 details=0"));
    let data = remains.data();
    let again = sealed_away(&data.join("journal"), &journal_key(&data)).unwrap().forgotten;
    assert_eq!((again.segments, again.last), (gone.segments, gone.last));
}

fn journal_key(data: &Path) -> SealKey {
    let key: [u8; 32] = fs::read(data.join("keys/store.key")).unwrap().try_into().unwrap();
    SealKey::derive(&key)
}

/// A journal as a node left it more than a year ago, each append in a segment of its own: a start,
/// a call that nobody took, and another start.
fn write_old_call(data: &Path) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let long_ago = now - Duration::from_hours(400 * 24);
    let at = Timestamp::from_micros(i64::try_from(long_ago.as_micros()).unwrap());
    let options = Options { node: 1, segment_octets_max: 1 };
    let opened = Journal::open(&data.join("journal"), &journal_key(data), options, |_, _| {});
    let (journal, _) = opened.unwrap();
    let boot = |boot| vec![Fact::Boot { boot, at, version: "0.1.0".to_owned() }];
    journal.append_wait(boot(1)).unwrap();
    let standing =
        Standing { class: NumberClass::Ordinary, may_record: Err(OffReason::FacilityOff) };
    let admission = Statement::Admission {
        call: CALL,
        epoch: Epoch(1),
        standing,
        over_within: Duration::from_secs(60),
    };
    let admitted = Fact::Admitted(Box::new(Admitted {
        call: CALL,
        at,
        agency: AgencyId(1),
        facility: FacilityId(1),
        unit: UnitId(1),
        station: StationId(1),
        person: Some(PersonId(1)),
        number: Private::new(E164::new(12_025_550_142).unwrap()),
        class: NumberClass::Ordinary,
        epoch: Epoch(1),
        may_record: Err(OffReason::FacilityOff),
        hold: None,
    }));
    journal.append_entries_wait(vec![admitted], vec![draft(data, at, admission)]).unwrap();
    let over = Statement::NotRecorded {
        call: CALL,
        why: Unrecorded::NobodyTalked,
        talked: Duration::ZERO,
    };
    let ended = Fact::Ended(Box::new(Ended {
        call: CALL,
        at,
        reason: EndReason::CalledHungUp,
        talked: Duration::ZERO,
        charged: Money::ZERO,
        rest: Rest::NoHold,
        decision_key: None,
        off: None,
    }));
    journal.append_entries_wait(vec![ended], vec![draft(data, at, over)]).unwrap();
    // What the next start goes on with has something young in it.
    journal.append_wait(boot(2)).unwrap();
    journal.close();
}

fn draft(data: &Path, at: Timestamp, what: Statement) -> Draft {
    let said = Said { at, boot: 1, what };
    let entry = Entry { node: 1, interval: at, said: &said, detail: DETAIL, mark: None };
    let random = Random([what.kind().code(); evidence::limits::RANDOM_OCTETS]);
    Draft { leaf: leaf::write(&entry, &audit_key(data), &random), detail: DETAIL.to_vec() }
}

fn audit_key(data: &Path) -> AuditKey {
    AuditKey::new(fs::read(data.join("keys/audit.key")).unwrap().try_into().unwrap())
}

fn log_entries(data: &Path) -> Vec<LogEntry> {
    let mut entries = Vec::new();
    replay_log(&data.join("log-private"), 0, |entry| {
        entries.push(entry);
        ControlFlow::Continue(())
    })
    .unwrap();
    entries
}

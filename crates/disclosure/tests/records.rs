//! What staff see of calls, and that nothing is seen of which the log does not know.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

#[path = "../../vault/tests/consent/mod.rs"]
mod consent;
#[path = "office/elsewhere.rs"]
mod elsewhere;
mod office;
#[path = "../../vault/tests/open/mod.rs"]
mod open;
#[path = "../../vault/tests/world/mod.rs"]
mod world;

use access::{
    Audience, Demand, Gate, Intent, Month, Purpose, Query, Verb, act::Scope, decide::Line,
};
use disclosure::records::{
    Answer, ExportAsk, Found, Key, Look, NotDisclosed, Reason, Shown, What, Which,
};
use disclosure::{HolderAt, roster::Denied};
use evidence::{Statement, leaf};
use model::{
    CallId, FacilityId, PersonId, Private, RecordingId, StationId,
    fact::{Denied as Refused, Fact, Heard, LegHeard, NumberClass, Refusal},
};
use office::{
    CEDAR, NOW, Office, PINE, RECORDING, Running, SECONDS, admitted, copy, plan, reason, shown,
    signer,
};
use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    net::TcpListener,
    path::{Path, PathBuf},
    time::Duration,
};
use store::Overseen;
use tlog::{KeyKind, Policy, Signer};
use vault::RecipientSecret;
use witness::Peer;

const LISTENS: &[Verb] = &[Verb::Search, Verb::Listen, Verb::Export];

fn search(line: Line) -> Look {
    Look { agency: CEDAR, query: Query::of(line), limit: 50 }
}

fn calls(found: &Shown<Found>) -> Vec<u64> {
    found.what.rows.iter().map(|record| record.row.call.0).collect()
}

/// The whole file, as it comes.
fn hear(
    running: &Running,
    verb: Verb,
    name: &str,
    reason: &Reason,
) -> Result<Vec<u8>, NotDisclosed> {
    let staff = running.staff(name);
    let which = (CEDAR, RECORDING);
    let answer = if verb == Verb::Follow {
        running.records.follow(&staff, reason, which)?
    } else {
        running.records.listen(&staff, reason, which)?
    };
    let mut heard = shown(answer).what;
    let mut octets = Vec::new();
    while let Some(piece) = heard.next_piece()? {
        octets.extend(piece);
    }
    Ok(octets)
}

/// A number that was tried in a call of person 1 and refused, before the call was let out.
fn denied(call: u64, end: u64) -> Fact {
    Fact::Denied(Box::new(Refused {
        call: CallId(call),
        at: NOW.after(Duration::from_secs(call - 1)),
        agency: CEDAR,
        facility: FacilityId(1),
        station: StationId(1),
        person: Some(PersonId(1)),
        number: Some(office::number(end)),
        reason: Refusal::NumberNotAllowed,
    }))
}

/// Octets of the file: a head, and six samples of either side in each second.
const HEARD_OCTETS: usize = 44 + SECONDS as usize * 6 * 4;

fn said(disk: &Path) -> Vec<Statement> {
    Office::entries(disk).iter().map(|(read, _)| read.said.what).collect()
}

#[test]
fn a_search_shows_what_its_entry_names() {
    let office = Office::new();
    let running = office.open();
    running.grant("inve", Purpose::Investigation, LISTENS);
    let why = reason(Purpose::Investigation);
    let staff = running.staff("inve");
    let station = LegHeard { received: 400, lost: 4, sent: 401, ..LegHeard::default() };
    let called = LegHeard { lost_there: 3, jitter_there: Duration::from_millis(7), ..station };
    let heard = Heard { call: CallId(RECORDING.0), at: NOW, station, called };
    let next = running.store.projected().unwrap() + 1;
    running.store.project(&[(next, Fact::Heard(Box::new(heard)))]).unwrap();
    let found = shown(running.records.search(&staff, &why, &search(Line::Ordinary)).unwrap());
    assert_eq!(calls(&found), [7, 8]);
    let first = &found.what.rows[0];
    assert_eq!(first.heard, Some([station, called]));
    assert_eq!(found.what.rows[1].heard, None);
    assert_eq!(first.person_key.as_ref().unwrap().expose(), "P-1");
    assert_eq!((first.outcome(), first.recording()), ("called_hung_up", "recorded"));
    // Nothing found is an entry too.
    let mut nothing = search(Line::Ordinary);
    nothing.query.number = Some(office::number(99));
    nothing.query.person = Some(Private::new("P-NOBODY".to_owned()));
    let nothing_asked = nothing.clone();
    let nothing = shown(running.records.search(&staff, &why, &nothing).unwrap());
    assert_eq!(calls(&nothing), [] as [u64; 0]);
    // Counsel's call is counted, and nothing more.
    let month = Month { year: 2026, month: 11 };
    let counts = running.records.counts(&staff, &why, CEDAR, (month, month)).unwrap();
    assert_eq!(shown(counts).what.months, [(month, 1)]);
    let refused = running.records.search(&staff, &why, &search(Line::Protected)).unwrap_err();
    assert!(matches!(refused, NotDisclosed::Refused { .. }), "{refused}");
    running.close();
    let entries = Office::entries(&office.disk);
    let disclosed: Vec<(Intent, Demand)> = entries
        .iter()
        .filter(|(read, _)| matches!(read.said.what, Statement::Disclosure { .. }))
        .map(|(read, detail)| {
            let detail = leaf::open(read, detail).unwrap();
            let detail = detail.strip_prefix(b"disclosure v2\0").unwrap();
            let (intent, demand) = postcard::take_from_bytes(detail).unwrap();
            (intent, postcard::from_bytes(demand).unwrap())
        })
        .collect();
    // Whom somebody looked for stands there, whether or not there is such a person.
    let (_, demand) = &disclosed[1];
    assert_eq!((demand.audience, &demand.query), (Audience::Staff, &nothing_asked.query));
    let (read, detail) = entries.last().unwrap();
    let detail = leaf::open(read, detail).unwrap();
    let detail = postcard::from_bytes(detail.strip_prefix(b"denial v1\0").unwrap()).unwrap();
    let Denied::RuleFor { demand, .. } = detail else { panic!("{detail:?}") };
    assert_eq!(demand.query, Query::of(Line::Protected));
    let scopes: Vec<_> = disclosed.iter().map(|(it, _)| (it.scope, it.object.rows())).collect();
    assert_eq!(scopes, [(Scope::OwnAgency, 2), (Scope::OwnAgency, 0), (Scope::Protected, 1)]);
    assert!(matches!(said(&office.disk).last(), Some(Statement::Denial { .. })));
}

#[test]
fn a_recording_is_heard_by_whom_the_entry_names_and_not_once_it_is_protected() {
    let office = Office::new();
    let running = office.open();
    let why = reason(Purpose::Investigation);
    // Without a grant it is refused, and whoever works elsewhere does not learn that it is there.
    let refused = hear(&running, Verb::Listen, "inve", &why).unwrap_err();
    assert!(matches!(refused, NotDisclosed::Refused { .. }), "{refused}");
    let hidden = hear(&running, Verb::Listen, "other", &why).unwrap_err();
    assert!(matches!(hidden, NotDisclosed::NotThere), "{hidden}");
    running.grant("inve", Purpose::Investigation, LISTENS);
    assert_eq!(hear(&running, Verb::Listen, "inve", &why).unwrap().len(), HEARD_OCTETS);
    let staff = running.staff("inve");
    for which in [(CEDAR, RecordingId(8)), (PINE, RECORDING)] {
        let nothing = running.records.listen(&staff, &why, which).unwrap_err();
        assert!(matches!(nothing, NotDisclosed::NotThere), "{nothing}");
    }
    // In the middle of it the number becomes counsel's.
    let mut heard = shown(running.records.listen(&staff, &why, (CEDAR, RECORDING)).unwrap()).what;
    running.store.apply(&plan(&[42]), NOW).unwrap();
    let mut pieces = 0;
    while let Ok(Some(_)) = heard.next_piece() {
        pieces += 1;
    }
    assert!(pieces <= 1 + SECONDS);
    let hidden = running.records.listen(&staff, &why, (CEDAR, RECORDING)).unwrap_err();
    assert!(matches!(hidden, NotDisclosed::NotThere), "{hidden}");
    running.close();
    let said = said(&office.disk);
    let denied = said.iter().filter(|it| matches!(it, Statement::Denial { .. })).count();
    assert_eq!(denied, 3, "{said:?}");
}

#[test]
fn following_waits_for_a_second_person_and_counts_once() {
    let office = Office::new();
    let running = office.open();
    running.grant("inve", Purpose::Investigation, &[Verb::Follow]);
    let staff = running.staff("inve");
    let why = reason(Purpose::Investigation);
    let waits = running.records.follow(&staff, &why, (CEDAR, RECORDING)).unwrap();
    let Answer::Waits { act, .. } = waits else { panic!("{waits:?}") };
    let again = Reason { act: Some(act), ..why.clone() };
    // Nobody has said yes yet.
    let waits = running.records.follow(&staff, &again, (CEDAR, RECORDING)).unwrap();
    assert!(matches!(waits, Answer::Waits { act: same, .. } if same == act));
    running.roster.approve(&running.staff("super"), act).unwrap();
    // It is of no use to somebody else, nor for something else.
    let stolen = running.records.follow(&running.staff("super"), &again, (CEDAR, RECORDING));
    assert!(matches!(stolen.unwrap_err(), NotDisclosed::NotDone(_)));
    assert!(running.records.listen(&staff, &again, (CEDAR, RECORDING)).is_err());
    assert_eq!(hear(&running, Verb::Follow, "inve", &again).unwrap().len(), HEARD_OCTETS);
    assert!(hear(&running, Verb::Follow, "inve", &again).is_err(), "an approval counted twice");
    running.close();
    let said = said(&office.disk);
    let of_it = |it: &&Statement| {
        matches!(it, Statement::Approval { act: of } | Statement::Disclosure { act: of, .. }
            if *of == act)
    };
    assert_eq!(said.iter().filter(of_it).count(), 2, "{said:?}");
}

#[test]
fn a_broken_glass_shows_and_is_entered() {
    let office = Office::new();
    let running = office.open();
    let staff = running.staff("inve");
    running.roster.break_glass(&staff, office::HOUR, "somebody is in danger").unwrap();
    let why = reason(Purpose::Safety);
    let found = running.records.search(&running.staff("inve"), &why, &search(Line::Ordinary));
    assert_eq!(calls(&shown(found.unwrap())), [7, 8]);
    running.close();
    let broken = |it: &&Statement| matches!(it, Statement::BreakGlass { .. });
    assert!(said(&office.disk).iter().filter(broken).count() >= 2);
}

#[test]
fn whoever_checks_sees_what_was_done_and_no_data() {
    let office = Office::new();
    let running = office.open();
    running.grant("inve", Purpose::Investigation, LISTENS);
    hear(&running, Verb::Listen, "inve", &reason(Purpose::Investigation)).unwrap();
    let times = (NOW, NOW.after(Duration::from_secs(1)));
    let why = reason(Purpose::Audit);
    let auditor = running.staff("audit");
    // A refusal, and a glass that was broken and reviewed, are among it.
    let inve = running.staff("inve");
    let refused =
        running.records.search(&inve, &reason(Purpose::Discovery), &search(Line::Ordinary));
    assert!(matches!(refused.unwrap_err(), NotDisclosed::Refused { .. }));
    let (act, _) = running.roster.break_glass(&inve, office::HOUR, "in danger").unwrap();
    running.roster.review(&running.staff("super"), act, true, "it was so").unwrap();
    let list = shown(running.records.list(&auditor, &why, CEDAR, &Which::of(times)).unwrap()).what;
    let boss = running.staff("super").id;
    let said: Vec<_> =
        list.overseen.iter().map(|row| (row.kind, row.by, row.of, row.verb)).collect();
    assert_eq!(
        said,
        [
            (Overseen::Approval, Some(boss), inve.id, None),
            (Overseen::Denial, None, inve.id, Some(Verb::Search)),
            (Overseen::BreakGlass, Some(inve.id), inve.id, None),
            (Overseen::Review, Some(boss), inve.id, None),
        ]
    );
    let entries = Office::entries(&office.disk);
    for row in &list.overseen {
        let (read, _) = &entries[usize::try_from(row.entry).unwrap()];
        let said = match row.kind {
            Overseen::Approval => Statement::Approval { act: row.act },
            Overseen::Denial => Statement::Denial { act: row.act },
            Overseen::BreakGlass => Statement::BreakGlass { act: row.act },
            Overseen::Review => Statement::Review { act: row.act },
        };
        assert_eq!(read.said.what, said);
    }
    assert_eq!(list.names[&inve.id].expose(), "inve");
    let verbs: Vec<_> = list.acts.iter().map(|row| (row.usage.verb, row.usage.rows)).collect();
    assert_eq!(verbs, [(Verb::Listen, 1)]);
    // Narrowed by case and by who, as the entry says.
    let narrowed = |case: Option<&str>, who: Option<&str>| {
        let private = |word: Option<&str>| word.map(|word| Private::new(word.to_owned()));
        let which = Which { case: private(case), who: private(who), ..Which::of(times) };
        let list = shown(running.records.list(&auditor, &why, CEDAR, &which).unwrap());
        let acts: Vec<_> = list.what.acts.iter().map(|row| row.usage.verb).collect();
        let kinds: Vec<_> = list.what.overseen.iter().map(|row| row.kind).collect();
        (acts, kinds, list.act)
    };
    let (acts, kinds, act) = narrowed(Some(office::CASE), Some("inve"));
    assert_eq!((acts, kinds), (vec![Verb::Listen], vec![Overseen::Denial]));
    let (acts, kinds, _) = narrowed(None, Some("super"));
    assert_eq!((acts, kinds), (vec![], vec![Overseen::Approval, Overseen::Review]));
    let (acts, kinds, _) = narrowed(Some("24-CR-0118"), None);
    assert_eq!((acts, kinds), (vec![], vec![]));
    let (acts, kinds, _) = narrowed(None, Some("nobody"));
    assert_eq!((acts, kinds), (vec![], vec![]));
    let entered = Office::entries(&office.disk).into_iter().find_map(|(read, detail)| {
        let is = matches!(read.said.what, Statement::Disclosure { act: of, .. } if of == act);
        is.then(|| String::from_utf8_lossy(&detail).into_owned())
    });
    assert!(entered.unwrap().contains("acts of case 24-CR-0117; acts of inve"));
    let elsewhere = running.records.list(&auditor, &why, PINE, &Which::of(times)).unwrap_err();
    assert!(matches!(elsewhere, NotDisclosed::NotThere), "{elsewhere}");
    let investigator = running.records.list(&running.staff("inve"), &why, CEDAR, &Which::of(times));
    assert!(matches!(investigator.unwrap_err(), NotDisclosed::Refused { .. }));
}

fn unsealed(sealed: &[u8], passphrase: &str) -> BTreeMap<String, Vec<u8>> {
    let mut outer = zip::ZipArchive::new(std::io::Cursor::new(sealed)).unwrap();
    let mut inner = Vec::new();
    outer.by_index_decrypt(0, passphrase.as_bytes()).unwrap().read_to_end(&mut inner).unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(inner)).unwrap();
    let mut files = BTreeMap::new();
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).unwrap();
        let mut octets = Vec::new();
        file.read_to_end(&mut octets).unwrap();
        files.insert(file.name().unwrap().into_owned(), octets);
    }
    files
}

fn export_of(what: What, audience: Audience) -> ExportAsk {
    ExportAsk { what, audience, key: None, note: Some(Private::new("as asked".to_owned())) }
}

#[test]
fn an_export_has_its_proofs_and_tells_who_else_has_a_copy() {
    let office = Office::new();
    let running = office.open();
    running.grant("inve", Purpose::Investigation, LISTENS);
    let staff = running.staff("inve");
    let why = reason(Purpose::Investigation);
    let records = What::Records(Box::new(search(Line::Ordinary)));
    let asked = export_of(records.clone(), Audience::Prosecution);
    let exported = shown(running.records.export(&staff, &why, &asked).unwrap());
    assert_eq!(exported.what.records, 2);
    let Key::Passphrase(passphrase) = &exported.what.key else { panic!() };
    let files = unsealed(&exported.what.sealed, passphrase.expose());
    let table = String::from_utf8(files["records/records.csv"].clone()).unwrap();
    assert!(table.contains("Person P-1") && table.contains("+12025550142"), "{table}");
    assert!(!table.contains("12025550160"), "counsel's call is among them");
    // The recording, for a recipient with a key, who is told of the first copy.
    let secret = RecipientSecret::generate().unwrap();
    let recording = What::Recording { agency: CEDAR, recording: RECORDING };
    let asked = ExportAsk { key: Some(secret.public()), ..export_of(recording, Audience::Court) };
    let again = shown(running.records.export(&staff, &why, &asked).unwrap());
    let Key::Letter(letter) = &again.what.key else { panic!() };
    let passphrase = letter.open(&secret, &again.what.sha256).unwrap();
    let files = unsealed(&again.what.sealed, &passphrase);
    let manifest: serde_json::Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    assert_eq!(manifest["copies"][0]["entry"], exported.entry);
    assert_eq!(manifest["copies"][0]["audience"], "prosecution");
    assert_eq!(manifest["audience"], "court");
    // Whoever has the first learns of the second, though it went out later; strangers do not.
    let seen = |name: &str, package| running.records.copies(&running.staff(name), package);
    let first = Some(&exported.what.sha256);
    for name in ["inve", "super", "audit"] {
        let told = seen(name, first).unwrap();
        let [told] = told.as_slice() else { panic!("{told:?}") };
        let copies: Vec<_> = told.copies.iter().map(|it| (it.entry, it.audience)).collect();
        assert_eq!(
            (told.package.entry, copies),
            (exported.entry, vec![(again.entry, Audience::Court)])
        );
    }
    assert!(matches!(seen("other", first).unwrap_err(), NotDisclosed::NotThere));
    assert!(matches!(seen("defence", first).unwrap_err(), NotDisclosed::NotThere));
    // The defence asks for what was handed out for it, by what it alone has: the hash.
    let recording = What::Recording { agency: CEDAR, recording: RECORDING };
    let theirs = export_of(recording, Audience::Defence);
    let theirs = shown(running.records.export(&staff, &why, &theirs).unwrap());
    let told = seen("defence", Some(&theirs.what.sha256)).unwrap().remove(0);
    let whom: Vec<_> = told.copies.iter().map(|it| it.audience).collect();
    assert_eq!(whom, [Audience::Prosecution, Audience::Court]);
    assert_eq!(seen("defence", None).unwrap(), []);
    assert_eq!(seen("super", None).unwrap().len(), 3);
    assert_eq!(seen("other", None).unwrap(), []);
    assert_eq!(manifest["custody"], "solo");
    let kinds: Vec<_> = manifest["entries"].as_array().unwrap().iter().collect();
    assert_eq!(kinds.len(), 2, "{manifest}");
    assert_eq!(files["audio/0000000000000007.wav"].len(), HEARD_OCTETS);
    // Row numbers are of one package.
    let rows = |files: &BTreeMap<String, Vec<u8>>| {
        let rows: serde_json::Value =
            serde_json::from_slice(&files["records/records.json"]).unwrap();
        rows[0]["row"].as_str().unwrap().to_owned()
    };
    let first = unsealed(&exported.what.sealed, passphrase_of(&exported.what.key));
    assert_ne!(rows(&first), rows(&files));
}

/// In call 8 another number was tried before, and refused: who looks for the number that was called
/// gets nothing of that one, neither shown nor packed, and a recipient's check finds it whole.
#[test]
fn of_a_call_only_what_was_looked_for_is_taken_away() {
    let office = Office::new();
    let running = office.open();
    running.store.project(&[(100, denied(8, 77)), (101, denied(8, 43))]).unwrap();
    running.grant("inve", Purpose::Investigation, LISTENS);
    let staff = running.staff("inve");
    let why = reason(Purpose::Investigation);
    for (number, rows) in [(Some(43), 2), (Some(77), 1), (None, 4)] {
        let mut look = search(Line::Ordinary);
        look.query.number = number.map(office::number);
        let found = shown(running.records.search(&staff, &why, &look).unwrap());
        assert_eq!(found.what.rows.len(), rows, "{number:?}");
        let asked = export_of(What::Records(Box::new(look)), Audience::Court);
        let exported = shown(running.records.export(&staff, &why, &asked).unwrap());
        assert_eq!(exported.what.records, rows, "{number:?}");
        let passphrase = passphrase_of(&exported.what.key);
        let files = unsealed(&exported.what.sealed, passphrase);
        let table = String::from_utf8(files["records/records.csv"].clone()).unwrap();
        assert_eq!(table.contains("12025550177"), number != Some(43), "{table}");
    }
}

fn passphrase_of(key: &Key) -> &str {
    match key {
        Key::Passphrase(passphrase) => passphrase.expose(),
        Key::Letter(_) => panic!("it is sealed to a key"),
    }
}

#[test]
fn the_public_is_given_neither_names_nor_voices() {
    let office = Office::new();
    let running = office.open();
    running.grant("clerk", Purpose::PublicRecords, LISTENS);
    let staff = running.staff("clerk");
    let why = reason(Purpose::PublicRecords);
    let records = What::Records(Box::new(search(Line::Ordinary)));
    // Whatever audience is named: the purpose says for whom it is.
    let asked = export_of(records, Audience::Prosecution);
    let exported = shown(running.records.export(&staff, &why, &asked).unwrap()).what;
    let files = unsealed(&exported.sealed, passphrase_of(&exported.key));
    for (name, octets) in files {
        let text = String::from_utf8_lossy(&octets);
        assert!(!text.contains("Person P-1") && !text.contains("1202555014"), "{name}");
    }
    let recording = What::Recording { agency: CEDAR, recording: RECORDING };
    let asked = export_of(recording, Audience::PublicRecords);
    let refused = running.records.export(&staff, &why, &asked).unwrap_err();
    assert!(matches!(refused, NotDisclosed::NotForThePublic), "{refused}");
}

#[test]
fn protected_records_are_shown_by_a_courts_order_and_a_second_person() {
    let office = Office::new();
    let running = office.open();
    running.grant("clerk", Purpose::CourtOrder, LISTENS);
    let staff = running.staff("clerk");
    let why = reason(Purpose::CourtOrder);
    let waits = running.records.search(&staff, &why, &search(Line::Protected)).unwrap();
    let Answer::Waits { act, .. } = waits else { panic!("{waits:?}") };
    running.roster.approve(&running.staff("super"), act).unwrap();
    // A call that comes meanwhile is not among what was approved.
    running.store.project(&[(7, admitted(10, 60, NumberClass::Protected))]).unwrap();
    let again = Reason { act: Some(act), ..why };
    let found = shown(running.records.search(&staff, &again, &search(Line::Protected)).unwrap());
    assert_eq!((calls(&found), found.act), (vec![9], act));
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

#[test]
fn what_is_approved_is_heard_with_one_of_three_witnesses_down() {
    let office = Office::new();
    let ((_a, first), (_b, second)) =
        (witness(1, office.world.root()), witness(2, office.world.root()));
    // It takes connections and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let key = Signer::from_seed("w3.example/witness", KeyKind::Witness, &[13; 32]).unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let third = Peer { url, key: key.verifier().clone() };
    let peers = vec![third, first.clone(), second];
    let quorum = |needed| {
        let keys = peers.iter().map(|peer| peer.key.clone()).collect();
        Gate::new(signer().verifier().clone(), Policy::quorum(needed, keys).unwrap())
    };
    let running = office.open_with(&office.disk, quorum(2), peers.clone());
    running.grant("inve", Purpose::Investigation, LISTENS);
    let why = reason(Purpose::Investigation);
    for _ in 0..5 {
        assert_eq!(hear(&running, Verb::Listen, "inve", &why).unwrap().len(), HEARD_OCTETS);
    }
    running.close();
    // With two of them down it stands in the log, and is not heard.
    let running = office.open_with(&office.disk, quorum(2), vec![first]);
    let refused = hear(&running, Verb::Listen, "inve", &why).unwrap_err();
    assert!(matches!(refused, NotDisclosed::NotEntered(_)), "{refused}");
}

#[test]
fn a_keyholder_elsewhere_is_asked_and_without_it_nothing_is_heard() {
    let office = Office::new();
    let gate = || Gate::new(signer().verifier().clone(), Policy::LOG_ALONE);
    let address = elsewhere::serve(&office, 1, gate());
    let open = |address| {
        let here = HolderAt::Here(office.disk.join("holder0"));
        let at = vec![elsewhere::at(&office, 1, address), here];
        office.open_among(&office.disk, gate(), vec![], at)
    };
    let running = open(address);
    running.grant("inve", Purpose::Investigation, LISTENS);
    let why = reason(Purpose::Investigation);
    for _ in 0..2 {
        assert_eq!(hear(&running, Verb::Listen, "inve", &why).unwrap().len(), HEARD_OCTETS);
    }
    let recording = What::Recording { agency: CEDAR, recording: RECORDING };
    let asked = export_of(recording, Audience::Court);
    let exported = running.records.export(&running.staff("inve"), &why, &asked).unwrap();
    let exported = shown(exported).what;
    let files = unsealed(&exported.sealed, passphrase_of(&exported.key));
    let manifest: serde_json::Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
    assert_eq!(manifest["custody"], "split");
    running.close();
    // Where nobody answers, it stands in the log and nobody hears it.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let running = open(nobody);
    let refused = hear(&running, Verb::Listen, "inve", &why).unwrap_err();
    assert!(matches!(refused, NotDisclosed::NotHeard(_)), "{refused}");
}

/// Wherever the power fails while something is searched, heard and taken away, the log that is
/// found again has an entry for whatever was shown before, and asking again succeeds.
#[test]
fn whatever_was_shown_is_found_in_the_log_after_every_crash() {
    let office = Office::new();
    let running = office.open();
    running.grant("inve", Purpose::Investigation, LISTENS);
    let staff = running.staff("inve");
    let why = reason(Purpose::Investigation);
    let images = office.world.root().join("images");
    let mut taken: Vec<(PathBuf, Vec<u64>)> = Vec::new();
    let mut shown_so_far = Vec::new();
    let mut crash = |shown: &[u64]| {
        let folder = images.join(taken.len().to_string());
        copy(&office.disk, &folder);
        taken.push((folder, shown.to_vec()));
    };
    for round in 0..6 {
        crash(&shown_so_far);
        let entry = match round % 3 {
            0 => {
                let found = running.records.search(&staff, &why, &search(Line::Ordinary));
                shown(found.unwrap()).entry
            }
            1 => {
                let heard = running.records.listen(&staff, &why, (CEDAR, RECORDING)).unwrap();
                shown(heard).entry
            }
            _ => {
                let what = What::Recording { agency: CEDAR, recording: RECORDING };
                let asked = export_of(what, Audience::Court);
                shown(running.records.export(&staff, &why, &asked).unwrap()).entry
            }
        };
        shown_so_far.push(entry);
        crash(&shown_so_far);
    }
    running.close();
    for (folder, shown_before) in taken {
        let entries = Office::entries(&folder);
        for entry in shown_before {
            let at = &entries[usize::try_from(entry).unwrap()].0.said.what;
            assert!(matches!(at, Statement::Disclosure { .. }), "{at:?}");
        }
        let again = office.open_at(&folder);
        assert_eq!(hear(&again, Verb::Listen, "inve", &why).unwrap().len(), HEARD_OCTETS);
        let found = again.records.search(&again.staff("inve"), &why, &search(Line::Ordinary));
        assert_eq!(calls(&shown(found.unwrap())), [7, 8]);
        again.close();
    }
}

/// The write-ahead log's last file and its length.
fn written(disk: &Path) -> (PathBuf, u64) {
    let files = fs::read_dir(disk.join("log-private")).unwrap().map(|file| file.unwrap());
    let logs = files.filter(|file| file.file_name().to_string_lossy().ends_with(".wal"));
    let last = logs.max_by_key(|file| file.file_name()).unwrap();
    (last.path(), last.metadata().unwrap().len())
}

/// Thousands of power failures, each at another octet of what was written after something had been
/// shown: what was shown before is always found again, and a retry succeeds.
#[test]
fn no_power_failure_loses_the_entry_of_what_was_shown() {
    let office = Office::new();
    let running = office.open();
    running.grant("inve", Purpose::Investigation, LISTENS);
    let staff = running.staff("inve");
    let why = reason(Purpose::Investigation);
    let images = office.world.root().join("images");
    copy(&office.disk, &images.join("0"));
    let mut marks = vec![(written(&office.disk).1, None)];
    for round in 0..12 {
        let entry = match round % 3 {
            0 => {
                let found = running.records.search(&staff, &why, &search(Line::Ordinary));
                shown(found.unwrap()).entry
            }
            1 => shown(running.records.listen(&staff, &why, (CEDAR, RECORDING)).unwrap()).entry,
            _ => {
                let records = What::Records(Box::new(search(Line::Ordinary)));
                let asked = export_of(records, Audience::Prosecution);
                shown(running.records.export(&staff, &why, &asked).unwrap()).entry
            }
        };
        // What keyholders and the database knew then is durable too.
        copy(&office.disk, &images.join(marks.len().to_string()));
        marks.push((written(&office.disk).1, Some(entry)));
    }
    running.close();
    let (path, _) = written(&office.disk);
    let name = path.strip_prefix(&office.disk).unwrap();
    let whole = fs::read(&path).unwrap();
    let image = office.world.root().join("image");
    copy(&office.disk, &image);
    let again = office.world.root().join("again");
    let mut seed = 24_u64;
    for crash in 0..2_000 {
        // Numerical Recipes' generator: any spread will do, as long as it is the same each time.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = usize::try_from(seed >> 33).unwrap();
        let mark = at % marks.len();
        let durable = usize::try_from(marks[mark].0).unwrap();
        // A part of what came later may be there, and may be zeros.
        let more = (at / marks.len()) % (whole.len() - durable + 1);
        let mut octets = whole[..durable + more.min(2_000)].to_vec();
        if crash % 2 == 0 {
            octets.resize(octets.len() + 512, 0);
        }
        fs::write(image.join(name), &octets).unwrap();
        let entries = Office::entries(&image);
        let shown_before = marks.iter().filter(|(length, _)| *length <= durable as u64);
        for entry in shown_before.filter_map(|(_, entry)| *entry) {
            let said = &entries[usize::try_from(entry).unwrap()].0.said.what;
            assert!(matches!(said, Statement::Disclosure { .. }), "crash {crash}: {said:?}");
        }
        if crash % 250 == 0 {
            copy(&images.join(mark.to_string()), &again);
            fs::write(again.join(name), &octets).unwrap();
            let running = office.open_at(&again);
            assert_eq!(hear(&running, Verb::Listen, "inve", &why).unwrap().len(), HEARD_OCTETS);
            running.close();
            fs::remove_dir_all(&again).unwrap();
        }
    }
}

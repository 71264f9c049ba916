//! Log-ins of people in custody and of counsel, through the real program, with real calls.

use serde_json::Value;

use crate::{
    county::{self, PROTECTED},
    node::Node,
    place,
    private::assert_nothing_personal,
    process::{CALL, Finished, SOON},
    sipp::{self, Caller},
    staff::Member,
};

const WHY: [&str; 4] = ["--purpose", "own-records", "--case", "mine"];

#[test]
fn a_person_and_counsel_see_what_is_theirs_and_nothing_else_with_sipp() {
    let (folder, trunk) = (sipp::folder(), place::ports(2));
    let node = Node::start(trunk);
    let member = |name| Member::new(&node, name);
    let (ada, sol) = (member("ada-admin"), member("sol-marsh"));
    ada.log_in(&ada.first(&node, "cedar").well());
    ada.adds(&sol, "supervisor");
    let (quill, zweig, lane) = (member("log-in-1"), member("log-in-2"), member("log-in-3"));
    let called = sipp::called(folder.path(), trunk, 2, "1");
    let calls = [(0, county::number(0)), (1, PROTECTED.to_owned())];
    let calls = calls.map(|(person, number)| (Caller { person, turns: TALKS }, number));
    let station = sipp::stations_calling(folder.path(), &node, &calls);

    let first = ["--role", "person", "--person", "T-0", "--called", county::name(0)];
    let second = ["--role", "person", "--person", "T-1", "--called", county::name(1)];
    let holder = ["--role", "counsel", "--holder", "Public Defender"];
    let acts = [
        ada.adds_tied(&quill, &first),
        ada.adds_tied(&zweig, &second),
        ada.adds_tied(&lane, &holder),
    ];
    assert_refused_before_anybody_agreed(&ada, &quill);
    let waiting = sol.run(&["staff", "ties"]).well().out;
    assert!(waiting.contains(&format!("{}, number T-0", county::name(0))), "{waiting}");
    assert!(waiting.contains("Public Defender, who holds 1 protected numbers here"), "{waiting}");
    for act in acts {
        let agree = ["staff", "approve", &act.to_string()];
        assert!(ada.run(&agree).badly().err.contains("approved by a supervisor"));
        assert!(sol.run(&agree).well().out.contains("shows the calls of"));
    }
    station.wait_end(CALL).well();
    called.wait_end(SOON).well();
    assert_own_calls_only(&quill, &zweig, &lane);
    assert_taken_away_and_told(&quill, &zweig);

    sol.run(&["staff", "untie", quill.name]).well();
    assert!(search(&quill, &[]).badly().err.contains("what is their own, and nothing else"));
    let log = node.stop().finished.err;
    assert_nothing_personal(&log);
}

fn assert_refused_before_anybody_agreed(ada: &Member, quill: &Member) {
    assert!(search(quill, &[]).badly().err.contains("what is their own, and nothing else"));
    let slip = ["staff", "tie", quill.name, "--person", "T-1", "--called", county::name(0)];
    assert!(ada.run(&slip).badly().err.contains("nobody here has this number and this name"));
    let alone = ["staff", "tie", quill.name, "--person", "T-1"];
    assert!(ada.run(&alone).err.contains("--called"), "a number alone is not enough");
}

fn search(by: &Member, filter: &[&str]) -> Finished {
    by.run(&[&["disclose", "search", "--json"][..], &WHY, filter].concat())
}

fn records(by: &Member, filter: &[&str]) -> Vec<Value> {
    let page: Value = serde_json::from_str(&search(by, filter).well().out).unwrap();
    page["records"].as_array().unwrap().clone()
}

/// The one call that somebody has, once `is` is so of it: the database and the log follow a call.
fn one(by: &Member, is: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..TRIES {
        if let [record] = records(by, &[]).as_slice()
            && is(record)
        {
            return record.clone();
        }
    }
    panic!("{:?}", records(by, &[]));
}

fn assert_own_calls_only(quill: &Member, zweig: &Member, lane: &Member) {
    let own = one(quill, |record| record["recording"] == "recorded");
    assert_eq!(own["person"], "T-0");
    assert!(own["charged_micros"].as_i64().unwrap() > 0, "{own}");
    let with_counsel = one(zweig, |record| record["outcome"] != "open");
    assert_eq!(with_counsel["person"], "T-1");
    assert_eq!(with_counsel["recording"], "protected");
    let clients = one(lane, |record| record["unrecorded_entry"].is_u64());
    assert_eq!(clients["call"], with_counsel["call"]);
    assert_eq!(clients["person"], "T-1", "they talked");
    assert_eq!(clients["station"], "");
    assert_eq!(clients["recording"], "protected");

    // Another's is as nobody's, by person, by number, and by the call itself.
    let protected = format!("+1{PROTECTED}");
    for filter in [["--person", "T-1"], ["--person", "T-77"], ["--number", &protected]] {
        assert_eq!(records(quill, &filter), [] as [Value; 0], "{filter:?}");
    }
    let family = format!("+1{}", county::number(0));
    assert_eq!(records(lane, &["--number", &family]), [] as [Value; 0]);
    let call = own["call"].as_str().unwrap();
    let hear = |by: &Member, call: &str| {
        let to = by.at.path("heard.wav");
        by.run(&[&["disclose", "listen", call, "--to", to.to_str().unwrap()][..], &WHY].concat())
    };
    assert!(hear(quill, call).well().out.contains("heard.wav"));
    for by in [zweig, lane] {
        let theirs = hear(by, call).badly().err;
        assert_eq!(theirs, hear(by, "00000000000000ff").badly().err);
        assert!(theirs.contains("there is no such thing here"), "{theirs}");
    }
}

fn assert_taken_away_and_told(quill: &Member, zweig: &Member) {
    let to = quill.at.path("mine.zip");
    let export = ["disclose", "export", "--for", "person", "--to", to.to_str().unwrap()];
    let told = quill.run(&[&export[..], &WHY].concat()).well().out;
    assert!(told.contains("Passphrase: "), "{told}");
    let list = |by: &Member| by.run(&[&["disclose", "list"][..], &WHY].concat()).well().out;
    let copies = list(quill);
    assert!(copies.contains("1 copies of your calls") && copies.contains("person"), "{copies}");
    assert!(list(zweig).contains("0 copies of your calls"));
}

/// How often they talk for two seconds.
const TALKS: usize = 25;
/// How often it is looked whether database and log have followed a call.
const TRIES: usize = 40;

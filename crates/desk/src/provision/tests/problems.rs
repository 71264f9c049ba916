//! Wrong files: every mistake is named with its place, and no message quotes personal data.

use super::{JAIL, NOW, folder, pin_hash, problems_of, read_files};
use charging::CapTable;

/// The problems of a TOML file that is the jail and something after it.
fn after_jail(toml: &str) -> Vec<String> {
    problems_of(&[("provision.toml", &format!("{JAIL}\n{toml}"))])
}

/// The problems of one CSV file beside the jail.
fn table(name: &str, csv: &str) -> Vec<String> {
    let toml = format!("{JAIL}\n[files]\n{name} = \"table.csv\"\n");
    problems_of(&[("provision.toml", &toml), ("table.csv", csv)])
}

/// Problems begin with these places and contain these words, in this order.
fn check(problems: &[String], expected: &[(&str, &str)]) {
    for (problem, (place, words)) in problems.iter().zip(expected) {
        assert!(
            problem.starts_with(place) && problem.contains(words),
            "{problem}\nwas not {place} {words}"
        );
    }
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
}

#[test]
fn what_is_no_toml_is_named_with_its_place() {
    check(&after_jail("[[unit]\nkey = \"b\"\n"), &[("provision.toml:22:", "this is not TOML")]);
    let twice = "[trunk]\naddress = \"192.0.2.1\"\naddress = \"192.0.2.2\"\n";
    check(&after_jail(twice), &[("provision.toml:24:1: ", "duplicate key")]);
    check(&problems_of(&[]), &[("provision.toml: ", "this file cannot be read")]);
}

#[test]
fn unknown_keys_come_with_the_word_that_was_meant() {
    let toml = "[[unit]]\nfacilty = \"cedar/jail\"\nkey = \"b\"\n\
                [[stations]]\nkey = 1\n[trunk]\nadress = \"192.0.2.1\"\ncolour = 1\n";
    check(
        &after_jail(toml),
        &[
            ("provision.toml:22:", "`unit` lacks `facility`"),
            ("provision.toml:23:1:", "`facilty` is not a key of `unit`; did you mean `facility`?"),
            (
                "provision.toml:25:3:",
                "`stations` is not a key of `the file`; did you mean `station`?",
            ),
            ("provision.toml:27:", "`trunk` lacks `address`"),
            ("provision.toml:28:1:", "did you mean `address`?"),
            ("provision.toml:29:1:", "`colour` is not a key of `trunk`"),
        ],
    );
}

#[test]
fn every_value_of_a_facility_is_checked() {
    let toml = r#"
[[facility]]
agency = "cedr"
key = "no spaces"
name = ""
kind = "camp"
adp = "212"
adp_year = 1776
state = "XX"
timezone = "Mountain"
recording = "maybe"
registry_down = "hope"
talk_minutes_max = 0
allowed_only = "yes"
caller_id = "555-0100"
rate = { base = 0.06, additive = "1,5", fee = "3" }
"#;
    check(
        &after_jail(toml),
        &[
            (
                "provision.toml:24:10:",
                "there is no agency `cedr` in this file; did you mean `cedar`?",
            ),
            ("provision.toml:25:7:", "a key has 1 to 40"),
            ("provision.toml:26:8:", "the name is missing"),
            ("provision.toml:27:8:", "`kind` must be `\"jail\"` or `\"prison\"`"),
            (
                "provision.toml:28:7:",
                "`adp` must be a whole number from 0 to 1000000, without quotes",
            ),
            ("provision.toml:29:", "`adp_year`"),
            ("provision.toml:30:", "two letters"),
            ("provision.toml:31:", "IANA time zone"),
            ("provision.toml:32:", "`recording` must be `\"on\"` or `\"off\"`"),
            ("provision.toml:33:", "`\"place_unrecorded\"` or `\"refuse\"`"),
            ("provision.toml:34:", "from 1 to 240"),
            ("provision.toml:35:", "`true` or `false`, without quotes"),
            ("provision.toml:36:", "`caller_id`: digits are missing"),
            ("provision.toml:37:17:", "`base` must be text in double quotes"),
            ("provision.toml:37:34:", "`additive` must be dollars"),
            ("provision.toml:37:41:", "`fee` is not a key of `rate`"),
        ],
    );
}

#[test]
fn what_is_missing_is_asked_for_with_an_example() {
    let problems = after_jail("[[facility]]\nagency = \"cedar\"\nkey = \"annex\"\n");
    let expected: Vec<(&str, &str)> = [
        "`name`",
        "`kind = \"jail\"`",
        "`adp = 212`",
        "`state = \"CO\"`",
        "`timezone`",
        "`recording = \"on\"`",
        "`caller_id`",
        "`rate = { base",
    ]
    .map(|words| ("provision.toml:22:", words))
    .into();
    check(&problems, &expected);
}

#[test]
fn a_rate_above_the_cap_is_refused_and_the_cap_is_named() {
    let rate = "rate = { base = \"0.09\", additive = \"0.02\" }";
    let with = |other: &str| problems_of(&[("provision.toml", &JAIL.replace(rate, other))]);
    let place = "provision.toml:16:8:";
    check(
        &with("rate = { base = \"0.1100001\" }"),
        &[("provision.toml:16:", "at most six decimals")],
    );
    check(&with("rate = { base = \"0.110001\" }"), &[(place, "`fcc-25-75/jail-100/base`")]);
    let over = "rate = { base = \"0.10\", additive = \"0.021\" }";
    check(&with(over), &[(place, "FCC 25-75")]);
    check(&with("rate = { base = \"-0.01\" }"), &[(place, "a rate cannot be negative")]);
    check(
        &with("rate = { additive = \"0.01\" }"),
        &[("provision.toml:16:", "`rate` lacks `base`")],
    );
    let most = JAIL.replace(rate, "rate = { base = \"0.11\", additive = \"0.02\" }");
    assert!(read_files(&[("provision.toml", &most)]).is_ok(), "the cap itself is lawful");
}

#[test]
fn a_keyholder_is_a_public_key() {
    let toml = "[[agency]]\nkey = \"juniper\"\nname = \"Juniper County\"\nkeyholder = \"secret\"\n";
    check(&after_jail(toml), &[("provision.toml:25:13:", "`keyholder`: ")]);
}

#[test]
fn keys_stand_once() {
    let toml = "[[agency]]\nkey = \"cedar\"\nname = \"Again\"\n\
                [[unit]]\nfacility = \"cedar/jail\"\nkey = \"a\"\n";
    check(
        &after_jail(toml),
        &[
            ("provision.toml:22:", "the agency `cedar` stands on line 2 too"),
            ("provision.toml:25:", "the unit `cedar/jail/a` stands on line 18 too"),
        ],
    );
}

#[test]
fn stations_are_reached_in_one_way_and_told_apart() {
    let toml = r#"[[station]]
unit = "cedar/jail/a"
key = "1"
address = "192.0.2.10"
[[station]]
unit = "cedar/jail/a"
key = "2"
address = "192.0.2.10"
[[station]]
unit = "cedar/jail/a"
key = "3"
[[station]]
unit = "cedar/jail/a"
key = "4"
address = "phone.example"
[[station]]
unit = "cedar/jail/a"
key = "5"
address = "192.0.2.11"
digest = { user = "a5", password = "long enough" }
[[station]]
unit = "cedar/jail/a"
key = "6"
digest = { user = "a 6", password = "hunter2" }
[[station]]
unit = "cedar/jail/c"
key = "7"
address = "192.0.2.12"
[[station]]
unit = "cedar/jail/a"
key = "8"
address = "192.0.2.10"
removed = true
"#;
    let problems = after_jail(toml);
    check(
        &problems,
        &[
            ("provision.toml:26:", "the station on line 22 has the same address"),
            ("provision.toml:30:", "`station` lacks `address`"),
            ("provision.toml:36:11:", "host names are not looked up"),
            ("provision.toml:37:", "both `address` and `digest`"),
            ("provision.toml:45:19:", "a key has"),
            ("provision.toml:45:37:", "at least 8 characters"),
            ("provision.toml:47:8:", "there is no unit `cedar/jail/c`"),
        ],
    );
    assert!(!problems.iter().any(|problem| problem.contains("hunter2")));
}

#[test]
fn a_station_dials_in_one_way_and_for_one_person() {
    let toml = r#"[[station]]
unit = "cedar/jail/a"
key = "1"
address = "192.0.2.10"
pin = "never"
hotline = { number = "2025550150", recording = "on" }
[[station]]
unit = "cedar/jail/a"
key = "2"
address = "192.0.2.11"
pin = "ask"
person = "B-1"
dialling = "en_bloc"
hotline = { number = "911", fee = false }
"#;
    check(
        &after_jail(toml),
        &[
            ("provision.toml:26:7:", "`pin` must be"),
            ("provision.toml:27:", "`recording` must be"),
            ("provision.toml:28:", "`person` and `pin` exclude each other"),
            ("provision.toml:28:", "`hotline` and `dialling` exclude each other"),
            ("provision.toml:35:", "emergency calls are refused"),
            ("provision.toml:35:", "`fee` is not a key"),
        ],
    );
}

#[test]
fn services_are_short_codes_and_told_apart() {
    let toml = format!("{JAIL}\n[files]\nservices = \"s.csv\"\n");
    let rows = "scope,number,kind,keys\ncedar,202-555-0170,relay,711\ncedar,202-555-0171,tty,\n\
                cedar,202-555-0170,help,\ncedar,202-555-0172,help,711\n\
                cedar,202-555-0173,help,911\ncedar,202-555-0174,speed,\n\
                cedar,202-555-0175,speed,123\n";
    check(
        &problems_of(&[("provision.toml", &toml), ("s.csv", rows)]),
        &[
            ("s.csv:3:", "`kind` must be"),
            ("s.csv:4:", "line 2 has a service with the same number"),
            ("s.csv:5:", "line 2 has the same keys"),
            ("s.csv:6:", "emergency numbers stay refused"),
            ("s.csv:7:", "a speed dial needs `keys`"),
            ("s.csv:8:", "`keys` must be"),
        ],
    );
}

#[test]
fn a_gateway_has_lines_or_a_number_of_them() {
    let gateway = |lines: &str| {
        after_jail(&format!(
            "[[gateway]]\nunit = \"cedar/jail/a\"\naddress = \"192.0.2.20\"\n{lines}\n"
        ))
    };
    check(&gateway(""), &[("provision.toml:22:", "`gateway` lacks `lines`")]);
    let both = gateway("lines = [\"x\"]\nline_count = 2");
    check(&both, &[("provision.toml:22:", "both `lines` and `line_count`")]);
    check(&gateway("line_count = 5000"), &[("provision.toml:25:14:", "from 1 to 1000")]);
    check(&gateway("lines = \"x\""), &[("provision.toml:25:9:", "must be a list of texts")]);
    check(&gateway("lines = [\"ok\", \"a/b\"]"), &[("provision.toml:25:16:", "a key has")]);
    check(
        &gateway("lines = [\"x\", \"x\"]"),
        &[("provision.toml:22:", "`cedar/jail/a/x` stands on line 22 too")],
    );
}

#[test]
fn every_bad_person_is_named_by_line_and_by_nothing_else() {
    let people = "facility,id,name,pin,language,opening_balance,removed\n\
                  cedar/jial,B-1,Dana Example,482913,,,\n\
                  cedar/jail,,Dana Example,482913,,,\n\
                  cedar/jail,B-2,,482913,,,\n\
                  cedar/jail,B-3,Dana Example,12345,,,\n\
                  cedar/jail,B-4,Dana Example,48291x,,,\n\
                  cedar/jail,B-5,Dana Example,1234567890123,,,\n\
                  cedar/jail,B-6,Dana Example,482913,fr,,\n\
                  cedar/jail,B-7,Dana Example,730418,,12 dollars,\n\
                  cedar/jail,B-7,Dana Example,730419,,,perhaps\n\
                  cedar/jail,B-8,Dana Example\n\
                  cedar/jail,B-9,Dana, Example,730420,,,\n\
                  cedar/jail,B-10,Dana Example,730418,,\"1,000\",\n";
    let problems = table("people", people);
    check(
        &problems,
        &[
            ("table.csv:2: ", "`facility`: the provision file has no such facility"),
            ("table.csv:3: ", "`id`: it is missing"),
            ("table.csv:4: ", "`name`: the name is missing"),
            ("table.csv:5: ", "a PIN has 6 to 12 digits"),
            ("table.csv:6: ", "a PIN has 6 to 12 digits"),
            ("table.csv:7: ", "a PIN has 6 to 12 digits"),
            ("table.csv:8: ", "`language` must be `en` or `es`"),
            ("table.csv:8: ", "the person on line 4 has the same PIN"),
            ("table.csv:9: ", "`opening_balance` must be dollars"),
            ("table.csv:10: ", "`removed` must be `yes` or `no`"),
            ("table.csv:10: ", "the person on line 9 has the same id"),
            ("table.csv:11: ", "this row has 3 fields and the first row 7"),
            ("table.csv:12: ", "must stand in double quotes"),
            ("table.csv:13: ", "`opening_balance`"),
            ("table.csv:13: ", "the person on line 9 has the same PIN"),
        ],
    );
    assert!(problems[0].contains("did you mean `cedar/jail`?"));
    for private in ["482913", "48291x", "730418", "Dana", "B-7", "12 dollars"] {
        assert!(!problems.iter().any(|problem| problem.contains(private)), "{private}");
    }
}

#[test]
fn contacts_deposits_and_rules_are_checked_against_the_rest() {
    let toml = format!(
        "{JAIL}\n[files]\npeople = \"people.csv\"\ncontacts = \"contacts.csv\"\n\
         deposits = \"deposits.csv\"\nnumbers = \"numbers.csv\"\nprotected = \"protected.csv\"\n"
    );
    let problems = problems_of(&[
        ("provision.toml", &toml),
        ("people.csv", "facility,id,name,pin\ncedar/jail,B-1,Dana Example,482913\n"),
        (
            "contacts.csv",
            "person,number,removed\nB-1,202-555-0147,\nB-9,202-555-0147,\nB-1,555-0147,\n\
             B-1,+1 (202) 555 0147,yes\nB-1,2025550147,no\n",
        ),
        (
            "deposits.csv",
            "person,amount,reference\nB-1,10,R-1\nB-1,10,R-1\nB-1,0,R-2\nB-1,-5,R-3\n\
             B-1,5,\nB-1,5,opening/B-1\nB-1,10000.01,R-4\n",
        ),
        (
            "numbers.csv",
            "scope,number,rule\ncedar,202-555-0150,free\ncedar,2025550150,free\n\
             cedar/none,202-555-0151,allowed\njuniper,202-555-0151,allowed\n\
             cedar,202-555-0152,never\ncedar,911,free\n",
        ),
        ("protected.csv", "number,holder\n202-555-0160,Counsel\nno number,Counsel\n"),
    ]);
    check(
        &problems,
        &[
            ("contacts.csv:3: ", "no row of the people file has this id"),
            ("contacts.csv:4: ", "digits are missing"),
            ("contacts.csv:5: ", "line 2 says the opposite"),
            ("numbers.csv:3: ", "line 2 has a rule for the same number"),
            ("numbers.csv:4: ", "`scope`: the provision file has no such facility"),
            ("numbers.csv:5: ", "`scope`: the provision file has no such agency"),
            ("numbers.csv:6: ", "`rule` must be `allowed`, `blocked` or `free`"),
            ("numbers.csv:7: ", "`number`:"),
            ("protected.csv:3: ", "`number`:"),
            ("deposits.csv:3: ", "line 2 has the same reference"),
            ("deposits.csv:4: ", "more than nothing"),
            ("deposits.csv:5: ", "dollars from 0 to"),
            ("deposits.csv:6: ", "`reference`: it is missing"),
            ("deposits.csv:7: ", "opening balances"),
            ("deposits.csv:8: ", "$10000.00"),
        ],
    );
    for private in ["0147", "0150", "0160", "Dana", "R-1", "no number"] {
        assert!(!problems.iter().any(|problem| problem.contains(private)), "{private}");
    }
}

#[test]
fn the_first_row_names_the_columns() {
    check(&table("people", ""), &[("table.csv:1: ", "`facility,id,name,pin`")]);
    let semicolons = table("people", "facility;id;name;pin\ncedar/jail;B-1;Dana;482913\n");
    check(&semicolons, &[("table.csv:1: ", "separated by commas")]);
    let misnamed = table("contacts", "# list\npersons,number,number\nB-1,2025550142,1\n");
    check(
        &misnamed,
        &[
            ("table.csv:2: ", "did you mean `person`?"),
            ("table.csv:2: ", "the column `number` stands twice"),
            ("table.csv:2: ", "the column `person` is missing"),
        ],
    );
    let none = table("people", "cedar/jail,B-1,Dana Example,482913\n");
    assert!(none.iter().all(|problem| problem.starts_with("table.csv:1: ")));
    for private in ["Dana", "dana", "482913", "B-1", "b-1"] {
        assert!(!none.iter().any(|problem| problem.contains(private)), "{none:?}");
    }
}

#[test]
fn text_that_cannot_be_read_is_named_by_line() {
    let open = table("protected", "number,holder\n202-555-0160,\"Counsel\n202-555-0161,x\n");
    check(&open, &[("table.csv:2: ", "close it with a double quote")]);
    let folder =
        super::folder(&[("provision.toml", &format!("{JAIL}[files]\nprotected = \"p.csv\""))]);
    let path = folder.path().join("p.csv");
    let read = || super::read(&folder.path().join("provision.toml"));
    std::fs::write(&path, b"number,holder\n2025550160,Jos\xe9\n2025550161,ok\n2025550162,\xff\n")
        .unwrap();
    let problems = read().unwrap_err();
    let lines: Vec<Option<u64>> = problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [Some(2), Some(4)]);
    assert!(problems[0].reason.contains("UTF-8"));
    std::fs::write(&path, b"\xff\xfen\0u\0m\0").unwrap();
    assert!(read().unwrap_err()[0].reason.contains("UTF-16"));
    std::fs::remove_file(&path).unwrap();
    assert!(read().unwrap_err()[0].reason.contains("cannot be read"));
}

#[test]
fn switches_of_the_registry_need_the_registry() {
    let toml = format!("replace_protected = true\nprotected_count = 3\n{JAIL}");
    check(
        &problems_of(&[("provision.toml", &toml)]),
        &[
            ("provision.toml:1:21:", "`replace_protected` needs `protected"),
            ("provision.toml:2:19:", "`protected_count` needs `protected"),
        ],
    );
}

#[test]
fn several_agencies_ask_for_the_column() {
    let toml = format!(
        "{JAIL}\n[[agency]]\nkey = \"juniper\"\nname = \"Juniper County\"\n\
         [files]\nprotected = \"p.csv\"\n"
    );
    let problems = problems_of(&[
        ("provision.toml", &toml),
        ("p.csv", "number,agency\n202-555-0160,\n202-555-0161,junper\n"),
    ]);
    check(
        &problems,
        &[("p.csv:2: ", "add a column `agency`"), ("p.csv:3: ", "did you mean `juniper`?")],
    );
}

#[test]
fn very_many_problems_are_counted() {
    let rows = "x\n".repeat(1_500);
    let problems = table("protected", &format!("number\n{rows}"));
    assert_eq!(problems.len(), 1_001);
    assert!(problems.last().unwrap().ends_with("there are 500 more problems; mend these first"));
}

#[test]
fn a_rate_above_a_cap_of_an_operators_own_names_it() {
    let own = "id,order,source,kind,adp_min,adp_max,state,component,amount,from,to,note\n\
               co/total,An act,A code,any,,,CO,total,0.10,2020-01-01,,\n";
    let caps = CapTable::parse(own).unwrap();
    let folder = folder(&[("provision.toml", JAIL)]);
    let path = folder.path().join("provision.toml");
    let problems = super::super::read(&path, &pin_hash, &caps, NOW).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].to_string().contains("`co/total` of An act"), "{}", problems[0]);
}

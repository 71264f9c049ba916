//! What a person in custody and counsel are answered about their own calls, and another's.

use super::*;
use disclosure::roster::TieAsk;
use store::plan::{Protected, ProtectedNumber};

/// Who asks: the title of a column, the role, and to whom the log-in is tied.
const WHO: &[(&str, Role, Option<&str>)] = &[
    ("the person", Role::Person, Some("P-1")),
    ("another person", Role::Person, Some("P-2")),
    ("a person whose log-in is tied to nobody", Role::Person, None),
    ("counsel", Role::Counsel, Some("Counsel")),
    ("another counsel", Role::Counsel, Some("Another counsel")),
    ("counsel whose log-in is tied to nobody", Role::Counsel, None),
];

/// In words, with which command, at which route, and what is sent.
type Row = (&'static str, &'static str, &'static str, fn() -> Value);

const ROWS: &[Row] = &[
    ("look for their own calls", "search", "search", || with(json!({}))),
    ("look for calls of the person, by number", "search", "search", || {
        with(json!({"person": "P-1"}))
    }),
    ("look for calls of another person, by number", "search", "search", || {
        with(json!({"person": "P-2"}))
    }),
    ("look for calls of a person whom there is not", "search", "search", || {
        with(json!({"person": "P-99"}))
    }),
    ("look for calls to counsel's number", "search", "search", || {
        with(json!({"number": "+12025550160"}))
    }),
    ("look for calls to a number of the person's family", "search", "search", || {
        with(json!({"number": "+12025550142"}))
    }),
    ("look for calls to a number that nobody called", "search", "search", || {
        with(json!({"number": "+12025550199"}))
    }),
    ("look for calls at Pine County", "search", "search", || {
        let why = json!({"agency": "pine", "purpose": "own-records", "case": "own"});
        json!({"why": why})
    }),
    (
        "look for their own calls, for an investigation",
        "search",
        "search",
        || json!({"why": {"purpose": "investigation", "case": "own"}}),
    ),
    (
        "count their own calls by month",
        "counts",
        "counts",
        || json!({"why": why(), "from": "2026-11", "to": "2026-11"}),
    ),
    ("hear the recording of the person's call", "listen", "listen", || hear(RECORDING.0)),
    ("hear the recording of the person's call with counsel", "listen", "listen", || {
        hear(COUNSELS.0)
    }),
    ("hear the recording of a call without one", "listen", "listen", || hear(9)),
    ("hear a recording that there is not", "listen", "listen", || hear(99)),
    ("follow the person's call", "follow", "follow", || hear(RECORDING.0)),
    (
        "take a copy of their own calls away",
        "export",
        "export",
        || json!({"why": why(), "audience": "court"}),
    ),
    (
        "take a copy of the recording away",
        "export",
        "export",
        || json!({"why": why(), "audience": "court", "recording": format!("{:016x}", RECORDING.0)}),
    ),
    ("see who took copies of their own calls away", "list", "list", || json!({"why": why()})),
];

fn why() -> Value {
    json!({"purpose": "own-records", "case": "own"})
}

fn with(filter: Value) -> Value {
    json!({"why": why(), "filter": filter})
}

fn hear(recording: u64) -> Value {
    json!({"why": why(), "recording": format!("{recording:016x}")})
}

/// Writes the table.
pub(crate) fn section(text: &mut String, county: &County) {
    let tokens = WHO.iter().map(|(title, role, tie)| log_in(county, title, *role, *tie));
    let tokens: Vec<_> = tokens.collect();
    county.for_a_court();
    text.push_str(HEAD);
    let titles: Vec<_> = WHO.iter().map(|(title, ..)| *title).collect();
    writeln!(text, "\n| asked | {} |\n|---|{}", titles.join(" | "), "---|".repeat(WHO.len()))
        .unwrap();
    for (what, command, route, body) in ROWS {
        write!(text, "| {what} (`parlatory disclose {command}`) |").unwrap();
        for token in &tokens {
            write!(text, " {} |", answer(county, route, token, &body())).unwrap();
        }
        text.push('\n');
    }
}

/// A log-in that is tied as it is when two people tied it; gives the token of its session.
fn log_in(county: &County, title: &str, role: Role, tie: Option<&str>) -> String {
    let staff = county.add(CEDAR, title, role);
    let store = &county.running.store;
    let totp = Private::new(vec![1; 20]);
    store.enrol_staff(staff.id, &Private::new("hash".to_owned()), &totp).unwrap();
    if let Some(tie) = tie {
        let named = |text: &str| Private::new(text.to_owned());
        let name = named(&format!("Person {tie}"));
        let person = TieAsk::Person { key: named(tie), name };
        let to = if role == Role::Person { person } else { TieAsk::Holder(named(tie)) };
        let roster = &county.running.roster;
        let tie = roster.tie(&county.running.staff("admin"), staff.id, &to).unwrap();
        roster.approve_tie(&county.running.staff("super"), tie.row.act).unwrap();
    }
    assert!(store.logged_in(staff.id, 1, &Sha256::digest(title).into(), NOW).unwrap());
    title.to_owned()
}

/// The numbers of two counsel at Cedar.
pub(crate) fn registry() -> Plan {
    let of = |end, holder: &str| ProtectedNumber {
        agency: "cedar".into(),
        number: number(end),
        holder: Some(Private::new(holder.to_owned())),
    };
    let numbers = vec![of(60, "Counsel"), of(62, "Another counsel")];
    let protected = Some(Protected { numbers, replace: false, count: None });
    Plan { protected, ..Plan::default() }
}

/// What is answered: how much of it, where it is shown.
fn answer(county: &County, route: &str, token: &str, body: &Value) -> String {
    let url = format!("{}/api/v1/records/{route}", county.console.url());
    let ask = county.agent.post(url).header("Authorization", format!("Bearer {token}"));
    let mut response = ask.content_type("application/json").send(body.to_string()).unwrap();
    let status = response.status().as_u16();
    if status == 200 && matches!(route, "listen" | "follow") {
        assert!(response.body_mut().read_to_vec().unwrap().len() > 44);
        return "yes".to_owned();
    }
    let said: Value = serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap();
    match (status, said["error"]["code"].as_str()) {
        (200, _) => {
            let listed = said["records"].as_array().map(Vec::len);
            let packed = said["records"].as_u64().and_then(|count| usize::try_from(count).ok());
            let counted = said["months"][0]["own_calls"].as_u64();
            let counted = counted.and_then(|count| usize::try_from(count).ok());
            match listed.or(packed).or(counted) {
                Some(0) => "none".to_owned(),
                Some(1) => "1 call".to_owned(),
                Some(count) => format!("{count} calls"),
                None => match said["copies"].as_array().unwrap().len() {
                    0 => "none".to_owned(),
                    _ => "yes".to_owned(),
                },
            }
        }
        (403, Some("not-allowed")) => "refused".to_owned(),
        (404, Some("not-there")) => "not there".to_owned(),
        _ => panic!("{route}: {status} {said}"),
    }
}

const HEAD: &str = "
## Whose calls they are

Log-ins of the roles `person` and `counsel` that were tied by an it-admin and a supervisor
(`parlatory staff tie`), and some that were not. The person made five calls at Cedar County: two
ordinary ones, of which one is recorded; one to counsel, who did not take it; one to a number that
became counsel's afterwards, which is recorded; and one to a line for reports, which nobody is
shown. *None* and *not there* are what anybody is answered who asks for what does not exist.
";

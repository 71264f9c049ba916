//! Asks every route in every role, as staff of the agency whose data it is and as staff of another
//! one, and writes down what the console answers: `docs/access.md`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

#[path = "../../vault/tests/consent/mod.rs"]
mod consent;
#[path = "../../disclosure/tests/office/mod.rs"]
mod office;
#[path = "../../vault/tests/open/mod.rs"]
mod open;
#[path = "../../vault/tests/world/mod.rs"]
mod world;

use access::{Purpose, Role, Verb, staff::Staff};
use console::{Console, ConsoleConfig, Entry, Method, ROUTES, Services};
use disclosure::{
    Stopping,
    records::{Answer, Reason},
    roster::NewGrant,
    stopping::Floor,
};
use expect_test::expect_file;
use model::{AgencyId, CallId, Clock, Private, fact::Admitted};
use office::{CEDAR, HOUR, NOW, Office, PINE, RECORDING, Running};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{
    cell::Cell,
    collections::BTreeSet,
    fmt::Write as _,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use store::staff::{Enrolment, NewStaff};
use ureq::Agent;

/// The case for which there is a grant, and one for which there is none.
const GRANTED: &str = "24-CR-0117";
const OTHER: &str = "24-CR-0118";

/// One thing that is asked for.
struct Asked {
    /// In words.
    what: &'static str,
    /// With which command.
    command: &'static str,
    route: &'static str,
    /// Whether it names something of Cedar County.
    names: bool,
    body: fn(&Asker<'_>) -> Value,
}

/// A node on which nobody calls.
struct NoCalls;

impl Floor for NoCalls {
    fn end(&self, _: &dyn Fn(&Admitted) -> bool) -> Vec<CallId> {
        vec![]
    }
}

/// Who asks.
struct Asker<'a> {
    county: &'a County,
    role: Role,
}

struct County {
    running: Running,
    console: Console,
    agent: Agent,
    /// So that nothing is used twice.
    next: Cell<u32>,
}

impl County {
    fn start(office: &Office) -> Self {
        let running = office.open();
        let (store, register) = (running.store.clone(), Arc::clone(&running.register));
        let services = Services {
            roster: running.roster.clone(),
            records: running.records.clone(),
            stopping: Stopping::new(store, register, Box::new(NoCalls), Clock::new(|| NOW)),
        };
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let config = ConsoleConfig { listen, tls: None };
        let console = Console::start(config, Ok(services), Clock::new(|| NOW)).unwrap();
        let agent = Agent::config_builder().http_status_as_error(false).build().into();
        let county = Self { running, console, agent, next: Cell::new(0) };
        county.running.grant("inve", Purpose::Investigation, &[Verb::Follow]);
        county
    }

    /// A new member of Cedar's staff, or of another agency's.
    fn add(&self, agency: AgencyId, name: &str, role: Role) -> Staff {
        let store = &self.running.store;
        let new = NewStaff {
            id: store.next_staff().unwrap(),
            agency,
            name: Private::new(name.to_owned()),
            role,
            enrolment: Enrolment { token: [0; 32], until: NOW },
        };
        store.add_staff(&new, NOW).unwrap();
        self.running.staff(name)
    }

    /// Everybody who asks, with a session and a grant for one case where their role has a use for
    /// one.
    fn add_askers(&self, agency: AgencyId) {
        for role in Role::ALL.iter().copied() {
            let name = asker(agency, role);
            let staff = self.add(agency, &name, role);
            let token = Sha256::digest(&name).into();
            assert!(self.running.store.logged_in(staff.id, 1, &token, NOW).unwrap());
            self.running.grant(&name, purpose(role), GRANT);
            self.running.grant(&name, Purpose::CourtOrder, GRANT);
        }
    }

    /// A name that nobody has.
    fn name(&self) -> String {
        self.next.set(self.next.get() + 1);
        format!("target-{}", self.next.get())
    }

    /// Somebody of Cedar's staff to whom something is done.
    fn target(&self) -> Staff {
        self.add(CEDAR, &self.name(), Role::Investigator)
    }

    fn name_of(&self, staff: &Staff) -> String {
        let all = self.running.store.staff().unwrap();
        let row = all.into_iter().find(|row| row.staff.id == staff.id).unwrap();
        row.name.into_inner()
    }

    /// An act that waits for a second person of Cedar.
    fn waiting(&self) -> u64 {
        let inve = self.running.staff("inve");
        let case = Private::new(GRANTED.to_owned());
        let reason = Reason { purpose: Purpose::Investigation, case, act: None };
        match self.running.records.follow(&inve, &reason, (CEDAR, RECORDING)).unwrap() {
            Answer::Waits { act, .. } => act,
            Answer::Shown(_) => panic!("to follow needs a second person"),
        }
    }

    fn grant(&self) -> u32 {
        let new = NewGrant {
            staff: self.target().id,
            case: Private::new(GRANTED.to_owned()),
            purpose: Purpose::Investigation,
            verbs: vec![Verb::Search],
            rows_max: 1,
            from: NOW,
            until: NOW.after(HOUR),
        };
        self.running.roster.give(&self.running.staff("super"), new).unwrap().0
    }

    fn glass(&self) -> u64 {
        let (act, _) = self.running.roster.break_glass(&self.target(), HOUR, "a threat").unwrap();
        act
    }

    /// What is answered, in a word or two.
    fn answer(&self, asked: &Asked, token: &str, body: &Value) -> &'static str {
        let (method, path) = asked.route.split_once(' ').unwrap();
        let url = format!("{}{path}", self.console.url());
        let bearer = format!("Bearer {token}");
        let response = match method {
            "GET" => self.agent.get(url).header("Authorization", bearer).call(),
            _ => {
                let ask = self.agent.post(url).header("Authorization", bearer);
                ask.content_type("application/json").send(body.to_string())
            }
        };
        let mut response = response.unwrap();
        let status = response.status().as_u16();
        if status == 200 {
            return "yes";
        }
        let text = response.body_mut().read_to_string().unwrap();
        let said: Value = serde_json::from_str(&text).unwrap();
        match (status, said["error"]["code"].as_str()) {
            (202, None) => "needs approval",
            (403, Some("not-allowed")) => "refused",
            (404, Some("not-there")) => "not there",
            (401, Some("log-in")) => "log in",
            (401, Some("wrong")) => "old password",
            _ => panic!("{}: {status} {said}", asked.what),
        }
    }
}

const GRANT: &[Verb] = &[Verb::Search, Verb::Listen, Verb::Follow, Verb::Export];

fn asker(agency: AgencyId, role: Role) -> String {
    format!("{}-{role}", if agency == CEDAR { "cedar" } else { "pine" })
}

/// The purpose that a role has.
const fn purpose(role: Role) -> Purpose {
    match role {
        Role::Investigator | Role::Supervisor => Purpose::Investigation,
        Role::Clerk | Role::Defence => Purpose::Discovery,
        Role::Auditor => Purpose::Audit,
        Role::ItAdmin => Purpose::Administration,
        Role::Inspector => Purpose::Inspection,
        Role::Person | Role::Counsel => Purpose::OwnRecords,
    }
}

impl Asker<'_> {
    fn why(&self, case: &str) -> Value {
        json!({"agency": CEDAR.0, "purpose": purpose(self.role).word(), "case": case})
    }

    /// Why something is looked at that goes with a role.
    fn oversight(&self) -> Value {
        let supervises = self.role == Role::Supervisor;
        let purpose = if supervises { Purpose::Audit } else { purpose(self.role) };
        json!({"agency": CEDAR.0, "purpose": purpose.word(), "case": "review 2026-4"})
    }

    fn search(&self, case: &str) -> Value {
        json!({"why": self.why(case), "filter": {"recorded": true}})
    }

    fn hear(&self, case: &str, recording: u64) -> Value {
        json!({"why": self.why(case), "recording": format!("{recording:016x}")})
    }

    fn export(&self, case: &str) -> Value {
        json!({"why": self.why(case), "audience": "court"})
    }
}

/// Nothing has to be said.
fn nothing(_: &Asker<'_>) -> Value {
    json!({})
}

#[test]
fn what_is_answered_is_what_is_written_down() {
    let office = Office::new();
    let county = County::start(&office);
    county.add_askers(CEDAR);
    county.add_askers(PINE);
    let mut text = HEAD.to_owned();
    table(&mut text, &county, CEDAR, "Staff of Cedar County", ASKED.iter());
    let named = ASKED.iter().filter(|asked| asked.names);
    table(&mut text, &county, PINE, "Staff of Pine County, with Cedar County's data", named);
    open_routes(&mut text, &county);
    county.console.stop();
    county.running.close();
    expect_file!["../../../docs/access.md"].assert_eq(&text);
}

fn table<'a>(
    text: &mut String,
    county: &County,
    agency: AgencyId,
    title: &str,
    rows: impl Iterator<Item = &'a Asked>,
) {
    let roles: Vec<_> = Role::ALL.iter().map(|role| role.word()).collect();
    writeln!(text, "\n## {title}\n\n| asked | {} |", roles.join(" | ")).unwrap();
    writeln!(text, "|---|{}", "---|".repeat(roles.len())).unwrap();
    for asked in rows {
        write!(text, "| {} (`{}`) |", asked.what, asked.command).unwrap();
        for role in Role::ALL.iter().copied() {
            let body = (asked.body)(&Asker { county, role });
            let answer = county.answer(asked, &asker(agency, role), &body);
            write!(text, " {answer} |").unwrap();
        }
        text.push('\n');
    }
}

/// What is open to anybody; and that nothing else is.
fn open_routes(text: &mut String, county: &County) {
    text.push_str(OPEN);
    for route in ROUTES.iter().copied().flatten() {
        match route.entry {
            Entry::Anybody => writeln!(text, "- `{route:?}`").unwrap(),
            Entry::Staff => {
                let route = format!("{route:?}");
                let asked = ASKED.iter().find(|asked| asked.route == route);
                let asked = asked.unwrap_or_else(|| panic!("nobody asks `{route}` here"));
                let answer = county.answer(asked, "nobodys", &json!({}));
                assert_eq!(answer, "log in", "{route}");
            }
        }
    }
}

#[test]
fn what_is_asked_are_routes_and_every_one_of_them() {
    let asked: BTreeSet<_> = ASKED.iter().map(|asked| asked.route.to_owned()).collect();
    let routes = ROUTES.iter().copied().flatten();
    let staff = routes.filter(|route| route.entry == Entry::Staff);
    assert_eq!(staff.map(|route| format!("{route:?}")).collect::<BTreeSet<_>>(), asked);
    assert!(
        ROUTES
            .iter()
            .copied()
            .flatten()
            .all(|route| { matches!(route.method, Method::Get | Method::Post) })
    );
}

const HEAD: &str = "\
# What each role is answered

Written by a test (`crates/console/tests/golden.rs`), which asks a console over a real log,
store and two keyholders for everything
it can be asked for, as somebody of every role. `policies/matrix.md` says what the policies
decide; this says what comes out.

- **yes**: it is done, or shown. Whatever is shown of somebody stands in the log first.
- **needs approval**: a supervisor of Cedar County must approve this very request, never who
  asks; then it is asked again.
- **refused**: it is refused, and where it was to see something of somebody, that is entered.
- **not there**: whoever asks is not told whether there is such a thing. So it is with all that
  another agency has.
- **old password**: nobody changes a password without knowing the one before.

Each asks for the purpose that goes with their role: investigators and supervisors for an
investigation, clerks and the defence
for discovery, auditors for an audit, inspectors for an inspection, persons and counsel for
their own records, it-admins for
administration. *With a grant* means that a supervisor of Cedar County gave them leave for the
case. Nobody here is whose calls they are.
Lists of grants, of waiting requests, of staff and of broken glasses show each what concerns them.
";

const OPEN: &str = "
## Without a session

Everything above is answered with *log in first*. Open to anybody who reaches the console
(`parlatory login`,
`parlatory staff first`, `parlatory staff enrol`), with the limits that `docs/operating.md` names:

";

/// Everything that is asked for. Ending the session comes last.
const ASKED: &[Asked] = &[
    Asked {
        what: "look for calls, without a grant",
        command: "parlatory disclose search",
        route: "POST /api/v1/records/search",
        names: true,
        body: |by| by.search(OTHER),
    },
    Asked {
        what: "look for calls, with a grant",
        command: "parlatory disclose search",
        route: "POST /api/v1/records/search",
        names: true,
        body: |by| by.search(GRANTED),
    },
    Asked {
        what: "look for calls with counsel, with a grant",
        command: "parlatory disclose search",
        route: "POST /api/v1/records/search",
        names: true,
        body: |by| json!({"why": by.why(GRANTED), "filter": {"protected": true}}),
    },
    Asked {
        what: "look for calls with counsel, by a court's order, with a grant for it",
        command: "parlatory disclose search",
        route: "POST /api/v1/records/search",
        names: true,
        body: |_| {
            let why = json!({"agency": CEDAR.0, "purpose": "court-order", "case": GRANTED});
            json!({"why": why, "filter": {"protected": true}})
        },
    },
    Asked {
        what: "count calls with counsel by month",
        command: "parlatory disclose counts",
        route: "POST /api/v1/records/counts",
        names: true,
        body: |by| json!({"why": by.why(OTHER), "from": "2026-10", "to": "2026-11"}),
    },
    Asked {
        what: "hear a recording, without a grant",
        command: "parlatory disclose listen",
        route: "POST /api/v1/records/listen",
        names: true,
        body: |by| by.hear(OTHER, RECORDING.0),
    },
    Asked {
        what: "hear a recording, with a grant",
        command: "parlatory disclose listen",
        route: "POST /api/v1/records/listen",
        names: true,
        body: |by| by.hear(GRANTED, RECORDING.0),
    },
    Asked {
        what: "hear a recording that there is not",
        command: "parlatory disclose listen",
        route: "POST /api/v1/records/listen",
        names: true,
        body: |by| by.hear(GRANTED, 99),
    },
    Asked {
        what: "follow a call, without a grant",
        command: "parlatory disclose follow",
        route: "POST /api/v1/records/follow",
        names: true,
        body: |by| by.hear(OTHER, RECORDING.0),
    },
    Asked {
        what: "follow a call, with a grant",
        command: "parlatory disclose follow",
        route: "POST /api/v1/records/follow",
        names: true,
        body: |by| by.hear(GRANTED, RECORDING.0),
    },
    Asked {
        what: "take records away, without a grant",
        command: "parlatory disclose export",
        route: "POST /api/v1/records/export",
        names: true,
        body: |by| by.export(OTHER),
    },
    Asked {
        what: "take records away, with a grant",
        command: "parlatory disclose export",
        route: "POST /api/v1/records/export",
        names: true,
        body: |by| by.export(GRANTED),
    },
    Asked {
        what: "see what was disclosed",
        command: "parlatory disclose list",
        route: "POST /api/v1/records/list",
        names: true,
        body: |by| json!({"why": by.oversight()}),
    },
    Asked {
        what: "see what waits for a second person",
        command: "parlatory disclose waiting",
        route: "GET /api/v1/acts/waiting",
        names: false,
        body: nothing,
    },
    Asked {
        what: "approve what another one asked for",
        command: "parlatory disclose approve",
        route: "POST /api/v1/acts/approve",
        names: true,
        body: |by| json!({"act": by.county.waiting()}),
    },
    Asked {
        what: "refuse what another one asked for",
        command: "parlatory disclose deny",
        route: "POST /api/v1/acts/deny",
        names: true,
        body: |by| json!({"act": by.county.waiting(), "why": "too broad"}),
    },
    Asked {
        what: "see the grants",
        command: "parlatory grant list",
        route: "GET /api/v1/grants",
        names: false,
        body: nothing,
    },
    Asked {
        what: "give one of Cedar's staff a grant for the data of one's own agency",
        command: "parlatory grant give",
        route: "POST /api/v1/grants/give",
        names: true,
        body: |by| {
            let name = by.county.name_of(&by.county.target());
            json!({
                "name": name, "agency": "cedar", "case": OTHER, "purpose": "investigation",
                "verbs": ["search"], "rows_max": 10, "until": "2026-11-27T08:00:00Z",
            })
        },
    },
    Asked {
        what: "give a grant to a name that nobody has",
        command: "parlatory grant give",
        route: "POST /api/v1/grants/give",
        names: true,
        body: |_| {
            json!({
                "name": "nobody", "agency": "cedar", "case": OTHER, "purpose": "investigation",
                "verbs": ["search"], "rows_max": 10, "until": "2026-11-27T08:00:00Z",
            })
        },
    },
    Asked {
        what: "take a grant of Cedar's back",
        command: "parlatory grant revoke",
        route: "POST /api/v1/grants/revoke",
        names: true,
        body: |by| json!({"grant": by.county.grant()}),
    },
    Asked {
        what: "see who is on the staff",
        command: "parlatory staff list",
        route: "GET /api/v1/staff",
        names: false,
        body: nothing,
    },
    Asked {
        what: "add somebody to Cedar's staff",
        command: "parlatory staff add",
        route: "POST /api/v1/staff/add",
        names: true,
        body: |by| json!({"name": by.county.name(), "role": "clerk", "agency": "cedar"}),
    },
    Asked {
        what: "give somebody another role",
        command: "parlatory staff role",
        route: "POST /api/v1/staff/role",
        names: true,
        body: |by| json!({"name": by.county.name_of(&by.county.target()), "role": "clerk"}),
    },
    Asked {
        what: "take somebody's access away",
        command: "parlatory staff revoke",
        route: "POST /api/v1/staff/revoke",
        names: true,
        body: |by| json!({"name": by.county.name_of(&by.county.target())}),
    },
    Asked {
        what: "release somebody who is locked",
        command: "parlatory staff release",
        route: "POST /api/v1/staff/release",
        names: true,
        body: |by| json!({"name": by.county.name_of(&by.county.target())}),
    },
    Asked {
        what: "change one's own password, with a wrong old one",
        command: "parlatory staff password",
        route: "POST /api/v1/staff/password",
        names: false,
        body: |_| json!({"old": "not the old one", "new": "lantern quietly orbiting"}),
    },
    Asked {
        what: "read the policies",
        command: "parlatory policy show",
        route: "POST /api/v1/policy/show",
        names: false,
        body: nothing,
    },
    Asked {
        what: "set the policies",
        command: "parlatory policy set",
        route: "POST /api/v1/policy/set",
        names: false,
        body: |_| json!({"text": include_str!("../../../policies/agency.cedar")}),
    },
    Asked {
        what: "compare who could reach what with what they used",
        command: "parlatory access review",
        route: "POST /api/v1/access/review",
        names: false,
        body: |by| {
            let why = by.oversight();
            json!({
                "purpose": why["purpose"], "case": why["case"], "since": "2026-11-01T00:00:00Z",
            })
        },
    },
    Asked {
        what: "see the broken glasses",
        command: "parlatory glass list",
        route: "GET /api/v1/glass",
        names: false,
        body: nothing,
    },
    Asked {
        what: "review a broken glass",
        command: "parlatory glass review",
        route: "POST /api/v1/glass/review",
        names: true,
        body: |by| json!({"act": by.county.glass(), "justified": true, "found": "it was"}),
    },
    Asked {
        what: "break the glass",
        command: "parlatory glass break",
        route: "POST /api/v1/glass/break",
        names: false,
        body: |_| json!({"minutes": 60, "reason": "a threat to somebody's life"}),
    },
    Asked {
        what: "end the calls of Cedar's jail",
        command: "parlatory calls stop",
        route: "POST /api/v1/calls/stop",
        names: false,
        body: |_| json!({"facility": "cedar/jail", "reason": "a threat in the unit"}),
    },
    Asked {
        what: "who am I",
        command: "parlatory login",
        route: "GET /api/v1/me",
        names: false,
        body: nothing,
    },
    Asked {
        what: "end the session",
        command: "parlatory logout",
        route: "POST /api/v1/logout",
        names: false,
        body: nothing,
    },
];

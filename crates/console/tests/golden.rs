//! Asks every route in every role, as staff of the agency whose data it is and as staff of another
//! one, and writes down what the console answers: `docs/access.md`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by it"
)]

#[path = "golden/asked.rs"]
mod asked;
#[path = "golden/compared.rs"]
mod compared;
#[path = "../../vault/tests/consent/mod.rs"]
mod consent;
#[path = "../../disclosure/tests/office/mod.rs"]
mod office;
#[path = "../../vault/tests/open/mod.rs"]
mod open;
#[path = "golden/own.rs"]
mod own;
#[path = "golden/packed.rs"]
mod packed;
#[path = "golden/sections.rs"]
mod sections;
#[path = "still/mod.rs"]
mod still;
#[path = "../../vault/tests/world/mod.rs"]
mod world;

use access::{Audience, Delivery, Purpose, Role, Verb, policy::Policies, staff::Staff};
use asked::ASKED;
use console::{Console, ConsoleConfig, Entry, Method, ROUTES, Services};
use disclosure::{
    Closing, Naming, Stopping,
    closing::{CloseAsk, Named},
    keeping::{HoldAsk, Judged},
    naming::{Names, NotNamed},
    records::{Answer, ExportAsk, Exported, Reason, Shown, What},
    roster::{NewGrant, Proposed, TieAsk},
    stopping::Floor,
};
use model::{
    AgencyId, CallId, Clock, PersonId, Private, RecordingId,
    fact::{
        Admitted, Fact, Heard, LegHeard, NameActed, NameByStaff, NameDid, NameRecorded, NumberClass,
    },
    plan::ServiceKind,
    speech::OwnVoice,
};
use office::{
    CEDAR, HOUR, NOW, Office, PINE, RECORDING, Running, admitted, number, plan, recorded_call,
    signer,
};
use sections::{SECTIONS, Section};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{
    cell::Cell,
    collections::BTreeSet,
    fmt::Write as _,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};
use still::Still;
use store::{
    NameWant, NameWish, Plan, PolicyRequestRow, RequestState, Store,
    plan::Service,
    staff::{Enrolment, NewStaff},
};
use tlog::{KeyKind, Signer};
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

/// A node that does what is wanted with a name, at once.
struct AtOnce(Store);

impl AtOnce {
    fn project(&self, fact: Fact) {
        self.0.project(&[(self.0.projected().unwrap() + 1, fact)]).unwrap();
    }
}

impl Names for AtOnce {
    fn carry_out(&self, wish: &NameWish) -> Result<(), NotNamed> {
        let NameWish { agency, person, sha256, want, by, act } = *wish;
        let did = match want {
            NameWant::Listen => NameDid::Heard,
            NameWant::Approve => NameDid::Approved,
            NameWant::Remove => NameDid::Removed,
        };
        let acted = NameActed { agency, person, sha256, at: NOW };
        self.project(Fact::NameByStaff(NameByStaff { acted, did, by, act }));
        Ok(())
    }

    fn read(&self, _: (AgencyId, PersonId), _: [u8; 32]) -> Option<OwnVoice> {
        Some(Private::new([0xff; 800].as_slice().into()))
    }
}

/// Who asks.
struct Asker<'a> {
    county: &'a County,
    agency: AgencyId,
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
        let late = [COUNSELS, REPORTED].map(|id| (id, office.world.recorded(id.0, 1).1));
        let running = office.open();
        let leg = LegHeard { received: 400, lost: 4, sent: 401, ..LegHeard::default() };
        let heard = Heard { call: CallId(RECORDING.0), at: NOW, station: leg, called: leg };
        let next = running.store.projected().unwrap() + 1;
        running.store.project(&[(next, Fact::Heard(Box::new(heard)))]).unwrap();
        // Calls to numbers of which nobody knew anything then.
        for ((id, end), to) in late.into_iter().zip([COUNSEL, HOTLINE]) {
            let [_, accepted, closed, over] = recorded_call(id, end);
            let begun = admitted(id.0, to, NumberClass::Ordinary);
            for fact in [begun, accepted, closed, over] {
                running.store.project(&[(running.store.projected().unwrap() + 1, fact)]).unwrap();
            }
        }
        let hotline = Service {
            agency: "cedar".into(),
            facility: None,
            number: number(HOTLINE),
            keys: None,
            kind: Some(ServiceKind::Help),
        };
        let known = Plan { services: vec![hotline], ..plan(&[COUNSEL]) };
        running.store.apply(&known, NOW).unwrap();
        let (store, register) = (running.store.clone(), Arc::clone(&running.register));
        let services = Services {
            roster: running.roster.clone(),
            records: running.records.clone(),
            stopping: Stopping::new(store, register, Box::new(NoCalls), Clock::new(|| NOW)),
            closing: Closing::new(
                running.store.clone(),
                Arc::clone(&running.register),
                running.roster.clone(),
                Clock::new(|| NOW),
            ),
            keeping: running.keeping(),
            naming: Naming::new(
                running.store.clone(),
                Arc::clone(&running.register),
                running.roster.clone(),
                Box::new(AtOnce(running.store.clone())),
                Clock::new(|| NOW),
            ),
            pulse: Arc::new(Still),
        };
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let config = ConsoleConfig { listen, tls: None, metrics: true };
        let console = Console::start(config, Ok(services), Clock::new(|| NOW)).unwrap();
        // Each request has a connection of its own: none is taken again that is about to be closed.
        let agent = Agent::config_builder().http_status_as_error(false);
        let agent = agent.max_idle_connections(0).build().into();
        let county = Self { running, console, agent, next: Cell::new(0) };
        county.running.grant("inve", Purpose::Investigation, &[Verb::Follow]);
        county.running.store.apply(&own::registry(), NOW).unwrap();
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
            self.add(agency, &name, role);
            self.log_in(&name, 1);
            self.running.grant(&name, purpose(role), GRANT);
            for purpose in [Purpose::CourtOrder, Purpose::CounselConsent, Purpose::PublicRecords] {
                self.running.grant(&name, purpose, GRANT);
            }
        }
    }

    /// Gives somebody a session, with their code of this step.
    fn log_in(&self, name: &str, step: u64) {
        let (token, staff) = (Sha256::digest(name).into(), self.running.staff(name));
        assert!(self.running.store.logged_in(staff.id, step, &token, NOW).unwrap());
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

    /// What the recipient of a package of Cedar's signed, which somebody else took away.
    fn receipt(&self) -> String {
        let exported = self.for_a_court();
        let delivery = Delivery {
            log: signer().verifier().name().to_owned(),
            entry: exported.entry,
            package: exported.what.sha256,
            at: NOW,
        };
        let key = Signer::from_seed("recipient", KeyKind::Log, &[9; 32]).unwrap();
        delivery.sign(&key).unwrap().to_string()
    }

    /// The hash of a package of Cedar's for a court, which somebody else took away.
    fn taken_for_a_court(&self) -> String {
        let exported = self.for_a_court();
        exported.what.sha256.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    fn for_a_court(&self) -> Shown<Exported> {
        let staff = self.target();
        self.running.grant(&self.name_of(&staff), Purpose::Investigation, GRANT);
        let case = Private::new(GRANTED.to_owned());
        let reason = Reason { purpose: Purpose::Investigation, case, act: None };
        let asked = ExportAsk {
            what: What::Recording { agency: CEDAR, recording: RECORDING },
            audience: Audience::Court,
            key: None,
            note: None,
        };
        let exported = self.running.records.export(&staff, &reason, &asked).unwrap();
        let Answer::Shown(exported) = exported else { panic!("a grant is enough") };
        exported
    }

    /// Policies that a supervisor of Cedar proposed, and that wait.
    fn policies(&self) -> u64 {
        let by = self.running.staff("super");
        // What nobody could judge so far waits still.
        let waits = |row: &PolicyRequestRow| row.by == by.id && row.state == RequestState::Waiting;
        let rows = self.running.store.policy_requests(CEDAR).unwrap();
        if let Some(row) = rows.into_iter().find(waits) {
            return row.act;
        }
        match self.running.roster.propose_policy(&by, Policies::BUILTIN).unwrap() {
            Proposed::Waits { act } => act,
            Proposed::Set(_) => panic!("somebody else could approve"),
        }
    }

    /// A log-in of counsel's that has a password.
    fn counsel(&self) -> Staff {
        let staff = self.add(CEDAR, &self.name(), Role::Counsel);
        let totp = Private::new(vec![1; 20]);
        let password = Private::new("hash".to_owned());
        self.running.store.enrol_staff(staff.id, &password, &totp).unwrap();
        staff
    }

    /// The name of such a log-in, and under which number its tie waits.
    fn tie(&self) -> (String, u64) {
        let (staff, holder) = (self.counsel(), Private::new("Counsel".to_owned()));
        let (roster, admin) = (&self.running.roster, self.running.staff("admin"));
        let tie = roster.tie(&admin, staff.id, &TieAsk::Holder(holder)).unwrap();
        (self.name_of(&staff), tie.row.act)
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

    /// A name that one of Cedar's people recorded, and staff listened to.
    fn recorded_name(&self) -> u32 {
        self.next.set(self.next.get() + 1);
        let (agency, person, sha256) = (CEDAR, PersonId(1_000 + self.next.get()), [7; 32]);
        let node = AtOnce(self.running.store.clone());
        node.project(Fact::NameRecorded(Box::new(NameRecorded {
            call: CallId(1),
            agency,
            person,
            sha256,
            voice: [8; 32],
            octets: 800,
            at: NOW,
        })));
        let (want, by) = (NameWant::Listen, self.running.staff("super").id);
        node.carry_out(&NameWish { agency, person, sha256, want, by, act: 1 }).unwrap();
        person.0
    }

    /// A hold on Cedar's data that nobody who asks has placed.
    fn hold(&self) -> u32 {
        let ask = HoldAsk {
            agency: CEDAR,
            purpose: Purpose::Investigation,
            case: Private::new(GRANTED.to_owned()),
            person: Some(PersonId(1)),
            person_key: None,
            number: None,
            facility: None,
            facility_key: None,
            from: None,
            until: Some(NOW),
            everything: false,
        };
        let keeping = self.running.keeping();
        match keeping.hold(&self.running.staff("inve"), &ask, None).unwrap() {
            Judged::Done { what: hold, .. } => hold,
            Judged::Waits { .. } | Judged::Refused { .. } => panic!("a hold needs nobody"),
        }
    }

    /// Calls to a number that nobody who asks has closed.
    fn closed(&self) -> u64 {
        let closing = Closing::new(
            self.running.store.clone(),
            Arc::clone(&self.running.register),
            self.running.roster.clone(),
            Clock::new(|| NOW),
        );
        let ask = CloseAsk {
            what: Named::Number(office::number(77)),
            everything: false,
            until: None,
            purpose: Purpose::Safety,
            reason: Private::new("a threat".to_owned()),
        };
        match closing.close(&self.running.staff("super"), &ask, None).unwrap() {
            Judged::Done { what: act, .. } => act,
            Judged::Waits { .. } | Judged::Refused { .. } => panic!("a supervisor closes calls"),
        }
    }

    fn glass(&self) -> u64 {
        let (act, _) = self.running.roster.break_glass(&self.target(), HOUR, "a threat").unwrap();
        act
    }

    /// What is answered, in a word or two, and what is said where it is a yes. What needs an
    /// approval is approved and asked again, so that it is seen to be all that it needs.
    fn answer(&self, asked: &Asked, token: &str, body: &Value) -> (String, Value) {
        let (word, said) = self.ask(asked, token, body);
        if word != APPROVAL || body.get("why").is_none() {
            return (word.to_owned(), said);
        }
        let act = said["act"].as_u64().unwrap();
        self.running.roster.approve(&self.running.staff("super"), act).unwrap();
        let mut again = body.clone();
        again["why"]["act"] = act.into();
        match self.ask(asked, token, &again) {
            ("yes", said) => (word.to_owned(), said),
            (then, _) => (format!("{word}, then {then}"), Value::Null),
        }
    }

    fn ask(&self, asked: &Asked, token: &str, body: &Value) -> (&'static str, Value) {
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
        let mut response = response.unwrap_or_else(|fault| panic!("{}: {fault}", asked.what));
        let status = response.status().as_u16();
        let octets = response.body_mut().with_config().limit(BODY_OCTETS_MAX).read_to_vec();
        // A recording is no JSON.
        let said: Value = serde_json::from_slice(&octets.unwrap()).unwrap_or_default();
        let word = match (status, said["error"]["code"].as_str()) {
            (200, None) => "yes",
            (202, None) => APPROVAL,
            (400, Some("out-of-bounds")) => "never",
            (403, Some("not-allowed")) => "refused",
            (404, Some("not-there")) => "not there",
            (401, Some("log-in")) => "log in",
            (401, Some("wrong")) => "old password",
            _ => panic!("{}: {status} {said}", asked.what),
        };
        (word, said)
    }
}

const APPROVAL: &str = "needs approval";
const BODY_OCTETS_MAX: u64 = 1 << 24;

/// A recording of a call to a number that became counsel's afterwards, and one of a call to a
/// number that became a line for reports.
const COUNSELS: RecordingId = RecordingId(11);
const REPORTED: RecordingId = RecordingId(12);
/// Their last digits.
const COUNSEL: u64 = 61;
const HOTLINE: u64 = 70;

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
        json!({"agency": "cedar", "purpose": purpose(self.role).word(), "case": case})
    }

    /// Why something is looked at that goes with a role.
    fn oversight(&self) -> Value {
        let supervises = self.role == Role::Supervisor;
        let purpose = if supervises { Purpose::Audit } else { purpose(self.role) };
        json!({"agency": "cedar", "purpose": purpose.word(), "case": "review 2026-4"})
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

    /// A copy for somebody, under a grant.
    fn export_for(&self, audience: Audience) -> Value {
        json!({"why": self.why(GRANTED), "audience": audience.word()})
    }

    /// Why, with a grant for such a purpose.
    fn granted(purpose: Purpose) -> Value {
        json!({"agency": "cedar", "purpose": purpose.word(), "case": GRANTED})
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
    table(&mut text, &county, (CEDAR, "Staff of Cedar County"), ASKED.iter(), None);
    let named = ASKED.iter().filter(|asked| asked.names);
    let title = "Staff of Pine County, with Cedar County's data";
    table(&mut text, &county, (PINE, title), named, None);
    // They ended their sessions.
    Role::ALL.iter().for_each(|role| county.log_in(&asker(CEDAR, *role), 2));
    for section in SECTIONS {
        write!(text, "\n## {}\n\n{}\n", section.title, section.says).unwrap();
        for (agency, title) in [(CEDAR, "Staff of Cedar County"), (PINE, "Staff of Pine County")] {
            table(&mut text, &county, (agency, title), section.rows.iter(), Some(section));
        }
    }
    packed::table(&mut text, &county);
    own::section(&mut text, &county);
    open_routes(&mut text, &county);
    county.console.stop();
    county.running.close();
    compared::with_file(&text);
}

fn table<'a>(
    text: &mut String,
    county: &County,
    (agency, title): (AgencyId, &str),
    rows: impl Iterator<Item = &'a Asked>,
    section: Option<&Section>,
) {
    let roles: Vec<_> = Role::ALL.iter().map(|role| role.word()).collect();
    let level = if section.is_some() { "###" } else { "##" };
    writeln!(text, "\n{level} {title}\n\n| asked | {} |", roles.join(" | ")).unwrap();
    writeln!(text, "|---|{}", "---|".repeat(roles.len())).unwrap();
    for asked in rows {
        write!(text, "| {} (`{}`) |", asked.what, asked.command).unwrap();
        for role in Role::ALL.iter().copied() {
            let body = (asked.body)(&Asker { county, agency, role });
            let (answer, said) = county.answer(asked, &asker(agency, role), &body);
            let shown = answer == "yes" || answer == APPROVAL;
            let more = section.filter(|_| shown).map_or("", |it| (it.tell)(&said));
            write!(text, " {answer}{more} |").unwrap();
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
            Entry::Machine => {
                writeln!(text, "- `{route:?}`, to programs on this machine").unwrap();
            }
            Entry::Staff => {
                let route = format!("{route:?}");
                let asked = ASKED.iter().find(|asked| asked.route == route);
                let asked = asked.unwrap_or_else(|| panic!("nobody asks `{route}` here"));
                let (answer, _) = county.ask(asked, "nobodys", &json!({}));
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
  asks; then it is asked again, and done or shown.
- **refused**: it is refused, and where it was to see something of somebody, that is entered.
- **not there**: whoever asks is not told whether there is such a thing. So it is with all that
  another agency has.
- **never**: it cannot be asked for like this by anybody, and nothing is looked up.
- **old password**: nobody changes a password without knowing the one before.

Each asks for the purpose that goes with their role: investigators and supervisors for an
investigation, clerks and the defence
for discovery, auditors for an audit, inspectors for an inspection, persons and counsel for
their own records, it-admins for
administration. *With a grant* means that a supervisor of Cedar County gave them leave for the
case. No log-in is tied to whose calls they are, but in the last table.
Lists of grants, of waiting requests, of staff, of holds and of broken glasses show each what
concerns them.
";

const OPEN: &str = "
## Without a session

Everything above is answered with *log in first*. Open to anybody who reaches the console
(`parlatory login`,
`parlatory staff first`, `parlatory staff enrol`), with the limits that `docs/operating.md` names;
for how long things are kept, to whoever asks; and, where the settings say so, how the machine
does:

";

//! What staff of the county see of its calls: one disclosure of each kind, asked of the console of
//! the demo's node as the commands of staff ask it.

use std::{env, fs, io, path::Path, thread, time::Duration};

use anyhow::{Context, Result, bail};
use model::{Clock, Private, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::authenticator;
use crate::{
    client::{Answer, Client, Poured},
    data::{Data, create_folder, write_new},
    print::line,
};

/// Staff of the county, logged in.
pub(crate) struct Staff {
    /// Looks into a case.
    dana: Person,
    /// Answers for the agency, and approves.
    lee: Person,
}

/// Somebody with a session, which outlives the node's death.
struct Person {
    session: Private<String>,
    password: Private<String>,
    /// What an authenticator app of theirs shows codes of, in Base32.
    secret: Private<String>,
}

/// One disclosure, and where it stands in the log.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Disclosed {
    kind: &'static str,
    act: u64,
    entry: u64,
    says: String,
}

#[derive(Deserialize)]
struct Page {
    act: u64,
    entry: u64,
    records: Vec<Call>,
}

#[derive(Deserialize)]
struct Call {
    call: String,
    station: String,
    recording: String,
}

impl Staff {
    /// Lets the first it-admin in with the token of the set-up, who adds the others; the supervisor
    /// gives the investigator leave to work on a case.
    pub(crate) fn begin(console: &str, data: &Data, clock: &Clock) -> Result<Self> {
        let path = data.setup_token();
        let token = fs::read_to_string(&path)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        let nobody = Client::at(console, None)?;
        let first = json!({"token": token.trim(), "agency": "cedar", "name": "avery"});
        let invited = nobody.done("/api/v1/staff/first", &first)?;
        let avery = enrol(&nobody, "avery", &invited, clock)?;
        let add = |name: &str, role: &str| -> Result<Person> {
            let ask = json!({"name": name, "role": role});
            let invited = avery.at(console)?.done("/api/v1/staff/add", &ask)?;
            enrol(&nobody, name, &invited, clock)
        };
        let (lee, dana) = (add("lee", "supervisor")?, add("dana", "investigator")?);
        let grant = json!({
            "name": "dana", "case": CASE, "purpose": PURPOSE, "rows_max": GRANT_ROWS,
            "verbs": ["search", "listen", "follow", "export"],
            "until": time(clock.now().after(GRANT)),
        });
        lee.at(console)?.done::<Value>("/api/v1/grants/give", &grant)?;
        Ok(Self { dana, lee })
    }

    /// Hears a call of this station while it goes on, to its end: the supervisor approves it.
    pub(crate) fn follow(&self, console: &str, station: &str) -> Result<Disclosed> {
        let dana = self.dana.at(console)?;
        let call = running(&dana, station)?;
        let ask = |act: Option<u64>| json!({"why": why(act), "recording": call});
        let waits = match hear(&dana, "follow", &ask(None))? {
            Heard::Waits(act) => act,
            Heard::Seconds { .. } => bail!("a call was followed without a second person"),
        };
        let approval = json!({"act": waits});
        self.lee.at(console)?.done::<Value>("/api/v1/acts/approve", &approval)?;
        match hear(&dana, "follow", &ask(Some(waits)))? {
            Heard::Seconds { act, entry, seconds } => Ok(Disclosed {
                kind: "follow",
                act,
                entry,
                says: format!("{seconds} s of both voices while they talked; lee approved it"),
            }),
            Heard::Waits(_) => bail!("an approved call could not be followed"),
        }
    }

    /// Writes what these fictional people log in with into the folder of a demo that vanishes, and
    /// says how the reader asks the node in their place.
    pub(crate) fn hand_over(&self, folder: &Path, console: &str) -> Result<Vec<String>> {
        let keys = folder.join("staff");
        create_folder(&keys).context("cannot make the folder of the demo's staff")?;
        self.dana.put(&keys, "dana")?;
        self.lee.put(&keys, "lee")?;
        let (keys, program) = (keys.display(), program());
        let session = format!("    export PARLATORY_SESSION={keys}/session.json");
        let log_in = |name: &str| {
            format!(
                "    {program} login --url {console} --name {name} --password-file \
                 {keys}/{name}.password --code $({program} demo --code {keys}/{name}.secret)"
            )
        };
        let why = format!("--purpose {PURPOSE} --case {CASE}");
        let own = "into the folder of this demo, which vanishes with it";
        Ok(vec![
            format!("  Look yourself, from another terminal; what is kept of your session goes {own}."),
            format!("  As dana, who has leave to look into the case {CASE}:"),
            session,
            log_in("dana"),
            format!("    {program} disclose search {why}"),
            format!("    {program} disclose listen CALL {why} --to /tmp/call.wav"),
            format!(
                "    {program} disclose export --recording CALL {why} --for defence --to /tmp/call.zip"
            ),
            "  CALL is what the search shows in front of a call that was recorded. As lee, who answers \
             for the county:"
                .to_owned(),
            log_in("lee"),
            format!("    {program} disclose list --purpose audit --case review"),
            format!("    {program} grant list"),
            "  A code counts once: between two log-ins of one person, wait for half a minute.".to_owned(),
        ])
    }

    /// Ends the call that goes on at this station, as the supervisor may.
    pub(crate) fn cut(&self, console: &str, station: &str) -> Result<()> {
        #[derive(Deserialize)]
        struct Done {
            ended: u64,
        }
        let ask = json!({"station": station_key(station), "reason": "shown in the demo"});
        let Done { ended } = self.lee.at(console)?.done("/api/v1/calls/stop", &ask)?;
        if ended != 1 {
            bail!("{ended} calls were ended, and it should have been one");
        }
        Ok(())
    }

    /// Looks at what is kept, and at the call of this station: one disclosure of every other kind.
    pub(crate) fn look(&self, console: &str, station: &str) -> Result<Vec<Disclosed>> {
        let dana = self.dana.at(console)?;
        let ask = json!({"why": why(None)});
        let Page { act, entry, records } = dana.done("/api/v1/records/search", &ask)?;
        let says = format!("{} calls; those on protected lines are not among them", records.len());
        let search = Disclosed { kind: "search", act, entry, says };
        let station = station_key(station);
        let of_station = |call: &&Call| call.recording == "recorded" && call.station == station;
        let recorded = records.iter().find(of_station).context("the call was not recorded")?;
        let recording = json!({"why": why(None), "recording": recorded.call});
        let listen = match hear(&dana, "listen", &recording)? {
            Heard::Seconds { act, entry, seconds } => {
                let says = format!("{seconds} s, opened by both keyholders");
                Disclosed { kind: "listen", act, entry, says }
            }
            Heard::Waits(_) => bail!("a grant was not enough to listen"),
        };
        let export = export(&dana, &recorded.call)?;
        let (hold, due) = (hold(&dana)?, self.due(console)?);
        Ok(vec![search, listen, export, hold, due, self.list(console)?])
    }

    /// What would be erased tonight, were nothing held.
    fn due(&self, console: &str) -> Result<Disclosed> {
        #[derive(Deserialize)]
        struct Run {
            act: u64,
            entry: u64,
            due: u64,
        }
        let lee = self.lee.at(console)?;
        let Run { act, entry, due } = lee.done("/api/v1/retention/run", &json!({"dry": true}))?;
        let says = format!("{due} recordings are due to be erased, of those that are 90 days old");
        Ok(Disclosed { kind: "retention", act, entry, says })
    }

    fn list(&self, console: &str) -> Result<Disclosed> {
        #[derive(Deserialize)]
        struct Acts {
            act: u64,
            entry: u64,
            acts: Vec<Value>,
        }
        let why = json!({"purpose": "audit", "case": "review of the demo"});
        let lee = self.lee.at(console)?;
        let Acts { act, entry, acts } = lee.done("/api/v1/records/list", &json!({"why": why}))?;
        let says = format!("{} acts before it, without the data themselves", acts.len());
        Ok(Disclosed { kind: "list", act, entry, says })
    }
}

impl Person {
    fn at(&self, console: &str) -> Result<Client> {
        Ok(Client::at(console, None)?.with_token(self.session.clone()))
    }

    /// Writes what they log in with into a folder.
    fn put(&self, folder: &Path, name: &str) -> Result<()> {
        for (what, value) in [("password", &self.password), ("secret", &self.secret)] {
            let path = folder.join(format!("{name}.{what}"));
            let text = format!("{}\n", value.expose());
            write_new(&path, text.as_bytes())
                .with_context(|| format!("cannot write `{}`", path.display()))?;
        }
        Ok(())
    }
}

impl Disclosed {
    /// Prints them for people.
    pub(crate) fn print(all: &[Self]) {
        line("");
        line("What staff saw of them, and where that stands in the log");
        line("");
        for Self { kind, act, entry, says } in all {
            line(&format!("  {kind:<9} act {act:<4} entry {entry:<5} {says}"));
        }
    }
}

/// Chooses a password for somebody who was added, and logs them in.
fn enrol(client: &Client, name: &str, invited: &Value, clock: &Clock) -> Result<Person> {
    #[derive(Deserialize)]
    struct Enrolled {
        secret: Private<String>,
    }
    #[derive(Deserialize)]
    struct Session {
        token: Private<String>,
    }
    let mut drawn = [0_u8; 16];
    getrandom::fill(&mut drawn).context("the operating system gives no randomness")?;
    let password: String = drawn.iter().map(|octet| format!("{octet:02x}")).collect();
    let token = invited.get("token");
    let ask = json!({"name": name, "token": token, "password": password});
    let Enrolled { secret } = client.done("/api/v1/staff/enrol", &ask)?;
    let code = authenticator::code(secret.expose(), clock.now());
    let code = code.context("the secret of the codes cannot be read")?;
    let ask = json!({"name": name, "password": password, "code": code});
    let Session { token } = client.done("/api/v1/login", &ask)?;
    Ok(Person { session: token, password: Private::new(password), secret })
}

/// What an authenticator app shows now of the secret in a file of the demo's staff.
pub(super) fn code_of(file: &Path, clock: &Clock) -> Result<String> {
    let unread = || format!("cannot read `{}`", file.display());
    let secret = Private::new(fs::read_to_string(file).with_context(unread)?);
    authenticator::code(secret.expose().trim(), clock.now())
        .with_context(|| format!("`{}` holds no secret of the demo's staff", file.display()))
}

/// The program, as the reader called it.
pub(super) fn program() -> String {
    env::args().next().unwrap_or_else(|| "parlatory".to_owned())
}

/// The number of the call that goes on at a station: its record comes a moment after it began.
fn running(dana: &Client, station: &str) -> Result<String> {
    let ask = json!({"why": why(None), "filter": {"station": station_key(station)}});
    for _ in 0..SEARCHES_MAX {
        let Page { records, .. } = dana.done("/api/v1/records/search", &ask)?;
        let going = records.into_iter().find(|call| call.recording == "recording");
        if let Some(call) = going {
            return Ok(call.call);
        }
        thread::park_timeout(SEARCH_EVERY);
    }
    bail!("the call that goes on at `{station}` was not found")
}

fn station_key(station: &str) -> String {
    format!("cedar/jail/a/{station}")
}

enum Heard {
    Seconds { act: u64, entry: u64, seconds: u64 },
    Waits(u64),
}

/// Hears a recording; what was said goes nowhere.
fn hear(dana: &Client, verb: &str, ask: &Value) -> Result<Heard> {
    let nowhere = || Ok(Box::new(io::sink()) as Box<dyn io::Write>);
    match dana.pour(&format!("/api/v1/records/{verb}"), ask, nowhere)? {
        Poured::Waiting(waits) => {
            let act = waits.get("act").and_then(Value::as_u64);
            Ok(Heard::Waits(act.context("an act has no number")?))
        }
        Poured::Done { act, entry, octets } => {
            let seconds = octets.saturating_sub(WAV_HEAD_OCTETS) / WAV_SECOND_OCTETS;
            Ok(Heard::Seconds { act, entry, seconds })
        }
    }
}

fn export(dana: &Client, recording: &str) -> Result<Disclosed> {
    #[derive(Deserialize)]
    struct Package {
        act: u64,
        entry: u64,
        package: String,
        passphrase: Option<Private<String>>,
    }
    let ask = json!({"why": why(None), "recording": recording, "audience": "defence"});
    match dana.post("/api/v1/records/export", &ask)? {
        Answer::Waiting(_) => bail!("a grant was not enough to take a copy away"),
        Answer::Done(Package { act, entry, package, passphrase }) => {
            passphrase.context("a recipient without a key needs a passphrase")?;
            let kib = package.len() * 3 / 4 / 1_024;
            let says = format!("a package of {kib} KiB for the defence, with the proofs, sealed");
            Ok(Disclosed { kind: "export", act, entry, says })
        }
    }
}

/// Keeps every call of a person from being erased, and is not told whether there is one.
fn hold(dana: &Client) -> Result<Disclosed> {
    #[derive(Deserialize)]
    struct Placed {
        act: u64,
        entry: u64,
        hold: u32,
    }
    let ask = json!({"why": why(None), "person": HELD});
    let Placed { act, entry, hold } = dana.done("/api/v1/holds/place", &ask)?;
    let says = format!("hold {hold} keeps a person's calls, and nobody is told which");
    Ok(Disclosed { kind: "hold", act, entry, says })
}

fn why(act: Option<u64>) -> Value {
    json!({"purpose": PURPOSE, "case": CASE, "act": act})
}

fn time(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.micros())
        .map_or_else(|_| String::new(), |at| at.to_string())
}

const CASE: &str = "24-CR-0117";
const PURPOSE: &str = "investigation";
/// The person of a call that is held, by the county's number.
const HELD: &str = "CC-1001";
/// How long the investigator may work on the case.
const GRANT: Duration = Duration::from_hours(24);
/// Rows that they may see in that time, the reader's own searches with them.
const GRANT_ROWS: u32 = 1_000;
const SEARCHES_MAX: usize = 8;
const SEARCH_EVERY: Duration = Duration::from_millis(500);
/// A WAV file as `export` writes it: two voices, 16 bits, 8 kHz.
const WAV_HEAD_OCTETS: u64 = 44;
const WAV_SECOND_OCTETS: u64 = 2 * 2 * 8_000;

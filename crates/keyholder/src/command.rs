//! The commands of a keyholder, for its own small program and for `parlatory keyholder`.

use crate::{
    Ask, Config, Holder, KeyRing, Memory, Request, SegmentAsk, Server, ring::write_new, server_tls,
    sheet, typed,
};
use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use model::{Clock, Timestamp};
use serde_json::{Value, json};
use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

/// What can be done as a keyholder.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Makes a folder with a first key and settings to be filled in.
    Init(Folder),
    /// Says which keys there are, which log is believed, and what was opened.
    Status(Folder),
    /// Says in JSON what whoever asks must know: its public keys, and how much of the log it saw.
    State(Folder),
    /// Listens for requests over HTTPS with mutual TLS, as the settings say.
    Serve(Folder),
    /// Answers one request from standard input, for a keyholder without a network.
    Open(Folder),
    /// Answers one request for a segment of a node's journal from standard input.
    OpenSegment(Folder),
    /// Says who asks to open segments of a node's journal: who, why, which, and whether you allowed
    /// it.
    ///
    /// An operator asks for it who lost the database and has no backup of the last days. A segment
    /// holds the calls of all agencies of the node: ask the operator by another way whether it is
    /// true before you allow it.
    Asked(Folder),
    /// Allows what an entry of the log asks for: segments of a node's journal are opened for it.
    ///
    /// Look at it first with `asked`. Nothing else is opened by this, and for nobody but the key
    /// that the entry names. Example: `parlatory-keyholder allow --folder court 4711`.
    Allow {
        /// Where the keys are.
        #[command(flatten)]
        folder: Folder,
        /// Place of the entry in the log, as `asked` says it.
        entry: u64,
    },
    /// Makes a new key the current one; the old ones still open what was sealed to them.
    Rotate(Folder),
    /// Destroys a key that is not the current one. What is sealed to it is never opened again.
    Destroy {
        /// Where the keys are.
        #[command(flatten)]
        folder: Folder,
        /// The key's id, 16 hexadecimal digits.
        id: String,
    },
    /// Prints the current private key as a sheet of paper for a safe.
    Sheet(Folder),
    /// Makes a folder with the key of a sheet that is typed in on standard input.
    Restore(Folder),
}

/// Where a keyholder keeps its keys, its settings and what it remembers.
#[derive(Debug, Args)]
pub struct Folder {
    /// The keyholder's folder.
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

impl Command {
    /// Carries it out. What it opens and refuses is [`Holder`]'s.
    ///
    /// # Errors
    /// Says what did not work; then nothing was opened.
    pub fn run(&self, clock: &Clock) -> Result<()> {
        match self {
            Self::Init(folder) => {
                let ring = KeyRing::create(&keys(folder))?;
                begin(folder, &ring)
            }
            Self::Restore(folder) => {
                let secret = typed(&input()?)?;
                let keys = keys(folder);
                if keys.exists() {
                    bail!("`{}` is there already; nothing was changed", keys.display());
                }
                begin(folder, &KeyRing::adopt(&keys, secret)?)
            }
            Self::Status(folder) => status(folder),
            Self::State(folder) => print(&serde_json::to_string(&load(folder)?.1.state())?),
            Self::Serve(folder) => serve(folder, clock),
            Self::Open(folder) => {
                let (_, mut holder) = load(folder)?;
                let ask: Ask = serde_json::from_str(&input()?).context("this is no request")?;
                let answer = holder.open(&ask, clock.now())?;
                print(&serde_json::to_string(&answer)?)
            }
            Self::OpenSegment(folder) => {
                let (_, mut holder) = load(folder)?;
                let ask: SegmentAsk =
                    serde_json::from_str(&input()?).context("this is no request")?;
                let answer = holder.open_segment(&ask, clock.now())?;
                print(&serde_json::to_string(&answer)?)
            }
            Self::Asked(folder) => asked(folder, clock),
            Self::Allow { folder, entry } => allow(folder, *entry, clock),
            Self::Rotate(folder) => {
                let key = KeyRing::load(&keys(folder))?.rotate()?;
                folder.say(&json!({ "key": key.to_string() }), || {
                    format!("{key}\nFrom now on recordings are to be sealed to this key.")
                })
            }
            Self::Destroy { folder, id } => {
                KeyRing::load(&keys(folder))?.destroy(id)?;
                folder.say(&json!({ "destroyed": id }), || {
                    "The key is destroyed here. Destroy its sheet and every backup of it, too."
                        .to_owned()
                })
            }
            Self::Sheet(folder) => {
                let ring = KeyRing::load(&keys(folder))?;
                let sheet = sheet(ring.current().context("there is no current key")?);
                if folder.json {
                    return print(
                        &json!({ "sheet": sheet.lines().collect::<Vec<_>>() }).to_string(),
                    );
                }
                print(&sheet)
            }
        }
    }
}

impl Folder {
    /// Says what was done: as JSON for programs, in words for people.
    fn say(&self, value: &Value, words: impl FnOnce() -> String) -> Result<()> {
        print(&if self.json { value.to_string() } else { words() })
    }
}

/// Writes the settings of a keyholder in `folder` that believes `log`, a verifier key of a log;
/// empty, where it is still to be filled in. Settings that are there stay as they are.
///
/// # Errors
/// When the file cannot be written.
pub fn write_settings(folder: &Path, log: &str) -> io::Result<()> {
    let path = folder.join(SETTINGS_FILE);
    if path.exists() {
        return Ok(());
    }
    let settings = SETTINGS.replacen("log = \"\"", &format!("log = \"{log}\""), 1);
    write_new(&path, settings.as_bytes())
}

/// Writes settings to be filled in, and says what comes next.
fn begin(folder: &Folder, ring: &KeyRing) -> Result<()> {
    let path = settings(folder);
    write_settings(&folder.folder, "")
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    let key = ring.current().context("there is no current key")?.public();
    let (path, at) = (path.display(), folder.folder.display());
    folder.say(&json!({ "key": key.to_string(), "settings": path.to_string() }), || {
        format!(
            "{key}\nThis is the public key: whoever records seals to it.\nNext:\n  1. put the log's \
             key, and those of witnesses, into `{path}`\n  2. parlatory-keyholder sheet --folder \
             {at} (print it, and put it into a safe)\n  3. parlatory-keyholder serve --folder {at}",
        )
    })
}

fn status(folder: &Folder) -> Result<()> {
    let (config, holder) = load(folder)?;
    let state = holder.state();
    let log = config.log()?;
    let (quorum, opened) = (config.quorum(), holder.memory().opened_count());
    let keys: Vec<_> = state.keys.iter().map(ToString::to_string).collect();
    let value = json!({
        "keys": keys, "log": log.name(), "quorum": quorum, "seen": state.seen, "opened": opened,
    });
    folder.say(&value, || {
        let kinds = std::iter::once("current key").chain(std::iter::repeat("older key  "));
        let mut said: Vec<_> =
            kinds.zip(&keys).map(|(kind, key)| format!("{kind}  {key}")).collect();
        said.push(format!("log          {}", log.name()));
        said.push(match quorum {
            0 => "witnesses    none: the log's word alone is believed".to_owned(),
            quorum => format!("witnesses    {quorum} must have seen a checkpoint"),
        });
        said.push(format!("seen         {} entries", state.seen));
        said.push(format!("opened       for {opened} disclosures"));
        said.join("\n")
    })
}

fn asked(folder: &Folder, clock: &Clock) -> Result<()> {
    let now = clock.now();
    let all = Request::all(&folder.folder, now).context("the requests cannot be read")?;
    let each = all.iter().map(|(request, allowed)| {
        let mut value = serde_json::to_value(request)?;
        if let Some(fields) = value.as_object_mut() {
            fields.insert("allowed".to_owned(), json!(allowed));
        }
        Ok(value)
    });
    let value = Value::Array(each.collect::<Result<_>>()?);
    folder.say(&value, || {
        let each = all.iter().map(|(request, allowed)| words(request, *allowed, now));
        let mut said: Vec<_> = each.collect();
        if said.is_empty() {
            said.push("Nobody asks to open segments of a journal.".to_owned());
        }
        said.join("\n")
    })
}

/// A request in the words of its owner, who decides.
fn words(request: &Request, allowed: bool, now: Timestamp) -> String {
    let Request { entry, node, segments, first, last, recipient, .. } = request;
    let state = if allowed { "allowed" } else { "waits for you" };
    let (who, why) = (request.who.expose(), request.reason.expose());
    let hours = Timestamp::from_micros(request.expires).since(now).as_secs() / 3_600;
    let lines = [
        format!("entry {entry}   {state}"),
        format!("  who       {who}"),
        format!("  why       {why}"),
        format!(
            "  what      {segments} segments of the journal of node {node}, with the calls of all its"
        ),
        format!("            agencies: facts {first} to {last}"),
        format!("  for       the key {recipient}"),
        format!("  valid     for another {hours} hours"),
    ];
    lines.join("\n")
}

fn allow(folder: &Folder, entry: u64, clock: &Clock) -> Result<()> {
    let now = clock.now();
    let allowed = Request::allow(&folder.folder, entry, now);
    let allowed = allowed.context("it cannot be written down, so nothing is allowed")?;
    let Some(request) = allowed else {
        bail!("nobody asks for entry {entry}, or its time is over: see `parlatory-keyholder asked`")
    };
    folder.say(&json!({ "allowed": entry }), || {
        format!("{}\nThe operator may ask again now.", words(&request, true, now))
    })
}

fn serve(folder: &Folder, clock: &Clock) -> Result<()> {
    let (config, holder) = load(folder)?;
    let Some(serve) = config.serve else {
        bail!(
            "the settings have no `[serve]`: say there where to listen, and with which certificate"
        )
    };
    let tls = server_tls(&serve.certificate, &serve.key, &serve.clients)?;
    let server = Server::listen(serve.listen, tls, holder, clock.clone())
        .with_context(|| format!("cannot listen on {}", serve.listen))?;
    let address = server.address()?;
    folder
        .say(&json!({ "listening": address.to_string() }), || format!("listening on {address}"))?;
    server.run();
    Ok(())
}

fn load(folder: &Folder) -> Result<(Config, Holder)> {
    let path = settings(folder);
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let config =
        Config::parse(&text, &folder.folder).with_context(|| format!("`{}`", path.display()))?;
    let ring = KeyRing::load(&keys(folder))?;
    let memory = Memory::open(&folder.folder, &config.log()?)
        .context("cannot use the keyholder's memory")?;
    let gate = config.gate()?;
    Ok((config, Holder::new(ring, gate, memory)))
}

fn keys(folder: &Folder) -> PathBuf {
    folder.folder.join("keys")
}

fn settings(folder: &Folder) -> PathBuf {
    folder.folder.join(SETTINGS_FILE)
}

fn input() -> Result<String> {
    let mut text = String::new();
    io::stdin().take(INPUT_OCTETS_MAX).read_to_string(&mut text).context("cannot read")?;
    Ok(text)
}

fn print(text: &str) -> Result<()> {
    Ok(writeln!(io::stdout(), "{text}")?)
}

/// Where a keyholder's settings are in its folder.
const SETTINGS_FILE: &str = "keyholder.toml";

const INPUT_OCTETS_MAX: u64 = 1024 * 1024;

const SETTINGS: &str = "\
# The verifier key of the log that is believed: the content of the node's file `log.vkey`.
log = \"\"

# Verifier keys of witnesses, and how many of them must have seen a checkpoint. Without witnesses
# the log's word alone is believed.
witnesses = []
quorum = 0

# Where to listen, with which certificate, and whose clients may ask. Paths are relative to this
# file.
# [serve]
# listen = \"127.0.0.1:8443\"
# certificate = \"certificate.pem\"
# key = \"certificate.key\"
# clients = \"clients.pem\"
";

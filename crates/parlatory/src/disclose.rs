//! `parlatory disclose`: what staff see of calls, asked of a running node.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use access::Recipient;
use anyhow::{Context, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use model::Private;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use vault::Letter;

use crate::{
    cli::{
        CountsArgs, DiscloseCommand, ExportArgs, FilterArgs, HearArgs, ReceiptArgs, SearchArgs,
        WhyArgs,
    },
    client::{Answer, Client, Poured},
    data::write_new,
    ledger,
    letter::{self, LetterFile},
    print::line,
    retention, staff,
    table::{Table, local},
    waiting,
};

/// Carries out one of them.
pub(crate) fn run(command: &DiscloseCommand) -> Result<()> {
    match command {
        DiscloseCommand::Search(args) => search(args),
        DiscloseCommand::Counts(args) => counts(args),
        DiscloseCommand::Listen(args) => hear("listen", args),
        DiscloseCommand::Follow(args) => hear("follow", args),
        DiscloseCommand::Export(args) => export(args),
        DiscloseCommand::List(args) => ledger::list(args),
        DiscloseCommand::Copies(args) => ledger::copies(args),
        DiscloseCommand::Receipt(args) => receipt(args),
        DiscloseCommand::Hold(args) => retention::hold(args),
        DiscloseCommand::Waiting(plain) => waiting::waiting(*plain),
        DiscloseCommand::Approve(args) => staff::approve(args),
        DiscloseCommand::Deny(args) => staff::deny(args),
    }
}

fn search(args: &SearchArgs) -> Result<()> {
    let ask = json!({
        "why": why(&args.why),
        "filter": filter(&args.filter),
        "after": args.after,
        "limit": args.limit,
    });
    let Some(page) = asked::<Page>("search", &ask, args.why.json)? else { return Ok(()) };
    if args.why.json {
        return print(&page);
    }
    let mut table = Table::new(&CALL_HEAD);
    for record in &page.records {
        let private = |value: &Option<Private<String>>| {
            value.as_ref().map_or_else(|| "-".to_owned(), |value| value.expose().clone())
        };
        let zone = page.zones.get(&record.facility).map(String::as_str);
        let unrecorded = record.unrecorded_entry.map(|entry| format!(", entry {entry}"));
        table.row([
            record.call.clone(),
            local(&record.at, zone),
            record.facility.clone(),
            private(&record.person),
            private(&record.name),
            private(&record.number),
            format!("{} s", record.talked_seconds),
            record.outcome.clone(),
            format!("{}{}", record.recording, unrecorded.unwrap_or_default()),
        ]);
    }
    table.print();
    entered(page.act, page.entry, &format!("{} records", page.records.len()));
    if let Some(next) = &page.next {
        line(&format!("There are more: --after {next}"));
    }
    Ok(())
}

fn counts(args: &CountsArgs) -> Result<()> {
    let ask = json!({ "why": why(&args.why), "from": args.from, "to": args.to });
    let Some(counts) = asked::<Counts>("counts", &ask, args.why.json)? else { return Ok(()) };
    if args.why.json {
        return print(&counts);
    }
    let mut table = Table::new(&["month", "calls", "of which kind"]);
    for month in &counts.months {
        let (what, count) = match (month.own_calls, month.protected_calls) {
            (Some(own), _) => ("your own", own),
            (None, count) => ("on protected lines", count.unwrap_or_default()),
        };
        table.row([month.month.clone(), count.to_string(), what.to_owned()]);
    }
    table.print();
    entered(counts.act, counts.entry, "the counts");
    Ok(())
}

fn hear(verb: &str, args: &HearArgs) -> Result<()> {
    let ask = json!({ "why": why(&args.why), "recording": args.recording });
    let client = Client::of_session()?;
    let into = |path: &Path| -> io::Result<Box<dyn Write>> {
        if path == Path::new("-") {
            return Ok(Box::new(io::stdout()));
        }
        let file = File::options().write(true).create_new(true).mode(OWNER_ONLY).open(path)?;
        Ok(Box::new(file))
    };
    ensure!(!args.to.is_file(), "`{}` is there already: take another name", args.to.display());
    let poured = client.pour(&format!("/api/v1/records/{verb}"), &ask, || into(&args.to))?;
    match poured {
        Poured::Waiting(waiting) => waits(&waiting, args.why.json),
        Poured::Done { act, entry, octets } => {
            // Standard output may be the recording itself.
            if args.to != Path::new("-") {
                let told = json!({ "act": act, "entry": entry, "octets": octets });
                if args.why.json {
                    return print(&told);
                }
                entered(act, entry, &format!("`{}`", args.to.display()));
            }
            Ok(())
        }
    }
}

fn export(args: &ExportArgs) -> Result<()> {
    let ask = json!({
        "why": why(&args.why),
        "filter": filter(&args.filter),
        "recording": args.recording,
        "audience": args.audience,
        "key": args.key,
        "note": args.note,
    });
    ensure!(!args.to.exists(), "`{}` is there already: take another name", args.to.display());
    let beside = LetterFile::beside(&args.to);
    if args.key.is_some() {
        ensure!(!beside.exists(), "`{}` is there already: take another name", beside.display());
    }
    let Some(package) = asked::<Package>("export", &ask, args.why.json)? else { return Ok(()) };
    let octets = STANDARD.decode(&package.package).context("the package is damaged on its way")?;
    write_new(&args.to, &octets)
        .with_context(|| format!("cannot write `{}`", args.to.display()))?;
    let letter = match (&package.letter, &args.key) {
        (Some(sealed), Some(key)) => {
            let damaged = "the letter is damaged on its way";
            let sealed = STANDARD.decode(sealed).context(damaged)?.try_into().ok();
            let letter = LetterFile {
                package: letter::digits(&package.sha256)?,
                key: Recipient(letter::digits(key)?),
                letter: Letter(sealed.context(damaged)?),
            };
            write_new(&beside, letter.to_string().as_bytes())
                .with_context(|| format!("cannot write `{}`", beside.display()))?;
            Some(beside)
        }
        (None, _) | (_, None) => None,
    };
    if args.why.json {
        return print(&Told {
            act: package.act,
            entry: package.entry,
            records: package.records,
            sha256: package.sha256,
            passphrase: package.passphrase,
            letter,
            unstamped: package.unstamped,
        });
    }
    line(&format!("SHA-256 of package.zip: {}", package.sha256));
    if let Some(passphrase) = &package.passphrase {
        line(&format!("Passphrase: {}", passphrase.expose()));
        line("Tell it to the recipient another way than the package goes. It is shown this once.");
    }
    if let Some(letter) = &letter {
        line(&format!(
            "What opens it is sealed to the recipient's key: hand over `{}` with it.",
            letter.display()
        ));
    }
    line(
        "Its recipient opens it with `parlatory package open`, which checks it, or with 7-Zip; most \
         programs that open ZIP files cannot.",
    );
    match &package.unstamped {
        None => line("An outside authority stamped it with a time."),
        Some(why) => line(&format!("No outside authority stamped it with a time: {why}.")),
    }
    entered(package.act, package.entry, &format!("`{}`", args.to.display()));
    Ok(())
}

fn receipt(args: &ReceiptArgs) -> Result<()> {
    let text = std::fs::read_to_string(&args.file)
        .with_context(|| format!("cannot read `{}`", args.file.display()))?;
    let ask = json!({ "receipt": text });
    let signed: Signed = match Client::of_session()?.post("/api/v1/records/receipt", &ask)? {
        Answer::Done(done) => done,
        Answer::Waiting(waiting) => return waits(&waiting, args.json),
    };
    if args.json {
        return print(&signed);
    }
    line(&format!("Act {}: the recipient had the package at {}.", signed.act, signed.received));
    line(&format!("They signed with {}", signed.key));
    line("Ask them in another way whether this is their key.");
    Ok(())
}

/// Asks; says that it waits, where it does.
pub(crate) fn asked<T: for<'a> Deserialize<'a>>(
    verb: &str,
    ask: &Value,
    json: bool,
) -> Result<Option<T>> {
    match Client::of_session()?.post(&format!("/api/v1/records/{verb}"), ask)? {
        Answer::Done(done) => Ok(Some(done)),
        Answer::Waiting(waiting) => waits(&waiting, json).map(|()| None),
    }
}

fn waits(waiting: &Value, json: bool) -> Result<()> {
    if json {
        return print(waiting);
    }
    let (act, missing) = (&waiting["act"], waiting["missing"].as_str().unwrap_or_default());
    line(&format!("Nothing is shown yet: {missing}."));
    line(&format!(
        "A supervisor of the agency approves it with `parlatory disclose approve {act}`; then ask \
         the same with --act {act}."
    ));
    Ok(())
}

pub(crate) fn entered(act: u64, entry: u64, what: &str) {
    line(&format!("Act {act}: {what}, entry {entry} of the log."));
}

pub(crate) fn print(value: &impl Serialize) -> Result<()> {
    line(&serde_json::to_string(value)?);
    Ok(())
}

/// The head of a page of calls.
const CALL_HEAD: [&str; 9] = [
    "call",
    "when, local time",
    "facility",
    "person",
    "name",
    "number",
    "talked",
    "outcome",
    "recording",
];

pub(crate) fn why(args: &WhyArgs) -> Value {
    json!({
        "agency": args.agency,
        "purpose": args.purpose,
        "case": args.case,
        "act": args.act,
    })
}

fn filter(args: &FilterArgs) -> Value {
    let mut filter = Map::new();
    for (name, value) in [
        ("person", &args.person),
        ("number", &args.number),
        ("facility", &args.facility),
        ("station", &args.station),
        ("from", &args.from),
        ("until", &args.until),
        ("outcome", &args.outcome),
    ] {
        if let Some(value) = value {
            filter.insert(name.to_owned(), value.clone().into());
        }
    }
    if let Some(recorded) = args.recorded {
        filter.insert("recorded".to_owned(), recorded.into());
    }
    filter.insert("protected".to_owned(), args.protected.into());
    filter.into()
}

/// What was heard is for whoever asked.
const OWNER_ONLY: u32 = 0o600;

#[derive(Serialize, Deserialize)]
struct Page {
    act: u64,
    entry: u64,
    records: Vec<Record>,
    #[serde(default)]
    zones: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Record {
    record: u64,
    call: String,
    facility: String,
    station: String,
    person: Option<Private<String>>,
    name: Option<Private<String>>,
    number: Option<Private<String>>,
    at: String,
    accepted: Option<String>,
    talked_seconds: u64,
    outcome: String,
    recording: String,
    charged_micros: Option<i64>,
    charged: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unrecorded_entry: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    heard: Option<serde_json::Value>,
}

#[derive(Serialize, Deserialize)]
struct Counts {
    act: u64,
    entry: u64,
    months: Vec<Month>,
}

#[derive(Serialize, Deserialize)]
struct Month {
    month: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    protected_calls: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    own_calls: Option<u64>,
}

#[derive(Deserialize)]
struct Package {
    act: u64,
    entry: u64,
    records: u64,
    sha256: String,
    package: String,
    passphrase: Option<Private<String>>,
    letter: Option<String>,
    unstamped: Option<String>,
}

/// A receipt that stands in the log.
#[derive(Serialize, Deserialize)]
struct Signed {
    act: u64,
    received: String,
    key: String,
}

/// What is told of a package once it is written.
#[derive(Serialize)]
struct Told {
    act: u64,
    entry: u64,
    records: u64,
    sha256: String,
    passphrase: Option<Private<String>>,
    /// The file that the letter lies in.
    letter: Option<PathBuf>,
    unstamped: Option<String>,
}

//! `parlatory name`: staff and the names that people recorded, asked of a running node.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{
    cli::{NameArgs, NameCommand, NameListArgs, NameListenArgs},
    client::{Answer, Client},
    data::write_new,
    print::line,
};

/// Runs one of them.
pub(crate) fn run(command: &NameCommand) -> Result<()> {
    match command {
        NameCommand::List(args) => list(args),
        NameCommand::Listen(args) => listen(args),
        NameCommand::Approve(args) => {
            let done = "Approved: notices are spoken with it from now on.";
            change("/api/v1/names/approve", args, done)
        }
        NameCommand::Remove(args) => {
            let done = "Removed, and its file destroyed. Copies in backups end with those.";
            change("/api/v1/names/remove", args, done)
        }
    }
}

/// Lists what is stored, without whose it is.
fn list(args: &NameListArgs) -> Result<()> {
    let names: Value = Client::of_session()?.get("/api/v1/names")?;
    if args.json {
        line(&serde_json::to_string_pretty(&names)?);
        return Ok(());
    }
    let rows = names.as_array().context("the console answered with something else")?;
    for row in rows {
        let word = |key| row.get(key).and_then(Value::as_str).unwrap_or_default();
        let number = |key| row.get(key).and_then(Value::as_u64).unwrap_or_default();
        let state = match word("state") {
            "heard" => "listened to, not approved",
            other => other,
        };
        let (name, tenths) = (number("name"), number("millis") / 100);
        let recorded = word("recorded");
        let (whole, tenth) = (tenths / 10, tenths % 10);
        line(&format!("{name}  {state}, {whole}.{tenth} s, recorded {recorded}"));
    }
    if rows.is_empty() {
        line("Nobody has recorded a name.");
    }
    Ok(())
}

/// Writes what was said, and says whose name it should be.
fn listen(args: &NameListenArgs) -> Result<()> {
    if args.to.exists() {
        bail!("`{}` exists: give another file", args.to.display());
    }
    let Some(heard) = ask("/api/v1/names/listen", &args.name)? else { return Ok(()) };
    let word = |key| heard.get(key).and_then(Value::as_str);
    let voice = word("voice").and_then(|text| STANDARD.decode(text).ok()).map(Zeroizing::new);
    let voice = voice.context("the console answered with something else")?;
    write_new(&args.to, &wav(&voice))
        .with_context(|| format!("cannot write `{}`", args.to.display()))?;
    let file = args.to.display();
    if args.name.json {
        let said = ["act", "entry", "person", "key"].map(|key| (key, heard.get(key)));
        line(&serde_json::to_string(&BTreeMap::from(said))?);
        return Ok(());
    }
    match (word("person"), word("key")) {
        (Some(person), Some(key)) => {
            line(&format!("Wrote `{file}`. It should be the name of {person} ({key})."));
        }
        _ => line(&format!("Wrote `{file}`. This person is not here any more.")),
    }
    line("The look is entered in the log. Delete the file when you have heard it.");
    Ok(())
}

fn change(path: &str, args: &NameArgs, done: &str) -> Result<()> {
    match ask(path, args)? {
        Some(changed) if args.json => line(&serde_json::to_string(&changed)?),
        Some(_) => line(done),
        None => {}
    }
    Ok(())
}

/// What the node answered; `None` when it waits for a second person.
fn ask(path: &str, args: &NameArgs) -> Result<Option<Value>> {
    let body = json!({ "name": args.name, "act": args.act });
    match Client::of_session()?.post(path, &body)? {
        Answer::Done(done) => Ok(Some(done)),
        Answer::Waiting(waiting) if args.json => {
            line(&serde_json::to_string(&waiting)?);
            Ok(None)
        }
        Answer::Waiting(waiting) => {
            let act = waiting.get("act").and_then(Value::as_u64).unwrap_or_default();
            let missing = waiting.get("missing").and_then(Value::as_str).unwrap_or_default();
            line(&format!("It waits: {missing}. Once approved, ask again with --act {act}."));
            Ok(None)
        }
    }
}

/// A WAV file of G.711 µ-law (RIFF, format 7), 8,000 a second.
fn wav(octets: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = u32::try_from(octets.len()).unwrap_or(u32::MAX);
    let mut file = Zeroizing::new(b"RIFF".to_vec());
    file.extend(length.saturating_add(WAV_HEAD_OCTETS).to_le_bytes());
    file.extend(b"WAVEfmt \x12\0\0\0\x07\0\x01\0");
    file.extend(8_000_u32.to_le_bytes());
    file.extend(8_000_u32.to_le_bytes());
    file.extend(b"\x01\0\x08\0\0\0data");
    file.extend(length.to_le_bytes());
    file.extend(octets);
    file
}

/// Octets of a WAV file's head, without its first eight.
const WAV_HEAD_OCTETS: u32 = 38;

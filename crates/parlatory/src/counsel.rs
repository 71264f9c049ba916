//! `parlatory counsel`: an attorney's secret, and what it finds in a log.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use evidence::{
    CounselSecret,
    bill::{self, Billed, Compared, Marked, Search},
};
use serde_json::json;

use crate::{
    audit::{Folder, read_length, read_log, read_table, read_time, read_verifier, show},
    cli::{CounselCheckArgs, CounselCommand, CounselSecretArgs},
    data::{Data, write_new},
    node::read_evidence_keys,
    print::line,
};

/// Runs one of the two.
pub(crate) fn run(command: &CounselCommand) -> Result<()> {
    match command {
        CounselCommand::Secret(args) => secret(args),
        CounselCommand::Check(args) => check(args),
    }
}

/// Writes a counsel's secret to a file that is not there yet.
fn secret(args: &CounselSecretArgs) -> Result<()> {
    let data = Data::existing(&args.data.data)?;
    let store = data.open_store()?;
    let agency = store.agencies()?.into_iter().find(|row| row.key == args.agency);
    let agency = agency.with_context(|| format!("there is no agency `{}`", args.agency))?;
    let known = store.configuration()?.counsel.into_iter().any(|it| {
        let holder = it.holder.as_ref().map(|name| name.expose().as_str());
        it.agency == agency.id && holder == Some(args.holder.as_str())
    });
    if !known {
        bail!("no protected number of `{}` names this holder: provision it first", args.agency);
    }
    let keys = read_evidence_keys(&data)?;
    let secret = desk::counsel_secret(&keys, agency.id, Ok(&args.holder));
    write_new(&args.file, format!("{}\n", *secret.text()).as_bytes())
        .with_context(|| format!("cannot write `{}`", args.file.display()))?;
    if args.plain.json {
        line(&json!({ "file": args.file }).to_string());
        return Ok(());
    }
    line(&format!("Wrote the secret to `{}`. Hand it over and delete it.", args.file.display()));
    line("Whoever has it can find the calls to these numbers in the public log.");
    Ok(())
}

/// Compares a log with a bill. A bill with a call that the log does not prove unrecorded fails.
fn check(args: &CounselCheckArgs) -> Result<()> {
    let secret: CounselSecret = fs::read_to_string(&args.secret)
        .with_context(|| format!("cannot read the secret `{}`", args.secret.display()))?
        .parse()?;
    let key = match &args.key {
        Some(path) => path.clone(),
        // Beside the folder, where the operator publishes it.
        None => args.log.canonicalize().context("there is no such log")?.with_extension("vkey"),
    };
    let mut search = Search::new();
    let entries =
        read_log(&Folder(args.log.clone()), &read_verifier(&key)?, &mut |index, leaf| {
            search.read(index, leaf);
        })?;
    let found = search.find(&secret);
    let bill = args.bill.as_deref().map(read_bill).transpose()?;
    let compared = bill::compare(bill.as_deref().unwrap_or_default(), &found.unrecorded);
    if args.json {
        line(&serde_json::to_string_pretty(&to_json(entries, &found, &compared))?);
    } else {
        print(entries, &found, &compared, bill.is_some());
    }
    match compared.unproven.len() {
        0 => Ok(()),
        count => bail!("{count} calls on the bill are not proved unrecorded"),
    }
}

/// Reads a bill: a table with the columns `start` and `seconds`. Numbers are not read.
fn read_bill(path: &Path) -> Result<Vec<Billed>> {
    let mut bill = Vec::new();
    for (row, [start, seconds]) in read_table(path, ["start", "seconds"])? {
        let wrong = |what: &str| format!("`{}`, row {row}: `{what}` does not read", path.display());
        bill.push(Billed {
            row,
            start: read_time(&start).with_context(|| wrong("start"))?,
            length: read_length(&seconds).with_context(|| wrong("seconds"))?,
        });
    }
    Ok(bill)
}

fn print(entries: u64, found: &Marked, compared: &Compared, billed: bool) {
    line(&format!(
        "Read {entries} entries; {} say that a call of yours was allowed, {} that one was not \
         recorded.",
        found.admitted.len(),
        found.unrecorded.len()
    ));
    if found.missing > 0 {
        line(&format!(
            "  {} of your calls are missing in between: ask the operator.",
            found.missing
        ));
    }
    if billed {
        line(&format!("Proven unrecorded: {}", compared.proven.len()));
        for (row, entry) in &compared.proven {
            line(&format!("  bill row {}, {}: entry {entry}", row.row, show(row.start)));
        }
        line(&format!("On the bill without proof: {}", compared.unproven.len()));
        for row in &compared.unproven {
            line(&format!("  bill row {}, {}", row.row, show(row.start)));
        }
    }
    line(&format!("In the log and not on the bill: {}", compared.unbilled.len()));
    for (entry, note) in &compared.unbilled {
        let (start, talked) = (show(note.start), note.talked.as_secs());
        line(&format!("  entry {entry}: {start}, {talked} s"));
    }
}

fn to_json(entries: u64, found: &Marked, compared: &Compared) -> serde_json::Value {
    let row = |it: &Billed| json!({ "row": it.row, "start": show(it.start) });
    let proven = compared
        .proven
        .iter()
        .map(|(it, entry)| json!({ "row": it.row, "start": show(it.start), "entry": entry }));
    let unbilled = compared.unbilled.iter().map(|(entry, note)| {
        json!({ "entry": entry, "start": show(note.start), "seconds": note.talked.as_secs() })
    });
    json!({
        "entries": entries,
        "allowed": found.admitted.len(),
        "unrecorded": found.unrecorded.len(),
        "missing": found.missing,
        "proven": proven.collect::<Vec<_>>(),
        "unproven": compared.unproven.iter().map(row).collect::<Vec<_>>(),
        "unbilled": unbilled.collect::<Vec<_>>(),
    })
}

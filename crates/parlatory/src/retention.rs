//! `parlatory retention` and `parlatory disclose hold`: how long things are kept, and what must be,
//! asked of a running node.

use std::io::{self, Write};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    cli::{HoldArgs, PlainArgs, RetentionCommand, RunArgs, SetArgs},
    client::{Answer, Client, Poured},
    print::line,
    table::Table,
};

/// Carries out `parlatory retention`.
pub(crate) fn run(command: &RetentionCommand) -> Result<()> {
    match command {
        RetentionCommand::Show(plain) => show(*plain),
        RetentionCommand::Set(args) => set(args),
        RetentionCommand::Run(args) => erase(args),
    }
}

/// Carries out `parlatory disclose hold`.
pub(crate) fn hold(args: &HoldArgs) -> Result<()> {
    match (args.list, args.release) {
        (true, _) => holds(args.json),
        (false, Some(hold)) => release(args, hold),
        (false, None) => place(args),
    }
}

fn show(plain: PlainArgs) -> Result<()> {
    let terms: Terms = Client::of_session()?.get("/api/v1/retention")?;
    if plain.json {
        return print(&terms);
    }
    let mut table = Table::new(&["what", "where", "days", "set", "reason"]);
    for set in &terms.set {
        let place = set.term.facility.as_deref().unwrap_or("all others");
        let term = &set.term;
        let since = format!("{} by staff {}", set.at, set.by);
        table.row([
            term.class.clone(),
            place.to_owned(),
            term.days.to_string(),
            since,
            term.reason.clone(),
        ]);
    }
    for term in &terms.usual {
        let place = "where nothing is set".to_owned();
        let none = String::new;
        table.row([term.class.clone(), place, term.days.to_string(), none(), none()]);
    }
    table.print();
    Ok(())
}

fn set(args: &SetArgs) -> Result<()> {
    let ask = json!({
        "class": args.class,
        "days": args.days,
        "facility": args.facility,
        "reason": args.reason,
        "act": args.act,
    });
    match Client::of_session()?.post::<TermSet>("/api/v1/retention/set", &ask)? {
        Answer::Waiting(waiting) => waits(&waiting, args.plain.json),
        Answer::Done(set) if args.plain.json => print(&set),
        Answer::Done(set) => {
            line(&format!(
                "Act {}: {} is kept for {} days from now on, entry {} of the log. Anybody can read \
                 it.",
                set.act, args.class, args.days, set.rules
            ));
            Ok(())
        }
    }
}

fn erase(args: &RunArgs) -> Result<()> {
    let ask = json!({ "dry": args.dry_run, "act": args.act });
    let client = Client::of_session()?;
    let mut bar = Bar::new();
    let poured = client.pour("/api/v1/retention/run", &ask, || Ok(Box::new(&mut bar)))?;
    if let Poured::Waiting(waiting) = poured {
        return waits(&waiting, args.plain.json);
    }
    let end = bar.end().context("the node broke the run off: see its log")?;
    if args.plain.json {
        return print(&end);
    }
    let Progress { act, entry, due, erased, of_quarantine, records_due, records, .. } = end;
    let Progress { details_due, details, .. } = end;
    let protected = format!("{of_quarantine} of them of numbers that were protected afterwards");
    line(&match (args.dry_run, end.postponed) {
        (true, _) => format!(
            "{due} recordings are due, {protected}, {records_due} names and numbers, and \
             {details_due} details of entries of the log. Nothing was erased."
        ),
        (false, true) => "Somebody copies the recordings, so nothing was erased: tonight's run \
                          does."
            .to_owned(),
        (false, false) => format!(
            "{erased} recordings were erased, {protected}, {records} names and numbers, and \
             {details} details of entries of the log."
        ),
    });
    line(&format!("Act {act}, entry {entry} of the log."));
    Ok(())
}

/// Takes lines that say how far a run is, and shows it.
struct Bar {
    shown: ProgressBar,
    /// The line that has not ended.
    rest: Vec<u8>,
    last: Option<Progress>,
}

impl Bar {
    fn new() -> Self {
        let shown = ProgressBar::no_length();
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} recordings {eta}") {
            shown.set_style(style);
        }
        Self { shown, rest: Vec::new(), last: None }
    }

    /// What was said last, where that was the end.
    fn end(self) -> Option<Progress> {
        self.shown.finish_and_clear();
        self.last.filter(|last| last.over)
    }
}

impl Write for &mut Bar {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.rest.extend_from_slice(octets);
        while let Some(end) = self.rest.iter().position(|octet| *octet == b'\n') {
            let text: Vec<u8> = self.rest.drain(..=end).collect();
            let progress: Progress = serde_json::from_slice(&text)?;
            self.shown.set_length(progress.due);
            self.shown.set_position(progress.erased);
            self.last = Some(progress);
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn place(args: &HoldArgs) -> Result<()> {
    let why = json!({
        "agency": args.agency,
        "purpose": args.purpose,
        "case": args.case,
        "act": args.act,
    });
    let ask = json!({
        "why": why,
        "person": args.person,
        "number": args.number,
        "facility": args.facility,
        "everything": args.everything,
        "from": args.from,
        "until": args.until,
    });
    match Client::of_session()?.post::<Placed>("/api/v1/holds/place", &ask)? {
        Answer::Waiting(waiting) => waits(&waiting, args.json),
        Answer::Done(placed) if args.json => print(&placed),
        Answer::Done(placed) => {
            line(&format!(
                "Act {}: hold {} is in force, entry {} of the log. Whatever fits it is kept, and \
                 nobody is told what that is.",
                placed.act, placed.hold, placed.entry
            ));
            Ok(())
        }
    }
}

fn release(args: &HoldArgs, hold: u32) -> Result<()> {
    let ask = json!({ "hold": hold, "reason": args.reason });
    let released: Released = Client::of_session()?.done("/api/v1/holds/release", &ask)?;
    if args.json {
        return print(&released);
    }
    line(&format!(
        "Act {}: hold {hold} is released. What no other one keeps is erased when its time is over.",
        released.act
    ));
    Ok(())
}

fn holds(json: bool) -> Result<()> {
    let rows: Vec<Value> = Client::of_session()?.get("/api/v1/holds")?;
    if json {
        return print(&rows);
    }
    let mut table = Table::new(&["hold", "case", "keeps calls", "placed", "released"]);
    for row in &rows {
        let text = |name: &str| row[name].as_str().map(str::to_owned);
        let is = |name: &str| row[name].as_bool().unwrap_or_default();
        let parts = [
            is("person").then(|| "of a person".to_owned()),
            is("number").then(|| "to a number".to_owned()),
            text("facility").map(|key| format!("of {key}")),
            text("from").map(|at| format!("from {at}")),
            text("until").map(|at| format!("until {at}")),
        ];
        let mut keeps: Vec<_> = parts.into_iter().flatten().collect();
        if keeps.is_empty() {
            keeps.push("all of the agency".to_owned());
        }
        table.row([
            row["hold"].to_string(),
            text("case").unwrap_or_default(),
            keeps.join(", "),
            format!("{} by staff {}", text("at").unwrap_or_default(), row["staff"]),
            text("released").unwrap_or_default(),
        ]);
    }
    table.print();
    Ok(())
}

fn waits(waiting: &Value, json: bool) -> Result<()> {
    if json {
        return print(waiting);
    }
    let (act, missing) = (&waiting["act"], waiting["missing"].as_str().unwrap_or_default());
    line(&format!("Nothing is done yet: {missing}."));
    line(&format!(
        "A supervisor of the agency approves it with `parlatory disclose approve {act}`; then ask \
         the same with --act {act}."
    ));
    Ok(())
}

fn print(value: &impl Serialize) -> Result<()> {
    line(&serde_json::to_string(value)?);
    Ok(())
}

#[derive(Serialize, Deserialize)]
struct Terms {
    usual: Vec<Term>,
    set: Vec<SetTerm>,
}

#[derive(Serialize, Deserialize)]
struct Term {
    class: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    facility: Option<String>,
    days: u64,
    longer: bool,
    #[serde(default)]
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct SetTerm {
    #[serde(flatten)]
    term: Term,
    by: u32,
    at: String,
}

#[derive(Serialize, Deserialize)]
struct TermSet {
    act: u64,
    entry: u64,
    rules: u64,
}

#[derive(Serialize, Deserialize)]
struct Placed {
    act: u64,
    entry: u64,
    hold: u32,
}

#[derive(Serialize, Deserialize)]
struct Released {
    act: u64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Progress {
    act: u64,
    entry: u64,
    due: u64,
    erased: u64,
    of_quarantine: u64,
    records_due: u64,
    records: u64,
    details_due: u64,
    details: u64,
    postponed: bool,
    over: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_a_run_is_comes_in_pieces_and_only_the_end_is_the_end() {
        let line = |erased, over| {
            let progress = Progress {
                act: 5,
                entry: 70,
                due: 9,
                erased,
                of_quarantine: 1,
                records_due: 2,
                records: 2,
                details_due: 9,
                details: 9,
                postponed: false,
                over,
            };
            format!("{}\n", serde_json::to_string(&progress).unwrap())
        };
        let text = format!("{}{}{}", line(0, false), line(4, false), line(9, true));
        let mut bar = Bar::new();
        for piece in text.as_bytes().chunks(7) {
            (&mut bar).write_all(piece).unwrap();
        }
        let end = bar.end().unwrap();
        assert_eq!((end.due, end.erased, end.act, end.entry), (9, 9, 5, 70));
        let mut broken = Bar::new();
        (&mut broken).write_all(line(4, false).as_bytes()).unwrap();
        assert!(broken.end().is_none(), "it broke off");
        assert!((&mut Bar::new()).write_all(b"nonsense\n").is_err());
    }
}

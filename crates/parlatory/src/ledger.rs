//! `parlatory disclose list` and `copies`: who saw what and who has a copy, without the data.

use anyhow::Result;
use model::Private;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    cli::{CopiesArgs, ListArgs},
    client::Client,
    disclose::{asked, entered, print, why},
    print::line,
    table::{Table, local},
};

/// Carries out `disclose list`.
pub(crate) fn list(args: &ListArgs) -> Result<()> {
    let ask = json!({
        "why": why(&args.why),
        "from": args.from,
        "until": args.until,
        "of_case": args.of_case,
        "who": args.who,
    });
    let Some(acts) = asked::<Acts>("list", &ask, args.why.json)? else { return Ok(()) };
    if args.why.json {
        return print(&acts);
    }
    let zone = acts.zone.as_deref();
    if let Some(copies) = &acts.copies {
        own_copies(copies, zone);
        entered(acts.act, acts.entry, &format!("{} copies of your calls", copies.len()));
        return Ok(());
    }
    let head = [
        "act",
        "when, local time",
        "who",
        "did",
        "purpose",
        "data",
        "rows",
        "by leave of",
        "package",
    ];
    let mut table = Table::new(&head);
    for act in &acts.acts {
        table.row([
            act.act.to_string(),
            local(&act.at, zone),
            who(Some(act.staff), act.name.as_ref()),
            act.verb.clone(),
            act.purpose.clone(),
            act.scope.clone(),
            act.rows.to_string(),
            act.leave.clone(),
            package(act, zone),
        ]);
    }
    table.print();
    let mut table =
        Table::new(&["entry", "when, local time", "what", "act", "by", "of", "who wanted to"]);
    for event in &acts.overseen {
        table.row([
            event.entry.to_string(),
            local(&event.at, zone),
            event.kind.replace('_', " "),
            event.act.to_string(),
            who(event.by, event.by_name.as_ref()),
            who(Some(event.of), event.of_name.as_ref()),
            event.verb.clone().unwrap_or_default(),
        ]);
    }
    table.print();
    let counts = format!("{} acts, {} events", acts.acts.len(), acts.overseen.len());
    entered(acts.act, acts.entry, &counts);
    Ok(())
}

/// Who took copies of one's own calls away.
fn own_copies(copies: &[OwnCopy], zone: Option<&str>) {
    let head = ["entry", "when, local time", "copy of", "for", "handed out by", "purpose"];
    let mut table = Table::new(&head);
    for copy in copies {
        table.row([
            copy.entry.to_string(),
            local(&copy.at, zone),
            copy.what.clone(),
            copy.audience.replace('_', " "),
            copy.role.clone(),
            copy.purpose.clone(),
        ]);
    }
    table.print();
}

/// Carries out `disclose copies`.
pub(crate) fn copies(args: &CopiesArgs) -> Result<()> {
    let ask = json!({ "package": args.package });
    let found: Vec<HandedOut> = Client::of_session()?.done("/api/v1/records/copies", &ask)?;
    if args.json {
        return print(&found);
    }
    for package in &found {
        line(&format!(
            "act {}, entry {}: for {}, on {}, package {}",
            package.act, package.entry, package.audience, package.at, package.package
        ));
        for copy in &package.copies {
            let later = if copy.later { ", later" } else { "" };
            line(&format!(
                "  for {}, on {}, entry {}: {}, handed out by staff as {}, for {}{later}",
                copy.audience, copy.at, copy.entry, copy.what, copy.role, copy.purpose
            ));
        }
        if package.copies.is_empty() {
            line("  nobody else got a copy");
        }
    }
    line(&format!("{} packages.", found.len()));
    Ok(())
}

fn who(number: Option<u32>, name: Option<&Private<String>>) -> String {
    match (number, name) {
        (Some(number), Some(name)) => format!("{} ({number})", name.expose()),
        (Some(number), None) => format!("staff {number}"),
        (None, _) => "a rule".to_owned(),
    }
}

/// What became of a package.
fn package(act: &Act, zone: Option<&str>) -> String {
    match (&act.package, &act.received) {
        (Some(_), Some(at)) => format!("received {}", local(at, zone)),
        (Some(_), None) => "nobody signed for it".to_owned(),
        (None, _) => String::new(),
    }
}

#[derive(Serialize, Deserialize)]
struct Acts {
    act: u64,
    entry: u64,
    acts: Vec<Act>,
    overseen: Vec<Event>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    copies: Option<Vec<OwnCopy>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct OwnCopy {
    entry: u64,
    what: String,
    audience: String,
    role: String,
    purpose: String,
    at: String,
}

#[derive(Serialize, Deserialize)]
struct Act {
    act: u64,
    staff: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Private<String>>,
    verb: String,
    purpose: String,
    scope: String,
    rows: u32,
    leave: String,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    package: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Event {
    act: u64,
    entry: u64,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by_name: Option<Private<String>>,
    of: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    of_name: Option<Private<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verb: Option<String>,
    at: String,
}

#[derive(Serialize, Deserialize)]
struct HandedOut {
    act: u64,
    entry: u64,
    package: String,
    audience: String,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<String>,
    copies: Vec<Other>,
}

#[derive(Serialize, Deserialize)]
struct Other {
    entry: u64,
    what: String,
    audience: String,
    role: String,
    purpose: String,
    at: String,
    later: bool,
}

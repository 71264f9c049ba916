//! `parlatory calls`: staff and the calls that run.

use anyhow::Result;
use serde_json::{Value, json};

use crate::{
    cli::{CallsCommand, CloseArgs, ClosedArgs, ReopenArgs, StopArgs},
    client::{Answer, Client},
    print::line,
    table::Table,
};

/// Carries out `parlatory calls`.
pub(crate) fn run(command: &CallsCommand) -> Result<()> {
    match command {
        CallsCommand::Stop(args) => stop(args),
        CallsCommand::Close(args) => close(args),
        CallsCommand::Open(args) => open(args),
        CallsCommand::Closed(args) => closed(args),
    }
}

fn close(args: &CloseArgs) -> Result<()> {
    let (what, why) = (&args.what, &args.why);
    let body = json!({
        "agency": what.agency,
        "facility": what.facility,
        "unit": what.unit,
        "station": what.station,
        "person": what.person,
        "number": what.number,
        "everything": args.everything,
        "until": args.until,
        "purpose": why.purpose,
        "reason": why.reason,
        "act": why.act,
    });
    let Some(done) = asked("/api/v1/calls/close", &body, why.json)? else { return Ok(()) };
    let act = done.get("act").and_then(Value::as_u64).unwrap_or_default();
    line(&format!(
        "Closed, and entered in the log. `parlatory calls open {act}` opens them again."
    ));
    let spared = "Calls with counsel, of relay services and with lines for help stay open.";
    line(if args.everything { "Nobody there can call, not even counsel or help." } else { spared });
    line("Calls that run go on: `parlatory calls stop` ends them.");
    Ok(())
}

fn open(args: &ReopenArgs) -> Result<()> {
    let why = &args.why;
    let body = json!({
        "closed": args.closed,
        "purpose": why.purpose,
        "reason": why.reason,
        "act": why.act,
    });
    if asked("/api/v1/calls/open", &body, why.json)?.is_some() {
        line("Open again, and entered in the log.");
    }
    Ok(())
}

/// What was done; `None` where that was printed, or a second person is waited for.
fn asked(path: &str, body: &Value, as_json: bool) -> Result<Option<Value>> {
    match Client::of_session()?.post::<Value>(path, body)? {
        Answer::Done(done) | Answer::Waiting(done) if as_json => {
            line(&serde_json::to_string(&done)?);
            Ok(None)
        }
        Answer::Done(done) => Ok(Some(done)),
        Answer::Waiting(waiting) => {
            let act = waiting.get("act").and_then(Value::as_u64).unwrap_or_default();
            let missing = waiting.get("missing").and_then(Value::as_str).unwrap_or_default();
            line(&format!("It waits: {missing}. Once approved, ask again with --act {act}."));
            Ok(None)
        }
    }
}

fn closed(args: &ClosedArgs) -> Result<()> {
    let rows: Value = Client::of_session()?.get("/api/v1/calls/closed")?;
    if args.json {
        line(&serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    let rows = rows.as_array().map_or(&[][..], Vec::as_slice);
    let mut table = Table::new(&["number", "closed for", "since", "until", "why"]);
    for row in rows {
        let text = |key| row.get(key).and_then(Value::as_str).unwrap_or_default();
        let all = row.get("everything") == Some(&Value::Bool(true));
        let all = if all { ", counsel and help too" } else { "" };
        let until = if text("until").is_empty() { "opened" } else { text("until") };
        table.row([
            row.get("act").map(ToString::to_string).unwrap_or_default(),
            format!("{} {}{all}", text("what"), text("place")),
            text("at").to_owned(),
            until.to_owned(),
            text("reason").to_owned(),
        ]);
    }
    table.print();
    if rows.is_empty() {
        line("Nothing is closed.");
    }
    Ok(())
}

fn stop(args: &StopArgs) -> Result<()> {
    let body = json!({
        "facility": args.facility,
        "unit": args.unit,
        "station": args.station,
        "person": args.person,
        "reason": args.reason,
    });
    let stopped: Value = Client::of_session()?.done("/api/v1/calls/stop", &body)?;
    if args.json {
        line(&serde_json::to_string(&stopped)?);
        return Ok(());
    }
    let count = |key| stopped.get(key).and_then(Value::as_u64).unwrap_or_default();
    line(&format!("Done: {} calls ended. It is entered in the log.", count("ended")));
    if count("spared") > 0 {
        line(&format!(
            "{} go on: calls with counsel, of relay services or with lines for help.",
            count("spared")
        ));
    }
    Ok(())
}

//! `parlatory calls`: staff and the calls that run.

use anyhow::Result;
use serde_json::{Value, json};

use crate::{
    cli::{CallsCommand, StopArgs},
    client::Client,
    print::line,
};

/// Carries out `parlatory calls`.
pub(crate) fn run(command: &CallsCommand) -> Result<()> {
    match command {
        CallsCommand::Stop(args) => stop(args),
    }
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

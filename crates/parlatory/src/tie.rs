//! `parlatory staff tie` and what belongs to it: whose calls the log-in of a person or of counsel
//! shows.

use anyhow::Result;
use model::Private;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    cli::{ApproveArgs, DenyArgs, PlainArgs, TieArgs, WhoseArgs},
    client::{Answer, Client},
    disclose::print,
    print::line,
    table::Table,
};

/// Carries out `staff tie`.
pub(crate) fn tie(args: &TieArgs) -> Result<()> {
    let body = json!({ "name": args.name, "tie": whose(&args.whose) });
    match Client::of_session()?.post::<Value>("/api/v1/staff/tie", &body)? {
        // It always waits; should it ever not, what was answered says so.
        Answer::Done(answer) => print(&answer),
        Answer::Waiting(waiting) if args.plain.json => print(&waiting),
        Answer::Waiting(waiting) => {
            waits(&serde_json::from_value(waiting.get("tie").cloned().unwrap_or_default())?);
            Ok(())
        }
    }
}

/// What is asked of the console: whose calls; nothing where nothing is said.
pub(crate) fn whose(args: &WhoseArgs) -> Option<Value> {
    let WhoseArgs { person, called, holder } = args;
    let said = person.is_some() || called.is_some() || holder.is_some();
    said.then(|| json!({ "person": person, "called": called, "holder": holder }))
}

/// Says what waits, and what has to happen.
pub(crate) fn waits(tie: &Tied) {
    line(&format!("Act {}: log-in {} for {}.", tie.act, tie.name.expose(), tie.of()));
    line("It shows nothing yet. Once they have chosen their password, a supervisor of the agency");
    line(&format!(
        "asks them whether it is their log-in, and agrees: parlatory staff approve {}",
        tie.act
    ));
}

/// Carries out `staff untie`.
pub(crate) fn untie(name: &str, plain: PlainArgs) -> Result<()> {
    Client::of_session()?.done::<()>("/api/v1/staff/untie", &json!({ "name": name }))?;
    done(plain, "Done: this log-in shows nobody's calls from now on.")
}

/// Carries out `staff ties`.
pub(crate) fn ties(plain: PlainArgs) -> Result<()> {
    let ties: Vec<Tied> = Client::of_session()?.get("/api/v1/staff/ties")?;
    if plain.json {
        return print(&ties);
    }
    let mut table = Table::new(&["act", "log-in", "shows the calls of", "state", "since or until"]);
    for tie in &ties {
        let when = tie.approved.as_ref().or(tie.until.as_ref()).cloned().unwrap_or_default();
        let name = tie.name.expose().clone();
        table.row([tie.act.to_string(), name, tie.of(), tie.state.clone(), when]);
    }
    table.print();
    if ties.is_empty() {
        line("No log-in is tied to anybody: see `parlatory staff tie --help`.");
    }
    Ok(())
}

/// Carries out `staff approve`.
pub(crate) fn approve(args: &ApproveArgs) -> Result<()> {
    let body = json!({ "act": args.act });
    let tie: Tied = Client::of_session()?.done("/api/v1/staff/tie/approve", &body)?;
    if args.plain.json {
        return print(&tie);
    }
    line(&format!("Done: log-in {} shows the calls of {}.", tie.name.expose(), tie.of()));
    line(&format!("If that is wrong, end it now: parlatory staff untie {:?}", tie.name.expose()));
    Ok(())
}

/// Carries out `staff deny`.
pub(crate) fn deny(args: &DenyArgs) -> Result<()> {
    let body = json!({ "act": args.act, "why": args.why });
    Client::of_session()?.done::<()>("/api/v1/staff/tie/deny", &body)?;
    done(args.plain, "Done: it is refused.")
}

fn done(plain: PlainArgs, words: &str) -> Result<()> {
    if plain.json {
        return print(&json!({ "done": true }));
    }
    line(words);
    Ok(())
}

/// To whom a log-in is tied, as the console says it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Tied {
    act: u64,
    staff: u32,
    name: Private<String>,
    state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<Private<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    called: Option<Private<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<Private<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    numbers: Option<u64>,
    proposed_by: u32,
    proposed: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_by: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approved: Option<String>,
}

impl Tied {
    /// Whom, in words.
    fn of(&self) -> String {
        match (&self.person, &self.called, &self.holder) {
            (Some(person), Some(called), _) => {
                format!("{}, number {}", called.expose(), person.expose())
            }
            (_, _, Some(holder)) => {
                let numbers = self.numbers.unwrap_or_default();
                format!("{}, who holds {numbers} protected numbers here", holder.expose())
            }
            (..) => "nobody".to_owned(),
        }
    }
}

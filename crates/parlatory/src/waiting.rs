//! `parlatory disclose waiting`: what a second person reads before they say yes or no.

use anyhow::Result;
use serde_json::Value;

use crate::{cli::PlainArgs, client::Client, print::line};

/// Carries it out.
pub(crate) fn waiting(plain: PlainArgs) -> Result<()> {
    let waiting: Value = Client::of_session()?.get("/api/v1/acts/waiting")?;
    if plain.json {
        line(&serde_json::to_string(&waiting)?);
        return Ok(());
    }
    let waiting = waiting.as_array().map(Vec::as_slice).unwrap_or_default();
    for row in waiting {
        told(row).iter().for_each(|sentence| line(sentence));
    }
    line(&match waiting.len() {
        0 => "Nothing waits for a second person.".to_owned(),
        1 => "1 request waits. An approval is for exactly what stands here.".to_owned(),
        count => format!("{count} requests wait. An approval is for exactly what stands here."),
    });
    Ok(())
}

/// All of one request.
fn told(row: &Value) -> Vec<String> {
    let text = |key: &str| row[key].as_str().unwrap_or_default();
    let list = |key: &str| {
        let items = row[key].as_array().into_iter().flatten();
        let words = items.map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned));
        words.collect::<Vec<_>>().join(", ")
    };
    let mut told = vec![format!(
        "act {}: {} (staff {}) wants to {}, for {}, case {}",
        row["act"],
        text("name"),
        row["staff"],
        text("verb"),
        text("purpose"),
        text("case")
    )];
    let mut say = |head: &str, what: String| told.push(format!("  {head:<12} {what}"));
    let line = text("line");
    // Whoever reads quickly must not overlook that counsel is concerned.
    let line = if line == "ordinary" { line.to_owned() } else { line.to_uppercase() };
    say("calls", format!("{line}, of agency {}", row["agency"]));
    let what = match (row["recording"].as_str(), row["keeps"].as_str()) {
        (Some(recording), _) => format!("recording {recording}"),
        (None, Some(keeps)) => format!("keep {keeps}"),
        (None, None) => format!("{} rows", row["rows"]),
    };
    say("what", what);
    say("looked for", sought(&row["query"]));
    say("for whom", text("audience").to_owned());
    if let Some(key) = row["key"].as_str() {
        say("their key", key.to_owned());
    }
    if let Some(note) = row["note"].as_str() {
        say("in words", note.to_owned());
    }
    say("asked", format!("{}, until {}", text("asked"), text("until")));
    let approved = row["approved_by"].as_array().map_or(0, Vec::len);
    if approved > 0 {
        say("approved by", format!("staff {}", list("approved_by")));
    }
    if row["on_call"].as_array().is_some_and(|names| !names.is_empty()) {
        say("on call", list("on_call"));
    }
    told
}

/// What narrows it, but for the line, which stands above.
pub(crate) fn sought(query: &Value) -> String {
    let fields = query.as_object().into_iter().flatten().filter(|(name, _)| *name != "line");
    let said: Vec<_> = fields
        .map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("{} {value}", name.replace('_', " "))
        })
        .collect();
    if said.is_empty() { "nothing besides".to_owned() } else { said.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn who_approves_reads_for_whom_it_is_and_that_counsel_is_concerned() {
        let told = told(&json!({
            "act": 7, "staff": 3, "name": "ivy", "verb": "export", "purpose": "court-order",
            "case": "24-CR-0117", "line": "protected", "agency": 1, "rows": 2,
            "audience": "prosecution", "key": "ab", "note": "as ordered",
            "query": {"line": "protected", "person": "CC-1001", "recorded": true},
            "asked": "2026-11-27T08:00:00Z", "until": "2026-11-28T08:00:00Z",
            "approved_by": [4], "on_call": ["sol"],
        }));
        assert_eq!(
            told,
            [
                "act 7: ivy (staff 3) wants to export, for court-order, case 24-CR-0117",
                "  calls        PROTECTED, of agency 1",
                "  what         2 rows",
                "  looked for   person CC-1001, recorded true",
                "  for whom     prosecution",
                "  their key    ab",
                "  in words     as ordered",
                "  asked        2026-11-27T08:00:00Z, until 2026-11-28T08:00:00Z",
                "  approved by  staff 4",
                "  on call      sol",
            ]
        );
    }
}

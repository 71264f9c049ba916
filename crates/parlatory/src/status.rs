//! `parlatory status`: how a running node does, asked of its console.

use anyhow::Result;
use serde_json::Value;

use crate::{cli::StatusArgs, client::Client, print::line, table::Table};

/// Carries out `parlatory status`.
pub(crate) fn run(args: &StatusArgs) -> Result<()> {
    let status: Value = Client::of_session()?.get("/api/v1/status")?;
    if args.json {
        line(&serde_json::to_string_pretty(&status)?);
        return Ok(());
    }
    head(&status);
    calls(&status);
    trunks(&status);
    stations(&status);
    kept(&status);
    others(&status);
    counts(&status);
    Ok(())
}

fn head(status: &Value) {
    let (version, started) = (text(status, "version"), text(status, "started"));
    let (start, build) = (number(status, "start"), text(status, "build"));
    line(&format!("Parlatory {version}, start {start} at {started}, SHA-256 {build}"));
    let alarms = list(status, "alarms");
    for alarm in alarms {
        line(&format!("  ALARM    {}", alarm.as_str().unwrap_or_default()));
    }
    if alarms.is_empty() {
        line("  No alarm.");
    }
}

fn calls(status: &Value) {
    let Some(calls) = status.get("calls") else { return };
    let stages = calls.get("stages");
    let at = |stage| stages.map_or(0, |stages| number(stages, stage));
    let all: u64 = STAGES.iter().map(|(stage, _)| at(stage)).sum();
    line(&format!("\nCalls now: {all} of at most {}", number(calls, "max")));
    for (stage, says) in STAGES {
        line(&format!("  {:>6}  {says}", at(stage)));
    }
    if let Some(recorded) = calls.get("recorded").and_then(Value::as_u64) {
        let unrecorded = number(calls, "unrecorded");
        line(&format!("  Of those that talk, {recorded} are recorded and {unrecorded} are not."));
    }
}

fn trunks(status: &Value) {
    let mut table = Table::new(&["trunk", "state", "calls", "at most"]);
    for trunk in list(status, "trunks") {
        let max = trunk.get("max").and_then(Value::as_u64);
        table.row([
            number(trunk, "trunk").to_string(),
            text(trunk, "state").to_owned(),
            number(trunk, "calls").to_string(),
            max.map_or_else(|| "any".to_owned(), |max| max.to_string()),
        ]);
    }
    line("");
    table.print();
}

fn stations(status: &Value) {
    let Some(stations) = status.get("stations") else { return };
    let (count, registered) = (number(stations, "count"), number(stations, "registered"));
    let registering = number(stations, "registering");
    line(&format!(
        "\nStations of your agency: {count}; {registering} must register, {registered} are registered"
    ));
    let mut table = Table::new(&["station", "state", "until"]);
    for station in list(stations, "each") {
        let row = ["station", "state", "until"].map(|key| text(station, key).to_owned());
        table.row(row);
    }
    table.print();
}

fn kept(status: &Value) {
    line("");
    for disk in list(status, "disks") {
        line(&format!(
            "Disk of {}: {} % free ({}), room for {} hours of recorded calls",
            text(disk, "of"),
            number(disk, "free_percent"),
            text(disk, "step"),
            number(disk, "hours")
        ));
    }
    if let Some(written) = status.get("written") {
        line(&format!(
            "Journal: {} facts, {} not in the database yet, {} refused and tried again",
            number(written, "facts"),
            number(written, "facts_to_project"),
            number(written, "facts_unsaid")
        ));
        line(&format!(
            "Log: {} entries of calls, {} not carried yet",
            number(written, "entries"),
            number(written, "entries_to_carry")
        ));
    }
    if let Some(registry) = status.get("registry") {
        line(&format!(
            "Registry: epoch {}, {} protected numbers, confirmed {}",
            number(registry, "epoch"),
            number(registry, "numbers"),
            text(registry, "confirmed")
        ));
    }
}

fn others(status: &Value) {
    line(&format!("Custody: {}", text(status, "custody")));
    for (what, key) in [("Keyholder", "keyholders"), ("Witness", "witnesses")] {
        for other in list(status, key) {
            let (name, state) = (text(other, "name"), text(other, "state"));
            let answered = text(other, "answered");
            let last =
                if answered.is_empty() { String::new() } else { format!(", last {answered}") };
            line(&format!("{what} {name}: {state}{last}"));
        }
    }
    if let Some(signing) = status.get("signing").and_then(Value::as_str) {
        line(&format!("Signing: {signing}"));
    }
}

/// What was refused and counted since the start; what never happened is left out.
fn counts(status: &Value) {
    let mut table = Table::new(&["times", "since the start"]);
    for (key, kind) in [("refused", "refused to the person: "), ("counts", "")] {
        let counts = status.get(key).and_then(Value::as_object);
        for (name, count) in counts.into_iter().flatten() {
            let count = count.as_u64().unwrap_or_default();
            if count > 0 {
                table.row([count.to_string(), format!("{kind}{}", says(name))]);
            }
        }
    }
    line("");
    table.print();
}

/// What a count counts, for people.
fn says(name: &str) -> String {
    let known = COUNTS.iter().find(|(known, _)| *known == name);
    known.map_or_else(|| name.replace('_', " "), |(_, says)| (*says).to_owned())
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or_default()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

const STAGES: [(&str, &str); 5] = [
    ("menu", "in the menu"),
    ("ringing", "ring"),
    ("deciding", "hear the notice, or decide"),
    ("talking", "talk"),
    ("ending", "end"),
];

/// What each count counts. Those of `line` and `switch` that are not here are said by their name.
const COUNTS: &[(&str, &str)] = &[
    ("calls_taken", "calls taken"),
    ("calls_turned_away", "calls turned away before the menu"),
    ("calls_faults", "calls lost to faults of this program"),
    ("calls_audio_foreign", "datagrams of audio from a wrong address, dropped"),
    ("calls_audio_bad", "datagrams on audio ports that are no audio, dropped"),
    ("calls_audio_unknown", "packets of audio in a form that was not agreed, dropped"),
    ("calls_audio_forged", "datagrams of encrypted audio that the key does not open, dropped"),
    ("calls_audio_moved", "times that encrypted audio came from another address by its key"),
    ("sip_datagrams", "messages of SIP"),
    ("sip_malformed_size", "messages larger than the limit, dropped"),
    ("sip_malformed_start", "messages that are no SIP, dropped"),
    ("sip_malformed_text", "messages with octets that are no text, dropped"),
    ("sip_malformed_headers", "messages with too many or too long lines, dropped"),
    ("sip_malformed_length", "messages whose length is wrong, dropped"),
    ("sip_malformed_mandatory", "messages without what each must have, dropped"),
    ("sip_malformed_sdp", "descriptions of audio that cannot be read, refused"),
    ("sip_refused_from_trunk", "calls into the facility from a carrier, refused"),
    ("sip_refused_forwarded", "of those, forwarded ones"),
    ("sip_refused_foreign", "requests that proved nothing, challenged"),
    ("sip_refused_transfer", "transfers (REFER, Replaces), refused"),
    ("sip_refused_source", "requests about a call from another host, refused"),
    ("sip_refused_password", "wrong passwords or unknown users"),
    ("sip_refused_method", "requests with a method that is not served, refused"),
    ("sip_refused_redirect", "redirections of calls, not followed"),
    ("sip_refused_codec", "calls without a codec that is understood, refused"),
    ("sip_refused_clear", "calls in clear where audio must be encrypted, refused"),
    ("sip_overload_calls", "calls past the limit, refused"),
    ("sip_overload_pending", "calls past the limit of those that nobody acknowledged, refused"),
    ("sip_overload_rate", "calls past the limit of a second, refused (a flood)"),
    ("sip_overload_requests", "requests past the limit of a second, dropped (a flood)"),
    ("sip_refused_stopping", "calls refused because the node was about to stop"),
    ("sip_lost_ack", "calls whose other end never acknowledged the answer"),
    ("sip_streams", "connections over TCP and TLS"),
    ("sip_failed_over", "calls that another trunk was tried for"),
    ("sip_unknown_names", "look-ups of a carrier's name that found nothing"),
    ("sip_lost_session", "calls whose other end did not refresh them"),
    ("sip_registered", "registrations granted"),
    ("sip_unsigned", "calls that went out unsigned: the certificate is not in force"),
    ("sip_faults", "calls lost to faults of the part that speaks SIP"),
    ("own_number", "a number of this service (hairpin)"),
    ("closed", "calls that staff have closed"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_is_said_in_words() {
        let sip = line::LineCounts::default();
        let sip = sip.named().map(|(name, _)| format!("sip_{name}"));
        let calls = switch::Counts::default();
        let calls = calls.named().filter(|(name, _)| *name != "live");
        let calls = calls.map(|(name, _)| format!("calls_{name}"));
        for name in sip.chain(calls) {
            assert!(COUNTS.iter().any(|(known, _)| *known == name), "{name} has no words");
        }
        assert_eq!(says("number_blocked"), "number blocked");
    }

    #[test]
    fn every_stage_is_said() {
        let words = call::Stage::ALL.map(call::Stage::word);
        assert_eq!(STAGES.map(|(stage, _)| stage), words);
    }
}

//! How a node does, as Prometheus reads it (text format 0.0.4). Labels name stages, reasons, trunks
//! and machines, and never a station, a person or a number.

use crate::status::Status;
use std::fmt::Write as _;

/// What such a text is called.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The text. How many of the calls of now are recorded is not in it: whoever is on this machine
/// reads it.
pub(crate) fn text(status: &Status) -> String {
    let mut text = Text::default();
    text.begin("info", GAUGE, "the program that runs");
    text.row(&[("version", &status.version), ("build", &status.build)], 1);
    calls(&mut text, status);
    lines(&mut text, status);
    disks(&mut text, status);
    written(&mut text, status);
    text.begin("silent", GAUGE, "1 where it did not answer when it was asked last");
    for (kind, others) in [("keyholder", &status.keyholders), ("witness", &status.witnesses)] {
        for other in others {
            let silent = u64::from(other.state == "silent");
            text.row(&[("kind", kind), ("name", &other.name)], silent);
        }
    }
    text.one("alarms", "what somebody should look at", status.alarms.len() as u64);
    text.written
}

fn calls(text: &mut Text, status: &Status) {
    if let Some(calls) = &status.calls {
        text.begin("calls", GAUGE, "calls of now, by how far they have come");
        for (stage, count) in &calls.stages {
            text.row(&[("stage", stage)], *count);
        }
        text.one("calls_max", "most calls at once", calls.max);
    }
    text.begin("events_total", COUNTER, "what SIP and calls counted");
    for (what, count) in &status.counts {
        text.row(&[("what", what)], *count);
    }
    text.begin("refused_total", COUNTER, "calls of people that were refused");
    for (reason, count) in &status.refused {
        text.row(&[("reason", reason)], *count);
    }
}

fn lines(text: &mut Text, status: &Status) {
    let stations = &status.stations;
    text.one("stations", "stations", stations.count);
    text.one("stations_registering", "stations that must register", stations.registering);
    text.one("stations_registered", "stations that are registered", stations.registered);
    text.begin("trunk_up", GAUGE, "1 where a trunk is expected to take a call");
    for trunk in &status.trunks {
        text.row(&[("trunk", &trunk.trunk.to_string())], u64::from(trunk.state == "up"));
    }
    text.begin("trunk_calls", GAUGE, "calls on a trunk");
    for trunk in &status.trunks {
        text.row(&[("trunk", &trunk.trunk.to_string())], trunk.calls.into());
    }
}

fn disks(text: &mut Text, status: &Status) {
    text.begin("disk_free_octets", GAUGE, "octets that are free");
    for disk in &status.disks {
        text.row(&[("of", disk.of)], disk.free);
    }
    text.begin("disk_octets", GAUGE, "octets in all");
    for disk in &status.disks {
        text.row(&[("of", disk.of)], disk.size);
    }
    text.begin("disk_hours", GAUGE, "hours of recorded calls that fit");
    for disk in &status.disks {
        text.row(&[("of", disk.of)], disk.hours);
    }
}

fn written(text: &mut Text, status: &Status) {
    let (written, registry) = (&status.written, &status.registry);
    text.one("facts_to_project", "facts that are not in the database", written.facts_to_project);
    text.one("facts_unsaid", "facts that the journal did not take", written.facts_unsaid);
    let stopped = u64::from(written.journal_stopped);
    text.one("journal_stopped", "1 where the journal has stopped", stopped);
    text.one("entries_to_carry", "entries that are not in the log", written.entries_to_carry);
    text.one("log_open", "1 where the log takes entries", u64::from(written.log_open));
    text.one("registry_numbers", "numbers that are protected", registry.numbers);
    text.one("registry_usable", "1 where it can be trusted", u64::from(registry.usable));
}

const GAUGE: &str = "gauge";
const COUNTER: &str = "counter";

/// The text while it is written, which does not fail.
#[derive(Default)]
struct Text {
    written: String,
    /// What is measured now.
    name: String,
}

impl Text {
    /// Something else that is measured; its rows follow.
    fn begin(&mut self, name: &str, kind: &str, help: &str) {
        self.name = format!("parlatory_{name}");
        let name = &self.name;
        let _ = writeln!(self.written, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn row(&mut self, labels: &[(&str, &str)], value: u64) {
        let labels: Vec<String> =
            labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.written, "{}{labels} {value}", self.name);
    }

    /// A gauge of which there is one.
    fn one(&mut self, name: &str, help: &str, value: u64) {
        self.begin(name, GAUGE, help);
        self.row(&[], value);
    }
}

/// As values of labels are written.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_written_as_prometheus_reads_them() {
        let mut text = Text::default();
        text.one("alarms", "what somebody should look at", 2);
        text.begin("silent", GAUGE, "who is silent");
        text.row(&[("kind", "witness"), ("name", "a\\b\"c\nd")], 1);
        let expected = "# HELP parlatory_alarms what somebody should look at\n\
                        # TYPE parlatory_alarms gauge\nparlatory_alarms 2\n\
                        # HELP parlatory_silent who is silent\n\
                        # TYPE parlatory_silent gauge\n\
                        parlatory_silent{kind=\"witness\",name=\"a\\\\b\\\"c\\nd\"} 1\n";
        assert_eq!(text.written, expected);
    }
}

//! Figures as tables, beside targets and what others reach.

use super::{figures::Figures, process::Machine, round::Variant};
use anyhow::Context;
use std::fmt::Write as _;

/// Both tables.
pub(super) fn tables(figures: &[Figures], machine: &Machine) -> String {
    format!("{}\n{}", measured(figures, machine), compared(figures))
}

/// `tables` behind the words that say when, where and with which command they were measured.
pub(super) fn headed(tables: &str, machine: &Machine, command: &str, date: &str) -> String {
    let Machine { cores, processor, kernel, niceness } = machine;
    let niceness = match niceness {
        0 => String::new(),
        other => format!(", at niceness {other} because the machine had other work"),
    };
    format!(
        "Measured {date} on {cores} cores of {processor}, Linux {kernel}, over loopback{niceness}, with\n\n\
         ```\n{command}\n```\n\n{tables}"
    )
}

/// `text` with `block` between the markers of this benchmark.
///
/// # Errors
/// When it has no markers.
pub(super) fn filled(text: &str, bench: &str, block: &str) -> anyhow::Result<String> {
    let (begin, end) = markers(bench);
    let why = || format!("the document has no line `{begin}` before a line `{end}`");
    let (before, rest) = text.split_once(&begin).with_context(why)?;
    let (_, after) = rest.split_once(&end).with_context(why)?;
    Ok(format!("{before}{begin}\n\n{}\n\n{end}{after}", block.trim()))
}

fn markers(bench: &str) -> (String, String) {
    let marker = |which| format!("<!-- bench {bench}: {which} -->");
    (marker("begin"), marker("end"))
}

fn measured(figures: &[Figures], machine: &Machine) -> String {
    let mut text = String::from(
        "| calls | variant | failed | cores per 100 calls | calls per core | KiB per call | lost | put in | \
         longest gap | gaps > 40 ms | CPU of a whole call besides talk | what bound |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for one in figures {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.3} | {:.0} | {:.0} | {} of {} | {} | {:.1} ms | {} | {:.1} ms | {} |",
            one.talking,
            one.variant.name(),
            one.failures(),
            one.cores_per_100_calls,
            100.0 / one.cores_per_100_calls,
            one.kib_per_call,
            one.lost,
            one.sent,
            one.made_up,
            one.gap_ms_max,
            one.gaps_over_40_ms,
            one.set_up_ms_per_call,
            one.limit(machine),
        );
    }
    text
}

/// A figure with a target.
struct Aim {
    work: &'static str,
    target: f64,
    unit: &'static str,
    /// What others reach, as measured in the same way.
    peer: &'static str,
    /// The figure of a round, where it counts for this.
    of: fn(&Figures) -> Option<f64>,
}

fn compared(figures: &[Figures]) -> String {
    let mut text =
        String::from("| work | here | target | | nearest peer |\n|---|---|---|---|---|\n");
    let counted = figures.iter().filter(|one| !one.is_starved());
    for aim in AIMS {
        let found: Vec<_> =
            counted.clone().filter_map(|one| Some((one.calls, (aim.of)(one)?))).collect();
        let here: Vec<_> =
            found.iter().map(|(calls, value)| format!("{} ({calls})", shown(*value))).collect();
        let here = if here.is_empty() { "not measured".to_owned() } else { here.join("; ") };
        let worst = found.iter().map(|(_, value)| *value).reduce(f64::max);
        let Aim { work, target, unit, peer, .. } = aim;
        let _ = writeln!(
            text,
            "| {work} | {here} | {} {unit} | {} | {peer} |",
            shown(*target),
            verdict(worst, *target)
        );
    }
    let starved = figures.iter().filter(|one| one.is_starved());
    let starved: Vec<_> =
        starved.map(|one| format!("{} {}", one.calls, one.variant.name())).collect();
    if !starved.is_empty() {
        let _ = writeln!(
            text,
            "\nLeft out here, because the load was starved: {}.",
            starved.join(", ")
        );
    }
    text
}

fn verdict(worst: Option<f64>, target: f64) -> String {
    match worst {
        None => String::new(),
        Some(value) if value <= target => "met".to_owned(),
        Some(value) => format!("**missed by {:.0} %**", (value / target - 1.0) * 100.0),
    }
}

/// Small figures with three decimals, large ones with one.
fn shown(value: f64) -> String {
    if value < 1.0 { format!("{value:.3}") } else { format!("{value:.1}") }
}

fn cores_of(one: &Figures, variant: Variant) -> Option<f64> {
    (one.variant == variant).then_some(one.cores_per_100_calls)
}

const AIMS: &[Aim] = &[
    Aim {
        work: "recorded and encrypted call, cores per 100 (calls held)",
        target: 0.07,
        unit: "cores",
        peer: "rtpengine to pcap 0.15 to 0.18, Asterisk to two files 0.81, FreeSWITCH 0.65, in clear",
        of: |one| cores_of(one, Variant::Recorded),
    },
    Aim {
        work: "unrecorded call, cores per 100 (calls held)",
        target: 0.06,
        unit: "cores",
        peer: "rtpengine 0.12 to 0.14, Asterisk 0.30, FreeSWITCH 0.50 to 0.59",
        of: |one| cores_of(one, Variant::Unrecorded),
    },
    Aim {
        work: "anonymous memory of a held call (calls held)",
        target: 64.0,
        unit: "KiB",
        peer: "rtpengine 54 to 70, Asterisk 492 to 602, FreeSWITCH 800 to 1,210",
        of: |one| Some(one.kib_per_call),
    },
    Aim {
        work: "longest gap on a leg, from 500 recorded calls on (calls held)",
        target: 40.0,
        unit: "ms",
        peer: "Asterisk: half the packets late or lost at 260",
        of: |one| {
            (one.variant == Variant::Recorded && one.calls >= GAP_CALLS_MIN)
                .then_some(one.gap_ms_max)
        },
    },
];

const GAP_CALLS_MIN: u32 = 500;

#[cfg(test)]
mod tests {
    use super::{super::figures::tests::figures, *};

    #[test]
    fn the_block_goes_between_the_markers_and_nowhere_else() {
        let (begin, end) = markers("calls");
        let text = format!("# Head\n\n{begin}\nold\n{end}\n\nfoot\n");
        let expected = format!("# Head\n\n{begin}\n\nnew\n\n{end}\n\nfoot\n");
        assert_eq!(filled(&text, "calls", "new\n").unwrap(), expected);
        assert_eq!(filled(&expected, "calls", "new").unwrap(), expected);
        assert!(filled(&text, "setup", "new").is_err(), "another benchmark's markers");
        assert!(filled(&format!("{end}{begin}"), "calls", "new").is_err());
    }

    #[test]
    fn misses_are_stated() {
        let table = compared(&[figures(Variant::Recorded), figures(Variant::Unrecorded)]);
        let rows: Vec<_> = table.lines().skip(2).collect();
        assert!(rows[0].contains("| 0.120 (50) | 0.070 cores | **missed by 71 %** |"), "{table}");
        assert!(rows[1].contains("**missed by 100 %**"), "{table}");
        assert!(rows[2].contains("| 64.0 (50); 64.0 (50) | 64.0 KiB | met |"), "{table}");
        assert!(rows[3].contains("| not measured | 40.0 ms |  |"), "{table}");
    }

    #[test]
    fn a_round_with_a_starved_load_does_not_count() {
        let starved = Figures { sent_of_due: 0.7, ..figures(Variant::Recorded) };
        let table = compared(&[starved]);
        assert!(table.contains("| not measured | 0.070 cores |  |"), "{table}");
        assert!(table.ends_with("starved: 50 recorded.\n"), "{table}");
    }

    #[test]
    fn every_row_of_a_table_has_the_columns_of_its_head() {
        let machine =
            Machine { cores: 2, processor: "sample".into(), kernel: "6.1".into(), niceness: 0 };
        for table in [measured(&[figures(Variant::Recorded)], &machine), compared(&[])] {
            let widths: Vec<_> = table.lines().map(|line| line.matches('|').count()).collect();
            assert!(widths.windows(2).all(|two| two[0] == two[1]), "{table}");
        }
    }
}

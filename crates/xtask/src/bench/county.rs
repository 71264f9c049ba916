//! A fictional county with as many people as there are calls, as the files that `provision` and the
//! load read.

use super::round::{Round, Variant};
use anyhow::Context;
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Where the files are.
pub(super) struct Files {
    /// For `parlatory provision`.
    pub(super) provision: PathBuf,
    /// For the load: who calls whom.
    pub(super) callers: PathBuf,
}

impl Files {
    /// The files of a county in `folder`.
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self { provision: folder.join("provision.toml"), callers: folder.join("callers.csv") }
    }

    /// Writes who calls whom.
    pub(super) fn write_callers(&self, round: &Round) -> anyhow::Result<()> {
        let mut callers = String::new();
        for index in 0..round.calls {
            writeln!(callers, "{},{},{}", line_name(index), pin(index), number(index))?;
        }
        put(&self.callers, &callers)
    }

    /// Writes the county, once it is known where the load's ports are.
    pub(super) fn write_county(
        &self,
        round: &Round,
        gateway: &str,
        trunk: &str,
    ) -> anyhow::Result<()> {
        let mut people = "facility,id,name,pin,language,opening_balance\n".to_owned();
        let mut protected = "number,holder\n".to_owned();
        for index in 0..round.calls {
            let pin = pin(index);
            writeln!(people, "cedar/jail,CC-{pin},Marcus Bell,{pin},en,100.00")?;
            if round.variant == Variant::Unrecorded {
                writeln!(protected, "{},Cedar County Public Defender", number(index))?;
            }
        }
        put(&self.provision.with_file_name("people.csv"), &people)?;
        put(&self.provision.with_file_name("protected.csv"), &protected)?;
        let county = format!("{HEAD}{TAIL}")
            .replace("{gateway}", gateway)
            .replace("{trunk}", trunk)
            .replace("{lines}", &round.calls.to_string());
        put(&self.provision, &county)
    }
}

/// Writes a county of hotlines: each line of the gateway rings a number of its own, for free and
/// unrecorded, for nobody in particular.
pub(super) fn write_hotlines(
    file: &Path,
    lines: u32,
    gateway: &str,
    trunk: &str,
) -> anyhow::Result<()> {
    let mut county = HEAD.to_owned();
    for index in 0..lines {
        let number = number(index);
        writeln!(
            county,
            "[[gateway]]\nunit = \"cedar/jail/a\"\naddress = \"{gateway}\"\nlines = [\"{}\"]\n\
             pin = \"none\"\n\
             hotline = {{ number = \"{number}\", free = true, recording = \"off\" }}\n",
            line_name(index)
        )?;
    }
    write!(county, "[trunk]\naddress = \"{trunk}\"\n[files]\nprotected = \"protected.csv\"\n")?;
    put(&file.with_file_name("protected.csv"), "number,holder\n")?;
    put(file, &county)
}

/// Writes the hotlines for the load: station and number.
pub(super) fn write_hotline_list(file: &Path, lines: u32) -> anyhow::Result<()> {
    let mut list = String::new();
    for index in 0..lines {
        writeln!(list, "{},{}", line_name(index), number(index))?;
    }
    put(file, &list)
}

fn line_name(index: u32) -> String {
    format!("line-{}", index + 1)
}

fn put(path: &Path, content: &str) -> anyhow::Result<()> {
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

/// The PIN of a person; no two are the same.
fn pin(index: u32) -> u32 {
    PIN_FIRST + index * PIN_STEP
}

/// The sample number that a person calls; no two are the same.
fn number(index: u32) -> String {
    let (area, line) = (AREA_FIRST + index / SAMPLE_LINES, index % SAMPLE_LINES);
    format!("{area}55501{line:02}")
}

/// Area codes from here on stand for no service; a hundred sample numbers lie in each.
const AREA_FIRST: u32 = 220;
const SAMPLE_LINES: u32 = 100;

const PIN_FIRST: u32 = 310_000;
const PIN_STEP: u32 = 17;

const HEAD: &str = r#"[[agency]]
key = "cedar"
name = "Cedar County"

[[facility]]
agency = "cedar"
key = "jail"
name = "Cedar County Jail"
kind = "jail"
adp = 212
adp_year = 2025
state = "CO"
timezone = "America/Denver"
recording = "on"
registry_down = "place_unrecorded"
talk_minutes_max = 120
caller_id = "(202) 555-0199"
rate = { base = "0.09", additive = "0.02" }

[[unit]]
facility = "cedar/jail"
key = "a"

"#;

const TAIL: &str = r#"[[gateway]]
unit = "cedar/jail/a"
address = "{gateway}"
line_count = {lines}

[trunk]
address = "{trunk}"

[files]
people = "people.csv"
protected = "protected.csv"
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn pins_and_numbers_are_all_different_and_well_formed() {
        let pins: BTreeSet<_> = (0..1_000).map(pin).collect();
        let numbers: BTreeSet<_> = (0..6_000).map(number).collect();
        assert_eq!((pins.len(), numbers.len()), (1_000, 6_000));
        assert!(pins.iter().all(|pin| pin.to_string().len() == 6));
        for number in numbers {
            assert_eq!(number.len(), 10);
            assert!(number[3..].starts_with("55501"), "{number}");
            assert_ne!(&number[1..3], "11", "a service code");
        }
    }
}

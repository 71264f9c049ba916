//! A fictional county, as the provision files that a real one would write: ten lines of a gateway,
//! one telephone that signs in, ten people, one protected number.

use std::{
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// User name of the telephone that signs in.
pub(crate) const USER: &str = "hall-1";
/// Its password.
pub(crate) const PASSWORD: &str = "a-long-password-of-the-tests";
/// Number of people, and of lines.
pub(crate) const PEOPLE: usize = 10;
/// The number that is protected.
pub(crate) const PROTECTED: &str = "2025550199";
/// What a minute costs.
pub(crate) const MICROS_PER_MINUTE: i64 = 110_000;
/// What a call of the longest length costs: all of it is held.
pub(crate) const HELD_MICROS: i64 = 20 * MICROS_PER_MINUTE;

/// PIN of a person.
pub(crate) fn pin(person: usize) -> String {
    format!("77300{person}")
}

/// A number that nobody protects, another one for each person.
pub(crate) fn number(person: usize) -> String {
    format!("202555017{person}")
}

/// Name of a person.
pub(crate) fn name(person: usize) -> &'static str {
    NAMES[person]
}

/// What a talk of whole seconds costs, rounded down to the micro-dollar.
pub(crate) fn price_micros(talk_ms: u64) -> i64 {
    i64::try_from(talk_ms / 1_000).unwrap() * MICROS_PER_MINUTE / 60
}

/// Writes the files and gives the first of them.
pub(crate) fn write(folder: &Path, trunk: SocketAddr) -> PathBuf {
    fs::create_dir(folder).unwrap();
    let mut people = String::from("facility,id,name,pin,language,opening_balance\n");
    for person in 0..PEOPLE {
        let (name, pin) = (name(person), pin(person));
        writeln!(people, "cedar/jail,T-{person},{name},{pin},en,10.00").unwrap();
    }
    fs::write(folder.join("people.csv"), people).unwrap();
    // Written as a bar association writes it.
    let (area, exchange, line) = (&PROTECTED[..3], &PROTECTED[3..6], &PROTECTED[6..]);
    let protected = format!("number,holder\n1 ({area}) {exchange}-{line} ext. 4,Public Defender\n");
    fs::write(folder.join("protected.csv"), protected).unwrap();
    let file = folder.join("provision.toml");
    let provision = PROVISION
        .replace("{trunk}", &trunk.to_string())
        .replace("{user}", USER)
        .replace("{password}", PASSWORD);
    fs::write(&file, provision).unwrap();
    file
}

/// Fictional; no name is a word that a log could hold by chance.
const NAMES: [&str; PEOPLE] = [
    "Ada Quillfeather",
    "Bruno Zweig",
    "Carmen Ybarra",
    "Dieter Quastmann",
    "Elif Ozgurler",
    "Fumiko Wakizaka",
    "Goran Xhelili",
    "Halina Szczepanska",
    "Ignacio Urquijo",
    "Joelle Vandaele",
];

const PROVISION: &str = r#"
[[agency]]
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
talk_minutes_max = 20
caller_id = "(202) 555-0100"
rate = { base = "0.09", additive = "0.02" }

[[unit]]
facility = "cedar/jail"
key = "a"

[[gateway]]
unit = "cedar/jail/a"
address = "127.0.0.1"
line_count = 10

[[station]]
unit = "cedar/jail/a"
key = "hall"
digest = { user = "{user}", password = "{password}" }

[trunk]
address = "{trunk}"

[files]
people = "people.csv"
protected = "protected.csv"
"#;

//! The fictional county of the demo, as the provision files that a real one would write.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::my_phone::{self, Credentials};
use crate::data::{Data, create_folder, write_new};

/// Writes the county's files into the data folder and says where the first of them is.
pub(crate) fn write(
    data: &Data,
    gateway: SocketAddr,
    trunk: SocketAddr,
    reader: &Credentials,
) -> Result<PathBuf> {
    let folder = data.root().join("county");
    create_folder(&folder).context("cannot make the folder of the demo's county")?;
    let mut provision =
        PROVISION.replace("{gateway}", &gateway.to_string()).replace("{trunk}", &trunk.to_string());
    let mut people = PEOPLE.to_owned();
    if let Some(password) = reader.password() {
        let user = my_phone::USER_STATION;
        write!(
            provision,
            "\n[[station]]\nunit = \"cedar/jail/a\"\nkey = \"reader\"\n\
             digest = {{ user = \"{user}\", password = \"{password}\" }}\n"
        )?;
        let pin = my_phone::PIN;
        writeln!(people, "cedar/jail,CC-1007,Marcus Bell,{pin},en,20.00")?;
    }
    let file = put(&folder, "provision.toml", &provision)?;
    put(&folder, "people.csv", &people)?;
    put(&folder, "numbers.csv", NUMBERS)?;
    put(&folder, "services.csv", SERVICES)?;
    put(&folder, "protected.csv", PROTECTED)?;
    Ok(file)
}

fn put(folder: &Path, name: &str, content: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    write_new(&path, content.as_bytes())
        .with_context(|| format!("cannot write `{}`", path.display()))?;
    Ok(path)
}

const PROVISION: &str = r#"# A fictional county. Everything here can be changed and applied again.

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
caller_id = "(202) 555-0199"
rate = { base = "0.09", additive = "0.02" }

[[unit]]
facility = "cedar/jail"
key = "a"
name = "Unit A"

# One gateway with twenty lines: it says in the From address which line calls.
[[gateway]]
unit = "cedar/jail/a"
address = "{gateway}"
line_count = 20

[trunk]
address = "{trunk}"

[files]
people = "people.csv"
numbers = "numbers.csv"
services = "services.csv"
protected = "protected.csv"
"#;

const PEOPLE: &str = "\
facility,id,name,pin,language,opening_balance
cedar/jail,CC-1001,Marcus Bell,482913,en,10.00
cedar/jail,CC-1002,Rosa Delgado,730251,es,10.00
cedar/jail,CC-1003,Tyrone Fields,915604,en,10.00
cedar/jail,CC-1004,Anna Kowalski,264870,en,10.00
cedar/jail,CC-1005,Luis Ortega,358129,es,0.05
cedar/jail,CC-1006,Grace Whitfield,607342,en,10.00
cedar/jail,CC-1011,James Carter,518260,en,10.00
cedar/jail,CC-1012,Maria Torres,846031,en,10.00
cedar/jail,CC-1013,Robert Allen,172945,en,10.00
cedar/jail,CC-1014,David Turner,693507,en,10.00
cedar/jail,CC-1015,Brian Morgan,420876,en,10.00
cedar/jail,CC-1016,Elena Vargas,275318,en,10.00
cedar/jail,CC-1017,Samuel Osborne,861940,en,0.11
cedar/jail,CC-1018,Keith Lawson,394627,en,10.00
cedar/jail,CC-1019,Nadia Petrov,508173,en,10.00
cedar/jail,CC-1020,Oscar Lindgren,719264,en,10.00
cedar/jail,CC-1021,Wanda Fischer,143798,en,10.00
cedar/jail,CC-1022,Hector Salinas,682035,es,10.00
cedar/jail,CC-1023,Priya Raman,951407,en,10.00
cedar/jail,CC-1024,Leon Abernathy,327586,en,10.00
";

/// What the facility lets nobody call.
const NUMBERS: &str = "\
scope,number,rule
cedar/jail,202-555-0118,blocked
";

/// The relay service of the county.
const SERVICES: &str = "\
scope,number,kind,keys
cedar/jail,202-555-0114,relay,711
";

/// The number of a public defender, written as a bar association writes it.
const PROTECTED: &str = "\
number,holder
1 (202) 555-0103 ext. 4,Cedar County Public Defender
";

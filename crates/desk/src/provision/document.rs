//! The TOML file as a whole: which tables it has, and which CSV files it names.

use super::{
    Open, PinHash,
    fields::Fields,
    places::Places,
    problem::Problems,
    relay,
    rows::{self, Tables},
    source::Source,
    word::address,
};
use charging::CapTable;
use model::{Timestamp, plan::Trunk};
use std::path::{Path, PathBuf};
use store::{
    Plan,
    plan::{Protected, ProtectedNumber},
};
use toml::de::DeTable;

/// Reads everything the file says, and the files it names.
pub(super) fn read(
    source: &Source,
    open: &Open<'_>,
    pins: &PinHash<'_>,
    (caps, now): (&CapTable, Timestamp),
    problems: &mut Problems,
) -> Plan {
    let mut plan = Plan::default();
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    if !errors.is_empty() {
        for error in errors {
            let at = error.span().unwrap_or_default();
            problems.add(source.problem(&at, format!("this is not TOML: {}", error.message())));
        }
        // What can be read of a file that is not TOML would give problems that are none.
        return plan;
    }
    let mut top = Fields::new(source, document.get_ref(), 0..0, "the file", problems);
    let places = Places::read(&mut top, caps, now, &mut plan);
    plan.trunk = trunk(&mut top);
    let replace = top.flag("replace_protected", false);
    let count = top.whole("protected_count", 0..=i64::MAX).map(i64::unsigned_abs);
    let files = Files::read(&mut top);
    if files.protected.is_none() {
        for key in ["replace_protected", "protected_count"] {
            if top.value(key).is_some() {
                top.wrong_at(key, format!("`{key}` needs `protected = \"…\"` under `[files]`"));
            }
        }
    }
    top.finish();
    let mut tables = Tables { places: &places, pins, people: None };
    if let Some(sheet) = Files::open(files.people.as_deref(), open, problems) {
        rows::people(&sheet, &mut tables, &mut plan, problems);
    }
    if let Some(sheet) = Files::open(files.contacts.as_deref(), open, problems) {
        plan.contacts = rows::contacts(&sheet, &tables, problems);
    }
    if let Some(sheet) = Files::open(files.numbers.as_deref(), open, problems) {
        plan.numbers = rows::numbers(&sheet, &tables, problems);
    }
    if let Some(sheet) = Files::open(files.lifted.as_deref(), open, problems) {
        plan.lifts = rows::lifts(&sheet, &tables, problems);
    }
    if let Some(sheet) = Files::open(files.services.as_deref(), open, problems) {
        plan.services = relay::services(&sheet, &tables, problems);
    }
    if let Some(sheet) = Files::open(files.protected.as_deref(), open, problems) {
        let numbers: Vec<ProtectedNumber> = rows::protected(&sheet, &tables, problems);
        plan.protected = Some(Protected { numbers, replace, count });
    }
    if let Some(sheet) = Files::open(files.deposits.as_deref(), open, problems) {
        plan.deposits.extend(rows::deposits(&sheet, &tables, problems));
    }
    plan
}

fn trunk(top: &mut Fields<'_, '_>) -> Option<Trunk> {
    let (table, at) = top.table("trunk")?;
    let source = top.source();
    let mut fields = Fields::new(source, table, at, "trunk", top.problems());
    let read = fields
        .need_checked("address", "198.51.100.5:5060", |text| address(text, SIP_PORT))
        .map(|address| Trunk { address });
    fields.finish();
    read
}

/// The CSV files that are named, relative to the folder of the file.
#[derive(Default)]
struct Files {
    people: Option<PathBuf>,
    contacts: Option<PathBuf>,
    numbers: Option<PathBuf>,
    services: Option<PathBuf>,
    protected: Option<PathBuf>,
    deposits: Option<PathBuf>,
    lifted: Option<PathBuf>,
}

impl Files {
    fn read(top: &mut Fields<'_, '_>) -> Self {
        let Some((table, at)) = top.table("files") else { return Self::default() };
        let source = top.source();
        let folder = source.file.parent().unwrap_or(Path::new("")).to_owned();
        let mut fields = Fields::new(source, table, at, "files", top.problems());
        let mut file = |key| fields.text(key).map(|name| folder.join(name));
        let files = Self {
            people: file("people"),
            contacts: file("contacts"),
            numbers: file("numbers"),
            services: file("services"),
            protected: file("protected"),
            deposits: file("deposits"),
            lifted: file("lifted"),
        };
        fields.finish();
        files
    }

    fn open(path: Option<&Path>, open: &Open<'_>, problems: &mut Problems) -> Option<Source> {
        Source::read(path?, open, problems)
    }
}

/// Where a carrier listens unless it says otherwise (RFC 3261 section 19.1.2).
const SIP_PORT: u16 = 5060;

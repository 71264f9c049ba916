//! The CSV file of services: relay, lines for help, speed dials.

use super::{
    problem::Problems,
    rows::{Tables, number, scope},
    sheet::{Columns, Row, each_row},
    source::Source,
};
use model::{E164, Private, plan::ServiceKind};
use registry::{Dialled, Home};
use std::collections::BTreeMap;
use store::plan::Service;

/// Services, each known by its number within its scope.
pub(super) fn services(
    source: &Source,
    tables: &Tables<'_>,
    problems: &mut Problems,
) -> Vec<Service> {
    let columns =
        Columns { required: &["scope", "number", "kind"], optional: &["keys", "removed"] };
    let mut services = Vec::new();
    let mut numbers: BTreeMap<(String, E164), u64> = BTreeMap::new();
    let mut dialled: BTreeMap<(String, String), u64> = BTreeMap::new();
    each_row(source, &columns, problems, |row, problems| {
        let removed = row.flag("removed", problems);
        let scope = scope(row, tables.places, problems);
        let number = number(row, problems);
        let kind = kind(row, problems);
        let keys = keys(row, problems);
        let (Some(scope), Some(number), Some(kind)) = (scope, number, kind) else { return };
        let Ok(keys) = keys else { return };
        if kind == ServiceKind::Speed && keys.is_none() {
            problems.add(row.problem("a speed dial needs `keys`"));
            return;
        }
        if let Some(other) = numbers.insert((scope.clone(), number), row.line) {
            problems.add(row.problem(format!(
                "line {other} has a service with the same number and scope; keep one of them"
            )));
            return;
        }
        if !removed
            && let Some(keys) = &keys
            && let Some(other) = dialled.insert((scope.clone(), keys.clone()), row.line)
        {
            problems.add(row.problem(format!("line {other} has the same keys; choose others")));
            return;
        }
        let (agency, facility) = match scope.split_once('/') {
            Some((agency, _)) => (agency.to_owned(), Some(scope.clone())),
            None => (scope, None),
        };
        let kind = (!removed).then_some(kind);
        services.push(Service { agency, facility, number: Private::new(number), keys, kind });
    });
    services
}

fn kind(row: &Row<'_>, problems: &mut Problems) -> Option<ServiceKind> {
    match row.get("kind").to_ascii_lowercase().as_str() {
        "relay" => Some(ServiceKind::Relay),
        "help" => Some(ServiceKind::Help),
        "speed" => Some(ServiceKind::Speed),
        _ => {
            problems.add(row.problem("`kind` must be `relay`, `help` or `speed`"));
            None
        }
    }
}

/// The keys that are pressed for it, if any.
///
/// # Errors
/// When they are no short code; it is a problem then.
fn keys(row: &Row<'_>, problems: &mut Problems) -> Result<Option<String>, ()> {
    match row.get("keys") {
        "" => Ok(None),
        text => match Dialled::from_keys(text, Home::NorthAmerica) {
            Dialled::Service(code) => Ok(Some(code.keys())),
            Dialled::Emergency => {
                problems.add(row.problem("`keys`: emergency numbers stay refused; staff help"));
                Err(())
            }
            Dialled::Number(_) | Dialled::Invalid => {
                problems
                    .add(row.problem("`keys` must be `211` to `811`, `988`, or one or two digits"));
                Err(())
            }
        },
    }
}

//! A CSV file with named columns, row by row.

use super::{
    problem::{Problem, Problems},
    source::Source,
    word::meant,
};
use csv::{ByteRecord, ReaderBuilder, StringRecord, Trim};

/// The columns of a table.
pub(super) struct Columns {
    /// Must be there.
    pub(super) required: &'static [&'static str],
    /// May be there.
    pub(super) optional: &'static [&'static str],
}

/// One row.
pub(super) struct Row<'a> {
    source: &'a Source,
    /// Its line in the file, from 1.
    pub(super) line: u64,
    record: &'a StringRecord,
    header: &'a [Option<&'static str>],
}

impl Row<'_> {
    /// What stands in a column, trimmed; empty where the column is not there.
    pub(super) fn get(&self, column: &str) -> &str {
        let at = self.header.iter().position(|name| *name == Some(column));
        at.and_then(|at| self.record.get(at)).unwrap_or("")
    }

    /// A problem of this row.
    pub(super) fn problem(&self, reason: impl Into<String>) -> Problem {
        self.source.problem_in(self.line, reason)
    }

    /// `yes` or `no`; nothing is `no`.
    pub(super) fn flag(&self, column: &str, problems: &mut Problems) -> bool {
        match self.get(column).to_ascii_lowercase().as_str() {
            "yes" | "true" => true,
            "" | "no" | "false" => false,
            _ => {
                problems.add(self.problem(format!("`{column}` must be `yes` or `no`")));
                false
            }
        }
    }
}

/// Reads a sheet and gives each row to `read`. Rows that are not whole are problems and not given.
pub(super) fn each_row(
    source: &Source,
    columns: &Columns,
    problems: &mut Problems,
    mut read: impl FnMut(&Row<'_>, &mut Problems),
) {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .comment(Some(b'#'))
        .from_reader(source.text.as_bytes());
    let mut octets = ByteRecord::new();
    let mut header: Option<Vec<Option<&'static str>>> = None;
    // The text is UTF-8 and in memory, and the reader takes rows of any length, so it does not
    // fail.
    while reader.read_byte_record(&mut octets).unwrap_or(false) {
        let from = octets.position().map_or(0, csv::Position::byte);
        let line = row_line(source, usize::try_from(from).unwrap_or(usize::MAX));
        let Ok(record) = StringRecord::from_byte_record(octets.clone()) else { continue };
        let Some(header) = &header else {
            match read_header(source, line, &record, columns, problems) {
                Some(names) => header = Some(names),
                None => return,
            }
            continue;
        };
        if record.iter().all(str::is_empty) {
            continue;
        }
        let row = Row { source, line, record: &record, header };
        if record.iter().any(|field| field.contains('\n')) {
            problems.add(row.problem(
                "a quoted field goes on over the end of the line; close it with a double quote",
            ));
        } else if record.len() != header.len() {
            let (found, wanted) = (record.len(), header.len());
            problems.add(row.problem(format!(
                "this row has {found} fields and the first row {wanted}; \
                 a field with a comma in it must stand in double quotes"
            )));
        } else {
            read(&row, problems);
        }
    }
    if header.is_none() {
        let names = columns.required.join(",");
        problems
            .add(source.problem_in(1, format!("the first row must name the columns: `{names}`")));
    }
}

/// Which of our columns each column of the file is.
fn read_header(
    source: &Source,
    line: u64,
    record: &StringRecord,
    columns: &Columns,
    problems: &mut Problems,
) -> Option<Vec<Option<&'static str>>> {
    let known = || columns.required.iter().chain(columns.optional).copied();
    if record.len() == 1 && record.iter().any(|field| field.contains([';', '\t'])) {
        let reason =
            "columns are separated by commas here; save the file as `CSV (comma separated)`";
        problems.add(source.problem_in(line, reason));
        return None;
    }
    let mut names: Vec<Option<&'static str>> = Vec::new();
    let mut whole = true;
    for (position, field) in (1..).zip(record) {
        let name = field.to_ascii_lowercase();
        let found = known().find(|known| *known == name);
        if found.is_none() {
            // What stands here is not repeated: where the row of names is missing, it is a person.
            let meant = meant(&name, known());
            let all = known().collect::<Vec<_>>().join("`, `");
            let reason = format!(
                "the first row must name the columns, and name {position} is unknown{meant}; \
                 there are `{all}`"
            );
            problems.add(source.problem_in(line, reason));
            whole = false;
        } else if names.contains(&found) {
            problems.add(source.problem_in(line, format!("the column `{name}` stands twice")));
            whole = false;
        }
        names.push(found);
    }
    for required in columns.required {
        if !names.contains(&Some(*required)) {
            problems.add(source.problem_in(line, format!("the column `{required}` is missing")));
            whole = false;
        }
    }
    whole.then_some(names)
}

/// The line of the row that is found from octet `from` on: the reader counts the empty lines and
/// comments before a row as part of it.
fn row_line(source: &Source, from: usize) -> u64 {
    let mut at = from;
    for line in source.text.get(from..).unwrap_or("").split_inclusive('\n') {
        if !line.starts_with('#') && !line.trim_end_matches(['\r', '\n']).is_empty() {
            break;
        }
        at += line.len();
    }
    source.line(at)
}

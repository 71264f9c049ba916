//! Tables for people: columns as wide as what stands in them.

use jiff::tz::TimeZone;

use crate::print::line;

/// A table with a head.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// One with these columns.
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|cell| (*cell).to_owned()).collect()] }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Prints it, where it has a row.
    pub(crate) fn print(&self) {
        if self.rows.len() > 1 {
            self.lines().iter().for_each(|text| line(text));
        }
    }

    fn lines(&self) -> Vec<String> {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let text = |row: &Vec<String>| {
            let cells = row.iter().enumerate().map(|(column, cell)| {
                let gap = width(column).saturating_sub(cell.chars().count());
                format!("{cell}{}", " ".repeat(gap))
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        self.rows.iter().map(text).collect()
    }
}

/// A time of the API, in UTC (RFC 3339), as a clock on the wall of this zone shows it, with its
/// abbreviation; as it came, where it or the zone cannot be read.
pub(crate) fn local(at: &str, zone: Option<&str>) -> String {
    let read = at.parse::<jiff::Timestamp>().ok();
    let zone = zone.and_then(|name| TimeZone::get(name).ok());
    match read.zip(zone) {
        Some((at, zone)) => at.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
        None => at.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        let mut table = Table::new(&["name", "role", "since"]);
        table.row(["Ñandú".to_owned(), "supervisor".to_owned(), String::new()]);
        assert_eq!(table.lines(), ["name   role        since", "Ñandú  supervisor"]);
    }

    #[test]
    fn a_time_is_told_as_the_clock_on_the_wall_shows_it() {
        let at = "2026-11-27T02:30:05.25Z";
        assert_eq!(local(at, Some("America/Denver")), "2026-11-26 19:30:05 MST");
        assert_eq!(
            local("2026-07-01T12:00:00Z", Some("America/Denver")),
            "2026-07-01 06:00:00 MDT"
        );
        assert_eq!(local(at, Some("Nowhere/Town")), at);
        assert_eq!(local(at, None), at);
        assert_eq!(local("yesterday", Some("America/Denver")), "yesterday");
    }
}

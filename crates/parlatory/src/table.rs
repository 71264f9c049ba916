//! Tables for people: columns as wide as what stands in them.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them() {
        let mut table = Table::new(&["name", "role", "since"]);
        table.row(["Ñandú".to_owned(), "supervisor".to_owned(), String::new()]);
        assert_eq!(table.lines(), ["name   role        since", "Ñandú  supervisor"]);
    }
}

//! Rows in columns that line up.

use std::fmt;

/// A head, rows of as many cells, and lines between them; the last column is as wide as it likes.
#[derive(Debug)]
pub(crate) struct Table {
    columns: usize,
    /// A line is a row of one cell.
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(head: &[&str]) -> Table {
        assert!(head.len() > 1, "a row of one cell would be a line");
        Table { columns: head.len(), rows: vec![head.iter().map(ToString::to_string).collect()] }
    }

    /// Appends a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        assert_eq!(N, self.columns, "a row has a cell for each column");
        self.rows.push(cells.into());
    }

    /// Appends a line across all columns: a heading of the rows that follow.
    pub(crate) fn line(&mut self, text: &str) {
        self.rows.push(vec![text.to_owned()]);
    }

    fn widths(&self) -> Vec<usize> {
        let rows = || self.rows.iter().filter(|row| row.len() == self.columns);
        let width = |column: usize| rows().map(|row| row[column].chars().count()).max().unwrap_or(0);
        (0..self.columns).map(width).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for (index, row) in self.rows.iter().enumerate() {
            let cells: String =
                row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}  ")).collect();
            let end = if index + 1 == self.rows.len() { "" } else { "\n" };
            write!(f, "{}{end}", cells.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&["A", "LONG", "C"]);
        table.row(["1".to_owned(), "é".to_owned(), "last cell".to_owned()]);
        table.line("a line that is longer than a column");
        table.row(["333".to_owned(), String::new(), String::new()]);
        let expected = "A    LONG  C\n1    é     last cell\na line that is longer than a column\n333";
        assert_eq!(table.to_string(), expected);
    }
}

//! Rows in columns that line up.

use std::fmt;

/// A head and rows of as many cells; the last column is as wide as it likes.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(head: &[&str]) -> Table {
        Table { rows: vec![head.iter().map(ToString::to_string).collect()] }
    }

    /// Appends a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        assert_eq!(N, self.rows[0].len(), "a row has a cell for each column");
        self.rows.push(cells.into());
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows[0].len();
        let width =
            |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        (0..columns).map(width).collect()
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
        table.row(["333".to_owned(), String::new(), String::new()]);
        assert_eq!(table.to_string(), "A    LONG  C\n1    é     last cell\n333");
    }
}

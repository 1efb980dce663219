//! A log of Zeek's of one protocol, its rows compared with Weir's records, column by column.
//!
//! A [`Mapping`] says of a protocol which records a row speaks of, and how Zeek spells what they say. What a row leaves open is
//! not compared.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::scoreboard::Scoreboard;

/// A row by column.
pub type Row<'l> = BTreeMap<&'l str, &'l str>;

/// How a log and records of one protocol are compared.
pub struct Mapping {
    /// How the name of a log ends.
    pub log: &'static str,
    /// What is compared by it.
    pub protocol: &'static str,
    /// The `event_type` of its records.
    pub kinds: &'static [&'static str],
    /// Which of the records of the row's flow it speaks of.
    pub picks: fn(&Row<'_>, &Value) -> bool,
    /// Columns that are compared.
    pub columns: &'static [Column],
}

/// A column.
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What a row says in it, as it is compared; `Err` is why it is not.
    pub zeek: fn(&Row<'_>, &str) -> Result<String, &'static str>,
    /// The same of the records.
    pub weir: fn(&[&Value]) -> String,
}

/// The column that says the how many-th row of its flow a row is, from 0.
pub const ORDINAL: &str = "#";

/// The rows of a log. Empty where it names no columns.
pub fn rows(log: &str) -> Vec<Row<'_>> {
    let Some(header) = log.lines().find_map(|line| line.strip_prefix("#fields\t")) else { return Vec::new() };
    let names: Vec<&str> = header.split('\t').collect();
    let lines = log.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| names.iter().copied().zip(line.split('\t')).collect()).collect()
}

/// The how many-th row of its flow each row is.
fn ordinals(rows: &[Row<'_>]) -> Vec<String> {
    let mut counts = BTreeMap::<_, usize>::new();
    let mut ordinal = |row: &Row<'_>| {
        let count = counts.entry(row.get("uid").map(|uid| (*uid).to_owned())).or_default();
        *count += 1;
        (*count - 1).to_string()
    };
    rows.iter().map(&mut ordinal).collect()
}

impl Mapping {
    /// Compares every column of every row, once.
    pub fn compare(&self, name: &str, log: &str, events: &[Value], board: &mut Scoreboard) {
        let rows = rows(log);
        if rows.is_empty() {
            board.skip("log without columns");
        }
        let ordinals = ordinals(&rows);
        for (mut row, ordinal) in rows.into_iter().zip(&ordinals) {
            row.insert(ORDINAL, ordinal);
            let is_picked = |event: &&Value| {
                self.kinds.iter().any(|kind| event["event_type"] == *kind)
                    && are_ends(&row, event)
                    && (self.picks)(&row, event)
            };
            let records: Vec<&Value> = events.iter().filter(is_picked).collect();
            for column in self.columns {
                self.compare_column(name, &row, column, &records, board);
            }
        }
    }

    fn compare_column(
        &self,
        name: &str,
        row: &Row<'_>,
        column: &Column,
        records: &[&Value],
        board: &mut Scoreboard,
    ) {
        let said = match row.get(column.name) {
            None | Some(&"-") => return board.skip("left open by Zeek"),
            Some(said) => *said,
        };
        let expected = match (column.zeek)(row, said) {
            Ok(expected) => expected,
            Err(reason) => return board.skip(reason),
        };
        let found = (column.weir)(records);
        if expected.eq_ignore_ascii_case(&found) {
            return board.pass();
        }
        let ends = ["id.orig_h", "id.orig_p", "id.resp_h"].map(|end| row.get(end).copied().unwrap_or("?"));
        board.fail(format!("{name}: {}: {} is {expected}, got {found}", ends.join(" "), column.name));
    }
}

/// Whether a record is of the flow that a row names, whoever spoke first.
fn are_ends(row: &Row<'_>, event: &Value) -> bool {
    let of_row = [["id.orig_h", "id.orig_p"], ["id.resp_h", "id.resp_p"]]
        .map(|end| end.map(|column| row.get(column).copied().unwrap_or_default().to_owned()));
    let of_event =
        [["src_ip", "src_port"], ["dest_ip", "dest_port"]].map(|end| end.map(|key| text(&event[key])));
    let mut turned = of_event.clone();
    turned.reverse();
    of_row == of_event || of_row == turned
}

/// A value as text: empty where it is missing.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

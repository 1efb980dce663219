//! Reads a TOML text so that every mistake in it is found at once.
//!
//! A reader asks for what it knows, and never fails half-way: each getter yields `None` where the text is wrong and
//! notes a [`Mistake`] with line, column and a hint. [`Document::finish`] adds the keys that nobody asked for and hands
//! all mistakes over, in the order of the text.
//!
//! ```
//! use dlp_patterns::document::Document;
//!
//! let document = Document::parse("weir.toml", "mode = 'protct'\nqueue = 70000\nworker = 2\n");
//! let root = document.root();
//! let mode = root.need("mode").one_of(&[("monitor", 0), ("protect", 1)]);
//! let queue = root.need("queue").integer(0u16..=63);
//! let workers = root.optional("workers").integer(1u32..=64).unwrap_or(1);
//! assert_eq!((mode, queue, workers), (None, None, 1));
//!
//! let mistakes = document.finish().unwrap_err();
//! assert_eq!(mistakes.len(), 3);
//! assert_eq!(
//!     mistakes[2].to_string(),
//!     "weir.toml:3:1: unknown key `worker`\n  hint: did you mean `workers`?"
//! );
//! ```

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::de::{DeTable, DeValue};

mod duplicate;
mod mistake;
mod nearest;
mod place;
mod table;
mod value;

pub use mistake::Mistake;
pub use nearest::{did_you_mean, nearest};
pub use place::Place;
pub use table::Table;
pub use value::Value;

/// A parsed TOML text together with every mistake found in it so far.
///
/// Invariant: a table is in `asked` exactly if a [`Table`] view of it was handed out.
#[derive(Debug)]
pub struct Document<'t> {
    file: String,
    text: &'t str,
    /// The offset of each line break, ascending: a long text has many places, each of which needs its line.
    line_ends: Vec<usize>,
    /// Boxed, so that its address is the same before and after the document moves.
    root: Box<DeTable<'t>>,
    /// The text was not wholly legible, so a key that seems to be missing may only be unreadable.
    is_torn: bool,
    /// The keys that a reader asked for, by the address of their table, which never moves.
    asked: RefCell<BTreeMap<usize, BTreeSet<String>>>,
    mistakes: RefCell<Vec<Mistake>>,
}

impl<'t> Document<'t> {
    /// Parses `text`; `file` is the name that mistakes carry. Syntax errors become mistakes, and whatever else is
    /// legible can still be read.
    pub fn parse(file: &str, text: &'t str) -> Document<'t> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let document = Document {
            file: file.to_owned(),
            text,
            line_ends: text
                .bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n')
                .map(|(at, _)| at)
                .collect(),
            root: Box::new(root.into_inner()),
            is_torn: !errors.is_empty(),
            asked: RefCell::default(),
            mistakes: RefCell::default(),
        };
        for error in errors {
            let span = error.span().unwrap_or_default();
            match error.message() {
                duplicate::MESSAGE => document.note_duplicate(&span),
                message => document.note(span.start, message.replace('\n', ", "), None),
            }
        }
        document
    }

    /// The view of the whole text.
    pub fn root(&self) -> Table<'_> {
        Table::new(self, &self.root, 0)
    }

    /// The name that mistakes carry.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Adds a mistake for each key that nobody asked for in the tables that were read.
    ///
    /// # Errors
    /// All mistakes, in the order of the text, if there is any.
    pub fn finish(self) -> Result<(), Vec<Mistake>> {
        self.note_unknown_keys(&self.root);
        let mut mistakes = self.mistakes.into_inner();
        mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
        mistakes.dedup();
        if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
    }

    fn note_unknown_keys(&self, table: &DeTable<'_>) {
        let Some(known) = self.asked.borrow().get(&address(table)).cloned() else { return };
        for (key, value) in table {
            if !known.contains(key.get_ref().as_ref()) {
                let hint = did_you_mean(key.get_ref(), known.iter().map(String::as_str));
                self.note(key.span().start, format!("unknown key `{}`", key.get_ref()), hint);
                continue;
            }
            match value.get_ref() {
                DeValue::Table(inner) => self.note_unknown_keys(inner),
                DeValue::Array(items) => items
                    .iter()
                    .filter_map(|item| item.get_ref().as_table())
                    .for_each(|inner| self.note_unknown_keys(inner)),
                _ => {}
            }
        }
    }

    /// Opens the account of what is asked of `table`.
    fn view(&self, table: &DeTable<'_>) {
        self.asked.borrow_mut().entry(address(table)).or_default();
    }

    fn ask(&self, table: &DeTable<'_>, key: &str) {
        self.asked.borrow_mut().entry(address(table)).or_default().insert(key.to_owned());
    }

    /// Notes a mistake at a byte offset of the text.
    fn note(&self, at_bytes: usize, message: String, hint: Option<String>) {
        self.mistakes.borrow_mut().push(self.place(at_bytes).mistake(message, hint));
    }

    fn note_duplicate(&self, again: &Range<usize>) {
        let key = self.text.get(again.clone()).unwrap_or_default();
        let first = duplicate::first_of(self.text, again).map(|at_bytes| self.place(at_bytes));
        let hint = first.map(|Place { file, line, column }| format!("{file}:{line}:{column} has it already"));
        self.note(again.start, format!("duplicate key `{key}`"), hint);
    }

    /// The place of a byte offset.
    fn place(&self, at_bytes: usize) -> Place {
        let before = self.text.as_bytes().get(..at_bytes).unwrap_or(self.text.as_bytes());
        let lines = self.line_ends.partition_point(|end| *end < before.len());
        let line_start = self.line_ends[..lines].last().map_or(0, |end| end + 1);
        let columns = String::from_utf8_lossy(&before[line_start..]).chars().count();
        let from_one = |count: usize| u32::try_from(count + 1).unwrap_or(u32::MAX);
        Place { file: self.file.clone(), line: from_one(lines), column: from_one(columns) }
    }
}

fn address(table: &DeTable<'_>) -> usize {
    std::ptr::from_ref(table).addr()
}

#[cfg(test)]
mod tests;

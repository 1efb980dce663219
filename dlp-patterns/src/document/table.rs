//! A view of one TOML table.

use toml::de::DeTable;

use super::value::choice;
use super::{Document, Place, Value};

/// A view of one table that remembers which keys were asked for, so that the others can be refused.
#[derive(Clone, Copy, Debug)]
pub struct Table<'d> {
    document: &'d Document<'d>,
    table: &'d DeTable<'d>,
    at_bytes: usize,
}

impl<'d> Table<'d> {
    pub(super) fn new(document: &'d Document<'d>, table: &'d DeTable<'d>, at_bytes: usize) -> Table<'d> {
        document.view(table);
        Table { document, table, at_bytes }
    }

    /// The value of a key that has to be there; its absence is a mistake.
    pub fn need(&self, key: &str) -> Value<'d> {
        self.need_with(key, || None)
    }

    /// What is listed beside the name that stands at a key. The key has to be there; its absence is a mistake
    /// whose hint lists the names.
    pub fn need_one_of<T: Copy>(&self, key: &str, names: &[(&str, T)]) -> Option<T> {
        self.need_with(key, || Some(choice(names))).one_of(names)
    }

    fn need_with(&self, key: &str, hint: impl FnOnce() -> Option<String>) -> Value<'d> {
        let value = self.optional(key);
        if !value.is_present() && !self.document.is_torn {
            self.document.note(self.at_bytes, format!("missing key `{key}`"), hint());
        }
        value
    }

    /// The value of a key that may be absent.
    pub fn optional(&self, key: &str) -> Value<'d> {
        self.document.ask(self.table, key);
        match self.table.get(key) {
            Some(value) => Value::new(self.document, value),
            None => Value::absent(self.document, self.at_bytes),
        }
    }

    /// All keys and values in the order of the text, for tables whose keys are names that the operator chose.
    pub fn entries(&self) -> Vec<(&'d str, Value<'d>)> {
        let mut entries: Vec<_> = self.table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let name = |key: &'d str| {
            self.document.ask(self.table, key);
            key
        };
        entries
            .into_iter()
            .map(|(key, value)| (name(key.get_ref()), Value::new(self.document, value)))
            .collect()
    }

    /// Notes a mistake that concerns the table as a whole.
    pub fn mistake(&self, message: impl Into<String>, hint: Option<String>) {
        self.document.note(self.at_bytes, message.into(), hint);
    }

    /// Where the table stands, for mistakes that come to light after the document is finished.
    pub fn place(&self) -> Place {
        self.document.place(self.at_bytes)
    }
}

//! A view of one TOML value.

use std::fmt::Display;
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::DeValue;

use super::{Document, Place, Table, did_you_mean};

/// A value that may be absent. Each getter yields `None` silently where it is absent, and notes a mistake where it is
/// of another type or out of range.
#[derive(Clone, Copy, Debug)]
pub struct Value<'d> {
    document: &'d Document<'d>,
    /// Where mistakes about this value point, in bytes: the value itself, or the table it is absent from.
    at_bytes: usize,
    value: Option<&'d DeValue<'d>>,
}

impl<'d> Value<'d> {
    pub(super) fn new(document: &'d Document<'d>, value: &'d Spanned<DeValue<'d>>) -> Value<'d> {
        Value { document, at_bytes: value.span().start, value: Some(value.get_ref()) }
    }

    pub(super) fn absent(document: &'d Document<'d>, at_bytes: usize) -> Value<'d> {
        Value { document, at_bytes, value: None }
    }

    /// Whether the key is there at all.
    pub fn is_present(&self) -> bool {
        self.value.is_some()
    }

    /// Whether it is a table, for keys that take either a table or something simpler.
    pub fn is_table(&self) -> bool {
        self.value.is_some_and(DeValue::is_table)
    }

    /// A string.
    pub fn string(&self) -> Option<&'d str> {
        self.typed("a string", DeValue::as_str)
    }

    /// `true` or `false`.
    pub fn bool(&self) -> Option<bool> {
        self.typed("true or false", DeValue::as_bool)
    }

    /// An integer within a range.
    pub fn integer<T>(&self, range: RangeInclusive<T>) -> Option<T>
    where
        T: Copy + PartialOrd + Display + TryFrom<i128>,
    {
        let digits = self.typed("an integer", DeValue::as_integer)?;
        let number = i128::from_str_radix(digits.as_str(), digits.radix()).ok();
        let within =
            number.and_then(|number| T::try_from(number).ok()).filter(|number| range.contains(number));
        if within.is_none() {
            self.mistake(format!("{digits} is not within {} to {}", range.start(), range.end()), None);
        }
        within
    }

    /// A string that is one of some names; yields what is listed beside the name.
    pub fn one_of<T: Copy>(&self, names: &[(&str, T)]) -> Option<T> {
        let name = self.string()?;
        if let Some((_, meaning)) = names.iter().find(|(known, _)| *known == name) {
            return Some(*meaning);
        }
        let known = names.iter().map(|(known, _)| *known);
        let hint = did_you_mean(name, known).unwrap_or_else(|| choice(names));
        self.mistake(format!("`{name}` is not known here"), Some(hint));
        None
    }

    /// A string that `parse` understands; its error is the mistake. `expected` is the hint: what would be right.
    pub fn parsed<T, E: Display>(
        &self,
        expected: &str,
        parse: impl FnOnce(&'d str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.string()?;
        match parse(text) {
            Ok(meaning) => Some(meaning),
            Err(error) => {
                self.mistake(format!("`{text}`: {error}"), Some(format!("expected {expected}")));
                None
            }
        }
    }

    /// The elements of an array, each to be read by its own getter; none where there is no array.
    pub fn items(&self) -> Vec<Value<'d>> {
        let items = self.typed("an array", DeValue::as_array);
        items.into_iter().flat_map(|items| items.iter()).map(|item| Value::new(self.document, item)).collect()
    }

    /// An array of strings; `None` if any element is something else.
    pub fn strings(&self) -> Option<Vec<&'d str>> {
        self.typed("an array of strings", DeValue::as_array)?;
        // No short cut at the first element that is no string: each one is a mistake of its own.
        self.items().iter().map(Value::string).collect::<Vec<_>>().into_iter().collect()
    }

    /// A table.
    pub fn table(&self) -> Option<Table<'d>> {
        let table = self.typed("a table", DeValue::as_table)?;
        Some(Table::new(self.document, table, self.at_bytes))
    }

    /// An array of tables, `[[name]]`; elements that are no tables are left out as mistakes.
    pub fn tables(&self) -> Vec<Table<'d>> {
        if self.is_table() {
            self.mistake(
                "one table where an array of tables belongs",
                Some("write [[name]] for [name]".to_owned()),
            );
            return Vec::new();
        }
        self.items().iter().filter_map(Value::table).collect()
    }

    /// Notes a mistake about this value.
    pub fn mistake(&self, message: impl Into<String>, hint: Option<String>) {
        self.document.note(self.at_bytes, message.into(), hint);
    }

    /// Where the value stands, for mistakes that come to light after the document is finished.
    pub fn place(&self) -> Place {
        self.document.place(self.at_bytes)
    }

    fn typed<T>(&self, wanted: &str, get: impl FnOnce(&'d DeValue<'d>) -> Option<T>) -> Option<T> {
        let value = self.value?;
        let got = get(value);
        if got.is_none() {
            self.mistake(format!("{wanted} belongs here, not {}", described(value)), None);
        }
        got
    }
}

fn described(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// A hint that lists all names to choose from.
pub(super) fn choice<T>(names: &[(&str, T)]) -> String {
    let known: Vec<_> = names.iter().map(|(known, _)| *known).collect();
    format!("one of: {}", known.join(", "))
}

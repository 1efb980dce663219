//! The entries of a message of DNS, as its record tells them.

use crate::app::{Record, Value};

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Question,
    Answer,
}

/// A question, or an answer with its data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'r> {
    pub(super) section: Section,
    pub(super) name: &'r [u8],
    /// The name of its type.
    pub(super) kind: &'r [u8],
    pub(super) data: Option<&'r [u8]>,
}

/// Questions and answers in order.
pub(super) fn entries(record: &Record) -> impl Iterator<Item = Entry<'_>> {
    let mut values = record.values();
    let mut section = None;
    std::iter::from_fn(move || {
        loop {
            match values.next()? {
                ("queries", Value::List) => section = Some(Section::Question),
                ("answers", Value::List) => section = Some(Section::Answer),
                (_, Value::List | Value::Close) => section = None,
                (_, Value::Object) => {
                    let entry = entry(&mut values);
                    if let Some(section) = section {
                        return Some(Entry { section, ..entry });
                    }
                }
                _ => {}
            }
        }
    })
}

/// Up to the end of the object that was begun.
fn entry<'r>(values: &mut impl Iterator<Item = (&'static str, Value<'r>)>) -> Entry<'r> {
    let mut entry = Entry { section: Section::Question, name: b"", kind: b"", data: None };
    let mut depth = 0;
    for (name, value) in values {
        match (name, value) {
            (_, Value::Close) if depth == 0 => break,
            (_, Value::Close) => depth -= 1,
            (_, Value::Object | Value::List) => depth += 1,
            ("rrname", Value::Text(text)) => entry.name = text,
            ("rrtype", Value::Text(text)) => entry.kind = text,
            // Of SRV, the target.
            ("rdata" | "name", Value::Text(text)) => entry.data = Some(text),
            _ => {}
        }
    }
    entry
}

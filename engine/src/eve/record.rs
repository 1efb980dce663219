//! A record of the dataplane as JSON.

use std::cell::RefCell;

use dataplane::app::{Record, Value};
use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};

use super::Text;

/// The values of a record, as one object; it is written once.
pub(super) struct RecordBody<I>(RefCell<I>);

impl<I> RecordBody<I> {
    pub(super) fn new(values: I) -> RecordBody<I> {
        RecordBody(RefCell::new(values))
    }
}

impl<'r, I: Iterator<Item = (&'static str, Value<'r>)>> Serialize for RecordBody<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Nested { steps: &self.0, is_list: false }.serialize(serializer)
    }
}

/// What a threat rests on: the values of a record.
pub(super) struct Evidence<'r>(pub(super) &'r Record);

impl Serialize for Evidence<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RecordBody::new(self.0.values()).serialize(serializer)
    }
}

/// What follows up to where it is closed, or to the end; the steps are used up by being written.
struct Nested<'s, I> {
    steps: &'s RefCell<I>,
    is_list: bool,
}

impl<'r, I: Iterator<Item = (&'static str, Value<'r>)>> Nested<'_, I> {
    /// Tells `member` of every name and value.
    fn each<E>(
        &self,
        mut member: impl FnMut(&'static str, One<'_, 'r, I>) -> Result<(), E>,
    ) -> Result<(), E> {
        loop {
            // Not held any longer: the value reads on.
            let step = self.steps.borrow_mut().next();
            match step {
                None | Some((_, Value::Close)) => return Ok(()),
                Some((name, value)) => member(name, One { steps: self.steps, value })?,
            }
        }
    }
}

impl<'r, I: Iterator<Item = (&'static str, Value<'r>)>> Serialize for Nested<'_, I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_list {
            let mut list = serializer.serialize_seq(None)?;
            self.each(|_, value| list.serialize_element(&value))?;
            list.end()
        } else {
            let mut object = serializer.serialize_map(None)?;
            self.each(|name, value| object.serialize_entry(name, &value))?;
            object.end()
        }
    }
}

/// One value.
struct One<'s, 'r, I> {
    steps: &'s RefCell<I>,
    value: Value<'r>,
}

impl<'r, I: Iterator<Item = (&'static str, Value<'r>)>> Serialize for One<'_, 'r, I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Text(bytes) => Text(bytes).serialize(serializer),
            Value::Number(number) => serializer.serialize_u64(number),
            Value::Flag(flag) => serializer.serialize_bool(flag),
            Value::Object => Nested { steps: self.steps, is_list: false }.serialize(serializer),
            Value::List => Nested { steps: self.steps, is_list: true }.serialize(serializer),
            Value::Close => unreachable!("it ends what it is in"),
        }
    }
}

#[cfg(test)]
mod tests {
    use dataplane::app::{AppProtocol, Record};

    use super::*;
    use crate::eve::json::Json;

    #[test]
    fn what_is_nested_comes_out_nested() {
        let mut record = Record::default();
        record.begin(AppProtocol::Dns, 0);
        record.text("rrname", b"a\"b\xff");
        record.list("answers", |record| {
            record.object("", |record| record.number("ttl", 60));
            record.list("", |record| record.flag("", true));
            record.list("", |_| {});
        });
        record.flag("tc", false);
        let mut out = Vec::new();
        RecordBody::new(record.values()).serialize(Json(&mut out)).expect("plain");
        let expected = r#"{"rrname":"a\"b\\xFF","answers":[{"ttl":60},[true],[]],"tc":false}"#;
        assert_eq!(String::from_utf8(out).expect("UTF-8"), expected);
    }
}

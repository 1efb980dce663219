//! What a parser tells of one transaction: named values, nested as events show them.

use arrayvec::ArrayVec;

use super::AppProtocol;
use crate::limits::{FILE_NAME_BYTES_MAX, RECORD_ITEMS_MAX, RECORD_TEXT_BYTES_MAX};

/// Named values in the order in which they were told; names are those of Suricata's events, where it has them.
///
/// Invariant: what is opened is closed, and no more than [`RECORD_ITEMS_MAX`] items are held: those beyond are left out, and
/// [`Record::is_cut`] says so. It is filled, handed out and cleared; its memory stays for the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    protocol: AppProtocol,
    kind: RecordKind,
    id: u64,
    /// Bytes of the message that it tells of, where whoever tells says so.
    message_bytes: u32,
    items: Vec<(&'static str, Item)>,
    text: Vec<u8>,
    /// Objects and lists that are open.
    depth: u32,
    /// Of them, those that were not written because the record was full.
    left_out: u32,
    is_cut: bool,
    /// Name and first item of each object that stands beside that of the record.
    beside: ArrayVec<(&'static str, usize), 2>,
}

/// What a record tells of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordKind {
    /// A transaction of its protocol, which events are named after.
    #[default]
    Transaction,
    /// A file that the protocol carried.
    File,
}

/// An item as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    Text { begin: u32, end: u32 },
    Number(u64),
    Flag(bool),
    Object,
    List,
    Close,
}

/// One step through a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'r> {
    /// Bytes that ought to be text.
    Text(&'r [u8]),
    /// A number.
    Number(u64),
    /// True or false.
    Flag(bool),
    /// Named values follow, up to a [`Value::Close`].
    Object,
    /// Values without a name follow, up to a [`Value::Close`].
    List,
    /// The innermost open object or list is complete.
    Close,
}

impl Record {
    /// Forgets all: another transaction, number `id` of its flow and protocol.
    pub fn begin(&mut self, protocol: AppProtocol, id: u64) {
        self.items.clear();
        self.text.clear();
        (self.protocol, self.id, self.depth, self.left_out, self.is_cut) = (protocol, id, 0, 0, false);
        (self.kind, self.message_bytes) = (RecordKind::Transaction, 0);
        self.beside.clear();
    }

    /// The same, of a file that the transaction carried.
    pub fn begin_file(&mut self, protocol: AppProtocol, id: u64) {
        self.begin(protocol, id);
        self.kind = RecordKind::File;
    }

    /// What it tells of.
    pub fn kind(&self) -> RecordKind {
        self.kind
    }

    /// Whose transaction.
    pub fn protocol(&self) -> AppProtocol {
        self.protocol
    }

    /// Its number in its flow, from 0.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Bytes of the message that it tells of; 0 where nobody said. No event shows them: they are for detectors of threats.
    pub fn message_bytes(&self) -> u32 {
        self.message_bytes
    }

    /// Says how many bytes the message has that it tells of.
    pub fn set_message_bytes(&mut self, bytes: usize) {
        self.message_bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    }

    /// Whether values or bytes of a text were left out.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// What it tells is not all there was: one of its texts is the begin of a longer one.
    pub fn cut(&mut self) {
        self.is_cut = true;
    }

    /// A text; beyond [`RECORD_TEXT_BYTES_MAX`] it is cut. In a list its name is not used.
    pub fn text(&mut self, name: &'static str, bytes: &[u8]) {
        self.text_up_to(RECORD_TEXT_BYTES_MAX, name, bytes);
    }

    /// The name of a file; beyond [`FILE_NAME_BYTES_MAX`] it is cut.
    pub(crate) fn file_name(&mut self, name: &'static str, bytes: &[u8]) {
        self.text_up_to(FILE_NAME_BYTES_MAX, name, bytes);
    }

    fn text_up_to(&mut self, bytes_max: usize, name: &'static str, bytes: &[u8]) {
        let kept = bytes.get(..bytes_max).unwrap_or(bytes);
        self.is_cut |= kept.len() < bytes.len();
        let begin = self.text.len() as u32;
        let end = begin + kept.len() as u32;
        if self.push(name, Item::Text { begin, end }) {
            self.text.extend_from_slice(kept);
        }
    }

    /// A text, unless it is empty.
    pub fn text_if_any(&mut self, name: &'static str, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.text(name, bytes);
        }
    }

    /// What is formatted, as a text.
    pub fn display(&mut self, name: &'static str, value: impl std::fmt::Display) {
        use std::io::Write as _;
        let begin = self.text.len();
        write!(self.text, "{value}").expect("memory takes all");
        if self.text.len() - begin > RECORD_TEXT_BYTES_MAX {
            self.text.truncate(begin + RECORD_TEXT_BYTES_MAX);
            self.is_cut = true;
        }
        let (begin, end) = (begin as u32, self.text.len() as u32);
        if !self.push(name, Item::Text { begin, end }) {
            self.text.truncate(begin as usize);
        }
    }

    /// A number.
    pub fn number(&mut self, name: &'static str, number: u64) {
        self.push(name, Item::Number(number));
    }

    /// True or false.
    pub fn flag(&mut self, name: &'static str, flag: bool) {
        self.push(name, Item::Flag(flag));
    }

    /// An object of what `fill` tells.
    pub fn object(&mut self, name: &'static str, fill: impl FnOnce(&mut Record)) {
        self.nest(name, Item::Object, fill);
    }

    /// A list of what `fill` tells.
    pub fn list(&mut self, name: &'static str, fill: impl FnOnce(&mut Record)) {
        self.nest(name, Item::List, fill);
    }

    /// What `fill` tells is an object of its own that stands beside that of the record; such come last, and two at most.
    pub fn beside(&mut self, name: &'static str, fill: impl FnOnce(&mut Record)) {
        let is_room = self.beside.try_push((name, self.items.len())).is_ok();
        debug_assert!(is_room, "there are two at most");
        if is_room {
            fill(self);
        }
    }

    fn nest(&mut self, name: &'static str, open: Item, fill: impl FnOnce(&mut Record)) {
        // There is always room to close what was opened.
        let is_written = self.items.len() + self.depth as usize + 2 <= RECORD_ITEMS_MAX && self.left_out == 0;
        self.is_cut |= !is_written;
        if is_written {
            self.items.push((name, open));
            self.depth += 1;
        } else {
            self.left_out += 1;
        }
        fill(self);
        if is_written {
            self.items.push(("", Item::Close));
            self.depth -= 1;
        } else {
            self.left_out -= 1;
        }
    }

    fn push(&mut self, name: &'static str, item: Item) -> bool {
        let is_room = self.items.len() + (self.depth as usize) < RECORD_ITEMS_MAX && self.left_out == 0;
        if is_room {
            self.items.push((name, item));
        }
        self.is_cut |= !is_room;
        is_room
    }

    /// Its names and values in order.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, Value<'_>)> {
        let end = self.beside.first().map_or(self.items.len(), |(_, begin)| *begin);
        self.steps(self.items.get(..end).unwrap_or_default())
    }

    /// The objects that stand beside it: of each its name, and its names and values in order.
    pub fn values_beside(
        &self,
    ) -> impl Iterator<Item = (&'static str, impl Iterator<Item = (&'static str, Value<'_>)>)> {
        self.beside.iter().enumerate().map(|(at, (name, begin))| {
            let end = self.beside.get(at + 1).map_or(self.items.len(), |(_, begin)| *begin);
            (*name, self.steps(self.items.get(*begin..end).unwrap_or_default()))
        })
    }

    fn steps<'r>(
        &'r self,
        items: &'r [(&'static str, Item)],
    ) -> impl Iterator<Item = (&'static str, Value<'r>)> {
        items.iter().map(|(name, item)| {
            let value = match *item {
                Item::Text { begin, end } => {
                    Value::Text(self.text.get(begin as usize..end as usize).unwrap_or_default())
                }
                Item::Number(number) => Value::Number(number),
                Item::Flag(flag) => Value::Flag(flag),
                Item::Object => Value::Object,
                Item::List => Value::List,
                Item::Close => Value::Close,
            };
            (*name, value)
        })
    }

    /// The first value of that name, at whatever depth.
    pub fn find(&self, name: &str) -> Option<Value<'_>> {
        self.steps(&self.items).find(|(of, _)| *of == name).map(|(_, value)| value)
    }

    /// The record with every text replaced by what `shown` makes of it.
    #[must_use]
    pub fn map_texts(&self, mut shown: impl FnMut(&mut Vec<u8>)) -> Record {
        let mut mapped = Record { text: Vec::with_capacity(self.text.len()), ..self.clone() };
        for (_, item) in &mut mapped.items {
            if let Item::Text { begin, end } = item {
                let mut text = self.text.get(*begin as usize..*end as usize).unwrap_or_default().to_vec();
                shown(&mut text);
                *begin = mapped.text.len() as u32;
                mapped.text.extend_from_slice(&text);
                *end = mapped.text.len() as u32;
            }
        }
        mapped
    }
}

/// As much of a text as a record tells, and a byte more where that is not all of it.
pub(super) fn kept(text: &[u8]) -> Vec<u8> {
    text.get(..=RECORD_TEXT_BYTES_MAX).unwrap_or(text).to_vec()
}

/// The same of the name of a file.
pub(super) fn kept_file_name(name: &[u8]) -> Vec<u8> {
    name.get(..=FILE_NAME_BYTES_MAX).unwrap_or(name).to_vec()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How deep each step stands; panics where something is closed that was not opened.
    fn depth(record: &Record) -> usize {
        record.values().fold(0, |depth: usize, (_, value)| match value {
            Value::Object | Value::List => depth + 1,
            Value::Close => depth.checked_sub(1).expect("closed what was open"),
            _ => depth,
        })
    }

    fn fill(record: &mut Record, nested: &[usize]) {
        let Some((count, rest)) = nested.split_first() else { return };
        for _ in 0..*count {
            record.number("n", 1);
        }
        record.list("list", |record| fill(record, rest));
        record.object("object", |record| record.text("text", b"x"));
    }

    #[test]
    fn values_come_back_in_order() {
        let mut record = Record::default();
        record.begin(AppProtocol::Dns, 7);
        record.text("a", b"one");
        record.list("b", |record| {
            record.object("", |record| record.display("c", 4));
            record.flag("", true);
        });
        let values: Vec<_> = record.values().collect();
        let expected = [
            ("a", Value::Text(b"one")),
            ("b", Value::List),
            ("", Value::Object),
            ("c", Value::Text(b"4")),
            ("", Value::Close),
            ("", Value::Flag(true)),
            ("", Value::Close),
        ];
        assert_eq!(values, expected);
        assert_eq!(record.find("c"), Some(Value::Text(b"4")));
        let shown = record.map_texts(|text| text.extend(b"!"));
        assert_eq!(
            (shown.find("a"), shown.find("c")),
            (Some(Value::Text(b"one!")), Some(Value::Text(b"4!")))
        );
        assert_eq!((record.protocol(), record.id(), record.is_cut()), (AppProtocol::Dns, 7, false));
    }

    #[test]
    fn a_long_text_is_cut() {
        let mut record = Record::default();
        record.text("a", &vec![b'x'; RECORD_TEXT_BYTES_MAX + 1]);
        assert_eq!(record.find("a"), Some(Value::Text(&vec![b'x'; RECORD_TEXT_BYTES_MAX])));
        assert!(record.is_cut());
    }

    #[test]
    fn what_is_kept_tells_that_it_was_cut() {
        assert_eq!(kept(&[b'x'; RECORD_TEXT_BYTES_MAX]).len(), RECORD_TEXT_BYTES_MAX);
        assert_eq!(kept(&[b'x'; RECORD_TEXT_BYTES_MAX + 9]).len(), RECORD_TEXT_BYTES_MAX + 1);
        for (more, is_cut) in [(0, false), (1, true), (9, true)] {
            let mut record = Record::default();
            record.file_name("filename", &kept_file_name(&vec![b'x'; FILE_NAME_BYTES_MAX + more]));
            let Some(Value::Text(name)) = record.find("filename") else { panic!("it is a text") };
            assert_eq!((name.len(), record.is_cut()), (FILE_NAME_BYTES_MAX, is_cut), "{more}");
        }
    }

    proptest! {
        #[test]
        fn it_is_never_too_long_and_always_closed(nested in proptest::collection::vec(0usize..80, 0..20)) {
            let mut record = Record::default();
            fill(&mut record, &nested);
            prop_assert!(record.values().count() <= RECORD_ITEMS_MAX);
            prop_assert_eq!(depth(&record), 0);
        }
    }
}

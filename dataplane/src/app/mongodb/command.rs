//! What a client of MongoDB asks.

use super::{
    COMPRESSED, DELETE, GET_MORE, INSERT, KILL_CURSORS, MSG, QUERY, UPDATE,
    bson::{Document, Shown, Value},
};
use crate::app::{Record, pending::kept, sasl, wire::Wire};

/// A command as records tell it; texts are kept as far as they go there.
#[derive(Debug)]
pub(super) struct Command {
    name: Vec<u8>,
    collection: Vec<u8>,
    database: Vec<u8>,
    user: Vec<u8>,
    statement: Vec<u8>,
    compressor: Option<&'static str>,
    bytes: u64,
}

/// A command as it is read; its statement is without secrets.
#[derive(Debug, Default)]
pub(super) struct Read {
    name: Vec<u8>,
    collection: Vec<u8>,
    pub(super) database: Vec<u8>,
    pub(super) user: Vec<u8>,
    pub(super) statement: Vec<u8>,
    compressor: Option<&'static str>,
    pub(super) is_answered: bool,
}

const CHECKSUM_PRESENT: u32 = 1;
const MORE_TO_COME: u32 = 2;

impl Command {
    /// What stands behind the head of a message.
    pub(super) fn parse(operation: u32, mut wire: Wire<'_>, is_cut: bool) -> Option<Read> {
        match operation {
            MSG => Read::msg(wire, is_cut),
            QUERY => {
                let _flags = wire.u32_le()?;
                let namespace = wire.until_nul()?;
                let (_skip, _count) = (wire.u32_le()?, wire.u32_le()?);
                Read::query(namespace, Document::take(&mut wire)?)
            }
            COMPRESSED => {
                let original = wire.u32_le()?;
                let _length = wire.u32_le()?;
                let compressor = compressor(wire.u8()?);
                let name = name_of(original).to_vec();
                Some(Read { name, compressor: Some(compressor), is_answered: true, ..Read::default() })
            }
            KILL_CURSORS => Some(Read { name: name_of(operation).to_vec(), ..Read::default() }),
            _ => Read::legacy(operation, wire),
        }
    }

    pub(super) fn tell(&self, record: &mut Record) {
        record.text_if_any("command", &self.name);
        record.text_if_any("collection", &self.collection);
        record.text_if_any("database", &self.database);
        record.text_if_any("user", &self.user);
        record.text_if_any("statement", &self.statement);
        record.text_if_any("compressor", self.compressor.unwrap_or_default().as_bytes());
        record.number("request_bytes", self.bytes);
    }
}

impl Read {
    /// OP_MSG: sections, one of them the command.
    fn msg(mut wire: Wire<'_>, is_cut: bool) -> Option<Read> {
        const BODY: u8 = 0;
        const SEQUENCE: u8 = 1;
        let flags = wire.u32_le()?;
        if flags & CHECKSUM_PRESENT != 0 && !is_cut {
            let sections = wire.rest().len().checked_sub(4)?;
            wire = Wire(wire.take(sections)?);
        }
        let mut read = Read { is_answered: flags & MORE_TO_COME == 0, ..Read::default() };
        let mut shown = Shown::default();
        while let Some(kind) = wire.u8() {
            match kind {
                BODY => read.command(Document::take(&mut wire)?, &mut shown),
                SEQUENCE => {
                    if Read::sequence(&mut wire, &mut shown).is_none() {
                        break;
                    }
                }
                _ => return None,
            }
        }
        read.statement = shown.text;
        Some(read)
    }

    /// Documents under a name; their length counts itself, and they may be cut.
    fn sequence(wire: &mut Wire<'_>, shown: &mut Shown) -> Option<()> {
        let length = usize::try_from(wire.u32_le()?).ok()?;
        let here = length.saturating_sub(4).min(wire.rest().len());
        let mut section = Wire(wire.take(here)?);
        shown.add(b" ");
        shown.add(section.until_nul()?);
        shown.add(b": ");
        while let Some(document) = Document::take(&mut section) {
            shown.document(document, &|_| false);
        }
        Some(())
    }

    /// A document whose first element is the name of a command, with what it is about.
    fn command(&mut self, document: Document<'_>, shown: &mut Shown) {
        let Some(first) = document.elements().next() else { return };
        self.name = first.name.to_vec();
        self.collection = first.value.text().unwrap_or_default().to_vec();
        if let Some(database) = document.find(b"$db").and_then(Value::text) {
            self.database = database.to_vec();
        }
        self.user = user(document).to_vec();
        let has_secrets = HAS_SECRETS.contains(&&self.name[..]);
        shown.document(document, &|name| {
            name == b"speculativeAuthenticate" || (has_secrets && SECRETS.contains(&name))
        });
    }

    /// OP_QUERY: a command where it is for the collection `$cmd`.
    fn query(namespace: &[u8], document: Document<'_>) -> Option<Read> {
        let mut read = Read { is_answered: true, ..Read::default() };
        let mut shown = Shown::default();
        let (database, collection) = split(namespace);
        if collection == b"$cmd" {
            // A driver may put the command into an element of its own.
            let inner = document.find(b"$query").or(document.find(b"query")).and_then(Value::document);
            read.command(inner.unwrap_or(document), &mut shown);
        } else {
            read.name = b"query".to_vec();
            read.collection = collection.to_vec();
            shown.document(document, &|_| false);
        }
        read.database = database.to_vec();
        read.statement = shown.text;
        Some(read)
    }

    /// Operations of servers before 5.1: a namespace, and documents.
    fn legacy(operation: u32, mut wire: Wire<'_>) -> Option<Read> {
        let _flags = wire.u32_le()?;
        let (database, collection) = split(wire.until_nul()?);
        let mut shown = Shown::default();
        if matches!(operation, UPDATE | DELETE) {
            let _flags = wire.u32_le()?;
        }
        while operation != GET_MORE
            && let Some(document) = Document::take(&mut wire)
        {
            shown.document(document, &|_| false);
        }
        Some(Read {
            name: name_of(operation).to_vec(),
            database: database.to_vec(),
            collection: collection.to_vec(),
            statement: shown.text,
            is_answered: operation == GET_MORE,
            ..Read::default()
        })
    }

    pub(super) fn kept(&self, bytes: u64) -> Command {
        Command {
            name: kept(&self.name),
            collection: kept(&self.collection),
            database: kept(&self.database),
            user: kept(&self.user),
            statement: kept(&self.statement),
            compressor: self.compressor,
            bytes,
        }
    }
}

/// Commands that carry passwords or what proves that one is known.
const HAS_SECRETS: &[&[u8]] = &[
    b"saslStart",
    b"saslContinue",
    b"authenticate",
    b"createUser",
    b"updateUser",
    b"copydb",
    b"copydbsaslstart",
];
const SECRETS: &[&[u8]] = &[b"payload", b"pwd", b"key", b"nonce"];

/// Who logs in, by SASL or by name.
fn user(document: Document<'_>) -> &[u8] {
    if let Some(user) = document.find(b"user").and_then(Value::text) {
        return user;
    }
    let login = document.find(b"speculativeAuthenticate").and_then(Value::document).unwrap_or(document);
    let payload = match login.find(b"payload") {
        Some(Value::Binary(payload) | Value::Text(payload)) => payload,
        _ => return &[],
    };
    let mechanism = login.find(b"mechanism").and_then(Value::text).unwrap_or_default();
    sasl::user(mechanism, payload)
}

/// `database.collection`.
fn split(namespace: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'.', namespace) {
        Some(dot) => {
            let (database, collection) = namespace.split_at(dot);
            (database, collection.get(1..).unwrap_or_default())
        }
        None => (namespace, &[]),
    }
}

fn name_of(operation: u32) -> &'static [u8] {
    match operation {
        UPDATE => b"update",
        INSERT => b"insert",
        QUERY => b"query",
        GET_MORE => b"getMore",
        KILL_CURSORS => b"killCursors",
        MSG => b"msg",
        DELETE => b"delete",
        _ => b"unknown",
    }
}

pub(super) fn compressor(id: u8) -> &'static str {
    match id {
        0 => "none",
        1 => "snappy",
        2 => "zlib",
        3 => "zstd",
        _ => "unknown",
    }
}

//! What a client of LDAP asks for, and what its server says of it; names are Suricata's.

use dlp_patterns::Field;

use super::filter;
use crate::app::{
    AppSink, Record,
    ber::{Ber, OCTETS, SEQUENCE},
    beside::Beside,
    names::{Names, named},
    pending::kept,
    wire::Wire,
};
use crate::flow::Direction;

const BIND: u8 = 0x60;
const UNBIND: u8 = 0x42;
const SEARCH: u8 = 0x63;
const SEARCH_ENTRY: u8 = 0x64;
const MODIFY: u8 = 0x66;
const ADD: u8 = 0x68;
const DELETE: u8 = 0x4a;
const RENAME: u8 = 0x6c;
const COMPARE: u8 = 0x6e;
const ABANDON: u8 = 0x50;
const EXTENDED: u8 = 0x77;

/// RFC 4511 §4.14.1.
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";

/// A request as records tell it.
#[derive(Debug)]
pub(super) struct Request {
    number: u32,
    operation: u8,
    /// Of the entry, or the base of a search, or the identifier of an extension.
    name: Vec<u8>,
    /// Of a bind: the version of the protocol.
    version: u64,
    mechanism: Vec<u8>,
    scope: u64,
    filter: Vec<u8>,
    attributes: Names,
}

impl Request {
    /// The operation of message `number`; what is there of it is told. `None` where it is none of a client.
    pub(super) fn read<S: AppSink>(
        number: u32,
        operation: u8,
        mut wire: Wire<'_>,
        out: &mut Beside<'_, S>,
    ) -> Option<Request> {
        operation_name(operation).filter(|_| is_request(operation))?;
        let mut request = Request {
            number,
            operation,
            name: Vec::new(),
            version: 0,
            mechanism: Vec::new(),
            scope: 0,
            filter: Vec::new(),
            attributes: Names::default(),
        };
        // Where it is not all there, what is there was told.
        let _all = match operation {
            BIND => request.bind(&mut wire, out),
            SEARCH => request.search(&mut wire, out),
            DELETE => {
                request.named(wire.rest(), out);
                Some(())
            }
            MODIFY | ADD | RENAME | COMPARE => {
                Ber::of(OCTETS, &mut wire).map(|name| request.named(name, out))
            }
            EXTENDED => Ber::of(0x80, &mut wire).map(|name| request.name = named(name)),
            _ => Some(()),
        };
        Some(request)
    }

    /// RFC 4511 §4.2: of what proves the name nothing is kept.
    fn bind<S: AppSink>(&mut self, wire: &mut Wire<'_>, out: &mut Beside<'_, S>) -> Option<()> {
        const SASL: u8 = 0xa3;
        self.version = Ber::number(wire)?;
        let name = Ber::of(OCTETS, wire)?;
        out.field(Direction::ToServer, Field::DbUser, name);
        self.name = kept(name);
        let sasl = Ber::of(SASL, wire)?;
        self.mechanism = named(Ber::of(OCTETS, &mut Wire(sasl))?);
        Some(())
    }

    /// RFC 4511 §4.5.1.
    fn search<S: AppSink>(&mut self, wire: &mut Wire<'_>, out: &mut Beside<'_, S>) -> Option<()> {
        let base = Ber::of(OCTETS, wire)?;
        self.named(base, out);
        self.scope = Ber::number(wire)?;
        let (_aliases, _size, _time) = (Ber::number(wire)?, Ber::number(wire)?, Ber::number(wire)?);
        let _types_only = Ber::value(wire)?;
        let mut text = Vec::new();
        let read = filter::write(wire, &mut text);
        out.field(Direction::ToServer, Field::DbStatement, &text);
        self.filter = kept(&text);
        read?;
        let mut attributes = Wire(Ber::of(SEQUENCE, wire)?);
        while let Some(attribute) = Ber::of(OCTETS, &mut attributes) {
            self.attributes.add(attribute);
        }
        Some(())
    }

    fn named<S: AppSink>(&mut self, name: &[u8], out: &mut Beside<'_, S>) {
        out.field(Direction::ToServer, Field::DbName, name);
        self.name = kept(name);
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn is_answered(&self) -> bool {
        !matches!(self.operation, UNBIND | ABANDON)
    }

    pub(super) fn asks_for_tls(&self) -> bool {
        self.operation == EXTENDED && self.name == START_TLS
    }

    pub(super) fn is_login_by_sasl(&self) -> bool {
        self.operation == BIND && !self.mechanism.is_empty()
    }

    pub(super) fn tell(&self, record: &mut Record) {
        let operation = operation_name(self.operation).unwrap_or_default();
        record.object("request", |record| {
            record.text("operation", operation.as_bytes());
            record.number("message_id", self.number.into());
            if matches!(self.operation, UNBIND | ABANDON) {
                return;
            }
            record.object(operation, |record| match self.operation {
                BIND => {
                    record.number("version", self.version);
                    record.text("name", &self.name);
                    if !self.mechanism.is_empty() {
                        record.object("sasl", |record| record.text("mechanism", &self.mechanism));
                    }
                }
                SEARCH => {
                    record.text("base_object", &self.name);
                    record.number("scope", self.scope);
                    record.text("filter", &self.filter);
                    self.attributes.tell("attributes", record);
                }
                EXTENDED => record.text("name", &self.name),
                _ => record.text("entry", &self.name),
            });
        });
    }
}

/// An entry that a search found (RFC 4511 §4.5.2).
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'e> {
    pub(super) name: &'e [u8],
}

impl<'e> Entry<'e> {
    pub(super) fn parse(operation: u8, mut wire: Wire<'e>) -> Option<Entry<'e>> {
        let name = (operation == SEARCH_ENTRY).then(|| Ber::of(OCTETS, &mut wire))?;
        Some(Entry { name: name? })
    }

    pub(super) fn tell(self, record: &mut Record) {
        record.text("operation", b"search_result_entry");
        record.object("search_result_entry", |record| record.text("base_object", self.name));
    }
}

/// How a request ended (RFC 4511 §4.1.9).
#[derive(Debug)]
pub(super) struct Outcome<'o> {
    operation: &'static str,
    code: u64,
    matched: &'o [u8],
    message: &'o [u8],
}

impl<'o> Outcome<'o> {
    /// `None` where it is no end of a request.
    pub(super) fn parse(operation: u8, mut wire: Wire<'o>) -> Option<Outcome<'o>> {
        let name = operation_name(operation).filter(|_| is_end(operation))?;
        let code = Ber::number(&mut wire)?;
        let matched = Ber::of(OCTETS, &mut wire).unwrap_or_default();
        let message = Ber::of(OCTETS, &mut wire).unwrap_or_default();
        Some(Outcome { operation: name, code, matched, message })
    }

    pub(super) fn is_success(&self) -> bool {
        self.code == 0
    }

    /// What the server says went wrong.
    pub(super) fn error_text(&self) -> &'o [u8] {
        if self.is_success() { &[] } else { self.message }
    }

    pub(super) fn tell(&self, record: &mut Record) {
        record.text("operation", self.operation.as_bytes());
        record.object(self.operation, |record| {
            record.text("result_code", code_name(self.code).as_bytes());
            record.text("matched_dn", self.matched);
            record.text("message", self.message);
        });
    }
}

fn is_request(operation: u8) -> bool {
    matches!(
        operation,
        BIND | UNBIND | SEARCH | MODIFY | ADD | DELETE | RENAME | COMPARE | ABANDON | EXTENDED
    )
}

fn is_end(operation: u8) -> bool {
    matches!(operation, 0x61 | 0x65 | 0x67 | 0x69 | 0x6b | 0x6d | 0x6f | 0x78)
}

fn operation_name(operation: u8) -> Option<&'static str> {
    Some(match operation {
        BIND => "bind_request",
        0x61 => "bind_response",
        UNBIND => "unbind_request",
        SEARCH => "search_request",
        SEARCH_ENTRY => "search_result_entry",
        0x65 => "search_result_done",
        MODIFY => "modify_request",
        0x67 => "modify_response",
        ADD => "add_request",
        0x69 => "add_response",
        DELETE => "del_request",
        0x6b => "del_response",
        RENAME => "mod_dn_request",
        0x6d => "mod_dn_response",
        COMPARE => "compare_request",
        0x6f => "compare_response",
        ABANDON => "abandon_request",
        EXTENDED => "extended_request",
        0x78 => "extended_response",
        _ => return None,
    })
}

/// RFC 4511 §4.1.9.
fn code_name(code: u64) -> &'static str {
    match code {
        0 => "success",
        1 => "operations_error",
        2 => "protocol_error",
        3 => "time_limit_exceeded",
        4 => "size_limit_exceeded",
        5 => "compare_false",
        6 => "compare_true",
        7 => "auth_method_not_supported",
        8 => "stronger_auth_required",
        10 => "referral",
        11 => "admin_limit_exceeded",
        12 => "unavailable_critical_extension",
        13 => "confidentiality_required",
        14 => "sasl_bind_in_progress",
        16 => "no_such_attribute",
        32 => "no_such_object",
        34 => "invalid_dn_syntax",
        48 => "inappropriate_authentication",
        49 => "invalid_credentials",
        50 => "insufficient_access_rights",
        51 => "busy",
        52 => "unavailable",
        53 => "unwilling_to_perform",
        65 => "object_class_violation",
        68 => "entry_already_exists",
        _ => "other",
    }
}

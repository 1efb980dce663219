//! The binary protocol of memcached, which Couchbase speaks too:
//! <https://github.com/memcached/memcached/wiki/BinaryProtocolRevamped>.

use dlp_patterns::Field;

use crate::{
    app::{
        AppSink,
        beside::Beside,
        messages::{Measure, Messages},
        parser::Outcome,
        pending::Pending,
        record::kept,
        signature::{Answer, Prefix},
        wire::Wire,
    },
    flow::Direction,
};

pub(super) const REQUEST: u8 = 0x80;
pub(super) const RESPONSE: u8 = 0x81;
/// Couchbase's, with frames of extras in front of the others.
pub(in crate::app) const FLEXIBLE_REQUEST: u8 = 0x08;
const FLEXIBLE_RESPONSE: u8 = 0x18;
/// A server of Couchbase asks its client.
const SERVER_REQUEST: u8 = 0x82;
const SERVER_RESPONSE: u8 = 0x83;
const HEAD_BYTES: usize = 24;
/// Largest value of Couchbase is 20 MiB; that of memcached is no more than its operator wants.
const BODY_BYTES_MAX: u32 = 1 << 30;
const KEY_BYTES_MAX: usize = 250;

/// What stands in front of each command and each answer.
#[derive(Clone, Copy, Debug)]
pub(in crate::app) struct Frame {
    pub(in crate::app) magic: u8,
    pub(in crate::app) operation: u8,
    frames_bytes: usize,
    pub(in crate::app) key_bytes: usize,
    pub(in crate::app) extras_bytes: usize,
    data_type: u8,
    status: u16,
    pub(in crate::app) body_bytes: u32,
    opaque: u32,
}

impl Frame {
    fn parse(wire: &mut Wire<'_>) -> Option<Frame> {
        let (magic, operation) = (wire.u8()?, wire.u8()?);
        let [high, low] = *wire.take(2)?.first_chunk()?;
        let (frames, key) = match magic {
            FLEXIBLE_REQUEST | FLEXIBLE_RESPONSE => (high, u16::from(low)),
            _ => (0, u16::from_be_bytes([high, low])),
        };
        let (extras, data_type, status) = (wire.u8()?, wire.u8()?, wire.u16()?);
        let (body_bytes, opaque) = (wire.u32()?, wire.u32()?);
        let _cas = wire.u64()?;
        let frame = Frame {
            magic,
            operation,
            frames_bytes: frames.into(),
            key_bytes: key.into(),
            extras_bytes: extras.into(),
            data_type,
            status,
            body_bytes,
            opaque,
        };
        let parts = frame.frames_bytes + frame.key_bytes + frame.extras_bytes;
        let is_known = matches!(
            magic,
            REQUEST | RESPONSE | FLEXIBLE_REQUEST | FLEXIBLE_RESPONSE | SERVER_REQUEST | SERVER_RESPONSE
        );
        (is_known && body_bytes <= BODY_BYTES_MAX && parts <= body_bytes as usize).then_some(frame)
    }

    fn is_request(&self) -> bool {
        matches!(self.magic, REQUEST | FLEXIBLE_REQUEST)
    }
}

/// Whether a command begins, of which `is_so` says that the protocol in question has it.
pub(in crate::app) fn is_begun_by(prefix: Prefix<'_>, is_so: fn(Frame) -> bool) -> Answer {
    if prefix.direction == Direction::ToClient {
        return Answer::No;
    }
    let first = Answer::when(prefix.bytes, 1, |first| matches!(first, [REQUEST | FLEXIBLE_REQUEST]));
    first.and(|| {
        Answer::when(prefix.bytes, HEAD_BYTES, |head| Frame::parse(&mut Wire(head)).is_some_and(is_so))
    })
}

/// Whether a first command is memcached's: its parts are as they have to be.
pub(super) fn is_memcached(frame: Frame) -> bool {
    let value_bytes = frame.body_bytes as usize - frame.key_bytes - frame.extras_bytes;
    let (has_key, has_value) = (frame.key_bytes > 0, value_bytes > 0);
    let shape = match frame.operation {
        // Get, delete, and their quiet forms; get with a key.
        0x00 | 0x04 | 0x09 | 0x0c | 0x0d | 0x14 => has_key && !has_value && frame.extras_bytes == 0,
        // Set, add, replace.
        0x01..=0x03 | 0x11..=0x13 => has_key && frame.extras_bytes == 8,
        0x05 | 0x06 | 0x15 | 0x16 => has_key && !has_value && frame.extras_bytes == 20,
        0x07 | 0x0a | 0x0b | 0x17 | 0x20 => frame.body_bytes == 0,
        0x08 | 0x18 => !has_key && !has_value && matches!(frame.extras_bytes, 0 | 4),
        // Append, prepend.
        0x0e | 0x0f | 0x19 | 0x1a => has_key && frame.extras_bytes == 0,
        0x10 => !has_value && frame.extras_bytes == 0,
        0x1c..=0x1e => has_key && frame.extras_bytes == 4,
        0x21 => has_key && has_value && frame.extras_bytes == 0,
        _ => false,
    };
    frame.magic == REQUEST && frame.data_type == 0 && frame.key_bytes <= KEY_BYTES_MAX && shape
}

/// Both ends.
#[derive(Debug, Default)]
pub(in crate::app) struct Binary {
    ends: [Messages; 2],
    pending: Pending<Exchange>,
    next_id: u64,
}

/// A command that waits for its answer.
#[derive(Debug)]
struct Exchange {
    id: u64,
    operation: u8,
    opaque: u32,
    key: Vec<u8>,
    user: Vec<u8>,
    bytes: u64,
}

impl Binary {
    /// Memory that it holds, in bytes.
    pub(in crate::app) fn held_bytes(&self) -> usize {
        self.ends.iter().map(Messages::held_bytes).sum::<usize>() + self.pending.held_bytes()
    }

    pub(in crate::app) fn read<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        let Binary { ends, pending, next_id } = self;
        let messages = &mut ends[direction as usize];
        let read: Result<(), Outcome> = messages.read(bytes, measure, |message| {
            let mut wire = Wire(message.bytes);
            let frame = Frame::parse(&mut wire).ok_or(Outcome::GaveUp)?;
            // A server's own requests, and answers to them, say nothing that was asked.
            match direction {
                Direction::ToServer if frame.is_request() => {
                    let exchange = Exchange::parse(*next_id, frame, wire).ok_or(Outcome::GaveUp)?;
                    *next_id += 1;
                    ask(exchange, pending, out);
                }
                Direction::ToClient if matches!(frame.magic, RESPONSE | FLEXIBLE_RESPONSE) => {
                    answer(frame, wire, pending, out);
                }
                _ => {}
            }
            Ok(())
        });
        read.err().unwrap_or(Outcome::More)
    }

    /// So many bytes are missing; whether nothing but data is.
    pub(in crate::app) fn skip(&mut self, direction: Direction, bytes: u32) -> bool {
        self.ends[direction as usize].skip(bytes).is_ok()
    }

    pub(in crate::app) fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        while let Some(exchange) = self.pending.pop() {
            exchange.tell(None, out);
        }
    }

    pub(in crate::app) fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }
}

const SASL_AUTH: u8 = 0x21;
const SELECT_BUCKET: u8 = 0x89;

fn ask<S: AppSink>(exchange: Exchange, pending: &mut Pending<Exchange>, out: &mut Beside<'_, S>) {
    let direction = Direction::ToServer;
    let text = [name_of(exchange.operation).as_bytes(), &exchange.key].join(&b' ');
    out.field(direction, Field::DbStatement, text.trim_ascii_end());
    out.field(direction, Field::DbUser, &exchange.user);
    if exchange.operation == SELECT_BUCKET {
        out.field(direction, Field::DbName, &exchange.key);
    }
    if is_quiet(exchange.operation) {
        return exchange.tell(None, out);
    }
    pending.hold(exchange, direction, out, |exchange, out| exchange.tell(None, out));
}

fn answer<S: AppSink>(
    frame: Frame,
    mut wire: Wire<'_>,
    pending: &mut Pending<Exchange>,
    out: &mut Beside<'_, S>,
) {
    let _parts = wire.take(frame.frames_bytes + frame.extras_bytes + frame.key_bytes);
    if is_failure(frame.status) {
        out.field(Direction::ToClient, Field::DbError, &error_text(frame.status, wire.rest()));
    }
    // Statistics are many answers, the last of them empty.
    let is_last = frame.operation != STAT || frame.body_bytes == 0 || frame.status != 0;
    let is_it =
        |exchange: &Exchange| exchange.opaque == frame.opaque && exchange.operation == frame.operation;
    if is_last && let Some(exchange) = pending.take(is_it) {
        exchange.tell(Some((frame, wire.rest())), out);
    }
}

const STAT: u8 = 0x10;

impl Exchange {
    fn parse(id: u64, frame: Frame, mut wire: Wire<'_>) -> Option<Exchange> {
        let _before_key = wire.take(frame.frames_bytes + frame.extras_bytes)?;
        let key = wire.take(frame.key_bytes.min(wire.rest().len()))?;
        // RFC 4616 §2: whom to act for, who it is, and a password, with NUL between them.
        let user = match frame.operation {
            SASL_AUTH if key == b"PLAIN" => wire.rest().split(|byte| *byte == 0).nth(1).unwrap_or_default(),
            SASL_AUTH => wire
                .rest()
                .split(|byte| *byte == b',')
                .find_map(|part| part.strip_prefix(b"n="))
                .unwrap_or_default(),
            _ => &[],
        };
        Some(Exchange {
            id,
            operation: frame.operation,
            opaque: frame.opaque,
            key: kept(key),
            user: kept(user),
            bytes: frame.body_bytes.into(),
        })
    }

    fn tell<S: AppSink>(&self, answer: Option<(Frame, &[u8])>, out: &mut Beside<'_, S>) {
        out.record(self.id, |record| {
            record.text("command", name_of(self.operation).as_bytes());
            record.number("opcode", self.operation.into());
            record.text_if_any("key", &self.key);
            record.text_if_any("user", &self.user);
            record.number("request_bytes", self.bytes);
            let Some((frame, value)) = answer else { return };
            record.flag("success", frame.status == 0);
            record.number("status", frame.status.into());
            if is_failure(frame.status) {
                record.text("error", &error_text(frame.status, value));
            }
            record.number("response_bytes", frame.body_bytes.into());
        });
    }
}

/// Whether a status is more than that a key is not there, or there already, or that a login goes on.
fn is_failure(status: u16) -> bool {
    !matches!(status, 0 | 1 | 2 | 5 | 0x21)
}

fn error_text(status: u16, value: &[u8]) -> Vec<u8> {
    let name: &[u8] = match status {
        0x03 => b"value too large",
        0x04 => b"invalid arguments",
        0x06 => b"not a number",
        0x08 => b"no bucket",
        0x1f => b"stale authentication",
        0x20 => b"authentication failed",
        0x24 => b"no access",
        0x81 => b"unknown command",
        0x82 => b"out of memory",
        0x83 => b"not supported",
        0x84 => b"internal error",
        0x85 => b"busy",
        0x86 => b"temporary failure",
        0x88 => b"unknown collection",
        _ => b"",
    };
    let text = if name.is_empty() { value } else { name };
    [format!("0x{status:02x}").as_bytes(), kept(text).as_slice()].join(&b' ')
}

/// Whether a command is answered only where it fails, or not at all.
fn is_quiet(operation: u8) -> bool {
    matches!(operation, 0x09 | 0x0d | 0x11..=0x1a | 0x1e | 0x24)
}

fn name_of(operation: u8) -> &'static str {
    match operation {
        0x00 => "get",
        0x01 => "set",
        0x02 => "add",
        0x03 => "replace",
        0x04 => "delete",
        0x05 => "increment",
        0x06 => "decrement",
        0x07 => "quit",
        0x08 => "flush",
        0x09 => "getq",
        0x0a => "noop",
        0x0b => "version",
        0x0c => "getk",
        0x0d => "getkq",
        0x0e => "append",
        0x0f => "prepend",
        STAT => "stat",
        0x11 => "setq",
        0x12 => "addq",
        0x13 => "replaceq",
        0x14 => "deleteq",
        0x15 => "incrementq",
        0x16 => "decrementq",
        0x17 => "quitq",
        0x18 => "flushq",
        0x19 => "appendq",
        0x1a => "prependq",
        0x1b => "verbosity",
        0x1c => "touch",
        0x1d => "gat",
        0x1e => "gatq",
        0x1f => "hello",
        0x20 => "sasl_list_mechs",
        SASL_AUTH => "sasl_auth",
        0x22 => "sasl_step",
        0x50 => "dcp_open",
        0x53 => "dcp_stream_request",
        0x83 => "get_replica",
        0x87 => "list_buckets",
        SELECT_BUCKET => "select_bucket",
        0x92 => "observe",
        0x94 => "get_and_lock",
        0x95 => "unlock_key",
        0xb5 => "get_cluster_config",
        0xba => "get_collections_manifest",
        0xbb => "get_collection_id",
        0xbc => "get_scope_id",
        0xc5..=0xce => "subdocument",
        0xd0 => "subdocument_multi_lookup",
        0xd1 => "subdocument_multi_mutation",
        0xfe => "get_error_map",
        _ => "unknown",
    }
}

fn measure(bytes: &[u8]) -> Measure {
    match bytes.len() {
        HEAD_BYTES.. => Frame::parse(&mut Wire(bytes))
            .map_or(Measure::Broken, |frame| Measure::Whole(HEAD_BYTES as u64 + u64::from(frame.body_bytes))),
        _ => Measure::More,
    }
}

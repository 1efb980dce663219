//! TLS (RFC 8446, RFC 5246) and SSL before it: what the two ends say of themselves before they encrypt.

mod certificate;
mod client_hello;
mod extension_name;
mod grease;
mod handshake;
mod ja3;
mod ja4;
mod record_layer;
mod server_hello;
mod ssl2;
#[cfg(test)]
pub(super) mod tests;
mod version;

use arrayvec::ArrayVec;
use dlp_patterns::Field;

pub(super) use self::{
    client_hello::ClientHello,
    handshake::{Body, Handshake},
    ja4::Carrier,
    record_layer::{
        APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, PLAIN_BYTES_MAX, PROTECTED_BYTES_MAX, RecordHeader,
        RecordReader, Step,
    },
    server_hello::ServerHello,
};
use self::{
    record_layer::{ALERT, HEARTBEAT},
    version::Version,
};
use super::{
    AppAnomaly, AppProtocol, AppSink,
    beside::Beside,
    messages::{Lost, Measure, Message, Messages},
    parser::{AppParser, Outcome},
    signature::{Answer, Prefix, Signature},
    wire::Wire,
};
use crate::flow::Direction;
use crate::limits::TLS_MESSAGE_BYTES_MAX;

/// An end begins with a record of a Hello, of an alert, or of data where the begin of the connection was not seen.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Tls, stream: Some(begins), datagram: None };

/// What is told of a handshake, over streams and over datagrams.
pub(super) const FIELDS: &[Field] =
    &[Field::TlsSni, Field::TlsJa3, Field::TlsJa3s, Field::TlsJa4, Field::TlsCertificate];

// Handshake types (RFC 8446 §4, RFC 5246 §7.4).
pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const SERVER_HELLO: u8 = 2;
pub(super) const CERTIFICATE: u8 = 11;
pub(super) const SERVER_HELLO_DONE: u8 = 14;

/// What protects a record has 8 bytes at least (AEAD_AES_128_CCM_8, RFC 6655 §3), and protects at least one.
pub(super) const PROTECTED_BYTES_MIN: u16 = 8 + 1;

/// An alert in the largest block of a cipher, with an IV and SHA-384 in front of its padding.
const PROTECTED_ALERT_BYTES_MAX: u16 = 16 + 2 + 48 + 16;

/// A heartbeat before its payload: type, and length of the payload (RFC 6520 §4).
const HEARTBEAT_HEADER_BYTES: usize = 1 + 2;
/// RFC 6520 §4: behind the payload.
const HEARTBEAT_PADDING_BYTES_MIN: u16 = 16;

/// Both ends up to where they encrypt.
#[derive(Debug, Default)]
pub(super) struct Tls {
    ends: [End; 2],
    handshake: Handshake,
    is_told: bool,
}

/// One direction.
#[derive(Debug, Default)]
struct End {
    stage: Stage,
    records: RecordReader,
    messages: Messages,
    /// What has come of the first bytes of a heartbeat.
    heartbeat: ArrayVec<u8, HEARTBEAT_HEADER_BYTES>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Begin,
    /// A record of SSL 2.0 comes.
    Ssl2,
    /// The one behind a hello of SSL 2.0 comes.
    Ssl2Key,
    Records,
    /// What follows is encrypted, or was lost.
    Over,
}

/// How an end goes on behind what was read of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Next(Stage),
    GaveUp,
}

impl From<Lost> for Stop {
    fn from(_: Lost) -> Stop {
        Stop::GaveUp
    }
}

fn begins(prefix: Prefix<'_>) -> Answer {
    let of_ssl2 = match prefix.direction {
        Direction::ToServer => ssl2::is_client_hello(prefix.bytes),
        Direction::ToClient => Answer::No,
    };
    begins_record(prefix.bytes).or(of_ssl2)
}

fn begins_record(bytes: &[u8]) -> Answer {
    let length = |head: &[u8]| Wire(head.get(3..).unwrap_or_default()).u16().unwrap_or(0);
    match bytes {
        [_, major, ..] if *major != 3 => Answer::No,
        [_, _, minor, ..] if *minor > 4 => Answer::No,
        [HANDSHAKE, ..] => Answer::when(bytes, 6, |head| {
            let is_hello = matches!(head, [.., CLIENT_HELLO | SERVER_HELLO]);
            is_hello && (1..=PLAIN_BYTES_MAX).contains(&length(head))
        }),
        // RFC 8446 §6: a level of two, and what it is about; or encrypted, where the begin was not seen.
        [ALERT, ..] => Answer::when(bytes, 6, |head| {
            let is_plain = length(head) == 2 && matches!(head, [.., 1 | 2]);
            is_plain || (PROTECTED_BYTES_MIN..=PROTECTED_ALERT_BYTES_MAX).contains(&length(head))
        }),
        [APPLICATION_DATA, ..] => {
            Answer::when(bytes, 5, |head| (PROTECTED_BYTES_MIN..=PROTECTED_BYTES_MAX).contains(&length(head)))
        }
        [] => Answer::More,
        _ => Answer::No,
    }
}

impl AppParser for Tls {
    const FIELDS: &'static [Field] = FIELDS;

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        if self.ends[direction as usize].read(direction, bytes, &mut self.handshake, out).is_err() {
            return Outcome::GaveUp;
        }
        let is_over = self.ends.iter().all(|end| end.stage == Stage::Over);
        if is_over { Outcome::Over } else { Outcome::More }
    }

    /// What is lost of one direction leaves the other one.
    fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, out: &mut Beside<'_, S>) -> Outcome {
        let end = &mut self.ends[direction as usize];
        if !end.skip(bytes) {
            *end = End { stage: Stage::Over, ..End::default() };
            out.anomaly(direction, AppAnomaly::Gap);
        }
        Outcome::More
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        if !std::mem::replace(&mut self.is_told, true) && self.handshake.is_known() {
            let before = out.before;
            out.record(0, |record| {
                self.handshake.tell(record);
                if let Some(before) = before {
                    record.text("from_proto", before.as_str().as_bytes());
                }
            });
        }
    }

    fn is_between_messages(&self) -> bool {
        self.is_told
    }

    fn held_bytes(&self) -> usize {
        self.ends.iter().map(|end| end.messages.held_bytes()).sum()
    }
}

impl End {
    fn read<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        handshake: &mut Handshake,
        out: &mut Beside<'_, S>,
    ) -> Result<(), Lost> {
        if self.stage == Stage::Begin {
            let Some(first) = bytes.first() else { return Ok(()) };
            self.stage = if ssl2::begins(*first) { Stage::Ssl2 } else { Stage::Records };
        }
        if self.stage == Stage::Ssl2 {
            let read = self
                .messages
                .read(bytes, ssl2::measure, |record| Err(read_ssl2(direction, record.bytes, handshake, out)));
            self.go_on(read)?;
        }
        if self.stage == Stage::Ssl2Key && !bytes.is_empty() {
            let read = self.messages.read(bytes, ssl2::measure, |record| {
                if ssl2::has_long_argument(record.bytes) {
                    out.anomaly(direction, AppAnomaly::Ssl2KeyArgument);
                }
                Err(Stop::Next(Stage::Over))
            });
            self.go_on(read)?;
        }
        while self.stage == Stage::Records
            && let Some(step) = self.records.next(bytes)
        {
            let read = match step {
                Step::Begin(header) => begin(direction, header, handshake),
                Step::Fragment(header, mut fragment) if header.kind == HANDSHAKE => {
                    self.messages.read(&mut fragment, measure, |message| {
                        read_message(direction, message, handshake, out).ok_or(Stop::GaveUp)
                    })
                }
                Step::Fragment(header, fragment) if header.kind == HEARTBEAT => {
                    self.read_heartbeat(direction, header.length, fragment, out);
                    Ok(())
                }
                Step::Fragment(..) => Ok(()),
                Step::End(_) => {
                    self.heartbeat.clear();
                    Ok(())
                }
            };
            self.go_on(read)?;
        }
        Ok(())
    }

    fn go_on(&mut self, read: Result<(), Stop>) -> Result<(), Lost> {
        match read {
            Ok(()) => {}
            Err(Stop::Next(stage)) => self.stage = stage,
            Err(Stop::GaveUp) => return Err(Lost),
        }
        Ok(())
    }

    /// A payload that is longer than its record is read by a broken receiver from beyond it (CVE-2014-0160).
    fn read_heartbeat<S: AppSink>(
        &mut self,
        direction: Direction,
        length: u16,
        fragment: &[u8],
        out: &mut Beside<'_, S>,
    ) {
        if self.heartbeat.is_full() {
            return;
        }
        let room = self.heartbeat.remaining_capacity();
        self.heartbeat.extend(fragment.iter().copied().take(room));
        if let [_, high, low] = self.heartbeat[..] {
            let around = HEARTBEAT_HEADER_BYTES as u16 + HEARTBEAT_PADDING_BYTES_MIN;
            if u16::from_be_bytes([high, low]).checked_add(around).is_none_or(|needed| needed > length) {
                out.anomaly(direction, AppAnomaly::TlsHeartbeat);
            }
        }
    }

    /// Whether nothing is lost that would have been read.
    fn skip(&mut self, bytes: u32) -> bool {
        match self.stage {
            Stage::Begin | Stage::Ssl2 | Stage::Ssl2Key => false,
            Stage::Records => match self.records.skip(bytes) {
                Some(header) if header.kind == HANDSHAKE => self.messages.skip(bytes).is_ok(),
                Some(header) => header.kind == ALERT,
                None => false,
            },
            Stage::Over => true,
        }
    }
}

/// A record begins.
fn begin(direction: Direction, header: RecordHeader, handshake: &mut Handshake) -> Result<(), Stop> {
    let [major, _] = header.version.to_be_bytes();
    if major != 3 || header.length > PROTECTED_BYTES_MAX {
        return Err(Stop::GaveUp);
    }
    match header.kind {
        // RFC 8446 §5.1: no fragment of a handshake is empty.
        HANDSHAKE if header.length == 0 => Err(Stop::GaveUp),
        HANDSHAKE | ALERT | HEARTBEAT => Ok(()),
        CHANGE_CIPHER_SPEC if header.length != 1 => Err(Stop::GaveUp),
        // RFC 8446 appendix D.4: there it means nothing.
        CHANGE_CIPHER_SPEC if handshake.is_1_3() => Ok(()),
        CHANGE_CIPHER_SPEC => {
            handshake.note_change(direction);
            Err(Stop::Next(Stage::Over))
        }
        APPLICATION_DATA => Err(Stop::Next(Stage::Over)),
        _ => Err(Stop::GaveUp),
    }
}

/// A message has its type and its length in front, which do not count (RFC 8446 §4).
fn measure(bytes: &[u8]) -> Measure {
    let mut wire = Wire(bytes);
    match (wire.u8(), wire.u24()) {
        (Some(_), Some(length)) if length <= TLS_MESSAGE_BYTES_MAX => Measure::Whole(4 + u64::from(length)),
        (Some(_), Some(_)) => Measure::Broken,
        _ => Measure::More,
    }
}

/// `None` for what can't be a message.
fn read_message<S: AppSink>(
    direction: Direction,
    message: Message<'_>,
    handshake: &mut Handshake,
    out: &mut Beside<'_, S>,
) -> Option<()> {
    let mut wire = Wire(message.bytes);
    let (kind, _length) = (wire.u8()?, wire.u24()?);
    let body = Body { bytes: wire.rest(), is_cut: message.is_cut() };
    handshake.read(Carrier::Tls, direction, kind, body, out)
}

/// A hello of SSL 2.0; behind that of a client which speaks a later version too, records follow.
fn read_ssl2<S: AppSink>(
    direction: Direction,
    record: &[u8],
    handshake: &mut Handshake,
    out: &mut Beside<'_, S>,
) -> Stop {
    match direction {
        Direction::ToServer => match ssl2::client_version(record) {
            Some(Version::SSL2) => {
                handshake.take_ssl2(direction, None, out);
                return Stop::Next(Stage::Ssl2Key);
            }
            Some(_) => return Stop::Next(Stage::Records),
            None => return Stop::GaveUp,
        },
        Direction::ToClient => match ssl2::server_certificate(record) {
            Some(certificate) => handshake.take_ssl2(direction, certificate, out),
            None => return Stop::GaveUp,
        },
    }
    Stop::Next(Stage::Over)
}

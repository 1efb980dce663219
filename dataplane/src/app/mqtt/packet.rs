//! Control packets of MQTT 3.1.1 and 5, as records tell them; sections are those of MQTT 5.0.

use crate::app::{Record, wire::Wire};
use crate::limits::{MQ_NAMES_TOLD_MAX, MQTT_PACKET_BYTES_KEPT_MAX};

/// The first byte of a packet (§2.1.1), and how long the packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: u8,
    pub(super) is_repeated: bool,
    pub(super) qos: u8,
    pub(super) is_retained: bool,
    /// Bytes behind the head.
    pub(super) length: u64,
}

pub(super) const CONNECT: u8 = 1;
pub(super) const CONNACK: u8 = 2;
pub(super) const PUBLISH: u8 = 3;
pub(super) const PUBACK: u8 = 4;
pub(super) const PUBREC: u8 = 5;
pub(super) const PUBREL: u8 = 6;
pub(super) const PUBCOMP: u8 = 7;
pub(super) const SUBSCRIBE: u8 = 8;
pub(super) const SUBACK: u8 = 9;
pub(super) const UNSUBSCRIBE: u8 = 10;
pub(super) const UNSUBACK: u8 = 11;
pub(super) const PINGREQ: u8 = 12;
pub(super) const PINGRESP: u8 = 13;
pub(super) const DISCONNECT: u8 = 14;
pub(super) const AUTH: u8 = 15;

/// A packet by what it says.
#[derive(Debug)]
pub(super) enum Body<'p> {
    Connect(Connect<'p>),
    Connack {
        is_present: bool,
        code: u8,
    },
    Publish {
        topic: &'p [u8],
        id: u16,
        message: &'p [u8],
    },
    /// PUBACK, PUBREC, PUBREL, PUBCOMP.
    Acknowledged {
        id: u16,
        reason: Option<u8>,
    },
    /// SUBSCRIBE and UNSUBSCRIBE: filters, each with options where it has any.
    Filters {
        id: u16,
        filters: Wire<'p>,
    },
    /// SUBACK and UNSUBACK.
    Codes {
        id: u16,
        codes: &'p [u8],
    },
    /// DISCONNECT and AUTH.
    Reason(Option<u8>),
    Ping,
    /// Its end is not here.
    Truncated,
}

/// §3.1.
#[derive(Debug)]
pub(super) struct Connect<'p> {
    protocol: &'p [u8],
    pub(super) version: u8,
    flags: u8,
    pub(super) client: &'p [u8],
    pub(super) will_topic: &'p [u8],
    pub(super) will_message: &'p [u8],
    pub(super) user: &'p [u8],
}

const CLEAN_SESSION: u8 = 0x02;
const WILL: u8 = 0x04;
const WILL_RETAIN: u8 = 0x20;
const PASSWORD: u8 = 0x40;
const USER: u8 = 0x80;
/// Bridges set it in their version.
const BRIDGE: u8 = 0x80;

/// The lowest two bits of the options of a subscription (§3.8.3.1).
const QOS: u8 = 3;

impl Head {
    /// §2.1.4: the length has one to four bytes; `Some(None)` where it has more.
    pub(super) fn look(wire: &mut Wire<'_>) -> Option<Option<Head>> {
        let first = wire.u8()?;
        let Some(length) = number(wire)? else { return Some(None) };
        Some(Some(Head {
            kind: first >> 4,
            is_repeated: first & 8 != 0,
            qos: first >> 1 & 3,
            is_retained: first & 1 != 0,
            length,
        }))
    }

    fn tell(self, record: &mut Record) {
        record.number("qos", self.qos.into());
        record.flag("retain", self.is_retained);
        record.flag("dup", self.is_repeated);
    }
}

/// A Variable Byte Integer (§1.5.5); `Some(None)` where it is longer than it may be.
fn number(wire: &mut Wire<'_>) -> Option<Option<u64>> {
    let mut value = 0;
    for shift in [0, 7, 14, 21] {
        let byte = wire.u8()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(Some(value));
        }
    }
    Some(None)
}

impl<'p> Body<'p> {
    /// What follows the head of a packet, as far as it is there; `None` where it is none.
    pub(super) fn parse(head: Head, version: u8, bytes: &'p [u8]) -> Option<Body<'p>> {
        let is_cut = (bytes.len() as u64) < head.length;
        Body::read(head, version == 5, Wire(bytes)).or_else(|| is_cut.then_some(Body::Truncated))
    }

    fn read(head: Head, is_5: bool, mut wire: Wire<'p>) -> Option<Body<'p>> {
        Some(match head.kind {
            CONNECT => Body::Connect(Connect::parse(&mut wire)?),
            CONNACK => Body::Connack { is_present: wire.u8()? & 1 != 0, code: wire.u8()? },
            PUBLISH => {
                let topic = wire.prefixed_u16()?;
                let id = if head.qos == 0 { 0 } else { wire.u16()? };
                skip_properties(is_5, &mut wire)?;
                Body::Publish { topic, id, message: wire.rest() }
            }
            PUBACK..=PUBCOMP => Body::Acknowledged { id: wire.u16()?, reason: wire.u8() },
            SUBSCRIBE | UNSUBSCRIBE => {
                let id = wire.u16()?;
                skip_properties(is_5, &mut wire)?;
                Body::Filters { id, filters: wire }
            }
            SUBACK | UNSUBACK => {
                let id = wire.u16()?;
                skip_properties(is_5 && !wire.is_empty(), &mut wire)?;
                Body::Codes { id, codes: wire.rest() }
            }
            DISCONNECT | AUTH => Body::Reason(wire.u8()),
            PINGREQ | PINGRESP => Body::Ping,
            _ => return None,
        })
    }

    /// Its identifier, where it has one.
    pub(super) fn id(&self) -> Option<u16> {
        match self {
            Body::Publish { id, .. }
            | Body::Acknowledged { id, .. }
            | Body::Filters { id, .. }
            | Body::Codes { id, .. } => Some(*id),
            Body::Connect(_) | Body::Connack { .. } | Body::Reason(_) | Body::Ping | Body::Truncated => None,
        }
    }

    /// The filters of a subscription, each with its options, or 0 where it has none.
    pub(super) fn filters(&self, has_options: bool) -> impl Iterator<Item = (&'p [u8], u8)> {
        let mut wire = if let Body::Filters { filters, .. } = self { *filters } else { Wire(&[]) };
        std::iter::from_fn(move || {
            let filter = wire.prefixed_u16()?;
            Some((filter, if has_options { wire.u8()? } else { 0 }))
        })
    }
}

impl<'p> Connect<'p> {
    fn parse(wire: &mut Wire<'p>) -> Option<Connect<'p>> {
        let protocol = wire.prefixed_u16()?;
        let version = wire.u8()? & !BRIDGE;
        let (flags, _keep_alive) = (wire.u8()?, wire.u16()?);
        let is_5 = version == 5;
        skip_properties(is_5, wire)?;
        let client = wire.prefixed_u16()?;
        let (mut will_topic, mut will_message): (&[u8], &[u8]) = (&[], &[]);
        if flags & WILL != 0 {
            skip_properties(is_5, wire)?;
            (will_topic, will_message) = (wire.prefixed_u16()?, wire.prefixed_u16()?);
        }
        let user = if flags & USER != 0 { wire.prefixed_u16()? } else { &[] };
        Some(Connect { protocol, version, flags, client, will_topic, will_message, user })
    }

    fn tell(&self, record: &mut Record) {
        let has = |flag| self.flags & flag != 0;
        record.text("protocol_string", self.protocol);
        record.number("protocol_version", self.version.into());
        record.text("client_id", self.client);
        record.object("flags", |record| {
            record.flag("username", has(USER));
            record.flag("password", has(PASSWORD));
            record.flag("will_retain", has(WILL_RETAIN));
            record.flag("will", has(WILL));
            record.flag("clean_session", has(CLEAN_SESSION));
        });
        record.text_if_any("username", self.user);
        if has(WILL) {
            record.object("will", |record| {
                record.text("topic", self.will_topic);
                record.text("message", self.will_message);
            });
        }
    }
}

/// §2.2.2, of MQTT 5 only.
fn skip_properties(has_any: bool, wire: &mut Wire<'_>) -> Option<()> {
    if !has_any {
        return Some(());
    }
    let length = number(wire)??;
    wire.take(usize::try_from(length).ok()?).map(|_| ())
}

/// A packet that waits for others of its exchange.
#[derive(Debug)]
pub(super) struct Packet {
    head: Head,
    version: u8,
    /// Behind the head, as far as they are kept.
    bytes: Vec<u8>,
}

impl Packet {
    pub(super) fn kept(head: Head, version: u8, bytes: &[u8]) -> Packet {
        let bytes = bytes.get(..MQTT_PACKET_BYTES_KEPT_MAX).unwrap_or(bytes).to_vec();
        Packet { head, version, bytes }
    }

    pub(super) fn tell(&self, record: &mut Record) {
        let body = Body::parse(self.head, self.version, &self.bytes).unwrap_or(Body::Truncated);
        tell(self.head, &body, record);
    }
}

/// An object named after the kind of the packet.
pub(super) fn tell(head: Head, body: &Body<'_>, record: &mut Record) {
    record.object(kind_name(head.kind), |record| {
        head.tell(record);
        match body {
            Body::Connect(connect) => connect.tell(record),
            Body::Connack { is_present, code } => {
                record.flag("session_present", *is_present);
                record.number("return_code", (*code).into());
            }
            Body::Publish { topic, id, message } => tell_publish(topic, *id, message, record),
            Body::Acknowledged { id, reason } => tell_acknowledged(*id, *reason, record),
            Body::Filters { id, .. } => {
                record.number("message_id", (*id).into());
                record.list("topics", |record| {
                    for (filter, options) in body.filters(head.kind == SUBSCRIBE).take(MQ_NAMES_TOLD_MAX) {
                        tell_filter(head.kind, filter, options, record);
                    }
                });
            }
            Body::Codes { id, codes } => {
                record.number("message_id", (*id).into());
                let list = if head.kind == SUBACK { "qos_granted" } else { "reason_codes" };
                if head.kind == SUBACK || !codes.is_empty() {
                    let codes = codes.iter().take(MQ_NAMES_TOLD_MAX);
                    record.list(list, |record| codes.for_each(|code| record.number("", (*code).into())));
                }
            }
            Body::Reason(reason) => tell_reason(*reason, record),
            Body::Ping => {}
            Body::Truncated => {
                record.flag("truncated", true);
                record.number("skipped_length", head.length);
            }
        }
    });
}

fn tell_publish(topic: &[u8], id: u16, message: &[u8], record: &mut Record) {
    record.text("topic", topic);
    if id != 0 {
        record.number("message_id", id.into());
    }
    record.text("message", message);
}

fn tell_acknowledged(id: u16, reason: Option<u8>, record: &mut Record) {
    record.number("message_id", id.into());
    tell_reason(reason, record);
}

fn tell_reason(reason: Option<u8>, record: &mut Record) {
    if let Some(reason) = reason {
        record.number("reason_code", reason.into());
    }
}

fn tell_filter(kind: u8, filter: &[u8], options: u8, record: &mut Record) {
    if kind == UNSUBSCRIBE {
        return record.text("", filter);
    }
    record.object("", |record| {
        record.text("topic", filter);
        record.number("qos", (options & QOS).into());
    });
}

fn kind_name(kind: u8) -> &'static str {
    match kind {
        CONNECT => "connect",
        CONNACK => "connack",
        PUBLISH => "publish",
        PUBACK => "puback",
        PUBREC => "pubrec",
        PUBREL => "pubrel",
        PUBCOMP => "pubcomp",
        SUBSCRIBE => "subscribe",
        SUBACK => "suback",
        UNSUBSCRIBE => "unsubscribe",
        UNSUBACK => "unsuback",
        PINGREQ => "pingreq",
        PINGRESP => "pingresp",
        DISCONNECT => "disconnect",
        _ => "auth",
    }
}

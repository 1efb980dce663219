//! What MQTT is told by: a CONNECT, or, of a flow that was picked up, a packet that the other end's answers.

use super::packet::{CONNECT, Head, PINGREQ, PUBLISH, SUBSCRIBE};
use crate::app::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
    wire::Wire,
};

/// See [`is_begun_by`].
pub(in crate::app) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Mqtt, stream: Some(is_begun_by), datagram: None };

fn is_begun_by(prefix: Prefix<'_>) -> Answer {
    Answer::of_fields(prefix.bytes, is_connect)
        .or(Answer::of_fields(prefix.bytes, is_subscribe))
        .or(answer_to(prefix.peer).map_or(Answer::No, |answer| Answer::begins(prefix.bytes, &answer)))
}

/// §3.1: the name of the protocol and its version.
fn is_connect(wire: &mut Wire<'_>) -> Option<bool> {
    const FIRST: u8 = CONNECT << 4;
    if *wire.rest().first()? != FIRST {
        return Some(false);
    }
    let Some(head) = Head::look(wire)? else { return Some(false) };
    if head.length < 10 {
        return Some(false);
    }
    let name = match wire.u16()? {
        4 => &b"MQTT"[..],
        6 => b"MQIsdp",
        _ => return Some(false),
    };
    for expected in name {
        if wire.u8()? != *expected {
            return Some(false);
        }
    }
    Some(matches!(wire.u8()? & 0x7f, 3..=5))
}

/// §3.8 without properties: a filter that is text, and a quality of service that there is.
fn is_subscribe(wire: &mut Wire<'_>) -> Option<bool> {
    const FIRST: u8 = SUBSCRIBE << 4 | 2;
    if *wire.rest().first()? != FIRST {
        return Some(false);
    }
    let Some(head) = Head::look(wire)? else { return Some(false) };
    if wire.u16()? == 0 {
        return Some(false);
    }
    let filter_bytes = wire.u16()?;
    if filter_bytes == 0 || u64::from(filter_bytes) + 5 > head.length {
        return Some(false);
    }
    for _ in 0..filter_bytes {
        if !is_text(wire.u8()?) {
            return Some(false);
        }
    }
    Some(wire.u8()? < 3)
}

/// What the answer begins with to the packet that `peer` begins with: to a PINGREQ, and to a PUBLISH that asks for one.
fn answer_to(peer: &[u8]) -> Option<Vec<u8>> {
    let mut wire = Wire(peer);
    let head = Head::look(&mut wire).flatten()?;
    match (head.kind, head.qos) {
        (PINGREQ, 0) if peer.starts_with(&[PINGREQ << 4, 0]) => Some(vec![0xd0, 0]),
        (PUBLISH, 1 | 2) => {
            let topic = wire.prefixed_u16()?;
            let [high, low] = wire.u16()?.to_be_bytes();
            let is_sound = !topic.is_empty() && topic.iter().all(|byte| is_text(*byte));
            let first = if head.qos == 1 { 0x40 } else { 0x50 };
            is_sound.then(|| vec![first, 2, high, low])
        }
        _ => None,
    }
}

/// Control characters are in no topic; what is not ASCII may be.
fn is_text(byte: u8) -> bool {
    byte >= b' ' && byte != 0x7f
}

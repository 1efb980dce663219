//! SOCKS 4, 4a and 5 (RFC 1928): recognised by a greeting that is answered.

use super::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
    wire::Wire,
};
use crate::flow::Direction;

/// A greeting for itself is a few small numbers: the answer, or the request behind it, must fit.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Socks, stream: Some(stream), datagram: None };

/// RFC 1928 §3: no more have been assigned in a range of their own.
const METHODS_MAX: u8 = 16;
const METHOD_MAX: u8 = 0x09;
const METHODS_PRIVATE: u8 = 0x80;
const NO_ACCEPTABLE_METHOD: u8 = 0xff;

fn stream(prefix: Prefix<'_>) -> Answer {
    match prefix.direction {
        Direction::ToServer => {
            Answer::of_fields(prefix.bytes, is_greeting_and_request).or(Answer::of_fields(
                prefix.bytes,
                |wire| {
                    // One of version 4 is open until it is answered.
                    if is_request_4(wire)? && wire.is_empty() { None } else { Some(false) }
                },
            ))
        }
        Direction::ToClient => Answer::of_fields(prefix.bytes, |wire| is_answer(wire, prefix.peer)),
    }
}

/// RFC 1928 §3: the methods of a greeting.
fn greeting<'w>(wire: &mut Wire<'w>) -> Option<Option<&'w [u8]>> {
    if wire.u8()? != 5 || !(1..=METHODS_MAX).contains(wire.rest().first()?) {
        return Some(None);
    }
    let methods = wire.prefixed_u8()?;
    let is_known =
        |method: &u8| *method <= METHOD_MAX || (METHODS_PRIVATE..NO_ACCEPTABLE_METHOD).contains(method);
    Some(methods.iter().all(is_known).then_some(methods))
}

/// A request (RFC 1928 §4) that doesn't wait for the answer, or whose answer is not seen.
fn is_greeting_and_request(wire: &mut Wire<'_>) -> Option<bool> {
    if greeting(wire)?.is_none() {
        return Some(false);
    }
    Some(wire.u8()? == 5 && matches!(wire.u8()?, 1..=3) && wire.u8()? == 0 && matches!(wire.u8()?, 1 | 3 | 4))
}

/// Version, CONNECT or BIND, port, address, and who asks.
fn is_request_4(wire: &mut Wire<'_>) -> Option<bool> {
    if wire.u8()? != 4 || !matches!(wire.u8()?, 1 | 2) || wire.u16()? == 0 {
        return Some(false);
    }
    let address = wire.u32()?;
    let is_text = |bytes: &[u8]| bytes.iter().all(|byte| (b' '..=b'~').contains(byte));
    let user = wire.until_nul()?;
    // 4a: an address that can't be stands for a name.
    let name = if (1..=255).contains(&address) { wire.until_nul()? } else { &[] };
    Some(is_text(user) && is_text(name) && user.len() + name.len() <= 512)
}

/// What is chosen of the methods that the client has just offered, or what became of its request of version 4.
fn is_answer(wire: &mut Wire<'_>, peer: &[u8]) -> Option<bool> {
    let mut asked = Wire(peer);
    match wire.u8()? {
        5 => {
            let Some(Some(methods)) = greeting(&mut asked) else { return Some(false) };
            let chosen = wire.u8()?;
            Some(methods.contains(&chosen) || chosen == NO_ACCEPTABLE_METHOD)
        }
        0 => Some(is_request_4(&mut asked) == Some(true) && (90..=93).contains(&wire.u8()?)),
        _ => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut};

    #[test]
    fn a_greeting_is_answered_or_followed() {
        let greeting = Turn::client(b"\x05\x02\0\x02");
        told_however_cut(AppProtocol::Socks, &[greeting.clone(), Turn::server(b"\x05\x02")]);
        told_however_cut(AppProtocol::Unknown, &[greeting.clone(), Turn::server(b"\x05\x01")]);
        told_however_cut(AppProtocol::Socks, &[greeting, Turn::client(b"\x05\x01\0\x03")]);
        let old = Turn::client(b"\x04\x01\x01\xbb\xc0\0\x02\x01weir\0");
        told_however_cut(AppProtocol::Socks, &[old.clone(), Turn::server(b"\0\x5a\0\0\0\0\0\0")]);
        told_however_cut(AppProtocol::Unknown, &[old, Turn::server(b"\0\x50\0\0\0\0\0\0")]);
    }
}

//! STUN and TURN (RFC 8489, RFC 8656), and STUN before it had a cookie (RFC 3489).

use super::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
    wire::Wire,
};

pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Stun, stream: Some(stream), datagram: Some(datagram) };

/// RFC 8489 §5.
const HEADER_BYTES: usize = 20;
const COOKIE: u32 = 0x2112_a442;
/// RFC 3489 §11.1: Binding and Shared Secret, asked, answered and refused.
const OLD_TYPES: [u16; 6] = [0x0001, 0x0101, 0x0111, 0x0002, 0x0102, 0x0112];

fn stream(prefix: Prefix<'_>) -> Answer {
    // ICE puts a length in front (RFC 6544 §3).
    let framed = Answer::of_fields(prefix.bytes, |wire| {
        let length = wire.u16()?;
        let mut message = *wire;
        let is_message = is_message(&mut message)?;
        let bytes = wire.rest().len() - message.rest().len();
        wire.take(bytes)?;
        Some(is_message && usize::from(length) >= HEADER_BYTES)
    });
    Answer::of_fields(prefix.bytes, is_message).or(framed)
}

/// RFC 8489 §5: two bits that are zero, a length of whole words, the cookie.
fn is_message(wire: &mut Wire<'_>) -> Option<bool> {
    let (message, length) = (wire.u16()?, wire.u16()?);
    if message & 0xc000 != 0 || !length.is_multiple_of(4) {
        return Some(false);
    }
    Some(wire.u32()? == COOKIE)
}

/// Whether a datagram is of STUN.
pub(super) fn is_one(prefix: Prefix<'_>) -> bool {
    datagram(prefix).is_yes()
}

fn datagram(prefix: Prefix<'_>) -> Answer {
    let bytes = prefix.bytes;
    Answer::of_fields(bytes, is_message).or(Answer::of_fields(bytes, |wire| is_old(wire, bytes.len())))
}

/// Without a cookie the length must be that of the datagram, and attributes must fill it (RFC 3489 §11.2).
fn is_old(wire: &mut Wire<'_>, all: usize) -> Option<bool> {
    let (message, length) = (wire.u16()?, wire.u16()?);
    wire.take(16)?;
    if !OLD_TYPES.contains(&message) || usize::from(length) + HEADER_BYTES != all {
        return Some(false);
    }
    while !wire.is_empty() {
        let (_attribute, _value) = (wire.u16()?, wire.prefixed_u16()?);
    }
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut, told_of_datagrams};

    #[test]
    fn what_ice_opened_the_way_for_has_its_own_name() {
        let binding = b"\0\x01\0\0\x21\x12\xa4\x42abcdefghijkl";
        let [one, two] = [
            b"\x80\x00\0\x01\0\0\0\x10\x12\x34\x56\x78sound",
            b"\x80\x00\0\x02\0\0\0\x20\x12\x34\x56\x78sound",
        ];
        told_of_datagrams(AppProtocol::Stun, &[Turn::client(binding), Turn::client(one)]);
        told_of_datagrams(
            AppProtocol::Rtp,
            &[Turn::client(binding), Turn::client(one), Turn::server(binding), Turn::client(two)],
        );
    }

    #[test]
    fn the_cookie_tells_and_so_do_attributes() {
        let binding = b"\0\x01\0\0\x21\x12\xa4\x42abcdefghijkl";
        told_of_datagrams(AppProtocol::Stun, &[Turn::client(binding)]);
        told_however_cut(AppProtocol::Stun, &[Turn::client(binding)]);
        told_however_cut(AppProtocol::Stun, &[Turn::client(&[b"\0\x14", &binding[..]].concat())]);
        told_of_datagrams(
            AppProtocol::Stun,
            &[Turn::client(b"\0\x01\0\x080123456789abcdef\0\x03\0\x04\0\0\0\0")],
        );
        told_of_datagrams(
            AppProtocol::Pending,
            &[Turn::client(b"\0\x01\0\x040123456789abcdef\0\x03\0\x04\0\0\0\0")],
        );
    }
}

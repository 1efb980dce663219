//! RADIUS (RFC 2865, RFC 2866, RFC 5176).

use super::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
    wire::Wire,
};

/// A length that fits, and attributes that fill it (RFC 2865 §3, §5).
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Radius, stream: None, datagram: Some(datagram) };

/// Attributes that must be sound where others are not.
const BROKEN_BEHIND: usize = 2;
/// And what the first of them is then: names, addresses, ports, kinds of service, states, classes, vendors, sessions.
const FIRST_TYPES: [u8; 16] = [1, 2, 4, 5, 6, 7, 8, 18, 24, 25, 26, 30, 31, 32, 40, 44];
const HEADER_BYTES: usize = 20;
/// RFC 2865 §3: what is longer is cut off.
const PACKET_BYTES_MAX: usize = 4096;

fn datagram(prefix: Prefix<'_>) -> Answer {
    Answer::of_fields(prefix.bytes, |wire| {
        let code = wire.u8()?;
        let (_identifier, length) = (wire.u8()?, usize::from(wire.u16()?));
        if !matches!(code, 1..=5 | 11..=13 | 40..=45) || !(HEADER_BYTES..=PACKET_BYTES_MAX).contains(&length)
        {
            return Some(false);
        }
        let _authenticator = wire.take(16)?;
        let mut attributes = Wire(wire.take(length - HEADER_BYTES)?);
        let is_request = matches!(code, 1 | 4 | 12 | 40 | 43);
        // Behind attributes there may be padding.
        let padding_max = if attributes.is_empty() { 0 } else { HEADER_BYTES };
        let is_whole = are_attributes(attributes, is_request) && wire.rest().len() <= padding_max;
        // Or some later attribute is broken, where the length is right to the byte.
        let first = attributes.rest().first().copied().unwrap_or_default();
        let mut begin = || (0..BROKEN_BEHIND).all(|_| is_attribute(&mut attributes));
        Some(is_whole || wire.is_empty() && FIRST_TYPES.contains(&first) && begin())
    })
}

fn are_attributes(mut attributes: Wire<'_>, is_request: bool) -> bool {
    let is_sound = !attributes.is_empty() || !is_request;
    while !attributes.is_empty() {
        if !is_attribute(&mut attributes) {
            return false;
        }
    }
    is_sound
}

/// Takes one off the front (RFC 2865 §5). No type above those of vendors and experiments is in use.
fn is_attribute(attributes: &mut Wire<'_>) -> bool {
    let (Some(kind), Some(length)) = (attributes.u8(), attributes.u8()) else { return false };
    let value = usize::from(length).checked_sub(2).and_then(|bytes| attributes.take(bytes));
    matches!(kind, 1..=246) && value.is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_of_datagrams};

    #[test]
    fn attributes_fill_the_length() {
        let request = b"\x01\x07\0\x1a0123456789abcdef\x01\x06weir";
        told_of_datagrams(AppProtocol::Radius, &[Turn::client(request)]);
        told_of_datagrams(AppProtocol::Radius, &[Turn::server(b"\x02\x07\0\x140123456789abcdef")]);
        told_of_datagrams(
            AppProtocol::Pending,
            &[Turn::client(b"\x01\x07\0\x1a0123456789abcdef\x01\x07weir")],
        );
    }
}

//! RADIUS (RFC 2865, RFC 2866, RFC 5176).

use super::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
    wire::Wire,
};

/// A length that fits, and attributes that fill it (RFC 2865 §3, §5).
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Radius, stream: None, datagram: Some(datagram) };

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
        // Behind the length there may be padding.
        let mut attributes = Wire(wire.take(length - HEADER_BYTES)?);
        let is_request = matches!(code, 1 | 4 | 12 | 40 | 43);
        Some(are_attributes(&mut attributes, is_request) && wire.rest().len() < HEADER_BYTES)
    })
}

fn are_attributes(attributes: &mut Wire<'_>, is_request: bool) -> bool {
    if attributes.is_empty() {
        return !is_request;
    }
    while !attributes.is_empty() {
        let (Some(kind), Some(length)) = (attributes.u8(), attributes.u8()) else { return false };
        let value = usize::from(length).checked_sub(2).and_then(|bytes| attributes.take(bytes));
        if kind == 0 || value.is_none() {
            return false;
        }
    }
    true
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

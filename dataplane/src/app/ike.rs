//! IKE and ISAKMP (RFC 7296, RFC 2408), on its own or behind four zero bytes (RFC 3948).

use super::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
    wire::Wire,
};

/// A header whose length is that of the datagram (RFC 7296 §3.1).
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Ike, stream: None, datagram: Some(datagram) };

const HEADER_BYTES: usize = 28;

fn datagram(prefix: Prefix<'_>) -> Answer {
    let header = prefix.bytes.strip_prefix(&[0; 4]).unwrap_or(prefix.bytes);
    let is_so = is_header(header, header.len()) == Some(true);
    if is_so { Answer::Yes(HEADER_BYTES) } else { Answer::No }
}

fn is_header(header: &[u8], all: usize) -> Option<bool> {
    let mut wire = Wire(header);
    let (initiator, _responder) = (wire.u64()?, wire.u64()?);
    let (_next_payload, version, exchange) = (wire.u8()?, wire.u8()?, wire.u8()?);
    let (_flags, _message, length) = (wire.u8()?, wire.u32()?, wire.u32()?);
    let is_exchange = match version {
        // RFC 2408 §3.1, RFC 2409 §5.
        0x10 => matches!(exchange, 1..=6 | 32..=34),
        // RFC 7296 §3.1 to RFC 9370.
        0x20..=0x2f => matches!(exchange, 34..=44),
        _ => false,
    };
    Some(initiator != 0 && is_exchange && length as usize == all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_of_datagrams};

    #[test]
    fn the_length_must_fit() {
        let header = b"initiate\0\0\0\0\0\0\0\0\x21\x20\x22\x08\0\0\0\0\0\0\0\x20\0\0\0\x04";
        told_of_datagrams(AppProtocol::Ike, &[Turn::client(header)]);
        told_of_datagrams(AppProtocol::Ike, &[Turn::client(&[&[0; 4], &header[..]].concat())]);
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(&header[..31])]);
    }
}

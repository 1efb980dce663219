//! NetBIOS over TCP and UDP (RFC 1001, RFC 1002): names, datagrams, and sessions up to what they carry.

use super::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
    wire::Wire,
};

/// A name in its encoding of two letters a byte stands where the service in question has it.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::NetBios, stream: Some(stream), datagram: Some(datagram) };

/// RFC 1002 §4.3.1.
const SESSION_REQUEST: u8 = 0x81;
/// RFC 1002 §4.2.1.3: NB and NBSTAT.
const RECORD_TYPES: [u16; 2] = [0x20, 0x21];
/// RFC 1002 §4.4.1: to one, to a group, to all; and the answers of a datagram server.
const DATAGRAM_TYPES: [u8; 6] = [0x10, 0x11, 0x12, 0x14, 0x15, 0x16];

fn stream(prefix: Prefix<'_>) -> Answer {
    Answer::of_fields(prefix.bytes, |wire| {
        if wire.u8()? != SESSION_REQUEST || wire.u8()? > 1 {
            return Some(false);
        }
        wire.u16()?;
        is_name(wire)
    })
}

fn datagram(prefix: Prefix<'_>) -> Answer {
    Answer::of_fields(prefix.bytes, is_of_names).or(Answer::of_fields(prefix.bytes, is_datagram))
}

/// A header of DNS and a name as no host has it (RFC 1002 §4.2.1).
fn is_of_names(wire: &mut Wire<'_>) -> Option<bool> {
    let _header = wire.take(12)?;
    if !is_name(wire)? {
        return Some(false);
    }
    // The name goes on with the labels of a scope.
    loop {
        let label = wire.prefixed_u8()?;
        if label.is_empty() {
            break;
        }
    }
    Some(RECORD_TYPES.contains(&wire.u16()?))
}

/// RFC 1002 §4.4.1.
fn is_datagram(wire: &mut Wire<'_>) -> Option<bool> {
    let message = wire.u8()?;
    let (_flags, _id) = (wire.u8()?, wire.u16()?);
    let (_source, _port) = (wire.u32()?, wire.u16()?);
    if !DATAGRAM_TYPES.contains(&message) {
        return Some(false);
    }
    // Queries of a datagram server have the name here, the others a length and an offset before.
    if message < 0x14 {
        wire.u32()?;
    }
    is_name(wire)
}

/// RFC 1001 §14.1: 16 bytes in 32 letters from A to P.
fn is_name(wire: &mut Wire<'_>) -> Option<bool> {
    if wire.u8()? != 32 {
        return Some(false);
    }
    let letters = wire.take(32)?;
    Some(letters.iter().all(|letter| (b'A'..=b'P').contains(letter)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut, told_of_datagrams};

    const NAME: &[u8] = b"\x20FHEFEJFCCACACACACACACACACACACAAA\0";

    #[test]
    fn each_service_is_told_by_its_names() {
        let query = [b"\x12\x34\x01\x10\0\x01\0\0\0\0\0\0", NAME, b"\0\x20\0\x01"].concat();
        told_of_datagrams(AppProtocol::NetBios, &[Turn::client(&query)]);
        let message = [b"\x11\x0e\0\x01\xc0\0\x02\x01\0\x8a\0\xc0\0\0", NAME, NAME, b"\xffSMB"].concat();
        told_of_datagrams(AppProtocol::NetBios, &[Turn::client(&message)]);
        let session = [b"\x81\0\0\x44", NAME, NAME].concat();
        told_however_cut(AppProtocol::NetBios, &[Turn::client(&session), Turn::server(b"\x82\0\0\0")]);
        // Of DNS.
        let other = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x04weir\x07example\0\0\x01\0\x01";
        assert!(!datagram(Prefix::of(crate::flow::Direction::ToServer, other)).is_yes());
    }
}

//! Modbus over TCP (<https://modbus.org/specs.php>, Messaging on TCP/IP Implementation Guide §3.1).

use super::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
};
use crate::flow::Direction;

/// A header that names protocol 0, and a function whose length fits.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Modbus, stream: Some(stream), datagram: None };

/// With the unit and the function; a PDU has no more than 253 bytes (Application Protocol §4.1).
const LENGTHS: std::ops::RangeInclusive<u16> = 2..=254;
/// A function that failed has this bit (Application Protocol §7).
const EXCEPTION: u8 = 0x80;

fn stream(prefix: Prefix<'_>) -> Answer {
    Answer::of_fields(prefix.bytes, |wire| {
        let (_transaction, protocol, length) = (wire.u16()?, wire.u16()?, wire.u16()?);
        if protocol != 0 || !LENGTHS.contains(&length) {
            return Some(false);
        }
        let (_unit, function) = (wire.u8()?, wire.u8()?);
        match (function, prefix.direction) {
            // Reads and single writes: address and count, or the count of bytes that were read.
            (1..=4, Direction::ToServer) | (5 | 6, _) => Some(length == 6),
            (1..=4, Direction::ToClient) => Some(u16::from(wire.u8()?) + 3 == length),
            (15 | 16, Direction::ToServer) => {
                wire.u32()?;
                Some(u16::from(wire.u8()?) + 7 == length)
            }
            (15 | 16, Direction::ToClient) => Some(length == 6),
            (7 | 11 | 12 | 17, Direction::ToServer) => Some(length == 2),
            // Device identification, and what Schneider made of function 90.
            (43, _) => Some(matches!(wire.u8()?, 13 | 14)),
            (8 | 20..=24 | 90, _) => Some(length >= 4),
            (_, Direction::ToClient) if function & EXCEPTION != 0 => Some(
                length == 3
                    && matches!(function & !EXCEPTION, 1..=24 | 43 | 90)
                    && matches!(wire.u8()?, 1..=11),
            ),
            _ => Some(false),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut};

    #[test]
    fn functions_have_their_lengths() {
        told_however_cut(AppProtocol::Modbus, &[Turn::client(b"\x12\x34\0\0\0\x06\x01\x03\0\0\0\x02")]);
        told_however_cut(AppProtocol::Modbus, &[Turn::server(b"\x12\x34\0\0\0\x07\x01\x03\x04\0\x01\0\x02")]);
        let other = b"\x12\x34\0\0\0\x07\x01\x03\0\0\0\x02\0";
        told_however_cut(AppProtocol::Unknown, &[Turn::client(other)]);
    }
}

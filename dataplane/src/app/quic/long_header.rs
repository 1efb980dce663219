//! Packets of QUIC that say their version (RFC 8999 §5.1, RFC 9000 §17.2).

use super::version::QuicVersion;
use crate::app::wire::Wire;

/// RFC 9000 §17.2.
const CONNECTION_BYTES_MAX: usize = 20;
const IS_LONG: u8 = 0x80;
const IS_FIXED: u8 = 0x40;

/// What a packet is for, as far as that matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Initial,
    /// 0-RTT and Handshake.
    Other,
    /// Retry and Version Negotiation, and all of versions that are not known: no other packet follows in the datagram.
    Last,
}

/// One packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct LongPacket<'p> {
    pub(super) version: QuicVersion,
    pub(super) kind: Kind,
    pub(super) destination: &'p [u8],
    /// All of it.
    pub(super) bytes: &'p [u8],
    /// Where its packet number stands; what follows a Retry's or another last packet's header.
    pub(super) number_at: usize,
}

impl<'p> LongPacket<'p> {
    /// Takes a packet off the front of a datagram; `None` for what is none.
    pub(super) fn read(datagram: &mut &'p [u8]) -> Option<LongPacket<'p>> {
        let mut wire = Wire(datagram);
        let first = wire.u8().filter(|first| first & IS_LONG != 0)?;
        let version = QuicVersion(wire.u32()?);
        let destination = if version.is_plain_google() {
            google_connections(&mut wire)?
        } else {
            let destination = connection(&mut wire)?;
            let _source = connection(&mut wire)?;
            destination
        };
        let kind = kind(first, version);
        if kind == Kind::Initial {
            let token_bytes = usize::try_from(varint(&mut wire)?).ok()?;
            let _token = wire.take(token_bytes)?;
        }
        let length = match kind {
            Kind::Initial | Kind::Other => usize::try_from(varint(&mut wire)?).ok()?,
            Kind::Last => wire.rest().len(),
        };
        let number_at = datagram.len() - wire.rest().len();
        let (bytes, rest) = datagram.split_at_checked(number_at.checked_add(length)?)?;
        *datagram = rest;
        Some(LongPacket { version, kind, destination, bytes, number_at })
    }

    /// Whether a bit is set that peers clear only where both said that they may (RFC 9287).
    pub(super) fn has_fixed_bit(&self) -> bool {
        self.bytes.first().is_some_and(|first| first & IS_FIXED != 0)
    }

    /// What stands behind the header.
    pub(super) fn body(&self) -> &'p [u8] {
        self.bytes.get(self.number_at..).unwrap_or_default()
    }
}

fn kind(first: u8, version: QuicVersion) -> Kind {
    if !version.is_encrypted() {
        return Kind::Last;
    }
    // RFC 9000 §17.2, RFC 9369 §3.2.
    let initial = if version == QuicVersion::V2 { 1 } else { 0 };
    let retry = if version == QuicVersion::V2 { 0 } else { 3 };
    match first >> 4 & 3 {
        kind if kind == initial => Kind::Initial,
        kind if kind == retry => Kind::Last,
        _ => Kind::Other,
    }
}

fn connection<'p>(wire: &mut Wire<'p>) -> Option<&'p [u8]> {
    wire.prefixed_u8().filter(|connection| connection.len() <= CONNECTION_BYTES_MAX)
}

/// The lengths of both stand in one byte, each less 3 where it is not 0 (draft-ietf-quic-transport-18 §17.2); that of the
/// destination is told.
fn google_connections<'p>(wire: &mut Wire<'p>) -> Option<&'p [u8]> {
    let lengths = wire.u8()?;
    let bytes = |length: u8| if length == 0 { 0 } else { usize::from(length) + 3 };
    let destination = wire.take(bytes(lengths >> 4))?;
    let _source = wire.take(bytes(lengths & 0x0f))?;
    Some(destination)
}

/// A number in the first two bits of which its length stands (RFC 9000 §16).
pub(super) fn varint(wire: &mut Wire<'_>) -> Option<u64> {
    let first = wire.u8()?;
    let more = (1_usize << (first >> 6)) - 1;
    let mut number = u64::from(first & 0x3f);
    for byte in wire.take(more)? {
        number = number << 8 | u64::from(*byte);
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9000 appendix A.1.
    #[test]
    fn numbers_say_their_length() {
        let cases: [(&[u8], u64); 4] = [
            (&[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c], 151_288_809_941_952_652),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (&[0x7b, 0xbd], 15_293),
            (&[0x25], 37),
        ];
        for (bytes, number) in cases {
            let mut wire = Wire(bytes);
            assert_eq!((varint(&mut wire), wire.is_empty()), (Some(number), true));
            assert_eq!(varint(&mut Wire(&bytes[1..1])), None);
        }
    }
}

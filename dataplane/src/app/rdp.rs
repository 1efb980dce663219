//! Remote Desktop Protocol (MS-RDPBCGR), and its transport over UDP (MS-RDPEUDP): recognised by how connections begin.

use super::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
};

pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Rdp, stream: Some(stream), datagram: Some(datagram) };

/// TPKT (RFC 1006 §6) and the requests of X.224 that open a connection, which others use as well.
const TPKT_VERSION: u8 = 3;
const CONNECTION_REQUEST: u8 = 0xe0;
const CONNECTION_CONFIRM: u8 = 0xd0;
/// MS-RDPBCGR §2.2.1.1, §2.2.1.2: what is asked of the other end, or answered, or refused.
const NEGOTIATION: [u8; 3] = [1, 2, 3];

fn stream(prefix: Prefix<'_>) -> Answer {
    Answer::of_fields(prefix.bytes, |wire| {
        if wire.u8()? != TPKT_VERSION || wire.u8()? != 0 {
            return Some(false);
        }
        let (length, indicator, code) = (wire.u16()?, wire.u8()?, wire.u8()?);
        if u16::from(indicator) + 5 != length || !matches!(code, CONNECTION_REQUEST | CONNECTION_CONFIRM) {
            return Some(false);
        }
        let _references_and_class = wire.take(5)?;
        match wire.u8()? {
            b'C' => Some(wire.take(7)? == b"ookie: "),
            negotiation if NEGOTIATION.contains(&negotiation) => {
                let _flags = wire.u8()?;
                Some(wire.u16_le()? == 8)
            }
            _ => Some(false),
        }
    })
}

/// MS-RDPEUDP §2.2.2.1: a SYN acknowledges nothing, and says how long packets may be.
fn datagram(prefix: Prefix<'_>) -> Answer {
    const SYN: u16 = 1;
    Answer::of_fields(prefix.bytes, |wire| {
        let (acknowledged, _window, flags) = (wire.u32()?, wire.u16()?, wire.u16()?);
        let (_sequence, up, down) = (wire.u32()?, wire.u16()?, wire.u16()?);
        let is_size = |bytes: u16| (1132..=1232).contains(&bytes);
        Some(acknowledged == u32::MAX && flags & SYN != 0 && is_size(up) && is_size(down))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut, told_of_datagrams};

    #[test]
    fn what_is_negotiated_tells() {
        let request = b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0";
        told_however_cut(AppProtocol::Rdp, &[Turn::client(request)]);
        told_however_cut(
            AppProtocol::Rdp,
            &[Turn::server(b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x1f\x08\0\x02\0\0\0")],
        );
        // Of S7.
        let other = b"\x03\0\0\x16\x11\xe0\0\0\0\x01\0\xc0\x01\x0a\xc1\x02\x01\0\xc2\x02\x01\x02";
        told_however_cut(AppProtocol::Unknown, &[Turn::client(other)]);
        told_of_datagrams(
            AppProtocol::Rdp,
            &[Turn::client(b"\xff\xff\xff\xff\x04\0\0\x01\x12\x34\x56\x78\x04\xd0\x04\xd0")],
        );
    }
}

//! SNMP, versions 1 to 3 (RFC 1157, RFC 3416, RFC 3412).

use super::{
    AppProtocol,
    ber::{Ber, INTEGER, OCTETS, SEQUENCE},
    signature::{Answer, Prefix, Signature},
    wire::Wire,
};

/// A version and behind it what that version has there.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Snmp, stream: None, datagram: Some(datagram) };

fn datagram(prefix: Prefix<'_>) -> Answer {
    Answer::of_fields(prefix.bytes, |wire| {
        let outer = Ber::read(wire)?;
        let version = Ber::read(wire)?;
        if outer.tag != SEQUENCE || !version.is_within(INTEGER, 1) || version.length == 0 {
            return Some(false);
        }
        match wire.u8()? {
            0 | 1 => has_community(wire),
            3 => has_header(wire),
            _ => Some(false),
        }
    })
}

/// RFC 1157 §4, RFC 1901 §3: and one of the PDUs.
fn has_community(wire: &mut Wire<'_>) -> Option<bool> {
    let community = Ber::read(wire)?;
    wire.take(community.length)?;
    Some(community.tag == OCTETS && (0xa0..=0xa8).contains(&wire.u8()?))
}

/// RFC 3412 §6: a sequence that begins with an identifier and the largest size.
fn has_header(wire: &mut Wire<'_>) -> Option<bool> {
    let header = Ber::read(wire)?;
    let identifier = Ber::read(wire)?;
    wire.take(identifier.length)?;
    let size = Ber::read(wire)?;
    Some(header.tag == SEQUENCE && identifier.is_within(INTEGER, 5) && size.is_within(INTEGER, 5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_of_datagrams};

    #[test]
    fn each_version_is_told() {
        let get =
            b"\x30\x19\x02\x01\x01\x04\x04weir\xa0\x0e\x02\x01\x01\x02\x01\0\x02\x01\0\x30\x03\x30\x01\0";
        told_of_datagrams(AppProtocol::Snmp, &[Turn::client(get)]);
        let v3 = b"\x30\x11\x02\x01\x03\x30\x0c\x02\x02\x12\x34\x02\x02\x05\xdc\x04\x01\x04\x02\x01\x03";
        told_of_datagrams(AppProtocol::Snmp, &[Turn::client(v3)]);
        let version_9 = b"\x30\x19\x02\x01\x09\x04\x04weir\xa0\x0e\x02\x01\x01";
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(version_9)]);
    }
}

//! What Kerberos is told by: its messages.

use crate::app::{
    AppProtocol,
    ber::{Ber, INTEGER, SEQUENCE},
    signature::{Answer, Signature},
    wire::Wire,
};

/// A message that says its version, and over TCP has its length in front (RFC 4120 §7.2.2).
pub(in crate::app) const SIGNATURE: Signature = Signature {
    protocol: AppProtocol::Kerberos,
    stream: Some(|prefix| {
        Answer::of_fields(prefix.bytes, |wire| {
            // The highest bit is kept for extensions.
            let length = wire.u32()?;
            Some(length < 1 << 24 && is_message(wire, length as usize)?)
        })
    }),
    datagram: Some(|prefix| Answer::of_fields(prefix.bytes, |wire| is_message(wire, prefix.bytes.len()))),
};

/// Of `length` bytes. RFC 4120 §5.10 lists the tags.
fn is_message(wire: &mut Wire<'_>, length: usize) -> Option<bool> {
    let before = wire.rest().len();
    let outer = Ber::read(wire)?;
    let head_bytes = before - wire.rest().len();
    // Requests for tickets have their version second.
    let version_tag = match outer.tag {
        0x6a | 0x6c => 0xa1,
        0x6b | 0x6d | 0x6e | 0x6f | 0x74 | 0x75 | 0x76 | 0x7e => 0xa0,
        _ => return Some(false),
    };
    if outer.length.checked_add(head_bytes) != Some(length) {
        return Some(false);
    }
    let sequence = Ber::read(wire)?;
    if !sequence.is_within(SEQUENCE, outer.length) {
        return Some(false);
    }
    let tagged = Ber::read(wire)?;
    let version = Ber::read(wire)?;
    let is_version = tagged.is_within(version_tag, 3) && version.is_within(INTEGER, 1);
    Some(is_version && wire.u8()? == 5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut, told_of_datagrams};

    #[test]
    fn a_request_says_its_version() {
        let request = b"\x6a\x0c\x30\x0a\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a";
        told_of_datagrams(AppProtocol::Kerberos, &[Turn::client(request)]);
        let framed = [&b"\0\0\0\x0e"[..], request].concat();
        told_however_cut(AppProtocol::Kerberos, &[Turn::client(&framed)]);
        let version_4 = b"\x6a\x0c\x30\x0a\xa1\x03\x02\x01\x04\xa2\x03\x02\x01\x0a";
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(version_4)]);
    }
}

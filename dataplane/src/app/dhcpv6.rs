//! DHCP for IPv6 (RFC 8415).

use super::{
    AppProtocol,
    signature::{Answer, Signature},
    wire::Wire,
};

/// A message whose options fill its datagram and name an end of it (RFC 8415 §8, §9, §21).
pub(super) const SIGNATURE: Signature = Signature {
    protocol: AppProtocol::Dhcpv6,
    stream: None,
    datagram: Some(|prefix| Answer::of_fields(prefix.bytes, is_message)),
};

/// RFC 8415 §7.3: relayed, and to be relayed.
const RELAYED: [u8; 2] = [12, 13];
/// RFC 8415 §7.3 and the leasequeries of RFC 5007 and RFC 5460.
const MESSAGES: std::ops::RangeInclusive<u8> = 1..=23;
/// RFC 8415 §21.2, §21.3: who the client is, or the server; §21.10: what is relayed.
const IDENTITIES: [u16; 2] = [1, 2];
const RELAYED_MESSAGE: u16 = 9;

fn is_message(wire: &mut Wire<'_>) -> Option<bool> {
    let message = wire.u8()?;
    let is_relayed = RELAYED.contains(&message);
    // Hops, link and peer, or a transaction's number.
    wire.take(if is_relayed { 33 } else { 3 })?;
    let mut is_named = false;
    while !wire.is_empty() {
        let code = wire.u16()?;
        let value = wire.prefixed_u16()?;
        is_named |=
            if is_relayed { code == RELAYED_MESSAGE } else { IDENTITIES.contains(&code) && is_duid(value) };
    }
    Some(MESSAGES.contains(&message) && is_named)
}

/// RFC 8415 §11, RFC 6355.
fn is_duid(value: &[u8]) -> bool {
    matches!(Wire(value).u16(), Some(1..=4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_of_datagrams};

    #[test]
    fn options_fill_the_datagram() {
        let solicit = b"\x01\x12\x34\x56\0\x01\0\x06\0\x03\0\x01\x02\x03\0\x08\0\x02\0\0";
        told_of_datagrams(AppProtocol::Dhcpv6, &[Turn::client(solicit)]);
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(&solicit[..19])]);
    }
}

//! GENEVE (RFC 8926 §3.4).

use super::encapsulation::{Carries, Header};
use super::link::ETHERTYPE_TRANSPARENT_ETHERNET;
use super::tunnel::TunnelKind;

const HEADER_BYTES: usize = 8;
/// Above the bits that tell the length of the options.
const VERSION: u8 = 0xc0;
/// Below the bits for control packets and critical options.
const RESERVED: u8 = 0x3f;

/// Reads the header of a datagram; `None` where it is none.
pub(super) fn parse(payload: &[u8]) -> Option<Header> {
    let [first, second, p0, p1, v0, v1, v2, r] = *payload.first_chunk::<HEADER_BYTES>()?;
    if first & VERSION != 0 {
        return None;
    }
    // In words of 4 bytes.
    let header_bytes = HEADER_BYTES + 4 * usize::from(first);
    payload.get(..header_bytes)?;
    let carries = match u16::from_be_bytes([p0, p1]) {
        ETHERTYPE_TRANSPARENT_ETHERNET => Carries::Ethernet,
        ethertype => Carries::EtherType(ethertype),
    };
    let is_certain = second & RESERVED == 0 && r == 0;
    let id = Some(u32::from_be_bytes([0, v0, v1, v2]));
    Some(Header { kind: TunnelKind::Geneve, id, header_bytes, carries, has_checksum: false, is_certain })
}

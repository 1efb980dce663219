//! VXLAN (RFC 7348 §5).

use super::encapsulation::{Carries, Header};
use super::tunnel::TunnelKind;

const HEADER_BYTES: usize = 8;
/// The VNI is valid.
const FLAG_VNI: u8 = 0x08;

/// Reads the header of a datagram; `None` where it is none.
pub(super) fn parse(payload: &[u8]) -> Option<Header> {
    let [flags, r0, r1, r2, v0, v1, v2, r3] = *payload.first_chunk::<HEADER_BYTES>()?;
    if flags & FLAG_VNI == 0 {
        return None;
    }
    // Reserved bits are 0 and ignored; extensions use some of them.
    let is_certain = flags == FLAG_VNI && [r0, r1, r2, r3] == [0; 4];
    let id = Some(u32::from_be_bytes([0, v0, v1, v2]));
    let carries = Carries::Ethernet;
    Some(Header {
        kind: TunnelKind::Vxlan,
        id,
        header_bytes: HEADER_BYTES,
        carries,
        has_checksum: false,
        is_certain,
    })
}

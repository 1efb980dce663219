//! The user plane of GTP: packets of subscribers (3GPP TS 29.281 §5.1, §5.2).

use super::encapsulation::{Carries, Header};
use super::tunnel::TunnelKind;

const HEADER_BYTES: usize = 8;
/// Sequence number, N-PDU number and the type of the first extension header, where any of their flags is set.
const OPTIONAL_BYTES: usize = 4;
const OPTIONAL_FLAGS: u8 = 0x07;
/// The bits of the version, and the flag that it is GTP rather than GTP', which not all receivers look at.
const VERSION: u8 = 0xe0;
const VERSION_1: u8 = 0x20;
const IS_GTP: u8 = 0x10;
const HAS_EXTENSIONS: u8 = 0x04;
/// The message that holds a user's packet.
const G_PDU: u8 = 255;

/// Reads the header of a datagram; `None` where it is none, or one without a packet.
pub(super) fn parse(payload: &[u8]) -> Option<Header> {
    let [flags, kind, l0, l1, t0, t1, t2, t3] = *payload.first_chunk::<HEADER_BYTES>()?;
    if flags & VERSION != VERSION_1 || kind != G_PDU {
        return None;
    }
    let mut header_bytes = HEADER_BYTES;
    if flags & OPTIONAL_FLAGS != 0 {
        header_bytes += OPTIONAL_BYTES;
        // The flag for extension headers alone says whether the type means anything.
        let mut next = if flags & HAS_EXTENSIONS == 0 { 0 } else { *payload.get(header_bytes - 1)? };
        while next != 0 {
            // Its length in words of 4 bytes, and the next type in the last of them; 0 words would never end.
            let words = usize::from(*payload.get(header_bytes)?);
            header_bytes += 4 * words;
            next = *payload.get(header_bytes - 1).filter(|_| words > 0)?;
        }
    }
    // Of what follows the mandatory part.
    let length = usize::from(u16::from_be_bytes([l0, l1]));
    let is_certain = flags & IS_GTP != 0 && HEADER_BYTES + length == payload.len();
    let id = Some(u32::from_be_bytes([t0, t1, t2, t3]));
    Some(Header {
        kind: TunnelKind::Gtpu,
        id,
        header_bytes,
        carries: Carries::Ip,
        has_checksum: false,
        is_certain,
    })
}

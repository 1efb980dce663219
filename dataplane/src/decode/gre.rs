//! GRE (RFC 2784, RFC 2890), NVGRE (RFC 7637), and ERSPAN behind it (draft-foschiano-erspan-03).

use super::encapsulation::{Carries, Header};
use super::link::{ETHERTYPE_IPV4, ETHERTYPE_TRANSPARENT_ETHERNET};
use super::tunnel::TunnelKind;

const HAS_CHECKSUM: u16 = 0x8000;
const HAS_KEY: u16 = 0x2000;
const HAS_SEQUENCE: u16 = 0x1000;
/// Source routes and what belongs to them (RFC 1701), which receivers must refuse (RFC 2784 §2.3); and the version, of
/// which 1 is that of PPTP (RFC 2637).
const NOT_OURS: u16 = 0x4c07;
/// What must be 0 and is ignored (RFC 2784 §2.3.1).
const RESERVED: u16 = 0x03f8;

const ERSPAN_I_OR_II: u16 = 0x88be;
const ERSPAN_III: u16 = 0x22eb;
/// Redirected by WCCP; Cisco's second version has a header of its own, which never begins as IPv4 does.
const WCCP: u16 = 0x883e;
const WCCP_HEADER_BYTES: usize = 4;

/// Offset of the checksum in the header, in bytes.
pub(super) const CHECKSUM_OFFSET: usize = 4;

/// Reads a header; `None` where it is none of a tunnel.
pub(super) fn parse(bytes: &[u8]) -> Option<Header> {
    let [f0, f1, p0, p1] = *bytes.first_chunk::<4>()?;
    let (flags, protocol) = (u16::from_be_bytes([f0, f1]), u16::from_be_bytes([p0, p1]));
    if flags & NOT_OURS != 0 {
        return None;
    }
    let has_checksum = flags & HAS_CHECKSUM != 0;
    // RFC 2890 §2: checksum and reserved bytes, key, sequence number, each of 4 bytes.
    let key_offset = if has_checksum { 8 } else { 4 };
    let has_key = flags & HAS_KEY != 0;
    let has_sequence = flags & HAS_SEQUENCE != 0;
    let header_bytes = key_offset + 4 * usize::from(has_key) + 4 * usize::from(has_sequence);
    let behind = bytes.get(header_bytes..)?;
    let key = bytes.get(key_offset..)?.first_chunk().map(|&key| u32::from_be_bytes(key));
    let header = Header {
        kind: TunnelKind::Gre,
        id: key.filter(|_| has_key),
        header_bytes,
        carries: Carries::EtherType(protocol),
        has_checksum,
        is_certain: flags & RESERVED == 0,
    };
    match protocol {
        ETHERTYPE_TRANSPARENT_ETHERNET => Some(Header { carries: Carries::Ethernet, ..header }),
        ERSPAN_I_OR_II if !has_sequence => {
            Some(Header { kind: TunnelKind::Erspan, id: None, carries: Carries::Ethernet, ..header })
        }
        ERSPAN_I_OR_II => erspan(header, behind, 1, 8),
        // A sub-header of 8 bytes, where the last bit of the header says so (§4.3).
        ERSPAN_III => {
            let has_subheader = behind.get(11)? & 1 == 1;
            erspan(header, behind, 2, if has_subheader { 20 } else { 12 })
        }
        WCCP => {
            let is_bare = behind.first()? >> 4 == 4;
            let header_bytes = header_bytes + if is_bare { 0 } else { WCCP_HEADER_BYTES };
            Some(Header { header_bytes, carries: Carries::EtherType(ETHERTYPE_IPV4), ..header })
        }
        _ => Some(header),
    }
}

/// An ERSPAN header of `erspan_bytes`: version, 4 bits; VLAN, 12; class and flags, 6; session, 10 (§4.2).
fn erspan(header: Header, behind: &[u8], version: u8, erspan_bytes: usize) -> Option<Header> {
    let [first, _, s0, s1] = *behind.get(..erspan_bytes)?.first_chunk::<4>()?;
    if first >> 4 != version {
        return None;
    }
    Some(Header {
        kind: TunnelKind::Erspan,
        id: Some(u32::from(u16::from_be_bytes([s0, s1]) & 0x03ff)),
        header_bytes: header.header_bytes + erspan_bytes,
        carries: Carries::Ethernet,
        ..header
    })
}

//! Cuts datagrams into pieces (RFC 791 §3.2, RFC 8200 §4.5).

use dataplane::decode::checksum::seal_ipv4;
use dataplane::decode::{ChecksumMode, LinkType, decode};

const FRAGMENT_HEADER_BYTES: usize = 8;
const IPV6_HEADER_BYTES: usize = 40;
const MORE_FRAGMENTS: u16 = 0x2000;

/// A piece of the payload of `frame`, an Ethernet frame with an IP packet that has no extension header: `span` of the bytes
/// behind the IP header, with more to follow or not.
///
/// # Panics
/// If it is no such frame, or has no such bytes.
pub fn piece(frame: &[u8], id: u16, span: std::ops::Range<usize>, more: bool) -> Vec<u8> {
    let (network, end) = bounds(frame);
    let payload = &frame[network.1..end][span.clone()];
    claim(frame, id, span.start, payload, more)
}

/// As [`piece`], of whatever bytes, at whatever offset.
///
/// # Panics
/// As [`piece`].
pub fn claim(frame: &[u8], id: u16, offset: usize, payload: &[u8], more: bool) -> Vec<u8> {
    let ((network, upper), _) = bounds(frame);
    let mut cut = frame[..upper].to_vec();
    let ip = &mut cut[network..];
    if ip[0] >> 4 == 4 {
        let bytes = (ip.len() + payload.len()) as u16;
        let place = (offset as u16 / 8) | if more { MORE_FRAGMENTS } else { 0 };
        ip[2..4].copy_from_slice(&bytes.to_be_bytes());
        ip[4..6].copy_from_slice(&id.to_be_bytes());
        ip[6..8].copy_from_slice(&place.to_be_bytes());
        seal_ipv4(ip);
    } else {
        let bytes = (FRAGMENT_HEADER_BYTES + payload.len()) as u16;
        ip[4..6].copy_from_slice(&bytes.to_be_bytes());
        let next_header = std::mem::replace(&mut ip[6], 44);
        let place = (offset as u16 | u16::from(more)).to_be_bytes();
        cut.extend([next_header, 0, place[0], place[1], 0, 0]);
        cut.extend(id.to_be_bytes());
    }
    cut.extend(payload);
    cut
}

/// All of it, cut at these places, each a multiple of 8 and above the one before.
///
/// # Panics
/// As [`piece`].
pub fn cut(frame: &[u8], id: u16, at: &[usize]) -> Vec<Vec<u8>> {
    let ((_, upper), end) = bounds(frame);
    let bytes = end - upper;
    let mut starts = vec![0];
    starts.extend(at.iter().filter(|place| **place < bytes));
    let ends = starts[1..].iter().copied().chain([bytes]);
    starts.iter().zip(ends).map(|(start, end)| piece(frame, id, *start..end, end < bytes)).collect()
}

/// The identification of a piece as [`claim`] makes them, and where it stands.
///
/// # Panics
/// If it is none.
pub fn identification(frame: &[u8]) -> (std::ops::Range<usize>, u32) {
    let ((network, upper), _) = bounds(frame);
    let place = if frame[network] >> 4 == 4 { network + 4..network + 6 } else { upper - 4..upper };
    let id = frame[place.clone()].iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
    (place, id)
}

/// A piece as [`claim`] makes them, with an identification of 0.
///
/// # Panics
/// If it is none.
pub fn without_identification(frame: &[u8]) -> Vec<u8> {
    let ((network, upper), _) = bounds(frame);
    let (place, _) = identification(frame);
    let mut frame = frame.to_vec();
    frame[place].fill(0);
    if frame[network] >> 4 == 4 {
        seal_ipv4(&mut frame[network..upper]);
    }
    frame
}

/// Where the IP header and the upper layer begin, and where the packet ends.
fn bounds(frame: &[u8]) -> ((usize, usize), usize) {
    let packet = decode(frame, frame.len() as u32, LinkType::Ethernet, ChecksumMode::Ignore);
    let network = packet.expect("it is a packet").network.expect("it is IP");
    let ip = &frame[network.offset..];
    let bytes = if ip[0] >> 4 == 4 {
        usize::from(u16::from_be_bytes([ip[2], ip[3]]))
    } else {
        IPV6_HEADER_BYTES + usize::from(u16::from_be_bytes([ip[4], ip[5]]))
    };
    ((network.offset, network.transport_offset), network.offset + bytes)
}

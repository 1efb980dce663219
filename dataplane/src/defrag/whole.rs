//! A datagram that was put together: its pieces as they came, and what they are together.

use super::Key;
use super::piece::{FRAGMENT_HEADER_BYTES, IPV6_HEADER_BYTES, Piece};
use crate::decode::checksum::seal_ipv4;
use crate::decode::{ChecksumMode, DecodeError, Packet, Surroundings, offset_of_next_header};

/// A whole datagram.
#[derive(Debug)]
pub struct Whole {
    /// Its pieces, in the order in which they came.
    pub pieces: Vec<Piece>,
    /// A frame that would have held it in one piece: the headers of the first piece, without that of a fragment, and all bytes
    /// behind them. Link headers that tell a length are as they were.
    pub frame: Vec<u8>,
    /// Where in that frame the bytes end that the first piece held.
    pub first_end: usize,
    /// What all pieces have in common.
    pub(super) key: Key,
    /// Where in that frame the IP header stands.
    network_offset: usize,
    /// Where in that frame the payload begins, which was cut.
    payload_offset: usize,
}

impl Whole {
    /// `total_bytes` are those of the payloads of all pieces.
    ///
    /// # Panics
    /// If a byte is absent.
    pub(super) fn new(key: Key, pieces: Vec<Piece>, total_bytes: usize) -> Whole {
        let first = pieces.iter().find(|piece| piece.is_begin()).expect("no byte is absent");
        let network_offset = first.layout.network_offset;
        let mut frame = first.frame[..first.layout.payload_offset].to_vec();
        unmark(&mut frame, network_offset, first.layout.is_ipv4, total_bytes);
        let payload_offset = frame.len();
        let first_end = payload_offset + first.layout.span.len();
        frame.resize(payload_offset + total_bytes, 0);
        for piece in &pieces {
            let span = &piece.layout.span;
            let span = payload_offset + span.start as usize..payload_offset + span.end as usize;
            frame[span].copy_from_slice(piece.payload());
        }
        Whole { pieces, frame, first_end, key, network_offset, payload_offset }
    }

    /// Decodes it, as if it stood where its pieces stood.
    ///
    /// # Errors
    /// As [`decode`](crate::decode::decode).
    pub fn decode(&self, checksums: ChecksumMode) -> Result<Packet<'_>, DecodeError> {
        self.surroundings().decode(&self.frame, self.network_offset, checksums)
    }

    /// Cuts the frame again as it was cut: what was changed in it since is changed in its pieces.
    pub fn recut(&mut self) {
        for piece in &mut self.pieces {
            let start = self.payload_offset + piece.layout.span.start as usize;
            let range = piece.layout.payload_range();
            let bytes = range.len();
            piece.frame[range].copy_from_slice(&self.frame[start..start + bytes]);
        }
    }

    /// Has all pieces travel alike, and no farther than the one that would come least far. A piece that its sender made to
    /// fall behind us, by its TTL or its addresses, would leave the others waiting with their receiver.
    ///
    /// In a tunnel, whose headers tell lengths, they stay as they are, and so they do where a receiver would notice.
    pub fn level(&mut self) {
        if !self.surroundings().tunnels.is_empty() || self.surroundings().is_authenticated {
            return;
        }
        let Some(first) = self.pieces.iter().find(|piece| piece.is_begin()) else { return };
        let headers = first.frame[..first.layout.payload_offset].to_vec();
        let Some(hops) = self.pieces.iter_mut().map(|piece| *piece.hops_mut()).min() else { return };
        self.pieces.iter_mut().for_each(|piece| piece.travel_like(&headers, hops));
    }

    /// Bytes on the wire of all its frames.
    pub fn wire_bytes(&self) -> u32 {
        self.pieces.iter().map(|piece| piece.meta.wire_bytes).sum()
    }

    fn surroundings(&self) -> &Surroundings {
        &self.key.surroundings
    }
}

/// Makes the headers of a first piece, of which that of IP stands at `network_offset`, those of a datagram in one piece, with
/// `total_bytes` behind them.
fn unmark(headers: &mut Vec<u8>, network_offset: usize, is_ipv4: bool, total_bytes: usize) {
    let length = |bytes: usize| (bytes as u16).to_be_bytes();
    if is_ipv4 {
        let ip = &mut headers[network_offset..];
        let bytes = ip.len() + total_bytes;
        ip[2..4].copy_from_slice(&length(bytes));
        ip[6..8].fill(0);
        seal_ipv4(ip);
        return;
    }
    // RFC 8200 §4.5: the header in front of the fragment header tells of what that one told of.
    let fragment_header = headers.len() - FRAGMENT_HEADER_BYTES;
    let next_header = headers[fragment_header];
    headers.truncate(fragment_header);
    let ip = &mut headers[network_offset..];
    let place = offset_of_next_header(ip, ip.len()).expect("the decoder walked to the fragment header");
    ip[place] = next_header;
    let bytes = ip.len() - IPV6_HEADER_BYTES + total_bytes;
    ip[4..6].copy_from_slice(&length(bytes));
}

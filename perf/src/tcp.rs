//! One TCP connection as Ethernet frames with right checksums.

use std::net::Ipv4Addr;

/// Bytes of the Ethernet, IPv4 and TCP headers.
const HEADER_BYTES: usize = 14 + 20 + 20;

/// Control bits (RFC 9293 §3.1).
pub(crate) const FIN: u8 = 0x01;
pub(crate) const SYN: u8 = 0x02;
pub(crate) const PSH: u8 = 0x08;
pub(crate) const ACK: u8 = 0x10;

/// Payload bytes of one segment: what an MTU of 1500 leaves.
pub(crate) const SEGMENT_BYTES_MAX: usize = 1460;

/// The end that a frame comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    Client = 0,
    Server = 1,
}

/// Both ends of a connection, and the sequence number that each sends next.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    ends: [(Ipv4Addr, u16); 2],
    sequences: [u32; 2],
}

impl Connection {
    /// A connection of which nothing was sent yet; `sequences` are the initial ones.
    pub(crate) fn new(client: (Ipv4Addr, u16), server: (Ipv4Addr, u16), sequences: [u32; 2]) -> Connection {
        Connection { ends: [client, server], sequences }
    }

    /// The next segment from one end. Acknowledges all that the other end has sent.
    pub(crate) fn segment(&mut self, from: From, flags: u8, payload: &[u8]) -> Vec<u8> {
        let (own, peer) = (from as usize, 1 - from as usize);
        let (source, destination) = (self.ends[own], self.ends[peer]);
        let acknowledgment = if flags & ACK == 0 { 0 } else { self.sequences[peer] };
        let mut frame = Vec::with_capacity(HEADER_BYTES + payload.len());
        frame.extend([2, 0, 0, 0, 0, peer as u8, 2, 0, 0, 0, 0, own as u8, 0x08, 0x00]);
        frame.extend(ipv4_header(source.0, destination.0, 20 + payload.len()));
        let mut tcp = Vec::with_capacity(20 + payload.len());
        tcp.extend(source.1.to_be_bytes());
        tcp.extend(destination.1.to_be_bytes());
        tcp.extend(self.sequences[own].to_be_bytes());
        tcp.extend(acknowledgment.to_be_bytes());
        tcp.extend([5 << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
        tcp.extend(payload);
        let pseudo = sum(&source.0.octets()) + sum(&destination.0.octets()) + 6 + tcp.len() as u32;
        let checksum = fold(pseudo + sum(&tcp));
        tcp[16..18].copy_from_slice(&checksum.to_be_bytes());
        frame.extend(tcp);
        let phantom = u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        self.sequences[own] = self.sequences[own].wrapping_add(payload.len() as u32 + phantom);
        frame
    }
}

fn ipv4_header(source: Ipv4Addr, destination: Ipv4Addr, payload_bytes: usize) -> [u8; 20] {
    let mut header = [0; 20];
    header[0] = 0x45;
    header[2..4].copy_from_slice(&(20 + payload_bytes as u16).to_be_bytes());
    header[6] = 0x40; // don't fragment
    header[8] = 64;
    header[9] = 6;
    header[12..16].copy_from_slice(&source.octets());
    header[16..20].copy_from_slice(&destination.octets());
    let checksum = fold(sum(&header));
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
    header
}

/// The Internet checksum (RFC 1071), before it is folded. An odd last byte is the upper half of a word.
fn sum(bytes: &[u8]) -> u32 {
    let words = bytes.chunks(2);
    words.map(|word| u32::from(word[0]) << 8 | u32::from(word.get(1).copied().unwrap_or(0))).sum()
}

fn fold(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_verify_and_sequences_advance() {
        let (client, server) = ((Ipv4Addr::new(10, 0, 0, 1), 1025), (Ipv4Addr::new(10, 0, 0, 2), 80));
        let mut connection = Connection::new(client, server, [u32::MAX, 7]);
        let syn = connection.segment(From::Client, SYN, b"");
        let data = connection.segment(From::Client, PSH | ACK, b"odd");
        assert_eq!(syn[38..42], u32::MAX.to_be_bytes());
        assert_eq!(data[38..42], 0u32.to_be_bytes(), "the SYN took one number");
        assert_eq!(connection.segment(From::Server, ACK, b"")[42..46], 3u32.to_be_bytes());
        // RFC 1071 §1: a sum over data and its checksum is all ones.
        assert_eq!(fold(sum(&data[14..34])), 0);
        let pseudo = sum(&data[26..34]) + 6 + 23;
        assert_eq!(fold(pseudo + sum(&data[34..])), 0);
    }
}

//! TCP segments as Ethernet frames with right checksums.

use std::net::{IpAddr, SocketAddr};

/// Control bits (RFC 9293 §3.1).
pub const FIN: u8 = 0x01;
/// Synchronise.
pub const SYN: u8 = 0x02;
/// Push.
pub const PSH: u8 = 0x08;
/// The acknowledgment number counts.
pub const ACK: u8 = 0x10;

/// Payload bytes of one segment: what an MTU of 1500 leaves of IPv4.
pub const SEGMENT_BYTES_MAX: usize = 1460;

/// The end that a frame comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The end that opened the connection.
    Client = 0,
    /// The other one.
    Server = 1,
}

/// Who speaks with whom, and in which VLANs. Both ends are of one IP version.
#[derive(Clone, Debug)]
pub struct Ends {
    ends: [SocketAddr; 2],
    vlans: Vec<u16>,
}

impl Ends {
    /// Two ends; `vlans` from the outermost to the innermost.
    pub fn new(client: SocketAddr, server: SocketAddr, vlans: &[u16]) -> Ends {
        assert_eq!(client.is_ipv4(), server.is_ipv4(), "both ends speak one IP version");
        Ends { ends: [client, server], vlans: vlans.to_vec() }
    }

    /// One segment as a frame.
    pub fn frame(
        &self,
        from: From,
        sequence: u32,
        acknowledgment: u32,
        flags: u8,
        payload: &[u8],
    ) -> Vec<u8> {
        let (own, peer) = (from as usize, 1 - from as usize);
        let (source, destination) = (self.ends[own], self.ends[peer]);
        let mut tcp = Vec::with_capacity(20 + payload.len());
        tcp.extend(source.port().to_be_bytes());
        tcp.extend(destination.port().to_be_bytes());
        tcp.extend(sequence.to_be_bytes());
        tcp.extend(acknowledgment.to_be_bytes());
        tcp.extend([5 << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
        tcp.extend(payload);
        let addresses = [octets(source.ip()), octets(destination.ip())].concat();
        let checksum = fold(sum(&addresses) + 6 + tcp.len() as u32 + sum(&tcp));
        tcp[16..18].copy_from_slice(&checksum.to_be_bytes());

        let mut frame = vec![2, 0, 0, 0, 0, peer as u8, 2, 0, 0, 0, 0, own as u8];
        for (depth, vlan) in self.vlans.iter().enumerate() {
            let outer = depth + 1 < self.vlans.len();
            frame.extend(if outer { [0x88, 0xa8] } else { [0x81, 0x00] });
            frame.extend(vlan.to_be_bytes());
        }
        if source.is_ipv4() {
            frame.extend([0x08, 0x00]);
            frame.extend(ipv4_header(&addresses, tcp.len()));
        } else {
            frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
            frame.extend((tcp.len() as u16).to_be_bytes());
            frame.extend([6, 64]);
            frame.extend(addresses);
        }
        frame.extend(tcp);
        frame
    }
}

/// Both ends of a connection, and the sequence number that each sends next.
#[derive(Clone, Debug)]
pub struct Connection {
    ends: Ends,
    sequences: [u32; 2],
}

impl Connection {
    /// A connection of which nothing was sent yet; `sequences` are the initial ones.
    pub fn new(ends: Ends, sequences: [u32; 2]) -> Connection {
        Connection { ends, sequences }
    }

    /// The sequence number that an end sends next.
    pub fn sequence(&self, from: From) -> u32 {
        self.sequences[from as usize]
    }

    /// The next segment from one end. Acknowledges all that the other end has sent.
    pub fn segment(&mut self, from: From, flags: u8, payload: &[u8]) -> Vec<u8> {
        let (own, peer) = (from as usize, 1 - from as usize);
        let acknowledgment = if flags & ACK == 0 { 0 } else { self.sequences[peer] };
        let frame = self.ends.frame(from, self.sequences[own], acknowledgment, flags, payload);
        let phantom = u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        self.sequences[own] = self.sequences[own].wrapping_add(payload.len() as u32 + phantom);
        frame
    }

    /// The three segments that open it.
    pub fn handshake(&mut self) -> Vec<Vec<u8>> {
        let syn = self.segment(From::Client, SYN, b"");
        let answer = self.segment(From::Server, SYN | ACK, b"");
        vec![syn, answer, self.segment(From::Client, ACK, b"")]
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn ipv4_header(addresses: &[u8], payload_bytes: usize) -> [u8; 20] {
    let mut header = [0; 20];
    header[0] = 0x45;
    header[2..4].copy_from_slice(&(20 + payload_bytes as u16).to_be_bytes());
    header[6] = 0x40; // don't fragment
    header[8] = 64;
    header[9] = 6;
    header[12..20].copy_from_slice(addresses);
    let checksum = fold(sum(&header));
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
    header
}

/// The Internet checksum (RFC 1071), before it is folded. An odd last byte is the upper half of a word.
fn sum(bytes: &[u8]) -> u32 {
    let words = bytes.chunks(2);
    words.map(|word| (u32::from(word[0]) << 8) | u32::from(word.get(1).copied().unwrap_or(0))).sum()
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

    fn connection(client: &str, server: &str, vlans: &[u16]) -> Connection {
        let address = |text: &str| text.parse().expect("it is an address");
        Connection::new(Ends::new(address(client), address(server), vlans), [u32::MAX, 7])
    }

    #[test]
    fn sequences_advance() {
        let mut connection = connection("10.0.0.1:1025", "10.0.0.2:80", &[]);
        let syn = connection.segment(From::Client, SYN, b"");
        let data = connection.segment(From::Client, PSH | ACK, b"odd");
        assert_eq!(syn[38..42], u32::MAX.to_be_bytes());
        assert_eq!(data[38..42], 0u32.to_be_bytes(), "the SYN took one number");
        assert_eq!(connection.segment(From::Server, ACK, b"")[42..46], 3u32.to_be_bytes());
    }

    #[test]
    fn checksums_verify() {
        // RFC 1071 §1: a sum over data and its checksum is all ones.
        let data = connection("10.0.0.1:1025", "10.0.0.2:80", &[5, 6]).segment(From::Client, ACK, b"odd");
        assert_eq!(data[12..22], [0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 0x08, 0]);
        assert_eq!(fold(sum(&data[22..42])), 0);
        assert_eq!(fold(sum(&data[34..42]) + 6 + 23 + sum(&data[42..])), 0);
        let data = connection("[fd00::1]:1025", "[fd00::2]:80", &[]).segment(From::Client, ACK, b"odd");
        assert_eq!(fold(sum(&data[22..54]) + 6 + 23 + sum(&data[54..])), 0);
    }
}

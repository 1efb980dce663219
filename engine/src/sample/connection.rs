//! A TCP connection as frames, segment by segment. Sequence numbers follow from what was sent.

use std::net::SocketAddr;

use dataplane::decode::TcpFlags;
use dataplane::flow::Direction;

use super::frame::{self, Tcp};

/// Who speaks with whom, and in which VLANs. Both ends are of one IP version.
#[derive(Clone, Debug)]
pub struct Ends {
    /// Client, server.
    ends: [SocketAddr; 2],
    vlans: Vec<u16>,
}

impl Ends {
    /// Two ends; `vlans` from the outermost to the innermost.
    ///
    /// # Panics
    /// Where the ends are not of one IP version.
    pub fn new(client: SocketAddr, server: SocketAddr, vlans: &[u16]) -> Ends {
        assert_eq!(client.is_ipv4(), server.is_ipv4(), "both ends speak one IP version");
        Ends { ends: [client, server], vlans: vlans.to_vec() }
    }

    /// One segment as a frame.
    pub fn frame(&self, direction: Direction, tcp: Tcp, payload: &[u8]) -> Vec<u8> {
        let mut ends = self.ends;
        if direction == Direction::ToClient {
            ends.reverse();
        }
        frame::tcp(ends, &self.vlans, tcp, payload)
    }
}

/// Both ends of a connection, and the sequence number that each sends next.
#[derive(Clone, Debug)]
pub struct Connection {
    ends: Ends,
    next: [u32; 2],
}

impl Connection {
    /// A connection of which nothing was sent yet; `sequences` are the initial ones of client and server.
    pub fn new(ends: Ends, sequences: [u32; 2]) -> Connection {
        Connection { ends, next: sequences }
    }

    /// The sequence number of the next byte in a direction.
    pub fn sequence(&self, direction: Direction) -> u32 {
        self.next[direction as usize]
    }

    /// The next segment in a direction. Acknowledges all that the other end has sent.
    pub fn segment(&mut self, direction: Direction, flags: u8, payload: &[u8]) -> Vec<u8> {
        let acknowledgment = if flags & TcpFlags::ACK == 0 { 0 } else { self.sequence(direction.opposite()) };
        let tcp = Tcp { sequence: self.sequence(direction), acknowledgment, flags };
        let phantom = u32::from(flags & TcpFlags::SYN != 0) + u32::from(flags & TcpFlags::FIN != 0);
        let next = &mut self.next[direction as usize];
        *next = next.wrapping_add(payload.len() as u32 + phantom);
        self.ends.frame(direction, tcp, payload)
    }

    /// The three segments that open it (RFC 9293 §3.5).
    pub fn handshake(&mut self) -> Vec<Vec<u8>> {
        vec![
            self.segment(Direction::ToServer, TcpFlags::SYN, b""),
            self.segment(Direction::ToClient, TcpFlags::SYN | TcpFlags::ACK, b""),
            self.segment(Direction::ToServer, TcpFlags::ACK, b""),
        ]
    }
}

#[cfg(test)]
mod tests {
    use dataplane::decode::{Checksum, ChecksumMode, LinkType, Transport, decode};

    use super::*;

    fn connection(client: &str, server: &str, vlans: &[u16]) -> Connection {
        let address = |text: &str| text.parse().expect("it is an address");
        Connection::new(Ends::new(address(client), address(server), vlans), [u32::MAX, 7])
    }

    #[test]
    fn sequences_advance() {
        let mut connection = connection("10.0.0.1:1025", "10.0.0.2:80", &[]);
        let syn = connection.segment(Direction::ToServer, TcpFlags::SYN, b"");
        let data = connection.segment(Direction::ToServer, TcpFlags::PSH | TcpFlags::ACK, b"odd");
        assert_eq!(syn[38..42], u32::MAX.to_be_bytes());
        assert_eq!(data[38..42], 0u32.to_be_bytes(), "the SYN took one number");
        let answer = connection.segment(Direction::ToClient, TcpFlags::ACK, b"");
        assert_eq!(answer[42..46], 3u32.to_be_bytes());
        assert_eq!((&answer[..6], &answer[6..12]), (&data[6..12], &data[..6]));
    }

    #[test]
    fn frames_decode_as_what_they_are() {
        for (client, server, vlans) in [
            ("10.0.0.1:1025", "10.0.0.2:80", &[][..]),
            ("10.0.0.1:1025", "10.0.0.2:80", &[5, 6]),
            ("[fd00::1]:1025", "[fd00::2]:80", &[5]),
        ] {
            let frame = connection(client, server, vlans).segment(Direction::ToClient, TcpFlags::ACK, b"odd");
            let packet = decode(&frame, frame.len() as u32, LinkType::Ethernet, ChecksumMode::Verify);
            let packet = packet.expect("it is well-formed");
            assert_eq!(packet.checksum, Checksum::Valid);
            assert_eq!((&packet.vlans.ids()[..], packet.payload), (vlans, &b"odd"[..]));
            let Transport::Tcp(header) = packet.transport else { panic!("it is TCP") };
            assert_eq!((header.source, header.destination, header.sequence), (80, 1025, 7));
        }
    }
}

//! A TCP connection as frames. Sequence numbers follow from what was sent.

use std::net::IpAddr;

use dataplane::decode::TcpFlags;
use dataplane::flow::Direction;

use super::frame::{self, Tcp};

/// Both ends of a connection, and the frames that they exchanged so far.
#[derive(Debug)]
pub(super) struct Conversation {
    /// Client, server.
    ends: [IpAddr; 2],
    ports: [u16; 2],
    vlans: Vec<u16>,
    /// The next sequence number of each end.
    next: [u32; 2],
    frames: Vec<Vec<u8>>,
}

impl Conversation {
    pub(super) fn new(ends: [&str; 2], ports: [u16; 2], vlans: &[u16]) -> Conversation {
        let first = u32::from(ports[0]);
        Conversation {
            ends: frame::ends(ends),
            ports,
            vlans: vlans.to_vec(),
            // One end close to the wrap, so that it happens.
            next: [first * 1000, 0xffff_ffc0],
            frames: Vec::new(),
        }
    }

    /// The three-way handshake (RFC 9293 §3.5).
    pub(super) fn open(&mut self) {
        self.segment(Direction::ToServer, TcpFlags::SYN, b"");
        self.segment(Direction::ToClient, TcpFlags::SYN | TcpFlags::ACK, b"");
        self.acknowledge(Direction::ToServer);
    }

    pub(super) fn send(&mut self, direction: Direction, payload: &[u8]) {
        self.segment(direction, TcpFlags::PSH | TcpFlags::ACK, payload);
    }

    pub(super) fn acknowledge(&mut self, direction: Direction) {
        self.segment(direction, TcpFlags::ACK, b"");
    }

    /// The client closes, then the server (RFC 9293 §3.6).
    pub(super) fn close(&mut self) {
        self.segment(Direction::ToServer, TcpFlags::FIN | TcpFlags::ACK, b"");
        self.segment(Direction::ToClient, TcpFlags::FIN | TcpFlags::ACK, b"");
        self.acknowledge(Direction::ToServer);
    }

    /// Reverses the order of the last frames.
    pub(super) fn swap_last(&mut self, count: usize) {
        let from = self.frames.len().saturating_sub(count);
        self.frames[from..].reverse();
    }

    pub(super) fn into_frames(self) -> Vec<Vec<u8>> {
        self.frames
    }

    fn segment(&mut self, direction: Direction, flags: u8, payload: &[u8]) {
        let (sender, receiver) = (direction as usize, direction.opposite() as usize);
        let acknowledgment = if flags & TcpFlags::ACK == 0 { 0 } else { self.next[receiver] };
        let tcp = Tcp { sequence: self.next[sender], acknowledgment, flags };
        let (mut ends, mut ports) = (self.ends, self.ports);
        if direction == Direction::ToClient {
            ends.reverse();
            ports.reverse();
        }
        self.frames.push(frame::tcp(ends, ports, &self.vlans, tcp, payload));
        let takes_number = flags & (TcpFlags::SYN | TcpFlags::FIN) != 0;
        let length = payload.len() as u32 + u32::from(takes_number);
        self.next[sender] = self.next[sender].wrapping_add(length);
    }
}

//! A TCP connection as the list of its frames.

use std::net::SocketAddr;

use dataplane::decode::TcpFlags;
use dataplane::flow::Direction;

use super::connection::{Connection, Ends};

/// A connection, and the frames that its ends exchanged so far.
#[derive(Debug)]
pub(crate) struct Conversation {
    connection: Connection,
    frames: Vec<Vec<u8>>,
}

impl Conversation {
    pub(crate) fn new([client, server]: [SocketAddr; 2], vlans: &[u16]) -> Conversation {
        // One end close to the wrap, so that it happens.
        let sequences = [u32::from(client.port()) * 1000, 0xffff_ffc0];
        let connection = Connection::new(Ends::new(client, server, vlans), sequences);
        Conversation { connection, frames: Vec::new() }
    }

    pub(crate) fn open(&mut self) {
        self.frames.extend(self.connection.handshake());
    }

    pub(crate) fn send(&mut self, direction: Direction, payload: &[u8]) {
        self.segment(direction, TcpFlags::PSH | TcpFlags::ACK, payload);
    }

    pub(crate) fn acknowledge(&mut self, direction: Direction) {
        self.segment(direction, TcpFlags::ACK, b"");
    }

    /// The client closes, then the server (RFC 9293 §3.6).
    pub(crate) fn close(&mut self) {
        self.segment(Direction::ToServer, TcpFlags::FIN | TcpFlags::ACK, b"");
        self.segment(Direction::ToClient, TcpFlags::FIN | TcpFlags::ACK, b"");
        self.acknowledge(Direction::ToServer);
    }

    /// Reverses the order of the last frames.
    pub(crate) fn swap_last(&mut self, count: usize) {
        let from = self.frames.len().saturating_sub(count);
        self.frames[from..].reverse();
    }

    pub(crate) fn into_frames(self) -> Vec<Vec<u8>> {
        self.frames
    }

    fn segment(&mut self, direction: Direction, flags: u8, payload: &[u8]) {
        self.frames.push(self.connection.segment(direction, flags, payload));
    }
}

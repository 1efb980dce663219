//! [`Dialogue`]: what two ends said to each other and in which order, apart from the packets that carried it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;

use dataplane::decode::protocol;
use dataplane::flow::Direction;

/// One connection of TCP, or one flow of UDP.
#[derive(Clone, Debug)]
pub struct Dialogue {
    /// Upper-layer protocol number: TCP or UDP.
    pub protocol: u8,
    /// Client, server: of one IP version.
    pub ends: [SocketAddr; 2],
    /// In order. Of UDP, each is a datagram; of TCP, the ends take turns.
    pub turns: Vec<Turn>,
}

/// What one end says before the other one does.
#[derive(Clone, Debug, Hash)]
pub struct Turn {
    /// Which way it goes.
    pub direction: Direction,
    /// What is said.
    pub bytes: Vec<u8>,
    /// Lengths of the segments that carried it first, in bytes: their sum is that of `bytes`.
    pub segments: Vec<usize>,
}

impl Dialogue {
    /// One in which nothing was said.
    pub fn new(protocol: u8, ends: [SocketAddr; 2]) -> Dialogue {
        Dialogue { protocol, ends, turns: Vec::new() }
    }

    /// Whether it is a connection.
    pub fn is_tcp(&self) -> bool {
        self.protocol == protocol::TCP
    }

    /// One end says more.
    pub fn say(&mut self, direction: Direction, bytes: &[u8]) {
        let is_tcp = self.is_tcp();
        if bytes.is_empty() && is_tcp {
            return;
        }
        match self.turns.last_mut().filter(|turn| is_tcp && turn.direction == direction) {
            Some(turn) => {
                turn.bytes.extend_from_slice(bytes);
                turn.segments.push(bytes.len());
            }
            None => {
                self.turns.push(Turn { direction, bytes: bytes.to_vec(), segments: vec![bytes.len()] });
            }
        }
    }

    /// Ends it after so many bytes; a datagram is not cut.
    pub fn truncate(&mut self, bytes_max: usize) {
        let mut left = bytes_max;
        let is_tcp = self.is_tcp();
        for turn in &mut self.turns {
            if is_tcp && turn.bytes.len() > left {
                turn.truncate(left);
            }
            left = left.saturating_sub(turn.bytes.len().max(1));
        }
        let mut said = 0;
        self.turns.retain(|turn| {
            let is_kept = said < bytes_max && !(is_tcp && turn.bytes.is_empty());
            said += turn.bytes.len().max(1);
            is_kept
        });
    }

    /// By direction, bytes that were said, or datagrams.
    pub fn said(&self) -> [usize; 2] {
        let mut said = [0; 2];
        for turn in &self.turns {
            said[turn.direction as usize] += if self.is_tcp() { turn.bytes.len() } else { 1 };
        }
        said
    }

    /// Bytes that were said, both ways.
    pub fn bytes(&self) -> usize {
        self.turns.iter().map(|turn| turn.bytes.len()).sum()
    }

    /// A number that two dialogues share where the same was said, whoever the ends are.
    pub fn digest(&self) -> u64 {
        let mut digest = DefaultHasher::new();
        (self.protocol, &self.turns).hash(&mut digest);
        digest.finish()
    }
}

impl Turn {
    fn truncate(&mut self, bytes_max: usize) {
        self.bytes.truncate(bytes_max);
        let mut left = bytes_max;
        for segment in &mut self.segments {
            *segment = left.min(*segment);
            left -= *segment;
        }
        self.segments.retain(|segment| *segment > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialogue(of_protocol: u8) -> Dialogue {
        let ends = ["10.0.0.1:1025", "10.0.0.2:80"].map(|end| end.parse().expect("an address"));
        let mut dialogue = Dialogue::new(of_protocol, ends);
        for (direction, text) in [(Direction::ToServer, "ab"), (Direction::ToServer, "cde")] {
            dialogue.say(direction, text.as_bytes());
        }
        dialogue.say(Direction::ToClient, b"f");
        dialogue
    }

    #[test]
    fn segments_of_one_turn_stand_together_and_datagrams_alone() {
        let segments = |dialogue: &Dialogue| -> Vec<Vec<usize>> {
            dialogue.turns.iter().map(|turn| turn.segments.clone()).collect()
        };
        let mut tcp = dialogue(protocol::TCP);
        assert_eq!(segments(&tcp), [vec![2, 3], vec![1]]);
        tcp.truncate(3);
        assert_eq!((segments(&tcp), tcp.bytes()), (vec![vec![2, 1]], 3));
        let mut udp = dialogue(protocol::UDP);
        assert_eq!(segments(&udp), [[2], [3], [1]]);
        udp.truncate(3);
        assert_eq!(segments(&udp), [[2], [3]]);
        assert_ne!(tcp.digest(), udp.digest());
    }
}

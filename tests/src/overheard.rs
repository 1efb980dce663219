//! [`Overheard`]: the dialogues of a capture, put together by a plain reader: of data that came twice the first copy counts,
//! and what nobody captured is left out.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use dataplane::decode::{ChecksumMode, LinkType, Packet, TcpFlags, TcpHeader, Transport, decode, protocol};
use dataplane::flow::Direction;

use crate::capture::Frame;
use crate::dialogue::Dialogue;

/// How far from what came last a segment may stand, in bytes; what is farther is of another connection.
const REACH_BYTES: i64 = 1 << 20;

/// What was heard so far.
#[derive(Debug, Default)]
pub struct Overheard {
    /// In the order in which they began.
    all: Vec<Exchange>,
    /// By protocol and ends, in order: where the newest one stands.
    newest: HashMap<(u8, [SocketAddr; 2]), usize>,
}

#[derive(Debug)]
struct Exchange {
    dialogue: Dialogue,
    streams: [Stream; 2],
}

/// One direction of a connection.
#[derive(Debug, Default)]
struct Stream {
    /// Sequence number of the first byte.
    origin: Option<u32>,
    read_bytes: i64,
    /// By place in the stream.
    waiting: BTreeMap<i64, Vec<u8>>,
}

impl Overheard {
    /// The dialogues in which something was said.
    pub fn of(frames: &[Frame]) -> Vec<Dialogue> {
        let mut heard = Overheard::default();
        for frame in frames {
            let Some(link) = link_type(frame.link_type) else { continue };
            if let Ok(packet) = decode(&frame.bytes, frame.wire_bytes, link, ChecksumMode::Ignore) {
                heard.listen(&packet);
            }
        }
        let dialogues = heard.all.into_iter().map(Exchange::into_dialogue);
        dialogues.filter(|dialogue| !dialogue.turns.is_empty()).collect()
    }

    fn listen(&mut self, packet: &Packet<'_>) {
        let Some(network) = packet.network else { return };
        let (ports, tcp) = match packet.transport {
            Transport::Tcp(header) => ((header.source, header.destination), Some(header)),
            Transport::Udp { source, destination } => ((source, destination), None),
            _ => return,
        };
        let sender = SocketAddr::new(network.source, ports.0);
        let receiver = SocketAddr::new(network.destination, ports.1);
        if sender == receiver {
            return;
        }
        let exchange = self.exchange(sender, receiver, tcp.as_ref());
        let is_client = exchange.dialogue.ends[0] == sender;
        let direction = if is_client { Direction::ToServer } else { Direction::ToClient };
        match tcp {
            Some(header) => exchange.segment(direction, &header, packet.payload),
            None if packet.missing_bytes == 0 => exchange.dialogue.say(direction, packet.payload),
            None => {}
        }
    }

    /// The newest one between two ends, or a new one.
    fn exchange(
        &mut self,
        sender: SocketAddr,
        receiver: SocketAddr,
        tcp: Option<&TcpHeader>,
    ) -> &mut Exchange {
        let of_protocol = if tcp.is_some() { protocol::TCP } else { protocol::UDP };
        let key = (of_protocol, [sender.min(receiver), sender.max(receiver)]);
        let newest = self.newest.get(&key).copied();
        let newest = newest.filter(|at| !tcp.is_some_and(|header| self.all[*at].ends_with(sender, header)));
        let at = newest.unwrap_or_else(|| {
            let answers = tcp.is_some_and(|header| header.flags.has(TcpFlags::SYN | TcpFlags::ACK));
            let ends = if answers { [receiver, sender] } else { [sender, receiver] };
            let dialogue = Dialogue::new(of_protocol, ends);
            self.all.push(Exchange { dialogue, streams: Default::default() });
            self.all.len() - 1
        });
        self.newest.insert(key, at);
        &mut self.all[at]
    }
}

impl Exchange {
    /// Whether a segment opens another connection in its place.
    fn ends_with(&self, sender: SocketAddr, header: &TcpHeader) -> bool {
        let is_opener = header.flags.has(TcpFlags::SYN) && !header.flags.has(TcpFlags::ACK);
        let stream = &self.streams[usize::from(self.dialogue.ends[0] != sender)];
        is_opener && stream.origin.is_some_and(|origin| origin != header.sequence.wrapping_add(1))
    }

    fn segment(&mut self, direction: Direction, header: &TcpHeader, payload: &[u8]) {
        let syn = u32::from(header.flags.has(TcpFlags::SYN));
        let stream = &mut self.streams[direction as usize];
        let start = header.sequence.wrapping_add(syn);
        let origin = *stream.origin.get_or_insert(start);
        let place = i64::from(start.wrapping_sub(origin).cast_signed());
        if !payload.is_empty() && (place - stream.read_bytes).abs() <= REACH_BYTES {
            stream.waiting.entry(place).or_insert_with(|| payload.to_vec());
            self.read(direction);
        }
        if header.flags.has(TcpFlags::ACK) {
            self.acknowledge(direction.opposite(), header.acknowledgment);
        }
    }

    /// The receiver has more than was captured.
    fn acknowledge(&mut self, direction: Direction, acknowledgment: u32) {
        let stream = &mut self.streams[direction as usize];
        let (Some(origin), Some((&first, _))) = (stream.origin, stream.waiting.first_key_value()) else {
            return;
        };
        let place = i64::from(acknowledgment.wrapping_sub(origin).cast_signed());
        if place > first {
            stream.read_bytes = stream.read_bytes.max(first);
            self.read(direction);
        }
    }

    /// Takes what is contiguous.
    fn read(&mut self, direction: Direction) {
        let stream = &mut self.streams[direction as usize];
        while let Some(entry) = stream.waiting.first_entry().filter(|entry| *entry.key() <= stream.read_bytes)
        {
            let (place, bytes) = entry.remove_entry();
            let known = (stream.read_bytes - place) as usize;
            let fresh = bytes.get(known..).unwrap_or_default();
            stream.read_bytes += fresh.len() as i64;
            self.dialogue.say(direction, fresh);
        }
    }

    fn into_dialogue(mut self) -> Dialogue {
        for direction in Direction::BOTH {
            while let Some((&first, _)) = self.streams[direction as usize].waiting.first_key_value() {
                self.streams[direction as usize].read_bytes = first;
                self.read(direction);
            }
        }
        self.dialogue
    }
}

/// The decoder's name for a LINKTYPE number.
fn link_type(number: u16) -> Option<LinkType> {
    Some(match number {
        0 | 108 => LinkType::Null,
        1 => LinkType::Ethernet,
        12 | 14 | 101 | 228 | 229 => LinkType::RawIp,
        9 | 50 => LinkType::Ppp,
        104 => LinkType::CiscoHdlc,
        113 => LinkType::LinuxSll,
        276 => LinkType::LinuxSll2,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use engine::sample;

    use super::*;

    fn frame(bytes: Vec<u8>) -> Frame {
        Frame { link_type: 1, wire_bytes: bytes.len() as u32, bytes }
    }

    fn said(dialogue: &Dialogue) -> Vec<(Direction, String)> {
        let turn = |turn: &crate::dialogue::Turn| {
            (turn.direction, String::from_utf8_lossy(&turn.bytes).into_owned())
        };
        dialogue.turns.iter().map(turn).collect()
    }

    #[test]
    fn dialogues_are_heard_in_order() {
        let frames: Vec<Frame> = sample::frames().into_iter().map(frame).collect();
        let heard = Overheard::of(&frames);
        assert_eq!(heard.len(), 5, "four connections and a query");
        let leak = said(&heard[2]);
        assert!(leak[1].1.contains("4111 1111 1111 1111"), "pieces in the wrong order: {leak:?}");
        assert_eq!(leak.iter().map(|turn| turn.0 as usize).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(heard[4].turns.len(), 2);
        let twice: Vec<Frame> = frames.iter().flat_map(|frame| [frame.clone(), frame.clone()]).collect();
        assert_eq!(said(&Overheard::of(&twice)[2]), leak, "what comes twice is heard once");
    }

    #[test]
    fn what_was_not_captured_is_left_out() {
        let mut frames: Vec<Frame> = sample::frames().into_iter().map(frame).collect();
        let pieces: Vec<usize> = (0..frames.len())
            .filter(|at| frames[*at].bytes.windows(7).any(|text| text == b"111\r\nB." || text == b"A. Hold"))
            .collect();
        frames.remove(pieces[0]);
        let leak = said(&Overheard::of(&frames)[2]);
        assert!(leak[1].1.ends_with("name,card\r\n11 1111 1111\r\nB. Holder,-\r\n"), "{leak:?}");
    }
}

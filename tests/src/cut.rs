//! [`Cut`]: a way of bringing a dialogue onto the wire. Whichever it is, the receivers read the same: the first copy of each
//! byte is the true one, and comes before its receiver acknowledges it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::ops::Range;

use dataplane::decode::TcpFlags;
use dataplane::flow::Direction;
use engine::sample::frame::{self, Tcp};
use engine::sample::{Connection, Ends};

use crate::dialogue::{Dialogue, Turn};
use crate::fragment;
use crate::random::Random;
use crate::wrapping::Wrapping;

/// Payload bytes of the longest segment: with headers of all tunnels, no packet is too long.
const SEGMENT_BYTES_MAX: usize = 16 << 10;

/// Segments behind which their receiver acknowledges all, where they come one after another.
const ACKNOWLEDGED_EVERY: usize = 16;

/// Data that rides on a SYN, in bytes: what fits into a packet of the usual length.
const SYN_BYTES_MAX: u64 = 1420;

/// Bytes of the transport headers, which stand in the first piece of a datagram.
const HEADER_BYTES: [usize; 2] = [20, 8];

/// How it is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// As it was captured.
    AsIs,
    /// In segments of one byte.
    Bytes,
    /// In segments of any length.
    Random,
    /// In those, out of order within a window.
    Reordered,
    /// In those, some of them twice, before or after they are acknowledged.
    Duplicated,
    /// In those, with other bytes in the place of some that were sent before and are not acknowledged.
    Overlapped,
    /// As it was captured, but that the first bytes of the client ride on its SYN (RFC 7413); the server takes them, or ignores
    /// them and gets them again.
    FastOpen,
    /// As it was captured, all of it marked as urgent, whose mark receivers may not see (RFC 6093 §4).
    Urgent,
    /// As it was captured, each packet in pieces that come in any order.
    Fragmented,
    /// The same between addresses of IPv6.
    FragmentedV6,
    /// As it was captured, in a tunnel.
    Vxlan,
    /// As it was captured, behind two tags.
    QinQ,
    /// Window by window one of these ways, some packets in pieces, and all of it in a tunnel.
    Mixed,
}

/// A segment or a datagram on its way.
#[derive(Debug)]
pub struct Sent<'d> {
    /// Which turn of the dialogue it is part of; how many there are, once all is said.
    pub turn: usize,
    /// Which way it goes.
    pub direction: Direction,
    /// Where in its stream it begins, in bytes; 0 for a datagram.
    pub start: usize,
    /// What a receiver is to read there.
    pub payload: &'d [u8],
    /// Whether it says something else in a part of it.
    pub is_altered: bool,
    /// The frames that carry it: several where it is in pieces.
    pub frames: Vec<Vec<u8>>,
}

impl Cut {
    /// Each of them, the finest first.
    pub const ALL: [Cut; 13] = [
        Cut::Bytes,
        Cut::AsIs,
        Cut::Random,
        Cut::Reordered,
        Cut::Duplicated,
        Cut::Overlapped,
        Cut::FastOpen,
        Cut::Urgent,
        Cut::Fragmented,
        Cut::FragmentedV6,
        Cut::Vxlan,
        Cut::QinQ,
        Cut::Mixed,
    ];

    /// Whether it is another way to send this dialogue: datagrams are not cut into segments.
    pub fn applies(self, dialogue: &Dialogue) -> bool {
        let is_of_packets = matches!(
            self,
            Cut::AsIs | Cut::Fragmented | Cut::FragmentedV6 | Cut::Vxlan | Cut::QinQ | Cut::Mixed
        );
        dialogue.is_tcp() || is_of_packets
    }

    /// Sends a dialogue: for TCP from the first SYN to the last FIN.
    pub fn deliver<'d>(self, dialogue: &'d Dialogue, seed: u64, to: impl FnMut(Sent<'d>)) {
        let mut random = Random(seed);
        // One of them often close to the wrap.
        let near = random.pick(&[u32::MAX, 3000]).wrapping_sub(random.below(3000) as u32);
        let sequences = [near, random.number() as u32];
        let is_v6 = match self {
            Cut::FragmentedV6 => true,
            Cut::Mixed => random.one_in(2),
            _ => false,
        };
        let ends = if is_v6 { dialogue.ends.map(in_v6) } else { dialogue.ends };
        let mut sender =
            Sender { cut: self, dialogue, ends, random, sequences, said: [0; 2], packets: 0, to };
        if dialogue.is_tcp() { sender.connection() } else { sender.datagrams() }
    }

    fn wrapping(self) -> Option<Wrapping> {
        match self {
            Cut::Vxlan | Cut::Mixed => Some(Wrapping::Vxlan),
            Cut::QinQ => Some(Wrapping::QinQ),
            _ => None,
        }
    }
}

/// A segment to be sent: a part of a turn, and the part of that which says something else.
type Part = (Range<usize>, Range<usize>);

struct Sender<'d, F> {
    cut: Cut,
    dialogue: &'d Dialogue,
    ends: [SocketAddr; 2],
    random: Random,
    /// Initial sequence numbers of client and server.
    sequences: [u32; 2],
    /// Bytes of each direction before the turn at hand.
    said: [usize; 2],
    packets: u16,
    to: F,
}

impl<'d, F: FnMut(Sent<'d>)> Sender<'d, F> {
    fn datagrams(&mut self) {
        for (place, turn) in self.dialogue.turns.iter().enumerate() {
            let mut ends = self.ends;
            if turn.direction == Direction::ToClient {
                ends.reverse();
            }
            let frame = frame::udp(ends, &[], &turn.bytes);
            let frames = self.packet(&frame, turn.bytes.len());
            (self.to)(Sent {
                turn: place,
                direction: turn.direction,
                start: 0,
                payload: &turn.bytes,
                is_altered: false,
                frames,
            });
        }
    }

    fn connection(&mut self) {
        let [client, server] = self.ends;
        let ends = Ends::new(client, server, &[]);
        let taken = self.open(&ends);
        for (place, turn) in self.dialogue.turns.iter().enumerate() {
            let from = if place == 0 { taken } else { 0 };
            let mut parts = segments(self.cut, turn, from, &mut self.random).into_iter().peekable();
            let mut window = Vec::new();
            while parts.peek().is_some() {
                let end = self.window(&mut parts, &mut window);
                for (part, others) in window.drain(..) {
                    self.segment(&ends, place, turn, (part, others));
                }
                self.acknowledge(&ends, place, turn.direction.opposite(), end);
                if self.cut == Cut::Duplicated && self.random.one_in(4) {
                    let start = end.saturating_sub(1 + self.random.below(40) as usize);
                    self.segment(&ends, place, turn, (start..end, 0..0));
                }
            }
            self.said[turn.direction as usize] += turn.bytes.len();
        }
        let all = self.dialogue.turns.len();
        self.bare(&ends, all, Direction::ToServer, TcpFlags::FIN | TcpFlags::ACK, [0, 0]);
        self.bare(&ends, all, Direction::ToClient, TcpFlags::FIN | TcpFlags::ACK, [0, 1]);
        self.bare(&ends, all, Direction::ToServer, TcpFlags::ACK, [1, 1]);
    }

    /// The handshake. Returns how many bytes of the first turn the server has taken with it.
    fn open(&mut self, ends: &Ends) -> usize {
        let dialogue = self.dialogue;
        let early = dialogue
            .turns
            .first()
            .filter(|turn| self.cut == Cut::FastOpen && turn.direction == Direction::ToServer);
        let Some(turn) = early else {
            for (place, frame) in Connection::new(ends.clone(), self.sequences).handshake().iter().enumerate()
            {
                let direction = if place == 1 { Direction::ToClient } else { Direction::ToServer };
                self.send(0, direction, frame);
            }
            return 0;
        };
        let bytes = (1 + self.random.below(SYN_BYTES_MAX) as usize).min(turn.bytes.len());
        let taken = self.random.pick(&[0, bytes]);
        let [client, server] = self.sequences;
        let syn = Tcp { sequence: client, acknowledgment: 0, flags: TcpFlags::SYN };
        let frames = vec![ends.frame(Direction::ToServer, syn, &turn.bytes[..bytes])];
        let payload = &turn.bytes[..bytes];
        let direction = Direction::ToServer;
        (self.to)(Sent { turn: 0, direction, start: 0, payload, is_altered: false, frames });
        let acknowledgment = client.wrapping_add(1 + taken as u32);
        let answer = Tcp { sequence: server, acknowledgment, flags: TcpFlags::SYN | TcpFlags::ACK };
        self.send(0, Direction::ToClient, &ends.frame(Direction::ToClient, answer, &[]));
        let end =
            Tcp { sequence: acknowledgment, acknowledgment: server.wrapping_add(1), flags: TcpFlags::ACK };
        self.send(0, Direction::ToServer, &ends.frame(Direction::ToServer, end, &[]));
        taken
    }

    /// The next segments in the order in which they are sent, and where in the turn they end.
    fn window(&mut self, parts: &mut impl Iterator<Item = Range<usize>>, window: &mut Vec<Part>) -> usize {
        const WAYS: [Cut; 3] = [Cut::Reordered, Cut::Duplicated, Cut::Overlapped];
        let way = if self.cut == Cut::Mixed { self.random.pick(&WAYS) } else { self.cut };
        let segments = match way {
            Cut::Reordered | Cut::Duplicated => 2 + self.random.below(7) as usize,
            Cut::Overlapped => 2,
            _ => ACKNOWLEDGED_EVERY,
        };
        window.extend(parts.take(segments).map(|part| (part, 0..0)));
        let end = window.last().map_or(0, |(part, _)| part.end);
        match way {
            Cut::Reordered => self.random.shuffle(window),
            Cut::Duplicated => {
                let repeated = self.random.pick(&[0, window.len() / 2]);
                window.insert(repeated, window[repeated].clone());
                window.push(window[0].clone());
            }
            Cut::Overlapped => self.overlap(window),
            _ => {}
        }
        end
    }

    /// Two segments, or one, and others in their place.
    fn overlap(&mut self, window: &mut Vec<Part>) {
        let (first, _) = window[0].clone();
        let Some((second, _)) = window.get(1).cloned() else {
            window.push((first.clone(), first));
            return;
        };
        let back = 1 + self.random.below(first.len() as u64) as usize;
        let both = first.start..second.end;
        let plain = |part: &Range<usize>| (part.clone(), 0..0);
        let altered = |part: &Range<usize>| (part.clone(), part.clone());
        *window = match self.random.below(5) {
            0 => vec![plain(&first), altered(&first), plain(&second)],
            1 => vec![plain(&first), (first.end - back..second.end, first.end - back..first.end)],
            2 => vec![plain(&second), altered(&second), plain(&first)],
            3 => vec![plain(&second), (both, second)],
            _ => vec![plain(&first), (both, first)],
        };
    }

    fn segment(&mut self, ends: &Ends, place: usize, turn: &'d Turn, (part, others): Part) {
        let mut payload = turn.bytes[part.clone()].to_vec();
        for byte in &mut payload[others.start.saturating_sub(part.start)..][..others.len()] {
            *byte ^= 0x15;
        }
        let start = self.said[turn.direction as usize] + part.start;
        let urgent = if self.cut == Cut::Urgent { TcpFlags::URG } else { 0 };
        let tcp = self.tcp(turn.direction, TcpFlags::PSH | TcpFlags::ACK | urgent, start, 0);
        let frame = ends.frame(turn.direction, tcp, &payload);
        let frames = self.packet(&frame, payload.len());
        (self.to)(Sent {
            turn: place,
            direction: turn.direction,
            start,
            payload: &turn.bytes[part],
            is_altered: !others.is_empty(),
            frames,
        });
    }

    /// `direction` acknowledges so many bytes of the turn at hand.
    fn acknowledge(&mut self, ends: &Ends, place: usize, direction: Direction, bytes: usize) {
        let tcp = self.tcp(direction, TcpFlags::ACK, self.said[direction as usize], bytes);
        let frame = ends.frame(direction, tcp, &[]);
        self.send(place, direction, &frame);
    }

    /// A segment without data; `phantoms` are the FINs that its sender and its receiver have sent before.
    fn bare(&mut self, ends: &Ends, place: usize, direction: Direction, flags: u8, phantoms: [usize; 2]) {
        let start = self.said[direction as usize] + phantoms[0];
        let tcp = self.tcp(direction, flags, start, phantoms[1]);
        let frame = ends.frame(direction, tcp, &[]);
        self.send(place, direction, &frame);
    }

    /// The header of a segment whose data begins at `start` of its stream, and that acknowledges `more` bytes than were said
    /// before this turn.
    fn tcp(&self, direction: Direction, flags: u8, start: usize, more: usize) -> Tcp {
        let opposite = direction.opposite() as usize;
        let number = |end: usize, place: usize| self.sequences[end].wrapping_add(1 + place as u32);
        let sequence = number(direction as usize, start);
        Tcp { sequence, acknowledgment: number(opposite, self.said[opposite] + more), flags }
    }

    fn send(&mut self, turn: usize, direction: Direction, frame: &[u8]) {
        let frames = self.packet(frame, 0);
        let start = self.said[direction as usize];
        (self.to)(Sent { turn, direction, start, payload: &[], is_altered: false, frames });
    }

    /// The frames of a packet with so many bytes of payload.
    fn packet(&mut self, frame: &[u8], payload_bytes: usize) -> Vec<Vec<u8>> {
        let is_cut = match self.cut {
            Cut::Fragmented | Cut::FragmentedV6 => true,
            Cut::Mixed => self.random.one_in(3),
            _ => false,
        };
        let mut frames = if is_cut { self.pieces(frame, payload_bytes) } else { vec![frame.to_vec()] };
        if let Some(wrapping) = self.cut.wrapping() {
            for frame in &mut frames {
                *frame = wrapping.wrap(frame).expect("it is an untagged frame of IP, and short enough");
            }
        }
        frames
    }

    fn pieces(&mut self, frame: &[u8], payload_bytes: usize) -> Vec<Vec<u8>> {
        self.packets = self.packets.wrapping_add(1);
        let bytes = HEADER_BYTES[usize::from(!self.dialogue.is_tcp())] + payload_bytes;
        let longest = (bytes / 8).clamp(1, 180) as u64;
        let mut at = vec![HEADER_BYTES[usize::from(!self.dialogue.is_tcp())].next_multiple_of(8)];
        // More than half of the pieces that one datagram may have.
        while at.len() < 100 && at[at.len() - 1] < bytes {
            let shortest = (bytes - at[at.len() - 1]).div_ceil(8 * (100 - at.len())) as u64;
            let words = shortest.max(1 + self.random.below(longest));
            at.push(at[at.len() - 1] + 8 * words as usize);
        }
        let mut pieces = fragment::cut(frame, self.packets, &at);
        self.random.shuffle(&mut pieces);
        pieces
    }
}

/// The segments that a turn is cut into, from a byte on.
fn segments(cut: Cut, turn: &Turn, from: usize, random: &mut Random) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut captured = turn.segments.iter();
    let mut start = from;
    let mut left = 0;
    while start < turn.bytes.len() {
        let bytes = match cut {
            Cut::AsIs
            | Cut::FastOpen
            | Cut::Urgent
            | Cut::Fragmented
            | Cut::FragmentedV6
            | Cut::Vxlan
            | Cut::QinQ => {
                if left == 0 {
                    left = *captured.next().expect("segments cover the turn");
                }
                left.min(SEGMENT_BYTES_MAX)
            }
            Cut::Bytes => 1,
            Cut::Random | Cut::Reordered | Cut::Duplicated | Cut::Overlapped | Cut::Mixed => {
                let longest = random.pick(&[4, 40, 1400]);
                1 + random.below(longest) as usize
            }
        };
        let end = turn.bytes.len().min(start + bytes);
        left = left.saturating_sub(bytes);
        parts.push(start..end);
        start = end;
    }
    parts
}

/// An end with an address of the documentation (RFC 3849) in the place of one of IPv4.
fn in_v6(end: SocketAddr) -> SocketAddr {
    let IpAddr::V4(address) = end.ip() else { return end };
    let address = Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(address.to_bits()));
    SocketAddr::new(address.into(), end.port())
}

//! [`Pieces`]: fragments as a plain reader counts them, to tell those who count a whole datagram from those who count its
//! first fragment.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::flow_event::End;

/// A fragment.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// Sender and receiver.
    pub addresses: (IpAddr, IpAddr),
    /// Upper-layer protocol number.
    pub protocol: u8,
    /// Identification of the datagram.
    pub id: u32,
    /// Where in the datagram it begins, and how long it is, in bytes.
    pub span: (usize, usize),
    /// Whether it is the last one.
    pub is_last: bool,
    /// Ports, in a first fragment that has some.
    pub ports: Option<(u16, u16)>,
    /// How long its frame was on the wire, in bytes.
    pub wire_bytes: u64,
}

/// Protocol, sender, receiver.
type Directed = (u8, End, End);

/// What was seen of one datagram.
#[derive(Clone, Debug, Default)]
struct Datagram {
    ports: (u16, u16),
    first: [u64; 2],
    later: [u64; 2],
    /// By offset, the end of each piece.
    spans: BTreeMap<usize, usize>,
    bytes: Option<usize>,
}

/// Datagrams in pieces.
#[derive(Clone, Debug, Default)]
pub struct Pieces {
    open: BTreeMap<(IpAddr, IpAddr, u8, u32), Datagram>,
    /// Frames and bytes of what follows the first fragments of whole datagrams.
    later: BTreeMap<Directed, [u64; 2]>,
}

impl Pieces {
    /// Takes a fragment.
    pub fn take(&mut self, piece: &Piece) {
        let (source, destination) = piece.addresses;
        let key = (source, destination, piece.protocol, piece.id);
        let datagram = self.open.entry(key).or_default();
        let counts = if piece.span.0 == 0 { &mut datagram.first } else { &mut datagram.later };
        counts[0] += 1;
        counts[1] += piece.wire_bytes;
        datagram.ports = piece.ports.unwrap_or(datagram.ports);
        datagram.spans.insert(piece.span.0, piece.span.0 + piece.span.1);
        if piece.is_last {
            datagram.bytes = Some(piece.span.0 + piece.span.1);
        }
        if datagram.is_whole() {
            let Some(whole) = self.open.remove(&key) else { return };
            let (from, to) = whole.ports;
            let directed = (piece.protocol, (source, from), (destination, to));
            add(self.later.entry(directed).or_default(), whole.later);
        }
    }

    /// How many frames, and bytes on the wire, whoever counts all pieces of whole datagrams has more from one end to the other
    /// than whoever counts first fragments alone; it may be fewer.
    pub fn surplus(&self, protocol: u8, from: End, to: End) -> [i64; 2] {
        let later = self.later.get(&(protocol, from, to)).copied().unwrap_or_default();
        let unfinished = self.open.iter().filter(|((source, destination, of_protocol, _), datagram)| {
            let ends = ((*source, datagram.ports.0), (*destination, datagram.ports.1));
            *of_protocol == protocol && ends == (from, to)
        });
        let mut first = [0; 2];
        unfinished.for_each(|(_, datagram)| add(&mut first, datagram.first));
        [0, 1].map(|count| later[count].cast_signed() - first[count].cast_signed())
    }
}

impl Datagram {
    fn is_whole(&self) -> bool {
        let Some(bytes) = self.bytes else { return false };
        let reached = self.spans.iter().fold(
            0,
            |reached, (start, end)| {
                if *start <= reached { reached.max(*end) } else { reached }
            },
        );
        reached >= bytes
    }
}

fn add(sum: &mut [u64; 2], counts: [u64; 2]) {
    sum[0] += counts[0];
    sum[1] += counts[1];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_datagrams_have_more_and_others_less() {
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        let addresses = (address("10.0.0.1"), address("10.0.0.2"));
        let piece = |id: u32, start: usize, is_last: bool| Piece {
            addresses,
            protocol: 17,
            id,
            span: (start, 8),
            is_last,
            ports: (start == 0).then_some((1, 2)),
            wire_bytes: 100 + start as u64,
        };
        let (from, to) = ((addresses.0, 1), (addresses.1, 2));
        let mut pieces = Pieces::default();
        pieces.take(&piece(7, 16, true));
        pieces.take(&piece(7, 0, false));
        assert_eq!(pieces.surplus(17, from, to), [-1, -100]);
        pieces.take(&piece(7, 8, false));
        assert_eq!(pieces.surplus(17, from, to), [2, 224]);
        pieces.take(&piece(8, 0, false));
        assert_eq!(pieces.surplus(17, from, to), [1, 124]);
        assert_eq!(pieces.surplus(17, to, from), [0, 0]);
    }
}

//! What a capture holds, told by a decoder that knows nothing but offsets. It decides which expectations
//! of others are in scope, so it must not share a line, or a mistake, with the decoder under test.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::capture::Frame;
use crate::flow_event::End;
use crate::pieces::{Piece, Pieces};

/// Something in a capture, or in the frames between two addresses, that Weir reads in another way than the
/// suites do, on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trait {
    /// Frames of a link type that Weir does not read.
    LinkType,
    /// Fragments. Weir counts each in the flow of the datagram, and where there is no whole one in none; others count the
    /// datagram once, or skip all but its first fragment.
    Fragments,
    /// Packets inside of packets where others read the outer ones alone, or Weir does.
    Tunnel,
    /// Packets inside of packets where all read the inner ones; some count the outer ones too.
    Encapsulated,
    /// More VLAN tags than Weir reads.
    DeepTags,
    /// Frames that the capture cut short. nDPI skips them; Weir counts them.
    Snapped,
    /// Lengths that contradict each other. Weir refuses the frame; nDPI counts some of these.
    Malformed,
    /// A flow of TCP whose first frame is the server's, as its begin or its first data show.
    AnswersFirst,
}

impl Trait {
    /// As in the table of reasons.
    pub fn as_str(self) -> &'static str {
        match self {
            Trait::LinkType => "link type that Weir does not read",
            Trait::Fragments => "IP fragments between the two addresses",
            Trait::Tunnel => "flow inside of a tunnel",
            Trait::Encapsulated => "flows around others, which Weir does not count",
            Trait::DeepTags => "more than three VLAN tags",
            Trait::Snapped => "frames cut by the capture",
            Trait::Malformed => "frames with contradicting lengths",
            Trait::AnswersFirst => "first frame is the server's",
        }
    }
}

/// Two addresses in order, whoever speaks.
pub type Pair = (IpAddr, IpAddr);

/// Puts two addresses in order.
pub fn pair(a: IpAddr, b: IpAddr) -> Pair {
    (a.min(b), a.max(b))
}

fn sorted(a: End, b: End) -> [End; 2] {
    [a.min(b), a.max(b)]
}

/// What one capture holds.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// What holds of the capture as a whole.
    pub whole: BTreeSet<Trait>,
    /// What holds of the frames between two addresses. Every pair that an outer IP header names is a key.
    pub pairs: BTreeMap<Pair, BTreeSet<Trait>>,
    /// Addresses and ports of TCP flows whose first frame is the server's, its sender first: a SYN+ACK, or one of a connection
    /// that goes on with a response from there, or with a request to there.
    pub answers_first: BTreeSet<(IpAddr, u16, IpAddr, u16)>,
    /// Datagrams in pieces.
    pub pieces: Pieces,
    /// What holds of the frames of one flow, by protocol and ends. Broken frames also count for the flow without ports, where
    /// a reader that finds none puts them.
    flows: BTreeMap<(u8, [End; 2]), BTreeSet<Trait>>,
    /// Flows of TCP that were seen, with the bytes before the IP header: they hold the tags.
    seen: BTreeSet<(Vec<u8>, [End; 2])>,
    /// Those of them that began without a SYN and said nothing yet, with the sender and the receiver of the first frame.
    silent: BTreeMap<(Vec<u8>, [End; 2]), (End, End)>,
}

impl Survey {
    /// Looks at every frame.
    pub fn of(frames: &[Frame]) -> Survey {
        let mut survey = Survey::default();
        for frame in frames {
            survey.look(frame);
        }
        survey
    }

    /// Whether some frames of a flow have a trait.
    pub fn has_in_flow(&self, protocol: u8, a: End, b: End, what: Trait) -> bool {
        self.flows.get(&(protocol, sorted(a, b))).is_some_and(|traits| traits.contains(&what))
    }

    /// Whether some frames between two addresses have a trait.
    pub fn has(&self, a: IpAddr, b: IpAddr, what: Trait) -> bool {
        self.pairs.get(&pair(a, b)).is_some_and(|traits| traits.contains(&what))
    }

    fn look(&mut self, frame: &Frame) {
        match network(frame) {
            Link::Unknown => {
                self.whole.insert(Trait::LinkType);
            }
            Link::Tunnel => {
                self.whole.insert(Trait::Tunnel);
            }
            Link::DeepTags => {
                self.whole.insert(Trait::DeepTags);
            }
            Link::Ip(offset) => self.look_at_ip(frame, offset, offset),
            Link::Encapsulated(offset, link_end) => {
                self.whole.insert(Trait::Encapsulated);
                self.look_at_ip(frame, offset, link_end);
            }
            Link::Other => {}
        }
    }

    /// The link header ends at `link_end`, and the packet may be inside of others that stand before `offset`.
    fn look_at_ip(&mut self, frame: &Frame, offset: usize, link_end: usize) {
        let bytes = frame.bytes.get(offset..).unwrap_or_default();
        let Some(packet) = Ip::read(bytes) else {
            self.whole.insert(Trait::Malformed);
            return;
        };
        if let Some(inside) = packet.inner_offset() {
            self.whole.insert(Trait::Encapsulated);
            return self.look_at_ip(frame, offset + inside, link_end);
        }
        let (source, destination) = (packet.source, packet.destination);
        let mut traits = BTreeSet::new();
        if (frame.bytes.len() as u64) < u64::from(frame.wire_bytes) {
            traits.insert(Trait::Snapped);
        } else if packet.contradicts(bytes.len()) {
            traits.insert(Trait::Malformed);
        }
        // What claims to be longer than its frame nobody counts.
        let is_counted = packet.total_bytes <= bytes.len() || traits.contains(&Trait::Snapped);
        if !traits.is_empty() && is_counted {
            let ports = packet.ports().filter(|_| !packet.later_fragment).unwrap_or_default();
            for (from, to) in [ports, (0, 0)] {
                let flow = (packet.protocol, sorted((source, from), (destination, to)));
                self.flows.entry(flow).or_default().extend(&traits);
            }
        }
        if packet.fragment {
            traits.insert(Trait::Fragments);
            self.pieces.take(&packet.piece(frame.wire_bytes));
        }
        if packet.is_tunnel() {
            self.whole.insert(Trait::Tunnel);
            traits.insert(Trait::Tunnel);
            let (from, to) = packet.ports().unwrap_or_default();
            let flow = (packet.protocol, sorted((source, from), (destination, to)));
            self.flows.entry(flow).or_default().insert(Trait::Tunnel);
        }
        self.pairs.entry(pair(source, destination)).or_default().extend(traits);
        if let Some((ports, flags)) = packet.tcp() {
            let ends = sorted((source, ports.0), (destination, ports.1));
            // Of Ethernet only what stands behind the addresses.
            let before = frame.bytes.get(12.min(link_end)..link_end).unwrap_or_default();
            let key = (before.to_vec(), ends);
            let (sender, receiver) = ((source, ports.0), (destination, ports.1));
            let is_new = self.seen.insert(key.clone());
            if is_new && flags & 0x12 == 0x12 {
                self.answers_first.insert((source, ports.0, destination, ports.1));
            } else if is_new && flags & 0x16 == 0x10 {
                self.silent.insert(key.clone(), (sender, receiver));
            }
            self.hear(&key, sender, packet.tcp_data());
        }
    }

    /// The first data of a connection that began without a SYN may say whose they are.
    fn hear(&mut self, key: &(Vec<u8>, [End; 2]), sender: End, data: &[u8]) {
        const REQUESTS: [&str; 9] =
            ["GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "CONNECT ", "OPTIONS ", "TRACE ", "PATCH "];
        if data.is_empty() {
            return;
        }
        let Some((first, other)) = self.silent.remove(key) else { return };
        let is_response = data.starts_with(b"HTTP/1.");
        let is_request = REQUESTS.iter().any(|request| data.starts_with(request.as_bytes()));
        if sender == first && is_response || sender == other && is_request {
            self.answers_first.insert((first.0, first.1, other.0, other.1));
        }
    }
}

enum Link {
    Ip(usize),
    /// Where IP is, behind labels or in a session, and where the link header ends.
    Encapsulated(usize, usize),
    Tunnel,
    DeepTags,
    Other,
    Unknown,
}

/// Where the IP header of a frame lies.
fn network(frame: &Frame) -> Link {
    let bytes = &frame.bytes;
    let (at, mut offset) = match frame.link_type {
        1 => (12, 14),
        113 => (14, 16),
        276 => (0, 20),
        9 | 50 => return point_to_point(bytes, 0),
        104 => (2, 4),
        0 | 108 => return family(bytes),
        // 228 and 229 name IPv4 and IPv6 frames without a link header.
        12 | 14 | 101 | 228 | 229 => return Link::Ip(0),
        _ => return Link::Unknown,
    };
    let mut kind = half(bytes, at);
    let mut tags = 0;
    while matches!(kind, Some(0x8100 | 0x88a8 | 0x9100)) {
        kind = half(bytes, offset + 2);
        offset += 4;
        tags += 1;
    }
    match kind {
        _ if tags > 3 => Link::DeepTags,
        Some(0x0800 | 0x86dd) => Link::Ip(offset),
        Some(0x8864) => match point_to_point(bytes, offset + 6) {
            Link::Ip(inside) => Link::Encapsulated(inside, offset),
            _ => Link::Other,
        },
        Some(0x8847 | 0x8848) => labels(bytes, offset),
        Some(0x6558) => Link::Tunnel,
        _ => Link::Other,
    }
}

/// PPP (RFC 1661), with the address and control fields of HDLC or without, or with Cisco's header.
fn point_to_point(bytes: &[u8], at: usize) -> Link {
    match (half(bytes, at), half(bytes, at + 2)) {
        (Some(0x0f00 | 0x8f00), Some(0x0800 | 0x86dd)) => Link::Ip(at + 4),
        (Some(0xff03), Some(0x0021 | 0x0057)) => Link::Ip(at + 4),
        (Some(0x0021 | 0x0057), _) => Link::Ip(at + 2),
        _ => Link::Other,
    }
}

/// IP behind a stack of labels (RFC 3032); Ethernet there is too much for a plain reader.
fn labels(bytes: &[u8], link_end: usize) -> Link {
    let bottom =
        (link_end..bytes.len()).step_by(4).find(|at| bytes.get(at + 2).is_some_and(|byte| byte & 1 == 1));
    let Some(inside) = bottom.map(|at| at + 4) else { return Link::Other };
    match bytes.get(inside).map(|byte| byte >> 4) {
        Some(4 | 6) => Link::Encapsulated(inside, link_end),
        _ => Link::Tunnel,
    }
}

/// BSD loopback: the address family in the byte order of the machine that captured.
fn family(bytes: &[u8]) -> Link {
    match bytes.first_chunk::<4>().map(|word| u32::from_le_bytes(*word)) {
        Some(2 | 24 | 28 | 30) => Link::Ip(4),
        Some(swapped) if matches!(swapped.swap_bytes(), 2 | 24 | 28 | 30) => Link::Ip(4),
        _ => Link::Other,
    }
}

struct Ip<'p> {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    fragment: bool,
    /// A fragment other than the first: without ports.
    later_fragment: bool,
    /// Identification, offset in bytes, and whether more follow; of no meaning without fragments.
    place: (u32, usize, bool),
    /// As the header says, its own included.
    total_bytes: usize,
    header_bytes: usize,
    payload: &'p [u8],
}

impl Ip<'_> {
    fn read(bytes: &[u8]) -> Option<Ip<'_>> {
        match bytes.first()? >> 4 {
            4 => Ip::read_v4(bytes),
            6 => Ip::read_v6(bytes),
            _ => None,
        }
    }

    fn read_v4(bytes: &[u8]) -> Option<Ip<'_>> {
        let header_bytes = usize::from(bytes.first()? & 15) * 4;
        Some(Ip {
            source: IpAddr::from(*bytes.get(12..)?.first_chunk::<4>()?),
            destination: IpAddr::from(*bytes.get(16..)?.first_chunk::<4>()?),
            protocol: *bytes.get(9)?,
            fragment: half(bytes, 6)? & 0x3fff != 0,
            later_fragment: half(bytes, 6)? & 0x1fff != 0,
            place: (
                half(bytes, 4)?.into(),
                usize::from(half(bytes, 6)? & 0x1fff) * 8,
                half(bytes, 6)? & 0x2000 != 0,
            ),
            total_bytes: half(bytes, 2)?.into(),
            header_bytes,
            payload: bytes.get(header_bytes..).filter(|_| header_bytes >= 20)?,
        })
    }

    fn read_v6(bytes: &[u8]) -> Option<Ip<'_>> {
        let mut protocol = *bytes.get(6)?;
        let mut at = 40;
        let (mut fragment, mut later_fragment, mut place) = (false, false, (0, 0, false));
        while matches!(protocol, 0 | 43 | 44 | 60) {
            let length = if protocol == 44 { 8 } else { (usize::from(*bytes.get(at + 1)?) + 1) * 8 };
            if protocol == 44 {
                fragment = true;
                later_fragment = half(bytes, at + 2)? & 0xfff8 != 0;
                let id = u32::from(half(bytes, at + 4)?) << 16 | u32::from(half(bytes, at + 6)?);
                place = (id, usize::from(half(bytes, at + 2)? & 0xfff8), half(bytes, at + 2)? & 1 != 0);
            }
            protocol = *bytes.get(at)?;
            at += length;
            if later_fragment {
                break;
            }
        }
        Some(Ip {
            source: IpAddr::from(*bytes.get(8..)?.first_chunk::<16>()?),
            destination: IpAddr::from(*bytes.get(24..)?.first_chunk::<16>()?),
            protocol,
            fragment,
            later_fragment,
            place,
            total_bytes: 40 + usize::from(half(bytes, 4)?),
            header_bytes: at,
            payload: bytes.get(at..)?,
        })
    }

    /// Of a fragment.
    fn piece(&self, wire_bytes: u32) -> Piece {
        let (id, offset, more) = self.place;
        Piece {
            addresses: (self.source, self.destination),
            protocol: self.protocol,
            id,
            span: (offset, self.total_bytes.saturating_sub(self.header_bytes)),
            is_last: !more,
            ports: self.ports().filter(|_| !self.later_fragment),
            wire_bytes: wire_bytes.into(),
        }
    }

    /// Whether a length goes beyond what holds it. An IPv4 length of 0, which a capture shows of what a NIC
    /// segments later, contradicts too: no such packet is ever on a wire.
    fn contradicts(&self, captured_bytes: usize) -> bool {
        if self.fragment {
            return self.total_bytes > captured_bytes;
        }
        let room = self.total_bytes.saturating_sub(self.header_bytes);
        let inside = match self.protocol {
            6 => {
                let offset = self.payload.get(12).map_or(0, |byte| usize::from(byte >> 4) * 4);
                offset >= 20 && offset <= room
            }
            17 => half(self.payload, 4).is_some_and(|length| length >= 8 && usize::from(length) <= room),
            1 | 58 => room >= 4,
            _ => true,
        };
        self.total_bytes > captured_bytes || !inside
    }

    /// Where in this packet another stands that all read in its place: IP in IP, and what GTP-U carries.
    fn inner_offset(&self) -> Option<usize> {
        if self.fragment {
            return None;
        }
        let is_ip = |at: usize| matches!(self.payload.get(at).map(|byte| byte >> 4), Some(4 | 6));
        let at = match self.protocol {
            4 | 41 => 0,
            17 if half(self.payload, 2)? == 2152 => {
                let is_user_packet = self.payload.get(8)? >> 4 == 3 && *self.payload.get(9)? == 255;
                let optional = if self.payload.get(8)? & 7 == 0 { 0 } else { 4 };
                let extensions =
                    if self.payload.get(8)? & 4 == 0 { 0 } else { 4 * usize::from(*self.payload.get(20)?) };
                is_user_packet.then_some(16 + optional + extensions)?
            }
            _ => return None,
        };
        is_ip(at).then_some(self.header_bytes + at)
    }

    /// IP-in-IP, 6in4, GRE, L2TPv3, EtherIP; Teredo, VXLAN, GTP-U, CAPWAP, TZSP by their ports.
    fn is_tunnel(&self) -> bool {
        const PORTS: [u16; 7] = [2152, 3544, 4789, 5246, 5247, 37008, 6081];
        let on_port = |at| half(self.payload, at).is_some_and(|port| PORTS.contains(&port));
        matches!(self.protocol, 4 | 41 | 47 | 97 | 115) || (self.protocol == 17 && (on_port(0) || on_port(2)))
    }

    /// Ports and control bits.
    fn tcp(&self) -> Option<((u16, u16), u8)> {
        let flags = *self.payload.get(13)?;
        self.ports().filter(|_| self.protocol == 6 && !self.fragment).map(|ports| (ports, flags))
    }

    /// What a segment carries.
    fn tcp_data(&self) -> &[u8] {
        let header_bytes = self.payload.get(12).map_or(0, |byte| usize::from(byte >> 4) * 4);
        let room = self.total_bytes.saturating_sub(self.header_bytes).min(self.payload.len());
        self.payload.get(header_bytes..room).unwrap_or_default()
    }

    /// The first two numbers of the transport header, where these are ports.
    fn ports(&self) -> Option<(u16, u16)> {
        let has_ports = matches!(self.protocol, 6 | 17);
        Some((half(self.payload, 0)?, half(self.payload, 2)?)).filter(|_| has_ports)
    }
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk::<2>().map(|half| u16::from_be_bytes(*half))
}

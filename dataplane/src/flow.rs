//! Whose packet it is: directions, keys, and the books of one flow.

mod icmp;
mod keys;

use std::net::IpAddr;

pub use dlp_patterns::Direction;

pub use self::icmp::icmp_counterpart;
pub(crate) use self::keys::FlowKeys;
pub use crate::decode::protocol;
use crate::decode::{Packet, Transport, Tunnel, Vlans, kind_at_port};

/// Who spoke with whom, when, and how much. Counts every frame of the flow, forwarded or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowRecord {
    /// Names the flow in every event; unique for the life of the process, positive as an `i64`.
    pub id: u64,
    /// Index of the link that it crosses.
    pub link: u16,
    /// The end that spoke first, unless what a connection that was picked up began with shows that it is the server: address
    /// and port (0 where the protocol has none).
    pub client: (IpAddr, u16),
    /// The other one.
    pub server: (IpAddr, u16),
    /// Upper-layer protocol number.
    pub protocol: u8,
    /// VLAN identifiers, the outermost first, those inside of tunnels included.
    pub vlans: Vlans,
    /// What its first packet travelled inside of, the outermost first, from the client's end to the server's. Empty, and no
    /// memory, for most.
    pub tunnels: Box<[Tunnel]>,
    /// Type and code of the first ICMP message.
    pub icmp: Option<(u8, u8)>,
    /// Receive time of the first frame, in ns since the epoch.
    pub start_ns: u64,
    /// Receive time of the newest frame, in ns since the epoch.
    pub last_ns: u64,
    /// Frames, by direction.
    pub frames: [u64; 2],
    /// Bytes of those frames on the wire, link headers included, by direction.
    pub bytes: [u64; 2],
    /// Union of the TCP control bits, by direction.
    pub tcp_flags: [u8; 2],
}

impl FlowRecord {
    /// Whether a reader of the outermost headers alone may take some of its frames for others, or others for its own:
    /// what is in a tunnel, and datagrams between ports of tunnels.
    pub fn may_be_mistaken(&self) -> bool {
        let is_at_port = |(_, port): (IpAddr, u16)| kind_at_port(port).is_some();
        let is_udp = self.protocol == protocol::UDP;
        !self.tunnels.is_empty() || is_udp && (is_at_port(self.client) || is_at_port(self.server))
    }

    /// Enters frames of one packet, and their bytes on the wire together.
    pub fn account(&mut self, direction: Direction, frames: u32, wire_bytes: u32, now_ns: u64) {
        self.frames[direction as usize] += u64::from(frames);
        self.bytes[direction as usize] += u64::from(wire_bytes);
        self.last_ns = self.last_ns.max(now_ns);
    }

    /// Gives its ends each other's names: who was taken for the client is the server.
    pub fn turn(&mut self) {
        std::mem::swap(&mut self.client, &mut self.server);
        self.frames.reverse();
        self.bytes.reverse();
        self.tcp_flags.reverse();
        for tunnel in &mut self.tunnels {
            *tunnel = tunnel.reversed();
        }
    }

    /// Enters the frames that somebody else has seen.
    pub fn account_elsewhere(&mut self, elsewhere: &Elsewhere) {
        let Elsewhere { frames, bytes, last_ns } = elsewhere;
        for direction in [Direction::ToServer, Direction::ToClient] {
            self.frames[direction as usize] += frames[direction as usize];
            self.bytes[direction as usize] += bytes[direction as usize];
        }
        self.last_ns = self.last_ns.max(last_ns.unwrap_or(0));
    }
}

/// What was done with frames of a flow before they came here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// Frames, by direction.
    pub frames: [u64; 2],
    /// Bytes of those frames on the wire, link headers included, by direction.
    pub bytes: [u64; 2],
    /// Time of the newest, in ns since the epoch; `None` where there was none.
    pub last_ns: Option<u64>,
}

/// The ports that identify the flow of a packet: 0 for what has none.
pub fn ports(packet: &Packet<'_>) -> (u16, u16) {
    match packet.transport {
        Transport::Tcp(header) => (header.source, header.destination),
        Transport::Udp { source, destination } | Transport::Sctp { source, destination } => {
            (source, destination)
        }
        Transport::Icmp { .. }
        | Transport::Fragment { .. }
        | Transport::Other
        | Transport::Arp
        | Transport::None => (0, 0),
    }
}

pub(crate) const NS_PER_S: u64 = 1_000_000_000;

/// How long a silent flow is remembered, in seconds, by protocol and by how far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP before the handshake is complete, or where only one end was heard.
    pub tcp_new_s: u32,
    /// TCP after it.
    pub tcp_established_s: u32,
    /// TCP after RST, or FIN in both directions.
    pub tcp_closed_s: u32,
    /// UDP where only one end has spoken.
    pub udp_new_s: u32,
    /// UDP where both have.
    pub udp_established_s: u32,
    /// ICMP.
    pub icmp_s: u32,
    /// All others.
    pub other_s: u32,
}

impl Timeouts {
    /// Whoever was silent for no longer, in ns, is remembered, whatever its protocol and however far it came.
    #[inline]
    pub fn shortest_ns(&self) -> u64 {
        let Timeouts {
            tcp_new_s,
            tcp_established_s,
            tcp_closed_s,
            udp_new_s,
            udp_established_s,
            icmp_s,
            other_s,
        } = *self;
        let all = [tcp_new_s, tcp_established_s, tcp_closed_s, udp_new_s, udp_established_s, icmp_s, other_s];
        u64::from(all.into_iter().fold(u32::MAX, u32::min)) * NS_PER_S
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            tcp_new_s: 60,
            tcp_established_s: 3600,
            tcp_closed_s: 60,
            udp_new_s: 30,
            udp_established_s: 300,
            icmp_s: 30,
            other_s: 60,
        }
    }
}

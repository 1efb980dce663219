//! What a packet travels inside of.

use std::net::IpAddr;

use super::protocol;

/// An encapsulation around a packet, as plain data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tunnel {
    /// Which encapsulation.
    pub kind: TunnelKind,
    /// Which of the tunnels between the same ends, where the header says so: [`TunnelKind`] tells how it is called.
    pub id: Option<u32>,
    /// Source and destination of the IP header that it stands behind; `None` for what belongs to the link (MPLS, PPPoE).
    pub ends: Option<(IpAddr, IpAddr)>,
    /// How many of the packet's VLAN tags stand outside of it.
    pub vlans_outside: u8,
}

impl Tunnel {
    /// The same tunnel, as packets of the other direction have it.
    pub fn reversed(self) -> Tunnel {
        Tunnel { ends: self.ends.map(|(source, destination)| (destination, source)), ..self }
    }
}

/// The encapsulations that are looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TunnelKind {
    /// A stack of MPLS labels (RFC 3032), pseudowires for Ethernet among them (RFC 4448); the identifier is the label at
    /// its bottom.
    Mpls = 0,
    /// RFC 2516; the identifier is the session.
    Pppoe = 1,
    /// IPv4 in IPv4 or IPv6 (RFC 2003, RFC 2473).
    Ipv4 = 2,
    /// IPv6 in IPv4 or IPv6 (RFC 4213, RFC 2473).
    Ipv6 = 3,
    /// RFC 2784 and RFC 2890, with IP, Ethernet or MPLS, and NVGRE (RFC 7637); the identifier is the key.
    Gre = 4,
    /// Mirrored frames of types I, II and III (draft-foschiano-erspan-03), behind GRE; the identifier is the session.
    Erspan = 5,
    /// RFC 7348; the identifier is the VNI.
    Vxlan = 6,
    /// RFC 8926; the identifier is the VNI.
    Geneve = 7,
    /// The user plane of GTP (3GPP TS 29.281); the identifier is the TEID, which differs by direction.
    Gtpu = 8,
}

impl TunnelKind {
    /// Every kind, in index order.
    pub const ALL: [TunnelKind; 9] = [
        TunnelKind::Mpls,
        TunnelKind::Pppoe,
        TunnelKind::Ipv4,
        TunnelKind::Ipv6,
        TunnelKind::Gre,
        TunnelKind::Erspan,
        TunnelKind::Vxlan,
        TunnelKind::Geneve,
        TunnelKind::Gtpu,
    ];

    /// The name that events use.
    pub fn as_str(self) -> &'static str {
        match self {
            TunnelKind::Mpls => "mpls",
            TunnelKind::Pppoe => "pppoe",
            TunnelKind::Ipv4 => "ipv4",
            TunnelKind::Ipv6 => "ipv6",
            TunnelKind::Gre => "gre",
            TunnelKind::Erspan => "erspan",
            TunnelKind::Vxlan => "vxlan",
            TunnelKind::Geneve => "geneve",
            TunnelKind::Gtpu => "gtpu",
        }
    }

    /// The upper-layer protocol of the outer IP header, where there is one.
    pub fn protocol(self) -> Option<u8> {
        match self {
            TunnelKind::Mpls | TunnelKind::Pppoe => None,
            TunnelKind::Ipv4 => Some(protocol::IPV4),
            TunnelKind::Ipv6 => Some(protocol::IPV6),
            TunnelKind::Gre | TunnelKind::Erspan => Some(protocol::GRE),
            TunnelKind::Vxlan | TunnelKind::Geneve | TunnelKind::Gtpu => Some(protocol::UDP),
        }
    }
}

/// RFC 7348 §5, and what Linux took before that was assigned.
const VXLAN_PORTS: [u16; 2] = [4789, 8472];
/// RFC 8926 §3.3.
const GENEVE_PORT: u16 = 6081;
/// 3GPP TS 29.281 §4.4.2.
const GTPU_PORT: u16 = 2152;

/// The encapsulation that datagrams to a UDP port may be; the port alone proves none.
#[inline]
pub fn kind_at_port(destination: u16) -> Option<TunnelKind> {
    match destination {
        GENEVE_PORT => Some(TunnelKind::Geneve),
        GTPU_PORT => Some(TunnelKind::Gtpu),
        port if VXLAN_PORTS.contains(&port) => Some(TunnelKind::Vxlan),
        _ => None,
    }
}

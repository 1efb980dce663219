//! Frames wrapped in an encapsulation, as routers of a provider or a data centre wrap them.

use std::net::{IpAddr, SocketAddr};

use engine::sample::frame;

/// Bytes of the Ethernet addresses, and of the whole header.
const ADDRESSES: usize = 12;
const ETHERNET: usize = 14;

const VNI: [u8; 4] = [0x00, 0xa1, 0xb2, 0x00];

/// Routers at both ends of a tunnel.
const ROUTERS: [&str; 2] = ["192.0.2.201", "192.0.2.202"];
const ROUTERS_V6: [&str; 2] = ["2001:db8:ffff::201", "2001:db8:ffff::202"];

/// What is put around a frame of IP without tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapping {
    /// Two tags (IEEE 802.1ad).
    QinQ,
    /// Two labels, and IP (RFC 3032).
    Mpls,
    /// One label, a control word, and Ethernet (RFC 4448).
    Pseudowire,
    /// A session (RFC 2516).
    Pppoe,
    /// RFC 7348 over IPv4, without a checksum.
    Vxlan,
    /// The same over IPv6, with one.
    VxlanV6,
    /// RFC 8926, with an option.
    Geneve,
    /// 3GPP TS 29.281, with a sequence number; each direction has a TEID of its own.
    Gtpu,
    /// RFC 2784 with a key.
    Gre,
    /// Transparent Ethernet, with a key and a sequence number.
    GreEthernet,
    /// Mirrored, of type II.
    Erspan,
    /// In IPv4 (RFC 2003, RFC 4213).
    InV4,
    /// In IPv6 (RFC 2473).
    InV6,
    /// VXLAN in GRE in a tagged frame.
    Nested,
}

impl Wrapping {
    /// Each of them.
    pub const ALL: [Wrapping; 14] = [
        Wrapping::QinQ,
        Wrapping::Mpls,
        Wrapping::Pseudowire,
        Wrapping::Pppoe,
        Wrapping::Vxlan,
        Wrapping::VxlanV6,
        Wrapping::Geneve,
        Wrapping::Gtpu,
        Wrapping::Gre,
        Wrapping::GreEthernet,
        Wrapping::Erspan,
        Wrapping::InV4,
        Wrapping::InV6,
        Wrapping::Nested,
    ];

    /// The wrapped frame; `None` where it is no untagged frame of IP, or is too long. The lower Ethernet address is that of
    /// one end, whoever sends.
    pub fn wrap(self, frame: &[u8]) -> Option<Vec<u8>> {
        let (addresses, packet) = (frame.get(..ADDRESSES)?, frame.get(ETHERNET..)?);
        let ethertype = [frame[12], frame[13]];
        let (version, in_ip, ppp) = match ethertype {
            [0x08, 0x00] => (4, 4, [0x00, 0x21]),
            [0x86, 0xdd] => (6, 41, [0x00, 0x57]),
            _ => return None,
        };
        if packet.first()? >> 4 != version || packet.len() > 65_000 {
            return None;
        }
        let is_upward = addresses[..6] < addresses[6..];
        Some(match self {
            Wrapping::QinQ => [addresses, &[0x88, 0xa8, 0x20, 7, 0x81, 0, 0, 8], &ethertype, packet].concat(),
            Wrapping::Mpls => [addresses, &[0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64], packet].concat(),
            Wrapping::Pseudowire => [addresses, &[0x88, 0x47, 0, 2, 1, 64, 0, 0, 0, 9], frame].concat(),
            Wrapping::Pppoe => {
                let length = (packet.len() as u16 + 2).to_be_bytes();
                [addresses, &[0x88, 0x64, 0x11, 0, 0, 9], &length, &ppp, packet].concat()
            }
            Wrapping::Vxlan => {
                let mut wrapped = udp(ROUTERS, is_upward, 4789, &vxlan(frame));
                wrapped[ETHERNET + 20 + 6..][..2].fill(0);
                wrapped
            }
            Wrapping::VxlanV6 => udp(ROUTERS_V6, is_upward, 4789, &vxlan(frame)),
            Wrapping::Geneve => {
                let header = [&[1, 0, 0x65, 0x58][..], &VNI, &[0, 1, 2, 0]].concat();
                udp(ROUTERS, is_upward, 6081, &[&header, frame].concat())
            }
            Wrapping::Gtpu => {
                let length = (packet.len() as u16 + 4).to_be_bytes();
                let header = [&[0x32, 255][..], &length, &[0, 0, 0, u8::from(is_upward), 0, 1, 0, 0]];
                udp(ROUTERS, is_upward, 2152, &[&header.concat(), packet].concat())
            }
            Wrapping::Gre => {
                let gre = [&[0x20, 0][..], &ethertype, &[0, 0, 0, 5], packet].concat();
                ip(ROUTERS, is_upward, 47, &gre)
            }
            Wrapping::GreEthernet => ip(ROUTERS_V6, is_upward, 47, &gre_ethernet(frame)),
            Wrapping::Erspan => {
                let header = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 7, 0, 9, 0, 0, 0, 0];
                ip(ROUTERS, true, 47, &[&header, frame].concat())
            }
            Wrapping::InV4 => ip(ROUTERS, is_upward, in_ip, packet),
            Wrapping::InV6 => ip(ROUTERS_V6, is_upward, in_ip, packet),
            Wrapping::Nested => {
                let inner = udp(ROUTERS, is_upward, 4789, &vxlan(frame));
                let mut wrapped = ip(ROUTERS_V6, is_upward, 47, &gre_ethernet(&inner));
                wrapped.splice(ADDRESSES..ADDRESSES, [0x81, 0x00, 0x00, 0x0b]);
                wrapped
            }
        })
    }
}

fn vxlan(frame: &[u8]) -> Vec<u8> {
    [&[8, 0, 0, 0][..], &VNI, frame].concat()
}

fn gre_ethernet(frame: &[u8]) -> Vec<u8> {
    [&[0x30, 0, 0x65, 0x58, 0, 0, 0, 5, 0, 0, 0, 1][..], frame].concat()
}

/// The source port is that of a flow of tunnelled frames, whatever direction.
fn udp(routers: [&str; 2], is_upward: bool, port: u16, payload: &[u8]) -> Vec<u8> {
    let [source, destination] = ends(routers, is_upward);
    let ends = [SocketAddr::new(source, 49_152 + u16::from(is_upward)), SocketAddr::new(destination, port)];
    frame::udp(ends, &[], payload)
}

fn ip(routers: [&str; 2], is_upward: bool, protocol: u8, payload: &[u8]) -> Vec<u8> {
    frame::ip(ends(routers, is_upward), &[], protocol, payload)
}

fn ends(routers: [&str; 2], is_upward: bool) -> [IpAddr; 2] {
    let [a, b] = routers.map(|address| address.parse().expect("it is an address"));
    if is_upward { [a, b] } else { [b, a] }
}

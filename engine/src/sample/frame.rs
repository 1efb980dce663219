//! Single Ethernet frames with right lengths and checksums. The address of a host on the wire follows from its IP address.

use std::net::{IpAddr, SocketAddr};

use dataplane::decode::{checksum, protocol};

const ETHERTYPE_VLAN: u16 = 0x8100;
/// Of all tags but the innermost (IEEE 802.1ad).
const ETHERTYPE_SERVICE_VLAN: u16 = 0x88a8;
const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const HOPS: u8 = 64;

/// What stands in a TCP header beside the ports.
#[derive(Clone, Copy, Debug)]
pub struct Tcp {
    /// Of the first byte.
    pub sequence: u32,
    /// What the sender expects next.
    pub acknowledgment: u32,
    /// Control bits.
    pub flags: u8,
}

/// A segment (RFC 9293 §3.1) from `ends[0]` to `ends[1]`; `vlans` from the outermost to the innermost.
pub fn tcp(ends: [SocketAddr; 2], vlans: &[u16], tcp: Tcp, payload: &[u8]) -> Vec<u8> {
    let mut segment = ports(ends);
    segment.extend(tcp.sequence.to_be_bytes());
    segment.extend(tcp.acknowledgment.to_be_bytes());
    // Five words of header, flags, a window of 64,240 bytes, checksum to come, no urgent pointer.
    segment.extend([0x50, tcp.flags, 0xfa, 0xf0, 0, 0, 0, 0]);
    segment.extend(payload);
    let ips = ends.map(|end| end.ip());
    let sum = transport_checksum(ips, protocol::TCP, &segment);
    segment[16..18].copy_from_slice(&sum.to_be_bytes());
    ip(ips, vlans, protocol::TCP, &segment)
}

/// A datagram (RFC 768) from `ends[0]` to `ends[1]`.
pub fn udp(ends: [SocketAddr; 2], vlans: &[u16], payload: &[u8]) -> Vec<u8> {
    let mut datagram = ports(ends);
    datagram.extend((8 + payload.len() as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    let ips = ends.map(|end| end.ip());
    // Zero would say that there is no checksum.
    let sum = match transport_checksum(ips, protocol::UDP, &datagram) {
        0 => 0xffff,
        sum => sum,
    };
    datagram[6..8].copy_from_slice(&sum.to_be_bytes());
    ip(ips, vlans, protocol::UDP, &datagram)
}

/// An ICMP message of code 0 (RFC 792).
pub fn icmp_v4(ends: [IpAddr; 2], kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, 0];
    message.extend(rest);
    let sum = !checksum::fold(checksum::sum(&message));
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    ip(ends, &[], protocol::ICMP, &message)
}

/// A packet of any upper-layer protocol.
///
/// # Panics
/// Where the ends are not of one IP version.
pub fn ip(ends: [IpAddr; 2], vlans: &[u16], of_protocol: u8, transport: &[u8]) -> Vec<u8> {
    let mut frame = [host(ends[1]), host(ends[0])].concat();
    for (depth, vlan) in vlans.iter().enumerate() {
        let is_outer = depth + 1 < vlans.len();
        let ethertype = if is_outer { ETHERTYPE_SERVICE_VLAN } else { ETHERTYPE_VLAN };
        frame.extend([ethertype, *vlan].map(u16::to_be_bytes).concat());
    }
    match ends {
        [IpAddr::V4(_), IpAddr::V4(_)] => {
            frame.extend(ETHERTYPE_IPV4.to_be_bytes());
            frame.extend(ipv4_header(ends, of_protocol, transport.len()));
        }
        [IpAddr::V6(_), IpAddr::V6(_)] => {
            frame.extend(ETHERTYPE_IPV6.to_be_bytes());
            frame.extend([0x60, 0, 0, 0]);
            frame.extend((transport.len() as u16).to_be_bytes());
            frame.extend([of_protocol, HOPS]);
            frame.extend(addresses(ends));
        }
        _ => panic!("both ends speak one IP version"),
    }
    frame.extend(transport);
    frame
}

/// A locally administered address that ends as the IP address does.
fn host(end: IpAddr) -> [u8; 6] {
    let [a, b, c, d] = match end {
        IpAddr::V4(end) => end.octets(),
        IpAddr::V6(end) => (end.to_bits() as u32).to_be_bytes(),
    };
    [2, 0, a, b, c, d]
}

fn ports(ends: [SocketAddr; 2]) -> Vec<u8> {
    ends.map(|end| end.port().to_be_bytes()).concat()
}

/// RFC 791 §3.1, with "don't fragment".
fn ipv4_header(ends: [IpAddr; 2], of_protocol: u8, transport_bytes: usize) -> Vec<u8> {
    let mut header = vec![0x45, 0];
    header.extend((20 + transport_bytes as u16).to_be_bytes());
    header.extend([0, 0, 0x40, 0, HOPS, of_protocol, 0, 0]);
    header.extend(addresses(ends));
    checksum::seal_ipv4(&mut header);
    header
}

fn addresses(ends: [IpAddr; 2]) -> Vec<u8> {
    let octets = |end: &IpAddr| match end {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    ends.iter().flat_map(octets).collect()
}

/// Over the pseudo-header and the segment, whose own field is zero.
fn transport_checksum([source, destination]: [IpAddr; 2], of_protocol: u8, segment: &[u8]) -> u16 {
    let pseudo = checksum::pseudo_header(source, destination, of_protocol, segment.len() as u32);
    !checksum::fold(pseudo + checksum::sum(segment))
}

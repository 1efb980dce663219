//! Single Ethernet frames with right lengths and checksums.

use std::net::IpAddr;

use dataplane::flow::protocol;

const ETHERTYPE_VLAN: u16 = 0x8100;
const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const HOPS: u8 = 64;

/// What stands in a TCP header beside the ports.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tcp {
    pub(super) sequence: u32,
    pub(super) acknowledgment: u32,
    pub(super) flags: u8,
}

/// The addresses of two ends.
pub(super) fn ends(texts: [&str; 2]) -> [IpAddr; 2] {
    texts.map(|text| text.parse().expect("an address of this file's neighbours"))
}

/// A segment (RFC 9293 §3.1).
pub(super) fn tcp(ends: [IpAddr; 2], ports: [u16; 2], vlans: &[u16], tcp: Tcp, payload: &[u8]) -> Vec<u8> {
    let mut segment = ports.map(u16::to_be_bytes).concat();
    segment.extend(tcp.sequence.to_be_bytes());
    segment.extend(tcp.acknowledgment.to_be_bytes());
    // Five words of header, flags, a window of 64,240 bytes, checksum to come, no urgent pointer.
    segment.extend([0x50, tcp.flags, 0xfa, 0xf0, 0, 0, 0, 0]);
    segment.extend(payload);
    let sum = transport_checksum(ends, protocol::TCP, &segment);
    segment[16..18].copy_from_slice(&sum.to_be_bytes());
    ethernet(ends, vlans, protocol::TCP, &segment)
}

/// A datagram (RFC 768).
pub(super) fn udp(ends: [IpAddr; 2], ports: [u16; 2], payload: &[u8]) -> Vec<u8> {
    let mut datagram = ports.map(u16::to_be_bytes).concat();
    datagram.extend((8 + payload.len() as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    // Zero would say that there is no checksum.
    let sum = match transport_checksum(ends, protocol::UDP, &datagram) {
        0 => 0xffff,
        sum => sum,
    };
    datagram[6..8].copy_from_slice(&sum.to_be_bytes());
    ethernet(ends, &[], protocol::UDP, &datagram)
}

/// An ICMP message of code 0 (RFC 792).
pub(super) fn icmp_v4(ends: [IpAddr; 2], kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, 0];
    message.extend(rest);
    let sum = !fold(sum(&message));
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    ethernet(ends, &[], protocol::ICMP, &message)
}

fn ethernet(ends: [IpAddr; 2], vlans: &[u16], of_protocol: u8, transport: &[u8]) -> Vec<u8> {
    // Locally administered addresses.
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    for vlan in vlans {
        frame.extend([ETHERTYPE_VLAN, *vlan].map(u16::to_be_bytes).concat());
    }
    match ends {
        [IpAddr::V4(_), _] => {
            frame.extend(ETHERTYPE_IPV4.to_be_bytes());
            frame.extend(ipv4_header(ends, of_protocol, transport.len()));
        }
        [IpAddr::V6(_), _] => {
            frame.extend(ETHERTYPE_IPV6.to_be_bytes());
            frame.extend([0x60, 0, 0, 0]);
            frame.extend((transport.len() as u16).to_be_bytes());
            frame.extend([of_protocol, HOPS]);
            frame.extend(addresses(ends));
        }
    }
    frame.extend(transport);
    frame
}

/// RFC 791 §3.1, with "don't fragment".
fn ipv4_header(ends: [IpAddr; 2], of_protocol: u8, transport_bytes: usize) -> Vec<u8> {
    let mut header = vec![0x45, 0];
    header.extend((20 + transport_bytes as u16).to_be_bytes());
    header.extend([0, 0, 0x40, 0, HOPS, of_protocol, 0, 0]);
    header.extend(addresses(ends));
    let sum = !fold(sum(&header));
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    header
}

fn addresses(ends: [IpAddr; 2]) -> Vec<u8> {
    let octets = |end: &IpAddr| match end {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    ends.iter().flat_map(octets).collect()
}

/// Over the pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1) and the segment, whose own field is zero.
fn transport_checksum(ends: [IpAddr; 2], of_protocol: u8, segment: &[u8]) -> u16 {
    let pseudo = sum(&addresses(ends)) + u32::from(of_protocol) + segment.len() as u32;
    !fold(pseudo + sum(segment))
}

/// The sum of big-endian words (RFC 1071); segments are far too short for it to overflow.
fn sum(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<2>();
    let last = rest.first().map_or(0, |byte| u32::from(*byte) << 8);
    words.iter().map(|word| u32::from(u16::from_be_bytes(*word))).sum::<u32>() + last
}

fn fold(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

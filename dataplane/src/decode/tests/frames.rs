//! Builds frames byte by byte, with checksums by the definition rather than by the code under test.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(super) const V4: (Ipv4Addr, Ipv4Addr) = (Ipv4Addr::new(10, 1, 2, 3), Ipv4Addr::new(192, 0, 2, 80));
pub(super) const V6: (Ipv6Addr, Ipv6Addr) = (
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1),
    Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0xfffe, 0x8000, 1, 2, 0x50),
);

/// RFC 1071 §1, not complemented.
pub(super) fn ones_sum(bytes: &[u8]) -> u16 {
    bytes.chunks(2).fold(0u16, |sum, pair| {
        let word = u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]);
        let (sum, carry) = sum.overflowing_add(word);
        sum + u16::from(carry)
    })
}

pub(super) fn pseudo(addresses: (IpAddr, IpAddr), protocol: u8, length: usize) -> Vec<u8> {
    let length = length as u32;
    match addresses {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            [&from.octets()[..], &to.octets(), &[0, protocol], &(length as u16).to_be_bytes()].concat()
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            [&from.octets()[..], &to.octets(), &length.to_be_bytes(), &[0, 0, 0, protocol]].concat()
        }
        _ => panic!("mixed families"),
    }
}

/// Stores the checksum of `message` over its pseudo-header at `at`.
pub(super) fn seal(message: &mut [u8], at: usize, addresses: (IpAddr, IpAddr), protocol: u8) {
    message[at..at + 2].fill(0);
    let bytes = [&pseudo(addresses, protocol, message.len())[..], message].concat();
    let sum = match !ones_sum(&bytes) {
        0 if protocol == 17 => 0xffff,
        sum => sum,
    };
    message[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}

/// Leaves in the field what Linux leaves to a device: the sum of the pseudo-header.
pub(super) fn leave_partial(message: &mut [u8], at: usize, addresses: (IpAddr, IpAddr), protocol: u8) {
    let sum = ones_sum(&pseudo(addresses, protocol, message.len()));
    message[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}

pub(super) fn v4() -> (IpAddr, IpAddr) {
    (V4.0.into(), V4.1.into())
}

pub(super) fn v6() -> (IpAddr, IpAddr) {
    (V6.0.into(), V6.1.into())
}

/// A TCP segment from port 40000 to port 80; `options` in whole words.
pub(super) fn tcp(addresses: (IpAddr, IpAddr), flags: u8, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let offset = (20 + options.len()) as u8 / 4 * 16;
    let mut segment = [40_000u16.to_be_bytes(), 80u16.to_be_bytes()].concat();
    segment.extend(0x0102_0304u32.to_be_bytes());
    segment.extend(0x0a0b_0c0du32.to_be_bytes());
    segment.extend([offset, flags, 0x20, 0x00, 0, 0, 0, 0]);
    segment.extend(options);
    segment.extend(payload);
    seal(&mut segment, 16, addresses, 6);
    segment
}

/// A UDP datagram from port 5353 to port 53.
pub(super) fn udp(addresses: (IpAddr, IpAddr), payload: &[u8]) -> Vec<u8> {
    udp_to(53, addresses, payload)
}

/// A UDP datagram from port 5353.
pub(super) fn udp_to(port: u16, addresses: (IpAddr, IpAddr), payload: &[u8]) -> Vec<u8> {
    let length = (8 + payload.len()) as u16;
    let mut datagram = [5353, port, length, 0].map(u16::to_be_bytes).concat();
    datagram.extend(payload);
    seal(&mut datagram, 6, addresses, 17);
    datagram
}

/// An IPv4 packet; `fragment` is the field of flags and offset, `options` come in whole words.
pub(super) fn ipv4(protocol: u8, fragment: u16, options: &[u8], upper: &[u8]) -> Vec<u8> {
    let header_bytes = 20 + options.len();
    let total = (header_bytes + upper.len()) as u16;
    let mut header = vec![0x40 | (header_bytes / 4) as u8, 0];
    header.extend([total, 0x1234, fragment].map(u16::to_be_bytes).concat());
    header.extend([64, protocol, 0, 0]);
    header.extend(V4.0.octets());
    header.extend(V4.1.octets());
    header.extend(options);
    let checksum = !ones_sum(&header);
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
    header.extend(upper);
    header
}

/// An IPv6 packet; what follows the fixed header begins with a header of kind `next_header`.
pub(super) fn ipv6(next_header: u8, rest: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((rest.len() as u16).to_be_bytes());
    packet.extend([next_header, 63]);
    packet.extend(V6.0.octets());
    packet.extend(V6.1.octets());
    packet.extend(rest);
    packet
}

/// An extension header of 8-byte units, filled with padding.
pub(super) fn extension(next_header: u8, units: u8) -> Vec<u8> {
    let mut header = vec![0; 8 * usize::from(units)];
    header[..2].copy_from_slice(&[next_header, units - 1]);
    header
}

pub(super) fn fragment_header(next_header: u8, offset_and_more: u16) -> Vec<u8> {
    [&[next_header, 0][..], &offset_and_more.to_be_bytes(), &0xcafe_f00du32.to_be_bytes()].concat()
}

/// An Ethernet frame, not padded; each tag is a TPID and a control field.
pub(super) fn ethernet(tags: &[(u16, u16)], ethertype: u16, packet: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x02; 12];
    for (tpid, control) in tags {
        frame.extend(tpid.to_be_bytes());
        frame.extend(control.to_be_bytes());
    }
    frame.extend(ethertype.to_be_bytes());
    frame.extend(packet);
    frame
}

/// A datagram of VXLAN (RFC 7348 §5) with its checksum.
pub(super) fn vxlan(addresses: (IpAddr, IpAddr), vni: u32, frame: &[u8]) -> Vec<u8> {
    let header = [[8, 0, 0, 0], (vni << 8).to_be_bytes()].concat();
    udp_to(4789, addresses, &[header, frame.to_vec()].concat())
}

/// A datagram of GTP-U (3GPP TS 29.281 §5.1) over IPv4, whose length is put into the first 8 bytes of its header.
pub(super) fn gtp(header: &[u8], packet: &[u8]) -> Vec<u8> {
    let mut payload = [header, packet].concat();
    let length = (payload.len() - 8) as u16;
    payload[2..4].copy_from_slice(&length.to_be_bytes());
    udp_to(2152, v4(), &payload)
}

/// A PPPoE session (RFC 2516 §4) with PPP from its protocol field on.
pub(super) fn pppoe(session: u16, ppp: &[u8]) -> Vec<u8> {
    let mut header = vec![0x11, 0];
    header.extend(session.to_be_bytes());
    header.extend((ppp.len() as u16).to_be_bytes());
    [&header, ppp].concat()
}

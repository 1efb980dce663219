//! Community ID, version 1, seed 0: a name for a flow that other tools compute alike.
//!
//! The base64 of the SHA-1 of seed, addresses, protocol and ports, the smaller end first.

use arrayvec::{ArrayString, ArrayVec};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dataplane::flow::{FlowRecord, icmp_counterpart, protocol};
use sha1::{Digest, Sha1};
use std::net::IpAddr;

/// `1:` and the base64 of 20 bytes.
const ID_BYTES: usize = 30;
/// Seed, two IPv6 addresses, protocol, padding, two ports.
const INPUT_BYTES_MAX: usize = 2 + 16 + 16 + 1 + 1 + 2 + 2;

/// The identifier of a flow.
pub(super) fn id(flow: &FlowRecord) -> ArrayString<ID_BYTES> {
    let (ports, is_one_way) = ports(flow);
    let mut ends =
        [(flow.client.0, ports.map(|ports| ports[0])), (flow.server.0, ports.map(|ports| ports[1]))];
    if !is_one_way && ends[1] < ends[0] {
        ends.reverse();
    }
    let mut input: ArrayVec<u8, INPUT_BYTES_MAX> = ArrayVec::new();
    input.extend([0, 0]);
    for (address, _) in ends {
        match address {
            IpAddr::V4(address) => input.extend(address.octets()),
            IpAddr::V6(address) => input.extend(address.octets()),
        }
    }
    input.extend([flow.protocol, 0]);
    input.extend(ends.iter().filter_map(|(_, port)| *port).flat_map(u16::to_be_bytes));
    let mut encoded = [0; ID_BYTES];
    encoded[..2].copy_from_slice(b"1:");
    let digest = Sha1::digest(&input);
    STANDARD.encode_slice(digest, &mut encoded[2..]).expect("20 bytes take 28 characters");
    ArrayString::from_byte_string(&encoded).expect("base64 is ASCII")
}

/// The ports that the hash knows, and whether the order of the ends must stay.
fn ports(flow: &FlowRecord) -> (Option<[u16; 2]>, bool) {
    match flow.protocol {
        protocol::TCP | protocol::UDP | protocol::SCTP => (Some([flow.client.1, flow.server.1]), false),
        protocol::ICMP | protocol::ICMPV6 => {
            let Some((kind, code)) = flow.icmp else { return (None, false) };
            match icmp_counterpart(flow.protocol, kind) {
                Some(answer) => (Some([u16::from(kind), u16::from(answer)]), false),
                None => (Some([u16::from(kind), u16::from(code)]), true),
            }
        }
        _ => (None, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eve::tests::flow;

    fn id_of(protocol: u8, client: (&str, u16), server: (&str, u16), icmp: Option<(u8, u8)>) -> String {
        let mut flow = flow();
        flow.protocol = protocol;
        flow.client = (client.0.parse().expect("an address"), client.1);
        flow.server = (server.0.parse().expect("an address"), server.1);
        flow.icmp = icmp;
        id(&flow).to_string()
    }

    /// The examples of the specification.
    #[test]
    fn published_identifiers() {
        let (a, b) = (("128.232.110.120", 34855), ("66.35.250.204", 80));
        assert_eq!(id_of(protocol::TCP, a, b, None), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        assert_eq!(id_of(protocol::TCP, b, a, None), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        let (a, b) = (("192.168.1.52", 54585), ("8.8.8.8", 53));
        assert_eq!(id_of(protocol::UDP, a, b, None), "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
        let (a, b) = (("192.168.0.89", 0), ("192.168.0.1", 0));
        assert_eq!(id_of(protocol::ICMP, a, b, Some((8, 0))), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
        assert_eq!(id_of(protocol::ICMP, b, a, Some((0, 0))), "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
        let (a, b) = (("fe80::200:86ff:fe05:80da", 0), ("fe80::260:97ff:fe07:69ea", 0));
        assert_eq!(id_of(protocol::ICMPV6, a, b, Some((135, 0))), "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=");
    }

    #[test]
    fn one_way_messages_keep_their_order() {
        let (a, b) = (("192.168.0.89", 0), ("192.168.0.1", 0));
        let there = id_of(protocol::ICMP, a, b, Some((3, 1)));
        assert_ne!(there, id_of(protocol::ICMP, b, a, Some((3, 1))));
    }

    #[test]
    fn ports_of_sctp_count() {
        let (a, b, other) = (("10.0.0.1", 2905), ("10.0.0.2", 80), ("10.0.0.2", 81));
        assert_eq!(id_of(protocol::SCTP, a, b, None), id_of(protocol::SCTP, b, a, None));
        assert_ne!(id_of(protocol::SCTP, a, b, None), id_of(protocol::SCTP, a, other, None));
    }

    #[test]
    fn protocols_without_ports_hash_addresses_alone() {
        let (a, b) = (("10.0.0.1", 0), ("10.0.0.2", 0));
        assert_eq!(id_of(47, a, b, None), id_of(47, b, a, None));
    }
}

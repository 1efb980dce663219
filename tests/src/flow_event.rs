//! An EVE `flow` event as numbers that can be compared.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;

/// One end of a flow: address and port, 0 where the protocol has none.
pub type End = (IpAddr, u16);

/// Who spoke with whom, and how much.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flow {
    /// Upper-layer protocol number.
    pub protocol: u8,
    /// The end that spoke first.
    pub client: End,
    /// The other one.
    pub server: End,
    /// Frames to the server, and to the client.
    pub frames: [u64; 2],
    /// Bytes of those frames on the wire.
    pub bytes: [u64; 2],
}

impl Flow {
    /// Reads an event; `None` where a part is missing.
    pub fn from_eve(event: &Value) -> Option<Flow> {
        let end = |address: &str, port: &str| {
            Some((event[address].as_str()?.parse().ok()?, event[port].as_u64().unwrap_or(0) as u16))
        };
        let both = |name: &str| {
            let direction = |to: &str| event["flow"][format!("{name}_{to}")].as_u64();
            Some([direction("toserver")?, direction("toclient")?])
        };
        Some(Flow {
            protocol: protocol_number(event["proto"].as_str()?)?,
            client: end("src_ip", "src_port")?,
            server: end("dest_ip", "dest_port")?,
            frames: both("pkts")?,
            bytes: both("bytes")?,
        })
    }

    /// The same flow told from the other end.
    pub fn reversed(mut self) -> Flow {
        std::mem::swap(&mut self.client, &mut self.server);
        self.frames.reverse();
        self.bytes.reverse();
        self
    }

    /// Whether both speak of the same ends, whoever spoke first.
    pub fn has_ends_of(&self, other: &Flow) -> bool {
        let mut ends = [[self.client, self.server], [other.client, other.server]];
        ends.iter_mut().for_each(|ends| ends.sort());
        self.protocol == other.protocol && ends[0] == ends[1]
    }
}

impl std::fmt::Display for Flow {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Flow { protocol, client, server, frames, bytes } = self;
        write!(out, "{protocol} [{}]:{} > [{}]:{} ", client.0, client.1, server.0, server.1)?;
        write!(out, "frames {frames:?} bytes {bytes:?}")
    }
}

/// The flows of a capture with those of the same ends and tags made one, the earliest giving the direction:
/// Weir begins a new flow where a connection is opened again, nDPI does not.
pub fn merged<'e>(events: impl Iterator<Item = &'e Value>) -> Vec<Flow> {
    let mut events: Vec<&Value> = events.collect();
    events.sort_by_key(|event| event["flow"]["start"].as_str().map(str::to_owned));
    let mut flows: Vec<Flow> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for event in events {
        let flow = Flow::from_eve(event).unwrap_or_else(|| panic!("not a whole flow event: {event}"));
        let mut ends = [flow.client, flow.server];
        ends.sort();
        let place =
            *places.entry(format!("{} {ends:?} {}", flow.protocol, event["vlan"])).or_insert(flows.len());
        match flows.get_mut(place) {
            None => flows.push(flow),
            Some(first) => {
                let same = if first.client == flow.client { flow } else { flow.reversed() };
                for direction in 0..2 {
                    first.frames[direction] += same.frames[direction];
                    first.bytes[direction] += same.bytes[direction];
                }
            }
        }
    }
    flows
}

/// The number behind a name that an event or a suite uses, or behind the number itself.
pub fn protocol_number(name: &str) -> Option<u8> {
    const NAMES: [(&str, u8); 20] = [
        ("HOPOPT", 0),
        ("ICMP", 1),
        ("IGMP", 2),
        ("IP-in-IP", 4),
        ("IPIP", 4),
        ("TCP", 6),
        ("UDP", 17),
        ("IPv6", 41),
        ("GRE", 47),
        ("ESP", 50),
        ("AH", 51),
        ("IPv6-ICMP", 58),
        ("ICMPV6", 58),
        ("IPV6-NONXT", 59),
        ("EIGRP", 88),
        ("OSPF", 89),
        ("PIM", 103),
        ("VRRP", 112),
        ("L2TP", 115),
        ("SCTP", 132),
    ];
    let known = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    known.map(|(_, number)| *number).or_else(|| name.parse().ok())
}

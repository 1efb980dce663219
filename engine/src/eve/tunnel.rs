//! What a flow travels inside of, as `tunnel` tells it.

use std::net::IpAddr;

use arrayvec::ArrayVec;
use dataplane::decode::Tunnel;
use dataplane::flow::Direction;
use dataplane::limits::TUNNEL_NESTING_MAX;
use serde::Serialize;

use super::line::Protocol;

/// The outermost tunnel in Suricata's words, and all of them in ours.
#[derive(Serialize)]
pub(super) struct TunnelBody {
    #[serde(flatten)]
    outermost: Option<Ends>,
    /// How many there are.
    depth: usize,
    /// Each of them, the outermost first.
    parents: ArrayVec<Parent, TUNNEL_NESTING_MAX>,
}

#[derive(Serialize)]
struct Ends {
    src_ip: IpAddr,
    dest_ip: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    proto: Option<Protocol>,
}

#[derive(Serialize)]
struct Parent {
    kind: &'static str,
    /// VNI, session, key, label, or the TEID of the first packet.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
    #[serde(flatten)]
    ends: Option<Ends>,
}

impl TunnelBody {
    /// What `tunnels` are to a packet of that direction; `None` where there are none.
    pub(super) fn new(tunnels: &[Tunnel], direction: Direction) -> Option<TunnelBody> {
        if tunnels.is_empty() {
            return None;
        }
        let tunnels = tunnels.iter().map(|tunnel| match direction {
            Direction::ToServer => *tunnel,
            Direction::ToClient => tunnel.reversed(),
        });
        let outermost = tunnels.clone().find(|tunnel| tunnel.ends.is_some());
        let parents: ArrayVec<Parent, TUNNEL_NESTING_MAX> = tunnels.map(Parent::new).collect();
        Some(TunnelBody {
            outermost: outermost.and_then(|tunnel| Ends::new(tunnel, true)),
            depth: parents.len(),
            parents,
        })
    }
}

impl Parent {
    fn new(tunnel: Tunnel) -> Parent {
        Parent { kind: tunnel.kind.as_str(), id: tunnel.id, ends: Ends::new(tunnel, false) }
    }
}

impl Ends {
    fn new(tunnel: Tunnel, with_protocol: bool) -> Option<Ends> {
        let (src_ip, dest_ip) = tunnel.ends?;
        let proto = tunnel.kind.protocol().filter(|_| with_protocol).map(Protocol);
        Some(Ends { src_ip, dest_ip, proto })
    }
}

//! What is said of a live flow.

use std::net::IpAddr;

use clap::ValueEnum;
use dataplane::pipeline::{LiveFlow, Standing};
use serde::{Deserialize, Serialize};

use crate::eve::{Protocol, Timestamp, has_ports};

/// A live flow in the words of EVE, where it has such: `src` is the end that spoke first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedFlow {
    /// Name of the link that it crosses.
    pub link: String,
    /// Upper-layer protocol.
    pub proto: String,
    /// Address of the end that spoke first.
    pub src_ip: IpAddr,
    /// Its port, where the protocol has such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src_port: Option<u16>,
    /// Address of the end that was spoken to.
    pub dest_ip: IpAddr,
    /// Its port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dest_port: Option<u16>,
    /// The outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vlan: Vec<u16>,
    /// The innermost tunnel that it travels in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<String>,
    /// How far it came.
    pub state: String,
    /// Whether it may have to make room for others.
    pub half_open: bool,
    /// What it speaks, as far as that is known.
    pub app_proto: String,
    /// What product answers, where it speaks HTTP and a header told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_product: Option<String>,
    /// What is done with it.
    pub verdict: FlowVerdict,
    /// Why it is blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The threat for which it is, or else the first one that was seen in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threat: Option<String>,
    /// Whether any rule matched.
    pub alerted: bool,
    /// Time of its first frame.
    pub start: String,
    /// Time of its newest frame.
    pub last: String,
    /// Milliseconds since its first frame.
    pub age_ms: u64,
    /// Milliseconds since its newest frame.
    pub idle_ms: u64,
    /// Frames of the client, but for those that the XDP program handled, which are counted when the flow ends.
    pub pkts_toserver: u64,
    /// Likewise of the server.
    pub pkts_toclient: u64,
    /// Bytes of the client's frames on the wire, link headers included.
    pub bytes_toserver: u64,
    /// Likewise of the server's.
    pub bytes_toclient: u64,
}

/// What is done with the frames of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum FlowVerdict {
    /// They are read, and pass until a cause speaks against one.
    Inspected,
    /// None passes any more.
    Blocked,
    /// All pass without a look.
    Bypassed,
}

impl FlowVerdict {
    /// Of a flow that stands so.
    pub fn of(standing: &Standing) -> FlowVerdict {
        match standing {
            Standing { blocked: Some(_), .. } => FlowVerdict::Blocked,
            Standing { is_bypassed: true, .. } => FlowVerdict::Bypassed,
            _ => FlowVerdict::Inspected,
        }
    }

    /// The name that lists use.
    pub fn as_str(self) -> &'static str {
        match self {
            FlowVerdict::Inspected => "inspected",
            FlowVerdict::Blocked => "blocked",
            FlowVerdict::Bypassed => "bypassed",
        }
    }
}

impl ListedFlow {
    /// A flow as it stood, told at `now_ns`.
    pub fn new(flow: &LiveFlow, link: &str, now_ns: u64) -> ListedFlow {
        let port = |port: u16| has_ports(flow.protocol).then_some(port);
        let since = |then_ns: u64| now_ns.saturating_sub(then_ns) / 1_000_000;
        let time = |ns: u64| Timestamp::from_ns(ns).as_str().to_owned();
        let standing = flow.standing;
        ListedFlow {
            link: link.to_owned(),
            proto: Protocol(flow.protocol).to_string(),
            src_ip: flow.client.0,
            src_port: port(flow.client.1),
            dest_ip: flow.server.0,
            dest_port: port(flow.server.1),
            vlan: flow.vlans.ids().to_vec(),
            tunnel: standing.tunnel.map(|kind| kind.as_str().to_owned()),
            state: standing.state.as_str().to_owned(),
            half_open: standing.is_half_open,
            app_proto: standing.app.as_str().to_owned(),
            app_product: standing.product.map(|product| product.as_str().to_owned()),
            verdict: FlowVerdict::of(&standing),
            reason: standing.blocked.map(|reason| reason.as_str().to_owned()),
            threat: standing.threat.map(|threat| threat.as_str().to_owned()),
            alerted: standing.alerted,
            start: time(flow.start_ns),
            last: time(flow.last_ns),
            age_ms: since(flow.start_ns),
            idle_ms: since(flow.last_ns),
            pkts_toserver: flow.frames[0],
            pkts_toclient: flow.frames[1],
            bytes_toserver: flow.bytes[0],
            bytes_toclient: flow.bytes[1],
        }
    }
}

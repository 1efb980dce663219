//! One EVE line: the fields of every kind of event, in the order in which they are written.

use std::fmt;
use std::net::IpAddr;

use arrayvec::{ArrayString, ArrayVec};
use dataplane::event::FlowEnd;
use dataplane::flow::{Direction, FlowRecord, protocol};
use dataplane::limits::VLAN_TAGS_MAX;
use dataplane::policy::{BypassCause, Threat};
use dataplane::verdict::{Causes, DropReason};
use serde::{Serialize, Serializer};

use super::Timestamp;
use super::file_body::FileBody;
use super::http_body::HttpBody;
use super::link::LinkBody;
use super::record::Evidence;
use super::reload::ReloadBody;
use super::stats::StatsBody;
use super::tunnel::TunnelBody;
use crate::config::EventType;

/// One line. What is `None` or empty is not written.
#[derive(Serialize)]
pub(super) struct Line<'e> {
    pub(super) timestamp: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) flow_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) in_iface: Option<&'e str>,
    pub(super) event_type: &'static str,
    #[serde(skip_serializing_if = "ArrayVec::is_empty")]
    pub(super) vlan: ArrayVec<u16, VLAN_TAGS_MAX>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) src_ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) src_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dest_ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dest_port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) proto: Option<Protocol>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) icmp_type: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) icmp_code: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) community_id: Option<ArrayString<30>>,
    /// What the flow travels inside of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tunnel: Option<TunnelBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) direction: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tx_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) app_proto: Option<&'static str>,
    /// What the flow spoke before that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) app_proto_orig: Option<&'static str>,
    /// What product answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) app_product: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) alert: Option<AlertBody<'e>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) drop: Option<DropBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) anomaly: Option<AnomalyBody<'e>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) http: Option<HttpBody<'e>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fileinfo: Option<FileBody<'e>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) flow: Option<FlowBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tcp: Option<TcpBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stats: Option<StatsBody<'e>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ruleset_reload: Option<ReloadBody<'e>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) link: Option<LinkBody<'e>>,
}

impl<'e> Line<'e> {
    /// A line that says only when, and of what kind it is.
    pub(super) fn new(now_ns: u64, kind: EventType) -> Self {
        Line {
            timestamp: Timestamp::from_ns(now_ns),
            flow_id: None,
            in_iface: None,
            event_type: kind.as_str(),
            vlan: ArrayVec::new(),
            src_ip: None,
            src_port: None,
            dest_ip: None,
            dest_port: None,
            proto: None,
            icmp_type: None,
            icmp_code: None,
            community_id: None,
            tunnel: None,
            direction: None,
            tx_id: None,
            app_proto: None,
            app_proto_orig: None,
            app_product: None,
            alert: None,
            drop: None,
            anomaly: None,
            http: None,
            fileinfo: None,
            flow: None,
            tcp: None,
            stats: None,
            ruleset_reload: None,
            link: None,
        }
    }
}

/// Whether the two ends of a flow have port numbers.
pub(crate) fn has_ports(of_protocol: u8) -> bool {
    matches!(of_protocol, protocol::TCP | protocol::UDP | protocol::SCTP)
}

/// An upper-layer protocol: by name where it has one, else by number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Protocol(pub(crate) u8);

impl Protocol {
    fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            protocol::ICMP => "ICMP",
            protocol::IPV4 => "IP-in-IP",
            protocol::TCP => "TCP",
            protocol::UDP => "UDP",
            protocol::IPV6 => "IPv6",
            protocol::GRE => "GRE",
            protocol::ICMPV6 => "IPv6-ICMP",
            protocol::SCTP => "SCTP",
            _ => return None,
        })
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:03}", self.0),
        }
    }
}

impl Serialize for Protocol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.name() {
            Some(name) => serializer.serialize_str(name),
            None => serializer.collect_str(self),
        }
    }
}

#[derive(Serialize)]
pub(super) struct AlertBody<'e> {
    pub(super) action: &'static str,
    pub(super) gid: u32,
    pub(super) signature_id: u32,
    pub(super) rev: u32,
    pub(super) signature: &'e str,
    pub(super) category: &'e str,
    pub(super) severity: u8,
    pub(super) context: Context<'e>,
}

/// The evidence of an alert.
#[derive(Serialize)]
pub(super) struct Context<'e> {
    pub(super) pack: &'e str,
    /// What the rule asks for.
    pub(super) action: &'static str,
    pub(super) field: &'static str,
    /// Of the first matched byte in the field.
    pub(super) offset: u64,
    pub(super) length: u64,
    #[serde(rename = "match")]
    pub(super) matched: &'e str,
}

/// A threat by number and name.
#[derive(Serialize)]
pub(super) struct ThreatBody {
    id: u32,
    name: &'static str,
}

impl From<Threat> for ThreatBody {
    fn from(threat: Threat) -> ThreatBody {
        ThreatBody { id: threat.id(), name: threat.as_str() }
    }
}

#[derive(Serialize)]
pub(super) struct DropBody {
    pub(super) len: u32,
    pub(super) reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) threat: Option<ThreatBody>,
    pub(super) reset: bool,
    /// The port by which the frame came in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) port: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct AnomalyBody<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) app_proto: Option<&'static str>,
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) threat: Option<ThreatBody>,
    /// What the operator wants done about the threat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) layer: Option<&'static str>,
    /// What it rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) context: Option<Evidence<'e>>,
}

#[derive(Serialize)]
pub(super) struct FlowBody {
    pkts_toserver: u64,
    pkts_toclient: u64,
    bytes_toserver: u64,
    bytes_toclient: u64,
    start: Timestamp,
    #[serde(flatten)]
    end: Option<FlowEndBody>,
}

/// What is known of a flow once it is over.
#[derive(Serialize)]
struct FlowEndBody {
    end: Timestamp,
    /// In whole seconds.
    age: u64,
    state: &'static str,
    reason: &'static str,
    alerted: bool,
    /// What it was blocked for, or else the first one that was seen in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    threat: Option<ThreatBody>,
    /// Whether an end broke the protocol that the flow is named by.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    app_failed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drop_reason: Option<&'static str>,
    /// The rules that were in force then, by their number since the start.
    #[serde(skip_serializing_if = "Option::is_none")]
    drop_epoch: Option<u32>,
    /// Why it passed without a further look.
    #[serde(skip_serializing_if = "Option::is_none")]
    bypassed: Option<&'static str>,
    /// What spoke against frames of it, beside rules.
    #[serde(skip_serializing_if = "Causes::is_empty", serialize_with = "names")]
    exceptions: Causes,
}

/// As a list.
fn names<S: Serializer>(causes: &Causes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(causes.iter().map(DropReason::as_str))
}

impl FlowBody {
    pub(super) fn so_far(flow: &FlowRecord) -> FlowBody {
        let [pkts_toserver, pkts_toclient] = flow.frames;
        let [bytes_toserver, bytes_toclient] = flow.bytes;
        let start = Timestamp::from_ns(flow.start_ns);
        FlowBody { pkts_toserver, pkts_toclient, bytes_toserver, bytes_toclient, start, end: None }
    }

    pub(super) fn at_end(end: &FlowEnd<'_>) -> FlowBody {
        let flow = end.flow;
        let body = FlowEndBody {
            end: Timestamp::from_ns(flow.last_ns),
            // As Suricata counts: from second to second, not rounded down from the whole span.
            age: (flow.last_ns / 1_000_000_000).saturating_sub(flow.start_ns / 1_000_000_000),
            state: end.state.as_str(),
            reason: end.cause.as_str(),
            alerted: end.alerted,
            threat: end.threat.map(ThreatBody::from),
            app_failed: end.app_failed,
            action: end.blocked.map(|_| "drop"),
            drop_reason: end.blocked.map(|(reason, _)| reason.as_str()),
            drop_epoch: end.blocked.map(|(_, epoch)| epoch.0),
            bypassed: end.bypassed.map(BypassCause::as_str),
            exceptions: end.exceptions,
        };
        FlowBody { end: Some(body), ..FlowBody::so_far(flow) }
    }
}

/// TCP control bits, all and by direction. Only those that were seen are written by name.
#[derive(Serialize)]
pub(super) struct TcpBody {
    tcp_flags: Flags,
    tcp_flags_ts: Flags,
    tcp_flags_tc: Flags,
    #[serde(skip_serializing_if = "is_false")]
    syn: bool,
    #[serde(skip_serializing_if = "is_false")]
    fin: bool,
    #[serde(skip_serializing_if = "is_false")]
    rst: bool,
    #[serde(skip_serializing_if = "is_false")]
    psh: bool,
    #[serde(skip_serializing_if = "is_false")]
    ack: bool,
    #[serde(skip_serializing_if = "is_false")]
    urg: bool,
    #[serde(skip_serializing_if = "is_false")]
    ecn: bool,
    #[serde(skip_serializing_if = "is_false")]
    cwr: bool,
    state: &'static str,
}

/// Control bits in hexadecimal.
struct Flags(u8);

impl Serialize for Flags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
        let mut text = ArrayString::<2>::new();
        text.push(digit(self.0 >> 4));
        text.push(digit(self.0 & 0xf));
        serializer.serialize_str(&text)
    }
}

impl TcpBody {
    pub(super) fn new(flow: &FlowRecord, state: &'static str) -> TcpBody {
        let to_server = flow.tcp_flags[Direction::ToServer as usize];
        let to_client = flow.tcp_flags[Direction::ToClient as usize];
        let seen = to_server | to_client;
        TcpBody {
            tcp_flags: Flags(seen),
            tcp_flags_ts: Flags(to_server),
            tcp_flags_tc: Flags(to_client),
            syn: seen & 0x02 != 0,
            fin: seen & 0x01 != 0,
            rst: seen & 0x04 != 0,
            psh: seen & 0x08 != 0,
            ack: seen & 0x10 != 0,
            urg: seen & 0x20 != 0,
            ecn: seen & 0x40 != 0,
            cwr: seen & 0x80 != 0,
            state,
        }
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

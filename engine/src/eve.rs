//! Events as EVE JSON lines, with the field names of Suricata 7.
//!
//! A line is written straight into a reusable buffer: no tree of values, no allocation once the buffer has
//! grown. What Weir knows beyond Suricata stands under `app_product`, `alert.context`, `anomaly.action`, `drop.reset`,
//! `drop.port`, `flow.drop_reason`, `flow.drop_epoch`, `http.product`, `threat` and `tunnel.parents`; `ruleset_reload` and
//! `link` are events of its own.

use dataplane::app::{AppProtocol, HttpProduct, Record, RecordKind};
use dataplane::decode::Glimpse;
use dataplane::event::{
    Alert, Anomaly, AnomalyKind, AppRecord, Dropped, Event, FlowEnd, HttpEnd, HttpFileEnd, Owner, ThreatSeen,
};
use dataplane::flow::{Direction, FlowRecord};
use dataplane::pipeline::Side;
use serde::Serialize;

use crate::config::{EventType, EventTypes};

mod community;
mod file;
mod file_body;
mod http_body;
mod json;
mod line;
mod link;
mod log;
mod record;
mod reload;
mod stats;
mod text;
mod timestamp;
mod tunnel;

pub use file::EveFile;
pub(crate) use line::{Protocol, has_ports};
pub use link::{LinkChange, LinkState, What};
pub use log::{EveLog, EveSender};
pub use reload::Reload;
pub(crate) use stats::DropReasons;
pub use stats::Totals;
pub use timestamp::Timestamp;

use file_body::FileBody;
use http_body::HttpBody;
use json::Json;
use line::{AlertBody, AnomalyBody, Context, DropBody, FlowBody, Line, TcpBody, ThreatBody};
use link::LinkBody;
use record::{Evidence, RecordBody};
use reload::ReloadBody;
use stats::StatsBody;
use text::Text;
use tunnel::TunnelBody;

/// Turns events into lines, each closed by a newline.
#[derive(Clone, Debug)]
pub struct EveFormat {
    types: EventTypes,
    /// Names of the links by index; none for a replay, whose frames come from no interface.
    links: Vec<String>,
}

impl EveFormat {
    /// A format that tells only of `types`, and gives link number i the i-th name of `links`.
    pub fn new(types: EventTypes, links: Vec<String>) -> EveFormat {
        EveFormat { types, links }
    }

    /// Appends the line of an event, where its kind is wanted; says whether it was.
    pub fn event(&self, event: &Event<'_>, out: &mut Vec<u8>) -> bool {
        let kind = match event {
            Event::Alert(_) => EventType::Alert,
            Event::Drop(_) => EventType::Drop,
            Event::Flow(_) => EventType::Flow,
            Event::Http(_) => EventType::App(AppProtocol::Http),
            Event::HttpFile(_) => EventType::FileInfo,
            Event::App(told) => kind_of(told.record),
            Event::Anomaly(_) | Event::Threat(_) => EventType::Anomaly,
        };
        if !self.types.has(kind) {
            return false;
        }
        match event {
            Event::Alert(alert) => self.alert(alert, out),
            Event::Drop(dropped) => self.dropped(dropped, out),
            Event::Flow(end) => self.flow(end, out),
            Event::Http(end) => self.http(end, out),
            Event::HttpFile(end) => self.http_file(end, out),
            Event::App(told) => self.record(told, out),
            Event::Anomaly(anomaly) => self.anomaly(anomaly, out),
            Event::Threat(seen) => self.threat(seen, out),
        }
        true
    }

    /// Appends a line of counters.
    pub fn stats(&self, totals: &Totals<'_>, now_ns: u64, out: &mut Vec<u8>) {
        if self.types.has(EventType::Stats) {
            write(&Line { stats: Some(StatsBody::new(totals)), ..Line::new(now_ns, EventType::Stats) }, out);
        }
    }

    /// Appends a line on a reload of the packs.
    pub fn reload(&self, reload: &Reload, now_ns: u64, out: &mut Vec<u8>) {
        if self.types.has(EventType::Reload) {
            let ruleset_reload = Some(ReloadBody::new(reload));
            write(&Line { ruleset_reload, ..Line::new(now_ns, EventType::Reload) }, out);
        }
    }

    /// Appends a line on a change of a link.
    pub fn link(&self, change: &LinkChange<'_>, now_ns: u64, out: &mut Vec<u8>) {
        if self.types.has(EventType::Link) {
            write(&Line { link: Some(LinkBody::new(change)), ..Line::new(now_ns, EventType::Link) }, out);
        }
    }

    fn alert(&self, alert: &Alert<'_>, out: &mut Vec<u8>) {
        let (rule, hit) = (alert.rule, alert.hit);
        let masked = rule.masked(hit);
        let body = AlertBody {
            action: if alert.blocked { "blocked" } else { "allowed" },
            gid: 1,
            signature_id: rule.id(),
            rev: 1,
            signature: rule.name(),
            category: rule.category(),
            severity: rule.severity(),
            context: Context {
                pack: rule.pack(),
                action: rule.action().as_str(),
                field: alert.field.as_str(),
                offset: hit.start,
                length: hit.end - hit.start,
                matched: &masked,
            },
        };
        let line = self.packet_line(alert.now_ns, EventType::Alert, alert.flow, alert.direction);
        let (app_proto, app_proto_orig) =
            (Some(alert.app.as_str()), alert.app_before.map(AppProtocol::as_str));
        let flow = Some(FlowBody::so_far(alert.flow));
        write(&Line { app_proto, app_proto_orig, alert: Some(body), flow, ..line }, out);
    }

    fn dropped(&self, dropped: &Dropped<'_>, out: &mut Vec<u8>) {
        let body = DropBody {
            len: dropped.wire_bytes,
            reason: dropped.reason.as_str(),
            threat: dropped.threat.map(ThreatBody::from),
            reset: dropped.reset,
            port: dropped.side.map(|side| match side {
                Side::Inside => "inside",
                Side::Outside => "outside",
            }),
        };
        let line = self.owner_line(dropped.now_ns, EventType::Drop, dropped.owner);
        write(&Line { drop: Some(body), ..line }, out);
    }

    fn flow(&self, end: &FlowEnd<'_>, out: &mut Vec<u8>) {
        let line = self.flow_line(end.now_ns, EventType::Flow, end.flow);
        let tcp = end.tcp.map(|state| TcpBody::new(end.flow, state.as_str()));
        let (app_proto, app_proto_orig) = (Some(end.app.as_str()), end.app_before.map(AppProtocol::as_str));
        let app_product = end.product.map(HttpProduct::as_str);
        let flow = Some(FlowBody::at_end(end));
        write(&Line { app_proto, app_proto_orig, app_product, flow, tcp, ..line }, out);
    }

    fn http(&self, end: &HttpEnd<'_>, out: &mut Vec<u8>) {
        let line = self.flow_line(end.now_ns, EventType::App(AppProtocol::Http), end.flow);
        let (tx_id, http) = (Some(end.transaction.id), Some(HttpBody::new(end.transaction)));
        write(&Line { tx_id, http, ..line }, out);
    }

    fn http_file(&self, end: &HttpFileEnd<'_>, out: &mut Vec<u8>) {
        let transaction = end.transaction;
        let line = self.packet_line(end.now_ns, EventType::FileInfo, end.flow, end.direction);
        let is_http2 = transaction.http2.is_some();
        let app_proto = if is_http2 { AppProtocol::Http2 } else { AppProtocol::Http }.as_str();
        let http = Some(HttpBody::new(transaction));
        let fileinfo = Some(FileBody::new(transaction, end.file));
        let tx_id = Some(transaction.id);
        write(&Line { tx_id, app_proto: Some(app_proto), http, fileinfo, ..line }, out);
    }

    fn record(&self, told: &AppRecord<'_>, out: &mut Vec<u8>) {
        let record = told.record;
        let kind = kind_of(record);
        let line = self.flow_line(told.now_ns, kind, told.flow);
        // The name of the event is not that of the protocol then.
        let app_proto = (record.kind() == RecordKind::File).then(|| record.protocol().as_str());
        let line = Line { tx_id: Some(record.id()), app_proto, ..line };
        let values = RecordBody::new(record.values());
        write_with(&line, out, |out| {
            member(kind.as_str(), &values, out);
            for (name, beside) in record.values_beside() {
                member(name, &RecordBody::new(beside), out);
            }
        });
    }

    fn anomaly(&self, anomaly: &Anomaly<'_>, out: &mut Vec<u8>) {
        let line = self.packet_line(anomaly.now_ns, EventType::Anomaly, anomaly.flow, anomaly.direction);
        let (app_proto, kind, layer) = match anomaly.kind {
            AnomalyKind::App(protocol, _) => (Some(protocol.as_str()), "applayer", Some("proto_parser")),
            AnomalyKind::Overlap => (None, "stream", None),
        };
        let event = anomaly.kind.as_str();
        let body = AnomalyBody { app_proto, kind, event, threat: None, action: None, layer, context: None };
        write(&Line { anomaly: Some(body), ..line }, out);
    }

    fn threat(&self, seen: &ThreatSeen<'_>, out: &mut Vec<u8>) {
        let protocol = seen.evidence.protocol();
        let body = AnomalyBody {
            app_proto: protocol.is_known().then(|| protocol.as_str()),
            kind: "threat",
            event: seen.threat.as_str(),
            threat: Some(seen.threat.into()),
            action: Some(seen.action.as_str()),
            layer: None,
            context: Some(Evidence(seen.evidence)),
        };
        let line = self.owner_line(seen.now_ns, EventType::Anomaly, seen.owner);
        write(&Line { anomaly: Some(body), ..line }, out);
    }

    /// The head of a line about a frame, of whatever owner.
    fn owner_line<'e>(&'e self, now_ns: u64, kind: EventType, owner: Owner<'e>) -> Line<'e> {
        match owner {
            Owner::Flow { record, direction } => self.packet_line(now_ns, kind, record, direction),
            Owner::Nobody { link, glimpse } => self.frame_line(now_ns, kind, link, glimpse),
        }
    }

    /// The head of a line about one packet: source and destination are the packet's.
    fn packet_line<'e>(
        &'e self,
        now_ns: u64,
        kind: EventType,
        flow: &'e FlowRecord,
        direction: Direction,
    ) -> Line<'e> {
        let line = self.flow_line(now_ns, kind, flow);
        let direction_name = Some(direction.as_str());
        match direction {
            Direction::ToServer => Line { direction: direction_name, ..line },
            Direction::ToClient => Line {
                direction: direction_name,
                tunnel: TunnelBody::new(&flow.tunnels, direction),
                src_ip: line.dest_ip,
                src_port: line.dest_port,
                dest_ip: line.src_ip,
                dest_port: line.src_port,
                ..line
            },
        }
    }

    /// The head of a line about a frame of no flow: what it tells of itself.
    fn frame_line<'e>(&'e self, now_ns: u64, kind: EventType, link: u16, glimpse: &'e Glimpse) -> Line<'e> {
        Line {
            in_iface: self.link_name(link),
            vlan: glimpse.vlans.ids(),
            src_ip: glimpse.ends.map(|(source, _)| source),
            src_port: glimpse.ports.map(|(source, _)| source),
            dest_ip: glimpse.ends.map(|(_, destination)| destination),
            dest_port: glimpse.ports.map(|(_, destination)| destination),
            proto: glimpse.protocol.map(line::Protocol),
            icmp_type: glimpse.icmp.map(|(kind, _)| kind),
            icmp_code: glimpse.icmp.map(|(_, code)| code),
            // As the frame has them: it is on its way to a server as far as this goes.
            tunnel: TunnelBody::new(&glimpse.tunnels, Direction::ToServer),
            ..Line::new(now_ns, kind)
        }
    }

    fn link_name(&self, link: u16) -> Option<&str> {
        self.links.get(usize::from(link)).map(String::as_str)
    }

    /// The head of a line about a flow: from client to server.
    fn flow_line<'e>(&'e self, now_ns: u64, kind: EventType, flow: &'e FlowRecord) -> Line<'e> {
        let has_ports = line::has_ports(flow.protocol);
        Line {
            flow_id: Some(flow.id),
            in_iface: self.link_name(flow.link),
            vlan: flow.vlans.ids(),
            src_ip: Some(flow.client.0),
            src_port: has_ports.then_some(flow.client.1),
            dest_ip: Some(flow.server.0),
            dest_port: has_ports.then_some(flow.server.1),
            proto: Some(line::Protocol(flow.protocol)),
            icmp_type: flow.icmp.map(|(kind, _)| kind),
            icmp_code: flow.icmp.map(|(_, code)| code),
            community_id: Some(community::id(flow)),
            tunnel: TunnelBody::new(&flow.tunnels, Direction::ToServer),
            ..Line::new(now_ns, kind)
        }
    }
}

fn write(line: &Line<'_>, out: &mut Vec<u8>) {
    line.serialize(Json(out)).expect("a line has only plain fields");
    out.push(b'\n');
}

/// A line, and members of it that `add` tells behind its own.
fn write_with(line: &Line<'_>, out: &mut Vec<u8>, add: impl FnOnce(&mut Vec<u8>)) {
    line.serialize(Json(out)).expect("a line has only plain fields");
    let close = out.pop();
    debug_assert_eq!(close, Some(b'}'), "a line is an object");
    add(out);
    out.extend_from_slice(b"}\n");
}

fn member(name: &'static str, body: &impl Serialize, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    body.serialize(Json(out)).expect("a record has only plain values");
}

/// What event a record is.
fn kind_of(record: &Record) -> EventType {
    match record.kind() {
        RecordKind::Transaction => EventType::App(record.protocol()),
        RecordKind::File => EventType::FileInfo,
    }
}

#[cfg(test)]
mod tests;

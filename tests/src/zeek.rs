//! The connections that Zeek's own test suite logs, compared with Weir's flows.
//!
//! A row of a `conn.log` says who spoke with whom, in how many packets and how many bytes of IP, how many bytes of payload, in
//! what state a connection ended and which of its control bits were seen. Zeek tells ICMP apart by message type, and ends
//! flows by other causes; so what is counted is compared for all rows and all flows between two ends together, and the rest
//! where there is one of each.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use dataplane::app::Lane;
use dataplane::decode::{ChecksumMode, Packet, TcpFlags, decode, protocol};
use dataplane::event::{Event, EventSink, FlowState, Reading};
use dataplane::flow::{Direction, FlowRecord, ports};
use engine::io::pcap::Record;

use crate::flow_event::{End, protocol_number};
use crate::scoreboard::Scoreboard;

/// Upper-layer protocol and two ends, in order.
pub type Ends = (u8, [End; 2]);

/// Of ports, the logs have those of TCP and UDP.
fn ends(of_protocol: u8, a: End, b: End) -> Ends {
    let has_ports = matches!(of_protocol, protocol::TCP | protocol::UDP);
    let [a, b] = [a, b].map(|(address, port)| (address, if has_ports { port } else { 0 }));
    (of_protocol, [a.min(b), a.max(b)])
}

/// A row of a `conn.log`.
#[derive(Clone, Debug)]
pub struct Row {
    protocol: u8,
    origin: End,
    responder: End,
    uid: String,
    parents: Vec<String>,
    packets: [u64; 2],
    ip_bytes: [u64; 2],
    /// `None` where the log has none or says that some are missing, and of protocols that Zeek does not read.
    payload_bytes: Option<[u64; 2]>,
    state: String,
    history: String,
}

/// The rows of a log. `None` where it names no columns, or not those that tell ends and counts.
pub fn rows(log: &str) -> Option<Vec<Row>> {
    let header = log.lines().find_map(|line| line.strip_prefix("#fields\t"))?;
    let names: Vec<&str> = header.split('\t').collect();
    let lines = log.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| Row::read(&names.iter().copied().zip(line.split('\t')).collect())).collect()
}

impl Row {
    fn read(fields: &BTreeMap<&str, &str>) -> Option<Row> {
        let number = |name: &str| fields.get(name)?.parse::<u64>().ok();
        let address = |name: &str| fields.get(name)?.parse::<IpAddr>().ok();
        let of_protocol = match *fields.get("proto")? {
            "icmp" if address("id.orig_h")?.is_ipv6() => protocol::ICMPV6,
            "unknown_transport" => number("ip_proto")? as u8,
            name => protocol_number(name)?,
        };
        let has_ports = matches!(of_protocol, protocol::TCP | protocol::UDP);
        let port = |name: &str| Some(if has_ports { number(name)? as u16 } else { 0 });
        let payload_bytes = number("orig_bytes").zip(number("resp_bytes"));
        Some(Row {
            protocol: of_protocol,
            origin: (address("id.orig_h")?, port("id.orig_p")?),
            responder: (address("id.resp_h")?, port("id.resp_p")?),
            uid: (*fields.get("uid")?).to_owned(),
            parents: fields.get("tunnel_parents")?.split(',').map(str::to_owned).collect(),
            packets: [number("orig_pkts")?, number("resp_pkts")?],
            ip_bytes: [number("orig_ip_bytes")?, number("resp_ip_bytes")?],
            payload_bytes: payload_bytes
                .filter(|_| {
                    number("missed_bytes") == Some(0) && fields.get("proto") != Some(&"unknown_transport")
                })
                .map(|(origin, responder)| [origin, responder]),
            state: (*fields.get("conn_state")?).to_owned(),
            history: (*fields.get("history")?).to_owned(),
        })
    }

    fn ends(&self) -> Ends {
        ends(self.protocol, self.origin, self.responder)
    }

    /// Whether Zeek takes who spoke first for the responder, because it knows the port of the other one.
    fn is_turned_round(&self) -> bool {
        self.history.starts_with('^') && self.protocol == protocol::UDP
    }

    fn is_in_tunnel(&self) -> bool {
        self.parents.iter().any(|parent| parent.starts_with('C'))
    }
}

/// A flow as Weir told of it.
#[derive(Clone, Debug)]
pub struct Told {
    record: FlowRecord,
    state: FlowState,
    /// By direction, bytes that the rules read; of HTTP these are not all.
    read_bytes: [u64; 2],
    is_payload_alone: bool,
}

/// Listens to a pipeline, and to the frames before it.
#[derive(Debug, Default)]
pub struct Listener {
    flows: Vec<Told>,
    /// By flow: bytes that were read, and whether all of them are payload.
    read: BTreeMap<u64, ([u64; 2], bool)>,
    /// By flow and by the lower and the upper end that sent them: bytes on the wire that are not of the innermost packet.
    around_bytes: BTreeMap<Ends, [u64; 2]>,
    /// Where pieces were seen.
    fragmented: BTreeSet<[IpAddr; 2]>,
}

impl Listener {
    /// Looks at a frame before it is judged.
    pub fn look(&mut self, record: &Record<'_>) {
        let (frame, wire_bytes) = (&*record.frame, record.wire_bytes);
        let Ok(packet) = decode(frame, wire_bytes, record.link_type, ChecksumMode::Ignore) else { return };
        let Some(network) = packet.network else { return };
        if let dataplane::decode::Transport::Fragment { .. } = packet.transport {
            let pair = [network.source, network.destination];
            self.fragmented.insert([pair[0].min(pair[1]), pair[0].max(pair[1])]);
        }
        let (from, to) = ports(&packet);
        let (sender, receiver) = ((network.source, from), (network.destination, to));
        let around = self.around_bytes.entry(ends(network.protocol, sender, receiver)).or_default();
        let ip_bytes = ip_bytes(frame, &packet);
        around[usize::from(sender > receiver)] += u64::from(wire_bytes).saturating_sub(ip_bytes);
    }
}

/// Length of the innermost packet, as its header says.
fn ip_bytes(frame: &[u8], packet: &Packet<'_>) -> u64 {
    let Some(network) = packet.network else { return 0 };
    let half = |at: usize| {
        let bytes = frame.get(network.offset + at..).and_then(|rest| rest.first_chunk::<2>());
        bytes.map_or(0, |bytes| u64::from(u16::from_be_bytes(*bytes)))
    };
    if network.source.is_ipv4() { half(2) } else { 40 + half(4) }
}

impl EventSink for Listener {
    fn emit(&mut self, event: Event<'_>) {
        if let Event::Flow(end) = event {
            let (read_bytes, is_payload_alone) =
                self.read.get(&end.flow.id).copied().unwrap_or(([0; 2], true));
            let record = end.flow.clone();
            self.flows.push(Told { record, state: end.state, read_bytes, is_payload_alone });
        }
    }

    fn reads(&mut self, flow: &FlowRecord, lane: Lane, reading: Reading<'_>) {
        if lane != Lane::main(lane.direction) {
            return;
        }
        let (read_bytes, is_payload_alone) = self.read.entry(flow.id).or_insert(([0; 2], true));
        match reading {
            Reading::Begin(field) => *is_payload_alone &= field == dlp_patterns::Field::Payload,
            Reading::Data(bytes) => read_bytes[lane.direction as usize] += bytes.len() as u64,
            Reading::End => {}
        }
    }
}

impl Told {
    fn ends(&self) -> Ends {
        ends(self.record.protocol, self.record.client, self.record.server)
    }

    /// Zeek's word for how it ended, of what was seen of both ends.
    fn connection_state(&self) -> &'static str {
        let [client, server] = self.record.tcp_flags.map(TcpFlags);
        let (syn, answer) = (client.has(TcpFlags::SYN), server.has(TcpFlags::SYN));
        if client.has(TcpFlags::FIN) && server.has(TcpFlags::FIN) && self.state == FlowState::Closed {
            return "SF";
        }
        match (client.has(TcpFlags::RST), server.has(TcpFlags::RST)) {
            (_, true) if syn && !answer => return "REJ",
            (_, true) => return "RSTR",
            (true, false) if !answer => return "RSTOS0",
            (true, false) => return "RSTO",
            (false, false) => {}
        }
        match (client.has(TcpFlags::FIN), server.has(TcpFlags::FIN)) {
            (true, false) if syn && !answer => "SH",
            (true, false) => "S2",
            (false, true) if !syn => "SHR",
            (false, true) => "S3",
            (false, false) if syn && self.record.frames[1] == 0 => "S0",
            (false, false) if syn && answer && self.state == FlowState::Established => "S1",
            _ => "OTH",
        }
    }

    /// Which of the letters of Zeek's history for SYN, FIN and RST stand for it.
    fn letters(&self) -> BTreeSet<char> {
        let bits = [(TcpFlags::SYN, ['S', 'h']), (TcpFlags::FIN, ['F', 'f']), (TcpFlags::RST, ['R', 'r'])];
        let directions = [Direction::ToServer, Direction::ToClient];
        let seen = directions.into_iter().flat_map(|direction| {
            let flags = TcpFlags(self.record.tcp_flags[direction as usize]);
            bits.into_iter()
                .filter(move |(bit, _)| flags.has(*bit))
                .map(move |(_, names)| names[direction as usize])
        });
        seen.collect()
    }
}

/// Compares a log with what was told: every row, once.
pub fn compare(name: &str, rows: &[Row], listener: &Listener, board: &mut Scoreboard) {
    let parents: BTreeSet<&String> = rows.iter().flat_map(|row| &row.parents).collect();
    let mut groups: BTreeMap<Ends, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let pair = [row.origin.0.min(row.responder.0), row.origin.0.max(row.responder.0)];
        if parents.contains(&row.uid) {
            board.skip("flows around others, which Weir does not count");
        } else if listener.fragmented.contains(&pair) || row.is_in_tunnel() && !listener.fragmented.is_empty()
        {
            board.skip("IP fragments, which Zeek counts as one packet");
        } else {
            groups.entry(row.ends()).or_default().push(row);
        }
    }
    for (ends, rows) in groups {
        let told: Vec<&Told> = listener.flows.iter().filter(|told| told.ends() == ends).collect();
        let around = listener.around_bytes.get(&ends).copied().unwrap_or_default();
        let mut wrong = sums(&ends, &rows, &told, around);
        if let ([row], [told]) = (&rows[..], &told[..]) {
            wrong.extend(particulars(row, told));
        }
        for row in rows {
            match wrong.is_empty() {
                true => board.pass(),
                false => board.fail(format!(
                    "{name}: {} {}:{} > {}:{}: {}",
                    ends.0,
                    row.origin.0,
                    row.origin.1,
                    row.responder.0,
                    row.responder.1,
                    wrong.join(", ")
                )),
            }
        }
    }
}

/// Compares a log that tells histories, but not whose they are, where the capture holds one connection.
pub fn compare_histories(name: &str, log: &str, listener: &Listener, board: &mut Scoreboard) {
    let mut lines = log.lines().filter(|line| !line.starts_with('#'));
    let names: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let column = names.iter().position(|column| *column == "history");
    let histories: Vec<&str> =
        lines.map(|line| column.and_then(|at| line.split('\t').nth(at)).unwrap_or_default()).collect();
    let connections: Vec<&Told> =
        listener.flows.iter().filter(|told| told.record.protocol == protocol::TCP).collect();
    match (&histories[..], &connections[..]) {
        ([history], _) if history.contains(['C', 'c']) => board.skip("bad checksums, which are ignored here"),
        ([history], [told]) if listener.flows.len() == 1 => match wrong_history(history, told) {
            None => board.pass(),
            Some(wrong) => board.fail(format!("{name}: {wrong}")),
        },
        _ => histories.iter().for_each(|_| board.skip("log without ends or counts")),
    }
}

/// What both counted, from the lower end and from the upper one.
fn sums(ends: &Ends, rows: &[&Row], told: &[&Told], around: [u64; 2]) -> Vec<String> {
    let lower = ends.1[0];
    let is_lower = |end: End| end.0 == lower.0 && (lower.1 == 0 || end.1 == lower.1);
    let expected = |count: &dyn Fn(&Row) -> [u64; 2]| {
        sum(rows.iter().map(|row| turned(count(row), is_lower(row.origin))))
    };
    let found = |count: &dyn Fn(&Told) -> [u64; 2]| {
        sum(told.iter().map(|told| turned(count(told), is_lower(told.record.client))))
    };
    let wire_bytes = found(&|told| told.record.bytes);
    let ip_bytes = [0, 1].map(|end| wire_bytes[end].saturating_sub(around[end]));
    let mut pairs = vec![
        ("packets", expected(&|row| row.packets), found(&|told| told.record.frames)),
        ("bytes of IP", expected(&|row| row.ip_bytes), ip_bytes),
    ];
    let is_readable = told.iter().all(|told| told.is_payload_alone);
    if is_readable && rows.iter().all(|row| row.payload_bytes.is_some()) {
        let expected = expected(&|row| row.payload_bytes.unwrap_or_default());
        pairs.push(("bytes of payload", expected, found(&|told| told.read_bytes)));
    }
    let differ = pairs.into_iter().filter(|(_, expected, found)| expected != found);
    differ.map(|(what, expected, found)| format!("{what} {expected:?}, got {found:?}")).collect()
}

fn turned(counts: [u64; 2], is_from_lower: bool) -> [u64; 2] {
    if is_from_lower { counts } else { [counts[1], counts[0]] }
}

fn sum(counts: impl Iterator<Item = [u64; 2]>) -> [u64; 2] {
    counts.fold([0; 2], |sum, count| [sum[0] + count[0], sum[1] + count[1]])
}

/// What one row and one flow say beside what they counted.
fn particulars(row: &Row, told: &Told) -> Vec<String> {
    let mut wrong = Vec::new();
    let first = if row.is_turned_round() { row.responder } else { row.origin };
    if first.0 != told.record.client.0 {
        wrong.push(format!("begun by {}, got {}", first.0, told.record.client.0));
    }
    if row.is_in_tunnel() && told.record.tunnels.is_empty() {
        wrong.push("in a tunnel".to_owned());
    }
    if row.protocol != protocol::TCP {
        return wrong;
    }
    let state = told.connection_state();
    if row.state != state {
        wrong.push(format!("ended as {}, got {state}", row.state));
    }
    wrong.extend(wrong_history(&row.history, told));
    wrong
}

/// Compares what Zeek writes of SYN, FIN and RST: the answer of either end is `h`, and the server's letters are small.
fn wrong_history(history: &str, told: &Told) -> Option<String> {
    let letters: BTreeSet<char> = history.chars().filter(|letter| "ShFfRr".contains(*letter)).collect();
    (letters != told.letters()).then(|| format!("history {history}, got {:?}", told.letters()))
}

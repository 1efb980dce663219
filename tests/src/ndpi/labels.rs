//! What nDPI says that flows speak, compared with what Weir says.
//!
//! Its labels are an opinion. Of `TLS.Google` the part before the dot is the protocol; a label of one part may also be a
//! service or a game, which is nothing that Weir tells apart.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use super::{Expected, out_of_scope};
use crate::flow_event::Flow;
use crate::scoreboard::Scoreboard;
use crate::survey::Survey;

/// Which of Weir's names stand for a label; several where it covers several protocols, or one within another.
const NAMES: &[(&str, &[&str])] = &[
    ("AMQP", &["amqp"]),
    ("BitTorrent", &["bittorrent"]),
    ("Cassandra", &["cassandra"]),
    ("Consul", &["http"]),
    ("Couchbase", &["couchbase"]),
    ("DHCP", &["dhcp"]),
    ("DHCPV6", &["dhcpv6"]),
    ("DNS", &["dns"]),
    ("DTLS", &["dtls"]),
    ("Docker", &["http"]),
    ("Elasticsearch", &["http", "elasticsearch"]),
    ("FTP_CONTROL", &["ftp"]),
    ("FTP_DATA", &["ftp-data"]),
    ("FTPS", &["tls", "ftp"]),
    ("HTTP", &["http"]),
    ("HTTP2", &["http2", "grpc"]),
    ("HTTP_Connect", &["http"]),
    ("HTTP_Proxy", &["http"]),
    ("IMAP", &["imap"]),
    // In TLS from the first byte on, or from a command on.
    ("IMAPS", &["tls", "imap"]),
    ("IPSec", &["ike"]),
    ("IRC", &["irc"]),
    ("Jabber", &["xmpp"]),
    ("Kafka", &["kafka"]),
    ("Kerberos", &["krb5"]),
    ("LDAP", &["ldap"]),
    ("LDAPS", &["tls"]),
    ("LLMNR", &["llmnr"]),
    ("MDNS", &["mdns"]),
    ("MQTT", &["mqtt"]),
    ("Memcached", &["memcached"]),
    ("Modbus", &["modbus"]),
    ("MongoDB", &["mongodb"]),
    ("MsSQL-TDS", &["tds"]),
    ("MySQL", &["mysql"]),
    ("NATS", &["nats"]),
    // A session of NetBIOS carries SMB.
    ("NetBIOS", &["netbios", "smb"]),
    ("NFS", &["rpc"]),
    ("NTP", &["ntp"]),
    ("OpenVPN", &["openvpn"]),
    ("OpenWire", &["openwire"]),
    ("Oracle", &["tns"]),
    ("POP3", &["pop3"]),
    ("POPS", &["tls", "pop3"]),
    ("PostgreSQL", &["pgsql"]),
    ("QUIC", &["quic"]),
    ("RDP", &["rdp"]),
    ("RESP", &["redis"]),
    ("RPC", &["rpc"]),
    ("RTCP", &["rtp"]),
    ("RTP", &["rtp"]),
    ("RTSP", &["rtsp"]),
    ("Radius", &["radius"]),
    ("Redis", &["redis"]),
    ("SIP", &["sip"]),
    ("SMBv1", &["smb"]),
    ("SMBv23", &["smb"]),
    ("SMTP", &["smtp"]),
    ("SMTPS", &["tls", "smtp"]),
    ("SNMP", &["snmp"]),
    ("SOAP", &["http"]),
    ("SOCKS", &["socks"]),
    ("SRTP", &["rtp"]),
    ("SSDP", &["ssdp"]),
    ("SSH", &["ssh"]),
    ("STOMP", &["stomp"]),
    ("STUN", &["stun"]),
    ("Syslog", &["syslog"]),
    ("TFTP", &["tftp"]),
    ("TLS", &["tls"]),
    ("Telnet", &["telnet"]),
    ("VNC", &["rfb"]),
    ("WebSocket", &["websocket"]),
    ("WireGuard", &["wireguard"]),
    ("ZooKeeper", &["zookeeper"]),
];

/// What a comparison came to: the labels in scope, and what Weir claims of flows that nDPI calls otherwise.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    /// One expectation a flow.
    pub board: Scoreboard,
    /// Passed and applicable, by the label's protocol.
    by_label: BTreeMap<String, (usize, usize)>,
    /// How many flows of a label that stands for none of Weir's names are called which, and an example.
    claims: BTreeMap<(String, String), (usize, String)>,
}

impl Labels {
    /// Compares the flows of one capture.
    pub fn compare(&mut self, name: &str, expected: &[Expected], survey: &Survey, events: &[Value]) {
        // A flow speaks what it changed to, and spoke what made way for that.
        let names = |event: &'_ Value| {
            let orig = event["app_proto_orig"].as_str();
            let names = [Some(event["app_proto"].as_str().unwrap_or("unknown")), orig];
            names.into_iter().flatten().map(str::to_owned).collect::<Vec<_>>()
        };
        let found: Vec<(Flow, Vec<String>)> =
            events.iter().filter_map(|event| Some((Flow::from_eve(event)?, names(event)))).collect();
        for expectation in expected {
            self.compare_flow(name, expectation, survey, &found);
        }
    }

    fn compare_flow(
        &mut self,
        name: &str,
        expected: &Expected,
        survey: &Survey,
        found: &[(Flow, Vec<String>)],
    ) {
        let protocol = expected.l7.split('.').next().unwrap_or_default();
        let names_of = |part: &str| NAMES.iter().find(|(label, _)| *label == part).map(|(_, names)| *names);
        let names = names_of(protocol);
        // What is within, where that is a protocol, too.
        let inner = expected.l7.split('.').nth(1).and_then(names_of).unwrap_or_default();
        let Some(flow) = expected.flow() else {
            return self.board.skip("address in a notation that fits several");
        };
        let told: BTreeSet<&str> = found
            .iter()
            .filter(|(found, _)| found.has_ends_of(&flow))
            .flat_map(|(_, told)| told)
            .map(String::as_str)
            .collect();
        let line = format!("{name}: {} {} > {} {}", expected.l4, expected.a, expected.b, expected.l7);
        let Some(names) = names.filter(|_| matches!(flow.protocol, 6 | 17)) else {
            for told in told.into_iter().filter(|told| *told != "unknown") {
                let claim = (protocol.to_owned(), told.to_owned());
                self.claims.entry(claim).or_insert_with(|| (0, line.clone())).0 += 1;
            }
            return self.board.skip("label of none of the protocols");
        };
        if expected.confidence != "DPI" {
            return self.board.skip("label that does not rest on the bytes");
        }
        if told.is_empty() {
            match out_of_scope(&flow, survey) {
                Some(reason) => self.board.skip(reason.as_str()),
                None => self.board.fail(format!("{line}: no such flow")),
            }
            return;
        }
        let (passed, applicable) = self.by_label.entry(protocol.to_owned()).or_default();
        *applicable += 1;
        if told.iter().any(|told| names.contains(told) || inner.contains(told)) {
            *passed += 1;
            self.board.pass();
        } else {
            self.board.fail(format!("{line}: {told:?}"));
        }
    }

    /// Flows that Weir claims although nDPI calls them otherwise: its label, Weir's name.
    pub fn claims(&self) -> impl Iterator<Item = (&str, &str)> {
        self.claims.keys().map(|(label, name)| (label.as_str(), name.as_str()))
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.board)?;
        for (label, (passed, applicable)) in &self.by_label {
            writeln!(out, "  {label:16} {passed:4} of {applicable:4}")?;
        }
        for ((label, told), (count, example)) in &self.claims {
            writeln!(out, "  claimed {label} as {told}: {count} flows, such as {example}")?;
        }
        Ok(())
    }
}

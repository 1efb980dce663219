//! The application protocols by name.

/// The application protocol of a flow, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum AppProtocol {
    /// Too little was seen.
    #[default]
    Pending,
    /// None that is known.
    Unknown,
    /// A parser gave up; what followed was scanned as payload.
    Failed,
    /// HTTP opened the way for another protocol (RFC 9110 §7.8, §9.3.6), which is not known.
    BehindHttp,
    /// HTTP/1.x (RFC 9112) or a bare HTTP/0.9 request.
    Http,
    /// HTTP/2 (RFC 9113).
    Http2,
    /// gRPC over HTTP/2.
    Grpc,
    /// WebSocket (RFC 6455).
    WebSocket,
    /// TLS (RFC 8446) and SSL before it.
    Tls,
    /// DTLS (RFC 9147).
    Dtls,
    /// QUIC (RFC 9000).
    Quic,
    /// DNS (RFC 1035).
    Dns,
    /// Multicast DNS (RFC 6762).
    Mdns,
    /// Link-local multicast name resolution (RFC 4795).
    Llmnr,
    /// NetBIOS name and datagram services (RFC 1002).
    NetBios,
    /// SSH (RFC 4253).
    Ssh,
    /// MySQL and MariaDB.
    MySql,
    /// PostgreSQL.
    PgSql,
    /// Tabular Data Stream of Microsoft SQL Server (MS-TDS).
    Tds,
    /// Transparent Network Substrate of Oracle.
    Tns,
    /// Redis (RESP2, RESP3).
    Redis,
    /// MongoDB wire protocol.
    MongoDb,
    /// Cassandra's native protocol (CQL).
    Cassandra,
    /// Couchbase, the binary protocol of memcached with its own commands.
    Couchbase,
    /// memcached, text and binary.
    Memcached,
    /// Kafka.
    Kafka,
    /// AMQP 0-9-1 and 1.0.
    Amqp,
    /// MQTT.
    Mqtt,
    /// NATS.
    Nats,
    /// STOMP.
    Stomp,
    /// OpenWire of ActiveMQ.
    OpenWire,
    /// ZooKeeper.
    ZooKeeper,
    /// Spark's own network protocol.
    Spark,
    /// LDAP (RFC 4511).
    Ldap,
    /// Kerberos (RFC 4120).
    Kerberos,
    /// SMB 1, 2 and 3.
    Smb,
    /// SMTP (RFC 5321).
    Smtp,
    /// IMAP (RFC 9051).
    Imap,
    /// POP3 (RFC 1939).
    Pop3,
    /// FTP, its control connection (RFC 959).
    Ftp,
    /// FTP, a connection that carries data.
    FtpData,
    /// TFTP (RFC 1350).
    Tftp,
    /// NTP (RFC 5905).
    Ntp,
    /// DHCP (RFC 2131).
    Dhcp,
    /// DHCP for IPv6 (RFC 8415).
    Dhcpv6,
    /// SIP (RFC 3261).
    Sip,
    /// RTSP (RFC 7826).
    Rtsp,
    /// RTP and RTCP (RFC 3550).
    Rtp,
    /// STUN and TURN (RFC 8489).
    Stun,
    /// Syslog (RFC 5424, RFC 3164).
    Syslog,
    /// RADIUS (RFC 2865).
    Radius,
    /// SNMP (RFC 3411).
    Snmp,
    /// SSDP of UPnP.
    Ssdp,
    /// BitTorrent, its peers and its distributed hash table.
    BitTorrent,
    /// WireGuard.
    WireGuard,
    /// OpenVPN.
    OpenVpn,
    /// IKE (RFC 7296).
    Ike,
    /// Remote Desktop Protocol (MS-RDPBCGR).
    Rdp,
    /// Remote Framebuffer of VNC (RFC 6143).
    Vnc,
    /// SOCKS 4 and 5 (RFC 1928).
    Socks,
    /// NFS and other services of ONC RPC (RFC 5531).
    Rpc,
    /// Modbus over TCP.
    Modbus,
    /// XMPP (RFC 6120).
    Xmpp,
    /// IRC (RFC 2812).
    Irc,
    /// Echo (RFC 862): an end that says what it is told.
    Echo,
    /// Telnet (RFC 854).
    Telnet,
    /// Elasticsearch between its nodes.
    Elasticsearch,
}

impl AppProtocol {
    /// Every value, in index order.
    pub const ALL: [AppProtocol; 67] = {
        use AppProtocol::*;
        [
            Pending,
            Unknown,
            Failed,
            BehindHttp,
            Http,
            Http2,
            Grpc,
            WebSocket,
            Tls,
            Dtls,
            Quic,
            Dns,
            Mdns,
            Llmnr,
            NetBios,
            Ssh,
            MySql,
            PgSql,
            Tds,
            Tns,
            Redis,
            MongoDb,
            Cassandra,
            Couchbase,
            Memcached,
            Kafka,
            Amqp,
            Mqtt,
            Nats,
            Stomp,
            OpenWire,
            ZooKeeper,
            Spark,
            Ldap,
            Kerberos,
            Smb,
            Smtp,
            Imap,
            Pop3,
            Ftp,
            FtpData,
            Tftp,
            Ntp,
            Dhcp,
            Dhcpv6,
            Sip,
            Rtsp,
            Rtp,
            Stun,
            Syslog,
            Radius,
            Snmp,
            Ssdp,
            BitTorrent,
            WireGuard,
            OpenVpn,
            Ike,
            Rdp,
            Vnc,
            Socks,
            Rpc,
            Modbus,
            Xmpp,
            Irc,
            Echo,
            Telnet,
            Elasticsearch,
        ]
    };

    /// The name that events use (`app_proto`): Suricata's, where it has one.
    pub const fn as_str(self) -> &'static str {
        match self {
            AppProtocol::Pending | AppProtocol::Unknown | AppProtocol::BehindHttp => "unknown",
            AppProtocol::Failed => "failed",
            AppProtocol::Http => "http",
            AppProtocol::Http2 => "http2",
            AppProtocol::Grpc => "grpc",
            AppProtocol::WebSocket => "websocket",
            AppProtocol::Tls => "tls",
            AppProtocol::Dtls => "dtls",
            AppProtocol::Quic => "quic",
            AppProtocol::Dns => "dns",
            AppProtocol::Mdns => "mdns",
            AppProtocol::Llmnr => "llmnr",
            AppProtocol::NetBios => "netbios",
            AppProtocol::Ssh => "ssh",
            AppProtocol::MySql => "mysql",
            AppProtocol::PgSql => "pgsql",
            AppProtocol::Tds => "tds",
            AppProtocol::Tns => "tns",
            AppProtocol::Redis => "redis",
            AppProtocol::MongoDb => "mongodb",
            AppProtocol::Cassandra => "cassandra",
            AppProtocol::Couchbase => "couchbase",
            AppProtocol::Memcached => "memcached",
            AppProtocol::Kafka => "kafka",
            AppProtocol::Amqp => "amqp",
            AppProtocol::Mqtt => "mqtt",
            AppProtocol::Nats => "nats",
            AppProtocol::Stomp => "stomp",
            AppProtocol::OpenWire => "openwire",
            AppProtocol::ZooKeeper => "zookeeper",
            AppProtocol::Spark => "spark",
            AppProtocol::Ldap => "ldap",
            AppProtocol::Kerberos => "krb5",
            AppProtocol::Smb => "smb",
            AppProtocol::Smtp => "smtp",
            AppProtocol::Imap => "imap",
            AppProtocol::Pop3 => "pop3",
            AppProtocol::Ftp => "ftp",
            AppProtocol::FtpData => "ftp-data",
            AppProtocol::Tftp => "tftp",
            AppProtocol::Ntp => "ntp",
            AppProtocol::Dhcp => "dhcp",
            AppProtocol::Dhcpv6 => "dhcpv6",
            AppProtocol::Sip => "sip",
            AppProtocol::Rtsp => "rtsp",
            AppProtocol::Rtp => "rtp",
            AppProtocol::Stun => "stun",
            AppProtocol::Syslog => "syslog",
            AppProtocol::Radius => "radius",
            AppProtocol::Snmp => "snmp",
            AppProtocol::Ssdp => "ssdp",
            AppProtocol::BitTorrent => "bittorrent",
            AppProtocol::WireGuard => "wireguard",
            AppProtocol::OpenVpn => "openvpn",
            AppProtocol::Ike => "ike",
            AppProtocol::Rdp => "rdp",
            AppProtocol::Vnc => "rfb",
            AppProtocol::Socks => "socks",
            AppProtocol::Rpc => "rpc",
            AppProtocol::Modbus => "modbus",
            AppProtocol::Xmpp => "xmpp",
            AppProtocol::Irc => "irc",
            AppProtocol::Echo => "echo",
            AppProtocol::Telnet => "telnet",
            AppProtocol::Elasticsearch => "elasticsearch",
        }
    }

    /// The name of what the flow began with, where it speaks something else now (`app_proto_orig`).
    pub fn origin(self) -> Option<&'static str> {
        (self == AppProtocol::BehindHttp).then_some("http")
    }

    /// The protocol of that name.
    pub fn from_name(name: &str) -> Option<AppProtocol> {
        AppProtocol::ALL.into_iter().find(|protocol| protocol.is_known() && protocol.as_str() == name)
    }

    /// Whether it names a protocol, and not how little is known.
    pub fn is_known(self) -> bool {
        use AppProtocol::*;
        !matches!(self, Pending | Unknown | Failed | BehindHttp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_place_and_its_name() {
        for (at, protocol) in AppProtocol::ALL.into_iter().enumerate() {
            assert_eq!(protocol as usize, at);
            let by_name = AppProtocol::from_name(protocol.as_str());
            assert_eq!(by_name, protocol.is_known().then_some(protocol));
        }
    }
}

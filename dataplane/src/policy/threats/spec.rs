//! [`ThreatSpec`]: all that is said of one threat. The config, its documentation, `weir threats` and events are made from it.

use std::ops::RangeInclusive;

use super::{ThreatAction, messages, packets, rates};

/// Thresholds that one threat may have.
pub const THRESHOLDS_MAX: usize = 6;

/// A kind of threat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threat {
    /// Data carried in names and answers of DNS.
    DnsTunnel = 0,
    /// An old version of TLS or SSL is agreed on.
    TlsDowngrade = 1,
    /// A heartbeat of TLS asks for more than it brings.
    Heartbleed = 2,
    /// A key of SSL 2.0 has too long an argument.
    Sslv2CipherOverflow = 3,
    /// An end speaks SSH 1.
    SshV1 = 4,
    /// A name of DNS leads to itself.
    DnsLoopPointer = 5,
    /// A message or name of DNS is too long.
    DnsOversize = 6,
    /// DNS of type NULL.
    DnsNullType = 7,
    /// A zone of DNS is asked for.
    DnsZoneTransfer = 8,
    /// A database denies access.
    DbAccessDenied = 9,
    /// A server refuses a client again and again.
    BruteForce = 10,
    /// A Content-Length below zero.
    HttpNegativeLength = 11,
    /// Framing of HTTP that two ends may read differently.
    RequestSmuggling = 12,
    /// A port speaks something else.
    ProtocolMismatch = 13,
    /// A tunnel of HTTP carries something else than TLS.
    ConnectTunnel = 14,
    /// WebSocket carries a connection of another protocol.
    WebsocketTunnel = 15,
    /// DNS is asked over HTTPS.
    Doh = 16,
    /// SYNs that no complete handshake follows.
    SynFlood = 17,
    /// Packets of ICMP.
    IcmpFlood = 18,
    /// Datagrams of UDP.
    UdpFlood = 19,
    /// Datagrams to the port of DNS.
    DnsFlood = 20,
    /// Flows that one source has at the same time.
    SessionLimit = 21,
    /// Connections to many ports of one host.
    PortScan = 22,
    /// Connections to one port of many hosts.
    AddressSweep = 23,
    /// Connections at intervals of one length.
    Beacon = 24,
    /// Control bits that no TCP sends.
    TcpFlags = 25,
    /// From an address and port to the same.
    Land = 26,
    /// A SYN with data.
    SynData = 27,
    /// A SYN from the end that was sent one.
    SplitHandshake = 28,
    /// A SYN that offers hardly any room for data.
    SmallMss = 29,
    /// Connections that are opened with next to no window.
    SmallWindow = 30,
    /// Pieces of a datagram that overlap.
    Teardrop = 31,
    /// Pieces of a datagram that is longer than any.
    PingOfDeath = 32,
    /// Data carried in echoes of ICMP.
    IcmpTunnel = 33,
    /// Requests whose headers do not come to an end.
    Slowloris = 34,
    /// Requests whose bodies trickle in.
    SlowBody = 35,
}

/// What is said of a threat.
#[derive(Clone, Copy, Debug)]
pub struct ThreatSpec {
    /// As in `[threats.NAME]` and in events (`anomaly.event`).
    pub name: &'static str,
    /// What it is, in a sentence without its full stop.
    pub about: &'static str,
    /// What is done about it unless the operator says otherwise.
    pub action: ThreatAction,
    /// When it is one.
    pub thresholds: &'static [Threshold],
}

/// A number that the operator may set.
#[derive(Clone, Copy, Debug)]
pub struct Threshold {
    /// The key of the config.
    pub name: &'static str,
    /// What it is unless the operator says otherwise.
    pub default: u32,
    /// The least and the most that it may be.
    pub bounds: [u32; 2],
    /// What it counts: `s` for seconds, `bytes`, or what a plain number is of.
    pub unit: &'static str,
    /// What it decides, in a sentence without its full stop.
    pub about: &'static str,
}

/// A list that the operator may write of a threat beside its thresholds; empty unless he does.
#[derive(Clone, Copy, Debug)]
pub struct ThreatList {
    /// The key of the config.
    pub name: &'static str,
    /// What it decides, in a sentence without its full stop.
    pub about: &'static str,
}

impl Threshold {
    /// What it may be.
    pub fn range(&self) -> RangeInclusive<u32> {
        self.bounds[0]..=self.bounds[1]
    }
}

impl ThreatSpec {
    /// Where a threshold stands.
    ///
    /// # Panics
    /// If there is none of that name.
    pub(super) fn index(&self, name: &str) -> usize {
        let at = self.thresholds.iter().position(|threshold| threshold.name == name);
        at.unwrap_or_else(|| panic!("the spec of {} has no threshold {name}", self.name))
    }
}

impl Threat {
    /// How many threats there are.
    pub const COUNT: usize = 36;

    /// Every threat, in index order: the order of the config and its documentation.
    pub const ALL: [Threat; Threat::COUNT] = [
        Threat::DnsTunnel,
        Threat::TlsDowngrade,
        Threat::Heartbleed,
        Threat::Sslv2CipherOverflow,
        Threat::SshV1,
        Threat::DnsLoopPointer,
        Threat::DnsOversize,
        Threat::DnsNullType,
        Threat::DnsZoneTransfer,
        Threat::DbAccessDenied,
        Threat::BruteForce,
        Threat::HttpNegativeLength,
        Threat::RequestSmuggling,
        Threat::ProtocolMismatch,
        Threat::ConnectTunnel,
        Threat::WebsocketTunnel,
        Threat::Doh,
        Threat::SynFlood,
        Threat::IcmpFlood,
        Threat::UdpFlood,
        Threat::DnsFlood,
        Threat::SessionLimit,
        Threat::PortScan,
        Threat::AddressSweep,
        Threat::Beacon,
        Threat::TcpFlags,
        Threat::Land,
        Threat::SynData,
        Threat::SplitHandshake,
        Threat::SmallMss,
        Threat::SmallWindow,
        Threat::Teardrop,
        Threat::PingOfDeath,
        Threat::IcmpTunnel,
        Threat::Slowloris,
        Threat::SlowBody,
    ];

    /// Its number in events: none is given twice, whatever threats are added.
    pub const fn id(self) -> u32 {
        self as u32 + 1
    }

    /// The list that there is of it, if there is one.
    pub const fn list(self) -> Option<&'static ThreatList> {
        match self {
            Threat::Doh => Some(&messages::OWN_RESOLVERS),
            _ => None,
        }
    }

    /// What is said of it.
    pub fn spec(self) -> &'static ThreatSpec {
        match self {
            Threat::DnsTunnel => &messages::DNS_TUNNEL,
            Threat::TlsDowngrade => &messages::TLS_DOWNGRADE,
            Threat::Heartbleed => &messages::HEARTBLEED,
            Threat::Sslv2CipherOverflow => &messages::SSLV2_CIPHER_OVERFLOW,
            Threat::SshV1 => &messages::SSH_V1,
            Threat::DnsLoopPointer => &messages::DNS_LOOP_POINTER,
            Threat::DnsOversize => &messages::DNS_OVERSIZE,
            Threat::DnsNullType => &messages::DNS_NULL_TYPE,
            Threat::DnsZoneTransfer => &messages::DNS_ZONE_TRANSFER,
            Threat::DbAccessDenied => &messages::DB_ACCESS_DENIED,
            Threat::BruteForce => &messages::BRUTE_FORCE,
            Threat::HttpNegativeLength => &messages::HTTP_NEGATIVE_LENGTH,
            Threat::RequestSmuggling => &messages::REQUEST_SMUGGLING,
            Threat::ProtocolMismatch => &messages::PROTOCOL_MISMATCH,
            Threat::ConnectTunnel => &messages::CONNECT_TUNNEL,
            Threat::WebsocketTunnel => &messages::WEBSOCKET_TUNNEL,
            Threat::Doh => &messages::DOH,
            Threat::SynFlood => &rates::SYN_FLOOD,
            Threat::IcmpFlood => &rates::ICMP_FLOOD,
            Threat::UdpFlood => &rates::UDP_FLOOD,
            Threat::DnsFlood => &rates::DNS_FLOOD,
            Threat::SessionLimit => &rates::SESSION_LIMIT,
            Threat::PortScan => &rates::PORT_SCAN,
            Threat::AddressSweep => &rates::ADDRESS_SWEEP,
            Threat::Beacon => &rates::BEACON,
            Threat::TcpFlags => &packets::TCP_FLAGS,
            Threat::Land => &packets::LAND,
            Threat::SynData => &packets::SYN_DATA,
            Threat::SplitHandshake => &packets::SPLIT_HANDSHAKE,
            Threat::SmallMss => &packets::SMALL_MSS,
            Threat::SmallWindow => &packets::SMALL_WINDOW,
            Threat::Teardrop => &packets::TEARDROP,
            Threat::PingOfDeath => &packets::PING_OF_DEATH,
            Threat::IcmpTunnel => &packets::ICMP_TUNNEL,
            Threat::Slowloris => &packets::SLOWLORIS,
            Threat::SlowBody => &packets::SLOW_BODY,
        }
    }

    /// The name that config and events use (`anomaly.event`).
    pub fn as_str(self) -> &'static str {
        self.spec().name
    }

    /// The threat of that name.
    pub fn from_name(name: &str) -> Option<Threat> {
        Threat::ALL.into_iter().find(|threat| threat.as_str() == name)
    }
}

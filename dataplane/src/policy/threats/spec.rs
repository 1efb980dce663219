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
    /// SYNs that no complete handshake follows.
    SynFlood = 1,
    /// Packets of ICMP.
    IcmpFlood = 2,
    /// Datagrams of UDP.
    UdpFlood = 3,
    /// Datagrams to the port of DNS.
    DnsFlood = 4,
    /// Flows that one source has at the same time.
    SessionLimit = 5,
    /// Connections to many ports of one host.
    PortScan = 6,
    /// Connections to one port of many hosts.
    AddressSweep = 7,
    /// Connections at intervals of one length.
    Beacon = 8,
    /// Control bits that no TCP sends.
    TcpFlags = 9,
    /// From an address and port to the same.
    Land = 10,
    /// A SYN with data.
    SynData = 11,
    /// A SYN from the end that was sent one.
    SplitHandshake = 12,
    /// A SYN that offers hardly any room for data.
    SmallMss = 13,
    /// Connections that are opened with next to no window.
    SmallWindow = 14,
    /// Pieces of a datagram that overlap.
    Teardrop = 15,
    /// Pieces of a datagram that is longer than any.
    PingOfDeath = 16,
    /// Data carried in echoes of ICMP.
    IcmpTunnel = 17,
    /// Requests whose headers do not come to an end.
    Slowloris = 18,
    /// Requests whose bodies trickle in.
    SlowBody = 19,
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
    pub const COUNT: usize = 20;

    /// Every threat, in index order: the order of the config and its documentation.
    pub const ALL: [Threat; Threat::COUNT] = [
        Threat::DnsTunnel,
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

    /// What is said of it.
    pub fn spec(self) -> &'static ThreatSpec {
        match self {
            Threat::DnsTunnel => &messages::DNS_TUNNEL,
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

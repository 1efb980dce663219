//! What no single message shows, and what no packet should be: policy over all that the flows of a worker do.
//!
//! A detector is a file: it is shown what happens (packets, flows that begin, are answered and end, records that parsers tell),
//! keeps a bounded table of what it has seen, and says when that is more than the operator's threshold. It takes no verdict;
//! [`Found`] says what the operator asked for. Names, defaults and ranges stand in the table of [`Threat::spec`] alone.

mod beacons;
mod blocked_sources;
mod brute_force;
mod db_access_denied;
mod dns_null_type;
mod dns_oversize;
mod dns_tunnel;
mod dns_zone_transfer;
mod doh;
mod floods;
mod icmp_tunnels;
mod ledger;
mod odd_packets;
mod refused_login;
#[cfg(test)]
mod samples;
mod scans;
mod sessions;
mod sightings;
mod slow_requests;
mod ssh_v1;
mod tallies;
mod tls_downgrade;
mod told_by_parsers;
mod unlike_its_alpn;
mod unlike_its_port;
mod windows;

use std::net::IpAddr;

use self::beacons::Beacons;
use self::brute_force::BruteForce;
use self::dns_tunnel::DnsTunnels;
use self::floods::{Floods, Sent};
use self::icmp_tunnels::IcmpTunnels;
use self::ledger::Ledger;
use self::odd_packets::OddPackets;
use self::scans::Scans;
use self::sessions::Sessions;
use self::sightings::Sightings;
use self::slow_requests::SlowRequests;
pub use self::slow_requests::Watched;
pub(crate) use self::windows::{Windows, write_address};
use crate::app::{AppAnomaly, AppProtocol, HttpTransaction, Record};
use crate::decode::{Network, Packet, TcpFlags, Transport};
use crate::flow::{Direction, FlowRecord, protocol};
use crate::policy::{Threat, ThreatAction, ThreatCounts, ThreatPolicy};
use crate::verdict::DropReason;

/// Something that is part of a threat.
#[derive(Clone, Copy, Debug)]
pub struct Found<'f> {
    /// Which one.
    pub threat: Threat,
    /// What the operator asked for: never to ignore it.
    pub action: ThreatAction,
    /// What the verdict rests on, where this is what completes it; what comes later is part of what was told.
    pub evidence: Option<&'f Record>,
}

/// The detectors of one worker.
#[derive(Debug)]
pub struct Threats {
    dns_tunnels: DnsTunnels,
    sightings: Sightings,
    brute_force: BruteForce,
    floods: Floods,
    odd_packets: OddPackets,
    sessions: Sessions,
    scans: Scans,
    beacons: Beacons,
    icmp_tunnels: IcmpTunnels,
    slow_requests: SlowRequests,
    ledger: Ledger,
}

/// What was found, told or not, since it was entered in the books the last time.
#[derive(Debug, Default)]
struct Unbooked {
    found: ThreatCounts,
    is_any: bool,
}

/// Whether a packet is what nearly all are, a segment of an open connection, that only its flow is to look at.
#[inline(always)]
pub fn is_ordinary(packet: &Packet<'_>) -> bool {
    const TELLING: u8 = TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST | TcpFlags::ACK;
    matches!(&packet.transport, Transport::Tcp(header) if header.flags.0 & TELLING == TcpFlags::ACK)
}

/// Of how many packets of a flow of datagrams one stands, being the `frames`-th of its end: they are counted at once, each time
/// that there are twice as many, and then by 64. `None` for those between.
#[inline]
pub fn datagrams_counted(frames: u64) -> Option<u32> {
    const STEP: u64 = 64;
    match frames {
        // The first one begins its flow.
        0 | 1 => None,
        2..STEP if frames.is_power_of_two() => Some((frames / 2) as u32),
        2..STEP => None,
        STEP => Some((STEP / 2) as u32),
        _ if frames.is_multiple_of(STEP) => Some(STEP as u32),
        _ => None,
    }
}

impl Threats {
    /// Nothing seen yet. `seed` is the secret by which tables place what traffic chooses.
    pub fn new(policy: &ThreatPolicy, seed: [u64; 2]) -> Threats {
        Threats {
            dns_tunnels: DnsTunnels::new(policy, seed),
            sightings: Sightings::new(policy, seed),
            brute_force: BruteForce::new(policy, seed),
            floods: Floods::new(policy),
            odd_packets: OddPackets::new(policy),
            sessions: Sessions::new(policy, seed),
            scans: Scans::new(policy, seed),
            beacons: Beacons::new(policy, seed),
            icmp_tunnels: IcmpTunnels::new(policy, seed),
            slow_requests: SlowRequests::new(policy, seed),
            ledger: Ledger::new(seed),
        }
    }

    /// Other thresholds and actions from now on. What was seen stays, but for threats that are not looked for any more.
    pub fn set_policy(&mut self, policy: &ThreatPolicy) {
        self.dns_tunnels.set_policy(policy);
        self.sightings.set_policy(policy);
        self.brute_force.set_policy(policy);
        self.floods = Floods::new(policy);
        self.odd_packets = OddPackets::new(policy);
        self.sessions.set_policy(policy);
        self.scans.set_policy(policy);
        self.beacons.set_policy(policy);
        self.icmp_tunnels.set_policy(policy);
        self.slow_requests.set_policy(policy);
    }

    /// Takes in a packet that is not [ordinary](is_ordinary), of which `frame` is told, before its flow is known.
    pub fn see_packet(
        &mut self,
        frame: &[u8],
        packet: &Packet<'_>,
        network: &Network,
        now_ns: u64,
        mut tell: impl FnMut(Found<'_>),
    ) {
        const ECHO_KINDS_V4: [u8; 2] = [0, 8];
        const ECHO_KINDS_V6: [u8; 2] = [128, 129];
        let Threats { floods, odd_packets, icmp_tunnels, ledger, .. } = self;
        odd_packets.see(frame, (packet, network), now_ns, ledger, &mut tell);
        match packet.transport {
            Transport::Tcp(header) if header.flags.0 & (TcpFlags::SYN | TcpFlags::ACK) == TcpFlags::SYN => {
                let Network { source, destination, .. } = *network;
                floods.see_syn(&Sent { source, destination, packets: 1, now_ns }, ledger, &mut tell);
            }
            Transport::Icmp { kind, .. } => {
                let kinds = if network.protocol == protocol::ICMP { ECHO_KINDS_V4 } else { ECHO_KINDS_V6 };
                if kinds.contains(&kind) {
                    icmp_tunnels.see_echo(network, packet.payload, now_ns, ledger, &mut tell);
                }
            }
            _ => {}
        }
    }

    /// Takes in a flow that is about to begin with `packet`. Whether it counts as one that its source has, and is to be told of
    /// when it is [gone](Self::see_gone).
    pub fn see_begin(
        &mut self,
        flow: &FlowRecord,
        packet: &Packet<'_>,
        now_ns: u64,
        mut tell: impl FnMut(Found<'_>),
    ) -> bool {
        let tell = &mut tell;
        if self.ledger.refuses(flow.client.0, now_ns, tell) {
            return false;
        }
        let Threats { scans, beacons, sessions, ledger, .. } = self;
        match packet.transport {
            Transport::Tcp(header) if header.flags.0 & (TcpFlags::SYN | TcpFlags::ACK) == TcpFlags::SYN => {
                scans.see_begin(flow, now_ns, ledger, tell);
                beacons.see_begin(flow, now_ns, ledger, tell);
            }
            // Who its client is may turn out to be otherwise.
            Transport::Tcp(_) => return false,
            Transport::Icmp { kind: 8 | 128, .. } => scans.see_begin(flow, now_ns, ledger, tell),
            _ => {}
        }
        let is_counted = sessions.see_begin(flow.client.0, now_ns, ledger, tell);
        self.see_datagrams(flow, Direction::ToServer, 1, now_ns, tell);
        is_counted
    }

    /// Takes in packets of a flow of datagrams, all that came of one end since it was called for them the last time.
    pub fn see_datagrams(
        &mut self,
        flow: &FlowRecord,
        direction: Direction,
        packets: u32,
        now_ns: u64,
        mut tell: impl FnMut(Found<'_>),
    ) {
        let Threats { floods, ledger, .. } = self;
        let ((source, _), (destination, port)) = match direction {
            Direction::ToServer => (flow.client, flow.server),
            Direction::ToClient => (flow.server, flow.client),
        };
        let sent = Sent { source, destination, packets, now_ns };
        match flow.protocol {
            protocol::UDP => floods.see_udp(&sent, port, ledger, &mut tell),
            protocol::ICMP | protocol::ICMPV6 => floods.see_icmp(&sent, ledger, &mut tell),
            _ => {}
        }
    }

    /// Takes in a SYN without ACK from the end of a connection that was sent one, and did not answer it yet.
    pub fn see_answering_syn(&mut self, source: IpAddr, now_ns: u64, mut tell: impl FnMut(Found<'_>)) {
        self.odd_packets.see_answering_syn(source, now_ns, &mut self.ledger, &mut tell);
    }

    /// Takes in that both ends of a flow have spoken: a handshake is complete, by a segment of the client with so large a window
    /// where it is TCP and that is known.
    pub fn see_answered(
        &mut self,
        flow: &FlowRecord,
        window_bytes: Option<u32>,
        now_ns: u64,
        mut tell: impl FnMut(Found<'_>),
    ) {
        let Threats { floods, odd_packets, scans, ledger, .. } = self;
        scans.see_answered(flow);
        if flow.protocol == protocol::TCP {
            floods.see_opened(flow.client.0, flow.server.0, ledger);
        }
        if let Some(window_bytes) = window_bytes {
            odd_packets.see_window(flow.client.0, window_bytes, now_ns, ledger, &mut tell);
        }
    }

    /// Takes in that a piece of a datagram was refused, which came from `source`.
    pub fn see_refused(
        &mut self,
        cause: DropReason,
        source: IpAddr,
        now_ns: u64,
        mut tell: impl FnMut(Found<'_>),
    ) {
        self.odd_packets.see_refused(cause, source, now_ns, &mut self.ledger, &mut tell);
    }

    /// A part of a request of HTTP is under way behind a packet.
    pub fn watch_request(&mut self, watched: Watched) -> bool {
        self.slow_requests.watch(watched)
    }

    /// A part of a request whose time is over at `now_ns`: where it is still under way, [`see_slow`](Self::see_slow) is to know.
    #[inline]
    pub fn next_request_due(&mut self, now_ns: u64) -> Option<Watched> {
        self.slow_requests.next_due(now_ns)
    }

    /// Takes in that a part of a request is no longer under way when its time is over.
    pub fn see_request_over(&mut self, watched: &Watched) {
        self.slow_requests.see_over(watched);
    }

    /// Takes in that a part of a request is still under way when its time is over. Whether it is looked after further.
    pub fn see_slow(
        &mut self,
        watched: &Watched,
        flow: &FlowRecord,
        now_ns: u64,
        mut tell: impl FnMut(Found<'_>),
    ) -> bool {
        self.slow_requests.see(watched, flow, now_ns, &mut self.ledger, &mut tell)
    }

    /// Takes in that a flow of a source is gone which was counted when it [began](Self::see_begin).
    pub fn see_gone(&mut self, source: IpAddr) {
        self.sessions.see_end(source);
    }

    /// Takes in what a parser told of a flow, and tells what that is part of.
    pub fn see_record(
        &mut self,
        flow: &FlowRecord,
        record: &Record,
        now_ns: u64,
        mut tell: impl FnMut(Found<'_>),
    ) {
        let Threats {
            dns_tunnels, sightings, brute_force, ledger: Ledger { evidence, unbooked, .. }, ..
        } = self;
        if let Some(found) = dns_tunnels.see(flow, record, now_ns, evidence) {
            unbooked.tell(found, &mut tell);
        }
        sightings.see_record(flow, record, now_ns, evidence, |found| unbooked.tell(found, &mut tell));
        if let Some(found) = brute_force.see_record(flow, record, now_ns, evidence) {
            unbooked.tell(found, &mut tell);
        }
    }

    /// Takes in a request of HTTP and its response.
    pub fn see_transaction(
        &mut self,
        flow: &FlowRecord,
        transaction: &HttpTransaction,
        now_ns: u64,
        mut tell: impl FnMut(Found<'_>),
    ) {
        let Threats { sightings, brute_force, ledger: Ledger { evidence, unbooked, .. }, .. } = self;
        if let Some(found) = brute_force.see_transaction(flow, transaction, now_ns, evidence) {
            unbooked.tell(found, &mut tell);
        }
        evidence.begin(AppProtocol::Http, transaction.id);
        if sightings.looks_for(Threat::Doh)
            && doh::is_in(transaction, evidence)
            && !sightings.is_own_resolver(flow, evidence)
        {
            unbooked.tell(sightings.found(Threat::Doh, flow, now_ns, evidence), &mut tell);
        }
    }

    /// Takes in what a parser says against the ends of a flow.
    pub fn see_anomaly(
        &mut self,
        flow: &FlowRecord,
        protocol: AppProtocol,
        anomaly: AppAnomaly,
        now_ns: u64,
        mut tell: impl FnMut(Found<'_>),
    ) {
        let Threats { sightings, brute_force, ledger: Ledger { evidence, unbooked, .. }, .. } = self;
        if let Some(found) = brute_force.see_anomaly(flow, protocol, anomaly, now_ns, evidence) {
            unbooked.tell(found, &mut tell);
        }
        let threat = told_by_parsers::threat_of(anomaly);
        if let Some(threat) = threat.filter(|threat| sightings.looks_for(*threat)) {
            evidence.begin(protocol, 0);
            evidence.text("anomaly", anomaly.as_str().as_bytes());
            unbooked.tell(sightings.found(threat, flow, now_ns, evidence), &mut tell);
        }
    }

    /// Takes in what a flow speaks, as soon as it is told, within `outer` where that made way for it.
    pub fn see_protocol(
        &mut self,
        flow: &FlowRecord,
        protocol: AppProtocol,
        outer: Option<AppProtocol>,
        now_ns: u64,
        mut tell: impl FnMut(Found<'_>),
    ) {
        let Threats { sightings, ledger: Ledger { evidence, unbooked, .. }, .. } = self;
        let is_strict = sightings.threshold(Threat::ProtocolMismatch) > 0;
        let threat = unlike_its_port::threat_of(flow, protocol, outer, is_strict);
        if let Some(threat) = threat.filter(|threat| sightings.looks_for(*threat)) {
            evidence.begin(protocol, 0);
            evidence.text("protocol", protocol.as_str().as_bytes());
            match outer {
                Some(outer) => evidence.text("within", outer.as_str().as_bytes()),
                None => evidence.number("port", flow.server.1.into()),
            }
            unbooked.tell(sightings.found(threat, flow, now_ns, evidence), &mut tell);
        }
    }

    /// Takes in that messages of WebSocket carry a connection of another protocol.
    pub fn see_carried(
        &mut self,
        flow: &FlowRecord,
        carried: AppProtocol,
        now_ns: u64,
        mut tell: impl FnMut(Found<'_>),
    ) {
        let Threats { sightings, ledger: Ledger { evidence, unbooked, .. }, .. } = self;
        if sightings.looks_for(Threat::WebsocketTunnel) {
            evidence.begin(AppProtocol::WebSocket, 0);
            evidence.text("protocol", carried.as_str().as_bytes());
            evidence.text("within", AppProtocol::WebSocket.as_str().as_bytes());
            unbooked.tell(sightings.found(Threat::WebsocketTunnel, flow, now_ns, evidence), &mut tell);
        }
    }

    /// Takes in that a flow which spoke `protocol` is over.
    pub fn see_end(
        &mut self,
        flow: &FlowRecord,
        protocol: AppProtocol,
        now_ns: u64,
        mut tell: impl FnMut(Found<'_>),
    ) {
        let Threats { brute_force, ledger: Ledger { evidence, unbooked, .. }, .. } = self;
        if let Some(found) = brute_force.see_end(flow, protocol, now_ns, evidence) {
            unbooked.tell(found, &mut tell);
        }
    }

    /// Enters what was found since the last call in the books.
    #[inline]
    pub fn book(&mut self, books: &mut ThreatCounts) {
        self.ledger.unbooked.book(books);
    }
}

impl Unbooked {
    fn tell(&mut self, found: Found<'_>, tell: &mut impl FnMut(Found<'_>)) {
        self.found.count(found.threat);
        self.is_any = true;
        tell(found);
    }

    #[inline]
    fn book(&mut self, books: &mut ThreatCounts) {
        if std::mem::take(&mut self.is_any) {
            books.add(&std::mem::take(&mut self.found));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_datagrams_of_a_flow_are_counted() {
        let counted = |frames: u64| (2..=frames).filter_map(datagrams_counted).map(u64::from).sum::<u64>();
        // Beside the first, which begins the flow.
        for frames in [2, 4, 16, 64, 128, 6400] {
            assert_eq!(1 + counted(frames), frames);
        }
        assert_eq!(1 + counted(191), 128);
    }
}

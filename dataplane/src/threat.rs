//! What no single message shows, and what no packet should be: policy over all that the flows of a worker do.
//!
//! A detector is a file: it is shown what happens (records that parsers tell), keeps a bounded table of what it has seen, and
//! says when that is more than the operator's threshold. It takes no verdict; [`Found`] says what the operator asked for. Names,
//! defaults and ranges stand in the table of [`Threat::spec`] alone.

mod brute_force;
mod db_access_denied;
mod dns_null_type;
mod dns_oversize;
mod dns_tunnel;
mod dns_zone_transfer;
mod doh;
mod refused_login;
mod sightings;
#[cfg(test)]
mod sightings_tests;
mod ssh_v1;
mod tls_downgrade;
mod told_by_parsers;
mod unlike_its_port;
mod windows;

use self::brute_force::BruteForce;
use self::dns_tunnel::DnsTunnels;
use self::sightings::Sightings;
use crate::app::{AppAnomaly, AppProtocol, HttpTransaction, Record};
use crate::flow::FlowRecord;
use crate::policy::{Threat, ThreatAction, ThreatPolicy};

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
    /// Room for what a verdict rests on.
    evidence: Record,
    unbooked: Unbooked,
}

/// What was found, told or not, since it was entered in the books the last time.
#[derive(Debug, Default)]
struct Unbooked {
    found: [u64; Threat::COUNT],
    is_any: bool,
}

impl Threats {
    /// Nothing seen yet. `seed` is the secret by which tables place what traffic chooses.
    pub fn new(policy: &ThreatPolicy, seed: [u64; 2]) -> Threats {
        Threats {
            dns_tunnels: DnsTunnels::new(policy, seed),
            sightings: Sightings::new(policy, seed),
            brute_force: BruteForce::new(policy, seed),
            evidence: Record::default(),
            unbooked: Unbooked::default(),
        }
    }

    /// Other thresholds and actions from now on. What was seen stays, but for threats that are not looked for any more.
    pub fn set_policy(&mut self, policy: &ThreatPolicy) {
        self.dns_tunnels.set_policy(policy);
        self.sightings.set_policy(policy);
        self.brute_force.set_policy(policy);
    }

    /// Takes in what a parser told of a flow, and tells what that is part of.
    pub fn see_record(
        &mut self,
        flow: &FlowRecord,
        record: &Record,
        now_ns: u64,
        mut tell: impl FnMut(Found<'_>),
    ) {
        let Threats { dns_tunnels, sightings, brute_force, evidence, unbooked } = self;
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
        let Threats { sightings, brute_force, evidence, unbooked, .. } = self;
        if let Some(found) = brute_force.see_transaction(flow, transaction, now_ns, evidence) {
            unbooked.tell(found, &mut tell);
        }
        evidence.begin(AppProtocol::Http, transaction.id);
        if sightings.looks_for(Threat::Doh) && doh::is_in(transaction, evidence) {
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
        let Threats { sightings, brute_force, evidence, unbooked, .. } = self;
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
        let Threats { sightings, evidence, unbooked, .. } = self;
        let threat = unlike_its_port::threat_of(flow, protocol, outer);
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
        let Threats { sightings, evidence, unbooked, .. } = self;
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
        let Threats { brute_force, evidence, unbooked, .. } = self;
        if let Some(found) = brute_force.see_end(flow, protocol, now_ns, evidence) {
            unbooked.tell(found, &mut tell);
        }
    }

    /// Enters what was found since the last call in the books.
    #[inline]
    pub fn book(&mut self, books: &mut [u64; Threat::COUNT]) {
        if std::mem::take(&mut self.unbooked.is_any) {
            for (entered, found) in books.iter_mut().zip(&mut self.unbooked.found) {
                *entered += std::mem::take(found);
            }
        }
    }
}

impl Unbooked {
    fn tell(&mut self, found: Found<'_>, tell: &mut impl FnMut(Found<'_>)) {
        self.found[found.threat as usize] += 1;
        self.is_any = true;
        tell(found);
    }
}

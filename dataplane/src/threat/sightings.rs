//! [`Sightings`]: threats that one thing shows by itself, each told once of two ends until they were silent of it for a while.

use std::hash::Hasher;
use std::sync::Arc;

use super::windows::{Windows, write_address};
use super::{
    Found, db_access_denied, dns_null_type, dns_oversize, dns_zone_transfer, doh, ssh_v1, tls_downgrade,
    unlike_its_alpn,
};
use crate::app::{AppProtocol, Record, Value};
use crate::flow::FlowRecord;
use crate::limits::{SIGHTING_SETS, SIGHTING_WAYS};
use crate::policy::{OwnResolver, Threat, ThreatAction, ThreatPolicy};

/// Whether a record shows it, by the threshold that there is beside the window; then the evidence says what that rests on.
type Shows = fn(&FlowRecord, &Record, u32, &mut Record) -> bool;

/// What each record of a protocol is held against.
fn shown_by(protocol: AppProtocol) -> &'static [(Threat, Shows)] {
    match protocol {
        AppProtocol::Tls | AppProtocol::Dtls => &[
            (Threat::TlsDowngrade, tls_downgrade::shows),
            (Threat::Doh, doh::shows),
            (Threat::ProtocolMismatch, unlike_its_alpn::shows),
        ],
        AppProtocol::Quic => &[(Threat::Doh, doh::shows), (Threat::ProtocolMismatch, unlike_its_alpn::shows)],
        AppProtocol::Ssh => &[(Threat::SshV1, ssh_v1::shows)],
        AppProtocol::Dns => &[
            (Threat::DnsOversize, dns_oversize::shows),
            (Threat::DnsNullType, dns_null_type::shows),
            (Threat::DnsZoneTransfer, dns_zone_transfer::shows),
        ],
        AppProtocol::MySql
        | AppProtocol::PgSql
        | AppProtocol::Tds
        | AppProtocol::Tns
        | AppProtocol::Redis
        | AppProtocol::MongoDb
        | AppProtocol::Cassandra => &[(Threat::DbAccessDenied, db_access_denied::shows)],
        _ => &[],
    }
}

/// Who was told of, and what the operator says.
#[derive(Debug)]
pub(super) struct Sightings {
    settings: [Setting; Threat::COUNT],
    own_resolvers: Arc<[OwnResolver]>,
    /// By threat and both ends.
    told: Windows<()>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Setting {
    action: ThreatAction,
    window_ns: u64,
    threshold: u32,
}

impl Sightings {
    pub(super) fn new(policy: &ThreatPolicy, seed: [u64; 2]) -> Sightings {
        let settings = [Setting::default(); Threat::COUNT];
        let told = Windows::new(seed, SIGHTING_WAYS);
        let mut sightings = Sightings { settings, own_resolvers: Arc::default(), told };
        sightings.told.set_kept(SIGHTING_SETS);
        sightings.set_policy(policy);
        sightings
    }

    pub(super) fn set_policy(&mut self, policy: &ThreatPolicy) {
        self.own_resolvers = Arc::clone(policy.own_resolvers());
        for (threat, setting) in Threat::ALL.into_iter().zip(&mut self.settings) {
            setting.action = policy.action(threat);
            for threshold in threat.spec().thresholds {
                let value = policy.threshold(threat, threshold.name);
                match threshold.name {
                    "window_s" => setting.window_ns = u64::from(value) * 1_000_000_000,
                    _ => setting.threshold = value,
                }
            }
        }
    }

    /// Takes in what a parser told of a flow, and tells what that shows.
    pub(super) fn see_record(
        &mut self,
        flow: &FlowRecord,
        record: &Record,
        now_ns: u64,
        evidence: &mut Record,
        mut tell: impl FnMut(Found<'_>),
    ) {
        for (threat, shows) in shown_by(record.protocol()) {
            if !self.looks_for(*threat) {
                continue;
            }
            evidence.begin(record.protocol(), record.id());
            let is_shown = shows(flow, record, self.threshold(*threat), evidence);
            if is_shown && !(*threat == Threat::Doh && self.is_own_resolver(flow, evidence)) {
                tell(self.found(*threat, flow, now_ns, evidence));
            }
        }
    }

    /// Whether the operator wants to know of it.
    pub(super) fn looks_for(&self, threat: Threat) -> bool {
        self.settings[threat as usize].action != ThreatAction::Ignore
    }

    /// What its threshold beside the window is.
    pub(super) fn threshold(&self, threat: Threat) -> u32 {
        self.settings[threat as usize].threshold
    }

    /// Whether what is asked over HTTPS is one of the operator's own resolvers, by the name in the evidence or by its address.
    pub(super) fn is_own_resolver(&self, flow: &FlowRecord, evidence: &Record) -> bool {
        let name = ["sni", "hostname"].into_iter().find_map(|name| match evidence.find(name) {
            Some(Value::Text(name)) => Some(name),
            _ => None,
        });
        self.own_resolvers.iter().any(|own| own.is(flow.server.0, name.unwrap_or_default()))
    }

    /// A threat that was seen.
    pub(super) fn found<'e>(
        &mut self,
        threat: Threat,
        flow: &FlowRecord,
        now_ns: u64,
        evidence: &'e Record,
    ) -> Found<'e> {
        let Setting { action, window_ns, .. } = self.settings[threat as usize];
        let mut hasher = self.told.hasher();
        hasher.write_usize(threat as usize);
        write_address(&mut hasher, flow.client.0);
        write_address(&mut hasher, flow.server.0);
        let is_first = self.told.at(hasher.finish(), now_ns, window_ns).tell_once();
        Found { threat, action, evidence: is_first.then_some(evidence) }
    }
}

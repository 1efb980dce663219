//! [`Sightings`]: threats that one thing shows by itself, each told once of two ends until they were silent of it for a while.

use std::hash::Hasher;

use super::windows::{Windows, write_address};
use super::{
    Found, db_access_denied, dns_null_type, dns_oversize, dns_zone_transfer, doh, ssh_v1, tls_downgrade,
};
use crate::app::{AppProtocol, Record};
use crate::flow::FlowRecord;
use crate::limits::{SIGHTING_SETS, SIGHTING_WAYS};
use crate::policy::{Threat, ThreatAction, ThreatPolicy};

/// Whether a record shows it, by the threshold that there is beside the window; then the evidence says what that rests on.
type Shows = fn(&FlowRecord, &Record, u32, &mut Record) -> bool;

/// What each record of a protocol is held against.
fn shown_by(protocol: AppProtocol) -> &'static [(Threat, Shows)] {
    match protocol {
        AppProtocol::Tls | AppProtocol::Dtls => {
            &[(Threat::TlsDowngrade, tls_downgrade::shows), (Threat::Doh, doh::shows)]
        }
        AppProtocol::Quic => &[(Threat::Doh, doh::shows)],
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
        let mut sightings = Sightings { settings, told: Windows::new(seed, SIGHTING_WAYS) };
        sightings.told.set_kept(SIGHTING_SETS);
        sightings.set_policy(policy);
        sightings
    }

    pub(super) fn set_policy(&mut self, policy: &ThreatPolicy) {
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
            if shows(flow, record, self.settings[*threat as usize].threshold, evidence) {
                tell(self.found(*threat, flow, now_ns, evidence));
            }
        }
    }

    /// Whether the operator wants to know of it.
    pub(super) fn looks_for(&self, threat: Threat) -> bool {
        self.settings[threat as usize].action != ThreatAction::Ignore
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

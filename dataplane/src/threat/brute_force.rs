//! [`BruteForce`]: one client that is refused by one server again and again, whatever they speak.

use std::hash::Hasher;

use super::windows::{Windows, write_address};
use super::{Found, refused_login};
use crate::app::{AppAnomaly, AppProtocol, HttpTransaction, Record};
use crate::flow::FlowRecord;
use crate::limits::{BRUTE_FORCE_SETS, BRUTE_FORCE_WAYS, SSH_SHORT_BYTES_MAX};
use crate::policy::{Threat, ThreatAction, ThreatPolicy};

/// What counts, each for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// A server said that it refuses a login, or denies access.
    Login = 0,
    /// One of HTTP said so: browsers ask without a password first, and clients try again with the one they have.
    Http = 1,
    /// A short session of SSH: whether a login failed is encrypted.
    SshSession = 2,
}

const THRESHOLDS: [&str; 3] = ["failures", "http_failures", "ssh_sessions"];

/// Who was refused by whom.
#[derive(Debug)]
pub(super) struct BruteForce {
    action: ThreatAction,
    /// By failure.
    thresholds: [u32; 3],
    window_ns: u64,
    /// By client, server, its port, and failure: how often.
    suspects: Windows<u32>,
}

impl BruteForce {
    pub(super) fn new(policy: &ThreatPolicy, seed: [u64; 2]) -> BruteForce {
        let suspects = Windows::new(seed, BRUTE_FORCE_WAYS);
        let mut it = BruteForce { action: ThreatAction::Ignore, thresholds: [0; 3], window_ns: 0, suspects };
        it.set_policy(policy);
        it
    }

    pub(super) fn set_policy(&mut self, policy: &ThreatPolicy) {
        let threshold = |name| policy.threshold(Threat::BruteForce, name);
        self.action = policy.action(Threat::BruteForce);
        self.thresholds = THRESHOLDS.map(threshold);
        self.window_ns = u64::from(threshold("window_s")) * 1_000_000_000;
        self.suspects.set_kept(if self.action == ThreatAction::Ignore { 0 } else { BRUTE_FORCE_SETS });
    }

    pub(super) fn see_record<'e>(
        &mut self,
        flow: &FlowRecord,
        record: &Record,
        now_ns: u64,
        evidence: &'e mut Record,
    ) -> Option<Found<'e>> {
        let is_one = refused_login::is_told(record);
        is_one.then(|| self.add(flow, record.protocol(), Failure::Login, now_ns, evidence)).flatten()
    }

    pub(super) fn see_anomaly<'e>(
        &mut self,
        flow: &FlowRecord,
        protocol: AppProtocol,
        anomaly: AppAnomaly,
        now_ns: u64,
        evidence: &'e mut Record,
    ) -> Option<Found<'e>> {
        let is_one = anomaly == AppAnomaly::LoginRefused;
        is_one.then(|| self.add(flow, protocol, Failure::Login, now_ns, evidence)).flatten()
    }

    /// RFC 9110 §15.5.2, §15.5.4.
    pub(super) fn see_transaction<'e>(
        &mut self,
        flow: &FlowRecord,
        transaction: &HttpTransaction,
        now_ns: u64,
        evidence: &'e mut Record,
    ) -> Option<Found<'e>> {
        let is_one = matches!(transaction.status, 401 | 403);
        is_one.then(|| self.add(flow, AppProtocol::Http, Failure::Http, now_ns, evidence)).flatten()
    }

    /// A flow is over.
    pub(super) fn see_end<'e>(
        &mut self,
        flow: &FlowRecord,
        protocol: AppProtocol,
        now_ns: u64,
        evidence: &'e mut Record,
    ) -> Option<Found<'e>> {
        let is_short = flow.bytes.iter().sum::<u64>() <= SSH_SHORT_BYTES_MAX;
        let is_one = protocol == AppProtocol::Ssh && is_short;
        is_one.then(|| self.add(flow, protocol, Failure::SshSession, now_ns, evidence)).flatten()
    }

    fn add<'e>(
        &mut self,
        flow: &FlowRecord,
        protocol: AppProtocol,
        failure: Failure,
        now_ns: u64,
        evidence: &'e mut Record,
    ) -> Option<Found<'e>> {
        if self.suspects.is_off() {
            return None;
        }
        let mut hasher = self.suspects.hasher();
        write_address(&mut hasher, flow.client.0);
        write_address(&mut hasher, flow.server.0);
        hasher.write_u16(flow.server.1);
        hasher.write_u8(failure as u8);
        let suspect = self.suspects.at(hasher.finish(), now_ns, self.window_ns);
        suspect.books = suspect.books.saturating_add(1);
        let threshold = self.thresholds[failure as usize];
        if !suspect.is_told && suspect.books < threshold {
            return None;
        }
        let is_first = suspect.tell_once();
        if is_first {
            evidence.begin(protocol, 0);
            evidence.text("protocol", protocol.as_str().as_bytes());
            evidence.number(THRESHOLDS[failure as usize], suspect.books.into());
            evidence.number("threshold", threshold.into());
            evidence.number("within_ms", now_ns.saturating_sub(suspect.begin_ns) / 1_000_000);
        }
        Some(Found {
            threat: Threat::BruteForce,
            action: self.action,
            evidence: is_first.then_some(evidence),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{denied, flow};
    use super::*;
    use crate::app::Value;

    const S: u64 = 1_000_000_000;

    #[test]
    fn as_many_as_the_threshold_within_the_window_are_told_once() {
        let mut it = BruteForce::new(&ThreatPolicy::default(), [1, 2]);
        let mut evidence = Record::default();
        let record = denied(AppProtocol::PgSql);
        let mut told = Vec::new();
        for number in 0..15u64 {
            if it
                .see_record(&flow(5432), &record, number * S, &mut evidence)
                .is_some_and(|found| found.evidence.is_some())
            {
                told.push(number);
            }
        }
        assert_eq!(told, [9]);
        assert_eq!(evidence.find("failures"), Some(Value::Number(10)));
        let mut other = BruteForce::new(&ThreatPolicy::default(), [1, 2]);
        let slow = (0..30)
            .any(|number| other.see_record(&flow(5432), &record, number * 10 * S, &mut evidence).is_some());
        assert!(!slow, "they are too far from each other");
        let spread =
            (0..30).any(|port| other.see_record(&flow(port), &record, 1000 * S, &mut evidence).is_some());
        assert!(!spread, "each of another server");
    }

    #[test]
    fn http_mail_and_short_sessions_count_for_themselves() {
        let mut it = BruteForce::new(&ThreatPolicy::default(), [1, 2]);
        let mut evidence = Record::default();
        let refused = HttpTransaction { status: 401, ..HttpTransaction::default() };
        let after = (1..).find(|_| it.see_transaction(&flow(80), &refused, S, &mut evidence).is_some());
        assert_eq!(after, Some(50));
        let fine = HttpTransaction { status: 200, ..HttpTransaction::default() };
        assert!(it.see_transaction(&flow(81), &fine, S, &mut evidence).is_none());
        let mail = |it: &mut BruteForce, evidence: &mut Record| {
            it.see_anomaly(&flow(25), AppProtocol::Smtp, AppAnomaly::LoginRefused, S, evidence).is_some()
        };
        assert_eq!((1..).find(|_| mail(&mut it, &mut evidence)), Some(10));
        let after = (1..).find(|_| it.see_end(&flow(22), AppProtocol::Ssh, S, &mut evidence).is_some());
        assert_eq!(after, Some(20));
        let long = FlowRecord { bytes: [SSH_SHORT_BYTES_MAX, 1], ..flow(23) };
        assert!((0..40).all(|_| it.see_end(&long, AppProtocol::Ssh, S, &mut evidence).is_none()));
    }
}

//! [`Beacons`]: connections that begin at intervals of one length, as those of a program that asks for its orders.

use std::hash::Hasher;

use super::Found;
use super::ledger::Ledger;
use super::tallies::{Limit, Reached};
use super::windows::{Windows, write_address};
use crate::flow::FlowRecord;
use crate::limits::{THREAT_PAIR_SETS, THREAT_PAIR_WAYS};
use crate::policy::{Threat, ThreatPolicy};

/// When connections between two ends began.
#[derive(Debug)]
pub(super) struct Beacons {
    limit: Limit,
    jitter_percent: u64,
    interval_min_ns: u64,
    windows: Windows<Beats>,
}

#[derive(Debug, Default)]
struct Beats {
    last_ns: u64,
    /// Of the intervals that are alike.
    mean_ns: u64,
    alike: u32,
}

impl Beacons {
    pub(super) fn new(policy: &ThreatPolicy, seed: [u64; 2]) -> Beacons {
        let mut beacons = Beacons {
            limit: Beacons::limit(policy),
            jitter_percent: 0,
            interval_min_ns: 0,
            windows: Windows::new(seed, THREAT_PAIR_WAYS),
        };
        beacons.set_policy(policy);
        beacons
    }

    pub(super) fn set_policy(&mut self, policy: &ThreatPolicy) {
        let threshold = |name| u64::from(policy.threshold(Threat::Beacon, name));
        self.limit = Beacons::limit(policy);
        self.jitter_percent = threshold("jitter_percent");
        self.interval_min_ns = threshold("interval_min_s") * 1_000_000_000;
        self.windows.set_kept(if self.limit.is_ignored() { 0 } else { THREAT_PAIR_SETS });
    }

    fn limit(policy: &ThreatPolicy) -> Limit {
        let (threat, window_ns) = (Threat::Beacon, u64::MAX);
        let (action, count) = (policy.action(threat), policy.threshold(threat, "intervals"));
        Limit { threat, action, count, window_ns }
    }

    /// A connection begins.
    pub(super) fn see_begin(
        &mut self,
        flow: &FlowRecord,
        now_ns: u64,
        ledger: &mut Ledger,
        tell: &mut impl FnMut(Found<'_>),
    ) {
        if self.windows.is_off() {
            return;
        }
        let mut hasher = self.windows.hasher();
        write_address(&mut hasher, flow.client.0);
        write_address(&mut hasher, flow.server.0);
        hasher.write_u16(flow.server.1);
        let window = self.windows.at(hasher.finish(), now_ns, u64::MAX);
        if !window.books.beat(now_ns, self.jitter_percent, self.interval_min_ns) {
            window.is_told = false;
        }
        let Beats { mean_ns, alike, .. } = window.books;
        if alike < self.limit.count {
            return;
        }
        let within_ms = mean_ns.saturating_mul(alike.into()) / 1_000_000;
        let reached = Reached { count: alike, within_ms, is_first: window.tell_once() };
        ledger.report(&self.limit, reached, tell, |evidence| {
            evidence.number("interval_ms", mean_ns / 1_000_000);
        });
    }
}

impl Beats {
    /// Takes in a begin; whether its interval is like those before.
    fn beat(&mut self, now_ns: u64, jitter_percent: u64, interval_min_ns: u64) -> bool {
        let interval_ns = now_ns.saturating_sub(self.last_ns);
        let is_first = std::mem::replace(&mut self.last_ns, now_ns) == 0;
        if is_first || interval_ns < interval_min_ns {
            (self.mean_ns, self.alike) = (0, 0);
            return false;
        }
        let jitter_ns = self.mean_ns.saturating_mul(jitter_percent) / 100;
        if self.alike == 0 || interval_ns.abs_diff(self.mean_ns) > jitter_ns {
            (self.mean_ns, self.alike) = (interval_ns, 1);
            return false;
        }
        self.alike += 1;
        let (alike, mean_ns) = (i128::from(self.alike), i128::from(self.mean_ns));
        self.mean_ns = (mean_ns + (i128::from(interval_ns) - mean_ns) / alike) as u64;
        true
    }
}

//! [`Sessions`]: how many flows each source has at the same time.

use std::hash::Hasher;
use std::net::IpAddr;

use super::Found;
use super::ledger::Ledger;
use super::tallies::{Limit, Reached, site};
use super::windows::{Windows, write_address};
use crate::limits::{THREAT_SESSION_SETS, THREAT_SESSION_WAYS};
use crate::policy::{Threat, ThreatAction, ThreatPolicy};

/// Flows by source. Of a source that gave way to others, fewer are known than it has.
#[derive(Debug)]
pub(super) struct Sessions {
    limit: Limit,
    windows: Windows<u32>,
}

impl Sessions {
    pub(super) fn new(policy: &ThreatPolicy, seed: [u64; 2]) -> Sessions {
        let mut sessions =
            Sessions { limit: Sessions::limit(policy), windows: Windows::new(seed, THREAT_SESSION_WAYS) };
        sessions.set_policy(policy);
        sessions
    }

    pub(super) fn set_policy(&mut self, policy: &ThreatPolicy) {
        self.limit = Sessions::limit(policy);
        self.windows.set_kept(if self.limit.is_ignored() { 0 } else { THREAT_SESSION_SETS });
    }

    fn limit(policy: &ThreatPolicy) -> Limit {
        let (threat, window_ns) = (Threat::SessionLimit, u64::MAX);
        let (action, count) = (policy.action(threat), policy.threshold(threat, "sessions"));
        Limit { threat, action, count, window_ns }
    }

    /// A source begins a flow. Whether it is counted, and is to be told of when it [ends](Self::see_end).
    pub(super) fn see_begin(
        &mut self,
        source: IpAddr,
        now_ns: u64,
        ledger: &mut Ledger,
        tell: &mut impl FnMut(Found<'_>),
    ) -> bool {
        if self.windows.is_off() {
            return false;
        }
        let window = self.windows.at(self.hash(source), now_ns, u64::MAX);
        let count = window.books.saturating_add(1);
        let is_over = count > self.limit.count;
        if is_over {
            let within_ms = now_ns.saturating_sub(window.begin_ns) / 1_000_000;
            let reached = Reached { count, within_ms, is_first: window.tell_once() };
            ledger.report(&self.limit, reached, tell, |evidence| evidence.text("by", b"source"));
        }
        if is_over && self.limit.action == ThreatAction::Drop {
            return false;
        }
        window.books = count;
        true
    }

    /// A flow of a source is over. Who has but half as many as it may is told of the next time.
    pub(super) fn see_end(&mut self, source: IpAddr) {
        let hash = self.hash(source);
        if let Some(window) = self.windows.known(hash) {
            window.books = window.books.saturating_sub(1);
            window.is_told &= window.books > self.limit.count / 2;
        }
    }

    fn hash(&self, source: IpAddr) -> u64 {
        let mut hasher = self.windows.hasher();
        write_address(&mut hasher, site(source));
        hasher.finish()
    }
}

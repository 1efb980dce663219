//! [`SlowRequests`]: requests of HTTP/1 that do not come to an end, many of one source at once.
//!
//! A request that is not complete with the packet that began it is looked at again when its time is over; what happened
//! meanwhile does not matter. So packets of fast requests cost nothing here, and no flow has a clock of its own.

use std::collections::VecDeque;

use flow_table::FlowId;

use super::Found;
use super::ledger::{Ledger, Seen};
use super::tallies::{Limit, Whose};
use crate::app::RequestPart;
use crate::flow::{Direction, FlowRecord};
use crate::limits::SLOW_REQUESTS_MAX;
use crate::policy::{Threat, ThreatPolicy};

/// Requests under way, by what of them is: those that began first stand first.
#[derive(Debug)]
pub(super) struct SlowRequests {
    head: Slow,
    body: Slow,
    bytes_per_s: u64,
}

/// Those of which the same is under way.
#[derive(Debug)]
struct Slow {
    limit: Limit,
    watched: VecDeque<Watched>,
}

/// A part of a request of a flow.
#[derive(Clone, Copy, Debug)]
pub struct Watched {
    /// The flow, if it is still there.
    pub id: FlowId,
    /// Which of its parts of requests that is.
    pub number: u32,
    /// What is under way.
    pub part: RequestPart,
    /// Since when it is, or was looked at, in ns.
    pub since_ns: u64,
    /// What the client had sent then, in bytes on the wire.
    pub bytes: u64,
}

impl Slow {
    fn new(policy: &ThreatPolicy, threat: Threat, seconds: &str) -> Slow {
        Slow { limit: Slow::limit(policy, threat, seconds), watched: VecDeque::new() }
    }

    /// All that are slow are looked at once in each window.
    fn limit(policy: &ThreatPolicy, threat: Threat, seconds: &str) -> Limit {
        let window_ns = u64::from(policy.threshold(threat, seconds)) * 1_000_000_000;
        let (action, count) = (policy.action(threat), policy.threshold(threat, "requests"));
        Limit { threat, action, count, window_ns }
    }

    fn watch(&mut self, watched: Watched) {
        if !self.limit.is_ignored() && self.watched.len() < SLOW_REQUESTS_MAX {
            self.watched.push_back(watched);
        }
    }

    fn next_due(&mut self, now_ns: u64) -> Option<Watched> {
        let first = self.watched.front()?;
        let is_due = now_ns.saturating_sub(first.since_ns) >= self.limit.window_ns;
        if is_due { self.watched.pop_front() } else { None }
    }
}

impl SlowRequests {
    pub(super) fn new(policy: &ThreatPolicy) -> SlowRequests {
        SlowRequests {
            head: Slow::new(policy, Threat::Slowloris, "head_s"),
            body: Slow::new(policy, Threat::SlowBody, "body_s"),
            bytes_per_s: policy.threshold(Threat::SlowBody, "bytes_per_s").into(),
        }
    }

    pub(super) fn set_policy(&mut self, policy: &ThreatPolicy) {
        self.head.limit = Slow::limit(policy, Threat::Slowloris, "head_s");
        self.body.limit = Slow::limit(policy, Threat::SlowBody, "body_s");
        self.bytes_per_s = policy.threshold(Threat::SlowBody, "bytes_per_s").into();
    }

    /// A part of a request is under way behind a packet.
    pub(super) fn watch(&mut self, watched: Watched) {
        match watched.part {
            RequestPart::Head => self.head.watch(watched),
            RequestPart::Body => self.body.watch(watched),
        }
    }

    /// One that is to be looked at.
    #[inline]
    pub(super) fn next_due(&mut self, now_ns: u64) -> Option<Watched> {
        self.head.next_due(now_ns).or_else(|| self.body.next_due(now_ns))
    }

    /// It is still under way, in a flow of which all is known.
    pub(super) fn see(
        &mut self,
        watched: &Watched,
        flow: &FlowRecord,
        now_ns: u64,
        ledger: &mut Ledger,
        tell: &mut impl FnMut(Found<'_>),
    ) {
        let sent = flow.bytes[Direction::ToServer as usize];
        let seconds = now_ns.saturating_sub(watched.since_ns) / 1_000_000_000;
        let bytes_per_s = sent.saturating_sub(watched.bytes) / seconds.max(1);
        let (slow, is_slow) = match watched.part {
            RequestPart::Head => (&mut self.head, true),
            RequestPart::Body => (&mut self.body, bytes_per_s < self.bytes_per_s),
        };
        if is_slow {
            let detail = Some(("bytes_per_s", bytes_per_s));
            let whose = Whose::Source(flow.client.0);
            ledger.add(&slow.limit, Seen { whose, weight: 1, detail, now_ns }, tell);
        }
        slow.watch(Watched { since_ns: now_ns, bytes: sent, ..*watched });
    }
}

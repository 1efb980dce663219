//! [`SlowRequests`]: requests of HTTP/1 that do not come to an end, many of one source at once.
//!
//! A request that is not complete with the packet that began it is looked at again when its time is over. If another one of its flow
//! is under way by then, the time of that one begins. So packets of fast requests cost nothing here, no flow has a clock of its own,
//! and none has more than a place for each part.

use std::collections::VecDeque;
use std::hash::Hasher;
use std::net::IpAddr;

use flow_table::FlowId;

use super::Found;
use super::ledger::Ledger;
use super::tallies::{Limit, Reached, site};
use super::windows::{Windows, write_address};
use crate::app::RequestPart;
use crate::flow::{Direction, FlowRecord};
use crate::limits::{SLOW_REQUESTS_MAX, THREAT_TALLY_SETS, THREAT_TALLY_WAYS};
use crate::policy::{Threat, ThreatPolicy};

/// Requests under way, by what of them is: those that began first stand first.
#[derive(Debug)]
pub(super) struct SlowRequests {
    head: Slow,
    body: Slow,
    bytes_per_s: u64,
    /// How many of a source are slow, by source and by what of them is under way.
    slow: Windows<u32>,
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
    /// The client.
    pub source: IpAddr,
    /// Whether it was slow when it was looked at the last time.
    pub is_slow: bool,
}

impl Slow {
    fn new(policy: &ThreatPolicy, threat: Threat, seconds: &str) -> Slow {
        Slow { limit: Slow::limit(policy, threat, seconds), watched: VecDeque::new() }
    }

    /// Its window is the time after which a request is looked at.
    fn limit(policy: &ThreatPolicy, threat: Threat, seconds: &str) -> Limit {
        let window_ns = u64::from(policy.threshold(threat, seconds)) * 1_000_000_000;
        let (action, count) = (policy.action(threat), policy.threshold(threat, "requests"));
        Limit { threat, action, count, window_ns }
    }

    fn watch(&mut self, watched: Watched) -> bool {
        let has_room = !self.limit.is_ignored() && self.watched.len() < SLOW_REQUESTS_MAX;
        if has_room {
            self.watched.push_back(watched);
        }
        has_room
    }

    fn next_due(&mut self, now_ns: u64) -> Option<Watched> {
        let first = self.watched.front()?;
        let is_due = now_ns.saturating_sub(first.since_ns) >= self.limit.window_ns;
        if is_due { self.watched.pop_front() } else { None }
    }
}

impl SlowRequests {
    pub(super) fn new(policy: &ThreatPolicy, seed: [u64; 2]) -> SlowRequests {
        let mut requests = SlowRequests {
            head: Slow::new(policy, Threat::Slowloris, "head_s"),
            body: Slow::new(policy, Threat::SlowBody, "body_s"),
            bytes_per_s: 0,
            slow: Windows::new(seed, THREAT_TALLY_WAYS),
        };
        requests.set_policy(policy);
        requests
    }

    pub(super) fn set_policy(&mut self, policy: &ThreatPolicy) {
        self.bytes_per_s = policy.threshold(Threat::SlowBody, "bytes_per_s").into();
        self.head.limit = Slow::limit(policy, Threat::Slowloris, "head_s");
        self.body.limit = Slow::limit(policy, Threat::SlowBody, "body_s");
        let is_off = self.head.limit.is_ignored() && self.body.limit.is_ignored();
        self.slow.set_kept(if is_off { 0 } else { THREAT_TALLY_SETS });
    }

    /// A part of a request is under way behind a packet. Whether it is looked after.
    pub(super) fn watch(&mut self, watched: Watched) -> bool {
        self.of(watched.part).watch(watched)
    }

    /// One that is to be looked at.
    #[inline]
    pub(super) fn next_due(&mut self, now_ns: u64) -> Option<Watched> {
        self.head.next_due(now_ns).or_else(|| self.body.next_due(now_ns))
    }

    /// It is still under way, in a flow of which all is known. Whether it is looked after further.
    pub(super) fn see(
        &mut self,
        watched: &Watched,
        flow: &FlowRecord,
        now_ns: u64,
        ledger: &mut Ledger,
        tell: &mut impl FnMut(Found<'_>),
    ) -> bool {
        let limit = self.of(watched.part).limit;
        if limit.is_ignored() {
            self.see_over(watched);
            return false;
        }
        let sent = flow.bytes[Direction::ToServer as usize];
        let seconds = now_ns.saturating_sub(watched.since_ns) / 1_000_000_000;
        let bytes_per_s = sent.saturating_sub(watched.bytes) / seconds.max(1);
        let is_slow = watched.part == RequestPart::Head || bytes_per_s < self.bytes_per_s;
        if is_slow {
            let window = self.slow.at(self.hash(watched), now_ns, u64::MAX);
            window.books += u32::from(!watched.is_slow);
            let within_ms = now_ns.saturating_sub(window.begin_ns) / 1_000_000;
            if window.books >= limit.count {
                let reached = Reached { count: window.books, within_ms, is_first: window.tell_once() };
                ledger.report(&limit, reached, tell, |evidence| {
                    evidence.text("by", b"source");
                    evidence.number("bytes_per_s", bytes_per_s);
                });
            }
        } else {
            self.see_over(watched);
        }
        self.watch(Watched { since_ns: now_ns, bytes: sent, is_slow, ..*watched })
    }

    /// It is not under way any more, or not slow. A source of which but half as many are as make a threat is told of the next time.
    pub(super) fn see_over(&mut self, watched: &Watched) {
        let (count, hash) = (self.of(watched.part).limit.count, self.hash(watched));
        if watched.is_slow
            && let Some(window) = self.slow.known(hash)
        {
            window.books = window.books.saturating_sub(1);
            window.is_told &= window.books > count / 2;
        }
    }

    fn of(&mut self, part: RequestPart) -> &mut Slow {
        match part {
            RequestPart::Head => &mut self.head,
            RequestPart::Body => &mut self.body,
        }
    }

    fn hash(&self, watched: &Watched) -> u64 {
        let mut hasher = self.slow.hasher();
        hasher.write_u8(watched.part as u8);
        write_address(&mut hasher, site(watched.source));
        hasher.finish()
    }
}

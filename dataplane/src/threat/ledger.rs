//! [`Ledger`]: what detectors share: what is counted, who is blocked, and room for what a verdict rests on.

use std::net::IpAddr;

use super::blocked_sources::BlockedSources;
use super::tallies::{Limit, Reached, Tallies, Whose};
use super::{Found, Unbooked};
use crate::app::{AppProtocol, Record};
use crate::decode::TcpFlags;
use crate::policy::ThreatAction;

/// The books of the detectors of one worker.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) tallies: Tallies,
    blocked: BlockedSources,
    pub(super) evidence: Record,
    pub(super) unbooked: Unbooked,
}

/// Something to be counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) whose: Whose,
    pub(super) weight: u32,
    pub(super) detail: Option<Detail>,
    pub(super) now_ns: u64,
}

/// What a packet shows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Detail {
    Number(&'static str, u64),
    /// Told in hexadecimal, as in `flow` events.
    TcpFlags(TcpFlags),
}

impl Ledger {
    pub(super) fn new(seed: [u64; 2]) -> Ledger {
        Ledger {
            tallies: Tallies::new(seed),
            blocked: BlockedSources::new(seed),
            evidence: Record::default(),
            unbooked: Unbooked::default(),
        }
    }

    /// Counts something, and tells of it where that makes a threat; whether it does.
    pub(super) fn add(&mut self, limit: &Limit, seen: Seen, tell: &mut impl FnMut(Found<'_>)) -> bool {
        let Seen { whose, weight, detail, now_ns } = seen;
        let Some(reached) = self.tallies.add(limit, whose, weight, now_ns) else { return false };
        self.report(limit, reached, tell, |evidence| {
            evidence.text("by", whose.as_str().as_bytes());
            match detail {
                Some(Detail::Number(name, value)) => evidence.number(name, value),
                Some(Detail::TcpFlags(flags)) => {
                    evidence.display("tcp_flags", format_args!("{:02x}", flags.0));
                }
                None => {}
            }
        });
        true
    }

    /// Tells of a threat. The first time with what it rests on: what it came to, and what `say` adds.
    pub(super) fn report(
        &mut self,
        limit: &Limit,
        reached: Reached,
        tell: &mut impl FnMut(Found<'_>),
        say: impl FnOnce(&mut Record),
    ) {
        let Reached { count, within_ms, is_first } = reached;
        if is_first {
            self.evidence.begin(AppProtocol::Unknown, 0);
            self.evidence.number("count", count.into());
            self.evidence.number("threshold", limit.count.into());
            self.evidence.number("within_ms", within_ms);
            say(&mut self.evidence);
        }
        let evidence = is_first.then_some(&self.evidence);
        self.unbooked.tell(Found { threat: limit.threat, action: limit.action, evidence }, tell);
    }

    /// Has a source begin no flow for `block_ns`, where its threat is dropped.
    pub(super) fn block(&mut self, limit: &Limit, source: IpAddr, block_ns: u64, now_ns: u64) {
        if limit.action == ThreatAction::Drop && block_ns > 0 {
            self.blocked.block(source, limit.threat, now_ns, now_ns.saturating_add(block_ns));
        }
    }

    /// Whether a source is blocked, which is told already.
    #[inline]
    pub(super) fn refuses(&mut self, source: IpAddr, now_ns: u64, tell: &mut impl FnMut(Found<'_>)) -> bool {
        let Some(threat) = self.blocked.why(source, now_ns) else { return false };
        self.unbooked.tell(Found { threat, action: ThreatAction::Drop, evidence: None }, tell);
        true
    }
}

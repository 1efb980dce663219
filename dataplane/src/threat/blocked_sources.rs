//! [`BlockedSources`]: who begins no flow for a while, by the operator's word (`block_s`).

use std::hash::Hasher;
use std::net::IpAddr;

use super::tallies::site;
use super::windows::{Windows, write_address};
use crate::limits::{THREAT_TALLY_SETS, THREAT_TALLY_WAYS};
use crate::policy::Threat;

/// Sources that are blocked; no room is taken before the first one is.
#[derive(Debug)]
pub(super) struct BlockedSources {
    windows: Windows<Blocked>,
    /// Until when any is.
    last_ns: u64,
}

#[derive(Debug, Default)]
struct Blocked {
    until_ns: u64,
    threat: Option<Threat>,
}

impl BlockedSources {
    pub(super) fn new(seed: [u64; 2]) -> BlockedSources {
        BlockedSources { windows: Windows::new(seed, THREAT_TALLY_WAYS), last_ns: 0 }
    }

    /// Blocks a source until `until_ns`.
    pub(super) fn block(&mut self, source: IpAddr, threat: Threat, now_ns: u64, until_ns: u64) {
        self.windows.set_kept(THREAT_TALLY_SETS);
        let window = self.windows.at(self.hash(source), now_ns, u64::MAX);
        window.books = Blocked { until_ns: window.books.until_ns.max(until_ns), threat: Some(threat) };
        self.last_ns = self.last_ns.max(until_ns);
    }

    /// Why a source is blocked, where it is.
    #[inline]
    pub(super) fn why(&mut self, source: IpAddr, now_ns: u64) -> Option<Threat> {
        if now_ns >= self.last_ns {
            return None;
        }
        let hash = self.hash(source);
        let blocked = &self.windows.known(hash)?.books;
        blocked.threat.filter(|_| now_ns < blocked.until_ns)
    }

    fn hash(&self, source: IpAddr) -> u64 {
        let mut hasher = self.windows.hasher();
        write_address(&mut hasher, site(source));
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_blocked_for_its_time_and_no_other() {
        let mut blocked = BlockedSources::new([1, 2]);
        let [one, other] = [1, 2].map(|last| IpAddr::from([192, 0, 2, last]));
        assert_eq!(blocked.why(one, 0), None);
        blocked.block(one, Threat::SynFlood, 10, 20);
        blocked.block(other, Threat::PortScan, 10, 40);
        assert_eq!((blocked.why(one, 19), blocked.why(one, 20)), (Some(Threat::SynFlood), None));
        assert_eq!((blocked.why(other, 39), blocked.why(other, 40)), (Some(Threat::PortScan), None));
        assert_eq!(blocked.why([192, 0, 2, 3].into(), 11), None);
    }
}

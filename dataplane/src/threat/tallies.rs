//! [`Tallies`]: how much comes from whom, or to whom, within a window: what all detectors count by that only count.

use std::hash::Hasher;
use std::net::{IpAddr, Ipv6Addr};

use super::windows::{Windows, write_address};
use crate::limits::{THREAT_TALLY_SETS, THREAT_TALLY_WAYS};
use crate::policy::{Threat, ThreatAction, ThreatPolicy};

/// Counts by threat and by one end, each of a window that begins anew when it is over.
#[derive(Debug)]
pub(super) struct Tallies(Windows<Tally>);

#[derive(Debug, Default)]
struct Tally {
    begin_ns: u64,
    count: u32,
}

/// How much of a threat is one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    pub(super) threat: Threat,
    pub(super) action: ThreatAction,
    pub(super) count: u32,
    pub(super) window_ns: u64,
}

/// Of which end it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Source(IpAddr),
    Destination(IpAddr),
}

/// As much as makes a threat came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) count: u32,
    pub(super) within_ms: u64,
    /// Whether nobody was told of it yet.
    pub(super) is_first: bool,
}

impl Limit {
    /// What the operator says of a threat, by the name of the threshold that is counted up to; the window by `window_s`.
    pub(super) fn of(policy: &ThreatPolicy, threat: Threat, count: &str) -> Limit {
        let seconds = |name| u64::from(policy.threshold(threat, name)) * 1_000_000_000;
        let (action, count) = (policy.action(threat), policy.threshold(threat, count));
        Limit { threat, action, count, window_ns: seconds("window_s") }
    }

    pub(super) fn is_ignored(&self) -> bool {
        self.action == ThreatAction::Ignore
    }
}

impl Whose {
    /// The word for it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Whose::Source(_) => "source",
            Whose::Destination(_) => "destination",
        }
    }

    fn write(self, hasher: &mut impl Hasher) {
        match self {
            Whose::Source(address) => {
                hasher.write_u8(0);
                write_address(hasher, site(address));
            }
            Whose::Destination(address) => {
                hasher.write_u8(1);
                write_address(hasher, address);
            }
        }
    }
}

/// Whom a source is: of IPv6 a /64, which is the least that a site has (RFC 6177 §2), and who has one has all its addresses.
pub(super) fn site(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

impl Tallies {
    pub(super) fn new(seed: [u64; 2]) -> Tallies {
        let mut windows = Windows::new(seed, THREAT_TALLY_WAYS);
        windows.set_kept(THREAT_TALLY_SETS);
        Tallies(windows)
    }

    /// Counts `weight` more; what that comes to, where it is a threat.
    pub(super) fn add(&mut self, limit: &Limit, whose: Whose, weight: u32, now_ns: u64) -> Option<Reached> {
        if limit.is_ignored() {
            return None;
        }
        let window = self.0.at(self.hash(limit.threat, whose), now_ns, limit.window_ns);
        let tally = &mut window.books;
        if now_ns.saturating_sub(tally.begin_ns) > limit.window_ns {
            window.is_told &= tally.count >= limit.count;
            *tally = Tally { begin_ns: now_ns, count: 0 };
        }
        tally.count = tally.count.saturating_add(weight);
        let (count, within_ns) = (tally.count, now_ns.saturating_sub(tally.begin_ns));
        (count >= limit.count).then(|| Reached {
            count,
            within_ms: within_ns / 1_000_000,
            is_first: window.tell_once(),
        })
    }

    /// One of what was counted was none, as it turns out.
    pub(super) fn take_back(&mut self, limit: &Limit, whose: Whose) {
        let hash = self.hash(limit.threat, whose);
        if let Some(window) = self.0.known(hash) {
            window.books.count = window.books.count.saturating_sub(1);
        }
    }

    fn hash(&self, threat: Threat, whose: Whose) -> u64 {
        let mut hasher = self.0.hasher();
        hasher.write_u8(threat as u8);
        whose.write(&mut hasher);
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;
    const LIMIT: Limit =
        Limit { threat: Threat::Land, action: ThreatAction::Alert, count: 3, window_ns: 10 * S };

    fn source(last: u8) -> Whose {
        Whose::Source([192, 0, 2, last].into())
    }

    #[test]
    fn it_is_told_once_and_counted_anew_in_each_window() {
        let mut tallies = Tallies::new([1, 2]);
        let mut add = |now_s: u64| {
            let reached = tallies.add(&LIMIT, source(1), 1, now_s * S);
            reached.map(|reached| (reached.count, reached.is_first))
        };
        assert_eq!([add(100), add(101), add(102), add(103)], [None, None, Some((3, true)), Some((4, false))]);
        assert_eq!([add(112), add(113), add(114)], [None, None, Some((3, false))], "it goes on");
        assert_eq!([add(126), add(127), add(128)], [None, None, Some((3, true))], "it had ended");
    }

    #[test]
    fn ends_and_threats_are_counted_apart() {
        let mut tallies = Tallies::new([1, 2]);
        let address = IpAddr::from([192, 0, 2, 1]);
        let other = Limit { threat: Threat::SynData, ..LIMIT };
        let ignored = Limit { action: ThreatAction::Ignore, ..LIMIT };
        assert!(tallies.add(&LIMIT, Whose::Source(address), 2, S).is_none());
        assert!(tallies.add(&LIMIT, Whose::Destination(address), 2, S).is_none());
        assert!(tallies.add(&LIMIT, source(2), 2, S).is_none());
        assert!(tallies.add(&other, Whose::Source(address), 2, S).is_none());
        assert!(tallies.add(&ignored, Whose::Source(address), 2, S).is_none());
        tallies.take_back(&LIMIT, Whose::Source(address));
        assert!(tallies.add(&LIMIT, Whose::Source(address), 1, S).is_none());
        assert_eq!(tallies.add(&LIMIT, Whose::Source(address), 1, S).map(|reached| reached.count), Some(3));
        let v6 = |last: u16| Whose::Source([0x2001, 0xdb8, 0, 0, 0, 0, 0, last].into());
        assert!(tallies.add(&LIMIT, v6(1), 2, S).is_none());
        assert!(tallies.add(&LIMIT, v6(2), 1, S).is_some(), "they are of one site");
    }
}

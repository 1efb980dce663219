//! [`IcmpTunnels`]: data carried in echoes of ICMP.
//!
//! What pings sends the same bytes each time, but for a number and a time at the begin, and is answered with the same. What
//! carries data has others in every message, and in answers others than were asked with. No size or rate tells the two apart.

use std::hash::Hasher;

use arrayvec::ArrayVec;

use super::Found;
use super::ledger::Ledger;
use super::tallies::{Limit, Reached};
use super::windows::{Windows, write_address};
use crate::decode::Network;
use crate::limits::{ICMP_ECHOES_REMEMBERED, THREAT_PAIR_SETS, THREAT_PAIR_WAYS};
use crate::policy::{Threat, ThreatPolicy};

/// Bytes at the begin of an echo's data that differ by nature: a struct timeval, or two, and to spare.
const OWN_BYTES: usize = 24;

/// Bytes behind them that are compared, as many as pings have that nobody asked for more: longer ones begin alike.
const COMPARED_BYTES: usize = 32;

/// Bytes behind them without which there is nothing to compare.
const COMPARED_BYTES_MIN: usize = 8;

/// What two ends have in their echoes.
#[derive(Debug)]
pub(super) struct IcmpTunnels {
    limit: Limit,
    windows: Windows<Echoes>,
}

#[derive(Debug, Default)]
struct Echoes {
    /// Messages with data that none of the last ones had.
    new: u32,
    /// Bytes of their data.
    bytes: u64,
    /// Hashes of the last ones.
    recent: ArrayVec<u32, ICMP_ECHOES_REMEMBERED>,
    next: usize,
}

impl IcmpTunnels {
    pub(super) fn new(policy: &ThreatPolicy, seed: [u64; 2]) -> IcmpTunnels {
        let limit = Limit::of(policy, Threat::IcmpTunnel, "messages");
        let mut tunnels = IcmpTunnels { limit, windows: Windows::new(seed, THREAT_PAIR_WAYS) };
        tunnels.set_policy(policy);
        tunnels
    }

    pub(super) fn set_policy(&mut self, policy: &ThreatPolicy) {
        self.limit = Limit::of(policy, Threat::IcmpTunnel, "messages");
        self.windows.set_kept(if self.limit.is_ignored() { 0 } else { THREAT_PAIR_SETS });
    }

    /// An echo or its answer, with its data.
    pub(super) fn see_echo(
        &mut self,
        network: &Network,
        data: &[u8],
        now_ns: u64,
        ledger: &mut Ledger,
        tell: &mut impl FnMut(Found<'_>),
    ) {
        let compared = data.get(OWN_BYTES..).filter(|data| data.len() >= COMPARED_BYTES_MIN);
        let Some(compared) = compared.filter(|_| !self.windows.is_off()) else { return };
        let mut content = self.windows.hasher();
        content.write(&compared[..compared.len().min(COMPARED_BYTES)]);
        let mut pair = self.windows.hasher();
        let ends = [network.source, network.destination];
        write_address(&mut pair, ends[0].min(ends[1]));
        write_address(&mut pair, ends[0].max(ends[1]));
        let window = self.windows.at(pair.finish(), now_ns, self.limit.window_ns);
        let is_new = window.books.enter(content.finish() as u32, data.len());
        let Echoes { new, bytes, .. } = window.books;
        if new < self.limit.count || !is_new {
            return;
        }
        let within_ms = now_ns.saturating_sub(window.begin_ns) / 1_000_000;
        let reached = Reached { count: new, within_ms, is_first: window.tell_once() };
        ledger.report(&self.limit, reached, tell, |evidence| evidence.number("bytes", bytes));
    }
}

impl Echoes {
    /// Whether none of the last ones had that data.
    fn enter(&mut self, content: u32, bytes: usize) -> bool {
        if self.recent.contains(&content) {
            return false;
        }
        if self.recent.try_push(content).is_err() {
            self.recent[self.next] = content;
            self.next = (self.next + 1) % ICMP_ECHOES_REMEMBERED;
        }
        self.new = self.new.saturating_add(1);
        self.bytes += bytes as u64;
        true
    }
}

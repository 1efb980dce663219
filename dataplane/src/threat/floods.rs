//! [`Floods`]: more packets of a kind than anybody needs, from one source or to one destination.

use std::net::IpAddr;

use super::Found;
use super::ledger::{Ledger, Seen};
use super::tallies::{Limit, Whose};
use crate::policy::{Threat, ThreatPolicy};

/// The floods that are looked for.
#[derive(Debug)]
pub(super) struct Floods {
    syn: Flood,
    icmp: Flood,
    udp: Flood,
    dns: Flood,
}

/// One kind.
#[derive(Clone, Copy, Debug)]
struct Flood {
    source: Limit,
    destination: Limit,
    block_ns: u64,
}

/// Packets of one kind from one end to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) packets: u32,
    pub(super) now_ns: u64,
}

impl Flood {
    fn new(policy: &ThreatPolicy, threat: Threat) -> Flood {
        Flood {
            source: Limit::of(policy, threat, "per_source"),
            destination: Limit::of(policy, threat, "per_destination"),
            block_ns: u64::from(policy.threshold(threat, "block_s")) * 1_000_000_000,
        }
    }

    fn see(&self, sent: &Sent, ledger: &mut Ledger, tell: &mut impl FnMut(Found<'_>)) {
        let Sent { source, destination, packets, now_ns } = *sent;
        let seen = |whose| Seen { whose, weight: packets, detail: None, now_ns };
        if ledger.add(&self.source, seen(Whose::Source(source)), tell) {
            return ledger.block(&self.source, source, self.block_ns, now_ns);
        }
        ledger.add(&self.destination, seen(Whose::Destination(destination)), tell);
    }
}

impl Floods {
    pub(super) fn new(policy: &ThreatPolicy) -> Floods {
        Floods {
            syn: Flood::new(policy, Threat::SynFlood),
            icmp: Flood::new(policy, Threat::IcmpFlood),
            udp: Flood::new(policy, Threat::UdpFlood),
            dns: Flood::new(policy, Threat::DnsFlood),
        }
    }

    /// A SYN without ACK.
    pub(super) fn see_syn(&self, sent: &Sent, ledger: &mut Ledger, tell: &mut impl FnMut(Found<'_>)) {
        self.syn.see(sent, ledger, tell);
    }

    /// The handshake that a SYN began is complete: it was none of a flood.
    pub(super) fn see_opened(&self, client: IpAddr, server: IpAddr, ledger: &mut Ledger) {
        ledger.tallies.take_back(&self.syn.source, Whose::Source(client));
        ledger.tallies.take_back(&self.syn.destination, Whose::Destination(server));
    }

    /// Packets of ICMP.
    pub(super) fn see_icmp(&self, sent: &Sent, ledger: &mut Ledger, tell: &mut impl FnMut(Found<'_>)) {
        self.icmp.see(sent, ledger, tell);
    }

    /// Datagrams of UDP to a port.
    pub(super) fn see_udp(
        &self,
        sent: &Sent,
        port: u16,
        ledger: &mut Ledger,
        tell: &mut impl FnMut(Found<'_>),
    ) {
        const DNS_PORT: u16 = 53;
        self.udp.see(sent, ledger, tell);
        if port == DNS_PORT {
            self.dns.see(sent, ledger, tell);
        }
    }
}

//! [`Scans`]: who asks many ports of one host, or one port of many hosts, of which next to none answers.

use std::hash::Hasher;

use super::Found;
use super::ledger::Ledger;
use super::tallies::{Limit, Reached, site};
use super::windows::{Windows, write_address};
use crate::flow::{FlowRecord, protocol};
use crate::limits::{THREAT_PAIR_SETS, THREAT_PAIR_WAYS, THREAT_SCAN_BITS};
use crate::policy::{Threat, ThreatPolicy};

const WORDS: usize = THREAT_SCAN_BITS / 64;

/// What sources ask of hosts, and of ports.
#[derive(Debug)]
pub(super) struct Scans {
    ports: Scan,
    addresses: Scan,
    windows: Windows<Asked>,
}

/// One kind.
#[derive(Clone, Copy, Debug)]
struct Scan {
    limit: Limit,
    block_ns: u64,
}

/// What was asked, and of it what answered: a bit each, by hash.
#[derive(Debug, Default)]
struct Asked {
    asked: [u64; WORDS],
    answered: [u64; WORDS],
}

/// Under which hash something is known, and by which bit.
#[derive(Clone, Copy)]
struct Place {
    hash: u64,
    bit: usize,
}

impl Scan {
    fn new(policy: &ThreatPolicy, threat: Threat, count: &str) -> Scan {
        let block_ns = u64::from(policy.threshold(threat, "block_s")) * 1_000_000_000;
        Scan { limit: Limit::of(policy, threat, count), block_ns }
    }
}

impl Asked {
    fn open(&self) -> u32 {
        self.asked.iter().zip(&self.answered).map(|(asked, answered)| (asked & !answered).count_ones()).sum()
    }
}

fn set(bits: &mut [u64; WORDS], bit: usize) {
    bits[bit / 64] |= 1 << (bit % 64);
}

impl Scans {
    pub(super) fn new(policy: &ThreatPolicy, seed: [u64; 2]) -> Scans {
        let mut scans = Scans {
            ports: Scan::new(policy, Threat::PortScan, "ports"),
            addresses: Scan::new(policy, Threat::AddressSweep, "addresses"),
            windows: Windows::new(seed, THREAT_PAIR_WAYS),
        };
        scans.set_policy(policy);
        scans
    }

    pub(super) fn set_policy(&mut self, policy: &ThreatPolicy) {
        self.ports = Scan::new(policy, Threat::PortScan, "ports");
        self.addresses = Scan::new(policy, Threat::AddressSweep, "addresses");
        let is_off = self.ports.limit.is_ignored() && self.addresses.limit.is_ignored();
        self.windows.set_kept(if is_off { 0 } else { THREAT_PAIR_SETS });
    }

    /// A flow begins, by a SYN or an echo.
    pub(super) fn see_begin(
        &mut self,
        flow: &FlowRecord,
        now_ns: u64,
        ledger: &mut Ledger,
        tell: &mut impl FnMut(Found<'_>),
    ) {
        for (scan, place) in self.places(flow) {
            let Some(place) = place.filter(|_| !scan.limit.is_ignored()) else { continue };
            let window = self.windows.at(place.hash, now_ns, scan.limit.window_ns);
            set(&mut window.books.asked, place.bit);
            let count = window.books.open();
            if count < scan.limit.count {
                continue;
            }
            let within_ms = now_ns.saturating_sub(window.begin_ns) / 1_000_000;
            let reached = Reached { count, within_ms, is_first: window.tell_once() };
            ledger.report(&scan.limit, reached, tell, |evidence| evidence.text("by", b"source"));
            ledger.block(&scan.limit, flow.client.0, scan.block_ns, now_ns);
        }
    }

    /// Who was asked has answered.
    pub(super) fn see_answered(&mut self, flow: &FlowRecord) {
        for (_, place) in self.places(flow) {
            if let Some(place) = place
                && let Some(window) = self.windows.known(place.hash)
            {
                set(&mut window.books.answered, place.bit);
            }
        }
    }

    /// Where a flow counts as one of a scan of ports, and of one of addresses.
    fn places(&self, flow: &FlowRecord) -> [(Scan, Option<Place>); 2] {
        let (address, port) = flow.server;
        let mut of_port = self.windows.hasher();
        write_address(&mut of_port, site(flow.client.0));
        let mut of_address = of_port.clone();
        of_port.write_u8(0);
        write_address(&mut of_port, address);
        of_address.write_u8(1);
        of_address.write_u8(flow.protocol);
        of_address.write_u16(port);
        let mut name = self.windows.hasher();
        write_address(&mut name, address);
        let bit = |hash: u64| hash as usize % THREAT_SCAN_BITS;
        // Neighbouring ports have bits of their own.
        let of_port = Place { hash: of_port.finish(), bit: bit(u64::from(port)) };
        let of_address = Place { hash: of_address.finish(), bit: bit(name.finish()) };
        let has_ports = flow.protocol == protocol::TCP;
        [(self.ports, has_ports.then_some(of_port)), (self.addresses, Some(of_address))]
    }
}

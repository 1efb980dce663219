//! [`OddPackets`]: what no packet should be, whatever it comes with.

use std::net::IpAddr;

use super::Found;
use super::ledger::{Detail, Ledger, Seen};
use super::tallies::{Limit, Whose};
use crate::decode::{Network, Packet, SynOptions, TcpFlags, Transport};
use crate::policy::{Threat, ThreatPolicy};
use crate::verdict::DropReason;

/// The oddities that are looked for.
#[derive(Debug)]
pub(super) struct OddPackets {
    tcp_flags: Limit,
    land: Limit,
    syn_data: Limit,
    small_mss: Limit,
    mss_bytes: u32,
    split_handshake: Limit,
    small_window: Limit,
    window_bytes: u32,
    teardrop: Limit,
    ping_of_death: Limit,
}

impl OddPackets {
    pub(super) fn new(policy: &ThreatPolicy) -> OddPackets {
        let by_count = |threat| Limit::of(policy, threat, "count");
        OddPackets {
            tcp_flags: by_count(Threat::TcpFlags),
            land: by_count(Threat::Land),
            syn_data: by_count(Threat::SynData),
            small_mss: by_count(Threat::SmallMss),
            mss_bytes: policy.threshold(Threat::SmallMss, "mss_bytes"),
            split_handshake: by_count(Threat::SplitHandshake),
            small_window: Limit::of(policy, Threat::SmallWindow, "connections"),
            window_bytes: policy.threshold(Threat::SmallWindow, "window_bytes"),
            teardrop: by_count(Threat::Teardrop),
            ping_of_death: by_count(Threat::PingOfDeath),
        }
    }

    /// A packet of which `frame` is told.
    pub(super) fn see(
        &self,
        frame: &[u8],
        (packet, network): (&Packet<'_>, &Network),
        now_ns: u64,
        ledger: &mut Ledger,
        tell: &mut impl FnMut(Found<'_>),
    ) {
        let mut note = |limit: &Limit, detail| {
            let whose = Whose::Source(network.source);
            ledger.add(limit, Seen { whose, weight: 1, detail, now_ns }, tell);
        };
        // What a host says to itself by a loopback address is on no wire, but in captures.
        let is_to_itself = network.source == network.destination && !network.source.is_loopback();
        match packet.transport {
            Transport::Udp { source, destination } if is_to_itself && source == destination => {
                note(&self.land, Some(Detail::Number("port", source.into())));
            }
            Transport::Tcp(header) => {
                if is_to_itself && header.source == header.destination {
                    note(&self.land, Some(Detail::Number("port", header.source.into())));
                }
                if are_impossible(header.flags) {
                    note(&self.tcp_flags, Some(Detail::TcpFlags(header.flags)));
                } else if header.flags.has(TcpFlags::SYN) {
                    let options = SynOptions::of(frame, network);
                    let data_bytes = packet.payload.len() as u64;
                    let is_first = !header.flags.has(TcpFlags::ACK);
                    if is_first && data_bytes > 0 && !options.has_cookie {
                        note(&self.syn_data, Some(Detail::Number("bytes", data_bytes)));
                    }
                    if let Some(mss) = options.mss.filter(|mss| u32::from(*mss) < self.mss_bytes) {
                        note(&self.small_mss, Some(Detail::Number("mss", mss.into())));
                    }
                }
            }
            _ => {}
        }
    }

    /// A SYN without ACK from an end that was sent one, and did not answer it yet.
    pub(super) fn see_answering_syn(
        &self,
        source: IpAddr,
        now_ns: u64,
        ledger: &mut Ledger,
        tell: &mut impl FnMut(Found<'_>),
    ) {
        let seen = Seen { whose: Whose::Source(source), weight: 1, detail: None, now_ns };
        ledger.add(&self.split_handshake, seen, tell);
    }

    /// A client completes a handshake with so large a window.
    pub(super) fn see_window(
        &self,
        client: IpAddr,
        window_bytes: u32,
        now_ns: u64,
        ledger: &mut Ledger,
        tell: &mut impl FnMut(Found<'_>),
    ) {
        if window_bytes < self.window_bytes {
            let detail = Some(Detail::Number("window", window_bytes.into()));
            let seen = Seen { whose: Whose::Source(client), weight: 1, detail, now_ns };
            ledger.add(&self.small_window, seen, tell);
        }
    }

    /// A piece of a datagram was refused.
    pub(super) fn see_refused(
        &self,
        cause: DropReason,
        source: IpAddr,
        now_ns: u64,
        ledger: &mut Ledger,
        tell: &mut impl FnMut(Found<'_>),
    ) {
        let limit = match cause {
            DropReason::FragmentOverlap | DropReason::FragmentTeardrop => &self.teardrop,
            DropReason::FragmentTooLong => &self.ping_of_death,
            _ => return,
        };
        ledger.add(limit, Seen { whose: Whose::Source(source), weight: 1, detail: None, now_ns }, tell);
    }
}

/// Whether no TCP sends such control bits. But for a SYN and a reset, every segment has ACK (RFC 9293 §3.10.7.4), and one that
/// opens closes nothing, nor does a reset end a stream.
fn are_impossible(flags: TcpFlags) -> bool {
    let is_of_nothing = flags.0 & (TcpFlags::SYN | TcpFlags::RST | TcpFlags::ACK) == 0;
    let has_both = |a: u8, b: u8| flags.has(a | b);
    is_of_nothing
        || has_both(TcpFlags::SYN, TcpFlags::FIN)
        || has_both(TcpFlags::SYN, TcpFlags::RST)
        || has_both(TcpFlags::FIN, TcpFlags::RST)
}

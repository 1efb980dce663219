//! The books of one pipeline.

use crate::decode::DecodeError;
use crate::inspect::Findings;
#[cfg(doc)]
use crate::policy::Threat;
use crate::policy::{BypassCause, ThreatCounts};
use crate::verdict::{DropReason, Verdict};

/// Totals since the start. At every instant `frames_in = forwarded + Σ dropped + held`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames that were judged.
    pub frames_in: u64,
    /// Their bytes on the wire.
    pub bytes_in: u64,
    /// Frames that pass.
    pub forwarded: u64,
    /// Frames that wait, now, for what they are a piece of.
    pub held: u64,
    /// Frames that do not, by [`DropReason`]; those whose connection was reset are among them.
    pub dropped: [u64; DropReason::COUNT],
    /// Frames that a cause spoke against and that pass all the same: in monitor mode, or by the operator's word.
    pub excepted: [u64; DropReason::COUNT],
    /// Frames that are no packets, by [`DecodeError`]; those that do not pass are dropped as malformed.
    pub undecodable: [u64; DecodeError::COUNT],
    /// Connections that were reset.
    pub resets: u64,
    /// Resets that were sent: up to two a connection. They are not among `frames_in`.
    pub injected: u64,
    /// Resets for which a port had no room.
    pub injections_failed: u64,
    /// Frames that are neither IPv4 nor IPv6, in whatever MPLS or PPPoE; they pass.
    pub non_ip: u64,
    /// Of them, ARP.
    pub arp: u64,
    /// Frames whose packet was in a tunnel, MPLS or PPPoE, and was judged there.
    pub decapsulated: u64,
    /// Checksums that the sending kernel had left partial.
    pub checksums_completed: u64,
    /// Forwarded segments whose mark of urgent data was cleared.
    pub urgent_cleared: u64,
    /// Segments that repeated data with other bytes, while their receivers could have read these.
    pub overlap_conflicts: u64,
    /// Of them, those that were forwarded with the bytes that were inspected.
    pub overlaps_rewritten: u64,
    /// Flows that began.
    pub flows: u64,
    /// Half-open flows that made room for newer ones.
    pub half_open_evicted: u64,
    /// Of them, those whose source had as many as it may.
    pub half_open_source_evicted: u64,
    /// Flows that pass without a further look, by [`BypassCause`].
    pub flows_bypassed: [u64; BypassCause::COUNT],
    /// Frames of these flows that were forwarded here; those that were handled elsewhere are not among them.
    pub bypassed: u64,
    /// Alerts told.
    pub alerts: u64,
    /// Packets, messages and flows that are part of a threat, by [`Threat`]; an event tells of the first of each offender.
    pub threats: ThreatCounts,
    /// Hits beyond what one packet may list.
    pub hits_unlisted: u64,
    /// Transactions, records and anomalies beyond what one packet may tell.
    pub app_events_untold: u64,
    /// Scans that lost their rules to too many swaps, and began anew under those in force.
    pub scans_restarted: u64,
    /// Packets with fields that were given up because their flow had used up its steps; others that the cause
    /// `budget_exceeded` speaks against had used up their own.
    pub flow_steps_exceeded: u64,
    /// The most steps that any flow had caused beyond what its bytes pay for.
    pub flow_steps_highest: u64,
    /// Drops without a flow that were counted but not told.
    pub drops_untold: u64,
}

impl Counters {
    /// Enters the verdict on one frame.
    pub(super) fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Forward => self.forwarded += 1,
            Verdict::Hold => self.held += 1,
            Verdict::Drop(reason) | Verdict::Reset(reason) => self.dropped[reason as usize] += 1,
        }
        if matches!(verdict, Verdict::Reset(_)) {
            self.resets += 1;
        }
    }

    /// Enters what became of a frame that was held.
    pub(super) fn count_held(&mut self, verdict: Verdict) {
        self.held -= 1;
        self.count(verdict);
    }

    /// Enters what the scans of a packet came to cost its flow.
    pub(super) fn note_steps(&mut self, findings: &Findings) {
        self.flow_steps_exceeded += u64::from(findings.is_flow_over());
        self.flow_steps_highest = self.flow_steps_highest.max(findings.account().unpaid_steps());
    }

    /// Corrects the books by `frames` that were to be forwarded and could not leave.
    pub fn egress_failed(&mut self, frames: u64) {
        debug_assert!(frames <= self.forwarded, "only what was forwarded can fail to leave");
        self.forwarded -= frames;
        self.dropped[DropReason::Egress as usize] += frames;
    }

    /// Frames that came in and were neither forwarded nor dropped for a reason, or the other way round; above zero is a bug.
    pub fn unaccounted(&self) -> u64 {
        self.frames_in.abs_diff(self.forwarded + self.dropped_total() + self.held)
    }

    /// Whether each frame that came in was forwarded, dropped for a reason, or is held.
    pub fn is_balanced(&self) -> bool {
        self.unaccounted() == 0
    }

    /// Frames that do not pass, for whatever reason.
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// Adds the books of another pipeline.
    pub fn add(&mut self, other: &Counters) {
        self.frames_in += other.frames_in;
        self.bytes_in += other.bytes_in;
        self.forwarded += other.forwarded;
        self.held += other.held;
        add_each(&mut self.dropped, &other.dropped);
        add_each(&mut self.excepted, &other.excepted);
        add_each(&mut self.undecodable, &other.undecodable);
        self.resets += other.resets;
        self.injected += other.injected;
        self.injections_failed += other.injections_failed;
        self.non_ip += other.non_ip;
        self.arp += other.arp;
        self.decapsulated += other.decapsulated;
        self.checksums_completed += other.checksums_completed;
        self.urgent_cleared += other.urgent_cleared;
        self.overlap_conflicts += other.overlap_conflicts;
        self.overlaps_rewritten += other.overlaps_rewritten;
        self.flows += other.flows;
        self.half_open_evicted += other.half_open_evicted;
        self.half_open_source_evicted += other.half_open_source_evicted;
        add_each(&mut self.flows_bypassed, &other.flows_bypassed);
        self.bypassed += other.bypassed;
        self.alerts += other.alerts;
        self.threats.add(&other.threats);
        self.hits_unlisted += other.hits_unlisted;
        self.app_events_untold += other.app_events_untold;
        self.scans_restarted += other.scans_restarted;
        self.flow_steps_exceeded += other.flow_steps_exceeded;
        self.flow_steps_highest = self.flow_steps_highest.max(other.flow_steps_highest);
        self.drops_untold += other.drops_untold;
    }
}

fn add_each<const N: usize>(mine: &mut [u64; N], theirs: &[u64; N]) {
    for (mine, theirs) in mine.iter_mut().zip(theirs) {
        *mine += theirs;
    }
}

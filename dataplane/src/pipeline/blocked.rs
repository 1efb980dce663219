//! Blocked flows, as one pipeline tells the next of them.

use super::tracked::Tracked;
use super::{Pipeline, Side};
use crate::flow::FlowRecord;
use crate::policy::{Disposition, Threat};
use crate::verdict::DropReason;

/// A flow of which nothing passes any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockedFlow {
    /// Its books.
    pub record: FlowRecord,
    /// The side of the link that its client is on, where that is known.
    pub client_side: Option<Side>,
    /// Why it was blocked.
    pub reason: DropReason,
    /// The threat for which it was, or else the first one that was seen in it.
    pub threat: Option<Threat>,
    /// Whether both ends were reset.
    pub reset: bool,
    /// Whether any rule matched.
    pub alerted: bool,
    /// Whether it was never established: it is among those that make room for newcomers.
    pub is_half_open: bool,
}

impl Pipeline {
    /// The flows of which nothing passes any more.
    pub fn blocked(&self) -> impl Iterator<Item = BlockedFlow> {
        self.flows.iter().filter_map(|(_, tracked)| match tracked.disposition {
            Disposition::Inspect | Disposition::Bypassed(_) => None,
            Disposition::Blocked { reason, reset, .. } => Some(BlockedFlow {
                record: tracked.record.clone(),
                client_side: tracked.client_side(),
                reason,
                threat: tracked.threat,
                reset,
                alerted: tracked.alerted,
                is_half_open: tracked.is_half_open,
            }),
        })
    }

    /// Blocks a flow from its first frame here on: it keeps its identifier, and its books begin at `now_ns`. With
    /// `is_elsewhere` its frames are dropped, and counted, before they come here. False where the flow is known already, or
    /// where there is no room: one that is half-open takes of the share of these.
    pub fn block(&mut self, flow: &BlockedFlow, is_elsewhere: bool, now_ns: u64) -> bool {
        let BlockedFlow { record, client_side, reason, threat, reset, alerted, is_half_open } = flow;
        let (key, client) = self.keys.of_record(record);
        if self.flows.get(&key).is_some() {
            return false;
        }
        let record = FlowRecord {
            start_ns: now_ns,
            last_ns: now_ns,
            frames: [0; 2],
            bytes: [0; 2],
            tcp_flags: [0; 2],
            ..record.clone()
        };
        let mut tracked = Tracked::new(record, client, *client_side, &self.settings.bypass);
        tracked.disposition =
            Disposition::Blocked { reason: *reason, reset: *reset, epoch: self.rules.epoch() };
        tracked.threat = *threat;
        tracked.alerted = *alerted;
        tracked.is_half_open = *is_half_open;
        tracked.is_elsewhere = is_elsewhere;
        if !self.has_place_for(&tracked) {
            return false;
        }
        self.newest_ns = self.newest_ns.max(now_ns);
        let deadline_ns = self.newest_ns.saturating_add(tracked.timeout_ns(&self.settings.timeouts));
        self.restore(key, tracked, deadline_ns);
        self.counters.flows += 1;
        true
    }
}

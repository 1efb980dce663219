//! Flows that somebody else handles: offered once they are settled, and taken back before they end.

use std::mem;

use flow_table::{FlowId, FlowKey};

use super::live_flow::words_of;
use super::tracked::{Inspection, Tracked};
use super::{FOUND, LeavingFlow, Pipeline, Side, end_flow};
use crate::event::{EventSink, FlowEndCause};
use crate::flow::FlowRecord;
use crate::limits::{FLOWS_LEAVING_MAX, FLOWS_OFFERED_PER_CALL_MAX};

/// What is to be done with the frames of a settled flow, but for those that begin or end a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// Drop them.
    Drop,
    /// Send them on.
    PassOn {
        /// The side of the link that those of the client must come from, and those of the server from the other one; `None`
        /// where they may come from either.
        client_side: Option<Side>,
    },
}

/// What waits for the call between two batches. A flow that is handled elsewhere never ends before its handler has told
/// what it did.
#[derive(Default)]
pub(super) struct HandOver {
    /// Settled flows of which a frame came; one flow may stand here several times.
    offered: Vec<FlowId>,
    /// At most [`FLOWS_LEAVING_MAX`], until all flows end.
    leaving: Vec<LeavingFlow>,
}

impl HandOver {
    pub(super) fn offer(&mut self, id: FlowId) {
        if self.offered.last() != Some(&id) && self.offered.len() < FLOWS_OFFERED_PER_CALL_MAX {
            self.offered.push(id);
        }
    }

    /// How many flows may leave before they are taken back.
    pub(super) fn room(&self) -> usize {
        FLOWS_LEAVING_MAX.saturating_sub(self.leaving.len())
    }

    pub(super) fn leave(&mut self, key: FlowKey, tracked: Tracked, cause: FlowEndCause, now_ns: u64) {
        assert!(
            cause == FlowEndCause::Shutdown || self.room() > 0,
            "whoever ends a flow looks for room first"
        );
        self.leaving.push(LeavingFlow { key, tracked, cause, now_ns });
    }
}

impl Pipeline {
    /// Once the verdict on a frame is known: offers its flow where it is settled, and lets it live on. Whether that has become
    /// established.
    #[inline]
    pub(super) fn conclude(&mut self, id: FlowId) -> bool {
        let Pipeline { flows, hand_over, settings, newest_ns, .. } = self;
        let mut has_become_established = false;
        let is_there = flows.renew(id, |tracked| {
            let state = tracked.state();
            has_become_established = tracked.is_half_open && tracked.is_established_in(state);
            tracked.is_half_open &= !has_become_established;
            if settings.hands_over && !tracked.is_elsewhere && tracked.handling().is_some() {
                hand_over.offer(id);
            }
            let timeout_ns = tracked.timeout_ns_in(state, &settings.timeouts);
            (words_of(tracked, state), newest_ns.saturating_add(timeout_ns))
        });
        assert!(is_there, "{FOUND}");
        if has_become_established {
            flows.establish(id);
        }
        has_become_established
    }

    /// Offers the settled flows of which frames came since the last call: true where their frames will be handled so, and
    /// counted, before they come here. Those refused are offered again with their next frame. To be called between two
    /// batches, after [`take_back`](Pipeline::take_back), where [`Settings::hands_over`](crate::policy::Settings) says so.
    pub fn hand_over(&mut self, mut take: impl FnMut(&FlowRecord, Handling) -> bool) {
        for id in self.hand_over.offered.drain(..) {
            let tracked = self.flows.value_mut(id).filter(|tracked| !tracked.is_elsewhere);
            if let Some(tracked) = tracked
                && let Some(handling) = tracked.handling()
            {
                tracked.is_elsewhere = take(&tracked.record, handling);
            }
        }
    }

    /// Takes back the flows that were handed over and are to end: `ask` is to enter in each what was done with its frames
    /// ([`LeavingFlow::account`]), all at once, as their handler may have to wait. One that was silent only here goes on: it
    /// stays settled, and is offered again with its next frame. To be called between two batches, after
    /// [`expire`](Pipeline::expire) and after [`finish`](Pipeline::finish).
    pub fn take_back<S: EventSink>(&mut self, ask: impl FnOnce(&mut [LeavingFlow]), sink: &mut S) {
        if self.hand_over.leaving.is_empty() {
            return;
        }
        let mut leaving = mem::take(&mut self.hand_over.leaving);
        ask(&mut leaving);
        for LeavingFlow { key, mut tracked, cause, now_ns } in leaving.drain(..) {
            tracked.is_elsewhere = false;
            tracked.is_half_open &= !tracked.is_established();
            let deadline_ns =
                tracked.record.last_ns.saturating_add(tracked.timeout_ns(&self.settings.timeouts));
            let goes_on = cause == FlowEndCause::Timeout && deadline_ns > now_ns;
            // The place that it left may be taken, and then it ends after all.
            if goes_on && self.flows.get(&key).is_none() && self.has_place_for(&tracked) {
                self.restore(key, tracked, deadline_ns);
                continue;
            }
            let Pipeline { memory, findings, parsers, threats, transfers, rules, counters, .. } = self;
            let mut inspection = Inspection { rules, findings, parsers, threats, transfers, sink, now_ns };
            end_flow(&mut tracked, cause, memory, counters, &mut inspection);
        }
        self.hand_over.leaving = leaving;
    }
}

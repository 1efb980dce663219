//! Flows that pass without a further look.

use flow_table::FlowId;

use super::{FOUND, Pipeline};
use crate::policy::{BypassCause, Disposition};
use crate::verdict::Verdict;

impl Pipeline {
    /// From now on, nothing of a flow is looked at any more.
    pub(super) fn bypass(&mut self, id: FlowId, cause: BypassCause) {
        let tracked = self.flows.value_mut(id).expect(FOUND);
        tracked.disposition = Disposition::Bypassed(cause);
        tracked.release(&mut self.memory, &mut self.rules);
        self.counters.flows_bypassed[cause as usize] += 1;
    }

    /// The verdict on a frame of such a flow.
    pub(super) fn pass_unseen(&mut self, id: FlowId) -> Verdict {
        self.counters.bypassed += 1;
        self.conclude(id);
        Verdict::Forward
    }
}

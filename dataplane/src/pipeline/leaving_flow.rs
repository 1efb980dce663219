//! [`LeavingFlow`]: a flow that was handled elsewhere, has left the table, and only waits for its last counts.

use flow_table::FlowKey;

use super::tracked::Tracked;
use crate::event::FlowEndCause;
use crate::flow::{Elsewhere, FlowRecord};
use crate::limits::LEAVING_FLOW_BYTES_MAX;

/// A flow that somebody else handled until now, as its handler is asked what was done with its frames.
pub struct LeavingFlow {
    pub(super) key: FlowKey,
    pub(super) tracked: Tracked,
    pub(super) cause: FlowEndCause,
    pub(super) now_ns: u64,
}

const _: () = assert!(size_of::<LeavingFlow>() <= LEAVING_FLOW_BYTES_MAX);

impl LeavingFlow {
    /// Its books so far.
    pub fn record(&self) -> &FlowRecord {
        &self.tracked.record
    }

    /// Enters what was done with its frames since it was handed over.
    pub fn account(&mut self, elsewhere: &Elsewhere) {
        self.tracked.account_elsewhere(elsewhere);
    }
}

//! Drops without a flow: a flood of broken frames must not become a flood of events.

use crate::flow::NS_PER_S;
use crate::limits::FLOWLESS_DROP_EVENTS_PER_SECOND_MAX;

/// Lets a bounded number of drops without a flow become events.
#[derive(Debug, Default)]
pub(super) struct FlowlessEvents {
    second: u64,
    told: u32,
}

impl FlowlessEvents {
    /// Whether a drop at that time may be told.
    pub(super) fn may_tell(&mut self, now_ns: u64) -> bool {
        let second = now_ns / NS_PER_S;
        if second != self.second {
            *self = FlowlessEvents { second, told: 0 };
        }
        self.told += 1;
        self.told <= FLOWLESS_DROP_EVENTS_PER_SECOND_MAX
    }
}

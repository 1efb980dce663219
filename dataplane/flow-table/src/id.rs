//! Names of flows that outlive them safely.

/// Where a flow lies in its table, and which of the flows that lay there: an id whose flow is gone is never
/// taken for the flow that came after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId {
    index: u32,
    generation: u32,
}

impl FlowId {
    pub(crate) fn new(index: u32, generation: u32) -> FlowId {
        FlowId { index, generation }
    }

    /// Position in the table, below its capacity; used again after the flow is gone.
    pub fn index(self) -> u32 {
        self.index
    }

    /// How many flows lay at this position before.
    pub fn generation(self) -> u32 {
        self.generation
    }
}

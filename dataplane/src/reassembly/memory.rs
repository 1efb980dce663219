//! [`Memory`]: all that the streams of one worker keep, each kind under a cap of its own.

use super::HeldBudget;
use super::retained::RetainedPool;
use crate::limits::{HELD_BYTES_PER_WORKER_MAX, RETAINED_BYTES_PER_WORKER_MAX};

/// Data that waits for its turn, and inspected data that its receiver has not acknowledged.
#[derive(Debug)]
pub struct Memory {
    pub(super) held: HeldBudget,
    pub(super) retained: RetainedPool,
}

impl Memory {
    /// At most `held_bytes_max` of out-of-order data, and `retained_bytes_max` of unacknowledged data.
    pub fn new(held_bytes_max: usize, retained_bytes_max: usize) -> Self {
        Memory { held: HeldBudget::new(held_bytes_max), retained: RetainedPool::new(retained_bytes_max) }
    }

    /// Out-of-order data that is held now, in bytes with its bookkeeping.
    pub fn held_bytes(&self) -> usize {
        self.held.held_bytes()
    }

    /// How many segments were refused for want of room for out-of-order data.
    pub fn refusals(&self) -> u64 {
        self.held.refusals()
    }

    /// Blocks of unacknowledged data that are in use, in bytes.
    pub fn retained_bytes(&self) -> usize {
        self.retained.used_bytes()
    }
}

impl Default for Memory {
    fn default() -> Self {
        Memory::new(HELD_BYTES_PER_WORKER_MAX, RETAINED_BYTES_PER_WORKER_MAX)
    }
}

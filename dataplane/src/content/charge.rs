//! [`Charge`]: what all decoders of a worker remember never exceeds its maximum.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// What the decoders of one worker remember, in bytes. One thread counts at a time: it is atomic only so that a pipeline may be
/// moved to its thread.
#[derive(Clone, Debug)]
pub(super) struct Account {
    taken_bytes: Arc<AtomicUsize>,
    bytes_max: usize,
}

impl Account {
    pub(super) fn new(bytes_max: usize) -> Account {
        Account { taken_bytes: Arc::default(), bytes_max }
    }

    /// Bytes that are charged now.
    pub(super) fn taken_bytes(&self) -> usize {
        self.taken_bytes.load(Ordering::Relaxed)
    }

    /// Charges so many bytes; `None` where there is no room for them.
    pub(super) fn charge(&self, bytes: usize) -> Option<Charge> {
        let taken_bytes = self.taken_bytes().checked_add(bytes).filter(|sum| *sum <= self.bytes_max)?;
        self.taken_bytes.store(taken_bytes, Ordering::Relaxed);
        Some(Charge { account: self.clone(), bytes })
    }
}

/// Bytes of an account, given back when this goes.
#[derive(Debug)]
pub(super) struct Charge {
    account: Account,
    bytes: usize,
}

impl Charge {
    /// Charges as many bytes as are remembered by now; false where there is no room for them.
    pub(super) fn raise_to(&mut self, bytes: usize) -> bool {
        let Some(more) = bytes.checked_sub(self.bytes).filter(|more| *more > 0) else { return true };
        let Some(mut charge) = self.account.charge(more) else { return false };
        charge.bytes = 0;
        self.bytes = bytes;
        true
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        let taken_bytes = self.account.taken_bytes().saturating_sub(self.bytes);
        self.account.taken_bytes.store(taken_bytes, Ordering::Relaxed);
    }
}

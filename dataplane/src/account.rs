//! [`Account`]: what is charged to it never exceeds its maximum.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Memory that one worker lends, in bytes. One thread counts at a time: it is atomic only so that a pipeline may be moved to its
/// thread.
#[derive(Clone, Debug)]
pub(crate) struct Account(Arc<Books>);

#[derive(Debug)]
struct Books {
    taken_bytes: AtomicUsize,
    bytes_max: usize,
}

/// Bytes of an account, given back when this goes.
#[derive(Debug)]
pub(crate) struct Charge {
    account: Account,
    bytes: usize,
}

impl Account {
    /// Nothing is taken of so many bytes.
    pub(crate) fn new(bytes_max: usize) -> Account {
        Account(Arc::new(Books { taken_bytes: AtomicUsize::new(0), bytes_max }))
    }

    /// Bytes that are charged now.
    pub(crate) fn taken_bytes(&self) -> usize {
        self.0.taken_bytes.load(Ordering::Relaxed)
    }

    /// Charges so many bytes; `None` where there is no room for them.
    pub(crate) fn charge(&self, bytes: usize) -> Option<Charge> {
        let mut charge = Charge { account: self.clone(), bytes: 0 };
        charge.settle(bytes).then_some(charge)
    }
}

impl Charge {
    /// Charges as many bytes as there are now, more or less than before; false, and as before, where there is no room for them.
    pub(crate) fn settle(&mut self, bytes: usize) -> bool {
        let books = &self.account.0;
        let others_bytes = self.account.taken_bytes().saturating_sub(self.bytes);
        let taken_bytes = others_bytes.saturating_add(bytes);
        if bytes > self.bytes && taken_bytes > books.bytes_max {
            return false;
        }
        books.taken_bytes.store(taken_bytes, Ordering::Relaxed);
        self.bytes = bytes;
        true
    }

    /// The same, where as many as were charged before may stay.
    pub(crate) fn raise_to(&mut self, bytes: usize) -> bool {
        bytes <= self.bytes || self.settle(bytes)
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.settle(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_charged_than_there_is_and_all_comes_back() {
        let account = Account::new(10);
        let mut one = account.charge(4).expect("there is room");
        let mut two = account.charge(6).expect("there is room");
        assert!(account.charge(1).is_none());
        assert!(!one.settle(5), "it is full");
        assert!(one.settle(3) && two.raise_to(2) && two.raise_to(7) && !two.raise_to(8));
        assert_eq!(account.taken_bytes(), 10);
        drop(two);
        assert_eq!(account.taken_bytes(), 3);
        drop(one);
        assert_eq!(account.taken_bytes(), 0);
    }
}

//! Room that is used again.

/// Up to `MAX` things that are over, for the next ones to take the memory of. The one that came last is the warmest.
#[derive(Debug)]
pub(crate) struct Spare<T, const MAX: usize>(Vec<Box<T>>);

impl<T, const MAX: usize> Default for Spare<T, MAX> {
    fn default() -> Spare<T, MAX> {
        Spare(Vec::with_capacity(MAX))
    }
}

impl<T, const MAX: usize> Spare<T, MAX> {
    /// One of them.
    pub(crate) fn pop(&mut self) -> Option<Box<T>> {
        self.0.pop()
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(Box::as_ref)
    }

    /// Frees the memory of all but so many.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    /// Takes one in; beyond the cap its memory is freed.
    pub(crate) fn push(&mut self, spare: Box<T>) {
        if self.0.len() < MAX {
            self.0.push(spare);
        }
    }
}

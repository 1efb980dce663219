//! Statements that were prepared: what an execution names only.

use std::collections::VecDeque;

use super::record::kept;
use crate::limits::PREPARED_STATEMENTS_MAX;

/// Texts of prepared statements by what names them.
///
/// Invariant: at most [`PREPARED_STATEMENTS_MAX`], the latest; no name twice.
#[derive(Debug)]
pub(super) struct Prepared<K>(VecDeque<(K, Vec<u8>)>);

impl<K> Default for Prepared<K> {
    fn default() -> Prepared<K> {
        Prepared(VecDeque::new())
    }
}

impl<K: PartialEq> Prepared<K> {
    /// A statement was prepared; one of the same name is gone.
    pub(super) fn insert(&mut self, name: K, text: &[u8]) {
        self.0.retain(|(of, _)| *of != name);
        if self.0.len() == PREPARED_STATEMENTS_MAX {
            self.0.pop_front();
        }
        self.0.push_back((name, kept(text)));
    }

    /// The text of a statement; empty where it is not known.
    pub(super) fn text(&self, is_it: impl Fn(&K) -> bool) -> &[u8] {
        self.0.iter().find(|(of, _)| is_it(of)).map_or(&[], |(_, text)| text)
    }

    /// Memory that the texts take, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.0.iter().map(|(_, text)| text.capacity()).sum()
    }

    /// A statement was closed.
    pub(super) fn remove(&mut self, is_it: impl Fn(&K) -> bool) {
        self.0.retain(|(of, _)| !is_it(of));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_kept() {
        let mut prepared = Prepared::default();
        for name in 0..=PREPARED_STATEMENTS_MAX {
            prepared.insert(name, b"text");
        }
        assert_eq!((prepared.text(|of| *of == 0), prepared.text(|of| *of == 1)), (&b""[..], &b"text"[..]));
        prepared.insert(1, b"other");
        assert_eq!(prepared.text(|of| *of == 1), b"other");
        prepared.remove(|of| *of == 1);
        assert_eq!(prepared.text(|of| *of == 1), b"");
    }
}

//! The bare matcher.

use dlp_patterns::{Hit, RuleSet, ScanState};

/// Scans streams, of which each has a state of its own, and counts what it finds.
pub(super) struct Scanner<'r> {
    pub(super) rules: &'r RuleSet,
    hits: Vec<Hit>,
    /// Hits by rule.
    pub(super) counts: Vec<u64>,
}

impl<'r> Scanner<'r> {
    pub(super) fn new(rules: &'r RuleSet) -> Scanner<'r> {
        Scanner { rules, hits: Vec::new(), counts: vec![0; rules.rules().len()] }
    }

    /// The next bytes of the field.
    #[inline]
    pub(super) fn data(&mut self, state: &mut ScanState, bytes: &[u8]) {
        // Where the work of a field is used up, the engine goes on all the same.
        let _ = self.rules.scan(state, bytes, &mut self.hits);
        self.count();
    }

    /// The field is complete.
    #[inline]
    pub(super) fn end(&mut self, state: &mut ScanState) {
        self.rules.finish(state, &mut self.hits);
        self.count();
    }

    fn count(&mut self) {
        self.hits.drain(..).for_each(|hit| self.counts[hit.rule.0 as usize] += 1);
    }
}

//! What a runner counts: passed, applicable, skipped with the reason, and every failure in full.

use std::collections::BTreeMap;
use std::fmt;

/// The result of a suite.
#[derive(Clone, Debug, Default)]
pub struct Scoreboard {
    passed: usize,
    failures: Vec<String>,
    skipped: BTreeMap<String, usize>,
    known: Vec<String>,
}

impl Scoreboard {
    /// An expectation that holds.
    pub fn pass(&mut self) {
        self.passed += 1;
    }

    /// An expectation in scope that does not.
    pub fn fail(&mut self, what: impl Into<String>) {
        self.failures.push(what.into());
    }

    /// An expectation out of scope.
    pub fn skip(&mut self, reason: &str) {
        *self.skipped.entry(reason.to_owned()).or_default() += 1;
    }

    /// Takes the failures that begin with `start` for known, and returns how many these are.
    pub fn known(&mut self, start: &str, cause: &str) -> usize {
        let (known, failures): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.failures).into_iter().partition(|failure| failure.starts_with(start));
        self.failures = failures;
        let count = known.len();
        self.known.extend(known.into_iter().map(|failure| format!("{failure} ({cause})")));
        count
    }

    /// Expectations in scope.
    pub fn applicable(&self) -> usize {
        self.passed + self.failures.len() + self.known.len()
    }

    /// Expectations that hold.
    pub fn passed(&self) -> usize {
        self.passed
    }

    /// Those that do not, one line each.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }
}

impl fmt::Display for Scoreboard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let skipped: usize = self.skipped.values().sum();
        writeln!(out, "passed {} / applicable {} / skipped {skipped}", self.passed, self.applicable())?;
        for (reason, count) in &self.skipped {
            writeln!(out, "  skipped {count:5}  {reason}")?;
        }
        for line in &self.known {
            writeln!(out, "  known   {line}")?;
        }
        for line in &self.failures {
            writeln!(out, "  FAILED  {line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_tells_everything() {
        let mut board = Scoreboard::default();
        board.pass();
        board.fail("a: one");
        board.fail("b: two");
        board.skip("tunnel");
        board.skip("tunnel");
        assert_eq!(board.known("b:", "cause"), 1);
        assert_eq!((board.passed(), board.applicable(), board.failures().len()), (1, 3, 1));
        let told = board.to_string();
        assert!(told.contains("passed 1 / applicable 3 / skipped 2"));
        assert!(
            told.contains("FAILED  a: one") && told.contains("b: two (cause)") && told.contains("2  tunnel")
        );
    }
}

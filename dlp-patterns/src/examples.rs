//! The check of rules against their own examples.

use std::fmt;

use crate::document::Mistake;
use crate::{Direction, Field, Hit, Pack, Rule, RuleId, RuleSet, ScanState};

/// What came out of checking the examples of some packs.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Rules whose examples were checked.
    pub rules: usize,
    /// Examples that were checked.
    pub examples: usize,
    /// Examples that did not do what they should.
    pub failures: Vec<Failure>,
    /// Why the packs don't compile; then nothing was checked.
    pub mistakes: Vec<Mistake>,
}

/// An example that did not do what it should.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The name of the pack.
    pub pack: String,
    /// The signature id of the rule.
    pub id: u32,
    /// The name of the rule.
    pub name: String,
    /// The example.
    pub example: String,
    /// The field that it was scanned as.
    pub field: Field,
    /// The direction that it was scanned in.
    pub direction: Direction,
    /// What went wrong.
    pub problem: Problem,
}

/// What can go wrong with an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A positive example is not hit.
    NotHit,
    /// A positive example is hit, but not the same way when it is cut before this byte.
    NotHitWhenCutAt(usize),
    /// A positive example is hit, but not the same way byte by byte.
    NotHitByteByByte,
    /// A negative example is hit.
    Hit,
}

/// Scans each example of each rule in each field and direction of the rule: a positive example has to be hit by its own
/// rule, and the same way in one piece, cut into two at every byte, and byte by byte; a negative one must not be hit.
pub fn check_examples(packs: &[Pack]) -> Report {
    let rules = match RuleSet::compile(packs) {
        Ok(rules) => rules,
        Err(mistakes) => return Report { mistakes, ..Report::default() },
    };
    let mut report = Report { rules: rules.rules().len(), ..Report::default() };
    for (id, rule) in (0..).map(RuleId).zip(rules.rules()) {
        let signature = rule.signature();
        report.examples += signature.positive().len() + signature.negative().len();
        for &field in rule.fields() {
            for direction in signature.directions() {
                let probe = Probe { rules: &rules, id, field, direction };
                let positive =
                    signature.positive().iter().map(|example| (example, probe.check_positive(example)));
                let negative =
                    signature.negative().iter().map(|example| (example, probe.check_negative(example)));
                let wrong =
                    positive.chain(negative).filter_map(|(example, problem)| Some((example, problem?)));
                report.failures.extend(wrong.map(|(example, problem)| probe.failure(rule, example, problem)));
            }
        }
    }
    report
}

/// One rule in one context.
struct Probe<'r> {
    rules: &'r RuleSet,
    id: RuleId,
    field: Field,
    direction: Direction,
}

impl Probe<'_> {
    fn check_positive(&self, example: &str) -> Option<Problem> {
        let bytes = example.as_bytes();
        let whole = self.hits([bytes]);
        if whole.is_empty() {
            return Some(Problem::NotHit);
        }
        let cut = (1..bytes.len()).find(|&at| {
            let (head, rest) = bytes.split_at(at);
            self.hits([head, rest]) != whole
        });
        let byte_by_byte = || (self.hits(bytes.chunks(1)) != whole).then_some(Problem::NotHitByteByByte);
        cut.map(Problem::NotHitWhenCutAt).or_else(byte_by_byte)
    }

    fn check_negative(&self, example: &str) -> Option<Problem> {
        (!self.hits([example.as_bytes()]).is_empty()).then_some(Problem::Hit)
    }

    /// The rule's own hits.
    fn hits<'c>(&self, chunks: impl IntoIterator<Item = &'c [u8]>) -> Vec<Hit> {
        let (mut state, mut hits) = (ScanState::default(), Vec::new());
        self.rules.begin(&mut state, self.field, self.direction);
        for chunk in chunks {
            // An example that overflows shows it by a hit that is missing.
            let _ = self.rules.scan(&mut state, chunk, &mut hits);
        }
        self.rules.finish(&mut state, &mut hits);
        hits.retain(|hit| hit.rule == self.id);
        hits
    }

    fn failure(&self, rule: &Rule, example: &str, problem: Problem) -> Failure {
        Failure {
            pack: rule.pack().to_owned(),
            id: rule.id(),
            name: rule.name().to_owned(),
            example: example.to_owned(),
            field: self.field,
            direction: self.direction,
            problem,
        }
    }
}

impl Report {
    /// Whether everything did what it should.
    pub fn is_clean(&self) -> bool {
        self.failures.is_empty() && self.mistakes.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mistakes.iter().try_for_each(|mistake| writeln!(f, "{mistake}"))?;
        self.failures.iter().try_for_each(|failure| writeln!(f, "{failure}"))?;
        let (rules, examples, failures) = (self.rules, self.examples, self.failures.len());
        write!(f, "{rules} rules, {examples} examples, {failures} failures")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (field, direction) = (self.field.as_str(), self.direction.as_str());
        write!(f, "{} {} \"{}\", {field} {direction}: ", self.pack, self.id, self.name)?;
        match self.problem {
            Problem::NotHit => write!(f, "not hit")?,
            Problem::NotHitWhenCutAt(at) => write!(f, "not hit the same way when cut before byte {at}")?,
            Problem::NotHitByteByByte => write!(f, "not hit the same way byte by byte")?,
            Problem::Hit => write!(f, "hit, though it is a negative example")?,
        }
        write!(f, ": {}", self.example.escape_default())
    }
}

#[cfg(test)]
mod tests;

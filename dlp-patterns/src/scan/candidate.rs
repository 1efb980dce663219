//! A match that may be under way.

use regex_automata::util::primitives::StateID;

use crate::RuleId;
use crate::rule_set::RuleSet;

/// A start at which a rule may match; none of its ends so far was a hit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// Offset of the first byte.
    pub(super) start: u64,
    pub(super) rule: RuleId,
    /// The state of the rule's automaton behind the last byte.
    pub(super) state: StateID,
    /// Another candidate of the rule was already certain of a hit that ends behind the last byte.
    pub(super) is_echo: bool,
}

impl Candidate {
    /// Whether the two have the same future: then the one that starts later speaks for both, as it lives longer and
    /// hits with the same end are one. Where a validator looks at the match, its start matters.
    pub(super) fn agrees_with(&self, other: &Candidate, rules: &RuleSet) -> bool {
        self.rule == other.rule && self.state == other.state && !rules.rule(self.rule).is_validated()
    }
}

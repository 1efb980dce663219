//! A match that may be under way.

use regex_automata::util::primitives::StateID;

use crate::RuleId;

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
    /// A validator looks at the match, so its start matters.
    pub(super) is_whole: bool,
}

impl Candidate {
    /// Joins the one of `others`, candidates in the order of their rules up to this one's, that has the same future, if
    /// there is one. The start that is later speaks for both: it lives longer, and hits with the same end are one.
    #[inline]
    pub(super) fn joins(&self, others: &mut [Candidate]) -> bool {
        if self.is_whole {
            return false;
        }
        let mut of_rule = others.iter_mut().rev().take_while(|other| other.rule == self.rule);
        let Some(twin) = of_rule.find(|other| other.state == self.state) else { return false };
        twin.start = twin.start.max(self.start);
        true
    }
}

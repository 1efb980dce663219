//! What a policy says, and by which rule.

use crate::rule::{Action, Rule, RuleIndex};

/// What becomes of a flow, or of an operation in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is allowed.
    pub action: Action,
    /// What says so.
    pub by: DecidedBy,
    /// Whether it passes by the rules of packs.
    pub skips_packs: bool,
}

/// What a decision rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecidedBy {
    /// The first rule that speaks of it.
    Rule(RuleIndex),
    /// No rule does.
    Implicit,
}

/// How far a policy can decide by what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It has.
    Decided(Decision),
    /// The application decides.
    UntilApplication,
    /// Each operation is decided for itself.
    PerOperation,
}

impl Decision {
    /// What a rule says.
    pub(crate) fn of(index: RuleIndex, rule: &Rule) -> Decision {
        Decision { action: rule.action, by: DecidedBy::Rule(index), skips_packs: rule.skips_packs }
    }
}

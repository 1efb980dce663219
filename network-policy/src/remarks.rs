//! What an operator would want to know of rules that are sound.

use crate::policy::Policy;
use crate::rule::{Peer, Rule, RuleIndex};

/// Something about a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Which one.
    pub rule: RuleIndex,
    /// What.
    pub kind: RemarkKind,
}

/// What is remarkable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemarkKind {
    /// It never has the word: this one before it speaks of all that it speaks of, and says the same.
    Shadowed(RuleIndex),
    /// It never has the word: this one before it speaks of all that it speaks of, and says the opposite.
    Contradicted(RuleIndex),
}

impl Policy {
    /// Rules that never have the word.
    pub fn remarks(&self) -> Vec<Remark> {
        let mut before = Before::default();
        let mut remarks = Vec::new();
        for (number, rule) in self.rules().iter().enumerate() {
            let index = RuleIndex(number as u32);
            let covers = |other: &&RuleIndex| self.rule(**other).is_some_and(|other| other.covers(rule));
            if let Some(other) = before.speaking_of(rule).find(covers) {
                let is_same = self.rule(*other).is_some_and(|other| other.action == rule.action);
                let kind = if is_same { RemarkKind::Shadowed } else { RemarkKind::Contradicted };
                remarks.push(Remark { rule: index, kind: kind(*other) });
            }
            before.insert(rule, index);
        }
        remarks
    }
}

/// Rules by their peers, so that each is compared with those alone that could cover it.
#[derive(Debug, Default)]
struct Before<'r>(rustc_hash::FxHashMap<(&'r Peer, &'r Peer), Vec<RuleIndex>>);

impl<'r> Before<'r> {
    fn insert(&mut self, rule: &'r Rule, index: RuleIndex) {
        self.0.entry((&rule.from, &rule.to)).or_default().push(index);
    }

    fn speaking_of(&self, rule: &'r Rule) -> impl Iterator<Item = &RuleIndex> {
        let any = &Peer::Any;
        let mut peers = vec![(&rule.from, &rule.to), (any, &rule.to), (&rule.from, any), (any, any)];
        peers.sort_unstable();
        peers.dedup();
        peers.into_iter().filter_map(|peers| self.0.get(&peers)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::Draft;
    use crate::group::Group;
    use crate::rule::{Action, Ports};

    #[test]
    fn rules_that_never_have_the_word_are_told() {
        let db = || Peer::Group("db".into());
        let rules = vec![
            Rule { ports: vec![Ports::tcp(1), Ports::tcp(2)], ..Rule::new(Peer::Any, db(), Action::Allow) },
            Rule { ports: vec![Ports::tcp(2)], ..Rule::new(Peer::External, db(), Action::Deny) },
            Rule { ports: vec![Ports::tcp(3)], ..Rule::new(Peer::External, db(), Action::Deny) },
            Rule::new(Peer::Any, Peer::Any, Action::Deny),
            Rule::new(db(), Peer::External, Action::Deny),
        ];
        let draft = Draft { groups: vec![Group::new("db", Vec::new())], rules, ..Draft::default() };
        let remarks = draft.compile().expect("it is sound").remarks();
        let remark = |rule, kind| Remark { rule: RuleIndex(rule), kind };
        let expected = [
            remark(1, RemarkKind::Contradicted(RuleIndex(0))),
            remark(4, RemarkKind::Shadowed(RuleIndex(3))),
        ];
        assert_eq!(remarks, expected);
    }
}

//! A policy as it is written, before it is in force.

use std::fmt;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::group::{Group, Meeting, Mode};
use crate::limits::{GROUPS_MAX, PATTERNS_PER_RULE_MAX, RULES_MAX, SELECTORS_MAX};
use crate::policy::Policy;
use crate::rule::{Action, Peer, Rule};

/// Groups and rules that may yet have flaws.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Of two groups that tell alike of an end, the first has it.
    pub groups: Vec<Group>,
    /// The first that speaks has the word.
    pub rules: Vec<Rule>,
    /// The mode of groups that have none of their own, and of what is in no group.
    pub default_mode: Mode,
    /// Which mode counts between two groups.
    pub meeting: Meeting,
    /// What becomes of what no rule speaks of.
    pub default_action: Action,
}

/// Why a draft cannot be in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Two groups of one name; the second is at this place.
    SameGroup(usize),
    /// The group at this place has a name that means something else, or nothing.
    GroupName(usize),
    /// The rule at this place speaks of a group that is not there.
    NoGroup {
        /// The rule.
        rule: usize,
        /// Of which group it speaks.
        name: String,
    },
    /// Two rules of one number; the second is at this place. 0 is no number.
    SameRule(usize),
    /// The rule at this place speaks of operations, and of no application or of several kinds of words.
    Operations(usize),
    /// The rule at this place speaks of too many operations.
    TooManyOperations(usize),
    /// The rule at this place denies, and is to pass by the packs.
    DenialSkips(usize),
    /// There are too many.
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
}

impl Default for Draft {
    fn default() -> Draft {
        Draft {
            groups: Vec::new(),
            rules: Vec::new(),
            default_mode: Mode::default(),
            meeting: Meeting::default(),
            default_action: Action::Deny,
        }
    }
}

impl Draft {
    /// The policy that it stands for.
    ///
    /// # Errors
    /// All its flaws, where it has any.
    pub fn compile(self) -> Result<Policy, Vec<Flaw>> {
        let flaws = self.flaws();
        if !flaws.is_empty() {
            return Err(flaws);
        }
        Ok(Policy::new(self.groups, self.rules, (self.default_mode, self.meeting, self.default_action)))
    }

    fn flaws(&self) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        let selectors = self.groups.iter().map(|group| group.selectors.len()).sum();
        for (what, count, max) in [
            ("groups", self.groups.len(), GROUPS_MAX),
            ("selectors", selectors, SELECTORS_MAX),
            ("rules", self.rules.len(), RULES_MAX),
        ] {
            flaws.extend((count > max).then_some(Flaw::TooMany { what, max }));
        }
        let mut places: FxHashMap<&str, usize> = FxHashMap::default();
        for (at, group) in self.groups.iter().enumerate() {
            flaws.extend((!is_name(&group.name)).then_some(Flaw::GroupName(at)));
            flaws.extend(places.insert(&group.name, at).map(|_| Flaw::SameGroup(at)));
        }
        let mut ids = FxHashSet::default();
        for (at, rule) in self.rules.iter().enumerate() {
            flaws.extend((rule.id != 0 && !ids.insert(rule.id)).then_some(Flaw::SameRule(at)));
            for peer in [&rule.from, &rule.to] {
                if let Peer::Group(name) = peer
                    && !places.contains_key(name.as_str())
                {
                    flaws.push(Flaw::NoGroup { rule: at, name: name.clone() });
                }
            }
            flaws.extend(flaw_of_operations(at, rule));
            let skips = rule.skips_packs && rule.action == Action::Deny;
            flaws.extend(skips.then_some(Flaw::DenialSkips(at)));
        }
        flaws
    }
}

fn flaw_of_operations(at: usize, rule: &Rule) -> Option<Flaw> {
    let first = rule.operations.first()?;
    let is_mixed = rule.operations.iter().any(|pattern| pattern.kind() != first.kind());
    if rule.operations.len() > PATTERNS_PER_RULE_MAX {
        return Some(Flaw::TooManyOperations(at));
    }
    (is_mixed || rule.applications.is_none()).then_some(Flaw::Operations(at))
}

/// Whether a group may have this name: letters, digits, `-`, `_`, `.`, `:` and `/`, and no word that rules use.
fn is_name(name: &str) -> bool {
    let is_sound = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte);
    !matches!(name, "" | "any" | "external") && name.bytes().all(is_sound)
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::SameGroup(_) => f.write_str("another group has this name"),
            Flaw::GroupName(_) => f.write_str(
                "a group's name is of letters, digits and `-_.:/`, and neither `any` nor `external`",
            ),
            Flaw::NoGroup { name, .. } => write!(f, "there is no group `{name}`"),
            Flaw::SameRule(_) => f.write_str("another rule has this number"),
            Flaw::Operations(_) => {
                f.write_str("operations are of one kind, and go with the applications that have them")
            }
            Flaw::TooManyOperations(_) => write!(f, "a rule has at most {PATTERNS_PER_RULE_MAX} operations"),
            Flaw::DenialSkips(_) => f.write_str("what is denied is not inspected anyhow"),
            Flaw::TooMany { what, max } => write!(f, "there are more than {max} {what}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{OperationKind, OperationPattern};
    use crate::rule::{Application, Applications};

    #[test]
    fn all_flaws_are_told_at_once() {
        let group = |name: &str| Group::new(name, Vec::new());
        let rule = |to: &str| Rule::new(Peer::Any, Peer::Group(to.into()), Action::Deny);
        let pattern = |kind, text| OperationPattern::parse(kind, text).expect("a pattern");
        let get = pattern(OperationKind::Http, "GET");
        let draft = Draft {
            groups: vec![group("web"), group("external"), group("web"), group("a b")],
            rules: vec![
                Rule { id: 7, ..rule("web") },
                Rule { id: 7, ..rule("wob") },
                Rule { operations: vec![get.clone()], ..rule("web") },
                Rule {
                    operations: vec![get.clone(), pattern(OperationKind::Sql, "DROP")],
                    applications: Some(Applications::of([Application(1)])),
                    ..rule("web")
                },
                Rule { skips_packs: true, ..rule("web") },
                Rule {
                    operations: vec![get; PATTERNS_PER_RULE_MAX + 1],
                    applications: Some(Applications::of([Application(1)])),
                    ..rule("web")
                },
            ],
            ..Draft::default()
        };
        let flaws = draft.compile().expect_err("it has flaws");
        let expected = [
            Flaw::GroupName(1),
            Flaw::SameGroup(2),
            Flaw::GroupName(3),
            Flaw::SameRule(1),
            Flaw::NoGroup { rule: 1, name: "wob".into() },
            Flaw::Operations(2),
            Flaw::Operations(3),
            Flaw::DenialSkips(4),
            Flaw::TooManyOperations(5),
        ];
        assert_eq!(flaws, expected);
    }
}

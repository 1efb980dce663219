//! All rules of all packs, compiled.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::compile::Found;
use crate::condition::Condition;
use crate::context::Context;
use crate::document::{Mistake, Place};
use crate::frequency::Frequency;
use crate::limits::AUTOMATON_BYTES_MAX;
use crate::matcher::{self, Matcher, MatcherId};
use crate::pack::Pack;
use crate::rule::Rule;
use crate::simd::Tier;
use crate::{ContextCost, Direction, Field, Part, RuleCost, RuleId, Signature};

mod encoding;

/// Tells rule sets apart, so that a scan that began under another set is noticed.
static NEXT_STAMP: AtomicU32 = AtomicU32::new(1);

/// The rules of some packs, immutable, to be shared by all workers.
///
/// Invariant: `context_of` names a context for exactly those pairs of field and direction that some rule looks into.
#[derive(Debug)]
pub struct RuleSet {
    stamp: u32,
    rules: Vec<Rule>,
    /// Of all parts of all rules.
    matchers: Vec<Matcher>,
    contexts: Vec<Context>,
    /// Index into `contexts` by field and direction; pairs with the same rules share one.
    context_of: ContextOf,
}

/// What a rule set costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleSetSize {
    /// Rules.
    pub rules: usize,
    /// Windows that are looked for, over all contexts.
    pub windows: usize,
    /// States of all rules' automata.
    pub dfa_states: usize,
    /// Memory of all automata, in bytes.
    pub bytes: usize,
}

impl RuleSet {
    /// Compiles packs.
    ///
    /// # Errors
    /// All mistakes of all packs: patterns that are no regex, that match nothing, or whose automata grow too large, distances
    /// that are shorter than what has to lie within them, and signature ids that are used twice.
    pub fn compile(packs: &[Pack]) -> Result<RuleSet, Vec<Mistake>> {
        RuleSet::compile_for(packs, Tier::best())
    }

    /// Compiles packs with automata of at most `table_bytes_max` bytes each: what would be larger is simulated, which is
    /// slower and takes less memory. Prefixes, and parts with a validator, are never simulated.
    ///
    /// # Errors
    /// As [`compile`](RuleSet::compile).
    pub fn compile_within(packs: &[Pack], table_bytes_max: usize) -> Result<RuleSet, Vec<Mistake>> {
        RuleSet::compile_with(packs, Tier::best(), table_bytes_max)
    }

    /// Compiles packs for a family of vector instructions.
    ///
    /// # Errors
    /// As [`compile`](RuleSet::compile).
    ///
    /// # Panics
    /// If the machine lacks the tier.
    pub fn compile_for(packs: &[Pack], tier: Tier) -> Result<RuleSet, Vec<Mistake>> {
        RuleSet::compile_with(packs, tier, AUTOMATON_BYTES_MAX)
    }

    fn compile_with(packs: &[Pack], tier: Tier, table_bytes_max: usize) -> Result<RuleSet, Vec<Mistake>> {
        assert!(Tier::available().any(|available| available == tier), "the machine lacks {}", tier.as_str());
        let frequency = Frequency::of_traffic();
        let mut mistakes = repeated_ids(packs);
        let rules = rules_of(packs);
        let mut matchers = Vec::new();
        for (rule, condition, part) in each_part(&rules) {
            match Matcher::compile(rule, condition, part, table_bytes_max, &frequency) {
                Ok(matcher) => matchers.push(matcher),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        mistakes.extend(rules.iter().filter_map(too_narrow));
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let (contexts, context_of) = contexts(&rules, &matchers, tier, &frequency);
        Ok(RuleSet { stamp: next_stamp(), rules, matchers, contexts, context_of })
    }

    /// The rule of that id.
    ///
    /// # Panics
    /// If the id comes from another rule set that has more rules.
    pub fn rule(&self, id: RuleId) -> &Rule {
        &self.rules[id.0 as usize]
    }

    /// All rules in the order of their ids.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether any rule looks into that field in that direction; if not, it needn't be extracted.
    pub fn has_rules(&self, field: Field, direction: Direction) -> bool {
        self.context_of[context_index(field, direction)].is_some()
    }

    /// What the set costs.
    pub fn size(&self) -> RuleSetSize {
        let found = || self.matchers.iter().map(Matcher::found);
        RuleSetSize {
            rules: self.rules.len(),
            windows: self.contexts.iter().map(Context::windows).sum(),
            dfa_states: found().map(Found::states).sum(),
            bytes: found().map(Found::bytes).sum::<usize>()
                + self.contexts.iter().map(Context::bytes).sum::<usize>(),
        }
    }

    /// All rules with what they cost, in the order of their ids.
    pub fn costs(&self) -> impl Iterator<Item = (&Rule, RuleCost)> {
        let cost_of = |rule: &Rule| {
            let costs = rule.matchers().map(|matcher| self.matcher(matcher).cost());
            costs.reduce(RuleCost::and).expect("a rule has a part")
        };
        self.rules.iter().map(move |rule| (rule, cost_of(rule)))
    }

    /// What the rules of each field and direction cost together; places with the same rules are one.
    pub fn contexts(&self) -> Vec<ContextCost> {
        let places = Field::ALL.into_iter().flat_map(|field| Direction::BOTH.map(|way| (field, way)));
        let cost_of = |(at, context): (usize, &Context)| {
            let is_here = |(field, direction): &(Field, Direction)| {
                self.context_of[context_index(*field, *direction)].map(usize::from) == Some(at)
            };
            let places: Vec<_> = places.clone().filter(is_here).collect();
            let (field, direction) = *places.first().expect("a context is of some field");
            let costs = || self.costs().filter(|(rule, _)| rule.looks_into(field, direction));
            ContextCost {
                rules: costs().count(),
                windows: context.windows(),
                candidates_per_kib: costs().map(|(_, cost)| cost.candidates_per_kib).sum(),
                bytes: context.bytes(),
                places,
            }
        };
        self.contexts.iter().enumerate().map(cost_of).collect()
    }

    /// Contexts of a set, at most: each field has one for each direction.
    pub(crate) const CONTEXTS_MAX: usize = Field::ALL.len() * Direction::BOTH.len();

    /// Differs from the stamp of every other set of this process.
    pub(crate) fn stamp(&self) -> u32 {
        self.stamp
    }

    #[inline]
    pub(crate) fn matcher(&self, id: MatcherId) -> &Matcher {
        &self.matchers[id.0 as usize]
    }

    #[inline]
    pub(crate) fn context(&self, field: Field, direction: Direction) -> Option<&Context> {
        Some(self.context_at(self.context_index(field, direction)?))
    }

    /// Index of a context, below [`CONTEXTS_MAX`](RuleSet::CONTEXTS_MAX).
    #[inline]
    pub(crate) fn context_index(&self, field: Field, direction: Direction) -> Option<usize> {
        self.context_of[context_index(field, direction)].map(usize::from)
    }

    #[inline]
    pub(crate) fn context_at(&self, index: usize) -> &Context {
        &self.contexts[index]
    }
}

fn each_signature(packs: &[Pack]) -> impl Iterator<Item = (&Pack, &Signature)> {
    packs.iter().flat_map(|pack| pack.signatures().iter().map(move |signature| (pack, signature)))
}

/// The rules of packs, each with the places of its matchers.
fn rules_of(packs: &[Pack]) -> Vec<Rule> {
    let mut first = 0;
    let rule = |(pack, signature): (&Pack, &Signature)| {
        let rule = Rule::new(pack.name(), signature, MatcherId(first));
        first += u32::try_from(signature.parts().len()).expect("a rule has few parts");
        rule
    };
    each_signature(packs).map(rule).collect()
}

/// What each matcher is of, in the order of their ids.
fn each_part(rules: &[Rule]) -> impl Iterator<Item = (RuleId, &Condition, (usize, &Part))> {
    (0..).map(RuleId).zip(rules).flat_map(|(id, rule)| {
        rule.signature().parts().iter().enumerate().map(move |part| (id, rule.condition(), part))
    })
}

fn next_stamp() -> u32 {
    NEXT_STAMP.fetch_add(1, Ordering::Relaxed)
}

fn repeated_ids(packs: &[Pack]) -> Vec<Mistake> {
    let mut owners = BTreeMap::new();
    let mut mistakes = Vec::new();
    for (pack, signature) in each_signature(packs) {
        if let Some((owner, first)) = owners.insert(signature.id, (pack.name(), signature)) {
            let message = format!("id {} is used twice", signature.id);
            let Place { file, line, .. } = &first.place;
            let hint = format!("rule \"{}\" of pack `{owner}` has it already, {file}:{line}", first.name());
            mistakes.push(signature.place.mistake(message, Some(hint)));
        }
    }
    mistakes
}

/// The mistake of a rule whose matches never lie as near to each other as they have to.
fn too_narrow(rule: &Rule) -> Option<Mistake> {
    let signature = rule.signature();
    let within_bytes = signature.within_bytes()?;
    let bytes: Vec<u64> = signature.parts().iter().map(matcher::least_bytes).collect::<Option<_>>()?;
    let least_bytes = rule.condition().least_bytes(|part| bytes[part]);
    (within_bytes < least_bytes).then(|| {
        let message = format!("what has to lie within {within_bytes} bytes has at least {least_bytes}");
        let hint = format!("say {least_bytes} or more, or ask for less");
        signature.within_place().mistake(message, Some(hint))
    })
}

fn context_index(field: Field, direction: Direction) -> usize {
    field as usize * 2 + direction as usize
}

const _: () = assert!(RuleSet::CONTEXTS_MAX <= 1 << u8::BITS, "the index of a context is a byte");

/// One entry for each pair of field and direction.
type ContextOf = Box<[Option<u8>]>;

fn contexts(
    rules: &[Rule],
    matchers: &[Matcher],
    tier: Tier,
    frequency: &Frequency,
) -> (Vec<Context>, ContextOf) {
    let mut contexts = Vec::new();
    let mut context_of: ContextOf = vec![None; RuleSet::CONTEXTS_MAX].into_boxed_slice();
    let mut known: BTreeMap<Vec<bool>, u8> = BTreeMap::new();
    for (field, direction) in Field::ALL.into_iter().flat_map(|field| Direction::BOTH.map(|way| (field, way)))
    {
        let looks = |rule: &Rule| rule.looks_into(field, direction);
        let looking: Vec<bool> = rules.iter().map(looks).collect();
        if !looking.contains(&true) {
            continue;
        }
        let index = *known.entry(looking).or_insert_with_key(|looking| {
            let of_context = (0..).map(MatcherId).zip(matchers);
            let of_context = of_context.filter(|(_, matcher)| looking[matcher.rule().0 as usize]);
            contexts.push(Context::new(of_context, tier, frequency));
            u8::try_from(contexts.len() - 1).expect("there are fewer than 256 contexts")
        });
        context_of[context_index(field, direction)] = Some(index);
    }
    (contexts, context_of)
}

#[cfg(test)]
mod tests;

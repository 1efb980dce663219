//! All rules of all packs, compiled.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::confirm::Confirm;
use crate::document::Mistake;
use crate::limits::LITERALS_MAX;
use crate::literals::{Literal, Literals};
use crate::pack::Pack;
use crate::rule::Rule;
use crate::{Direction, Field, RuleId};

/// Tells rule sets apart, so that a scan that began under another set is noticed.
static NEXT_STAMP: AtomicU32 = AtomicU32::new(1);

/// The rules of some packs, immutable, to be shared by all workers.
///
/// Invariant: `contexts` names an automaton for exactly those pairs of field and direction that some rule looks into.
#[derive(Debug)]
pub struct RuleSet {
    stamp: u32,
    rules: Vec<Rule>,
    automata: Vec<Literals>,
    /// Index into `automata` by field and direction; pairs with the same rules share one.
    contexts: [Option<u8>; Field::ALL.len() * 2],
}

/// What a rule set costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleSetSize {
    /// Rules.
    pub rules: usize,
    /// Literals in all literal automata.
    pub literals: usize,
    /// States of all rules' automata.
    pub dfa_states: usize,
    /// Memory of all automata, in bytes.
    pub bytes: usize,
}

impl RuleSet {
    /// Compiles packs.
    ///
    /// # Errors
    /// All mistakes of all packs: patterns that are no regex, that can't be found by their first bytes, or that grow
    /// too large, and signature ids that are used twice.
    pub fn compile(packs: &[Pack]) -> Result<RuleSet, Vec<Mistake>> {
        let mut mistakes = repeated_ids(packs);
        let mut rules = Vec::new();
        let mut literals = Vec::new();
        for (pack, signature) in each_signature(packs) {
            let id = u32::try_from(rules.len()).expect("ids are unique and 32 bits wide");
            match Rule::compile(pack.name(), signature) {
                Ok((rule, beginnings)) => {
                    rules.push(rule);
                    literals.extend(beginnings.into_iter().map(|bytes| Literal { bytes, rule: id }));
                    if literals.len() > LITERALS_MAX && mistakes.is_empty() {
                        let message = format!("with this rule there are more than {LITERALS_MAX} literals");
                        mistakes.push(signature.place.mistake(message, Some("leave out a pack".to_owned())));
                    }
                }
                Err(mistake) => mistakes.push(mistake),
            }
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let (automata, contexts) = automata_by_context(&rules, &literals);
        let stamp = NEXT_STAMP.fetch_add(1, Ordering::Relaxed);
        Ok(RuleSet { stamp, rules, automata, contexts })
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
        self.literals(field, direction).is_some()
    }

    /// What the set costs.
    pub fn size(&self) -> RuleSetSize {
        let confirms = || self.rules.iter().map(Rule::confirm);
        RuleSetSize {
            rules: self.rules.len(),
            literals: self.automata.iter().map(Literals::len).sum(),
            dfa_states: confirms().map(Confirm::states).sum(),
            bytes: confirms().map(Confirm::bytes).sum::<usize>()
                + self.automata.iter().map(Literals::bytes).sum::<usize>(),
        }
    }

    /// Differs from the stamp of every other set of this process.
    pub(crate) fn stamp(&self) -> u32 {
        self.stamp
    }

    pub(crate) fn literals(&self, field: Field, direction: Direction) -> Option<&Literals> {
        let index = self.contexts[context_index(field, direction)]?;
        Some(&self.automata[usize::from(index)])
    }
}

fn each_signature(packs: &[Pack]) -> impl Iterator<Item = (&Pack, &crate::Signature)> {
    packs.iter().flat_map(|pack| pack.signatures().iter().map(move |signature| (pack, signature)))
}

fn repeated_ids(packs: &[Pack]) -> Vec<Mistake> {
    let mut owners = BTreeMap::new();
    let mut mistakes = Vec::new();
    for (pack, signature) in each_signature(packs) {
        if let Some((owner, first)) = owners.insert(signature.id, (pack.name(), signature.name())) {
            let message = format!("id {} is used twice", signature.id);
            let hint = format!("rule \"{first}\" of pack `{owner}` has it already");
            mistakes.push(signature.place.mistake(message, Some(hint)));
        }
    }
    mistakes
}

fn context_index(field: Field, direction: Direction) -> usize {
    field as usize * 2 + direction as usize
}

type Contexts = [Option<u8>; Field::ALL.len() * 2];

fn automata_by_context(rules: &[Rule], literals: &[Literal]) -> (Vec<Literals>, Contexts) {
    let mut automata = Vec::new();
    let mut contexts = Contexts::default();
    let mut known: BTreeMap<Vec<bool>, u8> = BTreeMap::new();
    for (field, direction) in Field::ALL.into_iter().flat_map(|field| Direction::BOTH.map(|way| (field, way)))
    {
        let looks = |rule: &Rule| {
            rule.fields().contains(&field) && rule.direction().is_none_or(|only| only == direction)
        };
        let looking: Vec<bool> = rules.iter().map(looks).collect();
        if !looking.contains(&true) {
            continue;
        }
        let index = *known.entry(looking).or_insert_with_key(|looking| {
            let of_context = literals.iter().filter(|literal| looking[literal.rule as usize]);
            automata.push(Literals::new(of_context.cloned().collect()));
            u8::try_from(automata.len() - 1).expect("there are ten contexts")
        });
        contexts[context_index(field, direction)] = Some(index);
    }
    (automata, contexts)
}

#[cfg(test)]
mod tests;

//! A compiled set as bytes, apart from the packs that it was compiled from.

use super::{ContextOf, RuleSet, each_part, next_stamp, repeated_ids, rules_of};
use crate::Pack;
use crate::context::Context;
use crate::matcher::Matcher;
use crate::simd::Tier;

impl RuleSet {
    /// All that compiling came to.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let compiled = (&self.matchers, &self.contexts, &self.context_of);
        postcard::to_stdvec(&compiled).expect("it is plain data, and memory is there")
    }

    /// Puts what compiling came to together with the packs. `None` if these aren't its packs, if it isn't for that tier, or
    /// if a scan could come to something that isn't there: the bytes may be anybody's.
    pub(crate) fn decode(packs: &[Pack], tier: Tier, encoded: &[u8]) -> Option<RuleSet> {
        let rules = rules_of(packs);
        let ((matchers, contexts, context_of), rest): ((Vec<Matcher>, Vec<Context>, ContextOf), _) =
            postcard::take_from_bytes(encoded).ok()?;
        let mut of_parts = each_part(&rules);
        let is_of_parts = matchers.iter().all(|matcher| {
            of_parts.next().is_some_and(|(rule, condition, part)| matcher.is_sound(rule, condition, part))
        });
        let is_sound = rest.is_empty()
            && repeated_ids(packs).is_empty()
            && is_of_parts
            && of_parts.next().is_none()
            && contexts.iter().all(|context| context.is_sound(tier, &matchers))
            && context_of.len() == RuleSet::CONTEXTS_MAX
            && context_of.iter().flatten().all(|context| usize::from(*context) < contexts.len());
        drop(of_parts);
        is_sound.then(|| RuleSet { stamp: next_stamp(), rules, matchers, contexts, context_of })
    }
}

//! What a scan has to find, by the book: sets of ends over the whole text, and no automaton anywhere.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use dlp_patterns::validator::Validator;
use dlp_patterns::{Pattern, Rule, RuleSet, Signature};
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

/// A hit as (rule, start, end).
pub(crate) type Found = (u32, u64, u64);

/// The patterns of a rule set as syntax trees.
pub(crate) struct Oracle<'r> {
    rules: &'r RuleSet,
    patterns: Vec<Hir>,
    not_after: Vec<Option<Hir>>,
}

impl<'r> Oracle<'r> {
    pub(crate) fn new(rules: &'r RuleSet) -> Oracle<'r> {
        let signatures = || rules.rules().iter().map(Rule::signature);
        let patterns = signatures().map(pattern_of).collect();
        let not_after = signatures().map(|signature| Some(parse(signature.not_after()?, false))).collect();
        Oracle { rules, patterns, not_after }
    }

    /// The syntax tree of a rule.
    pub(crate) fn pattern(&self, rule: usize) -> &Hir {
        &self.patterns[rule]
    }

    /// All hits of the rules that `looks` lets through, in the order in which they have to be reported.
    pub(crate) fn hits(&self, text: &[u8], looks: impl Fn(&Rule) -> bool) -> Vec<Found> {
        // By rule: when its first match is known, where that ends, and the start that is latest among these.
        let mut found: BTreeMap<u32, (usize, usize, Reverse<usize>)> = BTreeMap::new();
        for (rule, start) in
            (0..self.patterns.len()).flat_map(|rule| (0..text.len()).map(move |start| (rule, start)))
        {
            if !looks(&self.rules.rules()[rule]) {
                continue;
            }
            let Some(end) = self.first_end(rule, text, start) else { continue };
            let known = if self.is_certain(rule, text, start, end) { end } else { end + 1 };
            let id = u32::try_from(rule).expect("few rules");
            let best = found.entry(id).or_insert((known, end, Reverse(start)));
            *best = (*best).min((known, end, Reverse(start)));
        }
        let mut hits: Vec<_> =
            found.into_iter().map(|(rule, (known, end, Reverse(start)))| (known, end, rule, start)).collect();
        hits.sort_unstable();
        hits.into_iter().map(|(_, end, rule, start)| (rule, start as u64, end as u64)).collect()
    }

    fn first_end(&self, rule: usize, text: &[u8], start: usize) -> Option<usize> {
        let forbidden = self.not_after[rule].as_ref();
        if start > 0 && forbidden.is_some_and(|class| !ends(class, text, start - 1).is_empty()) {
            return None;
        }
        let validator = self.rules.rules()[rule].signature().validator();
        ends(&self.patterns[rule], text, start)
            .into_iter()
            .find(|&end| validator.is_none_or(|validator| validator.accepts(&text[start..end])))
    }

    /// Whether a match ends here whatever comes next.
    fn is_certain(&self, rule: usize, text: &[u8], start: usize, end: usize) -> bool {
        let nexts = std::iter::once(None).chain((0..=u8::MAX).map(Some));
        nexts.into_iter().all(|next| {
            let text: Vec<u8> = text[..end].iter().copied().chain(next).collect();
            ends(&self.patterns[rule], &text, start).contains(&end)
        })
    }
}

fn pattern_of(signature: &Signature) -> Hir {
    match signature.pattern() {
        Pattern::Regex(regex) => parse(regex, signature.is_nocase()),
        Pattern::Literals(literals) => {
            let branches =
                literals.iter().map(|literal| parse(&regex_syntax::escape(literal), signature.is_nocase()));
            Hir::alternation(branches.collect())
        }
    }
}

fn parse(regex: &str, nocase: bool) -> Hir {
    let mut parser =
        regex_syntax::ParserBuilder::new().unicode(false).utf8(false).case_insensitive(nocase).build();
    parser.parse(regex).expect("the rule set compiled it")
}

/// Every offset at which a match that begins at `start` can end.
fn ends(pattern: &Hir, text: &[u8], start: usize) -> BTreeSet<usize> {
    match pattern.kind() {
        HirKind::Empty => BTreeSet::from([start]),
        HirKind::Literal(literal) => {
            let is_there = text[start..].starts_with(&literal.0);
            is_there.then_some(start + literal.0.len()).into_iter().collect()
        }
        HirKind::Class(Class::Bytes(class)) => {
            let is_in = |byte: &&u8| class.iter().any(|range| (range.start()..=range.end()).contains(*byte));
            text.get(start).filter(is_in).map(|_| start + 1).into_iter().collect()
        }
        HirKind::Class(Class::Unicode(_)) => panic!("packs are bytes"),
        HirKind::Look(look) => holds(*look, text, start).then_some(start).into_iter().collect(),
        HirKind::Repetition(repetition) => repeated(repetition, text, start),
        HirKind::Capture(capture) => ends(&capture.sub, text, start),
        HirKind::Concat(parts) => {
            parts.iter().fold(BTreeSet::from([start]), |starts, part| from_each(part, text, &starts))
        }
        HirKind::Alternation(branches) => {
            branches.iter().flat_map(|branch| ends(branch, text, start)).collect()
        }
    }
}

fn from_each(pattern: &Hir, text: &[u8], starts: &BTreeSet<usize>) -> BTreeSet<usize> {
    starts.iter().flat_map(|&start| ends(pattern, text, start)).collect()
}

fn repeated(repetition: &Repetition, text: &[u8], start: usize) -> BTreeSet<usize> {
    let mut fresh = BTreeSet::from([start]);
    for _ in 0..repetition.min {
        fresh = from_each(&repetition.sub, text, &fresh);
    }
    let mut all = fresh.clone();
    let mut count = repetition.min;
    while !fresh.is_empty() && repetition.max.is_none_or(|max| count < max) {
        // What was reached by fewer repetitions need not be reached again.
        fresh = from_each(&repetition.sub, text, &fresh).difference(&all).copied().collect();
        all.extend(&fresh);
        count += 1;
    }
    all
}

fn holds(look: Look, text: &[u8], at: usize) -> bool {
    let is_word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let before = at.checked_sub(1).and_then(|at| text.get(at));
    let after = text.get(at);
    match look {
        Look::Start => before.is_none(),
        Look::End => after.is_none(),
        Look::StartLF => before.is_none_or(|byte| *byte == b'\n'),
        Look::EndLF => after.is_none_or(|byte| *byte == b'\n'),
        Look::WordAscii => is_word(before) != is_word(after),
        Look::WordAsciiNegate => is_word(before) == is_word(after),
        other => panic!("no rule under test has {other:?}"),
    }
}

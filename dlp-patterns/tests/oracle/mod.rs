//! What a scan has to find, by the book: sets of ends over the whole text, and no automaton anywhere.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use dlp_patterns::validator::Validator;
use dlp_patterns::{Part, Pattern, Role, Rule, RuleSet, Signature};
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

mod combination;

/// A hit as (rule, start, end).
pub(crate) type Found = (u32, u64, u64);

/// A rule set as syntax trees.
pub(crate) struct Oracle<'r> {
    rules: &'r RuleSet,
    /// By rule and part.
    parts: Vec<Vec<PartTree<'r>>>,
}

/// A part of a rule as syntax trees.
pub(crate) struct PartTree<'r> {
    part: &'r Part,
    pattern: Hir,
    not_after: Option<Hir>,
}

/// A match of one part of a rule.
#[derive(Clone, Copy, Debug)]
struct Match {
    /// How many bytes have to be known for it to be certain.
    known: usize,
    end: usize,
    part: usize,
    start: usize,
}

impl<'r> Oracle<'r> {
    pub(crate) fn new(rules: &'r RuleSet) -> Oracle<'r> {
        let parts = |rule: &'r Rule| rule.signature().parts().iter().map(PartTree::new).collect();
        Oracle { rules, parts: rules.rules().iter().map(parts).collect() }
    }

    /// The parts of a rule.
    pub(crate) fn parts(&self, rule: usize) -> &[PartTree<'r>] {
        &self.parts[rule]
    }

    /// All hits of the rules that `looks` lets through, in the order in which they have to be reported.
    pub(crate) fn hits(&self, text: &[u8], looks: impl Fn(&Rule) -> bool) -> Vec<Found> {
        let rules = (0..).zip(self.rules.rules()).filter(|(_, rule)| looks(rule));
        let mut hits: Vec<_> = rules
            .filter_map(|(id, rule)| {
                let hit = self.hit(rule.signature(), id as usize, text)?;
                Some((hit.known, hit.end, id, hit.start))
            })
            .collect();
        hits.sort_unstable();
        hits.into_iter().map(|(_, end, rule, start)| (rule, start as u64, end as u64)).collect()
    }

    /// The match that a rule hits with.
    fn hit(&self, signature: &Signature, rule: usize, text: &[u8]) -> Option<Match> {
        let parts = self.parts[rule].iter().enumerate();
        let mut matches: Vec<Match> = parts.flat_map(|(at, part)| part.matches(at, text)).collect();
        matches.sort_unstable_by_key(|found| (found.known, found.end, found.part));
        let of = |part: usize| matches.iter().filter(move |found| found.part == part);
        let mut parts = signature.parts().iter().enumerate();
        let is_forbidden =
            |(at, part): (usize, &Part)| part.role() == Role::None && of(at).count() >= part.count() as usize;
        if parts.any(is_forbidden) {
            return None;
        }
        let first = (1..=matches.len()).find(|&count| combination::holds(signature, &matches[..count]))?;
        let is_late = signature.parts().iter().any(|part| part.role() == Role::None);
        let hit = matches[first - 1];
        Some(if is_late { Match { known: text.len() + 1, ..hit } } else { hit })
    }
}

impl<'r> PartTree<'r> {
    fn new(part: &'r Part) -> PartTree<'r> {
        let not_after = part.not_after().map(|class| parse(class, false));
        PartTree { part, pattern: pattern_of(part), not_after }
    }

    /// The syntax tree of its pattern.
    pub(crate) fn pattern(&self) -> &Hir {
        &self.pattern
    }

    /// How many matches of it count as found.
    pub(crate) fn count(&self) -> u32 {
        self.part.count()
    }

    /// The matches, one behind the other: each the one that ends first, of those the one that is certain first, and of those
    /// the one that begins last.
    fn matches(&self, at: usize, text: &[u8]) -> Vec<Match> {
        let all = (0..text.len()).filter_map(|start| {
            let end = self.first_end(text, start)?;
            let known = if self.is_certain(text, start, end) { end } else { end + 1 };
            Some(Match { known, end, part: at, start })
        });
        let mut all: Vec<Match> = all.collect();
        all.sort_unstable_by_key(|found| (found.end, found.known, Reverse(found.start)));
        let mut behind = 0;
        all.retain(|found| {
            let is_behind = found.start >= behind;
            behind = if is_behind { found.end } else { behind };
            is_behind
        });
        all
    }

    fn first_end(&self, text: &[u8], start: usize) -> Option<usize> {
        let forbidden = self.not_after.as_ref();
        if start > 0 && forbidden.is_some_and(|class| !ends(class, text, start - 1).is_empty()) {
            return None;
        }
        let validator = self.part.validator();
        ends(&self.pattern, text, start)
            .into_iter()
            .find(|&end| validator.is_none_or(|validator| validator.accepts(&text[start..end])))
    }

    /// Whether a match ends here whatever comes next.
    fn is_certain(&self, text: &[u8], start: usize, end: usize) -> bool {
        if self.pattern.properties().look_set().is_empty() {
            return true;
        }
        let nexts = std::iter::once(None).chain((0..=u8::MAX).map(Some));
        nexts.into_iter().all(|next| {
            let text: Vec<u8> = text[..end].iter().copied().chain(next).collect();
            ends(&self.pattern, &text, start).contains(&end)
        })
    }
}

fn pattern_of(part: &Part) -> Hir {
    match part.pattern() {
        Pattern::Regex(regex) => parse(regex, part.is_nocase()),
        Pattern::Literals(literals) => {
            let branches =
                literals.iter().map(|literal| parse(&regex_syntax::escape(literal), part.is_nocase()));
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
        HirKind::Class(Class::Unicode(class)) => {
            let is_there = |character: &char| text[start..].starts_with(character.to_string().as_bytes());
            let characters = class.iter().flat_map(|range| range.start()..=range.end());
            characters.filter(is_there).map(|character| start + character.len_utf8()).collect()
        }
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

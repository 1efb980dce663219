//! One part of a rule, compiled.

use std::time::{Duration, Instant};

use regex_syntax::hir::{Hir, HirKind};
use serde::{Deserialize, Serialize};

use crate::RuleId;
use crate::byte_set::ByteSet;
use crate::compile::{self, Branch, Found, Wanted};
use crate::condition::Condition;
use crate::cost::RuleCost;
use crate::document::Mistake;
use crate::frequency::Frequency;
use crate::limits::{AUTOMATON_BYTES_MAX, NFA_POSITIONS_MAX, PATTERN_NEST_MAX, VALIDATED_BYTES_MAX};
use crate::pack::{Part, Pattern};
use crate::validator::{Checksum, Validator};

/// Index of a matcher within one rule set. The matchers of a rule follow each other in the order of its parts, and those
/// of all rules in the order of the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct MatcherId(pub(crate) u32);

/// Which matches a rule has to know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Matches {
    /// The first one, and it is a hit.
    Hit,
    /// The first one.
    First,
    /// Each that begins where the one before has ended, or later.
    Every,
}

impl Matches {
    /// For a part of a rule that has that condition.
    fn of(condition: &Condition, part: usize) -> Matches {
        match condition {
            simple if simple.is_simple() => Matches::Hit,
            counting if counting.needs_every(part) => Matches::Every,
            _ => Matches::First,
        }
    }
}

/// A part whose pattern is compiled: what a scan looks for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Matcher {
    rule: RuleId,
    /// Index into the parts of the rule.
    part: usize,
    matches: Matches,
    found: Found,
    /// What may stand right before a match.
    behind: ByteSet,
    validator: Option<Checksum>,
    /// How long its compilation took.
    compile: Duration,
}

impl Matcher {
    /// Compiles a part of the rule that has that condition; a table of more than `table_bytes_max` bytes is simulated
    /// instead.
    pub(crate) fn compile(
        rule: RuleId,
        condition: &Condition,
        (at, part): (usize, &Part),
        table_bytes_max: usize,
        frequency: &Frequency,
    ) -> Result<Matcher, Mistake> {
        let begun = Instant::now();
        let pattern = pattern_of(part)?;
        let not_after = part.not_after().map(byte_class).transpose();
        let not_after = not_after.map_err(|message| {
            part.not_after_place()
                .mistake(message, Some("write a byte class such as '[0-9A-Za-z]'".to_owned()))
        })?;
        let behind = not_after.map_or(ByteSet::ALL, |not_after| ByteSet::ALL.without(&not_after));
        let wanted =
            Wanted { pattern: &pattern, behind, is_validated: part.validator().is_some(), table_bytes_max };
        let found = compile::compile(wanted, frequency).ok_or_else(|| too_large(part))?;
        debug_assert!(found.is_sound(), "a cache would refuse it");
        let matches = Matches::of(condition, at);
        let compile = begun.elapsed();
        Ok(Matcher { rule, part: at, matches, found, behind, validator: part.validator(), compile })
    }

    /// Whether it is of that part, and can be scanned with, whatever comes; it may be from a file.
    pub(crate) fn is_sound(&self, rule: RuleId, condition: &Condition, (at, part): (usize, &Part)) -> bool {
        (self.rule, self.part, self.matches) == (rule, at, Matches::of(condition, at))
            && self.validator == part.validator()
            && (self.validator.is_none() || self.found.positions() == 0)
            && self.found.is_sound()
    }

    /// The rule that it is a part of.
    pub(crate) fn rule(&self) -> RuleId {
        self.rule
    }

    /// Its index into the parts of the rule.
    pub(crate) fn part(&self) -> usize {
        self.part
    }

    /// Which matches its rule has to know of.
    #[inline]
    pub(crate) fn matches(&self) -> Matches {
        self.matches
    }

    pub(crate) fn found(&self) -> &Found {
        &self.found
    }

    /// Whether a match of one of its branches is a literal, and nothing else about it matters.
    pub(crate) fn is_literal(&self, branch: &Branch) -> bool {
        branch.is_literal() && self.behind.is_all() && !self.is_validated()
    }

    /// What it costs.
    pub(crate) fn cost(&self) -> RuleCost {
        RuleCost::of(&self.found, self.compile)
    }

    /// Whether a match may begin behind this byte; `None` stands for the begin of the field.
    #[inline]
    pub(crate) fn may_follow(&self, byte_before: Option<u8>) -> bool {
        byte_before.is_none_or(|byte| self.behind.contains(byte))
    }

    /// Whether matches have to be seen whole.
    #[inline]
    pub(crate) fn is_validated(&self) -> bool {
        self.validator.is_some()
    }

    pub(crate) fn accepts(&self, matched: &[u8]) -> bool {
        self.validator.is_none_or(|validator| validator.accepts(matched))
    }
}

/// What a validator looks at isn't simulated, since of its matches with the same end each has to be seen.
fn too_large(part: &Part) -> Mistake {
    let (message, hint) = if part.validator().is_some() {
        let message =
            format!("it is validated, and its automaton is larger than {} MiB", AUTOMATON_BYTES_MAX >> 20);
        (message, "shorten counted repetitions that follow a repetition")
    } else {
        match part.pattern() {
            Pattern::Regex(_) => (
                format!("it has more than {NFA_POSITIONS_MAX} bytes, written out"),
                "shorten counted repetitions",
            ),
            Pattern::Literals(_) => {
                (format!("a string has more than {} bytes", u16::MAX), "a part of it is enough to find it by")
            }
        }
    };
    part.pattern_place().mistake(message, Some(hint.to_owned()))
}

/// The bytes of the shortest match of a part's pattern; `None` if it can't be scanned for.
pub(crate) fn least_bytes(part: &Part) -> Option<u64> {
    let least = pattern_of(part).ok()?.properties().minimum_len()?;
    u64::try_from(least).ok()
}

/// The pattern of a part, if it is one to scan for.
fn pattern_of(part: &Part) -> Result<Hir, Mistake> {
    let wrong = |message: String, hint: &str| part.pattern_place().mistake(message, Some(hint.to_owned()));
    let pattern = parse(&regex_of(part.pattern()), part.is_nocase())
        .map_err(|message| wrong(message, "the syntax is that of the regex crate, over bytes"))?;
    match pattern.properties().minimum_len() {
        None => return Err(wrong("it can't match anything".to_owned(), "look for an empty class")),
        Some(0) => {
            let hint = "something of it has to be there: write `+` for `*`, or leave out `?`";
            return Err(wrong("it matches the empty string".to_owned(), hint));
        }
        Some(_) => {}
    }
    let longest = pattern.properties().maximum_len().unwrap_or(usize::MAX);
    if part.validator().is_some() && longest > VALIDATED_BYTES_MAX {
        let message = format!("a match that is validated has at most {VALIDATED_BYTES_MAX} bytes");
        return Err(wrong(message, "bound its repetitions"));
    }
    Ok(pattern)
}

fn regex_of(pattern: &Pattern) -> String {
    match pattern {
        Pattern::Regex(regex) => regex.clone(),
        Pattern::Literals(literals) => {
            literals.iter().map(|literal| regex_syntax::escape(literal)).collect::<Vec<_>>().join("|")
        }
    }
}

/// Parses a regex over bytes.
fn parse(regex: &str, nocase: bool) -> Result<Hir, String> {
    let mut parser = regex_syntax::ParserBuilder::new()
        .unicode(false)
        .utf8(false)
        .case_insensitive(nocase)
        .nest_limit(PATTERN_NEST_MAX)
        .build();
    parser.parse(regex).map_err(|error| match error {
        regex_syntax::Error::Parse(error) => {
            format!("{}, at character {}", error.kind(), error.span().start.column)
        }
        regex_syntax::Error::Translate(error) => {
            format!("{}, at character {}", error.kind(), error.span().start.column)
        }
        other => other.to_string(),
    })
}

fn byte_class(regex: &str) -> Result<ByteSet, String> {
    let parsed = parse(regex, false)?;
    let mut pattern = &parsed;
    while let HirKind::Capture(capture) = pattern.kind() {
        pattern = &capture.sub;
    }
    match pattern.kind() {
        // Letters between bars become a class of characters; one of a byte each is ASCII.
        HirKind::Class(class) if class.maximum_len() == Some(1) => Ok(ByteSet::from(class)),
        HirKind::Literal(literal) if literal.0.len() == 1 => Ok(ByteSet::of(literal.0[0])),
        _ => Err("it has to match exactly one byte".to_owned()),
    }
}

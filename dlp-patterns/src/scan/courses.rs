//! How far the rules that ask for more than one match have come in a field.

use arrayvec::ArrayVec;

use crate::condition::{Advance, Condition, Found, Progress};
use crate::rule_set::RuleSet;
use crate::{Hit, RuleId};

/// Bytes of a match that are kept as evidence.
type Excerpt = ArrayVec<u8, { Hit::EXCERPT_BYTES_MAX }>;

/// How far one rule has come.
#[derive(Debug)]
struct Course {
    rule: RuleId,
    progress: Progress,
    /// By part: where its last match ended.
    ends: Box<[u64]>,
    /// What the rule hits with if nothing forbids it until the field ends.
    held: Option<Hit>,
}

/// How far each rule has come of which a part was found.
///
/// Invariant: in the order of the rules, each once.
#[derive(Debug, Default)]
pub(super) struct Courses(Vec<Course>);

impl Courses {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether more of some rule may come that was found in parts.
    pub(super) fn are_open(&self) -> bool {
        self.0.iter().any(|course| !course.progress.is_over())
    }

    /// Where the last match of that part of the rule ended; 0 if there was none.
    pub(super) fn end_of(&self, rule: RuleId, part: usize) -> u64 {
        self.place_of(rule).ok().and_then(|at| self.0[at].ends.get(part).copied()).unwrap_or(0)
    }

    /// Takes account of a match of a rule: the hit if it is one, and whether the rule is over.
    pub(super) fn advance(
        &mut self,
        rule: RuleId,
        condition: &Condition,
        found: Found,
        excerpt: impl FnOnce() -> Excerpt,
    ) -> (Option<Hit>, bool) {
        let at = self.place_of(rule).unwrap_or_else(|at| {
            let ends = vec![0; condition.parts()].into();
            self.0.insert(at, Course { rule, progress: Progress::default(), ends, held: None });
            at
        });
        let course = &mut self.0[at];
        course.ends[found.part] = found.end;
        let hit = match condition.advance(&mut course.progress, found) {
            Advance::Open => None,
            Advance::Held(span) => {
                course.held = Some(Hit { rule, start: span.start, end: span.end, excerpt: excerpt() });
                None
            }
            Advance::Hit(span) => Some(Hit { rule, start: span.start, end: span.end, excerpt: excerpt() }),
        };
        (hit, course.progress.is_over())
    }

    /// Ends the field: the hits that only its end decides.
    pub(super) fn finish(&mut self, rules: &RuleSet) -> impl Iterator<Item = Hit> {
        self.0.drain(..).filter_map(|mut course| {
            let condition = rules.rule(course.rule).condition();
            condition.finish(&mut course.progress).and(course.held)
        })
    }

    fn place_of(&self, rule: RuleId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&rule, |course| course.rule)
    }
}

//! The oracle: plain lazy automata of regex-automata over the whole of a text.

use anyhow::{Context, Result, anyhow};
use bench::syntax::parse;
use dlp_patterns::{Pattern, Signature};
use regex_automata::hybrid::dfa::{Cache, DFA, OverlappingState};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::{Input, MatchKind};
use regex_syntax::hir::Hir;

use super::contestant::{Difference, FirstHit};

/// Strings that share an automaton: alone, ten thousand of them would take a gigabyte.
const STRINGS_TOGETHER: usize = 512;
/// Memory of an automaton's states, in bytes; when it is full, they are built anew.
const CACHE_BYTES: usize = 1 << 18;

/// An automaton for each regex, and one for each few hundred strings.
pub(crate) struct Automata {
    groups: Vec<Group>,
}

struct Group {
    ids: Vec<u32>,
    dfa: DFA,
    cache: Cache,
}

impl Automata {
    /// Automata for the patterns of rules.
    pub(crate) fn new<'s>(signatures: impl Iterator<Item = &'s Signature>) -> Result<Automata> {
        let mut strings = Vec::new();
        let mut groups = Vec::new();
        for signature in signatures {
            let hir = parse(signature).map_err(|error| anyhow!("rule {}: {error}", signature.id()))?;
            match signature.pattern() {
                Pattern::Regex(_) => groups.push(Group::new(&[(signature.id(), hir)])?),
                Pattern::Literals(_) => strings.push((signature.id(), hir)),
            }
        }
        for together in strings.chunks(STRINGS_TOGETHER) {
            groups.push(Group::new(together)?);
        }
        Ok(Automata { groups })
    }

    /// Those of some differences in which Weir is wrong, given the text of each stream.
    ///
    /// The rest is the peer's: Hyperscan, told to report once, reports the later of two ends if both become known with
    /// the same byte, as after `(?:x|\b)`.
    pub(crate) fn against_weir<'t>(
        &mut self,
        differences: &[Difference],
        text_of: impl Fn(usize) -> &'t [u8],
    ) -> Vec<Difference> {
        let mut wrong = Vec::new();
        for of_stream in differences.chunk_by(|one, next| one.stream == next.stream) {
            let mut hits = Vec::new();
            self.first_hits(of_stream[0].stream, text_of(of_stream[0].stream), &mut hits);
            for difference in of_stream {
                let end = hits.iter().find(|hit| hit.id == difference.id).map(|hit| hit.end);
                if end != difference.weir {
                    wrong.push(Difference { other: end, ..*difference });
                }
            }
        }
        wrong
    }

    /// Appends where each rule matches first in a text.
    pub(crate) fn first_hits(&mut self, stream: usize, text: &[u8], hits: &mut Vec<FirstHit>) {
        self.groups.iter_mut().for_each(|group| group.first_hits(stream, text, hits));
    }
}

impl Group {
    fn new(patterns: &[(u32, Hir)]) -> Result<Group> {
        let hirs: Vec<&Hir> = patterns.iter().map(|(_, hir)| hir).collect();
        let nfa = thompson::Compiler::new()
            .configure(thompson::Config::new().utf8(false).which_captures(WhichCaptures::None))
            .build_many_from_hir(&hirs)?;
        let config = DFA::config()
            .match_kind(MatchKind::All)
            .cache_capacity(CACHE_BYTES)
            .skip_cache_capacity_check(true);
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).context("it has no lazy automaton")?;
        let cache = dfa.create_cache();
        Ok(Group { ids: patterns.iter().map(|(id, _)| *id).collect(), dfa, cache })
    }

    fn first_hits(&mut self, stream: usize, text: &[u8], hits: &mut Vec<FirstHit>) {
        let input = Input::new(text);
        let mut state = OverlappingState::start();
        let begin = hits.len();
        // Matches come in the order of their ends, so the first of a rule is the one that counts.
        while hits.len() - begin < self.ids.len() {
            self.dfa
                .try_search_overlapping_fwd(&mut self.cache, &input, &mut state)
                .expect("no byte makes it quit, and it never gives up");
            let Some(found) = state.get_match() else { break };
            let id = self.ids[found.pattern().as_usize()];
            if !hits[begin..].iter().any(|hit| hit.id == id) {
                hits.push(FirstHit { stream, id, end: found.offset() as u64 });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_end_of_each_rule_is_found_and_judges() {
        let rule = |id: u32, pattern: &str| {
            format!(
                "[[rule]]\nid = {id}\nname = 'n'\naction = 'alert'\nseverity = 1\ncategory = 'c'\nfields = ['payload']\n\
                 {pattern}\nmask = 'none'\nexamples = {{ positive = ['x'], negative = ['y'] }}\n"
            )
        };
        let text = format!(
            "[pack]\nname = 'p'\nversion = '1'\ndescription = 'd'\n{}{}{}",
            rule(1, r"regex = '\bab+c?\b|^xx'"),
            rule(2, "literals = ['bB', 'cc']\nnocase = true"),
            rule(3, "literals = ['nowhere']"),
        );
        let pack = dlp_patterns::Pack::parse("p", &text).expect("it is right");
        let mut automata = Automata::new(pack.signatures().iter()).expect("they compile");
        let mut hits = Vec::new();
        automata.first_hits(7, b" xx abbbc ab", &mut hits);
        hits.sort_unstable();
        assert_eq!(hits, [FirstHit { stream: 7, id: 1, end: 9 }, FirstHit { stream: 7, id: 2, end: 7 }]);

        let difference = |weir| Difference { stream: 7, id: 1, weir, other: Some(8) };
        let judged =
            |automata: &mut Automata, weir| automata.against_weir(&[difference(weir)], |_| b" xx abbbc ab");
        assert_eq!(judged(&mut automata, Some(9)), []);
        assert_eq!(judged(&mut automata, None), [Difference { other: Some(9), ..difference(None) }]);
    }
}

//! The combinations in the description of the format hit what they say, with matches found in the plainest way.

use dlp_patterns::condition::{Advance, Condition, Found, Progress};
use dlp_patterns::validator::Validator;
use dlp_patterns::{Pack, Part, Pattern, Signature, check_examples};
use regex_automata::meta::Regex;
use regex_automata::util::syntax;

const FORMAT: &str = include_str!("../packs/README.md");

/// The packs in the text, with a head where they show none.
fn packs() -> Vec<Pack> {
    let blocks = FORMAT.split("```toml\n").skip(1).filter_map(|block| block.split("```").next());
    let head = "[pack]\nname = 'p'\nversion = '1'\ndescription = 'd'\n";
    let whole =
        |text: &str| if text.starts_with("[pack]") { text.to_owned() } else { format!("{head}{text}") };
    blocks.map(|text| Pack::parse("README.md", &whole(text)).expect("it is right")).collect()
}

fn regex(pattern: &str, nocase: bool) -> Regex {
    let syntax = syntax::Config::new().unicode(false).utf8(false).case_insensitive(nocase);
    Regex::builder().syntax(syntax).build(&format!(r"\A(?:{pattern})\z")).expect("it is a regex")
}

/// The matches of a part, one behind the other, each the one that ends first; of those that end there, the shortest.
fn matches(part: &Part, text: &[u8]) -> Vec<(usize, usize)> {
    let pattern = match part.pattern() {
        Pattern::Regex(regex) => regex.clone(),
        Pattern::Literals(literals) => {
            literals.iter().map(|literal| regex_syntax::escape(literal)).collect::<Vec<_>>().join("|")
        }
    };
    let pattern = regex(&pattern, part.is_nocase());
    let forbidden = part.not_after().map(|class| regex(class, false));
    let is_match = |start: usize, end: usize| {
        let is_behind_forbidden =
            || start > 0 && forbidden.as_ref().is_some_and(|class| class.is_match(&text[start - 1..start]));
        pattern.is_match(&text[start..end])
            && !is_behind_forbidden()
            && part.validator().is_none_or(|validator| validator.accepts(&text[start..end]))
    };
    let mut found: Vec<(usize, usize)> = Vec::new();
    for end in 1..=text.len() {
        let earliest = found.last().map_or(0, |(_, end)| *end);
        found.extend((earliest..end).rev().find(|&start| is_match(start, end)).map(|start| (start, end)));
    }
    found
}

/// Whether a rule hits a field that holds nothing but the text.
fn hits(signature: &Signature, text: &str) -> bool {
    let found = |(part, written): (usize, &Part)| {
        let place = move |(start, end)| Found { part, start: start as u64, end: end as u64 };
        matches(written, text.as_bytes()).into_iter().map(place).collect::<Vec<_>>()
    };
    let mut all: Vec<Found> = signature.parts().iter().enumerate().flat_map(found).collect();
    all.sort_by_key(|found| found.end);
    let (condition, mut progress) = (Condition::of(signature), Progress::default());
    let is_hit = |found| matches!(condition.advance(&mut progress, found), Advance::Hit(_));
    all.into_iter().any(is_hit) || condition.finish(&mut progress).is_some()
}

#[test]
fn each_rule_of_the_description_hits_its_examples() {
    let mut combinations = 0;
    for pack in packs() {
        for signature in pack.signatures() {
            combinations += usize::from(!Condition::of(signature).is_simple());
            for example in signature.positive() {
                assert!(hits(signature, example), "{}: {example}", signature.name());
            }
            for example in signature.negative() {
                assert!(!hits(signature, example), "{}: {example}", signature.name());
            }
        }
    }
    assert_eq!(combinations, 2);
}

#[test]
fn a_scan_says_the_same() {
    let report = check_examples(&packs());
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.rules, 3);
}

//! Bytes of a fuzzer, read as a small pack, a text, and the places at which it is cut.

use std::fmt::{self, Write};
use std::sync::LazyLock;

use dlp_patterns::{Pack, RuleSet, Tier, default_packs};
use regex_syntax::hir::Hir;

use super::sample::{draw, sample};

/// What patterns are strung together from: overlaps, repetitions, gaps, look-around at both ends, and bytes beyond ASCII.
const PIECES: [&str; 48] = [
    "a",
    "b",
    "c",
    "ab",
    "abc",
    "bca",
    "cab",
    "key",
    "secret=",
    "-",
    "=",
    r"\n",
    r"\xff",
    r"\x00",
    "[ab]",
    "[a-c]",
    "[^a]",
    r"[\x80-\xff]",
    "[0-9]",
    r"\d{2}",
    r"\w",
    r"\s",
    ".",
    "(?s:.)",
    "a?",
    "b*",
    "c+",
    "[a-c]{2,5}",
    "[0-9]{3,}",
    "(?:ab|ba)",
    "(?:a|bc|cab)",
    "(?:ab){1,3}",
    ".{0,40}",
    "[^b]{3,9}",
    "a{20}",
    r"\w{8,70}",
    "(?i:key)",
    "(?i:[a-c]b)",
    r"\b",
    r"\B",
    "^",
    "$",
    "(?m:^)",
    "(?m:$)",
    "|",
    "|",
    "[a-c]+",
    "(?:key|secret|abc)[=-]",
];
/// What texts are strung together from.
const SNIPPETS: [&[u8]; 24] = [
    b"a",
    b"b",
    b"c",
    b"A",
    b"B",
    b"ab",
    b"abc",
    b"cab",
    b"bcabcab",
    b"key",
    b"KeY",
    b"secret=",
    b"0",
    b"7",
    b"123",
    b" ",
    b"\n",
    b"-",
    b"=",
    b"_",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b"aaaaaaaaaaaaaaaaaaaaa",
];
/// Classes that must not stand before a match; one in two rules has none.
const NOT_AFTER: [Option<&str>; 4] = [None, None, Some("[a-c]"), Some("[0-9A-Za-z_]")];

/// Texts that the default packs hit, or nearly.
static EXAMPLES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let packs = default_packs();
    let signatures = packs.iter().flat_map(Pack::signatures);
    signatures
        .flat_map(|signature| signature.positive().iter().chain(signature.negative()))
        .cloned()
        .collect()
});

const RULES_MAX: u8 = 4;
const PIECES_MAX: u8 = 6;
const LITERALS_MAX: u8 = 3;
const CUTS_MAX: u8 = 5;
/// Bytes of a regex that is taken as it comes.
const RAW_BYTES_MAX: u8 = 40;
/// Bytes of a text: several times what a scan remembers.
const TEXT_BYTES_MAX: usize = 2000;

/// Rules that compile, and what they scan.
#[derive(Debug)]
pub(crate) struct Case {
    /// Each compiles alone.
    pub(crate) rules: Vec<Shape>,
    /// What is scanned.
    pub(crate) text: Vec<u8>,
    /// Bytes of the first chunk, the second and so on, and round again; at least one, and none is 0.
    chunks_bytes: Vec<usize>,
}

/// One rule.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    patterns: Vec<String>,
    is_literal: bool,
    is_nocase: bool,
    not_after: Option<&'static str>,
}

/// Takes from the front of a fuzzer's bytes; where none is left, zeros.
struct Source<'b>(&'b [u8]);

impl Source<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number from 1 to `most`.
    fn count(&mut self, most: u8) -> u8 {
        1 + self.byte() % most
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()]
    }
}

impl Case {
    pub(crate) fn read(bytes: &[u8]) -> Case {
        let mut source = Source(bytes);
        let mut rules: Vec<Shape> = (0..source.count(RULES_MAX)).map(|_| Shape::read(&mut source)).collect();
        rules.retain(|rule| compile(std::slice::from_ref(rule), Tier::Scalar).is_some());
        let chunks_bytes = (0..source.count(CUTS_MAX)).map(|_| chunk_bytes(source.byte())).collect();
        let text = text(&mut source, &rules);
        Case { rules, text, chunks_bytes }
    }

    /// The text, cut.
    pub(crate) fn chunks(&self) -> Vec<&[u8]> {
        let mut left = self.text.as_slice();
        let mut chunks = Vec::new();
        for bytes in self.chunks_bytes.iter().cycle() {
            let (chunk, rest) = left.split_at(left.len().min(*bytes));
            chunks.push(chunk);
            left = rest;
            if left.is_empty() {
                break;
            }
        }
        chunks
    }
}

/// Every size up to 128, and larger ones.
fn chunk_bytes(byte: u8) -> usize {
    let byte = usize::from(byte);
    if byte < 128 { byte + 1 } else { (byte - 127) * 16 }
}

/// Snippets, single bytes, samples of the rules, examples of the default packs, and repetitions of what was there before, as many as bytes are left.
fn text(source: &mut Source<'_>, rules: &[Shape]) -> Vec<u8> {
    let hirs: Vec<Hir> = rules.iter().map(Shape::hir).collect();
    let mut text = Vec::new();
    while !source.0.is_empty() && text.len() < TEXT_BYTES_MAX {
        match source.byte() {
            byte @ 0..0xa0 => text.extend_from_slice(SNIPPETS[usize::from(byte) % SNIPPETS.len()]),
            0xa0..0xa8 => text.push(source.byte()),
            0xa8..0xb0 => {
                let number = usize::from(source.byte()) << 8 | usize::from(source.byte());
                text.extend_from_slice(EXAMPLES[number % EXAMPLES.len()].as_bytes());
            }
            byte @ 0xb0..0xf0 if !hirs.is_empty() => {
                let mut random = u64::from(source.byte()) << 8 | 1;
                draw(&mut random, 2);
                let begin = text.len();
                sample(&hirs[usize::from(byte) % hirs.len()], &mut random, &mut text);
                // One in four lacks its end.
                let drop = usize::from(byte % 16 / 12) * draw(&mut random, 4);
                text.truncate(text.len().saturating_sub(drop).max(begin));
            }
            byte => {
                let repeated = text[text.len().saturating_sub(usize::from(byte % 16) + 1)..].to_vec();
                (0..source.count(64)).for_each(|_| text.extend_from_slice(&repeated));
            }
        }
    }
    text.truncate(TEXT_BYTES_MAX);
    text
}

impl Shape {
    fn read(source: &mut Source<'_>) -> Shape {
        let kind = source.byte();
        let is_literal = kind.is_multiple_of(8);
        let patterns = match kind % 8 {
            0 => (0..source.count(LITERALS_MAX)).map(|_| literal(source)).collect(),
            1 => vec![raw(source)],
            _ => vec![(0..source.count(PIECES_MAX)).map(|_| source.of(&PIECES)).collect()],
        };
        Shape { patterns, is_literal, is_nocase: kind & 0x80 != 0, not_after: source.of(&NOT_AFTER) }
    }

    /// A regex with the meaning of the rule's pattern.
    fn regex(&self) -> String {
        match self.is_literal {
            true => self.patterns.iter().map(|text| regex_syntax::escape(text)).collect::<Vec<_>>().join("|"),
            false => self.patterns.concat(),
        }
    }

    /// The syntax tree of the rule's pattern.
    pub(crate) fn hir(&self) -> Hir {
        parse(&self.regex(), self.is_nocase)
    }

    /// The syntax tree of the rule's pattern behind what may stand before it: what ends where a match ends.
    pub(crate) fn hir_from_before(&self) -> Hir {
        let Some(class) = self.not_after else { return self.hir() };
        let before = parse(&format!(r"\A|[^{}]", &class[1..class.len() - 1]), false);
        Hir::concat(vec![before, self.hir()])
    }
}

fn parse(regex: &str, is_nocase: bool) -> Hir {
    let mut builder = regex_syntax::ParserBuilder::new();
    let mut parser = builder.unicode(false).utf8(false).case_insensitive(is_nocase).build();
    parser.parse(regex).expect("the rule set compiled it")
}

fn literal(source: &mut Source<'_>) -> String {
    let bytes = (0..source.count(3)).flat_map(|_| source.of(&SNIPPETS)).copied().collect::<Vec<u8>>();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whatever the fuzzer thinks of, mostly no regex.
fn raw(source: &mut Source<'_>) -> String {
    let bytes: Vec<u8> = (0..source.count(RAW_BYTES_MAX)).map(|_| source.byte()).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The rules compiled, if none of them is refused.
pub(crate) fn compile(rules: &[Shape], tier: Tier) -> Option<RuleSet> {
    let pack = Pack::parse("fuzzed.toml", &document(rules)).ok()?;
    RuleSet::compile_for(&[pack], tier).ok()
}

fn document(rules: &[Shape]) -> String {
    let mut text = String::from("[pack]\nname = 'p'\nversion = '1'\ndescription = 'd'\n");
    for (id, rule) in (1..).zip(rules) {
        write_rule(id, rule, &mut text).expect("a string takes everything");
    }
    text
}

fn write_rule(id: u32, rule: &Shape, out: &mut String) -> fmt::Result {
    writeln!(
        out,
        "[[rule]]\nid = {id}\nname = 'n'\naction = 'alert'\nseverity = 1\ncategory = 'c'\nmask = 'none'"
    )?;
    writeln!(out, "fields = ['payload']\nexamples = {{ positive = ['x'], negative = ['y'] }}")?;
    writeln!(out, "nocase = {}", rule.is_nocase)?;
    if let Some(class) = rule.not_after {
        writeln!(out, "not_after = '{class}'")?;
    }
    let patterns: Vec<String> = rule.patterns.iter().map(|text| quoted(text)).collect();
    match rule.is_literal {
        true => writeln!(out, "literals = [{}]", patterns.join(", ")),
        false => writeln!(out, "regex = {}", patterns.concat()),
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let escaped: String = text.chars().map(|c| format!("\\U{:08X}", u32::from(c))).collect();
    format!("\"{escaped}\"")
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for rule in &self.rules {
            writeln!(f, "{rule:?}")?;
        }
        f.write_str("chunks")?;
        for chunk in self.chunks() {
            f.write_char(' ')?;
            write!(f, "b\"{}\"", chunk.escape_ascii())?;
        }
        Ok(())
    }
}

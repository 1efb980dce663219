//! A pack made from a table of names and patterns, with examples that are checked before they are written.

use std::fmt::Write;

use anyhow::{Context, Result, anyhow};
use dlp_patterns::Pack;
use regex_automata::meta::Regex;
use regex_syntax::hir::Hir;

use super::{dlp, literals, numeric, request, response, strong};
use crate::random::Random;
use crate::sampler::{Alphabet, sample};

const SEED: u64 = 0x7061_636b;
/// So many samples are tried for an example; assertions at the edges of a pattern refuse some.
const TRIES: u32 = 1000;
/// What no rule may hit.
const HARMLESS: &str = "Nothing of interest stands here, and nobody would look twice.";

/// Which pack is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackKind {
    /// 220 rules for secrets.
    Dlp,
    /// 8 rules for numbers and addresses of people.
    Numeric,
    /// 49 rules for what a response should not tell.
    Response,
    /// 61 rules for attacks in requests.
    Request,
    /// 13 rules that nearly nothing begins like.
    Strong,
    /// 1 000 strings in any case.
    Literals1k,
    /// 10 000 strings in any case.
    Literals10k,
}

/// What tells one rule of a pack from the next.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    name: String,
    pattern: String,
    is_literal: bool,
}

impl Shape {
    /// A rule with a regex.
    pub(super) fn new(name: impl Into<String>, regex: impl Into<String>) -> Shape {
        Shape { name: name.into(), pattern: regex.into(), is_literal: false }
    }

    /// A rule with one string in any case.
    pub(super) fn literal(string: String) -> Shape {
        Shape { name: string.clone(), pattern: string, is_literal: true }
    }

    /// A text that the rule has to hit, and one that it must not.
    fn examples(&self, random: &mut Random) -> Result<(String, String)> {
        if self.is_literal {
            let shorter = &self.pattern[..self.pattern.len() - 1];
            return Ok((self.pattern.to_uppercase(), shorter.to_owned()));
        }
        let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
        let hir = parser.parse(&self.pattern)?;
        let regex = regex_automata::meta::Builder::new().build_from_hir(&hir)?;
        let positive = positive(&hir, &regex, random)
            .with_context(|| format!("no text was found for {}: {}", self.name, self.pattern))?;
        let shortened = (1..positive.len()).rev().filter_map(|end| positive.get(..end));
        let negative = shortened.map(str::to_owned).find(|text| !regex.is_match(text));
        Ok((positive, negative.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| HARMLESS.to_owned())))
    }
}

/// The shortest sample of a few that match, with a space at either side, for an assertion there.
fn positive(hir: &Hir, regex: &Regex, random: &mut Random) -> Option<String> {
    let mut draw = || {
        let mut text = Vec::from(b" ");
        sample(hir, Alphabet::Printable, random, &mut text);
        text.push(b' ');
        String::from_utf8(text).ok().filter(|text| regex.is_match(text))
    };
    let found: Vec<String> = (0..TRIES).filter_map(|_| draw()).take(8).collect();
    found.into_iter().min_by_key(String::len)
}

impl PackKind {
    /// All kinds.
    pub const ALL: [PackKind; 7] = [
        PackKind::Dlp,
        PackKind::Numeric,
        PackKind::Response,
        PackKind::Request,
        PackKind::Strong,
        PackKind::Literals1k,
        PackKind::Literals10k,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            PackKind::Dlp => "dlp",
            PackKind::Numeric => "numeric",
            PackKind::Response => "response",
            PackKind::Request => "request",
            PackKind::Strong => "strong",
            PackKind::Literals1k => "literals-1k",
            PackKind::Literals10k => "literals-10k",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<PackKind> {
        PackKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    fn shapes(self) -> Vec<Shape> {
        match self {
            PackKind::Dlp => dlp::shapes(),
            PackKind::Numeric => numeric::shapes(),
            PackKind::Response => response::shapes(),
            PackKind::Request => request::shapes(),
            PackKind::Strong => strong::shapes(),
            PackKind::Literals1k => literals::shapes(1_000),
            PackKind::Literals10k => literals::shapes(10_000),
        }
    }

    /// The first id less one, apart from those of every other kind.
    fn base(self) -> usize {
        9_000_000 + 100_000 * self as usize
    }

    /// The text of the pack.
    ///
    /// # Errors
    /// If no example can be found for a rule, which a test rules out.
    pub fn text(self) -> Result<String> {
        let mut random = Random::new(SEED);
        let name = self.as_str();
        let mut text = format!(
            "[pack]\nname = \"{name}\"\nversion = \"1\"\ndescription = \"For measuring the matcher\"\n"
        );
        for (index, shape) in self.shapes().iter().enumerate() {
            let (positive, negative) = shape.examples(&mut random)?;
            let pattern = if shape.is_literal {
                format!("literals = [{}]\nnocase = true", quoted(&shape.pattern))
            } else {
                format!("regex = '''{}'''", shape.pattern)
            };
            write!(
                text,
                "\n[[rule]]\nid = {}\nname = {}\naction = \"alert\"\nseverity = 2\ncategory = \"Measuring\"\n\
                 fields = [\"http.uri\", \"http.request.body\", \"http.response.body\", \"payload\"]\n{pattern}\n\
                 mask = \"secret\"\nexamples = {{ positive = [{}], negative = [{}] }}\n",
                self.base() + index + 1,
                quoted(&shape.name),
                quoted(&positive),
                quoted(&negative),
            )?;
        }
        Ok(text)
    }

    /// The pack itself, as if it had been read from a file of that name.
    ///
    /// # Errors
    /// As [`text`](PackKind::text), and mistakes in the pack, which a test rules out as well.
    pub fn pack(self, file: &str) -> Result<Pack> {
        Pack::parse(file, &self.text()?).map_err(|mistakes| {
            anyhow!("{}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        })
    }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => write!(out, "\\u{:04X}", u32::from(c)).expect("a string takes everything"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_pack_is_read_without_a_mistake_and_the_same_every_time() {
        let mut ids = BTreeSet::new();
        let counts = [220, 8, 49, 61, 13, 1_000, 10_000];
        for (kind, count) in PackKind::ALL.into_iter().zip(counts) {
            let text = kind.text().expect("every rule has examples");
            assert_eq!(text, kind.text().expect("every rule has examples"));
            let pack = kind.pack("p.toml").expect("it is right");
            assert_eq!(pack.signatures().len(), count, "{kind:?}");
            assert_eq!(PackKind::from_name(kind.as_str()), Some(kind));
            assert!(pack.signatures().iter().all(|signature| ids.insert(signature.id())));
        }
    }

    #[test]
    fn quotes_and_controls_are_escaped() {
        assert_eq!(quoted("a\"b\\c\n"), r#""a\"b\\c\u000A""#);
    }
}

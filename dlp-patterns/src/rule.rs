//! One compiled rule.

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::byte_set::ByteSet;
use crate::compile::{self, Found, Wanted};
use crate::document::Mistake;
use crate::frequency::Frequency;
use crate::limits::{AUTOMATON_BYTES_MAX, PATTERN_NEST_MAX, VALIDATED_BYTES_MAX};
use crate::pack::{Pattern, Signature};
use crate::validator::Validator;
use crate::{Action, Direction, Field, Hit, Mask};

/// A signature whose pattern is compiled.
#[derive(Debug)]
pub struct Rule {
    pack: String,
    signature: Signature,
    found: Found,
    /// What may stand right before a match.
    behind: ByteSet,
}

impl Rule {
    pub(crate) fn compile(pack: &str, signature: &Signature, frequency: &Frequency) -> Result<Rule, Mistake> {
        let part = signature.parts().first().expect("a signature has a part");
        let wrong =
            |message: String, hint: &str| part.pattern_place().mistake(message, Some(hint.to_owned()));
        if signature.parts().len() > 1 || part.count() > 1 {
            return Err(wrong("a rule of several parts can't be scanned for".to_owned(), "use one part"));
        }
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
        let not_after = part.not_after().map(byte_class).transpose();
        let not_after = not_after.map_err(|message| {
            part.not_after_place()
                .mistake(message, Some("write a byte class such as '[0-9A-Za-z]'".to_owned()))
        })?;
        let behind = not_after.map_or(ByteSet::ALL, |not_after| ByteSet::ALL.without(&not_after));
        let wanted = Wanted { pattern: &pattern, behind, is_validated: part.validator().is_some() };
        let found = compile::compile(wanted, frequency).ok_or_else(|| {
            let message = format!("its automaton is larger than {} MiB", AUTOMATON_BYTES_MAX >> 20);
            wrong(message, "shorten counted repetitions that follow a repetition")
        })?;
        Ok(Rule { pack: pack.to_owned(), signature: signature.clone(), found, behind })
    }

    /// The name of its pack.
    pub fn pack(&self) -> &str {
        &self.pack
    }

    /// The signature that it was compiled from.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The signature id.
    pub fn id(&self) -> u32 {
        self.signature.id
    }

    /// Its name, as events show it.
    pub fn name(&self) -> &str {
        &self.signature.name
    }

    /// What it wants done.
    pub fn action(&self) -> Action {
        self.signature.action
    }

    /// From 1, the gravest, to 4.
    pub fn severity(&self) -> u8 {
        self.signature.severity
    }

    /// Its category, as events show it.
    pub fn category(&self) -> &str {
        &self.signature.category
    }

    /// The fields that it looks into.
    pub fn fields(&self) -> &[Field] {
        &self.signature.fields
    }

    /// The only direction that it looks into; `None` stands for both.
    pub fn direction(&self) -> Option<Direction> {
        self.signature.direction
    }

    /// How much of its matches may be shown.
    pub fn mask(&self) -> Mask {
        self.signature.mask
    }

    /// What may be shown of a hit: printable, and masked as the rule says.
    pub fn masked(&self, hit: &Hit) -> String {
        self.signature.mask.apply(hit)
    }

    pub(crate) fn found(&self) -> &Found {
        &self.found
    }

    /// Whether a match may begin behind this byte; `None` stands for the begin of the field.
    #[inline]
    pub(crate) fn may_follow(&self, byte_before: Option<u8>) -> bool {
        byte_before.is_none_or(|byte| self.behind.contains(byte))
    }

    /// Whether matches have to be seen whole.
    #[inline]
    pub(crate) fn is_validated(&self) -> bool {
        self.signature.validator().is_some()
    }

    pub(crate) fn accepts(&self, matched: &[u8]) -> bool {
        self.signature.validator().is_none_or(|validator| validator.accepts(matched))
    }
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
    match parsed.kind() {
        HirKind::Class(Class::Bytes(class)) => Ok(ByteSet::from(class)),
        HirKind::Literal(literal) if literal.0.len() == 1 => Ok(ByteSet::of(literal.0[0])),
        _ => Err("it has to match exactly one byte".to_owned()),
    }
}

//! One compiled rule.

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::confirm::Confirm;
use crate::document::Mistake;
use crate::limits::{
    LITERAL_BYTES_MIN, MATCH_BYTES_MAX, PATTERN_NEST_MAX, RULE_DFA_BYTES_MAX, RULE_LITERALS_MAX,
    VALIDATED_BYTES_MAX,
};
use crate::pack::{Pattern, Signature};
use crate::prefix::{NoPrefix, prefixes};
use crate::validator::Validator;
use crate::{Action, Direction, Field, Hit, Mask};

/// A signature whose pattern is compiled: it has literals to be found by, and an automaton to be confirmed by.
#[derive(Debug)]
pub struct Rule {
    pack: String,
    signature: Signature,
    confirm: Confirm,
    /// By byte: whether it must not stand right before a match.
    not_after: Option<Box<[bool; 256]>>,
}

impl Rule {
    /// Compiles a signature; also yields the literals that its matches begin with.
    pub(crate) fn compile(pack: &str, signature: &Signature) -> Result<(Rule, Vec<Vec<u8>>), Mistake> {
        let wrong =
            |message: String, hint: &str| signature.pattern_place.mistake(message, Some(hint.to_owned()));
        let pattern = parse(&regex_of(&signature.pattern), signature.nocase)
            .map_err(|message| wrong(message, "the syntax is that of the regex crate, over bytes"))?;
        if pattern.properties().minimum_len().is_some_and(|len| len as u64 > MATCH_BYTES_MAX) {
            return Err(wrong(format!("no match can be longer than {MATCH_BYTES_MAX} bytes"), "shorten it"));
        }
        let longest = pattern.properties().maximum_len().unwrap_or(usize::MAX);
        if signature.validator.is_some() && longest > VALIDATED_BYTES_MAX {
            let message = format!("a match that is validated has at most {VALIDATED_BYTES_MAX} bytes");
            return Err(wrong(message, "bound its repetitions"));
        }
        let confirm = Confirm::new(&pattern).ok_or_else(|| {
            let message = format!("its automaton is larger than {} KiB", RULE_DFA_BYTES_MAX >> 10);
            wrong(message, "shorten counted repetitions that follow a repetition")
        })?;
        let not_after = signature.not_after.as_deref().map(byte_class).transpose();
        let not_after = not_after.map_err(|message| {
            signature
                .not_after_place
                .mistake(message, Some("write a byte class such as '[0-9A-Za-z]'".to_owned()))
        })?;
        let rule = Rule { pack: pack.to_owned(), signature: signature.clone(), confirm, not_after };
        let literals = prefixes(&rule.confirm, |before| rule.may_follow(before));
        let literals = literals.map_err(|cause| no_prefix(signature, cause))?;
        Ok((rule, literals))
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

    pub(crate) fn confirm(&self) -> &Confirm {
        &self.confirm
    }

    /// Whether a match may begin behind this byte; `None` stands for the begin of the field.
    pub(crate) fn may_follow(&self, byte_before: Option<u8>) -> bool {
        match (&self.not_after, byte_before) {
            (Some(forbidden), Some(byte)) => !forbidden[usize::from(byte)],
            _ => true,
        }
    }

    /// Whether matches have to be seen whole, which keeps candidates apart that are alike otherwise.
    pub(crate) fn is_validated(&self) -> bool {
        self.signature.validator.is_some()
    }

    pub(crate) fn accepts(&self, matched: &[u8]) -> bool {
        self.signature.validator.is_none_or(|validator| validator.accepts(matched))
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

fn byte_class(regex: &str) -> Result<Box<[bool; 256]>, String> {
    let parsed = parse(regex, false)?;
    let mut members = Box::new([false; 256]);
    match parsed.kind() {
        HirKind::Class(Class::Bytes(class)) => class
            .iter()
            .flat_map(|range| range.start()..=range.end())
            .for_each(|byte| members[usize::from(byte)] = true),
        HirKind::Literal(literal) if literal.0.len() == 1 => members[usize::from(literal.0[0])] = true,
        _ => return Err("it has to match exactly one byte".to_owned()),
    }
    Ok(members)
}

fn no_prefix(signature: &Signature, cause: NoPrefix) -> Mistake {
    let (message, hint) = match cause {
        NoPrefix::Empty => (
            "it matches the empty string".to_owned(),
            "something of it has to be there: write `+` for `*`, or leave out `?`".to_owned(),
        ),
        NoPrefix::TooMany => (
            format!("its matches begin in more than {RULE_LITERALS_MAX} ways, so there is nothing to look for"),
            "let it begin with characters or small classes; what must not stand before it goes into `not_after`".to_owned(),
        ),
        NoPrefix::TooShort => (
            format!("some match of it has fewer than {LITERAL_BYTES_MIN} bytes"),
            "let each alternative have two or more characters".to_owned(),
        ),
        NoPrefix::Nothing => ("it can't match anything".to_owned(), "look for an empty class".to_owned()),
    };
    signature.pattern_place.mistake(message, Some(hint))
}

//! One part of a rule, as written: a pattern, and what its matches have to pass.

use serde::Serialize;

use crate::document::{Place, Table, Value};
use crate::limits::LITERAL_BYTES_MAX;
use crate::validator::Checksum;

/// What a part looks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Pattern {
    /// A regular expression over bytes.
    Regex(String),
    /// Any of these strings.
    Literals(Vec<String>),
}

/// What a part does for its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Role {
    /// Each part of this role has to be found.
    All,
    /// One of the parts of this role has to be found.
    Any,
    /// No part of this role may be found in the whole field.
    None,
}

impl Role {
    /// Every role, in the order in which the parts of a rule stand.
    pub const EACH: [Role; 3] = [Role::All, Role::Any, Role::None];

    /// The key under which a pack lists the parts of this role.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::All => "all",
            Role::Any => "any",
            Role::None => "none",
        }
    }
}

/// A pattern with its conditions, all in range, but not compiled yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    role: Role,
    pattern: Pattern,
    nocase: bool,
    not_after: Option<String>,
    validator: Option<Checksum>,
    count: u32,
    #[serde(skip)]
    pattern_place: Place,
    #[serde(skip)]
    not_after_place: Place,
}

impl Part {
    /// The keys that say a part, apart from `count`.
    pub(super) const KEYS: [&'static str; 5] = ["regex", "literals", "nocase", "not_after", "validator"];

    /// Reads the keys of a part out of `table`; `None` if anything is wrong, which is then noted in the document.
    /// `owner` says whose keys they are, for mistakes.
    pub(super) fn read(table: Table<'_>, owner: &str, role: Role, count: Option<u32>) -> Option<Part> {
        // Everything is read before anything is missed, so that all mistakes are found.
        let pattern = read_pattern(table, owner);
        let nocase = table.optional("nocase").bool().unwrap_or(false);
        let not_after = table.optional("not_after");
        let validator = table.optional("validator").one_of(&Checksum::NAMES);
        let not_after_class = not_after.string().map(str::to_owned);
        let (pattern, pattern_place) = pattern?;
        Some(Part {
            role,
            pattern,
            nocase,
            not_after: not_after_class,
            validator,
            count: count?,
            pattern_place,
            not_after_place: not_after.place(),
        })
    }

    pub(super) fn drop_checks(&mut self) {
        self.not_after = None;
        self.validator = None;
    }

    /// What it does for its rule.
    pub fn role(&self) -> Role {
        self.role
    }

    /// What it looks for.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Whether the pattern ignores the case of ASCII letters.
    pub fn is_nocase(&self) -> bool {
        self.nocase
    }

    /// The byte class, as a regex, that must not stand right before a match.
    pub fn not_after(&self) -> Option<&str> {
        self.not_after.as_deref()
    }

    /// The check that a match has to pass.
    pub fn validator(&self) -> Option<Checksum> {
        self.validator
    }

    /// How many matches of it, none overlapping another, count as found; at least 1.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Where mistakes about the pattern point.
    pub fn pattern_place(&self) -> &Place {
        &self.pattern_place
    }

    /// Where mistakes about `not_after` point.
    pub fn not_after_place(&self) -> &Place {
        &self.not_after_place
    }
}

fn read_pattern(table: Table<'_>, owner: &str) -> Option<(Pattern, Place)> {
    let (regex, literals) = (table.optional("regex"), table.optional("literals"));
    match (regex.is_present(), literals.is_present()) {
        (true, true) => {
            literals.mistake(format!("{owner} has either `regex` or `literals`, not both"), None);
            None
        }
        (true, false) => Some((Pattern::Regex(regex.string()?.to_owned()), regex.place())),
        (false, true) => Some((Pattern::Literals(read_literals(literals)?), literals.place())),
        (false, false) => {
            table.mistake(format!("{owner} needs either `regex` or `literals`"), None);
            None
        }
    }
}

fn read_literals(value: Value<'_>) -> Option<Vec<String>> {
    let literals = some_strings(value)?;
    let Some(long) = literals.iter().find(|literal| literal.len() > LITERAL_BYTES_MAX) else {
        return Some(literals);
    };
    let message = format!("a literal has at most {LITERAL_BYTES_MAX} bytes, and one has {}", long.len());
    value.mistake(message, Some("its first bytes will do".to_owned()));
    None
}

/// Strings, at least one, and none of them empty.
pub(super) fn some_strings(value: Value<'_>) -> Option<Vec<String>> {
    let strings = value.strings()?;
    if strings.is_empty() {
        value.mistake("at least one string belongs here", None);
        return None;
    }
    if strings.contains(&"") {
        value.mistake("an empty string says nothing", None);
        return None;
    }
    Some(strings.into_iter().map(str::to_owned).collect())
}

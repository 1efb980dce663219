//! One rule of a pack, as written.

use crate::document::{Place, Table, Value};
use crate::mask::Mask;
use crate::validator::Checksum;
use crate::{Action, Direction, Field};

/// What a rule looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// A regular expression over bytes.
    Regex(String),
    /// Any of these strings.
    Literals(Vec<String>),
}

/// One rule as written in a pack: all values are in range, but its pattern is not compiled yet.
#[derive(Clone, Debug)]
pub struct Signature {
    pub(crate) id: u32,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) action: Action,
    pub(crate) severity: u8,
    pub(crate) category: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) direction: Option<Direction>,
    pub(crate) pattern: Pattern,
    pub(crate) nocase: bool,
    pub(crate) not_after: Option<String>,
    pub(crate) validator: Option<Checksum>,
    pub(crate) mask: Mask,
    pub(crate) references: Vec<String>,
    pub(crate) positive: Vec<String>,
    pub(crate) negative: Vec<String>,
    /// Where mistakes about the rule, its pattern and its `not_after` point.
    pub(crate) place: Place,
    pub(crate) pattern_place: Place,
    pub(crate) not_after_place: Place,
}

impl Signature {
    /// Reads a `[[rule]]`; `None` if anything is wrong with it, which is then noted in the document.
    pub(super) fn read(rule: Table<'_>) -> Option<Signature> {
        // Everything is read before anything is missed, so that all mistakes are found.
        let id = rule.need("id").integer(1..=u32::MAX);
        let name = rule.need("name").string();
        let description = rule.optional("description").string().unwrap_or_default();
        let action = rule.need("action").one_of(&Action::NAMES);
        let severity = rule.need("severity").integer(1..=4u8);
        let category = rule.need("category").string();
        let fields = read_fields(rule.need("fields"));
        let direction = rule.optional("direction").one_of(&Direction::BOTH.map(|way| (way.as_str(), way)));
        let pattern = read_pattern(rule);
        let nocase = rule.optional("nocase").bool().unwrap_or(false);
        let not_after = rule.optional("not_after");
        let validator = rule.optional("validator").one_of(&Checksum::NAMES);
        let mask = rule.need("mask").one_of(&Mask::NAMES);
        let references = rule.optional("references").strings().unwrap_or_default();
        let examples = rule.need("examples").table();
        let positive = examples.and_then(|examples| some_strings(examples.need("positive")));
        let negative = examples.and_then(|examples| some_strings(examples.need("negative")));
        let (pattern, pattern_place) = pattern?;
        Some(Signature {
            id: id?,
            name: name?.to_owned(),
            description: description.to_owned(),
            action: action?,
            severity: severity?,
            category: category?.to_owned(),
            fields: fields?,
            direction,
            pattern,
            nocase,
            not_after: not_after.string().map(str::to_owned),
            validator,
            mask: mask?,
            references: references.into_iter().map(str::to_owned).collect(),
            positive: positive?,
            negative: negative?,
            place: rule.place(),
            pattern_place,
            not_after_place: not_after.place(),
        })
    }

    /// The signature id, unique over all packs.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Its name, as events show it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it finds and why that matters; may be empty.
    pub fn description(&self) -> &str {
        &self.description
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

    /// The fields that it looks into.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The directions that it looks into.
    pub fn directions(&self) -> impl Iterator<Item = Direction> + use<> {
        let only = self.direction;
        Direction::BOTH.into_iter().filter(move |direction| only.is_none_or(|only| only == *direction))
    }

    /// Where to read more.
    pub fn references(&self) -> &[String] {
        &self.references
    }

    /// Texts that it has to hit.
    pub fn positive(&self) -> &[String] {
        &self.positive
    }

    /// Texts that it must not hit.
    pub fn negative(&self) -> &[String] {
        &self.negative
    }
}

fn read_fields(value: Value<'_>) -> Option<Vec<Field>> {
    let names = Field::ALL.map(|field| (field.as_str(), field));
    let mut fields = Vec::new();
    for item in value.items() {
        let field = item.one_of(&names);
        if field.is_some() && fields.contains(&field) {
            item.mistake("this field is listed twice", None);
        }
        fields.push(field);
    }
    if value.is_present() && fields.is_empty() {
        value.mistake("a rule without a field never looks at anything", None);
        return None;
    }
    fields.into_iter().collect()
}

fn read_pattern(rule: Table<'_>) -> Option<(Pattern, Place)> {
    let (regex, literals) = (rule.optional("regex"), rule.optional("literals"));
    match (regex.is_present(), literals.is_present()) {
        (true, true) => {
            literals.mistake("a rule has either `regex` or `literals`, not both", None);
            None
        }
        (true, false) => Some((Pattern::Regex(regex.string()?.to_owned()), regex.place())),
        (false, true) => Some((Pattern::Literals(some_strings(literals)?), literals.place())),
        (false, false) => {
            rule.mistake("a rule needs either `regex` or `literals`", None);
            None
        }
    }
}

/// Strings, at least one, and none of them empty.
fn some_strings(value: Value<'_>) -> Option<Vec<String>> {
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

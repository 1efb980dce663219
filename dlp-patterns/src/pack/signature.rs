//! One rule of a pack, as written.

use serde::Serialize;

use crate::document::{Place, Table, Value};
use crate::mask::Mask;
use crate::validator::Checksum;
use crate::{Action, Direction, Field};

use super::composition::Composition;
use super::part::{Part, Pattern, some_strings};

/// One rule as written in a pack: all values are in range, but its patterns are not compiled yet.
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
    composition: Composition,
    pub(crate) mask: Mask,
    pub(crate) references: Vec<String>,
    pub(crate) positive: Vec<String>,
    pub(crate) negative: Vec<String>,
    /// Where mistakes about the rule as a whole point.
    pub(crate) place: Place,
}

impl Signature {
    /// Reads a `[[rule]]`; `None` if anything is wrong with it, which is then noted in the document.
    pub(super) fn read(rule: Table<'_>) -> Option<Signature> {
        // Everything is read before anything is missed, so that all mistakes are found.
        let id = rule.need("id").integer(1..=u32::MAX);
        let name = rule.need("name").string();
        let description = rule.optional("description").string().unwrap_or_default();
        let action = rule.need_one_of("action", &Action::NAMES);
        let severity = rule.need("severity").integer(1..=4u8);
        let category = rule.need("category").string();
        let fields = read_fields(rule.need("fields"));
        let direction = rule.optional("direction").one_of(&Direction::BOTH.map(|way| (way.as_str(), way)));
        let composition = Composition::read(rule);
        let mask = rule.need_one_of("mask", &Mask::NAMES);
        let references = rule.optional("references").strings().unwrap_or_default();
        let examples = rule.need("examples").table();
        let positive = examples.and_then(|examples| some_strings(examples.need("positive")));
        let negative = examples.and_then(|examples| some_strings(examples.need("negative")));
        Some(Signature {
            id: id?,
            name: name?.to_owned(),
            description: description.to_owned(),
            action: action?,
            severity: severity?,
            category: category?.to_owned(),
            fields: fields?,
            direction,
            composition: composition?,
            mask: mask?,
            references: references.into_iter().map(str::to_owned).collect(),
            positive: positive?,
            negative: negative?,
            place: rule.place(),
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

    /// What it looks for, at least one part: first those of [`Role::All`](super::Role::All), then of `Any`, then of
    /// `None`, each in the order of the text.
    pub fn parts(&self) -> &[Part] {
        &self.composition.parts
    }

    /// How many bytes lie at most from the first begin to the last end of the matches that fulfil the rule; `None` if
    /// they may lie anywhere in the field.
    pub fn within_bytes(&self) -> Option<u64> {
        self.composition.within_bytes
    }

    /// Where mistakes about `within` point.
    pub(crate) fn within_place(&self) -> &Place {
        &self.composition.within_place
    }

    /// Whether the parts that all have to be found have to stand in the order of [`Signature::parts`], without overlap.
    pub fn is_in_order(&self) -> bool {
        self.composition.in_order
    }

    /// What it looks for; in a rule of several parts, what the first of them does.
    pub fn pattern(&self) -> &Pattern {
        self.first_part().pattern()
    }

    /// Whether the pattern ignores the case of ASCII letters; of several parts, the first.
    pub fn is_nocase(&self) -> bool {
        self.first_part().is_nocase()
    }

    /// The byte class, as a regex, that must not stand right before a match; of several parts, the first.
    pub fn not_after(&self) -> Option<&str> {
        self.first_part().not_after()
    }

    /// The check that a match has to pass; of several parts, the first.
    pub fn validator(&self) -> Option<Checksum> {
        self.first_part().validator()
    }

    /// Takes the conditions off that a match has to pass beyond its pattern.
    pub(super) fn drop_checks(&mut self) {
        self.composition.parts.iter_mut().for_each(Part::drop_checks);
    }

    fn first_part(&self) -> &Part {
        self.parts().first().expect("a composition has a part that has to be found")
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

    /// All that bears on what it hits: two signatures in which this is the same hit the same.
    pub(crate) fn looked_for(&self) -> impl Serialize + '_ {
        (&self.fields, self.direction, &self.composition)
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

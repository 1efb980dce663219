//! One compiled rule.

use std::ops::Range;

use crate::condition::Condition;
use crate::matcher::MatcherId;
use crate::pack::Signature;
use crate::{Action, Direction, Field, Hit, Mask};

/// A signature whose parts are compiled.
#[derive(Debug)]
pub struct Rule {
    pack: String,
    signature: Signature,
    condition: Condition,
    /// The matchers of its parts.
    matchers: Range<u32>,
}

impl Rule {
    /// A rule whose matchers begin with that one.
    pub(crate) fn new(pack: &str, signature: &Signature, first: MatcherId) -> Rule {
        let parts = u32::try_from(signature.parts().len()).expect("a rule has few parts");
        Rule {
            pack: pack.to_owned(),
            signature: signature.clone(),
            condition: Condition::of(signature),
            matchers: first.0..first.0 + parts,
        }
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

    /// Whether it looks into a field in a direction.
    pub fn looks_into(&self, field: Field, direction: Direction) -> bool {
        self.fields().contains(&field) && self.direction().is_none_or(|only| only == direction)
    }

    /// What has to come together for it to hit.
    pub(crate) fn condition(&self) -> &Condition {
        &self.condition
    }

    /// The matchers of its parts, in their order.
    pub(crate) fn matchers(&self) -> impl Iterator<Item = MatcherId> + use<> {
        self.matchers.clone().map(MatcherId)
    }
}

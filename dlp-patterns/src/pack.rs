//! A signature pack, as written.

use crate::document::{Document, Mistake, Place};

mod composition;
mod part;
mod signature;

pub use part::{Part, Pattern, Role};
pub use signature::Signature;

/// Rules that were read without a mistake; their patterns are compiled later, by
/// [`RuleSet::compile`](crate::RuleSet::compile).
#[derive(Clone, Debug)]
pub struct Pack {
    name: String,
    place: Place,
    version: String,
    description: String,
    signatures: Vec<Signature>,
}

impl Pack {
    /// Reads a pack in TOML; `file` is the name that mistakes carry. The format is in `packs/README.md`.
    ///
    /// # Errors
    /// All mistakes, in the order of the text.
    pub fn parse(file: &str, text: &str) -> Result<Pack, Vec<Mistake>> {
        let (pack, mistakes) = Pack::parse_partial(file, text);
        if mistakes.is_empty() { Ok(pack) } else { Err(mistakes) }
    }

    /// As [`parse`](Pack::parse), but yields the rules that are right beside all mistakes, so that those which only compiling
    /// shows can be reported with them. Where there are mistakes, the head may be empty and rules may be missing: such a pack
    /// must not be put in force.
    pub fn parse_partial(file: &str, text: &str) -> (Pack, Vec<Mistake>) {
        let document = Document::parse(file, text);
        let root = document.root();
        let head = root.need("pack").table();
        let of_head = |key| head.and_then(|head| head.need(key).string()).unwrap_or_default().to_owned();
        let (name, version, description) = (of_head("name"), of_head("version"), of_head("description"));
        let place = head.map_or_else(|| root.place(), |head| head.optional("name").place());
        let rules = root.need("rule");
        let signatures = rules.tables().into_iter().filter_map(Signature::read).collect();
        let mistakes = document.finish().err().unwrap_or_default();
        (Pack { name, place, version, description, signatures }, mistakes)
    }

    /// Its name, as events show it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where its name stands.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Its version, as written.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What it is for.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Its rules, in the order of the text.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Each rule as a pack of its own.
    pub fn singles(&self) -> impl Iterator<Item = Pack> + '_ {
        self.signatures.iter().map(|signature| Pack {
            name: self.name.clone(),
            place: self.place.clone(),
            version: self.version.clone(),
            description: self.description.clone(),
            signatures: vec![signature.clone()],
        })
    }

    /// Keeps only the rules that `keep` approves of.
    pub fn retain(&mut self, keep: impl FnMut(&Signature) -> bool) {
        self.signatures.retain(keep);
    }

    /// The pack with bare patterns: without validators and `not_after`. An engine that knows neither can be compared
    /// with that.
    #[must_use]
    pub fn without_checks(mut self) -> Pack {
        self.signatures.iter_mut().for_each(Signature::drop_checks);
        self
    }
}

#[cfg(test)]
mod tests;

//! [`Objection`]: what speaks against a packet. A packet's objections stand in stream order, each kind once, by the earliest.

use arrayvec::ArrayVec;
use dlp_patterns::Action;

use crate::verdict::DropReason;

/// What speaks against a packet because of what it brings to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objection {
    /// The first hit of a rule that does not let its flow go on, and what this rule asks for.
    Rule(Action),
    /// The content, or the work that it causes: [`Scope::Content`](crate::policy::Scope::Content).
    Cause(DropReason),
}

/// A rule, broken framing, a field's work and a packet's, content that reached a cap, content that could not be read, and a threat.
pub const OBJECTIONS_MAX: usize = 7;

/// What speaks against one packet, the earliest first.
///
/// Whoever cuts the stream elsewhere moves bytes from one packet to the next and changes nothing about which of them is read
/// first. So the order is part of the verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Objections(ArrayVec<Objection, OBJECTIONS_MAX>);

impl Objections {
    /// Something speaks against the packet, unless it did before.
    pub(super) fn raise(&mut self, objection: Objection) {
        let is_same = |known: &Objection| match (known, objection) {
            (Objection::Rule(_), Objection::Rule(_)) => true,
            (known, objection) => *known == objection,
        };
        if !self.0.iter().any(is_same) {
            debug_assert!(!self.0.is_full(), "there are {OBJECTIONS_MAX} kinds");
            let _ = self.0.try_push(objection);
        }
    }

    /// The rule that was the first one asks for something else.
    pub(super) fn amend_rule(&mut self, action: Action) {
        for objection in &mut self.0 {
            if let Objection::Rule(asked) = objection {
                *asked = action;
            }
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[inline]
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn in_order(&self) -> ArrayVec<Objection, OBJECTIONS_MAX> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_of_a_kind_counts() {
        let mut objections = Objections::default();
        let framing = Objection::Cause(DropReason::AppError);
        let raised = [framing, Objection::Rule(Action::Drop), framing, Objection::Rule(Action::Reset)];
        raised.into_iter().for_each(|objection| objections.raise(objection));
        assert_eq!(objections.in_order().as_slice(), [framing, Objection::Rule(Action::Drop)]);
        objections.clear();
        assert!(objections.is_empty());
    }
}

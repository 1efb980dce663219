//! Paths that were seen, and names: sequences of parts, as a tree.

use std::collections::BTreeMap;

use crate::path_template::Segment;

/// Sequences of parts, in which a place that has too many different ones is left open.
///
/// It is a join-semilattice: the tree depends on what was put in alone, not on the order or on how often. For a place has too
/// many parts whenever any tree that it is joined from has, and what follows them is then joined, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tree {
    /// Whether a sequence ends here.
    is_end: bool,
    /// Whether whatever follows here was seen.
    is_open: bool,
    next: BTreeMap<Segment, Tree>,
}

/// What becomes of a place with too many parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cap {
    /// So many parts are told apart, by how many stand before them; further on, one.
    pub(super) parts_max: &'static [usize],
    /// Whether what follows the parts is still told apart, once they are not.
    pub(super) keeps_rest: bool,
}

impl Tree {
    /// One more sequence was seen; an open one goes on with whatever.
    pub(super) fn insert(&mut self, parts: impl IntoIterator<Item = Segment>, is_open: bool, cap: Cap) {
        let mut parts: Vec<Segment> = parts.into_iter().collect();
        let is_cut = !cap.keeps_rest && parts.len() > cap.parts_max.len();
        let is_open = is_open || is_cut;
        if is_cut {
            parts.truncate(cap.parts_max.len());
        }
        let mut tree = Tree { is_end: !is_open, is_open, next: BTreeMap::new() };
        for part in parts.into_iter().rev() {
            tree = Tree { next: BTreeMap::from([(part, tree)]), ..Tree::default() };
        }
        self.join(tree, cap);
    }

    /// All that another one saw was seen.
    pub(super) fn join(&mut self, other: Tree, cap: Cap) {
        self.join_at(0, other, cap);
    }

    /// The same, behind so many parts.
    fn join_at(&mut self, depth: usize, other: Tree, cap: Cap) {
        self.is_end |= other.is_end;
        self.is_open |= other.is_open;
        for (part, tree) in other.next {
            // What any one may be, all that come are.
            let part = if self.next.contains_key(&Segment::Any) { Segment::Any } else { part };
            if part == Segment::Any {
                let all = std::mem::take(&mut self.next);
                let any = self.next.entry(Segment::Any).or_default();
                all.into_values().for_each(|before| any.join_at(depth + 1, before, cap));
                any.join_at(depth + 1, tree, cap);
            } else {
                self.next.entry(part).or_default().join_at(depth + 1, tree, cap);
            }
        }
        if self.next.len() > cap.parts_max.get(depth).copied().unwrap_or(1) {
            let all = std::mem::take(&mut self.next);
            if cap.keeps_rest {
                let any = self.next.entry(Segment::Any).or_default();
                all.into_values().for_each(|before| any.join_at(depth + 1, before, cap));
            } else {
                self.is_open = true;
            }
        }
        if self.is_open {
            // What goes on with whatever says all that could follow; it may end here, too.
            self.next.clear();
            self.is_end = false;
        }
    }

    /// Each sequence in order, and whether it is open.
    pub(super) fn sequences(&self) -> Vec<(Vec<&Segment>, bool)> {
        let mut all = Vec::new();
        self.collect(&mut Vec::new(), &mut all);
        all
    }

    fn collect<'t>(&'t self, before: &mut Vec<&'t Segment>, all: &mut Vec<(Vec<&'t Segment>, bool)>) {
        if self.is_end || self.is_open {
            all.push((before.clone(), self.is_open));
        }
        for (part, tree) in &self.next {
            before.push(part);
            tree.collect(before, all);
            before.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::Index};

    use super::*;

    const PATHS: Cap = Cap { parts_max: &[2, 2, 2], keeps_rest: true };
    const NAMES: Cap = Cap { parts_max: &[2, 2, 2], keeps_rest: false };

    fn parts(text: &str) -> Vec<Segment> {
        text.bytes().map(|byte| Segment::Literal(Box::new([byte]))).collect()
    }

    fn tree(texts: &[&str], cap: Cap) -> Tree {
        let mut tree = Tree::default();
        texts.iter().for_each(|text| tree.insert(parts(text), false, cap));
        tree
    }

    fn shown(tree: &Tree) -> Vec<String> {
        let part = |part: &&Segment| match part {
            Segment::Literal(text) => String::from_utf8_lossy(text).into_owned(),
            Segment::Id => "#".to_owned(),
            Segment::Any => "*".to_owned(),
        };
        let text = |(parts, is_open): (Vec<&Segment>, bool)| {
            parts.iter().map(part).collect::<String>() + if is_open { "**" } else { "" }
        };
        tree.sequences().into_iter().map(text).collect()
    }

    #[test]
    fn a_place_with_too_many_parts_is_left_open() {
        assert_eq!(shown(&tree(&["ax", "bx", "b"], PATHS)), ["ax", "b", "bx"]);
        assert_eq!(shown(&tree(&["ax", "bx", "cy"], PATHS)), ["*x", "*y"]);
        assert_eq!(shown(&tree(&["ax", "bx", "cy", "dz"], PATHS)), ["**"]);
        assert_eq!(shown(&tree(&["ax", "bx", "cy"], NAMES)), ["**"]);
        assert_eq!(shown(&tree(&["ax", "ay", "az", "b"], NAMES)), ["a**", "b"]);
    }

    proptest! {
        /// Whatever the order, however often, and however it is joined.
        #[test]
        fn a_tree_depends_on_what_was_seen_alone(
            seen in vec(("[a-d]{0,4}", any::<bool>()), 0..24), again in vec(any::<Index>(), 0..6),
            order in any::<u64>(), cut in any::<Index>(), keeps_rest in any::<bool>(),
            parts_max in prop::sample::select(&[&[1, 1, 1], &[2, 1, 3], &[3, 2, 1], &[3, 3, 3], &[2, 2, 2]][..]),
        ) {
            let cap = Cap { parts_max: &parts_max[..], keeps_rest };
            let tree = |seen: &[(String, bool)]| {
                let mut tree = Tree::default();
                seen.iter().for_each(|(text, is_open)| tree.insert(parts(text), *is_open, cap));
                tree
            };
            let mut other = seen.clone();
            other.extend(again.iter().filter(|_| !seen.is_empty()).map(|at| at.get(&seen).clone()));
            other.sort_by_key(|(text, _)| {
                text.bytes().fold(order, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
            });
            let (front, rest) = other.split_at(cut.index(other.len() + 1));
            let mut joined = tree(front);
            joined.join(tree(rest), cap);
            prop_assert_eq!(shown(&joined), shown(&tree(&seen)));
        }
    }
}

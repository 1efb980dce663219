//! Skips the bytes at which no literal begins.

use std::collections::BTreeSet;

/// Bytes of a literal that are looked at.
const WIDTH: usize = 4;

/// Groups of literals that are told apart.
const GROUPS: usize = 16;

/// For each byte and each of the first four places of a literal, the groups of literals that can have the byte there:
/// bit `GROUPS * place + group`. A literal begins at a byte only if some group has that byte and the three behind it in
/// these places; the tables stay in the first-level cache, and no look-up waits for the one before it, as the steps of
/// an automaton do.
#[derive(Debug)]
pub(super) struct Beginnings(Box<[u64; 256]>);

impl Beginnings {
    pub(super) fn new<'l>(literals: impl Iterator<Item = &'l [u8]> + Clone) -> Beginnings {
        let firsts: BTreeSet<u8> = literals.clone().filter_map(|literal| literal.first().copied()).collect();
        let firsts: Vec<u8> = firsts.into_iter().collect();
        let mut groups = Box::new([0; 256]);
        for literal in literals {
            let group =
                firsts.iter().position(|first| literal.first() == Some(first)).unwrap_or_default() % GROUPS;
            for place in 0..WIDTH {
                let bit = 1 << (GROUPS * place + group);
                match literal.get(place) {
                    Some(byte) => {
                        groups[usize::from(byte.to_ascii_lowercase())] |= bit;
                        groups[usize::from(byte.to_ascii_uppercase())] |= bit;
                    }
                    // Behind a short literal any byte may stand.
                    None => groups.iter_mut().for_each(|byte| *byte |= bit),
                }
            }
        }
        Beginnings(groups)
    }

    /// The first offset from `at` on at which a literal may begin. The last three bytes can't be told, for those
    /// behind them are not known yet.
    #[inline]
    pub(super) fn find(&self, chunk: &[u8], at: usize) -> usize {
        let end = chunk.len();
        let Some(text) = chunk.get(at..).filter(|text| text.len() >= WIDTH) else { return at.min(end) };
        let groups_of = |byte: u8| self.0[usize::from(byte)];
        let (head, blocks) = text.split_at(WIDTH - 1);
        let [mut a, mut b, mut c] = [groups_of(head[0]), groups_of(head[1]), groups_of(head[2])];
        let possible =
            |a: u64, b: u64, c: u64, d: u64| a & b >> GROUPS & c >> (2 * GROUPS) & d >> (3 * GROUPS);
        let mut skipped = at;
        let (blocks, rest) = blocks.as_chunks::<4>();
        for block in blocks {
            let [d, e, f, g] = block.map(groups_of);
            // Four independent answers, one branch.
            if possible(a, b, c, d) | possible(b, c, d, e) | possible(c, d, e, f) | possible(d, e, f, g) != 0
            {
                let answers = [possible(a, b, c, d), possible(b, c, d, e), possible(c, d, e, f)];
                return skipped + answers.iter().position(|groups| *groups != 0).unwrap_or(answers.len());
            }
            (a, b, c) = (e, f, g);
            skipped += block.len();
        }
        for d in rest.iter().map(|byte| groups_of(*byte)) {
            if possible(a, b, c, d) != 0 {
                break;
            }
            (a, b, c) = (b, c, d);
            skipped += 1;
        }
        skipped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_beginning_is_skipped() {
        let literals: [&[u8]; 4] = [b"ab", b"select", b"4111", b"../"];
        let beginnings = Beginnings::new(literals.into_iter());
        for literal in literals {
            for before in 0..40 {
                let mut text = vec![b'-'; before];
                text.extend(literal.to_ascii_uppercase());
                text.extend(b"-----");
                let found = (0..=before).map(|at| beginnings.find(&text, at)).collect::<Vec<_>>();
                assert!(found.iter().all(|&at| at == before), "{before} {found:?}");
            }
        }
    }

    #[test]
    fn the_last_bytes_are_left_to_the_automaton() {
        let beginnings = Beginnings::new([b"abcd".as_slice()].into_iter());
        for length in 0..20usize {
            assert_eq!(beginnings.find(&vec![b'-'; length], 0), length.saturating_sub(3));
        }
        assert_eq!(beginnings.find(b"abc", 7), 3, "never beyond the end");
    }
}

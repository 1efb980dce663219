//! Where the engine's frames lie in the machine's memory.

use std::collections::BTreeSet;

const PAGE_BYTES: u64 = 4096;
/// Of a line of pagemap: the page is in memory, and its number.
const PRESENT: u64 = 1 << 63;
const NUMBER: u64 = (1 << 55) - 1;

/// The physical pages of a UMEM.
#[derive(Debug)]
pub(crate) struct Umem {
    numbers: BTreeSet<u64>,
}

impl Umem {
    /// Reads lines of two halves, the lower first. Nothing where a page is not in memory, or twice there.
    pub(crate) fn read<'l>(lines: impl ExactSizeIterator<Item = &'l str>) -> Option<Umem> {
        let pages = lines.len();
        let numbers = lines.map(read_number).collect::<Option<BTreeSet<u64>>>()?;
        (numbers.len() == pages && pages > 0).then_some(Umem { numbers })
    }

    /// Whether a physical address is in it.
    pub(crate) fn contains(&self, address: u64) -> bool {
        self.numbers.contains(&(address / PAGE_BYTES))
    }
}

fn read_number(line: &str) -> Option<u64> {
    let (low, high) = line.trim().split_once(' ')?;
    let half = |digits| u32::from_str_radix(digits, 16).map(u64::from);
    let entry = half(high).ok()? << 32 | half(low).ok()?;
    // A user without the right to them is told zeros.
    (entry & PRESENT != 0 && entry & NUMBER != 0).then_some(entry & NUMBER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_read_and_those_that_are_missing_are_refused() {
        let umem = Umem::read(["00003a00 a1800000", "00003a02 a1800000 "].into_iter()).expect("two pages");
        assert_eq!(
            [0x39f_ffff, 0x3a0_0000, 0x3a0_0fff, 0x3a0_1000, 0x3a0_2123].map(|at| umem.contains(at)),
            [false, true, true, false, true]
        );
        for lines in [&["00003a00 21800000"][..], &["00000000 81800000"], &["00003a00"], &[]] {
            assert!(Umem::read(lines.iter().copied()).is_none(), "{lines:?}");
        }
        assert!(Umem::read(["00003a00 a1800000"; 2].into_iter()).is_none(), "the same page twice");
    }
}

//! Random numbers, the same in every run.

/// Xorshift: a random number below `bound`; 0 where that is 0. The seed is not 0.
pub(crate) fn draw(random: &mut u64, bound: usize) -> usize {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    usize::try_from(*random >> 33).expect("31 bits") % bound.max(1)
}

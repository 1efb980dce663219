//! Which positions have been come to.

use super::Position;
use crate::limits::NFA_POSITIONS_MAX;

/// A bit for each position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks([u64; NFA_POSITIONS_MAX.div_ceil(64)]);

impl Default for Marks {
    fn default() -> Marks {
        Marks([0; NFA_POSITIONS_MAX.div_ceil(64)])
    }
}

impl Marks {
    /// Marks a position; `false` if it was marked.
    #[inline]
    pub(super) fn set(&mut self, position: Position) -> bool {
        let word = &mut self.0[usize::from(position >> 6)];
        let bit = 1 << (position & 63);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}

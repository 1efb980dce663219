//! Windows whose bytes are sets rather than values: numbers, long words of hexadecimal digits.

use super::{WindowId, buckets};
use crate::compile::window::Window;
use crate::frequency::Frequency;
use crate::limits::WINDOW_BYTES;
use crate::simd::{BucketTables, Tier};

/// Windows that one word of bits stands for.
pub(super) const WINDOWS_MAX: usize = 64;

/// Two stages that find windows: buckets, 64 places at a time, then for each byte at a position the windows that have it.
#[derive(Debug)]
pub(super) struct Wide {
    buckets: BucketTables,
    /// For each position and byte: a bit for each window that may have it there.
    having: Box<[[u64; 256]; WINDOW_BYTES]>,
    /// By bit.
    windows: Vec<WindowId>,
}

impl Wide {
    /// # Panics
    /// If there are more than [`WINDOWS_MAX`] windows.
    pub(super) fn new(windows: &[(WindowId, Window)], tier: Tier, frequency: &Frequency) -> Wide {
        assert!(windows.len() <= WINDOWS_MAX, "each has a bit");
        let only_windows: Vec<Window> = windows.iter().map(|(_, window)| *window).collect();
        let buckets = buckets::tables(&only_windows, tier, frequency);
        let mut having = Box::new([[0; 256]; WINDOW_BYTES]);
        for (bit, window) in only_windows.iter().enumerate() {
            for (having, set) in having.iter_mut().zip(&window.sets) {
                set.iter().for_each(|byte| having[usize::from(byte)] |= 1 << bit);
            }
        }
        Wide { buckets, having, windows: windows.iter().map(|(id, _)| *id).collect() }
    }

    /// The tables of the first stage.
    #[inline]
    pub(super) fn buckets(&self) -> &BucketTables {
        &self.buckets
    }

    /// The second stage: looks at places.
    #[inline]
    pub(super) fn look_up(&self, bytes: &[u8], places: &[u16], sink: &mut impl FnMut(WindowId, usize)) {
        for place in places {
            let place = usize::from(*place);
            let bytes: &[u8; WINDOW_BYTES] =
                bytes[place..].first_chunk().expect("there is slack behind the last place");
            let having = self.having.iter().zip(bytes).map(|(having, byte)| having[usize::from(*byte)]);
            let mut found = having.fold(u64::MAX, |all, having| all & having);
            while found != 0 {
                sink(self.windows[found.trailing_zeros() as usize], place);
                found &= found - 1;
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.having) + size_of_val(self.windows.as_slice()) + self.buckets.tables.len()
    }
}

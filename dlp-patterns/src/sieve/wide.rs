//! Windows whose bytes are sets rather than values: numbers, long words of hexadecimal digits.

use serde::{Deserialize, Serialize};

use super::WindowId;
use crate::cache::table;
use crate::compile::window::Window;
use crate::frequency::Frequency;
use crate::limits::WINDOW_BYTES;

/// Windows that one word of bits stands for.
pub(super) const WINDOWS_MAX: usize = 64;

/// Looks at places that a first stage let through, by which windows have which byte at which position.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Wide {
    /// For each position and byte: a bit for each window that may have it there.
    #[serde(with = "table")]
    having: Box<[[u64; 256]; WINDOW_BYTES]>,
    /// The positions in the order in which they are looked at: what tells most comes first.
    order: [u8; WINDOW_BYTES],
    /// By bit.
    windows: Vec<WindowId>,
}

impl Wide {
    /// # Panics
    /// If there are more than [`WINDOWS_MAX`] windows.
    pub(super) fn new(windows: &[(WindowId, Window)], frequency: &Frequency) -> Wide {
        assert!(windows.len() <= WINDOWS_MAX, "each has a bit");
        let mut having = Box::new([[0; 256]; WINDOW_BYTES]);
        for (bit, (_, window)) in windows.iter().enumerate() {
            for (having, set) in having.iter_mut().zip(&window.sets) {
                set.iter().for_each(|byte| having[usize::from(byte)] |= 1 << bit);
            }
        }
        let chance = |position: u8| -> f64 {
            windows.iter().map(|(_, window)| frequency.of_set(&window.sets[usize::from(position)])).sum()
        };
        let mut order = [0, 1, 2, 3, 4, 5, 6, 7];
        order.sort_by(|one, other| chance(*one).total_cmp(&chance(*other)));
        Wide { having, order, windows: windows.iter().map(|(id, _)| *id).collect() }
    }

    /// The second stage: looks at places.
    #[inline]
    pub(super) fn look_up(&self, bytes: &[u8], places: &[u16], sink: &mut impl FnMut(WindowId, usize)) {
        for place in places {
            let place = usize::from(*place);
            let bytes: &[u8; WINDOW_BYTES] =
                bytes[place..].first_chunk().expect("there is slack behind the last place");
            let mut found = u64::MAX;
            for positions in self.order.as_chunks::<2>().0 {
                for position in positions {
                    // The mask is for the compiler: positions are below eight.
                    let position = usize::from(*position) & (WINDOW_BYTES - 1);
                    found &= self.having[position][usize::from(bytes[position])];
                }
                if found == 0 {
                    break;
                }
            }
            while found != 0 {
                sink(self.windows[found.trailing_zeros() as usize], place);
                found &= found - 1;
            }
        }
    }

    /// Whether it tells only windows below `windows`; it may be from a file.
    pub(super) fn is_sound(&self, windows: usize) -> bool {
        let Some(unused) = WINDOWS_MAX.checked_sub(self.windows.len()) else { return false };
        let has_window = |having: &u64| having.leading_zeros() as usize >= unused;
        self.having.as_flattened().iter().all(has_window)
            && self.windows.iter().all(|window| (*window as usize) < windows)
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.having) + size_of_val(self.windows.as_slice())
    }
}

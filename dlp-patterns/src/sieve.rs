//! Finds the places of a stream at which a window may be.

use crate::compile::window::Window;
use crate::frequency::Frequency;
use crate::simd::{BLOCK_BYTES, STRIPE_BLOCKS, Tier};

mod buckets;
mod keys;
mod wide;

use keys::Keys;
use wide::Wide;

/// A window, by its place in what the sieve was made of.
pub(crate) type WindowId = u32;

/// Finds windows in stripes of bytes.
///
/// Windows whose first bytes are few keys go through two stages: buckets of similar windows, compared for 64 places at a
/// time, and then a table of keys. The others have buckets of their own, and then a table of which byte is in which window.
#[derive(Debug)]
pub(crate) struct Sieve {
    tier: Tier,
    keys: Option<Keys>,
    wide: Vec<Wide>,
}

impl Sieve {
    pub(crate) fn new(windows: &[Window], tier: Tier, frequency: &Frequency) -> Sieve {
        let ids = 0..WindowId::try_from(windows.len()).expect("windows are few");
        let (wide, narrow): (Vec<_>, Vec<_>) =
            ids.zip(windows).map(|(id, window)| (id, *window)).partition(|(_, window)| window.is_wide());
        let keys = (!narrow.is_empty()).then(|| Keys::new(&narrow, tier, frequency));
        let wide = wide.chunks(wide::WINDOWS_MAX).map(|windows| Wide::new(windows, tier, frequency)).collect();
        Sieve { tier, keys, wide }
    }

    /// Tells `sink` each window that may begin at one of the first `places` bytes of `bytes`, with its place. The
    /// windows of a place may come in any order, and so may the places.
    ///
    /// # Panics
    /// If there are more places than a stripe has, or fewer than [`SLACK_BYTES`](crate::simd::SLACK_BYTES) bytes behind
    /// the last block of them.
    #[inline]
    pub(crate) fn look(&self, bytes: &[u8], places: usize, mut sink: impl FnMut(WindowId, usize)) {
        let blocks = places.div_ceil(BLOCK_BYTES);
        let mut masks = [0; STRIPE_BLOCKS];
        if let Some(keys) = &self.keys {
            keys.masks(self.tier, bytes, &mut masks[..blocks]);
            keep_places(&mut masks, places);
            keys.look_up(bytes, &masks[..blocks], &mut sink);
        }
        for wide in &self.wide {
            wide.masks(self.tier, bytes, &mut masks[..blocks]);
            keep_places(&mut masks, places);
            wide.look_up(bytes, &masks[..blocks], &mut sink);
        }
    }

    /// Its memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.keys.as_ref().map_or(0, Keys::bytes) + self.wide.iter().map(Wide::bytes).sum::<usize>()
    }
}

/// Clears the bits from `places` on.
fn keep_places(masks: &mut [u64], places: usize) {
    if let Some(mask) = masks.get_mut(places / BLOCK_BYTES) {
        *mask &= (1 << (places % BLOCK_BYTES)) - 1;
    }
}

#[cfg(test)]
mod tests;

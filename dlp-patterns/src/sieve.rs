//! Finds the places of a stream at which a window may be.

use crate::compile::window::Window;
use crate::frequency::Frequency;
use crate::simd::{self, BLOCK_BYTES, SLACK_BYTES, STRIPE_BLOCKS, STRIPE_BYTES, Symbols, Tier};

mod buckets;
mod keys;
mod wide;

use keys::Keys;
use wide::Wide;

/// A window, by its place in what the sieve was made of.
pub(crate) type WindowId = u32;

/// Room for the work on a stripe. What it holds between two calls means nothing.
pub(crate) struct Room {
    masks: [u64; STRIPE_BLOCKS],
    symbols: Symbols,
    places: Places,
}

impl Room {
    pub(crate) fn new() -> Room {
        Room {
            masks: [0; STRIPE_BLOCKS],
            symbols: [[0; STRIPE_BYTES + SLACK_BYTES]; 2],
            places: [0; STRIPE_BYTES + PLACES_AT_ONCE],
        }
    }
}

/// Places that are written at once, needed or not.
const PLACES_AT_ONCE: usize = 4;

/// Places within a stripe.
type Places = [u16; STRIPE_BYTES + PLACES_AT_ONCE];

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
        let wide =
            wide.chunks(wide::WINDOWS_MAX).map(|windows| Wide::new(windows, tier, frequency)).collect();
        Sieve { tier, keys, wide }
    }

    /// Tells `sink` each window that may begin at one of the first `places` bytes of `bytes`, with its place. The
    /// windows of a place may come in any order, and so may the places.
    ///
    /// # Panics
    /// If there are more places than a stripe has, or fewer than [`SLACK_BYTES`](crate::simd::SLACK_BYTES) bytes behind
    /// the last block of them.
    #[inline]
    pub(crate) fn look(
        &self,
        bytes: &[u8],
        places: usize,
        room: &mut Room,
        mut sink: impl FnMut(WindowId, usize),
    ) {
        let masks = &mut room.masks[..places.div_ceil(BLOCK_BYTES)];
        if let Some(keys) = &self.keys {
            simd::bucket_masks(self.tier, keys.buckets(), bytes, masks, &mut room.symbols);
            keep_places(masks, places);
            keys.look_up(bytes, listed(masks, &mut room.places), &mut sink);
        }
        for wide in &self.wide {
            simd::bucket_masks(self.tier, wide.buckets(), bytes, masks, &mut room.symbols);
            keep_places(masks, places);
            wide.look_up(bytes, listed(masks, &mut room.places), &mut sink);
        }
    }

    /// Its memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.keys.as_ref().map_or(0, Keys::bytes) + self.wide.iter().map(Wide::bytes).sum::<usize>()
    }
}

/// The places of masks as a list. Several are written without asking whether there are so many: a branch on each bit would
/// be predicted wrong too often.
#[inline]
fn listed<'p>(masks: &[u64], places: &'p mut Places) -> &'p mut [u16] {
    let mut count = 0;
    for (block, mask) in masks.iter().enumerate() {
        let mut mask = *mask;
        let mut next = count;
        count += mask.count_ones() as usize;
        while mask != 0 {
            for place in &mut places[next..next + PLACES_AT_ONCE] {
                // Behind the last bit it is a place that nobody reads.
                *place = (block * BLOCK_BYTES) as u16 + mask.trailing_zeros() as u16;
                mask &= mask.wrapping_sub(1);
            }
            next += PLACES_AT_ONCE;
        }
    }
    &mut places[..count]
}

/// Clears the bits from `places` on.
fn keep_places(masks: &mut [u64], places: usize) {
    if let Some(mask) = masks.get_mut(places / BLOCK_BYTES) {
        *mask &= (1 << (places % BLOCK_BYTES)) - 1;
    }
}

#[cfg(test)]
mod tests;

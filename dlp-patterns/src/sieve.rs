//! Finds the places of a stream at which a window may be.

use serde::{Deserialize, Serialize};

use crate::compile::window::Window;
use crate::frequency::Frequency;
use crate::simd::{
    self, BLOCK_BYTES, BucketTables, Places, SLACK_BYTES, STRIPE_BLOCKS, STRIPE_BYTES, Symbols, Tier,
};

mod buckets;
mod grams;
mod keys;
mod slots;
mod wide;

use grams::Grams;
use keys::Keys;
use wide::Wide;

/// A window, by its place in what the sieve was made of.
pub(crate) type WindowId = u32;

/// From so many windows on buckets can't tell them from text any more, so that most are looked up as grams.
const BUCKET_WINDOWS_MAX: usize = 384;

/// Windows that are left to the buckets for the sake of a larger stride.
const LEFT_OUT_MAX: usize = 64;

/// What a pass costs a byte beside its look-ups, and what a look at wide windows costs a place that isn't for them, when a
/// place that gets through costs 1.
const PASS_COST: f64 = 0.02;
const WIDE_LOOK_COST: f64 = 0.5;

/// Room for the work on a stripe. What it holds between two calls means nothing.
pub(crate) struct Room {
    /// The bytes of the stripe, and behind them whatever.
    pub(crate) bytes: [u8; STRIPE_BYTES + SLACK_BYTES],
    masks: [u64; STRIPE_BLOCKS],
    symbols: Symbols,
    places: Places,
    grams: Places,
}

impl Room {
    pub(crate) const fn new() -> Room {
        Room {
            bytes: [0; STRIPE_BYTES + SLACK_BYTES],
            masks: [0; STRIPE_BLOCKS],
            symbols: [[0; STRIPE_BYTES + SLACK_BYTES]; 2],
            places: [0; STRIPE_BYTES + simd::PLACES_AT_ONCE],
            grams: [0; STRIPE_BYTES + simd::PLACES_AT_ONCE],
        }
    }
}

/// Finds windows in stripes of bytes.
///
/// Few windows go through two stages: buckets of similar windows, compared for 64 places at a time, and then tables of what
/// is in which window. Many are looked up by four bytes at every place, or every second or fourth one.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sieve {
    tier: Tier,
    passes: Vec<Pass>,
    grams: Option<Grams>,
}

/// One way through the bytes, for all windows that share buckets.
#[derive(Debug, Serialize, Deserialize)]
struct Pass {
    buckets: BucketTables,
    /// Windows whose first bytes are few keys.
    keys: Option<Keys>,
    /// The others.
    wide: Vec<Wide>,
}

type Windows = Vec<(WindowId, Window)>;

impl Sieve {
    pub(crate) fn new(windows: &[Window], tier: Tier, frequency: &Frequency) -> Sieve {
        let ids = 0..WindowId::try_from(windows.len()).expect("windows are few");
        let (wide, mut narrow): (Windows, Windows) =
            ids.zip(windows.iter().copied()).partition(|(_, window)| window.is_wide());
        let mut grams = None;
        if narrow.len() > BUCKET_WINDOWS_MAX {
            let stride = stride_for(&narrow);
            let suited;
            (suited, narrow) = narrow.into_iter().partition(|(_, window)| Grams::suits(window, stride));
            grams = (!suited.is_empty()).then(|| Grams::new(&suited, stride));
        }
        Sieve { tier, passes: passes(&narrow, &wide, tier, frequency), grams }
    }

    /// Tells `sink` each window that may begin at one of the first `places` bytes of the room, with its place. The windows
    /// of a place may come in any order, and so may the places.
    ///
    /// # Panics
    /// If there are more places than a stripe has.
    #[inline]
    pub(crate) fn look(&self, room: &mut Room, places: usize, mut sink: impl FnMut(WindowId, usize)) {
        let bytes = &room.bytes;
        let masks = &mut room.masks[..places.div_ceil(BLOCK_BYTES)];
        for pass in &self.passes {
            simd::bucket_masks(self.tier, &pass.buckets, bytes, masks, &mut room.symbols);
            keep_places(masks, places);
            let count = simd::list_places(self.tier, masks, &mut room.places);
            let listed = &mut room.places[..count];
            for wide in &pass.wide {
                wide.look_up(bytes, listed, &mut sink);
            }
            if let Some(keys) = &pass.keys {
                keys.look_up(bytes, listed, &mut sink);
            }
        }
        if let Some(grams) = &self.grams {
            grams.look(self.tier, bytes, places, [&mut room.grams, &mut room.places], &mut sink);
        }
    }

    /// Whether it can look at whatever comes with that tier, and tells only windows below `windows`; it may be from a
    /// file.
    pub(crate) fn is_sound(&self, tier: Tier, windows: usize) -> bool {
        let is_pass_sound = |pass: &Pass| {
            pass.buckets.is_sound(tier)
                && pass.keys.iter().all(|keys| keys.is_sound(windows))
                && pass.wide.iter().all(|wide| wide.is_sound(windows))
        };
        self.tier == tier
            && self.passes.iter().all(is_pass_sound)
            && self.grams.iter().all(|grams| grams.is_sound(windows))
    }

    /// Its memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let pass = |pass: &Pass| {
            pass.buckets.tables.len()
                + pass.keys.as_ref().map_or(0, Keys::bytes)
                + pass.wide.iter().map(Wide::bytes).sum::<usize>()
        };
        self.passes.iter().map(pass).sum::<usize>() + self.grams.as_ref().map_or(0, Grams::bytes)
    }
}

/// The largest stride that leaves out few windows: to look at twice as many places costs about as much as buckets for so
/// many.
fn stride_for(windows: &Windows) -> usize {
    let suited = |stride: usize| windows.iter().filter(|(_, window)| Grams::suits(window, stride)).count();
    [4, 2].into_iter().find(|stride| suited(1) - suited(*stride) <= LEFT_OUT_MAX).unwrap_or(1)
}

/// One pass for all windows, or one for those with keys and one for the others: whatever costs less.
fn passes(narrow: &Windows, wide: &Windows, tier: Tier, frequency: &Frequency) -> Vec<Pass> {
    let keys = || (!narrow.is_empty()).then(|| Keys::new(narrow));
    let all_wide = || wide.chunks(wide::WINDOWS_MAX).map(|windows| Wide::new(windows, frequency)).collect();
    let priced = |windows: &[&Windows]| {
        let windows = windows.iter().flat_map(|windows| windows.iter().map(|(_, window)| window));
        buckets::tables(windows, tier, frequency)
    };
    match (narrow.is_empty(), wide.is_empty()) {
        (true, true) => Vec::new(),
        (false, false) => {
            let (joint, of_keys, of_wide) = (priced(&[narrow, wide]), priced(&[narrow]), priced(&[wide]));
            let joint_cost = joint.cost + joint.chance * WIDE_LOOK_COST;
            if joint_cost <= of_keys.cost + of_wide.cost + PASS_COST {
                return vec![Pass { buckets: joint.tables, keys: keys(), wide: all_wide() }];
            }
            let of_keys = Pass { buckets: of_keys.tables, keys: keys(), wide: Vec::new() };
            vec![of_keys, Pass { buckets: of_wide.tables, keys: None, wide: all_wide() }]
        }
        _ => vec![Pass { buckets: priced(&[narrow, wide]).tables, keys: keys(), wide: all_wide() }],
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

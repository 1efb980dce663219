//! The kernel in plain code: what the others have to agree with.

use super::{Alphabet, BLOCK_BYTES, BucketTables, GRAMS_AT_ONCE, GramSet, PLACES_AT_ONCE, Places};

pub(super) fn bucket_masks(tables: &BucketTables, bytes: &[u8], masks: &mut [u64]) {
    for (block, mask) in masks.iter_mut().enumerate() {
        *mask = 0;
        for bit in 0..BLOCK_BYTES {
            let window = &bytes[block * BLOCK_BYTES + bit..][..tables.positions];
            let may_begin = (0..tables.sets).any(|set| buckets_at(tables, set, window) != 0);
            *mask |= u64::from(may_begin) << bit;
        }
    }
}

/// The buckets of a set that may begin with these bytes.
fn buckets_at(tables: &BucketTables, set: usize, window: &[u8]) -> u8 {
    let mut buckets = u8::MAX;
    for (position, byte) in window.iter().enumerate() {
        let table = tables.table(set, position);
        let (low, high) = (usize::from(byte & 15), usize::from(byte >> 4));
        buckets &= match &tables.alphabet {
            Alphabet::Mixed(mix) => table[low ^ usize::from(mix[high])],
            Alphabet::Nibbles => table[low] & table[16 + high],
            Alphabet::Low7 => table[usize::from(byte & 127)],
        };
        if buckets == 0 {
            break;
        }
    }
    buckets
}

pub(super) fn gram_masks(set: &GramSet, bytes: &[u8], masks: &mut [u8]) {
    for (mask, bytes) in masks.iter_mut().zip(bytes.as_chunks::<{ 4 * GRAMS_AT_ONCE }>().0) {
        let grams = bytes.as_chunks().0.iter().rev();
        *mask = grams.fold(0, |mask, gram| mask << 1 | u8::from(set.may_have(u32::from_le_bytes(*gram))));
    }
}

/// Several places are written without asking whether there are so many: a branch on each bit would be predicted wrong too
/// often. Inlined, so that what calls it has it with its own instructions for counting bits.
#[inline(always)]
pub(super) fn list_places(masks: &[u64], places: &mut Places) -> usize {
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
    count
}

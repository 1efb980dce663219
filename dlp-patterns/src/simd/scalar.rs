//! The kernel in plain code: what the others have to agree with.

use super::{Alphabet, BLOCK_BYTES, BucketTables, GRAMS_AT_ONCE, GramSet};

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

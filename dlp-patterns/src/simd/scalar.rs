//! The kernels in plain code: what the others have to agree with.

use super::{BLOCK_BYTES, BucketTables, SLACK_BYTES, STRIPE_BYTES, SetTable};

pub(super) fn bucket_masks(tables: &BucketTables, bytes: &[u8], masks: &mut [u64]) {
    let mut symbols = [0; STRIPE_BYTES + SLACK_BYTES];
    let len = masks.len() * BLOCK_BYTES + SLACK_BYTES;
    for (symbol, byte) in symbols[..len].iter_mut().zip(bytes) {
        *symbol = tables.symbol(*byte);
    }
    for (block, mask) in masks.iter_mut().enumerate() {
        *mask = 0;
        for bit in 0..BLOCK_BYTES {
            let window = &symbols[block * BLOCK_BYTES + bit..][..tables.positions];
            let may_begin = (0..tables.sets).any(|set| buckets_at(tables, set, window) != 0);
            *mask |= u64::from(may_begin) << bit;
        }
    }
}

/// The buckets of a set that may begin with these symbols.
fn buckets_at(tables: &BucketTables, set: usize, symbols: &[u8]) -> u8 {
    let mut buckets = u8::MAX;
    for (position, symbol) in symbols.iter().enumerate() {
        buckets &= tables.table(set, position)[usize::from(*symbol)];
        if buckets == 0 {
            break;
        }
    }
    buckets
}

pub(super) fn set_masks(set: &SetTable, bytes: &[u8], masks: &mut [u64]) {
    for (block, mask) in bytes.chunks_exact(BLOCK_BYTES).zip(masks) {
        *mask = block.iter().rev().fold(0, |mask, byte| mask << 1 | u64::from(set.contains(*byte)));
    }
}

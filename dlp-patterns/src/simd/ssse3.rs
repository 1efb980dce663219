//! 16 bytes at a time.

use std::arch::x86_64::{
    __m128i, _mm_and_si128, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
    _mm_setzero_si128, _mm_shuffle_epi8, _mm_srli_epi16, _mm_storeu_si128, _mm_xor_si128,
};

use super::{BLOCK_BYTES, BucketTables, SLACK_BYTES, STRIPE_BYTES, SetTable, block};

const VECTOR_BYTES: usize = 16;
const VECTORS: usize = BLOCK_BYTES / VECTOR_BYTES;

pub(super) fn bucket_masks(tables: &BucketTables, bytes: &[u8], masks: &mut [u64]) {
    // SAFETY: rule sets are compiled for this tier only where the machine has SSSE3.
    unsafe { bucket_kernel(tables, bytes, masks) }
}

#[target_feature(enable = "ssse3")]
fn bucket_kernel(tables: &BucketTables, bytes: &[u8], masks: &mut [u64]) {
    let mut symbols = [0; STRIPE_BYTES + SLACK_BYTES];
    encode(&tables.alphabet.high, bytes, &mut symbols[..masks.len() * BLOCK_BYTES + SLACK_BYTES]);
    for (at, mask) in masks.iter_mut().enumerate() {
        let symbols = block(&symbols, at);
        let mut any = [_mm_setzero_si128(); VECTORS];
        for set in 0..tables.sets {
            let mut buckets = [_mm_set1_epi8(-1); VECTORS];
            for position in 0..tables.positions {
                let table = load(tables.table(set, position), 0);
                for (part, buckets) in buckets.iter_mut().enumerate() {
                    let symbols = load(symbols, part * VECTOR_BYTES + position);
                    *buckets = _mm_and_si128(*buckets, _mm_shuffle_epi8(table, symbols));
                }
            }
            for (any, buckets) in any.iter_mut().zip(buckets) {
                *any = _mm_or_si128(*any, buckets);
            }
        }
        *mask = mask_of(any.map(|any| !zero_mask(any)));
    }
}

#[target_feature(enable = "ssse3")]
fn encode(high: &[u8; 16], bytes: &[u8], symbols: &mut [u8]) {
    let high = load(high, 0);
    let nibble = _mm_set1_epi8(15);
    for (symbols, bytes) in symbols.as_chunks_mut().0.iter_mut().zip(bytes.as_chunks::<VECTOR_BYTES>().0) {
        let bytes = load(bytes, 0);
        let high = _mm_shuffle_epi8(high, _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble));
        store_array(symbols, _mm_xor_si128(_mm_and_si128(bytes, nibble), high));
    }
}

pub(super) fn set_masks(set: &SetTable, bytes: &[u8], masks: &mut [u64]) {
    // SAFETY: rule sets are compiled for this tier only where the machine has SSSE3.
    unsafe { set_kernel(set, bytes, masks) }
}

#[target_feature(enable = "ssse3")]
fn set_kernel(set: &SetTable, bytes: &[u8], masks: &mut [u64]) {
    let rows = load(&set.rows, 0);
    let bits = load(&[1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0], 0);
    let nibble = _mm_set1_epi8(15);
    for (at, mask) in masks.iter_mut().enumerate() {
        let bytes = block(bytes, at);
        *mask = mask_of([0, 1, 2, 3].map(|part| {
            let bytes = load(bytes, part * VECTOR_BYTES);
            // A byte from 128 on looks up nothing here.
            let row = _mm_shuffle_epi8(rows, bytes);
            let bit = _mm_shuffle_epi8(bits, _mm_and_si128(_mm_srli_epi16(bytes, 4), nibble));
            let ascii = !zero_mask(_mm_and_si128(row, bit));
            if set.has_high { ascii | _mm_movemask_epi8(bytes).cast_unsigned() } else { ascii }
        }));
    }
}

fn mask_of(parts: [u32; VECTORS]) -> u64 {
    parts.into_iter().rev().fold(0, |mask, part| mask << VECTOR_BYTES | u64::from(part & 0xffff))
}

/// A bit for each byte that is 0; the upper half has none.
#[target_feature(enable = "ssse3")]
fn zero_mask(bytes: __m128i) -> u32 {
    _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_setzero_si128())).cast_unsigned()
}

#[target_feature(enable = "ssse3")]
fn load(bytes: &[u8], at: usize) -> __m128i {
    let bytes: &[u8; VECTOR_BYTES] = bytes[at..].first_chunk().expect("tables, blocks and slack have them");
    // SAFETY: the array has the 16 bytes that are read.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "ssse3")]
fn store_array(bytes: &mut [u8; VECTOR_BYTES], vector: __m128i) {
    // SAFETY: the array has the 16 bytes that are written.
    unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), vector) }
}

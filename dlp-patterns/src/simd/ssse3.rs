//! 16 bytes at a time.

use std::arch::x86_64::{
    __m128i, _mm_and_si128, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
    _mm_setzero_si128, _mm_shuffle_epi8, _mm_srli_epi16, _mm_storeu_si128, _mm_xor_si128,
};

use super::{Alphabet, BLOCK_BYTES, BucketTables, SLACK_BYTES, Symbols, block};

const VECTOR_BYTES: usize = 16;
const VECTORS: usize = BLOCK_BYTES / VECTOR_BYTES;

pub(super) fn bucket_masks(tables: &BucketTables, bytes: &[u8], masks: &mut [u64], symbols: &mut Symbols) {
    // SAFETY: rule sets are compiled for this tier only where the machine has SSSE3.
    unsafe { kernel(tables, bytes, masks, symbols) }
}

#[target_feature(enable = "ssse3")]
fn kernel(tables: &BucketTables, bytes: &[u8], masks: &mut [u64], [symbols, _]: &mut Symbols) {
    let is_mixed = if let Alphabet::Mixed(mix) = &tables.alphabet {
        encode(mix, bytes, &mut symbols[..masks.len() * BLOCK_BYTES + SLACK_BYTES]);
        true
    } else {
        false
    };
    for (at, mask) in masks.iter_mut().enumerate() {
        let block = if is_mixed { block(symbols, at) } else { block(bytes, at) };
        let mut any = [_mm_setzero_si128(); VECTORS];
        for set in 0..tables.sets {
            let mut buckets = [_mm_set1_epi8(-1); VECTORS];
            for position in 0..tables.positions {
                let table = tables.table(set, position);
                for (part, buckets) in buckets.iter_mut().enumerate() {
                    let bytes = load(block, part * VECTOR_BYTES + position);
                    let looked_up = if is_mixed {
                        _mm_shuffle_epi8(load(table, 0), bytes)
                    } else {
                        let low = _mm_shuffle_epi8(load(table, 0), low_nibbles(bytes));
                        _mm_and_si128(low, _mm_shuffle_epi8(load(table, 16), high_nibbles(bytes)))
                    };
                    *buckets = _mm_and_si128(*buckets, looked_up);
                }
            }
            for (any, buckets) in any.iter_mut().zip(buckets) {
                *any = _mm_or_si128(*any, buckets);
            }
        }
        *mask = nonzero_mask(any);
    }
}

#[target_feature(enable = "ssse3")]
fn encode(mix: &[u8; 16], bytes: &[u8], symbols: &mut [u8]) {
    let mix = load(mix, 0);
    for (symbols, bytes) in symbols.as_chunks_mut().0.iter_mut().zip(bytes.as_chunks::<VECTOR_BYTES>().0) {
        let bytes = load(bytes, 0);
        store_array(symbols, _mm_xor_si128(low_nibbles(bytes), _mm_shuffle_epi8(mix, high_nibbles(bytes))));
    }
}

#[target_feature(enable = "ssse3")]
fn low_nibbles(bytes: __m128i) -> __m128i {
    _mm_and_si128(bytes, _mm_set1_epi8(15))
}

#[target_feature(enable = "ssse3")]
fn high_nibbles(bytes: __m128i) -> __m128i {
    _mm_and_si128(_mm_srli_epi16(bytes, 4), _mm_set1_epi8(15))
}

/// A bit for each byte that is not 0.
#[target_feature(enable = "ssse3")]
fn nonzero_mask(parts: [__m128i; VECTORS]) -> u64 {
    let mut mask = 0;
    for part in parts.into_iter().rev() {
        let zeros = _mm_movemask_epi8(_mm_cmpeq_epi8(part, _mm_setzero_si128())).cast_unsigned();
        mask = mask << VECTOR_BYTES | u64::from(!zeros & 0xffff);
    }
    mask
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

//! 64 bytes at a time, with look-ups in 16 entries.

use std::arch::x86_64::{
    __m512i, _mm_loadu_si128, _mm512_and_si512, _mm512_broadcast_i32x4, _mm512_loadu_si512,
    _mm512_movepi8_mask, _mm512_or_si512, _mm512_set1_epi8, _mm512_setzero_si512, _mm512_shuffle_epi8,
    _mm512_srli_epi16, _mm512_storeu_si512, _mm512_test_epi8_mask, _mm512_xor_si512,
};

use super::{BLOCK_BYTES, BucketTables, SLACK_BYTES, STRIPE_BYTES, SetTable, block};

pub(super) fn bucket_masks(tables: &BucketTables, bytes: &[u8], masks: &mut [u64]) {
    let kernel = match (tables.positions, tables.sets) {
        (4, 1) => bucket_kernel::<4, 1>,
        (4, 2) => bucket_kernel::<4, 2>,
        (4, 4) => bucket_kernel::<4, 4>,
        (6, 1) => bucket_kernel::<6, 1>,
        (6, 2) => bucket_kernel::<6, 2>,
        (6, 4) => bucket_kernel::<6, 4>,
        (8, 1) => bucket_kernel::<8, 1>,
        (8, 2) => bucket_kernel::<8, 2>,
        (8, 4) => bucket_kernel::<8, 4>,
        other => unreachable!("no tables have {other:?} positions and sets"),
    };
    // SAFETY: rule sets are compiled for this tier only where the machine has AVX-512 F and BW.
    unsafe { kernel(tables, bytes, masks) }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn bucket_kernel<const P: usize, const S: usize>(tables: &BucketTables, bytes: &[u8], masks: &mut [u64]) {
    let mut symbols = [0; STRIPE_BYTES + SLACK_BYTES];
    encode(&tables.alphabet.high, bytes, &mut symbols[..masks.len() * BLOCK_BYTES + SLACK_BYTES]);
    for (at, mask) in masks.iter_mut().enumerate() {
        let symbols = block(&symbols, at);
        let mut any = _mm512_setzero_si512();
        for set in 0..S {
            let mut buckets = _mm512_set1_epi8(-1);
            for position in 0..P {
                let looked_up =
                    _mm512_shuffle_epi8(broadcast(tables.table(set, position)), load(symbols, position));
                buckets = _mm512_and_si512(buckets, looked_up);
            }
            any = _mm512_or_si512(any, buckets);
        }
        *mask = _mm512_test_epi8_mask(any, any);
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn encode(high: &[u8; 16], bytes: &[u8], symbols: &mut [u8]) {
    let high = broadcast(high);
    let nibble = _mm512_set1_epi8(15);
    for (symbols, bytes) in symbols.as_chunks_mut().0.iter_mut().zip(bytes.as_chunks().0) {
        let bytes = load_array(bytes);
        let high = _mm512_shuffle_epi8(high, _mm512_and_si512(_mm512_srli_epi16(bytes, 4), nibble));
        store_array(symbols, _mm512_xor_si512(_mm512_and_si512(bytes, nibble), high));
    }
}

pub(super) fn set_masks(set: &SetTable, bytes: &[u8], masks: &mut [u64]) {
    // SAFETY: rule sets are compiled for these tiers only where the machine has AVX-512 F and BW.
    unsafe { set_kernel(set, bytes, masks) }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn set_kernel(set: &SetTable, bytes: &[u8], masks: &mut [u64]) {
    let rows = broadcast(&set.rows);
    let bits = broadcast(&[1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0]);
    let nibble = _mm512_set1_epi8(15);
    for (at, mask) in masks.iter_mut().enumerate() {
        let bytes = load(block(bytes, at), 0);
        // A byte from 128 on looks up nothing here.
        let row = _mm512_shuffle_epi8(rows, bytes);
        let bit = _mm512_shuffle_epi8(bits, _mm512_and_si512(_mm512_srli_epi16(bytes, 4), nibble));
        let ascii = _mm512_test_epi8_mask(row, bit);
        *mask = if set.has_high { ascii | _mm512_movepi8_mask(bytes) } else { ascii };
    }
}

/// Sixteen bytes in all four quarters.
#[target_feature(enable = "avx512f,avx512bw")]
fn broadcast(bytes: &[u8]) -> __m512i {
    let bytes: &[u8; 16] = bytes.first_chunk().expect("a table has 16 entries");
    // SAFETY: the array has the 16 bytes that are read.
    _mm512_broadcast_i32x4(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}

#[target_feature(enable = "avx512f,avx512bw")]
fn load(block: &[u8; BLOCK_BYTES + SLACK_BYTES], at: usize) -> __m512i {
    load_array(block[at..].first_chunk().expect("positions are few, so that it lies within block and slack"))
}

#[target_feature(enable = "avx512f,avx512bw")]
fn load_array(bytes: &[u8; BLOCK_BYTES]) -> __m512i {
    // SAFETY: the array has the 64 bytes that are read.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn store_array(bytes: &mut [u8; BLOCK_BYTES], vector: __m512i) {
    // SAFETY: the array has the 64 bytes that are written.
    unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), vector) }
}

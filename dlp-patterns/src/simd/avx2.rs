//! 32 bytes at a time.

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8,
    _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_srli_epi16, _mm256_storeu_si256, _mm256_xor_si256,
};

use super::{BLOCK_BYTES, BucketTables, SLACK_BYTES, STRIPE_BYTES, SetTable, block};

const VECTOR_BYTES: usize = 32;

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
    // SAFETY: rule sets are compiled for this tier only where the machine has AVX2.
    unsafe { kernel(tables, bytes, masks) }
}

#[target_feature(enable = "avx2")]
fn bucket_kernel<const P: usize, const S: usize>(tables: &BucketTables, bytes: &[u8], masks: &mut [u64]) {
    let mut symbols = [0; STRIPE_BYTES + SLACK_BYTES];
    encode(&tables.alphabet.high, bytes, &mut symbols[..masks.len() * BLOCK_BYTES + SLACK_BYTES]);
    for (at, mask) in masks.iter_mut().enumerate() {
        let symbols = block(&symbols, at);
        let mut any = [_mm256_setzero_si256(); 2];
        for set in 0..S {
            let mut buckets = [_mm256_set1_epi8(-1); 2];
            for position in 0..P {
                let table = broadcast(tables.table(set, position));
                for (half, buckets) in buckets.iter_mut().enumerate() {
                    let symbols = load(symbols, half * VECTOR_BYTES + position);
                    *buckets = _mm256_and_si256(*buckets, _mm256_shuffle_epi8(table, symbols));
                }
            }
            any = [_mm256_or_si256(any[0], buckets[0]), _mm256_or_si256(any[1], buckets[1])];
        }
        *mask = mask_of(any.map(|any| !zero_mask(any)));
    }
}

#[target_feature(enable = "avx2")]
fn encode(high: &[u8; 16], bytes: &[u8], symbols: &mut [u8]) {
    let high = broadcast(high);
    let nibble = _mm256_set1_epi8(15);
    for (symbols, bytes) in symbols.as_chunks_mut().0.iter_mut().zip(bytes.as_chunks().0) {
        let bytes = load_array(bytes);
        let high = _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble));
        store_array(symbols, _mm256_xor_si256(_mm256_and_si256(bytes, nibble), high));
    }
}

pub(super) fn set_masks(set: &SetTable, bytes: &[u8], masks: &mut [u64]) {
    // SAFETY: rule sets are compiled for this tier only where the machine has AVX2.
    unsafe { set_kernel(set, bytes, masks) }
}

#[target_feature(enable = "avx2")]
fn set_kernel(set: &SetTable, bytes: &[u8], masks: &mut [u64]) {
    let rows = broadcast(&set.rows);
    let bits = broadcast(&[1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0]);
    let nibble = _mm256_set1_epi8(15);
    for (at, mask) in masks.iter_mut().enumerate() {
        let bytes = block(bytes, at);
        *mask = mask_of([0, 1].map(|half| {
            let bytes = load(bytes, half * VECTOR_BYTES);
            // A byte from 128 on looks up nothing here.
            let row = _mm256_shuffle_epi8(rows, bytes);
            let bit = _mm256_shuffle_epi8(bits, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble));
            let ascii = !zero_mask(_mm256_and_si256(row, bit));
            if set.has_high { ascii | _mm256_movemask_epi8(bytes).cast_unsigned() } else { ascii }
        }));
    }
}

fn mask_of(halves: [u32; 2]) -> u64 {
    u64::from(halves[0]) | u64::from(halves[1]) << 32
}

/// A bit for each byte that is 0.
#[target_feature(enable = "avx2")]
fn zero_mask(bytes: __m256i) -> u32 {
    _mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_setzero_si256())).cast_unsigned()
}

/// Sixteen bytes in both halves.
#[target_feature(enable = "avx2")]
fn broadcast(bytes: &[u8]) -> __m256i {
    let bytes: &[u8; 16] = bytes.first_chunk().expect("a table has 16 entries");
    // SAFETY: the array has the 16 bytes that are read.
    _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}

#[target_feature(enable = "avx2")]
fn load(block: &[u8; BLOCK_BYTES + SLACK_BYTES], at: usize) -> __m256i {
    load_array(block[at..].first_chunk().expect("positions are few, so that it lies within block and slack"))
}

#[target_feature(enable = "avx2")]
fn load_array(bytes: &[u8; VECTOR_BYTES]) -> __m256i {
    // SAFETY: the array has the 32 bytes that are read.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

#[target_feature(enable = "avx2")]
fn store_array(bytes: &mut [u8; VECTOR_BYTES], vector: __m256i) {
    // SAFETY: the array has the 32 bytes that are written.
    unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), vector) }
}

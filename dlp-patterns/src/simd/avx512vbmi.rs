//! 64 bytes at a time, with look-ups in 128 entries: bytes are their own symbols.

use std::arch::x86_64::{
    __m512i, _mm512_and_si512, _mm512_loadu_si512, _mm512_or_si512, _mm512_permutex2var_epi8,
    _mm512_set1_epi8, _mm512_setzero_si512, _mm512_test_epi8_mask,
};

use super::{Alphabet, BLOCK_BYTES, BucketTables, SLACK_BYTES, block};

pub(super) fn bucket_masks(tables: &BucketTables, bytes: &[u8], masks: &mut [u64]) {
    assert_eq!(tables.alphabet, Alphabet::Low7, "this tier has one alphabet");
    let kernel = match (tables.positions, tables.sets) {
        (4, 1) => kernel::<4, 1>,
        (4, 2) => kernel::<4, 2>,
        (4, 4) => kernel::<4, 4>,
        (6, 1) => kernel::<6, 1>,
        (6, 2) => kernel::<6, 2>,
        (6, 4) => kernel::<6, 4>,
        (8, 1) => kernel::<8, 1>,
        (8, 2) => kernel::<8, 2>,
        (8, 4) => kernel::<8, 4>,
        other => unreachable!("no tables have {other:?} positions and sets"),
    };
    // SAFETY: rule sets are compiled for this tier only where the machine has AVX-512 F, BW and VBMI.
    unsafe { kernel(tables, bytes, masks) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn kernel<const P: usize, const S: usize>(tables: &BucketTables, bytes: &[u8], masks: &mut [u64]) {
    let mut looked_up_in = [[[_mm512_setzero_si512(); 2]; P]; S];
    for (set, of_set) in looked_up_in.iter_mut().enumerate() {
        for (position, halves) in of_set.iter_mut().enumerate() {
            let table: &[u8; 2 * BLOCK_BYTES] =
                tables.table(set, position).first_chunk().expect("a table has 128 entries");
            *halves = [load(table, 0), load(table, BLOCK_BYTES)];
        }
    }
    for (at, mask) in masks.iter_mut().enumerate() {
        let bytes = block(bytes, at);
        let mut any = _mm512_setzero_si512();
        for of_set in &looked_up_in {
            let mut buckets = _mm512_set1_epi8(-1);
            for (position, [low, high]) in of_set.iter().enumerate() {
                // The index has seven bits; the eighth of a byte is not looked at.
                let looked_up = _mm512_permutex2var_epi8(*low, load(bytes, position), *high);
                buckets = _mm512_and_si512(buckets, looked_up);
            }
            any = _mm512_or_si512(any, buckets);
        }
        *mask = _mm512_test_epi8_mask(any, any);
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn load(block: &[u8; BLOCK_BYTES + SLACK_BYTES], at: usize) -> __m512i {
    let bytes: &[u8; BLOCK_BYTES] =
        block[at..].first_chunk().expect("positions are few, so that it lies within block and slack");
    // SAFETY: the array has the 64 bytes that are read.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

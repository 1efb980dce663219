//! 64 bytes at a time, with look-ups in 16 entries.

use std::arch::x86_64::{
    __m512i, _mm_loadu_si128, _mm512_and_si512, _mm512_broadcast_i32x4, _mm512_loadu_si512, _mm512_or_si512,
    _mm512_set1_epi8, _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_srli_epi16, _mm512_storeu_si512,
    _mm512_test_epi8_mask, _mm512_xor_si512,
};

use super::{Alphabet, BLOCK_BYTES, BucketTables, SLACK_BYTES, Symbols, block};

/// What a kernel makes masks of and with: tables, bytes, masks, room for symbols.
type Kernel = unsafe fn(&BucketTables, &[u8], &mut [u64], &mut Symbols);

pub(super) fn bucket_masks(tables: &BucketTables, bytes: &[u8], masks: &mut [u64], symbols: &mut Symbols) {
    let is_mixed = matches!(tables.alphabet, Alphabet::Mixed(_));
    let kernel: Kernel = match (is_mixed, tables.positions, tables.sets) {
        (true, 4, 1) => mixed::<4, 1>,
        (true, 4, 2) => mixed::<4, 2>,
        (true, 4, 4) => mixed::<4, 4>,
        (true, 6, 1) => mixed::<6, 1>,
        (true, 6, 2) => mixed::<6, 2>,
        (true, 6, 4) => mixed::<6, 4>,
        (true, 8, 1) => mixed::<8, 1>,
        (true, 8, 2) => mixed::<8, 2>,
        (true, 8, 4) => mixed::<8, 4>,
        (false, 4, 1) => nibbles::<4, 1>,
        (false, 4, 2) => nibbles::<4, 2>,
        (false, 4, 4) => nibbles::<4, 4>,
        (false, 6, 1) => nibbles::<6, 1>,
        (false, 6, 2) => nibbles::<6, 2>,
        (false, 6, 4) => nibbles::<6, 4>,
        (false, 8, 1) => nibbles::<8, 1>,
        (false, 8, 2) => nibbles::<8, 2>,
        (false, 8, 4) => nibbles::<8, 4>,
        other => unreachable!("no tables have {other:?} positions and sets"),
    };
    // SAFETY: rule sets are compiled for this tier only where the machine has AVX-512 F and BW.
    unsafe { kernel(tables, bytes, masks, symbols) }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn mixed<const P: usize, const S: usize>(
    tables: &BucketTables,
    bytes: &[u8],
    masks: &mut [u64],
    [symbols, _]: &mut Symbols,
) {
    let Alphabet::Mixed(mix) = &tables.alphabet else { unreachable!("the alphabet chose the kernel") };
    let mix = broadcast(mix);
    let used = masks.len() * BLOCK_BYTES + SLACK_BYTES;
    for (symbols, bytes) in symbols[..used].as_chunks_mut().0.iter_mut().zip(bytes.as_chunks().0) {
        let bytes = load_array(bytes);
        let mixed_in = _mm512_shuffle_epi8(mix, high_nibbles(bytes));
        store_array(symbols, _mm512_xor_si512(low_nibbles(bytes), mixed_in));
    }
    for (at, mask) in masks.iter_mut().enumerate() {
        let symbols = block(symbols, at);
        let mut any = _mm512_setzero_si512();
        for set in 0..S {
            let mut buckets = _mm512_set1_epi8(-1);
            for position in 0..P {
                let table = broadcast(tables.table(set, position));
                buckets = _mm512_and_si512(buckets, _mm512_shuffle_epi8(table, load(symbols, position)));
            }
            any = _mm512_or_si512(any, buckets);
        }
        *mask = _mm512_test_epi8_mask(any, any);
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn nibbles<const P: usize, const S: usize>(
    tables: &BucketTables,
    bytes: &[u8],
    masks: &mut [u64],
    [lows, highs]: &mut Symbols,
) {
    let used = masks.len() * BLOCK_BYTES + SLACK_BYTES;
    let symbols = lows[..used].as_chunks_mut().0.iter_mut().zip(highs[..used].as_chunks_mut().0);
    for ((low, high), bytes) in symbols.zip(bytes.as_chunks().0) {
        let bytes = load_array(bytes);
        store_array(low, low_nibbles(bytes));
        store_array(high, high_nibbles(bytes));
    }
    for (at, mask) in masks.iter_mut().enumerate() {
        let (lows, highs) = (block(lows, at), block(highs, at));
        let mut any = _mm512_setzero_si512();
        for set in 0..S {
            let mut buckets = _mm512_set1_epi8(-1);
            for position in 0..P {
                let table = tables.table(set, position);
                let low = _mm512_shuffle_epi8(broadcast(table), load(lows, position));
                let high = _mm512_shuffle_epi8(broadcast(&table[16..]), load(highs, position));
                buckets = _mm512_and_si512(buckets, _mm512_and_si512(low, high));
            }
            any = _mm512_or_si512(any, buckets);
        }
        *mask = _mm512_test_epi8_mask(any, any);
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn low_nibbles(bytes: __m512i) -> __m512i {
    _mm512_and_si512(bytes, _mm512_set1_epi8(15))
}

#[target_feature(enable = "avx512f,avx512bw")]
fn high_nibbles(bytes: __m512i) -> __m512i {
    _mm512_and_si512(_mm512_srli_epi16(bytes, 4), _mm512_set1_epi8(15))
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

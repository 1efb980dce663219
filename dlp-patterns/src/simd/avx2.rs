//! 32 bytes at a time.

use std::arch::x86_64::{
    __m256i, _mm_cvtsi32_si128, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256,
    _mm256_castsi256_ps, _mm256_cmpeq_epi8, _mm256_cmpeq_epi32, _mm256_i32gather_epi32, _mm256_loadu_si256,
    _mm256_movemask_epi8, _mm256_movemask_ps, _mm256_mullo_epi32, _mm256_or_si256, _mm256_set1_epi8,
    _mm256_set1_epi32, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_sllv_epi32, _mm256_srl_epi32,
    _mm256_srli_epi16, _mm256_storeu_si256, _mm256_xor_si256,
};

use super::{
    Alphabet, BLOCK_BYTES, BucketTables, GRAMS_AT_ONCE, GramSet, Places, SLACK_BYTES, Symbols, block, scalar,
};

const VECTOR_BYTES: usize = 32;

/// Bytes behind the last block that windows reach into, as whole vectors.
const WINDOW_SLACK_BYTES: usize = VECTOR_BYTES;

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
    // SAFETY: rule sets are compiled for this tier only where the machine has AVX2.
    unsafe { kernel(tables, bytes, masks, symbols) }
}

#[target_feature(enable = "avx2")]
fn mixed<const P: usize, const S: usize>(
    tables: &BucketTables,
    bytes: &[u8],
    masks: &mut [u64],
    [symbols, _]: &mut Symbols,
) {
    let Alphabet::Mixed(mix) = &tables.alphabet else { unreachable!("the alphabet chose the kernel") };
    let mix = broadcast(mix);
    let used = masks.len() * BLOCK_BYTES + WINDOW_SLACK_BYTES;
    for (symbols, bytes) in symbols[..used].as_chunks_mut().0.iter_mut().zip(bytes.as_chunks().0) {
        let bytes = load_array(bytes);
        let mixed_in = _mm256_shuffle_epi8(mix, high_nibbles(bytes));
        store_array(symbols, _mm256_xor_si256(low_nibbles(bytes), mixed_in));
    }
    for (at, mask) in masks.iter_mut().enumerate() {
        let symbols = block(symbols, at);
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
        *mask = nonzero_mask(any);
    }
}

#[target_feature(enable = "avx2")]
fn nibbles<const P: usize, const S: usize>(
    tables: &BucketTables,
    bytes: &[u8],
    masks: &mut [u64],
    [lows, highs]: &mut Symbols,
) {
    let used = masks.len() * BLOCK_BYTES + WINDOW_SLACK_BYTES;
    let symbols = lows[..used].as_chunks_mut().0.iter_mut().zip(highs[..used].as_chunks_mut().0);
    for ((low, high), bytes) in symbols.zip(bytes.as_chunks().0) {
        let bytes = load_array(bytes);
        store_array(low, low_nibbles(bytes));
        store_array(high, high_nibbles(bytes));
    }
    for (at, mask) in masks.iter_mut().enumerate() {
        let (lows, highs) = (block(lows, at), block(highs, at));
        let mut any = [_mm256_setzero_si256(); 2];
        for set in 0..S {
            let mut buckets = [_mm256_set1_epi8(-1); 2];
            for position in 0..P {
                let table = tables.table(set, position);
                let (low, high) = (broadcast(table), broadcast(&table[16..]));
                for (half, buckets) in buckets.iter_mut().enumerate() {
                    let low = _mm256_shuffle_epi8(low, load(lows, half * VECTOR_BYTES + position));
                    let high = _mm256_shuffle_epi8(high, load(highs, half * VECTOR_BYTES + position));
                    *buckets = _mm256_and_si256(*buckets, _mm256_and_si256(low, high));
                }
            }
            any = [_mm256_or_si256(any[0], buckets[0]), _mm256_or_si256(any[1], buckets[1])];
        }
        *mask = nonzero_mask(any);
    }
}

pub(super) fn list_places(masks: &[u64], places: &mut Places) -> usize {
    // SAFETY: rule sets are compiled for this tier only where the machine can count bits.
    unsafe { list(masks, places) }
}

#[target_feature(enable = "bmi1,popcnt")]
fn list(masks: &[u64], places: &mut Places) -> usize {
    scalar::list_places(masks, places)
}

pub(super) fn gram_masks(set: &GramSet, bytes: &[u8], masks: &mut [u8]) {
    // SAFETY: rule sets are compiled for this tier only where the machine has AVX2.
    unsafe { grams(set, bytes, masks) }
}

#[target_feature(enable = "avx2")]
fn grams(set: &GramSet, bytes: &[u8], masks: &mut [u8]) {
    let words = set.words();
    let fold = _mm256_set1_epi32(GramSet::FOLD.cast_signed());
    let factor = _mm256_set1_epi32(GramSet::FACTOR.cast_signed());
    let shift = |bits: u32| _mm_cvtsi32_si128(bits.cast_signed());
    let to_word = shift(set.shift() + GramSet::BIT_BITS);
    let (to_first, to_second) = (shift(set.shift()), shift(set.shift() - GramSet::BIT_BITS));
    let (one, low) = (_mm256_set1_epi32(1), _mm256_set1_epi32(31));
    let bit = |hash, shift| _mm256_sllv_epi32(one, _mm256_and_si256(_mm256_srl_epi32(hash, shift), low));
    // What is left of a hash is an index.
    assert!(words.len() == 1 << (32 - set.shift() - GramSet::BIT_BITS), "each index is within the words");
    for (mask, bytes) in masks.iter_mut().zip(bytes.as_chunks::<{ 4 * GRAMS_AT_ONCE }>().0) {
        let hash = _mm256_mullo_epi32(_mm256_or_si256(load_array(bytes), fold), factor);
        let at = _mm256_srl_epi32(hash, to_word);
        // SAFETY: it was asserted that all indices are within the words.
        let word = unsafe { _mm256_i32gather_epi32::<4>(words.as_ptr().cast(), at) };
        let bits = _mm256_or_si256(bit(hash, to_first), bit(hash, to_second));
        let is_in = _mm256_cmpeq_epi32(_mm256_and_si256(word, bits), bits);
        *mask = _mm256_movemask_ps(_mm256_castsi256_ps(is_in)) as u8;
    }
}

#[target_feature(enable = "avx2")]
fn low_nibbles(bytes: __m256i) -> __m256i {
    _mm256_and_si256(bytes, _mm256_set1_epi8(15))
}

#[target_feature(enable = "avx2")]
fn high_nibbles(bytes: __m256i) -> __m256i {
    _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(15))
}

/// A bit for each byte that is not 0.
#[target_feature(enable = "avx2")]
fn nonzero_mask(halves: [__m256i; 2]) -> u64 {
    let zero = _mm256_setzero_si256();
    let low = _mm256_movemask_epi8(_mm256_cmpeq_epi8(halves[0], zero)).cast_unsigned();
    let high = _mm256_movemask_epi8(_mm256_cmpeq_epi8(halves[1], zero)).cast_unsigned();
    !(u64::from(low) | u64::from(high) << 32)
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

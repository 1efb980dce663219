//! 16 bytes at a time.

use std::arch::aarch64::{
    uint8x16_t, vaddv_u8, vandq_u8, vdupq_n_u8, veorq_u8, vget_high_u8, vget_low_u8, vld1q_u8, vorrq_u8,
    vqtbl1q_u8, vshrq_n_u8, vst1q_u8, vtstq_u8,
};

use super::{BLOCK_BYTES, BucketTables, SLACK_BYTES, STRIPE_BYTES, SetTable, block};

const VECTOR_BYTES: usize = 16;
const VECTORS: usize = BLOCK_BYTES / VECTOR_BYTES;

pub(super) fn bucket_masks(tables: &BucketTables, bytes: &[u8], masks: &mut [u64]) {
    // SAFETY: rule sets are compiled for this tier only where the machine has NEON.
    unsafe { bucket_kernel(tables, bytes, masks) }
}

#[target_feature(enable = "neon")]
fn bucket_kernel(tables: &BucketTables, bytes: &[u8], masks: &mut [u64]) {
    let mut symbols = [0; STRIPE_BYTES + SLACK_BYTES];
    encode(&tables.alphabet.high, bytes, &mut symbols[..masks.len() * BLOCK_BYTES + SLACK_BYTES]);
    for (at, mask) in masks.iter_mut().enumerate() {
        let symbols = block(&symbols, at);
        let mut any = [vdupq_n_u8(0); VECTORS];
        for set in 0..tables.sets {
            let mut buckets = [vdupq_n_u8(u8::MAX); VECTORS];
            for position in 0..tables.positions {
                let table = load(tables.table(set, position), 0);
                for (part, buckets) in buckets.iter_mut().enumerate() {
                    let symbols = load(symbols, part * VECTOR_BYTES + position);
                    *buckets = vandq_u8(*buckets, vqtbl1q_u8(table, symbols));
                }
            }
            for (any, buckets) in any.iter_mut().zip(buckets) {
                *any = vorrq_u8(*any, buckets);
            }
        }
        *mask = mask_of(any.map(|any| bits(vtstq_u8(any, any))));
    }
}

#[target_feature(enable = "neon")]
fn encode(high: &[u8; 16], bytes: &[u8], symbols: &mut [u8]) {
    let high = load(high, 0);
    for (symbols, bytes) in symbols.as_chunks_mut().0.iter_mut().zip(bytes.as_chunks::<VECTOR_BYTES>().0) {
        let bytes = load(bytes, 0);
        let high = vqtbl1q_u8(high, vshrq_n_u8::<4>(bytes));
        store_array(symbols, veorq_u8(vandq_u8(bytes, vdupq_n_u8(15)), high));
    }
}

pub(super) fn set_masks(set: &SetTable, bytes: &[u8], masks: &mut [u64]) {
    // SAFETY: rule sets are compiled for this tier only where the machine has NEON.
    unsafe { set_kernel(set, bytes, masks) }
}

#[target_feature(enable = "neon")]
fn set_kernel(set: &SetTable, bytes: &[u8], masks: &mut [u64]) {
    let rows = load(&set.rows, 0);
    let bit_of = load(&[1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0], 0);
    let high_bit = vdupq_n_u8(if set.has_high { 128 } else { 0 });
    for (at, mask) in masks.iter_mut().enumerate() {
        let bytes = block(bytes, at);
        *mask = mask_of([0, 1, 2, 3].map(|part| {
            let bytes = load(bytes, part * VECTOR_BYTES);
            let row = vqtbl1q_u8(rows, vandq_u8(bytes, vdupq_n_u8(15)));
            let bit = vqtbl1q_u8(bit_of, vshrq_n_u8::<4>(bytes));
            bits(vorrq_u8(vtstq_u8(row, bit), vtstq_u8(bytes, high_bit)))
        }));
    }
}

fn mask_of(parts: [u16; VECTORS]) -> u64 {
    parts.into_iter().rev().fold(0, |mask, part| mask << VECTOR_BYTES | u64::from(part))
}

/// A bit for each byte; all bits of a byte are the same.
#[target_feature(enable = "neon")]
fn bits(bytes: uint8x16_t) -> u16 {
    let weights = load(&[1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128], 0);
    let weighed = vandq_u8(bytes, weights);
    let (low, high) = (vaddv_u8(vget_low_u8(weighed)), vaddv_u8(vget_high_u8(weighed)));
    u16::from(low) | u16::from(high) << 8
}

#[target_feature(enable = "neon")]
fn load(bytes: &[u8], at: usize) -> uint8x16_t {
    let bytes: &[u8; VECTOR_BYTES] = bytes[at..].first_chunk().expect("tables, blocks and slack have them");
    // SAFETY: the array has the 16 bytes that are read.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

#[target_feature(enable = "neon")]
fn store_array(bytes: &mut [u8; VECTOR_BYTES], vector: uint8x16_t) {
    // SAFETY: the array has the 16 bytes that are written.
    unsafe { vst1q_u8(bytes.as_mut_ptr(), vector) }
}

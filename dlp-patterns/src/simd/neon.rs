//! 16 bytes at a time.

use std::arch::aarch64::{
    uint8x16_t, vaddv_u8, vandq_u8, vdupq_n_u8, veorq_u8, vget_high_u8, vget_low_u8, vld1q_u8, vorrq_u8,
    vqtbl1q_u8, vshrq_n_u8, vst1q_u8, vtstq_u8,
};

use super::{Alphabet, BLOCK_BYTES, BucketTables, SLACK_BYTES, Symbols, block};

const VECTOR_BYTES: usize = 16;
const VECTORS: usize = BLOCK_BYTES / VECTOR_BYTES;

pub(super) fn bucket_masks(tables: &BucketTables, bytes: &[u8], masks: &mut [u64], symbols: &mut Symbols) {
    // SAFETY: rule sets are compiled for this tier only where the machine has NEON.
    unsafe { kernel(tables, bytes, masks, symbols) }
}

#[target_feature(enable = "neon")]
fn kernel(tables: &BucketTables, bytes: &[u8], masks: &mut [u64], [symbols, _]: &mut Symbols) {
    let is_mixed = if let Alphabet::Mixed(mix) = &tables.alphabet {
        encode(mix, bytes, &mut symbols[..masks.len() * BLOCK_BYTES + SLACK_BYTES]);
        true
    } else {
        false
    };
    for (at, mask) in masks.iter_mut().enumerate() {
        let block = if is_mixed { block(symbols, at) } else { block(bytes, at) };
        let mut any = [vdupq_n_u8(0); VECTORS];
        for set in 0..tables.sets {
            let mut buckets = [vdupq_n_u8(u8::MAX); VECTORS];
            for position in 0..tables.positions {
                let table = tables.table(set, position);
                for (part, buckets) in buckets.iter_mut().enumerate() {
                    let bytes = load(block, part * VECTOR_BYTES + position);
                    let looked_up = if is_mixed {
                        vqtbl1q_u8(load(table, 0), bytes)
                    } else {
                        let low = vqtbl1q_u8(load(table, 0), vandq_u8(bytes, vdupq_n_u8(15)));
                        vandq_u8(low, vqtbl1q_u8(load(table, 16), vshrq_n_u8::<4>(bytes)))
                    };
                    *buckets = vandq_u8(*buckets, looked_up);
                }
            }
            for (any, buckets) in any.iter_mut().zip(buckets) {
                *any = vorrq_u8(*any, buckets);
            }
        }
        *mask = 0;
        for part in any.into_iter().rev() {
            *mask = *mask << VECTOR_BYTES | u64::from(bits(vtstq_u8(part, part)));
        }
    }
}

#[target_feature(enable = "neon")]
fn encode(mix: &[u8; 16], bytes: &[u8], symbols: &mut [u8]) {
    let mix = load(mix, 0);
    for (symbols, bytes) in symbols.as_chunks_mut().0.iter_mut().zip(bytes.as_chunks::<VECTOR_BYTES>().0) {
        let bytes = load(bytes, 0);
        let mixed_in = vqtbl1q_u8(mix, vshrq_n_u8::<4>(bytes));
        store_array(symbols, veorq_u8(vandq_u8(bytes, vdupq_n_u8(15)), mixed_in));
    }
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

//! Looking at many bytes at once, with whatever vector instructions the machine has.
//!
//! Every tier computes exactly the same masks; [`scalar`] is what they mean.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512bw;
#[cfg(target_arch = "x86_64")]
mod avx512vbmi;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod ssse3;
mod tables;

use serde::{Deserialize, Serialize};

pub(crate) use tables::{Alphabet, BucketTables, GramSet};

/// Bytes of a block: one mask has a bit for each.
pub(crate) const BLOCK_BYTES: usize = 64;

/// Blocks that are looked at in one call, at most.
pub(crate) const STRIPE_BLOCKS: usize = 32;

/// Bytes of the blocks of one call, at most.
pub(crate) const STRIPE_BYTES: usize = STRIPE_BLOCKS * BLOCK_BYTES;

/// Bytes that have to be there behind the last block, whatever they are: windows reach into them.
pub(crate) const SLACK_BYTES: usize = BLOCK_BYTES;

/// Grams that are looked up at once, by [`gram_masks`].
pub(crate) const GRAMS_AT_ONCE: usize = 8;

/// Room for what kernels make of the bytes of a stripe. What it holds between two calls means nothing.
pub(crate) type Symbols = [[u8; STRIPE_BYTES + SLACK_BYTES]; 2];

/// A family of vector instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Tier {
    /// Whatever the compiler makes of plain code, on every machine.
    Scalar,
    /// 16 bytes at a time, x86-64.
    Ssse3,
    /// 16 bytes at a time, aarch64.
    Neon,
    /// 32 bytes at a time, x86-64.
    Avx2,
    /// 64 bytes at a time, x86-64.
    Avx512Bw,
    /// 64 bytes at a time with look-ups in 128 entries, x86-64.
    Avx512Vbmi,
}

impl Tier {
    /// All of them, the slowest first, with the names that options use.
    pub const NAMES: [(&'static str, Tier); 6] = [
        ("scalar", Tier::Scalar),
        ("ssse3", Tier::Ssse3),
        ("neon", Tier::Neon),
        ("avx2", Tier::Avx2),
        ("avx512bw", Tier::Avx512Bw),
        ("avx512vbmi", Tier::Avx512Vbmi),
    ];

    /// The fastest that this machine has.
    pub fn best() -> Tier {
        Tier::available().last().expect("the scalar tier is everywhere")
    }

    /// All that this machine has, the slowest first.
    pub fn available() -> impl DoubleEndedIterator<Item = Tier> {
        Tier::NAMES.into_iter().map(|(_, tier)| tier).filter(|tier| tier.is_available())
    }

    /// The name that options use.
    pub fn as_str(self) -> &'static str {
        let (name, _) = Tier::NAMES[self as usize];
        name
    }

    #[cfg(target_arch = "x86_64")]
    fn is_available(self) -> bool {
        match self {
            Tier::Scalar => true,
            Tier::Neon => false,
            Tier::Ssse3 => is_x86_feature_detected!("ssse3"),
            Tier::Avx2 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("bmi1")
                    && is_x86_feature_detected!("popcnt")
            }
            Tier::Avx512Bw => {
                Tier::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
            }
            Tier::Avx512Vbmi => Tier::Avx512Bw.is_available() && is_x86_feature_detected!("avx512vbmi"),
        }
    }

    #[cfg(target_arch = "aarch64")]
    fn is_available(self) -> bool {
        match self {
            Tier::Scalar => true,
            Tier::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            _ => false,
        }
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn is_available(self) -> bool {
        self == Tier::Scalar
    }
}

/// Computes, for each place in the blocks of `bytes`, whether any bucket may begin there: bit `i` of `masks[b]` is for
/// `bytes[64 * b + i]`.
///
/// # Panics
/// If `bytes` is shorter than the blocks of `masks` and [`SLACK_BYTES`], if these are more than [`STRIPE_BLOCKS`], or if
/// the tier lacks the alphabet: only AVX-512 VBMI has [`Alphabet::Low7`], only others have [`Alphabet::Mixed`] and
/// [`Alphabet::Nibbles`], and the scalar one has all. That the machine has the tier is asserted when a set is compiled
/// or read from a file, and here only in debug builds.
#[inline]
pub(crate) fn bucket_masks(
    tier: Tier,
    tables: &BucketTables,
    bytes: &[u8],
    masks: &mut [u64],
    symbols: &mut Symbols,
) {
    assert_fits(tier, bytes, masks.len());
    match tier {
        Tier::Scalar => scalar::bucket_masks(tables, bytes, masks),
        #[cfg(target_arch = "x86_64")]
        Tier::Ssse3 => ssse3::bucket_masks(tables, bytes, masks, symbols),
        #[cfg(target_arch = "x86_64")]
        Tier::Avx2 => avx2::bucket_masks(tables, bytes, masks, symbols),
        #[cfg(target_arch = "x86_64")]
        Tier::Avx512Bw => avx512bw::bucket_masks(tables, bytes, masks, symbols),
        #[cfg(target_arch = "x86_64")]
        Tier::Avx512Vbmi => avx512vbmi::bucket_masks(tables, bytes, masks),
        #[cfg(target_arch = "aarch64")]
        Tier::Neon => neon::bucket_masks(tables, bytes, masks, symbols),
        #[allow(unreachable_patterns, reason = "which tiers are left depends on the machine")]
        _ => unreachable!("it was asserted to be available"),
    }
}

/// Looks up the grams at every fourth byte: bit `i` of `masks[m]` says whether the four bytes from `bytes[32 * m + 4 * i]` on
/// may be in the set.
///
/// # Panics
/// If `bytes` has fewer than 32 for each mask.
#[inline]
pub(crate) fn gram_masks(tier: Tier, set: &GramSet, bytes: &[u8], masks: &mut [u8]) {
    assert!(bytes.len() >= 4 * GRAMS_AT_ONCE * masks.len(), "each mask stands for 32 bytes");
    match tier {
        // Machines with wider vectors gather slower than they probe one by one.
        #[cfg(target_arch = "x86_64")]
        Tier::Avx2 => avx2::gram_masks(set, bytes, masks),
        _ => scalar::gram_masks(set, bytes, masks),
    }
}

/// Places within a stripe.
pub(crate) type Places = [u16; STRIPE_BYTES + PLACES_AT_ONCE];

/// Places that are written at once, needed or not.
pub(crate) const PLACES_AT_ONCE: usize = 4;

/// Lists the places whose bits are set in the masks of a stripe; returns how many there are.
#[inline]
pub(crate) fn list_places(tier: Tier, masks: &[u64], places: &mut Places) -> usize {
    match tier {
        #[cfg(target_arch = "x86_64")]
        Tier::Avx2 | Tier::Avx512Bw | Tier::Avx512Vbmi => avx2::list_places(masks, places),
        _ => scalar::list_places(masks, places),
    }
}

/// What every vector kernel relies on.
fn assert_fits(tier: Tier, bytes: &[u8], blocks: usize) {
    assert!(blocks <= STRIPE_BLOCKS, "a stripe has at most {STRIPE_BLOCKS} blocks");
    assert!(bytes.len() >= blocks * BLOCK_BYTES + SLACK_BYTES, "windows reach beyond the blocks");
    debug_assert!(tier.is_available(), "rule sets are compiled for a tier that the machine has");
}

/// The block at `at` and what windows reach into behind it.
fn block(bytes: &[u8], at: usize) -> &[u8; BLOCK_BYTES + SLACK_BYTES] {
    bytes[at * BLOCK_BYTES..].first_chunk().expect("it was asserted that the bytes reach that far")
}

#[cfg(test)]
mod tests;

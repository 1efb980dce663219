//! The keyed hash of a [`FlowKey`].

use crate::FlowKey;

/// A secret that turns keys into hashes which nobody without it can make collide.
///
/// The six words of a key go through NH (Black, Halevi, Krawczyk, Krovetz, Rogaway: "UMAC: Fast and Secure
/// Message Authentication", 1999), a sum of 64 × 64 → 128-bit products that is proven to collide with a
/// probability of 2⁻⁶⁴ over the choice of its secret. The 128-bit sum is then folded to 64 bits by one more
/// multiplication, modelled on the finish of wyhash (Wang Yi) and its kin. Both directions of a flow have one
/// key and hence one hash.
#[derive(Clone)]
pub struct KeyedHash {
    secrets: [u64; 8],
}

impl KeyedHash {
    /// Stretches a seed of 128 random bits, which must be kept secret.
    pub fn new(seed: [u64; 2]) -> KeyedHash {
        let secret = |n: usize| {
            let counter = seed[0].wrapping_add((n as u64 + 1).wrapping_mul(GOLDEN_RATIO));
            mix(mix(counter).wrapping_add(seed[1]))
        };
        KeyedHash { secrets: std::array::from_fn(secret) }
    }

    /// The hash of `key`; all 64 bits are equally good.
    #[inline]
    pub fn hash(&self, key: &FlowKey) -> u64 {
        let [a, b, c, d, e, f] = *key.words();
        let [ka, kb, kc, kd, ke, kf, k_low, k_high] = self.secrets;
        let product = |x: u64, kx: u64, y: u64, ky: u64| {
            u128::from(x.wrapping_add(kx)) * u128::from(y.wrapping_add(ky))
        };
        let sum =
            product(a, ka, b, kb).wrapping_add(product(c, kc, d, kd)).wrapping_add(product(e, ke, f, kf));
        let folded = u128::from(sum as u64 ^ k_low) * u128::from((sum >> 64) as u64 ^ k_high);
        folded as u64 ^ (folded >> 64) as u64
    }
}

/// 2⁶⁴ divided by the golden ratio, made odd.
const GOLDEN_RATIO: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finish of SplitMix64 (Steele, Lea, Flood 2014), a bijection.
fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Vlans;
    use std::net::IpAddr;

    fn key(source: [u8; 4], port: u16) -> FlowKey {
        let server = (IpAddr::from([192, 0, 2, 1]), 443);
        FlowKey::new(6, (source.into(), port), server, Vlans::default(), 0).0
    }

    #[test]
    fn both_directions_hash_alike() {
        let (a, b) = ((IpAddr::from([10, 0, 0, 1]), 1025), (IpAddr::from([10, 0, 0, 2]), 80));
        let hash = KeyedHash::new([1, 2]);
        let vlans = Vlans::try_from(&[7][..]).expect("one");
        let there = FlowKey::new(6, a, b, vlans, 3).0;
        let back = FlowKey::new(6, b, a, vlans, 3).0;
        assert_eq!(hash.hash(&there), hash.hash(&back));
    }

    #[test]
    fn the_seed_changes_every_hash() {
        let seeds = [[0, 0], [0, 2], [2, 0], [u64::MAX, 7], [5, !5]].map(KeyedHash::new);
        for port in 0..1000 {
            let mut hashes = seeds.each_ref().map(|hash| hash.hash(&key([10, 0, 0, 1], port)));
            hashes.sort_unstable();
            assert!(hashes.windows(2).all(|pair| pair[0] != pair[1]), "port {port}");
        }
    }

    /// Neighbouring addresses and ports, as scans make them, spread like random numbers: chi-squared over the
    /// low and the high bits, with 1023 degrees of freedom, mean 1023 and standard deviation 45.
    #[test]
    fn scans_spread_evenly() {
        const CELLS: usize = 1024;
        const KEYS: u32 = 1 << 16;
        let hash = KeyedHash::new([0x1234_5678, 0x9abc_def0]);
        let chi_squared = |cell: &dyn Fn(u64) -> usize, key: &dyn Fn(u32) -> FlowKey| {
            let mut counts = vec![0u32; CELLS];
            (0..KEYS).for_each(|n| counts[cell(hash.hash(&key(n)))] += 1);
            let expected = f64::from(KEYS) / CELLS as f64;
            counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum::<f64>()
        };
        let by_port = |n: u32| key([10, 0, 0, 1], n as u16);
        let by_address = |n: u32| key([10, 1, (n >> 8) as u8, n as u8], 1024);
        for key in [&by_port as &dyn Fn(u32) -> FlowKey, &by_address] {
            for cell in [&(|h: u64| (h >> 54) as usize) as &dyn Fn(u64) -> usize, &|h| h as usize % CELLS] {
                let measured = chi_squared(cell, key);
                assert!((700.0..1350.0).contains(&measured), "{measured}");
            }
        }
    }

    #[test]
    fn every_input_bit_flips_about_half_of_the_output() {
        let hash = KeyedHash::new([3, 5]);
        let base = key([10, 0, 0, 0], 0);
        for bit in 0..16 {
            let flipped = key([10, 0, 0, 0], 1 << bit);
            let flips = (hash.hash(&base) ^ hash.hash(&flipped)).count_ones();
            assert!((12..=52).contains(&flips), "port bit {bit}: {flips}");
        }
    }
}

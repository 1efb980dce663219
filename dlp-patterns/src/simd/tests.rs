use super::*;
use crate::byte_set::ByteSet;

/// Xorshift: random bytes, the same in every run.
fn random(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[5]
    })
    .take(len)
    .collect()
}

/// What the documentation of [`bucket_masks`] says, byte by byte.
fn expected(tables: &BucketTables, bytes: &[u8], place: usize) -> bool {
    (0..tables.sets).any(|set| {
        let of = |position| tables.table(set, position)[usize::from(tables.symbol(bytes[place + position]))];
        (0..tables.positions).fold(u8::MAX, |buckets, position| buckets & of(position)) != 0
    })
}

#[test]
fn every_tier_finds_the_same_buckets() {
    for tier in Tier::available() {
        for (positions, sets) in [4, 6, 8].into_iter().flat_map(|positions| [1, 2, 4].map(|sets| (positions, sets))) {
            let symbols = tier.symbols();
            let seed = (positions * 8 + sets) as u64;
            // Dense tables, so that about half of the places are hit.
            let [first, second, third] =
                [seed, seed + 99, seed + 999].map(|seed| random(seed, sets * positions * symbols));
            let tables = (0..first.len()).map(|at| first[at] | second[at] | third[at]).collect();
            let high = std::array::from_fn(|nibble| random(seed + 7, 16)[nibble] & 15);
            let tables =
                BucketTables { alphabet: Alphabet { high }, symbols, positions, sets, tables };
            for blocks in 0..=STRIPE_BLOCKS {
                let text = random(blocks as u64 + 1, blocks * BLOCK_BYTES + SLACK_BYTES);
                let mut masks = vec![0; blocks];
                bucket_masks(tier, &tables, &text, &mut masks);
                for place in 0..blocks * BLOCK_BYTES {
                    let bit = masks[place / BLOCK_BYTES] >> (place % BLOCK_BYTES) & 1 == 1;
                    assert_eq!(bit, expected(&tables, &text, place), "{tier:?} {positions} {sets} at {place}");
                }
            }
        }
    }
}

#[test]
fn every_tier_finds_the_same_bytes() {
    let sets = [
        ByteSet::from_fn(|byte| byte.is_ascii_digit()),
        ByteSet::from_fn(|byte| byte.is_ascii_alphanumeric() || b"._-%+".contains(&byte)),
        ByteSet::from_fn(|byte| !byte.is_ascii_alphanumeric()),
        ByteSet::of(0),
        ByteSet::default(),
        ByteSet::ALL,
    ];
    let text = random(5, STRIPE_BYTES + SLACK_BYTES);
    for (tier, set) in Tier::available().flat_map(|tier| sets.map(|set| (tier, set))) {
        let table = SetTable::new(&set);
        let mut masks = [0; STRIPE_BLOCKS];
        set_masks(tier, &table, &text, &mut masks);
        for (place, byte) in text[..STRIPE_BYTES].iter().enumerate() {
            let bit = masks[place / BLOCK_BYTES] >> (place % BLOCK_BYTES) & 1 == 1;
            let is_in = if byte.is_ascii() { set.contains(*byte) } else { (128..=255).any(|byte| set.contains(byte)) };
            assert_eq!(bit, is_in, "{tier:?} {byte:#x}");
        }
    }
}

#[test]
fn tiers_are_named_in_their_order() {
    for (name, tier) in Tier::NAMES {
        assert_eq!(tier.as_str(), name);
    }
    assert_eq!(Tier::available().next(), Some(Tier::Scalar));
    assert!(Tier::available().any(|tier| tier == Tier::best()));
}

#[test]
#[should_panic(expected = "windows reach beyond the blocks")]
fn bytes_without_slack_are_refused() {
    set_masks(Tier::Scalar, &SetTable::new(&ByteSet::ALL), &[0; BLOCK_BYTES], &mut [0]);
}

use super::*;

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

/// Dense tables, so that about half of the places are hit, with the rows that they were made of.
fn tables(alphabet: Alphabet, positions: usize, sets: usize) -> (BucketTables, Vec<u128>) {
    let table_bytes = alphabet.table_bytes();
    let seed = (positions * 8 + sets) as u64;
    let [first, second, third] =
        [seed, seed + 99, seed + 999].map(|seed| random(seed, sets * positions * table_bytes));
    let tables: Vec<u8> = (0..first.len()).map(|at| first[at] | second[at] | third[at]).collect();
    let row = |table: &[u8], bucket: usize| {
        table.iter().rev().fold(0, |row, entry| row << 1 | u128::from(entry >> bucket & 1))
    };
    let rows = tables
        .chunks(table_bytes)
        .flat_map(|table| (0..8).map(|bucket| row(table, bucket)).collect::<Vec<_>>());
    let rows = rows.collect();
    (BucketTables { alphabet, positions, sets, tables }, rows)
}

/// What the documentation of [`bucket_masks`] says, byte by byte.
fn expected(tables: &BucketTables, rows: &[u128], window: &[u8]) -> bool {
    (0..8 * tables.sets).any(|bucket| {
        let (set, bucket) = (bucket / 8, bucket % 8);
        let row = |position| rows[(set * tables.positions + position) * 8 + bucket];
        let is_in = |position: usize| {
            let bits = tables.alphabet.row_of(window[position]);
            row(position) & bits == bits
        };
        (0..tables.positions).all(is_in)
    })
}

#[test]
fn every_tier_finds_the_same_buckets() {
    let mut symbols = [[0; STRIPE_BYTES + SLACK_BYTES]; 2];
    let mix = std::array::from_fn(|nibble| random(7, 16)[nibble] & 15);
    for tier in Tier::available() {
        let alphabets = match tier {
            Tier::Scalar => vec![Alphabet::Mixed(mix), Alphabet::Nibbles, Alphabet::Low7],
            Tier::Avx512Vbmi => vec![Alphabet::Low7],
            _ => vec![Alphabet::Mixed(mix), Alphabet::Nibbles],
        };
        for (alphabet, positions) in
            alphabets.into_iter().flat_map(|alphabet| [4, 6, 8].map(|count| (alphabet, count)))
        {
            for sets in [1, 2, 4] {
                let (tables, rows) = tables(alphabet, positions, sets);
                for blocks in 0..=STRIPE_BLOCKS {
                    let text = random(blocks as u64 + 1, blocks * BLOCK_BYTES + SLACK_BYTES);
                    let mut masks = vec![0; blocks];
                    bucket_masks(tier, &tables, &text, &mut masks, &mut symbols);
                    for place in 0..blocks * BLOCK_BYTES {
                        let bit = masks[place / BLOCK_BYTES] >> (place % BLOCK_BYTES) & 1 == 1;
                        let is_there = expected(&tables, &rows, &text[place..]);
                        assert_eq!(bit, is_there, "{tier:?} {alphabet:?} {positions} {sets} at {place}");
                    }
                }
            }
        }
        println!("tier {}: masks are right", tier.as_str());
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
    let (tables, _) = tables(Alphabet::Nibbles, 4, 1);
    bucket_masks(
        Tier::Scalar,
        &tables,
        &[0; BLOCK_BYTES],
        &mut [0],
        &mut [[0; STRIPE_BYTES + SLACK_BYTES]; 2],
    );
}

#[test]
fn every_tier_finds_the_same_grams() {
    let text = random(3, 40 * 4 * GRAMS_AT_ONCE);
    let grams = || text.as_chunks().0.iter().map(|gram| u32::from_le_bytes(*gram));
    for bits in [5, 9, 15, 20] {
        let set = GramSet::new(bits, grams().step_by(5).take(1 << (bits - 2)));
        for (tier, count) in Tier::available().flat_map(|tier| [0, 1, 39, 40].map(|count| (tier, count))) {
            let mut masks = vec![0; count];
            gram_masks(tier, &set, &text, &mut masks);
            for (at, gram) in grams().take(count * GRAMS_AT_ONCE).enumerate() {
                let bit = masks[at / GRAMS_AT_ONCE] >> (at % GRAMS_AT_ONCE) & 1 == 1;
                assert_eq!(bit, set.may_have(gram), "{tier:?} at {at}");
            }
        }
    }
}

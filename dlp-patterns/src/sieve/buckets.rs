//! Puts similar windows into one bucket, so that few buckets stand for all of them.

use crate::compile::window::Window;
use crate::frequency::Frequency;
use crate::limits::WINDOW_BYTES;
use crate::simd::{Alphabet, BucketTables, Tier};

/// Estimated cost of a look at one position for eight buckets, for each byte, in thousandths of that of a candidate that
/// gets through.
const LOOK_COST: f64 = 0.0022;

/// Alphabets that are tried out.
const ALPHABETS_TRIED: usize = 48;

/// A group of windows: which symbols stand at each position of any of them, one bit for each.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bucket {
    symbols: [u128; WINDOW_BYTES],
    /// The chance that it is hit at a given place.
    chance: f64,
}

/// The tables for these windows that let the least through for what they cost.
pub(super) fn tables(windows: &[Window], tier: Tier, frequency: &Frequency) -> BucketTables {
    let symbols = tier.symbols();
    let alphabet = best_alphabet(windows, symbols, frequency);
    let chances = chances(&alphabet, symbols, frequency);
    let mut best: Option<(f64, BucketTables)> = None;
    for positions in [4, 6, 8] {
        let mut buckets = Clusters::new(windows, &alphabet, symbols, positions, &chances);
        for sets in [4, 2, 1] {
            buckets.merge_down_to(sets * 8);
            let cost = buckets.chance() + LOOK_COST * (positions * sets) as f64;
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, buckets.to_tables(alphabet, symbols, positions, sets)));
            }
        }
    }
    best.expect("several were tried").1
}

/// The alphabet whose symbols tell the windows best from what else is there.
fn best_alphabet(windows: &[Window], symbols: usize, frequency: &Frequency) -> Alphabet {
    let mut best = Alphabet { high: [0; 16] };
    if symbols != 16 {
        return best;
    }
    let sample: Vec<&Window> = windows.iter().step_by(windows.len().div_ceil(256)).collect();
    let mut least = f64::INFINITY;
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..ALPHABETS_TRIED {
        let mut high = [0; 16];
        for nibble in &mut high {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            *nibble = (random >> 40) as u8 & 15;
        }
        // Both cases of a letter are one symbol: most windows take either.
        (high[6], high[7]) = (high[4], high[5]);
        let alphabet = Alphabet { high };
        let chances = chances(&alphabet, symbols, frequency);
        let cost: f64 = sample
            .iter()
            .map(|window| chance(&symbols_of(window, &alphabet, symbols), &chances).powf(0.5))
            .sum();
        if cost < least {
            (least, best) = (cost, alphabet);
        }
    }
    best
}

fn symbol_of(byte: u8, alphabet: &Alphabet, symbols: usize) -> usize {
    usize::from(if symbols == 16 { alphabet.symbol(byte) } else { byte & 127 })
}

fn chances(alphabet: &Alphabet, symbols: usize, frequency: &Frequency) -> [f64; 128] {
    let mut chances = [0.0; 128];
    (0..=u8::MAX).for_each(|byte| chances[symbol_of(byte, alphabet, symbols)] += frequency.of_byte(byte));
    chances
}

fn symbols_of(window: &Window, alphabet: &Alphabet, symbols: usize) -> [u128; WINDOW_BYTES] {
    window.sets.map(|set| set.iter().fold(0, |row, byte| row | 1 << symbol_of(byte, alphabet, symbols)))
}

fn chance(symbols: &[u128], chances: &[f64; 128]) -> f64 {
    symbols.iter().map(|row| chance_of_row(*row, chances)).product()
}

fn chance_of_row(mut row: u128, chances: &[f64; 128]) -> f64 {
    let mut sum = 0.0;
    while row != 0 {
        sum += chances[row.trailing_zeros() as usize];
        row &= row - 1;
    }
    sum
}

/// Buckets that are merged two by two, always those that let the least more through.
struct Clusters<'c> {
    buckets: Vec<Bucket>,
    /// By bucket: the one before it that it is best merged with, and what that costs.
    nearest: Vec<(f64, usize)>,
    positions: usize,
    chances: &'c [f64; 128],
}

impl<'c> Clusters<'c> {
    fn new(
        windows: &[Window],
        alphabet: &Alphabet,
        symbols: usize,
        positions: usize,
        chances: &'c [f64; 128],
    ) -> Clusters<'c> {
        let mut rows: Vec<_> = windows
            .iter()
            .map(|window| {
                let mut rows = symbols_of(window, alphabet, symbols);
                // What isn't looked at tells nothing apart.
                rows[positions..].fill(0);
                rows
            })
            .collect();
        rows.sort_unstable();
        rows.dedup();
        let buckets: Vec<Bucket> = rows
            .into_iter()
            .map(|symbols| Bucket { symbols, chance: chance(&symbols[..positions], chances) })
            .collect();
        let mut clusters = Clusters { nearest: Vec::new(), buckets, positions, chances };
        clusters.nearest = (0..clusters.buckets.len()).map(|at| clusters.find_nearest(at)).collect();
        clusters
    }

    fn merged(&self, one: usize, other: usize) -> Bucket {
        let (one, other) = (&self.buckets[one], &self.buckets[other]);
        let symbols = std::array::from_fn(|position| one.symbols[position] | other.symbols[position]);
        Bucket { symbols, chance: chance(&symbols[..self.positions], self.chances) }
    }

    fn merge_cost(&self, one: usize, other: usize) -> f64 {
        self.merged(one, other).chance - self.buckets[one].chance - self.buckets[other].chance
    }

    fn find_nearest(&self, at: usize) -> (f64, usize) {
        let costs = (0..at).map(|other| (self.merge_cost(at, other), other));
        costs.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((f64::INFINITY, 0))
    }

    fn merge_down_to(&mut self, count: usize) {
        while self.buckets.len() > count {
            let costs = self.nearest.iter().enumerate();
            let (gone, &(_, stays)) = costs.min_by(|a, b| a.1.0.total_cmp(&b.1.0)).expect("there are some");
            self.buckets[stays] = self.merged(gone, stays);
            let last = self.buckets.len() - 1;
            self.buckets.swap_remove(gone);
            self.nearest.pop();
            for at in 0..self.buckets.len() {
                let (cost, nearest) = self.nearest[at];
                let is_stale = nearest == gone || nearest == stays || nearest == last || at == stays || at == gone;
                if is_stale {
                    self.nearest[at] = self.find_nearest(at);
                    continue;
                }
                // Buckets that have changed may have come nearer.
                for changed in [stays, gone] {
                    if changed < at && changed < self.buckets.len() {
                        let new = self.merge_cost(at, changed);
                        if new < cost {
                            self.nearest[at] = (new, changed);
                        }
                    }
                }
            }
        }
    }

    fn chance(&self) -> f64 {
        self.buckets.iter().map(|bucket| bucket.chance).sum()
    }

    fn to_tables(&self, alphabet: Alphabet, symbols: usize, positions: usize, sets: usize) -> BucketTables {
        let mut tables = vec![0; sets * positions * symbols];
        for (at, bucket) in self.buckets.iter().enumerate() {
            for position in 0..positions {
                for symbol in (0..symbols).filter(|symbol| bucket.symbols[position] >> symbol & 1 == 1) {
                    tables[((at / 8) * positions + position) * symbols + symbol] |= 1 << (at % 8);
                }
            }
        }
        BucketTables { alphabet, symbols, positions, sets, tables }
    }
}

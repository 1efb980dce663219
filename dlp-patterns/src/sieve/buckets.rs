//! Puts similar windows into one bucket, so that few buckets stand for all of them.

use crate::compile::window::Window;
use crate::frequency::Frequency;
use crate::limits::WINDOW_BYTES;
use crate::simd::{Alphabet, BucketTables, Tier};

/// What a look-up at one position for eight buckets costs a byte, when a place that gets through costs 1.
const LOOK_UP_COST: f64 = 0.003;

/// Mixes that are tried out.
const MIXES_TRIED: usize = 48;

/// A group of windows: the row of the bytes at each position of any of them.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bucket {
    rows: [u128; WINDOW_BYTES],
    /// The chance that it is hit at a given place.
    chance: f64,
}

/// Tables, and what they cost a byte, when looking at a place that gets through costs 1.
#[derive(Debug)]
pub(super) struct Priced {
    pub(super) tables: BucketTables,
    /// The chance that a place gets through.
    pub(super) chance: f64,
    pub(super) cost: f64,
}

/// The tables for these windows that let the least through for what they cost.
pub(super) fn tables<'w>(
    windows: impl Iterator<Item = &'w Window>,
    tier: Tier,
    frequency: &Frequency,
) -> Priced {
    let windows: Vec<Window> = windows.copied().collect();
    let alphabets = if tier == Tier::Avx512Vbmi {
        vec![(Alphabet::Low7, 1.0)]
    } else {
        vec![(best_mix(&windows, frequency), 1.0), (Alphabet::Nibbles, 2.3)]
    };
    let mut best: Option<Priced> = None;
    for (alphabet, look_ups) in alphabets {
        let chances = Chances::new(alphabet, frequency);
        for positions in [4, 6, 8] {
            let mut buckets = Clusters::new(&windows, positions, &chances);
            for sets in [4, 2, 1] {
                buckets.merge_down_to(sets * 8);
                let chance = buckets.chance();
                let cost = chance + LOOK_UP_COST * look_ups * (positions * sets) as f64;
                if best.as_ref().is_none_or(|best| cost < best.cost) {
                    best = Some(Priced { tables: buckets.to_tables(positions, sets), chance, cost });
                }
            }
        }
    }
    best.expect("several were tried")
}

/// The mix whose symbols tell the windows best from what else is there.
fn best_mix(windows: &[Window], frequency: &Frequency) -> Alphabet {
    let sample: Vec<&Window> = windows.iter().step_by(windows.len().div_ceil(256)).collect();
    let mut best = (f64::INFINITY, Alphabet::Mixed([0; 16]));
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..MIXES_TRIED {
        let mut mix = [0; 16];
        for nibble in &mut mix {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            *nibble = (random >> 40) as u8 & 15;
        }
        // Both cases of a letter are one symbol: most windows take either.
        (mix[6], mix[7]) = (mix[4], mix[5]);
        let chances = Chances::new(Alphabet::Mixed(mix), frequency);
        let cost = sample.iter().map(|window| chances.of(&chances.rows(window)).sqrt()).sum();
        if cost < best.0 {
            best = (cost, chances.alphabet);
        }
    }
    best.1
}

/// How much an alphabet lets through.
struct Chances {
    alphabet: Alphabet,
    /// For each eight symbols, by which of them are in a row: the chance of any of these. The symbols of nibbles are bytes.
    of_eight: Vec<[f64; 256]>,
}

impl Chances {
    fn new(alphabet: Alphabet, frequency: &Frequency) -> Chances {
        let symbols = if alphabet == Alphabet::Nibbles { 256 } else { alphabet.table_bytes() };
        let mut chances = vec![0.0; symbols];
        for byte in 0..=u8::MAX {
            let symbol = match alphabet {
                Alphabet::Nibbles => usize::from(byte),
                _ => alphabet.row_of(byte).trailing_zeros() as usize,
            };
            chances[symbol] += frequency.of_byte(byte);
        }
        let of_eight = chances.as_chunks::<8>().0.iter().map(|chances| {
            let mut sums = [0.0; 256];
            for row in 1..sums.len() {
                // That of the row without its lowest symbol is known.
                sums[row] = sums[row & (row - 1)] + chances[row.trailing_zeros() as usize];
            }
            sums
        });
        Chances { alphabet, of_eight: of_eight.collect() }
    }

    fn rows(&self, window: &Window) -> [u128; WINDOW_BYTES] {
        window.sets.map(|set| set.iter().fold(0, |row, byte| row | self.alphabet.row_of(byte)))
    }

    /// The chance that rows are all hit.
    fn of(&self, rows: &[u128]) -> f64 {
        rows.iter().map(|row| self.of_row(*row)).product()
    }

    fn of_row(&self, row: u128) -> f64 {
        let sum = |of_eight: &[[f64; 256]], row: u128| -> f64 {
            of_eight.iter().zip(row.to_le_bytes()).map(|(sums, symbols)| sums[usize::from(symbols)]).sum()
        };
        if self.alphabet != Alphabet::Nibbles {
            return sum(&self.of_eight, row);
        }
        let with_high = self.of_eight.as_chunks::<2>().0.iter().enumerate();
        let with_high = with_high.filter(|(high, _)| row >> (16 + high) & 1 == 1);
        with_high.map(|(_, of_low)| sum(of_low, row)).sum()
    }
}

/// Buckets that are merged two by two, always those that let the least more through.
struct Clusters<'c> {
    buckets: Vec<Bucket>,
    /// By bucket: the one before it that it is best merged with, and what that costs.
    nearest: Vec<(f64, usize)>,
    positions: usize,
    chances: &'c Chances,
}

impl<'c> Clusters<'c> {
    fn new(windows: &[Window], positions: usize, chances: &'c Chances) -> Clusters<'c> {
        let mut all_rows: Vec<_> = windows
            .iter()
            .map(|window| {
                let mut rows = chances.rows(window);
                // What isn't looked at tells nothing apart.
                rows[positions..].fill(0);
                rows
            })
            .collect();
        all_rows.sort_unstable();
        all_rows.dedup();
        let bucket = |rows: [u128; WINDOW_BYTES]| Bucket { rows, chance: chances.of(&rows[..positions]) };
        let buckets: Vec<Bucket> = all_rows.into_iter().map(bucket).collect();
        let mut clusters = Clusters { nearest: Vec::new(), buckets, positions, chances };
        clusters.nearest = (0..clusters.buckets.len()).map(|at| clusters.find_nearest(at)).collect();
        clusters
    }

    fn merged(&self, one: usize, other: usize) -> Bucket {
        let (one, other) = (&self.buckets[one], &self.buckets[other]);
        let rows = std::array::from_fn(|position| one.rows[position] | other.rows[position]);
        Bucket { rows, chance: self.chances.of(&rows[..self.positions]) }
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
                let is_stale =
                    nearest == gone || nearest == stays || nearest == last || at == stays || at == gone;
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

    fn to_tables(&self, positions: usize, sets: usize) -> BucketTables {
        let alphabet = self.chances.alphabet;
        let table_bytes = alphabet.table_bytes();
        let mut tables = vec![0; sets * positions * table_bytes];
        for (at, bucket) in self.buckets.iter().enumerate() {
            for (position, row) in bucket.rows[..positions].iter().enumerate() {
                for bit in (0..table_bytes).filter(|bit| row >> bit & 1 == 1) {
                    tables[((at / 8) * positions + position) * table_bytes + bit] |= 1 << (at % 8);
                }
            }
        }
        BucketTables { alphabet, positions, sets, tables }
    }
}

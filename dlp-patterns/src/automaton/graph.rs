//! An automaton while it is made.

use rustc_hash::FxHashMap;

use super::{DEAD, Kind, State, outcome};
use crate::byte_set::ByteSet;
use crate::limits::MINIMIZED_CELLS_MAX;

/// A state.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Bits of [`outcome`](super::outcome).
    pub(super) outcome: u8,
    pub(super) matches_at_end: bool,
    /// By column.
    pub(super) next: Vec<State>,
}

/// States and the bytes that lead from one to another. The first one is dead.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) starts: [State; Kind::COUNT],
    /// By byte.
    pub(super) column_of: [u8; 256],
}

impl Graph {
    /// The states of a row of bytes, each in its set: as few as can be.
    pub(super) fn of_row(sets: &[ByteSet]) -> Graph {
        let (column_of, representatives) = columns(sets);
        let node = |outcome| Node { outcome, matches_at_end: false, next: vec![DEAD; representatives.len()] };
        let mut nodes = vec![node(outcome::DEAD), node(outcome::MATCH | outcome::DEAD)];
        let [matched, first] = [1, 2];
        for (at, set) in sets.iter().enumerate() {
            let is_last = at + 1 == sets.len();
            let next =
                if is_last { matched } else { first + State::try_from(at + 1).expect("rows are short") };
            let next_of = |byte: &u8| if set.contains(*byte) { next } else { DEAD };
            let next = representatives.iter().map(next_of).collect();
            nodes.push(Node { outcome: 0, matches_at_end: false, next });
        }
        Graph { nodes, starts: [first; Kind::COUNT], column_of }
    }

    /// The same automaton with as few states as can be, those with an outcome first: Moore's refinement, which parts
    /// states until those that are left together can't be told apart. Where that would take more than
    /// [`MINIMIZED_CELLS_MAX`], there are as many states as before.
    pub(super) fn minimized(&self) -> Graph {
        let (blocks, count) = self.blocks().unwrap_or_else(|| {
            let each = (0..self.nodes.len()).map(|at| State::try_from(at).expect("no more than states"));
            (each.collect(), self.nodes.len())
        });
        let mut members: Vec<usize> = vec![usize::MAX; count];
        for (at, &block) in blocks.iter().enumerate().rev() {
            members[usize::from(block)] = at;
        }
        // The dead state is first already; the sort is stable.
        members.sort_by_key(|&at| (self.nodes[at].outcome == 0, at));
        let mut number_of = vec![DEAD; count];
        for (number, &at) in members.iter().enumerate() {
            number_of[usize::from(blocks[at])] = State::try_from(number).expect("no more than there were");
        }
        let renamed = |state: State| number_of[usize::from(blocks[usize::from(state)])];
        let nodes = members.iter().map(|&at| {
            let node = &self.nodes[at];
            Node { next: node.next.iter().map(|next| renamed(*next)).collect(), ..node.clone() }
        });
        Graph { nodes: nodes.collect(), starts: self.starts.map(renamed), column_of: self.column_of }
    }

    /// Which states can't be told apart, as the same number, and how many numbers there are; `None` if that is too much work.
    fn blocks(&self) -> Option<(Vec<State>, usize)> {
        let cells: usize = self.nodes.iter().map(|node| node.next.len()).sum();
        let (mut blocks, mut count) = (Vec::new(), 0);
        for _ in 0..=MINIMIZED_CELLS_MAX / cells.max(1) {
            let (refined, refined_count) = self.refined(&blocks);
            if refined_count == count {
                return Some((refined, count));
            }
            (blocks, count) = (refined, refined_count);
        }
        None
    }

    /// Parts the states of a block whose bytes lead to different blocks; and how many blocks that makes.
    fn refined(&self, blocks: &[State]) -> (Vec<State>, usize) {
        let block_of = |state: usize| blocks.get(state).copied().unwrap_or(0);
        let mut rows: Vec<State> = Vec::new();
        for (at, node) in self.nodes.iter().enumerate() {
            rows.push(block_of(at));
            rows.push(State::from(node.outcome) << 1 | State::from(node.matches_at_end));
            rows.extend(node.next.iter().map(|next| block_of(usize::from(*next))));
        }
        let width = rows.len() / self.nodes.len();
        let mut known: FxHashMap<&[State], State> = FxHashMap::default();
        let refined = rows.chunks_exact(width).map(|row| {
            let fresh = State::try_from(known.len()).expect("no more blocks than states");
            *known.entry(row).or_insert(fresh)
        });
        let refined = refined.collect();
        (refined, known.len())
    }

    /// Which class each byte is in, when bytes that lead to the same states from everywhere are one class; and by class a
    /// column that stands for it.
    pub(super) fn byte_classes(&self) -> ([u8; 256], Vec<usize>) {
        let mut columns: Vec<usize> = Vec::new();
        let mut known: FxHashMap<Vec<State>, u8> = FxHashMap::default();
        let width = self.nodes.first().map_or(0, |node| node.next.len());
        let class_of: Vec<u8> = (0..width)
            .map(|column| {
                let leads_to = self.nodes.iter().map(|node| node.next[column]).collect();
                *known.entry(leads_to).or_insert_with(|| {
                    columns.push(column);
                    u8::try_from(columns.len() - 1).expect("there are at most 256 columns")
                })
            })
            .collect();
        (std::array::from_fn(|byte| class_of[usize::from(self.column_of[byte])]), columns)
    }
}

/// Which column each byte is in, when bytes that are in the same of the sets share one; and a byte of each column.
fn columns(sets: &[ByteSet]) -> ([u8; 256], Vec<u8>) {
    let mut column_of = [0_u8; 256];
    let mut count = 1_u16;
    for set in sets {
        // Each column that has bytes in and out of the set is parted.
        let mut parted = [None; 256];
        let mut has_out = [false; 256];
        (0..=u8::MAX)
            .filter(|byte| !set.contains(*byte))
            .for_each(|byte| has_out[usize::from(column_of[usize::from(byte)])] = true);
        for byte in set.iter().map(usize::from) {
            let column = usize::from(column_of[byte]);
            if has_out[column] {
                column_of[byte] = *parted[column].get_or_insert_with(|| {
                    count += 1;
                    // There are no more columns than bytes.
                    u8::try_from(count - 1).expect("each column has a byte of its own")
                });
            }
        }
    }
    let first_of = |column| (0..=u8::MAX).find(|byte| u16::from(column_of[usize::from(*byte)]) == column);
    let representatives = (0..count).filter_map(first_of).collect();
    (column_of, representatives)
}

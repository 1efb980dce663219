//! An automaton that is simulated: small for patterns whose tables would be huge, and slower.

use arrayvec::ArrayVec;
use regex_syntax::hir::Hir;
use serde::{Deserialize, Serialize};

mod build;
mod marks;

use crate::automaton::Kind;
use crate::byte_set::ByteSet;
use crate::limits::NFA_POSITIONS_MAX;
use marks::Marks;

/// A place of a pattern at which a byte is read, by number; the first one stands before everything and reads none.
type Position = u16;

const START: Position = 0;

/// Where an edge leads that ends a match.
const ACCEPT: Position = Position::MAX;

/// A way into the pattern that has read all bytes so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Thread {
    position: Position,
    /// Offset of the first byte of its match within the field.
    start: u64,
}

impl Thread {
    /// Offset of the first byte of its match within the field.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }
}

/// Threads of one automaton. Of those that have come to the same position the one that starts last speaks for all: what
/// they will match is the same, and of matches with the same end the latest start counts.
///
/// Invariant: no two have the same position; a later start stands first.
pub(crate) type Threads = ArrayVec<Thread, NFA_POSITIONS_MAX>;

/// From one position to the next.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Edge {
    to: Position,
    /// A bit for each pair of [`Kind`]s between which it may be gone.
    between: u32,
}

/// What a byte brought about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// The latest start of a match that ends before the byte, and is certain because of it.
    pub(crate) before: Option<u64>,
    /// The latest start of a match that ends with the byte, whatever comes next.
    pub(crate) now: Option<u64>,
    /// Edges that were looked at.
    pub(crate) steps: u32,
}

/// The positions of a pattern, and how they follow each other. There are no empty moves: look-around is on the edges.
///
/// Invariant: `edges_of` has one more entry than there are positions, ascending; a byte costs at most as many steps as
/// there are edges.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Nfa {
    /// By position: what it reads, as an index into `sets`.
    reads: Vec<u16>,
    sets: Vec<ByteSet>,
    /// By position: where its edges begin in `edges`.
    edges_of: Vec<u32>,
    edges: Vec<Edge>,
    /// By position: a bit for each [`Kind`] of byte behind which a match is certain.
    certain: Vec<u8>,
    /// What a match may begin with.
    first: ByteSet,
}

impl Nfa {
    /// Builds an automaton; `None` if it would have more than [`NFA_POSITIONS_MAX`] positions or
    /// [`NFA_EDGES_MAX`](crate::limits::NFA_EDGES_MAX) edges.
    pub(crate) fn new(pattern: &Hir) -> Option<Nfa> {
        build::nfa(pattern)
    }

    /// Whether each number is in range, so that it can read whatever comes: it may be from a file.
    pub(crate) fn is_sound(&self) -> bool {
        let positions = self.positions();
        // Nothing leads to the start.
        let is_edge = |edge: &Edge| edge.to == ACCEPT || (1..positions).contains(&usize::from(edge.to));
        (1..=NFA_POSITIONS_MAX).contains(&positions)
            && self.certain.len() == positions
            && self.reads.iter().skip(1).all(|set| usize::from(*set) < self.sets.len())
            && self.edges_of.len() == positions + 1
            && self.edges_of.is_sorted()
            && self.edges_of.last().is_some_and(|end| *end as usize <= self.edges.len())
            && self.edges.iter().all(is_edge)
            // No match is empty.
            && self.edges_from(START).iter().all(|edge| edge.to != ACCEPT)
    }

    /// Whether a match may begin with the byte.
    #[inline]
    pub(crate) fn may_begin_with(&self, byte: u8) -> bool {
        self.first.contains(byte)
    }

    /// Lets threads read a byte, and one that begins at it if `begun` is its start; `next` becomes those that are left.
    /// `behind` is what stands before the byte; `None` is the begin of the field.
    pub(crate) fn step(
        &self,
        threads: &[Thread],
        begun: Option<u64>,
        (behind, byte): (Option<u8>, u8),
        next: &mut Threads,
    ) -> Said {
        let mut said = Said::default();
        next.clear();
        let mut marks = Marks::default();
        let between = Kind::of(behind).before(Kind::of(Some(byte)));
        for thread in with_begun(threads, begun) {
            let edges = self.edges_from(thread.position);
            said.steps += edges.len() as u32;
            for edge in edges.iter().filter(|edge| edge.between & between != 0) {
                if edge.to == ACCEPT {
                    if !self.is_certain(thread.position, behind) {
                        said.before = said.before.or(Some(thread.start));
                    }
                    continue;
                }
                if !self.set_of(edge.to).contains(byte) || !marks.set(edge.to) {
                    continue;
                }
                next.push(Thread { position: edge.to, ..thread });
                if self.is_certain(edge.to, Some(byte)) {
                    said.now = said.now.or(Some(thread.start));
                }
            }
        }
        said
    }

    /// The latest start of a match that is there if the field ends here, behind `behind`, and wasn't said before.
    pub(crate) fn matches_at_end(&self, threads: &[Thread], behind: Option<u8>) -> Option<u64> {
        let between = Kind::of(behind).before(Kind::of(None));
        let is_match = |thread: &&Thread| {
            let mut edges = self.edges_from(thread.position).iter();
            !self.is_certain(thread.position, behind)
                && edges.any(|edge| edge.to == ACCEPT && edge.between & between != 0)
        };
        threads.iter().find(is_match).map(Thread::start)
    }

    /// How many positions it has.
    pub(crate) fn positions(&self) -> usize {
        self.reads.len()
    }

    /// Its memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Nfa>()
            + size_of_val(self.reads.as_slice())
            + size_of_val(self.sets.as_slice())
            + size_of_val(self.edges_of.as_slice())
            + size_of_val(self.edges.as_slice())
            + self.certain.len()
    }

    #[inline]
    fn edges_from(&self, position: Position) -> &[Edge] {
        let at = usize::from(position);
        &self.edges[self.edges_of[at] as usize..self.edges_of[at + 1] as usize]
    }

    /// Whether a match ends at a position that has read `byte`, whatever comes next.
    #[inline]
    fn is_certain(&self, position: Position, byte: Option<u8>) -> bool {
        self.certain[usize::from(position)] >> Kind::of(byte) as u8 & 1 == 1
    }

    #[inline]
    fn set_of(&self, position: Position) -> &ByteSet {
        &self.sets[usize::from(self.reads[usize::from(position)])]
    }
}

/// The threads, and one at the start of the pattern where its own start has it stand.
fn with_begun(threads: &[Thread], begun: Option<u64>) -> impl Iterator<Item = Thread> + '_ {
    let later = begun.map_or(0, |begun| threads.partition_point(|thread| thread.start > begun));
    let (later, others) = threads.split_at(later);
    let begun = begun.map(|start| Thread { position: START, start });
    later.iter().copied().chain(begun).chain(others.iter().copied())
}

/// Makes `joined` the threads of both.
pub(crate) fn join(ones: &[Thread], others: &[Thread], joined: &mut Threads) {
    joined.clear();
    let mut marks = Marks::default();
    let (mut ones, mut others) = (ones.iter().peekable(), others.iter().peekable());
    loop {
        let next = match (ones.peek(), others.peek()) {
            (Some(one), Some(other)) if one.start < other.start => others.next(),
            (Some(_), _) => ones.next(),
            (None, _) => others.next(),
        };
        let Some(thread) = next else { break };
        if marks.set(thread.position) {
            joined.push(*thread);
        }
    }
}

#[cfg(test)]
mod tests;

//! Automata that read every byte, some of them in step with each other.

use arrayvec::ArrayVec;

use super::run::everywhere_of;
use crate::automaton::{Automaton, State};
use crate::context::Context;
use crate::rule_set::RuleSet;

/// Automata that read in step. Each waits for what its last byte has led to; meanwhile the others go on. More than these
/// don't fit into the registers.
const LANES: usize = 4;

/// An automaton on its way through a chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'r> {
    pub(super) automaton: &'r Automaton,
    /// Which of the automata of its context it is.
    pub(super) index: usize,
    /// Whose chunk it reads, as a number that the caller gave.
    pub(super) owner: usize,
    pub(super) state: State,
    pub(super) chunk: &'r [u8],
    /// How many bytes of the chunk it has read.
    pub(super) at: usize,
    /// The place at which its next match may begin.
    pub(super) earliest: isize,
    /// What looking at its matches has cost, in steps.
    pub(super) spent: u64,
}

impl<'r> Reader<'r> {
    /// One of the automata of a context, and the owner's chunk, which it comes to in a state, and may match in from a
    /// place on.
    pub(super) fn new(
        rules: &'r RuleSet,
        context: &Context,
        (index, owner): (usize, usize),
        (state, earliest): (State, isize),
        chunk: &'r [u8],
    ) -> Reader<'r> {
        let automaton = &everywhere_of(rules.matcher(context.everywhere()[index])).forward;
        Reader { automaton, index, owner, state, chunk, at: 0, earliest, spent: 0 }
    }

    fn rest(&self) -> &'r [u8] {
        self.chunk.get(self.at..).unwrap_or_default()
    }
}

/// Automata that read in step, whoever they belong to.
///
/// Invariant: each has bytes left to read.
pub(super) struct Lanes<'r> {
    readers: ArrayVec<Reader<'r>, LANES>,
}

impl<'r> Lanes<'r> {
    pub(super) fn new() -> Lanes<'r> {
        Lanes { readers: ArrayVec::new() }
    }

    /// Takes one more, once there is room for it. Whoever stops meanwhile is told to `stopped`: because its state has
    /// something to say, or because its chunk is read. That says whether it has to go on, which takes bytes to read.
    pub(super) fn take(&mut self, reader: Reader<'r>, mut stopped: impl FnMut(&mut Reader<'r>) -> bool) {
        if reader.rest().is_empty() {
            return;
        }
        while self.readers.is_full() {
            self.go_on(&mut stopped);
        }
        self.readers.push(reader);
    }

    /// Lets all read what there is.
    pub(super) fn read_all(&mut self, mut stopped: impl FnMut(&mut Reader<'r>) -> bool) {
        while !self.readers.is_empty() {
            self.go_on(&mut stopped);
        }
    }

    fn go_on(&mut self, stopped: &mut impl FnMut(&mut Reader<'r>) -> bool) {
        match self.readers.as_mut_slice() {
            [] => {}
            [first] => step([first]),
            [first, second] => step([first, second]),
            [first, second, third] => step([first, second, third]),
            [first, second, third, fourth] => step([first, second, third, fourth]),
            _ => unreachable!("there are {LANES} lanes"),
        }
        self.readers.retain(|reader| {
            let has_stopped = reader.automaton.is_special(reader.state) || reader.rest().is_empty();
            !has_stopped || stopped(reader)
        });
    }
}

/// Lets automata read in step until the state of one has something to say, or one has read all.
fn step<const N: usize>(readers: [&mut Reader<'_>; N]) {
    let rests = readers.each_ref().map(|reader| reader.rest());
    let shortest = rests.iter().map(|rest| rest.len()).min().unwrap_or(0);
    let rests = rests.map(|rest| &rest[..shortest]);
    let automata = readers.each_ref().map(|reader| reader.automaton);
    let mut states = readers.each_ref().map(|reader| reader.state);
    let mut read = 0;
    let mut is_any_special = false;
    while read < shortest && !is_any_special {
        for lane in 0..N {
            states[lane] = automata[lane].next(states[lane], rests[lane][read]);
            is_any_special |= automata[lane].is_special(states[lane]);
        }
        read += 1;
    }
    for (reader, state) in readers.into_iter().zip(states) {
        reader.state = state;
        reader.at += read;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::automaton::{Ends, Reads};

    #[test]
    fn each_reads_its_own_bytes_and_stops_where_it_has_to_say_something() {
        let pattern = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse("ab");
        let automaton =
            Automaton::new(&pattern.expect("a regex"), Reads::ForwardFromAnywhere, Ends::All).expect("small");
        let chunks: [&[u8]; 7] = [b"ab", b"xxabxxab", b"", b"a", b"abababababab", b"xb", b"ba"];
        let mut stops = vec![Vec::new(); chunks.len()];
        let mut stopped = |reader: &mut Reader<'_>| {
            let is_match = automaton.is_special(reader.state);
            stops[reader.owner].push((reader.at, is_match));
            reader.at < reader.chunk.len()
        };
        let mut lanes = Lanes::new();
        for (owner, chunk) in chunks.into_iter().enumerate() {
            let state = automaton.start(None);
            let automaton = &automaton;
            let reader = Reader { automaton, index: 0, owner, state, chunk, at: 0, earliest: 0, spent: 0 };
            lanes.take(reader, &mut stopped);
        }
        lanes.read_all(&mut stopped);
        let all: Vec<_> = (1..=6).map(|pair| (2 * pair, true)).collect();
        let expected = [
            vec![(2, true)],
            vec![(4, true), (8, true)],
            vec![],
            vec![(1, false)],
            all,
            vec![(2, false)],
            vec![(2, false)],
        ];
        assert_eq!(stops, expected);
    }
}

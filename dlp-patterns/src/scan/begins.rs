//! Where a match begins that is known by its end.

use std::ops::Range;

use super::text::Text;
use crate::Hit;
use crate::automaton::{Automaton, State, outcome};

/// The places at which the matches that end at a place begin, the nearest first.
///
/// Invariant: bit n of `near` stands for the place n bytes before `end`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begins {
    end: isize,
    near: u128,
    is_longer: bool,
    read_bytes: u64,
}

const _: () = assert!(Hit::EXCERPT_BYTES_MAX < 128, "each place has a bit");

/// A byte of each kind that a look-around tells apart, and the end of the field.
const NEXT_KINDS: [Option<u8>; 5] = [None, Some(b'\n'), Some(b'\r'), Some(b'a'), Some(b' ')];

impl Begins {
    /// Looks for them within `places`, which are no more than an excerpt has, with an automaton that says all of them. If
    /// `is_certain`, what comes next may be anything, so that a match counts whatever it is.
    pub(super) fn of(backward: &Automaton, text: Text<'_>, places: Range<isize>, is_certain: bool) -> Begins {
        let of_state = |state| {
            let mut begins = Begins { end: places.end, near: 0, is_longer: false, read_bytes: 0 };
            let (goes_on, read_bytes) = each_begin(backward, state, text, places.clone(), |start| {
                if start < places.start {
                    begins.is_longer = true;
                } else {
                    begins.near |= 1 << (places.end - start);
                }
                false
            });
            begins.is_longer |= goes_on;
            Begins { read_bytes, ..begins }
        };
        if !is_certain {
            return of_state(backward.start(text.byte(places.end)));
        }
        let [first, others @ ..] = NEXT_KINDS.map(|next| backward.start(next));
        others.into_iter().filter(|state| *state != first).map(of_state).fold(
            of_state(first),
            |one, other| Begins {
                near: one.near & other.near,
                is_longer: one.is_longer && other.is_longer,
                read_bytes: one.read_bytes + other.read_bytes,
                ..one
            },
        )
    }

    /// The places that were looked at, the nearest to the end first.
    pub(super) fn near(self) -> impl Iterator<Item = isize> {
        let bits = std::iter::successors(Some(self.near), |bits| Some(bits & bits.wrapping_sub(1)));
        bits.take_while(|bits| *bits != 0).map(move |bits| self.end - bits.trailing_zeros() as isize)
    }

    /// The bytes that were read for that, some of them again and again.
    pub(super) fn read_bytes(self) -> u64 {
        self.read_bytes
    }

    /// Whether there may be more before the places that were looked at.
    pub(super) fn is_longer(self) -> bool {
        self.is_longer
    }
}

/// Tells `sink` the places at which a match that ends before `places.end` begins, the nearest first, until it says that this
/// is enough, or there are no more; `true` if there may be more before the places, and the bytes that were read. The automaton
/// starts in `state`.
pub(super) fn each_begin(
    backward: &Automaton,
    mut state: State,
    text: Text<'_>,
    places: Range<isize>,
    mut sink: impl FnMut(isize) -> bool,
) -> (bool, u64) {
    let mut at = places.end;
    let read = |at: isize| places.end.abs_diff(at) as u64;
    loop {
        let said = if backward.is_special(state) { backward.outcome(state) } else { 0 };
        let is_enough = [(outcome::MATCH_BEFORE, at + 1), (outcome::MATCH, at)]
            .into_iter()
            .any(|(bit, start)| said & bit != 0 && sink(start));
        if is_enough || said & outcome::DEAD != 0 {
            return (false, read(at));
        }
        // What stands before the earliest place bears on it.
        let Some(byte) = text.byte(at - 1).filter(|_| at >= places.start) else { break };
        at -= 1;
        state = backward.next(state, byte);
    }
    let is_begin = text.offset_of(at) == 0;
    if is_begin && backward.matches_at_end(state) {
        sink(at);
    }
    (!is_begin, read(at))
}

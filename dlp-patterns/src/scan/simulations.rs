//! The automata that are simulated, on their way through a field.

use std::iter::Peekable;
use std::ops::Range;
use std::{mem, slice};

use arrayvec::ArrayVec;

use super::kept::Kept;
use super::pending::{Match, Pending};
use super::text::Text;
use crate::compile::{Core, Found};
use crate::context::Context;
use crate::limits::{BEGUN_KEPT, BRANCHES_KEPT, THREADS_KEPT, THREADS_MAX};
use crate::matcher::{Matcher, MatcherId, Matches};
use crate::nfa::{self, Nfa, Said, Thread, Threads};
use crate::rule_set::RuleSet;

/// A branch of a matcher; the first one where it is simulated for every byte.
type Key = (MatcherId, u16);

/// A place where a match of a branch may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Begun {
    key: Key,
    /// Offset of the begin of the core.
    core: u64,
    /// Offset of the begin of the match.
    start: u64,
}

/// The threads of a branch.
#[derive(Debug)]
struct Live {
    key: Key,
    threads: Vec<Thread>,
}

/// What a scan is about to read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'r> {
    pub(super) rules: &'r RuleSet,
    pub(super) context: &'r Context,
    pub(super) text: Text<'r>,
}

/// The simulated branches of a field.
///
/// Windows say where matches may begin, in any order; then each branch reads the chunk once, whatever their number. So a
/// flood of windows costs no more than the positions of the pattern.
///
/// Invariant: no two of `live` are of the same branch; `begun` is empty between two chunks.
#[derive(Debug, Default)]
pub(super) struct Simulations {
    live: Vec<Live>,
    begun: Vec<Begun>,
    spare: Spare,
}

/// Memory of threads that are no more, for those of the next branches: branches come and go with each chunk.
///
/// Invariant: at most [`BRANCHES_KEPT`], all empty, of at most [`THREADS_KEPT`] each.
#[derive(Debug, Default)]
struct Spare(ArrayVec<Vec<Thread>, BRANCHES_KEPT>);

impl Spare {
    fn take(&mut self) -> Vec<Thread> {
        self.0.pop().unwrap_or_default()
    }

    fn give_back(&mut self, threads: &mut Vec<Thread>) {
        let mut threads = mem::take(threads);
        if threads.capacity() > 0 && !self.0.is_full() {
            threads.clear();
            threads.shrink_to(THREADS_KEPT);
            self.0.push(threads);
        }
    }
}

impl Simulations {
    /// A match of a branch may begin at `start`, and its core at `core`, in offsets.
    pub(super) fn begin(&mut self, key: Key, core: u64, start: u64) {
        self.begun.push(Begun { key, core, start });
    }

    /// Whether a match of a matcher that `counts` may be under way.
    pub(super) fn are_live(&self, counts: impl Fn(MatcherId) -> bool) -> bool {
        self.live.iter().any(|live| !live.threads.is_empty() && counts(live.key.0))
    }

    /// Whether the next chunk has nothing to be read for.
    pub(super) fn are_idle(&self) -> bool {
        self.live.is_empty() && self.begun.is_empty()
    }

    /// Reads the chunk, and notes matches; `false` if the steps were too few, or the threads too many.
    pub(super) fn read(&mut self, reading: Reading<'_>, kept: &mut Kept, steps: &mut u64) -> bool {
        let mut begun = mem::take(&mut self.begun);
        begun.sort_unstable();
        let everywhere = reading.context.simulated().iter().map(|matcher| (*matcher, 0));
        for key in everywhere.chain(begun.iter().map(|begun| begun.key)) {
            if !self.live.iter().any(|live| live.key == key) {
                self.live.push(Live { key, threads: self.spare.take() });
            }
        }
        let (mut room, mut is_enough) = (THREADS_MAX, true);
        let Simulations { live, spare, .. } = self;
        live.retain_mut(|live| {
            let outcome = live.read(reading, kept, &begun, steps);
            if !matches!(outcome, Outcome::Alive) {
                live.threads.clear();
            }
            let fits = live.threads.len() <= room;
            room = room.saturating_sub(live.threads.len());
            is_enough &= fits && !matches!(outcome, Outcome::Exhausted);
            let stays = fits && !live.threads.is_empty();
            if !stays {
                spare.give_back(&mut live.threads);
            }
            stays
        });
        begun.clear();
        begun.shrink_to(BEGUN_KEPT);
        self.begun = begun;
        is_enough
    }

    /// Notes the matches that are there because the field ends here.
    pub(super) fn finish(&mut self, reading: Reading<'_>, kept: &mut Kept) {
        let end = reading.text.offset_of(reading.text.end());
        let behind = reading.text.behind(reading.text.end()).flatten();
        for Live { key: (id, branch), mut threads } in self.live.drain(..) {
            let matcher = reading.rules.matcher(id);
            let start = nfa_of(matcher, branch).matches_at_end(&threads, behind);
            if let Some(start) = start.filter(|_| !kept.is_done(id)) {
                note(matcher, Match { matcher: id, start, end, moment: end + 1 }, &mut kept.pending);
            }
            self.spare.give_back(&mut threads);
        }
    }

    /// Forgets all, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.live.drain(..).for_each(|mut live| self.spare.give_back(&mut live.threads));
        self.begun.clear();
    }
}

impl Live {
    /// Lets the threads read the chunk, and those that begin in it.
    fn read(&mut self, reading: Reading<'_>, kept: &mut Kept, begun: &[Begun], steps: &mut u64) -> Outcome {
        let Live { key, threads } = self;
        if kept.is_done(key.0) {
            return Outcome::Over;
        }
        let matcher = reading.rules.matcher(key.0);
        // Matches of a matcher don't overlap.
        let earliest = kept.courses.end_of(matcher.rule(), matcher.part());
        threads.retain(|thread| thread.start() >= earliest);
        let from = begun.partition_point(|begun| begun.key < *key);
        let own = begun[from..].iter().take_while(|begun| begun.key == *key).count();
        let begun = begun[from..from + own].iter().peekable();
        let nfa = nfa_of(matcher, key.1);
        let mut reader = Reader { matcher, key: *key, nfa, text: reading.text, begun, steps };
        reader.read(threads, &mut kept.pending)
    }
}

/// How a branch came out of a chunk.
enum Outcome {
    Alive,
    /// No match of it matters any more.
    Over,
    Exhausted,
}

/// One branch on its way through a chunk.
struct Reader<'r, 's> {
    matcher: &'r Matcher,
    key: Key,
    nfa: &'r Nfa,
    text: Text<'r>,
    /// Where windows say that a match may begin, in ascending order.
    begun: Peekable<slice::Iter<'s, Begun>>,
    steps: &'s mut u64,
}

impl Reader<'_, '_> {
    /// Reads the chunk, and before it what a match has of the bytes before it that begins there.
    fn read(&mut self, threads: &mut Vec<Thread>, pending: &mut Pending) -> Outcome {
        let (mut now, mut next) = (Threads::new(), Threads::new());
        let first = self.begun.peek().map_or(0, |begun| self.text.place_of(begun.core));
        let caught_up = self.read_part((&mut now, &mut next), first.min(0)..0, pending);
        if !matches!(caught_up, Outcome::Alive) {
            return caught_up;
        }
        nfa::join(&now, threads, &mut next);
        let outcome = self.read_part((&mut next, &mut now), 0..self.text.end(), pending);
        threads.clear();
        threads.extend_from_slice(&next);
        outcome
    }

    /// Lets `threads` read the bytes of some places; `room` is where they may be put meanwhile.
    fn read_part(
        &mut self,
        (threads, room): (&mut Threads, &mut Threads),
        Range { start: from, end: to }: Range<isize>,
        pending: &mut Pending,
    ) -> Outcome {
        let (mut now, mut next) = (threads, room);
        let mut is_swapped = false;
        let mut at = from;
        while at < to {
            let (Some(behind), Some(byte)) = (self.text.behind(at), self.text.byte(at)) else {
                at += 1;
                continue;
            };
            let begun = self.begun_at(at, behind, byte);
            at += 1;
            if now.is_empty() && begun.is_none() {
                at = at.max(self.next_begin(to));
                continue;
            }
            let said = self.nfa.step(now, begun, (behind, byte), next);
            mem::swap(&mut now, &mut next);
            is_swapped = !is_swapped;
            let Some(left) = self.steps.checked_sub(u64::from(said.steps)) else {
                *self.steps = 0;
                return Outcome::Exhausted;
            };
            *self.steps = left;
            if self.note_said(said, at, pending) && self.matcher.matches() != Matches::Every {
                return Outcome::Over;
            }
        }
        if is_swapped {
            next.clear();
            next.extend(now.drain(..));
        }
        Outcome::Alive
    }

    /// The offset at which the match begins whose core may begin at a place.
    #[inline]
    fn begun_at(&mut self, at: isize, behind: Option<u8>, byte: u8) -> Option<u64> {
        if matches!(self.matcher.found(), Found::Simulated(_)) {
            let may_begin = self.nfa.may_begin_with(byte) && self.matcher.may_follow(behind);
            return may_begin.then_some(self.text.offset_of(at));
        }
        let offset = self.text.offset_of(at);
        let mut latest = None;
        while let Some(begun) = self.begun.next_if(|begun| begun.core == offset) {
            latest = latest.max(Some(begun.start));
        }
        latest
    }

    /// The next place from which on a match may begin, at most `to`.
    #[inline]
    fn next_begin(&mut self, to: isize) -> isize {
        if matches!(self.matcher.found(), Found::Simulated(_)) {
            return isize::MIN;
        }
        self.begun.peek().map_or(to, |begun| self.text.place_of(begun.core)).min(to)
    }

    /// Notes what was said of the byte before a place; `false` if nothing was.
    fn note_said(&self, said: Said, at: isize, pending: &mut Pending) -> bool {
        let moment = self.text.offset_of(at);
        for (start, end) in [(said.before, moment - 1), (said.now, moment)] {
            if let Some(start) = start {
                note(self.matcher, Match { matcher: self.key.0, start, end, moment }, pending);
            }
        }
        said.before.is_some() || said.now.is_some()
    }
}

/// Where each match of a matcher matters, of those with the same end the one that starts last is enough: if it overlaps
/// with a match before, so do the others.
fn note(matcher: &Matcher, found: Match, pending: &mut Pending) {
    match matcher.matches() {
        Matches::Every => pending.note(found),
        Matches::Hit | Matches::First => pending.note_best(found),
    }
}

fn nfa_of(matcher: &Matcher, branch: u16) -> &Nfa {
    match matcher.found() {
        Found::Simulated(nfa) => nfa,
        Found::ByWindows(branches) => match &branches[usize::from(branch)].core {
            Core::Simulated(nfa) => nfa,
            Core::Literal(_) | Core::Table(_) => unreachable!("only simulations are begun"),
        },
        Found::ByEveryByte(_) => unreachable!("it reads every byte by a table"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Field;
    use crate::scan::tests::{begun, compiled};

    #[test]
    fn the_memory_of_threads_outlives_them() {
        let rules = compiled(&["regex = 'a.{1,30}[a-d]{3}quagga.{0,99}x.{18}y'"]);
        let (mut state, mut hits) = (begun(&rules), Vec::new());
        let memory = |state: &crate::ScanState| {
            let simulations = &state.kept.as_ref().expect("something was under way").simulations;
            let live = simulations.live.iter().map(|live| live.threads.as_ptr());
            live.chain(simulations.spare.0.iter().map(Vec::as_ptr)).collect::<Vec<_>>()
        };
        let mut seen = Vec::new();
        for round in 0..4 {
            // The line end, and then the end of the field, leave nothing under way.
            for chunk in [&b"a123456abc"[..], b"quagga.....", b"...x...", b"..\n", b"abcabcquagga..."] {
                rules.scan(&mut state, chunk, &mut hits).expect("no overflow");
                if round > 0 || !seen.is_empty() || chunk.starts_with(b"quagga") {
                    seen.push(memory(&state));
                }
            }
            rules.finish(&mut state, &mut hits);
            rules.begin(&mut state, Field::Payload, crate::Direction::ToServer);
            seen.push(memory(&state));
        }
        assert!(seen.iter().all(|memory| memory.len() == 1 && memory == &seen[0]), "{seen:?}");
    }

    #[test]
    fn what_outlives_a_flood_is_bounded() {
        let mut spare = Spare::default();
        for threads in [0, 5000, 3, 5000, 5000, 5000, 5000] {
            spare.give_back(&mut Vec::with_capacity(threads));
        }
        assert_eq!(spare.0.len(), BRANCHES_KEPT);
        assert!(spare.0.iter().all(|threads| (1..=THREADS_KEPT).contains(&threads.capacity())));
    }
}
